#include "symbolizer/executable_cache.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "tests/unit/symbolizer/memory_file.h"

namespace clew {
namespace {

void set_time(int fd, time_t seconds) {
  const timespec times[2] = {{seconds, 0}, {seconds, 0}};
  ASSERT_EQ(futimens(fd, times), 0);
}

// A program that waits until it is dropped.
class WaitingProcess {
 public:
  explicit WaitingProcess(const std::string& program) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return;
    pid_ = fork();
    if (pid_ == 0) {
      execl(program.c_str(), program.c_str(), "1000", nullptr);
      _exit(127);
    }
    // The pipe ends once exec() has closed the child's end.
    close(ends[1]);
    char byte = 0;
    EXPECT_EQ(read(ends[0], &byte, 1), 0);
    close(ends[0]);
  }
  WaitingProcess(const WaitingProcess&) = delete;
  WaitingProcess& operator=(const WaitingProcess&) = delete;
  ~WaitingProcess() { stop(); }

  uint32_t pid() const { return static_cast<uint32_t>(pid_); }
  void stop() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }

 private:
  pid_t pid_ = -1;
};

class ExecutableCacheTest : public testing::Test {
 protected:
  ExecutableCacheTest() { std::filesystem::create_directories(folder_); }
  ~ExecutableCacheTest() override { std::filesystem::remove_all(folder_); }

  const std::filesystem::path folder_ =
      std::filesystem::canonical(testing::TempDir()) / fmt::format("clew-symbolizer-{}", getpid());
};

TEST_F(ExecutableCacheTest, ReadsAFileOnce) {
  ExecutableCache cache;
  const auto content = content_of(CLEW_SAMPLE_PROGRAM);
  MemoryFile file(content);
  set_time(file.fd(), 1000);
  const auto first = cache.of_file(file.fd());
  ASSERT_TRUE(first);
  EXPECT_EQ(first->build_id, "0123456789abcdef");

  // No longer a program, but nothing shows it.
  file.write_at("none", 0);
  set_time(file.fd(), 1000);
  EXPECT_EQ(cache.of_file(file.fd()), first);

  set_time(file.fd(), 1001);
  EXPECT_EQ(cache.of_file(file.fd()), nullptr);
}

TEST_F(ExecutableCacheTest, RemembersThatAFileTellsNothing) {
  ExecutableCache cache;
  const auto content = content_of(CLEW_SAMPLE_PROGRAM);
  MemoryFile file(std::string(content.size(), 'x'));
  set_time(file.fd(), 1000);
  EXPECT_EQ(cache.of_file(file.fd()), nullptr);
  file.write_at(content, 0);
  set_time(file.fd(), 1000);
  EXPECT_EQ(cache.of_file(file.fd()), nullptr);
}

TEST_F(ExecutableCacheTest, ForgetsTheOldestWhenFull) {
  ExecutableCache cache(2);
  const auto content = content_of(CLEW_SAMPLE_PROGRAM);
  const MemoryFile a(content), b(content), c(content);
  const auto first = cache.of_file(a.fd());
  const auto second = cache.of_file(b.fd());
  EXPECT_EQ(cache.of_file(a.fd()), first);
  cache.of_file(c.fd());
  EXPECT_EQ(cache.of_file(b.fd()), second);
  EXPECT_NE(cache.of_file(a.fd()), first);
}

TEST_F(ExecutableCacheTest, FindsThisProcess) {
  ExecutableCache cache;
  const auto pid = static_cast<uint32_t>(getpid());
  const auto path = std::filesystem::read_symlink("/proc/self/exe").string();
  const auto info = cache.of_process(pid, path);
  ASSERT_TRUE(info);
  EXPECT_EQ(info->build_id, read_executable(path)->build_id);
  EXPECT_EQ(cache.of_process(pid, path), info);
  EXPECT_EQ(cache.of_process(pid, path + "x"), nullptr);
  EXPECT_EQ(cache.of_process(pid, ""), nullptr);
}

TEST_F(ExecutableCacheTest, AProcessThatEndedTellsNothing) {
  ExecutableCache cache;
  const auto program = (folder_ / "waits").string();
  std::filesystem::copy_file("/bin/sleep", program);
  WaitingProcess process(program);
  const auto pid = process.pid();
  EXPECT_TRUE(cache.of_process(pid, program));
  process.stop();
  EXPECT_EQ(cache.of_process(pid, program), nullptr);
}

TEST_F(ExecutableCacheTest, AProgramReplacedOnDiskIsReadAsItRuns) {
  ExecutableCache cache;
  const auto program = (folder_ / "waits").string();
  std::filesystem::copy_file("/bin/sleep", program);
  const WaitingProcess process(program);
  std::filesystem::remove(program);
  std::filesystem::copy_file(CLEW_SAMPLE_PROGRAM, program);
  const auto info = cache.of_process(process.pid(), program);
  ASSERT_TRUE(info);
  EXPECT_EQ(info->build_id, read_executable("/bin/sleep")->build_id);
}

}  // namespace
}  // namespace clew
