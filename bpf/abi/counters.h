// Per-CPU counters kept by the kernel programs. One row: name, enum clew_loss, and what it tells a
// person. User space reads the array by the same enum.
#pragma once

enum clew_loss {
  CLEW_NO_LOSS = 0,
  CLEW_LOST_EXCHANGES = 1,  // each is an exchange without a span
  CLEW_LOST_EVIDENCE = 2,   // each is a piece of one, or of what might have been one
};

#define CLEW_KERNEL_COUNTERS(X)                                                                    \
  X(ring_full, CLEW_LOST_EVIDENCE,                                                                 \
    "records that found the ring buffer full (capture.ring_buffer)")                               \
  X(requests_ring_full, CLEW_LOST_EXCHANGES,                                                       \
    "requests that found the ring buffer full (capture.ring_buffer)")                              \
  X(socket_state_full, CLEW_LOST_EVIDENCE, "sockets for which no state could be stored")           \
  X(thread_state_full, CLEW_LOST_EVIDENCE, "threads for which no context could be stored")         \
  X(process_table_full, CLEW_LOST_EVIDENCE,                                                        \
    "processes that found the table of selected processes full")                                   \
  X(unreadable_socket, CLEW_LOST_EVIDENCE,                                                         \
    "sockets left alone: their first bytes could not be read (io_uring, splice)")                  \
  X(unreadable, CLEW_NO_LOSS,                                                                      \
    "operations whose bytes are not in a buffer clew may read (sendfile, splice ...)")             \
  X(foreign_buffer, CLEW_NO_LOSS, "operations made outside the system call that the thread is in") \
  X(foreign_process, CLEW_NO_LOSS, "operations of a process not followed on a followed socket")    \
  X(passed_unseen, CLEW_NO_LOSS,                                                                   \
    "times that bytes left a socket unseen (splice), told by its sequence numbers")                \
  X(copy_failed, CLEW_NO_LOSS, "user memory that could not be read")                               \
  X(vector_cut, CLEW_NO_LOSS, "operations with more buffers than are followed")                    \
  X(other_protocol, CLEW_NO_LOSS, "sockets left alone: no protocol that clew knows")               \
  X(encrypted, CLEW_NO_LOSS, "sockets left alone: encrypted after a request in clear text")        \
  X(own_socket, CLEW_NO_LOSS, "sockets left alone: clew's own connections")

enum clew_counter {
#define CLEW_COUNTER_ENUM(name, loss, text) CLEW_COUNTER_##name,
  CLEW_KERNEL_COUNTERS(CLEW_COUNTER_ENUM)
#undef CLEW_COUNTER_ENUM
      CLEW_COUNTER_COUNT
};
