// Attributes of spans, kept as OTLP has them on the wire: written once, when a span ends, and
// copied from there on. Who wants to read them iterates over decoded views.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <span>
#include <string>
#include <string_view>

#include "exporter/wire.h"

namespace clew {

enum class AttributeType : uint8_t { Text, Integer, Boolean, TextList };

/// Items of a list attribute: a view of an encoded ArrayValue of strings.
class TextList {
 public:
  TextList() = default;
  explicit TextList(std::string_view encoded) : encoded_(encoded) {}

  class Iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = std::string_view;
    using difference_type = std::ptrdiff_t;
    using pointer = void;
    using reference = std::string_view;

    Iterator() = default;
    explicit Iterator(const char* at) : at_(at) {}
    std::string_view operator*() const;
    Iterator& operator++() {
      wire::take_field(at_);
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(const Iterator&) const = default;

   private:
    const char* at_ = nullptr;
  };
  Iterator begin() const { return Iterator(encoded_.data()); }
  Iterator end() const { return Iterator(encoded_.data() + encoded_.size()); }

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

/// Some encoded attributes: KeyValue messages, each with the tag of the field that holds it.
class Attributes {
 public:
  Attributes() = default;
  /// `encoded` must come from AttributeWriter or write_text_attribute.
  explicit Attributes(std::string_view encoded) : encoded_(encoded) {}

  class Iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = Attribute;
    using difference_type = std::ptrdiff_t;
    using pointer = void;
    using reference = Attribute;

    Iterator() = default;
    explicit Iterator(const char* at) : at_(at) {}
    Attribute operator*() const;
    Iterator& operator++() {
      wire::take_field(at_);
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(const Iterator&) const = default;

   private:
    const char* at_ = nullptr;
  };
  Iterator begin() const { return Iterator(encoded_.data()); }
  Iterator end() const { return Iterator(encoded_.data() + encoded_.size()); }
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
  void boolean(std::string_view key, bool value);
  void list(std::string_view key, std::span<const std::string_view> values);
  /// What another writer for the same field wrote.
  void append(Attributes attributes);
  Attributes written() const { return Attributes({buffer_.data(), size_}); }

 private:
  char* grow(size_t bytes);
  char* begin(std::string_view key, size_t value_size);

  AttributeField field_;
  size_t size_ = 0;
  std::string buffer_;  // its size is the room there is
  std::string scratch_, key_scratch_;
};

/// For a text attribute of a span that is known to be valid UTF-8.
size_t text_attribute_size(std::string_view key, std::string_view value);
char* write_text_attribute(char* to, std::string_view key, std::string_view value);

}  // namespace clew
