#include "agent/routes/segment.h"

#include <algorithm>
#include <cstdint>

namespace clew {
namespace {

constexpr std::string_view kId = "{id}", kUuid = "{uuid}", kHash = "{hash}", kDate = "{date}",
                           kEmail = "{email}", kIp = "{ip}", kName = "{name}";

// Longer ones are not looked into: a token if they look like one, else a name.
constexpr size_t kMaxInspected = 128;
constexpr size_t kMinHexHash = 16, kMinToken = 16, kMinShortToken = 10;
constexpr size_t kMinPartDigits = 3;  // of a number that is part of a name
constexpr size_t kMinFileHash = 6,
                 kMinFileToken = 8;  // of a hash between a file's name and its type
constexpr size_t kUuidBytes = 36, kDateBytes = 10;
constexpr size_t kDayDigits = 8;  // of a date without separators

constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
constexpr bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}
constexpr bool is_upper(char c) {
  return c >= 'A' && c <= 'Z';
}
constexpr bool is_letter(char c) {
  return is_lower(c) || is_upper(c);
}
constexpr bool is_hex(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
bool is_separator(char c) {
  return std::string_view(".-_~:,+@!=").find(c) != std::string_view::npos;
}
bool is_vowel(char c) {
  return std::string_view("aeiouAEIOU").find(c) != std::string_view::npos;
}

template <typename Predicate>
bool all(std::string_view text, Predicate predicate) {
  return !text.empty() && std::ranges::all_of(text, predicate);
}

unsigned number(std::string_view digits) {
  unsigned value = 0;
  for (const char c : digits.substr(0, 4)) value = value * 10 + static_cast<unsigned>(c - '0');
  return value;
}

bool is_year(std::string_view text) {
  return text.size() == 4 && all(text, is_digit) && number(text) >= 1900 && number(text) < 2100;
}
bool is_month(std::string_view text) {
  return text.size() == 2 && all(text, is_digit) && number(text) >= 1 && number(text) <= 12;
}
bool is_day(std::string_view text) {
  return text.size() == 2 && all(text, is_digit) && number(text) >= 1 && number(text) <= 31;
}

// 2024-05-01, with '-', '.' or '_' between, at the beginning of `text`.
bool begins_with_date(std::string_view text) {
  if (text.size() < kDateBytes) return false;
  const char between = text[4];
  return (between == '-' || between == '.' || between == '_') && text[7] == between &&
         is_date(text.substr(0, 4), text.substr(5, 2), text.substr(8, 2));
}

// A date with or without a time (2024-05-01T12:30:00Z), a month, or a day without separators.
bool is_date_segment(std::string_view text) {
  if (text.size() == kDayDigits && all(text, is_digit)) {
    return is_date(text.substr(0, 4), text.substr(4, 2), text.substr(6, 2));
  }
  if (text.size() == 7 && text[4] == '-')
    return is_year(text.substr(0, 4)) && is_month(text.substr(5));
  if (!begins_with_date(text)) return false;
  text.remove_prefix(kDateBytes);
  if (text.empty()) return true;
  if (text.front() != 'T' && text.front() != ' ' && text.front() != '_') return false;
  return all(text.substr(1), [](char c) { return is_digit(c) || is_separator(c) || c == 'Z'; });
}

// 8-4-4-4-12 at the beginning of `text`.
bool begins_with_uuid(std::string_view text) {
  if (text.size() < kUuidBytes) return false;
  for (size_t i = 0; i < kUuidBytes; ++i) {
    const bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (is_dash ? text[i] != '-' : !is_hex(text[i])) return false;
  }
  return true;
}

bool is_ipv4(std::string_view text) {
  for (int part = 0; part < 4; ++part) {
    const size_t end = part < 3 ? text.find('.') : text.size();
    if (end == text.npos || end == 0 || end > 3) return false;
    if (!all(text.substr(0, end), is_digit) || number(text.substr(0, end)) > 255) return false;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return true;
}

bool is_ip(std::string_view text) {
  if (text.starts_with('[') && text.ends_with(']')) text = text.substr(1, text.size() - 2);
  const auto colons = std::ranges::count(text, ':');
  if (colons < 2) return is_ipv4(text.substr(0, text.find(':')));
  // Loose on purpose: "a:b:c" in other words than hexadecimal ones is none, the rest is.
  const bool fits =
      colons <= 7 && text.size() <= 45 && (colons == 7 || text.find("::") != text.npos);
  return fits && all(text, [](char c) { return is_hex(c) || c == ':' || c == '.'; });
}

bool is_email(std::string_view text) {
  const size_t at = text.find('@');
  if (at == 0 || at == text.npos || text.find('@', at + 1) != text.npos) return false;
  const size_t dot = text.rfind('.');
  if (dot == text.npos || dot < at + 2) return false;
  return text.size() - dot > 2 && all(text.substr(dot + 1), is_letter);
}

struct Shape {
  size_t digits = 0, lower = 0, upper = 0, others = 0;
  size_t changes = 0;   // from digit to letter or back
  size_t wordlike = 0;  // letters in runs that can be spoken

  size_t letters() const { return lower + upper; }
};

// A run of letters that may be a word: some vowels, and not many consonants in a row.
bool is_wordlike(std::string_view run) {
  if (run.size() < 2) return false;
  const bool is_capitals = is_upper(run[1]);
  if (run.size() < (is_capitals || is_upper(run[0]) ? 3u : 2u)) return false;
  size_t vowels = 0, consonants = 0, longest = 0;
  for (const char c : run) {
    vowels += is_vowel(c);
    consonants = is_vowel(c) ? 0 : consonants + 1;
    longest = std::max(longest, consonants);
  }
  return vowels * 5 >= run.size() && longest <= 4;
}

// The end of the run of letters at `at`: "Word", "word" or "WORD".
size_t run_end(std::string_view text, size_t at) {
  size_t end = at + 1;
  if (is_upper(text[at]) && end < text.size() && is_upper(text[end])) {
    while (end < text.size() && is_upper(text[end])) ++end;
    // In "HTTPServer" the S belongs to the next word.
    if (end < text.size() && is_lower(text[end])) --end;
    return end;
  }
  while (end < text.size() && is_lower(text[end])) ++end;
  return end;
}

Shape shape_of(std::string_view text) {
  Shape shape;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    shape.digits += is_digit(c);
    shape.lower += is_lower(c);
    shape.upper += is_upper(c);
    shape.others += !is_digit(c) && !is_letter(c);
    if (i == 0) continue;
    const char before = text[i - 1];
    shape.changes += (is_digit(c) && is_letter(before)) || (is_letter(c) && is_digit(before));
  }
  for (size_t at = 0; at < text.size();) {
    const size_t end = is_letter(text[at]) ? run_end(text, at) : at + 1;
    if (is_letter(text[at]) && is_wordlike(text.substr(at, end - at))) shape.wordlike += end - at;
    at = end;
  }
  return shape;
}

bool is_token_byte(char c) {
  return is_digit(c) || is_letter(c) || c == '-' || c == '_' || c == '=';
}

// Made by a machine: long, and not made of words.
bool is_token(std::string_view text) {
  if (text.size() < kMinShortToken || !all(text, is_token_byte)) return false;
  const Shape shape = shape_of(text);
  if (shape.wordlike * 2 >= shape.letters()) return false;
  if (text.size() >= kMinToken) return shape.digits > 0 || (shape.lower > 0 && shape.upper > 0);
  return shape.others == 0 && shape.changes >= 3;
}

// Of the bytes of a segment, all in one look: nearly all are words or numbers.
enum Bytes : uint8_t { kLetters = 1, kDigits = 2, kOthers = 4 };

constexpr std::array<uint8_t, 256> kClasses = [] {
  std::array<uint8_t, 256> classes{};
  for (size_t i = 0; i < classes.size(); ++i) {
    const char c = static_cast<char>(i);
    classes[i] = is_letter(c) ? kLetters : is_digit(c) ? kDigits : kOthers;
  }
  return classes;
}();

uint8_t bytes_of(std::string_view text) {
  uint8_t seen = 0;
  for (const char c : text) seen |= kClasses[static_cast<unsigned char>(c)];
  return seen;
}

bool has_digit(std::string_view text) {
  return std::ranges::any_of(text, is_digit);
}

bool is_bare_uuid(std::string_view text) {
  return text.size() == 32 && all(text, is_hex) && has_digit(text);
}

bool is_hex_hash(std::string_view text) {
  if (text.starts_with("0x")) return text.size() >= 2 + 8 && all(text.substr(2), is_hex);
  return text.size() >= kMinHexHash && all(text, is_hex) && has_digit(text);
}

// The short hashes that bundlers put into file names, and the short ones of commits.
bool is_short_hash(std::string_view text, bool in_file_name) {
  const Shape shape = shape_of(text);
  const size_t least = in_file_name ? kMinFileHash : kMinFileHash + 1;
  const size_t changes = in_file_name ? 1 : 2;
  if (text.size() >= least && all(text, is_hex) && shape.digits > 0 && shape.letters() > 0) {
    return shape.changes >= changes;
  }
  if (!in_file_name || text.size() < kMinFileToken || shape.others > 0) return false;
  const bool is_mixed = shape.lower > 0 && shape.upper > 0;
  return shape.wordlike * 2 < shape.letters() && (is_mixed || shape.changes >= 2);
}

// The whole segment as one value; empty if it is none.
std::string_view whole_value(std::string_view text) {
  if (is_date_segment(text)) return kDate;
  if (is_ip(text)) return kIp;
  if (all(text, is_digit)) return kId;
  const bool is_braced = text.size() == kUuidBytes + 2 && text.front() == '{' && text.back() == '}';
  const std::string_view bare = is_braced ? text.substr(1, kUuidBytes) : text;
  if (bare.size() == kUuidBytes && begins_with_uuid(bare)) return kUuid;
  if (is_bare_uuid(text)) return kUuid;
  if (is_hex_hash(text)) return kHash;
  if (is_email(text)) return kEmail;
  // Signed and grouped numbers, ranges, times; not versions (1.2.3).
  if (!has_digit(text)) return {};
  if (all(text, [](char c) { return is_digit(c) || c == '.'; })) return {};
  return all(text, [](char c) { return is_digit(c) || is_separator(c); }) ? kId
                                                                          : std::string_view();
}

std::string_view part_value(std::string_view part, bool in_file_name) {
  if (all(part, is_digit)) {
    if (is_date_segment(part)) return kDate;
    return part.size() >= kMinPartDigits ? kId : part;
  }
  if (is_bare_uuid(part)) return kUuid;
  if (is_hex_hash(part) || is_token(part) || is_short_hash(part, in_file_name)) return kHash;
  return part;
}

class Writer {
 public:
  explicit Writer(SegmentRoom& room) : room_(room) {}
  bool put(std::string_view text) {
    if (text.size() > room_.size() - size_) return false;
    std::ranges::copy(text, room_.begin() + static_cast<ptrdiff_t>(size_));
    size_ += text.size();
    return true;
  }
  std::string_view text() const { return {room_.data(), size_}; }

 private:
  SegmentRoom& room_;
  size_t size_ = 0;
};

// Folds a name part by part.
std::string_view fold_parts(std::string_view text, SegmentRoom& room) {
  Writer out(room);
  const size_t dot = text.rfind('.');
  const bool is_file = dot != text.npos && dot > 0 && text.size() - dot <= 6;
  for (size_t at = 0; at < text.size();) {
    const std::string_view rest = text.substr(at);
    const auto ends_after = [rest](size_t size) {
      return rest.size() == size || is_separator(rest[size]);
    };
    size_t end = 0;
    std::string_view value;
    if (begins_with_uuid(rest) && ends_after(kUuidBytes)) {
      end = kUuidBytes;
      value = kUuid;
    } else if (begins_with_date(rest) && ends_after(kDateBytes)) {
      end = kDateBytes;
      value = kDate;
    } else {
      while (end < rest.size() && !is_separator(rest[end])) ++end;
      const bool in_file_name = is_file && at > 0 && at < dot;
      if (end > 0) value = part_value(rest.substr(0, end), in_file_name);
    }
    if (!out.put(value)) return kName;
    at += end;
    if (at == text.size()) break;
    if (!out.put(text.substr(at, 1))) return kName;
    ++at;
  }
  return out.text();
}

// A token that may have separators of its own inside, behind the word that tells its kind
// (cus_9s6XKzkNRiz8i3).
std::string_view fold_token(std::string_view text, SegmentRoom& room) {
  const size_t word = text.find_first_of("_-");
  if (word != text.npos && word >= 2 && word <= 8 && all(text.substr(0, word), is_lower) &&
      is_token(text.substr(word + 1))) {
    Writer out(room);
    if (out.put(text.substr(0, word + 1)) && out.put(kHash)) return out.text();
  }
  return is_token(text) ? kHash : std::string_view();
}

int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  return (c | 0x20) - 'a' + 10;
}

// Takes %XX apart; false if a '%' begins nothing of the kind.
bool decode(std::string_view text, std::array<char, kMaxInspected>& to, size_t& size) {
  size = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      if (i + 2 >= text.size() || !is_hex(text[i + 1]) || !is_hex(text[i + 2])) return false;
      c = static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]));
      i += 2;
    }
    to[size++] = c;
  }
  return true;
}

bool may_be_shown(char c) {
  return c > 0x20 && c < 0x7f && c != '{' && c != '}' && c != '*' && c != '%';
}

}  // namespace

bool is_date(std::string_view year, std::string_view month, std::string_view day) {
  return is_year(year) && is_month(month) && is_day(day);
}

std::string_view fold_segment(std::string_view segment, SegmentRoom& room) {
  if (segment.size() <= kMinToken) {
    const uint8_t bytes = bytes_of(segment);
    if (bytes == kLetters) return segment;
    if (bytes == kDigits && segment.size() != kDayDigits) return kId;
  }
  segment = segment.substr(0, segment.find(';'));
  if (segment.empty()) return segment;
  if (segment.size() > kMaxInspected) {
    const auto head = segment.substr(0, kMaxInspected);
    const bool looks_so = all(head, [](char c) { return is_token_byte(c) || c == '.'; });
    return looks_so && has_digit(head) && std::ranges::any_of(head, is_letter) ? kHash : kName;
  }
  std::array<char, kMaxInspected> decoded;
  size_t size = 0;
  const bool is_encoded = segment.find('%') != segment.npos;
  if (is_encoded && !decode(segment, decoded, size)) return kName;
  const std::string_view text = is_encoded ? std::string_view(decoded.data(), size) : segment;

  if (const auto value = whole_value(text); !value.empty()) return value;
  if (is_encoded || !all(segment, may_be_shown)) return kName;
  const bool is_word = all(segment, is_letter) && segment.size() <= kMinToken;
  if (is_word) return segment;
  if (const auto value = fold_token(segment, room); !value.empty()) return value;
  return fold_parts(segment, room);
}

}  // namespace clew
