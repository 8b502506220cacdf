package ledger

import (
	"context"
	"time"

	"github.com/rs/zerolog"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/pow"
	"github.com/keelson-chain/keelson/script/sig"
	"github.com/keelson-chain/keelson/wire"
)

// The defaults of Config.
const (
	// DefaultCacheBytes bounds the coin cache and what waits to be written
	// with it; the whole process stays below 400 MB with it.
	DefaultCacheBytes = 128 << 20
	// DefaultMaxTipAge is how old the tip may be for the initial download to
	// count as over, as in Bitcoin Core.
	DefaultMaxTipAge = 24 * time.Hour
	// KeepBlocks is how many blocks below the tip pruning never deletes, so that
	// a reorganisation finds what it needs (Bitcoin Core's MIN_BLOCKS_TO_KEEP).
	KeepBlocks = 288
	// PruneManual as Config.Prune switches pruning on, by PruneTo alone.
	PruneManual = 1
)

// Config is everything the ledger is told. The zero value of every field but
// Dir and Params means its default.
type Config struct {
	// Dir is the folder of this network's data. It is created if missing.
	Dir    string
	Params *consensus.Params

	// CacheBytes bounds the coin cache; 0: DefaultCacheBytes.
	CacheBytes int64
	// TxIndex keeps an index of every transaction of the active chain. Switched
	// on later it is built by Open; switched off it is deleted by Open.
	TxIndex bool
	// Prune is the number of bytes that blocks and undo records may take; 0
	// keeps everything; PruneManual deletes only when PruneTo is called.
	Prune uint64
	// FastPrune makes the block files small (64 KiB), for tests of pruning.
	FastPrune bool

	// Workers is how many goroutines verify scripts; 0: one per CPU.
	Workers int
	// Sigs is the arithmetic that verifies signatures; nil: sig.DCRD().
	Sigs sig.Verifier
	// SigCache remembers valid signatures between the pool and the block; it may
	// be nil.
	SigCache *sig.Cache
	// AssumeValid names a block whose ancestors' scripts are not verified while
	// it lies two weeks of work deep in the best header chain. Zero: every
	// script is verified.
	AssumeValid wire.Hash
	// MinimumWork is the work below which the ledger counts as being in the
	// initial download, if it is more than the network's own.
	MinimumWork pow.Work
	// MaxTipAge: see DefaultMaxTipAge.
	MaxTipAge time.Duration
	// StopAtHeight, if not zero, is the height above which no block is connected.
	StopAtHeight uint32

	// Reindex rebuilds everything from the block files; ReindexChainState
	// rebuilds the coins alone and keeps the block index.
	Reindex, ReindexChainState bool

	// Now is the clock that headers are judged by; nil: time.Now.
	Now func() time.Time
	// Log is silent by default.
	Log zerolog.Logger
}

// Open opens the ledger in cfg.Dir, or makes a new one there, and brings it in
// order: what an interrupted run left behind is cut off, blocks that were stored
// but not connected are connected, indexes are built or dropped and a reindex
// is run, with progress in the log. It returns early when ctx ends; what it has
// done so far is kept.
//
// Errors say in one line what is wrong: errors.Is finds kv.ErrLocked (a second
// process), ErrOtherNetwork, ErrNewerSchema, ErrCorrupt, ErrPrunedData and the
// operating system's own (fs.ErrPermission, syscall.ENOSPC).
func Open(ctx context.Context, cfg Config) (*Ledger, error) {
	panic("not yet")
}

// Ledger holds the block tree, the coins at the tip of the active chain, and
// the bodies and undo records of blocks. Its methods may be called from any
// goroutine; see the package comment for who waits for whom.
type Ledger struct{}

// Close writes what has not been written and closes the files. The ledger
// cannot be used afterwards; Close may be called again and does nothing.
func (l *Ledger) Close() error { panic("not yet") }

// Flush writes everything that is only in memory and returns once it is safe
// on disk.
func (l *Ledger) Flush() error { panic("not yet") }

// Tip returns the state at the tip of the active chain. It never waits.
func (l *Ledger) Tip() consensus.State { panic("not yet") }

// Changed returns a channel that is closed when the tip changes next. Ask for
// the channel first and for the tip or for UpdatesSince after it, and no change is missed.
func (l *Ledger) Changed() <-chan struct{} { panic("not yet") }

// UpdatesSince returns the steps from the block at to the current tip, oldest
// first, at most max of them (0: all): blocks that are disconnected, then blocks
// that are connected. A reader that follows the chain applies them, remembers the
// last one's block (of a disconnected one: its parent) as the next at, and asks
// again until there are none. at may lie off the active chain. The errors are
// ErrUnknownBlock alone.
func (l *Ledger) UpdatesSince(at wire.BlockRef, max int) ([]Update, error) { panic("not yet") }

// InitialDownload reports whether the chain is still being fetched: its work is
// below the minimum, or its tip is older than MaxTipAge. Once false it stays so until
// the ledger is closed.
func (l *Ledger) InitialDownload() bool { panic("not yet") }

// AddHeaders adds headers to the tree, each the parent of the next one, and
// returns the best header of the tree (the one with the most work that is
// not known to be invalid). Headers that are known already are skipped.
//
// The first header that cannot be added ends the call: ErrUnknownParent,
// ErrInvalidParent, ErrDuplicateInvalid or a consensus.RuleError; the ones before it stay.
// A header too far in the future is not remembered as invalid.
func (l *Ledger) AddHeaders(hs []wire.Header) (wire.BlockRef, error) { panic("not yet") }

// AddBlock is the one door for blocks, wherever they come from. The block is
// checked, stored and, if that makes a chain of more work than the active one,
// connected, along with every stored block that follows. nil means that the block was valid as
// far as it was judged: see Entry's Status for whether it was connected
// (ValidScripts) or kept for later, because its branch has less work or an
// ancestor's body is missing.
//
// The errors are ErrDuplicate and ErrDuplicateInvalid for a block that is known
// (it counts as known once its body was stored, or its header found invalid),
// ErrUnknownParent, ErrInvalidParent, ErrInvalidBranch, and a consensus.RuleError for a
// block that breaks a rule. The block and its descendants are remembered as
// invalid unless consensus.Mutated holds for the error, the block's proof of work or
// context-free form was wrong already, or its time lies too far in the future.
// Anything else is a fault: see ErrFault. ctx is looked at between blocks of a
// long reorganisation, which then ends, at a valid tip, with ctx's error.
//
// Outside of the initial download a changed tip is safe on disk, synced, when AddBlock returns.
// During it the last minutes may be lost in a crash, never the consistency of what is left.
func (l *Ledger) AddBlock(ctx context.Context, b *wire.Block) error { panic("not yet") }

// Wanted returns, lowest first, up to max blocks of the best header chain
// whose bodies are missing.
func (l *Ledger) Wanted(max int) []wire.BlockRef { panic("not yet") }

// Entry returns what the tree knows of the block named hash.
func (l *Ledger) Entry(hash wire.Hash) (Entry, bool) { panic("not yet") }

// EntryAt returns the block of the active chain at height.
func (l *Ledger) EntryAt(height uint32) (Entry, bool) { panic("not yet") }

// Ancestor returns the ancestor of the block named hash at height, or the
// block itself.
func (l *Ledger) Ancestor(hash wire.Hash, height uint32) (Entry, bool) { panic("not yet") }

// BestHeader returns the header with the most work that is not known to be
// invalid.
func (l *Ledger) BestHeader() Entry { panic("not yet") }

// Tips returns the end of every branch of the tree, highest first.
func (l *Ledger) Tips() []ChainTip { panic("not yet") }

// State returns the state at any block of the tree, which is what a child of
// that block is judged by.
func (l *Ledger) State(hash wire.Hash) (consensus.State, error) { panic("not yet") }

// Block reads the body of any stored block. The errors are ErrUnknownBlock,
// ErrNoBody, ErrPruned and, for a body that was damaged on disk, ErrCorrupt.
func (l *Ledger) Block(hash wire.Hash) (*wire.Block, error) { panic("not yet") }

// BlockBytes is Block without the decoding.
func (l *Ledger) BlockBytes(hash wire.Hash) ([]byte, error) { panic("not yet") }

// Spent reads the undo record of a block that has been connected: the coins
// that it spent, in the order of its inputs, the coinbase's excluded. The errors are those of
// Block.
func (l *Ledger) Spent(hash wire.Hash) ([]consensus.Coin, error) { panic("not yet") }

// Coin looks an unspent output up at the tip. The coin is the caller's own.
func (l *Ledger) Coin(op wire.OutPoint) (consensus.Coin, bool, error) { panic("not yet") }

// Tx finds a transaction of the active chain, and the block that it is in,
// through the transaction index. The errors are ErrNoTxIndex, ErrUnknownTx and those of Block.
// As in Bitcoin Core the coinbase of the genesis block is not in the index.
func (l *Ledger) Tx(txid wire.Hash) (*wire.Tx, wire.Hash, error) { panic("not yet") }

// Invalidate marks a block as invalid by hand and moves to the best chain
// without it, as invalidateblock does.
func (l *Ledger) Invalidate(ctx context.Context, hash wire.Hash) error { panic("not yet") }

// Reconsider removes the mark of invalidity from a block, its ancestors and
// its descendants, and moves to the best chain, as reconsiderblock does.
func (l *Ledger) Reconsider(ctx context.Context, hash wire.Hash) error { panic("not yet") }

// Precious treats a block as if it had been seen before every other block of
// the same work, as preciousblock does. The effect ends with the process.
func (l *Ledger) Precious(hash wire.Hash) error { panic("not yet") }

// Pruning reports whether pruning is on, and the lowest height of the active
// chain from which on every body is stored (0 if nothing was pruned).
func (l *Ledger) Pruning() (on bool, lowest uint32) { panic("not yet") }

// PruneTo deletes block files whose every block lies at or below height and
// at least KeepBlocks below the tip, and returns the height of the highest block
// below which everything is pruned (the last pruned block).
func (l *Ledger) PruneTo(height uint32) (uint32, error) { panic("not yet") }

// DiskSize returns how many bytes the block and undo files take.
func (l *Ledger) DiskSize() int64 { panic("not yet") }

// VerifyProgress is called during VerifyChain with the share done, 0 to 1.
type VerifyProgress func(done float64)

// VerifyChain verifies the last depth blocks of the active chain (0: all) as
// verifychain does, without stopping the ledger. The levels, each with those
// below it: 0 reads the bodies, 1 checks them (consensus.CheckBlock), 2
// reads the undo records, 3 disconnects the blocks in memory and compares with the
// coins, 4 connects them again with scripts. It returns nil if all is well, ErrCorrupt with a line that
// names the block if not, or ctx's error.
func (l *Ledger) VerifyChain(ctx context.Context, level, depth int, progress VerifyProgress) error {
	panic("not yet")
}

// Snapshot returns a consistent view of the coins at one tip, to be closed by
// the caller. Outside of the initial download it does not wait; during it, it waits for
// the block that is being connected and for a commit.
func (l *Ledger) Snapshot() (*Snapshot, error) { panic("not yet") }

// CoinStats summarises the coins at the tip, over a Snapshot.
func (l *Ledger) CoinStats(ctx context.Context, kind StatsKind) (Stats, error) { panic("not yet") }

// Snapshot is the set of coins at one tip. It is for one goroutine at a time.
type Snapshot struct{}

// Tip returns the block whose coins these are.
func (s *Snapshot) Tip() wire.BlockRef { panic("not yet") }

// FetchCoin looks a coin up; it makes Snapshot a consensus.CoinView.
func (s *Snapshot) FetchCoin(op wire.OutPoint, c *consensus.Coin) (bool, error) { panic("not yet") }

// Coins calls yield for every coin, ordered by transaction id (as bytes) and
// output index, until it returns an error, which is returned. The coin is valid during the call.
func (s *Snapshot) Coins(ctx context.Context, yield func(op wire.OutPoint, c *consensus.Coin) error) error {
	panic("not yet")
}

// Stats summarises the coins, over this snapshot.
func (s *Snapshot) Stats(ctx context.Context, kind StatsKind) (Stats, error) { panic("not yet") }

// Close lets the snapshot go.
func (s *Snapshot) Close() { panic("not yet") }

// StatsKind says which hash of the coins is asked for.
type StatsKind uint8

const (
	StatsNone    StatsKind = iota // no hash
	StatsSerial3                  // hash_serialized_3: one SHA-256d over all coins in order
	StatsMuHash                   // muhash: MuHash3072, independent of order
)

// Stats is what gettxoutsetinfo reports.
type Stats struct {
	Tip          wire.BlockRef
	TxOuts       uint64      // unspent outputs
	Transactions uint64      // transactions with at least one of them
	BogoSize     uint64      // Bitcoin Core's database-independent measure of size
	TotalAmount  wire.Amount // of all unspent outputs
	DiskSize     int64       // estimated bytes of the coins on disk
	Hash         wire.Hash   // of the kind that was asked for; zero for StatsNone
}
