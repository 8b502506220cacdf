package pow

import "math/bits"

// ASERT is the difficulty rule aserti3-2d: a block's target depends on nothing
// but how far the chain is ahead of or behind its schedule, counted from an
// anchor block, and doubles for each half-life that it is behind.
//
//	target = anchor target * 2^((time - anchor parent time - Spacing*(height - anchor height + 1)) / HalfLife)
//
// The exponent is a fixed-point number with 16 fractional bits and 2^x between
// 0 and 1 is approximated by a cubic polynomial, all in integers. The source is
// the specification "ASERT difficulty adjustment algorithm (aserti3-2d)" of
// bitcoincash.org, 2020-11-15.
type ASERT struct {
	AnchorHeight     int64
	AnchorParentTime int64 // seconds since 1970 of the block before the anchor
	AnchorBits       Bits  // must be a target, at most Limit

	// Both in seconds and positive; HalfLife is at most 2^37.
	Spacing, HalfLife int64

	Limit Target // the easiest target, must not be the zero value
}

// Next returns the bits that are required of the child of the block at height
// with that time, in seconds since 1970, of 32 bits as in a header. The height
// must not be below the anchor's. It needs no look-up of ancestors.
func (a *ASERT) Next(height, time int64) Bits {
	late := a.late(height, time)

	// A target of 256 bits is at an end of its range long before 512
	// half-lives; stopping there keeps what follows within 64 bits.
	const far = 512
	switch halfLives := late / a.HalfLife; {
	case halfLives >= far:
		return a.Limit.Bits()
	case halfLives <= -far:
		return uint256{1}.compact()
	}
	exponent := late * (1 << 16) / a.HalfLife // rounds toward zero

	// 2^(exponent/65536) = 2^whole * factor/65536: the shift rounds down, so
	// that 0 <= frac < 65536 for a negative exponent too.
	whole, frac := exponent>>16, uint64(exponent&0xffff)
	factor := 1<<16 + (195766423245049*frac+971821376*frac*frac+5127*frac*frac*frac+1<<47)>>48

	// The product has up to 273 bits, and 16 of them come off again.
	low, high := a.AnchorBits.expand().mul(factor)
	next, fits := shift(low, high, whole-16)
	switch {
	case !fits || next.cmp(a.Limit.v) > 0:
		next = a.Limit.v
	case next.isZero():
		next = uint256{1}
	}
	return next.compact()
}

// late returns by how many seconds the block at height is behind its schedule,
// or the nearest 64-bit number to that.
func (a *ASERT) late(height, time int64) int64 {
	const most = 1<<63 - 1
	hi, lo := bits.Mul64(uint64(a.Spacing), uint64(height-a.AnchorHeight+1))
	if hi != 0 || lo > most/2 {
		return -most
	}
	return time - a.AnchorParentTime - int64(lo)
}

// shift returns (high * 2^256 + low) * 2^n, rounded down, and whether it fits
// into 256 bits.
func shift(low uint256, high uint64, n int64) (z uint256, fits bool) {
	if n >= 0 {
		return low.lsh(uint(n)), high == 0 && low.bitLen()+int(n) <= 256
	}
	down := uint(-n)
	top := uint256{high}
	if down >= 256 {
		return top.rsh(down - 256), true
	}
	z, _ = low.rsh(down).add(top.lsh(256 - down)) // no bit is set in both
	return z, top.rsh(down).isZero()
}
