// The matrix's answers on net/http.
package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
)

func answer(w http.ResponseWriter, r *http.Request) {
	parts := strings.SplitN(r.URL.Path, "/", 3)
	kind, value := parts[1], parts[2]
	count, _ := strconv.Atoi(value)
	switch kind {
	case "item":
		code := 200
		if status := r.URL.Query().Get("status"); status != "" {
			code, _ = strconv.Atoi(status)
		}
		w.Header().Set("X-Item", value)
		w.WriteHeader(code)
		if code != 204 && code != 304 {
			io.WriteString(w, value)
		}
	case "upload":
		received, _ := io.Copy(io.Discard, r.Body)
		w.Header().Set("X-Item", value)
		fmt.Fprint(w, received)
	case "bytes":
		w.Header().Set("Content-Length", value)
		w.Write(bytes.Repeat([]byte("x"), count))
	default:
		for i := 0; i < count; i++ {
			w.Write(bytes.Repeat([]byte("y"), 1000))
			w.(http.Flusher).Flush()
		}
	}
}

func main() {
	listener, err := net.Listen("tcp", net.JoinHostPort(os.Args[1], os.Args[2]))
	if err != nil {
		panic(err)
	}
	fmt.Println("listening", listener.Addr().(*net.TCPAddr).Port)
	panic(http.Serve(listener, http.HandlerFunc(answer)))
}
