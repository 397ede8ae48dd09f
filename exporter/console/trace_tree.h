// The shape of one trace: spans folded into exchanges, ordered as a tree, with what deserves a
// person's attention. Pure: summaries in, lines out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "exporter/console/span_summary.h"

namespace clew::console {

enum class Trouble : uint8_t {
  None,
  Passed,  ///< failed, and so did a call it made: trouble began below
  Origin,  ///< failed while every call it made went well
};

/// One exchange (or one internal span): what the caller saw, what the callee saw, or both. Neither
/// is set for the stand-in of a parent that was named and not seen.
struct TreeLine {
  const SpanSummary* caller = nullptr;
  const SpanSummary* callee = nullptr;  ///< server or internal span
  std::optional<size_t> parent;         ///< index of an earlier line
  size_t depth = 0;
  bool last_sibling = true;
  uint64_t start_ns = 0;  ///< as the caller saw it, when the caller was seen
  uint64_t end_ns = 0;
  uint64_t self_ns = 0;     ///< of the callee if it was seen: time in none of its calls
  uint64_t network_ns = 0;  ///< caller's duration less callee's: network and queues
  Trouble trouble = Trouble::None;

  bool missing() const { return caller == nullptr && callee == nullptr; }
  uint64_t duration_ns() const { return end_ns - start_ns; }
  /// The side that did the work, as far as it was seen. Not for missing().
  const SpanSummary& worker() const { return callee != nullptr ? *callee : *caller; }
};

struct TraceTree {
  std::vector<TreeLine> lines;  ///< parents before children, siblings by start
  uint64_t start_ns = 0;
  uint64_t end_ns = 0;
  size_t spans = 0;
  size_t origins = 0;             ///< lines where trouble began
  std::optional<size_t> slowest;  ///< the line that owns most of the time, if that is worth a word

  uint64_t duration_ns() const { return end_ns - start_ns; }
};

/// Takes any spans: duplicates of an id, missing parents and cycles of parents still give one line
/// for each exchange. The tree points into `spans`.
TraceTree build_tree(std::span<const SpanSummary> spans);

/// True if a span is still expected: one names a parent in its own process that has not ended. A
/// server span without its caller expects nothing, the caller may be out of sight.
bool awaits_parent(std::span<const SpanSummary> spans);

/// Whether a line's network time is worth showing.
bool network_matters(const TraceTree& tree, const TreeLine& line);

}  // namespace clew::console
