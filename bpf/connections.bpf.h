// Life of connections: who they connect, when they begin and end.
#pragma once

#include "abi/connection.h"
#include "context.bpf.h"
#include "maps.bpf.h"
#include "processes.bpf.h"

#include <bpf/bpf_core_read.h>

static __always_inline bool is_internet(const struct sock *sk) {
  unsigned short family = sk->__sk_common.skc_family;
  return family == AF_INET || family == AF_INET6;
}

static __always_inline bool is_followed_kind(const struct sock *sk) {
  if (sk->sk_type != SOCK_STREAM) return false;
  if (sk->__sk_common.skc_family == AF_UNIX) return settings.unix_sockets;
  return is_internet(sk) && (sk->sk_protocol == IPPROTO_TCP || sk->sk_protocol == IPPROTO_MPTCP);
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

// Copies the name that this socket or its peer is bound to: servers' sockets are, clients' seldom.
static __always_inline __u32 read_unix_name(const struct unix_address *address, __u8 *name) {
  if (!address) return 0;
  __u32 length = BPF_CORE_READ(address, len) - (int)sizeof(unsigned short);
  barrier_var(
      length);  // or the bound is tested on a copy, which the verifier of 6.1 does not follow
  if (length == 0 || length > CLEW_UNIX_NAME_BYTES) return 0;
  const void *path =
      (const __u8 *)address + bpf_core_field_offset(address->name) + sizeof(unsigned short);
  return bpf_probe_read_kernel(name, length, path) ? 0 : length;
}

static __always_inline void fill_unix(struct sock *sk, struct connection_record *record) {
  struct clew_connection *connection = &record->connection;
  __builtin_memcpy(connection->local, &connection->cookie, sizeof(connection->cookie));
  struct unix_sock *unix_socket = bpf_skc_to_unix_sock(sk);
  if (!unix_socket) return;
  connection->name_length = read_unix_name(unix_socket->addr, record->name);
  struct sock *peer = unix_socket->peer;
  if (!peer) return;
  const __u64 cookie = bpf_get_socket_cookie(peer);
  __builtin_memcpy(connection->remote, &cookie, sizeof(cookie));
  struct unix_sock *other = bpf_skc_to_unix_sock(peer);
  if (other && !connection->name_length) {
    connection->name_length = read_unix_name(other->addr, record->name);
  }
}

static __always_inline void fill_internet(struct sock *sk, struct clew_connection *connection) {
  struct endpoints ends = {};
  read_endpoints(sk, &ends);
  __builtin_memcpy(connection->local, ends.local, 16);
  __builtin_memcpy(connection->remote, ends.remote, 16);
  connection->local_port = ends.local_port;
  connection->remote_port = ends.remote_port;
  connection->network_namespace = ends.network_namespace;
}

// Sends the connection record before the first segment; tried again if the ring was full.
static __always_inline void announce(struct sock *sk, struct socket_state *state,
                                     struct connection_record *record) {
  struct clew_connection *connection = &record->connection;
  __builtin_memset(connection, 0, sizeof(*connection));
  connection->record.kind = CLEW_RECORD_CONNECTION;
  connection->record.detail = state->role;
  connection->record.flags = state->from_start ? CLEW_CONNECTION_FROM_START : 0;
  connection->record.tgid = bpf_get_current_pid_tgid() >> 32;
  connection->record.time_ns = bpf_ktime_get_ns();
  connection->cookie = state->cookie;
  connection->family = sk->__sk_common.skc_family;
  connection->protocol = sk->sk_protocol;
  if (connection->family == AF_UNIX) {
    if (settings.unix_sockets) fill_unix(sk, record);
  } else {
    fill_internet(sk, connection);
  }
  struct task_struct *task = bpf_get_current_task_btf();
  bpf_probe_read_kernel(connection->command, sizeof(connection->command), task->group_leader->comm);
  __u32 length = connection->name_length;
  if (length > CLEW_UNIX_NAME_BYTES) length = CLEW_UNIX_NAME_BYTES;
  if (bpf_ringbuf_output(&records, record, sizeof(*connection) + length, 0)) {
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
  record.cookie = state->cookie;
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
  // The kernel's own sockets, among them those that carry an MPTCP connection, have no file.
  struct socket *socket = sk->sk_socket;
  if (!socket || !socket->file) return;
  const __u64 identity = bpf_get_current_pid_tgid();
  const __u32 tgid = identity >> 32;
  const bool own = tgid == settings.own_tgid;
  if (!own && !is_selected(tgid)) return;
  struct socket_state *state = bpf_sk_storage_get(&sockets, sk, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
  if (!state) {
    count(CLEW_COUNTER_socket_state_full);
    return;
  }
  __builtin_memset(state, 0, sizeof(*state));
  state->cookie = bpf_get_socket_cookie(sk);
  state->role = CLEW_ROLE_CLIENT;
  state->from_start = 1;
  state->own = own;
  state->connect_ns = bpf_ktime_get_ns();
  state->opener_tgid = tgid;
  state->opener_tid = (__u32)identity;
  struct thread_state *thread = current_thread(false);
  if (!thread) return;
  state->opener = thread->owner;
  state->opener.evidence = use_evidence(thread);
  thread->fresh = 0;
}

// The connection was not made. Whoever runs when that is known need not be who asked for it.
static __always_inline void on_connect_failed(struct sock *sk, struct socket_state *state) {
  if (state->own || !state->connect_ns) return;
  struct clew_connect_failed *record = bpf_ringbuf_reserve(&records, sizeof(*record), 0);
  if (!record) {
    count(CLEW_COUNTER_ring_full);
    count(CLEW_COUNTER_requests_ring_full);
    return;
  }
  __builtin_memset(record, 0, sizeof(*record));
  record->record.kind = CLEW_RECORD_CONNECT_FAILED;
  record->record.detail = state->opener.span_id ? (__u8)state->opener.evidence : 0;
  record->record.tgid = state->opener_tgid;
  record->record.time_ns = bpf_ktime_get_ns();
  record->cookie = state->cookie;
  record->begin_ns = state->connect_ns;
  record->tid = state->opener_tid;
  record->error = sk->sk_err;
  if (!record->error && sk->sk_shutdown != SHUTDOWN_MASK) record->error = ECANCELED;
  struct endpoints ends = {};
  read_endpoints(sk, &ends);
  __builtin_memcpy(record->local, ends.local, 16);
  __builtin_memcpy(record->remote, ends.remote, 16);
  record->local_port = ends.local_port;
  record->remote_port = ends.remote_port;
  new_context(&state->opener, &record->context, record->record.time_ns);
  bpf_ringbuf_submit(record, 0);
  state->connect_ns = 0;
}
