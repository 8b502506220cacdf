package explorer

import (
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/keelson-chain/keelson/wire"
)

func TestFormat(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{group(0), "0"}, {group(9999), "9999"}, {group(10000), "10\u202f000"}, {group(-1234567), "−1\u202f234\u202f567"},
		{plainNumber(4.656542373906925e-10), "4.66 × 10⁻¹⁰"}, {plainNumber(5e-10), "5 × 10⁻¹⁰"}, {plainNumber(1), "1"}, {plainNumber(123456), "123\u202f456"}, {plainNumber(1.1e20), "1.1 × 10²⁰"}, {plainNumber(0), "0"},
		{si(0) + "H/s", "0 H/s"}, {si(999) + "B", "999 B"}, {si(1500) + "B", "1.50 kB"}, {si(0.0033) + "H/s", "0.0033 H/s"}, {si(2e18) + "H/s", "2 EH/s"},
		{agoText(0), "now"}, {agoText(59 * time.Second), "59 s ago"}, {agoText(time.Hour), "1 h ago"}, {agoText(72 * time.Hour), "3 days ago"}, {agoText(-2 * time.Hour), "in 2 h"},
		{plural(1, "block"), "1 block"}, {plural(2, "block"), "2 blocks"}, {short(strings.Repeat("ab", 32)), "abababab…abababab"},
		{printed("\x03\x01\x02hi\x00\x00there\u202e!"), "hi·there·!"}, {printed("\xff\xfeé"), "é"}, {printed(""), ""},
		{sentence("block not found"), "Block not found."}, {cut("äöü", 2), "äö…"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
	for a, want := range map[wire.Amount]amountText{0: {"0", ".00000000"}, 5e9: {"50", ".00000000"}, 123456789: {"1.23456789", ""}, 150000000: {"1.5", "0000000"}, -1: {"−0.00000001", ""}, 21e14: {"21\u202f000\u202f000", ".00000000"}} {
		if got := splitAmount(a); got != want {
			t.Errorf("%d: %+v, want %+v", a, got, want)
		}
	}
}

// FuzzPrinted: whatever comes, what is printed is valid, prints, and is not longer
// than what it was made of, but for the dots.
func FuzzPrinted(f *testing.F) {
	for _, seed := range []string{"", "abc", "\xff\x00a\u202eb", strings.Repeat("\x01a", 50)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := printed(text)
		if !utf8.ValidString(got) || len(got) > 2*len(text) {
			t.Fatalf("%q became %q", text, got)
		}
		for _, r := range got {
			if r != '·' && !unicode.IsPrint(r) {
				t.Fatalf("%q became %q", text, got)
			}
		}
		if printed(got) != got {
			t.Fatalf("%q is not printed as it is", got)
		}
	})
}

func TestRoundUp(t *testing.T) {
	for v, want := range map[float64]float64{0: 0, 1: 1, 1.2: 1.5, 4.66e-10: 5e-10, 7: 8, 90: 100, 1000: 1000} {
		if got := roundUp(v); got < want*(1-1e-9) || got > want*(1+1e-9) {
			t.Errorf("%v: %v, want %v", v, got, want)
		}
	}
}

func BenchmarkRender(b *testing.B) {
	n := startTestNode(b, options{})
	for b.Loop() {
		n.page("/")
	}
}
