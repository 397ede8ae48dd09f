// User space's own counters. Each loss has a name of its own; see also bpf/abi/counters.h.
#pragma once

#include <array>
#include <cstdint>

namespace clew {

// name, whether it counts a loss, what it tells a person
#define CLEW_AGENT_COUNTERS(X)                                                                   \
  X(segments, false, "segments read")                                                            \
  X(spans, false, "spans made")                                                                  \
  X(stream_gaps, true, "breaks in a stream: records that never came")                            \
  X(exchanges_hidden, true, "exchanges whose end lies in bytes that were not seen")              \
  X(connections_evicted, true, "connections dropped because limits.connections was reached")     \
  X(protocol_given_up, false, "connections that stopped being a protocol clew reads")            \
  X(links_ended, false, "parent links left out: the request had ended before the call was sent") \
  X(links_ambiguous, false,                                                                      \
    "parent links left out: several requests shared thread and connection")                      \
  X(links_unknown, false, "parent links left out: the parent request was never seen")            \
  X(joins_late, false, "both ends seen, but one too late to join them")                          \
  X(segments_departed, true, "segments recorded after their connection was given up")            \
  X(bad_records, true, "records that clew could not read")

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
