#include "agent/config/environment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

namespace clew {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Optional;
using ::testing::Pair;
using Variables = std::map<std::string, std::string>;
using Kind = ExportTarget::Kind;
using Protocol = OtlpExport::Protocol;

Environment read(const Variables& variables) {
  return read_environment([&](const char* name) -> const char* {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  });
}

// An OTLP target that nobody gave an endpoint.
OtlpExport unset() {
  OtlpExport otlp;
  otlp.endpoint.clear();
  return otlp;
}

// The settings of an OTLP target that nothing but `variables` configures.
OtlpExport resolved(const Variables& variables, OtlpExport otlp = unset()) {
  resolve_otlp(otlp, read(variables).otlp);
  return otlp;
}

ExportTarget target_of(Kind kind, std::string endpoint = {}) {
  ExportTarget target;
  target.kind = kind;
  target.otlp.endpoint = std::move(endpoint);
  return target;
}

TEST(Environment, OfNothingChangesNothing) {
  const Environment environment = read({});
  EXPECT_THAT(environment.warnings, IsEmpty());
  Config config;
  apply_environment(environment, config);
  EXPECT_EQ(config, Config{});
}

TEST(Environment, TakesEmptyValuesAsUnset) {
  const Environment environment = read({{"OTEL_SERVICE_NAME", ""},
                                        {"OTEL_RESOURCE_ATTRIBUTES", ""},
                                        {"OTEL_LOG_LEVEL", " "},
                                        {"OTEL_TRACES_EXPORTER", ""},
                                        {"OTEL_TRACES_SAMPLER", ""},
                                        {"OTEL_PROPAGATORS", ""},
                                        {"OTEL_EXPORTER_OTLP_ENDPOINT", ""},
                                        {"OTEL_EXPORTER_OTLP_TIMEOUT", ""}});
  EXPECT_THAT(environment.warnings, IsEmpty());
  Config config;
  apply_environment(environment, config);
  EXPECT_EQ(config, Config{});
  EXPECT_FALSE(environment.otlp.has_endpoint());
}

TEST(Environment, DecodesResourceAttributes) {
  const Environment environment =
      read({{"OTEL_RESOURCE_ATTRIBUTES",
             "service.name=shop, key%20one = a%2Cb%3Dc%25 ,empty=,eq=a=b,u=%C3%BC"}});
  EXPECT_THAT(environment.warnings, IsEmpty());
  EXPECT_THAT(environment.service_name, Optional(std::string("shop")));
  EXPECT_THAT(environment.attributes, ElementsAre(Pair("key one", "a,b=c%"), Pair("empty", ""),
                                                  Pair("eq", "a=b"), Pair("u", "\u00fc")));
}

TEST(Environment, DropsResourceAttributesAsAWhole) {
  for (const char* text : {"a=1,b", "a=1,=2", "a=%", "a=%4", "a=%zz", "a=%ff", "a=%00", "a=\xff"}) {
    const Environment environment = read({{"OTEL_RESOURCE_ATTRIBUTES", text}});
    EXPECT_THAT(environment.attributes, IsEmpty()) << text;
    EXPECT_THAT(environment.warnings, ElementsAre(HasSubstr("OTEL_RESOURCE_ATTRIBUTES ignored")))
        << text;
  }
}

TEST(Environment, ServiceNameBeatsTheAttributeAndTheFile) {
  const Environment environment =
      read({{"OTEL_RESOURCE_ATTRIBUTES", "service.name=b,team=x"}, {"OTEL_SERVICE_NAME", "a"}});
  Config config;
  config.resource.service_name = "from file";
  config.resource.attributes = {{"team", "y"}, {"zone", "z"}};
  apply_environment(environment, config);
  EXPECT_EQ(config.resource.service_name, "a");
  EXPECT_THAT(config.resource.attributes, ElementsAre(Pair("team", "x"), Pair("zone", "z")));
}

TEST(OtlpEnvironment, HasTheDefaultsOfEachProtocol) {
  EXPECT_EQ(resolved({}), OtlpExport{});
  EXPECT_EQ(resolved({{"OTEL_EXPORTER_OTLP_PROTOCOL", "HTTP/protobuf"}}).endpoint,
            "http://localhost:4318/v1/traces");
}

TEST(OtlpEnvironment, FollowsTheRulesOfPathsForHttp) {
  const auto endpoint = [](const char* name, const char* url) {
    return resolved({{"OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"}, {name, url}}).endpoint;
  };
  const char* const kGeneric = "OTEL_EXPORTER_OTLP_ENDPOINT";
  EXPECT_EQ(endpoint(kGeneric, "http://h:1"), "http://h:1/v1/traces");
  EXPECT_EQ(endpoint(kGeneric, "http://h:1/"), "http://h:1/v1/traces");
  EXPECT_EQ(endpoint(kGeneric, "http://h:1/otlp"), "http://h:1/otlp/v1/traces");
  EXPECT_EQ(endpoint(kGeneric, "http://h:1/otlp/"), "http://h:1/otlp/v1/traces");
  const char* const kTraces = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
  EXPECT_EQ(endpoint(kTraces, "http://h:1"), "http://h:1/");
  EXPECT_EQ(endpoint(kTraces, "http://h:1/mine"), "http://h:1/mine");
}

TEST(OtlpEnvironment, CompletesTheFilesEndpointOnlyWithoutPath) {
  OtlpExport otlp;
  otlp.protocol = Protocol::HttpProtobuf;
  otlp.endpoint = "https://h:1";
  EXPECT_EQ(resolved({}, otlp).endpoint, "https://h:1/v1/traces");
  otlp.endpoint = "https://h:1/ingest";
  EXPECT_EQ(resolved({}, otlp).endpoint, "https://h:1/ingest");
}

TEST(OtlpEnvironment, CutsPathsForGrpc) {
  EXPECT_EQ(resolved({{"OTEL_EXPORTER_OTLP_ENDPOINT", "https://h:1/"}}).endpoint, "https://h:1");
}

TEST(OtlpEnvironment, TakesHostAndPortForGrpcOnly) {
  const char* const kName = "OTEL_EXPORTER_OTLP_ENDPOINT";
  EXPECT_EQ(resolved({{kName, "h:4317"}}).endpoint, "https://h:4317");
  EXPECT_EQ(resolved({{kName, "h:4317"}, {"OTEL_EXPORTER_OTLP_INSECURE", "True"}}).endpoint,
            "http://h:4317");
  const Environment environment =
      read({{kName, "h:4318"}, {"OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"}});
  EXPECT_THAT(environment.warnings, ElementsAre(HasSubstr("OTEL_EXPORTER_OTLP_ENDPOINT ignored")));
  EXPECT_FALSE(environment.otlp.has_endpoint());
}

TEST(OtlpEnvironment, LetsTheSignalsVariablesWin) {
  const OtlpExport otlp = resolved({
      {"OTEL_EXPORTER_OTLP_ENDPOINT", "http://a:1"},
      {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://b:2"},
      {"OTEL_EXPORTER_OTLP_HEADERS", "X-Key=one,other=1"},
      {"OTEL_EXPORTER_OTLP_TRACES_HEADERS", "X-Key=Bearer%20two"},
      {"OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"},
      {"OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "none"},
      {"OTEL_EXPORTER_OTLP_TIMEOUT", "5000"},
      {"OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "250"},
      {"OTEL_EXPORTER_OTLP_CERTIFICATE", "ca.pem"},
      {"OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", "ca2.pem"},
      {"OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "c.pem"},
      {"OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY", "k.pem"},
  });
  EXPECT_EQ(otlp.endpoint, "http://b:2");
  EXPECT_THAT(otlp.headers, ElementsAre(Pair("x-key", "Bearer two")));
  EXPECT_FALSE(otlp.gzip);
  EXPECT_EQ(otlp.timeout, 250ms);
  EXPECT_EQ(otlp.certificate, "ca2.pem");
  EXPECT_EQ(otlp.client_certificate, "c.pem");
  EXPECT_EQ(otlp.client_key, "k.pem");
}

TEST(OtlpEnvironment, WarnsOfBadValuesAndGoesOn) {
  const Environment environment = read({
      {"OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"},
      {"OTEL_EXPORTER_OTLP_HEADERS", "x-key=top%0d%0asecret"},
      {"OTEL_EXPORTER_OTLP_COMPRESSION", "zip"},
      {"OTEL_EXPORTER_OTLP_TIMEOUT", "10s"},
      {"OTEL_EXPORTER_OTLP_ENDPOINT", "ftp://h"},
  });
  EXPECT_THAT(environment.warnings,
              ElementsAre(AllOf(HasSubstr("_PROTOCOL"), HasSubstr("not supported yet")),
                          AllOf(HasSubstr("_HEADERS"), Not(HasSubstr("secret"))),
                          HasSubstr("_COMPRESSION ignored: 'zip'"), HasSubstr("_TIMEOUT ignored"),
                          HasSubstr("_ENDPOINT ignored: 'ftp://h'")));
  OtlpExport otlp = unset();
  resolve_otlp(otlp, environment.otlp);
  EXPECT_EQ(otlp, OtlpExport{});
}

TEST(OtlpEnvironment, ChangesTheFirstTargetOnly) {
  Config config;
  config.exports = {target_of(Kind::Console), target_of(Kind::Otlp, "http://a:1"),
                    target_of(Kind::Otlp, "http://b:2")};
  apply_environment(read({{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://env:3"},
                          {"OTEL_EXPORTER_OTLP_HEADERS", "key=secret"}}),
                    config);
  EXPECT_EQ(config.exports[1].otlp.endpoint, "http://env:3");
  EXPECT_THAT(config.exports[1].otlp.headers, ElementsAre(Pair("key", "secret")));
  EXPECT_EQ(config.exports[2].otlp.endpoint, "http://b:2");
  EXPECT_THAT(config.exports[2].otlp.headers, IsEmpty());
}

TEST(Environment, ReadsExporters) {
  EXPECT_THAT(read({{"OTEL_TRACES_EXPORTER", "OTLP, console"}}).exporters,
              Optional(ElementsAre(Kind::Otlp, Kind::Console)));
  EXPECT_THAT(read({{"OTEL_TRACES_EXPORTER", "none"}}).exporters, Optional(IsEmpty()));
  const Environment zipkin = read({{"OTEL_TRACES_EXPORTER", "zipkin"}});
  EXPECT_FALSE(zipkin.exporters);
  EXPECT_THAT(zipkin.warnings, ElementsAre(HasSubstr("'zipkin'")));
}

TEST(Environment, ExportersReplaceTheFilesButKeepItsOtlpSettings) {
  Config config;
  config.exports = {target_of(Kind::File), target_of(Kind::Otlp, "http://a:1")};
  apply_environment(read({{"OTEL_TRACES_EXPORTER", "otlp,console"}}), config);
  EXPECT_THAT(config.exports, ElementsAre(target_of(Kind::Otlp, "http://a:1"), ExportTarget{}));
  apply_environment(read({{"OTEL_TRACES_EXPORTER", "none"}}), config);
  EXPECT_THAT(config.exports, IsEmpty());
}

TEST(Environment, WarnsOfSamplersAndPropagatorsOfLaterVersions) {
  EXPECT_THAT(read({{"OTEL_TRACES_SAMPLER", "parentbased_always_on"},
                    {"OTEL_PROPAGATORS", "tracecontext,baggage"}})
                  .warnings,
              IsEmpty());
  EXPECT_THAT(read({{"OTEL_TRACES_SAMPLER", "always_on"}, {"OTEL_PROPAGATORS", "none"}}).warnings,
              IsEmpty());
  EXPECT_THAT(
      read({{"OTEL_TRACES_SAMPLER", "traceidratio"},
            {"OTEL_PROPAGATORS", "tracecontext,b3,jaeger"},
            {"OTEL_SDK_DISABLED", "true"}})
          .warnings,
      ElementsAre(AllOf(HasSubstr("OTEL_TRACES_SAMPLER"), HasSubstr("not supported yet")),
                  HasSubstr("'b3' is not supported yet"),
                  HasSubstr("'jaeger' is not supported yet"), HasSubstr("OTEL_SDK_DISABLED")));
}

TEST(Environment, KnowsTheNamesOfLogLevels) {
  for (const auto& [name, level] :
       Variables{{"DEBUG", "debug"}, {"warning", "warn"}, {"none", "off"}, {"verbose", "trace"}}) {
    EXPECT_THAT(read({{"OTEL_LOG_LEVEL", name}}).log_level, Optional(level)) << name;
  }
  EXPECT_THAT(read({{"OTEL_LOG_LEVEL", "loud"}}).warnings, ElementsAre(HasSubstr("'loud'")));
}

}  // namespace
}  // namespace clew
