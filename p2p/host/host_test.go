package host

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/keelson-chain/keelson/p2p/message"
	"github.com/keelson-chain/keelson/wire"
)

// recorder is a Handler that remembers, and serves what its functions say.
type recorder struct {
	connected, disconnected chan *Peer
	received                chan received

	mu        sync.Mutex
	serve     serveFunc
	onMessage func(p *Peer, m message.Message)
}

type serveFunc func(ctx context.Context, p *Peer, name string, request []byte, answer func([]byte) error) error

// serving sets what answers requests.
func (r *recorder) serving(f serveFunc) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.serve = f
}

type received struct {
	from *Peer
	m    message.Message
}

func newRecorder() *recorder {
	return &recorder{
		connected:    make(chan *Peer, 1000),
		disconnected: make(chan *Peer, 1000),
		received:     make(chan received, 10_000),
	}
}

func (r *recorder) Connected(p *Peer)    { r.connected <- p }
func (r *recorder) Disconnected(p *Peer) { r.disconnected <- p }

func (r *recorder) Received(p *Peer, m message.Message) {
	if r.onMessage != nil {
		r.onMessage(p, m)
		return
	}
	r.received <- received{p, m}
}

func (r *recorder) Serve(ctx context.Context, p *Peer, name string, request []byte, answer func([]byte) error) error {
	r.mu.Lock()
	serve := r.serve
	r.mu.Unlock()
	if serve == nil {
		return errors.New("nothing is served")
	}
	return serve(ctx, p, name, request, answer)
}

// node is a running host of a test.
type node struct {
	*Host
	*recorder
	stop func()
}

var testGenesis = wire.Hash{31: 1}

func testConfig() Config {
	return Config{
		Genesis:        testGenesis,
		MaxBlockWeight: 4_000_000,
		Listen:         []string{"/ip4/127.0.0.1/tcp/0", "/ip4/127.0.0.1/udp/0/quic-v1"},
		Dev:            true,
		Log:            zerolog.Nop(),
		Hello: func() message.Hello {
			return message.Hello{Version: message.Version, Services: message.ServiceNetwork, Subver: "/test:1/", Height: 7, Relay: true}
		},
	}
}

// start runs a host until the test ends.
func start(t testing.TB, change func(*Config)) *node {
	t.Helper()
	cfg := testConfig()
	n := &node{recorder: newRecorder()}
	cfg.Handler = n.recorder
	if change != nil {
		change(&cfg)
	}
	h, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	n.Host = h
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- h.Run(ctx) }()
	n.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	t.Cleanup(n.stop)
	select {
	case <-h.Running():
	case err := <-done:
		t.Fatalf("Run: %v", err)
	}
	return n
}

// addr returns one of the node's multi-addresses with its id.
func (n *node) addr(t testing.TB, transport string) string {
	t.Helper()
	for _, a := range n.lib.Network().ListenAddresses() {
		for _, p := range a.Protocols() {
			if p.Name == transport {
				return fmt.Sprintf("%s/p2p/%s", a, n.ID())
			}
		}
	}
	t.Fatalf("the node does not listen on %s", transport)
	return ""
}

// await returns what comes from a channel within the time of a test.
func await[T any](t testing.TB, what string, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(20 * time.Second):
		t.Fatalf("%s does not come", what)
		panic("unreachable")
	}
}

// join connects a to b and returns what each has of the other.
func join(t testing.TB, a, b *node, transport string) (ofA, ofB *Peer) {
	t.Helper()
	if err := a.OneTry(t.Context(), b.addr(t, transport)); err != nil {
		t.Fatal(err)
	}
	return await(t, "the peer of the caller", a.connected), await(t, "the peer of the called", b.connected)
}

func TestHello(t *testing.T) {
	for _, transport := range []string{"tcp", "quic-v1"} {
		t.Run(transport, func(t *testing.T) {
			a, b := start(t, nil), start(t, nil)
			ofA, ofB := join(t, a, b, transport)
			if ofA.Inbound() || !ofB.Inbound() || ofA.ID() != b.ID() || ofB.ID() != a.ID() {
				t.Errorf("%v %v, %v %v", ofA.Inbound(), ofA.ID(), ofB.Inbound(), ofB.ID())
			}
			if h := ofB.Hello(); h.Subver != "/test:1/" || h.Height != 7 || !h.Relay {
				t.Errorf("greeted with %+v", h)
			}
			for i := range 1000 {
				if !ofA.Send(&message.FeeFilter{Rate: wire.Amount(i)}) {
					t.Fatal("not queued")
				}
			}
			for i := range 1000 {
				r := await(t, "a message", b.received)
				if r.from != ofB || r.m.(*message.FeeFilter).Rate != wire.Amount(i) {
					t.Fatalf("%d: %+v", i, r.m)
				}
			}
			b.serving(func(_ context.Context, _ *Peer, name string, request []byte, answer func([]byte) error) error {
				return answer(append([]byte(name), request...))
			})
			answer, err := ofA.Ask(t.Context(), message.NameHeaders, []byte("?"), 100)
			if err != nil || string(answer) != "headers?" {
				t.Fatalf("%q, %v", answer, err)
			}
			b.stop()
			if p := await(t, "the end", a.disconnected); p != ofA {
				t.Error("another peer left")
			}
		})
	}
}
