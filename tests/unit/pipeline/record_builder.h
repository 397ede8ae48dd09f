// Makes records as the kernel programs do, for a world of processes and connections that a test
// makes up.
#pragma once

#include <arpa/inet.h>

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/bytes.h"
#include "bpf/abi/connection.h"
#include "bpf/abi/process.h"
#include "bpf/abi/segment.h"

namespace clew {

/// One record; its storage is as long as the record and aligned as the ring buffer aligns.
using Record = std::vector<uint8_t>;

template <typename Fixed>
Record make_record(const Fixed& fixed, std::string_view payload = {}) {
  Record record(sizeof(fixed) + payload.size());
  std::memcpy(record.data(), &fixed, sizeof(fixed));
  if (!payload.empty()) std::memcpy(record.data() + sizeof(fixed), payload.data(), payload.size());
  return record;
}

/// A context as the kernel would make it. `span` also makes the trace id; `parent` 0: none.
inline clew_context context_of(uint64_t span, uint64_t parent = 0) {
  clew_context context{};
  std::memcpy(context.trace_id, &span, sizeof(span));
  context.trace_id[15] = 1;
  std::memcpy(context.span_id, &span, sizeof(span));
  std::memcpy(context.parent_span_id, &parent, sizeof(parent));
  return context;
}

struct Endpoint {
  const char* address = "127.0.0.1";  ///< IPv4
  uint16_t port = 0;

  void write_to(uint8_t* mapped) const {
    mapped[10] = mapped[11] = 0xff;
    inet_pton(AF_INET, address, mapped + 12);
  }
};

/// What the kernel knows of a socket operation besides its bytes.
struct Operation {
  uint64_t time_ns = 0;
  uint32_t tid = 0;  ///< 0: the process's first thread
  std::optional<clew_context> context{};
  uint8_t evidence = CLEW_EVIDENCE_NONE;
  uint32_t uncopied = 0;  ///< bytes covered beyond those copied
  bool continued = false;
  uint32_t begin_delta_ns = 0;
};

/// One end of a connection: counts the bytes of both directions.
class SocketEnd {
 public:
  SocketEnd(uint64_t cookie, clew_role role, uint32_t tgid, Endpoint local, Endpoint remote)
      : cookie_(cookie), role_(role), tgid_(tgid), local_(local), remote_(remote) {}

  Record connection(uint64_t time_ns, bool from_start = true) const {
    clew_connection record{};
    record.record = header(CLEW_RECORD_CONNECTION, static_cast<uint8_t>(role_), time_ns);
    record.record.flags = from_start ? CLEW_CONNECTION_FROM_START : 0;
    record.cookie = cookie_;
    local_.write_to(record.local);
    remote_.write_to(record.remote);
    record.local_port = local_.port;
    record.remote_port = remote_.port;
    record.network_namespace = 4026531840;
    record.family = AF_INET;
    record.protocol = IPPROTO_TCP;
    std::memcpy(record.command, "command", 7);
    return make_record(record);
  }

  Record received(std::string_view bytes, const Operation& operation) {
    return segment(CLEW_RECEIVED, bytes, operation);
  }
  Record sent(std::string_view bytes, const Operation& operation) {
    return segment(CLEW_SENT, bytes, operation);
  }
  /// A receive that returned 0.
  Record end_of_stream(uint64_t time_ns) const {
    clew_segment record{};
    record.record = header(CLEW_RECORD_SEGMENT, CLEW_RECEIVED, time_ns);
    record.cookie = cookie_;
    record.offset = bytes_[CLEW_RECEIVED];
    record.tid = tgid_;
    return make_record(record);
  }
  Record closing(clew_closing_kind kind, uint64_t time_ns) const {
    clew_closing record{};
    record.record = header(CLEW_RECORD_CLOSING, static_cast<uint8_t>(kind), time_ns);
    record.record.tgid = 0;
    record.cookie = cookie_;
    record.sent = bytes_[CLEW_SENT];
    record.received = bytes_[CLEW_RECEIVED];
    return make_record(record);
  }

  /// Bytes went by before the connection was followed.
  void skip(clew_direction direction, uint64_t bytes) { bytes_[direction] += bytes; }
  /// connect() was called again on the same socket.
  void reconnect(uint16_t local_port, uint32_t initial_sequence) {
    local_.port = local_port;
    sequence_[0] = sequence_[1] = initial_sequence;
    bytes_[0] = bytes_[1] = 0;
  }
  uint64_t cookie() const { return cookie_; }
  uint32_t tgid() const { return tgid_; }

 private:
  clew_record header(clew_record_kind kind, uint8_t detail, uint64_t time_ns) const {
    clew_record made{};
    made.kind = static_cast<uint8_t>(kind);
    made.detail = detail;
    made.tgid = tgid_;
    made.time_ns = time_ns;
    return made;
  }

  Record segment(clew_direction direction, std::string_view bytes, const Operation& operation) {
    clew_segment record{};
    record.record = header(CLEW_RECORD_SEGMENT, static_cast<uint8_t>(direction), operation.time_ns);
    record.record.flags = CLEW_SEGMENT_SEQUENCE;
    if (operation.context) record.record.flags |= CLEW_SEGMENT_MESSAGE_START;
    if (operation.continued) record.record.flags |= CLEW_SEGMENT_CONTINUED;
    record.cookie = cookie_;
    record.offset = bytes_[direction];
    const auto covered = static_cast<uint32_t>(bytes.size()) + operation.uncopied;
    record.result = static_cast<int32_t>(covered);
    record.tid = operation.tid ? operation.tid : tgid_;
    // Requests and responses count from numbers of their own, alike at both ends.
    const bool requests = (role_ == CLEW_ROLE_SERVER) == (direction == CLEW_RECEIVED);
    record.sequence_base = sequence_[requests ? 0 : 1];
    record.begin_delta_ns = operation.begin_delta_ns;
    record.length = static_cast<uint32_t>(bytes.size());
    record.evidence = operation.evidence;
    bytes_[direction] += covered;
    std::string payload;
    if (operation.context) {
      payload.assign(reinterpret_cast<const char*>(&*operation.context), sizeof(clew_context));
    }
    payload += bytes;
    return make_record(record, payload);
  }

  uint64_t cookie_;
  clew_role role_;
  uint32_t tgid_;
  Endpoint local_, remote_;
  uint64_t bytes_[2] = {0, 0};
  uint32_t sequence_[2] = {0xffffff00, 4711};  // the first wraps soon
};

/// Both ends of a connection on this host.
struct Wire {
  SocketEnd client, server;

  Wire(uint64_t cookie, uint32_t client_tgid, uint32_t server_tgid, uint16_t client_port,
       uint16_t server_port)
      : client(cookie, CLEW_ROLE_CLIENT, client_tgid, {.port = client_port}, {.port = server_port}),
        server(cookie + 1, CLEW_ROLE_SERVER, server_tgid, {.port = server_port},
               {.port = client_port}) {}
};

inline Record process_record(clew_process_event event, uint32_t tgid, uint32_t parent,
                             uint64_t time_ns, std::string_view filename = {},
                             std::string_view arguments = {}) {
  clew_process record{};
  record.record.kind = CLEW_RECORD_PROCESS;
  record.record.detail = static_cast<uint8_t>(event);
  record.record.tgid = tgid;
  record.record.time_ns = time_ns;
  record.parent = parent;
  record.argument_length = static_cast<uint32_t>(arguments.size());
  filename.copy(record.filename, sizeof(record.filename) - 1);
  return make_record(record, arguments);
}

}  // namespace clew
