package sig

import "encoding/binary"

// Kind says which question a [Check] asks.
type Kind uint8

const (
	// ECDSA asks whether a signature of a 32-byte hash is valid under a key.
	ECDSA Kind = iota
	// Schnorr asks whether a BIP 340 signature of a message is valid under an
	// x-only key.
	Schnorr
	// Tweak asks whether an output key is an internal key plus a multiple of
	// the generator (BIP 341).
	Tweak
)

// Check is one question to the curve. The slices are read, never kept beyond
// the call or the life of the [Batch] that the check was deferred to.
type Check struct {
	Kind Kind

	// PubKey of ECDSA is the key as it stands in the script: 33 bytes with
	// prefix 02 or 03, or 65 bytes with prefix 04, or 06 or 07 agreeing with
	// the parity of Y. Anything else makes the check false. For Schnorr and
	// Tweak it is the 32 bytes of an X coordinate, for Tweak the internal key's.
	PubKey []byte

	// Sig of ECDSA is the DER encoding without the hash type byte, read as
	// laxly as Bitcoin did before BIP 66; S may lie in the upper half of the
	// order. For Schnorr it is 64 bytes, for Tweak the 32 bytes of the output
	// key's X coordinate.
	Sig []byte

	// Hash is the message, or for Tweak the tweak as a big-endian number.
	Hash [32]byte

	// Msg, unless nil, is the message of a Schnorr check instead of Hash, of
	// any length.
	Msg []byte

	// Odd, of a Tweak, is whether the output key's Y coordinate is odd.
	Odd bool
}

// message returns what a Schnorr check signs.
func (c *Check) message() []byte {
	if c.Msg != nil {
		return c.Msg
	}
	return c.Hash[:]
}

// appendTo appends to b all that the answer to c depends on, each part with
// its length.
func (c *Check) appendTo(b []byte) []byte {
	b = append(b, byte(c.Kind), 0)
	if c.Odd {
		b[len(b)-1] = 1
	}
	m := c.Hash[:]
	if c.Kind == Schnorr {
		m = c.message()
	}
	for _, part := range [][]byte{c.PubKey, c.Sig, m} {
		b = binary.AppendUvarint(b, uint64(len(part)))
		b = append(b, part...)
	}
	return b
}

// Verifier answers checks. It is safe for concurrent use.
type Verifier interface {
	// Verify reports whether c holds.
	Verify(c *Check) bool
	// VerifyAll reports whether every one of cs holds. It may be far cheaper
	// than asking one by one. Of no checks at all it is true.
	VerifyAll(cs []Check) bool
}

// Checker is what the script engine asks.
type Checker interface {
	// Check reports whether c holds, exactly and now.
	Check(c *Check) bool
	// Defer may answer true now and leave the work for later. Whoever hands
	// such a Checker to the engine runs the script again, exactly, if the
	// checks turn out not to hold all.
	Defer(c *Check) bool
}

// Exact is a [Checker] that never defers. It looks into Cache first and
// remembers there what holds; a nil Cache remembers nothing.
type Exact struct {
	Verifier
	Cache *Cache
}

// Check implements [Checker].
func (e Exact) Check(c *Check) bool {
	if e.Cache == nil {
		return e.Verify(c)
	}
	k := e.Cache.key(c)
	if e.Cache.has(&k) {
		return true
	}
	if !e.Verify(c) {
		return false
	}
	e.Cache.add(&k)
	return true
}

// Defer implements [Checker]: it is Check.
func (e Exact) Defer(c *Check) bool { return e.Check(c) }

// Batch is a [Checker] that collects deferred checks until Verify is called.
// It is for one goroutine. Make one with [NewBatch].
type Batch struct {
	exact  Exact
	checks []Check
	keys   []cacheKey // of checks, where there is a cache
}

// NewBatch returns an empty batch over v and cache; cache may be nil.
func NewBatch(v Verifier, cache *Cache) *Batch {
	return &Batch{exact: Exact{Verifier: v, Cache: cache}}
}

// Check implements [Checker]: it answers exactly and collects nothing.
func (b *Batch) Check(c *Check) bool { return b.exact.Check(c) }

// Defer implements [Checker]: it collects c, unless the cache knows it, and
// returns true. The slices of c must stay as they are until Verify.
func (b *Batch) Defer(c *Check) bool {
	if cache := b.exact.Cache; cache != nil {
		k := cache.key(c)
		if cache.has(&k) {
			return true
		}
		b.keys = append(b.keys, k)
	}
	b.checks = append(b.checks, *c)
	return true
}

// Len returns the number of checks that wait for Verify.
func (b *Batch) Len() int { return len(b.checks) }

// Verify reports whether all collected checks hold, remembers them in the
// cache if so, and empties the batch.
func (b *Batch) Verify() bool {
	ok := b.exact.VerifyAll(b.checks)
	if ok {
		for i := range b.keys {
			b.exact.Cache.add(&b.keys[i])
		}
	}
	clear(b.checks) // let go of the transactions that the slices belong to
	b.checks, b.keys = b.checks[:0], b.keys[:0]
	return ok
}
