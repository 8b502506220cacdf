package host

import (
	"context"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
)

// forgetTime is how often libp2p's memory of nodes is cleared of those that are gone.
const forgetTime = 2 * time.Second

// forgetLoop forgets who is gone, until ctx ends.
func (h *Host) forgetLoop(ctx context.Context) {
	tick := time.NewTicker(forgetTime)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			h.forget()
		case <-ctx.Done():
			return
		}
	}
}

// forget removes from libp2p's peerstore whoever is not connected and not being
// called: keys, protocols, names and addresses. libp2p itself keeps them for minutes,
// some kilobytes for everybody who calls, whatever became of him. Nobody asks for them:
// where nodes are is in our own address book, and Connect says where it calls.
func (h *Host) forget() {
	store := h.lib.Peerstore()
	for _, id := range store.Peers() {
		if id == h.lib.ID() || h.lib.Network().Connectedness(id) != network.NotConnected {
			continue
		}
		h.mu.Lock() // beginDial comes before the addresses
		if _, ok := h.dialing[id]; !ok {
			store.RemovePeer(id)
			store.ClearAddrs(id)
		}
		h.mu.Unlock()
	}
}
