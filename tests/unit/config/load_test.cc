#include "agent/config/load.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "agent/config/document.h"

namespace clew {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

std::vector<std::string> errors_of(std::string_view text) {
  auto loaded = load_config_text("c.yaml", text);
  return loaded ? std::vector<std::string>() : std::move(loaded).error();
}

Config good(std::string_view text) {
  auto loaded = load_config_text("c.yaml", text);
  if (loaded) return *std::move(loaded);
  for (const std::string& line : loaded.error()) ADD_FAILURE() << line;
  return {};
}

TEST(LoadConfig, OfNothingIsTheDefaults) {
  EXPECT_EQ(good(""), Config{});
  EXPECT_EQ(good("select:\nresource:\ncapture: {}\nexport:\nlimits:\n"), Config{});
}

TEST(LoadConfig, ReadsSelectionRules) {
  const Config config = good(R"(
select:
  - exe: "*nginx"
    service: web
  - pid: 42
  - port: 80
  - port: "8000-8999"
  - container: ABCDEF012345
  - {all: true}
)");
  ASSERT_EQ(config.select.size(), 6u);
  EXPECT_EQ(config.select[0].kind, SelectRule::Kind::Exe);
  EXPECT_EQ(config.select[0].pattern, "*nginx");
  EXPECT_EQ(config.select[0].service_name, "web");
  EXPECT_EQ(config.select[1].kind, SelectRule::Kind::Pid);
  EXPECT_EQ(config.select[1].pid, 42u);
  EXPECT_EQ(config.select[1].service_name, "");
  EXPECT_EQ(config.select[2].port_first, 80);
  EXPECT_EQ(config.select[2].port_last, 80);
  EXPECT_EQ(config.select[3].port_first, 8000);
  EXPECT_EQ(config.select[3].port_last, 8999);
  EXPECT_EQ(config.select[4].pattern, "abcdef012345");
  EXPECT_EQ(config.select[5].kind, SelectRule::Kind::All);
}

TEST(LoadConfig, ReadsResourceCaptureAndLimits) {
  const Config config = good(R"(
resource:
  service_name: shop
  attributes: {deployment.environment.name: "production", team: 7}
capture: {ring_buffer: 16MiB}
limits: {connections: 1000, stream_buffer: 64KiB, queue_spans: 500}
)");
  EXPECT_EQ(config.resource.service_name, "shop");
  EXPECT_THAT(config.resource.attributes,
              ElementsAre(Pair("deployment.environment.name", "production"), Pair("team", "7")));
  EXPECT_EQ(config.capture.ring_buffer_bytes, 16u << 20);
  EXPECT_EQ(config.limits.connections, 1000u);
  EXPECT_EQ(config.limits.stream_buffer_bytes, 65'536u);
  EXPECT_EQ(config.limits.queue_spans, 500u);
}

TEST(LoadConfig, ReadsWhatIsShownOfHttp) {
  const Config config = good(R"(
capture:
  http:
    routes: ["/users/{user}", /static/**]
    infer_routes: false
    url_template: true
    query: keys
    sensitive_query_parameters: [token, Token]
    request_headers: [X-Tenant, accept]
    response_headers: [Set-Cookie]
limits: {routes: 20}
)");
  EXPECT_THAT(config.capture.routes.patterns, ElementsAre("/users/{user}", "/static/**"));
  EXPECT_FALSE(config.capture.routes.infer);
  EXPECT_TRUE(config.capture.routes.client_templates);
  EXPECT_EQ(config.capture.http.query, HttpSettings::Query::Keys);
  EXPECT_THAT(config.capture.http.sensitive_query_parameters, ElementsAre("token", "Token"));
  EXPECT_THAT(config.capture.http.request_headers, ElementsAre("x-tenant", "accept"));
  EXPECT_THAT(config.capture.http.response_headers, ElementsAre("set-cookie"));
  EXPECT_EQ(config.limits.routes, 20u);
  EXPECT_TRUE(good("capture: {http: {sensitive_query_parameters: []}}")
                  .capture.http.sensitive_query_parameters.empty());
  EXPECT_EQ(good("capture: {http: {sensitive_query_parameters: }}").capture, Config{}.capture);
}

TEST(LoadConfig, TakesWhatIsShownOfStatements) {
  const Config config = good("capture: {sql: raw, redis: off}");
  EXPECT_EQ(config.capture.sql, StatementText::Raw);
  EXPECT_EQ(config.capture.redis, StatementText::Off);
  EXPECT_EQ(good("{}").capture.sql, StatementText::Sanitized);
  EXPECT_THAT(errors_of("capture:\n  sql: none\n"),
              ElementsAre("c.yaml:2: capture.sql: 'none' is not what to show of statements "
                          "(sanitized, raw, off)"));
}

TEST(LoadConfig, ChecksWhatIsShownOfHttp) {
  EXPECT_THAT(errors_of(R"(capture:
  http:
    routes:
      - /users/{user}
      - users
      - /a/{b}c
      - [/a]
      - /users/{user}
    query: all
    infer_routes: maybe
    request_headers: x-tenant
    response_headers: [a, A, "b c"]
    header: []
limits: {routes: 0}
)"),
              ElementsAre("c.yaml:5: capture.http.routes: 'users' is not a route: a route begins "
                          "with '/'",
                          "c.yaml:6: capture.http.routes: '/a/{b}c' is not a route: '*' and {name} "
                          "stand for whole segments",
                          "c.yaml:7: capture.http.routes: a list of single values expected",
                          "c.yaml:8: capture.http.routes: '/users/{user}' is there twice",
                          "c.yaml:9: capture.http.query: 'all' is not what to show of queries "
                          "(redacted, keys, off)",
                          "c.yaml:10: capture.http.infer_routes: 'maybe' is not true or false",
                          "c.yaml:11: capture.http.request_headers: list of header names expected, "
                          "this is a single value",
                          "c.yaml:12: capture.http.response_headers: 'a' is there twice",
                          HasSubstr("c.yaml:12: capture.http.response_headers: 'b c' is not a "
                                    "header name"),
                          HasSubstr("c.yaml:13: unknown key 'capture.http.header'"),
                          "c.yaml:14: limits.routes: '0' is not a number from 1 to 65536"));
}

TEST(LoadConfig, BoundsLists) {
  std::string text = "capture:\n  http:\n    request_headers:\n";
  for (size_t i = 0; i <= kMaxCapturedHeaders; ++i) text += "      - x" + std::to_string(i) + "\n";
  EXPECT_THAT(errors_of(text), ElementsAre("c.yaml:68: capture.http.request_headers: more than 64 "
                                           "are not supported"));
}

TEST(LoadConfig, ReadsExportTargetsInOrder) {
  const Config config = good(R"(
export:
  otlp:
    - endpoint: https://collector:4317
      headers: {X-Api-Key: secret}
      compression: gzip
      timeout: 500ms
      certificate: ca.pem
      client_certificate: c.pem
      client_key: k.pem
    - protocol: http/protobuf
  console: {}
  file: {path: /tmp/spans.jsonl}
)");
  ASSERT_EQ(config.exports.size(), 4u);
  const OtlpExport& otlp = config.exports[0].otlp;
  EXPECT_EQ(config.exports[0].kind, ExportTarget::Kind::Otlp);
  EXPECT_EQ(otlp.endpoint, "https://collector:4317");
  EXPECT_THAT(otlp.headers, ElementsAre(Pair("x-api-key", "secret")));
  EXPECT_TRUE(otlp.gzip);
  EXPECT_EQ(otlp.timeout, 500ms);
  EXPECT_EQ(otlp.certificate, "ca.pem");
  EXPECT_EQ(otlp.client_certificate, "c.pem");
  EXPECT_EQ(otlp.client_key, "k.pem");
  EXPECT_EQ(config.exports[1].otlp.protocol, OtlpExport::Protocol::HttpProtobuf);
  EXPECT_EQ(config.exports[1].otlp.endpoint, "") << "decided with the environment";
  EXPECT_EQ(config.exports[2].kind, ExportTarget::Kind::Console);
  EXPECT_EQ(config.exports[3].kind, ExportTarget::Kind::File);
  EXPECT_EQ(config.exports[3].path, "/tmp/spans.jsonl");
}

TEST(LoadConfig, TakesEveryFormOfConsole) {
  for (const char* on : {"true", "{}", ""}) {
    EXPECT_EQ(good(std::string("export:\n  console: ") + on).exports.size(), 1u) << on;
  }
  EXPECT_EQ(good("export: {console: false}").exports.size(), 0u);
  EXPECT_THAT(errors_of("export: {console: yes}"),
              ElementsAre("c.yaml:1: export.console: 'yes' is not true or false"));
  EXPECT_THAT(errors_of("export: {console: {colour: true}}"),
              ElementsAre("c.yaml:1: export.console: true or {} expected, this is a map"));
}

TEST(LoadConfig, NamesUnknownKeysAndWhatWasMeant) {
  EXPECT_THAT(errors_of("capture:\n  ring_bufer: 8MiB\n"),
              ElementsAre("c.yaml:2: unknown key 'capture.ring_bufer' (did you mean "
                          "'ring_buffer'?)"));
  EXPECT_THAT(errors_of("colour: red\n"), ElementsAre("c.yaml:1: unknown key 'colour'"));
  EXPECT_THAT(errors_of("select:\n  - exe: a\n    servcie: b\n"),
              ElementsAre("c.yaml:3: unknown key 'select.servcie' (did you mean 'service'?)"));
  EXPECT_THAT(errors_of("limits.connections: 3\n"), ElementsAre(HasSubstr("unknown key")));
}

TEST(LoadConfig, RefusesSectionsOfLaterVersions) {
  EXPECT_THAT(
      errors_of("propagation: {}\nignore: []\nsampling: 1\nmetrics:\nlogs: {}\n"),
      ElementsAre("c.yaml:1: propagation: not supported yet", "c.yaml:2: ignore: not supported yet",
                  "c.yaml:3: sampling: not supported yet", "c.yaml:4: metrics: not supported yet",
                  "c.yaml:5: logs: not supported yet"));
}

TEST(LoadConfig, ReportsEveryErrorInTheOrderOfLines) {
  EXPECT_THAT(errors_of(R"(limits:
  connections: many
  connections: 5
capture:
  ring_buffer: [8MiB]
selekt: []
export:
  otlp: {timeout: 5, endpoint: nowhere}
)"),
              ElementsAre("c.yaml:2: limits.connections: 'many' is not a number from 16 to 4194304",
                          "c.yaml:3: duplicate key 'connections' (first on line 2)",
                          "c.yaml:5: capture.ring_buffer: size expected, this is a list",
                          "c.yaml:6: unknown key 'selekt' (did you mean 'select'?)",
                          HasSubstr("c.yaml:8: export.otlp.endpoint: 'nowhere' is not a URL"),
                          HasSubstr("c.yaml:8: export.otlp.timeout: '5' is not a duration")));
}

TEST(LoadConfig, ChecksRules) {
  const char* const kOne = "a rule needs exactly one of exe, pid, port, container, all";
  EXPECT_THAT(errors_of("select: [{exe: a, pid: 1}]"), ElementsAre(HasSubstr(kOne)));
  EXPECT_THAT(errors_of("select:\n  - service: x"), ElementsAre(HasSubstr(kOne)));
  EXPECT_THAT(errors_of("select: [~]"), ElementsAre(HasSubstr(kOne)));
  EXPECT_THAT(errors_of("select: [nginx]"), ElementsAre(HasSubstr("a map (key: value) expected")));
  EXPECT_THAT(errors_of("select: {all: true}"),
              ElementsAre("c.yaml:1: select: list of rules expected, this is a map"));
  EXPECT_THAT(errors_of("select: [{all: false}]"), ElementsAre(HasSubstr("only 'true'")));
  EXPECT_THAT(errors_of("select: [{pid: 0}]"), ElementsAre(HasSubstr("not a process id")));
  EXPECT_THAT(errors_of("select: [{port: 99999}]"), ElementsAre(HasSubstr("not a port")));
  EXPECT_THAT(errors_of("select: [{container: web}]"), ElementsAre(HasSubstr("container id")));
  EXPECT_THAT(errors_of("select: [{exe: ''}]"), ElementsAre(HasSubstr("not a glob")));
}

TEST(LoadConfig, ChecksTargets) {
  EXPECT_THAT(errors_of("export:\n  file:\n"),
              ElementsAre("c.yaml:2: export.file: path is missing"));
  EXPECT_THAT(errors_of("export: {file: spans.jsonl}"),
              ElementsAre(HasSubstr("map or list of maps expected")));
  EXPECT_THAT(errors_of("export: {otlp: {client_key: k}}"),
              ElementsAre(HasSubstr("client_certificate and client_key go together")));
  EXPECT_THAT(errors_of("export: {otlp: {headers: {a b: c}}}"),
              ElementsAre(HasSubstr("'a b' is not a header name")));
  EXPECT_THAT(errors_of("export: {otlp: {headers: {a: [c]}}}"),
              ElementsAre(HasSubstr("text expected")));
  EXPECT_THAT(errors_of("export: {otlp: {protocol: http/json}}"),
              ElementsAre(HasSubstr("not supported yet")));
  EXPECT_THAT(errors_of("export: {otlp: {compression: zstd}}"),
              ElementsAre(HasSubstr("gzip, none")));
}

TEST(LoadConfig, WantsTheServiceNameInItsOwnKey) {
  EXPECT_THAT(errors_of("resource: {attributes: {service.name: x}}"),
              ElementsAre(HasSubstr("resource.service_name")));
}

TEST(LoadConfig, WantsAMap) {
  EXPECT_THAT(errors_of("just words"),
              ElementsAre("c.yaml:1: the file: a map (key: value) expected"));
  EXPECT_THAT(errors_of("[1, 2]"), ElementsAre(HasSubstr("a map (key: value) expected")));
}

TEST(LoadConfig, BoundsItsComplaints) {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "k" + std::to_string(i) + ": 1\n";
  const auto errors = errors_of(text);
  ASSERT_EQ(errors.size(), 201u);
  EXPECT_EQ(errors.back(), "c.yaml: and 800 more errors");
}

TEST(LoadConfig, KeepsHugeScalarsOutOfErrors) {
  for (const std::string& line :
       errors_of("capture: {ring_buffer: " + std::string(500'000, '8') + "}")) {
    EXPECT_LT(line.size(), 300u);
  }
  EXPECT_EQ(errors_of(std::string(500'000, 'k') + ": 1").size(), 1u);
}

class LoadConfigFile : public ::testing::Test {
 protected:
  std::string path_ = ::testing::TempDir() + "clew_load_" + std::to_string(::getpid()) + ".yaml";

  void TearDown() override { ::unlink(path_.c_str()); }
};

TEST_F(LoadConfigFile, ReadsAFile) {
  std::ofstream(path_) << "limits: {connections: 77}\n";
  const auto loaded = load_config_file(path_);
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->limits.connections, 77u);
}

TEST_F(LoadConfigFile, PutsTheFilesNameIntoErrors) {
  std::ofstream(path_) << "\nx: 1\n";
  const auto loaded = load_config_file(path_);
  ASSERT_FALSE(loaded);
  EXPECT_THAT(loaded.error(), ElementsAre(path_ + ":2: unknown key 'x'"));
}

TEST_F(LoadConfigFile, SaysWhyAFileCannotBeRead) {
  EXPECT_THAT(load_config_file(path_).error(), ElementsAre(path_ + ": No such file or directory"));
  EXPECT_THAT(load_config_file("/").error(), ElementsAre("/: Is a directory"));
}

TEST_F(LoadConfigFile, StopsAtItsBound) {
  EXPECT_THAT(load_config_file("/dev/zero").error(),
              ElementsAre("/dev/zero:1: larger than 1048576 bytes"));
}

}  // namespace
}  // namespace clew
