package ledger

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/ledger/coincache"
	"github.com/keelson-chain/keelson/ledger/fsys"
	"github.com/keelson-chain/keelson/ledger/kv"
	"github.com/keelson-chain/keelson/script/sig"
	"github.com/keelson-chain/keelson/wire"
)

// benchBlocks returns a chain whose last two blocks have 1,000 transactions
// each, one input and two outputs: the second spends what the first made.
func benchBlocks(b *testing.B) (*spender, []*wire.Block) {
	s := newSpender(71)
	s.MineN(101)
	const n = 1000
	fan := make([]wire.TxOut, n)
	for i := range fan {
		fan[i] = s.Out(0, i, 4_000_000)
	}
	s.Mine(s.Spend(s.Mature()[:1], fan...))
	for range 2 {
		var txs []*wire.Tx
		for _, c := range s.Mature() {
			if c.Coin.Coinbase {
				continue
			}
			if len(txs) == n {
				break
			}
			half := c.Coin.Out.Value / 3
			txs = append(txs, s.Spend([]consensus.OutCoin{c}, s.Out(0, len(txs), half), s.Out(0, len(txs)+1, half)))
		}
		s.Mine(txs...)
	}
	var blocks []*wire.Block
	for _, block := range s.Blocks() {
		decoded, err := wire.DecodeBlock(block.Bytes())
		if err != nil {
			b.Fatal(err)
		}
		blocks = append(blocks, decoded)
	}
	return s, blocks
}

// believer takes every signature for valid, so that the rest can be measured.
type believer struct{}

func (believer) Verify(*sig.Check) bool     { return true }
func (believer) VerifyAll([]sig.Check) bool { return true }

// BenchmarkConnectBlock connects and disconnects a block of 1,000 inputs: with
// signatures, without them, and as a block whose scripts are known to be valid.
func BenchmarkConnectBlock(b *testing.B) {
	s, blocks := benchBlocks(b)
	for _, c := range []struct {
		name  string
		sigs  sig.Verifier
		known bool
	}{{"full", nil, false}, {"without signatures", believer{}, false}, {"scripts known", nil, true}} {
		b.Run(c.name, func(b *testing.B) {
			cfg := testConfig(newClock().farAhead())
			cfg.Sigs = c.sigs
			l := openTest(b, fsys.Mem(), cfg)
			defer l.Close()
			add(b, l, blocks...)
			n := l.cur
			last := blocks[len(blocks)-1]
			l.mu.Lock()
			defer l.mu.Unlock()
			if err := l.disconnect(); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if !c.known {
					n.status &^= ValidScripts
				}
				s, err := l.gather(n, last)
				if err == nil {
					err = l.judge(s, 1)
				}
				if err != nil {
					b.Fatal(err)
				}
				l.enter(s)
				if err := l.confirm(s); err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				if err := l.disconnect(); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/float64(inputsOf(last)), "µs/input")
			_ = s
		})
	}
}

// BenchmarkIndexes connects a block of 1,000 transactions, one input and two
// outputs each, commits it to a disk, disconnects it and commits that: without an
// index and with each.
func BenchmarkIndexes(b *testing.B) {
	_, blocks := benchBlocks(b)
	for _, c := range []struct {
		name string
		cfg  func(*Config)
	}{
		{"none", func(*Config) {}},
		{"transactions", func(c *Config) { c.TxIndex = true }},
		{"addresses", func(c *Config) { c.AddressIndex = true }},
		{"filters", func(c *Config) { c.BlockFilterIndex = true }},
		{"statistics", func(c *Config) { c.CoinStatsIndex = true }},
	} {
		b.Run(c.name, func(b *testing.B) {
			cfg := diskConfig(b)
			cfg.Now = testConfig(newClock().farAhead()).Now
			cfg.Sigs = believer{}
			c.cfg(&cfg)
			l := openDisk(b, cfg)
			defer l.Close()
			add(b, l, blocks...)
			last := blocks[len(blocks)-1]
			n := l.cur
			l.mu.Lock()
			defer l.mu.Unlock()
			b.ReportAllocs()
			for b.Loop() {
				if err := l.disconnect(); err != nil {
					b.Fatal(err)
				}
				if err := l.commit(true); err != nil {
					b.Fatal(err)
				}
				s, err := l.gather(n, last)
				if err == nil {
					err = l.judge(s, 1)
				}
				if err != nil {
					b.Fatal(err)
				}
				l.enter(s)
				if err := l.confirm(s); err != nil {
					b.Fatal(err)
				}
				if err := l.commit(true); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/float64(inputsOf(last))/2, "µs/input")
		})
	}
}

const benchCoins = 2_000_000

func benchOutPoint(n uint64) (op wire.OutPoint) {
	for i := range 4 {
		binary.LittleEndian.PutUint64(op.TxID[8*i:], (n+1)*(0x9e3779b97f4a7c15+2*uint64(i)))
	}
	return op
}

// BenchmarkCoin looks random ones of 2,000,000 coins up: on disk through the
// ledger and through the database's own Get, and in the cache.
func BenchmarkCoin(b *testing.B) {
	cfg := diskConfig(b)
	l := openDisk(b, cfg)
	defer l.Close()
	script := make([]byte, 22)
	script[1] = 20
	order := rand.New(rand.NewPCG(1, 1)).Perm(benchCoins)
	for len(order) > 0 {
		part := order[:min(200_000, len(order))]
		order = order[len(part):]
		err := l.db.Bulk(func(w kv.Writer) error {
			for _, n := range part {
				op := benchOutPoint(uint64(n))
				copy(script[2:], op.TxID[:])
				c := consensus.Coin{Out: wire.TxOut{Value: wire.Amount(n), PkScript: script}, Height: uint32(n)}
				w.Put(coinKey(nil, &op), appendCoin(nil, &c))
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	if err := l.db.Compact(kv.Prefix([]byte{keyCoin})); err != nil {
		b.Fatal(err)
	}
	r := rand.New(rand.NewPCG(2, 2))
	b.Run("ledger on disk", func(b *testing.B) {
		b.ReportAllocs()
		var c consensus.Coin
		for b.Loop() {
			l.scripts = l.scripts[:0]
			if found, err := (view{l}).FetchCoin(benchOutPoint(r.Uint64N(benchCoins)), &c); !found || err != nil {
				b.Fatal(found, err)
			}
		}
	})
	b.Run("database on disk", func(b *testing.B) {
		b.ReportAllocs()
		var key []byte
		for b.Loop() {
			op := benchOutPoint(r.Uint64N(benchCoins))
			key = coinKey(key[:0], &op)
			if _, err := l.db.Get(key); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("ledger in cache", func(b *testing.B) {
		const n = 500_000
		for i := range uint64(n) {
			op := benchOutPoint(i)
			l.cache.PutClean(&op, &consensus.Coin{Out: wire.TxOut{PkScript: script}})
		}
		b.ReportAllocs()
		var c consensus.Coin
		for b.Loop() {
			l.scripts = l.scripts[:0]
			if found, err := (view{l}).FetchCoin(benchOutPoint(r.Uint64N(n)), &c); !found || err != nil {
				b.Fatal(found, err)
			}
		}
		l.cache = coincache.New(cfg.CacheBytes)
	})
}

// BenchmarkReorganisation goes back and forth between two branches of ten busy
// blocks, with a commit each time.
func BenchmarkReorganisation(b *testing.B) {
	s := newSpender(72)
	s.MineN(105)
	s.Mark("fork")
	l := openDisk(b, func() Config { c := diskConfig(b); c.Now = testConfig(newClock()).Now; return c }())
	defer l.Close()
	add(b, l, s.Blocks()...)
	one := s.busyN(10)
	s.Goto("fork")
	two := s.busyN(10)
	add(b, l, one...)
	add(b, l, two...)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		tips := [2]wire.Hash{two[9].Hash(), one[9].Hash()}
		if err := l.Precious(tips[i%2]); err != nil {
			b.Fatal(err)
		}
		if l.Tip().Tip.Hash != tips[i%2] {
			b.Fatal("no reorganisation")
		}
	}
}

// BenchmarkOpen opens a folder with a chain of 20,000 headers.
func BenchmarkOpen(b *testing.B) {
	files := fsys.Mem()
	cfg := testConfig(newClock().farAhead())
	l := openTest(b, files, cfg)
	tip := regtest.Genesis.Header
	headers := make([]wire.Header, 20_000)
	for i := range headers {
		h := wire.Header{Version: 4, PrevBlock: tip.Hash(), Time: tip.Time + 60, Bits: tip.Bits}
		for h.Hash()[31] > 0x7f {
			h.Nonce++
		}
		headers[i], tip = h, h
	}
	if _, err := l.AddHeaders(headers); err != nil {
		b.Fatal(err)
	}
	if err := l.Close(); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		l, err := openOn(context.Background(), cfg, files)
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		l.Close()
		b.StartTimer()
	}
}
