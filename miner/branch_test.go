package miner_test

import (
	"testing"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/wire"
)

// TestGenerateOn grows a branch beside a chain until it takes over.
func TestGenerateOn(t *testing.T) {
	l := newChain(t, consensus.Regtest(consensus.RegtestOptions{}))
	m := newMiner(l, 1)
	main, err := m.Generate(t.Context(), 6, payTo, 1_000_000)
	if err != nil {
		t.Fatal(err)
	}
	fork, err := l.State(main[1])
	if err != nil {
		t.Fatal(err)
	}
	side, err := m.GenerateOn(t.Context(), fork, 4, payTo, 1_000_000)
	if err != nil || len(side) != 4 {
		t.Fatalf("%d blocks, %v", len(side), err)
	}
	if tip := l.Tip().Tip; tip.Hash != main[5] {
		t.Errorf("a branch as long as the chain has replaced it: tip %v", tip)
	}
	end, err := l.State(side[3])
	if err != nil {
		t.Fatal(err)
	}
	more, err := m.GenerateOn(t.Context(), end, 1, payTo, 1_000_000)
	if err != nil || len(more) != 1 || l.Tip().Tip.Hash != more[0] {
		t.Fatalf("tip %v, %v, %v: the longer branch is not the chain", l.Tip().Tip, more, err)
	}

	// At the same time, on the same block: still others, with other coinbases.
	again, err := m.GenerateOn(t.Context(), fork, 4, payTo, 1_000_000)
	if err != nil || len(again) != 4 {
		t.Fatalf("%d blocks, %v", len(again), err)
	}
	coinbases := map[wire.Hash]bool{}
	for _, hashes := range [][]wire.Hash{main, side, again} {
		for _, hash := range hashes {
			b, err := l.Block(hash)
			if err != nil {
				t.Fatal(err)
			}
			coinbases[b.Txs[0].TxID()] = true
		}
	}
	if len(coinbases) != 14 {
		t.Errorf("%d different coinbases in 14 blocks", len(coinbases))
	}

	if none, err := m.GenerateOn(t.Context(), fork, 1, payTo, 0); err != nil || len(none) != 0 {
		t.Errorf("no tries: %v, %v", none, err)
	}
}
