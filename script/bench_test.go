package script_test

import (
	"testing"

	"github.com/keelson-chain/keelson/internal/vectors"
	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/script/sig"
	"github.com/keelson-chain/keelson/wire"
)

// yes answers every question with yes, so that what is left is the engine.
type yes struct{}

func (yes) Check(*sig.Check) bool { return true }
func (yes) Defer(*sig.Check) bool { return true }

// benchSpend calls f with a transaction of each kind with one input and at most
// two outputs.
func benchSpend(b *testing.B, f func(b *testing.B, s spend)) {
	spends := mixedChain(b)
	for _, kind := range kinds {
		for _, s := range spends {
			if len(s.tx.Inputs) == 1 && len(s.tx.Outputs) <= 2 && s.kind(0) == kind {
				b.Run(kind, func(b *testing.B) {
					b.ReportAllocs()
					f(b, s)
				})
				break
			}
		}
	}
}

func BenchmarkVerify(b *testing.B) {
	benchSpend(b, func(b *testing.B, s spend) {
		sigs := sig.Exact{Verifier: sig.DCRD()}
		for b.Loop() {
			if err := script.Verify(s.hashes(), 0, script.MandatoryFlags, sigs); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkVerifyNoCurve is everything but the curve: hashes and engine.
func BenchmarkVerifyNoCurve(b *testing.B) {
	benchSpend(b, func(b *testing.B, s spend) {
		for b.Loop() {
			if err := script.Verify(s.hashes(), 0, script.MandatoryFlags, yes{}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkInterpretNoCurve is the same without short cuts.
func BenchmarkInterpretNoCurve(b *testing.B) {
	benchSpend(b, func(b *testing.B, s spend) {
		for b.Loop() {
			if err := script.VerifyInterpreted(s.hashes(), 0, script.MandatoryFlags, yes{}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// manyInputs returns a transaction with 89 inputs. Its file holds one of
// another currency, whose first part happens to read as one of Bitcoin.
func manyInputs(t testing.TB) *wire.Tx {
	t.Helper()
	const size = 3682
	b := unhex(t, string(vectors.Read(t, "btcd/txscript/data/many_inputs_tx.hex")))
	tx, err := wire.DecodeTx(b[:size])
	if err != nil {
		t.Fatal(err)
	}
	return tx
}

// BenchmarkSigHash hashes every input of a transaction with many.
func BenchmarkSigHash(b *testing.B) {
	tx := manyInputs(b)
	spent := make([]wire.TxOut, len(tx.Inputs))
	for i := range spent {
		spent[i] = wire.TxOut{Value: 1, PkScript: make([]byte, 34)}
	}
	code := make([]byte, 25)
	for name, hash := range map[string]func(s *script.SigHashes, input int){
		"Legacy":    func(s *script.SigHashes, input int) { s.Legacy(code, input, script.SigHashAll) },
		"WitnessV0": func(s *script.SigHashes, input int) { s.WitnessV0(code, input, script.SigHashAll) },
		"Taproot":   func(s *script.SigHashes, input int) { s.Taproot(input, script.SigHashDefault, nil, nil) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s := script.NewSigHashes(tx, spent)
				for i := range tx.Inputs {
					hash(s, i)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(tx.Inputs)), "ns/input")
		})
	}
}

func BenchmarkHash160(b *testing.B) {
	b.ReportAllocs()
	key := make([]byte, 33)
	for b.Loop() {
		script.Hash160(key)
	}
}

func BenchmarkCountSigOps(b *testing.B) {
	b.ReportAllocs()
	code := mixedChain(b)[0].spent[0].PkScript
	for b.Loop() {
		script.CountLegacySigOps(code, false)
	}
}
