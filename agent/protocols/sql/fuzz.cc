// Any text, whole and cut off: bounds hold, tokens cover the text, sanitising what was sanitised
// changes nothing, and what a value is makes no difference.
#include <cstdio>
#include <cstdlib>
#include <string>

#include "agent/protocols/sql/lexer.h"
#include "agent/protocols/sql/statement.h"

namespace {

using clew::sql::Statement;
using clew::sql::Token;

void require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "violated: %s\n", what);
  std::abort();
}

void check_bounds(const Statement& statement, size_t size) {
  require(statement.text.size() <= clew::sql::kMaxText, "the text is bounded");
  require(statement.text.size() <= size + 5, "the text does not grow");
  require(statement.summary.size() <= clew::sql::kMaxSummary, "the summary is bounded");
  require(statement.statements <= size, "a statement has a character");
  require(statement.collection.size() <= clew::sql::kMaxSummary, "the collection is bounded");
  require(statement.operation.size() <= 64, "the operation is bounded");
}

bool is_blank(std::string_view text) {
  // Comments only, or white space: whatever is skipped begins with either.
  return text.empty() || static_cast<uint8_t>(text.front()) <= ' ' || text.front() == 0x7f ||
         text.starts_with("--") || text.starts_with("/*");
}

void check_tokens(std::string_view sql, bool cut) {
  clew::sql::Lexer lexer(sql, cut);
  Token token;
  size_t at = 0;
  while (lexer.next(token)) {
    const auto start = static_cast<size_t>(token.text.data() - sql.data());
    require(!token.text.empty() && start >= at, "tokens go forward");
    require(token.space == (start > at), "what stands between tokens is white space");
    require(is_blank(sql.substr(at, start - at)), "nothing else is left out");
    at = start + token.text.size();
    require(!token.unfinished || at == sql.size(), "only the last token is unfinished");
  }
  require(at == sql.size() || is_blank(sql.substr(at)), "all of the text is read");
}

bool ends_within_quotes(std::string_view sql) {
  clew::sql::Lexer lexer(sql, false);
  Token token;
  bool is_unfinished = false;
  while (lexer.next(token)) is_unfinished = token.unfinished;
  return is_unfinished || lexer.ended_in_comment();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const bool cut = (data[0] & 1) != 0;
  const std::string_view sql(reinterpret_cast<const char*>(data) + 1, size - 1);
  check_tokens(sql, cut);
  Statement statement, again;
  read_statement(sql, cut, statement);
  check_bounds(statement, sql.size());
  read_statement(statement.text, false, again);
  check_bounds(again, statement.text.size());
  require(again.text == statement.text, "what was sanitised stays as it is");

  // Texts that differ in a value only are told alike. Not where a backslash is read by what
  // follows.
  if (sql.find('\\') != std::string_view::npos) return 0;
  const std::string start(sql.substr(0, sql.size() / 2)), rest(sql.substr(sql.size() / 2));
  if (ends_within_quotes(start)) return 0;
  Statement one, other;
  read_statement(start + " 'a' " + rest, cut, one);
  read_statement(start + " 'bb''(' " + rest, cut, other);
  require(one.text == other.text, "texts with other values are told alike");
  require(one.summary == other.summary, "so are their summaries");
  require(one.collection == other.collection, "so are their collections");
  return 0;
}
