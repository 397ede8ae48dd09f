// The session from a connection's first byte to its last: startup, encryption, refusal, ends.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/protocols/pgsql/test_support.h"
#include "agent/protocols/registry.h"

namespace clew::pgsql {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr Side kResponse = Side::Response;

TEST(PgsqlSession, StartupTellsTheDatabase) {
  Chat chat;
  chat.request(startup("bob", "")).response(welcome());
  chat.request(query("SELECT 1")).response(selected("1"));
  EXPECT_THAT(chat.ended().front(), HasSubstr(" db.namespace=bob clew.db.user=bob "));
  Chat newer;
  newer.request(startup("bob", "shop", 2));
  newer.response(message('v', u32(0) + u32(0)) + message('R', u32(0)) +
                 message('K', u32(1) + std::string(200, 'k')) + ready());
  newer.request(query("SELECT 1")).response(selected("1"));
  EXPECT_THAT(newer.ended().front(), HasSubstr(" db.namespace=shop clew.db.user=bob "));
}

TEST(PgsqlSession, NegotiationInClearText) {
  Chat chat;
  chat.request(packet(kGssEncRequest)).response("N");
  chat.request(packet(kSslRequest)).response("N");
  chat.request(startup()).response(message('R', u32(5) + "salt"));
  chat.request(message('p', z("md5secret"))).response(welcome());
  chat.request(query("SELECT 1")).response(selected("1"));
  EXPECT_THAT(
      facts_of(chat),
      ElementsAre("0 Complete SELECT db.operation.name=SELECT db.response.returned_rows=1"));
}

TEST(PgsqlSession, EncryptionIsLeftAlone) {
  for (const auto& [code, reply] : {std::pair{kSslRequest, "S"}, {kGssEncRequest, "G"}}) {
    Chat chat;
    chat.request(packet(code)).response(reply);
    EXPECT_EQ(chat.last_verdict(), Session::Verdict::NotThisProtocol);
    chat.finish();
    EXPECT_THAT(chat.log(), IsEmpty());
  }
  Chat early;  // the client's first encrypted bytes are seen before the server's reply
  early.request(packet(kSslRequest)).request("\x16\x03\x01\x02\x00\x01"s);
  early.request("\x16\x03\x01\x02\x00\x01"s);
  EXPECT_EQ(early.last_verdict(), Session::Verdict::NotThisProtocol);
  EXPECT_THAT(early.log(), IsEmpty());
  Chat refused;
  refused.request(packet(kSslRequest)).response(error("53300", "too many", "FATAL"));
  EXPECT_THAT(refused.ended(), ElementsAre(HasSubstr("Complete connect")));
}

TEST(PgsqlSession, ARefusedConnectionIsToldAndNoPassword) {
  Chat chat;
  chat.request(startup()).response(message('R', u32(3)));
  chat.request(message('p', z("hunter2"))).response(error("28P01", "no", "FATAL")).finish();
  EXPECT_THAT(chat.ended(), ElementsAre("0 Complete connect db.namespace=shop clew.db.user=alice "
                                        "db.response.status_code=28P01 error.type=28P01 ERROR"));
}

TEST(PgsqlSession, Cancel) {
  Chat chat;
  chat.request(packet(kCancelRequest, u32(4711) + u32(99))).end(kResponse).finish();
  EXPECT_THAT(chat.log(), ElementsAre("0 request @0", "0 request-end @16",
                                      "0 end @0 Complete | CANCEL db.operation.name=CANCEL"));
}

TEST(PgsqlSession, Ends) {
  const auto ended = [](const std::string& response, Ending why) {
    Chat chat;
    chat.greet().request(query("SELECT 1"));
    if (!response.empty()) chat.response(response);
    chat.finish(why);
    return chat.ended().front().substr(2, 6);
  };
  EXPECT_EQ(ended("", Ending::ConnectionGone), "Unansw");
  EXPECT_EQ(ended(columns(), Ending::ConnectionGone), "Cut SE");
  EXPECT_EQ(ended(columns(), Ending::ClewStopped), "Unfini");
  EXPECT_EQ(ended(error("57P01", "shutdown", "FATAL"), Ending::ConnectionGone), "Comple");
  Chat idle;
  idle.greet().response(error("57P01", "shutdown", "FATAL")).finish();
  EXPECT_THAT(idle.log(), IsEmpty());
  EXPECT_EQ(idle.requests_unseen(), 0);
}

TEST(PgsqlSession, WhatIsNoPostgresIsGivenUp) {
  Chat chat;
  chat.greet().request(query("SELECT 1")).response("HTTP/1.1 200 OK\r\n");
  EXPECT_EQ(chat.last_verdict(), Session::Verdict::NotThisProtocol);
  EXPECT_THAT(chat.ended(), ElementsAre(HasSubstr("0 Malformed SELECT")));
  Chat wrong;
  wrong.greet().request(query("SELECT 1")).response(kBound);
  EXPECT_EQ(wrong.last_verdict(), Session::Verdict::NotThisProtocol);
  Chat lies;
  lies.greet().request("Q" + u32(0xfffffff0) + "SELECT");
  EXPECT_EQ(lies.last_verdict(), Session::Verdict::NotThisProtocol);
}

TEST(PgsqlSession, MessagesOfErrorsOnlyWhereValuesMayBeShown) {
  for (const auto shown : {StatementText::Sanitized, StatementText::Raw, StatementText::Off}) {
    Chat chat(shown);
    chat.greet()
        .request(query("SELECT a FROM t WHERE b = 'secret'"))
        .response(error("22P02", "bad secret") + ready());
    const std::string& span = chat.ended().front();
    EXPECT_EQ(span.find("ERROR(ERROR: bad secret)") != span.npos, shown == StatementText::Raw);
    EXPECT_EQ(span.find("db.query.text=SELECT a FROM t WHERE b = 'secret'") != span.npos,
              shown == StatementText::Raw);
    EXPECT_EQ(span.find("db.query.text") != span.npos && shown == StatementText::Off, false);
  }
}

struct TextCase {
  std::string sql, sanitized, rest;
};

const TextCase kTextCases[] = {
    {"SELECT a FROM t WHERE b = 'hunter2' AND c = 4711", "SELECT a FROM t WHERE b = ? AND c = ?",
     "SELECT t db.query.summary=SELECT t db.operation.name=SELECT db.collection.name=t"},
    {"ALTER ROLE bob PASSWORD 'hunter2'", "ALTER ROLE bob PASSWORD ?",
     "ALTER ROLE bob db.query.summary=ALTER ROLE bob db.operation.name=ALTER ROLE"},
    {"CREATE USER bob WITH ENCRYPTED PASSWORD $x$hunter2$x$ VALID UNTIL '4711-01-01'",
     "CREATE USER bob WITH ENCRYPTED PASSWORD ? VALID UNTIL ?",
     "CREATE USER bob db.query.summary=CREATE USER bob db.operation.name=CREATE USER"},
    {"INSERT INTO t VALUES (4711, E'it\\'s hunter2'); -- hunter2\nDELETE FROM u WHERE a = -4711",
     "INSERT INTO t VALUES (?, ?); DELETE FROM u WHERE a = ?",
     "INSERT t; DELETE u db.query.summary=INSERT t; DELETE u db.operation.batch.size=2 "
     "db.operation.name=BATCH"},
};

TEST(PgsqlSession, TextsByTheSetting) {
  for (const TextCase& test : kTextCases) {
    for (const bool extended : {false, true}) {
      for (const auto shown : {StatementText::Sanitized, StatementText::Raw, StatementText::Off}) {
        Chat chat(shown);
        chat.greet();
        if (extended) {
          chat.request(parse("", test.sql) + bind_to("", "", "hunter2") + execute() + sync());
          chat.response(kParsed + error("42601", "near hunter2") + ready());
        } else {
          chat.request(query(test.sql)).response(error("42601", "near hunter2") + ready());
        }
        ASSERT_THAT(chat.ended(), testing::SizeIs(1));
        std::string span = chat.ended().front();
        const std::string text = shown == StatementText::Raw ? test.sql : test.sanitized;
        const std::string shows = " db.query.text=" + text;
        const size_t at = span.find(shows);
        EXPECT_EQ(at == span.npos, shown == StatementText::Off) << span;
        if (at != span.npos) span.erase(at, shows.size());
        EXPECT_THAT(span, testing::Not(HasSubstr("db.query.text")));
        for (const std::string& part : {test.rest.substr(0, test.rest.find(" db.")),
                                        test.rest.substr(test.rest.find(" db."))}) {
          // Its name, then the rest, with the place of the text and of the connection's between.
          EXPECT_THAT(span, HasSubstr(part)) << test.sql;
        }
        if (shown == StatementText::Raw) continue;
        EXPECT_THAT(chat.ended().front(), testing::Not(HasSubstr("hunter2")));
        EXPECT_THAT(chat.ended().front(), testing::Not(HasSubstr("4711")));
      }
    }
  }
}

// The second byte of the first character is a backslash in ASCII, so that a reader of ASCII takes
// what follows for outside of the string.
constexpr std::string_view kDoubleByte =
    "SELECT a FROM t WHERE b = E'\x95\x5c' OR c = ' FROM hunter2 WHERE d = E'";

std::string startup_with(std::string_view encoding) {
  return packet(0x30000, z("user") + z("alice") + z("client_encoding") + z(encoding) + '\0');
}
std::string encoding_is(std::string_view encoding) {
  return message('S', z("client_encoding") + z(encoding));
}
void ask_double_byte(Chat& chat) {
  chat.request(query(kDoubleByte)).response(selected("1"));
}

TEST(PgsqlSession, TextsInEncodingsThatHideQuotesAreNotTold) {
  const std::string hidden =
      "SELECT db.namespace=alice clew.db.user=alice "
      "db.operation.name=SELECT db.response.returned_rows=1";
  for (const std::string encoding :
       {"SJIS", "BIG5", "GBK", "GB18030", "UHC", "JOHAB", "SHIFT_JIS_2004", "shift-jis", "'Win932'",
        "UTF8", "LATIN1", "EUC_JP", "SQL_ASCII", "gbk_of_a_name_too_long"}) {
    const bool is_safe = encoding.size() > 15 || encoding == "UTF8" || encoding == "LATIN1" ||
                         encoding == "EUC_JP" || encoding == "SQL_ASCII";
    const auto expect = [&](const Chat& chat, const std::string& how) {
      if (is_safe) {
        EXPECT_THAT(chat.ended().back(), HasSubstr(" FROM hunter2 WHERE d = ? ..."))
            << encoding << how;
      } else {
        EXPECT_THAT(chat.ended().back(), testing::EndsWith("Complete " + hidden))
            << encoding << how;
      }
    };
    Chat asked;
    asked.request(startup_with(encoding)).response(welcome());
    ask_double_byte(asked);
    expect(asked, " asked for");
    for (const size_t piece : {1, 3, 1000}) {
      Chat told;
      told.request(startup_with("")).split(kResponse, encoding_is(encoding) + welcome(), piece);
      ask_double_byte(told);
      expect(told, " told");
      // What is prepared may be from before.
      told.request(query("SELECT 2")).response(encoding_is("UTF8") + selected("2"));
      ask_double_byte(told);
      expect(told, " told before");
    }
    for (const std::string_view set : {"SET client_encoding TO '{}'", "begin;set names '{}'"}) {
      // More is sent, and answered, before the server tells.
      Chat sets;
      sets.request(startup_with("UTF8")).response(welcome());
      sets.request(parse("", fmt::format(fmt::runtime(set), encoding)) + bind_to("", "") +
                   execute() + parse("", kDoubleByte) + bind_to("", "") + execute() + message('H'));
      sets.response(kParsed + kBound + complete("SET") + kParsed + kBound + row("1") +
                    complete("SELECT 1"));
      expect(sets, " set");
    }
  }
}

TEST(PgsqlSession, RawTextsAreShownInAnyEncoding) {
  Chat chat(StatementText::Raw);
  chat.request(startup_with("SJIS")).response(encoding_is("SJIS") + welcome());
  ask_double_byte(chat);
  EXPECT_THAT(chat.ended().back(), HasSubstr("hunter2 WHERE d = E'"));
  Chat off(StatementText::Off);
  off.request(startup_with("SJIS")).response(welcome());
  ask_double_byte(off);
  EXPECT_THAT(off.ended().back(), testing::Not(HasSubstr("summary")));
}

TEST(PgsqlSession, ReplicationHoldsNothing) {
  Chat chat;
  chat.greet().request(query("START_REPLICATION"));
  chat.response(message('W', "\0\0\0"s));
  for (int i = 0; i < 100; ++i) {
    chat.response(message('d', std::string(5000, 'w'))).request(message('d', "status"));
  }
  EXPECT_EQ(chat.last_verdict(), Session::Verdict::Continue);
  chat.finish();
  EXPECT_THAT(chat.ended(), ElementsAre(HasSubstr("0 Cut START_REPLICATION")));
}

TEST(PgsqlSession, IsRegistered) {
  bool found = false;
  for (const Protocol& protocol : protocols()) found = found || protocol.name == "postgresql";
  EXPECT_TRUE(found);
}

}  // namespace
}  // namespace clew::pgsql
