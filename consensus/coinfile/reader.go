package coinfile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/script/sig"
	"github.com/keelson-chain/keelson/wire"
)

// What is wrong with a header, in Bitcoin Core's words.
var (
	ErrMagic = errors.New("Invalid UTXO set snapshot magic bytes. Please check if this is indeed a snapshot file or if you are using an outdated snapshot format.")
	// ErrTruncated: the header is cut short.
	ErrTruncated = errors.New("AutoFile::read: end of file")
)

// ReadHeader reads the header at the front of a file. The errors are ErrMagic,
// ErrTruncated, one that names a version that is not known, and those of r. The
// network's magic is for the caller to judge.
func ReadHeader(r io.Reader) (h Header, err error) {
	var b [HeaderSize]byte
	n, err := io.ReadFull(r, b[:])
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return h, err
	}
	switch {
	case n >= 5 && string(b[:5]) != "utxo\xff":
		return h, ErrMagic
	case n >= 7 && binary.LittleEndian.Uint16(b[5:]) != version:
		return h, fmt.Errorf("Version of snapshot %d does not match any of the supported versions.", binary.LittleEndian.Uint16(b[5:]))
	case n < len(b):
		return h, ErrTruncated
	}
	copy(h.Magic[:], b[7:])
	copy(h.Base[:], b[11:])
	h.Coins = binary.LittleEndian.Uint64(b[43:])
	return h, nil
}

// FormatError says what is wrong with the coins of a file, in the words of Bitcoin
// Core's PopulateAndValidateSnapshot.
type FormatError struct{ what string }

func (e *FormatError) Error() string { return e.what }

// ReadCoins reads the coins that follow a header, of which there must be count, and
// nothing after them, and calls yield for each until it returns an error, which is
// returned. r should be buffered. height is that of the block after which they are
// unspent: none is younger. The coins' MTP is not in a file and stays zero. A coin is
// valid during the call.
//
// The errors are *FormatError and those of r. Neither the order of the coins nor
// that each comes once is looked at: their hash says both.
func ReadCoins(r io.Reader, count uint64, height uint32, yield func(op wire.OutPoint, c *consensus.Coin) error) error {
	in := input{r: r}
	done := uint64(0)
	for done < count {
		var op wire.OutPoint
		in.read(op.TxID[:])
		of := in.compactSize()
		if in.err == nil && of > count-done {
			return &FormatError{"Mismatch in coins count in snapshot metadata and actual snapshot data"}
		}
		for i := uint64(0); i < of && in.err == nil; i++ {
			var c consensus.Coin
			op.Index = uint32(in.compactSize())
			code, amount := in.varInt(), in.varInt()
			if code > math.MaxUint32 {
				in.malformed()
			}
			c.Height, c.Coinbase = uint32(code>>1), code&1 == 1
			c.Out.Value = wire.Amount(longAmount(amount))
			c.Out.PkScript = in.script()
			switch {
			case in.err != nil:
				continue
			case c.Height > height:
				return &FormatError{fmt.Sprintf("Bad snapshot data after deserializing %d coins", done)}
			case c.Out.Value < 0 || c.Out.Value > wire.MaxMoney:
				return &FormatError{fmt.Sprintf("Bad snapshot data after deserializing %d coins - bad tx out value", done)}
			}
			if err := yield(op, &c); err != nil {
				return err
			}
			done++
		}
		switch {
		case in.err == nil:
		case errors.Is(in.err, errMalformed), errors.Is(in.err, io.EOF), errors.Is(in.err, io.ErrUnexpectedEOF):
			return &FormatError{fmt.Sprintf("Bad snapshot format or truncated snapshot after deserializing %d coins", done)}
		default:
			return in.err
		}
	}
	var more [1]byte
	switch _, err := io.ReadFull(r, more[:]); {
	case err == nil:
		return &FormatError{fmt.Sprintf("Bad snapshot - coins left over after deserializing %d coins", done)}
	case !errors.Is(err, io.EOF):
		return err
	}
	return nil
}

var errMalformed = errors.New("malformed")

// input reads numbers and scripts; after an error it gives zeros.
type input struct {
	r   io.Reader
	err error
	buf []byte // of scripts
	one [1]byte
}

func (in *input) malformed() {
	if in.err == nil {
		in.err = errMalformed
	}
}

func (in *input) read(b []byte) {
	if in.err == nil {
		_, in.err = io.ReadFull(in.r, b)
	}
	if in.err != nil {
		clear(b)
	}
}

func (in *input) byte() byte {
	in.read(in.one[:])
	return in.one[0]
}

// compactSize reads a CompactSize in its one shortest form, of at most 2^25 (Bitcoin
// Core's MAX_SIZE).
func (in *input) compactSize() uint64 {
	var b [8]byte
	n, least := uint64(in.byte()), uint64(0)
	switch n {
	case 0xfd:
		in.read(b[:2])
		least = 0xfd
	case 0xfe:
		in.read(b[:4])
		least = 1 << 16
	case 0xff:
		in.read(b[:])
		least = 1 << 32
	default:
		return n
	}
	if n = binary.LittleEndian.Uint64(b[:]); n < least || n > 1<<25 {
		in.malformed()
		return 0
	}
	return n
}

// varInt reads what appendVarInt writes.
func (in *input) varInt() (n uint64) {
	for {
		b := in.byte()
		if n > math.MaxUint64>>7 {
			in.malformed()
			return 0
		}
		n = n<<7 | uint64(b&0x7f)
		if b < 0x80 {
			return n
		}
		if n == math.MaxUint64 {
			in.malformed()
			return 0
		}
		n++
	}
}

// longAmount takes back shortAmount. What no amount is written as gives any number.
func longAmount(x uint64) uint64 {
	if x == 0 {
		return 0
	}
	x--
	e := x % 10
	x /= 10
	n := x + 1
	if e < 9 {
		n = x/9*10 + x%9 + 1
	}
	for range e {
		n *= 10
	}
	return n
}

// maxScript is the length above which an output can never be spent, so that no coin
// has a longer script (MAX_SCRIPT_SIZE).
const maxScript = 10_000

// script reads what appendScript writes. The result is valid until the next call.
func (in *input) script() []byte {
	size := in.varInt()
	s := in.buf[:0]
	fill := func(n int) {
		s = slices.Grow(s, n)[:len(s)+n]
		in.read(s[len(s)-n:])
	}
	switch {
	case size == 0:
		s = append(s, 0x76, 0xa9, 20)
		fill(20)
		s = append(s, 0x88, 0xac)
	case size == 1:
		s = append(s, 0xa9, 20)
		fill(20)
		s = append(s, 0x87)
	case size <= 3:
		s = append(s, 33, byte(size))
		fill(32)
		s = append(s, 0xac)
	case size <= 5:
		var short [33]byte
		short[0] = byte(size - 2)
		in.read(short[1:])
		long, ok := sig.Uncompressed(&short)
		if !ok {
			in.malformed()
		}
		s = append(append(append(s, 65), long[:]...), 0xac)
	case size-specialScripts > maxScript:
		in.malformed()
	default:
		fill(int(size - specialScripts))
	}
	in.buf = s
	return s
}
