#include "exporter/otlp_protobuf.h"

#include <vector>

#include "exporter/resource_spans.h"
#include "exporter/wire.h"

namespace clew {
namespace {

using wire::field_size;
using wire::Type;

// Field numbers of the OTLP 1.5 messages, written as Message_field.
enum Field : unsigned {
  Request_resource_spans = 1,
  ResourceSpans_resource = 1,
  ResourceSpans_scope_spans = 2,
  ScopeSpans_scope = 1,
  ScopeSpans_spans = 2,
  Scope_name = 1,
  Scope_version = 2,
  Span_trace_id = 1,
  Span_span_id = 2,
  Span_trace_state = 3,
  Span_parent_span_id = 4,
  Span_name = 5,
  Span_kind = 6,
  Span_start_time_unix_nano = 7,
  Span_end_time_unix_nano = 8,
  Span_status = 15,
  Span_flags = 16,
  Status_message = 2,
  Status_code = 3,
};

constexpr std::string_view kScopeVersion = CLEW_VERSION;
constexpr size_t kScopeSize = field_size(kScopeName.size()) + field_size(kScopeVersion.size());

template <size_t Size>
std::string_view bytes(const std::array<uint8_t, Size>& id) {
  return {reinterpret_cast<const char*>(id.data()), id.size()};
}

// Fields that have their default value are left out, as proto3 says.
size_t text_size(std::string_view text) {
  return text.empty() ? 0 : field_size(text.size());
}

char* put_text(char* to, Field field, std::string_view text) {
  return text.empty() ? to : wire::put_field(to, field, text);
}

char* put_time(char* to, Field field, uint64_t unix_ns) {
  if (unix_ns == 0) return to;
  *to++ = wire::tag(field, Type::Fixed64);
  return wire::put_fixed(to, unix_ns);
}

size_t status_size(const Span& span) {
  return text_size(span.status_message) + (span.status != SpanStatus::Unset ? 2 : 0);
}

size_t span_size(const Span& span) {
  size_t size = field_size(span.trace_id.size()) + field_size(span.span_id.size()) + 2;  // and kind
  size += text_size(span.trace_state) + text_size(span.name);
  if (span.parent_span_id != SpanId{}) size += field_size(span.parent_span_id.size());
  if (span.start_unix_ns != 0) size += 1 + sizeof(uint64_t);
  if (span.end_unix_ns != 0) size += 1 + sizeof(uint64_t);
  size += span.attributes.encoded().size();
  if (const size_t status = status_size(span); status != 0) size += field_size(status);
  if (span.trace_flags != 0) size += 2 + sizeof(uint32_t);
  return size;
}

char* put_span(char* to, const Span& span) {
  to = wire::put_field(to, Span_trace_id, bytes(span.trace_id));
  to = wire::put_field(to, Span_span_id, bytes(span.span_id));
  to = put_text(to, Span_trace_state, span.trace_state);
  if (span.parent_span_id != SpanId{}) {
    to = wire::put_field(to, Span_parent_span_id, bytes(span.parent_span_id));
  }
  to = put_text(to, Span_name, span.name);
  *to++ = wire::tag(Span_kind, Type::Varint);
  *to++ = static_cast<char>(span.kind);
  to = put_time(to, Span_start_time_unix_nano, span.start_unix_ns);
  to = put_time(to, Span_end_time_unix_nano, span.end_unix_ns);
  to = wire::put_bytes(to, span.attributes.encoded());
  if (const size_t status = status_size(span); status != 0) {
    to = wire::put_length(to, Span_status, status);
    to = put_text(to, Status_message, span.status_message);
    if (span.status != SpanStatus::Unset) {
      *to++ = wire::tag(Status_code, Type::Varint);
      *to++ = static_cast<char>(span.status);
    }
  }
  if (span.trace_flags != 0) {
    to = wire::put_varint(to, Span_flags << 3 | static_cast<unsigned>(Type::Fixed32));
    to = wire::put_fixed(to, uint32_t{span.trace_flags});
  }
  return to;
}

// The sizes of nested messages stand before them: they are summed up first, so that each byte is
// written once.
class Encoder {
 public:
  explicit Encoder(std::string& out) : out_(out) {}

  void resource_spans(const ResourceGroup& group) {
    const std::string_view resource = encode_resource(group.resource);
    sizes_.clear();
    size_t scope_spans = field_size(kScopeSize);
    group.for_each([&](const Span& span) {
      sizes_.push_back(span_size(span));
      scope_spans += field_size(sizes_.back());
    });
    const size_t size = field_size(resource.size()) + field_size(scope_spans);
    const size_t before = out_.size();
    const size_t after = before + field_size(size);
    // GCC 12 hands the capacity as the size to the function.
    out_.resize_and_overwrite(after, [&](char* start, size_t) {
      char* to = wire::put_length(start + before, Request_resource_spans, size);
      to = wire::put_field(to, ResourceSpans_resource, resource);
      to = wire::put_length(to, ResourceSpans_scope_spans, scope_spans);
      to = wire::put_length(to, ScopeSpans_scope, kScopeSize);
      to = wire::put_field(to, Scope_name, kScopeName);
      to = wire::put_field(to, Scope_version, kScopeVersion);
      const size_t* span_bytes = sizes_.data();
      group.for_each([&](const Span& span) {
        to = wire::put_length(to, ScopeSpans_spans, *span_bytes++);
        to = put_span(to, span);
      });
      return after;
    });
  }

 private:
  std::string_view encode_resource(const Resource* resource) {
    attributes_.clear();
    if (resource != nullptr) {
      for (const Resource::Entry& entry : resource->attributes) write(entry);
    }
    return attributes_.written().encoded();
  }

  void write(const Resource::Entry& entry) {
    switch (entry.type) {
      case AttributeType::Integer:
        return attributes_.integer(entry.key, entry.integer);
      case AttributeType::Boolean:
        return attributes_.boolean(entry.key, entry.integer != 0);
      default:
        return attributes_.text(entry.key, entry.text);
    }
  }

  std::string& out_;
  AttributeWriter attributes_{AttributeField::OfResource};
  std::vector<size_t> sizes_;
};

}  // namespace

void encode_trace_request(const SpanBatch& batch, size_t first, size_t count, std::string& out) {
  Encoder encoder(out);
  for_each_resource(batch, first, count,
                    [&](const ResourceGroup& group) { encoder.resource_spans(group); });
}

void encode_trace_request(const SpanBatch& batch, std::string& out) {
  encode_trace_request(batch, 0, batch.spans().size(), out);
}

}  // namespace clew
