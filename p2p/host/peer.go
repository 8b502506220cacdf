package host

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/keelson-chain/keelson/p2p/message"
	"github.com/keelson-chain/keelson/p2p/peerinfo"
)

// Peer is a connection to another node. Its methods may be called from any
// goroutine, also after the connection has ended.
type Peer struct {
	host    *Host
	conn    network.Conn
	id      peer.ID
	addr    netip.Addr // of the other end; invalid if it has none
	inbound bool
	kind    peerinfo.Kind
	opened  time.Time

	// ctx ends with the connection; its cause says why.
	ctx    context.Context
	cancel context.CancelCauseFunc
	wg     sync.WaitGroup        // everything of this connection but its own goroutine
	relay  chan network.Stream   // takes the peer's relay stream
	calls  atomic.Int32          // streams that the peer opened and that are open
	serve  map[string]*serveGate // by protocol; not changed after it is made

	// Written before ready is closed, and only read afterwards.
	num         int64
	hello, ours *message.Hello // the peer's greeting, and what it was greeted with
	permissions Permissions
	connected   time.Time
	connectedAt int64 // by the node's clock, in Unix seconds
	told        bool  // the Handler knows of the peer

	ready chan struct{} // closed when the peer is one
	gone  chan struct{} // closed when everything about it is over

	queue   queue
	traffic traffic
	pings   pings
	out     *stream // our relay stream
	closed  bool    // guarded by host.mu: nothing may join wg any more

	flood            bucket // pings, and pongs without a ping, that the peer may send
	inBytes, inCount bucket // messages that are taken from it
	held             bucket // of those that had to wait
	unknown          bucket // bytes of messages of an unknown kind

	outcast           atomic.Bool  // banned for what it did
	lastTx, lastBlock atomic.Int64 // Unix nanoseconds; 0 is never

	tells                  bucket        // addresses that the peer may tell of
	addrTaken, addrLimited atomic.Uint64 // that were taken in, and that were too many
	addrRelay, toldAll     atomic.Bool   // it asked for addresses, or was asked; it got the long answer
}

// ID returns the libp2p peer id.
func (p *Peer) ID() string { return p.id.String() }

// Num returns what Bitcoin Core calls the peer id: it counts the peers since
// the node started, from 0.
func (p *Peer) Num() int64 { return p.num }

// Inbound reports whether the peer called us.
func (p *Peer) Inbound() bool { return p.inbound }

// Kind returns what the connection is for.
func (p *Peer) Kind() peerinfo.Kind { return p.kind }

// Addr returns the multi-address of the other end, with /p2p/ID.
func (p *Peer) Addr() string {
	return p.conn.RemoteMultiaddr().String() + "/p2p/" + p.id.String()
}

// IP returns the address of the other end; it is invalid if there is none.
func (p *Peer) IP() netip.Addr { return p.addr }

// Hello returns what the peer greeted us with, which nobody changes.
func (p *Peer) Hello() *message.Hello { return p.hello }

// OurHello returns what we greeted the peer with, which nobody changes.
func (p *Peer) OurHello() *message.Hello { return p.ours }

// Connected returns when the peer became one.
func (p *Peer) Connected() time.Time { return p.connected }

// Whitelisted reports whether the whitelist gives the peer all of these
// permissions.
func (p *Peer) Whitelisted(perm Permissions) bool { return p.permissions&perm == perm }

// Done returns a channel that is closed when the connection ends.
func (p *Peer) Done() <-chan struct{} { return p.ctx.Done() }

// Context returns a context that ends with the connection.
func (p *Peer) Context() context.Context { return p.ctx }

// Disconnect ends the connection; it does not wait for that. The first reason
// given is logged.
func (p *Peer) Disconnect(reason string) { p.cancel(errors.New(reason)) }

// reason says why the connection ended, or nil.
func (p *Peer) reason() error { return context.Cause(p.ctx) }

// NoteTx remembers that the peer just brought a transaction that was new and
// valid, which counts when peers are chosen to give way.
func (p *Peer) NoteTx() { p.lastTx.Store(time.Now().UnixNano()) }

// NoteBlock remembers that the peer just brought a block that was new and valid.
func (p *Peer) NoteBlock() { p.lastBlock.Store(time.Now().UnixNano()) }

func unixNano(v *atomic.Int64) time.Time {
	if n := v.Load(); n != 0 {
		return time.Unix(0, n)
	}
	return time.Time{}
}
