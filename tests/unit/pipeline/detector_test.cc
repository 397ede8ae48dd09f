// What the first bytes of a connection tell, and when.
#include "agent/pipeline/detector.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace clew {
namespace {

using namespace std::string_view_literals;

struct Opening {
  std::string_view bytes;
  std::string_view protocol;
};

const Opening kRequests[] = {
    {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "http"},
    {"SET / HTTP/1.1\r\n\r\n", "http"},
    {"*1\r\n$4\r\nPING\r\n", "redis"},
    {"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n", "redis"},
    {"PING\r\n", "redis"},
    {"get key\r\n", "redis"},
};

Segment segment(std::string_view bytes, uint64_t offset) {
  Segment made;
  made.facts.offset = offset;
  made.facts.end = offset + bytes.size();
  made.bytes = as_bytes(bytes);
  return made;
}

TEST(Detector, TellsTheProtocolOfAConnectionsFirstBytes) {
  for (const auto& opening : kRequests) {
    Detector detector;
    const auto found = detector.look(CLEW_RECEIVED, segment(opening.bytes, 0), true);
    ASSERT_NE(found.protocol, nullptr) << opening.bytes;
    EXPECT_EQ(found.protocol->name, opening.protocol) << opening.bytes;
    EXPECT_EQ(found.side, Side::Request) << opening.bytes;
    EXPECT_TRUE(detector.take().empty());
  }
}

TEST(Detector, HoldsBytesUntilTheyTell) {
  for (const auto& opening : kRequests) {
    Detector detector;
    std::string seen;
    Detector::Found found;
    for (uint64_t at = 0; at < opening.bytes.size() && !found.protocol; ++at) {
      found = detector.look(CLEW_RECEIVED, segment(opening.bytes.substr(at, 1), at), true);
      seen += opening.bytes[at];
    }
    ASSERT_NE(found.protocol, nullptr) << opening.bytes;
    EXPECT_EQ(found.protocol->name, opening.protocol) << opening.bytes;
    std::string held;
    for (const auto& piece : detector.take()) held += piece.bytes;
    EXPECT_EQ(held + seen.back(), seen);
  }
}

TEST(Detector, KnowsNothingOfOtherBytes) {
  for (const auto bytes : {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"sv, "\0\0\0\0\0\0\0\0"sv,
                           "220 mail.example.com ESMTP\r\n"sv, "{\"json\": 1}\n"sv}) {
    Detector detector;
    EXPECT_EQ(detector.look(CLEW_RECEIVED, segment(bytes, 0), true).protocol, nullptr) << bytes;
    EXPECT_TRUE(detector.take().empty()) << bytes;
  }
}

TEST(Detector, HoldsNoMoreThanItsBound) {
  Detector detector;
  const std::string name(1, 'A');
  for (uint64_t at = 0; at < 200; ++at) {
    EXPECT_EQ(detector.look(CLEW_SENT, segment(name, at), true).protocol, nullptr);
  }
  EXPECT_LE(detector.take().size(), Detector::kMaxHeldSegments);
}

}  // namespace
}  // namespace clew
