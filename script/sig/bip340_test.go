package sig

import (
	"bytes"
	"encoding/csv"
	"encoding/hex"
	"os"
	"testing"

	"github.com/keelson-chain/keelson/internal/vectors"
)

type bip340Case struct {
	index, comment string
	check          Check
	valid          bool
	secret, aux    []byte // empty where the vector is not for signing
}

// bip340Cases reads the vectors of BIP 340 and asserts their number.
func bip340Cases(t testing.TB) []bip340Case {
	f, err := os.Open(vectors.Path(t, "bips/bip-0340/test-vectors.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var cases []bip340Case
	for _, row := range rows[1:] {
		c := bip340Case{index: row[0], comment: row[7], valid: row[6] == "TRUE", secret: unhex(t, row[1]), aux: unhex(t, row[3])}
		c.check = Check{Kind: Schnorr, PubKey: unhex(t, row[2]), Msg: unhex(t, row[4]), Sig: unhex(t, row[5])}
		if len(c.check.Msg) == 32 {
			c.check.Hash, c.check.Msg = [32]byte(c.check.Msg), nil
		}
		cases = append(cases, c)
	}
	if len(cases) != 19 {
		t.Fatalf("%d vectors of BIP 340, want 19", len(cases))
	}
	return cases
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestBIP340(t *testing.T) {
	v := DCRD()
	for _, c := range bip340Cases(t) {
		if got := v.Verify(&c.check); got != c.valid {
			t.Errorf("vector %s: %v, want %v (%s)", c.index, got, c.valid, c.comment)
		}
	}
}

func TestBIP340Signing(t *testing.T) {
	n := 0
	for _, c := range bip340Cases(t) {
		if len(c.secret) == 0 {
			continue
		}
		n++
		k, ok := NewPrivateKey((*[32]byte)(c.secret))
		if !ok {
			t.Fatalf("vector %s: no private key", c.index)
		}
		if x := k.XOnly(); !bytes.Equal(x[:], c.check.PubKey) {
			t.Errorf("vector %s: public key %x, want %x", c.index, x, c.check.PubKey)
		}
		if got := k.SignSchnorr(c.check.message(), [32]byte(c.aux)); !bytes.Equal(got[:], c.check.Sig) {
			t.Errorf("vector %s: %x, want %x", c.index, got, c.check.Sig)
		}
	}
	if n != 8 {
		t.Errorf("%d vectors for signing, want 8", n)
	}
}
