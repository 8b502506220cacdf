package sign

import (
	"bytes"
	"slices"

	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/script/sig"
)

// Data is what is known of how to spend a coin: from an input that carries it
// (Tx.Existing), from other people (Merge), and then what Tx.Produce made of it.
type Data struct {
	// Complete says that SigScript and Witness spend the coin.
	Complete  bool
	SigScript []byte
	Witness   [][]byte

	RedeemScript  []byte // nil where not known
	WitnessScript []byte // nil where not known
	Signatures    map[KeyID]Signature
	KeyPath       []byte             // the signature of a taproot output's key
	Leaves        map[LeafKey][]byte // signatures in tapscript

	Known       map[KeyID]KnownKey     // public keys with their origins
	TapKnown    map[[32]byte]TapOrigin // the same of taproot outputs, by X coordinate
	InternalKey [32]byte               // of a taproot output; zeros if not known
	Root        [32]byte               // of its tree; zeros if not known, or there is none
	Scripts     []TapScript            // of its tree, in order
	Output      *Taproot               // the output itself, if the keys know it

	Segwit  bool // whether Produce made a witness, be it incomplete
	Missing Missing
}

// Missing is what Produce would have needed. Taproot outputs miss nothing by
// name.
type Missing struct {
	PubKeys       []KeyID // keys of which there is the hash alone
	Signatures    []KeyID
	RedeemScript  []byte // the Hash160 of it, nil if it is not missing
	WitnessScript []byte // the SHA-256 of it
}

// Signature is an ECDSA signature, with its hash type, and the key it is valid
// under.
type Signature struct{ PubKey, Sig []byte }

// LeafKey is a key, as X coordinate, in a leaf of a taproot tree.
type LeafKey struct{ Key, Leaf [32]byte }

// Merge adds what o knows. If either is complete, d becomes that.
func (d *Data) Merge(o Data) {
	switch {
	case d.Complete:
		return
	case o.Complete:
		*d = o
		return
	}
	if len(d.RedeemScript) == 0 {
		d.RedeemScript = o.RedeemScript
	}
	if len(d.WitnessScript) == 0 {
		d.WitnessScript = o.WitnessScript
	}
	for id, s := range o.Signatures {
		if _, ok := d.Signatures[id]; !ok {
			d.addSignature(id, s)
		}
	}
}

// addKnown adds a key with its origin, if it is not there.
func (d *Data) addKnown(id KeyID, k KnownKey) {
	if d.Known == nil {
		d.Known = map[KeyID]KnownKey{}
	}
	if _, ok := d.Known[id]; !ok {
		d.Known[id] = k
	}
}

// addTapKnown adds the origin of a key that stands in a leaf, or is the
// internal key where leaf is nil.
func (d *Data) addTapKnown(key [32]byte, origin Origin, leaf *[32]byte) {
	if d.TapKnown == nil {
		d.TapKnown = map[[32]byte]TapOrigin{}
	}
	k, ok := d.TapKnown[key]
	if !ok {
		k.Origin = origin
	}
	if leaf != nil {
		at, found := slices.BinarySearchFunc(k.Leaves, *leaf, func(a, b [32]byte) int { return bytes.Compare(a[:], b[:]) })
		if !found {
			k.Leaves = slices.Insert(slices.Clip(k.Leaves), at, *leaf)
		}
	}
	d.TapKnown[key] = k
}

// addOutput adds what is known of a taproot output.
func (d *Data) addOutput(t *Taproot, controls [][]byte) {
	d.Output = t
	if d.InternalKey == [32]byte{} {
		d.InternalKey = t.InternalKey
	}
	if d.Root == [32]byte{} && t.Root != nil {
		d.Root = [32]byte(t.Root)
	}
	scripts := slices.Clone(d.Scripts)
	for i := range t.Leaves {
		s := TapScript{Script: t.Leaves[i].Script, Version: t.Leaves[i].Version}
		at, found := slices.BinarySearchFunc(scripts, s, TapScript.Compare)
		if !found {
			scripts = slices.Insert(scripts, at, s)
		}
		scripts[at].AddControl(controls[i])
	}
	d.Scripts = scripts
}

func (d *Data) addSignature(id KeyID, s Signature) {
	if d.Signatures == nil {
		d.Signatures = map[KeyID]Signature{}
	}
	d.Signatures[id] = s
}

// Existing returns what the input says of how to spend its coin, which must be
// known: all of it if it is complete, else its scripts and those signatures of
// a multisig script that are valid.
func (t *Tx) Existing(input int) Data {
	in := &t.tx.Inputs[input]
	d := Data{SigScript: in.SigScript, Witness: in.Witness}
	if t.verify(input) == nil {
		d.Complete = true
		return d
	}
	stack, version := pushes(in.SigScript), legacy
	code := t.spent[input].PkScript
	class, data := script.Classify(code)
	if last, ok := top(stack); ok && class == script.ScriptHash {
		d.RedeemScript, code = last, last
		class, data = script.Classify(code)
		stack = stack[:len(stack)-1]
	}
	if last, ok := top(in.Witness); ok && class == script.WitnessV0ScriptHash {
		d.WitnessScript, code = last, last
		class, data = script.Classify(code)
		stack, version = in.Witness[:len(in.Witness)-1], witnessV0
	}
	if class == script.Multisig {
		t.match(&d, input, stack, data[1:len(data)-1], code, version)
	}
	return d
}

// top returns the last element, if there is one and it is not empty.
func top(stack [][]byte) ([]byte, bool) {
	if n := len(stack); n > 0 && len(stack[n-1]) > 0 {
		return stack[n-1], true
	}
	return nil, false
}

// match looks for the keys of signatures, which are in the order of the keys.
func (t *Tx) match(d *Data, input int, signatures, keys [][]byte, code []byte, v version) {
	next := 0
	for _, s := range signatures {
		for i := next; i < len(keys); i++ {
			id := script.Hash160(keys[i])
			if _, ok := d.Signatures[id]; !ok {
				if !t.valid(input, s, keys[i], code, v) {
					continue
				}
				d.addSignature(id, Signature{bytes.Clone(keys[i]), s})
			}
			next = i + 1
			break
		}
	}
}

// valid reports whether an ECDSA signature with its hash type is key's.
func (t *Tx) valid(input int, signature, key, code []byte, v version) bool {
	if len(signature) == 0 {
		return false
	}
	end := len(signature) - 1
	return sig.DCRD().Verify(&sig.Check{
		Kind:   sig.ECDSA,
		PubKey: key,
		Sig:    signature[:end],
		Hash:   t.hash(input, code, uint32(signature[end]), v),
	})
}

// pushes returns the elements that a script of pushes leaves on the stack. A
// script with anything else in it does so up to there.
func pushes(s []byte) [][]byte {
	var stack [][]byte
	for t := script.Tokenize(s); t.Next(); {
		switch {
		case t.Op <= script.OpPushData4:
			stack = append(stack, t.Data)
		case t.Op == script.Op1Negate:
			stack = append(stack, []byte{0x81})
		case t.Op >= script.Op1 && t.Op <= script.Op16:
			stack = append(stack, []byte{byte(t.Op-script.Op1) + 1})
		default:
			return stack
		}
	}
	return stack
}

// pushAll is the script that pushes the elements.
func pushAll(elements [][]byte) []byte {
	var b script.Builder
	for _, e := range elements {
		b.Data(e)
	}
	return b.Script()
}
