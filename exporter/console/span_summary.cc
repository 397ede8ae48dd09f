#include "exporter/console/span_summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "exporter/console/text.h"

namespace clew::console {
namespace {

constexpr size_t max_target_bytes = 256;
constexpr size_t max_text_bytes = 96;

std::string bounded(std::string_view text, size_t limit = max_text_bytes) {
  const std::string_view clipped = clip_bytes(text, limit);
  std::string out(clipped);
  if (clipped.size() < text.size()) out += "…";
  return out;
}

/// The attributes the console reads; views into the span.
struct Known {
  std::string_view method, path, full_url, db_system, error_type, address;
  std::string status;
  int64_t port = 0;
  bool incomplete = false;
};

std::string value_text(const Attribute& attribute) {
  return attribute.type == AttributeType::Text ? bounded(attribute.text)
                                               : fmt::format("{}", attribute.integer);
}

Known read_attributes(const Span& span) {
  Known known;
  for (const Attribute& a : span.attributes) {
    if (a.key == "http.request.method") known.method = a.text;
    if (a.key == "url.path") known.path = a.text;
    if (a.key == "url.full") known.full_url = a.text;
    if (a.key == "db.system.name") known.db_system = a.text;
    if (a.key == "error.type") known.error_type = a.text;
    if (a.key == "server.address") known.address = a.text;
    if (a.key == "server.port") known.port = a.integer;
    if (a.key == "clew.incomplete") {
      known.incomplete = a.type != AttributeType::Boolean || a.integer != 0;
    }
    if (a.key == "http.response.status_code" || a.key == "rpc.response.status_code" ||
        a.key == "db.response.status_code") {
      known.status = value_text(a);
    }
  }
  return known;
}

// The path of an absolute URL, without query and fragment (RFC 3986, section 3).
std::string_view path_of(std::string_view url) {
  if (const size_t scheme = url.find("://"); scheme != url.npos) url.remove_prefix(scheme + 3);
  url = url.substr(0, url.find_first_of("?#"));
  const size_t slash = url.find('/');
  return slash == url.npos ? std::string_view("/") : url.substr(slash);
}

std::string peer_of(const Known& known) {
  if (!known.db_system.empty()) return bounded(known.db_system);
  if (known.address.empty()) return {};
  const bool ipv6 = known.address.find(':') != known.address.npos;
  std::string host = bounded(known.address);
  if (ipv6) host = "[" + host + "]";
  return known.port > 0 ? fmt::format("{}:{}", host, known.port) : host;
}

std::string reason_of(const Span& span, const Known& known) {
  if (!known.error_type.empty() && known.error_type != known.status) {
    return bounded(known.error_type);
  }
  if (!span.status_message.empty()) return bounded(span.status_message);
  return known.status.empty() ? "error" : known.status;
}

}  // namespace

SpanSummary summarise(const Span& span, std::shared_ptr<const Resource> resource) {
  const Known known = read_attributes(span);
  SpanSummary out;
  out.id = span.span_id;
  out.parent = span.parent_span_id;
  out.kind = span.kind;
  out.failed = span.status == SpanStatus::Error || !known.error_type.empty();
  out.incomplete = known.incomplete;
  out.start_ns = span.start_unix_ns;
  out.end_ns = std::max(span.start_unix_ns, span.end_unix_ns);
  out.resource = std::move(resource);
  out.status = known.status;
  if (out.failed) out.reason = reason_of(span, known);
  if (span.kind == SpanKind::Client) out.peer = peer_of(known);
  if (known.method.empty()) {
    out.operation = bounded(span.name, max_target_bytes);
  } else {
    out.operation = bounded(known.method);
    const bool has_path = !known.path.empty() || known.full_url.empty();
    out.target = bounded(has_path ? known.path : path_of(known.full_url), max_target_bytes);
  }
  return out;
}

std::string_view runtime_name(const Resource& resource) {
  for (const Resource::Entry& entry : resource.attributes) {
    if (entry.key == "process.runtime.name") return entry.text;
  }
  return {};
}

}  // namespace clew::console
