package rpc

import (
	"context"
	"net/netip"
	"os"
	"time"

	"github.com/rs/zerolog"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/mempool"
	"github.com/keelson-chain/keelson/miner"
	"github.com/keelson-chain/keelson/miner/template"
	"github.com/keelson-chain/keelson/p2p/peerinfo"
	"github.com/keelson-chain/keelson/wire"
)

// The defaults of Config, and what bounds a server whatever its Config.
const (
	DefaultThreads = 16 // calls that are worked on at the same time
	DefaultQueue   = 64 // calls that wait for that
	DefaultTimeout = 30 * time.Second

	// MaxMockTime is the latest time that the clock can be set to, in seconds
	// since 1970: nanoseconds since then still fit 63 bits (Core's limit).
	MaxMockTime = 9223372036
	// MaxTimeOffset is how far from the machine's clock the node's can run, in
	// seconds: a hundred years, either way.
	MaxTimeOffset = 100 * 365 * 24 * 60 * 60

	maxBody      = 32 << 20         // bytes of a request, as in Core
	maxTarget    = 8 << 10          // bytes of what its first line asks for, as in Bitcoin Core
	maxHead      = 16 << 10         // bytes of a request's head
	idleTimeout  = 30 * time.Minute // between two requests of a connection
	stopTimeout  = 5 * time.Second  // for answers to be taken when the server stops
	refusalDelay = 250 * time.Millisecond
)

// Config is what a Server is made of. Params and either Password or CookieFile
// are needed; zero values of the rest mean their defaults.
type Config struct {
	Params *consensus.Params

	// Listen are the addresses with ports to listen on; empty: both loopback
	// addresses with Port, of which one may be missing on this machine.
	Listen []string
	Port   uint16
	// Allow are the clients served besides loopback.
	Allow []netip.Prefix

	// User and Password are accepted, if Password is not empty. Otherwise a
	// cookie is written to CookieFile.
	User, Password string
	CookieFile     string
	CookieMode     os.FileMode // who may read it; 0: its owner alone
	// Auth are further users.
	Auth []Auth
	// Whitelist says which methods users may call. A user who is not in it may
	// call all or, with WhitelistDefault, none.
	Whitelist        Whitelist
	WhitelistDefault bool

	Threads, Queue int
	// Timeout is how long a client may take to send the head of a request; it has
	// four times as long for the body, and for taking the answer.
	Timeout time.Duration

	// FastPrune is the ledger's setting, with which a shorter chain may be pruned.
	FastPrune bool

	// REST serves the REST interface, too, to whom calls are served and without
	// a password.
	REST bool

	// Deprecated names old behaviours to keep: "warnings".
	Deprecated []string
	// Comments are added to what the node calls itself; see CheckComment.
	Comments []string

	// PruneTarget and CacheBytes are what the ledger was told; they are reported.
	PruneTarget uint64
	CacheBytes  int64
	// PoolFile is what savemempool writes.
	PoolFile string

	// Shutdown asks the node to stop; it must return at once.
	Shutdown func()
	// Clock is the node's clock; nil: the real one, which cannot be set.
	Clock Clock
	// Version is the node's own, such as "0.1.0".
	Version string
	Log     zerolog.Logger

	limits limits
}

// limits bound what a server takes of the machine. The zero values mean the
// defaults; tests set others.
type limits struct {
	connections int           // open at a time
	memory      int64         // bytes of large requests and answers
	patience    time.Duration // how long a request waits for memory
	stall       time.Duration // how long a client may take nothing of its answer while others wait for memory
	start       time.Duration // how long after New a call waits for Serve before it hears that the node is starting
	judge       time.Duration // the same for one that judges transactions, and how long it waits for the pool of the last run
}

func (l *limits) defaults() {
	if l.connections == 0 {
		l.connections = 512
	}
	if l.memory == 0 {
		l.memory = 256 << 20
	}
	if l.patience == 0 {
		l.patience = 10 * time.Second
	}
	if l.stall == 0 {
		l.stall = 5 * time.Second
	}
	if l.start == 0 {
		l.start = 5 * time.Second
	}
	if l.judge == 0 {
		l.judge = 30 * time.Second
	}
}

// Clock is a clock that can be stopped and set for tests.
type Clock interface {
	Now() time.Time
	// SetMock stops the clock at a time in seconds since 1970; 0 lets it run.
	// Mock returns where it stands; 0: it runs.
	SetMock(seconds int64)
	Mock() int64
	// SetOffset is how far from the machine's clock it runs; Offset returns that.
	SetOffset(d time.Duration)
	Offset() time.Duration
}

// Miner makes blocks on request.
type Miner interface {
	// Generate mines n blocks that pay pkScript and returns their hashes, fewer
	// if maxTries hashes were not enough.
	Generate(ctx context.Context, n int, pkScript []byte, maxTries uint64) ([]wire.Hash, error)
	// GenerateOn does so on top of a state, and without transactions.
	GenerateOn(ctx context.Context, s consensus.State, n int, pkScript []byte, maxTries uint64) ([]wire.Hash, error)
	// Block builds a child of s's tip with a coinbase that pays pkScript the
	// subsidy, and txs in that order.
	Block(s consensus.State, txs []*wire.Tx, pkScript []byte) *wire.Block
	// Solve sets the nonce of such a block. It returns an error if maxTries
	// hashes were not enough.
	Solve(ctx context.Context, b *wire.Block, maxTries uint64) error
	// Template returns what to search for a miner outside of the node.
	Template() (*template.Template, error)
	// Outdated reports whether there may be something better than the template
	// whose selection had that sequence number.
	Outdated(sequence uint64) bool
	// Plan and SetPlan are what the miner does by itself.
	Plan() miner.Plan
	SetPlan(ctx context.Context, p miner.Plan) error
	Stats() miner.Stats
	// LastTemplate returns the weight and the number of transactions of the last
	// block that was put together for anybody, if there was one.
	LastTemplate() (weight, txs int, ok bool)
}

// Network is the node among others. But for OneTry, what it is asked to do it
// begins, and does not wait for peers to do it. The errors are those of package peerinfo.
type Network interface {
	Local() peerinfo.Local
	Peers() []peerinfo.Peer // in the order in which they connected
	Totals() peerinfo.Totals
	// Ping pings every peer.
	Ping()
	// SetActive switches the network on or off; off, all peers are disconnected.
	SetActive(active bool)

	// AddNode puts a node on the list of those that the node keeps calling, and
	// RemoveNode takes it off; addr is a multi-address or HOST:PORT.
	AddNode(addr string) error    // ErrAddress, ErrAdded
	RemoveNode(addr string) error // ErrNotAdded
	// OneTry calls a node once and waits for what comes of it. That it does not
	// answer is no error.
	OneTry(ctx context.Context, addr string) error // ErrAddress
	AddedNodes() []peerinfo.AddedNode
	// Disconnect disconnects the peer of that number.
	Disconnect(num int64) error // ErrNotConnected

	// FetchBlock asks the peer of that number for a block whose header is known.
	FetchBlock(num int64, hash wire.Hash) error // ErrNotConnected, ErrAsked

	// Ban disconnects and refuses a target, which is a subnet as netip.Prefix
	// writes it or a libp2p peer id, until a time; the zero time: as long as bans
	// last by default.
	Ban(target string, until time.Time) error // ErrAddress, ErrBanned
	// Unban ends the ban of exactly that target.
	Unban(target string) error // ErrAddress, ErrNotBanned
	Bans() []peerinfo.Ban
	ClearBans() error

	// Restart disconnects every peer, has move change chain and pool, and lets peers
	// connect again, of whom the node then knows nothing.
	Restart(ctx context.Context, move func() error) error
}

// Addresses are the addresses that the node knows of others.
type Addresses interface {
	// Addresses returns at most that many known addresses (0: all), picked at
	// random, of one network or, if it is empty, of all.
	Addresses(max int, network peerinfo.Network) []peerinfo.Address
	// Slots returns what is in the address tables, and TableSizes how much.
	Slots() []peerinfo.Slot
	TableSizes() []peerinfo.TableSize
	// AddAddress puts an address into the tables as if its node had told it, with
	// tried into that of the addresses that have worked. It reports in which
	// tables there was room for it.
	AddAddress(multiaddr string, tried bool) (added, moved bool)
}

// Node is what calls work on. It is given to Server.Serve once it is there; until
// then every call is told that the node is starting.
type Node struct {
	Ledger *ledger.Ledger
	Pool   *mempool.Pool
	Miner  Miner
	// Network and Addresses may be nil: a node without peers, or one that does not
	// look for any.
	Network   Network
	Addresses Addresses
	// Notifications are what is published to ZeroMQ subscribers.
	Notifications []Notification
	// ChainStates may be nil: the chain is always validated from its beginning.
	ChainStates ChainStates
}

// ChainStates is the node's ledger where it may begin with coins that the network
// vouches for (Bitcoin Core's assumeutxo).
type ChainStates interface {
	// Assume has the node go on with a ledger that begins with the coins a, once the
	// calls that are being worked on have been answered: see ledger.Assume.
	Assume(ctx context.Context, a consensus.AssumedCoins, coins func(yield func(op wire.OutPoint, c *consensus.Coin) error) error) error
	// Background is the ledger that validates the blocks before such coins; nil if
	// there is none, or if they are validated.
	Background() *ledger.Ledger
}

type realClock struct{}

func (realClock) Now() time.Time          { return time.Now() }
func (realClock) SetMock(int64)           {}
func (realClock) Mock() int64             { return 0 }
func (realClock) SetOffset(time.Duration) {}
func (realClock) Offset() time.Duration   { return 0 }
