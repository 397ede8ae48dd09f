// A pipeline that is fed records, and the spans that come out of it.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "agent/pipeline/pipeline.h"
#include "tests/unit/pipeline/record_builder.h"
#include "tests/unit/stitch/span_log.h"

namespace clew {

inline std::string get(std::string_view path) {
  return fmt::format("GET {} HTTP/1.1\r\nHost: shop\r\n\r\n", path);
}

inline std::string ok(std::string_view body = "ok") {
  return fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{}", body.size(), body);
}

constexpr uint64_t kMillisecond = 1'000'000;

class PipelineTest : public ::testing::Test {
 protected:
  // Process ids beyond those that the kernel hands out, so that /proc knows none of them.
  static constexpr uint32_t kCurl = 10'000'001, kNginx = 10'000'002, kShop = 10'000'003;

  PipelineTest() {
    name(kCurl, "curl");
    name(kNginx, "nginx");
    name(kShop, "shop");
  }

  void name(uint32_t tgid, const std::string& executable) {
    ProcessInfo process;
    process.pid = tgid;
    process.executable = "/usr/bin/" + executable;
    pipeline.processes().put(process, {});
  }

  void feed(const Record& record) { pipeline.on_record(record); }
  void feed(std::initializer_list<Record> records) {
    for (const auto& record : records) pipeline.on_record(record);
  }
  /// The next moment.
  uint64_t now() { return time_ns += kMillisecond; }
  Operation at() { return {.time_ns = now()}; }
  Operation begins(uint64_t span, uint64_t parent = 0, uint8_t evidence = CLEW_EVIDENCE_NONE,
                   uint32_t tid = 0) {
    return {
        .time_ns = now(), .tid = tid, .context = context_of(span, parent), .evidence = evidence};
  }
  /// Both ends of one GET, recorded in the order in which it happened.
  void exchange(Wire& wire, const std::string& path) {
    const uint64_t span = ++spans_made;
    feed(wire.client.sent(get(path), begins(span)));
    feed(wire.server.received(get(path), begins(1000 + span)));
    feed(wire.server.sent(ok(), at()));
    feed(wire.client.received(ok(), at()));
  }
  void finish() { pipeline.finish(now()); }

  const SpanCopy& client(std::string_view path) {
    return log.find(SpanKind::Client, "url.full", fmt::format("http://shop{}", path));
  }
  const SpanCopy& server(std::string_view path) {
    return log.find(SpanKind::Server, "url.path", path);
  }
  /// Both spans of one exchange, answered with 200.
  void expect_pair(std::string_view path) {
    const auto& called = client(path);
    const auto& served = server(path);
    EXPECT_TRUE(served.is_child_of(called)) << path;
    EXPECT_EQ(served.link(), "stream") << path;
    EXPECT_EQ(called.attribute("http.response.status_code"), "200") << path;
    EXPECT_EQ(served.attribute("http.response.status_code"), "200") << path;
  }
  uint64_t count(Counter counter) const { return pipeline.counters()[counter]; }
  void expect_no_loss() const {
    EXPECT_EQ(count(Counter::stream_gaps), 0u);
    EXPECT_EQ(count(Counter::exchanges_hidden), 0u);
    EXPECT_EQ(count(Counter::connections_evicted), 0u);
    EXPECT_EQ(count(Counter::bad_records), 0u);
    EXPECT_EQ(count(Counter::spans), log.spans.size());
  }

  static Pipeline::Limits limits() { return {}; }

  SpanLog log;
  Pipeline pipeline{
      limits(), {}, [this](std::shared_ptr<const SpanBatch> batch) { log.take(batch); }};
  uint64_t time_ns = 1'000'000'000;
  uint64_t spans_made = 0;
};

}  // namespace clew
