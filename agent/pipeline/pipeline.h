// From the kernel's records to finished spans: one thread, in the order of the ring buffer.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "agent/base/bytes.h"
#include "agent/pipeline/connection.h"
#include "agent/pipeline/process_table.h"
#include "agent/stitch/stitcher.h"
#include "agent/telemetry/counters.h"
#include "bpf/abi/process.h"

namespace clew {

/// Who judges processes. Called in the order in which the kernel recorded.
class ProcessObserver {
 public:
  virtual ~ProcessObserver() = default;
  virtual void on_fork(uint32_t parent, uint32_t child) = 0;
  /// `arguments` are NUL-terminated, perhaps cut off.
  virtual void on_exec(const clew_process& record, ByteView arguments) = 0;
  /// The process began to listen on a selected port.
  virtual void on_listen(uint32_t tgid, uint16_t port) = 0;
  virtual void on_exit(uint32_t tgid) = 0;
  /// Whether the connections of that process are followed.
  virtual bool wants(uint32_t tgid) = 0;
};

class Pipeline {
 public:
  struct Limits {
    size_t connections = 65'536;
    Stream::Limits stream;
  };

  struct Settings {
    ProtocolSettings protocols;
    RouteSettings routes;
  };

  Pipeline(const Limits& limits, ResourceSettings resources, HeldSpans::Release release,
           Settings settings = {});
  ~Pipeline();

  void set_observer(ProcessObserver* observer) { observer_ = observer; }
  /// One record as the ring buffer holds it, aligned to 8 bytes. Malformed ones are counted.
  void on_record(ByteView record);
  /// To be called about every 50 ms, with CLOCK_MONOTONIC.
  void tick(uint64_t now_ns);
  /// Ends what is under way and releases every span.
  void finish(uint64_t now_ns);

  ProcessTable& processes() { return processes_; }
  const Counters& counters() const { return counters_; }
  size_t connections() const { return connections_.size(); }
  /// Added to CLOCK_MONOTONIC to make Unix time.
  void set_clock_offset(uint64_t offset_ns) { stitcher_.held().set_clock_offset(offset_ns); }

 private:
  using ConnectionMap = absl::flat_hash_map<uint64_t, std::unique_ptr<Connection>>;

  void on_segment(ByteView record);
  void on_connection(ByteView record);
  void on_closing(const clew_closing& record);
  void on_connect_failed(const clew_connect_failed& record);
  void on_end_of_stream(Connection& connection, uint64_t offset, uint64_t time_ns);
  void on_exit(uint32_t tgid, uint64_t time_ns);
  void close_later(Connection& connection, uint64_t time_ns);
  void on_process(ByteView record);
  Connection& connection_of(uint64_t cookie, uint64_t now_ns);
  void remove(ConnectionMap::iterator found, uint64_t now_ns);
  void end(Connection& connection, uint64_t time_ns, Ending why);
  void depart(ConnectionMap::iterator found, uint64_t now_ns);
  void watch(Connection& connection);
  std::shared_ptr<const Resource> resource_of(uint32_t tgid);

  Limits limits_;
  Settings settings_;
  Counters counters_;
  ProcessTable processes_;
  Stitcher stitcher_;
  ProcessObserver* observer_ = nullptr;
  ConnectionMap connections_;
  size_t unix_connections_ = 0;    // among them
  std::vector<uint64_t> watched_;  // cookies of connections that hold segments back
  struct Closing {
    uint64_t time_ns;
    uint64_t cookie;
  };
  std::deque<Closing> closing_;  // closed by the kernel, bytes may still be read
  // Removed a moment ago: what still comes for them is no new connection.
  std::deque<Closing> departing_;
  absl::flat_hash_set<uint64_t> departed_;
};

}  // namespace clew
