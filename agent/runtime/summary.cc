#include "agent/runtime/summary.h"

#include <fmt/format.h>

namespace clew {

std::vector<LossCause> losses(const KernelCounters& kernel, const std::vector<ProgramCost>& costs,
                              const Counters& agent, const ExportQueue::Statistics& exported) {
  std::vector<LossCause> lost;
  const auto add = [&lost](std::string name, uint64_t count, std::string text) {
    if (count) lost.push_back({std::move(name), count, std::move(text)});
  };
  const auto infos = kernel_counter_infos();
  for (size_t i = 0; i < infos.size(); ++i) {
    if (infos[i].loss) add(infos[i].name, kernel[i], infos[i].text);
  }
  uint64_t missed = 0;
  for (const auto& cost : costs) missed += cost.recursion_misses;
  add("recursion", missed, "runs that the kernel skipped because the program was running already");
#define CLEW_AGENT_COUNTER_LOSS(name, loss, text) \
  if (loss) add(#name, agent[Counter::name], text);
  CLEW_AGENT_COUNTERS(CLEW_AGENT_COUNTER_LOSS)
#undef CLEW_AGENT_COUNTER_LOSS
  add("queue_full", exported.dropped_queue_full, "spans dropped because an export queue was full");
  add("export_failed", exported.dropped_failed, "spans refused or given up by an export target");
  add("not_delivered", exported.lost_at_shutdown, "spans not delivered when clew stopped");
  return lost;
}

std::string summary_line(uint64_t segments, uint64_t spans, const std::vector<LossCause>& lost) {
  uint64_t total = 0;
  std::string causes;
  for (const auto& cause : lost) {
    total += cause.count;
    causes += fmt::format("{}{} {}", causes.empty() ? " (" : ", ", cause.name, cause.count);
  }
  if (!causes.empty()) causes += ")";
  return fmt::format("{} segments seen, {} spans exported, {} lost{}", segments, spans, total,
                     causes);
}

}  // namespace clew
