package coinfile

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"testing"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/script/sig"
	"github.com/keelson-chain/keelson/wire"
)

// The cases of Bitcoin Core's serialize_tests (varints), compress_tests.
func TestNumbers(t *testing.T) {
	for n, want := range map[uint64]string{
		0: "00", 0x7f: "7f", 0x80: "8000", 0x1234: "a334", 0xffff: "82fe7f", 0x123456: "c7e756",
		0x80123456: "86ffc7e756", 0xffffffff: "8efefefe7f", 0x7fffffffffffffff: "fefefefefefefefe7f", 0xffffffffffffffff: "80fefefefefefefefe7f",
	} {
		if got := hex.EncodeToString(appendVarInt(nil, n)); got != want {
			t.Errorf("%#x is %s, not %s", n, got, want)
		}
	}
	for amount, want := range map[wire.Amount]uint64{0: 0, 1: 1, 1_000_000: 7, wire.Coin: 9, 50 * wire.Coin: 0x32, 21_000_000 * wire.Coin: 0x1406f40} {
		if got := shortAmount(uint64(amount)); got != want {
			t.Errorf("%v is %#x, not %#x", amount, got, want)
		}
	}
	r := rand.New(rand.NewPCG(1, 1))
	for range 100_000 {
		n := r.Uint64() >> r.IntN(64) >> 12
		for range r.IntN(12) {
			if n < 1<<56 {
				n *= 10
			}
		}
		if back := longAmount(shortAmount(n)); back != n {
			t.Fatalf("%d comes back as %d", n, back)
		}
		v, rest := readVarInt(append(appendVarInt(nil, n), 9))
		if v != n || len(rest) != 1 {
			t.Fatalf("%d comes back as %d", n, v)
		}
	}
}

func TestScripts(t *testing.T) {
	point, _ := hex.DecodeString("0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798")
	long, ok := sig.Uncompressed((*[33]byte)(point))
	if !ok {
		t.Fatal("no point")
	}
	off := long
	off[64] ^= 1 // not on the curve
	x := string(point[1:])
	hash := string(bytes.Repeat([]byte{7}, 20))
	for _, c := range []struct{ name, script, want string }{
		{"to a key's hash", "\x76\xa9\x14" + hash + "\x88\xac", "\x00" + hash},
		{"to a script's hash", "\xa9\x14" + hash + "\x87", "\x01" + hash},
		{"to a key", "\x21" + string(point) + "\xac", "\x02" + x},
		{"to a long key", "\x41" + string(long[:]) + "\xac", string([]byte{4 | long[64]&1}) + x},
		{"to a long key that is none", "\x41" + string(off[:]) + "\xac", string([]byte{67 + 6}) + "\x41" + string(off[:]) + "\xac"},
		{"none", "", "\x06"},
		{"to a witness", "\x00\x14" + hash, "\x1c\x00\x14" + hash},
		{"long", string(make([]byte, 200)), "\x80\x4e" + string(make([]byte, 200))},
		{"almost to a key's hash", "\x76\xa9\x14" + hash + "\x88\xad", "\x1f\x76\xa9\x14" + hash + "\x88\xad"},
	} {
		if got := appendScript(nil, []byte(c.script)); string(got) != c.want {
			t.Errorf("%s: %x, not %x", c.name, got, c.want)
		}
	}
}

// A file read back by a plain reader holds the coins in the order in which they came.
func TestWriter(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	var buf bytes.Buffer
	head := Header{Magic: [4]byte{1, 2, 3, 4}, Base: wire.Hash{9}, Coins: 77}
	if raw := head.Append(nil); len(raw) != HeaderSize || string(raw[:7]) != "utxo\xff\x02\x00" || binary.LittleEndian.Uint64(raw[43:]) != 77 {
		t.Fatalf("header %x", raw)
	}
	w := NewWriter(&buf)
	type item struct {
		op   wire.OutPoint
		coin consensus.Coin
	}
	var want []item
	for i := range 50 {
		id := wire.Hash{byte(i)}
		for index := range uint32(1 + r.IntN(4)) {
			s := make([]byte, r.IntN(40)+1)
			s[0] = 0x51
			want = append(want, item{wire.OutPoint{TxID: id, Index: index * 1000}, consensus.Coin{
				Height: r.Uint32() >> 8, Coinbase: r.IntN(2) == 0, Out: wire.TxOut{Value: wire.Amount(r.Int64N(1e15)), PkScript: s}}})
		}
	}
	for i := range want {
		if err := w.Add(want[i].op, &want[i].coin); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil || w.Count() != uint64(len(want)) {
		t.Fatal(w.Count(), err)
	}
	b := buf.Bytes()
	for len(want) > 0 {
		id := wire.Hash(b[:32])
		n, rest, err := wire.ReadCompactSize(b[32:])
		if err != nil {
			t.Fatal(err)
		}
		for range n {
			index, more, err := wire.ReadCompactSize(rest)
			if err != nil {
				t.Fatal(err)
			}
			code, more := readVarInt(more)
			amount, more := readVarInt(more)
			size, more := readVarInt(more)
			got := consensus.Coin{Height: uint32(code >> 1), Coinbase: code&1 == 1, Out: wire.TxOut{Value: wire.Amount(longAmount(amount)), PkScript: more[:size-6]}}
			rest = more[size-6:]
			x := want[0]
			want = want[1:]
			if x.op != (wire.OutPoint{TxID: id, Index: uint32(index)}) || got.Height != x.coin.Height || got.Coinbase != x.coin.Coinbase ||
				got.Out.Value != x.coin.Out.Value || !bytes.Equal(got.Out.PkScript, x.coin.Out.PkScript) {
				t.Fatalf("%v:%d %+v came back for %+v", id, index, got, x)
			}
		}
		b = rest
	}
	if len(b) != 0 {
		t.Fatalf("%d bytes are left", len(b))
	}
}

// The order of a transaction's coins is that of Core's keys, in which three bytes
// may come before two.
func TestLongIndices(t *testing.T) {
	var buf bytes.Buffer
	w := NewWriter(&buf)
	for _, index := range []uint32{5, 16511, 16512} {
		if err := w.Add(wire.OutPoint{Index: index}, &consensus.Coin{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	coin := "\x00\x00\x06"
	if want := string(make([]byte, 32)) + "\x03" + "\x05" + coin + "\xfd\x80\x40" + coin + "\xfd\x7f\x40" + coin; buf.String() != want {
		t.Errorf("%x, not %x", buf.Bytes(), want)
	}
}

func readVarInt(b []byte) (n uint64, rest []byte) {
	for {
		n = n<<7 | uint64(b[0]&0x7f)
		if b[0] < 0x80 {
			return n, b[1:]
		}
		n++
		b = b[1:]
	}
}
