package testnet

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/keelson-chain/keelson/config"
	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/miner/template"
	"github.com/keelson-chain/keelson/pow"
	"github.com/keelson-chain/keelson/wire"
)

const (
	// perAccount is how many coins of 50 each account has in the beginning.
	perAccount = 5
	// faucetCoins is the same for the faucet, which has all later ones besides. With
	// those of MaxAccounts they stay below 150, where the subsidy halves.
	faucetCoins = 49
	// maturity is how deep a coinbase lies that can be spent, less one.
	maturity = 100
	// spacing is between the times of the blocks.
	spacing = 10 * time.Minute
)

// fundingHeight is how long the chain is with which a network begins.
func fundingHeight(accounts int) int { return perAccount*accounts + faucetCoins + maturity + 1 }

// fundingChain mines the chain with which a network begins: blocks that pay the
// accounts in turn, and then the faucet until all of these are mature and as many
// of the faucet's. The last block is of the time end, so that nodes take the chain
// for complete.
func (p *purse) fundingChain(end time.Time) ([]*wire.Block, error) {
	n := fundingHeight(len(p.accounts))
	s := consensus.GenesisState(regtest)
	var blocks []*wire.Block
	for i := range n {
		to := p.faucets[0].PkScript
		if i < perAccount*len(p.accounts) {
			to = p.accounts[i%len(p.accounts)].PkScript
		}
		t := template.New(template.Of(s, nil), template.Options{PkScript: to, Now: end.Add(-time.Duration(n-1-i) * spacing).Unix()})
		target, err := pow.Bits(t.Header.Bits).Target()
		if err != nil {
			return nil, err
		}
		nonce, ok := pow.NewSearcher(t.Header, target).Try(0, 1<<20)
		if !ok { // every second nonce does
			return nil, errors.New("no nonce for a block of the least difficulty")
		}
		b, err := t.Block(nonce)
		if err != nil {
			return nil, err
		}
		blocks = append(blocks, b)
		s = consensus.ApplyHeader(s, &b.Header)
	}
	return blocks, nil
}

// plant writes blocks into the data folder of a node that does not run.
func plant(ctx context.Context, cfg *config.Config, blocks []*wire.Block) (err error) {
	l, err := ledger.Open(ctx, cfg.Ledger)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	deliveries := make(chan ledger.Delivery, len(blocks))
	var refused error
	for _, b := range blocks {
		deliveries <- ledger.Delivery{Block: b, Judged: func(err error) { refused = errors.Join(refused, err) }}
	}
	close(deliveries)
	if err := l.AddBlocks(ctx, deliveries); err != nil {
		return err
	}
	if refused != nil {
		return fmt.Errorf("the first blocks of the network: %w", refused)
	}
	return nil
}
