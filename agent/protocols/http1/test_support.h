// Drives a session and writes down what it says, a line an event, so that tests can compare texts.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/protocols/http1/spans.h"
#include "fmt/format.h"

namespace clew::http1 {

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
    text += fmt::format(" {}=", attribute.key);
    if (attribute.type == AttributeType::TextList) {
      text += fmt::format("[{}]", fmt::join(attribute.list, "|"));
      continue;
    }
    text += attribute.type == AttributeType::Text ? std::string(attribute.text)
                                                  : std::to_string(attribute.integer);
  }
  if (described.status == SpanStatus::Error) text += " ERROR";
  return text;
}

/// One connection. Offsets and moments run by themselves; every call appends to log().
class Chat {
 public:
  using How = MessageEvent::How;
  using Kind = MessageEvent::Kind;

  explicit Chat(uint64_t request_offset = 0, uint64_t response_offset = 0)
      : offsets_{request_offset, response_offset} {}

  Chat& feed(Side side, std::string_view bytes, bool operation_start = true) {
    events_.clear();
    last_verdict_ =
        session_.feed(side, as_bytes(bytes), offsets_[index(side)],
                      {.moment = next_moment(), .operation_start = operation_start}, events_);
    offsets_[index(side)] += bytes.size();
    write_down();
    return *this;
  }
  Chat& request(std::string_view bytes) { return feed(Side::Request, bytes); }
  Chat& response(std::string_view bytes) { return feed(Side::Response, bytes); }
  /// Goes on with the operation of the last feed or gap.
  Chat& more(Side side, std::string_view bytes) { return feed(side, bytes, false); }
  /// By default the rest of what was fed last, or something of between.
  Chat& gap(Side side, uint64_t length) { return gap(side, length, moment_); }
  Chat& gap(Side side, uint64_t length, uint64_t moment) {
    events_.clear();
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
  Chat& end(Side side) {
    events_.clear();
    session_.end(side, events_);
    write_down();
    return *this;
  }
  Chat& finish(Ending why = Ending::ConnectionGone) {
    events_.clear();
    session_.finish(why, events_);
    write_down();
    return *this;
  }

  const std::vector<std::string>& log() const { return log_; }
  /// The events that ended exchanges: "0 Complete GET /a 200".
  const std::vector<std::string>& ended() const { return ended_; }
  const std::vector<MessageEvent>& all_events() const { return all_events_; }
  uint64_t requests_unseen() { return session_.take_requests_unseen(); }
  Session::Verdict last_verdict() const { return last_verdict_; }
  uint64_t offset(Side side) const { return offsets_[index(side)]; }

 private:
  uint64_t next_moment() {
    moment_ += 10;
    return late_ ? std::exchange(late_, 0) : moment_;
  }
  static size_t index(Side side) { return side == Side::Request ? 0 : 1; }

  static std::string value_of(const std::string& text, std::string_view key) {
    const size_t at = text.find(fmt::format(" {}=", key));
    if (at == text.npos) return "-";
    const size_t start = at + key.size() + 2;
    return text.substr(start, text.find(' ', start) - start);
  }

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
        line += fmt::format(" {} | {} | {}", how, server,
                            describe_text(session_, event.exchange, SpanKind::Client));
        ended_.push_back(fmt::format(
            "{} {} {} {} {}", event.exchange, how, server.substr(0, server.find(' ')),
            value_of(server, "url.path"), value_of(server, "http.response.status_code")));
      }
      log_.push_back(std::move(line));
    }
  }

  HttpSettings settings_;
  Http1Session session_{settings_};
  uint64_t offsets_[2];
  uint64_t moment_ = 0, late_ = 0;
  std::vector<MessageEvent> events_, all_events_;
  std::vector<std::string> log_, ended_;
  Session::Verdict last_verdict_ = Session::Verdict::Continue;
};

}  // namespace clew::http1
