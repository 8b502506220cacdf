// Package muhash computes MuHash3072, the hash of a set that can be updated by
// adding and removing elements in any order: each element becomes a 3072-bit
// number, the set is their product modulo 2^3072 - 1103717. It equals Bitcoin
// Core's crypto/muhash to the bit, which gettxoutsetinfo shows.
package muhash

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"math/big"

	"golang.org/x/crypto/chacha20"
)

// Size is the length of the state's encoding in bytes: numerator and
// denominator, 384 bytes each, little-endian.
const Size = 2 * numSize

// Hash is the state for one multiset. The zero value is the empty set.
type Hash struct {
	// The products of what was added and of what was removed. Dividing one by
	// the other waits until the end, as it costs as much as many products.
	added, removed lazyOne
}

// lazyOne is a number that is one until it is multiplied.
type lazyOne struct {
	set bool
	n   num
}

func (l *lazyOne) mul(n *num) {
	if !l.set {
		l.set, l.n = true, *n
		return
	}
	l.n.mul(n)
}

func (l *lazyOne) value() num {
	if l.set {
		return l.n
	}
	return num{1}
}

// Add puts an element into the set.
func (h *Hash) Add(element []byte) {
	n := expand(element)
	h.added.mul(&n)
}

// Remove takes an element out of the set. It need not be in it yet: what
// counts is how often it is added and removed in the end.
func (h *Hash) Remove(element []byte) {
	n := expand(element)
	h.removed.mul(&n)
}

// Combine adds the elements of another set, so that parts of a large set can be
// hashed side by side.
func (h *Hash) Combine(o *Hash) {
	if o.added.set {
		h.added.mul(&o.added.n)
	}
	if o.removed.set {
		h.removed.mul(&o.removed.n)
	}
}

// Sum returns the hash of the set, in the order in which Core's hash bytes
// stand in memory: RPC shows them reversed. It costs as
// much as a score of Adds.
func (h *Hash) Sum() [32]byte {
	quotient := h.added.value()
	if h.removed.set {
		inverse := new(big.Int).ModInverse(h.removed.n.big(), modulus)
		if inverse == nil {
			// The modulus is prime and nobody finds an element that expands to
			// one of its multiples.
			panic("muhash: an element without inverse")
		}
		n := fromBig(inverse)
		quotient.mul(&n)
	}
	quotient.reduce()
	var buf [numSize]byte
	return sha256.Sum256(quotient.append(buf[:0]))
}

// MarshalBinary returns the state in Size bytes.
func (h *Hash) MarshalBinary() ([]byte, error) {
	added, removed := h.added.value(), h.removed.value()
	added.reduce()
	removed.reduce()
	return removed.append(added.append(make([]byte, 0, Size))), nil
}

// UnmarshalBinary reads what MarshalBinary wrote. What can be no state is an
// error, and leaves h as it was.
func (h *Hash) UnmarshalBinary(b []byte) error {
	if len(b) != Size {
		return fmt.Errorf("muhash: a state has %d bytes, not %d", Size, len(b))
	}
	added, removed := fromBytes(b[:numSize]), fromBytes(b[numSize:])
	added.reduce()
	removed.reduce()
	if added == (num{}) || removed == (num{}) {
		return errors.New("muhash: no state has a product of zero")
	}
	h.added, h.removed = lazyOne{true, added}, lazyOne{true, removed}
	return nil
}

// expand turns an element into a number: the first 384 bytes of the ChaCha20
// key stream whose key is the element's SHA-256 and whose nonce is zero.
func expand(element []byte) num {
	key := sha256.Sum256(element)
	var nonce [chacha20.NonceSize]byte
	stream, err := chacha20.NewUnauthenticatedCipher(key[:], nonce[:])
	if err != nil {
		panic("muhash: " + err.Error()) // the lengths are right
	}
	var buf [numSize]byte
	stream.XORKeyStream(buf[:], buf[:])
	return fromBytes(buf[:])
}
