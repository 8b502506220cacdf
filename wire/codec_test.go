package wire_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/keelson-chain/keelson/wire"
)

func TestCompactSize(t *testing.T) {
	const limit = 1 << 25
	for _, edge := range []uint64{0, 1, 0xfc, 0xfd, 0xff, 0x100, 0xffff, 0x10000, limit, 1 << 32, 1 << 63} {
		for delta := range uint64(5) {
			n := edge + delta - 2 // wraps around below zero
			b := wire.AppendCompactSize([]byte{7}, n)[1:]
			if !bytes.Equal(b, dumbCount(n)) || wire.CompactSizeLen(n) != len(b) {
				t.Errorf("%#x: %x of length %d, want %x", n, b, wire.CompactSizeLen(n), dumbCount(n))
			}
			got, rest, err := wire.ReadCompactSize(append(b, 1, 2))
			if n > limit {
				if !errors.Is(err, wire.ErrTooLarge) || got != 0 {
					t.Errorf("%#x: reads as %d, %v, want %v", n, got, err, wire.ErrTooLarge)
				}
				continue
			}
			if err != nil || got != n || !bytes.Equal(rest, []byte{1, 2}) {
				t.Errorf("%#x: reads as %#x, %x, %v", n, got, rest, err)
			}
			for i := range b {
				if _, _, err := wire.ReadCompactSize(b[:i]); !errors.Is(err, wire.ErrTruncated) {
					t.Errorf("%#x: %d of its bytes read without an error", n, i)
				}
			}
			// The same number in every longer form.
			for size, tag := range map[int]byte{2: 0xfd, 4: 0xfe, 8: 0xff} {
				longer := append([]byte{tag}, dumbInt(n, size)...)
				if len(longer) > len(b) {
					if _, _, err := wire.ReadCompactSize(longer); !errors.Is(err, wire.ErrNonCanonical) {
						t.Errorf("%#x as %x: %v, want %v", n, longer, err, wire.ErrNonCanonical)
					}
				}
			}
		}
	}
}

func FuzzReadCompactSize(f *testing.F) {
	for _, s := range []string{"", "\xfc", "\xfd\xfd\x00", "\xfd\xfc\x00", "\xfe\x00\x00\x00\x02", "\xff\x00\x00\x00\x00\x01\x00\x00\x00"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		n, rest, err := wire.ReadCompactSize(b)
		if err != nil {
			return
		}
		if back := append(wire.AppendCompactSize(nil, n), rest...); !bytes.Equal(back, b) {
			t.Errorf("%x reads as %d, which is written %x", b, n, back)
		}
	})
}
