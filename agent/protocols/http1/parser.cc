#include "agent/protocols/http1/parser.h"

#include <algorithm>

#include "agent/protocols/http1/characters.h"

namespace clew::http1 {
namespace {

bool is_method_byte(char c) {
  return (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
}
Detection look_at_status_line(std::string_view text) {
  // 'd' stands for a digit.
  constexpr std::string_view kShape = "HTTP/1.d ddd";
  if (text.size() >= kShape.size() && text.starts_with("HTTP/1.")) {
    const bool fits = is_digit(text[7]) && text[8] == ' ' && is_digit(text[9]) &&
                      is_digit(text[10]) && is_digit(text[11]);
    return fits ? Detection::Response : Detection::No;
  }
  for (size_t i = 0; i < kShape.size(); ++i) {
    if (i == text.size()) return Detection::NeedMore;
    if (kShape[i] == 'd' ? !is_digit(text[i]) : text[i] != kShape[i]) return Detection::No;
  }
  return Detection::Response;
}

Detection look_at_target(std::string_view method, std::string_view target) {
  if (target.empty()) return Detection::NeedMore;
  const char c = target.front();
  if (c == '/' || c == '*') return Detection::Request;
  if (method == "CONNECT") {
    const bool is_host = is_digit(c) || c == '[' || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
    return is_host ? Detection::Request : Detection::No;
  }
  for (const std::string_view scheme : {"http://", "https://"}) {
    const size_t size = std::min(scheme.size(), target.size());
    if (!equal_ignoring_case(target.substr(0, size), scheme.substr(0, size))) continue;
    return size == scheme.size() ? Detection::Request : Detection::NeedMore;
  }
  return Detection::No;
}

Detection look_at_request_line(std::string_view text) {
  size_t method = 0;
  while (method < text.size() && method <= kMaxMethodBytes && is_method_byte(text[method])) {
    ++method;
  }
  if (method > kMaxMethodBytes) return Detection::No;
  if (method == text.size()) return Detection::NeedMore;
  if (text[method] != ' ' || method < 3) return Detection::No;
  const std::string_view name = text.substr(0, method);
  if (name == "PRI") return Detection::No;  // HTTP/2's preface (RFC 9113 section 3.4)
  return look_at_target(name, text.substr(method + 1));
}

bool is_start(Side side, std::string_view text, bool& may_become) {
  const Detection seen =
      side == Side::Request ? look_at_request_line(text) : look_at_status_line(text);
  may_become = seen == Detection::NeedMore;
  return seen == Detection::Request || seen == Detection::Response;
}

}  // namespace

Detection detect(ByteView first_bytes, bool) {
  std::string_view text = as_text(first_bytes).substr(0, kDetectBytes);
  const bool whole_window = text.size() == kDetectBytes;
  const size_t start = text.find_first_not_of("\r\n");
  if (start == text.npos) return whole_window ? Detection::No : Detection::NeedMore;
  text.remove_prefix(start);
  Detection seen = look_at_status_line(text);
  if (seen == Detection::No) seen = look_at_request_line(text);
  return seen == Detection::NeedMore && whole_window ? Detection::No : seen;
}

Parser::Parser(Side side, std::span<const std::string> captured_headers)
    : side_(side), wanted_(captured_headers) {
  for (const std::string& name : wanted_) wanted_initials_ |= initial_bit(name.front());
}

void Parser::lose(bool unseen) {
  unsure_ = unsure_ || unseen;
  leave_step(TailRule::None);
}

void Parser::consume(ByteView& bytes, size_t count) {
  bytes = bytes.subspan(count);
  position_ += count;
}

Step Parser::end_message() {
  state_ = State::Boundary;
  return Step::End;
}

// For bytes that were not seen.
Step Parser::lose_message(TailRule rule) {
  unsure_ = true;
  leave_step(rule);
  return Step::Lost;
}

void Parser::leave_step(TailRule rule) {
  state_ = State::Boundary;
  lost_ = true;
  tail_rule_ = rule;
  tail_size_ = 0;
  look_size_ = 0;
}

Step Parser::malformed() {
  leave_step(TailRule::None);
  return Step::Malformed;
}

Step Parser::advance(ByteView& bytes, bool operation_start) {
  if (announce_lost_) {
    announce_lost_ = false;
    return Step::Lost;
  }
  if (operation_start) operation_fresh_ = state_ == State::Boundary;
  switch (state_) {
    case State::Boundary:
      return look_for_start(bytes, operation_start);
    case State::Head:
      return read_head(bytes);
    case State::HeadDone:
      return Step::More;
    default:
      return read_body(bytes);
  }
}

Step Parser::look_for_start(ByteView& bytes, bool operation_start) {
  bool may_become = false;
  if (look_size_ == 0) {
    if (lost_) {
      if (!operation_start) return watch_tail(bytes);
    } else {
      // Empty lines before a start line are to be ignored (RFC 9112 section 2.2).
      size_t empty = 0;
      while (empty < bytes.size() && (bytes[empty] == '\r' || bytes[empty] == '\n')) ++empty;
      consume(bytes, empty);
    }
    if (bytes.empty()) return Step::More;
    started_operation_ = operation_fresh_;
    operation_fresh_ = false;
    message_start_ = position_;
    if (is_start(side_, as_text(bytes), may_become)) return begin_head({});
    if (!may_become) return no_start(bytes);
  }
  // A start line in pieces, which may be operations of their own: joined byte by byte.
  while (!bytes.empty()) {
    look_[look_size_++] = static_cast<char>(bytes.front());
    consume(bytes, 1);
    const std::string_view seen(look_.data(), look_size_);
    if (is_start(side_, seen, may_become)) return begin_head(seen);
    if (!may_become) return no_start(bytes);
  }
  return Step::More;
}

Step Parser::no_start(ByteView& bytes) {
  ++failed_looks_;
  look_size_ = 0;
  if (lost_) return watch_tail(bytes);
  consume(bytes, bytes.size());
  leave_step(TailRule::None);
  return unsure_ ? Step::Lost : Step::Foreign;
}

Step Parser::watch_tail(ByteView& bytes) {
  const std::string_view piece = as_text(bytes);
  consume(bytes, bytes.size());
  if (tail_rule_ == TailRule::None || piece.empty()) return Step::More;
  const size_t fresh = std::min(piece.size(), tail_.size());
  const size_t kept = std::min<size_t>(tail_size_, tail_.size() - fresh);
  std::copy_n(tail_.begin() + (tail_size_ - kept), kept, tail_.begin());
  std::copy_n(piece.end() - static_cast<ptrdiff_t>(fresh), fresh,
              tail_.begin() + static_cast<ptrdiff_t>(kept));
  tail_size_ = static_cast<uint8_t>(kept + fresh);

  const std::string_view tail(tail_.data(), tail_size_);
  const bool ended = tail_rule_ == TailRule::Head ? tail.ends_with("\r\n\r\n")
                                                  : tail == "\r\n0\r\n\r\n" || piece == "0\r\n\r\n";
  if (!ended) return Step::More;
  tail_rule_ = TailRule::None;
  lost_ = false;
  return end_message();
}

}  // namespace clew::http1
