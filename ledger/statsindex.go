package ledger

import (
	"encoding/binary"
	"fmt"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/ledger/muhash"
	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/wire"
)

// IndexedStats is what the coin statistics index has of a block: the set of coins
// after it, and sums over all blocks up to it (Bitcoin Core's coinstatsindex).
type IndexedStats struct {
	MuHash   wire.Hash
	TxOuts   uint64 // unspent outputs
	BogoSize uint64 // see Stats

	Total       wire.Amount // of all unspent outputs
	Subsidy     wire.Amount // what the blocks could create
	Spent       wire.Amount // outputs that were spent
	NewOutputs  wire.Amount // spendable outputs, but for those of coinbases
	Coinbase    wire.Amount // spendable outputs of coinbases
	Unspendable Unspendable
}

// Unspendable is the coins that nobody can ever spend, by why that is so.
type Unspendable struct {
	Genesis   wire.Amount // the genesis block's coinbase
	BIP30     wire.Amount // coinbases of which a later one has the id, too
	Scripts   wire.Amount // see script.IsUnspendable
	Unclaimed wire.Amount // what miners did not take
}

// Sum returns all of it.
func (u *Unspendable) Sum() wire.Amount { return u.Genesis + u.BIP30 + u.Scripts + u.Unclaimed }

// fields are the numbers in the order in which a row has them.
func (i *IndexedStats) fields() []*uint64 {
	return []*uint64{&i.TxOuts, &i.BogoSize}
}

func (i *IndexedStats) amounts() []*wire.Amount {
	return []*wire.Amount{
		&i.Total, &i.Subsidy, &i.Spent, &i.NewOutputs, &i.Coinbase,
		&i.Unspendable.Genesis, &i.Unspendable.BIP30, &i.Unspendable.Scripts, &i.Unspendable.Unclaimed,
	}
}

// statsIndex keeps IndexedStats. A row is
//
//	32       the MuHash
//	uvarints outputs, bogosize, and the amounts in the order of IndexedStats
//
// and the record of the index has the state of the MuHash at its tip (muhash.Size).
type statsIndex struct {
	blockRows
	set muhash.Hash
	now IndexedStats // but for the MuHash
	buf []byte
}

func newStatsIndex() *statsIndex {
	return &statsIndex{blockRows: newBlockRows("coin statistics index", keyStatsState, keyStats)}
}

func (x *statsIndex) resume(l *Ledger, n *node, kept []byte) error {
	if err := x.set.UnmarshalBinary(kept); err != nil {
		return fmt.Errorf("%w: the record of the %s: %w; start with --reindex", ErrCorrupt, x.name, err)
	}
	row, err := x.get(l.db, n)
	if err != nil {
		return fmt.Errorf("%w: the %s at block %v: %w; %s", ErrCorrupt, x.name, n.hash, err, x.mend())
	}
	return x.read(n, row)
}

func (x *statsIndex) read(n *node, row []byte) (err error) {
	x.now, err = readStats(row)
	if err != nil {
		return x.bad(n.ref())
	}
	return nil
}

func (x *statsIndex) keep(dst []byte) []byte {
	b, err := x.set.MarshalBinary()
	if err != nil {
		panic(err) // it has none
	}
	return append(dst, b...)
}

func (x *statsIndex) add(l *Ledger, n *node, b *wire.Block, spent []consensus.Coin) error {
	s := &x.now
	subsidy := consensus.Subsidy(l.params, n.height)
	s.Subsidy += subsidy
	if n.parent == nil {
		s.Unspendable.Genesis += subsidy
	} else {
		for i, tx := range b.Txs {
			if i == 0 && repeatedCoinbase(n) {
				s.Unspendable.BIP30 += subsidy
				continue
			}
			x.outputs(n, tx, i == 0, func(op *wire.OutPoint, c *consensus.Coin) {
				x.set.Add(x.element(op, c))
				if i == 0 {
					s.Coinbase += c.Out.Value
				} else {
					s.NewOutputs += c.Out.Value
				}
				s.TxOuts++
				s.Total += c.Out.Value
				s.BogoSize += bogoSize(c)
			}, func(v wire.Amount) { s.Unspendable.Scripts += v })
			if i == 0 {
				continue
			}
			for j := range tx.Inputs {
				c := &spent[j]
				x.set.Remove(x.element(&tx.Inputs[j].PrevOut, c))
				s.Spent += c.Out.Value
				s.TxOuts--
				s.Total -= c.Out.Value
				s.BogoSize -= bogoSize(c)
			}
			spent = spent[len(tx.Inputs):]
		}
	}
	// What was there to be taken, and was not.
	s.Unspendable.Unclaimed += s.Spent + s.Subsidy - (s.NewOutputs + s.Coinbase + s.Unspendable.Sum())
	s.MuHash = x.set.Sum()
	x.put(n, appendStats(nil, s))
	return nil
}

func (x *statsIndex) remove(l *Ledger, n *node, b *wire.Block, spent []consensus.Coin) error {
	for i, tx := range b.Txs {
		if i == 0 && repeatedCoinbase(n) {
			continue
		}
		x.outputs(n, tx, i == 0, func(op *wire.OutPoint, c *consensus.Coin) {
			x.set.Remove(x.element(op, c))
		}, func(wire.Amount) {})
		if i == 0 {
			continue
		}
		for j := range tx.Inputs {
			x.set.Add(x.element(&tx.Inputs[j].PrevOut, &spent[j]))
		}
		spent = spent[len(tx.Inputs):]
	}
	row, err := x.parentRow(l.db, n)
	if err != nil {
		return err
	}
	return x.read(n.parent, row)
}

// outputs calls made for each output of tx that can be spent, and lost with the
// value of the others.
func (x *statsIndex) outputs(n *node, tx *wire.Tx, coinbase bool, made func(*wire.OutPoint, *consensus.Coin), lost func(wire.Amount)) {
	op := wire.OutPoint{TxID: tx.TxID()}
	for j := range tx.Outputs {
		c := consensus.Coin{Out: tx.Outputs[j], Height: n.height, Coinbase: coinbase}
		if script.IsUnspendable(c.Out.PkScript) {
			lost(c.Out.Value)
			continue
		}
		op.Index = uint32(j)
		made(&op, &c)
	}
}

func (x *statsIndex) element(op *wire.OutPoint, c *consensus.Coin) []byte {
	x.buf = appendCoinForHash(x.buf[:0], op, c)
	return x.buf
}

// repeated are the two blocks of Bitcoin's chain whose coinbases a later block
// repeats, so that their outputs were never spent and are gone (BIP 30; Bitcoin
// Core's IsBIP30Unspendable).
var repeated = [2]wire.BlockRef{
	{Height: 91722, Hash: wire.MustHash("00000000000271a2dc26e7667f8419f2e15416dc6955e5a6c6cdf3f2574dd08e")},
	{Height: 91812, Hash: wire.MustHash("00000000000af0aed4792b1acee3d966af36cf5def14935db8de83d6f9306f2f")},
}

func repeatedCoinbase(n *node) bool { return n.ref() == repeated[0] || n.ref() == repeated[1] }

func appendStats(dst []byte, s *IndexedStats) []byte {
	dst = append(dst, s.MuHash[:]...)
	for _, f := range s.fields() {
		dst = binary.AppendUvarint(dst, *f)
	}
	for _, a := range s.amounts() {
		dst = binary.AppendUvarint(dst, uint64(*a))
	}
	return dst
}

func readStats(b []byte) (s IndexedStats, err error) {
	if len(b) < wire.HashSize {
		return s, ErrCorrupt
	}
	b = b[copy(s.MuHash[:], b):]
	next := func() uint64 {
		v, k := binary.Uvarint(b)
		if k <= 0 {
			err, b = ErrCorrupt, nil
			return 0
		}
		b = b[k:]
		return v
	}
	for _, f := range s.fields() {
		*f = next()
	}
	for _, a := range s.amounts() {
		*a = wire.Amount(next())
	}
	if len(b) > 0 {
		err = ErrCorrupt
	}
	return s, err
}

// IndexedStats returns the coin statistics index's row of a block and of its
// parent, which is zero for the genesis block. The errors are ErrNoStatsIndex,
// ErrUnknownBlock, ErrNotIndexed and ErrCorrupt.
func (l *Ledger) IndexedStats(hash wire.Hash) (at, before IndexedStats, err error) {
	if !l.cfg.CoinStatsIndex {
		return at, before, ErrNoStatsIndex
	}
	s, err := l.Snapshot()
	if err != nil {
		return at, before, err
	}
	defer s.Close()
	n := l.tree.get(hash)
	if n == nil {
		return at, before, fmt.Errorf("%w: %v", ErrUnknownBlock, hash)
	}
	if at, err = s.indexedStats(n); err == nil && n.parent != nil {
		before, err = s.indexedStats(n.parent)
	}
	return at, before, err
}

func (s *Snapshot) indexedStats(n *node) (IndexedStats, error) {
	row, err := s.blockRow(keyStats, n)
	if err != nil {
		return IndexedStats{}, err
	}
	stats, err := readStats(row)
	if err != nil {
		return stats, newStatsIndex().bad(n.ref())
	}
	return stats, nil
}
