package host

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/multiformats/go-multistream"
	"github.com/rs/zerolog"

	"github.com/keelson-chain/keelson/p2p/message"
	"github.com/keelson-chain/keelson/p2p/peerinfo"
)

// helloTime is how long the greeting may take.
const helloTime = 10 * time.Second

// hangUpTime is how long we wait for the other side to hang up that has more to
// say about it.
const hangUpTime = time.Second

// fetchTime is how long a peer may take to tell addresses.
const fetchTime = time.Minute

// Why connections end that are nobody's fault.
var (
	errClosed    = errors.New("the connection was closed")
	errOther     = errors.New("it is not a node of this network")
	errHungUp    = errors.New("it hung up without a greeting: it may be full, have banned us, or have its network switched off")
	errHelloTime = errors.New("no greeting in time")
	errShutdown  = errors.New("shutting down")
	errReplaced  = errors.New("there is a newer connection to the same peer")
	errTwice     = errors.New("there is another connection to the same peer")
	errEvicted   = errors.New("gives way to another peer")
	errFull      = errors.New("all places are taken")
	errInactive  = errors.New("the network is switched off")
	errPaused    = errors.New("the node is taken to an earlier state")
	errSlowFrame = errors.New("too slow: its message takes memory that others need")
	errFetched   = errors.New("address fetch done")
	errFeeler    = errors.New("feeler done")
)

// join counts a goroutine in p.wg unless the connection is over; each join that
// returns true is followed by p.wg.Done.
func (p *Peer) join() bool {
	p.host.mu.Lock()
	defer p.host.mu.Unlock()
	if p.closed {
		return false
	}
	p.wg.Add(1)
	return true
}

// run is the life of a connection, on a goroutine of its own.
func (p *Peer) run() {
	h := p.host
	p.spawn(func() {
		<-p.ctx.Done()
		_ = p.conn.Close() // which ends all its streams
	})
	in, err := p.greet()
	if err == nil {
		err = p.enrol()
	}
	if err != nil {
		p.cancel(err)
	} else {
		p.live(in)
	}
	h.strike(p)
	h.part(p)
	p.wg.Wait()
	h.counts.ended(p)
	if p.told {
		h.cfg.Handler.Disconnected(p)
	}
	p.logEnd()
	close(p.gone)
}

// spawn runs f on a goroutine that is over before the connection is.
func (p *Peer) spawn(f func()) {
	if p.join() {
		go func() {
			defer p.wg.Done()
			f()
		}()
	}
}

// greet opens our relay stream, sends our greeting and reads the peer's. It
// returns the stream of the peer's messages.
func (p *Peer) greet() (*relayReader, error) {
	until := time.Now().Add(helloTime)
	ctx, cancel := context.WithDeadlineCause(p.ctx, until, errHelloTime)
	defer cancel()

	out, err := p.open(ctx, message.NameRelay)
	if err != nil {
		return nil, endOf(err, errHelloTime.Error())
	}
	ours := p.ourHello()
	frame := message.AppendRelayFrame(nil, ours)
	_ = out.SetWriteDeadline(until)
	if _, err := out.Write(frame); err != nil {
		return nil, endOf(err, errHelloTime.Error())
	}
	p.sentBytes(message.KindHello.String(), len(frame))
	p.spawn(func() { p.watch(out) })
	p.out = out

	var in *relayReader
	select {
	case s := <-p.relay:
		in = &relayReader{Reader: bufio.NewReaderSize(s, readBuffer), s: s}
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	in.setDeadline(until)
	_, payload, held, err := p.readRelay(in)
	defer held.end()
	if err != nil {
		return nil, endOf(err, errHelloTime.Error())
	}
	hello, err := message.DecodeHello(payload)
	if err != nil {
		return nil, err
	}
	switch {
	case hello.Nonce == p.host.nonce:
		return nil, ErrSelf
	case hello.Version < message.MinVersion:
		return nil, fmt.Errorf("version %d is too old, at least %d is needed", hello.Version, message.MinVersion)
	}
	p.hello, p.ours = hello, ours
	return in, nil
}

func (p *Peer) ourHello() *message.Hello {
	hello := p.host.cfg.Hello()
	hello.Nonce = p.host.nonce
	hello.Time = p.host.cfg.Now().Unix()
	hello.Listen = p.host.listenAddrs()
	hello.Observed = p.conn.RemoteMultiaddr().String()
	if p.kind == peerinfo.BlockOnly || p.kind == peerinfo.Feeler || p.kind == peerinfo.AddressFetch {
		hello.Relay = false
	}
	return &hello
}

// watch reads the side of our relay stream on which nothing comes, to hear when
// the peer does not know the protocol, or has enough of it.
func (p *Peer) watch(out *stream) {
	var b [1]byte
	n, err := out.Read(b[:])
	switch {
	case n > 0:
		p.cancel(errors.New("answers on a stream that has one direction"))
	case isUnknown(err):
		if p.inbound { // let the caller hear the same before we hang up
			_ = sleep(p.ctx, hangUpTime)
		}
		p.cancel(errOther)
	default:
		p.cancel(errClosed)
	}
}

// isUnknown reports whether a stream failed because the peer does not know its
// protocol.
func isUnknown(err error) bool {
	var unknown multistream.ErrNotSupported[protocol.ID]
	var reset *network.StreamError
	return errors.As(err, &unknown) || errors.As(err, &reset) && reset.ErrorCode == network.StreamProtocolNegotiationFailed
}

// live is the time between the greeting and the end.
func (p *Peer) live(in *relayReader) {
	p.host.remember(p)
	if p.handled() {
		p.told = true
		p.host.counts.connected.Add(1)
		p.log().Info().Str("kind", string(p.kind)).Str("version", p.hello.Subver).Uint32("height", p.hello.Height).Msg("peer connected")
		p.host.cfg.Handler.Connected(p)
	}
	close(p.ready) // what the peer asked meanwhile is served now
	if p.kind == peerinfo.Feeler {
		p.cancel(errFeeler)
		return
	}
	if p.kind == peerinfo.AddressFetch { // the Handler has nothing to do with it
		_ = sleep(p.ctx, fetchTime)
		p.cancel(errFetched)
		return
	}
	p.spawn(func() { p.writeLoop(p.out) })
	p.spawn(p.pingLoop)
	for {
		in.setDeadline(time.Time{})
		kind, payload, held, err := p.readRelay(in)
		if err != nil {
			p.cancel(endOf(err, "too slow: a message that began does not end"))
		} else {
			err = p.receive(kind, payload)
		}
		held.end()
		if err != nil {
			return
		}
		if p.ctx.Err() != nil {
			return
		}
	}
}

const (
	// frameGrace and frameSpeed bound the time for one message to come in.
	frameGrace = 20 * time.Second
	frameSpeed = 32 << 10 // bytes a second
)

// relayReader reads the peer's relay stream.
type relayReader struct {
	*bufio.Reader
	s     network.Stream
	timed bool // there is a deadline
}

// readBuffer is enough for the small messages, of which there are many.
const readBuffer = 4 << 10

// setDeadline bounds how long reading may take; zero is for ever.
func (r *relayReader) setDeadline(t time.Time) {
	if r.timed || !t.IsZero() {
		_ = r.s.SetReadDeadline(t)
		r.timed = !t.IsZero()
	}
}

// hurry bounds the time for the next n bytes, unless they are here already: a
// deadline is a timer, which is more than it takes to read a small message.
func (r *relayReader) hurry(n int) {
	if r.Buffered() < n {
		r.setDeadline(time.Now().Add(frameGrace + time.Duration(n)*time.Second/frameSpeed))
	}
}

// readRelay reads one frame of the relay stream. What the frame is allowed to be
// is known before its payload is read. A large one is held until the caller ends
// that, error or not: it takes as much again until it has been dealt with.
func (p *Peer) readRelay(in *relayReader) (message.Kind, []byte, *holding, error) {
	if _, err := in.Peek(1); err != nil { // however long that takes
		return 0, nil, nil, err
	}
	if p.hello != nil {
		in.hurry(message.LengthSize)
	}
	head, err := in.Peek(message.LengthSize)
	if err != nil {
		return 0, nil, nil, err
	}
	n := uint64(binary.LittleEndian.Uint32(head))
	_, _ = in.Discard(message.LengthSize) // it is there
	if n == 0 {
		p.Penalise(BanScore, "an empty message")
		return 0, nil, nil, message.ErrMalformed
	}
	kindByte, err := in.ReadByte()
	if err != nil {
		return 0, nil, nil, err
	}
	kind := message.Kind(kindByte)
	if p.hello == nil && kind != message.KindHello { // before any of its payload is read
		return 0, nil, nil, fmt.Errorf("begins with %q instead of a greeting", kind)
	}
	if most := message.MaxPayload(kind, p.host.cfg.MaxBlockWeight); n-1 > uint64(most) {
		p.Penalise(BanScore, fmt.Sprintf("a message %q of %d bytes, at most %d are allowed", kind, n-1, most))
		return 0, nil, nil, ErrTooLarge
	}
	if p.hello != nil {
		in.hurry(int(n - 1))
	}
	var held *holding
	if n > firstChunk {
		held = p.host.incoming.hold(func() {
			p.Penalise(hoardPoints, errSlowFrame.Error())
			p.cancel(errSlowFrame)
		})
	}
	payload, err := readBody(p.ctx, in, int(n-1), held)
	if err != nil {
		return 0, nil, held, err
	}
	p.receivedBytes(kind.String(), message.LengthSize+int(n))
	return kind, payload, held, nil
}

// receive handles one message. An error ends the connection.
func (p *Peer) receive(kind message.Kind, payload []byte) error {
	m, err := message.DecodeRelay(kind, payload)
	switch {
	case errors.Is(err, message.ErrUnknownKind):
		if !p.unknown.take(float64(1 + len(payload))) {
			p.Penalise(floodPoints, "floods us with messages of an unknown kind")
		}
		return p.pause(len(payload))
	case err != nil:
		p.Penalise(BanScore, err.Error())
		return err
	}
	switch m := m.(type) {
	case *message.Hello:
		p.Penalise(BanScore, "greets twice")
		return errTwice
	case *message.Ping:
		if !p.flood.take(1) {
			p.Penalise(floodPoints, "floods us with pings")
			return nil
		}
		p.Send(&message.Pong{Nonce: m.Nonce})
		return nil
	case *message.Pong:
		if !p.pings.pong(m.Nonce) && !p.flood.take(1) {
			p.Penalise(floodPoints, "floods us with pongs")
		}
		return nil
	}
	if err := p.pause(len(payload)); err != nil {
		return err
	}
	p.pings.busy.Store(true)
	p.host.cfg.Handler.Received(p, m)
	p.pings.idle(time.Now())
	return nil
}

// What one peer may send unasked. Messages beyond relayRate a second wait, where
// they are the peer's burden, and a peer of which more than heldBurst have had to
// wait, at more than heldRate a second, is sent away: what it has written besides
// lies in our memory. Bytes beyond relaySpeed cost points, since no honest peer has
// so much to say.
const (
	relayRate, relayBurst  = 1000, 20_000
	heldRate, heldBurst    = 10, 2000
	tooManyPoints          = 20
	relaySpeed, relayAhead = 1 << 20, 8 << 20
	bytesForPoint          = 64 << 10
	// Of what this version does not understand there is less: a node of a later one
	// sees from the greeting what is lost on us.
	unknownSpeed, unknownAhead = 4 << 10, 1 << 20
)

var errTooMany = errors.New("floods us with small messages")

// pause waits until one more message of n bytes is within the limits.
func (p *Peer) pause(n int) error {
	if p.Whitelisted(NoBan) {
		return nil
	}
	if !p.inBytes.take(float64(n)) {
		p.Penalise(1+n/bytesForPoint, "floods us with messages")
	}
	wait := p.inCount.borrow(1)
	if wait > 0 && !p.held.take(1) {
		p.Penalise(tooManyPoints, errTooMany.Error())
		p.cancel(errTooMany)
	}
	return sleep(p.ctx, wait)
}

// handleRelay takes the relay stream that a peer opened; libp2p calls it.
func (h *Host) handleRelay(s network.Stream) {
	p := h.peerOf(s.Conn())
	if p == nil {
		_ = s.Reset()
		return
	}
	select {
	case p.relay <- s:
	default:
		p.cancel(errors.New("opens a second relay stream"))
		_ = s.Reset()
	}
}

// endOf puts an error of a stream into words: slow for a deadline that passed.
func endOf(err error, slow string) error {
	switch {
	case isTimeout(err) || errors.Is(err, context.DeadlineExceeded):
		return errors.New(slow)
	case errors.Is(err, io.EOF), errors.Is(err, network.ErrReset), errors.Is(err, io.ErrUnexpectedEOF):
		return errClosed
	}
	return err
}

func (p *Peer) log() *zerolog.Logger {
	l := p.host.cfg.Log.With().Str("peer", p.ID()).Str("addr", p.conn.RemoteMultiaddr().String()).Logger()
	return &l
}

// logEnd says once why the connection is over.
func (p *Peer) logEnd() {
	level, what := zerolog.DebugLevel, "peer disconnected" // strangers who never became peers do not fill the log
	if p.told {
		level = zerolog.InfoLevel
	}
	if p.outcast.Load() {
		level, what = zerolog.WarnLevel, "peer disconnected and banned"
	}
	p.log().WithLevel(level).Str("kind", string(p.kind)).AnErr("reason", p.reason()).Msg(what)
}
