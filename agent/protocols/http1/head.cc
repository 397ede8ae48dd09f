// The part of Parser that reads header blocks (RFC 9112 sections 2 to 5).
#include <algorithm>
#include <cstring>
#include <memory>
#include <type_traits>

#include "agent/protocols/http1/characters.h"
#include "agent/protocols/http1/line_feeds.h"
#include "agent/protocols/http1/parser.h"

namespace clew::http1 {
namespace {

// Sizes beyond this are nonsense; sums of two of them still fit.
constexpr uint64_t kMaxBodyBytes = uint64_t{1} << 60;
// A buffer that one huge head blew up is given back.
constexpr size_t kKeepBufferBytes = 16 * 1024;
// A head that came in pieces is copied in slices, lest a large body be copied with it.
constexpr size_t kSliceBytes = 1024;

/// A name that is compared whatever its case, some bytes at once.
template <size_t Size>
class FieldName {
 public:
  /// `lower` has letters in lower case, and others that no letter's case bit can be mistaken for.
  consteval explicit FieldName(const char (&lower)[Size + 1]) {
    for (size_t i = 0; i < Size; ++i) {
      lower_[i] = lower[i];
      case_bits_[i] = lower[i] >= 'a' && lower[i] <= 'z' ? 0x20 : 0;
    }
  }

  constexpr size_t size() const { return Size; }
  constexpr char front() const { return lower_[0]; }
  /// Whether the name is at `text`, which has its size at least.
  bool begins(const char* text) const {
    constexpr size_t kLast = Size - sizeof(Word);
    Word differs = 0;
    for (size_t at = 0; at < kLast; at += sizeof(Word)) differs |= difference(text, at);
    return (differs | difference(text, kLast)) == 0;
  }

 private:
  using Word = std::conditional_t<(Size < sizeof(uint64_t)), uint32_t, uint64_t>;
  static_assert(Size >= sizeof(Word));

  static Word word(const char* text) {
    Word word;
    std::memcpy(&word, text, sizeof(word));
    return word;
  }
  Word difference(const char* text, size_t at) const {
    return (word(text + at) | word(case_bits_ + at)) ^ word(lower_ + at);
  }

  char lower_[Size];
  char case_bits_[Size];
};
template <size_t Size>
FieldName(const char (&)[Size]) -> FieldName<Size - 1>;

constexpr FieldName kHost("host");
constexpr FieldName kUserAgent("user-agent");
constexpr FieldName kContentLength("content-length");
constexpr FieldName kTransferEncoding("transfer-encoding");
constexpr uint32_t kAnyInitial = ~uint32_t{0};
// Of lines that are not passed over. Rules out nearly every header before its name is looked at;
// a head ends with the line that is empty.
constexpr uint32_t kInitials = initial_bit(kHost.front()) | initial_bit(kUserAgent.front()) |
                               initial_bit(kContentLength.front()) |
                               initial_bit(kTransferEncoding.front()) | initial_bit('\r') |
                               initial_bit('\n');

// Folded values have line ends inside, so these are trimmed too.
std::string_view trim(std::string_view text) {
  const auto is_blank = [](char c) { return is_space(c) || c == '\r' || c == '\n'; };
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

}  // namespace

Step Parser::begin_head(std::string_view read_already) {
  state_ = State::Head;
  buffer_.clear();
  if (buffer_.capacity() > kKeepBufferBytes) std::string().swap(buffer_);
  if (!read_already.empty()) buffer_ = read_already;
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
  const size_t within = std::min(size, kMaxHeadBytes);
  LineFeeds feeds(base, scan_at_, within);
  // All are watched for where the start line is to come, and behind a field, which they may
  // continue.
  const uint32_t watched = kInitials | wanted_initials_;
  uint32_t initials = have_start_line_ && !field_is_open() ? watched : kAnyInitial;
  size_t line = line_at_;
  while (true) {
    const size_t feed = feeds.next();
    if (feed == within) break;
    if (initials & initial_bit(base[line])) {
      const size_t end = feed > line && base[feed - 1] == '\r' ? feed - 1 : feed;
      if (have_start_line_ && end == line) {
        commit_field();
        scan_at_ = feed + 1;
        state_ = State::HeadDone;
        return Step::Head;
      }
      if (!read_line(line, end)) return malformed();
      const bool is_over = feed + 1 < within && !is_space(base[feed + 1]);
      if (is_over) commit_field();
      initials = field_is_open() ? kAnyInitial : watched;
    }
    line = feed + 1;
  }
  if (size > kMaxHeadBytes) return malformed();
  line_at_ = line;
  scan_at_ = size;
  return Step::More;
}

template <typename Name>
inline void Parser::begin_field(const Name& name, Field field, std::string_view line, size_t end) {
  size_t colon = name.size();
  if (colon >= line.size() || (line[colon] != ':' && !is_space(line[colon]))) return;
  if (!name.begins(std::to_address(line.begin()))) return;
  while (colon < line.size() && is_space(line[colon])) ++colon;
  if (colon == line.size() || line[colon] != ':') return;
  field_ = field;
  const auto at = static_cast<uint32_t>(line.data() - base_ + colon + 1);
  field_value_ = {.at = at, .size = static_cast<uint32_t>(end) - at};
}

// False if it breaks the protocol.
bool Parser::read_line(size_t at, size_t end) {
  if (!have_start_line_) return have_start_line_ = read_start_line(end);
  if (is_space(base_[at])) {
    // obs-fold
    field_value_.size = static_cast<uint32_t>(end) - field_value_.at;
    captured_value_.size = static_cast<uint32_t>(end) - captured_value_.at;
    return true;
  }
  commit_field();
  const std::string_view line(base_ + at, end - at);
  if (wanted_initials_ & initial_bit(line.front())) look_for_captured(line, end);
  switch (line.front() | 0x20) {
    case 'h':
      begin_field(kHost, Field::Host, line, end);
      break;
    case 'u':
      begin_field(kUserAgent, Field::UserAgent, line, end);
      break;
    case 'c':
      begin_field(kContentLength, Field::ContentLength, line, end);
      break;
    case 't':
      begin_field(kTransferEncoding, Field::TransferEncoding, line, end);
      break;
    default:
      break;
  }
  return true;
}

bool Parser::read_start_line(size_t end) {
  const std::string_view line(base_, end);
  if (side_ == Side::Response) {
    if (line.size() > 12 && line[12] != ' ') return false;  // what is before is_start() has seen
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

void Parser::look_for_captured(std::string_view line, size_t end) {
  const size_t colon = line.find(':');
  if (colon == line.npos || captured_.size() == kMaxCapturedValues) return;
  std::string_view name = line.substr(0, colon);
  while (!name.empty() && is_space(name.back())) name.remove_suffix(1);
  for (size_t i = 0; i < wanted_.size(); ++i) {
    if (!equal_ignoring_case(name, wanted_[i])) continue;
    captured_name_ = static_cast<int>(i);
    const auto at = static_cast<uint32_t>(line.data() - base_ + colon + 1);
    captured_value_ = {.at = at, .size = static_cast<uint32_t>(end) - at};
    return;
  }
}

void Parser::commit_open_field() {
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
