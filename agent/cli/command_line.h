// The command line, and the configuration that it, the environment and the file make together.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "agent/config/config.h"
#include "agent/config/environment.h"

namespace clew {

struct Invocation {
  enum class Command : uint8_t { Run, Trace, Doctor, ConfigCheck, ConfigDefaults };
  Command command = Command::Run;
  Config config;                                      ///< Run, Trace; Doctor: the log level
  std::vector<std::string> command_line;              ///< Trace: CMD ARG..., as given; empty: none
  std::optional<std::chrono::milliseconds> duration;  ///< Run, Trace: --for
  bool json = false;                                  ///< Doctor
  std::string file;                                   ///< ConfigCheck
  std::vector<std::string> warnings;                  ///< one line each, for the log
};

/// What to print instead of doing anything: complaints (exit code 2, to stderr), or the text of
/// --help and --version (exit code 0, to stdout). The text ends with a line break. Bad usage is one
/// line; a bad configuration file one per error.
struct UsageError {
  int exit_code = 2;
  std::string text;
  bool to_stdout = false;
};

/// `argv` begins with the program's name. Reads the file of --config. Flags beat the environment,
/// which beats the file: --export flags replace the file's exports, SELECT flags its rules.
/// Never throws.
std::expected<Invocation, UsageError> parse_command_line(std::span<const char* const> argv,
                                                         const EnvironmentGetter& environment);

}  // namespace clew
