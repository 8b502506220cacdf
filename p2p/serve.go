package p2p

import (
	"context"
	"fmt"

	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/p2p/host"
	"github.com/keelson-chain/keelson/p2p/message"
	"github.com/keelson-chain/keelson/wire"
)

// serveHeaders answers a request for headers: those of the active chain, all of
// whose blocks have been found valid, that follow the first hash of the locator
// which lies on it.
func (n *Node) serveHeaders(p *host.Peer, request []byte, answer func(frame []byte) error) error {
	m, err := message.DecodeHeadersRequest(request)
	if err != nil {
		p.Penalise(host.BanScore, fmt.Sprintf("a headers request: %v", err))
		return err
	}
	hs := message.Headers{Headers: headersAfter(n.cfg.Chain, m.Locator, m.Stop)}
	return answer(hs.Append(nil))
}

func headersAfter(chain Chain, locator []wire.Hash, stop wire.Hash) []wire.Header {
	if len(locator) == 0 {
		if e, ok := chain.Entry(stop); ok && e.Active {
			return []wire.Header{e.Header}
		}
		return nil
	}
	from := uint32(1) // every chain of the network has genesis
	for _, hash := range locator {
		if e, ok := chain.Entry(hash); ok && e.Active {
			from = e.Ref.Height + 1
			break
		}
	}
	var hs []wire.Header
	for len(hs) < message.MaxHeaders {
		e, ok := chain.EntryAt(from + uint32(len(hs)))
		if !ok || len(hs) > 0 && e.Header.PrevBlock != hs[len(hs)-1].Hash() {
			break // the end, or the chain has changed meanwhile
		}
		hs = append(hs, e.Header)
		if e.Ref.Hash == stop {
			break
		}
	}
	return hs
}

// serveBlocks answers a request for blocks, each as it lies on disk. Whatever is
// served has been found valid in every respect, since who gets it may blame us
// for it: it is, or was, part of the active chain. What left that long ago is not
// served; it would tell where this node has been.
func (n *Node) serveBlocks(ctx context.Context, p *host.Peer, request []byte, answer func(frame []byte) error) error {
	m, err := message.DecodeBlocksRequest(request)
	if err != nil {
		p.Penalise(host.BanScore, fmt.Sprintf("a blocks request: %v", err))
		return err
	}
	for _, hash := range m.Hashes {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := answer(n.servable(hash)); err != nil {
			return err
		}
	}
	return nil
}

// servable returns the bytes of a block that may be served, or nil.
func (n *Node) servable(hash wire.Hash) []byte {
	e, ok := n.cfg.Chain.Entry(hash)
	switch {
	case !ok, !e.Status.Has(ledger.ValidScripts | ledger.HaveBody), e.Status.Invalid():
		return nil
	case !e.Active && e.Ref.Height+ledger.KeepBlocks < n.cfg.Chain.Tip().Tip.Height:
		return nil
	}
	raw, err := n.cfg.Chain.BlockBytes(hash)
	if err != nil {
		n.cfg.Log.Debug().Err(err).Stringer("block", hash).Msg("a block is not served")
		return nil
	}
	return raw
}
