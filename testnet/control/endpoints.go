package control

import (
	"fmt"
	"net"
	"strings"

	"github.com/keelson-chain/keelson/rpc/jsonrpc"
	"github.com/keelson-chain/keelson/testnet"
)

// URL is the address of a path of the server.
func (s *Server) URL(path string) string { return "http://" + s.cfg.Listener.Addr().String() + path }

// Endpoints is what programs are told of a network that is ready: where everything
// is, and all keys. docs/TESTNET.md has the shape, to which members may be added.
func (s *Server) Endpoints(env string) jsonrpc.Object {
	n := s.cfg.Network
	user, password := n.Credentials()
	var nodes []jsonrpc.Object
	for _, nd := range n.Nodes {
		nodes = append(nodes, jsonrpc.Object{
			{Key: "id", Value: nd.ID},
			{Key: "rpc", Value: "http://" + nd.RPCAddress},
			{Key: "p2p", Value: nd.P2PAddress},
			{Key: "explorer", Value: "http://" + nd.ExplorerAddress + "/"},
			{Key: "dir", Value: nd.Dir},
		})
	}
	var accounts []jsonrpc.Object
	for i, a := range n.Accounts {
		accounts = append(accounts, jsonrpc.Object{
			{Key: "index", Value: i},
			{Key: "address", Value: a.Address},
			{Key: "wif", Value: a.WIF},
			{Key: "descriptor", Value: a.Descriptor},
		})
	}
	return jsonrpc.Object{
		{Key: "control", Value: s.URL("/")},
		{Key: "explorer", Value: s.URL("/")},
		{Key: "esplora", Value: s.URL("/api")},
		{Key: "faucet", Value: s.URL(testnet.FaucetPath)},
		{Key: "user", Value: user},
		{Key: "password", Value: password},
		{Key: "dir", Value: n.Dir()},
		{Key: "env", Value: env},
		{Key: "seed", Value: n.Seed()},
		{Key: "descriptor", Value: n.Descriptor(true)},
		{Key: "nodes", Value: nodes},
		{Key: "accounts", Value: accounts},
	}
}

// Env is the same for a shell to source: the node's own variables, with which
// keelson cli calls node 0, those by which programs for Bitcoin often go, and the
// accounts.
func (s *Server) Env() string {
	n := s.cfg.Network
	user, password := n.Credentials()
	address := n.Nodes[0].RPCAddress
	host, port, _ := net.SplitHostPort(address)
	var b strings.Builder
	set := func(name, value string) {
		fmt.Fprintf(&b, "export %s='%s'\n", name, strings.ReplaceAll(value, "'", `'\''`))
	}
	set("KEELSON_TESTNET", n.Dir())
	set("KEELSON_NETWORK", "regtest")
	set("KEELSON_RPCPORT", port)
	set("KEELSON_RPCUSER", user)
	set("KEELSON_RPCPASSWORD", password)
	set("BITCOIN_NETWORK", "regtest")
	set("BITCOIN_RPC_URL", "http://"+address)
	set("BITCOIN_RPC_HOST", host)
	set("BITCOIN_RPC_PORT", port)
	set("BITCOIN_RPC_USER", user)
	set("BITCOIN_RPC_PASSWORD", password)
	set("ESPLORA_URL", s.URL("/api"))
	set("TESTNET_URL", s.URL("/"))
	for i, a := range n.Accounts {
		set(fmt.Sprintf("TESTNET_ADDRESS_%d", i), a.Address)
		set(fmt.Sprintf("TESTNET_WIF_%d", i), a.WIF)
	}
	return b.String()
}
