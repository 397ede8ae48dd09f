// Where finished spans go. One sink per --export; each is driven by an ExportQueue on a thread of
// its own, so that no sink can delay another or the pipeline.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "exporter/span.h"

namespace clew {

/// Outcome of one delivery attempt, after the OTLP specification's failure classes.
struct Delivery {
  enum class Outcome : uint8_t {
    Delivered,  ///< accepted, all but `rejected_spans` of it (partial success)
    Retry,      ///< may succeed later; not before `retry_after` if that is positive
    Failed,     ///< will never succeed: drop
  };
  Outcome outcome = Outcome::Delivered;
  uint64_t rejected_spans = 0;
  std::chrono::milliseconds retry_after{0};
  std::string message;  ///< for the log; empty if nothing to say
};

/// All calls come from one thread (the queue's), never concurrently; cancel() alone may come from
/// another thread at any time.
class Sink {
 public:
  virtual ~Sink() = default;
  /// For log lines: "otlp http://127.0.0.1:4317", "file /tmp/spans.jsonl", "console".
  virtual std::string_view name() const = 0;
  /// Delivers a whole batch, or tells why not. Blocks no longer than the sink's own timeout.
  virtual Delivery deliver(const SpanBatch& batch) = 0;
  /// Called about every 100 ms while nothing else is delivered: for sinks that hold things back.
  virtual void idle() {}
  /// Shutdown is out of time: a deliver() in progress, and every later one, returns at once (with
  /// Retry where nothing better is known). finish() still follows.
  virtual void cancel() {}
  /// Called once, last: write out what is held back.
  virtual void finish() {}
};

}  // namespace clew
