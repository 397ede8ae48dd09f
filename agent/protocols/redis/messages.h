// What the parsers say about commands and replies (RESP2, RESP3). Passive data and limits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace clew::redis {

/// detect() decides within this many bytes.
constexpr size_t kDetectBytes = 32;
/// A command's or subcommand's name may be this long; longer ones are no names.
constexpr size_t kMaxName = 32;
/// Arguments of a command that are kept, its name included, and bytes of each and of all.
constexpr size_t kMaxArguments = 32;
constexpr size_t kMaxArgumentBytes = 128;
constexpr size_t kMaxCommandBytes = 1024;
/// Beyond this much db.query.text is cut.
constexpr size_t kMaxText = 512;
/// Aggregates inside each other that a reply may have: a bit of a word each.
constexpr size_t kMaxDepth = 64;
/// Bytes of a line that are kept; of a line that says a number there may be no more.
constexpr size_t kMaxLine = 64;
/// Elements that an aggregate or a command may have.
constexpr uint64_t kMaxCount = uint64_t{1} << 31;
/// Bytes that a string may have.
constexpr uint64_t kMaxString = uint64_t{1} << 48;

/// What a parser has come to. Everything up to it has been consumed, nothing after it.
enum class Step : uint8_t {
  More,       ///< nothing further in these bytes
  Start,      ///< a command's name is known; it began at message_start()
  End,        ///< the command or reply ended at position() - 1
  Malformed,  ///< it is no RESP; the parser must be restarted
  Lost,       ///< unseen bytes hid where values begin; the parser must be restarted
};

/// What is known of a reply that has ended. Views are valid until the parser is used again.
struct Reply {
  char type = 0;           ///< its first byte (RESP3 specification), attributes before it aside
  bool null = false;       ///< `$-1`, `*-1` or `_`
  uint64_t count = 0;      ///< elements, as its header says (a map's keys and values count apart)
  std::string_view text;   ///< head of a simple string or of an error, without the type
  std::string_view first;  ///< an aggregate's first element, if it is a short string
  std::string_view nested_error;  ///< head of the first error inside an aggregate
  int64_t last_integer = 0;       ///< the last one that was an element of the aggregate

  bool is_error() const { return type == '-' || type == '!'; }
};

}  // namespace clew::redis
