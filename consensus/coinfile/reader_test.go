package coinfile

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/script/sig"
	"github.com/keelson-chain/keelson/wire"
)

type item struct {
	op   wire.OutPoint
	coin consensus.Coin
}

func read(r io.Reader, count uint64, height uint32) (list []item, err error) {
	err = ReadCoins(r, count, height, func(op wire.OutPoint, c *consensus.Coin) error {
		coin := *c
		coin.Out.PkScript = bytes.Clone(c.Out.PkScript)
		list = append(list, item{op, coin})
		return nil
	})
	return list, err
}

func write(t *testing.T, list []item) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := NewWriter(&buf)
	for i := range list {
		if err := w.Add(list[i].op, &list[i].coin); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// What was written comes back, with scripts of every form.
func TestRoundTrip(t *testing.T) {
	point, _ := hex.DecodeString("0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798")
	long, _ := sig.Uncompressed((*[33]byte)(point))
	hash := strings.Repeat("\x07", 20)
	scripts := []string{
		"\x76\xa9\x14" + hash + "\x88\xac", "\xa9\x14" + hash + "\x87", "\x21" + string(point) + "\xac",
		"\x41" + string(long[:]) + "\xac", "", "\x51", "\x00\x14" + hash, strings.Repeat("\x51", maxScript),
	}
	r := rand.New(rand.NewPCG(3, 3))
	var want []item
	for i := range 40 {
		index := uint32(0)
		for range 1 + r.IntN(5) {
			want = append(want, item{wire.OutPoint{TxID: wire.Hash{byte(i)}, Index: index}, consensus.Coin{
				Height: r.Uint32N(1000), Coinbase: r.IntN(2) == 0,
				Out: wire.TxOut{Value: wire.Amount(r.Int64N(int64(wire.MaxMoney) + 1)), PkScript: []byte(scripts[r.IntN(len(scripts))])}}})
			index += 1 + r.Uint32N(3000)
		}
	}
	raw := write(t, want)
	got, err := read(iotest.OneByteReader(bytes.NewReader(raw)), uint64(len(want)), 1000)
	if err != nil || len(got) != len(want) {
		t.Fatalf("%d coins of %d: %v", len(got), len(want), err)
	}
	for i := range want {
		if len(want[i].coin.Out.PkScript) == 0 {
			want[i].coin.Out.PkScript, got[i].coin.Out.PkScript = nil, bytes.TrimSpace(got[i].coin.Out.PkScript)
			if len(got[i].coin.Out.PkScript) == 0 {
				got[i].coin.Out.PkScript = nil
			}
		}
		if !reflect.DeepEqual(got[i], want[i]) {
			t.Fatalf("coin %d: %+v, not %+v", i, got[i], want[i])
		}
	}
	// Cut anywhere it is no file of so many coins.
	for range 200 {
		n := r.IntN(len(raw))
		var bad *FormatError
		if got, err := read(bytes.NewReader(raw[:n]), uint64(len(want)), 1000); !errors.As(err, &bad) {
			t.Fatalf("cut at %d: %d coins, %v", n, len(got), err)
		}
	}
	if _, err := read(iotest.TimeoutReader(bytes.NewReader(raw)), uint64(len(want)), 1000); !errors.Is(err, iotest.ErrTimeout) {
		t.Errorf("an error of the file became %v", err)
	}
	stop := errors.New("stop")
	if err := ReadCoins(bytes.NewReader(raw), uint64(len(want)), 1000, func(wire.OutPoint, *consensus.Coin) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("the error of yield became %v", err)
	}
}

// The errors of Bitcoin Core's feature_assumeutxo.py, and what else may be wrong.
func TestMalformed(t *testing.T) {
	id := strings.Repeat("\x01", 32)
	coin := "\x02\x09\x07\x51" // height 1, one coin, OP_1
	for _, c := range []struct {
		name, raw string
		count     uint64
		want      string
	}{
		{"none", "", 0, ""},
		{"one", id + "\x01\x00" + coin, 1, ""},
		{"one too few", id + "\x01\x00" + coin, 2, "Bad snapshot format or truncated snapshot after deserializing 1 coins"},
		{"one too many", id + "\x01\x00" + coin + id + "\x01\x01" + coin, 1, "Bad snapshot - coins left over after deserializing 1 coins"},
		{"more of the transaction than in all", id + "\x02\x00" + coin + "\x01" + coin, 1, "Mismatch in coins count in snapshot metadata and actual snapshot data"},
		{"younger than the block", id + "\x01\x00\x16\x09\x07\x51", 1, "Bad snapshot data after deserializing 0 coins"},
		{"too much money", id + "\x01\x00\x02\xca\xd2\x8f\x5a\x07\x51", 1, "Bad snapshot data after deserializing 0 coins - bad tx out value"},
		{"a height of more than 32 bits", id + "\x01\x00\x8f\xff\xff\xff\x7f\x09\x07\x51", 1, "Bad snapshot format or truncated snapshot after deserializing 0 coins"},
		{"a number without an end", id + "\x01\x00" + strings.Repeat("\xff", 20), 1, "Bad snapshot format or truncated snapshot after deserializing 0 coins"},
		{"an index in a long form", id + "\x01\xfd\x01\x00" + coin, 1, "Bad snapshot format or truncated snapshot after deserializing 0 coins"},
		{"an index that no transaction has", id + "\x01\xfe\xff\xff\xff\xff" + coin, 1, "Bad snapshot format or truncated snapshot after deserializing 0 coins"},
		{"a key off the curve", id + "\x01\x00\x02\x09\x04" + strings.Repeat("\xff", 32), 1, "Bad snapshot format or truncated snapshot after deserializing 0 coins"},
		{"a script of any length", id + "\x01\x00\x02\x09\xfe\xfe\xfe\xfe\xfe\xfe\x7f", 1, "Bad snapshot format or truncated snapshot after deserializing 0 coins"},
		{"no coins of a transaction", id + "\x00", 1, "Bad snapshot format or truncated snapshot after deserializing 0 coins"},
	} {
		_, err := read(strings.NewReader(c.raw), c.count, 10)
		var bad *FormatError
		if c.want == "" && err != nil || c.want != "" && (!errors.As(err, &bad) || err.Error() != c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

func TestReadHeader(t *testing.T) {
	h := Header{Magic: [4]byte{1, 2, 3, 4}, Base: wire.Hash{9}, Coins: 77}
	raw := h.Append(nil)
	if got, err := ReadHeader(bytes.NewReader(raw)); err != nil || got != h {
		t.Errorf("%+v, %v", got, err)
	}
	for n := range raw {
		if _, err := ReadHeader(bytes.NewReader(raw[:n])); !errors.Is(err, ErrTruncated) {
			t.Errorf("cut at %d: %v", n, err)
		}
	}
	bad := bytes.Clone(raw)
	bad[4] = 0
	if _, err := ReadHeader(bytes.NewReader(bad)); !errors.Is(err, ErrMagic) {
		t.Error(err)
	}
	bad = bytes.Clone(raw)
	bad[5] = 3
	if _, err := ReadHeader(bytes.NewReader(bad)); err == nil || err.Error() != "Version of snapshot 3 does not match any of the supported versions." {
		t.Error(err)
	}
}

// Whatever bytes there are: coins that are written again as they were, or one error.
func FuzzReadCoins(f *testing.F) {
	id := strings.Repeat("\x01", 32)
	f.Add([]byte(id+"\x01\x00\x02\x09\x07\x51"), uint64(1))
	f.Add([]byte(id+"\x02\x00\x02\x09\x04"+id+"\x01\x02\x09\x00"+id), uint64(2))
	f.Fuzz(func(t *testing.T, raw []byte, count uint64) {
		list, err := read(bytes.NewReader(raw), count, 1<<20)
		if err == nil && uint64(len(list)) != count {
			t.Fatalf("%d coins of %d", len(list), count)
		}
	})
}
