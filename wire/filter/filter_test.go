package filter

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/keelson-chain/keelson/internal/vectors"
	"github.com/keelson-chain/keelson/wire"
)

// vector is a row of BIP 158's file.
type vector struct {
	block          *wire.Block
	spent          [][]byte
	previous       wire.Hash
	filter         Filter
	header         wire.Hash
	height, remark string
}

func readVectors(t testing.TB, name string) (list []vector) {
	t.Helper()
	var rows [][]json.RawMessage
	if err := json.Unmarshal(vectors.Read(t, name), &rows); err != nil {
		t.Fatal(err)
	}
	text := func(raw json.RawMessage) string {
		var s string
		if err := json.Unmarshal(raw, &s); err != nil {
			t.Fatal(err)
		}
		return s
	}
	unhex := func(s string) []byte {
		b, err := hex.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for _, row := range rows[1:] {
		v := vector{height: string(row[0]), remark: text(row[7])}
		var err error
		if v.block, err = wire.DecodeBlock(unhex(text(row[2]))); err != nil {
			t.Fatal(err)
		}
		var spent []string
		if err := json.Unmarshal(row[3], &spent); err != nil {
			t.Fatal(err)
		}
		for _, s := range spent {
			v.spent = append(v.spent, unhex(s))
		}
		v.previous = wire.MustHash(text(row[4]))
		v.filter = unhex(text(row[5]))
		v.header = wire.MustHash(text(row[6]))
		list = append(list, v)
	}
	return list
}

// The vectors of BIP 158, and Bitcoin Core's copy of them.
func TestVectors(t *testing.T) {
	for _, name := range []string{"bips/bip-0158/testnet-19.json", "bitcoin-core-28.1/src/test/data/blockfilters.json"} {
		list := readVectors(t, name)
		if len(list) != 10 {
			t.Fatalf("%s has %d rows, not 10", name, len(list))
		}
		for _, v := range list {
			f := Basic(v.block, v.spent)
			if !bytes.Equal(f, v.filter) {
				t.Errorf("block %s (%s): filter %x, not %x", v.height, v.remark, f, v.filter)
			}
			if h := f.Header(v.previous); h != v.header {
				t.Errorf("block %s (%s): header %v, not %v", v.height, v.remark, h, v.header)
			}
			if err := v.filter.Check(); err != nil {
				t.Errorf("block %s (%s): %v", v.height, v.remark, err)
			}
			key := NewKey(v.block.Hash())
			for _, s := range v.spent {
				if len(s) > 0 && !v.filter.Match(key, s) {
					t.Errorf("block %s (%s): %x is not found", v.height, v.remark, s)
				}
			}
			for _, tx := range v.block.Txs {
				for _, out := range tx.Outputs {
					if s := out.PkScript; len(s) > 0 && s[0] != opReturn && !v.filter.Match(key, s) {
						t.Errorf("block %s (%s): %x is not found", v.height, v.remark, s)
					}
				}
			}
		}
	}
}

// Sets of every size: all that is in is found, alone and among others; little of
// what is not in is.
func TestMatch(t *testing.T) {
	r := rand.New(rand.NewPCG(158, 1))
	found := 0
	for n := range 300 {
		key := Key{r.Uint64(), r.Uint64()}
		var in, out [][]byte
		for i := range n {
			in = append(in, fmt.Appendf(nil, "in %d", i))
			out = append(out, fmt.Appendf(nil, "out %d", i))
		}
		twice := append(slices.Clone(in), in...)
		f := Encode(key, twice)
		if !bytes.Equal(f, Encode(key, slices.Clone(in))) {
			t.Fatal("an element counts twice")
		}
		if err := f.Check(); err != nil || f.Count() != uint64(n) {
			t.Fatalf("%d elements: %d, %v", n, f.Count(), err)
		}
		for i := range in {
			if !f.Match(key, in[i]) {
				t.Fatalf("%q of %d is not found", in[i], n)
			}
			if !f.MatchAny(key, append(slices.Clone(out), in[i])) {
				t.Fatalf("%q of %d is not found among others", in[i], n)
			}
			if f.Match(key, out[i]) {
				found++
			}
		}
		if f.MatchAny(key, nil) {
			t.Fatal("nothing is found")
		}
	}
	if found > 2 { // of 44,850, which is one in 784,931
		t.Errorf("%d false positives", found)
	}
}

// The words of a long quotient, which a filter of few elements with a large gap has.
func TestGolomb(t *testing.T) {
	list := []uint64{0, 1, 1<<19 - 1, 1 << 19, 31 << 19, 32 << 19, 33 << 19, 64 << 19, 65<<19 + 5, 1000<<19 + 77, 3}
	var w bitWriter
	for _, v := range list {
		w.golomb(v)
	}
	r := bitReader{b: w.end()}
	for _, want := range list {
		if v, ok := r.golomb(); !ok || v != want {
			t.Fatalf("%d, %v came back for %d", v, ok, want)
		}
	}
	if r.left() >= 8 {
		t.Errorf("%d bits are left", r.left())
	}
}

func TestCheck(t *testing.T) {
	good := Encode(Key{1, 2}, [][]byte{{1}, {2}, {3}})
	for _, c := range []struct {
		name string
		f    Filter
	}{
		{"empty", nil},
		{"cut off", good[:len(good)-1]},
		{"goes on", append(slices.Clone(good), 0)},
		{"more elements than bits", append(Filter{0xfe, 0, 0, 0, 1}, good...)},
		{"no zero after the ones", Filter{1, 0xff, 0xff, 0xff, 0xff}},
		{"a count in a long form", append(Filter{0xfd, 3, 0}, good[1:]...)},
		{"zero and more", Filter{0, 0}},
	} {
		if c.f.Check() == nil {
			t.Errorf("%s: is taken", c.name)
		}
		if c.f.MatchAny(Key{1, 2}, [][]byte{{9}}) {
			t.Errorf("%s: matches", c.name)
		}
	}
	if err := (Filter{0}).Check(); err != nil {
		t.Errorf("the empty set: %v", err)
	}
}

// FuzzFilter reads arbitrary bytes as a filter. One that passes Check says the same
// to a plain reader of bits, one bit at a time.
func FuzzFilter(f *testing.F) {
	f.Add([]byte(Encode(Key{1, 2}, [][]byte{{1}, {2}, {3}})), []byte{2})
	f.Add([]byte{0}, []byte{})
	f.Add([]byte{1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0}, []byte{1})
	f.Fuzz(func(t *testing.T, b, element []byte) {
		key := Key{1, 2}
		set := Filter(b)
		matched := set.Match(key, element)
		if set.Check() != nil {
			return
		}
		n := set.Count()
		_, rest, _ := wire.ReadCompactSize(b)
		at := 0
		bit := func() uint64 {
			v := rest[at/8] >> (7 - at%8) & 1
			at++
			return uint64(v)
		}
		want, value := false, uint64(0)
		for range n {
			var v uint64
			for bit() == 1 {
				v++
			}
			for range remainderBits {
				v = v<<1 | bit()
			}
			value += v
			want = want || value == key.hashes([][]byte{element}, n)[0]
		}
		if matched != want {
			t.Fatalf("match is %v, a plain reader says %v", matched, want)
		}
	})
}

// BenchmarkFilter makes the filter of a block of 2,500 transactions, two inputs and
// two outputs each, and looks for scripts that are not in it.
func BenchmarkFilter(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	script := func() []byte {
		s := make([]byte, 22)
		s[1] = 20
		for i := range s[2:] {
			s[2+i] = byte(r.Uint32())
		}
		return s
	}
	block := new(wire.Block)
	var spent, wallet [][]byte
	for range 2500 {
		tx := &wire.Tx{Version: 2, Inputs: make([]wire.TxIn, 2)}
		for range 2 {
			tx.Outputs = append(tx.Outputs, wire.TxOut{Value: 1, PkScript: script()})
			spent = append(spent, script())
		}
		block.Txs = append(block.Txs, tx)
	}
	for range 100 {
		wallet = append(wallet, script())
	}
	key, f := NewKey(block.Hash()), Basic(block, spent)
	b.Run("make", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			Basic(block, spent)
		}
	})
	b.Run("check", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := f.Check(); err != nil {
				b.Fatal(err)
			}
		}
	})
	for _, n := range []int{1, 100} {
		b.Run(fmt.Sprintf("match/%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if f.MatchAny(key, wallet[:n]) {
					b.Fatal("a script is found that is not there")
				}
			}
		})
	}
}
