#include "agent/stitch/stitcher.h"

#include <algorithm>
#include <cstring>

#include "agent/stitch/addresses.h"

namespace clew {
namespace {

// Calls are recorded within milliseconds of being made: one that comes later is left out all the
// same, as one whose parent is not known.
constexpr uint64_t kRememberEnded = 500'000'000;

uint64_t as_number(const uint8_t* id) {
  uint64_t number = 0;
  std::memcpy(&number, id, sizeof(number));
  return number;
}

SpanId as_span_id(uint64_t number) {
  SpanId id;
  std::memcpy(id.data(), &number, sizeof(number));
  return id;
}

// "thread" where the thread served nothing else meanwhile: then there is no other request it can
// be.
std::string_view link_name(uint8_t evidence, unsigned served_by_thread) {
  switch (evidence) {
    case CLEW_EVIDENCE_CONNECT:
      return "connect";
    case CLEW_EVIDENCE_CREATED:
      return "created";
    default:
      return served_by_thread <= 1 ? "thread" : "turn";
  }
}

}  // namespace

Stitcher::Stitcher(Counters& counters, ResourceOf resource_of, HeldSpans::Release release,
                   const RouteSettings& routes)
    : counters_(counters),
      resource_of_(std::move(resource_of)),
      peers_(nodes_),
      held_(HeldSpans::Limits{}, std::move(release)),
      routes_(routes),
      random_(std::random_device{}()) {
}

void Stitcher::connect(StitchedConnection& connection) {
  if (!connection.pair) connection.pair = peers_.open(connection.key);
}

void Stitcher::disconnect(StitchedConnection& connection) {
  peers_.close(connection.key, connection.pair);
}

void Stitcher::on_events(StitchedConnection& connection, const Session& session,
                         std::span<const MessageEvent> events, const SegmentFacts& now,
                         const std::function<const SegmentFacts*(uint64_t)>& request_facts) {
  for (const auto& event : events) {
    switch (event.kind) {
      case MessageEvent::Kind::RequestStarted: {
        const SegmentFacts* facts = request_facts(event.offset);
        begin(connection, event, facts ? *facts : now);
        break;
      }
      case MessageEvent::Kind::ExchangeEnded:
        finish(connection, session, event, now);
        break;
      case MessageEvent::Kind::RequestEnded:
      case MessageEvent::Kind::ResponseStarted:
        break;
    }
  }
}

void Stitcher::begin(StitchedConnection& connection, const MessageEvent& event,
                     const SegmentFacts& facts) {
  OpenExchange& exchange = connection.open.emplace_back();
  exchange.number = event.exchange;
  exchange.tgid = facts.tgid ? facts.tgid : connection.tgid;
  exchange.node = nodes_.make();
  exchange.node->tid = facts.tid;
  // The first message of a segment has the ids that the kernel made; the rest get theirs here.
  const bool kernel_ids = facts.has_context && event.offset == facts.offset;
  if (connection.role == CLEW_ROLE_SERVER) {
    exchange.node->start_ns = facts.time_ns;
    begin_served(exchange, facts, kernel_ids);
  } else {
    exchange.node->start_ns = facts.begin_ns;
    begin_called(connection, exchange, facts, kernel_ids);
  }
  ++connection.begun;
  if (facts.has_sequence) {
    connection.has_sequence = true;
    connection.sequence_base = facts.sequence_base;
  }
  join(connection, event.offset, exchange.node);
}

void Stitcher::begin_served(OpenExchange& exchange, const SegmentFacts& facts, bool kernel_ids) {
  TraceNode& node = *exchange.node.get();
  const uint64_t span_id = kernel_ids ? as_number(facts.context.span_id) : random_id();
  node.span_id = as_span_id(span_id);
  if (kernel_ids) {
    std::memcpy(node.trace_id.data(), facts.context.trace_id, node.trace_id.size());
    exchange.kernel_id = span_id;
    served_.insert_or_assign(span_id, exchange.node);
  } else {
    begin_trace(node);
  }
  Load& load = load_by_thread_[facts.tid];
  ++load.served;
  ++load.waiting;
}

void Stitcher::begin_called(StitchedConnection& connection, OpenExchange& exchange,
                            const SegmentFacts& facts, bool kernel_ids) {
  TraceNode& node = *exchange.node.get();
  node.span_id = as_span_id(kernel_ids ? as_number(facts.context.span_id) : random_id());
  const uint64_t parent_id = facts.has_context ? as_number(facts.context.parent_span_id) : 0;
  if (facts.has_context && (kernel_ids || parent_id)) {
    std::memcpy(node.trace_id.data(), facts.context.trace_id, node.trace_id.size());
  } else {
    begin_trace(node);
  }
  if (parent_id) find_parent(node, exchange.tgid, parent_id, facts.evidence, connection.begun > 0);
}

// Whether the evidence leaves open whose call it is, of a thread that serves several requests.
bool Stitcher::is_guess(uint32_t tgid, const TraceNode& parent, uint8_t evidence,
                        bool reused) const {
  switch (evidence) {
    case CLEW_EVIDENCE_WEAK:
      return true;
    case CLEW_EVIDENCE_ANSWER:
      // An answer frees a pooled connection, and some waiting request takes it in the same turn.
      return reused;
    case CLEW_EVIDENCE_CONNECT:  // a pool may give the connection to another request
    case CLEW_EVIDENCE_OVERLAP:
      return !resource_of_(tgid)->runs_to_completion;
    case CLEW_EVIDENCE_TURN:
      // Another request that was read and has not called yet may have waited for this moment.
      return load_of(parent.tid).waiting > (parent.called ? 0 : 1) &&
             !resource_of_(tgid)->runs_to_completion;
    default:
      return false;
  }
}

// Whose call the kernel says `node` is; left out where that cannot be, or may be a guess. `reused`
// tells that the connection has carried calls before this one.
void Stitcher::find_parent(TraceNode& node, uint32_t tgid, uint64_t parent_id, uint8_t evidence,
                           bool reused) {
  const auto found = served_.find(parent_id);
  const auto leave_out = [&](Counter why) {
    counters_.add(why);
    begin_trace(node);
  };
  if (found == served_.end()) return leave_out(Counter::links_unknown);
  const NodeRef& parent = found->second;
  if (parent->end_ns && parent->end_ns < node.start_ns) return leave_out(Counter::links_ended);
  const unsigned served = load_of(parent->tid).served;
  if (served > 1 && is_guess(tgid, *parent.get(), evidence, reused))
    return leave_out(Counter::links_ambiguous);
  nodes_.set_parent(node, parent, link_name(evidence, served));
  if (!std::exchange(parent->called, true) && !parent->end_ns) {
    if (const auto load = load_by_thread_.find(parent->tid); load != load_by_thread_.end())
      --load->second.waiting;
  }
}

void Stitcher::failed_connect(const clew_connect_failed& record, std::string_view remote_address) {
  const NodeRef node = nodes_.make();
  node->tid = record.tid;
  node->start_ns = record.begin_ns;
  node->end_ns = std::max(record.record.time_ns, record.begin_ns);
  std::memcpy(node->trace_id.data(), record.context.trace_id, node->trace_id.size());
  std::memcpy(node->span_id.data(), record.context.span_id, node->span_id.size());
  if (const uint64_t parent_id = as_number(record.context.parent_span_id)) {
    find_parent(*node.get(), record.record.tgid, parent_id, record.record.detail, false);
  }
  builder_.clear();
  builder_.name("connect");
  builder_.attribute("server.address", remote_address);
  builder_.attribute("server.port", int64_t{record.remote_port});
  builder_.attribute("network.peer.address", remote_address);
  builder_.attribute("network.peer.port", int64_t{record.remote_port});
  builder_.attribute("network.transport", "tcp");
  builder_.attribute("error.type", socket_error_name(record.error));
  builder_.status(SpanStatus::Error);
  held_.add(builder_, node, SpanKind::Client, resource_of_(record.record.tgid), node->end_ns);
  counters_.add(Counter::spans);
}

void Stitcher::join(StitchedConnection& connection, uint64_t offset, const NodeRef& node) {
  if (!connection.pair || !connection.has_sequence) return;
  const uint32_t sequence = connection.sequence_base + static_cast<uint32_t>(offset);
  if (connection.role == CLEW_ROLE_SERVER) {
    peers_.server_began(*connection.pair, sequence, node);
  } else {
    const uint64_t late = peers_.late();
    peers_.client_began(*connection.pair, sequence, node);
    counters_.add(Counter::joins_late, peers_.late() - late);
  }
}

void Stitcher::mistaken_start(StitchedConnection& connection, const SegmentFacts& facts) {
  if (connection.role != CLEW_ROLE_SERVER || connection.open.empty()) return;
  OpenExchange& exchange = connection.open.back();
  // Calls go by the latest; an earlier one matters only to those recorded late.
  if (exchange.alias) leaving_.push_back({facts.time_ns + kRememberEnded, exchange.alias});
  exchange.alias = as_number(facts.context.span_id);
  served_.insert_or_assign(exchange.alias, exchange.node);
}

void Stitcher::finish(StitchedConnection& connection, const Session& session,
                      const MessageEvent& event, const SegmentFacts& now) {
  const auto found = std::ranges::find(connection.open, event.exchange, &OpenExchange::number);
  if (found == connection.open.end()) return;
  const OpenExchange exchange = connection.open.take(found);
  TraceNode& node = *exchange.node.get();
  node.end_ns = std::max(now.time_ns, node.start_ns);
  const bool served = connection.role == CLEW_ROLE_SERVER;
  if (served) {
    end_served(node);
    const uint64_t due_ns = node.end_ns + kRememberEnded;
    if (exchange.kernel_id) leaving_.push_back({due_ns, exchange.kernel_id});
    if (exchange.alias) leaving_.push_back({due_ns, exchange.alias});
  }
  if (event.how == MessageEvent::How::GapLost) counters_.add(Counter::exchanges_hidden);

  const SpanKind kind = served ? SpanKind::Server : SpanKind::Client;
  builder_.clear();
  session.describe(event.exchange, kind, builder_);
  describe_ending(connection, event.how);
  describe_connection(connection, kind);
  const auto resource = resource_of_(exchange.tgid);
  describe_route(*resource, kind);
  held_.add(builder_, exchange.node, kind, resource, node.end_ns);
  counters_.add(Counter::spans);
}

// Why the exchange did not come to its end, where the protocol itself gives no error.
void Stitcher::describe_ending(const StitchedConnection& connection, MessageEvent::How how) {
  const bool unanswered = how == MessageEvent::How::Unanswered;
  if (!unanswered && how != MessageEvent::How::Cut) return;
  builder_.status(SpanStatus::Error);
  if (builder_.has("error.type")) return;
  if (connection.owner_exited) {
    builder_.attribute("error.type", "process_ended");
  } else if (connection.error) {
    builder_.attribute("error.type", socket_error_name(connection.error));
  } else {
    builder_.attribute("error.type", unanswered ? "no_response" : "response_cut");
  }
}

void Stitcher::describe_unix(const StitchedConnection& connection, SpanKind kind) {
  builder_.attribute("network.transport", "unix");
  const bool served = kind == SpanKind::Server;
  const std::string& server = served ? connection.local_address : connection.remote_address;
  if (server.empty()) return;
  if (!builder_.has("server.address")) builder_.attribute("server.address", server);
  if (!served) builder_.attribute("network.peer.address", server);
}

// http.route and url.template, and the name "{method} {target}" of the HTTP conventions.
void Stitcher::describe_route(const Resource& resource, SpanKind kind) {
  const bool served = kind == SpanKind::Server;
  if (builder_.request_path().empty() || !(served || routes_.names_clients())) return;
  const auto found =
      routes_.find(resource.service_name, served, builder_.request_path(), builder_.path_exists());
  if (found.outcome == RouteTable::Outcome::Full) counters_.add(Counter::routes_overflowed);
  if (found.outcome != RouteTable::Outcome::Known) return;
  builder_.attribute(served ? "http.route" : "url.template", found.route);
  name_.assign(builder_.name()).append(" ").append(found.route);
  builder_.name(name_);
}

void Stitcher::describe_connection(StitchedConnection& connection, SpanKind kind) {
  if (connection.is_unix) return describe_unix(connection, kind);
  if (connection.remote_address.empty()) return;
  const bool served = kind == SpanKind::Server;
  if (!builder_.has("server.address")) {
    builder_.attribute("server.address",
                       served ? connection.local_address : connection.remote_address);
  }
  if (!builder_.has("server.port")) {
    builder_.attribute("server.port",
                       int64_t{served ? connection.local_port : connection.remote_port});
  }
  if (connection.described_as != kind) {
    connection.described_as = kind;
    AttributeWriter peer;
    if (served) peer.text("client.address", connection.remote_address);
    peer.text("network.peer.address", connection.remote_address);
    peer.integer("network.peer.port", int64_t{connection.remote_port});
    connection.peer_attributes = peer.written().encoded();
  }
  builder_.attributes(Attributes(connection.peer_attributes));
}

void Stitcher::end_served(const TraceNode& node) {
  const auto load = load_by_thread_.find(node.tid);
  if (load == load_by_thread_.end()) return;
  if (!node.called) --load->second.waiting;
  if (--load->second.served == 0) load_by_thread_.erase(load);
}

Stitcher::Load Stitcher::load_of(uint32_t tid) const {
  const auto found = load_by_thread_.find(tid);
  return found == load_by_thread_.end() ? Load{} : found->second;
}

void Stitcher::begin_trace(TraceNode& node) {
  const uint64_t halves[2] = {random_id(), random_id()};
  std::memcpy(node.trace_id.data(), halves, node.trace_id.size());
}

uint64_t Stitcher::random_id() {
  uint64_t id = 0;
  while (id == 0) id = random_();
  return id;
}

void Stitcher::tick(uint64_t now_ns) {
  held_.tick(now_ns);
  peers_.tick(now_ns);
  while (!leaving_.empty() && leaving_.front().due_ns <= now_ns) {
    served_.erase(leaving_.front().span_id);
    leaving_.pop_front();
  }
}

void Stitcher::flush() {
  held_.flush();
}

}  // namespace clew
