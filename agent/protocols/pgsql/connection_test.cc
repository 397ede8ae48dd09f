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
    chat.greet().request(query("SELECT secret")).response(error("22P02", "bad secret") + ready());
    const std::string& span = chat.ended().front();
    EXPECT_EQ(span.find("ERROR(ERROR: bad secret)") != span.npos, shown == StatementText::Raw);
    EXPECT_EQ(span.find("db.query.text=SELECT secret") != span.npos, shown == StatementText::Raw);
    EXPECT_EQ(span.find("db.query.text") != span.npos && shown == StatementText::Off, false);
  }
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
