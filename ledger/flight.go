package ledger

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/wire"
)

// Where many blocks are connected in a row, a block's coins are taken and made
// while the scripts of those below it still run: it is in flight. Each
// is then verified by one goroutine as a whole, which spares the waiting of
// workers for each other at the end of every block and lets signatures be
// verified in larger batches. A block lands when it and all those below it are
// known to be valid; if it is not, it and those above it are taken back.
//
// Blocks are in flight only while the mutex is held: whatever is published,
// committed or read by others has landed.

// climb connects the blocks above cur up to target. ahead says that more will
// follow: the last ones may stay in flight then. have spares reading bodies.
// errInvalid says that a block on the way is invalid and that cur is below it.
func (l *Ledger) climb(ctx context.Context, target *node, have map[*node]*wire.Block, ahead bool) error {
	for h := l.cur.height + 1; h <= target.height; h++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		n := target.ancestor(h)
		b := have[n]
		if b == nil {
			var err error
			if b, err = l.readBody(n); err != nil {
				return l.broken(err)
			}
		}
		s, err := l.gather(n, b)
		if err == nil && !s.skip && len(s.spent) == inputsOf(b) && !l.eager() && (ahead || h < target.height || len(l.flights) > 0) {
			if err := l.launch(s, int(target.height-h), ahead); err != nil {
				return err
			}
			continue
		}
		if err := l.land(0); err != nil {
			return err
		}
		if err == nil {
			err = l.judge(s, l.cfg.Workers)
		}
		if err != nil {
			return l.refuse(n, err)
		}
		l.enter(s)
		if err := l.landed(s); err != nil {
			return err
		}
		if n != target && l.tip.Load().node == l.cur {
			l.yield()
		}
	}
	return nil
}

// launch enters s and has it judged while the chain goes on. above is how many
// blocks are known to follow it.
func (l *Ledger) launch(s *step, above int, ahead bool) error {
	// One more than there are workers, so that none waits for this goroutine.
	if err := l.land(l.cfg.Workers); err != nil {
		return err
	}
	workers := 1
	if !ahead {
		workers = max(1, l.cfg.Workers/(above+1))
	}
	s.done = make(chan struct{})
	l.enter(s)
	l.flights = append(l.flights, s)
	go func() {
		s.err = l.judge(s, workers)
		close(s.done)
	}()
	switch {
	case l.full() || time.Since(l.commits.coins) > commitInterval:
		return l.land(0) // the last one commits
	case l.commits.bytes > indexBytes || time.Since(l.commits.index) > indexInterval:
		return l.commit(false)
	}
	return nil
}

// land waits until at most so many blocks are in flight.
func (l *Ledger) land(most int) error {
	for len(l.flights) > most {
		s := l.flights[0]
		if <-s.done; s.err != nil {
			l.ground()
			return l.refuse(s.n, s.err)
		}
		l.flights = l.flights[1:]
		if err := l.landed(s); err != nil {
			l.ground()
			return err
		}
	}
	return nil
}

// ground waits for the blocks in flight and takes all of them back.
func (l *Ledger) ground() {
	for _, s := range slices.Backward(l.flights) {
		<-s.done
		l.takeBack(s)
	}
	l.flights = nil
}

// landed confirms a step and lets readers see it, unless it stands on the way
// of a reorganisation: what they see never loses work in between.
func (l *Ledger) landed(s *step) error {
	if err := l.confirm(s); err != nil {
		return l.broken(fmt.Errorf("connect block %v at height %d: %w", s.n.hash, s.n.height, err))
	}
	onTheWay := l.tip.Load().node.better(s.n)
	switch {
	case len(l.flights) > 0:
		if !onTheWay {
			l.publish(s.n, s.after)
		}
		return nil
	case onTheWay:
		return l.stage()
	}
	return l.settle()
}

// refuse notes what err, which connecting n has met with, means: a rule that
// is broken, or a fault.
func (l *Ledger) refuse(n *node, err error) error {
	if isRule(err) && !consensus.Mutated(err) {
		l.fail(n, err)
		return errInvalid
	}
	return l.broken(fmt.Errorf("connect block %v at height %d: %w", n.hash, n.height, err))
}
