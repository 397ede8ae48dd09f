// What is lost is counted, and what is not lost is right.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <functional>
#include <random>
#include <utility>

#include "tests/unit/pipeline/pipeline_fixture.h"

namespace clew {
namespace {

class LossTest : public PipelineTest {
 protected:
  LossTest() { feed({wire.client.connection(now()), wire.server.connection(now())}); }
  /// Long enough for every gap to be given up.
  void wait() { pipeline.tick(time_ns += 200 * kMillisecond); }

  /// What hid an answer must not look like a failure of the service, nor like somebody else's
  /// answer.
  static void expect_blameless(const SpanCopy& span) {
    const auto status = span.attribute("http.response.status_code");
    EXPECT_TRUE(status.empty() || status == "200") << status;
    EXPECT_NE(span.status, SpanStatus::Error);
  }

  Wire wire{1, kCurl, kShop, 40000, 8080};
};

TEST_F(LossTest, ALostRequestIsCountedAndLaterExchangesAreRight) {
  exchange(wire, "/before");
  feed(wire.client.sent(get("/lost"), begins(51)));
  wire.server.received(get("/lost"), begins(52));  // its record never comes
  feed(wire.server.sent(ok("of the lost"), at()));
  feed(wire.client.received(ok("of the lost"), at()));
  exchange(wire, "/next");  // shows that something is missing
  wait();
  for (int i = 0; i < 3; ++i) exchange(wire, fmt::format("/after/{}", i));
  finish();
  EXPECT_EQ(count(Counter::stream_gaps), 1u);
  expect_pair("/before");
  EXPECT_EQ(client("/lost").attribute("http.response.status_code"), "200");
  EXPECT_EQ(client("/next").attribute("http.response.status_code"), "200");
  expect_blameless(server("/next"));
  for (int i = 0; i < 3; ++i) expect_pair(fmt::format("/after/{}", i));
}

TEST_F(LossTest, ALostResponseIsCountedAndLaterExchangesAreRight) {
  exchange(wire, "/before");
  feed(wire.client.sent(get("/lost"), begins(51)));
  feed(wire.server.received(get("/lost"), begins(52)));
  feed(wire.server.sent(ok(), at()));
  wire.client.received(ok(), at());
  exchange(wire, "/next");
  wait();
  for (int i = 0; i < 3; ++i) exchange(wire, fmt::format("/after/{}", i));
  finish();
  EXPECT_EQ(count(Counter::stream_gaps), 1u);
  expect_pair("/before");
  EXPECT_TRUE(server("/lost").is_child_of(client("/lost")));
  EXPECT_EQ(server("/lost").attribute("http.response.status_code"), "200");
  expect_blameless(client("/lost"));
  expect_blameless(client("/next"));
  for (int i = 0; i < 3; ++i) expect_pair(fmt::format("/after/{}", i));
}

TEST_F(LossTest, ALostBeginningIsCounted) {
  wire.server.received(get("/lost"), begins(52));
  feed(wire.server.sent(ok(), at()));
  for (int i = 0; i < 3; ++i) {
    feed(wire.server.received(get(fmt::format("/after/{}", i)), begins(1u + i)));
    feed(wire.server.sent(ok(), at()));
    wait();
  }
  finish();
  EXPECT_EQ(count(Counter::stream_gaps), 1u);
  for (int i = 1; i < 3; ++i) {
    EXPECT_EQ(server(fmt::format("/after/{}", i)).attribute("http.response.status_code"), "200");
  }
}

TEST_F(LossTest, ALostBeginningOfBothDirectionsIsCounted) {
  wire.server.received(get("/lost"), begins(52));
  wire.server.sent(ok(), at());
  feed(wire.server.received(get("/next"), begins(1)));
  feed(wire.server.sent(ok(), at()));
  wait();
  feed(wire.server.received(get("/after"), begins(2)));
  feed(wire.server.sent(ok(), at()));
  finish();
  EXPECT_EQ(count(Counter::stream_gaps), 2u);
  EXPECT_EQ(server("/after").attribute("http.response.status_code"), "200");
}

TEST_F(LossTest, ALostTailIsCounted) {
  feed(wire.client.sent(get("/tail"), begins(1)));
  feed(wire.server.received(get("/tail"), begins(2)));
  wire.server.sent(ok(), at());
  feed(wire.client.received(ok(), at()));
  feed(wire.server.closing(CLEW_CLOSING_SENT_FIN, now()));
  feed(wire.server.closing(CLEW_CLOSING_CLOSED, now()));
  pipeline.tick(time_ns += 2000 * kMillisecond);
  EXPECT_EQ(pipeline.connections(), 1u);
  finish();
  EXPECT_EQ(count(Counter::stream_gaps), 1u);
  EXPECT_EQ(client("/tail").attribute("http.response.status_code"), "200");
  EXPECT_EQ(server("/tail").attribute("http.response.status_code"), "");
}

TEST_F(LossTest, AnUnwantedProcessLosesNothing) {
  struct : ProcessObserver {
    void on_fork(uint32_t, uint32_t) override {}
    void on_exec(const clew_process&, ByteView) override {}
    void on_listen(uint32_t, uint16_t) override {}
    void on_exit(uint32_t) override {}
    bool wants(uint32_t) override { return false; }
  } nobody;
  pipeline.set_observer(&nobody);
  Wire other{11, kCurl, kShop, 40001, 8080};
  feed(other.server.connection(now()));
  other.server.received(get("/lost"), begins(52));
  feed(other.server.received(get("/after"), begins(1)));
  wait();
  finish();
  EXPECT_EQ(count(Counter::stream_gaps), 0u);
}

TEST_F(LossTest, AHiddenEndIsCounted) {
  feed(wire.server.received(get("/hidden"), begins(1)));
  // A chunked body whose middle was not copied, and not its end either.
  Operation operation = at();
  operation.uncopied = 5000;
  feed(
      wire.server.sent("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc", operation));
  feed(wire.server.received(get("/next"), begins(2)));
  feed(wire.server.sent(ok(), at()));
  finish();
  EXPECT_EQ(count(Counter::exchanges_hidden), 1u);
  EXPECT_EQ(server("/hidden").attribute("http.response.status_code"), "200");
  EXPECT_EQ(server("/next").attribute("http.response.status_code"), "200");
}

// Drops records and keeps the book that the pipeline ought to keep.
class BalanceTest : public PipelineTest {
 protected:
  /// Tells the answers of neighbouring exchanges apart.
  static int status_of(int exchange) {
    constexpr std::array kStatus = {200, 201, 202, 203, 206, 207, 208};
    return kStatus[static_cast<size_t>(exchange) % kStatus.size()];
  }

  /// Feeds the record, or loses it. A gap shows in its lane: an end's direction.
  void maybe(const Record& record, size_t lane, bool lose) {
    if (lose) {
      ++dropped;
      if (!std::exchange(open_gap[lane], true)) ++gaps;
      return;
    }
    open_gap[lane] = false;
    feed(record);
  }

  /// One connection from its beginning to its end; `lose` says which records never come.
  void run(int exchanges, const std::function<bool()>& lose) {
    Wire wire(1, kCurl, kShop, 40000, 8080);
    feed({wire.client.connection(now()), wire.server.connection(now())});
    for (int i = 0; i < exchanges; ++i) {
      const std::string path = fmt::format("/{}", i);
      const std::string response =
          fmt::format("HTTP/1.1 {} OK\r\nContent-Length: 2\r\n\r\nok", status_of(i));
      const auto span = static_cast<uint64_t>(i);
      maybe(wire.client.sent(get(path), begins(1 + span)), 0, lose());
      maybe(wire.server.received(get(path), begins(1001 + span)), 1, lose());
      maybe(wire.server.sent(response, at()), 2, lose());
      maybe(wire.client.received(response, at()), 3, lose());
      pipeline.tick(time_ns += 100 * kMillisecond);
    }
    for (SocketEnd* end : {&wire.client, &wire.server}) {
      feed(end->end_of_stream(now()));
      feed(end->closing(CLEW_CLOSING_SENT_FIN, now()));
      feed(end->closing(CLEW_CLOSING_CLOSED, now()));
    }
    pipeline.tick(time_ns += 2000 * kMillisecond);
    finish();
  }

  static std::string path_of(const SpanCopy& span) {
    if (span.kind == SpanKind::Server) return span.attribute("url.path");
    return span.attribute("url.full").substr(std::strlen("http://shop"));
  }
  bool has_own_status(const SpanCopy& span) const {
    const auto status = span.attribute("http.response.status_code");
    return status == std::to_string(status_of(std::stoi(path_of(span).substr(1))));
  }
  void expect_balance(int exchanges) {
    EXPECT_EQ(count(Counter::stream_gaps), gaps) << "every break is counted once";
    EXPECT_EQ(count(Counter::spans), log.spans.size());
    const auto both_ends = static_cast<uint64_t>(2 * exchanges);
    EXPECT_LE(log.spans.size(), both_ends);
    // A lost record hides its own exchange and can make the next one uncertain, and no more.
    EXPECT_GE(log.spans.size() + 2 * dropped, both_ends);
    for (const auto& span : log.spans) {
      if (span.kind != SpanKind::Server || span.is_root()) continue;
      EXPECT_TRUE(span.is_child_of(client(path_of(span)))) << "a link is right or left out";
    }
  }

  bool open_gap[4] = {};
  uint64_t dropped = 0, gaps = 0;
};

class OneLostTest : public BalanceTest, public ::testing::WithParamInterface<int> {};

TEST_P(OneLostTest, NoExchangeGetsAnothersAnswer) {
  int record = 0;
  run(10, [&] { return record++ == GetParam(); });
  expect_balance(10);
  for (const auto& span : log.spans) {
    const auto status = span.attribute("http.response.status_code");
    EXPECT_TRUE(status.empty() || has_own_status(span)) << path_of(span) << " " << status;
    EXPECT_NE(span.status, SpanStatus::Error) << path_of(span);
  }
  // What comes a while after the loss is whole again.
  for (int i = GetParam() / 4 + 3; i < 10; ++i) {
    const std::string path = fmt::format("/{}", i);
    EXPECT_TRUE(server(path).is_child_of(client(path)));
    EXPECT_TRUE(has_own_status(server(path))) << path;
    EXPECT_TRUE(has_own_status(client(path))) << path;
  }
}

INSTANTIATE_TEST_SUITE_P(Records, OneLostTest, ::testing::Range(0, 40));

class RandomLossTest : public BalanceTest, public ::testing::WithParamInterface<uint32_t> {
 protected:
  std::mt19937 random{GetParam()};
};

TEST_P(RandomLossTest, SpansAndCountsExplainWhatHappened) {
  run(60, [&] { return random() % 12 == 0; });
  expect_balance(60);
}

TEST_P(RandomLossTest, NothingLostNothingMissing) {
  Wire wire(1, kCurl, kShop, 40000, 8080);
  feed({wire.client.connection(now()), wire.server.connection(now())});
  std::vector<Record> records;
  constexpr int kExchanges = 30;
  for (int i = 0; i < kExchanges; ++i) {
    const std::string path = fmt::format("/{}", i);
    const auto span = static_cast<uint64_t>(i);
    const auto cut = static_cast<size_t>(1 + random() % 20);
    records.push_back(wire.client.sent(get(path).substr(0, cut), begins(1 + span)));
    records.push_back(wire.client.sent(get(path).substr(cut), at()));
    records.push_back(wire.server.received(get(path), begins(1001 + span)));
    records.push_back(wire.server.sent(ok(path).substr(0, 30), at()));
    records.push_back(wire.server.sent(ok(path).substr(30), at()));
    records.push_back(wire.client.received(ok(path), at()));
  }
  for (size_t i = 0; i + 1 < records.size(); ++i) {
    if (random() % 3 == 0) {
      std::swap(records[i], records[i + 1]);
      ++i;
    }
  }
  for (const auto& record : records) feed(record);
  finish();
  ASSERT_EQ(log.spans.size(), 2u * kExchanges);
  for (int i = 0; i < kExchanges; ++i) expect_pair(fmt::format("/{}", i));
  expect_no_loss();
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomLossTest, ::testing::Range(0u, 50u));

}  // namespace
}  // namespace clew
