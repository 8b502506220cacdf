package chaingen

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/pow"
	"github.com/keelson-chain/keelson/wire"
)

// Chain is a tree of valid blocks with a current tip. It is not safe for
// concurrent use.
type Chain struct {
	// Pay is how coinbases pay, to keys 0 to 15 in turn.
	Pay Kind
	// Step is by how many seconds a block is later than its parent.
	Step int64

	params  *consensus.Params
	tip     *node
	nodes   map[wire.Hash]*node
	marks   map[string]*node
	coins   Coins // at tip
	mined   uint64
	curve   *curve
	scripts map[[2]int][]byte
	owners  map[string]*owner
}

// node is a block of the tree; the genesis block has no parent.
type node struct {
	parent *node
	block  *wire.Block
	state  consensus.State
	spent  []consensus.Coin
	diff   consensus.Diff
}

// New returns a chain that is nothing but the genesis block of p, marked
// "genesis". The difficulty of p should be that of regtest.
func New(p *consensus.Params) *Chain {
	state := consensus.GenesisState(p)
	genesis := &node{block: p.Genesis, state: state}
	return &Chain{
		Step:    p.Spacing,
		params:  p,
		tip:     genesis,
		nodes:   map[wire.Hash]*node{state.Tip.Hash: genesis},
		marks:   map[string]*node{"genesis": genesis},
		coins:   make(Coins),
		curve:   newCurve(),
		scripts: make(map[[2]int][]byte),
		owners:  make(map[string]*owner),
	}
}

// State returns what a child of the tip is judged by.
func (c *Chain) State() consensus.State { return c.tip.state }

// Coins returns the coins after the tip. They change with the tip; the caller
// must not change them.
func (c *Chain) Coins() Coins { return c.coins }

// Tip returns the block at the tip.
func (c *Chain) Tip() *wire.Block { return c.tip.block }

// Mark names the tip.
func (c *Chain) Mark(name string) { c.marks[name] = c.tip }

// Goto makes the block with a name the tip.
func (c *Chain) Goto(name string) {
	to := c.marks[name]
	if to == nil {
		panic(fmt.Sprintf("chaingen: no mark %q", name))
	}
	c.move(to)
}

// GotoHash makes the block with a hash the tip.
func (c *Chain) GotoHash(hash wire.Hash) {
	to := c.nodes[hash]
	if to == nil {
		panic(fmt.Sprintf("chaingen: no block %v", hash))
	}
	c.move(to)
}

// move takes blocks back down to the last common one and goes up from there.
func (c *Chain) move(to *node) {
	var up []*node
	for n := to; n != c.tip; {
		if n.state.Tip.Height > c.tip.state.Tip.Height {
			up = append(up, n)
			n = n.parent
			continue
		}
		c.coins.Apply(c.tip.diff.Inverse())
		c.tip = c.tip.parent
	}
	for _, n := range slices.Backward(up) {
		c.coins.Apply(n.diff)
	}
	c.tip = to
}

// Blocks returns the blocks from height 1 up to the tip.
func (c *Chain) Blocks() []*wire.Block {
	var blocks []*wire.Block
	for n := c.tip; n.parent != nil; n = n.parent {
		blocks = append(blocks, n.block)
	}
	slices.Reverse(blocks)
	return blocks
}

// Spent returns the coins that the tip's block spends, in the order of its
// inputs.
func (c *Chain) Spent() []consensus.Coin { return c.tip.spent }

// Mature returns the coins of the chain's own keys that a child of the tip can
// spend, oldest first.
func (c *Chain) Mature() []consensus.OutCoin {
	var own []consensus.OutCoin
	height := c.tip.state.Tip.Height + 1
	for op, coin := range c.coins {
		if coin.Coinbase && height-coin.Height < c.params.CoinbaseMaturity || c.owners[string(coin.Out.PkScript)] == nil {
			continue
		}
		own = append(own, consensus.OutCoin{OutPoint: op, Coin: coin})
	}
	slices.SortFunc(own, func(a, b consensus.OutCoin) int {
		if a.Coin.Height != b.Coin.Height {
			return int(a.Coin.Height) - int(b.Coin.Height)
		}
		if d := bytes.Compare(a.OutPoint.TxID[:], b.OutPoint.TxID[:]); d != 0 {
			return d
		}
		return int(a.OutPoint.Index) - int(b.OutPoint.Index)
	})
	return own
}

// Spend returns a signed transaction that spends coins of the chain's own keys
// and pays to outs; the rest is fee. Without outs everything but 1,000 satoshi
// goes to key 0, by P2WPKH.
func (c *Chain) Spend(coins []consensus.OutCoin, outs ...wire.TxOut) *wire.Tx {
	tx := &wire.Tx{Version: 2, Outputs: outs}
	var sum wire.Amount
	for i := range coins {
		tx.Inputs = append(tx.Inputs, wire.TxIn{PrevOut: coins[i].OutPoint, Sequence: wire.SequenceFinal})
		sum += coins[i].Coin.Out.Value
	}
	if len(outs) == 0 {
		tx.Outputs = []wire.TxOut{c.Out(P2WPKH, 0, sum-1000)}
	}
	c.Sign(tx, coins)
	return tx
}

// OutputsOf returns the outputs of a transaction that is not in the chain yet
// as coins, so that the next one can spend them in the same block.
func (c *Chain) OutputsOf(tx *wire.Tx) []consensus.OutCoin {
	outs := make([]consensus.OutCoin, len(tx.Outputs))
	for i, out := range tx.Outputs {
		outs[i] = consensus.OutCoin{
			OutPoint: wire.OutPoint{TxID: tx.TxID(), Index: uint32(i)},
			Coin: consensus.Coin{
				Out:    out,
				Height: c.tip.state.Tip.Height + 1,
				MTP:    c.tip.state.MedianTimePast(),
			},
		}
	}
	return outs
}

// Mine adds a block with txs to the tip and returns it. The coinbase takes
// subsidy and fees. An invalid block panics.
func (c *Chain) Mine(txs ...*wire.Tx) *wire.Block {
	b := c.Next(txs...)
	c.Add(b)
	return b
}

// MineN mines n blocks without transactions.
func (c *Chain) MineN(n int) []*wire.Block {
	blocks := make([]*wire.Block, n)
	for i := range blocks {
		blocks[i] = c.Mine()
	}
	return blocks
}

// Next returns a block with txs that fits on the tip, without adding it.
func (c *Chain) Next(txs ...*wire.Tx) *wire.Block {
	s := c.tip.state
	b := &wire.Block{Txs: append([]*wire.Tx{c.coinbase()}, txs...)}
	b.Header = wire.Header{
		Version:   0x20000000,
		PrevBlock: s.Tip.Hash,
		Time:      uint32(max(s.MinTime(), int64(s.Times[0])+c.Step)),
		Bits:      uint32(s.NextBits()),
	}
	b.Txs[0].Outputs[0].Value = consensus.Subsidy(c.params, s.Tip.Height+1) + c.fees(txs)
	c.commit(b)
	root(b)
	Solve(b)
	return b
}

// Add validates b, a child of the tip, and makes it the tip.
func (c *Chain) Add(b *wire.Block) {
	spent, err := c.validate(b, int64(b.Header.Time))
	if err != nil {
		panic(fmt.Sprintf("chaingen: block %d is invalid: %v", c.tip.state.Tip.Height+1, err))
	}
	n := &node{parent: c.tip, block: b, spent: spent}
	n.state, n.diff = consensus.ApplyBlock(c.tip.state, b, spent)
	c.coins.Apply(n.diff)
	c.tip = n
	c.nodes[n.state.Tip.Hash] = n
}

// ValidateAt judges b as a child of the tip by every rule; now is the time in
// seconds since 1970.
func (c *Chain) ValidateAt(b *wire.Block, now int64) error {
	_, err := c.validate(b, now)
	return err
}

func (c *Chain) validate(b *wire.Block, now int64) ([]consensus.Coin, error) {
	s := c.tip.state
	if err := consensus.CheckBlock(c.params, b); err != nil {
		return nil, err
	}
	if err := consensus.ValidateHeader(s, &b.Header, now); err != nil {
		return nil, err
	}
	if err := consensus.ValidateBlockContext(s, b); err != nil {
		return nil, err
	}
	spent, err := consensus.Gather(s, b, c.coins)
	if err != nil {
		return nil, err
	}
	return spent, consensus.ValidateBlock(s, b, spent, consensus.Options{})
}

// coinbase returns a coinbase for a child of the tip, with a number in it that
// makes it unlike any other.
func (c *Chain) coinbase() *wire.Tx {
	height := c.tip.state.Tip.Height + 1
	c.mined++
	sigScript := append(pushInt(height), 8)
	sigScript = binary.LittleEndian.AppendUint64(sigScript, c.mined)
	tx := &wire.Tx{
		Version: 2,
		Inputs: []wire.TxIn{{
			PrevOut:   wire.OutPoint{Index: 0xffffffff},
			SigScript: sigScript,
			Sequence:  wire.SequenceFinal,
		}},
		Outputs: []wire.TxOut{c.Out(c.Pay, int(height%16), 0)},
	}
	if c.tip.state.Active(consensus.BIP54) {
		tx.LockTime, tx.Inputs[0].Sequence = height-1, wire.SequenceFinal-1
	}
	return tx
}

// pushInt returns the script that pushes a height (BIP 34).
func pushInt(n uint32) []byte {
	if n == 0 {
		return []byte{0x00}
	}
	if n <= 16 {
		return []byte{0x50 + byte(n)}
	}
	digits := binary.LittleEndian.AppendUint32(nil, n)
	digits = bytes.TrimRight(digits, "\x00")
	if digits[len(digits)-1]&0x80 != 0 {
		digits = append(digits, 0)
	}
	return append([]byte{byte(len(digits))}, digits...)
}

// fees returns what transactions leave over; from the first on that does not
// have all its inputs they count nothing.
func (c *Chain) fees(txs []*wire.Tx) (fees wire.Amount) {
	b := &wire.Block{Txs: append([]*wire.Tx{{}}, txs...)}
	spent, err := consensus.Gather(c.tip.state, b, c.coins)
	if err != nil {
		return 0
	}
	for _, tx := range txs {
		if len(spent) < len(tx.Inputs) {
			break
		}
		for i := range tx.Inputs {
			fees += spent[i].Out.Value
		}
		for _, out := range tx.Outputs {
			fees -= out.Value
		}
		spent = spent[len(tx.Inputs):]
	}
	return max(fees, 0)
}

// commit adds the witness commitment to the coinbase where segwit is active,
// or brings it up to date.
func (c *Chain) commit(b *wire.Block) {
	if !c.tip.state.Active(consensus.Segwit) {
		return
	}
	coinbase := b.Txs[0]
	coinbase.Inputs[0].Witness = [][]byte{make([]byte, 32)}
	script := wire.WitnessCommitmentScript(wire.WitnessCommitmentHash(b.WitnessMerkleRoot(), [32]byte{}))
	if _, ok := b.WitnessCommitment(); ok {
		coinbase.Outputs[len(coinbase.Outputs)-1].PkScript = script
	} else {
		coinbase.Outputs = append(coinbase.Outputs, wire.TxOut{PkScript: script})
	}
}

func root(b *wire.Block) { b.Header.MerkleRoot, _ = b.TxMerkleRoot() }

// Solve finds a nonce with which the header meets its own bits. Those must be
// easy: it tries one nonce after the other.
func Solve(b *wire.Block) {
	target, err := pow.Bits(b.Header.Bits).Target()
	if err != nil {
		panic(fmt.Sprintf("chaingen: bits %08x: %v", b.Header.Bits, err))
	}
	for !target.Met(b.Header.Hash()) {
		b.Header.Nonce++
	}
}
