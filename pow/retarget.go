package pow

// Retarget returns the bits of the first block of a new window under Bitcoin's
// original rule: old scaled by how long the last window took, actual, against
// how long it was meant to take, timespan, both in seconds. The scale is held
// between 1/4 and 4, and the target at or below limit.
//
// old is the bits of the last window's last block; where the rule of BIP 94
// holds, those of its first block, which the minimum-difficulty exception of
// test networks cannot have touched. The arithmetic is the same.
//
// It is Bitcoin Core's CalculateNextWorkRequired to the bit: the product is
// taken modulo 2^256, so a limit must leave as many leading zero bits as
// 4*timespan has bits, which every limit of Bitcoin does. timespan must be at
// least 4 and below 2^30.
func Retarget(old Bits, actual, timespan int64, limit Target) Bits {
	actual = min(max(actual, timespan/4), timespan*4)
	product, _ := old.expand().mul(uint64(actual))
	next := product.div64(uint64(timespan))
	if next.cmp(limit.v) > 0 {
		next = limit.v
	}
	return next.compact()
}
