// Which bytes are PostgreSQL's: at the beginning of a connection, in its middle, and behind a hole.
#include <algorithm>

#include "agent/protocols/pgsql/fields.h"
#include "agent/protocols/pgsql/parser.h"

namespace clew::pgsql {
namespace {

constexpr size_t kHeader = 5;
// Detection is asked about all kinds of traffic: what it takes for a message is shorter than this.
constexpr uint32_t kMaxDetected = 1 << 24;
constexpr size_t kReadyForQuery = 6;
constexpr size_t kMaxLookBack = 1024;

uint32_t read_u16(std::string_view body) {
  return uint32_t{static_cast<uint8_t>(body[0])} << 8 | static_cast<uint8_t>(body[1]);
}

// As far as the beginning of a body tells.
bool is_text(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 && c != '\t' && c != '\n' && c != '\r' && c != '\f';
  });
}

bool is_tag(std::string_view body) {
  return !body.empty() && body.front() >= 'A' && body.front() <= 'Z' &&
         std::all_of(body.begin(), std::find(body.begin(), body.end(), '\0'), [](char c) {
           return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == ' ';
         });
}

bool is_target(std::string_view body) {
  return body.empty() || body.front() == 'S' || body.front() == 'P';
}

bool is_frontend_body(char type, uint32_t length, std::string_view body) {
  std::string_view text = body;
  const bool whole = body.size() == length - 4;
  switch (type) {
    case 'Q':
      if (whole && body.back() != '\0') return false;
      return is_text(whole ? body.substr(0, length - 5) : body);
    case 'P':
      if (!take_string(body, text)) return is_text(text);
      return is_text(text) && is_text(body.substr(0, body.find('\0')));
    case 'B':
      if (!take_string(body, text)) return is_text(text);
      return is_text(text) && is_text(body.substr(0, body.find('\0')));
    case 'E':
      if (!take_string(body, text)) return is_text(text);
      return is_text(text) && length == 4 + text.size() + 1 + 4;
    case 'D':
    case 'C':
      if (!is_target(body) || (type == 'C' && is_tag(body) && body.size() > 2)) return false;
      if (!take_string(body, text)) return is_text(text);
      return is_text(text) && length == 4 + text.size() + 1;
    case 'S':
    case 'H':
    case 'X':
      return true;
    default:  // copied data, passwords: nothing to tell them by
      return false;
  }
}

bool is_backend_body(char type, uint32_t length, std::string_view body) {
  switch (type) {
    case '1':
    case '2':
    case '3':
    case 'n':
    case 's':
    case 'I':
      return true;
    case 'Z':
      return body.empty() || body == "I" || body == "T" || body == "E";
    case 'C':
      return is_tag(body);
    case 'E':
    case 'N':
      return body.empty() ||
             (body.front() == 'S' && is_text(body.substr(0, body.find('\0'))) && length >= 12);
    case 'T':
      // A count, then names.
      return body.size() >= 3 && read_u16(body) - 1 < 2048 &&
             is_text(body.substr(2, body.substr(2).find('\0')));
    case 't':
      return body.size() >= 2 && length == 6 + 4 * read_u16(body);
    case 'R':
      return body.size() >= 4 && read_u32(body) <= 12;
    case 'S':
    case 'A':
      return body.size() > 4 && is_text(body.substr(type == 'A' ? 4 : 0).substr(0, 1));
    default:
      return false;
  }
}

bool can_begin(Side side, char type, uint32_t length) {
  return length < kMaxDetected && is_possible(side, type, length);
}

// The first message, and the header of the second where it is there.
bool is_conversation(Side side, ByteView bytes) {
  const char type = static_cast<char>(bytes[0]);
  const uint32_t length = read_u32(bytes.data() + 1);
  if (!can_begin(side, type, length)) return false;
  const std::string_view body =
      as_text(bytes.subspan(kHeader, std::min<size_t>(length - 4, bytes.size() - kHeader)));
  const bool is_body = side == Side::Request ? is_frontend_body(type, length, body)
                                             : is_backend_body(type, length, body);
  return is_body && is_plausible(side, bytes);
}

Detection detect_startup(ByteView bytes) {
  if (bytes.size() < 8) {
    const bool may_be = !bytes.empty() && bytes[0] == 0 && (bytes.size() < 2 || bytes[1] == 0);
    return may_be ? Detection::NeedMore : Detection::No;
  }
  const bool is_one = is_startup(read_u32(bytes.data()), read_u32(bytes.data() + 4));
  return is_one ? Detection::Request : Detection::No;
}

}  // namespace

Detection detect(ByteView first_bytes, bool from_start) {
  const ByteView bytes = first_bytes.first(std::min(first_bytes.size(), kDetectBytes));
  if (bytes.empty()) return Detection::NeedMore;
  if (from_start) {
    const Detection startup = detect_startup(bytes);
    if (startup != Detection::No) return startup;
    // A server's first words: a request for authentication, or an error.
    const bool first = bytes[0] == 'R' || bytes[0] == 'E';
    if (!first || bytes.size() < kHeader) return Detection::No;
    return is_conversation(Side::Response, bytes) ? Detection::Response : Detection::No;
  }
  if (bytes.size() < kHeader) {
    const bool may_be = bytes.size() < 2 || bytes[1] == 0;
    const bool is_type = is_possible(Side::Request, static_cast<char>(bytes[0]), 4) ||
                         is_possible(Side::Request, static_cast<char>(bytes[0]), 100) ||
                         is_possible(Side::Response, static_cast<char>(bytes[0]), 4) ||
                         is_possible(Side::Response, static_cast<char>(bytes[0]), 20);
    return may_be && is_type ? Detection::NeedMore : Detection::No;
  }
  if (is_conversation(Side::Request, bytes)) return Detection::Request;
  return is_conversation(Side::Response, bytes) ? Detection::Response : Detection::No;
}

bool is_plausible(Side side, ByteView bytes) {
  while (bytes.size() >= kHeader) {
    const uint32_t length = read_u32(bytes.data() + 1);
    if (!is_possible(side, static_cast<char>(bytes[0]), length)) return false;
    if (bytes.size() - 1 <= length) return true;
    bytes = bytes.subspan(1 + length);
  }
  return bytes.empty() || is_possible(side, static_cast<char>(bytes[0]), 4) ||
         is_possible(side, static_cast<char>(bytes[0]), 5) ||
         is_possible(side, static_cast<char>(bytes[0]), 16);
}

namespace {

// Messages from `at` on end exactly where ReadyForQuery begins.
bool leads_to(ByteView bytes, size_t at, size_t ready) {
  while (at < ready && ready - at >= kHeader) {
    const uint32_t length = read_u32(bytes.data() + at + 1);
    if (!is_possible(Side::Response, static_cast<char>(bytes[at]), length)) return false;
    if (length > ready - at - 1) return false;
    at += 1 + length;
  }
  return at == ready;
}

bool ends_command(ByteView bytes, size_t at, size_t ready) {
  const char type = static_cast<char>(bytes[at]);
  if (type != 'C' && type != 'E' && type != 's' && type != 'I') return false;
  const uint32_t length = read_u32(bytes.data() + at + 1);
  if (!is_possible(Side::Response, type, length) || length > ready - at - 1) return false;
  const std::string_view body = as_text(bytes.subspan(at + kHeader, length - 4));
  if (!is_backend_body(type, length, body)) return false;
  if (!body.empty() && body.back() != '\0') return false;
  return leads_to(bytes, at, ready);
}

// The last field of an error is the routine that raised it.
bool follows_error(ByteView bytes, size_t ready) {
  if (ready < 4 || bytes[ready - 1] != 0 || bytes[ready - 2] != 0) return false;
  size_t at = ready - 2;
  const auto is_name = [](uint8_t c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  while (at > 0 && is_name(bytes[at - 1])) --at;
  return at > 0 && bytes[at - 1] == 0 && bytes[at] == 'R' && at + 1 < ready - 2;
}

}  // namespace

size_t find_answer_end(ByteView bytes, bool operation_start) {
  if (bytes.size() < kReadyForQuery) return bytes.size();
  const size_t ready = bytes.size() - kReadyForQuery;
  const uint8_t* end = bytes.data() + ready;
  const bool is_ready =
      end[0] == 'Z' && read_u32(end + 1) == 5 && (end[5] == 'I' || end[5] == 'T' || end[5] == 'E');
  if (!is_ready) return bytes.size();
  if (ready == 0) return operation_start ? 0 : bytes.size();
  const size_t stop = ready > kMaxLookBack ? ready - kMaxLookBack : 0;
  for (size_t at = ready; at-- > stop;) {
    if (ready - at >= kHeader && ends_command(bytes, at, ready)) return at;
  }
  return follows_error(bytes, ready) ? ready : bytes.size();
}

}  // namespace clew::pgsql
