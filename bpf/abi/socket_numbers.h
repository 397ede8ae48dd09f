// Whether a socket is older than clew: by the number of its inode. Kernels hand these out in
// batches, one to a CPU at a time (fs/inode.c, get_next_ino), so that within a batch the later
// number is the younger socket, and of batches that no CPU held when clew began, the later ones are
// younger.
#pragma once

#include "types.h"

enum {
  CLEW_SOCKET_BATCH_SHIFT = 10,
  CLEW_NEWEST_BATCH = 0xffffffff,  // key of the number of the newest batch then
  CLEW_MAX_SOCKET_BATCHES = 4096,  // at most one a CPU
};
