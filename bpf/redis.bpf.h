// What is told of Redis' protocol before it is copied: where a conversation begins, where a command
// does, and which part of an operation is worth copying. User space parses for certain.
#pragma once

#include "look.bpf.h"
#include "maps.bpf.h"

enum {
  REDIS_ITEMS = 6,    // headers looked at in one operation: most commands have them all
  REDIS_DIGITS = 10,  // of a length
};

static __always_inline bool is_digit(__u8 c) {
  return c >= '0' && c <= '9';
}

static __always_inline bool is_letter(__u8 c) {
  c |= 0x20;
  return c >= 'a' && c <= 'z';
}

// What a reply may begin with (RESP2 and RESP3).
static __always_inline bool is_redis_reply(__u8 c) {
  switch (c) {
    case '+':
    case '-':
    case ':':
    case '$':
    case '*':
    case '_':
    case '#':
    case ',':
    case '(':
    case '!':
    case '=':
    case '%':
    case '~':
    case '|':
    case '>':
      return true;
    default:
      return false;
  }
}

// "*3\r\n$3\r\nS": an array of bulk strings, the first of them a word; as far as it can be seen.
static __always_inline bool is_redis_array(const __u8 *bytes, __u32 length) {
  if (bytes[0] != '*') return false;
  if (length < 2) return true;
  if (!is_digit(bytes[1])) return false;
  // Two digits of each number, or one: all that real commands have where a connection begins.
  const __u32 shift = length > 2 && is_digit(bytes[2]);
  if (length < 8 + shift) return true;
  if (bytes[2 + shift] != '\r' || bytes[4 + shift] != '$' || !is_digit(bytes[5 + shift])) {
    return false;
  }
  if (bytes[6 + shift] == '\r') return length < 9 + shift || is_letter(bytes[8 + shift]);
  return is_digit(bytes[6 + shift]) && bytes[7 + shift] == '\r';
}

// A line of text that may be an inline command; the answer will tell.
static __always_inline bool is_redis_line(const __u8 *bytes, __u32 length, __u32 total) {
  if (!is_letter(bytes[0])) return false;
  __u8 last = 0;
  for (__u32 i = 0; i < LOOK_BYTES; ++i) {
    if (i >= length) break;
    last = bytes[i];
    if (last == '\n') return true;
    if (last != '\r' && last != '\t' && (last < ' ' || last > '~')) return false;
  }
  return total > LOOK_BYTES;
}

// In the middle of a connection only commands are told for sure from other text.
static __always_inline bool is_redis_command(const __u8 *bytes, __u32 length) {
  return length > 8 && is_redis_array(bytes, length);
}

// Reads "<type><digits>\r\n" at `at` of the workspace: the number goes there, too. Returns the
// place after it; 0 if there is none. Global, so that the verifier walks it once.
__noinline int read_redis_header(__u32 direction, __u32 at, __u32 length) {
  struct workspace *to = bpf_map_lookup_elem(&workspaces, &direction);
  if (!to) return 0;
  __u32 number = 0;
  for (__u32 i = 1; i <= REDIS_DIGITS + 1; ++i) {
    const __u32 place = at + i;
    if (place >= FIRST_BYTES || place >= length) return 0;
    const __u8 c = to->payload[place];
    if (c == '\r') {
      to->survey.number = number;
      return i > 1 ? place + 2 : 0;
    }
    if (!is_digit(c)) return 0;
    number = number * 10 + (c - '0');
  }
  return 0;
}

// Walks the beginning of an operation of `total` bytes, of which `length` lie in the workspace, for
// a bulk string that is the rest of it. Global, so that the verifier walks it once. The result is
// in the workspace.
__noinline int survey_redis(__u32 direction, __u32 length, __u32 total) {
  struct workspace *to = bpf_map_lookup_elem(&workspaces, &direction);
  if (!to) return 0;
  __u32 at = 0;
  to->survey.left = 0;
  to->survey.many = 1;
  to->survey.text = 0;
  for (__u32 i = 0; i < REDIS_ITEMS; ++i) {
    barrier_var(at);
    if (at >= FIRST_BYTES || at >= length) return 0;
    const __u8 type = to->payload[at];
    if (type != '$' && type != '*') return 0;
    at = read_redis_header(direction, at, length);
    const __u32 value = to->survey.number;
    if (!at || value > 1 << 30) return 0;
    if (type == '*') continue;
    at += value + 2;
    if (at > length && at >= total) {
      to->survey.left = at - total;
      to->survey.many = 0;
      return 1;
    }
  }
  return 0;
}
