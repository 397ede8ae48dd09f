// User space's own counters. Each loss has a name of its own; see also bpf/abi/counters.h.
#pragma once

#include <array>
#include <cstdint>

#include "bpf/abi/counters.h"

namespace clew {

// name, enum clew_loss, what it tells a person
#define CLEW_AGENT_COUNTERS(X)                                                                    \
  X(segments, CLEW_NO_LOSS, "segments read")                                                      \
  X(spans, CLEW_NO_LOSS, "spans made")                                                            \
  X(connects_failed, CLEW_NO_LOSS, "connections that were not made: a span each")                 \
  X(stream_gaps, CLEW_LOST_EVIDENCE, "breaks in a stream: records that never came")               \
  X(exchanges_hidden, CLEW_LOST_EVIDENCE, "exchanges whose end lies in bytes that were not seen") \
  X(requests_unseen, CLEW_LOST_EVIDENCE,                                                          \
    "exchanges of which only the answer was seen: no span (their requests count as lost, too)")   \
  X(connections_evicted, CLEW_LOST_EVIDENCE,                                                      \
    "connections dropped because limits.connections was reached")                                 \
  X(protocol_given_up, CLEW_NO_LOSS, "connections that stopped being a protocol clew reads")      \
  X(links_ended, CLEW_NO_LOSS,                                                                    \
    "parent links left out: the request had ended before the call was sent")                      \
  X(links_ambiguous, CLEW_NO_LOSS,                                                                \
    "parent links left out: several requests shared thread and connection")                       \
  X(links_unknown, CLEW_NO_LOSS, "parent links left out: the parent request was never seen")      \
  X(joins_late, CLEW_NO_LOSS, "both ends seen, but one too late to join them")                    \
  X(segments_departed, CLEW_LOST_EVIDENCE,                                                        \
    "segments recorded after their connection was given up")                                      \
  X(segments_stale, CLEW_LOST_EVIDENCE, "segments of bytes that were taken for passed unseen")    \
  X(routes_overflowed, CLEW_NO_LOSS, "spans without a route: limits.routes was reached")          \
  X(bad_records, CLEW_LOST_EVIDENCE, "records that clew could not read")

enum class Counter : uint8_t {
#define CLEW_AGENT_COUNTER_ENUM(name, loss, text) name,
  CLEW_AGENT_COUNTERS(CLEW_AGENT_COUNTER_ENUM)
#undef CLEW_AGENT_COUNTER_ENUM
};

#define CLEW_AGENT_COUNTER_ONE(name, loss, text) +1
constexpr size_t kAgentCounters = 0 CLEW_AGENT_COUNTERS(CLEW_AGENT_COUNTER_ONE);
#undef CLEW_AGENT_COUNTER_ONE

/// Written and read by the pipeline's thread only.
class Counters {
 public:
  void add(Counter counter, uint64_t amount = 1) {
    values_[static_cast<size_t>(counter)] += amount;
  }
  uint64_t operator[](Counter counter) const { return values_[static_cast<size_t>(counter)]; }

 private:
  std::array<uint64_t, kAgentCounters> values_{};
};

}  // namespace clew
