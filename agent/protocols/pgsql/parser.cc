#include "agent/protocols/pgsql/parser.h"

#include <algorithm>

#include "agent/protocols/pgsql/fields.h"

namespace clew::pgsql {
namespace {

constexpr size_t kHeader = 5;
constexpr size_t kStartupHeader = 8;

// Of a body's beginning. What is a password, a parameter or a row is never kept.
uint32_t wanted_of(Side side, char type) {
  if (type == kStartupPacket) return kMaxStartupKept;
  if (type == kNegotiationReply) return 1;
  if (side == Side::Request) {
    switch (type) {
      case 'Q':
        return kMaxRawText;
      case 'P':
        return kMaxName + kMaxRawText;
      case 'B':
        return 2 * kMaxName;
      case 'C':
      case 'D':
      case 'E':
        return kMaxName + 1;
      default:
        return 0;
    }
  }
  switch (type) {
    case 'C':
      return kMaxTag;
    case 'E':
      return kMaxErrorKept;
    case 'Z':
      return 1;
    default:
      return 0;
  }
}

}  // namespace

void Parser::align() {
  state_ = State::Header;
  header_size_ = 0;
  expected_ = 0;
}

void Parser::lose() {
  state_ = State::Lost;
  rows_ = 0;
  if (buffer_.capacity() > kMaxName) std::string().swap(buffer_);
}

void Parser::consume(ByteView& bytes, size_t count) {
  bytes = bytes.subspan(count);
  position_ += count;
}

Step Parser::advance(ByteView& bytes, bool count_rows) {
  switch (state_) {
    case State::Lost:
      consume(bytes, bytes.size());
      return Step::More;
    case State::Body:
      return read_body(bytes);
    case State::Header:
      break;
  }
  if (count_rows && header_size_ == 0) skip_rows(bytes);
  if (bytes.empty()) return Step::More;
  return read_header(bytes);
}

void Parser::skip_rows(ByteView& bytes) {
  size_t at = 0;
  while (bytes.size() - at >= kHeader && bytes[at] == 'D') {
    const uint32_t length = read_u32(bytes.data() + at + 1);
    if (!is_possible(Side::Response, 'D', length) || bytes.size() - at - 1 < length) break;
    at += 1 + length;
    ++rows_;
  }
  if (at != 0) consume(bytes, at);
}

Step Parser::read_header(ByteView& bytes) {
  if (expected_ == kNegotiationReply) {
    // A server that is too old or too busy answers with an error instead.
    const char reply = static_cast<char>(bytes[0]);
    if (reply != 'E') {
      state_ = State::Body;
      expected_ = 0;
      return begin_message(kNegotiationReply, 1, position_);
    }
    expected_ = 0;
  }
  const size_t size = expected_ == kStartupPacket ? kStartupHeader : kHeader;
  const uint64_t start = position_ - header_size_;
  const uint8_t* header = bytes.data();
  if (header_size_ == 0 && bytes.size() >= size) {
    consume(bytes, size);
  } else {
    const size_t count = std::min(size - header_size_, bytes.size());
    std::copy_n(bytes.data(), count, header_.data() + header_size_);
    header_size_ += static_cast<uint8_t>(count);
    consume(bytes, count);
    if (header_size_ < size) return Step::More;
    header = header_.data();
  }
  header_size_ = 0;
  if (std::exchange(expected_, 0) == kStartupPacket) {
    const uint32_t length = read_u32(header);
    if (!is_startup(length, read_u32(header + 4))) {
      lose();
      return Step::Foreign;
    }
    // The code belongs to the body: it is kept ahead of the parameters.
    const Step step = begin_message(kStartupPacket, length - 4, start);
    buffer_.assign(reinterpret_cast<const char*>(header) + 4, 4);
    remaining_ -= 4;
    wanted_ -= 4;
    return step;
  }
  const char type = static_cast<char>(header[0]);
  const uint32_t length = read_u32(header + 1);
  if (!is_possible(side_, type, length)) {
    lose();
    return Step::Foreign;
  }
  return begin_message(type, length - 4, start);
}

Step Parser::begin_message(char type, uint32_t length, uint64_t start) {
  state_ = State::Body;
  message_ = {.type = type, .length = length, .start = start, .body = {}, .cut = false};
  remaining_ = length;
  wanted_ = std::min(length, wanted_of(side_, type));
  if (buffer_.capacity() > 2 * kMaxName) std::string().swap(buffer_);
  buffer_.clear();
  return Step::Start;
}

Step Parser::read_body(ByteView& bytes) {
  const size_t count = std::min<size_t>(remaining_, bytes.size());
  const std::string_view kept = as_text(bytes.first(std::min<size_t>(wanted_, count)));
  remaining_ -= static_cast<uint32_t>(count);
  if (remaining_ == 0 && buffer_.empty()) {
    message_.body = kept;
  } else {
    buffer_.append(kept);
    wanted_ -= static_cast<uint32_t>(kept.size());
  }
  consume(bytes, count);
  return remaining_ == 0 ? end_message() : Step::More;
}

Step Parser::end_message() {
  if (!buffer_.empty()) message_.body = buffer_;
  message_.cut = message_.body.size() < message_.length;
  state_ = State::Header;
  return Step::End;
}

Step Parser::skip(uint64_t& length) {
  if (state_ == State::Body && remaining_ > 0) {
    const uint64_t count = std::min<uint64_t>(remaining_, length);
    remaining_ -= static_cast<uint32_t>(count);
    length -= count;
    position_ += count;
    wanted_ = 0;
  }
  if (state_ == State::Body && remaining_ == 0) return end_message();
  if (length == 0) return Step::More;
  position_ += std::exchange(length, 0);
  if (lost()) return Step::More;
  lose();
  return Step::Lost;
}

}  // namespace clew::pgsql
