package script_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"testing"

	"github.com/keelson-chain/keelson/internal/vectors"
	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/script/sig"
	"github.com/keelson-chain/keelson/wire"
)

// guess answers by the last bit of the signature, so that both answers come up.
type guess struct{}

func (guess) Check(c *sig.Check) bool {
	return c.Kind == sig.Tweak || len(c.Sig) > 0 && c.Sig[len(c.Sig)-1]&1 == 0
}

func (g guess) Defer(c *sig.Check) bool { return g.Check(c) }

// fuzzSpend builds the spend of an output that code stands behind, in the way
// that mode says: as it is, as redeem script, as witness script, both, as
// tapscript, or as output script with a witness.
func fuzzSpend(mode byte, elements, code []byte) (sigScript, pkScript []byte, witness [][]byte) {
	switch mode % 6 {
	case 0:
		return elements, code, nil
	case 1:
		hash := script.Hash160(code)
		return script.AppendPush(bytes.Clone(elements), code),
			new(script.Builder).Op(script.OpHash160).Data(hash[:]).Op(script.OpEqual).Script(), nil
	case 2, 3:
		hash := sha256.Sum256(code)
		pkScript = append([]byte{0, 32}, hash[:]...)
		if mode%6 == 3 {
			redeem := script.Hash160(pkScript)
			sigScript = script.AppendPush(nil, pkScript)
			pkScript = new(script.Builder).Op(script.OpHash160).Data(redeem[:]).Op(script.OpEqual).Script()
		}
		return sigScript, pkScript, append(split(elements), code)
	case 4:
		control := append([]byte{0xc0}, make([]byte, 32)...)
		return nil, append([]byte{0x51, 32}, bytes.Repeat([]byte{1}, 32)...), append(split(elements), code, control)
	}
	return nil, code, split(elements)
}

// split cuts b into elements that each begin with their length.
func split(b []byte) (elements [][]byte) {
	for len(b) > 0 {
		n := min(int(b[0]), len(b)-1)
		elements = append(elements, b[1:1+n])
		b = b[1+n:]
	}
	return elements
}

// FuzzVerify: no input makes the engine panic, a short cut never differs from
// the interpreter, and what passes still passes with fewer rules.
func FuzzVerify(f *testing.F) {
	var rows [][]any
	if err := json.Unmarshal(vectors.Read(f, core+"script_tests.json"), &rows); err != nil {
		f.Fatal(err)
	}
	for i, row := range rows {
		if len(row) < 4 {
			continue
		}
		sigText, ok := row[0].(string)
		pkText, _ := row[1].(string)
		if !ok {
			continue
		}
		sigScript, err1 := script.Assemble(sigText)
		pkScript, err2 := script.Assemble(pkText)
		if err1 != nil || err2 != nil {
			f.Fatal(err1, err2)
		}
		f.Add(byte(i), sigScript, pkScript, uint32(i)*0x9e3779b1, uint32(0), uint32(i), uint32(0))
	}
	f.Fuzz(func(t *testing.T, mode byte, elements, code []byte, flags, fewer, sequence, lockTime uint32) {
		sigScript, pkScript, witness := fuzzSpend(mode, elements, code)
		tx := &wire.Tx{
			Version:  2,
			Inputs:   []wire.TxIn{{SigScript: sigScript, Witness: witness, Sequence: sequence}, {Sequence: 1}},
			Outputs:  make([]wire.TxOut, mode>>7),
			LockTime: lockTime,
		}
		hashes := script.NewSigHashes(tx, []wire.TxOut{{Value: 1, PkScript: pkScript}, {Value: 2}})
		before := tx.Append(nil)

		rules := script.Flags(flags)
		short := script.Verify(hashes, 0, rules, guess{})
		if long := script.VerifyInterpreted(hashes, 0, rules, guess{}); short != long {
			t.Errorf("short cut gives %v, the interpreter %v", short, long)
		}
		if short == nil {
			// What a rule includes must not be left without it.
			less := rules & script.Flags(fewer)
			if err := script.Verify(hashes, 0, less, guess{}); err != nil {
				t.Errorf("passes with flags %v, and with fewer, %v: %v", rules, less, err)
			}
		}
		if !bytes.Equal(tx.Append(nil), before) {
			t.Error("the transaction was changed")
		}
	})
}

// FuzzScript: whatever reads a script takes every script, and the instructions
// put together give the script again.
func FuzzScript(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0x51, 0x4c, 0x02, 0x01})
	f.Fuzz(func(t *testing.T, code []byte) {
		script.Classify(code)
		script.DisassembleSigScript(code)
		rough, accurate := script.CountLegacySigOps(code, false), script.CountLegacySigOps(code, true)
		if accurate > rough {
			t.Errorf("%d sigops accurately, %d roughly", accurate, rough)
		}
		script.WitnessSigOps(code, code, [][]byte{code}, script.VerifyWitness)

		at := 0
		tok := script.Tokenize(code)
		for tok.Next() {
			if tok.Offset() <= at || !bytes.HasSuffix(code[at:tok.Offset()], tok.Data) || code[at] != byte(tok.Op) {
				t.Fatalf("%v with %x from %d to %d", tok.Op, tok.Data, at, tok.Offset())
			}
			at = tok.Offset()
		}
		if tok.Malformed() == (at == len(code)) {
			t.Errorf("malformed %v, but read up to %d of %d", tok.Malformed(), at, len(code))
		}
		hashes := script.NewSigHashes(&wire.Tx{Inputs: make([]wire.TxIn, 1)}, []wire.TxOut{{PkScript: code}})
		hashes.Legacy(code, 0, 1)
	})
}

// FuzzAssemble: every text gives a script or an error, and a text twice gives
// the script twice.
func FuzzAssemble(f *testing.F) {
	f.Add("DUP HASH160 0x02 0x0102 'abc' -5 RESERVED")
	f.Fuzz(func(t *testing.T, text string) {
		code, err := script.Assemble(text)
		if err != nil {
			return
		}
		again, err := script.Assemble(text + "\n" + text)
		if err != nil || !bytes.Equal(again, append(bytes.Clone(code), code...)) {
			t.Errorf("%q twice: %x, %v, want %x twice", text, again, err, code)
		}
	})
}
