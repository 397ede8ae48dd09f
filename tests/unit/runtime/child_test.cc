#include "agent/runtime/child.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

namespace clew {
namespace {

// Waits without reaping: that is left to poll_exit().
int exit_code_of(Child& child) {
  siginfo_t info{};
  EXPECT_EQ(waitid(P_PID, static_cast<id_t>(child.pid()), &info, WEXITED | WNOWAIT), 0);
  const auto code = child.poll_exit();
  EXPECT_TRUE(code);
  return code.value_or(-1);
}

Child prepared(std::vector<std::string> command_line) {
  auto child = Child::prepare(std::move(command_line));
  EXPECT_TRUE(child) << child.error().message;
  return std::move(*child);
}

bool exists(pid_t pid) {
  return kill(pid, 0) == 0;
}

TEST(Child, ExitsWithItsOwnCode) {
  for (const int code : {0, 1, 42, 255}) {
    Child child = prepared({"/bin/sh", "-c", "exit " + std::to_string(code)});
    ASSERT_TRUE(child.start());
    EXPECT_EQ(exit_code_of(child), code);
    EXPECT_EQ(child.poll_exit(), code) << "the code is remembered";
  }
}

TEST(Child, DiesBySignalAsAShellSaysIt) {
  Child child = prepared({"/bin/sleep", "60"});
  ASSERT_TRUE(child.start());
  EXPECT_FALSE(child.poll_exit());
  child.signal(SIGTERM);
  EXPECT_EQ(exit_code_of(child), 128 + SIGTERM);
  child.signal(SIGKILL);  // nobody: the pid may be another's by now
}

TEST(Child, DoesNotRunBeforeItIsStarted) {
  const auto file =
      std::filesystem::temp_directory_path() / ("clew_child_test_" + std::to_string(getpid()));
  std::filesystem::remove(file);
  {
    Child child = prepared({"/bin/sh", "-c", "echo ran > " + file.string()});
    EXPECT_TRUE(exists(child.pid()));
    EXPECT_FALSE(child.poll_exit());
    EXPECT_FALSE(std::filesystem::exists(file));
    ASSERT_TRUE(child.start());
    EXPECT_EQ(exit_code_of(child), 0);
  }
  EXPECT_TRUE(std::filesystem::exists(file));
  std::filesystem::remove(file);
}

TEST(Child, IsFoundInThePath) {
  Child child = prepared({"true"});
  ASSERT_TRUE(child.start());
  EXPECT_EQ(exit_code_of(child), 0);
}

TEST(Child, ArgumentsGoThroughUntouched) {
  Child child =
      prepared({"/bin/sh", "-c", "test \"$1\" = 'a b' && test -z \"$2\"", "sh", "a b", ""});
  ASSERT_TRUE(child.start());
  EXPECT_EQ(exit_code_of(child), 0);
}

TEST(Child, AMissingCommandIsAnError) {
  Child child = prepared({"/nowhere/at/all"});
  const auto started = child.start();
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, ENOENT);
  EXPECT_EQ(exit_code_of(child), 127);
}

TEST(Child, AFileThatIsNoProgramIsAnError) {
  Child child = prepared({"/etc/passwd"});
  const auto started = child.start();
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, EACCES);
  EXPECT_EQ(exit_code_of(child), 126);
}

TEST(Child, OneNeverStartedGoesAway) {
  pid_t pid = 0;
  {
    const Child child = prepared({"/bin/sleep", "60"});
    pid = child.pid();
    EXPECT_TRUE(exists(pid));
  }
  EXPECT_FALSE(exists(pid)) << "ended and reaped";
}

TEST(Child, OneThatWasMovedIsEndedOnce) {
  Child first = prepared({"/bin/sh", "-c", "exit 7"});
  const pid_t pid = first.pid();
  Child second = std::move(first);
  EXPECT_EQ(second.pid(), pid);
  ASSERT_TRUE(second.start());
  EXPECT_EQ(exit_code_of(second), 7);
}

// Its pipes must not leak into the command: it would see the other end of its own start.
TEST(Child, TheCommandHasNoFilesOfClews) {
  Child child = prepared({"/bin/sh", "-c", "exit $(ls /proc/self/fd | grep -vc '^[0123]$')"});
  ASSERT_TRUE(child.start());
  const int inherited = exit_code_of(child);
  // What this test program itself inherited without close-on-exec.
  int own = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    own += std::stoi(entry.path().filename().string()) > 3 ? 1 : 0;
  }
  EXPECT_LE(inherited, own);
}

TEST(Child, OneKilledBeforeItsStartIsAnError) {
  const auto before = ::signal(SIGPIPE, SIG_IGN);  // as the agent does
  Child child = prepared({"/bin/sleep", "60"});
  kill(child.pid(), SIGKILL);
  siginfo_t info{};
  ASSERT_EQ(waitid(P_PID, static_cast<id_t>(child.pid()), &info, WEXITED | WNOWAIT), 0);
  EXPECT_FALSE(child.start());
  EXPECT_EQ(child.poll_exit(), 128 + SIGKILL);
  ::signal(SIGPIPE, before);
}

}  // namespace
}  // namespace clew
