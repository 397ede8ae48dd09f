// What this kernel and these privileges offer, found by trying and never by version number.
#pragma once

#include <string>
#include <vector>

namespace clew {

/// One thing that was looked for.
struct Feature {
  enum class State {
    Yes,
    No,       ///< this kernel has not got it
    Refused,  ///< asking for it was not permitted: privileges, or kernel lockdown
    Unknown,  ///< it could not be tried
  };
  State state = State::Unknown;
  std::string detail;  ///< why not, or what was found

  bool available() const { return state == State::Yes; }
};

/// Plain data: tests write any kernel as a literal.
struct Features {
  std::string kernel;  ///< release, as uname says
  std::string architecture;
  Feature privileges;          ///< may load BPF programs
  Feature btf;                 ///< /sys/kernel/btf/vmlinux
  Feature socket_tracepoints;  ///< sock_send_length and sock_recv_length (6.3): a capture backend
  Feature socket_fexit;  ///< fexit of inet_sendmsg, inet_recvmsg and their inet6 twins: the other
  Feature unix_fexit;  ///< fexit of unix_stream_sendmsg and unix_stream_recvmsg: UNIX sockets there
  Feature sendpage;    ///< fexit of inet_sendpage (until 6.4): how sendfile passes there
  Feature socket_state;  ///< inet_sock_set_state
  Feature send_begin;    ///< tracepoint tcp_sendmsg_locked (6.15): exact start of a send
  Feature send_entry;    ///< fentry of the function tcp_sendmsg_locked: the same
  Feature ring_buffer;
  Feature socket_storage;
  Feature task_storage;
  Feature kprobes;
  Feature lockdown;        ///< Yes: the kernel is locked down
  Feature host_processes;  ///< this process is in the host's pid namespace
  Feature cgroup2;         ///< where the unified hierarchy is mounted
  Feature tracefs;
  Feature bpffs;
};

/// Tries each feature on the running kernel. Leaves nothing behind.
Features probe_features();

/// One line for each thing without which clew cannot run; empty if it can.
std::vector<std::string> missing_requirements(const Features& features);

}  // namespace clew
