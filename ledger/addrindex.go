package ledger

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/ledger/kv"
	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/wire"
)

// ScriptHash names an output script in the address index: its SHA-256, whose
// bytes stand in this order where it is written in hexadecimal (Esplora;
// Electrum turns them round).
type ScriptHash [32]byte

// HashScript returns the name of an output script.
func HashScript(pkScript []byte) ScriptHash { return sha256.Sum256(pkScript) }

// ScriptTotals counts what the active chain has done with a script. An output
// that nobody can spend (script.IsUnspendable) counts as funded. The sums are in
// satoshi; they add up every payment, so that they may exceed the supply.
type ScriptTotals struct {
	Txs                 uint64 // transactions with the script in an output, or in one that they spend
	Funded, Spent       uint64 // outputs
	FundedSum, SpentSum wire.Amount
}

// addressIndex is what waits to be written to the address index. The rows of
// the history, of the coins and of the spenders follow from blocks alone and
// gather as they come. The totals of a script are a sum, of which the difference
// gathers here: what was there before is read once, when it is written.
//
// Whoever takes back the last of two transactions with one id, which only a
// chain without BIP 34 can have, takes the spenders of both from the index.
type addressIndex struct {
	indexKeys
	waiting rowLog
	totals  map[ScriptHash]*totalsChange
	tx      uint64 // numbers the transactions, so that each counts once for a script
	row     []byte // room for a key
}

// totalsChange is added to the totals of a script, modulo 2^64.
type totalsChange struct {
	ScriptTotals
	tx uint64 // the last that was counted
}

// totalsChangeBytes is about what a waiting totalsChange takes, with its share
// of the map.
const totalsChangeBytes = 160

func newAddressIndex() *addressIndex {
	return &addressIndex{indexKeys: indexKeys{"address index", keyIndexState, addressPrefixes}}
}

func (x *addressIndex) resume(_ *Ledger, _ *node, kept []byte) error {
	if len(kept) > 0 {
		return badRecord(x.name)
	}
	return nil
}

func (x *addressIndex) keep(dst []byte) []byte { return dst }

func (x *addressIndex) size() int64 {
	return x.waiting.size() + int64(len(x.totals))*totalsChangeBytes
}

func (x *addressIndex) changes() int { return len(x.waiting.starts) + len(x.totals) }

func (x *addressIndex) reset() {
	const keep = 4 << 20 // bytes
	if x.size() > keep {
		x.waiting, x.totals = rowLog{}, nil
		return
	}
	x.waiting.reset()
	clear(x.totals)
}

func (x *addressIndex) add(_ *Ledger, n *node, b *wire.Block, spent []consensus.Coin) error {
	if n.parent == nil {
		return nil // whose output is no coin
	}
	height := n.height
	for i, tx := range b.Txs {
		txid := tx.TxID()
		x.tx++
		if i > 0 {
			for j := range tx.Inputs {
				op, out := tx.Inputs[j].PrevOut, &spent[j].Out
				h := HashScript(out.PkScript)
				x.spend(h, out.Value, 1)
				x.touch(h, height, uint32(i), &txid, false)
				x.waiting.delete(x.coinKey(&h, &op))
				x.waiting.put(x.spenderKey(&op), appendSpender(nil, &Spender{txid, uint32(j), height}))
			}
			spent = spent[len(tx.Inputs):]
		}
		for j := range tx.Outputs {
			out := &tx.Outputs[j]
			h := HashScript(out.PkScript)
			x.fund(h, out.Value, 1)
			x.touch(h, height, uint32(i), &txid, false)
			if !script.IsUnspendable(out.PkScript) {
				x.waiting.put(x.coinKey(&h, &wire.OutPoint{TxID: txid, Index: uint32(j)}), nil)
			}
		}
	}
	return nil
}

// remove takes back what add did, last things first.
func (x *addressIndex) remove(_ *Ledger, n *node, b *wire.Block, spent []consensus.Coin) error {
	height := n.height
	for i := len(b.Txs) - 1; i >= 0; i-- {
		tx := b.Txs[i]
		txid := tx.TxID()
		x.tx++
		for j := range tx.Outputs {
			out := &tx.Outputs[j]
			h := HashScript(out.PkScript)
			x.fund(h, -out.Value, ^uint64(0))
			x.touch(h, height, uint32(i), &txid, true)
			if !script.IsUnspendable(out.PkScript) {
				x.waiting.delete(x.coinKey(&h, &wire.OutPoint{TxID: txid, Index: uint32(j)}))
			}
		}
		if i == 0 {
			continue
		}
		rest := len(spent) - len(tx.Inputs)
		for j := range tx.Inputs {
			op, out := tx.Inputs[j].PrevOut, &spent[rest+j].Out
			h := HashScript(out.PkScript)
			x.spend(h, -out.Value, ^uint64(0))
			x.touch(h, height, uint32(i), &txid, true)
			x.waiting.put(x.coinKey(&h, &op), nil)
			x.waiting.delete(x.spenderKey(&op))
		}
		spent = spent[:rest]
	}
	return nil
}

func (x *addressIndex) fund(h ScriptHash, v wire.Amount, n uint64) {
	c := x.change(h)
	c.Funded += n
	c.FundedSum += v
}

func (x *addressIndex) spend(h ScriptHash, v wire.Amount, n uint64) {
	c := x.change(h)
	c.Spent += n
	c.SpentSum += v
}

func (x *addressIndex) change(h ScriptHash) *totalsChange {
	c := x.totals[h]
	if c == nil {
		if x.totals == nil {
			x.totals = make(map[ScriptHash]*totalsChange)
		}
		c = new(totalsChange)
		x.totals[h] = c
	}
	return c
}

// touch enters the transaction that is being worked on into the history of a
// script, or takes it out, the first time that the script comes up in it.
func (x *addressIndex) touch(h ScriptHash, height, index uint32, txid *wire.Hash, gone bool) {
	c := x.change(h)
	if c.tx == x.tx {
		return
	}
	c.tx = x.tx
	x.row = appendHistoryKey(x.row[:0], &h, height, index)
	if gone {
		c.Txs--
		x.waiting.delete(x.row)
		return
	}
	c.Txs++
	x.waiting.put(x.row, txid[:])
}

func (x *addressIndex) coinKey(h *ScriptHash, op *wire.OutPoint) []byte {
	x.row = appendOutPoint(append(append(x.row[:0], keyScriptCoin), h[:]...), op)
	return x.row
}

func (x *addressIndex) spenderKey(op *wire.OutPoint) []byte {
	x.row = appendSpenderKey(x.row[:0], op)
	return x.row
}

func (x *addressIndex) write(db kv.Reader, w kv.Writer) error {
	x.waiting.write(w)
	hashes := make([]ScriptHash, 0, len(x.totals))
	for h := range x.totals {
		hashes = append(hashes, h)
	}
	slices.SortFunc(hashes, func(a, b ScriptHash) int { return bytes.Compare(a[:], b[:]) })
	var value []byte
	for i := range hashes {
		h := &hashes[i]
		c := &x.totals[*h].ScriptTotals
		if *c == (ScriptTotals{}) {
			continue
		}
		x.row = append(append(x.row[:0], keyTotals), h[:]...)
		t, err := readTotals(db, x.row)
		if err != nil {
			return err
		}
		t.Txs += c.Txs
		t.Funded += c.Funded
		t.Spent += c.Spent
		t.FundedSum += c.FundedSum
		t.SpentSum += c.SpentSum
		if t == (ScriptTotals{}) {
			w.Delete(x.row)
			continue
		}
		if !t.plausible() {
			return fmt.Errorf("%w: the totals of script %x do not fit the blocks; %s", ErrCorrupt, *h, mendAddressIndex)
		}
		value = appendTotals(value[:0], &t)
		w.Put(x.row, value)
	}
	return nil
}

// mendAddressIndex is what a user does about damage.
const mendAddressIndex = "start once without the address index, which deletes it, and then with it"

// plausible reports whether t can be the totals of a script that a chain has
// used.
func (t *ScriptTotals) plausible() bool {
	return t.Txs > 0 && t.Txs < 1<<62 && t.Funded > 0 && t.Funded < 1<<62 && t.Spent <= t.Funded
}

// appendTotals appends five uvarints: transactions, outputs funded and spent,
// and their sums.
func appendTotals(dst []byte, t *ScriptTotals) []byte {
	for _, v := range []uint64{t.Txs, t.Funded, t.Spent, uint64(t.FundedSum), uint64(t.SpentSum)} {
		dst = binary.AppendUvarint(dst, v)
	}
	return dst
}

// readTotals returns the totals of a script, zero if there are none.
func readTotals(db kv.Reader, key []byte) (t ScriptTotals, err error) {
	b, err := db.Get(key)
	if errors.Is(err, kv.ErrNotFound) {
		return t, nil
	}
	if err != nil {
		return t, err
	}
	var fields [5]uint64
	for i := range fields {
		v, k := binary.Uvarint(b)
		if k <= 0 {
			return t, badRow("totals", key)
		}
		fields[i], b = v, b[k:]
	}
	t = ScriptTotals{fields[0], fields[1], fields[2], wire.Amount(fields[3]), wire.Amount(fields[4])}
	if len(b) > 0 || !t.plausible() {
		return t, badRow("totals", key)
	}
	return t, nil
}

// appendHistoryKey appends the key of a transaction in the history of a script.
// Height and position are complements, so that the newest comes first.
func appendHistoryKey(dst []byte, h *ScriptHash, height, index uint32) []byte {
	dst = append(append(dst, keyHistory), h[:]...)
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(dst, ^height), ^index)
}

func appendSpenderKey(dst []byte, op *wire.OutPoint) []byte {
	return appendOutPoint(append(dst, keySpender), op)
}

func appendSpender(dst []byte, s *Spender) []byte {
	dst = append(dst, s.TxID[:]...)
	return binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(dst, s.Input), s.Height)
}

// badRow says which row of the address index is damaged.
func badRow(what string, key []byte) error {
	return fmt.Errorf("%w: address index: the row of %s with the key %x is not well-formed; %s", ErrCorrupt, what, key, mendAddressIndex)
}
