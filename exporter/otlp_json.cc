#include "exporter/otlp_json.h"

#include <array>
#include <charconv>
#include <cstring>
#include <string_view>
#include <utility>

#include "exporter/resource_spans.h"
#include "exporter/utf8.h"

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
  explicit Encoder(std::string& out) : out_(out) {}

  void request(const SpanBatch& batch) {
    raw(R"({"resourceSpans":[)");
    bool first = true;
    for_each_resource(batch, 0, batch.spans().size(), [&](const ResourceGroup& group) {
      if (!std::exchange(first, false)) raw(",");
      resource_spans(group);
    });
    raw("]}");
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
        raw(attribute.integer != 0 ? R"({"boolValue":true})" : R"({"boolValue":false})");
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
    raw("\"");
    size_t clean = 0;  // start of the run not written yet
    for (size_t i = plain_prefix(value); i < value.size(); ++i) {
      const char escape = kEscape[static_cast<unsigned char>(value[i])];
      if (escape == 0) continue;
      raw(value.substr(clean, i - clean));
      clean = i + 1;
      out_.push_back('\\');
      out_.push_back(escape);
      if (escape == 'u') {
        raw("00");
        out_.push_back(kHex[static_cast<unsigned char>(value[i]) >> 4]);
        out_.push_back(kHex[value[i] & 0xF]);
      }
    }
    raw(value.substr(clean));
    raw("\"");
  }

  template <size_t Size>
  void hex(const std::array<uint8_t, Size>& id) {
    std::array<char, Size * 2 + 2> digits;
    digits.front() = digits.back() = '"';
    for (size_t i = 0; i < Size; ++i) {
      digits[1 + 2 * i] = kHex[id[i] >> 4];
      digits[2 + 2 * i] = kHex[id[i] & 0xF];
    }
    out_.append(digits.data(), digits.size());
  }

  template <typename Integer>
  void number(Integer value) {
    std::array<char, 24> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    out_.append(digits.data(), end);
  }

  void raw(std::string_view json) { out_.append(json); }

  std::string& out_;
  std::string scratch_;
};

}  // namespace

void encode_trace_request_json(const SpanBatch& batch, std::string& out) {
  Encoder(out).request(batch);
}

}  // namespace clew
