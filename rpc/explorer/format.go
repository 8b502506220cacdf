package explorer

import (
	"fmt"
	"html/template"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/keelson-chain/keelson/wire"
)

// functions are what templates call. None returns markup: everything is text
// that html/template escapes.
var functions = template.FuncMap{
	"amount":   splitAmount,
	"bits":     func(b uint32) string { return fmt.Sprintf("%08x", b) },
	"bytes":    bytesText,
	"dec":      func(n int) int { return n - 1 },
	"dict":     dict,
	"duration": durationText,
	"feerate":  func(fee wire.Amount, vsize int) float64 { return float64(fee) / float64(max(1, vsize)) },
	"group":    group,
	"hashrate": func(f float64) string { return si(f) + "H/s" },
	"hex32":    func(v uint32) string { return fmt.Sprintf("0x%08x", v) },
	"inc":      func(n int) int { return n + 1 },
	"moment":   momentOf,
	"nav":      func() []navItem { return navItems },
	"number":   plainNumber,
	"percent":  func(part, whole int) string { return strconv.Itoa(int(math.Round(100*share(part, whole)))) + "%" },
	"plural":   plural,
	"printed":  printed,
	"rate":     rateText,
	"seconds":  func(n int64) time.Time { return time.Unix(n, 0) },
	"short":    short,
	"vbytes":   func(n int64) string { return si(float64(n)) + "vB" },
	"unix":     func(seconds uint32) time.Time { return time.Unix(int64(seconds), 0) },
}

// navItem is a page that every page leads to.
type navItem struct{ Name, Path, Text string }

var navItems = []navItem{
	{"home", "/", "Overview"},
	{"blocks", "/blocks", "Blocks"},
	{"pool", "/pool", "Pool"},
	{"reorgs", "/reorgs", "Reorgs"},
	{"peers", "/peers", "Peers"},
}

// dict makes what a part of a page is given: names and values in turn.
func dict(pairs ...any) (map[string]any, error) {
	d := map[string]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		name, ok := pairs[i].(string)
		if !ok {
			return nil, fmt.Errorf("%v is no name", pairs[i])
		}
		d[name] = pairs[i+1]
	}
	return d, nil
}

// amountText is an amount in coins, cut where the zeros at its end begin, so
// that they can be shown paler.
type amountText struct{ Digits, Zeros string }

func splitAmount(a wire.Amount) amountText {
	text := a.String()
	whole, fraction, _ := strings.Cut(text, ".")
	negative := strings.HasPrefix(whole, "-")
	whole = strings.TrimPrefix(whole, "-")
	if n, err := strconv.ParseInt(whole, 10, 64); err == nil {
		whole = group(n)
	}
	if negative {
		whole = "−" + whole
	}
	kept := strings.TrimRight(fraction, "0")
	zeros := fraction[len(kept):]
	if kept == "" {
		return amountText{whole, "." + zeros}
	}
	return amountText{whole + "." + kept, zeros}
}

// group writes a whole number with a thin space between groups of three digits.
func group(n any) string {
	text := fmt.Sprint(n)
	sign := ""
	if strings.HasPrefix(text, "-") {
		sign, text = "−", text[1:]
	}
	if len(text) <= 4 {
		return sign + text
	}
	var b strings.Builder
	b.WriteString(sign)
	for i, digit := range text {
		if i > 0 && (len(text)-i)%3 == 0 {
			b.WriteRune('\u202f')
		}
		b.WriteRune(digit)
	}
	return b.String()
}

// plainNumber writes a number of any size with four digits that matter.
func plainNumber(f float64) string {
	switch abs := math.Abs(f); {
	case f == 0:
		return "0"
	case math.IsInf(f, 0) || math.IsNaN(f):
		return "—"
	case abs >= 1e15 || abs < 1e-4:
		exponent := int(math.Floor(math.Log10(abs)))
		return strconv.FormatFloat(f/math.Pow10(exponent), 'g', 3, 64) + " × 10" + superscript(exponent)
	case abs >= 1000:
		return group(int64(math.Round(f)))
	}
	return strconv.FormatFloat(f, 'g', 4, 64)
}

func superscript(n int) string {
	const digits = "⁰¹²³⁴⁵⁶⁷⁸⁹"
	all := []rune(digits)
	var b strings.Builder
	for _, c := range strconv.Itoa(n) {
		if c == '-' {
			b.WriteRune('⁻')
			continue
		}
		b.WriteRune(all[c-'0'])
	}
	return b.String()
}

// si writes a number with a prefix of the SI, and a space.
func si(f float64) string {
	prefixes := []string{"", "k", "M", "G", "T", "P", "E", "Z"}
	i := 0
	for ; f >= 1000 && i < len(prefixes)-1; i++ {
		f /= 1000
	}
	if f != 0 && f < 0.1 {
		return strconv.FormatFloat(f, 'g', 2, 64) + " "
	}
	return strconv.FormatFloat(f, 'f', digitsFor(f), 64) + " " + prefixes[i]
}

// digitsFor is how many digits behind the point make three that matter.
func digitsFor(f float64) int {
	switch {
	case f >= 100 || f == math.Trunc(f):
		return 0
	case f >= 10:
		return 1
	}
	return 2
}

func bytesText(n any) string {
	f, err := strconv.ParseFloat(fmt.Sprint(n), 64)
	if err != nil {
		return "—"
	}
	return si(f) + "B"
}

// rateText writes a fee rate in satoshi per virtual byte.
func rateText(f float64) string {
	if f >= 1000 {
		return group(int64(math.Round(f)))
	}
	return strconv.FormatFloat(f, 'f', digitsFor(f), 64)
}

func share(part, whole int) float64 {
	if whole <= 0 {
		return 0
	}
	return min(1, max(0, float64(part)/float64(whole)))
}

// plural puts a number before a noun, which gets an s if there is not just one.
func plural(n any, noun string) string {
	text := group(n)
	if text == "1" {
		return text + " " + noun
	}
	return text + " " + noun + "s"
}

// short keeps both ends of a hash.
func short(v any) string {
	text := fmt.Sprint(v)
	if len(text) <= 20 {
		return text
	}
	return text[:8] + "…" + text[len(text)-8:]
}

// momentText is a time, for people and for programs.
type momentText struct{ ISO, Text, Ago string }

func momentOf(now time.Time, t time.Time) momentText {
	t = t.UTC()
	return momentText{ISO: t.Format(time.RFC3339), Text: t.Format("2006-01-02 15:04:05 UTC"), Ago: agoText(now.Sub(t))}
}

// agoText says how long ago something was, in the words that app.js has too.
func agoText(d time.Duration) string {
	switch {
	case d < -time.Minute:
		return "in " + durationText(-d)
	case d < time.Second:
		return "now"
	}
	return durationText(d) + " ago"
}

func durationText(d time.Duration) string {
	switch {
	case d < 10*time.Millisecond:
		return strconv.FormatFloat(d.Seconds()*1000, 'f', 1, 64) + " ms"
	case d < time.Second:
		return strconv.Itoa(int(d.Milliseconds())) + " ms"
	case d < time.Minute:
		return strconv.Itoa(int(d.Seconds())) + " s"
	case d < time.Hour:
		return strconv.Itoa(int(d.Minutes())) + " min"
	case d < 48*time.Hour:
		return strconv.Itoa(int(d.Hours())) + " h"
	}
	return plural(int(d.Hours()/24), "day")
}

// printed is what can be read of bytes that anybody may have written: runes that
// print, with a dot in place of each run of others. Controls and formatting
// characters, which would turn the text around them, do not print.
func printed(text string) string {
	var b strings.Builder
	gap := false
	for len(text) > 0 {
		r, size := utf8.DecodeRuneInString(text)
		text = text[size:]
		if r == utf8.RuneError && size == 1 || !unicode.IsPrint(r) {
			gap = true
			continue
		}
		if gap && b.Len() > 0 {
			b.WriteRune('·')
		}
		gap = false
		b.WriteRune(r)
	}
	return b.String()
}
