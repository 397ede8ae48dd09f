// Names of statements: what they do, and to what.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "agent/protocols/sql/statement.h"

namespace clew::sql {
namespace {

struct Case {
  std::string sql, summary, operation, collection;
};

Statement read(const std::string& sql, bool cut = false) {
  Statement statement;
  const std::vector<char> copy(sql.begin(), sql.end());
  read_statement({copy.data(), copy.size()}, cut, statement);
  return statement;
}

void expect(const std::vector<Case>& cases) {
  for (const Case& each : cases) {
    const Statement statement = read(each.sql);
    EXPECT_EQ(statement.summary, each.summary) << each.sql;
    EXPECT_EQ(statement.operation, each.operation) << each.sql;
    EXPECT_EQ(statement.collection, each.collection) << each.sql;
    // Values say nothing: without them the text means the same.
    EXPECT_EQ(read(statement.text).summary, each.summary) << statement.text;
  }
}

void expect_summaries(const std::vector<std::pair<std::string, std::string>>& cases) {
  for (const auto& [sql, summary] : cases) EXPECT_EQ(read(sql).summary, summary) << sql;
}

// The examples of the semantic conventions, "Generating a summary of the query".
TEST(SqlSummary, IsThatOfTheConventions) {
  expect({
      {"SELECT *\nFROM   wuser_table\nWHERE  username = ?", "SELECT wuser_table", "SELECT",
       "wuser_table"},
      {"INSERT INTO shipping_details (order_id, address) SELECT order_id, address FROM orders "
       "WHERE "
       "order_id = ?",
       "INSERT shipping_details SELECT orders", "INSERT", ""},
      {"SELECT * FROM songs, artists WHERE songs.artist_id == artists.id", "SELECT songs artists",
       "SELECT", ""},
      {"SELECT order_date FROM (SELECT * FROM orders o JOIN customers c ON o.customer_id = "
       "c.customer_id)",
       "SELECT SELECT orders customers", "SELECT", ""},
      {"SELECT * FROM \"song list\", artists", "SELECT \"song list\" artists", "SELECT", ""},
      {"CALL some_stored_procedure(1)", "CALL some_stored_procedure", "CALL", ""},
  });
}

TEST(SqlSummary, NamesTheTablesOfASelect) {
  expect({
      {"select a from Users", "SELECT Users", "SELECT", "Users"},
      {"SELECT a FROM public.users u", "SELECT public.users", "SELECT", "public.users"},
      {"SELECT a FROM public . \"users\" AS u", "SELECT public.users", "SELECT", "public.users"},
      {"SELECT a FROM \"Users\", \"a\"\"b\"", "SELECT \"Users\" \"a\"\"b\"", "SELECT", ""},
      {"SELECT 1", "SELECT", "SELECT", ""},
      {"(SELECT a FROM b)", "SELECT b", "SELECT", "b"},
      {"SELECT a FROM ONLY b, ONLY (c)", "SELECT b c", "SELECT", ""},
      {"SELECT a FROM b, c AS x, d y WHERE e IN (f, g)", "SELECT b c d", "SELECT", ""},
      {"SELECT a FROM b JOIN b AS c ON b.x = c.y", "SELECT b b", "SELECT", "b"},
      {"SELECT a FROM b GROUP BY c, d ORDER BY e, f LIMIT 1", "SELECT b", "SELECT", "b"},
      {"SELECT a.from, a.select FROM a AS where", "SELECT a", "SELECT", "a"},
      {"SELECT a AS from, b AS select FROM c", "SELECT c", "SELECT", "c"},
      {"SELECT DISTINCT a FROM b FOR UPDATE OF b", "SELECT b", "SELECT", "b"},
      {"SELECT a INTO TEMP b FROM c", "SELECT b c", "SELECT", ""},
      {"SELECT insert, update, delete, values FROM merge", "SELECT merge", "SELECT", "merge"},
      {"SELECT a FROM 'b'", "SELECT", "SELECT", ""},
      {"TABLE a", "TABLE a", "TABLE", "a"},
      {"VALUES (1), (2)", "VALUES", "VALUES", ""},
  });
}

TEST(SqlSummary, JoinsStandInOrder) {
  expect_summaries({
      {"SELECT * FROM a LEFT JOIN b ON a.id = b.id JOIN c ON b.x = c.x, d", "SELECT a b c d"},
      {"SELECT * FROM a NATURAL LEFT JOIN b CROSS JOIN c", "SELECT a b c"},
      {"SELECT * FROM a JOIN b USING (id, x) JOIN c USING (y)", "SELECT a b c"},
      {"SELECT * FROM (a JOIN b ON a.x = b.y) JOIN (c CROSS JOIN d) ON true", "SELECT a b c d"},
      {"SELECT * FROM ((a))", "SELECT a"},
      {"SELECT * FROM a JOIN b ON a.x = ANY(ARRAY[c, d]) AND f(e, g)", "SELECT a b"},
      {"SELECT * FROM a, LATERAL (SELECT * FROM b WHERE b.x = a.x) c, LATERAL f(a.y) d",
       "SELECT a SELECT b f"},
      {"SELECT * FROM a TABLESAMPLE SYSTEM (1), b", "SELECT a b"},
  });
}

TEST(SqlSummary, FunctionsAreTargetsButNoTables) {
  expect({
      {"SELECT * FROM generate_series(1, 10) AS g, t", "SELECT generate_series t", "SELECT", "t"},
      {"SELECT * FROM app.f(g(h(1)))", "SELECT app.f", "SELECT", ""},
      {"SELECT * FROM t CROSS JOIN unnest(t.a, b) WITH ORDINALITY AS u(x, y)", "SELECT t unnest",
       "SELECT", "t"},
      {"SELECT * FROM ROWS FROM (f(1), g(2)) AS x, rows", "SELECT f g rows", "SELECT", "rows"},
      {"SELECT f(1), now()", "SELECT", "SELECT", ""},
  });
}

TEST(SqlSummary, NotEveryFromIsOfTables) {
  expect_summaries({
      {"SELECT EXTRACT(year FROM d), SUBSTRING(a FROM 2 FOR b), TRIM(BOTH x FROM y) FROM t",
       "SELECT t"},
      {"SELECT a IS DISTINCT FROM b, c IS NOT DISTINCT FROM d FROM t WHERE e IS DISTINCT FROM f",
       "SELECT t"},
      {"SELECT OVERLAY(a PLACING b FROM c) FROM t", "SELECT t"},
      {"DELETE FROM t WHERE EXTRACT(hour FROM x) = 1", "DELETE t"},
      {"UPDATE t SET a = TRIM(FROM b) WHERE c IS DISTINCT FROM d", "UPDATE t"},
  });
}

TEST(SqlSummary, SubqueriesStandInOrder) {
  expect_summaries({
      {"SELECT (SELECT max(x) FROM b) FROM a", "SELECT SELECT b a"},
      {"SELECT * FROM a WHERE x IN (SELECT y FROM b) AND EXISTS (SELECT 1 FROM c), d",
       "SELECT a SELECT b SELECT c"},
      {"SELECT * FROM (SELECT * FROM (SELECT * FROM a) b) c, d", "SELECT SELECT SELECT a d"},
      {"SELECT a FROM b UNION ALL SELECT c FROM d EXCEPT SELECT e FROM f",
       "SELECT b SELECT d SELECT f"},
      {"(SELECT a FROM b) UNION (SELECT c FROM d) ORDER BY 1", "SELECT b SELECT d"},
      {"SELECT * FROM ((SELECT a FROM b) UNION (SELECT c FROM d)) e", "SELECT SELECT b SELECT d"},
      {"SELECT ARRAY(SELECT a FROM b), x FROM c", "SELECT SELECT b c"},
      {"SELECT * FROM (VALUES (a, b), (c, d)) AS v(e, f), g", "SELECT g"},
      {"SELECT a FROM b HAVING (SELECT 1 FROM c) > 0 ORDER BY (SELECT 2 FROM d)",
       "SELECT b SELECT c SELECT d"},
  });
}

TEST(SqlSummary, NamesOfWithAreNoTables) {
  expect({
      {"WITH x AS (SELECT a FROM b) SELECT * FROM x", "SELECT b SELECT", "SELECT", "b"},
      {"WITH x AS (SELECT 1), y (m, n) AS MATERIALIZED (SELECT * FROM t, X) SELECT * FROM x JOIN y "
       "ON true JOIN z ON true",
       "SELECT SELECT t SELECT z", "SELECT", ""},
      {"WITH RECURSIVE r AS (SELECT 1 UNION ALL SELECT * FROM r, t) SEARCH DEPTH FIRST BY a, b SET "
       "c "
       "SELECT * FROM r",
       "SELECT SELECT t SELECT", "SELECT", "t"},
      {"WITH d AS (DELETE FROM a RETURNING *) INSERT INTO b SELECT * FROM d",
       "DELETE a INSERT b SELECT", "INSERT", ""},
      {"WITH d AS (INSERT INTO a VALUES (1) RETURNING id) UPDATE b SET x = d.id FROM d",
       "INSERT a UPDATE b", "UPDATE", ""},
      {"WITH x AS (SELECT 1) SELECT * FROM public.x", "SELECT SELECT public.x", "SELECT",
       "public.x"},
      {"SELECT * FROM (WITH x AS (SELECT * FROM a) SELECT * FROM x) y", "SELECT SELECT a SELECT",
       "SELECT", "a"},
      {"INSERT INTO a WITH x AS (SELECT * FROM b) SELECT * FROM x", "INSERT a SELECT b SELECT",
       "INSERT", ""},
  });
}

TEST(SqlSummary, ChangesOfTables) {
  expect({
      {"INSERT INTO t AS x (a, b) VALUES (1, 2) ON CONFLICT (a) DO UPDATE SET b = excluded.b, c = "
       "1 "
       "WHERE x.d RETURNING a, b",
       "INSERT t", "INSERT", "t"},
      {"INSERT INTO t DEFAULT VALUES", "INSERT t", "INSERT", "t"},
      {"INSERT INTO t (values, update) SELECT a FROM b ON CONFLICT DO NOTHING", "INSERT t SELECT b",
       "INSERT", ""},
      {"insert into t table u", "INSERT t u", "INSERT", ""},
      {"UPDATE ONLY t AS x SET a = 1, b = (SELECT c FROM d) WHERE e = 2", "UPDATE t SELECT d",
       "UPDATE", ""},
      {"UPDATE t SET a = u.b, c = 3 FROM u, v WHERE t.id = u.id", "UPDATE t u v", "UPDATE", ""},
      {"DELETE FROM t WHERE a = 1", "DELETE t", "DELETE", "t"},
      {"DELETE FROM ONLY t USING u, v JOIN w USING (id) WHERE t.a = u.a RETURNING t.x, t.y",
       "DELETE t u v w", "DELETE", ""},
      {"MERGE INTO t USING s ON t.id = s.id WHEN MATCHED THEN UPDATE SET a = s.a, b = 1 WHEN NOT "
       "MATCHED THEN INSERT VALUES (1, 2)",
       "MERGE t s", "MERGE", ""},
      {"MERGE INTO t x USING (SELECT * FROM u) s ON true WHEN MATCHED THEN DELETE",
       "MERGE t SELECT u", "MERGE", ""},
      {"TRUNCATE TABLE ONLY a, b CASCADE", "TRUNCATE a b", "TRUNCATE", ""},
      {"COPY t (a, b) FROM STDIN", "COPY t", "COPY", "t"},
      {"COPY (SELECT a FROM b) TO STDOUT WITH (FORMAT csv)", "COPY SELECT b", "COPY", "b"},
      {"COPY (DELETE FROM b RETURNING *) TO '/x'", "COPY DELETE b", "COPY", "b"},
      {"LOCK TABLE a, b IN EXCLUSIVE MODE", "LOCK a b", "LOCK", ""},
  });
}

TEST(SqlSummary, Definitions) {
  expect({
      {"CREATE TABLE IF NOT EXISTS s.t (id int PRIMARY KEY, a text REFERENCES u (id))",
       "CREATE TABLE s.t", "CREATE TABLE", "s.t"},
      {"CREATE TEMPORARY TABLE t AS SELECT a FROM b", "CREATE TABLE t SELECT b", "CREATE TABLE",
       ""},
      {"CREATE OR REPLACE VIEW v AS WITH x AS (SELECT a FROM b) SELECT * FROM x",
       "CREATE VIEW v SELECT b SELECT", "CREATE VIEW", ""},
      {"CREATE MATERIALIZED VIEW v AS SELECT 1", "CREATE MATERIALIZED VIEW v SELECT",
       "CREATE MATERIALIZED VIEW", "v"},
      {"CREATE UNIQUE INDEX CONCURRENTLY i ON t (a, b) WHERE c", "CREATE INDEX i t", "CREATE INDEX",
       "t"},
      {"CREATE INDEX ON t USING gin (a)", "CREATE INDEX t", "CREATE INDEX", "t"},
      {"DROP INDEX IF EXISTS i, j", "DROP INDEX i j", "DROP INDEX", ""},
      {"DROP TABLE a, b CASCADE", "DROP TABLE a b", "DROP TABLE", ""},
      {"ALTER TABLE IF EXISTS ONLY t ADD COLUMN role int, DROP COLUMN x", "ALTER TABLE t",
       "ALTER TABLE", "t"},
      {"CREATE TABLE role (a int)", "CREATE TABLE role", "CREATE TABLE", "role"},
      {"CREATE USER bob PASSWORD 'x'", "CREATE USER bob", "CREATE USER", ""},
      {"CREATE USER MAPPING FOR bob SERVER s", "CREATE USER MAPPING", "CREATE USER MAPPING", ""},
      {"CREATE FOREIGN DATA WRAPPER w", "CREATE FOREIGN DATA WRAPPER w",
       "CREATE FOREIGN DATA WRAPPER", ""},
      {"CREATE TRIGGER g BEFORE UPDATE OF a ON t FOR EACH ROW EXECUTE FUNCTION f()",
       "CREATE TRIGGER g t", "CREATE TRIGGER", "t"},
      {"CREATE POLICY p ON t FOR SELECT USING (a IN (SELECT b FROM c))", "CREATE POLICY p t",
       "CREATE POLICY", "t"},
      {"CREATE FUNCTION f(a int) RETURNS int AS $$SELECT 1 FROM x$$ LANGUAGE sql",
       "CREATE FUNCTION f", "CREATE FUNCTION", ""},
      {"ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO bob", "ALTER DEFAULT PRIVILEGES",
       "ALTER DEFAULT PRIVILEGES", ""},
      {"REFRESH MATERIALIZED VIEW CONCURRENTLY v", "REFRESH MATERIALIZED VIEW v",
       "REFRESH MATERIALIZED VIEW", "v"},
      {"REINDEX (VERBOSE) TABLE t", "REINDEX TABLE t", "REINDEX TABLE", "t"},
      {"CREATE OPERATOR CLASS c FOR TYPE int USING btree AS STORAGE int", "CREATE OPERATOR CLASS c",
       "CREATE OPERATOR CLASS", ""},
      {"ALTER OPERATOR public.!~~ (a, b) OWNER TO c", "ALTER OPERATOR", "ALTER OPERATOR", ""},
      {"CREATE 'x'", "CREATE", "CREATE", ""},
  });
}

TEST(SqlSummary, EverythingElse) {
  expect({
      {"BEGIN ISOLATION LEVEL SERIALIZABLE", "BEGIN", "BEGIN", ""},
      {"start transaction", "START TRANSACTION", "START TRANSACTION", ""},
      {"COMMIT", "COMMIT", "COMMIT", ""},
      {"ROLLBACK TO SAVEPOINT s1", "ROLLBACK", "ROLLBACK", ""},
      {"SAVEPOINT s140_x2", "SAVEPOINT", "SAVEPOINT", ""},
      {"SET SESSION statement_timeout = 100", "SET statement_timeout", "SET", ""},
      {"SHOW server_version", "SHOW server_version", "SHOW", ""},
      {"LISTEN events", "LISTEN events", "LISTEN", ""},
      {"NOTIFY user_4711, 'x'", "NOTIFY", "NOTIFY", ""},
      {"CALL app.p(1, 2)", "CALL app.p", "CALL", ""},
      {"EXECUTE find_user(1)", "EXECUTE find_user", "EXECUTE", ""},
      {"EXECUTE s_17(1)", "EXECUTE", "EXECUTE", ""},
      {"PREPARE find_user (int) AS SELECT * FROM users WHERE id = $1",
       "PREPARE find_user SELECT users", "PREPARE", "users"},
      {"PREPARE p AS INSERT INTO t VALUES ($1)", "PREPARE p INSERT t", "PREPARE", "t"},
      {"PREPARE TRANSACTION 'x'", "PREPARE TRANSACTION", "PREPARE TRANSACTION", ""},
      {"DEALLOCATE ALL", "DEALLOCATE", "DEALLOCATE", ""},
      {"DECLARE c CURSOR FOR SELECT * FROM t", "DECLARE SELECT t", "DECLARE", "t"},
      {"FETCH 10 FROM c", "FETCH", "FETCH", ""},
      {"EXPLAIN SELECT * FROM t", "EXPLAIN SELECT t", "EXPLAIN", "t"},
      {"EXPLAIN (ANALYZE, BUFFERS) UPDATE t SET a = 1", "EXPLAIN UPDATE t", "EXPLAIN", "t"},
      {"EXPLAIN ANALYZE VERBOSE DELETE FROM t", "EXPLAIN DELETE t", "EXPLAIN", "t"},
      {"VACUUM (FULL, ANALYZE) a, b", "VACUUM a b", "VACUUM", ""},
      {"VACUUM FULL VERBOSE a", "VACUUM a", "VACUUM", "a"},
      {"ANALYZE a (x, y)", "ANALYZE a", "ANALYZE", "a"},
      {"GRANT SELECT, INSERT ON t TO bob", "GRANT", "GRANT", ""},
      {"REVOKE SELECT ON t FROM bob", "REVOKE", "REVOKE", ""},
      {"DO $$SELECT 1 FROM t$$", "DO", "DO", ""},
      {"COMMENT ON TABLE t IS 'x'", "COMMENT", "COMMENT", ""},
      {"IDENTIFY_SYSTEM", "IDENTIFY_SYSTEM", "IDENTIFY_SYSTEM", ""},
  });
}

TEST(SqlSummary, WhatIsNoCommandHasNone) {
  expect({
      {"", "", "", ""},
      {" ; ;; ", "", "", ""},
      {"and now SELECT something FROM different", "", "", ""},
      {"'SELECT' a FROM b", "", "", ""},
      {"42", "", "", ""},
      {"foo; SELECT a FROM b", "SELECT b", "", "b"},
      {"{call p(1)}", "", "", ""},
  });
}

TEST(SqlSummary, StatementsAreToldOneByOne) {
  expect({
      {"SELECT a FROM b; SELECT c FROM d;", "SELECT b; SELECT d", "SELECT", ""},
      {"BEGIN; INSERT INTO t VALUES (1); INSERT INTO t VALUES (2); COMMIT",
       "BEGIN; INSERT t; COMMIT", "BEGIN", "t"},
      {";SELECT 1;;", "SELECT", "SELECT", ""},
      {"WITH x AS (SELECT 1) SELECT * FROM x; SELECT * FROM x", "SELECT SELECT; SELECT x", "SELECT",
       "x"},
      {"CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN a THEN 1 END FROM b; DELETE "
       "FROM c; END; SELECT 1",
       "CREATE FUNCTION f; SELECT", "CREATE FUNCTION", ""},
  });
  EXPECT_EQ(read("SELECT 1; SELECT 2;;").statements, 2u);
  EXPECT_EQ(read(" ; -- x").statements, 0u);
  EXPECT_EQ(read("SELECT ';'; /*;*/ SELECT (1;2)").statements, 2u);
  EXPECT_EQ(read("BEGIN; COM", true).statements, 1u);
}

TEST(SqlSummary, NamesThatProgramsMakeAreLeftOut) {
  expect({
      {"SELECT a FROM events_20240117, tmp_3f2a9c1b77, t_17", "SELECT t_17", "SELECT", ""},
      {"CREATE TEMP TABLE tmp_1700000000 (a int)", "CREATE TABLE", "CREATE TABLE",
       "tmp_1700000000"},
      {"DROP TABLE \"x_550e8400-e29b-41d4-a716-446655440000\"", "DROP TABLE", "DROP TABLE",
       "\"x_550e8400-e29b-41d4-a716-446655440000\""},
      {"SELECT a FROM pg_toast_16384, feedback_2024", "SELECT pg_toast_16384 feedback_2024",
       "SELECT", ""},
  });
}

TEST(SqlSummary, WhatWasCutOffIsNotGuessed) {
  EXPECT_EQ(read("SELECT a FROM use", true).summary, "SELECT");
  EXPECT_EQ(read("SELECT a FROM users ", true).summary, "SELECT users");
  EXPECT_EQ(read("SELECT a FROM public. ", true).summary, "SELECT");
  EXPECT_EQ(read("SELECT a FROM b, public.", true).collection, "");
  EXPECT_EQ(read("SELECT a FROM \"use", true).summary, "SELECT");
  EXPECT_EQ(read("SELECT a FROM \"use").summary, "SELECT");
  EXPECT_EQ(read("INSERT INTO t VALUES ('x', 'y").collection, "t");
  EXPECT_EQ(read("SEL", true).operation, "");
}

TEST(SqlSummary, IsBoundedAndCutBetweenNames) {
  std::string sql = "SELECT * FROM t";
  for (int i = 0; i < 100; ++i) sql += ", very_long_table_name_" + std::to_string(i);
  const std::string summary = read(sql).summary;
  EXPECT_LE(summary.size(), kMaxSummary);
  EXPECT_GT(summary.size(), kMaxSummary - 25);
  EXPECT_TRUE(summary.ends_with("very_long_table_name_9"));
  const Statement one = read("SELECT * FROM " + std::string(300, 'x') + ", b");
  EXPECT_EQ(one.summary, "SELECT b");
  EXPECT_EQ(one.collection, "");
  std::string nested = "SELECT * FROM a WHERE ";
  for (int i = 0; i < 1000; ++i) nested += "(";
  nested += "SELECT b FROM c";
  for (int i = 0; i < 1000; ++i) nested += ")";
  EXPECT_EQ(read(nested + " = 1; SELECT d FROM e").summary, "SELECT a; SELECT e");
}

}  // namespace
}  // namespace clew::sql
