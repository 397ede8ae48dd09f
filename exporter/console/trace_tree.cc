#include "exporter/console/trace_tree.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace clew::console {
namespace {

constexpr uint64_t boring_trace_ns = 1'000'000;  // below, nothing in a trace is slow

/// Span ids, sorted; of spans with the same id the first given counts. Sorted rather than hashed:
/// ids come from the wire and could be chosen to collide.
class IdIndex {
 public:
  explicit IdIndex(std::span<const SpanSummary> spans) {
    entries_.reserve(spans.size());
    for (size_t i = 0; i < spans.size(); ++i) entries_.emplace_back(spans[i].id, i);
    std::ranges::sort(entries_);
  }
  std::optional<size_t> find(const SpanId& id) const {
    const auto at = std::ranges::lower_bound(entries_, std::pair(id, size_t{0}));
    if (at == entries_.end() || at->first != id) return std::nullopt;
    return at->second;
  }

 private:
  std::vector<std::pair<SpanId, size_t>> entries_;
};

/// A line before it has its place.
struct Draft {
  TreeLine line;
  SpanId id{};
  std::vector<size_t> children;
  bool placed = false;
};

class Builder {
 public:
  explicit Builder(std::span<const SpanSummary> spans) : spans_(spans), ids_(spans) {}

  TraceTree build() {
    fold();
    link();
    for (const size_t root : sorted(roots_)) place(root);
    // What only hangs on itself: cut each cycle at its earliest line.
    std::vector<size_t> all(drafts_.size());
    for (size_t i = 0; i < all.size(); ++i) all[i] = i;
    for (const size_t draft : sorted(std::move(all))) {
      if (!drafts_[draft].placed) place(draft);
    }
    tree_.spans = spans_.size();
    return std::move(tree_);
  }

 private:
  // Gives each span its draft; a server span joins the client span it names as its parent. Of
  // several servers answering one client span, the earliest is its exchange, the others become its
  // children.
  void fold() {
    std::vector<std::optional<size_t>> answer(spans_.size());
    for (size_t i = 0; i < spans_.size(); ++i) {
      if (spans_[i].kind != SpanKind::Server) continue;
      const auto caller = ids_.find(spans_[i].parent);
      if (!caller || spans_[*caller].kind != SpanKind::Client) continue;
      auto& best = answer[*caller];
      if (!best || spans_[i].start_ns < spans_[*best].start_ns) best = i;
    }
    draft_of_.resize(spans_.size());
    std::vector<bool> folded(spans_.size());
    for (const auto& callee : answer) {
      if (callee) folded[*callee] = true;
    }
    for (size_t i = 0; i < spans_.size(); ++i) {
      if (folded[i]) continue;
      Draft& draft = drafts_.emplace_back();
      draft_of_[i] = drafts_.size() - 1;
      draft.id = spans_[i].id;
      draft.line.start_ns = spans_[i].start_ns;
      draft.line.end_ns = spans_[i].end_ns;
      (spans_[i].kind == SpanKind::Client ? draft.line.caller : draft.line.callee) = &spans_[i];
      if (answer[i]) {
        draft.line.callee = &spans_[*answer[i]];
        draft_of_[*answer[i]] = draft_of_[i];
      }
    }
  }

  void link() {
    std::vector<std::pair<SpanId, size_t>> missing;
    const size_t real = drafts_.size();
    for (size_t i = 0; i < real; ++i) {
      const TreeLine& line = drafts_[i].line;
      const SpanId& parent = line.caller != nullptr ? line.caller->parent : line.callee->parent;
      if (parent == SpanId{}) {
        roots_.push_back(i);
      } else if (const auto at = ids_.find(parent)) {
        if (draft_of_[*at] != i) drafts_[draft_of_[*at]].children.push_back(i);
      } else {
        missing.emplace_back(parent, i);
      }
    }
    std::ranges::sort(missing);
    for (size_t i = 0; i < missing.size(); ++i) {
      if (i == 0 || missing[i].first != missing[i - 1].first) add_stand_in(missing[i]);
      drafts_[roots_.back()].children.push_back(missing[i].second);
      TreeLine& line = drafts_[roots_.back()].line;
      line.start_ns = std::min(line.start_ns, drafts_[missing[i].second].line.start_ns);
      line.end_ns = line.start_ns;
    }
  }

  void add_stand_in(const std::pair<SpanId, size_t>& orphan) {
    const uint64_t start = drafts_[orphan.second].line.start_ns;
    Draft& draft = drafts_.emplace_back();
    draft.id = orphan.first;
    draft.line.start_ns = start;
    roots_.push_back(drafts_.size() - 1);
  }

  std::vector<size_t> sorted(std::vector<size_t> which) const {
    std::ranges::sort(which, {}, [this](size_t i) {
      return std::tuple(drafts_[i].line.start_ns, drafts_[i].id, i);
    });
    return which;
  }

  // Depth first, without recursion: a hostile trace may be one chain of every span held.
  void place(size_t root) {
    struct Pending {
      size_t draft;
      std::optional<size_t> parent;
      bool last;
    };
    std::vector<Pending> pending{{root, std::nullopt, true}};
    while (!pending.empty()) {
      const Pending next = pending.back();
      pending.pop_back();
      Draft& draft = drafts_[next.draft];
      draft.placed = true;
      draft.line.parent = next.parent;
      draft.line.last_sibling = next.last;
      draft.line.depth = next.parent ? tree_.lines[*next.parent].depth + 1 : 0;
      const size_t index = tree_.lines.size();
      tree_.lines.push_back(draft.line);
      std::vector<size_t> children = sorted(draft.children);
      std::erase_if(children, [this](size_t i) { return drafts_[i].placed; });
      for (size_t i = children.size(); i-- > 0;) {
        pending.push_back({children[i], index, i + 1 == children.size()});
      }
    }
  }

  std::span<const SpanSummary> spans_;
  IdIndex ids_;
  std::vector<Draft> drafts_;
  std::vector<size_t> draft_of_;  // by span
  std::vector<size_t> roots_;
  TraceTree tree_;
};

void measure_window(TraceTree& tree) {
  tree.start_ns = UINT64_MAX;
  for (const TreeLine& line : tree.lines) {
    if (line.missing()) continue;
    tree.start_ns = std::min(tree.start_ns, line.start_ns);
    tree.end_ns = std::max(tree.end_ns, line.end_ns);
  }
  if (tree.start_ns == UINT64_MAX) tree.start_ns = tree.end_ns;
}

// Self time is what no child covers. Siblings come sorted by start, so that one sweep over the
// lines unites the children of every line at once.
void measure_self(TraceTree& tree) {
  std::vector<uint64_t> covered_to(tree.lines.size(), 0);
  for (TreeLine& line : tree.lines) {
    if (!line.missing()) line.self_ns = line.worker().duration_ns();
    if (line.caller != nullptr && line.callee != nullptr) {
      const uint64_t caller = line.caller->duration_ns();
      line.network_ns = caller - std::min(caller, line.callee->duration_ns());
    }
  }
  for (const TreeLine& child : tree.lines) {
    if (!child.parent || tree.lines[*child.parent].missing()) continue;
    TreeLine& parent = tree.lines[*child.parent];
    uint64_t& covered = covered_to[*child.parent];
    const uint64_t from = std::max({child.start_ns, parent.worker().start_ns, covered});
    const uint64_t to = std::min(child.end_ns, parent.worker().end_ns);
    if (to <= from) continue;
    parent.self_ns -= to - from;
    covered = to;
  }
}

void find_trouble(TraceTree& tree) {
  std::vector<bool> below(tree.lines.size());
  for (size_t i = tree.lines.size(); i-- > 0;) {  // children before parents
    TreeLine& line = tree.lines[i];
    const bool failed = (line.caller != nullptr && line.caller->failed) ||
                        (line.callee != nullptr && line.callee->failed);
    if (!failed) continue;
    line.trouble = below[i] ? Trouble::Passed : Trouble::Origin;
    tree.origins += line.trouble == Trouble::Origin ? 1 : 0;
    if (line.parent) below[*line.parent] = true;
  }
}

void find_slowest(TraceTree& tree) {
  if (tree.duration_ns() <= boring_trace_ns) return;
  size_t exchanges = 0;
  uint64_t most = tree.duration_ns() / 10 * 3;
  for (size_t i = 0; i < tree.lines.size(); ++i) {
    const TreeLine& line = tree.lines[i];
    exchanges += line.missing() ? 0 : 1;
    const uint64_t own = std::max(line.self_ns, line.network_ns);
    if (own <= most) continue;
    most = own;
    tree.slowest = i;
  }
  if (exchanges < 2) tree.slowest.reset();  // nothing to compare with
}

}  // namespace

TraceTree build_tree(std::span<const SpanSummary> spans) {
  TraceTree tree = Builder(spans).build();
  measure_window(tree);
  measure_self(tree);
  find_trouble(tree);
  find_slowest(tree);
  return tree;
}

bool awaits_parent(std::span<const SpanSummary> spans) {
  const IdIndex ids(spans);
  return std::ranges::any_of(spans, [&](const SpanSummary& span) {
    return span.kind != SpanKind::Server && span.parent != SpanId{} && !ids.find(span.parent);
  });
}

bool network_matters(const TraceTree& tree, const TreeLine& line) {
  return tree.duration_ns() > boring_trace_ns && line.network_ns > tree.duration_ns() / 10;
}

}  // namespace clew::console
