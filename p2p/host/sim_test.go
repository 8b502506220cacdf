package host

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/x/simlibp2p"
	"github.com/marcopolo/simnet"

	"github.com/keelson-chain/keelson/p2p/message"
	"github.com/keelson-chain/keelson/p2p/peerinfo"
)

// simulate runs hosts on a simulated network under virtual time: 25 ms between
// any two, 50 Mbit/s each.
func simulate(t *testing.T, n int, f func(t *testing.T, nodes []*node)) {
	synctest.Test(t, func(t *testing.T) {
		link := simnet.LinkSettings{BitsPerSecond: 50 * simlibp2p.OneMbps}
		net, meta, err := simlibp2p.SimpleLibp2pNetwork([]simlibp2p.NodeLinkSettingsAndCount{{
			LinkSettings: simnet.NodeBiDiLinkSettings{Downlink: link, Uplink: link}, Count: n,
		}}, simnet.StaticLatency(25*time.Millisecond), simlibp2p.NetworkSettings{UseBlankHost: true})
		if err != nil {
			t.Fatal(err)
		}
		net.Start()
		defer net.Close()
		var nodes []*node
		for _, lib := range meta.Nodes {
			nodes = append(nodes, start(t, func(c *Config) { c.Libp2p = lib }))
		}
		f(t, nodes)
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
	simulate(t, 3, func(t *testing.T, nodes []*node) {
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
	simulate(t, 2, func(t *testing.T, nodes []*node) {
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
