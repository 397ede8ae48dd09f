// The second half of Parser: message bodies (RFC 9112 sections 6 and 7), and holes in them.
#include <algorithm>
#include <cstring>

#include "agent/protocols/http1/parser.h"

namespace clew::http1 {
namespace {

constexpr uint64_t kMaxChunkBytes = uint64_t{1} << 60;
constexpr uint32_t kMaxTrailerBytes = 64 * 1024;

int hex_value(uint8_t c) {
  if (c >= '0' && c <= '9') return c - '0';
  c |= 0x20;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// The bytes up to and including the next line feed; all of them if there is none.
size_t line_size(ByteView bytes, bool& ended) {
  const void* found = bytes.empty() ? nullptr : std::memchr(bytes.data(), '\n', bytes.size());
  ended = found != nullptr;
  return ended ? static_cast<size_t>(static_cast<const uint8_t*>(found) - bytes.data()) + 1
               : bytes.size();
}

}  // namespace

// Methods whose requests have no content as a rule (RFC 9110 section 9.3).
bool Parser::is_bodiless_by_what_is_known(BodyRule rule) const {
  if (rule == BodyRule::None) return true;
  if (framing_ == Framing::Length) return content_length_ == 0;
  if (framing_ != Framing::None || side_ == Side::Response) return false;
  const std::string_view method = text(method_);
  return method == "GET" || method == "HEAD" || method == "DELETE" || method == "OPTIONS" ||
         method == "TRACE" || method == "CONNECT";
}

void Parser::begin_body(BodyRule rule) {
  if (partial_) {
    const bool bodiless = is_bodiless_by_what_is_known(rule);
    const bool is_counted = framing_ == Framing::Length;
    lose_message(bodiless ? TailRule::Head : is_counted ? TailRule::None : TailRule::Chunked);
    announce_lost_ = true;
    return;
  }
  remaining_ = 0;
  state_ = State::Fixed;
  if (rule == BodyRule::None) return;
  switch (framing_) {
    case Framing::None:
      if (side_ == Side::Response) state_ = State::UntilClose;
      break;
    case Framing::Length:
      remaining_ = content_length_;
      break;
    case Framing::Chunked:
      state_ = State::ChunkSize;
      has_digits_ = false;
      break;
    case Framing::OtherCoding:
      // A request's end would be unknowable (RFC 9112 section 6.3, 4).
      state_ = side_ == Side::Response ? State::UntilClose : State::Broken;
      break;
    case Framing::Contradictory:
      state_ = State::Broken;
      break;
  }
}

Step Parser::close() {
  return state_ == State::UntilClose ? end_message() : Step::More;
}

Step Parser::read_body(ByteView& bytes) {
  while (true) {
    if (state_ == State::Fixed && remaining_ == 0) return end_message();
    if (state_ == State::Broken) return malformed();
    if (bytes.empty()) return Step::More;
    Step step = Step::More;
    switch (state_) {
      case State::Fixed:
      case State::ChunkData: {
        const size_t count = std::min<uint64_t>(bytes.size(), remaining_);
        consume(bytes, count);
        remaining_ -= count;
        if (state_ == State::ChunkData && remaining_ == 0) state_ = State::ChunkEnd;
        break;
      }
      case State::ChunkSize:
        step = read_chunk_size(bytes);
        break;
      case State::ChunkExtension: {
        bool ended = false;
        consume(bytes, line_size(bytes, ended));
        if (ended) chunk_size_done();
        break;
      }
      case State::ChunkEnd: {
        const uint8_t c = bytes.front();
        if (c != '\r' && c != '\n') return malformed();
        consume(bytes, 1);
        if (c == '\n') {
          state_ = State::ChunkSize;
          remaining_ = 0;
          has_digits_ = false;
        }
        break;
      }
      case State::Trailer:
        step = read_trailer(bytes);
        break;
      default:  // UntilClose
        consume(bytes, bytes.size());
        break;
    }
    if (step != Step::More) return step;
  }
}

Step Parser::read_chunk_size(ByteView& bytes) {
  while (!bytes.empty()) {
    const uint8_t c = bytes.front();
    const int value = hex_value(c);
    if (value < 0) {
      const bool ends = c == '\r' || c == '\n' || c == ';' || c == ' ' || c == '\t';
      if (!has_digits_ || !ends) return malformed();
      state_ = State::ChunkExtension;
      return Step::More;
    }
    if (remaining_ >= kMaxChunkBytes / 16) return malformed();
    remaining_ = remaining_ * 16 + static_cast<uint64_t>(value);
    has_digits_ = true;
    consume(bytes, 1);
  }
  return Step::More;
}

void Parser::chunk_size_done() {
  state_ = remaining_ == 0 ? State::Trailer : State::ChunkData;
  trailer_bytes_ = 0;
  line_empty_ = true;
}

Step Parser::read_trailer(ByteView& bytes) {
  bool ended = false;
  const size_t size = line_size(bytes, ended);
  const ByteView line = bytes.first(ended ? size - 1 : size);
  const bool blank = std::all_of(line.begin(), line.end(), [](uint8_t c) { return c == '\r'; });
  line_empty_ = line_empty_ && blank;
  if (size > kMaxTrailerBytes - trailer_bytes_) return malformed();
  trailer_bytes_ += static_cast<uint32_t>(size);
  consume(bytes, size);
  if (!ended) return Step::More;
  if (line_empty_) return end_message();
  line_empty_ = true;
  return Step::More;
}

Step Parser::skip(uint64_t& length) {
  if (announce_lost_) {
    announce_lost_ = false;
    return Step::Lost;
  }
  if (state_ == State::Fixed && remaining_ == 0) return end_message();
  if (state_ == State::Broken) return malformed();
  if (length == 0) return Step::More;
  tail_size_ = 0;
  operation_fresh_ = false;
  const auto pass = [&](uint64_t count) {
    position_ += count;
    length -= count;
  };
  switch (state_) {
    case State::Boundary: {
      const bool was_lost = lost_;
      pass(length);
      look_size_ = 0;
      unsure_ = true;
      return was_lost ? Step::More : lose_message(TailRule::None);
    }
    case State::Head:
      if (!have_start_line_) return lose_message(TailRule::None);
      commit_field();
      partial_ = true;
      state_ = State::HeadDone;
      return Step::Head;
    case State::Fixed: {
      const uint64_t count = std::min(length, remaining_);
      pass(count);
      remaining_ -= count;
      return remaining_ == 0 ? end_message() : Step::More;
    }
    case State::ChunkData:
      if (length > remaining_) return lose_message(TailRule::Chunked);
      remaining_ -= length;
      pass(length);
      if (remaining_ == 0) state_ = State::ChunkEnd;
      return Step::More;
    case State::UntilClose:
      pass(length);
      return Step::More;
    case State::HeadDone:
      return Step::More;
    default:
      return lose_message(TailRule::Chunked);
  }
}

}  // namespace clew::http1
