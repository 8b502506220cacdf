package rpc

import (
	"encoding/hex"
	"math"

	"github.com/keelson-chain/keelson/rpc/jsonrpc"
	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/script/address"
	"github.com/keelson-chain/keelson/wire"
)

// newTxVersion is the version of the transactions that are made here.
const newTxVersion = 2

// maxReplaceableSequence is the largest sequence number that says that the
// transaction may be replaced (BIP 125). Not a consensus rule.
const maxReplaceableSequence = wire.SequenceFinal - 2

// newTxParams are the parameters of a method that makes a transaction.
func newTxParams() []param {
	return []param{
		{names: "inputs", typ: tArray, required: true, help: "The outputs to spend", inner: []param{
			{names: "", typ: tObject, inner: []param{
				need("txid", tHex, "The transaction"),
				need("vout", tNumber, "The output's index"),
				{names: "sequence", typ: tNumber, def: "depends on the value of the 'replaceable' and 'locktime' arguments", hint: true, help: "The sequence number"},
			}},
		}},
		{names: "outputs", typ: tArray, required: true, anyType: true,
			help: "The outputs, each an object with one member; or one object with all of them. An address may be there once, data once.",
			inner: []param{
				{names: "", typ: tMap, inner: []param{need("address", tAmount, "An address as the name, what it gets as the value: a number of coins, which may be a string")}},
				{names: "", typ: tObject, inner: []param{need("data", tHex, `"data" as the name, bytes in hexadecimal for an OP_RETURN output as the value`)}},
			}},
		may("locktime", tNumber, "0", "The lock time. Where it is not 0, input sequence numbers are such that it counts."),
		may("replaceable", tBool, "true", "Say that the transaction may be replaced by one that pays more (BIP 125), unless sequence numbers are given that do not"),
	}
}

func createrawtransaction(c *call) (any, error) {
	tx, err := c.newTx()
	if err != nil {
		return nil, err
	}
	return jsonrpc.Hex(tx.Append(nil)), nil
}

// newTx makes the transaction that the first four arguments describe.
func (c *call) newTx() (*wire.Tx, error) {
	tx := &wire.Tx{Version: newTxVersion}
	if c.has(2) {
		n := c.int(2, 64)
		if c.err != nil {
			return nil, c.err
		}
		if n < 0 || n > math.MaxUint32 {
			return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, "Invalid parameter, locktime out of range")
		}
		tx.LockTime = uint32(n)
	}
	replaceable := c.boolOr(3, true)
	inputs := c.params.At(0)
	for i := range inputs.Len() {
		in, err := parseInput(inputs.At(i), replaceable, tx.LockTime)
		if err != nil {
			return nil, err
		}
		tx.Inputs = append(tx.Inputs, in)
	}
	var err error
	if tx.Outputs, err = parseOutputs(&c.s.cfg.Params.Address, c.params.At(1)); err != nil {
		return nil, err
	}
	if c.has(3) && replaceable && len(tx.Inputs) > 0 && !signalsReplacement(tx) {
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, "Invalid parameter combination: Sequence number(s) contradict replaceable option")
	}
	return tx, nil
}

func signalsReplacement(tx *wire.Tx) bool {
	for i := range tx.Inputs {
		if tx.Inputs[i].Sequence <= maxReplaceableSequence {
			return true
		}
	}
	return false
}

func parseInput(v *jsonrpc.Value, replaceable bool, lockTime uint32) (in wire.TxIn, err error) {
	if v.Kind != jsonrpc.Obj {
		return in, mismatch(v, jsonrpc.Obj)
	}
	if in.PrevOut.TxID, err = hashMember(v, "txid"); err != nil {
		return in, err
	}
	vout := v.Get("vout")
	if vout.Kind != jsonrpc.Number {
		return in, jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, "Invalid parameter, missing vout key")
	}
	index, err := parseInt(vout, 32)
	if err != nil {
		return in, err
	}
	if index < 0 {
		return in, jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, "Invalid parameter, vout cannot be negative")
	}
	in.PrevOut.Index = uint32(index)

	switch {
	case replaceable:
		in.Sequence = maxReplaceableSequence
	case lockTime != 0:
		in.Sequence = wire.SequenceFinal - 1
	default:
		in.Sequence = wire.SequenceFinal
	}
	if sequence := v.Get("sequence"); sequence.Kind == jsonrpc.Number {
		n, err := parseInt(sequence, 64)
		if err != nil {
			return in, err
		}
		if n < 0 || n > int64(wire.SequenceFinal) {
			return in, jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, "Invalid parameter, sequence number is out of range")
		}
		in.Sequence = uint32(n)
	}
	return in, nil
}

// hashMember reads the transaction id that a member of an object is.
func hashMember(v *jsonrpc.Value, name string) (wire.Hash, error) {
	m := v.Get(name)
	if m.Kind != jsonrpc.String {
		return wire.Hash{}, mismatch(m, jsonrpc.String)
	}
	return parseHash(m.Text, name)
}

// output is a member of the outputs: an address, or "data", and its value.
type output struct {
	key   string
	value *jsonrpc.Value
}

// listOutputs returns the outputs of an object, or of an array of objects of
// one member.
func listOutputs(v *jsonrpc.Value) (list []output, err error) {
	switch v.Kind {
	case jsonrpc.Null:
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, "Invalid parameter, output argument must be non-null")
	case jsonrpc.Obj:
		for i := range v.Len() {
			list = append(list, output{v.Key(i), v.At(i)})
		}
		return list, nil
	case jsonrpc.Array:
	default:
		return nil, mismatch(v, jsonrpc.Array)
	}
	for i := range v.Len() {
		o := v.At(i)
		if o.Kind != jsonrpc.Obj {
			return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, "Invalid parameter, key-value pair not an object as expected")
		}
		if o.Len() != 1 {
			return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, "Invalid parameter, key-value pair must contain exactly one key")
		}
		list = append(list, output{o.Key(0), o.At(0)})
	}
	return list, nil
}

func parseOutputs(p *address.Prefixes, v *jsonrpc.Value) ([]wire.TxOut, error) {
	list, err := listOutputs(v)
	if err != nil {
		return nil, err
	}
	var outs []wire.TxOut
	seen := map[string]bool{}
	hasData := false
	for _, o := range list {
		if o.key == "data" {
			if hasData {
				return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, "Invalid parameter, duplicate key: data")
			}
			hasData = true
			data, err := parseHexText(plainText(o.value), "Data")
			if err != nil {
				return nil, err
			}
			outs = append(outs, wire.TxOut{PkScript: dataScript(data)})
			continue
		}
		amount, err := ParseAmount(o.value)
		if err != nil {
			return nil, err
		}
		pkScript, err := address.Decode(p, o.key)
		if err != nil {
			return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidAddress, "Invalid Bitcoin address: %s", o.key)
		}
		if seen[string(pkScript)] {
			return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, "Invalid parameter, duplicated address: %s", o.key)
		}
		seen[string(pkScript)] = true
		outs = append(outs, wire.TxOut{Value: amount, PkScript: pkScript})
	}
	return outs, nil
}

// plainText is what Bitcoin Core takes a value for where any type will do: the
// content of a string, a number as it is written, 1 for true.
func plainText(v *jsonrpc.Value) string {
	if v.Kind == jsonrpc.Bool {
		if v.Text == "true" {
			return "1"
		}
		return ""
	}
	return v.Text
}

// dataScript is an output script that carries data. All data is pushed as it
// stands: one byte does not become the opcode of a number.
func dataScript(data []byte) []byte {
	return script.AppendPush([]byte{byte(script.OpReturn)}, data)
}

// parseHexText reads bytes; name is what errors call them.
func parseHexText(text, name string) ([]byte, error) {
	b, err := hex.DecodeString(text)
	if err != nil || text == "" {
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, "%s must be hexadecimal string (not '%s')", name, text)
	}
	return b, nil
}
