// One keep-alive exchange, as curl and nginx speak, from bytes to a described span.
#include <benchmark/benchmark.h>

#include "agent/protocols/http1/spans.h"
#include "tests/bench/allocations.h"

namespace clew::http1 {
namespace {

constexpr std::string_view kRequest =
    "GET /api/items/17?limit=20 HTTP/1.1\r\n"
    "Host: localhost:8080\r\n"
    "User-Agent: curl/7.88.1\r\n"
    "Accept: */*\r\n"
    "Accept-Encoding: gzip, deflate\r\n"
    "X-Request-Id: 4bf92f3577b34da6a3ce929d0e0e4736\r\n"
    "\r\n";
constexpr std::string_view kResponse =
    "HTTP/1.1 200 OK\r\n"
    "Server: nginx/1.22.1\r\n"
    "Date: Sat, 21 Nov 2026 08:40:00 GMT\r\n"
    "Content-Type: text/html\r\n"
    "Content-Length: 16\r\n"
    "Last-Modified: Fri, 20 Nov 2026 10:00:00 GMT\r\n"
    "Connection: keep-alive\r\n"
    "ETag: \"6560a0b0-10\"\r\n"
    "Accept-Ranges: bytes\r\n"
    "\r\n"
    "0123456789abcdef";

void BM_KeepAliveExchange(benchmark::State& state) {
  const bool describes = state.range(0) != 0;
  const HttpSettings settings;
  Http1Session session(settings);
  SpanBuilder span;
  std::vector<MessageEvent> events;
  uint64_t request_offset = 0, response_offset = 0, ended = 0, allocated_before = 0;
  const auto exchange = [&] {
    events.clear();
    session.feed(Side::Request, as_bytes(kRequest), request_offset, {.operation_start = true},
                 events);
    session.feed(Side::Response, as_bytes(kResponse), response_offset, {.operation_start = true},
                 events);
    request_offset += kRequest.size();
    response_offset += kResponse.size();
    for (const MessageEvent& event : events) {
      if (event.kind != MessageEvent::Kind::ExchangeEnded) continue;
      ++ended;
      if (!describes) continue;
      span.clear();
      session.describe(event.exchange, SpanKind::Server, span);
      benchmark::DoNotOptimize(span);
    }
  };
  for (int warm_up = 0; warm_up < 100; ++warm_up) exchange();
  ended = 0;
  allocated_before = allocations();
  for (auto _ : state) exchange();
  const auto exchanges = static_cast<double>(ended);
  if (ended != static_cast<uint64_t>(state.iterations()))
    state.SkipWithError("exchanges were missed");
  state.counters["allocations"] = static_cast<double>(allocations() - allocated_before) / exchanges;
}
BENCHMARK(BM_KeepAliveExchange)->ArgName("describe")->Arg(0)->Arg(1);

void BM_HeaderBlock(benchmark::State& state) {
  Parser parser(Side::Request);
  for (auto _ : state) {
    ByteView bytes = as_bytes(kRequest);
    for (Step step = Step::Start; step != Step::More; step = parser.advance(bytes, false)) {
      if (step == Step::Head) parser.begin_body(BodyRule::Normal);
    }
    benchmark::DoNotOptimize(parser);
  }
}
BENCHMARK(BM_HeaderBlock);

}  // namespace
}  // namespace clew::http1

BENCHMARK_MAIN();
