#include "agent/config/environment.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "agent/config/text.h"
#include "agent/config/values.h"

namespace clew {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (text.size() - i < 3) return std::nullopt;
    const int high = hex_digit(text[i + 1]), low = hex_digit(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  if (first_bad_utf8(out) != std::string::npos) return std::nullopt;
  return out;
}

// "key1=value1,key2=value2", percent-encoded (W3C Baggage without properties). One bad pair spoils
// the whole: the specification wants it so. Errors do not repeat values, which may be secrets.
Parsed<Pairs> parse_pairs(std::string_view text) {
  Pairs pairs;
  for (const std::string_view piece : split(text, ',')) {
    if (piece.empty()) continue;
    const size_t equals = piece.find('=');
    if (equals == piece.npos) return std::unexpected("key=value expected between commas");
    auto key = percent_decoded(trimmed(piece.substr(0, equals)));
    auto value = percent_decoded(trimmed(piece.substr(equals + 1)));
    if (!key || key->empty()) return std::unexpected("a key is empty or badly encoded");
    if (!value)
      return std::unexpected(fmt::format("the value of {} is badly encoded", in_quotes(*key)));
    pairs.emplace_back(*std::move(key), *std::move(value));
  }
  return pairs;
}

Parsed<Pairs> parse_headers(std::string_view text) {
  auto pairs = parse_pairs(text);
  if (!pairs) return pairs;
  for (auto& [name, value] : *pairs) {
    auto lower = parse_header_name(name);
    if (!lower) return std::unexpected(std::move(lower).error());
    if (auto valid = parse_header_value(value); !valid) {
      return std::unexpected(fmt::format("{}: {}", in_quotes(name), valid.error()));
    }
    name = *std::move(lower);
  }
  return pairs;
}

Parsed<std::chrono::milliseconds> parse_milliseconds(std::string_view text) {
  auto count = parse_count(text, 1, 600'000);
  if (!count) return std::unexpected(std::move(count).error());
  return std::chrono::milliseconds(*count);
}

Parsed<std::string> parse_path(std::string_view text) {
  return parse_text(text, "a path");
}

Parsed<std::string> parse_otel_log_level(std::string_view text) {
  constexpr auto kNames = std::to_array<std::pair<std::string_view, std::string_view>>(
      {{"none", "off"}, {"warning", "warn"}, {"verbose", "trace"}, {"all", "trace"}});
  const auto* name =
      std::ranges::find(kNames, text, &std::pair<std::string_view, std::string_view>::first);
  return parse_log_level(name == kNames.end() ? text : name->second);
}

// Reads variables one by one and gathers the warnings.
class Variables {
 public:
  Variables(const EnvironmentGetter& get, std::vector<std::string>& warnings)
      : get_(get), warnings_(warnings) {}

  /// Trimmed; nullopt if unset or empty.
  std::optional<std::string> text(const std::string& name) const {
    const char* value = get_(name.c_str());
    const std::string_view content = value == nullptr ? "" : trimmed(value);
    return content.empty() ? std::nullopt : std::optional<std::string>(content);
  }

  /// Enumerations are read whatever their case.
  std::optional<std::string> word(const std::string& name) const {
    const auto value = text(name);
    return value ? std::optional(to_lower(*value)) : std::nullopt;
  }

  template <typename T>
  void read(const std::string& name, Parsed<T> (*parse)(std::string_view), bool is_word,
            std::optional<T>& field) {
    const auto value = is_word ? word(name) : text(name);
    if (!value) return;
    if (auto parsed = parse(*value)) {
      field = *std::move(parsed);
    } else {
      ignored(name, parsed.error());
    }
  }

  void ignored(std::string_view name, std::string_view why) {
    warnings_.push_back(fmt::format("{} ignored: {}", name, why));
  }

 private:
  const EnvironmentGetter& get_;
  std::vector<std::string>& warnings_;
};

// gRPC endpoints may be written host:port; then OTEL_EXPORTER_OTLP_INSECURE says which scheme.
void read_endpoint(Variables& variables, const std::string& name, bool is_grpc, bool insecure,
                   std::optional<std::string>& field) {
  const auto value = variables.text(name);
  if (!value) return;
  const bool has_scheme = value->find("://") != std::string::npos;
  const std::string url =
      has_scheme || !is_grpc ? *value : (insecure ? "http://" : "https://") + *value;
  if (auto parsed = parse_url(url)) {
    field = *std::move(parsed);
  } else {
    variables.ignored(name, parsed.error());
  }
}

OtlpEnvironment read_otlp(Variables& variables) {
  OtlpEnvironment otlp;
  std::optional<bool> insecure;
  // The signal's variable comes second: where both are good it wins.
  for (const std::string prefix : {"OTEL_EXPORTER_OTLP_", "OTEL_EXPORTER_OTLP_TRACES_"}) {
    variables.read(prefix + "PROTOCOL", parse_protocol, true, otlp.protocol);
    variables.read(prefix + "HEADERS", parse_headers, false, otlp.headers);
    variables.read(prefix + "COMPRESSION", parse_compression, true, otlp.gzip);
    variables.read(prefix + "TIMEOUT", parse_milliseconds, false, otlp.timeout);
    variables.read(prefix + "CERTIFICATE", parse_path, false, otlp.certificate);
    variables.read(prefix + "CLIENT_CERTIFICATE", parse_path, false, otlp.client_certificate);
    variables.read(prefix + "CLIENT_KEY", parse_path, false, otlp.client_key);
    variables.read(prefix + "INSECURE", parse_bool, true, insecure);
  }
  const bool is_grpc = otlp.protocol != OtlpExport::Protocol::HttpProtobuf;
  const bool is_insecure = insecure.value_or(false);
  read_endpoint(variables, "OTEL_EXPORTER_OTLP_ENDPOINT", is_grpc, is_insecure, otlp.endpoint);
  read_endpoint(variables, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", is_grpc, is_insecure,
                otlp.traces_endpoint);
  return otlp;
}

void read_resource(Variables& variables, Environment& environment) {
  std::optional<Pairs> attributes;
  variables.read("OTEL_RESOURCE_ATTRIBUTES", parse_pairs, false, attributes);
  for (auto& [key, value] : attributes.value_or(Pairs())) {
    if (key == "service.name") {
      environment.service_name = std::move(value);
    } else {
      environment.attributes.emplace_back(std::move(key), std::move(value));
    }
  }
  const auto name = variables.text("OTEL_SERVICE_NAME");
  if (name && first_bad_utf8(*name) != std::string::npos) {
    variables.ignored("OTEL_SERVICE_NAME", "not UTF-8 text");
  } else if (name) {
    environment.service_name = name;
  }
}

void read_exporters(Variables& variables, Environment& environment) {
  const auto list = variables.word("OTEL_TRACES_EXPORTER");
  if (!list) return;
  std::vector<ExportTarget::Kind> kinds;
  bool any = false;
  for (const std::string_view name : split(*list, ',')) {
    if (name == "otlp") {
      kinds.push_back(ExportTarget::Kind::Otlp);
    } else if (name == "console") {
      kinds.push_back(ExportTarget::Kind::Console);
    } else if (name != "none") {
      variables.ignored("OTEL_TRACES_EXPORTER",
                        in_quotes(name) + " is not an exporter (otlp, console, none)");
      continue;
    }
    any = true;
  }
  if (any) environment.exporters = std::move(kinds);
}

void warn_of_unsupported(Variables& variables) {
  const auto sampler = variables.word("OTEL_TRACES_SAMPLER");
  if (sampler && *sampler != "always_on" && *sampler != "parentbased_always_on") {
    variables.ignored("OTEL_TRACES_SAMPLER",
                      in_quotes(*sampler) + " is not supported yet, every trace is kept");
  }
  const std::string propagators = variables.word("OTEL_PROPAGATORS").value_or("none");
  for (const std::string_view name : split(propagators, ',')) {
    if (name == "tracecontext" || name == "baggage" || name == "none") continue;
    variables.ignored("OTEL_PROPAGATORS", in_quotes(name) + " is not supported yet");
  }
  if (variables.word("OTEL_SDK_DISABLED") == "true") {
    variables.ignored("OTEL_SDK_DISABLED", "it is meant for SDKs; to stop tracing, stop clew");
  }
}

void set_attribute(Pairs& attributes, const std::string& key, const std::string& value) {
  const auto found = std::ranges::find(attributes, key, &Pairs::value_type::first);
  if (found == attributes.end()) {
    attributes.emplace_back(key, value);
  } else {
    found->second = value;
  }
}

// The exports that OTEL_TRACES_EXPORTER asks for; an OTLP target of the file keeps its settings.
std::vector<ExportTarget> chosen_exports(const std::vector<ExportTarget::Kind>& kinds,
                                         const std::vector<ExportTarget>& from_file) {
  std::vector<ExportTarget> chosen;
  for (const ExportTarget::Kind kind : kinds) {
    const size_t before = chosen.size();
    std::ranges::copy_if(from_file, std::back_inserter(chosen),
                         [&](const ExportTarget& target) { return target.kind == kind; });
    if (chosen.size() != before) continue;
    ExportTarget& added = chosen.emplace_back();
    added.kind = kind;
    if (kind == ExportTarget::Kind::Otlp) added.otlp.endpoint.clear();
  }
  return chosen;
}

std::string path_of(std::string_view url) {
  const size_t host = url.find("://") + 3;
  const size_t path = url.find('/', host);
  return std::string(path == url.npos ? "" : url.substr(path));
}

std::string without_path(const std::string& url) {
  return url.substr(0, url.size() - path_of(url).size());
}

}  // namespace

Environment read_environment(const EnvironmentGetter& get) {
  Environment environment;
  Variables variables(get, environment.warnings);
  read_resource(variables, environment);
  environment.otlp = read_otlp(variables);
  read_exporters(variables, environment);
  variables.read("OTEL_LOG_LEVEL", parse_otel_log_level, true, environment.log_level);
  warn_of_unsupported(variables);
  return environment;
}

void resolve_otlp(OtlpExport& otlp, const OtlpEnvironment& env) {
  otlp.protocol = env.protocol.value_or(otlp.protocol);
  otlp.headers = env.headers.value_or(otlp.headers);
  otlp.gzip = env.gzip.value_or(otlp.gzip);
  otlp.timeout = env.timeout.value_or(otlp.timeout);
  otlp.certificate = env.certificate.value_or(otlp.certificate);
  otlp.client_certificate = env.client_certificate.value_or(otlp.client_certificate);
  otlp.client_key = env.client_key.value_or(otlp.client_key);

  const bool is_grpc = otlp.protocol == OtlpExport::Protocol::Grpc;
  std::string url = env.traces_endpoint.value_or(env.endpoint.value_or(otlp.endpoint));
  if (url.empty()) url = is_grpc ? "http://localhost:4317" : "http://localhost:4318";
  std::string path = path_of(url);
  if (is_grpc) {
    path.clear();  // gRPC has its own
  } else if (env.traces_endpoint) {
    if (path.empty()) path = "/";
  } else if (env.endpoint) {
    path += path.ends_with('/') ? "v1/traces" : "/v1/traces";
  } else if (path.empty() || path == "/") {
    path = "/v1/traces";
  }
  otlp.endpoint = without_path(url) + path;
}

void apply_environment(const Environment& environment, Config& config) {
  if (environment.service_name) config.resource.service_name = *environment.service_name;
  for (const auto& [key, value] : environment.attributes) {
    set_attribute(config.resource.attributes, key, value);
  }
  if (environment.log_level) config.log_level = *environment.log_level;
  if (environment.exporters) {
    config.exports = chosen_exports(*environment.exporters, config.exports);
  }
  bool is_first = true;
  for (ExportTarget& target : config.exports) {
    if (target.kind != ExportTarget::Kind::Otlp) continue;
    resolve_otlp(target.otlp, is_first ? environment.otlp : OtlpEnvironment());
    is_first = false;
  }
}

}  // namespace clew
