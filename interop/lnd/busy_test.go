package lnd

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/btcsuite/btcd/chaincfg/chainhash"
	"github.com/btcsuite/btcd/wire"
	"github.com/lightningnetwork/lnd/lnrpc"
)

// stopwatch passes calls on to a node and notes how long it takes to answer them.
type stopwatch struct {
	mu    sync.Mutex
	taken map[string][]time.Duration // by method
}

// startStopwatch puts one before the node, and returns its port.
func startStopwatch(k *keelson) (*stopwatch, int) {
	s := &stopwatch{taken: make(map[string][]time.Duration)}
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: loopback(k.port)})
	proxy.ErrorLog = nil
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		start := time.Now()
		proxy.ServeHTTP(w, r)
		took := time.Since(start)
		type call struct{ Method string }
		var calls []call
		if json.Unmarshal(body, &calls) != nil {
			calls = make([]call, 1)
			json.Unmarshal(body, &calls[0])
		}
		if len(calls) == 0 {
			return
		}
		name := calls[0].Method
		if len(calls) > 1 {
			name = fmt.Sprintf("%s in a batch", name)
		}
		s.mu.Lock()
		s.taken[name] = append(s.taken[name], took)
		s.mu.Unlock()
	}))
	k.t.Cleanup(server.Close)
	u, _ := url.Parse(server.URL)
	var port int
	fmt.Sscan(u.Port(), &port)
	return s, port
}

// report says how many calls there were and what they took, by method, and returns
// the 99th percentile of all.
func (s *stopwatch) report(t *testing.T) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []time.Duration
	var names []string
	for name, taken := range s.taken {
		slices.Sort(taken)
		all = append(all, taken...)
		names = append(names, name)
	}
	slices.Sort(names)
	var b strings.Builder
	for _, name := range names {
		fmt.Fprintf(&b, "\n  %-34s %s", name, figures(s.taken[name]))
	}
	slices.Sort(all)
	t.Logf("calls of lnd: %s%s", figures(all), b.String())
	return percentile(all, 99)
}

func figures(sorted []time.Duration) string {
	return fmt.Sprintf("%6d calls, median %v, 99%% within %v, all within %v", len(sorted), percentile(sorted, 50).Round(10*time.Microsecond),
		percentile(sorted, 99).Round(10*time.Microsecond), sorted[len(sorted)-1].Round(10*time.Microsecond))
}

func percentile(sorted []time.Duration, p int) time.Duration {
	return sorted[(len(sorted)-1)*p/100]
}

// anyone is an output script that anyone can spend, P2WSH of OP_TRUE, and its
// witness.
var (
	anyone        = sure(hex.DecodeString("00204ae81572f06e1b88fd5ced7a1a000945432e83e1551e6f721ee9c00b8cc33260"))
	anyoneWitness = wire.TxWitness{{0x51}}
)

// sure is for values that cannot be wrong.
func sure[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// crowd are strangers, whose transactions fill pool and blocks.
type crowd struct {
	k     *keelson
	coins []wire.OutPoint
	value int64 // of each coin
	rand  *rand.Rand
}

// gather mines coins for strangers and splits them up, so that there are as many as
// asked for.
func gather(k *keelson, coins int) *crowd {
	k.t.Helper()
	const each = 1500
	c := &crowd{k: k, value: 50 * coin / each / 2, rand: rand.New(rand.NewPCG(1, 2))}
	var blocks []string
	k.call(&blocks, "generatetodescriptor", (coins+each-1)/each, fmt.Sprintf("raw(%x)", anyone))
	k.mine(100)
	for i, hash := range blocks {
		var block struct{ Tx []transaction }
		k.call(&block, "getblock", hash, 2)
		tx := wire.NewMsgTx(2)
		tx.AddTxIn(wire.NewTxIn(&wire.OutPoint{Hash: *sure(chainhash.NewHashFromStr(block.Tx[0].Txid))}, nil, anyoneWitness))
		for range each {
			tx.AddTxOut(wire.NewTxOut(c.value, anyone))
		}
		if int64(block.Tx[0].Vout[0].Value*coin) < each*c.value {
			k.t.Fatalf("block %d paid %v: the chain is too long for this", i, block.Tx[0].Vout[0].Value)
		}
		k.call(nil, "sendrawtransaction", serialized(tx), 0)
		id := tx.TxHash()
		for out := range each {
			c.coins = append(c.coins, wire.OutPoint{Hash: id, Index: uint32(out)})
		}
	}
	for len(k.pool()) > 0 {
		k.mine(1)
	}
	return c
}

func serialized(tx *wire.MsgTx) string {
	var b bytes.Buffer
	if err := tx.Serialize(&b); err != nil {
		panic(err)
	}
	return hex.EncodeToString(b.Bytes())
}

// send has strangers send so many transactions of some hundred vB, for fees of 2 to
// 50 satoshi per vB.
func (c *crowd) send(transactions int) error {
	for range transactions {
		if len(c.coins) == 0 {
			return fmt.Errorf("the crowd has no coins left")
		}
		in := c.coins[0]
		c.coins = c.coins[1:]
		tx := wire.NewMsgTx(2)
		tx.AddTxIn(wire.NewTxIn(&in, nil, anyoneWitness))
		for range 6 {
			tx.AddTxOut(wire.NewTxOut(1000, anyone))
		}
		size := int64(tx.SerializeSizeStripped() + 5)
		tx.AddTxOut(wire.NewTxOut(c.value-6000-(size+43)*(2+c.rand.Int64N(48)), anyone))
		if err := c.k.try(nil, "sendrawtransaction", serialized(tx), 0); err != nil {
			return err
		}
	}
	return nil
}

// TestBusyChain has lnd on a chain whose blocks are full and whose pool holds
// thousands of transactions: payments and a forced close work as on a quiet one, and
// the node answers lnd's calls quickly.
func TestBusyChain(t *testing.T) {
	const (
		most  = 50 * time.Millisecond
		pool  = 5000
		block = 2500 // transactions in one of 1 MvB
	)
	k := startKeelson(t, setup{txindex: true, args: []string{"--blockmaxweight=4000000"}})
	c := gather(k, pool+12*block)
	watch, port := startStopwatch(k)
	k.lndPort = port
	alice, bob := startLnd(k, "alice"), startLnd(k, "bob")
	k.fund(alice, bob)
	ch := alice.open(bob, func(r *lnrpc.OpenChannelRequest) { r.SatPerVbyte = 60 })
	if err := c.send(pool + block); err != nil {
		t.Fatal(err)
	}
	full := 0
	for range 8 {
		alice.pay(bob.invoice(price))
		hash := k.mine(1)[0]
		if len(k.mined(hash)) > block/2 {
			full++
		}
		k.synced(alice, bob)
		if err := c.send(block); err != nil {
			t.Fatal(err)
		}
	}
	if full < 4 || len(k.pool()) < pool/2 {
		t.Errorf("%d full blocks, %d in the pool: that is not busy", full, len(k.pool()))
	}
	commitment := alice.close(ch, true)
	k.until(alice, commitment)
	if p99 := watch.report(t); p99 > most {
		t.Errorf("99 %% of the calls are answered within %v, want %v", p99, most)
	}
}
