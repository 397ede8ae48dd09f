// Framing, detection, and what is read inside messages.
#include "agent/protocols/pgsql/parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/protocols/pgsql/fields.h"
#include "agent/protocols/pgsql/test_support.h"

namespace clew::pgsql {
namespace {

Detection detect_text(std::string_view text, bool from_start = false) {
  return detect(as_bytes(text), from_start);
}

TEST(PgsqlDetect, StartupPackets) {
  EXPECT_EQ(detect_text(startup(), true), Detection::Request);
  EXPECT_EQ(detect_text(startup("a", "b", 2), true), Detection::Request);
  for (const uint32_t code : {kSslRequest, kGssEncRequest}) {
    EXPECT_EQ(detect_text(packet(code), true), Detection::Request);
    EXPECT_EQ(detect_text(packet(code, "x"), true), Detection::No);
  }
  EXPECT_EQ(detect_text(packet(kCancelRequest, u32(1) + u32(2)), true), Detection::Request);
  EXPECT_EQ(detect_text(packet(0x20000, "user"), true), Detection::No);
  EXPECT_EQ(detect_text(startup().substr(0, 5), true), Detection::NeedMore);
  EXPECT_EQ(detect_text(u32(0x00100000) + u32(0x30000), true), Detection::No);
  EXPECT_EQ(detect_text(message('R', u32(10) + z("SCRAM-SHA-256")), true), Detection::Response);
  EXPECT_EQ(detect_text(query("SELECT 1"), true), Detection::No);
}

TEST(PgsqlDetect, MessagesOfEitherSideMidway) {
  for (const std::string& text :
       {query("SELECT 1"), parse("s1", "SELECT $1") + bind_to("", "s1"),
        bind_to("", "s1") + execute(), execute() + sync(), sync(), describe_statement("x"),
        close_statement("ELECT 1x"), bind_to("", std::string(200, 'n'))}) {
    EXPECT_EQ(detect_text(text), Detection::Request) << text;
  }
  for (const std::string& text :
       {selected("x"), complete("INSERT 0 1") + ready(), kParsed + kBound, ready('T'),
        error("42P01"), message('S', z("TimeZone") + z("UTC")), message('t', u16(1) + u32(23))}) {
    EXPECT_EQ(detect_text(text), Detection::Response) << text;
  }
}

TEST(PgsqlDetect, OtherProtocols) {
  for (const std::string_view text :
       {std::string_view("GET / HTTP/1.1\r\n"), std::string_view("POST / HTTP/1.1\r\n"),
        std::string_view("HTTP/1.1 200 OK\r\n"), std::string_view("PRI * HTTP/2.0\r\n\r\nSM\r\n"),
        std::string_view("*1\r\n$4\r\nPING\r\n"), std::string_view("+PONG\r\n"),
        std::string_view("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11),
        std::string_view("\x00\x00\x12\x04\x00\x00\x00\x00\x00\x00\x03", 11),
        std::string_view("SSH-2.0-OpenSSH"), std::string_view("EHLO mail"),
        std::string_view("\x00\x00\x00\x23\x00\x12\x00\x04\x00\x00\x00\x01", 12)}) {
    EXPECT_EQ(detect_text(text, true), Detection::No) << text;
    EXPECT_EQ(detect_text(text, false), Detection::No) << text;
  }
}

TEST(PgsqlDetect, TheSecondMessageCounts) {
  EXPECT_EQ(detect_text(sync() + "what is this"), Detection::No);
  EXPECT_EQ(detect_text(ready() + "\xff"), Detection::No);
}

struct Seen {
  std::vector<std::string> messages;
  uint64_t rows = 0;
};

Seen frame(Side side, std::string_view text, size_t piece, bool is_startup = false) {
  Parser parser(side);
  if (is_startup) parser.expect(kStartupPacket);
  Seen seen;
  for (size_t at = 0; at < text.size(); at += piece) {
    ByteView bytes = as_bytes(text.substr(at, piece));
    for (;;) {
      const Step step = parser.advance(bytes, true);
      seen.rows += parser.take_rows();
      if (step == Step::More) break;
      if (step == Step::Foreign) seen.messages.emplace_back("foreign");
      if (step != Step::End) continue;
      const Message& message = parser.message();
      if (message.type == 'D' && side == Side::Response) {
        ++seen.rows;
        continue;
      }
      seen.messages.push_back(fmt::format("{}@{}-{}:{}{}", message.type, message.start,
                                          parser.position(), message.body,
                                          message.cut ? "..." : ""));
    }
  }
  return seen;
}

TEST(PgsqlParser, FramesWholeAndInPiecesAlike) {
  const std::string requests = parse("s", "SELECT 1") + bind_to("", "s", std::string(3000, 'v')) +
                               execute() + sync() + query(std::string(20000, 'q')) +
                               message('p', z("secret"));
  const std::string responses = kParsed + kBound + columns() + row("a") + row("b") +
                                row(std::string(900, 'x')) + complete("SELECT 3") + ready() +
                                error("22012");
  for (const auto& [side, text] :
       {std::pair{Side::Request, requests}, std::pair{Side::Response, responses}}) {
    const Seen whole = frame(side, text, text.size());
    EXPECT_EQ(whole.rows, side == Side::Response ? 3 : 0);
    for (size_t piece = 1; piece < 40; ++piece) {
      const Seen split = frame(side, text, piece);
      EXPECT_EQ(split.messages, whole.messages) << piece;
      EXPECT_EQ(split.rows, whole.rows) << piece;
    }
  }
  const Seen seen = frame(Side::Request, requests, 7);
  EXPECT_THAT(seen.messages[4], testing::EndsWith("qqq..."));
  EXPECT_THAT(seen.messages[4], testing::SizeIs(testing::Lt(kMaxRawText + 64)));
  EXPECT_THAT(seen.messages[5], testing::Not(testing::HasSubstr("secret")));
}

TEST(PgsqlParser, LengthsThatLie) {
  for (const uint32_t length : {0u, 3u, 0x7fffffffu, 0x80000000u, 0xffffffffu}) {
    const std::string text = "Q" + u32(length) + "SELECT 1";
    EXPECT_THAT(frame(Side::Request, text, text.size()).messages, testing::ElementsAre("foreign"));
    const std::string packet = u32(length) + u32(0x30000) + "user";
    EXPECT_THAT(frame(Side::Request, packet, 3, true).messages, testing::ElementsAre("foreign"));
  }
  // Allowed, and nothing is allocated for it.
  EXPECT_THAT(frame(Side::Request, "Q" + u32(kMaxMessage) + "SELECT 1", 1).messages,
              testing::IsEmpty());
}

TEST(PgsqlParser, AHoleInABodyIsSteppedOver) {
  Parser parser(Side::Request);
  const std::string text = query("SELECT 123456789") + sync();
  ByteView front = as_bytes(text).first(12);
  EXPECT_EQ(parser.advance(front), Step::Start);
  EXPECT_EQ(parser.advance(front), Step::More);
  uint64_t hole = 6;
  EXPECT_EQ(parser.skip(hole), Step::More);
  ByteView back = as_bytes(text).subspan(18);
  EXPECT_EQ(parser.advance(back), Step::End);
  EXPECT_EQ(parser.message().body, "SELECT ");
  EXPECT_TRUE(parser.message().cut);
  EXPECT_EQ(parser.advance(back), Step::Start);
  EXPECT_EQ(parser.advance(back), Step::End);
  EXPECT_EQ(parser.message().type, 'S');
  hole = 1;
  EXPECT_EQ(parser.skip(hole), Step::Lost);
  EXPECT_TRUE(parser.lost());
}

TEST(PgsqlFields, Tags) {
  const auto text = [](std::string_view tag) {
    const std::string body = z(tag);
    const Tag read = read_tag(body);
    return fmt::format("{}|{}", read.command, read.has_rows ? std::to_string(read.rows) : "-");
  };
  EXPECT_EQ(text("SELECT 5"), "SELECT|5");
  EXPECT_EQ(text("INSERT 0 12"), "INSERT|12");
  EXPECT_EQ(text("CREATE TABLE"), "CREATE TABLE|-");
  EXPECT_EQ(text("COPY 99999999999"), "COPY|99999999999");
  EXPECT_EQ(text("BEGIN"), "BEGIN|-");
  EXPECT_EQ(text(""), "|-");
  EXPECT_EQ(text(" 5"), "|5");
  EXPECT_EQ(text("5"), "5|-");
}

TEST(PgsqlFields, Errors) {
  const std::string body = error("23505", "duplicate key").substr(5);
  const ErrorFields fields = read_error(body);
  EXPECT_EQ(fields.severity, "ERROR");
  EXPECT_EQ(fields.code, "23505");
  EXPECT_EQ(fields.message, "duplicate key");
  EXPECT_EQ(read_error("SFEHLER\0VERROR\0"s).severity, "ERROR");
  EXPECT_EQ(read_error("C42").code, "42");
  EXPECT_EQ(read_error("").code, "");
}

TEST(PgsqlFields, TheEndOfAnAnswerIsFound) {
  const auto found = [](const std::string& text, bool start = false) {
    return find_answer_end(as_bytes(text), start);
  };
  const std::string end = complete("SELECT 1000") + ready();
  const std::string rows(90, 'x');
  EXPECT_EQ(found(rows + end), rows.size());
  EXPECT_EQ(found(rows + complete("INSERT 0 1") + kClosed + ready('T')), rows.size());
  EXPECT_EQ(found(rows + error("57014") + ready()), rows.size());
  EXPECT_EQ(found(rows + kSuspended + ready()), rows.size());
  const std::string cut_error = error("57014").substr(30);
  EXPECT_EQ(found(cut_error + ready()), cut_error.size());
  // Not at the end, or nothing before it that shows what it is.
  EXPECT_EQ(found(rows + end + "x"), (rows + end).size() + 1);
  EXPECT_EQ(found(rows + ready()), rows.size() + 6);
  EXPECT_EQ(found(row("Z") + row("Inner")), row("Z").size() + row("Inner").size());
  EXPECT_EQ(found(ready()), 6);
  EXPECT_EQ(found(ready(), true), 0);
}

}  // namespace
}  // namespace clew::pgsql
