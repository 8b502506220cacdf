package rpc

import (
	"bufio"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/rpc/client"
	"github.com/keelson-chain/keelson/rpc/jsonrpc"
)

// authorization is the header of the test node's cookie.
func (n *testNode) authorization() string {
	n.t.Helper()
	cookie, err := os.ReadFile(n.config.CookieFile)
	if err != nil {
		n.t.Fatal(err)
	}
	return "Basic " + base64.StdEncoding.EncodeToString(cookie)
}

// post sends a body and returns the status and the answer.
func (n *testNode) post(body string) (int, string) {
	n.t.Helper()
	req, err := http.NewRequest(http.MethodPost, "http://"+n.address+"/", strings.NewReader(body))
	if err != nil {
		n.t.Fatal(err)
	}
	req.Header.Set("Authorization", n.authorization())
	return n.do(req)
}

func (n *testNode) do(req *http.Request) (int, string) {
	n.t.Helper()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		n.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		n.t.Fatal(err)
	}
	if resp.ContentLength != int64(len(text)) && resp.StatusCode != http.StatusNoContent {
		n.t.Errorf("Content-Length is %d for %d bytes", resp.ContentLength, len(text))
	}
	if len(resp.TransferEncoding) > 0 {
		n.t.Errorf("the answer is %v", resp.TransferEncoding)
	}
	want := ""
	if strings.HasPrefix(string(text), "{") || strings.HasPrefix(string(text), "[") {
		want = "application/json"
	}
	if got := resp.Header.Get("Content-Type"); got != want {
		n.t.Errorf("Content-Type is %q for %.20q", got, text)
	}
	return resp.StatusCode, string(text)
}

func TestEnvelopes(t *testing.T) {
	n := startTestNode(t, nil)
	const genesis = `"0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206"`
	for _, c := range []struct {
		body   string
		status int
		want   string
	}{
		// The old versions: an error is also an HTTP error.
		{`{"jsonrpc":"1.0","method":"getblockhash","params":[0],"id":1}`, 200, `{"result":` + genesis + `,"error":null,"id":1}` + "\n"},
		{`{"method":"getblockhash","params":[1],"id":"x"}`, 500, `{"result":null,"error":{"code":-8,"message":"Block height out of range"},"id":"x"}` + "\n"},
		{`{"method":"getinfo","params":[],"id":null}`, 404, `{"result":null,"error":{"code":-32601,"message":"Method not found"},"id":null}` + "\n"},
		{`{"method":1,"id":[2]}`, 400, `{"result":null,"error":{"code":-32600,"message":"Method must be a string"},"id":[2]}` + "\n"},
		{`{"id":1}`, 400, `{"result":null,"error":{"code":-32600,"message":"Missing method"},"id":1}` + "\n"},
		{`{"method":"getblockcount"}`, 200, `{"result":0,"error":null}` + "\n"},
		{`{`, 500, `{"result":null,"error":{"code":-32700,"message":"Parse error"},"id":null}` + "\n"},
		{``, 500, `{"result":null,"error":{"code":-32700,"message":"Parse error"},"id":null}` + "\n"},
		{`"x"`, 500, `{"result":null,"error":{"code":-32700,"message":"Top-level object parse error"},"id":null}` + "\n"},

		// 2.0: an error is an answer like any other.
		{`{"jsonrpc":"2.0","method":"getblockcount","id":1.50}`, 200, `{"jsonrpc":"2.0","result":0,"id":1.50}` + "\n"},
		{`{"jsonrpc":"2.0","method":"getinfo","id":1}`, 200, `{"jsonrpc":"2.0","error":{"code":-32601,"message":"Method not found"},"id":1}` + "\n"},
		{`{"jsonrpc":"2.0","method":"getblockcount"}`, 204, ``},
		{`{"jsonrpc":"2.0","method":"getinfo"}`, 204, ``},
		{`{"jsonrpc":"2.0","method":"getblockcount","id":null}`, 200, `{"jsonrpc":"2.0","result":0,"id":null}` + "\n"},
		{`{"jsonrpc":"3.0","method":"getblockcount","id":1}`, 400, `{"result":null,"error":{"code":-32600,"message":"JSON-RPC version not supported"},"id":1}` + "\n"},

		// Batches: always 200, every call answered in its own version.
		{`[]`, 200, "[]\n"},
		{`[{"method":"getblockcount","id":1},{"jsonrpc":"2.0","method":"getinfo","id":"b"},7,{"jsonrpc":"2.0","method":"getblockcount"}]`, 200,
			`[{"result":0,"error":null,"id":1},{"jsonrpc":"2.0","error":{"code":-32601,"message":"Method not found"},"id":"b"},` +
				`{"result":null,"error":{"code":-32600,"message":"Invalid Request object"},"id":null}]` + "\n"},
		{`[{"jsonrpc":"2.0","method":"getblockcount"},{"jsonrpc":"2.0","method":"getinfo"}]`, 204, ``},
		{`[{"method":"getblockcount"}]`, 200, `[{"result":0,"error":null}]` + "\n"},
	} {
		status, got := n.post(c.body)
		if status != c.status || got != c.want {
			t.Errorf("%s\n got %d %s\nwant %d %s", c.body, status, got, c.status, c.want)
		}
	}
}

func TestParameters(t *testing.T) {
	n := startTestNode(t, nil)
	for _, c := range []struct{ params, want string }{
		{`{"arg0":1,"arg2":null,"arg9":[2]}`, `[1,null,null,null,null,null,null,null,null,[2]]`},
		{`{"arg1":2}`, `[null,2]`},
		{`{}`, `[]`},
		{`{"args":[1,2]}`, `[1,2]`},
		{`{"args":[1,2],"arg2":3}`, `[1,2,3]`},
		{`{"args":[1,2],"arg4":3}`, `[1,2,null,null,3]`},
		{`{"args":[0],"arg1":1,"arg3":3}`, `[0,1,null,3]`},
		{`{"args":[1,2],"arg1":3}`, `-8 Parameter arg1 specified twice both as positional and named argument`},
		{`{"arg1":3,"args":[1,2,3]}`, `-8 Parameter arg1 specified twice both as positional and named argument`},
		{`{"arg1":1,"arg1":2}`, `-8 Parameter arg1 specified multiple times`},
		{`{"random":1}`, `-8 Unknown named parameter random`},
		{`{"args":1}`, `-8 Unknown named parameter args`},
	} {
		params, err := jsonrpc.Parse(c.params)
		if err != nil {
			t.Fatal(err)
		}
		v, err := n.CallParams(t.Context(), "echo", params)
		got := string(jsonrpc.Append(nil, v))
		if e := (*jsonrpc.Error)(nil); errors.As(err, &e) {
			got = fmt.Sprint(int(e.Code), " ", e.Message)
		} else if err != nil {
			t.Fatal(err)
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.params, got, c.want)
		}
	}

	// Alternative names of one parameter.
	hash := n.params.GenesisHash.String()
	for _, params := range []string{`{"blockhash":"` + hash + `","verbose":0}`, `{"verbosity":0,"blockhash":"` + hash + `"}`} {
		v, _ := jsonrpc.Parse(params)
		if got, err := n.CallParams(t.Context(), "getblock", v); err != nil || got.Kind != jsonrpc.String {
			t.Errorf("%s: %v", params, err)
		}
	}
	n.fails(-3, "Wrong type passed:\n{\n    \"Position 1 (nblocks)\": \"JSON value of type string is not of expected type number\",\n    \"Position 2 (height)\": \"JSON value of type array is not of expected type number\"\n}",
		"getnetworkhashps", "a", []any{})
	n.fails(-1, "getblockhash height\n\n", "getblockhash")
	n.fails(-1, "getblockhash height\n\n", "getblockhash", 1, 2)
	n.fails(-3, "Wrong type passed:\n{\n    \"Position 1 (height)\": \"JSON value of type null is not of expected type number\"\n}", "getblockhash", nil)
	n.fails(-1, "JSON integer out of range", "getblockhash", number("1.5"))
	n.fails(-1, "JSON integer out of range", "getblockhash", number("99999999999"))
}

// TestShortStart: a call that comes while a node starts is answered when it is there.
func TestShortStart(t *testing.T) {
	n := newTestNode(t, func(c *Config, _ *ledger.Config) { c.limits.start = time.Hour })
	answers := make(chan string)
	for range 3 {
		go func() {
			_, answer := n.post(`{"method":"getblockcount","id":1}`)
			answers <- answer
		}()
	}
	for len(n.server.slots) < 3 {
		time.Sleep(time.Millisecond)
	}
	n.server.Serve(Node{Ledger: n.ledger})
	for range 3 {
		if got := <-answers; got != `{"result":0,"error":null,"id":1}`+"\n" {
			t.Error(got)
		}
	}
}

func TestWarmup(t *testing.T) {
	n := newTestNode(t, func(c *Config, _ *ledger.Config) { c.limits.start = time.Nanosecond })
	n.fails(-28, "RPC server started", "getblockcount")
	n.server.SetStatus("Loading block index…")
	if status, got := n.post(`{"method":"getblockcount","id":1}`); status != 500 || got != `{"result":null,"error":{"code":-28,"message":"Loading block index…"},"id":1}`+"\n" {
		t.Errorf("%d %s", status, got)
	}
	n.fails(-28, "Loading block index…", "nosuchmethod")
	n.server.Serve(Node{Ledger: n.ledger})
	if got := n.text("getblockcount"); got != "0" {
		t.Error(got)
	}
	n.fails(-1, "this node cannot mine", "generatetodescriptor", 1, "raw(51)")
}

func TestHTTP(t *testing.T) {
	n := startTestNode(t, nil)
	request := func(method, path, authorization string) *http.Request {
		req, err := http.NewRequest(method, "http://"+n.address+path, strings.NewReader(`{"method":"echo"}`))
		if err != nil {
			t.Fatal(err)
		}
		if authorization != "" {
			req.Header.Set("Authorization", authorization)
		}
		return req
	}
	good := n.authorization()
	for _, c := range []struct {
		name   string
		req    *http.Request
		status int
		body   string
	}{
		{"good", request("POST", "/", good), 200, `{"result":[],"error":null}` + "\n"},
		{"GET", request("GET", "/", good), 405, "JSONRPC server handles only POST requests"},
		{"path", request("POST", "/wallet/x", good), 404, ""},
		{"no credentials", request("POST", "/", ""), 401, ""},
		{"wrong password", request("POST", "/", "Basic "+base64.StdEncoding.EncodeToString([]byte("__cookie__:00"))), 401, ""},
		{"no colon", request("POST", "/", "Basic "+base64.StdEncoding.EncodeToString([]byte("x"))), 401, ""},
		{"not base64", request("POST", "/", "Basic ***"), 401, ""},
		{"other scheme", request("POST", "/", "Bearer x"), 401, ""},
	} {
		status, body := n.do(c.req)
		if status != c.status || body != c.body {
			t.Errorf("%s: %d %q, want %d %q", c.name, status, body, c.status, c.body)
		}
	}
	resp, err := http.DefaultClient.Do(request("POST", "/", ""))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if got := resp.Header.Get("WWW-Authenticate"); got != `Basic realm="jsonrpc"` {
		t.Errorf("WWW-Authenticate is %q", got)
	}
	if !resp.Close {
		t.Error("a connection without credentials is kept")
	}

	// A body that is too large is refused by its announced length.
	req := request("POST", "/", good)
	req.Body, req.ContentLength = io.NopCloser(io.LimitReader(zeros{}, maxBody+1)), maxBody+1
	if resp, err := http.DefaultClient.Do(req); err == nil { // the server may close before it was sent
		resp.Body.Close()
		if resp.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("large body: %d", resp.StatusCode)
		}
	}
	// Nobody without a password gets to send one at all.
	req = request("POST", "/", "")
	body := &counter{r: io.LimitReader(zeros{}, maxBody)}
	req.Body, req.ContentLength = io.NopCloser(body), maxBody
	if resp, err := http.DefaultClient.Do(req); err == nil {
		resp.Body.Close()
		if resp.StatusCode != http.StatusUnauthorized {
			t.Errorf("body without credentials: %d", resp.StatusCode)
		}
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

type counter struct {
	r io.Reader
	n int
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += n
	return n, err
}

// TestHeads sends what real clients send and net/http would refuse, and what
// nobody should.
func TestHeads(t *testing.T) {
	n := startTestNode(t, nil)
	auth := "Authorization: " + n.authorization()
	body := `{"method":"getblockcount","id":7}`
	const answer = `{"result":0,"error":null,"id":7}` + "\n"
	length := "Content-Length: " + strconv.Itoa(len(body))
	exchange := func(c net.Conn, r *bufio.Reader, text string) (int, string) {
		t.Helper()
		c.SetDeadline(time.Now().Add(20 * time.Second))
		if _, err := io.WriteString(c, text); err != nil {
			t.Fatal(err)
		}
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		defer resp.Body.Close()
		got, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(got)
	}
	dial := func() (net.Conn, *bufio.Reader) {
		t.Helper()
		c, err := net.Dial("tcp", n.address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c, bufio.NewReader(c)
	}

	for name, head := range map[string]string{
		"no Host, bare line feeds": "POST / HTTP/1.1\n" + auth + "\n" + length + "\n\n",
		"no Host":                  "POST / HTTP/1.1\r\n" + auth + "\r\n" + length + "\r\n\r\n",
		"Host, bare line feeds":    "POST / HTTP/1.1\nHost: 127.0.0.1\n" + auth + "\n" + length + "\n\n",
		"mixed line ends":          "POST / HTTP/1.1\r\n" + auth + "\n" + length + "\r\n\n",
		"empty lines in front":     "\r\n\nPOST / HTTP/1.1\r\n" + auth + "\r\n" + length + "\r\n\r\n",
		"lower case":               "POST / HTTP/1.1\nhost: x\n" + strings.ToLower(auth[:14]) + auth[14:] + "\ncontent-length:" + strconv.Itoa(len(body)) + "\n\n",
		"HTTP/1.0":                 "POST / HTTP/1.0\n" + auth + "\n" + length + "\n\n",
	} {
		c, r := dial()
		if status, got := exchange(c, r, head+body); status != 200 || got != answer {
			t.Errorf("%s: %d %q", name, status, got)
		}
	}

	// Whatever is asked for, GET too, and behind it the next request.
	for name, text := range map[string]string{
		"GET":         "GET / HTTP/1.1\n" + auth + "\n\n",
		"GET, no key": "GET / HTTP/1.1\r\nAccept: */*\n\n",
		"GET of 1.0":  "GET / HTTP/1.0\n\n",
	} {
		c, r := dial()
		if status, got := exchange(c, r, text); status != 405 || got != "JSONRPC server handles only POST requests" {
			t.Errorf("%s: %d %q", name, status, got)
		}
	}

	// Many requests on one connection: whole, byte by byte, and two at once.
	c, r := dial()
	for range 3 {
		if status, got := exchange(c, r, "POST / HTTP/1.1\n"+auth+"\n"+length+"\n\n"+body); status != 200 || got != answer {
			t.Errorf("again: %d %q", status, got)
		}
	}
	text := "POST / HTTP/1.1\n" + auth + "\n" + length + "\n\n" + body
	for i := range len(text) - 1 {
		if _, err := io.WriteString(c, text[i:i+1]); err != nil {
			t.Fatal(err)
		}
	}
	if status, got := exchange(c, r, text[len(text)-1:]+text); status != 200 || got != answer {
		t.Errorf("byte by byte: %d %q", status, got)
	}
	if status, got := exchange(c, r, ""); status != 200 || got != answer {
		t.Errorf("pipelined: %d %q", status, got)
	}
	// A chunked body, and a client that waits to be told to go on.
	if status, got := exchange(c, r, "POST / HTTP/1.1\r\nHost: x\r\n"+auth+"\r\nExpect: 100-continue\r\n"+length+"\r\n\r\n"); status != 100 {
		t.Errorf("expect: %d %q", status, got)
	}
	if status, got := exchange(c, r, body); status != 200 || got != answer {
		t.Errorf("expect: %d %q", status, got)
	}
	if status, got := exchange(c, r, "POST / HTTP/1.1\r\nHost: x\r\n"+auth+"\r\nTransfer-Encoding: chunked\r\n\r\n"+
		strconv.FormatInt(int64(len(body)), 16)+"\r\n"+body+"\r\n0\r\n\r\n"); status != 200 || got != answer {
		t.Errorf("chunked: %d %q", status, got)
	}

	for name, text := range map[string]string{
		"nonsense":           "hello\r\n\r\n",
		"negative length":    "POST / HTTP/1.1\r\n" + auth + "\r\nContent-Length: -5\r\n\r\n",
		"length no number":   "POST / HTTP/1.1\r\n" + auth + "\r\nContent-Length: x\r\n\r\n",
		"two lengths":        "POST / HTTP/1.1\r\n" + auth + "\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n",
		"unknown coding":     "POST / HTTP/1.1\r\n" + auth + "\r\nTransfer-Encoding: zip\r\n\r\n",
		"a space in a name":  "POST / HTTP/1.1\r\n" + auth + "\r\nContent-Length : 3\r\n\r\n",
		"endless head":       "POST / HTTP/1.1\r\n" + strings.Repeat("X: "+strings.Repeat("y", 1000)+"\r\n", 40) + "\r\n",
		"endless line":       "POST / " + strings.Repeat("y", 100_000) + " HTTP/1.1\r\n\r\n",
		"length of the moon": "POST / HTTP/1.1\r\n" + auth + "\r\nContent-Length: 99999999999999999999\r\n\r\n",
		"too large":          "POST / HTTP/1.1\r\n" + auth + "\r\nContent-Length: 999999999999\r\n\r\n",
	} {
		c, r := dial()
		c.SetDeadline(time.Now().Add(20 * time.Second))
		io.WriteString(c, text)
		resp, err := http.ReadResponse(r, nil)
		if timeout := net.Error(nil); errors.As(err, &timeout) && timeout.Timeout() {
			t.Errorf("%s: no answer", name)
		}
		if err != nil {
			continue // hung up on with bytes of ours unread
		}
		resp.Body.Close()
		if resp.StatusCode < 400 {
			t.Errorf("%s: %d", name, resp.StatusCode)
		}
	}
}

func TestCredentials(t *testing.T) {
	// The password of alice is "pw", of bob "p:w"; made with HMAC-SHA-256.
	alice := testAuth("alice", "5a1e", "pw")
	bob := testAuth("bob", "70ff", "p:w")
	n := startTestNode(t, func(c *Config, _ *ledger.Config) {
		c.User, c.Password = "me", "secret"
		for _, text := range []string{alice, bob} {
			a, err := ParseAuth(text)
			if err != nil {
				t.Fatal(err)
			}
			c.Auth = append(c.Auth, a)
		}
	})
	if _, err := os.Stat(n.config.CookieFile); !errors.Is(err, os.ErrNotExist) {
		t.Error("a cookie was written beside the password")
	}
	for _, c := range []struct {
		user, password string
		ok             bool
	}{
		{"me", "secret", true}, {"alice", "pw", true}, {"bob", "p:w", true},
		{"me", "secre", false}, {"me", "", false}, {"", "secret", false}, {"me:secret", "", false}, {"alice", "p:w", false}, {"bob", "pw", false}, {"carol", "pw", false},
	} {
		other := client.New(client.Config{Address: n.address, User: c.user, Password: c.password, CookieFile: "none"})
		_, err := other.Call(t.Context(), "uptime")
		other.Close()
		if ok := err == nil; ok != c.ok {
			t.Errorf("%s with %q: %v", c.user, c.password, err)
		}
		if err != nil && !errors.Is(err, client.ErrUnauthorized) && !errors.Is(err, client.ErrNoCookie) {
			t.Errorf("%s with %q: %v", c.user, c.password, err)
		}
	}
	for _, text := range []string{"", "alice", "alice:", "alice:salt", ":salt$" + strings.Repeat("0", 64), "alice:$" + strings.Repeat("0", 64), "alice:salt$00", alice + "0", alice[:len(alice)-1] + "g"} {
		if _, err := ParseAuth(text); err == nil {
			t.Errorf("%q was taken", text)
		} else if len(text) > 8 && strings.Contains(err.Error(), "salt$") {
			t.Errorf("the error repeats %q", text)
		}
	}
}

func TestCookie(t *testing.T) {
	n := startTestNode(t, nil)
	info, err := os.Stat(n.config.CookieFile)
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
	text, err := os.ReadFile(n.config.CookieFile)
	if err != nil {
		t.Fatal(err)
	}
	user, secret, _ := strings.Cut(string(text), ":")
	if user != "__cookie__" || len(secret) != 64 || strings.Trim(secret, "0123456789abcdef") != "" {
		t.Errorf("cookie %q", text)
	}
	entries, err := os.ReadDir(strings.TrimSuffix(n.config.CookieFile, "/.cookie"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.Contains(e.Name(), ".tmp") {
			t.Errorf("%s was left over", e.Name())
		}
	}
	n.stop()
	if err := <-n.done; err != nil {
		t.Error(err)
	}
	n.done <- nil
	if _, err := os.Stat(n.config.CookieFile); !errors.Is(err, os.ErrNotExist) {
		t.Error("the cookie was not removed")
	}
}

// TestListen: a port that is taken is one clear line, and leaves no cookie.
func TestListen(t *testing.T) {
	n := startTestNode(t, nil)
	cfg := n.config
	cfg.Listen = []string{n.address}
	cfg.CookieFile += "2"
	second, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	err = second.Listen()
	if err == nil || !strings.Contains(err.Error(), "is in use") || strings.Contains(err.Error(), "\n") {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat(cfg.CookieFile); !errors.Is(err, os.ErrNotExist) {
		t.Error("the cookie was not removed")
	}
	cfg.CookieFile = t.TempDir() // a folder
	if second, err = New(cfg); err != nil {
		t.Fatal(err)
	}
	if err := second.Listen(); err == nil || !strings.HasPrefix(err.Error(), "cookie file: ") {
		t.Errorf("%v", err)
	}
	if _, err := New(Config{}); err == nil {
		t.Error("no network")
	}
}

func TestAllowed(t *testing.T) {
	n := startTestNode(t, nil)
	for remote, want := range map[string]bool{
		"127.0.0.1:1": true, "127.9.9.9:1": true, "[::1]:1": true, "[::ffff:127.0.0.1]:1": true,
		"10.0.0.1:1": false, "[2001:db8::1]:1": false, "": false, "pipe": false,
	} {
		if got := n.server.allowed(remote); got != want {
			t.Errorf("%s: %v", remote, got)
		}
	}
	cfg := n.config
	prefix := mustPrefix("10.0.0.0/8")
	cfg.Allow = append(cfg.Allow, prefix, mustPrefix("2001:db8::/32"))
	other, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	for remote, want := range map[string]bool{
		"10.255.0.1:1": true, "[::ffff:10.0.0.1]:1": true, "11.0.0.1:1": false, "[2001:db8::1]:1": true, "[2001:db9::1]:1": false, "127.0.0.1:1": true,
	} {
		if got := other.allowed(remote); got != want {
			t.Errorf("%s: %v", remote, got)
		}
	}
}

// TestForbidden: a client from elsewhere is not even asked for a password.
func TestForbidden(t *testing.T) {
	n := startTestNode(t, nil)
	for remote, want := range map[string]int{"10.0.0.1:5": http.StatusForbidden, "127.0.0.1:5": http.StatusUnauthorized} {
		req := httptest.NewRequest(http.MethodPost, "/", strings.NewReader("{}"))
		req.RemoteAddr = remote
		w := httptest.NewRecorder()
		n.server.handle(w, req)
		if w.Code != want || w.Body.Len() != 0 {
			t.Errorf("%s: %d %q", remote, w.Code, w.Body)
		}
	}
}

// TestWorkQueue fills every slot and every place to wait with calls that take
// their time. The next one is refused; the ones that wait are not forgotten.
func TestWorkQueue(t *testing.T) {
	n := startTestNode(t, func(c *Config, _ *ledger.Config) { c.Threads, c.Queue = 1, 1 })
	for range cap(n.server.slots) {
		n.server.slots <- struct{}{} // all slots are taken
	}
	var waiting sync.WaitGroup
	waiting.Go(func() {
		if got := n.text("getblockcount"); got != "0" {
			t.Error(got)
		}
	})
	for n.server.waiting.Load() == 0 {
		runtime.Gosched()
	}
	status, got := n.post(`{"method":"getblockcount"}`)
	if status != 503 || got != "Work queue depth exceeded" {
		t.Errorf("%d %q", status, got)
	}
	var refused *client.StatusError
	if _, err := n.Call(t.Context(), "getblockcount"); !errors.As(err, &refused) || refused.Status != 503 {
		t.Errorf("%v", err)
	}
	<-n.server.slots
	waiting.Wait()
	if got := n.text("getblockcount"); got != "0" {
		t.Error(got)
	}
}

// TestStopCancels: Run ends though a call would go on for ever, and the caller
// is told.
func TestStopCancels(t *testing.T) {
	n := startTestNode(t, nil)
	n.server.Serve(Node{Ledger: n.ledger, Miner: endlessMiner{newTestMiner(n)}})
	result := make(chan error, 1)
	go func() {
		_, err := n.Call(context.Background(), "generatetodescriptor", 1, "raw(51)")
		result <- err
	}()
	for {
		n.server.mu.Lock()
		active := len(n.server.calls)
		n.server.mu.Unlock()
		if active > 0 {
			break
		}
		runtime.Gosched()
	}
	n.stop()
	if err := <-n.done; err != nil {
		t.Error(err)
	}
	n.done <- nil
	var e *jsonrpc.Error
	if err := <-result; !errors.As(err, &e) || e.Code != -9 {
		t.Errorf("%v", err)
	}
	if _, err := n.Call(context.Background(), "uptime"); !errors.Is(err, client.ErrConnection) {
		t.Errorf("after the stop: %v", err)
	}
}

// TestSlowClients: connections that say nothing, or half of something, do not
// keep others from being served nor the server from stopping.
func TestSlowClients(t *testing.T) {
	n := startTestNode(t, func(c *Config, _ *ledger.Config) { c.Threads = 1 })
	for i := range 100 {
		c, err := net.Dial("tcp", n.address)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		text := "POST / HTTP/1.1\r\nHost: x\r\nAuthorization: " + n.authorization() + "\r\nContent-Length: 100\r\n\r\n{"
		fmt.Fprint(c, text[:i*len(text)/99])
	}
	if got := n.text("getblockcount"); got != "0" {
		t.Error(got)
	}
	begin := time.Now()
	n.stop()
	if err := <-n.done; err != nil {
		t.Error(err)
	}
	n.done <- nil
	if d := time.Since(begin); d > stopTimeout {
		t.Errorf("the stop took %v", d)
	}
}
