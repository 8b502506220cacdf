package rpc

import (
	"bytes"
	"errors"
	"slices"

	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/rpc/jsonrpc"
	"github.com/keelson-chain/keelson/wire"
)

func proofMethods() []method {
	return []method{
		{
			name: "gettxoutproof", category: "blockchain", run: gettxoutproof,
			help: "A proof that transactions are in a block, in hexadecimal. Without blockhash the block is found if one of the transactions has an unspent output, or by txindex.",
			params: []param{
				{names: "txids", typ: tArray, required: true, help: "The transactions", inner: []param{{names: "txid", typ: tHex, help: "a transaction id"}}},
				{names: "blockhash", typ: tHex, help: "The block that they are in"},
			},
			results:  one(rHex("", "the header and a part of the merkle tree")),
			examples: []string{`'["mytxid",...]'`, `'["mytxid",...]' "blockhash"`},
		},
		{
			name: "verifytxoutproof", category: "blockchain", run: verifytxoutproof,
			help:   "The transactions that a proof of gettxoutproof proves to be in a block, which must lie on the active chain.",
			params: []param{need("proof", tHex, "The proof")},
			results: one(rArray("", "empty if the proof is not valid",
				rHex("txid", "a transaction"))),
			examples: []string{`"proof"`},
		},
	}
}

func gettxoutproof(c *call) (any, error) {
	texts := c.texts(0)
	if c.err != nil {
		return nil, c.err
	}
	if len(texts) == 0 {
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, "Parameter 'txids' cannot be empty")
	}
	set := make(map[wire.Hash]bool, len(texts))
	for _, text := range texts {
		id, err := parseHash(text, "txid")
		if err != nil {
			return nil, err
		}
		if set[id] {
			return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, "Invalid parameter, duplicated txid: %s", text)
		}
		set[id] = true
	}
	var e ledger.Entry
	var err error
	if c.has(1) {
		if hash := c.hash(1, "blockhash"); c.err == nil {
			var ok bool
			if e, ok = c.Ledger.Entry(hash); !ok {
				err = errBlockNotFound
			}
		}
	} else {
		e, err = c.blockWith(set)
	}
	if err == nil {
		err = c.err
	}
	if err != nil {
		return nil, err
	}
	b, err := c.Ledger.Block(e.Ref.Hash)
	if err != nil {
		return nil, bodyError(err, "Block")
	}
	count := 0
	for _, tx := range b.Txs {
		if set[tx.TxID()] {
			count++
		}
	}
	if count != len(set) {
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidAddress, "Not all transactions found in specified or retrieved block")
	}
	return jsonrpc.Hex(wire.NewMerkleBlock(b, func(id wire.Hash) bool { return set[id] }).Append(nil)), nil
}

var errNotInBlock = jsonrpc.Errorf(jsonrpc.CodeInvalidAddress, "Transaction not yet in block")

// blockWith finds the block that one of the transactions is in: one that has an
// unspent output, or else the first, through the transaction index.
func (c *call) blockWith(set map[wire.Hash]bool) (ledger.Entry, error) {
	var ids []wire.Hash
	for id := range set {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b wire.Hash) int { return bytes.Compare(a[:], b[:]) })
	s, err := c.Ledger.Snapshot()
	if err != nil {
		return ledger.Entry{}, err
	}
	defer s.Close()
	for _, id := range ids {
		coin, found, err := s.CoinOf(id)
		if err != nil {
			return ledger.Entry{}, err
		}
		if found {
			if e, ok := c.Ledger.Ancestor(s.Tip().Hash, coin.Height); ok {
				return e, nil
			}
		}
	}
	_, in, err := s.Tx(ids[0])
	switch {
	case errors.Is(err, ledger.ErrNoTxIndex), errors.Is(err, ledger.ErrUnknownTx):
		return ledger.Entry{}, errNotInBlock
	case err != nil:
		return ledger.Entry{}, err
	}
	e, ok := c.Ledger.Entry(in.Hash)
	if !ok {
		return e, errNotInBlock // an earlier state was restored meanwhile
	}
	return e, nil
}

func verifytxoutproof(c *call) (any, error) {
	raw := c.hex(0, "proof")
	if c.err != nil {
		return nil, c.err
	}
	m, _, err := wire.DecodeMerkleBlock(raw)
	if err != nil {
		return nil, errors.New("DataStream::read(): end of data")
	}
	txids, ok := m.Matches()
	if !ok {
		return []wire.Hash{}, nil
	}
	e, ok := c.Ledger.Entry(m.Header.Hash())
	if !ok || !e.Active || e.TxCount == 0 {
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidAddress, "Block not found in chain")
	}
	if e.TxCount != m.Total {
		return []wire.Hash{}, nil
	}
	return txids, nil
}
