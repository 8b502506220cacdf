package sim

import (
	"bytes"
	"context"
	"sync"
	"testing"
	"time"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/consensus/chaingen"
	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/p2p"
	"github.com/keelson-chain/keelson/p2p/compact"
	"github.com/keelson-chain/keelson/p2p/host"
	"github.com/keelson-chain/keelson/p2p/message"
	"github.com/keelson-chain/keelson/wire"
)

// stalling is a chain that serves some blocks and then never answers again, until
// it is released.
type stalling struct {
	p2p.Chain
	release <-chan struct{}

	mu   *sync.Mutex
	left *int
}

func (s stalling) BlockBytes(hash wire.Hash) ([]byte, error) {
	s.mu.Lock()
	stall := *s.left == 0
	if !stall {
		*s.left--
	}
	s.mu.Unlock()
	if stall {
		<-s.release
		return nil, ledger.ErrNoBody
	}
	return s.Chain.BlockBytes(hash)
}

// TestStalled lets a node that has been away catch up, first from honest peers and
// then with one among them that stops answering half-way: that costs less than 10
// seconds.
func TestStalled(t *testing.T) {
	blocks := size(100, 1000, 0)
	const perBlock = 50
	run(t, Config{Nodes: 6, Dials: 3, Txs: blocks * perBlock}, func(t *testing.T, w *World) {
		w.Until("connected", time.Minute, w.Connected)
		late := w.Nodes[0]
		w.Stop(late)
		for range blocks {
			w.Mine(w.Nodes[1], w.Txs(perBlock)...)
			time.Sleep(time.Second)
		}
		w.Until("one tip among the others", time.Minute, w.Agree)
		tip := w.Nodes[1].Tip().Hash

		catchUp := func() time.Duration {
			w.Start(late)
			return w.Until("the late node at the tip", 5*time.Minute, func() bool { return w.At(tip, late) })
		}
		honest := catchUp()
		w.Stop(late)
		w.Wipe(late)

		staller := w.Nodes[late.Dials[0]]
		release := make(chan struct{})
		left := blocks / 10
		w.Stop(staller)
		staller.Bend = func(c p2p.Chain) p2p.Chain { return stalling{c, release, new(sync.Mutex), &left} }
		w.Start(staller)
		w.Until("connected", time.Minute, w.Connected)
		slow := catchUp()
		close(release)
		t.Logf("%d blocks from honest peers in %v, with one of them stalling in %v", blocks, honest.Round(time.Millisecond), slow.Round(time.Millisecond))
		if left > 0 {
			t.Fatalf("the stalling peer was asked for %d blocks only", blocks/10-left)
		}
		if slow > honest+10*time.Second {
			t.Errorf("a peer that stalls costs %v", slow-honest)
		}
		w.CheckCoins()
	})
}

// boasting is a chain that claims twice the work that it has.
type boasting struct{ p2p.Chain }

func (b boasting) Tip() consensus.State {
	s := b.Chain.Tip()
	s.Work = s.Work.Add(s.Work)
	return s
}

// altering is a chain whose bodies are not those of their headers.
type altering struct {
	p2p.Chain
	served *int
	mu     *sync.Mutex
}

func (a altering) BlockBytes(hash wire.Hash) ([]byte, error) {
	raw, err := a.Chain.BlockBytes(hash)
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	*a.served++
	a.mu.Unlock()
	raw = bytes.Clone(raw)
	raw[len(raw)-4] ^= 1 // the lock time of the last transaction
	return raw, nil
}

// TestLiars lets a node catch up from peers of which one claims more work than it
// has and one serves other bodies than those of the headers: it arrives at the
// honest tip, the second liar is banned, and nobody else is.
func TestLiars(t *testing.T) {
	blocks := size(60, 500, 0)
	const perBlock = 10
	run(t, Config{Nodes: 6, Txs: blocks * perBlock, Before: func(n *Node) {
		n.Dials = nil
		if n.Number > 0 {
			n.Dials = []int{0} // all know host 0 alone, which knows all
		}
	}}, func(t *testing.T, w *World) {
		late, boaster, alterer := w.Nodes[0], w.Nodes[1], w.Nodes[2]
		w.Until("connected", time.Minute, w.Connected)
		for range blocks {
			w.Mine(w.Nodes[3], w.Txs(perBlock)...)
			time.Sleep(time.Second)
		}
		w.Until("one tip", time.Minute, w.Agree)
		tip := w.Nodes[3].Tip().Hash
		served := 0
		for _, n := range []*Node{late, boaster, alterer} {
			w.Stop(n)
		}
		w.Wipe(late)
		boaster.Bend = func(c p2p.Chain) p2p.Chain { return boasting{c} }
		alterer.Bend = func(c p2p.Chain) p2p.Chain { return altering{c, &served, new(sync.Mutex)} }
		w.Start(late)
		w.Start(alterer)
		w.Start(boaster)
		took := w.Until("the late node at the tip", 5*time.Minute, func() bool { return w.At(tip, late) })
		t.Logf("%d blocks in %v; the liar served %d of them", blocks, took.Round(time.Millisecond), served)
		w.checkBans(late, alterer, served > 0)
		w.CheckCoins()

		// What comes next is not held up either.
		b := w.Mine(w.Nodes[3])
		w.Until("the next block at all honest nodes", 30*time.Second, func() bool { return w.At(b.Hash(), late, w.Nodes[4], w.Nodes[5]) })
	})
}

// checkBans fails the test unless a node has banned a liar, if it had reason to,
// and nobody else.
func (w *World) checkBans(n, liar *Node, reason bool) {
	w.t.Helper()
	banned := false
	for _, ban := range n.Net.Bans() {
		switch ban.Target {
		case liar.ID(), liar.ip.String() + "/32":
			banned = true
		default:
			w.t.Errorf("host %d has banned %v, which is honest", n.Number, ban.Target)
		}
	}
	if reason && !banned {
		w.t.Errorf("host %d has not banned the liar, host %d", n.Number, liar.Number)
	}
}

// forger is what a host does that announces a block whose header is good and whose
// coinbase takes a satoshi too many.
type forger struct {
	mu    sync.Mutex
	peers []*host.Peer
	block *wire.Block
	whole int // how often the block was served
}

func (f *forger) Connected(p *host.Peer) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.peers = append(f.peers, p)
}

func (f *forger) Disconnected(*host.Peer)              {}
func (f *forger) Received(*host.Peer, message.Message) {}

// announce pushes the block to all peers.
func (f *forger) announce(b *wire.Block) {
	f.mu.Lock()
	f.block = b
	peers := f.peers
	f.mu.Unlock()
	for _, p := range peers {
		p.Send(&message.Have{Header: b.Header})
		p.Send(compact.New(b, 1, nil))
	}
}

func (f *forger) Serve(_ context.Context, _ *host.Peer, name string, request []byte, answer func([]byte) error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.block == nil:
		return host.ErrRefused
	case name == message.NameCompact:
		return answer(compact.New(f.block, 1, nil).Append(nil))
	case name == message.NameHeaders:
		return answer((&message.Headers{Headers: []wire.Header{f.block.Header}}).Append(nil))
	case name == message.NameBlocks:
		f.whole++
		return answer(f.block.Bytes())
	case name == message.NameBlockTxn:
		m, err := message.DecodeTxnRequest(request)
		if err != nil {
			return err
		}
		txs := new(message.Txs)
		for _, at := range m.Indexes {
			txs.Txs = append(txs.Txs, f.block.Txs[at])
		}
		return answer(txs.Append(nil))
	}
	return host.ErrRefused
}

// TestForgedBlock has a host with real proof of work announce a block that breaks a
// rule. Honest nodes pass its header and compact form on before they can know, and
// none of them pays for that; the next honest block goes everywhere at once.
func TestForgedBlock(t *testing.T) {
	n := size(10, 50, *nodes)
	f := new(forger)
	run(t, Config{Nodes: n, Dials: 4, Txs: 40, Before: func(n *Node) {
		if n.Number == 0 {
			n.Handler = f
		}
	}}, func(t *testing.T, w *World) {
		w.Until("connected", time.Minute, w.Connected)
		honest := w.Nodes[1:]
		for range 3 {
			w.Mine(honest[w.rand.IntN(len(honest))])
			time.Sleep(5 * time.Second)
		}
		w.factory.chain.GotoHash(honest[0].Tip().Hash)
		txs := w.Txs(20)
		for _, n := range honest {
			w.Give(n, txs[:10])
		}
		forged := w.factory.chain.Next(txs...)
		coinbase := forged.Txs[0].Clone()
		coinbase.Outputs[0].Value++
		forged.Txs[0] = coinbase
		forged.Header.MerkleRoot, _ = forged.TxMerkleRoot()
		forged.Header.Time = uint32(w.Now().Unix())
		chaingen.Solve(forged)
		before := honest[0].Tip()
		f.announce(freshBlock(forged))
		time.Sleep(time.Minute)
		seen := 0
		for _, n := range honest {
			if n.Tip() != before {
				t.Errorf("host %d has the tip %v", n.Number, n.Tip().Hash)
			}
			if e, ok := n.Ledger.Entry(forged.Hash()); ok {
				seen++
				if !e.Status.Invalid() {
					t.Errorf("host %d has not judged the forged block: %v", n.Number, e.Status)
				}
			}
			w.checkBans(n, w.Nodes[0], false)
		}
		if seen == 0 {
			t.Fatal("nobody heard of the forged block")
		}
		t.Logf("%d of %d honest nodes met the forged block, which was served whole %d times", seen, len(honest), f.whole)
		b := w.Mine(honest[0], w.Txs(20)...)
		took := w.Until("the next block at all honest nodes", 30*time.Second, func() bool { return w.At(b.Hash(), honest...) })
		if took > 2*time.Second {
			t.Errorf("the next block took %v", took)
		}
		w.CheckCoins()
	})
}
