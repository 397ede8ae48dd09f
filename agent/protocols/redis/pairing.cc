// What the session does where bytes were not seen: see spans.h.
#include <algorithm>
#include <utility>

#include "agent/protocols/redis/spans.h"

namespace clew::redis {

void RedisSession::skip_ended() {
  next_answer_ = std::max(next_answer_, first_live_);
  while (next_answer_ < exchanges_.next() && exchanges_[next_answer_].ended) ++next_answer_;
}

// The exchange that a reply answers whose first byte moved at `moment`.
uint64_t RedisSession::find_front(uint64_t moment) {
  skip_ended();
  const uint64_t number = next_answer_, next = exchanges_.next();
  if (mode_ == Mode::Paired) return number < next ? number : kNone;
  if (mode_ == Mode::Lost) return number < paired_end_ ? number : kNone;
  if (number < paired_end_) {
    if (moment > turn_moment_) {  // the client did not wait for it
      overlaps_ = true;
      fail_probation();
    }
    return number;
  }
  if (moment <= turn_moment_) return kNone;
  const bool next_turn_came = turn_end_ != kNone && exchanges_[turn_end_].moment < moment;
  if (next_turn_came && number >= turn_end_ && turn_is_clean()) {
    confirm();
    return number < next ? number : kNone;
  }
  // Fewer replies than commands, or more.
  if (next_turn_came || number >= std::min(next, turn_end_)) {
    if (next_turn_came && !framing_unsure_) overlaps_ = true;
    fail_probation();
    return kNone;
  }
  return number;
}

// What was taken for answers to the turn came before the next one began: which may have been seen
// later.
bool RedisSession::turn_is_clean() const {
  return turn_end_ == kNone || turn_reply_ < exchanges_[turn_end_].moment;
}

void RedisSession::lose_framing_of_commands() {
  commands_lost_ = true;
  if (current_is_open_) {
    const uint64_t number = exchanges_.next() - 1;
    Exchange& exchange = exchanges_[number];
    const bool is_known = is_open(number) && !commands_.is_inline() && exchange.spec != nullptr &&
                          exchange.effect() != Effect::Client &&
                          exchange.effect() != Effect::Replica;
    if (is_known) {
      exchange.request_done = true;
      apply_command(exchange);
      compose_text(exchange);
      current_is_open_ = false;
    }
    lose_commands();
    current_is_open_ = false;
    if (is_open(number) && number >= paired_end_) let_go(number);
    return;
  }
  lose_commands();
}

// Commands may have been sent that were not seen, or not understood.
void RedisSession::lose_commands() {
  states_unknown_ = true;
  silence_ = Silence::None;
  in_multi_ = multi_is_doubtful_ = false;
  if (mode_ == Mode::Probation) fail_probation();
  if (mode_ == Mode::Lost) return;
  skip_ended();
  if (replies_lost_) return lose_pairing_from(next_answer_);
  mode_ = Mode::Lost;
  paired_end_ = exchanges_.next() - (current_is_open_ ? 1 : 0);
}

// Whose the replies to `number` and those after it are is not known.
void RedisSession::lose_pairing_from(uint64_t number) {
  states_unknown_ = true;
  if (mode_ == Mode::Probation) fail_probation();
  mode_ = Mode::Lost;
  paired_end_ = number;
  tail_hidden_ = false;
  pass_by_ = 0;
  confirmations_left_ = 0;
  for (; number < exchanges_.next(); ++number) {
    const bool is_being_read = current_is_open_ && number + 1 == exchanges_.next();
    if (is_open(number) && !is_being_read) let_go(number);
  }
}

void RedisSession::lose_replies(uint64_t moment) {
  skip_ended();
  const bool was_lost = std::exchange(replies_lost_, true);
  may_resume_ = false;
  if (mode_ == Mode::Paired) return lose_replies_paired(was_lost ? kMomentUnknown : moment);
  confirmations_left_ = 0;
  for (uint64_t number = first_live_; number < paired_end_; ++number) {
    if (is_open(number)) let_go(number);
  }
  if (mode_ == Mode::Lost) return;
  skip_ended();
  const uint64_t next = exchanges_.next();
  const bool is_before = moment != kMomentUnknown && moment < turn_moment_;
  const bool is_alone = moment == kMomentUnknown && std::min(turn_end_, next) == turn_first_ + 1;
  if (next_answer_ <= turn_first_ && (is_before || is_alone)) {
    may_resume_ = true;
    resume_after_ = turn_moment_;
  } else {
    fail_probation();
  }
}

void RedisSession::lose_replies_paired(uint64_t moment) {
  const uint64_t next = exchanges_.next();
  const Exchange* front = waiting();
  const bool begun = !replies_.at_boundary() && replies_.reply().type != '>' &&
                     (subscribed_ == Known::No || resp3_);
  if (next == next_answer_ + 1 && begun && front != nullptr && front->request_done && !overlaps_ &&
      front->effect() != Effect::Subscribe && reply_moment_ >= front->moment) {
    tail_hidden_ = true;
    return;
  }
  // A record that is missing may have been before the latest command.
  const bool is_turn =
      front != nullptr && moment == kMomentUnknown && !overlaps_ &&
      (next == next_answer_ + 1 || exchanges_[next - 2].moment != exchanges_[next - 1].moment);
  const bool kept = is_turn && is_open(next - 1);
  const uint64_t keep = kept ? next - 1 : next;
  const bool unknown = std::exchange(states_unknown_, true);
  for (uint64_t number = first_live_; number < keep; ++number) {
    const bool is_being_read = current_is_open_ && number + 1 == next;
    if (is_open(number) && !is_being_read) let_go(number);
  }
  mode_ = Mode::Lost;
  paired_end_ = first_live_;
  pass_by_ = 0;
  confirmations_left_ = 0;
  states_unknown_ = unknown;
  forget_states();
  if (kept) begin_probation(keep);
}

// A hole while a reply's beginning is looked for.
void RedisSession::lose_replies_again(uint64_t moment) {
  if (!may_resume_ || (moment != kMomentUnknown && moment <= resume_after_)) return;
  may_resume_ = false;
  skip_ended();
  if (mode_ == Mode::Probation) {
    fail_probation();
  } else if (mode_ == Mode::Paired) {
    lose_pairing_from(next_answer_);
  }
}

// A command begins a socket operation.
void RedisSession::begin_turn() {
  // Since the operation before: else the client did not wait.
  const bool answers_came = operation_before_ == 0 || moved_[1] > operation_before_;
  if (tail_hidden_) end_hidden_tail();
  skip_ended();
  const bool had_more_replies = mode_ == Mode::Probation && next_answer_ == exchanges_.next() &&
                                !held_.empty() && held_.front().passage.moment < command_moment_;
  if (had_more_replies) fail_probation();
  if (mode_ != Mode::Lost || !starts_operation_) return;
  const bool is_quiet = quiet_since_ != kMomentUnknown && command_moment_ > quiet_since_ &&
                        command_moment_ - quiet_since_ >= kQuiet;
  if (is_quiet) {
    begin_probation(exchanges_.next());
    lose_before_turn();
    mode_ = Mode::Paired;
    joined_midway_ = false;
    unpaired_ = 0;
  } else if (!overlaps_ && (!opened_[1] || moved_[1] < command_moment_) && answers_came) {
    begin_probation(exchanges_.next());
  }
}

void RedisSession::begin_probation(uint64_t first) {
  mode_ = Mode::Probation;
  ever_lost_ = true;
  turn_first_ = first;
  turn_moment_ = first < exchanges_.next() ? exchanges_[first].moment : command_moment_;
  turn_end_ = kNone;
  turn_reply_ = 0;
  if (states_unknown_) forget_states();
  if (replies_lost_) {
    may_resume_ = true;
    resume_after_ = turn_moment_;
  }
}

void RedisSession::lose_before_turn() {
  for (uint64_t number = first_live_; number < turn_first_; ++number) {
    if (is_open(number)) let_go(number);
  }
  pass_by_ = 0;
  confirmations_left_ = 0;
}

void RedisSession::confirm() {
  for (uint64_t number = turn_first_; number < next_answer_; ++number) {
    Exchange& exchange = exchanges_[number];
    if (exchange.ended || !exchange.answered) continue;
    tell_response(number, exchange.response_at);
    end_exchange(number, How::Complete, exchange.response_end);
  }
  mode_ = Mode::Paired;
  joined_midway_ = framing_unsure_ = commands_unsure_ = false;
  unpaired_ = 0;
}

void RedisSession::fail_probation() {
  mode_ = Mode::Lost;
  confirmations_left_ = 0;
  for (uint64_t number = turn_first_; number < exchanges_.next(); ++number) {
    const bool is_being_read = current_is_open_ && number + 1 == exchanges_.next();
    if (is_open(number) && !is_being_read) let_go(number);
  }
}

// The client has gone on: so it has had the whole of the reply whose end was not seen.
void RedisSession::end_hidden_tail() {
  tail_hidden_ = false;
  skip_ended();
  const uint64_t number = next_answer_;
  // More of it, or the answer to this one, may have been passed by.
  if (overlaps_ || !starts_operation_ || command_moment_ <= moved_[1]) {
    return lose_pairing_from(number);
  }
  Exchange& exchange = exchanges_[number];
  exchange.database = database_;
  if (exchange.effect() == Effect::Exec) forget_states();
  tell_response(number, replies_.message_start());
  end_exchange(number, How::Complete, replies_seen_);
  next_answer_ = number + 1;
  may_resume_ = true;
  resume_after_ = command_moment_;
}

void RedisSession::forget_states() {
  database_ = kDatabaseUnknown;
  transaction_ = Known::Unknown;
  if (!resp3_) subscribed_ = Known::Unknown;
  counts_known_ = states_unknown_ = false;
}

// A reply of which it is not known what it answers.
void RedisSession::pass_reply() {
  if (unpaired_ > 0) {
    --unpaired_;
  } else if (!joined_midway_) {
    ++requests_unseen_;
  }
}

// Too many wait. How many replies they still get is known, so that those after them can be paired.
void RedisSession::shed() {
  skip_ended();
  bool is_plain = mode_ == Mode::Paired && !replies_lost_ && confirmations_left_ == 0;
  uint64_t due = 0;
  for (uint64_t number = next_answer_; number < exchanges_.next(); ++number) {
    const Exchange& exchange = exchanges_[number];
    if (exchange.ended) continue;
    ++due;
    is_plain = is_plain && !exchange.doubtful && exchange.effect() != Effect::Subscribe &&
               exchange.effect() != Effect::Monitor && exchange.effect() != Effect::Reset;
  }
  if (!is_plain) return lose_pairing_from(first_live_);
  end_from(first_live_, How::Unfinished);
  pass_by_ += due;
  forget_states();
}

}  // namespace clew::redis
