#include "agent/pipeline/detector.h"

#include <algorithm>

#include "agent/protocols/registry.h"

namespace clew {

Detector::Found Detector::look(clew_direction direction, const Segment& segment, bool from_start) {
  std::string together;
  uint64_t begin = segment.facts.offset;
  for (const Held& held : held_) {
    if (held.direction != direction) continue;
    if (together.empty()) begin = held.facts.offset;
    together += held.bytes;
  }
  ByteView bytes = segment.bytes;
  if (!together.empty()) {
    together += as_text(segment.bytes);
    bytes = as_bytes(together);
  }
  const bool first = from_start && begin == 0;
  const bool whole = segment.bytes.size() == segment.facts.end - segment.facts.offset;
  for (const Protocol& protocol : protocols()) {
    const auto limited = bytes.first(std::min(bytes.size(), protocol.detection_limit));
    const Detection found = protocol.detect(limited, first);
    if (found == Detection::No) continue;
    if (found != Detection::NeedMore) {
      return {&protocol, found == Detection::Request ? Side::Request : Side::Response};
    }
    if (!whole || held_.size() == kMaxHeldSegments || bytes.size() > kMaxHeldBytes) break;
    held_.push_back({direction, segment.facts, std::string(as_text(segment.bytes))});
    return {};
  }
  held_.clear();
  return {};
}

}  // namespace clew
