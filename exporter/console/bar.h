// A span of time as a bar of block characters, exact to an eighth of a column.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace clew::console {

/// The bar from left to right. Block characters fill from the left only, so a bar that starts
/// inside a column needs its first cell drawn inverse; without that the nearest right-filled block
/// stands in.
struct Bar {
  size_t indent = 0;  ///< blank columns before it
  std::string head;   ///< first cell where the bar starts inside it, else empty
  bool head_inverse = false;
  std::string body;
};

/// [start, end) within the window [window_start, window_end), on `columns` columns. Never
/// invisible: at least an eighth of a column, also for an empty interval or window. `columns` is at
/// least 1.
struct BarScale {
  uint64_t window_start = 0;
  uint64_t window_end = 0;
  size_t columns = 1;
  bool may_invert = false;
};
Bar draw_bar(uint64_t start, uint64_t end, const BarScale& scale);

}  // namespace clew::console
