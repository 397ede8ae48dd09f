// clew: zero-code distributed tracing. See README.md.
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <span>

#include "agent/cli/command_line.h"
#include "agent/cli/config_commands.h"
#include "agent/runtime/agent.h"
#include "agent/runtime/doctor.h"

namespace {

void set_up_log(const std::string& level) {
  auto logger = spdlog::stderr_logger_mt("clew");
  logger->set_pattern("clew: %l: %v");
  logger->set_level(spdlog::level::from_str(level == "error" ? "err" : level));
  spdlog::set_default_logger(std::move(logger));
}

int run(std::span<const char* const> arguments) {
  using Command = clew::Invocation::Command;
  const auto invocation = clew::parse_command_line(
      arguments, [](const char* name) -> const char* { return std::getenv(name); });
  if (!invocation) {
    (invocation.error().to_stdout ? std::cout : std::cerr) << invocation.error().text;
    return invocation.error().exit_code;
  }
  set_up_log(invocation->config.log_level);
  for (const auto& warning : invocation->warnings) spdlog::warn("{}", warning);
  switch (invocation->command) {
    case Command::Run:
    case Command::Trace:
      return clew::run_agent(*invocation);
    case Command::Doctor:
      return clew::report_doctor(clew::probe_features(), clew::survey_machine(), invocation->json,
                                 std::cout);
    case Command::ConfigCheck:
      return clew::check_config(invocation->file, std::cout, std::cerr);
    case Command::ConfigDefaults:
      return clew::print_default_config(std::cout);
  }
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run({argv, static_cast<size_t>(argc)});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "clew: %s\n", error.what());
    return 1;
  }
}
