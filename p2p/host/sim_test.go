package host

import (
	"context"
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/x/simlibp2p"
	"github.com/marcopolo/simnet"

	"github.com/keelson-chain/keelson/p2p/message"
	"github.com/keelson-chain/keelson/p2p/peerinfo"
	"github.com/keelson-chain/keelson/wire"
)

// simulate runs hosts on a simulated network under virtual time, 25 ms between
// any two, 50 Mbit/s each, and with them libp2p hosts for the test to misuse.
func simulate(t *testing.T, hosts, raws int, f func(t *testing.T, nodes []*node, raws []*raw)) {
	simulateWith(t, hosts, raws, nil, f)
}

// simulateWith is simulate with hosts that differ in their Config.
func simulateWith(t *testing.T, hosts, raws int, change func(i int, c *Config), f func(t *testing.T, nodes []*node, raws []*raw)) {
	synctest.Test(t, func(t *testing.T) {
		link := simnet.LinkSettings{BitsPerSecond: 50 * simlibp2p.OneMbps}
		net, meta, err := simlibp2p.SimpleLibp2pNetwork([]simlibp2p.NodeLinkSettingsAndCount{{
			LinkSettings: simnet.NodeBiDiLinkSettings{Downlink: link, Uplink: link}, Count: hosts + raws,
		}}, simnet.StaticLatency(25*time.Millisecond), simlibp2p.NetworkSettings{UseBlankHost: true})
		if err != nil {
			t.Fatal(err)
		}
		net.Start()
		defer net.Close()
		var nodes []*node
		for i, lib := range meta.Nodes[:hosts] {
			nodes = append(nodes, start(t, func(c *Config) {
				c.Libp2p = lib
				if change != nil {
					change(i, c)
				}
			}))
		}
		var others []*raw
		for _, lib := range meta.Nodes[hosts:] {
			others = append(others, wrapRaw(t, lib))
		}
		f(t, nodes, others)
		for _, n := range nodes {
			n.stop()
		}
		for _, lib := range meta.Nodes {
			_ = lib.Close()
		}
	})
}

func (n *node) info() peer.AddrInfo {
	return peer.AddrInfo{ID: n.lib.ID(), Addrs: n.lib.Network().ListenAddresses()}
}

func TestSimulated(t *testing.T) {
	simulate(t, 3, 0, func(t *testing.T, nodes []*node, _ []*raw) {
		a, b, c := nodes[0], nodes[1], nodes[2]
		began := time.Now()
		p, err := a.Connect(t.Context(), b.info(), peerinfo.FullRelay)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Connect(t.Context(), a.info(), peerinfo.FullRelay); err != nil {
			t.Fatal(err)
		}
		// Two round trips for the connection, half a one for the greeting.
		if d := time.Since(began); d > time.Second {
			t.Errorf("connected after %v", d)
		}
		b.serving(func(_ context.Context, _ *Peer, _ string, request []byte, answer func([]byte) error) error {
			return answer(request)
		})
		began = time.Now()
		if _, err := p.Ask(t.Context(), message.NameBlockTxn, []byte("x"), 10); err != nil {
			t.Fatal(err)
		}
		// One round trip, since nothing waits for the choice of the protocol.
		if d := time.Since(began); d > 60*time.Millisecond {
			t.Errorf("answered after %v, a round trip is 50ms", d)
		}
		p.Send(&message.Push{On: true})
		if r := await(t, "a message", b.received); !r.m.(*message.Push).On {
			t.Error("another message")
		}
		time.Sleep(10 * time.Minute) // nobody is lost
		if least, last := p.Latency(); least < 50*time.Millisecond || last > 60*time.Millisecond {
			t.Errorf("latency %v, %v", least, last)
		}
		if len(a.Peers()) != 2 || len(b.Peers()) != 1 || len(c.Peers()) != 1 {
			t.Errorf("%d, %d, %d peers", len(a.Peers()), len(b.Peers()), len(c.Peers()))
		}
	})
}

// A peer that does not answer costs no longer than AnswerTime, one that stops in
// the middle no longer than answerGrace, and a trickle is no better.
func TestSimulatedSlowAnswers(t *testing.T) {
	simulate(t, 2, 0, func(t *testing.T, nodes []*node, _ []*raw) {
		a, b := nodes[0], nodes[1]
		p, err := a.Connect(t.Context(), b.info(), peerinfo.FullRelay)
		if err != nil {
			t.Fatal(err)
		}
		for _, test := range []struct {
			name  string
			serve func(ctx context.Context, answer func([]byte) error) error
			most  time.Duration
		}{
			{"silent", func(ctx context.Context, _ func([]byte) error) error {
				<-ctx.Done()
				return ctx.Err()
			}, AnswerTime + time.Second},
			{"stops", func(ctx context.Context, answer func([]byte) error) error {
				_ = answer(make([]byte, 1000))
				<-ctx.Done()
				return ctx.Err()
			}, answerGrace + time.Second},
			{"trickles", func(ctx context.Context, answer func([]byte) error) error {
				for ctx.Err() == nil {
					if err := answer(make([]byte, 1000)); err != nil {
						return err
					}
					_ = sleep(ctx, time.Second)
				}
				return nil
			}, answerGrace + time.Second},
		} {
			b.serving(func(ctx context.Context, _ *Peer, _ string, _ []byte, answer func([]byte) error) error {
				ctx, cancel := context.WithTimeout(ctx, time.Minute)
				defer cancel()
				return test.serve(ctx, answer)
			})
			began := time.Now()
			err := p.AskMany(t.Context(), message.NameBlocks, nil, 1000, func([]byte) error { return nil })
			wantErr(t, err, ErrTimeout)
			if d := time.Since(began); d > test.most {
				t.Errorf("%s: took %v", test.name, d)
			}
		}
		// The time that we take ourselves does not count.
		b.serving(func(_ context.Context, _ *Peer, _ string, _ []byte, answer func([]byte) error) error {
			return answerAll(answer, make([]byte, 1000), make([]byte, 1000))
		})
		if err := p.AskMany(t.Context(), message.NameBlocks, nil, 1000, func([]byte) error {
			time.Sleep(time.Minute)
			return nil
		}); err != nil {
			t.Errorf("slow ourselves: %v", err)
		}
	})
}

func answerAll(answer func([]byte) error, frames ...[]byte) error {
	for _, f := range frames {
		if err := answer(f); err != nil {
			return err
		}
	}
	return nil
}

// awaitGone waits until the connection of p is over and returns how long it took
// since began.
func awaitGone(t testing.TB, n *node, p *Peer, began time.Time, reason string) time.Duration {
	t.Helper()
	select {
	case gone := <-n.disconnected:
		if gone != p || p.reason().Error() != reason {
			t.Errorf("gone because %q, want %q", p.reason(), reason)
		}
	case <-time.After(10 * time.Minute):
		t.Errorf("not gone after ten minutes, want %q", reason)
	}
	return time.Since(began)
}

// drip writes a byte a second until that fails.
func drip(s io.Writer) {
	for {
		if _, err := s.Write([]byte{0}); err != nil {
			return
		}
		time.Sleep(time.Second)
	}
}

// A connection on which no greeting comes, or none that ends, is soon over.
func TestSimulatedSlowGreetings(t *testing.T) {
	for name, do := range map[string]func(*node, *raw){
		"nothing": func(*node, *raw) {},
		"streams without greeting": func(n *node, r *raw) {
			for _, name := range message.Requests() {
				if s := r.open(n, name); s != nil {
					_, _ = s.Write(make([]byte, 100))
				}
			}
		},
		"relay stream": func(n *node, r *raw) {
			if s := r.open(n, message.NameRelay); s != nil {
				_, _ = s.Write([]byte{0})
			}
		},
		"drip": func(n *node, r *raw) {
			if s := r.open(n, message.NameRelay); s != nil {
				hello := message.AppendRelayFrame(nil, rawHello())
				_, _ = s.Write(hello[:len(hello)-100])
				drip(s)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			simulate(t, 1, 1, func(t *testing.T, nodes []*node, raws []*raw) {
				n, r := nodes[0], raws[0]
				r.call(n)
				began := time.Now()
				var wg sync.WaitGroup
				wg.Go(func() { do(n, r) })
				r.awaitHungUp(n)
				if d := time.Since(began); d < helloTime/2 || d > helloTime+time.Second {
					t.Errorf("hung up after %v", d)
				}
				if len(n.connected) != 0 {
					t.Error("it has become a peer")
				}
				wg.Wait()
			})
		})
	}
}

// Peers that begin and do not end, or do not read.
func TestSimulatedSlowPeers(t *testing.T) {
	big := message.MaxPayload(message.KindCompact, testConfig().MaxBlockWeight)
	for _, test := range []struct {
		name, reason string
		do           func(n *node, p *Peer, r *raw, s network.Stream)
		most         time.Duration
	}{
		{"length", "too slow: a message that began does not end", func(_ *node, _ *Peer, _ *raw, s network.Stream) {
			_, _ = s.Write([]byte{9, 0, 0})
		}, frameGrace + time.Second},
		{"payload", "too slow: a message that began does not end", func(_ *node, _ *Peer, _ *raw, s network.Stream) {
			_, _ = s.Write(frame(uint32(big), message.KindCompact))
			drip(s)
		}, frameGrace + time.Duration(big)*time.Second/frameSpeed + time.Second},
		{"pings", "does not answer pings", func(*node, *Peer, *raw, network.Stream) {}, 2*pingTimeout + time.Second},
		{"does not read", "too slow: does not read what it is sent", func(_ *node, p *Peer, _ *raw, _ network.Stream) {
			for p.Send(&message.Inv{WTxIDs: make([]wire.Hash, message.MaxInv)}) {
			}
		}, 2 * writeGrace},
		{"requests", "misbehaves: a txs request that does not end", func(n *node, p *Peer, r *raw, _ network.Stream) {
			for range BanScore/slowPoints + 1 {
				if s := r.open(n, message.NameTxs); s != nil {
					_, _ = s.Write([]byte{1, 0, 0, 0})
				}
			}
		}, requestTime + time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			simulate(t, 1, 1, func(t *testing.T, nodes []*node, raws []*raw) {
				n, r := nodes[0], raws[0]
				r.lib.SetStreamHandler(r.protocol(message.NameRelay), func(network.Stream) {}) // and never reads
				s, p := r.greet(n)
				began := time.Now()
				var wg sync.WaitGroup
				wg.Go(func() { test.do(n, p, r, s) })
				if d := awaitGone(t, n, p, began, test.reason); d > test.most {
					t.Errorf("took %v, at most %v is right", d, test.most)
				}
				wg.Wait()
			})
		})
	}
}

// A peer that does not read its answers loses them, and only them.
func TestSimulatedUnreadAnswers(t *testing.T) {
	simulate(t, 1, 1, func(t *testing.T, nodes []*node, raws []*raw) {
		n, r := nodes[0], raws[0]
		failed := make(chan error, 1)
		n.serving(func(_ context.Context, _ *Peer, _ string, _ []byte, answer func([]byte) error) error {
			for {
				if err := answer(make([]byte, 1<<20)); err != nil {
					failed <- err
					return err
				}
			}
		})
		_, p := r.greet(n)
		began := time.Now()
		s := r.open(n, message.NameBlocks)
		_, _ = s.Write(message.AppendFrame(nil, nil))
		<-failed
		if d := time.Since(began); d > 2*(writeGrace+(1<<20)*time.Second/writeSpeed) {
			t.Errorf("the answer was over after %v", d)
		}
		if p.ctx.Err() != nil {
			t.Errorf("the peer is gone: %v", p.reason())
		}
	})
}

// What was overtaken while it waited is not sent.
func TestSimulatedSendUnless(t *testing.T) {
	simulate(t, 2, 0, func(t *testing.T, nodes []*node, _ []*raw) {
		a, b := nodes[0], nodes[1]
		p, err := a.Connect(t.Context(), b.info(), peerinfo.FullRelay)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 10 {
			if !p.SendUnless(&message.FeeFilter{Rate: wire.Amount(i)}, func() bool { return i%2 == 1 }) {
				t.Error("not queued")
			}
		}
		for i := 0; i < 10; i += 2 {
			if r := await(t, "a message", b.received); r.m.(*message.FeeFilter).Rate != wire.Amount(i) {
				t.Errorf("%+v, want %d", r.m, i)
			}
		}
		synctest.Wait()
		if len(b.received) != 0 {
			t.Errorf("%d more messages", len(b.received))
		}
	})
}

// Feelers and address fetches end by themselves; nobody else hears of them.
func TestSimulatedFeeler(t *testing.T) {
	simulate(t, 2, 0, func(t *testing.T, nodes []*node, _ []*raw) {
		a, b := nodes[0], nodes[1]
		for _, kind := range []peerinfo.Kind{peerinfo.Feeler, peerinfo.AddressFetch} {
			p, err := a.Connect(t.Context(), b.info(), kind)
			if err != nil || p.Kind() != kind || p.Hello().Height != 7 {
				t.Fatalf("%v, %v", p, err)
			}
			if kind == peerinfo.AddressFetch {
				tell(t, b, a, b)
				answer, err := p.Ask(t.Context(), message.NameAddrs, nil, 1000)
				if err != nil {
					t.Fatal(err)
				}
				// Nobody is told of himself.
				if m, err := message.DecodeAddresses(answer); err != nil || len(m.List) != 1 || m.List[0].Addr != b.anyAddr(t) {
					t.Errorf("%+v, %v", m, err)
				}
			}
			await(t, "the feeler", b.connected)
			if len(a.Peers()) != 0 {
				t.Error("it is a peer like any other")
			}
			time.Sleep(2 * fetchTime)
			await(t, "its end", b.disconnected)
		}
		if len(a.connected)+len(a.disconnected) != 0 {
			t.Error("the handler heard of it")
		}
		if _, err := a.Connect(t.Context(), b.info(), peerinfo.BlockOnly); err != nil {
			t.Fatal(err)
		}
		if p := await(t, "the block-only peer", b.connected); p.Hello().Relay {
			t.Error("a block-only peer asks for transactions")
		}
	})
}

// The connections stand after an hour, and the node may stop at any moment.
func TestSimulatedHour(t *testing.T) {
	simulate(t, 6, 0, func(t *testing.T, nodes []*node, _ []*raw) {
		for i, a := range nodes {
			for _, b := range nodes[:i] {
				if _, err := a.Connect(t.Context(), b.info(), peerinfo.FullRelay); err != nil {
					t.Fatal(err)
				}
			}
		}
		time.Sleep(time.Hour)
		for i, n := range nodes {
			if got := len(n.Peers()); got != len(nodes)-1 || len(n.disconnected) != 0 {
				t.Errorf("node %d: %d peers, %d are gone", i, got, len(n.disconnected))
			}
		}
	})
}

// Those that call and say nothing do not keep out those that greet.
func TestSimulatedCrowd(t *testing.T) {
	simulate(t, 2, 2*maxGreeting, func(t *testing.T, nodes []*node, raws []*raw) {
		n, friend := nodes[0], nodes[1]
		// In simulations all addresses differ.
		call := func(raws []*raw) {
			var wg sync.WaitGroup
			for _, r := range raws {
				wg.Go(func() { _ = r.lib.Connect(t.Context(), n.info()) })
			}
			wg.Wait()
		}
		call(raws[:maxGreeting])
		last := raws[maxGreeting]
		last.call(n)
		began := time.Now()
		last.awaitHungUp(n) // it came before anybody had had time to greet
		if d := time.Since(began); d > greetingSpare {
			t.Errorf("one too many was sent away after %v", d)
		}
		time.Sleep(greetingSpare)
		if _, err := friend.Connect(t.Context(), n.info(), peerinfo.FullRelay); err != nil {
			t.Errorf("a peer was kept out: %v", err)
		}
		call(raws[maxGreeting+1:])
		time.Sleep(helloTime)
		n.Host.mu.Lock()
		conns := len(n.conns)
		n.Host.mu.Unlock()
		if len(n.Peers()) != 1 || conns > 1+maxGreeting {
			t.Errorf("%d peers, %d connections", len(n.Peers()), conns)
		}
	})
}
