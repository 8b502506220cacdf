package miner

import (
	"context"
	"time"
)

// instant mines a block whenever there is a transaction for one, until ctx ends.
func (s *seeker) instant(ctx context.Context) error {
	for ctx.Err() == nil {
		// Asked for first, so that what comes during the selection is not missed.
		chain, source := s.m.cfg.Chain.Changed(), s.m.sourceChanged()
		started := time.Now()
		sel, err := s.m.selection()
		if err != nil {
			return err
		}
		if len(sel.Txs) > 0 {
			s.better = s.m.templateOf(sel, s.pkScript)
			if _, err := s.once(ctx); err != nil {
				return err
			}
			continue
		}
		took := time.Since(started)
		select {
		case <-chain:
		case <-source:
		case <-ctx.Done():
			return nil
		}
		// A large pool of which nothing can be selected, and which changes all the
		// time, takes half of a core at most.
		wait(ctx, took)
	}
	return nil
}

// regular mines a block every interval until ctx ends. Those that are late are
// not made up for.
func (s *seeker) regular(ctx context.Context, interval time.Duration) error {
	due := time.Now().Add(interval)
	for wait(ctx, time.Until(due)) {
		for found := false; !found && ctx.Err() == nil; {
			var err error
			if found, err = s.once(ctx); err != nil {
				return err
			}
		}
		if due = due.Add(interval); due.Before(time.Now()) {
			due = time.Now()
		}
	}
	return nil
}
