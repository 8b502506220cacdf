package main

import (
	"testing"

	"github.com/keelson-chain/keelson/rpc/jsonrpc"
)

// TestNetInfoTables lays out three peers: the one that called stands first, then
// those that were called, the fastest first.
func TestNetInfoTables(t *testing.T) {
	parse := func(text string) *jsonrpc.Value {
		v, err := jsonrpc.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		return &v
	}
	peers := parse(`[
		{"id":1,"addr":"/ip4/192.0.2.1/tcp/1","network":"ipv4","relaytxes":false,"lastsend":990,"lastrecv":998,"last_transaction":0,"last_block":400,
			"conntime":100,"pingtime":0.0124,"minping":0.0115,"version":70016,"subver":"/a/","inbound":false,"bip152_hb_to":true,"bip152_hb_from":true,
			"addr_relay_enabled":false,"addr_processed":0,"addr_rate_limited":0,"connection_type":"block-relay-only"},
		{"id":12,"addr":"/ip6/2001:db8::1/tcp/1","network":"ipv6","relaytxes":true,"lastsend":1000,"lastrecv":999,"last_transaction":880,"last_block":0,
			"conntime":40,"pingtime":0.003,"minping":0.001,"version":70016,"subver":"/b/","inbound":false,"bip152_hb_to":false,"bip152_hb_from":false,
			"addr_relay_enabled":true,"addr_processed":1234,"addr_rate_limited":5,"connection_type":"manual"},
		{"id":3,"addr":"/ip4/127.0.0.1/tcp/1","network":"not_publicly_routable","relaytxes":true,"lastsend":0,"lastrecv":0,"last_transaction":0,"last_block":0,
			"conntime":1000,"version":70016,"subver":"/c/","inbound":true,"bip152_hb_to":false,"bip152_hb_from":true,
			"addr_relay_enabled":true,"addr_processed":0,"addr_rate_limited":0,"connection_type":"inbound"}]`)
	network := parse(`{"networks":[{"name":"ipv4","reachable":true},{"name":"ipv6","reachable":false},{"name":"onion","reachable":false}]}`)
	const all = `<->    type   net  mping  ping  send  recv  txn  blk  hb  addrp  addrl  age  id  address                 version
in            npr                                      *                  0   3  /ip4/127.0.0.1/tcp/1    70016/c/
out  manual  ipv6      1     3     0     1    2            1234      5   16  12  /ip6/2001:db8::1/tcp/1  70016/b/
out   block  ipv4     12    12    10     2    *   10  .*      .          15   1  /ip4/192.0.2.1/tcp/1    70016/a/
                      ms    ms   sec   sec  min  min                    min
`
	if got := peerTable(peers, 4, 1000); got != all {
		t.Errorf("got\n%s\nwant\n%s", got, all)
	}
	const counts = `       ipv4  ipv6  npr  total  block  manual
in        0     0    1      1
out       1     1    0      2      1       1
total     1     1    1      3
`
	if got := countTable(peers, network); got != counts {
		t.Errorf("got\n%s\nwant\n%s", got, counts)
	}
}
