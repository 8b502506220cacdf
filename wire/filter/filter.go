package filter

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"math/bits"
	"slices"

	"github.com/dchest/siphash"

	"github.com/keelson-chain/keelson/wire"
)

// The parameters of basic filters (BIP 158, "Block filters").
const (
	remainderBits = 19     // P
	falseRate     = 784931 // M: the inverse of the rate of false positives
)

// opReturn begins output scripts that nobody can spend and that filters leave out.
const opReturn = 0x6a

// ErrMalformed is what Check reports: the bytes are no filter.
var ErrMalformed = errors.New("block filter is not well-formed")

// Filter is an encoded filter: the number of elements as a CompactSize and the
// Golomb-coded set. What came from outside must pass Check before it is believed
// to say anything; the methods may be called on any bytes.
type Filter []byte

// Key is what the elements of one block's filter are hashed with.
type Key struct{ k0, k1 uint64 }

// NewKey returns the key for a block: the first 16 bytes of its hash.
func NewKey(block wire.Hash) Key {
	return Key{binary.LittleEndian.Uint64(block[:]), binary.LittleEndian.Uint64(block[8:])}
}

// Basic returns the basic filter of a block (BIP 158, "Contents"), where spent are
// the scripts of the outputs that it spends, in any order.
func Basic(b *wire.Block, spent [][]byte) Filter {
	elements := make([][]byte, 0, len(spent)+len(b.Txs)*2)
	for _, tx := range b.Txs {
		for i := range tx.Outputs {
			if s := tx.Outputs[i].PkScript; len(s) > 0 && s[0] != opReturn {
				elements = append(elements, s)
			}
		}
	}
	for _, s := range spent {
		if len(s) > 0 {
			elements = append(elements, s)
		}
	}
	return Encode(NewKey(b.Hash()), elements)
}

// Encode returns the filter of a set of elements, of which each counts once.
func Encode(key Key, elements [][]byte) Filter {
	// Equal elements have equal hashes. To put hashes in order takes a fraction of
	// the time that it takes for elements, and how they are mapped to their range
	// changes nothing about the order.
	type hashed struct {
		hash  uint64
		index int32
	}
	list := make([]hashed, len(elements))
	for i, e := range elements {
		list[i] = hashed{siphash.Hash(key.k0, key.k1, e), int32(i)}
	}
	slices.SortFunc(list, func(a, b hashed) int {
		if a.hash != b.hash {
			return cmp.Compare(a.hash, b.hash)
		}
		return bytes.Compare(elements[a.index], elements[b.index])
	})
	list = slices.CompactFunc(list, func(a, b hashed) bool {
		return a.hash == b.hash && bytes.Equal(elements[a.index], elements[b.index])
	})
	n := uint64(len(list))
	w := bitWriter{b: wire.AppendCompactSize(make([]byte, 0, 9+len(list)*3), n)}
	last := uint64(0)
	for _, x := range list {
		v, _ := bits.Mul64(x.hash, n*falseRate)
		w.golomb(v - last)
		last = v
	}
	return w.end()
}

// hashes maps elements to [0, n*falseRate), in ascending order.
func (k Key) hashes(elements [][]byte, n uint64) []uint64 {
	list := make([]uint64, len(elements))
	for i, e := range elements {
		list[i], _ = bits.Mul64(siphash.Hash(k.k0, k.k1, e), n*falseRate)
	}
	slices.Sort(list)
	return list
}

// Hash returns the filter hash, the double SHA-256 of the encoding (BIP 157).
func (f Filter) Hash() wire.Hash { return wire.DoubleSHA256(f) }

// Header returns the filter header on top of that of the previous block, which is
// zero for the genesis block (BIP 157, "Filter Headers").
func (f Filter) Header(previous wire.Hash) wire.Hash {
	return HeaderOf(f.Hash(), previous)
}

// HeaderOf is Header for who has the hash of the filter alone.
func HeaderOf(hash, previous wire.Hash) wire.Hash {
	var pair [2 * wire.HashSize]byte
	copy(pair[:wire.HashSize], hash[:])
	copy(pair[wire.HashSize:], previous[:])
	return wire.DoubleSHA256(pair[:])
}

// Check returns ErrMalformed unless f holds as many elements as it says and
// nothing after them.
func (f Filter) Check() error {
	r, n, ok := f.open()
	if !ok {
		return ErrMalformed
	}
	for range n {
		if _, ok := r.golomb(); !ok {
			return ErrMalformed
		}
	}
	if r.left() >= 8 {
		return ErrMalformed
	}
	return nil
}

// Count returns how many elements f says it has; 0 if it is not well-formed.
func (f Filter) Count() uint64 {
	_, n, _ := f.open()
	return n
}

// Match reports whether the element may be in the set.
func (f Filter) Match(key Key, element []byte) bool { return f.MatchAny(key, [][]byte{element}) }

// MatchAny reports whether any of the elements may be in the set. It takes one pass
// over the filter, however many there are. A filter that is not well-formed
// matches nothing beyond where it breaks off.
func (f Filter) MatchAny(key Key, elements [][]byte) bool {
	r, n, ok := f.open()
	if !ok || n == 0 || len(elements) == 0 {
		return false
	}
	wanted := key.hashes(elements, n)
	value := uint64(0)
	for range n {
		delta, ok := r.golomb()
		if !ok {
			return false
		}
		value += delta
		for wanted[0] < value {
			if wanted = wanted[1:]; len(wanted) == 0 {
				return false
			}
		}
		if wanted[0] == value {
			return true
		}
	}
	return false
}

// open reads the count. ok is false if there is none, or if there cannot be so
// many elements in so few bytes.
func (f Filter) open() (r bitReader, n uint64, ok bool) {
	n, rest, err := wire.ReadCompactSize(f)
	if err != nil || n > uint64(len(rest))*8/(remainderBits+1) {
		return bitReader{}, 0, false
	}
	return bitReader{b: rest}, n, true
}
