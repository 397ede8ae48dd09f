// The agent's configuration after file, environment and flags were folded together (flags beat
// environment beats file). Plain data; every default stands here.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/protocols/settings.h"
#include "agent/routes/routes.h"

namespace clew {

/// One selection rule. Exactly one field says what is matched.
struct SelectRule {
  enum class Kind : uint8_t { Pid, Exe, Port, Container, All };
  Kind kind = Kind::All;
  uint32_t pid = 0;
  std::string pattern;  ///< Exe: glob over the executable's path; Container: id or its prefix
  uint16_t port_first = 0, port_last = 0;  ///< Port: inclusive range of listening TCP ports
  std::string service_name;                ///< optional: service.name of what it matches

  bool operator==(const SelectRule&) const = default;
};

struct OtlpExport {
  enum class Protocol : uint8_t { Grpc, HttpProtobuf };
  /// Grpc: scheme://host[:port]. HttpProtobuf: the whole URL to post to, path included.
  std::string endpoint = "http://localhost:4317";
  Protocol protocol = Protocol::Grpc;
  std::vector<std::pair<std::string, std::string>> headers;
  bool gzip = false;
  std::chrono::milliseconds timeout{10'000};
  std::string certificate;         ///< PEM file of trusted roots; empty: the system's
  std::string client_certificate;  ///< PEM file
  std::string client_key;          ///< PEM file

  bool operator==(const OtlpExport&) const = default;
};

struct ExportTarget {
  enum class Kind : uint8_t { Console, File, Otlp };
  Kind kind = Kind::Console;
  std::string path;  ///< File
  OtlpExport otlp;   ///< Otlp

  bool operator==(const ExportTarget&) const = default;
};

struct Config {
  std::vector<SelectRule> select;

  struct Resource {
    std::string service_name;  ///< overrides every traced process's name; empty: each its own
    std::vector<std::pair<std::string, std::string>> attributes;

    bool operator==(const Resource&) const = default;
  } resource;

  struct Capture {
    uint32_t ring_buffer_bytes = 8u << 20;  ///< power of two, at least 64 KiB
    HttpSettings http;
    StatementText sql = StatementText::Sanitized;
    StatementText redis = StatementText::Sanitized;
    RouteSettings routes;

    bool operator==(const Capture&) const = default;
  } capture;

  std::vector<ExportTarget> exports;

  struct Limits {
    uint32_t connections = 65'536;  ///< live connections followed
    uint32_t stream_buffer_bytes =
        262'144;                     ///< out-of-order or unfinished bytes held per connection
    uint32_t queue_spans = 131'072;  ///< finished spans held per export target
    uint32_t routes = 500;           ///< routes inferred per service

    bool operator==(const Limits&) const = default;
  } limits;

  std::string log_level = "info";  ///< trace, debug, info, warn, error, off

  bool operator==(const Config&) const = default;
};

}  // namespace clew
