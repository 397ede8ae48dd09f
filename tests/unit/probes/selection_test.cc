#include "probes/selection.h"

#include <gtest/gtest.h>

namespace clew {
namespace {

using Kind = SelectRule::Kind;

SelectRule by_pid(uint32_t pid) {
  SelectRule rule;
  rule.kind = Kind::Pid;
  rule.pid = pid;
  return rule;
}

SelectRule by_pattern(Kind kind, std::string pattern) {
  SelectRule rule;
  rule.kind = kind;
  rule.pattern = std::move(pattern);
  return rule;
}

SelectRule by_ports(uint16_t first, uint16_t last, std::string name = {}) {
  SelectRule rule;
  rule.kind = Kind::Port;
  rule.port_first = first;
  rule.port_last = last;
  rule.service_name = std::move(name);
  return rule;
}

ProcessInfo nginx() {
  ProcessInfo process;
  process.pid = 42;
  process.executable = "/usr/sbin/nginx";
  process.container_id = "0123456789abcdef";
  return process;
}

bool selects(const SelectRule& rule, const ProcessInfo& process) {
  return Selection({rule}).match(process) != nullptr;
}

TEST(MatchesExecutable, APatternWithoutSlashIsAboutTheBaseName) {
  EXPECT_TRUE(matches_executable("nginx", "/usr/sbin/nginx"));
  EXPECT_TRUE(matches_executable("python3*", "/usr/bin/python3.11"));
  EXPECT_TRUE(matches_executable("n?inx", "/usr/sbin/nginx"));
  EXPECT_TRUE(matches_executable("[mn]ginx", "/usr/sbin/nginx"));
  EXPECT_TRUE(matches_executable("*", "/usr/sbin/nginx"));
  EXPECT_FALSE(matches_executable("ngin", "/usr/sbin/nginx"));
  EXPECT_FALSE(matches_executable("sbin", "/usr/sbin/nginx"));
  EXPECT_FALSE(matches_executable("NGINX", "/usr/sbin/nginx"));
}

TEST(MatchesExecutable, APatternWithSlashIsAboutTheWholePath) {
  EXPECT_TRUE(matches_executable("/usr/sbin/nginx", "/usr/sbin/nginx"));
  EXPECT_TRUE(matches_executable("/usr/*/nginx", "/usr/sbin/nginx"));
  EXPECT_TRUE(matches_executable("*/nginx", "/usr/sbin/nginx"));
  EXPECT_FALSE(matches_executable("sbin/nginx", "/usr/sbin/nginx"));
  EXPECT_FALSE(matches_executable("/usr/sbin", "/usr/sbin/nginx"));
}

TEST(MatchesExecutable, NoPathNoMatch) {
  EXPECT_FALSE(matches_executable("*", ""));
  EXPECT_FALSE(matches_executable("", "/usr/sbin/nginx"));
}

TEST(Selection, ByPid) {
  EXPECT_TRUE(selects(by_pid(42), nginx()));
  EXPECT_FALSE(selects(by_pid(43), nginx()));
}

TEST(Selection, ByExecutable) {
  EXPECT_TRUE(selects(by_pattern(Kind::Exe, "nginx"), nginx()));
  EXPECT_FALSE(selects(by_pattern(Kind::Exe, "apache"), nginx()));
}

TEST(Selection, ByContainer) {
  EXPECT_TRUE(selects(by_pattern(Kind::Container, "0123456789abcdef"), nginx()));
  EXPECT_TRUE(selects(by_pattern(Kind::Container, "0123"), nginx()));
  EXPECT_FALSE(selects(by_pattern(Kind::Container, "123"), nginx()));
  EXPECT_FALSE(selects(by_pattern(Kind::Container, ""), nginx()));
  auto outside = nginx();
  outside.container_id.clear();
  EXPECT_FALSE(selects(by_pattern(Kind::Container, "0123"), outside));
}

TEST(Selection, All) {
  EXPECT_TRUE(selects(SelectRule{}, nginx()));
  EXPECT_TRUE(selects(SelectRule{}, ProcessInfo{}));
}

TEST(Selection, PortsAreAboutWhoListens) {
  const Selection selection({by_ports(8080, 8090), by_ports(80, 80, "web")});
  EXPECT_EQ(selection.match(nginx()), nullptr);
  EXPECT_EQ(selection.match_port(8079), nullptr);
  EXPECT_NE(selection.match_port(8080), nullptr);
  EXPECT_NE(selection.match_port(8090), nullptr);
  EXPECT_EQ(selection.match_port(8091), nullptr);
  ASSERT_NE(selection.match_port(80), nullptr);
  EXPECT_EQ(selection.match_port(80)->service_name, "web");
  const auto ranges = selection.ports();
  ASSERT_EQ(ranges.size(), 2u);
  EXPECT_EQ(ranges[0].first, 8080);
  EXPECT_EQ(ranges[0].last, 8090);
}

TEST(Selection, NoRulesSelectNothing) {
  const Selection selection({});
  EXPECT_EQ(selection.match(nginx()), nullptr);
  EXPECT_EQ(selection.match_port(80), nullptr);
  EXPECT_FALSE(selection.selects_all());
  EXPECT_FALSE(selection.judges_executables());
  EXPECT_TRUE(selection.ports().empty());
}

TEST(Selection, TheFirstMatchCounts) {
  auto first = by_pattern(Kind::Exe, "nginx");
  first.service_name = "edge";
  auto second = by_pid(42);
  second.service_name = "other";
  const Selection selection({by_pid(1), first, second});
  ASSERT_NE(selection.match(nginx()), nullptr);
  EXPECT_EQ(selection.match(nginx())->service_name, "edge");
}

TEST(Selection, WhatTheKernelHasToReport) {
  EXPECT_TRUE(Selection({by_pid(1), SelectRule{}}).selects_all());
  EXPECT_FALSE(Selection({by_pid(1)}).selects_all());
  EXPECT_TRUE(Selection({by_pid(1), by_pattern(Kind::Exe, "x")}).judges_executables());
  EXPECT_TRUE(Selection({by_pattern(Kind::Container, "0")}).judges_executables());
  EXPECT_FALSE(Selection({by_pid(1), by_ports(80, 80)}).judges_executables());
}

}  // namespace
}  // namespace clew
