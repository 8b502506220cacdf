package rpc

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/keelson-chain/keelson/rpc/jsonrpc"
	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/script/address"
	"github.com/keelson-chain/keelson/script/sig"
	"github.com/keelson-chain/keelson/script/sign"
	"github.com/keelson-chain/keelson/wire"
)

func signMethods() []method {
	return []method{
		{
			name: "createrawtransaction", category: "rawtransactions", run: createrawtransaction,
			help: "Create a transaction that spends the given inputs and makes the given outputs.\n" +
				"Outputs are addresses or data. The inputs are not signed, and the transaction is neither stored nor sent.",
			params:   newTxParams(),
			results:  one(rHex("", "the transaction")),
			examples: []string{`"[{\"txid\":\"myid\",\"vout\":0}]" "[{\"address\":0.01}]"`, `"[{\"txid\":\"myid\",\"vout\":0}]" "[{\"data\":\"00010203\"}]"`},
		},
		{
			name: "signrawtransactionwithkey", category: "rawtransactions", run: signrawtransactionwithkey,
			help: "Sign the inputs of a transaction with the given private keys.\n" +
				"The outputs that it spends may be of the chain, of the pool, or given here with their scripts.",
			params: []param{
				need("hexstring", tString, "The transaction"),
				{names: "privkeys", typ: tArray, required: true, help: "The private keys, in the wallet import format",
					inner: []param{{names: "privatekey", typ: tHex, help: "A private key"}}},
				{names: "prevtxs", typ: tArray, help: "Outputs that the transaction spends", inner: []param{
					{names: "", typ: tObject, inner: []param{
						need("txid", tHex, "The transaction"),
						need("vout", tNumber, "The output's index"),
						need("scriptPubKey", tHex, "The output's script"),
						{names: "redeemScript", typ: tHex, help: "The script behind a script hash"},
						{names: "witnessScript", typ: tHex, help: "The script behind a witness script hash, or behind one behind a script hash"},
						{names: "amount", typ: tAmount, help: "The output's amount in coins; needed for all outputs but legacy ones"},
					}},
				}},
				{names: "sighashtype", typ: tString, def: "DEFAULT for Taproot, ALL otherwise", hint: true, help: "What the signatures commit to, one of\n" +
					"       \"DEFAULT\"\n       \"ALL\"\n       \"NONE\"\n       \"SINGLE\"\n" +
					"       \"ALL|ANYONECANPAY\"\n       \"NONE|ANYONECANPAY\"\n       \"SINGLE|ANYONECANPAY\""},
			},
			results: one(rObject("", "",
				rHex("hex", "the transaction with signatures"),
				rBool("complete", "whether all inputs are signed"),
				maybe(rArray("errors", "what is wrong with inputs, if something is", rObject("", "",
					rHex("txid", "the transaction whose output is spent"),
					rNumber("vout", "the output's index"),
					rArray("witness", "", rHex("", "an element of the witness")),
					rHex("scriptSig", "the input script"),
					rNumber("sequence", "the sequence number"),
					rString("error", "what is wrong")))))),
			examples: []string{`"myhex" "[\"key1\",\"key2\"]"`},
		},
		{
			name: "combinerawtransaction", category: "rawtransactions", run: combinerawtransaction,
			help: "Put the signatures of several copies of a transaction, each signed in part, into one.\n" +
				"The outputs that it spends must be of the chain or of the pool.",
			params: []param{
				{names: "txs", typ: tArray, required: true, help: "The transactions", inner: []param{{names: "hexstring", typ: tHex, help: "A transaction"}}},
			},
			results:  one(rHex("", "the transaction with all signatures")),
			examples: []string{`'["myhex1", "myhex2", "myhex3"]'`},
		},
	}
}

func signrawtransactionwithkey(c *call) (any, error) {
	tx, err := decodeTxForms(c.text(0), true, false)
	if err != nil {
		return nil, jsonrpc.Errorf(jsonrpc.CodeDeserialization, "TX decode failed. Make sure the tx has at least one input.")
	}
	keys := new(sign.Keys)
	for _, text := range c.texts(1) {
		key, compressed, err := parsePrivateKey(&c.s.cfg.Params.Address, text)
		if err != nil {
			return nil, err
		}
		keys.Add(key, compressed)
	}
	if c.err != nil {
		return nil, c.err
	}
	coins, err := c.unspentBy(tx)
	if err != nil {
		return nil, err
	}
	given := c.params.At(2)
	for i := range given.Len() {
		if err := addPrevTx(given.At(i), coins, keys); err != nil {
			return nil, err
		}
	}
	hashType := sign.Default
	if c.has(3) {
		var ok bool
		if hashType, ok = sign.ParseHashType(c.text(3)); !ok {
			return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, "'%s' is not a valid sighash parameter.", c.text(3))
		}
	}
	return signed(tx, coins, keys, hashType)
}

// parsePrivateKey reads a private key in the wallet import format.
func parsePrivateKey(p *address.Prefixes, text string) (key *sig.PrivateKey, compressed bool, err error) {
	secret, compressed, err := address.DecodeWIF(p, text)
	if err == nil {
		if key, ok := sig.NewPrivateKey(&secret); ok {
			return key, compressed, nil
		}
	}
	return nil, false, jsonrpc.Errorf(jsonrpc.CodeInvalidAddress, "Invalid private key")
}

// addPrevTx adds an output that was given to coins, in the place of the one of
// the chain, and its scripts to keys.
func addPrevTx(v *jsonrpc.Value, coins map[wire.OutPoint]*wire.TxOut, keys *sign.Keys) error {
	if v.Kind != jsonrpc.Obj {
		return jsonrpc.Errorf(jsonrpc.CodeDeserialization, `expected object with {"txid'","vout","scriptPubKey"}`)
	}
	if err := checkMembers(v, false, member{"scriptPubKey", jsonrpc.String}, member{"txid", jsonrpc.String}, member{"vout", jsonrpc.Number}); err != nil {
		return err
	}
	var op wire.OutPoint
	var err error
	if op.TxID, err = hashMember(v, "txid"); err != nil {
		return err
	}
	index, err := parseInt(v.Get("vout"), 32)
	if err != nil {
		return err
	}
	if index < 0 {
		return jsonrpc.Errorf(jsonrpc.CodeDeserialization, "vout cannot be negative")
	}
	op.Index = uint32(index)
	pkScript, err := parseHexText(v.Get("scriptPubKey").Text, "scriptPubKey")
	if err != nil {
		return err
	}
	if old := coins[op]; old != nil && !bytes.Equal(old.PkScript, pkScript) {
		return jsonrpc.Errorf(jsonrpc.CodeDeserialization, "Previous output scriptPubKey mismatch:\n%s\nvs:\n%s",
			script.Disassemble(old.PkScript), script.Disassemble(pkScript))
	}
	out := &wire.TxOut{Value: wire.MaxMoney, PkScript: pkScript} // for an amount that is not known
	if amount, ok := v.Lookup("amount"); ok {
		if out.Value, err = ParseAmount(amount); err != nil {
			return err
		}
	}
	coins[op] = out
	return addScripts(v, pkScript, keys)
}

// addScripts adds the scripts behind pkScript, which must be given where
// pkScript is a hash of one. As in Bitcoin Core each of the two names will do for
// either script.
func addScripts(v *jsonrpc.Value, pkScript []byte, keys *sign.Keys) error {
	class, _ := script.Classify(pkScript)
	if class != script.ScriptHash && class != script.WitnessV0ScriptHash {
		return nil
	}
	if err := checkMembers(v, true, member{"redeemScript", jsonrpc.String}, member{"witnessScript", jsonrpc.String}); err != nil {
		return err
	}
	redeem, witness := v.Get("redeemScript"), v.Get("witnessScript")
	var code []byte
	var err error
	switch {
	case !witness.IsNull():
		code, err = parseHexText(witness.Text, "witnessScript")
	case !redeem.IsNull():
		code, err = parseHexText(redeem.Text, "redeemScript")
	default:
		err = jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, "Missing redeemScript/witnessScript")
	}
	if err != nil {
		return err
	}
	program := payToWitnessScriptHash(code)
	keys.AddScript(code)
	keys.AddScript(program) // for a witness script hash behind a script hash

	if !witness.IsNull() && !redeem.IsNull() && witness.Text != redeem.Text {
		other, err := parseHexText(redeem.Text, "redeemScript")
		if err != nil {
			return err
		}
		if !bytes.Equal(other, program) {
			return jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, "redeemScript does not correspond to witnessScript")
		}
	}
	matches := bytes.Equal(pkScript, program)
	if class == script.ScriptHash {
		matches = bytes.Equal(pkScript, payToScriptHash(code)) || bytes.Equal(pkScript, payToScriptHash(program))
	}
	if !matches {
		return jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, "redeemScript/witnessScript does not match scriptPubKey")
	}
	return nil
}

// member is a name and the type that is wanted of it.
type member struct {
	name string
	want jsonrpc.Kind
}

// checkMembers checks the types of an object's members, which are given in
// alphabetical order.
func checkMembers(v *jsonrpc.Value, optional bool, members ...member) error {
	for _, m := range members {
		got := v.Get(m.name)
		switch {
		case got.IsNull() && optional:
		case got.IsNull():
			return jsonrpc.Errorf(jsonrpc.CodeType, "Missing %s", m.name)
		case got.Kind != m.want:
			return jsonrpc.Errorf(jsonrpc.CodeType, "JSON value of type %s for field %s is not of expected type %s", got.Kind, m.name, m.want)
		}
	}
	return nil
}

// signed signs a transaction as far as keys go and says how far that was.
func signed(tx *wire.Tx, coins map[wire.OutPoint]*wire.TxOut, keys *sign.Keys, hashType sign.HashType) (any, error) {
	s := sign.NewTx(tx, inputCoins(tx, coins))
	faults := s.Sign(keys, hashType)
	tx = s.Tx()
	var list []jsonrpc.Object
	for i, err := range faults {
		switch {
		case err == nil:
			continue
		case errors.Is(err, sign.ErrNoAmount):
			return nil, jsonrpc.Errorf(jsonrpc.CodeType, "Missing amount for %s", outText(coins[tx.Inputs[i].PrevOut]))
		}
		list = append(list, inputFault(&tx.Inputs[i], err))
	}
	var o jsonrpc.Object
	o.Add("hex", jsonrpc.Hex(tx.Append(nil)))
	o.Add("complete", list == nil)
	if list != nil {
		o.Add("errors", list)
	}
	return o, nil
}

// inputCoins puts the outputs that a transaction spends in the order of its inputs.
func inputCoins(tx *wire.Tx, coins map[wire.OutPoint]*wire.TxOut) []*wire.TxOut {
	spent := make([]*wire.TxOut, len(tx.Inputs))
	for i := range spent {
		spent[i] = coins[tx.Inputs[i].PrevOut]
	}
	return spent
}

// outText is an output in the words of Bitcoin Core's CTxOut::ToString.
func outText(out *wire.TxOut) string {
	text := hex.EncodeToString(out.PkScript)
	return fmt.Sprintf("CTxOut(nValue=%v, scriptPubKey=%s)", out.Value, text[:min(len(text), 30)])
}

// inputFault says what is wrong with an input.
func inputFault(in *wire.TxIn, err error) jsonrpc.Object {
	text := err.Error()
	switch {
	case errors.Is(err, script.ErrInvalidStackOperation):
		text = "Unable to sign input, invalid stack size (possibly missing key)"
	case errors.Is(err, script.ErrNullFail):
		text = "CHECK(MULTI)SIG failing with non-zero signature (possibly need more signatures)"
	}
	witness := make([]any, len(in.Witness))
	for i, element := range in.Witness {
		witness[i] = jsonrpc.Hex(element)
	}
	var o jsonrpc.Object
	o.Add("txid", in.PrevOut.TxID)
	o.Add("vout", in.PrevOut.Index)
	o.Add("witness", witness)
	o.Add("scriptSig", jsonrpc.Hex(in.SigScript))
	o.Add("sequence", in.Sequence)
	o.Add("error", text)
	return o
}

func combinerawtransaction(c *call) (any, error) {
	texts := c.params.At(0)
	var txs []*wire.Tx
	for i := range texts.Len() {
		v := texts.At(i)
		if v.Kind != jsonrpc.String {
			return nil, mismatch(v, jsonrpc.String)
		}
		tx, err := decodeTxForms(v.Text, true, false)
		if err != nil {
			return nil, jsonrpc.Errorf(jsonrpc.CodeDeserialization, "TX decode failed for tx %d. Make sure the tx has at least one input.", i)
		}
		txs = append(txs, tx)
	}
	if len(txs) == 0 {
		return nil, jsonrpc.Errorf(jsonrpc.CodeDeserialization, "Missing transactions")
	}
	coins, err := c.unspentBy(txs[0])
	if err != nil {
		return nil, err
	}
	spent := inputCoins(txs[0], coins)
	for _, out := range spent {
		if out == nil {
			return nil, jsonrpc.Errorf(jsonrpc.CodeVerify, "%v", sign.ErrNoCoin)
		}
	}
	var copies []*sign.Tx
	for _, tx := range txs {
		// A copy may have more inputs, or fewer; the first one's count.
		own := make([]*wire.TxOut, len(tx.Inputs))
		copy(own, spent)
		copies = append(copies, sign.NewTx(tx, own))
	}
	for i := range spent {
		var d sign.Data
		for j, s := range copies {
			if i < len(txs[j].Inputs) {
				d.Merge(s.Existing(i))
			}
		}
		copies[0].Produce(i, nil, sign.Default, &d)
		copies[0].Set(i, &d)
	}
	return jsonrpc.Hex(copies[0].Tx().Append(nil)), nil
}

// payToScriptHash is the output script of a script behind its Hash160.
func payToScriptHash(code []byte) []byte {
	hash := script.Hash160(code)
	return new(script.Builder).Op(script.OpHash160).Data(hash[:]).Op(script.OpEqual).Script()
}

// payToWitnessScriptHash is the output script of a script behind its SHA-256.
func payToWitnessScriptHash(code []byte) []byte {
	hash := sha256.Sum256(code)
	return new(script.Builder).Op(script.Op0).Data(hash[:]).Script()
}
