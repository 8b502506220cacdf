// Package muhash computes MuHash3072, the hash of a set that can be updated by
// adding and removing elements in any order: each element becomes a 3072-bit
// number, the set is their product modulo 2^3072 - 1103717. It equals Bitcoin
// Core's crypto/muhash to the bit, which gettxoutsetinfo shows.
package muhash

// Size is the length of the state's encoding in bytes: numerator and
// denominator, 384 bytes each, little-endian.
const Size = 768

// Hash is the state for one multiset. The zero value is the empty set.
type Hash struct{}

// Add puts an element into the set.
func (h *Hash) Add(element []byte) { panic("unwritten") }

// Remove takes an element out of the set. It need not be in it yet: what
// counts is how often it is added and removed in the end.
func (h *Hash) Remove(element []byte) { panic("unwritten") }

// Combine adds the elements of another set, so that parts of a large set can be
// hashed side by side.
func (h *Hash) Combine(o *Hash) { panic("unwritten") }

// Sum returns the hash of the set, in the order in which Core's hash bytes
// stand in memory: RPC shows them reversed. It costs about a millisecond.
func (h *Hash) Sum() [32]byte { panic("unwritten") }

// MarshalBinary returns the state in Size bytes.
func (h *Hash) MarshalBinary() ([]byte, error) { panic("unwritten") }

// UnmarshalBinary reads what MarshalBinary wrote.
func (h *Hash) UnmarshalBinary(b []byte) error { panic("unwritten") }
