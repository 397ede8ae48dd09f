// What the parser of one direction says about HTTP/1 messages. Passive data.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace clew::http1 {

/// A header block may be this long, its start line and final empty line included.
constexpr size_t kMaxHeadBytes = 64 * 1024;
/// detect() decides within this many bytes.
constexpr size_t kDetectBytes = 32;
/// The longest method that detect() takes for one.
constexpr size_t kMaxMethodBytes = 20;

enum class Framing : uint8_t {
  None,          ///< neither Content-Length nor Transfer-Encoding
  Length,        ///< Content-Length
  Chunked,       ///< Transfer-Encoding that ends with chunked
  OtherCoding,   ///< Transfer-Encoding that does not
  Contradictory  ///< Content-Length that is no number, too large, or given twice with two values
};

/// Values kept of the headers that the settings name, in one message; what comes later is left out.
constexpr size_t kMaxCapturedValues = 64;

/// One line of a header that the settings name.
struct CapturedHeader {
  uint16_t name = 0;  ///< index into the settings' list
  uint32_t at = 0, size = 0;
};

/// The parts of a header block that spans and framing need. Views are valid until the parser is
/// used again.
struct Head {
  std::string_view method;      ///< request
  std::string_view target;      ///< request
  std::string_view host;        ///< request
  std::string_view user_agent;  ///< request
  uint64_t content_length = 0;  ///< if framing is Length
  uint16_t status = 0;          ///< response
  uint8_t minor_version = 1;    ///< of HTTP/1.x
  Framing framing = Framing::None;
  std::span<const CapturedHeader> captured;  ///< in the order of their lines
  const char* base = nullptr;                ///< what CapturedHeader::at counts from
  bool partial = false;  ///< bytes were not seen: what lies before the hole is all there is to know
};

/// What a parser has come to. Everything up to it has been consumed, nothing after it.
enum class Step : uint8_t {
  More,       ///< nothing further in these bytes
  Start,      ///< a message begins at message_start()
  Head,       ///< its head is known: the caller must answer with begin_body()
  End,        ///< it ended at position() - 1
  Malformed,  ///< it broke the protocol; the parser looks for a new start
  Lost,       ///< unseen bytes hid where messages begin; the parser looks for a new start
  Foreign,    ///< where a message must begin came something else; the parser looks for a new start
};

/// What the caller knows about a message's body that its head does not tell.
enum class BodyRule : uint8_t {
  Normal,  ///< as the head says
  None,    ///< none, whatever the head says (RFC 9112 section 6.3, 1: HEAD, 1xx, 204, 304)
};

}  // namespace clew::http1
