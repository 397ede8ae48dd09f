#include "agent/config/values.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <limits>

#include "agent/config/text.h"

namespace clew {
namespace {

constexpr size_t kMaxText = 4096;
constexpr uint32_t kMaxPid = 4'194'304;  // PID_MAX_LIMIT of 64-bit kernels
constexpr size_t kMinContainerDigits = 6, kMaxContainerDigits = 64;
constexpr double kMaxTimeoutMs = 600'000;
constexpr double kMaxSeconds = 86'400.0 * 1000;

struct Unit {
  std::string_view name;
  uint64_t factor;
};
constexpr auto kSizes = std::to_array<Unit>(
    {{"GiB", 1u << 30}, {"MiB", 1u << 20}, {"KiB", 1u << 10}, {"B", 1}, {"", 1}});
constexpr auto kTimes = std::to_array<Unit>({{"ms", 1}, {"s", 1000}, {"m", 60'000}});
constexpr auto kLevels =
    std::to_array<std::string_view>({"trace", "debug", "info", "warn", "error", "off"});

template <typename... Args>
std::unexpected<std::string> wrong(std::string_view text, fmt::format_string<Args...> what,
                                   Args&&... args) {
  return std::unexpected(in_quotes(text) + " is not " +
                         fmt::format(what, std::forward<Args>(args)...));
}

// The whole of `text` as a number, without sign, blanks or base prefix.
template <typename T>
bool read_number(std::string_view text, T& value) {
  if (text.empty() || text[0] < '0' || text[0] > '9') return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

bool read_bytes(std::string_view text, uint64_t& bytes) {
  for (const auto& [name, factor] : kSizes) {
    if (!text.ends_with(name)) continue;
    uint32_t count = 0;
    if (!read_number(trimmed(text.substr(0, text.size() - name.size())), count)) return false;
    bytes = count * factor;
    return true;
  }
  return false;
}

std::string size_text(uint32_t bytes) {
  for (const auto& [name, factor] : kSizes) {
    if (bytes >= factor && bytes % factor == 0) return fmt::format("{}{}", bytes / factor, name);
  }
  return "0";
}

bool is_printable_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= 0x20 && c < 0x7F; });
}

bool is_host_and_port(std::string_view text) {
  std::string_view host = text, port;
  if (text.starts_with('[')) {  // an IPv6 literal
    const size_t end = text.find(']');
    if (end == std::string_view::npos || end == 1) return false;
    host = text.substr(1, end - 1);
    port = text.substr(end + 1);
    if (host.find_first_not_of("0123456789abcdefABCDEF:.") != std::string_view::npos) return false;
    if (!port.empty() && port[0] != ':') return false;
  } else {
    host = text.substr(0, text.find(':'));
    port = text.substr(host.size());
    if (host.empty() || host.find_first_of("@[]\\\"<>") != std::string_view::npos) return false;
  }
  if (port.empty()) return true;
  uint16_t number = 0;
  return read_number(port.substr(1), number) && number > 0;
}

}  // namespace

Parsed<std::string> parse_text(std::string_view text, std::string_view what) {
  if (text.empty() || text.size() > kMaxText || text.find_first_of("\r\n") != text.npos) {
    return wrong(text, "{} (1 to {} bytes on one line)", what, kMaxText);
  }
  return std::string(text);
}

Parsed<uint32_t> parse_count(std::string_view text, uint32_t min, uint32_t max) {
  uint32_t value = 0;
  if (!read_number(text, value) || value < min || value > max) {
    return wrong(text, "a number from {} to {}", min, max);
  }
  return value;
}

Parsed<uint32_t> parse_size(std::string_view text, uint32_t min, uint32_t max) {
  uint64_t bytes = 0;
  if (!read_bytes(text, bytes) || bytes < min || bytes > max) {
    return wrong(text, "a size from {} to {}", size_text(min), size_text(max));
  }
  return static_cast<uint32_t>(bytes);
}

Parsed<uint32_t> parse_power_of_two_size(std::string_view text, uint32_t min, uint32_t max) {
  const auto size = parse_size(text, min, max);
  if (!size || !std::has_single_bit(*size)) {
    return wrong(text, "a size from {} to {} that is a power of two", size_text(min),
                 size_text(max));
  }
  return size;
}

Parsed<std::chrono::milliseconds> parse_timeout(std::string_view text) {
  for (const auto& [name, factor] : kTimes) {
    if (!text.ends_with(name)) continue;
    double count = 0;
    if (!read_number(trimmed(text.substr(0, text.size() - name.size())), count)) break;
    const double ms = count * static_cast<double>(factor);
    if (!(ms >= 1 && ms <= kMaxTimeoutMs)) break;
    return std::chrono::milliseconds(std::lround(ms));
  }
  return wrong(text, "a duration such as 10s or 500ms (1ms to 10m)");
}

Parsed<std::chrono::milliseconds> parse_seconds(std::string_view text) {
  double seconds = 0;
  if (!read_number(text, seconds) || !(seconds >= 0.001 && seconds <= kMaxSeconds)) {
    return wrong(text, "a positive number of seconds");
  }
  return std::chrono::milliseconds(std::llround(seconds * 1000));
}

Parsed<bool> parse_bool(std::string_view text) {
  if (text == "true") return true;
  if (text == "false") return false;
  return wrong(text, "true or false");
}

Parsed<uint32_t> parse_pid(std::string_view text) {
  uint32_t pid = 0;
  if (!read_number(text, pid) || pid == 0 || pid > kMaxPid) {
    return wrong(text, "a process id (1-{})", kMaxPid);
  }
  return pid;
}

Parsed<PortRange> parse_ports(std::string_view text) {
  const size_t dash = text.find('-');
  PortRange range;
  if (!read_number(text.substr(0, dash), range.first)) range.first = 0;
  range.last = range.first;
  if (dash != text.npos && !read_number(text.substr(dash + 1), range.last)) range.last = 0;
  if (range.first == 0 || range.last == 0) {
    if (dash == text.npos) return wrong(text, "a port (1-65535)");
    return wrong(text, "a range of ports (N-M, each 1-65535)");
  }
  if (range.first > range.last) return wrong(text, "a range of ports: it ends before it begins");
  return range;
}

Parsed<std::string> parse_container(std::string_view text) {
  const bool is_hex = text.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
  if (!is_hex || text.size() < kMinContainerDigits || text.size() > kMaxContainerDigits) {
    return wrong(text, "a container id ({} to {} hexadecimal digits)", kMinContainerDigits,
                 kMaxContainerDigits);
  }
  return to_lower(text);
}

Parsed<std::string> parse_url(std::string_view text) {
  std::string_view rest = text;
  const size_t scheme = rest.find("://");
  if (scheme != rest.npos) rest.remove_prefix(scheme + 3);
  const std::string name = to_lower(text.substr(0, scheme == text.npos ? 0 : scheme));
  const bool plain = is_printable_ascii(text) && text.find_first_of(" ?#") == text.npos;
  if ((name != "http" && name != "https") || !plain || text.size() > kMaxText ||
      !is_host_and_port(rest.substr(0, rest.find('/')))) {
    return wrong(text, "a URL (http://HOST:PORT or https://HOST:PORT)");
  }
  return fmt::format("{}://{}", name, rest);
}

Parsed<OtlpExport::Protocol> parse_protocol(std::string_view text) {
  if (text == "grpc") return OtlpExport::Protocol::Grpc;
  if (text == "http/protobuf") return OtlpExport::Protocol::HttpProtobuf;
  if (text == "http/json") return std::unexpected("'http/json' is not supported yet");
  return wrong(text, "a protocol (grpc, http/protobuf)");
}

Parsed<bool> parse_compression(std::string_view text) {
  if (text == "gzip") return true;
  if (text == "none") return false;
  return wrong(text, "a compression (gzip, none)");
}

Parsed<HttpSettings::Query> parse_query(std::string_view text) {
  if (text == "redacted") return HttpSettings::Query::Redacted;
  if (text == "keys") return HttpSettings::Query::Keys;
  if (text == "off") return HttpSettings::Query::Off;
  return wrong(text, "what to show of queries (redacted, keys, off)");
}

Parsed<StatementText> parse_statement_text(std::string_view text) {
  if (text == "sanitized") return StatementText::Sanitized;
  if (text == "raw") return StatementText::Raw;
  if (text == "off") return StatementText::Off;
  return wrong(text, "what to show of statements (sanitized, raw, off)");
}

Parsed<std::string> parse_route(std::string_view text) {
  const auto pattern = RoutePattern::parse(text);
  if (!pattern) return wrong(text, "a route: {}", pattern.error());
  return std::string(text);
}

Parsed<std::string> parse_log_level(std::string_view text) {
  if (std::ranges::find(kLevels, text) != kLevels.end()) return std::string(text);
  return wrong(text, "a log level ({})", fmt::join(kLevels, ", "));
}

Parsed<std::string> parse_header_name(std::string_view text) {
  std::string name = to_lower(text);
  if (name.empty() || name.size() > kMaxText ||
      name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_.") != name.npos) {
    return wrong(text, "a header name (letters, digits, '-', '_', '.')");
  }
  return name;
}

Parsed<std::string> parse_header_value(std::string_view text) {
  if (text.size() > kMaxText || !is_printable_ascii(text)) {
    return std::unexpected(
        fmt::format("the value is not at most {} bytes of printable ASCII", kMaxText));
  }
  return std::string(text);
}

}  // namespace clew
