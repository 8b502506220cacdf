package ledger

import (
	"errors"
	"runtime"
	"time"

	"github.com/rs/zerolog"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/ledger/fsys"
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
	// KeepBlocks is how many blocks below the tip pruning never deletes, so
	// that a reorganisation finds what it needs (Bitcoin Core's
	// MIN_BLOCKS_TO_KEEP).
	KeepBlocks = 288
	// PruneManual as Config.Prune switches pruning on, by PruneTo alone.
	PruneManual = 1
)

// Config is everything the ledger is told. The zero value of every field but
// Dir (or Files) and Params means its default.
type Config struct {
	// Dir is the folder of this network's data. It is created if missing.
	Dir string
	// Files is where the files are kept instead, such as fsys.Mem() for nodes
	// that are simulated; nil: on the disk, in Dir.
	Files  fsys.FS
	Params *consensus.Params

	// CacheBytes bounds the coin cache; 0: DefaultCacheBytes.
	CacheBytes int64
	// TxIndex keeps an index of every transaction of the active chain. Switched
	// on later it is built by Open; switched off it is deleted by Open.
	TxIndex bool
	// AddressIndex keeps the history, the coins and the totals of every output
	// script, and what spent each output; see Snapshot. It brings TxIndex with
	// it, and is built and deleted likewise.
	AddressIndex bool
	// BlockFilterIndex keeps the basic filter of every block; see BlockFilter.
	// CoinStatsIndex keeps statistics of the coins after every block; see
	// IndexedStats. Each is built and deleted like TxIndex, and unlike that may be
	// had with pruning, if it is kept from the first block on.
	BlockFilterIndex, CoinStatsIndex bool
	// Prune is the number of bytes that blocks and undo records may take; 0
	// keeps everything; PruneManual deletes only when PruneTo is called.
	Prune uint64
	// FastPrune makes the block files small (64 KiB), for tests of pruning.
	FastPrune bool

	// Workers is how many goroutines verify scripts; 0: one per CPU.
	Workers int
	// Sigs is the arithmetic that verifies signatures; nil: sig.DCRD().
	Sigs sig.Verifier
	// SigCache remembers valid signatures between the pool and the block; it
	// may be nil.
	SigCache *sig.Cache
	// AssumeValid names a block whose ancestors' scripts are not verified while
	// they lie two weeks of work deep in the best header chain. Zero: every
	// script is verified.
	AssumeValid wire.Hash
	// MinimumWork is the work below which the ledger counts as being in the
	// initial download, if it is more than the network's own.
	MinimumWork pow.Work
	// MaxTipAge: see DefaultMaxTipAge.
	MaxTipAge time.Duration
	// StopAtHeight, if not zero, is the height above which no block is
	// connected.
	StopAtHeight uint32

	// Reindex rebuilds everything from the block files; ReindexChainState
	// rebuilds the coins alone and keeps the block index.
	Reindex, ReindexChainState bool

	// Now is the clock that headers are judged by; nil: time.Now.
	Now func() time.Time
	// Log is silent by default.
	Log zerolog.Logger

	// bulkFrom is how many changes a commit has at least to be streamed to the
	// database instead of being gathered in memory; tests lower it.
	bulkFrom int
	// growBytes is about how much of an index that is being built is written at
	// a time; tests lower it.
	growBytes int64
}

// withDefaults returns cfg with its defaults filled in, or what is wrong in it.
func (cfg Config) withDefaults() (Config, error) {
	switch {
	case cfg.Params == nil:
		return cfg, errors.New("ledger: no network given")
	case cfg.Files == nil && cfg.Dir == "":
		return cfg, errors.New("ledger: no folder given")
	case cfg.CacheBytes < 0:
		return cfg, errors.New("ledger: the size of the coin cache is negative")
	case cfg.Prune != 0 && cfg.AddressIndex:
		return cfg, errors.New("an address index needs every block: it cannot be had with pruning")
	case cfg.Prune != 0 && cfg.TxIndex:
		return cfg, errors.New("a transaction index needs every block: it cannot be had with pruning")
	case cfg.Prune != 0 && cfg.ReindexChainState:
		return cfg, errors.New("rebuilding the chain state needs every block: it cannot be done with pruning; use a full reindex")
	}
	cfg.TxIndex = cfg.TxIndex || cfg.AddressIndex
	if cfg.Files == nil {
		cfg.Files = fsys.Disk(cfg.Dir)
	}
	if cfg.CacheBytes == 0 {
		cfg.CacheBytes = DefaultCacheBytes
	}
	if cfg.bulkFrom == 0 {
		cfg.bulkFrom = 100_000
	}
	if cfg.growBytes == 0 {
		cfg.growBytes = 8 << 20
	}
	if cfg.Workers <= 0 {
		cfg.Workers = runtime.GOMAXPROCS(0)
	}
	if cfg.MaxTipAge <= 0 {
		cfg.MaxTipAge = DefaultMaxTipAge
	}
	if cfg.MinimumWork.Cmp(cfg.Params.MinimumChainWork) < 0 {
		cfg.MinimumWork = cfg.Params.MinimumChainWork
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return cfg, nil
}
