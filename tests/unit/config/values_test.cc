#include "agent/config/values.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace clew {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(ParseSize, KnowsBinaryUnits) {
  EXPECT_EQ(parse_size("4096", 1, 1u << 30), 4096u);
  EXPECT_EQ(parse_size("4096B", 1, 1u << 30), 4096u);
  EXPECT_EQ(parse_size("256KiB", 1, 1u << 30), 262'144u);
  EXPECT_EQ(parse_size("8 MiB", 1, 1u << 30), 8u << 20);
  EXPECT_EQ(parse_size("1GiB", 1, 1u << 30), 1u << 30);
}

TEST(ParseSize, RefusesTheRestWithItsRange) {
  for (const char* text : {"", "KiB", "8MB", "8 M", "-1", "+1", "0x10", "1.5MiB", "99999999999",
                           "4GiB", "4294967296KiB", "8MiBs", "1e3"}) {
    const auto size = parse_size(text, 1024, 1u << 30);
    ASSERT_FALSE(size) << text;
    EXPECT_THAT(size.error(), HasSubstr("is not a size from 1KiB to 1GiB"));
  }
  EXPECT_FALSE(parse_size("1023", 1024, 2048));
  EXPECT_FALSE(parse_size("2049", 1024, 2048));
}

TEST(ParseSize, OfRingBuffersIsAPowerOfTwo) {
  EXPECT_EQ(parse_power_of_two_size("64KiB", 65'536, 1u << 30), 65'536u);
  const auto odd = parse_power_of_two_size("3MiB", 65'536, 1u << 30);
  ASSERT_FALSE(odd);
  EXPECT_EQ(odd.error(), "'3MiB' is not a size from 64KiB to 1GiB that is a power of two");
}

TEST(ParseTimeout, KnowsUnits) {
  EXPECT_EQ(parse_timeout("500ms"), 500ms);
  EXPECT_EQ(parse_timeout("10s"), 10s);
  EXPECT_EQ(parse_timeout("1.5s"), 1500ms);
  EXPECT_EQ(parse_timeout("2m"), 2min);
}

TEST(ParseTimeout, RefusesTheRest) {
  for (const char* text : {"", "10", "s", "-1s", "0s", "11m", "infs", "nans", "1e999s", "10h"}) {
    EXPECT_FALSE(parse_timeout(text)) << text;
  }
}

TEST(ParseSeconds, TakesPositiveNumbersOnly) {
  EXPECT_EQ(parse_seconds("2.5"), 2500ms);
  EXPECT_EQ(parse_seconds("1"), 1s);
  for (const char* text : {"", "0", "-1", "inf", "nan", "1s", "1e99", "0.0001", " 1", "0x1"}) {
    EXPECT_FALSE(parse_seconds(text)) << text;
  }
}

TEST(ParsePid, HasTheKernelsBounds) {
  EXPECT_EQ(parse_pid("1"), 1u);
  EXPECT_EQ(parse_pid("4194304"), 4'194'304u);
  for (const char* text : {"", "0", "-1", "4194305", "1.0", "self", "99999999999999999999"}) {
    EXPECT_FALSE(parse_pid(text)) << text;
  }
}

TEST(ParsePorts, TakesOneOrARange) {
  const auto one = parse_ports("80");
  ASSERT_TRUE(one);
  EXPECT_EQ(one->first, 80);
  EXPECT_EQ(one->last, 80);
  const auto range = parse_ports("1-65535");
  ASSERT_TRUE(range);
  EXPECT_EQ(range->first, 1);
  EXPECT_EQ(range->last, 65'535);
}

TEST(ParsePorts, SaysWhatIsWrong) {
  EXPECT_EQ(parse_ports("70000").error(), "'70000' is not a port (1-65535)");
  EXPECT_EQ(parse_ports("").error(), "'' is not a port (1-65535)");
  EXPECT_EQ(parse_ports("9-3").error(), "'9-3' is not a range of ports: it ends before it begins");
  for (const char* text : {"0-5", "5-0", "-5", "5-", "1-2-3", "1 - 2", "-"}) {
    EXPECT_THAT(parse_ports(text).error(), HasSubstr("(N-M, each 1-65535)")) << text;
  }
}

TEST(ParseContainer, TakesHexadecimalDigits) {
  EXPECT_EQ(parse_container("3F4e5a"), "3f4e5a");
  EXPECT_EQ(parse_container(std::string(64, 'a')), std::string(64, 'a'));
  for (const std::string& text : {std::string("3f4e5"), std::string("web"), std::string(65, 'a'),
                                  std::string(), std::string("docker-3f4e5a")}) {
    EXPECT_FALSE(parse_container(text)) << text;
  }
}

TEST(ParseUrl, TakesHttpAndHttps) {
  EXPECT_EQ(parse_url("http://localhost:4317"), "http://localhost:4317");
  EXPECT_EQ(parse_url("HTTPS://api.example.com/otlp"), "https://api.example.com/otlp");
  EXPECT_EQ(parse_url("http://[::1]:4318/v1/traces"), "http://[::1]:4318/v1/traces");
}

TEST(ParseUrl, RefusesTheRest) {
  for (const char* text :
       {"", "localhost:4317", "ftp://h", "http://", "http://:4317", "http://h:0", "http://h:70000",
        "http://h:", "http://user:pw@h", "http://h/a b", "http://h/?q", "http://h#f", "http://[::1",
        "http://[]:1", "http://[::1]4", "http://h\r\nX: y", "://h"}) {
    EXPECT_FALSE(parse_url(text)) << text;
  }
}

TEST(ParseProtocol, TellsUnsupportedFromUnknown) {
  EXPECT_EQ(parse_protocol("http/protobuf"), OtlpExport::Protocol::HttpProtobuf);
  EXPECT_THAT(parse_protocol("http/json").error(), HasSubstr("not supported yet"));
  EXPECT_THAT(parse_protocol("http").error(), HasSubstr("grpc, http/protobuf"));
}

TEST(ParseHeader, KeepsOtherLinesOut) {
  EXPECT_EQ(parse_header_name("X-Api-Key"), "x-api-key");
  for (const char* text : {"", "a b", "a:b", "a\r\nb", "\u00fc"}) {
    EXPECT_FALSE(parse_header_name(text)) << text;
  }
  EXPECT_EQ(parse_header_value("Bearer a=b"), "Bearer a=b");
  const auto bad = parse_header_value("secret\r\nx: y");
  ASSERT_FALSE(bad);
  EXPECT_THAT(bad.error(), Not(HasSubstr("secret")));
}

TEST(ParseText, FitsOnALine) {
  EXPECT_EQ(parse_text("shop", "a name"), "shop");
  EXPECT_EQ(parse_text("", "a name").error(), "'' is not a name (1 to 4096 bytes on one line)");
  EXPECT_FALSE(parse_text("a\nb", "a name"));
  EXPECT_FALSE(parse_text(std::string(4097, 'x'), "a name"));
}

TEST(ParseLogLevel, ListsTheLevels) {
  EXPECT_EQ(parse_log_level("warn"), "warn");
  EXPECT_EQ(parse_log_level("loud").error(),
            "'loud' is not a log level (trace, debug, info, warn, error, off)");
}

}  // namespace
}  // namespace clew
