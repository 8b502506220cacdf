package sig

import (
	"math/big"
	"math/rand/v2"
	"testing"

	dcrdecdsa "github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"
)

// walkDER reads a signature position by position, as slowly and plainly as it
// can be told: the reference of parseDER.
func walkDER(in []byte) (r, s *big.Int, ok bool) {
	pos := 0
	next := func() int {
		if pos >= len(in) {
			return -1
		}
		pos++
		return int(in[pos-1])
	}
	if next() != 0x30 {
		return nil, nil, false
	}
	switch n := next(); {
	case n < 0:
		return nil, nil, false
	case n >= 0x80:
		for range n - 0x80 {
			if next() < 0 {
				return nil, nil, false
			}
		}
	}
	number := func() *big.Int {
		if next() != 0x02 {
			return nil
		}
		n := next()
		if n < 0 {
			return nil
		}
		if n >= 0x80 {
			size := new(big.Int)
			for range n - 0x80 {
				b := next()
				if b < 0 {
					return nil
				}
				size.Lsh(size, 8).Add(size, big.NewInt(int64(b)))
			}
			if size.BitLen() > 24 {
				return nil
			}
			n = int(size.Int64())
		}
		v := new(big.Int)
		for range n {
			b := next()
			if b < 0 {
				return nil
			}
			v.Lsh(v, 8).Add(v, big.NewInt(int64(b)))
		}
		return v
	}
	if r = number(); r == nil {
		return nil, nil, false
	}
	if s = number(); s == nil {
		return nil, nil, false
	}
	in01 := func(v *big.Int) bool { return v.Sign() > 0 && v.Cmp(bigN) < 0 }
	return r, s, in01(r) && in01(s)
}

func checkDER(t *testing.T, b []byte) {
	t.Helper()
	var r, s scalar
	wantR, wantS, want := walkDER(b)
	got := parseDER(b, &r, &s)
	if got != want {
		t.Fatalf("%x: %v, want %v", b, got, want)
	}
	if got && (scalarBig(&r).Cmp(wantR) != 0 || scalarBig(&s).Cmp(wantS) != 0) {
		t.Fatalf("%x: r %v, s %v, want %x, %x", b, r, s, wantR, wantS)
	}
	// What dcrd accepts as strict is read the same.
	if strict, err := dcrdecdsa.ParseDERSignature(b); err == nil {
		sr, ss := strict.R(), strict.S()
		if !got || !sr.Equals(&r) || !ss.Equals(&s) {
			t.Fatalf("%x: strict, but read as %v, %v, %v", b, r, s, got)
		}
	}
}

func derSeeds() [][]byte {
	one, big1 := big.NewInt(1), new(big.Int).Sub(bigN, big.NewInt(1))
	seeds := [][]byte{nil, {0x30}, {0x30, 0}, {0x30, 0x80}, {0x30, 0x81}, {0x30, 0xff, 1}, der(one, big1, 0), der(one, one, 3),
		append(der(one, one, 0), 0xaa, 0xbb)}
	// Long lengths: of the sequence, and of the integers with zeros before.
	seeds = append(seeds,
		[]byte{0x30, 0x83, 9, 9, 9, 0x02, 1, 5, 0x02, 1, 6},
		[]byte{0x30, 6, 0x02, 0x81, 1, 5, 0x02, 0x82, 0, 1, 6},
		[]byte{0x30, 6, 0x02, 0x86, 0, 0, 0, 0, 0, 1, 5, 0x02, 0x80, 6},
		[]byte{0x30, 6, 0x02, 0x84, 1, 0, 0, 0, 5, 0x02, 1, 6},
		[]byte{0x30, 6, 0x02, 0x83, 1, 0, 0, 5, 0x02, 1, 6},
		[]byte{0x30, 6, 0x02, 0x80, 0x02, 1, 6},
		[]byte{0x30, 6, 0x02, 0, 0x02, 1, 6},
		[]byte{0x30, 6, 0x02, 1, 0x85, 0x02, 1, 6}, // negative
		[]byte{0x30, 6, 0x02, 1, 5, 0x03, 1, 6},
		[]byte{0x31, 6, 0x02, 1, 5, 0x02, 1, 6},
	)
	return seeds
}

func TestDER(t *testing.T) {
	r := rand.New(rand.NewPCG(33, 34))
	for _, seed := range derSeeds() {
		for n := range len(seed) + 1 {
			checkDER(t, seed[:n])
		}
		for range 2000 {
			b := append([]byte(nil), seed...)
			for range 1 + r.IntN(3) {
				if len(b) > 0 {
					b[r.IntN(len(b))] = []byte{0, 1, 2, 0x30, 0x7f, 0x80, 0x81, 0x82, 0x84, 0xff, byte(r.Uint32())}[r.IntN(11)]
				}
			}
			checkDER(t, b)
		}
	}
}

func FuzzDER(f *testing.F) {
	for _, s := range derSeeds() {
		f.Add(s)
	}
	f.Fuzz(checkDER)
}

// FuzzVerify makes checks out of bytes, near to valid ones, and compares the
// ways of answering them.
func FuzzVerify(f *testing.F) {
	f.Add(uint8(0), uint64(1), []byte{})
	f.Add(uint8(1), uint64(2), []byte{0, 0, 1})
	f.Add(uint8(2), uint64(3), []byte{1, 31, 255})
	f.Add(uint8(3), uint64(4), []byte{2, 0, 5})
	v := DCRD()
	company := map[Kind][]Check{}
	for kind := range kindNames {
		company[Kind(kind)] = sample(rand.New(rand.NewPCG(35, 36)), Kind(kind), shareAtLeast)
	}
	f.Fuzz(func(t *testing.T, kind uint8, seed uint64, edits []byte) {
		k := Kind(kind % uint8(len(kindNames)))
		r := rand.New(rand.NewPCG(seed, 1))
		c := sample(r, k, 1)[0]
		if kind >= 128 { // special keys and nonces
			d, n := bigScalar(big.NewInt(1+int64(seed%9))), bigScalar(big.NewInt(1+int64(seed/9%9)))
			c = map[Kind]func() Check{
				ECDSA:   func() Check { return signECDSA(&d, &n, c.Hash) },
				Schnorr: func() Check { return signSchnorr(&d, &n, c.Hash) },
				Tweak:   func() Check { return makeTweak(&d, &n) },
			}[k]()
		}
		for ; len(edits) >= 3; edits = edits[3:] {
			part := [][]byte{c.PubKey, c.Sig, c.Hash[:]}[edits[0]%3]
			part[int(edits[1])%len(part)] ^= edits[2]
			if edits[0] >= 250 {
				c.Odd = !c.Odd
			}
		}
		want := plain(&c)
		if k == ECDSA && library(&c) != want {
			t.Fatalf("dcrd disagrees: %+v", c)
		}
		if got := v.Verify(&c); got != want {
			t.Fatalf("alone %v, want %v: %+v", got, want, c)
		}
		among := append(company[k][:len(company[k]):len(company[k])], c)
		if got := v.VerifyAll(among); got != want {
			t.Fatalf("among others %v, want %v: %+v", got, want, c)
		}
	})
}
