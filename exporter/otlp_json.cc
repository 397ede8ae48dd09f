#include "exporter/otlp_json.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include "exporter/resource_spans.h"
#include "exporter/utf8.h"
#include "exporter/wire.h"

namespace clew {
namespace {

constexpr char kHex[] = "0123456789abcdef";

// What stands after the backslash: 0 for bytes that go as they are, 'u' for \u00xx.
constexpr std::array<char, 256> kEscape = [] {
  std::array<char, 256> table{};
  for (size_t byte = 0; byte < 0x20; ++byte) table[byte] = 'u';
  table['"'] = '"';
  table['\\'] = '\\';
  table['\b'] = 'b';
  table['\f'] = 'f';
  table['\n'] = 'n';
  table['\r'] = 'r';
  table['\t'] = 't';
  return table;
}();

// How many bytes from the start on, in steps of eight, surely need no escape: none is below a
// space, a quote or a backslash.
size_t plain_prefix(std::string_view text) {
  constexpr uint64_t kOnes = 0x0101010101010101u, kHighBits = 0x80 * kOnes;
  const auto zero_byte = [](uint64_t word) { return (word - kOnes) & ~word; };
  size_t at = 0;
  for (; at + 8 <= text.size(); at += 8) {
    uint64_t word = 0;
    std::memcpy(&word, text.data() + at, 8);
    const uint64_t low = (word - 0x20 * kOnes) & ~word;
    if ((low | zero_byte(word ^ '"' * kOnes) | zero_byte(word ^ '\\' * kOnes)) & kHighBits) break;
  }
  return at;
}

class Encoder {
 public:
  explicit Encoder(std::string& out) : out_(out), size_(out.size()) {}

  void request(const SpanBatch& batch) {
    raw(R"({"resourceSpans":[)");
    bool first = true;
    for_each_resource(batch, 0, batch.spans().size(), [&](const ResourceGroup& group) {
      if (!std::exchange(first, false)) raw(",");
      resource_spans(group);
    });
    raw("]}");
    out_.resize(size_);
  }

 private:
  void resource_spans(const ResourceGroup& group) {
    raw(R"({"resource":{"attributes":[)");
    bool first = true;
    if (group.resource != nullptr) {
      for (const Resource::Entry& entry : group.resource->attributes) {
        if (!std::exchange(first, false)) raw(",");
        attribute(view_of(entry));
      }
    }
    raw(R"(]},"scopeSpans":[{"scope":{"name":)");
    text(kScopeName);
    raw(R"(,"version":)");
    text(CLEW_VERSION);
    raw(R"(},"spans":[)");
    first = true;
    group.for_each([&](const Span& item) {
      if (!std::exchange(first, false)) raw(",");
      span(item);
    });
    raw("]}]}");
  }

  void span(const Span& span) {
    raw(R"({"traceId":)");
    hex(span.trace_id);
    raw(R"(,"spanId":)");
    hex(span.span_id);
    if (!span.trace_state.empty()) {
      raw(R"(,"traceState":)");
      text(span.trace_state);
    }
    if (span.parent_span_id != SpanId{}) {
      raw(R"(,"parentSpanId":)");
      hex(span.parent_span_id);
    }
    raw(R"(,"flags":)");
    number(span.trace_flags);
    raw(R"(,"name":)");
    text(span.name);
    raw(R"(,"kind":)");
    number(static_cast<int>(span.kind));
    raw(R"(,"startTimeUnixNano":")");
    number(span.start_unix_ns);
    raw(R"(","endTimeUnixNano":")");
    number(span.end_unix_ns);
    raw(R"(","attributes":[)");
    bool first = true;
    for (const Attribute& item : span.attributes) {
      if (!std::exchange(first, false)) raw(",");
      attribute(item);
    }
    raw(R"(],"status":{)");
    status(span);
    raw("}}");
  }

  void status(const Span& span) {
    if (!span.status_message.empty()) {
      raw(R"("message":)");
      text(span.status_message);
    }
    if (span.status == SpanStatus::Unset) return;
    if (!span.status_message.empty()) raw(",");
    raw(R"("code":)");
    number(static_cast<int>(span.status));
  }

  void attribute(const Attribute& attribute) {
    raw(R"({"key":)");
    text(attribute.key);
    raw(R"(,"value":)");
    switch (attribute.type) {
      case AttributeType::Text:
        string_value(attribute.text);
        break;
      case AttributeType::Integer:
        raw(R"({"intValue":")");
        number(attribute.integer);
        raw("\"}");
        break;
      case AttributeType::Boolean:
        if (attribute.integer != 0) {
          raw(R"({"boolValue":true})");
        } else {
          raw(R"({"boolValue":false})");
        }
        break;
      case AttributeType::TextList: {
        raw(R"({"arrayValue":{"values":[)");
        bool first = true;
        for (std::string_view item : attribute.list) {
          if (!std::exchange(first, false)) raw(",");
          string_value(item);
        }
        raw("]}}");
        break;
      }
    }
    raw("}");
  }

  void string_value(std::string_view value) {
    raw(R"({"stringValue":)");
    text(value);
    raw("}");
  }

  void text(std::string_view value) {
    if (!is_ascii(value)) value = valid_utf8(value, scratch_);
    char* to = room(2 + kLongestEscape * value.size());
    *to++ = '"';
    size_t i = plain_prefix(value);
    to = wire::put_bytes(to, value.substr(0, i));
    for (; i < value.size(); ++i) {
      const auto byte = static_cast<unsigned char>(value[i]);
      const char escape = kEscape[byte];
      if (escape == 0) {
        *to++ = value[i];
        continue;
      }
      *to++ = '\\';
      *to++ = escape;
      if (escape == 'u') {
        *to++ = '0';
        *to++ = '0';
        *to++ = kHex[byte >> 4];
        *to++ = kHex[byte & 0xF];
      }
    }
    *to++ = '"';
    written(to);
  }

  template <size_t Size>
  void hex(const std::array<uint8_t, Size>& id) {
    char* to = room(Size * 2 + 2);
    *to++ = '"';
    for (const uint8_t byte : id) {
      *to++ = kHex[byte >> 4];
      *to++ = kHex[byte & 0xF];
    }
    *to++ = '"';
    written(to);
  }

  template <typename Integer>
  void number(Integer value) {
    char* to = room(kLongestNumber);
    written(std::to_chars(to, to + kLongestNumber, value).ptr);
  }

  // Its size is known where it is written: the copy is a few instructions.
  template <size_t Size>
  void raw(const char (&json)[Size]) {
    char* to = room(Size - 1);
    std::memcpy(to, json, Size - 1);
    written(to + Size - 1);
  }

  static constexpr size_t kLongestEscape = 6;
  static constexpr size_t kLongestNumber = 24;

  // While encoding, out_ is as long as there is room.
  char* room(size_t bytes) {
    if (size_ + bytes > out_.size()) {
      const size_t wanted = std::max(2 * (size_ + bytes), out_.capacity());
      out_.resize_and_overwrite(wanted, [wanted](char*, size_t) { return wanted; });
    }
    return out_.data() + size_;
  }
  void written(const char* end) { size_ = static_cast<size_t>(end - out_.data()); }

  std::string& out_;
  size_t size_ = 0;
  std::string scratch_;
};

}  // namespace

void encode_trace_request_json(const SpanBatch& batch, std::string& out) {
  Encoder(out).request(batch);
}

}  // namespace clew
