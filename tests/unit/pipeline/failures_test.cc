// What went wrong, and connections without addresses: how they are told.
#include <gtest/gtest.h>

#include <cerrno>

#include "tests/unit/pipeline/pipeline_fixture.h"

namespace clew {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;

class FailuresTest : public PipelineTest {
 protected:
  Record connect_failed(int error, clew_context context, uint8_t evidence = CLEW_EVIDENCE_NONE) {
    clew_connect_failed record{};
    record.record.kind = CLEW_RECORD_CONNECT_FAILED;
    record.record.detail = evidence;
    record.record.tgid = kShop;
    record.begin_ns = now();
    record.record.time_ns = now();
    record.cookie = 77;
    Endpoint{.address = "10.1.2.3", .port = 5432}.write_to(record.remote);
    record.remote_port = 5432;
    record.tid = kShop;
    record.error = error;
    record.context = context;
    return make_record(record);
  }

  Record failed(SocketEnd& end, clew_direction direction, int error) {
    clew_segment record{};
    record.record.kind = CLEW_RECORD_SEGMENT;
    record.record.detail = static_cast<uint8_t>(direction);
    record.record.tgid = end.tgid();
    record.record.time_ns = now();
    record.cookie = end.cookie();
    record.result = -error;
    return make_record(record);
  }

  void open(Wire& to) { feed({to.client.connection(now()), to.server.connection(now())}); }

  Wire wire{1, kCurl, kShop, 40000, 8080};
};

TEST_F(FailuresTest, AConnectThatFailedIsASpan) {
  const struct {
    int error;
    const char* name;
  } cases[] = {{ECONNREFUSED, "connection_refused"},
               {ETIMEDOUT, "timed_out"},
               {EHOSTUNREACH, "host_unreachable"},
               {ENETUNREACH, "network_unreachable"},
               {0, "abandoned"},
               {EHOSTDOWN, "EHOSTDOWN"}};
  for (const auto& c : cases) feed(connect_failed(c.error, context_of(++spans_made)));
  finish();
  ASSERT_EQ(log.spans.size(), std::size(cases));
  for (size_t i = 0; i < std::size(cases); ++i) {
    const auto& span = log.spans[i];
    EXPECT_EQ(span.kind, SpanKind::Client);
    EXPECT_EQ(span.name, "connect");
    EXPECT_EQ(span.status, SpanStatus::Error);
    EXPECT_EQ(span.attribute("error.type"), cases[i].name);
    EXPECT_EQ(span.attribute("server.address"), "10.1.2.3");
    EXPECT_EQ(span.attribute("server.port"), "5432");
  }
  expect_no_loss();
}

TEST_F(FailuresTest, AFailedConnectBelongsToTheRequestThatAskedForIt) {
  open(wire);
  feed(wire.client.sent(get("/cart"), begins(1)));
  feed(wire.server.received(get("/cart"), begins(2)));
  feed(connect_failed(ECONNREFUSED, context_of(3, 2), CLEW_EVIDENCE_TURN));
  feed(wire.server.sent(ok(), at()));
  feed(wire.client.received(ok(), at()));
  finish();
  const auto& connect = log.find(SpanKind::Client, "error.type", "connection_refused");
  EXPECT_TRUE(connect.is_child_of(server("/cart")));
  EXPECT_EQ(connect.link(), "thread");
}

TEST_F(FailuresTest, AResetIsToldByEitherWayInWhichItIsSeen) {
  open(wire);
  feed(wire.client.sent(get("/read"), begins(1)));
  feed(failed(wire.client, CLEW_RECEIVED, ECONNRESET));
  feed(wire.client.closing(CLEW_CLOSING_CLOSED, now()));
  Wire other{11, kCurl, kShop, 40001, 8080};
  open(other);
  feed(other.client.sent(get("/closed"), begins(2)));
  Record closing = other.client.closing(CLEW_CLOSING_CLOSED, now());
  reinterpret_cast<clew_closing*>(closing.data())->error = ECONNRESET;
  feed(closing);
  finish();
  EXPECT_EQ(client("/read").attribute("error.type"), "connection_reset");
  EXPECT_EQ(client("/closed").attribute("error.type"), "connection_reset");
}

TEST_F(FailuresTest, AnErrorThatIsNoEndTellsNothing) {
  open(wire);
  feed(wire.client.sent(get("/one"), begins(1)));
  feed(failed(wire.client, CLEW_RECEIVED, EFAULT));
  feed(wire.client.closing(CLEW_CLOSING_CLOSED, now()));
  finish();
  EXPECT_EQ(client("/one").attribute("error.type"), "no_response");
}

TEST_F(FailuresTest, AnAnswerThatCameWholeIsNoErrorWhateverFollows) {
  open(wire);
  exchange(wire, "/one");
  feed(failed(wire.client, CLEW_RECEIVED, ECONNRESET));
  finish();
  expect_pair("/one");
  EXPECT_EQ(client("/one").attribute("error.type"), "");
}

TEST_F(FailuresTest, TheEndOfItsProcessEndsAnExchange) {
  open(wire);
  feed(wire.client.sent(get("/one"), begins(1)));
  feed(wire.server.received(get("/one"), begins(2)));
  feed(process_record(CLEW_PROCESS_EXIT, kShop, 0, now()));
  feed(wire.server.closing(CLEW_CLOSING_FINISHED, now()));
  feed(wire.client.end_of_stream(now()));
  feed(wire.client.closing(CLEW_CLOSING_FINISHED, now()));
  finish();
  EXPECT_EQ(server("/one").attribute("error.type"), "process_ended");
  EXPECT_EQ(client("/one").attribute("error.type"), "no_response");
}

TEST_F(FailuresTest, AProcessThatClosedFirstDidNotEndWithIt) {
  open(wire);
  feed(wire.client.sent(get("/one"), begins(1)));
  feed(wire.client.closing(CLEW_CLOSING_FINISHED, now()));
  feed(process_record(CLEW_PROCESS_EXIT, kCurl, 0, now()));
  finish();
  EXPECT_EQ(client("/one").attribute("error.type"), "no_response");
}

class UnixTest : public PipelineTest {
 protected:
  Record connection(const SocketEnd& end, uint64_t peer, std::string_view name) {
    Record record = end.connection(now(), false);
    auto& fixed = *reinterpret_cast<clew_connection*>(record.data());
    const uint64_t own = end.cookie();
    fixed.family = AF_UNIX;
    fixed.protocol = 0;
    std::memset(fixed.local, 0, sizeof(fixed.local));
    std::memset(fixed.remote, 0, sizeof(fixed.remote));
    std::memcpy(fixed.local, &own, sizeof(own));
    std::memcpy(fixed.remote, &peer, sizeof(peer));
    fixed.local_port = fixed.remote_port = 0;
    fixed.name_length = static_cast<uint32_t>(name.size());
    record.insert(record.end(), name.begin(), name.end());
    return record;
  }
  void open(std::string_view name) {
    feed({connection(wire.client, wire.server.cookie(), name),
          connection(wire.server, wire.client.cookie(), name)});
  }

  Wire wire{1, kCurl, kShop, 0, 0};
};

TEST_F(UnixTest, BothEndsFindEachOther) {
  open(std::string_view("/run/shop.sock\0\0", 16));
  exchange(wire, "/one");
  exchange(wire, "/two");
  finish();
  expect_pair("/one");
  expect_pair("/two");
  EXPECT_EQ(client("/one").attribute("network.transport"), "unix");
  EXPECT_EQ(client("/one").attribute("network.peer.address"), "/run/shop.sock");
  EXPECT_EQ(server("/one").attribute("network.peer.address"), "");
  expect_no_loss();
}

TEST_F(UnixTest, AbstractNamesBeginWithAnAt) {
  open(std::string_view("\0shop", 5));
  exchange(wire, "/one");
  finish();
  EXPECT_EQ(client("/one").attribute("network.peer.address"), "@shop");
}

TEST_F(UnixTest, AReaderAtTheEndTellsThatTheOtherHasClosed) {
  open("/run/shop.sock");
  feed(wire.client.sent(get("/one"), begins(1)));
  feed(wire.server.received(get("/one"), begins(2)));
  feed(wire.server.sent("HTTP/1.1 200 OK\r\n\r\nuntil the end", at()));
  feed(wire.client.received("HTTP/1.1 200 OK\r\n\r\nuntil the end", at()));
  feed(wire.client.end_of_stream(now()));
  pipeline.tick(time_ns + 2 * kSecond);
  EXPECT_EQ(pipeline.connections(), 0u);
  finish();
  expect_pair("/one");
  EXPECT_EQ(server("/one").attribute("error.type"), "");
}

TEST_F(UnixTest, ItsOwnEndMayStillServeWhenThePeerHasClosedItsHalf) {
  open("/run/shop.sock");
  feed(wire.client.sent(get("/one"), begins(1)));
  feed(wire.server.received(get("/one"), begins(2)));
  feed(wire.server.end_of_stream(now()));
  time_ns += 3 * kSecond;
  pipeline.tick(time_ns);
  feed(wire.server.sent(ok(), at()));
  feed(wire.client.received(ok(), at()));
  finish();
  expect_pair("/one");
}

TEST_F(UnixTest, ANameLongerThanTheRecordIsABadRecord) {
  Record record = connection(wire.client, 2, "/run/shop.sock");
  record.pop_back();
  feed(record);
  EXPECT_EQ(count(Counter::bad_records), 1u);
}

TEST_F(UnixTest, ItsConnectionsGoWithTheProcess) {
  open("/run/shop.sock");
  exchange(wire, "/one");
  feed(process_record(CLEW_PROCESS_EXIT, kCurl, 0, now()));
  feed(process_record(CLEW_PROCESS_EXIT, kShop, 0, now()));
  pipeline.tick(time_ns + 2 * kSecond);
  EXPECT_EQ(pipeline.connections(), 0u);
  finish();
  expect_pair("/one");
}

}  // namespace
}  // namespace clew
