#include <algorithm>

#include "agent/protocols/redis/parser.h"

namespace clew::redis {

void ReplyParser::Text::set(std::string_view text) {
  size = 0;
  append(text);
}

void ReplyParser::Text::append(std::string_view text) {
  const size_t count = std::min(text.size(), bytes.size() - size);
  std::copy_n(text.begin(), count, bytes.data() + size);
  size = static_cast<uint8_t>(size + count);
}

void ReplyParser::consume(ByteView& bytes, size_t count) {
  bytes = bytes.subspan(count);
  position_ += count;
}

void ReplyParser::restart(uint64_t offset) {
  position_ = offset;
  in_message_ = in_string_ = too_deep_ = false;
  line_.clear();
}

void ReplyParser::begin_value() {
  in_message_ = true;
  message_start_ = position_;
  depth_ = 0;
  type_ = 0;
  null_ = has_first_ = chunked_ = false;
  count_ = elements_ = 0;
  last_integer_ = 0;
  text_.size = first_.size = nested_.size = 0;
}

Reply ReplyParser::reply() const {
  return {.type = type_,
          .null = null_,
          .count = count_,
          .text = text_.view(),
          .first = first_.view(),
          .nested_error = nested_.view(),
          .last_integer = last_integer_};
}

Step ReplyParser::advance(ByteView& bytes) {
  while (!bytes.empty()) {
    if (!in_message_) begin_value();
    Step step = Step::More;
    if (in_string_) {
      step = read_string(bytes);
    } else {
      const size_t before = bytes.size();
      const bool is_whole = line_.read(bytes);
      position_ += before - bytes.size();
      if (is_whole) step = line_.has_return() ? on_line(line_.text()) : Step::Malformed;
    }
    if (step != Step::More) return step;
  }
  return Step::More;
}

Step ReplyParser::skip(uint64_t& length) {
  if (length == 0) return Step::More;
  if (!in_string_) return Step::Lost;
  const uint64_t taken = std::min(length, remaining_);
  if (keep_ == Keep::First) first_.size = 0;
  length -= taken;
  remaining_ -= taken;
  position_ += taken;
  if (remaining_ > 0) return Step::More;
  in_string_ = false;
  return chunked_ ? Step::More : end_value();
}

Step ReplyParser::on_line(std::string_view line) {
  if (line.empty()) return Step::Malformed;
  const char type = line.front();
  line.remove_prefix(1);
  const bool ends_stream = type == '.' && depth_ > 0 && (streamed_ & bit(depth_ - 1)) != 0;
  if (chunked_ != (type == ';')) return Step::Malformed;
  if (depth_ == 0 && type != '|' && !chunked_) type_ = type;
  switch (type) {
    case '+':
    case '-':
    case ':':
    case ',':
    case '(':
    case '#':
    case '_':
      return on_leaf(type, line);
    case '$':
    case '=':
    case '!':
    case ';':
      return line_.is_cut() ? Step::Malformed : on_string(type, line);
    case '*':
    case '%':
    case '~':
    case '>':
    case '|':
      return line_.is_cut() ? Step::Malformed : on_aggregate(type, line);
    case '.':
      if (!ends_stream || !line.empty()) return Step::Malformed;
      --depth_;
      return end_value();
    default:
      return Step::Malformed;
  }
}

Step ReplyParser::on_leaf(char type, std::string_view body) {
  int64_t number = 0;
  bool is_valid = true;
  switch (type) {
    case ':':
      is_valid = !line_.is_cut() && read_number(body, number);
      if (is_element()) last_integer_ = number;
      break;
    case '_':
      is_valid = body.empty();
      if (depth_ == 0) null_ = true;
      break;
    case '#':
      is_valid = body == "t" || body == "f";
      break;
    case ',':
    case '(':
      is_valid = !body.empty();
      break;
    default:
      break;
  }
  if (!is_valid) return Step::Malformed;
  if (depth_ == 0) text_.set(body);
  if (is_first_element() && type == '+') first_.set(body);
  if (depth_ > 0 && type == '-' && nested_.size == 0) nested_.set(body);
  return end_value();
}

Step ReplyParser::on_string(char type, std::string_view body) {
  if (type == '$' && body == "?") {
    chunked_ = true;
    return Step::More;
  }
  int64_t length = 0;
  if (!read_number(body, length) || length < -1 || length > static_cast<int64_t>(kMaxString)) {
    return Step::Malformed;
  }
  if (length < 0) {
    if (type != '$') return Step::Malformed;
    if (depth_ == 0) null_ = true;
    return end_value();
  }
  if (type == ';' && length == 0) {
    chunked_ = false;
    return end_value();
  }
  keep_ = Keep::None;
  if (type == '!') {
    keep_ = depth_ == 0 ? Keep::Text : nested_.size == 0 ? Keep::Nested : Keep::None;
  } else if (is_first_element() && type == '$' && length <= 16) {
    keep_ = Keep::First;
  }
  remaining_ = static_cast<uint64_t>(length) + 2;
  in_string_ = true;
  return Step::More;
}

Step ReplyParser::on_aggregate(char type, std::string_view body) {
  const bool streamed = body == "?" && type != '|';
  int64_t count = 0;
  if (!streamed &&
      (!read_number(body, count) || count < -1 || count > static_cast<int64_t>(kMaxCount))) {
    return Step::Malformed;
  }
  if (count < 0) {
    if (type != '*') return Step::Malformed;
    if (depth_ == 0) null_ = true;
    return end_value();
  }
  const bool is_pairs = type == '%' || type == '|';
  if (depth_ == 0 && type != '|') count_ = static_cast<uint64_t>(count) * (is_pairs ? 2 : 1);
  if (count == 0 && !streamed) return type == '|' ? Step::More : end_value();
  if (depth_ == kMaxDepth) {
    too_deep_ = true;
    return Step::Lost;
  }
  const uint64_t elements = static_cast<uint64_t>(count) * (is_pairs ? 2 : 1);
  left_[depth_] = static_cast<uint32_t>(std::min<uint64_t>(elements, UINT32_MAX));
  streamed_ = streamed ? streamed_ | bit(depth_) : streamed_ & ~bit(depth_);
  attributes_ = type == '|' ? attributes_ | bit(depth_) : attributes_ & ~bit(depth_);
  ++depth_;
  return Step::More;
}

Step ReplyParser::read_string(ByteView& bytes) {
  const auto size = static_cast<size_t>(std::min<uint64_t>(remaining_, bytes.size()));
  if (!ends_in_line_end(bytes.first(size), remaining_)) return Step::Malformed;
  if (keep_ != Keep::None) {
    const uint64_t text = remaining_ > 2 ? remaining_ - 2 : 0;
    const auto part = as_text(bytes.first(static_cast<size_t>(std::min<uint64_t>(text, size))));
    Text& into = keep_ == Keep::Text ? text_ : keep_ == Keep::First ? first_ : nested_;
    into.append(part);
  }
  remaining_ -= size;
  consume(bytes, size);
  if (remaining_ > 0) return Step::More;
  in_string_ = false;
  return chunked_ ? Step::More : end_value();
}

// It may be the last element of what it is in, and so on outwards.
Step ReplyParser::end_value() {
  keep_ = Keep::None;
  while (depth_ > 0) {
    if (depth_ == 1) ++elements_;
    const size_t level = depth_ - 1;
    if ((streamed_ & bit(level)) != 0 || --left_[level] > 0) return Step::More;
    --depth_;
    if ((attributes_ & bit(level)) != 0) {
      if (depth_ == 0) elements_ = 0;
      return Step::More;
    }
  }
  in_message_ = false;
  return Step::End;
}

}  // namespace clew::redis
