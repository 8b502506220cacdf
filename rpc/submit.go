package rpc

import (
	"encoding/hex"
	"errors"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/rpc/jsonrpc"
	"github.com/keelson-chain/keelson/wire"
)

func submitMethods() []method {
	return []method{
		{
			name: "submitblock", category: "mining", run: submitblock,
			help: "Add a block (BIP 22).",
			params: []param{
				need("hexdata", tHex, "the block in hexadecimal"),
				{names: "dummy", typ: tString, def: "ignored", hint: true, help: "a value that BIP 22 has; it is ignored"},
			},
			results: []result{
				when("if the block was accepted as the new tip", rNull()),
				when("otherwise", rString("", "why not: \"duplicate\", \"duplicate-invalid\", \"inconclusive\" or the rule that it breaks")),
			},
			examples: []string{`"mydata"`},
		},
		{
			name: "submitheader", category: "mining", run: submitheader,
			help:     "Add a header to the block tree, if it is valid.",
			params:   []param{need("hexdata", tHex, "the 80 bytes in hexadecimal")},
			results:  one(rNull()),
			examples: []string{`"aabbcc"`},
		},
	}
}

var errBlockDecode = jsonrpc.Errorf(jsonrpc.CodeDeserialization, "Block decode failed")

func submitblock(c *call) (any, error) {
	text := c.text(0)
	if c.err != nil {
		return nil, c.err
	}
	raw, err := hex.DecodeString(text)
	if err != nil {
		return nil, errBlockDecode
	}
	b, err := wire.DecodeBlock(raw)
	if err != nil {
		return nil, errBlockDecode
	}
	if len(b.Txs) == 0 || !b.Txs[0].IsCoinbase() {
		return nil, jsonrpc.Errorf(jsonrpc.CodeDeserialization, "Block does not start with a coinbase")
	}
	hash := b.Hash()
	if e, ok := c.Ledger.Entry(hash); ok {
		switch {
		case e.Status.Has(ledger.ValidScripts) && !e.Status.Invalid():
			return "duplicate", nil
		case e.Status.Invalid():
			return "duplicate-invalid", nil
		}
	}
	return c.submit(c.addReserved(b), hash)
}

// submit adds the block and says in the words of BIP 22 what came of it.
func (c *call) submit(b *wire.Block, hash wire.Hash) (any, error) {
	if err := c.poolSeesTip(); err != nil {
		return nil, err
	}
	err := c.Ledger.AddBlock(c.ctx, b)
	switch {
	case err == nil:
		if e, ok := c.Ledger.Entry(hash); ok && e.Status.Has(ledger.ValidScripts) {
			return nil, nil
		}
		return "inconclusive", nil
	case errors.Is(err, ledger.ErrDuplicate):
		return "duplicate", nil
	case errors.Is(err, ledger.ErrDuplicateInvalid):
		return "duplicate-invalid", nil
	case errors.Is(err, ledger.ErrUnknownParent):
		return "prev-blk-not-found", nil
	case errors.Is(err, ledger.ErrInvalidParent):
		return "bad-prevblk", nil
	case errors.Is(err, ledger.ErrInvalidBranch):
		return "inconclusive", nil
	case c.ctx.Err() != nil:
		return nil, c.ctx.Err()
	}
	if reason := consensus.RejectReason(err); reason != "" {
		return reason, nil
	}
	return nil, jsonrpc.Errorf(jsonrpc.CodeVerify, "%v", err)
}

// addReserved gives the coinbase the witness that old miners leave out: the
// reserved value of BIP 141, zero, where the block commits to witnesses. The
// witness of a coinbase is part neither of its id nor of the commitment.
func (c *call) addReserved(b *wire.Block) *wire.Block {
	state, err := c.Ledger.State(b.Header.PrevBlock)
	if err != nil || !state.Active(consensus.Segwit) || b.Txs[0].HasWitness() {
		return b
	}
	if _, ok := b.WitnessCommitment(); !ok {
		return b
	}
	coinbase := b.Txs[0].Clone()
	coinbase.Inputs[0].Witness = [][]byte{make([]byte, 32)}
	fixed := &wire.Block{Header: b.Header, Txs: append([]*wire.Tx{coinbase}, b.Txs[1:]...)}
	return fixed
}

func submitheader(c *call) (any, error) {
	text := c.text(0)
	if c.err != nil {
		return nil, c.err
	}
	raw, err := hex.DecodeString(text)
	if err != nil {
		return nil, jsonrpc.Errorf(jsonrpc.CodeDeserialization, "Block header decode failed")
	}
	// What follows the header is ignored: callers give whole blocks.
	h, err := wire.DecodeHeader(raw[:min(len(raw), wire.HeaderSize)])
	if err != nil {
		return nil, jsonrpc.Errorf(jsonrpc.CodeDeserialization, "Block header decode failed")
	}
	if _, ok := c.Ledger.Entry(h.PrevBlock); !ok {
		return nil, jsonrpc.Errorf(jsonrpc.CodeVerify, "Must submit previous header (%v) first", h.PrevBlock)
	}
	_, err = c.Ledger.AddHeaders([]wire.Header{h})
	switch {
	case err == nil:
		return nil, nil
	case errors.Is(err, ledger.ErrInvalidParent):
		return nil, jsonrpc.Errorf(jsonrpc.CodeVerify, "bad-prevblk")
	case errors.Is(err, ledger.ErrDuplicateInvalid):
		return nil, jsonrpc.Errorf(jsonrpc.CodeVerify, "duplicate-invalid")
	}
	if reason := consensus.RejectReason(err); reason != "" {
		return nil, jsonrpc.Errorf(jsonrpc.CodeVerify, "%s", reason)
	}
	return nil, jsonrpc.Errorf(jsonrpc.CodeVerify, "%v", err)
}
