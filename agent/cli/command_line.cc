#include "agent/cli/command_line.h"

#include <fmt/format.h>

#include <iterator>
#include <string_view>
#include <utility>

#include "agent/cli/flags.h"
#include "agent/config/load.h"
#include "agent/config/text.h"
#include "agent/config/values.h"

namespace clew {
namespace {

using Command = Invocation::Command;
using Problem = std::optional<std::string>;  // a complaint, or none

template <typename T, typename Use>
Problem read_flag(std::string_view name, Parsed<T> value, Use&& use) {
  if (!value) return fmt::format("{}: {}", name, value.error());
  use(*std::move(value));
  return std::nullopt;
}

template <typename T, typename Use>
Problem read_flags(std::string_view name, const std::vector<std::string>& texts,
                   Parsed<T> (*parse)(std::string_view), Use&& use) {
  for (const std::string& text : texts) {
    if (auto problem = read_flag(name, parse(text), use)) return problem;
  }
  return std::nullopt;
}

Parsed<std::string> parse_glob(std::string_view text) {
  return parse_text(text, "a glob");
}

Problem read_select(const RawFlags& flags, std::vector<SelectRule>& rules) {
  const auto add = [&](SelectRule::Kind kind) -> SelectRule& {
    SelectRule& rule = rules.emplace_back();
    rule.kind = kind;
    return rule;
  };
  if (auto problem = read_flags("--pid", flags.pids, parse_pid,
                                [&](uint32_t pid) { add(SelectRule::Kind::Pid).pid = pid; })) {
    return problem;
  }
  if (auto problem = read_flags("--exe", flags.exes, parse_glob, [&](std::string glob) {
        add(SelectRule::Kind::Exe).pattern = std::move(glob);
      })) {
    return problem;
  }
  if (auto problem = read_flags("--port", flags.ports, parse_ports, [&](PortRange ports) {
        SelectRule& rule = add(SelectRule::Kind::Port);
        rule.port_first = ports.first;
        rule.port_last = ports.last;
      })) {
    return problem;
  }
  if (auto problem = read_flags(
          "--container", flags.containers, parse_container,
          [&](std::string id) { add(SelectRule::Kind::Container).pattern = std::move(id); })) {
    return problem;
  }
  if (flags.all) add(SelectRule::Kind::All);
  return std::nullopt;
}

ExportTarget otlp_target(const OtlpEnvironment& environment) {
  ExportTarget target;
  target.kind = ExportTarget::Kind::Otlp;
  target.otlp.endpoint.clear();
  resolve_otlp(target.otlp, environment);
  return target;
}

// The flag's endpoint, with the environment's headers, certificates and so on.
ExportTarget otlp_target(OtlpEnvironment environment, std::string endpoint) {
  environment.traces_endpoint.reset();
  environment.endpoint.reset();
  ExportTarget target;
  target.kind = ExportTarget::Kind::Otlp;
  target.otlp.endpoint = std::move(endpoint);
  resolve_otlp(target.otlp, environment);
  return target;
}

Parsed<ExportTarget> parse_export(std::string_view text, const OtlpEnvironment& environment) {
  constexpr std::string_view kFile = "file:", kOtlp = "otlp=";
  if (text == "console") return ExportTarget{};
  if (text == "otlp") return otlp_target(environment);
  if (text.starts_with(kOtlp)) {
    auto url = parse_url(text.substr(kOtlp.size()));
    if (!url) return std::unexpected(std::move(url).error());
    return otlp_target(environment, *std::move(url));
  }
  if (text.starts_with(kFile)) {
    auto path = parse_text(text.substr(kFile.size()), "a path");
    if (!path) return std::unexpected(std::move(path).error());
    ExportTarget target;
    target.kind = ExportTarget::Kind::File;
    target.path = *std::move(path);
    return target;
  }
  return std::unexpected(in_quotes(text) +
                         " is not an export target (console, file:PATH, otlp[=URL])");
}

// What is exported to if neither flags nor environment nor file say.
ExportTarget default_export(Command command, const OtlpEnvironment& environment) {
  if (command == Command::Run || environment.has_endpoint()) return otlp_target(environment);
  return {};
}

// What the flags say, understood.
struct FlagValues {
  std::vector<SelectRule> rules;
  std::vector<ExportTarget> exports;
  std::optional<std::string> log_level;
  std::optional<std::chrono::milliseconds> duration;
};

Problem read_values(const RawFlags& flags, const OtlpEnvironment& environment, FlagValues& values) {
  if (auto problem = read_select(flags, values.rules)) return problem;
  for (const std::string& text : flags.exports) {
    if (auto problem =
            read_flag("--export", parse_export(text, environment),
                      [&](ExportTarget target) { values.exports.push_back(std::move(target)); })) {
      return problem;
    }
  }
  if (flags.log_level) {
    if (auto problem = read_flag("--log-level", parse_log_level(*flags.log_level),
                                 [&](std::string level) { values.log_level = std::move(level); })) {
      return problem;
    }
  }
  if (flags.duration) {
    return read_flag("--for", parse_seconds(*flags.duration),
                     [&](std::chrono::milliseconds duration) { values.duration = duration; });
  }
  return std::nullopt;
}

// Flags over environment over file.
void fold(const RawFlags& flags, FlagValues values, const Environment& environment,
          Config& config) {
  apply_environment(environment, config);
  // `trace -- CMD` means CMD alone, whatever a file for the daemon selects.
  if (!values.rules.empty() || flags.command_line) config.select = std::move(values.rules);
  if (!values.exports.empty()) {
    config.exports = std::move(values.exports);
  } else if (config.exports.empty() && !environment.exporters) {
    config.exports.push_back(default_export(flags.command, environment.otlp));
  }
  if (values.log_level) config.log_level = *std::move(values.log_level);
}

Problem check_selection(const RawFlags& flags, const Config& config) {
  if (!config.select.empty() || flags.command_line) return std::nullopt;
  if (flags.command == Command::Trace) {
    return "nothing to trace: give -- CMD, or --pid, --exe, --port, --container or --all";
  }
  return "nothing is selected: give --pid, --exe, --port, --container or --all, or a --config with "
         "'select'";
}

UsageError bad_file(const std::vector<std::string>& errors) {
  return {2, fmt::format("{}\n", fmt::join(errors, "\n")), false};
}

}  // namespace

std::expected<Invocation, UsageError> parse_command_line(std::span<const char* const> argv,
                                                         const EnvironmentGetter& environment) {
  const auto words = argv.empty() ? argv : argv.subspan(1);
  auto flags = parse_flags({words.begin(), words.end()});
  if (!flags) return std::unexpected(std::move(flags).error());

  Invocation invocation;
  invocation.command = flags->command;
  invocation.json = flags->json;
  invocation.file = flags->file;
  if (flags->command == Command::ConfigCheck || flags->command == Command::ConfigDefaults) {
    return invocation;
  }
  Environment env = read_environment(environment);
  FlagValues values;
  if (const auto problem = read_values(*flags, env.otlp, values)) {
    return std::unexpected(bad_usage(flags->command, *problem));
  }
  if (flags->config_file) {
    auto loaded = load_config_file(*flags->config_file);
    if (!loaded) return std::unexpected(bad_file(loaded.error()));
    invocation.config = *std::move(loaded);
  }
  invocation.duration = values.duration;
  fold(*flags, std::move(values), env, invocation.config);
  if (flags->command != Command::Doctor) {
    if (const auto problem = check_selection(*flags, invocation.config)) {
      return std::unexpected(bad_usage(flags->command, *problem));
    }
  }
  invocation.command_line = std::move(flags->command_line).value_or(std::vector<std::string>());
  invocation.warnings = std::move(env.warnings);
  return invocation;
}

}  // namespace clew
