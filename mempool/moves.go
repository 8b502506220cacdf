package mempool

import (
	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/wire"
)

// MoveKind is what happened.
type MoveKind uint8

const (
	TxCame    MoveKind = iota // a transaction came into the pool
	TxLeft                    // one left it, but for being mined
	BlockCame                 // a block was connected
	BlockLeft                 // one was disconnected
)

// Move is one thing that happened to the pool, or to the chain below it.
type Move struct {
	Kind MoveKind

	// Of a transaction: its id, for one that came its encoding with witnesses,
	// which nobody changes, and what Sequence was before.
	TxID     wire.Hash
	Raw      []byte
	Sequence uint64

	// Of a block: itself, and the one below it; and whether this was the last step
	// for then, so that the chain had the tip to which it leads.
	Block, Parent wire.BlockRef
	Rests         bool
}

// What bounds the moves that nobody has taken yet.
const (
	maxMoves     = 1 << 16
	maxMoveBytes = 64 << 20 // of transactions
)

// moves is what has happened since somebody took them. A nil one forgets
// everything.
type moves struct {
	list   []Move
	bytes  int
	missed uint64 // oldest ones that there was no room for
}

// TakeMoves returns what has happened since the last call, in the order in which
// it did, and the block that the pool stands on now. It is for one reader, with
// Config.Moves; others get nothing. Of moves that wait too long the oldest are
// lost, which missed counts. A pool that was taken elsewhere by Restore says
// nothing of transactions that it lost.
//
// The moves of blocks are the steps from where the pool stood to where it went:
// blocks that came and left before it looked are not among them. The order is Bitcoin
// Core's: what leaves the pool because of a block does so before the block comes,
// and what a reorganisation brings back comes before the new blocks. Who follows
// passes over a block that does not fit to where he is, and asks the chain for the
// way if he is not where the pool is in the end.
func (p *Pool) TakeMoves() (list []Move, missed uint64, at wire.BlockRef, err error) {
	err = p.read(func() {
		at = p.state.Tip
		if m := p.moves; m != nil {
			list, missed = m.list, m.missed
			*m = moves{}
		}
	})
	return list, missed, at, err
}

func (m *moves) add(one Move) {
	m.list = append(m.list, one)
	m.bytes += len(one.Raw)
	for len(m.list) > maxMoves || m.bytes > maxMoveBytes {
		m.bytes -= len(m.list[0].Raw)
		m.list[0] = Move{}
		m.list = m.list[1:]
		m.missed++
	}
}

func (m *moves) txCame(e *entry, sequence uint64) {
	if m != nil {
		m.add(Move{Kind: TxCame, TxID: e.txid, Raw: e.raw, Sequence: sequence})
	}
}

// txLeft notes that e leaves. Those that were mined left with their block; nobody
// hears of those that are forgotten.
func (m *moves) txLeft(e *entry, why departure, sequence uint64) {
	if m != nil && why != goneMined && why != goneForgotten {
		m.add(Move{Kind: TxLeft, TxID: e.txid, Sequence: sequence})
	}
}

// stepMoves is the steps from one tip to another, the first of which leave.
func stepMoves(from wire.BlockRef, steps []consensus.Update) []Move {
	list := make([]Move, len(steps))
	for i, u := range steps {
		kind, parent := BlockLeft, u.Tip
		if u.Connected {
			kind, parent = BlockCame, from
		}
		list[i] = Move{Kind: kind, Block: u.Ref, Parent: parent, Rests: i == len(steps)-1}
		from = u.Tip
	}
	return list
}

// steps notes moves of blocks.
func (m *moves) steps(list []Move) {
	if m != nil {
		for _, one := range list {
			m.add(one)
		}
	}
}
