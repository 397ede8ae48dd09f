#include "exporter/console/terminal.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>

namespace clew::console {
namespace {

using Clock = std::chrono::steady_clock;

// What a pipe or terminal that polls writable takes without blocking (PIPE_BUF).
constexpr size_t piece_bytes = 4096;

// The next part of `text` to write at once: all of it, or whole lines.
std::string_view piece_of(std::string_view text) {
  if (text.size() <= piece_bytes) return text;
  const size_t line_end = text.substr(0, piece_bytes).rfind('\n');
  return text.substr(0, line_end == text.npos ? piece_bytes : line_end + 1);
}

std::string_view environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

}  // namespace

bool terminal_wants_color(int fd) {
  return ::isatty(fd) == 1 && environment("NO_COLOR").empty() && environment("TERM") != "dumb";
}

size_t terminal_width(int fd) {
  winsize size{};
  if (::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  const std::string_view text = environment("COLUMNS");
  size_t columns = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), columns);
  const bool usable = error == std::errc() && end == text.data() + text.size() && columns > 0;
  return usable ? columns : 100;
}

TerminalWriter::Result TerminalWriter::write(std::string_view text) {
  if (broken()) return Result::Broken;
  using std::chrono::milliseconds;
  Result result = Result::Written;
  const milliseconds patience = stalled_ ? milliseconds(0) : patience_;
  if (mid_line_) {
    result = write_within("\n", patience);
    mid_line_ = result != Result::Written;
  }
  if (result == Result::Written) result = write_within(text, patience);
  stalled_ = result == Result::Stalled;
  return result;
}

TerminalWriter::Result TerminalWriter::write_within(std::string_view text,
                                                    std::chrono::milliseconds patience) {
  const Clock::time_point deadline = Clock::now() + patience;
  while (!text.empty()) {
    // Asking first keeps a blocking descriptor from blocking on a stopped terminal or a full pipe.
    pollfd ask{fd_, POLLOUT, 0};
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    const int ready = ::poll(&ask, 1, static_cast<int>(std::max<int64_t>(left.count(), 0)));
    if (ready == 0) return Result::Stalled;
    if (ready < 0 && errno == EINTR) continue;
    const std::string_view piece = piece_of(text);
    const ssize_t written = ready < 0 ? -1 : ::write(fd_, piece.data(), piece.size());
    if (written >= 0) {
      text.remove_prefix(static_cast<size_t>(written));
      mid_line_ = !text.empty();
    } else if (errno == EAGAIN) {
      if (Clock::now() >= deadline) return Result::Stalled;
    } else if (errno != EINTR) {
      error_ = errno;
      return Result::Broken;
    }
  }
  return Result::Written;
}

}  // namespace clew::console
