#include "exporter/console/trace_tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "tests/unit/console/test_traces.h"

namespace clew::console {
namespace {

using testing::ElementsAre;

std::vector<std::string> workers(const TraceTree& tree) {
  std::vector<std::string> names;
  for (const TreeLine& line : tree.lines) {
    names.push_back(std::string(line.depth, '.') +
                    (line.missing() ? "?" : std::string(line.worker().service())));
  }
  return names;
}

TEST(TraceTree, FoldsBothSidesOfAnExchange) {
  const TestTrace t = demo_trace();
  const TraceTree tree = build_tree(t.spans);
  EXPECT_THAT(workers(tree), ElementsAre("nginx", ".shop", "..shop", "..shop", "..prices"));
  EXPECT_EQ(tree.spans, 8U);
  EXPECT_EQ(tree.lines[0].caller, &t.spans[0]);
  EXPECT_EQ(tree.lines[0].callee, &t.spans[1]);
  EXPECT_EQ(tree.lines[0].duration_ns(), 41'200'000U);
  EXPECT_EQ(tree.lines[2].callee, nullptr);
}

TEST(TraceTree, IsTheSameForEveryOrderOfSpans) {
  const TestTrace t = demo_trace();
  const auto expected = workers(build_tree(t.spans));
  std::vector<SpanSummary> spans = t.spans;
  std::mt19937 random(7);
  for (int i = 0; i < 50; ++i) {
    std::ranges::shuffle(spans, random);
    ASSERT_EQ(workers(build_tree(spans)), expected);
  }
}

TEST(TraceTree, SecondServerOfOneCallIsAChild) {
  TestTrace t;
  t.client("a", 1, 0, 0, 100);
  t.server("later", 2, 1, 50, 60);
  t.server("first", 3, 1, 10, 20);
  EXPECT_THAT(workers(build_tree(t.spans)), ElementsAre("first", ".later"));
}

TEST(TraceTree, OrphansOfOneParentShareItsStandIn) {
  TestTrace t;
  t.server("b", 2, 77, 20, 30);
  t.server("a", 1, 77, 0, 10);
  t.server("c", 3, 78, 40, 50);
  const TraceTree tree = build_tree(t.spans);
  EXPECT_THAT(workers(tree), ElementsAre("?", ".a", ".b", "?", ".c"));
  EXPECT_EQ(tree.duration_ns(), 50'000U);
}

TEST(TraceTree, CyclesAndSelfParentsStillShowEverySpan) {
  TestTrace t;
  t.server("a", 1, 2, 10, 20);
  t.server("b", 2, 1, 0, 30);
  t.server("self", 3, 3, 40, 50);
  t.client("x", 4, 5, 60, 70);  // folds with y, which it calls its parent
  t.server("y", 5, 4, 60, 70);
  t.server("below", 6, 1, 12, 13);
  EXPECT_THAT(workers(build_tree(t.spans)), ElementsAre("b", ".a", "..below", "self", "y"));
}

TEST(TraceTree, DuplicateIdsGiveTwoLines) {
  TestTrace t;
  t.server("a", 1, 0, 0, 10);
  t.server("a", 1, 0, 0, 10);
  t.server("b", 2, 1, 1, 2);
  EXPECT_THAT(workers(build_tree(t.spans)), ElementsAre("a", ".b", "a"));
}

TEST(TraceTree, DeepChainsDoNotRecurse) {
  TestTrace t;
  for (uint32_t i = 0; i < 50'000; ++i) {
    SpanSummary& span = t.server("s", 0, 0, i, 100'000);
    span.id = {1,
               0,
               0,
               0,
               0,
               static_cast<uint8_t>(i >> 16),
               static_cast<uint8_t>(i >> 8),
               static_cast<uint8_t>(i)};
    if (i > 0) span.parent = t.spans[i - 1].id;
  }
  EXPECT_EQ(build_tree(t.spans).lines.back().depth, 49'999U);
}

TEST(TraceTree, SelfTimeLeavesOutWhatAnyChildCovers) {
  TestTrace t;
  t.server("a", 1, 0, 0, 10'000);
  t.client("a", 2, 1, 1'000, 5'000);
  t.client("a", 3, 1, 2'000, 4'000);   // within the one before
  t.client("a", 4, 1, 4'500, 6'000);   // overlaps it
  t.client("a", 5, 1, 9'000, 20'000);  // outlives its parent
  const TraceTree tree = build_tree(t.spans);
  EXPECT_EQ(tree.lines[0].self_ns, 4'000'000U);  // 0-1, 6-9
  EXPECT_EQ(tree.duration_ns(), 20'000'000U);
}

TEST(TraceTree, SelfTimeOfAnExchangeIsTheServersAndTheRestIsNetwork) {
  TestTrace t;
  t.client("a", 1, 0, 0, 10'000);
  t.server("b", 2, 1, 4'000, 9'000);
  const TraceTree tree = build_tree(t.spans);
  EXPECT_EQ(tree.lines[0].self_ns, 5'000'000U);
  EXPECT_EQ(tree.lines[0].network_ns, 5'000'000U);
  EXPECT_TRUE(network_matters(tree, tree.lines[0]));
}

TEST(TraceTree, ServerLongerThanItsClientIsNoNetworkTime) {
  TestTrace t;
  t.client("a", 1, 0, 1'000, 2'000);
  t.server("b", 2, 1, 0, 9'000);
  EXPECT_EQ(build_tree(t.spans).lines[0].network_ns, 0U);
}

TEST(TraceTree, TroubleBeganAtTheDeepestFailure) {
  const TestTrace t = failing_trace();
  const TraceTree tree = build_tree(t.spans);
  EXPECT_EQ(tree.lines[0].trouble, Trouble::Passed);
  EXPECT_EQ(tree.lines[1].trouble, Trouble::Passed);
  EXPECT_EQ(tree.lines[2].trouble, Trouble::None);
  EXPECT_EQ(tree.lines[4].trouble, Trouble::Origin);
  EXPECT_EQ(tree.origins, 1U);
}

TEST(TraceTree, AnExchangeThatWentWellBreaksTheChainOfBlame) {
  TestTrace t;
  fail(t.server("a", 1, 0, 0, 100), "500", "500");
  t.client("a", 2, 1, 10, 90);
  t.server("b", 3, 2, 11, 89);
  fail(t.client("b", 4, 3, 20, 30), "500", "500");
  const TraceTree tree = build_tree(t.spans);
  EXPECT_EQ(tree.lines[0].trouble, Trouble::Origin);
  EXPECT_EQ(tree.lines[2].trouble, Trouble::Origin);
}

TEST(TraceTree, SlowestNeedsAThirdOfATraceThatLasts) {
  EXPECT_EQ(build_tree(demo_trace().spans).slowest, 4U);

  TestTrace brief;
  brief.server("a", 1, 0, 0, 900);
  brief.client("a", 2, 1, 100, 800);
  EXPECT_FALSE(build_tree(brief.spans).slowest);

  TestTrace even;
  even.server("a", 1, 0, 0, 8'000);
  for (uint8_t i = 0; i < 4; ++i) even.client("a", 2 + i, 1, i * 2'000, i * 2'000 + 2'000);
  EXPECT_FALSE(build_tree(even.spans).slowest);

  TestTrace single;
  single.server("a", 1, 0, 0, 8'000);
  EXPECT_FALSE(build_tree(single.spans).slowest);
}

TEST(AwaitsParent, OnlyForParentsInTheSameProcess) {
  TestTrace t;
  t.server("a", 1, 99, 0, 10);
  EXPECT_FALSE(awaits_parent(t.spans));
  t.client("a", 2, 1, 0, 10);
  EXPECT_FALSE(awaits_parent(t.spans));
  t.client("b", 4, 3, 0, 10);
  EXPECT_TRUE(awaits_parent(t.spans));
  t.server("b", 3, 2, 0, 10);
  EXPECT_FALSE(awaits_parent(t.spans));
}

TEST(TraceTree, OfNothingIsEmpty) {
  EXPECT_TRUE(build_tree({}).lines.empty());
}

}  // namespace
}  // namespace clew::console
