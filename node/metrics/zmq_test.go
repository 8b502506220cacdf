package metrics

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/keelson-chain/keelson/consensus/chaingen"
	"github.com/keelson-chain/keelson/mempool"
	"github.com/keelson-chain/keelson/rpc/zmq"
	"github.com/keelson-chain/keelson/rpc/zmq/zmtp"
	"github.com/keelson-chain/keelson/wire"
)

// TestZMQ: what a subscriber loses that does not read is counted.
func TestZMQ(t *testing.T) {
	w := newWorld(t, 110, mempool.Config{Moves: true})
	g, l, pool, now := w.gen, w.ledger, w.pool, w.now

	path := filepath.Join(t.TempDir(), "s")
	address, err := zmtp.ParseAddress("ipc://" + path)
	if err != nil {
		t.Fatal(err)
	}
	publisher, err := zmq.Listen(t.Context(), zmq.Config{
		Endpoints: []zmq.Endpoint{{Topic: zmq.RawBlock, Address: address, HWM: 1}},
		Now:       now, MaxTipAge: 24 * time.Hour, Log: zerolog.Nop(),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 2)
	at, _ := pool.At()
	go func() { done <- publisher.Run(ctx) }()
	go func() { done <- publisher.Follow(ctx, l, pool, at) }()
	defer func() {
		stop()
		for range 2 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	}()
	s := start(t, false)
	s.Add(ZMQ(publisher))
	number := func(name string) int {
		t.Helper()
		_, body := get(t, s, "/metrics", "")
		_, rest, ok := strings.Cut(body, "\n"+name+" ")
		n, err := strconv.Atoi(strings.SplitN(rest, "\n", 2)[0])
		if !ok || err != nil {
			t.Fatalf("no %s in\n%s", name, body)
		}
		return n
	}
	label := fmt.Sprintf("{address=%q}", address)
	if got := number("keelson_zmq_subscribers" + label); got != 0 {
		t.Errorf("%d subscribers", got)
	}

	// It says what it must and then reads nothing.
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	hello := append([]byte("\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f\x03\x00NULL"), make([]byte, 48)...)
	hello = append(hello, "\x04\x19\x05READY\x0bSocket-Type\x00\x00\x00\x03SUB\x00\x01\x01"...)
	if _, err := conn.Write(hello); err != nil {
		t.Fatal(err)
	}
	// Blocks of 300 kB, until the socket's buffers are full and one more waits.
	end := time.Now().Add(time.Minute)
	for i := 0; number("keelson_zmq_dropped_total"+label) == 0; i++ {
		if time.Now().After(end) {
			t.Fatalf("nothing was dropped of %d blocks", i)
		}
		coin := g.Mature()[:1]
		outs := make([]wire.TxOut, 9000)
		for n := range outs {
			outs[n] = g.Out(chaingen.P2WPKH, n%8, 1000)
		}
		if err := l.AddBlock(t.Context(), g.Mine(g.Spend(coin, outs...))); err != nil {
			t.Fatal(err)
		}
	}
	if got := number("keelson_zmq_subscribers" + label); got != 1 {
		t.Errorf("%d subscribers", got)
	}
	if got := number("keelson_zmq_missed_total"); got != 0 {
		t.Errorf("%d were missed", got)
	}
}
