package addrbook

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/keelson-chain/keelson/wire"
)

func isDamaged(err error) bool { return errors.Is(err, ErrDamaged) }

var testConfig = Config{Genesis: wire.Hash{1}, Seed: [32]byte{7}}

// ip4 returns the nth address of the /16 a.b.
func ip4(a, b byte, n int) netip.Addr { return netip.AddrFrom4([4]byte{a, b, byte(n >> 8), byte(n)}) }

// node returns an address of a node, whose id nothing reads.
func node(ip netip.Addr) Addr {
	return Addr{AddrPort: netip.AddrPortFrom(ip, 7333), Transport: TCP, ID: fmt.Sprintf("id-of-%v", ip)}
}

func seen(a Addr, at time.Time) Known { return Known{Addr: a, Services: 9, Seen: at} }

// add1 adds an address that source speaks of, seen at now.
func add1(b *Book, a Addr, source netip.Addr, now time.Time) bool {
	return b.Add([]Known{seen(a, now)}, netip.AddrPortFrom(source, 7333), 0, now) == 1
}

// mustCheck wants tables that fit together.
func mustCheck(t testing.TB, b *Book) {
	t.Helper()
	if err := b.Check(); err != nil {
		t.Fatal(err)
	}
}

// fill gives a book addresses that different groups told of; every third of
// them has worked.
func fill(b *Book, n int, now time.Time) {
	for i := range n {
		a := node(ip4(byte(1+i%100), byte(i*7), i))
		add1(b, a, ip4(byte(11+i%50), byte(i), 1), now)
		if i%3 == 0 {
			b.Good(a, now)
		}
	}
}

var v6Longest = netip.MustParseAddrPort("[2a00:1:2:3:4:5:6:7]:7333")
