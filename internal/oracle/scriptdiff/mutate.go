package scriptdiff

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"math/rand/v2"

	"golang.org/x/crypto/ripemd160" //nolint:staticcheck // OP_RIPEMD160 needs it, by another hand than Keelson's

	"github.com/keelson-chain/keelson/internal/oracle/corpus"
	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/wire"
)

// mutate changes a spend in one to three places. s must own its transaction
// and outputs; the scripts are replaced, never written to.
func (g *Generator) mutate(rng *rand.Rand, s *corpus.Spend) {
	tx := s.Tx.Clone() // for its ids not to be known yet
	s.Tx = tx
	in := &tx.Inputs[s.Input]
	for range 1 + rng.IntN(3) {
		switch rng.IntN(12) {
		case 0:
			tx.Version = pick[uint32](rng, 0, 1, 2, 3, 0x7fffffff, 0x80000000, 0xffffffff)
		case 1:
			tx.LockTime = pick(rng, 0, 1, 499_999_999, 500_000_000, rng.Uint32())
		case 2:
			tx.Inputs[rng.IntN(len(tx.Inputs))].Sequence = pick(rng, 0, 1, 1<<22, 1<<31, 0xfffffffe, 0xffffffff, rng.Uint32())
		case 3:
			s.Spent[rng.IntN(len(s.Spent))].Value ^= wire.Amount(1 + rng.Int64N(1000))
		case 4:
			if rng.IntN(2) == 0 || len(tx.Outputs) == 0 {
				tx.Outputs = append(tx.Outputs, wire.TxOut{Value: wire.Amount(rng.Int64N(1e8)), PkScript: randomBytes(rng, rng.IntN(30))})
			} else {
				tx.Outputs = tx.Outputs[:len(tx.Outputs)-1]
			}
		case 5:
			in.SigScript = g.mutateScript(rng, in.SigScript)
		case 6:
			s.Spent[s.Input].PkScript = g.mutateScript(rng, s.Spent[s.Input].PkScript)
		case 7, 8:
			g.mutateWitness(rng, in)
		default:
			g.mutateCommitted(rng, s)
		}
	}
}

// mutateScript changes, adds or takes away instructions, or bytes.
func (g *Generator) mutateScript(rng *rand.Rand, code []byte) []byte {
	type span struct{ from, to int }
	var spans []span
	last := 0
	t := script.Tokenize(code)
	for t.Next() {
		spans = append(spans, span{last, t.Offset()})
		last = t.Offset()
	}
	if len(spans) == 0 || rng.IntN(10) == 0 {
		if len(code) == 0 {
			return []byte{byte(rng.Uint32())}
		}
		b := bytes.Clone(code)
		at := rng.IntN(len(b))
		switch rng.IntN(3) {
		case 0:
			b[at] ^= 1 << rng.IntN(8)
		case 1:
			b = b[:at]
		case 2:
			b = append(b, byte(rng.Uint32()))
		}
		return b
	}
	at := spans[rng.IntN(len(spans))]
	before, one, after := code[:at.from:at.from], code[at.from:at.to], code[at.to:]
	switch rng.IntN(8) {
	case 0: // take away
		return append(before, after...)
	case 1: // double
		return append(append(before, one...), append(bytes.Clone(one), after...)...)
	case 2: // another opcode
		return append(append(before, byte(rng.Uint32())), after...)
	case 3: // one more opcode
		return append(append(before, byte(script.OpNop)+byte(rng.IntN(0x5a))), append(bytes.Clone(one), after...)...)
	case 4: // other data
		return append(push(before, mutateBytes(rng, pushed(one))), after...)
	case 5: // a longer form of the push
		data := pushed(one)
		if len(data) > 255 {
			return code
		}
		return append(append(append(before, byte(script.OpPushData1), byte(len(data))), data...), after...)
	case 6: // swap with another one
		other := spans[rng.IntN(len(spans))]
		if other.from < at.to {
			return append(append(before, code[other.from:other.to]...), after...)
		}
		b := append(before, code[other.from:other.to]...)
		b = append(b, code[at.to:other.from]...)
		return append(append(b, one...), code[other.to:]...)
	default: // a part of another script
		v := &g.vectors[rng.IntN(len(g.vectors))]
		donor := v.Spent[v.Input].PkScript
		if w := v.Tx.Inputs[v.Input].Witness; len(w) > 0 && rng.IntN(2) == 0 {
			donor = w[max(0, len(w)-2)]
		}
		if len(donor) == 0 {
			return code
		}
		from := rng.IntN(len(donor))
		return append(append(before, donor[from:from+rng.IntN(len(donor)-from)]...), append(bytes.Clone(one), after...)...)
	}
}

// pushed returns what the one instruction pushes.
func pushed(code []byte) []byte {
	t := script.Tokenize(code)
	t.Next()
	return t.Data
}

func mutateBytes(rng *rand.Rand, b []byte) []byte {
	b = bytes.Clone(b)
	if len(b) == 0 {
		return randomBytes(rng, 1+rng.IntN(2))
	}
	at := rng.IntN(len(b))
	switch rng.IntN(6) {
	case 0, 1:
		b[at] ^= 1 << rng.IntN(8)
	case 2:
		b = b[:at]
	case 3:
		b = append(b, byte(rng.Uint32()))
	case 4: // a signature's hash type, or the sign of a number
		b[len(b)-1] = pick[byte](rng, 0, 1, 2, 3, 4, 0x80, 0x81, 0x82, 0x83, 0xff)
	case 5: // a key's type, a control block's version
		b[0] = pick[byte](rng, 0, 2, 3, 4, 5, 6, 7, 0x30, 0x50, 0xc0, 0xc1, 0xc2)
	}
	return b
}

func (g *Generator) mutateWitness(rng *rand.Rand, in *wire.TxIn) {
	w := append([][]byte(nil), in.Witness...)
	if len(w) == 0 {
		in.Witness = append(w, randomBytes(rng, rng.IntN(40)))
		return
	}
	at := rng.IntN(len(w))
	switch rng.IntN(7) {
	case 0, 1, 2:
		w[at] = mutateBytes(rng, w[at])
	case 3:
		w = append(w[:at], w[at+1:]...)
	case 4:
		w = append(w[:at:at], append([][]byte{w[at]}, w[at:]...)...)
	case 5:
		w[at] = nil
	case 6: // an annex, or what looks like one
		w = append(w, append([]byte{0x50}, randomBytes(rng, rng.IntN(3))...))
	}
	in.Witness = w
}

// mutateCommitted changes the script that an output commits to by its hash,
// and makes the output commit to the changed one.
func (g *Generator) mutateCommitted(rng *rand.Rand, s *corpus.Spend) {
	in, out := &s.Tx.Inputs[s.Input], &s.Spent[s.Input]
	version, program, isProgram := script.WitnessProgram(out.PkScript)
	var redeem []byte
	if !isProgram {
		t := script.Tokenize(in.SigScript)
		for t.Next() {
			redeem = t.Data
		}
		version, program, _ = script.WitnessProgram(redeem)
	}
	witness := append([][]byte(nil), in.Witness...)
	switch n := len(witness); {
	case len(program) == 32 && version == 0 && n > 0:
		witness[n-1] = g.mutateScript(rng, witness[n-1])
		in.Witness = witness
		program := payToWitnessScriptHash(witness[n-1])
		if isProgram {
			out.PkScript = program
		} else {
			in.SigScript = push(nil, program)
			out.PkScript = payToScriptHash(program)
		}
	case len(program) == 32 && version == 1 && isProgram && n > 1:
		at := n - 2
		if n > 2 && len(witness[n-1]) > 0 && witness[n-1][0] == 0x50 {
			at--
		}
		if rng.IntN(5) == 0 && len(witness[at+1]) > 0 { // the leaf version
			witness[at+1] = bytes.Clone(witness[at+1])
			witness[at+1][0] = byte(rng.Uint32())
		} else {
			witness[at] = g.mutateScript(rng, witness[at])
		}
		in.Witness = witness
		commitTapscript(s)
	case redeem != nil && bytes.Equal(out.PkScript, payToScriptHash(redeem)):
		code := g.mutateScript(rng, redeem)
		before := in.SigScript[:bytes.LastIndex(in.SigScript, redeem)]
		for _, n := range []int{3, 2, 1} { // the opcode of the push, and its length
			if len(before) >= n && len(push(before[:len(before)-n:len(before)-n], redeem)) == len(in.SigScript) {
				in.SigScript = push(before[:len(before)-n:len(before)-n], code)
				out.PkScript = payToScriptHash(code)
				return
			}
		}
	}
}

func sha256Sum(b []byte) []byte { h := sha256.Sum256(b); return h[:] }
func sha1Sum(b []byte) []byte   { h := sha1.Sum(b); return h[:] }
func ripemd160Sum(b []byte) []byte {
	h := ripemd160.New()
	h.Write(b)
	return h.Sum(nil)
}
