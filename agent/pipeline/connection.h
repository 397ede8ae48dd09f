// One followed connection: its two streams, the protocol's session and the exchanges under way.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "agent/pipeline/detector.h"
#include "agent/protocols/protocol.h"
#include "agent/stitch/stitcher.h"
#include "agent/streams/stream.h"
#include "bpf/abi/connection.h"

namespace clew {

/// Feeds what the streams put in order to the session, and what the session says to the stitcher.
class Connection {
 public:
  /// `protocols` must outlive the connection.
  Connection(uint64_t cookie, const Stream::Limits& limits, const ProtocolSettings& protocols,
             Stitcher& stitcher, Counters& counters);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// `name`: what a UNIX socket or its peer is bound to.
  void on_record(const clew_connection& record, std::string_view name = {});
  /// Nothing is made of this connection: it belongs to a process that is not followed.
  void ignore() { ignored_ = given_up_ = true; }
  void on_segment(const Segment& segment, clew_direction direction);
  /// A receive that returned 0: the peer sends no more.
  void on_end(clew_direction direction, uint64_t offset, uint64_t time_ns);
  /// A send or receive that failed, by its errno.
  void on_error(int error);
  /// The peer has read to the end of what this end sends.
  void on_peer_end(uint64_t time_ns);
  void on_closing(const clew_closing& record);
  /// The process that owned the connection ended before it.
  void on_owner_exited() { stitched_.owner_exited = true; }
  void expire(uint64_t now_ns);
  /// Passes on what is held and ends every exchange. Nothing may follow.
  void finish(uint64_t time_ns, Ending why);

  /// Its record was seen.
  bool is_known() const { return ignored_ || stitched_.pair != nullptr; }
  uint64_t cookie() const { return cookie_; }
  bool idle() const { return stitched_.open.empty(); }
  bool holding() const { return sent_.stream.holding() || received_.stream.holding(); }
  uint32_t tgid() const { return stitched_.tgid; }
  bool is_unix() const { return stitched_.is_unix; }
  /// Cookie of a UNIX socket's peer; 0 if there is none.
  uint64_t unix_peer() const { return unix_peer_; }
  const std::string& command() const { return command_; }

  // The pipeline's own notes.
  bool watched = false;    ///< in its list of connections that hold segments
  uint64_t closed_ns = 0;  ///< when the kernel closed the socket; 0 while it is open

 private:
  // Where recent segments of the request side lay: a message may be recognised some bytes late.
  class RecentFacts {
   public:
    void add(const SegmentFacts& facts) {
      ring_[next_++ % ring_.size()] = facts;
      if (facts.has_context) latest_context_ = facts;
    }
    const SegmentFacts* at(uint64_t offset) const;

   private:
    std::array<SegmentFacts, 4> ring_;
    uint64_t next_ = 0;
    SegmentFacts latest_context_;  // outlasts the ring where a head comes byte by byte
  };

  // When recent segments of the response side moved: the end of a message may be told some messages
  // late.
  class RecentTimes {
   public:
    void add(const SegmentFacts& facts) {
      ring_[next_++ % ring_.size()] = {facts.offset, facts.end, facts.time_ns};
    }
    std::optional<uint64_t> at(uint64_t offset) const;

   private:
    struct Moved {
      uint64_t offset = 0, end = 0, time_ns = 0;
    };
    std::array<Moved, 8> ring_;
    uint64_t next_ = 0;
  };

  struct Half final : StreamConsumer {
    Half(Connection& owner, clew_direction which, const Stream::Limits& limits)
        : connection(owner), direction(which), stream(limits) {}
    void on_segment(const Segment& segment) override { connection.feed(direction, segment); }
    void on_lost(uint64_t offset, uint64_t length) override {
      connection.lost(direction, offset, length);
    }
    void on_end() override { connection.ended(direction); }

    Connection& connection;
    clew_direction direction;
    Stream stream;
    bool begun = false;       // something of it was told to the session
    bool lost_first = false;  // bytes were lost before there was one
    bool joined = false;      // that it was joined midway was told
    bool ended = false;
  };

  Half& half(clew_direction direction) { return direction == CLEW_SENT ? sent_ : received_; }
  Side side_of(clew_direction direction) const;
  void feed(clew_direction direction, const Segment& segment);
  void lost(clew_direction direction, uint64_t offset, uint64_t length);
  void ended(clew_direction direction);
  bool open_session(clew_direction direction, const Segment& segment);
  void pass_on(clew_direction direction, const Segment& segment);
  void begin_half(Half& from, Side side, uint64_t moment, uint64_t offset);
  void tell(const SegmentFacts& now);
  void give_up(const SegmentFacts& now);

  void read_internet_ends(const clew_connection& record);
  void read_unix_ends(const clew_connection& record, std::string_view name);

  uint64_t cookie_;
  uint64_t unix_peer_ = 0;
  const ProtocolSettings& protocol_settings_;
  Stitcher& stitcher_;
  Counters& counters_;
  StitchedConnection stitched_;
  std::string command_;
  Half sent_, received_;
  Detector detector_;
  std::unique_ptr<Session> session_;
  bool given_up_ = false;
  bool ignored_ = false;
  bool from_start_ = false;
  uint64_t joined_moment_ = 0;  // just before the first that was seen of either side
  uint64_t last_time_ns_ = 0;
  RecentFacts request_facts_;
  RecentTimes response_times_;
  std::vector<MessageEvent> events_;
};

}  // namespace clew
