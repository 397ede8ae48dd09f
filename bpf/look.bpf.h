// What a bounded look at the first bytes of an operation says. User space parses for certain; this
// decides what is copied and when a context begins.
#pragma once

enum {
  LOOK_BYTES = 16,
  FIRST_BYTES = 1024,  // copied of every operation, and all of most
};

enum look {
  LOOK_NOTHING = 0,
  LOOK_PREFIX = 1,  // too short to say: could become either
  LOOK_REQUEST = 2,
  LOOK_RESPONSE = 3,
};
