package attack

import (
	"bufio"
	"context"
	cryptorand "crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/core/sec"
	"github.com/multiformats/go-multiaddr"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/p2p/message"
	"github.com/keelson-chain/keelson/pow"
	"github.com/keelson-chain/keelson/wire"
)

// Victim is the node under attack.
type Victim struct {
	Params *consensus.Params
	ID     string // its libp2p peer id
	// Big is a large block of its chain, and Coin an output in it that anyone can
	// spend; both may be zero.
	Big  wire.Hash
	Coin wire.OutPoint
	// Addrs are its multi-addresses, one of which each attacker calls at random.
	Addrs []string
}

// Find returns the victim that listens on a loopback port, over TCP and QUIC. It
// calls somebody else there, and is told who answers instead.
func Find(ctx context.Context, params *consensus.Params, port string) (*Victim, error) {
	v := &Victim{Params: params, Addrs: []string{"/ip4/127.0.0.1/tcp/" + port}}
	nobody, err := newKey()
	if err != nil {
		return nil, err
	}
	id, err := peer.IDFromPrivateKey(nobody)
	if err != nil {
		return nil, err
	}
	v.ID = id.String()
	c, err := Dial(ctx, v)
	if err == nil {
		c.Close()
		return nil, fmt.Errorf("attack: port %s is nobody's", port)
	}
	var mismatch sec.ErrPeerIDMismatch
	if !errors.As(err, &mismatch) {
		return nil, err
	}
	v.ID, v.Addrs = mismatch.Actual.String(), append(v.Addrs, "/ip4/127.0.0.1/udp/"+port+"/quic-v1")
	return v, nil
}

func newKey() (crypto.PrivKey, error) {
	key, _, err := crypto.GenerateEd25519Key(cryptorand.Reader)
	return key, err
}

// Conn is an attacker's connection.
type Conn struct {
	Victim *Victim
	// ID is who the attacker is to the victim.
	ID string
	// Their is the victim's greeting, once there was one.
	Their *message.Hello

	host  host.Host
	conn  network.Conn
	relay network.Stream // ours
	in    chan network.Stream
	gone  chan struct{}

	lies, written atomic.Int64 // answers, and bytes of the relay stream

	news chan struct{} // has an element when the victim has told of a block

	mu      sync.Mutex
	tip     wire.Hash // the victim's
	height  uint32
	heights map[wire.Hash]uint32 // of blocks that the victim has told of
	serve   map[string]func(request []byte, s io.Writer) error
}

// dialTime is how long an attacker tries to get through, of which there may be
// many at once.
const dialTime = 30 * time.Second

// Dial connects to the victim as a stranger, and says nothing yet.
func Dial(ctx context.Context, v *Victim) (*Conn, error) {
	key, err := newKey()
	if err != nil {
		return nil, err
	}
	return DialAs(ctx, v, key)
}

// DialAs is Dial as somebody who may have been there before.
func DialAs(ctx context.Context, v *Victim, key crypto.PrivKey) (*Conn, error) {
	lib, err := libp2p.New(libp2p.Identity(key), libp2p.NoListenAddrs, libp2p.DisableRelay(), libp2p.DisableMetrics(),
		libp2p.ResourceManager(&network.NullResourceManager{}))
	if err != nil {
		return nil, err
	}
	c := &Conn{
		Victim: v, ID: lib.ID().String(), host: lib,
		in: make(chan network.Stream, 1), gone: make(chan struct{}),
		news:  make(chan struct{}, 1),
		serve: map[string]func([]byte, io.Writer) error{},
	}
	if err := c.dial(ctx); err != nil {
		_ = lib.Close()
		return nil, err
	}
	return c, nil
}

func (c *Conn) dial(ctx context.Context) error {
	id, err := peer.Decode(c.Victim.ID)
	if err != nil {
		return err
	}
	addr, err := multiaddr.NewMultiaddr(c.Victim.Addrs[rand.IntN(len(c.Victim.Addrs))])
	if err != nil {
		return err
	}
	c.host.SetStreamHandler(c.protocol(message.NameRelay), func(s network.Stream) {
		select {
		case c.in <- s:
		default:
			_ = s.Reset()
		}
	})
	for _, name := range message.Requests() {
		c.host.SetStreamHandler(c.protocol(name), func(s network.Stream) { c.answer(name, s) })
	}
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	if err := c.host.Connect(ctx, peer.AddrInfo{ID: id, Addrs: []multiaddr.Multiaddr{addr}}); err != nil {
		return err
	}
	conns := c.host.Network().ConnsToPeer(id)
	if len(conns) == 0 {
		return errGone
	}
	c.conn = conns[0]
	var once sync.Once
	ended := func() { once.Do(func() { close(c.gone) }) }
	c.host.Network().Notify(&network.NotifyBundle{DisconnectedF: func(network.Network, network.Conn) { ended() }})
	if c.conn.IsClosed() {
		ended()
	}
	return nil
}

var errGone = errors.New("attack: the connection is over")

// Gone returns a channel that is closed once the connection is over.
func (c *Conn) Gone() <-chan struct{} { return c.gone }

// Close ends the connection.
func (c *Conn) Close() { _ = c.host.Close() }

func (c *Conn) protocol(name string) protocol.ID {
	return protocol.ID(message.Protocol(c.Victim.Params.GenesisHash, name))
}

// Hello is a greeting that an honest node might send, but that it claims a chain
// which nobody has.
func (c *Conn) Hello() *message.Hello {
	work := pow.WorkFromBytes([32]byte{8: 1})
	return &message.Hello{
		Version: message.Version, Services: message.ServiceNetwork | message.ServiceWitness, Time: time.Now().Unix(), Nonce: rand.Uint64(),
		Subver: "/Satoshi:28.1.0/", Height: 1_000_000, Tip: c.hash(), Work: work, Relay: true,
	}
}

// hash returns a random hash.
func (c *Conn) hash() (h wire.Hash) {
	for i := 0; i < len(h); i += 8 {
		binary.LittleEndian.PutUint64(h[i:], rand.Uint64())
	}
	return h
}

// Open opens a stream of ours.
func (c *Conn) Open(ctx context.Context, name string) (network.Stream, error) {
	ctx, cancel := context.WithTimeout(network.WithNoDial(ctx, "attack"), dialTime)
	defer cancel()
	return c.host.NewStream(ctx, c.conn.RemotePeer(), c.protocol(name))
}

// Greet makes the attacker a peer: it sends hello and reads the victim's. What
// the victim says afterwards is read and forgotten.
func (c *Conn) Greet(ctx context.Context, hello *message.Hello) error {
	var err error
	if c.relay, err = c.Open(ctx, message.NameRelay); err != nil {
		return err
	}
	if err := c.Send(hello); err != nil {
		return err
	}
	var in network.Stream
	select {
	case in = <-c.in:
	case <-c.gone:
		return errGone
	case <-ctx.Done():
		return ctx.Err()
	}
	var head [message.LengthSize + 1]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return err
	}
	n := binary.LittleEndian.Uint32(head[:])
	if message.Kind(head[message.LengthSize]) != message.KindHello || n == 0 || n > 1<<16 {
		return fmt.Errorf("attack: the victim begins with %x", head)
	}
	payload := make([]byte, n-1)
	if _, err := io.ReadFull(in, payload); err != nil {
		return err
	}
	if c.Their, err = message.DecodeHello(payload); err != nil {
		return err
	}
	c.tip, c.height = c.Their.Tip, c.Their.Height
	c.heights = map[wire.Hash]uint32{c.tip: c.height}
	go c.listen(in)
	return nil
}

// listen reads what the victim says, and remembers its tip.
func (c *Conn) listen(in io.Reader) {
	r := bufio.NewReader(in)
	for {
		var head [message.LengthSize + 1]byte
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return
		}
		n := int64(binary.LittleEndian.Uint32(head[:])) - 1
		if message.Kind(head[message.LengthSize]) == message.KindHave && n == wire.HeaderSize {
			var b [wire.HeaderSize]byte
			if _, err := io.ReadFull(r, b[:]); err != nil {
				return
			}
			if h, err := wire.DecodeHeader(b[:]); err == nil {
				c.heard(&h)
			}
			continue
		}
		if _, err := io.CopyN(io.Discard, r, n); err != nil {
			return
		}
	}
}

// heard takes in that the victim has a block, or passes on the header of one that
// somebody else claims to have: the next one is right where that was wrong.
func (c *Conn) heard(h *wire.Header) {
	c.mu.Lock()
	defer c.mu.Unlock()
	height, known := c.heights[h.PrevBlock]
	if !known {
		height = c.height
	}
	height++
	if c.heights[h.Hash()] = height; height < c.height {
		return
	}
	c.tip, c.height = h.Hash(), height
	select {
	case c.news <- struct{}{}:
	default:
	}
}

// prev is what a block may be built on.
func (c *Conn) prev() wire.Hash {
	tip, _ := c.at()
	return tip
}

// at returns the victim's tip, as far as it has told.
func (c *Conn) at() (tip wire.Hash, height uint32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.tip, c.height
}

// Send sends a message on the relay stream.
func (c *Conn) Send(m message.Message) error { return c.Write(message.AppendRelayFrame(nil, m)) }

// Write writes bytes to the relay stream.
func (c *Conn) Write(b []byte) error {
	n, err := c.relay.Write(b)
	c.written.Add(int64(n))
	return err
}

// Ask sends the bytes of a request, and returns the stream of the answer.
func (c *Conn) Ask(ctx context.Context, name string, b []byte) (network.Stream, error) {
	s, err := c.Open(ctx, name)
	if err != nil {
		return nil, err
	}
	if _, err := s.Write(b); err != nil {
		_ = s.Reset()
		return nil, err
	}
	_ = s.CloseWrite()
	return s, nil
}

// Serve sets what answers the victim's requests of a protocol: f writes the
// frames. Without it they are cut off.
func (c *Conn) Serve(name string, f func(request []byte, answer io.Writer) error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.serve[name] = f
}

// answer answers one request of the victim.
func (c *Conn) answer(name string, s network.Stream) {
	c.mu.Lock()
	f := c.serve[name]
	c.mu.Unlock()
	var head [message.LengthSize]byte
	if _, err := io.ReadFull(s, head[:]); err != nil || f == nil {
		_ = s.Reset()
		return
	}
	n := int(binary.LittleEndian.Uint32(head[:]))
	if n > message.MaxRequest(name, c.Victim.Params.MaxBlockWeight) {
		_ = s.Reset()
		return
	}
	request := make([]byte, n)
	if _, err := io.ReadFull(s, request); err != nil {
		_ = s.Reset()
		return
	}
	if err := f(request, s); err != nil {
		_ = s.Reset()
		return
	}
	_ = s.CloseWrite()
}

// wait waits for a time, or for the end of the connection or of ctx, and
// reports whether the attack goes on.
func (c *Conn) wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-c.gone:
	case <-ctx.Done():
	}
	return false
}

// going reports whether the attack goes on.
func (c *Conn) going(ctx context.Context) bool {
	select {
	case <-c.gone:
		return false
	case <-ctx.Done():
		return false
	default:
		return true
	}
}
