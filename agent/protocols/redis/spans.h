// The Redis session of one connection: pairs reply k with command k and tells the stitcher.
//
// Pairing. The server answers in order, so commands wait in a queue for their replies. Pushes (`>`,
// and in RESP2 the arrays of a subscribed connection, and MONITOR's lines) are no replies.
// (P|S)(UN)SUBSCRIBE is answered by a confirmation for each channel and ends with the last. What
// CLIENT REPLY silences ends as Complete with its own last byte (offset 0: no reply). At
// kMaxLiveExchanges all that wait end as Unfinished; their replies are then counted and passed by.
// A reply that comes before its command (records of two threads) is held, at most kMaxHeldBytes.
//
// Lost bytes. Inside a string of known length nothing is lost. Else that side's framing is: it is
// found again at the beginning of a socket operation. Commands seen before a hole among the
// commands still get their replies, as those come first. Pairing begins anew with a turn: a command
// at the beginning of an operation, sent after all that the client sent before was answered. That
// is so
//  - for clients that take turns: which were never seen to send an operation's commands before
//    those of earlier operations were answered; or
//  - when nothing had moved for kQuiet.
// Even then the turn is on probation: what it tells is withheld until the next turn shows that it
// had just as many replies as commands, and is GapLost if it had not. Other commands of between are
// told as GapLost when they end.
// Where only one command is under way and the end of its reply is hidden (a long one, copied in
// part), it ends with the client's next turn, at the last byte seen.
// A connection joined midway begins as behind a hole: it is one if the first offset of a side is
// not 0, or gap() is called first (length 0 will do).
//
// What is no Redis after all is given up: without a word if nothing was answered by then, else what
// waits is Malformed. A command that breaks the protocol is so, too, and the session's last: the
// server says so and closes.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "agent/protocols/protocol.h"
#include "agent/protocols/redis/exchange.h"
#include "agent/protocols/redis/parser.h"

namespace clew::redis {

/// Bytes of replies held for commands to come, and the pieces they come in.
constexpr size_t kMaxHeldBytes = 64 * 1024;
constexpr size_t kMaxHeldPieces = 1024;
/// A connection on which nothing moved for so long has nothing under way (of moments: ns).
constexpr uint64_t kQuiet = 1'000'000'000;
/// Operations looked at without finding a command, and breaks of the protocol, before it is left.
constexpr uint32_t kMaxFailedLooks = 64;
constexpr uint32_t kMaxBreaks = 8;

class RedisSession final : public Session {
 public:
  explicit RedisSession(StatementText text) : text_(text) {}

  /// The call that first returns NotThisProtocol ends what is live.
  Verdict feed(Side side, ByteView bytes, uint64_t offset, const Passage& passage,
               std::vector<MessageEvent>& out) override;
  Verdict gap(Side side, uint64_t offset, uint64_t length, uint64_t moment,
              std::vector<MessageEvent>& out) override;
  void end(Side side, std::vector<MessageEvent>& out) override;
  void finish(Ending why, std::vector<MessageEvent>& out) override;
  uint64_t take_requests_unseen() override { return std::exchange(requests_unseen_, 0); }
  void describe(uint64_t exchange, SpanKind kind, SpanBuilder& span) const override;

 private:
  using How = MessageEvent::How;
  using Kind = MessageEvent::Kind;

  enum class Mode : uint8_t {
    Paired,
    Lost,       // only what waited before the hole is paired
    Probation,  // and the turn that began with turn_first_, for the time being
  };
  enum class Known : uint8_t { No, Yes, Unknown };
  enum class Silence : uint8_t { None, Next, All };
  enum class Push : uint8_t { No, Message, Confirmation };
  // A call of feed, gap or end for the replies, or what was left of it.
  struct Piece {
    enum class Kind : uint8_t { Bytes, Gap, End } kind;
    Passage passage;
    uint64_t offset;
    uint64_t length;
  };

  // spans.cc: commands.
  void begin_call(std::vector<MessageEvent>& out);
  Verdict end_call();
  void open_side(Side side, uint64_t offset, bool midway);
  void take_commands(ByteView bytes, uint64_t offset, const Passage& passage);
  void skip_commands(uint64_t length);
  void on_command(Step step);
  void on_command_start();
  void on_command_end();
  bool is_silenced(Exchange& exchange);
  void apply_command(Exchange& exchange);
  void compose_text(Exchange& exchange);
  void on_commands_malformed();
  void count_failed_look();

  // replies.cc
  void take_piece(const Piece& piece, ByteView bytes);
  void take_replies(const Piece& piece, ByteView bytes);
  void skip_replies(const Piece& piece);
  bool may_resume(const Piece& piece);
  bool must_hold(char first, uint64_t moment);
  void hold(const Piece& piece, ByteView bytes);
  void release_held();
  void on_reply_end(uint64_t moment);
  Push classify(const Reply& reply, const Exchange* front) const;
  bool take_confirmation(const Reply& reply, Exchange* front);
  void pair(uint64_t number, const Reply& reply, uint64_t moment);
  void complete(uint64_t number, uint64_t moment);
  void apply_reply(Exchange& exchange, const Reply& reply);
  void apply_transaction(Exchange& exchange, const Reply& reply);
  const Exchange* waiting() const;
  void watch_for_valkey(ByteView bytes);
  void on_replies_malformed(uint64_t moment);
  void close_replies();

  // pairing.cc
  static constexpr uint64_t kNone = ~uint64_t{0};
  void skip_ended();
  uint64_t find_front(uint64_t moment);
  void lose_commands();
  void lose_framing_of_commands();
  void lose_replies(uint64_t moment);
  void lose_replies_paired(uint64_t moment);
  void lose_replies_again(uint64_t moment);
  void lose_pairing_from(uint64_t number);
  bool turn_is_clean() const;
  void begin_turn();
  void lose_before_turn();
  void begin_probation(uint64_t first);
  void confirm();
  void fail_probation();
  void end_hidden_tail();
  void forget_states();
  void pass_reply();
  void shed();

  void tell_up_to(uint64_t number);
  void tell_response(uint64_t number, uint64_t offset);
  void end_exchange(uint64_t number, How how, uint64_t offset);
  void end_from(uint64_t number, How how);
  void let_go(uint64_t number);
  void give_up();
  void emit(Kind kind, How how, uint64_t number, uint64_t offset);
  bool is_open(uint64_t number) const {
    return number >= first_live_ && number < exchanges_.next() && !exchanges_[number].ended;
  }

  const StatementText text_;
  CommandParser commands_;
  ReplyParser replies_;
  Exchanges exchanges_;
  uint64_t first_live_ = 0;   // those before have ended
  uint64_t next_answer_ = 0;  // those before have ended, or have their replies and are on probation
  uint64_t told_ = 0;         // those from here on have not been told yet
  std::vector<MessageEvent>* out_ = nullptr;  // during a call

  std::array<bool, 2> opened_{};
  bool responses_ended_ = false, closing_ = false;
  bool dead_ = false;
  bool proven_ = false;  // a reply to a command was seen
  uint32_t failed_looks_ = 0, breaks_ = 0;
  std::array<uint64_t, 2> moved_{};  // when each side last moved

  // The commands' side.
  bool commands_lost_ = false;    // framing
  bool commands_broken_ = false;  // for good: the server will say so, and close
  bool commands_unsure_ = false;  // it was found again, perhaps
  bool current_is_open_ = false;  // the command being read is exchange next() - 1
  bool starts_operation_ = false;
  uint64_t command_moment_ = 0;
  uint64_t operation_ = 0, operation_before_ = 0;  // moments of the latest two operations
  uint64_t quiet_since_ = 0;  // when anything moved last before the piece at hand
  Silence silence_ = Silence::None;
  bool in_multi_ = false;           // MULTI was sent
  bool multi_is_doubtful_ = false;  // what was queued may be answered by more than one reply each

  // The replies' side.
  bool replies_lost_ = false;  // framing
  bool may_resume_ = false;    // it can be found in operations after
  uint64_t resume_after_ = 0;
  bool framing_unsure_ = false;
  bool tail_hidden_ = false;                     // of the reply to the only one that waits
  uint64_t replies_seen_ = 0;                    // offset behind the last byte seen
  uint64_t reply_moment_ = 0;                    // of the first byte of the reply at hand
  uint64_t last_answered_ = 0, last_reply_ = 0;  // moments of command and reply paired last
  uint32_t confirmations_left_ = 0;              // of the front; 0: none has come
  bool until_unsubscribed_ = false;              // it is not known how many there will be
  int32_t database_ = 0, queued_database_ = kDatabaseUnknown;
  bool selects_ = false;  // a SELECT is queued
  Known transaction_ = Known::No, subscribed_ = Known::No;
  bool resp3_ = false, monitors_ = false, valkey_ = false;
  bool counts_known_ = true;
  std::array<int64_t, 3> subscriptions_{};  // channels, patterns, shard channels
  uint8_t watched_ = 0;                     // bytes matched of what shows Valkey
  bool watching_ = false;

  // Pairing.
  Mode mode_ = Mode::Paired;
  bool overlaps_ = false;  // the client does not take turns
  bool joined_midway_ = false, ever_lost_ = false;
  bool states_unknown_ = false;  // commands were lost
  uint64_t paired_end_ = 0;      // those before are certain, unless all are
  uint64_t turn_first_ = 0, turn_moment_ = 0, turn_end_ = kNone;
  uint64_t turn_reply_ = 0;  // when the latest reply taken for one of its answers ended
  uint64_t pass_by_ = 0;     // replies to come that belong to what was shed
  uint64_t unpaired_ = 0;    // commands that were let go and may yet be answered
  uint64_t requests_unseen_ = 0;

  std::vector<Piece> held_, replayed_;
  std::vector<uint8_t> held_bytes_, replayed_bytes_;
};

std::unique_ptr<Session> open_session(const ProtocolSettings& settings);

}  // namespace clew::redis
