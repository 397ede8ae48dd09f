#include "exporter/console/bar.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

namespace clew::console {
namespace {

constexpr std::array<std::string_view, 9> left_filled = {"",  "▏", "▎", "▍", "▌",
                                                         "▋", "▊", "▉", "█"};

void fill_right(Bar& bar, size_t eighths, bool may_invert) {
  bar.head_inverse = may_invert;
  bar.head = may_invert ? left_filled[8 - eighths] : eighths <= 2 ? "▕" : eighths <= 6 ? "▐" : "█";
}

void append_filled(Bar& bar, size_t columns, size_t eighths) {
  for (size_t i = 0; i < columns; ++i) bar.body += left_filled[8];
  bar.body += left_filled[eighths];
}

}  // namespace

Bar draw_bar(uint64_t start, uint64_t end, const BarScale& scale) {
  const uint64_t eighths = scale.columns * 8;
  const auto window = static_cast<double>(scale.window_end - scale.window_start);
  const auto position = [&](uint64_t time) -> uint64_t {
    if (time <= scale.window_start || window <= 0) return 0;
    const double share = static_cast<double>(time - scale.window_start) / window;
    return static_cast<uint64_t>(std::lround(std::min(share, 1.0) * static_cast<double>(eighths)));
  };
  const uint64_t from = std::min(position(start), eighths - 1);
  const uint64_t to = std::max(position(end), from + 1);

  Bar bar;
  bar.indent = from / 8;
  const uint64_t last = to / 8;
  if (from % 8 == 0) {
    append_filled(bar, last - bar.indent, to % 8);
  } else if (last > bar.indent) {
    fill_right(bar, 8 - from % 8, scale.may_invert);
    append_filled(bar, last - bar.indent - 1, to % 8);
  } else if (from % 8 + to % 8 < 8) {
    bar.body = left_filled[to - from];  // inside one cell: keep to the nearer edge of it
  } else {
    fill_right(bar, to - from, scale.may_invert);
  }
  return bar;
}

}  // namespace clew::console
