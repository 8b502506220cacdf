package miner

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/miner/template"
	"github.com/keelson-chain/keelson/pow"
)

const (
	// refresh is how often a search takes a new header time into the block that it
	// works on.
	refresh = 30 * time.Second
	// look is how often it looks whether a source that has changed pays more.
	look = 2 * time.Second
	// earlyPause is how long to wait when blocks are refused because the chain is
	// ahead of the clock.
	earlyPause = time.Second
)

// seeker mines for a plan.
type seeker struct {
	m        *Miner
	pkScript []byte
	find     finder
	better   *template.Template // what to search next, unless the tip has moved
}

// steady mines on whatever tip the chain has until ctx ends. It leaves at least
// interval between the beginnings of the searches for two of its own blocks.
func (s *seeker) steady(ctx context.Context, interval time.Duration) error {
	for ctx.Err() == nil {
		started := time.Now()
		found, err := s.once(ctx)
		if err != nil {
			return err
		}
		if found {
			wait(ctx, interval-time.Since(started))
		}
	}
	return nil
}

// once searches for a block on the chain's tip and hands it in if it is found.
//
// When the tip changes, the search ends at once. When the source pays more than
// what is being searched, it ends, too, with that in better.
func (s *seeker) once(ctx context.Context) (found bool, err error) {
	m := s.m
	chain, source := m.cfg.Chain.Changed(), m.sourceChanged()
	t := s.better
	s.better = nil
	if t == nil || t.Selection.State.Tip != m.cfg.Chain.Tip().Tip {
		if t, err = m.build(s.pkScript); err != nil {
			return false, err
		}
	}
	// No header is searched twice, even if nothing but the hour has changed.
	t = t.WithExtraNonce(m.extraNonce.Add(1))
	on := search{m: m, pkScript: s.pkScript, tmpl: t, chain: chain, source: source}
	nonce, found, err := on.run(ctx, s.find)
	if err != nil {
		return false, err
	}
	s.better = on.better
	if !found {
		return false, nil
	}
	return true, m.submit(ctx, t, nonce)
}

// search is one template being searched by a seeker.
type search struct {
	m             *Miner
	pkScript      []byte
	tmpl          *template.Template
	chain, source <-chan struct{} // closed: the tip, the transactions have changed

	better *template.Template // why the search ended, if it pays more
	err    error
}

// run searches until the template is solved, is no longer the best one, has
// been searched for a while, or ctx ends.
func (s *search) run(ctx context.Context, find finder) (nonce uint32, found bool, err error) {
	target, err := pow.Bits(s.tmpl.Header.Bits).Target()
	if err != nil {
		panic("consensus requires bits without a target: " + err.Error())
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var watch sync.WaitGroup
	watch.Go(func() {
		defer cancel()
		s.watch(ctx)
	})
	nonce, found = find(yielding{ctx}, s.tmpl.Header, target, s.m.cfg.Workers, &s.m.counts.hashes)
	cancel()
	watch.Wait()
	return nonce, found, s.err
}

// watch returns when the search should end.
func (s *search) watch(ctx context.Context) {
	end := time.NewTimer(refresh)
	defer end.Stop()
	next := time.NewTicker(look)
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.chain:
			return
		case <-end.C:
			return
		case <-next.C:
			if isClosed(s.source) && s.lookForBetter() {
				return
			}
		}
	}
}

// lookForBetter reports whether the search should end because of what the
// source has now.
func (s *search) lookForBetter() bool {
	s.source = s.m.sourceChanged()
	t, err := s.m.build(s.pkScript)
	if err != nil {
		s.err = err
		return true
	}
	if t.Selection.State.Tip == s.tmpl.Selection.State.Tip && t.Selection.Fees <= s.tmpl.Selection.Fees {
		return false
	}
	s.better = t
	return true
}

// yielding is the context of a search that lets others run whenever the search
// looks whether to go on, which is many times in a hundredth of a second. With
// every processor busy searching, a goroutine that wakes would otherwise wait for
// the scheduler to take one away, and each hand-over in the rest of the node too.
type yielding struct{ context.Context }

func (c yielding) Err() error {
	runtime.Gosched()
	return c.Context.Err()
}

// submit hands a solved block to the chain, unless the tip has moved on. A
// refusal is an error if the block was made for the tip that still stands, unless
// that tip is what is wrong: the clock has been set back, and it is far ahead.
func (m *Miner) submit(ctx context.Context, t *template.Template, nonce uint32) error {
	parent := t.Selection.State.Tip
	if m.cfg.Chain.Tip().Tip != parent {
		m.late(t)
		return nil
	}
	b, err := t.Block(nonce)
	if err != nil {
		return err
	}
	// A solved block goes in whole, even if there is to be no other one: half of the
	// way it would lie in the ledger and be connected along with a later block.
	err = m.cfg.Chain.AddBlock(context.WithoutCancel(ctx), b)
	if errors.Is(err, ledger.ErrDuplicate) {
		if err = m.awaitTwin(ctx, b); err == nil {
			m.late(t)
			return nil
		}
	}
	tip := m.cfg.Chain.Tip().Tip
	switch {
	case err == nil && tip.Height == t.Height() && tip.Hash != b.Hash():
		m.late(t)
		return nil
	case err == nil:
		m.early.Store(false)
		m.counts.found.Add(1)
		m.cfg.Log.Debug().Uint32("height", t.Height()).Stringer("hash", b.Hash()).Int("txs", len(b.Txs)).
			Stringer("pays", b.Txs[0].Outputs[0].Value).Msg("mined a block")
		return nil
	case ctx.Err() != nil:
		return nil
	case tip != parent:
		m.late(t)
		return nil
	case errors.Is(err, consensus.ErrTimeTooNew):
		if !m.early.Swap(true) {
			m.cfg.Log.Warn().Uint32("height", t.Height()).Err(err).Msg("no block can be mined: the chain is ahead of the clock")
		}
		wait(ctx, earlyPause)
		return nil
	}
	return fmt.Errorf("mined block %v was refused: %w", b.Hash(), err)
}

// late counts a block that another one came before.
func (m *Miner) late(t *template.Template) {
	m.counts.stale.Add(1)
	m.cfg.Log.Info().Uint32("height", t.Height()).Msg("a mined block came too late")
}

// wait sleeps for d and reports whether ctx is still alive.
func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(max(d, 0))
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return ctx.Err() == nil
	}
}
