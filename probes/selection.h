// Which processes are traced. Rules are about processes; any match selects.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/config/config.h"
#include "bpf/abi/settings.h"
#include "probes/processes.h"

namespace clew {

/// Judges processes by the configured rules. Pure: it looks at what it is given.
class Selection {
 public:
  explicit Selection(std::vector<SelectRule> rules) : rules_(std::move(rules)) {}

  /// The first rule that the process itself matches, by pid, executable, container or all. Port
  /// rules are matched by who listens and need listening_processes().
  const SelectRule* match(const ProcessInfo& process) const;
  /// The rule of that listening port, if any.
  const SelectRule* match_port(uint16_t port) const;

  bool selects_all() const;
  /// Some rule looks at executables or containers, so that each exec must be judged.
  bool judges_executables() const;
  std::vector<clew_port_range> ports() const;
  const std::vector<SelectRule>& rules() const { return rules_; }

 private:
  std::vector<SelectRule> rules_;
};

/// Shell pattern with `*`, `?` and `[...]` over the whole path; a pattern without '/' is matched
/// with the base name.
bool matches_executable(std::string_view pattern, std::string_view path);

}  // namespace clew
