package descriptor

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/keelson-chain/keelson/script"
)

// witnessOf returns the witness script of a wsh() descriptor.
func witnessOf(t testing.TB, text string) []byte {
	t.Helper()
	d, err := Parse(mainnet, text, false)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	s, err := d.root.(wsh).inner.script(&place{})
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return s
}

func TestInferWitness(t *testing.T) {
	const (
		k1, k2, k3 = key1, key2, key3
		hash32     = "7426ba0604c3f8682c7016b44673f85c5bd9da2fa6c1080810cf53ae320c9863"
		hash20     = "095ff41131e5946f3c85f79e44adbcf8e27e080e"
	)
	for _, c := range []struct{ desc, want string }{
		{desc: "wsh(pk(" + k1 + "))"},
		{desc: "wsh(multi(2," + k1 + "," + k2 + "," + k3 + "))"},
		{desc: "wsh(sortedmulti(1," + k1 + "," + k2 + "))", want: "wsh(multi(1," + k2 + "," + k1 + "))"},
		{desc: "wsh(and_v(v:pk(" + k1 + "),older(144)))"},
		{desc: "wsh(and_v(and_v(v:pk(" + k1 + "),v:pk(" + k2 + ")),after(500000000)))"},
		{desc: "wsh(and_v(v:pk(" + k1 + "),and_v(v:pk(" + k2 + "),older(17))))", want: "wsh(and_v(and_v(v:pk(" + k1 + "),v:pk(" + k2 + ")),older(17)))"},
		{desc: "wsh(c:and_v(v:pk(" + k1 + "),pk_k(" + k2 + ")))", want: "wsh(and_v(v:pk(" + k1 + "),pk(" + k2 + ")))"},
		{desc: "wsh(or_d(pk(" + k1 + "),and_v(v:pk(" + k2 + "),older(1000))))"},
		{desc: "wsh(t:or_c(pk(" + k1 + "),v:pk(" + k2 + ")))"},
		{desc: "wsh(or_i(pk(" + k1 + "),and_v(v:pk(" + k2 + "),older(65535))))"},
		{desc: "wsh(andor(pk(" + k1 + "),pk(" + k2 + "),and_v(v:pk(" + k3 + "),older(144))))"},
		{desc: "wsh(and_n(pk(" + k1 + "),multi(1," + k2 + "," + k3 + ")))"},
		{desc: "wsh(thresh(2,pk(" + k1 + "),s:pk(" + k2 + "),sln:older(12960)))"},
		{desc: "wsh(thresh(2,pk(" + k1 + "),a:pk(" + k2 + "),a:pk(" + k3 + ")))"},
		{desc: "wsh(and_v(v:sha256(" + hash32 + "),pk(" + k1 + ")))"},
		{desc: "wsh(and_v(v:hash256(" + hash32 + "),pk(" + k1 + ")))"},
		{desc: "wsh(and_v(v:ripemd160(" + hash20 + "),pk(" + k1 + ")))"},
		{desc: "wsh(and_v(v:hash160(" + hash20 + "),pk(" + k1 + ")))"},
		{desc: "wsh(and_b(pk(" + k1 + "),a:and_v(v:sha256(" + hash32 + "),older(1))))"},
		{desc: "wsh(or_b(pk(" + k1 + "),a:pk(" + k2 + ")))"},
		{desc: "wsh(j:and_v(v:pk(" + k1 + "),pk(" + k2 + ")))"},
		{desc: "wsh(u:pk(" + k1 + "))"},
		{desc: "wsh(l:pk(" + k1 + "))"},
	} {
		want := c.want
		if want == "" {
			want = c.desc
		}
		got := InferWitness(mainnet, witnessOf(t, c.desc))
		if text, _, _ := strings.Cut(got, "#"); text != want {
			t.Errorf("%s:\n got %s\nwant %s", c.desc, text, want)
		}
	}
}

// TestInferWitnessRefuses: of what is no sane miniscript there is only the address.
func TestInferWitnessRefuses(t *testing.T) {
	const push1 = "21" + key1
	good := push1 + "ad5db2" // <key> CHECKSIGVERIFY 13 CSV
	for name, text := range map[string]string{
		"empty":                 "",
		"a number that is long": push1 + "ad0102b2",
		"a padded number":       push1 + "ad020200b2",
		"VERIFY apart":          push1 + "ac695db2",
		"cut":                   good[:len(good)-2],
		"one more":              "51" + good,
		"a hybrid key":          "41" + hyb1 + "ad5db2",
		"an uncompressed key":   "41" + pub1u + "ad5db2",
		"a hash of a key":       "76a914" + strings.Repeat("00", 20) + "88ac",
		"no signature":          "51",
		"0 as a lock":           push1 + "ad00b2",
		"a push cut short":      good + "4c",
		"unbalanced":            good + "68",
		"a key twice":           push1 + "ad" + push1 + "ac",
	} {
		s, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := InferWitness(mainnet, s); !strings.HasPrefix(got, "addr(bc1q") {
			t.Errorf("%s: %s", name, got)
		}
	}
	s, err := hex.DecodeString(good)
	if err != nil {
		t.Fatal(err)
	}
	if got := InferWitness(mainnet, s); !strings.HasPrefix(got, "wsh(and_v(v:pk("+key1+"),older(13)))#") {
		t.Errorf("the good one: %s", got)
	}
}

// TestMiniscripts writes random miniscripts. Those that are accepted have the
// size that was worked out, pass through their canonical form, can be spent as
// they say and only so, and what is inferred of their scripts has these
// scripts.
func TestMiniscripts(t *testing.T) {
	fragments := testMiniscripts(t, 2)
	for f := just0; f < multiAKeys; f++ {
		if fragments[f] == 0 && f != hash256Of && f != ripemd160Of {
			t.Errorf("no fragment %d was accepted: %v", f, fragments)
		}
	}
	testMiniscripts(t, rand.Uint64())
}

// testMiniscripts returns how often each fragment occurred.
func testMiniscripts(t *testing.T, seed uint64) map[fragment]int {
	r := rand.New(rand.NewPCG(seed, 0))
	accepted, inferred, fragments := 0, 0, map[fragment]int{}
	for range 3_000 {
		g := generator{Rand: r}
		text := "wsh(" + g.expression("B", 4) + ")"
		d, err := Parse(mainnet, text, false)
		if err != nil {
			continue
		}
		m, ok := d.root.(wsh).inner.(*miniscript)
		if !ok {
			continue
		}
		accepted++
		m.count(fragments)
		s, err := m.script(&place{})
		if err != nil || len(s) != m.size {
			t.Fatalf("seed %d: %s: %d bytes, %v, and %d were expected", seed, text, len(s), err, m.size)
		}
		if ops := countOps(s); m.ops.opcodes != ops {
			t.Fatalf("seed %d: %s: %d opcodes, and %d were expected", seed, text, ops, m.ops.opcodes)
		}
		again, err := Parse(mainnet, d.String(), true)
		if err != nil || again.String() != d.String() {
			t.Fatalf("seed %d: %s comes back as %v, %v", seed, text, again, err)
		}
		if other, err := again.root.(wsh).inner.script(&place{}); err != nil || !bytes.Equal(other, s) {
			t.Fatalf("seed %d: %s: %x, and of the canonical form %x, %v", seed, text, s, other, err)
		}
		checkSpends(t, r, text, m, s)
		found := InferWitness(mainnet, s)
		if !strings.HasPrefix(found, "wsh(") {
			if !strings.Contains(text, "pk_h(") && !strings.Contains(text, "pkh(") {
				t.Fatalf("seed %d: %s: nothing was inferred of %x", seed, text, s)
			}
			continue
		}
		inferred++
		if other := witnessOf(t, found); !bytes.Equal(other, s) {
			t.Fatalf("seed %d: %s is %x, inferred %s is %x", seed, text, s, found, other)
		}
	}
	if accepted < 100 || inferred < 50 {
		t.Errorf("seed %d: %d accepted, %d inferred", seed, accepted, inferred)
	}
	return fragments
}

// count counts the fragments.
func (m *miniscript) count(n map[fragment]int) {
	n[m.fragment]++
	for _, sub := range m.subs {
		sub.count(n)
	}
}

func countOps(s []byte) (n int) {
	for tokens := script.Tokenize(s); tokens.Next(); {
		if tokens.Op > script.Op16 {
			n++
		}
	}
	return n
}

// generator writes expressions that often have the type that is asked for.
type generator struct {
	*rand.Rand
	keys int
}

func (g *generator) key() string {
	g.keys++
	return manyPubs[g.keys%len(manyPubs)]
}

func (g *generator) pick(list ...string) string { return list[g.IntN(len(list))] }

// put writes a wrapper before an expression.
func put(letter, s string) string {
	if head, _, _ := strings.Cut(s, "("); strings.Contains(head, ":") {
		return letter + s
	}
	return letter + ":" + s
}

func (g *generator) expression(typ string, depth int) string {
	sub := func(typ string) string { return g.expression(typ, max(0, depth-1)) }
	switch typ {
	case "K":
		switch {
		case depth == 0 || g.IntN(3) > 0:
			return g.pick("pk_k(", "pk_k(", "pk_h(") + g.key() + ")"
		case g.IntN(2) == 0:
			return "or_i(" + sub("K") + "," + sub("K") + ")"
		}
		return "and_v(" + sub("V") + "," + sub("K") + ")"
	case "V":
		return put("v", sub("B"))
	case "W":
		return put(g.pick("a", "s"), sub("B"))
	}
	if depth == 0 {
		hash, short := sha256.Sum256(preimage), script.Hash160(preimage)
		return g.pick("pk("+g.key()+")", "pk("+g.key()+")", fmt.Sprintf("older(%d)", 1+g.IntN(70000)), fmt.Sprintf("after(%d)", 1+g.IntN(1000)),
			fmt.Sprintf("sha256(%x)", hash), fmt.Sprintf("hash160(%x)", short), "multi(1,"+g.key()+","+g.key()+")", "0", "1", "pkh("+g.key()+")")
	}
	switch g.IntN(14) {
	case 11, 12:
		return "thresh(" + g.pick("1", "2") + ",pk(" + g.key() + ")," + sub("W") + ",s:pk(" + g.key() + "))"
	case 0:
		return "andor(" + sub("B") + "," + sub("B") + "," + sub("B") + ")"
	case 1:
		return "and_v(" + sub("V") + "," + sub("B") + ")"
	case 2:
		return "and_b(" + sub("B") + "," + sub("W") + ")"
	case 3:
		return "or_b(" + sub("B") + "," + sub("W") + ")"
	case 4:
		return "or_d(" + sub("B") + "," + sub("B") + ")"
	case 5:
		return "or_i(" + sub("B") + "," + sub("B") + ")"
	case 6:
		return "thresh(2," + sub("B") + "," + sub("W") + "," + sub("W") + ")"
	case 7:
		return "t:or_c(" + sub("B") + "," + sub("V") + ")"
	case 8:
		return "and_n(" + sub("B") + "," + sub("B") + ")"
	case 9:
		return put(g.pick("j", "n", "l", "u"), sub("B"))
	case 10:
		return put("d", sub("V"))
	}
	return put("c", sub("K"))
}
