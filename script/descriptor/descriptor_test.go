package descriptor

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"

	"github.com/keelson-chain/keelson/internal/vectors"
	"github.com/keelson-chain/keelson/script/address"
)

var (
	mainnet = &address.Prefixes{PubKeyHash: 0, ScriptHash: 5, PrivateKey: 128, HRP: "bc", ExtPublic: [4]byte{0x04, 0x88, 0xb2, 0x1e}, ExtPrivate: [4]byte{0x04, 0x88, 0xad, 0xe4}}
	regtest = &address.Prefixes{PubKeyHash: 111, ScriptHash: 196, PrivateKey: 239, HRP: "bcrt", ExtPublic: [4]byte{0x04, 0x35, 0x87, 0xcf}, ExtPrivate: [4]byte{0x04, 0x35, 0x83, 0x94}}
)

// TestParse has the vectors of BIP 380 and BIP 385 that need no keys.
func TestParse(t *testing.T) {
	for _, c := range []struct {
		desc    string
		require bool
		script  string // or
		err     string
	}{
		{desc: "raw(deadbeef)#89f8spxm", require: true, script: "deadbeef"},
		{desc: "raw(deadbeef)", script: "deadbeef"},
		{desc: "raw(DEADbeef)", script: "deadbeef"},
		{desc: "raw(512103a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5bd2103a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5bd52ae)", script: "512103a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5bd2103a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5bd52ae"},
		{desc: "raw(a9149a4d9901d6af519b2a23d4a2f51650fcba87ce7b87)", script: "a9149a4d9901d6af519b2a23d4a2f51650fcba87ce7b87"},
		{desc: "addr(3PUNyaW7M55oKWJ3kDukwk9bsKvryra15j)", script: "a914eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee87"},
		{desc: "addr(3PUNyaW7M55oKWJ3kDukwk9bsKvryra15j)#6vhk2xgr", require: true, script: "a914eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee87"},

		{desc: "raw(deadbeef)", require: true, err: "Missing checksum"},
		{desc: "raw(deadbeef)#", err: "Expected 8 character checksum, not 0 characters"},
		{desc: "raw(deadbeef)#89f8spxmx", err: "Expected 8 character checksum, not 9 characters"},
		{desc: "raw(deadbeef)#89f8spx", err: "Expected 8 character checksum, not 7 characters"},
		{desc: "raw(dedbeef)#89f8spxm", err: "Provided checksum '89f8spxm' does not match computed checksum '"},
		{desc: "raw(deadbeef)##9f8spxm", err: "Multiple '#' symbols"},
		{desc: "raw(Ü)#00000000", err: "Invalid characters in payload"},
		{desc: "raw(asdf)", err: "Raw script is not hex"},
		{desc: "raw(abc)", err: "Raw script is not hex"},
		{desc: "raw()", err: "Raw script is not hex"},
		{desc: "addr(asdf)", err: "Address is not valid"},
		{desc: "addr()", err: "Address is not valid"},
		{desc: "addr(mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn)", err: "Address is not valid"},
		{desc: "raw(dead", err: "'raw(dead' is not a valid descriptor function"},
		{desc: "rawdead)", err: "'rawdead' is not a valid descriptor function"},
		{desc: " raw(dead)", err: "' raw(dead)' is not a valid descriptor function"},
		{desc: "", err: "'' is not a valid descriptor function"},
		{desc: "raw(", err: "'raw(' is not a valid descriptor function"},
	} {
		d, err := Parse(mainnet, c.desc, c.require)
		if c.err != "" {
			if err == nil || !strings.HasPrefix(err.Error(), c.err) {
				t.Errorf("%q: error %v, want %q", c.desc, err, c.err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", c.desc, err)
			continue
		}
		s, err := d.Script()
		if err != nil || hex.EncodeToString(s) != c.script || d.IsSolvable() || d.IsRange() || d.HasPrivateKeys() {
			t.Errorf("%q: %x, %v, want %s", c.desc, s, err, c.script)
			continue
		}
		again, err := Parse(mainnet, d.String(), true)
		if err != nil {
			t.Errorf("%q comes back as %q: %v", c.desc, d, err)
			continue
		}
		if other, err := again.Script(); err != nil || !bytes.Equal(other, s) {
			t.Errorf("%q comes back as %q: %x, %v", c.desc, d, other, err)
		}
	}
}

func TestChecksum(t *testing.T) {
	for s, want := range map[string]string{
		"raw(deadbeef)": "89f8spxm",
		"addr(3PUNyaW7M55oKWJ3kDukwk9bsKvryra15j)":                    "6vhk2xgr",
		"combo(L4rK1yDtCWekvXuE6oXD9jCYfFNV2cWRpVuPLBcCU2z8TrisoyY1)": "p5326pcv",
		"sh(multi(2,[00000000/111'/222]xpub6ERApfZwUNrhLCkDtcHTcxd75RbzS1ed54G1LkBUHQVHQKqhMkhgbmJbZRkrgZw4koxb5JaHWkY4ALHY2grBGRjaDMzQLcgJvLJuZZvRcEL,xpub68NZiKmJWnxxS6aaHmn81bvJeTESw724CRDs6HbuccFQN9Ku14VQrADWgqbhhTHBaohPX4CjNLf9fq9MYo6oDaPPLPxSb7gwQN3ih19Zm4Y/0))": "tjg09x5t",
	} {
		if got, err := Checksum(s); err != nil || got != want {
			t.Errorf("%s: %s, %v, want %s", s, got, err, want)
		}
	}
}

// TestChecksumCatches makes every single change of a character and of a pair
// of neighbours.
func TestChecksumCatches(t *testing.T) {
	const good = "raw(deadbeef)"
	want, _ := Checksum(good)
	for i := range good {
		for _, c := range []byte(inputCharset) {
			bad := []byte(good)
			if bad[i] == c {
				continue
			}
			bad[i] = c
			if got, err := Checksum(string(bad)); err != nil || got == want {
				t.Fatalf("%s: %s, %v", bad, got, err)
			}
		}
	}
}

func TestInfer(t *testing.T) {
	const (
		key    = "03a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5bd"
		full   = "04a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5bd5b8dec5235a0fa8722476c7709c02559e3aa73aa03918ba2d492eea75abea235"
		hybrid = "07a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5bd5b8dec5235a0fa8722476c7709c02559e3aa73aa03918ba2d492eea75abea235"
		xonly  = "a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5bd"
		noKey  = "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
	)
	for script, want := range map[string]string{
		"21" + key + "ac":                                    "pk(" + key + ")",
		"41" + full + "ac":                                   "pk(" + full + ")",
		"41" + hybrid + "ac":                                 "raw(41" + hybrid + "ac)",
		"51" + "21" + key + "51ae":                           "multi(1," + key + ")",
		"52" + "21" + key + "41" + full + "52ae":             "multi(2," + key + "," + full + ")",
		"51" + "21" + key + "41" + hybrid + "52ae":           "raw(5121" + key + "41" + hybrid + "52ae)",
		"5120" + xonly:                                       "rawtr(" + xonly + ")",
		"5120" + noKey:                                       "addr(bcrt1plllllllllllllllllllllllllllllllllllllllllllllllllllse0lp4e)",
		"00145ec3eaf488f0555e43f85c20c96dfa0503715483":       "addr(bcrt1qtmp74ayg7p24uslctssvjm06q5phz4yrxucgnv)",
		"76a914243f1394f44554f4ce3fd68649c19adc483ce92488ac": "addr(mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn)",
		"51024e73": "addr(bcrt1pfeesnyr2tx)",
		"6a":       "raw(6a)",
		"":         "raw()",
	} {
		pkScript, err := hex.DecodeString(script)
		if err != nil {
			t.Fatal(err)
		}
		got := Infer(regtest, pkScript)
		text, sum, _ := strings.Cut(got, "#")
		if text != want {
			t.Errorf("%s: %s, want %s", script, got, want)
		}
		if c, err := Checksum(text); err != nil || c != sum {
			t.Errorf("%s: checksum %s, want %s, %v", got, sum, c, err)
		}
	}
}

// TestInferVectors compares with the "desc" fields that Core put into its
// decodescript vectors.
func TestInferVectors(t *testing.T) {
	var rows [][2]json.RawMessage
	if err := json.Unmarshal(vectors.Read(t, "bitcoin-core-28.1/test/functional/data/rpc_decodescript.json"), &rows); err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, row := range rows {
		var script string
		var want struct{ Desc string }
		if err := json.Unmarshal(row[0], &script); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(row[1], &want); err != nil {
			t.Fatal(err)
		}
		pkScript, err := hex.DecodeString(script)
		if err != nil {
			t.Fatal(err)
		}
		if got := Infer(regtest, pkScript); got != want.Desc {
			t.Errorf("%s: %s, want %s", script, got, want.Desc)
		}
		n++
	}
	if n != 10 {
		t.Errorf("%d vectors, want 10", n)
	}
}
