package jsonrpc

import (
	"bytes"
	"encoding/json"
	"math"
	"runtime"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestParse(t *testing.T) {
	for _, c := range []struct {
		text, want string // want: what Append writes; empty: refused
	}{
		{`null`, `null`},
		{` true `, `true`},
		{"\t\n\r false", `false`},
		{`0`, `0`},
		{`-0`, `-0`},
		{`1.50`, `1.50`}, // numbers stay as they were written
		{`1e+07`, `1e+07`},
		{`-12.5E-3`, `-12.5E-3`},
		{`"a\u0041\n\/é"`, `"aA\n/é"`},
		{`"\ud83d\ude00"`, `"😀"`},
		{`[]`, `[]`},
		{`[ 1 , [ ] , { } ]`, `[1,[],{}]`},
		{`{"b":1,"a":2,"b":3}`, `{"b":1,"a":2,"b":3}`},
		{`"` + "\x7f" + `"`, `"\u007f"`},

		{``, ``},
		{` `, ``},
		{`nul`, ``},
		{`True`, ``},
		{`01`, ``},
		{`+1`, ``},
		{`.5`, ``},
		{`1.`, ``},
		{`1e`, ``},
		{`-`, ``},
		{`0x10`, ``},
		{`NaN`, ``},
		{`1 2`, ``},
		{`"a`, ``},
		{`"a` + "\n" + `"`, ``},
		{`"\x"`, ``},
		{`"\u12"`, ``},
		{`"\u00g0"`, ``},
		{`"\ud83d"`, ``},
		{`"\ud83dA"`, ``},
		{`"\ude00"`, ``},
		{"\"\xff\"", ``},
		{"\"\\n\xff\"", ``},
		{`[`, ``},
		{`[1`, ``},
		{`[1,]`, ``},
		{`[,1]`, ``},
		{`[1}`, ``},
		{`{`, ``},
		{`{1:2}`, ``},
		{`{"a"}`, ``},
		{`{"a":}`, ``},
		{`{"a":1,}`, ``},
		{`{"a" 1}`, ``},
		{`{"a":1]`, ``},
	} {
		v, err := Parse(c.text)
		switch {
		case c.want == "" && err == nil:
			t.Errorf("%q was taken as %s", c.text, Append(nil, v))
		case c.want != "" && err != nil:
			t.Errorf("%q was refused", c.text)
		case c.want != "" && string(Append(nil, v)) != c.want:
			t.Errorf("%q is %s, want %s", c.text, Append(nil, v), c.want)
		}
	}
}

func TestParseLimits(t *testing.T) {
	nested := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	if _, err := Parse(nested(MaxDepth)); err != nil {
		t.Errorf("depth %d was refused", MaxDepth)
	}
	for _, n := range []int{MaxDepth + 1, 1_000_000} {
		if _, err := Parse(nested(n)); err == nil {
			t.Errorf("depth %d was taken", n)
		}
	}
	if _, err := Parse(strings.Repeat(`{"a":`, 1_000_000)); err == nil {
		t.Error("a million open objects were taken")
	}
	list := func(n int) string { return "[" + strings.Repeat("0,", n-1) + "0]" }
	if _, err := Parse(list(MaxValues - 1)); err != nil {
		t.Error("a list with all values that are allowed was refused")
	}
	if _, err := Parse(list(MaxValues)); err == nil {
		t.Error("a list with too many values was taken")
	}
	if _, err := ParseLarge(list(MaxValues)); err != nil {
		t.Error("ParseLarge refused it too")
	}
}

// TestElements: the elements of a list, one by one, are those of the whole
// list, whatever they are, and Check counts the largest of them.
func TestElements(t *testing.T) {
	for _, c := range []struct {
		text    string
		largest int
	}{
		{`[]`, 0},
		{" [ ] ", 0},
		{`[1]`, 1},
		{` [ {"a":[1,2],"b":{}} , [[],[]] ,"x]", null ] `, 7},
		{`[` + strings.Repeat(`[0,0,0],`, 5000) + `{"a":"b"}]`, 4},
		{`[1,` + strings.Repeat("[", 510) + strings.Repeat("]", 510) + `]`, 510},
	} {
		kind, values, err := Check(c.text)
		if kind != Array || values != c.largest || err != nil {
			t.Errorf("%.50s: %v of %d, %v", c.text, kind, values, err)
		}
		whole, err := Parse(c.text)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for v := range Elements(c.text) {
			if got, want := Append(nil, v), Append(nil, whole.At(n)); !bytes.Equal(got, want) {
				t.Errorf("%.50s: element %d is %s, want %s", c.text, n, got, want)
			}
			n++
		}
		if n != whole.Len() {
			t.Errorf("%.50s: %d elements, want %d", c.text, n, whole.Len())
		}
	}
	for text, want := range map[string]int{`{}`: 1, `{"a":1}`: 3, `{"a":[1,{"b":2}]}`: 7, `"x"`: 1, `null`: 1} {
		if _, values, err := Check(text); values != want || err != nil {
			t.Errorf("%s has %d values, want %d; %v", text, values, want, err)
		}
	}
}

// TestValueBytes: parsing takes no more memory than ValueBytes say.
func TestValueBytes(t *testing.T) {
	for name, text := range map[string]string{
		"flat":    "[" + strings.Repeat("0,", MaxValues-2) + "0]",
		"lists":   "[" + strings.Repeat("[],", MaxValues-2) + "0]",
		"pairs":   "[" + strings.Repeat("[0],", MaxValues/2-1) + "0]",
		"members": "{" + strings.Repeat(`"":0,`, MaxValues/2-2) + `"":0}`,
		"small":   `{"method":"getblockcount","params":[],"id":1}`,
	} {
		_, values, err := Check(text)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if strings.HasPrefix(text, "[") {
			values = MaxValues
		}
		// What else the process does shows in the figures too: the least of some rounds is the parser's own.
		limit, held := int64(max(values, 32)*ValueBytes), int64(math.MaxInt64)
		for round := 0; round < 5 && held > limit; round++ {
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			v, err := Parse(text)
			runtime.GC()
			runtime.ReadMemStats(&after)
			if err != nil {
				t.Fatal(err)
			}
			held = min(held, int64(after.HeapAlloc)-int64(before.HeapAlloc))
			runtime.KeepAlive(v)
		}
		if held > limit {
			t.Errorf("%s: %d bytes for %d values, more than %d", name, held, values, limit)
		}
	}
}

func TestMembers(t *testing.T) {
	v, err := Parse(`{"a":1,"b":null,"a":2,"c":[3,4]}`)
	if err != nil {
		t.Fatal(err)
	}
	if got := v.Get("a").Text; got != "1" {
		t.Errorf("the first of two equal names is %s", got)
	}
	if m, ok := v.Lookup("b"); !ok || !m.IsNull() {
		t.Error("null member not found")
	}
	if _, ok := v.Lookup("d"); ok || !v.Get("d").IsNull() {
		t.Error("member that is not there found")
	}
	c := v.Get("c")
	if c.Len() != 2 || c.At(1).Text != "4" || !c.At(2).IsNull() {
		t.Error("elements")
	}
	if v.Len() != 4 || v.Key(1) != "b" {
		t.Error("members")
	}
	scalar := Value{Kind: Number, Text: "1"}
	if scalar.Len() != 0 || !scalar.At(0).IsNull() || !scalar.Get("a").IsNull() {
		t.Error("a number has elements")
	}
}

// FuzzParse compares with encoding/json, which takes the same texts but for
// three things: it has no limits of ours, replaces bytes and surrogates that
// are not UTF-8, where we refuse, and it knows no order.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`{"jsonrpc":"2.0","id":1,"method":"getblock","params":["00",2]}`,
		`[{"method":"help"},{"params":{"a":[1.5e-7,null,true]}}]`, `"\ud83d\ude00\u0000\\"`, `[[[[]]]]`, `-0.0e+1`, ` {"a":{}} `,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		v, err := Parse(text)
		if kind, values, checkErr := Check(text); checkErr != err || err == nil && (kind != v.Kind || values > len(text)) {
			t.Fatalf("%q: Check says %v of %d, %v; Parse %v, %v", text, kind, values, checkErr, v.Kind, err)
		}
		if err == nil && v.Kind == Array {
			list := []Value{}
			for e := range Elements(text) {
				list = append(list, e)
			}
			if !bytes.Equal(Append(nil, NewArray(list...)), Append(nil, v)) {
				t.Fatalf("%q: its elements one by one are %s", text, Append(nil, NewArray(list...)))
			}
		}
		valid := json.Valid([]byte(text))
		if err != nil {
			if valid && utf8.ValidString(text) && !strings.Contains(text, `\u`) && depth(text) <= MaxDepth/2 && len(text) < MaxValues {
				t.Fatalf("%q was refused", text)
			}
			return
		}
		if !valid {
			t.Fatalf("%q was taken", text)
		}
		once := Append(nil, v)
		again, err := Parse(string(once))
		if err != nil {
			t.Fatalf("%q is written as %q, which is refused", text, once)
		}
		if twice := Append(nil, again); !bytes.Equal(once, twice) {
			t.Fatalf("%q, then %q", once, twice)
		}
		pretty := AppendIndent(nil, v, 2)
		if again, err = Parse(string(pretty)); err != nil || !bytes.Equal(Append(nil, again), once) {
			t.Fatalf("%q is laid out as %q", once, pretty)
		}
		var a, b any
		if json.Unmarshal([]byte(text), &a) == nil {
			if err := json.Unmarshal(once, &b); err != nil {
				t.Fatalf("%q is written as %q: %v", text, once, err)
			}
			x, _ := json.Marshal(a)
			y, _ := json.Marshal(b)
			if !bytes.Equal(x, y) {
				t.Fatalf("%q means %s, written as %q it means %s", text, x, once, y)
			}
		}
		new(Request).Read(&v) // must not panic
	})
}

// depth is an upper bound of how deep the text is nested.
func depth(text string) int { return strings.Count(text, "[") + strings.Count(text, "{") }

func BenchmarkParse(b *testing.B) {
	text := "[" + strings.Repeat(`{"jsonrpc":"2.0","id":17,"method":"getblockhash","params":[123456]},`, 999) + "{}]"
	b.ReportAllocs()
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := Parse(text); err != nil {
			b.Fatal(err)
		}
	}
}
