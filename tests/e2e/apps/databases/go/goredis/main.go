// go-redis: HOST PORT, or the socket's path and 0. See ../../README.md.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"strings"

	"github.com/redis/go-redis/v9"
)

var ctx = context.Background()

func note(command, key string, err error) {
	line := map[string]any{"command": command, "key": nil, "code": nil}
	if key != "" {
		line["key"] = key
	}
	if err != nil {
		line["code"] = strings.Fields(err.Error())[0]
	}
	out, _ := json.Marshal(line)
	fmt.Println(string(out))
}

func isList(n int) bool { return n%3 == 0 }

func check(n int, value string, err error) {
	if (err != nil) != isList(n) || (err == nil && value != fmt.Sprintf("v%d", n)) {
		log.Fatalf("k%d: %q, %v", n, value, err)
	}
	note("GET", fmt.Sprintf("k%d", n), err)
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func main() {
	options := &redis.Options{Addr: os.Args[1] + ":" + os.Args[2]}
	if os.Args[2] == "0" {
		options = &redis.Options{Network: "unix", Addr: os.Args[1]}
	}
	client := redis.NewClient(options)
	for n := 0; n < 40; n++ {
		key, value := fmt.Sprintf("k%d", n), fmt.Sprintf("v%d", n)
		if isList(n) {
			must(client.RPush(ctx, key, value).Err())
			note("RPUSH", key, nil)
		} else {
			must(client.Set(ctx, key, value, 0).Err())
			note("SET", key, nil)
		}
	}
	for n := 0; n < 40; n++ {
		value, err := client.Get(ctx, fmt.Sprintf("k%d", n)).Result()
		check(n, value, err)
	}
	batch := client.Pipeline()
	for n := 0; n < 40; n++ {
		batch.Get(ctx, fmt.Sprintf("k%d", n))
	}
	commands, _ := batch.Exec(ctx)
	for n, command := range commands {
		value, err := command.(*redis.StringCmd).Result()
		check(n, value, err)
	}
	transaction := client.TxPipeline()
	for n := 0; n < 3; n++ {
		transaction.Set(ctx, fmt.Sprintf("t%d", n), fmt.Sprintf("v%d", n), 0)
	}
	_, err := transaction.Exec(ctx)
	must(err)
	note("MULTI", "", nil)
	for n := 0; n < 3; n++ {
		note("SET", fmt.Sprintf("t%d", n), nil)
	}
	note("EXEC", "", nil)
	note("INCR", "k1", client.Incr(ctx, "k1").Err())
	must(client.Close())
}
