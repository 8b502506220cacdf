package ledger

import (
	"fmt"

	"github.com/keelson-chain/keelson/ledger/flat"
)

// pruneSlack is what automatic pruning leaves free below the target for the files
// that are about to grow, in bytes (Bitcoin Core's chunk sizes).
const pruneSlack = 17 << 20

func (l *Ledger) pruning() bool { return l.cfg.Prune != 0 }

// Pruning reports whether pruning is on, and if so the lowest height from which on
// every block of the active chain has its body and its undo record (0 if nothing was
// pruned).
func (l *Ledger) Pruning() (on bool, lowest uint32) {
	if !l.pruning() {
		return false, 0 // and no walk over the whole chain
	}
	l.tree.mu.RLock()
	defer l.tree.mu.RUnlock()
	return true, l.lowestStored()
}

// lowestStored is Pruning's lowest. The tree's lock is held.
func (l *Ledger) lowestStored() uint32 {
	active := l.tree.active
	h := len(active) - 1
	for h > 0 && active[h].status.Has(HaveBody|HaveUndo) {
		h--
	}
	if h == 0 && active[0].status.Has(HaveBody) {
		return 0
	}
	return uint32(h) + 1
}

// PruneTo deletes block and undo files whose every block lies at or below
// height and at least KeepBlocks below the tip. It returns the lowest height
// from which on every block of the active chain is stored.
func (l *Ledger) PruneTo(height uint32) (lowest uint32, err error) {
	if !l.pruning() {
		return 0, ErrNotPruning
	}
	err = l.begin(func() error {
		limit, ok := l.pruneLimit()
		if !ok {
			return nil
		}
		return l.prune(min(height, limit), 0)
	})
	_, lowest = l.Pruning()
	return lowest, err
}

// pruneLimit returns the greatest height that may be pruned, if any.
func (l *Ledger) pruneLimit() (uint32, bool) {
	// Coins that are not committed yet may have to be connected again.
	tip := min(l.cur.height, l.committed.Load().height)
	if tip < KeepBlocks {
		return 0, false
	}
	return tip - KeepBlocks, true
}

// autoPrune deletes the oldest files while all of them together take more than
// the configuration allows.
func (l *Ledger) autoPrune() error {
	target := l.cfg.Prune
	if target <= PruneManual {
		return nil
	}
	slack := uint64(pruneSlack)
	if l.cfg.FastPrune {
		slack = 2 * maxFileFast
	}
	// The size is asked for only when a file may have been added.
	end := [2]uint32{l.blocks.End().File, l.undo.End().File}
	if end == l.prunedAt {
		return nil
	}
	if uint64(l.DiskSize())+slack < target {
		l.prunedAt = end
		return nil
	}
	if err := l.commit(true); err != nil {
		return err
	}
	limit, ok := l.pruneLimit()
	if !ok {
		return nil
	}
	if target > slack {
		target -= slack
	}
	if err := l.prune(limit, target); err != nil {
		return err
	}
	l.prunedAt = end
	return nil
}

// DiskSize returns how many bytes the block and undo files take. It never waits
// for a disk: callers ask often.
func (l *Ledger) DiskSize() int64 { return l.blocks.Size() + l.undo.Size() }

// prune deletes files whose blocks lie at or below limit, the oldest first,
// until at most target bytes are left. The records change before the files
// go: files that a crash leaves behind are removed when the ledger is opened.
func (l *Ledger) prune(limit uint32, target uint64) error {
	type victim struct {
		undo bool
		file uint32
	}
	highest := make(map[victim]uint32)
	for _, n := range l.tree.nodes {
		if n.status.Has(HaveBody) {
			v := victim{false, n.body.File}
			highest[v] = max(highest[v], n.height)
		}
		if n.status.Has(HaveUndo) {
			v := victim{true, n.undo.File}
			highest[v] = max(highest[v], n.height)
		}
	}
	size := uint64(l.DiskSize())
	gone := make(map[victim]bool)
	for _, undo := range []bool{false, true} {
		files := l.blocks
		if undo {
			files = l.undo
		}
		list, err := files.List()
		if err != nil {
			return l.broken(err)
		}
		for _, f := range list {
			v := victim{undo, f.File}
			top, used := highest[v]
			if size <= target || used && top > limit || f.File == files.End().File {
				break
			}
			gone[v] = true
			size -= uint64(f.Size)
		}
	}
	if len(gone) == 0 {
		return nil
	}
	for _, n := range l.tree.nodes {
		body := n.status.Has(HaveBody) && gone[victim{false, n.body.File}]
		undo := n.status.Has(HaveUndo) && gone[victim{true, n.undo.File}]
		if !body && !undo {
			continue
		}
		l.tree.update(n, func() {
			if body {
				n.status = n.status&^HaveBody | Pruned
			}
			if undo {
				n.status &^= HaveUndo
			}
		})
	}
	l.disk.pruned = true
	if err := l.commit(false); err != nil {
		return err
	}
	for v := range gone {
		files := l.blocks
		if v.undo {
			files = l.undo
		}
		if err := files.Remove(v.file); err != nil {
			return l.broken(fmt.Errorf("prune %s: %w", files.Name(v.file), err))
		}
	}
	l.log.Info().Uint32("height", limit).Int("files", len(gone)).Msg("pruned block files")
	return nil
}

// removeOrphans removes files that no block lies in any more: a run ended
// between the commit and the removal of files.
func (l *Ledger) removeOrphans() error {
	if !l.disk.pruned {
		return nil
	}
	used := [2]map[uint32]bool{{}, {}}
	for _, n := range l.tree.nodes {
		if n.status.Has(HaveBody) {
			used[0][n.body.File] = true
		}
		if n.status.Has(HaveUndo) {
			used[1][n.undo.File] = true
		}
	}
	for i, files := range []*flat.Files{l.blocks, l.undo} {
		list, err := files.List()
		if err != nil {
			return err
		}
		for _, f := range list {
			if used[i][f.File] || f.File == files.End().File {
				continue
			}
			if err := files.Remove(f.File); err != nil {
				return err
			}
		}
	}
	return nil
}
