package coinfile

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"io"
	"slices"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/script/sig"
	"github.com/keelson-chain/keelson/wire"
)

// HeaderSize is the length of a header in bytes.
const HeaderSize = 5 + 2 + 4 + wire.HashSize + 8

const version = 2

// Header says what the coins of a file are:
//
//	5  "utxo" and 0xff
//	2  the version of the form, 2
//	4  the network's magic
//	32 the hash of the block after which the coins are unspent
//	8  how many there are
type Header struct {
	Magic [4]byte
	Base  wire.Hash
	Coins uint64
}

// Append appends the encoding.
func (h *Header) Append(dst []byte) []byte {
	dst = binary.LittleEndian.AppendUint16(append(dst, "utxo\xff"...), version)
	dst = append(append(dst, h.Magic[:]...), h.Base[:]...)
	return binary.LittleEndian.AppendUint64(dst, h.Coins)
}

// Writer writes the coins, without the header. After the last one comes Flush.
type Writer struct {
	w     io.Writer
	id    wire.Hash
	coins []coin // of that transaction
	buf   []byte
	count uint64
}

// coin is one that waits for the others of its transaction.
type coin struct {
	index uint32
	form  []byte
}

// NewWriter returns a Writer to w, which should be buffered.
func NewWriter(w io.Writer) *Writer { return &Writer{w: w} }

// Count returns how many coins have been added.
func (w *Writer) Count() uint64 { return w.count }

// Add writes a coin. The coins of a transaction must come one after the other, and
// transactions in the order of their ids as bytes.
func (w *Writer) Add(op wire.OutPoint, c *consensus.Coin) error {
	if op.TxID != w.id {
		if err := w.Flush(); err != nil {
			return err
		}
		w.id = op.TxID
	}
	w.count++
	w.coins = append(w.coins, coin{op.Index, appendCoin(nil, c)})
	return nil
}

// Flush writes what has been held back.
func (w *Writer) Flush() error {
	if len(w.coins) == 0 {
		return nil
	}
	if w.coins[len(w.coins)-1].index >= firstLong {
		// Core has them in the order of its database's keys.
		slices.SortFunc(w.coins, func(a, b coin) int {
			return cmp.Or(bytes.Compare(appendVarInt(nil, uint64(a.index)), appendVarInt(nil, uint64(b.index))), 0)
		})
	}
	w.buf = wire.AppendCompactSize(append(w.buf[:0], w.id[:]...), uint64(len(w.coins)))
	for i := range w.coins {
		w.buf = wire.AppendCompactSize(w.buf, uint64(w.coins[i].index))
		w.buf = append(w.buf, w.coins[i].form...)
	}
	w.coins = w.coins[:0]
	_, err := w.w.Write(w.buf)
	return err
}

// firstLong is the first number that takes three bytes as appendVarInt writes it,
// from which on the order of bytes is not that of numbers.
const firstLong = 0x80 + 0x4000

func appendCoin(dst []byte, c *consensus.Coin) []byte {
	code := uint64(c.Height) << 1
	if c.Coinbase {
		code |= 1
	}
	dst = appendVarInt(dst, code)
	dst = appendVarInt(dst, shortAmount(uint64(c.Out.Value)))
	return appendScript(dst, c.Out.PkScript)
}

// appendVarInt appends a number in base 128, the most significant digit first, each
// but the last with its high bit set and one less, so that every number has one
// form (Bitcoin Core's VARINT).
func appendVarInt(dst []byte, n uint64) []byte {
	var digits [10]byte
	at := len(digits) - 1
	digits[at] = byte(n & 0x7f)
	for n > 0x7f {
		n = n>>7 - 1
		at--
		digits[at] = byte(n&0x7f) | 0x80
	}
	return append(dst, digits[at:]...)
}

// shortAmount makes a small number of an amount that ends in zeros (Bitcoin Core's
// CompressAmount): 0, or with n = d * 10^e, d the last digit that is not zero,
// 1 + 10*(9*(n/10) + d-1) + e for e below 9, and 1 + 10*(n-1) + 9.
func shortAmount(n uint64) uint64 {
	if n == 0 {
		return 0
	}
	e := uint64(0)
	for n%10 == 0 && e < 9 {
		n /= 10
		e++
	}
	if e == 9 {
		return 1 + (n-1)*10 + 9
	}
	return 1 + (n/10*9+n%10-1)*10 + e
}

// specialScripts is how many forms of scripts come before their lengths.
const specialScripts = 6

// appendScript appends a script: a byte that says what it is, and its hash (0: to a
// public key's, 1: to a script's) or the x of its public key (2, 3, and 4, 5 for
// uncompressed ones, by y's lowest bit); or its length plus 6, and itself (Bitcoin
// Core's CompressScript).
func appendScript(dst, s []byte) []byte {
	switch {
	case len(s) == 25 && bytes.HasPrefix(s, []byte{0x76, 0xa9, 20}) && bytes.HasSuffix(s, []byte{0x88, 0xac}):
		return append(append(dst, 0), s[3:23]...)
	case len(s) == 23 && s[0] == 0xa9 && s[1] == 20 && s[22] == 0x87:
		return append(append(dst, 1), s[2:22]...)
	case len(s) == 35 && s[0] == 33 && s[34] == 0xac && (s[1] == 2 || s[1] == 3):
		return append(append(dst, s[1]), s[2:34]...)
	case len(s) == 67 && s[0] == 65 && s[66] == 0xac && s[1] == 4 && sig.ValidPubKey(s[1:66]):
		return append(append(dst, 4|s[65]&1), s[2:34]...)
	}
	return append(appendVarInt(dst, uint64(len(s))+specialScripts), s...)
}
