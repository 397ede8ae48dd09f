// What `clew doctor` looks at beyond what a start of clew needs: privileges, surroundings, each
// hook and helper of the programs, and what later versions will use. Found by trying.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "probes/features.h"

namespace clew {

/// One thing that was tried. `id` is a static string, stable for programs that read it.
struct Finding {
  std::string_view id;
  Feature feature;
};

/// Plain data: tests write any machine as a literal.
struct Survey {
  std::vector<Finding> capabilities;  ///< "CAP_BPF": effective or not
  std::vector<Finding> surroundings;  ///< container, cgroup_namespace, jit
  std::vector<Finding> hooks;         ///< "sched_process_fork": loaded and attached
  std::vector<Finding> helpers;       ///< "bpf_task_pt_regs": in tracing programs
  std::vector<Finding> later;         ///< not used yet
};

/// Tries everything. Attaches programs that do nothing, for a moment; leaves nothing behind.
Survey survey_machine();

/// The capabilities of a CapEff mask, as /proc/PID/status gives it in hexadecimal; Unknown each if
/// the text is none.
std::vector<Finding> capabilities_of(std::string_view effective);

}  // namespace clew
