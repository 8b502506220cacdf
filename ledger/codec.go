package ledger

import (
	"encoding/binary"
	"fmt"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/wire"
)

// A coin is stored, in the database as in an undo record, as
//
//	uvarint  height*2, plus 1 if a coinbase made it
//	4 bytes  MTP, little-endian
//	uvarint  value: mantissa*10 + exponent, value = mantissa * 10^exponent
//	uvarint  form of the script, below
//	bytes    what the form needs
//
// The forms leave out what the five common output types have in common.
const (
	formP2PKH  = iota // 20 bytes
	formP2SH          // 20 bytes
	formP2WPKH        // 20 bytes
	formP2WSH         // 32 bytes
	formP2TR          // 32 bytes
	formRaw           // formRaw+n: n bytes, the script itself
)

// scriptForms are the bytes before and after the payload of each form.
var scriptForms = [formRaw]struct {
	before, after string
	size          int
}{
	formP2PKH:  {"\x76\xa9\x14", "\x88\xac", 20},
	formP2SH:   {"\xa9\x14", "\x87", 20},
	formP2WPKH: {"\x00\x14", "", 20},
	formP2WSH:  {"\x00\x20", "", 32},
	formP2TR:   {"\x51\x20", "", 32},
}

func appendCoin(dst []byte, c *consensus.Coin) []byte {
	code := uint64(c.Height) << 1
	if c.Coinbase {
		code |= 1
	}
	dst = binary.AppendUvarint(dst, code)
	dst = binary.LittleEndian.AppendUint32(dst, c.MTP)
	dst = binary.AppendUvarint(dst, shortenAmount(uint64(c.Out.Value)))
	s := c.Out.PkScript
	if form := formOf(s); form < formRaw {
		f := &scriptForms[form]
		dst = append(dst, byte(form))
		return append(dst, s[len(f.before):len(f.before)+f.size]...)
	}
	dst = binary.AppendUvarint(dst, formRaw+uint64(len(s)))
	return append(dst, s...)
}

// formOf returns the form that script is stored in.
func formOf(s []byte) int {
	var form int
	switch {
	case len(s) == 25 && s[0] == 0x76:
		form = formP2PKH
	case len(s) == 23 && s[0] == 0xa9:
		form = formP2SH
	case len(s) == 22 && s[0] == 0x00:
		form = formP2WPKH
	case len(s) == 34 && s[0] == 0x00:
		form = formP2WSH
	case len(s) == 34 && s[0] == 0x51:
		form = formP2TR
	default:
		return formRaw
	}
	f := &scriptForms[form]
	if string(s[:len(f.before)]) != f.before || string(s[len(s)-len(f.after):]) != f.after {
		return formRaw
	}
	return form
}

// readCoin reads a coin from the front of b and returns what follows it. The
// script is appended to buf, which is returned too, so that the scripts of many
// coins share a few allocations and none shares memory with b.
func readCoin(b []byte, c *consensus.Coin, buf []byte) (rest, grown []byte, err error) {
	code, n := binary.Uvarint(b)
	if n <= 0 || len(b)-n < 4 || code>>1 > 0xffffffff {
		return nil, buf, errBadCoin
	}
	c.Height, c.Coinbase = uint32(code>>1), code&1 != 0
	c.MTP = binary.LittleEndian.Uint32(b[n:])
	b = b[n+4:]
	amount, n := binary.Uvarint(b)
	if n <= 0 {
		return nil, buf, errBadCoin
	}
	c.Out.Value = wire.Amount(restoreAmount(amount))
	b = b[n:]
	form, n := binary.Uvarint(b)
	if n <= 0 {
		return nil, buf, errBadCoin
	}
	b = b[n:]
	start, size := len(buf), uint64(0)
	if form < formRaw {
		f := &scriptForms[form]
		if len(b) < f.size {
			return nil, buf, errBadCoin
		}
		buf = append(buf, f.before...)
		buf = append(buf, b[:f.size]...)
		buf = append(buf, f.after...)
		size = uint64(f.size)
	} else {
		if size = form - formRaw; size > uint64(len(b)) {
			return nil, buf, errBadCoin
		}
		buf = append(buf, b[:size]...)
	}
	c.Out.PkScript = buf[start:len(buf):len(buf)]
	return b[size:], buf, nil
}

var errBadCoin = fmt.Errorf("%w: a coin is not well-formed", ErrCorrupt)

// shortenAmount moves up to nine decimal zeros of v into an exponent. Every 64-bit
// value below 2^60 comes back; larger ones are no valid amounts.
func shortenAmount(v uint64) uint64 {
	if v == 0 {
		return 0
	}
	exp := uint64(0)
	for exp < 9 && v%10 == 0 {
		v /= 10
		exp++
	}
	return v*10 + exp
}

func restoreAmount(v uint64) uint64 {
	mantissa, exp := v/10, v%10
	for range exp {
		mantissa *= 10
	}
	return mantissa
}

// appendOutPoint appends an outpoint so that keys sort by transaction id and
// then by index: the id and the index in 1, 3 or 5 bytes, big-endian.
func appendOutPoint(dst []byte, op *wire.OutPoint) []byte {
	dst = append(dst, op.TxID[:]...)
	switch i := op.Index; {
	case i < 0xfe:
		return append(dst, byte(i))
	case i <= 0xffff:
		return append(dst, 0xfe, byte(i>>8), byte(i))
	default:
		return binary.BigEndian.AppendUint32(append(dst, 0xff), i)
	}
}

// readOutPoint reads what appendOutPoint wrote and nothing else.
func readOutPoint(b []byte) (op wire.OutPoint, err error) {
	if len(b) <= wire.HashSize {
		return op, fmt.Errorf("%w: a coin's key is too short", ErrCorrupt)
	}
	copy(op.TxID[:], b)
	switch b = b[wire.HashSize:]; {
	case b[0] < 0xfe && len(b) == 1:
		op.Index = uint32(b[0])
	case b[0] == 0xfe && len(b) == 3:
		op.Index = uint32(binary.BigEndian.Uint16(b[1:]))
	case b[0] == 0xff && len(b) == 5:
		op.Index = binary.BigEndian.Uint32(b[1:])
	default:
		return op, fmt.Errorf("%w: a coin's key has a wrong length", ErrCorrupt)
	}
	return op, nil
}
