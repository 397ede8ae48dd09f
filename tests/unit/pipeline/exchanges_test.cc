// From records to spans where nothing is lost.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/pipeline/pipeline_fixture.h"

namespace clew {
namespace {

class ExchangesTest : public PipelineTest {};

TEST_F(ExchangesTest, BothEndsOfAnExchangeAreOneTrace) {
  Wire wire(1, kCurl, kShop, 40000, 8080);
  feed({wire.client.connection(now()), wire.server.connection(now())});
  exchange(wire, "/cart");
  finish();
  ASSERT_EQ(log.spans.size(), 2u);
  expect_pair("/cart");
  EXPECT_TRUE(client("/cart").is_root());
  EXPECT_EQ(client("/cart").service, "curl");
  EXPECT_EQ(server("/cart").service, "shop");
  EXPECT_EQ(server("/cart").attribute("client.address"), "127.0.0.1");
  EXPECT_EQ(client("/cart").attribute("network.peer.port"), "8080");
  expect_no_loss();
}

TEST_F(ExchangesTest, TimesAreTheKernels) {
  pipeline.set_clock_offset(1'000'000'000'000);
  Wire wire(1, kCurl, kShop, 40000, 8080);
  feed({wire.client.connection(10), wire.server.connection(10)});
  feed(wire.client.sent(get("/"), {.time_ns = 120, .begin_delta_ns = 20}));
  feed(wire.server.received(get("/"), {.time_ns = 110}));
  feed(wire.server.sent(ok(), {.time_ns = 200}));
  feed(wire.client.received(ok(), {.time_ns = 210}));
  finish();
  EXPECT_EQ(client("/").start_ns, 1'000'000'000'100u) << "when the send began";
  EXPECT_EQ(client("/").end_ns, 1'000'000'000'210u);
  EXPECT_EQ(server("/").start_ns, 1'000'000'000'110u);
  EXPECT_EQ(server("/").end_ns, 1'000'000'000'200u);
}

// curl -> nginx -> shop. The kernel gave each hop a trace of its own; the joins make them one.
TEST_F(ExchangesTest, AChainOfThreeProcessesIsOneTrace) {
  Wire front(1, kCurl, kNginx, 40000, 80);
  Wire back(3, kNginx, kShop, 50000, 8080);
  feed({front.client.connection(now()), front.server.connection(now())});
  feed(front.client.sent(get("/outer"), begins(1)));
  feed(front.server.received(get("/outer"), begins(2)));
  feed({back.client.connection(now()), back.server.connection(now())});
  feed(back.client.sent(get("/inner"), begins(3, 2, CLEW_EVIDENCE_TURN)));
  feed(back.server.received(get("/inner"), begins(4)));
  feed(back.server.sent(ok(), at()));
  feed(back.client.received(ok(), at()));
  feed(front.server.sent(ok(), at()));
  feed(front.client.received(ok(), at()));
  finish();
  ASSERT_EQ(log.spans.size(), 4u);
  expect_pair("/outer");
  expect_pair("/inner");
  EXPECT_TRUE(client("/inner").is_child_of(server("/outer")));
  EXPECT_EQ(client("/inner").link(), "thread");
  EXPECT_EQ(server("/inner").trace_id, client("/outer").trace_id);
  expect_no_loss();
}

// The same where each sender's record comes after all that its bytes set off.
TEST_F(ExchangesTest, ChainsDoNotDependOnTheOrderOfRecords) {
  Wire front(1, kCurl, kNginx, 40000, 80);
  Wire back(3, kNginx, kShop, 50000, 8080);
  const Record outer_sent = front.client.sent(get("/outer"), begins(1));
  const Record outer_received = front.server.received(get("/outer"), begins(2));
  const Record inner_sent = back.client.sent(get("/inner"), begins(3, 2, CLEW_EVIDENCE_TURN));
  feed({back.server.connection(now()), back.server.received(get("/inner"), begins(4))});
  feed(back.server.sent(ok(), at()));
  feed({front.server.connection(now()), outer_received, back.client.connection(now()), inner_sent});
  feed(back.client.received(ok(), at()));
  feed(front.server.sent(ok(), at()));
  feed({front.client.connection(now()), outer_sent, front.client.received(ok(), at())});
  finish();
  ASSERT_EQ(log.spans.size(), 4u);
  expect_pair("/outer");
  expect_pair("/inner");
  EXPECT_TRUE(client("/inner").is_child_of(server("/outer")));
  expect_no_loss();
}

TEST_F(ExchangesTest, KeepAlive) {
  Wire wire(1, kCurl, kShop, 40000, 8080);
  feed({wire.client.connection(now()), wire.server.connection(now())});
  for (int i = 0; i < 50; ++i) exchange(wire, fmt::format("/{}", i));
  finish();
  ASSERT_EQ(log.spans.size(), 100u);
  for (int i = 0; i < 50; ++i) expect_pair(fmt::format("/{}", i));
  expect_no_loss();
}

TEST_F(ExchangesTest, PipelinedInOneOperation) {
  Wire wire(1, kCurl, kShop, 40000, 8080);
  feed({wire.client.connection(now()), wire.server.connection(now())});
  std::string requests, responses;
  for (int i = 0; i < 16; ++i) {
    requests += get(fmt::format("/{}", i));
    responses += ok(std::to_string(i));
  }
  feed(wire.client.sent(requests, begins(1)));
  feed(wire.server.received(requests, begins(2)));
  feed(wire.server.sent(responses, at()));
  feed(wire.client.received(responses, at()));
  finish();
  ASSERT_EQ(log.spans.size(), 32u);
  for (int i = 0; i < 16; ++i) expect_pair(fmt::format("/{}", i));
  expect_no_loss();
}

TEST_F(ExchangesTest, OperationsAtTheTwoEndsNeedNotMatch) {
  Wire wire(1, kCurl, kShop, 40000, 8080);
  feed({wire.client.connection(now()), wire.server.connection(now())});
  const std::string requests = get("/a") + get("/b");
  feed(wire.client.sent(requests, begins(1)));
  feed(wire.server.received(requests.substr(0, 50), begins(2)));
  feed(wire.server.received(requests.substr(50), at()));
  feed(wire.server.sent(ok(), at()));
  feed(wire.server.sent(ok(), at()));
  feed(wire.client.received(ok() + ok(), at()));
  finish();
  expect_pair("/a");
  expect_pair("/b");
  expect_no_loss();
}

TEST_F(ExchangesTest, AHeadOneByteAtATime) {
  Wire wire(1, kCurl, kShop, 40000, 8080);
  Wire next(3, kShop, kNginx, 50000, 9000);
  feed({wire.client.connection(now()), wire.server.connection(now()),
        next.client.connection(now())});
  const std::string request = "OPTIONS /slow HTTP/1.1\r\nHost: shop\r\n\r\n";
  bool first = true;
  for (const char byte : request) {
    const std::string one(1, byte);
    feed(wire.client.sent(one, first ? begins(1) : at()));
    feed(wire.server.received(one, first ? begins(2) : at()));
    first = false;
  }
  const uint64_t begun_ns = 1'000'000'000 + 5 * kMillisecond;
  feed(next.client.sent(get("/next"), begins(3, 2, CLEW_EVIDENCE_TURN)));
  for (const char byte : ok()) {
    const std::string one(1, byte);
    feed(wire.server.sent(one, at()));
    feed(wire.client.received(one, at()));
  }
  finish();
  expect_pair("/slow");
  EXPECT_EQ(client("/slow").span_id[0], 1) << "the ids that the kernel gave to the first byte";
  EXPECT_EQ(server("/slow").span_id[0], 2);
  EXPECT_EQ(server("/slow").start_ns, begun_ns);
  EXPECT_TRUE(client("/next").is_child_of(server("/slow")));
  expect_no_loss();
}

TEST_F(ExchangesTest, AResponseRecordedBeforeItsRequest) {
  Wire wire(1, kCurl, kShop, 40000, 8080);
  feed({wire.client.connection(now()), wire.server.connection(now())});
  const Record sent = wire.client.sent(get("/fast"), begins(1));
  feed(wire.server.received(get("/fast"), begins(2)));
  feed(wire.server.sent(ok(), at()));
  feed({wire.client.received(ok(), at()), sent});
  finish();
  expect_pair("/fast");
  expect_no_loss();
}

TEST_F(ExchangesTest, SegmentsOfOneDirectionSwapped) {
  Wire wire(1, kCurl, kShop, 40000, 8080);
  feed({wire.client.connection(now()), wire.server.connection(now())});
  for (int i = 0; i < 10; ++i) {
    const std::string path = fmt::format("/{}", i);
    const std::string request = get(path), response = ok("some body");
    Record sent[] = {wire.client.sent(request.substr(0, 20), begins(10u + i)),
                     wire.client.sent(request.substr(20), at())};
    Record received[] = {wire.server.received(request.substr(0, 9), begins(100u + i)),
                         wire.server.received(request.substr(9), at())};
    Record answered[] = {wire.server.sent(response.substr(0, 5), at()),
                         wire.server.sent(response.substr(5, 30), at()),
                         wire.server.sent(response.substr(35), at())};
    feed({sent[1], sent[0], received[1], received[0], answered[2], answered[0], answered[1]});
    feed(wire.client.received(response, at()));
  }
  pipeline.tick(now());
  finish();
  for (int i = 0; i < 10; ++i) expect_pair(fmt::format("/{}", i));
  expect_no_loss();
}

TEST_F(ExchangesTest, BodiesThatWereNotCopied) {
  Wire wire(1, kCurl, kShop, 40000, 8080);
  feed({wire.client.connection(now()), wire.server.connection(now())});
  const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n";
  for (int i = 0; i < 3; ++i) {
    const std::string path = fmt::format("/{}", i);
    feed(wire.client.sent(get(path), begins(1u + i)));
    feed(wire.server.received(get(path), begins(100u + i)));
    Operation long_send = at();
    long_send.uncopied = 100'000;
    feed(wire.server.sent(head, long_send));
    Operation long_receive = at();
    long_receive.uncopied = 100'000;
    feed(wire.client.received(head, long_receive));
  }
  finish();
  for (int i = 0; i < 3; ++i) expect_pair(fmt::format("/{}", i));
  expect_no_loss();
}

TEST_F(ExchangesTest, APieceOfABodyThatLooksLikeARequest) {
  Wire wire(1, kCurl, kShop, 40000, 8080);
  Wire next(3, kShop, kNginx, 50000, 9000);
  feed({wire.server.connection(now()), next.client.connection(now())});
  const std::string body = "GET /not-a-request HTTP/1.1\r\n\r\n";
  feed(wire.server.received(
      fmt::format("POST /upload HTTP/1.1\r\nHost: shop\r\nContent-Length: {}\r\n\r\n", body.size()),
      begins(1)));
  feed(wire.server.received(body, begins(2)));
  feed(next.client.sent(get("/call"), begins(3, 2, CLEW_EVIDENCE_TURN)));
  feed(next.client.received(ok(), at()));
  feed(wire.server.sent(ok(), at()));
  finish();
  ASSERT_EQ(log.spans.size(), 2u);
  EXPECT_TRUE(client("/call").is_child_of(server("/upload")));
  EXPECT_EQ(count(Counter::links_unknown), 0u);
}

TEST_F(ExchangesTest, AConnectionJoinedMidway) {
  Wire wire(1, kCurl, kShop, 40000, 8080);
  for (SocketEnd* end : {&wire.client, &wire.server}) {
    end->skip(CLEW_SENT, 4000);
    end->skip(CLEW_RECEIVED, 4000);
  }
  feed({wire.client.connection(now(), false), wire.server.connection(now(), false)});
  for (int i = 0; i < 5; ++i) exchange(wire, fmt::format("/{}", i));
  finish();
  ASSERT_EQ(log.spans.size(), 10u);
  for (int i = 0; i < 5; ++i) expect_pair(fmt::format("/{}", i));
  expect_no_loss();
}

// The first thing seen is the answer to a request that was not.
TEST_F(ExchangesTest, AConnectionJoinedInTheMiddleOfAnExchange) {
  Wire wire(1, kCurl, kShop, 40000, 8080);
  wire.server.skip(CLEW_RECEIVED, 300);
  feed(wire.server.connection(now(), false));
  feed(wire.server.sent(ok(), at()));
  for (int i = 0; i < 3; ++i) {
    feed(wire.server.received(get(fmt::format("/{}", i)), begins(1u + i)));
    feed(wire.server.sent(ok(), at()));
  }
  finish();
  EXPECT_EQ(log.spans.size(), 3u);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(server(fmt::format("/{}", i)).attribute("http.response.status_code"), "200");
  }
  expect_no_loss();
}

TEST_F(ExchangesTest, TwoConnectionsOfOneClientAreToldApart) {
  Wire first(1, kCurl, kShop, 40000, 8080), second(3, kCurl, kShop, 40001, 8080);
  feed({first.client.connection(now()), first.server.connection(now()),
        second.client.connection(now()), second.server.connection(now())});
  for (int i = 0; i < 5; ++i) {
    exchange(first, fmt::format("/first/{}", i));
    exchange(second, fmt::format("/second/{}", i));
  }
  finish();
  for (int i = 0; i < 5; ++i) {
    expect_pair(fmt::format("/first/{}", i));
    expect_pair(fmt::format("/second/{}", i));
  }
  expect_no_loss();
}

TEST_F(ExchangesTest, BytesThatAreNoProtocolMakeNothing) {
  Wire wire(1, kCurl, kShop, 40000, 8080);
  feed(wire.server.connection(now()));
  feed(wire.server.received("\x16\x03\x01 not http at all, whatever port", at()));
  feed(wire.server.sent(std::string(64, '\0'), at()));
  finish();
  EXPECT_TRUE(log.spans.empty());
  expect_no_loss();
}

TEST_F(ExchangesTest, SpansComeOutInTimeWithoutAFinish) {
  Wire wire(1, kCurl, kShop, 40000, 8080);
  feed({wire.client.connection(now()), wire.server.connection(now())});
  exchange(wire, "/cart");
  for (int i = 0; i < 6; ++i) pipeline.tick(time_ns += 50 * kMillisecond);
  EXPECT_EQ(log.spans.size(), 2u);
  expect_pair("/cart");
}

}  // namespace
}  // namespace clew
