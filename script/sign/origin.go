package sign

import (
	"bytes"
	"cmp"
	"slices"
)

// Origin says where a key comes from (BIP 174): the fingerprint of a master key,
// which is the first four bytes of its Hash160, and the steps from there, of
// which the hardened ones have the highest bit set.
type Origin struct {
	Fingerprint [4]byte
	Path        []uint32
}

// KnownKey is a public key with its origin.
type KnownKey struct {
	PubKey []byte
	Origin Origin
}

// TapOrigin is the origin of a key, as X coordinate, of a taproot output, with
// the hashes of the leaves that it stands in, in order.
type TapOrigin struct {
	Leaves [][32]byte
	Origin Origin
}

// TapScript is a leaf of a taproot tree with the control blocks that reveal it,
// the shortest first.
type TapScript struct {
	Script   []byte
	Version  byte
	Controls [][]byte
}

// Compare orders leaves by their scripts, then by their versions.
func (s TapScript) Compare(o TapScript) int {
	return cmp.Or(bytes.Compare(s.Script, o.Script), cmp.Compare(s.Version, o.Version))
}

// AddControl adds a control block, unless it is there. The list itself stays as
// it is for those who share it.
func (s *TapScript) AddControl(control []byte) {
	at, found := slices.BinarySearchFunc(s.Controls, control, CompareControls)
	if !found {
		s.Controls = slices.Insert(slices.Clip(s.Controls), at, control)
	}
}

// CompareControls orders control blocks by their length, then by their bytes.
func CompareControls(a, b []byte) int {
	return cmp.Or(cmp.Compare(len(a), len(b)), bytes.Compare(a, b))
}
