// Which request a response answers: the part of the session that decides by moments.
#include <algorithm>

#include "agent/protocols/http1/spans.h"

namespace clew::http1 {

// The first request of that one's operation, as far as it is live.
uint64_t Http1Session::operation_begin(uint64_t number) const {
  while (number > first_live_ && !live_at(number).starts_operation) --number;
  return number;
}

// next_ if there is none.
uint64_t Http1Session::find_last_before(uint64_t moment) const {
  for (uint64_t number = next_; number-- > first_live_;) {
    if (live_at(number).moment < moment) return number;
  }
  return next_;
}

// A response that was dropped came after it, and may have been its own; or it began amid an
// operation, where pairing was lost.
void Http1Session::leave_all_passed() {
  while (live() > 0 && !unconfirmed_ && !response_attached_) {
    const Live& first = live_at(first_live_);
    const bool is_passed = first.moment < passed_by_ || !first.starts_operation;
    if (first.joint == Joint::Follows || !is_passed || !first.exchange.head_known()) return;
    end_front(let_go());
    resync(Joint::Resumed);
  }
}

bool Http1Session::response_must_wait(uint64_t moment) const {
  if (adrift_ || dropping_) return false;
  if (unconfirmed_ || live() == 0) return true;
  const uint64_t answered = hole_by_ == 0 ? first_live_ : find_last_before(moment);
  return answered < next_ && !exchange(answered).head_known();
}

void Http1Session::place_response(uint64_t moment) {
  response_moment_ = moment;
  response_attached_ = false;
  if (adrift_ || dropping_) return drop_response(moment, false);
  if (hole_by_ == 0) return place_in_order(moment);
  place_behind_hole(moment);
}

// No response lies unseen between this one and the last.
void Http1Session::place_in_order(uint64_t moment) {
  const Live& first = live_at(first_live_);
  const Live* second = live() > 1 ? &live_at(first_live_ + 1) : nullptr;
  const bool overtaken = second && second->starts_operation && second->moment < moment;
  overlaps_ = overlaps_ || (overtaken && second->joint == Joint::Follows);
  if (first.joint == Joint::Follows) return attach(first_live_, true);
  if (moment < first.moment) return drop_response(moment, first.joint >= Joint::Hole);
  if (overlaps_ || overtaken) return go_adrift(moment);
  // What is lost must have been answered before the next request was sent.
  if (first.joint == Joint::SureHole && !passed_any_) return go_adrift(moment);
  if (first.joint == Joint::Foreign && !passed_any_) return give_up_on(first_live_, moment);
  attach(first_live_, true);
}

void Http1Session::place_behind_hole(uint64_t moment) {
  if (overlaps_) return go_adrift(moment);
  const uint64_t last = find_last_before(moment);
  if (last == next_) {
    hole_by_ = 0;
    Joint& joint = live_at(first_live_).joint;
    joint = std::max(joint, Joint::Resumed);
    return drop_response(moment, false);
  }
  const uint64_t number = operation_begin(last);
  end_before(number);
  const Live& answered = live_at(number);
  if (answered.exchange.response_started()) return give_up_on(last, moment);  // it is a second
  // All of the hole was before it.
  if (hole_by_ < answered.moment) return attach(number, true);
  const Joint next_joint = last + 1 < next_ ? live_at(last + 1).joint : joint_;
  if (last > number || next_joint > Joint::Resumed) return give_up_on(last, moment);
  if (last + 1 < next_) {
    if (!live_at(last + 1).starts_operation) return give_up_on(last + 1, moment);
    return attach(number, true);
  }
  attach(number, request_ended_);
}

// All before it have ended.
void Http1Session::attach(uint64_t number, bool confirmed) {
  live_at(number).joint = Joint::Follows;
  response_attached_ = true;
  hole_by_ = 0;
  passed_any_ = false;
  if (confirmed && last_joint_ <= number + 1 && joint_ == Joint::Follows) hidden_ = false;
  unconfirmed_ = !confirmed;
  withheld_start_ = withheld_end_ = 0;
}

// It answers a request that is not live. `request_unseen`: for certain one that was never seen.
void Http1Session::drop_response(uint64_t moment, bool request_unseen) {
  passed_any_ = true;
  passed_by_ = std::max(passed_by_, moment);
  if (request_unseen) ++requests_unseen_;
}

// It cannot be told whether the response answers one of those up to `number` or one unseen.
void Http1Session::give_up_on(uint64_t number, uint64_t moment) {
  know_request_head();
  end_before(number + 1);
  hole_by_ = 0;
  drop_response(moment, false);
  resync(Joint::Resumed);
}

// The next request that is not answered yet pairs by moments.
void Http1Session::resync(Joint joint) {
  Joint& next = live() > 0 ? live_at(first_live_).joint : joint_;
  next = std::max(next, joint);
}

void Http1Session::go_adrift(uint64_t moment) {
  adrift_ = true;
  know_request_head();
  end_all(let_go());
  drop_response(moment, false);
}

// What a request tells of those before it.
void Http1Session::meet_request(uint64_t moment, bool starts_operation) {
  if (adrift_) return end_all(let_go());
  if (unconfirmed_) {
    const bool is_next_turn = starts_operation && response_moment_ <= moment;
    return is_next_turn ? confirm() : revoke();
  }
  if (!starts_operation) return;
  // Its answer, or the end of it, lay in the hole: else why would the client go on?
  if (hole_by_ != 0 && hole_by_ < moment && !overlaps_) return end_all(How::GapLost);
  if (joint_ != Joint::Follows || next_ == 0) return;
  if (moment < response_moment_) overlaps_ = true;
}

void Http1Session::confirm() {
  unconfirmed_ = false;
  if (withheld_start_ != 0 || front().response_started()) {
    emit(Kind::ResponseStarted, How::Complete, first_live_, withheld_start_);
  }
  if (withheld_end_ != 0) end_front(How::Complete, withheld_end_);
}

void Http1Session::revoke() {
  unconfirmed_ = false;
  hidden_ = true;
  front().set_response({});
  if (response_attached_) response_.lose(true);
  // Read by the head of a request that is not its own, it may have swallowed others.
  hole_by_ = std::max(hole_by_, response_moments_.moment);
  end_front(How::GapLost);
  drop_response(response_moment_, false);
  resync(Joint::Resumed);
}

}  // namespace clew::http1
