// Traces for the console's tests.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "exporter/console/span_summary.h"

namespace clew::console {

inline TraceId test_trace_id() {
  TraceId id{};
  for (size_t i = 0; i < id.size(); ++i) id[i] = static_cast<uint8_t>(0x50 + i);
  return id;
}

inline SpanId span_id(uint8_t number) {
  return {0, 0, 0, 0, 0, 0, 0, number};
}

inline std::shared_ptr<const Resource> resource_of(const std::string& service,
                                                   const std::string& runtime = "") {
  auto resource = std::make_shared<Resource>();
  resource->service_name = service;
  if (!runtime.empty()) {
    resource->attributes.push_back(
        {.key = "process.runtime.name", .type = AttributeType::Text, .text = runtime});
  }
  return resource;
}

/// Times in microseconds from an arbitrary start.
struct TestTrace {
  std::vector<SpanSummary> spans;
  std::map<std::string, std::shared_ptr<const Resource>> resources;

  static constexpr uint64_t epoch_ns = 1'700'000'000'000'000'000;

  SpanSummary& add(SpanKind kind, const std::string& service, uint8_t id, uint8_t parent,
                   uint64_t start_us, uint64_t end_us) {
    auto& resource = resources[service];
    if (!resource) resource = resource_of(service);
    SpanSummary span;
    span.id = span_id(id);
    span.parent = span_id(parent);
    span.kind = kind;
    span.start_ns = epoch_ns + start_us * 1000;
    span.end_ns = epoch_ns + end_us * 1000;
    span.resource = resource;
    span.operation = "GET";
    span.target = "/";
    span.status = "200";
    return spans.emplace_back(std::move(span));
  }
  SpanSummary& client(const std::string& service, uint8_t id, uint8_t parent, uint64_t start_us,
                      uint64_t end_us, const std::string& target = "/",
                      const std::string& peer = "") {
    SpanSummary& span = add(SpanKind::Client, service, id, parent, start_us, end_us);
    span.target = target;
    span.peer = peer;
    return span;
  }
  SpanSummary& server(const std::string& service, uint8_t id, uint8_t parent, uint64_t start_us,
                      uint64_t end_us, const std::string& target = "/") {
    SpanSummary& span = add(SpanKind::Server, service, id, parent, start_us, end_us);
    span.target = target;
    return span;
  }
};

inline void fail(SpanSummary& span, const std::string& status, const std::string& reason) {
  span.failed = true;
  span.status = status;
  span.reason = reason;
}

/// curl > nginx > shop > postgresql, redis, prices; the last is slow.
inline TestTrace demo_trace() {
  TestTrace t;
  t.resources["shop"] = resource_of("shop", "cpython");
  t.resources["prices"] = resource_of("prices", "nodejs");
  t.client("curl", 1, 0, 0, 41200, "/checkout", "localhost:8080");
  t.server("nginx", 2, 1, 200, 41000, "/checkout");
  t.client("nginx", 3, 2, 700, 40500, "/checkout");
  t.server("shop", 4, 3, 900, 40200, "/checkout");
  SpanSummary& carts = t.client("shop", 5, 4, 1500, 2700, "", "postgresql");
  carts.operation = "SELECT carts";
  carts.status.clear();
  SpanSummary& redis = t.client("shop", 6, 4, 3000, 3310, "", "redis");
  redis.operation = "GET";
  redis.status.clear();
  t.client("shop", 7, 4, 4000, 35000, "/price/1042");
  t.server("prices", 8, 7, 4200, 34900, "/price/1042");
  return t;
}

/// The demo with its last call failing, and everything above it in consequence.
inline TestTrace failing_trace() {
  TestTrace t = demo_trace();
  for (const size_t i : {0, 1, 2, 3}) fail(t.spans[i], "502", "502");
  for (const size_t i : {6, 7}) fail(t.spans[i], "500", "500");
  return t;
}

}  // namespace clew::console
