// The parts of an OTLP/gRPC export's configuration, checked.
#pragma once

#include <string>
#include <string_view>

#include "agent/base/result.h"
#include "agent/config/config.h"

namespace clew {

struct GrpcTarget {
  std::string address;  ///< host:port, as gRPC takes it; IPv6 addresses in brackets
  bool tls = false;
  bool loopback = false;  ///< localhost, 127.0.0.0/8 or ::1
};

/// "http://", "https://" or no scheme, then host[:port] and at most "/"; see make_grpc_sink.
Result<GrpcTarget> parse_grpc_endpoint(std::string_view endpoint);

/// Contents of the PEM files; empty where none is configured.
struct TlsFiles {
  std::string roots;
  std::string client_certificate;
  std::string client_key;
};

Result<TlsFiles> read_tls_files(const OtlpExport& target);

}  // namespace clew
