package host

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/network"

	"github.com/keelson-chain/keelson/p2p/message"
)

// serveLimit is what one peer may ask for by one protocol.
type serveLimit struct {
	atOnce      int     // requests served at the same time; as many again may wait
	rate, burst float64 // requests a second, and how many at once
	// speed and ahead bound the bytes of the answers: so many a second, and so
	// many before that begins to count. More are held back, not refused.
	speed, ahead float64
}

const (
	kiB = 1 << 10
	miB = 1 << 20
)

// serveLimits has every protocol that is served. They are generous enough for
// a peer that gets its whole chain and pool from us at the speed of a local
// network, and for nothing sillier.
var serveLimits = map[string]serveLimit{
	message.NameHeaders:  {atOnce: 2, rate: 20, burst: 1000, speed: 4 * miB, ahead: 256 * miB},
	message.NameBlocks:   {atOnce: 4, rate: 50, burst: 2000, speed: 128 * miB, ahead: 1024 * miB},
	message.NameCompact:  {atOnce: 2, rate: 2, burst: 100, speed: 2 * miB, ahead: 64 * miB},
	message.NameBlockTxn: {atOnce: 4, rate: 4, burst: 100, speed: 4 * miB, ahead: 64 * miB},
	message.NameTxs:      {atOnce: 4, rate: 50, burst: 1000, speed: 8 * miB, ahead: 256 * miB},
	message.NamePool:     {atOnce: 1, rate: 1. / 30, burst: 10, speed: 256 * kiB, ahead: 16 * miB},
	message.NameAddrs:    {atOnce: 1, rate: 1. / 60, burst: 10, speed: 64 * kiB, ahead: 4 * miB},
}

const (
	// maxStreams is how many streams a peer may have open to us, besides the
	// relay stream.
	maxStreams = 16
	// maxPeerStreams is how many there may be with those of libp2p, and with those that
	// are refused.
	maxPeerStreams = 2 * maxStreams
	// requestTime is how long a request may take to come in.
	requestTime = 5 * time.Second
	// floodPoints is what a request over the limits costs.
	floodPoints = 2
	// slowPoints is what a request costs that begins and does not end.
	slowPoints = 10
)

// serveGate holds one peer to the limits of one protocol.
type serveGate struct {
	limit    serveLimit
	slots    chan struct{}
	waiting  atomic.Int32
	requests bucket
	bytes    bucket
}

func serveGates() map[string]*serveGate {
	gates := make(map[string]*serveGate, len(serveLimits))
	for name, l := range serveLimits {
		gates[name] = &serveGate{
			limit:    l,
			slots:    make(chan struct{}, l.atOnce),
			requests: bucket{rate: l.rate, burst: l.burst},
			bytes:    bucket{rate: l.speed, burst: l.ahead},
		}
	}
	return gates
}

var (
	errFlood   = errors.New("too many requests")
	errNoPeer  = errors.New("a request before the greeting")
	errRequest = errors.New("malformed request")
)

// handleRequest serves a stream that a peer opened; libp2p calls it on a goroutine
// of its own.
func (h *Host) handleRequest(name string, ns network.Stream) {
	p := h.peerOf(ns.Conn())
	if p == nil || !p.enter() {
		_ = ns.Reset()
		return
	}
	defer p.leave()
	s := &stream{Stream: ns, rw: ns}
	if err := p.serveRequest(name, s); err != nil {
		if p.ctx.Err() == nil { // else the end of the connection says it better
			_ = s.Reset()
		}
		p.log().Debug().Str("request", name).Err(err).Msg("request not answered")
		return
	}
	_ = s.Close()
}

// enter counts a goroutine that works for the peer, unless there are too many or
// the connection is over.
func (p *Peer) enter() bool {
	if p.calls.Add(1) > maxStreams || !p.join() {
		p.calls.Add(-1)
		return false
	}
	return true
}

func (p *Peer) leave() {
	p.calls.Add(-1)
	p.wg.Done()
}

func (p *Peer) serveRequest(name string, s *stream) error {
	select { // the peer may be ahead of us in seeing that the greeting is over
	case <-p.ready:
	case <-p.ctx.Done():
		return errNoPeer
	}
	gate := p.serve[name]
	_ = s.SetReadDeadline(time.Now().Add(requestTime))
	request, err := readFrame(s, message.MaxRequest(name, p.host.cfg.MaxBlockWeight))
	if err != nil {
		switch {
		case errors.Is(err, ErrTooLarge):
			p.Penalise(BanScore, fmt.Sprintf("a %s request that is too large", name))
		case isTimeout(err):
			p.Penalise(slowPoints, fmt.Sprintf("a %s request that does not end", name))
		}
		return fmt.Errorf("%w: %w", errRequest, err)
	}
	p.receivedBytes(name, message.LengthSize+len(request))
	_ = s.CloseRead() // nothing more of it is kept
	release, err := p.pass(gate)
	if err != nil {
		p.Penalise(floodPoints, fmt.Sprintf("floods us with requests (%s)", name))
		return err
	}
	defer release()
	held := p.host.outgoing.hold(func() {
		p.Penalise(hoardPoints, "reads its answers slowly while others wait")
		_ = s.Reset()
	})
	defer held.end()
	if err := held.add(p.ctx, p.host.answerRoom(name)); err != nil {
		return err
	}
	send := func(frame []byte) error { return p.answer(gate, name, s, held, frame) }
	if name == message.NameAddrs {
		err = p.host.serveAddresses(p, send)
	} else {
		err = p.host.cfg.Handler.Serve(p.ctx, p, name, request, send)
	}
	if err != nil {
		return err
	}
	return s.CloseWrite()
}

// pass waits for a free place at the gate.
func (p *Peer) pass(g *serveGate) (release func(), err error) {
	if !p.Whitelisted(NoBan) && !g.requests.take(1) {
		return nil, errFlood
	}
	if g.waiting.Add(1) > int32(2*g.limit.atOnce) {
		g.waiting.Add(-1)
		return nil, errFlood
	}
	select {
	case g.slots <- struct{}{}:
	case <-p.ctx.Done():
		g.waiting.Add(-1)
		return nil, p.ctx.Err()
	}
	return func() {
		<-g.slots
		g.waiting.Add(-1)
	}, nil
}

// answerRoom is how much memory an answer counts with while it is given: of
// what is large, one frame at a time is there, and few are as large as they may.
func (h *Host) answerRoom(name string) int {
	return min(message.MaxAnswer(name, h.cfg.MaxBlockWeight), h.cfg.MaxBlockWeight*3/8)
}

// writeChunk is how much of a large frame is written at a time.
const writeChunk = 256 << 10

// answer writes one frame of an answer, no faster than the gate allows.
func (p *Peer) answer(g *serveGate, name string, s *stream, held *holding, frame []byte) error {
	if !p.Whitelisted(Download) {
		if err := sleep(p.ctx, g.bytes.borrow(float64(len(frame)))); err != nil {
			return err
		}
	}
	write := func(b []byte) error {
		held.moving()
		err := s.writeInTime(b)
		held.rest(len(b))
		return err
	}
	// What fits goes out together with the length.
	first := min(len(frame), joinBelow)
	head := binary.LittleEndian.AppendUint32(make([]byte, 0, message.LengthSize+first), uint32(len(frame)))
	if err := write(append(head, frame[:first]...)); err != nil {
		return err
	}
	for rest := frame[first:]; len(rest) > 0; {
		n := min(len(rest), writeChunk)
		if err := write(rest[:n]); err != nil {
			return err
		}
		rest = rest[n:]
	}
	p.sentBytes(name, message.LengthSize+len(frame))
	return nil
}

// sleep waits for d or for the end of ctx.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
