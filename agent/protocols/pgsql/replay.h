// Conversations as files, for the fuzz target and for tests: a list of operations, each a byte of
// flags (bit 0 response side, bit 1 begins a socket operation, bits 2 and 3: gap, with bit 4: end),
// two bytes of length n in network order, a byte that seeds splits, then n bytes.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "agent/base/bytes.h"
#include "agent/protocols/protocol.h"

namespace clew::pgsql {

struct Call {
  enum Kind : uint8_t { Bytes, Gap, End } kind;
  Side side;
  bool operation_start;
  uint8_t seed;
  ByteView bytes;
  uint64_t length;
};

inline std::vector<Call> decode_calls(ByteView input) {
  std::vector<Call> calls;
  while (input.size() >= 4) {
    const uint8_t flags = input[0], seed = input[3];
    const size_t length = size_t{input[1]} << 8 | input[2];
    input = input.subspan(4);
    Call call{
        Call::Bytes, (flags & 1) != 0 ? Side::Response : Side::Request, (flags & 2) != 0, seed, {},
        length};
    if ((flags & 0x0c) == 0x0c) {
      call.kind = (flags & 0x10) != 0 ? Call::End : Call::Gap;
    } else {
      call.bytes = input.first(std::min(length, input.size()));
      input = input.subspan(call.bytes.size());
    }
    calls.push_back(call);
  }
  return calls;
}

}  // namespace clew::pgsql
