package node_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/keelson-chain/keelson/config"
	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/consensus/coinfile"
	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/node"
	"github.com/keelson-chain/keelson/rpc/client"
	"github.com/keelson-chain/keelson/rpc/jsonrpc"
	"github.com/keelson-chain/keelson/wire"
)

// patience is how long a test waits for what must happen.
const patience = 5 * time.Minute

// running is a node in this process, and a client of it.
type running struct {
	*client.Client
	t     *testing.T
	dir   string // of the network
	peers string // HOST:PORT
	stop  func() error
	ended chan error
}

// start runs a node of regtest whose chain-spec has some assumed coins.
func start(t *testing.T, dataDir string, assumed []consensus.AssumedCoins, args ...string) *running {
	t.Helper()
	args = append([]string{"--network=regtest", "--datadir=" + dataDir, "--dbcache=8", "--rpcuser=u", "--rpcpassword=p", "--rpcbind=127.0.0.1:0", "--bind=/ip4/127.0.0.1/tcp/0"}, args...)
	cfg, _, err := config.Load(args, nil)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Params.AssumeUTXO = assumed
	ready := make(chan config.Endpoints, 1)
	cfg.Ready = func(e config.Endpoints) { ready <- e }
	ctx, cancel := context.WithCancel(t.Context())
	n := &running{t: t, dir: filepath.Join(dataDir, "regtest"), ended: make(chan error, 1)}
	go func() { n.ended <- node.Run(ctx, cfg, zerolog.Nop()) }()
	n.stop = func() error {
		cancel()
		err := <-n.ended
		n.ended <- err
		return err
	}
	t.Cleanup(func() { _ = n.stop() }) // who expects an error has asked for it
	select {
	case e := <-ready:
		n.Client = client.New(client.Config{Address: e.RPC[0], User: "u", Password: "p", Timeout: patience})
		t.Cleanup(n.Close)
		port, _ := strings.CutPrefix(e.P2P[0], "/ip4/127.0.0.1/tcp/")
		n.peers = net.JoinHostPort("127.0.0.1", port)
	case err := <-n.ended:
		n.ended <- err
		t.Fatalf("the node ended: %v", err)
	case <-time.After(patience):
		t.Fatal("not ready")
	}
	return n
}

func (n *running) call(method string, args ...any) jsonrpc.Value {
	n.t.Helper()
	v, err := n.Call(n.t.Context(), method, args...)
	if err != nil {
		n.t.Fatalf("%s %v: %v", method, args, err)
	}
	return v
}

// until waits for a call to give what is wanted; meanwhile the node may be starting.
func (n *running) until(what string, is func(v jsonrpc.Value) bool, method string, args ...any) {
	n.t.Helper()
	deadline := time.Now().Add(patience)
	for {
		v, err := n.Call(n.t.Context(), method, args...)
		if err == nil && is(v) {
			return
		}
		if time.Now().After(deadline) {
			n.t.Fatalf("%s: %s, %v", what, jsonrpc.Append(nil, v), err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func (n *running) atHeight(height int) {
	n.t.Helper()
	n.until(fmt.Sprintf("height %d", height), func(v jsonrpc.Value) bool { return v.Text == strconv.Itoa(height) }, "getblockcount")
}

// states returns getchainstates in short.
func (n *running) states() string {
	n.t.Helper()
	v := n.call("getchainstates")
	list := v.Get("chainstates")
	var all []string
	for i := range list.Len() {
		s := list.At(i)
		all = append(all, fmt.Sprintf("%s validated=%s base=%v", s.Get("blocks").Text, s.Get("validated").Text, !s.Get("snapshot_blockhash").IsNull()))
	}
	return strings.Join(all, "; ")
}

func (n *running) wantStates(want string) {
	n.t.Helper()
	if got := n.states(); got != want {
		n.t.Errorf("the chain states are %q, not %q", got, want)
	}
}

func (n *running) services() []string {
	n.t.Helper()
	v := n.call("getnetworkinfo")
	var names []string
	for i := range v.Get("localservicesnames").Len() {
		names = append(names, v.Get("localservicesnames").At(i).Text)
	}
	return names
}

func (n *running) has(folder string) bool {
	n.t.Helper()
	_, err := os.Stat(filepath.Join(n.dir, folder))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		n.t.Fatal(err)
	}
	return err == nil
}

const payee = "mjTkW3DjgyZck4KbiRusZsqTgaYTxdSz6z"

// vouched mines a chain and dumps its coins, for what a chain-spec says of them.
func (n *running) vouched(path string) consensus.AssumedCoins {
	n.t.Helper()
	n.call("generatetoaddress", 110, payee)
	v := n.call("dumptxoutset", path, "latest")
	txs, err := strconv.ParseUint(v.Get("nchaintx").Text, 10, 64)
	if err != nil {
		n.t.Fatal(err)
	}
	return consensus.AssumedCoins{
		Block: wire.BlockRef{Hash: wire.MustHash(v.Get("base_hash").Text), Height: 110},
		Hash:  wire.MustHash(v.Get("txoutset_hash").Text), ChainTxs: txs,
	}
}

// tellHeaders gives b the headers of n's chain up to a height.
func (n *running) tellHeaders(b *running, height int) {
	n.t.Helper()
	for h := 1; h <= height; h++ {
		b.call("submitheader", n.call("getblockheader", n.call("getblockhash", h).Text, false).Text)
	}
}

// A node goes on from coins that are vouched for, serves and mines, survives a restart,
// validates what lies before them with the blocks of a peer, and the next start does
// without them.
func TestAssumedCoins(t *testing.T) {
	path := filepath.Join(t.TempDir(), "utxo.dat")
	a := start(t, t.TempDir(), nil)
	assumed := []consensus.AssumedCoins{a.vouched(path)}
	a.call("generatetoaddress", 6, payee)

	dirB := t.TempDir()
	b := start(t, dirB, assumed)
	a.tellHeaders(b, 116)
	b.wantStates("0 validated=true base=false")
	v := b.call("loadtxoutset", path)
	if v.Get("coins_loaded").Text != "110" || v.Get("tip_hash").Text != assumed[0].Block.Hash.String() || v.Get("base_height").Text != "110" || v.Get("path").Text != path {
		t.Errorf("loadtxoutset: %s", jsonrpc.Append(nil, v))
	}
	b.atHeight(110)
	b.wantStates("0 validated=true base=false; 110 validated=false base=true")
	if s := b.services(); slices.Contains(s, "NETWORK") || !slices.Contains(s, "NETWORK_LIMITED") {
		t.Errorf("it offers %v", s)
	}
	if _, err := b.Call(t.Context(), "loadtxoutset", path); err == nil || !strings.Contains(err.Error(), "Can't activate a snapshot-based chainstate more than once") {
		t.Errorf("loaded again: %v", err)
	}
	for h := 111; h <= 116; h++ {
		block := a.call("getblock", a.call("getblockhash", h).Text, 0).Text
		if v := b.call("submitblock", block); !v.IsNull() {
			t.Fatalf("block %d: %s", h, v.Text)
		}
	}
	b.call("generatetoaddress", 1, payee)
	b.wantStates("0 validated=true base=false; 117 validated=false base=true")
	tip := b.call("getbestblockhash").Text

	// A start in between.
	if err := b.stop(); err != nil {
		t.Fatal(err)
	}
	b = start(t, dirB, assumed)
	b.wantStates("0 validated=true base=false; 117 validated=false base=true")
	if err := b.stop(); err != nil {
		t.Fatal(err)
	}
	cfg, _, err := config.Load([]string{"--network=regtest", "--datadir=" + dirB, "--txindex", "--rpcbind=127.0.0.1:0", "--listen=0"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := node.Run(t.Context(), cfg, zerolog.Nop()); !errors.Is(err, ledger.ErrAssumed) {
		t.Errorf("with a transaction index: %v", err)
	}
	b = start(t, dirB, assumed)

	b.call("addnode", a.peers, "onetry")
	b.until("validated", func(v jsonrpc.Value) bool { return v.Get("chainstates").Len() == 1 }, "getchainstates")
	b.wantStates("117 validated=true base=true")
	a.atHeight(117) // from b
	b.call("generatetoaddress", 2, payee)
	a.atHeight(119)
	if !b.has("assumed") {
		t.Error("the folder is gone before its time")
	}
	if err := b.stop(); err != nil {
		t.Fatal(err)
	}
	b = start(t, dirB, assumed)
	b.wantStates("119 validated=true base=false")
	if b.has("assumed") || b.has("assumed_invalid") {
		t.Error("a folder is left")
	}
	if s := b.services(); !slices.Contains(s, "NETWORK") {
		t.Errorf("it offers %v", s)
	}
	for _, hash := range []string{b.call("getblockhash", 5).Text, tip} {
		if got, want := b.call("getblock", hash, 0).Text, a.call("getblock", hash, 0).Text; got != want {
			t.Errorf("block %s differs", hash)
		}
	}
	if got, want := b.call("gettxoutsetinfo"), a.call("gettxoutsetinfo"); got.Get("hash_serialized_3").Text != want.Get("hash_serialized_3").Text {
		t.Errorf("the coins differ")
	}
	if err := b.stop(); err != nil {
		t.Fatal(err)
	}
}

// Coins that are vouched for and wrong: the node ends once it has validated the blocks,
// and goes on without them.
func TestWrongAssumedCoins(t *testing.T) {
	dir := t.TempDir()
	path, wrong := filepath.Join(dir, "utxo.dat"), filepath.Join(dir, "wrong.dat")
	a := start(t, t.TempDir(), nil)
	vouched := a.vouched(path)
	vouched.Hash = enrich(t, path, wrong)
	assumed := []consensus.AssumedCoins{vouched}

	dirB := t.TempDir()
	b := start(t, dirB, assumed)
	a.tellHeaders(b, 110)
	if _, err := b.Call(t.Context(), "loadtxoutset", path); err == nil || !strings.Contains(err.Error(), "Bad snapshot content hash: expected "+vouched.Hash.String()) {
		t.Errorf("the right coins: %v", err)
	}
	if b.has("assumed") {
		t.Error("a folder is left")
	}
	b.call("loadtxoutset", wrong)
	b.atHeight(110)
	b.call("addnode", a.peers, "onetry")
	select {
	case err := <-b.ended:
		b.ended <- err
		if err == nil || !strings.Contains(err.Error(), "the assumed coins are wrong: those of block "+vouched.Block.Hash.String()) {
			t.Errorf("the node ended with %v", err)
		}
	case <-time.After(patience):
		t.Fatal("the node goes on")
	}
	if b.has("assumed") || !b.has("assumed_invalid") {
		t.Error("the folder is not set aside")
	}
	b = start(t, dirB, assumed)
	b.wantStates("110 validated=true base=false")
	if err := b.stop(); err != nil {
		t.Fatal(err)
	}
}

// enrich writes a file of coins in which the first is worth more, and returns its hash.
func enrich(t *testing.T, from, to string) wire.Hash {
	t.Helper()
	raw, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	in := bytes.NewReader(raw)
	head, err := coinfile.ReadHeader(in)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	buffer := bufio.NewWriter(&out)
	if _, err := buffer.Write(head.Append(nil)); err != nil {
		t.Fatal(err)
	}
	w, sum := coinfile.NewWriter(buffer), ledger.NewCoinHash()
	err = coinfile.ReadCoins(in, head.Coins, 110, func(op wire.OutPoint, c *consensus.Coin) error {
		if w.Count() == 0 {
			c.Out.Value++
		}
		sum.Add(op, c)
		return w.Add(op, c)
	})
	if err := errors.Join(err, w.Flush(), buffer.Flush(), os.WriteFile(to, out.Bytes(), 0o600)); err != nil {
		t.Fatal(err)
	}
	return sum.Sum()
}
