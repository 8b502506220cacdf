package scriptdiff

import (
	"errors"
	"math/rand/v2"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/btcsuite/btcd/txscript/v2"

	"github.com/keelson-chain/keelson/internal/oracle/corpus"
	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/wire"
)

// Generator makes spends. It is safe for concurrent use.
type Generator struct{ vectors []corpus.Spend }

// NewGenerator returns a generator that starts from the public vectors.
func NewGenerator() (*Generator, error) {
	vectors, err := corpus.Spends()
	if err != nil {
		return nil, err
	}
	if len(vectors) == 0 {
		return nil, errors.New("no vectors")
	}
	return &Generator{vectors}, nil
}

// Spend returns the n-th spend of the seed.
func (g *Generator) Spend(seed, n uint64) *corpus.Spend {
	rng := newRand(seed, n)
	flags := randomFlags(rng)
	var s corpus.Spend
	switch k := rng.IntN(100); {
	case k < 30:
		s = g.vectors[rng.IntN(len(g.vectors))]
		s.Tx, s.Spent = cloneTx(&s)
		s.Flags = closed(s.Flags | script.VerifyDERSig)
		if rng.IntN(4) > 0 {
			s.Flags = flags
		}
		g.mutate(rng, &s)
		return &s
	case k < 45:
		d := newDraft(rng, flags)
		d.template()
		d.sign()
		s = d.Spend
	case k < 75:
		d := newDraft(rng, flags)
		d.program()
		d.sign()
		s = d.Spend
	default:
		d := newDraft(rng, flags)
		d.soup()
		d.sign()
		s = d.Spend
	}
	if rng.IntN(5) < 2 {
		g.mutate(rng, &s)
	}
	return &s
}

// cloneTx returns copies that may be changed.
func cloneTx(s *corpus.Spend) (*wire.Tx, []wire.TxOut) {
	return s.Tx.Clone(), append([]wire.TxOut(nil), s.Spent...)
}

// randomFlags returns the rules of consensus, those of policy, or any set of
// them. BIP 66 is always among them: without it btcd reads malformed
// signatures otherwise than Bitcoin Core.
func randomFlags(rng *rand.Rand) script.Flags {
	switch k := rng.IntN(20); {
	case k < 11:
		return script.MandatoryFlags
	case k < 15:
		return script.StandardFlags
	}
	return closed(script.Flags(rng.Uint32())&allFlags | script.VerifyDERSig)
}

// allFlags are the flags that both engines have.
var allFlags = func() (f script.Flags) {
	for _, pair := range btcdFlags {
		f |= pair.ours
	}
	return f
}()

// closed adds the flags without which Bitcoin Core has no meaning for those in
// f (the assertions in VerifyScript), and segwit to taproot, as it is there
// wherever taproot is.
func closed(f script.Flags) script.Flags {
	if f&(script.VerifyTaproot|script.VerifyCleanStack) != 0 {
		f |= script.VerifyWitness
	}
	if f&script.VerifyWitness != 0 {
		f |= script.VerifyP2SH
	}
	return f
}

// template writes one of the standard spends.
func (d *draft) template() {
	key := d.key()
	pub := encodings(key)[pick(d.rng, 0, 0, 0, 1, 2)]
	compressed := encodings(key)[0]
	in, spent := d.in(), &d.Spent[d.Input]
	switch d.rng.IntN(7) {
	case 0: // pay to public key
		d.place(pick(d.rng, bare, bare, inP2SH, inP2WSH), append(push(nil, pub), byte(script.OpCheckSig)), [][]byte{d.ecdsaSig(key)})
	case 1: // pay to public key hash
		code := append(push([]byte{byte(script.OpDup), byte(script.OpHash160)}, hash160(pub)), byte(script.OpEqualVerify), byte(script.OpCheckSig))
		d.place(pick(d.rng, bare, bare, inP2SH, inP2WSH), code, [][]byte{d.ecdsaSig(key), pub})
	case 2: // pay to witness public key hash
		spent.PkScript = push([]byte{byte(script.Op0)}, hash160(compressed))
		in.Witness = [][]byte{d.ecdsaSig(key), compressed}
	case 3: // the same in P2SH
		program := push([]byte{byte(script.Op0)}, hash160(compressed))
		spent.PkScript = payToScriptHash(program)
		in.SigScript = push(nil, program)
		in.Witness = [][]byte{d.ecdsaSig(key), compressed}
	case 4: // taproot key path
		root := randomBytes(d.rng, pick(d.rng, 0, 32))
		tweaked := txscript.TweakTaprootPrivKey(*key, root)
		d.know(tweaked)
		spent.PkScript = push([]byte{byte(script.Op1)}, schnorr.SerializePubKey(tweaked.PubKey()))
		in.Witness = [][]byte{d.schnorrSig(tweaked)}
		if d.rng.IntN(5) == 0 {
			in.Witness = append(in.Witness, append([]byte{txscript.TaprootAnnexTag}, randomBytes(d.rng, d.rng.IntN(40))...))
		}
	case 5: // taproot script path with one signature
		d.place(inTapscript, append(push(nil, schnorr.SerializePubKey(key.PubKey())), byte(script.OpCheckSig)), [][]byte{d.schnorrSig(key)})
	case 6: // multisig
		code, stack := d.multisig(byte(script.OpCheckMultisig))
		d.place(pick(d.rng, bare, inP2SH, inP2WSH, inP2SHP2WSH), code, stack)
	}
}

// multisig returns m keys n op, and a null dummy and m signatures.
func (d *draft) multisig(op byte) (code []byte, stack [][]byte) {
	n := pick(d.rng, 0, 1, 2, 3, 3, 3, 5, 15, 20)
	m := 0
	if n > 0 {
		m = min(1+d.rng.IntN(n), 1+d.rng.IntN(4))
	}
	code = push(nil, number(int64(m)))
	stack = [][]byte{nil}
	if d.rng.IntN(20) == 0 {
		stack[0] = randomBytes(d.rng, d.rng.IntN(3))
	}
	left := m
	for i := range n {
		key := d.key()
		code = push(code, encodings(key)[pick(d.rng, 0, 0, 0, 0, 0, 0, 1, 2)])
		if left > 0 && d.rng.IntN(n-i) < left {
			stack = append(stack, d.ecdsaSig(key))
			left--
		}
	}
	return append(push(code, number(int64(n))), op), stack
}

// A fragment takes its stack, bottom first, and leaves nothing.
type fragment struct {
	code  []byte
	stack [][]byte
}

// program writes a script of fragments that succeeds, mostly.
func (d *draft) program() {
	w := wrap(d.rng.IntN(int(wraps)))
	var code []byte
	var stack [][]byte
	for range 1 + d.rng.IntN(5) {
		f := d.fragment(w, 0)
		code = append(code, f.code...)
		stack = append(f.stack[:len(f.stack):len(f.stack)], stack...)
	}
	code = append(code, byte(script.Op1))
	d.place(w, code, stack)
}

func (d *draft) fragment(w wrap, depth int) fragment {
	if w == inTapscript && d.rng.IntN(4) == 0 {
		return d.tapFragment()
	}
	if w != inTapscript && d.rng.IntN(4) == 0 {
		return d.ecdsaFragment(w)
	}
	op := func(ops ...script.Opcode) (b []byte) {
		for _, o := range ops {
			b = append(b, byte(o))
		}
		return b
	}
	a, b := d.smallInt(), d.smallInt()
	two := push(push(nil, number(a)), number(b))
	switch d.rng.IntN(16) {
	case 0, 1, 2: // a branch
		if depth > 2 {
			return fragment{code: op(script.OpNop)}
		}
		yes, no := d.fragment(w, depth+1), d.fragment(w, depth+1)
		taken := d.rng.IntN(2)
		f := fragment{code: op(pick(d.rng, script.OpIf, script.OpNotIf))}
		condition := taken == 1
		if f.code[0] == byte(script.OpNotIf) {
			condition = !condition
		}
		f.code = append(f.code, yes.code...)
		f.code = append(f.code, byte(script.OpElse))
		f.code = append(f.code, no.code...)
		f.code = append(f.code, byte(script.OpEndIf))
		f.stack = no.stack
		if taken == 1 {
			f.stack = yes.stack
		}
		f.stack = append(f.stack[:len(f.stack):len(f.stack)], d.bool(condition))
		return f
	case 3: // a preimage
		data := randomBytes(d.rng, d.rng.IntN(60))
		hash, sum := d.hashOp(data)
		return fragment{append(push(append(op(script.OpSize, script.OpDrop), hash), sum), byte(script.OpEqualVerify)), [][]byte{data}}
	case 4: // arithmetic
		f := fragment{code: two}
		o, result := d.arithmetic(a, b)
		f.code = append(push(append(f.code, byte(o)), number(result)), byte(script.OpNumEqualVerify))
		return f
	case 5: // a comparison
		f := fragment{code: append(two, byte(pick(d.rng, script.OpLessThan, script.OpGreaterThan, script.OpNumNotEqual,
			script.OpLessThanOrEqual, script.OpBoolAnd, script.OpBoolOr, script.OpNumEqual)), byte(script.OpDrop))}
		return f
	case 6:
		return fragment{code: append(push(nil, number(int64(d.near(d.Tx.LockTime)))), op(script.OpCheckLockTimeVerify, script.OpDrop)...)}
	case 7:
		return fragment{code: append(push(nil, number(int64(d.near(d.in().Sequence)))), op(script.OpCheckSequenceVerify, script.OpDrop)...)}
	case 8:
		return fragment{code: append(two, op(script.OpToAltStack, script.OpToAltStack, script.OpFromAltStack, script.OpFromAltStack, script.Op2Drop)...)}
	case 9:
		return fragment{code: append(append(two, two...), pick(d.rng,
			op(script.Op2Swap, script.Op2Drop, script.Op2Drop),
			op(script.Op2Over, script.Op2Drop, script.Op2Drop, script.Op2Drop),
			op(script.OpRot, script.Op2Drop, script.Op2Drop),
			op(script.OpTuck, script.Op3Dup, script.Op2Drop, script.Op2Drop, script.Op2Drop, script.Op2Drop),
			op(script.OpNip, script.OpOver, script.OpSwap, script.Op2Drop, script.Op2Drop),
			op(script.Op1+1, script.OpPick, script.OpDrop, script.Op2Drop, script.Op2Drop),
			op(script.Op1+2, script.OpRoll, script.OpDrop, script.OpDrop, script.Op2Drop))...)}
	case 10: // what is never run may be almost anything
		f := fragment{code: op(script.Op0, script.OpIf)}
		f.code = append(f.code, byte(pick(d.rng, script.OpReturn, script.OpVer, script.OpReserved, script.OpCodeSeparator,
			script.OpCheckSig, script.OpCheckMultisig, script.Opcode(d.rng.Uint32()), script.OpNop10)))
		f.code = append(f.code, byte(script.OpEndIf))
		return f
	case 11:
		return fragment{code: op(script.OpCodeSeparator)}
	case 12:
		return fragment{code: op(pick(d.rng, script.OpNop, script.OpNop, script.OpNop1, script.OpNop10))}
	case 13:
		data := randomBytes(d.rng, pick(d.rng, 0, 1, 75, 76, 255, 256, 519, 520, 521))
		return fragment{op(script.OpDup, script.OpEqualVerify), [][]byte{data}}
	case 14:
		return fragment{code: op(script.OpDepth, script.OpDrop)}
	default:
		return fragment{code: op(script.OpVerify), stack: [][]byte{d.bool(true)}}
	}
}

// ecdsaFragment is a signature check of a legacy or segwit script.
func (d *draft) ecdsaFragment(w wrap) fragment {
	key := d.key()
	pub := encodings(key)[pick(d.rng, 0, 0, 0, 0, 1, 2)]
	switch d.rng.IntN(6) {
	case 0, 1:
		return fragment{append(push(nil, pub), byte(script.OpCheckSigVerify)), [][]byte{d.ecdsaSig(key)}}
	case 2: // a check that fails
		s := pick(d.rng, nil, nil, d.ecdsaSig(d.key()))
		return fragment{append(push(nil, pub), byte(script.OpCheckSig), byte(script.OpNot), byte(script.OpVerify)), [][]byte{s}}
	case 3: // a signature in the script itself, which the hash leaves out
		if w != bare {
			return fragment{append(push(nil, pub), byte(script.OpCheckSig), byte(script.OpVerify)), [][]byte{d.ecdsaSig(key)}}
		}
		s := d.ecdsaSig(key)
		return fragment{append(push(append(push(nil, s), byte(script.OpDrop)), pub), byte(script.OpCheckSigVerify)), [][]byte{s}}
	default:
		code, stack := d.multisig(byte(script.OpCheckMultisigVerify))
		return fragment{code, stack}
	}
}

// tapFragment is a signature check of a tapscript.
func (d *draft) tapFragment() fragment {
	key, other := d.key(), d.key()
	pub, pub2 := schnorr.SerializePubKey(key.PubKey()), schnorr.SerializePubKey(other.PubKey())
	switch d.rng.IntN(6) {
	case 0, 1:
		return fragment{append(push(nil, pub), byte(script.OpCheckSigVerify)), [][]byte{d.schnorrSig(key)}}
	case 2: // an empty signature
		return fragment{append(push(nil, pub), byte(script.OpCheckSig), byte(script.OpNot), byte(script.OpVerify)), [][]byte{nil}}
	case 3: // a key of a future type
		pub := randomBytes(d.rng, pick(d.rng, 0, 1, 20, 31, 33, 33, 65))
		return fragment{append(push(nil, pub), byte(script.OpCheckSigVerify)), [][]byte{randomBytes(d.rng, pick(d.rng, 1, 64, 65))}}
	default: // two of two by adding
		code := append(push([]byte{byte(script.Op0)}, pub), byte(script.OpCheckSigAdd))
		code = append(push(code, pub2), byte(script.OpCheckSigAdd), byte(script.Op1+1), byte(script.OpNumEqualVerify))
		return fragment{code, [][]byte{d.schnorrSig(other), d.schnorrSig(key)}}
	}
}

func (d *draft) bool(v bool) []byte {
	if v {
		return pick(d.rng, []byte{1}, []byte{1}, []byte{1}, []byte{2}, []byte{0, 1}, []byte{0x80, 0})
	}
	return pick(d.rng, nil, nil, nil, []byte{0}, []byte{0x80}, []byte{0, 0x80})
}

func (d *draft) smallInt() int64 {
	return pick(d.rng, 0, 1, -1, 2, 16, 17, 127, 128, -128, 255, 0x7fffffff, -0x7fffffff, d.rng.Int64N(1<<16), d.rng.Int64N(1<<31))
}

// near returns v or a neighbour of it.
func (d *draft) near(v uint32) uint32 { return pick(d.rng, v, v, v, v-1, v+1, v&0xffff, 0) }

func (d *draft) arithmetic(a, b int64) (script.Opcode, int64) {
	switch d.rng.IntN(4) {
	case 0:
		return script.OpAdd, a + b
	case 1:
		return script.OpSub, a - b
	case 2:
		return script.OpMin, min(a, b)
	}
	return script.OpMax, max(a, b)
}

func (d *draft) hashOp(data []byte) (op byte, sum []byte) {
	switch d.rng.IntN(5) {
	case 0:
		return byte(script.OpHash160), hash160(data)
	case 1:
		h := sha256Sum(data)
		return byte(script.OpSHA256), h
	case 2:
		return byte(script.OpHash256), sha256Sum(sha256Sum(data))
	case 3:
		return byte(script.OpSHA1), sha1Sum(data)
	}
	return byte(script.OpRIPEMD160), ripemd160Sum(data)
}

// soup writes a script of any opcodes, likely ones more often.
func (d *draft) soup() {
	w := wrap(d.rng.IntN(int(wraps)))
	var keys []*btcec.PrivateKey
	for range 2 {
		keys = append(keys, d.key())
	}
	pub := func() []byte {
		key := keys[d.rng.IntN(len(keys))]
		if w == inTapscript {
			return schnorr.SerializePubKey(key.PubKey())
		}
		return encodings(key)[d.rng.IntN(3)]
	}
	signature := func() []byte {
		key := keys[d.rng.IntN(len(keys))]
		if w == inTapscript {
			return d.schnorrSig(key)
		}
		return d.ecdsaSig(key)
	}
	item := func() []byte {
		switch d.rng.IntN(8) {
		case 0:
			return randomBytes(d.rng, d.rng.IntN(6))
		case 1:
			return pub()
		case 2:
			return signature()
		case 3:
			return d.bool(d.rng.IntN(2) == 0)
		}
		return number(d.smallInt())
	}
	var stack [][]byte
	for range d.rng.IntN(8) {
		stack = append(stack, item())
	}
	var code []byte
	for range 1 + d.rng.IntN(20) {
		switch k := d.rng.IntN(20); {
		case k < 6:
			code = push(code, number(int64(d.rng.IntN(5))))
		case k < 8:
			code = push(code, item())
		case k < 9:
			code = append(code, byte(d.rng.Uint32()))
		case k < 11:
			code = append(code, byte(pick(d.rng, script.OpIf, script.OpNotIf, script.OpElse, script.OpEndIf, script.OpEndIf, script.OpVerify)))
		case k < 13:
			code = push(code, pub())
			code = append(code, byte(pick(d.rng, script.OpCheckSig, script.OpCheckSigVerify, script.OpCheckSigAdd, script.OpCheckMultisig)))
		default:
			code = append(code, byte(script.OpNop)+byte(d.rng.IntN(int(script.OpCheckSigAdd-script.OpNop)+1)))
		}
	}
	if d.rng.IntN(100) == 0 { // far too much of it
		for len(code) < 9900 {
			code = append(code, code...)
		}
		code = code[:min(len(code), pick(d.rng, 9999, 10000, 10001, 12000))]
	}
	d.place(w, code, stack)
}

func newRand(seed, n uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, n)) }
