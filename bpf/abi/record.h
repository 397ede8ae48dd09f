// What every record in the ring buffer begins with.
//
//   ring buffer:  | record | record | record | ...
//   record:       | clew_record header, `kind` first | fields of that kind | payload |
//
// A record is as long as the ring buffer says; its payload is what follows the fixed part.
#pragma once

#include "types.h"

enum clew_record_kind {
  CLEW_RECORD_SEGMENT = 1,         // segment.h
  CLEW_RECORD_CONNECTION = 2,      // connection.h
  CLEW_RECORD_CLOSING = 3,         // connection.h
  CLEW_RECORD_PROCESS = 4,         // process.h
  CLEW_RECORD_CONNECT_FAILED = 5,  // connection.h
};

struct clew_record {
  __u8 kind;      // enum clew_record_kind
  __u8 detail;    // meaning depends on kind
  __u16 flags;    // meaning depends on kind
  __u32 tgid;     // process that ran when the record was made; 0 in interrupt context
  __u64 time_ns;  // CLOCK_MONOTONIC
};

CLEW_ABI_ASSERT(sizeof(struct clew_record) == 16, "clew_record");
