// The maps. Each comment states key, value, writer, lifetime, bound and what counts when it is
// full.
#pragma once

#include "abi/connection.h"
#include "abi/counters.h"
#include "abi/segment.h"
#include "abi/settings.h"
#include "abi/socket_numbers.h"
#include "kernel_types.h"

#include <bpf/bpf_helpers.h>

const volatile struct clew_settings settings;

// Records for user space. Written by every program; bound: set before load (default 8 MiB); a
// record that finds it full is dropped and counts as ring_full.
struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 8 << 20);
} records SEC(".maps");

// enum clew_counter -> count, per CPU. Written here, summed by user space; never reset.
struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, CLEW_COUNTER_COUNT);
  __type(key, __u32);
  __type(value, __u64);
} counters SEC(".maps");

static __always_inline void count(__u32 which) {
  __u64 *value = bpf_map_lookup_elem(&counters, &which);
  if (value) ++*value;
}

enum clew_protocol {
  PROTOCOL_UNKNOWN = 0,
  PROTOCOL_HTTP1 = 1,
  PROTOCOL_OTHER = 2,  // nothing clew reads: left alone
  PROTOCOL_PGSQL = 3,
  PROTOCOL_REDIS = 4,
  PROTOCOL_LINES = 5,  // lines of text: Redis if they are answered so
};

// A trace and the span in it that new work belongs to.
struct owner {
  __u8 trace_id[16];
  __u64 span_id;  // 0: no context
  __u32 evidence;
  __u32 padding;
};

struct socket_state {
  __u64 cookie;
  __u64 bytes[2];          // moved so far, by enum clew_direction: the stream offsets
  __u32 sequence_base[2];  // number of stream offset 0, where `numbered` says so
  __u32 skip[2];           // bytes to come that are inside a value: not copied
  struct owner owner;      // server: the request being served; client: who sent the last request
  struct owner opener;     // client: who opened the connection; consumed by the first request
  __u64 connect_ns;        // when that was
  __u32 opener_tgid;
  __u32 opener_tid;
  __u32 tgid;            // selected process that used the socket last: need not be looked up again
  __u8 role;             // enum clew_role
  __u8 protocol;         // enum clew_protocol
  __u8 announced;        // the connection record is out
  __u8 from_start;       // seen from its first byte
  __u8 looks;            // failed looks at content while the protocol is unknown
  __u8 last_direction;   // 1 + enum clew_direction of the last operation; 0: none yet
  __u8 pipelined;        // requests are sent in bulk: whole operations are copied
  __u8 own;              // clew's own connection
  __u8 numbered[2];      // by direction: sequence_base is known
  __u8 aligned;          // UNIX: both ends count from the same byte
  __u8 unreadable_said;  // counted as unreadable_socket
};

// State of a followed socket. Key: the socket; made at its first operation by a selected process or
// at connect; freed by the kernel with the socket. Bound: the sockets of selected processes; a
// failed allocation counts as socket_state_full.
struct {
  __uint(type, BPF_MAP_TYPE_SK_STORAGE);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, int);
  __type(value, struct socket_state);
} sockets SEC(".maps");

// Where the bytes of an operation lie: one buffer, or a vector of them.
struct source {
  const void *base;  // in user memory; NULL: see vector
  const struct user_iovec *vector;
  __u64 vector_length;
  __u64 skip;          // bytes of the vector before the first of this operation
  __u8 kernel_vector;  // `vector` is the kernel's own copy of the caller's
  __u8 padding[7];
};

// A send under way, as it looked when it began, under the socket's lock.
struct send_begin {
  __u64 time_ns;
  __u64 sk;  // address of the socket, to compare; 0: none under way
  struct source from;
  __u64 last_packet_ns;  // when the last packet came or went
  __u32 sequence;        // number of the first byte
  __u32 copied;          // number up to which the socket had been read
};

struct thread_state {
  struct owner owner;  // what the thread works for
  __u8 fresh;          // it has read a whole request, and sent or opened nothing since
  __u8 overlaps;       // it once read another request then: it does not work on each as it reads it
  __u8 padding[6];
  struct send_begin send;
};

// Key: the task; written by socket operations and at fork; freed by the kernel with the task. A
// failed allocation counts as thread_state_full.
struct {
  __uint(type, BPF_MAP_TYPE_TASK_STORAGE);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, int);
  __type(value, struct thread_state);
} threads SEC(".maps");

// Selected processes. Key: tgid; value: enum clew_selection. Written by user space, at fork
// (children follow), exec and listen; deleted at exit. Bound 65,536; beyond counts as
// process_table_full.
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __uint(max_entries, 65536);
  __type(key, __u32);
  __type(value, __u32);
} processes SEC(".maps");

// The last socket number of each batch when clew was ready. Key: batch, or CLEW_NEWEST_BATCH;
// written once by user space. Bound: one a CPU. Empty where that cannot be told: no socket is
// younger then.
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __uint(max_entries, CLEW_MAX_SOCKET_BATCHES);
  __type(key, __u32);
  __type(value, __u32);
} socket_numbers SEC(".maps");

struct endpoints {
  __u8 local[16];
  __u8 remote[16];
  __u16 local_port;
  __u16 remote_port;
  __u32 network_namespace;
};

// Clew's own connections, as their peer sees them, so that a traced collector on this host does not
// show clew's exports. Written when such a connection is established; least recently used goes
// first.
struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, 256);
  __type(key, struct endpoints);
  __type(value, __u8);
} own_peers SEC(".maps");

// A connection record with the name of a UNIX socket for payload.
struct connection_record {
  struct clew_connection connection;
  __u8 name[CLEW_UNIX_NAME_BYTES];
};

// A walk along a vector, a block of buffers at a time.
enum { VECTOR_BLOCK = 8 };
struct vector_walk {
  struct source from;
  struct user_iovec parts[VECTOR_BLOCK];
  __u64 skip;  // bytes before the first that is wanted
  __u32 length;
  __u32 done;
  __u32 ended;  // nothing more can be copied
};

// What a walk along the messages of an operation found.
struct survey {
  __u32 left;    // bytes of its last value that are still to come
  __u32 number;  // the one read last
  __u8 many;     // several calls, or nobody knows
  __u8 text;     // the last value is a statement
};

// How far a long operation is told.
struct pieces {
  __u32 done;
  __u32 total;
  __u32 limit;  // of the bytes that are copied
};

// Where a record is put together: header, context and one piece of payload. Key: enum
// clew_direction (the send and the receive program may interrupt each other, neither interrupts
// itself).
struct workspace {
  __u8 header[88];
  __u8 payload[2 * CLEW_PIECE_BYTES];
  struct connection_record connection;
  struct vector_walk walk;
  struct survey survey;
  struct pieces pieces;
  __u64 woken_ns;  // when user space was last woken from here
};
struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 2);
  __type(key, __u32);
  __type(value, struct workspace);
} workspaces SEC(".maps");
