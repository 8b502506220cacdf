package chaingen

import (
	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/wire"
)

// Coins is a set of coins in a map: the plainest consensus.CoinView.
type Coins map[wire.OutPoint]consensus.Coin

// FetchCoin implements consensus.CoinView.
func (cs Coins) FetchCoin(op wire.OutPoint, c *consensus.Coin) (bool, error) {
	coin, ok := cs[op]
	if ok {
		*c = coin
	}
	return ok, nil
}

// Apply takes out what d spent and puts in what it created.
func (cs Coins) Apply(d consensus.Diff) {
	for i := range d.Spent {
		delete(cs, d.Spent[i].OutPoint)
	}
	for i := range d.Created {
		cs[d.Created[i].OutPoint] = d.Created[i].Coin
	}
}

// Total returns the sum of all coins in satoshi.
func (cs Coins) Total() (sum wire.Amount) {
	for _, c := range cs {
		sum += c.Out.Value
	}
	return sum
}
