// Which exchange is whose child, by the evidence the kernel gives. The session is a stand-in: what
// it says is what the test says.
#include "agent/stitch/stitcher.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include "tests/unit/stitch/span_log.h"

namespace clew {
namespace {

class NamedSession final : public Session {
 public:
  Verdict feed(Side, ByteView, uint64_t, const Passage&, std::vector<MessageEvent>&) override {
    return {};
  }
  Verdict gap(Side, uint64_t, uint64_t, uint64_t, std::vector<MessageEvent>&) override {
    return {};
  }
  uint64_t take_requests_unseen() override { return 0; }
  void end(Side, std::vector<MessageEvent>&) override {}
  void finish(Ending, std::vector<MessageEvent>&) override {}
  void describe(uint64_t, SpanKind, SpanBuilder& span) const override {
    span.name("GET");
    span.attribute("url.path", path);
    if (has_route) span.request_path(path, exists);
  }
  std::string path;
  bool has_route = false, exists = true;
};

constexpr uint64_t kStep = 1000;

class StitcherTest : public ::testing::Test {
 protected:
  StitcherTest() {
    for (auto* connection : {&front, &other_front}) {
      connection->role = CLEW_ROLE_SERVER;
      connection->tgid = 10;
    }
    for (auto* connection : {&back, &other_back}) {
      connection->role = CLEW_ROLE_CLIENT;
      connection->tgid = 10;
    }
  }

  void tell(StitchedConnection& on, const MessageEvent& event, const SegmentFacts& facts) {
    stitcher.on_events(on, session, {&event, 1}, facts,
                       [&](uint64_t) -> const SegmentFacts* { return &facts; });
  }
  SegmentFacts facts_of(uint64_t span, uint64_t parent, uint8_t evidence, uint32_t tid) {
    SegmentFacts facts;
    facts.time_ns = facts.begin_ns = now += kStep;
    facts.tid = tid;
    facts.tgid = 10;
    facts.has_context = true;
    facts.evidence = evidence;
    facts.context.trace_id[0] = static_cast<uint8_t>(span);
    std::memcpy(facts.context.span_id, &span, sizeof(span));
    std::memcpy(facts.context.parent_span_id, &parent, sizeof(parent));
    return facts;
  }
  /// A request arrives; the kernel gives it span id `span`.
  void serve(StitchedConnection& on, uint64_t span, uint32_t tid = 1) {
    const auto facts = facts_of(span, 0, CLEW_EVIDENCE_NONE, tid);
    tell(on, {.kind = MessageEvent::Kind::RequestStarted, .exchange = on.begun}, facts);
  }
  /// A request is sent; the kernel says that it belongs to `parent`.
  void call(StitchedConnection& on, uint64_t span, uint64_t parent, uint8_t evidence,
            uint32_t tid = 1) {
    const auto facts = facts_of(span, parent, evidence, tid);
    tell(on, {.kind = MessageEvent::Kind::RequestStarted, .exchange = on.begun}, facts);
  }
  /// The oldest open exchange of the connection ends; its span carries `path`.
  void end(StitchedConnection& on, const std::string& path) {
    ASSERT_FALSE(on.open.empty());
    SegmentFacts facts;
    facts.time_ns = now += kStep;
    session.path = path;
    tell(on, {.kind = MessageEvent::Kind::ExchangeEnded, .exchange = on.open.front().number},
         facts);
  }
  const SpanCopy& served(const std::string& path) {
    return log.find(SpanKind::Server, "url.path", path);
  }
  const SpanCopy& called(const std::string& path) {
    return log.find(SpanKind::Client, "url.path", path);
  }
  /// A request served, one call made by `evidence` meanwhile; returns the call's link.
  std::string link_by(uint8_t evidence) {
    serve(front, 100);
    call(back, 200, 100, evidence);
    end(back, "/call");
    end(front, "/request");
    stitcher.flush();
    EXPECT_TRUE(called("/call").is_child_of(served("/request")));
    return called("/call").link();
  }

  Counters counters;
  SpanLog log;
  std::shared_ptr<Resource> resource = std::make_shared<Resource>();
  Stitcher stitcher{counters, [this](uint32_t) { return resource; },
                    [this](std::shared_ptr<const SpanBatch> batch) { log.take(batch); }};
  NamedSession session;
  StitchedConnection front, other_front, back, other_back;
  uint64_t now = 0;
};

TEST_F(StitcherTest, ATurnOfAThreadThatServesOneRequestIsThreadEvidence) {
  EXPECT_EQ(link_by(CLEW_EVIDENCE_TURN), "thread");
}

TEST_F(StitcherTest, SoIsAnAnswer) {
  EXPECT_EQ(link_by(CLEW_EVIDENCE_ANSWER), "thread");
}

TEST_F(StitcherTest, TheOpenerOfAConnectionIsConnectEvidence) {
  EXPECT_EQ(link_by(CLEW_EVIDENCE_CONNECT), "connect");
}

TEST_F(StitcherTest, TheCreatorOfAThreadIsCreatedEvidence) {
  EXPECT_EQ(link_by(CLEW_EVIDENCE_CREATED), "created");
}

TEST_F(StitcherTest, TheKernelsIdsAreTheSpansIds) {
  link_by(CLEW_EVIDENCE_TURN);
  EXPECT_EQ(served("/request").span_id[0], 100);
  EXPECT_EQ(served("/request").trace_id[0], 100);
  EXPECT_EQ(called("/call").span_id[0], 200);
}

TEST_F(StitcherTest, AnotherThreadsRequestsDoNotCount) {
  serve(front, 100, 1);
  serve(other_front, 101, 2);
  call(back, 200, 100, CLEW_EVIDENCE_TURN, 1);
  end(back, "/call");
  stitcher.flush();
  EXPECT_EQ(called("/call").link(), "thread");
}

TEST_F(StitcherTest, EndedRequestsDoNotCount) {
  serve(other_front, 101);
  end(other_front, "/before");
  EXPECT_EQ(link_by(CLEW_EVIDENCE_TURN), "thread");
}

TEST_F(StitcherTest, WithoutParentACallBeginsATrace) {
  serve(front, 100);
  call(back, 200, 0, CLEW_EVIDENCE_NONE);
  end(back, "/call");
  end(front, "/request");
  stitcher.flush();
  EXPECT_TRUE(called("/call").is_root());
  EXPECT_NE(called("/call").trace_id, served("/request").trace_id);
  EXPECT_EQ(counters[Counter::links_unknown], 0u);
}

TEST_F(StitcherTest, AParentThatEndedBeforeTheCallIsLeftOut) {
  serve(front, 100);
  end(front, "/request");
  call(back, 200, 100, CLEW_EVIDENCE_TURN);
  end(back, "/late");
  stitcher.flush();
  EXPECT_TRUE(called("/late").is_root());
  EXPECT_NE(called("/late").trace_id, served("/request").trace_id);
  EXPECT_EQ(counters[Counter::links_ended], 1u);
}

TEST_F(StitcherTest, AParentThatEndedWhileTheCallRanIsKept) {
  serve(front, 100);
  call(back, 200, 100, CLEW_EVIDENCE_TURN);
  end(front, "/request");
  end(back, "/slow");
  stitcher.flush();
  EXPECT_TRUE(called("/slow").is_child_of(served("/request")));
  EXPECT_EQ(counters[Counter::links_ended], 0u);
}

// The call began before the parent's end and was recorded after it.
TEST_F(StitcherTest, TheBeginOfTheCallDecides) {
  serve(front, 100);
  end(front, "/request");
  auto facts = facts_of(200, 100, CLEW_EVIDENCE_TURN, 1);
  facts.begin_ns = facts.time_ns - 2 * kStep;
  tell(back, {.kind = MessageEvent::Kind::RequestStarted, .exchange = 0}, facts);
  end(back, "/call");
  stitcher.flush();
  EXPECT_TRUE(called("/call").is_child_of(served("/request")));
}

TEST_F(StitcherTest, AParentNeverSeenIsLeftOut) {
  call(back, 200, 4711, CLEW_EVIDENCE_TURN);
  end(back, "/call");
  stitcher.flush();
  EXPECT_TRUE(called("/call").is_root());
  EXPECT_EQ(counters[Counter::links_unknown], 1u);
}

TEST_F(StitcherTest, AParentIsForgottenAWhileAfterItsEnd) {
  serve(front, 100);
  end(front, "/request");
  stitcher.tick(now + 499'999'999);
  call(back, 200, 100, CLEW_EVIDENCE_TURN);
  EXPECT_EQ(counters[Counter::links_ended], 1u);
  stitcher.tick(now + 500'000'000);
  call(back, 201, 100, CLEW_EVIDENCE_TURN);
  EXPECT_EQ(counters[Counter::links_unknown], 1u);
}

// A proxy reads a request that finds no free connection, then reads another, then sends the first.
TEST_F(StitcherTest, ATurnIsAGuessWhileAnotherRequestOfTheThreadWaits) {
  serve(front, 100);
  serve(other_front, 101);
  call(back, 200, 101, CLEW_EVIDENCE_TURN);
  end(back, "/call-of-100");
  end(front, "/request-100");
  call(back, 201, 101, CLEW_EVIDENCE_TURN);
  end(back, "/call-of-101");
  stitcher.flush();
  EXPECT_TRUE(called("/call-of-100").is_root());
  EXPECT_FALSE(called("/call-of-101").is_root()) << "nobody else is left";
  EXPECT_EQ(counters[Counter::links_ambiguous], 1u);
}

TEST_F(StitcherTest, ATurnOfAThreadWhoseOtherRequestsHaveCalledIsNoGuess) {
  serve(front, 100);
  call(back, 200, 100, CLEW_EVIDENCE_TURN);
  serve(other_front, 101);
  call(other_back, 201, 101, CLEW_EVIDENCE_TURN);
  end(back, "/first-call");
  end(other_back, "/second-call");
  end(front, "/first");
  end(other_front, "/second");
  stitcher.flush();
  EXPECT_TRUE(called("/first-call").is_child_of(served("/first")));
  EXPECT_TRUE(called("/second-call").is_child_of(served("/second")));
  EXPECT_EQ(called("/second-call").link(), "turn");
}

TEST_F(StitcherTest, AnAnswerOnAReusedConnectionOfABusyThreadIsAmbiguous) {
  serve(front, 100);
  call(back, 200, 100, CLEW_EVIDENCE_TURN);
  end(back, "/first-call");
  serve(other_front, 101);
  call(back, 201, 100, CLEW_EVIDENCE_ANSWER);
  end(back, "/second-call");
  stitcher.flush();
  EXPECT_FALSE(called("/first-call").is_root());
  EXPECT_TRUE(called("/second-call").is_root());
  EXPECT_EQ(counters[Counter::links_ambiguous], 1u);
}

TEST_F(StitcherTest, AnAnswerOnAReusedConnectionOfAThreadWithOneRequestIsNot) {
  serve(front, 100);
  call(back, 200, 100, CLEW_EVIDENCE_TURN);
  end(back, "/first-call");
  call(back, 201, 100, CLEW_EVIDENCE_ANSWER);
  end(back, "/second-call");
  end(front, "/request");
  stitcher.flush();
  EXPECT_TRUE(called("/second-call").is_child_of(served("/request")));
  EXPECT_EQ(counters[Counter::links_ambiguous], 0u);
}

TEST_F(StitcherTest, AnAnswerThatOpensAConnectionIsNot) {
  serve(front, 100);
  serve(other_front, 101);
  call(back, 200, 100, CLEW_EVIDENCE_ANSWER);
  end(back, "/call");
  end(front, "/request");
  stitcher.flush();
  EXPECT_TRUE(called("/call").is_child_of(served("/request")));
  EXPECT_EQ(called("/call").link(), "turn");
}

TEST_F(StitcherTest, WhatIsAGuessIsLeftOutWhereAThreadServesSeveral) {
  const struct {
    uint8_t evidence;
    bool runs_to_completion, guess;
  } cases[] = {
      {CLEW_EVIDENCE_TURN, false, true},    {CLEW_EVIDENCE_TURN, true, false},
      {CLEW_EVIDENCE_WEAK, false, true},    {CLEW_EVIDENCE_WEAK, true, true},
      {CLEW_EVIDENCE_OVERLAP, false, true}, {CLEW_EVIDENCE_OVERLAP, true, false},
      {CLEW_EVIDENCE_CONNECT, false, true}, {CLEW_EVIDENCE_CONNECT, true, false},
  };
  uint64_t span = 0, guesses = 0;
  for (const auto& c : cases) {
    resource->runs_to_completion = c.runs_to_completion;
    const uint64_t parent = ++span;
    serve(front, parent);
    serve(other_front, ++span);
    call(back, ++span, parent, c.evidence);
    const auto path = std::to_string(span);
    end(back, "/call" + path);
    end(front, "/request" + path);
    end(other_front, "/other");
    stitcher.flush();
    EXPECT_EQ(called("/call" + path).is_child_of(served("/request" + path)), !c.guess)
        << int{c.evidence} << c.runs_to_completion;
    guesses += c.guess;
  }
  EXPECT_EQ(counters[Counter::links_ambiguous], guesses);
}

TEST_F(StitcherTest, NothingIsAGuessWhereTheThreadServesOneRequest) {
  EXPECT_EQ(link_by(CLEW_EVIDENCE_WEAK), "thread");
}

// The kernel took a piece of a body for a request; what it calls that is the request under way.
TEST_F(StitcherTest, ChildrenOfAMistakenStartHangUnderTheRealRequest) {
  serve(front, 100);
  stitcher.mistaken_start(front, facts_of(666, 0, CLEW_EVIDENCE_NONE, 1));
  call(back, 200, 666, CLEW_EVIDENCE_TURN);
  end(back, "/call");
  end(front, "/request");
  stitcher.flush();
  EXPECT_TRUE(called("/call").is_child_of(served("/request")));
  EXPECT_EQ(counters[Counter::links_unknown], 0u);
  EXPECT_EQ(log.spans.size(), 2u);
}

TEST_F(StitcherTest, AMistakenStartIsKnownAsLongAsItsRequest) {
  serve(front, 100);
  stitcher.mistaken_start(front, facts_of(666, 0, CLEW_EVIDENCE_NONE, 1));
  now += 10'000'000'000;
  stitcher.tick(now);
  call(back, 200, 666, CLEW_EVIDENCE_TURN);
  end(back, "/call");
  end(front, "/request");
  stitcher.flush();
  EXPECT_TRUE(called("/call").is_child_of(served("/request")));
  stitcher.tick(now + 10'000'000'000);
  call(back, 201, 666, CLEW_EVIDENCE_TURN);
  EXPECT_EQ(counters[Counter::links_unknown], 1u) << "and is forgotten after it";
}

TEST_F(StitcherTest, AMistakenStartWithoutARequestMeansNothing) {
  stitcher.mistaken_start(front, facts_of(666, 0, CLEW_EVIDENCE_NONE, 1));
  call(back, 200, 666, CLEW_EVIDENCE_TURN);
  EXPECT_EQ(counters[Counter::links_unknown], 1u);
}

TEST_F(StitcherTest, LaterMessagesOfASegmentGetIdsOfTheirOwn) {
  serve(front, 100);
  const auto facts = facts_of(200, 100, CLEW_EVIDENCE_TURN, 1);
  const MessageEvent events[] = {
      {.kind = MessageEvent::Kind::RequestStarted, .exchange = 0, .offset = 0},
      {.kind = MessageEvent::Kind::RequestStarted, .exchange = 1, .offset = 20}};
  stitcher.on_events(back, session, events, facts,
                     [&](uint64_t) -> const SegmentFacts* { return &facts; });
  end(back, "/a");
  end(back, "/b");
  end(front, "/request");
  stitcher.flush();
  EXPECT_EQ(called("/a").span_id[0], 200);
  EXPECT_NE(called("/a").span_id, called("/b").span_id);
  EXPECT_TRUE(called("/a").is_child_of(served("/request")));
  EXPECT_TRUE(called("/b").is_child_of(served("/request")));
}

TEST_F(StitcherTest, WithoutContextTheIdsAreMadeHere) {
  SegmentFacts facts;
  facts.time_ns = facts.begin_ns = now = 5;
  tell(front, {.kind = MessageEvent::Kind::RequestStarted, .exchange = 0}, facts);
  tell(back, {.kind = MessageEvent::Kind::RequestStarted, .exchange = 0}, facts);
  end(front, "/served");
  end(back, "/called");
  stitcher.flush();
  EXPECT_NE(served("/served").trace_id, called("/called").trace_id);
  EXPECT_TRUE(served("/served").is_root());
  EXPECT_TRUE(called("/called").is_root());
}

TEST_F(StitcherTest, AGapThatHidAnEndIsCounted) {
  serve(front, 100);
  SegmentFacts facts;
  facts.time_ns = now += kStep;
  tell(
      front,
      {.kind = MessageEvent::Kind::ExchangeEnded, .how = MessageEvent::How::GapLost, .exchange = 0},
      facts);
  stitcher.flush();
  EXPECT_EQ(counters[Counter::exchanges_hidden], 1u);
  EXPECT_EQ(counters[Counter::spans], 1u);
}

TEST_F(StitcherTest, BothEndsOfAConnectionMeet) {
  ConnectionKey key;
  key.client_port = 40000;
  key.server_port = 80;
  back.key = front.key = key;
  stitcher.connect(back);
  stitcher.connect(front);
  const auto begin = [&](StitchedConnection& on, uint64_t span) {
    auto facts = facts_of(span, 0, CLEW_EVIDENCE_NONE, 1);
    facts.has_sequence = true;
    facts.sequence_base = 0xffff'fff0;  // wraps within the request side
    facts.offset = 0x20;
    tell(on, {.kind = MessageEvent::Kind::RequestStarted, .exchange = 0, .offset = 0x20}, facts);
  };
  begin(front, 100);
  begin(back, 200);
  end(front, "/both");
  end(back, "/both");
  stitcher.flush();
  EXPECT_TRUE(served("/both").is_child_of(called("/both")));
  EXPECT_EQ(served("/both").link(), "stream");
  EXPECT_EQ(served("/both").trace_id[0], 200);
  stitcher.disconnect(back);
  stitcher.disconnect(front);
}

TEST_F(StitcherTest, AddressesAreTheConnections) {
  for (auto* connection : {&front, &back}) {
    connection->local_address = "10.0.0.1";
    connection->local_port = 80;
    connection->remote_address = "10.0.0.2";
    connection->remote_port = 4000;
  }
  serve(front, 100);
  call(back, 200, 0, CLEW_EVIDENCE_NONE);
  end(front, "/served");
  end(back, "/called");
  stitcher.flush();
  EXPECT_EQ(served("/served").attribute("server.address"), "10.0.0.1");
  EXPECT_EQ(served("/served").attribute("server.port"), "80");
  EXPECT_EQ(served("/served").attribute("client.address"), "10.0.0.2");
  EXPECT_EQ(served("/served").attribute("network.peer.port"), "4000");
  EXPECT_EQ(called("/called").attribute("server.address"), "10.0.0.2");
  EXPECT_EQ(called("/called").attribute("server.port"), "4000");
  EXPECT_EQ(called("/called").attribute("client.address"), "");
}

class RouteTest : public StitcherTest {
 protected:
  const SpanCopy& span_of(StitchedConnection& connection, const std::string& path, bool exists) {
    session.has_route = true;
    session.exists = exists;
    serve(connection, 100 + connection.begun);
    end(connection, path);
    stitcher.flush();
    return connection.role == CLEW_ROLE_SERVER ? served(path) : called(path);
  }
  void use(const RouteSettings& settings) {
    stitcher.~Stitcher();
    new (&stitcher) Stitcher(
        counters, [this](uint32_t) { return resource; },
        [this](std::shared_ptr<const SpanBatch> batch) { log.take(batch); }, settings);
  }
};

TEST_F(RouteTest, NamesServerSpans) {
  const SpanCopy& span = span_of(front, "/users/42", true);
  EXPECT_EQ(span.name, "GET /users/{id}");
  EXPECT_EQ(span.attribute("http.route"), "/users/{id}");
  EXPECT_EQ(span_of(front, "/users/43", false).name, "GET /users/{id}");
}

TEST_F(RouteTest, IsNotMadeOfWhatIsNotThere) {
  const SpanCopy& span = span_of(front, "/wp-login.php", false);
  EXPECT_EQ(span.name, "GET");
  EXPECT_FALSE(span.attributes.contains("http.route"));
  EXPECT_EQ(counters[Counter::routes_overflowed], 0u);
}

TEST_F(RouteTest, LeavesClientSpansUnlessWanted) {
  EXPECT_EQ(span_of(back, "/users/42", true).name, "GET");
  use({.patterns = {}, .client_templates = true});
  const SpanCopy& span = span_of(back, "/users/43", true);
  EXPECT_EQ(span.name, "GET /users/{id}");
  EXPECT_EQ(span.attribute("url.template"), "/users/{id}");
  EXPECT_FALSE(span.attributes.contains("http.route"));
}

TEST_F(RouteTest, OverflowIsCounted) {
  use({.patterns = {"/mine"}, .max_routes = 1});
  EXPECT_EQ(span_of(front, "/a", true).name, "GET /a");
  EXPECT_EQ(span_of(front, "/b", true).name, "GET");
  EXPECT_EQ(span_of(front, "/mine", true).name, "GET /mine");
  EXPECT_EQ(counters[Counter::routes_overflowed], 1u);
}

}  // namespace
}  // namespace clew
