package rpc

import (
	"math"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/pow"
	"github.com/keelson-chain/keelson/rpc/jsonrpc"
	"github.com/keelson-chain/keelson/wire"
)

const exampleHash = `"00000000c937983704a73af28acdec37b049d214adbda81d7e2a3dd146f6ed09"`

func chainMethods() []method {
	return []method{
		{
			name: "getblockchaininfo", category: "blockchain", run: getblockchaininfo,
			help: "The state of the chain.",
			results: one(rObject("", "",
				rString("chain", "the network's name: main, test, regtest, or that of the chain-spec"),
				rNumber("blocks", "the height of the tip"),
				rNumber("headers", "the height of the best header"),
				rString("bestblockhash", "the tip"),
				rNumber("difficulty", "the tip's, as a multiple of Bitcoin's least"),
				rTime("time", "the tip's time"),
				rTime("mediantime", "the median time past of the tip"),
				rNumber("verificationprogress", "an estimate, 0 to 1"),
				rBool("initialblockdownload", "whether the chain still counts as being fetched"),
				rHex("chainwork", "the work of the chain"),
				rNumber("size_on_disk", "of the block and undo files, in bytes"),
				rBool("pruned", "whether old blocks are deleted"),
				maybe(rNumber("pruneheight", "the lowest block from which on all are stored (only when pruning)")),
				maybe(rBool("automatic_pruning", "whether that happens by itself (only when pruning)")),
				maybe(rNumber("prune_target_size", "the size to stay below, in bytes (only when it does)")),
				rWarnings)),
			examples: []string{""},
		},
		{
			name: "getbestblockhash", category: "blockchain", run: getbestblockhash,
			help:     "The hash of the tip of the active chain.",
			results:  one(rHex("", "the block hash")),
			examples: []string{""},
		},
		{
			name: "getblockcount", category: "blockchain", run: getblockcount,
			help:     "The height of the tip of the active chain. The genesis block has height 0.",
			results:  one(rNumber("", "the height")),
			examples: []string{""},
		},
		{
			name: "getblockhash", category: "blockchain", run: getblockhash,
			help:     "The hash of the active chain's block at a height.",
			params:   []param{need("height", tNumber, "The height")},
			results:  one(rHex("", "The block hash")),
			examples: []string{"1000"},
		},
		{
			name: "getdifficulty", category: "blockchain", run: getdifficulty,
			help:     "The difficulty of the tip, as a multiple of Bitcoin's least.",
			results:  one(rNumber("", "the difficulty")),
			examples: []string{""},
		},
		{
			name: "getchaintips", category: "blockchain", run: getchaintips,
			help: "The ends of all branches of the block tree, the active chain's included.",
			results: one(rArray("", "", rObject("", "",
				rNumber("height", "the height of the tip"),
				rHex("hash", "its hash"),
				rNumber("branchlen", "blocks between the active chain and the tip, 0 for the active one"),
				rString("status", "\"active\", \"valid-fork\" (valid, off the active chain), \"valid-headers\" (stored, never verified),\n"+
					"\"headers-only\" (bodies missing) or \"invalid\"")))),
			examples: []string{""},
		},
		{
			name: "getchainstates", category: "blockchain", run: getchainstates,
			help: "The chain states that are kept: one, or two after loadtxoutset, until the blocks before its coins are validated. The active one comes last.",
			results: one(rObject("", "",
				rNumber("headers", "the height of the best header"),
				rArray("chainstates", "", rObject("", "",
					rNumber("blocks", "the height of the tip"),
					rHex("bestblockhash", "the tip"),
					rNumber("difficulty", "the tip's"),
					rNumber("verificationprogress", "an estimate, 0 to 1"),
					rNumber("coins_db_cache_bytes", "the part of the cache that belongs to the database"),
					rNumber("coins_tip_cache_bytes", "the coin cache"),
					maybe(rHex("snapshot_blockhash", "the block whose coins the chain state began with")),
					rBool("validated", "whether every block has been verified"))))),
			examples: []string{""},
		},
		{
			name: "getdeploymentinfo", category: "blockchain", run: getdeploymentinfo,
			help:   "The changes of consensus and whether they are active.",
			params: []param{{names: "blockhash", typ: tHex, def: `"hash of current chain tip"`, help: "The block at which to look"}},
			results: one(rObject("", "",
				rString("hash", "the block"),
				rNumber("height", "its height"),
				rMap("deployments", "", rObject("name", "",
					rString("type", "\"buried\", if the height is fixed, or \"bip9\""),
					maybe(rNumber("height", "the first block to which the rules apply")),
					rBool("active", "whether they apply to the next block"),
					maybe(rObject("bip9", "what BIP 9 says of it (only for \"bip9\")",
						rNumber("start_time", "when signalling began; -1: the rules were always active"),
						rNumber("timeout", "when signalling was to end"),
						rNumber("min_activation_height", "before which the rules could not become active"),
						rString("status", "at the block"),
						rNumber("since", "the first block with that status"),
						rString("status_next", "at the next block"))))))),
			examples: []string{"", exampleHash},
		},
	}
}

// tip returns the tip of the active chain and what the tree knows of it.
func (c *call) tip() (consensus.State, ledger.Entry, error) {
	for {
		state := c.Ledger.Tip()
		e, ok := c.Ledger.Entry(state.Tip.Hash)
		switch {
		case ok:
			return state, e, nil
		case c.Ledger.Tip().Tip == state.Tip:
			return state, e, ledger.ErrUnknownBlock
		}
		// It was forgotten in this moment.
	}
}

// entry finds a block by the hash in argument i.
func (c *call) entry(i int, name string) (ledger.Entry, error) {
	hash := c.hash(i, name)
	if c.err != nil {
		return ledger.Entry{}, c.err
	}
	e, ok := c.Ledger.Entry(hash)
	if !ok {
		return e, errBlockNotFound
	}
	return e, nil
}

var errBlockNotFound = jsonrpc.Errorf(jsonrpc.CodeInvalidAddress, "Block not found")

func difficulty(h *wire.Header) float64 { return pow.Bits(h.Bits).Difficulty() }

func getblockchaininfo(c *call) (any, error) {
	state, tip, err := c.tip()
	if err != nil {
		return nil, err
	}
	pruning, lowest := c.Ledger.Pruning()
	best := max(c.Ledger.BestHeader().Ref.Height, tip.Ref.Height)
	var o jsonrpc.Object
	o.Add("chain", c.s.cfg.Params.Name)
	o.Add("blocks", tip.Ref.Height)
	o.Add("headers", best)
	o.Add("bestblockhash", tip.Ref.Hash)
	o.Add("difficulty", difficulty(&tip.Header))
	o.Add("time", tip.Header.Time)
	o.Add("mediantime", state.MedianTimePast())
	o.Add("verificationprogress", c.progress(tip))
	o.Add("initialblockdownload", c.Ledger.InitialDownload())
	o.Add("chainwork", state.Work.String())
	o.Add("size_on_disk", c.Ledger.DiskSize())
	o.Add("pruned", pruning)
	if pruning {
		o.Add("pruneheight", lowest)
		automatic := c.s.cfg.PruneTarget > ledger.PruneManual
		o.Add("automatic_pruning", automatic)
		if automatic {
			o.Add("prune_target_size", c.s.cfg.PruneTarget)
		}
	}
	o.Add("warnings", c.s.warnings())
	return o, nil
}

// progress estimates how much of the chain is verified: the share of the
// blocks that exist, going by the best header and by how long ago it was mined.
// Where blocks come at no set pace, it is 1, as in Core.
func (c *call) progress(tip ledger.Entry) float64 {
	p := c.s.cfg.Params
	if p.Difficulty == consensus.Fixed {
		return 1
	}
	// A gap of ten blocks after the last one is chance, not blocks unheard of.
	best := c.Ledger.BestHeader()
	gap := (c.s.clock.Now().Unix()-int64(best.Header.Time))/p.Spacing - 10
	expected := int64(best.Ref.Height) + max(0, gap)
	if expected == 0 {
		return 1
	}
	return min(1, float64(tip.Ref.Height)/float64(expected))
}

func getbestblockhash(c *call) (any, error) { return c.Ledger.Tip().Tip.Hash, nil }

func getblockcount(c *call) (any, error) { return c.Ledger.Tip().Tip.Height, nil }

func getblockhash(c *call) (any, error) {
	height := c.int(0, 32)
	if c.err != nil {
		return nil, c.err
	}
	if height >= 0 {
		if e, ok := c.Ledger.EntryAt(uint32(height)); ok {
			return e.Ref.Hash, nil
		}
	}
	return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, "Block height out of range")
}

func getdifficulty(c *call) (any, error) {
	_, tip, err := c.tip()
	return difficulty(&tip.Header), err
}

func getchaintips(c *call) (any, error) {
	var list []jsonrpc.Object
	for _, tip := range c.Ledger.Tips() {
		var o jsonrpc.Object
		o.Add("height", tip.Ref.Height)
		o.Add("hash", tip.Ref.Hash)
		o.Add("branchlen", tip.BranchLen)
		o.Add("status", tip.State)
		list = append(list, o)
	}
	return list, nil
}

func getchainstates(c *call) (any, error) {
	_, tip, err := c.tip()
	if err != nil {
		return nil, err
	}
	var past *ledger.Ledger
	cache := c.s.cfg.CacheBytes
	assumed, from := c.Ledger.Assumed()
	if from && c.ChainStates != nil {
		past = c.ChainStates.Background()
		cache /= 2
	}
	state := func(tip ledger.Entry) (o jsonrpc.Object) {
		o.Add("blocks", tip.Ref.Height)
		o.Add("bestblockhash", tip.Ref.Hash)
		o.Add("difficulty", difficulty(&tip.Header))
		o.Add("verificationprogress", c.progress(tip))
		o.Add("coins_db_cache_bytes", 0)
		o.Add("coins_tip_cache_bytes", cache)
		return o
	}
	var list []jsonrpc.Object
	if past != nil {
		if e, ok := past.Entry(past.Tip().Tip.Hash); ok {
			o := state(e)
			o.Add("validated", true)
			list = append(list, o)
		}
	}
	o := state(tip)
	if from {
		o.Add("snapshot_blockhash", assumed.Block.Hash)
	}
	o.Add("validated", past == nil)
	var all jsonrpc.Object
	all.Add("headers", max(c.Ledger.BestHeader().Ref.Height, tip.Ref.Height))
	all.Add("chainstates", append(list, o))
	return all, nil
}

// buried are the deployments in the order in which getdeploymentinfo shows
// them, under Core's names.
var buried = []struct {
	name string
	is   consensus.Deployment
}{
	{"bip34", consensus.BIP34},
	{"bip66", consensus.BIP66},
	{"bip65", consensus.BIP65},
	{"csv", consensus.CSV},
	{"segwit", consensus.Segwit},
	{"taproot", consensus.Taproot},
	{"bip54", consensus.BIP54},
}

func getdeploymentinfo(c *call) (any, error) {
	hash := c.Ledger.Tip().Tip.Hash
	if c.has(0) {
		e, err := c.entry(0, "blockhash")
		if err != nil {
			return nil, err
		}
		hash = e.Ref.Hash
	}
	state, err := c.Ledger.State(hash)
	if err != nil {
		return nil, err
	}
	var all jsonrpc.Object
	for _, d := range buried {
		height := state.Params.Activation[d.is]
		if height == consensus.Never {
			continue
		}
		var o jsonrpc.Object
		if d.is == consensus.Taproot && height == 0 {
			// Core 28 knows taproot as a BIP 9 deployment; where it is active
			// from the first block it says so in these words.
			var bip9 jsonrpc.Object
			bip9.Add("start_time", -1)
			bip9.Add("timeout", int64(math.MaxInt64))
			bip9.Add("min_activation_height", 0)
			bip9.Add("status", "active")
			bip9.Add("since", 0)
			bip9.Add("status_next", "active")
			o.Add("type", "bip9")
			o.Add("height", 0)
			o.Add("active", true)
			o.Add("bip9", bip9)
		} else {
			o.Add("type", "buried")
			o.Add("active", state.Active(d.is))
			o.Add("height", height)
		}
		all.Add(d.name, o)
	}
	var o jsonrpc.Object
	o.Add("hash", hash)
	o.Add("height", state.Tip.Height)
	o.Add("deployments", all)
	return o, nil
}
