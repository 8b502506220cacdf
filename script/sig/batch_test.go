package sig

import (
	"bytes"
	"math/big"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
)

// batchSizes cover one by one, the smallest batches, and more than a chunk.
var batchSizes = []int{1, 2, shareAtLeast - 1, shareAtLeast, 33, shareAtMost - 1, shareAtMost + shareAtLeast + 1}

func TestVerifyAll(t *testing.T) {
	r := rand.New(rand.NewPCG(15, 16))
	v := DCRD()
	if !v.VerifyAll(nil) {
		t.Error("of no checks, not all hold")
	}
	for kind, name := range kindNames {
		good := sample(r, Kind(kind), slices.Max(batchSizes))
		for _, n := range batchSizes {
			cs := slices.Clone(good[:n])
			if !v.VerifyAll(cs) {
				t.Fatalf("%s: %d good checks do not hold", name, n)
			}
			for range 8 {
				i := r.IntN(n)
				bad := corrupt(r, cs[i])
				for plain(&bad) { // a flip of ignored bits, of a DER length
					bad = corrupt(r, cs[i])
				}
				cs[i], bad = bad, cs[i]
				if v.VerifyAll(cs) {
					t.Fatalf("%s: check %d of %d is bad and was not noticed: %+v", name, i, n, cs[i])
				}
				cs[i] = bad
			}
		}
	}
	bad := sample(r, Schnorr, 1)
	bad[0].Kind = Tweak + 1
	if v.VerifyAll(bad) || v.Verify(&bad[0]) {
		t.Error("a check of no kind holds")
	}
}

// TestBatchOfVectors puts every vector of BIP 340 among valid signatures.
func TestBatchOfVectors(t *testing.T) {
	v := DCRD()
	cases := bip340Cases(t)
	var good []Check
	for _, c := range cases {
		if c.valid {
			good = append(good, c.check)
		}
	}
	good = append(good, sample(rand.New(rand.NewPCG(17, 18)), Schnorr, 2*sumAtLeast)...)
	if !v.VerifyAll(good) {
		t.Fatal("the valid ones do not hold together")
	}
	for _, c := range cases {
		for _, at := range []int{0, 3, len(good)} {
			if got := v.VerifyAll(slices.Insert(slices.Clone(good), at, c.check)); got != c.valid {
				t.Errorf("vector %s at %d: %v, want %v (%s)", c.index, at, got, c.valid, c.comment)
			}
		}
	}
}

// TestBatchOfEdges puts every edge case among valid checks of its kind.
func TestBatchOfEdges(t *testing.T) {
	r := rand.New(rand.NewPCG(19, 20))
	v := DCRD()
	for kind, edges := range map[Kind]func(testing.TB) ([]Check, []bool){ECDSA: edgeECDSA, Tweak: edgeTweaks} {
		cs, valid := edges(t)
		good := sample(r, kind, shareAtLeast)
		var all []Check // the valid ones, all at once
		for i := range cs {
			if valid[i] {
				all = append(all, cs[i])
			}
			if i%7 != 0 && valid[i] {
				continue
			}
			if got := v.VerifyAll(append(good[:len(good):len(good)], cs[i])); got != valid[i] {
				t.Fatalf("%s %d: %v: %+v", kindNames[kind], i, got, cs[i])
			}
		}
		if !v.VerifyAll(all) {
			t.Errorf("%s: %d valid edge cases do not hold together", kindNames[kind], len(all))
		}
	}
}

// TestBatchRepeats has keys, nonces and whole signatures occur many times, and
// keys that stand in special relations, so that equal and opposite points meet.
func TestBatchRepeats(t *testing.T) {
	r := rand.New(rand.NewPCG(21, 22))
	v := DCRD()
	d, k := randScalar(r), randScalar(r)
	lambda := bigScalar(bigHex(lambdaHex))
	related := []scalar{d, *new(scalar).NegateVal(&d), *new(scalar).Mul2(&d, &lambda), *new(scalar).Add2(&d, &d),
		bigScalar(big.NewInt(1)), bigScalar(big.NewInt(2)), bigScalar(big.NewInt(-1)), lambda, k}
	var cs []Check
	for i := range 300 {
		key, nonce := related[r.IntN(len(related))], related[r.IntN(len(related))]
		h := randScalar(r)
		if i%3 == 0 {
			nonce = randScalar(r)
		}
		cs = append(cs, signSchnorr(&key, &nonce, h.Bytes()))
		if i%5 == 0 {
			cs = append(cs, cs[r.IntN(len(cs))])
		}
	}
	if !v.VerifyAll(cs) {
		t.Fatal("valid signatures do not hold together")
	}
	for range 20 {
		bad := slices.Clone(cs)
		i := r.IntN(len(bad))
		bad[i].Sig = bytes.Clone(bad[i].Sig)
		bad[i].Sig[63] ^= 1
		if v.VerifyAll(bad) {
			t.Fatal("a bad signature was not noticed")
		}
	}
	// Errors that cancel out when nothing is multiplied.
	bad := slices.Clone(cs)
	for i := range 2 {
		bad[i].Sig = bytes.Clone(bad[i].Sig)
		var s scalar
		s.SetByteSlice(bad[i].Sig[32:])
		s.Add(new(scalar).SetInt(7))
		if i == 1 {
			minus := new(scalar).SetInt(14)
			s.Add(minus.Negate())
		}
		s.PutBytesUnchecked(bad[i].Sig[32:])
	}
	if v.VerifyAll(bad) {
		t.Fatal("two errors cancelled out")
	}
}

// TestMSM compares with sums of dcrd's products, with points that are equal,
// opposite, or cancel in their buckets.
func TestMSM(t *testing.T) {
	r := rand.New(rand.NewPCG(23, 24))
	var m msm
	few := make([]point, 6)
	for i := range few {
		d := randScalar(r)
		few[i] = mulG(&d)
	}
	halves := func() half {
		h := half{lo: r.Uint64(), hi: r.Uint64(), neg: r.IntN(2) == 0}
		switch r.IntN(6) {
		case 0:
			h.hi, h.lo = 0, h.lo%5
		case 1:
			h.hi, h.lo = ^uint64(0), ^uint64(0)
		case 2:
			h.hi, h.lo = 1<<63, 0
		}
		return h
	}
	for round := range 60 {
		n := []int{0, 1, 2, 3, 30, 70, 150, 500}[round%8]
		terms := make([]term, n)
		var want plainPoint
		for i := range terms {
			p := few[r.IntN(len(few))]
			if r.IntN(3) == 0 {
				p.y.Negate(1).Normalize()
			}
			terms[i] = term{p, halves()}
			if i > 0 && r.IntN(4) == 0 { // cancels or doubles the one before
				terms[i] = terms[i-1]
				terms[i].k.neg = r.IntN(2) == 0
			}
		}
		for i := range terms {
			k := terms[i].k.scalar()
			if terms[i].k.neg {
				k.Negate()
			}
			want.add(&terms[i].p, &k)
		}
		got := m.sum(terms)
		if !want.equals(&got) {
			t.Fatalf("round %d: wrong sum of %d terms", round, n)
		}
	}
}

func TestWindowedDigits(t *testing.T) {
	r := rand.New(rand.NewPCG(25, 26))
	for range 2000 {
		k := half{lo: r.Uint64(), hi: r.Uint64(), neg: r.IntN(2) == 0}
		if r.IntN(3) == 0 {
			k.hi = ^uint64(0) << r.IntN(64)
		}
		for width := uint(2); width <= 12; width++ {
			sum := new(big.Int)
			windows := (halfBits + int(width)) / int(width)
			for w := windows - 1; w >= 0; w-- {
				d := k.digit(uint(w)*width, width)
				if max(d, -d) > 1<<(width-1) {
					t.Fatalf("digit %d of width %d", d, width)
				}
				sum.Lsh(sum, width).Add(sum, big.NewInt(int64(d)))
			}
			if sum.Cmp(k.big()) != 0 {
				t.Fatalf("digits of %v of width %d sum to %x", k, width, sum)
			}
		}
	}
}

func TestComb(t *testing.T) {
	r := rand.New(rand.NewPCG(27, 28))
	g := shared().g
	ss := edgeScalars()
	for range 200 {
		ss = append(ss, randScalar(r))
	}
	sums := make([]*combSum, len(ss))
	for i := range ss {
		w := scalarWords(&ss[i])
		var p jacobian
		g.addTo(&w, &p)
		var want plainPoint
		one := mulG(new(scalar).SetInt(1))
		want.add(&one, &ss[i])
		if p.some && p.zeroZ() {
			t.Logf("exceptional: %v", ss[i])
		} else if !want.equals(&p) {
			t.Fatalf("wrong multiple %v", ss[i])
		}
		sums[i] = new(combSum)
		combRecode(&w, &sums[i].digits)
	}
	var add adder
	g.mulAll(sums, &add)
	for i, s := range sums {
		if s.failed {
			t.Logf("exceptional: %v", ss[i])
			continue
		}
		if ss[i].IsZero() {
			if s.some {
				t.Error("zero times G is something")
			}
			continue
		}
		if want := mulG(&ss[i]); !s.some || s.point != want {
			t.Fatalf("wrong multiple %v among many", ss[i])
		}
	}
}

func TestBatchAndExact(t *testing.T) {
	r := rand.New(rand.NewPCG(29, 30))
	cache := NewCache(1<<20, [32]byte{1})
	for _, c := range []*Cache{nil, cache} {
		good := slices.Concat(sample(r, ECDSA, 10), sample(r, Schnorr, 10), sample(r, Tweak, 10))
		b := NewBatch(DCRD(), c)
		bad := corrupt(r, good[0])
		for plain(&bad) {
			bad = corrupt(r, good[0])
		}
		var checker Checker = b
		for i := range good {
			if !checker.Defer(&good[i]) {
				t.Fatal("deferred check is false")
			}
		}
		if b.Len() != len(good) {
			t.Errorf("%d checks wait, want %d", b.Len(), len(good))
		}
		checker.Defer(&bad)
		if b.Verify() || b.Len() != 0 {
			t.Error("a bad check was not noticed, or the batch is not empty")
		}
		if knows(c, &good[0]) || knows(c, &bad) {
			t.Error("a batch that failed was remembered")
		}
		for i := range good {
			checker.Defer(&good[i])
		}
		if !b.Verify() {
			t.Error("good checks do not hold")
		}
		for i := range good {
			if knows(c, &good[i]) != (c != nil) {
				t.Error("good checks are not remembered as they should be")
			}
			checker.Defer(&good[i])
		}
		if c != nil && b.Len() != 0 {
			t.Error("a remembered check was collected")
		}
		e := Exact{Verifier: DCRD(), Cache: c}
		if !e.Check(&good[0]) || e.Check(&bad) || e.Defer(&bad) || knows(c, &bad) || checker.Check(&bad) {
			t.Error("an exact checker is not exact")
		}
	}
}

// knows reports whether c remembers ch.
func knows(c *Cache, ch *Check) bool {
	if c == nil {
		return false
	}
	k := c.key(ch)
	return c.has(&k)
}

// countingVerifier tells how often the curve was asked.
type countingVerifier struct {
	Verifier
	n int
}

func (v *countingVerifier) Verify(c *Check) bool { v.n++; return v.Verifier.Verify(c) }

func TestExactUsesCache(t *testing.T) {
	r := rand.New(rand.NewPCG(31, 32))
	v := &countingVerifier{Verifier: DCRD()}
	e := Exact{Verifier: v, Cache: NewCache(1<<20, [32]byte{2})}
	c := sample(r, ECDSA, 1)[0]
	for range 3 {
		if !e.Check(&c) {
			t.Fatal("valid check does not hold")
		}
	}
	if v.n != 1 {
		t.Errorf("the curve was asked %d times, want once", v.n)
	}
}

func TestCache(t *testing.T) {
	if c := NewCache(cacheShards*cacheSetBytes-1, [32]byte{}); c != nil {
		t.Error("a cache without room is not nil")
	}
	const size = 1 << 20
	c := NewCache(size, [32]byte{3})
	sets := 0
	for i := range c.shards {
		sets += len(c.shards[i].sets)
	}
	if sets*cacheSetBytes > size {
		t.Errorf("%d sets take more than %d bytes", sets, size)
	}
	mk := func(i uint64) *Check {
		return &Check{Sig: []byte{byte(i), byte(i >> 8), byte(i >> 16)}, PubKey: []byte{1}}
	}
	const n = 1 << 16
	for i := range uint64(n) {
		k := c.key(mk(i))
		c.add(&k)
		if !knows(c, mk(i)) {
			t.Fatal("what was just added is not there")
		}
	}
	found := 0
	for i := range uint64(n) {
		if knows(c, mk(i)) {
			found++
		}
	}
	if found > sets*cacheWays || found < sets*cacheWays*9/10 {
		t.Errorf("%d of %d places are in use", found, sets*cacheWays)
	}
}

// TestCacheKeys changes one part after another and wants another key each time.
func TestCacheKeys(t *testing.T) {
	c := NewCache(1<<20, [32]byte{4})
	base := Check{Kind: Schnorr, PubKey: []byte{1, 2}, Sig: []byte{3, 4}, Hash: [32]byte{5}}
	seen := map[cacheKey]string{}
	for name, munge := range map[string]func(*Check){
		"nothing":      func(*Check) {},
		"kind":         func(c *Check) { c.Kind = ECDSA },
		"key":          func(c *Check) { c.PubKey = []byte{1, 3} },
		"signature":    func(c *Check) { c.Sig = []byte{3, 5} },
		"border":       func(c *Check) { c.PubKey, c.Sig = []byte{1, 2, 3}, []byte{4} },
		"hash":         func(c *Check) { c.Hash[31] = 1 },
		"empty text":   func(c *Check) { c.Msg = []byte{} },
		"text":         func(c *Check) { c.Msg = []byte{7} },
		"parity":       func(c *Check) { c.Kind, c.Odd = Tweak, true },
		"other parity": func(c *Check) { c.Kind = Tweak },
	} {
		ch := base
		munge(&ch)
		k := c.key(&ch)
		if other, ok := seen[k]; ok {
			t.Errorf("%q and %q have the same key", name, other)
		}
		seen[k] = name
	}
	if k := NewCache(1<<20, [32]byte{5}).key(&base); seen[k] != "" {
		t.Error("the salt does not matter")
	}
}

// TestCacheScripts: a transaction is known under the rules that it was added for.
func TestCacheScripts(t *testing.T) {
	c := NewCache(1<<20, [32]byte{7})
	a, b := [32]byte{1}, [32]byte{2}
	c.AddScripts(a, 1<<40)
	if !c.HasScripts(a, 1<<40) || c.HasScripts(b, 1<<40) || c.HasScripts(a, 1<<41) || c.HasScripts(a, 0) {
		t.Error("not what was added is known")
	}
	if other := NewCache(1<<20, [32]byte{8}); other.scriptsKey(a, 1) == c.scriptsKey(a, 1) {
		t.Error("the salt does not matter")
	}
}

func TestCacheConcurrent(t *testing.T) {
	c := NewCache(1<<16, [32]byte{6})
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 5000 {
				ch := Check{Sig: []byte{byte(i), byte(i >> 8)}, PubKey: []byte{byte(g % 2)}}
				k := c.key(&ch)
				if i%3 == 0 {
					c.add(&k)
				} else {
					c.has(&k)
				}
			}
		})
	}
	wg.Wait()
}
