// What this kernel and these privileges offer, found by trying and never by version number.
#pragma once

#include <string>
#include <vector>

namespace clew {

/// One thing that was looked for.
struct Feature {
  enum class State { Yes, No, Unknown };
  State state = State::Unknown;
  std::string detail;  ///< why not, or what was found

  bool available() const { return state == State::Yes; }
};

/// Plain data: tests write any kernel as a literal.
struct Features {
  std::string kernel;          ///< release, as uname says
  std::string architecture;
  Feature privileges;          ///< may load BPF programs
  Feature btf;                 ///< /sys/kernel/btf/vmlinux
  Feature socket_tracepoints;  ///< sock_send_length and sock_recv_length (6.3): the capture backend
  Feature socket_state;        ///< inet_sock_set_state
  Feature send_begin;          ///< tcp_sendmsg_locked (6.15): exact start of a send
  Feature ring_buffer;
  Feature socket_storage;
  Feature task_storage;
  Feature kprobes;
  Feature trampolines;         ///< fentry, fexit
  Feature lockdown;            ///< Yes: the kernel is locked down
  Feature host_processes;      ///< this process is in the host's pid namespace
  Feature cgroup2;             ///< where the unified hierarchy is mounted
  Feature tracefs;
  Feature bpffs;
};

/// Tries each feature on the running kernel. Leaves nothing behind.
Features probe_features();

/// One line for each thing without which clew cannot run; empty if it can.
std::vector<std::string> missing_requirements(const Features& features);

}  // namespace clew
