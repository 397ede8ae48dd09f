// The flags as typed: tokenised and counted, values not yet looked at.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/cli/command_line.h"

namespace clew {

struct RawFlags {
  Invocation::Command command = Invocation::Command::Run;
  std::vector<std::string> pids, exes, ports, containers, exports;
  bool all = false;
  std::optional<std::string> config_file, log_level, duration;
  bool json = false;
  std::string file;                                      ///< of `config check`
  std::optional<std::vector<std::string>> command_line;  ///< what stood after "--"

  bool selects() const {
    return all || !pids.empty() || !exes.empty() || !ports.empty() || !containers.empty();
  }
};

/// `args` without the program's name.
std::expected<RawFlags, UsageError> parse_flags(std::vector<std::string> args);

/// "clew: MESSAGE (try 'clew COMMAND --help')" with exit code 2.
UsageError bad_usage(Invocation::Command command, const std::string& message);
UsageError bad_usage(const std::string& message);

}  // namespace clew
