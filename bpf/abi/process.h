// Life of selected processes, and of those that user space has yet to judge.
#pragma once

#include "record.h"

enum clew_process_event {
  CLEW_PROCESS_FORK = 1,
  CLEW_PROCESS_EXEC = 2,
  CLEW_PROCESS_EXIT = 3,
  CLEW_PROCESS_LISTEN = 4,  // began to listen on a selected port
};

enum { CLEW_ARGUMENT_BYTES = 512, CLEW_FILENAME_BYTES = 256 };

// EXEC carries a payload: the command line as NUL-terminated arguments, cut at CLEW_ARGUMENT_BYTES.
struct clew_process {
  struct clew_record record;  // detail: enum clew_process_event; tgid: the process itself;
                              // flags: the port of a LISTEN
  __u32 parent;
  __u32 argument_length;
  char command[16];
  char filename[CLEW_FILENAME_BYTES];  // EXEC: as given to execve, NUL-terminated
};

CLEW_ABI_ASSERT(sizeof(struct clew_process) == 40 + 256, "clew_process");

// Value of the map of selected processes.
enum clew_selection {
  CLEW_SELECTED = 1,
  CLEW_PENDING = 2,  // captured until user space has judged its executable
};
