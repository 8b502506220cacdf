package rpc

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/keelson-chain/keelson/rpc/jsonrpc"
)

// TestMiningPlans has a node mine by itself in every way, one after the other.
func TestMiningPlans(t *testing.T) {
	d := drawChain(t, nil)
	n := d.testNode
	d.chain.GotoHash(d.onMain[len(d.onMain)-1].Hash())
	m := newTestMiner(n)
	n.server.Serve(Node{Ledger: n.ledger, Pool: n.pool, Miner: m})
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	height := func() int {
		h, err := strconv.Atoi(n.text("getblockcount"))
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	grows := func(to int) {
		t.Helper()
		for end := time.Now().Add(time.Minute); height() < to; time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("height %d after a minute, want %d", height(), to)
			}
		}
	}
	stands := func(want string) {
		t.Helper()
		v := n.call("getmining")
		v.SetMember("found", jsonrpc.Value{Kind: jsonrpc.Number, Text: "0"})
		v.SetMember("hashespersec", jsonrpc.Value{Kind: jsonrpc.Number, Text: "0"})
		if got := string(jsonrpc.Append(nil, v)); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	const numbers = `"hashespersec":0,"found":0,"stale":0}`
	const to = `"address":"` + regtestAddress + `","script":"` + regtestScript + `",`
	plan := func(members ...any) jsonrpc.Object {
		o := jsonrpc.Object{}
		for i := 0; i < len(members); i += 2 {
			o.Add(members[i].(string), members[i+1])
		}
		return o
	}

	stands(`{"plan":"off",` + numbers)
	began := height()
	n.call("setmining", plan("plan", "instant", "address", regtestAddress))
	stands(`{"plan":"instant",` + to + numbers)
	coins := d.chain.Mature()
	for i := range 3 {
		n.call("sendrawtransaction", fmt.Sprintf("%x", d.chain.Spend(coins[i:i+1]).Append(nil)), 0)
		grows(began + i + 1)
	}
	if got := n.text("getrawmempool"); got != "[]" || height() != began+3 {
		t.Errorf("pool %s at height %d, and three transactions were sent", got, height()-began)
	}

	n.call("setmining", plan("plan", "interval", "interval", 0.01, "descriptor", "addr("+regtestAddress+")"))
	stands(`{"plan":"interval",` + to + `"interval":0.01,` + numbers)
	grows(began + 6)
	n.call("setmining", plan("plan", "off"))
	stands(`{"plan":"off",` + numbers)
	at := height()
	n.call("setmining", plan("plan", "hashrate", "hashrate", 1000, "descriptor", "raw(51)", "interval", 0.001))
	stands(`{"plan":"hashrate","script":"51","interval":0.001,"hashrate":1000,` + numbers)
	grows(at + 5)
	n.call("setmining", plan("plan", "search", "interval", 0.01, "address", regtestAddress))
	stands(`{"plan":"search",` + to + `"interval":0.01,` + numbers)
	grows(height() + 3)
	n.call("setmining", plan("plan", "off"))
	if v := n.call("getmining"); v.Get("found").Text == "0" {
		t.Errorf("%s", jsonrpc.Append(nil, v))
	}

	for _, c := range []struct {
		code    jsonrpc.Code
		message string
		plan    jsonrpc.Object
	}{
		{-8, "Plan must be off, instant, interval, hashrate or search, not ''", plan()},
		{-8, "Plan must be off, instant, interval, hashrate or search, not 'fast'", plan("plan", "fast")},
		{-8, "Unexpected key rate", plan("plan", "hashrate", "rate", 7)},
		{-8, "Plan off needs nothing else", plan("plan", "off", "interval", 7)},
		{-3, "JSON value of type string is not of expected type number", plan("plan", "interval", "interval", "7")},
		{-3, "JSON value of type number is not of expected type string", plan("plan", 7)},
		{-8, "Plan instant needs an address or a descriptor, and not both", plan("plan", "instant")},
		{-8, "Plan instant needs an address or a descriptor, and not both", plan("plan", "instant", "address", regtestAddress, "descriptor", "raw(51)")},
		{-5, "Error: Invalid address", plan("plan", "instant", "address", "x")},
		{-5, "", plan("plan", "instant", "descriptor", "x")},
		{-8, "Plan interval needs an interval", plan("plan", "interval", "address", regtestAddress)},
		{-8, "Interval must be from 0.001 to 86400 seconds, not 0", plan("plan", "interval", "interval", 0, "address", regtestAddress)},
		{-8, "Interval must be from 0.001 to 86400 seconds, not 86401", plan("plan", "interval", "interval", 86401, "address", regtestAddress)},
		{-8, "Plan instant has no interval", plan("plan", "instant", "interval", 1, "address", regtestAddress)},
		{-8, "Plan hashrate needs a hashrate", plan("plan", "hashrate", "address", regtestAddress)},
		{-8, "Plan search has no hashrate", plan("plan", "search", "hashrate", 5, "address", regtestAddress)},
		{-8, "Hash rate must be more than 0 and at most 1000000000000000, not -1", plan("plan", "hashrate", "hashrate", -1, "address", regtestAddress)},
		{-8, "Hash rate must be more than 0", plan("plan", "hashrate", "hashrate", 1e16, "address", regtestAddress)},
	} {
		n.fails(c.code, c.message, "setmining", c.plan)
	}
	stands(`{"plan":"off",` + numbers)
}
