package sim

import (
	"context"
	"testing"
	"time"

	"github.com/keelson-chain/keelson/p2p"
	"github.com/keelson-chain/keelson/p2p/host"
	"github.com/keelson-chain/keelson/p2p/message"
	"github.com/keelson-chain/keelson/p2p/peerinfo"
)

// sybil is what a host does that wants to be all that a node sees, to keep blocks
// from it.
type sybil struct{}

func (sybil) Connected(*host.Peer)                 {}
func (sybil) Disconnected(*host.Peer)              {}
func (sybil) Received(*host.Peer, message.Message) {}
func (sybil) Serve(context.Context, *host.Peer, string, []byte, func([]byte) error) error {
	return host.ErrRefused
}

// TestEclipse surrounds a node with sybils in one /16: they call it until it has no
// room left for callers, and it has heard of more of them than of honest nodes. At
// most one of those that it calls is a sybil, and it has every block that the honest
// nodes make, also after a restart.
func TestEclipse(t *testing.T) {
	honest, sybils := size(16, 40, 0), size(20, 100, 0)
	dir := t.TempDir()
	run(t, Config{Nodes: honest + sybils, Neighbours: sybils, Before: func(n *Node) {
		if n.Number >= honest {
			n.Handler = sybil{}
			n.Dials = []int{0}
			return
		}
		n.Change = func(c *p2p.Config) {
			c.Host.Discover, c.Host.Feelers = true, true
			if n.Number == 0 {
				c.Host.MaxPeers = 24
				c.Host.Dir = dir
			}
		}
	}}, func(t *testing.T, w *World) {
		victim := w.Nodes[0]
		for _, n := range w.Nodes[:honest] {
			for _, at := range w.rand.Perm(honest)[:10] {
				if at != n.Number {
					n.Net.AddAddress(w.Nodes[at].Addr(), false)
				}
			}
		}
		for _, n := range w.Nodes[honest:] {
			victim.Net.AddAddress(n.Addr(), false)
		}
		check := func() {
			t.Helper()
			w.Until("the victim calls 8 nodes", 10*time.Minute, func() bool { return len(called(victim, peerinfo.FullRelay)) >= 8 })
			sybilCalled := 0
			for _, p := range append(called(victim, peerinfo.FullRelay), called(victim, peerinfo.BlockOnly)...) {
				if b := p.IP().As4(); b[0] == 130 && b[1] == 7 {
					sybilCalled++
				}
			}
			t.Logf("the victim has %d peers and calls %d, of which %d are sybils", len(victim.Net.Peers()),
				len(called(victim, peerinfo.FullRelay))+len(called(victim, peerinfo.BlockOnly)), sybilCalled)
			if sybilCalled > 1 {
				t.Errorf("the victim calls %d hosts of one /16", sybilCalled)
			}
			for range 3 {
				b := w.Mine(w.Nodes[1+w.rand.IntN(honest-1)])
				w.Until("the block at all honest nodes", 30*time.Second, func() bool { return w.At(b.Hash(), w.Nodes[:honest]...) })
				time.Sleep(5 * time.Second)
			}
		}
		time.Sleep(2 * time.Minute)
		if inbound := len(called(victim, peerinfo.Inbound)); inbound < 10 {
			t.Fatalf("%d have called the victim: it is not surrounded", inbound)
		}
		check()
		w.Stop(victim)
		w.Start(victim)
		time.Sleep(2 * time.Minute)
		check()
	})
}

// called are the peers of a kind.
func called(n *Node, kind peerinfo.Kind) (list []*host.Peer) {
	for _, p := range n.Net.Peers() {
		if p.Kind() == kind {
			list = append(list, p)
		}
	}
	return list
}
