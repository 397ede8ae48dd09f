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
// Lost bytes. A hole whose messages cannot be told makes it uncertain which response answers which
// request. What began before it is still paired where that is certain; what is not, ends as
// GapLost. After that nothing is reported until an anchor: a request at the start of a socket
// operation, all earlier requests being answered as far as can be seen. A connection joined midway
// begins in that state: it is one if the first offset of a side is not 0, or gap() is called first
// (length 0 will do).
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
  Verdict feed(Side side, ByteView bytes, uint64_t offset, bool operation_start,
               std::vector<MessageEvent>& out) override;
  Verdict gap(Side side, uint64_t offset, uint64_t length, std::vector<MessageEvent>& out) override;
  void end(Side side, std::vector<MessageEvent>& out) override;
  void finish(Ending why, std::vector<MessageEvent>& out) override;
  void describe(uint64_t exchange, SpanKind kind, SpanBuilder& span) const override;

 private:
  using How = MessageEvent::How;
  using Kind = MessageEvent::Kind;

  // How sure it is which exchange the next response belongs to.
  enum class Pairing : uint8_t {
    Exact,      // to the oldest live one
    Tentative,  // to the oldest live one, an anchor, unless a next request shows that it was
                // answered
    Stale,      // one is live, and its response, or the rest of it, may have gone by unseen
    Draining,   // to the oldest live one; requests were lost after these: then Lost
    Lost,       // none is live; nothing is reported until an anchor
  };
  // A call of feed, gap or end, or what was left of it; or Step::Start, after which the parser
  // waits.
  struct HeldPiece {
    enum class Kind : uint8_t { Start, Bytes, Gap, End } kind;
    bool operation_start;
    uint64_t length;
  };

  void begin_call(std::vector<MessageEvent>& out);
  void open_side(Side side, uint64_t offset, bool is_gap);
  void drive_request(ByteView bytes, uint64_t gap, bool operation_start);
  void take_response(HeldPiece::Kind kind, ByteView bytes, uint64_t length, bool operation_start);
  void drive_response(ByteView bytes, uint64_t gap, bool operation_start);
  void close_response();
  void end_call();

  void on_request(Step step);
  void on_request_start();
  void on_request_lost(bool quiet);
  void on_response(Step step);
  void on_response_start();
  void on_response_head();
  void on_response_end();
  void on_response_lost();
  void on_response_broken();

  bool response_must_wait() const;
  void hold(HeldPiece::Kind kind, ByteView bytes, uint64_t length, bool operation_start);
  void release_held();

  Exchange& exchange(uint64_t number) { return ring_[number & (ring_.size() - 1)]; }
  const Exchange& exchange(uint64_t number) const { return ring_[number & (ring_.size() - 1)]; }
  Exchange& front() { return exchange(first_live_); }
  bool& has_ended(Side side) { return side == Side::Request ? request_ended_ : response_ended_; }
  uint64_t live() const { return next_ - first_live_; }
  bool request_is_live() const { return request_reported_ && current_ >= first_live_; }
  void append_exchange();
  void know_request_head();
  void end_front(How how);
  void end_all(How how);
  How let_go() const { return hidden_ ? How::GapLost : How::Unfinished; }
  void lose_pairing(bool quiet);
  void settle_pairing();
  void give_up();
  void emit(Kind kind, How how, uint64_t number, uint64_t offset);

  const HttpSettings& settings_;
  Parser request_, response_;
  bool request_opened_ = false, response_opened_ = false;
  bool request_ended_ = false, response_ended_ = false;  // by end(); what comes after is left aside
  bool dead_ = false;                                    // nothing more to be told: NotThisProtocol
  bool ever_started_ = false;

  Pairing pairing_ = Pairing::Exact;
  bool hidden_ = false;  // for unseen bytes the pairing is, or may come to be, other than Exact
  bool quiet_ = true;  // Draining, Lost: as far as seen, every unreported request has been answered
  bool request_reported_ = false;   // the request being parsed is exchange current_
  bool response_attached_ = false;  // the response being parsed belongs to the oldest live exchange
  uint64_t current_ = 0;

  // Exchanges first_live_ to next_ are live; those from retained_ on can be described. ring_ has a
  // power of two of slots.
  std::vector<Exchange> ring_;
  uint64_t retained_ = 0, first_live_ = 0, next_ = 0;
  size_t live_text_ = 0;

  std::vector<HeldPiece> held_, replayed_;
  std::vector<uint8_t> held_bytes_, replayed_bytes_;

  std::vector<MessageEvent>* out_ = nullptr;  // during a call
};

std::unique_ptr<Session> open_session(const ProtocolSettings& settings);

}  // namespace clew::http1
