package ledger

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/ledger/fsys"
	"github.com/keelson-chain/keelson/wire"
)

// Readers of every kind beside writers: each follows the chain by the ticks,
// and whatever it sees must be consistent. It is worth most under -race.
func TestReadersBesideWriters(t *testing.T) {
	s := newSpender(61)
	s.MineN(103)
	s.Mark("fork")
	a := s.busyN(12)
	s.Goto("fork")
	b := s.busyN(20)
	end := s.State().Tip
	blocks := s.Blocks()
	// The number of coins at each block, which a snapshot must agree with.
	total := map[wire.Hash]int{}
	for _, branch := range [][]*wire.Block{blocks, a} {
		for _, block := range branch {
			s.GotoHash(block.Hash())
			total[block.Hash()] = len(s.Coins())
		}
	}
	miner := HashScript(blocks[0].Txs[0].Outputs[0].PkScript)
	for _, eager := range []bool{true, false} {
		clock := newClock()
		if !eager {
			clock = clock.farAhead()
		}
		cfg := testConfig(clock)
		cfg.AddressIndex, cfg.Workers = true, 2
		l := openTest(t, fsys.Mem(), cfg)
		add(t, l, blocks[:103]...)

		var wg sync.WaitGroup
		var done atomic.Bool
		var snapshots atomic.Int64
		for range 2 {
			wg.Go(func() { // a follower: its path of updates never breaks
				at := wire.BlockRef{Hash: regtest.GenesisHash}
				for {
					changed, over := l.Changed(), done.Load()
					for {
						updates, err := l.UpdatesSince(at, 5)
						if err != nil {
							t.Error(err)
							return
						}
						for _, u := range updates {
							e, ok := l.Entry(u.Ref.Hash)
							switch {
							case !ok:
								t.Errorf("unknown block %v", u.Ref)
							case u.Connected && e.Header.PrevBlock != at.Hash, !u.Connected && u.Ref != at:
								t.Errorf("update %+v at %v", u, at)
							}
							want := u.Ref
							if !u.Connected {
								want = wire.BlockRef{Height: u.Ref.Height - 1, Hash: e.Header.PrevBlock}
							}
							if at = u.Tip; at != want {
								t.Errorf("update %+v leads to %v, not %v", u, at, want)
							}
							if block, err := l.Block(u.Ref.Hash); err != nil || block.Hash() != u.Ref.Hash {
								t.Error(err)
							}
						}
						if len(updates) == 0 {
							break
						}
					}
					if over {
						if at != end {
							t.Errorf("the follower ends at %v", at)
						}
						return
					}
					<-changed
				}
			})
		}
		wg.Go(func() { // snapshots
			for !done.Load() {
				snap, err := l.Snapshot()
				if err != nil {
					t.Error(err)
					return
				}
				n := 0
				snap.Coins(context.Background(), func(wire.OutPoint, *consensus.Coin) error { n++; return nil })
				if want, ok := total[snap.Tip().Hash]; ok && n != want {
					t.Errorf("the snapshot of %v has %d coins, not %d", snap.Tip(), n, want)
				}
				history, err1 := snap.History(miner, nil, 1<<20)
				totals, err2 := snap.ScriptTotals(miner)
				coins, err3 := snap.ScriptCoins(miner, 1<<20)
				if err := errors.Join(err1, err2, err3); err != nil {
					t.Error(err)
				} else if totals.Txs != uint64(len(history)) || totals.Funded-totals.Spent != uint64(len(coins)) {
					t.Errorf("at %v: %d transactions, %d coins, but %+v", snap.Tip(), len(history), len(coins), totals)
				}
				snap.Close()
				snapshots.Add(1)
			}
		})
		wg.Go(func() { // odds and ends
			for i := 0; !done.Load(); i++ {
				tip := l.Tip().Tip
				if _, ok := l.Entry(tip.Hash); !ok {
					t.Errorf("the tip %v is unknown", tip)
				}
				l.EntryAt(uint32(i % 120))
				l.Tips()
				l.Wanted(8)
				l.BestHeader()
				l.InitialDownload()
				l.Spent(tip.Hash)
				tx := blocks[i%len(blocks)].Txs[0]
				if got, _, err := l.Tx(tx.TxID()); err == nil && got.TxID() != tx.TxID() {
					t.Error("another transaction")
				} else if err != nil && !errors.Is(err, ErrUnknownTx) {
					t.Error(err)
				}
				if _, _, err := l.Coin(wire.OutPoint{TxID: tx.TxID()}); err != nil {
					t.Error(err)
				}
				if i%10 == 0 {
					if err := l.VerifyChain(context.Background(), 3, 3, nil); err != nil {
						t.Error(err)
					}
				}
			}
		})
		var writers sync.WaitGroup
		for _, branch := range [][]*wire.Block{a, blocks[103:]} {
			writers.Go(func() {
				for _, block := range branch {
					if err := l.AddBlock(context.Background(), block); err != nil {
						t.Error(err)
					}
				}
			})
		}
		writers.Go(func() {
			for range 3 {
				if err := l.Flush(); err != nil {
					t.Error(err)
				}
			}
		})
		writers.Wait()
		if err := l.Invalidate(context.Background(), b[3].Hash()); err != nil {
			t.Error(err)
		}
		if err := l.Reconsider(context.Background(), b[3].Hash()); err != nil {
			t.Error(err)
		}
		done.Store(true)
		// One more tick lets the followers see that it is over.
		l.changedMu.Lock()
		close(l.changed)
		l.changed = make(chan struct{})
		l.changedMu.Unlock()
		wg.Wait()
		s.GotoHash(end.Hash)
		checkAt(t, l, s.Chain)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if snapshots.Load() == 0 {
			t.Error("no snapshot was taken")
		}
	}
}
