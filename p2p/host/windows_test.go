package host

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	rcmgr "github.com/libp2p/go-libp2p/p2p/host/resource-manager"
	"github.com/multiformats/go-multiaddr"

	"github.com/keelson-chain/keelson/p2p/message"
)

// What a peer can send that is not read is bounded by the first window, however many
// streams it has.
func TestWindows(t *testing.T) {
	for name, c := range map[string]struct{ transport, window int }{
		"quic": {multiaddr.P_QUIC_V1, firstWindow},
		"tcp":  {multiaddr.P_TCP, 256 << 10}, // by yamux's protocol
	} {
		t.Run(name, func(t *testing.T) {
			let := make(chan struct{})
			defer close(let)
			n := start(t, func(c *Config) {
				c.Handler.(*recorder).onMessage = func(p *Peer, m message.Message) { <-let }
			})
			r := newRaw(t)
			s := callOver(t, n, r, c.transport)
			await(t, "the raw peer", n.connected)
			b := bytes.Repeat(message.AppendRelayFrame(nil, &message.FeeFilter{Rate: 1}), 10) // no crumbs
			sent := 0
			for { // until the window is full: nothing moves any more
				_ = s.SetWriteDeadline(time.Now().Add(3 * time.Second))
				m, err := s.Write(b)
				sent += m
				if err != nil {
					if !isTimeout(err) {
						t.Fatal(err)
					}
					break
				}
			}
			// Beside the window: the reader's buffer, and packets that wait to be sent.
			if sent < c.window/2 || sent > c.window+64<<10 {
				t.Errorf("%d bytes are taken that nobody reads, the window is %d", sent, c.window)
			}
		})
	}
}

// callOver has r call n over TCP or QUIC and greet it, and returns the relay stream.
func callOver(t *testing.T, n *node, r *raw, transport int) network.Stream {
	t.Helper()
	for _, a := range n.lib.Network().ListenAddresses() {
		if _, err := a.ValueForProtocol(transport); err == nil {
			if err := r.lib.Connect(t.Context(), peer.AddrInfo{ID: n.lib.ID(), Addrs: []multiaddr.Multiaddr{a}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	s := r.open(n, message.NameRelay)
	if s == nil {
		t.Fatal("no relay stream")
	}
	if _, err := s.Write(message.AppendRelayFrame(nil, rawHello())); err != nil {
		t.Fatal(err)
	}
	return s
}

// Frames of one byte each would take a multiple of the window.
func TestCrumbs(t *testing.T) {
	let := make(chan struct{})
	defer close(let)
	var log logged
	n := start(t, func(c *Config) {
		c.Log = log.logger()
		c.Handler.(*recorder).onMessage = func(p *Peer, m message.Message) { <-let }
	})
	r := newRaw(t)
	s := callOver(t, n, r, multiaddr.P_TCP)
	p := await(t, "the raw peer", n.connected)
	b := message.AppendRelayFrame(nil, &message.FeeFilter{Rate: 1})
	sent := 0
	for ; p.ctx.Err() == nil && sent < 256<<10; sent++ {
		if _, err := s.Write(b[sent%len(b) : sent%len(b)+1]); err != nil {
			break
		}
	}
	select {
	case <-p.Done():
	case <-time.After(time.Minute):
		t.Fatalf("%d frames of one byte are borne", sent)
	}
	if sent < crumbsBurst {
		t.Errorf("gone after %d small frames, %d are allowed", sent, crumbsBurst)
	}
	if said := log.String(); strings.Count(said, errCrumbs.Error()) != 1 || !strings.Contains(said, r.lib.ID().String()) {
		t.Errorf("logged:\n%s", said)
	}
}

// However the bytes come, the frames are the same.
func TestCrumbsCount(t *testing.T) {
	frame := func(kind byte, n uint32, body int) []byte {
		b := make([]byte, frameHead+body)
		b[1] = kind
		binary.BigEndian.PutUint32(b[8:], n)
		return b
	}
	var stream []byte
	small := 0
	for i := range 100 {
		stream = append(stream, frame(1, 1, 0)...)         // a window update
		stream = append(stream, frame(frameData, 0, 0)...) // the end of a stream
		stream = append(stream, frame(frameData, smallFrame, smallFrame)...)
		stream = append(stream, frame(frameData, uint32(i%3), i%3)...)
		if i%3 > 0 {
			small++
		}
	}
	for part := 1; part < 40; part++ {
		for _, burst := range []int{small, small - 1} {
			c, ok := &crumbs{small: bucket{burst: float64(burst)}}, true
			for b := range slices.Chunk(stream, part) {
				ok = ok && c.count(b)
			}
			if ok != (burst == small) {
				t.Fatalf("parts of %d bytes, %d of %d small frames allowed: %v", part, burst, small, ok)
			}
		}
	}
}

// What is fetched comes through windows that grow.
func TestWindowsGrow(t *testing.T) {
	block := make([]byte, 3<<20)
	for _, transport := range []string{"quic-v1", "tcp"} {
		n, friend := start(t, nil), start(t, nil)
		n.serving(func(ctx context.Context, p *Peer, name string, request []byte, answer func([]byte) error) error {
			return answerAll(answer, block)
		})
		ofN, _ := join(t, friend, n, transport)
		got, err := ofN.Ask(t.Context(), message.NameBlocks, nil, len(block))
		if err != nil || len(got) != len(block) {
			t.Errorf("%s: %d bytes, %v", transport, len(got), err)
		}
	}
}

// ledger is memory without a limit.
type ledger struct{ bytes, done int }

func (l *ledger) ReserveMemory(size int, _ uint8) error { l.bytes += size; return nil }
func (l *ledger) ReleaseMemory(size int)                { l.bytes -= size }
func (l *ledger) Done()                                 { l.done++ }

func TestAllowance(t *testing.T) {
	all := &allowance{limit: 100}
	a, b := &growing{memory: &ledger{}, from: all}, &growing{memory: &ledger{}, from: all}
	reserve := func(g *growing, size int, prio uint8, want error) {
		t.Helper()
		if err := g.ReserveMemory(size, prio); !errors.Is(err, want) {
			t.Errorf("%d bytes: %v, want %v", size, err, want)
		}
	}
	reserve(a, 1000, network.ReservationPriorityAlways, nil) // a first window
	reserve(a, 60, network.ReservationPriorityMedium, nil)
	reserve(b, 41, network.ReservationPriorityMedium, network.ErrResourceLimitExceeded)
	reserve(b, 40, network.ReservationPriorityLow, nil)
	a.Done()
	a.Done() // a connection may say so twice
	reserve(a, 1, network.ReservationPriorityMedium, network.ErrResourceLimitExceeded)
	reserve(b, 61, network.ReservationPriorityMedium, network.ErrResourceLimitExceeded)
	reserve(b, 60, network.ReservationPriorityMedium, nil)
	b.Done()
	if all.taken != 0 {
		t.Errorf("%d bytes are left over", all.taken)
	}
}

// Nothing is counted by protocol for our own protocols; for others it is.
func TestScopes(t *testing.T) {
	a, b := start(t, nil), start(t, nil)
	if err := b.OneTry(t.Context(), a.addr(t, "tcp")); err != nil {
		t.Fatal(err)
	}
	p := await(t, "the peer", a.connected)
	state := a.lib.Network().ResourceManager().(scopeManager).ResourceManager.(windowManager).ResourceManager.(rcmgr.ResourceManagerState).Stat()
	if len(state.Protocols) == 0 {
		t.Error("no protocol is counted, not even that of libp2p's identify")
	}
	for name := range state.Protocols {
		if strings.HasPrefix(string(name), message.ProtocolPrefix) {
			t.Errorf("%s is counted", name)
		}
	}
	if got := state.Peers[b.lib.ID()].NumStreamsInbound; got == 0 || state.System.NumStreamsInbound < got {
		t.Errorf("%d streams of the peer are counted, %d in all", got, state.System.NumStreamsInbound)
	}
	p.Disconnect("enough")
	await(t, "its end", a.disconnected)
}
