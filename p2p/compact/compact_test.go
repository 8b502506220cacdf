package compact_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/keelson-chain/keelson/p2p/compact"
	"github.com/keelson-chain/keelson/p2p/message"
	"github.com/keelson-chain/keelson/wire"
)

// TestVector: a block of regtest and its compact form, from the tests of
// rust-bitcoin, which took it from another implementation of BIP 152. The length of
// the ids is ours.
func TestVector(t *testing.T) {
	const (
		header   = "000000206c750a364035aefd5f81508a08769975116d9195312ee4520dceac39e1fdc62c4dc67473b8e354358c1e610afeaff7410858bd45df43e2940f8a62bd3d5e3ac943c2975cffff7f2000000000"
		coinbase = "020000000001010000000000000000000000000000000000000000000000000000000000000000ffffffff04016b0101ffffffff020006062a0100000001510000000000000000266a24aa21a9ed4a3d9f3343dafcc0d6f6d4310f2ee5ce273ed34edca6c75db3a73e7f368734200120000000000000000000000000000000000000000000000000000000000000000000000000"
		spend    = "020000000001021fc20ba2bd745507b8e00679e3b362558f9457db374ca28ffa5243f4c23a4d5f00000000171600147c9dea14ffbcaec4b575e03f05ceb7a81cd3fcbffdffffff915d689be87b43337f42e26033df59807b768223368f189a023d0242d837768900000000171600147c9dea14ffbcaec4b575e03f05ceb7a81cd3fcbffdffffff0200cdf5050000000017a9146803c72d9154a6a20f404bed6d3dcee07986235a8700e1f5050000000017a9144e6a4c7cb5b5562904843bdf816342f4db9f5797870247304402205e9bf6e70eb0e4b495bf483fd8e6e02da64900f290ef8aaa64bb32600d973c450220670896f5d0e5f33473e5f399ab680cc1d25c2d2afd15abd722f04978f28be887012103e4e4d9312b2261af508b367d8ba9be4f01b61d6d6e78bec499845b4f410bcf2702473044022045ac80596a6ac9c8c572f94708709adaf106677221122e08daf8b9741a04f66a022003ccd52a3b78f8fd08058fc04fc0cffa5f4c196c84eae9e37e2a85babe731b57012103e4e4d9312b2261af508b367d8ba9be4f01b61d6d6e78bec499845b4f410bcf276a000000"

		nonce = 18053200567810711460
		want  = header + "a4df3c3744da89fa" + "06" + "01" + "0a6979e97145" + "01" + "00" + coinbase
	)
	b, err := wire.DecodeBlock(unhex(header + "02" + coinbase + spend))
	if err != nil {
		t.Fatal(err)
	}
	c := compact.New(b, nonce, nil)
	if got := hex.EncodeToString(c.Append(nil)); got != want {
		t.Errorf("compact: %s, want %s", got, want)
	}
	decoded, err := message.DecodeCompact(unhex(want))
	if err != nil {
		t.Fatal(err)
	}
	p := partial(t, decoded)
	wtxid := b.Txs[1].WTxID()
	p.Offer(&wtxid, unhex(spend))
	got, err := p.Block()
	if err != nil || !bytes.Equal(got.Bytes(), b.Bytes()) {
		t.Errorf("block: %v, %v", got, err)
	}
}

// block returns a block with n transactions of about the given size, the header of
// which has nothing right but the merkle root.
func block(r *rand.Rand, n, size int) *wire.Block {
	b := &wire.Block{Header: wire.Header{Version: 1, Nonce: r.Uint32()}}
	for range n {
		b.Txs = append(b.Txs, tx(r, size))
	}
	return seal(b)
}

// seal gives b the merkle root of its transactions, and decodes it again so that
// nothing is computed yet.
func seal(b *wire.Block) *wire.Block {
	b.Header.MerkleRoot, _ = b.TxMerkleRoot()
	b, err := wire.DecodeBlock(b.Append(nil))
	if err != nil {
		panic(err)
	}
	return b
}

func tx(r *rand.Rand, size int) *wire.Tx {
	var prev wire.Hash
	for i := 0; i < len(prev); i += 8 {
		binary.LittleEndian.PutUint64(prev[i:], r.Uint64())
	}
	return &wire.Tx{
		Version: 2,
		Inputs:  []wire.TxIn{{PrevOut: wire.OutPoint{TxID: prev}, Witness: [][]byte{make([]byte, max(0, size-90))}}},
		Outputs: []wire.TxOut{{Value: 1, PkScript: prev[:22]}},
	}
}

func partial(t testing.TB, c *message.Compact) *compact.Partial {
	t.Helper()
	p, err := compact.NewPartial(c)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func offer(p *compact.Partial, txs ...*wire.Tx) {
	for _, tx := range txs {
		wtxid := tx.WTxID()
		p.Offer(&wtxid, tx.Append(nil))
	}
}

// sent returns c as it arrives elsewhere.
func sent(t testing.TB, c *message.Compact) *message.Compact {
	t.Helper()
	c, err := message.DecodeCompact(c.Append(nil))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestReconstruct: whatever part of a block is prefilled, known or asked for, the
// block comes out.
func TestReconstruct(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		b := block(r, 1+r.IntN(40), 100)
		share := r.IntN(4)
		prefilled := map[int]bool{0: true}
		c := sent(t, compact.New(b, r.Uint64(), func(i int, wtxid *wire.Hash) bool {
			if *wtxid != b.Txs[i].WTxID() {
				t.Errorf("transaction %d is shown as %v", i, wtxid)
			}
			prefilled[i] = r.IntN(4) < share
			return prefilled[i]
		}))
		p := partial(t, c)
		known := map[int]bool{}
		for _, i := range r.Perm(len(b.Txs)) {
			if known[i] = r.IntN(3) > 0; known[i] {
				offer(p, tx(r, 100), b.Txs[i], b.Txs[i])
			}
		}
		var want []uint32
		for i := range b.Txs {
			if !known[i] && !prefilled[i] {
				want = append(want, uint32(i))
			}
		}
		missing := p.Missing()
		if !slices.Equal(missing, want) || p.Open() != len(want) || p.Len() != len(b.Txs) {
			t.Fatalf("missing %v, %d of %d, want %v", missing, p.Open(), p.Len(), want)
		}
		var txs []*wire.Tx
		for i := range b.Txs {
			raw := p.Raw(uint32(i))
			if slices.Contains(missing, uint32(i)) {
				txs = append(txs, b.Txs[i])
				if raw != nil {
					t.Fatalf("transaction %d is missing and there", i)
				}
			} else if !bytes.Equal(raw, b.Txs[i].Append(nil)) {
				t.Fatalf("transaction %d is another one", i)
			}
		}
		if p.Raw(uint32(len(b.Txs))) != nil {
			t.Fatal("there is a transaction after the last")
		}
		if len(txs) > 0 {
			if _, err := p.Block(); !errors.Is(err, compact.ErrCount) {
				t.Fatalf("block with %d transactions missing: %v", len(txs), err)
			}
		}
		if err := p.Fill(append(txs, b.Txs[0])); !errors.Is(err, compact.ErrCount) {
			t.Fatalf("one too many: %v", err)
		}
		if err := p.Fill(txs); err != nil {
			t.Fatal(err)
		}
		got, err := p.Block()
		if err != nil || !bytes.Equal(got.Bytes(), b.Bytes()) {
			t.Fatalf("another block: %v", err)
		}
		if p.Header() != b.Header {
			t.Fatal("another header")
		}
	}
}

// TestCollisions: short ids that say too little, by chance or by design.
func TestCollisions(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	b := block(r, 200, 100)
	good := compact.New(b, 5, nil)

	t.Run("twice in the block", func(t *testing.T) {
		c := sent(t, good)
		c.ShortIDs[17] = c.ShortIDs[5]
		if _, err := compact.NewPartial(c); !errors.Is(err, compact.ErrCollision) {
			t.Errorf("%v, want %v", err, compact.ErrCollision)
		}
	})
	t.Run("made to be slow", func(t *testing.T) {
		c := sent(t, good)
		for i := range c.ShortIDs {
			c.ShortIDs[i] = uint64(i) << 30
		}
		if _, err := compact.NewPartial(c); !errors.Is(err, compact.ErrCollision) {
			t.Errorf("%v, want %v", err, compact.ErrCollision)
		}
	})
	t.Run("all ones", func(t *testing.T) {
		c := sent(t, good)
		c.ShortIDs[3] = 1<<48 - 1
		offer(partial(t, c), b.Txs...)
	})
	t.Run("a stranger in the pool", func(t *testing.T) {
		// The id of transaction 8 is made that of a stranger, as if they collided.
		c, stranger := sent(t, good), tx(r, 100)
		key := compact.NewKey(&c.Header, c.Nonce)
		wtxid := stranger.WTxID()
		c.ShortIDs[7] = key.ShortID(&wtxid)
		p := partial(t, c)
		offer(p, b.Txs...)
		offer(p, stranger)
		if missing := p.Missing(); len(missing) != 0 {
			t.Fatalf("missing %v", missing)
		}
		if _, err := p.Block(); !errors.Is(err, compact.ErrMismatch) {
			t.Errorf("%v, want %v", err, compact.ErrMismatch)
		}
	})
	t.Run("offered twice", func(t *testing.T) {
		p := partial(t, sent(t, good))
		offer(p, b.Txs...)
		offer(p, b.Txs...)
		if p.Open() != 0 {
			t.Errorf("%d are missing", p.Open())
		}
	})
}

// TestMismatch: what was filled in is of another block.
func TestMismatch(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	b := block(r, 10, 100)
	for name, munge := range map[string]func(txs []*wire.Tx){
		"swapped":     func(txs []*wire.Tx) { txs[0], txs[1] = txs[1], txs[0] },
		"another one": func(txs []*wire.Tx) { txs[3] = tx(r, 100) },
		"twice":       func(txs []*wire.Tx) { txs[3] = txs[2] },
	} {
		p := partial(t, sent(t, compact.New(b, 1, nil)))
		txs := slices.Clone(b.Txs[1:])
		munge(txs)
		if err := p.Fill(txs); err != nil {
			t.Fatal(err)
		}
		if got, err := p.Block(); !errors.Is(err, compact.ErrMismatch) {
			t.Errorf("%s: %v, %v, want %v", name, got, err, compact.ErrMismatch)
		}
	}
	// The list that ends with a repetition has the same root (CVE-2012-2459).
	odd := block(r, 3, 100)
	mutated := &wire.Block{Header: odd.Header, Txs: append(slices.Clone(odd.Txs), odd.Txs[2])}
	c := compact.New(mutated, 1, func(int, *wire.Hash) bool { return true })
	if got, err := partial(t, sent(t, c)).Block(); !errors.Is(err, compact.ErrMismatch) {
		t.Errorf("repeated: %v, %v, want %v", got, err, compact.ErrMismatch)
	}
}

// TestWitness: a transaction with another witness has the same id, and is none of
// the block's all the same.
func TestWitness(t *testing.T) {
	r := rand.New(rand.NewPCG(17, 18))
	b := block(r, 10, 100)
	b = b.Clone()
	reserved := [32]byte{1}
	b.Txs[0].Inputs[0].Witness = [][]byte{reserved[:]}
	b.Txs[0].Outputs = append(b.Txs[0].Outputs, wire.TxOut{
		PkScript: wire.WitnessCommitmentScript(wire.WitnessCommitmentHash(b.WitnessMerkleRoot(), reserved)),
	})
	b = seal(b)
	c := compact.New(b, 1, nil)
	filled := func(munge func(txs []*wire.Tx)) error {
		p := partial(t, sent(t, c))
		txs := slices.Clone(b.Txs[1:])
		munge(txs)
		if err := p.Fill(txs); err != nil {
			t.Fatal(err)
		}
		_, err := p.Block()
		return err
	}
	if err := filled(func([]*wire.Tx) {}); err != nil {
		t.Fatal(err)
	}
	if err := filled(func(txs []*wire.Tx) {
		txs[3] = txs[3].Clone()
		txs[3].Inputs[0].Witness[0][0]++
	}); !errors.Is(err, compact.ErrMismatch) {
		t.Errorf("%v, want %v", err, compact.ErrMismatch)
	}
}

// TestPrefilledRoom: what is prefilled has bounds, apart from the coinbase.
func TestPrefilledRoom(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	b := block(r, 10, compact.MaxPrefilled/4+100)
	b.Txs[0] = tx(r, 10*compact.MaxPrefilled)
	b = seal(b)
	c := compact.New(b, 1, func(int, *wire.Hash) bool { return true })
	if n := c.Size() - b.Txs[0].Size(); n > compact.MaxPrefilled+1000 || len(c.Prefilled) != 1+3 {
		t.Errorf("%d prefilled, %d bytes without the coinbase", len(c.Prefilled), n)
	}
	p := partial(t, sent(t, c))
	offer(p, b.Txs...)
	if got, err := p.Block(); err != nil || got.Hash() != b.Hash() {
		t.Errorf("%v", err)
	}
}

func unhex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return b
}

// TestFits: a transaction fits its own place and no other, filled or not.
func TestFits(t *testing.T) {
	b := block(rand.New(rand.NewPCG(1, 2)), 5, 100)
	p := partial(t, compact.New(b, 7, nil))
	for range 2 {
		for i, tx := range b.Txs {
			wtxid := tx.WTxID()
			for at := range uint32(len(b.Txs) + 1) {
				// The coinbase has no short id.
				if got, want := p.Fits(at, &wtxid), i > 0 && int(at) == i; got != want {
					t.Errorf("transaction %d at %d: %v", i, at, got)
				}
			}
		}
		offer(p, b.Txs[1:]...)
	}
}

// TestNarrow: shorter ids do as well where they do not collide, and are not taken
// where they do.
func TestNarrow(t *testing.T) {
	r := rand.New(rand.NewPCG(21, 22))
	b := block(r, 100, 100)
	pool := append([]*wire.Tx{tx(r, 100), tx(r, 100)}, b.Txs[10:]...)
	each := func(f func(wtxid *wire.Hash, raw []byte)) error {
		for _, tx := range pool {
			wtxid := tx.WTxID()
			f(&wtxid, tx.Append(nil))
		}
		return nil
	}
	c := sent(t, compact.Narrow(b, r.Uint64, each))
	if wide := compact.New(b, 1, nil); c.IDSize != message.MinIDSize || wide.Size()-c.Size() != 2*99 {
		t.Errorf("ids of %d bytes, %d bytes in all, with ids of %d bytes %d", c.IDSize, c.Size(), wide.IDSize, wide.Size())
	}
	p := partial(t, c)
	offer(p, pool...)
	if p.Open() != 9 {
		t.Errorf("%d transactions are missing, want 9", p.Open())
	}
	if err := p.Fill(b.Txs[1:10]); err != nil {
		t.Fatal(err)
	}
	if got, err := p.Block(); err != nil || !bytes.Equal(got.Bytes(), b.Bytes()) {
		t.Errorf("%v, %v", got, err)
	}
	// A block that has a transaction twice collides with every nonce.
	twice := &wire.Block{Header: b.Header, Txs: append(slices.Clone(b.Txs), b.Txs[5])}
	if c := compact.Narrow(twice, r.Uint64, each); c.IDSize != message.MaxIDSize {
		t.Errorf("ids of %d bytes for a block whose ids collide", c.IDSize)
	}
	fault := func(func(*wire.Hash, []byte)) error { return errors.New("no pool") }
	if c := compact.Narrow(b, r.Uint64, fault); c.IDSize != message.MaxIDSize {
		t.Errorf("ids of %d bytes without a pool to hold them against", c.IDSize)
	}
}
