package zmtp

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
)

// deadline is how long a test waits for something that must come.
const deadline = time.Minute

// publish runs a socket until the test ends.
func publish(t testing.TB, address string, hwm int) *Socket {
	t.Helper()
	a, err := ParseAddress(address)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Listen(t.Context(), Config{Address: a, HWM: hwm, Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return s
}

// peer is a subscriber that says exactly what a test has it say.
type peer struct {
	net.Conn
	t testing.TB
	r *bufio.Reader
}

func dial(t testing.TB, s *Socket) *peer {
	t.Helper()
	network, address := s.address.network, s.address.address
	conn, err := net.Dial(network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(deadline)); err != nil {
		t.Fatal(err)
	}
	return &peer{conn, t, bufio.NewReader(conn)}
}

func (p *peer) say(b ...byte) {
	p.t.Helper()
	if _, err := p.Write(b); err != nil {
		p.t.Fatal(err)
	}
}

// hears reads exactly some bytes.
func (p *peer) hears(want []byte) {
	p.t.Helper()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(p.r, got); err != nil || !bytes.Equal(got, want) {
		p.t.Fatalf("heard %x, %v; want %x", got, err, want)
	}
}

// left waits until the socket has hung up, whatever it says before.
func (p *peer) left() (last []byte) {
	p.t.Helper()
	last, err := io.ReadAll(p.r)
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		p.t.Fatal("the socket does not hang up")
	}
	return last
}

// pipe has a subscriber to some topics join s in virtual time, in which nobody is
// slow whom the machine keeps from running. Nothing on the way holds bytes.
func pipe(t *testing.T, s *Socket, topics ...string) *peer {
	t.Helper()
	here, there := net.Pipe()
	sub := newSubscriber(s, here)
	s.enter(sub)
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = sub.serve(context.WithoutCancel(t.Context())) // which ends when there is nobody there
	}()
	t.Cleanup(func() {
		there.Close()
		<-served
	})
	hello := append(greeting(), subReady...)
	for _, topic := range topics {
		hello = append(append(hello, 0, byte(1+len(topic)), 1), topic...)
	}
	p := &peer{there, t, bufio.NewReader(there)}
	go p.say(hello...)
	p.hears(greeting())
	p.hears(ready)
	for _, topic := range topics {
		await(t, s, topic, true)
	}
	return p
}

var subReady = appendCommand(nil, "READY", property(nil, "Socket-Type", "SUB"))

// shake greets as a subscriber does.
func (p *peer) shake() *peer {
	p.t.Helper()
	p.say(greeting()...)
	p.hears(greeting())
	p.say(subReady...)
	p.hears(ready)
	return p
}

// await waits until somebody, or nobody, has subscribed to a topic.
func await(t testing.TB, s *Socket, topic string, wanted bool) {
	t.Helper()
	for end := time.Now().Add(deadline); s.Wanted(topic) != wanted; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: wanted is %v", topic, !wanted)
		}
	}
}

// TestBytes holds what goes over the wire against RFC 37, written down by hand.
func TestBytes(t *testing.T) {
	s := publish(t, "tcp://127.0.0.1:0", 10)
	p := dial(t, s)
	hello := append([]byte{0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 1, 'N', 'U', 'L', 'L'}, make([]byte, 48)...)
	p.hears(hello)
	hello[11] = 0 // ZMTP 3.0
	p.say(hello...)
	p.hears([]byte("\x04\x19\x05READY\x0bSocket-Type\x00\x00\x00\x03PUB"))
	p.say([]byte("\x04\x26\x05READY\x0bSocket-Type\x00\x00\x00\x03SUB\x08Identity\x00\x00\x00\x00")...)
	p.say([]byte("\x00\x05\x01hash")...)
	await(t, s, "hashtx", true)
	if s.Wanted("rawtx") || s.Wanted("has") {
		t.Error("what was not subscribed to is wanted")
	}
	s.Publish("rawtx", []byte("no"), nil)
	s.Publish("hashtx", []byte("body"), []byte{1, 0, 0, 0})
	p.hears([]byte("\x01\x06hashtx\x01\x04body\x00\x04\x01\x00\x00\x00"))
	s.Publish("hashblock", bytes.Repeat([]byte{7}, 256), []byte{2})
	p.hears(append([]byte("\x01\x09hashblock\x03\x00\x00\x00\x00\x00\x00\x01\x00"), append(bytes.Repeat([]byte{7}, 256), 0, 1, 2)...))
	p.say([]byte("\x04\x09\x04PING\x00\x00ab")...)
	p.hears([]byte("\x04\x07\x04PONGab"))
	p.say([]byte("\x00\x05\x00hash")...)
	await(t, s, "hashtx", false)
}

// TestSubscriptions: both ways of subscribing, prefixes, and what was asked for
// twice is cancelled twice.
func TestSubscriptions(t *testing.T) {
	s := publish(t, "ipc://"+filepath.Join(t.TempDir(), "s"), 10)
	p := dial(t, s).shake()
	message := func(first byte, topic string) { p.say(append([]byte{0, byte(1 + len(topic)), first}, topic...)...) }
	command := func(name, topic string) { p.say(appendCommand(nil, name, []byte(topic))...) }
	message(1, "rawtx")
	command("SUBSCRIBE", "rawtx")
	command("SUBSCRIBE", "hash")
	await(t, s, "hashblock", true)
	message(0, "rawtx")
	message(0, "nothing")
	command("CANCEL", "hash")
	await(t, s, "hashblock", false)
	if !s.Wanted("rawtx") {
		t.Error("one subscription of two is gone")
	}
	command("CANCEL", "rawtx")
	await(t, s, "rawtx", false)
	p.say(0, 1, 1) // to everything
	await(t, s, "whatever", true)
	p.say(1, 2, 0, 'x', 0, 1, 0)                  // a message of two frames, which is none of a subscriber
	p.say(0, 0)                                   // and an empty one
	command("SOMETHING", "new")                   // a command of a later version
	p.say(0, 2, 9, 9)                             // neither 0 nor 1
	p.say(append([]byte{0, 2, 1}, "z"...)...)     // in order with what came before
	command("PING", "\x00\x00")                   //
	p.hears(appendCommand(nil, "PONG", []byte{})) // so all that was read
	if !s.Wanted("whatever") {
		t.Error("a message of two frames cancelled something")
	}
}

// TestRefused: what does not speak as a subscriber is hung up on.
func TestRefused(t *testing.T) {
	s := publish(t, "tcp://127.0.0.1:0", 10)
	spoil := func(at int, b ...byte) []byte {
		g := greeting()
		copy(g[at:], b)
		return g
	}
	after := func(b []byte) []byte { return append(greeting(), b...) }
	late := func(b ...byte) []byte { return append(append(greeting(), subReady...), b...) }
	many := late()
	for i := range maxTopics + 1 {
		many = append(many, appendCommand(nil, "SUBSCRIBE", []byte{byte(i)})...)
	}
	for name, bytes := range map[string][]byte{
		"HTTP":                   []byte("GET / HTTP/1.1\r\n\r\n"),
		"ZMTP 1":                 []byte("\x01\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00"),
		"ZMTP 2":                 spoil(10, 1),
		"signature":              spoil(9, 0x7e),
		"CURVE":                  spoil(12, 'C', 'U', 'R', 'V', 'E'),
		"a message for READY":    after([]byte("\x00\x01\x01")),
		"another command":        after(appendCommand(nil, "HELLO", nil)),
		"PUB":                    after(appendCommand(nil, "READY", property(nil, "Socket-Type", "PUB"))),
		"no type":                after(appendCommand(nil, "READY", nil)),
		"property cut off":       after(appendCommand(nil, "READY", []byte("\x0bSocket-Type\x00\x00\x00\x04SUB"))),
		"property without value": after(appendCommand(nil, "READY", []byte("\x0bSocket"))),
		"flags":                  late(8, 0),
		"a command in parts":     late(5, 1, 0),
		"long":                   late(2, 0, 0, 0, 0, 0, 0, 4, 1),
		"very long":              late(2, 255, 255, 255, 255, 255, 255, 255, 255),
		"no name":                late(4, 0),
		"name cut off":           late(4, 2, 2, 'a'),
		"short PING":             late(appendCommand(nil, "PING", []byte{0})...),
		"long PING":              late(appendCommand(nil, "PING", make([]byte, 19))...),
		"ERROR":                  late(appendCommand(nil, "ERROR", []byte{0})...),
		"topics":                 many,
	} {
		t.Run(name, func(t *testing.T) {
			p := dial(t, s)
			p.say(bytes...)
			p.left()
		})
	}
	p := dial(t, s)
	p.say(after(appendCommand(nil, "READY", property(nil, "Socket-Type", "REQ")))...)
	if last := p.left(); !bytes.Contains(last, []byte("\x05ERROR")) || !bytes.Contains(last, []byte(`"REQ"`)) {
		t.Errorf("a REQ is told %q", last)
	}
}

// TestHeartbeat: a peer that promised heartbeats and is silent is hung up on.
func TestHeartbeat(t *testing.T) {
	s := publish(t, "tcp://127.0.0.1:0", 10)
	p := dial(t, s).shake()
	p.say(appendCommand(nil, "PING", []byte{0, 1})...) // a tenth of a second
	p.hears(appendCommand(nil, "PONG", nil))
	p.left()
}

// TestSlow: a subscriber that does not read loses what is beyond the high-water
// mark, keeps the order, and costs others nothing.
func TestSlow(t *testing.T) { synctest.Test(t, testSlow) }

func testSlow(t *testing.T) {
	const hwm, total, size = 100, 3000, 100_000
	s := &Socket{cfg: Config{HWM: hwm, Log: zerolog.Nop()}, subscribers: map[*subscriber]struct{}{}}
	slow, fast := pipe(t, s, "a"), pipe(t, s, "b")
	body := make([]byte, size)
	for i := range uint32(total) {
		s.Publish("a", body, binary.LittleEndian.AppendUint32(nil, i))
	}
	for sub := range s.subscribers {
		sub.mu.Lock()
		if waiting := len(sub.queue) - sub.first; waiting > hwm || sub.bytes > hwm*(size+50) {
			t.Errorf("%d messages of %d bytes wait", waiting, sub.bytes)
		}
		sub.mu.Unlock()
	}
	dropped := s.Dropped()
	if dropped != total-hwm-1 { // one is being written
		t.Errorf("%d messages were dropped", dropped)
	}
	s.Publish("b", []byte("x"), []byte{0})
	fast.hears([]byte("\x01\x01b\x01\x01x\x00\x01\x00"))

	// What the slow one gets is the beginning, without a gap.
	head := newMessage("a", body, nil).head
	for i := range uint32(total - dropped) {
		slow.hears(head)
		slow.hears(body)
		slow.hears(binary.LittleEndian.AppendUint32([]byte{0, 4}, i))
	}
	// And when it has caught up it gets everything again.
	for i := range uint32(3 * hwm) {
		s.Publish("a", nil, binary.LittleEndian.AppendUint32(nil, i))
		slow.hears([]byte("\x01\x01a\x01\x00\x00\x04"))
		slow.hears(binary.LittleEndian.AppendUint32(nil, i))
	}
	if d := s.Dropped(); d != dropped {
		t.Errorf("%d more were dropped", d-dropped)
	}
}

// TestBytesWaiting: without a mark, bytes bound what waits.
func TestBytesWaiting(t *testing.T) {
	s := publish(t, "tcp://127.0.0.1:0", 0)
	p := dial(t, s).shake()
	p.say(0, 1, 1)
	await(t, s, "a", true)
	body := make([]byte, 1<<20)
	for range 3 * maxQueued >> 20 {
		s.Publish("a", body, nil)
	}
	for sub := range s.subscribers {
		sub.mu.Lock()
		if sub.bytes > maxQueued {
			t.Errorf("%d bytes wait", sub.bytes)
		}
		sub.mu.Unlock()
	}
	if s.Dropped() < maxQueued>>20 {
		t.Errorf("%d were dropped", s.Dropped())
	}
}

// TestBurst: who reads loses nothing, however much comes at once.
func TestBurst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Socket{cfg: Config{HWM: 10, Log: zerolog.Nop()}, subscribers: map[*subscriber]struct{}{}}
		p := pipe(t, s, "a")
		const total = 20_000
		go func() {
			for i := range uint32(total) {
				s.Publish("a", nil, binary.LittleEndian.AppendUint32(nil, i))
			}
		}()
		for i := range uint32(total) {
			p.hears([]byte("\x01\x01a\x01\x00\x00\x04"))
			p.hears(binary.LittleEndian.AppendUint32(nil, i))
		}
		if d := s.Dropped(); d != 0 {
			t.Errorf("%d were dropped", d)
		}
	})
}

// TestManySubscribers: beyond the bound they are turned away, and when one leaves
// there is room again.
func TestManySubscribers(t *testing.T) {
	s := publish(t, "tcp://127.0.0.1:0", 10)
	var peers []*peer
	for range maxSubscribers {
		peers = append(peers, dial(t, s).shake())
	}
	dial(t, s).left()
	peers[0].Close()
	for end := time.Now().Add(deadline); ; {
		s.mu.Lock()
		n := len(s.subscribers)
		s.mu.Unlock()
		if n < maxSubscribers {
			break
		}
		if time.Now().After(end) {
			t.Fatal("one who left is still there")
		}
	}
	dial(t, s).shake()
}

// TestTaken: an address that somebody has, and what may stand at the path of a
// unix socket.
func TestTaken(t *testing.T) {
	dir := t.TempDir()
	listen := func(address string) (*Socket, error) {
		a, err := ParseAddress(address)
		if err != nil {
			t.Fatal(err)
		}
		return Listen(t.Context(), Config{Address: a, Log: zerolog.Nop()})
	}
	path := filepath.Join(dir, "s")
	for _, s := range []*Socket{publish(t, "tcp://127.0.0.1:0", 1), publish(t, "ipc://"+path, 1)} {
		_, err := listen(s.Address().String())
		if want := fmt.Sprintf("cannot listen on %v: somebody listens there already", s.Address()); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := listen("ipc://" + file); err == nil || !strings.Contains(err.Error(), "no socket") {
		t.Errorf("a file: %v", err)
	}
	if b, err := os.ReadFile(file); string(b) != "precious" {
		t.Errorf("the file: %q, %v", b, err)
	}
	if _, err := listen("ipc://" + filepath.Join(dir, "none", "s")); err == nil || strings.Contains(err.Error(), "\n") {
		t.Errorf("no folder: %v", err)
	}
	// One that a killed process has left behind.
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, "old"), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	s, err := listen("ipc://" + filepath.Join(dir, "old"))
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
}

// FuzzPeer: whatever a peer sends, it is served until it breaks a rule, and then
// hung up on.
func FuzzPeer(f *testing.F) {
	f.Add(append(append(greeting(), subReady...), "\x00\x06\x01rawtx\x04\x09\x04PING\x00\x00ab"...))
	f.Add(append(append(greeting(), subReady...), "\x04\x0f\x09SUBSCRIBErawtx\x04\x0c\x06CANCELrawtx"...))
	f.Add(append(greeting(), "\x06\x00\x00\x00\x00\x00\x00\x00\x19\x05READY\x0bSocket-Type\x00\x00\x00\x04XSUB"...))
	f.Add([]byte("\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f\x03"))
	f.Fuzz(func(t *testing.T, b []byte) {
		here, there := net.Pipe()
		s := &Socket{cfg: Config{HWM: 4, Log: zerolog.Nop()}, subscribers: map[*subscriber]struct{}{}}
		sub := newSubscriber(s, here)
		s.enter(sub)
		served := make(chan error, 1)
		go func() { served <- sub.serve(t.Context()) }()
		go func() { _, _ = io.Copy(io.Discard, there) }()
		_, _ = there.Write(b)
		s.Publish("rawtx", b, []byte{1})
		there.Close()
		if err := <-served; err == nil {
			t.Error("it ended without an error")
		}
		if len(sub.topics) != 0 || len(sub.queue) != 0 {
			t.Errorf("it holds on to %d topics and %d messages", len(sub.topics), len(sub.queue))
		}
	})
}

// BenchmarkPublish publishes a transaction of 250 bytes to subscribers that read.
func BenchmarkPublish(b *testing.B) {
	for _, n := range []int{0, 1, 8} {
		b.Run(fmt.Sprintf("subscribers=%d", n), func(b *testing.B) {
			s := publish(b, "tcp://127.0.0.1:0", 1000)
			for range n {
				p := dial(b, s).shake()
				p.say(0, 1, 1)
				go func() { _, _ = io.Copy(io.Discard, p.r) }()
			}
			for end := time.Now().Add(deadline); len(s.takers("rawtx")) < n && time.Now().Before(end); {
				time.Sleep(time.Millisecond)
			}
			body, tail := make([]byte, 250), make([]byte, 4)
			b.ReportAllocs()
			for b.Loop() {
				s.Publish("rawtx", body, tail)
			}
		})
	}
}

// BenchmarkPublishBlock publishes a block of 1 MB to a subscriber, until it has
// all of it.
func BenchmarkPublishBlock(b *testing.B) {
	s := publish(b, "tcp://127.0.0.1:0", 1000)
	p := dial(b, s).shake()
	p.say(0, 1, 1)
	for end := time.Now().Add(deadline); len(s.takers("rawblock")) == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			b.Fatal("the subscription is not seen")
		}
	}
	body, tail := make([]byte, 1_000_000), make([]byte, 4)
	size := int64(len(newMessage("rawblock", body, tail).head) + len(body) + 2 + len(tail))
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		s.Publish("rawblock", body, tail)
		if _, err := io.CopyN(io.Discard, p.r, size); err != nil {
			b.Fatal(err)
		}
	}
}
