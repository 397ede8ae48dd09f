#include "agent/protocols/redis/spans.h"

#include <algorithm>

namespace clew::redis {
namespace {

size_t index(Side side) {
  return side == Side::Request ? 0 : 1;
}

uint32_t read_database(std::string_view digits) {
  uint32_t number = 0;
  if (digits.empty() || digits.size() > 6) return 0;
  for (const char c : digits) {
    if (c < '0' || c > '9') return 0;
    number = number * 10 + static_cast<uint32_t>(c - '0');
  }
  return number + 1;
}

}  // namespace

std::unique_ptr<Session> open_session(const ProtocolSettings& settings) {
  return std::make_unique<RedisSession>(settings.redis);
}

void RedisSession::begin_call(std::vector<MessageEvent>& out) {
  out_ = &out;
  exchanges_.keep_from(first_live_);
}

Session::Verdict RedisSession::end_call() {
  if (!held_.empty() && !dead_) release_held();
  out_ = nullptr;
  return dead_ ? Verdict::NotThisProtocol : Verdict::Continue;
}

void RedisSession::open_side(Side side, uint64_t offset, bool midway) {
  if (std::exchange(opened_[index(side)], true)) return;
  if (side == Side::Request) {
    commands_.restart(offset);
  } else {
    replies_.restart(offset);
    replies_seen_ = offset;
  }
  if (!midway && offset == 0) return;
  if (!std::exchange(joined_midway_, true)) lose_commands();
  if (!opened_[0] || !opened_[1]) moved_ = {kMomentUnknown, kMomentUnknown};
  if (side == Side::Request) commands_lost_ = true;
  if (side == Side::Response) lose_replies(kMomentUnknown);
}

Session::Verdict RedisSession::feed(Side side, ByteView bytes, uint64_t offset,
                                    const Passage& passage, std::vector<MessageEvent>& out) {
  if (dead_) return Verdict::NotThisProtocol;
  begin_call(out);
  open_side(side, offset, false);
  if (side == Side::Response && responses_ended_) return end_call();
  quiet_since_ = std::max(moved_[0], moved_[1]);
  moved_[index(side)] = passage.moment;
  if (side == Side::Request) {
    take_commands(bytes, offset, passage);
  } else {
    take_piece({Piece::Kind::Bytes, passage, offset, bytes.size()}, bytes);
  }
  return end_call();
}

Session::Verdict RedisSession::gap(Side side, uint64_t offset, uint64_t length, uint64_t moment,
                                   std::vector<MessageEvent>& out) {
  if (dead_) return Verdict::NotThisProtocol;
  begin_call(out);
  open_side(side, offset, true);
  if (side == Side::Response && responses_ended_) return end_call();
  moved_[index(side)] = moment;
  if (length == 0) return end_call();
  if (side == Side::Request) {
    if (!commands_broken_) skip_commands(length);
  } else {
    take_piece({Piece::Kind::Gap, {.moment = moment}, offset, length}, {});
  }
  return end_call();
}

void RedisSession::end(Side side, std::vector<MessageEvent>& out) {
  begin_call(out);
  if (!dead_ && side == Side::Response && !std::exchange(responses_ended_, true)) {
    take_piece({Piece::Kind::End, {}, 0, 0}, {});
  }
  end_call();
}

void RedisSession::finish(Ending why, std::vector<MessageEvent>& out) {
  begin_call(out);
  if (!dead_) {
    if (why == Ending::ConnectionGone || responses_ended_) {
      closing_ = true;
      if (!held_.empty()) release_held();
      close_replies();
    } else {
      if (mode_ == Mode::Probation) fail_probation();
      end_from(first_live_, tail_hidden_ ? How::GapLost : How::Unfinished);
    }
    dead_ = true;
  }
  end_call();
}

void RedisSession::describe(uint64_t number, SpanKind, SpanBuilder& span) const {
  describe_exchange(exchanges_[number], exchanges_, span);
}

void RedisSession::take_commands(ByteView bytes, uint64_t offset, const Passage& passage) {
  if (commands_broken_) return;
  if (passage.operation_start) {
    operation_before_ = std::exchange(operation_, passage.moment);
  }
  bool fresh = passage.operation_start;
  if (commands_lost_) {
    if (!fresh) return;
    if (!begins_command(bytes)) {
      return count_failed_look();
    }
    commands_lost_ = false;
    commands_unsure_ = true;
    commands_.restart(offset);
  }
  Step step = Step::Start;
  while (step != Step::More && !dead_ && !commands_lost_ && !commands_broken_) {
    if (commands_.at_boundary()) {
      command_moment_ = passage.moment;
      starts_operation_ = fresh;
    }
    fresh = false;
    step = commands_.advance(bytes);
    on_command(step);
  }
}

void RedisSession::skip_commands(uint64_t length) {
  Step step = Step::Start;
  while ((step != Step::More || length > 0) && !dead_ && !commands_lost_) {
    step = commands_.skip(length);
    on_command(step);
  }
}

void RedisSession::on_command(Step step) {
  switch (step) {
    case Step::More:
      break;
    case Step::Start:
      on_command_start();
      break;
    case Step::End:
      on_command_end();
      break;
    case Step::Malformed:
      on_commands_malformed();
      break;
    case Step::Lost:
      lose_framing_of_commands();
      break;
  }
}

void RedisSession::on_command_start() {
  const Command& command = commands_.command();
  const std::string_view name = command.argument(0);
  const CommandSpec* spec = find_command(name);
  // Whatever line it is, Redis would answer it; other servers, too.
  if (!proven_ && commands_.is_inline() && spec == nullptr) return give_up();
  if (spec != nullptr && spec->effect == Effect::Replication && mode_ != Mode::Paired) {
    return give_up();
  }
  if (exchanges_.next() - first_live_ >= kMaxLiveExchanges) shed();
  if (starts_operation_ || tail_hidden_) begin_turn();

  Exchange& added = exchanges_.append();
  added.moment = command_moment_;
  added.request_at = commands_.message_start();
  added.spec = spec;
  added.no_reply = silence_ != Silence::None;
  if (spec == nullptr && command.is_whole(0) && is_plausible_name(name) && exchanges_.has_room()) {
    added.name = exchanges_.add_text(name);
    std::string& text = exchanges_.text();
    std::transform(text.end() - added.name.size, text.end(), text.end() - added.name.size,
                   [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  }
  current_is_open_ = true;
  if (mode_ == Mode::Probation && turn_end_ == kNone && added.moment != turn_moment_) {
    turn_end_ = exchanges_.next() - 1;
  }
  if (last_reply_ > added.moment && last_answered_ != added.moment) overlaps_ = true;
  if (proven_ || !commands_.is_inline()) tell_up_to(exchanges_.next());
  // What it does is not known: nor is how it is answered.
  if (!command.is_whole(0) && name.size() < kMaxArgumentBytes) lose_commands();
}

void RedisSession::on_command_end() {
  const uint64_t number = exchanges_.next() - 1;
  if (!current_is_open_ || !is_open(number)) {
    current_is_open_ = false;
    return;
  }
  Exchange& exchange = exchanges_[number];
  exchange.request_done = true;
  exchange.no_reply = is_silenced(exchange);
  apply_command(exchange);
  current_is_open_ = false;
  if (dead_) return;
  compose_text(exchange);
  if (number < told_) emit(Kind::RequestEnded, How::Complete, number, commands_.position());
  if (mode_ == Mode::Lost && number >= paired_end_) {
    let_go(number);
  } else if (exchange.no_reply) {
    end_exchange(number, How::Complete, 0);
  }
}

bool RedisSession::is_silenced(Exchange& exchange) {
  const Command& command = commands_.command();
  const Silence before = silence_;
  if (silence_ == Silence::Next) silence_ = Silence::None;
  if (exchange.effect() == Effect::Reset && before == Silence::All) {
    silence_ = Silence::None;
    return false;
  }
  if (exchange.effect() != Effect::Client) return before != Silence::None;
  if ((command.count() > 1 && !command.is_whole(1) && command.argument(1).size() <= 5) ||
      (command.is(1, "REPLY") && !command.is_whole(2))) {
    lose_commands();
    return false;
  }
  if (!command.is(1, "REPLY")) return before != Silence::None;
  if (in_multi_) {
    multi_is_doubtful_ = true;
    return before != Silence::None;
  }
  if (command.is(2, "ON")) {
    silence_ = Silence::None;
    return before == Silence::Next;
  }
  if (command.is(2, "OFF")) {
    silence_ = Silence::All;
    return true;
  }
  if (!command.is(2, "SKIP")) return before != Silence::None;
  if (before != Silence::All) silence_ = Silence::Next;
  return true;
}

void RedisSession::apply_command(Exchange& exchange) {
  const Command& command = commands_.command();
  switch (exchange.effect()) {
    case Effect::Select:
      exchange.argument = command.is_whole(1) ? read_database(command.argument(1)) : 0;
      break;
    case Effect::Subscribe: {
      const uint64_t announced = commands_.is_inline() ? command.count() : command.announced;
      exchange.argument = static_cast<uint32_t>(std::min<uint64_t>(announced - 1, UINT32_MAX));
      if (in_multi_) multi_is_doubtful_ = true;
      break;
    }
    case Effect::Multi:
      in_multi_ = true;
      break;
    case Effect::Exec:
    case Effect::Discard:
    case Effect::Reset:
      in_multi_ = false;
      exchange.doubtful =
          std::exchange(multi_is_doubtful_, false) && exchange.effect() == Effect::Exec;
      break;
    case Effect::Replica:
      if (command.is(1, "ACK")) give_up();
      break;
    default:
      break;
  }
}

void RedisSession::compose_text(Exchange& exchange) {
  if (!exchanges_.has_room()) return;
  const Command& command = commands_.command();
  if (exchange.effect() == Effect::Procedure && command.is_whole(1)) {
    exchange.procedure = exchanges_.add_text(command.argument(1));
  }
  if (text_ == StatementText::Off) return;
  const size_t from = exchanges_.text().size();
  append_text(command, exchange.spec, text_, exchanges_.text());
  exchange.text = exchanges_.end_text(from);
}

void RedisSession::count_failed_look() {
  if (++failed_looks_ > kMaxFailedLooks && !proven_) give_up();
}

// The server will say so, and close.
void RedisSession::on_commands_malformed() {
  if (commands_unsure_) {  // what looked like a command was something else
    lose_framing_of_commands();
    return count_failed_look();
  }
  if (!proven_) return give_up();
  commands_broken_ = true;
  if (!current_is_open_) {
    if (exchanges_.next() - first_live_ >= kMaxLiveExchanges) shed();
    Exchange& added = exchanges_.append();
    added.moment = command_moment_;
    added.request_at = commands_.message_start();
    tell_up_to(exchanges_.next());
  }
  current_is_open_ = false;
  const uint64_t number = exchanges_.next() - 1;
  exchanges_[number].malformed = true;
  exchanges_[number].request_done = true;
  if (mode_ == Mode::Lost && number >= paired_end_) let_go(number);
}

void RedisSession::tell_up_to(uint64_t number) {
  for (; told_ < number; ++told_) {
    emit(Kind::RequestStarted, How::Complete, told_, exchanges_[told_].request_at);
  }
}

void RedisSession::tell_response(uint64_t number, uint64_t offset) {
  tell_up_to(number + 1);
  emit(Kind::ResponseStarted, How::Complete, number, offset);
}

void RedisSession::end_exchange(uint64_t number, How how, uint64_t offset) {
  Exchange& exchange = exchanges_[number];
  tell_up_to(number + 1);
  exchange.how = exchange.malformed && how == How::Complete ? How::Malformed : how;
  exchange.ended = true;
  exchange.valkey = valkey_;
  emit(Kind::ExchangeEnded, exchange.how, number, offset);
  while (first_live_ < exchanges_.next() && exchanges_[first_live_].ended) ++first_live_;
}

void RedisSession::end_from(uint64_t number, How how) {
  for (; number < exchanges_.next(); ++number) {
    if (is_open(number)) end_exchange(number, how, replies_seen_);
  }
  current_is_open_ = false;
  tail_hidden_ = false;
}

// Bytes that were not seen make it uncertain whose reply is whose.
void RedisSession::let_go(uint64_t number) {
  Exchange& exchange = exchanges_[number];
  if (!exchange.no_reply && !exchange.answered) ++unpaired_;
  exchange.status = {};
  exchange.queued = exchange.unknown_command = false;
  exchange.database = kDatabaseUnknown;
  end_exchange(number, How::GapLost, replies_seen_);
}

void RedisSession::give_up() {
  if (proven_) {
    end_from(first_live_, How::Unfinished);
  } else {
    told_ = std::min(told_, exchanges_.next());
    if (told_ > first_live_) {
      for (uint64_t number = first_live_; number < told_; ++number) {
        if (is_open(number)) end_exchange(number, How::Unfinished, replies_seen_);
      }
    }
  }
  held_.clear();
  held_bytes_.clear();
  dead_ = true;
}

void RedisSession::emit(Kind kind, How how, uint64_t number, uint64_t offset) {
  out_->push_back({.kind = kind, .how = how, .exchange = number, .offset = offset});
}

}  // namespace clew::redis
