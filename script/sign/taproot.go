package sign

import (
	"bytes"

	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/script/sig"
	"github.com/keelson-chain/keelson/wire"
)

// taproot returns the witness that spends an output key: a signature by the
// key, tweaked if its internal key is known, or else the smallest of the leaves
// that can be satisfied.
func (p *producer) taproot(output []byte) ([][]byte, bool) {
	d := p.d
	if known, controls := p.keys.taproot(output); known != nil {
		d.addOutput(known, controls)
	}
	if origin, ok := p.keys.originOf(d.InternalKey[:]); ok {
		d.addTapKnown(d.InternalKey, origin, nil)
	}
	if d.KeyPath == nil {
		if key, ok := p.keys.byXOnly(d.InternalKey[:]); ok {
			tweak := script.TapTweakHash(d.InternalKey[:], root(&d.Root))
			if key, ok = key.Tweaked(&tweak); ok {
				d.KeyPath, _ = p.schnorr(key, nil)
			}
		}
	}
	if d.KeyPath == nil {
		if key, ok := p.keys.byXOnly(output); ok || p.dummy {
			d.KeyPath, _ = p.schnorr(key, nil)
		}
	}
	if d.KeyPath != nil {
		return [][]byte{d.KeyPath}, true
	}
	var best [][]byte
	for i := range d.Scripts {
		s := &d.Scripts[i]
		elements, ok := p.leaf(s.Version, s.Script)
		if !ok {
			continue
		}
		elements = append(elements, s.Script, s.Controls[0])
		if best == nil || witnessSize(elements) < witnessSize(best) {
			best = elements
		}
	}
	return best, best != nil
}

// root is the root of a tree, nil if there is none.
func root(hash *[32]byte) []byte {
	if *hash == [32]byte{} {
		return nil
	}
	return hash[:]
}

func witnessSize(elements [][]byte) int {
	n := wire.CompactSizeLen(uint64(len(elements)))
	for _, e := range elements {
		n += wire.CompactSizeLen(uint64(len(e))) + len(e)
	}
	return n
}

const tapscript = 0xc0 // the leaf version of BIP 342

// leaf returns the elements that satisfy a leaf: that of one key, KEY
// OP_CHECKSIG, or of multi_a(), KEY OP_CHECKSIG KEY OP_CHECKSIGADD ... N
// OP_NUMEQUAL (BIP 387).
func (p *producer) leaf(version byte, code []byte) ([][]byte, bool) {
	if version != tapscript {
		return nil, false
	}
	required, keys := matchLeaf(code)
	if required == 0 {
		return nil, false
	}
	commitment := script.TapLeaf{Hash: script.TapLeafHash(version, code), CodeSeparator: 0xffffffff}
	elements, have := make([][]byte, len(keys)), 0
	for i := len(keys) - 1; i >= 0; i-- { // the last element is the first key's
		id := LeafKey{[32]byte(keys[i]), commitment.Hash}
		if origin, ok := p.keys.originOf(keys[i]); ok {
			p.d.addTapKnown(id.Key, origin, &id.Leaf)
		}
		s, ok := p.d.Leaves[id]
		if !ok {
			var key *sig.PrivateKey
			if key, ok = p.keys.byXOnly(keys[i]); ok {
				s, ok = p.schnorr(key, &commitment)
			}
			if !ok {
				continue
			}
			if p.d.Leaves == nil {
				p.d.Leaves = map[LeafKey][]byte{}
			}
			p.d.Leaves[id] = s
		}
		if have < required {
			elements[len(keys)-1-i] = s
			have++
		}
	}
	return elements, have == required
}

// matchLeaf returns how many signatures by which keys a leaf asks for, 0 if it
// is of another form.
func matchLeaf(code []byte) (required int, keys [][]byte) {
	const pushKey = script.Opcode(32)
	t := script.Tokenize(code)
	op, behind := script.OpCheckSig, 0
	more := t.Next()
	for ; more && t.Op == pushKey; more = t.Next() {
		keys = append(keys, t.Data)
		if !t.Next() || t.Op != op {
			return 0, nil
		}
		op, behind = script.OpCheckSigAdd, t.Offset()
	}
	if len(keys) == 1 && behind == len(code) {
		return 1, keys
	}
	n := 0
	if more && t.Op >= script.Op1 && t.Op <= script.Op16 {
		n = int(t.Op-script.Op1) + 1
	} else if more && len(t.Data) <= 2 {
		for i, b := range t.Data {
			n |= int(b) << (8 * i)
		}
	}
	end := new(script.Builder).Int(int64(n)).Op(script.OpNumEqual).Script()
	if n == 0 || n > len(keys) || !bytes.Equal(code[behind:], end) {
		return 0, nil
	}
	return n, keys
}

// schnorr signs for a taproot output: for its key, or in a leaf.
func (p *producer) schnorr(key *sig.PrivateKey, leaf *script.TapLeaf) ([]byte, bool) {
	if p.dummy {
		return make([]byte, 64), true
	}
	if !p.t.all {
		return nil, false // the signature commits to all coins
	}
	hash, ok := p.t.hashes.Taproot(p.input, byte(p.hashType), nil, leaf)
	if !ok {
		return nil, false
	}
	s := key.SignSchnorr(hash[:], [32]byte{})
	if p.hashType == Default {
		return s[:], true
	}
	return append(s[:], byte(p.hashType)), true
}
