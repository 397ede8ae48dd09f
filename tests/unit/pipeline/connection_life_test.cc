// How connections begin, end, come back and are refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/unit/pipeline/pipeline_fixture.h"

namespace clew {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;

class ConnectionLifeTest : public PipelineTest {
 protected:
  ConnectionLifeTest() { feed({wire.client.connection(now()), wire.server.connection(now())}); }

  void close(SocketEnd& end) {
    feed(end.closing(CLEW_CLOSING_SENT_FIN, now()));
    feed(end.closing(CLEW_CLOSING_CLOSED, now()));
  }

  Wire wire{1, kCurl, kShop, 40000, 8080};
};

TEST_F(ConnectionLifeTest, AnIdleConnectionGoesSoonAfterItClosed) {
  exchange(wire, "/cart");
  EXPECT_EQ(pipeline.connections(), 2u);
  close(wire.client);
  close(wire.server);
  pipeline.tick(time_ns + 2 * kSecond);
  EXPECT_EQ(pipeline.connections(), 0u);
  finish();
  expect_pair("/cart");
}

TEST_F(ConnectionLifeTest, BytesMayBeReadAfterTheClose) {
  feed(wire.client.sent(get("/late"), begins(1)));
  feed(wire.server.received(get("/late"), begins(2)));
  feed(wire.server.sent(ok(), at()));
  close(wire.server);
  close(wire.client);  // the answer waits in its socket
  pipeline.tick(now());
  feed(wire.client.received(ok(), at()));
  pipeline.tick(time_ns + 2 * kSecond);
  EXPECT_EQ(pipeline.connections(), 0u);
  finish();
  expect_pair("/late");
  expect_no_loss();
}

TEST_F(ConnectionLifeTest, WhatTrailsAClosedIdleConnectionIsNoNewConnection) {
  exchange(wire, "/first");
  close(wire.client);
  feed(wire.client.sent("trailing", at()));
  feed(wire.client.end_of_stream(now()));
  EXPECT_EQ(pipeline.connections(), 1u);
  pipeline.tick(time_ns + 2 * kSecond);
  finish();
  EXPECT_EQ(log.spans.size(), 2u);
  expect_pair("/first");
}

TEST_F(ConnectionLifeTest, ItsSegmentsMayComeBeforeAConnectionsRecord) {
  Wire other{11, kCurl, kShop, 40001, 8080};
  feed(other.server.received(get("/early"), begins(1)));
  feed({other.server.connection(now()), other.server.sent(ok(), at())});
  feed(other.server.received(get("/next"), begins(2)));
  feed(other.server.sent(ok(), at()));
  finish();
  EXPECT_EQ(server("/early").attribute("http.response.status_code"), "200");
  EXPECT_EQ(server("/next").attribute("client.address"), "127.0.0.1");
  expect_no_loss();
}

TEST_F(ConnectionLifeTest, AnExchangeThatWasNeverAnsweredEnds) {
  feed(wire.client.sent(get("/never"), begins(1)));
  close(wire.client);
  pipeline.tick(time_ns + 2 * kSecond);
  finish();
  EXPECT_EQ(client("/never").status, SpanStatus::Error);
  EXPECT_EQ(client("/never").attribute("http.response.status_code"), "");
}

TEST_F(ConnectionLifeTest, TheEndOfTheStreamEndsABody) {
  const std::string head = "HTTP/1.1 200 OK\r\n\r\nuntil the end";
  feed(wire.client.sent(get("/all"), begins(1)));
  feed(wire.server.received(get("/all"), begins(2)));
  feed(wire.server.sent(head, at()));
  feed(wire.client.received(head, at()));
  feed(wire.client.received(" of the stream", at()));
  feed(wire.client.end_of_stream(now()));
  const uint64_t ended_ns = time_ns;
  close(wire.server);
  finish();
  expect_pair("/all");
  EXPECT_EQ(client("/all").end_ns, ended_ns);
  EXPECT_EQ(client("/all").status, SpanStatus::Unset);
  EXPECT_EQ(server("/all").status, SpanStatus::Unset);
}

TEST_F(ConnectionLifeTest, ASocketThatConnectsAgainIsAnotherConnection) {
  exchange(wire, "/first");
  wire.client.reconnect(40001, 99);
  Wire second{1, kCurl, kShop, 40001, 8080};
  second.server = SocketEnd(7, CLEW_ROLE_SERVER, kShop, {.port = 8080}, {.port = 40001});
  feed({second.client.connection(now()), second.server.connection(now())});
  exchange(second, "/second");
  finish();
  ASSERT_EQ(log.spans.size(), 4u);
  expect_pair("/first");
  expect_pair("/second");
  expect_no_loss();
}

// The old connection's time to be read out must not end the new one.
TEST_F(ConnectionLifeTest, ASocketThatConnectsAgainOutlivesItsFirstClose) {
  feed(wire.client.sent(get("/never"), begins(1)));
  close(wire.client);
  const uint64_t closed_ns = time_ns;
  Wire second{1, kCurl, kShop, 40001, 8080};
  feed(second.client.connection(now()));
  feed(second.client.sent(get("/slow"), begins(2)));
  pipeline.tick(closed_ns + 2 * kSecond);
  feed(second.client.received(ok(), {.time_ns = closed_ns + 3 * kSecond}));
  pipeline.finish(closed_ns + 4 * kSecond);
  EXPECT_EQ(client("/slow").attribute("http.response.status_code"), "200");
  EXPECT_EQ(client("/slow").end_ns, closed_ns + 3 * kSecond);
  EXPECT_EQ(client("/never").status, SpanStatus::Error);
}

TEST_F(ConnectionLifeTest, FinishEndsWhatIsOpen) {
  feed(wire.client.sent(get("/open"), begins(1)));
  feed(wire.server.received(get("/open"), begins(2)));
  feed(wire.server.sent("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", at()));
  finish();
  EXPECT_EQ(log.spans.size(), 2u);
  EXPECT_EQ(pipeline.connections(), 0u);
  EXPECT_EQ(client("/open").end_ns, time_ns);
  EXPECT_TRUE(server("/open").is_child_of(client("/open")));
}

class Judge final : public ProcessObserver {
 public:
  void on_fork(uint32_t parent, uint32_t child) override {
    events.push_back(fmt::format("fork {} {}", parent, child));
  }
  void on_exec(const clew_process& record, ByteView arguments) override {
    events.push_back(fmt::format("exec {} {} {}", record.record.tgid, record.filename,
                                 fmt::join(split_arguments(as_text(arguments)), "|")));
  }
  void on_listen(uint32_t tgid, uint16_t port) override {
    events.push_back(fmt::format("listen {} {}", tgid, port));
  }
  void on_exit(uint32_t tgid) override { events.push_back(fmt::format("exit {}", tgid)); }
  bool wants(uint32_t tgid) override { return !unwanted.contains(tgid); }

  std::vector<std::string> events;
  std::set<uint32_t> unwanted;
};

class JudgedTest : public PipelineTest {
 protected:
  JudgedTest() { pipeline.set_observer(&judge); }
  Judge judge;
};

TEST_F(JudgedTest, NothingIsMadeOfAnUnwantedProcess) {
  judge.unwanted = {kCurl};
  Wire wire(1, kCurl, kShop, 40000, 8080);
  feed({wire.client.connection(now()), wire.server.connection(now())});
  exchange(wire, "/cart");
  exchange(wire, "/more");
  feed(wire.client.closing(CLEW_CLOSING_CLOSED, now()));
  finish();
  EXPECT_EQ(log.spans.size(), 2u);
  EXPECT_TRUE(server("/cart").is_root());
  EXPECT_TRUE(server("/more").is_root());
  expect_no_loss();
}

TEST_F(JudgedTest, ASocketThatConnectsAgainIsJudgedAgain) {
  judge.unwanted = {kCurl};
  Wire wire(1, kCurl, kShop, 40000, 8080);
  feed(wire.client.connection(now()));
  feed(wire.client.sent(get("/before"), begins(1)));
  judge.unwanted.clear();
  wire.client.reconnect(40001, 99);
  feed(wire.client.connection(now()));
  feed(wire.client.sent(get("/after"), begins(2)));
  feed(wire.client.received(ok(), at()));
  finish();
  ASSERT_EQ(log.spans.size(), 1u);
  EXPECT_EQ(client("/after").attribute("http.response.status_code"), "200");
}

TEST_F(JudgedTest, ProcessEventsArePassedOn) {
  using namespace std::string_literals;
  feed(process_record(CLEW_PROCESS_FORK, 20'000'001, kShop, now()));
  feed(process_record(CLEW_PROCESS_EXEC, 20'000'001, kShop, now(), "/bin/x", "x\0-v\0"s));
  Record listening = process_record(CLEW_PROCESS_LISTEN, 20'000'001, 0, now());
  reinterpret_cast<clew_process*>(listening.data())->record.flags = 8080;
  feed(listening);
  feed(process_record(CLEW_PROCESS_EXIT, 20'000'001, 0, now()));
  EXPECT_THAT(judge.events,
              ::testing::ElementsAre("fork 10000003 20000001", "exec 20000001 /bin/x x|-v",
                                     "listen 20000001 8080", "exit 20000001"));
  EXPECT_EQ(count(Counter::bad_records), 0u);
}

TEST_F(JudgedTest, AForkedWorkerIsCalledLikeItsParent) {
  constexpr uint32_t kWorker = 20'000'001;
  feed(process_record(CLEW_PROCESS_FORK, kWorker, kShop, now()));
  Wire wire(1, kCurl, kWorker, 40000, 8080);
  feed({wire.client.connection(now()), wire.server.connection(now())});
  exchange(wire, "/cart");
  feed(process_record(CLEW_PROCESS_EXIT, kWorker, 0, now()));
  finish();
  EXPECT_EQ(server("/cart").service, "shop");
}

TEST_F(JudgedTest, AProcessNobodyKnowsIsCalledByItsCommand) {
  Wire wire(1, 20'000'001, 20'000'002, 40000, 8080);
  feed({wire.client.connection(now()), wire.server.connection(now())});
  exchange(wire, "/cart");
  finish();
  EXPECT_EQ(server("/cart").service, "command");
}

class FewConnectionsTest : public ::testing::Test {
 protected:
  SpanLog log;
  Pipeline pipeline{{.connections = 4, .stream = {}},
                    {},
                    [this](std::shared_ptr<const SpanBatch> batch) { log.take(batch); }};
};

TEST_F(FewConnectionsTest, TheLimitEvictsAndCounts) {
  for (uint16_t i = 0; i < 10; ++i) {
    SocketEnd end(100u + i, CLEW_ROLE_SERVER, 10'000'001, {.port = 80},
                  {.port = static_cast<uint16_t>(5000 + i)});
    pipeline.on_record(end.connection(1));
    pipeline.on_record(end.received(get(fmt::format("/{}", i)), {.time_ns = 10u + i}));
    EXPECT_LE(pipeline.connections(), 4u);
  }
  EXPECT_EQ(pipeline.counters()[Counter::connections_evicted], 6u);
  pipeline.finish(100);
  EXPECT_EQ(log.spans.size(), 10u) << "an evicted connection's exchanges end, they do not vanish";
}

}  // namespace
}  // namespace clew
