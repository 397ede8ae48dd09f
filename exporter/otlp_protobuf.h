// SpanBatch -> opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest (OTLP 1.5),
// protobuf.
#pragma once

#include <cstddef>
#include <string>

#include "exporter/span.h"

namespace clew {

/// Appends the request's bytes to `out`: a ResourceSpans for each resource that has spans, in the
/// order of the batch's resources, with one ScopeSpans (scope "clew"). Invalid UTF-8 becomes
/// U+FFFD. Reuse `out`: nothing is allocated once it is large enough.
void encode_trace_request(const SpanBatch& batch, std::string& out);

/// The same for `count` spans from `first` on (both within the batch), for requests of bounded
/// size.
void encode_trace_request(const SpanBatch& batch, size_t first, size_t count, std::string& out);

}  // namespace clew
