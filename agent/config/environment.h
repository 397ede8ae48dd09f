// The standard OTEL_* environment variables, as the OpenTelemetry specification has them
// (configuration/sdk-environment-variables.md, protocol/exporter.md). An empty value counts as
// unset; a wrong one gives a warning and is ignored.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/config/config.h"

namespace clew {

/// getenv, or a test's stand-in: null for what is not set.
using EnvironmentGetter = std::function<const char*(const char* name)>;

/// What OTEL_EXPORTER_OTLP_* say; the _TRACES_ variants have won already.
struct OtlpEnvironment {
  std::optional<std::string> endpoint;         ///< /v1/traces still to be added for HTTP
  std::optional<std::string> traces_endpoint;  ///< used as it is; beats `endpoint`
  std::optional<OtlpExport::Protocol> protocol;
  std::optional<std::vector<std::pair<std::string, std::string>>> headers;
  std::optional<bool> gzip;
  std::optional<std::chrono::milliseconds> timeout;
  std::optional<std::string> certificate, client_certificate, client_key;

  bool has_endpoint() const { return endpoint || traces_endpoint; }
};

struct Environment {
  std::optional<std::string> service_name;
  std::vector<std::pair<std::string, std::string>> attributes;  ///< without service.name
  OtlpEnvironment otlp;
  std::optional<std::vector<ExportTarget::Kind>> exporters;  ///< OTEL_TRACES_EXPORTER; none: empty
  std::optional<std::string> log_level;
  std::vector<std::string> warnings;  ///< one line each, naming the variable
};

Environment read_environment(const EnvironmentGetter& get);

/// Lays the environment over `config`, whose export endpoints are as written in a file; the
/// result's are final. OTLP variables change the first OTLP target only: others are other
/// collectors, for which this environment's credentials are not meant.
void apply_environment(const Environment& environment, Config& config);

/// Lays `environment` over `otlp` and makes its endpoint final: the environment's if it has one,
/// else its own, else (empty) the protocol's default. With HTTP the path is complete then.
void resolve_otlp(OtlpExport& otlp, const OtlpEnvironment& environment);

}  // namespace clew
