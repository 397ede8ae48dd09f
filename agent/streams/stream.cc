#include "agent/streams/stream.h"

#include <algorithm>

namespace clew {

void Stream::begin_at(uint64_t offset) {
  if (begun_) return;
  begun_ = true;
  next_ = offset;
}

void Stream::accept(const Segment& segment, StreamConsumer& to) {
  begin_at(segment.facts.offset);
  if (segment.facts.offset < next_) {
    ++stale_;
    return;
  }
  if (segment.facts.offset == next_) {
    pass_on(segment, to);
    if (!held_.empty()) release_ready(to);
  } else {
    hold(segment);
    while (held_.size() > limits_.held_segments || held_bytes_ > limits_.held_bytes) {
      skip_to_first_held(to);
    }
  }
  if (end_) end_if_reached(to);
}

void Stream::end_at(uint64_t offset, StreamConsumer& to) {
  if (end_) return;
  begin_at(offset);
  end_ = offset;
  end_if_reached(to);
}

void Stream::expire(uint64_t now_ns, StreamConsumer& to) {
  while (!held_.empty()) {
    const auto oldest =
        std::ranges::min_element(held_, {}, [](const Held& held) { return held.facts.time_ns; });
    if (oldest->facts.time_ns + limits_.patience_ns > now_ns) break;
    skip_to_first_held(to);
  }
  if (end_) end_if_reached(to);
}

void Stream::flush(StreamConsumer& to) {
  while (!held_.empty()) skip_to_first_held(to);
  if (!end_) return;
  if (next_ < *end_) to.on_lost(next_, *end_ - next_);
  next_ = std::max(next_, *end_);
  end_if_reached(to);
}

void Stream::pass_on(const Segment& segment, StreamConsumer& to) {
  next_ = segment.facts.end;
  to.on_segment(segment);
}

void Stream::hold(const Segment& segment) {
  const auto place = std::ranges::lower_bound(held_, segment.facts.offset, {},
                                              [](const Held& held) { return held.facts.offset; });
  held_.insert(place, Held{segment.facts, {segment.bytes.begin(), segment.bytes.end()}});
  held_bytes_ += segment.bytes.size();
}

void Stream::release_ready(StreamConsumer& to) {
  while (!held_.empty() && held_.front().facts.offset <= next_) {
    const Held first = std::move(held_.front());
    held_.erase(held_.begin());
    held_bytes_ -= first.bytes.size();
    if (first.facts.offset < next_) {
      ++stale_;
    } else {
      pass_on({first.facts, first.bytes}, to);
    }
  }
}

void Stream::skip_to_first_held(StreamConsumer& to) {
  const uint64_t lost = next_;
  next_ = held_.front().facts.offset;
  if (next_ > lost) to.on_lost(lost, next_ - lost);
  release_ready(to);
}

void Stream::end_if_reached(StreamConsumer& to) {
  if (ended_ || !held_.empty()) return;
  if (next_ > *end_) end_ = next_;  // counted past what was announced: believe the bytes
  if (next_ < *end_) return;
  ended_ = true;
  to.on_end();
}

}  // namespace clew
