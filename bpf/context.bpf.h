// The context engine: which request a thread works for, and so whose child a sent request is.
#pragma once

#include "abi/connection.h"
#include "abi/context.h"
#include "maps.bpf.h"

// Ids are drawn from a seed of 64 random bits and the time, mixed by the finaliser of splitmix64:
// the kernel's generator gives 32 bits a call, and six calls cost more than this.
static __always_inline __u64 next_id(__u64 *seed) {
  __u64 value = (*seed += 0x9e3779b97f4a7c15ULL);
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9ULL;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebULL;
  value ^= value >> 31;
  return value ? value : 1;
}

static __always_inline __u64 new_seed(__u64 now) {
  return (((__u64)bpf_get_prandom_u32() << 32) | bpf_get_prandom_u32()) ^ (now << 17);
}

static __always_inline void new_trace(__u8 *trace_id, __u64 *seed) {
  __u64 *half = (__u64 *)trace_id;
  half[0] = next_id(seed);
  half[1] = next_id(seed);
}

static __always_inline struct thread_state *current_thread(bool create) {
  struct thread_state *thread = bpf_task_storage_get(&threads, bpf_get_current_task_btf(), 0,
                                                     create ? BPF_LOCAL_STORAGE_GET_F_CREATE : 0);
  if (!thread && create) count(CLEW_COUNTER_thread_state_full);
  return thread;
}

static __always_inline void work_for(struct thread_state *thread, const struct owner *owner,
                                     __u32 evidence) {
  if (!thread) {
    if (!owner->span_id) return;
    thread = current_thread(true);
    if (!thread) return;
  }
  if (thread->owner.span_id != owner->span_id) thread->owner = *owner;
  thread->owner.evidence = evidence;
}

// What the thread works for, as evidence for a call that it makes now. The next one is a guess,
// where the thread serves several requests.
static __always_inline __u8 use_evidence(struct thread_state *thread) {
  const __u8 evidence = (__u8)thread->owner.evidence;
  const bool by_turn = evidence == CLEW_EVIDENCE_TURN || evidence == CLEW_EVIDENCE_ANSWER;
  if (by_turn) thread->owner.evidence = CLEW_EVIDENCE_WEAK;
  return by_turn && thread->overlaps ? CLEW_EVIDENCE_OVERLAP : evidence;
}

// A request arrived: it is what this thread works for from now on. `whole` tells that no body is to
// be waited for.
static __always_inline void begin_served(struct socket_state *state, struct thread_state *thread,
                                         struct clew_context *context, __u64 now, bool whole) {
  __u64 seed = new_seed(now);
  new_trace(state->owner.trace_id, &seed);
  state->owner.span_id = next_id(&seed);
  __builtin_memcpy(context->trace_id, state->owner.trace_id, 16);
  __builtin_memcpy(context->span_id, &state->owner.span_id, 8);
  __builtin_memset(context->parent_span_id, 0, 8);
  if (!thread) thread = current_thread(true);  // its first request
  if (!thread) return;
  work_for(thread, &state->owner, CLEW_EVIDENCE_TURN);
  if (thread->fresh) thread->overlaps = 1;
  thread->fresh = whole;
}

// The context of a span whose parent is `owner`, if that has one.
static __always_inline void new_context(const struct owner *owner, struct clew_context *context,
                                        __u64 now) {
  __u64 seed = new_seed(now);
  const __u64 span_id = next_id(&seed);
  if (owner->span_id) {
    __builtin_memcpy(context->trace_id, owner->trace_id, 16);
  } else {
    new_trace(context->trace_id, &seed);
  }
  __builtin_memcpy(context->span_id, &span_id, 8);
  __builtin_memcpy(context->parent_span_id, &owner->span_id, 8);
}

// A request is sent: it belongs to what the thread works for, or to who opened the connection for
// it. Returns the evidence.
static __always_inline __u8 begin_called(struct socket_state *state, struct thread_state *thread,
                                         struct clew_context *context, __u64 now) {
  __u8 evidence = CLEW_EVIDENCE_NONE;
  if (state->opener.span_id) {
    state->owner = state->opener;
    state->opener.span_id = 0;
    evidence = (__u8)state->opener.evidence;
    // Opened and used in the same turn: the turn is the plainer evidence.
    const bool same_turn = thread && thread->owner.span_id == state->owner.span_id;
    const bool sure = evidence != CLEW_EVIDENCE_WEAK && evidence != CLEW_EVIDENCE_OVERLAP;
    if (sure && !same_turn) evidence = CLEW_EVIDENCE_CONNECT;
  } else if (thread && thread->owner.span_id) {
    state->owner = thread->owner;
    evidence = use_evidence(thread);
  } else {
    state->owner.span_id = 0;
  }
  new_context(&state->owner, context, now);
  return evidence;
}

// Any operation on a followed socket says what the thread works for: on a server socket the request
// served there, on a client socket the request that sent the call now answered.
static __always_inline void resume(struct socket_state *state, struct thread_state *thread,
                                   __u8 direction) {
  __u32 evidence = CLEW_EVIDENCE_ANSWER;
  if (state->role == CLEW_ROLE_SERVER) {
    evidence = direction == CLEW_RECEIVED ? CLEW_EVIDENCE_TURN : CLEW_EVIDENCE_WEAK;
  }
  work_for(thread, &state->owner, evidence);
}
