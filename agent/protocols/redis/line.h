// Lines and what they say: what both parsers need.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "agent/base/bytes.h"
#include "agent/protocols/redis/messages.h"

namespace clew::redis {

/// Digits, perhaps with a sign before them, and nothing else.
bool read_number(std::string_view text, int64_t& number);

/// Of the bytes of a string and its line end, of which `remaining` are to come: false if the line
/// end is none, as far as it is there.
bool ends_in_line_end(ByteView bytes, uint64_t remaining);

/// One line, as far as it came: up to kMaxLine bytes of it are kept.
class Line {
 public:
  /// Consumes up to the line's end. True if that was found: text() is the line without it.
  bool read(ByteView& bytes);
  /// Valid until read() is called again, and as long as the bytes given last.
  std::string_view text() const { return text_; }
  bool is_cut() const { return cut_; }
  /// It ended by "\r\n", not by "\n" alone.
  bool has_return() const { return has_return_; }
  void clear() { size_ = 0, done_ = true; }

 private:
  std::array<char, kMaxLine> kept_;
  uint8_t size_ = 0;
  bool done_ = true, cut_ = false, has_return_ = false;
  char last_ = 0;
  std::string_view text_;
};

}  // namespace clew::redis
