// Drives a session and writes down what it says, a line an event, so that tests can compare texts.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/protocols/redis/spans.h"
#include "fmt/format.h"

namespace clew::redis {

inline std::string describe_text(const Session& session, uint64_t exchange,
                                 SpanKind kind = SpanKind::Client) {
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
    text += attribute.type == AttributeType::Text ? std::string(attribute.text)
                                                  : std::to_string(attribute.integer);
  }
  if (described.status == SpanStatus::Error) text += " ERROR";
  return text;
}

/// "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n" of {"GET", "k"}.
inline std::string command(std::initializer_list<std::string_view> words) {
  std::string text = fmt::format("*{}\r\n", words.size());
  for (const std::string_view word : words) text += fmt::format("${}\r\n{}\r\n", word.size(), word);
  return text;
}

inline std::string bulk(std::string_view text) {
  return fmt::format("${}\r\n{}\r\n", text.size(), text);
}

/// One connection. Offsets and moments run by themselves; every call appends to ended().
class Chat {
 public:
  using How = MessageEvent::How;
  using Kind = MessageEvent::Kind;

  explicit Chat(StatementText text = StatementText::Sanitized, uint64_t first_offset = 0)
      : session_(text), offsets_{first_offset, first_offset} {}

  Chat& feed(Side side, std::string_view bytes, bool operation_start = true) {
    if (late_ == 0) moment_ += 10;
    return feed_at(std::exchange(late_, 0), side, bytes, operation_start);
  }
  Chat& request(std::string_view bytes) { return feed(Side::Request, bytes); }
  Chat& response(std::string_view bytes) { return feed(Side::Response, bytes); }
  Chat& ask(std::initializer_list<std::string_view> words) { return request(command(words)); }
  /// Goes on with the operation of the last feed or gap.
  Chat& more(Side side, std::string_view bytes) { return feed_at(0, side, bytes, false); }
  Chat& gap(Side side, uint64_t length) { return gap(side, length, moment_); }
  Chat& lost(Side side, uint64_t length) { return gap(side, length, kMomentUnknown); }
  Chat& gap(Side side, uint64_t length, uint64_t moment) {
    events_.clear();
    verdict_ = session_.gap(side, offsets_[index(side)], length, moment, events_);
    offsets_[index(side)] += length;
    write_down();
    return *this;
  }
  /// What is fed next moved at this moment; those of other feeds are 10 apart.
  Chat& from(uint64_t moment) {
    late_ = moment;
    return *this;
  }
  Chat& pause(uint64_t length) {
    moment_ += length;
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

  /// The exchanges that ended: "0 Complete GET GET k".
  const std::vector<std::string>& ended() const { return ended_; }
  /// All that is told of them.
  const std::vector<std::string>& described() const { return described_; }
  const std::vector<MessageEvent>& all_events() const { return all_events_; }
  uint64_t requests_unseen() { return session_.take_requests_unseen(); }
  Session::Verdict verdict() const { return verdict_; }
  uint64_t offset(Side side) const { return offsets_[index(side)]; }
  uint64_t moment() const { return moment_; }
  uint64_t started() const { return started_; }

  static std::string value_of(const std::string& text, std::string_view key) {
    const size_t at = text.find(fmt::format(" {}=", key));
    if (at == text.npos) return "-";
    const size_t start = at + key.size() + 2;
    return text.substr(start, text.find(' ', start) - start);
  }

 private:
  static size_t index(Side side) { return side == Side::Request ? 0 : 1; }

  Chat& feed_at(uint64_t moment, Side side, std::string_view bytes, bool operation_start) {
    events_.clear();
    const Passage passage{.moment = moment != 0 ? moment : moment_,
                          .operation_start = operation_start};
    verdict_ = session_.feed(side, as_bytes(bytes), offsets_[index(side)], passage, events_);
    offsets_[index(side)] += bytes.size();
    write_down();
    return *this;
  }

  void write_down() {
    static constexpr std::string_view kHows[] = {"Complete",  "Unanswered", "Cut",
                                                 "Malformed", "GapLost",    "Unfinished"};
    for (const MessageEvent& event : events_) {
      all_events_.push_back(event);
      if (event.kind == Kind::RequestStarted) ++started_;
      if (event.kind != Kind::ExchangeEnded) continue;
      const std::string text = describe_text(session_, event.exchange);
      const std::string status = value_of(text, "db.response.status_code");
      ended_.push_back(
          fmt::format("{} {} {}{}", event.exchange, kHows[static_cast<size_t>(event.how)],
                      text.substr(0, text.find(' ')), status == "-" ? "" : " " + status));
      described_.push_back(text);
    }
  }

  RedisSession session_;
  uint64_t offsets_[2];
  uint64_t moment_ = 0, late_ = 0, started_ = 0;
  std::vector<MessageEvent> events_, all_events_;
  std::vector<std::string> ended_, described_;
  Session::Verdict verdict_ = Session::Verdict::Continue;
};

}  // namespace clew::redis
