package script

import (
	"bytes"
	"encoding/hex"
	"math/rand/v2"
	"strings"
	"testing"
)

func TestRIPEMD160(t *testing.T) {
	// From the paper that defines it.
	for text, want := range map[string]string{
		"":                           "9c1185a5c5e9fc54612808977ee8f548b2258d31",
		"a":                          "0bdc9d2d256b3ee9daae347be6f4dc835a467ffe",
		"abc":                        "8eb208f7e05d987a9b044a8e98c6b087f15a0bfc",
		"message digest":             "5d0689ef49d2fae572b881b123a85ffa21595f36",
		"abcdefghijklmnopqrstuvwxyz": "f71c27109c692c1b56bbdceb5b9d2865b3708dbc",
		"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq":       "12a053384a9c0c88e405a06c27dcf49ada62eb2b",
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789": "b0e20b6e3116640286ed3a87a5713079b21f5189",
		strings.Repeat("1234567890", 8):                                  "9b752e45573d4b39f4dbd3323cab82bf63326bfb",
		strings.Repeat("a", 1_000_000):                                   "52783243c1697bdbe16d37f97f68f08325dc1528",
	} {
		if got := ripemd160([]byte(text)); hex.EncodeToString(got[:]) != want {
			t.Errorf("of %d bytes: %x, want %s", len(text), got, want)
		}
	}
}

func TestNumbers(t *testing.T) {
	for n, want := range map[int64]string{
		0: "", 1: "01", -1: "81", 127: "7f", -127: "ff", 128: "8000", -128: "8080", 255: "ff00",
		256: "0001", -256: "0081", 32767: "ff7f", 32768: "008000", 1<<31 - 1: "ffffff7f",
		-(1<<31 - 1): "ffffffff", 1 << 31: "0000008000", 1<<39 - 1: "ffffffff7f", -(1<<39 - 1): "ffffffffff",
	} {
		b := appendNum(nil, n)
		if hex.EncodeToString(b) != want {
			t.Errorf("%d is %x, want %s", n, b, want)
		}
		if got, code := decodeNum(b, 5, true); got != n || code != errOK {
			t.Errorf("%x is %d, %v, want %d", b, got, code, n)
		}
		if truth(b) != (n != 0) {
			t.Errorf("truth of %d is %v", n, truth(b))
		}
		// One byte more than needed is the same number, if it is not too long.
		if n == 0 {
			continue
		}
		sign := b[len(b)-1] & 0x80
		b[len(b)-1] &^= 0x80
		b = append(b, sign)
		if got, code := decodeNum(b, 6, false); got != n || code != errOK {
			t.Errorf("%x is %d, %v, want %d", b, got, code, n)
		}
		if _, code := decodeNum(b, 6, true); (code == errOK) != (b[len(b)-2]&0x80 != 0) {
			t.Errorf("%x, where it must be minimal: %v", b, code)
		}
		if _, code := decodeNum(b, len(b)-1, false); code != ErrScriptNum {
			t.Errorf("%x with %d bytes allowed: %v", b, len(b)-1, code)
		}
	}
	for _, text := range []string{"", "00", "0000", "80", "0080", "000080"} {
		b, _ := hex.DecodeString(text)
		if truth(b) {
			t.Errorf("%s is true", text)
		}
		if n, code := decodeNum(b, 4, false); n != 0 || code != errOK {
			t.Errorf("%s is %d, %v", text, n, code)
		}
	}
	for _, text := range []string{"01", "8000", "0081", "000001"} {
		if b, _ := hex.DecodeString(text); !truth(b) {
			t.Errorf("%s is false", text)
		}
	}
}

func TestMinimalPush(t *testing.T) {
	for n, want := range map[int]Opcode{
		0: Op0, 2: OpData1 + 1, 75: OpData75, 76: OpPushData1, 255: OpPushData1, 256: OpPushData2, 65535: OpPushData2,
	} {
		for op := range OpPushData4 + 1 {
			if got := minimalPush(op, make([]byte, n)); got != (op == want) {
				t.Errorf("%d bytes with %#x: %v", n, byte(op), got)
			}
		}
	}
	for v := range 256 {
		isNumber := v >= 1 && v <= 16 || v == 0x81
		if minimalPush(OpData1, []byte{byte(v)}) == isNumber {
			t.Errorf("the byte %#x", v)
		}
	}
	if !minimalPush(OpPushData4, make([]byte, 65536)) {
		t.Error("65536 bytes cannot be pushed in fewer")
	}
}

func TestBuilderIsMinimal(t *testing.T) {
	for _, n := range []int{0, 1, 2, 75, 76, 255, 256, 65535, 65536} {
		for _, fill := range []byte{0, 1, 16, 17, 0x81, 0xff} {
			data := bytes.Repeat([]byte{fill}, n)
			tok := Tokenize(new(Builder).Data(data).Script())
			if !tok.Next() || tok.Op <= OpPushData4 && (!minimalPush(tok.Op, tok.Data) || !bytes.Equal(tok.Data, data)) {
				t.Errorf("%d times %#x becomes %v %x", n, fill, tok.Op, tok.Data)
			}
			if tok.Next() || tok.Malformed() {
				t.Errorf("%d times %#x is not one instruction", n, fill)
			}
		}
	}
	for n := int64(-20); n <= 300; n++ {
		e := engine{flags: VerifyMinimalData}
		if code := e.run(new(Builder).Int(n).Script(), legacy); code != errOK {
			t.Fatalf("%d: %v", n, code)
		}
		if got, _ := e.num(0); got != n {
			t.Errorf("%d becomes %d", n, got)
		}
	}
}

func TestTokenizer(t *testing.T) {
	script, _ := hex.DecodeString("00" + "02aabb" + "4c01cc" + "4d0100dd" + "4e01000000ee" + "51" + "ac")
	want := []struct {
		op   Opcode
		data string
		end  int
	}{
		{Op0, "", 1}, {2, "aabb", 4}, {OpPushData1, "cc", 7}, {OpPushData2, "dd", 11},
		{OpPushData4, "ee", 17}, {Op1, "", 18}, {OpCheckSig, "", 19},
	}
	tok := Tokenize(script)
	for i, w := range want {
		if !tok.Next() || tok.Op != w.op || hex.EncodeToString(tok.Data) != w.data || tok.Offset() != w.end {
			t.Fatalf("instruction %d: %v %x to %d, want %v %s to %d", i, tok.Op, tok.Data, tok.Offset(), w.op, w.data, w.end)
		}
	}
	if tok.Next() || tok.Malformed() {
		t.Error("the walk does not end well")
	}
	for malformed, offset := range map[string]int{
		"01": 1, "02aa": 1, "4c": 1, "4c01": 2, "4d": 1, "4d01": 1, "4d0100": 3, "4e010000": 1, "4e01000000": 5,
		"4effffffffaa": 5, "4bff": 1,
	} {
		b, _ := hex.DecodeString("51" + malformed)
		tok := Tokenize(b)
		if !tok.Next() || tok.Next() || !tok.Malformed() || tok.Offset() != offset+1 || tok.Next() {
			t.Errorf("%s: malformed %v at %d", malformed, tok.Malformed(), tok.Offset())
		}
		if IsPushOnly(b) {
			t.Errorf("%s only pushes", malformed)
		}
	}
}

// plainFindAndDelete follows the rule word by word: at each instruction, and
// wherever something was deleted, the bytes of the push are deleted.
func plainFindAndDelete(script, push []byte) []byte {
	var out []byte
	for at := 0; ; {
		for bytes.HasPrefix(script[at:], push) {
			at += len(push)
		}
		tok := Tokenize(script[at:])
		if !tok.Next() {
			return append(out, script[at:]...)
		}
		out = append(out, script[at:at+tok.Offset()]...)
		at += tok.Offset()
	}
}

func TestFindAndDelete(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	found := 0
	for range 200_000 {
		// Few different bytes, so that pushes of pushes and overlaps come up.
		script := make([]byte, rng.IntN(12))
		for i := range script {
			script[i] = []byte{0, 1, 2, 3, 0x4c, 0x51}[rng.IntN(6)]
		}
		sig := make([]byte, rng.IntN(4))
		for i := range sig {
			sig[i] = []byte{0, 1, 2, 3, 0x4c, 0x51}[rng.IntN(6)]
		}
		before := bytes.Clone(script)
		got, ok := findAndDelete(script, sig)
		want := plainFindAndDelete(script, AppendPush(nil, sig))
		if !bytes.Equal(got, want) || ok != (len(want) < len(script)) {
			t.Fatalf("%x out of %x: %x, %v, want %x", sig, script, got, ok, want)
		}
		if !bytes.Equal(before, script) {
			t.Fatalf("%x was changed to %x", before, script)
		}
		if ok {
			found++
		}
	}
	if found < 1000 {
		t.Errorf("only %d of the scripts held the signature", found)
	}
}

func TestHighS(t *testing.T) {
	one := []byte{1}
	for _, c := range []struct {
		name string
		r, s []byte
		high bool
	}{
		{"one", one, one, false},
		{"half of the order", one, halfOrder[:], false},
		{"half and one", one, plus(halfOrder, 1), true},
		{"order less one", one, plus(groupOrder, -1), true},
		{"the order", one, groupOrder[:], false},
		{"all ones", one, bytes.Repeat([]byte{0xff}, 32), false},
		{"too long", one, bytes.Repeat([]byte{0x7f}, 33), false},
		{"R too large", groupOrder[:], plus(groupOrder, -1), false},
		{"R too long", bytes.Repeat([]byte{0x7f}, 33), plus(groupOrder, -1), false},
		{"leading zero", one, append([]byte{0}, plus(groupOrder, -1)...), true},
	} {
		if got := isHighS(c.r, c.s); got != c.high {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

func TestSplitDER(t *testing.T) {
	der := func(r, s []byte) []byte {
		b := append([]byte{0x30, byte(len(r) + len(s) + 4), 2, byte(len(r))}, r...)
		return append(append(append(b, 2, byte(len(s))), s...), 1)
	}
	long := append([]byte{0}, bytes.Repeat([]byte{0xff}, 32)...)
	valid := der(long, long)
	if r, s, ok := splitDER(valid); !ok || !bytes.Equal(r, long) || !bytes.Equal(s, long) {
		t.Errorf("%x: %x %x %v", valid, r, s, ok)
	}
	for _, b := range [][]byte{
		nil,
		der(nil, []byte{1}),
		der([]byte{1}, nil),
		der([]byte{0x80}, []byte{1}),
		der([]byte{1}, []byte{0x80}),
		der([]byte{0, 1}, []byte{1}),
		der([]byte{1}, []byte{0, 1}),
		der(append([]byte{1}, long...), long), // 74 bytes
		append(der([]byte{1}, []byte{1}), 1),  // the total is short
		valid[:len(valid)-1],
		{0x30, 7, 2, 1, 1, 2, 1, 1, 0, 1}, // something behind S
		{0x31, 6, 2, 1, 1, 2, 1, 1, 1},
		{0x30, 6, 3, 1, 1, 2, 1, 1, 1},
		{0x30, 6, 2, 1, 1, 3, 1, 1, 1},
		{0x30, 6, 2, 4, 1, 2, 1, 1, 1},
		{0x30, 6, 2, 1, 1, 2, 2, 1, 1},
		{0x30, 6, 2, 0xff, 1, 2, 1, 1, 1},
	} {
		if _, _, ok := splitDER(b); ok {
			t.Errorf("%x is taken", b)
		}
	}
}

func plus(v [32]byte, n int) []byte {
	v[31] = byte(int(v[31]) + n)
	return v[:]
}

// TestSuccessOpcodes holds isSuccess against the list of BIP 342, written out.
func TestSuccessOpcodes(t *testing.T) {
	want := map[int]bool{80: true, 98: true}
	for _, r := range [][2]int{{126, 129}, {131, 134}, {137, 138}, {141, 142}, {149, 153}, {187, 254}} {
		for op := r[0]; op <= r[1]; op++ {
			want[op] = true
		}
	}
	for op := range 256 {
		if isSuccess(Opcode(op), allFlags) != want[op] {
			t.Errorf("%#x: %v", op, !want[op])
		}
		if disabled(Opcode(op)) && !want[op] {
			t.Errorf("%#x is disabled and no OP_SUCCESSx", op)
		}
	}
}

func TestFlags(t *testing.T) {
	if len(flagNames) != 21 || allFlags != 1<<21-1 {
		t.Fatalf("%d names, flags up to %#x", len(flagNames), uint32(allFlags))
	}
	for bit, name := range flagNames {
		f, err := ParseFlags(name)
		if err != nil || f != 1<<bit || f.String() != name {
			t.Errorf("%s is %#x, %v, and back %v", name, uint32(f), err, f)
		}
	}
	all, err := ParseFlags(allFlags.String())
	if err != nil || all != allFlags {
		t.Errorf("all flags: %v, %v", all, err)
	}
	for _, none := range []string{"", "NONE"} {
		if f, err := ParseFlags(none); f != 0 || err != nil {
			t.Errorf("%q: %v, %v", none, f, err)
		}
	}
	for _, bad := range []string{"P2SH,", "p2sh", "P2SH, WITNESS", "CHECKTEMPLATEVERIFY"} {
		if _, err := ParseFlags(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
	// The numbers are part of the interface to what stores flags.
	if VerifyP2SH != 1 || VerifyWitness != 1<<11 || VerifyTaproot != 1<<17 || VerifyDiscourageUpgradablePubKeyType != 1<<20 {
		t.Error("flags have moved")
	}
	if got := VerifyCleanStack.filled(); got != VerifyCleanStack|VerifyWitness|VerifyP2SH {
		t.Errorf("filled: %v", got)
	}
}

func TestHashTypeNames(t *testing.T) {
	want := map[byte]string{
		1: "ALL", 2: "NONE", 3: "SINGLE",
		0x81: "ALL|ANYONECANPAY", 0x82: "NONE|ANYONECANPAY", 0x83: "SINGLE|ANYONECANPAY",
	}
	for v := range 256 {
		if got := hashTypeName(byte(v)); got != want[byte(v)] {
			t.Errorf("%#x is %q", v, got)
		}
	}
}
