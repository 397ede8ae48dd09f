// From finished spans to OTLP bytes, and from attributes to finished spans.
#include <benchmark/benchmark.h>

#include <string>

#include "exporter/otlp_json.h"
#include "exporter/otlp_protobuf.h"
#include "exporter/sample_spans.h"

namespace clew {
namespace {

constexpr size_t kSpans = 512;

void report(benchmark::State& state, size_t bytes) {
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kSpans));  // spans/s
  state.counters["bytes_per_span"] = static_cast<double>(bytes) / kSpans;
}

void EncodeProtobuf(benchmark::State& state) {
  const auto batch = sample_batch(kSpans);
  std::string out;
  for (auto _ : state) {
    out.clear();
    encode_trace_request(*batch, out);
    benchmark::DoNotOptimize(out.data());
  }
  report(state, out.size());
}
BENCHMARK(EncodeProtobuf);

void EncodeJson(benchmark::State& state) {
  const auto batch = sample_batch(kSpans);
  std::string out;
  for (auto _ : state) {
    out.clear();
    encode_trace_request_json(*batch, out);
    benchmark::DoNotOptimize(out.data());
  }
  report(state, out.size());
}
BENCHMARK(EncodeJson);

void BuildSpans(benchmark::State& state) {
  const auto resource = sample_resource("shop");
  SpanBuilder builder;
  size_t bytes = 0;
  for (auto _ : state) {
    SpanBatch batch;
    for (size_t i = 0; i < kSpans; ++i) add_sample_span(batch, builder, resource, i);
    bytes = batch.bytes();
    benchmark::DoNotOptimize(batch);
  }
  report(state, bytes);
}
BENCHMARK(BuildSpans);

}  // namespace
}  // namespace clew
