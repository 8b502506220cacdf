package rpc

import (
	"errors"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/mempool"
	"github.com/keelson-chain/keelson/rpc/jsonrpc"
	"github.com/keelson-chain/keelson/wire"
)

func coinMethods() []method {
	return []method{
		{
			name: "gettxout", category: "blockchain", run: gettxout,
			help: "An unspent output, or null if there is none.",
			params: []param{
				need("txid", tString, "The transaction"),
				need("n", tNumber, "The output's index"),
				may("include_mempool", tBool, "true", "Whether unconfirmed transactions count: an output that one of them spends is not unspent"),
			},
			results: []result{
				when("if there is no such unspent output", rNull()),
				when("otherwise", rObject("", "",
					rHex("bestblock", "the tip"),
					rNumber("confirmations", "blocks from the one with the transaction to the tip, both included; 0 if it is in none"),
					rAmount("value", "in coins"),
					rObject("scriptPubKey", "", scriptResults()...),
					rBool("coinbase", "whether it is a coinbase's"))),
			},
			examples: []string{`"txid" 1`},
		},
		{
			name: "gettxoutsetinfo", category: "blockchain", run: gettxoutsetinfo,
			help: "Statistics of all unspent outputs. Without coinstatsindex this is at the tip alone, reads the whole set and may take a while.",
			params: []param{
				may("hash_type", tString, `"hash_serialized_3"`, "Which hash of the set to compute: 'hash_serialized_3', 'muhash' or 'none'"),
				{names: "hash_or_height", typ: tNumber, def: "the current best block", hint: true, anyType: true, typeText: "string or numeric",
					help: "The block at which to look (needs coinstatsindex)"},
				may("use_index", tBool, "true", "Use coinstatsindex, if there is one and the hash type is not 'hash_serialized_3'"),
			},
			results: one(rObject("", "",
				rNumber("height", "the block's height"),
				rHex("bestblock", "the block"),
				rNumber("txouts", "unspent outputs"),
				rNumber("bogosize", "a measure of their size that does not depend on the database"),
				maybe(rHex("hash_serialized_3", "the hash of the set, if asked for")),
				maybe(rHex("muhash", "the hash of the set, if asked for")),
				rAmount("total_amount", "their sum in coins"),
				maybe(rNumber("transactions", "transactions with unspent outputs (without coinstatsindex)")),
				maybe(rNumber("disk_size", "an estimate of their size on disk, in bytes (without coinstatsindex)")),
				maybe(rAmount("total_unspendable_amount", "what can never be spent, up to this block (with coinstatsindex)")),
				maybe(rObject("block_info", "the block's part (with coinstatsindex)",
					rAmount("prevout_spent", "the outputs that it spends"),
					rAmount("coinbase", "the outputs of its coinbase that can be spent"),
					rAmount("new_outputs_ex_coinbase", "those of its other transactions"),
					rAmount("unspendable", "what can never be spent"),
					rObject("unspendables", "why that is so",
						rAmount("genesis_block", "the genesis block's coinbase is none"),
						rAmount("bip30", "a later coinbase has the same id"),
						rAmount("scripts", "no input can satisfy the scripts"),
						rAmount("unclaimed_rewards", "the miner has not taken it")))))),
			examples: []string{"", `"muhash"`, `"none" 1000`},
		},
	}
}

func gettxout(c *call) (any, error) {
	op := wire.OutPoint{TxID: c.hash(0, "txid"), Index: c.uint32(1)}
	withPool := c.boolOr(2, true)
	if c.err != nil {
		return nil, c.err
	}
	var tip wire.BlockRef
	var coin consensus.Coin
	var found bool
	var err error
	if withPool {
		var pc mempool.Coin
		pc, found, err = c.Pool.Coin(c.ctx, op)
		tip, coin, found = pc.Tip, pc.Coin, found && !pc.Spent
	} else {
		tip, coin, found, err = c.coinAtTip(op)
	}
	if err != nil || !found {
		return nil, err
	}
	var o jsonrpc.Object
	o.Add("bestblock", tip.Hash)
	o.Add("confirmations", int64(tip.Height)-int64(coin.Height)+1) // 0 in the pool, whose coins are of the next height
	o.Add("value", coin.Out.Value)
	o.Add("scriptPubKey", c.s.scriptObject(coin.Out.PkScript))
	o.Add("coinbase", coin.Coinbase)
	return o, nil
}

// coinAtTip looks up a coin and the tip that it is unspent at. It asks again
// if the tip moved meanwhile.
func (c *call) coinAtTip(op wire.OutPoint) (tip wire.BlockRef, coin consensus.Coin, found bool, err error) {
	for {
		tip = c.Ledger.Tip().Tip
		coin, found, err = c.Ledger.Coin(op)
		if err != nil || c.Ledger.Tip().Tip == tip {
			return tip, coin, found, err
		}
		if err := c.ctx.Err(); err != nil {
			return tip, coin, false, err
		}
	}
}

func gettxoutsetinfo(c *call) (any, error) {
	hashType := "hash_serialized_3"
	if c.has(0) {
		hashType = c.text(0)
	}
	useIndex := c.boolOr(2, true)
	if c.err != nil {
		return nil, c.err
	}
	kinds := map[string]ledger.StatsKind{
		"hash_serialized_3": ledger.StatsSerial3,
		"muhash":            ledger.StatsMuHash,
		"none":              ledger.StatsNone,
	}
	kind, ok := kinds[hashType]
	if !ok {
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, "'%s' is not a valid hash_type", hashType)
	}
	hasIndex := c.Ledger.Indexes().CoinStats
	var at *ledger.Entry
	if c.has(1) {
		switch {
		case !hasIndex:
			return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, "Querying specific block heights requires coinstatsindex")
		case kind == ledger.StatsSerial3:
			return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, "hash_serialized_3 hash type cannot be queried for a specific block")
		case !useIndex:
			return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, "Cannot set use_index to false when querying for a specific block")
		}
		e, err := c.hashOrHeight(1)
		if err != nil {
			return nil, err
		}
		at = &e
	}
	if hasIndex && useIndex && kind != ledger.StatsSerial3 {
		return c.indexedStats(at, hashType)
	}
	stats, err := c.Ledger.CoinStats(c.ctx, kind)
	if err != nil {
		if c.ctx.Err() != nil {
			return nil, c.ctx.Err()
		}
		return nil, errors.Join(jsonrpc.Errorf(jsonrpc.CodeInternal, "Unable to read UTXO set"), err)
	}
	var o jsonrpc.Object
	o.Add("height", stats.Tip.Height)
	o.Add("bestblock", stats.Tip.Hash)
	o.Add("txouts", stats.TxOuts)
	o.Add("bogosize", stats.BogoSize)
	if kind != ledger.StatsNone {
		o.Add(hashType, stats.Hash)
	}
	o.Add("total_amount", stats.TotalAmount)
	o.Add("transactions", stats.Transactions)
	o.Add("disk_size", stats.DiskSize)
	return o, nil
}

// indexedStats answers gettxoutsetinfo from the index, at a block or, for nil, at
// the tip.
func (c *call) indexedStats(at *ledger.Entry, hashType string) (any, error) {
	if at == nil {
		_, e, err := c.tip()
		if err != nil {
			return nil, err
		}
		at = &e
	}
	stats, before, err := c.Ledger.IndexedStats(at.Ref.Hash)
	if err != nil {
		return nil, errors.Join(jsonrpc.Errorf(jsonrpc.CodeInternal, "Unable to read UTXO set"), err)
	}
	var o jsonrpc.Object
	o.Add("height", at.Ref.Height)
	o.Add("bestblock", at.Ref.Hash)
	o.Add("txouts", stats.TxOuts)
	o.Add("bogosize", stats.BogoSize)
	if hashType == "muhash" {
		o.Add("muhash", stats.MuHash)
	}
	o.Add("total_amount", stats.Total)
	lost, lostBefore := &stats.Unspendable, &before.Unspendable
	o.Add("total_unspendable_amount", lost.Sum())
	var why jsonrpc.Object
	why.Add("genesis_block", lost.Genesis-lostBefore.Genesis)
	why.Add("bip30", lost.BIP30-lostBefore.BIP30)
	why.Add("scripts", lost.Scripts-lostBefore.Scripts)
	why.Add("unclaimed_rewards", lost.Unclaimed-lostBefore.Unclaimed)
	var block jsonrpc.Object
	block.Add("prevout_spent", stats.Spent-before.Spent)
	block.Add("coinbase", stats.Coinbase-before.Coinbase)
	block.Add("new_outputs_ex_coinbase", stats.NewOutputs-before.NewOutputs)
	block.Add("unspendable", lost.Sum()-lostBefore.Sum())
	block.Add("unspendables", why)
	o.Add("block_info", block)
	return o, nil
}
