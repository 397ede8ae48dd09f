#include "agent/protocols/http1/spans.h"

#include <algorithm>

namespace clew::http1 {

std::unique_ptr<Session> open_session(const ProtocolSettings& settings) {
  return std::make_unique<Http1Session>(settings.http);
}

Session::Verdict Http1Session::feed(Side side, ByteView bytes, uint64_t offset,
                                    const Passage& passage, std::vector<MessageEvent>& out) {
  if (dead_) return Verdict::NotThisProtocol;
  if (bytes.empty() || has_ended(side)) return Verdict::Continue;
  begin_call(out);
  open_side(side, offset, 0, false);
  if (side == Side::Request) {
    request_moments_.offset = offset;
    request_moments_.moment = passage.moment;
    drive_request(bytes, 0, passage);
  } else {
    take_response({HeldPiece::Kind::Bytes, passage, offset, bytes.size()}, bytes);
  }
  end_call();
  return Verdict::Continue;
}

Session::Verdict Http1Session::gap(Side side, uint64_t offset, uint64_t length, uint64_t moment,
                                   std::vector<MessageEvent>& out) {
  if (dead_) return Verdict::NotThisProtocol;
  if (has_ended(side)) return Verdict::Continue;
  begin_call(out);
  open_side(side, offset, length, true);
  if (side == Side::Request && length != 0) {
    const bool is_same_operation = moment <= request_moments_.moment;
    gap_joint_ = request_.at_boundary() ? Joint::SureHole : Joint::Hole;
    if (is_same_operation) gap_joint_ = Joint::Resumed;
    drive_request({}, length, {});
  } else if (length != 0) {
    take_response({HeldPiece::Kind::Gap, {.moment = moment}, offset, length}, {});
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
    if (unconfirmed_ && joint_ < Joint::Hole) confirm();
    release_held();
  } else {
    take_response({HeldPiece::Kind::End, {}, 0, 0}, {});
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
  if (unconfirmed_) revoke();
  if (!held_.empty()) drop_held();
  // The answer to the first one behind a hole may have gone by before it, unless none of the
  // response side did.
  const bool may_have_passed =
      live() > 0 && live_at(first_live_).joint != Joint::Follows && hidden_ && response_opened_;
  if (hole_by_ != 0 || (is_gone && may_have_passed)) end_all(How::GapLost);
  if (adrift_) end_all(let_go());
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

void Http1Session::open_side(Side side, uint64_t offset, uint64_t gap, bool is_gap) {
  bool& opened = side == Side::Request ? request_opened_ : response_opened_;
  if (opened) return;
  opened = true;
  Parser& parser = side == Side::Request ? request_ : response_;
  parser.start_at(offset);
  if (offset == 0 && (!is_gap || gap != 0)) return;
  parser.lose(true);
  hidden_ = true;
  if (side == Side::Request) on_request_lost(Joint::Resumed);
}

void Http1Session::drive_request(ByteView bytes, uint64_t gap, const Passage& passage) {
  bool operation_start = passage.operation_start;
  if (gap != 0 && request_.lost()) on_request_lost(std::min(gap_joint_, Joint::Hole));
  while (!dead_) {
    const Step step = gap != 0 ? request_.skip(gap) : request_.advance(bytes, operation_start);
    if (step == Step::More) break;
    operation_start = false;
    on_request(step);
    release_held();
  }
  if (gap == 0) request_moments_.leave(request_.message_start());
}

void Http1Session::take_response(const HeldPiece& piece, ByteView bytes) {
  if (dead_) return;
  const bool is_start = piece.kind == HeldPiece::Kind::Start;
  if (is_start) leave_passed();
  if (!held_.empty() || (is_start && response_must_wait(piece.passage.moment))) {
    hold(piece, bytes);
  } else if (is_start) {
    place_response(piece.passage.moment);
  } else if (piece.kind == HeldPiece::Kind::End) {
    close_response();
  } else {
    drive_response(piece, bytes);
  }
}

void Http1Session::drive_response(const HeldPiece& piece, ByteView bytes) {
  uint64_t gap = piece.kind == HeldPiece::Kind::Gap ? piece.length : 0;
  bool operation_start = piece.passage.operation_start;
  response_moments_.offset = piece.offset;
  response_moments_.moment = piece.passage.moment;
  while (!dead_) {
    if (!held_.empty()) {
      if (bytes.empty()) return;
      const Passage rest{piece.passage.moment, operation_start};
      const uint64_t offset = piece.offset + piece.length - bytes.size();
      return hold({HeldPiece::Kind::Bytes, rest, offset, bytes.size()}, bytes);
    }
    const Step step = gap != 0 ? response_.skip(gap) : response_.advance(bytes, operation_start);
    if (step == Step::More) break;
    operation_start = false;
    if (step == Step::Start) {
      ever_started_ = true;
      const uint64_t moment = response_moments_.of(response_.message_start());
      take_response({HeldPiece::Kind::Start, {.moment = moment}, 0, 0}, {});
    } else {
      on_response(step);
    }
  }
  if (piece.kind == HeldPiece::Kind::Bytes) {
    response_moments_.leave(response_.message_start());
  } else if (response_.lost()) {
    on_response_lost(piece.passage.moment);  // the parser tells of the first hole only
  }
}

void Http1Session::close_response() {
  if (response_.close() == Step::End) {
    on_response(Step::End);
  } else if (response_attached_) {
    if (unconfirmed_) return revoke();
    end_front(response_.lost() ? How::GapLost : How::Cut);
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
      know_request_head();
      if (request_is_live()) exchange(current_).set_malformed_request();
      on_request_lost(Joint::Resumed);
      break;
    case Step::Lost:
      know_request_head();
      hidden_ = true;
      on_request_lost(gap_joint_);
      break;
    case Step::Foreign:
      on_request_lost(Joint::Foreign);
      break;
    case Step::More:
      break;
  }
}

void Http1Session::on_request_start() {
  ever_started_ = true;
  const uint64_t moment = request_moments_.of(request_.message_start());
  const bool starts_operation = request_.started_operation();
  meet_request(moment, starts_operation);
  append_exchange(moment, starts_operation);
  gap_joint_ = Joint::Hole;
}

void Http1Session::on_request_lost(Joint joint) {
  joint_ = std::max(joint_, joint);
  if (unconfirmed_ && joint_ > Joint::Resumed) revoke();
}

void Http1Session::on_response(Step step) {
  switch (step) {
    case Step::Head:
      on_response_head();
      break;
    case Step::End:
      on_response_end();
      break;
    case Step::Malformed:
      if (unconfirmed_) {
        revoke();
      } else if (response_attached_) {
        end_front(How::Malformed);
      }
      if (response_.unsure()) {
        on_response_lost(response_moments_.moment);
      } else {
        on_response_broken();
      }
      break;
    case Step::Lost:
      on_response_lost(response_moments_.moment);
      break;
    case Step::Foreign: {
      know_request_head();  // as far as it came
      // To an exchange that is not confirmed it shows that the response was another's.
      const bool is_answer = live() > 0 && !adrift_ && !unconfirmed_;
      on_response_broken();
      if (is_answer) give_up();
      break;
    }
    case Step::Start:
    case Step::More:
      break;
  }
}

void Http1Session::on_response_head() {
  const Head head = response_.head();
  const bool switches = head.status == 101;
  const bool interim = head.status < 200 && !switches;
  if (!response_attached_) {
    // Whether it has a body depends on a request that is not known: the next one shows its end.
    if (switches) return give_up();
    return response_.lose(hidden_);
  }
  Exchange& answered = front();
  if (interim) return response_.begin_body(BodyRule::None);
  const bool tunnels = switches || (answered.is_connect() && head.status < 300);
  if (unconfirmed_ && tunnels) return give_up();
  answered.set_response(head);
  if (unconfirmed_) {
    withheld_start_ = response_.message_start();
  } else {
    emit(Kind::ResponseStarted, How::Complete, first_live_, response_.message_start());
  }
  if (tunnels) {
    end_front(How::Complete);
    return give_up();
  }
  const bool bodiless = answered.is_head() || head.status == 204 || head.status == 304;
  response_.begin_body(bodiless ? BodyRule::None : BodyRule::Normal);
}

void Http1Session::on_response_end() {
  if (!response_attached_) return;
  response_attached_ = false;
  if (!front().response_started()) return;  // that was an interim one
  if (unconfirmed_) {
    withheld_end_ = response_.position();
  } else {
    end_front(How::Complete);
  }
}

void Http1Session::on_response_lost(uint64_t moment) {
  hidden_ = true;
  hole_by_ = std::max({hole_by_, moment, uint64_t{1}});
  if (unconfirmed_ && response_attached_) revoke();
}

// All was seen, and it was no answer: nor can what follows be told to answer the rest.
void Http1Session::on_response_broken() {
  passed_by_ = std::max(passed_by_, response_moments_.moment);
  if (unconfirmed_) revoke();
  end_all(How::Malformed);
  resync(Joint::Resumed);
}

void Http1Session::hold(const HeldPiece& piece, ByteView bytes) {
  const bool is_full =
      held_bytes_.size() + bytes.size() > kMaxHeldBytes || held_.size() == kMaxHeldPieces;
  if (is_full) {
    know_request_head();  // as far as it came: what is held may be its answer
    if (unconfirmed_) revoke();
    release_held();
    if (!held_.empty()) drop_held();
    return take_response(piece, bytes);
  }
  held_.push_back(piece);
  held_bytes_.insert(held_bytes_.end(), bytes.begin(), bytes.end());
}

// The first piece held is always a Start.
void Http1Session::release_held() {
  leave_passed();
  while (!held_.empty() && !dead_ && !response_must_wait(held_.front().passage.moment)) {
    held_.swap(replayed_);
    held_bytes_.swap(replayed_bytes_);
    ByteView bytes = replayed_bytes_;
    for (const HeldPiece& piece : replayed_) {
      if (dead_) break;
      const size_t size = piece.kind == HeldPiece::Kind::Bytes ? piece.length : 0;
      take_response(piece, bytes.first(size));
      bytes = bytes.subspan(size);
    }
    replayed_.clear();
    replayed_bytes_.clear();
  }
}

void Http1Session::drop_held() {
  dropping_ = true;
  release_held();
  dropping_ = false;
}

void Http1Session::append_exchange(uint64_t moment, bool starts_operation) {
  if (live() == kMaxLiveExchanges) return give_up();
  if (next_ - retained_ == ring_.size()) {
    std::vector<Live> grown(std::max<size_t>(1, ring_.size() * 2));
    for (uint64_t number = retained_; number < next_; ++number) {
      grown[number & (grown.size() - 1)] = std::move(live_at(number));
    }
    ring_ = std::move(grown);
    ring_mask_ = ring_.size() - 1;
  }
  current_ = next_++;
  Live& added = live_at(current_);
  added.exchange.clear();
  added.moment = moment;
  added.joint = std::exchange(joint_, Joint::Follows);
  added.starts_operation = starts_operation;
  if (added.joint != Joint::Follows) last_joint_ = next_;
  request_reported_ = true;
  emit(Kind::RequestStarted, How::Complete, current_, request_.message_start());
}

void Http1Session::know_request_head() {
  if (!request_is_live() || exchange(current_).head_known()) return;
  exchange(current_).set_request(request_.head(), settings_);
  live_text_ += exchange(current_).text_bytes();
  if (live_text_ > kMaxLiveText) give_up();
}

void Http1Session::end_front(How how, uint64_t offset) {
  Exchange& ended = front();
  if (ended.request_malformed()) how = How::Malformed;
  ended.set_ended(how);
  live_text_ -= ended.text_bytes();
  emit(Kind::ExchangeEnded, how, first_live_, offset);
  ++first_live_;
  response_attached_ = false;
}

void Http1Session::end_before(uint64_t number) {
  while (first_live_ < number) end_front(let_go());
}

void Http1Session::end_all(How how) {
  while (live() > 0) end_front(how);
}

void Http1Session::give_up() {
  if (unconfirmed_) revoke();
  end_all(How::Unfinished);
  held_.clear();
  held_bytes_.clear();
  dead_ = true;
}

void Http1Session::emit(Kind kind, How how, uint64_t number, uint64_t offset) {
  out_->push_back({.kind = kind, .how = how, .exchange = number, .offset = offset});
}

}  // namespace clew::http1
