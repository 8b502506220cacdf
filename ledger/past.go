package ledger

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/wire"
)

// maxPastChanges bounds the coins that PastCoins holds in memory: some 300 MB.
const maxPastChanges = 2 << 20

// PastCoins is the set of coins after an earlier block of the active chain: those
// of a Snapshot, less what later blocks made, and with what they spent. The chain
// itself stays where it is. It is for one goroutine at a time, while the snapshot
// is open.
type PastCoins struct {
	s    *Snapshot
	at   *node
	made map[wire.OutPoint]struct{}
	back []ScriptCoin // what later blocks spent, in the order of Coins
}

// Past returns the coins after the block at a height, at most that of the tip. It
// reads every block in between. The errors are those of reading blocks, and
// ErrTooMany where there is more than fits into memory.
func (s *Snapshot) Past(ctx context.Context, height uint32) (*PastCoins, error) {
	n := s.tip.ancestor(height)
	if n == nil {
		return nil, fmt.Errorf("%w: there is no height %d at %v", ErrUnknownBlock, height, s.tip.hash)
	}
	p := &PastCoins{s: s, at: n, made: make(map[wire.OutPoint]struct{})}
	spent := make(map[wire.OutPoint]consensus.Coin)
	for m := s.tip; m != n; m = m.parent {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		b, err := s.l.readBody(m)
		if err != nil {
			return nil, err
		}
		coins, err := s.l.readSpent(m, b)
		if err != nil {
			return nil, err
		}
		d := consensus.RevertBlock(s.l.tree.state(m.parent), b, coins)
		for i := range d.Spent {
			op := d.Spent[i].OutPoint
			if _, later := spent[op]; later {
				delete(spent, op)
			} else {
				p.made[op] = struct{}{}
			}
		}
		for i := range d.Created {
			spent[d.Created[i].OutPoint] = d.Created[i].Coin
		}
		if len(spent)+len(p.made) > maxPastChanges {
			return nil, fmt.Errorf("%w: more than %d coins have changed since block %d", ErrTooMany, maxPastChanges, height)
		}
	}
	for op, c := range spent {
		p.back = append(p.back, ScriptCoin{op, c})
	}
	slices.SortFunc(p.back, func(a, b ScriptCoin) int { return compareOutPoints(&a.Out, &b.Out) })
	return p, nil
}

func compareOutPoints(a, b *wire.OutPoint) int {
	return cmp.Or(bytes.Compare(a.TxID[:], b.TxID[:]), cmp.Compare(a.Index, b.Index))
}

// Tip returns the block after which these are the coins.
func (p *PastCoins) Tip() wire.BlockRef { return p.at.ref() }

// Coins is Snapshot.Coins for these coins.
func (p *PastCoins) Coins(ctx context.Context, yield func(op wire.OutPoint, c *consensus.Coin) error) error {
	back := p.back
	err := p.s.Coins(ctx, func(op wire.OutPoint, c *consensus.Coin) error {
		for len(back) > 0 && compareOutPoints(&back[0].Out, &op) < 0 {
			if err := yield(back[0].Out, &back[0].Coin); err != nil {
				return err
			}
			back = back[1:]
		}
		if _, later := p.made[op]; later {
			return nil
		}
		return yield(op, c)
	})
	for i := 0; err == nil && i < len(back); i++ {
		err = yield(back[i].Out, &back[i].Coin)
	}
	return err
}
