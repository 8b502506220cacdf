package link_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/keelson-chain/keelson/testnet/link"
)

// patience is for what happens soon, on a slow and busy machine.
const patience = time.Minute

// listen starts a server that hands each connection to serve.
func listen(t *testing.T, serve func(*net.TCPConn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				serve(c.(*net.TCPConn))
			}()
		}
	}()
	return l.Addr().String()
}

// echo sends back what it gets, until the other end has ended.
func echo(c *net.TCPConn) { _, _ = io.Copy(c, c) }

func open(t *testing.T, target string) *link.Link {
	t.Helper()
	l, err := link.Open(target)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func dial(t *testing.T, l *link.Link) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp", l.Address())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(patience))
	return c.(*net.TCPConn)
}

// trip sends a byte there and back and returns how long that took.
func trip(t *testing.T, c net.Conn) time.Duration {
	t.Helper()
	start := time.Now()
	if _, err := c.Write([]byte{1}); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(c, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	return time.Since(start)
}

func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for start := time.Now(); !done(); time.Sleep(time.Millisecond) {
		if time.Since(start) > patience {
			t.Fatalf("it does not happen that %s", what)
		}
	}
}

func set(t *testing.T, l *link.Link, s link.Shape) {
	t.Helper()
	if err := l.SetShape(s); err != nil {
		t.Fatal(err)
	}
}

// TestLatency measures a round trip, before, while and after there is a latency.
func TestLatency(t *testing.T) {
	l := open(t, listen(t, echo))
	c := dial(t, l)
	trip(t, c) // until the link has connected
	quick := trip(t, c)
	for range 20 {
		quick = min(quick, trip(t, c))
	}
	const latency = 60 * time.Millisecond
	set(t, l, link.Shape{Latency: latency})
	slow := trip(t, c)
	for range 5 {
		d := trip(t, c)
		if d < 2*latency {
			t.Errorf("a round trip took %v at a latency of %v", d, latency)
		}
		slow = min(slow, d)
	}
	// A busy machine makes a trip longer, not six of them.
	if slow > 2*latency+50*time.Millisecond || quick >= latency {
		t.Errorf("round trips took %v at a latency of %v, %v without", slow, latency, quick)
	}
	set(t, l, link.Shape{Latency: time.Millisecond, Jitter: 80 * time.Millisecond})
	least, most := time.Hour, time.Duration(0)
	for range 12 {
		d := trip(t, c)
		least, most = min(least, d), max(most, d)
	}
	if most-least < 10*time.Millisecond || least < 2*time.Millisecond {
		t.Errorf("with jitter round trips took from %v to %v", least, most)
	}
}

// TestOrder sends much data through a link whose times vary, and is it the same?
// A stream takes a latency once, not once a piece.
func TestOrder(t *testing.T) {
	l := open(t, listen(t, echo))
	set(t, l, link.Shape{Latency: 100 * time.Millisecond, Jitter: 30 * time.Millisecond})
	c := dial(t, l)
	data := make([]byte, 3<<20)
	rand.Read(data)
	start := time.Now()
	go func() {
		_, _ = c.Write(data)
		_ = c.CloseWrite()
	}()
	got, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, data) {
		t.Error("what came back is not what was sent")
	}
	if took := time.Since(start); took > 10*time.Second { // 192 pieces
		t.Errorf("3 MiB took %v", took)
	}
	eventually(t, "the link counts what has passed", func() bool { return l.Passed() == 2*int64(len(data)) })
}

// TestLoss: what is lost stalls for the time after which it is sent again.
func TestLoss(t *testing.T) {
	l := open(t, listen(t, echo))
	c := dial(t, l)
	trip(t, c)
	const again = 20 * time.Millisecond
	set(t, l, link.Shape{Loss: 0.3, Retransmission: again})
	stalled, fine := 0, 0
	for range 40 {
		if d := trip(t, c); d >= again {
			stalled++
		} else {
			fine++
		}
	}
	if stalled < 5 || fine == 0 { // every second on the average
		t.Errorf("at a loss of 0.3 %d round trips stalled, %d did not", stalled, fine)
	}
	set(t, l, link.Shape{Loss: link.MaxLoss, Retransmission: time.Millisecond})
	for range 10 {
		trip(t, c) // however much is lost, it arrives
	}
}

func TestCutAndMend(t *testing.T) {
	l := open(t, listen(t, echo))
	c := dial(t, l)
	trip(t, c)
	if n := l.Conns(); n != 1 {
		t.Errorf("%d connections", n)
	}
	l.Cut()
	if _, err := c.Read(make([]byte, 1)); err == nil || errors.Is(err, io.EOF) {
		t.Errorf("a cut connection ends with %v", err)
	}
	eventually(t, "the link carries nothing", func() bool { return l.Conns() == 0 })
	for range 3 {
		c, err := net.Dial("tcp", l.Address())
		if err != nil {
			continue
		}
		_ = c.SetDeadline(time.Now().Add(patience))
		if _, err := c.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("a connection comes through a link that is cut: %v", err)
		}
		c.Close()
	}
	if !l.IsCut() {
		t.Error("the link does not say that it is cut")
	}
	l.Mend()
	trip(t, dial(t, l))
	if l.IsCut() {
		t.Error("the link says that it is cut")
	}
}

// TestCutLosesWhatIsOnItsWay: bytes that have not arrived never do.
func TestCutLosesWhatIsOnItsWay(t *testing.T) {
	got := make(chan int64, 1)
	l := open(t, listen(t, func(c *net.TCPConn) {
		n, _ := io.Copy(io.Discard, c)
		got <- n
	}))
	c := dial(t, l)
	eventually(t, "the link has connected", func() bool { return l.Conns() == 1 })
	set(t, l, link.Shape{Latency: link.MaxLatency})
	if _, err := c.Write(make([]byte, 1000)); err != nil {
		t.Fatal(err)
	}
	// The target may not have been dialed yet: then it never sees anything.
	l.Cut()
	select {
	case n := <-got:
		if n != 0 {
			t.Errorf("%d bytes have arrived", n)
		}
	case <-time.After(200 * time.Millisecond):
	}
	eventually(t, "the link carries nothing", func() bool { return l.Conns() == 0 })
}

// TestHalfClose: who has said all still gets the answer.
func TestHalfClose(t *testing.T) {
	l := open(t, listen(t, func(c *net.TCPConn) {
		all, _ := io.ReadAll(c)
		_, _ = c.Write(bytes.ToUpper(all))
	}))
	set(t, l, link.Shape{Latency: 10 * time.Millisecond})
	c := dial(t, l)
	if _, err := c.Write([]byte("question")); err != nil {
		t.Fatal(err)
	}
	if err := c.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(c)
	if err != nil || string(answer) != "QUESTION" {
		t.Errorf("%q, %v", answer, err)
	}
}

// TestBounded: a sender whom nobody reads has to wait, and takes no more memory
// than the bound.
func TestBounded(t *testing.T) {
	hold := make(chan struct{})
	l := open(t, listen(t, func(c *net.TCPConn) { <-hold }))
	defer close(hold)
	set(t, l, link.Shape{Latency: link.MaxLatency})
	c := dial(t, l)
	_ = c.SetWriteDeadline(time.Now().Add(2 * time.Second))
	sent, buf := 0, make([]byte, 64<<10)
	for sent < 256<<20 {
		n, err := c.Write(buf)
		sent += n
		if err != nil {
			break
		}
	}
	// The link's 4 MiB, and what the system holds on both sides.
	if sent > 64<<20 {
		t.Errorf("%d MiB were taken that nobody reads", sent>>20)
	}
}

func TestTargetMissing(t *testing.T) {
	dead, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	target := dead.Addr().String()
	dead.Close()
	l := open(t, target)
	if c, err := net.Dial("tcp", l.Address()); err == nil { // or it is broken already
		_ = c.SetDeadline(time.Now().Add(patience))
		if _, err := c.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("a connection to nobody stays: %v", err)
		}
		c.Close()
	}
	for _, bad := range []string{"", "127.0.0.1", "192.0.2.1:80", "localhost.example:80"} {
		if _, err := link.Open(bad); err == nil || !strings.Contains(err.Error(), "link to") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestShapeBounds(t *testing.T) {
	l := open(t, "127.0.0.1:1")
	for _, s := range []link.Shape{
		{Latency: -1}, {Latency: link.MaxLatency + 1}, {Jitter: -1}, {Retransmission: -1},
		{Loss: -0.1}, {Loss: 1}, {Loss: nan()},
	} {
		if err := l.SetShape(s); !errors.Is(err, link.ErrShape) {
			t.Errorf("%+v: %v", s, err)
		}
	}
	if l.Shape() != (link.Shape{}) {
		t.Errorf("a bad shape is taken: %+v", l.Shape())
	}
}

func nan() float64 {
	zero := 0.0
	return zero / zero
}

// TestNothingLeft: the link's goroutines have ended when Close returns, whatever is
// on its way.
func TestNothingLeft(t *testing.T) {
	target := listen(t, echo)
	before := runtime.NumGoroutine()
	l, err := link.Open(target)
	if err != nil {
		t.Fatal(err)
	}
	var conns []*net.TCPConn
	for range 20 {
		c := dial(t, l)
		trip(t, c)
		conns = append(conns, c)
	}
	set(t, l, link.Shape{Latency: link.MaxLatency})
	for _, c := range conns {
		if _, err := c.Write(make([]byte, 100_000)); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if n := l.Conns(); n != 0 {
		t.Errorf("%d connections are left", n)
	}
	// The server's are not the link's, and end soon.
	eventually(t, "there are no more goroutines than before", func() bool { return runtime.NumGoroutine() <= before })
	if c, err := net.Dial("tcp", l.Address()); err == nil {
		c.Close()
		t.Error("the port is open after Close")
	}
}
