#include "exporter/utf8.h"

#include <gtest/gtest.h>

namespace clew {
namespace {

std::string fixed(std::string_view text) {
  std::string scratch;
  return std::string(valid_utf8(text, scratch));
}

TEST(ValidUtf8, LeavesValidTextWhereItIs) {
  for (std::string_view text :
       {"", "a", "plain ASCII of some length", "gr\u00fc\u00df", "\u65e5\u672c\u8a9e",
        "\U0001F9F5 thread", "\u07ff\u0800\ud7ff\ue000\uffff", "\U00010000\U0010FFFF"}) {
    std::string scratch;
    const auto result = valid_utf8(text, scratch);
    EXPECT_EQ(result.data(), text.data());
    EXPECT_EQ(result.size(), text.size());
  }
  using namespace std::string_view_literals;
  EXPECT_EQ(fixed("nul\0inside"sv), "nul\0inside"sv);
}

TEST(ValidUtf8, ReplacesEachMaximalIllFormedPart) {
  EXPECT_EQ(fixed("\xFF"), "\uFFFD");
  EXPECT_EQ(fixed("a\x80z"), "a\uFFFDz");
  EXPECT_EQ(fixed("\x80\x80"), "\uFFFD\uFFFD");
  EXPECT_EQ(fixed("\xC0\xAF"), "\uFFFD\uFFFD");                      // overlong
  EXPECT_EQ(fixed("\xE0\x80\xAF"), "\uFFFD\uFFFD\uFFFD");            // overlong
  EXPECT_EQ(fixed("\xED\xA0\x80"), "\uFFFD\uFFFD\uFFFD");            // surrogate
  EXPECT_EQ(fixed("\xF4\x90\x80\x80"), "\uFFFD\uFFFD\uFFFD\uFFFD");  // above U+10FFFF
  EXPECT_EQ(fixed("\xF5"), "\uFFFD");
  EXPECT_EQ(fixed("\xE2\x82"), "\uFFFD");  // cut off at the end
  EXPECT_EQ(fixed("\xF0\x9F\xA7"), "\uFFFD");
  EXPECT_EQ(fixed("\xF0\x9F\xA7x"), "\uFFFDx");
  // The example of Unicode 15, table 3-11.
  EXPECT_EQ(fixed("\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41"), "\uFFFD\uFFFD\uFFFD\uFFFD\x41");
}

TEST(ValidUtf8, FindsTheBadByteAtAnyPlace) {
  for (size_t length = 1; length < 40; ++length) {
    for (size_t at = 0; at < length; ++at) {
      std::string text(length, 'x');
      text[at] = '\xFE';
      std::string expected(length, 'x');
      expected.replace(at, 1, "\uFFFD");
      ASSERT_EQ(fixed(text), expected) << at << " of " << length;
    }
  }
}

}  // namespace
}  // namespace clew
