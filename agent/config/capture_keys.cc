// The keys below `capture`.
#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "agent/config/sections.h"
#include "agent/config/text.h"

namespace clew {
namespace {

using Form = ConfigKey::Form;
using Draft = ConfigDraft;
using Text = std::string_view;

constexpr uint32_t kKiB = 1u << 10, kGiB = 1u << 30;
constexpr size_t kMaxSensitiveParameters = 256;

// Takes an item of a list of at most `most`, each once.
Parsed<void> append(Parsed<std::string> item, size_t most, std::vector<std::string>& list) {
  if (!item) return std::unexpected(std::move(item).error());
  if (std::ranges::find(list, *item) != list.end()) {
    return std::unexpected(in_quotes(*item) + " is there twice");
  }
  if (list.size() == most) {
    return std::unexpected("more than " + std::to_string(most) + " are not supported");
  }
  list.push_back(*std::move(item));
  return {};
}

Parsed<void> add_header_name(Text name, Text value, std::vector<std::string>& list) {
  if (name.empty()) {
    list.clear();
    return {};
  }
  return append(parse_header_name(value), kMaxCapturedHeaders, list);
}

Parsed<void> add_sensitive(Draft& d, Text name, Text value) {
  auto& list = d.config.capture.http.sensitive_query_parameters;
  if (name.empty()) {
    list.clear();
    return {};
  }
  return append(parse_text(value, "a parameter's name"), kMaxSensitiveParameters, list);
}

Parsed<void> add_route(Draft& d, Text name, Text value) {
  auto& list = d.config.capture.routes.patterns;
  if (name.empty()) {
    list.clear();
    return {};
  }
  return append(parse_route(value), kMaxRoutePatterns, list);
}

const auto kKeys = std::to_array<ConfigKey>({
    {.path = "capture",
     .form = Form::Section,
     .type = "map",
     .summary = "what is seen of the traced processes"},
    {.path = "capture.ring_buffer",
     .type = "size",
     .fallback = "8MiB",
     .summary = "from the kernel to clew; a power of two, 64KiB to 1GiB",
     .apply =
         [](Draft& d, Text, Text value) {
           return store(parse_power_of_two_size(value, 64 * kKiB, kGiB),
                        d.config.capture.ring_buffer_bytes);
         }},
    {.path = "capture.http",
     .form = Form::Section,
     .type = "map",
     .summary = "what spans show of HTTP requests and responses"},
    {.path = "capture.http.routes",
     .form = Form::Texts,
     .type = "list of routes",
     .fallback = "[]",
     .summary = "such as /users/{user}; they go before inferred ones, the first that matches wins",
     .apply = add_route},
    {.path = "capture.http.infer_routes",
     .type = "true or false",
     .fallback = "true",
     .summary = "http.route from the path, where no route of yours matches",
     .apply = [](Draft& d, Text,
                 Text value) { return store(parse_bool(value), d.config.capture.routes.infer); }},
    {.path = "capture.http.url_template",
     .type = "true or false",
     .fallback = "false",
     .summary = "url.template on client spans, made as http.route is",
     .apply =
         [](Draft& d, Text, Text value) {
           return store(parse_bool(value), d.config.capture.routes.client_templates);
         }},
    {.path = "capture.http.query",
     .type = "redacted, keys or off",
     .fallback = "redacted",
     .summary = "queries: without sensitive values, without any value, or not at all",
     .apply = [](Draft& d, Text,
                 Text value) { return store(parse_query(value), d.config.capture.http.query); }},
    {.path = "capture.http.sensitive_query_parameters",
     .form = Form::Texts,
     .type = "list of texts",
     .fallback = "[AWSAccessKeyId, Signature, X-Amz-Signature, X-Amz-Credential, "
                 "X-Amz-Security-Token, sig, X-Goog-Signature]",
     .summary = "parameters whose values are REDACTED; replaces the default list",
     .apply = add_sensitive},
    {.path = "capture.http.request_headers",
     .form = Form::Texts,
     .type = "list of header names",
     .fallback = "[]",
     .summary = "shown as http.request.header.NAME; secrets in them, too",
     .apply =
         [](Draft& d, Text name, Text value) {
           return add_header_name(name, value, d.config.capture.http.request_headers);
         }},
    {.path = "capture.http.response_headers",
     .form = Form::Texts,
     .type = "list of header names",
     .fallback = "[]",
     .summary = "shown as http.response.header.NAME; secrets in them, too",
     .apply =
         [](Draft& d, Text name, Text value) {
           return add_header_name(name, value, d.config.capture.http.response_headers);
         }},
    {.path = "capture.sql",
     .type = "sanitized, raw or off",
     .fallback = "sanitized",
     .summary = "db.query.text of SQL: without its values, as it was sent (secrets, too), or none",
     .apply = [](Draft& d, Text,
                 Text value) { return store(parse_statement_text(value), d.config.capture.sql); }},
    {.path = "capture.redis",
     .type = "sanitized, raw or off",
     .fallback = "sanitized",
     .summary = "db.query.text of Redis: command and keys, all but passwords, or none",
     .apply =
         [](Draft& d, Text, Text value) {
           return store(parse_statement_text(value), d.config.capture.redis);
         }},
});

}  // namespace

std::span<const ConfigKey> capture_keys() {
  return kKeys;
}

}  // namespace clew
