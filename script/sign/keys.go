package sign

import (
	"crypto/sha256"

	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/script/sig"
)

// KeyID names a public key by its Hash160. A key and its uncompressed form are
// two.
type KeyID = [20]byte

// Keys is what there is to sign with. The zero Keys and a nil *Keys know
// nothing. Any number of goroutines may sign with one Keys that nobody adds to.
type Keys struct {
	private  map[KeyID]privateKey
	public   map[KeyID]KnownKey
	noOrigin bool                // keys are known, their origins are not told
	redeem   map[[20]byte][]byte // scripts by Hash160
	witness  map[[32]byte][]byte // the same by SHA-256
	outputs  map[[32]byte]*Taproot
	controls map[[32]byte][][]byte // control blocks of the leaves of outputs
}

type privateKey struct {
	*sig.PrivateKey
	pub        []byte
	compressed bool
}

// Add adds a private key, whose public key is used in the form given.
func (k *Keys) Add(key *sig.PrivateKey, compressed bool) {
	if k.private == nil {
		k.private = map[KeyID]privateKey{}
	}
	pub := key.PubKey(compressed)
	k.private[script.Hash160(pub)] = privateKey{key, pub, compressed}
}

// AddKnown adds a public key with its origin, which Produce takes over into its
// Data.
func (k *Keys) AddKnown(known KnownKey) {
	if k.public == nil {
		k.public = map[KeyID]KnownKey{}
	}
	k.public[script.Hash160(known.PubKey)] = known
}

// WithoutPrivate returns Keys that know the same, but for private keys. They
// share what k knows, to which nothing may be added any more.
func (k *Keys) WithoutPrivate() *Keys {
	c := *k
	c.private = nil
	return &c
}

// WithoutOrigins is the same with origins.
func (k *Keys) WithoutOrigins() *Keys {
	c := *k
	c.noOrigin = true
	return &c
}

// AddScript adds a redeem script or witness script, which is kept.
func (k *Keys) AddScript(s []byte) {
	if k.redeem == nil {
		k.redeem, k.witness = map[[20]byte][]byte{}, map[[32]byte][]byte{}
	}
	k.redeem[script.Hash160(s)] = s
	k.witness[sha256.Sum256(s)] = s
}

// Taproot is what the owner of a taproot output knows about it.
type Taproot struct {
	InternalKey [32]byte
	Root        []byte // of the script tree; nil for an output without scripts
	Leaves      []TapLeaf
}

// TapLeaf is a leaf of a script tree.
type TapLeaf struct {
	Version byte
	Script  []byte
	Path    [][32]byte // the siblings on the way to the root
}

// AddTaproot adds an output and returns its key. It returns false if there is
// no such output.
func (k *Keys) AddTaproot(t Taproot) (output [32]byte, ok bool) {
	tweak := script.TapTweakHash(t.InternalKey[:], t.Root)
	output, odd, ok := sig.TweakXOnly(&t.InternalKey, &tweak)
	if !ok {
		return output, false
	}
	var controls [][]byte
	for _, leaf := range t.Leaves {
		control := append([]byte{leaf.Version}, t.InternalKey[:]...)
		if odd {
			control[0] |= 1
		}
		for _, sibling := range leaf.Path {
			control = append(control, sibling[:]...)
		}
		controls = append(controls, control)
	}
	if k.outputs == nil {
		k.outputs, k.controls = map[[32]byte]*Taproot{}, map[[32]byte][][]byte{}
	}
	k.outputs[output], k.controls[output] = &t, controls
	return output, true
}

func (k *Keys) privateKey(id KeyID) (privateKey, bool) {
	if k == nil {
		return privateKey{}, false
	}
	key, ok := k.private[id]
	return key, ok
}

// origin returns the origin of a public key.
func (k *Keys) origin(id KeyID) (Origin, bool) {
	if k == nil || k.noOrigin {
		return Origin{}, false
	}
	known, ok := k.public[id]
	return known.Origin, ok
}

// originOf is origin by an X coordinate.
func (k *Keys) originOf(x []byte) (Origin, bool) {
	for prefix := byte(2); prefix <= 3; prefix++ {
		if o, ok := k.origin(script.Hash160(append([]byte{prefix}, x...))); ok {
			return o, true
		}
	}
	return Origin{}, false
}

// pubKey returns the public key with a hash.
func (k *Keys) pubKey(id KeyID) ([]byte, bool) {
	if key, ok := k.privateKey(id); ok {
		return key.pub, true
	}
	if k == nil {
		return nil, false
	}
	known, ok := k.public[id]
	return known.PubKey, ok
}

// PaysWitness reports whether a witness spends an output script: it is a
// witness program, or the hash of one that k knows.
func (k *Keys) PaysWitness(pkScript []byte) bool {
	class, data := script.Classify(pkScript)
	if class == script.ScriptHash {
		redeem, ok := k.redeemScript(data[0])
		if !ok {
			return false
		}
		pkScript = redeem
	}
	_, _, ok := script.WitnessProgram(pkScript)
	return ok
}

// byXOnly returns the private key of an X coordinate. Only keys in compressed
// form count.
func (k *Keys) byXOnly(x []byte) (*sig.PrivateKey, bool) {
	for prefix := byte(2); prefix <= 3; prefix++ {
		if key, ok := k.privateKey(script.Hash160(append([]byte{prefix}, x...))); ok {
			return key.PrivateKey, true
		}
	}
	return nil, false
}

func (k *Keys) redeemScript(hash []byte) ([]byte, bool) {
	if k == nil {
		return nil, false
	}
	s, ok := k.redeem[[20]byte(hash)]
	return s, ok
}

func (k *Keys) witnessScript(hash []byte) ([]byte, bool) {
	if k == nil {
		return nil, false
	}
	s, ok := k.witness[[32]byte(hash)]
	return s, ok
}

func (k *Keys) taproot(output []byte) (*Taproot, [][]byte) {
	if k == nil {
		return nil, nil
	}
	return k.outputs[[32]byte(output)], k.controls[[32]byte(output)]
}
