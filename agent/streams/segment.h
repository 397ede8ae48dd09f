// One captured piece of one direction of a connection, as the stream layer passes it on.
#pragma once

#include <cstdint>

#include "agent/base/bytes.h"
#include "bpf/abi/segment.h"

namespace clew {

/// Who moved the bytes, when, and under which context. Plain data, kept after the bytes are gone.
struct SegmentFacts {
  uint64_t offset = 0;    ///< stream offset of the first byte
  uint64_t end = 0;       ///< offset after the last byte covered
  uint64_t time_ns = 0;   ///< CLOCK_MONOTONIC when the operation ended
  uint64_t begin_ns = 0;  ///< when it began, as far as known; else time_ns
  uint32_t tgid = 0;
  uint32_t tid = 0;
  uint32_t sequence_base = 0;
  bool has_sequence = false;
  bool has_context = false;
  bool operation_start = true;  ///< the first record of its socket operation
  uint8_t evidence = CLEW_EVIDENCE_NONE;
  clew_context context{};
};

/// `bytes` are the first of the `facts.end - facts.offset` bytes covered; the rest was not copied.
struct Segment {
  SegmentFacts facts;
  ByteView bytes;
};

}  // namespace clew
