#include "agent/protocols/sql/lexer.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace clew::sql {
namespace {

using Kind = Token::Kind;

enum : uint8_t { kSpace = 1, kLetter = 2, kDigit = 4, kOperator = 8, kSpecial = 16 };

constexpr std::array<uint8_t, 256> kClasses = [] {
  std::array<uint8_t, 256> classes{};
  for (int c = 0; c <= ' '; ++c) classes[c] = kSpace;
  classes[0x7f] = kSpace;
  for (int c = 'a'; c <= 'z'; ++c) classes[c] = classes[c - 0x20] = kLetter;
  classes['_'] = kLetter;
  for (int c = 0x80; c < 0x100; ++c) classes[c] = kLetter;
  for (int c = '0'; c <= '9'; ++c) classes[c] = kDigit;
  for (char c : std::string_view("+-*/<>=")) classes[c] = kOperator;
  // An operator with one of these may end in a sign (4.1.3).
  for (char c : std::string_view("~!@#%^&|`?")) classes[c] = kOperator | kSpecial;
  return classes;
}();

bool is(char c, int classes) {
  return (kClasses[static_cast<uint8_t>(c)] & classes) != 0;
}

bool continues_word(char c) {
  return is(c, kLetter | kDigit) || c == '$';
}

}  // namespace

bool Lexer::next(Token& token) {
  const size_t before = at_;
  if (peek() == ' ') ++at_;
  if (!is(peek(), kLetter | kDigit)) skip_space();
  if (at_ == sql_.size()) return false;
  const size_t start = at_;
  const char c = sql_[at_];
  token.space = start > before;
  token.keyword = Keyword::None;
  bool is_finished = true;
  if (is(c, kLetter)) {
    is_finished = read_word(token);
  } else if (is(c, kDigit) || (c == '.' && is(peek(1), kDigit))) {
    token.kind = Kind::Number;
    read_number();
  } else if (c == '\'') {
    token.kind = Kind::String;
    ++at_;
    is_finished = read_string(start, false);
  } else if (c == '"') {
    token.kind = Kind::Quoted;
    is_finished = read_quoted();
  } else if (c == '$') {
    is_finished = read_dollar(token);
  } else if (is(c, kOperator)) {
    read_operator();
    token.kind = c == '?' && at_ == start + 1 ? Kind::Mark : Kind::Operator;
  } else {
    token.kind = Kind::Punctuation;
    ++at_;
  }
  token.text = sql_.substr(start, at_ - start);
  token.unfinished = !is_finished;
  if (!is_finished) token.kind = Kind::String;
  if (token.kind == Kind::Word) token.keyword = find_keyword(token.text);
  return true;
}

void Lexer::skip_space() {
  while (at_ < sql_.size()) {
    const char c = sql_[at_];
    if (is(c, kSpace)) {
      ++at_;
    } else if ((c == '-' && peek(1) == '-') || (c == '/' && peek(1) == '*')) {
      skip_comment();
    } else {
      return;
    }
  }
}

void Lexer::skip_comment() {
  if (sql_[at_] == '-') {
    at_ = std::min(sql_.find_first_of("\r\n", at_), sql_.size());
    ended_in_comment_ = cut_ && at_ == sql_.size();
    return;
  }
  size_t depth = 0;
  while (at_ < sql_.size()) {
    const bool opens = sql_[at_] == '/' && peek(1) == '*';
    const bool closes = sql_[at_] == '*' && peek(1) == '/';
    if (opens) ++depth;
    at_ += opens || closes ? 2 : 1;
    if (closes && --depth == 0) return;
  }
  ended_in_comment_ = true;
}

bool Lexer::read_word(Token& token) {
  const size_t start = at_;
  while (at_ < sql_.size() && continues_word(sql_[at_])) ++at_;
  token.kind = Kind::Word;
  if (at_ - start != 1) return true;
  const char letter = static_cast<char>(sql_[start] | 0x20);
  if (letter == 'u' && peek() == '&' && (peek(1) == '\'' || peek(1) == '"')) {
    ++at_;
    token.kind = peek() == '"' ? Kind::Quoted : Kind::String;
    if (token.kind == Kind::Quoted) return read_quoted();
  } else if (peek() == '\'' && std::strchr("bxne", letter) != nullptr) {
    token.kind = Kind::String;
  } else {
    return true;
  }
  ++at_;
  return read_string(start, letter == 'e');
}

// From behind the opening quote. A literal goes on behind its closing quote if a new line and
// another quote follow.
bool Lexer::read_string(size_t start, bool escapes) {
  do {
    if (!read_string_part(start, escapes)) {
      at_ = sql_.size();
      return false;
    }
  } while (skip_to_continuation());
  return true;
}

bool Lexer::read_string_part(size_t start, bool escapes) {
  while (true) {
    if (escapes || backslash_ == Backslash::Escapes) {
      at_ = std::min(sql_.find_first_of("'\\", at_), sql_.size());
      if (at_ < sql_.size() && sql_[at_] == '\\') {
        at_ = std::min(at_ + 2, sql_.size());
        continue;
      }
    } else {
      const size_t from = at_;
      at_ = std::min(sql_.find('\'', at_), sql_.size());
      size_t backslashes = at_;
      while (backslashes > from && sql_[backslashes - 1] == '\\') --backslashes;
      if ((at_ - backslashes) % 2 == 1 && at_ < sql_.size() && backslash_ != Backslash::Plain) {
        resolve_backslash(start);
        if (backslash_ == Backslash::Doubtful) return false;
        if (backslash_ == Backslash::Escapes) {
          ++at_;
          continue;
        }
      }
    }
    if (at_ == sql_.size()) return false;
    ++at_;
    if (peek() != '\'') return true;
    ++at_;
  }
}

// Comments that end with their line may stand there, others not.
bool Lexer::skip_to_continuation() {
  bool has_line = false;
  size_t i = at_;
  while (i < sql_.size()) {
    if (is(sql_[i], kSpace)) {
      has_line = has_line || sql_[i] == '\n' || sql_[i] == '\r';
      ++i;
    } else if (sql_[i] == '-' && i + 1 < sql_.size() && sql_[i + 1] == '-') {
      i = std::min(sql_.find_first_of("\r\n", i), sql_.size());
    } else {
      break;
    }
  }
  if (!has_line || i == sql_.size() || sql_[i] != '\'') return false;
  at_ = i + 1;
  return true;
}

bool Lexer::read_quoted() {
  while (true) {
    at_ = sql_.find('"', at_ + 1);
    if (at_ == std::string_view::npos) {
      at_ = sql_.size();
      return false;
    }
    if (peek(1) != '"') break;
    ++at_;
  }
  ++at_;
  return true;
}

bool Lexer::read_dollar(Token& token) {
  const size_t start = at_++;
  if (is(peek(), kDigit)) {
    while (is(peek(), kDigit)) ++at_;
    token.kind = Kind::Parameter;
    return true;
  }
  if (is(peek(), kLetter)) {
    while (is(peek(), kLetter | kDigit)) ++at_;
  }
  if (peek() != '$') {
    at_ = start + 1;
    token.kind = Kind::Punctuation;
    return true;
  }
  ++at_;
  token.kind = Kind::String;
  const std::string_view tag = sql_.substr(start, at_ - start);
  // Only the ends of a tag are dollar signs: no comparison goes on behind the next of them.
  while ((at_ = sql_.find('$', at_)) != std::string_view::npos) {
    if (sql_.compare(at_, tag.size(), tag) == 0) {
      at_ += tag.size();
      return true;
    }
    ++at_;
  }
  at_ = sql_.size();
  return false;
}

void Lexer::read_number() {
  const auto skip_digits = [this] {
    while (is(peek(), kDigit) || (peek() == '_' && is(peek(1), kDigit))) ++at_;
  };
  skip_digits();
  if (peek() == '.' && peek(1) != '.') {
    ++at_;
    skip_digits();
  }
  if ((peek() | 0x20) == 'e') {
    const size_t sign = peek(1) == '+' || peek(1) == '-' ? 1 : 0;
    if (is(peek(1 + sign), kDigit)) {
      at_ += 1 + sign;
      skip_digits();
    }
  }
  // 0x1F, and what PostgreSQL refuses as trailing junk.
  if (!is(peek(), kLetter)) return;
  while (at_ < sql_.size() && continues_word(sql_[at_])) ++at_;
}

// A run of operator characters ends where a comment begins. An operator of several characters ends
// in a sign only if it has a special character (4.1.3).
void Lexer::read_operator() {
  const size_t start = at_;
  if (start >= run_end_) {
    run_special_ = run_solid_ = 0;
    while (is(peek(), kOperator)) {
      const char c = sql_[at_];
      if ((c == '-' && peek(1) == '-') || (c == '/' && peek(1) == '*')) break;
      ++at_;
      if (is(c, kSpecial)) run_special_ = at_;
      if (c != '+' && c != '-') run_solid_ = at_;
    }
    run_end_ = at_;
  }
  at_ = run_special_ > start ? run_end_ : std::max(run_solid_, start + 1);
}

// Never calls itself: the lexers that it makes know what a backslash is.
void Lexer::resolve_backslash(size_t start) {
  const bool plain = Lexer(sql_, cut_, start, Backslash::Plain).is_well_formed();
  const bool escapes = Lexer(sql_, cut_, start, Backslash::Escapes).is_well_formed();
  backslash_ = plain == escapes ? Backslash::Doubtful
               : plain          ? Backslash::Plain
                                : Backslash::Escapes;
}

// No statement of PostgreSQL has a backslash outside of quotes.
bool Lexer::is_well_formed() {
  Token token;
  while (next(token)) {
    if (token.is('\\') || (token.unfinished && !cut_)) return false;
  }
  return cut_ || !ended_in_comment_;
}

}  // namespace clew::sql
