// Between the pipeline and one sink: a bounded queue and the thread that delivers from it.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <random>
#include <string_view>
#include <thread>

#include "exporter/sink.h"
#include "exporter/span.h"

namespace clew {

struct ExportQueueOptions {
  /// Spans held at most, those being delivered included. A larger batch is taken when nothing is
  /// held.
  size_t max_spans = 131'072;
  /// Waits before the retries of a batch: doubling from initial to max, each shortened by up to
  /// half at random; never shorter than what the receiver asked for.
  std::chrono::milliseconds initial_backoff{1'000};
  std::chrono::milliseconds max_backoff{30'000};
  /// A batch is dropped when its next retry would come later than this after its first try.
  std::chrono::milliseconds max_elapsed{300'000};
  /// How often Sink::idle is called (not while a retry is waited for).
  std::chrono::milliseconds idle_interval{100};
};

/// Delivers batches in the order of push(), retrying as the OTLP specification says. Once drain()
/// returned, every span pushed is in exactly one counter of Statistics. Logs one line when a streak
/// of trouble begins and one when it ends.
class ExportQueue {
 public:
  /// In spans, but for `retries`.
  struct Statistics {
    uint64_t exported = 0;
    uint64_t dropped_queue_full = 0;
    uint64_t dropped_failed = 0;  ///< refused by the receiver, or given up after max_elapsed
    uint64_t lost_at_shutdown = 0;
    uint64_t retries = 0;  ///< delivery attempts that ended in Retry
  };

  explicit ExportQueue(std::unique_ptr<Sink> sink, const ExportQueueOptions& options = {});
  /// drain(0) unless that was done.
  ~ExportQueue();
  ExportQueue(const ExportQueue&) = delete;
  ExportQueue& operator=(const ExportQueue&) = delete;

  /// From any thread, never waits for the sink. False if the batch was dropped (and counted): the
  /// queue is full, or draining.
  bool push(std::shared_ptr<const SpanBatch> batch);

  /// Takes no more, tries every queued batch at least once and retries until `deadline` from now,
  /// then cancels the sink, counts the rest as lost, finishes the sink and joins the thread. Does
  /// nothing the second time. Not to be called from two threads at once.
  void drain(std::chrono::milliseconds deadline);

  Statistics statistics() const;
  std::string_view sink_name() const { return sink_->name(); }

 private:
  using Clock = std::chrono::steady_clock;
  struct Item {
    std::shared_ptr<const SpanBatch> batch;
    uint32_t attempts = 0;
    bool last_round = false;  // seen again since draining began
    Clock::time_point first_try{};
  };

  void run();
  bool next(Item& item);
  void attempt(Item item);
  void retry_later(Item item, const Delivery& delivery);
  std::chrono::milliseconds backoff(uint32_t attempts);
  void release(const Item& item);
  void drop(const Item& item);
  void note_trouble(const Delivery& delivery, std::string_view what, size_t spans);
  void note_success();
  void note_overflow();
  void lose_the_rest();

  const std::unique_ptr<Sink> sink_;
  const ExportQueueOptions options_;

  mutable std::mutex mutex_;
  std::condition_variable wake_;  // the thread: new work, or draining began
  std::condition_variable done_;  // drain(): the thread is through
  std::deque<Item> queue_;        // guarded by mutex_, as the rest of this group
  size_t held_spans_ = 0;
  bool draining_ = false;
  bool finished_ = false;
  Clock::time_point drain_until_{};

  std::atomic<uint64_t> exported_{0};
  std::atomic<uint64_t> dropped_queue_full_{0};
  std::atomic<uint64_t> dropped_failed_{0};
  std::atomic<uint64_t> lost_at_shutdown_{0};
  std::atomic<uint64_t> retries_{0};

  // The thread's own.
  std::minstd_rand random_;
  Clock::time_point next_idle_{};
  uint64_t failed_attempts_ = 0;        // of the current streak
  uint64_t dropped_before_streak_ = 0;  // dropped_failed_ when it began
  uint64_t overflow_logged_ = 0;        // dropped_queue_full_ as of the last log line about it
  bool overflowing_ = false;

  std::thread thread_;
};

}  // namespace clew
