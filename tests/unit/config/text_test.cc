#include "agent/config/text.h"

#include <gtest/gtest.h>

#include <array>

namespace clew {
namespace {

using namespace std::string_view_literals;

TEST(InQuotes, FitsOnOneShortLine) {
  EXPECT_EQ(in_quotes("plain"), "'plain'");
  EXPECT_EQ(in_quotes("a\nb\x1b[31m"), "'a\\x0ab\\x1b[31m'");
  EXPECT_EQ(in_quotes(std::string(1000, 'x')), "'" + std::string(64, 'x') + "...'");
}

TEST(Trimmed, CutsBlanksAtBothEnds) {
  EXPECT_EQ(trimmed(" \ta b\t "), "a b");
  EXPECT_EQ(trimmed("  "), "");
}

TEST(Split, KeepsEmptyPieces) {
  EXPECT_EQ(split("a, b,,", ','), (std::vector{"a"sv, "b"sv, ""sv, ""sv}));
  EXPECT_EQ(split("", ','), std::vector{""sv});
}

TEST(FirstBadUtf8, AcceptsWellFormedText) {
  EXPECT_EQ(first_bad_utf8("gr\u00fc\u00df \u20ac \U0001F680"), std::string_view::npos);
  EXPECT_EQ(first_bad_utf8(""), std::string_view::npos);
}

TEST(FirstBadUtf8, FindsTheFirstBadByte) {
  EXPECT_EQ(first_bad_utf8("ab\xff"), 2u);
  EXPECT_EQ(first_bad_utf8("a\0b"sv), 1u);
  EXPECT_EQ(first_bad_utf8("\xc0\xaf"), 0u) << "overlong, two bytes";
  EXPECT_EQ(first_bad_utf8("\xe0\x80\xaf"), 0u) << "overlong, three bytes";
  EXPECT_EQ(first_bad_utf8("\xed\xa0\x80"), 0u) << "surrogate";
  EXPECT_EQ(first_bad_utf8("\xf4\x90\x80\x80"), 0u) << "beyond Unicode";
  EXPECT_EQ(first_bad_utf8("x\xe2\x82"), 1u) << "cut off";
}

TEST(Closest, FindsTypingErrorsOnly) {
  constexpr auto kNames = std::to_array({"ring_buffer"sv, "limits"sv, "exe"sv});
  EXPECT_EQ(closest("ring_bufer", kNames), "ring_buffer");
  EXPECT_EQ(closest("limit", kNames), "limits");
  EXPECT_EQ(closest("colour", kNames), "");
  EXPECT_EQ(closest(std::string(100'000, 'r'), kNames), "");
}

}  // namespace
}  // namespace clew
