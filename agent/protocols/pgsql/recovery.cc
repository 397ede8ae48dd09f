// Bytes that were not seen, and bytes that make no sense: how pairing becomes certain again.
#include <algorithm>

#include "agent/protocols/pgsql/spans.h"

namespace clew::pgsql {

bool PgsqlSession::asks_for_ready(const Entry& entry) {
  switch (entry.kind) {
    case Entry::Kind::Startup:
    case Entry::Kind::Query:
    case Entry::Kind::Function:
    case Entry::Kind::Sync:
      return true;
    default:
      return false;
  }
}

// Called where an operation of the client begins.
void PgsqlSession::look_for_turn(ByteView bytes, const Passage& passage) {
  if (!request_.lost() && !request_.at_boundary()) return;
  const bool answer_hidden = response_.lost() && !awaiting_ && passage.moment > lost_moment_;
  if (!request_.lost() && sure_ && !answer_hidden) return;
  if (request_.lost()) {
    if (detect(bytes, false) != Detection::Request) {
      if (!ever_started_ && ++failed_looks_ >= kMaxFailedLooks) give_up(How::Unfinished);
      return;
    }
    request_.align();
  } else if (const std::string_view data = "dcfpX";
             data.find(static_cast<char>(bytes[0])) != data.npos) {
    return;  // goes on with what is open
  }
  const bool was_quiet = last_moment_ != 0 && passage.moment > last_moment_ + kQuiet;
  if (overlaps_ && !was_quiet) return be_unsure();
  begin_turn(passage.moment);
}

// What hidden requests may have changed. Names are taken to stay what they are unless this client
// was seen to close them.
void PgsqlSession::forget_hidden() {
  if (!std::exchange(request_hidden_, false)) return;
  forget_unnamed(statements_);
  if (names_end_) statements_.clear();
  forget_unnamed(portals_);
  portals_.clear();
}

// All that was asked before this moment was answered before it.
void PgsqlSession::begin_turn(uint64_t moment) {
  end_all(How::GapLost);
  drop_queue();
  forget_hidden();
  sure_ = guessed_ = true;
  starting_ = false;
  resume_after_ = moment;
  if (start_held_ && start_moment_ > moment) return;  // the answer's begin is known
  if (start_held_ && response_.message().type != 'E') ++requests_unseen_;
  start_held_ = false;
  size_t bytes = 0, pieces = 0;
  for (const HeldPiece& piece : held_) {
    if (piece.passage.moment != kMomentUnknown && piece.passage.moment > moment) break;
    bytes += piece.is_gap ? 0 : piece.length;
    ++pieces;
  }
  held_.erase(held_.begin(), held_.begin() + static_cast<ptrdiff_t>(pieces));
  held_bytes_.erase(held_bytes_.begin(), held_bytes_.begin() + static_cast<ptrdiff_t>(bytes));
  response_.lose();
  awaiting_ = true;
}

// Nothing is paired until a turn begins.
void PgsqlSession::be_unsure() {
  end_all(How::GapLost);
  drop_queue();
  forget_hidden();
  start_held_ = false;
  held_.clear();
  held_bytes_.clear();
  response_.lose();
  sure_ = awaiting_ = starting_ = false;
}

void PgsqlSession::on_request_lost() {
  in_group_ = false;
  request_hidden_ = true;
  close_entry();
}

// Of the request being read no more is waited for: its text stays unknown.
void PgsqlSession::close_entry() {
  if (std::exchange(entry_open_, false)) queue_[open_entry_].complete = true;
}

void PgsqlSession::on_response_lost(uint64_t moment) {
  const bool known = moment != kMomentUnknown;
  if (awaiting_) {
    // It may have been the answer.
    if (known && moment <= resume_after_) return;
    awaiting_ = false;
    lost_moment_ = resume_after_;
    return;
  }
  lost_moment_ = std::max(lost_moment_, known ? moment : response_moment_);
  if (Exchange* exchange = current()) {
    exchange->rows_hidden = true;
    exchange->rows = 0;
  }
}

// The first request after a time in which none was under way, as far as was seen.
void PgsqlSession::meet_held() {
  const bool is_surplus = start_held_ && start_moment_ < request_moment_;
  if (!is_surplus) {
    if (!start_held_ && !held_.empty() && sure_ && !starting_ &&
        held_.front().passage.moment < request_moment_) {
      drop_held();
    }
    return;
  }
  // An answer to nothing. If pairing was guessed, the guess was wrong.
  const bool is_error = response_.message().type == 'E';
  drop_held();
  if (guessed_ && !is_error) {
    overlaps_ = true;
    return be_unsure();
  }
  guessed_ = awaiting_ = true;
  resume_after_ = request_moment_;
}

void PgsqlSession::on_broken() {
  if (!guessed_) return give_up(How::Malformed);
  overlaps_ = true;
  be_unsure();
}

// Behind a hole in an answer: its end, if that is certain.
bool PgsqlSession::find_end(const HeldPiece& piece, ByteView& bytes) {
  if (turns_ != 1) return false;
  uint64_t number = queue_.begin();
  while (number < queue_.end() && !asks_for_ready(queue_[number])) ++number;
  if (number == queue_.end() || queue_[number].moment >= piece.passage.moment) return false;
  const size_t at = find_answer_end(bytes, piece.passage.operation_start);
  if (at == bytes.size()) return false;
  ByteView hidden = bytes.first(at);
  response_.advance(hidden);
  bytes = bytes.subspan(at);
  response_.align();
  guessed_ = true;
  const char type = static_cast<char>(bytes[0]);
  if (!skipping_) pass_hidden(type, type == 'E' || (type == 'Z' && at != 0));
  return true;
}

// Entries ahead of `number`, of whose answers nothing is known but what `result` says.
void PgsqlSession::pass(uint64_t number, Result result) {
  for (; queue_.begin() < number; queue_.take()) {
    Entry& entry = queue_.front();
    if (entry.kind == Entry::Kind::Execute) end_exchange(entry.exchange, How::GapLost, 0);
    settle(entry, result);
  }
}

// Answers before the one found were not seen. It has `type`, and is followed by ReadyForQuery,
// which is all that was found if that is the type.
void PgsqlSession::pass_hidden(char type, bool is_error) {
  uint64_t executes = 0, last = queue_.begin(), ready = queue_.begin();
  for (; !asks_for_ready(queue_[ready]); ++ready) {
    if (queue_[ready].kind != Entry::Kind::Execute) continue;
    ++executes;
    last = ready;
  }
  if (queue_[ready].kind != Entry::Kind::Sync) {
    pass(ready, Result::Unknown);
    Exchange* exchange = current();
    if (exchange == nullptr) return;
    exchange->rows_hidden = true;
    if (type != 'Z' || exchange->failed()) return;
    if (is_error) {
      exchange->trouble = Exchange::Trouble::Hidden;
    } else if (exchange->commands == 0) {
      end_exchange(queue_.front().exchange, How::GapLost, 0);
    }
    return;
  }
  if (executes == 0 && deferred_) {
    pass(ready, Result::Unknown);
    if (type == 'Z' && is_error) live_[deferred_exchange_].trouble = Exchange::Trouble::Hidden;
    return;
  }
  if (type == 'Z' && is_error && executes == 1) {
    Exchange& exchange = live_[queue_[last].exchange];
    exchange.trouble = Exchange::Trouble::Hidden;
    exchange.rows_hidden = true;
    end_exchange(queue_[last].exchange, How::Complete, response_.position());
  }
  if (type == 'Z') return pass(ready, Result::Unknown);
  if (!is_error) {
    // The last one succeeded, and so did all before it.
    if (executes == 0) return on_broken();
    pass(last, Result::Done);
    if (Exchange* exchange = current()) exchange->rows_hidden = true;
    return;
  }
  if (executes > 1) {
    // Which of them failed is not known.
    for (uint64_t number = queue_.begin(); number < ready; ++number) {
      if (queue_[number].kind != Entry::Kind::Execute) continue;
      end_exchange(queue_[number].exchange, How::GapLost, 0);
    }
    skipping_ = true;
  }
}

void PgsqlSession::give_up(How how) {
  end_all(how);
  drop_queue();
  start_held_ = false;
  held_.clear();
  held_bytes_.clear();
  given_up_ = true;
}

}  // namespace clew::pgsql
