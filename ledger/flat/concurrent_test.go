package flat

import (
	"bytes"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/keelson-chain/keelson/ledger/fsys"
)

// Readers go on beside the writer.
func TestReadBesideWriter(t *testing.T) {
	f, err := Open(newFS(t, fsys.Disk(t.TempDir())), prefix, magic, 10_000, End{})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var mu sync.Mutex
	var records []record
	var wg sync.WaitGroup
	done := make(chan struct{})
	for range 3 {
		wg.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-done:
					return
				default:
				}
				mu.Lock()
				if len(records) == 0 {
					mu.Unlock()
					continue
				}
				rec := records[len(records)-1-i%min(len(records), 20)]
				mu.Unlock()
				if got, err := f.Read(rec.pos); err != nil || !bytes.Equal(got, rec.payload) {
					t.Error(rec.pos, err)
				}
				f.End()
			}
		})
	}
	r := rand.New(rand.NewPCG(4, 4))
	for i := range 500 {
		payload := random(r, r.IntN(2000))
		p, err := f.Append(payload)
		if err != nil {
			t.Fatal(err)
		}
		mu.Lock()
		records = append(records, record{p, payload})
		mu.Unlock()
		if i%50 == 0 {
			if err := f.Sync(); err != nil {
				t.Fatal(err)
			}
		}
	}
	close(done)
	wg.Wait()
}
