package rpc

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
)

const plainExample = "POST / HTTP/1.1\r\nHost: 127.0.0.1:8332\r\nUser-Agent: x/1.0 (y)\r\nContent-Length: 2\r\n" +
	"Authorization: Basic dTpw\r\nContent-Type: application/json\r\nConnection: keep-alive\r\nAccept-Encoding: gzip\r\n\r\n{}"

// Each case changes one thing of a request that is plain.
func TestPlainHead(t *testing.T) {
	if head, length, credentials := plainHead([]byte(plainExample)); head != len(plainExample)-2 || length != 2 || string(credentials) != "Basic dTpw" {
		t.Fatalf("%d, %d, %q", head, length, credentials)
	}
	for name, c := range map[string][2]string{
		"another method":       {"POST", "GET"},
		"another path":         {" / ", " /x "},
		"another version":      {"HTTP/1.1", "HTTP/1.0"},
		"a bare line feed":     {"8332\r\n", "8332\n"},
		"no host":              {"Host: 127.0.0.1:8332\r\n", ""},
		"two hosts":            {"Host:", "Host: a\r\nHost:"},
		"an odd host":          {"127.0.0.1:8332", "a/b"},
		"no length":            {"Content-Length: 2\r\n", ""},
		"two lengths":          {"Content-Length:", "Content-Length: 2\r\nContent-Length:"},
		"a signed length":      {"Length: 2", "Length: +2"},
		"a length of nothing":  {"Length: 2", "Length: 0"},
		"more than has come":   {"Length: 2", "Length: 3"},
		"no credentials":       {"Authorization: Basic dTpw\r\n", ""},
		"two credentials":      {"Authorization:", "Authorization: a\r\nAuthorization:"},
		"a connection to end":  {"keep-alive", "close"},
		"a field not known":    {"Accept-Encoding", "Expect"},
		"a chunked body":       {"Accept-Encoding: gzip", "Transfer-Encoding: chunked"},
		"a field without name": {"Accept-Encoding", ""},
		"a space in a name":    {"Accept-Encoding", "Accept-Encoding "},
		"a folded line":        {"x/1.0", "x/1.0\r\n "},
		"a control character":  {"x/1.0", "x\x00"},
		"no end":               {"\r\n\r\n{}", "\r\n"},
	} {
		in := strings.Replace(plainExample, c[0], c[1], 1)
		if in == plainExample {
			t.Fatalf("%s: nothing is changed", name)
		}
		if head, _, _ := plainHead([]byte(in)); head != 0 {
			t.Errorf("%s: counts as plain", name)
		}
	}
}

// unusual is a request that net/http answers.
func unusual(request string) string {
	return strings.Replace(request, "\r\n", "\r\nX-Unusual: 1\r\n", 1)
}

// response reads an answer whole, but for its date.
func (c *rawConn) response() (status string, header http.Header, body string) {
	c.t.Helper()
	resp, err := http.ReadResponse(c.r, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	if resp.Header.Get("Date") == "" {
		c.t.Error("no date")
	}
	resp.Header.Del("Date")
	return resp.Proto + " " + resp.Status, resp.Header, string(text)
}

// Whoever answers, the answer is the same.
func TestPlainAnswers(t *testing.T) {
	n := startTestNode(t, nil)
	for _, body := range []string{
		`{"method":"getblockcount","id":1}`,
		`{"method":"nothing","id":"x"}`,
		`{"method":"getblockhash","params":[99],"id":null}`,
		`{"jsonrpc":"2.0","method":"getblockhash","params":[99],"id":7}`,
		`{"jsonrpc":"2.0","method":"getblockcount"}`, // a notification
		`{"method":"help","id":1}`,
		`{broken`,
		`{}`,
	} {
		plain, other := n.dial(), n.dial()
		for range 3 {
			plain.send(n.request(body))
			other.send(unusual(n.request(body)))
			status, header, text := plain.response()
			wantStatus, wantHeader, wantText := other.response()
			if status != wantStatus || !sameHeader(header, wantHeader) || text != wantText {
				t.Errorf("%s: %s %v %q, want %s %v %q", body, status, header, text, wantStatus, wantHeader, wantText)
			}
		}
	}
}

func sameHeader(a, b http.Header) bool {
	if len(a) != len(b) {
		return false
	}
	for name := range a {
		if a.Get(name) != b.Get(name) {
			return false
		}
	}
	return true
}

// A connection may change hands, with requests waiting in it.
func TestPlainHandsOver(t *testing.T) {
	n := startTestNode(t, nil)
	count := n.request(`{"method":"getblockcount","id":1}`)
	want := `200 {"result":0,"error":null,"id":1}` + "\n"
	for name, sends := range map[string][]string{
		"plain ones":                    {count, count, count},
		"all at once":                   {count + count + count},
		"an unusual one in the middle":  {count, unusual(count), count},
		"an unusual one, all at once":   {count + unusual(count) + count},
		"a head and a body apart":       {count[:len(count)-10], count[len(count)-10:] + count, count},
		"in the middle of the next one": {count + count[:30], count[30:], count},
	} {
		c := n.dial()
		for _, text := range sends {
			c.send(text)
		}
		for i := range 3 {
			if got := c.receive(); got != want {
				t.Errorf("%s, answer %d: %q", name, i, got)
			}
		}
	}
	// A wrong password is refused as ever.
	c := n.dial()
	c.send(count)
	c.receive()
	c.send(strings.Replace(count, "Basic ", "Basic x", 1))
	if got := c.receive(); got != "401 " {
		t.Errorf("a wrong password: %q", got)
	}
}

// A call that takes long ends when its client goes away, and a client that sends
// its next request meanwhile does not lose it.
func TestPlainClientIsWatched(t *testing.T) {
	n := startTestNode(t, nil)
	waiting := n.request(`{"method":"getblocktemplate","params":[{"rules":["segwit"],"longpollid":"` + n.params.GenesisHash.String() + `1"}],"id":1}`)
	c := n.dial()
	c.send(waiting)
	eventually(t, "it waits", func() bool { n.server.mu.Lock(); defer n.server.mu.Unlock(); return len(n.server.calls) == 1 })
	c.Close()
	eventually(t, "it ends", func() bool { n.server.mu.Lock(); defer n.server.mu.Unlock(); return len(n.server.calls) == 0 })

	c = n.dial()
	c.send(n.request(`{"method":"stop","params":[200],"id":1}`))
	eventually(t, "it waits", func() bool { return n.shutdown.Load() == 1 })
	next := n.request(`{"method":"getblockcount","id":2}`)
	c.send(next[:1])
	c.send(next[1:])
	if got := c.receive(); !strings.HasPrefix(got, "200 ") {
		t.Errorf("the call: %q", got)
	}
	if got, want := c.receive(), `200 {"result":0,"error":null,"id":2}`+"\n"; got != want {
		t.Errorf("the next: %q", got)
	}
}

// What counts as plain, net/http reads in the same way.
func FuzzPlainHead(f *testing.F) {
	f.Add([]byte(plainExample))
	f.Add([]byte(unusual(plainExample)))
	f.Fuzz(func(t *testing.T, in []byte) {
		head, length, credentials := plainHead(in)
		if head == 0 {
			return
		}
		r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(in)))
		if err != nil {
			t.Fatalf("net/http refuses it: %v", err)
		}
		body, err := io.ReadAll(r.Body)
		if err != nil || r.ContentLength != int64(length) || !bytes.Equal(body, in[head:head+length]) || r.Close {
			t.Errorf("a body of %d, close %v, %v", r.ContentLength, r.Close, err)
		}
		if got := r.Header["Authorization"]; !slices.Equal(got, []string{string(credentials)}) {
			t.Errorf("credentials %q, want %q", got, credentials)
		}
		if r.Method != http.MethodPost || r.RequestURI != "/" || !r.ProtoAtLeast(1, 1) {
			t.Errorf("%s %s %s", r.Method, r.RequestURI, r.Proto)
		}
	})
}
