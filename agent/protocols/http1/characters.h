// What the halves of the parser know of single characters.
#pragma once

#include <cstdint>
#include <string_view>

namespace clew::http1 {

constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
constexpr bool is_space(char c) {
  return c == ' ' || c == '\t';
}

/// Lower and upper case letters have the same one.
constexpr uint32_t initial_bit(char c) {
  return uint32_t{1} << (c & 0x1f);
}

/// `lower` has no upper case letters.
constexpr bool equal_ignoring_case(std::string_view text, std::string_view lower) {
  if (text.size() != lower.size()) return false;
  for (size_t i = 0; i < lower.size(); ++i) {
    const char c = text[i] >= 'A' && text[i] <= 'Z' ? static_cast<char>(text[i] | 0x20) : text[i];
    if (c != lower[i]) return false;
  }
  return true;
}

}  // namespace clew::http1
