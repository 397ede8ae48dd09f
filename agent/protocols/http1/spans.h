// The HTTP/1 session of one connection: pairs response k with request k and tells the stitcher.
//
// Events. RequestStarted comes as soon as a request line is recognised (within kDetectBytes of its
// first byte), ResponseStarted with the final response's whole head; the offsets of both are those
// of the first byte, and so may lie in bytes fed earlier. RequestEnded is not sent if bytes hid the
// request's end, nor after ExchangeEnded: a response may be complete before its request is (an
// early 413), and the exchange ends with the response. ExchangeEnded's offset is the end of the
// response, as far as it is known. Offsets of events never go back within one side, but for
// ResponseStarted.
//
// Response ahead of request. What the response side brings from a response's start on, before its
// request is known, is held and replayed then (at most kMaxHeldBytes).
//
// Lost bytes. Every request that is recognised is an exchange, and pairs with a response only where
// that is certain; else it ends as GapLost. While messages follow each other without a hole,
// response k answers request k. Behind a hole that may have hidden messages the moments decide, on
// the grounds that clients send no request before the last one is answered (requests of one
// operation are one turn): a response answers the last request before it. So:
//  - a response from before the first request behind a request hole answers one in the hole;
//  - a response behind a response hole answers the last request before it if none was lost between
//    that request and the next; if that is not known yet, the exchange's end is withheld until the
//    next request shows it;
//  - a request hole without an answer to it, or a request sent before the last answer, shows a
//  client
//    that does not take turns: there nothing is certain after a hole, and each request is let go
//    ("adrift").
// A connection joined midway begins as behind a hole: it is one if the first offset of a side is
// not 0, or gap() is called first (length 0 will do).
//
// Broken bytes. GapLost is for bytes that were not seen. Where all were seen and what they say is
// no HTTP, the exchange is Malformed:
//  - an answer that begins with no status line ends all that wait for one, and the session gives
//  up;
//  - an answer that breaks off its framing ends all that wait, and an anchor is looked for;
//  - request bytes that begin no request are no exchange; those before them are still paired, then
//  an
//    anchor is looked for.
// Unfinished is what the session had to let go without such a reason: at its limits, behind an
// upgrade, and what is live when clew stops.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "agent/protocols/http1/exchange.h"
#include "agent/protocols/http1/parser.h"
#include "agent/protocols/protocol.h"

namespace clew::http1 {

/// Requests on one connection that wait for their responses; beyond that the session gives up.
constexpr size_t kMaxLiveExchanges = 4096;
/// Text kept for them together; beyond that the session gives up.
constexpr size_t kMaxLiveText = 1024 * 1024;
/// Response bytes held for a request to come, and the pieces they come in.
constexpr size_t kMaxHeldBytes = 64 * 1024;
constexpr size_t kMaxHeldPieces = 1024;
/// Operations that are looked at, from the beginning, without finding any HTTP.
constexpr uint32_t kMaxFailedLooks = 64;

class Http1Session final : public Session {
 public:
  /// `settings` must outlive the session.
  explicit Http1Session(const HttpSettings& settings)
      : settings_(settings),
        request_(Side::Request, settings.request_headers),
        response_(Side::Response, settings.response_headers) {}

  /// A call that returns NotThisProtocol has added no events: those that end what was live came
  /// with the call before. After 101 and after 2xx to CONNECT the connection is a tunnel.
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

  // How a request follows the one before it. Each but the first asks for moments to pair it.
  enum class Joint : uint8_t {
    Follows,   // nothing between them
    Resumed,   // framing was lost, or pairing, but for no request's bytes
    Foreign,   // bytes that are no request, but may have been answered
    Hole,      // requests may be hidden between them
    SureHole,  // at least one is
  };
  struct Live {
    Exchange exchange;
    uint64_t moment = 0;  // of its first byte
    Joint joint = Joint::Follows;
    bool starts_operation = false;
  };
  // A call of feed, gap or end, or what was left of it; or Step::Start, after which the parser
  // waits.
  struct HeldPiece {
    enum class Kind : uint8_t { Start, Bytes, Gap, End } kind;
    Passage passage;  // Start: of the message's first byte
    uint64_t offset;
    uint64_t length;
  };
  // Of one side: tells the moment of a message's first byte.
  struct Moments {
    uint64_t offset = 0, moment = 0;  // of the piece at hand
    uint64_t last = 0;                // of the piece before it with an unfinished start line

    void leave(uint64_t message_start) {
      if (message_start >= offset) last = moment;
    }
    uint64_t of(uint64_t message_start) const { return message_start >= offset ? moment : last; }
  };

  void begin_call(std::vector<MessageEvent>& out);
  void open_side(Side side, uint64_t offset, uint64_t gap, bool is_gap);
  void drive_request(ByteView bytes, uint64_t gap, const Passage& passage);
  void take_response(const HeldPiece& piece, ByteView bytes);
  void drive_response(const HeldPiece& piece, ByteView bytes);
  void close_response();
  void end_call();

  void on_request(Step step);
  void on_request_start();
  void on_request_lost(Joint joint);
  void on_response(Step step);
  void on_response_head();
  void on_response_end();
  void on_response_lost(uint64_t moment);
  void on_response_broken();

  void hold(const HeldPiece& piece, ByteView bytes);
  void release_held();
  void drop_held();

  // pairing.cc
  uint64_t find_last_before(uint64_t moment) const;
  uint64_t operation_begin(uint64_t number) const;
  void leave_passed() {
    if (live() > 0 && live_at(first_live_).joint != Joint::Follows) leave_all_passed();
  }
  void leave_all_passed();
  bool response_must_wait(uint64_t moment) const;
  void place_response(uint64_t moment);
  void place_in_order(uint64_t moment);
  void place_behind_hole(uint64_t moment);
  void attach(uint64_t number, bool confirmed);
  void drop_response(uint64_t moment, bool request_unseen);
  void give_up_on(uint64_t number, uint64_t moment);
  void meet_request(uint64_t moment, bool starts_operation);
  void resync(Joint joint);
  void go_adrift(uint64_t moment);
  void confirm();
  void revoke();

  Live& live_at(uint64_t number) { return ring_[number & ring_mask_]; }
  const Live& live_at(uint64_t number) const { return ring_[number & ring_mask_]; }
  Exchange& exchange(uint64_t number) { return live_at(number).exchange; }
  const Exchange& exchange(uint64_t number) const { return live_at(number).exchange; }
  Exchange& front() { return exchange(first_live_); }
  bool& has_ended(Side side) { return side == Side::Request ? request_ended_ : response_ended_; }
  uint64_t live() const { return next_ - first_live_; }
  bool request_is_live() const { return request_reported_ && current_ >= first_live_; }
  void append_exchange(uint64_t moment, bool starts_operation);
  void know_request_head();
  void end_front(How how) { end_front(how, response_.position()); }
  void end_front(How how, uint64_t offset);
  void end_before(uint64_t number);
  void end_all(How how);
  How let_go() const { return hidden_ ? How::GapLost : How::Unfinished; }
  void give_up();
  void emit(Kind kind, How how, uint64_t number, uint64_t offset);

  const HttpSettings& settings_;
  Parser request_, response_;
  bool request_opened_ = false, response_opened_ = false;
  bool request_ended_ = false, response_ended_ = false;  // by end(); what comes after is left aside
  bool dead_ = false;                                    // nothing more to be told: NotThisProtocol
  bool ever_started_ = false;

  bool request_reported_ = false;   // the request being parsed is exchange current_
  bool response_attached_ = false;  // the response being parsed belongs to the oldest live exchange
  Moments request_moments_, response_moments_;
  Joint gap_joint_ = Joint::Hole;  // what the gap at hand makes of the next request

  // Pairing.
  Joint joint_ = Joint::Follows;  // of the next request
  uint64_t last_joint_ = 0;       // the latest request whose joint asked for moments, and one
  uint64_t hole_by_ = 0;     // a response may lie unseen before the next: moved by then; 0: none
  bool hidden_ = false;      // for unseen bytes something of the above, or may come to be
  bool overlaps_ = false;    // the client does not take turns
  bool adrift_ = false;      // and bytes were lost
  bool passed_any_ = false;  // a response was dropped since the last that was paired
  uint64_t passed_by_ = 0;   // the moment of the latest that was dropped
  uint64_t response_moment_ = 0;  // of the latest response's first byte
  uint64_t requests_unseen_ = 0;
  bool dropping_ = false;  // what is held is too much
  // The oldest live one has its response if the next request shows that none was lost between.
  bool unconfirmed_ = false;
  uint64_t withheld_start_ = 0, withheld_end_ = 0;  // offsets of events; 0: not come to
  uint64_t current_ = 0;

  // Exchanges first_live_ to next_ are live; those from retained_ on can be described. ring_ has a
  // power of two of slots.
  std::vector<Live> ring_;
  size_t ring_mask_ = 0;  // of a number: its slot
  uint64_t retained_ = 0, first_live_ = 0, next_ = 0;
  size_t live_text_ = 0;

  std::vector<HeldPiece> held_, replayed_;
  std::vector<uint8_t> held_bytes_, replayed_bytes_;

  std::vector<MessageEvent>* out_ = nullptr;  // during a call
};

std::unique_ptr<Session> open_session(const ProtocolSettings& settings);

}  // namespace clew::http1
