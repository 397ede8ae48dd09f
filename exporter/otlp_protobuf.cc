#include "exporter/otlp_protobuf.h"

#include <algorithm>
#include <protozero/pbf_writer.hpp>
#include <protozero/varint.hpp>
#include <span>

#include "exporter/resource_spans.h"
#include "exporter/utf8.h"

namespace clew {
namespace {

// Field numbers of the OTLP 1.5 messages, written as Message_field.
enum Field : protozero::pbf_tag_type {
  Request_resource_spans = 1,
  ResourceSpans_resource = 1,
  ResourceSpans_scope_spans = 2,
  Resource_attributes = 1,
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
  Span_attributes = 9,
  Span_status = 15,
  Span_flags = 16,
  Status_message = 2,
  Status_code = 3,
  KeyValue_key = 1,
  KeyValue_value = 2,
  AnyValue_string_value = 1,
  AnyValue_bool_value = 2,
  AnyValue_int_value = 3,
  AnyValue_array_value = 5,
  ArrayValue_values = 1,
};

using Writer = protozero::pbf_writer;

size_t varint_size(uint64_t value) {
  return static_cast<size_t>(protozero::length_of_varint(value));
}

// Size of a length-delimited field whose tag takes one byte.
size_t field_size(size_t length) {
  return 1 + varint_size(length) + length;
}

using WireType = protozero::pbf_wire_type;

constexpr char tag_byte(Field field, WireType type) {
  return static_cast<char>(field << 3 | static_cast<unsigned>(type));
}

char* put_length(char* to, Field field, size_t length) {
  *to++ = tag_byte(field, WireType::length_delimited);
  return to + protozero::add_varint_to_buffer(to, length);
}

char* put_text(char* to, std::string_view text) {
  return std::ranges::copy(text, to).out;
}

class Encoder {
 public:
  explicit Encoder(std::string& out) : out_(out), request_(out) {}

  void resource_spans(const ResourceGroup& group) {
    Writer message(request_, Request_resource_spans);
    // protozero leaves out submessages that turn out empty; this one is in the JSON form, too.
    if (group.resource == nullptr || group.resource->attributes.empty()) {
      message.add_message(ResourceSpans_resource, "", 0);
    } else {
      Writer resource(message, ResourceSpans_resource);
      for (const Resource::Entry& entry : group.resource->attributes) {
        attribute(resource, Resource_attributes, view_of(entry));
      }
    }
    Writer scope_spans(message, ResourceSpans_scope_spans);
    {
      Writer scope(scope_spans, ScopeSpans_scope);
      scope.add_string(Scope_name, kScopeName.data(), kScopeName.size());
      scope.add_string(Scope_version, CLEW_VERSION);
    }
    group.for_each([&](const Span& item) { span(scope_spans, item); });
  }

 private:
  void span(Writer& parent, const Span& span) {
    Writer message(parent, ScopeSpans_spans);
    message.add_bytes(Span_trace_id, bytes(span.trace_id), span.trace_id.size());
    message.add_bytes(Span_span_id, bytes(span.span_id), span.span_id.size());
    if (!span.trace_state.empty()) text(message, Span_trace_state, span.trace_state);
    if (span.parent_span_id != SpanId{}) {
      message.add_bytes(Span_parent_span_id, bytes(span.parent_span_id),
                        span.parent_span_id.size());
    }
    if (!span.name.empty()) text(message, Span_name, span.name);
    message.add_enum(Span_kind, static_cast<int32_t>(span.kind));
    if (span.start_unix_ns != 0) {
      message.add_fixed64(Span_start_time_unix_nano, span.start_unix_ns);
    }
    if (span.end_unix_ns != 0) message.add_fixed64(Span_end_time_unix_nano, span.end_unix_ns);
    for (const Attribute& item : span.attributes) attribute(message, Span_attributes, item);
    if (span.status != SpanStatus::Unset || !span.status_message.empty()) {
      Writer status(message, Span_status);
      if (!span.status_message.empty()) text(status, Status_message, span.status_message);
      if (span.status != SpanStatus::Unset) {
        status.add_enum(Status_code, static_cast<int32_t>(span.status));
      }
    }
    if (span.trace_flags != 0) message.add_fixed32(Span_flags, span.trace_flags);
  }

  // Most of a request is attributes: one is written in one go, where its size is known beforehand.
  void attribute(Writer& parent, Field field, const Attribute& attribute) {
    const std::string_view key = valid_utf8(attribute.key, key_scratch_);
    if (attribute.type == AttributeType::TextList) {
      list_attribute(parent, field, key, attribute.list);
      return;
    }
    std::string_view text;
    size_t value_size = 2;  // Boolean
    if (attribute.type == AttributeType::Text) {
      text = valid_utf8(attribute.text, text_scratch_);
      value_size = field_size(text.size());
    } else if (attribute.type == AttributeType::Integer) {
      value_size = 1 + varint_size(static_cast<uint64_t>(attribute.integer));
    }
    const size_t size = field_size(key.size()) + field_size(value_size);
    const size_t before = out_.size();
    const size_t after = before + field_size(size);
    // GCC 12 hands the capacity as the size to the function.
    out_.resize_and_overwrite(after, [&](char* bytes, size_t) {
      char* to = bytes + before;
      to = put_length(to, field, size);
      to = put_text(put_length(to, KeyValue_key, key.size()), key);
      to = put_length(to, KeyValue_value, value_size);
      switch (attribute.type) {
        case AttributeType::Integer:
          *to++ = tag_byte(AnyValue_int_value, WireType::varint);
          protozero::add_varint_to_buffer(to, static_cast<uint64_t>(attribute.integer));
          break;
        case AttributeType::Boolean:
          *to++ = tag_byte(AnyValue_bool_value, WireType::varint);
          *to++ = attribute.integer != 0 ? 1 : 0;
          break;
        default:
          put_text(put_length(to, AnyValue_string_value, text.size()), text);
      }
      return after;
    });
  }

  void list_attribute(Writer& parent, Field field, std::string_view key,
                      std::span<const std::string_view> items) {
    Writer key_value(parent, field);
    key_value.add_string(KeyValue_key, key.data(), key.size());
    Writer value(key_value, KeyValue_value);
    if (items.empty()) {
      value.add_message(AnyValue_array_value, "", 0);
      return;
    }
    Writer array(value, AnyValue_array_value);
    for (std::string_view item : items) {
      Writer element(array, ArrayValue_values);
      text(element, AnyValue_string_value, item);
    }
  }

  void text(Writer& message, Field field, std::string_view value) {
    const std::string_view valid = valid_utf8(value, text_scratch_);
    message.add_string(field, valid.data(), valid.size());
  }

  template <size_t Size>
  static const char* bytes(const std::array<uint8_t, Size>& id) {
    return reinterpret_cast<const char*>(id.data());
  }

  std::string& out_;
  Writer request_;
  std::string key_scratch_;
  std::string text_scratch_;
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
