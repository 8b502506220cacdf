package explorer

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/mempool"
	"github.com/keelson-chain/keelson/wire"
)

// memory is what the explorer has seen of a node since it began to follow it.
type memory struct {
	// Of the goroutine that follows.
	at         wire.BlockRef
	departures uint64 // of the ledger
	moment     mempool.Moment
	sequence   uint64

	mu       sync.Mutex
	reorgs   []reorg   // the last one first
	seen     uint64    // how many there were
	arrivals []arrival // the last one first
}

// reorg is a reorganisation as it was seen.
type reorg struct {
	ID   uint64 // counts from 1
	Seen time.Time
	Fork wire.BlockRef // the last block that both branches have
	// Old and New are the branches from the fork upwards, of each at most
	// maxBranch blocks, the lowest ones; New is empty where blocks were taken back and none came in
	// their place.
	Old, New []branchBlock
	// Depth and Length are how many blocks they really had.
	Depth, Length int
}

// branchBlock is a block of a branch. Time and Txs are zero if the block was
// forgotten since.
type branchBlock struct {
	wire.BlockRef
	Time uint32
	Txs  uint32
}

// arrival is a transaction that came into the pool.
type arrival struct {
	mempool.Arrival
	Seen time.Time
}

// FeeRate is what it pays in satoshi per virtual byte.
func (a arrival) FeeRate() float64 { return float64(a.Fee) / float64(max(1, a.VSize)) }

func newMemory(at wire.BlockRef, departures uint64, moment mempool.Moment) *memory {
	return &memory{at: at, departures: departures, moment: moment}
}

// Reorgs returns the reorganisations, the last one first.
func (m *memory) Reorgs() []reorg {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.reorgs)
}

// Arrivals returns the transactions that came last, the last one first.
func (m *memory) Arrivals() []arrival {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.arrivals)
}

// follow remembers and tells what happens until ctx ends. Every change of the tip
// is told; changes of the pool are told together, every poolPause at most.
func (m *memory) follow(ctx context.Context, n *Node, out *events, now func() time.Time) error {
	m.sequence = n.Pool.Sequence()
	var pause <-chan time.Time
	for {
		changed, poolChanged := n.Ledger.Changed(), n.Pool.Changed()
		if err := m.followChain(n.Ledger, out, now); err != nil {
			return err
		}
		if pause != nil {
			poolChanged = nil
		} else if told, err := m.followPool(n.Pool, out, now); err != nil {
			return err
		} else if told {
			pause, poolChanged = time.After(poolPause), nil
		}
		select {
		case <-changed:
		case <-poolChanged:
		case <-pause:
			pause = nil
		case <-ctx.Done():
			return nil
		}
	}
}

func (m *memory) followChain(l *ledger.Ledger, out *events, now func() time.Time) error {
	updates, passed, departures, err := l.MovesSince(m.at, m.departures)
	if err != nil {
		return err
	}
	branches, err := branchesLeft(l, m.at, passed)
	if err != nil {
		return err
	}
	m.departures = departures
	for _, steps := range branches {
		left, came := divide(steps)
		r := reorg{Seen: now(), Fork: left[len(left)-1].Tip, Depth: len(left), Length: len(came)}
		for _, u := range left[max(0, len(left)-maxBranch):] { // they left from the top
			r.Old = append(r.Old, describeBranch(l, u.Ref))
		}
		slices.Reverse(r.Old)
		for _, u := range came[:min(len(came), maxBranch)] {
			r.New = append(r.New, describeBranch(l, u.Ref))
		}
		m.remember(&r)
		event := reorgEvent{ID: r.ID, Fork: ref(r.Fork), Old: ref(left[0].Ref), New: ref(steps[len(steps)-1].Tip), Depth: r.Depth, Gain: r.Length}
		if err := out.publish("reorg", event); err != nil {
			return err
		}
	}
	if len(updates) == 0 {
		return nil
	}
	m.at = updates[len(updates)-1].Tip
	_, came := divide(updates)
	for _, u := range came[max(0, len(came)-maxBlockEvents):] {
		b := describeBranch(l, u.Ref)
		if err := out.publish("block", blockEvent{b.Height, b.Hash, b.Time, b.Txs}); err != nil {
			return err
		}
	}
	return nil
}

// branchesLeft returns, for each branch that has left the active chain since it
// ended with at, the steps from the branch's top to the tip, in the order in which
// the branches left. passed is what came and left again in between: blocks on top
// of at, which make its branch longer, or branches of which nobody saw anything.
func branchesLeft(l *ledger.Ledger, at wire.BlockRef, passed []wire.BlockRef) (branches [][]consensus.Update, err error) {
	seen := make(map[wire.Hash]bool)
	steps := func(top wire.BlockRef) (list [][]consensus.Update, err error) {
		updates, err := l.UpdatesSince(top, 0)
		left, _ := divide(updates)
		for _, u := range left {
			seen[u.Ref.Hash] = true
		}
		if len(left) > 0 {
			list = append(list, updates)
		}
		return list, err
	}
	for _, top := range passed { // of a branch the top left first
		if seen[top.Hash] {
			continue
		}
		list, err := steps(top)
		if err != nil {
			return nil, err
		}
		branches = append(branches, list...)
	}
	if !seen[at.Hash] { // then it left before the others came
		list, err := steps(at)
		if err != nil {
			return nil, err
		}
		branches = append(list, branches...)
	}
	return branches, nil
}

// divide returns the blocks that were disconnected and those that were connected.
func divide(steps []consensus.Update) (left, came []consensus.Update) {
	for i, u := range steps {
		if u.Connected {
			return steps[:i], steps[i:]
		}
	}
	return steps, nil
}

// remember gives a reorganisation its number and keeps it.
func (m *memory) remember(r *reorg) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.seen++
	r.ID = m.seen
	m.reorgs = append([]reorg{*r}, m.reorgs[:min(len(m.reorgs), maxReorgs-1)]...)
}

func describeBranch(l *ledger.Ledger, at wire.BlockRef) branchBlock {
	e, _ := l.Entry(at.Hash)
	return branchBlock{BlockRef: at, Time: e.Header.Time, Txs: e.TxCount}
}

// followPool reports whether the pool had changed.
func (m *memory) followPool(p *mempool.Pool, out *events, now func() time.Time) (bool, error) {
	sequence := p.Sequence()
	if sequence == m.sequence {
		return false, nil
	}
	m.sequence = sequence
	list, moment, _ := p.ArrivalsSince(m.moment, nil)
	m.moment = moment
	list = list[max(0, len(list)-maxArrivals):]
	stats := p.Stats()
	event := txEvent{Count: stats.Count, VSize: stats.Bytes, Fees: stats.Fees, Txs: []arrivalJSON{}}
	fresh := make([]arrival, 0, len(list))
	for _, a := range slices.Backward(list) {
		event.Txs = append(event.Txs, arrivalJSON{a.TxID, a.Fee, a.VSize})
		fresh = append(fresh, arrival{a, now()})
	}
	m.mu.Lock()
	m.arrivals = append(fresh, m.arrivals...)
	m.arrivals = m.arrivals[:min(len(m.arrivals), maxArrivals)]
	m.mu.Unlock()
	return true, out.publish("tx", event)
}
