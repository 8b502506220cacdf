package mempool

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/consensus/chaingen"
	"github.com/keelson-chain/keelson/script/sig"
	"github.com/keelson-chain/keelson/wire"
)

// tally counts the checks of a curve.
type tally struct {
	sig.Verifier
	n *atomic.Int64
}

func (v tally) Verify(c *sig.Check) bool {
	v.n.Add(1)
	return v.Verifier.Verify(c)
}

func (v tally) VerifyAll(cs []sig.Check) bool {
	v.n.Add(int64(len(cs)))
	return v.Verifier.VerifyAll(cs)
}

// TestPreverify: what has been verified ahead is not verified again, and nothing
// else is kept of it.
func TestPreverify(t *testing.T) {
	var checks atomic.Int64
	var cache *sig.Cache
	w := newWorld(t, func(cfg *Config) {
		cfg.Rules.AcceptNonStandard, cfg.Sigs = false, tally{sig.DCRD(), &checks}
		cache = cfg.SigCache
	})
	blockNeedNotRun := func(tx *wire.Tx) bool {
		return cache.HasScripts(tx.WTxID(), uint64(w.ledger.Tip().ScriptFlags()))
	}
	coins := w.Mature()[:2]
	var outs []wire.TxOut
	for range 4 {
		outs = append(outs, w.Out(chaingen.P2WPKH, 0, 1_000_000))
	}
	bare := w.Out(chaingen.Anyone, 0, 1_000_000) // not standard
	w.mine(w.Spend(coins[:1], append(outs, bare)...))
	made := w.OutputsOf(w.Tip().Txs[1])
	pay := func(value wire.Amount, coins ...consensus.OutCoin) *wire.Tx {
		return w.Spend(coins, w.Out(chaingen.P2WPKH, 0, value), w.Out(chaingen.P2WPKH, 1, 50_000))
	}
	var (
		waiting  = pay(900_000, made[0])
		first    = pay(900_000, made[1])
		child    = pay(800_000, w.OutputsOf(first)[0])
		ofPool   = pay(800_000, w.OutputsOf(waiting)[0])
		unknown  = pay(800_000, made[2])
		orphan   = pay(700_000, w.OutputsOf(unknown)[0])
		nonStd   = pay(900_000, made[4])
		unsigned = pay(900_000, made[3]).Clone()
	)
	if blockNeedNotRun(waiting) {
		t.Error("scripts are known before anybody ran them")
	}
	w.add(waiting)
	if !blockNeedNotRun(waiting) {
		t.Error("a block must run the scripts of the pool again")
	}
	checks.Store(0)
	if err := w.pool.Preverify(t.Context(), []*wire.Tx{first, orphan, child, nonStd, ofPool}); err != nil {
		t.Fatal(err)
	}
	if n := checks.Load(); n != 3 {
		t.Errorf("%d signatures verified, want 3", n)
	}
	w.holds(waiting)
	for i, tx := range []*wire.Tx{first, child, ofPool} {
		if !blockNeedNotRun(tx) {
			t.Errorf("a block must run the scripts of transaction %d again", i)
		}
	}
	checks.Store(0)
	w.add(first, child, ofPool)
	if n := checks.Load(); n != 0 {
		t.Errorf("%d signatures verified again", n)
	}

	if errs, err := w.pool.AddAll(t.Context(), []*wire.Tx{unknown, orphan}, AddOptions{}); err != nil || errs[0] != nil || errs[1] != nil {
		t.Fatal(err, errs)
	}
	if !blockNeedNotRun(unknown) || !blockNeedNotRun(orphan) {
		t.Error("a block must run the scripts of the pool again, if they came together")
	}

	unsigned.Inputs[0].Witness[0][10] ^= 1
	var rule *consensus.RuleError
	if err := w.pool.Preverify(t.Context(), []*wire.Tx{unsigned}); !errors.As(err, &rule) {
		t.Errorf("a wrong signature: %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.pool.Preverify(ended, []*wire.Tx{unsigned}); !errors.Is(err, context.Canceled) {
		t.Errorf("nobody waits for it: %v", err)
	}
}
