// The text of statements without the values in them.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "agent/protocols/sql/lexer.h"

namespace clew::sql {

/// Writes tokens to a text: literals as `?`, white space as one space. Of the members of a list
/// (IN, ARRAY, VALUES) that differ in their values only the first of those next to each other is
/// written.
class Sanitizer {
 public:
  /// Appends to `text`, which is empty and outlives this.
  explicit Sanitizer(std::string& text) : text_(text) {}

  void add(const Token& token);

  /// `cut`: there would be more. Leaves kMaxText at most.
  void finish(bool cut);

 private:
  struct List {
    Keyword kind = Keyword::None;  ///< In, Array or Values
    uint32_t depth = 0;            ///< of the commas between its members
    bool is_fresh = true;          ///< nothing of a member was seen yet
    bool has_value = false;        ///< the member being read
    bool had_value = false;        ///< a member before it
    bool has_kept = false;
    size_t kept_end = 0;  ///< where the text of the member last kept ends
    uint64_t hash = 0, kept_hash = 0, all = 0;
  };

  void write(const Token& token);
  void follow_lists(const Token& token);
  void end_member(List& list);
  void pop_list();
  void open_list(const Token& token);
  void hash(const Token& token);
  bool is_secret(const Token& token);
  void put(const Token& token, std::string_view text);
  void truncate(size_t size);
  List* top() { return list_count_ > 0 ? &lists_[list_count_ - 1] : nullptr; }

  std::string& text_;
  size_t safe_end_ = 0;  ///< the last end of a token that leaves room for the mark of a cut
  bool is_full_ = false;
  uint32_t depth_ = 0;
  std::array<List, 8> lists_;
  size_t list_count_ = 0;

  Keyword list_ = Keyword::None;  ///< its bracket may come next
  bool before_operand_ = true;    ///< a sign here is no operator
  Token sign_;                    ///< seen, but not written: it may belong to a number
  bool has_sign_ = false;

  // Of the statement.
  uint32_t index_ = 0;
  Keyword first_ = Keyword::None, second_ = Keyword::None, last_ = Keyword::None;
  bool is_qualified_ = false, is_assigned_ = false;  ///< of SET
};

}  // namespace clew::sql
