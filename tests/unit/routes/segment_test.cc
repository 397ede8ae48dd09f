// What segments fold to, and what stays a word.
#include "agent/routes/segment.h"

#include <gtest/gtest.h>

#include <string>

namespace clew {
namespace {

std::string fold(std::string_view segment) {
  SegmentRoom room;
  return std::string(fold_segment(segment, room));
}

struct Case {
  std::string_view segment, folded;
};

TEST(FoldSegment, Values) {
  const Case cases[] = {
      {"0", "{id}"},
      {"42", "{id}"},
      {"-42", "{id}"},
      {"18446744073709551616", "{id}"},
      {"1541815603606036480", "{id}"},
      {"10-20", "{id}"},
      {"12:30", "{id}"},
      {"52.52,13.40", "{id}"},
      {"+49-30-901820", "{id}"},
      {"550e8400-e29b-41d4-a716-446655440000", "{uuid}"},
      {"550E8400-E29B-41D4-A716-446655440000", "{uuid}"},
      {"{550e8400-e29b-41d4-a716-446655440000}", "{uuid}"},
      {"%7B550e8400-e29b-41d4-a716-446655440000%7D", "{uuid}"},
      {"550e8400e29b41d4a716446655440000", "{uuid}"},
      {"d41d8cd98f00b204", "{hash}"},
      {"507f1f77bcf86cd799439011", "{hash}"},
      {"da39a3ee5e6b4b0d3255bfef95601890afd80709", "{hash}"},
      {"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "{hash}"},
      {"0x71C7656EC7ab88b098defB751B7401B5f6d8976F", "{hash}"},
      {"9fceb02", "{hash}"},
      {"01ARZ3NDEKTSV4RRFFQ69G5FAV", "{hash}"},
      {"01hx3r9wm8t5k2v7c4n6b0zqya", "{hash}"},
      {"V1StGXR8_Z5jdHi6B-myT", "{hash}"},
      {"dQw4w9WgXcQ", "{hash}"},
      {"3Xq9ZtL7pWm2", "{hash}"},
      {"aGVsbG8gd29ybGQhIQ==", "{hash}"},
      {"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9", "{hash}"},
      {"2024-05-01", "{date}"},
      {"20240501", "{date}"},
      {"2024-05", "{date}"},
      {"2024_05_01", "{date}"},
      {"2024-05-01T12:30:00Z", "{date}"},
      {"2024-05-01T12:30:00.123+02:00", "{date}"},
      {"2024-05-01T12%3A30%3A00Z", "{date}"},
      {"2024-13-01", "{id}"},
      {"20241301", "{id}"},
      {"bob@example.com", "{email}"},
      {"bob%40example.com", "{email}"},
      {"first.last+tag@mail.example.co.uk", "{email}"},
      {"10.0.0.1", "{ip}"},
      {"10.0.0.1:8080", "{ip}"},
      {"2001:db8::1", "{ip}"},
      {"::ffff:10.0.0.1", "{ip}"},
      {"fe80:0:0:0:1:2:3:4", "{ip}"},
  };
  for (const Case& c : cases) EXPECT_EQ(fold(c.segment), c.folded) << c.segment;
}

TEST(FoldSegment, WordsStay) {
  for (const std::string_view word : {"users",
                                      "v1",
                                      "v2beta1",
                                      "v1alpha2",
                                      "oauth2",
                                      "s3",
                                      "utf8",
                                      "utf-8",
                                      "i18n",
                                      "p2p",
                                      "k8s",
                                      "mp3",
                                      "2fa",
                                      "ipv4",
                                      "sha256",
                                      "base64",
                                      "x86_64",
                                      "amd64",
                                      "top-10",
                                      "web3",
                                      "log4j2",
                                      "h264",
                                      "1.2.3",
                                      "v1.2.3",
                                      "getUserByIdAndNameOrEmail",
                                      "exportToCsvV2Report",
                                      "HTTPServerConfiguration",
                                      "how-to-bake-bread-in-10-minutes",
                                      "order_items_by_customer",
                                      "internationalization",
                                      "SUMMARY_REPORT_BY_REGION",
                                      "checkout.html",
                                      "robots.txt",
                                      ".well-known",
                                      "openid-configuration",
                                      "favicon.ico",
                                      "main.css",
                                      "jquery.min.js",
                                      "a",
                                      "-",
                                      "@scope",
                                      "deadbeef",
                                      "facade",
                                      "feedface",
                                      "@",
                                      "~alice",
                                      "x",
                                      "wp-login.php",
                                      "characteristically",
                                      "PascalCaseControllerName",
                                      "RPC.Service_Method",
                                      "com.example.Shop",
                                      "kubernetes.io",
                                      "oauth2callback",
                                      "mp3to4wav"}) {
    EXPECT_EQ(fold(word), word);
  }
}

TEST(FoldSegment, NamesFoldByPart) {
  const Case cases[] = {
      {"app.3f2a9c.js", "app.{hash}.js"},
      {"main.0c3e1a7f9b.chunk.css", "main.{hash}.chunk.css"},
      {"index-BvX3k9aQ.js", "index-{hash}.js"},
      {"d41d8cd98f00b204.png", "{hash}.png"},
      {"order-10023", "order-{id}"},
      {"user_4711", "user_{id}"},
      {"10023.json", "{id}.json"},
      {"report-2024-05-01.pdf", "report-{date}.pdf"},
      {"backup_20240501.tar.gz", "backup_{date}.tar.gz"},
      {"avatar-550e8400-e29b-41d4-a716-446655440000.png", "avatar-{uuid}.png"},
      {"urn:uuid:550e8400-e29b-41d4-a716-446655440000", "urn:uuid:{uuid}"},
      {"cus_9s6XKzkNRiz8i3", "cus_{hash}"},
      {"sk_live_4eC39HqLyjWDarjtT1zdp7dc", "sk_{hash}"},
  };
  for (const Case& c : cases) EXPECT_EQ(fold(c.segment), c.folded) << c.segment;
}

TEST(FoldSegment, WhatCannotBeShownIsAName) {
  for (const std::string_view segment : {"hello%20world", "%E2%82%AC", "%", "%zz", "%4", "a%00b",
                                         "caf\xc3\xa9", "\x01\x02", "{x}", "a*b", "*", "a b"}) {
    EXPECT_EQ(fold(segment), "{name}") << segment;
  }
  EXPECT_EQ(fold(std::string(65, '-') + "word"), "{name}");
  EXPECT_EQ(fold(std::string(5000, 'a')), "{name}");
  EXPECT_EQ(fold("a1" + std::string(5000, 'X')), "{hash}") << "a token without end, such as a JWT";
}

TEST(FoldSegment, ParametersAreDropped) {
  EXPECT_EQ(fold("cart;jsessionid=0123456789ABCDEF"), "cart");
  EXPECT_EQ(fold("42;v=1"), "{id}");
  EXPECT_EQ(fold(";a=b"), "");
}

TEST(FoldSegment, LongestThatFits) {
  const std::string longest = std::string(32, 'a') + "." + std::string(31, 'b');
  EXPECT_EQ(fold(longest), longest);
  EXPECT_EQ(fold(longest + "c"), "{name}");
}

}  // namespace
}  // namespace clew
