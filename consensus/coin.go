package consensus

import "github.com/keelson-chain/keelson/wire"

// Coin is an unspent output with what the rules ask about where it came from.
type Coin struct {
	Out wire.TxOut
	// Height is that of the block that made the coin.
	Height uint32
	// MTP is the median time past of that block's parent, in seconds since
	// 1970, from which BIP 68 counts relative lock times.
	MTP uint32
	// Coinbase says that a coinbase made the coin, so that it must mature.
	Coinbase bool
}

// OutCoin is a coin and its name.
type OutCoin struct {
	OutPoint wire.OutPoint
	Coin     Coin
}

// Diff is the net effect of a block on the set of coins, in block order. A
// coin that the block makes and spends is in neither list, and outputs that
// nobody can ever spend (script.IsUnspendable) are not made.
type Diff struct {
	Spent, Created []OutCoin
}

// Inverse returns the effect of taking back what d did.
func (d Diff) Inverse() Diff { return Diff{Spent: d.Created, Created: d.Spent} }

// CoinView is a set of coins as it stands after some block.
type CoinView interface {
	// FetchCoin fills c in if the coin exists. What c.Out.PkScript is set to
	// must stay unchanged for as long as the caller keeps the coin.
	FetchCoin(op wire.OutPoint, c *Coin) (found bool, err error)
}

// CoinSnapshot is the set of coins after one block, whatever happens to the
// chain meanwhile, until it is closed.
type CoinSnapshot interface {
	CoinView
	// Tip returns the block after which these are the coins.
	Tip() wire.BlockRef
	Close()
}

// Update is one step of the tip of a chain.
type Update struct {
	// Ref is the block that was connected or disconnected.
	Ref       wire.BlockRef
	Connected bool // false: the block was disconnected
	// Tip is where that leaves the chain: Ref, or its parent if it was disconnected.
	Tip wire.BlockRef
}
