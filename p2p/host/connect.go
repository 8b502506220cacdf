package host

import (
	"context"
	"slices"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/keelson-chain/keelson/p2p/peerinfo"
)

// OneTry calls a node once. A node that is connected already is ErrConnected.
func (h *Host) OneTry(ctx context.Context, node string) error {
	_, err := h.callNode(ctx, node, peerinfo.Manual)
	return err
}

// callNode calls a node that the operator named, and returns it, also when it is
// connected already.
func (h *Host) callNode(ctx context.Context, node string, kind peerinfo.Kind) (*Peer, error) {
	info, err := h.parseNode(node)
	if err != nil {
		return nil, err
	}
	if info.ID, err = h.idOf(ctx, info); err != nil {
		return nil, err
	}
	h.mu.Lock()
	if slices.Contains(h.added, node) || slices.Contains(h.cfg.Connect, node) {
		h.met[node] = info.ID
	}
	h.mu.Unlock()
	return h.Connect(ctx, info, kind)
}

// AddNode puts a node on the list of those to stay connected with, and begins to
// call it. The error wraps peerinfo.ErrAddress or is peerinfo.ErrAdded.
func (h *Host) AddNode(node string) error {
	if _, err := h.parseNode(node); err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if slices.Contains(h.added, node) {
		return peerinfo.ErrAdded
	}
	h.added = append(h.added, node)
	h.stir()
	return nil
}

// RemoveNode takes a node off the list, or returns peerinfo.ErrNotAdded. A
// connection to it stays.
func (h *Host) RemoveNode(node string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	i := slices.Index(h.added, node)
	if i < 0 {
		return peerinfo.ErrNotAdded
	}
	h.added = slices.Delete(h.added, i, i+1)
	if !slices.Contains(h.cfg.Connect, node) {
		delete(h.met, node)
	}
	return nil
}

// AddedNodes returns the list as it was given, with the connections to each.
func (h *Host) AddedNodes() []peerinfo.AddedNode {
	peers := h.Peers()
	h.mu.Lock()
	defer h.mu.Unlock()
	list := []peerinfo.AddedNode{}
	for _, node := range h.added {
		n := peerinfo.AddedNode{Addr: node}
		id := h.whoIs(node)
		for _, p := range peers {
			if p.id == id || (&peerinfo.Peer{ID: p.ID(), Addr: p.Addr()}).Named(node) {
				n.Peers = append(n.Peers, peerinfo.AddedPeer{Addr: p.Addr(), Inbound: p.inbound})
			}
		}
		list = append(list, n)
	}
	return list
}

// whoIs returns the id of a node that the operator named, empty if it has not
// shown yet; h.mu is held.
func (h *Host) whoIs(node string) peer.ID {
	if info, err := h.parseNode(node); err == nil && info.ID != "" {
		return info.ID
	}
	return h.met[node]
}

// named returns the nodes to stay connected with, and who they are.
func (h *Host) named() map[string]peer.ID {
	h.mu.Lock()
	defer h.mu.Unlock()
	list := map[string]peer.ID{}
	for _, node := range slices.Concat(h.cfg.Connect, h.added) {
		list[node] = h.whoIs(node)
	}
	return list
}

// automatic reports whether the host calls anybody that the operator did not
// name.
func (h *Host) automatic() bool { return h.cfg.Discover && len(h.cfg.Connect) == 0 }

// alive returns the connections of all kinds that have greeted and stand.
func (h *Host) alive() []*Peer {
	h.mu.Lock()
	defer h.mu.Unlock()
	list := make([]*Peer, 0, len(h.peers))
	for _, p := range h.peers {
		select {
		case <-p.ready:
			if p.ctx.Err() == nil {
				list = append(list, p)
			}
		default:
		}
	}
	slices.SortFunc(list, func(a, b *Peer) int { return int(a.num - b.num) })
	return list
}

// stir lets the caller look whom to call.
func (h *Host) stir() {
	select {
	case h.stirred <- struct{}{}:
	default:
	}
}
