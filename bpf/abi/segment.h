// A segment: these bytes moved on this socket, at this stream offset, in this direction, by this
// thread, at this time, under this context.
#pragma once

#include "context.h"
#include "record.h"

enum clew_direction {
  CLEW_RECEIVED = 0,
  CLEW_SENT = 1,
};

// clew_record.flags of a segment
enum clew_segment_flags {
  CLEW_SEGMENT_MESSAGE_START =
      1 << 0,                       // a message seems to begin at the first byte: a context follows
  CLEW_SEGMENT_CONTINUED = 1 << 1,  // not the first record of its socket operation
  CLEW_SEGMENT_UNREADABLE = 1 << 2,  // bytes could not be read: sendfile, splice, io_uring ...
  CLEW_SEGMENT_SEQUENCE = 1 << 3,    // sequence_base is valid
};

// One record covers `result` bytes from `offset`. Payload: a clew_context if MESSAGE_START is set,
// then the first `length` of the bytes covered; the rest of them was not copied. The records of a
// socket and direction cover the stream without a break: a break is a record that was lost.
struct clew_segment {
  struct clew_record record;  // detail: enum clew_direction
  __u64 cookie;               // socket cookie: identifies the socket while it lives
  __u64 offset;               // of the first byte, counted per socket and direction from 0
  __s32 result;               // bytes covered; 0 is end of stream; negative is -errno
  __u32 tid;
  __u32 sequence_base;   // TCP sequence number of stream offset 0; see below
  __u32 begin_delta_ns;  // the operation began this long before time_ns; 0 if not known
  __u32 length;          // bytes in the payload
  __u8 evidence;         // enum clew_evidence of the context's parent_span_id
  __u8 padding[3];
};

CLEW_ABI_ASSERT(sizeof(struct clew_segment) == 56, "clew_segment");

// sequence_base names a byte alike at both ends of a connection: sequence_base + offset. It is read
// without the socket's lock: off by other threads' bytes where several use one socket at once. It
// is an anchor and a check. UNIX sockets have no such numbers: there it is 0 where both ends count
// from the same byte.

enum {
  CLEW_PIECE_BYTES = 8192,  // payload of one record at most; longer operations continue in more
  CLEW_TAIL_BYTES = 128,    // of the end of an operation that is not copied whole
};
