package esplora

import (
	"context"
	"errors"
	"fmt"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/script/address"
	"github.com/keelson-chain/keelson/wire"
)

// describe describes a transaction. prevouts are the outputs that its inputs
// spend, nil where they are not known; a coinbase's are not looked at.
func (v *View) describe(tx *wire.Tx, prevouts []*wire.TxOut) Tx {
	t := Tx{
		TxID: tx.TxID(), WTxID: tx.WTxID(), Version: tx.Version, LockTime: tx.LockTime,
		Size: tx.Size(), Weight: tx.Weight(),
		Vin: make([]Vin, len(tx.Inputs)), Vout: make([]Vout, len(tx.Outputs)),
	}
	known := !tx.IsCoinbase()
	for i := range tx.Inputs {
		in := &tx.Inputs[i]
		var prevout *wire.TxOut
		if !in.PrevOut.IsNull() && i < len(prevouts) {
			prevout = prevouts[i]
		}
		t.Vin[i] = v.describeInput(in, prevout)
		if prevout == nil {
			known = false
		} else {
			t.Fee += prevout.Value
		}
	}
	for i := range tx.Outputs {
		t.Vout[i] = v.describeOutput(&tx.Outputs[i])
		t.Fee -= tx.Outputs[i].Value
	}
	if !known {
		t.Fee = 0
	}
	return t
}

func (v *View) describeInput(in *wire.TxIn, prevout *wire.TxOut) Vin {
	d := Vin{
		TxID: in.PrevOut.TxID, Vout: in.PrevOut.Index,
		ScriptSig: in.SigScript, ScriptSigAsm: Asm(in.SigScript),
		IsCoinbase: in.PrevOut.IsNull(), Sequence: in.Sequence,
	}
	if len(in.Witness) > 0 {
		d.Witness = make([]Hex, len(in.Witness))
		for i, element := range in.Witness {
			d.Witness[i] = element
		}
	}
	if prevout == nil {
		return d
	}
	out := v.describeOutput(prevout)
	d.Prevout = &out
	redeem, inner, hasRedeem, hasInner := innerScripts(prevout.PkScript, in.SigScript, in.Witness)
	if hasRedeem {
		text := Asm(redeem)
		d.InnerRedeemScript, d.InnerRedeemAsm = redeem, &text
	}
	if hasInner {
		text := Asm(inner)
		d.InnerWitness, d.InnerWitnessAsm = inner, &text
	}
	return d
}

func (v *View) describeOutput(out *wire.TxOut) Vout {
	d := Vout{PkScript: out.PkScript, Asm: Asm(out.PkScript), Type: scriptType(out.PkScript), Value: out.Value}
	d.Address, _ = address.Encode(&v.cfg.Params.Address, out.PkScript)
	return d
}

// place is where a transaction of the active chain stands.
type place struct {
	entry ledger.Entry
	body  *body
	index int
}

func (p *place) tx() *wire.Tx { return p.body.block.Txs[p.index] }

// find returns where a transaction stands in the active chain. The errors are
// ErrNotFound, ledger.ErrNoTxIndex and those of reading blocks.
func (v *View) find(s *look, txid wire.Hash) (place, error) {
	genesis := v.cfg.Params.Genesis
	in := v.cfg.Params.GenesisHash
	if txid != genesis.Txs[0].TxID() { // which is not in the index
		ref, err := s.BlockOf(txid)
		if errors.Is(err, ledger.ErrUnknownTx) {
			return place{}, errNoTx
		}
		if err != nil {
			return place{}, err
		}
		in = ref.Hash
	}
	e, err := v.entry(in)
	if err != nil {
		return place{}, err
	}
	b, err := v.body(in)
	if err != nil {
		return place{}, err
	}
	for i, tx := range b.block.Txs {
		if tx.TxID() == txid {
			return place{e, b, i}, nil
		}
	}
	return place{}, fmt.Errorf("%w: transaction %v is not in block %v", ledger.ErrCorrupt, txid, in)
}

// Tx describes a transaction of the active chain or the pool.
func (v *View) Tx(ctx context.Context, txid wire.Hash) (Tx, error) {
	return consistent(ctx, v, func(s *look) (Tx, error) {
		if tx, ok := v.cfg.Pool.Tx(txid); ok {
			return v.describeWaiting(s, tx)
		}
		p, err := v.find(s, txid)
		if err != nil {
			return Tx{}, err
		}
		return v.describeMined(&p.entry, p.body, p.index), nil
	})
}

// describeWaiting describes a transaction of the pool.
func (v *View) describeWaiting(s consensus.CoinView, tx *wire.Tx) (Tx, error) {
	prevouts, err := v.pool.prevouts(s, tx)
	if err != nil {
		return Tx{}, err
	}
	return v.describe(tx, prevouts), nil
}

// RawTx returns the encoding of a transaction of the active chain or the pool.
func (v *View) RawTx(ctx context.Context, txid wire.Hash) ([]byte, error) {
	return consistent(ctx, v, func(s *look) ([]byte, error) {
		if tx, ok := v.cfg.Pool.Tx(txid); ok {
			return tx.Append(nil), nil
		}
		p, err := v.find(s, txid)
		if err != nil {
			return nil, err
		}
		return p.tx().Append(nil), nil
	})
}

// TxStatus says which block has confirmed a transaction. As electrs has it, one
// that nobody knows is not confirmed, which is no error.
func (v *View) TxStatus(ctx context.Context, txid wire.Hash) (Status, error) {
	return consistent(ctx, v, func(s *look) (Status, error) {
		if v.cfg.Pool.Has(txid) {
			return Status{}, nil
		}
		p, err := v.find(s, txid)
		if errors.Is(err, ErrNotFound) {
			return Status{}, nil
		}
		return statusIn(&p.entry), err
	})
}

// Outspend says what spends an output. As electrs has it, one that nobody knows
// is not spent, which is no error.
func (v *View) Outspend(ctx context.Context, op wire.OutPoint) (Outspend, error) {
	return consistent(ctx, v, func(s *look) (Outspend, error) { return v.outspend(s, op) })
}

// Outspends says what spends the outputs of a transaction of the active chain or
// the pool.
func (v *View) Outspends(ctx context.Context, txid wire.Hash) ([]Outspend, error) {
	return consistent(ctx, v, func(s *look) ([]Outspend, error) {
		tx, ok := v.cfg.Pool.Tx(txid)
		if !ok {
			p, err := v.find(s, txid)
			if err != nil {
				return nil, err
			}
			tx = p.tx()
		}
		list := make([]Outspend, len(tx.Outputs))
		for i := range list {
			if script.IsUnspendable(tx.Outputs[i].PkScript) {
				continue
			}
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			o, err := v.outspend(s, wire.OutPoint{TxID: txid, Index: uint32(i)})
			if err != nil {
				return nil, err
			}
			list[i] = o
		}
		return list, nil
	})
}

// outspend looks in the chain first: what is confirmed there may not have left
// the pool's view yet.
func (v *View) outspend(s *look, op wire.OutPoint) (Outspend, error) {
	o, found, err := v.confirmedSpend(s, op)
	if found || err != nil {
		return o, err
	}
	txid, ok := v.cfg.Pool.Spender(op)
	if !ok {
		return Outspend{}, nil
	}
	tx, ok := v.cfg.Pool.Tx(txid)
	if !ok {
		return Outspend{}, nil // it has just left; the tip has moved, or it was replaced
	}
	for i := range tx.Inputs {
		if tx.Inputs[i].PrevOut == op {
			return Outspend{Spent: true, TxID: txid, Vin: uint32(i)}, nil
		}
	}
	return Outspend{}, nil
}

// confirmedSpend says what spends an output in the chain.
func (v *View) confirmedSpend(s *look, op wire.OutPoint) (Outspend, bool, error) {
	by, found, err := s.Spender(op)
	if !found || err != nil {
		return Outspend{}, false, err
	}
	status, err := v.statusAt(s, by.Height)
	return Outspend{Spent: true, TxID: by.TxID, Vin: by.Input, Status: status}, err == nil, err
}
