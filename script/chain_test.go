package script_test

import (
	"encoding/binary"
	"os"
	"slices"
	"sync"
	"testing"

	"github.com/keelson-chain/keelson/internal/vectors"
	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/script/sig"
	"github.com/keelson-chain/keelson/wire"
)

// spend is a transaction of the mixed chain with what it spends.
type spend struct {
	tx    *wire.Tx
	spent []wire.TxOut
}

func (s spend) hashes() *script.SigHashes { return script.NewSigHashes(s.tx, s.spent) }

// mixedChain returns the transactions, but the coinbase, of the first block of
// the mixed chain that is full of them.
func mixedChain(t testing.TB) []spend {
	t.Helper()
	name := vectors.Path(t, "chains/chain-mixed.dat")
	spends, err := readMixedChain(name)
	if err != nil {
		t.Fatal(err)
	}
	return spends
}

var (
	mixedOnce   sync.Once
	mixedSpends []spend
	mixedErr    error
)

func readMixedChain(name string) ([]spend, error) {
	mixedOnce.Do(func() {
		var b []byte
		if b, mixedErr = os.ReadFile(name); mixedErr != nil {
			return
		}
		coins := make(map[wire.OutPoint]wire.TxOut)
		for len(b) > 4 && len(mixedSpends) < 1000 {
			size := binary.LittleEndian.Uint32(b)
			var block *wire.Block
			if block, mixedErr = wire.DecodeBlock(b[4 : 4+size]); mixedErr != nil {
				return
			}
			b = b[4+size:]
			for i, tx := range block.Txs {
				if i > 0 {
					s := spend{tx: tx}
					for j := range tx.Inputs {
						s.spent = append(s.spent, coins[tx.Inputs[j].PrevOut])
					}
					mixedSpends = append(mixedSpends, s)
				}
				for j, out := range tx.Outputs {
					coins[wire.OutPoint{TxID: tx.TxID(), Index: uint32(j)}] = out
				}
			}
		}
	})
	return mixedSpends, mixedErr
}

// kind names what an input of the mixed chain spends.
func (s spend) kind(input int) string {
	class, _ := script.Classify(s.spent[input].PkScript)
	in := &s.tx.Inputs[input]
	switch class {
	case script.PubKeyHash:
		return "P2PKH"
	case script.ScriptHash:
		return "P2SH-P2WPKH"
	case script.WitnessV0KeyHash:
		return "P2WPKH"
	case script.WitnessV0ScriptHash:
		return "P2WSH 2-of-3"
	case script.WitnessV1Taproot:
		if len(in.Witness) == 1 {
			return "P2TR key"
		}
		return "P2TR script"
	}
	return class.String()
}

var kinds = []string{"P2PKH", "P2SH-P2WPKH", "P2WPKH", "P2WSH 2-of-3", "P2TR key", "P2TR script"}

// corrupted returns copies of s, each with one thing wrong about the input.
func (s spend) corrupted(input int) []spend {
	var out []spend
	change := func(munge func(c *spend, in *wire.TxIn)) {
		c := spend{tx: s.tx.Clone(), spent: slices.Clone(s.spent)}
		munge(&c, &c.tx.Inputs[input])
		out = append(out, c)
	}
	change(func(c *spend, _ *wire.TxIn) { c.tx.LockTime++ })
	change(func(c *spend, _ *wire.TxIn) { c.spent[input].Value++ })
	change(func(c *spend, _ *wire.TxIn) {
		c.spent[input].PkScript = slices.Clone(c.spent[input].PkScript)
		c.spent[input].PkScript[5] ^= 1
	})
	change(func(_ *spend, in *wire.TxIn) { in.SigScript = append(in.SigScript, 0) })
	change(func(_ *spend, in *wire.TxIn) { in.Witness = append(in.Witness, []byte{1}) })
	for i, item := range s.tx.Inputs[input].Witness {
		change(func(_ *spend, in *wire.TxIn) { in.Witness[i] = append(in.Witness[i], 0) })
		if len(item) > 0 {
			change(func(_ *spend, in *wire.TxIn) { in.Witness[i] = nil })
		}
		change(func(_ *spend, in *wire.TxIn) { in.Witness = slices.Delete(in.Witness, i, i+1) })
		for at := range min(len(item), 12) {
			change(func(_ *spend, in *wire.TxIn) { in.Witness[i][at] ^= 1 })
		}
	}
	for at := range len(s.tx.Inputs[input].SigScript) {
		change(func(_ *spend, in *wire.TxIn) { in.SigScript[at] ^= 1 })
	}
	return out
}

// TestMixedChain verifies real spends of every kind, and each with one thing
// wrong, with and without short cuts.
func TestMixedChain(t *testing.T) {
	sigs := sig.Exact{Verifier: sig.DCRD(), Cache: sig.NewCache(1<<20, [32]byte{})}
	verify := everyWay(t).Verify
	ran := make(map[string]int)
	for _, s := range mixedChain(t) {
		for i := range s.tx.Inputs {
			kind := s.kind(i)
			if ran[kind]++; ran[kind] > 3 {
				continue
			}
			for _, flags := range []script.Flags{script.MandatoryFlags, script.StandardFlags, 0} {
				if err := verify(s.hashes(), i, flags, sigs); err != nil {
					t.Errorf("%s, input %d of %v with flags %v: %v", kind, i, s.tx.TxID(), flags, err)
				}
			}
			for _, c := range s.corrupted(i) {
				err := verify(c.hashes(), i, script.MandatoryFlags, sigs)
				strict := verify(c.hashes(), i, script.StandardFlags, sigs)
				_ = verify(c.hashes(), i, 0, sigs) // for the agreement alone
				// A P2PKH signature does not cover the amount.
				if strict == nil && kind != "P2PKH" || err != nil && strict == nil {
					t.Errorf("%s, input %d of %v: corrupted, but %v and %v", kind, i, s.tx.TxID(), err, strict)
				}
			}
		}
	}
	for _, kind := range kinds {
		if ran[kind] < 3 {
			t.Errorf("%d inputs of kind %s", ran[kind], kind)
		}
	}
}

// TestDeferred: where every signature is right, what is deferred holds, also
// where the engine must try a signature against several keys.
func TestDeferred(t *testing.T) {
	batch := sig.NewBatch(sig.DCRD(), nil)
	ran := make(map[string]int)
	deferred := make(map[string]bool)
	for _, s := range mixedChain(t) {
		for i := range s.tx.Inputs {
			kind := s.kind(i)
			if ran[kind]++; ran[kind] > 9 {
				continue
			}
			err := script.Verify(s.hashes(), i, script.StandardFlags, batch)
			deferred[kind] = deferred[kind] || batch.Len() > 0
			if ok := batch.Verify(); err != nil || !ok {
				t.Errorf("%s, input %d of %v: %v, batch %v", kind, i, s.tx.TxID(), err, ok)
			}
		}
	}
	for _, kind := range kinds {
		if !deferred[kind] {
			t.Errorf("%s: nothing was deferred", kind)
		}
	}
}
