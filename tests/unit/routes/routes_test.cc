#include "agent/routes/routes.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>
#include <set>
#include <string>

namespace clew {
namespace {

using Outcome = RouteTable::Outcome;

std::string learn(RouteTable& table, std::string_view path) {
  const auto found = table.find(path, true);
  return found.outcome == Outcome::Known ? std::string(found.route) : "(full)";
}

std::string route_of(std::string_view path) {
  RouteTable table(100);
  return learn(table, path);
}

TEST(RouteTable, TemplatesOfPaths) {
  struct Case {
    std::string_view path, route;
  };
  const Case cases[] = {
      {"/", "/"},
      {"", "/"},
      {"//", "/"},
      {"/users", "/users"},
      {"/users/", "/users"},
      {"//users///42//", "/users/{id}"},
      {"/users/42/orders/7", "/users/{id}/orders/{id}"},
      {"/api/v1/users/550e8400-e29b-41d4-a716-446655440000", "/api/v1/users/{uuid}"},
      {"/blog/2024/05/01/title", "/blog/{date}/title"},
      {"/blog/2024/05/01", "/blog/{date}"},
      {"/blog/2024/05", "/blog/{id}/{id}"},
      {"/blog/2024/13/01", "/blog/{id}/{id}/{id}"},
      {"/cart;jsessionid=1/items", "/cart/items"},
      {"/;x/items", "/items"},
      {"/1/2/3/4/5/6/7/8/9/10/11/12/13/14",
       "/{id}/{id}/{id}/{id}/{id}/{id}/{id}/{id}/{id}/{id}/{id}/*"},
  };
  for (const Case& c : cases) EXPECT_EQ(route_of(c.path), c.route) << c.path;
}

TEST(RouteTable, LongPathsAreCut) {
  EXPECT_EQ(route_of("/search/" + std::string(2000, 'a')), "/search/*");
  EXPECT_EQ(route_of("/a/" + std::string(900, 'b') + "/" + std::string(900, 'c')), "/a/{name}/*");
  EXPECT_EQ(route_of("/" + std::string(2000, 'a')), "/*");
  EXPECT_EQ(route_of(std::string(2000, '/') + "a"), "/*");
}

TEST(RouteTable, TooManySiblingsBecomeOneName) {
  RouteTable table(500);
  for (size_t i = 0; i < kMaxSiblings; ++i) {
    const auto path = fmt::format("/users/{}{}son/orders", static_cast<char>('a' + i % 26),
                                  std::string(1 + i / 26, 'o'));
    EXPECT_EQ(learn(table, path), path);
  }
  EXPECT_EQ(learn(table, "/users/zoe/orders"), "/users/{name}/orders");
  EXPECT_EQ(learn(table, "/users/aoson/orders"), "/users/{name}/orders");
  EXPECT_EQ(learn(table, "/users/42/orders"), "/users/{id}/orders");
  EXPECT_EQ(table.routes(), 2u) << "the names' own routes are given back";
}

TEST(RouteTable, WhatIsUsedMostKeepsItsName) {
  RouteTable table(500);
  for (int i = 0; i < 100; ++i) learn(table, "/api/search");
  for (size_t i = 0; i < 3 * kMaxSiblings; ++i) {
    learn(table, fmt::format("/api/{}word", std::string(i % 40, 'a') + std::string(i / 40, 'b')));
  }
  EXPECT_EQ(learn(table, "/api/search"), "/api/search");
  EXPECT_EQ(learn(table, "/api/another"), "/api/{name}");
}

TEST(RouteTable, WhatIsNotLearnedIsOnlyLookedUp) {
  RouteTable table(10);
  EXPECT_EQ(table.find("/users/1", false).outcome, Outcome::Unknown);
  EXPECT_EQ(table.routes(), 0u);
  learn(table, "/users/1");
  const auto found = table.find("/users/2", false);
  EXPECT_EQ(found.outcome, Outcome::Known);
  EXPECT_EQ(found.route, "/users/{id}");
  EXPECT_EQ(table.find("/users", false).outcome, Outcome::Unknown) << "only a part of a route";
}

TEST(RouteTable, HoldsNoMoreThanItMay) {
  RouteTable table(3);
  EXPECT_EQ(learn(table, "/a"), "/a");
  EXPECT_EQ(learn(table, "/b/c"), "/b/c");
  EXPECT_EQ(learn(table, "/b"), "/b");
  EXPECT_EQ(learn(table, "/d"), "(full)");
  EXPECT_EQ(learn(table, "/b/c/e"), "(full)");
  EXPECT_EQ(learn(table, "/b/c"), "/b/c");
  EXPECT_EQ(table.routes(), 3u);
}

TEST(RouteTable, HostilePathsStayBounded) {
  std::mt19937 random(7);
  RouteTable table(200);
  std::set<std::string> routes;
  for (int i = 0; i < 50'000; ++i) {
    std::string path;
    const auto segments = 1 + random() % 20;
    for (size_t s = 0; s < segments; ++s) {
      path += '/';
      const auto bytes = 1 + random() % 12;
      for (size_t b = 0; b < bytes; ++b) path += static_cast<char>('a' + random() % 26);
    }
    const auto found = table.find(path, true);
    if (found.outcome == Outcome::Known) routes.insert(std::string(found.route));
    ASSERT_LE(table.routes(), 200u);
  }
  // Each level may hold its words before they fold, and once more where they did.
  EXPECT_LE(routes.size(), 2 * 200u);
}

TEST(Routes, OfServicesAreKeptApart) {
  Routes routes(RouteSettings{.patterns = {}, .max_routes = 1});
  EXPECT_EQ(routes.find("shop", true, "/a", true).route, "/a");
  EXPECT_EQ(routes.find("shop", true, "/b", true).outcome, Outcome::Full);
  EXPECT_EQ(routes.find("shop", false, "/b", true).route, "/b");
  EXPECT_EQ(routes.find("cart", true, "/b", true).route, "/b");
  EXPECT_EQ(routes.find("none", true, "/b", false).outcome, Outcome::Unknown);
}

TEST(Routes, OfTheUserComeFirst) {
  Routes routes(RouteSettings{.patterns = {"/users/me", "/users/{user}", "/files/**", "/x/*/y"}});
  const auto route = [&](std::string_view path) {
    return std::string(routes.find("shop", true, path, false).route);
  };
  EXPECT_EQ(route("/users/me"), "/users/me");
  EXPECT_EQ(route("/users/alice"), "/users/{user}");
  EXPECT_EQ(route("/users/alice/"), "/users/{user}");
  EXPECT_EQ(route("/users/alice/orders"), "");
  EXPECT_EQ(route("/users"), "");
  EXPECT_EQ(route("/files"), "/files/**");
  EXPECT_EQ(route("/files/a/b/c"), "/files/**");
  EXPECT_EQ(route("/x/1/y"), "/x/*/y");
  EXPECT_EQ(route("/x//y"), "");
}

TEST(Routes, AreNotInferredUnlessWanted) {
  Routes routes(RouteSettings{.patterns = {"/a"}, .infer = false});
  EXPECT_EQ(routes.find("shop", true, "/a", true).route, "/a");
  EXPECT_EQ(routes.find("shop", true, "/b", true).outcome, Outcome::Unknown);
}

TEST(RoutePattern, SaysWhatIsWrong) {
  for (const std::string_view good :
       {"/", "/a", "/a/", "/{a}", "/*", "/**", "/a/{b}/c/**", "/a%20b"}) {
    EXPECT_TRUE(RoutePattern::parse(good)) << good;
  }
  for (const std::string_view bad : {"", "a", "a/b", "/a?b", "/a#b", "/a b", "/a*", "/{a", "/{}",
                                     "/a{b}", "/{a}b", "/{a*}", "/**/a", "/a\n", "/\xc3\xa9"}) {
    EXPECT_FALSE(RoutePattern::parse(bad)) << bad;
  }
  EXPECT_FALSE(RoutePattern::parse("/" + std::string(kMaxPatternBytes, 'a')));
}

}  // namespace
}  // namespace clew
