#include "exporter/console/text.h"

#include <gtest/gtest.h>

#include <string>

namespace clew::console {
namespace {

using namespace std::string_view_literals;

TEST(Sanitise, KeepsWhatIsHarmless) {
  EXPECT_EQ(sanitise("GET /straße/価格?x=1"), "GET /straße/価格?x=1");
}

TEST(Sanitise, ShowsControlBytes) {
  EXPECT_EQ(sanitise("a\x1b[31mb\r\n\t\0\x7f"sv), "a\\x1b[31mb\\x0d\\x0a\\x09\\x00\\x7f");
}

TEST(Sanitise, ShowsC1ControlsWhichSomeTerminalsObey) {
  EXPECT_EQ(sanitise("\xc2\x9b"
                     "31m"),
            "\\x9b31m");
}

TEST(Sanitise, ReplacesInvalidUtf8) {
  EXPECT_EQ(sanitise("a\xff"
                     "b"),
            "a\uFFFDb");
  EXPECT_EQ(sanitise("\xc0\xaf"), "\uFFFD\uFFFD");                          // overlong '/'
  EXPECT_EQ(sanitise("\xed\xa0\x80"), "\uFFFD\uFFFD\uFFFD");                // surrogate
  EXPECT_EQ(sanitise("\xf4\x90\x80\x80").find('\xf4'), std::string::npos);  // beyond U+10FFFF
  EXPECT_EQ(sanitise("\xe2\x82"), "\uFFFD\uFFFD");                          // cut off
}

TEST(Sanitise, DotsForCharactersThatHideOrReorder) {
  EXPECT_EQ(sanitise("a\u202Eb\u2066c\u200Bd\u2028e"), "a·b·c·d·e");
}

TEST(DisplayWidth, CountsColumns) {
  EXPECT_EQ(display_width("abc"), 3U);
  EXPECT_EQ(display_width("…µ→█"), 4U);
  EXPECT_EQ(display_width("価格"), 4U);
  EXPECT_EQ(display_width("e\u0301"), 1U);
}

TEST(Shorten, CutsOnlyWhatIsTooWide) {
  EXPECT_EQ(shorten_middle("/checkout", 9), "/checkout");
  EXPECT_EQ(shorten_middle("/checkout", 8), "/che…out");
  EXPECT_EQ(shorten_middle("/checkout", 1), "…");
  EXPECT_EQ(shorten_middle("/checkout", 0), "");
  EXPECT_EQ(shorten_end("/checkout", 5), "/che…");
  EXPECT_EQ(shorten_end("/checkout", 0), "");
}

TEST(Shorten, NeverSplitsAWideCharacter) {
  EXPECT_EQ(shorten_end("価格価格", 4), "価…");
  EXPECT_EQ(shorten_middle("価格価格", 7), "価…格");
  for (size_t columns = 0; columns < 10; ++columns) {
    EXPECT_LE(display_width(shorten_middle("a価格b価格", columns)), columns);
    EXPECT_LE(display_width(shorten_end("a価格b価格", columns)), columns);
  }
}

TEST(ClipBytes, KeepsSequencesWhole) {
  EXPECT_EQ(clip_bytes("abc", 3), "abc");
  EXPECT_EQ(clip_bytes("abcd", 3), "abc");
  EXPECT_EQ(clip_bytes("ab\u20ac", 3), "ab");
  EXPECT_EQ(clip_bytes("ab\u20ac", 5), "ab\u20ac");
  EXPECT_EQ(clip_bytes("\x80\x80\x80\x80\x80\x80", 5).size(), 5U);
}

TEST(HumaneDuration, HasThreeDigits) {
  EXPECT_EQ(humane_duration(0), "0 µs");
  EXPECT_EQ(humane_duration(1), "0.001 µs");
  EXPECT_EQ(humane_duration(420), "0.420 µs");
  EXPECT_EQ(humane_duration(1'230), "1.23 µs");
  EXPECT_EQ(humane_duration(310'000), "310 µs");
  EXPECT_EQ(humane_duration(999'499), "999 µs");
  EXPECT_EQ(humane_duration(999'500), "1.00 ms");
  EXPECT_EQ(humane_duration(9'996'000), "10.0 ms");
  EXPECT_EQ(humane_duration(99'960'000), "100 ms");
  EXPECT_EQ(humane_duration(41'200'000), "41.2 ms");
  EXPECT_EQ(humane_duration(1'300'000'000), "1.30 s");
  EXPECT_EQ(humane_duration(3'600'000'000'000), "3600 s");
}

TEST(HumaneCount, GroupsThousands) {
  EXPECT_EQ(humane_count(0), "0");
  EXPECT_EQ(humane_count(999), "999");
  EXPECT_EQ(humane_count(1000), "1,000");
  EXPECT_EQ(humane_count(1234567), "1,234,567");
}

}  // namespace
}  // namespace clew::console
