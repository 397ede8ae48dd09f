// Attributes of spans, kept as OTLP has them on the wire: written once, when a span ends, and
// copied from there on. Who wants to read them iterates over decoded views.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "exporter/utf8.h"
#include "exporter/wire.h"

namespace clew {

enum class AttributeType : uint8_t { Text, Integer, Boolean, TextList };

/// Over encoded fields that follow each other; what one says is a view of its bytes.
template <typename Value>
class FieldIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = Value;
  using difference_type = std::ptrdiff_t;
  using pointer = void;
  using reference = Value;

  FieldIterator() = default;
  explicit FieldIterator(const char* at) : at_(at) {}
  Value operator*() const;
  FieldIterator& operator++() {
    wire::take_field(at_);
    return *this;
  }
  void operator++(int) { ++*this; }
  bool operator==(const FieldIterator&) const = default;

 private:
  const char* at_ = nullptr;
};

/// Items of a list attribute: a view of an encoded ArrayValue of strings.
class TextList {
 public:
  TextList() = default;
  explicit TextList(std::string_view encoded) : encoded_(encoded) {}

  using Iterator = FieldIterator<std::string_view>;
  Iterator begin() const { return Iterator(std::to_address(encoded_.begin())); }
  Iterator end() const { return Iterator(std::to_address(encoded_.end())); }

 private:
  std::string_view encoded_;
};

/// One attribute. Views live as long as the encoded bytes.
struct Attribute {
  std::string_view key;
  AttributeType type = AttributeType::Text;
  int64_t integer = 0;  ///< Integer; Boolean as 0 or 1
  std::string_view text;
  TextList list{};
};

template <>
std::string_view FieldIterator<std::string_view>::operator*() const;
template <>
Attribute FieldIterator<Attribute>::operator*() const;

/// Some encoded attributes: KeyValue messages, each with the tag of the field that holds it.
class Attributes {
 public:
  Attributes() = default;
  /// `encoded` must come from AttributeWriter or write_text_attribute.
  explicit Attributes(std::string_view encoded) : encoded_(encoded) {}

  using Iterator = FieldIterator<Attribute>;
  Iterator begin() const { return Iterator(std::to_address(encoded_.begin())); }
  Iterator end() const { return Iterator(std::to_address(encoded_.end())); }
  bool empty() const { return encoded_.empty(); }
  bool contains(std::string_view key) const;
  std::string_view encoded() const { return encoded_; }

 private:
  std::string_view encoded_;
};

/// Field numbers of the messages that have attributes.
enum class AttributeField : uint8_t { OfResource = 1, OfSpan = 9 };

/// Encodes attributes one after the other into a buffer that is reused. What is no UTF-8 in values
/// is replaced, since OTLP strings have to be valid; keys are taken as they are, but for those of
/// lists, which can come from the wire.
class AttributeWriter {
 public:
  explicit AttributeWriter(AttributeField field = AttributeField::OfSpan) : field_(field) {}

  void clear() { size_ = 0; }
  void text(std::string_view key, std::string_view value);
  void integer(std::string_view key, int64_t value);
  /// The same for keys that are literals, which are written without a look at them.
  template <size_t Size>
  void text(const char (&key)[Size], std::string_view value);
  template <size_t Size>
  void integer(const char (&key)[Size], int64_t value);
  void boolean(std::string_view key, bool value);
  void list(std::string_view key, std::span<const std::string_view> values);
  /// What another writer for the same field wrote.
  void append(Attributes attributes);
  Attributes written() const { return Attributes({buffer_.data(), size_}); }

 private:
  // Lengths up to this one take one byte.
  static constexpr size_t kMaxShort = 0x7F;
  // KeyValue's tag and length, then tag and length of its key.
  static constexpr size_t kKeyAt = 4;

  char* grow(size_t bytes) {
    const size_t before = size_;
    size_ += bytes;
    if (size_ > buffer_.size()) make_room();
    return buffer_.data() + before;
  }
  void make_room();
  char* begin(std::string_view key, size_t value_size);
  template <size_t Size>
  char* begin_short(const char (&key)[Size], size_t value_size);

  AttributeField field_;
  size_t size_ = 0;
  std::string buffer_;  // its size is the room there is
  std::string scratch_, key_scratch_;
};

/// Begins an attribute of which every length takes one byte: answers where its value goes.
template <size_t Size>
char* AttributeWriter::begin_short(const char (&key)[Size], size_t value_size) {
  constexpr size_t kKey = Size - 1;
  const size_t inside = 2 + kKey + 2 + value_size;
  char* to = grow(2 + inside);
  to[0] = wire::tag(static_cast<unsigned>(field_), wire::Type::Length);
  to[1] = static_cast<char>(inside);
  to[2] = wire::tag(wire::KeyValue_key, wire::Type::Length);
  to[3] = static_cast<char>(kKey);
  std::memcpy(to + kKeyAt, key, kKey);
  to += kKeyAt + kKey;
  to[0] = wire::tag(wire::KeyValue_value, wire::Type::Length);
  to[1] = static_cast<char>(value_size);
  return to + 2;
}

template <size_t Size>
void AttributeWriter::text(const char (&key)[Size], std::string_view value) {
  constexpr size_t kAround = 2 + Size - 1 + 2 + 2;
  static_assert(kAround < kMaxShort);
  if (value.size() <= kMaxShort - kAround) {
    const size_t before = size_;
    char* to = begin_short(key, 2 + value.size());
    to[0] = wire::tag(wire::AnyValue_string_value, wire::Type::Length);
    to[1] = static_cast<char>(value.size());
    if (copy_ascii(to + 2, value)) return;
    size_ = before;
  }
  text(std::string_view(key, Size - 1), value);
}

template <size_t Size>
void AttributeWriter::integer(const char (&key)[Size], int64_t value) {
  static_assert(2 + Size - 1 + 2 + 1 + 10 <= kMaxShort);
  const auto bits = static_cast<uint64_t>(value);
  char* to = begin_short(key, 1 + wire::varint_size(bits));
  *to++ = wire::tag(wire::AnyValue_int_value, wire::Type::Varint);
  wire::put_varint(to, bits);
}

/// For a text attribute of a span that is known to be valid UTF-8.
size_t text_attribute_size(std::string_view key, std::string_view value);
char* write_text_attribute(char* to, std::string_view key, std::string_view value);

}  // namespace clew
