// Joins the two ends of a connection whose both processes are traced on this host: the client's
// span of an exchange is the parent of the server's. Exact: both ends name the request's first byte
// by the same TCP sequence number.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>

#include "agent/base/front_queue.h"
#include "agent/stitch/trace_node.h"

namespace clew {

/// A connection as its client sees it: equal for both ends. The network namespace counts only on
/// loopback, where unrelated connections of two namespaces can have the same addresses and ports.
struct ConnectionKey {
  std::array<uint8_t, 16> client{}, server{};
  uint16_t client_port = 0, server_port = 0;
  uint32_t loopback_namespace = 0;

  bool operator==(const ConnectionKey&) const = default;
  template <typename H>
  friend H AbslHashValue(H hash, const ConnectionKey& key) {
    return H::combine(std::move(hash), key.client, key.server, key.client_port, key.server_port,
                      key.loopback_namespace);
  }
};

/// Exchanges begun at one end and not yet met by the other.
struct PeerPair {
  struct Waiting {
    uint32_t sequence;
    NodeRef node;
  };
  FrontQueue<Waiting> clients, servers;  // few: a connection's memory counts
  unsigned ends = 0;                     ///< how many connection objects refer to this pair
};

class Peers {
 public:
  explicit Peers(TraceNodes& nodes) : nodes_(nodes) {}

  /// Opens or shares the pair of `key`.
  std::shared_ptr<PeerPair> open(const ConnectionKey& key);
  /// One end is gone. A pair with calls that no server end has met stays for a while: a server that
  /// is behind accepts connections that their clients have closed.
  void close(const ConnectionKey& key, std::shared_ptr<PeerPair>& pair);
  void tick(uint64_t now_ns);
  size_t size() const { return pairs_.size(); }
  /// Joins that came when the server's span was out already, without its parent.
  uint64_t late() const { return late_; }

  /// An exchange began. Joins it at once if the other end has been seen. Returns true if joined.
  bool client_began(PeerPair& pair, uint32_t sequence, const NodeRef& node);
  bool server_began(PeerPair& pair, uint32_t sequence, const NodeRef& node);

 private:
  bool join(const NodeRef& client, const NodeRef& server);

  TraceNodes& nodes_;
  absl::flat_hash_map<ConnectionKey, std::shared_ptr<PeerPair>> pairs_;
  struct Lingering {
    uint64_t due_ns;
    ConnectionKey key;
  };
  std::deque<Lingering> lingering_;
  uint64_t now_ns_ = 0;  // of the last tick
  uint64_t late_ = 0;
};

}  // namespace clew
