#include "exporter/console/span_summary.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/unit/console/test_traces.h"

namespace clew::console {
namespace {

struct Given {
  Span span;
  AttributeWriter attributes;

  explicit Given(SpanKind kind) {
    span.kind = kind;
    span.name = "the name";
    span.start_unix_ns = 100;
    span.end_unix_ns = 250;
  }
  Given& text(std::string_view key, std::string_view value) {
    attributes.text(key, value);
    return *this;
  }
  Given& number(std::string_view key, int64_t value, AttributeType type = AttributeType::Integer) {
    if (type == AttributeType::Boolean) {
      attributes.boolean(key, value != 0);
    } else {
      attributes.integer(key, value);
    }
    return *this;
  }
  SpanSummary summary() {
    span.attributes = attributes.written();
    return summarise(span, resource_of("shop", "cpython"));
  }
};

TEST(SpanSummary, ReadsAServerSpan) {
  const SpanSummary s = Given(SpanKind::Server)
                            .text("http.request.method", "GET")
                            .text("url.path", "/checkout")
                            .number("http.response.status_code", 200)
                            .text("server.address", "localhost")
                            .summary();
  EXPECT_EQ(s.operation, "GET");
  EXPECT_EQ(s.target, "/checkout");
  EXPECT_EQ(s.status, "200");
  EXPECT_EQ(s.peer, "");
  EXPECT_FALSE(s.failed);
  EXPECT_FALSE(s.incomplete);
  EXPECT_EQ(s.duration_ns(), 150U);
  EXPECT_EQ(s.service(), "shop");
  EXPECT_EQ(runtime_name(*s.resource), "cpython");
}

TEST(SpanSummary, ReadsAClientSpan) {
  const SpanSummary s = Given(SpanKind::Client)
                            .text("http.request.method", "POST")
                            .text("url.full", "http://user:pw@h:8080/a/b?secret=1#f")
                            .text("server.address", "h")
                            .number("server.port", 8080)
                            .summary();
  EXPECT_EQ(s.target, "/a/b");
  EXPECT_EQ(s.peer, "h:8080");
}

TEST(SpanSummary, PathOfUnusualUrls) {
  const auto target = [](std::string_view url) {
    return Given(SpanKind::Client)
        .text("http.request.method", "GET")
        .text("url.full", url)
        .summary()
        .target;
  };
  EXPECT_EQ(target("http://h"), "/");
  EXPECT_EQ(target("http://h?x=/y"), "/");
  EXPECT_EQ(target("/only/path"), "/only/path");
}

TEST(SpanSummary, PeerInBracketsForIpv6) {
  EXPECT_EQ(Given(SpanKind::Client)
                .text("server.address", "::1")
                .number("server.port", 80)
                .summary()
                .peer,
            "[::1]:80");
}

TEST(SpanSummary, FallsBackToTheName) {
  const SpanSummary s =
      Given(SpanKind::Client).text("db.system.name", "redis").text("server.address", "h").summary();
  EXPECT_EQ(s.operation, "the name");
  EXPECT_EQ(s.target, "");
  EXPECT_EQ(s.peer, "redis");
}

TEST(SpanSummary, ReasonSaysMoreThanTheStatusIfItCan) {
  Given plain(SpanKind::Server);
  plain.span.status = SpanStatus::Error;
  EXPECT_EQ(plain.summary().reason, "error");
  EXPECT_TRUE(plain.summary().failed);

  Given http(SpanKind::Server);
  http.span.status = SpanStatus::Error;
  http.number("http.response.status_code", 500).text("error.type", "500");
  EXPECT_EQ(http.summary().reason, "500");
  http.span.status_message = "no stock";
  EXPECT_EQ(http.summary().reason, "no stock");

  EXPECT_EQ(Given(SpanKind::Client).text("error.type", "timeout").summary().reason, "timeout");
}

TEST(SpanSummary, IncompleteUnlessFalse) {
  EXPECT_TRUE(Given(SpanKind::Server).text("clew.incomplete", "cut").summary().incomplete);
  EXPECT_TRUE(Given(SpanKind::Server)
                  .number("clew.incomplete", 1, AttributeType::Boolean)
                  .summary()
                  .incomplete);
  EXPECT_FALSE(Given(SpanKind::Server)
                   .number("clew.incomplete", 0, AttributeType::Boolean)
                   .summary()
                   .incomplete);
}

TEST(SpanSummary, BoundsItsMemoryAndTurnsNoTimeBack) {
  const std::string huge(100'000, 'x');
  Given given(SpanKind::Client);
  given.span.end_unix_ns = 1;
  given.span.status_message = huge;
  given.span.status = SpanStatus::Error;
  const SpanSummary s = given.text("http.request.method", huge)
                            .text("url.full", "http://h/" + huge)
                            .text("server.address", huge)
                            .text("rpc.response.status_code", huge)
                            .summary();
  EXPECT_EQ(s.duration_ns(), 0U);
  for (const std::string& text : {s.operation, s.target, s.status, s.reason, s.peer}) {
    EXPECT_LT(text.size(), 300U);
    EXPECT_FALSE(text.empty());
  }
}

}  // namespace
}  // namespace clew::console
