// What never comes is given up within bounds, and said once, with its exact range.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "tests/unit/streams/stream_recorder.h"

namespace clew {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

const std::string kZeros(1 << 16, 'z');

Segment piece(uint64_t from, uint64_t to, uint64_t time_ns = 0) {
  return piece_of(kZeros, from, to, time_ns);
}

TEST(StreamPatience, AGapIsWaitedForAndThenGivenUp) {
  Stream stream({.patience_ns = 100});
  StreamRecorder to;
  stream.accept(piece(0, 10), to);
  stream.accept(piece(15, 20, 1000), to);
  stream.expire(1099, to);
  EXPECT_EQ(to.segments, 1u);
  stream.expire(1100, to);
  EXPECT_EQ(to.segments, 2u);
  EXPECT_THAT(to.lost, ElementsAre(Pair(10, 5)));
  EXPECT_FALSE(stream.holding());
  stream.expire(9999, to);
  EXPECT_EQ(to.lost.size(), 1u);
}

TEST(StreamPatience, OnlyWhatIsOlderThanThePatienceGoes) {
  Stream stream({.patience_ns = 100});
  StreamRecorder to;
  stream.accept(piece(0, 10), to);
  stream.accept(piece(20, 30, 1000), to);
  stream.accept(piece(40, 50, 1060), to);
  stream.expire(1120, to);
  EXPECT_THAT(to.lost, ElementsAre(Pair(10, 10)));
  EXPECT_TRUE(stream.holding());
  stream.accept(piece(30, 40, 1125), to);  // what the second waited for
  EXPECT_THAT(to.lost, ElementsAre(Pair(10, 10)));
  EXPECT_EQ(stream.next_offset(), 50u);
}

TEST(StreamPatience, TheOldestCountsWhereverItLies) {
  Stream stream({.patience_ns = 100});
  StreamRecorder to;
  stream.begin_at(0);
  stream.accept(piece(40, 50, 1000), to);
  stream.accept(piece(20, 30, 1090), to);
  stream.expire(1100, to);
  EXPECT_THAT(to.lost, ElementsAre(Pair(0, 20), Pair(30, 10)));
  EXPECT_EQ(stream.next_offset(), 50u);
}

TEST(StreamBounds, TooManyHeldSegmentsGiveUpTheGap) {
  Stream stream({.held_segments = 4});
  StreamRecorder to;
  stream.begin_at(0);
  for (uint64_t i = 1; i <= 4; ++i) stream.accept(piece(10 * i, 10 * i + 5), to);
  EXPECT_EQ(to.segments, 0u);
  stream.accept(piece(50, 55), to);
  EXPECT_THAT(to.lost, ElementsAre(Pair(0, 10)));
  EXPECT_EQ(to.segments, 1u);
  EXPECT_EQ(stream.next_offset(), 15u);
}

TEST(StreamBounds, TooManyHeldBytesGiveUpTheGap) {
  Stream stream({.held_bytes = 100});
  StreamRecorder to;
  stream.begin_at(0);
  stream.accept(piece(10, 70), to);
  EXPECT_EQ(to.segments, 0u);
  stream.accept(piece(80, 120), to);
  EXPECT_EQ(to.segments, 0u) << "exactly at the bound";
  stream.accept(piece(130, 131), to);
  EXPECT_THAT(to.lost, ElementsAre(Pair(0, 10)));
  EXPECT_EQ(stream.next_offset(), 70u);
}

TEST(StreamBounds, ReleasedBytesAreNoLongerCounted) {
  Stream stream({.held_bytes = 100});
  StreamRecorder to;
  stream.begin_at(0);
  for (uint64_t round = 0; round < 50; ++round) {
    const uint64_t at = round * 100;
    stream.accept(piece(at + 10, at + 100), to);
    stream.accept(piece(at, at + 10), to);
  }
  EXPECT_THAT(to.lost, IsEmpty());
  EXPECT_EQ(stream.next_offset(), 5000u);
}

TEST(StreamStale, DuplicatesOfHeldSegmentsAreDropped) {
  Stream stream({});
  StreamRecorder to;
  stream.begin_at(0);
  stream.accept(piece(10, 20), to);
  stream.accept(piece(10, 20), to);
  stream.accept(piece(0, 10), to);
  stream.accept(piece(0, 10), to);
  EXPECT_EQ(to.segments, 2u);
  EXPECT_EQ(stream.stale(), 2u);
  EXPECT_EQ(stream.next_offset(), 20u);
}

TEST(StreamStale, WhatComesAfterItWasGivenUpIsDropped) {
  Stream stream({.patience_ns = 1});
  StreamRecorder to;
  stream.begin_at(0);
  stream.accept(piece(10, 20, 5), to);
  stream.expire(6, to);
  stream.accept(piece(0, 10, 7), to);
  EXPECT_EQ(stream.stale(), 1u);
  EXPECT_THAT(to.lost, ElementsAre(Pair(0, 10)));
}

TEST(StreamEnd, AfterTheDataEndsAtOnce) {
  Stream stream({});
  StreamRecorder to;
  stream.accept(piece(0, 10), to);
  stream.end_at(10, to);
  EXPECT_TRUE(to.ended);
  stream.end_at(10, to);
  stream.flush(to);
  stream.expire(~0ull, to);
}

TEST(StreamEnd, BeforeTheDataWaitsForIt) {
  Stream stream({});
  StreamRecorder to;
  stream.begin_at(0);
  stream.end_at(20, to);
  stream.accept(piece(10, 20), to);
  EXPECT_FALSE(to.ended);
  stream.accept(piece(0, 10), to);
  EXPECT_TRUE(to.ended);
  EXPECT_EQ(to.bytes.size(), 20u);
}

TEST(StreamEnd, ADirectionWithoutBytesEndsAtOnce) {
  Stream from_start({}), midway({});
  StreamRecorder first, second;
  from_start.begin_at(0);
  from_start.end_at(0, first);
  midway.end_at(4711, second);  // bytes went by before the connection was followed
  EXPECT_TRUE(first.ended);
  EXPECT_TRUE(second.ended);
  EXPECT_THAT(second.lost, IsEmpty());
}

TEST(StreamEnd, ComesAfterAGapWasGivenUp) {
  Stream stream({.patience_ns = 100});
  StreamRecorder to;
  stream.begin_at(0);
  stream.accept(piece(10, 20, 1000), to);
  stream.end_at(20, to);
  EXPECT_FALSE(to.ended);
  stream.expire(1100, to);
  EXPECT_TRUE(to.ended);
  EXPECT_THAT(to.lost, ElementsAre(Pair(0, 10)));
}

TEST(StreamEnd, AnEndAnnouncedTooEarlyIsOverruledByTheBytes) {
  Stream stream({});
  StreamRecorder to;
  stream.begin_at(0);
  stream.end_at(5, to);
  stream.accept(piece(0, 10), to);
  EXPECT_TRUE(to.ended);
  EXPECT_EQ(to.bytes.size(), 10u);
}

TEST(StreamFlush, PassesOnAllThatIsHeldWithItsGaps) {
  Stream stream({});
  StreamRecorder to;
  stream.begin_at(0);
  stream.accept(piece(5, 10), to);
  stream.accept(piece(20, 30), to);
  stream.accept(piece(10, 12), to);
  stream.flush(to);
  EXPECT_THAT(to.lost, ElementsAre(Pair(0, 5), Pair(12, 8)));
  EXPECT_EQ(stream.next_offset(), 30u);
  EXPECT_FALSE(stream.holding());
}

TEST(StreamFlush, TheEndThatWasAnnouncedShowsALostTail) {
  Stream stream({});
  StreamRecorder to;
  stream.accept(piece(0, 10), to);
  stream.end_at(25, to);
  EXPECT_FALSE(to.ended);
  stream.flush(to);
  EXPECT_THAT(to.lost, ElementsAre(Pair(10, 15)));
  EXPECT_TRUE(to.ended);
}

// Segments passed on and bytes lost make up the stream, whatever is lost, swapped or given up.
TEST(StreamBalance, SegmentsAndLossesMakeUpTheStream) {
  for (uint32_t seed = 0; seed < 500; ++seed) {
    std::mt19937 random(seed);
    std::vector<Segment> pieces;
    uint64_t total = 0;
    uint64_t lost = 0;
    for (int i = 0; i < 60; ++i) {
      const uint64_t to = total + 1 + random() % 50;
      if (random() % 5 == 0) {
        lost += to - total;
      } else {
        pieces.push_back(piece(total, to, 10u * static_cast<uint64_t>(i)));
      }
      total = to;
    }
    for (size_t i = 0; i + 1 < pieces.size(); ++i) {
      if (random() % 3 == 0) {
        std::swap(pieces[i], pieces[i + 1]);
        ++i;  // else one could be carried on beyond the patience
      }
    }

    Stream stream({.held_bytes = 2000, .held_segments = 20, .patience_ns = 100});
    StreamRecorder to;
    stream.begin_at(0);
    for (const auto& segment : pieces) {
      stream.accept(segment, to);
      stream.expire(segment.facts.time_ns, to);
    }
    stream.end_at(total, to);
    stream.flush(to);
    ASSERT_TRUE(to.ended) << "seed " << seed;
    ASSERT_EQ(to.bytes.size(), total) << "seed " << seed;
    ASSERT_EQ(static_cast<uint64_t>(std::ranges::count(to.bytes, '?')), lost) << "seed " << seed;
    ASSERT_EQ(to.segments, pieces.size());
    ASSERT_EQ(stream.stale(), 0u);
  }
}

}  // namespace
}  // namespace clew
