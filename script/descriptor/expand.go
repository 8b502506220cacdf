package descriptor

import (
	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/script/hdkey"
	"github.com/keelson-chain/keelson/script/sig"
)

// Expansion is all that a descriptor says at an index.
type Expansion struct {
	Scripts [][]byte // output scripts, as of Descriptor.Scripts
	Inner   [][]byte // redeem scripts and witness scripts
	Keys    []Key
	Tree    *Tree // of tr(), nil else
}

// Key is a public key of an Expansion.
type Key struct {
	// PubKey is compressed unless it was given otherwise. Where only an X
	// coordinate was given its Y coordinate is even.
	PubKey []byte
	// Fingerprint and Path are its origin: that which the descriptor tells, and
	// the steps from there to the key.
	Fingerprint [4]byte
	Path        []uint32
	Private     *sig.PrivateKey // nil unless the descriptor has it
}

// Tree is what a taproot output is made of.
type Tree struct {
	InternalKey [32]byte
	Root        []byte // nil for an output without scripts
	Leaves      []Leaf // from left to right
}

// Leaf is a leaf of a Tree.
type Leaf struct {
	Version byte
	Script  []byte
	Path    [][32]byte // the siblings on the way to the root
}

// Expand returns what the descriptor says at an index up to [MaxIndex], which
// only ranged descriptors look at. The errors are those of Scripts.
func (d *Descriptor) Expand(index uint32) (*Expansion, error) {
	scripts, err := d.Scripts(index)
	if err != nil {
		return nil, err
	}
	e := &Expansion{Scripts: scripts}
	at := place{index: index, secrets: d.secrets}
	switch root := d.root.(type) {
	case combo:
		if len(scripts) > 2 {
			e.Inner = scripts[2:3] // a witness program, which the fourth wraps
		}
	case sh:
		if err := e.addInner(root.inner, &at); err != nil {
			return nil, err
		}
		if inner, ok := root.inner.(wsh); ok {
			if err := e.addInner(inner.inner, &at); err != nil {
				return nil, err
			}
		}
	case wsh:
		if err := e.addInner(root.inner, &at); err != nil {
			return nil, err
		}
	case tr:
		if e.Tree, err = root.expand(&at); err != nil {
			return nil, err
		}
	}
	for _, k := range d.keys {
		key, err := k.expand(&at)
		if err != nil {
			return nil, err
		}
		e.Keys = append(e.Keys, key)
	}
	return e, nil
}

func (e *Expansion) addInner(n node, at *place) error {
	s, err := n.script(at)
	e.Inner = append(e.Inner, s)
	return err
}

func (n tr) expand(at *place) (*Tree, error) {
	internal, err := n.internal.xOnlyKey(at)
	if err != nil {
		return nil, err
	}
	t := &Tree{InternalKey: [32]byte(internal)}
	if n.tree == nil {
		return t, nil
	}
	root, leaves, err := n.tree.expand(at)
	if err != nil {
		return nil, err
	}
	t.Root, t.Leaves = root[:], leaves
	return t, nil
}

// expand returns the hash of a tree, and its leaves with their ways up to it.
func (t *tree) expand(at *place) (root [32]byte, leaves []Leaf, err error) {
	if t.leaf != nil {
		s, err := t.leaf.script(at)
		return script.TapLeafHash(leafTapscript, s), []Leaf{{Version: leafTapscript, Script: s}}, err
	}
	left, leaves, err := t.left.expand(at)
	if err != nil {
		return root, nil, err
	}
	right, more, err := t.right.expand(at)
	if err != nil {
		return root, nil, err
	}
	for i := range leaves {
		leaves[i].Path = append(leaves[i].Path, right)
	}
	for i := range more {
		more[i].Path = append(more[i].Path, left)
	}
	return script.TapBranchHash(left, right), append(leaves, more...), nil
}

// expand returns the key at a place with its origin.
func (k *key) expand(at *place) (e Key, err error) {
	if e.PubKey, err = k.pubKey(at); err != nil {
		return e, err
	}
	first := e.PubKey
	if k.fixed == nil {
		first = k.extended.Key[:]
	}
	id := script.Hash160(first)
	e.Fingerprint = [4]byte(id[:])
	if k.origin != nil {
		e.Fingerprint, e.Path = k.origin.fingerprint, append(e.Path, k.origin.path...)
	}
	e.Path = append(e.Path, k.path...)
	switch k.wildcard {
	case plain:
		e.Path = append(e.Path, at.index)
	case hardened:
		e.Path = append(e.Path, at.index|hdkey.Hardened)
	}
	e.Private, err = k.privateKey(at)
	return e, err
}

// privateKey returns the private key at a place, nil if the descriptor does not
// have it.
func (k *key) privateKey(at *place) (*sig.PrivateKey, error) {
	secret, ok := at.secrets[string(k.fixed)]
	if k.fixed == nil {
		if secret, ok = at.secrets[string(k.extended.Key[:])]; !ok {
			return nil, nil
		}
		k.onceSecret.Do(func() { k.branchSecret, k.failureSecret = k.findSecret(secret) })
		if k.failureSecret != nil {
			return nil, k.failureSecret
		}
		private := k.branchSecret
		var err error
		switch k.wildcard {
		case plain:
			private, err = private.Child(at.index)
		case hardened:
			private, err = private.Child(at.index | hdkey.Hardened)
		}
		if err != nil {
			return nil, err
		}
		secret = private.Secret
	}
	if !ok {
		return nil, nil
	}
	private, _ := sig.NewPrivateKey(&secret)
	return private, nil
}

// findSecret goes down the path by private keys.
func (k *key) findSecret(secret [32]byte) (private hdkey.Private, err error) {
	private = hdkey.Private{Origin: k.extended.Origin, Chain: k.extended.Chain, Secret: secret}
	for _, step := range k.path {
		if private, err = private.Child(step); err != nil {
			return private, err
		}
	}
	return private, nil
}
