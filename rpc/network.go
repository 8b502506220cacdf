package rpc

import (
	"github.com/keelson-chain/keelson/rpc/jsonrpc"
	"github.com/keelson-chain/keelson/wire"
)

// What the node calls itself. Clients ask for a Bitcoin Core of at least some
// version; the methods here are those of 28.1.
const (
	coreVersion    = 280100
	coreSubversion = "/Satoshi:28.1.0/"
)

func networkMethods() []method {
	return []method{
		{
			name: "getnetworkinfo", category: "network", run: getnetworkinfo,
			help: "About the connection to other nodes. The node has none yet.",
			results: one(rObject("", "",
				rNumber("version", "the version of Bitcoin Core whose methods these are"),
				rString("subversion", "what the node calls itself"),
				rNumber("protocolversion", "of Bitcoin's peer-to-peer protocol"),
				rHex("localservices", "services offered to peers, as bits"),
				rArray("localservicesnames", "the same by name", rString("SERVICE_NAME", "a service")),
				rBool("localrelay", "whether transactions are relayed"),
				rNumber("timeoffset", "always 0: clocks of peers are not asked"),
				rBool("networkactive", "whether there is a network"),
				rNumber("connections", "peers"),
				rNumber("connections_in", "peers that called"),
				rNumber("connections_out", "peers that were called"),
				rArray("networks", "", rObject("", "",
					rString("name", "a kind of address"),
					rBool("limited", "whether it is left out"),
					rBool("reachable", "whether it can be reached"),
					rString("proxy", "through which proxy"),
					rBool("proxy_randomize_credentials", "whether each connection to it has its own name"))),
				rAmount("relayfee", "the least fee for relay, in coins per 1000 virtual bytes"),
				rAmount("incrementalfee", "what a replacement must pay on top, in coins per 1000 virtual bytes"),
				rArray("localaddresses", "", rObject("", "",
					rString("address", "an address of ours"),
					rNumber("port", "its port"),
					rNumber("score", "how sure it is"))),
				rWarnings)),
			examples: []string{""},
		},
		{
			name: "getconnectioncount", category: "network", run: getconnectioncount,
			help:     "The number of peers.",
			results:  one(rNumber("", "peers")),
			examples: []string{""},
		},
		{
			name: "getpeerinfo", category: "network", run: getpeerinfo,
			help:     "The peers. The node has none yet.",
			results:  one(rArray("", "", rObject("", "a peer", rMore("")))),
			examples: []string{""},
		},
	}
}

func getnetworkinfo(c *call) (any, error) {
	var networks []jsonrpc.Object
	for _, name := range []string{"ipv4", "ipv6", "onion", "i2p", "cjdns"} {
		var o jsonrpc.Object
		o.Add("name", name)
		o.Add("limited", true)
		o.Add("reachable", false)
		o.Add("proxy", "")
		o.Add("proxy_randomize_credentials", false)
		networks = append(networks, o)
	}
	rules := c.Pool.Rules()
	var o jsonrpc.Object
	o.Add("version", coreVersion)
	o.Add("subversion", c.s.subversion)
	o.Add("protocolversion", 70016)
	o.Add("localservices", "0000000000000409")
	o.Add("localservicesnames", []string{"NETWORK", "WITNESS", "NETWORK_LIMITED"})
	o.Add("localrelay", true)
	o.Add("timeoffset", 0)
	o.Add("networkactive", true)
	o.Add("connections", 0)
	o.Add("connections_in", 0)
	o.Add("connections_out", 0)
	o.Add("networks", networks)
	o.Add("relayfee", wire.Amount(rules.MinRelay))
	o.Add("incrementalfee", wire.Amount(rules.IncrementalRelay))
	o.Add("localaddresses", []jsonrpc.Object{})
	o.Add("warnings", c.s.warnings())
	return o, nil
}

func getconnectioncount(*call) (any, error) { return 0, nil }

func getpeerinfo(*call) (any, error) { return []jsonrpc.Object{}, nil }
