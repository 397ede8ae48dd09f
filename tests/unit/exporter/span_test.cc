#include "exporter/span.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "exporter/sample_spans.h"

namespace clew {
namespace {

TEST(Arena, KeepsCopiesApartFromTheirSources) {
  Arena arena;
  std::vector<std::string_view> views;
  std::vector<std::string> expected;
  for (size_t i = 0; i < 5000; ++i) {
    std::string text(i % 97, static_cast<char>('a' + i % 26));
    views.push_back(arena.copy(text));
    expected.push_back(std::move(text));
  }
  for (size_t i = 0; i < views.size(); ++i) ASSERT_EQ(views[i], expected[i]) << i;
}

TEST(Arena, TakesTextLargerThanAnyBlock) {
  Arena arena;
  const std::string large(3 << 20, 'x');
  const auto before = arena.copy("before");
  const auto view = arena.copy(large);
  const auto after = arena.copy("after");
  EXPECT_EQ(view, large);
  EXPECT_EQ(before, "before");
  EXPECT_EQ(after, "after");
  EXPECT_GE(arena.bytes(), large.size());
}

TEST(Arena, AlignsWhatFollowsOddText) {
  Arena arena;
  for (size_t i = 0; i < 100; ++i) {
    arena.copy("abc");
    const std::array<uint64_t, 2> numbers = {i, i + 1};
    const auto copy = arena.copy(std::span<const uint64_t>(numbers));
    ASSERT_EQ(reinterpret_cast<uintptr_t>(copy.data()) % alignof(uint64_t), 0u);
    ASSERT_EQ(copy[1], i + 1);
  }
}

TEST(Arena, NothingComesFromNothing) {
  Arena arena;
  EXPECT_TRUE(arena.copy("").empty());
  EXPECT_TRUE(arena.copy(std::span<const int>()).empty());
  EXPECT_EQ(arena.bytes(), 0u);
}

TEST(Arena, MovedFromIsEmptyAndUsable) {
  Arena arena;
  const auto text = arena.copy("kept");
  Arena other = std::move(arena);
  EXPECT_EQ(arena.bytes(), 0u);  // NOLINT(bugprone-use-after-move): the promise under test
  arena.copy("written into a block of its own");
  EXPECT_EQ(text, "kept");
  EXPECT_GT(other.bytes(), 0u);
}

TEST(SpanBatch, AppendsAnAttributeToACommittedSpan) {
  SpanBatch batch;
  SpanBuilder builder;
  const std::string long_text(500, 'x');
  for (const std::string_view text : {std::string_view("stream"), std::string_view(long_text)}) {
    builder.clear();
    builder.attribute("first", int64_t{1});
    builder.commit({}, batch);
    builder.commit({}, batch);  // what lies behind must stay as it is
    const size_t index = batch.spans().size() - 2;
    batch.append_attribute(index, "clew.link", text);
    const std::vector<Attribute> all(batch.spans()[index].attributes.begin(),
                                     batch.spans()[index].attributes.end());
    ASSERT_EQ(all.size(), 2u);
    EXPECT_EQ(all[0].integer, 1);
    EXPECT_EQ(all[1].key, "clew.link");
    EXPECT_EQ(all[1].text, text);
    EXPECT_EQ((*batch.spans()[index + 1].attributes.begin()).key, "first");
  }
}

TEST(SpanBatch, NumbersEachResourceOnce) {
  SpanBatch batch;
  const auto a = sample_resource("a");
  const auto b = sample_resource("b");
  EXPECT_EQ(batch.resource_index(a), 0u);
  EXPECT_EQ(batch.resource_index(b), 1u);
  EXPECT_EQ(batch.resource_index(a), 0u);
  EXPECT_EQ(batch.resources().size(), 2u);
  EXPECT_TRUE(batch.empty());
}

}  // namespace
}  // namespace clew
