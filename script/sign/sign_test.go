package sign

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/script/sig"
	"github.com/keelson-chain/keelson/wire"
)

// TestSign: what is signed for every kind of coin, with every hash type, passes
// the rules of relaying, and commits to what the hash type says and no more.
func TestSign(t *testing.T) {
	changes := []struct {
		name   string
		change func(*wire.Tx)
		breaks func(base byte, anyone bool) bool
	}{
		{"its own sequence", func(tx *wire.Tx) { tx.Inputs[1].Sequence-- }, func(byte, bool) bool { return true }},
		{"lock time", func(tx *wire.Tx) { tx.LockTime++ }, func(byte, bool) bool { return true }},
		{"its own output", func(tx *wire.Tx) { tx.Outputs[1].Value++ }, func(base byte, _ bool) bool { return base != none }},
		{"another output", func(tx *wire.Tx) { tx.Outputs[2].Value++ }, func(base byte, _ bool) bool { return base == all }},
		{"another input", func(tx *wire.Tx) { tx.Inputs[2].PrevOut.Index++ }, func(_ byte, anyone bool) bool { return !anyone }},
	}
	ran := 0
	for _, c := range testCoins() {
		for _, h := range hashTypes {
			name := c.name + ", " + h.name
			tx, spent := spend(&c)
			s := NewTx(tx, spent)
			if errs := s.Sign(c.keys(), h.t); errs[1] != nil {
				t.Errorf("%s: %v", name, errs[1])
				continue
			}
			signed := s.Tx()
			if err := verifyInput(t, signed, spent, 1); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			base, anyoneToo := byte(h.t)&^anyone, byte(h.t)&anyone != 0
			if base == script.SigHashDefault {
				base = all
			}
			for _, change := range changes {
				changed := signed.Clone()
				change.change(changed)
				if got, want := verifyInput(t, changed, spent, 1) != nil, change.breaks(base, anyoneToo); got != want {
					t.Errorf("%s: that another value of %s breaks it is %v, want %v", name, change.name, got, want)
				}
			}
			// Signing again, with or without keys, changes nothing.
			for _, keys := range []*Keys{c.keys(), nil} {
				again := NewTx(signed, spent)
				if errs := again.Sign(keys, h.t); errs[1] != nil || !bytes.Equal(again.Tx().Append(nil), signed.Append(nil)) {
					t.Errorf("%s: signed again: %v", name, errs[1])
				}
			}
			ran++
		}
		if tx, spent := spend(&c); verifyInput(t, tx, spent, 1) == nil {
			t.Errorf("%s needs no signature", c.name)
		}
	}
	if ran != 32*7 {
		t.Errorf("%d cases ran, want %d", ran, 32*7)
	}
}

// TestWitnessShapes: where the elements stand.
func TestWitnessShapes(t *testing.T) {
	want := map[string]string{
		"pk":                   "71/",
		"pkh":                  "71 33/",
		"pkh, uncompressed":    "71 65/",
		"multi":                "0 71 71/",
		"wpkh":                 "/71 33",
		"sh(wpkh)":             "22/71 33",
		"sh(pkh)":              "71 33 25/",
		"wsh(multi)":           "/0 71 71 105",
		"sh(wsh(multi))":       "34/0 71 71 105",
		"sh(multi, 1 of 1)":    "0 71 37/",
		"rawtr":                "/64",
		"tr":                   "/64",
		"tr with a tree":       "/64",
		"tr, leaf of one key":  "/64 34 65",
		"tr, leaf of multi_a":  "/64 64 0 104 97",
		"tr, the smaller leaf": "/64 34 65",
	}
	for _, c := range testCoins() {
		if want[c.name] == "" {
			continue
		}
		tx, spent := spend(&c)
		s := NewTx(tx, spent)
		s.Sign(c.keys(), Default)
		in := s.Tx().Inputs[1]
		shape := ""
		for i, list := range [][][]byte{pushes(in.SigScript), in.Witness} {
			for j, element := range list {
				n := len(element)
				if n == 70 || n == 69 { // a shorter R or S
					n = 71
				}
				if j > 0 {
					shape += " "
				}
				shape += fmt.Sprint(n)
			}
			if i == 0 {
				shape += "/"
			}
		}
		if shape != want[c.name] {
			t.Errorf("%s: %s, want %s", c.name, shape, want[c.name])
		}
		delete(want, c.name)
	}
	if len(want) > 0 {
		t.Errorf("did not run: %v", want)
	}
}

// TestIncomplete takes one thing away.
func TestIncomplete(t *testing.T) {
	for _, c := range testCoins() {
		for i := range c.private {
			less := c
			less.private = slices.Delete(slices.Clone(c.private), i, i+1)
			if len(less.private) > 0 && (c.name == "multi, all keys" || c.taproot != nil || len(c.private) > 2) {
				continue // some are enough
			}
			tx, spent := spend(&less)
			s := NewTx(tx, spent)
			if errs := s.Sign(less.keys(), Default); errs[1] == nil {
				t.Errorf("%s without key %d is signed", c.name, c.private[i])
			}
		}
		if c.scripts != nil {
			less := c
			less.scripts = c.scripts[1:]
			tx, spent := spend(&less)
			s := NewTx(tx, spent)
			if errs := s.Sign(less.keys(), Default); errs[1] == nil {
				t.Errorf("%s without its script is signed", c.name)
			}
		}
	}
}

// TestErrors has what Sign says of inputs that cannot be signed.
func TestErrors(t *testing.T) {
	wpkh := coin{script: p2wpkh(pub(1)), private: []byte{1}}
	pkh := coin{script: p2pkh(pub(1)), private: []byte{1}}
	rawtr := coin{script: func() []byte { x := key(1).XOnly(); return p2tr(x[:]) }(), private: []byte{1}}
	two := multisig(2, pub(1), pub(2))
	for _, c := range []struct {
		name   string
		coin   coin
		change func(tx *wire.Tx, spent []*wire.TxOut)
		t      HashType
		want   error
	}{
		{name: "no coin", coin: pkh, change: func(_ *wire.Tx, spent []*wire.TxOut) { spent[1] = nil }, want: ErrNoCoin},
		{name: "no amount", coin: wpkh, change: func(_ *wire.Tx, spent []*wire.TxOut) { spent[1].Value = wire.MaxMoney }, want: ErrNoAmount},
		{name: "no amount needed", coin: pkh, change: func(_ *wire.Tx, spent []*wire.TxOut) { spent[1].Value = wire.MaxMoney }},
		{name: "an amount that is none", coin: wpkh, change: func(_ *wire.Tx, spent []*wire.TxOut) { spent[1].Value = -1 }, want: script.ErrWitnessProgramMismatch},
		{name: "no key", coin: coin{script: p2pkh(pub(1))}, want: script.ErrInvalidStackOperation},
		{name: "no witness key", coin: coin{script: p2wpkh(pub(1))}, want: script.ErrWitnessProgramMismatch},
		{name: "the other form of the key", coin: coin{script: p2pkh(pub(1)), private: []byte{1}, long: true}, want: script.ErrInvalidStackOperation},
		{name: "uncompressed in a witness", coin: coin{script: p2wpkh(key(1).PubKey(false)), private: []byte{1}, long: true}, want: script.ErrWitnessProgramMismatch},
		{name: "half of a multisig", coin: coin{script: two, private: []byte{1}}, want: script.ErrNullFail},
		{name: "half of a multisig in a witness", coin: coin{script: p2wsh(two), scripts: [][]byte{two}, private: []byte{1}}, want: script.ErrNullFail},
		{name: "no script", coin: coin{script: p2sh(two), private: []byte{1, 2}}, want: script.ErrInvalidStackOperation},
		{name: "single without an output", coin: pkh, change: func(tx *wire.Tx, _ []*wire.TxOut) { tx.Outputs = tx.Outputs[:1] }, t: single, want: script.ErrInvalidStackOperation},
		{name: "taproot, single without an output", coin: rawtr, change: func(tx *wire.Tx, _ []*wire.TxOut) { tx.Outputs = tx.Outputs[:1] }, t: single | anyone, want: script.ErrWitnessProgramWitnessEmpty},
		{name: "taproot with another coin unknown", coin: rawtr, change: func(_ *wire.Tx, spent []*wire.TxOut) { spent[0] = nil }, t: all | anyone, want: script.ErrWitnessProgramWitnessEmpty},
		{name: "legacy with another coin unknown", coin: pkh, change: func(_ *wire.Tx, spent []*wire.TxOut) { spent[0] = nil }},
		{name: "anybody's", coin: coin{script: []byte{0x51, 0x02, 0x4e, 0x73}}},
		{name: "of no kind", coin: coin{script: []byte{byte(script.OpDup)}}, want: script.ErrInvalidStackOperation},
		{name: "nobody's", coin: coin{script: []byte{byte(script.OpReturn)}}, want: script.ErrOpReturn},
	} {
		tx, spent := spend(&c.coin)
		if c.change != nil {
			c.change(tx, spent)
		}
		before := tx.Append(nil)
		s := NewTx(tx, spent)
		if errs := s.Sign(c.coin.keys(), c.t); !errors.Is(errs[1], c.want) {
			t.Errorf("%s: %v, want %v", c.name, errs[1], c.want)
		}
		if !bytes.Equal(before, tx.Append(nil)) {
			t.Errorf("%s: the caller's transaction changed", c.name)
		}
	}
}

// TestForeignTaproot: a taproot signature that is there counts only where it
// can be checked.
func TestForeignTaproot(t *testing.T) {
	x := key(1).XOnly()
	c := coin{script: p2tr(x[:]), private: []byte{1}}
	tx, spent := spend(&c)
	s := NewTx(tx, spent)
	s.Sign(c.keys(), Default)
	signed := s.Tx()
	spent[0] = nil
	s = NewTx(signed, spent)
	if errs := s.Sign(nil, Default); errs[1] != script.ErrSchnorrSigHashType {
		t.Errorf("%v", errs[1])
	}
	if got := s.Tx().Inputs[1].Witness; len(got) != 1 || !bytes.Equal(got[0], signed.Inputs[1].Witness[0]) {
		t.Errorf("the witness is %x now", got)
	}
}

// TestSingleOutOfRange: no key ever signs the hash that is the number 1.
func TestSingleOutOfRange(t *testing.T) {
	c := coin{script: p2pkh(pub(1)), private: []byte{1}}
	tx, spent := spend(&c)
	tx.Outputs = tx.Outputs[:1]
	s := NewTx(tx, spent)
	var d Data
	if s.Produce(1, c.keys(), single, &d) || len(d.Signatures) > 0 {
		t.Errorf("signed: %x", d.Signatures)
	}
}

// TestCombine: each of three owners signs alone, and any two of the results make
// a whole, in any order.
func TestCombine(t *testing.T) {
	code := multisig(2, pub(1), pub(2), pub(3))
	for _, c := range []coin{
		{name: "multi", script: code},
		{name: "sh", script: p2sh(code), scripts: [][]byte{code}},
		{name: "wsh", script: p2wsh(code), scripts: [][]byte{code}},
		{name: "sh(wsh)", script: p2sh(p2wsh(code)), scripts: [][]byte{code, p2wsh(code)}},
	} {
		var parts []*wire.Tx
		var spent []*wire.TxOut
		for number := byte(1); number <= 3; number++ {
			c.private = []byte{number}
			var tx *wire.Tx
			tx, spent = spend(&c)
			s := NewTx(tx, spent)
			if errs := s.Sign(c.keys(), all); errs[1] != script.ErrNullFail {
				t.Fatalf("%s: key %d alone: %v", c.name, number, errs[1])
			}
			parts = append(parts, s.Tx())
		}
		for a := range parts {
			for b := range parts {
				s := NewTx(parts[a], spent)
				d := s.Existing(1)
				if n := len(d.Signatures); n != 1 {
					t.Errorf("%s: %d signatures in a part", c.name, n)
				}
				d.Merge(NewTx(parts[b], spent).Existing(1))
				complete := s.Produce(1, nil, all, &d)
				s.Set(1, &d)
				if complete != (a != b) || complete != (verifyInput(t, s.Tx(), spent, 1) == nil) {
					t.Errorf("%s: %d and %d are complete: %v", c.name, a, b, complete)
				}
				if a == b && !bytes.Equal(s.Tx().Append(nil), parts[a].Append(nil)) {
					t.Errorf("%s: %d alone is not what it was", c.name, a)
				}
				// The next owner adds his to what he is given.
				c.private = []byte{byte(b) + 1}
				next := NewTx(parts[a], spent)
				if errs := next.Sign(c.keys(), all); (errs[1] == nil) != (a != b) {
					t.Errorf("%s: %d after %d: %v", c.name, b, a, errs[1])
				}
				if !bytes.Equal(next.Tx().Append(nil), s.Tx().Append(nil)) {
					t.Errorf("%s: %d after %d is not %d with %d", c.name, b, a, a, b)
				}
			}
		}
		// A signature of another transaction is none.
		other := parts[0].Clone()
		other.LockTime++
		if d := NewTx(other, spent).Existing(1); len(d.Signatures) != 0 {
			t.Errorf("%s: a signature that is not valid counts", c.name)
		}
		// A complete one wins.
		s := NewTx(parts[0], spent)
		c.private = []byte{1, 2}
		s.Sign(c.keys(), all)
		d := NewTx(parts[2], spent).Existing(1)
		d.Merge(s.Existing(1))
		d.Merge(NewTx(parts[2], spent).Existing(1))
		if !d.Complete || !bytes.Equal(d.SigScript, s.Tx().Inputs[1].SigScript) {
			t.Errorf("%s: the complete one is not taken", c.name)
		}
	}
}

func TestHashTypeNames(t *testing.T) {
	for _, h := range hashTypes {
		if got, ok := ParseHashType(h.name); !ok || got != h.t || got.String() != h.name {
			t.Errorf("%s is %v %v", h.name, got, ok)
		}
	}
	for _, name := range []string{"", "all", "ALL ", "ALL|NONE", "ANYONECANPAY", "DEFAULT|ANYONECANPAY"} {
		if got, ok := ParseHashType(name); ok {
			t.Errorf("%q is %v", name, got)
		}
	}
	if HashType(0x80).String() != "" {
		t.Error("0x80 has a name")
	}
}

// TestMatchLeaf has leaves that look like those of multi_a().
func TestMatchLeaf(t *testing.T) {
	keys := make([][32]byte, 200)
	for i := range keys {
		keys[i][0] = byte(i)
	}
	good := multiA(2, keys[:3]...)
	one := p2pk(keys[0][:])
	for _, c := range []struct {
		name string
		code []byte
		want int
	}{
		{"2 of 3", good, 2},
		{"3 of 3", multiA(3, keys[:3]...), 3},
		{"1 of 1", multiA(1, keys[0]), 1},
		{"17 of 200", multiA(17, keys...), 17},
		{"128 of 200", multiA(128, keys...), 128},
		{"200 of 200", multiA(200, keys...), 200},
		{"one key", one, 1},
		{"0 of 3", multiA(0, keys[:3]...), 0},
		{"4 of 3", multiA(4, keys[:3]...), 0},
		{"-1 of 3", multiA(-1, keys[:3]...), 0},
		{"empty", nil, 0},
		{"a key alone", one[:33], 0},
		{"a cut key", one[:20], 0},
		{"one key and more", append(bytes.Clone(one), byte(script.Op1)), 0},
		{"no OP_NUMEQUAL", good[:len(good)-1], 0},
		{"no number", good[:len(good)-2], 0},
		{"more", append(bytes.Clone(good), byte(script.OpDrop)), 0},
		{"another end", append(bytes.Clone(good[:len(good)-1]), byte(script.OpEqual)), 0},
		{"a number with more bytes than needed", append(bytes.Clone(good[:len(good)-2]), 1, 2, byte(script.OpNumEqual)), 0},
		{"two of OP_CHECKSIG", append(bytes.Clone(one), one...), 0},
		{"a key of 33 bytes", p2pk(pub(1)), 0},
	} {
		if got, _ := matchLeaf(c.code); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

// TestAddTaproot: the control blocks prove the leaves, which the matrix of
// TestSign shows; here is what has no output.
func TestAddTaproot(t *testing.T) {
	noPoint := [32]byte{31: 5}
	if output, ok := new(Keys).AddTaproot(Taproot{InternalKey: noPoint}); ok {
		t.Errorf("%x", output)
	}
}

// FuzzExisting: whatever an input says, looking at it and signing it does not
// panic, and what is called complete passes.
func FuzzExisting(f *testing.F) {
	for _, c := range testCoins() {
		tx, spent := spend(&c)
		s := NewTx(tx, spent)
		s.Sign(c.keys(), all)
		in := s.Tx().Inputs[1]
		var a, b []byte
		if len(in.Witness) > 0 {
			a, b = in.Witness[0], in.Witness[len(in.Witness)-1]
		}
		f.Add(c.script, in.SigScript, a, b)
	}
	f.Fuzz(func(t *testing.T, pkScript, sigScript, a, b []byte) {
		c := coin{script: pkScript}
		tx, spent := spend(&c)
		in := &tx.Inputs[1]
		in.SigScript = sigScript
		if len(a)+len(b) > 0 {
			in.Witness = [][]byte{a, b}
		}
		s := NewTx(tx, spent)
		d := s.Existing(1)
		if d.Complete != (verifyInput(t, tx, spent, 1) == nil) {
			t.Fatalf("complete: %v", d.Complete)
		}
		var keys Keys
		keys.Add(key(1), true)
		keys.Add(key(2), true)
		if errs := s.Sign(&keys, all); (errs[1] == nil) != (verifyInput(t, s.Tx(), spent, 1) == nil) {
			t.Fatalf("signed: %v", errs[1])
		}
	})
}

func BenchmarkSign(b *testing.B) {
	for _, c := range testCoins() {
		switch c.name {
		case "pkh", "wpkh", "wsh(multi)", "tr":
		default:
			continue
		}
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			tx, spent := spend(&c)
			keys := c.keys()
			_ = sig.DCRD()
			for b.Loop() {
				if errs := NewTx(tx, spent).Sign(keys, Default); errs[1] != nil {
					b.Fatal(errs[1])
				}
			}
		})
	}
}
