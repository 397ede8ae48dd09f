#include "exporter/utf8.h"

#include <cstdint>
#include <cstring>

namespace clew {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

size_t ascii_prefix(std::string_view text) {
  constexpr uint64_t kHighBits = 0x8080808080808080u;
  const auto is_clean = [text](size_t at) {
    uint64_t word = 0;
    std::memcpy(&word, text.data() + at, 8);
    return (word & kHighBits) == 0;
  };
  size_t i = 0;
  while (i + 8 <= text.size() && is_clean(i)) i += 8;
  // The rest by a last word that overlaps.
  if (i + 8 > text.size() && text.size() >= 8 && is_clean(text.size() - 8)) return text.size();
  while (i < text.size() && static_cast<unsigned char>(text[i]) < 0x80) ++i;
  return i;
}

struct Sequence {
  size_t length;  // of the character, or of the maximal ill-formed part; at least 1
  bool valid;
};

// Unicode 15, table 3-7. `text` is not empty and starts with a byte of 0x80 or above.
Sequence first_sequence(std::string_view text) {
  const auto byte = [text](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0xC2 || lead > 0xF4) return {1, false};
  const size_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  unsigned char low = 0x80, high = 0xBF;  // of the second byte
  if (lead == 0xE0) low = 0xA0;           // no overlong forms
  if (lead == 0xED) high = 0x9F;          // no surrogates
  if (lead == 0xF0) low = 0x90;
  if (lead == 0xF4) high = 0x8F;  // nothing above U+10FFFF
  for (size_t i = 1; i < length; ++i) {
    if (i == text.size() || byte(i) < low || byte(i) > high) return {i, false};
    low = 0x80;
    high = 0xBF;
  }
  return {length, true};
}

// Length of the longest valid prefix.
size_t valid_prefix(std::string_view text) {
  size_t at = 0;
  while (true) {
    at += ascii_prefix(text.substr(at));
    if (at == text.size()) return at;
    const Sequence sequence = first_sequence(text.substr(at));
    if (!sequence.valid) return at;
    at += sequence.length;
  }
}

}  // namespace

std::string_view valid_utf8(std::string_view text, std::string& scratch) {
  size_t valid = valid_prefix(text);
  if (valid == text.size()) return text;
  scratch.clear();
  while (true) {
    scratch.append(text.substr(0, valid));
    text.remove_prefix(valid);
    if (text.empty()) return scratch;
    scratch.append(kReplacement);
    text.remove_prefix(first_sequence(text).length);
    valid = valid_prefix(text);
  }
}

}  // namespace clew
