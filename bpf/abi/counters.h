// Per-CPU counters kept by the kernel programs. One row: name, whether it counts a loss, and what
// it tells a person. User space reads the array by the same enum.
#pragma once

#define CLEW_KERNEL_COUNTERS(X)                                                         \
  X(segments, 0, "segment records handed to user space")                                \
  X(ring_full, 1, "records that found the ring buffer full (capture.ring_buffer)")      \
  X(socket_state_full, 1, "sockets for which no state could be stored")                 \
  X(thread_state_full, 1, "threads for which no context could be stored")               \
  X(process_table_full, 1, "processes that found the table of selected processes full") \
  X(unreadable, 0,                                                                      \
    "operations whose bytes are not in a buffer clew may read (sendfile, splice ...)")  \
  X(foreign_buffer, 0, "operations made outside the system call that the thread is in") \
  X(copy_failed, 0, "user memory that could not be read")                               \
  X(vector_cut, 0, "operations with more buffers than are followed")                    \
  X(other_protocol, 0, "sockets left alone: no protocol that clew knows")               \
  X(own_socket, 0, "sockets left alone: clew's own connections")

enum clew_counter {
#define CLEW_COUNTER_ENUM(name, loss, text) CLEW_COUNTER_##name,
  CLEW_KERNEL_COUNTERS(CLEW_COUNTER_ENUM)
#undef CLEW_COUNTER_ENUM
      CLEW_COUNTER_COUNT
};
