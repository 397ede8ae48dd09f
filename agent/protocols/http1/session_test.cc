// The session with every byte seen: pairing, splits, bodies, early and late responses, ends.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "agent/protocols/http1/test_support.h"
#include "agent/protocols/registry.h"

namespace clew::http1 {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::string_view kGet = "GET /a HTTP/1.1\r\n\r\n";
constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

struct Case {
  const char* name;
  std::string request;
  std::string response;
  std::vector<std::string> ended;
  bool response_ends = false;
};

const Case kCases[] = {
    {"plain",
     "GET /a?b=c HTTP/1.1\r\nHost: localhost:8080\r\nUser-Agent: curl/7.88.1\r\n\r\n",
     "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
     {"0 Complete GET /a 200"}},
    {"chunked both ways",
     "POST /p HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
     "HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n4;x\r\nabcd\r\n0\r\nT: v\r\n\r\n",
     {"0 Complete POST /p 201"}},
    {"interim responses",
     "PUT /u HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nab",
     "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
     "HTTP/1.1 204 No Content\r\n\r\n",
     {"0 Complete PUT /u 204"}},
    {"no bodies",
     "HEAD /h HTTP/1.1\r\n\r\nGET /n HTTP/1.1\r\n\r\nGET /g HTTP/1.1\r\n\r\n",
     "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nHTTP/1.1 304 Not Modified\r\n"
     "Content-Length: 9\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 1\r\n\r\nx",
     {"0 Complete HEAD /h 200", "1 Complete GET /n 304", "2 Complete GET /g 404"}},
    {"until close",
     "GET /old HTTP/1.0\r\n\r\n",
     "HTTP/1.0 200 OK\r\n\r\nsome body",
     {"0 Complete GET /old 200"},
     true},
    {"HTTP/1.0 kept alive",
     "GET /1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /2 HTTP/1.0\r\n\r\n",
     "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\n1"
     "HTTP/1.0 500 Oh\r\n\r\nend",
     {"0 Complete GET /1 200", "1 Complete GET /2 500"},
     true},
    {"loose syntax",
     "\r\n\nGET /l HTTP/1.1\nHost:\n\th\nContent-Length:\n 2\n\nab",
     "HTTP/1.1 200\nContent-Length: 2, 2\n\nab",
     {"0 Complete GET /l 200"}},
    {"response cut",
     "GET /c HTTP/1.1\r\n\r\n",
     "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc",
     {"0 Cut GET /c 200"},
     true},
    {"response head cut",
     "GET /c HTTP/1.1\r\n\r\n",
     "HTTP/1.1 200 OK\r\nContent-",
     {"0 Cut GET /c -"},
     true},
    {"request malformed",
     "POST /m HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
     "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
     {"0 Malformed POST /m 400"}},
    {"response malformed",
     "GET /m HTTP/1.1\r\n\r\n",
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz",
     {"0 Malformed GET /m 200"}},
    {"no answer", "GET /g HTTP/1.1\r\n\r\n", "THIS IS NOT HTTP\r\n\r\n", {"0 Malformed GET /g -"}},
    {"no answer after one",
     "GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\nGET /3 HTTP/1.1\r\n\r\n",
     "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 2oo\r\n",
     {"0 Complete GET /1 200", "1 Malformed GET /2 -", "2 Malformed GET /3 -"}},
    {"answer breaks off before others",
     "GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\nGET /3 HTTP/1.1\r\n\r\n",
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz",
     {"0 Malformed GET /1 200", "1 Malformed GET /2 -", "2 Malformed GET /3 -"}},
    {"no request after one",
     "GET /1 HTTP/1.1\r\n\r\nnonsense\r\n\r\n",
     "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
     {"0 Complete GET /1 200"}},
};

enum class Ops { One, Each };

// Feeds in pieces, each a continuation of one operation or an operation of its own.
void feed_pieces(Chat& chat, Side side, std::string_view text, const std::vector<size_t>& cuts,
                 Ops ops) {
  size_t at = 0;
  for (size_t i = 0; i <= cuts.size(); ++i) {
    const size_t end = i == cuts.size() ? text.size() : cuts[i];
    chat.feed(side, text.substr(at, end - at), ops == Ops::Each || at == 0);
    at = end;
  }
}

std::vector<std::string> run(const Case& c, const std::vector<size_t>& request_cuts,
                             const std::vector<size_t>& response_cuts, Ops ops = Ops::One) {
  Chat chat;
  feed_pieces(chat, Side::Request, c.request, request_cuts, ops);
  feed_pieces(chat, Side::Response, c.response, response_cuts, ops);
  if (c.response_ends) chat.end(Side::Response);
  chat.finish();
  return chat.log();
}

std::vector<size_t> every(size_t size) {
  std::vector<size_t> cuts;
  for (size_t at = 1; at < size; ++at) cuts.push_back(at);
  return cuts;
}

// Where framing broke, the end is known no better than to the piece.
std::vector<std::string> without_offsets_of_broken(std::vector<std::string> log) {
  for (std::string& line : log) {
    const size_t at = line.find('@'), how = line.find(" Malformed");
    if (how != line.npos) line.erase(at, how - at);
  }
  return log;
}

TEST(Session, TellsTheCases) {
  for (const Case& c : kCases) {
    Chat chat;
    chat.request(c.request).response(c.response);
    if (c.response_ends) chat.end(Side::Response);
    EXPECT_EQ(chat.ended(), c.ended) << c.name;
    const size_t told = chat.log().size();
    chat.finish();
    EXPECT_EQ(chat.log().size(), told) << c.name << ": nothing was left to finish";
  }
}

TEST(Session, EverySplitTellsTheSame) {
  for (const Case& c : kCases) {
    const auto whole = without_offsets_of_broken(run(c, {}, {}));
    const auto same = [&](const std::vector<size_t>& request, const std::vector<size_t>& response) {
      for (const Ops ops : {Ops::One, Ops::Each}) {
        ASSERT_EQ(without_offsets_of_broken(run(c, request, response, ops)), whole)
            << c.name << " cut at " << testing::PrintToString(request) << " and "
            << testing::PrintToString(response);
      }
    };
    for (size_t at = 1; at < c.request.size(); ++at) same({at}, {});
    for (size_t at = 1; at < c.response.size(); ++at) same({}, {at});
    same(every(c.request.size()), every(c.response.size()));
  }
}

TEST(Session, RandomSplitsInRandomTurnsTellTheSame) {
  std::mt19937 random(20261121);
  const auto below = [&](size_t bound) { return random() % bound; };
  for (const Case& c : kCases) {
    // Bytes that are no answer are one to the requests of before only.
    if (c.ended.back().find("Malformed") != std::string::npos) continue;
    for (int round = 0; round < 200; ++round) {
      Chat chat;
      chat.request(kGet).response(kOk);
      size_t at[2] = {0, 0};
      const std::string* text[2] = {&c.request, &c.response};
      while (at[0] < text[0]->size() || at[1] < text[1]->size()) {
        const size_t side = below(2);
        const size_t size = std::min(1 + below(20), text[side]->size() - at[side]);
        if (size == 0) continue;
        chat.feed(side == 0 ? Side::Request : Side::Response, text[side]->substr(at[side], size));
        at[side] += size;
      }
      if (c.response_ends) chat.end(Side::Response);
      chat.finish();
      ASSERT_EQ(chat.ended().size(), 1 + c.ended.size()) << c.name << " round " << round;
      for (size_t i = 0; i < c.ended.size(); ++i) {
        EXPECT_EQ(chat.ended()[i + 1].substr(1), c.ended[i].substr(1)) << c.name << " " << round;
      }
    }
  }
}

TEST(Session, EventsCarryOffsetsAndOrder) {
  Chat chat;
  chat.request("POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n").request("ab");
  chat.response("HTTP/1.1 100 Continue\r\n\r\n");
  chat.response("HTTP/1.1 200 OK\r\n").response("Content-Length: 3\r\n\r\nab").response("c");
  std::vector<std::string> events;
  for (const std::string& line : chat.log()) events.push_back(line.substr(0, line.find(" |")));
  EXPECT_THAT(events, ElementsAre("0 request @0", "0 request-end @40", "0 response @25",
                                  "0 end @66 Complete"));
}

TEST(Session, PipelinesToAnyDepth) {
  for (size_t depth = 1; depth <= 64; ++depth) {
    std::string requests, responses;
    std::vector<std::string> expected;
    for (size_t i = 0; i < depth; ++i) {
      const std::string body(i % 7, 'b');
      switch (i % 4) {
        case 0:
          requests += fmt::format("GET /{} HTTP/1.1\r\n\r\n", i);
          responses += fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{}", i % 7, body);
          expected.push_back(fmt::format("{} Complete GET /{} 200", i, i));
          break;
        case 1:
          requests +=
              fmt::format("PUT /{} HTTP/1.1\r\nContent-Length: {}\r\n\r\n{}", i, i % 7, body);
          responses += "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n";
          expected.push_back(fmt::format("{} Complete PUT /{} 204", i, i));
          break;
        case 2:
          requests += fmt::format("HEAD /{} HTTP/1.1\r\n\r\n", i);
          responses += "HTTP/1.1 404 Not Found\r\nContent-Length: 77\r\n\r\n";
          expected.push_back(fmt::format("{} Complete HEAD /{} 404", i, i));
          break;
        default:
          requests += fmt::format(
              "POST /{} HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n", i);
          responses += "HTTP/1.1 503 No\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n";
          expected.push_back(fmt::format("{} Complete POST /{} 503", i, i));
      }
    }
    Chat chat;
    chat.request(requests).response(responses).finish();
    EXPECT_EQ(chat.ended(), expected);
    Chat reversed;
    reversed.response(responses).request(requests).finish();
    EXPECT_EQ(reversed.ended(), expected) << "responses first";
  }
}

TEST(Session, ResponseAheadOfItsRequestIsHeld) {
  Chat chat;
  chat.request(kGet).response(kOk);
  chat.response("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(chat.ended().size(), 1U);
  chat.request("HEAD /b HTTP/1.1\r\n").response("HTTP/1.1 404 No\r\n\r\n");
  EXPECT_EQ(chat.ended().size(), 1U) << "the head could still bring what matters to the response";
  chat.request("\r\n");
  EXPECT_THAT(chat.ended(), ElementsAre("0 Complete GET /a 200", "1 Complete HEAD /b 200"));
  chat.request(kGet);
  EXPECT_EQ(chat.ended().size(), 2U);
  chat.response("tail").end(Side::Response);
  EXPECT_EQ(chat.ended().back(), "2 Complete GET /a 404");
}

TEST(Session, HeldGapsAndEndsAreReplayed) {
  Chat chat;
  chat.response("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n").gap(Side::Response, 1000);
  chat.response("HTTP/1.0 500 Oh\r\n\r\nabc").end(Side::Response);
  chat.request(kGet).request(kGet);
  EXPECT_THAT(chat.ended(), ElementsAre("0 Complete GET /a 200", "1 Complete GET /a 500"));
}

TEST(Session, HeldBytesAreBounded) {
  Chat chat;
  const std::string large = "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n";
  chat.response(large);
  for (int i = 0; i < 100; ++i) chat.response(std::string(1000, 'x'));
  chat.request(kGet).response(kOk);
  EXPECT_THAT(chat.ended(), ElementsAre("0 Complete GET /a 200"))
      << "what could not be explained was dropped, and what followed is right";
}

TEST(Session, AnswersRecordedBeforeTheirRequestsFromTheStartArePaired) {
  // One thread sends, another reads the answer, and is recorded first, again and again.
  Chat chat;
  chat.response("HTTP/1.1 201 0\r\nContent-Length: 0\r\n\r\n").request("GET /0 HTTP/1.1\r\n\r\n");
  chat.response("HTTP/1.1 404 1\r\nContent-Length: 0\r\n\r\n").request("GET /1 HTTP/1.1\r\n\r\n");
  chat.response("HTTP/1.1 500 2\r\nContent-Length: 0\r\n\r\n").request("GET /2 HTTP/1.1\r\n\r\n");
  EXPECT_THAT(chat.ended(), ElementsAre("0 Complete GET /0 201", "1 Complete GET /1 404",
                                        "2 Complete GET /2 500"));
}

TEST(Session, EarlyResponseEndsTheExchange) {
  Chat chat;
  chat.request("POST /up HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc");
  chat.response("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n");
  EXPECT_THAT(chat.ended(), ElementsAre("0 Complete POST /up 413"));
  chat.request("defghi").request(kGet).response(kOk);
  EXPECT_THAT(chat.ended(), ElementsAre("0 Complete POST /up 413", "1 Complete GET /a 200"));
  for (const MessageEvent& event : chat.all_events()) {
    EXPECT_FALSE(event.exchange == 0 && event.kind == MessageEvent::Kind::RequestEnded);
  }
}

TEST(Session, UpgradeAndConnectBecomeTunnels) {
  struct Tunnel {
    std::string_view request, response, ended;
  };
  const Tunnel tunnels[] = {
      {"GET /ws HTTP/1.1\r\nUpgrade: websocket\r\n\r\n", "HTTP/1.1 101 Switching\r\n\r\n\x81\x01",
       "0 Complete GET /ws 101"},
      {"CONNECT h:443 HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
       "0 Complete CONNECT  200"},
  };
  for (const Tunnel& tunnel : tunnels) {
    Chat chat;
    chat.request(tunnel.request).response(tunnel.response);
    EXPECT_THAT(chat.ended(), ElementsAre(tunnel.ended));
    EXPECT_EQ(chat.last_verdict(), Session::Verdict::Continue);
    chat.request("\x16\x03\x01");
    EXPECT_EQ(chat.last_verdict(), Session::Verdict::NotThisProtocol);
    chat.response(kOk).finish();
    EXPECT_EQ(chat.ended().size(), 1U);
  }
}

TEST(Session, RefusedConnectGoesOn) {
  Chat chat;
  chat.request("CONNECT h:443 HTTP/1.1\r\n\r\n");
  chat.response("HTTP/1.1 407 Auth\r\nContent-Length: 1\r\n\r\nx").request(kGet).response(kOk);
  EXPECT_THAT(chat.ended(), ElementsAre("0 Complete CONNECT  407", "1 Complete GET /a 200"));
}

TEST(Session, EndsTellHow) {
  Chat unanswered;
  unanswered.request(kGet).request(kGet).end(Side::Request);
  EXPECT_THAT(unanswered.ended(), IsEmpty()) << "a client may close its half";
  unanswered.response(kOk).finish();
  EXPECT_THAT(unanswered.ended(), ElementsAre("0 Complete GET /a 200", "1 Unanswered GET /a -"));

  Chat cut;
  cut.request(kGet).response("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n").finish();
  EXPECT_THAT(cut.ended(), ElementsAre("0 Cut GET /a 200"));

  Chat until_close;
  until_close.request(kGet).response("HTTP/1.1 200 OK\r\n\r\nabc").finish();
  EXPECT_THAT(until_close.ended(), ElementsAre("0 Complete GET /a 200"));

  Chat head_unfinished;
  head_unfinished.request("GET /slow HTTP/1.1\r\nHost:").response("HTTP/1.1 408 Slow\r\n\r\n");
  EXPECT_THAT(head_unfinished.ended(), IsEmpty());
  head_unfinished.end(Side::Response).finish();
  EXPECT_THAT(head_unfinished.ended(), ElementsAre("0 Complete GET /slow 408"));
}

TEST(Session, StopsAtBytesThatAreNoAnswer) {
  Chat chat;
  chat.request(kGet).response("THIS IS NOT HTTP\r\n");
  EXPECT_THAT(chat.ended(), ElementsAre("0 Malformed GET /a -")) << "at once";
  EXPECT_TRUE(chat.log().back().ends_with(" error.type=malformed ERROR")) << chat.log().back();
  EXPECT_EQ(chat.request(kGet).last_verdict(), Session::Verdict::NotThisProtocol);
  EXPECT_EQ(chat.finish().log().size(), 3U);
}

TEST(Session, EchoOfARequestLineIsNoAnswer) {
  Chat chat;
  for (int i = 0; i < 3000; ++i) {
    const std::string_view piece = i == 0 ? "GET /aa" : "aaaaaaa";
    chat.request(piece).response(piece);
  }
  chat.finish();
  EXPECT_THAT(chat.ended(), ElementsAre("0 Malformed HTTP - -"));
}

TEST(Session, BytesThatAnswerNothingDoNoHarm) {
  // What a server sends of a body after a HEAD, say.
  Chat chat;
  chat.request("HEAD /h HTTP/1.1\r\n\r\n").response("HTTP/1.1 200 X\r\nContent-Length: 4\r\n\r\n");
  chat.response("body").request(kGet).response(kOk);
  EXPECT_THAT(chat.ended(), ElementsAre("0 Complete HEAD /h 200", "1 Complete GET /a 200"));
}

TEST(Session, RequestBytesThatAreNoRequestAreNoExchange) {
  constexpr std::string_view kBad = "HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n";
  Chat chat;
  chat.request(kGet).request("nonsense").response(kOk).response(kBad);
  EXPECT_THAT(chat.ended(), ElementsAre("0 Complete GET /a 200"));
  chat.request("GET /b HTTP/1.1\r\n\r\n").response(kOk).finish();
  EXPECT_THAT(chat.ended(), ElementsAre("0 Complete GET /a 200", "1 Complete GET /b 200"));

  // The answer to the nonsense must not be taken for one to what came after it.
  Chat pipelined;
  pipelined.request(kGet).response(kOk).request("nonsense").request(kGet);
  pipelined.response(kBad).response(kOk).request("GET /b HTTP/1.1\r\n\r\n").response(kOk).finish();
  EXPECT_THAT(pipelined.ended(), ElementsAre("0 Complete GET /a 200", "1 Unfinished GET /a -",
                                             "2 Complete GET /b 200"));
}

TEST(Session, RequestGoesOnEndlesslyWhileItIsAnswered) {
  const std::string body(2 * kMaxHeldBytes, 'x');
  Chat chat;
  chat.request("GET /slow HTTP/1.1\r\nCookie:");
  chat.response(fmt::format("HTTP/1.1 408 Slow\r\nContent-Length: {}\r\n\r\n", body.size()));
  for (size_t at = 0; at < body.size(); at += 1024) chat.response(body.substr(at, 1024));
  EXPECT_THAT(chat.ended(), ElementsAre("0 Complete GET /slow 408")) << "no byte was lost";
}

TEST(Session, RequestsBehindAnUpgradeAreLetGo) {
  Chat chat;
  chat.request(kGet).request(kGet).response("HTTP/1.1 101 Switching\r\n\r\n");
  EXPECT_THAT(chat.ended(), ElementsAre("0 Complete GET /a 101", "1 Unfinished GET /a -"));
}

TEST(Session, WhatIsLiveWhenClewStopsIsUnfinished) {
  struct Row {
    const char* name;
    std::string_view response, gone, stopped;
  };
  const Row rows[] = {
      {"no answer yet", "", "0 Unanswered GET /a -", "0 Unfinished GET /a -"},
      {"in a head", "HTTP/1.1 200 OK\r\nContent-", "0 Cut GET /a -", "0 Unfinished GET /a -"},
      {"in a body", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", "0 Cut GET /a 200",
       "0 Unfinished GET /a 200"},
      {"in a body that the end delimits", "HTTP/1.1 200 OK\r\n\r\nabc", "0 Complete GET /a 200",
       "0 Unfinished GET /a 200"},
  };
  for (const Row& c : rows) {
    Chat gone, stopped;
    gone.request(kGet).response(c.response).finish(Ending::ConnectionGone);
    EXPECT_THAT(gone.ended(), ElementsAre(c.gone)) << c.name;
    stopped.request(kGet).response(c.response).finish(Ending::ClewStopped);
    EXPECT_THAT(stopped.ended(), ElementsAre(c.stopped)) << c.name;
    EXPECT_TRUE(stopped.log().back().ends_with(" clew.incomplete=1")) << stopped.log().back();
    EXPECT_EQ(stopped.log().back().find("ERROR"), std::string::npos) << "and no error";
    EXPECT_EQ(stopped.request(kGet).last_verdict(), Session::Verdict::NotThisProtocol);
  }
  Chat half_closed;
  half_closed.request(kGet).end(Side::Response).finish(Ending::ClewStopped);
  EXPECT_THAT(half_closed.ended(), ElementsAre("0 Unanswered GET /a -")) << "and never will be";

  Chat held;
  held.request("GET /held HTTP/1.1\r\nHost:").response(kOk).finish(Ending::ClewStopped);
  EXPECT_THAT(held.ended(), ElementsAre("0 Complete GET /held 200"));
}

TEST(Session, GivesUpWhenTooManyWait) {
  Chat chat;
  for (size_t i = 0; i < kMaxLiveExchanges; ++i) chat.request(kGet);
  EXPECT_THAT(chat.ended(), IsEmpty());
  chat.request(kGet);
  EXPECT_EQ(chat.ended().size(), kMaxLiveExchanges);
  EXPECT_EQ(chat.ended().back(), "4095 Unfinished GET /a -") << "every byte was seen";
  EXPECT_EQ(chat.request(kGet).last_verdict(), Session::Verdict::NotThisProtocol);
}

TEST(Session, GivesUpWhenTooMuchTextWaits) {
  Chat chat;
  const std::string request =
      "GET /" + std::string(kMaxTargetBytes, 'x') + " HTTP/1.1\r\nHost: h\r\n\r\n";
  for (size_t i = 0; i < kMaxLiveText / kMaxTargetBytes; ++i) chat.request(request);
  EXPECT_EQ(chat.request(request).last_verdict(), Session::Verdict::NotThisProtocol);
  EXPECT_EQ(chat.ended().size(), kMaxLiveText / kMaxTargetBytes);
}

TEST(Session, OtherProtocolsAreLeftAlone) {
  Chat chat;
  for (uint32_t i = 0; i < kMaxFailedLooks; ++i) {
    ASSERT_EQ(chat.request("*1\r\n$4\r\nPING\r\n").last_verdict(), Session::Verdict::Continue);
  }
  EXPECT_EQ(chat.response("+PONG\r\n").last_verdict(), Session::Verdict::NotThisProtocol);
  EXPECT_THAT(chat.log(), IsEmpty());
}

TEST(Registry, AsksHttpFirst) {
  const Protocol& http = protocols().front();
  EXPECT_EQ(http.name, "http");
  EXPECT_EQ(http.detect(as_bytes(kGet), true), Detection::Request);
  std::vector<MessageEvent> events;
  const ProtocolSettings settings;
  http.open(settings)->feed(Side::Request, as_bytes(kGet), 0, {.operation_start = true}, events);
  EXPECT_EQ(events.size(), 2U);
}

}  // namespace
}  // namespace clew::http1
