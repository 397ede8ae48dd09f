// Which sockets are followed, and the state that begins with their first operation.
#pragma once

#include "connections.bpf.h"
#include "maps.bpf.h"
#include "processes.bpf.h"

// Both ends of a UNIX connection count from the moment at which the first of them is seen. They
// count from the same byte if none was on its way then but those of this operation.
static __always_inline void begin_unix(struct sock *sk, struct socket_state *state,
                                       __u8 direction) {
  struct unix_sock *unix_socket = bpf_skc_to_unix_sock(sk);
  struct sock *peer = unix_socket ? unix_socket->peer : NULL;
  if (!peer) return;
  struct socket_state *other =
      bpf_sk_storage_get(&sockets, peer, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
  if (!other) {
    count(CLEW_COUNTER_socket_state_full);
    return;
  }
  if (other->cookie) return;  // begun by another thread
  other->cookie = bpf_get_socket_cookie(peer);
  const __u32 waiting =
      direction == CLEW_SENT ? peer->sk_receive_queue.qlen : sk->sk_receive_queue.qlen;
  state->aligned = other->aligned = waiting <= (direction == CLEW_SENT);
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
  state = bpf_sk_storage_get(&sockets, sk, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
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
