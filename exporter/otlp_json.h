// SpanBatch -> ExportTraceServiceRequest as OTLP/JSON: the JSON mapping of proto3 with OTLP's
// exceptions (ids in hex, enums as integers, keys in lowerCamelCase).
#pragma once

#include <string>

#include "exporter/span.h"

namespace clew {

/// Appends the request to `out` as one line without its line end; see encode_trace_request for
/// order and text.
void encode_trace_request_json(const SpanBatch& batch, std::string& out);

}  // namespace clew
