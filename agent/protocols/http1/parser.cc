#include "agent/protocols/http1/parser.h"

#include <algorithm>
#include <cstring>

namespace clew::http1 {
namespace {

// Sizes beyond this are nonsense; sums of two of them still fit.
constexpr uint64_t kMaxBodyBytes = uint64_t{1} << 60;
// A buffer that one huge head blew up is given back.
constexpr size_t kKeepBufferBytes = 16 * 1024;
// A head that came in pieces is copied in slices, lest a large body be copied with it.
constexpr size_t kSliceBytes = 1024;

bool is_method_byte(char c) {
  return (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_space(char c) {
  return c == ' ' || c == '\t';
}

// Lower and upper case letters have the same one.
uint32_t initial_bit(char c) {
  return uint32_t{1} << (c & 0x1f);
}

bool equal_ignoring_case(std::string_view text, std::string_view lower) {
  if (text.size() != lower.size()) return false;
  for (size_t i = 0; i < lower.size(); ++i) {
    const char c = text[i] >= 'A' && text[i] <= 'Z' ? static_cast<char>(text[i] | 0x20) : text[i];
    if (c != lower[i]) return false;
  }
  return true;
}

// Folded values have line ends inside, so these are trimmed too.
std::string_view trim(std::string_view text) {
  const auto is_blank = [](char c) { return is_space(c) || c == '\r' || c == '\n'; };
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

Detection look_at_status_line(std::string_view text) {
  // 'd' stands for a digit.
  constexpr std::string_view kShape = "HTTP/1.d ddd";
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

Detection detect(ByteView first_bytes) {
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

Step Parser::begin_head(std::string_view read_already) {
  state_ = State::Head;
  buffer_.clear();
  if (buffer_.capacity() > kKeepBufferBytes) std::string().swap(buffer_);
  buffer_ = read_already;
  look_size_ = 0;
  if (!lost_) unsure_ = false;
  lost_ = false;
  tail_rule_ = TailRule::None;
  failed_looks_ = 0;
  line_at_ = scan_at_ = 0;
  have_start_line_ = have_host_ = partial_ = false;
  field_ = Field::None;
  captured_name_ = -1;
  captured_.clear();
  minor_version_ = 1;
  status_ = 0;
  framing_ = Framing::None;
  content_length_ = 0;
  method_ = target_ = host_ = user_agent_ = {};
  return Step::Start;
}

Step Parser::read_head(ByteView& bytes) {
  if (buffer_.empty()) {
    const Step step = scan_head(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (step == Step::Head) consume(bytes, scan_at_);
    if (step == Step::More) {
      buffer_.assign(as_text(bytes));
      base_ = buffer_.data();
      consume(bytes, bytes.size());
    }
    return step;
  }
  while (true) {
    const size_t slice = std::min(bytes.size(), kSliceBytes);
    buffer_.append(as_text(bytes.first(slice)));
    const Step step = scan_head(buffer_.data(), buffer_.size());
    const size_t beyond = step == Step::Head ? buffer_.size() - scan_at_ : 0;
    consume(bytes, slice - beyond);
    if (step != Step::More || bytes.empty()) return step;
  }
}

// Goes on at scan_at_; on Step::Head that is the head's size.
Step Parser::scan_head(const char* base, size_t size) {
  base_ = base;
  while (true) {
    const void* found = std::memchr(base + scan_at_, '\n', size - scan_at_);
    const size_t next =
        found == nullptr ? size : static_cast<size_t>(static_cast<const char*>(found) - base) + 1;
    if (next > kMaxHeadBytes) return malformed();
    scan_at_ = next;
    if (found == nullptr) return Step::More;
    size_t end = next - 1;
    if (end > line_at_ && base[end - 1] == '\r') --end;
    if (!have_start_line_) {
      if (!read_start_line(end)) return malformed();
      have_start_line_ = true;
    } else if (end == line_at_) {
      commit_field();
      state_ = State::HeadDone;
      return Step::Head;
    } else if (is_space(base[line_at_])) {
      // obs-fold
      field_value_.size = static_cast<uint32_t>(end) - field_value_.at;
      captured_value_.size = static_cast<uint32_t>(end) - captured_value_.at;
    } else {
      commit_field();
      begin_field(end);
    }
    line_at_ = next;
  }
}

bool Parser::read_start_line(size_t end) {
  const std::string_view line(base_, end);
  if (side_ == Side::Response) {
    if (look_at_status_line(line) != Detection::Response) return false;
    if (line.size() > 12 && line[12] != ' ') return false;
    minor_version_ = static_cast<uint8_t>(line[7] - '0');
    status_ = static_cast<uint16_t>((line[9] - '0') * 100 + (line[10] - '0') * 10 + line[11] - '0');
    return status_ >= 100;
  }
  constexpr size_t kVersion = 9;  // " HTTP/1.1"
  const size_t method = line.find(' ');
  if (method == line.npos || line.size() < method + 1 + 1 + kVersion) return false;
  const std::string_view version = line.substr(line.size() - kVersion);
  if (!version.starts_with(" HTTP/1.") || !is_digit(version.back())) return false;
  minor_version_ = static_cast<uint8_t>(version.back() - '0');
  method_ = {.at = 0, .size = static_cast<uint32_t>(method)};
  target_ = {.at = method_.size + 1,
             .size = static_cast<uint32_t>(line.size() - kVersion - method - 1)};
  return true;
}

// The first letter rules out nearly every header before its name is looked at.
void Parser::begin_field(size_t end) {
  const std::string_view line(base_ + line_at_, end - line_at_);
  if (wanted_initials_ & initial_bit(line.front())) look_for_captured(line, end);
  std::string_view name;
  switch (line.front() | 0x20) {
    case 'h':
      name = "host";
      field_ = Field::Host;
      break;
    case 'u':
      name = "user-agent";
      field_ = Field::UserAgent;
      break;
    case 'c':
      name = "content-length";
      field_ = Field::ContentLength;
      break;
    case 't':
      name = "transfer-encoding";
      field_ = Field::TransferEncoding;
      break;
    default:
      return;
  }
  size_t colon = name.size();
  const bool is_name = equal_ignoring_case(line.substr(0, colon), name);
  while (is_name && colon < line.size() && is_space(line[colon])) ++colon;
  if (!is_name || colon >= line.size() || line[colon] != ':') {
    field_ = Field::None;
    return;
  }
  const size_t at = line_at_ + colon + 1;
  field_value_ = {.at = static_cast<uint32_t>(at), .size = static_cast<uint32_t>(end - at)};
}

void Parser::look_for_captured(std::string_view line, size_t end) {
  const size_t colon = line.find(':');
  if (colon == line.npos || captured_.size() == kMaxCapturedValues) return;
  std::string_view name = line.substr(0, colon);
  while (!name.empty() && is_space(name.back())) name.remove_suffix(1);
  for (size_t i = 0; i < wanted_.size(); ++i) {
    if (!equal_ignoring_case(name, wanted_[i])) continue;
    captured_name_ = static_cast<int>(i);
    const size_t at = line_at_ + colon + 1;
    captured_value_ = {.at = static_cast<uint32_t>(at), .size = static_cast<uint32_t>(end - at)};
    return;
  }
}

// Called once the next line is known to be no continuation.
void Parser::commit_field() {
  if (captured_name_ >= 0) {
    const std::string_view value = trim(text(captured_value_));
    captured_.push_back({.name = static_cast<uint16_t>(captured_name_),
                         .at = static_cast<uint32_t>(value.data() - base_),
                         .size = static_cast<uint32_t>(value.size())});
    captured_name_ = -1;
  }
  if (field_ == Field::None) return;
  const std::string_view value = trim(text(field_value_));
  const Range range{.at = static_cast<uint32_t>(value.data() - base_),
                    .size = static_cast<uint32_t>(value.size())};
  switch (field_) {
    case Field::Host:
      if (!have_host_) host_ = range;
      have_host_ = true;
      break;
    case Field::UserAgent:
      user_agent_ = range;
      break;
    case Field::ContentLength:
      read_content_length(value);
      break;
    case Field::TransferEncoding: {
      // The last coding counts (RFC 9112 section 6.3), and it beats any Content-Length.
      const size_t comma = value.rfind(',');
      const std::string_view coding = comma == value.npos ? value : trim(value.substr(comma + 1));
      framing_ = equal_ignoring_case(coding, "chunked") ? Framing::Chunked : Framing::OtherCoding;
      break;
    }
    case Field::None:
      break;
  }
  field_ = Field::None;
}

// "5, 5" is 5 (RFC 9112 section 6.3, 5), anything else that is no single number is an error.
void Parser::read_content_length(std::string_view value) {
  if (framing_ == Framing::Chunked || framing_ == Framing::OtherCoding) return;
  while (true) {
    const size_t comma = value.find(',');
    const std::string_view number = trim(value.substr(0, comma));
    uint64_t length = 0;
    bool valid = !number.empty();
    for (const char c : number) {
      valid = valid && is_digit(c) && length < kMaxBodyBytes / 10;
      if (valid) length = length * 10 + static_cast<uint64_t>(c - '0');
    }
    const bool differs = framing_ == Framing::Length && length != content_length_;
    if (!valid || differs || framing_ == Framing::Contradictory) {
      framing_ = Framing::Contradictory;
      return;
    }
    framing_ = Framing::Length;
    content_length_ = length;
    if (comma == value.npos) return;
    value.remove_prefix(comma + 1);
  }
}

Head Parser::head() const {
  Head head;
  head.content_length = content_length_;
  head.status = status_;
  head.minor_version = minor_version_;
  head.framing = framing_;
  head.partial = partial_;
  if (!have_start_line_) return head;
  head.method = text(method_);
  head.target = text(target_);
  head.host = text(host_);
  head.user_agent = text(user_agent_);
  head.captured = captured_;
  head.base = base_;
  return head;
}

}  // namespace clew::http1
