// Drives a session with sides, splits, gaps and ends of the input's choosing. Checks that the
// events are well-formed, that bytes given whole and bytes given in pieces tell the same, and that
// every exchange that is told ends once.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <unordered_map>
#include <vector>

#include "agent/protocols/redis/spans.h"

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
// side, bit 1 begins an operation, bits 2-3 kind, bit 4 an end in place of a gap, bit 5 a gap of
// unknown moment, bit 6 a pause before), a byte of length n, a byte of split seed, then n bytes.
struct Call {
  enum { Bytes, Gap, End } kind;
  Side side;
  bool operation_start, moment_unknown, pause;
  uint8_t seed;
  ByteView bytes;
  uint64_t length;
};

std::vector<Call> decode(ByteView input) {
  std::vector<Call> calls;
  while (input.size() >= 3) {
    const uint8_t flags = input[0], length = input[1], seed = input[2];
    input = input.subspan(3);
    Call call{.kind = Call::Bytes,
              .side = (flags & 1) != 0 ? Side::Response : Side::Request,
              .operation_start = (flags & 2) != 0,
              .moment_unknown = (flags & 0x20) != 0,
              .pause = (flags & 0x40) != 0,
              .seed = seed,
              .bytes = {},
              .length = length};
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

struct Told {
  MessageEvent event;
  std::string name;  // of an exchange that ended
};

class Checker {
 public:
  explicit Checker(bool splits) : splits_(splits) {}

  void make(const Call& call) {
    uint64_t& offset = offsets_[call.side == Side::Request ? 0 : 1];
    moment_ += call.pause ? 2 * clew::redis::kQuiet : 1;
    switch (call.kind) {
      case Call::Bytes:
        feed(call, offset);
        break;
      case Call::Gap:
        session_.gap(call.side, offset, call.length,
                     call.moment_unknown ? clew::kMomentUnknown : moment_, events_);
        offset += call.length;
        break;
      case Call::End:
        session_.end(call.side, events_);
        break;
    }
    check();
  }
  void finish(clew::Ending why) {
    session_.finish(why, events_);
    check();
    require(live_.empty(), "every exchange ends");
  }
  const std::vector<Told>& told() const { return told_; }
  bool gave_up() const { return gave_up_; }

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
      const auto verdict = session_.feed(call.side, piece, offset, {moment_, start}, events_);
      gave_up_ = gave_up_ || verdict == clew::Session::Verdict::NotThisProtocol;
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
      std::string name;
      if (event.kind == Kind::ExchangeEnded) {
        span_.clear();
        session_.describe(event.exchange, clew::SpanKind::Client, span_);
        name = span_.name();
        clew::SpanBatch batch;
        span_.commit({}, batch);
        live_.erase(found);
      }
      told_.push_back({event, name});
    }
    events_.clear();
  }

  bool splits_;
  clew::redis::RedisSession session_{clew::StatementText::Sanitized};
  clew::SpanBuilder span_;
  uint64_t offsets_[2] = {0, 0};
  uint64_t moment_ = 0;
  std::vector<MessageEvent> events_;
  std::vector<Told> told_;
  std::unordered_map<uint64_t, Exchange> live_;
  bool gave_up_ = false;
  uint64_t next_ = 0;
};

// In order of exchanges: a command that has no answer ends when it is read, which is before the
// answer to another or after it. Where framing broke, an end is known no better than to the piece.
std::vector<std::string> in_order(const std::vector<Told>& told) {
  std::vector<std::string> lines;
  for (const auto& [event, name] : told) {
    if (event.kind != Kind::ExchangeEnded) continue;
    const bool is_exact = event.how == How::Complete;
    lines.push_back(std::to_string(event.exchange) + " " +
                    std::to_string(static_cast<int>(event.how)) + " " +
                    std::to_string(is_exact ? event.offset : 0) + " " + name);
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

bool broke(const std::vector<Told>& told) {
  return std::any_of(told.begin(), told.end(), [](const Told& one) {
    return one.event.how == How::Malformed || one.event.how == How::GapLost;
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const ByteView input(data, size);
  clew::redis::detect(input, true);
  clew::redis::detect(input, false);
  const std::vector<Call> calls = decode(input);
  Checker whole(false), split(true);
  // A loss is found out where a piece begins, so that only gapless input must agree.
  bool has_gap = false;
  for (const Call& call : calls) {
    has_gap = has_gap || call.kind == Call::Gap;
    whole.make(call);
    split.make(call);
  }
  const auto why = size % 2 == 0 ? clew::Ending::ConnectionGone : clew::Ending::ClewStopped;
  whole.finish(why);
  split.finish(why);
  // Nor must what follows a break of the framing: it is found again where operations begin.
  if (has_gap || broke(whole.told()) || broke(split.told())) return 0;
  // Whether something was told before it was found out to be no Redis depends on the pieces.
  if (whole.gave_up() || split.gave_up()) return 0;
  require(in_order(whole.told()) == in_order(split.told()), "whole and split tell the same");
  return 0;
}
