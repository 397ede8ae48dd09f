// Drives a session with sides, splits, gaps and ends of the input's choosing. Checks that the
// events are well-formed, that bytes given whole and bytes given in pieces tell the same, and that
// nothing counts as lost unless there was a gap.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <unordered_map>
#include <vector>

#include "agent/protocols/pgsql/replay.h"
#include "agent/protocols/pgsql/spans.h"

namespace {

using clew::ByteView;
using clew::MessageEvent;
using clew::Side;
using clew::pgsql::Call;
using How = MessageEvent::How;
using Kind = MessageEvent::Kind;

void require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "violated: %s\n", what);
  std::abort();
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
        session_.gap(call.side, offset, call.length,
                     call.operation_start ? clew::kMomentUnknown : moment_, events_);
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
  bool is_certain() const { return session_.is_certain(); }
  const std::vector<MessageEvent>& told() const { return told_; }
  const std::vector<std::string>& spans() const { return spans_; }

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
      require(event.offset <= std::max(offsets_[0], offsets_[1]) + 65535, "offsets were fed");
      if (event.kind == Kind::RequestEnded) {
        require(!std::exchange(found->second.request_ended, true), "a request ends once");
      }
      if (event.kind == Kind::ResponseStarted) {
        require(!std::exchange(found->second.response_started, true), "a response starts once");
      }
      if (event.kind == Kind::ExchangeEnded) {
        span_.clear();
        session_.describe(event.exchange, clew::SpanKind::Client, span_);
        clew::SpanBatch batch;
        span_.commit({}, batch);
        spans_.emplace_back(batch.spans().back().name)
            .append(batch.spans().back().attributes.encoded());
        live_.erase(found);
      }
      told_.push_back(event);
    }
    events_.clear();
  }

  bool splits_;
  clew::ProtocolSettings settings_;
  clew::pgsql::PgsqlSession session_{settings_};
  clew::SpanBuilder span_;
  uint64_t offsets_[2] = {0, 0};
  uint64_t moment_ = 0;
  std::vector<MessageEvent> events_, told_;
  std::vector<std::string> spans_;
  std::unordered_map<uint64_t, Exchange> live_;
  uint64_t next_ = 0;
};

// Where the conversation broke, the end is known no better than to the piece.
bool equal(const MessageEvent& a, const MessageEvent& b) {
  const bool is_exact = a.how == How::Complete;
  return a.kind == b.kind && a.how == b.how && a.exchange == b.exchange &&
         (a.offset == b.offset || !is_exact);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const ByteView input(data, size);
  clew::pgsql::detect(input, true);
  clew::pgsql::detect(input, false);
  clew::pgsql::find_answer_end(input, true);
  const std::vector<Call> calls = clew::pgsql::decode_calls(input);
  Checker whole(false), split(true);
  // Behind a gap, and where an answer came that nothing had asked for, the beginnings and ends of
  // pieces mean something: only what is certain must agree.
  bool has_gap = false;
  for (const Call& call : calls) {
    has_gap = has_gap || call.kind == Call::Gap;
    whole.make(call);
    split.make(call);
  }
  const auto why = size % 2 == 0 ? clew::Ending::ConnectionGone : clew::Ending::ClewStopped;
  whole.finish(why);
  split.finish(why);
  if (has_gap || !whole.is_certain() || !split.is_certain()) return 0;
  require(whole.told().size() == split.told().size(), "whole and split tell as much");
  for (size_t i = 0; i < whole.told().size(); ++i) {
    require(equal(whole.told()[i], split.told()[i]), "whole and split tell the same");
  }
  require(whole.spans() == split.spans(), "whole and split describe the same");
  return 0;
}
