#include "probes/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace clew {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const Feature kYes{Feature::State::Yes, {}};
const Feature kNo{Feature::State::No, "not here"};
const Feature kUnknown{Feature::State::Unknown, "who knows"};

// What all kernels below have in common.
Features any_kernel() {
  Features features;
  features.architecture = "x86_64";
  features.privileges = kYes;
  features.host_processes = kYes;
  features.btf = kYes;
  features.ring_buffer = kYes;
  features.socket_state = kYes;
  features.socket_storage = kYes;
  features.task_storage = kYes;
  features.socket_tracepoints = kNo;
  features.socket_fexit = kNo;
  features.sendpage = kNo;
  features.send_begin = kNo;
  features.send_entry = kNo;
  return features;
}

// Debian 12's own kernel.
Features kernel_6_1() {
  auto features = any_kernel();
  features.socket_fexit = kYes;
  features.sendpage = kYes;
  features.send_entry = kYes;
  return features;
}

// Debian 13's, and the backport for Debian 12.
Features kernel_6_12() {
  auto features = any_kernel();
  features.socket_tracepoints = kYes;
  features.socket_fexit = kYes;
  features.send_entry = kYes;
  return features;
}

// Locked down: no trampolines.
Features kernel_6_18_locked_down() {
  auto features = any_kernel();
  features.socket_tracepoints = kYes;
  features.send_begin = kYes;
  return features;
}

TEST(Plan, KernelWithoutTracepointsIsCapturedByFexit) {
  const Plan chosen = plan(kernel_6_1());
  EXPECT_EQ(chosen.capture, CaptureBackend::Fexit);
  EXPECT_EQ(chosen.send_begin, SendBegin::Fentry);
  EXPECT_TRUE(chosen.sendpage);
  EXPECT_THAT(missing_requirements(kernel_6_1()), IsEmpty());
}

TEST(Plan, TracepointsGoBeforeFexit) {
  const Plan chosen = plan(kernel_6_12());
  EXPECT_EQ(chosen.capture, CaptureBackend::SocketTracepoints);
  EXPECT_EQ(chosen.send_begin, SendBegin::Fentry);
  EXPECT_FALSE(chosen.sendpage);
  EXPECT_THAT(missing_requirements(kernel_6_12()), IsEmpty());
}

TEST(Plan, TracepointsNeedNoTrampolines) {
  const Plan chosen = plan(kernel_6_18_locked_down());
  EXPECT_EQ(chosen.capture, CaptureBackend::SocketTracepoints);
  EXPECT_EQ(chosen.send_begin, SendBegin::Tracepoint);
  EXPECT_THAT(missing_requirements(kernel_6_18_locked_down()), IsEmpty());
}

// A kernel between 6.3 and 6.4 has all three: a page would be seen twice.
TEST(Plan, SendpageIsHookedOnlyWithFexit) {
  auto features = kernel_6_12();
  features.sendpage = kYes;
  EXPECT_FALSE(plan(features).sendpage);
}

TEST(Plan, SendpageMayBeMissing) {
  auto features = kernel_6_1();
  features.sendpage = kNo;
  const Plan chosen = plan(features);
  EXPECT_EQ(chosen.capture, CaptureBackend::Fexit);
  EXPECT_FALSE(chosen.sendpage);
}

TEST(Plan, TracepointOfSendBeginGoesBeforeFentry) {
  auto features = kernel_6_18_locked_down();
  features.send_entry = kYes;
  EXPECT_EQ(plan(features).send_begin, SendBegin::Tracepoint);
}

TEST(Plan, NeitherBackendIsNamedAsMissing) {
  auto features = kernel_6_1();
  features.socket_fexit = {Feature::State::No, "inet_sendmsg: attaching: Operation not permitted"};
  EXPECT_EQ(plan(features).capture, CaptureBackend::None);
  EXPECT_THAT(missing_requirements(features),
              ElementsAre(AllOf(HasSubstr("socket tracepoints"), HasSubstr("not here"),
                                HasSubstr("fexit"), HasSubstr("Operation not permitted"))));
}

// Without type information nothing is known of hooks: one line says so, not two.
TEST(Plan, UnknownHooksAreNeitherUsedNorBlamed) {
  auto features = any_kernel();
  features.btf = kNo;
  features.socket_tracepoints = kUnknown;
  features.socket_fexit = kUnknown;
  EXPECT_EQ(plan(features).capture, CaptureBackend::None);
  EXPECT_THAT(missing_requirements(features), ElementsAre(HasSubstr("kernel type information")));
}

TEST(Plan, BackendsHaveNamesForProgramsAndPeople) {
  EXPECT_EQ(name(CaptureBackend::SocketTracepoints), "socket_tracepoints");
  EXPECT_EQ(name(CaptureBackend::Fexit), "fexit");
  EXPECT_EQ(name(CaptureBackend::None), "");
  EXPECT_EQ(label(CaptureBackend::SocketTracepoints), "socket tracepoints");
  EXPECT_EQ(label(CaptureBackend::Fexit), "fexit on inet_sendmsg/inet_recvmsg");
}

TEST(Plan, UnixSocketsComeWithTheTracepointsOrByAFexitOfTheirOwn) {
  Features features;
  EXPECT_FALSE(plan(features).unix_sockets);
  features.socket_tracepoints = kYes;
  EXPECT_TRUE(plan(features).unix_sockets);
  features.socket_tracepoints = kNo;
  features.socket_fexit = kYes;
  EXPECT_FALSE(plan(features).unix_sockets);
  features.unix_fexit = kYes;
  EXPECT_TRUE(plan(features).unix_sockets);
}

}  // namespace
}  // namespace clew
