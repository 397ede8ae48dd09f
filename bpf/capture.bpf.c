// Capture at the socket layer, once per operation, and the life of sockets and processes. The hooks
// stand at the end and are thin; operation() tells what is done with a send or a receive.
#include "kernel_types.h"

#include "abi/connection.h"
#include "abi/segment.h"

#include <bpf/bpf_endian.h>
#include <bpf/bpf_tracing.h>

#include "buffers.bpf.h"
#include "connections.bpf.h"
#include "context.bpf.h"
#include "http1.bpf.h"
#include "maps.bpf.h"
#include "processes.bpf.h"

char LICENSE[] SEC("license") = "GPL";

enum {
  FIRST_BYTES = 1024,          // copied of every operation, and all of most
  ORDINARY_PIECES = 2,         // records of an operation that may hold several messages
  PIPELINED_PIECES = 8,        // the same, where requests are known to be sent in bulk
  LOOK_LIMIT = 32,             // failed looks until a connection joined midway is left alone
  WAKE_INTERVAL_NS = 8000000,  // less than user space waits to let records gather
};

// What is the same for all records of an operation.
struct facts {
  struct clew_context context;
  __u64 cookie;
  __u64 time_ns;
  __u32 begin_delta_ns;
  __u32 sequence_base;
  __u16 flags;
  __u8 direction;
  __u8 evidence;
};

struct operation {
  struct sock *sk;
  struct socket_state *state;
  struct thread_state *thread;  // NULL: it has none yet
  struct workspace *workspace;
  struct source from;
  struct facts facts;
  const struct send_begin *begin;  // NULL: not seen
  __u64 offset;
};

// Emits one record whose payload of `length` bytes lies ready in the workspace. Global, so that the
// verifier looks at it once.
__noinline int emit_segment(const struct facts *facts, __u64 offset, __s32 result, __u32 length) {
  if (!facts) return 0;
  const __u32 key = facts->direction;
  struct workspace *to = bpf_map_lookup_elem(&workspaces, &key);
  if (!to || length > CLEW_PIECE_BYTES) return 0;
  const bool starts = facts->flags & CLEW_SEGMENT_MESSAGE_START;
  // Without a context the header moves up against the payload, so that a record is one run of
  // bytes.
  __u8 *begin = starts ? to->header : to->header + sizeof(struct clew_context);
  struct clew_segment *segment = (struct clew_segment *)begin;
  const __u64 identity = bpf_get_current_pid_tgid();
  segment->record.kind = CLEW_RECORD_SEGMENT;
  segment->record.detail = facts->direction;
  segment->record.flags = facts->flags;
  segment->record.tgid = identity >> 32;
  segment->record.time_ns = facts->time_ns;
  segment->cookie = facts->cookie;
  segment->offset = offset;
  segment->result = result;
  segment->tid = (__u32)identity;
  segment->sequence_base = facts->sequence_base;
  segment->begin_delta_ns = facts->begin_delta_ns;
  segment->length = length;
  segment->evidence = facts->evidence;
  __builtin_memset(segment->padding, 0, sizeof(segment->padding));
  if (starts) {
    __builtin_memcpy(to->header + sizeof(*segment), &facts->context, sizeof(facts->context));
  }
  const __u64 fixed = sizeof(*segment) + (starts ? sizeof(struct clew_context) : 0);
  // Waking user space costs an interrupt; left to itself the ring buffer does it for every record
  // before which user space has caught up. While records come, user space looks by itself.
  const bool wakes = facts->time_ns - to->woken_ns > WAKE_INTERVAL_NS;
  if (wakes) to->woken_ns = facts->time_ns;
  if (bpf_ringbuf_output(&records, begin, fixed + length, wakes ? 0 : BPF_RB_NO_WAKEUP)) {
    count(CLEW_COUNTER_ring_full);
    if (starts) count(CLEW_COUNTER_requests_ring_full);
  }
  return 0;
}

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

// Decides what the bytes are. Returns false where nothing is to be done with them.
static __always_inline bool recognise(struct operation *op, enum look look) {
  struct socket_state *state = op->state;
  if (state->protocol == PROTOCOL_UNKNOWN) {
    const bool first = state->from_start && op->offset == 0;
    if (look == LOOK_NOTHING || (look == LOOK_PREFIX && !first)) {
      if (first || ++state->looks > LOOK_LIMIT) {
        state->protocol = PROTOCOL_OTHER;
        count(CLEW_COUNTER_other_protocol);
      }
      return false;
    }
    state->protocol = PROTOCOL_HTTP1;
    const bool requests = look == LOOK_REQUEST || look == LOOK_PREFIX;
    const bool serves = requests == (op->facts.direction == CLEW_RECEIVED);
    if (look != LOOK_PREFIX || state->role == CLEW_ROLE_UNKNOWN) {
      state->role = serves ? CLEW_ROLE_SERVER : CLEW_ROLE_CLIENT;
    }
  }
  if (!state->announced) announce(op->sk, state, &op->workspace->connection);
  return true;
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
  if (op->sk->__sk_common.skc_flags & (1UL << SOCK_DONE)) return;  // the FIN has a number, too
  tell_passed_up_to(state, op->begin->copied, op->begin->last_packet_ns);
}

// Bytes that left the socket unseen (splice) and were followed by none that were seen: told where
// its owner reads the end of the stream or closes. They came with the last packet at the latest.
static __always_inline void tell_last_passed(struct sock *sk, struct socket_state *state) {
  struct tcp_sock *tcp = bpf_skc_to_tcp_sock(sk);
  if (!tcp || !state->announced || !state->numbered[CLEW_RECEIVED]) return;
  const bool has_fin = sk->__sk_common.skc_flags & (1UL << SOCK_DONE);
  __u32 end = tcp->copied_seq;
  if (has_fin && end == tcp->rcv_nxt) --end;
  tell_passed_up_to(state, end, tcp->tcp_mstamp * 1000);
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

// Lets the context follow the operation; a request begun here gets its own.
static __always_inline void follow_context(struct operation *op, enum look look, bool turned) {
  struct socket_state *state = op->state;
  const bool serves = state->role == CLEW_ROLE_SERVER;
  const bool requests = serves == (op->facts.direction == CLEW_RECEIVED);
  const bool starts = look == LOOK_REQUEST || (look == LOOK_PREFIX && turned);
  if (requests && starts) {
    op->facts.flags |= CLEW_SEGMENT_MESSAGE_START;
    if (serves) {
      begin_served(state, op->thread, &op->facts.context, op->facts.time_ns,
                   is_bodiless(op->workspace->payload));
    } else {
      if (turned) tell_passed_before(op);
      op->facts.evidence = begin_called(state, op->thread, &op->facts.context, op->facts.time_ns);
    }
    if (look == LOOK_REQUEST && !turned) state->pipelined = 1;
  } else if (serves || op->facts.direction == CLEW_RECEIVED) {
    resume(state, op->thread, op->facts.direction);
  }
}

// How many bytes of an operation of `total` bytes are copied.
static __always_inline __u32 copy_limit(const struct operation *op, enum look look, __u32 total) {
  if (look == LOOK_REQUEST && total > 2048 && is_bodiless(op->workspace->payload)) {
    op->state->pipelined = 1;
  }
  if (op->state->pipelined) return PIPELINED_PIECES * CLEW_PIECE_BYTES;
  if (total <= ORDINARY_PIECES * CLEW_PIECE_BYTES &&
      bpf_ringbuf_query(&records, BPF_RB_AVAIL_DATA) < settings.ring_bytes / 4) {
    return ORDINARY_PIECES * CLEW_PIECE_BYTES;
  }
  // A head may be that long; what begins in the middle of a body has little to tell.
  return look == LOOK_REQUEST || look == LOOK_RESPONSE ? CLEW_PIECE_BYTES : FIRST_BYTES;
}

// An operation too long for one short record: as many pieces as are worth copying (`limit` bytes),
// then its very end. Global, so that the verifier walks its paths once.
__noinline int emit_long(struct facts *facts, const struct source *from, __u64 offset, __u32 total,
                         __u32 limit) {
  if (!facts || !from) return 0;
  __u32 done = 0;
  for (int i = 0; i < PIPELINED_PIECES; ++i) {
    __u32 size = total - done;
    if (size > CLEW_PIECE_BYTES) size = CLEW_PIECE_BYTES;
    if (size > limit - done) size = limit - done;
    const __u32 length = gather(facts->direction, from, done, size);
    __u32 next = done + size;
    // What is left but for the tail is covered by this record, and not copied.
    const bool last = length < size || next >= limit;
    if (last && total - done > size + CLEW_TAIL_BYTES) next = total - CLEW_TAIL_BYTES;
    emit_segment(facts, offset + done, next - done, length);
    facts->flags = (facts->flags & ~CLEW_SEGMENT_MESSAGE_START) | CLEW_SEGMENT_CONTINUED;
    done = next;
    if (last || done >= total) break;
  }
  if (done >= total) return 0;
  const __u32 length = gather(facts->direction, from, done, total - done);
  emit_segment(facts, offset + done, total - done, length);
  return 0;
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
  // Read first: the kernel counts the FIN in rcv_nxt, then sets the flag.
  const bool has_fin = op->sk->__sk_common.skc_flags & (1UL << SOCK_DONE);
  __u32 end = received ? tcp->copied_seq : tcp->write_seq;
  // The read took the FIN together with the last bytes: it has a number, and is no byte.
  if (received && has_fin && end == tcp->rcv_nxt) --end;
  *first = end - total;
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
static __always_inline __u32 find_place(struct operation *op, const struct send_begin *begin,
                                        __u32 total) {
  struct socket_state *state = op->state;
  const __u8 which = op->facts.direction & 1;
  __u32 first = 0;
  const bool exact = begin != NULL;  // read under the socket's lock
  // Read once: another thread may count its own send at any moment.
  const __u64 counted = *(volatile __u64 *)&state->bytes[which];
  bool known = exact;
  if (exact) {
    first = begin->sequence;
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
  if (unseen == 1 && op->sk->__sk_common.skc_flags & (1UL << SOCK_DONE)) unseen = 0;  // the FIN
  op->offset = __sync_fetch_and_add(&state->bytes[which], (__u64)total + unseen);
  return unseen;
}

static __always_inline bool is_passing_error(int result) {
  return result == -EAGAIN || result == -4 /* EINTR */ || result <= -512 /* ERESTART... */;
}

// Errors and the end of the stream.
static __always_inline void emit_end(struct operation *op, int result) {
  struct socket_state *state = op->state;
  const bool end = op->facts.direction == CLEW_RECEIVED && op->sk->sk_shutdown & RCV_SHUTDOWN;
  if (!state->announced || (result == 0 && !end)) return;
  if (result == 0) {
    tell_last_passed(op->sk, state);
    tell_unix_passed(op->sk, state, true);
  }
  op->facts.time_ns = bpf_ktime_get_ns();
  emit_segment(&op->facts, state->bytes[op->facts.direction & 1], result, 0);
}

// Bytes that went by without being looked at.
static __always_inline void emit_unreadable(struct operation *op, __u64 offset, __u32 total) {
  op->facts.flags |= CLEW_SEGMENT_UNREADABLE;
  emit_segment(&op->facts, offset, total, 0);
  op->facts.flags &= ~CLEW_SEGMENT_UNREADABLE;
}

// What is known of an operation of `total` bytes at its place in the stream; then its bytes, copied
// as far as they are worth it.
static __always_inline void capture(struct operation *op, __u32 total, bool turned) {
  struct socket_state *state = op->state;
  const __u8 direction = op->facts.direction;
  const bool unknown = state->protocol == PROTOCOL_UNKNOWN;
  const __u32 wanted = unknown ? LOOK_BYTES : FIRST_BYTES;
  __u32 length = gather(direction, &op->from, 0, total < wanted ? total : wanted);
  enum look look = LOOK_NOTHING;
  // An answer's beginning matters where it may be long.
  const bool requests = (state->role == CLEW_ROLE_SERVER) == (direction == CLEW_RECEIVED);
  if (unknown || requests || total > FIRST_BYTES) look = look_at(direction, length);
  if (!recognise(op, look)) return;
  follow_context(op, look, turned);
  if (unknown && length < total) {
    length = gather(direction, &op->from, 0, total < FIRST_BYTES ? total : FIRST_BYTES);
  }
  if (total > FIRST_BYTES) {
    emit_long(&op->facts, &op->from, op->offset, total, copy_limit(op, look, total));
  } else {
    emit_segment(&op->facts, op->offset, total, length);
  }
}

// A protocol cannot be told from bytes that cannot be read.
static __always_inline void count_unreadable(struct socket_state *state) {
  if (state->unreadable_said) return;
  state->unreadable_said = 1;
  count(CLEW_COUNTER_unreadable_socket);
}

static __always_inline void operation(struct sock *sk, int result, int flags, __u8 direction) {
  if (flags & (MSG_PEEK | MSG_OOB | MSG_ERRQUEUE)) return;
  struct socket_state *state = followed(sk, direction);
  if (!state) return;
  struct operation op = {.sk = sk, .state = state};
  op.facts.direction = direction;
  op.facts.cookie = state->cookie;
  op.thread = current_thread(false);
  struct send_begin *begin = NULL;
  if (direction == CLEW_SENT && op.thread && op.thread->send.sk == (__u64)sk) {
    begin = &op.thread->send;
    begin->sk = 0;
    op.begin = begin;
  }
  if (result <= 0) {
    if (!is_passing_error(result)) emit_end(&op, result);
    return;
  }
  if (direction == CLEW_SENT && op.thread) op.thread->fresh = 0;
  if (state->protocol == PROTOCOL_OTHER) return;
  const __u32 total = result;
  const __u32 unseen = find_place(&op, begin, total);
  const __u32 key = direction;
  op.workspace = bpf_map_lookup_elem(&workspaces, &key);
  if (!op.workspace) return;
  op.facts.time_ns = bpf_ktime_get_ns();
  if (begin && op.facts.time_ns - begin->time_ns < ~0U) {
    op.facts.begin_delta_ns = op.facts.time_ns - begin->time_ns;
  }
  if (unseen) {
    count(CLEW_COUNTER_passed_unseen);
    if (state->announced) emit_unreadable(&op, op.offset, unseen);
    op.offset += unseen;
  }
  const bool turned = state->last_direction != 1 + direction;
  state->last_direction = 1 + direction;
  if (turned && direction == CLEW_RECEIVED) tell_unix_passed(sk, state, false);

  bool readable = !(flags & MSG_TRUNC);
  if (!is_user_selected(state)) {
    // A UNIX socket whose peer is followed counts its bytes, and no more; so does one passed on.
    if (!state->announced) return;
    readable = false;
    count(CLEW_COUNTER_foreign_process);
  } else if (readable && begin) {
    op.from = begin->from;
    readable = op.from.base || op.from.vector;
    if (!readable) count(CLEW_COUNTER_unreadable);
  } else if (readable) {
    readable = call_source(sk, direction, flags, &op.from);
  }
  if (readable) {
    capture(&op, total, turned);
  } else if (state->announced) {
    follow_context(&op, LOOK_NOTHING, turned);
    emit_unreadable(&op, op.offset, total);
  } else {
    count_unreadable(state);
  }
}

// The hooks of one backend are loaded, and no others (probes/plan.h): each operation must be seen
// once.

// Backend socket tracepoints: kernel 6.3.
SEC("?tp_btf/sock_recv_length")
int BPF_PROG(on_receive, struct sock *sk, int result, int flags) {
  operation(sk, result, flags, CLEW_RECEIVED);
  return 0;
}

SEC("?tp_btf/sock_send_length")
int BPF_PROG(on_send, struct sock *sk, int result, int flags) {
  operation(sk, result, flags, CLEW_SENT);
  return 0;
}

// Backend fexit: the functions that the tracepoints' callers call, for TCP and MPTCP alike. The
// flags of a send are 0, as the tracepoint has them.
static __always_inline void socket_operation(struct socket *socket, int result, int flags,
                                             __u8 direction) {
  struct sock *sk = socket->sk;
  if (sk) operation(sk, result, flags, direction);
}

SEC("?fexit/inet_recvmsg")
int BPF_PROG(on_inet_receive, struct socket *socket, struct msghdr *message, size_t size, int flags,
             int result) {
  socket_operation(socket, result, flags, CLEW_RECEIVED);
  return 0;
}

SEC("?fexit/inet6_recvmsg")
int BPF_PROG(on_inet6_receive, struct socket *socket, struct msghdr *message, size_t size,
             int flags, int result) {
  socket_operation(socket, result, flags, CLEW_RECEIVED);
  return 0;
}

SEC("?fexit/inet_sendmsg")
int BPF_PROG(on_inet_send, struct socket *socket, struct msghdr *message, size_t size, int result) {
  socket_operation(socket, result, 0, CLEW_SENT);
  return 0;
}

SEC("?fexit/inet6_sendmsg")
int BPF_PROG(on_inet6_send, struct socket *socket, struct msghdr *message, size_t size,
             int result) {
  socket_operation(socket, result, 0, CLEW_SENT);
  return 0;
}

// UNIX sockets by the same backend.
SEC("?fexit/unix_stream_recvmsg")
int BPF_PROG(on_unix_receive, struct socket *socket, struct msghdr *message, size_t size, int flags,
             int result) {
  socket_operation(socket, result, flags, CLEW_RECEIVED);
  return 0;
}

SEC("?fexit/unix_stream_sendmsg")
int BPF_PROG(on_unix_send, struct socket *socket, struct msghdr *message, size_t size, int result) {
  socket_operation(socket, result, 0, CLEW_SENT);
  return 0;
}

// One page of a sendfile or splice, IPv4 and IPv6, until kernel 6.4; later these come by sendmsg.
SEC("?fexit/inet_sendpage")
int BPF_PROG(on_inet_sendpage, struct socket *socket, struct page *page, int offset, size_t size,
             int flags, ssize_t result) {
  struct sock *sk = socket->sk;
  // Protocols without a sendpage of their own (MPTCP) pass the page on to sendmsg, seen above.
  if (sk && sk->__sk_common.skc_prot->sendpage) operation(sk, result, 0, CLEW_SENT);
  return 0;
}

// Under the socket's lock, once or more in a send: the first counts.
static __always_inline void remember_send_begin(struct sock *sk, struct msghdr *message) {
  struct socket_state *state = bpf_sk_storage_get(&sockets, sk, 0, 0);
  if (!state || state->own || state->protocol == PROTOCOL_OTHER) return;
  struct thread_state *thread = current_thread(true);
  if (!thread || thread->send.sk == (__u64)sk) return;
  struct tcp_sock *tcp = bpf_skc_to_tcp_sock(sk);
  if (!tcp) return;
  thread->send.sk = (__u64)sk;
  thread->send.time_ns = bpf_ktime_get_ns();
  thread->send.sequence = tcp->write_seq;
  thread->send.copied = tcp->copied_seq;
  thread->send.last_packet_ns = tcp->tcp_mstamp * 1000;
  send_source(message, &thread->send.from);
}

// When a send begins, before the peer can see a byte of it. Optional, and one of the two: a
// tracepoint since kernel 6.15, the entry of the function where there are trampolines.
SEC("?tp_btf/tcp_sendmsg_locked")
int BPF_PROG(on_send_begin, struct sock *sk, struct msghdr *message, struct sk_buff *buffer,
             int size_goal) {
  remember_send_begin(sk, message);
  return 0;
}

SEC("?fentry/tcp_sendmsg_locked")
int BPF_PROG(on_send_entry, struct sock *sk, struct msghdr *message, size_t size) {
  remember_send_begin(sk, message);
  return 0;
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(on_state, struct sock *sk, int old_state, int new_state) {
  if (new_state == TCP_SYN_SENT) {
    if (is_followed_kind(sk)) on_connect(sk);
    return 0;
  }
  if (new_state == TCP_LISTEN) {
    on_listen(sk);
    return 0;
  }
  if (new_state != TCP_ESTABLISHED && new_state != TCP_CLOSE && new_state != TCP_FIN_WAIT1 &&
      new_state != TCP_LAST_ACK) {
    return 0;
  }
  struct socket_state *state = bpf_sk_storage_get(&sockets, sk, 0, 0);
  if (!state) return 0;
  if (new_state == TCP_ESTABLISHED) {
    state->connect_ns = 0;
    if (state->own) remember_own_peer(sk);
  } else if (old_state == TCP_SYN_SENT) {
    on_connect_failed(sk, state);
  } else if (state->announced) {
    const bool finished = sk->sk_shutdown == SHUTDOWN_MASK;
    if (finished) tell_last_passed(sk, state);
    emit_closing(sk, state,
                 new_state == TCP_CLOSE ? CLEW_CLOSING_CLOSED
                 : finished             ? CLEW_CLOSING_FINISHED
                                        : CLEW_CLOSING_SENT_FIN);
  }
  return 0;
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_process_fork, struct task_struct *parent, struct task_struct *child) {
  on_fork(parent, child);
  return 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_process_exec, struct task_struct *task, int old_pid, struct linux_binprm *program) {
  on_exec(task, program);
  return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_process_exit, struct task_struct *task) {
  on_exit(task);
  return 0;
}
