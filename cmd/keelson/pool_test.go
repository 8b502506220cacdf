package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/keelson-chain/keelson/testnet/procs"
	"github.com/keelson-chain/keelson/wire"
)

// TestPoolOutlivesNode stops a node with transactions in its pool and starts it
// again.
func TestPoolOutlivesNode(t *testing.T) {
	bin, dir := procs.Build(t), t.TempDir()
	n := procs.Start(t, bin, dir)
	n.CLI(t, "generatetodescriptor", "102", "raw(51)")
	var ids []string
	for height := 1; height <= 2; height++ {
		block := n.CLI(t, "getblock", n.CLI(t, "getblockhash", fmt.Sprint(height)))
		_, list, _ := strings.Cut(block, `"tx": [`)
		coinbase, err := wire.ParseHash(strings.Split(list, `"`)[1])
		if err != nil {
			t.Fatal(err)
		}
		tx := &wire.Tx{
			Version: 2,
			Inputs:  []wire.TxIn{{PrevOut: wire.OutPoint{TxID: coinbase}, Sequence: wire.SequenceFinal}},
			Outputs: []wire.TxOut{{Value: 50*wire.Coin - 10_000, PkScript: []byte{0x51}}},
		}
		tx.Outputs = append(tx.Outputs, wire.TxOut{PkScript: []byte{0x6a, 1, 2}}) // 65 bytes at least
		ids = append(ids, n.CLI(t, "sendrawtransaction", fmt.Sprintf("%x", tx.Append(nil))))
	}
	n.CLI(t, "prioritisetransaction", ids[0], "0", "500")
	before, deltas := n.CLI(t, "getrawmempool", "true"), n.CLI(t, "getprioritisedtransactions")
	if !strings.Contains(before, ids[0]) || !strings.Contains(before, ids[1]) || !strings.Contains(deltas, ids[0]) {
		t.Fatalf("%s\n%s", before, deltas)
	}
	loaded := func(n *procs.Node) {
		t.Helper()
		procs.Eventually(t, func() bool { return strings.Contains(n.CLI(t, "getmempoolinfo"), `"loaded": true`) })
	}

	n.Stop(t)
	n = procs.Start(t, bin, dir)
	loaded(n)
	if got := n.CLI(t, "getrawmempool", "true"); got != before {
		t.Errorf("after a restart: %s\nwant %s", got, before)
	}
	if got := n.CLI(t, "getprioritisedtransactions"); got != deltas {
		t.Errorf("after a restart: %s\nwant %s", got, deltas)
	}
	n.CLI(t, "checkmempool")

	// Without persistmempool the file is neither read nor written, but when that
	// is asked for.
	n.Stop(t)
	file := filepath.Join(dir, "regtest", "mempool.dat")
	saved, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	n = procs.Start(t, bin, dir, "--persistmempool=0")
	loaded(n)
	if got := n.CLI(t, "getrawmempool"); strings.Contains(got, `"`) {
		t.Errorf("without the file: %s", got)
	}
	n.Stop(t)
	if now, err := os.ReadFile(file); err != nil || string(now) != string(saved) {
		t.Errorf("the file is another one: %v", err)
	}
	n = procs.Start(t, bin, dir, "--persistmempool=0")
	if got := n.CLI(t, "savemempool"); !strings.Contains(got, file) {
		t.Errorf("savemempool: %s", got)
	}
	n.Stop(t)
	if now, err := os.ReadFile(file); err != nil || len(now) >= len(saved) {
		t.Errorf("the file was not written: %v", err)
	}

	// A damaged file costs a warning, and nothing else.
	if err := os.WriteFile(file, saved[:len(saved)-40], 0o600); err != nil {
		t.Fatal(err)
	}
	n = procs.Start(t, bin, dir)
	loaded(n)
	if got := n.CLI(t, "getmempoolinfo"); !strings.Contains(got, `"size": 2`) {
		t.Errorf("of a damaged file: %s", got)
	}
	n.Stop(t)
}

// TestPackageOutlivesNode stops a node, and kills one, with a transaction in its pool
// that pays nothing and the child that pays for it. No peer has them until the end.
func TestPackageOutlivesNode(t *testing.T) {
	bin, dir := procs.Build(t), t.TempDir()
	n := procs.Start(t, bin, dir)
	other := procs.Start(t, bin, t.TempDir())
	n.CLI(t, "generatetodescriptor", "101", "raw(51)")
	meet := func() { n.CLI(t, "addnode", "127.0.0.1:"+other.PeerPort, "onetry") }
	meet()
	procs.Eventually(t, func() bool { return other.CLI(t, "getblockcount") == "101" })
	other.Stop(t)
	block := n.CLI(t, "getblock", n.CLI(t, "getblockhash", "1"))
	_, list, _ := strings.Cut(block, `"tx": [`)
	coinbase, err := wire.ParseHash(strings.Split(list, `"`)[1])
	if err != nil {
		t.Fatal(err)
	}
	spend := func(txid wire.Hash, value wire.Amount) *wire.Tx {
		return &wire.Tx{
			Version: 3,
			Inputs:  []wire.TxIn{{PrevOut: wire.OutPoint{TxID: txid}, Sequence: wire.SequenceFinal}},
			Outputs: []wire.TxOut{{Value: value, PkScript: []byte{0x51}}, {PkScript: []byte{0x6a, 1, 2}}},
		}
	}
	parent := spend(coinbase, 50*wire.Coin)
	child := spend(parent.TxID(), 50*wire.Coin-10_000)
	pkg := fmt.Sprintf(`["%x","%x"]`, parent.Append(nil), child.Append(nil))
	if got := n.CLI(t, "submitpackage", pkg); !strings.Contains(got, `"package_msg": "success"`) {
		t.Fatal(got)
	}
	pool := func() string { return n.CLI(t, "getrawmempool", "true") }
	want := pool()
	if strings.Count(want, `"unbroadcast": true`) != 2 {
		t.Fatalf("the pool has %s", want)
	}
	again := func(how string) {
		t.Helper()
		n = procs.Start(t, bin, dir)
		procs.Eventually(t, func() bool { return strings.Contains(n.CLI(t, "getmempoolinfo"), `"loaded": true`) })
		if got := pool(); got != want {
			t.Errorf("%s: the pool has %s, want %s", how, got, want)
		}
		n.CLI(t, "checkmempool")
	}
	n.Kill()
	again("killed")
	n.Stop(t)
	again("stopped")
	n.Kill()
	again("killed after it was stopped")

	// A peer takes both, which is as well known after the next kill.
	other.Restart(t)
	meet()
	procs.Eventually(t, func() bool {
		return strings.Contains(n.CLI(t, "getmempoolinfo"), `"unbroadcastcount": 0`) && strings.Contains(other.CLI(t, "getmempoolinfo"), `"size": 2`)
	})
	want = pool()
	n.Kill()
	again("killed with a peer")
	n.Stop(t)
	other.Stop(t)
}
