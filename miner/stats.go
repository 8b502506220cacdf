package miner

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// Stats are a miner's numbers.
type Stats struct {
	// HashRate is how many hashes a second Run made over the last minute, or
	// since it began, if that is not a minute ago. 0: it does not run.
	HashRate float64
	Hashes   uint64 // all, Generate's too
	Found    uint64 // blocks that the chain took
	Stale    uint64 // blocks that came too late
	// TemplateTime is how long the last template took, selection included.
	TemplateTime time.Duration
}

// counts is what Stats are read from.
type counts struct {
	hashes, found, stale atomic.Uint64
	templateTime         atomic.Int64 // in nanoseconds
	last                 atomic.Pointer[size]
	rate                 rate
}

// size is that of a template's block.
type size struct{ weight, txs int }

// Stats returns the miner's numbers.
func (m *Miner) Stats() Stats {
	c := &m.counts
	return Stats{
		HashRate:     c.rate.at(time.Now(), c.hashes.Load()),
		Hashes:       c.hashes.Load(),
		Found:        c.found.Load(),
		Stale:        c.stale.Load(),
		TemplateTime: time.Duration(c.templateTime.Load()),
	}
}

// LastTemplate returns the weight in weight units, with what is reserved for
// header and coinbase, and the number of transactions, without the coinbase,
// of the last template that was made for whomever; ok is false before the first.
func (m *Miner) LastTemplate() (weight, txs int, ok bool) {
	last := m.counts.last.Load()
	if last == nil {
		return 0, 0, false
	}
	return last.weight, last.txs, true
}

// Run takes a sample of its hashes every second, and keeps those of a minute.
const (
	sampleEvery = time.Second
	samples     = 60
	// firstReport is when, in samples, Run logs its rate for the first time;
	// later it does so whenever all samples are new.
	firstReport = 5
)

// rate is a hash rate over a sliding window.
type rate struct {
	mu   sync.Mutex
	list []sample // oldest first
}

type sample struct {
	at     time.Time
	hashes uint64
}

// add takes a sample.
func (r *rate) add(at time.Time, hashes uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.list) > samples {
		r.list = append(r.list[:0], r.list[1:]...)
	}
	r.list = append(r.list, sample{at, hashes})
}

// clear forgets all samples.
func (r *rate) clear() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = nil
}

// at returns the hashes per second from the oldest sample until now.
func (r *rate) at(now time.Time, hashes uint64) float64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.list) == 0 || !now.After(r.list[0].at) {
		return 0
	}
	return float64(hashes-r.list[0].hashes) / now.Sub(r.list[0].at).Seconds()
}

// report measures the hash rate, and logs it soon after the start and once a
// minute, until the returned function is called, which waits for the last line.
func (m *Miner) report(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	c := &m.counts
	c.rate.add(time.Now(), c.hashes.Load())
	var done sync.WaitGroup
	done.Go(func() {
		for n := 1; wait(ctx, sampleEvery); n++ {
			c.rate.add(time.Now(), c.hashes.Load())
			if n != firstReport && n%samples != 0 {
				continue
			}
			s := m.Stats()
			m.cfg.Log.Info().Float64("hashes_per_s", s.HashRate).Uint64("blocks", s.Found).Uint64("stale", s.Stale).
				Dur("template", s.TemplateTime).Msg("mining")
		}
	})
	return func() {
		cancel()
		done.Wait()
		c.rate.clear()
	}
}
