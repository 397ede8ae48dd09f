#include "exporter/console/console_sink.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <string>

#include "exporter/span_builder.h"
#include "tests/unit/console/test_pipe.h"
#include "tests/unit/console/test_traces.h"

namespace clew {
namespace {

using console::span_id;
using console::TestPipe;
using std::chrono::milliseconds;

TraceId trace_id(uint32_t number) {
  TraceId id{};
  for (size_t i = 0; i < 4; ++i) id[15 - i] = static_cast<uint8_t>(number >> (8 * i));
  return id;
}

size_t count(std::string_view text, std::string_view what) {
  size_t found = 0;
  for (size_t at = text.find(what); at != text.npos; at = text.find(what, at + 1)) ++found;
  return found;
}

class ConsoleSinkTest : public testing::Test {
 protected:
  ConsoleSinkTest() {
    std::signal(SIGPIPE, SIG_IGN);
    options_.fd = pipe_.in();
    options_.width = 100;
    options_.write_patience = milliseconds(20);
    options_.now = [this] { return now_; };
  }

  Sink& sink() {
    if (!sink_) sink_ = make_console_sink(options_);
    return *sink_;
  }
  /// A server span of 1 ms.
  Delivery span(uint32_t trace, uint8_t id, uint8_t parent, SpanKind kind = SpanKind::Server,
                bool failed = false) {
    SpanBatch batch;
    add(batch, trace, id, parent, kind, failed);
    return sink().deliver(batch);
  }
  void add(SpanBatch& batch, uint32_t trace, uint8_t id, uint8_t parent, SpanKind kind,
           bool failed = false) {
    Span span;
    span.trace_id = trace_id(trace);
    span.span_id = span_id(id);
    span.parent_span_id = span_id(parent);
    span.kind = kind;
    span.start_unix_ns = 1'000'000'000;
    span.end_unix_ns = 1'001'000'000;
    span.resource = batch.resource_index(shop_);
    SpanBuilder builder;
    builder.name("GET");
    builder.status(failed ? SpanStatus::Error : SpanStatus::Unset);
    builder.attribute("http.request.method", "GET");
    builder.attribute("url.path", "/checkout");
    builder.attribute("http.response.status_code", int64_t{200});
    builder.commit(span, batch);
  }
  std::string after(milliseconds time) {
    now_ += time;
    sink().idle();
    return pipe_.take();
  }

  TestPipe pipe_;
  std::shared_ptr<const Resource> shop_ = console::resource_of("shop");
  std::chrono::steady_clock::time_point now_{std::chrono::hours(1)};
  ConsoleOptions options_;
  std::unique_ptr<Sink> sink_;
};

TEST_F(ConsoleSinkTest, PrintsATraceOnceItIsQuiet) {
  span(1, 2, 1, SpanKind::Client);
  EXPECT_EQ(after(milliseconds(200)), "");
  span(1, 1, 0);
  EXPECT_EQ(after(milliseconds(200)), "");
  EXPECT_EQ(after(milliseconds(100)),
            "trace 00000000000000000000000000000001  1.00 ms  2 spans  shop\n"
            "shop   GET /checkout  200  1.00 ms  "
            "████████████████████████████████████████████████████████████████\n"
            "└ → ?  GET /checkout  200  1.00 ms  "
            "████████████████████████████████████████████████████████████████\n");
  EXPECT_EQ(after(milliseconds(5000)), "");
}

TEST_F(ConsoleSinkTest, WaitsLongerForAParentThatMustCome) {
  span(1, 2, 1, SpanKind::Client);
  EXPECT_EQ(after(milliseconds(1900)), "");
  EXPECT_EQ(count(after(milliseconds(100)), "(parent not seen)"), 1U);
}

TEST_F(ConsoleSinkTest, DoesNotWaitForARemoteParent) {
  span(1, 2, 1, SpanKind::Server);
  EXPECT_EQ(count(after(milliseconds(300)), "(parent not seen)"), 1U);
}

TEST_F(ConsoleSinkTest, ATraceThatNeverRestsIsPrintedAfterItsPatience) {
  for (uint8_t i = 0; i < 9; ++i) {
    span(1, static_cast<uint8_t>(10 + i), 0);
    EXPECT_EQ(after(milliseconds(200)), "");
  }
  span(1, 30, 0);
  EXPECT_EQ(count(after(milliseconds(200)), "trace "), 1U);
}

TEST_F(ConsoleSinkTest, DeliveriesPrintToo) {
  span(1, 1, 0);
  now_ += milliseconds(300);
  span(2, 1, 0);
  EXPECT_EQ(count(pipe_.take(), "trace "), 1U);
}

TEST_F(ConsoleSinkTest, LateSpansAreABlockOfTheirOwn) {
  span(1, 1, 0);
  after(milliseconds(300));
  span(1, 2, 1, SpanKind::Client);
  const std::string text = after(milliseconds(300));
  EXPECT_TRUE(text.starts_with("\ntrace 00000000000000000000000000000001  (late)  1.00 ms  1 span"))
      << text;
  EXPECT_EQ(count(text, "? (parent printed before, or not seen)"), 1U);
}

TEST_F(ConsoleSinkTest, FinishPrintsEverything) {
  span(1, 2, 1, SpanKind::Client);
  span(2, 1, 0);
  sink().finish();
  EXPECT_EQ(count(pipe_.take(), "trace "), 2U);
}

TEST_F(ConsoleSinkTest, HoldsAtMostSoManyTraces) {
  options_.max_traces = 3;
  for (uint32_t i = 1; i <= 5; ++i) span(i, 1, 0);
  const std::string text = pipe_.take();
  EXPECT_EQ(count(text, "trace "), 2U);
  EXPECT_EQ(count(text, "0001  "), 1U);
  EXPECT_EQ(count(text, "0002  "), 1U);
}

TEST_F(ConsoleSinkTest, HoldsAtMostSoManySpans) {
  options_.max_spans = 3;
  for (uint8_t i = 1; i <= 3; ++i) span(1, i, 0);
  EXPECT_EQ(pipe_.take(), "");
  span(2, 1, 0);
  EXPECT_EQ(count(pipe_.take(), "3 spans"), 1U);
}

TEST_F(ConsoleSinkTest, SumsUpAFlood) {
  options_.max_traces_per_second = 10;
  SpanBatch batch;
  for (uint32_t i = 0; i < 500; ++i) add(batch, i, 1, 0, SpanKind::Server, i == 400);
  sink().deliver(batch);
  const std::string first = after(milliseconds(300));
  EXPECT_EQ(count(first, "trace "), 10U);
  EXPECT_EQ(count(first, "more"), 0U);
  EXPECT_EQ(after(milliseconds(1000)),
            "… 490 more traces (490 spans), slowest 1.00 ms, 1 with errors\n");
  span(1000, 1, 0);
  EXPECT_EQ(count(after(milliseconds(300)), "trace "), 1U);
}

TEST_F(ConsoleSinkTest, FinishSumsUpToo) {
  options_.max_traces_per_second = 10;
  for (uint32_t i = 0; i < 30; ++i) span(i, 1, 0);
  sink().finish();
  EXPECT_TRUE(pipe_.take().ends_with("… 20 more traces (20 spans), slowest 1.00 ms\n"));
}

TEST_F(ConsoleSinkTest, WhatASlowReaderMissedIsCounted) {
  const std::string filler(4096, '#');
  ::fcntl(pipe_.in(), F_SETFL, O_NONBLOCK);
  while (::write(pipe_.in(), filler.data(), filler.size()) > 0) {
  }
  for (uint32_t i = 0; i < 30; ++i) span(i, 1, 0);
  after(milliseconds(300));
  EXPECT_EQ(after(milliseconds(1000)), "… 30 more traces (30 spans), slowest 1.00 ms\n");
}

TEST_F(ConsoleSinkTest, ABrokenDescriptorFailsDeliveriesAndSaysSoOnce) {
  pipe_.close_out();
  EXPECT_EQ(span(1, 1, 0).outcome, Delivery::Outcome::Delivered);
  now_ += milliseconds(300);
  const Delivery breaking = span(2, 1, 0);
  EXPECT_EQ(breaking.outcome, Delivery::Outcome::Delivered);
  EXPECT_EQ(breaking.message, "console output: Broken pipe; 2 spans are not shown");
  const Delivery broken = span(3, 1, 0);
  EXPECT_EQ(broken.outcome, Delivery::Outcome::Failed);
  EXPECT_EQ(broken.message, "");
  sink().idle();
  sink().finish();
}

TEST(ConsoleOptions, ForAPipeIsPlain) {
  const TestPipe pipe;
  const ConsoleOptions options = ConsoleOptions::for_terminal(pipe.in());
  EXPECT_FALSE(options.color);
  EXPECT_EQ(options.fd, pipe.in());
}

}  // namespace
}  // namespace clew
