package rpc

import (
	"errors"
	"fmt"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/rpc/jsonrpc"
	"github.com/keelson-chain/keelson/script/address"
	"github.com/keelson-chain/keelson/script/descriptor"
	"github.com/keelson-chain/keelson/wire"
)

// defaultMaxTries is how many hashes the generating methods make at most.
const defaultMaxTries = 1_000_000

func miningMethods() []method {
	maxTries := may("maxtries", tNumber, fmt.Sprint(defaultMaxTries), "How many hashes to make at most")
	hashes := one(rArray("", "the blocks", rHex("", "a block hash")))
	return []method{
		{
			name: "generatetoaddress", category: "hidden", run: generatetoaddress,
			help: "Mine blocks at once and pay an address.",
			params: []param{
				need("nblocks", tNumber, "How many blocks"),
				need("address", tString, "Whom to pay"),
				maxTries,
			},
			results:  hashes,
			examples: []string{`11 "myaddress"`},
		},
		{
			name: "generatetodescriptor", category: "hidden", run: generatetodescriptor,
			help: "Mine blocks at once and pay the script of a descriptor.",
			params: []param{
				need("num_blocks", tNumber, "How many blocks"),
				need("descriptor", tString, "Whom to pay"),
				maxTries,
			},
			results:  hashes,
			examples: []string{`11 "mydesc"`},
		},
		{
			name: "generateblock", category: "hidden", run: generateblock,
			help: "Mine one block at once with transactions in an order, and pay an address or descriptor.",
			params: []param{
				need("output", tString, "Whom to pay: an address or a descriptor"),
				{names: "transactions", typ: tArray, required: true, help: "The transactions, in hexadecimal, valid in this order. Ids stand for transactions of the pool.",
					inner: []param{{names: "rawtx/txid", typ: tHex}}},
				may("submit", tBool, "true", "Whether to add the block to the chain; otherwise it is only returned"),
			},
			results: one(rObject("", "",
				rHex("hash", "the block's hash"),
				maybe(rHex("hex", "the block, only with submit=false")))),
			examples: []string{`"myaddress" '["rawtx"]'`},
		},
		{
			name: "generateat", category: "hidden", run: generateat,
			help: "Mine blocks without transactions on top of any valid block, which makes a branch, or a reorganisation (regtest).",
			params: []param{
				need("blockhash", tHex, "The block to begin on"),
				need("nblocks", tNumber, "How many blocks, 0 to 10000"),
				need("output", tString, "Whom to pay: an address or a descriptor"),
				maxTries,
			},
			results:  hashes,
			examples: []string{`"blockhash" 3 "myaddress"`},
		},
		{
			name: "generate", category: "hidden", run: generate,
			help: "has been replaced by the -generate cli option. Refer to -help for more information.",
		},
		{
			name: "getmininginfo", category: "mining", run: getmininginfo,
			help: "What a miner wants to know.",
			results: one(rObject("", "",
				rNumber("blocks", "the tip's height"),
				maybe(rNumber("currentblockweight", "the weight of the last block that was put together, with what is kept free for its coinbase")),
				maybe(rNumber("currentblocktx", "its transactions, without the coinbase")),
				rNumber("difficulty", "the tip's"),
				rNumber("networkhashps", "an estimate of all miners' hashes per second"),
				rNumber("pooledtx", "unconfirmed transactions"),
				rString("chain", "the network's name"),
				rWarnings)),
			examples: []string{""},
		},
		{
			name: "getnetworkhashps", category: "mining", run: getnetworkhashps,
			help: "An estimate of all miners' hashes per second, from the times of the last blocks.",
			params: []param{
				may("nblocks", tNumber, "120", "Over how many blocks; -1: since the difficulty changed last"),
				may("height", tNumber, "-1", "Up to which height; -1: the tip"),
			},
			results:  one(rNumber("", "Hashes per second")),
			examples: []string{""},
		},
	}
}

var errNoMiner = errors.New("this node cannot mine")

func generatetoaddress(c *call) (any, error) {
	n, text, tries := c.int(0, 32), c.text(1), c.intOr(2, 32, defaultMaxTries)
	if c.err != nil {
		return nil, c.err
	}
	pkScript, err := address.Decode(&c.s.cfg.Params.Address, text)
	if err != nil {
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidAddress, "Error: Invalid address")
	}
	return c.generate(n, pkScript, tries)
}

func generatetodescriptor(c *call) (any, error) {
	n, text, tries := c.int(0, 32), c.text(1), c.intOr(2, 32, defaultMaxTries)
	if c.err != nil {
		return nil, c.err
	}
	pkScript, err := c.descriptorScript(text)
	if err != nil {
		return nil, err
	}
	return c.generate(n, pkScript, tries)
}

// descriptorScript reads the descriptor of one script.
func (c *call) descriptorScript(text string) ([]byte, error) {
	d, err := descriptor.Parse(&c.s.cfg.Params.Address, text, false)
	if err != nil {
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidAddress, "%v", err)
	}
	return oneScript(d)
}

// generate mines at most tries hashes; a negative number is no bound, as in
// Bitcoin Core 28.
func (c *call) generate(n int64, pkScript []byte, tries int64) (any, error) {
	if c.Miner == nil {
		return nil, errNoMiner
	}
	return c.generated(c.Miner.Generate(c.ctx, int(max(n, 0)), pkScript, uint64(tries)))
}

// generated answers with what was mined, if no error ended that.
func (c *call) generated(hashes []wire.Hash, err error) (any, error) {
	if err != nil && c.ctx.Err() == nil {
		return nil, jsonrpc.Errorf(jsonrpc.CodeInternal, "%v", err)
	}
	return hashes, err
}

// maxBranch is how many blocks generateat makes in one call at most.
const maxBranch = 10_000

func generateat(c *call) (any, error) {
	if !c.s.regtest() {
		return nil, errors.New("generateat is for regression testing (-regtest mode) only")
	}
	hash, n, output, tries := c.hash(0, "blockhash"), c.int(1, 32), c.text(2), c.intOr(3, 32, defaultMaxTries)
	if c.err != nil {
		return nil, c.err
	}
	if n < 0 || n > maxBranch {
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, "nblocks must be from 0 to %d, not %d", maxBranch, n)
	}
	pkScript, err := c.outputScript(output)
	if err != nil {
		return nil, err
	}
	if c.Miner == nil {
		return nil, errNoMiner
	}
	e, ok := c.Ledger.Entry(hash)
	switch {
	case !ok:
		return nil, errBlockNotFound
	case e.Status.Invalid():
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, "Block is invalid")
	case e.ChainTxCount == 0:
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, "Block, or one before it, has not been downloaded")
	}
	state, err := c.Ledger.State(hash)
	if err != nil {
		return nil, err
	}
	if err := c.poolSeesTip(); err != nil {
		return nil, err
	}
	return c.generated(c.Miner.GenerateOn(c.ctx, state, int(n), pkScript, uint64(tries)))
}

func generate(c *call) (any, error) {
	return nil, jsonrpc.Errorf(jsonrpc.CodeMethodNotFound, "%s", c.method.text())
}

func generateblock(c *call) (any, error) {
	output, texts, submit := c.text(0), c.texts(1), c.boolOr(2, true)
	if c.err != nil {
		return nil, c.err
	}
	pkScript, err := c.outputScript(output)
	if err != nil {
		return nil, err
	}
	var txs []*wire.Tx
	for _, text := range texts {
		if txid, err := wire.ParseHash(text); err == nil {
			tx, ok := c.Pool.Tx(txid)
			if !ok {
				return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidAddress, "Transaction %s not in mempool.", text)
			}
			txs = append(txs, tx)
			continue
		}
		tx, err := decodeTx(text)
		if err != nil {
			return nil, jsonrpc.Errorf(jsonrpc.CodeDeserialization,
				"Transaction decode failed for %s. Make sure the tx has at least one input.", text)
		}
		txs = append(txs, tx)
	}
	if c.Miner == nil {
		return nil, errNoMiner
	}
	block, err := c.newBlock(txs, pkScript)
	if err != nil {
		return nil, err
	}
	var o jsonrpc.Object
	o.Add("hash", block.Hash())
	if !submit {
		o.Add("hex", jsonrpc.Hex(block.Bytes()))
		return o, nil
	}
	if err := c.poolSeesTip(); err != nil {
		return nil, err
	}
	if err := c.Ledger.AddBlock(c.ctx, block); err != nil && !errors.Is(err, ledger.ErrDuplicate) {
		return nil, jsonrpc.Errorf(jsonrpc.CodeInternal, "ProcessNewBlock, block not accepted: %v", err)
	}
	return o, nil
}

// outputScript reads an address or a descriptor.
func (c *call) outputScript(text string) ([]byte, error) {
	d, err := descriptor.Parse(&c.s.cfg.Params.Address, text, false)
	if err == nil {
		return oneScript(d)
	}
	if pkScript, err := address.Decode(&c.s.cfg.Params.Address, text); err == nil {
		return pkScript, nil
	}
	return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidAddress, "Error: Invalid address or descriptor")
}

// oneScript is the script that a descriptor stands for.
func oneScript(d *descriptor.Descriptor) ([]byte, error) {
	pkScript, err := d.Script()
	switch {
	case errors.Is(err, descriptor.ErrRange):
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, "%v", err)
	case err != nil:
		return nil, errCannotDerive
	}
	return pkScript, nil
}

// newBlock builds a block on the tip, checks that it is valid, and solves it.
func (c *call) newBlock(txs []*wire.Tx, pkScript []byte) (*wire.Block, error) {
	coins, err := c.Ledger.Snapshot()
	if err != nil {
		return nil, err
	}
	defer coins.Close()
	state, err := c.Ledger.State(coins.Tip().Hash)
	if err != nil {
		return nil, err
	}
	block := c.Miner.Block(state, txs, pkScript)
	if err := c.testBlock(state, block, coins); err != nil {
		if text := consensus.RejectText(err); text != "" {
			return nil, jsonrpc.Errorf(jsonrpc.CodeVerify, "testBlockValidity failed: %s", text)
		}
		return nil, err
	}
	if err := c.Miner.Solve(c.ctx, block, defaultMaxTries); err != nil {
		if c.ctx.Err() != nil {
			return nil, c.ctx.Err()
		}
		return nil, errors.New("Failed to make block.")
	}
	return block, nil
}

func getmininginfo(c *call) (any, error) {
	_, tip, err := c.tip()
	if err != nil {
		return nil, err
	}
	rate, err := c.hashRate(120, -1)
	if err != nil {
		return nil, err
	}
	var o jsonrpc.Object
	o.Add("blocks", tip.Ref.Height)
	if c.Miner != nil {
		if weight, txs, ok := c.Miner.LastTemplate(); ok {
			o.Add("currentblockweight", weight)
			o.Add("currentblocktx", txs)
		}
	}
	o.Add("difficulty", difficulty(&tip.Header))
	o.Add("networkhashps", rate)
	o.Add("pooledtx", c.Pool.Stats().Count)
	o.Add("chain", c.s.cfg.Params.Name)
	o.Add("warnings", c.s.warnings())
	return o, nil
}

func getnetworkhashps(c *call) (any, error) {
	blocks, height := c.intOr(0, 32, 120), c.intOr(1, 32, -1)
	if c.err != nil {
		return nil, c.err
	}
	return c.hashRate(blocks, height)
}

// hashRate estimates hashes per second over the blocks up to a height.
func (c *call) hashRate(blocks, height int64) (float64, error) {
	if blocks < -1 || blocks == 0 {
		return 0, jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, "Invalid nblocks. Must be a positive number or -1.")
	}
	_, last, err := c.tip()
	if err != nil {
		return 0, err
	}
	if height < -1 || height > int64(last.Ref.Height) {
		return 0, jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, "Block does not exist at specified height")
	}
	if height >= 0 {
		last, _ = c.Ledger.EntryAt(uint32(height))
	}
	if last.Ref.Height == 0 {
		return 0, nil
	}
	if blocks == -1 {
		blocks = int64(last.Ref.Height%max(1, c.s.cfg.Params.Window)) + 1
	}
	blocks = min(blocks, int64(last.Ref.Height))
	first, least, most := last, last.Header.Time, last.Header.Time
	for range blocks {
		first, _ = c.Ledger.Entry(first.Header.PrevBlock)
		least, most = min(least, first.Header.Time), max(most, first.Header.Time)
	}
	if least == most {
		return 0, nil
	}
	return last.Work.Sub(first.Work).Float64() / float64(most-least), nil
}
