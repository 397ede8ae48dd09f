// What is told of PostgreSQL's messages before they are copied: where a conversation begins, where
// a call does, and which part of an operation is worth copying. User space parses for certain.
#pragma once

#include "look.bpf.h"
#include "maps.bpf.h"

enum { PGSQL_MESSAGES = 24 };  // of one operation that are looked at

static __always_inline __u32 big_endian(const __u8 *bytes) {
  return (__u32)bytes[0] << 24 | (__u32)bytes[1] << 16 | (__u32)bytes[2] << 8 | bytes[3];
}

// A client's first packet: a version, or a request to cancel or to encrypt.
static __always_inline bool is_pgsql_startup(const __u8 *bytes, __u32 length) {
  if (length < 8) return false;
  const __u32 size = big_endian(bytes), code = big_endian(bytes + 4);
  if (size < 8 || size > 10000) return false;
  return code >> 16 == 3 || (code >= 80877102 && code <= 80877104);
}

static __always_inline bool is_one_of(__u8 c, __u64 from_at, __u64 from_backtick) {
  if (c >= '@' && c < '`') return from_at >> (c - '@') & 1;
  if (c >= '`' && c < 0x80) return from_backtick >> (c - '`') & 1;
  return false;
}

#define PGSQL_BIT(c) (1ULL << ((c) & 31))

// Messages that a client sends, and of these the ones that are answered.
static __always_inline bool is_pgsql_call(__u8 c) {
  return is_one_of(c,
                   PGSQL_BIT('Q') | PGSQL_BIT('P') | PGSQL_BIT('B') | PGSQL_BIT('D') |
                       PGSQL_BIT('E') | PGSQL_BIT('F') | PGSQL_BIT('C'),
                   0);
}

// In the middle of a connection: a message, and another one or the end behind it, as far as can be
// seen.
static __always_inline bool is_pgsql_chain(const __u8 *bytes, __u32 length, __u32 total) {
  if (length < 6 || bytes[1] || bytes[2]) return false;
  __u32 end = 1 + big_endian(bytes + 1);
  if (end < 5) return false;
  if (end == total) return true;
  barrier_var(end);  // or the bound is tested on a copy, which the verifier does not follow
  if (end > LOOK_BYTES - 3) return !bytes[5] || (bytes[5] >= ' ' && bytes[5] <= '~');  // a name
  if (end + 3 > length || bytes[end + 1] || bytes[end + 2]) return false;
  const __u8 next = bytes[end] | 0x20;
  return (next >= 'a' && next <= 'z') || (next >= '1' && next <= '3');
}

static __always_inline enum look look_for_pgsql(const __u8 *bytes, __u32 length, __u32 total,
                                                bool first) {
  if (is_pgsql_startup(bytes, length)) return LOOK_REQUEST;
  if (first || !is_pgsql_chain(bytes, length, total)) return LOOK_NOTHING;
  switch (bytes[0]) {
    case 'Q':
    case 'P':
    case 'B':
      return LOOK_REQUEST;
    case 'T':
    case '1':
    case '2':
      return LOOK_RESPONSE;
    default:  // both sides have such a message, or it says too little
      return LOOK_NOTHING;
  }
}

// Reads the header at `at` of the workspace. Returns where its message ends; 0 if that cannot be
// told. Global, so that the verifier walks it once.
__noinline int read_pgsql_header(__u32 direction, __u32 at, __u32 length) {
  struct workspace *to = bpf_map_lookup_elem(&workspaces, &direction);
  if (!to || at > FIRST_BYTES - 5 || at + 5 > length) return 0;
  const __u8 type = to->payload[at];
  const __u32 size = big_endian(to->payload + at + 1);
  if (size < 4 || size > 1 << 29) return 0;
  if (type == 'Q' || type == 'E' || type == 'F') ++to->survey.number;
  to->survey.text = type == 'Q' || type == 'P';
  return at + 1 + size;
}

// Walks the messages in the first `length` bytes of an operation of `total`. Returns whether the
// last one is long and ends it. What else was found is in the workspace.
__noinline int survey_pgsql(__u32 direction, __u32 length, __u32 total) {
  struct workspace *to = bpf_map_lookup_elem(&workspaces, &direction);
  if (!to) return 0;
  to->survey.left = 0;
  to->survey.number = 0;
  to->survey.many = 1;
  __u32 end = 0;
  for (__u32 i = 0; i < PGSQL_MESSAGES; ++i) {
    end = read_pgsql_header(direction, end, length);
    if (!end) return 0;
    if (end < total) continue;
    // Of a statement that comes in pieces the next ones are wanted, too.
    to->survey.left = to->survey.text && total < CLEW_PIECE_BYTES ? 0 : end - total;
    to->survey.many = to->survey.number > 1;
    return end > length;
  }
  return 0;
}
