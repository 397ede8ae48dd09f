#include "exporter/attributes.h"

#include <algorithm>

#include "exporter/utf8.h"

namespace clew {
namespace {

using namespace wire;

constexpr size_t kFirstRoom = 1024;

// A KeyValue up to where its value's content begins.
char* put_key(char* to, AttributeField field, std::string_view key, size_t value_size) {
  to = wire::put_length(to, static_cast<unsigned>(field),
                        field_size(key.size()) + field_size(value_size));
  to = wire::put_field(to, KeyValue_key, key);
  return wire::put_length(to, KeyValue_value, value_size);
}

size_t attribute_size(std::string_view key, size_t value_size) {
  return field_size(field_size(key.size()) + field_size(value_size));
}

}  // namespace

template <>
std::string_view FieldIterator<std::string_view>::operator*() const {
  const char* at = at_;
  const char* value = wire::take_field(at).data();
  return wire::take_field(value);
}

template <>
Attribute FieldIterator<Attribute>::operator*() const {
  const char* at = at_;
  at = wire::take_field(at).data();
  Attribute attribute;
  attribute.key = wire::take_field(at);
  at = wire::take_field(at).data();
  switch (static_cast<unsigned char>(*at) >> 3) {
    case AnyValue_bool_value:
      attribute.type = AttributeType::Boolean;
      attribute.integer = at[1] != 0;
      break;
    case AnyValue_int_value:
      attribute.type = AttributeType::Integer;
      attribute.integer = static_cast<int64_t>(wire::take_varint(++at));
      break;
    case AnyValue_array_value:
      attribute.type = AttributeType::TextList;
      attribute.list = TextList(wire::take_field(at));
      break;
    default:
      attribute.text = wire::take_field(at);
  }
  return attribute;
}

bool Attributes::contains(std::string_view key) const {
  const char* at = encoded_.data();
  const char* end = at + encoded_.size();
  while (at != end) {
    // Nearly always the lengths take one byte.
    if (const auto length = static_cast<unsigned char>(at[1]); length <= 0x7F) {
      const std::string_view name(at + 4, static_cast<unsigned char>(at[3]));
      if (name == key) return true;
      at += 2 + length;
    } else {
      const char* inside = take_field(at).data();
      if (take_field(inside) == key) return true;
    }
  }
  return false;
}

size_t text_attribute_size(std::string_view key, std::string_view value) {
  return attribute_size(key, field_size(value.size()));
}

char* write_text_attribute(char* to, std::string_view key, std::string_view value) {
  to = put_key(to, AttributeField::OfSpan, key, field_size(value.size()));
  return wire::put_field(to, AnyValue_string_value, value);
}

void AttributeWriter::make_room() {
  buffer_.resize(std::max(2 * size_, kFirstRoom));
}

char* AttributeWriter::begin(std::string_view key, size_t value_size) {
  if (!is_ascii(key)) key = valid_utf8(key, key_scratch_);
  const size_t inside = 2 + key.size() + 2 + value_size;
  if (inside > kMaxShort) {
    return put_key(grow(attribute_size(key, value_size)), field_, key, value_size);
  }
  // Nearly all attributes: every length takes one byte.
  char* to = grow(2 + inside);
  to[0] = wire::tag(static_cast<unsigned>(field_), Type::Length);
  to[1] = static_cast<char>(inside);
  to[2] = wire::tag(KeyValue_key, Type::Length);
  to[3] = static_cast<char>(key.size());
  to = put_bytes(to + kKeyAt, key);
  to[0] = wire::tag(KeyValue_value, Type::Length);
  to[1] = static_cast<char>(value_size);
  return to + 2;
}

void AttributeWriter::append(Attributes attributes) {
  const std::string_view encoded = attributes.encoded();
  wire::put_bytes(grow(encoded.size()), encoded);
}

void AttributeWriter::text(std::string_view key, std::string_view value) {
  const std::string_view valid = is_ascii(value) ? value : valid_utf8(value, scratch_);
  char* to = begin(key, field_size(valid.size()));
  wire::put_field(to, AnyValue_string_value, valid);
}

void AttributeWriter::integer(std::string_view key, int64_t value) {
  const auto bits = static_cast<uint64_t>(value);
  char* to = begin(key, 1 + wire::varint_size(bits));
  *to++ = wire::tag(AnyValue_int_value, Type::Varint);
  wire::put_varint(to, bits);
}

void AttributeWriter::boolean(std::string_view key, bool value) {
  char* to = begin(key, 2);
  *to++ = wire::tag(AnyValue_bool_value, Type::Varint);
  *to = value ? 1 : 0;
}

void AttributeWriter::list(std::string_view key, std::span<const std::string_view> values) {
  size_t size = 0;
  for (const std::string_view value : values) {
    size += field_size(field_size(valid_utf8(value, scratch_).size()));
  }
  char* to = begin(key, field_size(size));
  to = wire::put_length(to, AnyValue_array_value, size);
  for (const std::string_view value : values) {
    const std::string_view valid = valid_utf8(value, scratch_);
    to = wire::put_length(to, ArrayValue_values, field_size(valid.size()));
    to = wire::put_field(to, AnyValue_string_value, valid);
  }
}

}  // namespace clew
