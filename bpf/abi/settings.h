// Settings frozen into the programs before they are loaded (const volatile: the verifier removes
// what is switched off).
#pragma once

#include "types.h"

enum { CLEW_PORT_RANGES = 16 };

struct clew_port_range {
  __u16 first;
  __u16 last;
};

struct clew_settings {
  __u32 own_tgid;          // clew itself: never captured
  __u32 ring_bytes;        // size of the ring buffer
  __u8 select_all;         // every process but clew
  __u8 judge_executables;  // report every exec, capture until user space has judged
  __u8 port_ranges;        // used entries of `ports`
  __u8 unix_sockets;       // UNIX sockets are followed, too
  struct clew_port_range ports[CLEW_PORT_RANGES];  // processes that listen on these are selected
};

CLEW_ABI_ASSERT(sizeof(struct clew_settings) == 12 + 64, "clew_settings");
