#include "exporter/console/render.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <regex>
#include <sstream>
#include <string>
#include <string_view>

#include "exporter/console/text.h"
#include "tests/unit/console/test_traces.h"

namespace clew::console {
namespace {

// A raw string begins with the newline after its opening.
std::string_view golden(std::string_view text) {
  return text.substr(1);
}

std::string render(const TestTrace& trace, const RenderStyle& style = {}) {
  return render_trace(test_trace_id(), trace.spans, style);
}

TEST(Render, FiveServices) {
  EXPECT_EQ(render(demo_trace()), golden(R"(
trace 505152535455565758595a5b5c5d5e5f  41.2 ms  8 spans
  curl > nginx > shop > postgresql, redis, prices
curl → nginx         GET /checkout    200  41.2 ms  █████████████████████████████
└ shop (cpython)     GET /checkout    200  39.8 ms  ▐███████████████████████████▌
  ├ → postgresql     SELECT carts          1.20 ms   ▉
  ├ → redis          GET                    310 µs    ▎
  └ prices (nodejs)  GET /price/1042  200  31.0 ms    ▕█████████████████████▋      self 30.7 ms, 75%
)"));
}

TEST(Render, ErrorIsMarkedWhereItBegan) {
  EXPECT_EQ(render(failing_trace()), golden(R"(
trace 505152535455565758595a5b5c5d5e5f  41.2 ms  8 spans  1 error
  curl > nginx > shop > postgresql, redis, prices
curl → nginx         GET /checkout    502  41.2 ms  ██████████████████████  ✗ below
└ shop (cpython)     GET /checkout    502  39.8 ms  ▐████████████████████▋  ✗ below
  ├ → postgresql     SELECT carts          1.20 ms  ▕▌
  ├ → redis          GET                    310 µs   ▕
  └ prices (nodejs)  GET /price/1042  500  31.0 ms    ████████████████▊     ✗ 500  self 30.7 ms, 75%
)"));
}

TEST(Render, NarrowTerminal) {
  EXPECT_EQ(render(failing_trace(), {.width = 60}), golden(R"(
trace 505152535455565758595a5b5c5d5e5f  41.2 ms  8 spans
  1 error  curl > nginx > shop > postgresql, redis, prices
curl → nginx  GET /c…ckout  502  41.2 ms  ██████  ✗ below
└ shop        GET /c…ckout  502  39.8 ms  █████▉  ✗ below
  ├ → postg…  SELECT carts       1.20 ms  ▏
  ├ → redis   GET                 310 µs  ▏
  └ prices    GET /p…/1042  500  31.0 ms  ▐████▏  ✗ 500
)"));
}

TEST(Render, WideTerminal) {
  EXPECT_EQ(render(demo_trace(), {.width = 200}), golden(R"(
trace 505152535455565758595a5b5c5d5e5f  41.2 ms  8 spans  curl > nginx > shop > postgresql, redis, prices
curl → nginx         GET /checkout    200  41.2 ms  █████████████████████████████████████████████████████████████████████████████████████████████████████████████████████████████████
└ shop (cpython)     GET /checkout    200  39.8 ms    ▐███████████████████████████████████████████████████████████████████████████████████████████████████████████████████████████▊
  ├ → postgresql     SELECT carts          1.20 ms      ▕███▌
  ├ → redis          GET                    310 µs           ▐▍
  └ prices (nodejs)  GET /price/1042  200  31.0 ms              ▐████████████████████████████████████████████████████████████████████████████████████████████████▋                     self 30.7 ms, 75%
)"));
}

TestTrace fast_trace() {
  TestTrace t;
  t.client("curl", 1, 0, 0, 800, "/a", "h:80");
  t.server("web", 2, 1, 100, 700, "/a");
  return t;
}

TEST(Render, Colors) {
  EXPECT_EQ(render(fast_trace(), {.width = 60, .color = true}),
            "\x1b[1mtrace\x1b[0m \x1b[2m505152535455565758595a5b5c5d5e5f\x1b[0m  "
            "\x1b[1m800 µs\x1b[0m  2 spans\n"
            "  curl > web\n"
            "curl → web  GET /a  \x1b[32m200\x1b[0m  800 µs  "
            "\x1b[36m███████████████████████████\x1b[0m\n");
}

TEST(Render, ColorsChangeOnlyTheColor) {
  const std::regex escapes("\x1b\\[[0-9;]*m");
  const std::string colored = render(fast_trace(), {.color = true});
  EXPECT_EQ(std::regex_replace(colored, escapes, ""), render(fast_trace()));
}

TEST(Render, ErrorAndSlowLineStandOutInColor) {
  const std::string text = render(failing_trace(), {.color = true});
  EXPECT_NE(text.find("\x1b[1;31mprices\x1b[0m"), std::string::npos);
  EXPECT_NE(text.find("\x1b[1;31m✗ 500\x1b[0m"), std::string::npos);
  EXPECT_NE(text.find("\x1b[2;31m✗ below\x1b[0m"), std::string::npos);
  EXPECT_NE(text.find("\x1b[1;33mself 30.7 ms, 75%\x1b[0m"), std::string::npos);
}

TEST(Render, UnfoldedSpansShowTheSideThatWasSeen) {
  TestTrace t;
  t.client("curl", 1, 0, 0, 1000, "/a", "localhost:8080");
  EXPECT_EQ(render(t, {.width = 80}), golden(R"(
trace 505152535455565758595a5b5c5d5e5f  1.00 ms  1 span  curl > localhost:8080
curl → localhost:8080  GET /a  200  1.00 ms  ███████████████████████████████████
)"));
  TestTrace s;
  s.server("nginx", 2, 0, 0, 1000, "/a");
  EXPECT_EQ(render(s, {.width = 80}), golden(R"(
trace 505152535455565758595a5b5c5d5e5f  1.00 ms  1 span  nginx
nginx  GET /a  200  1.00 ms  ███████████████████████████████████████████████████
)"));
}

TEST(Render, ParallelCallsOverlap) {
  TestTrace t;
  t.server("api", 1, 0, 0, 10'000);
  t.client("api", 2, 1, 1'000, 6'000, "/l");
  t.server("left", 3, 2, 3'400, 5'900, "/l");
  t.client("api", 4, 1, 3'000, 9'000, "/r");
  t.server("right", 5, 4, 3'200, 8'900, "/r");
  EXPECT_EQ(render(t), golden(R"(
trace 505152535455565758595a5b5c5d5e5f  10.0 ms  5 spans  api > left, right
api      GET /   200  10.0 ms  ██████████████████████████████████████████████████
├ left   GET /l  200  5.00 ms       █████████████████████████                      network 2.50 ms
└ right  GET /r  200  6.00 ms                 ██████████████████████████████       self 5.70 ms, 57%
)"));
}

TEST(Render, OrphanHangsOnAQuestionMark) {
  TestTrace t;
  t.server("api", 1, 99, 0, 1'000, "/a");
  t.client("api", 2, 1, 100, 900, "/b", "10.0.0.7:80");
  EXPECT_EQ(render(t), golden(R"(
trace 505152535455565758595a5b5c5d5e5f  1.00 ms  2 spans  api > 10.0.0.7:80
? (parent not seen)
└ api              GET /a  200  1.00 ms  ███████████████████████████████████████████████████████████
  └ → 10.0.0.7:80  GET /b  200   800 µs       ▕███████████████████████████████████████████████▏
)"));
}

TEST(Render, LatePartSaysSo) {
  TestTrace t;
  t.server("api", 1, 99, 0, 1'000, "/a").incomplete = true;
  EXPECT_EQ(render(t, {.late = true}), golden(R"(
trace 505152535455565758595a5b5c5d5e5f  (late)  1.00 ms  1 span  api
? (parent printed before, or not seen)
└ api  GET /a  200…  1.00 ms  ██████████████████████████████████████████████████████████████████████
)"));
}

TEST(Render, ChildOutsideOfItsParent) {
  TestTrace t;
  t.server("api", 1, 0, 2'000, 4'000);
  t.client("api", 2, 1, 1'000, 2'000, "/before", "a");
  t.client("api", 3, 1, 5'000, 6'000, "/after", "b");
  EXPECT_EQ(render(t), golden(R"(
trace 505152535455565758595a5b5c5d5e5f  5.00 ms  3 spans  api > a, b
api    GET /        200  2.00 ms           ▐██████████████████▎                    self 2.00 ms, 40%
├ → a  GET /before  200  1.00 ms  █████████▍
└ → b  GET /after   200  1.00 ms                                       ▐█████████
)"));
}

TEST(Render, ZeroDuration) {
  TestTrace t;
  t.server("api", 1, 0, 5, 5);
  EXPECT_EQ(render(t, {.width = 80}), golden(R"(
trace 505152535455565758595a5b5c5d5e5f  0 µs  1 span  api
api  GET /  200  0 µs  ▏
)"));
}

TEST(Render, HostileTextIsShownNotObeyed) {
  TestTrace t;
  t.resources["evil"] = resource_of("\x1b]0;owned\x07", "\x1b[2J");
  SpanSummary& span = t.server("evil", 1, 0, 0, 100, "/\x1b[31m\r\n\xff\u202E");
  fail(span, "5\x1b[0m", "\n\n");
  EXPECT_EQ(render(t, {.width = 120}), golden(R"(
trace 505152535455565758595a5b5c5d5e5f  100 µs  1 span  1 error  \x1b]0;owned\x07
\x1b]0;owned\x07 (\x1b[2J)  GET /\x1b[31m\x0d\x0a�·  5\x1b[0m  100 µs  █████████████████████████████████████  ✗ \x0a\x0a
)"));
}

TEST(Render, LongTracesAreCutAndCounted) {
  TestTrace t;
  t.server("api", 1, 0, 0, 10'000);
  for (uint8_t i = 2; i < 50; ++i) t.client("api", i, 1, i, i + 1, "/", "db");
  fail(t.spans[40], "500", "500");
  const std::string text = render(t, {.width = 80, .max_lines = 10});
  EXPECT_EQ(std::ranges::count(text, '\n'), 12);
  EXPECT_TRUE(text.ends_with("… 39 more lines, 1 with errors\n")) << text;
}

// Any trace, any width: no line wider than the terminal, no blank at a line's end, nothing that the
// terminal would obey.
TEST(Render, RandomTracesKeepTheirPromises) {
  std::mt19937 random(42);
  const auto pick = [&](uint64_t below) { return random() % below; };
  const auto bytes = [&](size_t most) {
    std::string text(pick(most), 'x');
    for (char& c : text) c = static_cast<char>(pick(3) == 0 ? pick(256) : 'a' + pick(26));
    return text;
  };
  for (int round = 0; round < 1000; ++round) {
    TestTrace t;
    const auto spans = 1 + pick(12);
    for (uint64_t i = 0; i < spans; ++i) {
      const std::string service = bytes(12);
      t.resources[service] = resource_of(service, pick(2) == 0 ? bytes(9) : "");
      const uint64_t start = pick(100'000);
      SpanSummary& span =
          t.add(pick(2) == 0 ? SpanKind::Client : SpanKind::Server, service,
                static_cast<uint8_t>(1 + pick(spans)), static_cast<uint8_t>(pick(spans + 2)), start,
                start + pick(100'000));
      span.target = bytes(80);
      span.peer = bytes(30);
      span.incomplete = pick(4) == 0;
      if (pick(3) == 0) fail(span, bytes(20), bytes(40));
    }
    const size_t width = 40 + pick(160);
    std::istringstream lines(render(t, {.width = width, .late = pick(2) == 0}));
    for (std::string line; std::getline(lines, line);) {
      ASSERT_LE(display_width(line), width) << line;
      ASSERT_EQ(sanitise(line), line);
      ASSERT_FALSE(line.ends_with(' ')) << line;
    }
  }
}

}  // namespace
}  // namespace clew::console
