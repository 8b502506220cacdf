package oracle

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	btcpsbt "github.com/btcsuite/btcd/psbt/v2"
	btcwire "github.com/btcsuite/btcd/wire/v2"

	"github.com/keelson-chain/keelson/internal/vectors"
	"github.com/keelson-chain/keelson/script/psbt"
	"github.com/keelson-chain/keelson/script/sign"
	"github.com/keelson-chain/keelson/wire"
)

// psbtField is a key with its value, and psbtMap what stands before one separator:
// the first is the global one, then there is one for each input and output.
type (
	psbtField struct{ key, value []byte }
	psbtMap   []psbtField
)

const psbtMagic = "psbt\xff"

// splitPSBT takes bytes apart as far as they have the form of fields; rest is what
// does not.
func splitPSBT(b []byte) (maps []psbtMap, rest []byte) {
	if !bytes.HasPrefix(b, []byte(psbtMagic)) {
		return nil, b
	}
	rest = b[len(psbtMagic):]
	next := func(b []byte) (item, rest []byte, ok bool) {
		n, rest, err := wire.ReadCompactSize(b)
		if err != nil || n > uint64(len(rest)) {
			return nil, b, false
		}
		return rest[:n], rest[n:], true
	}
	for len(rest) > 0 {
		m, b := psbtMap{}, rest
		for {
			key, behind, ok := next(b)
			if !ok {
				return maps, rest
			}
			if b = behind; len(key) == 0 {
				break
			}
			value, behind, ok := next(b)
			if !ok {
				return maps, rest
			}
			m, b = append(m, psbtField{key, value}), behind
		}
		maps, rest = append(maps, m), b
	}
	return maps, nil
}

// joinPSBT is the other way round.
func joinPSBT(maps []psbtMap, rest []byte) []byte {
	b := []byte(psbtMagic)
	for _, m := range maps {
		for _, f := range m {
			for _, part := range [][]byte{f.key, f.value} {
				b = append(wire.AppendCompactSize(b, uint64(len(part))), part...)
			}
		}
		b = append(b, 0)
	}
	return append(b, rest...)
}

// inOrder is an encoding with the fields of each map sorted by their keys.
func inOrder(b []byte) []byte {
	maps, rest := splitPSBT(b)
	for i, m := range maps {
		maps[i] = slices.SortedFunc(slices.Values(m), func(a, b psbtField) int {
			if c := bytes.Compare(a.key, b.key); c != 0 {
				return c
			}
			return bytes.Compare(a.value, b.value)
		})
	}
	return joinPSBT(maps, rest)
}

// psbtVerdict is what both say of the same bytes: why they are no packet, or what they
// write of what they have read.
type psbtVerdict struct {
	ours, theirs               error
	oursWritten, theirsWritten []byte
}

func comparePSBT(b []byte) (v psbtVerdict) {
	ours, err := psbt.Decode(bytes.Clone(b))
	if v.ours = err; err == nil {
		v.oursWritten = ours.Append(nil)
	}
	theirs, err := btcpsbt.NewFromRawBytes(bytes.NewReader(b), false)
	if err == nil {
		var buf bytes.Buffer
		err = theirs.Serialize(&buf)
		v.theirsWritten = buf.Bytes()
	}
	v.theirs = err
	return v
}

// agree says that both refuse, or that both write the same. The order of the fields in
// a map means nothing: ours is Bitcoin Core's.
func (v *psbtVerdict) agree() bool {
	if v.ours != nil || v.theirs != nil {
		return v.ours != nil && v.theirs != nil
	}
	return bytes.Equal(inOrder(v.oursWritten), inOrder(v.theirsWritten))
}

func (v *psbtVerdict) String() string {
	return fmt.Sprintf("ours %v, btcd's %v\nours   %x\nbtcd's %x", v.ours, v.theirs, v.oursWritten, v.theirsWritten)
}

// psbtTally counts what comparisons came to.
type psbtTally struct {
	t                        *testing.T
	read, refused, sameBytes int
	explained                map[string]int
}

// check compares b, and fails if both differ for a reason that is not known.
func (c *psbtTally) check(what string, b []byte) {
	c.t.Helper()
	v := comparePSBT(b)
	switch {
	case !v.agree():
		why := explainPSBT(b)
		if why == nil {
			c.t.Errorf("%s: %v\n%x", what, &v, b)
			return
		}
		for _, w := range why {
			c.explained[w]++
		}
	case v.ours != nil:
		c.refused++
	default:
		c.read++
		if bytes.Equal(v.oursWritten, v.theirsWritten) {
			c.sameBytes++
		}
	}
}

// psbtCorpus is the packets of BIPs 174 and 371 and of Bitcoin Core's tests, valid and
// not, and how many of them there are.
func psbtCorpus(t *testing.T) (list [][]byte) {
	t.Helper()
	for _, bip := range []struct {
		number string
		want   int
	}{{"0174", 44}, {"0371", 17}} {
		var cases []struct{ Hex string }
		if err := json.Unmarshal(vectors.Read(t, "bips-extracted/bip-"+bip.number+".json"), &cases); err != nil {
			t.Fatal(err)
		}
		if len(cases) != bip.want {
			t.Errorf("BIP %s has %d packets, want %d", bip.number, len(cases), bip.want)
		}
		for _, c := range cases {
			b, err := hex.DecodeString(c.Hex)
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, b)
		}
	}
	var core struct{ Invalid, Valid []string }
	if err := json.Unmarshal(vectors.Read(t, "bitcoin-core-28.1/test/functional/data/rpc_psbt.json"), &core); err != nil {
		t.Fatal(err)
	}
	if len(core.Invalid) != 41 || len(core.Valid) != 20 {
		t.Errorf("Bitcoin Core has %d and %d packets, want 41 and 20", len(core.Invalid), len(core.Valid))
	}
	for _, s := range slices.Concat(core.Valid, core.Invalid) {
		b, err := base64.StdEncoding.DecodeString(s)
		if err == nil { // else that is what is wrong with it
			list = append(list, b)
		}
	}
	return list
}

// psbtCase is a random packet of one input with what signs it.
type psbtCase struct {
	*signCase
	unsigned *psbt.Packet // with the coin
}

func drawPSBTCase(rng *rand.Rand) *psbtCase {
	c := &psbtCase{signCase: drawSignCase(rng)}
	out := c.spent[c.input]
	prev := &wire.Tx{
		Version: 2, Inputs: []wire.TxIn{{PrevOut: wire.OutPoint{TxID: wire.Hash{1, byte(rng.Uint32())}}, Sequence: wire.SequenceFinal}},
		Outputs: []wire.TxOut{{Value: 5, PkScript: []byte{0x51}}, *out},
	}
	tx := &wire.Tx{Version: 2, LockTime: c.tx.LockTime, Outputs: c.tx.Outputs}
	tx.Inputs = []wire.TxIn{{PrevOut: wire.OutPoint{TxID: prev.TxID(), Index: 1}, Sequence: c.tx.Inputs[c.input].Sequence}}
	c.unsigned = psbt.New(tx)
	in := &c.unsigned.Inputs[0]
	in.NonWitnessUTXO = prev
	if c.witness || c.code == nil {
		in.WitnessUTXO = out
	}
	if c.hashType > 1 {
		hashType := uint32(c.hashType)
		in.HashType = &hashType
	}
	return c
}

// signed returns the packet signed with keys, but not final.
func (c *psbtCase) signed(keys *sign.Keys) *psbt.Packet {
	p := c.unsigned.Clone()
	psbt.NewSession(p).SignInput(0, keys, sign.HashType(c.hashType), false)
	return p
}

// TestPSBTFormat has both read the public vectors, random packets, and both with one
// thing or more spoilt, and compares what they read and write.
func TestPSBTFormat(t *testing.T) {
	c := psbtTally{t: t, explained: map[string]int{}}
	corpus := psbtCorpus(t)
	for i, b := range corpus {
		c.check(fmt.Sprintf("vector %d", i), b)
	}
	vectors := c.read + c.refused
	rng := rand.New(rand.NewPCG(12, 0))
	for range 300 {
		s := drawPSBTCase(rng)
		open := s.signed(&s.provider)
		final := open.Clone()
		final.Finalize()
		for _, p := range []*psbt.Packet{s.unsigned, open, final} {
			b := p.Append(nil)
			c.check(s.name, b)
			corpus = append(corpus, b)
		}
	}
	for i, b := range corpus {
		for j, spoilt := range spoilPSBT(b) {
			c.check(fmt.Sprintf("packet %d spoilt in way %d", i, j), spoilt)
		}
	}
	for i := range 30_000 {
		b := corpus[rng.IntN(len(corpus))]
		for range 1 + rng.IntN(2) {
			b = mutatePSBT(rng, b, corpus)
		}
		c.check(fmt.Sprintf("mutation %d", i), b)
	}
	t.Logf("%d vectors agree; in all %d packets read alike, %d of them to the byte, %d refused by both", vectors, c.read, c.sameBytes, c.refused)
	for _, k := range knownPSBT {
		t.Logf("%6d %s", c.explained[k.why], k.why)
		if c.explained[k.why] == 0 {
			t.Errorf("nothing came of it: %s", k.why)
		}
	}
	if c.read < 5_000 || c.refused < 10_000 || c.sameBytes < 5_000 {
		t.Errorf("%d packets read alike, %d to the byte, %d refused", c.read, c.sameBytes, c.refused)
	}
}

// spoilPSBT makes packets of one with a single field changed, in each way that chance
// would seldom hit upon.
func spoilPSBT(b []byte) (list [][]byte) {
	maps, rest := splitPSBT(b)
	for i, m := range maps {
		for j, f := range m {
			with := func(key, value []byte) {
				changed := slices.Clone(maps)
				changed[i] = slices.Clone(m)
				changed[i][j] = psbtField{key, value}
				list = append(list, joinPSBT(changed, rest))
			}
			ones := bytes.Repeat([]byte{0xff}, 64)
			switch typ, n := f.key[0], len(f.value); {
			case i == 0 && typ == 1 && n > 4:
				with(f.key, f.value[:n-4])
			case i > 0 && typ == 0x01 && n > 9:
				with(f.key, append(bytes.Clone(ones[:8]), f.value[8:]...))
			case i > 0 && typ == 0x06:
				with(f.key, append([]byte{0xff}, f.value...))
			case i > 0 && (typ == 0x13 || typ == 0x14) && n >= 64:
				with(f.key, ones)
				with(f.key, append(bytes.Clone(f.value[:64]), 0))
			case i > 0 && typ == 0x15 && len(f.key) >= 34:
				with(slices.Concat(f.key[:2], ones[:32], f.key[34:]), f.value)
			case i > 0 && (typ == 0x16 || typ == 0x07) && n > 33 && f.value[0] > 0:
				with(f.key, slices.Concat([]byte{f.value[0] + 1}, f.value[1:33], f.value[1:]))
			case i > 0 && typ == 0x18:
				with(f.key, make([]byte, 32))
			}
		}
		changed := slices.Clone(maps)
		changed[i] = append(slices.Clone(m), psbtField{[]byte{0xfd, 0, 1}, []byte{1}})
		list = append(list, joinPSBT(changed, rest))
	}
	return list
}

// mutatePSBT spoils one thing, most often one that leaves the form of fields whole.
func mutatePSBT(rng *rand.Rand, b []byte, corpus [][]byte) []byte {
	b = bytes.Clone(b)
	maps, rest := splitPSBT(b)
	var full []int
	for i, m := range maps {
		if len(m) > 0 {
			full = append(full, i)
		}
	}
	if len(full) == 0 || rng.IntN(12) == 0 {
		if len(b) == 0 {
			return []byte{0}
		}
		switch at := rng.IntN(len(b)); rng.IntN(3) {
		case 0:
			b[at] ^= 1 << rng.IntN(8)
		case 1:
			b = b[:at]
		default:
			b = slices.Insert(b, at, byte(rng.Uint32()))
		}
		return b
	}
	at := full[rng.IntN(len(full))]
	m := slices.Clone(maps[at])
	i := rng.IntN(len(m))
	f := &m[i]
	some := func(b []byte) []byte { // changes one byte or the length
		b = bytes.Clone(b)
		switch n := rng.IntN(6); {
		case len(b) == 0 || n == 0:
			return append(b, byte(rng.Uint32()))
		case n == 1:
			return b[:rng.IntN(len(b))]
		case n == 2:
			return b[:len(b)-1]
		default:
			b[rng.IntN(len(b))] ^= 1 << rng.IntN(8)
			return b
		}
	}
	switch rng.IntN(11) {
	case 0:
		m = slices.Delete(m, i, i+1)
	case 1: // twice, as it is or with another value
		double := *f
		if rng.IntN(2) == 0 {
			double.value = some(double.value)
		}
		m = slices.Insert(m, rng.IntN(len(m)+1), double)
	case 2:
		j := rng.IntN(len(m))
		m[i], m[j] = m[j], m[i]
	case 3:
		f.value = some(f.value)
	case 4:
		if f.key = some(f.key); len(f.key) == 0 {
			f.key = []byte{0xfd}
		}
	case 5:
		f.value = nil
		if rng.IntN(2) == 0 {
			f.value = make([]byte, []int{1, 4, 20, 32, 33, 64}[rng.IntN(6)])
		}
	case 6: // another type
		f.key = append([]byte{byte(rng.IntN(0x20))}, f.key[1:]...)
	case 7: // a field that somebody else has
		other, _ := splitPSBT(corpus[rng.IntN(len(corpus))])
		if len(other) > 0 {
			if from := other[rng.IntN(len(other))]; len(from) > 0 {
				m = append(m, from[rng.IntN(len(from))])
			}
		}
	case 8: // one that nobody knows, or a proprietary one
		key := []byte{[]byte{0x0a, 0x0b, 0x0c, 0x0d, 0x1a, 0xfb, 0xfc, 0xf0}[rng.IntN(8)]}
		key = append(key, make([]byte, []int{0, 1, 20, 32, 33}[rng.IntN(5)])...)
		m = append(m, psbtField{key, make([]byte, []int{0, 1, 4, 32}[rng.IntN(4)])})
	case 9:
		maps = slices.Delete(slices.Clone(maps), at, at+1)
		return joinPSBT(maps, rest)
	default:
		rest = append(bytes.Clone(rest), make([]byte, 1+rng.IntN(3))...)
	}
	maps = slices.Clone(maps)
	maps[at] = m
	return joinPSBT(maps, rest)
}

// TestPSBTRoles signs random packets by our keys, one after the other and merged, and
// has both make them final: what both get is the same transaction.
func TestPSBTRoles(t *testing.T) {
	rng := rand.New(rand.NewPCG(13, 0))
	final, merged := map[string]int{}, 0
	for range 600 {
		c := drawPSBTCase(rng)
		p := c.signed(&c.provider)
		raw := p.Append(nil)

		// What each of several keys signs makes the same packet, in whatever order it
		// comes together, also when btcd has had it in its hands.
		if len(c.keys) > 1 {
			parts := make([]*psbt.Packet, len(c.keys))
			for i, k := range c.keys {
				keys := *c.provider.WithoutPrivate()
				keys.Add(k.ours, true)
				theirs, err := btcpsbt.NewFromRawBytes(bytes.NewReader(c.signed(&keys).Append(nil)), false)
				if err != nil {
					t.Fatalf("%s: btcd does not read what key %d signed: %v", c.name, i, err)
				}
				var buf bytes.Buffer
				if err := theirs.Serialize(&buf); err != nil {
					t.Fatal(err)
				}
				if parts[i], err = psbt.Decode(buf.Bytes()); err != nil {
					t.Fatalf("%s: we do not read what btcd writes: %v\n%x", c.name, err, buf.Bytes())
				}
			}
			rng.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
			all := parts[0]
			for _, part := range parts[1:] {
				if !all.Merge(part) {
					t.Fatalf("%s: parts of one packet do not merge", c.name)
				}
			}
			if got := all.Append(nil); !bytes.Equal(got, raw) {
				t.Fatalf("%s: merged\n%x, signed by all\n%x", c.name, got, raw)
			}
			merged++
		}

		theirs, err := btcpsbt.NewFromRawBytes(bytes.NewReader(raw), false)
		if err != nil {
			t.Fatalf("%s: %v\n%x", c.name, err, raw)
		}
		ours, ok := p.Extract()
		if !ok {
			t.Fatalf("%s, hash type %#x: not complete\n%x", c.name, c.hashType, raw)
		}
		if err := btcpsbt.MaybeFinalizeAll(theirs); err != nil {
			if why := unfinished[c.name]; why == "" {
				t.Fatalf("%s, hash type %#x: btcd does not finalize: %v\n%x", c.name, c.hashType, err, raw)
			}
			final["not "+c.name]++
			continue
		}
		tx, err := btcpsbt.Extract(theirs)
		if err != nil {
			t.Fatalf("%s: btcd does not extract: %v", c.name, err)
		}
		if got := txBytes(t, tx); !bytes.Equal(got, ours.Append(nil)) {
			if why := unfinished[c.name]; why == "" {
				t.Fatalf("%s, hash type %#x:\nours   %x\nbtcd's %x", c.name, c.hashType, ours.Append(nil), got)
			}
			final["other "+c.name]++
			continue
		}
		final[c.name]++

		// The same final input, but that btcd drops the transaction of a coin that a
		// witness spends.
		var buf bytes.Buffer
		if err := theirs.Serialize(&buf); err != nil {
			t.Fatal(err)
		}
		if p.Inputs[0].WitnessUTXO != nil {
			p.Inputs[0].NonWitnessUTXO = nil
		}
		if got := p.Append(nil); !bytes.Equal(inOrder(got), inOrder(buf.Bytes())) {
			t.Fatalf("%s: final\nours   %x\nbtcd's %x", c.name, got, buf.Bytes())
		}
	}
	t.Logf("%v; %d merged", final, merged)
	for name, why := range unfinished {
		if final["not "+name]+final["other "+name] == 0 {
			t.Errorf("nothing came of it: %s: %s", name, why)
		}
	}
	for _, name := range []string{"key hash", "witness key hash", "multisig behind a script hash", "multisig in a witness", "taproot"} {
		if final[name] < 30 {
			t.Errorf("%d of %s are final", final[name], name)
		}
	}
	if merged < 100 {
		t.Errorf("%d merged", merged)
	}
}

func txBytes(t *testing.T, tx *btcwire.MsgTx) []byte {
	t.Helper()
	var buf bytes.Buffer
	if err := tx.Serialize(&buf); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}
