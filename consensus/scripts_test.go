package consensus_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/consensus/chaingen"
	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/script/sig"
	"github.com/keelson-chain/keelson/wire"
)

// manyCoins returns a chain with n coins of every kind that signs, and a few
// that anyone can spend.
func manyCoins(n int) (*chaingen.Chain, []consensus.OutCoin) {
	c := grown(consensus.Regtest(consensus.RegtestOptions{}))
	kinds := []chaingen.Kind{chaingen.P2WPKH, chaingen.P2TR, chaingen.P2PKH, chaingen.Anyone}
	var outs []wire.TxOut
	for i := range n {
		outs = append(outs, c.Out(kinds[i%len(kinds)], i%7, 100_000))
	}
	tx := c.Spend(c.Mature()[:1], outs...)
	coins := c.OutputsOf(tx)
	c.Mine(tx)
	for i := range coins {
		coins[i].Coin = c.Coins()[coins[i].OutPoint]
	}
	return c, coins
}

// spendAll returns transactions of 1 to 40 inputs that spend coins.
func spendAll(c *chaingen.Chain, rnd *rand.Rand, coins []consensus.OutCoin) (txs []*wire.Tx) {
	for len(coins) > 0 {
		n := min(1+rnd.IntN(40), len(coins))
		txs = append(txs, c.Spend(coins[:n], c.Out(chaingen.P2WPKH, 0, 1000)))
		coins = coins[n:]
	}
	return txs
}

// corrupt breaks the signature of an input, if it has one.
func corrupt(in *wire.TxIn) bool {
	switch {
	case len(in.Witness) > 0:
		in.Witness[0][len(in.Witness[0])/2] ^= 1
	case len(in.SigScript) > 0:
		in.SigScript[40] ^= 1
	default:
		return false
	}
	return true
}

// TestLowestFailure corrupts random inputs of a block: whatever the number of
// workers, the lowest is reported, which a loop over all inputs finds too.
func TestLowestFailure(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	c, coins := manyCoins(400)
	rounds := 8
	if testing.Short() {
		rounds = 2
	}
	for round := range rounds {
		b := c.Next(spendAll(c, rnd, coins)...).Clone()
		for range rnd.IntN(5) {
			tx := b.Txs[1+rnd.IntN(len(b.Txs)-1)]
			corrupt(&tx.Inputs[rnd.IntN(len(tx.Inputs))])
		}
		spent, err := consensus.Gather(c.State(), b, c.Coins())
		if err != nil {
			t.Fatal(err)
		}
		want := firstScriptError(c.State(), b, spent)
		for workers := range 5 {
			err := consensus.ValidateBlock(c.State(), b, spent, consensus.Options{Workers: workers})
			if err == nil && want == "" {
				continue
			}
			if !errors.Is(err, consensus.ErrScript) || want == "" || !strings.Contains(err.Error(), want) {
				t.Fatalf("round %d, %d workers: %v, want input %q", round, workers, err, want)
			}
		}
	}
}

// firstScriptError runs every script by itself and returns the outpoint of the
// first that fails.
func firstScriptError(s consensus.State, b *wire.Block, spent []consensus.Coin) string {
	for _, tx := range b.Txs[1:] {
		outs := make([]wire.TxOut, len(tx.Inputs))
		for i := range outs {
			outs[i] = spent[i].Out
		}
		spent = spent[len(outs):]
		hashes := script.NewSigHashes(tx, outs)
		for i := range outs {
			if script.Verify(hashes, i, s.ScriptFlags(), sig.Exact{Verifier: sig.DCRD()}) != nil {
				return tx.Inputs[i].PrevOut.String()
			}
		}
	}
	return ""
}

// counting is a verifier that says how it was asked.
type counting struct {
	sig.Verifier
	one, all, bad atomic.Int64
}

func (v *counting) Verify(c *sig.Check) bool {
	v.one.Add(1)
	return v.Verifier.Verify(c)
}

func (v *counting) VerifyAll(cs []sig.Check) bool {
	v.all.Add(int64(len(cs)))
	ok := v.Verifier.VerifyAll(cs)
	if !ok {
		v.bad.Add(1)
	}
	return ok
}

// TestFailedCheckThatHelps: a script may want a signature to be invalid. It
// fails while checks are put off and passes once they are answered.
func TestFailedCheckThatHelps(t *testing.T) {
	c, coins := manyCoins(60)
	template := c.Spend(coins[2:3]) // P2PKH: signature and key
	signature, key := pushes(template.Inputs[0].SigScript)
	not := append(append([]byte{byte(len(key))}, key...), 0xac, 0x91) // key OP_CHECKSIG OP_NOT
	fund := c.Spend(coins[4:5], wire.TxOut{Value: 50_000, PkScript: not})
	odd := &wire.Tx{
		Version: 1,
		Inputs: []wire.TxIn{{
			PrevOut:   wire.OutPoint{TxID: fund.TxID()},
			SigScript: append([]byte{byte(len(signature))}, signature...), // of another transaction
			Sequence:  wire.SequenceFinal,
		}},
		Outputs: []wire.TxOut{c.Out(chaingen.P2TR, 0, 40_000)},
	}
	before, after := c.Spend(coins[8:20]), c.Spend(coins[20:40])
	b := c.Next(before, fund, odd, after)
	spent, err := consensus.Gather(c.State(), b, c.Coins())
	if err != nil {
		t.Fatal(err)
	}
	for workers := range 3 {
		v := &counting{Verifier: sig.DCRD()}
		if err := consensus.ValidateBlock(c.State(), b, spent, consensus.Options{Workers: workers, Sigs: v}); err != nil {
			t.Fatalf("%d workers: %v", workers, err)
		}
		if v.one.Load() == 0 || v.bad.Load() == 0 {
			t.Fatalf("nothing was put off: %d checks at once, %d bad batches", v.one.Load(), v.bad.Load())
		}
	}
	// An invalid input before it is still the one that is reported.
	b = b.Clone()
	corrupt(&b.Txs[1].Inputs[1])
	err = consensus.ValidateBlock(c.State(), b, spent, consensus.Options{})
	if !errors.Is(err, consensus.ErrScript) || !strings.Contains(err.Error(), b.Txs[1].Inputs[1].PrevOut.String()) {
		t.Fatalf("with an invalid input before: %v", err)
	}
}

// pushes splits a script of two short pushes.
func pushes(s []byte) (a, b []byte) {
	n := int(s[0])
	return s[1 : 1+n], s[2+n:]
}

// TestCache: what ValidateTx has verified need not be verified in the block.
func TestCache(t *testing.T) {
	c, coins := manyCoins(40)
	v := &counting{Verifier: sig.DCRD()}
	o := consensus.Options{Workers: 2, Sigs: v, Cache: sig.NewCache(1<<20, [32]byte{1})}
	tx := c.Spend(coins)
	spent := make([]consensus.Coin, len(coins))
	for i := range coins {
		spent[i] = coins[i].Coin
	}
	fee, err := consensus.ValidateTx(c.State(), tx, spent, o)
	if err != nil || fee != 1000 {
		t.Fatalf("fee %v, %v", fee, err)
	}
	if v.one.Load()+v.all.Load() == 0 {
		t.Fatal("nothing was verified")
	}
	v.one.Store(0)
	v.all.Store(0)
	if err := consensus.ValidateBlock(c.State(), c.Next(tx), spent, o); err != nil {
		t.Fatal(err)
	}
	if n := v.one.Load() + v.all.Load(); n > 0 {
		t.Fatalf("%d checks were verified again", n)
	}
}

// TestSkipScripts: an assumed valid block is judged by everything else.
func TestSkipScripts(t *testing.T) {
	c, coins := manyCoins(8)
	b := c.Next(c.Spend(coins)).Clone()
	corrupt(&b.Txs[1].Inputs[0])
	spent, err := consensus.Gather(c.State(), b, c.Coins())
	if err != nil {
		t.Fatal(err)
	}
	if err := consensus.ValidateBlock(c.State(), b, spent, consensus.Options{}); !errors.Is(err, consensus.ErrScript) {
		t.Fatalf("with scripts: %v", err)
	}
	if err := consensus.ValidateBlock(c.State(), b, spent, consensus.Options{SkipScripts: true}); err != nil {
		t.Fatalf("without scripts: %v", err)
	}
	b.Txs[0].Outputs[0].Value++
	if err := consensus.ValidateBlock(c.State(), b, spent, consensus.Options{SkipScripts: true}); !errors.Is(err, consensus.ErrCoinbaseAmount) {
		t.Fatalf("without scripts, too much in the coinbase: %v", err)
	}
}

// nothing is a curve on which no check holds.
type nothing struct{}

func (nothing) Verify(*sig.Check) bool        { return false }
func (nothing) VerifyAll(cs []sig.Check) bool { return len(cs) == 0 }

// TestKnownScripts: what the cache knows to be valid is not run again, under the same
// flags and with the same witness, and what else there is is run as ever.
func TestKnownScripts(t *testing.T) {
	c, coins := manyCoins(300)
	b := c.Next(spendAll(c, rand.New(rand.NewPCG(3, 4)), coins)...)
	txs, flags := b.Txs[1:], c.State().ScriptFlags()
	spent, err := consensus.Gather(c.State(), b, c.Coins())
	if err != nil {
		t.Fatal(err)
	}
	cache := sig.NewCache(1<<20, [32]byte{1})
	known := func(tx *wire.Tx) bool { return cache.HasScripts(tx.WTxID(), uint64(flags)) }

	o := consensus.Options{Cache: cache}
	if err := consensus.VerifyScripts(txs, spent, flags, o); err != nil || known(txs[0]) {
		t.Fatalf("%v; remembered unasked: %v", err, known(txs[0]))
	}
	o.Remember = true
	if err := consensus.VerifyScripts(txs, spent, flags, o); err != nil {
		t.Fatal(err)
	}
	for i, tx := range txs {
		if !known(tx) {
			t.Errorf("transaction %d is not remembered", i)
		}
	}
	broken := txs[0].Clone()
	for i := range broken.Inputs {
		corrupt(&broken.Inputs[i])
	}
	if err := consensus.VerifyScripts([]*wire.Tx{broken}, spent, flags, o); !errors.Is(err, consensus.ErrScript) || known(broken) {
		t.Errorf("other witnesses: %v; remembered: %v", err, known(broken))
	}

	for workers := range 4 {
		// It knows all but a few.
		cache = sig.NewCache(1<<20, [32]byte{2})
		o := consensus.Options{Workers: workers, Sigs: nothing{}, Cache: cache}
		unknown := []int{len(txs) / 3, len(txs) / 2, len(txs) - 1}
		for i, tx := range txs {
			if !slices.Contains(unknown, i) {
				cache.AddScripts(tx.WTxID(), uint64(flags))
			}
		}
		for _, next := range unknown {
			err := consensus.VerifyScripts(txs, spent, flags, o)
			if want := txs[next].TxID().String(); !errors.Is(err, consensus.ErrScript) || !strings.Contains(err.Error(), want) {
				t.Fatalf("%d workers: %v, want an input of %v", workers, err, want)
			}
			cache.AddScripts(txs[next].WTxID(), uint64(flags))
		}
		if err := consensus.VerifyScripts(txs, spent, flags, o); err != nil {
			t.Errorf("%d workers: all are known, and %v", workers, err)
		}
		if err := consensus.VerifyScripts(txs, spent, flags|script.VerifyLowS, o); !errors.Is(err, consensus.ErrScript) {
			t.Errorf("%d workers: under other flags: %v", workers, err)
		}
	}
}
