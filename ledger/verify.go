package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/ledger/coincache"
	"github.com/keelson-chain/keelson/wire"
)

// VerifyProgress is called during VerifyChain with the share done, 0 to 1.
type VerifyProgress func(done float64)

// VerifyChain verifies the last depth blocks of the active chain (0: all) as
// verifychain does, without stopping the ledger. The levels, each with those
// below it: 0 reads the bodies, 1 checks them (consensus.CheckBlock), 2 reads
// the undo records, 3 disconnects the blocks in memory and compares what they
// made with the coins, 4 connects them again with scripts. Blocks that have
// been pruned, or that an assumed ledger never had, end the way down; where what levels 3 and 4 hold in memory
// outgrows the coin cache's bound, they go no deeper, as in Bitcoin Core.
//
// It returns nil if all is well, ErrCorrupt with a line that names the block
// if not, or ctx's error.
func (l *Ledger) VerifyChain(ctx context.Context, level, depth int, progress VerifyProgress) error {
	s, err := l.Snapshot()
	if err != nil {
		return err
	}
	defer s.Close()
	tip := s.tip
	if depth <= 0 || uint64(depth) > uint64(tip.height) {
		depth = int(tip.height)
	}
	v := verifier{l: l, level: level, view: overlay{base: s, cache: coincache.New(l.cfg.CacheBytes)}}
	told := time.Now()
	tell := func(done float64) {
		if progress != nil && (done == 1 || time.Since(told) > 250*time.Millisecond) {
			told = time.Now()
			progress(done)
		}
	}
	share := 1.0
	if level >= 4 {
		share = 0.5 // the way down is half of it
	}
	n, low := tip, tip.height-uint32(depth)
	lowest := tip // of level 3
	for ; n.height > low; n = n.parent {
		if err := ctx.Err(); err != nil {
			return err
		}
		if status, _, _ := l.where(n); status.Has(Pruned) || l.belowBase(n) {
			break
		}
		reverted, err := v.down(n)
		if err != nil {
			return err
		}
		if reverted {
			lowest = n.parent
		}
		tell(share * float64(tip.height-n.height+1) / float64(depth))
	}
	if level >= 4 {
		for h := lowest.height + 1; h <= tip.height; h++ {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := v.up(tip.ancestor(h)); err != nil {
				return err
			}
			tell(0.5 + 0.5*float64(h-lowest.height)/float64(tip.height-lowest.height))
		}
	}
	tell(1)
	return nil
}

// verifier walks down and up the chain over an overlay of its own.
type verifier struct {
	l     *Ledger
	level int
	view  overlay
	full  bool // level 3 has stopped
}

// damaged says in one line which block is not as it should be.
func damaged(n *node, what string, err error) error {
	if errors.Is(err, ErrCorrupt) {
		return err // it names the block already
	}
	return fmt.Errorf("%w: block %v at height %d: %s: %w", ErrCorrupt, n.hash, n.height, what, err)
}

// down verifies n up to level 3; reverted says that its effect was taken back.
func (v *verifier) down(n *node) (reverted bool, err error) {
	b, err := v.l.readBody(n)
	if err != nil {
		return false, damaged(n, "body", err)
	}
	if v.level >= 1 {
		if err := consensus.CheckBlock(v.l.params, b); err != nil {
			return false, damaged(n, "body", err)
		}
	}
	if v.level < 2 {
		return false, nil
	}
	spent, err := v.l.readSpent(n, b)
	if err != nil {
		return false, damaged(n, "undo record", err)
	}
	if v.level < 3 || v.full {
		return false, nil
	}
	if v.full = v.view.cache.Full(); v.full {
		return false, nil
	}
	diff := consensus.RevertBlock(v.l.tree.state(n.parent), b, spent)
	for i := range diff.Spent {
		if err := v.view.remove(&diff.Spent[i]); err != nil {
			return false, damaged(n, "coins", err)
		}
	}
	for i := range diff.Created {
		if err := v.view.restore(&diff.Created[i]); err != nil {
			return false, damaged(n, "coins", err)
		}
	}
	return true, nil
}

// up connects n again, in memory.
func (v *verifier) up(n *node) error {
	b, err := v.l.readBody(n)
	if err != nil {
		return damaged(n, "body", err)
	}
	s := v.l.tree.state(n.parent)
	spent, err := consensus.Gather(s, b, &v.view)
	if err == nil {
		err = consensus.ValidateBlock(s, b, spent, consensus.Options{Workers: v.l.cfg.Workers, Sigs: v.l.cfg.Sigs})
	}
	if err != nil {
		return damaged(n, "connecting it again", err)
	}
	_, diff := consensus.ApplyBlock(s, b, spent)
	for i := range diff.Spent {
		v.view.cache.Spend(&diff.Spent[i].OutPoint)
	}
	for i := range diff.Created {
		v.view.cache.Add(&diff.Created[i].OutPoint, &diff.Created[i].Coin, false)
	}
	return nil
}

// overlay is changes in memory over a view that stays as it is.
type overlay struct {
	base  consensus.CoinView
	cache *coincache.Cache
}

func (o *overlay) FetchCoin(op wire.OutPoint, c *consensus.Coin) (bool, error) {
	switch _, state := o.cache.Get(&op, c, nil); state {
	case coincache.Hit:
		return true, nil
	case coincache.Spent:
		return false, nil
	}
	return o.base.FetchCoin(op, c)
}

// remove takes away a coin, which must be there as it is given.
func (o *overlay) remove(want *consensus.OutCoin) error {
	var c consensus.Coin
	found, err := o.FetchCoin(want.OutPoint, &c)
	switch {
	case err != nil:
		return err
	case !found:
		return fmt.Errorf("the coin %v that it made is missing", want.OutPoint)
	case !equalCoins(&c, &want.Coin):
		return fmt.Errorf("the coin %v differs from what it made", want.OutPoint)
	}
	o.cache.Spend(&want.OutPoint)
	return nil
}

// restore puts back a coin, which must not be there.
func (o *overlay) restore(c *consensus.OutCoin) error {
	var there consensus.Coin
	found, err := o.FetchCoin(c.OutPoint, &there)
	if err != nil {
		return err
	}
	if found {
		return fmt.Errorf("the coin %v that it spent is still there", c.OutPoint)
	}
	o.cache.Add(&c.OutPoint, &c.Coin, false)
	return nil
}

func equalCoins(a, b *consensus.Coin) bool {
	return a.Out.Value == b.Out.Value && string(a.Out.PkScript) == string(b.Out.PkScript) &&
		a.Height == b.Height && a.MTP == b.MTP && a.Coinbase == b.Coinbase
}
