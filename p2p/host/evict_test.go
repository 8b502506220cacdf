package host

import (
	"testing"
	"time"
)

// drawn returns n candidates of one group and without merits, each a second
// younger than the one before, and numbered.
func drawn(n int) []candidate {
	list := make([]candidate, n)
	for i := range list {
		list[i] = candidate{
			peer:      &Peer{num: int64(i)},
			relay:     true,
			connected: time.Unix(int64(1000+i), 0),
		}
	}
	return list
}

func TestChoose(t *testing.T) {
	// Without merits, as many are safe as merits would save, and the older half of
	// the others.
	const safe = safeByGroup + safeByPing + safeByTx + safeByBlock
	if p := choose(drawn(safe)); p != nil {
		t.Errorf("%d of %d goes", p.num, safe)
	}
	if p := choose(drawn(40)); p == nil || p.num != 39 {
		t.Errorf("%v goes, not the youngest", p)
	}
	// Each of these saves the youngest.
	for name, merit := range map[string]func(*candidate){
		"protected": func(c *candidate) { c.protected = true },
		"group":     func(c *candidate) { c.group[0] = 255 },
		"ping":      func(c *candidate) { c.ping = time.Millisecond },
		"tx":        func(c *candidate) { c.tx = 1 },
		"block":     func(c *candidate) { c.block = 1 },
		"age":       func(c *candidate) { c.connected = time.Unix(1, 0) },
		"local":     func(c *candidate) { c.local = true },
	} {
		list := drawn(40)
		merit(&list[39])
		p := choose(list)
		if p == nil || p.num == 39 {
			t.Errorf("%s: %v goes", name, p)
		}
	}
	// Peers that want no transactions are safe by the blocks that they bring.
	list := drawn(60)
	for i := 40; i < 60; i++ {
		list[i].block = int64(i)
	}
	for i := 46; i < 54; i++ {
		list[i].relay = false
	}
	if p := choose(list); p != nil && p.num >= 46 && p.num < 54 {
		t.Errorf("%d goes", p.num)
	}
	// The largest group pays, whatever the age of others.
	list = drawn(60)
	for i := range 30 {
		list[i].group[0] = byte(100 + i%3)
	}
	list[45].group[0] = 7 // alone in its group
	if p := choose(list); p == nil || list[0].group == [32]byte{} && p.num < 30 {
		t.Errorf("%v goes", p)
	}
	for seed := range 100 { // whoever goes is one of those that were there
		list := drawn(seed)
		if p := choose(list); p != nil && int(p.num) >= seed {
			t.Errorf("%d of %d goes", p.num, seed)
		}
	}
}
