#include "agent/pipeline/pipeline.h"

#include <algorithm>
#include <cstring>

#include "agent/stitch/addresses.h"

namespace clew {
namespace {

// A connection can be closed while its last bytes wait to be read, and even while the send is under
// way that the peer answers with a reset: that send is recorded after the close.
constexpr uint64_t kReadAfterClose = 1'000'000'000;
constexpr int32_t kMaxErrno = 4095;  // MAX_ERRNO of the kernel

// Views the fixed part of a record; null if the record is shorter.
template <typename T>
const T* view_as(ByteView record) {
  if (record.size() < sizeof(T)) return nullptr;
  return reinterpret_cast<const T*>(record.data());
}

SegmentFacts facts_of(const clew_segment& record) {
  SegmentFacts facts;
  facts.offset = record.offset;
  facts.end = record.offset + static_cast<uint64_t>(std::max(record.result, 0));
  facts.time_ns = record.record.time_ns;
  facts.begin_ns = record.record.time_ns - record.begin_delta_ns;
  facts.tgid = record.record.tgid;
  facts.tid = record.tid;
  facts.sequence_base = record.sequence_base;
  facts.has_sequence = record.record.flags & CLEW_SEGMENT_SEQUENCE;
  facts.has_context = record.record.flags & CLEW_SEGMENT_MESSAGE_START;
  facts.operation_start = !(record.record.flags & CLEW_SEGMENT_CONTINUED);
  facts.evidence = record.evidence;
  return facts;
}

}  // namespace

Pipeline::Pipeline(const Limits& limits, ResourceSettings resources, HeldSpans::Release release,
                   Settings settings)
    : limits_(limits),
      settings_(std::move(settings)),
      processes_(std::move(resources)),
      stitcher_(
          counters_, [this](uint32_t tgid) { return resource_of(tgid); }, std::move(release),
          settings_.routes) {
}

Pipeline::~Pipeline() = default;

void Pipeline::on_record(ByteView record) {
  const auto* header = view_as<clew_record>(record);
  if (!header) return counters_.add(Counter::bad_records);
  switch (header->kind) {
    case CLEW_RECORD_SEGMENT:
      return on_segment(record);
    case CLEW_RECORD_CONNECTION:
      return on_connection(record);
    case CLEW_RECORD_CLOSING:
      if (const auto* closing = view_as<clew_closing>(record)) return on_closing(*closing);
      break;
    case CLEW_RECORD_PROCESS:
      return on_process(record);
    case CLEW_RECORD_CONNECT_FAILED:
      if (const auto* failed = view_as<clew_connect_failed>(record)) {
        return on_connect_failed(*failed);
      }
      break;
    default:
      break;
  }
  counters_.add(Counter::bad_records);
}

void Pipeline::on_segment(ByteView record) {
  const auto* segment = view_as<clew_segment>(record);
  if (!segment) return counters_.add(Counter::bad_records);
  auto payload = record.subspan(sizeof(*segment));
  Segment out{facts_of(*segment), {}};
  if (out.facts.has_context) {
    if (payload.size() < sizeof(clew_context)) return counters_.add(Counter::bad_records);
    std::memcpy(&out.facts.context, payload.data(), sizeof(clew_context));
    payload = payload.subspan(sizeof(clew_context));
  }
  if (segment->result < -kMaxErrno) return counters_.add(Counter::bad_records);
  const bool covers = segment->result >= 0;
  if (segment->length > payload.size() ||
      (covers && segment->length > static_cast<uint32_t>(segment->result))) {
    return counters_.add(Counter::bad_records);
  }
  out.bytes = payload.first(segment->length);
  counters_.add(Counter::segments);

  const auto direction = segment->record.detail == CLEW_SENT ? CLEW_SENT : CLEW_RECEIVED;
  if (departed_.contains(segment->cookie)) {
    if (segment->result > 0) counters_.add(Counter::segments_departed);
    return;
  }
  if (segment->result <= 0) {
    const auto found = connections_.find(segment->cookie);
    if (found == connections_.end()) return;
    if (segment->result < 0) {
      found->second->on_error(-segment->result);
    } else if (direction == CLEW_RECEIVED) {
      on_end_of_stream(*found->second, segment->offset, segment->record.time_ns);
    }
    return;
  }
  Connection& connection = connection_of(segment->cookie, segment->record.time_ns);
  connection.on_segment(out, direction);
  if (connection.holding()) watch(connection);
}

// Nothing tells that a UNIX socket is closed, but that its peer has read to the end.
void Pipeline::on_end_of_stream(Connection& connection, uint64_t offset, uint64_t time_ns) {
  connection.on_end(CLEW_RECEIVED, offset, time_ns);
  if (!connection.unix_peer()) return;
  const auto peer = connections_.find(connection.unix_peer());
  if (peer != connections_.end()) {
    peer->second->on_peer_end(time_ns);
    close_later(*peer->second, time_ns);
  }
  close_later(connection, time_ns);
}

void Pipeline::close_later(Connection& connection, uint64_t time_ns) {
  if (connection.closed_ns) return;
  connection.closed_ns = time_ns;
  closing_.push_back({time_ns, connection.cookie()});
}

void Pipeline::on_connection(ByteView bytes) {
  const auto* header = view_as<clew_connection>(bytes);
  if (!header || header->record.detail > CLEW_ROLE_SERVER) {
    return counters_.add(Counter::bad_records);
  }
  const auto& record = *header;
  const auto name = bytes.subspan(sizeof(record));
  if (record.name_length > name.size()) return counters_.add(Counter::bad_records);
  const auto found = connections_.find(record.cookie);
  // A socket that connects again keeps its cookie. Its first segment can come before this record,
  // when two threads use it at once.
  if (found != connections_.end() && found->second->is_known()) {
    remove(found, record.record.time_ns);
  }
  departed_.erase(record.cookie);
  Connection& connection = connection_of(record.cookie, record.record.time_ns);
  if (observer_ && !observer_->wants(record.record.tgid)) return connection.ignore();
  connection.on_record(record, as_text(name.first(record.name_length)));
  unix_connections_ += connection.is_unix();
  // While the process lives: its name may be asked for when it is gone.
  processes_.resource_of(record.record.tgid, connection.command());
}

void Pipeline::on_closing(const clew_closing& record) {
  const auto found = connections_.find(record.cookie);
  if (found == connections_.end()) return;
  Connection& connection = *found->second;
  connection.on_closing(record);
  if (record.record.detail == CLEW_CLOSING_SENT_FIN) return;
  if (connection.idle() && !connection.holding()) {
    depart(found, record.record.time_ns);
  } else {
    close_later(connection, record.record.time_ns);
  }
}

void Pipeline::on_connect_failed(const clew_connect_failed& record) {
  const uint32_t tgid = record.record.tgid;
  if (observer_ && !observer_->wants(tgid)) return;
  counters_.add(Counter::connects_failed);
  stitcher_.failed_connect(record, address_text(record.remote));
}

// Its TCP connections are closed by the kernel, which tells; its UNIX sockets go silently.
void Pipeline::on_exit(uint32_t tgid, uint64_t time_ns) {
  processes_.exit(tgid, time_ns);
  if (unix_connections_ == 0) return;
  for (const auto& [cookie, connection] : connections_) {
    if (connection->is_unix() && connection->tgid() == tgid) close_later(*connection, time_ns);
  }
}

void Pipeline::on_process(ByteView record) {
  const auto* process = view_as<clew_process>(record);
  if (!process) return counters_.add(Counter::bad_records);
  const uint32_t tgid = process->record.tgid;
  switch (process->record.detail) {
    case CLEW_PROCESS_FORK:
      processes_.fork(process->parent, tgid);
      if (observer_) observer_->on_fork(process->parent, tgid);
      break;
    case CLEW_PROCESS_EXEC: {
      const auto payload = record.subspan(sizeof(*process));
      const auto length = std::min<size_t>(payload.size(), process->argument_length);
      if (observer_) observer_->on_exec(*process, payload.first(length));
      break;
    }
    case CLEW_PROCESS_LISTEN:
      if (observer_) observer_->on_listen(tgid, process->record.flags);
      break;
    case CLEW_PROCESS_EXIT:
      on_exit(tgid, process->record.time_ns);
      if (observer_) observer_->on_exit(tgid);
      break;
    default:
      counters_.add(Counter::bad_records);
  }
}

Connection& Pipeline::connection_of(uint64_t cookie, uint64_t now_ns) {
  const auto found = connections_.find(cookie);
  if (found != connections_.end()) return *found->second;
  if (connections_.size() >= limits_.connections) {
    counters_.add(Counter::connections_evicted);
    remove(connections_.begin(), now_ns);
  }
  auto connection = std::make_unique<Connection>(cookie, limits_.stream, settings_.protocols,
                                                 stitcher_, counters_);
  return *connections_.emplace(cookie, std::move(connection)).first->second;
}

void Pipeline::remove(ConnectionMap::iterator found, uint64_t now_ns) {
  const auto connection = std::move(found->second);
  connections_.erase(found);
  unix_connections_ -= connection->is_unix();
  end(*connection, now_ns, Ending::ConnectionGone);
}

void Pipeline::end(Connection& connection, uint64_t time_ns, Ending why) {
  if (processes_.exited_by(connection.tgid(), time_ns)) connection.on_owner_exited();
  connection.finish(time_ns, why);
}

void Pipeline::depart(ConnectionMap::iterator found, uint64_t now_ns) {
  departed_.insert(found->first);
  departing_.push_back({now_ns, found->first});
  remove(found, now_ns);
}

void Pipeline::watch(Connection& connection) {
  if (connection.watched) return;
  connection.watched = true;
  watched_.push_back(connection.cookie());
}

std::shared_ptr<const Resource> Pipeline::resource_of(uint32_t tgid) {
  return processes_.resource_of(tgid);
}

void Pipeline::tick(uint64_t now_ns) {
  std::erase_if(watched_, [&](uint64_t cookie) {
    const auto found = connections_.find(cookie);
    if (found == connections_.end()) return true;
    found->second->expire(now_ns);
    found->second->watched = found->second->holding();
    return !found->second->watched;
  });
  while (!closing_.empty() && closing_.front().time_ns + kReadAfterClose <= now_ns) {
    const auto [time_ns, cookie] = closing_.front();
    closing_.pop_front();
    const auto found = connections_.find(cookie);
    // Not if the socket has connected anew meanwhile.
    if (found == connections_.end() || found->second->closed_ns != time_ns) continue;
    Connection& connection = *found->second;
    if (connection.is_unix() && !connection.idle() &&
        !processes_.exited_by(connection.tgid(), now_ns)) {
      // Half closed, perhaps: its own end still serves.
      connection.closed_ns = 0;
      close_later(connection, now_ns);
    } else {
      depart(found, time_ns);
    }
  }
  while (!departing_.empty() && departing_.front().time_ns + kReadAfterClose <= now_ns) {
    departed_.erase(departing_.front().cookie);
    departing_.pop_front();
  }
  stitcher_.tick(now_ns);
  processes_.tick(now_ns);
}

void Pipeline::finish(uint64_t now_ns) {
  for (const auto& [cookie, connection] : connections_) {
    const uint64_t closed_ns = connection->closed_ns;
    end(*connection, closed_ns ? closed_ns : now_ns,
        closed_ns ? Ending::ConnectionGone : Ending::ClewStopped);
  }
  connections_.clear();
  stitcher_.flush();
}

}  // namespace clew
