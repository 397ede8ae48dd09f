// One socket operation and its records: how much of it is copied, and how it is handed to user
// space.
#pragma once

#include "abi/segment.h"
#include "buffers.bpf.h"
#include "http1.bpf.h"
#include "maps.bpf.h"

enum {
  ORDINARY_PIECES = 2,   // records of an operation that may hold several messages
  PIPELINED_PIECES = 8,  // the same, where requests are known to be sent in bulk
  WHOLE_PIECES = 32,     // the same of databases: as much as they write at once
  WHOLE_BYTES = WHOLE_PIECES * CLEW_PIECE_BYTES,
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
  __u8 found;  // enum clew_protocol that a look at the first bytes found
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

// How many bytes of an operation of `total` bytes are copied, of HTTP.
static __always_inline __u32 http1_limit(const struct operation *op, enum look look, __u32 total) {
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

// The next piece of a long operation. Returns whether it was the last. Global, so that the verifier
// walks it once.
__noinline int emit_piece(struct facts *facts, const struct source *from, __u64 offset) {
  if (!facts || !from) return 1;
  const __u32 key = facts->direction;
  struct workspace *to = bpf_map_lookup_elem(&workspaces, &key);
  if (!to) return 1;
  const __u32 done = to->pieces.done, total = to->pieces.total, limit = to->pieces.limit;
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
  to->pieces.done = next;
  return last || next >= total;
}

// An operation too long for one short record: as many pieces as are worth copying (`limit` bytes),
// then its very end. Global, so that the verifier walks its paths once.
__noinline int emit_long(struct facts *facts, const struct source *from, __u64 offset, __u32 total,
                         __u32 limit) {
  if (!facts || !from) return 0;
  const __u32 key = facts->direction;
  struct workspace *to = bpf_map_lookup_elem(&workspaces, &key);
  if (!to) return 0;
  to->pieces.done = 0;
  to->pieces.total = total;
  to->pieces.limit = limit;
  for (int i = 0; i < WHOLE_PIECES; ++i) {
    if (emit_piece(facts, from, offset)) break;
  }
  const __u32 done = to->pieces.done;
  if (done >= total) return 0;
  const __u32 length = gather(facts->direction, from, done, total - done);
  emit_segment(facts, offset + done, total - done, length);
  return 0;
}

// Bytes that went by without being looked at.
static __always_inline void emit_unreadable(struct operation *op, __u64 offset, __u32 total) {
  op->facts.flags |= CLEW_SEGMENT_UNREADABLE;
  emit_segment(&op->facts, offset, total, 0);
  op->facts.flags &= ~CLEW_SEGMENT_UNREADABLE;
}
