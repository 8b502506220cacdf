package p2p

import (
	"context"
	"errors"
	"fmt"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/p2p/host"
	"github.com/keelson-chain/keelson/wire"
)

// acceptBlock gives the ledger a block that came whole from a peer, or that was
// made from pieces, some of which from chose: nil, if nobody did. The error is
// the ledger's; from has answered for it when acceptBlock returns.
func (n *Node) acceptBlock(ctx context.Context, b *wire.Block, from *host.Peer) error {
	err := n.cfg.Chain.AddBlock(ctx, b)
	n.judged(b.Header.Hash(), from, err)
	return err
}

// judged has from, who has sent the whole body of a block, answer for what the
// ledger said of it.
func (n *Node) judged(hash wire.Hash, from *host.Peer, err error) {
	if from == nil || !blames(err) {
		return
	}
	from.Penalise(host.BanScore, fmt.Sprintf("sent the invalid block %v: %v", hash, err))
}

// blames reports whether the error with which the ledger met a block, or a
// header, is the fault of whoever sent the whole of it.
func blames(err error) bool {
	var rule *consensus.RuleError
	switch {
	case errors.Is(err, ledger.ErrUnknownParent), errors.Is(err, ledger.ErrInvalidBranch):
		return false // another block's sender
	case errors.Is(err, ledger.ErrInvalidParent), errors.Is(err, ledger.ErrDuplicateInvalid):
		return true
	case errors.As(err, &rule):
		return rule.Kind != consensus.ErrTimeTooNew // our clock may be the one that is wrong
	}
	return false
}
