package template_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/consensus/chaingen"
	"github.com/keelson-chain/keelson/mempool"
	"github.com/keelson-chain/keelson/miner/template"
	"github.com/keelson-chain/keelson/pow"
	"github.com/keelson-chain/keelson/wire"
)

// payTo is an output script that anybody can spend.
var payTo = []byte{0x51}

func regtest() *consensus.Params { return consensus.Regtest(consensus.RegtestOptions{}) }

// solve returns the block of a template with its proof of work.
func solve(t testing.TB, tmpl *template.Template) *wire.Block {
	t.Helper()
	target, err := pow.Bits(tmpl.Header.Bits).Target()
	if err != nil {
		t.Fatal(err)
	}
	nonce, ok := pow.NewSearcher(tmpl.Header, target).Try(0, 1<<20)
	if !ok {
		t.Fatal("no proof of work")
	}
	b, err := tmpl.Block(nonce)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// draw returns some transactions that a child of the chain's tip can have, of
// which some spend others, and what they pay.
func draw(c *chaingen.Chain, rng *rand.Rand) (txs []*wire.Tx, fees wire.Amount) {
	coins := c.Mature()
	rng.Shuffle(len(coins), func(i, j int) { coins[i], coins[j] = coins[j], coins[i] })
	for range rng.IntN(12) {
		n := min(1+rng.IntN(2), len(coins))
		if n == 0 {
			break
		}
		var sum wire.Amount
		for _, coin := range coins[:n] {
			sum += coin.Coin.Out.Value
		}
		fee := wire.Amount(rng.IntN(5000))
		kinds := []chaingen.Kind{chaingen.P2PKH, chaingen.P2WPKH, chaingen.P2TR}
		left := (sum - fee) / 2
		tx := c.Spend(coins[:n],
			c.Out(kinds[rng.IntN(len(kinds))], rng.IntN(16), left),
			c.Out(kinds[rng.IntN(len(kinds))], rng.IntN(16), sum-fee-left))
		coins = append(coins[n:], c.OutputsOf(tx)...)
		txs = append(txs, tx)
		fees += fee
	}
	return txs, fees
}

// TestValid makes blocks of templates over random transactions, each on top of
// the one before, and has them judged by every rule.
func TestValid(t *testing.T) {
	c := chaingen.New(regtest())
	c.MineN(int(regtest().CoinbaseMaturity))
	rng := rand.New(rand.NewPCG(1, 2))
	most := 0
	for i := range 60 {
		txs, fees := draw(c, rng)
		most = max(most, len(txs))
		sel := template.Of(c.State(), txs)
		sel.Fees = fees
		now := int64(c.Tip().Header.Time) + c.Step
		tmpl := template.New(sel, template.Options{PkScript: c.Script(chaingen.P2WPKH, i%16), Now: now})
		b := solve(t, tmpl.WithExtraNonce(uint64(i)))
		if err := c.ValidateAt(b, now); err != nil {
			t.Fatalf("block %d with %d transactions: %v", i, len(txs), err)
		}
		coinbase := b.Txs[0]
		if want := consensus.Subsidy(regtest(), tmpl.Height()) + fees; coinbase.Outputs[0].Value != want {
			t.Errorf("block %d pays %v, want %v", i, coinbase.Outputs[0].Value, want)
		}
		if last := coinbase.Outputs[len(coinbase.Outputs)-1].PkScript; !bytes.Equal(last, tmpl.Commitment()) {
			t.Errorf("block %d ends in %x, want the commitment %x", i, last, tmpl.Commitment())
		}
		if got := b.Weight() - sel.Weight; got > template.ReservedWeight {
			t.Errorf("header and coinbase of block %d weigh %d", i, got)
		}
		c.Add(b)
	}
	if most < 8 {
		t.Errorf("no block had more than %d transactions", most)
	}
}

// TestOneWrong changes one thing of a template each, which must be noticed.
func TestOneWrong(t *testing.T) {
	c := chaingen.New(regtest())
	c.MineN(int(regtest().CoinbaseMaturity) + 3)
	coins := c.Mature()
	parent := c.Spend(coins[:1])
	child := c.Spend(c.OutputsOf(parent))
	now := int64(c.Tip().Header.Time) + c.Step
	for _, tc := range []struct {
		name  string
		munge func(*mempool.Selection)
		want  error
	}{
		{"as it should be", func(*mempool.Selection) {}, nil},
		{"too many fees", func(s *mempool.Selection) { s.Fees = 2001 }, consensus.ErrCoinbaseAmount},
		{"child first", func(s *mempool.Selection) { s.Txs[0], s.Txs[1] = s.Txs[1], s.Txs[0] }, consensus.ErrMissingInput},
		{"wrong id", func(s *mempool.Selection) { s.Txs[1].TxID[0] ^= 1 }, consensus.ErrMerkleRoot},
		{"wrong wtxid", func(s *mempool.Selection) { s.Txs[1].WTxID[0] ^= 1 }, consensus.ErrWitnessCommitment},
		{"twice", func(s *mempool.Selection) { s.Txs = append(s.Txs, s.Txs[1]) }, consensus.ErrDuplicateTx},
	} {
		t.Run(tc.name, func(t *testing.T) {
			sel := template.Of(c.State(), []*wire.Tx{parent, child})
			sel.Fees = 2000
			tc.munge(sel)
			b := solve(t, template.New(sel, template.Options{PkScript: payTo, Now: now}))
			if err := c.ValidateAt(b, now); !errors.Is(err, tc.want) {
				t.Errorf("got %v, want %v", err, tc.want)
			}
		})
	}
	sel := template.Of(c.State(), []*wire.Tx{parent})
	sel.Txs[0].Raw = sel.Txs[0].Raw[:20]
	if _, err := template.New(sel, template.Options{PkScript: payTo, Now: now}).Block(0); err == nil {
		t.Error("a transaction that cannot be decoded is no error")
	}
}

// TestLayout holds the coinbase of block 1 of a regtest chain, which pays
// OP_TRUE, against Bitcoin Core's layout.
func TestLayout(t *testing.T) {
	tmpl := template.New(template.Of(consensus.GenesisState(regtest()), nil), template.Options{PkScript: payTo, Now: 1296688602})
	const want = "02000000" + "0001" + "01" + "0000000000000000000000000000000000000000000000000000000000000000" + "ffffffff" +
		"02" + "5100" + "ffffffff" + "02" +
		"00f2052a01000000" + "0151" +
		"0000000000000000" + "266a24aa21a9ede2f61c3f71d1defd3fa999dfa36953755c690689799962b48bebd836974e8cf9" +
		"01" + "20" + "0000000000000000000000000000000000000000000000000000000000000000" + "00000000"
	if got := fmt.Sprintf("%x", tmpl.Coinbase.Append(nil)); got != want {
		t.Errorf("coinbase\n%s, want\n%s", got, want)
	}
	if h := tmpl.Header; h.Version != 0x20000000 || h.Bits != 0x207fffff || h.Nonce != 0 || h.Time != 1296688603 {
		t.Errorf("header %+v", h)
	}
	tmpl = template.New(tmpl.Selection, template.Options{PkScript: payTo, Version: 1337})
	if tmpl.Header.Version != 1337 {
		t.Errorf("version %d", tmpl.Header.Version)
	}
}

// TestExtraNonce rolls it over trees of several sizes: every root is new, is
// that of the whole block, and leaves the template that it came from alone.
func TestExtraNonce(t *testing.T) {
	for _, n := range []int{0, 1, 2, 5, 33} {
		tmpl := template.New(made(n), template.Options{PkScript: payTo})
		before := tmpl.Header
		seen := map[wire.Hash]bool{tmpl.Header.MerkleRoot: true}
		for _, extra := range []uint64{1, 2, 1 << 40, 1<<64 - 1} {
			rolled := tmpl.WithExtraNonce(extra)
			b, err := rolled.Block(7)
			if err != nil {
				t.Fatal(err)
			}
			if root, _ := b.TxMerkleRoot(); root != rolled.Header.MerkleRoot || seen[root] || b.Header.Nonce != 7 {
				t.Errorf("%d transactions, extra nonce %d: root %v, header %v", n, extra, root, rolled.Header.MerkleRoot)
			}
			if !bytes.Equal(rolled.Commitment(), tmpl.Commitment()) {
				t.Errorf("%d transactions: another commitment", n)
			}
			seen[rolled.Header.MerkleRoot] = true
		}
		if again := tmpl.WithExtraNonce(0); again.Header != before || tmpl.Header != before {
			t.Errorf("%d transactions: extra nonce 0 gives %v, want %v", n, again.Header.MerkleRoot, before.MerkleRoot)
		}
	}
}

// TestTime asks for times that the chain has passed, and at which time warps
// are forbidden.
func TestTime(t *testing.T) {
	s := consensus.GenesisState(regtest())
	genesis := int64(s.Times[0])
	bip94 := s
	params := *s.Params
	params.TimeWarpGrace = 600
	bip94.Params = &params
	bip94.Tip.Height = params.Window - 1
	bip94.NumTimes = uint8(len(bip94.Times))
	for i := range bip94.Times {
		bip94.Times[i] = uint32(genesis + 10_000)
	}
	bip94.Times[0] += 5000
	for _, tc := range []struct {
		name      string
		state     consensus.State
		now, want int64
	}{
		{"the clock's", s, genesis + 100, genesis + 100},
		{"long past", s, 0, genesis + 1},
		{"the tip's own", s, genesis, genesis + 1},
		{"first block of a period", bip94, genesis, genesis + 15_000 - 600},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tmpl := template.New(template.Of(tc.state, nil), template.Options{PkScript: payTo, Now: tc.now})
			if got := int64(tmpl.Header.Time); got != tc.want {
				t.Errorf("time %d, want %d", got, tc.want)
			}
			if got := int64(tmpl.WithTime(tc.want + 7).Header.Time); got != tc.want+7 {
				t.Errorf("later it is %d, want %d", got, tc.want+7)
			}
			if got := int64(tmpl.WithTime(0).Header.Time); got != tc.state.MinTime() {
				t.Errorf("at 0 it is %d, want %d", got, tc.state.MinTime())
			}
		})
	}
}

// TestOwnNetwork checks that a block for our own network satisfies the rules
// that Bitcoin's do not know: BIP 54 binds the coinbase to its height.
func TestOwnNetwork(t *testing.T) {
	s := consensus.GenesisState(consensus.Main())
	sel := template.Of(s, nil)
	sel.Fees = 7
	tmpl := template.New(sel, template.Options{PkScript: payTo, Now: int64(s.Times[0]) + 120})
	if cb := tmpl.Coinbase; cb.LockTime != 0 || cb.Inputs[0].Sequence == wire.SequenceFinal || cb.Outputs[0].Value != 10*wire.Coin+7 {
		t.Errorf("coinbase: lock time %d, sequence %x, value %v", cb.LockTime, cb.Inputs[0].Sequence, cb.Outputs[0].Value)
	}
	b, err := tmpl.Block(0)
	if err != nil {
		t.Fatal(err)
	}
	if err := consensus.ValidateBlockContext(s, b); err != nil {
		t.Error(err)
	}
}

// TestBeforeSegwit: no commitment and no witness.
func TestBeforeSegwit(t *testing.T) {
	p := consensus.Regtest(consensus.RegtestOptions{ActivationHeights: map[consensus.Deployment]uint32{consensus.Segwit: 10}})
	tmpl := template.New(template.Of(consensus.GenesisState(p), nil), template.Options{PkScript: payTo})
	if tmpl.Commitment() != nil || len(tmpl.Coinbase.Outputs) != 1 || tmpl.Coinbase.HasWitness() {
		t.Errorf("coinbase %x", tmpl.Coinbase.Append(nil))
	}
}

// made is a selection of n transactions of 561 weight units, a payment with
// one P2WPKH input and two outputs each, which spend nothing that exists.
func made(n int) *mempool.Selection {
	txs := make([]*wire.Tx, n)
	for i := range txs {
		var prev wire.Hash
		binary.LittleEndian.PutUint64(prev[:], uint64(i)+1)
		out := wire.TxOut{Value: 1000, PkScript: append([]byte{0, 20}, make([]byte, 20)...)}
		txs[i] = &wire.Tx{
			Version: 2,
			Inputs:  []wire.TxIn{{PrevOut: wire.OutPoint{TxID: prev}, Witness: [][]byte{make([]byte, 71), make([]byte, 33)}}},
			Outputs: []wire.TxOut{out, out},
		}
	}
	return template.Of(consensus.GenesisState(regtest()), txs)
}

// BenchmarkNew is a template over a full block of payments, once they are
// selected.
func BenchmarkNew(b *testing.B) {
	sel := made(7000)
	b.ReportAllocs()
	for b.Loop() {
		template.New(sel, template.Options{PkScript: payTo})
	}
	b.ReportMetric(float64(sel.Weight), "weight")
}

func BenchmarkWithExtraNonce(b *testing.B) {
	tmpl := template.New(made(7000), template.Options{PkScript: payTo})
	b.ReportAllocs()
	for extra := uint64(1); b.Loop(); extra++ {
		tmpl.WithExtraNonce(extra)
	}
}

func BenchmarkBlock(b *testing.B) {
	tmpl := template.New(made(7000), template.Options{PkScript: payTo})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := tmpl.Block(0); err != nil {
			b.Fatal(err)
		}
	}
}
