package hdkey

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/keelson-chain/keelson/internal/vectors"
	"github.com/keelson-chain/keelson/script/address"
)

var (
	bitcoin = &address.Prefixes{
		PubKeyHash: 0, ScriptHash: 5, PrivateKey: 128, HRP: "bc",
		ExtPublic: [4]byte{0x04, 0x88, 0xb2, 0x1e}, ExtPrivate: [4]byte{0x04, 0x88, 0xad, 0xe4},
	}
	regtest = &address.Prefixes{
		PubKeyHash: 111, ScriptHash: 196, PrivateKey: 239, HRP: "bcrt",
		ExtPublic: [4]byte{0x04, 0x35, 0x87, 0xcf}, ExtPrivate: [4]byte{0x04, 0x35, 0x83, 0x94},
	}
)

// bip32 is the file of the vectors of BIP 32.
type bip32 struct {
	Valid []struct {
		Seed   string
		Chains []struct{ Path, Xpub, Xprv string }
	}
	Invalid []struct{ Key, Reason string }
}

func load(t testing.TB) (v bip32) {
	t.Helper()
	if err := json.Unmarshal(vectors.Read(t, "bips-extracted/bip-0032.json"), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestVectors(t *testing.T) {
	keys := 0
	for _, c := range load(t).Valid {
		seed, err := hex.DecodeString(c.Seed)
		if err != nil {
			t.Fatal(err)
		}
		for _, chain := range c.Chains {
			key, err := NewMaster(seed)
			if err != nil {
				t.Fatal(err)
			}
			parent, index := Public{}, uint64(0)
			for _, step := range strings.Split(chain.Path, "/")[1:] {
				number, hardened := strings.CutSuffix(step, "'")
				if index, err = strconv.ParseUint(number, 10, 31); err != nil {
					t.Fatal(err)
				}
				if hardened {
					index += Hardened
				}
				parent = key.Public()
				if key, err = key.Child(uint32(index)); err != nil {
					t.Fatal(chain.Path, err)
				}
			}
			public := key.Public()
			if got := key.Text(bitcoin); got != chain.Xprv {
				t.Errorf("%s of %s:\n got %s\nwant %s", chain.Path, c.Seed, got, chain.Xprv)
			}
			if got := public.Text(bitcoin); got != chain.Xpub {
				t.Errorf("%s of %s:\n got %s\nwant %s", chain.Path, c.Seed, got, chain.Xpub)
			}
			if read, err := ParsePrivate(bitcoin, chain.Xprv); err != nil || read != key {
				t.Errorf("%s comes back as %+v, %v", chain.Xprv, read, err)
			}
			if read, err := ParsePublic(bitcoin, chain.Xpub); err != nil || read != public {
				t.Errorf("%s comes back as %+v, %v", chain.Xpub, read, err)
			}
			// The public way leads to the same keys, where there is one.
			if chain.Path != "m" {
				child, err := parent.Child(uint32(index))
				if index < Hardened && (err != nil || child != public) {
					t.Errorf("%s by the public key: %+v, %v, want %+v", chain.Path, child, err, public)
				}
				if index >= Hardened && !errors.Is(err, ErrHardened) {
					t.Errorf("%s by the public key: %+v, %v", chain.Path, child, err)
				}
			}
			keys++
		}
	}
	if keys != 17 {
		t.Errorf("%d keys, want 17", keys)
	}
}

func TestInvalidVectors(t *testing.T) {
	v := load(t)
	for _, c := range v.Invalid {
		if key, err := ParsePublic(bitcoin, c.Key); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %s: %+v, %v", c.Reason, c.Key, key, err)
		}
		if _, err := ParsePrivate(bitcoin, c.Key); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %s: %v", c.Reason, c.Key, err)
		}
	}
	if len(v.Invalid) != 16 {
		t.Errorf("%d vectors, want 16", len(v.Invalid))
	}
}

// TestParseErrors changes one thing of a key that is right.
func TestParseErrors(t *testing.T) {
	master, err := NewMaster(make([]byte, 16))
	if err != nil {
		t.Fatal(err)
	}
	public := master.Public()
	xprv, xpub := master.Text(bitcoin), public.Text(bitcoin)
	for name, s := range map[string]string{
		"empty":           "",
		"cut":             xpub[:len(xpub)-1],
		"longer":          xpub + "1",
		"another network": public.Text(regtest),
		"an address":      "3PUNyaW7M55oKWJ3kDukwk9bsKvryra15j",
		"not base58":      strings.Replace(xpub, "x", "0", 1),
	} {
		if _, err := ParsePublic(bitcoin, s); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := ParsePublic(bitcoin, xprv); !errors.Is(err, ErrFormat) {
		t.Errorf("a private key as a public one: %v", err)
	}
	if _, err := ParsePrivate(bitcoin, xpub); !errors.Is(err, ErrFormat) {
		t.Errorf("a public key as a private one: %v", err)
	}
	if _, err := ParsePrivate(regtest, xprv); !errors.Is(err, ErrFormat) {
		t.Errorf("a private key of another network: %v", err)
	}
	if key, err := ParsePublic(bitcoin, " "+xpub+"\n"); err != nil || key != public {
		t.Errorf("with white space around it: %v", err)
	}
}

// TestDepth goes down as deep as one can.
func TestDepth(t *testing.T) {
	key, err := NewMaster([]byte("a seed of no use"))
	if err != nil {
		t.Fatal(err)
	}
	for range 255 {
		if key, err = key.Child(0); err != nil {
			t.Fatal(err)
		}
	}
	public := key.Public()
	if key.Depth != 255 || public.Depth != 255 {
		t.Errorf("depths %d, %d", key.Depth, public.Depth)
	}
	if _, err := key.Child(0); !errors.Is(err, ErrDepth) {
		t.Errorf("256 steps: %v", err)
	}
	if _, err := public.Child(0); !errors.Is(err, ErrDepth) {
		t.Errorf("256 steps: %v", err)
	}
}

// FuzzParse: what can be read is written the same.
func FuzzParse(f *testing.F) {
	f.Add("xpub661MyMwAqRbcFtXgS5sYJABqqG9YLmC4Q1Rdap9gSE8NqtwybGhePY2gZ29ESFjqJoCu1Rupje8YtGqsefD265TMg7usUDFdp6W1EGMcet8")
	f.Add("xprv9s21ZrQH143K3QTDL4LXw2F7HEK3wJUD2nW2nRk4stbPy6cq3jPPqjiChkVvvNKmPGJxWUtg6LnF5kejMRNNU3TGtRBeJgk33yuGBxrMPHi")
	f.Fuzz(func(t *testing.T, s string) {
		if key, err := ParsePublic(bitcoin, s); err == nil && key.Text(bitcoin) != strings.TrimSpace(s) {
			t.Errorf("%q comes back as %q", s, key.Text(bitcoin))
		}
		if key, err := ParsePrivate(bitcoin, s); err == nil && key.Text(bitcoin) != strings.TrimSpace(s) {
			t.Errorf("%q comes back as %q", s, key.Text(bitcoin))
		}
	})
}

func BenchmarkChild(b *testing.B) {
	key, err := NewMaster(make([]byte, 16))
	if err != nil {
		b.Fatal(err)
	}
	public := key.Public()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := public.Child(7); err != nil {
			b.Fatal(err)
		}
	}
}
