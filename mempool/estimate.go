package mempool

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/keelson-chain/keelson/ledger/fsys"
	"github.com/keelson-chain/keelson/mempool/fees"
	"github.com/keelson-chain/keelson/mempool/policy"
	"github.com/keelson-chain/keelson/wire"
)

// feeTipAge is how old the tip may be for transactions to count for fee
// estimates: behind it the node is not at the chain's end, and does not see how
// long they wait (Bitcoin Core's MAX_FEE_ESTIMATION_TIP_AGE).
const feeTipAge = 3 * time.Hour

// track counts e, which has just come, for fee estimates: unless it depends on
// others, or came in a package, so that it may not pay for itself alone.
func (p *Pool) track(e *entry) {
	if len(e.parents()) > 0 || p.cfg.Now().Sub(time.Unix(int64(p.state.Times[0]), 0)) > feeTipAge {
		return
	}
	if p.estimator.Enter(e.height, policy.RateOf(e.fee, int(e.vsize))) {
		e.flags |= flagTracked
	}
}

// untrack tells the estimator that e leaves.
func (p *Pool) untrack(e *entry, why departure) {
	if !e.has(flagTracked) {
		return
	}
	e.flags &^= flagTracked
	rate := policy.RateOf(e.fee, int(e.vsize))
	if why == goneMined {
		p.estimator.Mined(e.height, rate)
	} else {
		p.estimator.Left(e.height, rate)
	}
}

// Estimate is what a transaction should pay.
type Estimate struct {
	Rate policy.FeeRate // never below what gets into the pool
	// Within is for how many blocks it is: fewer than asked for, if not enough
	// was seen.
	Within int
	// Learnt: it comes from what was mined. Otherwise not enough is known of
	// that, and the rate is what the present pool asks for, as if nothing came and
	// blocks were full.
	Learnt bool
}

// quietMargin is how many times the least that gets into the pool is told where nothing
// is known. The least itself would be refused of who rounds down on the way from a
// rate to a fee, as lnd does when it closes a taproot channel: 153 satoshi for 154
// virtual bytes, again and again.
const quietMargin = 2

// EstimateFee estimates the fee rate at which a transaction is mined within target
// blocks, 1 to fees.MaxTarget. There is always an answer; see Estimate.Learnt.
func (p *Pool) EstimateFee(target int, conservative bool) (e Estimate) {
	_ = p.read(func() {
		least := max(p.minFee(), p.cfg.Rules.MinRelay)
		e.Rate, e.Within = p.estimator.Smart(target, conservative)
		e.Learnt = e.Rate > 0
		if !e.Learnt {
			e.Rate, e.Within = p.outbid(target), target
			least *= quietMargin
		}
		e.Rate = max(e.Rate, least)
	})
	return e
}

// RawFee is fees.Estimator.Raw.
func (p *Pool) RawFee(target int, threshold float64, h fees.Horizon) (rate policy.FeeRate, d fees.Details) {
	_ = p.read(func() { rate, d = p.estimator.Raw(target, threshold, h) })
	return rate, d
}

// outbid returns a rate above that of the best transaction of the pool for which
// there is no room in the next blocks, 0 if there is room for all.
func (p *Pool) outbid(blocks int) policy.FeeRate {
	room := int64(blocks) * int64(p.params.MaxBlockWeight/wire.WitnessScaleFactor)
	if p.bytes <= room {
		return 0
	}
	for seq := p.rankedSeq(); ; {
		e := seq.head()
		if e == nil {
			return 0
		}
		seq.drop(e)
		if room -= int64(e.vsize); room < 0 {
			r := e.miningRate()
			return policy.RateOf(r.fee, r.size) + 1
		}
	}
}

// LoadFees reads what an earlier run has learnt of fees, if Config.FeeFile is
// there. An error says that the file is of no use: then the pool begins anew, and
// SaveFees replaces the file.
func (p *Pool) LoadFees() error {
	if p.cfg.FeeFile == "" {
		return nil
	}
	raw, err := os.ReadFile(p.cfg.FeeFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var e *fees.Estimator
	if err == nil {
		e, err = fees.Decode(raw, p.cfg.Now().Unix())
	}
	if err != nil {
		return fmt.Errorf("mempool: %s: %w", p.cfg.FeeFile, err)
	}
	return p.read(func() {
		for _, x := range p.ranked() {
			x.flags &^= flagTracked
		}
		p.estimator = e
	})
}

// SaveFees writes what was learnt of fees to Config.FeeFile, which is replaced as
// a whole. Without one it does nothing.
func (p *Pool) SaveFees() error {
	if p.cfg.FeeFile == "" {
		return nil
	}
	p.saving.Lock()
	defer p.saving.Unlock()
	var raw []byte
	if err := p.read(func() { raw = p.estimator.Encode(p.cfg.Now().Unix()) }); err != nil {
		return err
	}
	if err := fsys.ReplaceFileBytes(p.cfg.FeeFile, raw); err != nil {
		return fmt.Errorf("mempool: save fee estimates: %w", err)
	}
	return nil
}

// EndFees is SaveFees for a pool that is to be closed: what waits in it counts as
// not mined, since nobody sees it to the end.
func (p *Pool) EndFees() error {
	err := p.read(func() {
		for _, e := range p.ranked() {
			p.untrack(e, goneForgotten)
		}
	})
	return errors.Join(err, p.SaveFees())
}
