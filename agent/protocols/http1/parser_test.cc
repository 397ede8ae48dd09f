#include "agent/protocols/http1/parser.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "fmt/format.h"

namespace clew::http1 {
namespace {

struct DetectCase {
  std::string_view bytes;
  Detection expected;
};

TEST(Detect, KnowsFirstBytes) {
  const DetectCase cases[] = {
      {"GET / HTTP/1.1\r\n", Detection::Request},
      {"GET /", Detection::Request},
      {"GET ", Detection::NeedMore},
      {"G", Detection::NeedMore},
      {"", Detection::NeedMore},
      {"\r\n", Detection::NeedMore},
      {"\r\n\nGET /a", Detection::Request},
      {"OPTIONS * HTTP/1.1", Detection::Request},
      {"M-SEARCH * HTTP/1.1", Detection::Request},
      {"BASELINE-CONTROL /x", Detection::Request},
      {"VERSION_CONTROL_LONG_X /", Detection::No},
      {"GET http://host/", Detection::Request},
      {"GET HTTPS://host/", Detection::Request},
      {"GET htt", Detection::NeedMore},
      {"GET ftp://host/", Detection::No},
      {"CONNECT example.org:443 HTTP/1.1", Detection::Request},
      {"CONNECT [::1]:443 HTTP/1.1", Detection::Request},
      {"CONNECT -", Detection::No},
      {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Detection::No},
      {"get / HTTP/1.1", Detection::No},
      {"A /", Detection::No},
      {"GET  /", Detection::No},
      {"HTTP/1.1 200 OK", Detection::Response},
      {"HTTP/1.0 404", Detection::Response},
      {"HTTP/1.", Detection::NeedMore},
      {"HTTP/1.1 20", Detection::NeedMore},
      {"HTTP/2 200", Detection::No},
      {"HTTP/1.1 2x0", Detection::No},
      {"\x16\x03\x01\x02\x00", Detection::No},
      {"*1\r\n$4\r\nPING\r\n", Detection::No},
      {"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", Detection::No},
  };
  for (const DetectCase& c : cases) {
    EXPECT_EQ(detect(as_bytes(c.bytes)), c.expected) << c.bytes;
  }
  EXPECT_EQ(detect(as_bytes(std::string(kDetectBytes, '\n'))), Detection::No);
}

/// Runs `pieces` through a parser; "S@0 H E@16" and so on, with P for malformed, L for lost and F
/// for foreign.
std::string parse(Side side, const std::vector<std::string>& pieces,
                  BodyRule rule = BodyRule::Normal) {
  Parser parser(side);
  std::string steps;
  const auto note = [&](Step step) {
    switch (step) {
      case Step::Start:
        steps += fmt::format("S@{} ", parser.message_start());
        break;
      case Step::Head:
        steps += "H ";
        parser.begin_body(rule);
        break;
      case Step::End:
        steps += fmt::format("E@{} ", parser.position());
        break;
      case Step::Malformed:
        steps += "P ";
        break;
      case Step::Lost:
        steps += "L ";
        break;
      case Step::Foreign:
        steps += "F ";
        break;
      case Step::More:
        break;
    }
  };
  for (const std::string& piece : pieces) {
    ByteView bytes = as_bytes(piece);
    bool start = true;
    Step step;
    while ((step = parser.advance(bytes, start)) != Step::More) {
      note(step);
      start = false;
    }
    EXPECT_TRUE(bytes.empty());
  }
  if (parser.close() == Step::End) note(Step::End);
  return steps;
}

std::string parse_bytewise(Side side, std::string_view text, BodyRule rule = BodyRule::Normal) {
  std::vector<std::string> pieces;
  for (const char c : text) pieces.emplace_back(1, c);
  return parse(side, pieces, rule);
}

struct FramingCase {
  const char* name;
  Side side;
  std::string text;
  std::string expected;  ///< $ stands for the text's size
};

// RFC 9112 section 6.3, and what is broken about input that breaks it.
const FramingCase kFraming[] = {
    {"no body", Side::Request, "GET / HTTP/1.1\r\n\r\n", "S@0 H E@$ "},
    {"bare line feeds", Side::Request, "GET / HTTP/1.1\nHost: x\n\n", "S@0 H E@$ "},
    {"empty lines first", Side::Request, "\r\n\nGET / HTTP/1.1\r\n\r\n", "S@3 H E@$ "},
    {"two in a row", Side::Request, "GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n",
     "S@0 H E@18 S@18 H E@$ "},
    {"length", Side::Request, "PUT / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", "S@0 H E@$ "},
    {"length in odd case", Side::Request, "PUT / HTTP/1.1\r\ncONTENT-lENGTH:3\r\n\r\nabc",
     "S@0 H E@$ "},
    {"length said twice alike", Side::Request,
     "PUT / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 3, 3\r\n\r\nabc", "S@0 H E@$ "},
    {"length folded", Side::Request, "PUT / HTTP/1.1\r\nContent-Length:\r\n  3\r\nA: b\r\n\r\nabc",
     "S@0 H E@$ "},
    {"length like name", Side::Request,
     "PUT / HTTP/1.1\r\nContent-Lengths: 3\r\nXontent-Length: 3\r\n\r\n", "S@0 H E@$ "},
    {"chunked", Side::Request,
     "PUT / HTTP/1.1\r\nTransfer-Encoding: "
     "chunked\r\n\r\n3\r\nabc\r\n0A\r\n0123456789\r\n0\r\n\r\n",
     "S@0 H E@$ "},
    {"chunk extension and trailer", Side::Request,
     "PUT / HTTP/1.1\r\nTransfer-Encoding: gzip, Chunked\r\n\r\n3 ;a=\"b\"\r\nabc\r\n0\r\nT: "
     "v\r\n\r\n",
     "S@0 H E@$ "},
    {"chunked beats length", Side::Request,
     "PUT / HTTP/1.1\r\nContent-Length: 99\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
     "S@0 H E@$ "},
    {"chunked beats later and bad length", Side::Request,
     "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: x\r\n\r\n0\r\n\r\n",
     "S@0 H E@$ "},
    {"chunks with bare line feeds", Side::Response,
     "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n1\na\n0\n\n", "S@0 H E@$ "},
    {"response until close", Side::Response, "HTTP/1.1 200 OK\r\n\r\nabc", "S@0 H E@$ "},
    {"response with other coding", Side::Response,
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\nContent-Length: 1\r\n\r\nabc", "S@0 H E@$ "},
    {"response without reason", Side::Response, "HTTP/1.0 200\r\nContent-Length: 0\r\n\r\n",
     "S@0 H E@$ "},
    {"cut in length", Side::Request, "PUT / HTTP/1.1\r\nContent-Length: 3\r\n\r\nab", "S@0 H "},
    {"cut in chunk", Side::Response,
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc", "S@0 H "},
    {"cut in head", Side::Request, "GET / HTTP/1.1\r\nHost: x\r\n", "S@0 "},
    {"lengths differ", Side::Request,
     "PUT / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc", "S@0 H P "},
    {"length list differs", Side::Request, "PUT / HTTP/1.1\r\nContent-Length: 3, 4\r\n\r\n",
     "S@0 H P "},
    {"length is signed", Side::Request, "PUT / HTTP/1.1\r\nContent-Length: +3\r\n\r\n", "S@0 H P "},
    {"length is empty", Side::Request, "PUT / HTTP/1.1\r\nContent-Length:\r\n\r\n", "S@0 H P "},
    {"length overflows", Side::Response,
     "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551617\r\n\r\n", "S@0 H P "},
    {"request with other coding", Side::Request,
     "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked, gzip\r\n\r\n", "S@0 H P "},
    {"chunk size is no number", Side::Request,
     "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", "S@0 H P "},
    {"chunk size is negative", Side::Request,
     "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n", "S@0 H P "},
    {"chunk size overflows", Side::Request,
     "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1ffffffffffffffff\r\n", "S@0 H P "},
    {"chunk longer than it says", Side::Request,
     "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n", "S@0 H P "},
    {"no version", Side::Request, "GET /\r\n\r\n", "S@0 P "},
    {"HTTP/2 in a request line", Side::Request, "GET / HTTP/2.0\r\n\r\n", "S@0 P "},
    {"status with four digits", Side::Response, "HTTP/1.1 2000 OK\r\n\r\n", "S@0 P "},
    {"status too small", Side::Response, "HTTP/1.1 099 OK\r\n\r\n", "S@0 P "},
    {"junk after a message", Side::Request, "GET / HTTP/1.1\r\n\r\n\x01junk", "S@0 H E@18 F "},
    {"junk from the start", Side::Response, "220 mail ESMTP\r\n", "F "},
};

TEST(Parser, FramesWholeAndByteByByteAlike) {
  for (const FramingCase& c : kFraming) {
    std::string expected = c.expected;
    const size_t end = expected.find('$');
    if (end != expected.npos) expected.replace(end, 1, std::to_string(c.text.size()));
    EXPECT_EQ(parse(c.side, {c.text}), expected) << c.name;
    EXPECT_EQ(parse_bytewise(c.side, c.text), expected) << c.name;
    for (size_t split = 1; split < c.text.size(); ++split) {
      ASSERT_EQ(parse(c.side, {c.text.substr(0, split), c.text.substr(split)}), expected)
          << c.name << " split at " << split;
    }
  }
}

TEST(Parser, HeadSaysWhatSpansNeed) {
  const std::string text =
      "POST /a?b=c HTTP/1.0\r\nX-Host: no\r\nHOST :  h:81 \r\nhost: second\r\n"
      "user-agent: one\r\n two\r\nContent-Length: 0\r\n\r\n";
  for (size_t split = 0; split <= text.size(); ++split) {
    Parser parser(Side::Request);
    const std::string pieces[] = {text.substr(0, split), text.substr(split)};
    bool seen = false;
    for (const std::string& piece : pieces) {
      ByteView bytes = as_bytes(piece);
      Step step;
      while ((step = parser.advance(bytes, true)) != Step::More) {
        if (step != Step::Head) continue;
        const Head head = parser.head();
        EXPECT_EQ(head.method, "POST");
        EXPECT_EQ(head.target, "/a?b=c");
        EXPECT_EQ(head.minor_version, 0);
        EXPECT_EQ(head.host, "h:81");
        EXPECT_EQ(head.user_agent, "one\r\n two");
        EXPECT_FALSE(head.partial);
        seen = true;
        parser.begin_body(BodyRule::Normal);
      }
    }
    EXPECT_TRUE(seen) << split;
  }
}

TEST(Parser, HeadIsCapped) {
  std::string fits = "GET / HTTP/1.1\r\nA: ";
  fits += std::string(kMaxHeadBytes - fits.size() - 4, 'x') + "\r\n\r\n";
  ASSERT_EQ(fits.size(), kMaxHeadBytes);
  EXPECT_EQ(parse(Side::Request, {fits}), fmt::format("S@0 H E@{} ", fits.size()));
  EXPECT_EQ(parse_bytewise(Side::Request, fits), fmt::format("S@0 H E@{} ", fits.size()));
  std::string too_long = fits;
  too_long.insert(20, "x");
  EXPECT_EQ(parse(Side::Request, {too_long}), "S@0 P ");
  EXPECT_EQ(parse_bytewise(Side::Request, too_long), "S@0 P ");
  // Without any line feed too.
  EXPECT_EQ(parse(Side::Request, {"GET /" + std::string(2 * kMaxHeadBytes, 'x')}), "S@0 P ");
}

TEST(Parser, BodyRuleNoneLeavesLengthAside) {
  EXPECT_EQ(parse(Side::Response, {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"}, BodyRule::None),
            "S@0 H E@38 ");
}

TEST(Parser, HolesOfKnownLengthAreHarmless) {
  Parser parser(Side::Response);
  ByteView bytes = as_bytes("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nab");
  EXPECT_EQ(parser.advance(bytes, true), Step::Start);
  EXPECT_EQ(parser.advance(bytes, false), Step::Head);
  parser.begin_body(BodyRule::Normal);
  EXPECT_EQ(parser.advance(bytes, false), Step::More);
  uint64_t hole = 1500;
  EXPECT_EQ(parser.skip(hole), Step::End);
  EXPECT_EQ(parser.position(), 1041U);
  EXPECT_EQ(hole, 502U);
  EXPECT_EQ(parser.skip(hole), Step::Lost);
  EXPECT_EQ(parser.skip(hole), Step::More);
  EXPECT_EQ(hole, 0U);
  bytes = as_bytes("HTTP/1.1 200 OK\r\n");
  EXPECT_EQ(parser.advance(bytes, false), Step::More) << "only where an operation begins";
  bytes = as_bytes("HTTP/1.1 200 OK\r\n");
  EXPECT_EQ(parser.advance(bytes, true), Step::Start);
  EXPECT_EQ(parser.message_start(), 1041U + 502U + 17U);
}

// The steps up to More, each by its letter: "SHE".
std::string steps_of(Parser& parser, std::string_view text) {
  constexpr std::string_view kLetters = "-SHEPLF";
  ByteView bytes = as_bytes(text);
  std::string steps;
  Step step;
  bool start = true;
  while ((step = parser.advance(bytes, std::exchange(start, false))) != Step::More) {
    steps += kLetters[static_cast<size_t>(step)];
    if (step == Step::Head) parser.begin_body(BodyRule::Normal);
  }
  return steps;
}

TEST(Parser, ForeignBytesAreToldFromLostOnes) {
  constexpr std::string_view kGet = "GET / HTTP/1.1\r\n\r\n";
  Parser parser(Side::Request);
  EXPECT_EQ(steps_of(parser, kGet), "SHE");
  EXPECT_EQ(steps_of(parser, "junk"), "F");
  EXPECT_EQ(steps_of(parser, "junk"), "") << "told once";
  EXPECT_EQ(steps_of(parser, kGet), "SHE");
  EXPECT_EQ(steps_of(parser, "junk"), "F") << "nothing was hidden yet";

  uint64_t hole = 9;
  EXPECT_EQ(parser.skip(hole), Step::More) << "it is lost already";
  EXPECT_TRUE(parser.unsure());
  EXPECT_EQ(steps_of(parser, kGet), "SHE");
  EXPECT_EQ(steps_of(parser, "junk"), "L") << "the start may have been a part of something else";
  EXPECT_EQ(steps_of(parser, std::string(kGet) + std::string(kGet)), "SHESHE");
  EXPECT_EQ(steps_of(parser, "junk"), "F") << "one message followed on another";

  Parser midway(Side::Request);
  midway.lose(true);
  EXPECT_EQ(steps_of(midway, kGet), "SHE");
  EXPECT_EQ(steps_of(midway, "junk"), "L");
}

TEST(Parser, AGuessedEndIsNotCertain) {
  Parser parser(Side::Request);
  EXPECT_EQ(steps_of(parser, "GET / HTTP/1.1\r\nCookie: "), "S");
  uint64_t hole = 9;
  EXPECT_EQ(parser.skip(hole), Step::Head);
  parser.begin_body(BodyRule::Normal);
  EXPECT_EQ(steps_of(parser, "x\r\n\r\n"), "LE");
  EXPECT_EQ(steps_of(parser, "junk"), "L");
}

}  // namespace
}  // namespace clew::http1
