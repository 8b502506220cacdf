package esplora

import (
	"encoding/hex"
	"encoding/json"
	"math"
	"strconv"
	"testing"

	"github.com/keelson-chain/keelson/script"
)

// TestAsm has scripts as Esplora shows them; the first ones are of Bitcoin's chain.
func TestAsm(t *testing.T) {
	for _, c := range []struct{ script, want string }{
		{
			"0340600a0463f77f602f706f6f6c696e2e636f6d2ffabe6d6d4e4176dc3ab61820d9dde06fde2d60832bbfd022a3c3dd2fe59d88f95a0b08fa0100000000000000c5398f003bff87935185713123d0946c12904517cd0069396a0000000000",
			"OP_PUSHBYTES_3 40600a OP_PUSHBYTES_4 63f77f60 OP_PUSHBYTES_47 706f6f6c696e2e636f6d2ffabe6d6d4e4176dc3ab61820d9dde06fde2d60832bbfd022a3c3dd2fe59d88f95a0b08fa OP_PUSHBYTES_1 00 OP_0 OP_0 OP_0 OP_0 OP_0 OP_0 OP_RETURN_197 OP_PUSHBYTES_57 <push past end>",
		},
		{
			"210363680dee282909488e3798a6b0287ed80fde760ef57293d0073ffe1298a78932ac6476a9141344093f67618581bea305f40e7ca3e87c6b59b788ad03e8d50bb1672103239d7cc044472ebd3b35400af36f2afaabbaf66d053f95acb59de20638d1c495ad82012088a91439961ad396349445a5128e2273d14efdee1fa6ee8768",
			"OP_PUSHBYTES_33 0363680dee282909488e3798a6b0287ed80fde760ef57293d0073ffe1298a78932 OP_CHECKSIG OP_NOTIF OP_DUP OP_HASH160 OP_PUSHBYTES_20 1344093f67618581bea305f40e7ca3e87c6b59b7 OP_EQUALVERIFY OP_CHECKSIGVERIFY OP_PUSHBYTES_3 e8d50b OP_CLTV OP_ELSE OP_PUSHBYTES_33 03239d7cc044472ebd3b35400af36f2afaabbaf66d053f95acb59de20638d1c495 OP_CHECKSIGVERIFY OP_SIZE OP_PUSHBYTES_1 20 OP_EQUALVERIFY OP_HASH160 OP_PUSHBYTES_20 39961ad396349445a5128e2273d14efdee1fa6ee OP_EQUAL OP_ENDIF",
		},
		{
			"2102eddf2257db044b1ce1dc9b1b4a78c304106962322abcc761ad7c00feed482ffaad21038aade0256f0b09b295318a9e7dd9c05ae6c50253bb0dd4feb6749e64736ee844ac73640380ca00b268",
			"OP_PUSHBYTES_33 02eddf2257db044b1ce1dc9b1b4a78c304106962322abcc761ad7c00feed482ffa OP_CHECKSIGVERIFY OP_PUSHBYTES_33 038aade0256f0b09b295318a9e7dd9c05ae6c50253bb0dd4feb6749e64736ee844 OP_CHECKSIG OP_IFDUP OP_NOTIF OP_PUSHBYTES_3 80ca00 OP_CSV OP_ENDIF",
		},
		{"", ""},
		{"4f00515260", "OP_PUSHNUM_NEG1 OP_0 OP_PUSHNUM_1 OP_PUSHNUM_2 OP_PUSHNUM_16"},
		{"4c0101ba", "OP_PUSHDATA1 01 OP_CHECKSIGADD"},
		{"4d020001024e03000000010203", "OP_PUSHDATA2 0102 OP_PUSHDATA4 010203"},
		{"4c00", "OP_PUSHDATA1"},
		{"514c", "OP_PUSHNUM_1<unexpected end>"},
		{"4dff", "<unexpected end>"},
		{"4effffff", "<unexpected end>"},
		{"4effffffff00", "OP_PUSHDATA4 <push past end>"},
		{"4b", "OP_PUSHBYTES_75 <push past end>"},
		{"6aff", "OP_RETURN OP_INVALIDOPCODE"},
		{"bbfe", "OP_RETURN_187 OP_RETURN_254"},
		{"5050", "OP_RESERVED OP_RESERVED"},
	} {
		s, err := hex.DecodeString(c.script)
		if err != nil {
			t.Fatal(err)
		}
		if got := Asm(s); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.script, got, c.want)
		}
	}
}

// TestOpcodeNames: every opcode has a name, and no two the same.
func TestOpcodeNames(t *testing.T) {
	seen := map[string]int{}
	for op := range 256 {
		name := string(appendOpcode(nil, script.Opcode(op)))
		if other, ok := seen[name]; ok || name == "" || name == "OP_UNKNOWN" {
			t.Errorf("opcode %d is %q, as is %d", op, name, other)
		}
		seen[name] = op
	}
}

func TestScriptType(t *testing.T) {
	key, hash20, hash32 := "02"+hex.EncodeToString(make([]byte, 32)), hex.EncodeToString(make([]byte, 20)), hex.EncodeToString(make([]byte, 32))
	for _, c := range []struct{ script, want string }{
		{"", TypeEmpty},
		{"6a", TypeOpReturn},
		{"6a0568656c6c6f", TypeOpReturn},
		{"6a4c", TypeOpReturn},
		{"21" + key + "ac", TypeP2PK},
		{"41" + hex.EncodeToString(make([]byte, 65)) + "ac", TypeP2PK},
		{"76a914" + hash20 + "88ac", TypeP2PKH},
		{"a914" + hash20 + "87", TypeP2SH},
		{"0014" + hash20, TypeP2WPKH},
		{"0020" + hash32, TypeP2WSH},
		{"5120" + hash32, TypeP2TR},
		{"5220" + hash32, TypeUnknown},
		{"51024e73", TypeUnknown},
		{"5121" + key + "51ae", TypeUnknown},
		{"51", TypeUnknown},
		{"0013" + hash20[2:], TypeUnknown},
	} {
		s, err := hex.DecodeString(c.script)
		if err != nil {
			t.Fatal(err)
		}
		if got := scriptType(s); got != c.want {
			t.Errorf("%s is %s, want %s", c.script, got, c.want)
		}
	}
}

// TestFloat holds numbers against what serde_json writes.
func TestFloat(t *testing.T) {
	for _, c := range []struct {
		f    float64
		want string
	}{
		{0, "0.0"}, {1, "1.0"}, {-1.5, "-1.5"}, {10, "10.0"}, {123456789, "123456789.0"},
		{53.01, "53.01"}, {1.027, "1.027"}, {0.1, "0.1"}, {0.00001, "0.00001"}, {0.000012, "0.000012"}, {1e-6, "1e-6"},
		{4.6565423739069247e-10, "4.6565423739069247e-10"}, {1.5e300, "1.5e300"},
		{1e15, "1000000000000000.0"}, {1e16, "1e16"}, {1.2e16, "1.2e16"}, {123e14, "1.23e16"}, {12345678901234567, "1.2345678901234568e16"},
		{90666502495565.78, "90666502495565.78"},
	} {
		got := string(appendFloat(nil, c.f))
		if got != c.want {
			t.Errorf("%g is written %s, want %s", c.f, got, c.want)
		}
	}
	if b, err := json.Marshal(Float(math.Inf(1))); err != nil || string(b) != "null" {
		t.Errorf("infinity: %s, %v", b, err)
	}
}

// FuzzFloat: what is written is read back as the same number.
func FuzzFloat(f *testing.F) {
	for _, x := range []float64{0, 1, 1e16, 1e-5, 4.6565423739069247e-10, math.MaxFloat64, math.SmallestNonzeroFloat64} {
		f.Add(x)
	}
	f.Fuzz(func(t *testing.T, x float64) {
		if math.IsNaN(x) || math.IsInf(x, 0) || x == 0 {
			return
		}
		text := string(appendFloat(nil, x))
		if got, err := strconv.ParseFloat(text, 64); err != nil || got != x {
			t.Errorf("%g is written %s, which is %g, %v", x, text, got, err)
		}
		if !json.Valid([]byte(text)) {
			t.Errorf("%s is no JSON", text)
		}
	})
}

// FuzzAsm: any bytes have a text.
func FuzzAsm(f *testing.F) {
	f.Add([]byte{0x4c}, []byte{0x51}, []byte{})
	f.Fuzz(func(t *testing.T, s, sigScript, element []byte) {
		if text := Asm(s); (text == "") != (len(s) == 0) {
			t.Errorf("%x is %q", s, text)
		}
		innerScripts(s, sigScript, [][]byte{element})
	})
}
