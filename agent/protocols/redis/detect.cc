#include <algorithm>

#include "agent/protocols/redis/parser.h"

namespace clew::redis {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_printable(char c) {
  return c >= ' ' && c != '\x7f';
}

// What was found at the front of a text. Part: the text ends before it is decided.
enum class Found : uint8_t { No, Part, Yes };

Found take(std::string_view& text, std::string_view expected) {
  const size_t size = std::min(text.size(), expected.size());
  if (text.substr(0, size) != expected.substr(0, size)) return Found::No;
  text.remove_prefix(size);
  return size == expected.size() ? Found::Yes : Found::Part;
}

// "<type><digits>\r\n".
Found take_length(std::string_view& text, char type, uint64_t& length) {
  if (text.empty()) return Found::Part;
  if (text.front() != type) return Found::No;
  size_t i = 1;
  for (length = 0; i < text.size() && is_digit(text[i]) && i <= 12; ++i) {
    length = length * 10 + static_cast<uint64_t>(text[i] - '0');
  }
  if (i == text.size()) return Found::Part;
  if (i == 1) return Found::No;
  text.remove_prefix(i);
  return take(text, "\r\n");
}

// The headers of an array of strings and of its first string, and that string as far as it is
// there.
Found take_first_string(std::string_view text, std::string_view& first, bool& is_whole) {
  uint64_t count = 0, length = 0;
  Found found = take_length(text, '*', count);
  if (found == Found::Yes && (count == 0 || count > kMaxCount)) return Found::No;
  if (found == Found::Yes) found = take_length(text, '$', length);
  if (found != Found::Yes) return found;
  if (length == 0 || length > kMaxName) return Found::No;
  if (text.empty()) return Found::Part;
  first = text.substr(0, static_cast<size_t>(length));
  is_whole = first.size() == length;
  const bool is_name =
      is_letter(first.front()) && std::all_of(first.begin(), first.end(), [](char c) {
        return is_letter(c) || is_digit(c) || c == '.' || c == '|' || c == '_' || c == '-';
      });
  return is_name ? Found::Yes : Found::No;
}

// Servers do not begin with an array. Midway it may be an answer: those say their words in small
// letters where they confirm, and seldom the names of commands elsewhere.
Detection look_at_array(std::string_view first, bool is_whole, bool is_all, bool from_start) {
  if (from_start || first.find('.') != first.npos) return Detection::Request;
  if (!is_whole) return is_all ? Detection::NeedMore : Detection::Response;
  const CommandSpec* command = find_command(first);
  if (command == nullptr) return Detection::Response;
  const bool confirms = command->effect == Effect::Subscribe && first != command->name;
  return confirms ? Detection::Response : Detection::Request;
}

// HTTP knows GET, too.
Detection look_at_inline(std::string_view text) {
  size_t size = 0;
  while (size < text.size() && (is_letter(text[size]) || text[size] == '_' || text[size] == '-')) {
    ++size;
  }
  if (size == 0 || size > kMaxName) return Detection::No;
  if (size == text.size()) return size < kDetectBytes ? Detection::NeedMore : Detection::No;
  if (find_command(text.substr(0, size)) == nullptr) return Detection::No;
  if (text[size] == '\r' || text[size] == '\n') return Detection::Request;
  if (text[size] != ' ') return Detection::No;
  const std::string_view rest = text.substr(size + 1);
  if (rest.empty()) return Detection::NeedMore;
  if (rest.starts_with('/') || rest.starts_with("http:") || rest.starts_with("https:")) {
    return Detection::No;
  }
  return Detection::Request;
}

// A line of text with no control characters in it, as far as it is there.
Detection look_at_text(std::string_view line, bool is_whole) {
  if (!std::all_of(line.begin(), line.end(), is_printable)) return Detection::No;
  return is_whole || line.size() + 1 >= kDetectBytes ? Detection::Response : Detection::NeedMore;
}

Detection look_at_error(std::string_view line, bool is_whole) {
  size_t size = 0;
  while (size < line.size() && line[size] >= 'A' && line[size] <= 'Z') ++size;
  if (size == line.size() && !is_whole) return Detection::NeedMore;
  if (size == 0 || (size < line.size() && line[size] != ' ')) return Detection::No;
  return Detection::Response;
}

Detection look_at_number(std::string_view line, bool is_whole, bool may_be_negative) {
  if (may_be_negative && (line.starts_with('-') || line.starts_with('+'))) line.remove_prefix(1);
  if (!std::all_of(line.begin(), line.end(), is_digit) || line.size() > 20) return Detection::No;
  if (!is_whole) return Detection::NeedMore;
  return line.empty() ? Detection::No : Detection::Response;
}

Detection look_at_reply(std::string_view text) {
  const char type = text.front();
  const size_t end = std::min(text.find("\r\n"), text.size());
  const bool is_whole = end < text.size();
  std::string_view line = text.substr(1, end - 1);
  // Half a line end.
  if (!is_whole && line.ends_with('\r')) line.remove_suffix(1);
  switch (type) {
    case '+':
      return look_at_text(line, is_whole);
    case '-':
      return look_at_error(line, is_whole);
    case ':':
    case '(':
    case '$':
    case '*':
      return look_at_number(line, is_whole, true);
    case '%':
    case '~':
    case '>':
    case '|':
    case '=':
    case '!':
      return look_at_number(line, is_whole, false);
    case '#':
      if (!is_whole) return line.size() < 2 ? Detection::NeedMore : Detection::No;
      return line == "t" || line == "f" ? Detection::Response : Detection::No;
    case '_':
      if (!line.empty()) return Detection::No;
      return is_whole ? Detection::Response : Detection::NeedMore;
    case ',':
      if (line.empty() ||
          !(is_digit(line[0]) || line[0] == '-' || line[0] == 'i' || line[0] == 'n'))
        return line.empty() && !is_whole ? Detection::NeedMore : Detection::No;
      return look_at_text(line, is_whole);
    default:
      return Detection::No;
  }
}

}  // namespace

bool begins_command(ByteView bytes) {
  std::string_view first;
  bool is_whole = false;
  return take_first_string(as_text(bytes.first(std::min(bytes.size(), kDetectBytes))), first,
                           is_whole) == Found::Yes;
}

Detection detect(ByteView first_bytes, bool from_start) {
  const std::string_view text =
      as_text(first_bytes.first(std::min(first_bytes.size(), kDetectBytes)));
  if (text.empty()) return Detection::NeedMore;
  std::string_view first;
  bool is_whole = false;
  const bool is_all = text.size() < kDetectBytes;
  switch (take_first_string(text, first, is_whole)) {
    case Found::Yes:
      return look_at_array(first, is_whole, is_all, from_start);
    case Found::Part:
      return is_all ? Detection::NeedMore : Detection::No;
    case Found::No:
      break;
  }
  if (is_letter(text.front())) return from_start ? look_at_inline(text) : Detection::No;
  return look_at_reply(text);
}

}  // namespace clew::redis
