package addrbook

import (
	"net/netip"
	"testing"
)

// full returns a book with some 30,000 addresses.
func full(b *testing.B) *Book {
	book := New(testConfig)
	fill(book, 40_000, noon)
	if book.Len() < 20_000 {
		b.Fatal(book.Len())
	}
	return book
}

func BenchmarkAdd(b *testing.B) {
	book := full(b)
	source := netip.AddrPortFrom(ip4(9, 9, 9), 7333)
	list := make([]Known, 1000)
	for i := range list {
		list[i] = seen(node(ip4(byte(1+i%90), byte(i), i*7)), noon)
	}
	b.ReportAllocs()
	for b.Loop() {
		book.Add(list, source, 0, noon)
	}
}

func BenchmarkSelect(b *testing.B) {
	book := full(b)
	b.ReportAllocs()
	for b.Loop() {
		book.Select(false, noon)
	}
}

// The hardest search: one address in all of the new table.
func BenchmarkSelectOne(b *testing.B) {
	book := New(testConfig)
	add1(book, node(ip4(1, 2, 3)), ip4(9, 9, 9), noon)
	b.ReportAllocs()
	for b.Loop() {
		book.Select(false, noon)
	}
}

func BenchmarkAddresses(b *testing.B) {
	book := full(b)
	b.ReportAllocs()
	for b.Loop() {
		book.Addresses(1000, 23, "", noon)
	}
}

func BenchmarkEncode(b *testing.B) {
	book := full(b)
	b.ReportAllocs()
	for b.Loop() {
		b.SetBytes(int64(len(book.encode())))
	}
}

func BenchmarkDecode(b *testing.B) {
	raw := full(b).encode()
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		if err := New(testConfig).decode(raw); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseAddr(b *testing.B) {
	s := "/ip4/192.0.2.7/udp/7333/quic-v1/p2p/" + peerA
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseAddr(s); err != nil {
			b.Fatal(err)
		}
	}
}
