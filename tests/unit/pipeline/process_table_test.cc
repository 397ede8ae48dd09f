#include "agent/pipeline/process_table.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace clew {
namespace {

constexpr uint32_t kPid = 10'000'001, kChild = 10'000'002;
constexpr uint64_t kRemembered = 5'000'000'000;

class ProcessTableTest : public ::testing::Test {
 protected:
  void put(uint32_t pid, const std::string& executable, const std::string& rule_name = {}) {
    ProcessInfo process;
    process.pid = pid;
    process.executable = executable;
    table.put(process, rule_name);
  }
  ProcessTable table{{}};
};

TEST_F(ProcessTableTest, TheResourceIsMadeOnce) {
  put(kPid, "/usr/bin/shop");
  const auto resource = table.resource_of(kPid);
  EXPECT_EQ(resource->service_name, "shop");
  EXPECT_EQ(table.resource_of(kPid), resource);
}

TEST_F(ProcessTableTest, AnExecutedProgramReplacesIt) {
  put(kPid, "/bin/sh");
  const auto shell = table.resource_of(kPid);
  put(kPid, "/usr/bin/shop");
  EXPECT_EQ(table.resource_of(kPid)->service_name, "shop");
  EXPECT_EQ(shell->service_name, "sh") << "spans made before keep theirs";
}

TEST_F(ProcessTableTest, AChildIsACopyWithItsOwnPid) {
  put(kPid, "/usr/bin/shop", "by rule");
  const auto parent = table.resource_of(kPid);
  table.fork(kPid, kChild);
  ASSERT_NE(table.find(kChild), nullptr);
  EXPECT_EQ(table.find(kChild)->parent, kPid);
  EXPECT_EQ(table.rule_name_of(kChild), "by rule");
  const auto child = table.resource_of(kChild);
  EXPECT_EQ(child->service_name, "by rule");
  EXPECT_EQ(child->process_id, kChild);
  EXPECT_EQ(parent->process_id, kPid);
}

TEST_F(ProcessTableTest, AForkOfAnUnknownProcessIsNothing) {
  table.fork(kPid, kChild);
  EXPECT_EQ(table.find(kChild), nullptr);
  EXPECT_EQ(table.rule_name_of(kChild), "");
}

TEST_F(ProcessTableTest, AnExitedProcessIsRememberedForAWhile) {
  put(kPid, "/usr/bin/shop");
  table.exit(kPid, 1000);
  table.tick(1000 + kRemembered - 1);
  EXPECT_NE(table.find(kPid), nullptr);
  table.tick(1000 + kRemembered);
  EXPECT_EQ(table.find(kPid), nullptr);
}

TEST_F(ProcessTableTest, APidThatWasGivenAgainStays) {
  put(kPid, "/usr/bin/shop");
  table.exit(kPid, 1000);
  put(kPid, "/usr/bin/other");
  table.tick(1000 + kRemembered);
  ASSERT_NE(table.find(kPid), nullptr);
  EXPECT_EQ(table.find(kPid)->executable, "/usr/bin/other");
}

TEST_F(ProcessTableTest, WhoWasNotHeardOfIsReadFromProc) {
  const auto own = static_cast<uint32_t>(getpid());
  EXPECT_EQ(table.resource_of(own)->process_id, own);
  EXPECT_FALSE(table.find(own)->executable.empty());
}

TEST_F(ProcessTableTest, WhoIsGoneIsCalledByTheCommand) {
  EXPECT_EQ(table.resource_of(kPid, "worker")->service_name, "worker");
  EXPECT_EQ(table.resource_of(kChild)->service_name, "unknown_service");
}

}  // namespace
}  // namespace clew
