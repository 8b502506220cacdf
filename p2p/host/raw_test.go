package host

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"

	"github.com/keelson-chain/keelson/p2p/message"
	"github.com/keelson-chain/keelson/wire"
)

// raw is a libp2p host that does what it wants with our protocols.
type raw struct {
	t   testing.TB
	lib host.Host
}

func newRaw(t testing.TB, opts ...libp2p.Option) *raw {
	t.Helper()
	lib, err := libp2p.New(append(opts, libp2p.NoListenAddrs, libp2p.DisableRelay(), libp2p.DisableMetrics(),
		libp2p.ResourceManager(&network.NullResourceManager{}))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = lib.Close() })
	return wrapRaw(t, lib)
}

// wrapRaw makes lib take our relay stream and read what comes.
func wrapRaw(t testing.TB, lib host.Host) *raw {
	r := &raw{t, lib}
	lib.SetStreamHandler(r.protocol(message.NameRelay), func(s network.Stream) { _, _ = io.Copy(io.Discard, s) })
	return r
}

func (r *raw) protocol(name string) protocol.ID {
	return protocol.ID(message.Protocol(testGenesis, name))
}

// call connects to n.
func (r *raw) call(n *node) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := r.lib.Connect(ctx, peer.AddrInfo{ID: n.lib.ID(), Addrs: n.lib.Network().ListenAddresses()}); err != nil {
		r.t.Fatal(err)
	}
}

// open opens a stream to n, or returns nil if n has had enough.
func (r *raw) open(n *node, name string) network.Stream {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	s, err := r.lib.NewStream(network.WithNoDial(ctx, "test"), n.lib.ID(), r.protocol(name))
	if err != nil {
		return nil
	}
	return s
}

func rawHello() *message.Hello {
	return &message.Hello{Version: message.Version, Nonce: 1, Subver: "/raw/", Relay: true}
}

// greet makes the raw host a peer of n and returns its relay stream.
func (r *raw) greet(n *node) (network.Stream, *Peer) {
	r.t.Helper()
	return r.say(n, rawHello()), await(r.t, "the raw peer", n.connected)
}

// say connects to n, greets it and returns the relay stream.
func (r *raw) say(n *node, hello *message.Hello) network.Stream {
	r.t.Helper()
	r.call(n)
	s := r.open(n, message.NameRelay)
	if s == nil {
		r.t.Fatal("no relay stream")
	}
	if _, err := s.Write(message.AppendRelayFrame(nil, hello)); err != nil {
		r.t.Fatal(err)
	}
	return s
}

// wantGone waits until the connection of p is over, and wants the reason.
func wantGone(t testing.TB, n *node, p *Peer, reason string) {
	t.Helper()
	if gone := await(t, "the end of the peer", n.disconnected); gone != p {
		t.Fatal("another peer is gone")
	}
	if got := p.reason().Error(); got != reason {
		t.Errorf("gone because %q, want %q", got, reason)
	}
}

// frame is a frame of the relay stream that says it is n bytes long.
func frame(n uint32, kind message.Kind, payload ...byte) []byte {
	b := binary.LittleEndian.AppendUint32(nil, n)
	return append(append(b, byte(kind)), payload...)
}

// What a peer can send on its relay stream that nobody sends in good faith.
func TestBadMessages(t *testing.T) {
	for _, test := range []struct {
		name   string
		sent   []byte
		reason string
	}{
		{"empty", frame(0, 0), "misbehaves: an empty message"},
		{"oversized", frame(10, message.KindPing, 1, 2, 3), `misbehaves: a message "ping" of 9 bytes, at most 8 are allowed`},
		{"oversized compact", frame(1<<31, message.KindCompact), `misbehaves: a message "compact" of 2147483647 bytes, at most 1001024 are allowed`},
		{"oversized unknown", frame(message.MaxUnknown+2, 200), `misbehaves: a message "*other*" of 65537 bytes, at most 65536 are allowed`},
		{"truncated", frame(3, message.KindPing, 1, 2), "misbehaves: malformed message: ping: data ends early"},
		{"garbage", frame(4, message.KindCompact, 1, 2, 3), "misbehaves: malformed message: compact: data ends early"},
		{"second hello", message.AppendRelayFrame(nil, rawHello()), "misbehaves: greets twice"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			n, r := start(t, nil), newRaw(t)
			s, p := r.greet(n)
			if _, err := s.Write(test.sent); err != nil {
				t.Fatal(err)
			}
			wantGone(t, n, p, test.reason)
			if len(n.Bans()) != 1 || n.Bans()[0].Target != r.lib.ID().String() {
				t.Errorf("bans: %v", n.Bans())
			}
		})
	}
}

// Messages of later versions are passed over.
func TestUnknownMessage(t *testing.T) {
	n, r := start(t, nil), newRaw(t)
	s, p := r.greet(n)
	for _, b := range [][]byte{frame(4, 200, 1, 2, 3), message.AppendRelayFrame(nil, &message.Push{On: true})} {
		if _, err := s.Write(b); err != nil {
			t.Fatal(err)
		}
	}
	if got := await(t, "the message behind it", n.received); got.m.Kind() != message.KindPush {
		t.Errorf("received %v", got.m)
	}
	if p.Score() != 0 {
		t.Errorf("it costs %d points", p.Score())
	}
}

// What a peer can begin with instead of a greeting. None of them becomes a peer.
func TestBadGreetings(t *testing.T) {
	hello := func(change func(*message.Hello)) func(*node) []byte {
		return func(n *node) []byte {
			h := rawHello()
			change(h)
			if h.Nonce == 0 {
				h.Nonce = n.nonce
			}
			return message.AppendRelayFrame(nil, h)
		}
	}
	bytes := func(b []byte) func(*node) []byte { return func(*node) []byte { return b } }
	for _, test := range []struct {
		name string
		sent func(*node) []byte
	}{
		{"our own", hello(func(h *message.Hello) { h.Nonce = 0 })},
		{"old version", hello(func(h *message.Hello) { h.Version = message.MinVersion - 1 })},
		{"another message", bytes(message.AppendRelayFrame(nil, &message.Push{On: true}))},
		{"malformed", bytes(frame(5, message.KindHello, 1, 2, 3, 4))},
		{"oversized", bytes(frame(1<<20, message.KindHello))},
		{"garbage", bytes([]byte("GET / HTTP/1.0\r\n\r\n"))},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			n, r := start(t, nil), newRaw(t)
			r.call(n)
			s := r.open(n, message.NameRelay)
			if s == nil {
				t.Fatal("no stream")
			}
			_, _ = s.Write(test.sent(n))
			r.awaitHungUp(n)
			if len(n.connected) != 0 || len(n.Peers()) != 0 {
				t.Error("it has become a peer")
			}
		})
	}
}

// awaitHungUp waits until n has closed the connection to r.
func (r *raw) awaitHungUp(n *node) {
	r.t.Helper()
	closed := make(chan struct{}, 1)
	bundle := &network.NotifyBundle{DisconnectedF: func(_ network.Network, c network.Conn) {
		if c.RemotePeer() == n.lib.ID() {
			closed <- struct{}{}
		}
	}}
	r.lib.Network().Notify(bundle)
	defer r.lib.Network().StopNotify(bundle)
	if r.lib.Network().Connectedness(n.lib.ID()) == network.Connected {
		await(r.t, "the end of the connection", closed)
	}
}

// Garbage, or too much, on the streams of requests.
func TestBadRequests(t *testing.T) {
	for _, name := range message.Requests() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n, r := start(t, nil), newRaw(t)
			n.serving(func(_ context.Context, _ *Peer, _ string, _ []byte, answer func([]byte) error) error {
				return answer(nil)
			})
			_, p := r.greet(n)
			s := r.open(n, name)
			most := message.MaxRequest(name, testConfig().MaxBlockWeight)
			_, _ = s.Write(binary.LittleEndian.AppendUint32(nil, uint32(most+1)))
			wantGone(t, n, p, "misbehaves: a "+name+" request that is too large")
		})
	}
}

// A flood of requests of one kind: the first are answered, then it costs.
func TestRequestFlood(t *testing.T) {
	n, r := start(t, nil), newRaw(t)
	n.serving(func(_ context.Context, _ *Peer, _ string, _ []byte, answer func([]byte) error) error {
		return answer([]byte("pool"))
	})
	_, p := r.greet(n)
	answered := 0
	for p.ctx.Err() == nil {
		s := r.open(n, message.NamePool)
		if s == nil {
			break
		}
		_, _ = s.Write(message.AppendFrame(nil, make([]byte, 8)))
		_ = s.CloseWrite()
		if b, err := io.ReadAll(s); err == nil && len(b) == 8 {
			answered++
		}
	}
	wantGone(t, n, p, "misbehaves: floods us with requests (pool)")
	if burst := int(serveLimits[message.NamePool].burst); answered != burst {
		t.Errorf("%d requests were answered, want %d", answered, burst)
	}
}

// One stream too many is refused, and the others go on.
func TestManyStreams(t *testing.T) {
	n, r := start(t, nil), newRaw(t)
	free := make(chan struct{})
	n.serving(func(ctx context.Context, _ *Peer, _ string, _ []byte, answer func([]byte) error) error {
		select {
		case <-free:
		case <-ctx.Done():
		}
		return answer([]byte("!"))
	})
	_, p := r.greet(n)
	var streams []network.Stream
	for range 3 * maxStreams {
		if s := r.open(n, message.NameTxs); s != nil {
			_, _ = s.Write([]byte{0}) // not a whole request
			streams = append(streams, s)
		}
	}
	// Which of them are looked at first is chance.
	refused, last := 0, network.Stream(nil)
	for _, s := range streams {
		_ = s.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		if _, err := io.ReadAll(s); err != nil && !isTimeout(err) {
			refused++
		} else {
			last = s
		}
	}
	if refused < maxStreams || last == nil {
		t.Fatalf("%d of %d streams were refused", refused, len(streams))
	}
	_ = last.SetReadDeadline(time.Now().Add(time.Minute))
	_, _ = last.Write([]byte{0, 0, 0})
	close(free)
	if b, err := io.ReadAll(last); err != nil || string(b) != "\x01\x00\x00\x00!" {
		t.Errorf("a stream that was not refused: %q, %v", b, err)
	}
	if p.ctx.Err() != nil {
		t.Errorf("the peer is gone: %v", p.reason())
	}
}

func TestPingFlood(t *testing.T) {
	n, r := start(t, nil), newRaw(t)
	s, p := r.greet(n)
	for p.ctx.Err() == nil {
		if _, err := s.Write(message.AppendRelayFrame(nil, &message.Ping{Nonce: 1})); err != nil {
			break
		}
	}
	wantGone(t, n, p, "misbehaves: floods us with pings")
}

// Other messages that cost little to send, and that nobody sends so many of.
func TestSmallFloods(t *testing.T) {
	for _, c := range []struct {
		name, reason string
		b            []byte
		atLeast      int // messages
	}{
		{"pongs", "misbehaves: floods us with pongs", message.AppendRelayFrame(nil, &message.Pong{Nonce: 1}), pingBurst},
		{"unknown", "misbehaves: floods us with messages of an unknown kind", frame(message.MaxUnknown+1, 200, make([]byte, message.MaxUnknown)...), unknownAhead / (message.MaxUnknown + 1)},
		{"fee filters", errTooMany.Error(), message.AppendRelayFrame(nil, &message.FeeFilter{Rate: 1}), relayBurst + heldBurst},
	} {
		t.Run(c.name, func(t *testing.T) {
			n, r := start(t, func(c *Config) { c.Handler.(*recorder).onMessage = func(*Peer, message.Message) {} }), newRaw(t)
			s, p := r.greet(n)
			sent := 0
			for p.ctx.Err() == nil {
				if _, err := s.Write(bytes.Repeat(c.b, 1+1000/len(c.b))); err != nil {
					break
				}
				sent += 1 + 1000/len(c.b)
			}
			wantGone(t, n, p, c.reason)
			if sent < c.atLeast {
				t.Errorf("cut off after %d messages, %d are allowed", sent, c.atLeast)
			}
		})
	}
}

func TestMessageFlood(t *testing.T) {
	n, r := start(t, func(c *Config) { c.Handler.(*recorder).onMessage = func(*Peer, message.Message) {} }), newRaw(t)
	s, p := r.greet(n)
	b := message.AppendRelayFrame(nil, &message.Inv{WTxIDs: make([]wire.Hash, message.MaxInv)})
	sent := 0
	for p.ctx.Err() == nil {
		if _, err := s.Write(b); err != nil {
			break
		}
		sent += len(b)
	}
	wantGone(t, n, p, "misbehaves: floods us with messages")
	if sent < relayAhead {
		t.Errorf("cut off after %d bytes, %d are allowed", sent, relayAhead)
	}
}

// The peer sees a second stream of messages, or anything on ours, as an attack.
func TestRelayStreams(t *testing.T) {
	t.Run("second", func(t *testing.T) {
		n, r := start(t, nil), newRaw(t)
		_, p := r.greet(n)
		for range 2 { // the first waits unread where the relay stream was
			s := r.open(n, message.NameRelay)
			if s == nil {
				break
			}
			_, _ = s.Write([]byte{1})
		}
		wantGone(t, n, p, "opens a second relay stream")
	})
	t.Run("answered", func(t *testing.T) {
		n, r := start(t, nil), newRaw(t)
		answer := make(chan struct{})
		r.lib.SetStreamHandler(r.protocol(message.NameRelay), func(s network.Stream) {
			<-answer
			_, _ = s.Write([]byte{1})
		})
		_, p := r.greet(n)
		close(answer)
		wantGone(t, n, p, "answers on a stream that has one direction")
	})
	t.Run("closed", func(t *testing.T) {
		n, r := start(t, nil), newRaw(t)
		s, p := r.greet(n)
		_ = s.Close()
		wantGone(t, n, p, "the connection was closed")
	})
}

// A second connection with the identity of a peer: the peer has started again if
// it greets with another nonce, and the first connection, of which nothing else
// shows that it is dead, gives way. Else the first one stays.
func TestSecondConnection(t *testing.T) {
	key, err := identity("")
	if err != nil {
		t.Fatal(err)
	}
	n := start(t, nil)
	_, first := newRaw(t, libp2p.Identity(key)).greet(n)
	twin := newRaw(t, libp2p.Identity(key))
	twin.say(n, rawHello())
	twin.awaitHungUp(n)
	if first.ctx.Err() != nil || len(n.connected) != 0 {
		t.Errorf("the first connection is over: %v", first.reason())
	}
	again := rawHello()
	again.Nonce = 2
	newRaw(t, libp2p.Identity(key)).say(n, again)
	wantGone(t, n, first, errReplaced.Error())
	if p := await(t, "the second connection", n.connected); p.ID() != first.ID() || p.Num() != first.Num()+1 {
		t.Errorf("peer %d, %s", p.Num(), p.ID())
	}
}

// One address gets only so many connections, but where everything is near.
func TestCrowd(t *testing.T) {
	n := start(t, func(c *Config) { c.Dev = false })
	for range maxFromIP {
		newRaw(t).greet(n)
	}
	r := newRaw(t)
	r.call(n)
	r.awaitHungUp(n)
	if len(n.connected) != 0 || len(n.Peers()) != maxFromIP {
		t.Errorf("%d peers", len(n.Peers()))
	}
}
