#include "agent/protocols/redis/parser.h"

#include <algorithm>
#include <utility>

namespace clew::redis {

void CommandParser::consume(ByteView& bytes, size_t count) {
  bytes = bytes.subspan(count);
  position_ += count;
}

void CommandParser::restart(uint64_t offset) {
  position_ = offset;
  state_ = State::Boundary;
  line_.clear();
  command_.clear();
}

Step CommandParser::malformed() {
  state_ = State::Broken;
  return Step::Malformed;
}

Step CommandParser::advance(ByteView& bytes) {
  while (!bytes.empty() || state_ == State::InlineDone) {
    Step step = Step::More;
    switch (state_) {
      case State::Boundary:
        message_start_ = position_;
        command_.clear();
        inline_ = bytes.front() != '*';
        state_ = inline_ ? State::Inline : State::Count;
        quote_ = Quote::None;
        in_argument_ = escaped_ = false;
        break;
      case State::Count:
      case State::Length: {
        const size_t before = bytes.size();
        const bool is_whole = line_.read(bytes);
        position_ += before - bytes.size();
        if (is_whole) step = state_ == State::Count ? read_count() : read_length();
        break;
      }
      case State::String:
        step = read_string(bytes);
        break;
      case State::Inline:
        step = read_inline(bytes);
        break;
      case State::InlineDone:
        state_ = State::Boundary;
        return Step::End;
      case State::Broken:
        return Step::Malformed;
    }
    if (step != Step::More) return step;
  }
  return Step::More;
}

Step CommandParser::skip(uint64_t& length) {
  if (state_ == State::InlineDone) {
    state_ = State::Boundary;
    return Step::End;
  }
  if (length == 0) return Step::More;
  if (state_ != State::String) return Step::Lost;
  const uint64_t taken = std::min(length, remaining_);
  command_.hide();
  length -= taken;
  remaining_ -= taken;
  position_ += taken;
  return remaining_ == 0 ? end_string() : Step::More;
}

Step CommandParser::read_count() {
  int64_t count = 0;
  if (line_.is_cut() || !line_.has_return() || !read_number(line_.text().substr(1), count) ||
      count > static_cast<int64_t>(kMaxCount)) {
    return malformed();
  }
  // Nothing at all: it has no answer either.
  state_ = count <= 0 ? State::Boundary : State::Length;
  arguments_left_ = command_.announced = static_cast<uint64_t>(std::max<int64_t>(count, 0));
  return Step::More;
}

Step CommandParser::read_length() {
  const std::string_view line = line_.text();
  int64_t length = 0;
  if (line_.is_cut() || !line_.has_return() || !line.starts_with('$') ||
      !read_number(line.substr(1), length) || length < 0 ||
      length > static_cast<int64_t>(kMaxString)) {
    return malformed();
  }
  command_.begin_argument();
  remaining_ = static_cast<uint64_t>(length) + 2;
  state_ = State::String;
  return Step::More;
}

Step CommandParser::read_string(ByteView& bytes) {
  const auto size = static_cast<size_t>(std::min<uint64_t>(remaining_, bytes.size()));
  if (!ends_in_line_end(bytes.first(size), remaining_)) return malformed();
  const uint64_t text = remaining_ > 2 ? remaining_ - 2 : 0;
  command_.append(as_text(bytes.first(static_cast<size_t>(std::min<uint64_t>(text, size)))));
  remaining_ -= size;
  consume(bytes, size);
  return remaining_ == 0 ? end_string() : Step::More;
}

// Start is told with the name, End in place of it or later: InlineDone serves a command that is
// nothing but its name.
Step CommandParser::end_string() {
  --arguments_left_;
  state_ = State::Length;
  const bool is_name = command_.count() == 1;
  if (arguments_left_ == 0) state_ = is_name ? State::InlineDone : State::Boundary;
  if (is_name) return Step::Start;
  return arguments_left_ == 0 ? Step::End : Step::More;
}

// As sdssplitargs() of the server reads a line.
Step CommandParser::read_inline(ByteView& bytes) {
  size_t size = 0;
  while (size < bytes.size() && bytes[size] != '\n') {
    read_inline_byte(static_cast<char>(bytes[size++]));
  }
  const bool ends = size < bytes.size();
  consume(bytes, size + (ends ? 1 : 0));
  if (!ends) return Step::More;
  if (command_.count() == 0) {
    state_ = State::Boundary;
    return Step::More;
  }
  state_ = State::InlineDone;
  return Step::Start;
}

void CommandParser::read_inline_byte(char c) {
  const bool is_blank = c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f' || c == '\0';
  if (quote_ == Quote::None || quote_ == Quote::Closed) {
    if (is_blank) {
      in_argument_ = false;
      quote_ = Quote::None;
      return;
    }
    if (!in_argument_) {
      in_argument_ = true;
      command_.begin_argument();
    }
    if (c == '"' || c == '\'') {
      quote_ = c == '"' ? Quote::Double : Quote::Single;
    } else {
      command_.append({&c, 1});
    }
    return;
  }
  if (std::exchange(escaped_, false)) {
    command_.append({&c, 1});
  } else if (c == '\\') {
    escaped_ = true;
  } else if (c == (quote_ == Quote::Double ? '"' : '\'')) {
    quote_ = Quote::Closed;
  } else {
    command_.append({&c, 1});
  }
}

}  // namespace clew::redis
