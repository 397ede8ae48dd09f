// OTLP/JSON lines: one ExportTraceServiceRequest a line, as the OpenTelemetry file exporter writes.
#pragma once

#include <memory>
#include <string>

#include "agent/base/result.h"
#include "exporter/sink.h"

namespace clew {

/// Appends to `path`, creating it with mode 0644; "-" and "/dev/stdout" are standard output, and
/// FIFOs work (a reader must have it open). A batch is one line, written by one write(2) where the
/// kernel takes it whole. After a write error the batch is Failed and a regular file is cut back to
/// its last whole line; where that cannot be done, the rest of the torn line is written before the
/// next one. A full pipe blocks deliver() until its reader reads, or cancel().
Result<std::unique_ptr<Sink>> make_file_sink(const std::string& path);

}  // namespace clew
