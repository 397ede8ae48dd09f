// Drives a session with sides, splits, gaps and ends of the input's choosing. Checks that the
// events are well-formed, that bytes given whole and bytes given in pieces tell the same, and that
// nothing counts as lost unless there was a gap.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <unordered_map>
#include <vector>

#include "agent/protocols/http1/spans.h"

namespace {

using clew::ByteView;
using clew::MessageEvent;
using clew::Side;
using How = MessageEvent::How;
using Kind = MessageEvent::Kind;

void require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "violated: %s\n", what);
  std::abort();
}

// One call, as decoded from the input. The input is a list of operations: a byte of flags (bit 0
// side, bit 1 begins an operation, bits 2-3 kind), a byte of length n, a byte of split seed, then n
// bytes.
struct Call {
  enum { Bytes, Gap, End } kind;
  Side side;
  bool operation_start;
  uint8_t seed;
  ByteView bytes;
  uint64_t length;
};

std::vector<Call> decode(ByteView input) {
  std::vector<Call> calls;
  while (input.size() >= 3) {
    const uint8_t flags = input[0], length = input[1], seed = input[2];
    input = input.subspan(3);
    Call call{
        Call::Bytes, (flags & 1) != 0 ? Side::Response : Side::Request, (flags & 2) != 0, seed, {},
        length};
    if ((flags & 0x0c) == 0x0c) {
      call.kind = (flags & 0x10) != 0 ? Call::End : Call::Gap;
    } else {
      call.bytes = input.first(std::min<size_t>(length, input.size()));
      input = input.subspan(call.bytes.size());
    }
    calls.push_back(call);
  }
  return calls;
}

class Checker {
 public:
  explicit Checker(bool splits) : splits_(splits) {}

  void make(const Call& call) {
    uint64_t& offset = offsets_[call.side == Side::Request ? 0 : 1];
    ++moment_;
    switch (call.kind) {
      case Call::Bytes:
        feed(call, offset);
        break;
      case Call::Gap:
        session_.gap(call.side, offset, call.length, moment_, events_);
        offset += call.length;
        break;
      case Call::End:
        session_.end(call.side, events_);
        response_ended_ = response_ended_ || call.side == Side::Response;
        break;
    }
    check();
  }
  void finish(clew::Ending why) {
    const size_t before = told_.size();
    session_.finish(why, events_);
    check();
    for (size_t i = before; i < told_.size(); ++i) {
      require(
          why == clew::Ending::ConnectionGone || response_ended_ || told_[i].how != How::Unanswered,
          "what goes on may be answered yet");
    }
    require(live_.empty(), "every exchange ends");
  }
  const std::vector<MessageEvent>& told() const { return told_; }

 private:
  struct Exchange {
    bool request_ended = false, response_started = false;
  };

  void feed(const Call& call, uint64_t& offset) {
    ByteView rest = call.bytes;
    bool start = call.operation_start;
    uint32_t random = call.seed;
    do {
      random = random * 1664525 + 1013904223;
      const size_t size =
          splits_ ? std::min<size_t>(rest.size(), 1 + (random >> 24) % 9) : rest.size();
      // A copy of exactly that size, so that reading past it is seen.
      const std::vector<uint8_t> piece(rest.begin(), rest.begin() + static_cast<ptrdiff_t>(size));
      session_.feed(call.side, piece, offset, {moment_, start}, events_);
      check();
      offset += size;
      rest = rest.subspan(size);
      start = false;
    } while (!rest.empty());
  }

  void check() {
    for (const MessageEvent& event : events_) {
      if (event.kind == Kind::RequestStarted) {
        require(event.exchange == next_++, "exchanges are numbered in order");
        live_[event.exchange] = {};
      }
      const auto found = live_.find(event.exchange);
      require(found != live_.end(), "events are of live exchanges");
      require(event.offset <= std::max(offsets_[0], offsets_[1]) + 255, "offsets were fed");
      if (event.kind == Kind::RequestEnded) {
        require(!std::exchange(found->second.request_ended, true), "a request ends once");
      }
      if (event.kind == Kind::ResponseStarted) {
        require(!std::exchange(found->second.response_started, true), "a response starts once");
      }
      if (event.kind == Kind::ExchangeEnded) {
        span_.clear();
        session_.describe(event.exchange, clew::SpanKind::Client, span_);
        session_.describe(event.exchange, clew::SpanKind::Server, span_);
        clew::SpanBatch batch;
        span_.commit({}, batch);
        live_.erase(found);
      }
      told_.push_back(event);
    }
    events_.clear();
  }

  bool splits_;
  clew::HttpSettings settings_{.request_headers = {"host", "a"}, .response_headers = {"via", "a"}};
  clew::http1::Http1Session session_{settings_};
  clew::SpanBuilder span_;
  uint64_t offsets_[2] = {0, 0};
  uint64_t moment_ = 0;
  std::vector<MessageEvent> events_, told_;
  std::unordered_map<uint64_t, Exchange> live_;
  bool response_ended_ = false;
  uint64_t next_ = 0;
};

// Where framing or pairing broke, the end is known no better than to the piece.
bool equal(const MessageEvent& a, const MessageEvent& b) {
  const bool is_exact =
      a.how != How::Malformed && a.how != How::GapLost && a.how != How::Unfinished;
  return a.kind == b.kind && a.how == b.how && a.exchange == b.exchange &&
         (a.offset == b.offset || !is_exact);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const ByteView input(data, size);
  clew::http1::detect(input);
  const std::vector<Call> calls = decode(input);
  Checker whole(false), split(true);
  // After a gap the end of a piece means something (parser.h), so that only gapless input must
  // agree.
  bool has_gap = false;
  for (const Call& call : calls) {
    has_gap = has_gap || call.kind == Call::Gap;
    whole.make(call);
    split.make(call);
  }
  const auto why = size % 2 == 0 ? clew::Ending::ConnectionGone : clew::Ending::ClewStopped;
  whole.finish(why);
  split.finish(why);
  if (has_gap) return 0;
  for (const MessageEvent& event : whole.told()) {
    require(event.how != How::GapLost, "nothing is lost where every byte was seen");
  }
  require(whole.told().size() == split.told().size(), "whole and split tell as much");
  for (size_t i = 0; i < whole.told().size(); ++i) {
    require(equal(whole.told()[i], split.told()[i]), "whole and split tell the same");
  }
  return 0;
}
