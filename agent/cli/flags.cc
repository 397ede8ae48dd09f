#include "agent/cli/flags.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <exception>
#include <iterator>
#include <memory>
#include <string_view>

#include "agent/config/text.h"

namespace clew {
namespace {

using Command = Invocation::Command;

constexpr const char* kAbout =
    "Distributed traces of unmodified programs, taken from the kernel, spoken as OpenTelemetry.";
constexpr const char* kExamples = R"(Examples:
  clew trace -- curl -s localhost:8080/   trace a command and its children
  clew trace --port 8080 --for 10         what listens on port 8080, for ten seconds
  clew run --config /etc/clew/clew.yaml   the agent, as a daemon in the foreground
  clew run --all --export otlp            everything, to a collector on this host
  clew doctor                             what this kernel offers, what is missing

Exit codes: 0 fine, 2 bad usage or configuration, 3 kernel or privileges cannot do it.
The OTEL_* environment variables are heeded; flags beat environment beats file.)";
constexpr const char* kTraceExamples = R"(Examples:
  clew trace -- curl -s localhost:8080/   from before its first system call to its end
  clew trace --exe nginx --exe 'python3*' by name
  clew trace --pid 4711 --for 2.5         for two and a half seconds
  clew trace --port 8000-8999 --export file:spans.jsonl --export console

With -- CMD clew exits with CMD's exit code. CMD's own flags are left alone.)";
constexpr const char* kRunExamples = R"(Examples:
  clew run --config /etc/clew/clew.yaml
  clew run --all --export otlp=http://collector:4317
  clew run --container 3f4e5a9b2c1d --log-level debug

SIGINT and SIGTERM flush and exit with 0.)";

constexpr const char* kSelectGroup = "SELECT (repeatable; any match selects, children follow)";

void add_repeatable(CLI::App& app, const char* name, std::vector<std::string>& values,
                    const char* metavar, const char* help, const char* group = "Options") {
  app.add_option(name, values, help)->type_name(metavar)->group(group)->allow_extra_args(false);
}

void add_single(CLI::App& app, const char* name, std::optional<std::string>& value,
                const char* metavar, const char* help) {
  app.add_option(name, value, help)->type_name(metavar);
}

void add_tracing_flags(CLI::App& app, RawFlags& flags) {
  add_repeatable(app, "--pid", flags.pids, "N", "the process N", kSelectGroup);
  add_repeatable(app, "--exe", flags.exes, "GLOB",
                 "executables by path, or by base name if GLOB has no '/'", kSelectGroup);
  add_repeatable(app, "--port", flags.ports, "N[-M]", "what listens on a TCP port in the range",
                 kSelectGroup);
  add_repeatable(app, "--container", flags.containers, "NAME",
                 "a container by id or its first 6 or more digits", kSelectGroup);
  app.add_flag("--all", flags.all, "every process")->group(kSelectGroup)->disable_flag_override();
  add_single(app, "--config", flags.config_file, "FILE",
             "the configuration file ('clew config defaults' prints one)");
  add_repeatable(app, "--export", flags.exports, "TARGET",
                 "console, file:PATH or otlp[=URL]; repeatable");
  add_single(app, "--log-level", flags.log_level, "L", "trace, debug, info, warn, error or off");
  add_single(app, "--for", flags.duration, "SECONDS", "end after so many seconds");
}

// CLI11 does not know what follows "--".
class HelpFormatter final : public CLI::Formatter {
 public:
  std::string make_usage(const CLI::App* app, std::string name) const override {
    std::string usage = CLI::Formatter::make_usage(app, std::move(name));
    if (app->get_name() == "trace")
      usage.insert(usage.find_last_not_of('\n') + 1, " [-- CMD ARG...]");
    return usage;
  }
};

// The commands with their flags. CLI11 cuts the line into flags and values; what the values mean is
// not its business, so that all complaints read alike.
class Parser {
 public:
  Parser() {
    app_.formatter(std::make_shared<HelpFormatter>());
    app_.get_formatter()->label("SUBCOMMAND", "COMMAND");
    app_.set_help_flag("-h,--help", "print this and exit");
    app_.set_version_flag("--version", "clew " CLEW_VERSION, "print the version and exit");
    app_.require_subcommand(0, 1);

    CLI::App& run = add(app_, "run", "the agent, as a daemon in the foreground", Command::Run);
    run.footer(kRunExamples);
    add_tracing_flags(run, flags_);

    CLI::App& trace =
        add(app_, "trace", "trace a command, or what is selected, on the terminal", Command::Trace);
    trace.footer(kTraceExamples);
    add_tracing_flags(trace, flags_);

    CLI::App& doctor =
        add(app_, "doctor", "what this kernel offers, what would be used, what is missing",
            Command::Doctor);
    doctor.add_flag("--json", flags_.json, "for programs to read")->disable_flag_override();
    add_single(doctor, "--log-level", flags_.log_level, "L",
               "trace, debug, info, warn, error or off");

    config_ = app_.add_subcommand("config", "check a configuration file, or print the defaults");
    config_->require_subcommand(0, 1);
    config_->group("Commands")->allow_extras();
    CLI::App& check =
        add(*config_, "check", "validate FILE; errors name file and line", Command::ConfigCheck);
    check.add_option("FILE", flags_.file, "the configuration file")->type_name(" ");
    add(*config_, "defaults", "print every key with its default", Command::ConfigDefaults);
    app_.allow_extras();
    app_.footer(kExamples);  // last: commands made after it would inherit it
  }

  std::expected<RawFlags, UsageError> parse(std::vector<std::string> args) {
    cut_command_line(args);
    std::ranges::reverse(args);  // as CLI11 wants them
    try {
      app_.parse(std::move(args));
    } catch (const CLI::CallForHelp&) {
      return std::unexpected(UsageError{0, app_.help(), true});
    } catch (const CLI::CallForVersion&) {
      return std::unexpected(UsageError{0, "clew " CLEW_VERSION "\n", true});
    } catch (const CLI::ArgumentMismatch& error) {
      return std::unexpected(complaint(mismatch(error.what())));
    } catch (const CLI::ParseError& error) {
      return std::unexpected(complaint(error.what()));
    }
    if (auto error = check_shape()) return std::unexpected(*std::move(error));
    return std::move(flags_);
  }

 private:
  CLI::App& add(CLI::App& parent, const char* name, const char* about, Command command) {
    CLI::App* app = parent.add_subcommand(name, about);
    app->group("Commands")->allow_extras();  // reported by check_shape()
    commands_.emplace_back(app, command);
    return *app;
  }

  // CLI11 must not see what belongs to CMD: it would take "--" and empty words out.
  void cut_command_line(std::vector<std::string>& args) {
    const auto dashes = std::ranges::find(args, "--");
    if (dashes == args.end()) return;
    flags_.command_line.emplace(std::make_move_iterator(dashes + 1),
                                std::make_move_iterator(args.end()));
    args.erase(dashes, args.end());
  }

  std::optional<Command> given_command() const {
    for (const auto& [app, command] : commands_) {
      if (app->parsed()) return command;
    }
    return std::nullopt;
  }

  UsageError complaint(const std::string& message) const {
    const auto command = given_command();
    return command ? bad_usage(*command, message) : bad_usage(message);
  }

  // CLI11's "--pid: 1 required N missing" and the like in our words.
  static std::string mismatch(std::string_view message) {
    if (message.find("flag override") != message.npos) {
      return fmt::format("--{}: takes no value", message.substr(0, message.find(' ')));
    }
    const bool too_many = message.find("At Most") != message.npos;
    return fmt::format("{}: {}", message.substr(0, message.find(':')),
                       too_many ? "given more than once" : "a value is missing");
  }

  // CLI11 takes the word after a flag as its value even where that is the next flag.
  static std::optional<std::string> swallowed_flag(const CLI::App& app) {
    for (const CLI::Option* option : app.get_options()) {
      for (const std::string& value : option->results()) {
        if (value.starts_with("--")) return option->get_name() + ": a value is missing";
      }
    }
    return std::nullopt;
  }

  // What CLI11 let pass because the complaint would not have been ours.
  std::optional<UsageError> check_shape() {
    if (const auto words = app_.remaining(); !words.empty()) {
      return complaint(unexpected_word("command", app_, words[0]));
    }
    const auto command = given_command();
    if (config_->parsed()) {
      if (const auto words = config_->remaining(); !words.empty()) {
        return complaint(unexpected_word("command", *config_, words[0]));
      }
      if (!command) return bad_usage("config: 'check FILE' or 'defaults' is missing");
    }
    if (!command) return bad_usage("a command is missing: run, trace, doctor or config");
    flags_.command = *command;
    for (const auto& [app, _] : commands_) {
      if (const auto problem = swallowed_flag(*app)) return complaint(*problem);
      if (const auto words = app->remaining(); !words.empty()) {
        return complaint(unexpected_word("argument", *app, words[0]));
      }
    }
    if (flags_.command == Command::ConfigCheck && flags_.file.empty()) {
      return complaint("config check: FILE is missing");
    }
    if (!flags_.command_line) return std::nullopt;
    if (flags_.command != Command::Trace) return complaint("--: only 'clew trace' takes a command");
    if (flags_.command_line->empty() || flags_.command_line->front().empty()) {
      return complaint("--: a command is missing after it");
    }
    return std::nullopt;
  }

  static std::string unexpected_word(std::string_view what, const CLI::App& app,
                                     const std::string& word) {
    const bool is_flag = word.starts_with('-');
    std::vector<std::string> names;
    if (is_flag) {
      for (const CLI::Option* option : app.get_options()) names.push_back(option->get_name());
    } else {
      for (const CLI::App* command : app.get_subcommands({})) names.push_back(command->get_name());
    }
    const std::vector<std::string_view> views(names.begin(), names.end());
    const std::string_view meant = closest(word.substr(0, word.find('=')), views);
    std::string hint;
    if (!meant.empty()) {
      hint = fmt::format(" (did you mean '{}'?)", meant);
    } else if (!is_flag && app.get_name() == "trace") {
      hint = " (a command to trace stands after --)";
    }
    return fmt::format("{}: unknown {}{}", in_quotes(word), is_flag ? "flag" : what, hint);
  }

  RawFlags flags_;
  CLI::App app_{kAbout, "clew"};
  CLI::App* config_ = nullptr;
  std::vector<std::pair<CLI::App*, Command>> commands_;
};

std::string_view name_of(Command command) {
  switch (command) {
    case Command::Run:
      return "run";
    case Command::Trace:
      return "trace";
    case Command::Doctor:
      return "doctor";
    case Command::ConfigCheck:
    case Command::ConfigDefaults:
      break;
  }
  return "config";
}

}  // namespace

UsageError bad_usage(Command command, const std::string& message) {
  return {2, fmt::format("clew: {} (try 'clew {} --help')\n", message, name_of(command)), false};
}

UsageError bad_usage(const std::string& message) {
  return {2, fmt::format("clew: {} (try 'clew --help')\n", message), false};
}

std::expected<RawFlags, UsageError> parse_flags(std::vector<std::string> args) {
  try {
    return Parser().parse(std::move(args));
  } catch (const std::exception& error) {
    return std::unexpected(bad_usage(error.what()));
  }
}

}  // namespace clew
