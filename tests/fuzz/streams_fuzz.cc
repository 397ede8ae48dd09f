// A stream cut, shuffled, doubled and holed as the input says, through Stream and through a model
// that keeps everything: a map of bytes. Where no bound is met both must say the same; where one
// is, each byte is still said once, as itself or as lost.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "agent/streams/stream.h"

namespace {

using clew::ByteView;
using clew::Segment;
using clew::Stream;

constexpr uint64_t kPatience = 1000;

void require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "violated: %s\n", what);
  std::abort();
}

uint8_t byte_at(uint64_t offset) {
  return static_cast<uint8_t>(offset * 131 + (offset >> 8));
}

enum class Said : uint8_t { Nothing, Byte, Lost };

class Checker final : public clew::StreamConsumer {
 public:
  void on_segment(const Segment& segment) override {
    require(!ended, "no bytes after the end");
    for (size_t i = 0; i < segment.bytes.size(); ++i) {
      require(segment.bytes[i] == byte_at(segment.facts.offset + i), "bytes are the stream's");
    }
    follow(segment.facts.offset, segment.facts.end, Said::Byte);
  }
  void on_lost(uint64_t offset, uint64_t length) override {
    require(!ended && length > 0, "a loss is some bytes before the end");
    follow(offset, offset + length, Said::Lost);
  }
  void on_end() override {
    require(!ended, "a stream ends once");
    ended = true;
  }

  std::vector<Said> said;
  bool ended = false;

 private:
  void follow(uint64_t from, uint64_t to, Said what) {
    require(from == said.size(), "no break and no overlap");
    said.resize(to, what);
  }
};

}  // namespace

// Input: a byte of bounds (bit 0: tight), then for each operation a byte: low 5 bits + 1 the length
// of the next piece; bit 5: it is lost; bit 6: it comes later, before one of the next pieces; bit
// 7: it comes twice.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0 || size > 4096) return 0;
  const bool tight = (data[0] & 1) != 0;
  const Stream::Limits limits =
      tight ? Stream::Limits{64, 3, kPatience} : Stream::Limits{1 << 20, 1 << 16, ~0ull >> 1};
  Stream stream(limits);
  Checker checker;
  std::vector<Said> model;
  std::vector<Segment> late;
  std::vector<std::vector<uint8_t>> storage(size);
  uint64_t now_ns = 1;
  uint64_t fed = 0;

  const auto feed = [&](Segment segment) {
    segment.facts.time_ns = now_ns += 100;
    stream.accept(segment, checker);
    if (tight) stream.expire(now_ns, checker);
    require(stream.holding() || stream.next_offset() == checker.said.size(), "holds what is early");
    ++fed;
  };
  stream.begin_at(0);
  for (size_t i = 1; i < size; ++i) {
    const uint8_t code = data[i];
    Segment segment;
    segment.facts.offset = model.size();
    segment.facts.end = model.size() + (code & 31) + 1;
    for (uint64_t at = segment.facts.offset; at < segment.facts.end; ++at) {
      storage[i].push_back(byte_at(at));
    }
    segment.bytes = storage[i];
    const bool is_lost = (code & 32) != 0;
    model.resize(segment.facts.end, is_lost ? Said::Lost : Said::Byte);
    if (is_lost) continue;
    if (code & 64) {
      late.push_back(segment);
    } else {
      feed(segment);
      if (code & 128) feed(segment);
    }
    if (late.size() > (code & 7u)) {
      feed(late.back());
      late.pop_back();
    }
  }
  for (const auto& segment : late) feed(segment);
  stream.end_at(model.size(), checker);
  stream.flush(checker);

  require(checker.ended, "the end is said");
  require(checker.said.size() == model.size(), "segments and losses make up the stream");
  if (!tight) {
    require(checker.said == model, "what came is passed on, what did not is lost");
    return 0;
  }
  for (size_t i = 0; i < model.size(); ++i) {
    require(model[i] != Said::Lost || checker.said[i] == Said::Lost, "nothing is made up");
  }
  return 0;
}
