package rpc

import (
	"errors"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/rpc/jsonrpc"
	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/script/address"
	"github.com/keelson-chain/keelson/script/descriptor"
	"github.com/keelson-chain/keelson/wire"
)

// scriptResults are the members of an output script.
func scriptResults() []result {
	return []result{
		rString("asm", "the script as text"),
		rString("desc", "a descriptor of it"),
		rHex("hex", "the script itself"),
		maybe(rString("address", "its address, if it has one")),
		rString("type", "what kind of script it is"),
	}
}

// txResults are the members of a transaction.
func txResults(prevouts bool) []result {
	input := []result{
		maybe(rHex("coinbase", "the input script (only in a coinbase)")),
		maybe(rHex("txid", "the transaction whose output is spent")),
		maybe(rNumber("vout", "the output's index")),
		maybe(rObject("scriptSig", "the input script",
			rString("asm", "as text"),
			rHex("hex", "in hexadecimal"))),
		maybe(rArray("txinwitness", "", rHex("", "an element of the witness"))),
	}
	if prevouts {
		input = append(input, maybe(rObject("prevout", "the output spent; only if the undo record is there",
			rBool("generated", "whether it is a coinbase's"),
			rNumber("height", "the height of its block"),
			rAmount("value", "in coins"),
			rObject("scriptPubKey", "", scriptResults()...))))
	}
	input = append(input, rNumber("sequence", "the sequence number"))
	return []result{
		rHex("txid", "the transaction's id"),
		rHex("hash", "the hash with witnesses"),
		rNumber("version", "its version"),
		rNumber("size", "its size in bytes"),
		rNumber("vsize", "its virtual size (BIP 141)"),
		rNumber("weight", "its weight (BIP 141)"),
		rNumber("locktime", "its lock time"),
		rArray("vin", "", rObject("", "", input...)),
		rArray("vout", "", rObject("", "",
			rAmount("value", "in coins"),
			rNumber("n", "the output's index"),
			rObject("scriptPubKey", "", scriptResults()...))),
	}
}

func rawMethods() []method {
	located := func(prevouts bool) []result {
		list := []result{maybe(rBool("in_active_chain", "whether the block asked for is on the active chain (only if one was)"))}
		list = append(list, txResults(prevouts)...)
		if prevouts {
			list = append(list, maybe(rAmount("fee", "what it pays; only if the undo record is there")))
		}
		return append(list,
			rHex("hex", "the transaction itself"),
			maybe(rHex("blockhash", "its block")),
			maybe(rNumber("confirmations", "blocks from that one to the tip, both included")),
			maybe(rTime("time", "the block's time")),
			maybe(rTime("blocktime", "the same")))
	}
	return []method{
		{
			name: "getrawtransaction", category: "rawtransactions", run: getrawtransaction,
			help: "A transaction: of the block that is given, of the pool, or of any block of the active chain if the node keeps an index (txindex).",
			params: []param{
				need("txid", tHex, "The transaction"),
				{names: "verbosity|verbose", typ: tNumber, def: "0", anyType: true,
					help: "0 for hexadecimal, 1 for an object, 2 for an object with the fee and the outputs spent"},
				{names: "blockhash", typ: tHex, help: "The block to look in"},
			},
			results: []result{
				when("for verbosity = 0", rHex("", "the transaction")),
				when("for verbosity = 1", rObject("", "", located(false)...)),
				when("for verbosity = 2", rObject("", "", located(true)...)),
			},
			examples: []string{`"mytxid"`, `"mytxid" 1 "myblockhash"`},
		},
		{
			name: "decoderawtransaction", category: "rawtransactions", run: decoderawtransaction,
			help: "What a transaction in hexadecimal says.",
			params: []param{
				need("hexstring", tHex, "The transaction"),
				{names: "iswitness", typ: tBool, def: "depends on heuristic tests", hint: true,
					help: "Whether it is in the form with witnesses. Without an answer both are tried."},
			},
			results:  one(rObject("", "", txResults(false)...)),
			examples: []string{`"hexstring"`},
		},
		{
			name: "decodescript", category: "rawtransactions", run: decodescript,
			help:   "What an output script in hexadecimal says, and how it could be wrapped.",
			params: []param{need("hexstring", tHex, "The script")},
			results: one(rObject("", "",
				rString("asm", "the script as text"),
				rString("desc", "a descriptor of it"),
				maybe(rString("address", "its address, if it has one")),
				rString("type", "what kind of script it is"),
				maybe(rString("p2sh", "the address of the script wrapped in P2SH, where that makes sense")),
				maybe(rObject("segwit", "the script wrapped in a witness program, where that makes sense",
					append(scriptResults(), rString("p2sh-segwit", "the address of that wrapped in P2SH"))...)))),
			examples: []string{`"hexstring"`},
		},
	}
}

// txView says how much of a transaction is shown.
type txView struct {
	hex      bool
	spent    []consensus.Coin // what it spends, if known: gives the fee
	prevouts bool             // and show what it spends, too
}

// txObject describes a transaction.
func (s *Server) txObject(tx *wire.Tx, view txView) jsonrpc.Object {
	var o jsonrpc.Object
	weight := tx.Weight()
	o.Add("txid", tx.TxID())
	o.Add("hash", tx.WTxID())
	o.Add("version", tx.Version)
	o.Add("size", tx.Size())
	o.Add("vsize", virtualSize(tx))
	o.Add("weight", weight)
	o.Add("locktime", tx.LockTime)

	var fee wire.Amount
	coinbase := tx.IsCoinbase()
	inputs := make([]jsonrpc.Object, len(tx.Inputs))
	for i := range tx.Inputs {
		in := &tx.Inputs[i]
		o := &inputs[i]
		if coinbase {
			o.Add("coinbase", jsonrpc.Hex(in.SigScript))
		} else {
			var sig jsonrpc.Object
			sig.Add("asm", script.DisassembleSigScript(in.SigScript))
			sig.Add("hex", jsonrpc.Hex(in.SigScript))
			o.Add("txid", in.PrevOut.TxID)
			o.Add("vout", in.PrevOut.Index)
			o.Add("scriptSig", sig)
		}
		if len(in.Witness) > 0 {
			list := make([]any, len(in.Witness))
			for j, element := range in.Witness {
				list[j] = jsonrpc.Hex(element)
			}
			o.Add("txinwitness", list)
		}
		if view.spent != nil {
			coin := &view.spent[i]
			fee += coin.Out.Value
			if view.prevouts {
				var p jsonrpc.Object
				p.Add("generated", coin.Coinbase)
				p.Add("height", coin.Height)
				p.Add("value", coin.Out.Value)
				p.Add("scriptPubKey", s.scriptObject(coin.Out.PkScript))
				o.Add("prevout", p)
			}
		}
		o.Add("sequence", in.Sequence)
	}
	o.Add("vin", inputs)

	outputs := make([]jsonrpc.Object, len(tx.Outputs))
	for i := range tx.Outputs {
		fee -= tx.Outputs[i].Value
		outputs[i].Add("value", tx.Outputs[i].Value)
		outputs[i].Add("n", i)
		outputs[i].Add("scriptPubKey", s.scriptObject(tx.Outputs[i].PkScript))
	}
	o.Add("vout", outputs)
	if view.spent != nil {
		o.Add("fee", fee)
	}
	if view.hex {
		o.Add("hex", jsonrpc.Hex(tx.Append(nil)))
	}
	return o
}

// scriptObject describes an output script.
func (s *Server) scriptObject(pkScript []byte) jsonrpc.Object {
	class, _ := script.Classify(pkScript)
	var o jsonrpc.Object
	o.Add("asm", script.Disassemble(pkScript))
	o.Add("desc", descriptor.Infer(&s.cfg.Params.Address, pkScript))
	o.Add("hex", jsonrpc.Hex(pkScript))
	// A key alone has no address, though that of its hash is at hand.
	if text, ok := address.Encode(&s.cfg.Params.Address, pkScript); ok && class != script.PubKey {
		o.Add("address", text)
	}
	o.Add("type", class.String())
	return o
}

func getrawtransaction(c *call) (any, error) {
	txid := c.hash(0, "parameter 1")
	if c.err == nil && txid == c.s.cfg.Params.Genesis.Header.MerkleRoot {
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidAddress, "The genesis block coinbase is not considered an ordinary transaction and cannot be retrieved")
	}
	verbosity := c.verbosity(1, 0)
	if c.err != nil {
		return nil, c.err
	}
	var o jsonrpc.Object
	var tx *wire.Tx
	var in wire.Hash
	if c.has(2) {
		blockHash := c.hash(2, "parameter 3")
		if c.err != nil {
			return nil, c.err
		}
		e, ok := c.Ledger.Entry(blockHash)
		if !ok {
			return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidAddress, "Block hash not found")
		}
		found, err := c.txInBlock(txid, blockHash)
		if err != nil {
			return nil, err
		}
		tx, in = found, blockHash
		o.Add("in_active_chain", e.Active)
	} else {
		found, blockHash, err := c.txByID(txid)
		if err != nil {
			return nil, err
		}
		tx, in = found, blockHash
	}
	if verbosity <= 0 {
		return jsonrpc.Hex(tx.Append(nil)), nil
	}

	view := txView{hex: true}
	if verbosity >= 2 && !tx.IsCoinbase() && !in.IsZero() {
		view.prevouts = true
		view.spent, _ = c.spentBy(txid, in) // without an undo record there is less to show
	}
	o = append(o, c.s.txObject(tx, view)...)
	if e, ok := c.Ledger.Entry(in); ok {
		o.Add("blockhash", in)
		if e.Active {
			o.Add("confirmations", confirmations(e, c.Ledger.Tip()))
			o.Add("time", e.Header.Time)
			o.Add("blocktime", e.Header.Time)
		} else {
			o.Add("confirmations", 0)
		}
	}
	return o, nil
}

// txInBlock finds a transaction in a block.
func (c *call) txInBlock(txid, blockHash wire.Hash) (*wire.Tx, error) {
	b, err := c.Ledger.Block(blockHash)
	switch {
	case errors.Is(err, ledger.ErrNoBody), errors.Is(err, ledger.ErrPruned):
		return nil, errors.New("Block not available")
	case err != nil:
		return nil, err
	}
	for _, tx := range b.Txs {
		if tx.TxID() == txid {
			return tx, nil
		}
	}
	return nil, noTx("No such transaction found in the provided block")
}

// txByID finds a transaction by its id alone, and its block; one of the pool
// has none.
func (c *call) txByID(txid wire.Hash) (*wire.Tx, wire.Hash, error) {
	if tx, ok := c.Pool.Tx(txid); ok {
		return tx, wire.Hash{}, nil
	}
	tx, in, err := c.Ledger.Tx(txid)
	switch {
	case errors.Is(err, ledger.ErrNoTxIndex):
		err = noTx("No such mempool transaction. Use -txindex or provide a block hash to enable blockchain transaction queries")
	case errors.Is(err, ledger.ErrUnknownTx):
		err = noTx("No such mempool or blockchain transaction")
	}
	return tx, in, err
}

func noTx(what string) error {
	return jsonrpc.Errorf(jsonrpc.CodeInvalidAddress, "%s. Use gettransaction for wallet transactions.", what)
}

// spentBy returns the coins that a transaction of a block spent.
func (c *call) spentBy(txid, blockHash wire.Hash) ([]consensus.Coin, error) {
	b, err := c.Ledger.Block(blockHash)
	if err != nil {
		return nil, err
	}
	spent, err := c.Ledger.Spent(blockHash)
	if err != nil {
		return nil, err
	}
	for _, tx := range b.Txs[1:] {
		if tx.TxID() == txid {
			return spent[:len(tx.Inputs)], nil
		}
		spent = spent[len(tx.Inputs):]
	}
	return nil, ledger.ErrUnknownTx
}

func decoderawtransaction(c *call) (any, error) {
	tx, err := c.tx(c.text(0), 1)
	if err != nil {
		return nil, err
	}
	return c.s.txObject(tx, txView{}), nil
}

// tx reads a transaction in hexadecimal; the parameter iswitness, at a position,
// says in which form it is. Without it both are tried.
func (c *call) tx(text string, iswitness int) (*wire.Tx, error) {
	withWitness, without := true, true
	if c.has(iswitness) {
		withWitness = c.bool(iswitness)
		without = !withWitness
	}
	if c.err != nil {
		return nil, c.err
	}
	tx, err := decodeTxForms(text, withWitness, without)
	if err != nil {
		return nil, jsonrpc.Errorf(jsonrpc.CodeDeserialization, "TX decode failed")
	}
	return tx, nil
}
