package rpc

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/rpc/jsonrpc"
)

// rawConn is one connection to a test node.
type rawConn struct {
	t testing.TB
	net.Conn
	r *bufio.Reader
}

func (n *testNode) dial() *rawConn {
	n.t.Helper()
	c, err := net.Dial("tcp", n.address)
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(time.Minute)) // a server that hangs fails the test
	return &rawConn{n.t, c, bufio.NewReader(c)}
}

// send writes text, which the server may refuse to read to the end.
func (c *rawConn) send(text string) {
	c.t.Helper()
	if _, err := io.WriteString(c, text); err != nil && !broken(err) {
		c.t.Fatal(err)
	}
}

// receive returns an answer, as status and body, or what became of the
// connection.
func (c *rawConn) receive() string {
	c.t.Helper()
	resp, err := http.ReadResponse(c.r, nil)
	if err != nil {
		if errors.Is(err, os.ErrDeadlineExceeded) {
			c.t.Error("no answer")
		}
		return "closed"
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return resp.Status[:3] + " cut off"
	}
	return resp.Status[:3] + " " + string(body)
}

// broken reports whether an error means that the server has closed the
// connection.
func broken(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET)
}

// request is a request with a body, as the node's user.
func (n *testNode) request(body string) string {
	n.t.Helper()
	return "POST / HTTP/1.1\r\nHost: x\r\nAuthorization: " + n.authorization() +
		"\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body
}

// eventually waits until something that is on its way has happened.
func eventually(t testing.TB, what string, happened func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !happened(); runtime.Gosched() {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

// watchHeap returns a function that tells by how much the heap has grown at
// most since, and by how much for good.
func watchHeap(t testing.TB) func() (peak, kept int64) {
	t.Helper()
	t.Cleanup(func(percent int) func() { return func() { debug.SetGCPercent(percent) } }(debug.SetGCPercent(10)))
	heap := func() int64 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	runtime.GC()
	base, highest := heap(), int64(0)
	done := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		tick := time.NewTicker(2 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				highest = max(highest, heap())
			case <-done:
				return
			}
		}
	})
	return func() (int64, int64) {
		close(done)
		watching.Wait()
		runtime.GC()
		return highest - base, heap() - base
	}
}

const parseError = `500 {"result":null,"error":{"code":-32700,"message":"Parse error"},"id":null}` + "\n"

// TestMalformedHTTP starts from a request that is answered and breaks one
// thing.
func TestMalformedHTTP(t *testing.T) {
	n := startTestNode(t, nil)
	auth := "Authorization: " + n.authorization() + "\r\n"
	const body = `{"method":"getblockcount","id":7}`
	const good = `200 {"result":0,"error":null,"id":7}` + "\n"
	length := "Content-Length: " + strconv.Itoa(len(body)) + "\r\n"
	const line = "POST / HTTP/1.1\r\nHost: x\r\n"
	chunk := strconv.FormatInt(int64(len(body)), 16) + "\r\n" + body + "\r\n0\r\n\r\n"
	for _, c := range []struct{ name, text, want string }{
		{"nothing", line + auth + length + "\r\n" + body, good},
		{"method GET", "GET" + line[4:] + auth + length + "\r\n" + body, "405 JSONRPC server handles only POST requests"},
		{"method unknown", "FETCH" + line[4:] + auth + length + "\r\n" + body, "405 JSONRPC server handles only POST requests"},
		{"method no token", "P(ST" + line[4:] + auth + length + "\r\n" + body, "400 400 Bad Request"},
		{"no method", line[5:] + auth + length + "\r\n" + body, "400 400 Bad Request"},
		{"no version", "POST /\r\nHost: x\r\n" + auth + length + "\r\n" + body, "400 400 Bad Request"},
		{"version 9", "POST / HTTP/9.1\r\nHost: x\r\n" + auth + length + "\r\n" + body, "505 505 HTTP Version Not Supported: unsupported protocol version"},
		{"version no number", "POST / HTTP/x\r\nHost: x\r\n" + auth + length + "\r\n" + body, "400 400 Bad Request"},
		{"other protocol", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n\n", "400 400 Bad Request"},
		{"path", "POST /x HTTP/1.1\r\nHost: x\r\n" + auth + length + "\r\n" + body, "404 "},
		{"no length", line + auth + "\r\n", parseError},
		{"length 0", line + auth + "Content-Length: 0\r\n\r\n", parseError},
		{"length too short", line + auth + "Content-Length: 5\r\n\r\n" + body, parseError},
		{"length negative", line + auth + "Content-Length: -5\r\n\r\n" + body, "400 400 Bad Request"},
		{"length no number", line + auth + "Content-Length: x\r\n\r\n" + body, "400 400 Bad Request"},
		{"length of the moon", line + auth + "Content-Length: 99999999999999999999\r\n\r\n" + body, "400 400 Bad Request"},
		{"length above the limit", line + auth + "Content-Length: " + strconv.Itoa(maxBody+1) + "\r\n\r\n" + body, "413 "},
		{"two lengths", line + auth + length + "Content-Length: 4\r\n\r\n" + body, "400 400 Bad Request"},
		{"chunked, whole", line + auth + "Transfer-Encoding: chunked\r\n\r\n" + chunk, good},
		{"chunked, no size", line + auth + "Transfer-Encoding: chunked\r\n\r\nxyz\r\n" + body, "400 "},
		{"chunked, above the limit", line + auth + "Transfer-Encoding: chunked\r\n\r\n" + strings.Repeat("800000\r\n"+strings.Repeat(" ", 8<<20)+"\r\n", 4) + "1\r\n \r\n0\r\n\r\n", "413 "},
		{"other coding", line + auth + "Transfer-Encoding: gzip\r\n\r\n" + body, "501 Unsupported transfer encoding"},
		{"space before a colon", line + auth + "Content-Length : 3\r\n\r\n" + body, "400 400 Bad Request: invalid header name"},
		{"field without a colon", line + auth + length + "what\r\n\r\n" + body, "400 400 Bad Request"},
		{"two hosts", line + "Host: y\r\n" + auth + length + "\r\n" + body, "400 400 Bad Request"},
		{"large head", line + auth + length + strings.Repeat("X: "+strings.Repeat("y", 1000)+"\r\n", 40) + "\r\n" + body, "431 431 Request Header Fields Too Large"},
		{"one long line", "POST / " + strings.Repeat("y", 100_000), "431 431 Request Header Fields Too Large"},
		{"an unknown expectation", line + auth + length + "Expect: tea\r\n\r\n" + body, "417 "},
	} {
		conn := n.dial()
		conn.send(c.text)
		got := conn.receive()
		// Bytes of ours that the server leaves unread may make its system break the
		// connection before we see the whole answer.
		if len(c.text) > 4096 && (got == "closed" || got == c.want[:3]+" cut off") {
			continue
		}
		if got != c.want {
			t.Errorf("%s: %.100q, want %q", c.name, got, c.want)
		}
	}

	// Whatever was in front, the next answer belongs to the next request.
	conn := n.dial()
	var many strings.Builder
	for i := range 200 {
		many.WriteString(n.request(fmt.Sprintf(`{"method":"echo","params":[%d],"id":%d}`, i, i)))
	}
	conn.send(many.String())
	for i := range 200 {
		if got, want := conn.receive(), fmt.Sprintf(`200 {"result":[%d],"error":null,"id":%d}`+"\n", i, i); got != want {
			t.Fatalf("pipelined: %s, want %s", got, want)
		}
	}
}

// TestJSONBombs sends requests that are small and could cost much: each is
// answered as it should be, in memory that stays far below what the limits allow.
func TestJSONBombs(t *testing.T) {
	n := startTestNode(t, nil)
	echo := func(args string) string { return `{"method":"echo","params":[` + args + `],"id":1}` }
	digits := strings.Repeat("9", 1<<20)
	const help = `500 {"result":null,"error":{"code":-1,"message":"echo`
	for _, c := range []struct{ name, body, want string }{
		{"open brackets", strings.Repeat("[", 10_000_000), parseError},
		{"open objects", strings.Repeat(`{"a":`, 2_000_000), parseError},
		{"too deep in a call", echo(strings.Repeat("[", 511) + strings.Repeat("]", 511)), parseError},
		{"as deep as allowed", echo(strings.Repeat("[", 510) + strings.Repeat("]", 510)), `200 {"result":[[[[[[`},
		{"empty arrays", echo(strings.Repeat("[],", 999_999) + "[]"), help},
		{"empty arrays, too many", echo(strings.Repeat("[],", 1<<20) + "[]"), parseError},
		{"empty arrays in one", echo("[" + strings.Repeat("[],", 999_999) + "[]]"), `200 {"result":[[[],[],[]`},
		{"a batch of zeros", "[" + strings.Repeat("0,", 8_000_000) + "0]", parseError},
		{"a long number", echo(digits), `200 {"result":[99999999`},
		{"a long number for a height", `{"method":"getblockhash","params":[` + digits + `],"id":1}`,
			`500 {"result":null,"error":{"code":-1,"message":"JSON integer out of range"},"id":1}` + "\n"},
		{"an exponent", `{"method":"getblockhash","params":[1e999999999],"id":1}`,
			`500 {"result":null,"error":{"code":-1,"message":"JSON integer out of range"},"id":1}` + "\n"},
		{"a long string", echo(`"` + strings.Repeat("x", 16_000_000) + `"`), `200 {"result":["xxxx`},
		{"a string without end", echo(`"` + strings.Repeat("x", 16_000_000)), parseError},
		{"escapes", echo(`"` + strings.Repeat(`\u0041`, 1_000_000) + `"`), `200 {"result":["AAAA`},
		{"a long name", `{"method":"` + strings.Repeat("m", 8_000_000) + `","id":1}`, `404 {"result":null,"error":{"code":-32601,"message":"Method not found"},"id":1}` + "\n"},
		{"bytes that are not UTF-8", echo("\"\xff\xfe\""), parseError},
		{"half a surrogate", echo(`"\ud800"`), parseError},
		{"NULs", strings.Repeat("\x00", 1_000_000), parseError},
		{"white space", strings.Repeat(" ", 16_000_000), parseError},
		{"the same names", `{"method":"getblockcount","method":"stop","id":1,"id":2,"params":[],"params":[7]}`, `200 {"result":0,"error":null,"id":1}` + "\n"},
		{"many names", `{"method":"echo","params":{` + strings.Repeat(`"arg0":1,`, 500_000) + `"arg0":1},"id":1}`,
			`500 {"result":null,"error":{"code":-8,"message":"Parameter arg0 specified multiple times"},"id":1}` + "\n"},
	} {
		request := n.request(c.body)
		grown := watchHeap(t)
		conn := n.dial()
		conn.send(request)
		got := conn.receive()
		peak, kept := grown()
		if !strings.HasPrefix(got, c.want) {
			t.Errorf("%s: %.150q, want %.150q", c.name, got, c.want)
		}
		// The body and its answer are here twice, once as the client's; a text that
		// is refused has no values.
		_, values, _ := jsonrpc.Check(c.body)
		if limit := int64(6*len(request) + values*jsonrpc.ValueBytes*3/2 + 16<<20); peak > limit || kept > int64(4*len(got)+8<<20) {
			t.Errorf("%s: the heap grew by %d MiB, of which %d remain", c.name, peak>>20, kept>>20)
		}
	}
	eventually(t, "no memory is held", func() bool { return n.server.memory.held() == 0 })
	if got := n.text("getblockcount"); got != "0" {
		t.Error(got)
	}
}

// TestGiantBatches: every one of 100,000 calls is answered, in order; the one
// thread that there is has time for others meanwhile; and where the answers would be too
// large, each call is told.
func TestGiantBatches(t *testing.T) {
	n := startTestNode(t, func(c *Config, _ *ledger.Config) { c.Threads = 1 })
	var b strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&b, `,{"jsonrpc":"2.0","method":"getblockcount","params":[],"id":%d}`, i)
	}
	conn := n.dial()
	conn.send(n.request("[" + b.String()[1:] + "]"))
	var want strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&want, `,{"jsonrpc":"2.0","result":0,"id":%d}`, i)
	}
	if got := conn.receive(); got != "200 ["+want.String()[1:]+"]\n" {
		t.Errorf("%d bytes: %.200q", len(got), got)
	}

	request := n.request("[" + strings.Repeat(`{"method":"help","params":["getblockstats"],"id":1},`, 100_000) + `{"method":"uptime"}]`)
	grown := watchHeap(t)
	conn.send(request)
	eventually(t, "the batch begins", func() bool { return n.server.Load().Working == 1 })
	served := 0
	answer := make(chan string)
	go func() { answer <- conn.receive() }()
	var got string
	for got == "" {
		n.text("getblockcount")
		served++
		select {
		case got = <-answer:
		default:
		}
	}
	peak, _ := grown()
	if served < 2 {
		t.Errorf("%d calls were served during the batch", served)
	}
	const refused = `"error":{"code":-1,"message":"the answers to this batch are too large; ask in smaller ones"}`
	answered, told := strings.Count(got, `"error":null`), strings.Count(got, refused)
	if !strings.HasPrefix(got, "200 [{") || answered == 0 || told == 0 || answered+told != 100_001 {
		t.Errorf("%d calls were answered, %d refused: %.100q", answered, told, got)
	}
	if limit := int64(6 * (maxBatchReply + 32<<20)); peak > limit {
		t.Errorf("the heap grew by %d MiB", peak>>20)
	}
}

// TestBatchEnds: a batch does not go on for a client that has left.
func TestBatchEnds(t *testing.T) {
	n := startTestNode(t, nil)
	n.server.Serve(Node{Ledger: n.ledger, Miner: endlessMiner{newTestMiner(n)}})
	conn := n.dial()
	conn.send(n.request("[" + strings.Repeat(`{"method":"generatetodescriptor","params":[1,"raw(51)"]},`, 1000) + `{"method":"uptime"}]`))
	eventually(t, "the batch begins", func() bool { return n.server.Load().Working == 1 })
	conn.Close()
	eventually(t, "the batch ends", func() bool { return n.server.Load().Working == 0 })
	for _, c := range n.server.Load().Calls {
		if c.Time.Count > 1 {
			t.Errorf("%d calls of %s", c.Time.Count, c.Method)
		}
	}
}

// TestIdleConnections opens far more connections than there may be, and leaves
// them idle.
func TestIdleConnections(t *testing.T) {
	n := startTestNode(t, nil)
	kept := n.dial()
	call := n.request(`{"method":"getblockcount","id":7}`)
	const answer = `200 {"result":0,"error":null,"id":7}` + "\n"
	exchange := func(c *rawConn) string { c.send(call); return c.receive() }
	if got := exchange(kept); got != answer {
		t.Fatal(got)
	}
	grown := watchHeap(t)
	silent := make([]*rawConn, 1000)
	for i := range silent {
		silent[i] = n.dial()
		silent[i].send(call[:i%len(call)/8]) // some say a little, none a whole head
	}
	eventually(t, "all are taken in", func() bool { return n.server.connections.count() == n.server.connections.max })
	if peak, _ := grown(); peak > 64<<20 {
		t.Errorf("the heap grew by %d MiB", peak>>20)
	}
	// Whoever has called before is still there, and whoever comes is served.
	if got := exchange(kept); got != answer {
		t.Errorf("the connection that was in use: %s", got)
	}
	for range 20 {
		if got := exchange(n.dial()); got != answer {
			t.Errorf("a new connection: %s", got)
		}
	}
	if _, err := silent[0].r.ReadByte(); !broken(err) {
		t.Errorf("the oldest idle connection: %v", err)
	}

	// The same with connections that are known, where the one idle longest goes.
	known := make([]*rawConn, n.server.connections.max)
	for i := range known {
		known[i] = n.dial()
		if got := exchange(known[i]); got != answer {
			t.Fatalf("connection %d: %s", i, got)
		}
	}
	if got := exchange(n.dial()); got != answer {
		t.Errorf("a new connection: %s", got)
	}
	if _, err := known[0].r.ReadByte(); !broken(err) {
		t.Errorf("the one idle longest: %v", err)
	}
	if got := exchange(known[len(known)-1]); got != answer {
		t.Errorf("the one that was just in use: %s", got)
	}
}

// TestConnectionsAtWork: a connection at work never gives way.
func TestConnectionsAtWork(t *testing.T) {
	n := startTestNode(t, func(c *Config, _ *ledger.Config) { c.limits.connections = 3 })
	n.server.Serve(Node{Ledger: n.ledger, Miner: endlessMiner{newTestMiner(n)}})
	work := n.request(`{"method":"generatetodescriptor","params":[1,"raw(51)"],"id":1}`)
	conns := []*rawConn{n.dial(), n.dial(), n.dial()}
	for i, c := range conns {
		c.send(work)
		eventually(t, "it works", func() bool { return n.server.Load().Working == i+1 })
	}
	if got := n.dial().receive(); got != "closed" {
		t.Errorf("one too many: %s", got)
	}
	// One that was refused is no reason to close one that is at work.
	if n.server.Load().Working != 3 {
		t.Error("a call has ended")
	}
	conns[1].Close()
	eventually(t, "it is gone", func() bool { return n.server.connections.count() == 2 })
	// A wrong password holds a connection for a moment, and gives way to others.
	wrong := n.dial()
	wrong.send("POST / HTTP/1.1\r\nHost: x\r\nAuthorization: Basic eDp5\r\n\r\n")
	eventually(t, "it is refused", func() bool { return n.server.Load().Unauthorized == 1 })
	right := n.dial()
	right.send(n.request(`{"method":"getblockcount","id":7}`))
	if got := right.receive(); !strings.HasPrefix(got, "200 ") {
		t.Errorf("behind a wrong password: %s", got)
	}
}

// TestAside: a call that only waits leaves the one slot to others.
func TestAside(t *testing.T) {
	n := startTestNode(t, func(c *Config, _ *ledger.Config) { c.Threads = 1 })
	var waited atomic.Bool
	var waiting sync.WaitGroup
	waiting.Go(func() {
		if _, err := n.Call(t.Context(), "stop", 1000); err != nil {
			t.Error(err)
		}
		waited.Store(true)
	})
	eventually(t, "it waits", func() bool { return n.shutdown.Load() == 1 })
	if got := n.text("getblockcount"); got != "0" || waited.Load() {
		t.Errorf("%s; the other call has ended: %v", got, waited.Load())
	}
	waiting.Wait()
	if l := n.server.Load(); l.Working != 0 {
		t.Errorf("%+v", l)
	}
}

// TestSlowRequests: what does not come in time is given up, and only that.
func TestSlowRequests(t *testing.T) {
	n := startTestNode(t, func(c *Config, _ *ledger.Config) { c.Timeout = 500 * time.Millisecond })
	call := n.request(`{"method":"getblockcount","id":7}`)
	head := strings.Index(call, "\r\n\r\n") + 4
	var all sync.WaitGroup
	for i := range 60 {
		c := n.dial()
		cut := (i + 1) * len(call) / 61
		all.Go(func() {
			c.send(call[:cut])
			got := c.receive()
			switch {
			case cut < head && got != "closed" && got != "408 408 Request Timeout" && !strings.HasPrefix(got, "400 "):
				t.Errorf("%d bytes of a head of %d: %s", cut, head, got)
			case cut >= head && got != "400 ":
				t.Errorf("a head and %d bytes of the body: %s", cut-head, got)
			}
			if _, err := c.r.ReadByte(); !broken(err) {
				t.Errorf("%d bytes: %v", cut, err)
			}
		})
	}
	if got := n.text("getblockcount"); got != "0" {
		t.Error(got)
	}
	all.Wait()
	// Without a password the body is not waited for either.
	c := n.dial()
	c.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n")
	if got := c.receive(); got != "401 " {
		t.Error(got)
	}
	if _, err := c.r.ReadByte(); !broken(err) {
		t.Errorf("%v", err)
	}
}

// TestReadersThatNeverRead asks for large answers and takes none of them.
// Calls' slots are free all the same; the memory stays within the budget; and when
// somebody else needs it, those who do not read are cut off.
func TestReadersThatNeverRead(t *testing.T) {
	const memory = 64 << 20
	n := startTestNode(t, func(c *Config, _ *ledger.Config) {
		c.Threads = 2
		c.limits.memory, c.limits.stall = memory, 100*time.Millisecond
	})
	const size = 12 << 20
	text := strings.Repeat("x", size)
	large := n.request(`{"method":"echo","params":["` + text + `"],"id":1}`)
	grown := watchHeap(t)
	var readers []*rawConn
	for range 12 {
		c := n.dial()
		c.Conn.(*net.TCPConn).SetReadBuffer(256 << 10)
		c.send(large)
		readers = append(readers, c)
		// Small calls always get through.
		if got := n.text("getblockcount"); got != "0" {
			t.Error(got)
		}
		if held := n.server.memory.held(); held > memory {
			t.Errorf("%d MiB are held", held>>20)
		}
	}
	// So does a large one, whose client reads.
	c := n.dial()
	c.send(large)
	if got := c.receive(); !strings.HasPrefix(got, `200 {"result":["x`) || len(got) < size {
		t.Errorf("a client that reads: %d bytes, %.50q", len(got), got)
	}
	peak, _ := grown()
	if limit := int64(memory + 4*size); peak > limit+limit/2 {
		t.Errorf("the heap grew by %d MiB", peak>>20)
	}
	whole := 0
	for _, c := range readers {
		if strings.HasPrefix(c.receive(), "200 {") {
			whole++
		}
	}
	if whole == len(readers) {
		t.Error("nobody was cut off")
	}
	eventually(t, "no memory is held", func() bool { return n.server.memory.held() == 0 })
	if l := n.server.Load(); l.Working != 0 || l.Waiting != 0 {
		t.Errorf("%+v", l)
	}
}

// TestWriteDeadline: an answer that is not taken in time is given up though
// nobody needs the memory.
func TestWriteDeadline(t *testing.T) {
	n := startTestNode(t, func(c *Config, _ *ledger.Config) { c.Timeout = 250 * time.Millisecond })
	c := n.dial()
	c.Conn.(*net.TCPConn).SetReadBuffer(256 << 10)
	c.send(n.request("[" + strings.Repeat(`{"method":"help","params":["getblockstats"]},`, 6000) + "0]"))
	eventually(t, "the answer is held", func() bool { return n.server.memory.held() > 0 })
	eventually(t, "it is no more", func() bool { return n.server.memory.held() == 0 })
	if got := c.receive(); got != "200 cut off" && got != "closed" {
		t.Errorf("%.50q", got)
	}
}

// TestNoMemory fills the budget: large requests and answers are refused in so
// many words, small ones are not.
func TestNoMemory(t *testing.T) {
	n := startTestNode(t, func(c *Config, _ *ledger.Config) {
		c.limits.memory, c.limits.patience = 1<<20, 20*time.Millisecond
	})
	if err := n.server.memory.take(t.Context(), 1<<20); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, body, want string }{
		{"small", `{"method":"echo","params":["` + strings.Repeat("x", 20_000) + `"]}`, "200 {"},
		{"body", `{"method":"echo","params":["` + strings.Repeat("x", 100_000) + `"]}`, "503 " + noMemory},
		{"values", `{"method":"echo","params":[[` + strings.Repeat("0,", 20_000) + `0]]}`, "200 {"},
		{"answer", `{"method":"echo","params":["` + strings.Repeat("\x7f", 30_000) + `"]}`, "503 " + noMemoryAnswer},
		{"batch", "[" + strings.Repeat(`{"method":"help","params":["getblockstats"]},`, 1000) + "0]", "503 " + noMemoryAnswer},
	} {
		conn := n.dial()
		conn.send(n.request(c.body))
		if got := conn.receive(); !strings.HasPrefix(got, c.want) {
			t.Errorf("%s: %.100q, want %q", c.name, got, c.want)
		}
	}
	n.server.memory.give(1 << 20)
	conn := n.dial()
	conn.send(n.request(`{"method":"echo","params":["` + strings.Repeat("x", 100_000) + `"]}`))
	if got := conn.receive(); !strings.HasPrefix(got, "200 {") {
		t.Errorf("with memory again: %.100q", got)
	}
}

// FuzzRequest sends any bytes to a real server: it answers in HTTP or hangs
// up, makes no mistake, and goes on serving.
func FuzzRequest(f *testing.F) {
	var log lockedBuffer
	n := startTestNode(f, func(c *Config, _ *ledger.Config) { c.Log = c.Log.Output(&log) })
	good := n.request(`{"method":"getblockcount","id":7}`)
	secret := n.authorization()
	f.Add([]byte(strings.ReplaceAll(good, secret, "SECRET")))
	for _, text := range []string{
		"POST / HTTP/1.1\nAuthorization: SECRET\nContent-Length: 2\n\n[]POST / HTTP/1.0\n\n", "GET / HTTP/1.1\r\n\r\n", "POST / HTTP/1.1\r\nAuthorization: SECRET\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\n\r\n",
		"POST / HTTP/1.1\r\nAuthorization: SECRET\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\r\n\r\n \x00",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if bytes.Contains(text, []byte("stop")) || bytes.Contains(text, []byte("Basic")) {
			return // the one would wait, the other too
		}
		c, err := net.Dial("tcp", n.address)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		c.SetDeadline(time.Now().Add(10 * time.Second))
		c.Write(bytes.ReplaceAll(text, []byte("SECRET"), []byte(secret)))
		c.(*net.TCPConn).CloseWrite()
		answer, err := io.ReadAll(c)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("%q: no end of %q", text, answer)
		}
		if len(answer) > 0 && !bytes.HasPrefix(answer, []byte("HTTP/1.")) {
			t.Fatalf("%q: %q", text, answer)
		}
		if text := log.String(); strings.Contains(text, "panic") || strings.Contains(text, "mistake") {
			t.Fatal(text)
		}
	})
}

// lockedBuffer is a log that is read while it is written.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.b.Len() > 1<<20 {
		b.b.Reset()
	}
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
