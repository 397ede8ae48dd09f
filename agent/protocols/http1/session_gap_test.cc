// The session when bytes were not seen: what is still told is right, and it recovers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/protocols/http1/test_support.h"

namespace clew::http1 {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::string get(int number) {
  return fmt::format("GET /{} HTTP/1.1\r\nHost: h\r\n\r\n", number);
}
/// The status tells which request it answers.
std::string answer(int number) {
  return fmt::format("HTTP/1.1 {} X\r\nContent-Length: 4\r\n\r\nbody", 200 + number);
}

/// One operation, of which the bytes from `from` to `to` were not seen.
void feed_with_hole(Chat& chat, Side side, std::string_view operation, size_t from, size_t to) {
  if (from > 0) chat.feed(side, operation.substr(0, from));
  if (to > from) chat.gap(side, to - from);
  if (to < operation.size()) chat.feed(side, operation.substr(to), from == 0 && to == from);
}

/// Exchanges that were told with a path and a status must be told with the right ones.
void expect_nothing_wrong(const Chat& chat, const std::string& context) {
  for (const std::string& line : chat.ended()) {
    int number = 0, path = 0, status = 0;
    char how[16], method[16];
    if (std::sscanf(line.c_str(), "%d %15s %15s /%d %d", &number, how, method, &path, &status) ==
        5) {
      EXPECT_EQ(200 + path, status) << context << ": " << line;
    }
  }
}

TEST(SessionGaps, AnyHoleInAnyPlaceIsSurvived) {
  // Exchanges in turn; a hole of each length at each place of one side of one of them.
  for (const Side side : {Side::Request, Side::Response}) {
    const std::string broken = side == Side::Request ? get(1) : answer(1);
    for (size_t from = 0; from < broken.size(); ++from) {
      for (size_t to = from + 1; to <= broken.size(); ++to) {
        const std::string context = fmt::format("side {} hole {} to {}", int(side), from, to);
        Chat chat;
        chat.request(get(0)).response(answer(0));
        if (side == Side::Request) {
          feed_with_hole(chat, side, broken, from, to);
          chat.response(answer(1));
        } else {
          chat.request(get(1));
          feed_with_hole(chat, side, broken, from, to);
        }
        for (int number = 2; number < 5; ++number)
          chat.request(get(number)).response(answer(number));
        chat.finish();
        expect_nothing_wrong(chat, context);
        EXPECT_THAT(chat.ended().front(), testing::HasSubstr("Complete GET /0 200")) << context;
        // Each later exchange is told, and told right.
        for (int number = 2; number < 5; ++number) {
          EXPECT_THAT(chat.ended(), testing::Contains(testing::HasSubstr(
                                        fmt::format("Complete GET /{} {}", number, 200 + number))))
              << context;
        }
      }
    }
  }
}

TEST(SessionGaps, HolesAcrossPipelinedMessagesNeverMispair) {
  std::string requests, responses;
  for (int number = 0; number < 4; ++number) {
    requests += get(number);
    responses += answer(number);
  }
  for (const Side side : {Side::Request, Side::Response}) {
    const std::string& broken = side == Side::Request ? requests : responses;
    for (size_t from = 0; from < broken.size(); from += 3) {
      for (size_t to = from + 1; to <= broken.size(); to += 5) {
        const std::string context = fmt::format("side {} hole {} to {}", int(side), from, to);
        Chat chat;
        if (side == Side::Request) {
          feed_with_hole(chat, side, requests, from, to);
          chat.response(responses);
        } else {
          chat.request(requests);
          feed_with_hole(chat, side, responses, from, to);
        }
        for (int number = 4; number < 8; ++number)
          chat.request(get(number)).response(answer(number));
        chat.finish();
        expect_nothing_wrong(chat, context);
        for (int number = 6; number < 8; ++number) {
          EXPECT_THAT(chat.ended(), testing::Contains(testing::HasSubstr(
                                        fmt::format("Complete GET /{} {}", number, 200 + number))))
              << context;
        }
      }
    }
  }
}

TEST(SessionGaps, HoleInABodyOfKnownLengthIsNoLoss) {
  Chat chat;
  chat.request("PUT /1 HTTP/1.1\r\nContent-Length: 100000\r\n\r\n").gap(Side::Request, 100000);
  chat.response("HTTP/1.1 201 X\r\nContent-Length: 5000\r\n\r\nab").gap(Side::Response, 4990);
  chat.more(Side::Response, "12345678").request(get(2)).response(answer(2));
  EXPECT_THAT(chat.ended(), ElementsAre("0 Complete PUT /1 201", "1 Complete GET /2 202"));
}

TEST(SessionGaps, HoleInsideAChunkIsNoLoss) {
  Chat chat;
  chat.request(get(1)).response("HTTP/1.1 201 X\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\nab");
  chat.gap(Side::Response, 998).more(Side::Response, "\r\n0\r\n\r\n");
  EXPECT_THAT(chat.ended(), ElementsAre("0 Complete GET /1 201"));
}

TEST(SessionGaps, LastBytesShowTheEndOfAChunkedBody) {
  const std::string_view head = "HTTP/1.1 201 X\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab";
  Chat tail;
  tail.request(get(1)).response(head).gap(Side::Response, 500);
  tail.more(Side::Response, "90\r\n0\r\n\r\n").request(get(2)).response(answer(2));
  EXPECT_THAT(tail.ended(), ElementsAre("0 Complete GET /1 201", "1 Complete GET /2 202"));

  Chat own_operation;
  own_operation.request(get(1)).response(head).gap(Side::Response, 500).response("0\r\n\r\n");
  EXPECT_THAT(own_operation.ended(), ElementsAre("0 Complete GET /1 201"));

  Chat byte_by_byte;
  byte_by_byte.request(get(1)).response(head).gap(Side::Response, 500);
  for (const char c : std::string("x\r\n0\r\n\r\n")) {
    byte_by_byte.more(Side::Response, std::string_view(&c, 1));
  }
  EXPECT_THAT(byte_by_byte.ended(), ElementsAre("0 Complete GET /1 201"));

  // Without them the next request shows that it is over.
  Chat no_tail;
  no_tail.request(get(1)).response(head).gap(Side::Response, 500).more(Side::Response, "0\r\n");
  EXPECT_THAT(no_tail.ended(), IsEmpty());
  no_tail.request(get(2)).response(answer(2));
  EXPECT_THAT(no_tail.ended(), ElementsAre("0 GapLost GET /1 201", "1 Complete GET /2 202"));
}

TEST(SessionGaps, AGuessedEndThatWasNoneIsLeftAgain) {
  Chat chat;
  chat.request(get(1)).response("HTTP/1.1 201 X\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab");
  chat.gap(Side::Response, 500).more(Side::Response, "\r\n0\r\n\r\n").response("more of it");
  chat.request(get(2)).response(answer(2)).request(get(3)).response(answer(3));
  EXPECT_THAT(chat.ended(), ElementsAre("0 Complete GET /1 201", "1 Complete GET /2 202",
                                        "2 Complete GET /3 203"));
}

TEST(SessionGaps, HeadCutByTheCopyLimit) {
  // The first bytes of each operation, a hole, and its last bytes.
  Chat chat;
  for (int number = 1; number < 4; ++number) {
    chat.request(fmt::format("GET /{} HTTP/1.1\r\nHost: h\r\nCookie: aaaa", number));
    chat.gap(Side::Request, 700).more(Side::Request, "bbbbbbbbbbbb\r\n\r\n");
    chat.response(fmt::format("HTTP/1.1 {} X\r\nSet-Cookie: ccc", 200 + number));
    chat.gap(Side::Response, 700).more(Side::Response, "</html>");
  }
  chat.finish();
  EXPECT_THAT(chat.ended(),
              ElementsAre("0 GapLost GET /1 201", "1 GapLost GET /2 202", "2 GapLost GET /3 203"));
}

TEST(SessionGaps, HeadOfABodilessMessageEndsWithItsOperation) {
  Chat chat;
  chat.request("GET /1 HTTP/1.1\r\nCookie: aaaa").gap(Side::Request, 9);
  chat.more(Side::Request, "b\r\n\r\n").response(answer(1)).request(get(2)).response(answer(2));
  EXPECT_THAT(chat.ended(), ElementsAre("0 Complete GET /1 201", "1 Complete GET /2 202"));
  EXPECT_EQ(chat.log()[1], "0 request-end @43");
}

TEST(SessionGaps, AWholeExchangeUnseen) {
  Chat chat;
  chat.request(get(1)).response(answer(1)).gap(Side::Request, 40).gap(Side::Response, 40);
  chat.request(get(3)).response(answer(3));
  EXPECT_THAT(chat.ended(), ElementsAre("0 Complete GET /1 201", "1 Complete GET /3 203"));
}

TEST(SessionGaps, ResponsesUnseenAltogether) {
  Chat chat;
  for (int number = 1; number < 4; ++number) chat.request(get(number)).gap(Side::Response, 50);
  chat.finish();
  EXPECT_THAT(chat.ended(),
              ElementsAre("0 GapLost GET /1 -", "1 GapLost GET /2 -", "2 GapLost GET /3 -"));
}

TEST(SessionGaps, WhatAHoleHidIsLostHoweverItEnds) {
  for (const Ending why : {Ending::ConnectionGone, Ending::ClewStopped}) {
    Chat chat;
    chat.request(get(1)).gap(Side::Response, 50).finish(why);
    EXPECT_THAT(chat.ended(), ElementsAre("0 GapLost GET /1 -"));
  }
}

TEST(SessionGaps, AnAnswerThatCameBeforeItsAnchorIsNotMissed) {
  Chat chat;
  chat.request(get(0)).response(answer(0));
  chat.response(answer(1)).response(answer(2)).gap(Side::Request, 40).request(get(2)).finish();
  EXPECT_THAT(chat.ended(), ElementsAre("0 Complete GET /0 200", "1 GapLost GET /2 -"));

  Chat never_answered(10, 10);
  never_answered.request(get(1)).finish();
  EXPECT_THAT(never_answered.ended(), ElementsAre("0 Unanswered GET /1 -"));

  Chat stopped(10, 10);
  stopped.response("of before").request(get(1)).finish(Ending::ClewStopped);
  EXPECT_THAT(stopped.ended(), ElementsAre("0 Unfinished GET /1 -"));
}

TEST(SessionGaps, BytesThatAreNoMessageAreLostBehindAHoleOnly) {
  // A hole that hides no boundary changes nothing.
  Chat harmless;
  harmless.request(get(1)).response("HTTP/1.1 201 X\r\nContent-Length: 50\r\n\r\n");
  harmless.gap(Side::Response, 50).request(get(2)).response("no answer");
  EXPECT_THAT(harmless.ended(), ElementsAre("0 Complete GET /1 201", "1 Malformed GET /2 -"));

  // Where a start was guessed after one, what follows may be the rest of anything.
  Chat guessed;
  guessed.request(get(1)).gap(Side::Response, 50).response(answer(1));
  guessed.request(get(2)).response("no answer").finish();
  EXPECT_THAT(guessed.ended(), ElementsAre("0 Complete GET /1 201", "1 GapLost GET /2 -"));

  // Once a message followed right upon another, it is certain again.
  Chat certain;
  certain.request(get(1)).gap(Side::Response, 50).response(answer(1));
  certain.request(get(2)).response(answer(2)).request(get(3)).response("no answer").finish();
  EXPECT_THAT(certain.ended(), ElementsAre("0 Complete GET /1 201", "1 Complete GET /2 202",
                                           "2 Malformed GET /3 -"));
}

TEST(SessionGaps, AnAnswerHeldForItsRequestMayBeginWithAHole) {
  Chat chat;
  chat.response("HTT").gap(Side::Response, 50).request(get(1)).finish();
  EXPECT_THAT(chat.ended(), ElementsAre("0 GapLost GET /1 -"));
}

TEST(SessionMidway, AnswersToUnseenRequestsAreDropped) {
  for (const std::string_view first : {"HTTP/1.1 299 Old\r\nContent-Length: 2\r\n\r\nxx", "rest",
                                       "HTTP/1.1 200 HEAD?\r\nContent-Length: 99999\r\n\r\n"}) {
    Chat by_offset(1000, 5000);
    by_offset.response(first).request(get(1)).response(answer(1));
    EXPECT_THAT(by_offset.ended(), ElementsAre("0 Complete GET /1 201")) << first;
    Chat by_gap;
    by_gap.gap(Side::Request, 0).gap(Side::Response, 0);
    by_gap.response(first).request(get(1)).response(answer(1));
    EXPECT_THAT(by_gap.ended(), ElementsAre("0 Complete GET /1 201")) << first;
  }
}

TEST(SessionMidway, StartsAtAnOperationOnly) {
  Chat chat(10, 10);
  chat.more(Side::Request, get(1)).response(answer(1));
  EXPECT_THAT(chat.ended(), IsEmpty());
  chat.request("upload" + get(1)).request(get(2)).response(answer(2));
  EXPECT_THAT(chat.ended(), ElementsAre("0 Complete GET /2 202"));
}

TEST(SessionMidway, HeadsByteByByte) {
  Chat chat(10, 10);
  chat.request("body").response("body");
  for (const char c : get(1)) chat.request(std::string_view(&c, 1));
  for (const char c : answer(1)) chat.response(std::string_view(&c, 1));
  EXPECT_THAT(chat.ended(), ElementsAre("0 Complete GET /1 201"));
}

TEST(SessionMidway, JoinedBetweenPipelinedBatches) {
  Chat chat(10, 10);
  chat.response(answer(90) + answer(91));
  chat.request(get(1) + get(2) + get(3)).response(answer(1)).response(answer(2) + answer(3));
  EXPECT_THAT(chat.ended(), ElementsAre("0 Complete GET /1 201", "1 Complete GET /2 202",
                                        "2 Complete GET /3 203"));
}

TEST(SessionMidway, HealthChecksByHeadOnly) {
  const std::string_view head = "HEAD /9 HTTP/1.1\r\n\r\n";
  const std::string_view found = "HTTP/1.1 209 X\r\nContent-Length: 99999\r\n\r\n";
  Chat chat(10, 10);
  for (int i = 0; i < 3; ++i) chat.response(found).request(head);
  EXPECT_THAT(chat.ended(), ElementsAre("0 Complete HEAD /9 209", "1 Complete HEAD /9 209"));
}

TEST(SessionMidway, AnAnswerThatWasRecordedBeforeItsRequestIsItsAnswer) {
  Chat chat(10, 10);
  chat.request("body").response(answer(1)).from(15).request(get(1));
  chat.request(get(2)).response(answer(2)).request(get(3)).response(answer(3));
  EXPECT_THAT(chat.ended(), ElementsAre("0 Complete GET /1 201", "1 Complete GET /2 202",
                                        "2 Complete GET /3 203"));
}

constexpr uint64_t kAny = kMomentUnknown;

TEST(SessionTurns, AnswerAndNextRequestLost) {
  // Which of both the answer belongs to, only the next request shows.
  Chat chat;
  chat.request(get(0)).response(answer(0)).request(get(1));
  chat.gap(Side::Response, answer(1).size(), kAny).response(answer(2));
  EXPECT_EQ(chat.ended().size(), 1U) << "it is too early to tell";
  chat.gap(Side::Request, get(2).size(), kAny).request(get(3)).response(answer(3)).finish();
  EXPECT_THAT(chat.ended(),
              ElementsAre("0 Complete GET /0 200", "1 GapLost GET /1 -", "2 Complete GET /3 203"));
}

TEST(SessionTurns, AnswerLostAndTheNextOneConfirmed) {
  Chat chat;
  chat.request(get(0)).response(answer(0)).request(get(1)).request(get(2));
  chat.gap(Side::Response, answer(1).size(), kAny).response(answer(2));
  EXPECT_THAT(chat.ended(), ElementsAre("0 Complete GET /0 200", "1 GapLost GET /1 -"));
  chat.request(get(3));
  EXPECT_EQ(chat.ended().back(), "2 Complete GET /2 202") << "no request was lost";
  EXPECT_EQ(chat.log()[chat.log().size() - 4], "2 response @82");
  chat.response(answer(3)).finish();
  EXPECT_EQ(chat.ended().back(), "3 Complete GET /3 203");
}

TEST(SessionTurns, AnEndConfirmsOrLeavesOpen) {
  for (const bool ends : {false, true}) {
    Chat chat;
    chat.request(get(1)).request(get(2)).gap(Side::Response, 50, kAny).response(answer(2));
    if (ends) chat.end(Side::Request);
    chat.finish();
    EXPECT_THAT(chat.ended(), ElementsAre("0 GapLost GET /1 -",
                                          ends ? "1 Complete GET /2 202" : "1 GapLost GET /2 -"));
  }
}

TEST(SessionTurns, AnswersToLostRequestsAreCounted) {
  Chat chat;
  chat.request(get(0)).response(answer(0)).response(answer(1)).response(answer(2));
  chat.gap(Side::Request, 2 * get(1).size(), kAny).request(get(3)).response(answer(3));
  EXPECT_THAT(chat.ended(), ElementsAre("0 Complete GET /0 200", "1 Complete GET /3 203"));
  EXPECT_EQ(chat.requests_unseen(), 2U);
}

TEST(SessionTurns, ALateGapChangesNothing) {
  // The stream waits for a lost request's record while the answers go on.
  Chat chat;
  chat.request(get(0)).response(answer(0));
  for (int number = 1; number < 5; ++number) chat.response(answer(number));
  chat.gap(Side::Request, get(1).size(), kAny);
  for (int number = 2; number < 5; ++number) {
    // Answer k moved at 10 * (k + 2), and its request just before.
    chat.from(static_cast<uint64_t>(10 * (number + 2) - 5)).request(get(number));
  }
  EXPECT_THAT(chat.ended(), ElementsAre("0 Complete GET /0 200", "1 Complete GET /2 202",
                                        "2 Complete GET /3 203", "3 Complete GET /4 204"));
}

TEST(SessionTurns, AClientThatTakesNoTurnsIsNotGuessedAt) {
  // Two requests are under way at any time.
  Chat chat;
  chat.request(get(0)).request(get(1)).response(answer(0)).request(get(2)).response(answer(1));
  chat.gap(Side::Request, get(3).size(), kAny).response(answer(2)).request(get(4));
  chat.response(answer(3)).request(get(5)).response(answer(4)).finish();
  EXPECT_THAT(chat.ended(),
              ElementsAre("0 Complete GET /0 200", "1 Complete GET /1 201", "2 Complete GET /2 202",
                          "3 GapLost GET /4 -", "4 GapLost GET /5 -"));

  // A request that was lost and not answered before the next one shows it, too.
  Chat shown;
  shown.request(get(0)).response(answer(0)).gap(Side::Request, get(1).size(), kAny);
  shown.request(get(2)).response(answer(1)).request(get(3)).response(answer(2)).finish();
  EXPECT_THAT(shown.ended(),
              ElementsAre("0 Complete GET /0 200", "1 GapLost GET /2 -", "2 GapLost GET /3 -"));
}

}  // namespace
}  // namespace clew::http1
