// The few messages that OTLP receivers answer with. Bytes from the wire: anything may be in them.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace clew {

/// ExportTraceServiceResponse.partial_success.
struct PartialSuccess {
  uint64_t rejected_spans = 0;  ///< negative numbers are taken as 0
  std::string message;
};

/// What the response says of partial success, all empty if nothing, or if it cannot be read.
PartialSuccess read_trace_response(std::string_view bytes);

/// The delay of the google.rpc.RetryInfo in a google.rpc.Status (0 to 1 hour), if there is one.
std::optional<std::chrono::milliseconds> read_retry_delay(std::string_view status_bytes);

}  // namespace clew
