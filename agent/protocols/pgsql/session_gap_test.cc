// The session when bytes were not seen: what is still told is right, and it recovers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/protocols/pgsql/test_support.h"

namespace clew::pgsql {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr Side kRequest = Side::Request;
constexpr Side kResponse = Side::Response;

// The tag's rows tell which request it answers.
std::string ask(int number) {
  return query(fmt::format("Q{} x", number));
}
std::string answer(int number) {
  return columns() + row("v") + row("w") + complete(fmt::format("SELECT {}", number)) + ready();
}
std::string ask_extended(int number) {
  return parse("", fmt::format("Q{} x", number)) + bind_to("", "") + execute() + sync();
}
std::string answer_extended(int number) {
  return kParsed + kBound + row("v") + complete(fmt::format("SELECT {}", number)) + ready();
}

// What was told with a number and rows was told with the right ones.
void expect_nothing_wrong(const Chat& chat, const std::string& context) {
  for (const std::string& line : chat.ended()) {
    int exchange = 0, number = 0;
    char how[16];
    if (std::sscanf(line.c_str(), "%d %15s Q%d", &exchange, how, &number) != 3) continue;
    const size_t at = line.find("db.response.returned_rows=");
    if (at == line.npos) continue;
    // A hole in the text cuts it.
    EXPECT_THAT(line.substr(at + 26), testing::StartsWith(std::to_string(number)))
        << context << ": " << line;
  }
}

void expect_told(const Chat& chat, int number, const std::string& context) {
  EXPECT_THAT(chat.ended(),
              Contains(testing::AllOf(HasSubstr(fmt::format("Complete Q{} ", number)),
                                      HasSubstr(fmt::format("returned_rows={}", number)))))
      << context;
}

TEST(PgsqlGaps, AnyHoleInAnyPlaceIsSurvived) {
  for (const bool extended : {false, true}) {
    const auto asks = extended ? ask_extended : ask;
    const auto answers = extended ? answer_extended : answer;
    for (const Side side : {kRequest, kResponse}) {
      const std::string broken = side == kRequest ? asks(101) : answers(101);
      for (size_t from = 0; from < broken.size(); ++from) {
        for (size_t to = from + 1; to <= broken.size(); ++to) {
          const std::string context =
              fmt::format("extended {} side {} hole {} to {}", extended, int(side), from, to);
          Chat chat;
          chat.greet().request(asks(100)).response(answers(100));
          if (side == kRequest) {
            chat.holed(side, broken, from, to).response(answers(101));
          } else {
            chat.request(asks(101)).holed(side, broken, from, to);
          }
          for (int number = 102; number < 105; ++number) {
            chat.request(asks(number)).response(answers(number));
          }
          chat.finish();
          expect_nothing_wrong(chat, context);
          for (const int number : {100, 102, 103, 104}) expect_told(chat, number, context);
        }
      }
    }
  }
}

TEST(PgsqlGaps, LostRecordsAreSurvived) {
  // Of a conversation in turns, each record, and each run of records of one side, lost.
  constexpr int kTurns = 8;
  for (int first = 0; first < kTurns; ++first) {
    for (int last = first; last < kTurns; ++last) {
      for (const int lost : {1, 2, 3}) {
        Chat chat;
        chat.greet();
        for (int number = 0; number < kTurns + 3; ++number) {
          const bool is_hit = number >= first && number <= last;
          const std::string request = ask(100 + number), response = answer(100 + number);
          if (is_hit && (lost & 1) != 0) {
            chat.gap(kRequest, request.size());
          } else {
            chat.request(request);
          }
          if (is_hit && (lost & 2) != 0) {
            chat.gap(kResponse, response.size());
          } else {
            chat.response(response);
          }
        }
        chat.finish();
        const std::string context = fmt::format("{} to {} lost {}", first, last, lost);
        expect_nothing_wrong(chat, context);
        for (int number = last + 2; number < kTurns + 3; ++number) {
          expect_told(chat, 100 + number, context);
        }
      }
    }
  }
}

TEST(PgsqlGaps, LongResultsShowTheirEnd) {
  std::string rows;
  for (int i = 0; i < 3000; ++i) rows += row(fmt::format("value {} Z", i));
  const std::string response = columns() + rows + complete("SELECT 3000") + ready();
  for (const bool extended : {false, true}) {
    Chat chat;
    chat.greet().request(extended ? ask_extended(3000) : ask(3000));
    const std::string text = (extended ? kParsed + kBound : "") + response;
    // The server's operations are of 8 KiB; of each the first bytes and the last 64 are seen.
    for (size_t at = 0; at < text.size(); at += 8192) {
      const std::string operation = text.substr(at, 8192);
      if (operation.size() > 1100) {
        chat.holed(kResponse, operation, 1024, operation.size() - 64);
      } else {
        chat.response(operation);
      }
    }
    EXPECT_THAT(chat.ended(),
                ElementsAre(testing::AllOf(HasSubstr("0 Complete Q3000 "),
                                           HasSubstr("db.response.returned_rows=3000"))));
    EXPECT_EQ(chat.all_events().back().offset, chat.offset(kResponse));
    chat.request(ask(5)).response(answer(5));
    expect_told(chat, 5, "next");
  }
}

TEST(PgsqlGaps, AnErrorBehindAHoleIsStillAnError) {
  for (const bool extended : {false, true}) {
    for (const size_t seen : {24, 64, 200}) {
      Chat chat;
      chat.greet().request(extended ? ask_extended(1) : ask(1));
      std::string response = extended ? kParsed + kBound : columns();
      for (int i = 0; i < 100; ++i) response += row("some value");
      response += error("57014") + ready();
      chat.holed(kResponse, response, 100, response.size() - seen);
      const std::string code = seen == 200 ? "error.type=57014 ERROR" : "error.type=_OTHER ERROR";
      EXPECT_THAT(chat.ended(),
                  ElementsAre(testing::AllOf(HasSubstr("0 Complete Q1 "), HasSubstr(code))))
          << seen;
      chat.request(ask(5)).response(answer(5));
      expect_told(chat, 5, "next");
    }
  }
}

TEST(PgsqlGaps, AHoleInsideARowCostsNothing) {
  Chat chat;
  chat.greet().request(ask(2));
  const std::string response =
      columns() + row(std::string(100'000, 'x')) + row("b") + complete("SELECT 2") + ready();
  chat.holed(kResponse, response, 200, 90'000);
  EXPECT_THAT(chat.ended(), ElementsAre(HasSubstr("db.response.returned_rows=2")));
}

TEST(PgsqlGaps, AHoleInALongTextCutsIt) {
  Chat chat(StatementText::Raw);
  chat.greet();
  const std::string request = query("INSERT " + std::string(50'000, 'x'));
  chat.holed(kRequest, request, 100, 40'000).response(complete("INSERT 0 1") + ready());
  EXPECT_THAT(chat.ended(), ElementsAre(testing::AllOf(HasSubstr("Complete INSERT"),
                                                       HasSubstr(std::string(88, 'x')))));
}

TEST(PgsqlGaps, JoinedMidway) {
  for (const bool extended : {false, true}) {
    const auto asks = extended ? ask_extended : ask;
    const auto answers = extended ? answer_extended : answer;
    // The end of an answer, then turns.
    Chat chat(5000, 70'000);
    chat.response(row("a") + row("b")).response(answers(99).substr(11));
    for (int number = 100; number < 105; ++number) {
      chat.request(asks(number)).response(answers(number));
    }
    chat.finish();
    EXPECT_EQ(chat.ended().size(), 5);
    for (int number = 100; number < 105; ++number) expect_told(chat, number, "midway");
  }
}

TEST(PgsqlGaps, JoinedMidwayAnswerAheadOfItsRequest) {
  Chat chat(5000, 70'000);
  chat.from(20).response(answer(100));
  chat.from(10).request(ask(100));
  chat.from(30).request(ask(101)).from(40).response(answer(101));
  chat.finish();
  expect_nothing_wrong(chat, "ahead");
  expect_told(chat, 101, "ahead");
}

TEST(PgsqlGaps, StatementsPreparedBeforeClewJoinedAreNamed) {
  Chat chat(5000, 70'000);
  chat.request(bind_to("", "S_3") + execute() + sync());
  chat.response(kBound + row("1") + complete("SELECT 1") + ready());
  EXPECT_THAT(chat.ended(),
              ElementsAre("0 Complete SELECT db.operation.name=SELECT clew.prepared_statement=S_3 "
                          "db.response.returned_rows=1"));
}

TEST(PgsqlGaps, AClientThatDoesNotWaitIsNotPairedBehindAHole) {
  Chat chat;
  chat.greet();
  chat.request(ask(1)).request(ask(2)).response(answer(1)).request(ask(3)).response(answer(2));
  chat.gap(kResponse, answer(3).size());
  // One is always under way: order alone does not tell which.
  for (int number = 4; number < 20; ++number) {
    chat.request(ask(number)).response(answer(number - 1));
  }
  expect_nothing_wrong(chat, "busy");
  expect_told(chat, 2, "busy");
  EXPECT_THAT(chat.ended(), Contains(HasSubstr("GapLost Q10 ")));
  chat.response(answer(19)).quiet();
  chat.request(ask(30)).response(answer(30)).finish();
  expect_nothing_wrong(chat, "quiet");
  expect_told(chat, 30, "quiet");
}

TEST(PgsqlGaps, AWrongGuessAboutTurnsShows) {
  // Midway, with one more under way than was seen: the first one may be mistaken, none after that
  // shows.
  Chat chat(5000, 70'000);
  chat.request(ask(1)).response(answer(0)).response(answer(1));
  for (int number = 2; number < 9; ++number) chat.request(ask(number)).response(answer(number - 1));
  size_t wrong = 0;
  for (const std::string& line : chat.ended()) wrong += line.find("returned_rows") != line.npos;
  EXPECT_EQ(wrong, 1);
}

TEST(PgsqlGaps, AHoleInAPipelineNeverMispairs) {
  std::string requests, responses;
  for (int number = 0; number < 4; ++number) {
    requests += parse("", fmt::format("Q{} x", number)) + bind_to("", "") + execute();
    responses += kParsed + kBound + row("v") + complete(fmt::format("SELECT {}", number));
  }
  requests += sync();
  responses += ready();
  for (const Side side : {kRequest, kResponse}) {
    const std::string& broken = side == kRequest ? requests : responses;
    for (size_t from = 0; from < broken.size(); ++from) {
      for (size_t to = from + 1; to <= broken.size(); ++to) {
        Chat chat;
        chat.greet();
        if (side == kRequest) {
          chat.holed(side, broken, from, to).response(responses);
        } else {
          chat.request(requests).holed(side, broken, from, to);
        }
        chat.request(ask(50)).response(answer(50)).request(ask(51)).response(answer(51)).finish();
        const std::string context = fmt::format("side {} hole {} to {}", int(side), from, to);
        expect_nothing_wrong(chat, context);
        expect_told(chat, 51, context);
      }
    }
  }
}

TEST(PgsqlGaps, BytesThatAreNothingMidwayAreGivenUp) {
  Chat chat(5000, 70'000);
  for (uint32_t i = 0; i < 2 * kMaxFailedLooks; ++i) {
    chat.request("\x17\x03\x03\x01\x02\x03\x04\x05"s).response("\x17\x03\x03\x01\x02\x03"s);
  }
  EXPECT_EQ(chat.last_verdict(), Session::Verdict::NotThisProtocol);
  EXPECT_THAT(chat.log(), testing::IsEmpty());
}

}  // namespace
}  // namespace clew::pgsql
