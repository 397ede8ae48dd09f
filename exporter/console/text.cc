#include "exporter/console/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

namespace clew::console {
namespace {

constexpr std::string_view ellipsis = "…";

struct Range {
  char32_t first;
  char32_t last;
};

template <size_t N>
bool within(const std::array<Range, N>& ranges, char32_t c) {
  return std::ranges::any_of(ranges, [c](Range r) { return c >= r.first && c <= r.last; });
}

// Format characters: invisible, or able to reorder what surrounds them (Trojan source).
constexpr std::array<Range, 11> deceptive = {{{0xAD, 0xAD},
                                              {0x61C, 0x61C},
                                              {0x180E, 0x180E},
                                              {0x200B, 0x200F},
                                              {0x2028, 0x202E},
                                              {0x2060, 0x206F},
                                              {0x3164, 0x3164},
                                              {0xFEFF, 0xFEFF},
                                              {0xFFF9, 0xFFFB},
                                              {0xE0000, 0xE007F},
                                              {0xFDD0, 0xFDEF}}};

constexpr std::array<Range, 8> combining = {{{0x300, 0x36F},
                                             {0x1AB0, 0x1AFF},
                                             {0x1DC0, 0x1DFF},
                                             {0x20D0, 0x20FF},
                                             {0x3099, 0x309A},
                                             {0xFE00, 0xFE0F},
                                             {0xFE20, 0xFE2F},
                                             {0xE0100, 0xE01EF}}};

// The blocks that are wide throughout (Unicode EastAsianWidth W and F), without single exceptions.
constexpr std::array<Range, 12> wide = {{{0x1100, 0x115F},
                                         {0x2E80, 0x303E},
                                         {0x3041, 0xA4CF},
                                         {0xA960, 0xA97F},
                                         {0xAC00, 0xD7A3},
                                         {0xF900, 0xFAFF},
                                         {0xFE30, 0xFE6F},
                                         {0xFF00, 0xFF60},
                                         {0xFFE0, 0xFFE6},
                                         {0x1F300, 0x1F64F},
                                         {0x1F680, 0x1FAFF},
                                         {0x20000, 0x3FFFD}}};

struct Decoded {
  char32_t code_point = 0;
  size_t length = 1;
  bool valid = false;
};

// One code point of non-empty `text`; what is no UTF-8 (RFC 3629: overlong, surrogate, too large)
// takes one byte.
Decoded decode(std::string_view text) {
  const auto lead = static_cast<uint8_t>(text[0]);
  if (lead < 0x80) return {lead, 1, true};
  const size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < length) return {};
  char32_t c = lead & (0x7FU >> length);
  for (size_t i = 1; i < length; ++i) {
    const auto byte = static_cast<uint8_t>(text[i]);
    if ((byte & 0xC0U) != 0x80) return {};
    c = (c << 6U) | (byte & 0x3FU);
  }
  const bool overlong = (length == 3 && c < 0x800) || (length == 4 && c < 0x10000);
  if (overlong || (c >= 0xD800 && c <= 0xDFFF) || c > 0x10FFFF) return {};
  return {c, length, true};
}

size_t columns_of(char32_t c) {
  if (c < 0x300) return 1;
  if (within(combining, c)) return 0;
  return within(wide, c) ? 2 : 1;
}

// The longest prefix within `columns`.
std::string_view prefix(std::string_view text, size_t columns) {
  size_t at = 0;
  for (size_t used = 0; at < text.size();) {
    const Decoded d = decode(text.substr(at));
    used += columns_of(d.code_point);
    if (used > columns) break;
    at += d.length;
  }
  return text.substr(0, at);
}

// The longest suffix within `columns`.
std::string_view suffix(std::string_view text, size_t columns) {
  const size_t total = display_width(text);
  size_t at = 0;
  for (size_t skipped = 0; at < text.size() && total - skipped > columns;) {
    const Decoded d = decode(text.substr(at));
    skipped += columns_of(d.code_point);
    at += d.length;
  }
  return text.substr(at);
}

}  // namespace

std::string sanitise(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    const Decoded d = decode(text.substr(at));
    const char32_t c = d.code_point;
    if (!d.valid) {
      out += "\uFFFD";
    } else if (c < 0x20 || (c >= 0x7F && c <= 0x9F)) {
      fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<uint32_t>(c));
    } else if (within(deceptive, c)) {
      out += "·";
    } else {
      out += text.substr(at, d.length);
    }
    at += d.length;
  }
  return out;
}

size_t display_width(std::string_view text) {
  size_t width = 0;
  for (size_t at = 0; at < text.size();) {
    const Decoded d = decode(text.substr(at));
    width += columns_of(d.code_point);
    at += d.length;
  }
  return width;
}

std::string shorten_middle(std::string_view text, size_t columns) {
  if (display_width(text) <= columns) return std::string(text);
  if (columns == 0) return {};
  const size_t tail = (columns - 1) / 2;
  return std::string(prefix(text, columns - 1 - tail)).append(ellipsis).append(suffix(text, tail));
}

std::string shorten_end(std::string_view text, size_t columns) {
  if (display_width(text) <= columns) return std::string(text);
  if (columns == 0) return {};
  return std::string(prefix(text, columns - 1)).append(ellipsis);
}

std::string_view clip_bytes(std::string_view text, size_t bytes) {
  if (text.size() <= bytes) return text;
  // A sequence has at most three continuation bytes; more of them are no UTF-8 and may be split.
  size_t end = bytes;
  for (int back = 0; back < 3 && end > 0 && (text[end] & 0xC0) == 0x80; ++back) --end;
  return text.substr(0, (text[end] & 0xC0) == 0x80 ? bytes : end);
}

std::string humane_duration(uint64_t nanoseconds) {
  if (nanoseconds == 0) return "0 µs";
  auto value = static_cast<double>(nanoseconds) / 1e3;
  constexpr std::array<std::string_view, 3> units = {"µs", "ms", "s"};
  size_t unit = 0;
  // 999.5 and above would round to a fourth digit.
  while (value >= 999.5 && unit + 1 < units.size()) {
    value /= 1e3;
    ++unit;
  }
  const int decimals = value < 0.9995 ? 3 : value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
  return fmt::format("{:.{}f} {}", value, decimals, units[unit]);
}

std::string humane_count(uint64_t count) {
  std::string digits = fmt::format("{}", count);
  for (size_t at = digits.size(); at > 3;) {
    at -= 3;
    digits.insert(at, 1, ',');
  }
  return digits;
}

}  // namespace clew::console
