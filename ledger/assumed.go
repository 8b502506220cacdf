package ledger

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/ledger/flat"
	"github.com/keelson-chain/keelson/ledger/fsys"
	"github.com/keelson-chain/keelson/ledger/kv"
	"github.com/keelson-chain/keelson/wire"
)

// wholeFile exists in the folder of an assumed ledger once everything else of it is
// safe on disk.
const wholeFile = "assumed"

// keyAssumed is the key of what an assumed ledger began with: the hash of the base
// (32), its height (4), the hash of its coins (32) and the transactions of the chain
// up to it (8).
const keyAssumed byte = 'y'

// WrongCoinsError says that coins are not those that the network vouches for.
type WrongCoinsError struct{ Want, Got wire.Hash }

func (e *WrongCoinsError) Error() string {
	return fmt.Sprintf("the coins have the hash %v, not %v", e.Got, e.Want)
}

// Assume makes an assumed ledger in the folder of cfg, which is closed again when it
// returns: one that begins at the block a.Block, the base, with coins that nobody has
// validated but that the network vouches for (assumeutxo). Its tree is the headers
// of from up to the base and above it, and of the blocks up to the base it has
// nothing else. Open opens it as any other; see Ledger.Assumed.
//
// coins calls yield for every coin, in any order; the coins' MTP is filled in, and
// they are valid during the call. Assume ends with its error, or with a
// *WrongCoinsError if the coins' hash is not a.Hash. The other errors are
// ErrUnknownBlock and ErrInvalidParent for a base that from does not have or holds
// for invalid, and those of writing files. After any of them, or a crash, there is
// no ledger in the folder: see HasAssumed.
func Assume(ctx context.Context, cfg Config, from *Ledger, a consensus.AssumedCoins, coins func(yield func(op wire.OutPoint, c *consensus.Coin) error) error) error {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return err
	}
	headers, err := from.headersOf(a)
	if err != nil {
		return err
	}
	if err := Discard(cfg.Files); err != nil {
		return err
	}
	l := &Ledger{cfg: cfg, params: cfg.Params, log: cfg.Log, fs: cfg.Files}
	err = l.assume(ctx, a, headers, coins)
	if err == nil {
		err = l.closeFiles()
	} else {
		err = errors.Join(err, l.closeFiles())
	}
	if err == nil {
		err = mark(cfg.Files, wholeFile)
	}
	if err != nil {
		return errors.Join(err, Discard(cfg.Files))
	}
	return nil
}

var errYoung = errors.New("a coin is younger than the block that it is unspent after")

// heading is a block of another ledger's tree for an assumed one.
type heading struct {
	n              *node
	failed         Status
	txs            uint32
	size, stripped uint32
}

// headersOf returns the blocks up to a.Block, by height, and after them all that
// build on it, parents first.
func (l *Ledger) headersOf(a consensus.AssumedCoins) ([]heading, error) {
	t := l.tree
	t.mu.RLock()
	defer t.mu.RUnlock()
	base := t.nodes[a.Block.Hash]
	switch {
	case base == nil || base.ref() != a.Block || base.parent == nil:
		return nil, fmt.Errorf("%w: %v at height %d", ErrUnknownBlock, a.Block.Hash, a.Block.Height)
	case base.status.Invalid():
		return nil, fmt.Errorf("%w: %v", ErrInvalidParent, a.Block.Hash)
	}
	list := make([]heading, base.height+1)
	for n := base; n != nil; n = n.parent {
		list[n.height] = heading{n: n, txs: n.txs, size: n.size, stripped: n.stripped}
	}
	t.below(base, func(n *node) {
		if n != base {
			list = append(list, heading{n: n, failed: n.status & (Failed | FailedParent)})
		}
	})
	return list, nil
}

// assume fills an empty folder.
func (l *Ledger) assume(ctx context.Context, a consensus.AssumedCoins, headers []heading, coins func(yield func(op wire.OutPoint, c *consensus.Coin) error) error) error {
	for _, dir := range []string{".", blocksDir, dbDir} {
		if err := l.fs.MkdirAll(dir); err != nil {
			return fmt.Errorf("make the folder %s: %w", l.fs.Path(dir), err)
		}
	}
	var err error
	if l.lock, err = l.fs.Lock(lockFile); err != nil {
		return err
	}
	if l.db, err = kv.OpenOn(fsys.Sub(l.fs, dbDir), kv.Options{Memory: min(kv.DefaultMemory, l.cfg.CacheBytes/2)}); err != nil {
		return err
	}
	out := assumedWriter{ctx: ctx, db: l.db}
	err = coins(func(op wire.OutPoint, c *consensus.Coin) error {
		if c.Height > a.Block.Height {
			return fmt.Errorf("%w: %v of height %d, and the block's is %d", errYoung, op, c.Height, a.Block.Height)
		}
		coin := *c
		coin.MTP = 0
		if c.Height > 0 {
			coin.MTP = headers[c.Height-1].n.mtp
		}
		out.key, out.value = coinKey(out.key[:0], &op), appendCoin(out.value[:0], &coin)
		return out.put()
	})
	if err == nil {
		err = out.flush()
	}
	if err != nil {
		return err
	}
	// What was written is read again, in the order that the hash needs.
	if err := checkCoins(ctx, l.db, a.Hash); err != nil {
		return err
	}

	size := int64(maxFile)
	if l.cfg.FastPrune {
		size = maxFileFast
	}
	if l.blocks, err = flat.Open(l.fs, blocksPrefix, l.params.Magic, size, flat.End{}); err != nil {
		return err
	}
	genesis, err := l.blocks.Append(l.params.Genesis.Bytes())
	if err != nil {
		return err
	}
	if err := l.blocks.Sync(); err != nil {
		return err
	}
	for i := range headers {
		h := &headers[i]
		n := &node{hash: h.n.hash, header: h.n.header, height: h.n.height, status: h.failed}
		if n.height <= a.Block.Height {
			n.status, n.txs, n.size, n.stripped = ValidScripts, h.txs, h.size, h.stripped
			n.seq = 1
		}
		if n.height == 0 {
			n.status |= HaveBody
			n.body, n.seq = genesis, 0
		}
		out.key, out.value = appendNodeKey(out.key[:0], n), appendNode(out.value[:0], n)
		if err := out.put(); err != nil {
			return err
		}
	}
	out.b.Put([]byte{keyAssumed}, appendAssumed(nil, &a))
	out.b.Put([]byte{keyIdentity}, appendIdentity(nil, l.params))
	out.b.Put([]byte{keyState}, appendState(nil, &diskState{tip: a.Block.Hash, blocks: l.blocks.End()}))
	return out.flush()
}

// checkCoins compares the hash of a database's coins with want.
func checkCoins(ctx context.Context, db *kv.Store, want wire.Hash) error {
	view, err := db.Snapshot()
	if err != nil {
		return err
	}
	s := Snapshot{db: view}
	defer s.Close()
	sum := NewCoinHash()
	err = s.Coins(ctx, func(op wire.OutPoint, c *consensus.Coin) error {
		sum.Add(op, c)
		return nil
	})
	if err != nil {
		return err
	}
	if got := sum.Sum(); got != want {
		return &WrongCoinsError{Want: want, Got: got}
	}
	return nil
}

// assumedBatch is about how many bytes are written to the database of a new assumed
// ledger at a time.
const assumedBatch = 1 << 20

// assumedWriter writes rows in batches: that all of them are there is said by the
// file wholeFile.
type assumedWriter struct {
	ctx        context.Context
	db         *kv.Store
	b          kv.Batch
	key, value []byte // of the next row
}

func (w *assumedWriter) put() error {
	w.b.Put(w.key, w.value)
	if w.b.Size() < assumedBatch {
		return nil
	}
	return w.flush()
}

func (w *assumedWriter) flush() error {
	if err := w.ctx.Err(); err != nil {
		return err
	}
	err := w.db.Write(&w.b)
	w.b.Reset()
	return err
}

func appendAssumed(dst []byte, a *consensus.AssumedCoins) []byte {
	dst = append(dst, a.Block.Hash[:]...)
	dst = binary.LittleEndian.AppendUint32(dst, a.Block.Height)
	dst = append(dst, a.Hash[:]...)
	return binary.LittleEndian.AppendUint64(dst, a.ChainTxs)
}

func readAssumed(b []byte) (a consensus.AssumedCoins, err error) {
	if len(b) != 2*wire.HashSize+4+8 {
		return a, fmt.Errorf("%w: the record of the assumed coins is not well-formed", ErrCorrupt)
	}
	b = b[copy(a.Block.Hash[:], b):]
	a.Block.Height = binary.LittleEndian.Uint32(b)
	b = b[4:]
	b = b[copy(a.Hash[:], b):]
	a.ChainTxs = binary.LittleEndian.Uint64(b)
	return a, nil
}

// readBase reads what an assumed ledger began with.
func (l *Ledger) readBase() error {
	b, err := l.db.Get([]byte{keyAssumed})
	if errors.Is(err, kv.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	a, err := readAssumed(b)
	if err != nil {
		return err
	}
	l.assumed = &a
	c := &l.cfg
	if c.Reindex || c.ReindexChainState || c.TxIndex || c.BlockFilterIndex || c.CoinStatsIndex {
		return fmt.Errorf("%w: nothing can be rebuilt, and no index built, that needs the blocks before %d", ErrAssumed, a.Block.Height)
	}
	return nil
}

// Assumed returns what the ledger began with, if it is one that Assume has made.
// Such a ledger has no bodies and undo records up to the base, a.Block: it reports
// ErrNoBody for them, and no reorganisation leaves the base.
func (l *Ledger) Assumed() (a consensus.AssumedCoins, ok bool) {
	if l.assumed == nil {
		return a, false
	}
	return *l.assumed, true
}

// onBase reports whether the chain that ends in n can be gone to: its coins can be
// had from those of cur.
func (l *Ledger) onBase(n *node) bool {
	return l.base == nil || n.ancestor(l.base.height) == l.base
}

// belowBase reports whether n lies where the ledger has no bodies.
func (l *Ledger) belowBase(n *node) bool { return l.base != nil && n.height <= l.base.height }

// HasAssumed reports whether Assume has made a ledger in a folder.
func HasAssumed(files fsys.FS) (bool, error) { return exists(files, wholeFile) }

// Discard removes an assumed ledger, or what an interrupted Assume has left, from a
// folder; that there is none is no error. After a crash HasAssumed does not find it
// any more, or all of it is there.
func Discard(files fsys.FS) error {
	for _, dir := range []string{".", blocksDir, dbDir} {
		names, err := files.List(dir)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		at := fsys.Sub(files, dir)
		if dir == "." {
			// First what says that the rest is whole.
			at = files
			switch err := files.Remove(wholeFile); {
			case err == nil:
				if err := files.SyncDir("."); err != nil {
					return err
				}
			case !errors.Is(err, fs.ErrNotExist):
				return err
			}
		}
		for _, name := range names {
			if dir == "." && (name == blocksDir || name == dbDir || name == wholeFile) {
				continue
			}
			if err := at.Remove(name); err != nil {
				return err
			}
		}
		if err := at.SyncDir("."); err != nil {
			return err
		}
	}
	return nil
}
