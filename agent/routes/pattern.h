// The user's own routes: "/users/{user}/orders/*".
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace clew {

constexpr size_t kMaxRoutePatterns = 256;
constexpr size_t kMaxPatternBytes = 256;

/// A path with placeholders: each of its segments is a text, {name} or * for any one segment, or,
/// as the last one, ** for all the rest, nothing included.
class RoutePattern {
 public:
  /// The error tells a person what is wrong with `text`.
  static std::expected<RoutePattern, std::string> parse(std::string_view text);

  /// Empty segments in `path`, and a '/' at its end, do not count.
  bool matches(std::string_view path) const;
  const std::string& text() const { return text_; }

 private:
  struct Segment {
    enum class Kind : uint8_t { Text, One, Rest } kind;
    uint16_t at, size;  // in text_
  };

  std::string text_;
  std::vector<Segment> segments_;
};

/// Takes the next segment that is not empty off the front of `path`; empty at its end.
std::string_view next_segment(std::string_view& path);

}  // namespace clew
