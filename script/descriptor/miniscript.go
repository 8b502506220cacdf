package descriptor

import (
	"encoding/hex"
	"strconv"

	"github.com/keelson-chain/keelson/script"
)

// Miniscript (BIP 379) writes scripts as expressions whose meaning can be
// worked out: in wsh() and in the leaves of tr(). Here it is read, judged like
// Bitcoin Core does, written, and turned into its script.

// fragment is a kind of expression.
type fragment uint8

const (
	just0 fragment = iota
	just1
	pkK
	pkH
	older
	after
	sha256Of
	hash256Of
	ripemd160Of
	hash160Of
	wrapA
	wrapS
	wrapC
	wrapD
	wrapV
	wrapJ
	wrapN
	andV
	andB
	orB
	orC
	orD
	orI
	andOr
	thresh
	multiKeys  // multi(), in wsh() alone
	multiAKeys // multi_a(), in tapscript alone
)

// fragmentNames has the functions; the others have other ways to be written.
var fragmentNames = [...]string{
	pkK: "pk_k", pkH: "pk_h", older: "older", after: "after", sha256Of: "sha256", hash256Of: "hash256",
	ripemd160Of: "ripemd160", hash160Of: "hash160", andV: "and_v", andB: "and_b", orB: "or_b", orC: "or_c",
	orD: "or_d", orI: "or_i", andOr: "andor", thresh: "thresh", multiKeys: "multi", multiAKeys: "multi_a",
}

// wrapperLetters has the letters of the wrappers, from wrapA on.
const wrapperLetters = "ascdvjn"

// hashes has the opcode of each hash fragment and the length of the hash.
var hashes = map[fragment]struct {
	op   script.Opcode
	size int
}{
	sha256Of:    {script.OpSHA256, 32},
	hash256Of:   {script.OpHash256, 32},
	ripemd160Of: {script.OpRIPEMD160, 20},
	hash160Of:   {script.OpHash160, 20},
}

// miniscript is an expression. What follows from it is worked out when it is
// made; see newMiniscript.
type miniscript struct {
	fragment  fragment
	tapscript bool
	number    uint32 // of older, after, thresh, multi
	keys      []*key
	hash      []byte
	subs      []*miniscript

	typ   msType
	size  int // of the script, in bytes
	ops   opCounts
	stack stackSizes
}

// newMiniscript works out what follows from the other fields of m.
func newMiniscript(m miniscript) *miniscript {
	m.typ = m.typeOf()
	m.size = m.sizeOf()
	m.ops = m.opsOf()
	m.stack = m.stackOf()
	return &m
}

// script implements node.
func (m *miniscript) script(at *place) ([]byte, error) {
	var b script.Builder
	if err := m.build(&b, at, false); err != nil {
		return nil, err
	}
	return b.Script(), nil
}

// opcode is op, or what op followed by OP_VERIFY is in one.
func opcode(op script.Opcode, verify bool) script.Opcode {
	if verify {
		return op + 1 // so it is with all that have such a form
	}
	return op
}

// build appends the script. verify is whether OP_VERIFY follows it, which the
// last opcode takes in if it can; see exposed.
func (m *miniscript) build(b *script.Builder, at *place, verify bool) error {
	switch m.fragment {
	case just0:
		b.Op(script.Op0)
	case just1:
		b.Op(script.Op1)
	case pkK:
		k, err := m.pubKey(m.keys[0], at)
		if err != nil {
			return err
		}
		b.Data(k)
	case pkH:
		k, err := m.pubKey(m.keys[0], at)
		if err != nil {
			return err
		}
		hash := script.Hash160(k)
		b.Op(script.OpDup).Op(script.OpHash160).Data(hash[:]).Op(script.OpEqualVerify)
	case older:
		b.Int(int64(m.number)).Op(script.OpCheckSequenceVerify)
	case after:
		b.Int(int64(m.number)).Op(script.OpCheckLockTimeVerify)
	case sha256Of, hash256Of, ripemd160Of, hash160Of:
		b.Op(script.OpSize).Int(32).Op(script.OpEqualVerify)
		b.Op(hashes[m.fragment].op).Data(m.hash).Op(opcode(script.OpEqual, verify))
	case multiKeys, multiAKeys:
		return m.buildMulti(b, at, verify)
	case thresh:
		for i, sub := range m.subs {
			if err := sub.build(b, at, false); err != nil {
				return err
			}
			if i > 0 {
				b.Op(script.OpAdd)
			}
		}
		b.Int(int64(m.number)).Op(opcode(script.OpEqual, verify))
	default:
		return m.buildOthers(b, at, verify)
	}
	return nil
}

// layouts has the scripts of the fragments that are opcodes around their
// subexpressions; subexpression i stands as sub0 + i.
var layouts = [...][]script.Opcode{
	wrapA: {script.OpToAltStack, sub0, script.OpFromAltStack},
	wrapS: {script.OpSwap, sub0},
	wrapC: {sub0, script.OpCheckSig},
	wrapD: {script.OpDup, script.OpIf, sub0, script.OpEndIf},
	wrapV: {sub0},
	wrapJ: {script.OpSize, script.Op0NotEqual, script.OpIf, sub0, script.OpEndIf},
	wrapN: {sub0, script.Op0NotEqual},
	andV:  {sub0, sub1},
	andB:  {sub0, sub1, script.OpBoolAnd},
	orB:   {sub0, sub1, script.OpBoolOr},
	orC:   {sub0, script.OpNotIf, sub1, script.OpEndIf},
	orD:   {sub0, script.OpIfDup, script.OpNotIf, sub1, script.OpEndIf},
	orI:   {script.OpIf, sub0, script.OpElse, sub1, script.OpEndIf},
	andOr: {sub0, script.OpNotIf, sub2, script.OpElse, sub1, script.OpEndIf},
}

// Opcodes that no script has.
const (
	sub0 script.Opcode = 0xfd + iota
	sub1
	sub2
)

func (m *miniscript) buildOthers(b *script.Builder, at *place, verify bool) error {
	for i, op := range layouts[m.fragment] {
		if op < sub0 {
			if m.fragment == wrapC {
				op = opcode(op, verify)
			}
			b.Op(op)
			continue
		}
		// What follows the whole follows its last part.
		last := i == len(layouts[m.fragment])-1
		if err := m.subs[op-sub0].build(b, at, m.fragment == wrapV || last && verify); err != nil {
			return err
		}
	}
	if m.fragment == wrapV && m.subs[0].typ.has(exposed) {
		b.Op(script.OpVerify)
	}
	return nil
}

func (m *miniscript) buildMulti(b *script.Builder, at *place, verify bool) error {
	if m.fragment == multiKeys {
		b.Int(int64(m.number))
	}
	for i, k := range m.keys {
		data, err := m.pubKey(k, at)
		if err != nil {
			return err
		}
		b.Data(data)
		switch {
		case m.fragment == multiKeys:
		case i == 0:
			b.Op(script.OpCheckSig)
		default:
			b.Op(script.OpCheckSigAdd)
		}
	}
	if m.fragment == multiKeys {
		b.Int(int64(len(m.keys))).Op(opcode(script.OpCheckMultisig, verify))
	} else {
		b.Int(int64(m.number)).Op(opcode(script.OpNumEqual, verify))
	}
	return nil
}

// pubKey is a key in the form of the scripts at hand.
func (m *miniscript) pubKey(k *key, at *place) ([]byte, error) {
	if m.tapscript {
		return k.xOnlyKey(at)
	}
	return k.pubKey(at)
}

// appendText implements node.
func (m *miniscript) appendText(b []byte) []byte { return m.append(b, false) }

// append appends the canonical form. colon is whether letters of wrappers stand
// before it.
func (m *miniscript) append(b []byte, colon bool) []byte {
	if letter, inner := m.wrapper(); letter != 0 {
		return inner.append(append(b, letter), true)
	}
	if colon {
		b = append(b, ':')
	}
	switch m.fragment {
	case just0:
		return append(b, '0')
	case just1:
		return append(b, '1')
	case wrapC: // of a key, or it would be a letter
		name := "pk"
		if m.subs[0].fragment == pkH {
			name = "pkh"
		}
		return appendCall(b, name, m.subs[0].keys[0].appendText)
	case andOr:
		if m.subs[2].fragment == just0 {
			return appendCall(b, "and_n", func(b []byte) []byte { return appendList(b, m.subs[:2]) })
		}
	}
	return appendCall(b, fragmentNames[m.fragment], m.appendArguments)
}

func (m *miniscript) appendArguments(b []byte) []byte {
	switch m.fragment {
	case pkK, pkH:
		return m.keys[0].appendText(b)
	case older, after:
		return strconv.AppendUint(b, uint64(m.number), 10)
	case sha256Of, hash256Of, ripemd160Of, hash160Of:
		return hex.AppendEncode(b, m.hash)
	case multiKeys, multiAKeys:
		b = strconv.AppendUint(b, uint64(m.number), 10)
		for _, k := range m.keys {
			b = k.appendText(append(b, ','))
		}
		return b
	case thresh:
		b = append(strconv.AppendUint(b, uint64(m.number), 10), ',')
	}
	return appendList(b, m.subs)
}

func appendList(b []byte, list []*miniscript) []byte {
	for i, m := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = m.append(b, false)
	}
	return b
}

// wrapper returns the letter that m is written with before a colon, and what it
// wraps, or 0 if m is not written so.
func (m *miniscript) wrapper() (letter byte, inner *miniscript) {
	switch m.fragment {
	case wrapC:
		if f := m.subs[0].fragment; f == pkK || f == pkH {
			return 0, nil
		}
		fallthrough
	case wrapA, wrapS, wrapD, wrapV, wrapJ, wrapN:
		return wrapperLetters[m.fragment-wrapA], m.subs[0]
	case andV:
		if m.subs[1].fragment == just1 {
			return 't', m.subs[0]
		}
	case orI:
		switch {
		case m.subs[0].fragment == just0:
			return 'l', m.subs[1]
		case m.subs[1].fragment == just0:
			return 'u', m.subs[0]
		}
	}
	return 0, nil
}
