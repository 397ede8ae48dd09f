#include "exporter/export_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <functional>
#include <future>
#include <sstream>

#include "exporter/sample_spans.h"

namespace clew {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using Outcome = Delivery::Outcome;
using Clock = std::chrono::steady_clock;

// What the fake sink saw and does, shared with the test, which outlives it.
struct Script {
  std::mutex mutex;
  std::condition_variable changed;
  std::function<Delivery(const SpanBatch&, size_t call)> answer;
  std::vector<std::pair<uint64_t, Clock::time_point>> calls;  // first span's start time, when
  size_t idle_calls = 0;
  bool cancelled = false;
  bool finished = false;
  bool finished_last = true;

  template <typename Predicate>
  bool wait(Predicate predicate) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, 10s, [&] { return predicate(*this); });
  }
  bool wait_for_calls(size_t n) {
    return wait([n](Script& script) { return script.calls.size() >= n; });
  }
};

class FakeSink : public Sink {
 public:
  explicit FakeSink(std::shared_ptr<Script> script) : script_(std::move(script)) {}
  std::string_view name() const override { return "fake"; }
  Delivery deliver(const SpanBatch& batch) override {
    size_t call;
    {
      const std::lock_guard lock(script_->mutex);
      if (script_->finished) script_->finished_last = false;
      call = script_->calls.size();
      script_->calls.emplace_back(id_of(batch), Clock::now());
      script_->changed.notify_all();
    }
    return script_->answer ? script_->answer(batch, call) : Delivery{};
  }
  void idle() override {
    note([](Script& script) { ++script.idle_calls; });
  }
  void cancel() override {
    note([](Script& script) { script.cancelled = true; });
  }
  void finish() override {
    note([](Script& script) { script.finished = true; });
  }

  static uint64_t id_of(const SpanBatch& batch) { return batch.spans()[0].span_id[0]; }

 private:
  template <typename Change>
  void note(Change change) {
    const std::lock_guard lock(script_->mutex);
    change(*script_);
    script_->changed.notify_all();
  }
  std::shared_ptr<Script> script_;
};

class ExportQueueTest : public ::testing::Test {
 protected:
  ExportQueueTest() : before_(spdlog::default_logger()) {
    auto logger = std::make_shared<spdlog::logger>(
        "test", std::make_shared<spdlog::sinks::ostream_sink_mt>(log_));
    logger->set_pattern("%l %v");
    spdlog::set_default_logger(std::move(logger));
  }
  ~ExportQueueTest() override { spdlog::set_default_logger(before_); }

  ExportQueue make_queue(size_t max_spans = 1000) {
    return ExportQueue(std::make_unique<FakeSink>(script_), {.max_spans = max_spans,
                                                             .initial_backoff = 2ms,
                                                             .max_backoff = 8ms,
                                                             .max_elapsed = max_elapsed_,
                                                             .idle_interval = 1ms});
  }
  size_t log_lines(std::string_view level) const {
    std::istringstream lines(log_.str());
    size_t count = 0;
    for (std::string line; std::getline(lines, line);) count += line.starts_with(level) ? 1 : 0;
    return count;
  }

  std::shared_ptr<Script> script_ = std::make_shared<Script>();
  std::chrono::milliseconds max_elapsed_{10'000};
  std::ostringstream log_;
  std::shared_ptr<spdlog::logger> before_;
};

Delivery retry(std::chrono::milliseconds after = 0ms) {
  return {.outcome = Outcome::Retry, .retry_after = after, .message = "UNAVAILABLE: gone"};
}

// Blocks deliver() until told to go on, or cancelled.
struct Gate {
  std::promise<void> promise;
  std::shared_future<void> future = promise.get_future().share();
  void open() { promise.set_value(); }
};

TEST_F(ExportQueueTest, DeliversInOrderThenFinishes) {
  ExportQueue queue = make_queue();
  for (uint64_t i = 0; i < 20; ++i) EXPECT_TRUE(queue.push(sample_batch(3, 10 * i)));
  queue.drain(10s);
  ASSERT_EQ(script_->calls.size(), 20u);
  for (uint64_t i = 0; i < 20; ++i) EXPECT_EQ(script_->calls[i].first, (10 * i + 1) & 0xFF);
  EXPECT_EQ(queue.statistics().exported, 60u);
  EXPECT_EQ(queue.statistics().retries, 0u);
  EXPECT_TRUE(script_->finished);
  EXPECT_TRUE(script_->finished_last);
  EXPECT_FALSE(script_->cancelled);
  EXPECT_EQ(log_.str(), "");
}

TEST_F(ExportQueueTest, RetriesUntilDeliveredAndLogsOncePerStreak) {
  script_->answer = [](const SpanBatch&, size_t call) {
    return call < 4 || call == 6 ? retry() : Delivery{};
  };
  ExportQueue queue = make_queue();
  for (uint64_t i = 0; i < 3; ++i) queue.push(sample_batch(5, i));
  ASSERT_TRUE(script_->wait_for_calls(8));
  queue.drain(10s);
  std::vector<uint64_t> ids;
  for (const auto& [id, time] : script_->calls) ids.push_back(id);
  EXPECT_THAT(ids, ::testing::ElementsAre(1, 1, 1, 1, 1, 2, 3, 3));
  const auto statistics = queue.statistics();
  EXPECT_EQ(statistics.exported, 15u);
  EXPECT_EQ(statistics.retries, 5u);
  EXPECT_EQ(log_lines("warning"), 2u) << log_.str();
  EXPECT_EQ(log_lines("info"), 2u) << log_.str();
  EXPECT_THAT(log_.str(), HasSubstr("fake: export failed, retrying (5 spans): UNAVAILABLE: gone"));
  EXPECT_THAT(log_.str(), HasSubstr("after 4 failed attempts, 0 spans dropped"));
}

TEST_F(ExportQueueTest, WaitsAsLongAsTheReceiverAsks) {
  script_->answer = [](const SpanBatch&, size_t call) {
    return call == 0 ? retry(80ms) : Delivery{};
  };
  ExportQueue queue = make_queue();
  queue.push(sample_batch(1));
  ASSERT_TRUE(script_->wait_for_calls(2));
  EXPECT_GE(script_->calls[1].second - script_->calls[0].second, 80ms);
  queue.drain(10s);
}

TEST_F(ExportQueueTest, BackoffGrowsToItsMaximum) {
  script_->answer = [](const SpanBatch&, size_t call) { return call < 6 ? retry() : Delivery{}; };
  ExportQueue queue = make_queue();
  queue.push(sample_batch(1));
  ASSERT_TRUE(script_->wait_for_calls(7));
  // At least half of 2, 4, 8, 8, 8, 8 ms, less what truncation to whole milliseconds takes.
  EXPECT_GE(script_->calls[1].second - script_->calls[0].second, 1ms);
  for (size_t i = 3; i < 7; ++i) {
    EXPECT_GE(script_->calls[i].second - script_->calls[i - 1].second, 4ms) << i;
  }
  queue.drain(10s);
}

TEST_F(ExportQueueTest, GivesUpABatchAfterItsTime) {
  max_elapsed_ = 30ms;
  script_->answer = [](const SpanBatch& batch, size_t) {
    return FakeSink::id_of(batch) == 1 ? retry() : Delivery{};
  };
  ExportQueue queue = make_queue();
  queue.push(sample_batch(4, 0));
  queue.push(sample_batch(5, 1));
  ASSERT_TRUE(
      script_->wait([](Script& s) { return !s.calls.empty() && s.calls.back().first == 2; }));
  queue.drain(10s);
  EXPECT_EQ(queue.statistics().dropped_failed, 4u);
  EXPECT_EQ(queue.statistics().exported, 5u);
  EXPECT_THAT(log_.str(), HasSubstr("4 spans dropped meanwhile"));
}

TEST_F(ExportQueueTest, CountsRefusedAndPartlyRejectedSpans) {
  script_->answer = [](const SpanBatch&, size_t call) -> Delivery {
    if (call == 0) return {.outcome = Outcome::Failed, .message = "INVALID_ARGUMENT: no"};
    if (call == 1) return {.rejected_spans = 3, .message = "three are too old"};
    if (call == 2) return {.rejected_spans = 1'000'000, .message = "nonsense"};
    return {};
  };
  ExportQueue queue = make_queue();
  for (uint64_t i = 0; i < 4; ++i) queue.push(sample_batch(10, i));
  queue.drain(10s);
  EXPECT_EQ(queue.statistics().exported, 7u + 10u);
  EXPECT_EQ(queue.statistics().dropped_failed, 10u + 3u + 10u);
  EXPECT_EQ(queue.statistics().retries, 0u);
  EXPECT_EQ(log_lines("warning"), 1u) << log_.str();
  EXPECT_THAT(log_.str(), HasSubstr("23 spans dropped meanwhile"));
}

TEST_F(ExportQueueTest, OverflowDropsTheNewBatchAndCountsIt) {
  Gate gate;
  script_->answer = [&](const SpanBatch&, size_t) {
    gate.future.wait();
    return Delivery{};
  };
  ExportQueue queue = make_queue(100);
  EXPECT_TRUE(queue.push(sample_batch(60, 0)));
  ASSERT_TRUE(script_->wait_for_calls(1));  // those in delivery still count
  EXPECT_TRUE(queue.push(sample_batch(40, 1)));
  EXPECT_FALSE(queue.push(sample_batch(1, 2)));
  EXPECT_FALSE(queue.push(sample_batch(7, 3)));
  EXPECT_EQ(queue.statistics().dropped_queue_full, 8u);
  gate.open();
  ASSERT_TRUE(script_->wait([](Script& s) { return s.calls.size() == 2 && s.idle_calls > 1; }));
  EXPECT_TRUE(queue.push(sample_batch(100, 4)));
  queue.drain(10s);
  EXPECT_EQ(queue.statistics().exported, 200u);
  EXPECT_THAT(log_.str(), HasSubstr("queue full (100 spans)"));
  EXPECT_THAT(log_.str(), HasSubstr("room again, 8 spans dropped"));
}

TEST_F(ExportQueueTest, TakesABatchAboveTheBoundWhenItHoldsNothing) {
  ExportQueue queue = make_queue(10);
  EXPECT_TRUE(queue.push(sample_batch(50)));
  queue.drain(10s);
  EXPECT_EQ(queue.statistics().exported, 50u);
}

TEST_F(ExportQueueTest, KeepsFillingWhileRetrying) {
  std::atomic<bool> down = true;
  script_->answer = [&](const SpanBatch&, size_t) { return down ? retry() : Delivery{}; };
  ExportQueue queue = make_queue(100);
  size_t taken = 0;
  queue.push(sample_batch(10));
  ASSERT_TRUE(script_->wait_for_calls(2));
  for (uint64_t i = 1; i < 20; ++i) taken += queue.push(sample_batch(10, i)) ? 1 : 0;
  EXPECT_EQ(taken, 9u);
  down = false;
  queue.drain(10s);
  EXPECT_EQ(queue.statistics().exported, 100u);
  EXPECT_EQ(queue.statistics().dropped_queue_full, 100u);
}

TEST_F(ExportQueueTest, CallsIdleWhenNothingIsToDo) {
  ExportQueue queue = make_queue();
  EXPECT_TRUE(script_->wait([](Script& s) { return s.idle_calls >= 3; }));
  queue.drain(10s);
  EXPECT_TRUE(script_->calls.empty());
  EXPECT_TRUE(script_->finished);
}

TEST_F(ExportQueueTest, DrainTriesEachBatchBeforeAnyTwice) {
  Gate gate;
  script_->answer = [&](const SpanBatch&, size_t call) {
    if (call == 0) gate.future.wait();
    return call < 3 ? retry() : Delivery{};
  };
  ExportQueue queue = make_queue();
  for (uint64_t i = 0; i < 3; ++i) queue.push(sample_batch(2, i));
  ASSERT_TRUE(script_->wait_for_calls(1));
  auto drained = std::async(std::launch::async, [&] { queue.drain(10s); });
  while (queue.statistics().lost_at_shutdown == 0) {  // until draining began
    queue.push(sample_batch(1, 50));
    std::this_thread::yield();
  }
  const auto late = queue.statistics().lost_at_shutdown;
  EXPECT_EQ(late, 1u);
  gate.open();
  drained.get();
  // Batches that were still taken before the drain began follow the first three.
  const auto& calls = script_->calls;
  EXPECT_EQ(calls[0].first, 1u);
  EXPECT_EQ(calls[1].first, 2u);
  EXPECT_EQ(calls[2].first, 3u);
  std::vector<uint64_t> rest;
  for (size_t i = calls.size() - 3; i < calls.size(); ++i) rest.push_back(calls[i].first);
  EXPECT_THAT(rest, ::testing::ElementsAre(1, 2, 3));
  EXPECT_EQ(queue.statistics().lost_at_shutdown, late);
}

TEST_F(ExportQueueTest, DrainCutsALongRetryWaitShort) {
  script_->answer = [](const SpanBatch&, size_t call) { return call == 0 ? retry() : Delivery{}; };
  ExportQueue queue(std::make_unique<FakeSink>(script_),
                    {.initial_backoff = 1h, .max_backoff = 1h, .max_elapsed = 10h});
  queue.push(sample_batch(3));
  ASSERT_TRUE(script_->wait_for_calls(1));
  queue.drain(20s);
  EXPECT_EQ(queue.statistics().exported, 3u);
}

TEST_F(ExportQueueTest, DrainKeepsItsDeadlineWhileTheReceiverIsDown) {
  script_->answer = [](const SpanBatch&, size_t) { return retry(); };
  ExportQueue queue = make_queue();
  for (uint64_t i = 0; i < 4; ++i) queue.push(sample_batch(5, i));
  const auto start = Clock::now();
  queue.drain(50ms);
  EXPECT_GE(Clock::now() - start, 50ms);
  EXPECT_LT(Clock::now() - start, 5s);
  EXPECT_EQ(queue.statistics().lost_at_shutdown, 20u);
  EXPECT_TRUE(script_->finished);
  EXPECT_TRUE(script_->finished_last);
  EXPECT_THAT(log_.str(), HasSubstr("20 spans lost at shutdown"));
}

TEST_F(ExportQueueTest, DrainCancelsADeliveryThatBlocks) {
  script_->answer = [this](const SpanBatch&, size_t) {
    script_->wait([](Script& s) { return s.cancelled; });
    return retry();
  };
  ExportQueue queue = make_queue();
  queue.push(sample_batch(5, 0));
  queue.push(sample_batch(6, 1));
  ASSERT_TRUE(script_->wait_for_calls(1));
  const auto start = Clock::now();
  queue.drain(20ms);
  EXPECT_LT(Clock::now() - start, 5s);
  EXPECT_TRUE(script_->cancelled);
  EXPECT_EQ(script_->calls.size(), 1u);
  EXPECT_EQ(queue.statistics().lost_at_shutdown, 11u);
}

TEST_F(ExportQueueTest, EverySpanIsInExactlyOneCounter) {
  std::atomic<unsigned> seed = 1;
  script_->answer = [&](const SpanBatch& batch, size_t call) -> Delivery {
    switch (call % 7) {
      case 1:
        return retry();
      case 3:
        return {.outcome = Outcome::Failed, .message = "no"};
      case 5:
        return {.rejected_spans = batch.spans().size() / 2, .message = "half"};
      default:
        return {};
    }
  };
  uint64_t pushed = 0;
  ExportQueue queue = make_queue(50);
  std::vector<std::thread> threads;
  std::atomic<uint64_t> total = 0;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&] {
      for (uint64_t i = 0; i < 100; ++i) {
        const size_t spans = 1 + (seed = seed * 1664525u + 1013904223u) % 20;
        total += spans;
        queue.push(sample_batch(spans, i));
      }
    });
  }
  for (auto& thread : threads) thread.join();
  queue.drain(3ms);
  queue.push(sample_batch(9));
  pushed = total + 9;
  const auto s = queue.statistics();
  EXPECT_EQ(s.exported + s.dropped_queue_full + s.dropped_failed + s.lost_at_shutdown, pushed);
}

TEST_F(ExportQueueTest, DestructionWithoutDrainLosesCountedAndFinishes) {
  script_->answer = [](const SpanBatch&, size_t) { return retry(); };
  {
    ExportQueue queue = make_queue();
    queue.push(sample_batch(1));
    queue.push(std::make_shared<SpanBatch>());  // nothing in it: nothing happens
  }
  EXPECT_TRUE(script_->finished);
}

}  // namespace
}  // namespace clew
