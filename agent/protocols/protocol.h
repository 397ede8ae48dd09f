// The contract every protocol folder implements. Protocol code is pure: bytes in, message events
// out; no clock, no I/O, no globals. It never throws on input and never reads past a view.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "agent/base/bytes.h"
#include "agent/protocols/settings.h"
#include "exporter/span_builder.h"

namespace clew {

/// The side of the conversation that bytes come from: requests flow from client to server.
enum class Side : uint8_t { Request, Response };

/// What a session tells the stitcher, in the order in which the bytes told it. `exchange` numbers a
/// connection's exchanges from 0 in the order of their requests. An exchange is live from its
/// RequestStarted until its ExchangeEnded; after that event the session still answers `describe`
/// for it until the next call of feed, gap, end or finish.
struct MessageEvent {
  enum class Kind : uint8_t {
    RequestStarted,   ///< first byte of the request, at `offset` of the request side
    RequestEnded,     ///< last byte of the request was at `offset` - 1
    ResponseStarted,  ///< first byte of the final response (interim 1xx are not reported), at
                      ///< `offset`
    ExchangeEnded,    ///< the response is complete (or `how` tells what cut it)
  };
  /// How an exchange ended.
  enum class How : uint8_t {
    Complete,
    Unanswered,  ///< the connection ended, or bytes were lost, with no response seen
    Cut,         ///< the response began and never came to its end
    Malformed,   ///< request or response broke the protocol
    GapLost,     ///< bytes that clew did not see hid where it ended
    Unfinished,  ///< clew stopped watching first, though it had seen every byte
  };
  Kind kind;
  How how = How::Complete;
  uint64_t exchange = 0;
  uint64_t offset = 0;
};

/// How a piece of one side came to move.
struct Passage {
  /// A clock common to both sides, in which cause comes before effect: of two pieces, one on each
  /// side, the one whose bytes were handed over first has the lower moment. (CLOCK_MONOTONIC, in
  /// nanoseconds, when a receive ended, or a send began.) Pairs messages again after a loss, and
  /// tells when a connection was quiet.
  uint64_t moment = 0;
  /// The first byte was the first of a socket operation: messages of a connection joined midway, or
  /// behind a loss, begin there if anywhere.
  bool operation_start = false;
};
/// The moment of bytes whose record was lost: any since what was fed of that side before.
constexpr uint64_t kMomentUnknown = ~uint64_t{0};

/// Why a session is finished.
enum class Ending : uint8_t {
  ConnectionGone,  ///< what has not come by now never will
  ClewStopped,     ///< the conversation may go on, unwatched
};

/// The protocol's state of one connection: both directions, and the exchanges not yet ended.
class Session {
 public:
  enum class Verdict : uint8_t {
    Continue,
    NotThisProtocol,  ///< nothing this session said so far was wrong, but it cannot go on
  };

  virtual ~Session() = default;

  /// The next bytes of one side, in stream order: `offset` is that side's stream offset of bytes[0]
  /// and follows what was fed (or given as a gap) before. Appends events to `out`.
  virtual Verdict feed(Side side, ByteView bytes, uint64_t offset, const Passage& passage,
                       std::vector<MessageEvent>& out) = 0;
  /// `length` bytes at `offset` that were not seen (not copied, lost, or never visible). They moved
  /// at `moment` or before: that of the same operation's bytes, for the rest of one.
  virtual Verdict gap(Side side, uint64_t offset, uint64_t length, uint64_t moment,
                      std::vector<MessageEvent>& out) = 0;
  /// No more bytes from this side (FIN). Ends close-delimited bodies.
  virtual void end(Side side, std::vector<MessageEvent>& out) = 0;
  /// Nothing more will be fed: every live exchange ends.
  virtual void finish(Ending why, std::vector<MessageEvent>& out) = 0;

  /// Exchanges of which only the answer was seen, since the last call: no event tells of them.
  /// Every request that was recognised is told as an exchange, however it ends; so what happened is
  /// what was started, and these, and exchanges of which nothing was seen.
  virtual uint64_t take_requests_unseen() = 0;

  /// Name, attributes and status of an exchange (that it ended Unanswered or Cut is the stitcher's
  /// to tell), as seen from `kind` (Server or Client). Attributes of the connection (addresses,
  /// ports) are the stitcher's. Valid as MessageEvent says.
  virtual void describe(uint64_t exchange, SpanKind kind, SpanBuilder& span) const = 0;
};

/// What content detection says of the first bytes that one direction sends.
enum class Detection : uint8_t { No, Request, Response, NeedMore };

/// One row of the registry.
struct Protocol {
  std::string_view name;
  /// Looks at most at `detection_limit` bytes, the first of a socket operation; `from_start`: the
  /// first that this direction of the connection carried at all.
  Detection (*detect)(ByteView first_bytes, bool from_start);
  size_t detection_limit;
  /// `settings` must outlive the session.
  std::unique_ptr<Session> (*open)(const ProtocolSettings& settings);
};

}  // namespace clew
