#include "agent/runtime/summary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace clew {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> told(const std::vector<LossCause>& lost) {
  std::vector<std::string> lines;
  for (const auto& cause : lost) {
    EXPECT_FALSE(cause.text.empty());
    lines.push_back(cause.name + " " + std::to_string(cause.count));
  }
  return lines;
}

TEST(SummaryLine, WithoutLosses) {
  EXPECT_EQ(summary_line(12345, 678, {}), "12345 segments seen, 678 spans exported, 0 lost");
}

TEST(SummaryLine, CausesStandInBrackets) {
  EXPECT_EQ(summary_line(1, 2, {{"ring_full", 3, "text"}}),
            "1 segments seen, 2 spans exported, 3 lost (ring_full 3)");
  EXPECT_EQ(summary_line(1, 2, {{"ring_full", 3, "text"}, {"queue_full", 40, "text"}}),
            "1 segments seen, 2 spans exported, 43 lost (ring_full 3, queue_full 40)");
  EXPECT_EQ(summary_line(
                1, 2, {{"ring_full", 3, "text", CLEW_LOST_EVIDENCE}, {"queue_full", 40, "text"}}),
            "1 segments seen, 2 spans exported, 40 lost (queue_full 40; evidence: ring_full 3)");
  EXPECT_EQ(summary_line(1, 2, {{"ring_full", 3, "text", CLEW_LOST_EVIDENCE}}),
            "1 segments seen, 2 spans exported, 0 lost (evidence: ring_full 3)");
}

TEST(Losses, NothingLostNothingSaid) {
  EXPECT_THAT(losses({}, {}, {}, {}), IsEmpty());
}

TEST(Losses, WhatIsNoLossIsNotSaid) {
  KernelCounters kernel{};
  kernel[CLEW_COUNTER_other_protocol] = 5;
  Counters agent;
  agent.add(Counter::segments, 100);
  agent.add(Counter::spans, 50);
  agent.add(Counter::links_unknown, 3);
  ExportQueue::Statistics exported;
  exported.exported = 50;
  exported.retries = 2;
  EXPECT_THAT(losses(kernel, {{"on_send", 1000, 5000, 0}}, agent, exported), IsEmpty());
}

TEST(Losses, EveryPartOfClewHasItsCauses) {
  KernelCounters kernel{};
  kernel[CLEW_COUNTER_ring_full] = 1;
  const std::vector<ProgramCost> costs = {{"on_send", 10, 0, 2}, {"on_receive", 10, 0, 3}};
  Counters agent;
  agent.add(Counter::stream_gaps, 4);
  agent.add(Counter::bad_records, 5);
  ExportQueue::Statistics exported;
  exported.dropped_queue_full = 6;
  exported.dropped_failed = 7;
  exported.lost_at_shutdown = 8;
  EXPECT_THAT(told(losses(kernel, costs, agent, exported)),
              ElementsAre("ring_full 1", "recursion 5", "stream_gaps 4", "bad_records 5",
                          "queue_full 6", "export_failed 7", "not_delivered 8"));
}

TEST(Losses, EveryKernelLossIsSaid) {
  KernelCounters kernel{};
  kernel.fill(1);
  size_t expected = 0;
  std::set<std::string> names;
  for (const auto& info : kernel_counter_infos()) {
    expected += info.loss ? 1 : 0;
    EXPECT_TRUE(names.insert(info.name).second);
  }
  EXPECT_EQ(kernel_counter_infos().size(), static_cast<size_t>(CLEW_COUNTER_COUNT));
  EXPECT_GT(expected, 0u);
  EXPECT_EQ(losses(kernel, {}, {}, {}).size(), expected);
}

}  // namespace
}  // namespace clew
