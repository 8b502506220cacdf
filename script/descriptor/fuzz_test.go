package descriptor

import (
	"bytes"
	"strings"
	"testing"
)

// FuzzParse: what can be read means the same in its canonical form, which is
// its own canonical form; and what is inferred of its scripts has them.
func FuzzParse(f *testing.F) {
	f.Add("raw(deadbeef)#89f8spxm")
	f.Add("addr(3PUNyaW7M55oKWJ3kDukwk9bsKvryra15j)")
	for _, list := range valid {
		for _, v := range list {
			if len(v.desc) < 400 {
				f.Add(v.desc)
			}
		}
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := Parse(mainnet, s, false)
		if err != nil {
			if err.Error() == "" {
				t.Errorf("%q: an error without a text", s)
			}
			return
		}
		text := d.String()
		again, err := Parse(mainnet, text, true)
		if err != nil {
			t.Fatalf("%q comes back as %q: %v", s, text, err)
		}
		if again.String() != text || again.HasPrivateKeys() || again.IsRange() != d.IsRange() || again.IsSolvable() != d.IsSolvable() {
			t.Fatalf("%q comes back as %q, and that as %q", s, text, again)
		}
		for _, index := range []uint32{0, MaxIndex} {
			scripts, err := d.Scripts(index)
			if err != nil {
				continue
			}
			if others, err := again.Scripts(index); err == nil && !bytes.Equal(bytes.Join(scripts, nil), bytes.Join(others, nil)) {
				t.Fatalf("%q at %d: %x, and of the canonical form %x", s, index, scripts, others)
			}
			for _, want := range scripts {
				inferred := Infer(mainnet, want)
				e, err := Parse(mainnet, inferred, true)
				if err != nil {
					// A bare multisig of more keys than a descriptor may have.
					if len(want) > 0 && !strings.HasPrefix(inferred, "multi(") && inferred != "raw()#58lrscpx" {
						t.Fatalf("%x: inferred %q: %v", want, inferred, err)
					}
					continue
				}
				if got, err := e.Script(); err != nil || !bytes.Equal(got, want) {
					t.Fatalf("%q is %x, and inferred %q is %x, %v", s, want, inferred, got, err)
				}
			}
		}
	})
}

// FuzzInferWitness: what is found in a witness script has that script.
func FuzzInferWitness(f *testing.F) {
	for _, list := range valid {
		for _, v := range list {
			if strings.HasPrefix(v.desc, "wsh(") && !v.hardened {
				f.Add(witnessOf(f, v.desc))
			}
		}
	}
	f.Fuzz(func(t *testing.T, s []byte) {
		text := InferWitness(mainnet, s)
		if !strings.HasPrefix(text, "wsh(") {
			return
		}
		d, err := Parse(mainnet, text, true)
		if err != nil {
			// A key need not be on the curve, and nothing may be satisfiable.
			if !strings.Contains(err.Error(), "Pubkey '") && !strings.HasSuffix(err.Error(), "is not satisfiable") {
				t.Fatalf("%x: inferred %q: %v", s, text, err)
			}
			return
		}
		if got := witnessOf(t, text); !bytes.Equal(got, s) {
			t.Fatalf("%x: inferred %v, which is %x", s, d, got)
		}
	})
}
