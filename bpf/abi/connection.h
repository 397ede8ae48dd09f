// A connection as first seen by clew, and its end.
#pragma once

#include "context.h"
#include "record.h"

enum clew_role {
  CLEW_ROLE_UNKNOWN = 0,
  CLEW_ROLE_CLIENT = 1,
  CLEW_ROLE_SERVER = 2,
};

// Sent before a socket's first segment. Of a UNIX socket, `local` and `remote` begin with the
// cookies of this socket and of its peer (native byte order, zeros follow), and the name that
// either is bound to follows as payload: a path, or NUL and a name (unix(7), abstract); none of a
// pair.
struct clew_connection {
  struct clew_record record;  // detail: enum clew_role; flags: 1 if seen from its first byte
  __u64 cookie;
  __u8 local[16];  // IPv6, or IPv4 mapped into IPv6
  __u8 remote[16];
  __u16 local_port;  // host byte order
  __u16 remote_port;
  __u32 network_namespace;  // inode number
  __u16 family;             // AF_INET, AF_INET6, AF_UNIX
  __u16 protocol;           // IPPROTO_TCP, IPPROTO_MPTCP, 0
  __u32 name_length;        // of the payload
  char command[16];         // of the process's first thread
};

CLEW_ABI_ASSERT(sizeof(struct clew_connection) == 88, "clew_connection");

enum { CLEW_CONNECTION_FROM_START = 1, CLEW_UNIX_NAME_BYTES = 108 };

enum clew_closing_kind {
  CLEW_CLOSING_SENT_FIN = 1,  // nothing more will be sent from here
  CLEW_CLOSING_CLOSED = 2,    // the connection is gone, in both directions
  CLEW_CLOSING_FINISHED = 3,  // nothing more will be sent or read from here: close() was called
};

struct clew_closing {
  struct clew_record record;  // detail: enum clew_closing_kind
  __u64 cookie;
  __u64 sent;  // bytes sent and received since clew saw the socket
  __u64 received;
  __s32 error;  // the socket's pending error as a positive errno (reset, timeout); 0 if none
  __u32 padding;
};

CLEW_ABI_ASSERT(sizeof(struct clew_closing) == 48, "clew_closing");

// A connect() that came to nothing: refused, timed out, unreachable, or given up by its caller.
struct clew_connect_failed {
  struct clew_record record;  // detail: enum clew_evidence of the context; tgid: who connected
  __u64 cookie;
  __u64 begin_ns;
  __u8 local[16];  // as in clew_connection
  __u8 remote[16];
  __u16 local_port;
  __u16 remote_port;
  __u32 tid;
  __s32 error;  // positive errno; 0: its caller closed the socket before there was an answer
  __u32 padding;
  struct clew_context context;
};

CLEW_ABI_ASSERT(sizeof(struct clew_connect_failed) == 112, "clew_connect_failed");
