package mempool

import (
	"fmt"
	"slices"
	"testing"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/wire"
)

// text is a move in a few words.
func (m Move) text() string {
	switch m.Kind {
	case TxCame:
		return fmt.Sprintf("+%.8v %d", m.TxID, m.Sequence)
	case TxLeft:
		return fmt.Sprintf("-%.8v %d", m.TxID, m.Sequence)
	}
	name := map[MoveKind]string{BlockCame: "block", BlockLeft: "undone"}[m.Kind]
	if m.Rests {
		name += "."
	}
	return fmt.Sprintf("%s %.8v on %.8v", name, m.Block.Hash, m.Parent.Hash)
}

func (w *world) moved(what string, want ...string) {
	w.t.Helper()
	list, missed, at, err := w.pool.TakeMoves()
	if err != nil || missed != 0 || at != w.ledger.Tip().Tip {
		w.t.Fatalf("%s: %d missed, at %v, %v", what, missed, at, err)
	}
	var got []string
	for _, m := range list {
		got = append(got, m.text())
	}
	if !slices.Equal(got, want) {
		w.t.Fatalf("%s: moves\n%q, want\n%q", what, got, want)
	}
}

// TestMoves: nobody asked, nothing is kept; otherwise everything is told once, in
// order, with the numbers that Sequence had.
func TestMoves(t *testing.T) {
	w := newWorld(t, nil)
	w.add(w.spend(1000, 1, w.coin(0)))
	if list, _, _, _ := w.pool.TakeMoves(); len(list) != 0 || w.pool.moves != nil {
		t.Errorf("%d moves were kept for nobody", len(list))
	}
	w.open(func(cfg *Config) { cfg.Moves = true })
	parent := w.spend(1000, 2, w.coin(0))
	child := w.child(parent, 0, 1000, 1)
	other := w.spend(1000, 1, w.coin(1))
	w.add(parent, child, other)
	id := func(tx *wire.Tx) wire.Hash { return tx.TxID() }
	hash := func(b *wire.Block) wire.Hash { return b.Hash() }
	start := w.ledger.Tip().Tip.Hash
	w.moved("came", fmt.Sprintf("+%.8v 1", id(parent)), fmt.Sprintf("+%.8v 2", id(child)), fmt.Sprintf("+%.8v 3", id(other)))
	w.moved("again")

	// A block with one of them and with what spends the same as another one.
	twin := w.spend(500, 1, w.coin(1))
	a := w.mine(parent, twin)
	w.moved("mined", fmt.Sprintf("-%.8v 5", id(other)), fmt.Sprintf("block. %.8v on %.8v", hash(a), start))

	w.Goto("start")
	b := w.MineN(2)
	w.submit(b...)
	w.moved("a reorganisation", fmt.Sprintf("undone %.8v on %.8v", hash(a), start),
		fmt.Sprintf("+%.8v 6", id(parent)), fmt.Sprintf("+%.8v 7", id(twin)),
		fmt.Sprintf("block %.8v on %.8v", hash(b[0]), start), fmt.Sprintf("block. %.8v on %.8v", hash(b[1]), hash(b[0])))
	if _, sequence := w.pool.TxIDs(); sequence != 8 {
		t.Errorf("sequence %d", sequence)
	}
}

// TestMovesOfFullPool: what makes room has left before what it makes room for
// comes, and what there is no room for never came.
func TestMovesOfFullPool(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Limits.DescendantSize, c.MaxBytes, c.Moves = 21_000, 900_000, true })
	var txs []*wire.Tx
	var want []string
	for i := range 44 {
		txs = append(txs, w.large(wire.Amount(100_000+1000*i), i))
		w.add(txs[i])
		want = append(want, fmt.Sprintf("+%.8v %d", txs[i].TxID(), i+1))
	}
	w.moved("came", want...)
	better := w.large(200_000, 44)
	w.add(better)
	w.moved("made room", fmt.Sprintf("-%.8v 45", txs[0].TxID()), fmt.Sprintf("+%.8v 46", better.TxID()))
	w.pool.floor.rate = 0
	worst := w.large(100_000, 45)
	w.refused(worst, "mempool full")
	w.moved("no room", fmt.Sprintf("-%.8v 47", worst.TxID()))
}

// TestMovesBounded: what nobody takes is lost, the oldest first.
func TestMovesBounded(t *testing.T) {
	m := new(moves)
	for i := range uint64(maxMoves + 5) {
		m.steps([]Move{{Kind: BlockCame, Sequence: i}})
	}
	if len(m.list) != maxMoves || m.missed != 5 || m.list[0].Sequence != 5 {
		t.Errorf("%d moves, %d missed, from %d on", len(m.list), m.missed, m.list[0].Sequence)
	}
	m = new(moves)
	raw := make([]byte, 400_000)
	for i := range uint64(200) {
		m.txCame(&entry{raw: raw}, i)
	}
	if m.bytes > maxMoveBytes || m.bytes != len(m.list)*len(raw) || int(m.missed) != 200-len(m.list) {
		t.Errorf("%d bytes in %d moves, %d missed", m.bytes, len(m.list), m.missed)
	}
	var none *moves
	none.steps(stepMoves(wire.BlockRef{}, []consensus.Update{{}}))
	none.txCame(&entry{}, 0)
	none.txLeft(&entry{}, goneExpired, 0)
}
