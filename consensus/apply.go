package consensus

import (
	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/wire"
)

// Gather fetches the coins that b spends from view, which is the set of coins
// after s.Tip, in the order of b's inputs (the coinbase has none). Coins that
// b itself made earlier are among them. The list ends early where a coin does
// not exist, or is spent twice; ValidateBlock reports that in its place.
//
// A transaction that would overwrite unspent outputs is a *RuleError (BIP 30).
// Errors of the view are returned as they are. b must have passed CheckBlock.
func Gather(s State, b *wire.Block, view CoinView) (spent []Coin, err error) {
	n := 0
	for _, tx := range b.Txs[1:] {
		n += len(tx.Inputs)
	}
	if s.needsBIP30(b) {
		if err := validateOverwrites(b, view); err != nil {
			return nil, err
		}
		return s.gather(b, view, n)
	}
	spent, err = s.gather(b, view, n)
	if err == nil && len(spent) < n && !s.OnBIP34Chain {
		// The second of two equal transactions finds its coins spent by the
		// first. Bitcoin Core looks for it before it looks at the coins, and
		// so names the other rule.
		if err := validateOverwrites(b, view); err != nil {
			return nil, err
		}
	}
	return spent, err
}

// gather fetches up to n coins, of as many inputs.
func (s State) gather(b *wire.Block, view CoinView, n int) (spent []Coin, err error) {
	spent = make([]Coin, 0, n)
	made := make(map[wire.Hash]int, len(b.Txs)) // transactions so far
	gone := make(map[wire.OutPoint]struct{}, n) // outpoints spent so far
	mtp := s.MedianTimePast()
	for i, tx := range b.Txs {
		if i > 0 {
			for j := range tx.Inputs {
				op := &tx.Inputs[j].PrevOut
				before := len(gone)
				if gone[*op] = struct{}{}; len(gone) == before {
					return spent, nil
				}
				spent = spent[:len(spent)+1]
				c := &spent[len(spent)-1]
				if k, ok := made[op.TxID]; ok {
					if int64(op.Index) >= int64(len(b.Txs[k].Outputs)) || script.IsUnspendable(b.Txs[k].Outputs[op.Index].PkScript) {
						return spent[:len(spent)-1], nil
					}
					*c = s.coin(b.Txs[k].Outputs[op.Index], mtp, k == 0)
					continue
				}
				found, err := view.FetchCoin(*op, c)
				if err != nil {
					return nil, err
				}
				if !found {
					return spent[:len(spent)-1], nil
				}
			}
		}
		made[tx.TxID()] = i
	}
	return spent, nil
}

// coin returns what an output of the child becomes.
func (s State) coin(out wire.TxOut, mtp uint32, coinbase bool) Coin {
	return Coin{Out: out, Height: s.Tip.Height + 1, MTP: mtp, Coinbase: coinbase}
}

// bip34Limit is the first height at which a coinbase from before BIP 34 could
// recur on Bitcoin's chain.
const bip34Limit = 1_983_702

// needsBIP30 reports whether b, the child of Tip, could be valid but for a
// transaction with the id of one whose outputs are unspent.
//
// It cannot if no two coinbases of the chain can be equal, since every other
// transaction descends from them. BIP 34 sees to that where it has been active
// since the first block, and so does BIP 54. Where BIP 34 came later, a
// coinbase from before may have the height of a later block; on Bitcoin's
// chain it is known that none can before bip34Limit.
func (s State) needsBIP30(b *wire.Block) bool {
	p := s.Params
	if p.Activation[BIP34] <= 1 || s.Active(BIP54) && p.Activation[BIP54] <= 1 {
		return false
	}
	if s.OnBIP34Chain && s.Tip.Height+1 < bip34Limit {
		return false
	}
	return len(p.BIP30Exceptions) == 0 || !p.BIP30Exceptions[b.Hash()]
}

// validateOverwrites applies BIP 30.
func validateOverwrites(b *wire.Block, view CoinView) error {
	var c Coin
	for _, tx := range b.Txs {
		op := wire.OutPoint{TxID: tx.TxID()}
		for i := range tx.Outputs {
			op.Index = uint32(i)
			found, err := view.FetchCoin(op, &c)
			if err != nil {
				return err
			}
			if found {
				return ruleError(ErrOverwrite, "%v", op.TxID)
			}
		}
	}
	return nil
}

// ApplyBlock returns the State after b and what b does to the set of coins.
// b must be valid as a child of s.Tip and spent what Gather returned for it.
func ApplyBlock(s State, b *wire.Block, spent []Coin) (State, Diff) {
	return ApplyHeader(s, &b.Header), blockDiff(s, b, spent)
}

// RevertBlock returns what taking b back does to the set of coins: the inverse
// of what ApplyBlock did. s is the State of b's parent.
func RevertBlock(s State, b *wire.Block, spent []Coin) Diff {
	return blockDiff(s, b, spent).Inverse()
}

func blockDiff(s State, b *wire.Block, spent []Coin) (d Diff) {
	height := s.Tip.Height + 1
	nOut := 0
	for _, tx := range b.Txs {
		nOut += len(tx.Outputs)
	}
	d.Spent = make([]OutCoin, 0, len(spent))
	d.Created = make([]OutCoin, 0, nOut)

	// A coin that b made and spent has b's height, which no other coin has.
	var inside map[wire.OutPoint]struct{}
	i := 0
	for _, tx := range b.Txs[1:] {
		for j := range tx.Inputs {
			c := &spent[i]
			i++
			if c.Height == height {
				if inside == nil {
					inside = make(map[wire.OutPoint]struct{})
				}
				inside[tx.Inputs[j].PrevOut] = struct{}{}
				continue
			}
			d.Spent = append(d.Spent, OutCoin{tx.Inputs[j].PrevOut, *c})
		}
	}
	mtp := s.MedianTimePast()
	for k, tx := range b.Txs {
		op := wire.OutPoint{TxID: tx.TxID()}
		for j := range tx.Outputs {
			if script.IsUnspendable(tx.Outputs[j].PkScript) {
				continue
			}
			op.Index = uint32(j)
			if inside != nil {
				if _, ok := inside[op]; ok {
					continue
				}
			}
			d.Created = append(d.Created, OutCoin{op, s.coin(tx.Outputs[j], mtp, k == 0)})
		}
	}
	return d
}
