// The agent's life: load, attach, select, "ready", pass records on, stop, sum up.
#pragma once

#include "agent/cli/command_line.h"

namespace clew {

/// Runs `clew run` or `clew trace` to its end. Returns the exit code; complaints go to stderr.
int run_agent(const Invocation& invocation);

}  // namespace clew
