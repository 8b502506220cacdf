package rpc

import (
	"crypto/rand"
	"encoding/binary"
	"errors"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/mempool/policy"
	"github.com/keelson-chain/keelson/rpc/jsonrpc"
	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/script/psbt"
	"github.com/keelson-chain/keelson/wire"
)

func psbtMethods() []method {
	packet := need("psbt", tString, "The PSBT in base 64")
	packets := param{names: "txs", typ: tArray, required: true, help: "The PSBTs in base 64", inner: []param{{names: "psbt", typ: tString, help: "A PSBT"}}}
	descriptors := param{names: "descriptors", typ: tArray, help: "What is known of keys and scripts", inner: []param{
		{names: "", typ: tString, help: "An output descriptor"},
		{names: "", typ: tObject, help: "An output descriptor with a range", inner: []param{
			need("desc", tString, "An output descriptor"),
			{names: "range", typ: tNumber, anyType: true, def: "1000", typeText: "numeric or array", help: "Of a ranged descriptor: the last index, or [first,last]"}}},
	}}
	needed := descriptors
	needed.required = true
	return []method{
		{
			name: "createpsbt", category: "rawtransactions", run: createpsbt,
			help: "Create a PSBT, a transaction that several people may sign (BIP 174), that spends the given inputs and makes the given outputs.\n" +
				"Nothing is known of the inputs yet, nothing is signed, stored or sent.",
			params:   newTxParams(),
			results:  one(rString("", "the PSBT in base 64")),
			examples: []string{`"[{\"txid\":\"myid\",\"vout\":0}]" "[{\"address\":0.01}]"`},
		},
		{
			name: "converttopsbt", category: "rawtransactions", run: converttopsbt,
			help: "Make a PSBT of a transaction.",
			params: []param{
				need("hexstring", tHex, "The transaction"),
				may("permitsigdata", tBool, "false", "Whether signatures in the transaction are dropped; otherwise there may be none"),
				{names: "iswitness", typ: tBool, def: "depends on heuristic tests", hint: true,
					help: "Whether it is in the form with witnesses. Without an answer both are tried."},
			},
			results:  one(rString("", "the PSBT in base 64")),
			examples: []string{`"rawtransaction"`},
		},
		{
			name: "decodepsbt", category: "rawtransactions", run: decodepsbt,
			help:     "What a PSBT says.",
			params:   []param{packet},
			results:  one(rObject("", "", packetResults()...)),
			examples: []string{`"psbt"`},
		},
		{
			name: "analyzepsbt", category: "rawtransactions", run: analyzepsbt,
			help:   "How far a PSBT has come, and who has to do what next.",
			params: []param{packet},
			results: one(rObject("", "",
				maybe(rArray("inputs", "", rObject("", "",
					rBool("has_utxo", "whether the output that it spends is known"),
					rBool("is_final", "whether what spends it is complete"),
					rString("next", "who has to do something next: updater, signer, finalizer, extractor"),
					maybe(rObject("missing", "what is missing to complete it",
						maybe(rArray("pubkeys", "", rHex("", "the hash of a public key"))),
						maybe(rHex("redeemscript", "the hash of the redeem script")),
						maybe(rHex("witnessscript", "the hash of the witness script")),
						maybe(rArray("signatures", "", rHex("", "the hash of the public key whose signature is missing")))))))),
				maybe(rNumber("estimated_vsize", "the virtual size that the transaction will have, about")),
				maybe(rAmount("estimated_feerate", "the fee rate that it will have, about, in coins per 1,000 vbytes; if all outputs that it spends are known")),
				maybe(rAmount("fee", "what it pays, if all outputs that it spends are known")),
				rString("next", "who has to do something next"),
				maybe(rString("error", "why the PSBT is not valid, if it is not")))),
			examples: []string{`"psbt"`},
		},
		{
			name: "combinepsbt", category: "rawtransactions", run: combinepsbt,
			help:     "Put what several PSBTs of one transaction know into one.",
			params:   []param{packets},
			results:  one(rString("", "the PSBT in base 64")),
			examples: []string{`'["mybase64_1", "mybase64_2", "mybase64_3"]'`},
		},
		{
			name: "joinpsbts", category: "rawtransactions", run: joinpsbts,
			help: "Make one PSBT with the inputs and outputs of several, in random order. Each input may be in one of them alone.\n" +
				"Signatures are dropped.",
			params:   []param{packets},
			results:  one(rString("", "the PSBT in base 64")),
			examples: []string{`'["mybase64_1", "mybase64_2"]'`},
		},
		{
			name: "utxoupdatepsbt", category: "rawtransactions", run: utxoupdatepsbt,
			help: "Add to a PSBT what is known of the outputs that it spends, from the chain, the pool and descriptors.\n" +
				"Transactions of the chain are found if the node keeps an index of them (txindex); without, segwit outputs alone.",
			params:   []param{packet, descriptors},
			results:  one(rString("", "the PSBT in base 64")),
			examples: []string{`"psbt"`},
		},
		{
			name: "descriptorprocesspsbt", category: "rawtransactions", run: descriptorprocesspsbt,
			help: "Add to a PSBT what utxoupdatepsbt does, and sign the inputs of which descriptors have the private keys.",
			params: []param{
				packet,
				needed,
				{names: "sighashtype", typ: tString, def: "DEFAULT for Taproot, ALL otherwise", hint: true, help: "What the signatures commit to, one of\n" +
					"       \"DEFAULT\"\n       \"ALL\"\n       \"NONE\"\n       \"SINGLE\"\n" +
					"       \"ALL|ANYONECANPAY\"\n       \"NONE|ANYONECANPAY\"\n       \"SINGLE|ANYONECANPAY\""},
				may("bip32derivs", tBool, "true", "Whether to add where keys derive from"),
				may("finalize", tBool, "true", "Whether to finalize inputs that are complete"),
			},
			results: one(rObject("", "",
				rString("psbt", "the PSBT in base 64"),
				rBool("complete", "whether all inputs are final"),
				maybe(rHex("hex", "the transaction, if it is complete")))),
			examples: []string{`"psbt" "[\"descriptor1\", \"descriptor2\"]"`, `"psbt" "[{\"desc\":\"mydescriptor\", \"range\":21}]"`},
		},
		{
			name: "finalizepsbt", category: "rawtransactions", run: finalizepsbt,
			help: "Make the inputs of a PSBT final that have all their signatures, and the transaction if that is so of all.",
			params: []param{
				packet,
				may("extract", tBool, "true", "Whether to return the transaction if it is complete, and not the PSBT"),
			},
			results: one(rObject("", "",
				maybe(rString("psbt", "the PSBT in base 64, if the transaction is not returned")),
				maybe(rHex("hex", "the transaction")),
				rBool("complete", "whether all inputs are final"))),
			examples: []string{`"psbt"`},
		},
	}
}

// parsePSBT reads a PSBT in base 64.
func parsePSBT(text string) (*psbt.Packet, error) {
	p, err := psbt.Parse(text)
	var format psbt.FormatError
	switch {
	case errors.As(err, &format):
		// Bitcoin Core's words end with those of a C++ library.
		return nil, jsonrpc.Errorf(jsonrpc.CodeDeserialization, "TX decode failed %v: iostream error", err)
	case err != nil:
		return nil, jsonrpc.Errorf(jsonrpc.CodeDeserialization, "TX decode failed %v", err)
	}
	return p, nil
}

// psbt reads the PSBT in argument i.
func (c *call) psbt(i int) *psbt.Packet {
	text := c.text(i)
	if c.err != nil {
		return nil
	}
	p, err := parsePSBT(text)
	if err != nil {
		c.fail(err)
	}
	return p
}

// psbts reads the PSBTs in an array of values.
func psbts(list *jsonrpc.Value) ([]*psbt.Packet, error) {
	var packets []*psbt.Packet
	for i := range list.Len() {
		v := list.At(i)
		if v.Kind != jsonrpc.String {
			return nil, mismatch(v, jsonrpc.String)
		}
		p, err := parsePSBT(v.Text)
		if err != nil {
			return nil, err
		}
		packets = append(packets, p)
	}
	return packets, nil
}

func createpsbt(c *call) (any, error) {
	tx, err := c.newTx()
	if err != nil {
		return nil, err
	}
	return psbt.New(tx).String(), nil
}

func converttopsbt(c *call) (any, error) {
	text := c.text(0)
	permit := c.boolOr(1, false)
	tx, err := c.tx(text, 2)
	if err != nil {
		return nil, err
	}
	for i := range tx.Inputs {
		if !permit && (len(tx.Inputs[i].SigScript) > 0 || len(tx.Inputs[i].Witness) > 0) {
			return nil, jsonrpc.Errorf(jsonrpc.CodeDeserialization, "Inputs must not have scriptSigs and scriptWitnesses")
		}
	}
	return psbt.New(tx).String(), nil
}

func combinepsbt(c *call) (any, error) {
	list := c.params.At(0)
	if list.Len() == 0 {
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, "Parameter 'txs' cannot be empty")
	}
	packets, err := psbts(list)
	if err != nil {
		return nil, err
	}
	for _, p := range packets[1:] {
		if !packets[0].Merge(p) {
			return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, "PSBTs not compatible (different transactions)")
		}
	}
	return packets[0].String(), nil
}

func joinpsbts(c *call) (any, error) {
	list := c.params.At(0)
	if list.Len() <= 1 {
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, "At least two PSBTs are required to join PSBTs.")
	}
	packets, err := psbts(list)
	if err != nil {
		return nil, err
	}
	joined, twice := psbt.Join(packets, shuffle)
	if twice != nil {
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, "Input %v exists in multiple PSBTs", *twice)
	}
	return joined.String(), nil
}

// shuffle brings n elements into a random order, which nobody can guess.
func shuffle(n int, swap func(i, j int)) {
	for i := n - 1; i > 0; i-- {
		var b [8]byte
		_, _ = rand.Read(b[:]) // which never fails
		// What the remainder prefers is nothing at such numbers.
		swap(i, int(binary.LittleEndian.Uint64(b[:])%uint64(i+1)))
	}
}

func finalizepsbt(c *call) (any, error) {
	p := c.psbt(0)
	extract := c.boolOr(1, true)
	if c.err != nil {
		return nil, c.err
	}
	tx, complete := p.Extract()
	var o jsonrpc.Object
	if complete && extract {
		o.Add("hex", jsonrpc.Hex(tx.Append(nil)))
	} else {
		o.Add("psbt", p.String())
	}
	o.Add("complete", complete)
	return o, nil
}

func analyzepsbt(c *call) (any, error) {
	p := c.psbt(0)
	if c.err != nil {
		return nil, c.err
	}
	a := p.Analyze()
	var inputs []jsonrpc.Object
	for i := range a.Inputs {
		in := &a.Inputs[i]
		var o, missing jsonrpc.Object
		o.Add("has_utxo", in.HasUTXO)
		o.Add("is_final", in.IsFinal)
		o.Add("next", in.Next.String())
		addIDs(&missing, "pubkeys", in.Missing.PubKeys)
		if in.Missing.RedeemScript != nil {
			missing.Add("redeemscript", jsonrpc.Hex(in.Missing.RedeemScript))
		}
		if in.Missing.WitnessScript != nil {
			missing.Add("witnessscript", jsonrpc.Hex(in.Missing.WitnessScript))
		}
		addIDs(&missing, "signatures", in.Missing.Signatures)
		if missing != nil {
			o.Add("missing", missing)
		}
		inputs = append(inputs, o)
	}
	var o jsonrpc.Object
	if inputs != nil {
		o.Add("inputs", inputs)
	}
	if a.Estimate != nil {
		size := c.estimatedVSize(a)
		o.Add("estimated_vsize", size)
		o.Add("estimated_feerate", *a.Fee*1000/wire.Amount(size))
	}
	if a.Fee != nil {
		o.Add("fee", *a.Fee)
	}
	o.Add("next", a.Next.String())
	if a.Fault != "" {
		o.Add("error", a.Fault)
	}
	return o, nil
}

func addIDs(o *jsonrpc.Object, name string, ids [][20]byte) {
	if len(ids) == 0 {
		return
	}
	list := make([]any, len(ids))
	for i := range ids {
		list[i] = jsonrpc.Hex(ids[i][:])
	}
	o.Add(name, list)
}

// estimatedVSize is the size in which the pool reckons fee rates.
func (c *call) estimatedVSize(a *psbt.Analysis) int {
	coins := make([]consensus.Coin, len(a.Spent))
	for i, out := range a.Spent {
		coins[i].Out = *out
	}
	cost := consensus.SigOpsCost(a.Estimate, coins, script.StandardFlags)
	return policy.VSize(a.Estimate.Weight(), cost, c.Pool.Rules().BytesPerSigOp)
}
