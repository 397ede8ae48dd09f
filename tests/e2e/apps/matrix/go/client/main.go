// A client on net/http's default pool: the matrix's exchanges, its account on stdout.
package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
)

var client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 8}}

func exchange(method, path, query string, body io.Reader) {
	request, err := http.NewRequest(method, os.Args[1]+path+query, body)
	if err != nil {
		panic(err)
	}
	response, err := client.Do(request)
	if err != nil {
		panic(err)
	}
	io.Copy(io.Discard, response.Body)
	response.Body.Close()
	fmt.Println(method, path, response.StatusCode)
}

func main() {
	for i := 0; i < 10; i++ {
		exchange("GET", fmt.Sprintf("/item/k%d", i), "", nil)
	}
	exchange("HEAD", "/item/head", "", nil)
	for _, code := range []int{204, 304, 404, 500} {
		exchange("GET", fmt.Sprintf("/item/s%d", code), fmt.Sprintf("?status=%d", code), nil)
	}
	exchange("GET", "/bytes/0", "", nil)
	exchange("GET", "/bytes/1000000", "", nil)
	exchange("GET", "/stream/5", "", nil)
	body := bytes.Repeat([]byte("u"), 1000000)
	exchange("POST", "/upload/length", "", bytes.NewReader(body))
	exchange("POST", "/upload/chunked", "", io.MultiReader(bytes.NewReader(body)))
	var group sync.WaitGroup
	for c := 0; c < 8; c++ {
		group.Add(1)
		go func() {
			defer group.Done()
			for i := 0; i < 25; i++ {
				exchange("GET", fmt.Sprintf("/item/c%d-%d", c, i), "", nil)
			}
		}()
	}
	group.Wait()
}
