package fees

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"math"
	"testing"

	"github.com/keelson-chain/keelson/mempool/policy"
)

// chain feeds an Estimator with blocks and transactions at ten fee rates.
type chain struct {
	*Estimator
	height  uint32
	waiting [10][]uint32 // by rate, the heights at which those came that wait
}

const (
	baseRate = 10_000
	delta    = 100
)

func rateOf(level int) policy.FeeRate { return policy.FeeRate(baseRate * (level + 1)) }

// arrive has four transactions come at each rate.
func (c *chain) arrive() {
	for level := range c.waiting {
		for range 4 {
			if c.Enter(c.height, rateOf(level)) {
				c.waiting[level] = append(c.waiting[level], c.height)
			}
		}
	}
}

// mine makes a block with all that wait at the best rates.
func (c *chain) mine(rates int) {
	c.height++
	c.Block(c.height)
	for level := 10 - rates; level < 10; level++ {
		for _, at := range c.waiting[level] {
			c.Mined(at, rateOf(level))
		}
		c.waiting[level] = nil
	}
}

// estimate is what Bitcoin Core's estimateFee was.
func (c *chain) estimate(target int) policy.FeeRate {
	if target <= 1 {
		return 0
	}
	rate, _ := c.Raw(target, doubleSuccess, Medium)
	return rate
}

// Bitcoin Core's policyestimator_tests.
func TestAsBitcoinCore(t *testing.T) {
	c := &chain{Estimator: New()}
	c.mine(0) // nothing counts before the first block
	for c.height < 201 {
		c.arrive()
		c.mine(int(c.height-1)%10 + 1)
		if c.height == 4 {
			// Three buckets together have enough.
			if got := c.estimate(2); c.estimate(1) != 0 || got < 9*baseRate-delta || got > 9*baseRate+delta {
				t.Errorf("after three blocks: %d, want about %d", got, 9*baseRate)
			}
		}
	}
	// The dearest are in every block, the next in nine of ten within one and in all within two...
	var original []policy.FeeRate
	for i := 1; i <= 48; i++ {
		original = append(original, c.estimate(i))
	}
	for i := 2; i < 10; i++ {
		if i > 2 && original[i-1] > original[i-2] {
			t.Errorf("%d blocks cost %d, one less %d", i, original[i-1], original[i-2])
		}
		if want := policy.FeeRate((11 - i) * baseRate); i%2 == 0 && (original[i-1] < want-delta || original[i-1] > want+delta) {
			t.Errorf("%d blocks: %d, want about %d", i, original[i-1], want)
		}
	}
	// Blocks without transactions change nothing.
	for c.height < 251 {
		c.mine(0)
	}
	for i := 2; i < 10; i++ {
		if got := c.estimate(i); got < original[i-1]-delta || got > original[i-1]+delta {
			t.Errorf("after empty blocks %d blocks cost %d, want about %d", i, got, original[i-1])
		}
	}
	// Many that are not mined drive it up.
	for c.height < 266 {
		c.arrive()
		c.mine(0)
	}
	up := func(when string) {
		for i := 1; i < 10; i++ {
			if got := c.estimate(i); got != 0 && got <= original[i-1]-delta {
				t.Errorf("%s %d blocks cost %d, want at least about %d", when, i, got, original[i-1])
			}
		}
	}
	up("with many that wait")
	c.mine(10)
	up("after they were mined")
	// Room for all makes it cheap.
	for c.height < 666 {
		c.arrive()
		c.mine(10)
	}
	for i := 2; i < 9; i++ {
		if got := c.estimate(i); got >= original[i-1]-delta {
			t.Errorf("with room for all %d blocks cost %d, want much less than %d", i, got, original[i-1])
		}
	}
}

// busy is a chain of 600 blocks, of which each tenth has all that wait.
func busy() *chain {
	c := &chain{Estimator: New()}
	c.mine(0)
	for c.height < 601 {
		c.arrive()
		c.mine(int(c.height-1)%10 + 1)
	}
	return c
}

func TestSmart(t *testing.T) {
	c := busy()
	last := policy.FeeRate(math.MaxInt64)
	for target := 1; target <= MaxTarget; target++ {
		economical, within := c.Smart(target, false)
		conservative, _ := c.Smart(target, true)
		if economical == 0 || economical > conservative {
			t.Errorf("%d blocks: %d, conservatively %d", target, economical, conservative)
		}
		if economical > last {
			t.Errorf("%d blocks cost %d, one less %d", target, economical, last)
		}
		last = economical
		if want := min(max(target, 2), (600-1)/2); within != want {
			t.Errorf("%d blocks: within %d, want %d", target, within, want)
		}
	}
	if rate, _ := c.Smart(2, false); rate < 8*baseRate-delta || rate > 9*baseRate+delta {
		t.Errorf("two blocks cost %d", rate)
	}
	if rate, _ := c.Smart(20, false); rate > 3*baseRate {
		t.Errorf("twenty blocks cost %d", rate)
	}
	for _, target := range []int{-1, 0, MaxTarget + 1} {
		if rate, _ := c.Smart(target, true); rate != 0 {
			t.Errorf("%d blocks cost %d", target, rate)
		}
	}
	if rate, within := New().Smart(6, true); rate != 0 || within != 0 {
		t.Errorf("one that knows nothing says %d within %d", rate, within)
	}
}

func TestDetails(t *testing.T) {
	c := busy()
	_, d := c.Raw(2, .95, Medium)
	if d.Decay != mediumDecay || d.Scale != mediumScale || d.Pass.End > infinite || d.Pass.Start < 8*baseRate || d.Fail.Start < 0 || d.Fail.End > d.Pass.Start {
		t.Errorf("%+v", d)
	}
	if share := d.Fail.WithinTarget / (d.Fail.Confirmed + d.Fail.LeftMempool + d.Fail.InMempool); share >= .95 || share == 0 {
		t.Errorf("%v of what failed was mined in time", share)
	}
	if rate, d := c.Raw(13, .95, Short); rate != 0 || d != (Details{}) {
		t.Errorf("the short horizon sees 13 blocks: %d, %+v", rate, d)
	}
	if rate, d := New().Raw(3, .95, Long); rate != 0 || d.Fail.Start != 0 || d.Fail.End != infinite || d.Scale != longScale {
		t.Errorf("one that knows nothing: %d, %+v", rate, d)
	}
}

// A transaction that leaves unmined counts against its rate, but only after a
// whole period.
func TestLeft(t *testing.T) {
	c := &chain{Estimator: New()}
	c.mine(0)
	if !c.Enter(c.height, 5_000) || c.Enter(c.height-1, 5_000) || c.Enter(c.height+1, 5_000) {
		t.Error("one counts at the tip's height and at no other")
	}
	c.Left(c.height, 5_000)
	_, d := c.Raw(1, .95, Short)
	if d.Fail.LeftMempool != 0 || d.Fail.InMempool != 0 {
		t.Errorf("it left at once: %+v", d)
	}
	c.Enter(c.height, 5_000)
	c.mine(0)
	c.mine(0)
	if _, d := c.Raw(2, .95, Short); d.Fail.InMempool != 1 {
		t.Errorf("it waits for two blocks: %+v", d)
	}
	if _, d := c.Raw(3, .95, Short); d.Fail.InMempool != 0 {
		t.Errorf("it does not wait for three: %+v", d)
	}
	c.Left(c.height-2, 5_000)
	if _, d := c.Raw(2, .95, Short); d.Fail.LeftMempool != 1 || d.Fail.InMempool != 0 {
		t.Errorf("it left after two blocks: %+v", d)
	}
	if _, d := c.Raw(3, .95, Short); d.Fail.LeftMempool != 0 {
		t.Errorf("it did not stay for three: %+v", d)
	}
}

// A block of another branch at a height that was there counts nothing.
func TestReorganisation(t *testing.T) {
	c := busy()
	want, _ := c.Smart(6, true)
	c.arrive()
	before := c.best
	c.Block(before)
	for level := range c.waiting {
		for _, at := range c.waiting[level] {
			c.Mined(at, rateOf(level))
		}
	}
	if got, _ := c.Smart(6, true); got != want || c.best != before {
		t.Errorf("%d at height %d, want %d at %d", got, c.best, want, before)
	}
	for _, s := range c.stats {
		for b, n := range s.waiting {
			if n != 0 {
				t.Fatalf("%d wait in bucket %d", n, b)
			}
		}
	}
}

func TestEncode(t *testing.T) {
	c := busy()
	raw := c.Encode(1_000_000)
	e, err := Decode(raw, 1_000_000+maxAge)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(e.Encode(1_000_000), raw) {
		t.Error("encoded again it is something else")
	}
	for _, target := range []int{1, 2, 6, 24, 144, 1008} {
		a, aWithin := c.Smart(target, true)
		b, bWithin := e.Smart(target, true)
		if a != b || aWithin != bWithin {
			t.Errorf("%d blocks: %d within %d, before %d within %d", target, b, bWithin, a, aWithin)
		}
	}
	// What an earlier run saw counts for a while only.
	for range oldest {
		e.Block(e.best + 1)
	}
	if e.maxUsable() == 0 {
		t.Error("it is forgotten too soon")
	}
	e.Block(e.best + 1)
	if e.maxUsable() != 0 {
		t.Error("it is never forgotten")
	}

	reseal := func(b []byte) []byte {
		sum := sha256.Sum256(b[:len(b)-sha256.Size])
		return append(b[:len(b)-sha256.Size], sum[:]...)
	}
	for name, munge := range map[string]func(b []byte) []byte{
		"empty":           func([]byte) []byte { return nil },
		"cut":             func(b []byte) []byte { return b[:len(b)-1] },
		"longer":          func(b []byte) []byte { return append(b, 0) },
		"another head":    func(b []byte) []byte { b[0]++; return reseal(b) },
		"a bit is wrong":  func(b []byte) []byte { b[1000] ^= 1; return b },
		"too old":         func(b []byte) []byte { binary.LittleEndian.PutUint64(b[8:], 1); return reseal(b) },
		"blocks mixed up": func(b []byte) []byte { binary.LittleEndian.PutUint32(b[20:], 1e9); return reseal(b) },
		"not a number": func(b []byte) []byte {
			binary.LittleEndian.PutUint64(b[28:], math.Float64bits(math.NaN()))
			return reseal(b)
		},
		"a negative sum": func(b []byte) []byte {
			binary.LittleEndian.PutUint64(b[28:], math.Float64bits(-1))
			return reseal(b)
		},
	} {
		if _, err := Decode(munge(bytes.Clone(raw)), 1_000_000); !errors.Is(err, ErrEncoding) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Decode(raw, 1_000_000+maxAge+1); !errors.Is(err, ErrEncoding) {
		t.Errorf("an hour too late: %v", err)
	}
}

// FuzzDecode reads arbitrary bytes, or what an Estimator has written with some numbers
// changed and the check sum made good: records of an offset (4 bytes) and what stands
// there (8 bytes), since the whole is too long to be mutated.
func FuzzDecode(f *testing.F) {
	whole := busy().Encode(1)
	body := len(whole) - sha256.Size
	f.Add([]byte{}, true)
	f.Add(binary.LittleEndian.AppendUint64([]byte{28, 0, 0, 0}, math.Float64bits(math.NaN())), true)
	f.Add(append([]byte{16, 0, 0, 0}, "\xff\xff\xff\xff\x00\x00\x00\x00"...), true) // the heights
	f.Add([]byte(encodedHead), false)
	f.Fuzz(func(t *testing.T, b []byte, patch bool) {
		if patch {
			records := b
			b = bytes.Clone(whole)
			for ; len(records) >= 12; records = records[12:] {
				at := int(binary.LittleEndian.Uint32(records)) % (body - 8)
				copy(b[at:], records[4:12])
			}
			sum := sha256.Sum256(b[:body])
			copy(b[body:], sum[:])
		}
		e, err := Decode(b, 1)
		if err != nil {
			if !errors.Is(err, ErrEncoding) {
				t.Fatal(err)
			}
			return
		}
		for _, target := range []int{1, 12, 48, 1008} {
			if rate, within := e.Smart(target, true); rate < 0 || within > target && target > 1 {
				t.Errorf("%d within %d", rate, within)
			}
		}
	})
}

func BenchmarkSmart(b *testing.B) {
	c := busy()
	c.arrive()
	b.ReportAllocs()
	for b.Loop() {
		c.Smart(144, true)
	}
}

// BenchmarkBlock has 3,000 transactions come, and a block with all of them.
func BenchmarkBlock(b *testing.B) {
	c := busy()
	b.ReportAllocs()
	for b.Loop() {
		for range 75 {
			c.arrive()
		}
		c.mine(10)
	}
}
