package scriptdiff

import (
	"os"
	"runtime"
	"strconv"
	"testing"

	"github.com/keelson-chain/keelson/internal/oracle/corpus"
	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/wire"
)

// TestVectors runs every vector through both engines.
func TestVectors(t *testing.T) {
	spends, err := corpus.Spends()
	if err != nil {
		t.Fatal(err)
	}
	valid := 0
	for i := range spends {
		s := &spends[i]
		v := Compare(s)
		if v.Diverges() {
			t.Errorf("diverges:\n%s", Describe(s, v))
		}
		if v.Ours == nil {
			valid++
		}
	}
	t.Logf("%d spends, %d valid", len(spends), valid)
	if len(spends) < 6700 || valid < 3600 {
		t.Errorf("%d spends and %d valid ones: some vectors went missing", len(spends), valid)
	}
}

// TestGenerated runs generated spends, 20,000 or as many as KEELSON_SCRIPTDIFF
// says.
func TestGenerated(t *testing.T) {
	n := uint64(20_000)
	if text := os.Getenv("KEELSON_SCRIPTDIFF"); text != "" {
		var err error
		if n, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	if testing.Short() {
		n = 2_000
	}
	g, err := NewGenerator()
	if err != nil {
		t.Fatal(err)
	}
	const seed = 7
	r := Run(g, seed, 0, n, runtime.GOMAXPROCS(0), func(d Divergence) {
		t.Errorf("input %d of seed %d diverges:\n%s", d.N, seed, Describe(d.Spend, d.Verdict))
	})
	t.Logf("seed %d: %v", seed, r)
	// A generator that makes nothing valid, or trips over one rule always,
	// would compare little.
	if r.Valid < int(n)/5 || r.Valid > int(n)*4/5 || len(r.Codes) < 40 {
		t.Errorf("%d of %d valid, %d error codes: too one-sided to say much", r.Valid, n, len(r.Codes))
	}
}

// TestSameSpend: a spend is a function of the seed and the number.
func TestSameSpend(t *testing.T) {
	g, err := NewGenerator()
	if err != nil {
		t.Fatal(err)
	}
	for n := range uint64(200) {
		a, b := g.Spend(1, n), g.Spend(1, n)
		if x, y := Describe(a, Verdict{}), Describe(b, Verdict{}); x != y {
			t.Fatalf("input %d:\n%s\n%s", n, x, y)
		}
	}
}

// FuzzScript gives the engines a script in each of the wraps. stack has the
// elements below it, each after its length in one byte.
func FuzzScript(f *testing.F) {
	spends, err := corpus.Spends()
	if err != nil {
		f.Fatal(err)
	}
	for i, s := range spends {
		if i%80 == 0 {
			in := s.Tx.Inputs[s.Input]
			code := s.Spent[s.Input].PkScript
			var stack []byte
			for _, item := range in.Witness {
				stack = append(append(stack, byte(len(item))), item[:min(255, len(item))]...)
			}
			if n := len(in.Witness); n > 1 {
				code = in.Witness[n-2]
			}
			f.Add(code, stack, byte(i), uint32(s.Flags), s.Tx.LockTime, in.Sequence)
		}
	}
	f.Fuzz(func(t *testing.T, code, stack []byte, w byte, flags, lockTime, sequence uint32) {
		var items [][]byte
		for len(stack) > 0 {
			n := min(int(stack[0]), len(stack)-1)
			items = append(items, stack[1:1+n])
			stack = stack[1+n:]
		}
		d := newDraft(newRand(1, 1), closed(script.Flags(flags)&allFlags|script.VerifyDERSig))
		d.Tx.Inputs, d.Spent, d.Input = d.Tx.Inputs[:1], d.Spent[:1], 0
		d.Tx.Outputs = []wire.TxOut{{Value: 1}}
		d.Tx.LockTime, d.in().Sequence = lockTime, sequence
		d.place(wrap(w%byte(wraps)), code, items)
		if v := Compare(&d.Spend); v.Diverges() && explain(&d.Spend, v) == "" {
			t.Fatalf("diverges:\n%s", Describe(&d.Spend, v))
		}
	})
}
