#include "agent/protocols/sql/statement.h"

#include "agent/protocols/sql/lexer.h"
#include "agent/protocols/sql/sanitizer.h"
#include "agent/protocols/sql/summary.h"

namespace clew::sql {

void Statement::clear() {
  text.clear();
  summary.clear();
  operation.clear();
  collection.clear();
  statements = 0;
}

void read_statement(std::string_view sql, bool cut, Statement& into) {
  into.clear();
  Lexer lexer(sql, cut);
  Sanitizer sanitizer(into.text);
  Summary summary(into);
  Token token;
  bool is_unfinished = cut;
  while (lexer.next(token)) {
    is_unfinished = is_unfinished || token.unfinished;
    // What touches the cut might go on, and be something else.
    const bool is_cut = cut && token.text.data() + token.text.size() == sql.data() + sql.size();
    if (is_cut && !token.is_literal()) break;
    sanitizer.add(token);
    summary.add(token);
  }
  sanitizer.finish(is_unfinished || lexer.ended_in_comment());
  summary.finish();
}

}  // namespace clew::sql
