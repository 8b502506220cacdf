package host

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"runtime/metrics"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/network"

	"github.com/keelson-chain/keelson/p2p/message"
	"github.com/keelson-chain/keelson/wire"
)

const (
	siegeEnv  = "KEELSON_SIEGE" // the address that the attackers of TestSiege attack
	besiegers = 200
	// siegeMemory is by how much the memory in use may grow while they attack.
	siegeMemory = 100 << 20
	siegeTime   = 15 * time.Second
)

// attacks are what an attacker does, again and again, until it is sent away.
var attacks = []struct {
	name string
	do   func(r *raw, s *siege)
}{
	{"no greeting", func(r *raw, s *siege) { s.awaitEnd() }},
	{"no end of the greeting", func(r *raw, s *siege) {
		if out := s.open(message.NameRelay); out != nil {
			_, _ = out.Write(message.AppendRelayFrame(nil, rawHello())[:20])
		}
		s.awaitEnd()
	}},
	{"large message without end", func(r *raw, s *siege) {
		out := s.greet()
		most := message.MaxPayload(message.KindCompact, testConfig().MaxBlockWeight)
		_, _ = out.Write(frame(uint32(most), message.KindCompact, make([]byte, most-2)...))
		s.awaitEnd()
	}},
	{"requests, answers unread", func(r *raw, s *siege) {
		s.greet()
		for s.going() {
			if st := s.open(message.NameBlocks); st != nil {
				_, _ = st.Write(message.AppendFrame(nil, make([]byte, 33)))
			}
		}
	}},
	{"requests without end", func(r *raw, s *siege) {
		s.greet()
		for s.going() {
			for _, name := range message.Requests() {
				if st := s.open(name); st != nil {
					_, _ = st.Write([]byte{1, 0})
				}
			}
		}
	}},
	{"junk on all streams", func(r *raw, s *siege) {
		s.greet()
		junk := make([]byte, 1<<20)
		for i := range junk {
			junk[i] = byte(rand.Uint32())
		}
		for s.going() {
			for _, name := range message.Requests() {
				if st := s.open(name); st != nil {
					go func() { _, _ = st.Write(junk) }()
				}
			}
		}
	}},
	{"announcements", func(r *raw, s *siege) {
		out := s.greet()
		b := message.AppendRelayFrame(nil, &message.Inv{WTxIDs: make([]wire.Hash, message.MaxInv)})
		for s.going() {
			if _, err := out.Write(b); err != nil {
				return
			}
		}
	}},
	{"small messages", func(r *raw, s *siege) {
		out := s.greet()
		b := bytes.Repeat(message.AppendRelayFrame(nil, &message.Push{On: true}), 1000)
		for s.going() {
			if _, err := out.Write(b); err != nil {
				return
			}
		}
	}},
	{"pings", func(r *raw, s *siege) {
		out := s.greet()
		b := message.AppendRelayFrame(nil, &message.Ping{Nonce: 1})
		for s.going() {
			if _, err := out.Write(b); err != nil {
				return
			}
		}
	}},
	{"oversized", func(r *raw, s *siege) {
		out := s.greet()
		_, _ = out.Write(binary.LittleEndian.AppendUint32(nil, 1<<31))
		_, _ = out.Write(make([]byte, 1<<20))
		s.awaitEnd()
	}},
}

// siege is one attacker's connection.
type siege struct {
	r    *raw
	conn network.Conn
}

func (s *siege) going() bool { return !s.conn.IsClosed() }

func (s *siege) awaitEnd() {
	for s.going() {
		time.Sleep(50 * time.Millisecond)
	}
}

func (s *siege) open(name string) network.Stream {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	st, err := s.r.lib.NewStream(network.WithNoDial(ctx, "siege"), s.conn.RemotePeer(), s.r.protocol(name))
	if err != nil {
		return nil
	}
	return st
}

func (s *siege) greet() io.Writer {
	st := s.open(message.NameRelay)
	if st == nil {
		return io.Discard
	}
	_, _ = st.Write(message.AppendRelayFrame(nil, rawHello()))
	return st
}

// TestBesieger is the process of the attackers. It ends when its input does.
func TestBesieger(t *testing.T) {
	target := os.Getenv(siegeEnv)
	if target == "" {
		t.Skip("only for TestSiege")
	}
	info, err := ParseAddr(target)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	var wg sync.WaitGroup
	for i := range besiegers {
		attack := attacks[i%len(attacks)]
		wg.Go(func() {
			r := newRaw(t)
			for ctx.Err() == nil {
				call, done := context.WithTimeout(ctx, 10*time.Second)
				conn, err := func() (network.Conn, error) {
					r.lib.Peerstore().AddAddrs(info.ID, info.Addrs, time.Hour)
					return r.lib.Network().DialPeer(network.WithForceDirectDial(call, "siege"), info.ID)
				}()
				done()
				if err != nil {
					select {
					case <-ctx.Done():
					case <-time.After(100 * time.Millisecond):
					}
					continue
				}
				stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
				attack.do(r, &siege{r, conn})
				stop()
				_ = conn.Close()
			}
			_ = r.lib.Close()
		})
	}
	wg.Wait()
}

// Two hundred attackers, in a process of their own, cost no memory worth
// mentioning, do not keep honest peers from each other, and are gone in the end.
func TestSiege(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a while")
	}
	block := make([]byte, 1<<20)
	n := start(t, func(c *Config) {
		c.Handler.(*recorder).onMessage = func(p *Peer, m message.Message) {
			if inv, ok := m.(*message.Inv); ok && len(inv.WTxIDs) > 1 {
				p.Penalise(10, "announces too much")
			}
		}
	})
	n.serving(func(ctx context.Context, p *Peer, name string, request []byte, answer func([]byte) error) error {
		return answerAll(answer, block[:len(block)-1], block, bytes.Clone(block))
	})
	friend := start(t, nil)
	ofN, _ := join(t, friend, n, "tcp")
	quiet := heap()

	cmd := exec.Command(os.Args[0], "-test.run=^TestBesieger$", "-test.timeout=5m") //nolint:gosec // this very test
	cmd.Env = append(os.Environ(), siegeEnv+"="+n.addr(t, "tcp"))
	out := &bytes.Buffer{}
	cmd.Stdout, cmd.Stderr = out, out
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var seen atomic.Int64
	drained := make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		defer close(drained)
		for {
			select {
			case <-n.connected:
				seen.Add(1)
			case <-n.disconnected:
			case <-ctx.Done():
				return
			}
		}
	}()
	var most uint64
	answers, slowest := 0, time.Duration(0)
	began := time.Now()
	for time.Since(began) < siegeTime || seen.Load() < besiegers/4 || len(n.Bans()) < besiegers/8 {
		if time.Since(began) > 2*time.Minute {
			t.Fatalf("only %d attackers came, %d were banned", seen.Load(), len(n.Bans()))
		}
		began := time.Now()
		b := 0
		if err := ofN.AskMany(t.Context(), message.NameBlocks, nil, 1<<20, func(f []byte) error { b += len(f); return nil }); err != nil || b != 3<<20-1 {
			t.Fatalf("an honest peer was not served: %d bytes, %v", b, err)
		}
		answers++
		slowest = max(slowest, time.Since(began))
		most = max(most, heap())
		time.Sleep(50 * time.Millisecond)
	}
	t.Logf("%d attackers were peers, %d bans; an honest peer had %d answers, the slowest after %v; heap %d MB quiet, %d MB at most, %d goroutines",
		seen.Load(), len(n.Bans()), answers, slowest.Round(time.Millisecond), quiet>>20, most>>20, runtime.NumGoroutine())
	if most > quiet+siegeMemory {
		t.Errorf("the heap grew from %d to %d MB", quiet>>20, most>>20)
	}
	_ = in.Close()
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	for len(n.Peers()) > 1 { // they have hung up
		time.Sleep(10 * time.Millisecond)
	}
	cancel()
	<-drained
	if p := n.Host.Peer(friend.ID()); p == nil {
		t.Error("the honest peer was lost")
	}
	if strings.Contains(out.String(), "panic") {
		t.Error(out.String())
	}
}

// heap returns the bytes that were alive at the last garbage collection. The
// process takes about twice as much.
func heap() uint64 {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	return live[0].Value.Uint64()
}
