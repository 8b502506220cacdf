package p2p

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/keelson-chain/keelson/p2p/host"
	"github.com/keelson-chain/keelson/p2p/message"
	"github.com/keelson-chain/keelson/wire"
)

// ErrNobody says that no peer has what is asked for.
var ErrNobody = errors.New("no peer has these blocks")

// PastBlock is a block from a peer.
type PastBlock struct {
	Block *wire.Block
	peer  *host.Peer
}

// Blame tells the peer off for a block whose body is not the one that its header
// names, as err says.
func (b *PastBlock) Blame(err error) {
	b.peer.Penalise(host.BanScore, "a block whose body is not the one that its header names: "+err.Error())
}

// FetchPast asks a peer that has every block for some of them, each time another
// peer, and returns those that came, in the order in which they were asked for. It is
// for blocks that Chain does not look for itself; nothing is done with them. The
// errors are ErrNobody, those of asking (see host.Peer.AskMany), and one for a
// peer that does not have them after all.
func (n *Node) FetchPast(ctx context.Context, want []wire.BlockRef) (blocks []PastBlock, err error) {
	highest := uint32(0)
	request := message.BlocksRequest{}
	for _, ref := range want {
		highest = max(highest, ref.Height)
		request.Hashes = append(request.Hashes, ref.Hash)
	}
	peers := slices.DeleteFunc(n.host.Peers(), func(p *host.Peer) bool {
		hello := p.Hello()
		return hello.Services&message.ServiceNetwork == 0 || hello.Height < highest
	})
	if len(peers) == 0 {
		return nil, ErrNobody
	}
	p := peers[int(n.past.Add(1))%len(peers)]
	err = p.AskMany(ctx, message.NameBlocks, request.Append(nil), message.MaxAnswer(message.NameBlocks, n.cfg.Params.MaxBlockWeight), func(frame []byte) error {
		if len(blocks) == len(want) {
			return fmt.Errorf("%w: more than %d blocks", errAnswer, len(want))
		}
		ref := want[len(blocks)]
		if len(frame) == 0 {
			return fmt.Errorf("%w: peer %d does not have block %v", ErrNobody, p.Num(), ref.Hash)
		}
		b, err := wire.DecodeBlock(frame)
		if err == nil && b.Hash() != ref.Hash {
			err = fmt.Errorf("block %v instead of %v", b.Hash(), ref.Hash)
		}
		if err != nil {
			p.Penalise(host.BanScore, fmt.Sprintf("an answer with blocks: %v", err))
			return fmt.Errorf("%w: %w", errAnswer, err)
		}
		blocks = append(blocks, PastBlock{b, p})
		return nil
	})
	if err == nil && len(blocks) < len(want) {
		err = fmt.Errorf("%w: %d blocks of %d", errAnswer, len(blocks), len(want))
	}
	return blocks, err
}
