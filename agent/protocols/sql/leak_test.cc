// No value in whatever quotes shows in what is told of a statement, wherever its text was cut off.
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "agent/protocols/sql/statement.h"

namespace clew::sql {
namespace {

constexpr std::string_view kMark = "zqmark", kNumber = "7777";

class Generator {
 public:
  /// `backslash_escapes`: as with standard_conforming_strings off.
  Generator(uint32_t seed, bool backslash_escapes)
      : random_(seed), backslash_escapes_(backslash_escapes) {}

  std::string statements() {
    std::string sql;
    for (int i = pick(3); i >= 0; --i) {
      sql += space() + statement() + space();
      if (i > 0) sql += ';';
    }
    return sql;
  }

 private:
  int pick(int bound) { return static_cast<int>(random_() % static_cast<uint32_t>(bound)); }
  std::string one_of(const std::vector<std::string>& list) {
    return list[static_cast<size_t>(pick(static_cast<int>(list.size())))];
  }

  std::string space() {
    return one_of(
        {" ", " ", "\n", "\t ", " /*zqmark ' /* \" */ $$ */ ", " -- zqmark ' \" $$ /*\n"});
  }
  // What stands within quotes: the mark among whatever could be taken for the end of it.
  std::string inner(const std::vector<std::string>& parts) {
    std::string text;
    for (int i = pick(4); i > 0; --i) text += one_of(parts);
    text += kMark;
    for (int i = pick(4); i > 0; --i) text += one_of(parts);
    return text;
  }
  std::string plain() {
    std::vector<std::string> parts = {"''", "\"", "$$", "--", "/*",  "*/",
                                      ";",  "\n", "E",  "(",  "\\\\"};
    parts.push_back(backslash_escapes_ ? "\\'" : "\\n");
    std::string text = "'" + inner(parts);
    if (!backslash_escapes_ && pick(8) == 0) text += "\\";
    return text + "'";
  }
  std::string literal() {
    const std::vector<std::string> quotes = {"''", "\"", "--", "/*", "*/", ";", "\n", " ", "("};
    std::vector<std::string> escapes = quotes;
    escapes.insert(escapes.end(), {"\\'", "\\\\", "\\n", "$$", "\\'\\'"});
    switch (pick(12)) {
      case 0:
        return one_of({"E", "e"}) + "'" + inner(escapes) + "'";
      case 1:
        return one_of({"U&", "u&"}) + "'" + inner(quotes) + "'";
      case 2:
        return "$$" + inner({"'", "\"", "$a$ ", "$ ", "--", "\n", "/*"}) + "$$";
      case 3:
        return "$tag$" + inner({"'", "\"", "$$", "$tag ", "$ta$", "$$tag $", "\n"}) + "$tag$";
      case 4:
        return one_of({"N", "n"}) + plain();
      case 5:
        return plain() + one_of({"\n", " \r\n\t", " -- zqmark'\n ", "\n\n"}) + plain();
      case 6:
        return "E'" + inner(escapes) + "'\n'" + inner(escapes) + "'";
      case 7:
        return one_of({"B'zqmark'", "X'zqmark'"});
      case 8:
        return one_of(
            {"7777", "-7777", ".7777", "7777.", "7777.7777e-7777", "0x7777", "7_777_7777"});
      default:
        return plain();
    }
  }
  std::string name() {
    return one_of({"a", "t1", "users", "\"Some Table\"", "public.t", "\"it's\"", "x$1", "U&\"d\"",
                   "\xc3\xa4", "\"a\"\"b\"", "n", "e", "u"});
  }
  std::string value(int depth) {
    switch (pick(depth > 3 ? 2 : 9)) {
      case 0:
        return name();
      case 1:
        return "$" + std::to_string(1 + pick(9));
      case 2:
        return value(depth + 1) + space() +
               one_of({"=", "<>", "||", "->", "+", "- ", "@>", "LIKE"}) + space() + literal();
      case 3:
        return "(" + select(depth + 1) + ")";
      case 4:
        return name() + " IN (" + literal() + "," + literal() + space() + "," + value(depth + 1) +
               ")";
      case 5:
        return "ARRAY[" + literal() + ", " + literal() + "]";
      case 6:
        return "f(" + literal() + "," + value(depth + 1) + ")::text";
      default:
        return literal();
    }
  }
  std::string select(int depth) {
    std::string sql = "SELECT " + value(depth) + ", " + value(depth) + space() + "FROM " + name();
    if (pick(3) == 0) sql += " JOIN " + name() + " x ON " + value(depth);
    if (pick(2) == 0) sql += " WHERE " + value(depth) + space() + "AND " + value(depth);
    if (!backslash_escapes_ && pick(4) == 0) sql += " LIKE $1 ESCAPE '\\'";
    return sql + (pick(3) == 0 ? " LIMIT 7777" : "");
  }
  std::string statement() {
    switch (pick(9)) {
      case 0:
        return "INSERT INTO " + name() + " VALUES (" + literal() + "," + literal() + "), (" +
               literal() + "," + value(0) + ")";
      case 1:
        return "UPDATE " + name() + " SET a=" + literal() + " WHERE b = " + value(0);
      case 2:
        return "DELETE FROM " + name() + " WHERE " + value(0);
      case 3:
        return "ALTER ROLE bob PASSWORD" + space() + one_of({literal(), "zqmark", "\"zqmark\""});
      case 4:
        return "WITH x AS (" + select(1) + ") " + select(0);
      case 5:
        return "CREATE FUNCTION f() RETURNS text AS " + literal() + " LANGUAGE sql";
      case 6:
        return "SET app.x = " + one_of({literal(), "zqmark"});
      case 7:
        return one_of({"CALL p(", "NOTIFY c, (", "COPY t FROM (", "FROM (", "("}) + literal() + ")";
      default:
        return select(0);
    }
  }

  std::mt19937 random_;
  bool backslash_escapes_;
};

bool shows_value(const Statement& statement) {
  for (const std::string* each :
       {&statement.text, &statement.summary, &statement.operation, &statement.collection}) {
    if (each->find(kMark) != std::string::npos || each->find(kNumber) != std::string::npos)
      return true;
  }
  return false;
}

class SqlLeak : public testing::TestWithParam<bool> {};

TEST_P(SqlLeak, NoValueShowsWhereverTheTextEnds) {
  Statement statement;
  for (uint32_t seed = 0; seed < 500; ++seed) {
    const std::string sql = Generator(seed, GetParam()).statements();
    read_statement(sql, false, statement);
    ASSERT_FALSE(shows_value(statement)) << sql << "\n -> " << statement.text;
    const std::string text = statement.text;
    const std::string summary = statement.summary;
    if (!text.ends_with(" ...")) {
      read_statement(text, false, statement);
      ASSERT_EQ(statement.text, text) << "its own text, of " << sql;
      ASSERT_EQ(statement.summary, summary) << "its own text, of " << sql;
    }
    for (size_t end = 0; end < sql.size(); ++end) {
      read_statement(std::string_view(sql).substr(0, end), true, statement);
      ASSERT_FALSE(shows_value(statement)) << sql.substr(0, end) << "\n -> " << statement.text;
      ASSERT_TRUE(statement.text.ends_with("...")) << sql.substr(0, end);
    }
  }
}

// What is hidden for safety must stay the exception. These texts are made to be ambiguous.
TEST(SqlLeak, WellFormedTextsAreToldToTheirEnd) {
  Statement statement;
  int hidden = 0;
  for (uint32_t seed = 0; seed < 1000; ++seed) {
    const std::string sql = Generator(seed, false).statements();
    read_statement(sql, false, statement);
    hidden += statement.text.ends_with(" ...") ? 1 : 0;
  }
  EXPECT_LT(hidden, 150);
}

INSTANTIATE_TEST_SUITE_P(BackslashEscapes, SqlLeak, testing::Bool());

}  // namespace
}  // namespace clew::sql
