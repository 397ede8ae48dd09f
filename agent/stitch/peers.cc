#include "agent/stitch/peers.h"

#include <algorithm>
#include <bit>

namespace clew {
namespace {

// An end that nobody traces would collect for ever; its peer, if it comes, comes soon.
constexpr size_t kMaxWaiting = 4096;
constexpr size_t kMaxWaitingAlone = 64;
constexpr size_t kLookEach = 16;
constexpr uint64_t kLinger = 5'000'000'000;
constexpr size_t kMaxLingering = 8192;

// Takes the exchange that began at `sequence`, if it waits.
NodeRef take(FrontQueue<PeerPair::Waiting>& waiting, uint32_t sequence) {
  const auto found = std::ranges::find(waiting, sequence, &PeerPair::Waiting::sequence);
  if (found == waiting.end()) return {};
  return waiting.take(found).node;
}

// `is_stale` tells of the oldest ones whether a join would come too late for them. Looks and drops
// only now and then, since what remains has to be moved; but early, since there may be many
// connections that are seldom used.
template <typename Stale>
void wait(FrontQueue<PeerPair::Waiting>& waiting, uint32_t sequence, const NodeRef& node,
          unsigned ends, Stale is_stale) {
  if (const size_t size = waiting.size();
      std::has_single_bit(size) || (size != 0 && size % kLookEach == 0)) {
    const bool alone = ends <= 1;
    // What is under way may be a batch that the other end is about to show.
    const bool few = alone && waiting.front().node->end_ns != 0;
    size_t gone = size >= (few ? kMaxWaitingAlone : kMaxWaiting) ? kLookEach : 0;
    while (alone && gone < size &&
           is_stale(*waiting.begin()[static_cast<ptrdiff_t>(gone)].node.get()))
      ++gone;
    if (gone > 0) waiting.drop_front(gone);
  }
  waiting.emplace_back(sequence, node);
}

}  // namespace

std::shared_ptr<PeerPair> Peers::open(const ConnectionKey& key) {
  auto& pair = pairs_[key];
  if (!pair) pair = std::make_shared<PeerPair>();
  ++pair->ends;
  return pair;
}

void Peers::close(const ConnectionKey& key, std::shared_ptr<PeerPair>& pair) {
  const auto closed = std::move(pair);
  pair.reset();
  if (!closed || --closed->ends > 0) return;
  if (!closed->clients.empty() && lingering_.size() < kMaxLingering) {
    lingering_.push_back({now_ns_ + kLinger, key});
    return;
  }
  const auto found = pairs_.find(key);
  if (found != pairs_.end() && found->second == closed) pairs_.erase(found);
}

void Peers::tick(uint64_t now_ns) {
  now_ns_ = now_ns;
  while (!lingering_.empty() && lingering_.front().due_ns <= now_ns) {
    const auto found = pairs_.find(lingering_.front().key);
    if (found != pairs_.end() && found->second->ends == 0) pairs_.erase(found);
    lingering_.pop_front();
  }
}

bool Peers::client_began(PeerPair& pair, uint32_t sequence, const NodeRef& node) {
  if (const NodeRef server = take(pair.servers, sequence)) return join(node, server);
  wait(pair.clients, sequence, node, pair.ends, [this](const TraceNode& client) {
    return client.end_ns != 0 && client.end_ns + kLinger <= now_ns_;
  });
  return false;
}

bool Peers::server_began(PeerPair& pair, uint32_t sequence, const NodeRef& node) {
  if (const NodeRef client = take(pair.clients, sequence)) return join(client, node);
  wait(pair.servers, sequence, node, pair.ends,
       [](const TraceNode& server) { return server.released; });
  return false;
}

bool Peers::join(const NodeRef& client, const NodeRef& server) {
  if (descends_from(*client.get(), *server.get())) return false;  // contradiction: leave it out
  if (server->released) ++late_;
  nodes_.set_parent(*server.get(), client, "stream");
  client->joined = true;
  server->joined = true;
  // The send is recorded after it was made: the peer may have read the bytes before.
  client->start_ns = std::min(client->start_ns, server->start_ns);
  return true;
}

}  // namespace clew
