package rpc

import (
	"fmt"

	"github.com/keelson-chain/keelson/mempool"
	"github.com/keelson-chain/keelson/mempool/policy"
	"github.com/keelson-chain/keelson/rpc/jsonrpc"
	"github.com/keelson-chain/keelson/wire"
)

// packageMethods give transactions to the pool that belong together.
func packageMethods() []method {
	return []method{
		{
			name: "submitpackage", category: "rawtransactions", run: submitpackage, judges: true,
			help: "Give a child and its unconfirmed parents to the pool and the network. The child may pay for parents that pay too little by themselves, " +
				"down to nothing, and the two may take the place of what pays less. Parents do not spend from each other. Those that pay for themselves are taken even if the rest is refused.",
			params: []param{
				{names: "package", typ: tArray, required: true, help: fmt.Sprintf("The transactions, 2 to %d, the child last", mempool.MaxPackageCount),
					inner: []param{{names: "rawtx", typ: tHex}}},
				maxFeeRateParam(),
				maxBurnParam(),
			},
			results: one(rObject("", "",
				rString("package_msg", `"success" if all are in the pool now, otherwise why not`),
				rMap("tx-results", "by hash with witnesses; empty if the transactions were not looked at one by one", rObject("wtxid", "",
					rHex("txid", "the transaction's id"),
					maybe(rHex("other-wtxid", "the hash with witnesses of the transaction of the same id that is in the pool; this one was not looked at then")),
					maybe(rNumber("vsize", "its virtual size (BIP 141)")),
					maybe(rObject("fees", "",
						rAmount("base", "what it pays, in coins"),
						maybe(rAmount("effective-feerate", "the fee rate that it was judged by, in coins per 1000 virtual bytes, with prioritisation and the transactions judged together with it; not for one that was in the pool before")),
						maybe(rArray("effective-includes", "the transactions that this is the fee rate of", rHex("", "a hash with witnesses"))))),
					maybe(rString("error", "why it is refused")))),
				rArray("replaced-transactions", "what had to leave the pool for them", rHex("", "a transaction's id")))),
			examples: []string{`'["rawparent","rawchild"]'`},
		},
	}
}

func submitpackage(c *call) (any, error) {
	list, ok := c.of(0, jsonrpc.Array)
	if !ok {
		return nil, c.err
	}
	if n := list.Len(); n < 2 || n > mempool.MaxPackageCount {
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, "Array must contain between 2 and %d transactions.", mempool.MaxPackageCount)
	}
	rate := c.feeRate(1, defaultMaxFeeRate)
	maxBurn := wire.Amount(0)
	if c.has(2) {
		maxBurn = c.amount(2)
	}
	if c.err != nil {
		return nil, c.err
	}
	txs, err := decodeList(list)
	if err != nil {
		return nil, err
	}
	for _, tx := range txs {
		if err := checkBurns(tx, maxBurn); err != nil {
			return nil, err
		}
	}
	if !mempool.IsChildWithParentsTree(txs) {
		return nil, jsonrpc.Errorf(jsonrpc.CodeVerify, "package topology disallowed. not child-with-parents or parents depend on each other.")
	}
	r, err := c.Pool.AddPackage(c.ctx, txs, mempool.PackageOptions{MaxRate: rate, Local: true})
	if err != nil {
		return nil, err
	}
	message := "success"
	if r.Err != nil {
		message = mempool.RejectText(r.Err)
	}
	results := jsonrpc.Object{}
	for i, tx := range txs {
		if r.Txs[i].Judged { // as with Bitcoin Core 28, there is nothing about the others
			results.Add(tx.WTxID().String(), packageTxObject(tx, &r.Txs[i]))
		}
	}
	replaced := r.Replaced
	if replaced == nil {
		replaced = []wire.Hash{}
	}
	var o jsonrpc.Object
	o.Add("package_msg", message)
	o.Add("tx-results", results)
	o.Add("replaced-transactions", replaced)
	return o, nil
}

// packageTxObject says what came of a transaction.
func packageTxObject(tx *wire.Tx, r *mempool.PackageTx) jsonrpc.Object {
	var o jsonrpc.Object
	o.Add("txid", tx.TxID())
	switch {
	case r.Err != nil:
		o.Add("error", mempool.RejectText(r.Err))
	case r.OtherWitness != wire.Hash{}:
		o.Add("other-wtxid", r.OtherWitness)
	default:
		o.Add("vsize", r.VSize)
		o.Add("fees", feesObject(r.Fee, r.FeeRate, r.Includes))
	}
	return o
}

// feesObject says what a transaction pays, and the rate at which includes pay
// together, if there are any.
func feesObject(base wire.Amount, rate policy.FeeRate, includes []wire.Hash) jsonrpc.Object {
	var o jsonrpc.Object
	o.Add("base", base)
	if len(includes) > 0 {
		o.Add("effective-feerate", wire.Amount(rate))
		o.Add("effective-includes", includes)
	}
	return o
}

// decodeList reads an array of transactions in hexadecimal.
func decodeList(list *jsonrpc.Value) ([]*wire.Tx, error) {
	txs := make([]*wire.Tx, list.Len())
	for i := range txs {
		v := list.At(i)
		if v.Kind != jsonrpc.String {
			return nil, mismatch(v, jsonrpc.String)
		}
		tx, err := decodeTxForms(v.Text, true, false)
		if err != nil {
			return nil, jsonrpc.Errorf(jsonrpc.CodeDeserialization, "TX decode failed: %s Make sure the tx has at least one input.", v.Text)
		}
		txs[i] = tx
	}
	return txs, nil
}
