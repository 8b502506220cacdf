package rpc

import (
	"context"
	"errors"
	"fmt"

	"github.com/keelson-chain/keelson/mempool"
	"github.com/keelson-chain/keelson/mempool/policy"
	"github.com/keelson-chain/keelson/rpc/jsonrpc"
	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/wire"
)

// defaultMaxFeeRate is the fee rate above which a transaction is taken for a
// mistake, unless its sender says otherwise.
const defaultMaxFeeRate = policy.FeeRate(wire.Coin / 10)

func maxFeeRateParam() param {
	return param{names: "maxfeerate", typ: tAmount, def: "0.10", anyType: true, typeText: "numeric or string",
		help: "Refuse a transaction that pays a higher fee rate, in coins per 1000 virtual bytes; 0 takes any. Must be below 1."}
}

func maxBurnParam() param {
	return param{names: "maxburnamount", typ: tAmount, def: "0.00", anyType: true, typeText: "numeric or string",
		help: "Refuse a transaction with an output that nobody can spend, such as OP_RETURN, and that is worth more coins"}
}

// sendMethods give transactions to the pool.
func sendMethods() []method {
	return []method{
		{
			name: "sendrawtransaction", category: "rawtransactions", run: sendrawtransaction, judges: true,
			help: "Give a transaction to the pool and the network. One that is in the pool already is announced again.",
			params: []param{
				need("hexstring", tHex, "The transaction"),
				maxFeeRateParam(),
				maxBurnParam(),
			},
			results:  one(rHex("", "The transaction's id")),
			examples: []string{`"signedhex"`},
		},
		{
			name: "testmempoolaccept", category: "rawtransactions", run: testmempoolaccept, judges: true,
			help: "Whether the pool would take transactions. Of several, parents stand before children, and none conflicts with another or with the pool. " +
				"When one is refused, others may remain without a verdict.",
			params: []param{
				{names: "rawtxs", typ: tArray, required: true, help: fmt.Sprintf("The transactions, 1 to %d", mempool.MaxPackageCount),
					inner: []param{{names: "rawtx", typ: tHex}}},
				maxFeeRateParam(),
			},
			results: one(rArray("", "in the order of the transactions", rObject("", "",
				rHex("txid", "the transaction's id"),
				rHex("wtxid", "the hash with witnesses"),
				maybe(rString("package-error", "what is wrong with the transactions as a whole")),
				maybe(rBool("allowed", "whether the pool would take it and it pays no more than maxfeerate; missing if that was not found out")),
				maybe(rNumber("vsize", "its virtual size (BIP 141); only if allowed, as the fees")),
				maybe(rObject("fees", "",
					rAmount("base", "what it pays, in coins"),
					rAmount("effective-feerate", "the fee rate that it was judged by, in coins per 1000 virtual bytes, with prioritisation and the transactions judged together with it"),
					rArray("effective-includes", "the transactions that this is the fee rate of", rHex("", "a hash with witnesses")))),
				maybe(rString("reject-reason", "why it is refused; only if it is not allowed"))))),
			examples: []string{`'["signedhex"]'`},
		},
	}
}

// feeRate reads a fee rate in coins per 1000 virtual bytes.
func (c *call) feeRate(i int, def policy.FeeRate) policy.FeeRate {
	if !c.has(i) {
		return def
	}
	rate := c.amount(i)
	if c.err == nil && rate >= wire.Coin {
		c.fail(jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, "Fee rates larger than or equal to 1BTC/kvB are not accepted"))
	}
	return policy.FeeRate(rate)
}

func sendrawtransaction(c *call) (any, error) {
	maxBurn := wire.Amount(0)
	if c.has(2) {
		maxBurn = c.amount(2)
	}
	text := c.text(0)
	if c.err != nil {
		return nil, c.err
	}
	tx, err := decodeToSend(text, maxBurn)
	if err != nil {
		return nil, err
	}
	rate := c.feeRate(1, defaultMaxFeeRate)
	if c.err != nil {
		return nil, c.err
	}
	if err := c.send(c.ctx, tx, rate); err != nil {
		return nil, err
	}
	return tx.TxID(), nil
}

// Broadcast gives a transaction in hexadecimal to the pool and the network as
// sendrawtransaction does when it is told nothing else, and returns its id. What
// it refuses is a *jsonrpc.Error with that method's code and text.
func (n *Node) Broadcast(ctx context.Context, text string) (wire.Hash, error) {
	tx, err := decodeToSend(text, 0)
	if err == nil {
		err = n.send(ctx, tx, defaultMaxFeeRate)
	}
	if err != nil {
		return wire.Hash{}, err
	}
	return tx.TxID(), nil
}

// decodeToSend reads a transaction of which no output that nobody can spend may
// be worth more than maxBurn.
func decodeToSend(text string, maxBurn wire.Amount) (*wire.Tx, error) {
	tx, err := decodeTxForms(text, true, false)
	if err != nil {
		return nil, jsonrpc.Errorf(jsonrpc.CodeDeserialization, "TX decode failed. Make sure the tx has at least one input.")
	}
	return tx, checkBurns(tx, maxBurn)
}

// checkBurns refuses a transaction with an output that nobody can spend and that
// is worth more than maxBurn.
func checkBurns(tx *wire.Tx, maxBurn wire.Amount) error {
	for i := range tx.Outputs {
		if out := &tx.Outputs[i]; out.Value > maxBurn && burns(out.PkScript) {
			return jsonrpc.Errorf(jsonrpc.CodeVerify, "Unspendable output exceeds maximum configured by user (maxburnamount)")
		}
	}
	return nil
}

// send gives a transaction that pays no more than a fee rate (0: any) to the pool
// and the network.
func (n *Node) send(ctx context.Context, tx *wire.Tx, rate policy.FeeRate) error {
	if txid := tx.TxID(); n.Pool.Has(txid) { // perhaps with another witness
		n.Pool.MarkUnbroadcast(txid)
		return nil
	}
	err := n.Pool.Add(ctx, tx, mempool.AddOptions{MaxFee: rate.Fee(virtualSize(tx)), Local: true})
	if err == nil {
		return nil
	}
	// One that is in the chain has no inputs left, so that only what was refused
	// is looked for there. Bitcoin Core looks first.
	switch found, err := n.hasOutput(tx); {
	case err != nil:
		return err
	case found:
		return jsonrpc.Errorf(jsonrpc.CodeAlreadyInChain, "Transaction outputs already in utxo set")
	}
	switch reason := mempool.RejectText(err); {
	case errors.Is(err, mempool.ErrMaxFee):
		return jsonrpc.Errorf(jsonrpc.CodeVerify, "Fee exceeds maximum configured by user (e.g. -maxtxfee, maxfeerate)")
	case mempool.IsMissingInputs(err):
		return jsonrpc.Errorf(jsonrpc.CodeVerify, "%s", reason)
	case reason != "":
		return jsonrpc.Errorf(jsonrpc.CodeRejected, "%s", reason)
	}
	return err
}

// hasOutput reports whether an output of tx is unspent in the chain.
func (n *Node) hasOutput(tx *wire.Tx) (bool, error) {
	txid := tx.TxID()
	for i := range tx.Outputs {
		_, found, err := n.Ledger.Coin(wire.OutPoint{TxID: txid, Index: uint32(i)})
		if found || err != nil {
			return found, err
		}
	}
	return false, nil
}

// burns reports whether what is paid to a script is lost for certain.
func burns(pkScript []byte) bool { return script.IsUnspendable(pkScript) || !validOps(pkScript) }

// virtualSize is a transaction's size by its weight alone (BIP 141), rounded up.
func virtualSize(tx *wire.Tx) int {
	return (tx.Weight() + wire.WitnessScaleFactor - 1) / wire.WitnessScaleFactor
}

func testmempoolaccept(c *call) (any, error) {
	list, ok := c.of(0, jsonrpc.Array)
	if !ok {
		return nil, c.err
	}
	if n := list.Len(); n < 1 || n > mempool.MaxPackageCount {
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, "Array must contain between 1 and %d transactions.", mempool.MaxPackageCount)
	}
	rate := c.feeRate(1, defaultMaxFeeRate)
	if c.err != nil {
		return nil, c.err
	}
	txs, err := decodeList(list)
	if err != nil {
		return nil, err
	}
	verdicts, packageError, err := c.Pool.Test(c.ctx, txs)
	if err != nil {
		return nil, err
	}
	results := make([]jsonrpc.Object, len(txs))
	overpaid := false // then the rest depends on what would not be sent
	for i, tx := range txs {
		o := &results[i]
		o.Add("txid", tx.TxID())
		o.Add("wtxid", tx.WTxID())
		if packageError != "" {
			o.Add("package-error", packageError)
		}
		if i >= len(verdicts) || !verdicts[i].Judged || overpaid {
			continue
		}
		v := &verdicts[i]
		if v.Err != nil {
			reason := mempool.RejectReason(v.Err)
			if reason == "" {
				return nil, v.Err
			}
			if mempool.IsMissingInputs(v.Err) {
				reason = "missing-inputs"
			}
			o.Add("allowed", false)
			o.Add("reject-reason", reason)
			continue
		}
		if limit := rate.Fee(v.VSize); limit > 0 && v.Fee > limit {
			overpaid = true
			o.Add("allowed", false)
			o.Add("reject-reason", "max-fee-exceeded")
			continue
		}
		o.Add("allowed", true)
		o.Add("vsize", v.VSize)
		o.Add("fees", feesObject(v.Fee, v.FeeRate, v.Includes))
	}
	return results, nil
}
