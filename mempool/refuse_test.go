package mempool

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/consensus/chaingen"
	"github.com/keelson-chain/keelson/mempool/policy"
	"github.com/keelson-chain/keelson/wire"
)

// Each case changes one thing of a transaction that is accepted as it is.
func TestRefusals(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Rules.AcceptNonStandard = false })
	// Coins with keys, as policy asks for.
	keys := w.Spend([]consensus.OutCoin{w.coin(0)}, w.Out(chaingen.P2WPKH, 0, 1e8), w.Out(chaingen.P2TR, 1, 1e8),
		w.Out(chaingen.P2PKH, 2, 1e8), w.anyone(1e8))
	young := w.mine(keys).Txs[0]
	coins := w.OutputsOf(keys)
	for i := range coins {
		coins[i].Coin.Height--
	}
	base := func() *wire.Tx {
		return &wire.Tx{
			Version: 2,
			Inputs: []wire.TxIn{
				{PrevOut: coins[0].OutPoint, Sequence: wire.SequenceFinal},
				{PrevOut: coins[1].OutPoint, Sequence: wire.SequenceFinal},
			},
			Outputs: []wire.TxOut{w.Out(chaingen.P2WPKH, 4, 1e8), w.Out(chaingen.P2WPKH, 5, 99_990_000)},
		}
	}
	sign := func(tx *wire.Tx) { w.Sign(tx, coins[:2]) }
	spend := func(tx *wire.Tx, coin consensus.OutCoin) {
		tx.Inputs[0].PrevOut = coin.OutPoint
		tx.Outputs = tx.Outputs[:1]
		tx.Outputs[0].Value = coin.Coin.Out.Value
		w.Sign(tx, []consensus.OutCoin{coin, coins[1]})
	}
	height := w.State().Tip.Height
	cases := []struct {
		name   string
		change func(tx *wire.Tx)
		want   string
	}{
		{"no outputs", func(tx *wire.Tx) { tx.Outputs = nil }, "bad-txns-vout-empty"},
		{"a coinbase", func(tx *wire.Tx) {
			tx.Inputs = []wire.TxIn{{PrevOut: wire.OutPoint{Index: 0xffffffff}, SigScript: []byte{1, 2}}}
		}, "coinbase"},
		{"a version above those known", func(tx *wire.Tx) { tx.Version = 4; sign(tx) }, "version"},
		{"a lock time ahead", func(tx *wire.Tx) {
			tx.LockTime = height + 1
			tx.Inputs[0].Sequence--
			sign(tx)
		}, "non-final"},
		{"a relative lock ahead", func(tx *wire.Tx) { tx.Inputs[0].Sequence = 2; sign(tx) }, "non-BIP68-final"},
		{"an input that does not exist", func(tx *wire.Tx) { tx.Inputs[0].PrevOut.Index = 9 }, "bad-txns-inputs-missingorspent"},
		{"a coinbase too young", func(tx *wire.Tx) {
			tx.Inputs[0].PrevOut = wire.OutPoint{TxID: young.TxID()}
		}, "bad-txns-premature-spend-of-coinbase, tried to spend coinbase at depth 1"},
		{"more out than in", func(tx *wire.Tx) { tx.Outputs[0].Value += 10_001; sign(tx) },
			"bad-txns-in-belowout, value in (2.00) < value out (2.00000001)"},
		{"an input without a class", func(tx *wire.Tx) { spend(tx, coins[3]) }, "bad-txns-nonstandard-inputs"},
		{"a witness that nobody asked for", func(tx *wire.Tx) {
			spend(tx, coins[2])
			tx.Inputs[0].Witness = [][]byte{{1}}
		}, "bad-witness-nonstandard"},
		{"a fee too low", func(tx *wire.Tx) { tx.Outputs[0].Value += 9_999; sign(tx) }, "min relay fee not met, 1 < 198"},
		{"a signature that is wrong", func(tx *wire.Tx) { sign(tx); tx.Inputs[1].Witness[0][7] ^= 1 },
			"mandatory-script-verify-flag-failed (Invalid Schnorr signature)"},
		{"what is wrong by policy alone", func(tx *wire.Tx) {
			spend(tx, coins[2])
			s := tx.Inputs[0].SigScript // the key with a longer push than needed
			at := int(s[0]) + 1
			tx.Inputs[0].SigScript = append(append(s[:at:at], 0x4c), s[at:]...)
		}, "non-mandatory-script-verify-flag (Data push larger than necessary)"},
		{"nothing", sign, ""},
	}
	for _, c := range cases {
		tx := base()
		c.change(tx)
		verdicts, _, err := w.pool.Test(t.Context(), []*wire.Tx{tx})
		if err != nil {
			t.Fatal(err)
		}
		if got := RejectText(verdicts[0].Err); got != c.want {
			t.Errorf("%s: tested %q (%v), want %q", c.name, got, verdicts[0].Err, c.want)
		}
		if c.want != "" {
			w.refused(tx, c.want)
			continue
		}
		w.add(tx)
		w.refused(tx, "txn-already-in-mempool")
		again := tx.Clone()
		again.Inputs[0].Witness[0][5] ^= 1
		w.refused(again, "txn-same-nonwitness-data-in-mempool")
		w.mine(tx)
		w.refused(tx, "txn-already-known")
	}
}

func TestMaxFee(t *testing.T) {
	w := newWorld(t, nil)
	tx := w.spend(10_000, 2, w.coin(0))
	if err := w.pool.Add(t.Context(), tx, AddOptions{MaxFee: 9_999}); !errors.Is(err, ErrMaxFee) || !IsRejected(err) {
		t.Errorf("error %v, want ErrMaxFee", err)
	}
	w.holds()
	if err := w.pool.Add(t.Context(), tx, AddOptions{MaxFee: 10_000, Local: true}); err != nil {
		t.Error(err)
	}
	if s := w.pool.Stats(); s.Unbroadcast != 1 || s.Counts.Accepted != 1 || s.Counts.Rejected != 1 {
		t.Errorf("stats %+v", s)
	}
}

// A fault is no refusal.
func TestFaults(t *testing.T) {
	w := newWorld(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w.pool.chain = faultyChain{w.pool.chain}
	w.pool.Close()
	err := w.pool.Add(ctx, w.spend(1000, 2, w.coin(0)), AddOptions{})
	if err == nil || IsRejected(err) || RejectReason(err) != "" {
		t.Errorf("error %v, want a fault", err)
	}
}

var errDisk = errors.New("disk on fire")

type faultyChain struct{ Chain }

func (faultyChain) CoinSnapshot() (consensus.CoinSnapshot, error) { return nil, errDisk }

func TestConfigIsChecked(t *testing.T) {
	w := newWorld(t, nil)
	for want, cfg := range map[string]Config{
		"mempool: no chain":                 {},
		"-maxmempool must be at least 5 MB": {Chain: w.ledger, Rules: policy.DefaultRules(), MaxBytes: 4_000_000},
	} {
		if _, err := New(cfg); err == nil || err.Error() != want {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

// Of several faults, that is named which Bitcoin Core meets first.
func TestFirstFault(t *testing.T) {
	w := newWorld(t, nil)
	// Too many ancestors before the rules of TRUC transactions.
	long := w.chain(25, w.coin(0))
	truc := w.child(long[24], 0, 1000, 1)
	truc.Version = 3
	w.refused(truc, "too-long-mempool-chain, too many unconfirmed ancestors [limit: 25]")

	// A script that fails by policy alone before one that is invalid.
	keys := w.Spend([]consensus.OutCoin{w.coin(1)}, w.Out(chaingen.P2PKH, 2, 1e8), w.Out(chaingen.P2PKH, 3, 1e8))
	w.add(keys)
	coins := w.OutputsOf(keys)
	both := w.Spend(coins, w.anyone(199_000_000))
	s := both.Inputs[0].SigScript
	at := int(s[0]) + 1
	both.Inputs[0].SigScript = append(append(s[:at:at], 0x4c), s[at:]...)
	both.Inputs[1].SigScript[9] ^= 1
	w.refused(both, "non-mandatory-script-verify-flag (Data push larger than necessary)")
	both.Inputs[0], both.Inputs[1] = both.Inputs[1], both.Inputs[0]
	w.refused(both, "mandatory-script-verify-flag-failed (Signature must be zero for failed CHECK(MULTI)SIG operation)")

	// Of several that would have to go, the first by id.
	a, b := w.spend(5000, 1, w.coin(2)), w.spend(5000, 1, w.coin(3))
	w.add(a, b)
	first := a.TxID()
	if other := b.TxID(); bytes.Compare(other[:], first[:]) < 0 {
		first = other
	}
	for _, coins := range [][]consensus.OutCoin{
		{w.OutputsOf(a)[0], w.OutputsOf(b)[0], w.coin(2), w.coin(3)},
		{w.coin(3), w.coin(2), w.OutputsOf(b)[0], w.OutputsOf(a)[0]},
	} {
		tx := w.spend(100_000, 1, coins...)
		w.refused(tx, fmt.Sprintf("bad-txns-spends-conflicting-tx, %v spends conflicting transaction %v", tx.TxID(), first))
	}
}
