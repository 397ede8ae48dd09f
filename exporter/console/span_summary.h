// What the console keeps of a span until its trace is printed.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "exporter/span.h"

namespace clew::console {

/// A few short strings of a span, as they came from the wire: the renderer makes them harmless.
/// Every text is bounded (see the .cc), so a count of summaries bounds memory.
struct SpanSummary {
  SpanId id{};
  SpanId parent{};
  SpanKind kind = SpanKind::Internal;
  bool failed = false;
  bool incomplete = false;
  uint64_t start_ns = 0;
  uint64_t end_ns = 0;  ///< not before start_ns
  std::shared_ptr<const Resource> resource;
  std::string operation;  ///< request method, else the span's name
  std::string target;     ///< path; empty where the operation says it all
  std::string status;     ///< response status code as text
  std::string reason;     ///< why it failed; empty unless `failed`
  std::string peer;       ///< client spans: the other side, as far as the caller knows it

  uint64_t duration_ns() const { return end_ns - start_ns; }
  std::string_view service() const {
    return resource ? resource->service_name : std::string_view();
  }
};

SpanSummary summarise(const Span& span, std::shared_ptr<const Resource> resource);

/// process.runtime.name of the resource, or empty.
std::string_view runtime_name(const Resource& resource);

}  // namespace clew::console
