package ledger

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/ledger/kv"
	"github.com/keelson-chain/keelson/wire"
)

// HistoryEntry is a transaction of the active chain.
type HistoryEntry struct {
	TxID          wire.Hash
	Height, Index uint32 // of its block, and its position in that, the coinbase's being 0
}

// ScriptCoin is an unspent output.
type ScriptCoin struct {
	Out  wire.OutPoint
	Coin consensus.Coin
}

// Spender is the input of the active chain that spends an output.
type Spender struct {
	TxID          wire.Hash
	Input, Height uint32
}

// History returns up to max transactions of the active chain that have the
// script in an output or in one that they spend, newest first, each once. With
// before, which need not be in the history, it returns what is older than that;
// before's TxID is not looked at. An output that nobody can spend has a history
// too; the coinbase of the genesis block is not in it. The errors are
// ErrNoAddressIndex and ErrCorrupt.
func (s *Snapshot) History(h ScriptHash, before *HistoryEntry, max int) ([]HistoryEntry, error) {
	if !s.l.cfg.AddressIndex {
		return nil, ErrNoAddressIndex
	}
	rows := kv.Prefix(append([]byte{keyHistory}, h[:]...))
	if before != nil {
		rows.Start = append(appendHistoryKey(nil, &h, before.Height, before.Index), 0)
	}
	it := s.db.Iterate(rows)
	defer it.Close()
	var list []HistoryEntry
	for len(list) < max && it.Next() {
		key, value := it.Key(), it.Value()
		if len(key) != 1+len(h)+8 || len(value) != wire.HashSize {
			return nil, badRow("history", key)
		}
		e := HistoryEntry{
			TxID:   wire.Hash(value),
			Height: ^binary.BigEndian.Uint32(key[1+len(h):]),
			Index:  ^binary.BigEndian.Uint32(key[1+len(h)+4:]),
		}
		if e.Height > s.tip.height {
			return nil, badRow("history", key)
		}
		list = append(list, e)
	}
	return list, it.Err()
}

// BlockOf returns the block of the active chain that a transaction is in, without
// reading it. The errors are those of Tx but for reading.
func (s *Snapshot) BlockOf(txid wire.Hash) (wire.BlockRef, error) {
	n, _, _, err := s.place(txid)
	if err != nil {
		return wire.BlockRef{}, err
	}
	return n.ref(), nil
}

// Position returns where in the active chain a transaction is, as History wants
// it. It reads the whole block. The errors are those of Tx.
func (s *Snapshot) Position(txid wire.Hash) (HistoryEntry, error) {
	n, offset, _, err := s.place(txid)
	if err != nil {
		return HistoryEntry{}, err
	}
	b, err := s.l.readBody(n)
	if err != nil {
		return HistoryEntry{}, err
	}
	found, i := -1, 0
	txPlaces(b, func(tx *wire.Tx, at, _ uint32) {
		if at == offset && tx.TxID() == txid {
			found = i
		}
		i++
	})
	if found < 0 {
		return HistoryEntry{}, fmt.Errorf("%w: transaction index entry of %v does not point at it in block %v", ErrCorrupt, txid, n.hash)
	}
	return HistoryEntry{TxID: txid, Height: n.height, Index: uint32(found)}, nil
}

// ScriptTotals sums up the history of a script; see there for the errors. All
// is zero for one that the chain has never used.
func (s *Snapshot) ScriptTotals(h ScriptHash) (ScriptTotals, error) {
	if !s.l.cfg.AddressIndex {
		return ScriptTotals{}, ErrNoAddressIndex
	}
	return readTotals(s.db, append([]byte{keyTotals}, h[:]...))
}

// ScriptCoins returns the unspent outputs with a script, ordered by transaction
// id (as bytes) and output index. The errors are those of History, and
// ErrTooMany if there are more than max of them.
func (s *Snapshot) ScriptCoins(h ScriptHash, max int) ([]ScriptCoin, error) {
	if !s.l.cfg.AddressIndex {
		return nil, ErrNoAddressIndex
	}
	it := s.db.Iterate(kv.Prefix(append([]byte{keyScriptCoin}, h[:]...)))
	defer it.Close()
	var list []ScriptCoin
	for it.Next() {
		if len(list) >= max {
			return nil, fmt.Errorf("%w: script %x has more than %d", ErrTooMany, h, max)
		}
		op, err := readOutPoint(it.Key()[1+len(h):])
		if err != nil || len(it.Value()) != 0 {
			return nil, badRow("coins", it.Key())
		}
		c := ScriptCoin{Out: op}
		switch found, err := s.FetchCoin(op, &c.Coin); {
		case err != nil:
			return nil, err
		case !found || HashScript(c.Coin.Out.PkScript) != h:
			return nil, fmt.Errorf("%w: address index: %v is no coin of script %x; %s", ErrCorrupt, op, h, mendAddressIndex)
		}
		list = append(list, c)
	}
	return list, it.Err()
}

// Spender returns the input of the active chain that spends an output, if one
// does. The errors are those of History.
func (s *Snapshot) Spender(op wire.OutPoint) (Spender, bool, error) {
	if !s.l.cfg.AddressIndex {
		return Spender{}, false, ErrNoAddressIndex
	}
	key := appendSpenderKey(nil, &op)
	b, err := s.db.Get(key)
	if errors.Is(err, kv.ErrNotFound) {
		return Spender{}, false, nil
	}
	if err != nil {
		return Spender{}, false, err
	}
	if len(b) != wire.HashSize+8 {
		return Spender{}, false, badRow("spenders", key)
	}
	le := binary.LittleEndian
	by := Spender{wire.Hash(b[:wire.HashSize]), le.Uint32(b[wire.HashSize:]), le.Uint32(b[wire.HashSize+4:])}
	if by.Height > s.tip.height {
		return Spender{}, false, badRow("spenders", key)
	}
	return by, true, nil
}
