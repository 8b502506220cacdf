package fees

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// What an Estimator knows outlives its process in these bytes, which are ours
// alone, all numbers little-endian:
//
//	head      8 bytes, "KFEES001"
//	time      8 bytes, seconds since 1970
//	blocks    3 times 4 bytes: best height, and the first and last of the blocks
//	          that were seen
//	sums      of the short, medium and long horizon, each as stats.sums has
//	          them: one number of 8 bytes (IEEE 754) for each bucket
//	check     32 bytes, SHA-256 of all before
const encodedHead = "KFEES001"

// maxAge is how old, in seconds, what was encoded may be: 60 hours, as with Bitcoin
// Core.
const maxAge = 60 * 3600

// ErrEncoding is wrapped by what Decode refuses.
var ErrEncoding = errors.New("no readable fee estimates")

// Encode returns what e knows at a time (seconds since 1970). What waits is not
// part of it: the caller should tell e before that it has Left.
func (e *Estimator) Encode(now int64) []byte {
	b := []byte(encodedHead)
	b = binary.LittleEndian.AppendUint64(b, uint64(now))
	first, last := e.pastFirst, e.pastBest
	if e.span() > e.pastSpan()/2 {
		first, last = e.first, e.best
	}
	for _, n := range []uint32{e.best, first, last} {
		b = binary.LittleEndian.AppendUint32(b, n)
	}
	for _, s := range e.stats {
		s.sums(func(row []float64) {
			for _, x := range row {
				b = binary.LittleEndian.AppendUint64(b, math.Float64bits(x))
			}
		})
	}
	check := sha256.Sum256(b)
	return append(b, check[:]...)
}

// encodedSize is how many bytes Encode returns.
func (e *Estimator) encodedSize() int {
	n := len(encodedHead) + 8 + 3*4 + sha256.Size
	for _, s := range e.stats {
		s.sums(func(row []float64) { n += 8 * len(row) })
	}
	return n
}

// Decode returns the Estimator that was encoded. What it refuses, also because it
// is too old, wraps ErrEncoding.
func Decode(b []byte, now int64) (*Estimator, error) {
	refused := func(format string, args ...any) (*Estimator, error) {
		return nil, fmt.Errorf("%w: %s", ErrEncoding, fmt.Sprintf(format, args...))
	}
	e := New()
	size := e.encodedSize()
	switch {
	case len(b) != size:
		return refused("%d bytes, want %d", len(b), size)
	case string(b[:len(encodedHead)]) != encodedHead:
		return refused("they begin with %q", b[:len(encodedHead)])
	}
	body, check := b[:size-sha256.Size], b[size-sha256.Size:]
	if sha256.Sum256(body) != [sha256.Size]byte(check) {
		return refused("the check sum is wrong")
	}
	body = body[len(encodedHead):]
	if at := int64(binary.LittleEndian.Uint64(body)); at < now-maxAge {
		return refused("they are %d hours old", (now-at)/3600)
	}
	e.best = binary.LittleEndian.Uint32(body[8:])
	e.pastFirst = binary.LittleEndian.Uint32(body[12:])
	e.pastBest = binary.LittleEndian.Uint32(body[16:])
	if e.pastFirst > e.pastBest || e.pastBest > e.best {
		return refused("blocks %d to %d of %d", e.pastFirst, e.pastBest, e.best)
	}
	body = body[20:]
	bad := false
	for _, s := range e.stats {
		s.empty = false
		s.sums(func(row []float64) {
			for i := range row {
				row[i] = math.Float64frombits(binary.LittleEndian.Uint64(body))
				body = body[8:]
				bad = bad || !(row[i] >= 0 && row[i] < 1e30) // nor NaN
			}
		})
	}
	if bad {
		return refused("a sum is none")
	}
	return e, nil
}
