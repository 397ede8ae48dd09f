// Which kernels and privileges will do: each kernel is a literal.
#include "probes/features.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace clew {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using State = Feature::State;

Features good_kernel() {
  const Feature yes{State::Yes, {}};
  Features features;
  features.kernel = "6.18.0";
  features.architecture = "x86_64";
  features.privileges = features.btf = features.socket_tracepoints = features.socket_state = yes;
  features.ring_buffer = features.socket_storage = features.task_storage = yes;
  features.host_processes = yes;
  return features;
}

struct Requirement {
  Feature Features::* feature;
  const char* words;
};

class RequirementTest : public ::testing::TestWithParam<Requirement> {};

TEST_P(RequirementTest, EachOneMissingGivesALineOfItsOwn) {
  Features features = good_kernel();
  features.*GetParam().feature = {State::No, "the reason"};
  EXPECT_THAT(missing_requirements(features),
              ElementsAre(::testing::AllOf(HasSubstr(GetParam().words), HasSubstr("the reason"))));
}

INSTANTIATE_TEST_SUITE_P(
    Features, RequirementTest,
    ::testing::Values(Requirement{&Features::btf, "CONFIG_DEBUG_INFO_BTF"},
                      Requirement{&Features::ring_buffer, "ring buffer"},
                      Requirement{&Features::socket_tracepoints, "socket tracepoints"},
                      Requirement{&Features::socket_state, "inet_sock_set_state"},
                      Requirement{&Features::socket_storage, "storage in sockets"},
                      Requirement{&Features::task_storage, "storage in tasks"},
                      Requirement{&Features::host_processes, "pid namespace"}));

TEST(Requirements, AGoodKernelMissesNothing) {
  EXPECT_THAT(missing_requirements(good_kernel()), IsEmpty());
}

TEST(Requirements, SeveralGiveALineEach) {
  Features features = good_kernel();
  features.ring_buffer = features.socket_state = features.task_storage = {State::No, "not here"};
  EXPECT_EQ(missing_requirements(features).size(), 3u);
}

TEST(Requirements, AnotherArchitectureIsNamed) {
  Features features = good_kernel();
  features.architecture = "riscv64";
  EXPECT_THAT(missing_requirements(features), ElementsAre(HasSubstr("riscv64")));
}

TEST(Requirements, WithoutPrivilegesNothingElseIsSaid) {
  Features features;
  features.architecture = "x86_64";
  features.privileges = {State::No, "run as root"};
  features.ring_buffer = {State::No, "Operation not permitted"};
  EXPECT_THAT(missing_requirements(features), ElementsAre("run as root"));
}

TEST(Requirements, WhatIsNotKnownIsTried) {
  Features features = good_kernel();
  features.ring_buffer = {State::Unknown, "Operation not permitted"};
  EXPECT_THAT(missing_requirements(features), IsEmpty());
}

TEST(Requirements, WhatIsOptionalIsNotRequired) {
  Features features = good_kernel();
  const Feature no{State::No, "not here"};
  features.send_begin = features.kprobes = features.cgroup2 = features.tracefs = features.bpffs =
      no;
  EXPECT_THAT(missing_requirements(features), IsEmpty());
}

// Whatever the privileges of the test: it must not fail, and must say something.
TEST(ProbeFeatures, TellsOfThisKernel) {
  const Features features = probe_features();
  EXPECT_FALSE(features.kernel.empty());
  EXPECT_FALSE(features.architecture.empty());
  EXPECT_NE(features.privileges.state, State::Unknown);
  if (!features.privileges.available()) {
    EXPECT_THAT(missing_requirements(features), ElementsAre(HasSubstr("CAP_BPF")));
  }
}

}  // namespace
}  // namespace clew
