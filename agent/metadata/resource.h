// Describes processes as OpenTelemetry resources.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "exporter/span.h"
#include "probes/processes.h"
#include "symbolizer/executable.h"

namespace clew {

/// A name a person would give the service: what the process was told by OTEL_SERVICE_NAME, else the
/// script, module, jar or package an interpreter runs, else the executable.
std::string service_name_of(const ProcessInfo& process);

/// Name of the language runtime by the executable and its arguments ("cpython", "nodejs", ...),
/// empty if it is none that is known.
std::string_view runtime_of(const ProcessInfo& process);

struct ResourceSettings {
  std::string service_name;  ///< for every process; empty: each its own
  std::vector<std::pair<std::string, std::string>> attributes;
  std::string agent_version;
};

/// `rule_name`: service name of the selection rule that chose the process, if it gives one.
/// `executable`: what its file tells, null if it could not be read.
std::shared_ptr<const Resource> make_resource(const ProcessInfo& process,
                                              const ResourceSettings& settings,
                                              const std::string& rule_name,
                                              const ExecutableInfo* executable = nullptr);

}  // namespace clew
