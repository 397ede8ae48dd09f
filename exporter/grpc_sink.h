// OTLP/gRPC.
#pragma once

#include <memory>

#include "agent/base/result.h"
#include "agent/config/config.h"
#include "exporter/sink.h"

namespace clew {

/// A sink that exports to `target.endpoint`: "http://host[:port]" or "host[:port]" in clear text,
/// "https://host[:port]" by TLS; port 4317 where none is given. The endpoint need not be there:
/// connections are made, and made again, when batches are delivered. Errors are those of the
/// configuration (endpoint, header, certificate file). Failure classes after the OTLP
/// specification 1.5; requests are split at about 3.5 MB.
///
/// gRPC's own log is silenced for the whole process unless GRPC_VERBOSITY is set. gRPC starts
/// threads of its own, which inherit the caller's signal mask.
Result<std::unique_ptr<Sink>> make_grpc_sink(const OtlpExport& target);

}  // namespace clew
