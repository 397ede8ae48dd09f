// Which protocol a connection speaks, where its calls begin, and how much of an operation is worth
// copying.
#pragma once

#include "http1.bpf.h"
#include "operation.bpf.h"
#include "pgsql.bpf.h"
#include "redis.bpf.h"

#include <bpf/bpf_endian.h>

// A look at an operation of `total` bytes for databases: enum look, and above it the protocol.
// `first`: nothing moved on the connection before. Global, so that the verifier walks it once.
__noinline int look_for_database(__u32 direction, __u32 length, __u32 total, __u32 first) {
  struct workspace *to = bpf_map_lookup_elem(&workspaces, &direction);
  if (!to || length == 0) return LOOK_NOTHING;
  const enum look pgsql = look_for_pgsql(to->payload, length, total, first);
  if (pgsql) return PROTOCOL_PGSQL << 8 | pgsql;
  if (first ? is_redis_array(to->payload, length) : is_redis_command(to->payload, length)) {
    return PROTOCOL_REDIS << 8 | LOOK_REQUEST;
  }
  if (first && is_redis_line(to->payload, length, total)) {
    return PROTOCOL_LINES << 8 | LOOK_REQUEST;
  }
  return LOOK_NOTHING;
}

// Commands and replies look alike where a connection is joined midway. Servers have the lower port.
static __always_inline bool is_from_server(const struct operation *op) {
  const struct sock_common *ends = &op->sk->__sk_common;
  if (ends->skc_family == AF_UNIX) return false;
  const bool serves = ends->skc_num < bpf_ntohs(ends->skc_dport);
  return serves == (op->facts.direction == CLEW_SENT);
}

// Messages of PostgreSQL begin with a letter, but for the first.
static __always_inline bool is_startup(const struct operation *op) {
  return op->found == PROTOCOL_PGSQL && op->workspace->payload[0] == 0;
}

static __always_inline enum look look_for_protocol(struct operation *op, __u32 length, __u32 total,
                                                   bool first) {
  const enum look http = look_at(op->facts.direction, length);
  op->found = PROTOCOL_HTTP1;
  if (http == LOOK_REQUEST || http == LOOK_RESPONSE) return http;
  const int database = look_for_database(op->facts.direction, length, total, first);
  if (!database) return http;
  op->found = database >> 8;
  // A startup packet is the first of its connection, whatever else is known of that.
  if (is_startup(op) && op->offset == 0) op->state->from_start = 1;
  if (op->found == PROTOCOL_REDIS && !first && is_from_server(op)) return LOOK_RESPONSE;
  return database & 0xff;
}

// Does a message begin with this operation, of a connection whose protocol is known? Of databases,
// only calls are looked for. Global, so that the verifier walks it once. Returns enum look.
__noinline int look_at_known(__u32 direction, __u32 length, __u32 protocol) {
  struct workspace *to = bpf_map_lookup_elem(&workspaces, &direction);
  if (!to || length == 0) return LOOK_NOTHING;
  if (protocol == PROTOCOL_HTTP1) return look_at(direction, length);
  const __u8 *bytes = to->payload;
  if (protocol != PROTOCOL_PGSQL) return bytes[0] == '*' ? LOOK_REQUEST : LOOK_PREFIX;
  return is_pgsql_call(bytes[0]) && (length < 2 || !bytes[1]) ? LOOK_REQUEST : LOOK_NOTHING;
}

// What database_limit has to know of an operation.
enum {
  HOW_PGSQL = 1,
  HOW_CALLS = 2,       // it goes to the server
  HOW_STARTS = 4,      // a call begins with it
  HOW_PIPELINED = 8,   // calls are sent in bulk
  HOW_VALUE_ENDS = 16  // it begins inside a value
};

// How many bytes of an operation of `total` bytes are copied: all where several calls or answers
// may lie in it, else not the inside of values. What is to come of a value, and whether there are
// several calls, is in the workspace. Global, so that the verifier walks it once.
__noinline int database_limit(__u32 direction, __u32 length, __u32 total, __u32 how) {
  struct workspace *to = bpf_map_lookup_elem(&workspaces, &direction);
  if (!to) return 0;
  to->survey.left = 0;
  to->survey.many = !!(how & HOW_PIPELINED);
  if (!(how & HOW_PGSQL)) {
    if (total <= FIRST_BYTES || how & HOW_VALUE_ENDS) return WHOLE_BYTES;
    return survey_redis(direction, length, total) ? FIRST_BYTES : WHOLE_BYTES;
  }
  if (!(how & HOW_CALLS)) return how & HOW_PIPELINED ? WHOLE_BYTES : FIRST_BYTES;
  if (!(how & HOW_STARTS)) return WHOLE_BYTES;
  if (!survey_pgsql(direction, length, total)) return WHOLE_BYTES;
  return to->survey.text ? CLEW_PIECE_BYTES : FIRST_BYTES;
}

// What the first answer, of `total` bytes, tells of a connection whose protocol was not certain
// until then.
static __always_inline void settle_protocol(struct operation *op, __u32 total, __u8 first_byte) {
  struct socket_state *state = op->state;
  if (state->protocol == PROTOCOL_LINES) {
    state->protocol = is_redis_reply(first_byte) ? PROTOCOL_REDIS : PROTOCOL_OTHER;
    if (state->protocol == PROTOCOL_OTHER) count(CLEW_COUNTER_other_protocol);
  } else if (state->protocol == PROTOCOL_PGSQL && op->offset == 0 && state->from_start &&
             total == 1 && first_byte != 'N') {
    state->protocol = PROTOCOL_OTHER;  // 'S' or 'G': yes, let us encrypt
    count(CLEW_COUNTER_encrypted);
  }
}
