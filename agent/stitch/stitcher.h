// Makes spans of exchanges: gives each its identity and its parent, and describes it when it ended.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <random>
#include <span>

#include "agent/routes/routes.h"
#include "agent/stitch/exchange.h"
#include "agent/stitch/held_spans.h"
#include "agent/telemetry/counters.h"

namespace clew {

/// Runs on the pipeline's thread. Times are CLOCK_MONOTONIC and come with the events.
class Stitcher {
 public:
  using ResourceOf = std::function<std::shared_ptr<const Resource>(uint32_t tgid)>;

  Stitcher(Counters& counters, ResourceOf resource_of, HeldSpans::Release release,
           const RouteSettings& routes = {});

  /// Both ends are known: connections of the same two processes find each other.
  void connect(StitchedConnection& connection);
  void disconnect(StitchedConnection& connection);

  /// What a session said while it was fed one segment (or was ended). `request_facts` gives the
  /// segment in which an offset of the request side lay.
  void on_events(StitchedConnection& connection, const Session& session,
                 std::span<const MessageEvent> events, const SegmentFacts& now,
                 const std::function<const SegmentFacts*(uint64_t offset)>& request_facts);
  /// The kernel took the bytes of `facts` for the start of a request, and they were not: its
  /// context then means the request under way.
  void mistaken_start(StitchedConnection& connection, const SegmentFacts& facts);

  /// A connection that was not made is a call that failed: a client span of its own.
  void failed_connect(const clew_connect_failed& record, std::string_view remote_address);

  void tick(uint64_t now_ns);
  void flush();
  HeldSpans& held() { return held_; }

 private:
  void begin(StitchedConnection& connection, const MessageEvent& event, const SegmentFacts& facts);
  void begin_served(OpenExchange& exchange, const SegmentFacts& facts, bool kernel_ids);
  void begin_called(StitchedConnection& connection, OpenExchange& exchange,
                    const SegmentFacts& facts, bool kernel_ids);
  void finish(StitchedConnection& connection, const Session& session, const MessageEvent& event,
              const SegmentFacts& now);
  void find_parent(TraceNode& node, uint32_t tgid, uint64_t parent_id, uint8_t evidence,
                   bool reused);
  bool is_guess(uint32_t tgid, const TraceNode& parent, uint8_t evidence, bool reused) const;
  void describe_ending(const StitchedConnection& connection, MessageEvent::How how);
  void describe_route(const Resource& resource, SpanKind kind);
  void describe_connection(StitchedConnection& connection, SpanKind kind);
  void describe_unix(const StitchedConnection& connection, SpanKind kind);
  void join(StitchedConnection& connection, uint64_t offset, const NodeRef& node);
  void end_served(const TraceNode& node);
  void begin_trace(TraceNode& node);
  uint64_t random_id();

  Counters& counters_;
  ResourceOf resource_of_;
  TraceNodes nodes_;
  Peers peers_;
  HeldSpans held_;
  SpanBuilder builder_;
  Routes routes_;
  std::string name_;  // of the span being described
  std::mt19937_64 random_;

  // Requests being served, by the span id that the kernel gave them: parents of calls.
  absl::flat_hash_map<uint64_t, NodeRef> served_;
  // What each thread has under way.
  struct Load {
    unsigned served = 0;
    unsigned waiting = 0;  // of these, the ones that have not called anybody yet
  };
  Load load_of(uint32_t tid) const;
  absl::flat_hash_map<uint32_t, Load> load_by_thread_;
  struct Leaving {
    uint64_t due_ns;
    uint64_t span_id;
  };
  std::deque<Leaving>
      leaving_;  // ended ones stay findable for a while: a late call must be refused
};

}  // namespace clew
