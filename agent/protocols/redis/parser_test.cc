// The parsers by themselves, and detection.
#include "agent/protocols/redis/parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/protocols/redis/test_support.h"

namespace clew::redis {
namespace {

using testing::ElementsAre;

constexpr std::string_view kSteps[] = {"More", "Start", "End", "Malformed", "Lost"};

// Each step but More with its position.
template <typename Parser>
std::vector<std::string> steps(std::string_view text, size_t piece = ~size_t{0}) {
  Parser parser;
  parser.restart(0);
  std::vector<std::string> seen;
  while (!text.empty()) {
    const size_t size = std::min(piece, text.size());
    // A copy of exactly that size, so that reading past it is seen.
    const std::vector<uint8_t> copy(text.begin(), text.begin() + static_cast<ptrdiff_t>(size));
    ByteView bytes = copy;
    for (Step step = Step::Start; step != Step::More;) {
      step = parser.advance(bytes);
      if (step == Step::More) break;
      seen.push_back(fmt::format("{}@{}", kSteps[static_cast<size_t>(step)], parser.position()));
      if (step == Step::Malformed || step == Step::Lost) return seen;
    }
    text.remove_prefix(size);
  }
  return seen;
}

std::vector<std::string> reply_steps(std::string_view text) {
  const auto whole = steps<ReplyParser>(text);
  for (size_t piece = 1; piece < 8; ++piece) {
    auto split = steps<ReplyParser>(text, piece);
    if (whole.empty() || !whole.back().starts_with("End")) continue;
    EXPECT_EQ(split, whole) << piece;
  }
  return whole;
}

TEST(ReplyParser, EachTypeEnds) {
  for (const std::string_view reply : {"+OK\r\n",
                                       "-ERR no\r\n",
                                       ":-12\r\n",
                                       "$3\r\na\r\n\r\n",
                                       "$0\r\n\r\n",
                                       "$-1\r\n",
                                       "*-1\r\n",
                                       "*0\r\n",
                                       "*2\r\n:1\r\n$1\r\na\r\n",
                                       "_\r\n",
                                       "#t\r\n",
                                       ",1.5\r\n",
                                       ",inf\r\n",
                                       "(3492890328409238509324850943850943825024385\r\n",
                                       "!5\r\nERR x\r\n",
                                       "=7\r\ntxt:abc\r\n",
                                       "%1\r\n+a\r\n*1\r\n:1\r\n",
                                       "~2\r\n:1\r\n:2\r\n",
                                       ">2\r\n+message\r\n:1\r\n",
                                       "%0\r\n",
                                       "|1\r\n+k\r\n+v\r\n:5\r\n",
                                       "*2\r\n|1\r\n+k\r\n*1\r\n:1\r\n:2\r\n:3\r\n",
                                       "|0\r\n+OK\r\n",
                                       "$?\r\n;4\r\nHell\r\n;1\r\no\r\n;0\r\n",
                                       "*?\r\n:1\r\n*?\r\n.\r\n.\r\n",
                                       "%?\r\n+a\r\n:1\r\n.\r\n",
                                       "*1\r\n*1\r\n*1\r\n*-1\r\n",
                                       "*1\r\n-ERR inside\r\n"}) {
    EXPECT_THAT(reply_steps(reply), ElementsAre(fmt::format("End@{}", reply.size()))) << reply;
  }
}

TEST(ReplyParser, WhatIsNoReplyIsMalformed) {
  for (const std::string_view reply :
       {"OK\r\n", "+OK\n", ":x\r\n", ":\r\n", "$x\r\n", "$-2\r\n", "*-2\r\n", "%-1\r\n",
        "*2147483649\r\n", "$999999999999999999999\r\n", "$1\r\nab\r\n", "#x\r\n", "_x\r\n",
        ".\r\n", ";1\r\na\r\n", "$?\r\n+a\r\n", "\r\n", "*1\r\n.\r\n", "220 smtp ready\r\n"}) {
    EXPECT_THAT(reply_steps(reply), testing::SizeIs(1)) << reply;
    EXPECT_THAT(reply_steps(reply).at(0), testing::StartsWith("Malformed")) << reply;
  }
}

TEST(ReplyParser, NestingIsBoundedAndLyingCountsCostNothing) {
  std::string deep;
  for (int i = 0; i < 64; ++i) deep += "*1\r\n";
  EXPECT_THAT(reply_steps(deep + ":1\r\n"), ElementsAre("End@260"));
  deep += "*1\r\n";
  EXPECT_THAT(reply_steps(deep), ElementsAre("Lost@260"));
  EXPECT_THAT(reply_steps("*2147483648\r\n%2147483648\r\n:1\r\n"), testing::IsEmpty());
  EXPECT_THAT(reply_steps("$281474976710656\r\nabc"), testing::IsEmpty());
}

TEST(ReplyParser, TellsWhatItSaw) {
  ReplyParser parser;
  parser.restart(0);
  const auto read = [&](std::string_view text) {
    ByteView bytes = as_bytes(text);
    EXPECT_EQ(parser.advance(bytes), Step::End);
    return parser.reply();
  };
  EXPECT_EQ(read("-MOVED 3999 127.0.0.1:6381\r\n").text, "MOVED 3999 127.0.0.1:6381");
  EXPECT_EQ(read("!8\r\nERR a\r\nb\r\n").text, "ERR a\r\nb");
  Reply reply = read("*3\r\n$9\r\nsubscribe\r\n$2\r\nch\r\n:7\r\n");
  EXPECT_EQ(reply.first, "subscribe");
  EXPECT_EQ(reply.last_integer, 7);
  EXPECT_EQ(reply.count, 3U);
  EXPECT_EQ(read("*2\r\n+OK\r\n-WRONGTYPE x\r\n").nested_error, "WRONGTYPE x");
  EXPECT_EQ(read("|1\r\n+a\r\n+b\r\n>1\r\n+c\r\n").type, '>');
  EXPECT_TRUE(read("_\r\n").null);
  EXPECT_EQ(read("+" + std::string(500, 'x') + "\r\n").text.size(), kMaxLine - 1);
}

TEST(ReplyParser, HolesInsideStringsAreSkipped) {
  ReplyParser parser;
  parser.restart(0);
  ByteView bytes = as_bytes("*2\r\n$100\r\nab");
  EXPECT_EQ(parser.advance(bytes), Step::More);
  uint64_t length = 98;
  EXPECT_EQ(parser.skip(length), Step::More);
  bytes = as_bytes("\r\n$1\r\nx\r\n");
  EXPECT_EQ(parser.advance(bytes), Step::End);
  bytes = as_bytes("$100\r\nab");
  EXPECT_EQ(parser.advance(bytes), Step::More);
  length = 101;
  EXPECT_EQ(parser.skip(length), Step::End);
  EXPECT_EQ(length, 1U);
  EXPECT_EQ(parser.skip(length), Step::Lost);
}

TEST(CommandParser, ArraysAndLines) {
  EXPECT_THAT(steps<CommandParser>(command({"PING"})), ElementsAre("Start@14", "End@14"));
  EXPECT_THAT(steps<CommandParser>(command({"GET", "k"})), ElementsAre("Start@13", "End@20"));
  EXPECT_THAT(steps<CommandParser>("PING\r\n\r\n  \nset a 'b c'\n"),
              ElementsAre("Start@6", "End@6", "Start@23", "End@23"));
  EXPECT_THAT(steps<CommandParser>("*0\r\n*-1\r\n" + command({"PING"})),
              ElementsAre("Start@23", "End@23"));
  EXPECT_THAT(steps<CommandParser>("*1\r\n$0\r\n\r\n"), ElementsAre("Start@10", "End@10"));
}

TEST(CommandParser, SplitsTellTheSame) {
  const std::string text = command({"SET", "k", std::string(300, 'v')}) +
                           "ECHO \"a b\\\"c\" 'd'\r\n" + "*0\r\n" + command({"PING"}) +
                           command({"GET", ""});
  for (size_t piece = 1; piece < 20; ++piece) {
    EXPECT_EQ(steps<CommandParser>(text, piece).size(), steps<CommandParser>(text).size());
    EXPECT_EQ(steps<CommandParser>(text, piece).back(), steps<CommandParser>(text).back());
  }
}

TEST(CommandParser, WhatBreaksTheProtocolIsMalformed) {
  for (const std::string_view text :
       {"*x\r\n", "*1\r\n:1\r\n", "*1\r\n$-1\r\n", "*1\r\n$4\r\nPINGxx", "*1\n",
        "*9999999999999\r\n", "*1\r\n$99999999999999999999\r\n"}) {
    EXPECT_THAT(steps<CommandParser>(text).back(), testing::StartsWith("Malformed")) << text;
  }
}

TEST(CommandParser, InlineArguments) {
  CommandParser parser;
  parser.restart(0);
  ByteView bytes = as_bytes("set \"a b\" 'c\"d' x'y'z\r\n");
  EXPECT_EQ(parser.advance(bytes), Step::Start);
  const Command& seen = parser.command();
  ASSERT_EQ(seen.count(), 4U);
  EXPECT_EQ(seen.argument(1), "a b");
  EXPECT_EQ(seen.argument(2), "c\"d");
  EXPECT_EQ(seen.argument(3), "xyz");
  EXPECT_TRUE(seen.is(0, "SET"));
}

Detection look(std::string_view text, bool from_start) {
  return detect(as_bytes(text), from_start);
}

TEST(Detect, Commands) {
  for (const bool from_start : {true, false}) {
    EXPECT_EQ(look(command({"GET", "k"}), from_start), Detection::Request);
    EXPECT_EQ(look("*3\r\n$8\r\nJSON.SET\r\n$1\r\n", from_start), Detection::Request);
    EXPECT_EQ(look("*3\r\n", from_start), Detection::NeedMore);
    EXPECT_EQ(look("*3\r\n$3", from_start), Detection::NeedMore);
  }
  EXPECT_EQ(look("*2\r\n$5\r\nworld\r\n$1\r\nx\r\n", false), Detection::Response);
  EXPECT_EQ(look("*3\r\n$9\r\nsubscribe\r\n$1\r\nx\r\n", false), Detection::Response);
  EXPECT_EQ(look("*3\r\n$9\r\nSUBSCRIBE\r\n$1\r\nx\r\n", false), Detection::Request);
  EXPECT_EQ(look("*2\r\n$5\r\nworld\r\n$1\r\nx\r\n", true), Detection::Request);
}

TEST(Detect, LinesOfText) {
  EXPECT_EQ(look("PING\r\n", true), Detection::Request);
  EXPECT_EQ(look("get foo\r\n", true), Detection::Request);
  EXPECT_EQ(look("PING\r\n", false), Detection::No);
  EXPECT_EQ(look("PI", true), Detection::NeedMore);
  EXPECT_EQ(look("EHLO example.org\r\n", true), Detection::No);
  EXPECT_EQ(look("GET / HTTP/1.1\r\n", true), Detection::No);
  EXPECT_EQ(look("GET http://x/ HTTP/1.1\r\n", true), Detection::No);
  EXPECT_EQ(look("POST /x HTTP/1.1\r\n", true), Detection::No);
  EXPECT_EQ(look("\x16\x03\x01\x02\x00", true), Detection::No);
}

TEST(Detect, Replies) {
  for (const std::string_view reply :
       {"+OK\r\n", "-ERR x\r\n", "-NOAUTH Authentication required.\r\n", ":12\r\n",
        "$5\r\nhello\r\n", "$-1\r\n", "*2\r\n:1\r\n", "*0\r\n", "%7\r\n$6\r\nserver", "_\r\n",
        "#t\r\n", ",1.5\r\n", "~1\r\n", ">3\r\n", "=7\r\ntxt:", "(123\r\n", "!5\r\n", "|1\r\n"}) {
    EXPECT_EQ(look(reply, false), Detection::Response) << reply;
  }
  for (const std::string_view part : {"+", "+O", "$", "$5\r", "-", "-ER", ":", "_", "#", "*"}) {
    EXPECT_EQ(look(part, false), Detection::NeedMore) << part;
  }
  for (const std::string_view other :
       {"* OK IMAP4rev1\r\n", "220 smtp\r\n", "$x\r\n", "-err\r\n", ":1x\r\n", "#x\r\n", "_x\r\n",
        "VALUE a 0 1\r\n", "HTTP/1.1 200 OK\r\n", "+\x01\r\n"}) {
    EXPECT_EQ(look(other, false), Detection::No) << other;
  }
}

}  // namespace
}  // namespace clew::redis
