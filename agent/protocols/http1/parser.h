// Incremental parser of the HTTP/1 messages of one direction (RFC 9112). Every byte is looked at
// once; a header block that lies whole in the bytes given is parsed where it lies.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "agent/base/bytes.h"
#include "agent/protocols/http1/messages.h"
#include "agent/protocols/protocol.h"

namespace clew::http1 {

/// What the first bytes of one direction look like: a request line, a status line, a prefix of
/// either, or neither. Decides within kDetectBytes.
Detection detect(ByteView first_bytes, bool from_start = true);

/// A pull parser: the caller drains each view or gap by calling advance() or skip() until More.
/// Holds at most kMaxHeadBytes. Knows nothing of the other direction: the caller tells by
/// begin_body() what the head alone does not.
///
/// Lost framing. A hole that hides a header block's end, a chunk's header or a message boundary
/// yields Lost, once. The parser then looks at the first bytes of each socket operation, and only
/// there, for a start of its side's kind. A message that was open then has no known end (the next
/// Start tells that it is over), save for two cases in which the last bytes of an operation, which
/// the kernel copies even where the middle is left out, show it:
///  - a chunked body ends where a piece ends with "\r\n0\r\n\r\n", or is all of "0\r\n\r\n";
///  - a message that has no body by what is known of its head ends where a piece ends with
///  "\r\n\r\n".
/// Should such a guess be wrong, the next bytes are no message start, and the side is Lost again.
///
/// Foreign bytes. Where a message must begin, bytes that begin none are Foreign if it is certain
/// that one must begin there: no hole has hidden a boundary yet, or since the last one that did, a
/// message has begun right where another ended. Else they are Lost.
class Parser {
 public:
  /// `captured_headers`: names in lower case, at most kMaxCapturedHeaders; must outlive the parser.
  explicit Parser(Side side, std::span<const std::string> captured_headers = {});

  /// Next byte's stream offset. Call before the first bytes.
  void start_at(uint64_t offset) { position_ = offset; }
  /// Where the next message begins is not known: look for its start. `unseen` tells that this is
  /// for bytes that were not seen.
  void lose(bool unseen);

  /// Consumes from the front of `bytes` up to the next step. `operation_start` tells that bytes[0]
  /// began a socket operation; true at most in the first call for a view.
  Step advance(ByteView& bytes, bool operation_start);
  /// Consumes from a hole of `length` bytes up to the next step.
  Step skip(uint64_t& length);
  /// Answers Step::Head.
  void begin_body(BodyRule rule);
  /// No more bytes will come: End if that is what delimits the open message, else More.
  Step close();

  /// What is known of the head: whole after Step::Head, else what was read so far.
  Head head() const;
  uint64_t position() const { return position_; }
  /// Of the latest Start.
  uint64_t message_start() const { return message_start_; }
  /// The latest Start was at the beginning of a socket operation.
  bool started_operation() const { return started_operation_; }
  /// Between messages, in step: what comes next belongs to a message's first line.
  bool at_boundary() const { return state_ == State::Boundary && !lost_; }
  /// In a message whose end will be known.
  bool in_message() const { return state_ != State::Boundary; }
  bool lost() const { return lost_; }
  /// Unseen bytes have made boundaries a guess: see above.
  bool unsure() const { return unsure_; }
  /// The body goes on until the connection closes.
  bool until_close() const { return state_ == State::UntilClose; }
  /// Looks at operations that found no start since the last one that did.
  uint32_t failed_looks() const { return failed_looks_; }

 private:
  enum class State : uint8_t {
    Boundary,  // also while lost
    Head,
    HeadDone,  // waits for begin_body()
    Fixed,
    ChunkSize,
    ChunkExtension,
    ChunkData,
    ChunkEnd,
    Trailer,
    UntilClose,
    Broken,  // by its head: Malformed at the next call
  };
  enum class Field : uint8_t { None, Host, UserAgent, ContentLength, TransferEncoding };
  enum class TailRule : uint8_t { None, Chunked, Head };
  // Relative to the head's first byte: survives the move from the caller's view to buffer_.
  struct Range {
    uint32_t at = 0, size = 0;
  };

  Step look_for_start(ByteView& bytes, bool operation_start);
  Step no_start(ByteView& bytes);
  Step watch_tail(ByteView& bytes);
  Step begin_head(std::string_view read_already);
  Step read_head(ByteView& bytes);
  Step scan_head(const char* base, size_t size);
  bool read_line(size_t at, size_t end);
  bool read_start_line(size_t end);
  template <typename Name>
  void begin_field(const Name& name, Field field, std::string_view line, size_t end);
  void look_for_captured(std::string_view line, size_t end);
  bool field_is_open() const { return field_ != Field::None || captured_name_ >= 0; }
  // Called once the next line is known to be no continuation.
  void commit_field() {
    if (field_is_open()) commit_open_field();
  }
  void commit_open_field();
  void read_content_length(std::string_view value);
  bool is_bodiless_by_what_is_known(BodyRule rule) const;

  Step read_body(ByteView& bytes);
  Step read_chunk_size(ByteView& bytes);
  Step read_trailer(ByteView& bytes);
  void chunk_size_done();

  Step end_message();
  Step malformed();
  Step lose_message(TailRule rule);
  void leave_step(TailRule rule);
  void consume(ByteView& bytes, size_t count);
  std::string_view text(Range range) const { return {base_ + range.at, range.size}; }

  Side side_;
  State state_ = State::Boundary;
  bool lost_ = false;
  bool unsure_ = false;
  bool announce_lost_ = false;
  bool operation_fresh_ = false;  // nothing but empty lines seen of the operation
  bool started_operation_ = false;
  TailRule tail_rule_ = TailRule::None;
  uint8_t tail_size_ = 0;
  std::array<char, 7> tail_{};             // last contiguous bytes, while tail_rule_ applies
  std::array<char, kDetectBytes> look_{};  // what may become a start line
  uint8_t look_size_ = 0;
  uint32_t failed_looks_ = 0;
  uint64_t position_ = 0;
  uint64_t message_start_ = 0;

  // The head; buffer_ is empty while it is read where it lies. base_ points into the caller's view
  // during a call and into buffer_ between calls.
  const char* base_ = nullptr;
  std::string buffer_;
  size_t line_at_ = 0, scan_at_ = 0;
  bool have_start_line_ = false, have_host_ = false, partial_ = false;
  Field field_ = Field::None;
  uint8_t minor_version_ = 1;
  uint16_t status_ = 0;
  Framing framing_ = Framing::None;
  uint64_t content_length_ = 0;
  Range field_value_, method_, target_, host_, user_agent_;

  // Headers to be captured. All of it is idle if there are none.
  std::span<const std::string> wanted_;
  uint32_t wanted_initials_ = 0;  // a bit for each first letter
  int captured_name_ = -1;        // of the field being read, whose value is captured_value_
  Range captured_value_;
  std::vector<CapturedHeader> captured_;

  // The body.
  uint64_t remaining_ = 0;   // Fixed, ChunkData; the size being read in ChunkSize
  bool has_digits_ = false;  // of the size being read
  uint32_t trailer_bytes_ = 0;
  bool line_empty_ = true;
};

}  // namespace clew::http1
