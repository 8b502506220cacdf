package rpc

import (
	"cmp"
	"context"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keelson-chain/keelson/consensus/chaingen"
	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/p2p/peerinfo"
	"github.com/keelson-chain/keelson/rpc/jsonrpc"
	"github.com/keelson-chain/keelson/wire"
)

// testNetwork is a Network in memory: its peers are what a test says, its lists
// work.
type testNetwork struct {
	fetched []wire.Hash // what FetchBlock was asked for
	local   peerinfo.Local
	peers   []peerinfo.Peer
	totals  peerinfo.Totals
	added   []peerinfo.AddedNode
	tried   []string
	pings   int
	bans    []peerinfo.Ban
	now     func() time.Time
	slots   []peerinfo.Slot
}

func (n *testNetwork) Local() peerinfo.Local   { return n.local }
func (n *testNetwork) Peers() []peerinfo.Peer  { return n.peers }
func (n *testNetwork) Totals() peerinfo.Totals { return n.totals }
func (n *testNetwork) Ping()                   { n.pings++ }
func (n *testNetwork) SetActive(active bool)   { n.local.Active = active }

func (n *testNetwork) Restart(_ context.Context, move func() error) error {
	n.peers = nil
	return move()
}

func (n *testNetwork) find(addr string) int {
	return slices.IndexFunc(n.added, func(a peerinfo.AddedNode) bool { return a.Addr == addr })
}

func (n *testNetwork) AddNode(addr string) error {
	switch {
	case !strings.ContainsAny(addr, ":/"):
		return peerinfo.ErrAddress
	case n.find(addr) >= 0:
		return peerinfo.ErrAdded
	}
	n.added = append(n.added, peerinfo.AddedNode{Addr: addr})
	return nil
}

func (n *testNetwork) RemoveNode(addr string) error {
	at := n.find(addr)
	if at < 0 {
		return peerinfo.ErrNotAdded
	}
	n.added = slices.Delete(n.added, at, at+1)
	return nil
}

func (n *testNetwork) OneTry(_ context.Context, addr string) error {
	n.tried = append(n.tried, addr)
	return nil
}

func (n *testNetwork) AddedNodes() []peerinfo.AddedNode { return n.added }

func (n *testNetwork) Disconnect(num int64) error {
	before := len(n.peers)
	n.peers = slices.DeleteFunc(n.peers, func(p peerinfo.Peer) bool { return p.Num == num })
	if len(n.peers) == before {
		return peerinfo.ErrNotConnected
	}
	return nil
}

func (n *testNetwork) FetchBlock(num int64, hash wire.Hash) error {
	switch {
	case !slices.ContainsFunc(n.peers, func(p peerinfo.Peer) bool { return p.Num == num }):
		return peerinfo.ErrNotConnected
	case slices.Contains(n.fetched, hash):
		return peerinfo.ErrAsked
	}
	n.fetched = append(n.fetched, hash)
	return nil
}

func (n *testNetwork) Ban(target string, until time.Time) error {
	_, err := netip.ParsePrefix(target)
	if err != nil && !strings.HasPrefix(target, "12D3Koo") {
		return peerinfo.ErrAddress
	}
	now := n.now()
	if until.IsZero() {
		until = now.Add(24 * time.Hour)
	}
	n.bans = append(n.bans, peerinfo.Ban{Target: target, Created: now, Until: until})
	return nil
}

func (n *testNetwork) Unban(target string) error {
	before := len(n.bans)
	n.bans = slices.DeleteFunc(n.bans, func(b peerinfo.Ban) bool { return b.Target == target })
	if len(n.bans) == before {
		return peerinfo.ErrNotBanned
	}
	return nil
}

func (n *testNetwork) Bans() []peerinfo.Ban { return n.bans }
func (n *testNetwork) ClearBans() error     { n.bans = nil; return nil }

func (n *testNetwork) Addresses(max int, network peerinfo.Network) (list []peerinfo.Address) {
	for _, slot := range n.slots {
		if (network == "" || slot.Network == network) && (max == 0 || len(list) < max) {
			list = append(list, slot.Address)
		}
	}
	return list
}

func (n *testNetwork) Slots() []peerinfo.Slot { return n.slots }

func (n *testNetwork) TableSizes() (list []peerinfo.TableSize) {
	sizes := map[peerinfo.Network]*peerinfo.TableSize{}
	for _, slot := range n.slots {
		size := sizes[slot.Network]
		if size == nil {
			size = &peerinfo.TableSize{Network: slot.Network}
			sizes[slot.Network] = size
		}
		if slot.Tried {
			size.Tried++
		} else {
			size.New++
		}
	}
	for _, size := range sizes {
		list = append(list, *size)
	}
	return list
}

// AddAddress has room for one address an IP address, and for one tried one.
func (n *testNetwork) AddAddress(multiaddr string, tried bool) (added, moved bool) {
	host, port, _ := peerinfo.HostPort(multiaddr)
	network := peerinfo.IPv4
	if strings.Contains(host, ":") {
		network = peerinfo.IPv6
	}
	if slices.ContainsFunc(n.slots, func(s peerinfo.Slot) bool { return s.Host == host }) {
		return false, false
	}
	moved = tried && !slices.ContainsFunc(n.slots, func(s peerinfo.Slot) bool { return s.Tried })
	n.slots = append(n.slots, peerinfo.Slot{
		Address: peerinfo.Address{Multiaddr: multiaddr, Host: host, Port: port, Network: network, Services: 9, Seen: n.now()},
		Source:  host, SourceNetwork: network, Tried: moved, Bucket: 7, Position: len(n.slots),
	})
	return true, moved
}

// mockNow is where the clock of networked nodes stands.
const mockNow = 1_700_000_000

// startNetworkedNode starts a node with a network in memory.
func startNetworkedNode(t *testing.T) (*testNode, *testNetwork) {
	t.Helper()
	n := startTestNode(t, nil)
	n.clock.SetMock(mockNow)
	net := &testNetwork{
		now: n.clock.Now,
		local: peerinfo.Local{
			ID: "12D3KooWSelf", Active: true, RelayTxs: true, Services: 1<<0 | 1<<3 | 1<<10 | 1<<40, In: 1, Out: 2,
			TimeOffset: -7500 * time.Millisecond,
			Reachable:  []peerinfo.Network{peerinfo.IPv4, peerinfo.IPv6},
			Listen:     []string{"/ip4/127.0.0.1/tcp/18444"},
			Addresses:  []peerinfo.LocalAddress{{Host: "192.0.2.9", Port: 18444, Score: 3}},
		},
		peers: []peerinfo.Peer{
			{Num: 4, ID: "12D3KooWA", Addr: "/ip4/192.0.2.1/tcp/18444/p2p/12D3KooWA", Network: peerinfo.IPv4, Kind: peerinfo.Inbound,
				Connected: time.Unix(mockNow-60, 0), PresyncedHeaders: -1, SyncedHeaders: -1, SyncedBlocks: -1},
			{
				Num: 5, ID: "12D3KooWB", Addr: "/ip6/2001:db8::1/udp/18444/quic-v1/p2p/12D3KooWB",
				Bind: "/ip6/2001:db8::9/udp/18444/quic-v1", Local: "/ip6/2001:db8::9/udp/18444/quic-v1",
				Network: peerinfo.IPv6, Kind: peerinfo.FullRelay, Transport: "quic-v1", Session: "12D3KooWB-7",
				Permissions: []string{"noban", "download"},
				Services:    1<<0 | 1<<3 | 1<<11, Version: 70016, Subver: "/Satoshi:28.1.0/Keelson:0.1.0/", RelayTxs: true,
				TimeOffset: -2500 * time.Millisecond, StartingHeight: 100,
				Connected: time.Unix(mockNow-120, 0), LastSend: time.Unix(mockNow-1, 0), LastRecv: time.Unix(mockNow-2, 0),
				LastTx: time.Unix(mockNow-3, 0), LastBlk: time.Unix(mockNow-4, 0),
				Sent:     peerinfo.Traffic{Total: 30, ByMessage: map[string]uint64{"ping": 10, "have": 20, "compact": 0}},
				Received: peerinfo.Traffic{Total: 12, ByMessage: map[string]uint64{"pong": 12}},
				Ping:     1500 * time.Microsecond, MinPing: time.Millisecond, PingWait: 2 * time.Second,
				PushTo: true, PresyncedHeaders: 7, SyncedHeaders: 101, SyncedBlocks: 99, InFlight: []uint32{100, 101},
				MinFeeRate: 1000, AddrRelay: true, AddrProcessed: 11, AddrRateLimited: 2,
			},
		},
		totals: peerinfo.Totals{
			Sent: peerinfo.Traffic{Total: 1 << 40}, Received: peerinfo.Traffic{Total: 5},
			Upload: peerinfo.Upload{Timeframe: 24 * time.Hour, Target: 1000, Left: 400, LeftTime: 90 * time.Second, ServeHistorical: true},
		},
	}
	n.server.Serve(Node{Ledger: n.ledger, Pool: n.pool, Miner: newTestMiner(n), Network: net, Addresses: net})
	return n, net
}

func (n *testNode) gives(want, method string, args ...any) {
	n.t.Helper()
	if got := n.text(method, args...); got != want {
		n.t.Errorf("%s %v =\n%s, want\n%s", method, args, got, want)
	}
}

func TestGetNetworkInfo(t *testing.T) {
	n, _ := startNetworkedNode(t)
	network := func(name, reachable, limited string) string {
		return `{"name":"` + name + `","limited":` + limited + `,"reachable":` + reachable + `,"proxy":"","proxy_randomize_credentials":false}`
	}
	n.gives(`{"version":280100,"subversion":"/Satoshi:28.1.0/Keelson:0.0.1/","protocolversion":70016,"localservices":"0000010000000409",`+
		`"localservicesnames":["NETWORK","WITNESS","NETWORK_LIMITED","UNKNOWN[2^40]"],"localrelay":true,"timeoffset":-7,"networkactive":true,`+
		`"connections":3,"connections_in":1,"connections_out":2,"networks":[`+
		network("ipv4", "true", "false")+`,`+network("ipv6", "true", "false")+`,`+network("onion", "false", "true")+`,`+
		network("i2p", "false", "true")+`,`+network("cjdns", "false", "true")+`],"relayfee":0.00001000,"incrementalfee":0.00001000,`+
		`"localaddresses":[{"address":"192.0.2.9","port":18444,"score":3}],"warnings":[],`+
		`"peer_id":"12D3KooWSelf","listening":["/ip4/127.0.0.1/tcp/18444"]}`, "getnetworkinfo")
	n.gives("3", "getconnectioncount")
	n.gives("false", "setnetworkactive", false)
	if n.call("getnetworkinfo").Get("networkactive").Text != "false" {
		t.Error("the network is active")
	}
	if got := n.named("setnetworkactive", `{"state":true}`); got.Text != "true" {
		t.Errorf("switched on: %s", got.Text)
	}
	n.fails(jsonrpc.CodeType, "Position 1 (state)", "setnetworkactive", "off")
	n.fails(jsonrpc.CodeMisc, "setnetworkactive state\n", "setnetworkactive")
}

func TestGetNetTotals(t *testing.T) {
	n, _ := startNetworkedNode(t)
	n.gives(`{"totalbytesrecv":5,"totalbytessent":1099511627776,"timemillis":1700000000000,"uploadtarget":{"timeframe":86400,"target":1000,`+
		`"target_reached":false,"serve_historical_blocks":true,"bytes_left_in_cycle":400,"time_left_in_cycle":90}}`, "getnettotals")
}

func TestGetPeerInfo(t *testing.T) {
	n, net := startNetworkedNode(t)
	v := n.call("getpeerinfo")
	if got, want := string(jsonrpc.Append(nil, v.At(0))),
		`{"id":4,"addr":"/ip4/192.0.2.1/tcp/18444/p2p/12D3KooWA","network":"ipv4","services":"0000000000000000","servicesnames":[],"relaytxes":false,`+
			`"lastsend":0,"lastrecv":0,"last_transaction":0,"last_block":0,"bytessent":0,"bytesrecv":0,"conntime":1699999940,"timeoffset":0,`+
			`"version":0,"subver":"","inbound":true,"bip152_hb_to":false,"bip152_hb_from":false,"startingheight":0,"presynced_headers":-1,`+
			`"synced_headers":-1,"synced_blocks":-1,"inflight":[],"addr_relay_enabled":false,"addr_processed":0,"addr_rate_limited":0,`+
			`"permissions":[],"minfeefilter":0.00000000,"bytessent_per_msg":{},"bytesrecv_per_msg":{},"connection_type":"inbound",`+
			`"transport_protocol_type":"","session_id":"","peer_id":"12D3KooWA"}`; got != want {
		t.Errorf("a peer that has said nothing:\n%s, want\n%s", got, want)
	}
	if got, want := string(jsonrpc.Append(nil, v.At(1))),
		`{"id":5,"addr":"/ip6/2001:db8::1/udp/18444/quic-v1/p2p/12D3KooWB","addrbind":"/ip6/2001:db8::9/udp/18444/quic-v1",`+
			`"addrlocal":"/ip6/2001:db8::9/udp/18444/quic-v1","network":"ipv6","services":"0000000000000809",`+
			`"servicesnames":["NETWORK","WITNESS","P2P_V2"],"relaytxes":true,"lastsend":1699999999,"lastrecv":1699999998,`+
			`"last_transaction":1699999997,"last_block":1699999996,"bytessent":30,"bytesrecv":12,"conntime":1699999880,"timeoffset":-2,`+
			`"pingtime":0.0015,"minping":0.001,"pingwait":2,"version":70016,"subver":"/Satoshi:28.1.0/Keelson:0.1.0/","inbound":false,`+
			`"bip152_hb_to":true,"bip152_hb_from":false,"startingheight":100,"presynced_headers":7,"synced_headers":101,"synced_blocks":99,`+
			`"inflight":[100,101],"addr_relay_enabled":true,"addr_processed":11,"addr_rate_limited":2,"permissions":["noban","download"],`+
			`"minfeefilter":0.00001000,"bytessent_per_msg":{"have":20,"ping":10},"bytesrecv_per_msg":{"pong":12},`+
			`"connection_type":"outbound-full-relay","transport_protocol_type":"quic-v1","session_id":"12D3KooWB-7","peer_id":"12D3KooWB"}`; got != want {
		t.Errorf("a peer with everything:\n%s, want\n%s", got, want)
	}
	n.gives("null", "ping")
	if net.pings != 1 {
		t.Errorf("%d pings", net.pings)
	}
}

func TestAddNode(t *testing.T) {
	n, net := startNetworkedNode(t)
	const node = "192.0.2.1:18444"
	n.gives("null", "addnode", node, "onetry", false)
	if len(net.tried) != 1 || net.tried[0] != node {
		t.Errorf("tried %v", net.tried)
	}
	n.gives("[]", "getaddednodeinfo")
	n.named("addnode", `{"node":"`+node+`","command":"add","v2transport":true}`)
	n.fails(jsonrpc.CodeNodeAlreadyAdded, "Error: Node already added", "addnode", node, "add")
	n.gives("null", "addnode", "/dns4/node.example/tcp/1", "add")
	n.fails(jsonrpc.CodeInvalidSubnet, "Error: Invalid address: not an address", "addnode", "node", "add")
	net.added[0].Peers = []peerinfo.AddedPeer{{Addr: "/ip4/192.0.2.1/tcp/18444", Inbound: true}, {Addr: "/ip4/192.0.2.1/tcp/1"}}
	first := `{"addednode":"192.0.2.1:18444","connected":true,"addresses":[{"address":"/ip4/192.0.2.1/tcp/18444","connected":"inbound"},` +
		`{"address":"/ip4/192.0.2.1/tcp/1","connected":"outbound"}]}`
	n.gives(`[`+first+`,{"addednode":"/dns4/node.example/tcp/1","connected":false,"addresses":[]}]`, "getaddednodeinfo")
	n.gives(`[`+first+`]`, "getaddednodeinfo", node)
	n.fails(jsonrpc.CodeNodeNotAdded, "Error: Node has not been added.", "getaddednodeinfo", "192.0.2.1")
	n.gives("null", "addnode", node, "remove")
	n.fails(jsonrpc.CodeNodeNotAdded, "Error: Node could not be removed. It has not been added previously.", "addnode", node, "remove")
	if got := n.named("getaddednodeinfo", `{"node":"/dns4/node.example/tcp/1"}`); got.Len() != 1 {
		t.Errorf("%d nodes of that name", got.Len())
	}
	n.fails(jsonrpc.CodeMisc, `addnode "node" "command" ( v2transport )`, "addnode", node, "try")
	n.fails(jsonrpc.CodeMisc, `addnode "node" "command" ( v2transport )`, "addnode", node)
	n.fails(jsonrpc.CodeType, "Position 3 (v2transport)", "addnode", node, "add", 1)
}

func TestDisconnectNode(t *testing.T) {
	n, net := startNetworkedNode(t)
	peers := slices.Clone(net.peers)
	for _, args := range [][]any{
		{peers[1].Addr}, {"[2001:db8::1]:18444"}, {"12D3KooWB"}, {"", 5}, {nil, 5}, {peers[1].Addr, nil},
	} {
		net.peers = slices.Clone(peers)
		n.gives("null", "disconnectnode", args...)
		if len(net.peers) != 1 || net.peers[0].Num != 4 {
			t.Errorf("disconnectnode %v left %d peers", args, len(net.peers))
		}
		n.fails(jsonrpc.CodeNodeNotConnected, "Node not found in connected nodes", "disconnectnode", args...)
	}
	for _, params := range []string{`{"nodeid":5}`, `{"address":"` + peers[1].Addr + `"}`} {
		net.peers = slices.Clone(peers)
		n.named("disconnectnode", params)
		if len(net.peers) != 1 || net.peers[0].Num != 4 {
			t.Errorf("disconnectnode %s left %d peers", params, len(net.peers))
		}
	}
	const both = "Only one of address and nodeid should be provided."
	n.fails(jsonrpc.CodeInvalidParams, both, "disconnectnode", peers[0].Addr, 4)
	n.fails(jsonrpc.CodeInvalidParams, both, "disconnectnode")
	n.fails(jsonrpc.CodeNodeNotConnected, "Node not found in connected nodes", "disconnectnode", "")
	n.fails(jsonrpc.CodeType, "Position 2 (nodeid)", "disconnectnode", "", "4")
	n.fails(jsonrpc.CodeMisc, "JSON integer out of range", "disconnectnode", "", 1.5)
	if len(net.peers) != 1 {
		t.Error("a wrong call has disconnected a peer")
	}
}

func TestSetBan(t *testing.T) {
	n, net := startNetworkedNode(t)
	for _, test := range []struct {
		args   []any
		target string
		until  int64
	}{
		{[]any{"192.0.2.1", "add"}, "192.0.2.1/32", mockNow + 86400},
		{[]any{"192.0.2.1", "add", 0, false}, "192.0.2.1/32", mockNow + 86400},
		{[]any{"192.0.2.1", "add", -5}, "192.0.2.1/32", mockNow + 86400},
		{[]any{"192.0.2.1", "add", 1000}, "192.0.2.1/32", mockNow + 1000},
		{[]any{"192.0.2.1", "add", mockNow + 7, true}, "192.0.2.1/32", mockNow + 7},
		{[]any{"192.0.2.77/24", "add"}, "192.0.2.0/24", mockNow + 86400},
		{[]any{"192.0.2.77/255.255.255.0", "add"}, "192.0.2.0/24", mockNow + 86400},
		{[]any{"2001:4d48:ac57:400:cacf:e9ff:fe1d:9c63/19", "add"}, "2001:4000::/19", mockNow + 86400},
		{[]any{"::1", "add"}, "::1/128", mockNow + 86400},
		{[]any{"12D3KooWA", "add"}, "12D3KooWA", mockNow + 86400},
		{[]any{"::/0", "add", mockNow, true}, "::/0", mockNow},
	} {
		n.gives("null", "setban", test.args...)
		if len(net.bans) != 1 || net.bans[0].Target != test.target || net.bans[0].Until.Unix() != test.until {
			t.Errorf("setban %v: %v", test.args, net.bans)
		}
		n.fails(jsonrpc.CodeNodeAlreadyAdded, "Error: IP/Subnet already banned", "setban", test.args...)
		n.gives("null", "setban", test.target, "remove")
		n.fails(jsonrpc.CodeInvalidSubnet, "Error: Unban failed. Requested address/subnet was not previously manually banned.", "setban", test.target, "remove")
	}
	for _, subnet := range []string{"127.0.0.1/42", "192.0.2.1/255.0.255.0", "192.0.2", "fe80::1%lo", "", "node.example", "12D3KooWA/24", "nobody", "::1/129", "/", "/24"} {
		n.fails(jsonrpc.CodeInvalidSubnet, "Error: Invalid IP/Subnet", "setban", subnet, "add")
	}
	n.fails(jsonrpc.CodeInvalidParameter, "Error: Absolute timestamp is in the past", "setban", "192.0.2.1", "add", mockNow-1, true)
	n.fails(jsonrpc.CodeInvalidParameter, "Error: bantime is too far in the future", "setban", "192.0.2.1", "add", int64(1)<<62)
	n.fails(jsonrpc.CodeInvalidParameter, "Error: bantime is too far in the future", "setban", "192.0.2.1", "add", int64(1)<<62, true)
	n.fails(jsonrpc.CodeMisc, `setban "subnet" "command" ( bantime absolute )`, "setban", "192.0.2.1", "ban")
	n.fails(jsonrpc.CodeType, "Position 3 (bantime)", "setban", "192.0.2.1", "add", "1000")
	// Of a network that is banned an address is banned already, not the other way round.
	n.gives("null", "setban", "192.0.2.0/24", "add")
	n.fails(jsonrpc.CodeNodeAlreadyAdded, "Error: IP/Subnet already banned", "setban", "192.0.2.1", "add")
	n.gives("null", "setban", "192.0.2.1/31", "add")
	n.gives("null", "setban", "192.0.0.0/16", "add")
	n.fails(jsonrpc.CodeInvalidSubnet, "Error: Unban failed. Requested address/subnet was not previously manually banned.", "setban", "192.0.2.1", "remove")
	n.gives("null", "clearbanned")
	n.gives("[]", "listbanned")

	n.named("setban", `{"subnet":"192.0.2.1","command":"add","bantime":1700001000,"absolute":true}`)
	n.call("setban", "12D3KooWA", "add", 60)
	n.clock.SetMock(mockNow + 50)
	n.gives(`[{"address":"192.0.2.1/32","ban_created":1700000000,"banned_until":1700001000,"ban_duration":1000,"time_remaining":950},`+
		`{"address":"12D3KooWA","ban_created":1700000000,"banned_until":1700000060,"ban_duration":60,"time_remaining":10}]`, "listbanned")
	n.gives("null", "clearbanned")
	n.gives("[]", "listbanned")
}

func TestAddresses(t *testing.T) {
	n, net := startNetworkedNode(t)
	n.gives(`{"ipv4":{"new":0,"tried":0,"total":0},"ipv6":{"new":0,"tried":0,"total":0},"onion":{"new":0,"tried":0,"total":0},`+
		`"i2p":{"new":0,"tried":0,"total":0},"cjdns":{"new":0,"tried":0,"total":0},"all_networks":{"new":0,"tried":0,"total":0}}`, "getaddrmaninfo")
	n.gives(`{"new":{},"tried":{}}`, "getrawaddrman")
	n.gives("[]", "getnodeaddresses")

	n.gives(`{"success":true}`, "addpeeraddress", "1.2.3.4", 18444)
	n.gives(`{"success":true}`, "addpeeraddress", "2001:db8::1/p2p/12D3KooWB", 1, true)
	n.gives(`{"success":false,"error":"failed-adding-to-tried"}`, "addpeeraddress", "1.2.3.5", 65535, true)
	n.gives(`{"success":false,"error":"failed-adding-to-new"}`, "addpeeraddress", "::ffff:1.2.3.4", 18444)
	n.gives(`{"success":false}`, "addpeeraddress", "node.example", 18444)
	n.fails(jsonrpc.CodeMisc, "JSON integer out of range", "addpeeraddress", "1.2.3.4", 65536)
	n.fails(jsonrpc.CodeMisc, "JSON integer out of range", "addpeeraddress", "1.2.3.4", -1)

	first := `{"time":1700000000,"services":9,"address":"1.2.3.4","port":18444,"network":"ipv4","multiaddr":"/ip4/1.2.3.4/tcp/18444"}`
	six := `{"time":1700000000,"services":9,"address":"2001:db8::1","port":1,"network":"ipv6","multiaddr":"/ip6/2001:db8::1/tcp/1/p2p/12D3KooWB"}`
	n.gives("["+first+"]", "getnodeaddresses")
	n.gives("["+six+"]", "getnodeaddresses", 4, "ipv6")
	n.gives("[]", "getnodeaddresses", 0, "onion")
	if got := n.named("getnodeaddresses", `{"count":0}`); got.Len() != 3 {
		t.Errorf("%d of 3 addresses", got.Len())
	}
	n.fails(jsonrpc.CodeInvalidParameter, "Address count out of range", "getnodeaddresses", -1)
	n.fails(jsonrpc.CodeInvalidParameter, "Network not recognized: Foo", "getnodeaddresses", 1, "Foo")
	n.fails(jsonrpc.CodeInvalidParameter, "Network not recognized: not_publicly_routable", "getnodeaddresses", 1, "not_publicly_routable")

	slices.SortFunc(net.slots, func(a, b peerinfo.Slot) int { return cmp.Compare(a.Position, b.Position) })
	info := n.call("getaddrmaninfo")
	if got := string(jsonrpc.Append(nil, info.Get("all_networks"))); got != `{"new":2,"tried":1,"total":3}` {
		t.Errorf("in all: %s", got)
	}
	raw := n.call("getrawaddrman")
	if got, want := string(jsonrpc.Append(nil, raw.Get("tried"))), `{"7/1":{"address":"2001:db8::1","port":1,"network":"ipv6","services":9,`+
		`"time":1700000000,"source":"2001:db8::1","source_network":"ipv6","multiaddr":"/ip6/2001:db8::1/tcp/1/p2p/12D3KooWB"}}`; got != want {
		t.Errorf("tried:\n%s, want\n%s", got, want)
	}
	if raw.Get("new").Len() != 2 {
		t.Errorf("%d new addresses, want 2", raw.Get("new").Len())
	}
}

// TestNoNetwork: every method about peers says so when there is no network.
func TestNoNetwork(t *testing.T) {
	n := startTestNode(t, nil)
	for method, args := range map[string][]any{
		"addnode": {"192.0.2.1:1", "onetry"}, "getaddednodeinfo": nil, "disconnectnode": {"192.0.2.1:1"}, "ping": nil,
		"getpeerinfo": nil, "getconnectioncount": nil, "setban": {"192.0.2.1", "add"}, "listbanned": nil, "clearbanned": nil,
		"getnettotals": nil, "setnetworkactive": {true}, "getnodeaddresses": nil,
	} {
		n.fails(jsonrpc.CodeP2PDisabled, "Error: Peer-to-peer functionality missing or disabled", method, args...)
	}
	for method, args := range map[string][]any{"getaddrmaninfo": nil, "getrawaddrman": nil, "addpeeraddress": {"1.2.3.4", 1}} {
		n.fails(jsonrpc.CodeP2PDisabled, "Error: Address manager functionality missing or disabled", method, args...)
	}
}

func TestGetBlockFromPeer(t *testing.T) {
	n := startTestNode(t, func(_ *Config, l *ledger.Config) { l.Prune, l.FastPrune = ledger.PruneManual, true })
	network := &testNetwork{peers: []peerinfo.Peer{{Num: 3}}, now: n.clock.Now}
	c := chaingen.New(n.params)
	n.submit(c.MineN(3)...)
	known := c.Tip().Hash().String()
	c.GotoHash(c.Tip().Header.PrevBlock)
	lone := c.Mine()
	hash := lone.Hash().String()
	n.fails(-31, "Peer-to-peer functionality missing or disabled", "getblockfrompeer", known, 3)
	n.server.Serve(Node{Ledger: n.ledger, Pool: n.pool, Miner: newTestMiner(n), Network: network})
	n.fails(-1, "Block header missing", "getblockfrompeer", hash, 3)
	n.fails(-1, "Block already downloaded", "getblockfrompeer", known, 3)
	if _, err := n.ledger.AddHeaders([]wire.Header{lone.Header, c.Mine().Header}); err != nil {
		t.Fatal(err)
	}
	n.fails(-1, "Peer does not exist", "getblockfrompeer", hash, 4)
	if got := n.text("getblockfrompeer", hash, 3); got != "{}" || !slices.Equal(network.fetched, []wire.Hash{lone.Hash()}) {
		t.Errorf("%s, %v", got, network.fetched)
	}
	n.fails(-1, "Already requested from this peer", "getblockfrompeer", hash, 3)
	n.fails(-1, "In prune mode, only blocks that the node has already synced previously can be fetched from a peer", "getblockfrompeer", c.Tip().Hash().String(), 3)
	n.fails(-8, "blockhash must be of length 64", "getblockfrompeer", "00", 3)
}
