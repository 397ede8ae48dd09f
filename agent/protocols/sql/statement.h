// What may be told of an SQL text: its shape without its values, and a name low in cardinality.
// Pure: text in, text out.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace clew::sql {

/// Beyond this much of it, the sanitised text is cut.
constexpr size_t kMaxText = 4096;
/// Bound of a summary, that of the semantic conventions.
constexpr size_t kMaxSummary = 255;

struct Statement {
  std::string text;         ///< sanitised: values are `?`, comments are gone
  std::string summary;      ///< db.query.summary: operations and targets, in order
  std::string operation;    ///< of the first statement, in capitals; empty if there is none
  std::string collection;   ///< the one table that the text names; empty if none or several
  uint32_t statements = 0;  ///< separated by `;`, empty ones not counted

  void clear();
};

/// Reads PostgreSQL's dialect. `cut`: `sql` is the beginning of a longer text. Any bytes will do.
/// What was in `into` is replaced; its memory is used again.
void read_statement(std::string_view sql, bool cut, Statement& into);

}  // namespace clew::sql
