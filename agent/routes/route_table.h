// The routes of one service, learned from the paths it was asked for: a bounded tree of segments.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace clew {

/// Segments of a route, and bytes of a path that are looked at: what goes beyond is shown as *.
constexpr size_t kMaxRouteDepth = 12;
constexpr size_t kMaxRoutePathBytes = 1024;
/// Different words below the same segment; when there are more, the rare ones become {name}. The
/// first segment of a path rarely is a value: it may have more.
constexpr size_t kMaxSiblings = 50, kMaxFirstSegments = 200;

/// A map that is asked by views.
struct TextHash {
  using is_transparent = void;
  size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
};
template <typename T>
using TextMap = absl::flat_hash_map<std::string, T, TextHash, std::equal_to<>>;

/// Time of each call is linear in the path, but for the rare ones that fold or drop siblings.
/// Nothing is allocated for a route that is known.
class RouteTable {
 public:
  /// Keeps at most `max_routes` routes, and eight times as many segments.
  explicit RouteTable(size_t max_routes) : max_routes_(max_routes) {}

  enum class Outcome : uint8_t {
    Known,
    Unknown,  ///< not to be learned, and not learned before
    Full,     ///< there is no room for another route
  };
  struct Found {
    Outcome outcome;
    std::string_view route;  ///< valid until the next call
  };

  /// The route of a path, which may be anything. Words are learned if `learn`.
  Found find(std::string_view path, bool learn);

  size_t routes() const { return routes_; }

 private:
  struct Node {
    std::string_view word() const { return std::string_view(text).substr(word_at); }

    TextMap<std::unique_ptr<Node>> children;
    Node* latest = nullptr;  // child that was found last: often the next one too
    std::string text;        // the route up to here
    size_t word_at = 0;      // where its last segment begins
    uint64_t hits = 0;
    bool is_route = false;  // one ends here
    bool folded = false;    // new words among its children are {name}
  };

  Node* step(Node& parent, std::string_view segment, bool learn);
  Node* add_child(Node& parent, std::string_view segment);
  void fold_children(Node& parent);
  void forget(const Node& node);

  size_t max_routes_;
  size_t routes_ = 0, nodes_ = 0;
  Node root_;
};

}  // namespace clew
