package rpc

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/keelson-chain/keelson/p2p/peerinfo"
	"github.com/keelson-chain/keelson/rpc/jsonrpc"
)

func peerMethods() []method {
	node := func(help string) param { return need("node", tString, help) }
	return []method{
		{
			name: "getconnectioncount", category: "network", run: getconnectioncount,
			help:     "The number of peers.",
			results:  one(rNumber("", "peers")),
			examples: []string{""},
		},
		{
			name: "getpeerinfo", category: "network", run: getpeerinfo,
			help: "The peers. Addresses are libp2p's multi-addresses.",
			results: one(rArray("", "", rObject("", "a peer",
				rNumber("id", "counts the connections since the node started"),
				rString("addr", "its address"),
				maybe(rString("addrbind", "our end of the connection")),
				maybe(rString("addrlocal", "our address as the peer sees it")),
				rString("network", "the kind of its address: "+networkNames(true)),
				rHex("services", "services that it offers, as bits"),
				rArray("servicesnames", "the same by name", rString("SERVICE_NAME", "a service")),
				rBool("relaytxes", "whether transactions are relayed to it"),
				rTime("lastsend", "when something was sent to it"),
				rTime("lastrecv", "when something came from it"),
				rTime("last_transaction", "when the last valid transaction that was new to us came from it"),
				rTime("last_block", "when the last block that was new to us came from it"),
				rNumber("bytessent", "bytes sent to it"),
				rNumber("bytesrecv", "bytes that came from it"),
				rTime("conntime", "when it connected"),
				rNumber("timeoffset", "by how many seconds its clock differed from ours then"),
				maybe(rNumber("pingtime", "how long the last ping took, in seconds")),
				maybe(rNumber("minping", "how long the fastest ping took, in seconds")),
				maybe(rNumber("pingwait", "for how long a ping has been waiting for its answer, in seconds")),
				rNumber("version", "of the protocol that it speaks"),
				rString("subver", "what it calls itself"),
				rBool("inbound", "whether it called us"),
				rBool("bip152_hb_to", "whether we asked it to push compact blocks to us"),
				rBool("bip152_hb_from", "whether it asked us to push compact blocks to it"),
				rNumber("startingheight", "the height of its chain when it connected"),
				rNumber("presynced_headers", "how far a first pass over headers that are not kept has come; -1: there is none"),
				rNumber("synced_headers", "the height of the last header that we have in common; -1: not known"),
				rNumber("synced_blocks", "the height of the last block that we have in common; -1: not known"),
				rArray("inflight", "blocks that it was asked for", rNumber("n", "a height")),
				rBool("addr_relay_enabled", "whether addresses are exchanged with it"),
				rNumber("addr_processed", "addresses that were taken from it"),
				rNumber("addr_rate_limited", "addresses that were dropped because it sent too many"),
				rArray("permissions", "what the whitelist allows it", rString("permission_type", "a permission")),
				rAmount("minfeefilter", "the least fee of transactions that it takes, in coins per 1000 virtual bytes"),
				rMap("bytessent_per_msg", "bytes sent by kind of message", rNumber("msg", "bytes")),
				rMap("bytesrecv_per_msg", "bytes received by kind of message", rNumber("msg", "bytes")),
				rString("connection_type", "what the connection is for: "+kindNames()),
				rString("transport_protocol_type", "what carries the connection, such as quic-v1"),
				rString("session_id", "the connection's identity"),
				rString("peer_id", "the libp2p peer id")))),
			examples: []string{""},
		},
		{
			name: "ping", category: "network", run: ping,
			help:     "Ping every peer. getpeerinfo tells in pingtime and pingwait how long it took; a ping queues behind what else the peer is sent.",
			results:  one(rNull()),
			examples: []string{""},
		},
		{
			name: "addnode", category: "network", run: addnode,
			help: "Keep calling a node, cease to, or call it once. Such nodes do not count for maxconnections and are not banned.",
			params: []param{
				node("The node: a multi-address, with or without /p2p/ID, or HOST:PORT (see getpeerinfo)"),
				need("command", tString, "'add' to put it on the list of nodes to keep calling, 'remove' to take it off, 'onetry' to call it once"),
				{names: "v2transport", typ: tBool, def: "set by -v2transport", hint: true, help: "Without effect: every connection is encrypted"},
			},
			results:  one(rNull()),
			examples: []string{`"192.168.0.6:18444" "onetry"`, `"/ip4/192.168.0.6/udp/18444/quic-v1" "add"`},
		},
		{
			name: "getaddednodeinfo", category: "network", run: getaddednodeinfo,
			help:   "The nodes that addnode, the call or the setting, has put on the list.",
			params: []param{{names: "node", typ: tString, def: "all nodes", hint: true, help: "The node to tell about, as it was given"}},
			results: one(rArray("", "", rObject("", "",
				rString("addednode", "the node, as it was given"),
				rBool("connected", "whether it is a peer"),
				rArray("addresses", "the connections to it", rObject("", "",
					rString("address", "its address"),
					rString("connected", "inbound or outbound")))))),
			examples: []string{"", `"192.168.0.201"`},
		},
		{
			name: "disconnectnode", category: "network", run: disconnectnode,
			help: "Disconnect a peer. It is given by its address or by its number: for the latter leave the address empty, or name the argument.",
			params: []param{
				{names: "address", typ: tString, def: "fallback to nodeid", hint: true, help: "Its address in getpeerinfo, with or without /p2p/ID, as HOST:PORT, or its libp2p peer id"},
				{names: "nodeid", typ: tNumber, def: "fallback to address", hint: true, help: "Its id in getpeerinfo"},
			},
			results:  one(rNull()),
			examples: []string{`"192.168.0.6:18444"`, `"" 1`},
		},
	}
}

// networkNames lists the networks for help.
func networkNames(unroutable bool) string {
	var names []string
	for _, network := range peerinfo.Networks() {
		names = append(names, string(network))
	}
	if unroutable {
		names = append(names, string(peerinfo.Unroutable))
	}
	return strings.Join(names, ", ")
}

// kindNames lists the kinds of connections for help.
func kindNames() string {
	var names []string
	for _, kind := range peerinfo.Kinds() {
		names = append(names, string(kind))
	}
	return strings.Join(names, ", ")
}

func getconnectioncount(c *call) (any, error) {
	if c.Network == nil {
		return nil, errNoNetwork
	}
	local := c.Network.Local()
	return local.In + local.Out, nil
}

func getpeerinfo(c *call) (any, error) {
	if c.Network == nil {
		return nil, errNoNetwork
	}
	list := []jsonrpc.Object{}
	for _, p := range c.Network.Peers() {
		list = append(list, peerObject(&p))
	}
	return list, nil
}

// peerObject is an element of getpeerinfo.
func peerObject(p *peerinfo.Peer) jsonrpc.Object {
	inFlight := make([]any, len(p.InFlight))
	for i, height := range p.InFlight {
		inFlight[i] = height
	}
	permissions := p.Permissions
	if permissions == nil {
		permissions = []string{}
	}
	var o jsonrpc.Object
	o.Add("id", p.Num)
	o.Add("addr", p.Addr)
	if p.Bind != "" {
		o.Add("addrbind", p.Bind)
	}
	if p.Local != "" {
		o.Add("addrlocal", p.Local)
	}
	o.Add("network", string(p.Network))
	o.Add("services", serviceBits(p.Services))
	o.Add("servicesnames", serviceNames(p.Services))
	o.Add("relaytxes", p.RelayTxs)
	o.Add("lastsend", seconds(p.LastSend))
	o.Add("lastrecv", seconds(p.LastRecv))
	o.Add("last_transaction", seconds(p.LastTx))
	o.Add("last_block", seconds(p.LastBlk))
	o.Add("bytessent", p.Sent.Total)
	o.Add("bytesrecv", p.Received.Total)
	o.Add("conntime", seconds(p.Connected))
	o.Add("timeoffset", int64(p.TimeOffset/time.Second))
	if p.Ping > 0 {
		o.Add("pingtime", p.Ping.Seconds())
	}
	if p.MinPing > 0 {
		o.Add("minping", p.MinPing.Seconds())
	}
	if p.PingWait > 0 {
		o.Add("pingwait", p.PingWait.Seconds())
	}
	o.Add("version", p.Version)
	o.Add("subver", p.Subver)
	o.Add("inbound", p.Kind == peerinfo.Inbound)
	o.Add("bip152_hb_to", p.PushTo)
	o.Add("bip152_hb_from", p.PushFrom)
	o.Add("startingheight", p.StartingHeight)
	o.Add("presynced_headers", p.PresyncedHeaders)
	o.Add("synced_headers", p.SyncedHeaders)
	o.Add("synced_blocks", p.SyncedBlocks)
	o.Add("inflight", inFlight)
	o.Add("addr_relay_enabled", p.AddrRelay)
	o.Add("addr_processed", p.AddrProcessed)
	o.Add("addr_rate_limited", p.AddrRateLimited)
	o.Add("permissions", permissions)
	o.Add("minfeefilter", p.MinFeeRate)
	o.Add("bytessent_per_msg", byMessage(p.Sent))
	o.Add("bytesrecv_per_msg", byMessage(p.Received))
	o.Add("connection_type", string(p.Kind))
	o.Add("transport_protocol_type", p.Transport)
	o.Add("session_id", p.Session)
	o.Add("peer_id", p.ID)
	return o
}

// seconds is a time in seconds since 1970; 0 for one that has not come.
func seconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

// byMessage lists what was more than nothing, by name.
func byMessage(t peerinfo.Traffic) jsonrpc.Object {
	o := jsonrpc.Object{}
	for _, name := range slices.Sorted(maps.Keys(t.ByMessage)) {
		if n := t.ByMessage[name]; n > 0 {
			o.Add(name, n)
		}
	}
	return o
}

func ping(c *call) (any, error) {
	if c.Network == nil {
		return nil, errNoNetwork
	}
	c.Network.Ping()
	return nil, nil
}

func addnode(c *call) (any, error) {
	node, command := c.text(0), c.text(1)
	if c.err != nil {
		return nil, c.err
	}
	if !slices.Contains([]string{"add", "remove", "onetry"}, command) {
		return nil, jsonrpc.Errorf(jsonrpc.CodeMisc, "%s", c.method.text())
	}
	if c.Network == nil {
		return nil, errNoNetwork
	}
	var err error
	switch command {
	case "add":
		err = c.Network.AddNode(node)
	case "remove":
		err = c.Network.RemoveNode(node)
	case "onetry":
		err = c.Network.OneTry(c.ctx, node)
	}
	switch {
	case errors.Is(err, peerinfo.ErrAdded):
		return nil, jsonrpc.Errorf(jsonrpc.CodeNodeAlreadyAdded, "Error: Node already added")
	case errors.Is(err, peerinfo.ErrNotAdded):
		return nil, jsonrpc.Errorf(jsonrpc.CodeNodeNotAdded, "Error: Node could not be removed. It has not been added previously.")
	case errors.Is(err, peerinfo.ErrAddress):
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidSubnet, "Error: Invalid address: %v", err)
	}
	return nil, err
}

func getaddednodeinfo(c *call) (any, error) {
	if c.Network == nil {
		return nil, errNoNetwork
	}
	nodes := c.Network.AddedNodes()
	if c.has(0) {
		name := c.text(0)
		if c.err != nil {
			return nil, c.err
		}
		at := slices.IndexFunc(nodes, func(n peerinfo.AddedNode) bool { return n.Addr == name })
		if at < 0 {
			return nil, jsonrpc.Errorf(jsonrpc.CodeNodeNotAdded, "Error: Node has not been added.")
		}
		nodes = nodes[at : at+1]
	}
	list := make([]jsonrpc.Object, len(nodes))
	for i, n := range nodes {
		addresses := make([]jsonrpc.Object, len(n.Peers))
		for j, p := range n.Peers {
			direction := "outbound"
			if p.Inbound {
				direction = "inbound"
			}
			addresses[j].Add("address", p.Addr)
			addresses[j].Add("connected", direction)
		}
		list[i].Add("addednode", n.Addr)
		list[i].Add("connected", len(n.Peers) > 0)
		list[i].Add("addresses", addresses)
	}
	return list, nil
}

func disconnectnode(c *call) (any, error) {
	if c.Network == nil {
		return nil, errNoNetwork
	}
	var num int64
	switch byAddress, byNum := c.has(0), c.has(1); {
	case byAddress && !byNum:
		address := c.text(0)
		peers := c.Network.Peers()
		at := slices.IndexFunc(peers, func(p peerinfo.Peer) bool { return p.Named(address) })
		if at < 0 {
			return nil, errNotConnected
		}
		num = peers[at].Num
	case byNum && (!byAddress || c.text(0) == ""):
		num = c.int(1, 64)
	default:
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParams, "Only one of address and nodeid should be provided.")
	}
	if c.err != nil {
		return nil, c.err
	}
	err := c.Network.Disconnect(num)
	if errors.Is(err, peerinfo.ErrNotConnected) {
		return nil, errNotConnected
	}
	return nil, err
}

var errNotConnected = jsonrpc.Errorf(jsonrpc.CodeNodeNotConnected, "Node not found in connected nodes")
