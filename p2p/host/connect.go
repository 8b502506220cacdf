package host

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/keelson-chain/keelson/p2p/peerinfo"
)

// retryTime is how long to wait between two calls of nodes that ought to be
// connected.
const retryTime = 5 * time.Second

// connectLoop keeps the connections that Config asks for until ctx ends.
func (h *Host) connectLoop(ctx context.Context) {
	t := time.NewTicker(retryTime)
	defer t.Stop()
	for {
		for _, node := range append(h.AddedNodeList(), h.cfg.Connect...) {
			h.callNode(ctx, node)
		}
		select {
		case <-t.C:
		case <-ctx.Done():
			return
		}
	}
}

func (h *Host) callNode(ctx context.Context, node string) {
	if err := h.OneTry(ctx, node); err != nil && !errors.Is(err, ErrConnected) {
		h.cfg.Log.Debug().Str("node", node).Err(err).Msg("cannot connect")
	}
}

// OneTry calls a node once.
func (h *Host) OneTry(ctx context.Context, node string) error {
	info, err := h.parseNode(node)
	if err != nil {
		return err
	}
	_, err = h.Connect(ctx, info, peerinfo.Manual)
	return err
}

// AddNode puts a node on the list of those to stay connected with.
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
	return nil
}

// RemoveNode takes a node off the list.
func (h *Host) RemoveNode(node string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	i := slices.Index(h.added, node)
	if i < 0 {
		return peerinfo.ErrNotAdded
	}
	h.added = slices.Delete(h.added, i, i+1)
	return nil
}

// AddedNodeList returns the list as it was given.
func (h *Host) AddedNodeList() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.added)
}
