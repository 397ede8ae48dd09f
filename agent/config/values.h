// The words that configuration values are written in, the same in the file, in the environment and
// on the command line.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "agent/config/config.h"

namespace clew {

/// A value, or what is wrong with its text: "'70000' is not a port (1-65535)". Errors fit on a
/// line.
template <typename T>
using Parsed = std::expected<T, std::string>;

struct PortRange {
  uint16_t first = 0, last = 0;  ///< inclusive
};

/// Text written as 1..4096 bytes without line breaks; `what` names it in the error.
Parsed<std::string> parse_text(std::string_view text, std::string_view what);
Parsed<uint32_t> parse_count(std::string_view text, uint32_t min, uint32_t max);
/// Bytes: "65536", "256KiB", "8MiB", "1GiB".
Parsed<uint32_t> parse_size(std::string_view text, uint32_t min, uint32_t max);
Parsed<uint32_t> parse_power_of_two_size(std::string_view text, uint32_t min, uint32_t max);
/// "500ms", "10s", "1.5s", "2m"; 1 ms to 10 minutes.
Parsed<std::chrono::milliseconds> parse_timeout(std::string_view text);
/// A positive number of seconds, fractions allowed; 1 ms to a thousand days.
Parsed<std::chrono::milliseconds> parse_seconds(std::string_view text);
Parsed<bool> parse_bool(std::string_view text);
Parsed<uint32_t> parse_pid(std::string_view text);
/// "80" or "8000-8999".
Parsed<PortRange> parse_ports(std::string_view text);
/// A container id or the beginning of one: 6 to 64 hexadecimal digits, given back in lower case.
Parsed<std::string> parse_container(std::string_view text);
/// http://HOST[:PORT][/PATH] or https://..., without user, query and fragment.
Parsed<std::string> parse_url(std::string_view text);
Parsed<OtlpExport::Protocol> parse_protocol(std::string_view text);
/// "gzip" gives true, "none" false.
Parsed<bool> parse_compression(std::string_view text);
/// "redacted", "keys" or "off".
Parsed<HttpSettings::Query> parse_query(std::string_view text);
Parsed<StatementText> parse_statement_text(std::string_view text);
/// A path with placeholders: see RoutePattern.
Parsed<std::string> parse_route(std::string_view text);
Parsed<std::string> parse_log_level(std::string_view text);
/// A header's name, given back in lower case as gRPC wants it (RFC 9110 section 5.6.2).
Parsed<std::string> parse_header_name(std::string_view text);
/// Printable ASCII: what gRPC and HTTP both carry. The error does not repeat the value, it may be
/// a secret.
Parsed<std::string> parse_header_value(std::string_view text);

}  // namespace clew
