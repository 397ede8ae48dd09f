#include "agent/stitch/held_spans.h"

#include <algorithm>

namespace clew {

void HeldSpans::add(const SpanBuilder& builder, const NodeRef& node, SpanKind kind,
                    const std::shared_ptr<const Resource>& resource, uint64_t now_ns) {
  if (!filling_) {
    filling_ = std::make_unique<Batch>();
    filling_->opened_ns = now_ns;
  }
  Span span;
  span.kind = kind;
  span.resource = filling_->spans->resource_index(resource);
  builder.commit(span, *filling_->spans);
  filling_->nodes.push_back(node);
  if (filling_->nodes.size() >= limits_.batch_spans) close_filling(now_ns);
}

void HeldSpans::tick(uint64_t now_ns) {
  if (filling_ && filling_->opened_ns + limits_.fill_ns <= now_ns) close_filling(now_ns);
  while (!closed_.empty() && closed_.front()->closed_ns + limits_.hold_ns <= now_ns) {
    release(*closed_.front());
    closed_.pop_front();
  }
}

void HeldSpans::flush() {
  if (filling_) close_filling(filling_->opened_ns);
  for (const auto& batch : closed_) release(*batch);
  closed_.clear();
}

void HeldSpans::close_filling(uint64_t now_ns) {
  filling_->closed_ns = now_ns;
  closed_.push_back(std::move(filling_));
}

void HeldSpans::release(Batch& batch) {
  for (size_t i = 0; i < batch.nodes.size(); ++i) {
    TraceNode& node = *batch.nodes[i].get();
    node.released = true;
    Span& span = batch.spans->span(i);
    span.trace_id = trace_of(node);
    span.span_id = node.span_id;
    uint64_t end_ns = node.end_ns;
    if (node.parent) {
      span.parent_span_id = node.parent->span_id;
      batch.spans->append_attribute(i, "clew.link", node.link);
      // The server's last send is recorded after the client may have read it.
      const bool served = span.kind == SpanKind::Server;
      if (served && node.parent->end_ns) end_ns = std::min(end_ns, node.parent->end_ns);
    }
    span.start_unix_ns = node.start_ns + clock_offset_ns_;
    span.end_unix_ns = std::max(end_ns, node.start_ns) + clock_offset_ns_;
  }
  batch.nodes.clear();
  release_(std::move(batch.spans));
}

}  // namespace clew
