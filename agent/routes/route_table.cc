#include "agent/routes/route_table.h"

#include "agent/routes/pattern.h"
#include "agent/routes/segment.h"

namespace clew {
namespace {

constexpr std::string_view kName = "{name}", kRest = "*", kDate = "{date}";
constexpr size_t kNodesPerRoute = 8;
// A word keeps its place among too many siblings if it was seen so often, and one and a half times
// as often as they were on average.
constexpr uint64_t kMinHits = 8;

bool is_value(std::string_view segment) {
  return segment == kRest || segment.find('{') != segment.npos;
}

// Takes month and day off the front of `path` if `year` is what they belong to.
bool take_date(std::string_view year, std::string_view& path) {
  if (year.size() != 4) return false;
  std::string_view ahead = path;
  const std::string_view month = next_segment(ahead);
  const std::string_view day = next_segment(ahead);
  if (!is_date(year, month, day)) return false;
  path = ahead;
  return true;
}

}  // namespace

RouteTable::Found RouteTable::find(std::string_view path, bool learn) {
  const bool is_long = path.size() > kMaxRoutePathBytes;
  if (is_long) path = path.substr(0, path.rfind('/', kMaxRoutePathBytes));
  Node* node = &root_;
  SegmentRoom room;
  size_t depth = 0;
  while (node != nullptr) {
    node->hits += learn;
    const std::string_view raw = next_segment(path);
    if (raw.empty() && !is_long) break;
    if (raw.empty() || depth + 1 == kMaxRouteDepth) {
      node = step(*node, kRest, learn);
      break;
    }
    std::string_view segment = kDate;
    if (!take_date(raw, path)) {
      segment = fold_segment(raw, room);
      if (segment.empty()) continue;  // parameters alone
    }
    node = step(*node, segment, learn);
    ++depth;
  }
  if (node != nullptr && !node->is_route && learn && routes_ < max_routes_) {
    node->is_route = true;
    ++routes_;
  }
  if (node == nullptr || !node->is_route) return {learn ? Outcome::Full : Outcome::Unknown, {}};
  return {Outcome::Known, node == &root_ ? std::string_view("/") : node->text};
}

// Null if there is no such child, nor may one be made.
RouteTable::Node* RouteTable::step(Node& parent, std::string_view segment, bool learn) {
  const auto find_child = [&parent](std::string_view name) -> Node* {
    const auto found = parent.children.find(name);
    if (found == parent.children.end()) return nullptr;
    return parent.latest = found->second.get();
  };
  if (parent.latest != nullptr && parent.latest->word() == segment) return parent.latest;
  if (Node* child = find_child(segment)) return child;
  const bool is_word = !is_value(segment);
  if (is_word && !parent.folded && learn) {
    const size_t most = &parent == &root_ ? kMaxFirstSegments : kMaxSiblings;
    if (parent.children.size() >= most) fold_children(parent);
  }
  if (is_word && parent.folded) {
    segment = kName;
    if (Node* child = find_child(segment)) return child;
  }
  return learn ? add_child(parent, segment) : nullptr;
}

RouteTable::Node* RouteTable::add_child(Node& parent, std::string_view segment) {
  if (nodes_ >= max_routes_ * kNodesPerRoute || routes_ >= max_routes_) return nullptr;
  ++nodes_;
  auto child = std::make_unique<Node>();
  child->text = parent.text;
  child->text.push_back('/');
  child->word_at = child->text.size();
  child->text.append(segment);
  return parent.children.emplace(segment, std::move(child)).first->second.get();
}

// What is dropped is learned anew below {name}.
void RouteTable::fold_children(Node& parent) {
  parent.folded = true;
  parent.latest = nullptr;
  uint64_t words = 0, hits = 0;
  for (const auto& [name, child] : parent.children) {
    if (is_value(name)) continue;
    ++words;
    hits += child->hits;
  }
  absl::erase_if(parent.children, [&](const auto& entry) {
    const Node& child = *entry.second;
    const bool stays =
        is_value(entry.first) || (child.hits >= kMinHits && child.hits * words * 2 >= hits * 3);
    if (!stays) forget(child);
    return !stays;
  });
}

// Takes a node and what is below it out of the account. At most kMaxRouteDepth calls deep.
void RouteTable::forget(const Node& node) {
  --nodes_;
  routes_ -= node.is_route;
  for (const auto& [name, child] : node.children) forget(*child);
}

}  // namespace clew
