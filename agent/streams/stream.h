// Puts the segments of one direction of a connection into the order of their bytes. Events arrive
// in the order of the ring buffer, which is not the order of the stream when two threads use one
// socket.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "agent/streams/segment.h"

namespace clew {

/// What a Stream says, in stream order without overlap.
class StreamConsumer {
 public:
  virtual ~StreamConsumer() = default;
  /// The next segment; its bytes are valid during the call.
  virtual void on_segment(const Segment& segment) = 0;
  /// Bytes that will never come: their record was lost.
  virtual void on_lost(uint64_t offset, uint64_t length) = 0;
  /// The direction ended after all that was said before.
  virtual void on_end() = 0;
};

/// Bounded: holds at most `Limits::held_bytes` and `held_segments` of segments that came too early.
class Stream {
 public:
  struct Limits {
    size_t held_bytes = 262'144;
    size_t held_segments = 256;
    uint64_t patience_ns = 50'000'000;  ///< how long a missing segment is waited for
  };

  explicit Stream(const Limits& limits) : limits_(limits) {}

  /// The first segment accepted defines where the stream begins, unless this was called before.
  void begin_at(uint64_t offset);
  void accept(const Segment& segment, StreamConsumer& to);
  /// The direction ends at `offset`; said once all before it was passed on (or given up).
  void end_at(uint64_t offset, StreamConsumer& to);
  /// Gives up what was waited for longer than the patience allows.
  void expire(uint64_t now_ns, StreamConsumer& to);
  /// Passes on all that is held, with its gaps, and the end if it was announced: what is missing
  /// before it is lost.
  void flush(StreamConsumer& to);

  bool holding() const { return !held_.empty(); }
  uint64_t next_offset() const { return next_; }
  /// Segments that covered bytes already passed on; they were dropped.
  uint64_t stale() const { return stale_; }

 private:
  struct Held {
    SegmentFacts facts;
    std::vector<uint8_t> bytes;
  };

  void pass_on(const Segment& segment, StreamConsumer& to);
  void hold(const Segment& segment);
  void release_ready(StreamConsumer& to);
  void skip_to_first_held(StreamConsumer& to);
  void end_if_reached(StreamConsumer& to);

  Limits limits_;
  bool begun_ = false;
  bool ended_ = false;
  uint64_t next_ = 0;
  uint64_t stale_ = 0;
  std::optional<uint64_t> end_;
  size_t held_bytes_ = 0;
  std::vector<Held> held_;  // by offset
};

}  // namespace clew
