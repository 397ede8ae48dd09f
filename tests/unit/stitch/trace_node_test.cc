#include "agent/stitch/trace_node.h"

#include <gtest/gtest.h>

#include <utility>

namespace clew {
namespace {

TEST(NodeRef, TheLastReferenceReleases) {
  TraceNodes nodes;
  NodeRef first = nodes.make();
  EXPECT_EQ(nodes.live(), 1u);
  NodeRef second = first;
  EXPECT_EQ(second->references, 2u);
  first.reset();
  EXPECT_FALSE(first);
  EXPECT_EQ(nodes.live(), 1u);
  second.reset();
  EXPECT_EQ(nodes.live(), 0u);
  second.reset();  // nothing to release any more
  EXPECT_EQ(nodes.live(), 0u);
}

TEST(NodeRef, MovesKeepTheCount) {
  TraceNodes nodes;
  NodeRef first = nodes.make();
  TraceNode* const node = first.get();
  NodeRef second = std::move(first);
  EXPECT_EQ(node->references, 1u);
  NodeRef third;
  third = std::move(second);
  EXPECT_EQ(third.get(), node);
  EXPECT_EQ(node->references, 1u);
  EXPECT_EQ(nodes.live(), 1u);
}

TEST(NodeRef, AssignmentReleasesWhatWasThere) {
  TraceNodes nodes;
  NodeRef first = nodes.make();
  NodeRef second = nodes.make();
  EXPECT_EQ(nodes.live(), 2u);
  second = first;
  EXPECT_EQ(nodes.live(), 1u);
  const NodeRef& same = second;
  second = same;
  EXPECT_EQ(second->references, 2u);
  second = NodeRef{};
  EXPECT_EQ(first->references, 1u);
}

TEST(TraceNodes, AReleasedNodeIsReusedClean) {
  TraceNodes nodes;
  NodeRef parent = nodes.make();
  NodeRef child = nodes.make();
  TraceNode* const place = child.get();
  child->end_ns = 5;
  child->joined = true;
  nodes.set_parent(*child.get(), parent, "thread");
  child.reset();
  const NodeRef again = nodes.make();
  EXPECT_EQ(again.get(), place);
  EXPECT_EQ(again->references, 1u);
  EXPECT_EQ(again->end_ns, 0u);
  EXPECT_EQ(again->parent, nullptr);
  EXPECT_TRUE(again->link.empty());
  EXPECT_FALSE(again->joined);
}

TEST(TraceNodes, AChildKeepsItsParent) {
  TraceNodes nodes;
  NodeRef parent = nodes.make();
  NodeRef child = nodes.make();
  nodes.set_parent(*child.get(), parent, "thread");
  parent.reset();
  EXPECT_EQ(nodes.live(), 2u);
  child.reset();
  EXPECT_EQ(nodes.live(), 0u);
}

TEST(TraceNodes, ANewParentReplacesTheOld) {
  TraceNodes nodes;
  NodeRef child = nodes.make();
  {
    const NodeRef old = nodes.make();
    nodes.set_parent(*child.get(), old, "thread");
  }
  EXPECT_EQ(nodes.live(), 2u);
  const NodeRef fresh = nodes.make();
  nodes.set_parent(*child.get(), fresh, "stream");
  EXPECT_EQ(nodes.live(), 2u);
  EXPECT_EQ(child->parent, fresh.get());
  EXPECT_EQ(child->link, "stream");
  nodes.set_parent(*child.get(), fresh, "stream");  // the same again changes nothing
  EXPECT_EQ(fresh->references, 2u);
}

TEST(TraceNodes, SharedAncestorsGoWithTheirLastDescendant) {
  TraceNodes nodes;
  NodeRef left = nodes.make();
  NodeRef right = nodes.make();
  {
    const NodeRef root = nodes.make();
    nodes.set_parent(*left.get(), root, "thread");
    nodes.set_parent(*right.get(), root, "thread");
  }
  left.reset();
  EXPECT_EQ(nodes.live(), 2u);
  right.reset();
  EXPECT_EQ(nodes.live(), 0u);
}

// Deep enough to overflow the stack if release() recursed.
TEST(TraceNodes, ADeepChainIsReleased) {
  constexpr size_t kDepth = 100'000;
  TraceNodes nodes;
  NodeRef leaf = nodes.make();
  leaf->trace_id[0] = 42;
  const NodeRef root = leaf;
  for (size_t i = 1; i < kDepth; ++i) {
    NodeRef next = nodes.make();
    nodes.set_parent(*next.get(), leaf, "thread");
    leaf = std::move(next);
  }
  EXPECT_EQ(nodes.live(), kDepth);
  EXPECT_EQ(trace_of(*leaf.get())[0], 42);
  EXPECT_TRUE(descends_from(*leaf.get(), *root.get()));
  leaf.reset();
  EXPECT_EQ(nodes.live(), 1u);
}

TEST(TraceTree, ANodeBelongsToTheTraceOfItsRoot) {
  TraceNodes nodes;
  const NodeRef root = nodes.make(), middle = nodes.make(), leaf = nodes.make();
  root->trace_id[15] = 1;
  middle->trace_id[15] = 2;
  leaf->trace_id[15] = 3;
  EXPECT_EQ(trace_of(*leaf.get())[15], 3);
  nodes.set_parent(*leaf.get(), middle, "thread");
  EXPECT_EQ(trace_of(*leaf.get())[15], 2);
  nodes.set_parent(*middle.get(), root, "stream");
  EXPECT_EQ(trace_of(*leaf.get())[15], 1);
  EXPECT_TRUE(descends_from(*leaf.get(), *root.get()));
  EXPECT_TRUE(descends_from(*leaf.get(), *leaf.get()));
  EXPECT_FALSE(descends_from(*root.get(), *leaf.get()));
}

}  // namespace
}  // namespace clew
