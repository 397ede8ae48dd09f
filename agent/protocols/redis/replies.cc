// The session's reply side: which reply is whose, and what it says.
#include <algorithm>

#include "agent/protocols/redis/spans.h"

namespace clew::redis {
namespace {

bool is_message(std::string_view name) {
  return name == "message" || name == "pmessage" || name == "smessage";
}

// "psubscribe": 1. Of names that are not one of the six: -1.
int kind_of_subscription(std::string_view name) {
  int kind = 0;
  if (name.starts_with('p')) kind = 1;
  if (name.starts_with("ss") || name.starts_with("sun")) kind = 2;
  if (kind != 0) name.remove_prefix(1);
  return name == "subscribe" || name == "unsubscribe" ? kind : -1;
}

bool equal_in_capitals(std::string_view small, std::string_view capitals) {
  return std::equal(small.begin(), small.end(), capitals.begin(), capitals.end(),
                    [](char a, char b) { return (a & ~0x20) == b; });
}

// A subscribed connection of RESP2 has no other commands.
bool is_for_subscribers(const Exchange& exchange) {
  return exchange.effect() == Effect::Subscribe || exchange.effect() == Effect::Reset ||
         (exchange.spec != nullptr &&
          (exchange.spec->name == "PING" || exchange.spec->name == "QUIT"));
}

// "1339518083.107412 [0 127.0.0.1:60866] ..."
bool is_monitored(std::string_view line) {
  size_t i = 0;
  while (i < line.size() && line[i] >= '0' && line[i] <= '9') ++i;
  return i > 0 && i < line.size() && line[i] == '.';
}

}  // namespace

void RedisSession::take_piece(const Piece& piece, ByteView bytes) {
  if (!held_.empty()) return hold(piece, bytes);
  switch (piece.kind) {
    case Piece::Kind::Bytes:
      take_replies(piece, bytes);
      break;
    case Piece::Kind::Gap:
      skip_replies(piece);
      break;
    case Piece::Kind::End:
      close_replies();
      break;
  }
}

// Behind a hole: whether a reply begins with the piece.
bool RedisSession::may_resume(const Piece& piece) {
  if (!may_resume_ || !piece.passage.operation_start || piece.passage.moment <= resume_after_) {
    return false;
  }
  skip_ended();
  if (mode_ == Mode::Paired && next_answer_ < exchanges_.next()) {
    const Exchange& last = exchanges_[exchanges_.next() - 1];
    const bool answers_a_later_turn =
        last.moment != exchanges_[next_answer_].moment && last.moment < piece.passage.moment;
    if (answers_a_later_turn) {
      lose_pairing_from(next_answer_);
      may_resume_ = false;
      return false;
    }
  }
  replies_lost_ = may_resume_ = false;
  framing_unsure_ = true;
  replies_.restart(piece.offset);
  return true;
}

void RedisSession::take_replies(const Piece& piece, ByteView bytes) {
  if (replies_lost_ && !may_resume(piece)) {
    replies_seen_ = piece.offset + bytes.size();
    return;
  }
  const uint64_t end = piece.offset + bytes.size();
  const uint64_t moment = piece.passage.moment;
  while (!bytes.empty() && !dead_ && !replies_lost_) {
    if (replies_.at_boundary()) {
      if (must_hold(static_cast<char>(bytes.front()), moment)) {
        Piece rest = piece;
        rest.offset = end - bytes.size();
        rest.length = bytes.size();
        rest.passage.operation_start = piece.passage.operation_start && rest.offset == piece.offset;
        return hold(rest, bytes);
      }
      reply_moment_ = moment;
      const Exchange* front = waiting();
      watching_ = front != nullptr && !valkey_ &&
                  (front->effect() == Effect::Hello || front->effect() == Effect::Info);
      watched_ = 0;
      if (front != nullptr && front->effect() == Effect::Replication && bytes.front() == '$') {
        complete(next_answer_, moment);  // a snapshot
        return give_up();
      }
    }
    const ByteView before = bytes;
    const Step step = replies_.advance(bytes);
    replies_seen_ = end - bytes.size();
    if (watching_) watch_for_valkey(before.first(before.size() - bytes.size()));
    if (step == Step::End) on_reply_end(moment);
    if (step == Step::Malformed) on_replies_malformed(moment);
    if (step == Step::Lost) lose_replies(moment);
  }
}

void RedisSession::skip_replies(const Piece& piece) {
  if (replies_lost_) return lose_replies_again(piece.passage.moment);
  uint64_t length = piece.length;
  while (length > 0 && !dead_) {
    const Step step = replies_.skip(length);
    if (step == Step::End) on_reply_end(piece.passage.moment);
    if (step == Step::Lost) return lose_replies(piece.passage.moment);
  }
}

// The oldest command that waits, if its reply can be told.
const Exchange* RedisSession::waiting() const {
  const uint64_t end = mode_ == Mode::Lost ? paired_end_ : exchanges_.next();
  return next_answer_ < end && pass_by_ == 0 ? &exchanges_[next_answer_] : nullptr;
}

// Its command has not been seen, but may be on its way.
bool RedisSession::must_hold(char first, uint64_t moment) {
  skip_ended();
  if (closing_ || pass_by_ > 0 || mode_ == Mode::Lost) return false;
  if (mode_ == Mode::Probation && next_answer_ >= paired_end_ && moment <= turn_moment_) {
    return false;
  }
  if (const Exchange* front = waiting()) {
    return !front->request_done && (first != '>' || front->effect() == Effect::Subscribe);
  }
  const bool may_be_pushed = first == '>' || (first == '+' && monitors_) ||
                             (first == '*' && !resp3_ && subscribed_ != Known::No);
  return !may_be_pushed;
}

void RedisSession::hold(const Piece& piece, ByteView bytes) {
  const bool is_full =
      held_bytes_.size() + bytes.size() > kMaxHeldBytes || held_.size() == kMaxHeldPieces;
  if (is_full) {
    if (!proven_) return give_up();
    // The command they wait for is not coming.
    lose_commands();
    if (!held_.empty()) release_held();
    return take_piece(piece, bytes);
  }
  held_.push_back(piece);
  held_bytes_.insert(held_bytes_.end(), bytes.begin(), bytes.end());
}

// The first piece held is always bytes, from a reply's first on.
void RedisSession::release_held() {
  while (!held_.empty() && !dead_ &&
         !must_hold(static_cast<char>(held_bytes_.front()), held_.front().passage.moment)) {
    held_.swap(replayed_);
    held_bytes_.swap(replayed_bytes_);
    ByteView bytes = replayed_bytes_;
    for (const Piece& piece : replayed_) {
      if (dead_) break;
      const size_t size = piece.kind == Piece::Kind::Bytes ? piece.length : 0;
      take_piece(piece, bytes.first(size));
      bytes = bytes.subspan(size);
    }
    replayed_.clear();
    replayed_bytes_.clear();
  }
  if (!held_.empty() || held_bytes_.capacity() == 0) return;
  held_ = {};
  replayed_ = {};
  held_bytes_ = {};
  replayed_bytes_ = {};
}

void RedisSession::on_reply_end(uint64_t moment) {
  const Reply reply = replies_.reply();
  if (reply.type == '>' || reply.type == '%') resp3_ = true;
  if (reply.type == '*' && reply.first == "REPLCONF") return give_up();
  skip_ended();
  switch (classify(reply, waiting())) {
    case Push::Message:
      return;
    case Push::Confirmation: {
      const uint64_t number = pass_by_ > 0 ? kNone : find_front(reply_moment_);
      if (take_confirmation(reply, number == kNone ? nullptr : &exchanges_[number])) {
        complete(number, moment);
      }
      return;
    }
    case Push::No:
      break;
  }
  if (pass_by_ > 0) {
    --pass_by_;
    return;
  }
  uint64_t number = find_front(reply_moment_);
  if (number != kNone && exchanges_[number].effect() == Effect::Subscribe && !reply.is_error() &&
      reply.type != '+') {
    // Its confirmations went by before it was seen.
    next_answer_ = number + 1;
    let_go(number);
    number = find_front(reply_moment_);
  }
  if (number != kNone) return pair(number, reply, moment);
  if (mode_ == Mode::Paired) lose_commands();
  pass_reply();
}

void RedisSession::pair(uint64_t number, const Reply& reply, uint64_t moment) {
  Exchange& exchange = exchanges_[number];
  if (reply_moment_ < exchange.moment) {
    // Said before it was asked. Redis does that to refuse a connection; who greets is no Redis.
    if (reply.is_error()) return;
    if (ever_lost_) return pass_reply();
    if (!proven_) return give_up();
    return lose_pairing_from(number);
  }
  if (!proven_) {
    proven_ = true;
    tell_up_to(exchanges_.next());
  }
  apply_reply(exchange, reply);
  const bool loses_count = exchange.doubtful && !reply.is_error() && !reply.null;
  const bool is_last = exchange.malformed;
  const bool replicates = exchange.effect() == Effect::Replication && !reply.is_error();
  if (subscribed_ == Known::Unknown && !reply.is_error() && !is_for_subscribers(exchange)) {
    subscribed_ = Known::No;
  }
  complete(number, moment);
  if (loses_count) lose_pairing_from(number + 1);
  if (replicates || is_last) give_up();
}

void RedisSession::complete(uint64_t number, uint64_t moment) {
  Exchange& exchange = exchanges_[number];
  if (current_is_open_ && number + 1 == exchanges_.next()) {
    current_is_open_ = false;
    compose_text(exchange);
  }
  if (exchange.response_at == 0) exchange.response_at = replies_.message_start();
  exchange.answered = true;
  next_answer_ = number + 1;
  confirmations_left_ = 0;
  last_answered_ = exchange.moment;
  last_reply_ = moment == kMomentUnknown ? reply_moment_ : moment;
  if (next_answer_ < exchanges_.next()) {
    const uint64_t following = exchanges_[next_answer_].moment;
    if (following != exchange.moment && following < last_reply_) overlaps_ = true;
  }
  exchange.response_end = replies_.position();
  if (mode_ == Mode::Probation && number >= turn_first_) {
    turn_reply_ = last_reply_;
    return;
  }
  framing_unsure_ = false;
  tell_response(number, exchange.response_at);
  end_exchange(number, How::Complete, exchange.response_end);
}

RedisSession::Push RedisSession::classify(const Reply& reply, const Exchange* front) const {
  if (monitors_ && reply.type == '+' && is_monitored(reply.text)) return Push::Message;
  if (reply.type != '>' && (reply.type != '*' || resp3_ || reply.first.size() < 7)) return Push::No;
  const bool confirms = kind_of_subscription(reply.first) >= 0;
  if (reply.type == '>') return confirms ? Push::Confirmation : Push::Message;
  const bool is_for_us = front != nullptr && front->effect() == Effect::Subscribe &&
                         equal_in_capitals(reply.first, front->spec->name);
  const bool is_subscribed =
      is_for_us || subscribed_ == Known::Yes ||
      (subscribed_ == Known::Unknown && (front == nullptr || is_for_subscribers(*front)));
  if (!is_subscribed) return Push::No;
  if (confirms && reply.count == 3) return Push::Confirmation;
  return is_message(reply.first) && reply.count >= 3 ? Push::Message : Push::No;
}

// True if it was the last that the front waits for.
bool RedisSession::take_confirmation(const Reply& reply, Exchange* front) {
  const auto kind = static_cast<size_t>(kind_of_subscription(reply.first));
  const int64_t before = subscriptions_[kind];
  // Channels and patterns are counted together.
  subscriptions_[kind] = reply.last_integer - (kind == 2 ? 0 : subscriptions_[1 - kind]);
  const bool is_subscribed = subscriptions_[0] + subscriptions_[1] > 0 || subscriptions_[2] > 0;
  subscribed_ = is_subscribed ? Known::Yes : Known::No;
  if (front == nullptr || front->effect() != Effect::Subscribe ||
      !equal_in_capitals(reply.first, front->spec->name)) {
    return false;
  }
  if (!proven_) {
    proven_ = true;
    tell_up_to(exchanges_.next());
  }
  if (confirmations_left_ == 0) {
    const auto all = static_cast<uint32_t>(std::clamp<int64_t>(before, 1, UINT32_MAX));
    until_unsubscribed_ = front->argument == 0 && !counts_known_;
    confirmations_left_ = until_unsubscribed_    ? UINT32_MAX
                          : front->argument == 0 ? all
                                                 : front->argument;
    front->response_at = replies_.message_start();
    front->database = database_;
  }
  --confirmations_left_;
  return confirmations_left_ == 0 || (until_unsubscribed_ && reply.last_integer == 0);
}

void RedisSession::on_replies_malformed(uint64_t moment) {
  if (framing_unsure_ || mode_ != Mode::Paired) {
    lose_replies(moment);
    return count_failed_look();
  }
  if (!proven_ || ++breaks_ > kMaxBreaks) return give_up();
  end_from(first_live_, How::Malformed);
  mode_ = Mode::Lost;
  paired_end_ = exchanges_.next();
  replies_lost_ = true;
  may_resume_ = false;
}

// The server says no more: what it has not answered it never will.
void RedisSession::close_replies() {
  skip_ended();
  const bool begun = !replies_lost_ && !replies_.at_boundary() && replies_.reply().type != '>';
  if (mode_ == Mode::Probation) {
    if (next_answer_ == exchanges_.next() && !begun && turn_is_clean()) {
      confirm();
    } else {
      fail_probation();
    }
  }
  const bool hidden = replies_lost_;
  for (uint64_t number = first_live_; number < exchanges_.next(); ++number) {
    // The rest of a command may still come; it ends with the connection.
    const bool is_being_read = current_is_open_ && number + 1 == exchanges_.next();
    if (!is_open(number) || (is_being_read && !closing_)) continue;
    const bool is_cut = begun && number == next_answer_;
    const bool was_to_be = exchanges_[number].effect() == Effect::Shutdown && !hidden && !is_cut;
    const How how = was_to_be ? How::Complete
                    : hidden  ? How::GapLost
                    : is_cut  ? How::Cut
                              : How::Unanswered;
    end_exchange(number, how, was_to_be ? 0 : replies_seen_);
  }
  if (closing_) current_is_open_ = false;
  tail_hidden_ = false;
  replies_.restart(replies_.position());
}

}  // namespace clew::redis
