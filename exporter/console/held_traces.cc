#include "exporter/console/held_traces.h"

#include <utility>

#include "exporter/console/trace_tree.h"

namespace clew::console {

void HeldTraces::add(const TraceId& trace, SpanSummary span, TimePoint now) {
  const auto [entry, added] = by_id_.try_emplace(trace);
  if (added) {
    entry->second = traces_.insert(traces_.end(), HeldTrace{.id = trace,
                                                            .spans = {},
                                                            .first = now,
                                                            .last = now,
                                                            .late = taken_.contains(trace),
                                                            .awaits = std::nullopt});
  }
  HeldTrace& held = *entry->second;
  held.spans.push_back(std::move(span));
  held.last = now;
  held.awaits.reset();
  ++spans_;
}

bool HeldTraces::due(HeldTrace& trace, TimePoint now) const {
  if (now - trace.first >= patience_.most) return true;
  if (now - trace.last < patience_.quiet) return false;
  // Of a late part the parents are printed already.
  if (!trace.awaits) trace.awaits = !trace.late && awaits_parent(trace.spans);
  return !*trace.awaits;
}

std::optional<HeldTrace> HeldTraces::take_due(TimePoint now) {
  for (auto at = traces_.begin(); at != traces_.end(); ++at) {
    if (due(*at, now)) return take(at);
  }
  return std::nullopt;
}

std::optional<HeldTrace> HeldTraces::take_oldest() {
  if (traces_.empty()) return std::nullopt;
  return take(traces_.begin());
}

HeldTrace HeldTraces::take(Position at) {
  HeldTrace trace = std::move(*at);
  by_id_.erase(trace.id);
  traces_.erase(at);
  spans_ -= trace.spans.size();
  remember(trace.id);
  return trace;
}

void HeldTraces::remember(const TraceId& trace) {
  if (!taken_.insert(trace).second) return;
  taken_order_.push_back(trace);
  if (taken_order_.size() <= remembered_traces) return;
  taken_.erase(taken_order_.front());
  taken_order_.pop_front();
}

}  // namespace clew::console
