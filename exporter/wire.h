// The little of the protobuf wire format that OTLP encoding needs, written to memory that is large
// enough. Field numbers here are below 16: a tag takes one byte.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace clew::wire {

/// Field numbers of attributes in the OTLP 1.5 messages, written as Message_field.
enum Field : unsigned {
  KeyValue_key = 1,
  KeyValue_value = 2,
  AnyValue_string_value = 1,
  AnyValue_bool_value = 2,
  AnyValue_int_value = 3,
  AnyValue_array_value = 5,
  ArrayValue_values = 1,
};

enum class Type : uint8_t { Varint = 0, Fixed64 = 1, Length = 2, Fixed32 = 5 };

constexpr char tag(unsigned field, Type type) {
  return static_cast<char>(field << 3 | static_cast<unsigned>(type));
}

constexpr size_t varint_size(uint64_t value) {
  return static_cast<size_t>(std::bit_width(value | 1) + 6) / 7;
}

/// Size of a length-delimited field.
constexpr size_t field_size(size_t length) {
  return 1 + varint_size(length) + length;
}

inline char* put_varint(char* to, uint64_t value) {
  while (value >= 0x80) {
    *to++ = static_cast<char>(value | 0x80);
    value >>= 7;
  }
  *to++ = static_cast<char>(value);
  return to;
}

/// Tag and length of a field whose content follows.
inline char* put_length(char* to, unsigned field, size_t length) {
  *to++ = tag(field, Type::Length);
  return put_varint(to, length);
}

inline char* put_bytes(char* to, std::string_view bytes) {
  if (!bytes.empty()) std::memcpy(to, bytes.data(), bytes.size());
  return to + bytes.size();
}

inline char* put_field(char* to, unsigned field, std::string_view bytes) {
  return put_bytes(put_length(to, field, bytes.size()), bytes);
}

template <typename Integer>
char* put_fixed(char* to, Integer value) {
  static_assert(std::endian::native == std::endian::little);
  std::memcpy(to, &value, sizeof(value));
  return to + sizeof(value);
}

/// Reads what the functions above wrote: it is not checked.
inline uint64_t take_varint(const char*& at) {
  uint64_t value = 0;
  for (unsigned shift = 0;; shift += 7) {
    const auto byte = static_cast<unsigned char>(*at++);
    value |= static_cast<uint64_t>(byte & 0x7F) << shift;
    if (byte < 0x80) return value;
  }
}

/// The content of a length-delimited field whose tag is at `at`.
inline std::string_view take_field(const char*& at) {
  ++at;
  const size_t length = take_varint(at);
  const std::string_view content(at, length);
  at += length;
  return content;
}

}  // namespace clew::wire
