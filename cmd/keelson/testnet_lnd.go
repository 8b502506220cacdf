package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/keelson-chain/keelson/rpc/jsonrpc"
	"github.com/keelson-chain/keelson/testnet"
)

// lndNames are the lnds that "testnet up --lnd" makes folders for: two, because a
// channel has two ends.
var lndNames = []string{"alice", "bob"}

// Ports of the first lnd, which are lnd's own; those of the second are one higher.
const (
	lndPeerPort = 9735
	lndRPCPort  = 10009
	lndRESTPort = 8080
)

// lnd is a folder with an lnd.conf in the network's folder. Its chain is a node of
// the network.
type lnd struct {
	name string
	dir  string
	rpc  string // HOST:PORT for lncli
}

// lnds are those of a network in dir.
func lnds(dir string) []lnd {
	all := make([]lnd, len(lndNames))
	for i, name := range lndNames {
		all[i] = lnd{name: name, dir: filepath.Join(dir, "lnd-"+name), rpc: "127.0.0.1:" + strconv.Itoa(lndRPCPort+i)}
	}
	return all
}

// removeLnds deletes what lnds have in the network's folder. Their wallets are of
// use on their chain alone, which goes, too.
func removeLnds(dir string) error {
	var err error
	for _, l := range lnds(dir) {
		err = errors.Join(err, os.RemoveAll(l.dir))
	}
	return err
}

// writeLnds writes every lnd.conf. Others must not read them: the password of the
// node is there.
func writeLnds(n *testnet.Network) error {
	user, password := n.Credentials()
	for i, l := range lnds(n.Dir()) {
		if err := os.MkdirAll(l.dir, 0o700); err != nil {
			return fmt.Errorf("--lnd: %w", err)
		}
		node := n.Nodes[i%len(n.Nodes)]
		text := l.conf(i, node.RPCAddress, user, password)
		if err := os.WriteFile(filepath.Join(l.dir, "lnd.conf"), []byte(text), 0o600); err != nil {
			return fmt.Errorf("--lnd: %w", err)
		}
	}
	return nil
}

// conf is the lnd.conf of the lnd with that number. docs/LIGHTNING.md explains it.
func (l lnd) conf(number int, node, user, password string) string {
	var b strings.Builder
	section := func(name string, lines ...string) {
		fmt.Fprintf(&b, "[%s]\n%s\n\n", name, strings.Join(lines, "\n"))
	}
	section("Application Options",
		"alias="+l.name,
		fmt.Sprintf("listen=127.0.0.1:%d", lndPeerPort+number),
		fmt.Sprintf("rpclisten=%s", l.rpc),
		fmt.Sprintf("restlisten=127.0.0.1:%d", lndRESTPort+number),
		"; a wallet without a password, for a chain whose coins are worth nothing",
		"noseedbackup=true",
		"nobootstrap=true",
		"trickledelay=50")
	section("Bitcoin",
		"bitcoin.regtest=true",
		"bitcoin.node=bitcoind",
		"bitcoin.defaultchanconfs=1")
	section("Bitcoind",
		"bitcoind.rpchost="+node,
		"bitcoind.rpcuser="+strconv.Quote(user),
		"bitcoind.rpcpass="+strconv.Quote(password),
		"bitcoind.rpcpolling=true",
		"bitcoind.blockpollinginterval=1s",
		"bitcoind.txpollinginterval=1s")
	return strings.TrimSuffix(b.String(), "\n")
}

// start is how the lnd is started.
func (l lnd) start() string { return "lnd --lnddir=" + quoteIfNeeded(l.dir) }

// lncli is how it is called.
func (l lnd) lncli(command string) string {
	return fmt.Sprintf("lncli --lnddir=%s --network=regtest --rpcserver=%s %s", quoteIfNeeded(l.dir), l.rpc, command)
}

// lndEndpoints is what "testnet up --lnd --json" prints of them.
func lndEndpoints(dir string) []jsonrpc.Object {
	var all []jsonrpc.Object
	for _, l := range lnds(dir) {
		all = append(all, jsonrpc.Object{
			{Key: "name", Value: l.name},
			{Key: "dir", Value: l.dir},
			{Key: "rpc", Value: l.rpc},
			{Key: "start", Value: l.start()},
		})
	}
	return all
}
