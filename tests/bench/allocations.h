// Counts what the program takes from the heap. Linking allocations.cc replaces operator new.
#pragma once

#include <cstdint>

namespace clew {

/// Calls of operator new so far, of all threads.
uint64_t allocations();

}  // namespace clew
