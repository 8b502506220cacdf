package compact_test

import (
	"math/rand/v2"
	"testing"

	"github.com/keelson-chain/keelson/p2p/compact"
	"github.com/keelson-chain/keelson/p2p/message"
	"github.com/keelson-chain/keelson/wire"
)

// full is a block of 2 MB, and a pool with its transactions and as many others as
// make 50,000.
func full() (b *wire.Block, pool []known) {
	r := rand.New(rand.NewPCG(13, 14))
	b = block(r, 9000, 222)
	for _, tx := range b.Txs[1:] {
		pool = append(pool, known{tx.WTxID(), tx.Append(nil)})
	}
	for len(pool) < 50_000 {
		tx := tx(r, 222)
		pool = append(pool, known{tx.WTxID(), tx.Append(nil)})
	}
	r.Shuffle(len(pool), func(i, j int) { pool[i], pool[j] = pool[j], pool[i] })
	return b, pool
}

type known struct {
	wtxid wire.Hash
	raw   []byte
}

func BenchmarkNew(b *testing.B) {
	block, _ := full()
	b.ReportAllocs()
	for b.Loop() {
		compact.New(block, 1, nil)
	}
}

func BenchmarkDecode(b *testing.B) {
	block, _ := full()
	raw := compact.New(block, 1, nil).Append(nil)
	b.ReportAllocs()
	b.SetBytes(int64(len(raw)))
	for b.Loop() {
		if _, err := message.DecodeCompact(raw); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkMatch finds the transactions of a block in a pool of 50,000.
func BenchmarkMatch(b *testing.B) {
	block, pool := full()
	c := compact.New(block, 1, nil)
	b.ReportAllocs()
	for b.Loop() {
		p := partial(b, c)
		for i := range pool {
			p.Offer(&pool[i].wtxid, pool[i].raw)
		}
		if p.Open() != 0 {
			b.Fatal("incomplete")
		}
	}
}

// BenchmarkReconstruct is what happens between a compact block's arrival and the
// ledger: decoding, finding and putting together, with the merkle root, whose
// transaction ids the ledger needs too.
func BenchmarkReconstruct(b *testing.B) {
	block, pool := full()
	raw := compact.New(block, 1, nil).Append(nil)
	b.ReportAllocs()
	for b.Loop() {
		c, err := message.DecodeCompact(raw)
		if err != nil {
			b.Fatal(err)
		}
		p := partial(b, c)
		for i := range pool {
			p.Offer(&pool[i].wtxid, pool[i].raw)
		}
		if _, err := p.Block(); err != nil {
			b.Fatal(err)
		}
	}
}
