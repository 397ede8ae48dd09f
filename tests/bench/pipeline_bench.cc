// From the records of the ring buffer to encoded OTLP, on one thread: what the agent's user space
// costs a span, kernel and delivery aside.
#include <benchmark/benchmark.h>

#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "agent/pipeline/pipeline.h"
#include "exporter/otlp_protobuf.h"
#include "tests/bench/allocations.h"
#include "tests/unit/pipeline/record_builder.h"

namespace clew {
namespace {

// Beyond the process ids that the kernel hands out, so that /proc knows none of them.
constexpr uint32_t kClient = 10'000'001, kServer = 10'000'002;
constexpr uint64_t kConnections = 64;
constexpr uint64_t kInFlight = 16;           // connections with a request under way at once
constexpr uint64_t kExchangeNs = 20'000;     // 50,000 requests a second: decides what is held
constexpr uint64_t kTickNs = 50'000'000;     // as the agent's loop ticks
constexpr uint64_t kWarmUp = 1'000'000'000;  // until what is held has its lasting size

constexpr std::string_view kRequest =
    "GET /api/items/1742?limit=20&sort=price HTTP/1.1\r\n"
    "Host: shop.example:8080\r\n"
    "User-Agent: python-requests/2.31.0\r\n"
    "Accept: application/json\r\n"
    "Accept-Encoding: gzip, deflate\r\n"
    "Connection: keep-alive\r\n"
    "\r\n";
constexpr std::string_view kResponse =
    "HTTP/1.1 200 OK\r\n"
    "Server: nginx/1.22.1\r\n"
    "Date: Sat, 21 Nov 2026 08:40:00 GMT\r\n"
    "Content-Type: application/json\r\n"
    "Content-Length: 74\r\n"
    "Connection: keep-alive\r\n"
    "\r\n"
    "{\"id\": 1742, \"name\": \"a thing of the shop\", \"price\": 12.5, \"stock\": 3.14}\n";
static_assert(kRequest.size() > 180 && kResponse.size() > 200);

/// What the ends of a connection say to each other: `opening` once, the rest again and again.
struct Talk {
  const char* client;
  const char* server;
  uint16_t port;
  std::string_view opening, opened, request, response;
};

using namespace std::string_view_literals;

constexpr Talk kTalks[] = {
    {"wrk", "nginx", 8080, "", "", kRequest, kResponse},
    {"redis-benchmark", "redis-server", 6379, "", "",
     "*2\r\n$3\r\nGET\r\n$16\r\nkey:000000000123\r\n", "$3\r\nxxx\r\n"},
    {"pgbench", "postgres", 5432, "\0\0\0\x20\0\x03\0\0user\0app\0database\0shop\0\0"sv,
     "R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I"sv,
     "Q\0\0\0\x40SELECT abalance FROM pgbench_accounts WHERE aid = 47110815;\0"sv,
     "T\0\0\0\x21\0\x01"
     "abalance\0\0\0\x40\x06\0\x03\0\0\0\x17\0\x04\xff\xff\xff\xff\0\0"
     "D\0\0\0\x0b\0\x01\0\0\0\x01"
     "0C\0\0\0\x0dSELECT 1\0Z\0\0\0\x05I"sv},
};

std::string repeated(std::string_view text, size_t times) {
  std::string all;
  for (size_t i = 0; i < times; ++i) all += text;
  return all;
}

/// A record that is played again and again: what differs from time to time is written into it.
class Played {
 public:
  Played(Record record, bool has_context, uint64_t offset)
      : record_(std::move(record)), has_context_(has_context), offset_(offset) {}

  ByteView next(uint64_t time_ns, uint64_t span_id) {
    auto& segment = *reinterpret_cast<clew_segment*>(record_.data());
    segment.record.time_ns = time_ns;
    segment.offset = offset_;
    offset_ += static_cast<uint64_t>(segment.result);
    if (has_context_) {
      const clew_context context = context_of(span_id);
      std::memcpy(record_.data() + sizeof(segment), &context, sizeof(context));
    }
    return record_;
  }

 private:
  Record record_;
  bool has_context_;
  uint64_t offset_;
};

/// What one connection's ends record of a batch of `depth` exchanges.
struct Conversation {
  Conversation(uint64_t cookie, const Talk& talk, size_t depth)
      : wire(cookie, kClient, kServer, static_cast<uint16_t>(40'000 + cookie), talk.port),
        opening{wire.client.sent(std::string(talk.opening), {}),
                wire.server.received(std::string(talk.opening), {}),
                wire.server.sent(std::string(talk.opened), {}),
                wire.client.received(std::string(talk.opened), {})},
        asked(wire.client.sent(repeated(talk.request, depth), begin()), true, talk.opening.size()),
        heard(wire.server.received(repeated(talk.request, depth), begin()), true,
              talk.opening.size()),
        answered(wire.server.sent(repeated(talk.response, depth), {}), false, talk.opened.size()),
        read(wire.client.received(repeated(talk.response, depth), {}), false, talk.opened.size()) {}

  static Operation begin() { return {.context = context_of(1)}; }

  Wire wire;
  std::vector<Record> opening;  // to server, there, to client, there
  Played asked, heard, answered, read;
};

class Replay {
 public:
  Replay(const Talk& talk, bool both_ends, size_t depth) : both_ends_(both_ends), depth_(depth) {
    name(kClient, talk.client);
    name(kServer, talk.server);
    for (uint64_t i = 0; i < kConnections; ++i) {
      Conversation& one = conversations_.emplace_back(2 * i + 2, talk, depth);
      if (both_ends) pipeline_.on_record(one.wire.client.connection(now_ns_));
      pipeline_.on_record(one.wire.server.connection(now_ns_));
      if (talk.opening.empty()) continue;
      if (both_ends) pipeline_.on_record(one.opening[0]);
      pipeline_.on_record(one.opening[1]);
      pipeline_.on_record(one.opening[2]);
      if (both_ends) pipeline_.on_record(one.opening[3]);
    }
    while (now_ns_ < kStart + kWarmUp) run();
    spans_ = bytes_ = 0;
  }

  /// Each connection makes its exchanges once.
  void run() {
    for (uint64_t first = 0; first < kConnections; first += kInFlight) {
      const std::span some = std::span(conversations_).subspan(first, kInFlight);
      if (both_ends_) {
        for (auto& one : some) feed(one.asked);
      }
      for (auto& one : some) feed(one.heard);
      for (auto& one : some) feed(one.answered);
      if (both_ends_) {
        for (auto& one : some) feed(one.read);
      }
      now_ns_ += kInFlight * depth_ * kExchangeNs;
      if (now_ns_ < next_tick_ns_) continue;
      pipeline_.tick(now_ns_);
      next_tick_ns_ = now_ns_ + kTickNs;
    }
  }

  size_t spans_each_run() const { return kConnections * depth_ * (both_ends_ ? 2 : 1); }
  uint64_t spans() const { return spans_; }
  uint64_t failed() const { return failed_; }
  uint64_t bytes() const { return bytes_; }
  const Counters& counters() const { return pipeline_.counters(); }

 private:
  static constexpr uint64_t kStart = 1'000'000'000;

  void name(uint32_t tgid, const char* executable) {
    ProcessInfo process;
    process.pid = tgid;
    process.executable = std::string("/usr/bin/") + executable;
    pipeline_.processes().put(process, {});
  }
  void feed(Played& record) { pipeline_.on_record(record.next(now_ns_, ++ids_)); }
  void release(const SpanBatch& batch) {
    request_.clear();
    encode_trace_request(batch, request_);
    spans_ += batch.spans().size();
    for (const Span& span : batch.spans()) failed_ += span.status != SpanStatus::Unset;
    bytes_ += request_.size();
  }

  const bool both_ends_;
  const size_t depth_;
  uint64_t now_ns_ = kStart, next_tick_ns_ = kStart;
  uint64_t ids_ = 0;
  uint64_t spans_ = 0, failed_ = 0, bytes_ = 0;
  std::string request_;
  std::vector<Conversation> conversations_;
  Pipeline pipeline_{{}, {}, [this](const auto& batch) { release(*batch); }};
};

void RecordsToOtlp(benchmark::State& state) {
  const Talk& talk = kTalks[state.range(2)];
  state.SetLabel(talk.server);
  Replay replay(talk, state.range(0) == 2, static_cast<size_t>(state.range(1)));
  const uint64_t made_before = replay.counters()[Counter::spans];
  const uint64_t allocations_before = allocations();
  for (auto _ : state) replay.run();
  const auto allocated = static_cast<double>(allocations() - allocations_before);
  const uint64_t made = replay.counters()[Counter::spans] - made_before;
  const auto expected = static_cast<uint64_t>(state.iterations()) * replay.spans_each_run();
  if (made != expected || replay.failed() != 0)
    state.SkipWithError("the spans are not what was recorded");
  state.SetItemsProcessed(static_cast<int64_t>(made));
  state.counters["allocations"] = allocated / static_cast<double>(made);
  state.counters["otlp_bytes"] =
      static_cast<double>(replay.bytes()) / static_cast<double>(replay.spans());
}
BENCHMARK(RecordsToOtlp)
    ->ArgNames({"ends", "pipelined", "protocol"})
    ->ArgsProduct({{1, 2}, {1, 16}, {0, 1, 2}});

}  // namespace
}  // namespace clew
