package p2p

import (
	"errors"
	"testing"
	"time"

	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/p2p/peerinfo"
	"github.com/keelson-chain/keelson/wire"
)

// TestInfo: what the operator sees of two nodes that connect, and may do to them.
func TestInfo(t *testing.T) {
	w := newWorld(t)
	nodes := w.start(2, func(i int, cfg *Config) {
		if i == 0 {
			cfg.Host.Announce = []string{"/ip4/192.0.2.1/tcp/18444", "/ip4/10.0.0.1/tcp/18444"}
		}
	})
	a, b := nodes[0], nodes[1]
	if got := a.Local(); got.In+got.Out != 0 || !got.Active || got.ID != a.Host().ID() || len(got.Listen) != 1 ||
		len(got.Addresses) != 1 || got.Addresses[0] != (peerinfo.LocalAddress{Host: "192.0.2.1", Port: 18444, Score: scoreAnnounce}) {
		t.Errorf("alone: %+v", got)
	}
	if got := a.Stats().Sync; got != (peerinfo.Sync{Headers: 130, Blocks: 130, Progress: 1}) {
		t.Errorf("alone: %+v", got)
	}

	if err := b.OneTry(t.Context(), a.addr()); err != nil {
		t.Fatal(err)
	}
	var seen peerinfo.Peer
	eventually(t, "each knows the other's chain", func() bool {
		onA, onB := a.Peers(), b.Peers()
		if len(onA) != 1 || len(onB) != 1 {
			return false
		}
		seen = onA[0]
		return seen.SyncedBlocks == 130 && onB[0].SyncedBlocks == 130 && seen.PushFrom && onB[0].PushTo
	})
	if seen.Kind != peerinfo.Inbound || seen.ID != b.Host().ID() || seen.StartingHeight != 130 || seen.SyncedHeaders != 130 || seen.PresyncedHeaders != -1 ||
		seen.Subver != "/test:1/" || seen.PushTo || len(seen.InFlight) != 0 || seen.Sent.ByMessage["hello"] == 0 {
		t.Errorf("b on a: %+v", seen)
	}
	if on := b.Peers()[0]; on.Kind != peerinfo.Manual || !on.PushTo || on.PushFrom {
		t.Errorf("a on b: %+v", on)
	}
	if la, lb := a.Local(), b.Local(); la.In != 1 || la.Out != 0 || lb.In != 0 || lb.Out != 1 {
		t.Errorf("a: %+v\nb: %+v", la, lb)
	}
	if got := a.Stats(); got.Peers.Connected != 1 || got.Sync.InFlight != 0 {
		t.Errorf("%+v", got)
	}

	// A node that is called already is not called again.
	if err := b.AddNode(a.addr()); err != nil {
		t.Fatal(err)
	}
	if list := b.AddedNodes(); len(list) != 1 || list[0].Addr != a.addr() || len(list[0].Peers) != 1 || list[0].Peers[0].Inbound {
		t.Errorf("%+v", list)
	}
	for _, c := range []struct{ err, want error }{
		{b.AddNode(a.addr()), peerinfo.ErrAdded},
		{b.AddNode("nowhere"), peerinfo.ErrAddress},
		{b.RemoveNode("127.0.0.1:1"), peerinfo.ErrNotAdded},
		{b.OneTry(t.Context(), "nowhere"), peerinfo.ErrAddress},
		{b.Disconnect(7), peerinfo.ErrNotConnected},
		{b.FetchBlock(7, wire.Hash{}), peerinfo.ErrNotConnected},
		{b.Ban("nobody", time.Time{}), peerinfo.ErrAddress},
		{b.Unban("192.0.2.0/24"), peerinfo.ErrNotBanned},
	} {
		if !errors.Is(c.err, c.want) {
			t.Errorf("the error is %v, want %v", c.err, c.want)
		}
	}
	if err := b.RemoveNode(a.addr()); err != nil || len(b.AddedNodes()) != 0 {
		t.Errorf("%v, %v", err, b.AddedNodes())
	}
	if err := b.OneTry(t.Context(), "127.0.0.1:1"); err != nil {
		t.Errorf("nobody is there: %v", err)
	}

	if err := a.Disconnect(seen.Num); err != nil {
		t.Fatal(err)
	}
	eventually(t, "they are parted", func() bool { return len(a.Peers())+len(b.Peers()) == 0 })

	// A ban without an end of its own lasts a day.
	if err := a.Ban(b.Host().ID(), time.Time{}); err != nil {
		t.Fatal(err)
	}
	if bans := a.Bans(); len(bans) != 1 || bans[0].Until.Sub(bans[0].Created) != 24*time.Hour || !bans[0].Created.Equal(w.now) {
		t.Errorf("%+v", bans)
	}
	if err := b.OneTry(t.Context(), a.addr()); err != nil || len(b.Peers()) != 0 {
		t.Errorf("banned: %v, %+v", err, b.Peers())
	}
	if err := a.ClearBans(); err != nil || len(a.Bans()) != 0 {
		t.Errorf("%v, %v", err, a.Bans())
	}
	a.SetActive(false)
	if err := b.OneTry(t.Context(), a.addr()); err != nil || len(b.Peers()) != 0 || a.Local().Active {
		t.Errorf("switched off: %v, %+v", err, b.Peers())
	}
	a.SetActive(true)
	if err := b.OneTry(t.Context(), a.addr()); err != nil || len(b.Peers()) != 1 {
		t.Errorf("switched on: %v, %+v", err, b.Peers())
	}
}

// A block off the best chain, of which a node has the header alone, comes from the
// peer that is asked for it.
func TestFetchBlock(t *testing.T) {
	w := newWorld(t)
	nodes := w.start(2, nil)
	a, b := nodes[0], nodes[1]
	stale := w.Mine()
	w.Goto("base")
	for _, block := range append([]*wire.Block{stale}, w.MineN(2)...) {
		if err := a.ledger.AddBlock(t.Context(), again(block)); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.OneTry(t.Context(), a.addr()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "b has a's chain", func() bool { return b.ledger.Tip().Tip == a.ledger.Tip().Tip })
	if _, err := b.ledger.AddHeaders([]wire.Header{stale.Header}); err != nil {
		t.Fatal(err)
	}
	if e, ok := b.ledger.Entry(stale.Hash()); !ok || e.Status.Has(ledger.HaveBody) {
		t.Fatalf("%+v, %v", e, ok)
	}
	num := b.Peers()[0].Num
	if err := b.FetchBlock(num, wire.Hash{1}); err != nil { // which nobody has
		t.Fatal(err)
	}
	if err := b.FetchBlock(num, stale.Hash()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the block has come", func() bool {
		e, _ := b.ledger.Entry(stale.Hash())
		return e.Status.Has(ledger.HaveBody)
	})
	if len(b.Peers()) != 1 {
		t.Error("the peer has been blamed")
	}
	eventually(t, "nothing is wished for any more", func() bool { return b.wishes.Load() == 0 })
	b.wishes.Store(maxWishes)
	if err := b.FetchBlock(num, stale.Hash()); !errors.Is(err, peerinfo.ErrAsked) {
		t.Errorf("error is %v", err)
	}
	b.wishes.Store(0)
}
