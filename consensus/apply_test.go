package consensus_test

import (
	"bytes"
	"errors"
	"maps"
	"math/rand/v2"
	"testing"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/consensus/chaingen"
	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/wire"
)

// snapshot writes a set of coins out, each under its outpoint.
func snapshot(coins chaingen.Coins) map[wire.OutPoint]string {
	out := make(map[wire.OutPoint]string, len(coins))
	for op, c := range coins {
		b := c.Out.Append([]byte{byte(c.Height), byte(c.Height >> 8), byte(c.MTP), byte(c.MTP >> 8), byte(c.MTP >> 16), byte(c.MTP >> 24), 0})
		if c.Coinbase {
			b[6] = 1
		}
		out[op] = string(b)
	}
	return out
}

// applyPlainly does to a set of coins what b does, one transaction after the
// other and without a thought of net effects.
func applyPlainly(coins chaingen.Coins, s consensus.State, b *wire.Block) {
	for i, tx := range b.Txs {
		if i > 0 {
			for _, in := range tx.Inputs {
				delete(coins, in.PrevOut)
			}
		}
		for j, out := range tx.Outputs {
			if !script.IsUnspendable(out.PkScript) {
				coins[wire.OutPoint{TxID: tx.TxID(), Index: uint32(j)}] = consensus.Coin{
					Out: out, Height: s.Tip.Height + 1, MTP: s.MedianTimePast(), Coinbase: i == 0,
				}
			}
		}
	}
}

// randomTxs spends some of coins, some of what that makes in the same block,
// and burns a little.
func randomTxs(c *chaingen.Chain, rnd *rand.Rand) (txs []*wire.Tx) {
	coins := c.Mature()
	rnd.Shuffle(len(coins), func(i, j int) { coins[i], coins[j] = coins[j], coins[i] })
	for range rnd.IntN(5) {
		n := min(1+rnd.IntN(3), len(coins))
		if n == 0 {
			break
		}
		var sum wire.Amount
		for _, coin := range coins[:n] {
			sum += coin.Coin.Out.Value
		}
		parts := wire.Amount(1 + rnd.IntN(4))
		outs := []wire.TxOut{{Value: sum / 100, PkScript: []byte{0x6a, 0x01, byte(len(txs))}}}
		for range parts {
			outs = append(outs, c.Out(chaingen.Kind(rnd.IntN(4)), rnd.IntN(5), sum/2/parts))
		}
		tx := c.Spend(coins[:n], outs...)
		txs = append(txs, tx)
		coins = append(coins[n:], c.OutputsOf(tx)[1:]...)
		if rnd.IntN(2) == 0 {
			rnd.Shuffle(len(coins), func(i, j int) { coins[i], coins[j] = coins[j], coins[i] })
		}
	}
	return txs
}

// TestApplyRevert mines random chains: a block's Diff does what its
// transactions do one by one, and its inverse restores the coins byte for byte.
func TestApplyRevert(t *testing.T) {
	rounds := 60
	if testing.Short() {
		rounds = 15
	}
	for seed := range uint64(3) {
		rnd := rand.New(rand.NewPCG(seed, 7))
		c := grown(consensus.Regtest(consensus.RegtestOptions{}))
		inside := 0
		for range rounds {
			s, coins := c.State(), maps.Clone(c.Coins())
			before := snapshot(coins)
			b := c.Mine(randomTxs(c, rnd)...)
			spent := c.Spent()

			next, diff := consensus.ApplyBlock(s, b, spent)
			if next != c.State() || next != consensus.ApplyHeader(s, &b.Header) {
				t.Fatalf("seed %d: State differs", seed)
			}
			plain := maps.Clone(coins)
			applyPlainly(plain, s, b)
			coins.Apply(diff)
			if !maps.Equal(snapshot(coins), snapshot(plain)) {
				t.Fatalf("seed %d, height %d: the Diff does not do what the transactions do", seed, next.Tip.Height)
			}
			for i := range diff.Spent {
				for j := range diff.Created {
					if diff.Spent[i].OutPoint == diff.Created[j].OutPoint {
						t.Fatalf("seed %d: %v is both spent and created", seed, diff.Spent[i].OutPoint)
					}
				}
			}
			inside += len(spent) - len(diff.Spent)
			coins.Apply(consensus.RevertBlock(s, b, spent))
			if !maps.Equal(snapshot(coins), before) {
				t.Fatalf("seed %d, height %d: reverting does not restore the coins", seed, next.Tip.Height)
			}
		}
		if inside == 0 {
			t.Errorf("seed %d: no coin was made and spent in one block", seed)
		}
	}
}

// failing is a view that cannot be read.
type failing struct{ chaingen.Coins }

var errDisk = errors.New("disk is on fire")

func (failing) FetchCoin(wire.OutPoint, *consensus.Coin) (bool, error) { return false, errDisk }

// TestGather: errors of the view come through, and the list ends where a coin
// is missing.
func TestGather(t *testing.T) {
	c, coins := manyCoins(20)
	b := c.Next(c.Spend(coins[:4]), c.Spend(coins[4:8]))
	if _, err := consensus.Gather(c.State(), b, failing{}); !errors.Is(err, errDisk) {
		t.Fatalf("from a view that fails: %v", err)
	}
	p := withoutBIP34()
	s := c.State()
	s.Params = p
	if _, err := consensus.Gather(s, b, failing{}); !errors.Is(err, errDisk) {
		t.Fatalf("from a view that fails under BIP 30: %v", err)
	}
	less := maps.Clone(c.Coins())
	delete(less, coins[5].OutPoint)
	spent, err := consensus.Gather(c.State(), b, less)
	if err != nil || len(spent) != 5 {
		t.Fatalf("%d coins, %v", len(spent), err)
	}
	for i := range spent {
		if got, want := spent[i], coins[i].Coin; got.Out.Value != want.Out.Value || !bytes.Equal(got.Out.PkScript, want.Out.PkScript) {
			t.Errorf("coin %d is %v, not %v", i, got, want)
		}
	}
	// Outputs that do not exist in a transaction of the block, and those that
	// are no coins.
	first := c.Spend(coins[:1], wire.TxOut{Value: 1, PkScript: []byte{0x6a}}, c.Out(chaingen.Anyone, 0, 1000))
	for index, want := range []int{1, 2, 1} {
		second := &wire.Tx{Inputs: []wire.TxIn{{PrevOut: wire.OutPoint{TxID: first.TxID(), Index: uint32(index)}}}, Outputs: []wire.TxOut{{}}}
		spent, err := consensus.Gather(c.State(), c.Next(first, second), c.Coins())
		if err != nil || len(spent) != want {
			t.Errorf("output %d: %d coins, %v", index, len(spent), err)
		}
	}
}

// FuzzSupply builds blocks as the input says and checks that no money comes up
// but the subsidy, whatever is tried.
func FuzzSupply(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12})
	f.Add([]byte{255, 254, 253, 252, 251, 250, 1, 1, 1, 1, 200, 100, 50, 25})
	f.Add(bytes.Repeat([]byte{7, 77, 177}, 30))
	f.Fuzz(func(t *testing.T, program []byte) {
		p := consensus.Regtest(consensus.RegtestOptions{})
		p.CoinbaseMaturity = 2 // a short chain has coins to spend
		c := chaingen.New(p)
		c.Pay = chaingen.Anyone
		c.MineN(4)
		next := func() int {
			if len(program) == 0 {
				return 0
			}
			v := int(program[0])
			program = program[1:]
			return v
		}
		for len(program) > 0 {
			before := c.Coins().Total()
			b := c.Next(fuzzTxs(c, next)...).Clone()
			b.Txs[0].Outputs[0].Value += wire.Amount(int8(next()))
			b.Header.MerkleRoot, _ = b.TxMerkleRoot()
			chaingen.Solve(b)
			if c.ValidateAt(b, far) != nil {
				continue
			}
			c.Add(b)
			if made := c.Coins().Total() - before; made > consensus.Subsidy(p, c.State().Tip.Height) {
				t.Fatalf("block %d made %v", c.State().Tip.Height, made)
			}
		}
	})
}

// fuzzTxs returns transactions that may or may not be valid.
func fuzzTxs(c *chaingen.Chain, next func() int) (txs []*wire.Tx) {
	coins := c.Mature()
	for range next() % 4 {
		tx := &wire.Tx{Version: uint32(next() % 3)}
		var sum wire.Amount
		for range next() % 4 {
			coin := coins[next()%len(coins)]
			sum += coin.Coin.Out.Value
			tx.Inputs = append(tx.Inputs, wire.TxIn{PrevOut: coin.OutPoint, Sequence: uint32(next()) << (next() % 25)})
		}
		for range next() % 3 {
			value := sum / wire.Amount(1+next()%5)
			switch next() % 8 {
			case 0:
				value = -value
			case 1:
				value += wire.MaxMoney
			case 2:
				value += wire.Amount(int8(next()))
			}
			tx.Outputs = append(tx.Outputs, c.Out(chaingen.Anyone, 0, value))
		}
		txs = append(txs, tx)
		if len(tx.Inputs) > 0 && len(tx.Outputs) > 0 {
			coins = append(coins, c.OutputsOf(tx)...)
		}
	}
	return txs
}
