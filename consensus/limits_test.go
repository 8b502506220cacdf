package consensus_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/consensus/chaingen"
	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/wire"
)

// Each limit is reached and then passed by one.

func TestTxSizeLimit(t *testing.T) {
	p := consensus.Regtest(consensus.RegtestOptions{})
	for over, want := range map[int]error{0: nil, 1: consensus.ErrTxOversize} {
		tx := &wire.Tx{Inputs: make([]wire.TxIn, 1), Outputs: []wire.TxOut{{PkScript: make([]byte, 900_000)}}}
		tx.Inputs[0].PrevOut.TxID[0] = 1
		tx.Outputs[0].PkScript = make([]byte, 900_000+1_000_000-tx.StrippedSize()+over)
		// A witness of any size does not matter.
		tx.Inputs[0].Witness = [][]byte{make([]byte, 5_000_000)}
		if err := consensus.CheckTx(p, tx); !errors.Is(err, want) {
			t.Errorf("%d bytes: %v", tx.StrippedSize(), err)
		}
	}
}

func TestWeightLimit(t *testing.T) {
	c := grown(consensus.Regtest(consensus.RegtestOptions{}))
	pad := func(n int) *wire.Block {
		return c.Munged(chaingen.Munge{Body: func(_ *chaingen.Chain, b *wire.Block) {
			b.Txs[1].Inputs[0].Witness = append(b.Txs[1].Inputs[0].Witness, make([]byte, n))
		}})
	}
	const most = 4_000_000
	n := 3_900_000
	n += most - pad(n).Weight()
	for over, want := range map[int]error{-1: nil, 0: nil, 1: consensus.ErrBlockWeight} {
		b := pad(n + over)
		if got := b.Weight(); got != most+over {
			t.Fatalf("weight %d", got)
		}
		if err := consensus.ValidateBlockContext(c.State(), b); !errors.Is(err, want) {
			t.Errorf("weight %d: %v", b.Weight(), err)
		}
	}
}

// TestSigOpsLimit adds up each kind of signature operation, over transactions.
func TestSigOpsLimit(t *testing.T) {
	c := grown(consensus.Regtest(consensus.RegtestOptions{}))
	state := c.State()
	state.Params = consensus.Regtest(consensus.RegtestOptions{})
	redeem := bytes.Repeat([]byte{0xac}, 3)
	multi := []byte{0x51, 0x52, 0x53, 0x53, 0xae} // three by its number
	p2sh := append(append([]byte{0xa9, 20}, make([]byte, 20)...), 0x87)
	p2wsh := append([]byte{0x00, 32}, make([]byte, 32)...)
	p2wpkh := append([]byte{0x00, 20}, make([]byte, 20)...)
	nested := append([]byte{22}, p2wpkh...)
	// Two transactions like this one, of the cost given each.
	for _, k := range []struct {
		name string
		in   wire.TxIn
		coin []byte
		out  []byte
		cost int
	}{
		{"legacy, in the input", wire.TxIn{SigScript: redeem}, nil, nil, 12},
		{"legacy, in the output", wire.TxIn{}, nil, redeem, 12},
		{"legacy multisig counts twenty", wire.TxIn{}, nil, multi, 80},
		{"not in what is spent", wire.TxIn{}, redeem, nil, 0},
		{"behind a hash", wire.TxIn{SigScript: append([]byte{3}, redeem...)}, p2sh, nil, 12},
		{"behind a hash, multisig", wire.TxIn{SigScript: append([]byte{5}, multi...)}, p2sh, nil, 12},
		{"witness script", wire.TxIn{Witness: [][]byte{{1}, multi}}, p2wsh, nil, 3},
		{"witness key hash", wire.TxIn{Witness: [][]byte{{1}, {2}}}, p2wpkh, nil, 1},
		{"witness key hash behind a hash", wire.TxIn{SigScript: nested, Witness: [][]byte{{1}, {2}}}, p2sh, nil, 1},
		{"taproot has none", wire.TxIn{Witness: [][]byte{redeem}}, append([]byte{0x51, 32}, make([]byte, 32)...), nil, 0},
	} {
		b := &wire.Block{Txs: c.Next().Txs}
		var coins []consensus.Coin
		for i := range 2 {
			k.in.PrevOut = wire.OutPoint{TxID: wire.Hash{1}, Index: uint32(i)}
			b.Txs = append(b.Txs, &wire.Tx{Inputs: []wire.TxIn{k.in}, Outputs: []wire.TxOut{{PkScript: k.out}}})
			coins = append(coins, consensus.Coin{Out: wire.TxOut{PkScript: k.coin}})
		}
		for _, limit := range []int{2 * k.cost, 2*k.cost - 1} {
			var want error
			if state.Params.MaxBlockSigOpsCost = limit; limit < 2*k.cost {
				want = consensus.ErrBlockSigOps
			}
			if limit < 0 {
				continue
			}
			if err := consensus.ValidateBlock(state, b, coins, consensus.Options{SkipScripts: true}); !errors.Is(err, want) {
				t.Errorf("%s: with a limit of %d for a cost of %d twice: %v", k.name, limit, k.cost, err)
			}
			_, err := consensus.ValidateTx(state, b.Txs[1], coins[:1], consensus.Options{SkipScripts: true})
			if got := errors.Is(err, consensus.ErrBlockSigOps); got != (limit < k.cost) {
				t.Errorf("%s: alone with a limit of %d for a cost of %d: %v", k.name, limit, k.cost, err)
			}
		}
	}
	// CheckBlock knows the legacy ones alone.
	for n, want := range map[int]error{20_000: nil, 20_001: consensus.ErrBlockSigOps} {
		b := c.Next().Clone()
		b.Txs[0].Outputs[0].PkScript = bytes.Repeat([]byte{0xac}, n)
		b.Header.MerkleRoot, _ = b.TxMerkleRoot()
		chaingen.Solve(b)
		if err := consensus.CheckBlock(c.State().Params, b); !errors.Is(err, want) {
			t.Errorf("%d in a coinbase: %v", n, err)
		}
	}
}

// TestLockTimeCutoff: from BIP 113 on the lock times of a block are held
// against the median time past, before against its own time.
func TestLockTimeCutoff(t *testing.T) {
	for height, want := range map[uint32]error{1: consensus.ErrNonFinal, 1_000_000: nil} {
		c := grown(consensus.Regtest(consensus.RegtestOptions{
			ActivationHeights: map[consensus.Deployment]uint32{consensus.CSV: height},
		}))
		coins := c.Mature()[:1]
		tx := c.Spend(coins)
		tx = tx.Clone()
		tx.LockTime, tx.Inputs[0].Sequence = c.State().MedianTimePast(), 0
		c.Sign(tx, coins)
		if err := c.ValidateAt(c.Next(tx), far); !errors.Is(err, want) {
			t.Errorf("BIP 113 from %d on: %v", height, err)
		}
		tx = tx.Clone()
		tx.LockTime--
		c.Sign(tx, coins)
		if err := c.ValidateAt(c.Next(tx), far); err != nil {
			t.Errorf("one second earlier, BIP 113 from %d on: %v", height, err)
		}
	}
}

// TestBeforeSegwit: a commitment means nothing before segwit, and witnesses
// are not allowed.
func TestBeforeSegwit(t *testing.T) {
	c := grown(consensus.Regtest(consensus.RegtestOptions{
		ActivationHeights: map[consensus.Deployment]uint32{consensus.Segwit: 1000},
	}))
	c.Mark("here")
	withWrongCommitment := func(txs ...*wire.Tx) *wire.Block {
		b := c.Next(txs...).Clone()
		b.Txs[0].Outputs = append(b.Txs[0].Outputs, wire.TxOut{PkScript: wire.WitnessCommitmentScript(wire.Hash{1})})
		b.Header.MerkleRoot, _ = b.TxMerkleRoot()
		chaingen.Solve(b)
		return b
	}
	if err := c.ValidateAt(withWrongCommitment(), far); err != nil {
		t.Errorf("a commitment before segwit: %v", err)
	}
	if err := c.ValidateAt(withWrongCommitment(c.Spend(c.Mature()[:1])), far); !errors.Is(err, consensus.ErrUnexpectedWitness) {
		t.Errorf("a witness before segwit: %v", err)
	}
}

// TestOwnCoinbase: the coinbase of a block cannot be spent in it.
func TestOwnCoinbase(t *testing.T) {
	p := consensus.Regtest(consensus.RegtestOptions{})
	c := chaingen.New(p)
	b := &wire.Block{Txs: []*wire.Tx{c.Next().Txs[0]}}
	b.Txs = append(b.Txs, &wire.Tx{
		Inputs:  []wire.TxIn{{PrevOut: wire.OutPoint{TxID: b.Txs[0].TxID()}}},
		Outputs: []wire.TxOut{{}},
	})
	spent, err := consensus.Gather(c.State(), b, c.Coins())
	if err != nil || len(spent) != 1 || !spent[0].Coinbase || spent[0].Height != 1 {
		t.Fatalf("%+v, %v", spent, err)
	}
	if err := consensus.ValidateBlock(c.State(), b, spent, consensus.Options{}); !errors.Is(err, consensus.ErrImmatureSpend) {
		t.Fatal(err)
	}
}

// TestStricterTimeWarp: where both BIP 94 and BIP 54 hold, the shorter grace
// counts.
func TestStricterTimeWarp(t *testing.T) {
	p := consensus.Regtest(consensus.RegtestOptions{})
	p.Activation[consensus.BIP54] = 0
	for grace, want := range map[int64]int64{600: 600, 7200: 7200, 10_000: 7200, -1: 7200} {
		p.TimeWarpGrace = grace
		s := consensus.State{Params: p, Tip: wire.BlockRef{Height: 143}, Times: [11]uint32{1_000_000}, NumTimes: 11}
		if got := s.MinTime(); got != 1_000_000-want {
			t.Errorf("grace %d: a block may be %d s earlier", grace, 1_000_000-got)
		}
	}
}

// TestNegativeCoin: a coin below zero, which only a corrupt database can have,
// is not made good by another.
func TestNegativeCoin(t *testing.T) {
	c := chaingen.New(consensus.Regtest(consensus.RegtestOptions{}))
	if err := spendOf(c, 5, -3); !errors.Is(err, consensus.ErrInputValueRange) {
		t.Error(err)
	}
	if err := spendOf(c, 5, 3); err != nil {
		t.Error(err)
	}
}

// TestFlagsReachScripts: what is active decides what scripts may do.
func TestFlagsReachScripts(t *testing.T) {
	// A non-null dummy is fine until segwit (BIP 147).
	spend := func(c *chaingen.Chain) error {
		tx := &wire.Tx{
			Inputs:  []wire.TxIn{{PrevOut: wire.OutPoint{TxID: wire.Hash{1}}, SigScript: []byte{0x51}}},
			Outputs: []wire.TxOut{{}},
		}
		coin := consensus.Coin{Out: wire.TxOut{PkScript: []byte{0x00, 0x00, 0xae}}} // 0 of 0 OP_CHECKMULTISIG
		_, err := consensus.ValidateTx(c.State(), tx, []consensus.Coin{coin}, consensus.Options{})
		return err
	}
	at := func(height uint32) *chaingen.Chain {
		return chaingen.New(consensus.Regtest(consensus.RegtestOptions{
			ActivationHeights: map[consensus.Deployment]uint32{consensus.Segwit: height},
		}))
	}
	if err := spend(at(2)); err != nil {
		t.Errorf("before segwit: %v", err)
	}
	if err := spend(at(1)); !errors.Is(err, consensus.ErrScript) || !errors.Is(err, script.ErrSigNullDummy) {
		t.Errorf("from segwit on: %v", err)
	}
}

func TestBlockSizeLimit(t *testing.T) {
	c := grown(consensus.Regtest(consensus.RegtestOptions{}))
	pad := func(n int) *wire.Block {
		b := c.Next().Clone()
		b.Txs[0].Outputs = append(b.Txs[0].Outputs, wire.TxOut{PkScript: make([]byte, n)})
		b.Header.MerkleRoot, _ = b.TxMerkleRoot()
		chaingen.Solve(b)
		return b
	}
	n := 900_000
	n += 1_000_000 - pad(n).StrippedSize()
	for over, want := range map[int]error{0: nil, 1: consensus.ErrBlockLength} {
		b := pad(n + over)
		if got := b.StrippedSize(); got != 1_000_000+over {
			t.Fatalf("%d bytes", got)
		}
		if err := consensus.CheckBlock(c.State().Params, b); !errors.Is(err, want) {
			t.Errorf("%d bytes: %v", b.StrippedSize(), err)
		}
	}
}
