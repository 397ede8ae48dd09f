#include "agent/protocols/pgsql/spans.h"

#include <algorithm>

namespace clew::pgsql {

std::unique_ptr<Session> open_session(const ProtocolSettings& settings) {
  return std::make_unique<PgsqlSession>(settings);
}

Session::Verdict PgsqlSession::feed(Side side, ByteView bytes, uint64_t offset,
                                    const Passage& passage, std::vector<MessageEvent>& out) {
  if (given_up_) return Verdict::NotThisProtocol;
  if (bytes.empty()) return Verdict::Continue;
  begin_call(out);
  open_side(side, offset, false);
  if (side == Side::Request) {
    take_request(bytes, passage);
  } else {
    take_response({.is_gap = false, .passage = passage, .length = bytes.size()}, bytes);
  }
  last_moment_ = std::max(last_moment_, passage.moment);
  return verdict();
}

Session::Verdict PgsqlSession::gap(Side side, uint64_t offset, uint64_t length, uint64_t moment,
                                   std::vector<MessageEvent>& out) {
  if (given_up_) return Verdict::NotThisProtocol;
  begin_call(out);
  open_side(side, offset, true);
  if (length == 0) return verdict();
  if (side == Side::Response) {
    take_response({.is_gap = true, .passage = {.moment = moment}, .length = length}, {});
    return verdict();
  }
  while (length != 0 && !given_up_) {
    const Step step = request_.skip(length);
    if (step == Step::End) on_request_end();
    if (step == Step::Lost) on_request_lost();
    release_held();
  }
  return verdict();
}

void PgsqlSession::end(Side side, std::vector<MessageEvent>& out) {
  if (given_up_) return;
  begin_call(out);
  // The server has done with it, or knows nothing to cancel.
  if (side == Side::Response && cancelled_) end_all(How::Complete);
}

void PgsqlSession::finish(Ending why, std::vector<MessageEvent>& out) {
  if (given_up_) return;
  begin_call(out);
  release_held(true);
  if (error_pending_) tell_pending_error();
  const bool hidden = !sure_ || response_.lost();
  while (!live_.empty()) {
    uint64_t number = live_.begin();
    while (number < live_.end() && live_[number].ended) ++number;
    if (number == live_.end()) break;
    const Exchange& exchange = live_[number];
    How how = exchange.response_started ? How::Cut : How::Unanswered;
    if (hidden) how = How::GapLost;
    if (why == Ending::ClewStopped) how = How::Unfinished;
    const bool is_deferred = deferred_ && number == deferred_exchange_;
    if (exchange.failed() || exchange.kind == Exchange::Kind::Cancel || is_deferred) {
      how = How::Complete;
    }
    end_exchange(number, how, 0);
  }
  given_up_ = true;
}

void PgsqlSession::describe(uint64_t number, SpanKind, SpanBuilder& span) const {
  if (!is_live(number)) return;
  const Exchange& exchange = live_[number];
  const Text* text = exchange.text == kNoText ? nullptr : &texts_[exchange.text];
  exchange.describe(text, Attributes(fixed_), span);
}

void PgsqlSession::begin_call(std::vector<MessageEvent>& out) {
  out_ = &out;
  while (!live_.empty() && live_.front().ended) {
    texts_.reset(live_.front().text);
    live_.take();
  }
}

void PgsqlSession::open_side(Side side, uint64_t offset, bool is_gap) {
  bool& opened = side == Side::Request ? request_opened_ : response_opened_;
  if (opened) return;
  opened = true;
  Parser& parser = side == Side::Request ? request_ : response_;
  parser.start_at(offset);
  if (offset == 0 && !is_gap) {
    if (side == Side::Request) request_.expect(kStartupPacket);
    return;
  }
  parser.lose();
  sure_ = false;
  starting_ = false;
}

void PgsqlSession::take_request(ByteView bytes, const Passage& passage) {
  request_moment_ = passage.moment;
  if (passage.operation_start) look_for_turn(bytes, passage);
  while (!given_up_) {
    const Step step = request_.advance(bytes);
    if (step == Step::More) break;
    if (step == Step::Start) on_request_start();
    if (step == Step::End) on_request_end();
    if (step == Step::Foreign) {
      on_request_lost();
      if (!guessed_) give_up(How::Malformed);
    }
    release_held();
  }
}

void PgsqlSession::take_response(const HeldPiece& piece, ByteView bytes) {
  if (start_held_ || !held_.empty()) {
    hold(piece, bytes);
  } else {
    drive_response(piece, bytes);
  }
}

// Whether it answers what is known cannot be told before it is read, or found.
bool PgsqlSession::must_hold_piece() const {
  if (!queue_.empty() || (overlaps_ && !sure_)) return false;
  return starting_ || response_.lost();
}

bool PgsqlSession::may_answer(char type) const {
  // These come at any time.
  if (type == 'N' || type == 'A' || type == 'S') return true;
  if (skipping_) return type != 'Z' || syncs_ != 0;
  if (queue_.empty() || !queue_.front().complete) return false;
  const bool ends = type == 'C' || type == 's' || type == 'I';
  return !ends || forced_ || knows_what_follows();
}

// Whether an Execute ends with its own answer or with ReadyForQuery. The server has been told to
// answer, so that something follows.
bool PgsqlSession::knows_what_follows() const {
  if (queue_.front().kind != Entry::Kind::Execute) return true;
  uint64_t next = next_after(queue_.begin());
  if (next < queue_.end() && queue_[next].kind == Entry::Kind::Close) next = next_after(next);
  return next < queue_.end();
}

void PgsqlSession::drive_response(const HeldPiece& piece, ByteView bytes) {
  const uint64_t moment = piece.passage.moment;
  if (must_hold_piece()) return hold(piece, bytes);
  if (piece.is_gap) {
    if (response_.lost()) on_response_lost(moment);
    for (uint64_t length = piece.length; length != 0 && !given_up_;) {
      const Step step = response_.skip(length);
      if (step == Step::End) on_response_end();
      if (step == Step::Lost) on_response_lost(moment);
    }
    return;
  }
  response_moment_ = moment;
  if (response_.lost() && !find_response(piece, bytes)) return;
  while (!given_up_) {
    if (response_.at_boundary() && queue_.empty() && !bytes.empty() && must_hold_piece()) {
      return hold({.is_gap = false, .passage = {.moment = moment}, .length = bytes.size()}, bytes);
    }
    if (starting_ && response_.at_boundary() && !queue_.empty() &&
        queue_.front().kind == Entry::Kind::Negotiate) {
      response_.expect(kNegotiationReply);
    }
    const bool is_row = !bytes.empty() && bytes[0] == 'D' && response_.at_boundary();
    Exchange* exchange = is_row ? current() : nullptr;
    const Step step = response_.advance(bytes, exchange != nullptr && exchange->response_started);
    if (exchange != nullptr) exchange->rows += response_.take_rows();
    if (step == Step::More) return;
    if (step == Step::Foreign) {
      on_broken();
    } else if (step == Step::End) {
      on_response_end();
    } else if (may_answer(response_.message().type)) {
      on_response_start();
    } else {
      start_held_ = true;
      start_moment_ = moment;
      if (bytes.empty()) return;
      return hold({.is_gap = false, .passage = {.moment = moment}, .length = bytes.size()}, bytes);
    }
  }
}

bool PgsqlSession::find_response(const HeldPiece& piece, ByteView& bytes) {
  if (sure_ && awaiting_ && piece.passage.moment > resume_after_) {
    awaiting_ = false;
    lost_moment_ = resume_after_;
    if (piece.passage.operation_start && is_plausible(Side::Response, bytes)) {
      response_.align();
      return true;
    }
  }
  if (sure_ && !awaiting_ && find_end(piece, bytes)) return true;
  response_.advance(bytes);  // skips all
  return false;
}

void PgsqlSession::hold(const HeldPiece& piece, ByteView bytes) {
  if (held_bytes_.size() + bytes.size() > kMaxHeldBytes || held_.size() == kMaxHeldPieces) {
    release_held(true);
    return take_response(piece, bytes);
  }
  const bool goes_on = !held_.empty() && !held_.back().is_gap && !piece.is_gap &&
                       !piece.passage.operation_start &&
                       held_.back().passage.moment == piece.passage.moment;
  if (goes_on) {
    held_.back().length += piece.length;
  } else {
    held_.push_back(piece);
  }
  held_bytes_.insert(held_bytes_.end(), bytes.begin(), bytes.end());
}

// `forced`: nothing is held afterwards.
void PgsqlSession::release_held(bool forced) {
  if (forced && entry_open_) close_entry();
  forced_ = forced;
  while ((start_held_ || !held_.empty()) && !given_up_) {
    const bool must_wait = start_held_ ? !may_answer(response_.message().type) : must_hold_piece();
    if (must_wait) break;
    held_.swap(replayed_);
    held_bytes_.swap(replayed_bytes_);
    if (start_held_) {
      start_held_ = false;
      response_moment_ = start_moment_;
      on_response_start();
      drive_response({.is_gap = false, .passage = {.moment = start_moment_}, .length = 0}, {});
    }
    ByteView bytes = replayed_bytes_;
    for (const HeldPiece& piece : replayed_) {
      if (given_up_) break;
      const size_t size = piece.is_gap ? 0 : piece.length;
      take_response(piece, bytes.first(size));
      bytes = bytes.subspan(size);
    }
    replayed_.clear();
    replayed_bytes_.clear();
  }
  forced_ = false;
  if (forced) drop_held();
}

void PgsqlSession::drop_held() {
  if (!start_held_ && held_.empty()) return;
  if (start_held_ && response_.message().type != 'E') ++requests_unseen_;
  start_held_ = false;
  for (const HeldPiece& piece : held_) {
    if (piece.passage.moment != kMomentUnknown) lost_moment_ = piece.passage.moment;
  }
  lost_moment_ = std::max(lost_moment_, response_moment_);
  held_.clear();
  held_bytes_.clear();
  response_.lose();
}

}  // namespace clew::pgsql
