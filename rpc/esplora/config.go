package esplora

import (
	"context"
	"errors"
	"time"

	"github.com/rs/zerolog"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/mempool"
	"github.com/keelson-chain/keelson/wire"
)

// Config is what a View is made of. Params, Chain and Pool are needed.
type Config struct {
	Params *consensus.Params
	Chain  *ledger.Ledger
	Pool   *mempool.Pool

	// Broadcast gives a transaction in hexadecimal to the pool and the network
	// and returns its id, as sendrawtransaction does. What it refuses is a
	// *jsonrpc.Error. nil: the Handler takes no transactions.
	Broadcast func(ctx context.Context, hex string) (wire.Hash, error)
	// FeeRate estimates the fee rate, in satoshi per virtual byte, at which a
	// transaction is confirmed within a number of blocks; false: there is no
	// estimate. nil: there is none at all.
	FeeRate func(blocks int) (float64, bool)

	Log zerolog.Logger
}

// The kinds of errors of a View, besides those of the ledger. The text says what
// it was about.
var (
	// ErrNotFound: there is no such thing. The text is electrs's.
	ErrNotFound = errors.New("not found")
	// ErrBadRequest: what was asked for makes no sense. The text is electrs's
	// where it has one.
	ErrBadRequest = errors.New("bad request")
	// ErrNoAddressIndex: the ledger has no address index, which it needs to know
	// what happened to a script, and what spent an output. It is the ledger's.
	ErrNoAddressIndex = ledger.ErrNoAddressIndex
)

// failure is an error of a kind with a text of its own, for the user.
type failure struct {
	kind error
	text string
}

func (f *failure) Error() string { return f.text }
func (f *failure) Unwrap() error { return f.kind }

func notFound(text string) error   { return &failure{ErrNotFound, text} }
func badRequest(text string) error { return &failure{ErrBadRequest, text} }

var (
	errNoBlock = notFound("Block not found")
	errNoTx    = notFound("Transaction not found")
)

// View is the chain and the pool, as users look at them. Its methods may be
// called from any goroutine. The values that they return are the caller's, but
// for scripts and witnesses, which nobody may change.
type View struct {
	cfg    Config
	bodies bodies
	pool   poolIndex
}

// New returns a View. It has no goroutine, and nothing to close.
func New(cfg Config) *View {
	v := &View{cfg: cfg}
	v.pool.init(cfg.Pool, cfg.Chain)
	return v
}

// tries is how often an answer is made anew because the chain has moved while it
// was made, before the client is told to come again.
const tries = 20

// errMoving: the chain moved on each time that an answer was made.
var errMoving = errors.New("the chain is moving, try again")

// look is what an answer is made of: the chain at one tip, and the pool on it.
type look struct {
	*ledger.Snapshot
	v     *View
	moved bool // the pool does not stand on the snapshot's tip
}

// catchUp brings the pool's index to what the pool holds.
func (l *look) catchUp(ctx context.Context) error {
	tip, err := l.v.pool.catchUp(ctx)
	l.moved = l.moved || tip != l.Tip()
	return err
}

// consistent returns what f makes of the chain and the pool at one tip. During the
// initial download, when nobody looks at the pool, the tip may have moved
// meanwhile.
func consistent[T any](ctx context.Context, v *View, f func(l *look) (T, error)) (T, error) {
	var none T
	for try := range tries {
		if try > 0 {
			pause(ctx, time.Duration(try)*time.Millisecond) // a fifth of a second in all
		}
		s, err := v.cfg.Chain.Snapshot()
		if err != nil {
			return none, err
		}
		l := &look{Snapshot: s, v: v}
		answer, err := f(l)
		at := s.Tip()
		s.Close()
		if ctx.Err() != nil {
			return none, ctx.Err()
		}
		if !l.moved && v.cfg.Chain.Tip().Tip == at || v.cfg.Chain.InitialDownload() {
			return answer, err
		}
	}
	return none, errMoving
}

// pause waits for a while, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
