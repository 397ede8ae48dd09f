#include "exporter/grpc_target.h"

#include <fmt/format.h>

#include <cerrno>
#include <charconv>
#include <fstream>
#include <iterator>

namespace clew {
namespace {

constexpr std::string_view kDefaultPort = "4317";

bool valid_port(std::string_view text) {
  unsigned port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size() && port >= 1 && port <= 65'535;
}

bool equal_ignoring_case(std::string_view a, std::string_view lower) {
  if (a.size() != lower.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    const char c = a[i] >= 'A' && a[i] <= 'Z' ? static_cast<char>(a[i] - 'A' + 'a') : a[i];
    if (c != lower[i]) return false;
  }
  return true;
}

bool is_loopback(std::string_view host) {
  return equal_ignoring_case(host, "localhost") || host.starts_with("127.") || host == "[::1]";
}

Result<std::string> read_file(const std::string& path) {
  if (path.empty()) return std::string();
  std::ifstream file(path, std::ios::binary);
  std::string content{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (!file.is_open() || file.bad()) return system_error("cannot read " + path, errno);
  if (content.find("-----BEGIN ") == std::string::npos) {
    return failure(path + " is not a PEM file");
  }
  return content;
}

}  // namespace

Result<GrpcTarget> parse_grpc_endpoint(std::string_view endpoint) {
  const auto wrong = [endpoint](std::string_view why) {
    return failure(fmt::format("OTLP endpoint '{}': {}", endpoint, why));
  };
  GrpcTarget target;
  std::string_view rest = endpoint;
  if (const size_t scheme_end = rest.find("://"); scheme_end != rest.npos) {
    const std::string_view scheme = rest.substr(0, scheme_end);
    target.tls = equal_ignoring_case(scheme, "https");
    if (!target.tls && !equal_ignoring_case(scheme, "http")) {
      return wrong("the scheme must be http or https");
    }
    rest.remove_prefix(scheme_end + 3);
  }
  while (rest.ends_with('/')) rest.remove_suffix(1);
  if (rest.find_first_of("/?#") != rest.npos) return wrong("OTLP/gRPC takes no path");
  if (rest.find('@') != rest.npos) return wrong("user names are not supported, use headers");

  size_t host_end = rest.find(':');
  if (rest.starts_with('[')) {
    host_end = rest.find(']');
    if (host_end == rest.npos) return wrong("']' is missing");
    ++host_end;
  }
  const std::string_view host = rest.substr(0, host_end);
  if (host.empty() || host == "[]" || host.find_first_of(" \t\r\n%") != host.npos) {
    return wrong("the host is missing or malformed");
  }
  std::string_view port = host_end < rest.size() ? rest.substr(host_end) : std::string_view();
  if (!port.empty() && (port.front() != ':' || !valid_port(port.substr(1)))) {
    return wrong("the port must be a number from 1 to 65535");
  }
  port = port.empty() ? kDefaultPort : port.substr(1);
  target.address = fmt::format("{}:{}", host, port);
  target.loopback = is_loopback(host);
  return target;
}

Result<TlsFiles> read_tls_files(const OtlpExport& target) {
  if (target.client_certificate.empty() != target.client_key.empty()) {
    return failure("a client certificate and its key go together: one of them is missing");
  }
  auto roots = read_file(target.certificate);
  if (!roots) return std::unexpected(std::move(roots).error());
  auto certificate = read_file(target.client_certificate);
  if (!certificate) return std::unexpected(std::move(certificate).error());
  auto key = read_file(target.client_key);
  if (!key) return std::unexpected(std::move(key).error());
  return TlsFiles{std::move(*roots), std::move(*certificate), std::move(*key)};
}

}  // namespace clew
