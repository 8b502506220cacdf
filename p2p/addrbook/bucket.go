package addrbook

import "math/bits"

// bucket is bucketSize places for entries.
type bucket struct {
	taken uint64 // a bit for each place, the lowest for the first
	at    [bucketSize]*entry
}

func (b *bucket) set(position int, e *entry) {
	b.at[position] = e
	b.taken |= 1 << position
}

func (b *bucket) clear(position int) {
	b.at[position] = nil
	b.taken &^= 1 << position
}

// from returns the first entry from a position on, beginning again after the
// last one, or nil if there is none.
func (b *bucket) from(position int) *entry {
	if b.taken == 0 {
		return nil
	}
	ahead := bits.TrailingZeros64(bits.RotateLeft64(b.taken, -position))
	return b.at[(position+ahead)%bucketSize]
}
