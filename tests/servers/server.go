// The steps of server.py: server PORT STEP…
package main

import (
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

var inFlight atomic.Int64
var sum uint64

func ms(n int) time.Duration { return time.Duration(n) * time.Millisecond }

// Its status; 0: the next step's turn.
func step(text string) func() int {
	words := strings.FieldsFunc(text+":0", func(c rune) bool { return c == '=' || c == ':' })
	value, _ := strconv.Atoi(words[1])
	more, _ := strconv.Atoi(words[2])
	gate := make(chan int, value)
	var lock sync.Mutex
	var due time.Time
	return func() int {
		switch words[0] {
		case "wait":
			time.Sleep(ms(value))
		case "lock":
			lock.Lock()
			time.Sleep(ms(value))
			lock.Unlock()
		case "pool":
			gate <- 1
			time.Sleep(ms(more))
			<-gate
		case "burn":
			x := uint64(value)
			for i := 0; i < value*700000; i++ {
				x = x*6364136223846793005 + 1442695040888963407
			}
			atomic.StoreUint64(&sum, x)
		case "delay":
			lock.Lock()
			if due = due.Add(time.Second / time.Duration(value)); due.Before(time.Now()) {
				due = time.Now()
			}
			mine := due
			lock.Unlock()
			time.Sleep(time.Until(mine))
		case "refuse":
			if inFlight.Load() > int64(value) {
				return more
			}
		}
		return 0
	}
}

func main() {
	var steps []func() int
	for _, text := range os.Args[2:] {
		steps = append(steps, step(text))
	}
	http.HandleFunc("/ping", func(w http.ResponseWriter, r *http.Request) { w.Write([]byte("ok")) })
	http.HandleFunc("/work", func(w http.ResponseWriter, r *http.Request) {
		inFlight.Add(1)
		defer inFlight.Add(-1)
		for _, each := range steps {
			if status := each(); status != 0 {
				w.WriteHeader(status)
				return
			}
		}
		w.Write([]byte("ok"))
	})
	http.ListenAndServe("127.0.0.1:"+os.Args[1], nil)
}
