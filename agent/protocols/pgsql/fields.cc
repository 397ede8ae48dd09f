#include "agent/protocols/pgsql/fields.h"

#include <charconv>

namespace clew::pgsql {
namespace {

constexpr uint32_t kMaxSmall = 10000;  // PQ_SMALL_MESSAGE_LIMIT

bool is_frontend(char type, uint32_t length) {
  switch (type) {
    case 'Q':
      return length >= 5;
    case 'P':
      return length >= 8;
    case 'B':
      return length >= 12;
    case 'E':
      return length >= 9 && length <= kMaxSmall;
    case 'D':
    case 'C':
      return length >= 6 && length <= kMaxSmall;
    case 'S':
    case 'H':
    case 'X':
    case 'c':
      return length == 4;
    case 'F':
      return length >= 14;
    case 'f':
      return length >= 5 && length <= kMaxSmall;
    case 'p':
      return length <= 65535;
    case 'd':
      return true;
    default:
      return false;
  }
}

bool is_backend(char type, uint32_t length) {
  switch (type) {
    case '1':
    case '2':
    case '3':
    case 'n':
    case 's':
    case 'I':
    case 'c':
      return length == 4;
    case 'Z':
      return length == 5;
    case 'C':
      return length >= 5 && length <= 4 + kMaxTag;
    case 'D':
    case 'T':
    case 't':
      return length >= 6;
    case 'E':
    case 'N':
      return length >= 5;
    case 'G':
    case 'H':
    case 'W':
      return length >= 7;
    case 'A':
      return length >= 10;
    case 'K':
      return length >= 12 && length <= 4 + 4 + 256;  // 3.2: secrets of up to 256 bytes
    case 'S':
      return length >= 6;
    case 'R':
    case 'v':
    case 'V':
      return length >= 8;
    case 'd':
      return true;
    default:
      return false;
  }
}

}  // namespace

uint32_t read_u32(std::string_view bytes) {
  if (bytes.size() < 4) return 0;
  return read_u32(reinterpret_cast<const uint8_t*>(bytes.data()));
}

bool is_possible(Side side, char type, uint32_t length) {
  if (length < 4 || length > kMaxMessage) return false;
  return side == Side::Request ? is_frontend(type, length) : is_backend(type, length);
}

bool is_startup(uint32_t length, uint32_t code) {
  if (length < 8 || length > kMaxStartup) return false;
  if (code == kSslRequest || code == kGssEncRequest) return length == 8;
  if (code == kCancelRequest) return length >= 16 && length <= 8 + 4 + 256;
  return code >> 16 == kProtocolMajor && length > 8;
}

bool take_string(std::string_view& body, std::string_view& text) {
  const size_t end = body.find('\0');
  text = body.substr(0, end);
  const bool ends = end != body.npos;
  body.remove_prefix(ends ? end + 1 : body.size());
  return ends;
}

Tag read_tag(std::string_view body) {
  std::string_view text;
  if (!take_string(body, text)) return {};
  Tag tag{.command = text};
  const size_t last = text.rfind(' ');
  if (last == text.npos) return tag;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data() + last + 1, end, tag.rows);
  if (parsed.ec != std::errc() || parsed.ptr != end) return tag;
  tag.has_rows = true;
  // "INSERT 0 5" has an object id, too.
  tag.command = text.substr(0, text.find_first_of("0123456789") - 1);
  return tag;
}

ErrorFields read_error(std::string_view body) {
  ErrorFields fields;
  while (!body.empty() && body.front() != '\0') {
    const char kind = body.front();
    body.remove_prefix(1);
    std::string_view value;
    take_string(body, value);
    if (kind == 'V' || (kind == 'S' && fields.severity.empty())) fields.severity = value;
    if (kind == 'C') fields.code = value;
    if (kind == 'M') fields.message = value;
  }
  return fields;
}

StartupFields read_startup(std::string_view parameters) {
  StartupFields fields;
  std::string_view name, value;
  while (!parameters.empty() && parameters.front() != '\0') {
    if (!take_string(parameters, name) || !take_string(parameters, value)) break;
    if (name == "user") fields.user = value;
    if (name == "database") fields.database = value;
    if (name == "replication") fields.replication = value != "false" && value != "off";
  }
  if (fields.database.empty()) fields.database = fields.user;
  return fields;
}

}  // namespace clew::pgsql
