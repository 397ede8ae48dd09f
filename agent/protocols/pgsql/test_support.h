// Makes messages, drives a session, and writes down what it says, so that tests compare texts.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/protocols/pgsql/spans.h"
#include "fmt/format.h"

namespace clew::pgsql {

using namespace std::string_literals;

inline std::string u16(uint32_t value) {
  return {static_cast<char>(value >> 8), static_cast<char>(value)};
}
inline std::string u32(uint32_t value) {
  return u16(value >> 16) + u16(value & 0xffff);
}
inline std::string z(std::string_view text) {
  return std::string(text) + '\0';
}
inline std::string message(char type, std::string_view body = {}) {
  return type + u32(static_cast<uint32_t>(body.size()) + 4) + std::string(body);
}
inline std::string packet(uint32_t code, std::string_view body = {}) {
  return u32(static_cast<uint32_t>(body.size()) + 8) + u32(code) + std::string(body);
}

// The frontend's.
inline std::string startup(std::string_view user = "alice", std::string_view database = "shop",
                           uint32_t minor = 0) {
  std::string parameters = z("user") + z(user);
  if (!database.empty()) parameters += z("database") + z(database);
  return packet(0x30000 + minor, parameters + '\0');
}
inline std::string query(std::string_view text) {
  return message('Q', z(text));
}
inline std::string parse(std::string_view name, std::string_view text) {
  return message('P', z(name) + z(text) + u16(0));
}
inline std::string bind_to(std::string_view portal, std::string_view name,
                           std::string_view value = "7") {
  return message('B', z(portal) + z(name) + u16(0) + u16(1) +
                          u32(static_cast<uint32_t>(value.size())) + std::string(value) + u16(0));
}
inline std::string describe_statement(std::string_view name) {
  return message('D', "S" + z(name));
}
inline std::string describe_portal(std::string_view name) {
  return message('D', "P" + z(name));
}
inline std::string close_statement(std::string_view name) {
  return message('C', "S" + z(name));
}
inline std::string execute(std::string_view portal = "", uint32_t rows = 0) {
  return message('E', z(portal) + u32(rows));
}
inline std::string sync() {
  return message('S');
}

// The backend's.
inline std::string ready(char status = 'I') {
  return message('Z', std::string(1, status));
}
inline std::string row(std::string_view value) {
  return message('D', u16(1) + u32(static_cast<uint32_t>(value.size())) + std::string(value));
}
inline std::string columns() {
  return message('T',
                 u16(1) + z("id") + u32(0) + u16(0) + u32(23) + u16(4) + u32(0xffffffff) + u16(0));
}
inline std::string complete(std::string_view tag) {
  return message('C', z(tag));
}
inline std::string error(std::string_view code, std::string_view text = "it failed",
                         std::string_view severity = "ERROR") {
  return message('E', "S" + z(severity) + "V" + z(severity) + "C" + z(code) + "M" + z(text) +
                          "Fparse.c"s + '\0' + "L" + z("12") + "R" + z("routine_name") + '\0');
}
inline std::string welcome() {
  return message('R', u32(0)) + message('S', z("server_version") + z("15.1")) +
         message('K', u32(4711) + u32(99)) + ready();
}
inline std::string selected(std::string_view value) {
  return columns() + row(value) + complete("SELECT 1") + ready();
}
inline const std::string kParsed = message('1'), kBound = message('2'), kClosed = message('3'),
                         kNoData = message('n'), kSuspended = message('s'), kEmpty = message('I');

inline std::string describe_text(const Session& session, uint64_t exchange, SpanKind kind) {
  SpanBuilder builder;
  builder.clear();
  session.describe(exchange, kind, builder);
  SpanBatch batch;
  Span span;
  span.kind = kind;
  builder.commit(span, batch);
  const Span& described = batch.spans().back();
  std::string text(described.name);
  for (const Attribute& attribute : described.attributes) {
    if (attribute.key == "db.system.name") continue;
    text += fmt::format(" {}=", attribute.key);
    text += attribute.type == AttributeType::Text ? std::string(attribute.text)
                                                  : std::to_string(attribute.integer);
  }
  if (described.status == SpanStatus::Error) text += " ERROR";
  if (!described.status_message.empty()) text += "(" + std::string(described.status_message) + ")";
  return text;
}

/// One connection. Offsets and moments run by themselves; every call appends to log().
class Chat {
 public:
  using How = MessageEvent::How;
  using Kind = MessageEvent::Kind;

  explicit Chat(StatementText shown = StatementText::Sanitized)
      : settings_{.http = {}, .sql = shown} {}
  /// Joined midway.
  Chat(uint64_t request_offset, uint64_t response_offset)
      : offsets_{request_offset, response_offset} {
    gap(Side::Request, 0, 0);
    gap(Side::Response, 0, 0);
  }

  /// Past the startup.
  Chat& greet() {
    request(startup());
    return response(welcome());
  }
  Chat& feed(Side side, std::string_view bytes, bool operation_start = true) {
    const std::vector<uint8_t> copy(bytes.begin(), bytes.end());  // so that reading past it is seen
    last_verdict_ =
        session_.feed(side, copy, offsets_[index(side)],
                      {.moment = next_moment(), .operation_start = operation_start}, events_);
    offsets_[index(side)] += bytes.size();
    write_down();
    return *this;
  }
  Chat& request(std::string_view bytes) { return feed(Side::Request, bytes); }
  Chat& response(std::string_view bytes) { return feed(Side::Response, bytes); }
  /// One operation, in pieces.
  Chat& split(Side side, std::string_view bytes, size_t piece) {
    next_moment();
    for (size_t at = 0; at < bytes.size(); at += piece) {
      late_ = moment_;
      feed(side, bytes.substr(at, piece), at == 0);
    }
    return *this;
  }
  /// One operation, of which the bytes from `from` to `to` were not seen.
  Chat& holed(Side side, std::string_view bytes, size_t from, size_t to) {
    next_moment();
    const uint64_t moment = moment_;
    const auto piece = [&](std::string_view part, bool start) {
      late_ = moment;
      if (!part.empty()) feed(side, part, start);
      late_ = 0;
    };
    piece(bytes.substr(0, from), true);
    if (to > from) gap(side, to - from, moment);
    piece(bytes.substr(to), from == 0 && to == 0);
    return *this;
  }
  Chat& gap(Side side, uint64_t length, uint64_t moment = kMomentUnknown) {
    last_verdict_ = session_.gap(side, offsets_[index(side)], length, moment, events_);
    offsets_[index(side)] += length;
    write_down();
    return *this;
  }
  /// The record that is fed next is a late one: it tells of this moment. Moments count the feeds
  /// by tens.
  Chat& from(uint64_t moment) {
    late_ = moment;
    return *this;
  }
  Chat& quiet() {
    moment_ += 2 * kQuiet;
    return *this;
  }
  Chat& end(Side side) {
    session_.end(side, events_);
    write_down();
    return *this;
  }
  Chat& finish(Ending why = Ending::ConnectionGone) {
    session_.finish(why, events_);
    write_down();
    return *this;
  }

  const std::vector<std::string>& log() const { return log_; }
  /// The events that ended exchanges: "0 Complete SELECT ...".
  const std::vector<std::string>& ended() const { return ended_; }
  const std::vector<MessageEvent>& all_events() const { return all_events_; }
  uint64_t requests_unseen() { return session_.take_requests_unseen(); }
  Session::Verdict last_verdict() const { return last_verdict_; }
  uint64_t offset(Side side) const { return offsets_[index(side)]; }
  uint64_t moment() const { return moment_; }

 private:
  uint64_t next_moment() {
    if (late_ != 0) return std::exchange(late_, 0);
    return moment_ += 10;
  }
  static size_t index(Side side) { return side == Side::Request ? 0 : 1; }

  void write_down() {
    static constexpr std::string_view kKinds[] = {"request", "request-end", "response", "end"};
    static constexpr std::string_view kHows[] = {"Complete",  "Unanswered", "Cut",
                                                 "Malformed", "GapLost",    "Unfinished"};
    for (const MessageEvent& event : events_) {
      all_events_.push_back(event);
      std::string line = fmt::format("{} {} @{}", event.exchange,
                                     kKinds[static_cast<size_t>(event.kind)], event.offset);
      if (event.kind == Kind::ExchangeEnded) {
        const std::string_view how = kHows[static_cast<size_t>(event.how)];
        const std::string server = describe_text(session_, event.exchange, SpanKind::Server);
        const std::string client = describe_text(session_, event.exchange, SpanKind::Client);
        line += fmt::format(" {} | {}", how, server);
        if (client != server) line += " BUT THE CLIENT SAYS " + client;
        ended_.push_back(fmt::format("{} {} {}", event.exchange, how, server));
      }
      log_.push_back(std::move(line));
    }
    events_.clear();
  }

  ProtocolSettings settings_;
  PgsqlSession session_{settings_};
  uint64_t offsets_[2] = {0, 0};
  uint64_t moment_ = 0, late_ = 0;
  std::vector<MessageEvent> events_, all_events_;
  std::vector<std::string> log_, ended_;
  Session::Verdict last_verdict_ = Session::Verdict::Continue;
};

/// Of a span: all that the statement's text does not tell.
inline std::string facts(std::string text) {
  for (const std::string_view key : {"db.namespace", "clew.db.user", "db.query.summary",
                                     "db.query.text", "db.collection.name"}) {
    const size_t at = text.find(fmt::format(" {}=", key));
    if (at == text.npos) continue;
    // Values here may hold blanks: up to the next key.
    size_t end = text.find(" db.", at + 1);
    end = std::min({end, text.find(" clew.", at + 1), text.find(" error.", at + 1),
                    text.find(" ERROR", at + 1), text.size()});
    text.erase(at, end - at);
  }
  return text;
}

inline std::vector<std::string> facts_of(const Chat& chat) {
  std::vector<std::string> all;
  for (const std::string& line : chat.ended()) all.push_back(facts(line));
  return all;
}

}  // namespace clew::pgsql
