// An exchange under way on a connection, as the stitcher keeps it: times, identity, place in the
// tree.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "agent/base/front_queue.h"
#include "agent/protocols/protocol.h"
#include "agent/stitch/peers.h"
#include "agent/stitch/trace_node.h"
#include "agent/streams/segment.h"
#include "bpf/abi/connection.h"

namespace clew {

struct OpenExchange {
  uint64_t number = 0;
  NodeRef node;
  uint32_t tgid = 0;
  uint64_t kernel_id = 0;  ///< of a served one: the span id that calls may name; 0: none
  uint64_t alias = 0;      ///< span id of the latest mistaken start within it; 0: none
};

/// The ends of a connection and what the stitcher keeps for it.
struct StitchedConnection {
  clew_role role = CLEW_ROLE_UNKNOWN;
  uint32_t tgid = 0;
  std::string local_address, remote_address;  ///< as text, IPv4-mapped addresses as IPv4
  uint16_t local_port = 0, remote_port = 0;
  bool is_unix = false;       ///< addresses are names of sockets, empty if they have none
  int error = 0;              ///< errno of what went wrong with it last; 0: nothing
  bool owner_exited = false;  ///< its process ended with it open
  /// The attributes that say who the peer is, encoded for spans of the kind `described_as`.
  std::string peer_attributes;
  SpanKind described_as = SpanKind::Internal;
  ConnectionKey key;
  std::shared_ptr<PeerPair> pair;

  FrontQueue<OpenExchange> open;  ///< in the order of their requests
  uint64_t begun = 0;             ///< exchanges begun so far

  /// Sequence number of stream offset 0 on the request side, once known.
  bool has_sequence = false;
  uint32_t sequence_base = 0;
};

}  // namespace clew
