package main

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/keelson-chain/keelson/rpc/client"
	"github.com/keelson-chain/keelson/testnet/procs"
)

// TestTestnetLnd: what "up --lnd" writes leads an lnd to a node, and is there as
// long as the chain is. interop/lnd starts lnds from it.
func TestTestnetLnd(t *testing.T) {
	bin, dir := procs.Build(t), t.TempDir()
	const password = `with "quotes"; and #`
	n := upTestnet(t, bin, dir, "--base-port=0", "--nodes=2", "--lnd", "--keep", "--password="+password)
	wallet := filepath.Join(dir, "lnd-bob", "wallet")
	for i, name := range lndNames {
		conf := readConf(t, filepath.Join(dir, "lnd-"+name, "lnd.conf"))
		if want := strings.TrimPrefix(n.Nodes[i].RPC, "http://"); conf["bitcoind.rpchost"] != want {
			t.Errorf("%s's node is %s, want %s", name, conf["bitcoind.rpchost"], want)
		}
		c := client.New(client.Config{Address: conf["bitcoind.rpchost"], User: conf["bitcoind.rpcuser"], Password: conf["bitcoind.rpcpass"]})
		if _, err := c.Call(t.Context(), "getblockcount"); err != nil {
			t.Errorf("with what %s is told: %v", name, err)
		}
		c.Close()
		if conf["alias"] != name || conf["bitcoin.node"] != "bitcoind" || conf["bitcoin.regtest"] != "true" {
			t.Errorf("%s: %v", name, conf)
		}
	}
	alice, bob := readConf(t, filepath.Join(dir, "lnd-alice", "lnd.conf")), readConf(t, filepath.Join(dir, "lnd-bob", "lnd.conf"))
	for _, port := range []string{"listen", "rpclisten", "restlisten"} {
		if !strings.HasPrefix(alice[port], "127.0.0.1:") || alice[port] == bob[port] {
			t.Errorf("%s is %s for alice and %s for bob", port, alice[port], bob[port])
		}
	}
	if err := os.WriteFile(wallet, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	n.stop(t, syscall.SIGTERM)

	// The chain goes on, and with it the wallets.
	n = upTestnet(t, bin, dir, "--lnd", "--keep")
	if _, err := os.Stat(wallet); err != nil {
		t.Errorf("of a network that was kept: %v", err)
	}
	n.stop(t, syscall.SIGTERM)

	// Another chain, where an earlier one was killed.
	dir = t.TempDir()
	wallet = filepath.Join(dir, "lnd-bob", "wallet")
	if err := errors.Join(os.Mkdir(filepath.Dir(wallet), 0o700), os.WriteFile(wallet, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	n = upTestnet(t, bin, dir, "--base-port=0", "--nodes=1", "--lnd")
	if _, err := os.Stat(wallet); err == nil {
		t.Error("a wallet of a chain that is gone is left")
	}
	if a, b := readConf(t, filepath.Join(dir, "lnd-alice", "lnd.conf")), readConf(t, filepath.Join(dir, "lnd-bob", "lnd.conf")); a["bitcoind.rpchost"] != b["bitcoind.rpchost"] {
		t.Errorf("two nodes of one: %s and %s", a["bitcoind.rpchost"], b["bitcoind.rpchost"])
	}
	n.stop(t, syscall.SIGTERM)
	if _, err := os.Stat(filepath.Join(dir, "lnd-alice")); err == nil {
		t.Error("the folder is left behind")
	}
}

// readConf reads an lnd.conf as lnd's parser does, and wants nobody else to be able
// to read it.
func readConf(t *testing.T, name string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	conf := map[string]string{}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == ';' || line[0] == '[' {
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		if !ok {
			t.Fatalf("%s: %q", name, line)
		}
		if strings.HasPrefix(value, `"`) {
			if value, err = strconv.Unquote(value); err != nil {
				t.Fatalf("%s: %q: %v", name, line, err)
			}
		}
		conf[key] = value
	}
	return conf
}
