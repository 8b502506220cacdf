package descriptor

import (
	"bytes"

	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/script/address"
)

// InferWitness returns the descriptor, with its checksum, that tells most of
// the output script of a witness script that is known: wsh() of a key, of a
// multisig or of a sane miniscript, or addr() of anything else.
func InferWitness(p *address.Prefixes, witnessScript []byte) string {
	text, ok := witnessText(witnessScript)
	if !ok {
		s, err := wsh{raw(witnessScript)}.script(nil)
		if err != nil { // raw has no errors
			panic("descriptor: " + err.Error())
		}
		return Infer(p, s)
	}
	return withChecksum("wsh(" + text + ")")
}

// witnessText is the descriptor of a witness script.
func witnessText(s []byte) (string, bool) {
	switch class, data := script.Classify(s); class {
	case script.PubKey:
		if k, ok := witnessKey(data[0]); ok {
			return string(pk{key: k}.appendText(nil)), true
		}
	case script.Multisig:
		m := multi{threshold: int(data[0][0])}
		for _, b := range data[1 : len(data)-1] {
			if k, ok := witnessKey(b); ok {
				m.keys = append(m.keys, k)
			}
		}
		if len(m.keys) == len(data)-2 {
			return string(m.appendText(nil)), true
		}
	}
	d := decoder{}
	if len(s) > maxWitnessScript || !d.read(s) {
		return "", false
	}
	m := d.expression()
	if m == nil || len(d.tokens) > 0 {
		return "", false
	}
	if bad, _ := m.firstInsane(); bad != nil || !m.typ.has(base|safe) {
		return "", false
	}
	return string(m.appendText(nil)), true
}

// witnessKey is a key that may stand in a witness script, on the curve or not.
func witnessKey(b []byte) (*key, bool) {
	ok := len(b) == 33 && (b[0] == 2 || b[0] == 3)
	return &key{fixed: b}, ok
}

// decoder finds the miniscript of a witness script. It reads from the end,
// where the opcodes stand that tell one expression from another. Its methods
// return nil for what is no miniscript.
type decoder struct {
	tokens []token // the last one is read next
}

// token is an instruction; those that end in VERIFY are two.
type token struct {
	op     script.Opcode
	data   []byte
	number int64 // that it pushes, or -1
}

// read cuts a script into tokens, and fails if it could be written shorter.
func (d *decoder) read(s []byte) bool {
	mergeable := false // with an OP_VERIFY that follows
	start := 0
	t := script.Tokenize(s)
	for t.Next() {
		instruction := s[start:t.Offset()]
		start = t.Offset()
		next := token{op: t.Op, data: t.Data, number: pushedNumber(instruction)}
		split := false
		switch t.Op {
		case script.OpCheckSigVerify, script.OpCheckMultisigVerify, script.OpEqualVerify, script.OpNumEqualVerify:
			split = true
			next.op-- // so it is with all of them
		case script.OpVerify:
			if mergeable {
				return false
			}
		}
		if t.Op <= script.OpPushData4 && !bytes.Equal(new(script.Builder).Data(t.Data).Script(), instruction) {
			return false
		}
		d.tokens = append(d.tokens, next)
		if split {
			d.tokens = append(d.tokens, token{op: script.OpVerify, number: -1})
		}
		mergeable = t.Op == script.OpCheckSig || t.Op == script.OpCheckMultisig || t.Op == script.OpEqual || t.Op == script.OpNumEqual
	}
	return !t.Malformed()
}

// pushedNumber is the number from 0 on that an instruction pushes in the
// shortest way, or -1.
func pushedNumber(instruction []byte) int64 {
	op := script.Opcode(instruction[0])
	n := int64(0)
	switch {
	case op >= script.Op1 && op <= script.Op16:
		return int64(op-script.Op1) + 1
	case len(instruction) > 1+4 || len(instruction) != 1+int(op):
		return -1
	}
	for i, b := range instruction[1:] {
		n |= int64(b) << (8 * i)
	}
	if !bytes.Equal(new(script.Builder).Int(n).Script(), instruction) { // or it is negative, or padded
		return -1
	}
	return n
}

// at returns the token that stands i before the next one.
func (d *decoder) at(i int) token {
	if i >= len(d.tokens) {
		return token{op: script.OpInvalid, number: -1}
	}
	return d.tokens[len(d.tokens)-1-i]
}

// is reports whether the next tokens have these opcodes, in the order of
// reading.
func (d *decoder) is(ops ...script.Opcode) bool {
	for i, op := range ops {
		if d.at(i).op != op {
			return false
		}
	}
	return true
}

func (d *decoder) skip(n int) { d.tokens = d.tokens[:len(d.tokens)-n] }

// take is skip of tokens that must be these.
func (d *decoder) take(ops ...script.Opcode) bool {
	ok := d.is(ops...)
	if ok {
		d.skip(len(ops))
	}
	return ok
}

// make makes an expression of parts, none of which may be nil.
func (d *decoder) make(f fragment, subs ...*miniscript) *miniscript {
	for _, sub := range subs {
		if sub == nil || sub.typ == 0 {
			return nil
		}
	}
	return newMiniscript(miniscript{fragment: f, subs: subs})
}

// expression reads an expression of type B, K or V, which may be and_v().
func (d *decoder) expression() *miniscript {
	last := d.single()
	if last == nil || len(d.tokens) == 0 {
		return last
	}
	switch d.at(0).op {
	case script.OpIf, script.OpElse, script.OpNotIf, script.OpToAltStack, script.OpSwap:
		return last // no expression ends so
	}
	return d.make(andV, d.expression(), last)
}

// second reads an expression of type W.
func (d *decoder) second() *miniscript {
	if d.take(script.OpFromAltStack) {
		m := d.expression()
		if m == nil || !d.take(script.OpToAltStack) {
			return nil
		}
		return d.make(wrapA, m)
	}
	m := d.expression()
	if m == nil || !d.take(script.OpSwap) {
		return nil
	}
	return d.make(wrapS, m)
}

// single reads an expression that is not and_v(): where one of the others ends
// like it, and_v() stands outside of that.
func (d *decoder) single() *miniscript {
	next := d.at(0)
	switch len(next.data) {
	case 33:
		k, ok := witnessKey(next.data)
		if !ok {
			return nil
		}
		d.skip(1)
		return newMiniscript(miniscript{fragment: pkK, keys: []*key{k}})
	case 32:
		return nil // a key of tapscript
	}
	switch next.op {
	case script.Op1:
		d.skip(1)
		return d.make(just1)
	case script.Op0:
		d.skip(1)
		return d.make(just0)
	case script.OpCheckSequenceVerify:
		return d.lock(older)
	case script.OpCheckLockTimeVerify:
		return d.lock(after)
	case script.OpCheckMultisig:
		return d.multi()
	case script.OpEqual:
		return d.equal()
	case script.OpCheckSig:
		d.skip(1)
		return d.make(wrapC, d.single())
	case script.OpVerify:
		d.skip(1)
		return d.make(wrapV, d.single())
	case script.Op0NotEqual:
		d.skip(1)
		return d.make(wrapN, d.single())
	case script.OpEndIf:
		d.skip(1)
		return d.conditional()
	case script.OpBoolAnd:
		d.skip(1)
		return d.pair(andB)
	case script.OpBoolOr:
		d.skip(1)
		return d.pair(orB)
	}
	return nil
}

// pair reads the parts of and_b() or or_b().
func (d *decoder) pair(f fragment) *miniscript {
	y := d.second()
	if y == nil {
		return nil
	}
	return d.make(f, d.single(), y)
}

func (d *decoder) lock(f fragment) *miniscript {
	n := d.at(1).number
	if n < 1 || n > 0x7fffffff {
		return nil
	}
	d.skip(2)
	return newMiniscript(miniscript{fragment: f, number: uint32(n)})
}

func (d *decoder) multi() *miniscript {
	n := int(d.at(1).number)
	if n < 1 || n > script.MaxPubKeysMultisig {
		return nil
	}
	m := miniscript{fragment: multiKeys, keys: make([]*key, n)}
	for i := range n {
		k, ok := witnessKey(d.at(2 + i).data)
		if !ok {
			return nil
		}
		m.keys[n-1-i] = k
	}
	number := d.at(2 + n).number
	if number < 1 || number > int64(n) {
		return nil
	}
	d.skip(3 + n)
	m.number = uint32(number)
	return newMiniscript(m)
}

// equal reads what ends in OP_EQUAL: a hash or thresh().
func (d *decoder) equal() *miniscript {
	if d.at(3).op == script.OpVerify && d.at(4).op == script.OpEqual && d.at(5).number == 32 && d.at(6).op == script.OpSize {
		for f := sha256Of; f <= hash160Of; f++ {
			if h := hashes[f]; d.at(2).op == h.op && len(d.at(1).data) == h.size {
				m := miniscript{fragment: f, hash: d.at(1).data}
				d.skip(7)
				return newMiniscript(m)
			}
		}
	}
	number := d.at(1).number
	if number < 1 {
		return nil
	}
	d.skip(2)
	var subs []*miniscript // from the last one on
	for d.take(script.OpAdd) {
		sub := d.second()
		if sub == nil {
			return nil
		}
		subs = append(subs, sub)
	}
	first := d.single()
	n := len(subs) + 1
	if first == nil || number > int64(n) {
		return nil
	}
	m := miniscript{fragment: thresh, number: uint32(number), subs: make([]*miniscript, n)}
	m.subs[0] = first
	for i, sub := range subs {
		m.subs[n-1-i] = sub
	}
	return newMiniscript(m)
}

// conditional reads what ends in OP_ENDIF.
func (d *decoder) conditional() *miniscript {
	y := d.expression()
	switch {
	case y == nil:
		return nil
	case d.take(script.OpIf, script.OpDup):
		return d.make(wrapD, y)
	case d.take(script.OpIf, script.Op0NotEqual, script.OpSize):
		return d.make(wrapJ, y)
	case d.take(script.OpNotIf, script.OpIfDup):
		return d.make(orD, d.single(), y)
	case d.take(script.OpNotIf):
		return d.make(orC, d.single(), y)
	case !d.take(script.OpElse):
		return nil
	}
	z := d.expression()
	switch {
	case z == nil:
		return nil
	case d.take(script.OpIf):
		return d.make(orI, z, y)
	case d.take(script.OpNotIf):
		return d.make(andOr, d.single(), y, z)
	}
	return nil
}
