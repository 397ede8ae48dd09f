// What statements do, and to what: db.query.summary, db.operation.name, db.collection.name.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "agent/protocols/sql/lexer.h"
#include "agent/protocols/sql/statement.h"

namespace clew::sql {

/// Follows clauses by their keywords, bracket by bracket. No grammar: what it does not know it
/// passes over. Nothing of a literal is looked at.
class Summary {
 public:
  /// Writes all of `into` but its text. `into` was cleared and outlives this.
  explicit Summary(Statement& into) : into_(into) {}

  /// The text of tokens must outlive this.
  void add(const Token& token);
  void finish();

 private:
  static constexpr size_t kMaxDepth = 32, kMaxCommonTables = 16;

  enum class Common : uint8_t { No, Name, Body };  // where in WITH name AS (...), ...

  /// Between one pair of brackets, or of the statement itself.
  struct Frame {
    Keyword command = Keyword::None;  ///< whose clauses stand here
    Common common = Common::No;
    bool begins = true;    ///< a command may begin here
    bool is_list = false;  ///< a comma is followed by a target
    bool wants_target = false;
    bool has_target = false;
  };

  void open(const Token& token);
  void close();
  void add_word(const Token& token, Keyword keyword);
  bool begin_command(Keyword keyword);
  void begin_select();
  void set_wants(Keyword command);
  void add_object_word(Keyword keyword);
  bool add_target_word(const Token& token, Keyword keyword);
  void add_clause(Keyword keyword);
  void append_name(std::string_view part);
  void end_name(const Token& next);
  bool is_common_table(std::string_view name) const;
  void note_table(std::string_view name);
  void write_command(std::string_view command);
  void add_command_word(Keyword word);
  void append(std::string_view separator, std::string_view text);
  void end_statement();
  Frame& frame() { return frames_[depth_]; }

  /// Of one statement.
  struct Progress {
    bool has_tokens = false, has_command = false;
    bool is_muted = false;      ///< what follows is not told, but for a target that is wanted
    bool wants_object = false;  ///< the kind of thing that is created, altered, dropped
    bool wants_on = false;      ///< ON names the table
    bool names_tables = true;   ///< the targets are tables
    bool is_session = false;    ///< the targets live no longer than the session
    Keyword object = Keyword::None;
    uint32_t atomic = 0;            ///< depth of BEGIN ATOMIC ... END
    size_t with_depth = kMaxDepth;  ///< deeper commands are those of a WITH
    size_t common_tables = 0;
    Keyword last = Keyword::None;
    bool after_dot = false;
    bool is_naming = false, is_qualified = false, is_name_bad = false;  // too long, or unfinished
    size_t name_size = 0;
  };

  Statement& into_;
  Progress now_;
  size_t depth_ = 0;
  size_t ignored_depth_ = 0;  ///< brackets open beyond kMaxDepth
  bool is_full_ = false;
  bool has_operation_ = false, is_first_ = true;
  bool has_several_tables_ = false;
  size_t previous_ = 0, start_ = 0;  ///< where statements' summaries begin, separators included
  std::array<Frame, kMaxDepth> frames_;
  std::array<std::string_view, kMaxCommonTables> common_tables_;
  std::array<char, kMaxSummary> name_;
};

}  // namespace clew::sql
