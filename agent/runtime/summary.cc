#include "agent/runtime/summary.h"

#include <fmt/format.h>

namespace clew {

std::vector<LossCause> losses(const KernelCounters& kernel, const std::vector<ProgramCost>& costs,
                              const Counters& agent, const ExportQueue::Statistics& exported) {
  std::vector<LossCause> lost;
  const auto add = [&lost](std::string name, uint64_t count, std::string text,
                           clew_loss kind = CLEW_LOST_EXCHANGES) {
    if (count && kind != CLEW_NO_LOSS) {
      lost.push_back({std::move(name), count, std::move(text), kind});
    }
  };
  const auto infos = kernel_counter_infos();
  for (size_t i = 0; i < infos.size(); ++i) {
    add(infos[i].name, kernel[i], infos[i].text, infos[i].loss);
  }
  uint64_t missed = 0;
  for (const auto& cost : costs) missed += cost.recursion_misses;
  add("recursion", missed, "runs that the kernel skipped because the program was running already",
      CLEW_LOST_EVIDENCE);
#define CLEW_AGENT_COUNTER_LOSS(name, loss, text) add(#name, agent[Counter::name], text, loss);
  CLEW_AGENT_COUNTERS(CLEW_AGENT_COUNTER_LOSS)
#undef CLEW_AGENT_COUNTER_LOSS
  add("queue_full", exported.dropped_queue_full, "spans dropped because an export queue was full");
  add("export_failed", exported.dropped_failed, "spans refused or given up by an export target");
  add("not_delivered", exported.lost_at_shutdown, "spans not delivered when clew stopped");
  return lost;
}

std::string summary_line(uint64_t segments, uint64_t spans, const std::vector<LossCause>& lost) {
  uint64_t total = 0;
  std::string exchanges, evidence;
  for (const auto& cause : lost) {
    const bool counts = cause.kind == CLEW_LOST_EXCHANGES;
    if (counts) total += cause.count;
    std::string& to = counts ? exchanges : evidence;
    to += fmt::format("{}{} {}", to.empty() ? "" : ", ", cause.name, cause.count);
  }
  if (!evidence.empty())
    exchanges += (exchanges.empty() ? "evidence: " : "; evidence: ") + evidence;
  if (!exchanges.empty()) exchanges = " (" + exchanges + ")";
  return fmt::format("{} segments seen, {} spans exported, {} lost{}", segments, spans, total,
                     exchanges);
}

}  // namespace clew
