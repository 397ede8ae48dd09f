#include "exporter/console/render.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "exporter/console/bar.h"
#include "exporter/console/header.h"
#include "exporter/console/line_writer.h"
#include "exporter/console/text.h"
#include "exporter/console/trace_tree.h"

namespace clew::console {
namespace {

constexpr size_t gap = 2;  // between columns
constexpr size_t max_status_width = 10;
constexpr size_t min_bar_width = 4;
constexpr size_t min_width_with_bar = 50;
constexpr size_t narrow_width = 80;  // below, niceties give way to who and what

/// The cells of one line, sanitised and not yet cut.
struct Row {
  std::string branch;
  std::string who;
  std::string runtime;
  std::string what;
  std::string status;
  std::string duration;
  std::vector<std::pair<std::string, std::string_view>> notes;

  size_t label_width() const {
    return display_width(branch) + display_width(who) + display_width(runtime);
  }
  size_t notes_width() const {
    size_t width = 0;
    for (const auto& [text, style] : notes) width += display_width(text) + gap;
    return width == 0 ? 0 : width - gap;
  }
};

/// Column widths; 0 where a column is left out.
struct Layout {
  size_t label = 0;
  size_t what = 0;
  size_t status = 0;
  size_t duration = 0;
  size_t bar = 0;
  size_t notes = 0;
};

// "│ ├ ": at most `columns` of it, the levels nearest to the line.
std::string branch_of(const TraceTree& tree, const TreeLine& line, size_t columns) {
  if (line.depth == 0) return {};
  std::string branch = line.last_sibling ? "└ " : "├ ";
  const TreeLine* above = &tree.lines[*line.parent];
  for (size_t used = 4; above->depth > 0; used += 2) {
    if (used > columns) return "…" + branch;
    branch.insert(0, above->last_sibling ? "  " : "│ ");
    above = &tree.lines[*above->parent];
  }
  return branch;
}

std::string share_of(uint64_t part, uint64_t whole) {
  const double percent = 100.0 * static_cast<double>(part) / static_cast<double>(whole);
  return fmt::format("{:.0f}%", std::min(percent, 100.0));
}

void add_notes(Row& row, const TraceTree& tree, size_t index, bool narrow) {
  const TreeLine& line = tree.lines[index];
  if (line.trouble == Trouble::Origin) {
    const bool callee_failed = line.callee != nullptr && line.callee->failed;
    const SpanSummary& failed = callee_failed ? *line.callee : *line.caller;
    row.notes.emplace_back("✗ " + sanitise(failed.reason), ink::bold_red);
  } else if (line.trouble == Trouble::Passed) {
    row.notes.emplace_back("✗ below", ink::dim_red);
  }
  const bool slow = tree.slowest == index;
  if (slow && line.self_ns >= line.network_ns) {
    const std::string share = share_of(line.self_ns, tree.duration_ns());
    row.notes.emplace_back(
        narrow ? "self " + share : fmt::format("self {}, {}", humane_duration(line.self_ns), share),
        ink::bold_yellow);
  } else if (slow || network_matters(tree, line)) {
    row.notes.emplace_back(fmt::format("network {}", humane_duration(line.network_ns)),
                           slow ? ink::bold_yellow : ink::dim);
  }
}

Row make_row(const TraceTree& tree, size_t index, const RenderStyle& style) {
  const TreeLine& line = tree.lines[index];
  Row row;
  row.branch = branch_of(tree, line, style.width / 4);
  if (line.missing()) {
    row.who = style.late ? "? (parent printed before, or not seen)" : "? (parent not seen)";
    return row;
  }
  const SpanSummary& worker = line.worker();
  row.who = sanitise(label_of(tree, line));
  // The runtime is a nicety: narrow terminals need the columns for the path.
  if (line.callee != nullptr && worker.resource && style.width >= narrow_width) {
    const std::string_view runtime = runtime_name(*worker.resource);
    if (!runtime.empty()) row.runtime = " (" + sanitise(runtime) + ")";
  }
  row.what = sanitise(worker.operation);
  if (!worker.target.empty()) row.what += " " + sanitise(worker.target);
  const bool caller_knows = worker.status.empty() && line.caller != nullptr;
  row.status = sanitise(caller_knows ? line.caller->status : worker.status);
  const bool incomplete = worker.incomplete || (line.caller != nullptr && line.caller->incomplete);
  row.status = shorten_end(row.status, max_status_width - 1) + (incomplete ? "…" : "");
  row.duration = humane_duration(line.duration_ns());
  add_notes(row, tree, index, style.width < narrow_width);
  return row;
}

// Who and what share `room`; neither takes from the other's half what the other needs.
void share_room(Layout& layout, size_t room) {
  if (layout.label + layout.what <= room) return;
  const size_t half = room / 2;
  if (layout.what <= half) {
    layout.label = room - layout.what;
  } else if (layout.label <= half) {
    layout.what = room - layout.label;
  } else {
    layout.label = half;
    layout.what = room - half;
  }
}

// label  what  status  duration  bar  notes
Layout lay_out(const std::vector<Row>& rows, size_t width) {
  Layout layout;
  for (const Row& row : rows) {
    if (row.duration.empty()) continue;  // a stand-in: may run over the other columns
    layout.label = std::max(layout.label, row.label_width());
    layout.what = std::max(layout.what, display_width(row.what));
    layout.status = std::max(layout.status, display_width(row.status));
    layout.duration = std::max(layout.duration, display_width(row.duration));
    layout.notes = std::max(layout.notes, row.notes_width());
  }
  layout.notes = std::min(layout.notes, width < narrow_width ? size_t{10} : width / 4);
  const auto with_gap = [](size_t columns) { return columns == 0 ? 0 : columns + gap; };
  const size_t fixed =
      gap + with_gap(layout.status) + with_gap(layout.duration) + with_gap(layout.notes);
  const size_t least_bar = width >= narrow_width ? 16 : width >= min_width_with_bar ? 6 : 0;
  share_room(layout, width - std::min(width, fixed + with_gap(least_bar)));
  const size_t used = fixed + layout.label + layout.what + gap;
  layout.bar = width > used + min_bar_width ? width - used : 0;
  return layout;
}

std::string_view status_ink(const TreeLine& line, std::string_view status) {
  if (line.trouble == Trouble::Origin) return ink::bold_red;
  if (line.trouble == Trouble::Passed) return ink::red;
  if (status.starts_with('2')) return ink::green;
  return status.starts_with('4') ? ink::yellow : ink::plain;
}

std::string_view bar_ink(const TreeLine& line, bool slow) {
  if (line.trouble == Trouble::Origin) return ink::red;
  return slow ? ink::yellow : ink::cyan;
}

void write_label(LineWriter& out, const Row& row, size_t columns, std::string_view style) {
  out.put(shorten_end(row.branch, columns), ink::dim);
  const size_t left = columns - std::min(columns, display_width(row.branch));
  out.put(shorten_end(row.who, left), style);
  if (row.label_width() <= columns) out.put(row.runtime, ink::dim);
}

void write_notes(LineWriter& out, const Row& row, size_t columns) {
  const size_t end = out.column() + columns;
  bool first = true;
  for (const auto& [text, style] : row.notes) {
    // Half a second note says nothing.
    const size_t left = end - std::min(end, out.column());
    if (!std::exchange(first, false) && display_width(text) > left) break;
    out.put(shorten_end(text, left), style);
    out.skip(gap);
  }
}

void write_row(LineWriter& out, const Row& row, const TraceTree& tree, size_t index,
               const Layout& layout, bool color) {
  const TreeLine& line = tree.lines[index];
  const bool slow = tree.slowest == index;
  const std::string_view loud = line.trouble == Trouble::Origin ? ink::bold_red
                                : slow                          ? ink::bold_yellow
                                                                : ink::plain;
  size_t column = 0;
  const auto advance = [&](size_t width) {
    if (width > 0) column += width + gap;
    out.move_to(column);
  };
  write_label(out, row, layout.label, loud);
  advance(layout.label);
  out.put(shorten_middle(row.what, layout.what));
  advance(layout.what);
  out.put(row.status, status_ink(line, row.status));
  advance(layout.status);
  out.skip(layout.duration - display_width(row.duration));
  out.put(row.duration, slow ? ink::bold_yellow : ink::plain);
  advance(layout.duration);
  if (layout.bar > 0) {
    const Bar bar =
        draw_bar(line.start_ns, line.end_ns, {tree.start_ns, tree.end_ns, layout.bar, color});
    out.skip(bar.indent);
    out.put(bar.head, bar_ink(line, slow), bar.head_inverse);
    out.put(bar.body, bar_ink(line, slow));
    advance(layout.bar);
  }
  write_notes(out, row, layout.notes);
  out.end_line();
}

void write_rest(LineWriter& out, const TraceTree& tree, size_t shown) {
  if (shown == tree.lines.size()) return;
  size_t origins = 0;
  for (size_t i = shown; i < tree.lines.size(); ++i) {
    origins += tree.lines[i].trouble == Trouble::Origin ? 1 : 0;
  }
  std::string text = fmt::format("… {} more lines", humane_count(tree.lines.size() - shown));
  if (origins > 0) text += fmt::format(", {} with errors", humane_count(origins));
  out.put(text, ink::dim);
  out.end_line();
}

}  // namespace

std::string render_trace(const TraceId& trace, std::span<const SpanSummary> spans,
                         const RenderStyle& given) {
  RenderStyle style = given;
  style.width = std::clamp<size_t>(style.width, 40, 500);
  const TraceTree tree = build_tree(spans);
  LineWriter out(style.color);
  write_header(out, trace, tree, style);

  const size_t shown = std::min(style.max_lines, tree.lines.size());
  std::vector<Row> rows;
  rows.reserve(shown);
  for (size_t i = 0; i < shown; ++i) rows.push_back(make_row(tree, i, style));
  const Layout layout = lay_out(rows, style.width);
  for (size_t i = 0; i < shown; ++i) {
    if (tree.lines[i].missing()) {
      out.put(shorten_end(rows[i].who, style.width), ink::dim);
      out.end_line();
    } else {
      write_row(out, rows[i], tree, i, layout, style.color);
    }
  }
  write_rest(out, tree, shown);
  return out.take();
}

}  // namespace clew::console
