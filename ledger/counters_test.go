package ledger

import (
	"context"
	"testing"
)

// TestCounters draws a reorganisation with an invalid block and looks at every
// number:
//
//	105 blocks - fork - a1 - a2
//	                 \- b1 - b2 - b3 - bad
func TestCounters(t *testing.T) {
	s := newSpender(2)
	s.MineN(105)
	s.busyN(5)
	s.Mark("fork")
	l := newTest(t)
	add(t, l, s.Blocks()...)
	before := l.Counters()
	if before.Connected != 110 || before.Validation.Count != 110 || before.Disconnected != 0 || before.Reorganisations != 0 {
		t.Errorf("a straight chain: %+v", before)
	}
	if before.Commits.Count == 0 || before.Validation.Sum == 0 {
		t.Errorf("nothing took any time: %+v", before)
	}
	add(t, l, s.busyN(2)...)
	s.Goto("fork")
	add(t, l, s.busyN(3)...)
	bad := s.invalidBranch()[0]
	if err := l.AddBlock(context.Background(), bad); !isRule(err) {
		t.Fatalf("a coinbase that pays too much: %v", err)
	}

	c := l.Counters()
	if c.Connected != 115 || c.Disconnected != 2 || c.Reorganisations != 1 || c.Invalid != 1 || c.Validation.Count != 116 {
		t.Errorf("a reorganisation: %+v", c)
	}
	if c.CoinHits+c.CoinMisses <= before.CoinHits+before.CoinMisses {
		t.Errorf("no coin was looked up: %+v, before %+v", c, before)
	}
	coins, _ := l.cache.Len()
	if c.CacheCoins != coins || c.CacheBytes != l.cache.Bytes() || coins == 0 {
		t.Errorf("%d coins, %d bytes; the cache has %d, %d", c.CacheCoins, c.CacheBytes, coins, l.cache.Bytes())
	}
	if err := l.Invalidate(context.Background(), l.Tip().Tip.Hash); err != nil {
		t.Fatal(err)
	}
	// The branches are as long as each other now, and the a's were there first.
	if c := l.Counters(); c.Disconnected != 5 || c.Reorganisations != 2 || c.Connected != 117 {
		t.Errorf("a block invalidated by hand: %+v", c)
	}
	if size, err := l.DatabaseSize(); err != nil || size < 0 {
		t.Errorf("database: %d bytes, %v", size, err)
	}
}
