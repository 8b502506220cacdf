package miner

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"
)

// Kind says when a Plan makes blocks.
type Kind uint8

// The kinds of plans.
const (
	// Off makes no blocks.
	Off Kind = iota
	// Instant makes a block whenever the source has a transaction for one, and
	// none without transactions.
	Instant
	// Interval makes a block every Plan.Interval, however hard that is, or as
	// soon after that as one is found.
	Interval
	// Search searches all the time, at Plan.HashRate if that is set and otherwise
	// as fast as it can. After a block it rests until Plan.Interval has gone by
	// since the search for it began, so that a chain without difficulty does not race
	// away.
	Search
)

// Plan is what Run does.
type Plan struct {
	Kind     Kind
	PkScript []byte // whom to pay
	Interval time.Duration
	// HashRate is for Search alone, in hashes per second, 0: no limit. The hashes
	// are real ones and the times at which they are made those of a Poisson process,
	// so that the time to a block has the exponential distribution that it has among
	// many miners, at any difficulty and down to far less than a hash a second.
	HashRate float64
}

// check returns what is wrong with a plan.
func (p *Plan) check() error {
	switch {
	case p.Kind > Search:
		return errors.New("miner: no such kind of plan")
	case p.Kind != Off && len(p.PkScript) == 0:
		return errors.New("miner: nobody to pay")
	case p.Interval < 0 || p.Kind == Interval && p.Interval == 0:
		return fmt.Errorf("miner: an interval of %v", p.Interval)
	case !(p.HashRate >= 0) || math.IsInf(p.HashRate, 0) || p.HashRate > 0 && p.Kind != Search: // !(>=) for NaN
		return fmt.Errorf("miner: a hash rate of %v", p.HashRate)
	}
	return nil
}

// planned is the plan that stands.
type planned struct {
	mu   sync.Mutex
	plan Plan
	// stop ends what Run does for the plan before it, and ended is closed when
	// that has ended; nil while Run does nothing.
	stop  context.CancelFunc
	ended chan struct{}
}

// Plan returns the plan that was set last. Nobody may change its script.
func (m *Miner) Plan() Plan {
	m.planned.mu.Lock()
	defer m.planned.mu.Unlock()
	return m.planned.plan
}

// SetPlan sets what Run does from now on. When it returns without an error, the
// plan before makes no more blocks. The error is about the plan, which is then not
// set, or that of ctx.
func (m *Miner) SetPlan(ctx context.Context, p Plan) error {
	if err := p.check(); err != nil {
		return err
	}
	m.planned.mu.Lock()
	m.planned.plan = p
	stop, ended := m.planned.stop, m.planned.ended
	m.planned.mu.Unlock()
	if stop == nil {
		return nil
	}
	stop()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Run does what the plan says, whichever is set, until ctx ends, which is its
// only way to return without an error. It must not run twice at a time.
func (m *Miner) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		plan, planCtx, done := m.begin(ctx)
		err := m.follow(planCtx, &plan)
		done()
		if err != nil {
			return err
		}
	}
	return nil
}

// begin takes the plan that stands; done must be called when it has been
// followed until its context ended.
func (m *Miner) begin(ctx context.Context) (plan Plan, planCtx context.Context, done func()) {
	p := &m.planned
	p.mu.Lock()
	defer p.mu.Unlock()
	planCtx, stop := context.WithCancel(ctx)
	ended := make(chan struct{})
	p.stop, p.ended = stop, ended
	return p.plan, planCtx, func() {
		stop()
		p.mu.Lock()
		defer p.mu.Unlock()
		p.stop, p.ended = nil, nil
		close(ended)
	}
}

// follow does what a plan says until ctx ends.
func (m *Miner) follow(ctx context.Context, p *Plan) error {
	s := &seeker{m: m, pkScript: p.PkScript, find: m.find}
	switch p.Kind {
	case Instant:
		return s.instant(ctx)
	case Interval:
		return s.regular(ctx, p.Interval)
	case Search:
		if p.HashRate > 0 {
			s.find = newPace(p.HashRate, m.cfg.Workers, m.gap).find
		}
		stopReport := m.report(ctx)
		defer stopReport()
		return s.steady(ctx, p.Interval)
	}
	<-ctx.Done()
	return nil
}
