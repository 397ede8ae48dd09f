// Tokens as PostgreSQL's scanner finds them (PostgreSQL documentation, 4.1 Lexical Structure).
#pragma once

#include <cstdint>
#include <string_view>

#include "agent/protocols/sql/keywords.h"

namespace clew::sql {

struct Token {
  enum class Kind : uint8_t {
    Word,       ///< an identifier or a keyword
    Quoted,     ///< an identifier in double quotes, U&"..." too
    String,     ///< a literal in any kind of quotes, continuation lines included; or what was cut
                ///< off within quotes of any kind
    Number,     ///< without its sign; letters that follow directly belong to it
    Parameter,  ///< $1
    Mark,       ///< a lone `?`
    Operator,
    Punctuation,  ///< one character
  };
  Kind kind = Kind::Word;
  Keyword keyword = Keyword::None;  ///< of a Word
  bool space = false;               ///< white space or a comment stands before it
  bool unfinished = false;          ///< the text ends within it
  std::string_view text;

  bool is(char punctuation) const {
    return kind == Kind::Punctuation && text.front() == punctuation;
  }
  /// Text that came from a value.
  bool is_literal() const { return kind == Kind::String || kind == Kind::Number; }
  bool is_name() const { return kind == Kind::Word || kind == Kind::Quoted; }
};

/// Any bytes will do; those that PostgreSQL does not know become punctuation, control characters
/// white space. Time is linear in the text.
///
/// Whether a backslash in '...' escapes what follows depends on a setting of the server
/// (standard_conforming_strings) that the text does not tell. Where it matters, that reading is
/// taken under which the rest of the text is well-formed. If both are, or none, the rest is one
/// unfinished String: nothing of a value is ever taken for anything else.
class Lexer {
 public:
  /// `cut`: the text goes on behind its end.
  Lexer(std::string_view sql, bool cut) : Lexer(sql, cut, 0, Backslash::Unknown) {}

  /// False at the end; `token` is not to be used then.
  bool next(Token& token);

  /// The text ended within a comment. To be asked at the end.
  bool ended_in_comment() const { return ended_in_comment_; }

 private:
  enum class Backslash : uint8_t { Unknown, Plain, Escapes, Doubtful };

  Lexer(std::string_view sql, bool cut, size_t at, Backslash backslash)
      : sql_(sql), cut_(cut), at_(at), backslash_(backslash) {}

  char peek(size_t ahead = 0) const { return at_ + ahead < sql_.size() ? sql_[at_ + ahead] : 0; }
  void skip_space();
  void skip_comment();
  bool read_word(Token& token);
  bool read_string(size_t start, bool escapes);
  bool read_string_part(size_t start, bool escapes);
  bool skip_to_continuation();
  bool read_quoted();
  bool read_dollar(Token& token);
  void read_number();
  void read_operator();
  void resolve_backslash(size_t start);
  bool is_well_formed();

  std::string_view sql_;
  bool cut_;
  size_t at_;
  Backslash backslash_;
  bool ended_in_comment_ = false;
  // Of the run of operator characters last seen. Operators end within a run, so that it would be
  // read again and again.
  size_t run_end_ = 0, run_special_ = 0, run_solid_ = 0;  // the latter two: behind the last one
};

}  // namespace clew::sql
