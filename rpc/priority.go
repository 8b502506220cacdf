package rpc

import (
	"strconv"

	"github.com/keelson-chain/keelson/rpc/jsonrpc"
	"github.com/keelson-chain/keelson/wire"
)

// priorityMethods change how transactions of the pool are ranked.
func priorityMethods() []method {
	return []method{
		{
			name: "prioritisetransaction", category: "mining", run: prioritisetransaction,
			help: "Treat a transaction as if it paid more, or less, than it does: when the pool chooses what to keep and what goes into a block. " +
				"Nobody pays the difference. It adds to what earlier calls said, and holds for a transaction that comes later, too.",
			params: []param{
				need("txid", tHex, "The transaction"),
				{names: "dummy", typ: tNumber, help: "For compatibility with old versions: must be 0 or null"},
				need("fee_delta", tNumber, "What to add to the fee, in satoshi; may be negative"),
			},
			results:  one(rBool("", "true")),
			examples: []string{`"txid" 0.0 10000`},
		},
		{
			name: "getprioritisedtransactions", category: "mining", run: getprioritisedtransactions,
			help: "What prioritisetransaction has been told, and which of the transactions are in the pool.",
			results: one(rMap("", "by transaction id", rObject("transactionid", "",
				rNumber("fee_delta", "what was added, in satoshi"),
				rBool("in_mempool", "whether the transaction is in the pool"),
				maybe(rNumber("modified_fee", "its fee with that, in satoshi; only if it is in the pool"))))),
			examples: []string{""},
		},
	}
}

func prioritisetransaction(c *call) (any, error) {
	txid := c.hash(0, "txid")
	dummy := 0.0
	if c.has(1) {
		dummy = c.float(1)
	}
	delta := c.int(2, 64)
	if c.err != nil {
		return nil, c.err
	}
	if dummy != 0 {
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, "Priority is no longer supported, dummy argument to prioritisetransaction must be 0.")
	}
	if err := c.Pool.Prioritise(txid, wire.Amount(delta)); err != nil {
		return nil, err
	}
	return true, nil
}

// float reads any number.
func (c *call) float(i int) float64 {
	v, ok := c.of(i, jsonrpc.Number)
	if !ok {
		return 0
	}
	f, err := strconv.ParseFloat(v.Text, 64)
	if err != nil {
		c.fail(jsonrpc.Errorf(jsonrpc.CodeMisc, "JSON double out of range"))
	}
	return f
}

func getprioritisedtransactions(c *call) (any, error) {
	o := jsonrpc.Object{}
	for _, d := range c.Pool.Deltas() {
		var told jsonrpc.Object
		told.Add("fee_delta", int64(d.Delta))
		told.Add("in_mempool", d.InPool)
		if d.InPool {
			told.Add("modified_fee", int64(d.ModifiedFee))
		}
		o.Add(d.TxID.String(), told)
	}
	return o, nil
}
