// Spans waiting for the rest of their trace.
#pragma once

#include <chrono>
#include <cstddef>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "exporter/console/span_summary.h"
#include "exporter/span.h"

namespace clew::console {

using TimePoint = std::chrono::steady_clock::time_point;

struct HeldTrace {
  TraceId id{};
  std::vector<SpanSummary> spans;
  TimePoint first;             ///< when its first span came
  TimePoint last;              ///< when its latest span came
  bool late = false;           ///< a part of this trace was taken before
  std::optional<bool> awaits;  ///< awaits_parent() of these spans, once asked
};

/// Bounded by the caller, who takes traces out. Remembers the ids of the latest taken ones, at most
/// `remembered_traces`, to tell late spans.
class HeldTraces {
 public:
  struct Patience {
    std::chrono::milliseconds quiet;
    std::chrono::milliseconds most;
  };
  static constexpr size_t remembered_traces = 8192;

  explicit HeldTraces(Patience patience) : patience_(patience) {}

  void add(const TraceId& trace, SpanSummary span, TimePoint now);
  /// The oldest trace that is complete as far as one can tell, or has waited long enough.
  std::optional<HeldTrace> take_due(TimePoint now);
  std::optional<HeldTrace> take_oldest();

  size_t traces() const { return traces_.size(); }
  size_t spans() const { return spans_; }

 private:
  using Position = std::list<HeldTrace>::iterator;

  bool due(HeldTrace& trace, TimePoint now) const;
  HeldTrace take(Position at);
  void remember(const TraceId& trace);

  Patience patience_;
  std::list<HeldTrace> traces_;  // by first span
  // Ordered maps: trace ids come from the wire and could be chosen to collide in a hash.
  std::map<TraceId, Position> by_id_;
  std::set<TraceId> taken_;
  std::list<TraceId> taken_order_;
  size_t spans_ = 0;
};

}  // namespace clew::console
