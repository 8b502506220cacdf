package mempool

import (
	"errors"
	"fmt"
	"time"

	"github.com/rs/zerolog"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/mempool/policy"
	"github.com/keelson-chain/keelson/script/sig"
	"github.com/keelson-chain/keelson/wire"
)

// The defaults of Config, which are Bitcoin Core's.
const (
	DefaultMaxBytes = 300_000_000
	DefaultExpiry   = 336 * time.Hour
)

// Chain is what a Pool needs of the ledger.
type Chain interface {
	// Tip returns the state at the tip of the active chain.
	Tip() consensus.State
	// Changed returns a channel that is closed when the tip changes next.
	Changed() <-chan struct{}
	// State returns the state at a block.
	State(hash wire.Hash) (consensus.State, error)
	// MovesSince returns the steps from the block at to the tip, oldest first, and
	// the blocks that were on the active chain since the departures counted
	// before, but lie neither on it now nor below at.
	MovesSince(at wire.BlockRef, departures uint64) (updates []consensus.Update, passed []wire.BlockRef, now uint64, err error)
	// Departures counts the blocks that have left the active chain.
	Departures() uint64
	// Block returns the body of a block.
	Block(hash wire.Hash) (*wire.Block, error)
	// CoinSnapshot returns the coins at one tip, to be closed by the caller.
	CoinSnapshot() (consensus.CoinSnapshot, error)
}

// Limits bound how transactions of the pool may hang together. A transaction
// counts among its own ancestors and descendants; sizes are virtual bytes.
type Limits struct {
	AncestorCount, AncestorSize     int
	DescendantCount, DescendantSize int
}

// DefaultLimits are Bitcoin Core's.
func DefaultLimits() Limits {
	return Limits{AncestorCount: 25, AncestorSize: 101_000, DescendantCount: 25, DescendantSize: 101_000}
}

// MinBytes is the least Config.MaxBytes under these limits: room for 40 groups of
// the largest size (Bitcoin Core's).
func (l Limits) MinBytes() int64 { return 40 * int64(l.DescendantSize) }

// Config is what a Pool is made of. Chain is needed; zero values of the rest
// but Rules mean their defaults.
type Config struct {
	Chain  Chain
	Rules  policy.Rules
	Limits Limits
	// MaxBytes bounds the memory that transactions take, with what the pool
	// keeps about each (maxmempool), and is at least Limits.MinBytes.
	MaxBytes int64
	// Expiry is how long a transaction stays at most.
	Expiry time.Duration
	// NoFullRBF keeps transactions that do not signal BIP 125 from being
	// replaced.
	NoFullRBF bool
	// File is where Save writes to and Load reads from; "": nowhere.
	File string
	// FeeFile is where SaveFees writes to and LoadFees reads from; "": nowhere.
	FeeFile string
	// PlainFile writes files that are not masked, for Bitcoin Core before 27.
	PlainFile bool
	// Moves has the pool remember what happens to it, for TakeMoves.
	Moves bool

	// Workers is how many goroutines verify the scripts of transactions that
	// are added together; below 2 it is the caller's.
	Workers int
	// Sigs verifies signatures; nil is sig.DCRD.
	Sigs sig.Verifier
	// SigCache remembers valid signatures for the block; it may be nil.
	SigCache *sig.Cache
	// Now is the node's clock, which tests may set; nil: time.Now.
	Now func() time.Time
	Log zerolog.Logger
}

func (cfg Config) withDefaults() (Config, error) {
	if cfg.Chain == nil {
		return cfg, errors.New("mempool: no chain")
	}
	if cfg.Limits == (Limits{}) {
		cfg.Limits = DefaultLimits()
	}
	if cfg.MaxBytes == 0 {
		cfg.MaxBytes = DefaultMaxBytes
	}
	if least := cfg.Limits.MinBytes(); cfg.MaxBytes < least {
		// Bitcoin Core's words, for its users' scripts.
		return cfg, fmt.Errorf("-maxmempool must be at least %d MB", (least+999_999)/1_000_000)
	}
	if cfg.Expiry == 0 {
		cfg.Expiry = DefaultExpiry
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return cfg, nil
}
