// What `clew doctor` says of machines, each of them a literal.
#include "agent/runtime/doctor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "agent/runtime/doctor_rows.h"

namespace clew {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using State = Feature::State;

const Feature kYes{State::Yes, {}};
const Feature kNo{State::No, "this kernel has none"};
const Feature kRefused{State::Refused, "Operation not permitted"};

struct Machine {
  Features features;
  Survey survey;

  Feature& hook(std::string_view id) { return feature(survey.hooks, id); }
  Feature& helper(std::string_view id) { return feature(survey.helpers, id); }
  Feature& capability(std::string_view id) { return feature(survey.capabilities, id); }

  std::string table(int code) const { return report(false, code); }
  nlohmann::json json(int code) const { return nlohmann::json::parse(report(true, code)); }
  std::string costs(std::string_view id) const {
    for (const DoctorGroup& group : doctor_groups(features, survey)) {
      for (const DoctorRow& row : group.rows) {
        if (row.id == id) return row.costs;
      }
    }
    ADD_FAILURE() << "no row " << id;
    return {};
  }

 private:
  static Feature& feature(std::vector<Finding>& findings, std::string_view id) {
    for (Finding& finding : findings) {
      if (finding.id == id) return finding.feature;
    }
    return findings.emplace_back(id, kYes).feature;
  }
  std::string report(bool json, int code) const {
    std::ostringstream out;
    EXPECT_EQ(report_doctor(features, survey, json, out), code) << out.str();
    return out.str();
  }
};

// Linux 6.18: everything that clew knows of.
Machine good_machine() {
  Machine machine;
  Features& features = machine.features;
  features.kernel = "6.18.0";
  features.architecture = "x86_64";
  for (auto member :
       {&Features::privileges, &Features::btf, &Features::socket_tracepoints,
        &Features::socket_fexit, &Features::unix_fexit, &Features::socket_state,
        &Features::send_begin, &Features::send_entry, &Features::ring_buffer,
        &Features::socket_storage, &Features::task_storage, &Features::kprobes,
        &Features::host_processes, &Features::cgroup2, &Features::tracefs, &Features::bpffs}) {
    features.*member = kYes;
  }
  features.sendpage = features.lockdown = kNo;
  machine.survey.capabilities = capabilities_of("000001ffffffffff");
  machine.survey.surroundings = {
      {"container", {State::No, {}}}, {"cgroup_namespace", kYes}, {"jit", kYes}};
  for (const char* id :
       {"sock_send_length", "sock_recv_length", "tcp_sendmsg_locked", "inet_sock_set_state",
        "sched_process_fork", "sched_process_exec", "sched_process_exit"}) {
    machine.survey.hooks.push_back({id, kYes});
  }
  for (const char* id : {"bpf_ringbuf_output", "bpf_task_pt_regs", "bpf_get_socket_cookie"}) {
    machine.survey.helpers.push_back({id, kYes});
  }
  machine.survey.later = {{"uprobe", kYes}, {"sk_msg", kYes}};
  return machine;
}

// Debian 12's own kernel: no tracepoints, fexit.
Machine machine_6_1() {
  Machine machine = good_machine();
  machine.features.kernel = "6.1.0";
  machine.features.socket_tracepoints = machine.features.send_begin = kNo;
  machine.features.sendpage = kYes;
  for (const char* id : {"sock_send_length", "sock_recv_length", "tcp_sendmsg_locked"}) {
    machine.hook(id) = kNo;
  }
  return machine;
}

// Root's programs are refused, too.
Machine machine_without_privileges() {
  Machine machine = good_machine();
  machine.features.privileges = {State::Refused, "loading BPF programs is not permitted: CAP_BPF"};
  machine.features.ring_buffer = kRefused;
  for (auto* findings : {&machine.survey.hooks, &machine.survey.helpers, &machine.survey.later}) {
    for (Finding& finding : *findings) finding.feature = kRefused;
  }
  machine.survey.capabilities = capabilities_of("0000000000000000");
  return machine;
}

TEST(Doctor, AGoodMachineHasNothingMissing) {
  const std::string table = good_machine().table(0);
  EXPECT_THAT(table, HasSubstr("clew can run here."));
  EXPECT_THAT(table, HasSubstr("capture backend                      socket tracepoints\n"));
  EXPECT_THAT(table, Not(HasSubstr("missing:")));
  EXPECT_EQ(good_machine().costs("socket_tracepoints"), "");
}

TEST(Doctor, WhatIsNotNeededCostsNothing) {
  Machine machine = good_machine();
  machine.features.socket_fexit = machine.features.send_entry = kRefused;
  machine.table(0);
  EXPECT_EQ(machine.costs("socket_fexit"), "nothing, the socket tracepoints are used");
  EXPECT_EQ(machine.costs("sendpage"), "nothing, not needed here");
  EXPECT_EQ(machine.costs("send_entry"), "nothing, the tracepoint does the same");
}

TEST(Doctor, AnOlderKernelIsCapturedByFexit) {
  Machine machine = machine_6_1();
  EXPECT_THAT(machine.table(0), HasSubstr("fexit on inet_sendmsg/inet_recvmsg\n"));
  EXPECT_EQ(machine.costs("socket_tracepoints"),
            "capture goes by fexit, which sees a sendfile page by page");
  EXPECT_EQ(machine.costs("send_begin"), "nothing, fentry on the function does the same");
  machine.features.sendpage = kRefused;
  EXPECT_EQ(machine.costs("sendpage"), "bytes that sendfile sends are lost");
  machine.features.unix_fexit = kNo;
  EXPECT_EQ(machine.costs("unix_fexit"), "calls over UNIX sockets are not seen");
  machine.features.send_entry = kRefused;
  EXPECT_EQ(machine.costs("send_entry"), "requests are timed from the end of their send");
}

TEST(Doctor, NoBackendIsTheEnd) {
  Machine machine = machine_6_1();
  machine.features.socket_fexit = {State::Refused, "attaching fexit: Operation not permitted"};
  const std::string table = machine.table(3);
  EXPECT_THAT(table, HasSubstr("clew cannot run here."));
  EXPECT_THAT(machine.costs("socket_fexit"), HasSubstr("no way to see"));
  const auto json = machine.json(3);
  EXPECT_TRUE(json["capture_backend"].is_null());
  EXPECT_FALSE(json["can_run"]);
  ASSERT_EQ(json["missing"].size(), 1u);
}

TEST(Doctor, RefusedIsNotMissing) {
  const auto json = machine_without_privileges().json(3);
  EXPECT_EQ(json["features"]["ring_buffer"]["state"], "refused");
  EXPECT_EQ(json["surroundings"]["privileges"]["state"], "refused");
  EXPECT_EQ(json["surroundings"]["lockdown"]["state"], "no");
  EXPECT_EQ(json["missing"].size(), 1u) << "nothing else can be told apart";
}

TEST(Doctor, EachHookAndHelperThatIsUsedIsRequired) {
  for (const Feature& lack : {kNo, kRefused}) {
    Machine hookless = good_machine();
    hookless.hook("sched_process_fork") = lack;
    EXPECT_THAT(hookless.json(3)["missing"], ElementsAre("sched_process_fork: " + lack.detail));
    Machine helpless = good_machine();
    helpless.helper("bpf_task_pt_regs") = lack;
    EXPECT_THAT(helpless.json(3)["missing"], ElementsAre("bpf_task_pt_regs: " + lack.detail));
    EXPECT_EQ(helpless.costs("bpf_task_pt_regs"), "clew cannot find the bytes that a call moves");
  }
}

TEST(Doctor, WhatCannotBeTriedIsNotBlamed) {
  Machine machine = good_machine();
  for (Finding& finding : machine.survey.helpers) finding.feature = {State::Unknown, "who knows"};
  EXPECT_THAT(machine.json(0)["missing"], IsEmpty());
}

TEST(Doctor, WhatIsForLaterIsNotMissed) {
  Machine machine = good_machine();
  for (Finding& finding : machine.survey.later) finding.feature = kNo;
  EXPECT_THAT(machine.json(0)["missing"], IsEmpty());
  EXPECT_EQ(machine.costs("uprobe"), "TLS and Go runtimes will not be seen");
}

TEST(Doctor, ATracepointThatIsRefusedIsNoBackend) {
  Machine machine = good_machine();
  machine.hook("sock_recv_length") = kRefused;
  EXPECT_THAT(machine.table(3), HasSubstr("attaching to sock_recv_length"));
}

TEST(Doctor, CapabilitiesStandForEachOther) {
  Machine machine = good_machine();
  machine.capability("CAP_BPF") = machine.capability("CAP_PERFMON") = {State::No, {}};
  EXPECT_EQ(machine.costs("CAP_BPF"), "nothing, CAP_SYS_ADMIN stands for it");
  machine.capability("CAP_SYS_ADMIN") = {State::No, {}};
  EXPECT_EQ(machine.costs("CAP_BPF"), "clew cannot load its programs into the kernel");
  machine.capability("CAP_BPF") = machine.capability("CAP_PERFMON") = kYes;
  EXPECT_EQ(machine.costs("CAP_SYS_ADMIN"), "nothing, where CAP_BPF and CAP_PERFMON are there");
}

TEST(Doctor, EveryLackHasItsCostOrIsAState) {
  Machine machine = machine_without_privileges();
  for (const DoctorGroup& group : doctor_groups(machine.features, machine.survey)) {
    for (const DoctorRow& row : group.rows) {
      const bool lacks = row.feature.state == State::No || row.feature.state == State::Refused;
      const bool is_state = row.id == "lockdown" || row.id == "container";
      EXPECT_EQ(!row.costs.empty(), lacks && !is_state) << row.id;
    }
  }
}

TEST(Doctor, TablesFitTheScreen) {
  for (const auto& [machine, code] : {std::pair(good_machine(), 0), std::pair(machine_6_1(), 0),
                                      std::pair(machine_without_privileges(), 3)}) {
    std::istringstream lines(machine.table(code));
    for (std::string line; std::getline(lines, line);) {
      EXPECT_LE(line.size(), 100u) << line;
      EXPECT_FALSE(line.ends_with(' ')) << line;
    }
  }
}

TEST(Doctor, JsonHasTheDocumentedKeys) {
  const auto json = good_machine().json(0);
  for (const char* key :
       {"kernel", "architecture", "surroundings", "capabilities", "features", "helpers", "later",
        "capture_backend", "send_begin", "missing", "can_run"}) {
    EXPECT_TRUE(json.contains(key)) << key;
  }
  for (const char* key : {"state", "detail", "required", "costs"}) {
    EXPECT_TRUE(json["features"]["ring_buffer"].contains(key)) << key;
  }
  EXPECT_EQ(json["send_begin"], "tracepoint");
  EXPECT_EQ(json["capture_backend"], "socket_tracepoints");
}

TEST(Capabilities, AreReadFromTheMask) {
  const auto found = capabilities_of("0000000000001000");
  for (const Finding& finding : found) {
    EXPECT_EQ(finding.feature.available(), finding.id == "CAP_NET_ADMIN") << finding.id;
  }
  for (const std::string_view text : {"", "xyz", "12 ", "fffffffffffffffff"}) {
    EXPECT_EQ(capabilities_of(text).front().feature.state, State::Unknown) << text;
  }
}

// Whatever the privileges of the test: every row has an answer.
TEST(Survey, TellsOfThisMachine) {
  const Survey survey = survey_machine();
  EXPECT_EQ(survey.hooks.size(), 7u);
  EXPECT_FALSE(survey.helpers.empty());
  EXPECT_FALSE(survey.later.empty());
  for (const auto* findings : {&survey.hooks, &survey.helpers, &survey.later}) {
    for (const Finding& finding : *findings) {
      const bool is_lack = !finding.feature.available();
      EXPECT_EQ(!finding.feature.detail.empty(), is_lack) << finding.id;
    }
  }
}

}  // namespace
}  // namespace clew
