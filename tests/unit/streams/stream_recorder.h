// Writes down what a Stream says, and checks that it is said in stream order without overlap or
// break.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/streams/stream.h"

namespace clew {

class StreamRecorder final : public StreamConsumer {
 public:
  void on_segment(const Segment& segment) override {
    EXPECT_FALSE(ended) << "bytes after the end";
    follow(segment.facts.offset, segment.facts.end);
    bytes += as_text(segment.bytes);
    uncopied += segment.facts.end - segment.facts.offset - segment.bytes.size();
    ++segments;
  }
  void on_lost(uint64_t offset, uint64_t length) override {
    EXPECT_FALSE(ended) << "loss after the end";
    EXPECT_GT(length, 0u);
    follow(offset, offset + length);
    lost.emplace_back(offset, length);
    bytes.append(length, '?');
  }
  void on_end() override {
    EXPECT_FALSE(ended) << "a stream ends once";
    ended = true;
  }

  std::string bytes;  ///< one '?' for each byte lost
  std::vector<std::pair<uint64_t, uint64_t>> lost;
  uint64_t uncopied = 0;
  size_t segments = 0;
  bool ended = false;
  std::optional<uint64_t> position;  ///< where the next thing said must begin

 private:
  void follow(uint64_t from, uint64_t to) {
    if (position) {
      EXPECT_EQ(from, *position) << "a break or an overlap";
    }
    position = to;
  }
};

/// The bytes [from, to) of `stream`, moved at `time_ns`.
inline Segment piece_of(std::string_view stream, uint64_t from, uint64_t to, uint64_t time_ns = 0) {
  Segment segment;
  segment.facts.offset = from;
  segment.facts.end = to;
  segment.facts.time_ns = time_ns;
  segment.bytes = as_bytes(stream.substr(from, to - from));
  return segment;
}

}  // namespace clew
