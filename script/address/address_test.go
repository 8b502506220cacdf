package address

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/keelson-chain/keelson/internal/vectors"
	"github.com/keelson-chain/keelson/script"
)

// The networks of the vectors.
var networks = map[string]*Prefixes{
	"main":    {PubKeyHash: 0, ScriptHash: 5, PrivateKey: 128, HRP: "bc"},
	"test":    {PubKeyHash: 111, ScriptHash: 196, PrivateKey: 239, HRP: "tb"},
	"signet":  {PubKeyHash: 111, ScriptHash: 196, PrivateKey: 239, HRP: "tb"},
	"regtest": {PubKeyHash: 111, ScriptHash: 196, PrivateKey: 239, HRP: "bcrt"},
}

func load(t testing.TB, name string, into any) {
	t.Helper()
	if err := json.Unmarshal(vectors.Read(t, name), into); err != nil {
		t.Fatal(err)
	}
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func flipCase(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z':
			return r - 'a' + 'A'
		case 'A' <= r && r <= 'Z':
			return r - 'A' + 'a'
		}
		return r
	}, s)
}

func TestKeyIOValid(t *testing.T) {
	var rows [][]json.RawMessage
	load(t, "bitcoin-core-28.1/src/test/data/key_io_valid.json", &rows)
	if len(rows) != 70 {
		t.Fatalf("%d vectors, want 70", len(rows))
	}
	for _, row := range rows {
		var s, want string
		var meta struct {
			Chain        string
			IsPrivkey    bool
			IsCompressed bool
			TryCaseFlip  bool
		}
		for i, into := range []any{&s, &want, &meta} {
			if err := json.Unmarshal(row[i], into); err != nil {
				t.Fatal(err)
			}
		}
		p := networks[meta.Chain]
		if meta.IsPrivkey {
			key, compressed, err := DecodeWIF(p, s)
			if err != nil || hex.EncodeToString(key[:]) != want || compressed != meta.IsCompressed {
				t.Errorf("%s: key %x, compressed %v, %v", s, key, compressed, err)
			}
			if got := EncodeWIF(p, key, compressed); got != s {
				t.Errorf("%s comes back as %s", s, got)
			}
			if _, err := Decode(p, s); err == nil {
				t.Errorf("private key %s is an address", s)
			}
			continue
		}
		pkScript, err := Decode(p, s)
		if err != nil || hex.EncodeToString(pkScript) != want {
			t.Errorf("%s: script %x, %v", s, pkScript, err)
			continue
		}
		if got, ok := Encode(p, pkScript); !ok || got != s {
			t.Errorf("%s comes back as %s, %v", s, got, ok)
		}
		if _, _, err := DecodeWIF(p, s); !errors.Is(err, ErrPrivateKey) {
			t.Errorf("address %s as a private key: %v", s, err)
		}
		flipped, err := Decode(p, flipCase(s))
		if meta.TryCaseFlip && (err != nil || !bytes.Equal(flipped, pkScript)) {
			t.Errorf("%s in the other case: %x, %v", s, flipped, err)
		} else if !meta.TryCaseFlip && err == nil && bytes.Equal(flipped, pkScript) {
			t.Errorf("%s means the same in the other case", s)
		}
	}
}

func TestKeyIOInvalid(t *testing.T) {
	var rows [][]string
	load(t, "bitcoin-core-28.1/src/test/data/key_io_invalid.json", &rows)
	if len(rows) != 70 {
		t.Fatalf("%d vectors, want 70", len(rows))
	}
	for _, row := range rows {
		for name, p := range networks {
			if pkScript, err := Decode(p, row[0]); err == nil {
				t.Errorf("%s: %q is the address of %x", name, row[0], pkScript)
			} else if e := new(Error); !errors.As(err, &e) || e.Text == "" {
				t.Errorf("%s: %q: error %#v", name, row[0], err)
			}
			if _, _, err := DecodeWIF(p, row[0]); !errors.Is(err, ErrPrivateKey) {
				t.Errorf("%s: %q as a private key: %v", name, row[0], err)
			}
		}
	}
}

func TestBase58(t *testing.T) {
	var rows [][2]string
	load(t, "bitcoin-core-28.1/src/test/data/base58_encode_decode.json", &rows)
	if len(rows) != 14 {
		t.Fatalf("%d vectors, want 14", len(rows))
	}
	for _, row := range rows {
		b := unhex(t, row[0])
		if got := encodeBase58(b); got != row[1] {
			t.Errorf("%x is %s, want %s", b, got, row[1])
		}
		if got, ok := decodeBase58(row[1], len(b)); !ok || !bytes.Equal(got, b) {
			t.Errorf("%s is %x, %v, want %x", row[1], got, ok, b)
		}
		if _, ok := decodeBase58(row[1], len(b)-1); ok && len(b) > 0 {
			t.Errorf("%s fits into %d bytes", row[1], len(b)-1)
		}
	}
	// From Core's base58_tests.
	for s, want := range map[string]bool{
		" \t\n\v\f\r skip \r\f\v\n\t a": false, " \t\n\v\f\r skip \r\f\v\n\t ": true,
		"invalid": false, "invalid\x00": false, "\x00invalid": false, "bad0IOl": false, "goodbad0IOl": false, "good\x00bad0IOl": false, "good": true,
	} {
		if b, ok := decodeBase58(s, 100); ok != want {
			t.Errorf("%q: %x, %v, want %v", s, b, ok, want)
		}
	}
	if b, _ := decodeBase58(" \t\n\v\f\r skip \r\f\v\n\t ", 3); hex.EncodeToString(b) != "971a55" {
		t.Errorf("skip is %x", b)
	}
	if b, ok := DecodeBase58Check("3vQB7B6MrGQZaxCuFg4oh", 100); !ok || string(b) != "hello world" {
		t.Errorf("%q, %v", b, ok)
	}
	for _, s := range []string{"3vQB7B6MrGQZaxCuFg4oi", "3vQB7B6MrGQZaxCuFg4oh0IOl", "", "1", "111"} {
		if b, ok := DecodeBase58Check(s, 100); ok {
			t.Errorf("%s is %x", s, b)
		}
	}
}

type bipStrings struct {
	ValidStrings   []string `json:"valid_strings"`
	InvalidStrings []struct {
		Hex    string `json:"string_hex"`
		Reason string
	} `json:"invalid_strings"`
	ValidAddresses []struct {
		Address      string
		ScriptPubKey string
	} `json:"valid_addresses"`
	InvalidAddresses []struct{ Address, Reason string } `json:"invalid_addresses"`
}

func TestBIP173And350(t *testing.T) {
	for _, bip := range []struct {
		name                         string
		enc                          encoding
		valid, invalid, yes, no, old int // old: addresses of BIP 173 that BIP 350 made invalid
	}{
		{"bip-0173", bech32, 7, 12, 6, 10, 3},
		{"bip-0350", bech32m, 7, 14, 8, 15, 0},
	} {
		var v bipStrings
		load(t, "bips-extracted/"+bip.name+".json", &v)
		if len(v.ValidStrings) != bip.valid || len(v.InvalidStrings) != bip.invalid || len(v.ValidAddresses) != bip.yes || len(v.InvalidAddresses) != bip.no {
			t.Fatalf("%s: %d, %d, %d and %d vectors", bip.name, len(v.ValidStrings), len(v.InvalidStrings), len(v.ValidAddresses), len(v.InvalidAddresses))
		}
		for _, s := range v.ValidStrings {
			enc, hrp, values, ok := decodeBech32(s)
			if !ok || enc != bip.enc {
				t.Errorf("%s: %q: encoding %x, %v", bip.name, s, enc, ok)
				continue
			}
			if got := encodeBech32(enc, hrp, values); got != strings.ToLower(s) {
				t.Errorf("%s: %q comes back as %q", bip.name, s, got)
			}
		}
		for _, s := range v.InvalidStrings {
			str := string(unhex(t, s.Hex))
			if enc, _, _, ok := decodeBech32(str); ok && enc == bip.enc {
				t.Errorf("%s: %q is valid (%s)", bip.name, str, s.Reason)
			}
		}
		old := 0
		for _, a := range v.ValidAddresses {
			p := networks["main"]
			if a.Address[0]|0x20 == 't' {
				p = networks["test"]
			}
			want := unhex(t, a.ScriptPubKey)
			got, err := Decode(p, a.Address)
			if version, _, _ := script.WitnessProgram(want); bip.enc == bech32 && version > 0 {
				if old++; err == nil {
					t.Errorf("%s: %s is still an address", bip.name, a.Address)
				}
				continue
			}
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s: %s pays to %x, %v", bip.name, a.Address, got, err)
				continue
			}
			if s, ok := Encode(p, got); !ok || s != strings.ToLower(a.Address) {
				t.Errorf("%s: %s comes back as %s", bip.name, a.Address, s)
			}
		}
		if old != bip.old {
			t.Errorf("%s: %d addresses are superseded, want %d", bip.name, old, bip.old)
		}
		for _, a := range v.InvalidAddresses {
			for name, p := range networks {
				if got, err := Decode(p, a.Address); err == nil {
					t.Errorf("%s, %s: %s pays to %x (%s)", bip.name, name, a.Address, got, a.Reason)
				}
			}
		}
	}
}

// TestErrors has the cases of Core's rpc_invalid_address_message.py, on
// regtest, and others whose texts are from there.
func TestErrors(t *testing.T) {
	var tooLong []int
	for i := 90; i < 108; i++ {
		tooLong = append(tooLong, i)
	}
	unknown := "Invalid or unsupported Segwit (Bech32) or Base58 encoding."
	checksum := "Invalid checksum or length of Base58 address (P2PKH or P2SH)"
	for _, c := range []struct {
		address, text string
		locations     []int
	}{
		{"bcrt1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqdmchcc", "Version 1+ witness address must use Bech32m checksum", nil},
		{"bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7k35mrzd", "Version 0 witness address must use Bech32 checksum", nil},
		{"bcrt130xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqynjegk", "Invalid Bech32 address witness version", nil},
		{"bcrt1s0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7v8n0nx0muaewav25430mtr", "Invalid Bech32 address program size (41 bytes)", nil},
		{"bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kqqq5k3my", "Invalid Bech32 v0 address program size (21 bytes), per BIP141", nil},
		{"bc1pw508d6qejxtdg4y5r3zarvary0c5xw7kw508d6qejxtdg4y5r3zarvary0c5xw7k7grplx", unknown, nil},
		{"bcrt1q049edschfnwystcqnsvyfpj23mpsg3jcedq9xv049edschfnwystcqnsvyfpj23mpsg3jcedq9xv049edschfnwystcqnsvyfpj23m", "Bech32 string too long", tooLong},
		{"bcrt1q049edschfnwystcqnsvyfpj23mpsg3jcedq9xv", "Invalid Bech32 checksum", []int{9}},
		{"bcrt1qax9suht3qv95sw33xavx8crpxduefdrsvgsklu", "Invalid Bech32 checksum", []int{22, 43}},
		{"BCRT1QPLMTZKC2XHARPPZDLNPAQL78RSHJ68U32RAH7R", "Invalid Bech32 checksum", []int{38}},
		{"bcrtq049ldschfnwystcqnsvyfpj23mpsg3jcedq9xv", "Missing separator", nil},
		{"bcrt1q04oldschfnwystcqnsvyfpj23mpsg3jcedq9xv", "Invalid Base 32 character", []int{8}},
		{"bcrt1qdg3myrgvzw7ml8q0ejxhlkyxn7vl9r56yzkfgvzclrf4hkpx9yfqhpsuks", "Invalid Bech32 checksum", []int{19, 30}},
		{"bcrt1ptmp74ayg7p24uslctssvjm06q5phz4yrxucgnv", "Invalid Bech32 checksum", []int{5}},
		{"17VZNX1SN5NtKa8UQFxwQbFeFc3iqRYhem", "Invalid or unsupported Base58-encoded address.", nil},
		{"mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJJfn", checksum, nil},
		{"2VKf7XKMrp4bVNVmuRbyCewkP8FhGLP2E54LHDPakr9Sq5mtU2", checksum, nil},
		{"asfah14i8fajz0123f", unknown, nil},
		{"1q049ldschfnwystcqnsvyfpj23mpsg3jcedq9xv", unknown, nil},
		{"", checksum, nil},
		{EncodeBase58Check(nil), "Invalid or unsupported Base58-encoded address.", nil},
		{EncodeBase58Check([]byte{111, 1, 2}), "Invalid length for Base58 address (P2PKH or P2SH)", nil},
		{EncodeBase58Check([]byte{196}), "Invalid length for Base58 address (P2PKH or P2SH)", nil},
		{"bcrt1" + strings.Repeat("q", 5), "Invalid separator position", []int{4}},
		{"bcrT1qqqqqqqqqq", "Invalid character or mixed case", []int{3}},
		{"bcrt1qqq qqq\x80qqqqQ", "Invalid character or mixed case", []int{8, 12, 17}},
		{encodeBech32(bech32, "bcrt", nil), "Empty Bech32 data section", nil},
		{encodeBech32(bech32, "bcrts", []byte{0}), "Invalid or unsupported prefix for Segwit (Bech32) address (expected bcrt, got bcrts).", nil},
		{encodeBech32(bech32m, "bcrt", []byte{1, 0, 1}), "Invalid padding in Bech32 data section", nil},
		{encodeBech32(bech32m, "bcrt", []byte{1, 0}), "Invalid padding in Bech32 data section", nil},
		{encodeBech32(bech32m, "bcrt", []byte{1, 4, 0}), "Invalid Bech32 address program size (1 byte)", nil},
		{encodeBech32(bech32m, "bcrt", []byte{1}), "Invalid Bech32 address program size (0 bytes)", nil},
		{"\u212aAAA", unknown, nil},
	} {
		_, err := Decode(networks["regtest"], c.address)
		e := new(Error)
		if !errors.As(err, &e) {
			t.Errorf("%q: %v", c.address, err)
			continue
		}
		if e.Text != c.text || e.Error() != c.text || !slices.Equal(e.Locations, c.locations) {
			t.Errorf("%q: %q %v, want %q %v", c.address, e.Text, e.Locations, c.text, c.locations)
		}
	}
	for s, want := range map[string]string{
		"bcrt1qtmp74ayg7p24uslctssvjm06q5phz4yrxucgnv": "00145ec3eaf488f0555e43f85c20c96dfa0503715483",
		"BCRT1QPLMTZKC2XHARPPZDLNPAQL78RSHJ68U33RAH7R": "",
		"bcrt1p424qxxyd0r": "5102aaaa",
		"bcrt1qdg3myrgvzw7ml9q0ejxhlkyxm7vl9r56yzkfgvzclrf4hkpx9yfqhpsuks":          "",
		"mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn":                                        "76a914243f1394f44554f4ce3fd68649c19adc483ce92488ac",
		" mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn\n":                                     "76a914243f1394f44554f4ce3fd68649c19adc483ce92488ac",
		encodeBech32(bech32m, "bcrt", append([]byte{1}, toValues([]byte("Ns"))...)): "51024e73",
	} {
		got, err := Decode(networks["regtest"], s)
		if err != nil || want != "" && hex.EncodeToString(got) != want {
			t.Errorf("%q: %x, %v, want %s", s, got, err, want)
		}
	}
}

// TestLocate makes one and two errors at every place.
func TestLocate(t *testing.T) {
	p := networks["regtest"]
	for _, size := range []int{20, 32} {
		good, ok := Encode(p, payToWitness(byte(size/32), bytes.Repeat([]byte{0xa5, 0x17}, size/2)))
		if !ok {
			t.Fatal("no address")
		}
		name := "Invalid Bech32 checksum"
		if size == 32 {
			name = "Invalid Bech32m checksum"
		}
		for i := len(p.HRP) + 1; i < len(good); i++ {
			for j := i; j < len(good); j++ {
				bad := []byte(good)
				want := []int{i}
				bad[i] = bech32Alphabet[(strings.IndexByte(bech32Alphabet, bad[i])+1+i%31)%32]
				if j > i {
					bad[j] = bech32Alphabet[(strings.IndexByte(bech32Alphabet, bad[j])+1+j%31)%32]
					want = append(want, j)
				}
				_, err := Decode(p, string(bad))
				e := new(Error)
				if !errors.As(err, &e) {
					t.Fatalf("%s: %v", bad, err)
				}
				// With two errors the other checksum may be nearer.
				if e.Text != name || !slices.Equal(e.Locations, want) {
					if len(want) == 2 && len(e.Locations) <= 2 && e.Text != name {
						continue
					}
					t.Fatalf("%s: %q %v, want %q %v", bad, e.Text, e.Locations, name, want)
				}
			}
		}
	}
}

func TestWIFKeys(t *testing.T) {
	p := networks["main"]
	for _, c := range []struct {
		payload []byte
		ok      bool
	}{
		{append([]byte{128}, bytes.Repeat([]byte{1}, 32)...), true},
		{append([]byte{128}, append(bytes.Repeat([]byte{1}, 32), 1)...), true},
		{append([]byte{128}, append(bytes.Repeat([]byte{1}, 32), 2)...), false},
		{append([]byte{128}, append(bytes.Repeat([]byte{1}, 32), 0)...), false},
		{append([]byte{128}, append(bytes.Repeat([]byte{1}, 32), 1, 1)...), false},
		{append([]byte{127}, bytes.Repeat([]byte{1}, 32)...), false},
		{append([]byte{128}, bytes.Repeat([]byte{1}, 31)...), false},
		{[]byte{128}, false},
		{nil, false},
		{append([]byte{128}, make([]byte, 32)...), false},
		{append([]byte{128}, unhex(t, curveOrder)...), false},
		{append([]byte{128}, unhex(t, curveOrder[:62]+"40")...), true},
		{append([]byte{128}, bytes.Repeat([]byte{255}, 32)...), false},
	} {
		if _, _, err := DecodeWIF(p, EncodeBase58Check(c.payload)); (err == nil) != c.ok || err != nil && !errors.Is(err, ErrPrivateKey) {
			t.Errorf("%x: %v", c.payload, err)
		}
	}
}

func TestNoAddress(t *testing.T) {
	key := append([]byte{33, 2}, bytes.Repeat([]byte{1}, 32)...)
	for _, s := range [][]byte{
		nil, {0x6a}, append(slices.Clone(key), byte(script.OpCheckSig)), {0x00, 0x02, 1, 2},
		slices.Concat([]byte{0x51}, key, []byte{0x51, byte(script.OpCheckMultisig)}), {0x51, 0x29},
	} {
		if a, ok := Encode(networks["main"], s); ok {
			t.Errorf("%x has the address %s", s, a)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, s := range []string{"", "1", "bcrt1qtmp74ayg7p24uslctssvjm06q5phz4yrxucgnv", "mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn", "bc1pfeessrawgf", "bcrt1q"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for name, p := range networks {
			pkScript, err := Decode(p, s)
			if err != nil {
				if e := new(Error); !errors.As(err, &e) || e.Text == "" || slices.ContainsFunc(e.Locations, func(i int) bool { return i < 0 || i >= len(s) }) {
					t.Fatalf("%q: %#v", s, err)
				}
				continue
			}
			a, ok := Encode(p, pkScript)
			if trimmed := strings.Trim(s, " \f\n\r\t\v"); !ok || a != trimmed && a != strings.ToLower(s) {
				t.Fatalf("%s: %q pays to %x, whose address is %q", name, s, pkScript, a)
			}
		}
	})
}

func FuzzEncode(f *testing.F) {
	f.Add(unhex(f, "00145ec3eaf488f0555e43f85c20c96dfa0503715483"))
	f.Add(unhex(f, "76a914243f1394f44554f4ce3fd68649c19adc483ce92488ac"))
	f.Add(unhex(f, "a914243f1394f44554f4ce3fd68649c19adc483ce92487"))
	f.Add(unhex(f, "51024e73"))
	f.Fuzz(func(t *testing.T, pkScript []byte) {
		for name, p := range networks {
			a, ok := Encode(p, pkScript)
			if !ok {
				continue
			}
			if got, err := Decode(p, a); err != nil || !bytes.Equal(got, pkScript) {
				t.Fatalf("%s: %x has the address %q, which pays to %x, %v", name, pkScript, a, got, err)
			}
		}
	})
}

func FuzzWIF(f *testing.F) {
	f.Add("5HpHagT65TZzG1PH3CSu63k8DbpvD8s5ip4nEB3kEsreAnchuDf")
	f.Add("KwDiBf89QgGbjEhKnhXJuH7LrciVrZi3qYjgd9M7rFU73sVHnoWn")
	f.Fuzz(func(t *testing.T, s string) {
		p := networks["main"]
		key, compressed, err := DecodeWIF(p, s)
		if err != nil {
			return
		}
		if got := EncodeWIF(p, key, compressed); got != strings.Trim(s, " \f\n\r\t\v") {
			t.Fatalf("%q comes back as %q", s, got)
		}
	})
}
