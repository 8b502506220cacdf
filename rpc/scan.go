package rpc

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/rpc/jsonrpc"
	"github.com/keelson-chain/keelson/script/descriptor"
	"github.com/keelson-chain/keelson/wire"
	"github.com/keelson-chain/keelson/wire/filter"
)

// maxNeedles bounds the scripts that one scan looks for, with those of a whole
// range of indices of a few descriptors in mind.
const maxNeedles = 4 * maxIndices

func scanMethods() []method {
	action := need("action", tString, "'start' begins a scan and waits for its end, 'abort' ends one that is running, 'status' tells how far it is")
	objects := param{names: "scanobjects", typ: tArray, help: "What to look for, for 'start'", oneLine: "[scanobjects,...]", inner: []param{
		{names: "descriptor", typ: tString, help: "An output descriptor"},
		{names: "", typ: tObject, help: "An output descriptor with a range", inner: []param{
			need("desc", tString, "An output descriptor"),
			{names: "range", typ: tNumber, anyType: true, def: "1000", typeText: "numeric or array", help: "Of a ranged descriptor: the last index, or [first,last]"}}},
	}}
	aborted := when("for action = 'abort'", rBool("", "whether there was a scan to end; it may end a little later"))
	idle := when("for action = 'status', if there is no scan", rNull())
	return []method{
		{
			name: "scantxoutset", category: "blockchain", run: scantxoutset,
			help:   "Find the unspent outputs that descriptors pay to, by reading all of them.",
			params: []param{action, objects},
			results: []result{
				when("for action = 'start'", rObject("", "",
					rBool("success", "whether the scan came to its end"),
					rNumber("txouts", "unspent outputs that were looked at"),
					rNumber("height", "of the tip at which they are unspent"),
					rHex("bestblock", "that tip"),
					rArray("unspents", "", rObject("", "",
						rHex("txid", "the transaction"),
						rNumber("vout", "the index of the output"),
						rHex("scriptPubKey", "its script"),
						rString("desc", "a descriptor of that script"),
						rAmount("amount", "its value"),
						rBool("coinbase", "whether it is a coinbase's"),
						rNumber("height", "of its block"),
						rHex("blockhash", "its block"),
						rNumber("confirmations", "blocks from that one to the tip, both included"))),
					rAmount("total_amount", "the sum of what was found"))),
				aborted,
				when("for action = 'status'", rObject("", "", rNumber("progress", "about how many per cent are done"))),
				idle,
			},
			examples: []string{`start '["raw(76a91411b366edfc0a8b66feebae5c2e25a7b6a5d1cf3188ac)#fm24fxxy"]'`, "status", "abort"},
		},
		{
			name: "scanblocks", category: "blockchain", run: scanblocks,
			help: "Find the blocks that have to do with descriptors, by their filters. It needs blockfilterindex.",
			params: []param{action, objects,
				may("start_height", tNumber, "0", "The first block to look at"),
				{names: "stop_height", typ: tNumber, def: "chain tip", hint: true, help: "The last one"},
				may("filtertype", tString, `"basic"`, "The type of the filters"),
				{names: "options", typ: tObject, oneLine: "options", help: "", inner: []param{
					may("filter_false_positives", tBool, "false", "Read the blocks found, and leave those out that only seem to match: one of some 800,000; not of pruned blocks")}},
			},
			results: []result{
				idle,
				when("for action = 'start'", rObject("", "",
					rNumber("from_height", "the first block that was looked at"),
					rNumber("to_height", "the last one"),
					rArray("relevant_blocks", "", rHex("", "a block that matches")),
					rBool("completed", "whether the scan came to its end"))),
				when("for action = 'status'", rObject("", "",
					rNumber("progress", "about how many per cent are done"),
					rNumber("current_height", "the block that is looked at"))),
				aborted,
			},
			examples: []string{`start '["addr(bcrt1q4u4nsgk6ug0sqz7r3rj9tykjxrsl0yy4d0wwte)"]' 300000`, "status"},
		},
	}
}

// scan is a scan of which there is at most one of its kind at a time.
type scan struct {
	progress, height atomic.Int64 // in per cent; of the block that is looked at

	mu    sync.Mutex
	abort context.CancelCauseFunc // nil: there is none
}

var errAborted = errors.New("the scan was aborted")

// run carries f out as the only scan. Its context ends when it is aborted.
func (s *scan) run(ctx context.Context, f func(context.Context) (any, error)) (any, error) {
	ctx, abort := context.WithCancelCause(ctx)
	defer abort(nil)
	s.mu.Lock()
	if s.abort != nil {
		s.mu.Unlock()
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, `Scan already in progress, use action "abort" or "status"`)
	}
	s.abort = abort
	s.progress.Store(0)
	s.height.Store(0)
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.abort = nil
		s.mu.Unlock()
	}()
	return f(ctx)
}

// stop ends the scan, if there is one.
func (s *scan) stop() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.abort == nil {
		return false
	}
	s.abort(errAborted)
	return true
}

// running reports whether there is a scan.
func (s *scan) running() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.abort != nil
}

// scanAction carries out the action that argument 0 names.
func (c *call) scanAction(s *scan, status func() jsonrpc.Object, start func(context.Context) (any, error)) (any, error) {
	action := c.text(0)
	if c.err != nil {
		return nil, c.err
	}
	switch action {
	case "status":
		if !s.running() {
			return nil, nil
		}
		return status(), nil
	case "abort":
		return s.stop(), nil
	case "start":
		return s.run(c.ctx, start)
	}
	return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, "Invalid action '%s'", action)
}

// needles are what a scan looks for: scripts, and where each comes from.
type needles map[string]needle

// needle is a script of a descriptor.
type needle struct {
	d     *descriptor.Descriptor
	index uint32
}

// describe returns the descriptor of a script that a scan looks for.
func (n needles) describe(pkScript []byte) (string, error) {
	from := n[string(pkScript)]
	list, err := from.d.Outputs(from.index)
	if err != nil {
		return "", err
	}
	i := slices.IndexFunc(list, func(o descriptor.Output) bool { return bytes.Equal(o.Script, pkScript) })
	return list[i].Descriptor, nil
}

// needles reads the descriptors in argument i.
func (c *call) needles(ctx context.Context, i int) (needles, error) {
	all := needles{}
	err := c.eachNeedle(ctx, i, func(pkScript []byte, from needle) {
		if _, ok := all[string(pkScript)]; !ok {
			all[string(pkScript)] = from
		}
	})
	return all, err
}

func (c *call) eachNeedle(ctx context.Context, i int, add func(pkScript []byte, from needle)) error {
	list, ok := c.of(i, jsonrpc.Array)
	if !ok {
		return c.err
	}
	total := int64(0)
	for j := range list.Len() {
		d, text, first, last, err := c.scanObject(list.At(j))
		if err != nil {
			return err
		}
		if total += last - first + 1; total > maxNeedles {
			return jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, "More than %d scripts to look for", maxNeedles)
		}
		for k := first; k <= last; k++ {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			scripts, err := d.Scripts(uint32(k))
			if err != nil {
				return jsonrpc.Errorf(jsonrpc.CodeInvalidAddress, "Cannot derive script without private keys: '%s'", text)
			}
			for _, s := range scripts {
				add(s, needle{d, uint32(k)})
			}
		}
	}
	return nil
}

// scanObject reads a descriptor, its text, and the indices that it stands for.
func (c *call) scanObject(v *jsonrpc.Value) (d *descriptor.Descriptor, text string, first, last int64, err error) {
	last = 1000
	switch v.Kind {
	case jsonrpc.String:
		text = v.Text
	case jsonrpc.Obj:
		desc := v.Get("desc")
		if desc.IsNull() {
			return nil, "", 0, 0, jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, "Descriptor needs to be provided in scan object")
		}
		if desc.Kind != jsonrpc.String {
			return nil, "", 0, 0, mismatch(desc, jsonrpc.String)
		}
		text = desc.Text
		if r := v.Get("range"); !r.IsNull() {
			if first, last = c.indicesOf(r); c.err != nil {
				return nil, "", 0, 0, c.err
			}
		}
	default:
		return nil, "", 0, 0, jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, "Scan object needs to be either a string or an object")
	}
	if d, err = descriptor.Parse(&c.s.cfg.Params.Address, text, false); err != nil {
		return nil, "", 0, 0, jsonrpc.Errorf(jsonrpc.CodeInvalidAddress, "%v", err)
	}
	if !d.IsRange() {
		first, last = 0, 0
	}
	return d, text, first, last, nil
}

// found is an unspent output that a scan has found.
type found struct {
	op   wire.OutPoint
	coin consensus.Coin
}

func scantxoutset(c *call) (any, error) {
	s := &c.s.coinScan
	status := func() (o jsonrpc.Object) {
		o.Add("progress", s.progress.Load())
		return o
	}
	return c.scanAction(s, status, func(ctx context.Context) (any, error) {
		if !c.has(1) {
			return nil, jsonrpc.Errorf(jsonrpc.CodeMisc, "scanobjects argument is required for the start action")
		}
		wanted, err := c.needles(ctx, 1)
		if err != nil {
			return nil, err
		}
		coins, err := c.Ledger.Snapshot()
		if err != nil {
			return nil, err
		}
		defer coins.Close()
		tip := coins.Tip()
		count := 0
		var list []found
		err = coins.Coins(ctx, func(op wire.OutPoint, coin *consensus.Coin) error {
			if count++; count%256 == 0 {
				high := int64(op.TxID[0])<<8 | int64(op.TxID[1])
				s.progress.Store((high*100 + 1<<15) >> 16)
			}
			if _, ok := wanted[string(coin.Out.PkScript)]; ok {
				f := found{op, *coin}
				f.coin.Out.PkScript = bytes.Clone(coin.Out.PkScript)
				list = append(list, f)
			}
			return nil
		})
		success := err == nil
		if err != nil && !errors.Is(context.Cause(ctx), errAborted) {
			return nil, err
		}
		var o jsonrpc.Object
		o.Add("success", success)
		o.Add("txouts", count)
		o.Add("height", tip.Height)
		o.Add("bestblock", tip.Hash)
		unspents := make([]jsonrpc.Object, len(list))
		total := wire.Amount(0)
		for i := range list {
			f := &list[i]
			e, ok := c.Ledger.Ancestor(tip.Hash, f.coin.Height)
			if !ok {
				return nil, ledger.ErrUnknownBlock // an earlier state was restored meanwhile
			}
			desc, err := wanted.describe(f.coin.Out.PkScript)
			if err != nil {
				return nil, err
			}
			total += f.coin.Out.Value
			u := &unspents[i]
			u.Add("txid", f.op.TxID)
			u.Add("vout", f.op.Index)
			u.Add("scriptPubKey", jsonrpc.Hex(f.coin.Out.PkScript))
			u.Add("desc", desc)
			u.Add("amount", f.coin.Out.Value)
			u.Add("coinbase", f.coin.Coinbase)
			u.Add("height", f.coin.Height)
			u.Add("blockhash", e.Ref.Hash)
			u.Add("confirmations", tip.Height-f.coin.Height+1)
		}
		o.Add("unspents", unspents)
		o.Add("total_amount", total)
		return o, nil
	})
}

func scanblocks(c *call) (any, error) {
	s := &c.s.filterScan
	status := func() (o jsonrpc.Object) {
		o.Add("progress", s.progress.Load())
		o.Add("current_height", s.height.Load())
		return o
	}
	return c.scanAction(s, status, func(ctx context.Context) (any, error) {
		kind, first, last := "basic", int64(0), int64(c.Ledger.Tip().Tip.Height)
		tip := last
		if c.has(4) {
			kind = c.text(4)
		}
		exact := false
		if c.has(5) {
			if v, ok := c.of(5, jsonrpc.Obj); ok {
				only, given := v.Lookup("filter_false_positives")
				if given && only.Kind != jsonrpc.Bool {
					c.fail(mismatch(only, jsonrpc.Bool))
				}
				exact = given && only.Text == "true"
			}
		}
		first = c.intOr(2, 32, first)
		last = c.intOr(3, 32, last)
		if c.err != nil {
			return nil, c.err
		}
		if err := c.filterType(kind); err != nil {
			return nil, err
		}
		if first < 0 || first > tip {
			return nil, jsonrpc.Errorf(jsonrpc.CodeMisc, "Invalid start_height")
		}
		if last < first || last > tip {
			return nil, jsonrpc.Errorf(jsonrpc.CodeMisc, "Invalid stop_height")
		}
		wanted, err := c.needles(ctx, 1)
		if err != nil {
			return nil, err
		}
		matches, to, err := c.matchingBlocks(ctx, s, wanted, first, last, exact)
		completed := err == nil
		if err != nil && !errors.Is(context.Cause(ctx), errAborted) {
			return nil, err
		}
		var o jsonrpc.Object
		o.Add("from_height", first)
		o.Add("to_height", to)
		o.Add("relevant_blocks", matches)
		o.Add("completed", completed)
		return o, nil
	})
}

// matchingBlocks returns the blocks of the active chain, from first to last, whose
// filters match, and the last block that was looked at.
func (c *call) matchingBlocks(ctx context.Context, s *scan, wanted needles, first, last int64, exact bool) (matches []wire.Hash, to int64, err error) {
	snapshot, err := c.Ledger.Snapshot()
	if err != nil {
		return nil, first, err
	}
	defer snapshot.Close()
	elements := make([][]byte, 0, len(wanted))
	for n := range wanted {
		elements = append(elements, []byte(n))
	}
	tip := snapshot.Tip()
	last = min(last, int64(tip.Height)) // the chain may have become shorter
	matches, to = []wire.Hash{}, first
	for h := first; h <= last; h++ {
		s.height.Store(h)
		if last > first {
			s.progress.Store((h - first) * 100 / (last - first))
		}
		if ctx.Err() != nil {
			return matches, to, context.Cause(ctx)
		}
		e, ok := c.Ledger.Ancestor(tip.Hash, uint32(h))
		if !ok {
			return matches, to, ledger.ErrUnknownBlock // an earlier state was restored meanwhile
		}
		hash := e.Ref.Hash
		f, err := snapshot.BlockFilter(hash)
		if err != nil {
			return matches, to, err
		}
		if f.Filter.MatchAny(filter.NewKey(hash), elements) {
			match := true
			if exact {
				if match, err = c.concerns(hash, wanted); err != nil {
					return matches, to, err
				}
			}
			if match {
				matches = append(matches, hash)
			}
		}
		to = h
	}
	return matches, to, nil
}

// concerns reports whether a block creates or spends an output with one of the
// scripts.
func (c *call) concerns(hash wire.Hash, scripts needles) (bool, error) {
	b, err := c.Ledger.Block(hash)
	if err != nil {
		return false, bodyError(err, "Block")
	}
	spent, err := c.Ledger.Spent(hash)
	if err != nil {
		return false, bodyError(err, "Undo data")
	}
	is := func(pkScript []byte) bool {
		_, ok := scripts[string(pkScript)]
		return ok
	}
	for _, tx := range b.Txs {
		if slices.ContainsFunc(tx.Outputs, func(o wire.TxOut) bool { return is(o.PkScript) }) {
			return true, nil
		}
	}
	return slices.ContainsFunc(spent, func(coin consensus.Coin) bool { return is(coin.Out.PkScript) }), nil
}
