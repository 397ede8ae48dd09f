#include "agent/protocols/http1/spans.h"

#include <algorithm>

namespace clew::http1 {

std::unique_ptr<Session> open_session(const ProtocolSettings& settings) {
  return std::make_unique<Http1Session>(settings.http);
}

Session::Verdict Http1Session::feed(Side side, ByteView bytes, uint64_t offset,
                                    bool operation_start, std::vector<MessageEvent>& out) {
  if (dead_) return Verdict::NotThisProtocol;
  if (bytes.empty() || has_ended(side)) return Verdict::Continue;
  begin_call(out);
  open_side(side, offset, false);
  if (side == Side::Request) {
    drive_request(bytes, 0, operation_start);
  } else {
    take_response(HeldPiece::Kind::Bytes, bytes, bytes.size(), operation_start);
  }
  end_call();
  return Verdict::Continue;
}

Session::Verdict Http1Session::gap(Side side, uint64_t offset, uint64_t length,
                                   std::vector<MessageEvent>& out) {
  if (dead_) return Verdict::NotThisProtocol;
  if (has_ended(side)) return Verdict::Continue;
  begin_call(out);
  open_side(side, offset, true);
  if (side == Side::Request) {
    drive_request({}, length, false);
  } else if (length != 0) {
    take_response(HeldPiece::Kind::Gap, {}, length, false);
  }
  end_call();
  return Verdict::Continue;
}

void Http1Session::end(Side side, std::vector<MessageEvent>& out) {
  if (dead_ || has_ended(side)) return;
  has_ended(side) = true;
  begin_call(out);
  if (side == Side::Request) {
    know_request_head();  // as far as it came: what is held may be its answer
    release_held();
  } else {
    take_response(HeldPiece::Kind::End, {}, 0, false);
  }
  end_call();
}

void Http1Session::finish(Ending why, std::vector<MessageEvent>& out) {
  if (dead_) return;
  begin_call(out);
  know_request_head();
  release_held();
  const bool is_gone = why == Ending::ConnectionGone || response_ended_;
  if (is_gone && live() > 0 && response_attached_) close_response();
  // An anchor's answer may have gone by before it, unless none of the response side did.
  const bool may_have_passed = pairing_ == Pairing::Tentative && hidden_ && response_opened_;
  if (pairing_ == Pairing::Stale || (is_gone && may_have_passed)) end_all(How::GapLost);
  end_all(is_gone ? How::Unanswered : How::Unfinished);
  dead_ = true;
  end_call();
}

void Http1Session::describe(uint64_t number, SpanKind kind, SpanBuilder& span) const {
  if (number >= retained_ && number < next_) exchange(number).describe(kind, span);
}

void Http1Session::begin_call(std::vector<MessageEvent>& out) {
  out_ = &out;
  retained_ = first_live_;
}

void Http1Session::end_call() {
  const uint32_t looks = request_.failed_looks() + response_.failed_looks();
  if (!ever_started_ && looks >= kMaxFailedLooks) give_up();
  out_ = nullptr;
}

void Http1Session::open_side(Side side, uint64_t offset, bool is_gap) {
  bool& opened = side == Side::Request ? request_opened_ : response_opened_;
  if (opened) return;
  opened = true;
  Parser& parser = side == Side::Request ? request_ : response_;
  parser.start_at(offset);
  if (offset == 0 && !is_gap) return;
  parser.lose(true);
  hidden_ = true;
  if (side == Side::Request) {
    on_request_lost(true);
    release_held();
  } else {
    on_response_lost();
  }
}

void Http1Session::drive_request(ByteView bytes, uint64_t gap, bool operation_start) {
  while (!dead_) {
    const Step step = gap != 0 ? request_.skip(gap) : request_.advance(bytes, operation_start);
    if (step == Step::More) return;
    operation_start = false;
    on_request(step);
    release_held();
  }
}

void Http1Session::take_response(HeldPiece::Kind kind, ByteView bytes, uint64_t length,
                                 bool operation_start) {
  if (dead_) return;
  if (!held_.empty() || (kind == HeldPiece::Kind::Start && response_must_wait())) {
    hold(kind, bytes, length, operation_start);
  } else if (kind == HeldPiece::Kind::Start) {
    on_response(Step::Start);
  } else if (kind == HeldPiece::Kind::End) {
    close_response();
  } else {
    drive_response(bytes, kind == HeldPiece::Kind::Gap ? length : 0, operation_start);
  }
}

void Http1Session::drive_response(ByteView bytes, uint64_t gap, bool operation_start) {
  if (gap != 0 && response_.lost()) on_response_lost();  // the parser tells of the first hole only
  while (!dead_) {
    const bool is_hole = gap != 0 && response_.at_boundary() && response_must_wait();
    if (is_hole || !held_.empty()) {
      if (gap != 0) return hold(HeldPiece::Kind::Gap, {}, gap, false);
      if (bytes.empty()) return;
      return hold(HeldPiece::Kind::Bytes, bytes, bytes.size(), operation_start);
    }
    const Step step = gap != 0 ? response_.skip(gap) : response_.advance(bytes, operation_start);
    if (step == Step::More) return;
    operation_start = false;
    if (step == Step::Start) {
      take_response(HeldPiece::Kind::Start, {}, 0, false);
    } else {
      on_response(step);
    }
  }
}

void Http1Session::close_response() {
  if (response_.close() == Step::End) {
    on_response(Step::End);
  } else if (response_attached_) {
    end_front(response_.lost() ? How::GapLost : How::Cut);
    settle_pairing();
  }
}

void Http1Session::on_request(Step step) {
  switch (step) {
    case Step::Start:
      on_request_start();
      break;
    case Step::Head:
      know_request_head();
      request_.begin_body(BodyRule::Normal);
      break;
    case Step::End:
      if (request_is_live()) {
        emit(Kind::RequestEnded, How::Complete, current_, request_.position());
      }
      request_reported_ = false;
      break;
    case Step::Malformed:
    case Step::Lost:
      know_request_head();
      if (step == Step::Malformed && request_is_live()) exchange(current_).set_malformed_request();
      hidden_ = hidden_ || step == Step::Lost;
      on_request_lost(true);
      break;
    case Step::Foreign:
      on_request_lost(false);  // they may be answered all the same
      break;
    case Step::More:
      break;
  }
}

void Http1Session::on_request_start() {
  ever_started_ = true;
  request_reported_ = false;
  const bool first_of_operation = request_.started_operation();
  switch (pairing_) {
    case Pairing::Exact:
      break;
    case Pairing::Tentative:
      // Its answer went by before it was known that it was one: else why would the client go on?
      if (first_of_operation) end_all(let_go());
      break;
    case Pairing::Stale:
      if (!first_of_operation) return lose_pairing(false);
      end_all(How::GapLost);
      pairing_ = Pairing::Tentative;
      break;
    case Pairing::Draining:
      quiet_ = false;
      return;
    case Pairing::Lost:
      if (!first_of_operation || !quiet_ || response_.in_message()) {
        quiet_ = false;
        return;
      }
      pairing_ = Pairing::Tentative;
      break;
  }
  append_exchange();
}

void Http1Session::on_request_lost(bool quiet) {
  if (pairing_ == Pairing::Draining) quiet_ = quiet_ && quiet;
  if (pairing_ != Pairing::Exact && pairing_ != Pairing::Tentative) return;
  if (live() == 0) return lose_pairing(quiet);
  pairing_ = Pairing::Draining;
  quiet_ = quiet;
}

void Http1Session::on_response(Step step) {
  switch (step) {
    case Step::Start:
      on_response_start();
      break;
    case Step::Head:
      on_response_head();
      break;
    case Step::End:
      on_response_end();
      break;
    case Step::Malformed:
      if (response_attached_) end_front(How::Malformed);
      if (response_.unsure()) {
        on_response_lost();
      } else {
        on_response_broken();
      }
      break;
    case Step::Lost:
      on_response_lost();
      break;
    case Step::Foreign: {
      know_request_head();  // as far as it came
      const bool is_answer = live() > 0;
      on_response_broken();
      if (is_answer) give_up();
      break;
    }
    case Step::More:
      break;
  }
}

void Http1Session::on_response_start() {
  ever_started_ = true;
  response_attached_ = false;
  if (pairing_ == Pairing::Lost) return;
  if (live() == 0) return lose_pairing(true);
  if (pairing_ == Pairing::Stale && front().response_started()) return lose_pairing(false);
  if (pairing_ != Pairing::Draining) {
    pairing_ = Pairing::Exact;
    hidden_ = false;
  }
  response_attached_ = true;
}

void Http1Session::on_response_head() {
  const Head head = response_.head();
  const bool switches = head.status == 101;
  const bool interim = head.status < 200 && !switches;
  if (!response_attached_) {
    // Whether it has a body depends on a request that is not known: the next one shows its end.
    if (switches) return give_up();
    quiet_ = quiet_ || !interim;
    return response_.lose(hidden_);
  }
  Exchange& answered = front();
  if (interim) return response_.begin_body(BodyRule::None);
  answered.set_response(head);
  emit(Kind::ResponseStarted, How::Complete, first_live_, response_.message_start());
  if (switches || (answered.is_connect() && head.status < 300)) {
    end_front(How::Complete);
    return give_up();
  }
  const bool bodiless = answered.is_head() || head.status == 204 || head.status == 304;
  response_.begin_body(bodiless ? BodyRule::None : BodyRule::Normal);
}

void Http1Session::on_response_end() {
  if (!response_attached_) {
    quiet_ = true;
    return;
  }
  response_attached_ = false;
  if (!front().response_started()) return;  // that was an interim one
  end_front(How::Complete);
  settle_pairing();
}

// What began before the hole has been answered.
void Http1Session::settle_pairing() {
  if (live() > 0) return;
  if (pairing_ == Pairing::Stale) lose_pairing(true);
  if (pairing_ == Pairing::Draining) lose_pairing(quiet_);
}

void Http1Session::on_response_lost() {
  hidden_ = true;
  if (pairing_ == Pairing::Lost) {
    quiet_ = true;
  } else if (live() == 1) {
    pairing_ = Pairing::Stale;
  } else {
    lose_pairing(live() == 0);
  }
}

// All was seen, and it was no answer: nor can what follows be told to answer the rest.
void Http1Session::on_response_broken() {
  if (pairing_ == Pairing::Lost) {
    quiet_ = true;
    return;
  }
  const bool quiet = live() == 0;
  end_all(How::Malformed);
  lose_pairing(quiet);
}

bool Http1Session::response_must_wait() const {
  return pairing_ != Pairing::Lost && (live() == 0 || !exchange(first_live_).head_known());
}

void Http1Session::hold(HeldPiece::Kind kind, ByteView bytes, uint64_t length,
                        bool operation_start) {
  const bool is_full =
      held_bytes_.size() + bytes.size() > kMaxHeldBytes || held_.size() == kMaxHeldPieces;
  if (is_full) {
    know_request_head();  // as far as it came: what is held may be its answer
    if (response_must_wait()) lose_pairing(true);
    release_held();
    return take_response(kind, bytes, length, operation_start);
  }
  held_.push_back({.kind = kind, .operation_start = operation_start, .length = length});
  held_bytes_.insert(held_bytes_.end(), bytes.begin(), bytes.end());
}

void Http1Session::release_held() {
  while (!held_.empty() && (pairing_ == Pairing::Lost || (live() > 0 && front().head_known()))) {
    held_.swap(replayed_);
    held_bytes_.swap(replayed_bytes_);
    ByteView bytes = replayed_bytes_;
    for (const HeldPiece& piece : replayed_) {
      if (dead_) break;
      const size_t size = piece.kind == HeldPiece::Kind::Bytes ? piece.length : 0;
      take_response(piece.kind, bytes.first(size), piece.length, piece.operation_start);
      bytes = bytes.subspan(size);
    }
    replayed_.clear();
    replayed_bytes_.clear();
  }
}

void Http1Session::append_exchange() {
  if (live() == kMaxLiveExchanges) return give_up();
  if (next_ - retained_ == ring_.size()) {
    std::vector<Exchange> grown(std::max<size_t>(4, ring_.size() * 2));
    for (uint64_t number = retained_; number < next_; ++number) {
      grown[number & (grown.size() - 1)] = std::move(exchange(number));
    }
    ring_ = std::move(grown);
  }
  current_ = next_++;
  exchange(current_).clear();
  request_reported_ = true;
  emit(Kind::RequestStarted, How::Complete, current_, request_.message_start());
}

void Http1Session::know_request_head() {
  if (!request_is_live() || exchange(current_).head_known()) return;
  exchange(current_).set_request(request_.head(), settings_);
  live_text_ += exchange(current_).text_bytes();
  if (live_text_ > kMaxLiveText) give_up();
}

void Http1Session::end_front(How how) {
  Exchange& ended = front();
  if (ended.request_malformed()) how = How::Malformed;
  ended.set_ended(how);
  live_text_ -= ended.text_bytes();
  emit(Kind::ExchangeEnded, how, first_live_, response_.position());
  ++first_live_;
  response_attached_ = false;
}

void Http1Session::end_all(How how) {
  while (live() > 0) end_front(how);
}

void Http1Session::lose_pairing(bool quiet) {
  end_all(let_go());
  pairing_ = Pairing::Lost;
  quiet_ = quiet;
}

void Http1Session::give_up() {
  end_all(How::Unfinished);
  held_.clear();
  held_bytes_.clear();
  dead_ = true;
}

void Http1Session::emit(Kind kind, How how, uint64_t number, uint64_t offset) {
  out_->push_back({.kind = kind, .how = how, .exchange = number, .offset = offset});
}

}  // namespace clew::http1
