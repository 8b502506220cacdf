package rpc

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/consensus/coinfile"
	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/rpc/jsonrpc"
	"github.com/keelson-chain/keelson/wire"
)

func assumeMethods() []method {
	return []method{{
		name: "loadtxoutset", category: "blockchain", run: loadtxoutset,
		help: "Go on from a file of dumptxoutset with the unspent outputs of a block that the network vouches for (assumeutxo in its chain-spec), whose header must be known. " +
			"The node starts again with them once the call is answered, and validates the blocks before them in the background.",
		params: []param{
			need("path", tString, "The file; a relative name lies in the network's folder"),
		},
		results: one(rObject("", "",
			rNumber("coins_loaded", "how many outputs there are"),
			rHex("tip_hash", "the block after which they are unspent"),
			rNumber("base_height", "its height"),
			rString("path", "the file's whole path"))),
		examples: []string{"utxo.dat"},
	}}
}

func loadtxoutset(c *call) (any, error) {
	path := c.text(0)
	if c.err != nil {
		return nil, c.err
	}
	if c.ChainStates == nil {
		return nil, errors.New("This node cannot load a snapshot")
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(c.s.cfg.PoolFile), path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, "Couldn't open file %s for reading.", path)
	}
	defer f.Close()
	head, err := coinfile.ReadHeader(f)
	if err == nil {
		err = c.s.cfg.ofThisNetwork(head.Magic)
	}
	if err != nil {
		return nil, jsonrpc.Errorf(jsonrpc.CodeDeserialization, "Unable to parse metadata: %v", err)
	}
	in := bufio.NewReaderSize(f, 1<<20)
	a, err := c.loadable(head.Base)
	if err == nil {
		err = c.ChainStates.Assume(c.ctx, a, func(yield func(op wire.OutPoint, c *consensus.Coin) error) error {
			return coinfile.ReadCoins(in, head.Coins, a.Block.Height, yield)
		})
		var wrong *ledger.WrongCoinsError
		if errors.As(err, &wrong) {
			err = fmt.Errorf("Bad snapshot content hash: expected %v, got %v", wrong.Want, wrong.Got)
		}
		if err != nil {
			err = fmt.Errorf("Population failed: %w", err)
		}
	}
	if err != nil {
		return nil, jsonrpc.Errorf(jsonrpc.CodeInternal, "Unable to load UTXO snapshot: %v. (%s)", err, path)
	}
	var o jsonrpc.Object
	o.Add("coins_loaded", head.Coins)
	o.Add("tip_hash", a.Block.Hash)
	o.Add("base_height", a.Block.Height)
	o.Add("path", path)
	return o, nil
}

// ofThisNetwork judges the magic of a file.
func (cfg *Config) ofThisNetwork(magic [4]byte) error {
	if magic == cfg.Params.Magic {
		return nil
	}
	for _, p := range []*consensus.Params{consensus.Main(), consensus.Test(), consensus.Regtest(consensus.RegtestOptions{})} {
		if magic == p.Magic {
			return fmt.Errorf("The network of the snapshot (%s) does not match the network of this node (%s).", p.Name, cfg.Params.Name)
		}
	}
	return errors.New("This snapshot has been created for an unrecognized network. This could be a custom signet, a new testnet or possibly caused by data corruption.")
}

// loadable returns what the network says of the coins after a block, if the node can
// go on from there. The errors are those of Bitcoin Core's ActivateSnapshot.
func (c *call) loadable(base wire.Hash) (a consensus.AssumedCoins, err error) {
	if _, already := c.Ledger.Assumed(); already {
		return a, errors.New("Can't activate a snapshot-based chainstate more than once")
	}
	var heights []string
	found := false
	for _, known := range c.s.cfg.Params.AssumeUTXO {
		if known.Block.Hash == base {
			a, found = known, true
		}
		heights = append(heights, fmt.Sprint(known.Block.Height))
	}
	if !found {
		return a, fmt.Errorf("assumeutxo block hash in snapshot metadata not recognized (hash: %v). The following snapshot heights are available: %s", base, strings.Join(heights, ", "))
	}
	e, ok := c.Ledger.Entry(base)
	best := c.Ledger.BestHeader()
	switch on, _ := c.Ledger.Ancestor(best.Ref.Hash, e.Ref.Height); {
	case !ok:
		return a, fmt.Errorf("The base block header (%v) must appear in the headers chain. Make sure all headers are syncing, and call loadtxoutset again", base)
	case e.Status.Invalid():
		return a, fmt.Errorf("The base block header (%v) is part of an invalid chain", base)
	case on.Ref != e.Ref:
		return a, errors.New("A forked headers-chain with more work than the chain with the snapshot base block header exists. Please proceed to sync without AssumeUtxo.")
	case c.Pool.Stats().Count > 0:
		return a, errors.New("Can't activate a snapshot when mempool not empty")
	case e.Ref.Height != a.Block.Height:
		return a, fmt.Errorf("Population failed: Assumeutxo height in snapshot metadata not recognized (%d) - refusing to load snapshot", e.Ref.Height)
	case e.Work.Cmp(c.Ledger.Tip().Work) <= 0:
		return a, errors.New("Population failed: Work does not exceed active chainstate")
	}
	return a, nil
}
