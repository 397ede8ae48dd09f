#include "agent/pipeline/connection.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "agent/stitch/addresses.h"

namespace clew {
namespace {

bool is_loopback(const uint8_t* address) {
  if (is_mapped_ipv4(address)) return address[12] == 127;
  constexpr std::array<uint8_t, 16> kLoopback = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  return std::memcmp(address, kLoopback.data(), kLoopback.size()) == 0;
}

// In place of a network namespace: numbers of those begin at 0xf0000000.
constexpr uint32_t kUnixKey = 1;

// Of the session's moments: an answer can come back before its send is recorded.
uint64_t moment_of(const SegmentFacts& facts, clew_direction direction) {
  return direction == CLEW_SENT ? facts.begin_ns : facts.time_ns;
}

template <typename Facts>
bool covers(const Facts& facts, uint64_t offset) {
  return facts.offset <= offset && offset < facts.end;
}

// The latest of those that a ring holds.
template <typename Facts, size_t Size>
const Facts* find_covering(const std::array<Facts, Size>& ring, uint64_t next, uint64_t offset) {
  for (uint64_t back = 1; back <= std::min<uint64_t>(next, Size); ++back) {
    const Facts& facts = ring[(next - back) % Size];
    if (covers(facts, offset)) return &facts;
  }
  return nullptr;
}

}  // namespace

const SegmentFacts* Connection::RecentFacts::at(uint64_t offset) const {
  if (const SegmentFacts* facts = find_covering(ring_, next_, offset)) return facts;
  return covers(latest_context_, offset) ? &latest_context_ : nullptr;
}

std::optional<uint64_t> Connection::RecentTimes::at(uint64_t offset) const {
  const Moved* moved = find_covering(ring_, next_, offset);
  if (moved == nullptr) return std::nullopt;
  return moved->time_ns;
}

Connection::Connection(uint64_t cookie, const Stream::Limits& limits,
                       const ProtocolSettings& protocols, Stitcher& stitcher, Counters& counters)
    : cookie_(cookie),
      protocol_settings_(protocols),
      stitcher_(stitcher),
      counters_(counters),
      sent_(*this, CLEW_SENT, limits),
      received_(*this, CLEW_RECEIVED, limits) {
}

Connection::~Connection() {
  stitcher_.disconnect(stitched_);
}

void Connection::on_record(const clew_connection& record, std::string_view name) {
  stitched_.role = static_cast<clew_role>(record.record.detail);
  stitched_.tgid = record.record.tgid;
  command_.assign(record.command, strnlen(record.command, sizeof(record.command)));
  from_start_ = record.record.flags & CLEW_CONNECTION_FROM_START;
  if (from_start_) {
    sent_.stream.begin_at(0);
    received_.stream.begin_at(0);
  }
  if (record.family == AF_UNIX) {
    read_unix_ends(record, name);
  } else {
    read_internet_ends(record);
  }
  stitcher_.connect(stitched_);
}

void Connection::read_internet_ends(const clew_connection& record) {
  stitched_.local_address = address_text(record.local);
  stitched_.remote_address = address_text(record.remote);
  stitched_.local_port = record.local_port;
  stitched_.remote_port = record.remote_port;

  const bool serves = stitched_.role == CLEW_ROLE_SERVER;
  ConnectionKey& key = stitched_.key;
  std::memcpy(key.client.data(), serves ? record.remote : record.local, key.client.size());
  std::memcpy(key.server.data(), serves ? record.local : record.remote, key.server.size());
  key.client_port = serves ? record.remote_port : record.local_port;
  key.server_port = serves ? record.local_port : record.remote_port;
  key.loopback_namespace = is_loopback(record.remote) ? record.network_namespace : 0;
}

// The name is the server's, whichever end it is: clients seldom bind theirs.
void Connection::read_unix_ends(const clew_connection& record, std::string_view name) {
  stitched_.is_unix = true;
  std::memcpy(&unix_peer_, record.remote, sizeof(unix_peer_));
  const bool serves = stitched_.role == CLEW_ROLE_SERVER;
  std::string& server = serves ? stitched_.local_address : stitched_.remote_address;
  if (name.starts_with('\0')) {
    server = "@" + std::string(name.substr(1));
  } else {
    server = name.substr(0, name.find('\0'));
  }
  // Cookies are the host's, not a network namespace's, and no address begins with them.
  ConnectionKey& key = stitched_.key;
  std::memcpy(key.client.data(), serves ? record.remote : record.local, key.client.size());
  std::memcpy(key.server.data(), serves ? record.local : record.remote, key.server.size());
  key.loopback_namespace = kUnixKey;
}

Side Connection::side_of(clew_direction direction) const {
  const bool serves = stitched_.role == CLEW_ROLE_SERVER;
  return serves == (direction == CLEW_RECEIVED) ? Side::Request : Side::Response;
}

void Connection::on_segment(const Segment& segment, clew_direction direction) {
  last_time_ns_ = segment.facts.time_ns;
  Half& to = half(direction);
  to.stream.accept(segment, to);
}

void Connection::on_end(clew_direction direction, uint64_t offset, uint64_t time_ns) {
  last_time_ns_ = time_ns;
  Half& to = half(direction);
  to.stream.end_at(offset, to);
}

void Connection::on_error(int error) {
  switch (error) {
    case EPIPE:  // says less than what came before
      if (stitched_.error == 0) stitched_.error = error;
      break;
    case ECONNRESET:
    case ECONNABORTED:
    case ETIMEDOUT:
    case EHOSTUNREACH:
    case ENETUNREACH:
      stitched_.error = error;
      break;
    default:  // of the call, not of the connection
      break;
  }
}

void Connection::on_peer_end(uint64_t time_ns) {
  last_time_ns_ = time_ns;
  sent_.stream.end_at(sent_.stream.next_offset(), sent_);
}

void Connection::on_closing(const clew_closing& record) {
  if (record.error) on_error(record.error);
  last_time_ns_ = record.record.time_ns;
  // A closed socket may have a send under way that is not counted yet.
  if (record.record.detail != CLEW_CLOSING_CLOSED) sent_.stream.end_at(record.sent, sent_);
}

void Connection::expire(uint64_t now_ns) {
  sent_.stream.expire(now_ns, sent_);
  received_.stream.expire(now_ns, received_);
}

void Connection::finish(uint64_t time_ns, Ending why) {
  last_time_ns_ = time_ns;
  sent_.stream.flush(sent_);
  received_.stream.flush(received_);
  counters_.add(Counter::segments_stale, sent_.stream.stale() + received_.stream.stale());
  if (!session_ || given_up_) return;
  session_->finish(why, events_);
  SegmentFacts now;
  now.time_ns = time_ns;
  tell(now);
  given_up_ = true;
}

void Connection::feed(clew_direction direction, const Segment& segment) {
  if (given_up_) return;
  const bool opens = !session_;
  if (opens && !open_session(direction, segment)) return;
  pass_on(direction, segment);
  if (!opens) return;
  for (const Half* ended_before : {&sent_, &received_}) {
    if (ended_before->ended) ended(ended_before->direction);
  }
}

void Connection::pass_on(clew_direction direction, const Segment& segment) {
  if (given_up_) return;
  const SegmentFacts& facts = segment.facts;
  const Side side = side_of(direction);
  const uint64_t moment = moment_of(facts, direction);
  if (side == Side::Request) {
    request_facts_.add(facts);
  } else {
    response_times_.add(facts);
  }
  if (Half& from = half(direction); !from.begun) {
    begin_half(from, side, moment, facts.offset);
    tell(facts);
  }

  auto verdict = Session::Verdict::Continue;
  bool begins = false;
  if (!segment.bytes.empty()) {
    verdict =
        session_->feed(side, segment.bytes, facts.offset, {moment, facts.operation_start}, events_);
    begins = std::ranges::any_of(events_, [&](const MessageEvent& event) {
      return event.kind == MessageEvent::Kind::RequestStarted && event.offset == facts.offset;
    });
    tell(facts);
  }
  if (facts.has_context && side == Side::Request && !begins) {
    stitcher_.mistaken_start(stitched_, facts);
  }
  const uint64_t seen = facts.offset + segment.bytes.size();
  if (verdict == Session::Verdict::Continue && seen < facts.end) {
    verdict = session_->gap(side, seen, facts.end - seen, moment, events_);
    tell(facts);
  }
  if (verdict == Session::Verdict::NotThisProtocol) give_up(facts);
}

// Joined midway: what went by before is not known, but that it was before all that is seen of
// either side. Of the answers that is told before the first request, which none of them answers.
void Connection::begin_half(Half& from, Side side, uint64_t moment, uint64_t offset) {
  from.begun = true;
  if (from.lost_first) {
    session_->gap(side, 0, offset, kMomentUnknown, events_);
    return;
  }
  if (from_start_) return;
  if (!joined_moment_) joined_moment_ = moment - 1;
  if (!from.joined) {
    session_->gap(side, offset, 0, joined_moment_, events_);
  } else if (offset > 0) {
    session_->gap(side, 0, offset, joined_moment_, events_);
  }
  Half& other = half(from.direction == CLEW_SENT ? CLEW_RECEIVED : CLEW_SENT);
  if (side == Side::Response || other.begun || other.lost_first) return;
  other.joined = true;
  session_->gap(Side::Response, 0, 0, joined_moment_, events_);
}

void Connection::lost(clew_direction direction, uint64_t offset, uint64_t length) {
  if (given_up_) return;
  counters_.add(Counter::stream_gaps);
  if (!session_) {
    half(direction).lost_first = true;
    detector_.forget();
    return;
  }
  half(direction).begun = true;
  SegmentFacts now;
  now.time_ns = last_time_ns_;
  const auto verdict = session_->gap(side_of(direction), offset, length, kMomentUnknown, events_);
  tell(now);
  if (verdict == Session::Verdict::NotThisProtocol) give_up(now);
}

void Connection::ended(clew_direction direction) {
  half(direction).ended = true;
  if (given_up_ || !session_) return;
  session_->end(side_of(direction), events_);
  SegmentFacts now;
  now.time_ns = last_time_ns_;
  tell(now);
}

// The kernel's idea of the role rests on one look; the registry's on the protocol's own rules.
// What was held until now goes to the session at once.
bool Connection::open_session(clew_direction direction, const Segment& segment) {
  const auto found = detector_.look(direction, segment, from_start_);
  if (!found.protocol) return false;
  const bool requests = found.side == Side::Request;
  stitched_.role = requests == (direction == CLEW_RECEIVED) ? CLEW_ROLE_SERVER : CLEW_ROLE_CLIENT;
  session_ = found.protocol->open(protocol_settings_);
  for (const auto& held : detector_.take()) {
    pass_on(held.direction, {held.facts, as_bytes(held.bytes)});
  }
  return true;
}

void Connection::tell(const SegmentFacts& now) {
  counters_.add(Counter::requests_unseen, session_->take_requests_unseen());
  for (const MessageEvent& event : events_) {
    if (event.kind == MessageEvent::Kind::RequestEnded ||
        event.kind == MessageEvent::Kind::ResponseStarted) {
      continue;  // nothing to the stitcher
    }
    // A request can tell the end of the answer before it, held back until it was certain whose it
    // is.
    const bool is_end = now.end > now.offset && event.kind == MessageEvent::Kind::ExchangeEnded &&
                        event.how == MessageEvent::How::Complete && event.offset > 0;
    const auto time_ns = is_end ? response_times_.at(event.offset - 1) : std::nullopt;
    std::optional<SegmentFacts> then;
    if (time_ns && *time_ns != now.time_ns) then.emplace(now).time_ns = *time_ns;
    stitcher_.on_events(stitched_, *session_, {&event, 1}, then ? *then : now,
                        [this](uint64_t offset) { return request_facts_.at(offset); });
  }
  events_.clear();
}

void Connection::give_up(const SegmentFacts& now) {
  counters_.add(Counter::protocol_given_up);
  session_->finish(Ending::ClewStopped, events_);
  tell(now);
  given_up_ = true;
}

}  // namespace clew
