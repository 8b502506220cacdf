package addrbook_test

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/keelson-chain/keelson/p2p/addrbook"
)

// What a node hears of is drawn, called, and remembered as one that works.
func Example() {
	now := time.Unix(1_700_000_000, 0)
	book := addrbook.New(addrbook.Config{Seed: [32]byte{1}}) // random, but in an example

	addr, err := addrbook.ParseAddr("/ip4/1.2.3.4/udp/7333/quic-v1/p2p/12D3KooWGRUkEBhHwrWyvxyBHVjnTLWQbqyKnLmmQcZWjyTYJ4Uk")
	if err != nil {
		fmt.Println(err)
		return
	}
	source := netip.MustParseAddrPort("5.6.7.8:7333")
	book.Add([]addrbook.Known{{Addr: addr, Services: 9, Seen: now}}, source, 2*time.Hour, now)

	known, _, _ := book.Select(false, now)
	book.Attempt(known.Addr, true, now)
	fmt.Println("moved to the tried:", book.Good(known.Addr, now))
	fmt.Println(addrbook.Group(known.AddrPort.Addr()), known.Addr == addr)
	// Output:
	// moved to the tried: true
	// 1.2.0.0/16 true
}
