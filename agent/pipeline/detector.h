// Which protocol a connection speaks, by the first bytes that are seen of it.
#pragma once

#include <string>
#include <vector>

#include "agent/protocols/protocol.h"
#include "agent/streams/segment.h"

namespace clew {

/// Holds a connection's segments for as long as they are too few to tell. The registry's order
/// decides between protocols.
class Detector {
 public:
  /// A segment kept beyond the record that it came in.
  struct Held {
    clew_direction direction;
    SegmentFacts facts;
    std::string bytes;
  };
  struct Found {
    const Protocol* protocol = nullptr;  ///< null: not yet, or none that clew knows
    Side side = Side::Request;           ///< of the segment that told it
  };

  /// The next segment of the connection; `from_start`: stream offset 0 is its first byte. If the
  /// bytes can become a protocol's, the segment is held.
  Found look(clew_direction direction, const Segment& segment, bool from_start);
  /// What was held, in order, without the segment that told the protocol.
  std::vector<Held> take() { return std::move(held_); }
  /// The bytes that follow are not the next ones.
  void forget() { held_.clear(); }

  /// Held of one connection; beyond, the oldest bytes are not those of a protocol.
  static constexpr size_t kMaxHeldSegments = 64, kMaxHeldBytes = 1024;

 private:
  std::vector<Held> held_;
};

}  // namespace clew
