// Where an operation's bytes stand in the stream, and bytes that left a socket without an
// operation.
#pragma once

#include "maps.bpf.h"
#include "operation.bpf.h"

#include <bpf/bpf_core_read.h>

static __always_inline bool has_fin(const struct sock *sk) {
  return sk->__sk_common.skc_flags & (1UL << SOCK_DONE);
}

// The number after the last byte that was read.
static __always_inline __u32 end_of_received(const struct sock *sk, const struct tcp_sock *tcp) {
  const bool fin = has_fin(sk);  // first: the kernel counts the FIN in rcv_nxt, then sets the flag
  const __u32 end = tcp->copied_seq;
  // A read that took the FIN together with the last bytes: it has a number, and is no byte.
  return fin && end == tcp->rcv_nxt ? end - 1 : end;
}

// The next `unseen` bytes received on a socket passed without an operation, until `time_ns`.
// Another program may be using the workspace of receives meanwhile.
static __always_inline void emit_passed(struct socket_state *state, __u32 unseen, __u64 time_ns) {
  const __u64 identity = bpf_get_current_pid_tgid();
  struct clew_segment segment = {};
  segment.record.kind = CLEW_RECORD_SEGMENT;
  segment.record.detail = CLEW_RECEIVED;
  segment.record.flags = CLEW_SEGMENT_UNREADABLE;
  segment.record.tgid = identity >> 32;
  segment.record.time_ns = time_ns;
  segment.cookie = state->cookie;
  segment.offset = state->bytes[CLEW_RECEIVED];
  segment.result = unseen;
  segment.tid = (__u32)identity;
  state->bytes[CLEW_RECEIVED] += unseen;
  count(CLEW_COUNTER_passed_unseen);
  if (bpf_ringbuf_output(&records, &segment, sizeof(segment), 0)) count(CLEW_COUNTER_ring_full);
}

static __always_inline void tell_passed_up_to(struct socket_state *state, __u32 end,
                                              __u64 last_packet_ns) {
  const __s32 unseen =
      end - (state->sequence_base[CLEW_RECEIVED] + (__u32)state->bytes[CLEW_RECEIVED]);
  if (unseen <= 0) return;
  const __u64 now = bpf_ktime_get_ns();
  emit_passed(state, unseen, last_packet_ns && last_packet_ns < now ? last_packet_ns : now);
}

// Before a request that is sent after all answers were read. Told here, a body that was spliced
// does not seem to take until the next answer.
static __always_inline void tell_passed_before(const struct operation *op) {
  struct socket_state *state = op->state;
  if (!op->begin || !state->announced || !state->numbered[CLEW_RECEIVED] || state->pipelined)
    return;
  if (has_fin(op->sk)) return;  // it has a number, too
  tell_passed_up_to(state, op->begin->copied, op->begin->last_packet_ns);
}

// Bytes that left the socket unseen (splice) and were followed by none that were seen: told where
// its owner reads the end of the stream or closes. They came with the last packet at the latest.
static __always_inline void tell_last_passed(struct sock *sk, struct socket_state *state) {
  struct tcp_sock *tcp = bpf_skc_to_tcp_sock(sk);
  if (!tcp || !state->announced || !state->numbered[CLEW_RECEIVED]) return;
  tell_passed_up_to(state, end_of_received(sk, tcp), tcp->tcp_mstamp * 1000);
}

// The same of a UNIX socket, which has no numbers: what `from` has sent, the receiver's queue does
// not hold and no receive has counted. Exact where neither end is at it.
static __always_inline void compare_unix_counts(const struct sock *sk, struct socket_state *state,
                                                const struct socket_state *from) {
  if (!state->announced || state->pipelined || sk->sk_receive_queue.qlen) return;
  const __s64 unseen = from->bytes[CLEW_SENT] - state->bytes[CLEW_RECEIVED];
  if (unseen > 0) emit_passed(state, unseen, bpf_ktime_get_ns());
}

// Whoever receives has counted what it sent before. Where requests and answers alternate its peer
// has taken all of that, and counted what it did not splice: else what is received now would not
// have been sent. At the end the same holds of what this end received.
static __always_inline void tell_unix_passed(struct sock *sk, struct socket_state *state,
                                             bool at_end) {
  if (!settings.unix_sockets || sk->__sk_common.skc_family != AF_UNIX || !state->aligned) return;
  struct unix_sock *unix_socket = bpf_skc_to_unix_sock(sk);
  struct sock *peer = unix_socket ? unix_socket->peer : NULL;
  if (!peer) return;
  struct socket_state *other = bpf_sk_storage_get(&sockets, peer, 0, 0);
  if (!other) return;
  compare_unix_counts(peer, other, state);
  if (at_end) compare_unix_counts(sk, state, other);
}

// The number of the first byte of the operation, of `total` bytes, that has just ended. False where
// there is none.
static __always_inline bool first_number(struct operation *op, __u32 total, __u32 *first) {
  const bool received = op->facts.direction == CLEW_RECEIVED;
  if (op->sk->sk_protocol == IPPROTO_MPTCP) {
    struct mptcp_sock *multipath = (struct mptcp_sock *)op->sk;
    if (!bpf_core_field_exists(multipath->bytes_consumed)) return false;
    __u64 end = BPF_CORE_READ(multipath, write_seq);
    if (received) {
      const __u64 arrived = BPF_CORE_READ(multipath, bytes_received);
      const __u64 consumed = BPF_CORE_READ(multipath, bytes_consumed);
      end = BPF_CORE_READ(multipath, ack_seq) - (arrived - consumed);
      if (op->sk->__sk_common.skc_state != TCP_ESTABLISHED) --end;  // the peer's end has a number
      if (consumed == total) op->state->from_start = 1;
    }
    *first = (__u32)end - total;
    return true;
  }
  struct tcp_sock *tcp = bpf_skc_to_tcp_sock(op->sk);
  if (!tcp) return false;
  *first = (received ? end_of_received(op->sk, tcp) : tcp->write_seq) - total;
  if (!received || op->state->from_start || op->state->last_direction) return true;
  // Nothing was read before: the connection is seen from its first byte. rcv_nxt may count a FIN.
  const __u32 before = *first - (tcp->rcv_nxt - (__u32)tcp->bytes_received);
  if (before <= 1) op->state->from_start = 1;
  return true;
}

// Never back: whoever is late has been counted by the later one.
static __always_inline void count_up_to(__u64 *bytes, __u64 end) {
  for (int i = 0; i < 4; ++i) {
    const __u64 counted = *(volatile __u64 *)bytes;
    if ((__s64)(end - counted) <= 0) return;
    if (__sync_val_compare_and_swap(bytes, counted, end) == counted) return;
  }
}

// Finds the operation's place in the stream: where its numbers say, else after all that was seen
// before. Returns how many bytes left the socket unseen just before it.
static __always_inline __u32 find_place(struct operation *op, __u32 total) {
  struct socket_state *state = op->state;
  const __u8 which = op->facts.direction & 1;
  __u32 first = 0;
  const bool exact = op->begin != NULL;  // read under the socket's lock
  // Read once: another thread may count its own send at any moment.
  const __u64 counted = *(volatile __u64 *)&state->bytes[which];
  bool known = exact;
  if (exact) {
    first = op->begin->sequence;
  } else if (op->sk->__sk_common.skc_family != AF_UNIX) {
    known = first_number(op, total, &first);
  }
  if (known && !state->numbered[which]) {
    state->numbered[which] = 1;
    state->sequence_base[which] = first - (__u32)counted;
  }
  __s32 unseen = 0;
  if (known) {
    unseen = first - (state->sequence_base[which] + (__u32)counted);
    op->facts.flags |= CLEW_SEGMENT_SEQUENCE;
    op->facts.sequence_base = state->sequence_base[which];
  } else if (state->aligned) {
    op->facts.flags |= CLEW_SEGMENT_SEQUENCE;
  }
  // Another thread's send that was numbered after this one may have been counted before it.
  if (exact) {
    op->offset = counted + unseen;
    count_up_to(&state->bytes[which], op->offset + total);
    return 0;
  }
  // Read without the lock: less than it should be, or a send ahead, is another thread's doing.
  if (unseen < 0 || op->facts.direction == CLEW_SENT) unseen = 0;
  if (unseen == 1 && has_fin(op->sk)) unseen = 0;
  op->offset = __sync_fetch_and_add(&state->bytes[which], (__u64)total + unseen);
  return unseen;
}
