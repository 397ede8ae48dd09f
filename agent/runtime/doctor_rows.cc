#include "agent/runtime/doctor_rows.h"

#include <fmt/format.h>

#include <algorithm>

#include "probes/plan.h"

namespace clew {
namespace {

using State = Feature::State;

// What a thing is called and what its lack costs, by the id that the survey gives it.
struct Words {
  std::string_view id, label, costs;
};

constexpr Words kCapabilities[] = {
    {"CAP_BPF", "CAP_BPF", "clew cannot load its programs into the kernel"},
    {"CAP_PERFMON", "CAP_PERFMON", "clew's programs may not look at sockets and processes"},
    {"CAP_SYS_ADMIN", "CAP_SYS_ADMIN", ""},
    {"CAP_SYS_PTRACE", "CAP_SYS_PTRACE",
     "processes of other users are not found by --exe and --port, and have no executable's name"},
    {"CAP_DAC_READ_SEARCH", "CAP_DAC_READ_SEARCH",
     "programs that only their owner may read have no build id and no runtime in their resource"},
    {"CAP_SYS_NICE", "CAP_SYS_NICE",
     "clew reads at normal priority, and on a machine without idle time more records may be lost"},
    {"CAP_NET_ADMIN", "CAP_NET_ADMIN",
     "nothing today, but trace context will not be put on the wire without it"},
    {"CAP_SYS_RESOURCE", "CAP_SYS_RESOURCE",
     "nothing, but for kernels before 5.11, where RLIMIT_MEMLOCK bounds the ring buffer"},
};

constexpr Words kSurroundings[] = {
    {"cgroup_namespace", "host's cgroup namespace",
     "containers of processes are not recognised, so no container.id and no --container"},
    {"jit", "BPF compiler", "the kernel interprets clew's programs, at several times their cost"},
};

// Those of the socket calls are told by the backends.
constexpr Words kHooks[] = {
    {"inet_sock_set_state", "inet_sock_set_state", "clew cannot see connections begin and end"},
    {"sched_process_fork", "sched_process_fork",
     "clew cannot follow selected processes to their children"},
    {"sched_process_exec", "sched_process_exec", "clew cannot see which programs are started"},
    {"sched_process_exit", "sched_process_exit", "clew cannot forget processes that ended"},
};

constexpr Words kHelpers[] = {
    {"bpf_ringbuf_output", "bpf_ringbuf_output", "clew cannot get records out of the kernel"},
    {"bpf_sk_storage_get", "bpf_sk_storage_get", "clew cannot count the bytes of a connection"},
    {"bpf_task_storage_get", "bpf_task_storage_get", "clew cannot know what a thread works for"},
    {"bpf_get_current_task_btf", "bpf_get_current_task_btf",
     "clew cannot know what a thread works for"},
    {"bpf_task_pt_regs", "bpf_task_pt_regs", "clew cannot find the bytes that a call moves"},
    {"bpf_probe_read_user", "bpf_probe_read_user", "clew cannot read the bytes that a call moves"},
    {"bpf_probe_read_kernel", "bpf_probe_read_kernel", "clew cannot read addresses and ports"},
    {"bpf_get_socket_cookie", "bpf_get_socket_cookie", "clew cannot tell sockets apart"},
    {"bpf_skc_to_tcp_sock", "bpf_skc_to_tcp_sock",
     "clew cannot join the two ends of a connection by sequence number"},
    {"bpf_get_prandom_u32", "bpf_get_prandom_u32", "clew cannot make trace ids"},
};

constexpr Words kLater[] = {
    {"uprobe", "uprobes", "TLS and Go runtimes will not be seen"},
    {"uprobe_multi", "uprobe_multi", "attaching to large programs will be slow"},
    {"sockops", "sockops", "trace context will not cross hosts"},
    {"tcp_header_options", "TCP header options", "trace context will not cross hosts under TLS"},
    {"sk_msg", "sk_msg", "trace context will not be put into requests to other hosts"},
    {"sockhash", "sockhash", "trace context will not be put into requests to other hosts"},
    {"iter_task_file", "iter/task_file", "connections older than clew will not carry context"},
};

bool lacks(const Feature& feature) {
  return feature.state == State::No || feature.state == State::Refused;
}

const Feature* find(const std::vector<Finding>& findings, std::string_view id) {
  const auto found = std::ranges::find(findings, id, &Finding::id);
  return found == findings.end() ? nullptr : &found->feature;
}

DoctorRow row(std::string_view id, std::string_view label, const Feature& feature, bool required,
              std::string_view costs) {
  return {id, label, feature, required, lacks(feature) ? std::string(costs) : std::string()};
}

template <size_t N>
std::vector<DoctorRow> rows_of(const Words (&words)[N], const std::vector<Finding>& findings,
                               bool required) {
  std::vector<DoctorRow> rows;
  for (const Words& one : words) {
    const Feature* feature = find(findings, one.id);
    if (feature) rows.push_back(row(one.id, one.label, *feature, required, one.costs));
  }
  return rows;
}

DoctorGroup kernel_group(const Features& features, const Survey& survey) {
  DoctorGroup group{"surroundings", "Kernel and surroundings", {}};
  auto& rows = group.rows;
  const Feature architecture{features.architecture == "x86_64" ? State::Yes : State::No,
                             features.architecture};
  rows = {
      row("architecture", "x86-64", architecture, true, "clew cannot run, it knows no other"),
      row("btf", "type information (BTF)", features.btf, true,
          "clew cannot run, it does not know where this kernel keeps what"),
      row("privileges", "loading of programs", features.privileges, true, "clew cannot run"),
      row("host_processes", "host's pid namespace", features.host_processes, true,
          "clew cannot run, it would take one process for another"),
  };
  DoctorRow lockdown{"lockdown", "kernel lockdown", features.lockdown, false, {}};
  if (features.lockdown.available()) {
    lockdown.costs = "fexit and fentry may be refused; socket tracepoints do not mind";
  }
  rows.push_back(std::move(lockdown));
  if (const Feature* container = find(survey.surroundings, "container")) {
    rows.push_back({"container", "clew is in a container", *container, false, {}});
  }
  std::ranges::copy(rows_of(kSurroundings, survey.surroundings, false), std::back_inserter(rows));
  rows.push_back(row("cgroup2", "cgroup v2 root", features.cgroup2, false,
                     "nothing, containers are told apart by cgroup v1 paths"));
  rows.push_back(row("tracefs", "tracefs", features.tracefs, false, "nothing, not used yet"));
  rows.push_back(row("bpffs", "bpffs", features.bpffs, false, "nothing, not used yet"));
  return group;
}

DoctorGroup capability_group(const Survey& survey) {
  DoctorGroup group{"capabilities", "Capabilities",
                    rows_of(kCapabilities, survey.capabilities, false)};
  const Feature* admin = find(survey.capabilities, "CAP_SYS_ADMIN");
  for (DoctorRow& one : group.rows) {
    const bool is_covered = one.id == "CAP_BPF" || one.id == "CAP_PERFMON";
    if (is_covered && lacks(one.feature) && admin && admin->available()) {
      one.costs = "nothing, CAP_SYS_ADMIN stands for it";
    }
    if (one.id == "CAP_SYS_ADMIN" && lacks(one.feature)) {
      one.costs = "nothing, where CAP_BPF and CAP_PERFMON are there";
    }
  }
  return group;
}

// A backend that is not needed costs nothing by its lack.
DoctorGroup capture_group(const Features& features, const Survey& survey) {
  const Plan chosen = plan(features);
  const bool has_capture = chosen.capture != CaptureBackend::None;
  const bool by_fexit = chosen.capture == CaptureBackend::Fexit;
  const bool has_begin = chosen.send_begin != SendBegin::None;
  const std::string_view none = "clew cannot run, it has no way to see what sockets move";
  const std::string_view late = "requests are timed from the end of their send";
  DoctorGroup group{"features", "Hooks", {}};
  group.rows = {
      row("socket_tracepoints", "sock_send_length, sock_recv_length", features.socket_tracepoints,
          false, has_capture ? "capture goes by fexit, which sees a sendfile page by page" : none),
      row("socket_fexit", "fexit on inet_sendmsg, inet_recvmsg", features.socket_fexit, false,
          has_capture ? "nothing, the socket tracepoints are used" : none),
      row("sendpage", "fexit on inet_sendpage", features.sendpage, false,
          !by_fexit                              ? "nothing, not needed here"
          : features.sendpage.state == State::No ? "nothing, this kernel sends files otherwise"
                                                 : "bytes that sendfile sends are lost"),
      row("unix_fexit", "fexit on unix_stream_sendmsg ...", features.unix_fexit, false,
          by_fexit ? "calls over UNIX sockets are not seen" : "nothing, not needed here"),
      row("send_begin", "tcp_sendmsg_locked", features.send_begin, false,
          has_begin ? "nothing, fentry on the function does the same" : late),
      row("send_entry", "fentry on tcp_sendmsg_locked", features.send_entry, false,
          has_begin ? "nothing, the tracepoint does the same" : late),
      row("ring_buffer", "ring buffer", features.ring_buffer, true,
          "clew cannot run, no records come out of the kernel"),
      row("socket_storage", "storage in sockets", features.socket_storage, true,
          "clew cannot run, it cannot count the bytes of a connection"),
      row("task_storage", "storage in tasks", features.task_storage, true,
          "clew cannot run, it cannot know what a thread works for"),
  };
  if (const Feature* loop = find(survey.helpers, "bpf_loop")) {
    group.rows.push_back(row("bpf_loop", "bpf_loop", *loop, false,
                             "of what is sent from more than 32 buffers the end is not seen"));
  }
  std::ranges::copy(rows_of(kHooks, survey.hooks, true), std::back_inserter(group.rows));
  // A tracepoint that is there can still be refused at attach.
  for (DoctorRow& one : group.rows) {
    for (const std::string_view hook :
         {"sock_send_length", "sock_recv_length", "tcp_sendmsg_locked"}) {
      const bool is_its =
          hook == "tcp_sendmsg_locked" ? one.id == "send_begin" : one.id == "socket_tracepoints";
      const Feature* attached = find(survey.hooks, hook);
      if (is_its && one.feature.available() && attached && attached->state == State::Refused) {
        one.feature = {State::Refused, fmt::format("attaching to {}: {}", hook, attached->detail)};
        one.costs = "clew cannot use it";
        one.required = one.id == "socket_tracepoints";
      }
    }
  }
  return group;
}

}  // namespace

std::vector<DoctorGroup> doctor_groups(const Features& features, const Survey& survey) {
  std::vector<DoctorGroup> groups;
  groups.push_back(kernel_group(features, survey));
  groups.push_back(capability_group(survey));
  groups.push_back(capture_group(features, survey));
  groups.push_back(
      {"helpers", "Helpers, in tracing programs", rows_of(kHelpers, survey.helpers, true)});
  groups.push_back(
      {"later", "For later versions: not used yet", rows_of(kLater, survey.later, false)});
  groups.back().rows.push_back(row("kprobes", "kprobes", features.kprobes, false,
                                   "nothing, where tracepoints or fexit are there"));
  return groups;
}

std::vector<std::string> doctor_missing(const Features& features,
                                        const std::vector<DoctorGroup>& groups) {
  auto missing = missing_requirements(features);
  if (!features.privileges.available()) return missing;
  for (const DoctorGroup& group : groups) {
    if (group.id != "features" && group.id != "helpers") continue;
    for (const DoctorRow& one : group.rows) {
      const bool is_told = std::ranges::any_of(missing, [&](const std::string& line) {
        return line.find(one.feature.detail) != line.npos && line.find(one.label) != line.npos;
      });
      if (one.required && lacks(one.feature) && !is_told) {
        missing.push_back(fmt::format("{}: {}", one.label, one.feature.detail));
      }
    }
  }
  return missing;
}

}  // namespace clew
