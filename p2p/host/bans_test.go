package host

import (
	"fmt"
	"path/filepath"
	"slices"
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

// Whoever has a peer banned does not wait for the disk. The ban is in the file soon,
// and in any case when the host has stopped.
func TestBanningDoesNotWait(t *testing.T) {
	a := start(t, func(c *Config) { c.Dir = t.TempDir() })
	b, c := start(t, nil), start(t, nil)
	saved := func() (ids []string) {
		list, err := addrbook.LoadBans(filepath.Join(a.cfg.Dir, banFile))
		if err != nil {
			t.Fatal(err)
		}
		for _, ban := range list.List(time.Now()) {
			ids = append(ids, ban.Target.String())
		}
		return ids
	}
	_, p := join(t, b, a, "tcp")
	_, q := join(t, c, a, "tcp")

	a.banSaver.mu.Lock() // the disk takes its time
	done := make(chan struct{})
	go func() {
		p.Penalise(BanScore, "bad")
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Error("it waits")
	}
	a.banSaver.mu.Unlock()
	for end := time.Now().Add(time.Minute); len(saved()) == 0 && time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
	}
	if got := saved(); !slices.Equal(got, []string{b.ID()}) {
		t.Errorf("saved: %v", got)
	}
	q.Penalise(BanScore, "bad")
	a.stop()
	if got := saved(); len(got) != 2 || !slices.Contains(got, b.ID()) || !slices.Contains(got, c.ID()) {
		t.Errorf("saved: %v", got)
	}
}
