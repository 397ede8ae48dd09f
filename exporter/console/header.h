// What the console says of a whole trace, and the names it gives to who takes part.
#pragma once

#include <string>

#include "exporter/console/line_writer.h"
#include "exporter/console/render.h"
#include "exporter/console/trace_tree.h"

namespace clew::console {

/// Who does the work of a line: "shop"; "curl → shop" where the line above does not name the
/// caller; "→ 10.0.0.3:5432" for a callee out of sight. Not sanitised. Not for a stand-in.
std::string label_of(const TraceTree& tree, const TreeLine& line);

/// "trace <id>  41.2 ms  9 spans  1 error  curl > nginx > shop", on more lines if one is too
/// narrow.
void write_header(LineWriter& out, const TraceId& trace, const TraceTree& tree,
                  const RenderStyle& style);

}  // namespace clew::console
