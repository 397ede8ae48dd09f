// What is kept of each exchange: small, fixed, and a piece of the connection's text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/protocols/protocol.h"
#include "agent/protocols/redis/commands.h"

namespace clew::redis {

/// Exchanges of one connection that wait for their replies; those beyond are told, but not paired.
constexpr size_t kMaxLiveExchanges = 16 * 1024;
/// Text kept for them together; beyond that they have none.
constexpr size_t kMaxLiveText = 1024 * 1024;

constexpr int32_t kDatabaseUnknown = -1;

/// A piece of the connection's text; stays valid while its exchange is kept.
struct TextRange {
  uint32_t at = 0, size = 0;
};

struct Exchange {
  uint64_t moment = 0;       ///< of the command's first byte
  uint64_t request_at = 0;   ///< offset of that byte
  uint64_t response_at = 0;  ///< of the reply, once that was seen, and
  uint64_t response_end = 0;
  const CommandSpec* spec = nullptr;  ///< null: not a command that clew knows
  TextRange name;                     ///< in capitals, if there is no spec
  TextRange text, status, procedure;
  uint32_t text_from = 0;  ///< where any of these may begin
  uint32_t argument = 0;   ///< Select: the database and 1; Subscribe: confirmations, 0: not known
  int32_t database = kDatabaseUnknown;
  MessageEvent::How how = MessageEvent::How::Complete;
  bool request_done : 1 = false;
  bool no_reply : 1 = false;
  bool answered : 1 = false;
  bool ended : 1 = false;
  bool queued : 1 = false;
  bool malformed : 1 = false;
  bool unknown_command : 1 = false;  ///< says the server
  bool doubtful : 1 = false;         ///< Exec: what it brings may be more than one reply
  bool valkey : 1 = false;

  Effect effect() const { return spec == nullptr ? Effect::None : spec->effect; }
  bool is_incomplete() const {
    return how == MessageEvent::How::GapLost || how == MessageEvent::How::Unfinished;
  }
};

/// The exchanges of one connection by number, the latest of them: a ring that grows and shrinks
/// again, and their text, first in, first out.
class Exchanges {
 public:
  uint64_t first() const { return first_; }
  uint64_t next() const { return next_; }
  Exchange& operator[](uint64_t number) { return ring_[number & mask_]; }
  const Exchange& operator[](uint64_t number) const { return ring_[number & mask_]; }

  /// Its number is next() - 1.
  Exchange& append();
  /// Those before `number` are let go.
  void keep_from(uint64_t number);

  TextRange add_text(std::string_view text);
  bool has_room() const { return text_.size() - text_front_ < kMaxLiveText; }
  /// For text that is composed in place: end_text() tells what was appended since size().
  std::string& text() { return text_; }
  TextRange end_text(size_t from) {
    return {.at = base_ + static_cast<uint32_t>(from),
            .size = static_cast<uint32_t>(text_.size() - from)};
  }
  std::string_view view(TextRange range) const {
    return range.size == 0 ? std::string_view()
                           : std::string_view(text_).substr(range.at - base_, range.size);
  }

 private:
  void grow();
  void shrink();

  std::vector<Exchange> ring_;
  size_t mask_ = 0;
  uint64_t first_ = 0, next_ = 0;
  size_t peak_ = 0;  // of exchanges kept at once, since the ring was last looked at
  uint32_t times_idle_ = 0;
  std::string text_;  // of positions from base_ on; those before text_front_ are let go
  uint32_t base_ = 0;
  size_t text_front_ = 0;
};

void describe_exchange(const Exchange& exchange, const Exchanges& texts, SpanBuilder& span);

}  // namespace clew::redis
