package p2p

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/keelson-chain/keelson/p2p/host"
	"github.com/keelson-chain/keelson/p2p/message"
	"github.com/keelson-chain/keelson/p2p/peerinfo"
	"github.com/keelson-chain/keelson/wire"
)

// This file is what the operator sees of the node among others, and may ask of
// it; rpc and the metrics use it.

// Scores of our addresses, as in Bitcoin Core: of what we listen on, and of what
// the operator said.
const (
	scoreListen   = 1
	scoreAnnounce = 4
)

// minOffsets is how many peers that we called must say what time it is before
// anything is made of that.
const minOffsets = 5

// Local returns what the node is on the network.
func (n *Node) Local() peerinfo.Local {
	hello := n.hello()
	local := peerinfo.Local{
		ID:        n.host.ID(),
		Active:    n.host.NetworkActive(),
		Services:  hello.Services,
		RelayTxs:  hello.Relay,
		Reachable: []peerinfo.Network{peerinfo.IPv4, peerinfo.IPv6},
		Listen:    n.host.ListenAddrs(),
	}
	peers := n.host.Peers()
	var offsets []time.Duration
	for _, p := range peers {
		if p.Inbound() {
			local.In++
		} else {
			local.Out++
			offsets = append(offsets, p.Info().TimeOffset)
		}
	}
	if len(offsets) >= minOffsets {
		slices.Sort(offsets)
		local.TimeOffset = offsets[len(offsets)/2]
	}
	for _, addr := range local.Listen {
		local.Addresses = addLocal(local.Addresses, addr, scoreListen)
	}
	for _, addr := range n.cfg.Host.Announce {
		local.Addresses = addLocal(local.Addresses, addr, scoreAnnounce)
	}
	for _, p := range peers {
		host, _, _ := peerinfo.HostPort(p.Hello().Observed)
		for i := range local.Addresses {
			if local.Addresses[i].Host == host {
				local.Addresses[i].Score++
			}
		}
	}
	return local
}

// addLocal adds an address of ours if others can reach it, or raises its score.
func addLocal(list []peerinfo.LocalAddress, multiaddr string, score int) []peerinfo.LocalAddress {
	host, port, ok := peerinfo.HostPort(multiaddr)
	ip, err := netip.ParseAddr(host)
	if !ok || err != nil || !ip.IsGlobalUnicast() || ip.IsPrivate() {
		return list
	}
	at := slices.IndexFunc(list, func(a peerinfo.LocalAddress) bool { return a.Host == host && a.Port == port })
	if at < 0 {
		return append(list, peerinfo.LocalAddress{Host: host, Port: port, Score: score})
	}
	list[at].Score = max(list[at].Score, score)
	return list
}

// Peers returns all peers, in the order in which they connected.
func (n *Node) Peers() []peerinfo.Peer {
	peers := n.host.Peers()
	talk := n.talk()
	list, nums := make([]peerinfo.Peer, len(peers)), make([]int64, len(peers))
	for i, p := range peers {
		list[i], nums[i] = p.Info(), p.Num()
		list[i].PushFrom, list[i].PushTo = talk.relay.pushing(p)
		list[i].MinFeeRate = talk.txs.feeOf(p)
	}
	if len(nums) == 0 {
		return list
	}
	for i, s := range talk.sync.status(nums) {
		list[i].PresyncedHeaders, list[i].SyncedHeaders, list[i].SyncedBlocks = s.Presynced, s.Headers, s.Blocks
		list[i].InFlight = s.InFlight
	}
	return list
}

// Totals returns the traffic with all peers.
func (n *Node) Totals() peerinfo.Totals { return n.host.Totals() }

// Stats returns what has been counted.
func (n *Node) Stats() peerinfo.Stats {
	talk := n.talk()
	return peerinfo.Stats{Blocks: talk.relay.info(), Txs: talk.txs.info(), Sync: talk.sync.info(), Peers: n.host.Counts()}
}

// Ping pings every peer.
func (n *Node) Ping() { n.host.PingAll() }

// SetActive switches the network off, which disconnects every peer, or on.
func (n *Node) SetActive(active bool) {
	n.cfg.Log.Info().Bool("active", active).Msg("network switched")
	n.host.SetNetworkActive(active)
}

// AddNode puts a node on the list of those to keep calling. The errors are
// peerinfo.ErrAddress and peerinfo.ErrAdded.
func (n *Node) AddNode(addr string) error { return n.host.AddNode(addr) }

// RemoveNode takes a node off that list, or returns peerinfo.ErrNotAdded. A peer
// stays connected.
func (n *Node) RemoveNode(addr string) error { return n.host.RemoveNode(addr) }

// OneTry calls a node once, and returns when it has become a peer or has not. That
// it does not answer is no error, only peerinfo.ErrAddress is.
func (n *Node) OneTry(ctx context.Context, addr string) error {
	select {
	case <-n.host.Running():
	case <-ctx.Done():
		return ctx.Err()
	}
	err := n.host.OneTry(ctx, addr)
	if errors.Is(err, peerinfo.ErrAddress) {
		return err
	}
	if err != nil {
		n.cfg.Log.Info().Str("node", addr).Err(err).Msg("the node cannot be called")
	}
	return ctx.Err()
}

// AddedNodes returns the list of nodes to keep calling, with the connections to
// each.
func (n *Node) AddedNodes() []peerinfo.AddedNode { return n.host.AddedNodes() }

// Disconnect disconnects the peer of that number, or returns
// peerinfo.ErrNotConnected.
func (n *Node) Disconnect(num int64) error {
	for _, p := range n.host.Peers() {
		if p.Num() == num {
			p.Disconnect("the operator asked for it")
			return nil
		}
	}
	return peerinfo.ErrNotConnected
}

// maxWishes is how many blocks the operator may wish for at a time.
const maxWishes = 16

// FetchBlock asks the peer of that number for a block whose header is known, and
// gives what comes to the ledger. It waits for neither. The errors are
// peerinfo.ErrNotConnected and peerinfo.ErrAsked.
func (n *Node) FetchBlock(num int64, hash wire.Hash) error {
	for _, p := range n.host.Peers() {
		if p.Num() != num {
			continue
		}
		if n.wishes.Add(1) > maxWishes {
			n.wishes.Add(-1)
			return peerinfo.ErrAsked
		}
		tasks := n.talk().relay.tasks
		if !tasks.start(func() {
			defer n.wishes.Add(-1)
			if err := n.fetchBlock(tasks.ctx, p, hash); err != nil {
				n.cfg.Log.Info().Int64("peer", num).Stringer("block", hash).Err(err).Msg("a block that was asked for by hand does not come")
			}
		}) {
			n.wishes.Add(-1) // the talk ends
		}
		return nil
	}
	return peerinfo.ErrNotConnected
}

func (n *Node) fetchBlock(ctx context.Context, p *host.Peer, hash wire.Hash) error {
	request := message.BlocksRequest{Hashes: []wire.Hash{hash}}
	var b *wire.Block
	err := p.AskMany(ctx, message.NameBlocks, request.Append(nil), message.MaxAnswer(message.NameBlocks, n.cfg.Params.MaxBlockWeight), func(frame []byte) (err error) {
		switch {
		case b != nil:
			return fmt.Errorf("%w: more than one block", errAnswer)
		case len(frame) == 0:
			return errors.New("the peer does not have it")
		}
		if b, err = wire.DecodeBlock(frame); err == nil && b.Hash() != hash {
			err = errAnswer
		}
		return err
	})
	if err != nil || b == nil {
		return err
	}
	return n.acceptBlock(ctx, b, p)
}

// Ban bans a subnet or a libp2p peer id until a time; the zero time means for as
// long as bans last by default. The errors are peerinfo.ErrAddress and
// peerinfo.ErrBanned.
func (n *Node) Ban(target string, until time.Time) error {
	if until.IsZero() {
		until = n.cfg.Now().Add(cmp.Or(n.cfg.Host.BanTime, host.DefaultBanTime))
	}
	return n.host.Ban(target, until)
}

// Unban ends the ban of exactly that target, or returns peerinfo.ErrNotBanned.
func (n *Node) Unban(target string) error { return n.host.Unban(target) }

// Bans returns the bans that have not ended.
func (n *Node) Bans() []peerinfo.Ban { return n.host.Bans() }

// ClearBans ends every ban.
func (n *Node) ClearBans() error { return n.host.ClearBans() }
