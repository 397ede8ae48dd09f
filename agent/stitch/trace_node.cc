#include "agent/stitch/trace_node.h"

namespace clew {

void NodeRef::reset() {
  if (TraceNode* node = std::exchange(node_, nullptr)) pool_->release(node);
}

NodeRef TraceNodes::make() {
  if (free_.empty()) return {*this, &nodes_.emplace_back()};
  TraceNode* node = free_.back();
  free_.pop_back();
  *node = TraceNode{};
  return {*this, node};
}

void TraceNodes::set_parent(TraceNode& child, const NodeRef& parent, std::string_view link) {
  if (child.parent) release(child.parent);
  ++parent->references;
  child.parent = parent.get();
  child.link = link;
}

// Frees a node and, without recursion, each ancestor that only it kept alive.
void TraceNodes::release(TraceNode* node) {
  while (node && --node->references == 0) {
    free_.push_back(node);
    node = std::exchange(node->parent, nullptr);
  }
}

const TraceId& trace_of(const TraceNode& node) {
  const TraceNode* at = &node;
  while (at->parent) at = at->parent;
  return at->trace_id;
}

bool descends_from(const TraceNode& node, const TraceNode& ancestor) {
  for (const TraceNode* at = &node; at; at = at->parent) {
    if (at == &ancestor) return true;
  }
  return false;
}

}  // namespace clew
