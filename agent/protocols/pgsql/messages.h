// What the parser of one direction says about PostgreSQL messages (protocol 3.0 and 3.2; PostgreSQL
// manual, chapter "Frontend/Backend Protocol"). Passive data.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace clew::pgsql {

/// detect() decides within this many bytes.
constexpr size_t kDetectBytes = 64;
/// The longest message the server takes or sends, its length field included.
constexpr uint32_t kMaxMessage = 0x3fffffff;
/// The longest startup packet that the server takes.
constexpr uint32_t kMaxStartup = 10000;
/// Kept of a statement's text.
constexpr size_t kMaxRawText = 16 * 1024;
/// Kept of names of statements and portals; longer ones are not told apart and not shown.
constexpr size_t kMaxName = 256;
/// Kept of a startup packet's parameters, and of an error's fields.
constexpr size_t kMaxStartupKept = 2048;
constexpr size_t kMaxErrorKept = 1024;
/// "A command completion tag": longer ones do not exist (COMPLETION_TAG_BUFSIZE).
constexpr size_t kMaxTag = 64;

/// In place of a type: a packet that has none, and the one byte that answers SSLRequest and
/// GSSENCRequest.
constexpr char kStartupPacket = '\x01';
constexpr char kNegotiationReply = '\x02';

/// The codes of packets without a type.
constexpr uint32_t kProtocolMajor = 3;
constexpr uint32_t kCancelRequest = 80877102;
constexpr uint32_t kSslRequest = 80877103;
constexpr uint32_t kGssEncRequest = 80877104;

struct Message {
  char type = 0;
  uint32_t length = 0;    ///< of the body
  uint64_t start = 0;     ///< stream offset of the first byte
  std::string_view body;  ///< its beginning, as far as it is kept; valid until the next call
  bool cut = false;       ///< there is more than `body`
};

/// What a parser has come to. Everything up to it has been consumed, nothing after it.
enum class Step : uint8_t {
  More,     ///< nothing further in these bytes
  Start,    ///< the header of message() was read: type, length and start are known
  End,      ///< message() is complete and ended at position() - 1
  Lost,     ///< unseen bytes hid where messages begin
  Foreign,  ///< where a message must begin came something else; the parser is lost
};

/// What a CommandComplete tag says ("INSERT 0 5").
struct Tag {
  std::string_view command;  ///< "INSERT", "CREATE TABLE"
  uint64_t rows = 0;
  bool has_rows = false;
};

/// Of an ErrorResponse. Views into the message.
struct ErrorFields {
  std::string_view severity;  ///< not localised, where the server says so (9.6 and later)
  std::string_view code;      ///< SQLSTATE
  std::string_view message;
};

struct StartupFields {
  std::string_view user, database;
  bool replication = false;  ///< logical or physical: the connection has its own commands
};

}  // namespace clew::pgsql
