// Finished spans wait here for a moment, because the other end of an exchange, which decides the
// trace and the parent, can be recorded a little later than this end's last byte.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "agent/stitch/trace_node.h"
#include "exporter/span.h"
#include "exporter/span_builder.h"

namespace clew {

class HeldSpans {
 public:
  struct Limits {
    size_t batch_spans = 512;
    uint64_t fill_ns = 100'000'000;  ///< a batch is closed at this age, full or not
    uint64_t hold_ns = 150'000'000;  ///< and released this long after
  };
  using Release = std::function<void(std::shared_ptr<const SpanBatch>)>;

  HeldSpans(Limits limits, Release release) : limits_(limits), release_(std::move(release)) {}

  /// Adds a finished span: its times and ids come from `node` when it is released.
  void add(const SpanBuilder& builder, const NodeRef& node, SpanKind kind,
           const std::shared_ptr<const Resource>& resource, uint64_t now_ns);
  /// Closes and releases what is due.
  void tick(uint64_t now_ns);
  void flush();
  /// Added to times of CLOCK_MONOTONIC to make them Unix time.
  void set_clock_offset(uint64_t offset_ns) { clock_offset_ns_ = offset_ns; }
  bool empty() const { return !filling_ && closed_.empty(); }

 private:
  struct Batch {
    std::shared_ptr<SpanBatch> spans = std::make_shared<SpanBatch>();
    std::vector<NodeRef> nodes;  // of the span at the same index
    uint64_t opened_ns = 0;
    uint64_t closed_ns = 0;
  };

  void close_filling(uint64_t now_ns);
  void release(Batch& batch);

  Limits limits_;
  Release release_;
  uint64_t clock_offset_ns_ = 0;
  std::unique_ptr<Batch> filling_;
  std::deque<std::unique_ptr<Batch>> closed_;
};

}  // namespace clew
