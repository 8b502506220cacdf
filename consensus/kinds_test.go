package consensus_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/consensus/chaingen"
	"github.com/keelson-chain/keelson/wire"
)

// reasons are Bitcoin Core's reject strings, once more and by hand.
var reasons = map[consensus.ErrorKind]string{
	consensus.ErrHighHash:            "high-hash",
	consensus.ErrMerkleRoot:          "bad-txnmrklroot",
	consensus.ErrDuplicateTx:         "bad-txns-duplicate",
	consensus.ErrBlockLength:         "bad-blk-length",
	consensus.ErrCoinbaseMissing:     "bad-cb-missing",
	consensus.ErrCoinbaseMultiple:    "bad-cb-multiple",
	consensus.ErrBlockSigOps:         "bad-blk-sigops",
	consensus.ErrNoInputs:            "bad-txns-vin-empty",
	consensus.ErrNoOutputs:           "bad-txns-vout-empty",
	consensus.ErrTxOversize:          "bad-txns-oversize",
	consensus.ErrOutputNegative:      "bad-txns-vout-negative",
	consensus.ErrOutputTooLarge:      "bad-txns-vout-toolarge",
	consensus.ErrOutputTotalTooLarge: "bad-txns-txouttotal-toolarge",
	consensus.ErrDuplicateInput:      "bad-txns-inputs-duplicate",
	consensus.ErrCoinbaseLength:      "bad-cb-length",
	consensus.ErrNullPrevOut:         "bad-txns-prevout-null",
	consensus.ErrPrevBlock:           "prev-blk-not-found",
	consensus.ErrDifficultyBits:      "bad-diffbits",
	consensus.ErrTimeTooOld:          "time-too-old",
	consensus.ErrTimeWarp:            "time-timewarp-attack",
	consensus.ErrNegativePeriod:      "time-negative-interval",
	consensus.ErrTimeTooNew:          "time-too-new",
	consensus.ErrBlockVersion:        "bad-version",
	consensus.ErrNonFinal:            "bad-txns-nonfinal",
	consensus.ErrCoinbaseHeight:      "bad-cb-height",
	consensus.ErrCoinbaseLockTime:    "bad-cb-locktime",
	consensus.ErrCoinbaseSequence:    "bad-cb-sequence",
	consensus.ErrTxSize64:            "bad-txns-size",
	consensus.ErrWitnessNonceSize:    "bad-witness-nonce-size",
	consensus.ErrWitnessCommitment:   "bad-witness-merkle-match",
	consensus.ErrUnexpectedWitness:   "unexpected-witness",
	consensus.ErrBlockWeight:         "bad-blk-weight",
	consensus.ErrOverwrite:           "bad-txns-BIP30",
	consensus.ErrMissingInput:        "bad-txns-inputs-missingorspent",
	consensus.ErrImmatureSpend:       "bad-txns-premature-spend-of-coinbase",
	consensus.ErrInputValueRange:     "bad-txns-inputvalues-outofrange",
	consensus.ErrOutputsExceedInputs: "bad-txns-in-belowout",
	consensus.ErrFeeRange:            "bad-txns-fee-outofrange",
	consensus.ErrFeeTotalRange:       "bad-txns-accumulated-fee-outofrange",
	consensus.ErrTxLegacySigOps:      "bad-txns-legacy-sigops",
	consensus.ErrSequenceLock:        "bad-txns-nonfinal",
	consensus.ErrScript:              "mandatory-script-verify-flag-failed",
	consensus.ErrCoinbaseAmount:      "bad-cb-amount",
}

// mutations are the kinds that blame the body and not the block.
var mutations = map[consensus.ErrorKind]bool{
	consensus.ErrMerkleRoot:        true,
	consensus.ErrDuplicateTx:       true,
	consensus.ErrWitnessNonceSize:  true,
	consensus.ErrWitnessCommitment: true,
	consensus.ErrUnexpectedWitness: true,
}

// rejection is a way to break a rule.
type rejection struct {
	name  string
	kind  consensus.ErrorKind
	reach func(t *testing.T) error
}

// TestEveryKind breaks every rule, and fails for one that nothing breaks.
func TestEveryKind(t *testing.T) {
	reached := make(map[consensus.ErrorKind]int)
	for _, r := range rejections(t) {
		t.Run(r.name, func(t *testing.T) {
			err := r.reach(t)
			if !errors.Is(err, r.kind) {
				t.Fatalf("got %v, want %v", err, r.kind)
			}
			reached[r.kind]++
			if got := consensus.RejectReason(err); !strings.HasPrefix(got, reasons[r.kind]) {
				t.Errorf("reason %q, want %q", got, reasons[r.kind])
			}
			if got := consensus.Mutated(err); got != mutations[r.kind] {
				t.Errorf("mutated: %v", got)
			}
		})
	}
	for kind := range consensus.NumErrorKinds {
		if reached[kind] == 0 {
			t.Errorf("no case rejects for %q (%v)", kind.Reason(), kind)
		}
		if kind.Reason() != reasons[kind] {
			t.Errorf("reason of %v is %q, want %q", kind, kind.Reason(), reasons[kind])
		}
	}
}

func rejections(t *testing.T) []rejection {
	var all []rejection
	c := grown(consensus.Regtest(consensus.RegtestOptions{}))
	for _, m := range chaingen.Munges() {
		all = append(all, rejection{m.Name, m.Kind, func(*testing.T) error {
			return c.ValidateAt(c.Munged(m), int64(c.State().Times[0])+600)
		}})
	}
	// A chain on which BIP 54 holds.
	p54 := consensus.Regtest(consensus.RegtestOptions{})
	p54.Activation[consensus.BIP54] = 0
	c54 := grown(p54)
	for _, m := range []chaingen.Munge{
		{Name: "coinbase with lock time of its own height", Kind: consensus.ErrCoinbaseLockTime, Body: func(_ *chaingen.Chain, b *wire.Block) {
			b.Txs[0].LockTime--
		}},
		{Name: "coinbase with a final sequence", Kind: consensus.ErrCoinbaseSequence, Body: func(_ *chaingen.Chain, b *wire.Block) {
			b.Txs[0].Inputs[0].Sequence = wire.SequenceFinal
		}},
		{Name: "transaction of 64 bytes", Kind: consensus.ErrTxSize64, Body: func(_ *chaingen.Chain, b *wire.Block) {
			b.Txs[1].Outputs = []wire.TxOut{{PkScript: []byte{0x51, 0x02, 0x4e, 0x73}}}
		}},
		{Name: "2,501 legacy signature operations", Kind: consensus.ErrTxLegacySigOps, Body: func(_ *chaingen.Chain, b *wire.Block) {
			b.Txs[1].Inputs[0].SigScript = []byte(strings.Repeat("\xac", 2501))
		}},
	} {
		all = append(all, rejection{m.Name, m.Kind, func(*testing.T) error {
			return c54.ValidateAt(c54.Munged(m), far)
		}})
	}
	return append(all,
		rejection{"transaction larger than a block", consensus.ErrTxOversize, func(*testing.T) error {
			tx := &wire.Tx{Inputs: make([]wire.TxIn, 1), Outputs: []wire.TxOut{{PkScript: make([]byte, 1_000_000)}}}
			return consensus.CheckTx(c.State().Params, tx)
		}},
		rejection{"first block of a period 601 s before its parent", consensus.ErrTimeWarp, func(t *testing.T) error {
			return periodError(t, consensus.Regtest(consensus.RegtestOptions{}), 144, func(s consensus.State) uint32 { return s.Times[0] - 601 })
		}},
		rejection{"last block of a period before its first", consensus.ErrNegativePeriod, func(t *testing.T) error {
			return periodError(t, p54, 287, func(s consensus.State) uint32 { return s.PeriodTime - 1 })
		}},
		rejection{"coinbase that overwrites another", consensus.ErrOverwrite, overwrite},
		rejection{"coins above the money limit", consensus.ErrInputValueRange, func(*testing.T) error {
			return spendOf(c, wire.MaxMoney, 1)
		}},
		rejection{"one coin above the money limit", consensus.ErrInputValueRange, func(*testing.T) error {
			return spendOf(c, wire.MaxMoney+1)
		}},
		rejection{"fee above the money limit", consensus.ErrFeeRange, func(*testing.T) error {
			tx, coins := spending(wire.MaxMoney)
			tx.Outputs[0].Value = -1 // which CheckTx would find
			_, err := consensus.ValidateTx(c.State(), tx, coins, consensus.Options{})
			return err
		}},
		rejection{"fees above the money limit together", consensus.ErrFeeTotalRange, func(*testing.T) error {
			b := c.Next()
			var coins []consensus.Coin
			for range 2 {
				tx, spent := spending(wire.MaxMoney)
				b.Txs = append(b.Txs, tx)
				coins = append(coins, spent...)
			}
			return consensus.ValidateBlock(c.State(), b, coins, consensus.Options{})
		}},
		rejection{"more signature operations than a block may have, behind hashes", consensus.ErrBlockSigOps, func(*testing.T) error {
			// 4,001 times a redeem script of five: legacy, they cost 80,020.
			redeem := []byte{0xac, 0xac, 0xac, 0xac, 0xac}
			tx := &wire.Tx{Version: 1, Outputs: []wire.TxOut{{}}}
			coins := make([]consensus.Coin, 4001)
			for i := range coins {
				tx.Inputs = append(tx.Inputs, wire.TxIn{SigScript: append([]byte{5}, redeem...)})
				coins[i].Out.PkScript = append(append([]byte{0xa9, 20}, make([]byte, 20)...), 0x87)
			}
			b := c.Next()
			b.Txs = append(b.Txs, tx)
			return consensus.ValidateBlock(c.State(), b, coins, consensus.Options{SkipScripts: true})
		}},
		rejection{"bits that are no target", consensus.ErrHighHash, func(*testing.T) error {
			b := c.Next()
			b.Header.Bits = 0x20800001 // negative
			return consensus.CheckBlock(c.State().Params, b)
		}},
		rejection{"bits easier than the limit", consensus.ErrHighHash, func(*testing.T) error {
			b := c.Next()
			b.Header.Bits = 0x21008000
			return consensus.CheckBlock(c.State().Params, b)
		}},
		rejection{"empty block", consensus.ErrBlockLength, func(*testing.T) error {
			b := c.Next()
			b.Txs, b.Header.MerkleRoot = nil, wire.Hash{}
			chaingen.Solve(b)
			return consensus.CheckBlock(c.State().Params, b)
		}},
		rejection{"coinbase where a payment should be", consensus.ErrCoinbaseMultiple, func(*testing.T) error {
			_, err := consensus.ValidateTx(c.State(), c.Tip().Txs[0], nil, consensus.Options{})
			return err
		}},
	)
}

const far = int64(1) << 40

// grown returns a chain with a mature coin.
func grown(p *consensus.Params) *chaingen.Chain {
	c := chaingen.New(p)
	c.MineN(100)
	return c
}

// spending returns a transaction whose inputs spend coins of the values given
// and which pays one satoshi, with the coins: anyone can spend them.
func spending(values ...wire.Amount) (*wire.Tx, []consensus.Coin) {
	tx := &wire.Tx{Version: 2, Outputs: []wire.TxOut{{Value: 1}}}
	var coins []consensus.Coin
	for i, value := range values {
		tx.Inputs = append(tx.Inputs, wire.TxIn{PrevOut: wire.OutPoint{TxID: wire.Hash{1}, Index: uint32(i)}, Sequence: wire.SequenceFinal})
		coins = append(coins, consensus.Coin{Out: wire.TxOut{Value: value, PkScript: []byte{0x51}}})
	}
	return tx, coins
}

func spendOf(c *chaingen.Chain, values ...wire.Amount) error {
	tx, coins := spending(values...)
	_, err := consensus.ValidateTx(c.State(), tx, coins, consensus.Options{})
	return err
}

// periodError mines up to the block before height, with the first block of
// each period far ahead of the others, and gives the next one a time.
func periodError(t *testing.T, p *consensus.Params, height uint32, time func(consensus.State) uint32) error {
	t.Helper()
	c := chaingen.New(p)
	c.Step = 1
	for c.State().Tip.Height+1 < height {
		if first := c.State().Tip.Height+1 == height-143; first || c.State().Tip.Height+1 == height-1 {
			c.Step = 10_000
		} else {
			c.Step = -10_000 // as early as the median allows
		}
		c.Mine()
	}
	b := c.Next()
	b.Header.Time = time(c.State())
	chaingen.Solve(b)
	return c.ValidateAt(b, far)
}

// overwrite mines a coinbase twice where BIP 34 does not forbid it.
func overwrite(t *testing.T) error {
	c := chaingen.New(withoutBIP34())
	first := c.Mine()
	return c.ValidateAt(again(c, first), far)
}

func withoutBIP34() *consensus.Params {
	return consensus.Regtest(consensus.RegtestOptions{
		ActivationHeights: map[consensus.Deployment]uint32{consensus.BIP34: 1_000_000},
	})
}

// again returns a child of the tip with the coinbase of another block.
func again(c *chaingen.Chain, of *wire.Block) *wire.Block {
	b := c.Next().Clone()
	b.Txs[0] = of.Txs[0].Clone()
	b.Header.MerkleRoot, _ = b.TxMerkleRoot()
	chaingen.Solve(b)
	return b
}

// TestOverwriteSpent: BIP 30 lets a coinbase come again once its outputs are
// spent.
func TestOverwriteSpent(t *testing.T) {
	c := chaingen.New(withoutBIP34())
	first := c.Mine()
	c.MineN(100)
	if err := c.ValidateAt(again(c, first), far); !errors.Is(err, consensus.ErrOverwrite) {
		t.Fatalf("while it is unspent: %v", err)
	}
	c.Mine(c.Spend(c.Mature()[:1]))
	c.Add(again(c, first))
}

// TestMinedAgain: a transaction that is in the chain already finds its coins
// spent, but while one of its outputs is unspent BIP 30 is named, as Bitcoin
// Core does.
func TestMinedAgain(t *testing.T) {
	c := grown(consensus.Regtest(consensus.RegtestOptions{}))
	tx := c.Spend(c.Mature()[:1], c.Out(chaingen.P2TR, 1, wire.Coin), c.Out(chaingen.P2TR, 2, wire.Coin))
	outs := c.OutputsOf(tx)
	c.Mine(tx)
	for i, want := range []error{consensus.ErrOverwrite, consensus.ErrOverwrite, consensus.ErrMissingInput} {
		if err := c.ValidateAt(c.Next(tx), far); !errors.Is(err, want) {
			t.Errorf("with %d outputs spent: %v", i, err)
		}
		if i < len(outs) {
			c.Mine(c.Spend(outs[i:i+1], c.Out(chaingen.P2TR, 3, 1000)))
		}
	}
}

// TestTwoFaults: of two faults the one is reported that Bitcoin Core finds
// first.
func TestTwoFaults(t *testing.T) {
	c := grown(consensus.Regtest(consensus.RegtestOptions{}))
	byName := make(map[string]chaingen.Munge)
	for _, m := range chaingen.Munges() {
		byName[m.Name] = m
	}
	then := func(a, b func(*chaingen.Chain, *wire.Block)) func(*chaingen.Chain, *wire.Block) {
		return func(c *chaingen.Chain, blk *wire.Block) {
			if a != nil {
				a(c, blk)
			}
			if b != nil {
				b(c, blk)
			}
		}
	}
	for _, pair := range [][2]string{
		{"hash above the target", "another merkle root"},
		{"hash above the target", "other difficulty bits"},
		{"another merkle root", "two coinbases"},
		{"another merkle root", "time not after the median"},
		{"last transaction twice", "more bytes than a block may have"},
		{"more bytes than a block may have", "two coinbases"},
		{"two coinbases", "negative output"},
		{"negative output", "more signature operations than a block may have"},
		{"coinbase script of 101 bytes", "transaction without outputs"},
		{"output above the money limit", "one outpoint twice in a transaction"},
		{"one outpoint twice in a transaction", "null outpoint"},
		{"more signature operations than a block may have", "other difficulty bits"},
		{"more signature operations than a block may have", "lock time that has not passed"},
		{"other difficulty bits", "time not after the median"},
		{"time not after the median", "version 3"},
		{"time in the far future", "version 3"},
		{"version 3", "lock time that has not passed"},
		{"lock time that has not passed", "another height in the coinbase"},
		{"another height in the coinbase", "another witness commitment"},
		{"witness reserved value of 31 bytes", "another witness commitment"},
		{"another witness commitment", "witness heavier than a block"},
		{"witness heavier than a block", "coin that does not exist"},
		{"coin that does not exist", "outputs above inputs"},
		{"coin that does not exist", "coinbase pays one satoshi too much"},
		{"immature coinbase", "relative lock time that has not passed"},
		{"outputs above inputs", "relative lock time that has not passed"},
		{"relative lock time that has not passed", "signature of something else"},
		{"signature of something else", "coinbase pays one satoshi too much"},
		// Scripts of a transaction come before anything of the next one.
		{"signature of something else", "coin spent twice in the block"},
	} {
		a, okA := byName[pair[0]]
		b, okB := byName[pair[1]]
		if !okA || !okB {
			t.Fatalf("no such munges: %q", pair)
		}
		both := chaingen.Munge{
			Body:     then(a.Body, b.Body),
			Coinbase: then(a.Coinbase, b.Coinbase),
			Header:   then(a.Header, b.Header),
			Raw:      then(a.Raw, b.Raw),
		}
		if err := c.ValidateAt(c.Munged(both), int64(c.State().Times[0])+600); !errors.Is(err, a.Kind) {
			t.Errorf("%q and %q: %v", a.Name, b.Name, err)
		}
	}
}

// TestRejectReason: versions and scripts have details.
func TestRejectReason(t *testing.T) {
	c := grown(consensus.Regtest(consensus.RegtestOptions{}))
	want := map[string]string{
		"version 3":                   "bad-version(0x00000003)",
		"version -1":                  "bad-version(0xffffffff)",
		"signature of something else": "mandatory-script-verify-flag-failed (Script evaluated without error but finished with a false/empty top stack element)",
	}
	for _, m := range chaingen.Munges() {
		if reason, ok := want[m.Name]; ok {
			delete(want, m.Name)
			if got := consensus.RejectReason(c.ValidateAt(c.Munged(m), far)); got != reason {
				t.Errorf("%s: %q", m.Name, got)
			}
		}
	}
	if len(want) > 0 {
		t.Errorf("not tried: %v", want)
	}
	texts := map[string]string{
		"hash above the target":                  "high-hash, proof of work failed",
		"another merkle root":                    "bad-txnmrklroot, hashMerkleRoot mismatch",
		"last transaction twice":                 "bad-txns-duplicate, duplicate transaction",
		"more bytes than a block may have":       "bad-blk-length, size limits failed",
		"no coinbase":                            "bad-cb-missing, first tx is not coinbase",
		"two coinbases":                          "bad-cb-multiple, more than one coinbase",
		"other difficulty bits":                  "bad-diffbits, incorrect proof of work",
		"time not after the median":              "time-too-old, block's timestamp is too early",
		"time in the far future":                 "time-too-new, block timestamp too far in the future",
		"version 3":                              "bad-version(0x00000003), rejected nVersion=0x00000003 block",
		"lock time that has not passed":          "bad-txns-nonfinal, non-final transaction",
		"another height in the coinbase":         "bad-cb-height, block height mismatch in coinbase",
		"no witness reserved value":              "bad-witness-nonce-size, CheckWitnessMalleation : invalid witness reserved value size",
		"another witness commitment":             "bad-witness-merkle-match, CheckWitnessMalleation : witness merkle commitment mismatch",
		"witnesses without a commitment":         "unexpected-witness, CheckWitnessMalleation : unexpected witness data found",
		"witness heavier than a block":           "bad-blk-weight, ContextualCheckBlock : weight limit failed",
		"coin that does not exist":               "bad-txns-inputs-missingorspent, CheckTxInputs: inputs missing/spent",
		"immature coinbase":                      "bad-txns-premature-spend-of-coinbase, tried to spend coinbase at depth 1",
		"outputs above inputs":                   "bad-txns-in-belowout, value in (50.00) < value out (50.00000001)",
		"coinbase pays one satoshi too much":     "bad-cb-amount",
		"relative lock time that has not passed": "bad-txns-nonfinal",
	}
	for _, m := range chaingen.Munges() {
		if text, ok := texts[m.Name]; ok {
			delete(texts, m.Name)
			if got := consensus.RejectText(c.ValidateAt(c.Munged(m), int64(c.State().Times[0])+600)); got != text {
				t.Errorf("%s: %q", m.Name, got)
			}
		}
		if m.Name == "negative output" {
			b := c.Munged(m)
			want := "bad-txns-vout-negative, Transaction check failed (tx hash " + b.Txs[1].TxID().String() + ") "
			if got := consensus.RejectText(c.ValidateAt(b, far)); got != want {
				t.Errorf("%s: %q", m.Name, got)
			}
		}
	}
	if len(texts) > 0 {
		t.Errorf("not tried: %v", texts)
	}
	if got := consensus.RejectReason(errors.New("disk is full")); got != "" {
		t.Errorf("a fault of the machine has reason %q", got)
	}
	if got := consensus.RejectReason(consensus.ErrHighHash); got != "high-hash" {
		t.Errorf("a bare kind has reason %q", got)
	}
	if consensus.Mutated(errors.New("disk is full")) {
		t.Error("a fault of the machine is a mutation")
	}
}

// TestInnerNodes: a block without a coinbase may be made of inner nodes of
// another's merkle tree, if a transaction has their size.
func TestInnerNodes(t *testing.T) {
	c := grown(consensus.Regtest(consensus.RegtestOptions{}))
	b := c.Next().Clone()
	b.Txs = []*wire.Tx{{Inputs: make([]wire.TxIn, 1), Outputs: []wire.TxOut{{PkScript: make([]byte, 4)}}}}
	if got := b.Txs[0].StrippedSize(); got != 64 {
		t.Fatalf("%d bytes", got)
	}
	b.Header.MerkleRoot, _ = b.TxMerkleRoot()
	chaingen.Solve(b)
	if err := consensus.CheckBlock(c.State().Params, b); !errors.Is(err, consensus.ErrCoinbaseMissing) || !consensus.Mutated(err) {
		t.Fatalf("%v, mutated %v", err, consensus.Mutated(err))
	}
}
