package pow

import (
	"context"
	"crypto/sha256"
	"encoding"
	"encoding/binary"
	"hash"
	"sync"
	"sync/atomic"

	"github.com/keelson-chain/keelson/wire"
)

// searchChunk is how many nonces a worker tries before it looks up: well below
// a millisecond where SHA-256 has instructions, a few milliseconds elsewhere.
const searchChunk = 1 << 12

// nonces is how many nonces a header has.
const nonces = 1 << 32

// Search tries the nonces of h from 0 to 2^32-1, whatever nonce h has, on the
// given number of goroutines (one if it is below 1) and returns the lowest
// nonce with which h meets target. It returns false if there is none, or if
// ctx ends first, which it notices within milliseconds; ctx.Err tells which.
// Every goroutine has ended when Search returns.
//
// tried, which may be nil, grows by the hashes done while they are being done,
// so that others can tell the rate.
func Search(ctx context.Context, h wire.Header, target Target, workers int, tried *atomic.Uint64) (nonce uint32, ok bool) {
	if tried == nil {
		tried = new(atomic.Uint64)
	}
	var next, best atomic.Uint64 // the first nonce nobody took; the lowest one found
	best.Store(nonces)
	work := func() {
		s := NewSearcher(h, target)
		for ctx.Err() == nil {
			from := next.Add(searchChunk) - searchChunk
			if from >= best.Load() { // every chunk below was taken, and will be finished
				return
			}
			found, ok := s.Try(uint32(from), searchChunk)
			if !ok {
				tried.Add(searchChunk)
				continue
			}
			tried.Add(uint64(found) - from + 1)
			for {
				least := best.Load()
				if uint64(found) >= least || best.CompareAndSwap(least, uint64(found)) {
					return
				}
			}
		}
	}
	var wg sync.WaitGroup
	for range workers - 1 {
		wg.Go(work)
	}
	work()
	wg.Wait()

	if found := best.Load(); found < nonces {
		return uint32(found), true
	}
	return 0, false
}

// Searcher tries nonces of one header on the caller's goroutine, in as many
// calls as the caller likes. It is not safe for concurrent use.
//
// Of the 80 bytes of a header the first 64 are one block of SHA-256 that no
// nonce changes, so the state after it, the midstate, is computed once. What
// then remains are two blocks, and crypto/sha256 does a block in processor
// instructions that plain Go cannot come near to. So a Searcher pads the blocks
// itself, feeds them whole, and reads the result out of the digest's encoded
// state, which skips the bookkeeping of Sum.
type Searcher struct {
	header wire.Header
	target Target

	// Nil where the digests of crypto/sha256 do not encode as expected.
	inner, outer digest
	midstate     []byte

	// The rest of the header, and its hash, each padded to a block.
	innerBlock, outerBlock [sha256.BlockSize]byte
	state                  [stateSize]byte
}

// digest is what the hashes of crypto/sha256 are.
type digest interface {
	hash.Hash
	encoding.BinaryAppender
	encoding.BinaryUnmarshaler
}

// The encoded state of a SHA-256 digest: a tag of 4 bytes, the 8 words of the
// state, the block being filled, and the length so far.
const (
	stateTag  = 4
	stateSize = stateTag + sha256.Size + sha256.BlockSize + 8
)

// NewSearcher returns a Searcher for nonces with which h meets target.
func NewSearcher(h wire.Header, target Target) *Searcher {
	s := &Searcher{header: h, target: target}
	encoded := h.Append(nil)
	const split = sha256.BlockSize

	inner, ok1 := sha256.New().(digest)
	outer, ok2 := sha256.New().(digest)
	if !ok1 || !ok2 {
		return s
	}
	inner.Write(encoded[:split])
	midstate, err := inner.AppendBinary(nil)
	if err != nil || len(midstate) != stateSize {
		return s
	}
	pad(&s.innerBlock, encoded[split:], len(encoded))
	pad(&s.outerBlock, make([]byte, sha256.Size), sha256.Size)
	s.inner, s.outer, s.midstate = inner, outer, midstate

	// The encoding is not specified, so nothing relies on it unseen: another
	// one than expected fails here, and Try falls back to plain hashing.
	if s.hash(h.Nonce) != h.Hash() {
		s.inner, s.outer = nil, nil
	}
	return s
}

// pad fills block with tail, the end of a message of size bytes, and the
// padding of SHA-256: a one bit, zeros, and the message's length in bits.
func pad(block *[sha256.BlockSize]byte, tail []byte, size int) {
	n := copy(block[:], tail)
	block[n] = 0x80
	binary.BigEndian.PutUint64(block[len(block)-8:], uint64(size)*8)
}

// Try tries count nonces from the given one on, but none past 2^32-1, and
// returns the first with which the header meets the target, or false.
func (s *Searcher) Try(from, count uint32) (nonce uint32, ok bool) {
	end := min(uint64(from)+uint64(count), nonces)
	for n := uint64(from); n < end; n++ {
		if s.inner != nil && !s.target.Met(s.hash(uint32(n))) {
			continue
		}
		s.header.Nonce = uint32(n)
		if s.target.Met(s.header.Hash()) {
			return uint32(n), true
		}
	}
	return 0, false
}

// hash returns the header's hash with that nonce. The digests report no errors.
func (s *Searcher) hash(nonce uint32) wire.Hash {
	const at = wire.HeaderSize - 4 - sha256.BlockSize
	binary.LittleEndian.PutUint32(s.innerBlock[at:], nonce)
	_ = s.inner.UnmarshalBinary(s.midstate)
	s.inner.Write(s.innerBlock[:])
	state, _ := s.inner.AppendBinary(s.state[:0])
	copy(s.outerBlock[:], state[stateTag:stateTag+sha256.Size])

	s.outer.Reset()
	s.outer.Write(s.outerBlock[:])
	state, _ = s.outer.AppendBinary(s.state[:0])
	return wire.Hash(state[stateTag:])
}
