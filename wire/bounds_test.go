package wire_test

import (
	"bytes"
	"runtime"
	"testing"

	"github.com/keelson-chain/keelson/wire"
)

// mostPerByte is how many bytes decoding may allocate for each byte of input.
// The dearest byte is an empty witness item: one byte of input, which consensus
// allows for, is a slice of 24 bytes.
const mostPerByte = 24

// hostileBlocks are encodings of up to about n bytes that ask for as much
// memory as they can, by what they hold or by what they claim to hold.
func hostileBlocks(n int) map[string][]byte {
	header := make([]byte, wire.HeaderSize)
	count := func(n int) []byte { return wire.AppendCompactSize(nil, uint64(n)) }
	cat := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	zeros := func(n int) []byte { return make([]byte, n) }
	blockOf := func(tx []byte) []byte {
		txs := max(1, n/len(tx))
		return cat(header, count(txs), bytes.Repeat(tx, txs))
	}
	txOf := func(ins, outs int) []byte {
		return cat(zeros(4), count(ins), zeros(41*ins), count(outs), zeros(9*outs), zeros(4))
	}
	witnessTx := func(ins, items int) []byte {
		witness := bytes.Repeat(cat(count(items), zeros(items)), ins)
		return cat(zeros(4), []byte{0, 1}, count(ins), zeros(41*ins), count(0), witness, zeros(4))
	}
	fits := func(size int) int { return (n - 200) / size }
	return map[string][]byte{
		"empty transactions":         blockOf(zeros(10)),
		"shortest transactions":      blockOf(txOf(1, 0)),
		"one in, one out":            blockOf(txOf(1, 1)),
		"all inputs":                 blockOf(txOf(fits(41), 0)),
		"all outputs":                blockOf(txOf(1, fits(9))),
		"all witness items":          blockOf(witnessTx(1, fits(1))),
		"a witness item per input":   blockOf(witnessTx(fits(43), 1)),
		"one witness item per tx":    blockOf(witnessTx(1, 1)),
		"half a slab of inputs":      blockOf(txOf(513, 0)),
		"half a slab of outputs":     blockOf(txOf(1, 513)),
		"half a slab of items":       blockOf(witnessTx(1, 513)),
		"a slab of items":            blockOf(witnessTx(1, 1024)),
		"an eighth of a slab":        blockOf(witnessTx(1, 127)),
		"just below and above it":    blockOf(cat(witnessTx(1, 127), witnessTx(1, 128), txOf(127, 127), txOf(128, 128))),
		"many items, then few":       blockOf(cat(witnessTx(1, 120), bytes.Repeat(witnessTx(1, 1), 7), witnessTx(1, 127))),
		"slabs and small ones":       blockOf(cat(witnessTx(1, 513), txOf(1, 1), witnessTx(2, 1))),
		"claims transactions":        cat(header, count(n/10), zeros(4), []byte{0xfd, 0, 0}, zeros(n)),
		"claims too many":            cat(header, count(1<<25), zeros(n)),
		"claims inputs":              cat(header, count(1), zeros(4), count(n/41), bytes.Repeat([]byte{0xff}, n)),
		"claims outputs":             cat(header, count(1), zeros(4), count(1), zeros(41), count(n/9), bytes.Repeat([]byte{0xff}, n)),
		"claims witness items":       cat(header, count(1), zeros(4), []byte{0, 1}, count(1), zeros(41), count(0), count(n), bytes.Repeat([]byte{0xff}, n)),
		"fails in the last byte":     cat(blockOf(zeros(10)), zeros(1)),
		"fails at the last item":     cat(header, count(1), witnessTx(1, fits(1))[:fits(1)]),
		"transactions of one script": blockOf(cat(zeros(4), count(1), zeros(36), count(200), zeros(204), count(0), zeros(4))),
	}
}

// allocated returns how many bytes f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestDecodeAllocatesInProportion measures what hostile blocks of all sizes,
// and each of their transactions alone, make decoding allocate.
func TestDecodeAllocatesInProportion(t *testing.T) {
	for _, n := range []int{300, 3000, 100_000, 4_000_000} {
		for name, raw := range hostileBlocks(n) {
			var b *wire.Block
			got := allocated(func() { b, _ = wire.DecodeBlock(raw) })
			// An eighth is for the ends of slabs, the rest for small requests,
			// which are rounded up to the allocator's sizes.
			if most := mostPerByte*uint64(len(raw))*9/8 + 4096; got > most {
				t.Errorf("%s: %d bytes of input allocate %d, more than %d", name, len(raw), got, most)
			}
			if b == nil {
				continue
			}
			tx := b.Txs[0].Append(nil)
			got = allocated(func() {
				if _, err := wire.DecodeTx(tx); err != nil {
					t.Error(err)
				}
			})
			if most := mostPerByte*uint64(len(tx))*9/8 + 512; got > most {
				t.Errorf("%s: a transaction of %d bytes allocates %d, more than %d", name, len(tx), got, most)
			}
		}
	}
}

// TestDecodeAllocatesSeldom counts allocations, which are one for hundreds of
// the parts of a block and a few for a transaction alone.
func TestDecodeAllocatesSeldom(t *testing.T) {
	for _, name := range []string{blockLegacy, blockSegwit, blockSegwit2} {
		raw := realBlocks(t, name)[0]
		b, err := wire.DecodeBlock(raw)
		if err != nil {
			t.Fatal(err)
		}
		parts := 0
		for _, tx := range b.Txs {
			parts += len(tx.Inputs) + len(tx.Outputs)
			raw := tx.Append(nil)
			if n := testing.AllocsPerRun(1, func() { _, _ = wire.DecodeTx(raw) }); n > 4+float64(len(tx.Inputs))/20 {
				t.Errorf("%s: %v allocations for transaction %v with %d inputs", name, n, tx.TxID(), len(tx.Inputs))
			}
		}
		if n := testing.AllocsPerRun(5, func() { _, _ = wire.DecodeBlock(raw) }); n > 10+float64(parts)/100 {
			t.Errorf("%s: %v allocations for %d inputs and outputs", name, n, parts)
		}
	}
}
