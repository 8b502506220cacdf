package rpc

import (
	"bufio"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/consensus/coinfile"
	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/rpc/jsonrpc"
	"github.com/keelson-chain/keelson/wire"
)

func dumpMethods() []method {
	return []method{{
		name: "dumptxoutset", category: "blockchain", run: dumptxoutset,
		help: "Write all unspent outputs to a file, in the form that Bitcoin Core's loadtxoutset reads. For those of an earlier block, the blocks since then are read; the chain stays where it is.",
		params: []param{
			need("path", tString, "The file, which must not exist; a relative name lies in the network's folder"),
			may("type", tString, `""`, "'latest' for the outputs at the tip; 'rollback' for those of the block in options or, without one, of the last block of the chain that the network vouches for (assumeutxo in its chain-spec); not needed if options have a block"),
			{names: "options", typ: tObject, oneLine: "options", help: "", inner: []param{
				{names: "rollback", typ: tNumber, anyType: true, typeText: "string or numeric", help: "The block, by its hash or by its height"}}},
		},
		results: one(rObject("", "",
			rNumber("coins_written", "how many outputs there are"),
			rHex("base_hash", "the block after which they are unspent"),
			rNumber("base_height", "its height"),
			rString("path", "the file's whole path"),
			rHex("txoutset_hash", "the hash hash_serialized_3 of the outputs"),
			rNumber("nchaintx", "transactions in the chain up to the block"))),
		examples: []string{"utxo.dat", `utxo.dat rollback '{"rollback": 853456}'`},
	}}
}

// coinSet is the coins after some block.
type coinSet interface {
	Tip() wire.BlockRef
	Coins(ctx context.Context, yield func(op wire.OutPoint, c *consensus.Coin) error) error
}

func dumptxoutset(c *call) (any, error) {
	path, kind := c.text(0), ""
	if c.has(1) {
		kind = c.text(1)
	}
	var back *jsonrpc.Value
	if c.has(2) {
		if v, ok := c.of(2, jsonrpc.Obj); ok {
			if r := v.Get("rollback"); !r.IsNull() {
				back = r
			}
		}
	}
	if c.err != nil {
		return nil, c.err
	}
	switch {
	case back != nil && kind != "" && kind != "rollback":
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, `Invalid snapshot type "%s" specified with rollback option`, kind)
	case back == nil && kind != "latest" && kind != "rollback":
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, `Invalid snapshot type "%s" specified. Please specify "rollback" or "latest"`, kind)
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(c.s.cfg.PoolFile), path)
	}
	if _, err := os.Lstat(path); err == nil {
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, "%s already exists. If you are sure this is what you want, move it out of the way first", path)
	}

	s, err := c.Ledger.Snapshot()
	if err != nil {
		return nil, err
	}
	defer s.Close()
	set := coinSet(s)
	var at ledger.Entry
	switch {
	case back != nil:
		named := &call{Node: c.Node, s: c.s, params: jsonrpc.NewArray(*back)}
		at, err = named.hashOrHeight(0)
	case kind == "rollback":
		at, err = c.lastAssumed(s)
	}
	if err == nil && kind != "latest" {
		set, err = c.past(s, at)
	}
	if err != nil {
		return nil, err
	}
	base, ok := c.Ledger.Entry(set.Tip().Hash)
	if !ok {
		return nil, errBlockNotFound // an earlier state was restored meanwhile
	}
	count, hash, err := c.writeCoins(set, path)
	if err != nil {
		return nil, err
	}
	var o jsonrpc.Object
	o.Add("coins_written", count)
	o.Add("base_hash", base.Ref.Hash)
	o.Add("base_height", base.Ref.Height)
	o.Add("path", path)
	o.Add("txoutset_hash", hash)
	o.Add("nchaintx", base.ChainTxCount)
	return o, nil
}

// lastAssumed returns the last block of the snapshot's chain whose coins the network
// vouches for.
func (c *call) lastAssumed(s *ledger.Snapshot) (e ledger.Entry, err error) {
	list := c.s.cfg.Params.AssumeUTXO
	if len(list) == 0 {
		return e, jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, "Which block to roll back to must be said in the options: this network has no snapshots of its own")
	}
	for i := range slices.Backward(list) {
		if e, ok := c.Ledger.Ancestor(s.Tip().Hash, list[i].Block.Height); ok && e.Ref == list[i].Block {
			return e, nil
		}
	}
	return e, jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, "Which block to roll back to must be said in the options: the chain has none yet of those that this network vouches for")
}

// past returns the coins after a block of the snapshot's chain.
func (c *call) past(s *ledger.Snapshot, e ledger.Entry) (coinSet, error) {
	on, ok := c.Ledger.Ancestor(s.Tip().Hash, e.Ref.Height)
	if !ok || on.Ref != e.Ref {
		return nil, errors.New("Could not roll back to requested height.")
	}
	p, err := s.Past(c.ctx, e.Ref.Height)
	switch {
	case errors.Is(err, ledger.ErrPruned), errors.Is(err, ledger.ErrNoBody):
		return nil, errors.New("Could not roll back to requested height since necessary block data is already pruned.")
	case err != nil:
		return nil, err
	}
	return p, nil
}

// writeCoins writes a file of coins. It has another name until it is whole.
func (c *call) writeCoins(set coinSet, path string) (count uint64, hash wire.Hash, err error) {
	part := path + ".incomplete"
	f, err := os.OpenFile(part, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		c.s.log.Warn().Err(err).Msg("dumptxoutset could not write")
		return 0, hash, jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, "Couldn't open file %s for writing.", part)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close(), os.Remove(part))
		}
	}()
	head := coinfile.Header{Magic: c.s.cfg.Params.Magic, Base: set.Tip().Hash}
	buffer := bufio.NewWriterSize(f, 1<<20)
	if _, err = buffer.Write(head.Append(nil)); err != nil {
		return 0, hash, err
	}
	w, sum := coinfile.NewWriter(buffer), ledger.NewCoinHash()
	err = set.Coins(c.ctx, func(op wire.OutPoint, coin *consensus.Coin) error {
		sum.Add(op, coin)
		return w.Add(op, coin)
	})
	for _, step := range []func() error{w.Flush, buffer.Flush} {
		if err == nil {
			err = step()
		}
	}
	if err == nil {
		// Now their number is known.
		head.Coins = w.Count()
		_, err = f.WriteAt(head.Append(nil), 0)
	}
	if err == nil {
		err = f.Sync()
	}
	if err != nil {
		return 0, hash, err
	}
	if err = f.Close(); err != nil {
		return 0, hash, err
	}
	if err = os.Rename(part, path); errors.Is(err, fs.ErrNotExist) {
		err = errors.New("somebody has removed the file while it was being written")
	}
	return head.Coins, sum.Sum(), err
}
