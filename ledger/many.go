package ledger

import (
	"context"
	"errors"
	"time"

	"github.com/keelson-chain/keelson/ledger/flat"
	"github.com/keelson-chain/keelson/wire"
)

// arrival is one of many blocks that are handed in together.
type arrival struct {
	block  *wire.Block // has passed CheckBlock; let go of once it is in
	hash   wire.Hash
	at     *flat.Pos   // its place in the block files if it lies there already
	node   *node       // once it was accepted
	err    error       // what AddBlock would have returned
	judged func(error) // of a Delivery
}

const (
	// batchTime is how long a batch of blocks keeps other writers, and readers
	// that need a commit, waiting.
	batchTime = 2 * time.Second
	// strideBlocks is how many blocks are connected at most, where others wait
	// for their turn to be stored.
	strideBlocks = 16
)

// many is what adding many blocks carries from one turn to the next.
type many struct {
	have    early      // bodies of blocks that came before their ancestors'
	waiting []*arrival // accepted, but neither connected nor left aside yet
	judged  []*arrival // those of the last turn whose err is final
	more    bool       // stored blocks are left to be connected, for which there was no time
}

// addMany adds the blocks that next gives, until it gives nil, in one turn. An
// arrival's err is set before the next one is asked for, except that its scripts
// may still be running: the end of the call decides, and for what is in
// m.waiting that of a later one. The error is a fault or ctx's.
func (l *Ledger) addMany(ctx context.Context, m *many, next func() *arrival) error {
	return l.begin(func() error {
		if m.have == nil {
			m.have = make(early)
		}
		all := m.waiting
		m.waiting, m.judged = nil, nil
		m.more = l.bestCandidate() != nil
		var end error
		for began := time.Now(); end == nil; {
			a := next()
			if a == nil && (!m.more || time.Since(began) > batchTime) {
				break
			}
			if a != nil {
				all = append(all, a)
				if a.node, a.err = l.accept(a.block, a.at); l.fault != nil {
					end = a.err
					break
				}
				m.have.put(a.node, a.block)
				a.block = nil
			}
			for again := true; again; again = errors.Is(end, errInvalid) {
				end = l.advance(ctx, m.have, true)
			}
			m.have.drop()
			m.more = l.bestCandidate() != nil
		}
		if end != nil {
			end = l.leave(end)
		} else {
			end = l.pause(ctx)
		}
		m.more = end == nil && l.bestCandidate() != nil
		for _, a := range all {
			if a.node != nil && a.err == nil {
				a.err = l.verdict(a.node)
			}
			if n := a.node; n != nil && a.err == nil && end == nil && (n.chainTxs == 0 || m.more && n.better(l.cur)) {
				m.waiting = append(m.waiting, a)
			} else {
				m.judged = append(m.judged, a)
			}
		}
		return end
	})
}

// pause lands the blocks in flight and lets readers see cur. Stored blocks may
// be left to be connected.
func (l *Ledger) pause(ctx context.Context) error {
	for {
		err := l.land(0)
		if err == nil {
			if !l.tip.Load().node.better(l.cur) {
				return l.settle()
			}
			err = l.advance(ctx, nil, true) // a reorganisation that an invalid block has ended
		}
		if err != nil && !errors.Is(err, errInvalid) {
			return l.leave(err)
		}
	}
}

// early is the bodies of blocks that came before the bodies of their
// ancestors. What it has no room for is read again from the block files.
type early map[*node]*wire.Block

const (
	earlyBlocks = 1024
	earlyBytes  = 16 << 20 // as they are stored
)

// put keeps b, the body of n, which drop may undo.
func (e early) put(n *node, b *wire.Block) {
	if n == nil {
		return
	}
	if n.chainTxs == 0 {
		bytes := int64(n.size)
		for other := range e {
			bytes += int64(other.size)
		}
		if len(e) >= earlyBlocks || bytes > earlyBytes {
			return
		}
	}
	e[n] = b
}

// drop lets go of the bodies that wait for no other.
func (e early) drop() {
	for n := range e {
		if n.chainTxs != 0 || n.status.Invalid() {
			delete(e, n)
		}
	}
}
