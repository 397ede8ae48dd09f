// The tree that exchanges form while they are under way: who called whom, and so which trace each
// span belongs to. Nodes outlive their exchange as long as a child refers to them.
#pragma once

#include <cstdint>
#include <deque>
#include <string_view>
#include <utility>
#include <vector>

#include "exporter/span.h"

namespace clew {

class TraceNodes;

struct TraceNode {
  TraceId trace_id{};  ///< its own; counts only while it has no parent
  SpanId span_id{};
  uint64_t start_ns = 0;
  uint64_t end_ns = 0;    ///< 0: under way
  std::string_view link;  ///< evidence of the parent link: the value of clew.link
  uint32_t tid = 0;
  uint32_t references = 0;
  TraceNode* parent = nullptr;
  bool joined = false;    ///< the other end of this exchange is on this host and known
  bool called = false;    ///< it made a call that is its child by evidence
  bool released = false;  ///< its span is out: what is learned now comes too late for it
};

/// Shares a node; not thread-safe.
class NodeRef {
 public:
  NodeRef() = default;
  NodeRef(TraceNodes& pool, TraceNode* node) : pool_(&pool), node_(node) { ++node->references; }
  NodeRef(const NodeRef& other) : pool_(other.pool_), node_(other.node_) {
    if (node_) ++node_->references;
  }
  NodeRef(NodeRef&& other) noexcept
      : pool_(other.pool_), node_(std::exchange(other.node_, nullptr)) {}
  NodeRef& operator=(NodeRef other) noexcept {
    std::swap(pool_, other.pool_);
    std::swap(node_, other.node_);
    return *this;
  }
  ~NodeRef() { reset(); }

  explicit operator bool() const { return node_ != nullptr; }
  TraceNode* operator->() const { return node_; }
  TraceNode* get() const { return node_; }
  void reset();

 private:
  TraceNodes* pool_ = nullptr;
  TraceNode* node_ = nullptr;
};

/// Owns all nodes and reuses them.
class TraceNodes {
 public:
  NodeRef make();
  /// `parent` must not descend from `child`.
  void set_parent(TraceNode& child, const NodeRef& parent, std::string_view link);
  size_t live() const { return nodes_.size() - free_.size(); }

 private:
  friend class NodeRef;
  void release(TraceNode* node);

  std::deque<TraceNode> nodes_;
  std::vector<TraceNode*> free_;
};

/// The trace id that `node` belongs to: that of the root above it.
const TraceId& trace_of(const TraceNode& node);
bool descends_from(const TraceNode& node, const TraceNode& ancestor);

}  // namespace clew
