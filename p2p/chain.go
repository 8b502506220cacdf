package p2p

import (
	"context"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/mempool"
	"github.com/keelson-chain/keelson/mempool/policy"
	"github.com/keelson-chain/keelson/wire"
)

// Chain is what a Node needs of the ledger; *ledger.Ledger has it, and says what
// the methods do.
type Chain interface {
	Tip() consensus.State
	State(hash wire.Hash) (consensus.State, error)
	Changed() <-chan struct{}
	UpdatesSince(at wire.BlockRef, max int) ([]consensus.Update, error)
	InitialDownload() bool

	BestHeader() ledger.Entry
	Entry(hash wire.Hash) (ledger.Entry, bool)
	EntryAt(height uint32) (ledger.Entry, bool)
	Ancestor(hash wire.Hash, height uint32) (ledger.Entry, bool)
	Missing(hash wire.Hash, max int) []wire.BlockRef
	AddHeaders(hs []wire.Header) (wire.BlockRef, error)

	AddBlock(ctx context.Context, b *wire.Block) error
	AddBlocks(ctx context.Context, deliveries <-chan ledger.Delivery) error
	Block(hash wire.Hash) (*wire.Block, error)
	BlockBytes(hash wire.Hash) ([]byte, error)
	Pruning() (on bool, lowest uint32)
}

// Pool is what a Node needs of the pool; *mempool.Pool has it, and says what
// the methods do.
type Pool interface {
	AddAll(ctx context.Context, txs []*wire.Tx, o mempool.AddOptions) (errs []error, err error)
	AddPackage(ctx context.Context, txs []*wire.Tx, o mempool.PackageOptions) (r mempool.PackageResult, err error)
	Preverify(ctx context.Context, txs []*wire.Tx) error
	Has(txid wire.Hash) bool
	LackingWTxIDs(wtxids, dst []wire.Hash) []wire.Hash
	RawByWTxID(wtxid wire.Hash, at mempool.Moment) (raw []byte, ok bool)
	RawByTxID(txid wire.Hash, at mempool.Moment) (raw []byte, ok bool)
	WTxIDs(least policy.FeeRate, max int) (ids []wire.Hash, now mempool.Moment)
	Moment() mempool.Moment
	ArrivalsSince(at mempool.Moment, dst []mempool.Arrival) (list []mempool.Arrival, now mempool.Moment, missed bool)
	Unbroadcast() []mempool.Arrival
	MarkBroadcast(wtxid wire.Hash)
	MarkBroadcastTxID(txid wire.Hash)
	MinFee() policy.FeeRate
	Stats() mempool.Stats
	Each(f func(wtxid *wire.Hash, raw []byte)) error
	Changed() <-chan struct{}
	Sync() error
}

var (
	_ Chain = (*ledger.Ledger)(nil)
	_ Pool  = (*mempool.Pool)(nil)
)
