// What a span says of an exchange.
#include <gtest/gtest.h>

#include <algorithm>

#include "agent/protocols/http1/test_support.h"

namespace clew::http1 {
namespace {

struct Described {
  std::string server, client;
};

// `split`: where each side's bytes come in two pieces.
Described describe(std::string_view request, std::string_view response,
                   const HttpSettings& settings = {}, size_t split = std::string_view::npos) {
  Http1Session session(settings);
  std::vector<MessageEvent> events;
  const auto feed = [&](Side side, std::string_view bytes) {
    const size_t first = std::min(split, bytes.size());
    for (const auto& [at, piece] :
         {std::pair(size_t{0}, bytes.substr(0, first)), std::pair(first, bytes.substr(first))}) {
      if (!piece.empty())
        session.feed(side, as_bytes(piece), at, {.operation_start = true}, events);
    }
  };
  feed(Side::Request, request);
  feed(Side::Response, response);
  if (events.empty() || events.back().kind != MessageEvent::Kind::ExchangeEnded) {
    session.finish(Ending::ConnectionGone, events);
  }
  return {describe_text(session, 0, SpanKind::Server), describe_text(session, 0, SpanKind::Client)};
}

std::string request_to(std::string_view target, std::string_view host = "h") {
  return fmt::format("GET {} HTTP/1.1\r\nHost: {}\r\n\r\n", target, host);
}

constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

TEST(Describe, BothKinds) {
  const Described seen = describe(
      "GET /a/b?x=1&y HTTP/1.1\r\nHost: shop.example:8080\r\nUser-Agent: curl/7.88.1\r\n\r\n", kOk);
  EXPECT_EQ(seen.server,
            "GET http.request.method=GET url.scheme=http user_agent.original=curl/7.88.1 "
            "url.path=/a/b url.query=x=1&y server.address=shop.example server.port=8080 "
            "network.protocol.version=1.1 http.response.status_code=200");
  EXPECT_EQ(seen.client,
            "GET http.request.method=GET url.full=http://shop.example:8080/a/b?x=1&y "
            "server.address=shop.example server.port=8080 "
            "network.protocol.version=1.1 http.response.status_code=200");
}

TEST(Describe, WithoutHost) {
  const Described seen = describe("GET /a?b HTTP/1.0\r\n\r\n", kOk);
  const std::string_view rest =
      "url.path=/a url.query=b network.protocol.version=1.0 http.response.status_code=200";
  EXPECT_EQ(seen.server, fmt::format("GET http.request.method=GET url.scheme=http {}", rest));
  EXPECT_EQ(seen.client, fmt::format("GET http.request.method=GET {}", rest));
}

TEST(Describe, Targets) {
  struct Case {
    std::string_view target, host, full, path;
  };
  const Case cases[] = {
      {"/", "h", "http://h/", "/"},
      {"/p", "[::1]:80", "http://[::1]:80/p", "/p"},
      {"http://o.example:81/p?q", "h", "http://o.example:81/p?q", "/p"},
      {"http://user:pass@o.example/p", "h", "http://REDACTED:REDACTED@o.example/p", "/p"},
      {"http://user@o.example/p", "h", "http://REDACTED@o.example/p", "/p"},
      {"https://o.example?q", "h", "https://o.example?q", ""},
      {"/p?X-Amz-Credential=a&X-Amz-Signature=b&X-Amz-Security-Token=c&X-Amz-Date=d", "h",
       "http://h/p?X-Amz-Credential=REDACTED&X-Amz-Signature=REDACTED&X-Amz-Security-Token="
       "REDACTED&X-Amz-Date=d",
       "/p"},
      {"/p?%73ig=a&s%69%67=b&sig%=c&%2573ig=d", "h",
       "http://h/p?%73ig=REDACTED&s%69%67=REDACTED&sig%=c&%2573ig=d", "/p"},
      {"/p?AWSAccessKeyId=a&x=sig&sig=b", "h",
       "http://h/p?AWSAccessKeyId=REDACTED&x=sig&sig=REDACTED", "/p"},
      {"/p?Signature=a=b&signature=c&X-Goog-Signature=", "h",
       "http://h/p?Signature=REDACTED&signature=c&X-Goog-Signature=REDACTED", "/p"},
      {"/p?&&sig&sig", "h", "http://h/p?&&sig&sig", "/p"},
  };
  for (const Case& c : cases) {
    const Described seen = describe(request_to(c.target, c.host), kOk);
    EXPECT_NE(seen.client.find(fmt::format("url.full={} ", c.full)), std::string::npos)
        << seen.client;
    EXPECT_NE(seen.server.find(fmt::format("url.path={} ", c.path)), std::string::npos)
        << seen.server;
    EXPECT_EQ(seen.server.find("pass"), std::string::npos);
  }
}

TEST(Describe, Addresses) {
  struct Case {
    std::string_view host, expected;
  };
  const Case cases[] = {
      {"h", " server.address=h network"},
      {"h:", " server.address=h network"},
      {"h:99999", " server.address=h network"},
      {"h:8o", " server.address=h network"},
      {"10.0.0.1:81", " server.address=10.0.0.1 server.port=81 "},
      {"[fe80::1]", " server.address=fe80::1 network"},
      {"[fe80::1]:82", " server.address=fe80::1 server.port=82 "},
      {"[broken:83", " server.address=[broken server.port=83 "},
      {"[]:1", "/ server.port"},
  };
  for (const Case& c : cases) {
    const std::string seen = describe(request_to("/", c.host), kOk).server;
    const bool expects_none = c.host == "[]:1";
    EXPECT_EQ(seen.find(c.expected) != std::string::npos, !expects_none) << seen;
  }
}

TEST(Describe, AsteriskAndAuthority) {
  const Described options = describe("OPTIONS * HTTP/1.1\r\nHost: h:81\r\n\r\n", kOk);
  EXPECT_NE(options.client.find("url.full=http://h:81 "), std::string::npos) << options.client;
  EXPECT_NE(options.server.find("url.path=* "), std::string::npos);
  const Described connect =
      describe("CONNECT o.example:443 HTTP/1.1\r\nHost: p\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n");
  EXPECT_EQ(connect.client,
            "CONNECT http.request.method=CONNECT url.full=o.example:443 "
            "server.address=o.example server.port=443 network.protocol.version=1.1 "
            "http.response.status_code=200");
}

TEST(Describe, UnknownMethod) {
  const Described seen = describe("PROPFIND / HTTP/1.1\r\n\r\n", kOk);
  EXPECT_TRUE(seen.server.starts_with(
      "HTTP http.request.method=_OTHER http.request.method_original=PROPFIND "))
      << seen.server;
}

TEST(Describe, Outcomes) {
  struct Case {
    std::string_view response, server_tail, client_tail;
  };
  const Case cases[] = {
      {"HTTP/1.1 302 X\r\nContent-Length: 0\r\n\r\n", "status_code=302", "status_code=302"},
      {"HTTP/1.1 404 X\r\nContent-Length: 0\r\n\r\n", "status_code=404",
       "status_code=404 error.type=404 ERROR"},
      {"HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n", "status_code=503 error.type=503 ERROR",
       "status_code=503 error.type=503 ERROR"},
      {"HTTP/1.1 200 X\r\nContent-Length: 9\r\n\r\n", "status_code=200", "status_code=200"},
      {"HTTP/1.1 200 X\r\nContent-Length: x\r\n\r\n", "error.type=malformed ERROR",
       "error.type=malformed ERROR"},
  };
  for (const Case& c : cases) {
    const Described seen = describe(request_to("/"), c.response);
    EXPECT_TRUE(seen.server.ends_with(c.server_tail)) << seen.server;
    EXPECT_TRUE(seen.client.ends_with(c.client_tail)) << seen.client;
  }
}

TEST(Describe, LostBytesAreNoError) {
  Chat chat;
  chat.request(request_to("/")).response("HTTP/1.1 200 X\r\nA").gap(Side::Response, 9).finish();
  EXPECT_TRUE(chat.log().back().ends_with("status_code=200 clew.incomplete=1"))
      << chat.log().back();
}

TEST(Describe, UnfinishedIsNoError) {
  Chat waiting;
  waiting.request(request_to("/")).finish(Ending::ClewStopped);
  EXPECT_TRUE(waiting.log().back().ends_with("version=1.1 clew.incomplete=1"))
      << waiting.log().back();
  Chat answering;
  answering.request(request_to("/")).response("HTTP/1.1 503 X\r\n\r\n");
  answering.finish(Ending::ClewStopped);
  EXPECT_TRUE(
      answering.log().back().ends_with("status_code=503 clew.incomplete=1 error.type=503 ERROR"))
      << "the status is what it is: " << answering.log().back();
}

TEST(Describe, QueriesAsTheSettingsSay) {
  HttpSettings settings;
  const auto query_of = [&](std::string_view target) {
    const std::string server = describe(request_to(target), kOk, settings).server;
    const size_t at = server.find("url.query=");
    return at == server.npos ? "(none)" : server.substr(at, server.find(' ', at) - at);
  };
  settings.sensitive_query_parameters = {"token"};
  EXPECT_EQ(query_of("/?token=a&Token=b&sig=c"), "url.query=token=REDACTED&Token=b&sig=c");
  settings.sensitive_query_parameters = {};
  EXPECT_EQ(query_of("/?sig=c"), "url.query=sig=c");
  settings.query = HttpSettings::Query::Keys;
  EXPECT_EQ(query_of("/?a=1&b=&c&=d&e=f=g"),
            "url.query=a=REDACTED&b=REDACTED&c&=REDACTED&e=REDACTED");
  settings.query = HttpSettings::Query::Off;
  EXPECT_EQ(query_of("/?a=1"), "(none)");
  EXPECT_NE(describe(request_to("/p?a=1"), kOk, settings).client.find("url.full=http://h/p "),
            std::string::npos);
}

constexpr std::string_view kAsking =
    "GET / HTTP/1.1\r\nhost: h\r\nX-Tenant: one\r\nx-tenants: no\r\nACCEPT :  a,\r\n\t b \r\n"
    "X-TENANT: \r\nX-Tenant: two, three\r\nAuthorization: secret\r\n\r\n";
constexpr std::string_view kAnswering =
    "HTTP/1.1 103 Early Hints\r\nVia: early\r\n\r\n"
    "HTTP/1.1 200 OK\r\nVia: 1.1 a\r\nX-Tenant: mine\r\nvia: 1.1 b\r\nContent-Length: 0\r\n\r\n";

TEST(Describe, HeadersThatTheSettingsName) {
  HttpSettings settings;
  settings.request_headers = {"x-tenant", "host", "accept", "x-absent"};
  settings.response_headers = {"via", "content-length"};
  // Wherever the header block is split.
  for (size_t split = 0; split < std::max(kAsking.size(), kAnswering.size()); ++split) {
    const std::string server = describe(kAsking, kAnswering, settings, split).server;
    EXPECT_TRUE(
        server.ends_with("http.response.status_code=200 "
                         "http.request.header.x-tenant=[one||two, three] "
                         "http.request.header.host=[h] "
                         "http.request.header.accept=[a,  \t b] "
                         "http.response.header.via=[1.1 a|1.1 b] "
                         "http.response.header.content-length=[0]"))
        << split << ": " << server;
  }
}

TEST(Describe, NoHeadersUnlessNamed) {
  const Described seen = describe(kAsking, kAnswering);
  EXPECT_EQ(seen.server.find(".header."), std::string::npos);
  EXPECT_EQ(seen.server.find("secret"), std::string::npos);
  HttpSettings settings;
  settings.request_headers = {"authorization"};
  EXPECT_NE(describe(kAsking, kAnswering, settings)
                .client.find("http.request.header.authorization=[secret]"),
            std::string::npos);
}

TEST(Describe, HeadersAreBounded) {
  HttpSettings settings;
  settings.request_headers = {"a"};
  const auto asking_with = [](size_t lines, size_t bytes) {
    std::string text = "GET / HTTP/1.1\r\nHost: h\r\n";
    for (size_t i = 0; i < lines; ++i) text += "A: " + std::string(bytes, 'x') + "\r\n";
    return text + "\r\n";
  };
  const auto shown = [&](size_t lines, size_t bytes) {
    const std::string server = describe(asking_with(lines, bytes), kOk, settings).server;
    const std::string values = server.substr(server.find('['));
    return std::pair(std::ranges::count(values, '|') + 1, std::ranges::count(values, 'x'));
  };
  EXPECT_EQ(shown(1, 5000), std::pair(1L, static_cast<long>(kMaxHeaderValueBytes)));
  EXPECT_EQ(shown(200, 1), std::pair(static_cast<long>(kMaxCapturedValues), 64L));
  EXPECT_EQ(shown(40, 1000).second, static_cast<long>(kMaxHeaderBytes));
}

// The account of the text kept for live exchanges must come out even.
TEST(Describe, HeadersOfManyExchanges) {
  HttpSettings settings;
  settings.request_headers = settings.response_headers = {"a"};
  Http1Session session(settings);
  std::vector<MessageEvent> events;
  const std::string asking = "GET / HTTP/1.1\r\nA: " + std::string(900, 'x') + "\r\n\r\n";
  const std::string answering =
      "HTTP/1.1 200 OK\r\nA: " + std::string(900, 'x') + "\r\nContent-Length: 0\r\n\r\n";
  for (uint64_t i = 0; i < 3000; ++i) {
    events.clear();
    session.feed(Side::Request, as_bytes(asking), i * asking.size(), {.operation_start = true},
                 events);
    session.feed(Side::Response, as_bytes(answering), i * answering.size(),
                 {.operation_start = true}, events);
    ASSERT_FALSE(events.empty()) << i;
    ASSERT_EQ(events.back().how, MessageEvent::How::Complete) << i;
  }
}

TEST(Describe, PathForARoute) {
  const auto path_of = [](std::string_view request, std::string_view status) {
    const HttpSettings settings;
    Http1Session session(settings);
    std::vector<MessageEvent> events;
    session.feed(Side::Request, as_bytes(request), 0, {.operation_start = true}, events);
    const std::string answer =
        fmt::format("HTTP/1.1 {} Words\r\nContent-Length: 0\r\n\r\n", status);
    session.feed(Side::Response, as_bytes(answer), 0, {.operation_start = true}, events);
    SpanBuilder span;
    session.describe(0, SpanKind::Server, span);
    if (span.request_path().empty()) return std::string("(none)");
    return fmt::format("{}{}", span.request_path(), span.path_exists() ? "" : " not there");
  };
  EXPECT_EQ(path_of(request_to("/a/b?c"), "200"), "/a/b");
  EXPECT_EQ(path_of(request_to("/a"), "500"), "/a");
  EXPECT_EQ(path_of(request_to("/a"), "403"), "/a");
  EXPECT_EQ(path_of(request_to("/a"), "404"), "/a not there");
  EXPECT_EQ(path_of(request_to("/a"), "405"), "/a not there");
  EXPECT_EQ(path_of(request_to("http://o.example?q"), "200"), "/");
  EXPECT_EQ(path_of("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", "200"), "(none)");
  EXPECT_EQ(path_of("CONNECT h:1 HTTP/1.1\r\nHost: h\r\n\r\n", "200"), "(none)");
}

TEST(Describe, LongTextIsCut) {
  const std::string path = "/" + std::string(3 * kMaxTargetBytes, 'x');
  const Described seen = describe(request_to(path, std::string(1000, 'h')), kOk);
  EXPECT_NE(seen.server.find(fmt::format("url.path={} ", path.substr(0, kMaxTargetBytes))),
            std::string::npos);
  EXPECT_NE(seen.server.find(fmt::format("address={} ", std::string(kMaxHostBytes, 'h'))),
            std::string::npos);
}

TEST(Describe, OnlyWhatIsKept) {
  const HttpSettings settings;
  Http1Session session(settings);
  EXPECT_EQ(describe_text(session, 0, SpanKind::Server), "");
}

}  // namespace
}  // namespace clew::http1
