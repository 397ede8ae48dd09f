// Does an HTTP/1 message begin here?
#pragma once

#include "look.bpf.h"
#include "maps.bpf.h"

static __always_inline bool is_method_byte(__u8 c) {
  return (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
}

// What may follow "METHOD ": a path, "*", or a scheme or authority (proxies, CONNECT).
static __always_inline bool is_target_byte(__u8 c, __u8 method_first) {
  return c == '/' || c == '*' || c == 'h' || c == 'H' || (method_first == 'C' && c > ' ');
}

static __always_inline enum look look_at_version(const __u8 *bytes, __u32 length) {
  const char version[] = "HTTP/1.";
  for (__u32 i = 2; i < 7; ++i) {
    if (i >= length) return LOOK_PREFIX;
    if (bytes[i] != version[i]) return LOOK_NOTHING;
  }
  return LOOK_RESPONSE;
}

// Looks at the first `length` bytes in the workspace of `direction`. Global, so that the verifier
// walks its many paths once. Returns enum look.
__noinline int look_at(__u32 direction, __u32 length) {
  struct workspace *workspace = bpf_map_lookup_elem(&workspaces, &direction);
  if (!workspace || length == 0) return LOOK_NOTHING;
  const __u8 *bytes = workspace->payload;
  if (length > 4) {  // most requests, told by one word
    __u32 word;
    __builtin_memcpy(&word, bytes, sizeof(word));
    if (word == 0x20544547 /* "GET " */ && bytes[4] == '/') return LOOK_REQUEST;
    if (word == 0x54534f50 /* "POST" */ && bytes[4] == ' ' && length > 5 && bytes[5] == '/') {
      return LOOK_REQUEST;
    }
  }
  if (bytes[0] == 'H' && length >= 2 && bytes[1] == 'T') return look_at_version(bytes, length);
  for (__u32 i = 0; i < LOOK_BYTES - 1; ++i) {
    if (i >= length) return LOOK_PREFIX;
    if (bytes[i] == ' ') {
      if (i < 3) return LOOK_NOTHING;
      if (i + 1 >= length) return LOOK_PREFIX;
      return is_target_byte(bytes[i + 1], bytes[0]) ? LOOK_REQUEST : LOOK_NOTHING;
    }
    if (!is_method_byte(bytes[i])) return LOOK_NOTHING;
  }
  return LOOK_NOTHING;
}

// Requests with these methods have no body as a rule: many may be sent in one long operation.
static __always_inline bool is_bodiless(const __u8 *bytes) {
  return bytes[0] == 'G' || bytes[0] == 'H' || bytes[0] == 'D' || bytes[0] == 'O';
}
