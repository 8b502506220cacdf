package host

import (
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/keelson-chain/keelson/p2p/addrbook"
)

// Bans that come at the same time are all in the file when they are in force.
func TestBansAtOnceAreSaved(t *testing.T) {
	n := start(t, func(c *Config) { c.Dir = t.TempDir() })
	const bans = 100
	var wg sync.WaitGroup
	for i := range bans {
		wg.Go(func() {
			if err := n.Ban(fmt.Sprintf("192.0.2.%d", i), time.Now().Add(time.Hour)); err != nil {
				t.Errorf("ban %d: %v", i, err)
			}
		})
	}
	wg.Wait()
	saved, err := addrbook.LoadBans(filepath.Join(n.cfg.Dir, banFile))
	if err != nil {
		t.Fatal(err)
	}
	if got := len(saved.List(time.Now())); got != bans {
		t.Errorf("%d bans are saved, not %d", got, bans)
	}
}
