// Statements as pgbench sends them, and a long report.
#include <benchmark/benchmark.h>

#include <string>

#include "agent/protocols/sql/statement.h"
#include "tests/bench/allocations.h"

namespace clew::sql {
namespace {

void read(benchmark::State& state, std::string_view sql) {
  Statement statement;
  read_statement(sql, false, statement);
  const uint64_t before = allocations();
  for (auto _ : state) {
    read_statement(sql, false, statement);
    benchmark::DoNotOptimize(statement);
  }
  state.counters["allocations"] =
      static_cast<double>(allocations() - before) / static_cast<double>(state.iterations());
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(sql.size()));
}

void BM_PgbenchSelect(benchmark::State& state) {
  read(state, "SELECT abalance FROM pgbench_accounts WHERE aid = 77841;");
}
BENCHMARK(BM_PgbenchSelect);

void BM_PgbenchUpdate(benchmark::State& state) {
  read(state, "UPDATE pgbench_accounts SET abalance = abalance + -2214 WHERE aid = 77841;");
}
BENCHMARK(BM_PgbenchUpdate);

void BM_PgbenchInsert(benchmark::State& state) {
  read(state,
       "INSERT INTO pgbench_history (tid, bid, aid, delta, mtime) VALUES (7, 1, 77841, -2214, "
       "CURRENT_TIMESTAMP);");
}
BENCHMARK(BM_PgbenchInsert);

void BM_Begin(benchmark::State& state) {
  read(state, "BEGIN");
}
BENCHMARK(BM_Begin);

void BM_Report(benchmark::State& state) {
  std::string sql = "WITH recent AS (SELECT * FROM orders WHERE created_at > '2026-01-01')\n";
  while (sql.size() < 2048) {
    sql +=
        "SELECT c.id, c.name AS customer, sum(o.total) FILTER (WHERE o.state = 'paid') AS paid\n"
        "  FROM recent o\n  JOIN public.customers c ON c.id = o.customer_id\n"
        " WHERE o.kind IN (1, 2, 3) AND c.\"group\" <> 'test' -- not ours\n UNION ALL\n";
  }
  sql.resize(sql.rfind(" UNION"));
  read(state, sql);
}
BENCHMARK(BM_Report);

void BM_Rows(benchmark::State& state) {
  std::string sql = "INSERT INTO t (a, b, c) VALUES (1, 'x', NULL)";
  while (sql.size() < 16384) sql += ", (17, 'some longer text', now())";
  read(state, sql);
}
BENCHMARK(BM_Rows);

}  // namespace
}  // namespace clew::sql

BENCHMARK_MAIN();
