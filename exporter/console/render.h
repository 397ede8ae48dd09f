// One trace as text for a terminal. Pure and deterministic.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "exporter/console/span_summary.h"
#include "exporter/span.h"

namespace clew::console {

struct RenderStyle {
  size_t width = 100;  ///< columns; taken as at least 40 and at most 500
  bool color = false;
  bool late = false;       ///< these spans came after their trace was printed
  size_t max_lines = 200;  ///< tree lines; what is beyond is counted in one line
};

/// The header and a line for each exchange, each ended by a newline, none wider than the style's
/// width. Only the renderer's own escape sequences are in it, and none without `color`.
std::string render_trace(const TraceId& trace, std::span<const SpanSummary> spans,
                         const RenderStyle& style);

}  // namespace clew::console
