#include "agent/config/keys.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "agent/config/sections.h"
#include "agent/config/text.h"

namespace clew {
namespace {

using Form = ConfigKey::Form;
using Draft = ConfigDraft;
using Text = std::string_view;

constexpr uint32_t kKiB = 1u << 10, kMiB = 1u << 20;

Parsed<void> store_optional_text(Text text, std::string_view what, std::string& field) {
  if (text.empty()) {
    field.clear();
    return {};
  }
  return store(parse_text(text, what), field);
}

// Marks the rule as one of `kind`, whatever the value says: a wrong value is one error, not two.
SelectRule& matcher(Draft& draft, SelectRule::Kind kind) {
  ++draft.rule_matchers;
  draft.rule.kind = kind;
  return draft.rule;
}

Parsed<void> begin_rule(Draft& d, Text, Text) {
  d.rule = {};
  d.rule_matchers = 0;
  return {};
}

Parsed<void> select_ports(Draft& d, Text, Text value) {
  SelectRule& rule = matcher(d, SelectRule::Kind::Port);
  PortRange ports;
  auto stored = store(parse_ports(value), ports);
  rule.port_first = ports.first;
  rule.port_last = ports.last;
  return stored;
}

Parsed<void> select_all(Draft& d, Text, Text value) {
  matcher(d, SelectRule::Kind::All);
  if (value == "true") return {};
  return std::unexpected("only 'true' makes sense here");
}

Parsed<void> add_attribute(Draft& d, Text name, Text value) {
  if (name == "service.name") {
    return std::unexpected("service.name belongs into resource.service_name");
  }
  auto key = parse_text(name, "an attribute name");
  if (!key) return std::unexpected(std::move(key).error());
  d.config.resource.attributes.emplace_back(*std::move(key), value);
  return {};
}

Parsed<void> add_header(Draft& d, Text name, Text value) {
  auto key = parse_header_name(name);
  if (!key) return std::unexpected(std::move(key).error());
  auto content = parse_header_value(value);
  if (!content) return std::unexpected(std::move(content).error());
  d.target.otlp.headers.emplace_back(*std::move(key), *std::move(content));
  return {};
}

template <ExportTarget::Kind kKind>
Parsed<void> begin_target(Draft& d, Text, Text) {
  d.target = {};
  d.target.kind = kKind;
  // Its default depends on the protocol, which the environment may change: resolve_otlp().
  if (kKind == ExportTarget::Kind::Otlp) d.target.otlp.endpoint.clear();
  return {};
}

const auto kKeysBeforeCapture = std::to_array<ConfigKey>({
    {.path = "select",
     .form = Form::Rules,
     .type = "list of rules",
     .fallback = "[]",
     .summary = "which processes are traced, with their children; a process matched by any rule",
     .apply = begin_rule},
    {.path = "select.exe",
     .type = "glob",
     .example = "\"/usr/sbin/nginx*\"",
     .summary = "the executable's path, or its base name if the glob has no '/'",
     .apply =
         [](Draft& d, Text, Text value) {
           return store(parse_text(value, "a glob"), matcher(d, SelectRule::Kind::Exe).pattern);
         }},
    {.path = "select.pid",
     .type = "number",
     .example = "4711",
     .summary = "one process",
     .apply =
         [](Draft& d, Text, Text value) {
           return store(parse_pid(value), matcher(d, SelectRule::Kind::Pid).pid);
         }},
    {.path = "select.port",
     .type = "N or N-M",
     .example = "8000-8999",
     .summary = "processes that listen on a TCP port in the range",
     .apply = select_ports},
    {.path = "select.container",
     .type = "id",
     .example = "\"3f4e5a9b2c1d\"",
     .summary = "processes of the container whose id begins so; 6 to 64 hexadecimal digits",
     .apply =
         [](Draft& d, Text, Text value) {
           return store(parse_container(value), matcher(d, SelectRule::Kind::Container).pattern);
         }},
    {.path = "select.all",
     .type = "true",
     .example = "true",
     .summary = "every process",
     .apply = select_all},
    {.path = "select.service",
     .type = "text",
     .example = "shop",
     .summary = "service.name of what this rule matches; stands beside one of the above",
     .apply =
         [](Draft& d, Text, Text value) {
           return store(parse_text(value, "a service name"), d.rule.service_name);
         }},

    {.path = "resource",
     .form = Form::Section,
     .type = "map",
     .summary = "what is said of every traced process"},
    {.path = "resource.service_name",
     .type = "text",
     .fallback = "\"\"",
     .summary = "service.name of all that no rule names; empty: each process its own",
     .apply =
         [](Draft& d, Text, Text value) {
           return store_optional_text(value, "a service name", d.config.resource.service_name);
         }},
    {.path = "resource.attributes",
     .form = Form::Pairs,
     .type = "map of texts",
     .fallback = "{}",
     .summary = "resource attributes, such as deployment.environment.name: production",
     .apply = add_attribute},

});

const auto kKeysAfterCapture = std::to_array<ConfigKey>({
    {.path = "propagation", .form = Form::Later, .type = "map", .summary = "not supported yet"},
    {.path = "ignore", .form = Form::Later, .type = "map", .summary = "not supported yet"},
    {.path = "sampling", .form = Form::Later, .type = "map", .summary = "not supported yet"},
    {.path = "metrics", .form = Form::Later, .type = "map", .summary = "not supported yet"},
    {.path = "logs", .form = Form::Later, .type = "map", .summary = "not supported yet"},

    {.path = "export",
     .form = Form::Section,
     .type = "map",
     .summary = "where spans go; nothing set: otlp for `clew run`, console for `clew trace`"},
    {.path = "export.console",
     .form = Form::Switch,
     .type = "true or {}",
     .example = "true",
     .summary = "a live tree per trace on the terminal",
     .apply = begin_target<ExportTarget::Kind::Console>},
    {.path = "export.file",
     .form = Form::Targets,
     .type = "map or list of maps",
     .summary = "OTLP/JSON, one request a line",
     .apply = begin_target<ExportTarget::Kind::File>},
    {.path = "export.file.path",
     .type = "path",
     .example = "/var/log/clew-spans.jsonl",
     .summary = "appended to; required",
     .apply = [](Draft& d, Text,
                 Text value) { return store(parse_text(value, "a path"), d.target.path); }},
    {.path = "export.otlp",
     .form = Form::Targets,
     .type = "map or list of maps",
     .summary = "an OpenTelemetry collector",
     .apply = begin_target<ExportTarget::Kind::Otlp>},
    {.path = "export.otlp.endpoint",
     .type = "URL",
     .fallback = "http://localhost:4317",
     .summary = "https:// for TLS; for http/protobuf port 4318, and /v1/traces if it has no path",
     .apply = [](Draft& d, Text,
                 Text value) { return store(parse_url(value), d.target.otlp.endpoint); }},
    {.path = "export.otlp.protocol",
     .type = "grpc or http/protobuf",
     .fallback = "grpc",
     .summary = "how OTLP is carried",
     .apply = [](Draft& d, Text,
                 Text value) { return store(parse_protocol(value), d.target.otlp.protocol); }},
    {.path = "export.otlp.headers",
     .form = Form::Pairs,
     .type = "map of texts",
     .fallback = "{}",
     .summary = "sent with each request, such as an API key",
     .apply = add_header},
    {.path = "export.otlp.compression",
     .type = "gzip or none",
     .fallback = "none",
     .summary = "of each request",
     .apply = [](Draft& d, Text,
                 Text value) { return store(parse_compression(value), d.target.otlp.gzip); }},
    {.path = "export.otlp.timeout",
     .type = "duration",
     .fallback = "10s",
     .summary = "for one attempt to send; 1ms to 10m",
     .apply = [](Draft& d, Text,
                 Text value) { return store(parse_timeout(value), d.target.otlp.timeout); }},
    {.path = "export.otlp.certificate",
     .type = "path",
     .fallback = "\"\"",
     .summary = "PEM file of trusted roots; empty: the system's",
     .apply =
         [](Draft& d, Text, Text value) {
           return store_optional_text(value, "a path", d.target.otlp.certificate);
         }},
    {.path = "export.otlp.client_certificate",
     .type = "path",
     .fallback = "\"\"",
     .summary = "PEM file, for servers that ask for one; needs client_key",
     .apply =
         [](Draft& d, Text, Text value) {
           return store_optional_text(value, "a path", d.target.otlp.client_certificate);
         }},
    {.path = "export.otlp.client_key",
     .type = "path",
     .fallback = "\"\"",
     .summary = "PEM file, the key of client_certificate",
     .apply =
         [](Draft& d, Text, Text value) {
           return store_optional_text(value, "a path", d.target.otlp.client_key);
         }},

    {.path = "limits",
     .form = Form::Section,
     .type = "map",
     .summary = "bounds of memory; what is dropped at a bound is counted"},
    {.path = "limits.connections",
     .type = "number",
     .fallback = "65536",
     .summary = "live connections followed; 16 to 4194304",
     .apply =
         [](Draft& d, Text, Text value) {
           return store(parse_count(value, 16, 4'194'304), d.config.limits.connections);
         }},
    {.path = "limits.stream_buffer",
     .type = "size",
     .fallback = "256KiB",
     .summary = "unfinished or out-of-order bytes held per connection; 4KiB to 64MiB",
     .apply =
         [](Draft& d, Text, Text value) {
           return store(parse_size(value, 4 * kKiB, 64 * kMiB),
                        d.config.limits.stream_buffer_bytes);
         }},
    {.path = "limits.queue_spans",
     .type = "number",
     .fallback = "131072",
     .summary = "finished spans held per export target; 16 to 16777216",
     .apply =
         [](Draft& d, Text, Text value) {
           return store(parse_count(value, 16, 16'777'216), d.config.limits.queue_spans);
         }},
    {.path = "limits.routes",
     .type = "number",
     .fallback = "500",
     .summary = "routes inferred per service; beyond that spans have none; 1 to 65536",
     .apply =
         [](Draft& d, Text, Text value) {
           return store(parse_count(value, 1, 65'536), d.config.limits.routes);
         }},
});

}  // namespace

std::string_view ConfigKey::name() const {
  return path.substr(path.rfind('.') + 1);  // npos + 1 is 0
}

std::string_view ConfigKey::parent() const {
  const size_t dot = path.rfind('.');
  return dot == path.npos ? std::string_view() : path.substr(0, dot);
}

std::span<const ConfigKey> config_keys() {
  static const auto keys = [] {
    std::vector<ConfigKey> all;
    for (const std::span<const ConfigKey> section :
         {std::span<const ConfigKey>(kKeysBeforeCapture), capture_keys(),
          std::span<const ConfigKey>(kKeysAfterCapture)}) {
      all.insert(all.end(), section.begin(), section.end());
    }
    return all;
  }();
  return keys;
}

const ConfigKey* find_config_key(std::string_view path) {
  const auto keys = config_keys();
  const auto found = std::ranges::find(keys, path, &ConfigKey::path);
  return found == keys.end() ? nullptr : &*found;
}

}  // namespace clew
