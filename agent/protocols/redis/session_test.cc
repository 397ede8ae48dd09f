// The session with every byte seen: pairing, states, pushes, splits, ends.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "agent/protocols/redis/test_support.h"
#include "agent/protocols/registry.h"

namespace clew::redis {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

struct Turn {
  Side side;
  std::string bytes;
};

struct Case {
  const char* name;
  std::vector<Turn> turns;
  std::vector<std::string> ended;
};

Turn ask(std::initializer_list<std::string_view> words) {
  return {Side::Request, command(words)};
}
Turn send(std::string bytes) {
  return {Side::Request, std::move(bytes)};
}
Turn reply(std::string bytes) {
  return {Side::Response, std::move(bytes)};
}

std::string confirmation(std::string_view kind, std::string_view channel, int count,
                         char type = '*') {
  return fmt::format("{}3\r\n{}{}:{}\r\n", type, bulk(kind), bulk(channel), count);
}
std::string message(char type = '*') {
  return fmt::format("{}3\r\n{}{}{}", type, bulk("message"), bulk("ch"), bulk("hello"));
}

const std::vector<Case>& cases() {
  static const std::vector<Case> kCases = {
      {"one by one",
       {ask({"SET", "k", "v"}), reply("+OK\r\n"), ask({"GET", "k"}), reply(bulk("v"))},
       {"0 Complete SET", "1 Complete GET"}},
      {"pipelined",
       {send(command({"INCR", "a"}) + command({"GET", "b"}) + command({"LPUSH", "c", "d"})),
        reply(":1\r\n$-1\r\n-WRONGTYPE Operation against a key\r\n")},
       {"0 Complete INCR", "1 Complete GET", "2 Complete LPUSH WRONGTYPE"}},
      {"inline",
       {send("PING\r\n"), reply("+PONG\r\n"), send("\r\nset k 'v w'\r\n"), reply("+OK\r\n")},
       {"0 Complete PING", "1 Complete SET"}},
      {"nothing asked",
       {send("*0\r\n*-1\r\n" + command({"PING"})), reply("+PONG\r\n")},
       {"0 Complete PING"}},
      {"redirected",
       {ask({"GET", "k"}), reply("-MOVED 3999 127.0.0.1:6381\r\n"), ask({"ASKING"}),
        reply("+OK\r\n"), ask({"GET", "k"}), reply("-ASK 3999 127.0.0.1:6381\r\n")},
       {"0 Complete GET MOVED", "1 Complete ASKING", "2 Complete GET ASK"}},
      {"a transaction",
       {ask({"WATCH", "k"}), reply("+OK\r\n"), ask({"MULTI"}), reply("+OK\r\n"),
        send(command({"INCR", "k"}) + command({"LPOP", "k"})), reply("+QUEUED\r\n+QUEUED\r\n"),
        ask({"EXEC"}), reply("*2\r\n:1\r\n-WRONGTYPE x\r\n"), ask({"GET", "k"}),
        reply("$1\r\n1\r\n")},
       {"0 Complete WATCH", "1 Complete MULTI", "2 Complete INCR", "3 Complete LPOP",
        "4 Complete EXEC WRONGTYPE", "5 Complete GET"}},
      {"an aborted transaction",
       {ask({"MULTI"}), reply("+OK\r\n"), ask({"INCR"}),
        reply("-ERR wrong number of arguments for 'incr' command\r\n"), ask({"EXEC"}),
        reply("-EXECABORT Transaction discarded because of previous errors.\r\n")},
       {"0 Complete MULTI", "1 Complete INCR ERR", "2 Complete EXEC EXECABORT"}},
      {"silent",
       {send(command({"CLIENT", "REPLY", "OFF"}) + command({"SET", "a", "1"}) +
             command({"CLIENT", "REPLY", "ON"}) + command({"CLIENT", "REPLY", "SKIP"}) +
             command({"SET", "b", "1"}) + command({"GET", "b"})),
        reply("+OK\r\n$1\r\n1\r\n")},
       {"0 Complete CLIENT", "1 Complete SET", "3 Complete CLIENT", "4 Complete SET",
        "2 Complete CLIENT", "5 Complete GET"}},
      {"subscribed, RESP2",
       {ask({"SUBSCRIBE", "a", "b"}), reply(confirmation("subscribe", "a", 1) + message()),
        reply(confirmation("subscribe", "b", 2) + message()), ask({"PSUBSCRIBE", "p*"}),
        reply(message() + confirmation("psubscribe", "p*", 3)), ask({"PING"}),
        reply("*2\r\n$4\r\npong\r\n$0\r\n\r\n"), reply(message()), ask({"GET", "k"}),
        reply(message() + "-ERR Can't execute 'get'\r\n"), ask({"UNSUBSCRIBE"}),
        reply(confirmation("unsubscribe", "a", 2) + confirmation("unsubscribe", "b", 1)),
        ask({"PUNSUBSCRIBE", "p*", "q*"}),
        reply(confirmation("punsubscribe", "p*", 0) + confirmation("punsubscribe", "q*", 0)),
        ask({"UNSUBSCRIBE"}), reply("*3\r\n$11\r\nunsubscribe\r\n$-1\r\n:0\r\n"),
        ask({"LRANGE", "l", "0", "-1"}), reply(message())},
       {"0 Complete SUBSCRIBE", "1 Complete PSUBSCRIBE", "2 Complete PING", "3 Complete GET ERR",
        "4 Complete UNSUBSCRIBE", "5 Complete PUNSUBSCRIBE", "6 Complete UNSUBSCRIBE",
        "7 Complete LRANGE"}},
      {"subscribed, RESP3",
       {ask({"HELLO", "3"}), reply("%1\r\n$6\r\nserver\r\n$5\r\nredis\r\n"),
        send(command({"SUBSCRIBE", "a", "b"}) + command({"GET", "k"})),
        reply(confirmation("subscribe", "a", 1, '>') + message('>') +
              confirmation("subscribe", "b", 2, '>') + "$1\r\nv\r\n"),
        reply(message('>')), ask({"LRANGE", "l", "0", "-1"}),
        reply(">2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\nk\r\n" + message())},
       {"0 Complete HELLO", "1 Complete SUBSCRIBE", "2 Complete GET", "3 Complete LRANGE"}},
      {"refused subscription",
       {ask({"SSUBSCRIBE", "a"}), reply("-MOVED 1 h:1\r\n"), ask({"PING"}), reply("+PONG\r\n")},
       {"0 Complete SSUBSCRIBE MOVED", "1 Complete PING"}},
      {"monitoring",
       {ask({"MONITOR"}), reply("+OK\r\n+1339518083.107412 [0 127.0.0.1:60866] \"keys\" \"*\"\r\n"),
        ask({"PING"}), reply("+1339518083.2 [0 lua] \"x\"\r\n+PONG\r\n"), ask({"RESET"}),
        reply("+RESET\r\n")},
       {"0 Complete MONITOR", "1 Complete PING", "2 Complete RESET"}},
      {"attributes and streams",
       {send(command({"MGET", "a"}) + command({"GET", "b"}) + command({"KEYS", "*"})),
        reply("|1\r\n+ttl\r\n:3\r\n*1\r\n$-1\r\n$?\r\n;3\r\nabc\r\n;0\r\n*?\r\n+a\r\n.\r\n")},
       {"0 Complete MGET", "1 Complete GET", "2 Complete KEYS"}},
      {"a broken command",
       {ask({"PING"}), reply("+PONG\r\n"), send("*1\r\n$x\r\n"),
        reply("-ERR Protocol error: invalid bulk length\r\n")},
       {"0 Complete PING", "1 Malformed UNKNOWN ERR"}},
      {"a command that the server does not know",
       {ask({"ZZZ", "a"}), reply("-ERR unknown command 'ZZZ', with args beginning with: 'a' \r\n"),
        ask({"A B", "a"}), reply("+OK\r\n"), ask({"mod.cmd", "a"}), reply("+OK\r\n")},
       {"0 Complete UNKNOWN ERR", "1 Complete UNKNOWN", "2 Complete MOD.CMD"}},
  };
  return kCases;
}

std::vector<std::string> run(const Case& which, size_t piece) {
  Chat chat;
  for (const Turn& turn : which.turns) {
    for (size_t at = 0; at < turn.bytes.size(); at += piece) {
      const auto part = std::string_view(turn.bytes).substr(at, piece);
      at == 0 ? chat.feed(turn.side, part) : chat.more(turn.side, part);
    }
  }
  const bool breaks =
      !which.ended.empty() && which.ended.back().find("Malformed") != std::string::npos;
  EXPECT_EQ(chat.verdict() == Session::Verdict::NotThisProtocol, breaks) << which.name;
  EXPECT_EQ(chat.requests_unseen(), 0U) << which.name;
  return chat.ended();
}

TEST(Session, ConversationsInPiecesOfAnySize) {
  for (const Case& which : cases()) {
    for (size_t piece = 1; piece < 40; ++piece) {
      EXPECT_EQ(run(which, piece), which.ended) << which.name << " by " << piece;
    }
    EXPECT_EQ(run(which, 100000), which.ended) << which.name;
  }
}

TEST(Session, RepliesAreHeldForTheirCommands) {
  Chat chat;
  chat.from(20).response("+OK\r\n").from(40).response("$1\r\n");
  EXPECT_THAT(chat.ended(), IsEmpty());
  chat.from(10).ask({"SET", "k", "v"});
  EXPECT_THAT(chat.ended(), ElementsAre("0 Complete SET"));
  chat.more(Side::Response, "1\r\n").from(30).ask({"GET", "k"});
  EXPECT_THAT(chat.ended(), ElementsAre("0 Complete SET", "1 Complete GET"));
}

TEST(Session, ManyAtOnceAreExact) {
  for (const size_t depth : {1U, 16U, 256U, 1000U, 16384U}) {
    Chat chat;
    for (int round = 0; round < 3; ++round) {
      std::string requests, replies;
      for (size_t i = 0; i < depth; ++i) {
        requests +=
            i % 2 == 0 ? command({"SET", "key:__rand_int__", "xxx"}) : command({"GET", "k"});
        replies += i % 2 == 0 ? "+OK\r\n" : "$3\r\nxxx\r\n";
      }
      chat.request(requests).response(replies);
    }
    ASSERT_THAT(chat.ended(), SizeIs(3 * depth));
    for (size_t i = 0; i < chat.ended().size(); ++i) {
      ASSERT_EQ(chat.ended()[i],
                fmt::format("{} Complete {}", i, i % depth % 2 == 0 ? "SET" : "GET"));
    }
  }
}

TEST(Session, BeyondTheBoundTheRestIsStillPairedRight) {
  Chat chat;
  std::string requests, replies;
  constexpr size_t kCount = 2 * kMaxLiveExchanges + 100;
  for (size_t i = 0; i < kCount; ++i) {
    const bool fails = i == kCount - 1;
    requests += command({fails ? "LPOP" : "INCR", "k"});
    replies += fails ? "-WRONGTYPE x\r\n" : ":1\r\n";
  }
  chat.request(requests).response(replies);
  ASSERT_THAT(chat.ended(), SizeIs(kCount));
  EXPECT_THAT(chat.ended().front(), "0 Unfinished INCR");
  EXPECT_THAT(chat.ended()[kCount - 2], HasSubstr("Complete INCR"));
  EXPECT_THAT(chat.ended().back(), HasSubstr("Complete LPOP WRONGTYPE"));
  EXPECT_EQ(chat.requests_unseen(), 0U);
}

TEST(Session, OffsetsOfEventsAreThoseOfTheBytes) {
  Chat chat;
  chat.request(command({"GET", "a"}) + command({"GET", "b"})).response("$1\r\nx\r\n$-1\r\n");
  std::vector<std::string> seen;
  for (const MessageEvent& event : chat.all_events()) {
    seen.push_back(
        fmt::format("{}:{}@{}", event.exchange, static_cast<int>(event.kind), event.offset));
  }
  EXPECT_THAT(seen, ElementsAre("0:0@0", "0:1@20", "1:0@20", "1:1@40", "0:2@0", "0:3@7", "1:2@7",
                                "1:3@12"));
}

TEST(Session, Attributes) {
  Chat chat;
  chat.ask({"set", "k", "v"}).response("+OK\r\n");
  EXPECT_EQ(chat.described().back(),
            "SET db.system.name=redis db.operation.name=SET db.namespace=0 db.query.text=SET k ?");
  chat.ask({"FCALL", "f", "1", "k"}).response("-ERR Function not found\r\n");
  EXPECT_EQ(chat.described().back(),
            "FCALL db.system.name=redis db.operation.name=FCALL db.namespace=0 "
            "db.query.text=FCALL f 1 k db.stored_procedure.name=f db.response.status_code=ERR "
            "error.type=ERR ERROR");
  chat.ask({"GET", "k"}).response("-lower case error\r\n");
  EXPECT_THAT(chat.described().back(), HasSubstr("db.response.status_code=ERR"));
}

TEST(Session, TextAsConfigured) {
  Chat raw(StatementText::Raw), off(StatementText::Off);
  raw.ask({"SET", "k", "v"}).response("+OK\r\n").ask({"AUTH", "hunter2"}).response("+OK\r\n");
  off.ask({"SET", "k", "v"}).response("+OK\r\n");
  EXPECT_THAT(raw.described().at(0), HasSubstr("db.query.text=SET k v"));
  EXPECT_THAT(raw.described().at(1), HasSubstr("db.query.text=AUTH ?"));
  EXPECT_THAT(off.described().at(0), Not(HasSubstr("db.query.text")));
}

TEST(Session, NamespaceFollowsSelect) {
  Chat chat;
  const auto database = [&] { return Chat::value_of(chat.described().back(), "db.namespace"); };
  chat.ask({"SELECT", "7"}).response("+OK\r\n");
  EXPECT_EQ(database(), "0");
  chat.ask({"GET", "k"}).response("$-1\r\n");
  EXPECT_EQ(database(), "7");
  chat.ask({"SELECT", "99"}).response("-ERR DB index is out of range\r\n");
  chat.ask({"GET", "k"}).response("$-1\r\n");
  EXPECT_EQ(database(), "7");
  chat.ask({"MULTI"}).response("+OK\r\n").ask({"SELECT", "15"}).response("+QUEUED\r\n");
  chat.ask({"GET", "k"}).response("+QUEUED\r\n");
  EXPECT_EQ(database(), "7");
  chat.ask({"EXEC"}).response("*2\r\n+OK\r\n$-1\r\n").ask({"PING"}).response("+PONG\r\n");
  EXPECT_EQ(database(), "15");
  chat.ask({"MULTI"}).response("+OK\r\n").ask({"SELECT", "3"}).response("+QUEUED\r\n");
  chat.ask({"DISCARD"}).response("+OK\r\n").ask({"PING"}).response("+PONG\r\n");
  EXPECT_EQ(database(), "15");
  chat.ask({"SELECT", "300"}).response("+OK\r\n").ask({"PING"}).response("+PONG\r\n");
  EXPECT_EQ(database(), "300");
  chat.ask({"RESET"}).response("+RESET\r\n").ask({"PING"}).response("+PONG\r\n");
  EXPECT_EQ(database(), "0");
}

TEST(Session, QueuedCommandsAreMarked) {
  Chat chat;
  chat.ask({"MULTI"}).response("+OK\r\n").ask({"GET", "k"}).response("+QUEUED\r\n");
  EXPECT_THAT(chat.described().back(), HasSubstr("clew.redis.queued=1"));
  chat.ask({"EXEC"}).response("*1\r\n$-1\r\n").ask({"EVAL", "x", "0"}).response("+QUEUED\r\n");
  EXPECT_THAT(chat.described().back(), Not(HasSubstr("clew.redis.queued")));
}

TEST(Session, ValkeyIsNamedByWhatItSays) {
  const std::string hello =
      "%2\r\n$6\r\nserver\r\n$6\r\nvalkey\r\n$7\r\nversion\r\n$5\r\n8.1.0\r\n";
  for (size_t split = 1; split < hello.size(); ++split) {
    Chat chat;
    chat.ask({"HELLO", "3"})
        .response(hello.substr(0, split))
        .more(Side::Response, hello.substr(split));
    EXPECT_THAT(chat.described().back(), HasSubstr("db.system.name=valkey"));
  }
  Chat info;
  info.ask({"INFO"}).response(
      bulk("# Server\r\nredis_version:7.2.4\r\nserver_name:valkey\r\n"
           "valkey_version:8.1.0\r\n"));
  info.ask({"GET", "k"}).response("$-1\r\n");
  EXPECT_THAT(info.described().back(), HasSubstr("db.system.name=valkey"));
  Chat redis;
  redis.ask({"INFO"}).response(bulk("redis_version:7.0\r\nexecutable:/usr/bin/valkey-server\r\n"));
  EXPECT_THAT(redis.described().back(), HasSubstr("db.system.name=redis"));
  redis.ask({"GET", "k"}).response(bulk("\nvalkey_version:"));
  EXPECT_THAT(redis.described().back(), HasSubstr("db.system.name=redis"));
}

TEST(Session, LargeValuesAreSkipped) {
  Chat chat;
  const std::string value(1000, 'v');
  chat.request("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1000000\r\n");
  for (int i = 0; i < 1000; ++i) chat.more(Side::Request, value);
  chat.more(Side::Request, "\r\n").response("+OK\r\n");
  chat.ask({"GET", "k"}).response("$1000000\r\n");
  for (int i = 0; i < 1000; ++i) chat.more(Side::Response, value);
  chat.more(Side::Response, "\r\n");
  EXPECT_THAT(chat.ended(), ElementsAre("0 Complete SET", "1 Complete GET"));
}

TEST(Session, Ends) {
  Chat chat;
  chat.request(command({"GET", "a"}) + command({"GET", "b"})).response("$5\r\nab");
  chat.end(Side::Response).finish();
  EXPECT_THAT(chat.ended(), ElementsAre("0 Cut GET", "1 Unanswered GET"));
  Chat down;
  down.ask({"SHUTDOWN"}).end(Side::Response).finish();
  EXPECT_THAT(down.ended(), ElementsAre("0 Complete SHUTDOWN"));
  Chat stopped;
  stopped.ask({"BLPOP", "l", "0"}).finish(Ending::ClewStopped);
  EXPECT_THAT(stopped.ended(), ElementsAre("0 Unfinished BLPOP"));
  EXPECT_THAT(stopped.described().back(), HasSubstr("clew.incomplete=1"));
  Chat early;  // the server refuses the size that was announced, and closes
  early.ask({"PING"}).response("+PONG\r\n").request("*2\r\n$3\r\nGET\r\n$99999999\r\n");
  early.response("-ERR Protocol error: invalid bulk length\r\n").end(Side::Response).finish();
  EXPECT_THAT(early.ended(), ElementsAre("0 Complete PING", "1 Complete GET ERR"));
}

TEST(Session, ReplicationIsLeftAlone) {
  Chat chat;
  chat.ask({"PING"}).response("+PONG\r\n").ask({"REPLCONF", "listening-port", "6380"});
  chat.response("+OK\r\n").ask({"PSYNC", "?", "-1"}).response("+FULLRESYNC abc 0\r\n$5\r\nREDIS");
  EXPECT_THAT(chat.ended(),
              ElementsAre("0 Complete PING", "1 Complete REPLCONF", "2 Complete PSYNC"));
  EXPECT_EQ(chat.verdict(), Session::Verdict::NotThisProtocol);
  Chat refused;
  refused.ask({"PSYNC", "?", "-1"})
      .response("-NOMASTERLINK x\r\n")
      .ask({"PING"})
      .response("+PONG\r\n");
  EXPECT_THAT(refused.ended(), ElementsAre("0 Complete PSYNC NOMASTERLINK", "1 Complete PING"));
  Chat sync;
  sync.ask({"SYNC"}).response("$5\r\nREDIS0011");
  EXPECT_THAT(sync.ended(), ElementsAre("0 Complete SYNC"));
  EXPECT_EQ(sync.verdict(), Session::Verdict::NotThisProtocol);
  Chat joined(StatementText::Sanitized, 1000);  // its master's side looks like a client
  joined.ask({"PING"}).response(command({"REPLCONF", "ACK", "17"}));
  EXPECT_EQ(joined.verdict(), Session::Verdict::NotThisProtocol);
}

TEST(Session, OtherProtocolsAreGivenUpWithoutAWord) {
  Chat memcached;
  memcached.request("get foo\r\n").response("VALUE foo 0 3\r\nbar\r\nEND\r\n");
  EXPECT_EQ(memcached.verdict(), Session::Verdict::NotThisProtocol);
  EXPECT_THAT(memcached.all_events(), IsEmpty());
  Chat smtp;
  smtp.response("220 mail ready\r\n").request("HELO x\r\n");
  EXPECT_EQ(smtp.verdict(), Session::Verdict::NotThisProtocol);
  EXPECT_THAT(smtp.all_events(), IsEmpty());
  Chat pop3;
  pop3.response("+OK POP3 ready\r\n").request("AUTH PLAIN\r\n").response("+OK\r\n");
  EXPECT_EQ(pop3.verdict(), Session::Verdict::NotThisProtocol);
  EXPECT_THAT(pop3.all_events(), IsEmpty());
}

TEST(Session, ARefusedConnectionIsNoAnswer) {
  Chat chat;
  chat.response("-ERR max number of clients reached\r\n").ask({"PING"}).finish();
  EXPECT_THAT(chat.ended(), ElementsAre("0 Unanswered PING"));
}

TEST(Session, BrokenRepliesEndWhatWaits) {
  Chat chat;
  chat.ask({"PING"}).response("+PONG\r\n");
  chat.request(command({"GET", "a"}) + command({"GET", "b"})).response("garbage\r\n");
  EXPECT_THAT(chat.ended(), ElementsAre("0 Complete PING", "1 Malformed GET", "2 Malformed GET"));
  chat.ask({"GET", "c"}).response("$1\r\nx\r\n").ask({"GET", "d"}).response("$1\r\ny\r\n");
  EXPECT_THAT(chat.ended(), testing::Contains("3 Complete GET"));
}

// Recorded between redis-cli or redis-benchmark 7.0 and a server: for each read the side, its
// length (4 bytes, big endian) and its bytes.
std::vector<Turn> recorded(const std::string& name) {
  std::ifstream file(std::string(CLEW_REDIS_RECORDED) + "/" + name, std::ios::binary);
  std::vector<Turn> turns;
  for (std::array<char, 5> head; file.read(head.data(), head.size());) {
    size_t size = 0;
    for (size_t i = 1; i < head.size(); ++i) size = size * 256 + static_cast<uint8_t>(head[i]);
    Turn& turn = turns.emplace_back(head[0] == 0 ? Side::Request : Side::Response);
    turn.bytes.resize(size);
    file.read(turn.bytes.data(), static_cast<std::streamsize>(size));
  }
  EXPECT_THAT(turns, Not(IsEmpty())) << name;
  return turns;
}

std::vector<std::string> names(const std::vector<std::string>& ended) {
  std::vector<std::string> names;
  for (const std::string& line : ended) names.push_back(line.substr(line.find(' ') + 1));
  return names;
}

TEST(Session, RecordedConversations) {
  for (const std::string name : {"cli_resp2", "cli_resp3"}) {
    Case which{"recorded", recorded(name), {}};
    which.ended = run(which, 100000);
    for (size_t piece = 1; piece < 30; ++piece) EXPECT_EQ(run(which, piece), which.ended);
    std::vector<std::string> seen = names(which.ended);
    if (name == "cli_resp3") {
      EXPECT_EQ(seen.front(), "Complete HELLO");
      seen.erase(seen.begin());
    }
    EXPECT_THAT(
        seen,
        ElementsAre("Complete AUTH ERR", "Complete SET", "Complete GET", "Complete INCR",
                    "Complete LPUSH", "Complete LRANGE", "Complete HSET", "Complete HGETALL",
                    "Complete MULTI", "Complete INCR", "Complete LPOP", "Complete EXEC WRONGTYPE",
                    "Complete SELECT", "Complete EVAL", "Complete GET", "Complete LPUSH ERR",
                    "Complete CONFIG", "Complete ZADD", "Complete ZSCORE", "Complete PING"));
  }
  const Case benchmark{"benchmark", recorded("benchmark"), {}};
  EXPECT_EQ(names(run(benchmark, 100000)), std::vector<std::string>(48, "Complete GET"));
  const Case subscribe{"subscribe", recorded("subscribe"), {}};
  EXPECT_THAT(names(run(subscribe, 7)), ElementsAre("Complete HELLO", "Complete SUBSCRIBE"));
}

}  // namespace
}  // namespace clew::redis
