package script_test

import (
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/script/sig"
	"github.com/keelson-chain/keelson/wire"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.TrimSpace(s))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// plainLegacy is the legacy signature hash as it was first written down: a
// copy of the transaction is changed and hashed as a whole.
func plainLegacy(tx *wire.Tx, subscript []byte, input int, hashType uint32) wire.Hash {
	if hashType&0x1f == 3 && input >= len(tx.Outputs) {
		return wire.Hash{1}
	}
	tx = tx.Clone()
	var code []byte
	for t := script.Tokenize(subscript); t.Next(); {
		if t.Op == script.OpCodeSeparator {
			continue
		}
		code = append(code, byte(t.Op))
		if t.Op == script.OpPushData1 {
			code = append(code, byte(len(t.Data)))
		}
		code = append(code, t.Data...)
	}
	for i := range tx.Inputs {
		tx.Inputs[i].SigScript = nil
		if i != input && (hashType&0x1f == 2 || hashType&0x1f == 3) {
			tx.Inputs[i].Sequence = 0
		}
	}
	tx.Inputs[input].SigScript = code
	switch hashType & 0x1f {
	case 2:
		tx.Outputs = nil
	case 3:
		tx.Outputs = tx.Outputs[:input+1]
		for i := range input {
			tx.Outputs[i] = wire.TxOut{Value: -1}
		}
	}
	if hashType&0x80 != 0 {
		tx.Inputs = tx.Inputs[input : input+1]
	}
	return wire.DoubleSHA256(binary.LittleEndian.AppendUint32(tx.AppendNoWitness(nil), hashType))
}

// TestLegacyManyInputs compares with plainLegacy around every place where the
// state of the hash is kept, from several goroutines at once.
func TestLegacyManyInputs(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	code := new(script.Builder).Data(make([]byte, 80)).Op(script.OpCodeSeparator).Op(script.OpCheckSig).Script()
	for _, n := range []int{1, 2, 31, 32, 33, 63, 64, 65, 96, 97, 300} {
		tx := &wire.Tx{Version: rng.Uint32(), LockTime: rng.Uint32()}
		for range n {
			var in wire.TxIn
			binary.LittleEndian.PutUint64(in.PrevOut.TxID[:], rng.Uint64())
			in.PrevOut.Index, in.Sequence = rng.Uint32(), rng.Uint32()
			in.SigScript = make([]byte, rng.IntN(100))
			tx.Inputs = append(tx.Inputs, in)
		}
		for range rng.IntN(n) + 1 {
			tx.Outputs = append(tx.Outputs, wire.TxOut{Value: wire.Amount(rng.Int64()), PkScript: make([]byte, rng.IntN(300))})
		}
		hashes := script.NewSigHashes(tx, nil)
		var wg sync.WaitGroup
		for i := range n {
			wg.Go(func() {
				for _, hashType := range []uint32{0, 1, 2, 3, 4, 0x81, 0x82, 0x83, 0x12345601, 0xffffffff, 0x41, 0x63} {
					got, want := wire.Hash(hashes.Legacy(code, i, hashType)), plainLegacy(tx, code, i, hashType)
					if got != want {
						t.Errorf("input %d of %d, hash type %#x: %v, want %v", i, n, hashType, got, want)
					}
				}
			})
		}
		wg.Wait()
	}
}

// TestLegacyMalformed: of a script that ends in a malformed push, the length
// counts every byte, but the bytes behind the push's own length are missing.
func TestLegacyMalformed(t *testing.T) {
	tx := &wire.Tx{Inputs: make([]wire.TxIn, 1), Outputs: make([]wire.TxOut, 1)}
	hashes := script.NewSigHashes(tx, nil)
	for subscript, hashed := range map[string]string{
		"51ab4c050102": "05" + "51" + "4c05",
		"5102aa":       "03" + "51" + "02",
		"514d01":       "03" + "51" + "4d",
		"ab4e01000000": "05" + "4e01000000",
	} {
		const at = 4 + 1 + 36 // where the script stands
		b := tx.AppendNoWitness(nil)
		msg := append(b[:at:at], unhex(t, hashed)...)
		msg = append(append(msg, b[at+1:]...), 1, 0, 0, 0)
		if got, want := wire.Hash(hashes.Legacy(unhex(t, subscript), 0, 1)), wire.DoubleSHA256(msg); got != want {
			t.Errorf("%s: %v, want %v", subscript, got, want)
		}
	}
}

func TestLegacyManyInputsReal(t *testing.T) {
	tx := manyInputs(t)
	hashes := script.NewSigHashes(tx, nil)
	code := make([]byte, 25)
	for i := range tx.Inputs {
		if got, want := wire.Hash(hashes.Legacy(code, i, 1)), plainLegacy(tx, code, i, 1); got != want {
			t.Errorf("input %d: %v, want %v", i, got, want)
		}
	}
	if len(tx.Inputs) != 89 {
		t.Errorf("%d inputs, want 89", len(tx.Inputs))
	}
}

// TestSharedSigHashes verifies the inputs of real transactions at once on one
// SigHashes.
func TestSharedSigHashes(t *testing.T) {
	shared := 0
	for _, s := range mixedChain(t)[:200] {
		if len(s.tx.Inputs) < 2 {
			continue
		}
		shared++
		hashes := s.hashes()
		var wg sync.WaitGroup
		for i := range s.tx.Inputs {
			wg.Go(func() {
				code := make([]byte, 25)
				if hashes.WitnessV0(code, i, 1) != s.hashes().WitnessV0(code, i, 1) {
					t.Errorf("input %d of %v: another hash of witness v0", i, s.tx.TxID())
				}
				mine, _ := hashes.Taproot(i, 0, nil, nil)
				own, _ := s.hashes().Taproot(i, 0, nil, nil)
				if mine != own {
					t.Errorf("input %d of %v: another hash of taproot", i, s.tx.TxID())
				}
				if err := script.Verify(hashes, i, script.StandardFlags, sig.Exact{Verifier: sig.DCRD()}); err != nil {
					t.Errorf("input %d of %v: %v", i, s.tx.TxID(), err)
				}
			})
		}
		wg.Wait()
	}
	if shared < 20 {
		t.Errorf("%d transactions have two inputs", shared)
	}
}
