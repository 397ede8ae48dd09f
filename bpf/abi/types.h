// Fixed-width types for the headers shared by kernel programs and user space. These headers are
// plain C, hold no pointers and no implicit padding, and are checked by static_assert under both
// compilers.
#pragma once

#include <linux/types.h>

#if defined(__cplusplus)
#define CLEW_ABI_ASSERT(condition, text) static_assert(condition, text)
#else
#define CLEW_ABI_ASSERT(condition, text) _Static_assert(condition, text)
#endif
