// The context engine: which request a thread works for, and so whose child a sent request is.
#pragma once

#include "abi/connection.h"
#include "abi/context.h"
#include "maps.bpf.h"

static __always_inline __u64 random64(void) {
  __u64 value = ((__u64)bpf_get_prandom_u32() << 32) | bpf_get_prandom_u32();
  return value ? value : 1;
}

static __always_inline void new_trace(struct owner *owner) {
  __u64 *half = (__u64 *)owner->trace_id;
  half[0] = random64();
  half[1] = random64();
}

static __always_inline struct owner *current_owner(bool create) {
  struct owner *owner = bpf_task_storage_get(&threads, bpf_get_current_task_btf(), 0,
                                             create ? BPF_LOCAL_STORAGE_GET_F_CREATE : 0);
  if (!owner && create) count(CLEW_COUNTER_thread_state_full);
  return owner;
}

static __always_inline void work_for(const struct owner *owner, __u32 evidence) {
  struct owner *current = current_owner(owner->span_id != 0);
  if (!current) return;
  if (current->span_id != owner->span_id) *current = *owner;
  current->evidence = evidence;
}

// A request arrived: it is what this thread works for from now on.
static __always_inline void begin_served(struct socket_state *state, struct clew_context *context) {
  new_trace(&state->owner);
  state->owner.span_id = random64();
  __builtin_memcpy(context->trace_id, state->owner.trace_id, 16);
  __builtin_memcpy(context->span_id, &state->owner.span_id, 8);
  __builtin_memset(context->parent_span_id, 0, 8);
  work_for(&state->owner, CLEW_EVIDENCE_TURN);
}

// A request is sent: it belongs to what the thread works for, or to who opened the connection for
// it.
static __always_inline __u8 begin_called(struct socket_state *state, struct clew_context *context) {
  struct owner *current = current_owner(false);
  __u8 evidence = CLEW_EVIDENCE_NONE;
  if (state->opener.span_id) {
    state->owner = state->opener;
    state->opener.span_id = 0;
    evidence = CLEW_EVIDENCE_CONNECT;
    // Opened and used in the same turn: the turn is the plainer evidence.
    if (current && current->span_id == state->owner.span_id) evidence = (__u8)current->evidence;
  } else if (current && current->span_id) {
    state->owner = *current;
    evidence = (__u8)current->evidence;
  } else {
    state->owner.span_id = 0;
  }
  __u64 span_id = random64();
  if (state->owner.span_id) {
    __builtin_memcpy(context->trace_id, state->owner.trace_id, 16);
  } else {
    struct owner fresh = {};
    new_trace(&fresh);
    __builtin_memcpy(context->trace_id, fresh.trace_id, 16);
  }
  __builtin_memcpy(context->span_id, &span_id, 8);
  __builtin_memcpy(context->parent_span_id, &state->owner.span_id, 8);
  return evidence;
}

// Any operation on a followed socket says what the thread works for: on a server socket the request
// served there, on a client socket the request that sent the call now answered.
static __always_inline void resume(struct socket_state *state) {
  work_for(&state->owner,
           state->role == CLEW_ROLE_SERVER ? CLEW_EVIDENCE_TURN : CLEW_EVIDENCE_ANSWER);
}
