// Package descriptor reads and writes output descriptors, the text that says
// which scripts pay to whom (BIP 380 to 386): it parses them, writes them in
// their canonical form with its checksum, and expands them to output scripts,
// deriving the keys that they take. It also finds the descriptor that tells
// most of any output script.
//
// What Bitcoin Core 28 reads is read here, errors are in its words, and the
// canonical form is its own.
//
// It is not for signing, nor for keeping keys: private keys come in descriptors
// alone, serve to derive public ones, are handed out by Expand, and are never
// written.
package descriptor

import (
	"errors"

	"github.com/keelson-chain/keelson/script/address"
	"github.com/keelson-chain/keelson/script/hdkey"
)

// ErrPrivateKeys is returned where a key is a hardened child of an extended
// public key.
var ErrPrivateKeys = errors.New("Cannot derive script without private keys")

// ErrRange is returned where one script is asked of a ranged descriptor.
var ErrRange = errors.New("Ranged descriptor not accepted. Maybe pass through deriveaddresses first?")

// MaxIndex is the last index at which a ranged descriptor can be expanded.
const MaxIndex = hdkey.Hardened - 1

// Descriptor is a parsed descriptor. It does not change, and is safe for
// concurrent use.
type Descriptor struct {
	prefixes *address.Prefixes
	checksum string
	root     node
	keys     []*key
	secrets  secrets
}

// Parse reads a descriptor of the network with the prefixes p. The checksum,
// where there is one, must be right; requireChecksum demands one. Errors are
// in Bitcoin Core's words.
func Parse(p *address.Prefixes, desc string, requireChecksum bool) (*Descriptor, error) {
	text, checksum, err := checkChecksum(desc, requireChecksum)
	if err != nil {
		return nil, err
	}
	parser := parser{prefixes: p, secrets: secrets{}}
	root, rest, err := parser.script(text, top)
	if err != nil {
		return nil, err
	}
	if rest != "" {
		return nil, errRest(rest)
	}
	return &Descriptor{prefixes: p, checksum: checksum, root: root, keys: parser.keys, secrets: parser.secrets}, nil
}

// String returns the canonical form with its checksum. It has no private keys:
// their public keys stand for them.
func (d *Descriptor) String() string {
	return withChecksum(string(d.root.appendText(nil)))
}

// Checksum returns the checksum of the text that was parsed, which differs from
// that of the canonical form if the text does.
func (d *Descriptor) Checksum() string { return d.checksum }

// IsRange reports whether the scripts depend on the index.
func (d *Descriptor) IsRange() bool {
	for _, k := range d.keys {
		if k.wildcard != none {
			return true
		}
	}
	return false
}

// IsSolvable reports whether whoever has the private keys knows how to spend
// what the scripts pay: not of an address or script whose meaning is unknown.
func (d *Descriptor) IsSolvable() bool {
	switch d.root.(type) {
	case addr, raw:
		return false
	}
	return true
}

// HasPrivateKeys reports whether there was a private key in the text.
func (d *Descriptor) HasPrivateKeys() bool { return len(d.secrets) > 0 }

// Scripts returns the output scripts at an index up to [MaxIndex], which only
// ranged descriptors look at. There is one, but that of combo() there are four,
// or two of an uncompressed key: to the key, to its hash, to its hash in a
// witness, and that wrapped in P2SH. The error is [ErrPrivateKeys] or one of
// package hdkey.
func (d *Descriptor) Scripts(index uint32) ([][]byte, error) {
	at := place{index: index, secrets: d.secrets}
	if c, ok := d.root.(combo); ok {
		return c.scripts(&at)
	}
	s, err := d.root.script(&at)
	if err != nil {
		return nil, err
	}
	return [][]byte{s}, nil
}

// Script returns the one script to pay to: of those of combo() that to the
// key's hash in a witness, or to its hash if the key is uncompressed. The error
// is [ErrRange] of a ranged descriptor, or one of Scripts.
func (d *Descriptor) Script() ([]byte, error) {
	if d.IsRange() {
		return nil, ErrRange
	}
	list, err := d.Scripts(0)
	if err != nil {
		return nil, err
	}
	return list[len(list)/2], nil // of four the third, of two the second
}
