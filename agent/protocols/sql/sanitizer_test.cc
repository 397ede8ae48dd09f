// What is left of texts when their values are taken out.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "agent/protocols/sql/statement.h"

namespace clew::sql {
namespace {

struct Case {
  std::string sql, text;
};

std::string text_of(const std::string& sql, bool cut = false) {
  Statement statement;
  // A copy of exactly that size, so that a sanitizer sees what is read beyond it.
  const std::vector<char> copy(sql.begin(), sql.end());
  read_statement({copy.data(), copy.size()}, cut, statement);
  return statement.text;
}

void expect(const std::vector<Case>& cases) {
  for (const Case& each : cases) {
    EXPECT_EQ(text_of(each.sql), each.text) << each.sql;
    EXPECT_EQ(text_of(each.text), each.text) << "its own text, of " << each.sql;
  }
}

TEST(SqlText, NumbersAreValues) {
  expect({
      {"SELECT 1", "SELECT ?"},
      {"SELECT 1.2, .5, 5., 1e10, 1.5E-3, 2E+9", "SELECT ?, ?, ?, ?, ?, ?"},
      {"SELECT 0x1F, 0o17, 0b101, 1_000, 0xdead_BEEF", "SELECT ?, ?, ?, ?, ?"},
      {"SELECT a FROM t WHERE b=1234", "SELECT a FROM t WHERE b=?"},
      {"SELECT 123-45-6789", "SELECT ?-?-?"},
      {"SELECT 1/2/34", "SELECT ?/?/?"},
      {"7", "?"},
      {".7", "?"},
      {"SELECT 123abc", "SELECT ?"},
      {"SELECT a[1:2]", "SELECT a[?:?]"},
      {"SELECT 1 LIMIT 10 OFFSET 20", "SELECT ? LIMIT ? OFFSET ?"},
  });
}

TEST(SqlText, TheSignOfANumberIsPartOfIt) {
  expect({
      {"SELECT -1", "SELECT ?"},
      {"SELECT - 1", "SELECT ?"},
      {"SELECT +0.2", "SELECT ?"},
      {"SELECT a FROM t WHERE b = -1", "SELECT a FROM t WHERE b = ?"},
      {"SELECT a FROM t WHERE b>=-1", "SELECT a FROM t WHERE b>=?"},
      {"SELECT a FROM t WHERE b=+1", "SELECT a FROM t WHERE b=?"},
      {"SELECT a FROM t WHERE b BETWEEN -1 AND -2", "SELECT a FROM t WHERE b BETWEEN ? AND ?"},
      {"SELECT f(-1, -2), (-3)", "SELECT f(?, ?), (?)"},
      {"SELECT CASE WHEN -1 < a THEN -2 ELSE -3 END - 4",
       "SELECT CASE WHEN ? < a THEN ? ELSE ? END - ?"},
      {"SELECT a-1, a - 1, 1 - 1, (a)-1, b[0]-1, $1-1",
       "SELECT a-?, a - ?, ? - ?, (a)-?, b[?]-?, $1-?"},
      {"SELECT -a, - -1, -'1'", "SELECT -a, - ?, -?"},
      {"-7", "?"},
      {"SELECT -", "SELECT -"},
  });
}

TEST(SqlText, NamesWithDigitsAreNames) {
  expect({
      {"SELECT c1 FROM t2, t_3, a$1, u4$", "SELECT c1 FROM t2, t_3, a$1, u4$"},
      {"SELECT DEADBEEF, e10, x1F", "SELECT DEADBEEF, e10, x1F"},
      {"SELECT \xc3\xbc"
       "7 FROM \xd0\x91"
       "9",
       "SELECT \xc3\xbc"
       "7 FROM \xd0\x91"
       "9"},
      {R"(SELECT "1", "a""2", "it's" FROM "x y"."z")",
       R"(SELECT "1", "a""2", "it's" FROM "x y"."z")"},
      {R"(SELECT U&"d\0061t" FROM u&"x""y")", R"(SELECT U&"d\0061t" FROM u&"x""y")"},
  });
}

TEST(SqlText, StringsAreValuesInWhateverQuotes) {
  expect({
      {"SELECT ''", "SELECT ?"},
      {"SELECT 'it''s', '''', '\"', '--', '/*', '$$'", "SELECT ?, ?, ?, ?, ?, ?"},
      {R"(SELECT E'a\'b', e'\\', E'\'\'', E'a''b')", "SELECT ?, ?, ?, ?"},
      {R"(SELECT U&'d\0061t', u&'!0061' UESCAPE '!')", "SELECT ?, ? UESCAPE ?"},
      {"SELECT B'0101', x'1F', N'abc', b''", "SELECT ?, ?, ?, ?"},
      {"SELECT DATE '2024-01-01', INTERVAL '1' DAY, TIMESTAMP WITH TIME ZONE 'now'",
       "SELECT DATE ?, INTERVAL ? DAY, TIMESTAMP WITH TIME ZONE ?"},
      {"SELECT 'a'::text, '1'::int4, CAST('x' AS text)",
       "SELECT ?::text, ?::int4, CAST(? AS text)"},
      {"SELECT type'x', ee'y'", "SELECT type?, ee?"},
      {"SELECT a->'b'->>'c', d #>> '{e,f}'", "SELECT a->?->>?, d #>> ?"},
  });
}

TEST(SqlText, AStringGoesOnBehindANewLine) {
  expect({
      {"SELECT 'a'\n'b'", "SELECT ?"},
      {"SELECT 'a' \t\r\n  'b'\n'c' , 1", "SELECT ? , ?"},
      {"SELECT 'a' -- x 'y'\n 'b'", "SELECT ?"},
      {"SELECT E'a'\n'b\\'c', 2", "SELECT ?, ?"},
      {"SELECT 'a' 'b'", "SELECT ? ?"},
      {"SELECT 'a' /* x\n */ 'b'", "SELECT ? ?"},
  });
}

TEST(SqlText, DollarQuotesNest) {
  expect({
      {"SELECT $$$$, $$a'b$$, $q$a $$ b$q$, $a$x $b$y$b$ z$a$", "SELECT ?, ?, ?, ?"},
      {"SELECT $a$ $a $ab$ $A$ a$ $a$", "SELECT ?"},
      {"DO $body$BEGIN PERFORM 'x'; END$body$ LANGUAGE plpgsql", "DO ? LANGUAGE plpgsql"},
      {"CREATE FUNCTION f() RETURNS int AS $$SELECT 1$$ LANGUAGE sql",
       "CREATE FUNCTION f() RETURNS int AS ? LANGUAGE sql"},
      {"SELECT a$b$ FROM c$b$", "SELECT a$b$ FROM c$b$"},
      {"SELECT 1$a$x$a$", "SELECT ??"},
      {"SELECT $1$$x$$", "SELECT $1?"},
      {"SELECT $ a", "SELECT $ a"},
  });
}

TEST(SqlText, ParametersAndCastsStay) {
  expect({
      {"SELECT a FROM t WHERE b = $1 AND c = $22::int",
       "SELECT a FROM t WHERE b = $1 AND c = $22::int"},
      {"SELECT TRUE, false, NULL", "SELECT TRUE, false, NULL"},
      {"SELECT a ? 'b', c ?| $1, d @> '{}', e || 'x', f ~* '^x'",
       "SELECT a ? ?, c ?| $1, d @> ?, e || ?, f ~* ?"},
      {"SELECT f(a => 1, b := 2)", "SELECT f(a => ?, b := ?)"},
  });
}

TEST(SqlText, CommentsAndWhiteSpaceGo) {
  expect({
      {"  SELECT\t*\r\n  FROM   t  ", "SELECT * FROM t"},
      {"SELECT 1 -- 'x\n, 2", "SELECT ? , ?"},
      {"SELECT/* 'x */1/*y*/", "SELECT ?"},
      {"/* a /* 'nested */ secret */ SELECT 1", "SELECT ?"},
      {"SELECT 1+--x\n2", "SELECT ?+ ?"},
      {"SELECT a*/*x*/b", "SELECT a* b"},
      {"/*traceparent='00-4bf92f'*/", ""},
      {"SELECT * FROM t /*application='x'*/;", "SELECT * FROM t ;"},
      {"", ""},
      {" \n\t", ""},
  });
}

TEST(SqlText, ListsOfValuesAreFolded) {
  expect({
      {"SELECT a FROM t WHERE b IN (1, 2, 3)", "SELECT a FROM t WHERE b IN (?)"},
      {"SELECT a FROM t WHERE b in(1,-2,'x' , $4)", "SELECT a FROM t WHERE b in(?)"},
      {"SELECT a FROM t WHERE b IN ($1)", "SELECT a FROM t WHERE b IN (?)"},
      {"SELECT a FROM t WHERE b NOT IN ($1, $2) AND c = $3",
       "SELECT a FROM t WHERE b NOT IN (?) AND c = $3"},
      {"SELECT 'a' IN(x, 'b'), 1 IN (x, 1, 2, y)", "SELECT ? IN(x, ?), ? IN (x, ?, y)"},
      {"SELECT a IN ('x'::text, 'y'::text)", "SELECT a IN (?::text)"},
      {"SELECT a IN (DATE '1', DATE '2')", "SELECT a IN (DATE ?)"},
      {"SELECT (a, b) IN ((1, 2), (3, 4))", "SELECT (a, b) IN ((?, ?))"},
      {"SELECT a IN (b, b)", "SELECT a IN (b, b)"},
      {"SELECT a IN (SELECT 1, 1 FROM t WHERE x IN (1, 2))",
       "SELECT a IN (SELECT ?, ? FROM t WHERE x IN (?))"},
      {"SELECT ARRAY[1,2,3], ARRAY[[1,2],[3,4]], ARRAY[a, 1]",
       "SELECT ARRAY[?], ARRAY[[?,?]], ARRAY[a, ?]"},
      {"SELECT a IN (f(1, 2), f(3, 4), g(1))", "SELECT a IN (f(?, ?), g(?))"},
      {"SELECT a IN (1", "SELECT a IN (?"},
      {"SELECT a IN (1))", "SELECT a IN (?))"},
  });
}

TEST(SqlText, RowsOfTheSameKindAreFolded) {
  expect({
      {"INSERT INTO t (a, b) VALUES (1, 'x'), (2, 'y'), (3, 'z')",
       "INSERT INTO t (a, b) VALUES (?, ?)"},
      {"INSERT INTO t VALUES ($1, $2), ($3, $4) RETURNING id",
       "INSERT INTO t VALUES ($1, $2) RETURNING id"},
      {"INSERT INTO t VALUES (1, 2), (3, NULL), (DEFAULT, 4) ON CONFLICT DO NOTHING",
       "INSERT INTO t VALUES (?, ?) ON CONFLICT DO NOTHING"},
      {"INSERT INTO t VALUES (1, now()), (2, now()), (3, f(1))",
       "INSERT INTO t VALUES (?, now()), (?, f(?))"},
      {"SELECT * FROM (VALUES (1,2), (3,4)) AS v(a, b), (VALUES (1)) w",
       "SELECT * FROM (VALUES (?,?)) AS v(a, b), (VALUES (?)) w"},
      {"INSERT INTO t VALUES (ARRAY[1,2]), (ARRAY[1,2,3])", "INSERT INTO t VALUES (ARRAY[?])"},
      {"VALUES (ARRAY[1,a]), (ARRAY[2,a])", "VALUES (ARRAY[?,a])"},
      {"INSERT INTO t VALUES (1); INSERT INTO t VALUES (2)",
       "INSERT INTO t VALUES (?); INSERT INTO t VALUES (?)"},
      {"VALUES (1), (2) ORDER BY 1", "VALUES (?) ORDER BY ?"},
      {"CREATE TABLE p PARTITION OF t FOR VALUES IN ('a', 'b')",
       "CREATE TABLE p PARTITION OF t FOR VALUES IN (?)"},
  });
}

TEST(SqlText, PasswordsAreNeverNames) {
  expect({
      {"CREATE ROLE bob LOGIN PASSWORD 'secret'", "CREATE ROLE bob LOGIN PASSWORD ?"},
      {"ALTER USER bob WITH ENCRYPTED PASSWORD E's\\'x' VALID UNTIL '2030'",
       "ALTER USER bob WITH ENCRYPTED PASSWORD ? VALID UNTIL ?"},
      {"ALTER USER bob PASSWORD secret", "ALTER USER bob PASSWORD ?"},
      {"ALTER USER bob PASSWORD \"secret\"", "ALTER USER bob PASSWORD ?"},
      {"ALTER USER bob PASSWORD NULL", "ALTER USER bob PASSWORD NULL"},
      {"CREATE USER password PASSWORD secret", "CREATE USER password PASSWORD ?"},
      {"SELECT password \"x\" FROM users", "SELECT password \"x\" FROM users"},
      {"CREATE SUBSCRIPTION s CONNECTION 'host=h password=p' PUBLICATION p",
       "CREATE SUBSCRIPTION s CONNECTION ? PUBLICATION p"},
      {"SELECT dblink_connect('password=p')", "SELECT dblink_connect(?)"},
      {"CREATE USER MAPPING FOR u SERVER s OPTIONS (user 'u', password 'p')",
       "CREATE USER MAPPING FOR u SERVER s OPTIONS (user ?, password ?)"},
      {"SET app.token = abc", "SET app.token = ?"},
      {"SET LOCAL app.token TO 'abc', def", "SET LOCAL app.token TO ?, ?"},
      {"SET app.token TO DEFAULT", "SET app.token TO DEFAULT"},
      {"SET search_path TO app, public", "SET search_path TO app, public"},
      {"COPY t FROM '/tmp/x' WITH (DELIMITER ',')", "COPY t FROM ? WITH (DELIMITER ?)"},
  });
}

// standard_conforming_strings, off until 9.1 and still to be had: a backslash escapes in '...',
// too.
TEST(SqlText, ABackslashBeforeAQuoteIsReadAsTheRestAllows) {
  expect({
      {R"(SELECT a LIKE $1 ESCAPE '\')", "SELECT a LIKE $1 ESCAPE ?"},
      {R"(SELECT a LIKE $1 ESCAPE '\' AND b = 'x' OR c LIKE $2 ESCAPE '\' OR d = 'y')",
       "SELECT a LIKE $1 ESCAPE ? AND b = ? OR c LIKE $2 ESCAPE ? OR d = ?"},
      {R"(SELECT 'C:\', 'x')", "SELECT ?, ?"},
      {R"(SELECT 'a\\', 'b')", "SELECT ?, ?"},
      {R"(SELECT '\'', 'secret')", "SELECT ?, ?"},
      {R"(SELECT 'a\'b secret', 1)", "SELECT ?, ?"},
      {R"(SELECT N'\'secret', 'x')", "SELECT ?, ?"},
  });
}

TEST(SqlText, WhereBothReadingsAreGoodTheRestIsNotTold) {
  EXPECT_EQ(text_of("SELECT 'a\\' secret ' -- \\'\n, b"), "SELECT ? ...");
  EXPECT_EQ(text_of(R"(SELECT '\' , secret)", true), "SELECT ? ...");
}

TEST(SqlText, WhatIsUnfinishedIsAValue) {
  for (const bool cut : {false, true}) {
    for (const std::string rest : {"'secret", "E'secret\\", "U&'secret", "$$secret", "$a$secret$a",
                                   "\"secret", "B'01", "U&\"secret", "'a'\n'secret"}) {
      EXPECT_EQ(text_of("SELECT a, " + rest, cut), "SELECT a, ? ...") << rest;
    }
    EXPECT_EQ(text_of("SELECT a /*secret", cut), "SELECT a ...");
  }
  EXPECT_EQ(text_of("SELECT a --secret", true), "SELECT a ...");
  EXPECT_EQ(text_of("SELECT a --secret"), "SELECT a");
}

TEST(SqlText, WhatTouchesTheCutIsNotTold) {
  EXPECT_EQ(text_of("SELECT a FROM users", true), "SELECT a FROM ...");
  EXPECT_EQ(text_of("SELECT a FROM users ", true), "SELECT a FROM users ...");
  EXPECT_EQ(text_of("SELECT 12", true), "SELECT ? ...");
  EXPECT_EQ(text_of("SELECT a, $a", true), "SELECT a, $ ...");
  EXPECT_EQ(text_of("SELECT a -", true), "SELECT a ...");
  EXPECT_EQ(text_of("SEL", true), "...");
  EXPECT_EQ(text_of("", true), "...");
  EXPECT_EQ(text_of("INSERT INTO t VALUES (1, 2), (3, 4), (5, f", true),
            "INSERT INTO t VALUES (?, ?) ...");
  EXPECT_EQ(text_of("SELECT a IN (1, 2, 3, 4", true), "SELECT a IN (? ...");
}

TEST(SqlText, IsBounded) {
  std::string names = "SELECT a";
  for (int i = 0; i < 2000; ++i) names += ", \xc3\xa4" + std::to_string(i);
  const std::string text = text_of(names);
  EXPECT_LE(text.size(), kMaxText);
  EXPECT_GT(text.size(), kMaxText - 20);
  EXPECT_TRUE(text.ends_with(" ..."));
  EXPECT_EQ(names.substr(0, text.size() - 4), text.substr(0, text.size() - 4));
  EXPECT_EQ(text_of("SELECT " + std::string(100000, 'x')), "SELECT ...");
  EXPECT_EQ(text_of(std::string(5000, 'x')), "...");
  std::string list = "SELECT a IN (1";
  for (int i = 0; i < 20000; ++i) list += ", 1";
  EXPECT_EQ(text_of(list + ") AND b"), "SELECT a IN (?) AND b");
  std::string rows = "INSERT INTO t VALUES (1";
  for (int i = 0; i < 20000; ++i) rows += ", 'x'), (1";
  EXPECT_EQ(text_of(rows + ", 2) RETURNING id"), "INSERT INTO t VALUES (?, ?) RETURNING id");
}

TEST(SqlText, AnyBytesWillDo) {
  const std::string nul(1, '\0');
  EXPECT_EQ(text_of("SELECT" + nul + "1" + nul), "SELECT ?");
  EXPECT_EQ(text_of("SELECT '" + nul + "', \x01\x7f" + "2"), "SELECT ?, ?");
  EXPECT_EQ(text_of("SELECT \xff\xfe, \xc3"), "SELECT \xff\xfe, \xc3");
  for (const char c : std::string("('\"$-+*/E[\\.,;:?x1 \n\xff")) {
    const std::string text = text_of(std::string(1 << 20, c));
    EXPECT_LE(text.size(), kMaxText) << c;
  }
  for (const std::string part :
       {"/*", "$a", "$a$", "'\n", "+-", "=-", "''", "\\'", "U&'", "E'\\", "IN(", "VALUES(",
        "ARRAY[", "(SELECT ", "$1$", "'\n--\n", "WITH a"}) {
    std::string text;
    while (text.size() < 1 << 20) text += part;
    EXPECT_LE(text_of(text).size(), kMaxText) << part;
  }
}

TEST(SqlText, MemoryIsUsedAgain) {
  Statement statement;
  read_statement("SELECT a FROM some_table_with_a_name WHERE b = 'abc'", false, statement);
  const char* const text = statement.text.data();
  const char* const summary = statement.summary.data();
  read_statement("SELECT c FROM other_table_with_a_name WHERE d = 7", false, statement);
  EXPECT_EQ(statement.text, "SELECT c FROM other_table_with_a_name WHERE d = ?");
  EXPECT_EQ(statement.text.data(), text);
  EXPECT_EQ(statement.summary.data(), summary);
}

}  // namespace
}  // namespace clew::sql
