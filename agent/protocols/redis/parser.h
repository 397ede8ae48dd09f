// Incremental parsers of the Redis serialization protocol (RESP2 and RESP3, redis.io/docs/latest/
// develop/reference/protocol-spec): commands one way, replies the other. Each byte is looked at
// once; strings are skipped by their length, elements are counted and never kept.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "agent/base/bytes.h"
#include "agent/protocols/protocol.h"
#include "agent/protocols/redis/commands.h"
#include "agent/protocols/redis/line.h"
#include "agent/protocols/redis/messages.h"

namespace clew::redis {

/// What the first bytes of one direction look like. Decides within kDetectBytes. A line of text is
/// a command only if it is the first of its connection and names one that clew knows; an array of
/// strings behind a lost beginning is a command if its first word is the name of one.
Detection detect(ByteView first_bytes, bool from_start = true);

/// Whether `bytes` begin with the header of a command's array and that of its name.
bool begins_command(ByteView bytes);

/// Commands: arrays of strings and lines of text. A pull parser: the caller drains each view or
/// hole by calling advance() or skip() until More.
class CommandParser {
 public:
  /// Next byte's stream offset, where a command begins. Forgets what was open.
  void restart(uint64_t offset);
  Step advance(ByteView& bytes);
  Step skip(uint64_t& length);

  /// Of the latest Start; complete after End.
  const Command& command() const { return command_; }
  /// The latest command was a line of text.
  bool is_inline() const { return inline_; }
  uint64_t position() const { return position_; }
  uint64_t message_start() const { return message_start_; }
  bool at_boundary() const { return state_ == State::Boundary; }

 private:
  enum class State : uint8_t { Boundary, Count, Length, String, Inline, InlineDone, Broken };
  enum class Quote : uint8_t { None, Single, Double, Closed };

  Step read_count();
  Step read_length();
  Step read_string(ByteView& bytes);
  Step end_string();
  Step read_inline(ByteView& bytes);
  void read_inline_byte(char c);
  Step malformed();
  void consume(ByteView& bytes, size_t count);

  State state_ = State::Boundary;
  bool inline_ = false;
  Quote quote_ = Quote::None;
  bool in_argument_ = false, escaped_ = false;  // Inline
  Line line_;
  uint64_t position_ = 0, message_start_ = 0;
  uint64_t arguments_left_ = 0;
  uint64_t remaining_ = 0;  // of a string and the line end behind it
  Command command_;
};

/// Replies and pushes of any type, used as CommandParser is. Start is not told.
class ReplyParser {
 public:
  void restart(uint64_t offset);
  Step advance(ByteView& bytes);
  Step skip(uint64_t& length);

  /// After End: the value that ended. Before: what is known of it so far.
  Reply reply() const;
  uint64_t position() const { return position_; }
  /// Of the value that is open or ended last.
  uint64_t message_start() const { return message_start_; }
  bool at_boundary() const { return !in_message_; }
  /// It nests deeper than kMaxDepth: the reason for Lost.
  bool too_deep() const { return too_deep_; }

 private:
  enum class Keep : uint8_t { None, Text, First, Nested };
  struct Text {
    std::array<char, kMaxLine> bytes;
    uint8_t size = 0;
    void set(std::string_view text);
    void append(std::string_view text);
    std::string_view view() const { return {bytes.data(), size}; }
  };

  void begin_value();
  Step on_line(std::string_view line);
  Step on_leaf(char type, std::string_view body);
  Step on_string(char type, std::string_view body);
  Step on_aggregate(char type, std::string_view body);
  Step read_string(ByteView& bytes);
  Step end_value();
  bool is_element() const { return depth_ == 1 && (attributes_ & 1) == 0; }
  bool is_first_element() const { return is_element() && elements_ == 0; }
  void consume(ByteView& bytes, size_t count);
  static uint64_t bit(size_t level) { return uint64_t{1} << level; }

  Line line_;
  bool in_message_ = false, in_string_ = false, chunked_ = false, too_deep_ = false;
  Keep keep_ = Keep::None;
  uint64_t position_ = 0, message_start_ = 0;
  uint64_t remaining_ = 0;                  // of a string and the line end behind it
  std::array<uint32_t, kMaxDepth> left_;    // elements to come, of each open aggregate
  uint64_t streamed_ = 0, attributes_ = 0;  // which of them are: a bit each
  size_t depth_ = 0;

  char type_ = 0;  // of the value at depth 0
  bool null_ = false, has_first_ = false;
  uint64_t count_ = 0, elements_ = 0;
  int64_t last_integer_ = 0;
  Text text_, first_, nested_;
};

}  // namespace clew::redis
