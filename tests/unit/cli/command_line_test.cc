#include "agent/cli/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <map>

namespace clew {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;
using Command = Invocation::Command;
using Kind = ExportTarget::Kind;
using Variables = std::map<std::string, std::string>;
using Words = std::vector<const char*>;

std::expected<Invocation, UsageError> parse(Words words, const Variables& variables = {}) {
  words.insert(words.begin(), "clew");
  return parse_command_line(words, [&](const char* name) -> const char* {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  });
}

Invocation good(Words words, const Variables& variables = {}) {
  auto parsed = parse(std::move(words), variables);
  if (parsed) return *std::move(parsed);
  ADD_FAILURE() << parsed.error().text;
  return {};
}

// The complaint about `words`; checks that it is one line with exit code 2.
std::string bad(Words words) {
  const auto parsed = parse(std::move(words));
  if (parsed) return "no error";
  EXPECT_EQ(parsed.error().exit_code, 2);
  EXPECT_FALSE(parsed.error().to_stdout);
  EXPECT_EQ(std::ranges::count(parsed.error().text, '\n'), 1) << parsed.error().text;
  EXPECT_THAT(parsed.error().text, ::testing::EndsWith("\n"));
  return parsed.error().text;
}

TEST(CommandLine, SelectsByEveryFlagRepeatedly) {
  const Invocation run =
      good({"run", "--pid", "1", "--pid=2", "--exe", "[ab]*", "--exe", "*,x", "--port", "80",
            "--port", "8000-8999", "--container", "ABCDEF", "--all"});
  EXPECT_EQ(run.command, Command::Run);
  const auto& select = run.config.select;
  ASSERT_THAT(select, SizeIs(8));
  EXPECT_EQ(select[0].pid, 1u);
  EXPECT_EQ(select[1].pid, 2u);
  EXPECT_EQ(select[2].pattern, "[ab]*");
  EXPECT_EQ(select[3].pattern, "*,x");
  EXPECT_EQ(select[4].port_first, 80);
  EXPECT_EQ(select[5].port_last, 8999);
  EXPECT_EQ(select[6].pattern, "abcdef");
  EXPECT_EQ(select[7].kind, SelectRule::Kind::All);
}

TEST(CommandLine, LeavesTheCommandAsItIs) {
  const Invocation trace =
      good({"trace", "--pid", "7", "--", "sh", "-c", "", "--pid", "x", "--", "--help", " "});
  EXPECT_THAT(trace.command_line, ElementsAre("sh", "-c", "", "--pid", "x", "--", "--help", " "));
  EXPECT_THAT(trace.config.select, SizeIs(1));
}

TEST(CommandLine, NeedsNoSelectionForACommand) {
  EXPECT_THAT(good({"trace", "--", "true"}).config.select, IsEmpty());
}

TEST(CommandLine, HasDefaultExports) {
  EXPECT_EQ(good({"trace", "--all"}).config.exports[0].kind, Kind::Console);
  const auto exports = good({"run", "--all"}).config.exports;
  ASSERT_THAT(exports, SizeIs(1));
  EXPECT_EQ(exports[0].kind, Kind::Otlp);
  EXPECT_EQ(exports[0].otlp, OtlpExport{});
}

TEST(CommandLine, ReadsExportTargets) {
  const auto exports = good({"run", "--all", "--export", "console", "--export", "file:a:b.jsonl",
                             "--export", "otlp", "--export", "otlp=https://h:1"},
                            {{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://env:2"},
                             {"OTEL_EXPORTER_OTLP_HEADERS", "k=v"}})
                           .config.exports;
  ASSERT_THAT(exports, SizeIs(4));
  EXPECT_EQ(exports[0].kind, Kind::Console);
  EXPECT_EQ(exports[1].path, "a:b.jsonl");
  EXPECT_EQ(exports[2].otlp.endpoint, "http://env:2");
  EXPECT_EQ(exports[3].otlp.endpoint, "https://h:1");
  EXPECT_THAT(exports[3].otlp.headers, ElementsAre(::testing::Pair("k", "v")));
}

TEST(CommandLine, CompletesTheFlagsEndpointForHttp) {
  const auto exports = good({"run", "--all", "--export", "otlp=http://h:1"},
                            {{"OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"}})
                           .config.exports;
  EXPECT_EQ(exports[0].otlp.endpoint, "http://h:1/v1/traces");
}

TEST(CommandLine, ReadsTheOtherFlags) {
  const Invocation trace = good({"trace", "--all", "--for", "2.5", "--log-level", "debug"},
                                {{"OTEL_LOG_LEVEL", "error"}});
  EXPECT_EQ(trace.duration, 2500ms);
  EXPECT_EQ(trace.config.log_level, "debug");
  EXPECT_FALSE(good({"trace", "--all"}).duration);
  EXPECT_FALSE(good({"doctor"}).json);
  EXPECT_TRUE(good({"doctor", "--json"}).json);
  EXPECT_EQ(good({"config", "defaults"}).command, Command::ConfigDefaults);
  const Invocation check = good({"config", "check", "x.yaml"});
  EXPECT_EQ(check.command, Command::ConfigCheck);
  EXPECT_EQ(check.file, "x.yaml");
}

TEST(CommandLine, NamesTheWrongFlagOrValue) {
  EXPECT_EQ(bad({"trace", "--port", "70000"}),
            "clew: --port: '70000' is not a port (1-65535) (try 'clew trace --help')\n");
  EXPECT_THAT(bad({"trace", "--pid", "-5"}), StartsWith("clew: --pid: '-5' is not a process id"));
  EXPECT_THAT(bad({"trace", "--pid", "1x"}), StartsWith("clew: --pid: '1x'"));
  EXPECT_THAT(bad({"run", "--port", "9-3"}), StartsWith("clew: --port: '9-3'"));
  EXPECT_THAT(bad({"run", "--exe", ""}), StartsWith("clew: --exe: ''"));
  EXPECT_THAT(bad({"run", "--container", "web"}), StartsWith("clew: --container: 'web'"));
  EXPECT_THAT(bad({"run", "--all", "--for", "-1"}), StartsWith("clew: --for: '-1'"));
  EXPECT_THAT(bad({"run", "--all", "--for", "nan"}), StartsWith("clew: --for: 'nan'"));
  EXPECT_THAT(bad({"run", "--all", "--log-level", "x"}), StartsWith("clew: --log-level: 'x'"));
  EXPECT_THAT(bad({"run", "--all", "--export", "otpl"}), StartsWith("clew: --export: 'otpl'"));
  EXPECT_THAT(bad({"run", "--all", "--export", "otlp=h:1"}), StartsWith("clew: --export: 'h:1'"));
  EXPECT_THAT(bad({"run", "--all", "--export", "file:"}), StartsWith("clew: --export: ''"));
  EXPECT_THAT(bad({"run", "--pid", "a\nb"}), StartsWith("clew: --pid: 'a\\x0ab'"));
}

TEST(CommandLine, NamesWhatIsMissingOrTooMuch) {
  EXPECT_THAT(bad({"trace", "--pid"}), StartsWith("clew: --pid: a value is missing (try"));
  EXPECT_THAT(bad({"trace", "--exe="}), StartsWith("clew: --exe: a value is missing (try"));
  EXPECT_THAT(bad({"trace", "--pid", "--exe", "x"}), StartsWith("clew: --pid: a value is missing"));
  EXPECT_THAT(bad({"trace", "--all=false"}), StartsWith("clew: --all: takes no value (try"));
  EXPECT_THAT(bad({"run", "--config", "a", "--config", "b"}),
              StartsWith("clew: --config: given more than once (try"));
  EXPECT_THAT(bad({"config", "check"}), StartsWith("clew: config check: FILE is missing"));
  EXPECT_THAT(bad({"config"}), StartsWith("clew: config: 'check FILE' or 'defaults' is missing"));
  EXPECT_THAT(bad({}), StartsWith("clew: a command is missing"));
  EXPECT_THAT(bad({"trace", "--"}), StartsWith("clew: --: a command is missing"));
  EXPECT_THAT(bad({"trace", "--", ""}), StartsWith("clew: --: a command is missing"));
}

TEST(CommandLine, NamesUnknownWordsAndWhatWasMeant) {
  EXPECT_THAT(bad({"trcae"}), StartsWith("clew: 'trcae': unknown command (did you mean 'trace'?)"));
  EXPECT_THAT(bad({"frob"}), StartsWith("clew: 'frob': unknown command (try"));
  EXPECT_THAT(bad({"trace", "--exprot=console"}), HasSubstr("(did you mean '--export'?)"));
  EXPECT_THAT(bad({"doctor", "--all"}), StartsWith("clew: '--all': unknown flag"));
  EXPECT_THAT(bad({"--all", "run"}), StartsWith("clew: '--all': unknown flag"));
  EXPECT_THAT(bad({"trace", "curl"}),
              StartsWith("clew: 'curl': unknown argument (a command to trace stands after --)"));
  EXPECT_THAT(bad({"trace", "--pid", "1", "2"}), StartsWith("clew: '2': unknown argument"));
  EXPECT_THAT(bad({"trace", "--pid", "1", "run"}), StartsWith("clew: 'run': unknown argument"));
  EXPECT_THAT(bad({"config", "chek"}), HasSubstr("(did you mean 'check'?)"));
  EXPECT_THAT(bad({"run", "--all", "--", "x"}), StartsWith("clew: --: only 'clew trace' takes"));
  EXPECT_THAT(bad({"run", "--all", ""}), StartsWith("clew: '': unknown argument"));
}

TEST(CommandLine, SaysHowToSelect) {
  EXPECT_THAT(bad({"run"}), AllOf(HasSubstr("nothing is selected"), HasSubstr("--all")));
  EXPECT_THAT(bad({"trace"}), AllOf(HasSubstr("-- CMD"), HasSubstr("--all")));
}

TEST(CommandLine, HelpsOnStdout) {
  for (const Words& words : std::vector<Words>{{"--help"},
                                               {"-h"},
                                               {"trace", "--help"},
                                               {"run", "-h"},
                                               {"doctor", "--help"},
                                               {"config", "check", "--help"}}) {
    const auto parsed = parse(words);
    ASSERT_FALSE(parsed);
    EXPECT_EQ(parsed.error().exit_code, 0);
    EXPECT_TRUE(parsed.error().to_stdout);
    EXPECT_THAT(parsed.error().text, HasSubstr("Usage: clew"));
  }
  EXPECT_THAT(parse({"--help"}).error().text, HasSubstr("Examples:"));
  const std::string trace = parse({"trace", "--help"}).error().text;
  for (const char* flag : {"--pid N", "--exe GLOB", "--port N[-M]", "--container NAME", "--all",
                           "--export", "--log-level", "--for SECONDS", "[-- CMD ARG...]"}) {
    EXPECT_THAT(trace, HasSubstr(flag));
  }
}

TEST(CommandLine, TellsItsVersionOnStdout) {
  const auto parsed = parse({"--version"});
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().exit_code, 0);
  EXPECT_TRUE(parsed.error().to_stdout);
  EXPECT_THAT(parsed.error().text, ::testing::MatchesRegex("clew [0-9.]+\n"));
}

TEST(CommandLine, SurvivesAnEmptyArgv) {
  const auto parsed = parse_command_line({}, [](const char*) -> const char* { return nullptr; });
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().exit_code, 2);
}

class Precedence : public ::testing::Test {
 protected:
  std::string path_ = ::testing::TempDir() + "clew_cli_" + std::to_string(::getpid()) + ".yaml";

  void TearDown() override { ::unlink(path_.c_str()); }

  const char* file(const char* text) {
    std::ofstream(path_) << text;
    return path_.c_str();
  }
};

TEST_F(Precedence, TheFileBeatsTheDefaults) {
  const Invocation run =
      good({"run", "--config",
            file("select: [{pid: 5}]\nlimits: {connections: 99}\nexport: {console: true}\n")});
  EXPECT_EQ(run.config.select[0].pid, 5u);
  EXPECT_EQ(run.config.limits.connections, 99u);
  ASSERT_THAT(run.config.exports, SizeIs(1));
  EXPECT_EQ(run.config.exports[0].kind, Kind::Console);
}

TEST_F(Precedence, TheEnvironmentBeatsTheFile) {
  const Invocation run =
      good({"run", "--config",
            file("select: [{all: true}]\nresource: {service_name: a}\n"
                 "export: {otlp: {endpoint: http://f:1, compression: gzip}}\n")},
           {{"OTEL_SERVICE_NAME", "b"}, {"OTEL_EXPORTER_OTLP_ENDPOINT", "http://e:2"}});
  EXPECT_EQ(run.config.resource.service_name, "b");
  ASSERT_THAT(run.config.exports, SizeIs(1));
  EXPECT_EQ(run.config.exports[0].otlp.endpoint, "http://e:2");
  EXPECT_TRUE(run.config.exports[0].otlp.gzip);
}

TEST_F(Precedence, FlagsReplaceSelectionAndExports) {
  const Invocation run =
      good({"run", "--pid", "6", "--export", "console", "--config",
            file("select: [{pid: 5}, {all: true}]\nexport: {otlp: {}, file: {path: x}}\n")},
           {{"OTEL_TRACES_EXPORTER", "otlp"}});
  ASSERT_THAT(run.config.select, SizeIs(1));
  EXPECT_EQ(run.config.select[0].pid, 6u);
  ASSERT_THAT(run.config.exports, SizeIs(1));
  EXPECT_EQ(run.config.exports[0].kind, Kind::Console);
}

TEST_F(Precedence, ACommandReplacesTheFilesSelection) {
  const Invocation trace =
      good({"trace", "--config", file("select: [{all: true}]\n"), "--", "true"});
  EXPECT_THAT(trace.config.select, IsEmpty());
}

TEST_F(Precedence, AnEndpointInTheEnvironmentMakesOtlpTheDefault) {
  const Variables variables = {{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://e:2"}};
  auto exports = good({"trace", "--all"}, variables).config.exports;
  ASSERT_THAT(exports, SizeIs(1));
  EXPECT_EQ(exports[0].otlp.endpoint, "http://e:2");
  exports = good({"trace", "--all", "--config", file("export: {console: true}\n")}, variables)
                .config.exports;
  ASSERT_THAT(exports, SizeIs(1));
  EXPECT_EQ(exports[0].kind, Kind::Console);
  EXPECT_THAT(good({"run", "--all"}, {{"OTEL_TRACES_EXPORTER", "none"}}).config.exports, IsEmpty());
}

TEST_F(Precedence, ErrorsOfTheFileComeLineByLine) {
  const auto parsed = parse({"run", "--all", "--config", file("x: 1\ny: 2\n")});
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().exit_code, 2);
  EXPECT_FALSE(parsed.error().to_stdout);
  EXPECT_EQ(parsed.error().text, path_ + ":1: unknown key 'x'\n" + path_ + ":2: unknown key 'y'\n");
  EXPECT_THAT(bad({"run", "--config", "/nonexistent/clew.yaml"}),
              StartsWith("/nonexistent/clew.yaml: No such file"));
}

TEST_F(Precedence, WarningsOfTheEnvironmentAreHandedOn) {
  EXPECT_THAT(good({"run", "--all"}, {{"OTEL_TRACES_SAMPLER", "traceidratio"}}).warnings,
              ElementsAre(HasSubstr("OTEL_TRACES_SAMPLER")));
}

}  // namespace
}  // namespace clew
