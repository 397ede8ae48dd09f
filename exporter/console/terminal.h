// The terminal behind a file descriptor: what it can show, and how to write to it without getting
// stuck on it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace clew::console {

/// Colour is welcome: a terminal that is not dumb, and NO_COLOR is unset or empty (no-color.org).
bool terminal_wants_color(int fd);

/// Columns: the terminal's own, else COLUMNS, else 100.
size_t terminal_width(int fd);

/// Writes whole texts to a descriptor it does not own and whose mode it leaves alone (the traced
/// command may share it). Not thread-safe.
class TerminalWriter {
 public:
  enum class Result : uint8_t {
    Written,
    Stalled,  ///< the other side did not read in time; part of the text may be out
    Broken,   ///< it never will: see error()
  };

  TerminalWriter(int fd, std::chrono::milliseconds patience) : fd_(fd), patience_(patience) {}

  /// One write(2) for up to 4 KiB, longer texts in several that end at line ends. Waits `patience`
  /// for room in all; after a stall not at all, until a text goes through again.
  Result write(std::string_view text);
  bool broken() const { return error_ != 0; }
  int error() const { return error_; }  ///< errno of what broke it

 private:
  Result write_within(std::string_view text, std::chrono::milliseconds patience);

  int fd_;
  std::chrono::milliseconds patience_;
  bool stalled_ = false;
  bool mid_line_ = false;  ///< a stall cut a text short
  int error_ = 0;
};

}  // namespace clew::console
