// The trace context of a message, decided in the kernel at the moment the message begins.
#pragma once

#include "types.h"

// What a parent link rests on. Order and values are part of the ABI; names are those of the
// attribute clew.link.
enum clew_evidence {
  CLEW_EVIDENCE_NONE = 0,     // no parent known: a new trace
  CLEW_EVIDENCE_TURN = 1,     // the thread's last socket operation was on the parent's own socket
  CLEW_EVIDENCE_CONNECT = 2,  // the connection was opened in the parent's turn
  CLEW_EVIDENCE_CREATED = 3,  // the thread or process was created in the parent's turn
  CLEW_EVIDENCE_ANSWER =
      4,  // the thread's last socket operation was an answer to the parent's call
  // The thread's last socket operation was the parent's, but not one that says for sure what runs
  // next: a call or an answer sent.
  CLEW_EVIDENCE_WEAK = 5,
  // As TURN, but the thread was seen to read requests without working on the one read before.
  CLEW_EVIDENCE_OVERLAP = 6,
};

struct clew_context {
  __u8 trace_id[16];
  __u8 span_id[8];         // of the span this message begins
  __u8 parent_span_id[8];  // all zero: none
};

CLEW_ABI_ASSERT(sizeof(struct clew_context) == 32, "clew_context");
