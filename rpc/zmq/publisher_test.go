package zmq

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/consensus/chaingen"
	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/mempool"
	"github.com/keelson-chain/keelson/mempool/policy"
	"github.com/keelson-chain/keelson/rpc/zmq/zmtp"
	"github.com/keelson-chain/keelson/wire"
)

const deadline = time.Minute

// world is a Publisher that follows a real ledger and a real pool, a generator of
// blocks for them, and a subscriber to everything.
type world struct {
	*chaingen.Chain
	t         *testing.T
	ledger    *ledger.Ledger
	pool      *mempool.Pool
	publisher *Publisher
	now       atomic.Int64
	stop      func()
	told      chan string // what the subscriber hears, as text
}

// newWorld has a chain of 110 blocks that are there before anybody publishes. age
// is how old the last one is then; bend may change what the pool says.
func newWorld(t *testing.T, age time.Duration, bend func(*mempool.Pool) Pool) *world {
	t.Helper()
	params := consensus.Regtest(consensus.RegtestOptions{})
	w := &world{Chain: chaingen.New(params), t: t, told: make(chan string, 10_000)}
	w.Pay = chaingen.Anyone
	blocks := w.MineN(110)
	w.Mark("start")
	w.now.Store(int64(blocks[109].Header.Time) + int64(age.Seconds()))
	now := func() time.Time { return time.Unix(w.now.Load(), 0) }
	var err error
	w.ledger, err = ledger.Open(t.Context(), ledger.Config{Dir: filepath.Join(t.TempDir(), "regtest"), Params: params, CacheBytes: 8 << 20, Workers: 1, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.ledger.Close() })
	w.add(blocks...)
	rules := policy.DefaultRules()
	rules.AcceptNonStandard = true
	w.pool, err = mempool.New(mempool.Config{Chain: w.ledger, Rules: rules, Now: now, Moves: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.pool.Close)

	address, err := zmtp.ParseAddress("tcp://127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	unix, err := zmtp.ParseAddress("ipc://" + filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	var endpoints []Endpoint
	for topic := range Topic(TopicCount) {
		e := Endpoint{Topic: topic, Address: unix, HWM: DefaultHWM}
		if topic == HashBlock {
			endpoints = append(endpoints, Endpoint{Topic: topic, Address: address}) // nobody listens there
		}
		endpoints = append(endpoints, e)
	}
	w.publisher, err = Listen(t.Context(), Config{Endpoints: endpoints, Now: now, MaxTipAge: 24 * time.Hour, Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	at, _ := w.pool.At()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 2)
	go func() { done <- w.publisher.Run(ctx) }()
	w.subscribe(strings.TrimPrefix(unix.String(), "ipc://"))
	pool := Pool(w.pool)
	if bend != nil {
		pool = bend(w.pool)
	}
	go func() { done <- w.publisher.Follow(ctx, w.ledger, pool, at) }()
	w.stop = sync.OnceFunc(func() {
		cancel()
		for range 2 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	})
	t.Cleanup(w.stop)
	return w
}

// subscribe has somebody listen who knows ZMTP from its specification alone.
func (w *world) subscribe(path string) {
	w.t.Helper()
	conn, err := net.Dial("unix", path)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { conn.Close() })
	hello := append([]byte("\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f\x03\x00NULL"), make([]byte, 48)...)
	hello = append(hello, "\x04\x19\x05READY\x0bSocket-Type\x00\x00\x00\x03SUB\x00\x01\x01"...)
	if _, err := conn.Write(hello); err != nil {
		w.t.Fatal(err)
	}
	for end := time.Now().Add(deadline); !w.publisher.notifiers[1].socket.Wanted("x"); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			w.t.Fatal("the subscription is not seen")
		}
	}
	go func() {
		r := bufio.NewReader(conn)
		if _, err := io.ReadFull(r, make([]byte, 64+27)); err != nil {
			return
		}
		counts := map[string]uint32{}
		for {
			topic, body, count := frame(r), frame(r), frame(r)
			if len(count) != 4 {
				return
			}
			if n := binary.LittleEndian.Uint32(count); n != counts[string(topic)] {
				w.told <- fmt.Sprintf("message %d of %s in place of %d", n, topic, counts[string(topic)])
			}
			counts[string(topic)]++
			w.told <- describe(string(topic), body)
		}
	}()
}

func frame(r *bufio.Reader) []byte {
	flags, err := r.ReadByte()
	if err != nil {
		return nil
	}
	var length [8]byte
	if flags&2 != 0 {
		_, err = io.ReadFull(r, length[:])
	} else {
		length[7], err = r.ReadByte()
	}
	body := make([]byte, binary.BigEndian.Uint64(length[:]))
	if _, readErr := io.ReadFull(r, body); err != nil || readErr != nil {
		return nil
	}
	return body
}

func describe(topic string, body []byte) string {
	if topic != "sequence" {
		return topic + " " + hex.EncodeToString(body)
	}
	text := hex.EncodeToString(body[:32]) + string(body[32])
	if len(body) > 33 {
		text += fmt.Sprint(binary.LittleEndian.Uint64(body[33:]))
	}
	return text
}

func (w *world) add(blocks ...*wire.Block) {
	w.t.Helper()
	for _, b := range blocks {
		if err := w.ledger.AddBlock(w.t.Context(), b); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *world) accept(tx *wire.Tx) {
	w.t.Helper()
	if err := w.pool.Add(w.t.Context(), tx, mempool.AddOptions{}); err != nil {
		w.t.Fatal(err)
	}
}

// spend spends a coin that anyone may spend.
func (w *world) spend(c consensus.OutCoin, fee wire.Amount) *wire.Tx {
	return w.Spend([]consensus.OutCoin{c}, w.Out(chaingen.Anyone, 0, c.Coin.Out.Value-fee), wire.TxOut{PkScript: []byte{0x6a, 8, 1, 2, 3, 4, 5, 6, 7, 8}})
}

// hears compares what the subscriber hears next.
func (w *world) hears(what string, want ...[]string) {
	w.t.Helper()
	timeout := time.After(deadline)
	for _, line := range slices.Concat(want...) {
		select {
		case got := <-w.told:
			if got != line {
				w.t.Fatalf("%s: heard %s, want %s", what, got, line)
			}
		case <-timeout:
			w.t.Fatalf("%s: nobody says %s", what, line)
		}
	}
	select {
	case got := <-w.told:
		w.t.Fatalf("%s: heard %s besides", what, got)
	default:
	}
}

// The lines that some thing gives.

func txLines(tx *wire.Tx) []string {
	return []string{"hashtx " + tx.TxID().String(), "rawtx " + hex.EncodeToString(tx.Append(nil))}
}

func added(tx *wire.Tx, sequence uint64) []string {
	return append(txLines(tx), fmt.Sprintf("%vA%d", tx.TxID(), sequence))
}

func removed(tx *wire.Tx, sequence uint64) []string {
	return []string{fmt.Sprintf("%vR%d", tx.TxID(), sequence)}
}

func moved(b *wire.Block, label string) (lines []string) {
	for _, tx := range b.Txs {
		lines = append(lines, txLines(tx)...)
	}
	return append(lines, b.Hash().String()+label)
}

func tip(b *wire.Block) []string {
	return []string{"hashblock " + b.Hash().String(), "rawblock " + hex.EncodeToString(b.Append(nil))}
}

// TestEverything draws a chain and a pool, and wants every message of all topics
// in Bitcoin Core's order:
//
//	start - a1(tx1) - a2(tx4)
//	     \- b1 - b2(tx5) - b3
//
// tx2 is replaced by tx3, which spends what tx5 spends.
func TestEverything(t *testing.T) {
	w := newWorld(t, time.Hour, nil)
	coins := w.Mature()
	tx1, tx2, tx3, tx4, tx5 := w.spend(coins[0], 1000), w.spend(coins[1], 1000), w.spend(coins[1], 9000), w.spend(coins[2], 1000), w.spend(coins[1], 500)
	w.accept(tx1)
	w.hears("accepted", added(tx1, 1))
	w.accept(tx2)
	w.hears("accepted", added(tx2, 2))
	w.accept(tx3)
	w.hears("replaced", removed(tx2, 3), added(tx3, 4))

	a1 := w.Mine(tx1) // which leaves the pool, and takes number 5
	w.add(a1)
	w.hears("a block", moved(a1, "C"), tip(a1))
	if ids, sequence := w.pool.TxIDs(); len(ids) != 1 || sequence != 6 {
		t.Errorf("the pool has %v, %d", ids, sequence)
	}
	a2 := w.Mine(tx4)
	w.add(a2)
	w.hears("another block", moved(a2, "C"), tip(a2))

	w.Goto("start")
	b1 := w.Mine()
	b2 := w.Mine(tx5)
	b3 := w.Mine()
	w.add(b1, b2)
	w.hears("a branch that is no longer")
	w.add(b3)
	w.hears("a reorganisation", moved(a2, "D"), moved(a1, "D"), removed(tx3, 6), added(tx1, 7), added(tx4, 8),
		moved(b1, "C"), moved(b2, "C"), moved(b3, "C"), tip(b3))
	if _, sequence := w.pool.TxIDs(); sequence != 9 {
		t.Errorf("sequence %d", sequence)
	}

	// Taken back, without another branch that could be the tip.
	if err := w.ledger.Invalidate(t.Context(), a1.Hash()); err != nil {
		t.Fatal(err)
	}
	if err := w.ledger.Invalidate(t.Context(), b3.Hash()); err != nil {
		t.Fatal(err)
	}
	w.hears("invalidated", moved(b3, "D"))
	if err := w.ledger.Reconsider(t.Context(), b3.Hash()); err != nil {
		t.Fatal(err)
	}
	w.hears("reconsidered", moved(b3, "C"), tip(b3))
	w.stop()
	got := w.publisher.notifiers[0].count
	if want := w.publisher.notifiers[1].count; got != want || got != 4 {
		t.Errorf("%d messages where nobody listens, %d where somebody does", got, want)
	}
}

// TestInitialDownload: transactions are told of, tips are not until the chain is
// nearly here.
func TestInitialDownload(t *testing.T) {
	w := newWorld(t, 1000*time.Hour, nil)
	a := w.Mine()
	w.add(a)
	w.hears("an old block", moved(a, "C"))
	b := w.Next()
	b.Header.Time = uint32(w.now.Load())
	chaingen.Solve(b)
	w.add(b)
	w.hears("a new one", moved(b, "C"), tip(b))
}

// lossy is a pool whose moves of blocks get lost.
type lossy struct{ *mempool.Pool }

func (l lossy) TakeMoves() ([]mempool.Move, uint64, wire.BlockRef, error) {
	list, _, at, err := l.Pool.TakeMoves()
	all := len(list)
	list = slices.DeleteFunc(list, func(m mempool.Move) bool { return m.Kind == mempool.BlockCame || m.Kind == mempool.BlockLeft })
	return list, uint64(all - len(list)), at, err
}

// TestMissed: of blocks nobody misses anything, even if the pool's moves were lost.
func TestMissed(t *testing.T) {
	w := newWorld(t, time.Hour, func(p *mempool.Pool) Pool { return lossy{p} })
	tx := w.spend(w.Mature()[0], 1000)
	w.accept(tx)
	w.hears("accepted", added(tx, 1))
	a := w.Mine(tx)
	w.add(a)
	w.hears("a block", moved(a, "C"), tip(a))
	w.Goto("start")
	b := w.MineN(2)
	w.add(b...)
	w.hears("a reorganisation", added(tx, 3), moved(a, "D"), moved(b[0], "C"), moved(b[1], "C"), tip(b[1]))
}

// TestTaken: the error is one line that names the setting.
func TestTaken(t *testing.T) {
	w := newWorld(t, time.Hour, nil)
	e := w.publisher.Endpoints()[0]
	e.Topic = RawTx
	_, err := Listen(t.Context(), Config{Endpoints: []Endpoint{e}})
	if want := "zmqpubrawtx: cannot listen on " + e.Address.String() + ": somebody listens there already"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}
