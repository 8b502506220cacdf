package host

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keelson-chain/keelson/p2p/addrbook"
	"github.com/keelson-chain/keelson/p2p/message"
	"github.com/keelson-chain/keelson/p2p/peerinfo"
)

// ticking is a Handler that ticks when peers come and go.
type ticking struct {
	*recorder
	tick chan struct{}
}

func (h ticking) Disconnected(*Peer) { h.ring() }

func (h ticking) Connected(p *Peer) {
	go func() { // Peers has it once this is over
		<-p.ready
		h.ring()
	}()
}

func (h ticking) ring() {
	select {
	case h.tick <- struct{}{}:
	default:
	}
}

// town is some hosts whose coming and going is watched.
type town struct {
	tick chan struct{}
}

func newTown() *town { return &town{make(chan struct{}, 1)} }

func (w *town) start(t *testing.T, change func(*Config)) *node {
	t.Helper()
	return start(t, func(c *Config) {
		c.Handler = ticking{newRecorder(), w.tick}
		c.Outbound, c.BlockOnly = -1, -1
		if change != nil {
			change(c)
		}
	})
}

// await waits until something holds, looking again whenever somebody comes or
// goes.
func (w *town) await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	limit := time.After(30 * time.Second)
	for !holds() {
		select {
		case <-w.tick:
		case <-limit:
			t.Fatalf("%s: not in time", what)
		}
	}
}

// peersOf returns the ids of a node's peers of one kind, or of all kinds.
func peersOf(n *node, kind peerinfo.Kind) (ids []string) {
	for _, p := range n.Peers() {
		if kind == "" || p.Kind() == kind {
			ids = append(ids, p.ID())
		}
	}
	slices.Sort(ids)
	return ids
}

// tell lets a node know where others are. Places are a matter of luck, so many
// tell it.
func tell(t testing.TB, n *node, others ...*node) {
	t.Helper()
	for _, o := range others {
		tellOf(t, n, o.anyAddr(t))
	}
}

func tellOf(t testing.TB, n *node, addr string) {
	t.Helper()
	a, err := addrbook.ParseAddr(addr)
	if err != nil {
		t.Fatal(err)
	}
	k := addrbook.Known{Addr: a, Services: message.ServiceNetwork, Seen: n.cfg.Now()}
	for i := range 100 {
		source := netip.AddrPortFrom(netip.AddrFrom4([4]byte{9, byte(i), 0, 1}), 1)
		if n.book.Add([]addrbook.Known{k}, source, 0, n.cfg.Now()) == 1 {
			n.stir()
			return
		}
	}
	t.Fatal("no room for an address")
}

// anyAddr returns an address of the node on whatever it listens.
func (n *node) anyAddr(t testing.TB) string {
	t.Helper()
	list := n.lib.Network().ListenAddresses()
	if len(list) == 0 {
		t.Fatal("the node does not listen")
	}
	return list[0].String() + "/p2p/" + n.ID()
}

// Twelve nodes that know one seed find each other.
func TestFindEachOther(t *testing.T) {
	w := newTown()
	seed := w.start(t, nil)
	nodes := []*node{seed}
	for range 11 {
		nodes = append(nodes, w.start(t, func(c *Config) {
			c.Outbound, c.BlockOnly = 2, 1
			c.Discover = true
			c.Seeds = []string{seed.addr(t, "tcp")}
		}))
	}
	w.await(t, "everybody has peers", func() bool {
		for _, n := range nodes[1:] {
			all := len(n.Peers()) == len(nodes)-1 // whoever else it would call has called it
			if !all && (len(peersOf(n, peerinfo.FullRelay)) < 2 || len(peersOf(n, peerinfo.BlockOnly)) < 1) {
				return false
			}
		}
		return true
	})
	// All of them are one network, even without the seed.
	near := map[string]*node{}
	for _, n := range nodes[1:] {
		near[n.ID()] = n
	}
	reached := map[string]bool{nodes[1].ID(): true}
	for queue := []*node{nodes[1]}; len(queue) > 0; queue = queue[1:] {
		for _, id := range peersOf(queue[0], "") {
			if next := near[id]; next != nil && !reached[id] {
				reached[id] = true
				queue = append(queue, next)
			}
		}
	}
	if len(reached) != 11 {
		t.Errorf("%d of 11 nodes are connected", len(reached))
	}
	for i, n := range nodes[1:] {
		if err := n.book.Check(); err != nil {
			t.Errorf("node %d: %v", i, err)
		}
		for _, p := range n.Peers() {
			if p.ID() == n.ID() {
				t.Errorf("node %d is connected to itself", i)
			}
		}
	}
}

// A node that starts again begins with the block-only peers that it had.
func TestAnchors(t *testing.T) {
	w := newTown()
	dir := t.TempDir()
	var others []*node
	for range 6 {
		others = append(others, w.start(t, nil))
	}
	change := func(c *Config) {
		c.Dir, c.Discover, c.BlockOnly = dir, true, 2
	}
	a := w.start(t, change)
	tell(t, a, others...)
	w.await(t, "two block-only peers", func() bool { return len(peersOf(a, peerinfo.BlockOnly)) == 2 })
	before := peersOf(a, peerinfo.BlockOnly)
	a.stop()
	// Without any other address, the anchors are all that is left.
	if err := os.Remove(filepath.Join(dir, peersFile)); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		a = w.start(t, change)
		w.await(t, "the anchors", func() bool { return len(peersOf(a, peerinfo.BlockOnly)) == 2 })
		if after := peersOf(a, peerinfo.BlockOnly); !slices.Equal(after, before) {
			t.Fatalf("connected to %v, before to %v", after, before)
		}
		if _, err := os.Stat(filepath.Join(dir, anchorsFile)); !errors.Is(err, os.ErrNotExist) {
			t.Error("the file of anchors stays:", err)
		}
		a.stop()
	}
}

// What is saved at the end knows that those were seen who were connected.
func TestSavedAtTheEnd(t *testing.T) {
	dir := t.TempDir()
	simulateWith(t, 2, 0, func(i int, c *Config) {
		c.Outbound, c.BlockOnly = -1, -1
		if i == 0 {
			c.Dir, c.Discover, c.Outbound = dir, true, 1
		}
	}, func(t *testing.T, nodes []*node, _ []*raw) {
		a := nodes[0]
		tell(t, a, nodes[1])
		time.Sleep(3 * time.Hour)
		if len(a.Peers()) != 1 {
			t.Fatal("not connected")
		}
		a.stop()
		book, err := addrbook.Load(filepath.Join(dir, peersFile), addrbook.Config{Genesis: testGenesis, Dev: true})
		if err != nil {
			t.Fatal(err)
		}
		list := book.Addresses(0, 0, "", time.Now())
		if len(list) != 1 || time.Since(list[0].Seen) > time.Minute {
			t.Errorf("saved %+v at %v", list, time.Now())
		}
	})
}

// A node whose peers vanish finds others among the addresses that it has saved
// and heard of.
func TestPeersVanish(t *testing.T) {
	w := newTown()
	dir := t.TempDir()
	var others []*node
	for range 5 {
		// A call of a UDP port at which nobody is takes 5 seconds.
		others = append(others, w.start(t, func(c *Config) { c.Listen = c.Listen[:1] }))
	}
	change := func(c *Config) { c.Dir, c.Discover, c.Outbound = dir, true, 2 }
	a := w.start(t, change)
	tell(t, a, others...)
	a.stop()
	a = w.start(t, change)
	left := map[string]*node{}
	for _, o := range others {
		left[o.ID()] = o
	}
	for range 2 {
		w.await(t, "two peers", func() bool { return len(peersOf(a, peerinfo.FullRelay)) == 2 })
		for _, id := range peersOf(a, peerinfo.FullRelay) {
			left[id].stop()
			delete(left, id)
		}
		w.await(t, "they are gone", func() bool {
			return !slices.ContainsFunc(peersOf(a, ""), func(id string) bool { return left[id] == nil })
		})
	}
	w.await(t, "the last one", func() bool { return len(peersOf(a, peerinfo.FullRelay)) == 1 })
}

// A node that was added by hand and starts again is found again, named with its
// id or without.
func TestAddedNodeRestarts(t *testing.T) {
	for _, name := range []string{"multi-address", "HOST:PORT"} {
		t.Run(name, func(t *testing.T) {
			w := newTown()
			dir := t.TempDir()
			b := w.start(t, func(c *Config) { c.Dir = dir })
			at := b.addr(t, "tcp")
			node, id := at, b.ID()
			if name == "HOST:PORT" {
				node = strings.ReplaceAll(strings.TrimPrefix(strings.TrimSuffix(at, "/p2p/"+id), "/ip4/"), "/tcp/", ":")
			}
			listen := strings.TrimSuffix(at, "/p2p/"+id)
			a := w.start(t, nil)
			if err := a.AddNode(node); err != nil {
				t.Fatal(err)
			}
			if err := a.AddNode(node); !errors.Is(err, peerinfo.ErrAdded) {
				t.Error("added twice:", err)
			}
			for range 2 {
				w.await(t, "the added node", func() bool { return len(peersOf(a, peerinfo.Manual)) == 1 })
				list := a.AddedNodes()
				if len(list) != 1 || list[0].Addr != node || len(list[0].Peers) != 1 || list[0].Peers[0].Inbound {
					t.Errorf("added nodes: %+v", list)
				}
				b.stop()
				w.await(t, "its end", func() bool { return len(a.Peers()) == 0 })
				if list := a.AddedNodes(); len(list) != 1 || len(list[0].Peers) != 0 {
					t.Errorf("added nodes: %+v", list)
				}
				b = w.start(t, func(c *Config) { c.Dir, c.Listen = dir, []string{listen} })
			}
			w.await(t, "the added node", func() bool { return len(peersOf(a, peerinfo.Manual)) == 1 })
			if err := a.RemoveNode(node); err != nil {
				t.Error(err)
			}
			if err := a.RemoveNode(node); !errors.Is(err, peerinfo.ErrNotAdded) {
				t.Error("removed twice:", err)
			}
			if len(a.Peers()) != 1 || len(a.AddedNodes()) != 0 {
				t.Error("the connection ended with the list")
			}
		})
	}
}

// What the operator names must make sense.
func TestNamesRefused(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"Connect": func(c *Config) { c.Connect = []string{"127.0.0.1"} },
		"AddNode": func(c *Config) { c.AddNode = []string{"127.0.0.1:0"} },
		"Seeds":   func(c *Config) { c.Seeds = []string{"/ip4/127.0.0.1"} },
	} {
		cfg := testConfig()
		cfg.Handler = newRecorder()
		change(&cfg)
		if _, err := New(cfg); !errors.Is(err, peerinfo.ErrAddress) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Under virtual time: an hour of a host that may not look for others, or only
// for the one that it was told of.
func TestOnlyNamed(t *testing.T) {
	for name, change := range map[string]func(*Config, string){
		"no discovery": func(c *Config, _ string) { c.Seeds = nil },
		"connect":      func(c *Config, b string) { c.Discover, c.Connect = true, []string{b} },
		"added":        func(c *Config, b string) { c.AddNode = []string{b} },
	} {
		t.Run(name, func(t *testing.T) {
			var named string
			simulateWith(t, 4, 0, func(i int, c *Config) {
				c.Feelers = true
				switch i {
				case 0:
					named = addrOf(c)
				case 3:
					c.Seeds = []string{named}
					change(c, named)
				}
			}, func(t *testing.T, nodes []*node, _ []*raw) {
				b, a := nodes[0], nodes[3]
				tell(t, a, nodes[1], nodes[2])
				time.Sleep(time.Hour)
				var want []string
				if name != "no discovery" {
					want = []string{b.ID()}
				}
				if got := peersOf(a, ""); !slices.Equal(got, want) {
					t.Errorf("peers %v, want %v", got, want)
				}
				for _, n := range nodes[1:3] {
					if n.nums != 0 {
						t.Errorf("%d connections to a node that was not named", n.nums)
					}
				}
			})
		})
	}
}

// addrOf returns the address of a simulated host.
func addrOf(c *Config) string {
	return c.Libp2p.Addrs()[0].String() + "/p2p/" + c.Libp2p.ID().String()
}

// Feelers move addresses that work to the tried, and leave.
func TestFeelers(t *testing.T) {
	simulateWith(t, 5, 0, func(i int, c *Config) {
		if i == 0 {
			c.Discover, c.Feelers = true, true
			c.Outbound, c.BlockOnly = -1, -1
		}
	}, func(t *testing.T, nodes []*node, _ []*raw) {
		a := nodes[0]
		tell(t, a, nodes[1:]...)
		wrong := strings.Replace(nodes[1].anyAddr(t), nodes[1].ID(), strangerID, 1) // somebody else is there
		tellOf(t, a, wrong)
		if tried(a) != 0 {
			t.Fatal("tried already")
		}
		time.Sleep(2 * time.Hour)
		// Once in a while two of them share a place among the tried; then the one that
		// came first is called whenever the other one works.
		shared := tried(a) == 3
		if got := tried(a); got != 4 && !shared {
			t.Errorf("%d of 4 addresses are tried", got)
		}
		if got := a.book.Len(); got != 5 {
			t.Errorf("%d addresses", got)
		}
		if len(a.Peers()) != 0 {
			t.Error("a feeler stayed")
		}
		for _, n := range nodes[1:] {
			if n.nums == 0 || n.nums > 2 && !shared {
				t.Errorf("called %d times", n.nums)
			}
		}
	})
}

// strangerID is the id of nobody.
const strangerID = "12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN"

func tried(n *node) (sum int) {
	for _, s := range n.TableSizes() {
		sum += s.Tried
	}
	return sum
}

// On a real network, peers that we call are of different groups; the simulated
// hosts are all of one.
func TestOnePerGroup(t *testing.T) {
	simulateWith(t, 5, 0, func(i int, c *Config) {
		c.Dev = false
		c.Outbound, c.BlockOnly = -1, -1
		if i == 0 {
			c.Discover = true
			c.Outbound, c.BlockOnly = 8, 2
		}
	}, func(t *testing.T, nodes []*node, _ []*raw) {
		a := nodes[0]
		groups := map[string]bool{}
		for _, n := range nodes {
			groups[addrbook.Group(ipOf(n.lib.Addrs()[0])).String()] = true
		}
		if len(groups) != 1 {
			t.Fatalf("the hosts are of groups %v", groups)
		}
		tell(t, a, nodes[1:]...)
		time.Sleep(time.Hour)
		if len(a.Peers()) != 1 {
			t.Errorf("%d peers of one group", len(a.Peers()))
		}
		if ids := peersOf(a, peerinfo.FullRelay); len(ids) != 1 {
			t.Errorf("peers for everything: %v", ids)
		}
	})
}

// While the chain does not grow, one more peer is called for a while, and of all
// the one that brings no blocks goes.
func TestStale(t *testing.T) {
	stale := make(chan bool, 1)
	stale <- false
	simulateWith(t, 5, 0, func(i int, c *Config) {
		c.Outbound, c.BlockOnly = -1, -1
		if i == 0 {
			c.Discover = true
			c.Outbound = 2
			c.Stale = func() bool { v := <-stale; stale <- v; return v }
		}
	}, func(t *testing.T, nodes []*node, _ []*raw) {
		a := nodes[0]
		tell(t, a, nodes[1:]...)
		time.Sleep(10 * time.Minute)
		first := a.Peers()
		if len(first) != 2 {
			t.Fatalf("%d peers", len(first))
		}
		first[0].NoteBlock()
		<-stale
		stale <- true
		time.Sleep(time.Minute)
		three := a.Peers()
		if len(three) != 3 {
			t.Fatalf("%d peers while the chain is stale", len(three))
		}
		three[2].NoteBlock() // the new one knows more
		time.Sleep(time.Minute)
		two := a.Peers()
		if len(two) != 2 || two[0] != first[0] || two[1] != three[2] {
			t.Errorf("the wrong one went: %v of %v", peersOf(a, ""), first)
		}
		time.Sleep(20 * time.Minute)
		<-stale
		stale <- false
		time.Sleep(5 * time.Minute)
		if n := len(a.Peers()); n != 2 {
			t.Errorf("%d peers in the end", n)
		}
	})
}

// A node that has block-only peers alone, and knows nobody else, makes one of them
// a peer for everything.
func TestSwap(t *testing.T) {
	dir := t.TempDir()
	simulateWith(t, 2, 0, func(i int, c *Config) {
		c.Outbound, c.BlockOnly = -1, -1
		if i == 1 {
			c.Dir, c.Discover = dir, true
			c.Outbound, c.BlockOnly = 1, 1
			return
		}
		a, err := addrbook.ParseAddr(addrOf(c))
		if err == nil {
			anchor := addrbook.Known{Addr: a, Services: message.ServiceNetwork, Seen: time.Now()}
			err = addrbook.SaveAnchors(filepath.Join(dir, anchorsFile), c.Genesis, []addrbook.Known{anchor})
		}
		if err != nil {
			t.Fatal(err)
		}
	}, func(t *testing.T, nodes []*node, _ []*raw) {
		a := nodes[1]
		time.Sleep(time.Second)
		if ids := peersOf(a, peerinfo.BlockOnly); len(ids) != 1 {
			t.Fatalf("block-only peers: %v", ids)
		}
		tell(t, a, nodes[0])
		time.Sleep(a.timing.settle + 10*time.Second)
		if ids := peersOf(a, peerinfo.FullRelay); len(ids) != 1 || len(a.Peers()) != 1 {
			t.Errorf("peers for everything: %v", ids)
		}
	})
}

// Switched off, nobody is called; switched on, everybody is at once.
func TestInactiveCallsNobody(t *testing.T) {
	simulateWith(t, 3, 0, func(i int, c *Config) {
		if i == 0 {
			c.Discover, c.Inactive = true, true
		}
	}, func(t *testing.T, nodes []*node, _ []*raw) {
		a := nodes[0]
		tell(t, a, nodes[1])
		if err := a.AddNode(nodes[2].anyAddr(t)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		if len(a.Peers()) != 0 {
			t.Fatal("peers of a host that is switched off")
		}
		a.SetNetworkActive(true)
		time.Sleep(5 * time.Second)
		if len(a.Peers()) != 2 {
			t.Errorf("%d peers", len(a.Peers()))
		}
	})
}

// An address that does not work is called less and less often.
func TestBackoff(t *testing.T) {
	b := backoff{time.Second, time.Minute}
	for failures, most := range []time.Duration{1: time.Second, 2: 2 * time.Second, 3: 4 * time.Second, 7: time.Minute, 1000: time.Minute} {
		if most == 0 {
			continue
		}
		for range 100 {
			if got := b.after(failures); got < most*3/4 || got > most {
				t.Fatalf("%v after %d failures", got, failures)
			}
		}
	}
}
