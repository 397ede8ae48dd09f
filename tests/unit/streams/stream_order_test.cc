// The order of a stream does not depend on the order of its segments.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <random>

#include "tests/unit/streams/stream_recorder.h"

namespace clew {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

constexpr std::string_view kText = "the quick brown fox jumps over the lazy dog, twice and again";

TEST(StreamOrder, SegmentsInOrderPassThrough) {
  Stream stream({});
  StreamRecorder to;
  for (uint64_t at = 0; at < kText.size(); at += 10) {
    stream.accept(piece_of(kText, at, std::min<uint64_t>(at + 10, kText.size())), to);
    EXPECT_FALSE(stream.holding());
  }
  EXPECT_EQ(to.bytes, kText);
  EXPECT_EQ(stream.next_offset(), kText.size());
  EXPECT_EQ(stream.stale(), 0u);
  EXPECT_THAT(to.lost, IsEmpty());
}

TEST(StreamOrder, EveryPermutationOfFiveSegmentsGivesTheSameBytes) {
  const std::array<uint64_t, 6> cuts = {0, 7, 8, 20, 41, kText.size()};
  std::array<size_t, 5> order{};
  std::iota(order.begin(), order.end(), 0);
  int permutations = 0;
  do {
    Stream stream({});
    StreamRecorder to;
    stream.begin_at(0);
    for (const size_t i : order) stream.accept(piece_of(kText, cuts[i], cuts[i + 1]), to);
    stream.end_at(kText.size(), to);
    ASSERT_EQ(to.bytes, kText);
    ASSERT_THAT(to.lost, IsEmpty());
    ASSERT_TRUE(to.ended);
    ASSERT_FALSE(stream.holding());
    ++permutations;
  } while (std::ranges::next_permutation(order).found);
  EXPECT_EQ(permutations, 120);
}

TEST(StreamOrder, ShuffledSplitsWithDuplicatesGiveTheSameBytes) {
  for (uint32_t seed = 0; seed < 500; ++seed) {
    std::mt19937 random(seed);
    std::vector<std::pair<uint64_t, uint64_t>> pieces;
    for (uint64_t at = 0; at < kText.size();) {
      const uint64_t to = std::min<uint64_t>(kText.size(), at + 1 + random() % 9);
      pieces.emplace_back(at, to);
      at = to;
    }
    const size_t distinct = pieces.size();
    for (int i = 0; i < 3; ++i) pieces.push_back(pieces[random() % distinct]);
    std::ranges::shuffle(pieces, random);

    Stream stream({});
    StreamRecorder to;
    stream.begin_at(0);
    for (const auto& [from, end] : pieces) stream.accept(piece_of(kText, from, end), to);
    ASSERT_EQ(to.bytes, kText) << "seed " << seed;
    ASSERT_THAT(to.lost, IsEmpty()) << "seed " << seed;
    ASSERT_EQ(to.segments, distinct);
    ASSERT_EQ(stream.stale(), 3u);
  }
}

TEST(StreamOrder, BytesNotCopiedStillCount) {
  Stream stream({});
  StreamRecorder to;
  stream.begin_at(0);
  Segment late = piece_of(kText, 30, 35);
  Segment first = piece_of(kText, 0, 4);
  first.facts.end = 30;
  stream.accept(late, to);
  stream.accept(first, to);
  EXPECT_EQ(to.bytes, std::string(kText.substr(0, 4)) + std::string(kText.substr(30, 5)));
  EXPECT_EQ(to.uncopied, 26u);
  EXPECT_THAT(to.lost, IsEmpty());
}

TEST(StreamOrder, HeldSegmentsKeepTheirFactsAndTheirOwnBytes) {
  struct Keeper final : StreamConsumer {
    void on_segment(const Segment& segment) override { tids.push_back(segment.facts.tid); }
    void on_lost(uint64_t, uint64_t) override {}
    void on_end() override {}
    std::vector<uint32_t> tids;
  } to;
  StreamRecorder text;
  Stream stream({}), copy({});
  stream.begin_at(0);
  copy.begin_at(0);
  {
    std::string passing(kText);  // the view dies before the segment is passed on
    Segment early = piece_of(passing, 10, 20);
    early.facts.tid = 7;
    stream.accept(early, to);
    copy.accept(early, text);
    passing.assign(passing.size(), 'x');
  }
  Segment first = piece_of(kText, 0, 10);
  first.facts.tid = 6;
  stream.accept(first, to);
  copy.accept(first, text);
  EXPECT_THAT(to.tids, ElementsAre(6, 7));
  EXPECT_EQ(text.bytes, kText.substr(0, 20));
}

TEST(StreamBegin, TheFirstSegmentSaysWhereAStreamBegins) {
  Stream stream({});
  StreamRecorder to;
  stream.accept(piece_of(kText, 20, 30), to);
  EXPECT_EQ(to.bytes, kText.substr(20, 10));
  EXPECT_THAT(to.lost, IsEmpty());
  stream.accept(piece_of(kText, 10, 20), to);  // older than the beginning
  EXPECT_EQ(stream.stale(), 1u);
  EXPECT_EQ(to.segments, 1u);
}

TEST(StreamBegin, ABeginningThatWasSaidIsKept) {
  Stream stream({});
  StreamRecorder to;
  stream.begin_at(0);
  stream.begin_at(20);
  stream.accept(piece_of(kText, 20, 30), to);
  EXPECT_TRUE(stream.holding());
  stream.flush(to);
  EXPECT_THAT(to.lost, ElementsAre(Pair(0, 20)));
}

}  // namespace
}  // namespace clew
