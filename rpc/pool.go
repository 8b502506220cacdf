package rpc

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/keelson-chain/keelson/mempool"
	"github.com/keelson-chain/keelson/rpc/jsonrpc"
	"github.com/keelson-chain/keelson/wire"
)

// entryResults are the members of a transaction of the pool.
func entryResults() []result {
	return []result{
		rNumber("vsize", "its virtual size (BIP 141), more if it has many signature operations"),
		rNumber("weight", "its weight (BIP 141)"),
		rTime("time", "when it came in"),
		rNumber("height", "the tip's height then"),
		rNumber("descendantcount", "transactions of the pool that depend on it, itself included"),
		rNumber("descendantsize", "their virtual size"),
		rNumber("ancestorcount", "transactions of the pool that it depends on, itself included"),
		rNumber("ancestorsize", "their virtual size"),
		rHex("wtxid", "the hash with witnesses"),
		rObject("fees", "",
			rAmount("base", "what it pays, in coins"),
			rAmount("modified", "the same with what prioritisetransaction has added"),
			rAmount("ancestor", "modified fees of it and its ancestors"),
			rAmount("descendant", "modified fees of it and its descendants")),
		rArray("depends", "transactions of the pool whose outputs it spends", rHex("transactionid", "a parent")),
		rArray("spentby", "transactions of the pool that spend its outputs", rHex("transactionid", "a child")),
		rBool("bip125-replaceable", "whether it or an ancestor in the pool says that it may be replaced (BIP 125)"),
		rBool("unbroadcast", "whether no peer has asked for it since this node was given it"),
	}
}

func poolMethods() []method {
	txid := func() param { return need("txid", tHex, "The transaction, which must be in the pool") }
	verbose := may("verbose", tBool, "false", "true for objects, false for ids alone")
	ids := func() result { return when("for verbose = false", rArray("", "", rHex("", "a transaction's id"))) }
	entries := func() result {
		return when("for verbose = true", rMap("", "", rObject("transactionid", "", entryResults()...)))
	}
	return []method{
		{
			name: "getmempoolinfo", category: "blockchain", run: getmempoolinfo,
			help: "About the pool of unconfirmed transactions.",
			results: one(rObject("", "",
				rBool("loaded", "whether what an earlier run left has been read"),
				rNumber("size", "transactions"),
				rNumber("bytes", "their virtual size (BIP 141)"),
				rNumber("usage", "memory that they take, in bytes"),
				rAmount("total_fee", "what they pay together, in coins, without prioritisation"),
				rNumber("maxmempool", "memory that they may take, in bytes"),
				rAmount("mempoolminfee", "the least fee rate that gets in now, in coins per 1000 virtual bytes"),
				rAmount("minrelaytxfee", "the least fee rate that ever gets in"),
				rAmount("incrementalrelayfee", "what a replacement must pay on top, in coins per 1000 virtual bytes"),
				rNumber("unbroadcastcount", "transactions that no peer has asked for since this node was given them"),
				rBool("fullrbf", "whether transactions can be replaced that do not say so"))),
			examples: []string{""},
		},
		{
			name: "getrawmempool", category: "blockchain", run: getrawmempool,
			help: "The transactions of the pool.",
			params: []param{
				verbose,
				may("mempool_sequence", tBool, "false", "With verbose = false: whether to return the pool's sequence number as well"),
			},
			results: []result{
				ids(),
				entries(),
				when("for verbose = false and mempool_sequence = true", rObject("", "",
					rArray("txids", "", rHex("", "a transaction's id")),
					rNumber("mempool_sequence", "a number that grows with every change of the pool"))),
			},
			examples: []string{"true"},
		},
		{
			name: "getmempoolentry", category: "blockchain", run: getmempoolentry,
			help:     "About a transaction of the pool.",
			params:   []param{txid()},
			results:  one(rObject("", "", entryResults()...)),
			examples: []string{`"mytxid"`},
		},
		{
			name: "getmempoolancestors", category: "blockchain", run: getmempoolancestors,
			help:     "The transactions of the pool that a transaction depends on, itself not included.",
			params:   []param{txid(), verbose},
			results:  []result{ids(), entries()},
			examples: []string{`"mytxid"`},
		},
		{
			name: "getmempooldescendants", category: "blockchain", run: getmempooldescendants,
			help:     "The transactions of the pool that depend on a transaction, itself not included.",
			params:   []param{txid(), verbose},
			results:  []result{ids(), entries()},
			examples: []string{`"mytxid"`},
		},
		{
			name: "gettxspendingprevout", category: "blockchain", run: gettxspendingprevout,
			help: "Which transactions of the pool spend outputs.",
			params: []param{{names: "outputs", typ: tArray, required: true, help: "The outputs", inner: []param{
				{typ: tObject, inner: []param{
					need("txid", tHex, "the output's transaction"),
					need("vout", tNumber, "its index"),
				}},
			}}},
			results: one(rArray("", "", rObject("", "",
				rHex("txid", "the output's transaction"),
				rNumber("vout", "its index"),
				maybe(rHex("spendingtxid", "the transaction that spends it, if there is one"))))),
			examples: []string{`'[{"txid":"mytxid","vout":3}]'`},
		},
		{
			name: "savemempool", category: "blockchain", run: savemempool,
			help:     "Write the pool to its file. This fails until what an earlier run left has been read.",
			results:  one(rObject("", "", rString("filename", "the file"))),
			examples: []string{""},
		},
		{
			name: "importmempool", category: "blockchain", run: importmempool,
			help: "Add the transactions of a file that savemempool, or Bitcoin Core, has written. Those that are in the pool already, or that it refuses, are left out; " +
				"a damaged file changes nothing. Of a file from somebody else import nothing but the transactions.",
			params: []param{
				need("filepath", tString, "The file; a relative name lies in the network's folder"),
				{names: "options", typ: tObject, oneLine: "options", help: "", inner: []param{
					may("use_current_time", tBool, "true", "Whether all come now, or at the times of the file, so that some may have expired"),
					may("apply_fee_delta_priority", tBool, "false", "Add what the file says of fees (prioritisetransaction) to what was said here, also for transactions in the pool"),
					may("apply_unbroadcast_set", tBool, "false", "Have those that no peer had when the file was written count as such here")}},
			},
			results:  one(rObject("", "")),
			examples: []string{"/path/to/mempool.dat", `/path/to/mempool.dat '{"use_current_time": false, "apply_fee_delta_priority": true}'`},
		},
		{
			name: "checkmempool", category: "hidden", run: checkmempool,
			help:     "Verify that the pool is consistent, which is this node's own method. It reads the whole pool; the error says what is wrong.",
			results:  one(rNull()),
			examples: []string{""},
		},
	}
}

func getmempoolinfo(c *call) (any, error) {
	stats, rules := c.Pool.Stats(), c.Pool.Rules()
	var o jsonrpc.Object
	o.Add("loaded", stats.Loaded)
	o.Add("size", stats.Count)
	o.Add("bytes", stats.Bytes)
	o.Add("usage", stats.Usage)
	o.Add("total_fee", stats.Fees)
	o.Add("maxmempool", stats.MaxUsage)
	o.Add("mempoolminfee", wire.Amount(stats.MinFee))
	o.Add("minrelaytxfee", wire.Amount(rules.MinRelay))
	o.Add("incrementalrelayfee", wire.Amount(rules.IncrementalRelay))
	o.Add("unbroadcastcount", stats.Unbroadcast)
	o.Add("fullrbf", c.Pool.FullRBF())
	return o, nil
}

func getrawmempool(c *call) (any, error) {
	verbose, withSequence := c.boolOr(0, false), c.boolOr(1, false)
	if c.err != nil {
		return nil, c.err
	}
	if verbose {
		if withSequence {
			return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, "Verbose results cannot contain mempool sequence values.")
		}
		return entryMap(c.Pool.Infos()), nil
	}
	ids, sequence := c.Pool.TxIDs()
	if !withSequence {
		return ids, nil
	}
	var o jsonrpc.Object
	o.Add("txids", ids)
	o.Add("mempool_sequence", sequence)
	return o, nil
}

var errNotInPool = jsonrpc.Errorf(jsonrpc.CodeInvalidAddress, "Transaction not in mempool")

func getmempoolentry(c *call) (any, error) {
	txid := c.hash(0, "parameter 1")
	if c.err != nil {
		return nil, c.err
	}
	info, ok := c.Pool.Info(txid)
	if !ok {
		return nil, errNotInPool
	}
	return entryObject(&info), nil
}

func getmempoolancestors(c *call) (any, error) { return c.related(c.Pool.Ancestors) }

func getmempooldescendants(c *call) (any, error) { return c.related(c.Pool.Descendants) }

// related lists the relatives of the transaction in argument 0.
func (c *call) related(relatives func(wire.Hash) ([]mempool.Info, bool)) (any, error) {
	verbose, txid := c.boolOr(1, false), c.hash(0, "parameter 1")
	if c.err != nil {
		return nil, c.err
	}
	list, ok := relatives(txid)
	if !ok {
		return nil, errNotInPool
	}
	if verbose {
		return entryMap(list), nil
	}
	ids := make([]wire.Hash, len(list))
	for i := range list {
		ids[i] = list[i].TxID
	}
	return ids, nil
}

// entryMap describes transactions of the pool by their ids.
func entryMap(list []mempool.Info) jsonrpc.Object {
	o := make(jsonrpc.Object, 0, len(list))
	for i := range list {
		o.Add(list[i].TxID.String(), entryObject(&list[i]))
	}
	return o
}

// entryObject describes a transaction of the pool.
func entryObject(info *mempool.Info) jsonrpc.Object {
	var fees jsonrpc.Object
	fees.Add("base", info.Fee)
	fees.Add("modified", info.ModifiedFee)
	fees.Add("ancestor", info.AncestorFees)
	fees.Add("descendant", info.DescendantFees)

	o := make(jsonrpc.Object, 0, 14)
	o.Add("vsize", info.VSize)
	o.Add("weight", info.Weight)
	o.Add("time", info.Time)
	o.Add("height", info.Height)
	o.Add("descendantcount", info.DescendantCount)
	o.Add("descendantsize", info.DescendantSize)
	o.Add("ancestorcount", info.AncestorCount)
	o.Add("ancestorsize", info.AncestorSize)
	o.Add("wtxid", info.WTxID)
	o.Add("fees", fees)
	// Core has children in the order of their ids' bytes, as they come, parents in
	// that of their text.
	o.Add("depends", slices.SortedFunc(slices.Values(info.Depends), func(a, b wire.Hash) int { return strings.Compare(a.String(), b.String()) }))
	o.Add("spentby", info.SpentBy)
	o.Add("bip125-replaceable", info.Replaceable)
	o.Add("unbroadcast", info.Unbroadcast)
	return o
}

func gettxspendingprevout(c *call) (any, error) {
	list, ok := c.of(0, jsonrpc.Array)
	if !ok {
		return nil, c.err
	}
	if list.Len() == 0 {
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, "Invalid parameter, outputs are missing")
	}
	outputs := make([]wire.OutPoint, list.Len())
	for i := range outputs {
		op, err := parseOutPoint(list.At(i))
		if err != nil {
			return nil, err
		}
		outputs[i] = op
	}
	spenders := c.Pool.Spenders(outputs)
	spent := make([]jsonrpc.Object, len(outputs))
	for i, op := range outputs {
		spent[i] = append(make(jsonrpc.Object, 0, 3), jsonrpc.Member{Key: "txid", Value: op.TxID}, jsonrpc.Member{Key: "vout", Value: op.Index})
		if txid := spenders[i]; txid != (wire.Hash{}) {
			spent[i].Add("spendingtxid", txid)
		}
	}
	return spent, nil
}

// parseOutPoint reads an object with the members txid and vout and no others.
func parseOutPoint(v *jsonrpc.Value) (op wire.OutPoint, err error) {
	if v.Kind != jsonrpc.Obj {
		return op, mismatch(v, jsonrpc.Obj)
	}
	for _, member := range []struct {
		key  string
		want jsonrpc.Kind
	}{{"txid", jsonrpc.String}, {"vout", jsonrpc.Number}} {
		switch m := v.Get(member.key); {
		case m.IsNull():
			return op, jsonrpc.Errorf(jsonrpc.CodeType, "Missing %s", member.key)
		case m.Kind != member.want:
			return op, jsonrpc.Errorf(jsonrpc.CodeType, "JSON value of type %s for field %s is not of expected type %s", m.Kind, member.key, member.want)
		}
	}
	for i := range v.Len() {
		if key := v.Key(i); key != "txid" && key != "vout" {
			return op, jsonrpc.Errorf(jsonrpc.CodeType, "Unexpected key %s", key)
		}
	}
	if op.TxID, err = parseHash(v.Get("txid").Text, "txid"); err != nil {
		return op, err
	}
	index, err := parseInt(v.Get("vout"), 32)
	switch {
	case err != nil:
		return op, err
	case index < 0:
		return op, jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, "Invalid parameter, vout cannot be negative")
	}
	op.Index = uint32(index)
	return op, nil
}

func savemempool(c *call) (any, error) {
	if !c.Pool.Stats().Loaded {
		return nil, errors.New("The mempool was not loaded yet")
	}
	save := c.Pool.Save
	if c.Pool.File() != c.s.cfg.PoolFile { // persistmempool=0
		save = func() error { return c.Pool.SaveTo(c.s.cfg.PoolFile) }
	}
	if err := save(); err != nil {
		c.s.log.Error().Err(err).Msg("savemempool could not write the pool")
		return nil, errors.New("Unable to dump mempool to disk")
	}
	var o jsonrpc.Object
	o.Add("filename", c.s.cfg.PoolFile)
	return o, nil
}

func importmempool(c *call) (any, error) {
	path := c.text(0)
	current, deltas, unbroadcast := true, false, false
	if c.has(1) {
		if v, ok := c.of(1, jsonrpc.Obj); ok {
			for _, option := range []struct {
				name string
				to   *bool
			}{{"use_current_time", &current}, {"apply_fee_delta_priority", &deltas}, {"apply_unbroadcast_set", &unbroadcast}} {
				said := v.Get(option.name)
				if !said.IsNull() && said.Kind != jsonrpc.Bool {
					c.fail(mismatch(said, jsonrpc.Bool))
				} else if !said.IsNull() {
					*option.to = said.Text == "true"
				}
			}
		}
	}
	if c.err != nil {
		return nil, c.err
	}
	if c.Ledger.InitialDownload() {
		return nil, jsonrpc.Errorf(jsonrpc.CodeInInitialDownload, "Can only import the mempool after the block download and sync is done.")
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(c.s.cfg.PoolFile), path)
	}
	added, refused, err := c.Pool.Import(c.ctx, path, mempool.ImportOptions{Times: !current, Deltas: deltas, Unbroadcast: unbroadcast})
	switch {
	case err != nil && c.ctx.Err() != nil:
		return nil, c.ctx.Err()
	case err != nil:
		// The caller is told no more than Bitcoin Core tells: files of others are none of its business.
		c.s.log.Warn().Err(err).Msg("importmempool could not read the file")
		return nil, errors.New("Unable to import mempool file, see debug.log for details.")
	}
	c.s.log.Info().Str("file", path).Int("added", added).Int("refused", refused).Msg("transactions of a file are in the pool")
	return jsonrpc.Object{}, nil
}

func checkmempool(c *call) (any, error) {
	if err := c.Pool.Check(); err != nil {
		return nil, jsonrpc.Errorf(jsonrpc.CodeInternal, "%v", fmt.Errorf("the pool is not consistent: %w", err))
	}
	return nil, nil
}
