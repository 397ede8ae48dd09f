// The session with every byte seen: pairing, splits, what spans say, ends.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/protocols/pgsql/test_support.h"

namespace clew::pgsql {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr Side kRequest = Side::Request;
constexpr Side kResponse = Side::Response;

struct Case {
  const char* name;
  // Turns: what the client sends, and what it gets.
  std::vector<std::pair<std::string, std::string>> turns;
  std::vector<std::string> ended;
};

const Case kCases[] = {
    {"simple query",
     {{query("SELECT 1"), selected("1")}},
     {"0 Complete SELECT db.operation.name=SELECT db.response.returned_rows=1"}},
    {"several statements in one",
     {{query("INSERT a;INSERT b"), complete("INSERT 0 2") + complete("INSERT 0 3") + ready('T')}},
     {"0 Complete INSERT db.operation.name=INSERT clew.affected_rows=5 clew.transaction=open"}},
    {"empty query", {{query(""), kEmpty + ready()}}, {"0 Complete postgresql"}},
    {"error",
     {{query("SELECT 1/0"), columns() + error("22012") + ready('E')}},
     {"0 Complete SELECT db.operation.name=SELECT clew.transaction=failed "
      "db.response.status_code=22012 error.type=22012 ERROR"}},
    {"unnamed statement",
     {{parse("", "SELECT $1") + bind_to("", "") + describe_portal("") + execute() + sync(),
       kParsed + kBound + columns() + row("7") + complete("SELECT 1") + ready()}},
     {"0 Complete SELECT db.operation.name=SELECT db.response.returned_rows=1"}},
    {"named statement, prepared apart",
     {{parse("s1", "UPDATE t") + describe_statement("s1") + sync(),
       kParsed + message('t', u16(0)) + kNoData + ready()},
      {bind_to("", "s1") + execute() + sync(), kBound + complete("UPDATE 3") + ready()},
      {bind_to("", "s1") + execute() + sync(), kBound + complete("UPDATE 4") + ready()},
      {close_statement("s1") + sync(), kClosed + ready()},
      {bind_to("", "s1") + execute() + sync(), error("26000") + ready()}},
     {"0 Complete UPDATE db.operation.name=UPDATE clew.prepared_statement=s1 clew.affected_rows=3",
      "1 Complete UPDATE db.operation.name=UPDATE clew.prepared_statement=s1 clew.affected_rows=4",
      "2 Complete postgresql clew.prepared_statement=s1 db.response.status_code=26000 "
      "error.type=26000 ERROR"}},
    {"pipeline with an error in the middle",
     {{parse("", "A 1") + bind_to("", "") + execute() + parse("", "B 1") + bind_to("", "") +
           execute() + parse("", "C 1") + bind_to("", "") + execute() + sync() + parse("", "D 1") +
           bind_to("", "") + execute() + sync(),
       kParsed + kBound + complete("A") + kParsed + error("23505") + ready() + kParsed + kBound +
           complete("D") + ready()}},
     {"0 Complete A db.operation.name=A",
      "1 Complete B db.operation.name=B db.response.status_code=23505 error.type=23505 ERROR",
      "2 Complete C db.operation.name=C error.type=pipeline_aborted ERROR",
      "3 Complete D db.operation.name=D"}},
    {"a prepare that fails",
     {{parse("s", "SELEC 1") + describe_statement("s") + sync(), error("42601") + ready()}},
     {"0 Complete SELEC db.operation.name=SELEC clew.prepared_statement=s "
      "db.response.status_code=42601 error.type=42601 ERROR"}},
    {"a prepare that fails, and its Execute is skipped",
     {{parse("", "SELEC 1") + bind_to("", "") + execute() + sync(), error("42601") + ready()}},
     {"0 Complete SELEC db.operation.name=SELEC db.response.status_code=42601 "
      "error.type=42601 ERROR"}},
    {"an error told before the Execute is sent",
     {{parse("", "SELEC 1") + message('H'), error("42601")},
      {bind_to("", "") + execute() + bind_to("", "") + execute() + sync(), ready()}},
     {"0 Complete SELEC db.operation.name=SELEC db.response.status_code=42601 "
      "error.type=42601 ERROR",
      "1 Complete SELEC db.operation.name=SELEC error.type=pipeline_aborted ERROR"}},
    {"a commit that fails",
     {{bind_to("", "s") + execute() + sync(),
       kBound + complete("INSERT 0 1") + error("23503") + ready()}},
     {"0 Complete INSERT db.operation.name=INSERT clew.prepared_statement=s clew.affected_rows=1 "
      "db.response.status_code=23503 error.type=23503 ERROR"}},
    {"a portal in parts",
     {{parse("", "SELECT x") + bind_to("p", "") + execute("p", 2) + sync(),
       kParsed + kBound + row("1") + row("2") + kSuspended + ready('T')},
      {execute("p", 2) + sync(), row("3") + complete("SELECT 1") + ready('T')}},
     {"0 Complete SELECT db.operation.name=SELECT db.response.returned_rows=2 "
      "clew.transaction=open",
      "1 Complete SELECT db.operation.name=SELECT clew.portal_continued=1 "
      "db.response.returned_rows=1 clew.transaction=open"}},
    {"copy in, simple",
     {{query("COPY t FROM STDIN"), message('G', "\0\0\1\0\0"s)},
      {message('d', "1\n") + message('d', "2\n") + message('c'), complete("COPY 2") + ready()},
      {query("SELECT 1"), selected("1")}},
     {"0 Complete COPY db.operation.name=COPY clew.affected_rows=2",
      "1 Complete SELECT db.operation.name=SELECT db.response.returned_rows=1"}},
    {"copy in, extended: the first Sync counts for nothing",
     {{parse("", "COPY t") + bind_to("", "") + execute() + sync(),
       kParsed + kBound + message('G', "\0\0\1\0\0"s)},
      {message('d', "1\n") + message('c') + sync(), complete("COPY 1") + ready()},
      {query("SELECT 1"), selected("1")}},
     {"0 Complete COPY db.operation.name=COPY clew.affected_rows=1",
      "1 Complete SELECT db.operation.name=SELECT db.response.returned_rows=1"}},
    {"copy in that the client gives up",
     {{query("COPY t"), message('G', "\0\0\1\0\0"s)},
      {message('f', z("no more")), error("57014") + ready()}},
     {"0 Complete COPY db.operation.name=COPY db.response.status_code=57014 error.type=57014 "
      "ERROR"}},
    {"copy out",
     {{query("COPY t TO STDOUT"), message('H', "\0\0\1\0\0"s) + message('d', "1\n") + message('c') +
                                      complete("COPY 1") + ready()}},
     {"0 Complete COPY db.operation.name=COPY clew.affected_rows=1"}},
    {"returning",
     {{parse("", "INSERT x") + bind_to("", "") + execute() + sync(),
       kParsed + kBound + row("1") + row("2") + complete("INSERT 0 2") + ready()}},
     {"0 Complete INSERT db.operation.name=INSERT db.response.returned_rows=2 "
      "clew.affected_rows=2"}},
    {"rows that go into a table",
     {{query("CREATE TABLE a AS"), complete("SELECT 9") + ready()}},
     {"0 Complete CREATE db.operation.name=CREATE clew.affected_rows=9"}},
    {"function call",
     {{message('F', u32(951) + u16(0) + u16(0) + u16(0)), message('V', u32(4) + u32(1)) + ready()}},
     {"0 Complete FUNCTION CALL db.operation.name=FUNCTION CALL"}},
    {"notices and notifications between",
     {{query("LISTEN c"), message('N', "SNOTICE\0\0"s) + complete("LISTEN") + ready() +
                              message('A', u32(7) + z("c") + z("x"))},
      {query("SELECT 1"), message('A', u32(7) + z("c") + z("x")) + columns() + row("1") +
                              message('S', z("TimeZone") + z("UTC")) + complete("SELECT 1") +
                              ready()}},
     {"0 Complete LISTEN db.operation.name=LISTEN",
      "1 Complete SELECT db.operation.name=SELECT db.response.returned_rows=1"}},
};

TEST(PgsqlSession, Conversations) {
  for (const Case& test : kCases) {
    Chat chat;
    chat.greet();
    for (const auto& [request, response] : test.turns) chat.request(request).response(response);
    EXPECT_EQ(facts_of(chat), test.ended) << test.name;
    chat.finish();
    EXPECT_EQ(chat.ended().size(), test.ended.size()) << test.name;
    EXPECT_EQ(chat.requests_unseen(), 0) << test.name;
  }
}

TEST(PgsqlSession, EverySplitTellsTheSame) {
  for (const Case& test : kCases) {
    Chat whole;
    whole.greet();
    for (const auto& [request, response] : test.turns) whole.request(request).response(response);
    size_t longest = 0;
    for (const auto& [request, response] : test.turns) {
      longest = std::max({longest, request.size(), response.size()});
    }
    for (size_t piece = 1; piece < longest; ++piece) {
      Chat split;
      split.split(kRequest, startup(), piece).split(kResponse, welcome(), piece);
      for (const auto& [request, response] : test.turns) {
        split.split(kRequest, request, piece).split(kResponse, response, piece);
      }
      EXPECT_EQ(split.log(), whole.log()) << test.name << " in pieces of " << piece;
    }
    // Each turn cut in two, at each place.
    for (size_t at = 1; at < longest; ++at) {
      Chat split;
      split.greet();
      for (const auto& [request, response] : test.turns) {
        const uint64_t moment = split.moment();
        for (const auto& [side, text] : {std::pair{kRequest, request}, {kResponse, response}}) {
          const uint64_t then = side == kRequest ? moment + 1 : moment + 2;
          split.from(then).feed(side, text.substr(0, at));
          if (at < text.size()) split.from(then).feed(side, text.substr(at), false);
        }
        split.from(0);
        split.feed(kRequest, "");
      }
      EXPECT_EQ(split.log(), whole.log()) << test.name << " cut at " << at;
    }
  }
}

TEST(PgsqlSession, AnswersAheadOfTheirRequests) {
  for (const Case& test : kCases) {
    Chat in_order;
    in_order.greet();
    for (const auto& [request, response] : test.turns) in_order.request(request).response(response);
    Chat swapped;
    swapped.greet();
    for (const auto& [request, response] : test.turns) {
      // Recorded later, though sent before.
      const uint64_t sent = swapped.moment() + 1;
      swapped.response(response);
      swapped.from(sent).request(request);
    }
    EXPECT_EQ(swapped.ended(), in_order.ended()) << test.name;
  }
}

TEST(PgsqlSession, OffsetsOfTheGroup) {
  Chat chat;
  chat.greet();
  const uint64_t start = chat.offset(kRequest);
  const std::string first = parse("", "A") + bind_to("", ""), second = execute() + sync();
  chat.request(first).request(second);
  chat.response(kParsed + kBound + complete("A") + ready());
  const uint64_t end = chat.offset(kResponse);
  EXPECT_THAT(chat.log()[0], HasSubstr(fmt::format("0 request @{}", start)));
  EXPECT_THAT(chat.log()[1],
              HasSubstr(fmt::format("0 request-end @{}", start + first.size() + execute().size())));
  EXPECT_THAT(chat.log()[2], HasSubstr("0 response @"));
  EXPECT_THAT(chat.log()[3], HasSubstr(fmt::format("0 end @{} Complete", end)));
}

TEST(PgsqlSession, TheTextOfANameIsTheOneThatTheServerHas) {
  Chat chat;
  chat.greet();
  chat.request(parse("s", "OLD 1") + sync()).response(kParsed + ready());
  // The name is taken: the server keeps what it has.
  chat.request(parse("s", "NEW 1") + sync() + bind_to("", "s") + execute() + sync());
  chat.response(error("42P05") + ready() + kBound + complete("OLD") + ready());
  // Asked for, and never answered: again what the server has.
  chat.request(bind_to("", "s") + execute() + sync()).finish();
  EXPECT_THAT(chat.ended(), ElementsAre(HasSubstr("1 Complete NEW"), HasSubstr("0 Complete OLD"),
                                        HasSubstr("2 Unanswered OLD")));
}

TEST(PgsqlSession, NamesAndTextsAreBounded) {
  Chat chat;
  chat.greet();
  std::string text(10'000, 'x');
  for (int i = 0; i < 3000; ++i) {
    chat.request(parse(fmt::format("s{}", i), fmt::format("Q{} {}", i, text)) + sync());
    chat.response(kParsed + ready());
  }
  const auto run = [&](int i) {
    chat.request(bind_to("", fmt::format("s{}", i)) + execute() + sync());
    chat.response(kBound + complete("SELECT 1") + ready());
    return facts(chat.ended().back());
  };
  EXPECT_THAT(run(2999), HasSubstr(" Q2999 db.operation.name=Q2999 clew.prepared_statement=s2999"));
  // Forgotten, but named.
  EXPECT_THAT(run(0), HasSubstr(" SELECT db.operation.name=SELECT clew.prepared_statement=s0"));
}

TEST(PgsqlSession, UnansweredTextsAreBounded) {
  Chat chat;
  chat.greet();
  for (int i = 0; i < 1000; ++i)
    chat.request(query(fmt::format("Q{} ", i) + std::string(9000, 'x')));
  for (int i = 0; i < 1000; ++i) chat.response(selected("1"));
  EXPECT_THAT(chat.ended(), SizeIs(1000));
  EXPECT_THAT(chat.ended().front(), HasSubstr("Complete Q0 "));
  EXPECT_THAT(chat.ended().back(), HasSubstr("Complete SELECT "));
}

TEST(PgsqlSession, ThePipelineIsBounded) {
  Chat chat;
  chat.greet();
  for (size_t i = 0; i < kMaxQueued + 10; ++i) chat.request(sync());
  chat.request(query("A"));
  EXPECT_EQ(chat.last_verdict(), Session::Verdict::Continue);
  chat.finish();
  EXPECT_THAT(chat.ended(), SizeIs(1));
}

TEST(PgsqlSession, DeepPipelines) {
  Chat chat;
  chat.greet();
  std::string requests, responses;
  for (int i = 0; i < 1000; ++i) {
    requests += parse("", fmt::format("Q{} x", i)) + bind_to("", "") + execute();
    responses += kParsed + kBound + complete(fmt::format("T{} 1", i));
  }
  chat.request(requests + sync()).response(responses + ready());
  ASSERT_THAT(chat.ended(), SizeIs(1000));
  for (int i = 0; i < 1000; ++i) {
    EXPECT_THAT(chat.ended()[static_cast<size_t>(i)],
                testing::StartsWith(fmt::format("{} Complete Q{} ", i, i)));
  }
}

}  // namespace
}  // namespace clew::pgsql
