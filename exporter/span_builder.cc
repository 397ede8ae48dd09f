#include "exporter/span_builder.h"

#include "exporter/utf8.h"

namespace clew {

void SpanBuilder::clear() {
  name_ = path_ = status_message_ = trace_state_ = {};
  status_ = SpanStatus::Unset;
  attributes_.clear();
}

void SpanBuilder::commit(Span span, SpanBatch& batch) const {
  std::string repaired;
  const auto keep = [&](std::string_view text) {
    return batch.arena().copy(is_ascii(text) ? text : valid_utf8(text, repaired));
  };
  span.name = keep(name_);
  span.status = status_;
  span.status_message = keep(status_message_);
  span.trace_state = keep(trace_state_);
  const std::string_view attributes = attributes_.written().encoded();
  char* place = batch.arena().room(attributes.size() + SpanBatch::kSpareBytes);
  wire::put_bytes(place, attributes);
  span.attributes = Attributes({place, attributes.size()});
  batch.add(span);
}

}  // namespace clew
