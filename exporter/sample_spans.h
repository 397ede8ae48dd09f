// Spans for the tests and benchmarks of this folder.
#pragma once

#include <memory>
#include <string>

#include "exporter/span_builder.h"

namespace clew {

inline std::shared_ptr<const Resource> sample_resource(const std::string& service) {
  Resource resource;
  resource.service_name = service;
  resource.process_id = 4711;
  resource.attributes = {
      {.key = "service.name", .text = service},
      {.key = "process.pid", .type = AttributeType::Integer, .integer = 4711, .text = {}},
      {.key = "process.executable.path", .text = "/usr/sbin/nginx"},
      {.key = "host.name", .text = "shop-1"},
      {.key = "telemetry.sdk.name", .text = "clew"},
  };
  return std::make_shared<const Resource>(std::move(resource));
}

/// A typical HTTP server span with 12 attributes; `n` makes its ids and times its own.
inline void add_sample_span(SpanBatch& batch, SpanBuilder& builder,
                            const std::shared_ptr<const Resource>& resource, uint64_t n) {
  builder.clear();
  builder.name("GET /checkout/{id}");
  builder.attribute("http.request.method", "GET");
  builder.attribute("http.response.status_code", int64_t{200});
  builder.attribute("url.scheme", "http");
  builder.attribute("url.path", "/checkout/4711/items");
  builder.attribute("url.query", "currency=EUR&expand=prices");
  builder.attribute("server.address", "shop.example.com");
  builder.attribute("server.port", int64_t{8080});
  builder.attribute("client.address", "10.0.12.7");
  builder.attribute("client.port", int64_t{51234});
  builder.attribute("network.protocol.version", "1.1");
  builder.attribute("user_agent.original", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0)");
  builder.attribute("clew.link", "header");
  Span span;
  for (size_t i = 0; i < 8; ++i) {
    span.trace_id[i] = static_cast<uint8_t>(0xA0 + i);
    span.trace_id[8 + i] = span.span_id[i] = static_cast<uint8_t>((n + 1) >> (8 * i));
    span.parent_span_id[i] = static_cast<uint8_t>(i + 1);
  }
  span.kind = SpanKind::Server;
  span.resource = batch.resource_index(resource);
  span.start_unix_ns = 1'770'000'000'123'456'789u + n * 1000;
  span.end_unix_ns = span.start_unix_ns + 41'200'000;
  builder.commit(span, batch);
}

inline std::shared_ptr<SpanBatch> sample_batch(size_t spans, uint64_t first = 0) {
  auto batch = std::make_shared<SpanBatch>();
  const auto resource = sample_resource("shop");
  SpanBuilder builder;
  for (size_t i = 0; i < spans; ++i) add_sample_span(*batch, builder, resource, first + i);
  return batch;
}

}  // namespace clew
