#include "agent/protocols/sql/statement.h"

namespace clew::sql {

void Statement::clear() {
  text.clear();
  summary.clear();
  operation.clear();
  collection.clear();
  statements = 0;
}

void read_statement(std::string_view sql, bool, Statement& into) {
  into.clear();
  into.operation = into.summary = sql.substr(0, sql.find(' '));
  into.statements = 1;
}

}  // namespace clew::sql
