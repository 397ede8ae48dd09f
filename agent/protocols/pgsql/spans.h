// The PostgreSQL session of one connection: answers are paired with requests by their order, and
// the stitcher is told.
//
// Exchanges. One for each Query, Execute and FunctionCall; one for an error that answers Parse,
// Bind, Describe or Close where no Execute follows up to the next Sync; one for a connection that
// is refused, and one for a CancelRequest. An exchange of Execute begins with the first Parse or
// Bind since the Execute or Sync before it. It ends with its own answer; the last one before a Sync
// ends with the ReadyForQuery, since that is when its transaction is committed, and where that
// fails it has the error. RequestStarted of an Execute comes with the Execute, at the offset of the
// Parse; that of a Query as soon as its header is recognised.
//
// Answer ahead of request. What the response side brings before the request it answers is known, is
// held and replayed then (at most kMaxHeldBytes).
//
// Lost bytes. A hole in a message of known length changes nothing. Where the ends of messages are
// hidden:
//  - of an answer, the end is found again where a piece ends with messages that end a command and
//    ReadyForQuery, if only one ReadyForQuery is outstanding;
//  - else the session waits for the client's next turn: an operation that begins with a request
//    later than the hole. What was open then is GapLost, and the next operation of the server
//    answers this request. This rests on clients waiting for ReadyForQuery before they send more.
//  - A client that was seen not to wait gets no answers paired behind a hole until the connection
//    was quiet for kQuiet: each of its exchanges is GapLost.
// A connection joined midway begins as behind a hole: it is one if the first offset of a side is
// not 0, or gap() is called first (length 0 will do).
//
// What is no PostgreSQL. All bytes seen, and they say what no server or client says: what is live
// is Malformed, and the session gives up. After SSLRequest or GSSENCRequest that the server grants
// it gives up quietly.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "agent/protocols/pgsql/exchange.h"
#include "agent/protocols/pgsql/names.h"
#include "agent/protocols/pgsql/parser.h"
#include "agent/protocols/pgsql/ring.h"
#include "agent/protocols/pgsql/texts.h"
#include "agent/protocols/protocol.h"

namespace clew::pgsql {

/// Requests on one connection that wait for their answers. Beyond that they are let go (Unfinished)
/// and pairing waits for the client's next turn.
constexpr size_t kMaxQueued = 32768;
/// Response bytes held for a request to come, and the pieces they come in.
constexpr size_t kMaxHeldBytes = 32 * 1024;
constexpr size_t kMaxHeldPieces = 256;
/// Operations that are looked at, from the beginning, without finding any message.
constexpr uint32_t kMaxFailedLooks = 64;
/// Without any bytes for so long, in the unit of moments, nothing is under way.
constexpr uint64_t kQuiet = 5'000'000'000;

class PgsqlSession final : public Session {
 public:
  /// `settings` must outlive the session.
  explicit PgsqlSession(const ProtocolSettings& settings)
      : settings_(settings), texts_(settings.sql), statements_(texts_), portals_(texts_) {
    set_connection({});
  }

  Verdict feed(Side side, ByteView bytes, uint64_t offset, const Passage& passage,
               std::vector<MessageEvent>& out) override;
  Verdict gap(Side side, uint64_t offset, uint64_t length, uint64_t moment,
              std::vector<MessageEvent>& out) override;
  void end(Side side, std::vector<MessageEvent>& out) override;
  void finish(Ending why, std::vector<MessageEvent>& out) override;
  uint64_t take_requests_unseen() override { return std::exchange(requests_unseen_, 0); }
  void describe(uint64_t exchange, SpanKind kind, SpanBuilder& span) const override;
  /// Whether pairing rests on every byte from the connection's first on, and on nothing else.
  bool is_certain() const { return sure_ && !guessed_; }

 private:
  using How = MessageEvent::How;
  using Kind = MessageEvent::Kind;

  // A request that the server answers, or has to take note of.
  struct Entry {
    enum class Kind : uint8_t {
      Dropped,  // as if it were not there
      Negotiate,
      Startup,
      Parse,
      Bind,
      Describe,
      Close,
      Execute,
      Query,
      Function,
      Sync,
      Flush,
      CopyEnd,
    } kind = Kind::Dropped;
    bool of_portal = false;  // Describe, Close
    bool complete = true;    // all of it was seen
    NameId name = kNoName;   // Parse, Close: what it is about; Bind, Execute: the portal
    NameId other = kNoName;  // Bind: the statement
    TextId text = kNoText;   // Parse: counted
    uint64_t exchange = 0;   // Execute, Query, Function
    uint64_t start = 0;      // offset of its group's first byte
    uint64_t moment = 0;
  };
  // A call of feed or gap for the response side, or what was left of it.
  struct HeldPiece {
    bool is_gap = false;
    Passage passage{};
    uint64_t length = 0;
  };

  // spans.cc
  void begin_call(std::vector<MessageEvent>& out);
  Verdict verdict() const { return given_up_ ? Verdict::NotThisProtocol : Verdict::Continue; }
  void open_side(Side side, uint64_t offset, bool is_gap);
  void take_request(ByteView bytes, const Passage& passage);
  void take_response(const HeldPiece& piece, ByteView bytes);
  void drive_response(const HeldPiece& piece, ByteView bytes);
  bool find_response(const HeldPiece& piece, ByteView& bytes);
  bool must_hold_piece() const;
  bool may_answer(char type) const;
  bool knows_what_follows() const;
  void hold(const HeldPiece& piece, ByteView bytes);
  void release_held(bool forced = false);
  void drop_held();
  void emit(Kind kind, How how, uint64_t number, uint64_t offset) {
    out_->push_back({.kind = kind, .how = how, .exchange = number, .offset = offset});
  }

  // queue.cc
  uint64_t add_exchange(Exchange::Kind kind, uint64_t offset);
  void end_exchange(uint64_t number, How how, uint64_t offset);
  void end_all(How how);
  Entry& push(Entry::Kind kind, uint64_t start);
  void pop();
  // What the server made of a request.
  enum class Result : uint8_t { Done, Failed, Unknown };
  void settle(Entry& entry, Result result);
  void drop_queue();
  void forget_unnamed(Names& names);
  uint64_t next_after(uint64_t number) const;
  TextId acquire_text(std::string_view raw, size_t length);
  void set_connection(const StartupFields& fields);
  bool is_live(uint64_t number) const { return number >= live_.begin() && number < live_.end(); }

  // requests.cc
  void on_request_start();
  void on_request_end();
  void on_startup();
  void on_parse();
  void on_bind();
  void on_describe(bool closes);
  void on_execute();
  void on_query_end();
  void on_sync();
  void on_flush();
  void on_copy_end();
  void group(uint64_t start);

  // answers.cc
  void on_response_start();
  void on_response_end();
  bool answer_front(char type);
  void on_negotiated();
  bool answer_command(char type);
  void end_execute(char type);
  void on_copy_in();
  void on_error();
  void begin_pending_error(const Entry& entry, const ErrorFields& fields);
  void tell_pending_error();
  void on_ready();
  void end_skipped();
  void note_overlap(const Entry& answered);
  Exchange* current();

  // recovery.cc
  void look_for_turn(ByteView bytes, const Passage& passage);
  void begin_turn(uint64_t moment);
  void be_unsure();
  void forget_hidden();
  void on_request_lost();
  void close_entry();
  void on_response_lost(uint64_t moment);
  void meet_held();
  void on_broken();
  bool find_end(const HeldPiece& piece, ByteView& bytes);
  void pass(uint64_t number, Result result);
  void pass_hidden(char type, bool is_error);
  static bool asks_for_ready(const Entry& entry);
  static bool is_silent(Entry::Kind kind);
  void give_up(How how);

  const ProtocolSettings& settings_;
  std::vector<MessageEvent>* out_ = nullptr;  // during a call
  Texts texts_;
  Names statements_, portals_;
  Parser request_{Side::Request}, response_{Side::Response};

  Ring<Entry> queue_;
  uint32_t turns_ = 0;  // of queue_: each to be answered by one ReadyForQuery
  uint32_t syncs_ = 0;  // of those: Syncs
  // Some of them may have ended ahead of the first. Those that end can be described until the next
  // call.
  Ring<Exchange> live_;

  std::string fixed_;  // encoded attributes of the connection
  bool request_opened_ = false, response_opened_ = false;
  bool given_up_ = false, cancelled_ = false;
  bool starting_ = true;  // no StartupMessage was answered yet
  bool ever_started_ = false;
  uint32_t failed_looks_ = 0;
  uint64_t requests_unseen_ = 0;

  // Of the request side.
  uint64_t request_moment_ = 0;
  uint64_t group_start_ = 0;
  bool in_group_ = false;
  uint64_t open_entry_ = 0;  // of the Query or FunctionCall being read
  bool entry_open_ = false;
  bool request_hidden_ = false;  // since the last turn; what was prepared may be no more
  bool names_end_ = false;       // the client closes statements, and may use a name again

  // Of the response side.
  uint64_t response_moment_ = 0;
  bool forced_ = false;      // nothing more of the request side is waited for
  bool start_held_ = false;  // the message that the parser is in, ahead of held_
  uint64_t start_moment_ = 0;
  bool skipping_ = false;    // the server skips to the next Sync
  bool copying_in_ = false;  // and no CopyDone or CopyFail was seen yet
  bool deferred_ = false;    // deferred_exchange_ waits for ReadyForQuery
  uint64_t deferred_exchange_ = 0;
  bool error_pending_ = false;  // that no exchange has yet
  uint64_t error_start_ = 0, error_end_ = 0;
  Exchange pending_;  // its text is counted while error_pending_
  std::vector<HeldPiece> held_, replayed_;
  std::vector<uint8_t> held_bytes_, replayed_bytes_;

  // Pairing (see above).
  bool sure_ = true;
  bool guessed_ = false;   // sure by a turn, not from the connection's first byte on
  bool overlaps_ = false;  // the client does not wait
  bool awaiting_ = false;  // the answer begins with an operation later than resume_after_
  uint64_t resume_after_ = 0;
  uint64_t lost_moment_ = 0;  // of the response side's hole
  uint64_t last_moment_ = 0;
};

std::unique_ptr<Session> open_session(const ProtocolSettings& settings);

}  // namespace clew::pgsql
