package rpc

import (
	"errors"

	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/rpc/jsonrpc"
)

func filterMethods() []method {
	return []method{
		{
			name: "getblockfilter", category: "blockchain", run: getblockfilter,
			help: "The compact filter of a block (BIP 158) and its filter header (BIP 157). It needs blockfilterindex.",
			params: []param{
				need("blockhash", tHex, "The block"),
				may("filtertype", tString, `"basic"`, "The type of the filter"),
			},
			results: one(rObject("", "",
				rHex("filter", "the filter"),
				rHex("header", "its header"))),
			examples: []string{exampleHash + ` "basic"`},
		},
		{
			name: "getindexinfo", category: "util", run: getindexinfo,
			help:   "The indexes that the node keeps, or the one that is asked for.",
			params: []param{{names: "index_name", typ: tString, help: "An index: 'txindex', 'coinstatsindex' or 'basic block filter index'"}},
			results: one(rMap("", "", rObject("name", "of the index",
				rBool("synced", "whether it is in step with the tip: it always is"),
				rNumber("best_block_height", "the block up to which it is built")))),
			examples: []string{"", "txindex"},
		},
	}
}

// filterType checks a filter type and that the node has such filters.
func (c *call) filterType(name string) error {
	switch {
	case name != "basic":
		return errFilterType
	case !c.Ledger.Indexes().Filters:
		return jsonrpc.Errorf(jsonrpc.CodeMisc, "Index is not enabled for filtertype %s", name)
	}
	return nil
}

var errFilterType = jsonrpc.Errorf(jsonrpc.CodeInvalidAddress, "Unknown filtertype")

func getblockfilter(c *call) (any, error) {
	hash := c.hash(0, "blockhash")
	kind := "basic"
	if c.has(1) {
		kind = c.text(1)
	}
	if c.err != nil {
		return nil, c.err
	}
	if err := c.filterType(kind); err != nil {
		return nil, err
	}
	e, ok := c.Ledger.Entry(hash)
	if !ok {
		return nil, errBlockNotFound
	}
	f, err := c.Ledger.BlockFilter(hash)
	switch {
	case errors.Is(err, ledger.ErrUnknownBlock): // it was forgotten in this moment
		return nil, errBlockNotFound
	case errors.Is(err, ledger.ErrNotIndexed) && !e.Status.Has(ledger.ValidScripts):
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidAddress, "Filter not found. Block was not connected to active chain.")
	case errors.Is(err, ledger.ErrNotIndexed):
		// It left the active chain before the index was built, or was connected in this moment.
		return nil, jsonrpc.Errorf(jsonrpc.CodeMisc, "Filter not found. Block was not on the active chain when the index was built.")
	case err != nil:
		return nil, jsonrpc.Errorf(jsonrpc.CodeInternal, "%v", err)
	}
	var o jsonrpc.Object
	o.Add("filter", jsonrpc.Hex(f.Filter))
	o.Add("header", f.Header)
	return o, nil
}

func getindexinfo(c *call) (any, error) {
	asked := ""
	if c.has(0) {
		asked = c.text(0)
	}
	if c.err != nil {
		return nil, c.err
	}
	kept := c.Ledger.Indexes()
	height := c.Ledger.Tip().Tip.Height
	all := jsonrpc.Object{}
	for _, x := range []struct {
		name string
		kept bool
	}{
		{"txindex", kept.Txs},
		{"coinstatsindex", kept.CoinStats},
		{"basic block filter index", kept.Filters},
	} {
		if x.kept && (asked == "" || asked == x.name) {
			var o jsonrpc.Object
			o.Add("synced", true)
			o.Add("best_block_height", height)
			all.Add(x.name, o)
		}
	}
	return all, nil
}
