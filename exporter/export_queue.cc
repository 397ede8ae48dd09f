#include "exporter/export_queue.h"

#include <pthread.h>
#include <signal.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace clew {
namespace {

// Signals are the main thread's business; a sink's thread must not be the one that takes SIGTERM.
void block_signals() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
}

}  // namespace

ExportQueue::ExportQueue(std::unique_ptr<Sink> sink, const ExportQueueOptions& options)
    : sink_(std::move(sink)), options_(options), random_(std::random_device{}()) {
  thread_ = std::thread([this] { run(); });
}

ExportQueue::~ExportQueue() {
  drain(std::chrono::milliseconds(0));
}

bool ExportQueue::push(std::shared_ptr<const SpanBatch> batch) {
  const size_t spans = batch->spans().size();
  if (spans == 0) return true;
  {
    const std::lock_guard lock(mutex_);
    if (draining_) {
      lost_at_shutdown_ += spans;
      return false;
    }
    if (held_spans_ != 0 && held_spans_ + spans > options_.max_spans) {
      dropped_queue_full_ += spans;
      return false;
    }
    held_spans_ += spans;
    queue_.push_back({.batch = std::move(batch)});
  }
  wake_.notify_one();
  return true;
}

void ExportQueue::drain(std::chrono::milliseconds deadline) {
  std::unique_lock lock(mutex_);
  if (!draining_) {
    draining_ = true;
    drain_until_ = Clock::now() + deadline;
    wake_.notify_all();
    if (!done_.wait_until(lock, drain_until_, [this] { return finished_; })) sink_->cancel();
  }
  lock.unlock();
  if (thread_.joinable()) thread_.join();
}

ExportQueue::Statistics ExportQueue::statistics() const {
  return {.exported = exported_,
          .dropped_queue_full = dropped_queue_full_,
          .dropped_failed = dropped_failed_,
          .lost_at_shutdown = lost_at_shutdown_,
          .retries = retries_};
}

void ExportQueue::run() {
  block_signals();
  next_idle_ = Clock::now() + options_.idle_interval;
  Item item;
  while (next(item)) {
    attempt(std::exchange(item, {}));
    note_overflow();
  }
  lose_the_rest();
  sink_->finish();
  const std::lock_guard lock(mutex_);
  finished_ = true;
  done_.notify_all();
}

// Waits for work, calling idle() meanwhile; false when draining is over.
bool ExportQueue::next(Item& item) {
  std::unique_lock lock(mutex_);
  while (true) {
    if (draining_ && (queue_.empty() || Clock::now() >= drain_until_)) return false;
    if (!queue_.empty()) {
      item = std::move(queue_.front());
      queue_.pop_front();
      return true;
    }
    if (Clock::now() >= next_idle_) {
      lock.unlock();
      sink_->idle();
      note_overflow();
      next_idle_ = Clock::now() + options_.idle_interval;
      lock.lock();
      continue;
    }
    wake_.wait_until(lock, next_idle_, [this] { return draining_ || !queue_.empty(); });
  }
}

void ExportQueue::attempt(Item item) {
  const size_t spans = item.batch->spans().size();
  if (item.attempts++ == 0) item.first_try = Clock::now();
  const Delivery delivery = sink_->deliver(*item.batch);
  switch (delivery.outcome) {
    case Delivery::Outcome::Delivered: {
      const auto rejected = std::min<uint64_t>(delivery.rejected_spans, spans);
      if (rejected == 0 && delivery.message.empty()) {
        note_success();
      } else {
        note_trouble(delivery, "accepted with reservations", rejected);
      }
      exported_ += spans - rejected;
      dropped_failed_ += rejected;
      release(item);
      return;
    }
    case Delivery::Outcome::Retry:
      ++retries_;
      note_trouble(delivery, "export failed, retrying", spans);
      retry_later(std::move(item), delivery);
      return;
    case Delivery::Outcome::Failed:
      note_trouble(delivery, "export failed, dropping", spans);
      drop(item);
      return;
  }
}

// Puts the batch back: to the front, after its wait; while draining to the back, so that each batch
// gets its try before the first one gets its second.
void ExportQueue::retry_later(Item item, const Delivery& delivery) {
  const auto wait = std::max(backoff(item.attempts), delivery.retry_after);
  std::unique_lock lock(mutex_);
  if (!draining_) {
    if (Clock::now() + wait - item.first_try > options_.max_elapsed) {
      lock.unlock();
      drop(item);
      return;
    }
    if (!wake_.wait_for(lock, wait, [this] { return draining_; })) {
      queue_.push_front(std::move(item));
      return;
    }
  }
  // A last round begins: the batch joins it as new, without the wait it has earned.
  if (!std::exchange(item.last_round, true) && delivery.retry_after.count() == 0) {
    item.attempts = 0;
    queue_.push_back(std::move(item));
    return;
  }
  const bool others_first = !queue_.empty() && queue_.front().attempts < item.attempts;
  queue_.push_back(std::move(item));
  if (others_first) return;
  const auto until = std::min(drain_until_, Clock::now() + wait);
  wake_.wait_until(lock, until, [] { return false; });
}

std::chrono::milliseconds ExportQueue::backoff(uint32_t attempts) {
  auto wait = options_.initial_backoff;
  for (uint32_t i = 1; i < attempts && wait < options_.max_backoff; ++i) wait *= 2;
  wait = std::min(wait, options_.max_backoff);
  std::uniform_real_distribution<double> half(0.5, 1.0);
  return std::chrono::milliseconds(
      static_cast<int64_t>(static_cast<double>(wait.count()) * half(random_)));
}

void ExportQueue::release(const Item& item) {
  const std::lock_guard lock(mutex_);
  held_spans_ -= item.batch->spans().size();
}

void ExportQueue::drop(const Item& item) {
  dropped_failed_ += item.batch->spans().size();
  release(item);
}

void ExportQueue::lose_the_rest() {
  const std::lock_guard lock(mutex_);
  if (held_spans_ != 0) {
    spdlog::warn("{}: {} spans lost at shutdown", sink_->name(), held_spans_);
  }
  lost_at_shutdown_ += std::exchange(held_spans_, 0);
  queue_.clear();
}

void ExportQueue::note_trouble(const Delivery& delivery, std::string_view what, size_t spans) {
  if (failed_attempts_++ != 0) return;
  dropped_before_streak_ = dropped_failed_;
  spdlog::warn("{}: {} ({} spans): {}", sink_->name(), what, spans,
               delivery.message.empty() ? "no reason given" : delivery.message);
}

void ExportQueue::note_success() {
  if (failed_attempts_ == 0) return;
  spdlog::info("{}: delivering again after {} failed attempts, {} spans dropped meanwhile",
               sink_->name(), failed_attempts_, dropped_failed_ - dropped_before_streak_);
  failed_attempts_ = 0;
}

// Reported from here, since push() must not wait for a log to be written.
void ExportQueue::note_overflow() {
  const uint64_t dropped = dropped_queue_full_;
  if (!overflowing_) {
    if (dropped == overflow_logged_) return;
    overflowing_ = true;
    spdlog::warn("{}: queue full ({} spans), dropping new ones", sink_->name(), options_.max_spans);
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    if (held_spans_ > options_.max_spans / 2) return;
  }
  spdlog::info("{}: queue has room again, {} spans dropped meanwhile", sink_->name(),
               dropped - overflow_logged_);
  overflowing_ = false;
  overflow_logged_ = dropped;
}

}  // namespace clew
