// Sixteen pipelined commands, as redis-benchmark -P 16 sends them, from bytes to described spans.
#include <benchmark/benchmark.h>

#include <string>

#include "agent/protocols/redis/spans.h"
#include "tests/bench/allocations.h"

namespace clew::redis {
namespace {

constexpr size_t kDepth = 16;

void BM_PipelinedExchange(benchmark::State& state) {
  const bool describes = state.range(0) != 0;
  std::string requests, replies;
  for (size_t i = 0; i < kDepth; ++i) {
    requests += i % 2 == 0 ? "*3\r\n$3\r\nSET\r\n$16\r\nkey:000000000042\r\n$3\r\nxxx\r\n"
                           : "*2\r\n$3\r\nGET\r\n$16\r\nkey:000000000042\r\n";
    replies += i % 2 == 0 ? "+OK\r\n" : "$3\r\nxxx\r\n";
  }
  RedisSession session(StatementText::Sanitized);
  SpanBuilder span;
  std::vector<MessageEvent> events;
  uint64_t request_offset = 0, response_offset = 0, ended = 0, moment = 0;
  const auto exchange = [&] {
    events.clear();
    session.feed(Side::Request, as_bytes(requests), request_offset,
                 {.moment = ++moment, .operation_start = true}, events);
    session.feed(Side::Response, as_bytes(replies), response_offset,
                 {.moment = ++moment, .operation_start = true}, events);
    request_offset += requests.size();
    response_offset += replies.size();
    for (const MessageEvent& event : events) {
      if (event.kind != MessageEvent::Kind::ExchangeEnded) continue;
      ++ended;
      if (!describes) continue;
      span.clear();
      session.describe(event.exchange, SpanKind::Server, span);
      benchmark::DoNotOptimize(span);
    }
  };
  for (int warm_up = 0; warm_up < 1000; ++warm_up) exchange();
  ended = 0;
  const uint64_t allocated_before = allocations();
  for (auto _ : state) exchange();
  if (ended != kDepth * static_cast<uint64_t>(state.iterations())) {
    state.SkipWithError("exchanges were missed");
  }
  const auto exchanges = static_cast<double>(ended);
  state.counters["allocations"] = static_cast<double>(allocations() - allocated_before) / exchanges;
  state.counters["exchanges"] = benchmark::Counter(exchanges, benchmark::Counter::kIsRate);
}
BENCHMARK(BM_PipelinedExchange)->ArgName("describe")->Arg(0)->Arg(1);

}  // namespace
}  // namespace clew::redis

BENCHMARK_MAIN();
