package p2p

import (
	"context"
	"errors"
	"sync"

	"github.com/keelson-chain/keelson/p2p/host"
)

// talk is what a Node exchanges with its peers, and what it remembers of that. It
// lasts as long as the Node, unless Restart puts another one in its place.
type talk struct {
	relay  *relay  // new blocks
	gossip *gossip // word of them, besides
	sync   *syncer // the rest of the chain
	txs    *txRelay
}

// talk returns the one that goes on.
func (n *Node) talk() *talk { return n.current.Load() }

func (n *Node) newTalk() *talk {
	t := new(talk)
	t.relay = newRelay(n.cfg.Chain, n.cfg.Pool, n.cfg.Params.MaxBlockWeight, n.cfg.Log)
	t.relay.accept, t.relay.stats = n.acceptBlock, &n.blockStats
	t.sync = newSyncer(&n.cfg)
	t.txs = newTxRelay(&n.cfg, &t.relay.extra)
	t.txs.stats = &n.txStats
	t.sync.chasing, t.relay.heard, t.relay.gaveUp = t.relay.chasing, t.sync.heard, t.sync.given
	t.gossip = newGossip(t.relay, n.host, n.cfg.Params.GenesisHash)
	return t
}

// pause is a Restart that is asked for.
type pause struct {
	move func() error
	done chan error // has room for one
}

// converse runs the talk until ctx ends, or until a Restart has made another one.
func (n *Node) converse(ctx context.Context, fail context.CancelCauseFunc) {
	t := n.talk()
	inner, cancel := context.WithCancel(ctx)
	var parts sync.WaitGroup
	for _, run := range []func(context.Context) error{t.relay.run, t.gossip.run, t.sync.run, t.txs.run} {
		parts.Go(func() {
			if err := run(inner); err != nil && inner.Err() == nil {
				fail(err)
			}
		})
	}
	end := func() {
		cancel()
		parts.Wait()
	}
	defer end()
	select {
	case p := <-n.pauses:
		p.done <- n.between(end, p.move)
	case <-ctx.Done():
	}
}

// between has move do its work while there are no peers and no talk.
func (n *Node) between(end func(), move func() error) error {
	n.host.Pause() // the peers' end is told to the talk that knows them
	defer n.host.Resume()
	end()
	err := move()
	n.host.ClearScores()
	n.current.Store(n.newTalk())
	return err
}

// errEnded: nobody talks any more.
var errEnded = errors.New("the node has ended")

// Restart disconnects every peer, has move change chain and pool beneath the node, and
// lets peers connect again, of whom and of whose blocks and transactions the
// node then knows nothing, as if it had just begun; addresses and bans stay. Nothing that came from
// peers is on its way to chain or pool while move runs. It is for test networks. The
// error is move's, ctx's before that has begun, or says that the node has ended.
func (n *Node) Restart(ctx context.Context, move func() error) error {
	p := pause{move, make(chan error, 1)}
	select {
	case n.pauses <- p:
		return <-p.done
	case <-n.ended:
		return errEnded
	case <-ctx.Done():
		return ctx.Err()
	}
}

var _ host.Handler = (*Node)(nil)
