package ledger

import (
	"errors"
	"fmt"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/ledger/flat"
	"github.com/keelson-chain/keelson/wire"
)

// Block reads the body of any stored block, also of one that was forgotten (see
// Restore). The errors are ErrUnknownBlock,
// ErrNoBody, ErrPruned and, for a body that was damaged on disk, ErrCorrupt.
func (l *Ledger) Block(hash wire.Hash) (*wire.Block, error) {
	if b := l.last.Load(); b != nil && b.Hash() == hash {
		return b, nil
	}
	n := l.tree.find(hash, HaveBody)
	if n == nil {
		return nil, fmt.Errorf("%w: %v", ErrUnknownBlock, hash)
	}
	return l.readBody(n)
}

// BlockBytes is Block without the decoding, and does not find what was forgotten.
func (l *Ledger) BlockBytes(hash wire.Hash) ([]byte, error) {
	n := l.tree.get(hash)
	if n == nil {
		return nil, fmt.Errorf("%w: %v", ErrUnknownBlock, hash)
	}
	return l.readBytes(n)
}

// Spent reads the undo record of a block that has been connected: the coins
// that it spent, in the order of its inputs, the coinbase's excluded. The
// errors are those of Block.
func (l *Ledger) Spent(hash wire.Hash) ([]consensus.Coin, error) {
	n := l.tree.find(hash, HaveUndo)
	if n == nil {
		return nil, fmt.Errorf("%w: %v", ErrUnknownBlock, hash)
	}
	return l.readSpent(n, nil)
}

// where returns what is known of n's place on disk.
func (l *Ledger) where(n *node) (s Status, body, undo flat.Pos) {
	l.tree.mu.RLock()
	defer l.tree.mu.RUnlock()
	return n.status, n.body, n.undo
}

func (l *Ledger) readBytes(n *node) ([]byte, error) {
	status, body, _ := l.where(n)
	switch {
	case status.Has(HaveBody):
	case status.Has(Pruned):
		return nil, fmt.Errorf("%w: block %v at height %d", ErrPruned, n.hash, n.height)
	default:
		return nil, fmt.Errorf("%w: block %v at height %d", ErrNoBody, n.hash, n.height)
	}
	b, err := l.blocks.Read(body)
	if err != nil {
		return nil, l.readError(n, l.blocks, body, err)
	}
	return b, nil
}

func (l *Ledger) readBody(n *node) (*wire.Block, error) {
	raw, err := l.readBytes(n)
	if err != nil {
		return nil, err
	}
	b, err := wire.DecodeBlock(raw)
	if err == nil && b.Hash() != n.hash {
		err = fmt.Errorf("it is block %v", b.Hash())
	}
	if err != nil {
		_, body, _ := l.where(n)
		return nil, fmt.Errorf("%w: %s does not hold block %v at %d: %w", ErrCorrupt, l.blocks.Name(body.File), n.hash, body.Offset, err)
	}
	return b, nil
}

// readSpent reads n's undo record; if b, the body, is given, it must fit.
func (l *Ledger) readSpent(n *node, b *wire.Block) ([]consensus.Coin, error) {
	if n.parent == nil {
		return nil, nil // the genesis block spends nothing
	}
	status, _, undo := l.where(n)
	switch {
	case status.Has(HaveUndo):
	case status.Has(Pruned | ValidScripts), status.Has(ValidScripts) && l.pruning():
		return nil, fmt.Errorf("%w: undo record of block %v at height %d", ErrPruned, n.hash, n.height)
	default:
		return nil, fmt.Errorf("%w: block %v at height %d was never connected", ErrNoBody, n.hash, n.height)
	}
	raw, err := l.undo.Read(undo)
	if err != nil {
		return nil, l.readError(n, l.undo, undo, err)
	}
	spent, err := readUndo(raw)
	if err == nil && b != nil && len(spent) != inputsOf(b) {
		err = fmt.Errorf("%w: it has %d coins for %d inputs", ErrCorrupt, len(spent), inputsOf(b))
	}
	if err != nil {
		return nil, fmt.Errorf("undo record of block %v in %s at %d: %w", n.hash, l.undo.Name(undo.File), undo.Offset, err)
	}
	return spent, nil
}

// readError says in one line what is wrong with a record on disk.
func (l *Ledger) readError(n *node, files *flat.Files, p flat.Pos, err error) error {
	if status, _, _ := l.where(n); status.Has(Pruned) {
		return fmt.Errorf("%w: block %v at height %d", ErrPruned, n.hash, n.height) // in this moment
	}
	if errors.Is(err, flat.ErrCorrupt) || errors.Is(err, flat.ErrMissing) {
		return fmt.Errorf("%w: block %v at height %d: %w; restore the file or start with --reindex", ErrCorrupt, n.hash, n.height, err)
	}
	return fmt.Errorf("read block %v at height %d in %s: %w", n.hash, n.height, files.Name(p.File), err)
}
