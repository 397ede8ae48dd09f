// How an input of pipeline_fuzz is cut into records.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "agent/base/bytes.h"

namespace clew {

/// A sequence of two bytes of length (little endian) and that many bytes. A record of length 0
/// means that time passes.
class RecordSequence {
 public:
  explicit RecordSequence(ByteView input) : rest_(input) {}

  /// In storage of its own, aligned as the ring buffer aligns and exactly as long as the record.
  std::optional<std::vector<uint8_t>> next() {
    if (rest_.size() < 2) return std::nullopt;
    size_t length = rest_[0] | static_cast<size_t>(rest_[1]) << 8;
    rest_ = rest_.subspan(2);
    if (length > rest_.size()) length = rest_.size();
    std::vector<uint8_t> record(rest_.begin(), rest_.begin() + static_cast<ptrdiff_t>(length));
    rest_ = rest_.subspan(length);
    return record;
  }

  static void append(const std::vector<uint8_t>& record, std::vector<uint8_t>& sequence) {
    sequence.push_back(static_cast<uint8_t>(record.size()));
    sequence.push_back(static_cast<uint8_t>(record.size() >> 8));
    sequence.insert(sequence.end(), record.begin(), record.end());
  }

 private:
  ByteView rest_;
};

}  // namespace clew
