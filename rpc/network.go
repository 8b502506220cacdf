package rpc

import (
	"fmt"
	"math/bits"
	"slices"
	"time"

	"github.com/keelson-chain/keelson/p2p/message"
	"github.com/keelson-chain/keelson/p2p/peerinfo"
	"github.com/keelson-chain/keelson/rpc/jsonrpc"
	"github.com/keelson-chain/keelson/wire"
)

// What the node calls itself. Clients ask for a Bitcoin Core of at least some
// version; the methods here are those of 28.1.
const (
	coreVersion    = 280100
	coreSubversion = "/Satoshi:28.1.0/"
	// ProtocolVersion is that of Bitcoin's peer-to-peer protocol whose services
	// and messages ours match.
	ProtocolVersion = 70016
)

// errNoNetwork is what methods about peers say without a peer-to-peer layer.
var errNoNetwork = jsonrpc.Errorf(jsonrpc.CodeP2PDisabled, "Error: Peer-to-peer functionality missing or disabled")

func networkMethods() []method {
	return []method{
		{
			name: "getnetworkinfo", category: "network", run: getnetworkinfo,
			help: "About the connection to other nodes.",
			results: one(rObject("", "",
				rNumber("version", "the version of Bitcoin Core whose methods these are"),
				rString("subversion", "what the node calls itself"),
				rNumber("protocolversion", "of Bitcoin's peer-to-peer protocol"),
				rHex("localservices", "services offered to peers, as bits"),
				rArray("localservicesnames", "the same by name", rString("SERVICE_NAME", "a service")),
				rBool("localrelay", "whether transactions are relayed"),
				rNumber("timeoffset", "by how many seconds the clocks of peers that we called differ from ours, in the median; it has no effect"),
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
				rWarnings,
				maybe(rString("peer_id", "the libp2p peer id of the node")),
				maybe(rArray("listening", "what is listened on", rString("", "a multi-address"))))),
			examples: []string{""},
		},
		{
			name: "getnettotals", category: "network", run: getnettotals,
			help: "How much was received and sent since the node started.",
			results: one(rObject("", "",
				rNumber("totalbytesrecv", "bytes received"),
				rNumber("totalbytessent", "bytes sent"),
				rNumber("timemillis", "the time, in milliseconds since 1970"),
				rObject("uploadtarget", "the limit on what is sent",
					rNumber("timeframe", "how long it counts, in seconds"),
					rNumber("target", "bytes; 0: there is no limit"),
					rBool("target_reached", "whether that much was sent"),
					rBool("serve_historical_blocks", "whether old blocks are served"),
					rNumber("bytes_left_in_cycle", "bytes that may still be sent"),
					rNumber("time_left_in_cycle", "seconds until it counts anew")))),
			examples: []string{""},
		},
		{
			name: "setnetworkactive", category: "network", run: setnetworkactive,
			help:    "Switch the network off, which disconnects every peer, or on.",
			params:  []param{need("state", tBool, "true to switch it on, false to switch it off")},
			results: one(rBool("", "the state that was given")),
		},
	}
}

func getnetworkinfo(c *call) (any, error) {
	local := peerinfo.Local{
		Active:   true,
		RelayTxs: true,
		Services: message.ServiceNetwork | message.ServiceWitness | message.ServiceNetworkLimited,
	}
	if c.Network != nil {
		local = c.Network.Local()
	}
	var networks []jsonrpc.Object
	for _, network := range peerinfo.Networks() {
		reachable := slices.Contains(local.Reachable, network)
		var o jsonrpc.Object
		o.Add("name", string(network))
		o.Add("limited", !reachable)
		o.Add("reachable", reachable)
		o.Add("proxy", "")
		o.Add("proxy_randomize_credentials", false)
		networks = append(networks, o)
	}
	addresses := make([]jsonrpc.Object, len(local.Addresses))
	for i, a := range local.Addresses {
		addresses[i].Add("address", a.Host)
		addresses[i].Add("port", int(a.Port))
		addresses[i].Add("score", a.Score)
	}
	rules := c.Pool.Rules()
	var o jsonrpc.Object
	o.Add("version", coreVersion)
	o.Add("subversion", c.s.subversion)
	o.Add("protocolversion", ProtocolVersion)
	o.Add("localservices", serviceBits(local.Services))
	o.Add("localservicesnames", serviceNames(local.Services))
	o.Add("localrelay", local.RelayTxs)
	o.Add("timeoffset", int64(local.TimeOffset/time.Second))
	o.Add("networkactive", local.Active)
	o.Add("connections", local.In+local.Out)
	o.Add("connections_in", local.In)
	o.Add("connections_out", local.Out)
	o.Add("networks", networks)
	o.Add("relayfee", wire.Amount(rules.MinRelay))
	o.Add("incrementalfee", wire.Amount(rules.IncrementalRelay))
	o.Add("localaddresses", addresses)
	o.Add("warnings", c.s.warnings())
	if local.ID != "" {
		o.Add("peer_id", local.ID)
		o.Add("listening", local.Listen)
	}
	return o, nil
}

// serviceBits writes services as getnetworkinfo and getpeerinfo do.
func serviceBits(services uint64) string { return fmt.Sprintf("%016x", services) }

// serviceNames names services, lowest bit first, as Bitcoin Core does.
func serviceNames(services uint64) []string {
	names := []string{}
	for ; services != 0; services &= services - 1 {
		switch bit := services & -services; bit {
		case message.ServiceNetwork:
			names = append(names, "NETWORK")
		case message.ServiceBloom:
			names = append(names, "BLOOM")
		case message.ServiceWitness:
			names = append(names, "WITNESS")
		case message.ServiceCompactFilters:
			names = append(names, "COMPACT_FILTERS")
		case message.ServiceNetworkLimited:
			names = append(names, "NETWORK_LIMITED")
		case message.ServiceV2:
			names = append(names, "P2P_V2")
		default:
			names = append(names, fmt.Sprintf("UNKNOWN[2^%d]", bits.TrailingZeros64(bit)))
		}
	}
	return names
}

func getnettotals(c *call) (any, error) {
	if c.Network == nil {
		return nil, errNoNetwork
	}
	totals := c.Network.Totals()
	up := &totals.Upload
	var upload, o jsonrpc.Object
	upload.Add("timeframe", int64(up.Timeframe.Seconds()))
	upload.Add("target", up.Target)
	upload.Add("target_reached", up.Reached)
	upload.Add("serve_historical_blocks", up.ServeHistorical)
	upload.Add("bytes_left_in_cycle", up.Left)
	upload.Add("time_left_in_cycle", int64(up.LeftTime.Seconds()))
	o.Add("totalbytesrecv", totals.Received.Total)
	o.Add("totalbytessent", totals.Sent.Total)
	o.Add("timemillis", c.s.clock.Now().UnixMilli())
	o.Add("uploadtarget", upload)
	return o, nil
}

func setnetworkactive(c *call) (any, error) {
	active := c.bool(0)
	if c.err != nil {
		return nil, c.err
	}
	if c.Network == nil {
		return nil, errNoNetwork
	}
	c.Network.SetActive(active)
	return active, nil
}
