// Which sockets are followed, and the state that begins with their first operation.
#pragma once

#include "connections.bpf.h"
#include "maps.bpf.h"
#include "processes.bpf.h"

#include <bpf/bpf_core_read.h>

// Was the socket made since clew was ready? Then none of its operations was missed.
// One that is not accepted yet is.
static __always_inline bool is_younger(struct sock *sk) {
  const __u32 number = BPF_CORE_READ(sk, sk_socket, file, f_inode, i_ino);
  if (!number) return true;
  const __u32 batch = (number - 1) >> CLEW_SOCKET_BATCH_SHIFT;
  const __u32 *last = bpf_map_lookup_elem(&socket_numbers, &batch);
  if (last) return number > *last;
  const __u32 newest_key = CLEW_NEWEST_BATCH;
  const __u32 *newest = bpf_map_lookup_elem(&socket_numbers, &newest_key);
  return newest && (__s32)(batch - *newest) > 0;
}

// NULL where none can be stored. The other end of a UNIX connection may make it at the same time.
static __always_inline struct socket_state *new_state(struct sock *sk) {
  struct socket_state *state = bpf_sk_storage_get(&sockets, sk, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
  return state ? state : bpf_sk_storage_get(&sockets, sk, 0, 0);
}

// Both ends of a UNIX connection count from the moment at which the first of them is seen. They
// count from the same byte if none was on its way then but those of this operation.
static __always_inline void begin_unix(struct sock *sk, struct socket_state *state,
                                       __u8 direction) {
  struct unix_sock *unix_socket = bpf_skc_to_unix_sock(sk);
  struct sock *peer = unix_socket ? unix_socket->peer : NULL;
  if (!peer) return;
  state->from_start = is_younger(sk);
  const bool young = state->from_start && is_younger(peer);
  state->aligned = young;  // each counts from its first byte
  struct socket_state *other = new_state(peer);
  if (!other || other->cookie) return;  // closed meanwhile, or begun by another thread
  other->cookie = bpf_get_socket_cookie(peer);
  const __u32 waiting =
      direction == CLEW_SENT ? peer->sk_receive_queue.qlen : sk->sk_receive_queue.qlen;
  state->aligned = other->aligned = young || waiting <= (direction == CLEW_SENT);
  other->from_start = young;
}

// Is the thread's process selected? Remembered for the socket, once user space has judged.
static __always_inline bool is_user_selected(struct socket_state *state) {
  const __u32 tgid = bpf_get_current_pid_tgid() >> 32;
  if (state->tgid == tgid) return true;
  const __u32 how = selection_of(tgid);
  if (how == CLEW_SELECTED) state->tgid = tgid;
  return how != 0;
}

// The socket's state, made at its first operation; NULL if it is not followed.
static __always_inline struct socket_state *followed(struct sock *sk, __u8 direction) {
  struct socket_state *state = bpf_sk_storage_get(&sockets, sk, 0, 0);
  if (state) return state->own ? NULL : state;
  if (!is_followed_kind(sk)) return NULL;
  if (!is_selected(bpf_get_current_pid_tgid() >> 32)) return NULL;
  state = new_state(sk);
  if (!state) {
    count(CLEW_COUNTER_socket_state_full);
    return NULL;
  }
  state->cookie = bpf_get_socket_cookie(sk);
  if (sk->__sk_common.skc_family == AF_UNIX) {
    if (settings.unix_sockets) begin_unix(sk, state, direction);
  } else if (is_peer_own(sk)) {
    state->own = 1;
    count(CLEW_COUNTER_own_socket);
    return NULL;
  }
  return state;
}
