// pgx: HOST PORT. See ../../README.md.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

var ctx = context.Background()

func call(on interface {
	Query(context.Context, string, ...any) (pgx.Rows, error)
}, text string, rows int, code string, parameters ...any) {
	got, err := on.Query(ctx, text, parameters...)
	count := 0
	if err == nil {
		for got.Next() {
			var value int
			if err := got.Scan(&value); err != nil {
				log.Fatal(err)
			}
			if count++; value != count {
				log.Fatalf("%s: row %d is %d", text, count, value)
			}
		}
		err = got.Err()
	}
	said := ""
	var refused *pgconn.PgError
	if errors.As(err, &refused) {
		said = refused.Code
	} else if err != nil {
		log.Fatal(err)
	}
	if said != code || count != rows {
		log.Fatalf("%s: %d rows, %q", text, count, said)
	}
	line := map[string]any{"text": text, "rows": nil, "code": nil}
	if rows > 0 {
		line["rows"] = rows
	}
	if code != "" {
		line["code"] = code
	}
	out, _ := json.Marshal(line)
	fmt.Println(string(out))
}

func main() {
	conn, err := pgx.Connect(ctx, fmt.Sprintf("host=%s port=%s user=clew dbname=app sslmode=disable", os.Args[1], os.Args[2]))
	if err != nil {
		log.Fatal(err)
	}
	for n := 1; n <= 10; n++ {
		call(conn, fmt.Sprintf("SELECT generate_series(1, %d) AS u%d", n, n), n, "", pgx.QueryExecModeSimpleProtocol)
	}
	for n := 11; n <= 20; n++ {
		call(conn, fmt.Sprintf("SELECT generate_series(1, $1::int) AS p%d", n), n, "", n)
	}
	for n := 21; n <= 30; n++ {
		call(conn, "SELECT generate_series(1, $1::int) AS q", n, "", n)
	}
	for _, n := range []int{31, 32} {
		call(conn, "INSERT INTO items VALUES ($1, $2)", 0, "", n, fmt.Sprintf("note %d", n))
	}
	call(conn, "SELECT 1/0 AS e1", 0, "22012")
	call(conn, "SELECT missing AS e2", 0, "42703")
	call(conn, "SELEC e3", 0, "42601", pgx.QueryExecModeSimpleProtocol)
	call(conn, "INSERT INTO items VALUES ($1, $2)", 0, "23505", 31, "again")
	// A batch is a pipeline with one Sync.
	batch := &pgx.Batch{}
	for n := 41; n <= 60; n++ {
		batch.Queue("SELECT generate_series(1, $1::int) AS q", n)
	}
	results := conn.SendBatch(ctx, batch)
	for n := 41; n <= 60; n++ {
		rows, err := results.Query()
		if err != nil {
			log.Fatal(err)
		}
		count := 0
		for rows.Next() {
			count++
		}
		if count != n {
			log.Fatalf("batch: %d rows instead of %d", count, n)
		}
		fmt.Printf("{\"text\": \"SELECT generate_series(1, $1::int) AS q\", \"rows\": %d, \"code\": null}\n", n)
	}
	if err := results.Close(); err != nil {
		log.Fatal(err)
	}
	tx, err := conn.Begin(ctx)
	if err != nil {
		log.Fatal(err)
	}
	call(tx, "SELECT generate_series(1, 40) AS u40", 40, "")
	if err := tx.Rollback(ctx); err != nil {
		log.Fatal(err)
	}
	conn.Close(ctx)
}
