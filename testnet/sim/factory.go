package sim

import (
	"fmt"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/consensus/chaingen"
	"github.com/keelson-chain/keelson/wire"
)

// maxBlockWeight is the limit of the simulated network: that of regtest would
// not hold 2 MB of transactions with one input and two outputs, of which a
// quarter of the weight is witness.
const maxBlockWeight = 6_000_000

// params returns the rules of the simulated network.
func params() *consensus.Params {
	p := consensus.Regtest(consensus.RegtestOptions{})
	p.MaxBlockWeight = maxBlockWeight
	return p
}

const (
	// baseBlocks is how many blocks all hosts begin with: as many coinbases are
	// mature as can be split.
	baseBlocks = 100 + 20
	// fanOut is how many coins one coinbase is split into, at most.
	fanOut = 2500
)

// A factory makes the blocks and transactions of a world. It knows every block
// and every coin of every branch.
type factory struct {
	chain *chaingen.Chain
	base  []*wire.Block // what every host begins with, from height 1
	coins []consensus.OutCoin
	made  int
}

// newFactory makes a chain with enough coins for txs independent transactions.
func newFactory(txs int) *factory {
	f := &factory{chain: chaingen.New(params())}
	f.chain.Pay = chaingen.Anyone
	f.chain.MineN(baseBlocks)
	coinbases := f.chain.Mature()
	for len(f.coins) < txs {
		coin := coinbases[0]
		coinbases = coinbases[1:]
		outs := make([]wire.TxOut, min(fanOut, txs-len(f.coins)))
		for i := range outs {
			outs[i] = f.chain.Out(chaingen.P2WPKH, i%16, (coin.Coin.Out.Value-1_000_000)/wire.Amount(len(outs)))
		}
		split := f.chain.Spend([]consensus.OutCoin{coin}, outs...)
		f.coins = append(f.coins, f.chain.OutputsOf(split)...)
		f.chain.Mine(split)
	}
	// A last one, so that a base without coins to split has the same shape.
	f.chain.Mine()
	f.base = f.chain.Blocks()
	return f
}

// txs returns n transactions of one P2WPKH input and two outputs, 222 bytes
// each, that are independent of each other and valid on every branch.
func (f *factory) txs(n int) []*wire.Tx {
	if n > len(f.coins) {
		panic(fmt.Sprintf("sim: %d transactions are asked for, and there are coins for %d", n, len(f.coins)))
	}
	list := make([]*wire.Tx, n)
	for i, coin := range f.coins[:n] {
		f.made++
		half := (coin.Coin.Out.Value - wire.Amount(300+f.made*7919%2000)) / 2
		tx := f.chain.Spend([]consensus.OutCoin{coin}, f.chain.Out(chaingen.P2WPKH, i%16, half), f.chain.Out(chaingen.P2WPKH, (i+1)%16, half))
		list[i] = fresh(tx)
	}
	f.coins = f.coins[n:]
	return list
}

// fresh returns tx as it comes from outside, so that hosts share no more of it
// than its bytes.
func fresh(tx *wire.Tx) *wire.Tx {
	tx, err := wire.DecodeTx(tx.Append(nil))
	if err != nil {
		panic(err)
	}
	return tx
}

// block returns a valid block on top of the block named parent, with the time
// now in seconds since 1970, or the earliest that its parent allows.
func (f *factory) block(parent wire.Hash, now int64, txs ...*wire.Tx) *wire.Block {
	f.chain.GotoHash(parent)
	b := f.chain.Next(txs...)
	b.Header.Time = uint32(max(f.chain.State().MinTime(), now))
	chaingen.Solve(b)
	f.chain.Add(b)
	return freshBlock(b)
}

// freshBlock returns b as it comes from outside.
func freshBlock(b *wire.Block) *wire.Block {
	b, err := wire.DecodeBlock(b.Bytes())
	if err != nil {
		panic(err)
	}
	return b
}
