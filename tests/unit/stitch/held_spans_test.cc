#include "agent/stitch/held_spans.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/stitch/peers.h"
#include "tests/unit/stitch/span_log.h"

namespace clew {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class HeldSpansTest : public ::testing::Test {
 protected:
  NodeRef node(uint8_t id, uint64_t start_ns = 10, uint64_t end_ns = 20) {
    NodeRef made = nodes.make();
    made->trace_id[0] = id;
    made->span_id[0] = id;
    made->start_ns = start_ns;
    made->end_ns = end_ns;
    return made;
  }
  void add(const NodeRef& of, SpanKind kind, uint64_t now_ns = 0) {
    const std::string path = "/" + std::to_string(of->span_id[0]);
    SpanBuilder builder;
    builder.name("GET");
    builder.attribute("url.path", path);
    held.add(builder, of, kind, resource, now_ns);
  }
  const SpanCopy& server(int id) {
    return log.find(SpanKind::Server, "url.path", "/" + std::to_string(id));
  }
  const SpanCopy& client(int id) {
    return log.find(SpanKind::Client, "url.path", "/" + std::to_string(id));
  }

  TraceNodes nodes;
  SpanLog log;
  std::shared_ptr<const Resource> resource =
      std::make_shared<Resource>(Resource{.service_name = "shop", .attributes = {}});
  HeldSpans held{{.batch_spans = 3, .fill_ns = 100, .hold_ns = 50},
                 [this](std::shared_ptr<const SpanBatch> batch) { log.take(batch); }};
};

TEST_F(HeldSpansTest, ABatchIsClosedByItsAgeAndReleasedAfterTheHold) {
  EXPECT_TRUE(held.empty());
  add(node(1), SpanKind::Server, 1000);
  EXPECT_FALSE(held.empty());
  held.tick(1099);
  held.tick(1100);  // closed now
  held.tick(1149);
  EXPECT_THAT(log.spans, IsEmpty());
  held.tick(1150);
  EXPECT_THAT(log.batch_sizes, ElementsAre(1));
  EXPECT_EQ(log.spans[0].service, "shop");
  EXPECT_TRUE(held.empty());
}

TEST_F(HeldSpansTest, AFullBatchIsClosedAtOnce) {
  for (uint8_t id = 1; id <= 4; ++id) add(node(id), SpanKind::Server, 1000 + id);
  held.tick(1053);  // the first three, closed at 1003
  EXPECT_THAT(log.batch_sizes, ElementsAre(3));
  held.tick(1104);
  held.tick(1154);
  EXPECT_THAT(log.batch_sizes, ElementsAre(3, 1));
}

TEST_F(HeldSpansTest, FlushReleasesAllInOrder) {
  for (uint8_t id = 1; id <= 7; ++id) add(node(id), SpanKind::Server, 1000);
  held.flush();
  EXPECT_THAT(log.batch_sizes, ElementsAre(3, 3, 1));
  for (size_t i = 0; i < log.spans.size(); ++i) EXPECT_EQ(log.spans[i].span_id[0], i + 1);
  EXPECT_TRUE(held.empty());
  EXPECT_EQ(nodes.live(), 0u);
}

TEST_F(HeldSpansTest, NodesAreKeptUntilTheRelease) {
  add(node(1), SpanKind::Server);
  EXPECT_EQ(nodes.live(), 1u);
  held.flush();
  EXPECT_EQ(nodes.live(), 0u);
}

TEST_F(HeldSpansTest, TheParentIsThatOfTheRelease) {
  const NodeRef called = node(1), served = node(2);
  add(served, SpanKind::Server);
  nodes.set_parent(*served.get(), called, "stream");
  held.flush();
  EXPECT_EQ(server(2).parent_span_id, called->span_id);
  EXPECT_EQ(server(2).trace_id, called->trace_id);
  EXPECT_EQ(server(2).link(), "stream");
  EXPECT_EQ(server(2).attribute("url.path"), "/2");
}

TEST_F(HeldSpansTest, ASpanWithoutParentHasNoLink) {
  add(node(1), SpanKind::Server);
  held.flush();
  EXPECT_TRUE(server(1).is_root());
  EXPECT_EQ(server(1).attributes.count("clew.link"), 0u);
}

TEST_F(HeldSpansTest, TimesBecomeUnixTimes) {
  held.set_clock_offset(1'000'000);
  add(node(1, 10, 20), SpanKind::Client);
  held.flush();
  EXPECT_EQ(client(1).start_ns, 1'000'010u);
  EXPECT_EQ(client(1).end_ns, 1'000'020u);
}

TEST_F(HeldSpansTest, AServerEndsNoLaterThanItsClient) {
  const NodeRef called = node(1, 10, 20), served = node(2, 12, 25);
  nodes.set_parent(*served.get(), called, "stream");
  add(called, SpanKind::Client);
  add(served, SpanKind::Server);
  held.flush();
  EXPECT_EQ(server(2).end_ns, 20u);
  EXPECT_EQ(client(1).end_ns, 20u);
}

TEST_F(HeldSpansTest, ACallMayOutliveTheRequestItBelongsTo) {
  const NodeRef served = node(1, 10, 20), called = node(2, 12, 25);
  nodes.set_parent(*called.get(), served, "thread");
  add(called, SpanKind::Client);
  held.flush();
  EXPECT_EQ(client(2).end_ns, 25u);
}

TEST_F(HeldSpansTest, AServerNeverEndsBeforeItBegan) {
  const NodeRef called = node(1, 10, 20), served = node(2, 22, 25);
  nodes.set_parent(*served.get(), called, "stream");
  add(served, SpanKind::Server);
  held.flush();
  EXPECT_EQ(server(2).start_ns, 22u);
  EXPECT_EQ(server(2).end_ns, 22u);
}

// client 1 -> server 2 -> client 3 -> server 4, whose joins come in the least convenient order.
TEST_F(HeldSpansTest, OneTraceThroughSeveralJoins) {
  Peers peers(nodes);
  auto front = peers.open({.client = {}, .server = {}, .client_port = 1});
  auto back = peers.open({.client = {}, .server = {}, .client_port = 2});
  const NodeRef one = node(1), two = node(2), three = node(3), four = node(4);
  peers.server_began(*back, 5, four);
  add(four, SpanKind::Server);
  nodes.set_parent(*three.get(), two, "thread");
  add(three, SpanKind::Client);
  peers.server_began(*front, 9, two);
  add(two, SpanKind::Server);
  peers.client_began(*back, 5, three);
  peers.client_began(*front, 9, one);
  add(one, SpanKind::Client);
  held.flush();
  for (const auto& span : log.spans) EXPECT_EQ(span.trace_id, one->trace_id);
  EXPECT_TRUE(client(1).is_root());
  EXPECT_TRUE(server(2).is_child_of(client(1)));
  EXPECT_TRUE(client(3).is_child_of(server(2)));
  EXPECT_TRUE(server(4).is_child_of(client(3)));
}

}  // namespace
}  // namespace clew
