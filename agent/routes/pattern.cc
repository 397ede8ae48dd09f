#include "agent/routes/pattern.h"

namespace clew {
namespace {

bool is_placeholder(std::string_view segment) {
  return segment.size() > 2 && segment.front() == '{' && segment.back() == '}' &&
         segment.find_first_of("{}*", 1) == segment.size() - 1;
}

}  // namespace

std::string_view next_segment(std::string_view& path) {
  // Segments are short: a call of memchr costs more.
  const char* const end = path.data() + path.size();
  const char* begin = path.data();
  while (begin != end && *begin == '/') ++begin;
  const char* after = begin;
  while (after != end && *after != '/') ++after;
  path = {after, end};
  return {begin, after};
}

std::expected<RoutePattern, std::string> RoutePattern::parse(std::string_view text) {
  if (!text.starts_with('/')) return std::unexpected("a route begins with '/'");
  if (text.size() > kMaxPatternBytes) return std::unexpected("a route is at most 256 bytes long");
  for (const char c : text) {
    if (c <= 0x20 || c >= 0x7f) {
      return std::unexpected(
          "a route is printable ASCII without blanks; others are percent-encoded");
    }
  }
  if (text.find_first_of("?#") != text.npos) {
    return std::unexpected("a route is of the path alone, without '?' and '#'");
  }
  RoutePattern pattern;
  pattern.text_ = text;
  std::string_view rest = text;
  for (std::string_view segment = next_segment(rest); !segment.empty();
       segment = next_segment(rest)) {
    auto kind = Segment::Kind::Text;
    if (segment == "*" || is_placeholder(segment)) {
      kind = Segment::Kind::One;
    } else if (segment == "**") {
      kind = Segment::Kind::Rest;
    } else if (segment.find_first_of("{}*") != segment.npos) {
      return std::unexpected("'*' and {name} stand for whole segments");
    }
    if (!pattern.segments_.empty() && pattern.segments_.back().kind == Segment::Kind::Rest) {
      return std::unexpected("nothing can follow '**'");
    }
    pattern.segments_.push_back({.kind = kind,
                                 .at = static_cast<uint16_t>(segment.data() - text.data()),
                                 .size = static_cast<uint16_t>(segment.size())});
  }
  return pattern;
}

bool RoutePattern::matches(std::string_view path) const {
  for (const Segment& expected : segments_) {
    if (expected.kind == Segment::Kind::Rest) return true;
    const std::string_view segment = next_segment(path);
    if (segment.empty()) return false;
    if (expected.kind == Segment::Kind::Text &&
        segment != std::string_view(text_).substr(expected.at, expected.size)) {
      return false;
    }
  }
  return next_segment(path).empty();
}

}  // namespace clew
