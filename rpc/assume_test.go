package rpc

import (
	"bytes"
	"context"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/consensus/coinfile"
	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/ledger/fsys"
	"github.com/keelson-chain/keelson/rpc/jsonrpc"
	"github.com/keelson-chain/keelson/wire"
)

// assumer makes real ledgers in a folder, and goes on with none.
type assumer struct {
	config ledger.Config
	from   *ledger.Ledger
	past   *ledger.Ledger
}

func (s *assumer) Background() *ledger.Ledger { return s.past }

func (s *assumer) Assume(ctx context.Context, a consensus.AssumedCoins, coins func(yield func(op wire.OutPoint, c *consensus.Coin) error) error) error {
	return ledger.Assume(ctx, s.config, s.from, a, coins)
}

// TestLoadTxOutSet: what Bitcoin Core's feature_assumeutxo.py demands of files and of the
// node, with the chain and the coins of its rpc_dumptxoutset.py.
func TestLoadTxOutSet(t *testing.T) {
	const payee = "mjTkW3DjgyZck4KbiRusZsqTgaYTxdSz6z"
	base := wire.BlockRef{Hash: wire.MustHash("09abf0e7b510f61ca6cf33bab104e9ee99b3528b371d27a2d4b39abb800fba7e"), Height: 100}
	coins := wire.MustHash("a0b7baa3bf5ccbd3279728f230d7ca0c44a76e9923fca8f32dbfd08d65ea496a")
	dir := t.TempDir()
	good := filepath.Join(dir, "utxo.dat")
	a := startTestNode(t, nil)
	a.call("setmocktime", 1296688603)
	a.call("generatetoaddress", 100, payee)
	a.call("dumptxoutset", good, "latest")
	a.call("generatetoaddress", 2, payee)
	raw, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}

	states := &assumer{}
	b := startTestNode(t, func(cfg *Config, l *ledger.Config) {
		cfg.Params.AssumeUTXO = []consensus.AssumedCoins{
			{Block: base, Hash: coins, ChainTxs: 101},
			{Block: wire.BlockRef{Hash: wire.Hash{7}, Height: 200}, Hash: wire.Hash{8}, ChainTxs: 201},
		}
		states.config = *l
		states.config.Dir = filepath.Join(dir, "assumed")
	})
	b.call("setmocktime", 1296688603)
	b.fails(-1, "This node cannot load a snapshot", "loadtxoutset", good)
	states.from = b.ledger
	b.server.Serve(Node{Ledger: b.ledger, Pool: b.pool, Miner: newTestMiner(b), ChainStates: states})

	b.fails(-8, "Couldn't open file "+dir+"/none for reading.", "loadtxoutset", dir+"/none")
	bad := filepath.Join(dir, "bad.dat")
	with := func(at int, content string) {
		t.Helper()
		file := bytes.Clone(raw)
		copy(file[at:], content)
		if err := os.WriteFile(bad, file, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	with(0, "xxxxx")
	b.fails(-22, "Unable to parse metadata: Invalid UTXO set snapshot magic bytes. Please check if this is indeed a snapshot file or if you are using an outdated snapshot format.", "loadtxoutset", bad)
	with(5, "\x00")
	b.fails(-22, "Unable to parse metadata: Version of snapshot 0 does not match any of the supported versions.", "loadtxoutset", bad)
	main := consensus.Main().Magic
	with(7, string(main[:]))
	b.fails(-22, "Unable to parse metadata: The network of the snapshot (main) does not match the network of this node (regtest).", "loadtxoutset", bad)
	with(7, "\x00\x00\x00\x00")
	b.fails(-22, "Unable to parse metadata: This snapshot has been created for an unrecognized network. This could be a custom signet, a new testnet or possibly caused by data corruption.", "loadtxoutset", bad)
	unable := func(what, file string) {
		t.Helper()
		b.fails(-32603, "Unable to load UTXO snapshot: "+what+". ("+file+")", "loadtxoutset", file)
		if has, err := os.ReadDir(states.config.Dir + "/db"); err == nil && len(has) > 0 {
			t.Fatalf("%s leaves %v", what, has)
		}
	}
	other := wire.Hash{9}
	with(11, string(other[:]))
	unable("assumeutxo block hash in snapshot metadata not recognized (hash: "+other.String()+"). The following snapshot heights are available: 100, 200", bad)
	unable("The base block header ("+base.Hash.String()+") must appear in the headers chain. Make sure all headers are syncing, and call loadtxoutset again", good)

	for h := uint32(1); h <= 102; h++ {
		e, _ := a.ledger.EntryAt(h)
		b.call("submitheader", hex.EncodeToString(e.Header.Append(nil)))
	}
	const population = "Population failed: "
	with(43, "\x63")
	unable(population+"Bad snapshot - coins left over after deserializing 99 coins", bad)
	with(43, "\x65")
	unable(population+"Bad snapshot format or truncated snapshot after deserializing 100 coins", bad)
	with(coinfile.HeaderSize+32, "\xfd\xff\xff")
	unable(population+"Mismatch in coins count in snapshot metadata and actual snapshot data", bad)
	with(coinfile.HeaderSize+34, "\x84\x58")
	unable(population+"Bad snapshot data after deserializing 0 coins", bad)
	with(coinfile.HeaderSize, string(bytes.Repeat([]byte{0xff}, 32)))
	_, err = b.Call(t.Context(), "loadtxoutset", bad)
	if want := "Unable to load UTXO snapshot: " + population + "Bad snapshot content hash: expected " + coins.String() + ", got "; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, not %s", err, want)
	}

	first, _ := a.ledger.EntryAt(100)
	b.call("invalidateblock", first.Ref.Hash.String())
	unable("The base block header ("+base.Hash.String()+") is part of an invalid chain", good)
	b.call("reconsiderblock", first.Ref.Hash.String())

	text := b.text("loadtxoutset", good)
	if want := `{"coins_loaded":100,"tip_hash":"` + base.Hash.String() + `","base_height":100,"path":"` + good + `"}`; text != want {
		t.Errorf("%s, not %s", text, want)
	}
	l, err := ledger.Open(t.Context(), states.config)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if l.Tip().Tip != base {
		t.Errorf("the ledger stands at %v", l.Tip().Tip)
	}

	// The calls of a node that goes on with it.
	pool := b.pool
	states.past = b.ledger
	b.ledger = l
	b.server.Serve(Node{Ledger: l, Pool: pool, Miner: newTestMiner(b), ChainStates: states})
	b.fails(-32603, "Unable to load UTXO snapshot: Can't activate a snapshot-based chainstate more than once. ("+good+")", "loadtxoutset", good)
	v := b.call("getchainstates")
	list := v.Get("chainstates")
	if list.Len() != 2 || v.Get("headers").Text != "102" {
		t.Fatalf("getchainstates: %s", jsonrpc.Append(nil, v))
	}
	past, now := list.At(0), list.At(1)
	if past.Get("blocks").Text != "0" || past.Get("validated").Text != "true" || past.Get("snapshot_blockhash").Kind != jsonrpc.Null ||
		now.Get("blocks").Text != "100" || now.Get("validated").Text != "false" || now.Get("snapshot_blockhash").Text != base.Hash.String() {
		t.Errorf("getchainstates: %s", jsonrpc.Append(nil, v))
	}
	states.past = nil
	v = b.call("getchainstates")
	if list := v.Get("chainstates"); list.Len() != 1 || list.At(0).Get("validated").Text != "true" || list.At(0).Get("snapshot_blockhash").Text != base.Hash.String() {
		t.Errorf("getchainstates: %s", jsonrpc.Append(nil, v))
	}
	b.fails(-1, "Block not found on disk", "getblock", base.Hash.String())
	e, _ := l.EntryAt(100)
	if got := b.text("getblockheader", base.Hash.String(), false); got != `"`+hex.EncodeToString(e.Header.Append(nil))+`"` {
		t.Errorf("getblockheader: %s", got)
	}
	b.fails(-1, "Could not roll back to requested height since necessary block data is already pruned.", "dumptxoutset", dir+"/x", "rollback", jsonrpc.Object{{Key: "rollback", Value: 50}})
	again := b.call("dumptxoutset", dir+"/again", "latest")
	if file, err := os.ReadFile(dir + "/again"); err != nil || !bytes.Equal(file, raw) || again.Get("nchaintx").Text != "101" {
		t.Errorf("dumptxoutset: %s, %v", jsonrpc.Append(nil, again), err)
	}
	b.ledger = states.from
}

// What else keeps a node from loading a snapshot.
func TestLoadTxOutSetState(t *testing.T) {
	n := startTestNode(t, nil)
	c := minedChain(n)
	top := n.ledger.Tip().Tip
	dir := t.TempDir()
	path := filepath.Join(dir, "utxo.dat")
	dump := n.call("dumptxoutset", path, "latest")
	n.params.AssumeUTXO = []consensus.AssumedCoins{{Block: top, Hash: wire.MustHash(dump.Get("txoutset_hash").Text), ChainTxs: 1000}}
	states := &assumer{config: ledger.Config{Dir: filepath.Join(dir, "assumed"), Params: n.params}, from: n.ledger}
	n.server.Serve(Node{Ledger: n.ledger, Pool: n.pool, Miner: newTestMiner(n), ChainStates: states})
	unable := func(what string) {
		t.Helper()
		n.fails(-32603, "Unable to load UTXO snapshot: "+what+". ("+path+")", "loadtxoutset", path)
	}
	unable("Population failed: Work does not exceed active chainstate")
	tx := c.Spend(c.Mature()[:1])
	n.call("sendrawtransaction", hex.EncodeToString(tx.Append(nil)), 0)
	unable("Can't activate a snapshot when mempool not empty")
	n.call("invalidateblock", top.Hash.String())
	unable("The base block header (" + top.Hash.String() + ") is part of an invalid chain")
	n.call("reconsiderblock", top.Hash.String())
	c.GotoHash(c.Tip().Header.PrevBlock)
	for _, b := range c.MineN(2) {
		n.call("submitheader", hex.EncodeToString(b.Header.Append(nil)))
	}
	unable("A forked headers-chain with more work than the chain with the snapshot base block header exists. Please proceed to sync without AssumeUtxo.")
	if has, err := ledger.HasAssumed(fsys.Disk(states.config.Dir)); has || err != nil {
		t.Errorf("there is a ledger: %v", err)
	}
}
