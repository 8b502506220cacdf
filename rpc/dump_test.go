package rpc

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/rpc/jsonrpc"
	"github.com/keelson-chain/keelson/wire"
)

// TestDumpTxOutSet is Bitcoin Core 28's own test of the method: its chain, and the
// hash that its file has.
func TestDumpTxOutSet(t *testing.T) {
	n := startTestNode(t, nil)
	n.call("setmocktime", 1296688603)
	n.call("generatetoaddress", 100, "mjTkW3DjgyZck4KbiRusZsqTgaYTxdSz6z")
	path := filepath.Join(filepath.Dir(n.config.PoolFile), "txoutset.dat")
	want := fmt.Sprintf(`{"coins_written":100,"base_hash":"09abf0e7b510f61ca6cf33bab104e9ee99b3528b371d27a2d4b39abb800fba7e","base_height":100,"path":%s,`+
		`"txoutset_hash":"a0b7baa3bf5ccbd3279728f230d7ca0c44a76e9923fca8f32dbfd08d65ea496a","nchaintx":101}`, jsonrpc.Append(nil, path))
	if got := n.text("dumptxoutset", "txoutset.dat", "latest"); got != want {
		t.Errorf("%s, not %s", got, want)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if sum := sha256.Sum256(raw); hex.EncodeToString(sum[:]) != "31fcdd0cf542a4b1dfc13c3c05106620ce48951ef62907dd8e5e8c15a0aa993b" {
		t.Errorf("the file is another one: %x", raw)
	}
	n.fails(-8, path+" already exists. If you are sure this is what you want, move it out of the way first", "dumptxoutset", "txoutset.dat", "latest")
	dir := t.TempDir()
	n.fails(-8, "Couldn't open file "+dir+"/invalid/path.incomplete for writing.", "dumptxoutset", dir+"/invalid/path", "latest")
	n.fails(-8, `Invalid snapshot type "bogus" specified. Please specify "rollback" or "latest"`, "dumptxoutset", "x", "bogus")
	n.fails(-8, `Invalid snapshot type "" specified. Please specify "rollback" or "latest"`, "dumptxoutset", "x")
	n.fails(-8, `Invalid snapshot type "" specified. Please specify "rollback" or "latest"`, "dumptxoutset", "x", nil, jsonrpc.Object{})
	to := func(v any) jsonrpc.Object { return jsonrpc.Object{{Key: "rollback", Value: v}} }
	n.fails(-8, `Invalid snapshot type "latest" specified with rollback option`, "dumptxoutset", "x", "latest", to(99))
	n.fails(-8, "Which block to roll back to", "dumptxoutset", "x", "rollback")
	n.fails(-8, "Target block height 101 after current tip 100", "dumptxoutset", "x", "rollback", to(101))
	n.fails(-8, "Target block height 101 after current tip 100", "dumptxoutset", "x", nil, to(101))
	n.fails(-5, "Block not found", "dumptxoutset", "x", "rollback", to(strings.Repeat("0", 64)))
}

// Without a block, 'rollback' means the last one of the chain that the network vouches for.
func TestDumpAssumedTxOutSet(t *testing.T) {
	block := wire.MustHash("09abf0e7b510f61ca6cf33bab104e9ee99b3528b371d27a2d4b39abb800fba7e") // of TestDumpTxOutSet
	n := startTestNode(t, func(cfg *Config, _ *ledger.Config) {
		cfg.Params.AssumeUTXO = []consensus.AssumedCoins{
			{Block: wire.BlockRef{Hash: block, Height: 100}},
			{Block: wire.BlockRef{Hash: wire.Hash{1}, Height: 101}}, // of another chain
			{Block: wire.BlockRef{Hash: wire.Hash{2}, Height: 1000}},
		}
	})
	const miner = "mjTkW3DjgyZck4KbiRusZsqTgaYTxdSz6z"
	n.call("setmocktime", 1296688603)
	n.call("generatetoaddress", 99, miner)
	n.fails(-8, "Which block to roll back to must be said in the options: the chain has none yet of those that this network vouches for", "dumptxoutset", "x", "rollback")
	n.call("generatetoaddress", 3, miner)
	dir := t.TempDir()
	for name, args := range map[string][]any{
		"rollback":      {"rollback"},
		"null":          {"rollback", jsonrpc.Object{{Key: "rollback", Value: nil}}},
		"by its height": {nil, jsonrpc.Object{{Key: "rollback", Value: 100}}},
		"by its hash":   {"", jsonrpc.Object{{Key: "rollback", Value: block.String()}}},
	} {
		v := n.call("dumptxoutset", append([]any{filepath.Join(dir, name)}, args...)...)
		if v.Get("base_hash").Text != block.String() || v.Get("txoutset_hash").Text != "a0b7baa3bf5ccbd3279728f230d7ca0c44a76e9923fca8f32dbfd08d65ea496a" {
			t.Errorf("%s: %s", name, encoded(&v))
		}
	}
}

// The coins of earlier blocks, written from a later tip: the same file as was
// written then. The chain does not move.
func TestDumpPastTxOutSet(t *testing.T) {
	n := startTestNode(t, func(_ *Config, l *ledger.Config) { l.Prune, l.FastPrune = ledger.PruneManual, true })
	dir := t.TempDir()
	files := map[uint32][]byte{}
	read := func(name string) []byte {
		t.Helper()
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	c := minedChain(n) // which ends with blocks that spend
	stale := c.Tip().Hash().String()
	top := n.ledger.Tip().Tip.Height
	for h := top; h > top-5; h-- {
		n.call("dumptxoutset", fmt.Sprintf("%s/then-%d", dir, h), "latest")
		files[h] = read(fmt.Sprintf("then-%d", h))
		e, _ := n.ledger.EntryAt(h)
		n.call("invalidateblock", e.Ref.Hash.String())
	}
	e, _ := n.ledger.EntryAt(top - 5)
	n.call("reconsiderblock", e.Ref.Hash.String())
	e, _ = n.ledger.EntryAt(n.ledger.Tip().Tip.Height)
	if n.ledger.Tip().Tip.Height != top {
		t.Fatalf("the tip is %v", n.ledger.Tip().Tip)
	}
	c.MineN(3)
	n.submit(c.Blocks()[top:]...)
	tip := n.ledger.Tip().Tip
	for h, want := range files {
		v := n.call("dumptxoutset", fmt.Sprintf("%s/now-%d", dir, h), "rollback", jsonrpc.Object{{Key: "rollback", Value: h}})
		if got := read(fmt.Sprintf("now-%d", h)); string(got) != string(want) || v.Get("base_height").Text != fmt.Sprint(h) {
			t.Errorf("height %d: %d bytes, not the %d from then; %s", h, len(got), len(want), jsonrpc.Append(nil, v))
		}
	}
	if n.ledger.Tip().Tip != tip {
		t.Errorf("the tip has moved to %v", n.ledger.Tip().Tip)
	}
	// A block that is not on the chain has no coins.
	n.call("invalidateblock", stale)
	n.fails(-1, "Could not roll back to requested height.", "dumptxoutset", dir+"/x", "rollback", jsonrpc.Object{{Key: "rollback", Value: stale}})
}

// A file that cannot be finished leaves nothing behind.
func TestDumpEndsEarly(t *testing.T) {
	n := startTestNode(t, nil)
	minedChain(n)
	s, err := n.ledger.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	dir := t.TempDir()
	node := Node{Ledger: n.ledger, Pool: n.pool}
	c := &call{Node: &node, s: n.server, ctx: t.Context()}
	stop := errors.New("enough")
	if _, _, err := c.writeCoins(cutSet{s, stop}, filepath.Join(dir, "coins")); !errors.Is(err, stop) {
		t.Errorf("error is %v", err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("%v are left, %v", left, err)
	}
}

// cutSet is coins that cannot be read to the end.
type cutSet struct {
	*ledger.Snapshot
	err error
}

func (s cutSet) Coins(ctx context.Context, yield func(wire.OutPoint, *consensus.Coin) error) error {
	if err := s.Snapshot.Coins(ctx, yield); err != nil {
		return err
	}
	return s.err
}
