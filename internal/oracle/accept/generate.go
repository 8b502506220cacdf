package accept

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/consensus/chaingen"
	"github.com/keelson-chain/keelson/wire"
)

// fanOut is how many coins a transaction of the generated chain makes.
const fanOut = 1000

// Generate writes a chain and n independent transactions on its tip, each with
// one input and two outputs, to two files in dir. All pay by P2WPKH; if mixed,
// by P2TR and P2PKH in turn with it. The same arguments give the same files.
func Generate(dir string, n int, mixed bool) (chain, transactions string, err error) {
	kinds := []chaingen.Kind{chaingen.P2WPKH}
	if mixed {
		kinds = []chaingen.Kind{chaingen.P2WPKH, chaingen.P2TR, chaingen.P2PKH}
	}
	fans := (n + fanOut - 1) / fanOut
	p := consensus.Regtest(consensus.RegtestOptions{})
	c := chaingen.New(p)
	// To btcd P2SH and segwit are not active before 2012, whatever the network.
	spacing := c.Step
	c.Step = 13 * 365 * 24 * 3600
	c.Mine()
	c.Step = spacing
	c.MineN(fans + int(p.CoinbaseMaturity))
	var coins []consensus.OutCoin
	for i, coin := range c.Mature()[:fans] {
		outs := make([]wire.TxOut, fanOut)
		for k := range outs {
			outs[k] = c.Out(kinds[k%len(kinds)], (i+k)%16, (coin.Coin.Out.Value-1_000_000)/fanOut)
		}
		tx := c.Spend([]consensus.OutCoin{coin}, outs...)
		coins = append(coins, c.OutputsOf(tx)...)
		c.Mine(tx)
	}
	var blocks, txs [][]byte
	for _, b := range c.Blocks() {
		blocks = append(blocks, b.Append(nil))
	}
	for i, coin := range coins[:n] {
		kind, fee := kinds[i%len(kinds)], wire.Amount(500+i*7919%10_000)
		half := (coin.Coin.Out.Value - fee) / 2
		tx := c.Spend([]consensus.OutCoin{coin}, c.Out(kind, i%16, half), c.Out(kind, (i+1)%16, half))
		txs = append(txs, tx.Append(nil))
	}
	chain, transactions = filepath.Join(dir, "chain.dat"), filepath.Join(dir, "mempool.dat")
	return chain, transactions, errors.Join(writeFrames(chain, blocks), writeFrames(transactions, txs))
}

func writeFrames(path string, frames [][]byte) (err error) {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	w := bufio.NewWriter(file)
	for _, frame := range frames {
		if err := binary.Write(w, binary.LittleEndian, uint32(len(frame))); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if _, err := w.Write(frame); err != nil {
			return err
		}
	}
	return w.Flush()
}
