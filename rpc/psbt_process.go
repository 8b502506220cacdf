package rpc

import (
	"errors"

	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/rpc/jsonrpc"
	"github.com/keelson-chain/keelson/script/descriptor"
	"github.com/keelson-chain/keelson/script/psbt"
	"github.com/keelson-chain/keelson/script/sig"
	"github.com/keelson-chain/keelson/script/sign"
)

// maxPSBTKeys bounds the keys that the descriptors of one call give, all of
// which are in memory at once: about a kilobyte each. Bitcoin Core has no bound
// but that of a range.
const maxPSBTKeys = 100_000

func utxoupdatepsbt(c *call) (any, error) {
	p := c.psbt(0)
	if c.err != nil {
		return nil, c.err
	}
	keys, err := c.descriptorKeys(1)
	if err != nil {
		return nil, err
	}
	if err := c.process(p, keys.WithoutPrivate(), 1, false); err != nil {
		return nil, err
	}
	return p.String(), nil
}

func descriptorprocesspsbt(c *call) (any, error) {
	keys, err := c.descriptorKeys(1)
	if err != nil {
		return nil, err
	}
	hashType := sign.Default
	if c.has(2) {
		var ok bool
		if hashType, ok = sign.ParseHashType(c.text(2)); !ok {
			return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, "'%s' is not a valid sighash parameter.", c.text(2))
		}
	}
	if !c.boolOr(3, true) {
		keys = keys.WithoutOrigins()
	}
	finalize := c.boolOr(4, true)
	p := c.psbt(0)
	if c.err != nil {
		return nil, c.err
	}
	if err := c.process(p, keys, hashType, finalize); err != nil {
		return nil, err
	}
	complete := true
	for i := range p.Inputs {
		complete = complete && p.Inputs[i].IsFinal()
	}
	var o jsonrpc.Object
	o.Add("psbt", p.String())
	o.Add("complete", complete)
	if complete {
		tx, ok := p.Clone().Extract()
		if !ok { // inputs were final before, and not by what spends the coins
			return nil, jsonrpc.Errorf(jsonrpc.CodeMisc, "An input is final and does not spend its output")
		}
		o.Add("hex", jsonrpc.Hex(tx.Append(nil)))
	}
	return o, nil
}

// descriptorKeys returns all that the descriptors in argument i know.
func (c *call) descriptorKeys(i int) (*sign.Keys, error) {
	keys := new(sign.Keys)
	if !c.has(i) {
		return keys, nil
	}
	list, ok := c.of(i, jsonrpc.Array)
	if !ok {
		return nil, c.err
	}
	total := 0
	for j := range list.Len() {
		d, text, first, last, err := c.scanObject(list.At(j))
		if err != nil {
			return nil, err
		}
		for k := first; k <= last; k++ {
			if c.ctx.Err() != nil {
				return nil, c.ctx.Err()
			}
			e, err := d.Expand(uint32(k))
			if err != nil {
				return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidAddress, "Cannot derive script without private keys: '%s'", text)
			}
			if total += len(e.Keys); total > maxPSBTKeys {
				return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, "More than %d keys", maxPSBTKeys)
			}
			addExpansion(keys, e)
		}
	}
	return keys, nil
}

// addExpansion adds what a descriptor says at an index.
func addExpansion(keys *sign.Keys, e *descriptor.Expansion) {
	for _, s := range e.Inner {
		keys.AddScript(s)
	}
	for _, k := range e.Keys {
		keys.AddKnown(sign.KnownKey{PubKey: k.PubKey, Origin: sign.Origin{Fingerprint: k.Fingerprint, Path: k.Path}})
		if k.Private != nil {
			keys.Add(k.Private, len(k.PubKey) == sig.CompressedSize)
		}
	}
	if e.Tree != nil {
		out := sign.Taproot{InternalKey: e.Tree.InternalKey, Root: e.Tree.Root}
		for _, leaf := range e.Tree.Leaves {
			out.Leaves = append(out.Leaves, sign.TapLeaf(leaf))
		}
		keys.AddTaproot(out)
	}
}

// process adds to a PSBT what the node knows of the outputs that it spends, and
// what keys know, with which it signs.
func (c *call) process(p *psbt.Packet, keys *sign.Keys, hashType sign.HashType, finalize bool) error {
	for i := range p.Inputs {
		if err := c.addUTXO(p, i, keys); err != nil {
			return err
		}
	}
	s := psbt.NewSession(p)
	for i := range p.Inputs {
		if c.ctx.Err() != nil {
			return c.ctx.Err()
		}
		if !p.Inputs[i].IsFinal() {
			s.SignInput(i, keys, hashType, finalize)
		}
	}
	for i := range p.Outputs {
		p.UpdateOutput(i, keys)
	}
	p.DropTransactions()
	return nil
}

// addUTXO looks for what an input spends: for the transaction in the index of
// the chain and in the pool, then for the output in the coin set, which is enough
// where a witness spends it.
func (c *call) addUTXO(p *psbt.Packet, i int, keys *sign.Keys) error {
	in, op := &p.Inputs[i], p.Tx.Inputs[i].PrevOut
	if in.NonWitnessUTXO != nil {
		return nil
	}
	tx, _, err := c.Ledger.Tx(op.TxID)
	switch {
	case errors.Is(err, ledger.ErrNoTxIndex), errors.Is(err, ledger.ErrUnknownTx):
		tx, _ = c.Pool.Tx(op.TxID)
	case err != nil:
		return err
	}
	if tx != nil && int64(op.Index) < int64(len(tx.Outputs)) {
		in.NonWitnessUTXO = tx
		return nil
	}
	out, err := c.unspent(op)
	if err != nil || out == nil {
		return err
	}
	if keys.PaysWitness(out.PkScript) {
		in.WitnessUTXO = out
	}
	return nil
}
