// What becomes of an executable's own account in the resource of a process.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>

#include "agent/metadata/resource.h"
#include "agent/pipeline/process_table.h"
#include "symbolizer/executable.h"

namespace clew {
namespace {

std::string text_of(const Resource& resource, std::string_view key) {
  const auto found = std::ranges::find(resource.attributes, key, &Resource::Entry::key);
  return found == resource.attributes.end() ? "absent" : found->text;
}

ProcessInfo process_of(const std::string& executable) {
  ProcessInfo process;
  process.pid = 7;
  process.executable = executable;
  process.arguments = {executable, "serve"};
  return process;
}

TEST(ProcessResource, AGoProgramNamesItsRuntime) {
  const ExecutableInfo go{"c0ffee", "go1.26.8", "example.test/shop/cart"};
  const auto resource = make_resource(process_of("/srv/cart-server"), {}, {}, &go);
  EXPECT_EQ(text_of(*resource, "process.executable.build_id.gnu"), "c0ffee");
  EXPECT_EQ(text_of(*resource, "process.runtime.name"), "go");
  EXPECT_EQ(text_of(*resource, "process.runtime.version"), "go1.26.8");
  EXPECT_EQ(resource->service_name, "cart-server");
}

TEST(ProcessResource, AGoProgramNamedLikeARuntimeIsAGoProgram) {
  const ExecutableInfo go{"", "go1.26.8", ""};
  const auto resource = make_resource(process_of("/srv/phpfpm_exporter"), {}, {}, &go);
  EXPECT_EQ(text_of(*resource, "process.runtime.name"), "go");
  EXPECT_EQ(text_of(*resource, "process.executable.build_id.gnu"), "absent");
}

TEST(ProcessResource, OtherProgramsKeepTheirRuntime) {
  const ExecutableInfo python{"c0ffee", "", ""};
  const auto resource = make_resource(process_of("/usr/bin/python3.11"), {}, {}, &python);
  EXPECT_EQ(text_of(*resource, "process.executable.build_id.gnu"), "c0ffee");
  EXPECT_EQ(text_of(*resource, "process.runtime.name"), "cpython");
  EXPECT_EQ(text_of(*resource, "process.runtime.version"), "absent");
  const auto unread = make_resource(process_of("/usr/bin/python3.11"), {}, {});
  EXPECT_EQ(text_of(*unread, "process.executable.build_id.gnu"), "absent");
  EXPECT_EQ(text_of(*unread, "process.runtime.name"), "cpython");
}

TEST(ProcessResource, TheTableReadsExecutablesOfLivingProcesses) {
  const auto own = read_executable("/proc/self/exe");
  ASSERT_TRUE(own);
  const auto pid = static_cast<uint32_t>(getpid());
  ProcessTable table({});
  EXPECT_EQ(text_of(*table.resource_of(pid), "process.executable.build_id.gnu"), own->build_id);
  // A child runs the same until it is heard to run another.
  const uint32_t child = 1u << 30;
  table.fork(pid, child);
  EXPECT_EQ(text_of(*table.resource_of(child), "process.executable.build_id.gnu"), own->build_id);

  ProcessInfo other = process_of("/srv/another");
  other.pid = pid;
  table.put(other, {});
  EXPECT_EQ(text_of(*table.resource_of(pid), "process.executable.build_id.gnu"), "absent");
}

}  // namespace
}  // namespace clew
