package main

import (
	"errors"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keelson-chain/keelson/node"
	"github.com/keelson-chain/keelson/rpc/jsonrpc"
	"github.com/keelson-chain/keelson/testnet/procs"
	"github.com/keelson-chain/keelson/wire"
)

// peer is what these tests read of getpeerinfo.
type peer struct {
	ID          int64             `json:"id"`
	Addr        string            `json:"addr"`
	PeerID      string            `json:"peer_id"`
	Inbound     bool              `json:"inbound"`
	Kind        string            `json:"connection_type"`
	Subver      string            `json:"subver"`
	Version     int               `json:"version"`
	Services    []string          `json:"servicesnames"`
	Permissions []string          `json:"permissions"`
	Sent        uint64            `json:"bytessent"`
	SentBy      map[string]uint64 `json:"bytessent_per_msg"`
	Ping        float64           `json:"pingtime"`
	Connected   int64             `json:"conntime"`
}

func peersOf(t *testing.T, n *procs.Node) (list []peer) {
	t.Helper()
	n.Call(t, &list, "getpeerinfo")
	return list
}

// hasPeers waits until a node has that many peers.
func hasPeers(t *testing.T, n *procs.Node, want int) []peer {
	t.Helper()
	var list []peer
	procs.Eventually(t, func() bool { list = peersOf(t, n); return len(list) == want })
	return list
}

// refusedWith fails the test unless the error is one of JSON-RPC with that code.
func refusedWith(t *testing.T, err error, code jsonrpc.Code) {
	t.Helper()
	var e *jsonrpc.Error
	if !errors.As(err, &e) || e.Code != code {
		t.Errorf("the error is %v, want one with code %d", err, code)
	}
}

// TestPeers connects two nodes by HOST:PORT, looks at what they say of each other,
// and takes them apart in every way that there is.
func TestPeers(t *testing.T) {
	bin := procs.Build(t)
	a := procs.Start(t, bin, t.TempDir(), "--uacomment=a")
	b := procs.Start(t, bin, t.TempDir(), "--uacomment=b")
	at := "127.0.0.1:" + a.PeerPort
	var local struct {
		ID                 string `json:"peer_id"`
		Listening          []string
		Connections        int
		ConnectionsIn      int `json:"connections_in"`
		ConnectionsOut     int `json:"connections_out"`
		NetworkActive      bool
		LocalServicesNames []string
	}
	a.Call(t, &local, "getnetworkinfo")
	if want := []string{"/ip4/127.0.0.1/tcp/" + a.PeerPort, "/ip4/127.0.0.1/udp/" + a.PeerPort + "/quic-v1"}; !slices.Equal(local.Listening, want) {
		t.Errorf("a listens on %v, want %v", local.Listening, want)
	}

	b.Call(t, nil, "addnode", at, "onetry")
	onB, onA := hasPeers(t, b, 1)[0], hasPeers(t, a, 1)[0]
	if onB.PeerID != local.ID || onB.Inbound || onB.Kind != "manual" || onB.Subver != "/Satoshi:28.1.0/Keelson:"+node.Version+"(a)/" ||
		onB.Version == 0 || !slices.Equal(onB.Services, local.LocalServicesNames) || time.Since(time.Unix(onB.Connected, 0)).Abs() > time.Hour {
		t.Errorf("a on b: %+v", onB)
	}
	if !onA.Inbound || onA.Kind != "inbound" || onA.Subver != "/Satoshi:28.1.0/Keelson:"+node.Version+"(b)/" || len(onA.Permissions) != 0 {
		t.Errorf("b on a: %+v", onA)
	}
	a.Call(t, &local, "getnetworkinfo")
	if local.Connections != 1 || local.ConnectionsIn != 1 || local.ConnectionsOut != 0 {
		t.Errorf("a: %+v", local)
	}
	if table := a.CLI(t, "-netinfo", "2"); !strings.Contains(table, onA.Addr) || !strings.Contains(table, "\nin     ") {
		t.Errorf("-netinfo: %s", table)
	}
	// What is connected already is not called again.
	b.Call(t, nil, "addnode", at, "onetry")
	if got := peersOf(t, b); len(got) != 1 || got[0].ID != onB.ID {
		t.Errorf("after a second call: %+v", got)
	}

	pings := onB.SentBy["ping"]
	b.Call(t, nil, "ping")
	procs.Eventually(t, func() bool { p := peersOf(t, b)[0]; return p.SentBy["ping"] > pings && p.Ping > 0 })
	var totals struct {
		Sent uint64 `json:"totalbytessent"`
		Recv uint64 `json:"totalbytesrecv"`
	}
	b.Call(t, &totals, "getnettotals")
	if p := peersOf(t, b)[0]; totals.Sent < onB.Sent || totals.Recv == 0 || p.Sent <= onB.Sent {
		t.Errorf("totals %+v, peer %+v", totals, p)
	}

	// By number, by address, and by address without the peer id.
	for _, args := range [][]any{{"", onB.ID}, {at}, {onB.Addr}, {onB.PeerID}} {
		if len(peersOf(t, b)) == 0 {
			b.Call(t, nil, "addnode", at, "onetry")
		}
		p := hasPeers(t, b, 1)[0]
		if args[0] == "" {
			args[1] = p.ID
		}
		b.Call(t, nil, "disconnectnode", args...)
		hasPeers(t, b, 0)
		hasPeers(t, a, 0)
		refusedWith(t, b.Try(nil, "disconnectnode", args...), jsonrpc.CodeNodeNotConnected)
	}

	// A node of the list is called again when it is gone.
	var added []struct {
		AddedNode string
		Connected bool
		Addresses []struct{ Address, Connected string }
	}
	b.Call(t, nil, "addnode", at, "add")
	refusedWith(t, b.Try(nil, "addnode", at, "add"), jsonrpc.CodeNodeAlreadyAdded)
	first := hasPeers(t, b, 1)[0]
	b.Call(t, &added, "getaddednodeinfo", at)
	if len(added) != 1 || added[0].AddedNode != at || !added[0].Connected || len(added[0].Addresses) != 1 ||
		added[0].Addresses[0].Address != first.Addr || added[0].Addresses[0].Connected != "outbound" {
		t.Errorf("getaddednodeinfo: %+v", added)
	}
	b.Call(t, nil, "disconnectnode", at)
	procs.Eventually(t, func() bool { list := peersOf(t, b); return len(list) == 1 && list[0].ID != first.ID })
	b.Call(t, nil, "addnode", at, "remove")
	b.Call(t, nil, "disconnectnode", at)
	hasPeers(t, b, 0)
	b.Call(t, &added, "getaddednodeinfo")
	if len(added) != 0 {
		t.Errorf("getaddednodeinfo: %+v", added)
	}

	// Switched off, a node neither calls nor answers.
	b.Call(t, nil, "addnode", at, "onetry")
	hasPeers(t, a, 1)
	a.Call(t, nil, "setnetworkactive", false)
	hasPeers(t, a, 0)
	hasPeers(t, b, 0)
	b.Call(t, nil, "addnode", at, "onetry")
	a.Call(t, nil, "addnode", "127.0.0.1:"+b.PeerPort, "onetry")
	if onA, onB := peersOf(t, a), peersOf(t, b); len(onA) != 0 || len(onB) != 0 {
		t.Errorf("switched off, a has %+v, b %+v", onA, onB)
	}
	a.Call(t, &local, "getnetworkinfo")
	if local.NetworkActive {
		t.Error("the network is active")
	}
	a.Call(t, nil, "setnetworkactive", true)
	b.Call(t, nil, "addnode", at, "onetry")
	hasPeers(t, a, 1)

	refusedWith(t, b.Try(nil, "addnode", "nowhere:x", "onetry"), jsonrpc.CodeInvalidSubnet)
	b.Call(t, nil, "addnode", "127.0.0.1:1", "onetry") // nobody there: no error
	a.Stop(t)
	hasPeers(t, b, 0)
	b.Stop(t)
}

// TestBans bans a peer by its address and by its id; a ban outlives the node.
func TestBans(t *testing.T) {
	bin := procs.Build(t)
	a := procs.Start(t, bin, t.TempDir(), "--bantime=1000")
	b := procs.Start(t, bin, t.TempDir())
	at := "127.0.0.1:" + a.PeerPort
	var local struct {
		ID string `json:"peer_id"`
	}
	b.Call(t, &local, "getnetworkinfo")
	connect := func() { b.Call(t, nil, "addnode", at, "onetry") }
	var bans []struct {
		Address  string
		Created  int64 `json:"ban_created"`
		Until    int64 `json:"banned_until"`
		Duration int64 `json:"ban_duration"`
		Left     int64 `json:"time_remaining"`
	}

	for _, ban := range []struct{ target, listed string }{
		{"127.0.0.1", "127.0.0.1/32"}, {"127.0.0.77/24", "127.0.0.0/24"}, {local.ID, local.ID},
	} {
		connect()
		hasPeers(t, a, 1)
		a.Call(t, nil, "setban", ban.target, "add")
		hasPeers(t, a, 0)
		hasPeers(t, b, 0)
		connect()
		if got := peersOf(t, a); len(got) != 0 {
			t.Errorf("%s is banned, and connected: %+v", ban.target, got)
		}
		refusedWith(t, a.Try(nil, "setban", ban.target, "add"), jsonrpc.CodeNodeAlreadyAdded)

		a.Stop(t)
		a.Restart(t)
		a.Call(t, &bans, "listbanned")
		if len(bans) != 1 || bans[0].Address != ban.listed || bans[0].Duration != 1000 || bans[0].Left > 1000 || bans[0].Until != bans[0].Created+1000 {
			t.Errorf("after a restart: %+v", bans)
		}
		connect()
		if got := peersOf(t, a); len(got) != 0 {
			t.Errorf("after a restart %s is connected: %+v", ban.target, got)
		}
		a.Call(t, nil, "setban", ban.listed, "remove")
		refusedWith(t, a.Try(nil, "setban", ban.listed, "remove"), jsonrpc.CodeInvalidSubnet)
	}

	// A ban is on disk at once.
	a.Call(t, nil, "setban", "192.0.2.0/24", "add", 60)
	a.Call(t, nil, "setban", "2001:db8::/32", "add", time.Now().Add(time.Hour).Unix(), true)
	a.Kill()
	a.Restart(t)
	a.Call(t, &bans, "listbanned")
	if len(bans) != 2 || bans[0].Address != "192.0.2.0/24" || bans[0].Duration != 60 || bans[1].Address != "2001:db8::/32" {
		t.Errorf("after a kill: %+v", bans)
	}
	a.Call(t, nil, "clearbanned")
	a.Stop(t)
	a.Restart(t)
	a.Call(t, &bans, "listbanned")
	if len(bans) != 0 {
		t.Errorf("after clearbanned: %+v", bans)
	}
	connect()
	hasPeers(t, a, 1)

	// A clock that stands says when bans end.
	now := time.Now().Unix()
	a.Call(t, nil, "setmocktime", now)
	a.Call(t, nil, "setban", "192.0.2.1", "add", 10)
	a.Call(t, nil, "setmocktime", now+9)
	a.Call(t, &bans, "listbanned")
	if len(bans) != 1 || bans[0].Left != 1 {
		t.Errorf("a second before the end: %+v", bans)
	}
	a.Call(t, nil, "setmocktime", now+11)
	a.Call(t, &bans, "listbanned")
	if len(bans) != 0 {
		t.Errorf("after the end: %+v", bans)
	}
}

// TestAddresses: what is known of other nodes outlives the node.
func TestAddresses(t *testing.T) {
	const id = "12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN"
	n := procs.Start(t, procs.Build(t), t.TempDir())
	for i, address := range []string{"1.2.3.4", "2001:4860::1"} {
		var added struct{ Success bool }
		if n.Call(t, &added, "addpeeraddress", address+"/p2p/"+id, 18444, i == 0); !added.Success {
			t.Errorf("%s is not added", address)
		}
	}
	var sizes map[string]struct{ New, Tried, Total int }
	var list []struct {
		Address, Network, Multiaddr string
		Port                        int
	}
	look := func() {
		t.Helper()
		if n.Call(t, &sizes, "getaddrmaninfo"); sizes["ipv4"].Tried != 1 || sizes["ipv6"].New != 1 || sizes["all_networks"].Total != 2 {
			t.Errorf("%+v", sizes)
		}
		if n.Call(t, &list, "getnodeaddresses", 0, "ipv4"); len(list) != 1 || list[0].Address != "1.2.3.4" || list[0].Port != 18444 ||
			list[0].Multiaddr != "/ip4/1.2.3.4/tcp/18444/p2p/"+id {
			t.Errorf("%+v", list)
		}
	}
	look()
	n.Stop(t)
	n.Restart(t)
	look()
	n.Stop(t)
}

// TestPeerSettings starts nodes that are told whom to call, and whom to let in.
func TestPeerSettings(t *testing.T) {
	bin := procs.Build(t)
	dir := t.TempDir()
	a := procs.Start(t, bin, dir, "--whitelist=noban,relay@127.0.0.1")
	at := "127.0.0.1:" + a.PeerPort

	// connect calls, and does not listen.
	b := procs.Start(t, bin, t.TempDir(), "--connect="+at)
	onA, onB := hasPeers(t, a, 1)[0], hasPeers(t, b, 1)[0]
	if onB.Kind != "manual" || !slices.Equal(onA.Permissions, []string{"noban", "relay", "download"}) {
		t.Errorf("%+v\n%+v", onA, onB)
	}
	var local struct {
		ID        string `json:"peer_id"`
		Listening []string
	}
	b.Call(t, &local, "getnetworkinfo")
	if len(local.Listening) != 0 {
		t.Errorf("a node with connect listens on %v", local.Listening)
	}
	// noban protects.
	a.Call(t, nil, "setban", onA.PeerID, "add")
	if got := peersOf(t, a); len(got) != 1 || got[0].ID != onA.ID {
		t.Errorf("noban does not protect: %+v", got)
	}
	a.Call(t, nil, "clearbanned")
	b.Stop(t)
	hasPeers(t, a, 0)

	// addnode calls, and listens.
	b = procs.Start(t, bin, t.TempDir(), "--addnode="+at)
	hasPeers(t, a, 1)
	var added []struct{ AddedNode string }
	b.Call(t, &added, "getaddednodeinfo")
	if len(added) != 1 || added[0].AddedNode != at {
		t.Errorf("getaddednodeinfo: %+v", added)
	}
	// The node is known again after a restart, and called again by whom it left.
	id := hasPeers(t, b, 1)[0].PeerID
	a.Stop(t)
	hasPeers(t, b, 0)
	a.Restart(t)
	if p := hasPeers(t, b, 1)[0]; p.PeerID != id {
		t.Errorf("the node was %s and is %s", id, p.PeerID)
	}
	b.Stop(t)

	// Nobody is let in without listen, and nobody called without the network.
	b = procs.Start(t, bin, t.TempDir(), "--listen=0")
	a.Call(t, nil, "addnode", "127.0.0.1:"+b.PeerPort, "onetry")
	if got := peersOf(t, b); len(got) != 0 {
		t.Errorf("with listen=0 connected: %+v", got)
	}
	b.Stop(t)
	b = procs.Start(t, bin, t.TempDir(), "--networkactive=0", "--addnode="+at)
	b.Call(t, nil, "addnode", at, "onetry")
	if got := peersOf(t, b); len(got) != 0 {
		t.Errorf("with networkactive=0 connected: %+v", got)
	}
	b.Call(t, nil, "setnetworkactive", true)
	hasPeers(t, b, 1)
	b.Stop(t)

	// A port that is taken is one line.
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	wantFailure(t, bin, 1, "say --port PORT for another one, or --listen=0", "node", "--network=regtest", "--datadir="+t.TempDir(),
		"--rpcport="+procs.FreePort(t), "--bind="+taken.Addr().String())
	wantFailure(t, bin, 2, "Cannot set -bind or -whitebind together with -listen=0", "node", "--network=regtest", "--datadir="+t.TempDir(),
		"--bind=127.0.0.1:1", "--listen=0")
}

// TestPeerMetrics relays blocks and a transaction, and finds them in what
// Prometheus and getpeerinfo tell.
func TestPeerMetrics(t *testing.T) {
	bin, port := procs.Build(t), procs.FreePort(t)
	a := procs.Start(t, bin, t.TempDir())
	b := procs.Start(t, bin, t.TempDir(), "--metrics="+port)
	b.Call(t, nil, "addnode", "127.0.0.1:"+a.PeerPort, "onetry")
	hasPeers(t, a, 1)
	tip := func(n *procs.Node) (hash string) {
		n.Call(t, &hash, "getbestblockhash")
		return hash
	}
	a.Call(t, nil, "generatetodescriptor", 101, "raw(51)")
	procs.Eventually(t, func() bool { return tip(a) == tip(b) })
	const blocks = 3
	for range blocks {
		a.Call(t, nil, "generatetodescriptor", 1, "raw(51)")
		procs.Eventually(t, func() bool { return tip(a) == tip(b) })
	}
	var first struct{ Tx []wire.Hash }
	var hash string
	a.Call(t, &hash, "getblockhash", 1)
	a.Call(t, &first, "getblock", hash)
	tx := &wire.Tx{
		Version: 2,
		Inputs:  []wire.TxIn{{PrevOut: wire.OutPoint{TxID: first.Tx[0]}, Sequence: wire.SequenceFinal}},
		Outputs: []wire.TxOut{{Value: 50*wire.Coin - 10_000, PkScript: []byte{0x51}}, {PkScript: []byte{0x6a, 1, 2}}},
	}
	a.Call(t, nil, "sendrawtransaction", jsonrpc.Hex(tx.Append(nil)))
	procs.Eventually(t, func() bool {
		var pool []string
		b.Call(t, &pool, "getrawmempool")
		return len(pool) == 1
	})

	f := metrics(t, port)
	for _, c := range []struct {
		want float64
		name string
		of   []string
	}{
		{1, "keelson_p2p_active", nil},
		{1, "keelson_p2p_peers", []string{"manual"}},
		{0, "keelson_p2p_peers", []string{"inbound"}},
		{1, "keelson_p2p_connections_total", []string{"connected"}},
		{0, "keelson_p2p_penalties_total", nil},
		{1, "keelson_p2p_transactions_total", []string{"accepted"}},
		{1, "keelson_p2p_sync_progress", nil},
		{0, "keelson_p2p_blocks_in_flight", nil},
	} {
		if got := number(f, c.name, c.of...); got != c.want {
			t.Errorf("%s%v is %v, want %v", c.name, c.of, got, c.want)
		}
	}
	for _, c := range [][]string{{"in", "hello"}, {"out", "hello"}, {"in", "compact"}, {"in", "blocks"}, {"in", "txs"}, {"in", "inv"}} {
		if got := number(f, "keelson_p2p_bytes_total", c...); got <= 0 {
			t.Errorf("bytes of %v: %v", c, got)
		}
	}
	whole := number(f, "keelson_p2p_blocks_total", "pool") + number(f, "keelson_p2p_blocks_total", "asked") + number(f, "keelson_p2p_blocks_total", "whole")
	relay, ready := f["keelson_p2p_block_relay_seconds"].GetMetric()[0].GetHistogram(), f["keelson_p2p_block_ready_seconds"].GetMetric()[0].GetHistogram()
	if whole < blocks || relay.GetSampleCount() < blocks || ready.GetSampleCount() < blocks {
		t.Errorf("of %d new blocks %v became whole, %d were relayed and %d ready", blocks, whole, relay.GetSampleCount(), ready.GetSampleCount())
	}
	if f["libp2p_swarm_connections_opened_total"] == nil || f["libp2p_rcmgr_connections"] == nil {
		t.Error("libp2p's own metrics are missing")
	}

	var list []struct {
		LastBlock     int64 `json:"last_block"`
		LastTx        int64 `json:"last_transaction"`
		SyncedHeaders int64 `json:"synced_headers"`
		SyncedBlocks  int64 `json:"synced_blocks"`
		Pushes        bool  `json:"bip152_hb_to"`
	}
	b.Call(t, &list, "getpeerinfo")
	if len(list) != 1 || list[0].LastBlock == 0 || list[0].LastTx == 0 || list[0].SyncedHeaders != 104 || list[0].SyncedBlocks != 104 || !list[0].Pushes {
		t.Errorf("%+v", list)
	}
	a.Stop(t)
	b.Stop(t)
}
