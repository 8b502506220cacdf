package ledger

import (
	"fmt"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/wire"
	"github.com/keelson-chain/keelson/wire/filter"
)

// filterIndex keeps the basic filter of each block (BIP 158) and its filter header
// (BIP 157). A row is
//
//	32       the filter header
//	rest     the filter
type filterIndex struct{ blockRows }

func newFilterIndex() *filterIndex {
	return &filterIndex{newBlockRows("block filter index", keyFilterState, keyFilter)}
}

func (x *filterIndex) resume(*Ledger, *node, []byte) error { return nil }

func (x *filterIndex) keep(dst []byte) []byte { return dst }

func (x *filterIndex) add(l *Ledger, n *node, b *wire.Block, spent []consensus.Coin) error {
	var previous wire.Hash
	if n.parent != nil {
		row, err := x.parentRow(l.db, n)
		if err != nil {
			return err
		}
		if len(row) < wire.HashSize {
			return x.bad(n.parent.ref())
		}
		previous = wire.Hash(row[:wire.HashSize])
	}
	scripts := make([][]byte, len(spent))
	for i := range spent {
		scripts[i] = spent[i].Out.PkScript
	}
	f := filter.Basic(b, scripts)
	header := f.Header(previous)
	x.put(n, append(header[:], f...))
	return nil
}

func (x *filterIndex) remove(*Ledger, *node, *wire.Block, []consensus.Coin) error { return nil }

// BlockFilter is what the block filter index has of a block.
type BlockFilter struct {
	Filter filter.Filter
	Header wire.Hash // BIP 157's filter header
}

// BlockFilter returns the basic filter of a block, also of one that has left the
// active chain. The errors are ErrNoFilterIndex, ErrUnknownBlock, ErrNotIndexed and
// ErrCorrupt.
func (l *Ledger) BlockFilter(hash wire.Hash) (BlockFilter, error) {
	if !l.cfg.BlockFilterIndex {
		return BlockFilter{}, ErrNoFilterIndex
	}
	s, err := l.Snapshot()
	if err != nil {
		return BlockFilter{}, err
	}
	defer s.Close()
	return s.BlockFilter(hash)
}

// BlockFilter is Ledger.BlockFilter; it knows the blocks that have been connected
// when the snapshot was taken.
func (s *Snapshot) BlockFilter(hash wire.Hash) (f BlockFilter, err error) {
	if !s.l.cfg.BlockFilterIndex {
		return f, ErrNoFilterIndex
	}
	n := s.l.tree.get(hash)
	if n == nil {
		return f, fmt.Errorf("%w: %v", ErrUnknownBlock, hash)
	}
	row, err := s.blockRow(keyFilter, n)
	if err != nil {
		return f, err
	}
	if len(row) < wire.HashSize || filter.Filter(row[wire.HashSize:]).Check() != nil {
		return f, newFilterIndex().bad(n.ref())
	}
	return BlockFilter{row[wire.HashSize:], wire.Hash(row[:wire.HashSize])}, nil
}
