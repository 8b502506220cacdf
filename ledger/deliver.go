package ledger

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/wire"
)

// Delivery is a block that is handed to AddBlocks.
type Delivery struct {
	// Block must not change any more.
	Block *wire.Block
	// Judged is told once what AddBlock would have returned for the block had it
	// come after its ancestors. It is called by AddBlocks's own goroutine, with
	// no lock held. It must not wait for room in the channel that feeds
	// AddBlocks.
	Judged func(error)
}

// AddBlocks adds the blocks that come through a channel until it is closed or
// ctx ends: many at a time, with the scripts of some running while the next
// ones are stored, as Import does. They may come in any order as long as
// their headers' parents are known (see AddHeaders). A block that comes before
// its ancestors is stored, and connected and judged after them.
//
// Every delivery that was taken out of the channel is judged once, at the latest
// before AddBlocks returns: with nil if it waits for its ancestors still, and
// with the error that ended the call if it was not looked at. That error is a
// fault or ctx's. AddBlocks takes deliveries ahead of their turn, but few of
// them, so that an unbuffered channel holds the senders back.
//
// Blocks are added in turns of some seconds at most, after each of which other
// writers have theirs; AddHeaders waits for a few blocks only. Outside of the initial download a change of the tip is
// safe on disk, synced, when its blocks are judged; within it, what is said of
// AddBlock holds.
func (l *Ledger) AddBlocks(ctx context.Context, deliveries <-chan Delivery) error {
	inner, cancel := context.WithCancel(ctx)
	ahead := make(chan *arrival, aheadBlocks)
	go func() {
		defer close(ahead)
		l.check(inner, deliveries, ahead)
	}()
	end := l.addAhead(ctx, ahead)
	cancel()
	for a := range ahead {
		a.judged(end)
	}
	return end
}

// check checks deliveries ahead of their turn.
func (l *Ledger) check(ctx context.Context, deliveries <-chan Delivery, ahead chan<- *arrival) {
	for {
		select {
		case d, ok := <-deliveries:
			if !ok {
				return
			}
			a := &arrival{block: d.Block, hash: d.Block.Hash(), judged: d.Judged}
			if a.err = l.known(a.hash); a.err == nil {
				a.err = consensus.CheckBlock(l.params, d.Block)
			}
			ahead <- a
		case <-ctx.Done():
			return
		}
	}
}

// addAhead adds the blocks that were checked, turn by turn, until there are no
// more.
func (l *Ledger) addAhead(ctx context.Context, ahead <-chan *arrival) error {
	var m many
	defer func() {
		for _, a := range m.waiting {
			a.judged(nil)
		}
	}()
	for {
		b := batch{l: l, ctx: ctx, ahead: ahead, began: time.Now()}
		if !m.more {
			if b.first = <-ahead; b.first == nil {
				return ctx.Err()
			}
		}
		// The tip is committed once, at the end of the turn.
		l.lazy.Add(1)
		err := l.addMany(ctx, &m, b.next)
		l.lazy.Add(-1)
		if err == nil {
			err = l.begin(l.settle)
		}
		b.tell(m.judged, err)
		m.judged = nil
		if err != nil {
			return err
		}
	}
}

// batch is the blocks that are added in one turn.
type batch struct {
	l     *Ledger
	ctx   context.Context
	ahead <-chan *arrival
	first *arrival // to be given before those of ahead
	began time.Time
	last  *arrival   // given
	wrong []*arrival // not given: the check has judged them
}

// next gives the next block, if there is one without waiting. A verdict that
// somebody is to blame for ends the batch, so that it is told soon.
func (b *batch) next() *arrival {
	for time.Since(b.began) < batchTime && b.ctx.Err() == nil {
		if b.first == nil && b.l.headers.Load() > 0 {
			return nil // a download of many headers goes on beside that of blocks
		}
		if len(b.l.verdicts) > 0 || b.last != nil && blame(b.last.err) {
			return nil
		}
		a := b.first
		if b.first = nil; a == nil {
			select {
			case a = <-b.ahead:
			default:
			}
		}
		if a == nil {
			return nil
		}
		b.last = a
		if a.err == nil {
			return a
		}
		b.wrong = append(b.wrong, a)
	}
	return nil
}

func blame(err error) bool { return err != nil && !errors.Is(err, ErrDuplicate) }

// tell tells what became of the blocks; end is what ended the call.
func (b *batch) tell(judged []*arrival, end error) {
	for _, a := range b.wrong {
		a.judged(a.err)
	}
	for _, a := range judged {
		if a.err == nil {
			a.err = end
		}
		a.judged(a.err)
	}
	if b.first != nil { // the call has ended before its turn
		b.first.judged(cmp.Or(end, b.ctx.Err()))
	}
}
