// libpq beyond plain calls: pg_libpq HOST PORT pipeline | syncs | cancel | prepared. Checks each
// answer and prints a line of JSON for each call: its text, rows, SQLSTATE, and whether it was
// skipped after an error.
#include <libpq-fe.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static PGconn* connection;

static void fail(const char* what) {
  fprintf(stderr, "%s: %s\n", what, PQerrorMessage(connection));
  exit(1);
}

static void note(const char* text, int rows, const char* code, bool skipped) {
  printf("{\"text\": \"%s\", \"rows\": ", text);
  if (rows >= 0)
    printf("%d", rows);
  else
    printf("null");
  if (code)
    printf(", \"code\": \"%s\"", code);
  else
    printf(", \"code\": null");
  printf(", \"skipped\": %s}\n", skipped ? "true" : "false");
}

// Call number n returns n rows, or fails.
static void text_of(char* text, size_t size, int n, bool fails) {
  snprintf(text, size, fails ? "SELECT 1/(%d-%d) AS e%d" : "SELECT generate_series(1, %d) AS u%d",
           n, n, n);
}

static void send_call(int n, bool fails) {
  char text[100];
  text_of(text, sizeof text, n, fails);
  if (!PQsendQueryParams(connection, text, 0, NULL, NULL, NULL, NULL, 0)) fail("send");
}

static void receive_call(int n, bool fails, bool skipped) {
  char text[100];
  text_of(text, sizeof text, n, fails);
  PGresult* result = PQgetResult(connection);
  ExecStatusType status = PQresultStatus(result);
  if (status != (skipped ? PGRES_PIPELINE_ABORTED : fails ? PGRES_FATAL_ERROR : PGRES_TUPLES_OK))
    fail(text);
  if (status == PGRES_TUPLES_OK && PQntuples(result) != n) fail(text);
  note(text, status == PGRES_TUPLES_OK ? n : -1,
       status == PGRES_FATAL_ERROR ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL, skipped);
  PQclear(result);
  if (PQgetResult(connection) != NULL) fail("no end of a result");
}

static void receive_sync(void) {
  PGresult* result = PQgetResult(connection);
  if (PQresultStatus(result) != PGRES_PIPELINE_SYNC) fail("no sync");
  PQclear(result);
}

// Calls first to last in one pipeline, a Sync after each `group`, call `bad` fails.
static void pipeline(int first, int last, int group, int bad) {
  if (!PQenterPipelineMode(connection)) fail("pipeline mode");
  for (int n = first; n <= last; n++) {
    send_call(n, n == bad);
    if ((n - first + 1) % group == 0 && !PQpipelineSync(connection)) fail("sync");
  }
  bool skipping = false;
  for (int n = first; n <= last; n++) {
    receive_call(n, n == bad, skipping);
    if (n == bad) skipping = true;
    if ((n - first + 1) % group == 0) {
      receive_sync();
      skipping = false;
    }
  }
  if (!PQexitPipelineMode(connection)) fail("end of pipeline mode");
}

static void on_notice(void* running, const char* message) {
  (void)message;
  *(bool*)running = true;
}

static void cancelled(void) {
  char error[256];
  const char* text = "DO $$BEGIN RAISE NOTICE 'it runs'; PERFORM pg_sleep(60); END$$";
  bool running = false;
  PQsetNoticeProcessor(connection, on_notice, &running);
  if (!PQsendQuery(connection, text)) fail(text);
  while (!running) {
    struct pollfd readable = {.fd = PQsocket(connection), .events = POLLIN};
    if (poll(&readable, 1, 20000) != 1 || !PQconsumeInput(connection) || !PQisBusy(connection))
      fail("no notice");
  }
  PGcancel* cancel = PQgetCancel(connection);
  if (!PQcancel(cancel, error, sizeof error)) fail(error);
  PQfreeCancel(cancel);
  PGresult* result = PQgetResult(connection);
  const char* code = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  if (!code || strcmp(code, "57014") != 0) fail(text);
  note(text, -1, code, false);
  PQclear(result);
  while ((result = PQgetResult(connection)) != NULL) PQclear(result);
}

// Executes what it prepared at once: each line on standard input is a number of rows.
static void prepared(void) {
  const char* text = "SELECT generate_series(1, $1::int) AS q";
  PGresult* result = PQprepare(connection, "early", text, 0, NULL);
  if (PQresultStatus(result) != PGRES_COMMAND_OK) fail("prepare");
  PQclear(result);
  printf("prepared\n");
  fflush(stdout);
  char line[32];
  while (fgets(line, sizeof line, stdin)) {
    line[strcspn(line, "\n")] = 0;
    const char* values[1] = {line};
    result = PQexecPrepared(connection, "early", 1, values, NULL, NULL, 0);
    if (PQresultStatus(result) != PGRES_TUPLES_OK || PQntuples(result) != atoi(line)) fail(line);
    note(text, PQntuples(result), NULL, false);
    fflush(stdout);
    PQclear(result);
  }
}

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  const char* keys[] = {"host", "port", "user", "dbname", "sslmode", "gssencmode", NULL};
  const char* values[] = {argv[1], argv[2], "clew", "app", "disable", "disable", NULL};
  connection = PQconnectdbParams(keys, values, 0);
  if (PQstatus(connection) != CONNECTION_OK) fail("connect");
  if (strcmp(argv[3], "pipeline") == 0) {
    pipeline(1, 100, 100, 50);
    pipeline(101, 110, 10, 0);
  } else if (strcmp(argv[3], "syncs") == 0) {
    pipeline(1, 60, 10, 25);
  } else if (strcmp(argv[3], "cancel") == 0) {
    cancelled();
    pipeline(2, 2, 1, 0);
  } else {
    prepared();
  }
  PQfinish(connection);
  return 0;
}
