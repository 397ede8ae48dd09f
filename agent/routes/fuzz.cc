// Paths, one a line, through a small table: bounded whatever they hold, and the same twice.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "agent/routes/routes.h"
#include "agent/routes/segment.h"

namespace {

void require(bool holds) {
  if (!holds) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr size_t kRoutes = 24;
  clew::RouteTable table(kRoutes);
  std::string_view text(reinterpret_cast<const char*>(data), size);
  while (!text.empty()) {
    const std::string_view path = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(path.size() + 1, text.size()));
    const auto found = table.find(path, true);
    require(table.routes() <= kRoutes);
    if (found.outcome != clew::RouteTable::Outcome::Known) continue;
    const std::string route(found.route);
    require(route.starts_with('/'));
    require(route.size() <= clew::kMaxRouteDepth * (clew::kMaxSegmentBytes + 1));
    // A route names itself: once known it is found again.
    const auto again = table.find(path, false);
    require(again.outcome == clew::RouteTable::Outcome::Known && again.route == route);
    if (const auto pattern = clew::RoutePattern::parse(path)) require(pattern->text() == path);
  }
  return 0;
}
