package host

import (
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/network"

	"github.com/keelson-chain/keelson/p2p/addrbook"
	"github.com/keelson-chain/keelson/p2p/message"
	"github.com/keelson-chain/keelson/p2p/peerinfo"
)

// stranger returns the address of a node that does not exist, the nth of many
// groups.
func stranger(n int) addrbook.Addr {
	ip := netip.AddrFrom4([4]byte{byte(11 + n%80), byte(n / 80), 1, byte(1 + n%250)})
	return addrbook.Addr{AddrPort: netip.AddrPortFrom(ip, 7333), Transport: addrbook.TCP, ID: strangerID}
}

// learn puts n strangers into the tables of a host.
func learn(h *Host, n int, seen time.Time) {
	for i := range n {
		k := addrbook.Known{Addr: stranger(i), Services: message.ServiceNetwork, Seen: seen}
		h.book.Add([]addrbook.Known{k}, netip.AddrPortFrom(stranger(i*7).AddrPort.Addr(), 1), 0, h.cfg.Now())
	}
}

// answerOf asks a peer for addresses and returns their texts, sorted.
func answerOf(t *testing.T, p *Peer) (list []string) {
	t.Helper()
	raw, err := p.Ask(t.Context(), message.NameAddrs, nil, message.MaxAnswer(message.NameAddrs, 4_000_000))
	if err != nil {
		t.Fatal(err)
	}
	m, err := message.DecodeAddresses(raw)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range m.List {
		list = append(list, a.Addr)
	}
	slices.Sort(list)
	return list
}

// publicly makes hosts of a network that is not one for development.
func publicly(_ int, c *Config) {
	c.Dev = false
	c.Outbound, c.BlockOnly = -1, -1
}

func mustConnect(t *testing.T, a, b *node) *Peer {
	t.Helper()
	p, err := a.Connect(t.Context(), b.info(), peerinfo.FullRelay)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// A host tells a part of what it knows, the same to all for a day, and news after
// that; whoever it called itself hears nothing.
func TestAnswers(t *testing.T) {
	simulateWith(t, 4, 0, publicly, func(t *testing.T, nodes []*node, _ []*raw) {
		a := nodes[0]
		known := 0
		learn(a.Host, 2000, a.cfg.Now().Add(-48*time.Hour))
		known = a.book.Len()
		first := mustConnect(t, nodes[1], a)
		one := answerOf(t, first)
		if most := known * answerPercent / 100; len(one) < most/2 || len(one) > most+newsInAnswer {
			t.Fatalf("%d addresses of %d", len(one), known)
		}
		two := answerOf(t, mustConnect(t, nodes[2], a))
		old := func(list []string) []string { // without the hosts of this test, which are news
			return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return !strings.HasSuffix(s, strangerID) })
		}
		if !slices.Equal(old(one), old(two)) {
			t.Errorf("another one gets another answer: %d and %d addresses", len(one), len(two))
		}
		if again := answerOf(t, first); len(again) > newsInAnswer || len(old(again)) != 0 {
			t.Errorf("asked again it tells of %d addresses", len(again))
		}
		// It has heard of the second one meanwhile, which said so itself.
		if again := answerOf(t, first); !slices.Equal(again, []string{nodes[2].anyAddr(t)}) {
			t.Errorf("the news are %v", again)
		}
		if err := a.Ban(nodes[2].ID(), time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		if again := answerOf(t, first); len(again) != 0 {
			t.Errorf("tells of a banned one: %v", again)
		}
		time.Sleep(28 * time.Hour)
		three := answerOf(t, mustConnect(t, nodes[3], a))
		if slices.Equal(old(one), old(three)) || len(three) == 0 {
			t.Errorf("the answer of a day ago: %d addresses", len(three))
		}

		// Called by a, b asks a.
		b := nodes[2]
		if err := a.Unban(b.ID()); err != nil {
			t.Fatal(err)
		}
		mustConnect(t, a, b)
		for len(b.Peers()) == 0 {
			time.Sleep(time.Second)
		}
		if list := answerOf(t, b.Peer(a.ID())); len(list) != 0 {
			t.Errorf("whom we called hears of %d addresses", len(list))
		}
	})
}

// News go from host to host.
func TestNewsSpread(t *testing.T) {
	simulateWith(t, 5, 0, func(i int, c *Config) {
		publicly(i, c)
		c.Discover = true
	}, func(t *testing.T, nodes []*node, _ []*raw) {
		// Each calls the next one; the last one hears of a node.
		for i := range len(nodes) - 1 {
			if _, err := nodes[i].Connect(t.Context(), nodes[i+1].info(), peerinfo.Manual); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Minute)
		k := addrbook.Known{Addr: stranger(5), Services: message.ServiceNetwork, Seen: nodes[0].cfg.Now()}
		nodes[4].news.add(k)
		time.Sleep(newsTime)
		for i, n := range nodes[:4] {
			if !slices.ContainsFunc(n.Addresses(0, ""), func(a peerinfo.Address) bool { return a.Multiaddr == k.String() }) {
				t.Errorf("node %d has not heard of it", i)
			}
		}
		if got := nodes[4].news.some(100, nodes[4].cfg.Now().Add(time.Second)); slices.ContainsFunc(got, func(o addrbook.Known) bool { return o.Addr == k.Addr }) {
			t.Error("still news after an hour")
		}
	})
}

// What a peer tells is taken in within limits, and for what it is worth.
func TestHear(t *testing.T) {
	simulateWith(t, 2, 0, publicly, func(t *testing.T, nodes []*node, _ []*raw) {
		a := nodes[0]
		p := mustConnect(t, a, nodes[1])
		before := a.book.Len()
		tell := func(n int, change func(i int, m *message.Address)) (taken, limited, added uint64) {
			taken, limited = p.addrTaken.Load(), p.addrLimited.Load()
			had := a.book.Len()
			var list []message.Address
			for i := range n {
				m := message.Address{Addr: stranger(before + i).String(), Services: message.ServiceNetwork, Time: a.cfg.Now().Unix()}
				if change != nil {
					change(i, &m)
				}
				list = append(list, m)
			}
			before += n
			a.hear(p, list)
			return p.addrTaken.Load() - taken, p.addrLimited.Load() - limited, uint64(a.book.Len() - had)
		}
		want := func(what string, n int, change func(i int, m *message.Address), taken, limited, added uint64) {
			t.Helper()
			if x, y, z := tell(n, change); x != taken || y != limited || z > added || z+2+added/10 < added { // places may be taken
				t.Errorf("%s: %d taken, %d too many, %d added; want %d, %d, %d", what, x, y, z, taken, limited, added)
			}
		}
		want("unasked", 10, nil, 0, 10, 0)
		time.Sleep(100 * time.Second)
		want("after 100 s", 30, nil, 10, 20, 10)
		p.tells.grant(answerGrant)
		want("asked", 100, nil, 100, 0, 100)
		for what, change := range map[string]func(i int, m *message.Address){
			"no address": func(_ int, m *message.Address) { m.Addr = "/x" },
			"private":    func(i int, m *message.Address) { m.Addr = fmt.Sprintf("/ip4/10.0.0.%d/tcp/1/p2p/%s", i, strangerID) },
			"no blocks":  func(_ int, m *message.Address) { m.Services = message.ServiceWitness },
			"ourselves":  func(_ int, m *message.Address) { m.Addr = strings.Replace(m.Addr, strangerID, a.ID(), 1) },
		} {
			want(what, 10, change, 10, 0, 0)
		}
		if err := a.Ban(strangerID, time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		want("banned", 10, nil, 10, 0, 0)
		if err := a.ClearBans(); err != nil {
			t.Fatal(err)
		}
		now := a.cfg.Now()
		for what, test := range map[string]struct {
			time int64
			want time.Time
		}{
			"the future": {now.Add(time.Hour).Unix(), now.Add(-unknowing - hearsay)},
			"never":      {0, now.Add(-unknowing - hearsay)},
			"yesterday":  {now.Add(-24 * time.Hour).Unix(), now.Add(-24*time.Hour - hearsay)},
		} {
			addr := ""
			for try := 0; ; try++ { // places may be taken
				if _, _, added := tell(1, func(_ int, m *message.Address) { m.Time, addr = test.time, m.Addr }); added == 1 || try == 5 {
					break
				}
			}
			i := slices.IndexFunc(a.Slots(), func(s peerinfo.Slot) bool { return s.Multiaddr == addr })
			if i < 0 {
				t.Fatalf("%s: %s is not there", what, addr)
			}
			if seen := a.Slots()[i].Seen; seen.Unix() != test.want.Unix() {
				t.Errorf("%s: seen at %v, want %v", what, seen, test.want)
			}
		}
		if i := p.Info(); i.AddrProcessed == 0 || i.AddrRateLimited != 30 {
			t.Errorf("%d processed, %d too many", i.AddrProcessed, i.AddrRateLimited)
		}
	})
}

// An answer that is none costs as much as any malformed message.
func TestMalformedAnswer(t *testing.T) {
	simulate(t, 1, 1, func(t *testing.T, nodes []*node, raws []*raw) {
		n, r := nodes[0], raws[0]
		r.lib.SetStreamHandler(r.protocol(message.NameAddrs), func(s network.Stream) {
			_, _ = io.ReadAll(s)
			_, _ = s.Write(message.AppendFrame(nil, []byte{1, 2, 3}))
			_ = s.Close()
		})
		_, p := r.greet(n)
		n.askAddresses(t.Context(), p, true)
		r.awaitHungUp(n)
		if len(n.Bans()) == 0 {
			t.Error("not banned")
		}
	})
}

// News are bounded, and forgotten.
func TestNews(t *testing.T) {
	var n news
	now := time.Unix(1_700_000_000, 0)
	for i := range 2 * maxNews {
		n.add(addrbook.Known{Addr: stranger(i), Seen: now.Add(time.Duration(i) * time.Second)})
		n.add(addrbook.Known{Addr: stranger(i), Seen: now.Add(time.Duration(i) * time.Second)})
	}
	if got := n.some(10*maxNews, now); len(got) != maxNews {
		t.Errorf("%d", len(got))
	}
	if got := n.some(5, now); len(got) != 5 {
		t.Errorf("%d", len(got))
	}
	if got := n.some(10, now.Add(newsTime+time.Duration(2*maxNews-4)*time.Second)); len(got) != 4 {
		t.Errorf("%d are left", len(got))
	}
}
