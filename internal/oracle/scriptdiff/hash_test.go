package scriptdiff

import (
	"testing"

	"github.com/btcsuite/btcd/txscript/v2"

	"github.com/keelson-chain/keelson/internal/oracle/corpus"
	"github.com/keelson-chain/keelson/script"
)

// TestHashes compares the hashes that signatures from before taproot commit to,
// of any script code and any hash type, defined or not. (Signatures made for
// the generated spends show the same for valid ones, taproot's too.)
func TestHashes(t *testing.T) {
	spends, err := corpus.Spends()
	if err != nil {
		t.Fatal(err)
	}
	g := &Generator{spends}
	n := uint64(50_000)
	if testing.Short() {
		n = 5_000
	}
	legacy, segwit := 0, 0
	for i := range n {
		rng := newRand(8, i)
		s := spends[rng.IntN(len(spends))]
		s.Tx, s.Spent = cloneTx(&s)
		s.Input = rng.IntN(len(s.Tx.Inputs))
		if rng.IntN(2) == 0 {
			g.mutate(rng, &s)
		}
		code := g.mutateScript(rng, spends[rng.IntN(len(spends))].Spent[0].PkScript)
		for range rng.IntN(3) {
			code = append(code[:len(code):len(code)], byte(script.OpCodeSeparator), byte(script.OpCheckSig))
		}
		hashType := pick(rng, 1, 2, 3, 0x81, 0x82, 0x83, uint32(byte(rng.Uint32())), rng.Uint32())
		ours := script.NewSigHashes(s.Tx, s.Spent)
		tx := toBTCD(&s)
		if h, err := txscript.CalcSignatureHash(code, txscript.SigHashType(hashType), tx, s.Input); err == nil {
			legacy++
			if got := ours.Legacy(code, s.Input, hashType); got != [32]byte(h) {
				t.Fatalf("input %d: legacy hash of type %08x is %x, by btcd %x\ncode %x\n%s", i, hashType, got, h, code, Describe(&s, Verdict{}))
			}
		}
		if txscript.IsPayToWitnessPubKeyHash(code) {
			continue // which btcd takes for an output script and not for code
		}
		hashType &= 0xff
		outs := txscript.NewCannedPrevOutputFetcher(nil, 0)
		h, err := txscript.CalcWitnessSigHash(code, txscript.NewTxSigHashes(tx, outs), txscript.SigHashType(hashType), tx, s.Input, int64(s.Spent[s.Input].Value))
		if err == nil {
			segwit++
			if got := ours.WitnessV0(code, s.Input, hashType); got != [32]byte(h) {
				t.Fatalf("input %d: segwit hash of type %02x is %x, by btcd %x\ncode %x\n%s", i, hashType, got, h, code, Describe(&s, Verdict{}))
			}
		}
	}
	t.Logf("%d legacy and %d segwit hashes", legacy, segwit)
	if legacy < int(n)/2 || segwit < int(n)/2 {
		t.Errorf("%d legacy and %d segwit hashes of %d", legacy, segwit, n)
	}
}
