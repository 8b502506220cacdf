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
	known, controls := p.keys.taproot(output)
	if p.d.KeyPath == nil && known != nil {
		if key, ok := p.keys.byXOnly(known.InternalKey[:]); ok {
			tweak := script.TapTweakHash(known.InternalKey[:], known.Root)
			if key, ok = key.Tweaked(&tweak); ok {
				p.d.KeyPath, _ = p.schnorr(key, nil)
			}
		}
	}
	if p.d.KeyPath == nil {
		if key, ok := p.keys.byXOnly(output); ok {
			p.d.KeyPath, _ = p.schnorr(key, nil)
		}
	}
	if p.d.KeyPath != nil {
		return [][]byte{p.d.KeyPath}, true
	}
	if known == nil {
		return nil, false
	}
	var best [][]byte
	for i, leaf := range known.Leaves {
		elements, ok := p.leaf(&leaf)
		if !ok {
			continue
		}
		elements = append(elements, leaf.Script, controls[i])
		if best == nil || witnessSize(elements) < witnessSize(best) {
			best = elements
		}
	}
	return best, best != nil
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
func (p *producer) leaf(leaf *TapLeaf) ([][]byte, bool) {
	if leaf.Version != tapscript {
		return nil, false
	}
	required, keys := matchLeaf(leaf.Script)
	if required == 0 {
		return nil, false
	}
	commitment := script.TapLeaf{Hash: script.TapLeafHash(leaf.Version, leaf.Script), CodeSeparator: 0xffffffff}
	elements, have := make([][]byte, len(keys)), 0
	for i := len(keys) - 1; i >= 0; i-- { // the last element is the first key's
		id := LeafKey{[32]byte(keys[i]), commitment.Hash}
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
