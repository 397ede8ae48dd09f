// Life of connections: who they connect, when they begin and end.
#pragma once

#include "abi/connection.h"
#include "context.bpf.h"
#include "maps.bpf.h"
#include "processes.bpf.h"

#include <bpf/bpf_core_read.h>

static __always_inline bool is_followed_kind(const struct sock *sk) {
  unsigned short family = sk->__sk_common.skc_family;
  if (family != AF_INET && family != AF_INET6) return false;
  return sk->sk_type == SOCK_STREAM &&
         (sk->sk_protocol == IPPROTO_TCP || sk->sk_protocol == IPPROTO_MPTCP);
}

static __always_inline void map_ipv4(__u8 *to, __be32 address) {
  __u64 *half = (__u64 *)to;
  half[0] = 0;
  half[1] = 0;
  to[10] = 0xff;
  to[11] = 0xff;
  __builtin_memcpy(to + 12, &address, 4);
}

static __always_inline void read_endpoints(const struct sock *sk, struct endpoints *ends) {
  if (sk->__sk_common.skc_family == AF_INET) {
    map_ipv4(ends->local, sk->__sk_common.skc_rcv_saddr);
    map_ipv4(ends->remote, sk->__sk_common.skc_daddr);
  } else {
    bpf_core_read(ends->local, 16, &sk->__sk_common.skc_v6_rcv_saddr);
    bpf_core_read(ends->remote, 16, &sk->__sk_common.skc_v6_daddr);
  }
  ends->local_port = sk->__sk_common.skc_num;
  ends->remote_port = bpf_ntohs(sk->__sk_common.skc_dport);
  ends->network_namespace = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
}

// Sends the connection record before the first segment; tried again if the ring was full.
static __always_inline void announce(struct sock *sk, struct socket_state *state) {
  struct clew_connection record = {};
  struct endpoints ends = {};
  read_endpoints(sk, &ends);
  record.record.kind = CLEW_RECORD_CONNECTION;
  record.record.detail = state->role;
  record.record.flags = state->from_start ? CLEW_CONNECTION_FROM_START : 0;
  record.record.tgid = bpf_get_current_pid_tgid() >> 32;
  record.record.time_ns = bpf_ktime_get_ns();
  record.cookie = bpf_get_socket_cookie(sk);
  __builtin_memcpy(record.local, ends.local, 16);
  __builtin_memcpy(record.remote, ends.remote, 16);
  record.local_port = ends.local_port;
  record.remote_port = ends.remote_port;
  record.network_namespace = ends.network_namespace;
  record.family = sk->__sk_common.skc_family;
  record.protocol = sk->sk_protocol;
  struct task_struct *task = bpf_get_current_task_btf();
  bpf_probe_read_kernel(record.command, sizeof(record.command), task->group_leader->comm);
  if (bpf_ringbuf_output(&records, &record, sizeof(record), 0)) {
    count(CLEW_COUNTER_ring_full);
    return;
  }
  state->announced = 1;
}

static __always_inline void emit_closing(struct sock *sk, const struct socket_state *state,
                                         __u8 kind) {
  struct clew_closing record = {};
  record.record.kind = CLEW_RECORD_CLOSING;
  record.record.detail = kind;
  record.record.tgid = 0;
  record.record.time_ns = bpf_ktime_get_ns();
  record.cookie = bpf_get_socket_cookie(sk);
  record.sent = state->bytes[CLEW_SENT];
  record.received = state->bytes[CLEW_RECEIVED];
  record.error = sk->sk_err;
  if (bpf_ringbuf_output(&records, &record, sizeof(record), 0)) count(CLEW_COUNTER_ring_full);
}

static __always_inline void remember_own_peer(const struct sock *sk) {
  struct endpoints ends = {};
  struct endpoints reversed = {};
  read_endpoints(sk, &ends);
  __builtin_memcpy(reversed.local, ends.remote, 16);
  __builtin_memcpy(reversed.remote, ends.local, 16);
  reversed.local_port = ends.remote_port;
  reversed.remote_port = ends.local_port;
  // The peer may live in another network namespace; its addresses and ports name it well enough.
  __u8 yes = 1;
  bpf_map_update_elem(&own_peers, &reversed, &yes, BPF_ANY);
}

static __always_inline bool is_peer_own(const struct sock *sk) {
  struct endpoints ends = {};
  read_endpoints(sk, &ends);
  ends.network_namespace = 0;
  return bpf_map_lookup_elem(&own_peers, &ends) != NULL;
}

// connect(): the client's role is certain, and the context that opened the socket is remembered.
static __always_inline void on_connect(struct sock *sk) {
  __u32 tgid = bpf_get_current_pid_tgid() >> 32;
  const bool own = tgid == settings.own_tgid;
  if (!own && !is_selected(tgid)) return;
  struct socket_state *state = bpf_sk_storage_get(&sockets, sk, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
  if (!state) {
    count(CLEW_COUNTER_socket_state_full);
    return;
  }
  __builtin_memset(state, 0, sizeof(*state));
  state->role = CLEW_ROLE_CLIENT;
  state->from_start = 1;
  state->own = own;
  struct owner *current = current_owner(false);
  if (current) state->opener = *current;
}
