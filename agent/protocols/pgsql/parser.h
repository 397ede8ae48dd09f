// Incremental parser of the PostgreSQL messages of one direction. Bodies are skipped by their
// length; only the beginnings of those that spans need are kept.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <utility>

#include "agent/base/bytes.h"
#include "agent/protocols/pgsql/messages.h"
#include "agent/protocols/protocol.h"

namespace clew::pgsql {

/// What the first bytes of one direction look like: a startup packet (only from the start of a
/// connection), messages of the frontend, those of the backend, or neither. Decides within
/// kDetectBytes, and by two messages where two are there.
Detection detect(ByteView first_bytes, bool from_start);

/// Whether bytes that follow a message boundary may be those of `side`: all headers that lie in
/// them have a type and a length that this side can send.
bool is_plausible(Side side, ByteView bytes);

/// Where, in a piece of the response side that begins anywhere, the last messages before its end
/// begin: a command's end or an error, up to a ReadyForQuery with which the piece ends. Also found
/// is a ReadyForQuery alone, where it is certain that an error's last field lies before it, and
/// where it is an operation of its own. bytes.size() if there is nothing of the kind.
size_t find_answer_end(ByteView bytes, bool operation_start);

/// A pull parser: the caller drains each view or gap by calling advance() or skip() until More.
/// Holds at most kMaxRawText and a name. A hole within a body of known length is stepped over; one
/// that hides a header loses the parser, once (Step::Lost), until align() is called.
class Parser {
 public:
  explicit Parser(Side side) : side_(side) {}

  /// Next byte's stream offset. Call before the first bytes.
  void start_at(uint64_t offset) { position_ = offset; }
  /// What comes next is a packet without a type, or the one byte of a reply to such a packet.
  void expect(char packet) { expected_ = packet; }
  /// What comes next begins a message.
  void align();
  /// Where the next message begins is not known: everything is skipped until align().
  void lose();

  /// Consumes from the front of `bytes` up to the next step. `count_rows`: data rows that lie whole
  /// in the view make no steps, and are counted.
  Step advance(ByteView& bytes, bool count_rows = false);
  /// Consumes from a hole of `length` bytes up to the next step.
  Step skip(uint64_t& length);

  const Message& message() const { return message_; }
  uint64_t position() const { return position_; }
  /// Between messages, in step, with nothing read of the next.
  bool at_boundary() const { return state_ == State::Header && header_size_ == 0; }
  bool in_message() const { return state_ == State::Body; }
  bool lost() const { return state_ == State::Lost; }
  uint64_t take_rows() { return std::exchange(rows_, 0); }

 private:
  enum class State : uint8_t { Header, Body, Lost };

  Step read_header(ByteView& bytes);
  Step begin_message(char type, uint32_t length, uint64_t start);
  Step read_body(ByteView& bytes);
  Step end_message();
  void skip_rows(ByteView& bytes);
  void consume(ByteView& bytes, size_t count);

  Side side_;
  State state_ = State::Header;
  char expected_ = 0;
  uint8_t header_size_ = 0;
  std::array<uint8_t, 8> header_{};
  uint32_t remaining_ = 0;  // of the body
  uint32_t wanted_ = 0;     // of the body, to be kept
  uint64_t position_ = 0;
  uint64_t rows_ = 0;
  Message message_;
  std::string buffer_;  // empty while the body lies in the caller's view
};

}  // namespace clew::pgsql
