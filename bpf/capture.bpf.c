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
#include "maps.bpf.h"
#include "operation.bpf.h"
#include "places.bpf.h"
#include "processes.bpf.h"
#include "protocols.bpf.h"
#include "sockets.bpf.h"

char LICENSE[] SEC("license") = "GPL";

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
    state->protocol = op->found;
    const bool requests = look == LOOK_REQUEST || look == LOOK_PREFIX;
    const bool serves = requests == (op->facts.direction == CLEW_RECEIVED);
    if (look != LOOK_PREFIX || state->role == CLEW_ROLE_UNKNOWN) {
      state->role = serves ? CLEW_ROLE_SERVER : CLEW_ROLE_CLIENT;
    }
  }
  if (!state->announced) announce(op->sk, state, &op->workspace->connection);
  return true;
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
      const bool whole = state->protocol != PROTOCOL_HTTP1 || is_bodiless(op->workspace->payload);
      begin_served(state, op->thread, &op->facts.context, op->facts.time_ns, whole);
    } else {
      if (turned) tell_passed_before(op);
      op->facts.evidence = begin_called(state, op->thread, &op->facts.context, op->facts.time_ns);
    }
    if (look == LOOK_REQUEST && !turned && state->protocol == PROTOCOL_HTTP1) state->pipelined = 1;
  } else if (serves || op->facts.direction == CLEW_RECEIVED) {
    resume(state, op->thread, op->facts.direction);
  }
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

// The inside of a long value: only that it moved is told. Returns false where the value ends in
// this operation, or there is none.
static __always_inline bool is_inside_value(struct operation *op, __u32 total, bool turned) {
  __u32 *skip = &op->state->skip[op->facts.direction & 1];
  if (*skip < total) return false;
  *skip -= total;
  follow_context(op, LOOK_NOTHING, turned);
  emit_segment(&op->facts, op->offset, total, 0);
  return true;
}

static __always_inline bool is_call_side(const struct operation *op) {
  return (op->state->role == CLEW_ROLE_SERVER) == (op->facts.direction == CLEW_RECEIVED);
}

// Of a database's operation: how many bytes are copied, and what that means for those to come.
static __always_inline __u32 settle_limit(struct operation *op, enum look look, __u32 length,
                                          __u32 total, bool turned, bool value_ends) {
  struct socket_state *state = op->state;
  __u32 how = value_ends ? HOW_VALUE_ENDS : 0;
  if (state->protocol == PROTOCOL_PGSQL) how |= HOW_PGSQL;
  if (is_call_side(op)) how |= HOW_CALLS;
  if (look == LOOK_REQUEST) how |= HOW_STARTS;
  if (state->pipelined) how |= HOW_PIPELINED;
  const __u32 limit = database_limit(op->facts.direction, length, total, how);
  state->skip[op->facts.direction & 1] = op->workspace->survey.left;
  state->pipelined = op->workspace->survey.many || (look == LOOK_REQUEST && !turned);
  return limit;
}

// What is known of an operation of `total` bytes at its place in the stream; then its bytes, copied
// as far as they are worth it.
static __always_inline void capture(struct operation *op, __u32 total, bool turned) {
  struct socket_state *state = op->state;
  const __u8 direction = op->facts.direction;
  if (is_inside_value(op, total, turned)) return;
  const bool value_ends = state->skip[direction & 1];
  const bool unknown = state->protocol == PROTOCOL_UNKNOWN;
  const __u32 wanted = unknown ? LOOK_BYTES : FIRST_BYTES;
  __u32 length = gather(direction, &op->from, 0, total < wanted ? total : wanted);
  enum look look = LOOK_NOTHING;
  if (unknown) {
    look = look_for_protocol(op, length, total, state->from_start && op->offset == 0);
  } else if (!value_ends && (is_call_side(op) || total > FIRST_BYTES)) {
    look = look_at_known(direction, length, state->protocol);  // an answer's, where it may be long
  }
  if (!recognise(op, look)) return;
  if (unknown && is_startup(op)) look = LOOK_NOTHING;  // it is no call
  follow_context(op, look, turned);
  if (unknown && length < total) {
    length = gather(direction, &op->from, 0, total < FIRST_BYTES ? total : FIRST_BYTES);
  }
  __u32 limit = 0;
  if (state->protocol != PROTOCOL_HTTP1) {
    limit = settle_limit(op, look, length, total, turned, value_ends);
  } else if (total > FIRST_BYTES) {
    limit = http1_limit(op, look, total);
  }
  const __u8 first_byte = op->workspace->payload[0];
  if (total > FIRST_BYTES) {
    emit_long(&op->facts, &op->from, op->offset, total, limit);
  } else {
    emit_segment(&op->facts, op->offset, total, length);
  }
  if (!is_call_side(op) && length) settle_protocol(op, total, first_byte);
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
  if (direction == CLEW_SENT && op.thread && op.thread->send.sk == (__u64)sk) {
    op.begin = &op.thread->send;
    op.thread->send.sk = 0;
  }
  if (result <= 0) {
    if (!is_passing_error(result)) emit_end(&op, result);
    return;
  }
  if (direction == CLEW_SENT && op.thread) op.thread->fresh = 0;
  if (state->protocol == PROTOCOL_OTHER) return;
  const __u32 total = result;
  const __u32 unseen = find_place(&op, total);
  const __u32 key = direction;
  op.workspace = bpf_map_lookup_elem(&workspaces, &key);
  if (!op.workspace) return;
  op.facts.time_ns = bpf_ktime_get_ns();
  if (op.begin && op.facts.time_ns - op.begin->time_ns < ~0U) {
    op.facts.begin_delta_ns = op.facts.time_ns - op.begin->time_ns;
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
  } else if (readable && op.begin) {
    op.from = op.begin->from;
    readable = op.from.base || op.from.vector;
    if (!readable) count(CLEW_COUNTER_unreadable);
  } else if (readable) {
    readable = call_source(sk, direction, flags, &op.from);
  }
  if (readable) {
    capture(&op, total, turned);
    return;
  }
  state->skip[direction & 1] = 0;
  if (state->announced) {
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
