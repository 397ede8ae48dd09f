#include "exporter/console/bar.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "exporter/console/text.h"

namespace clew::console {
namespace {

// Ten columns for 80 units: one unit is an eighth of a column.
std::string bar(uint64_t start, uint64_t end) {
  const Bar drawn = draw_bar(start, end, {.window_start = 0, .window_end = 80, .columns = 10});
  return std::string(drawn.indent, '.') + drawn.head + drawn.body;
}

TEST(Bar, IsExactToAnEighth) {
  EXPECT_EQ(bar(0, 80), "██████████");
  EXPECT_EQ(bar(0, 1), "▏");
  EXPECT_EQ(bar(8, 19), ".█▍");
  EXPECT_EQ(bar(72, 80), ".........█");
}

TEST(Bar, StartsInsideAColumnWithTheNearestBlock) {
  EXPECT_EQ(bar(4, 16), "▐█");
  EXPECT_EQ(bar(7, 16), "▕█");
  EXPECT_EQ(bar(1, 16), "██");
  EXPECT_EQ(bar(5, 7), "▕");
  EXPECT_EQ(bar(2, 4), "▎");
}

TEST(Bar, StartsExactlyWithAnInverseBlock) {
  const Bar drawn =
      draw_bar(11, 32, {.window_start = 0, .window_end = 80, .columns = 10, .may_invert = true});
  EXPECT_EQ(drawn.indent, 1U);
  EXPECT_TRUE(drawn.head_inverse);
  EXPECT_EQ(drawn.head, "▍");  // three eighths blank, five filled
  EXPECT_EQ(drawn.body, "██");
}

TEST(Bar, IsNeverInvisibleNorOutside) {
  EXPECT_EQ(bar(0, 0), "▏");
  EXPECT_EQ(bar(80, 80), ".........▕");
  EXPECT_EQ(bar(200, 300), ".........▕");
  const Bar empty_window = draw_bar(5, 5, {.window_start = 5, .window_end = 5, .columns = 10});
  EXPECT_EQ(empty_window.body, "▏");
}

TEST(Bar, StaysWithinItsColumns) {
  constexpr uint64_t huge = std::numeric_limits<uint64_t>::max();
  for (size_t columns = 1; columns < 20; ++columns) {
    for (uint64_t i = 0; i < 40; ++i) {
      for (uint64_t j = i; j <= 40; ++j) {
        for (const bool invert : {false, true}) {
          const Bar drawn = draw_bar(huge / 41 * i, huge / 41 * j, {0, huge, columns, invert});
          const size_t width = display_width(drawn.head) + display_width(drawn.body);
          ASSERT_GE(width, 1U);
          ASSERT_LE(drawn.indent + width, columns);
        }
      }
    }
  }
}

}  // namespace
}  // namespace clew::console
