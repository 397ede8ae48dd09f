#include "exporter/file_sink.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "exporter/otlp_json.h"
#include "exporter/sample_spans.h"

namespace clew {
namespace {

using ::testing::HasSubstr;
using Outcome = Delivery::Outcome;

class FileSinkTest : public ::testing::Test {
 protected:
  FileSinkTest() {
    std::string name = (std::filesystem::temp_directory_path() / "clew-file-sink-XXXXXX").string();
    directory_ = mkdtemp(name.data());
  }
  ~FileSinkTest() override { std::filesystem::remove_all(directory_); }

  std::string path(const char* name = "spans.jsonl") const { return directory_ / name; }

  static std::string content(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }

  // The spans of each line; fails on a line that is not JSON.
  static std::vector<size_t> spans_by_line(const std::string& text) {
    std::vector<size_t> counts;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
      const auto json = nlohmann::json::parse(line, nullptr, false);
      EXPECT_FALSE(json.is_discarded()) << line.substr(0, 200);
      if (json.is_discarded()) return counts;
      counts.push_back(json["resourceSpans"][0]["scopeSpans"][0]["spans"].size());
    }
    return counts;
  }

  std::filesystem::path directory_;
};

TEST_F(FileSinkTest, AppendsALineForEachBatch) {
  for (int round = 0; round < 2; ++round) {
    auto sink = make_file_sink(path());
    ASSERT_TRUE(sink) << sink.error().message;
    EXPECT_EQ((*sink)->name(), "file " + path());
    EXPECT_EQ((*sink)->deliver(*sample_batch(3)).outcome, Outcome::Delivered);
    EXPECT_EQ((*sink)->deliver(SpanBatch()).outcome, Outcome::Delivered);
    EXPECT_EQ((*sink)->deliver(*sample_batch(5000)).outcome, Outcome::Delivered);  // several MB
    (*sink)->finish();
  }
  EXPECT_THAT(spans_by_line(content(path())), ::testing::ElementsAre(3, 5000, 3, 5000));
  EXPECT_TRUE(content(path()).ends_with("]}]}]}\n"));
  struct stat status{};
  ASSERT_EQ(stat(path().c_str(), &status), 0);
  const mode_t mask = umask(0);
  umask(mask);
  EXPECT_EQ(status.st_mode & 0777u, 0644u & ~mask);
}

TEST_F(FileSinkTest, SaysWhatCannotBeOpened) {
  const auto missing = make_file_sink(path("no/such/folder"));
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().message, HasSubstr("no/such/folder: No such file"));
  const auto directory = make_file_sink(directory_);
  ASSERT_FALSE(directory);
  EXPECT_THAT(directory.error().message, HasSubstr("directory"));
  EXPECT_FALSE(make_file_sink(""));
  ASSERT_EQ(mkfifo(path("fifo").c_str(), 0600), 0);
  const auto unread = make_file_sink(path("fifo"));
  ASSERT_FALSE(unread);
  EXPECT_THAT(unread.error().message, HasSubstr("nobody reads it"));
}

TEST_F(FileSinkTest, AFullDiskFailsTheBatchAndLeavesWholeLines) {
  auto sink = make_file_sink(path());
  ASSERT_TRUE(sink);
  ASSERT_EQ((*sink)->deliver(*sample_batch(2)).outcome, Outcome::Delivered);
  const auto size = std::filesystem::file_size(path());
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const rlimit limited{.rlim_cur = size + 1000, .rlim_max = before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &limited), 0);
  const Delivery failed = (*sink)->deliver(*sample_batch(20));
  const auto size_after = std::filesystem::file_size(path());
  setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_EQ(failed.outcome, Outcome::Failed);
  EXPECT_EQ(failed.message, "File too large");
  EXPECT_EQ(size_after, size);
  EXPECT_EQ((*sink)->deliver(*sample_batch(4)).outcome, Outcome::Delivered);
  EXPECT_THAT(spans_by_line(content(path())), ::testing::ElementsAre(2, 4));
}

TEST_F(FileSinkTest, ErrorsOfDevicesAreFailures) {
  auto sink = make_file_sink("/dev/full");
  ASSERT_TRUE(sink);
  const Delivery failed = (*sink)->deliver(*sample_batch(2));
  EXPECT_EQ(failed.outcome, Outcome::Failed);
  EXPECT_EQ(failed.message, "No space left on device");
}

// A FIFO whose reader this test is.
class FifoTest : public FileSinkTest {
 protected:
  FifoTest() {
    EXPECT_EQ(mkfifo(path("fifo").c_str(), 0600), 0);
    reader_ = open(path("fifo").c_str(), O_RDONLY | O_NONBLOCK);
  }
  ~FifoTest() override { close_reader(); }
  void close_reader() {
    if (reader_ >= 0) close(reader_);
    reader_ = -1;
  }
  std::string read_lines(size_t lines) {
    std::string text;
    while (std::ranges::count(text, '\n') < static_cast<ptrdiff_t>(lines)) {
      pollfd readable{.fd = reader_, .events = POLLIN, .revents = 0};
      if (poll(&readable, 1, 10'000) != 1) break;
      std::array<char, 5000> buffer;
      const ssize_t n = read(reader_, buffer.data(), buffer.size());
      if (n <= 0) break;
      text.append(buffer.data(), static_cast<size_t>(n));
    }
    return text;
  }
  int reader_;
};

TEST_F(FifoTest, PassesMoreThanThePipeHolds) {
  auto sink = make_file_sink(path("fifo"));
  ASSERT_TRUE(sink) << sink.error().message;
  std::thread writer([&] {
    EXPECT_EQ((*sink)->deliver(*sample_batch(500)).outcome, Outcome::Delivered);
    EXPECT_EQ((*sink)->deliver(*sample_batch(1)).outcome, Outcome::Delivered);
  });
  const std::string text = read_lines(2);
  writer.join();
  EXPECT_THAT(spans_by_line(text), ::testing::ElementsAre(500, 1));
}

TEST_F(FifoTest, AReaderThatLeftIsAnErrorAndNoSignal) {
  auto sink = make_file_sink(path("fifo"));
  ASSERT_TRUE(sink);
  close_reader();
  const Delivery failed = (*sink)->deliver(*sample_batch(1));
  EXPECT_EQ(failed.outcome, Outcome::Failed);
  EXPECT_EQ(failed.message, "Broken pipe");
  sigset_t pending;
  sigpending(&pending);
  EXPECT_EQ(sigismember(&pending, SIGPIPE), 0);

  reader_ = open(path("fifo").c_str(), O_RDONLY | O_NONBLOCK);
  EXPECT_EQ((*sink)->deliver(*sample_batch(2)).outcome, Outcome::Delivered);
  EXPECT_THAT(spans_by_line(read_lines(1)), ::testing::ElementsAre(2));
}

TEST_F(FifoTest, CancelFreesABlockedDelivery) {
  auto sink = make_file_sink(path("fifo"));
  ASSERT_TRUE(sink);
  std::thread canceller([&] {
    pollfd readable{.fd = reader_, .events = POLLIN, .revents = 0};
    poll(&readable, 1, 10'000);  // it has begun to write
    (*sink)->cancel();
  });
  EXPECT_EQ((*sink)->deliver(*sample_batch(5000)).outcome, Outcome::Retry);
  canceller.join();
}

TEST_F(FileSinkTest, StandardOutputUnderBothNames) {
  const int saved = dup(STDOUT_FILENO);
  const int file = open(path().c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  fflush(stdout);
  dup2(file, STDOUT_FILENO);
  for (const char* name : {"-", "/dev/stdout"}) {
    auto sink = make_file_sink(name);
    ASSERT_TRUE(sink);
    EXPECT_EQ((*sink)->name(), "standard output");
    EXPECT_EQ((*sink)->deliver(*sample_batch(2)).outcome, Outcome::Delivered);
  }
  dup2(saved, STDOUT_FILENO);
  close(saved);
  close(file);
  EXPECT_THAT(spans_by_line(content(path())), ::testing::ElementsAre(2, 2));
}

TEST_F(FileSinkTest, ATornLineThatCannotBeCutIsCompletedFirst) {
  const int saved = dup(STDOUT_FILENO);
  const int file = open(path().c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  fflush(stdout);
  dup2(file, STDOUT_FILENO);
  auto sink = make_file_sink("-");
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const rlimit limited{.rlim_cur = 1000, .rlim_max = before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &limited);
  const Delivery torn = (*sink)->deliver(*sample_batch(20));
  setrlimit(RLIMIT_FSIZE, &before);
  const Delivery next = (*sink)->deliver(*sample_batch(1));
  dup2(saved, STDOUT_FILENO);
  close(saved);
  close(file);
  EXPECT_EQ(torn.outcome, Outcome::Failed);
  EXPECT_EQ(next.outcome, Outcome::Delivered);
  EXPECT_THAT(spans_by_line(content(path())), ::testing::ElementsAre(20, 1));
}

}  // namespace
}  // namespace clew
