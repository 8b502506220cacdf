package miner

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/keelson-chain/keelson/miner/template"
	"github.com/keelson-chain/keelson/pow"
)

const (
	// refresh is how often Run takes a new header time into the block that it
	// works on.
	refresh = 30 * time.Second
	// look is how often Run looks whether a source that has changed pays more.
	look = 2 * time.Second
)

// Run mines to pkScript on whatever tip the chain has until ctx ends, which is
// its only way to return without an error. It leaves at least interval between
// two of its own blocks, so that a chain without difficulty does not race away.
//
// When the tip changes, the search ends at once and begins anew on the new tip.
// When the source pays more than what is being searched, it is exchanged.
func (m *Miner) Run(ctx context.Context, pkScript []byte, interval time.Duration) error {
	stopReport := m.report(ctx)
	defer stopReport()
	var better *template.Template
	for ctx.Err() == nil {
		started := time.Now()
		chain, source := m.cfg.Chain.Changed(), m.sourceChanged()
		t := better
		if t == nil || t.Selection.State.Tip != m.cfg.Chain.Tip().Tip {
			var err error
			if t, err = m.build(pkScript); err != nil {
				return err
			}
		}
		// No header is searched twice, even if nothing but the hour has changed.
		t = t.WithExtraNonce(m.extraNonce.Add(1))
		s := search{m: m, pkScript: pkScript, tmpl: t, chain: chain, source: source}
		nonce, found, err := s.run(ctx)
		if err != nil {
			return err
		}
		better = s.better
		if !found {
			continue
		}
		if err := m.submit(ctx, t, nonce); err != nil {
			return err
		}
		wait(ctx, interval-time.Since(started))
	}
	return nil
}

// search is one template being searched by Run.
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
func (s *search) run(ctx context.Context) (nonce uint32, found bool, err error) {
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
	nonce, found = s.m.find(yielding{ctx}, s.tmpl.Header, target, s.m.cfg.Workers, &s.m.counts.hashes)
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
// refusal is an error if the block was made for the tip that still stands.
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
	err = m.cfg.Chain.AddBlock(ctx, b)
	tip := m.cfg.Chain.Tip().Tip
	switch {
	case err == nil && tip.Height == t.Height() && tip.Hash != b.Hash():
		m.late(t)
		return nil
	case err == nil:
		m.counts.found.Add(1)
		m.cfg.Log.Debug().Uint32("height", t.Height()).Stringer("hash", b.Hash()).Int("txs", len(b.Txs)).
			Stringer("pays", b.Txs[0].Outputs[0].Value).Msg("mined a block")
		return nil
	case ctx.Err() != nil:
		return nil
	case tip != parent:
		m.late(t)
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
