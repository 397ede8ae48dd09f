#include "exporter/console/header.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <string_view>
#include <vector>

#include "exporter/console/text.h"

namespace clew::console {
namespace {

constexpr size_t max_chain_names = 24;

/// Names along the call chain, each at the level where it was first met.
class Chain {
 public:
  void add(size_t level, std::string_view name) {
    if (name.empty() || !seen_.emplace(name).second) return;
    if (seen_.size() > max_chain_names) {
      more_ = true;
      return;
    }
    if (levels_.size() <= level) levels_.resize(level + 1);
    levels_[level].push_back(sanitise(name));
  }
  std::string text() const {
    std::string out;
    for (const auto& names : levels_) {
      if (names.empty()) continue;
      if (!out.empty()) out += " > ";
      out += fmt::format("{}", fmt::join(names, ", "));
    }
    return more_ ? out + ", …" : out;
  }

 private:
  std::set<std::string, std::less<>> seen_;
  std::vector<std::vector<std::string>> levels_;
  bool more_ = false;
};

std::string chain_of(const TraceTree& tree, size_t max_lines) {
  Chain chain;
  // A deep chain of lines repeats few names: the lines that are shown are enough to name.
  for (size_t i = 0; i < std::min(tree.lines.size(), max_lines); ++i) {
    const TreeLine& line = tree.lines[i];
    if (line.caller != nullptr) chain.add(line.depth, line.caller->service());
    if (line.callee != nullptr) {
      chain.add(line.depth + 1, line.callee->service());
    } else if (line.caller != nullptr) {
      chain.add(line.depth + 1, line.caller->peer);
    }
  }
  return chain.text();
}

std::string counted(size_t count, std::string_view noun) {
  return fmt::format("{} {}{}", humane_count(count), noun, count == 1 ? "" : "s");
}

}  // namespace

std::string label_of(const TraceTree& tree, const TreeLine& line) {
  std::string_view above;
  if (line.parent && !tree.lines[*line.parent].missing()) {
    above = tree.lines[*line.parent].worker().service();
  }
  if (line.caller == nullptr) return std::string(line.callee->service());
  const bool caller_shown = line.parent && line.caller->service() == above;
  const std::string_view peer =
      line.caller->peer.empty() ? "?" : std::string_view(line.caller->peer);
  const std::string_view to = line.callee != nullptr ? line.callee->service() : peer;
  if (!caller_shown) return fmt::format("{} → {}", line.caller->service(), to);
  return line.callee != nullptr ? std::string(to) : fmt::format("→ {}", to);
}

void write_header(LineWriter& out, const TraceId& trace, const TraceTree& tree,
                  const RenderStyle& style) {
  out.put("trace", ink::bold);
  out.skip(1);
  out.put(fmt::format("{:02x}", fmt::join(trace, "")), ink::dim);
  const auto add = [&](const std::string& text, std::string_view ink_of) {
    if (text.empty()) return;
    if (out.column() + 2 + display_width(text) > style.width) out.end_line();
    out.skip(2);
    out.put(shorten_end(text, style.width - out.column()), ink_of);
  };
  if (style.late) add("(late)", ink::yellow);
  add(humane_duration(tree.duration_ns()), ink::bold);
  add(counted(tree.spans, "span"), ink::plain);
  if (tree.origins > 0) add(counted(tree.origins, "error"), ink::bold_red);
  add(chain_of(tree, style.max_lines), ink::plain);
  out.end_line();
}

}  // namespace clew::console
