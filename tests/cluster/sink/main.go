// sink is a destination that runs as a Pod: it takes pages of JSON records at POST /
// and lists every record that it took, one a line, at GET /records. A record with
// "refuse":true is refused: the page is answered 200 with that record named as failed.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
)

const maxPage = 8 << 20

var (
	mutex   sync.Mutex
	records []json.RawMessage
)

type failure struct {
	Index     int    `json:"index"`
	Code      string `json:"code"`
	Message   string `json:"message"`
	Retryable bool   `json:"retryable"`
}

func take(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxPage))
	var page []json.RawMessage
	if err == nil {
		err = json.Unmarshal(body, &page)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	failed := []failure{}
	mutex.Lock()
	defer mutex.Unlock()
	for index, record := range page {
		var known struct{ Refuse bool }
		if json.Unmarshal(record, &known) == nil && known.Refuse {
			failed = append(failed, failure{index, "refused", "this record is not wanted here", false})
			continue
		}
		records = append(records, record)
	}
	w.Header().Set("content-type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"failed": failed})
}

func list(w http.ResponseWriter, _ *http.Request) {
	mutex.Lock()
	defer mutex.Unlock()
	for _, record := range records {
		_, _ = fmt.Fprintf(w, "%s\n", record)
	}
}

func main() {
	http.HandleFunc("POST /", take)
	http.HandleFunc("GET /records", list)
	if err := http.ListenAndServe(":8080", nil); err != nil {
		fmt.Fprintln(os.Stderr, "sink:", err)
		os.Exit(1)
	}
}
