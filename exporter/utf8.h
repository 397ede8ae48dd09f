// OTLP strings must be valid UTF-8; the wire that clew reads need not be.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace clew {

/// Whether all bytes are below 0x80.
inline bool is_ascii(std::string_view text) {
  constexpr uint64_t kHighBits = 0x8080808080808080u;
  uint64_t seen = 0;
  size_t at = 0;
  for (; at + 8 <= text.size(); at += 8) {
    uint64_t word = 0;
    std::memcpy(&word, text.data() + at, 8);
    seen |= word;
  }
  if (at < text.size() && text.size() >= 8) {  // the rest by a last word that overlaps
    uint64_t word = 0;
    std::memcpy(&word, text.data() + text.size() - 8, 8);
    seen |= word;
  } else {
    for (; at < text.size(); ++at) seen |= static_cast<unsigned char>(text[at]);
  }
  return (seen & kHighBits) == 0;
}

/// Copies `text` to where there is room for it; false if some byte is 0x80 or above (what was
/// copied is of no use then). For short texts: looks and copies in one go.
inline bool copy_ascii(char* to, std::string_view text) {
  constexpr uint64_t kHighBits = 0x8080808080808080u;
  uint64_t seen = 0;
  const auto copy = [&]<typename Word>(size_t at, Word word) {
    std::memcpy(&word, text.data() + at, sizeof(word));
    std::memcpy(to + at, &word, sizeof(word));
    seen |= word;
  };
  const size_t size = text.size();
  if (size >= 8) {
    for (size_t at = 0; at + 8 < size; at += 8) copy(at, uint64_t{});
    copy(size - 8, uint64_t{});  // overlaps
  } else if (size >= 4) {
    copy(0, uint32_t{});
    copy(size - 4, uint32_t{});
  } else {
    for (size_t at = 0; at < size; ++at) copy(at, uint8_t{});
  }
  return (seen & kHighBits) == 0;
}

/// `text` itself if it is valid UTF-8 (RFC 3629), else a copy held by `scratch` in which each
/// maximal ill-formed part is replaced by U+FFFD (Unicode 15, section 3.9, "substitution of maximal
/// subparts").
std::string_view valid_utf8(std::string_view text, std::string& scratch);

}  // namespace clew
