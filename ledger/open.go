package ledger

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/ledger/coincache"
	"github.com/keelson-chain/keelson/ledger/flat"
	"github.com/keelson-chain/keelson/ledger/fsys"
	"github.com/keelson-chain/keelson/ledger/kv"
	"github.com/keelson-chain/keelson/pow"
)

// The files of a ledger, below its folder.
const (
	lockFile     = ".lock"
	reindexFile  = "reindex" // exists while the database is being thrown away
	dbDir        = "db"
	blocksDir    = "blocks"
	blocksPrefix = blocksDir + "/blk"
	undoPrefix   = blocksDir + "/rev"

	maxFile     = 128 << 20 // of a block or undo file, in bytes
	maxFileFast = 64 << 10  // with Config.FastPrune
)

// Open opens the ledger in cfg.Dir (or cfg.Files), or makes a new one there, and brings it in
// order: what an interrupted run left behind is cut off, blocks that were
// stored but not connected are connected, indexes are built or dropped and a
// reindex is run, with progress in the log. It returns early when ctx ends;
// what it has done so far is kept.
//
// Errors say in one line what is wrong: errors.Is finds fsys.ErrLocked (a
// second process), ErrOtherNetwork, ErrNewerSchema, ErrCorrupt, kv.ErrCorrupt,
// ErrPrunedData, fsys.ErrFull and fsys.ErrReadOnly.
func Open(ctx context.Context, cfg Config) (*Ledger, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	l := &Ledger{
		cfg:        cfg,
		params:     cfg.Params,
		log:        cfg.Log,
		fs:         cfg.Files,
		tree:       newTree(cfg.Params),
		cache:      coincache.New(cfg.CacheBytes),
		candidates: make(map[*node]struct{}),
		verdicts:   make(map[*node]error),
		changed:    make(chan struct{}),
		faulted:    make(chan struct{}),
	}
	l.lazy.Add(1)
	if err := l.open(ctx); err != nil {
		if l.fault == nil && l.cur != nil && l.undo != nil {
			_ = l.commit(true) // keep what was done; err says why that ends here
		}
		_ = l.closeFiles()
		return nil, err
	}
	l.lazy.Add(-1)
	return l, nil
}

func (l *Ledger) open(ctx context.Context) error {
	for _, dir := range []string{".", blocksDir, dbDir} {
		if err := l.fs.MkdirAll(dir); err != nil {
			return fmt.Errorf("make the folder %s: %w", l.fs.Path(dir), err)
		}
	}
	var err error
	if l.lock, err = l.fs.Lock(lockFile); err != nil {
		return err
	}
	if err := l.openDatabase(); err != nil {
		return err
	}
	if l.disk.pruned && l.cfg.Prune == 0 {
		return fmt.Errorf("%w: to keep every block again, start with --reindex; the pruned blocks will be downloaded again", ErrPrunedData)
	}
	if l.cfg.ReindexChainState && l.disk.phase == phaseNone {
		if l.disk.pruned {
			return fmt.Errorf("%w: the chain state cannot be rebuilt from what is left; start with --reindex", ErrPrunedData)
		}
		l.disk.phase = phaseWipe
		if err := l.putState(); err != nil {
			return err
		}
	}
	if l.disk.phase == phaseWipe {
		if err := l.wipeChainState(ctx); err != nil {
			return err
		}
	}
	if err := l.loadTree(); err != nil {
		return err
	}
	if err := l.checkDifficulty(); err != nil {
		return err
	}
	if err := l.openFiles(); err != nil {
		return err
	}
	if err := l.prepareIndex(ctx); err != nil {
		return err
	}
	if err := l.prepareIndexes(ctx); err != nil {
		return err
	}
	if l.disk.phase == phaseReindex {
		if err := l.reindex(ctx); err != nil {
			return err
		}
	}
	// activate lets the mutex go between blocks; nobody else has it yet.
	l.mu.Lock()
	defer l.mu.Unlock()
	l.findCandidates()
	if target := l.bestCandidate(); target != nil {
		l.log.Info().Uint32("from", l.cur.height).Uint32("to", target.height).Msg("connecting stored blocks")
	}
	if err := l.activate(ctx, nil); err != nil {
		return err
	}
	if err := l.commit(true); err != nil {
		return err
	}
	return l.removeOrphans()
}

// checkDifficulty refuses a folder of regtest whose chain was made by other
// difficulty rules than the settings of this start ask for. Other networks are known by
// their identities. It takes about a microsecond a block.
func (l *Ledger) checkDifficulty() error {
	if l.params.Name != "regtest" {
		return nil
	}
	s := consensus.GenesisState(l.params)
	for _, n := range l.tree.active[1:] {
		if want := s.NextBits(); pow.Bits(n.header.Bits) != want {
			return fmt.Errorf("%w: block %d in it has the difficulty bits %v, and the settings of this start ask for %v (testdifficulty, retarget)",
				ErrOtherNetwork, n.height, pow.Bits(n.header.Bits), want)
		}
		s = consensus.ApplyHeader(s, &n.header)
	}
	return nil
}

// openDatabase opens the database of this network, with its state in l.disk.
// It starts an empty one for a new folder and for a reindex: the blocks
// of the block files, if there are any, are read again then.
func (l *Ledger) openDatabase() error {
	again, err := exists(l.fs, reindexFile)
	if err != nil {
		return err
	}
	// What the database itself holds in memory comes on top of the coin cache.
	options := kv.Options{Memory: min(kv.DefaultMemory, l.cfg.CacheBytes/2)}
	at := fsys.Sub(l.fs, dbDir)
	if !again {
		l.db, err = kv.OpenOn(at, options)
		if err != nil && !(l.cfg.Reindex && errors.Is(err, kv.ErrCorrupt)) {
			return err
		}
		if err == nil {
			found, err := l.readIdentity()
			if err != nil && !(l.cfg.Reindex && errors.Is(err, ErrCorrupt)) {
				return err
			}
			if found && !l.cfg.Reindex {
				return nil
			}
			if !found && err == nil {
				return l.startDatabase()
			}
		}
		// A crash while the old database is being removed must not leave a
		// half of it to be opened.
		if err := mark(l.fs, reindexFile); err != nil {
			return err
		}
	}
	if l.db != nil {
		if err := l.db.Close(); err != nil {
			return err
		}
	}
	l.log.Info().Msg("reindexing: everything is rebuilt from the block files")
	if err := removeAll(at); err != nil {
		return err
	}
	if l.db, err = kv.OpenOn(at, options); err != nil {
		return err
	}
	if err := l.startDatabase(); err != nil {
		return err
	}
	if err := l.fs.Remove(reindexFile); err != nil {
		return err
	}
	return l.fs.SyncDir(".")
}

// readIdentity reads what the database is of, and its state. found is
// false for an empty database.
func (l *Ledger) readIdentity() (found bool, err error) {
	identity, err := l.db.Get([]byte{keyIdentity})
	if errors.Is(err, kv.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return true, err
	}
	if err := checkIdentity(identity, l.params); err != nil {
		return true, fmt.Errorf("%s: %w", l.fs.Path("."), err)
	}
	value, err := l.db.Get([]byte{keyState})
	if err != nil {
		return true, fmt.Errorf("%w: the state record: %w", ErrCorrupt, err)
	}
	if l.disk, err = readState(value); err != nil {
		return true, err
	}
	return true, l.readBase()
}

// startDatabase puts into an empty database that everything is to be read from
// the block files.
func (l *Ledger) startDatabase() error {
	l.disk = diskState{tip: l.params.GenesisHash, phase: phaseReindex, index: l.emptyIndex()}
	var b kv.Batch
	b.Put([]byte{keyIdentity}, appendIdentity(nil, l.params))
	b.Put([]byte{keyState}, appendState(nil, &l.disk))
	return l.db.Write(&b)
}

// emptyIndex returns what an empty transaction index is at the genesis block:
// in step with the tip, if there is to be one.
func (l *Ledger) emptyIndex() indexState {
	if l.cfg.TxIndex {
		return indexOn
	}
	return indexOff
}

// wipeChainState takes the coins back to the genesis block and forgets the undo
// records. It may be repeated at any point.
func (l *Ledger) wipeChainState(ctx context.Context) error {
	l.log.Info().Msg("rebuilding the chain state: the coins are deleted first")
	prefixes := []byte{keyCoin, keyTx}
	all, _ := l.allIndexes()
	for _, x := range all {
		k := x.about()
		if r, _, err := readRecord(l.db, k.record, k.name); err != nil || r.state != indexOff {
			prefixes = append(prefixes, k.rows...)
		}
	}
	for _, prefix := range prefixes {
		if err := l.wipe(ctx, prefix); err != nil {
			return err
		}
	}
	t := newTree(l.params)
	if err := l.readTree(t); err != nil {
		return err
	}
	next := diskState{tip: l.params.GenesisHash, blocks: l.disk.blocks, index: l.emptyIndex()}
	err := l.write(func(w kv.Writer) error {
		for _, n := range t.nodes {
			if n.parent != nil {
				n.status &^= ValidScripts | HaveUndo
			}
			w.Put(appendNodeKey(nil, n), appendNode(nil, n))
		}
		w.Put([]byte{keyState}, appendState(nil, &next))
		for _, x := range all {
			w.Delete([]byte{x.about().record})
		}
		return nil
	}, len(t.nodes))
	if err != nil {
		return err
	}
	l.disk = next
	return nil
}

// readTree fills t with the blocks of the database.
func (l *Ledger) readTree(t *tree) error {
	it := l.db.Iterate(kv.Prefix([]byte{keyBlock}))
	defer it.Close()
	for it.Next() {
		height, hash, read, err := readNode(it.Key(), it.Value())
		if err != nil {
			return err
		}
		n := t.genesis
		if hash != l.params.GenesisHash {
			parent := t.nodes[read.header.PrevBlock]
			if parent == nil || parent.height+1 != height {
				return fmt.Errorf("%w: block %v at height %d has no parent", ErrCorrupt, hash, height)
			}
			n = t.link(parent, hash, read.header)
		}
		n.status, n.seq = read.status, read.seq
		n.txs, n.size, n.stripped = read.txs, read.size, read.stripped
		n.body, n.undo = read.body, read.undo
		if n.parent != nil && n.txs != 0 && n.parent.chainTxs != 0 {
			n.chainTxs = n.parent.chainTxs + uint64(n.txs)
		}
		if l.assumed != nil && hash == l.assumed.Block.Hash {
			n.chainTxs = l.assumed.ChainTxs
		}
	}
	t.findBest()
	return it.Err()
}

// loadTree reads the tree and stands cur at the tip that the coins belong to.
func (l *Ledger) loadTree() error {
	if err := l.readTree(l.tree); err != nil {
		return err
	}
	for _, n := range l.tree.nodes {
		l.seq = max(l.seq, n.seq)
	}
	l.cur = l.tree.lookup(l.disk.tip)
	if l.cur == nil || !l.cur.status.Has(ValidScripts) || l.cur.chainTxs == 0 {
		return fmt.Errorf("%w: the tip %v is not among the valid blocks; start with --reindex", ErrCorrupt, l.disk.tip)
	}
	if l.assumed != nil {
		l.base = l.tree.lookup(l.assumed.Block.Hash)
		if l.base == nil || !l.onBase(l.cur) {
			return fmt.Errorf("%w: the tip %v does not build on the base %v of the assumed coins", ErrCorrupt, l.disk.tip, l.assumed.Block.Hash)
		}
	}
	l.state = l.tree.state(l.cur)
	l.tree.setActive(l.cur)
	l.tree.findBest()
	l.tip.Store(&published{l.cur, l.state})
	l.committed.Store(l.cur)
	now := time.Now()
	l.commits.coins, l.commits.index = now, now
	return nil
}

// openFiles opens the flat files and cuts off what no batch has named.
func (l *Ledger) openFiles() error {
	size := int64(maxFile)
	if l.cfg.FastPrune {
		size = maxFileFast
	}
	if l.disk.phase == phaseReindex {
		// Not everything is named yet: all that the block files hold counts.
		list, err := flat.List(l.fs, blocksPrefix)
		if err != nil {
			return err
		}
		if len(list) > 0 {
			last := list[len(list)-1]
			l.disk.blocks = flat.End{File: last.File, Offset: uint32(last.Size)}
		}
	}
	var err error
	if l.blocks, err = flat.Open(l.fs, blocksPrefix, l.params.Magic, size, l.disk.blocks); err != nil {
		return fmt.Errorf("%w; restore the file or start with --reindex", err)
	}
	if l.undo, err = flat.Open(l.fs, undoPrefix, l.params.Magic, size, l.disk.undo); err != nil {
		return fmt.Errorf("%w; restore the file or start with --reindex-chainstate", err)
	}
	return l.checkFiles()
}

// checkFiles reports a file that block records name and that is not there.
func (l *Ledger) checkFiles() error {
	for _, f := range []struct {
		files *flat.Files
		has   Status
		file  func(*node) uint32
	}{
		{l.blocks, HaveBody, func(n *node) uint32 { return n.body.File }},
		{l.undo, HaveUndo, func(n *node) uint32 { return n.undo.File }},
	} {
		list, err := f.files.List()
		if err != nil {
			return err
		}
		have := make(map[uint32]bool)
		for _, info := range list {
			have[info.File] = true
		}
		for _, n := range l.tree.nodes {
			if n.status.Has(f.has) && !have[f.file(n)] {
				return fmt.Errorf("%w: %s is missing; restore the file or start with --reindex", ErrCorrupt, f.files.Name(f.file(n)))
			}
		}
	}
	return nil
}

// placeGenesis notes where the genesis block lies in the block files.
func (l *Ledger) placeGenesis(at flat.Pos) {
	if g := l.tree.genesis; !g.status.Has(HaveBody) {
		l.tree.update(g, func() {
			g.body = at
			g.status |= HaveBody
		})
	}
}

func exists(files fsys.FS, name string) (bool, error) {
	_, err := files.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// mark makes an empty file, durably.
func mark(files fsys.FS, name string) error {
	f, err := files.Create(name)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	return files.SyncDir(".")
}

// removeAll removes every file of a folder, durably.
func removeAll(files fsys.FS) error {
	names, err := files.List(".")
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := files.Remove(name); err != nil {
			return err
		}
	}
	return files.SyncDir(".")
}
