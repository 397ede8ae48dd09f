// The last line: what was seen, what was exported, what was lost and why.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agent/telemetry/counters.h"
#include "exporter/export_queue.h"
#include "probes/capture.h"

namespace clew {

struct LossCause {
  std::string name;
  uint64_t count;
  std::string text;
  clew_loss kind = CLEW_LOST_EXCHANGES;
};

/// Every cause of loss that occurred, kernel and user space and export.
std::vector<LossCause> losses(const KernelCounters& kernel, const std::vector<ProgramCost>& costs,
                              const Counters& agent, const ExportQueue::Statistics& exported);

/// "12345 segments seen, 678 spans exported, 0 lost", with the causes in brackets if any: "2 lost
/// (queue_full 2; evidence: ring_full 7)". What is lost are exchanges without an exported span;
/// evidence are pieces of exchanges, whose spans may be incomplete.
std::string summary_line(uint64_t segments, uint64_t spans, const std::vector<LossCause>& lost);

}  // namespace clew
