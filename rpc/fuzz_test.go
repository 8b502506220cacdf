package rpc

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/mempool"
	"github.com/keelson-chain/keelson/mempool/policy"
	"github.com/keelson-chain/keelson/rpc/jsonrpc"
)

// FuzzExecute gives a server any request body: the answer is valid JSON on one
// line, or nothing with status 204, and never the trace of a mistake.
func FuzzExecute(f *testing.F) {
	p := consensus.Regtest(consensus.RegtestOptions{})
	l, err := ledger.Open(context.Background(), ledger.Config{Dir: filepath.Join(f.TempDir(), "regtest"), Params: p, CacheBytes: 4 << 20, TxIndex: true})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { l.Close() })
	s, err := New(Config{Params: p, Clock: &testClock{}})
	if err != nil {
		f.Fatal(err)
	}
	pool, err := mempool.New(mempool.Config{Chain: l, Rules: policy.DefaultRules(), Now: time.Now, Log: zerolog.Nop()})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(pool.Close)
	peers := &testNetwork{now: time.Now}
	s.Serve(Node{Ledger: l, Pool: pool, Network: peers, Addresses: peers})
	f.Add([]byte(`[{"jsonrpc":"2.0","method":"getblockcount"},{"method":"help","id":1}]`))
	f.Add([]byte(`{"method":"signrawtransactionwithkey","params":["0200000001` + strings.Repeat("11", 32) + `0000000000fdffffff0000000000",` +
		`["cUeKHd5orzT3mz8P9pxyREHfsWtVfgsfDjiZZBcjUBAaGk1BTj7N"],[{"txid":"` + strings.Repeat("11", 32) + `","vout":0,"scriptPubKey":"51","amount":"0.1"}],"NONE"]}`))
	f.Add([]byte(`{"method":"createrawtransaction","params":[[{"txid":"` + strings.Repeat("11", 32) + `","vout":0}],[{"` + regtestAddress + `":0.1},{"data":"00"}],1,false]}`))
	for _, subnet := range []string{"192.0.2.1/24", "::1/255.255.0.0", "12D3KooWA", "[::1]:5"} {
		f.Add(fmt.Appendf(nil, `{"method":"setban","params":[%q,"add",1700000000,true]}`, subnet))
		f.Add(fmt.Appendf(nil, `{"method":"disconnectnode","params":[%q]}`, subnet))
		f.Add(fmt.Appendf(nil, `{"method":"addpeeraddress","params":[%q,1]}`, subnet))
	}
	for name, m := range methods() {
		if name == "stop" {
			continue // would wait
		}
		args := strings.Join(m.examples, " ")
		f.Add(fmt.Appendf(nil, `{"method":%q,"params":[%q,1,true,null,"%s"],"id":1}`, name, args, p.GenesisHash))
		f.Add(fmt.Appendf(nil, `{"method":%q,"params":["%s",2,"%s"],"id":1}`, name, p.GenesisHash, p.GenesisHash))
		f.Add(fmt.Appendf(nil, `{"jsonrpc":"2.0","method":%q,"params":{"args":[0,-1]},"id":"x"}`, name))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if bytes.Contains(body, []byte("stop")) {
			return
		}
		w := &work{s: s, ctx: t.Context(), user: "me"}
		a := w.execute(string(body), func() bool { return true })
		status, answer := a.status, bytes.Join(a.pieces, nil)
		s.drop(a)
		if s.memory.used != 0 {
			t.Fatalf("%q: %d bytes are kept", body, s.memory.used)
		}
		switch status {
		case http.StatusNoContent:
			if len(answer) > 0 {
				t.Fatalf("%q: 204 with %q", body, answer)
			}
			return
		case http.StatusOK, http.StatusBadRequest, http.StatusNotFound, http.StatusInternalServerError:
		default:
			t.Fatalf("%q: status %d", body, status)
		}
		if bytes.Contains(answer, []byte("Internal bug detected: runtime")) || bytes.IndexByte(answer, '\n') != len(answer)-1 {
			t.Fatalf("%q: %q", body, answer)
		}
		if _, err := jsonrpc.Parse(string(answer)); err != nil {
			t.Fatalf("%q: %q", body, answer)
		}
	})
}

// pipe is a connection that is read from memory in pieces of a few bytes.
type pipe struct {
	net.Conn
	data  []byte
	piece int
}

func (p *pipe) Read(b []byte) (int, error) {
	if len(p.data) == 0 {
		return 0, io.EOF
	}
	n := copy(b[:min(len(b), p.piece)], p.data)
	p.data = p.data[n:]
	return n, nil
}

// FuzzHead: what the server sees does not depend on how the bytes arrive; of a
// head that needs no repair it sees what was sent; and a body is never changed.
func FuzzHead(f *testing.F) {
	f.Add("POST / HTTP/1.1\nContent-Length: 3\n\nabcPOST / HTTP/1.1\r\nHost: x\r\n\r\n", 3)
	f.Add("\r\nGET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 1)
	f.Add("POST / HTTP/1.1\nContent-Length: -1\n\n", 100)
	f.Fuzz(func(t *testing.T, text string, piece int) {
		read := func(piece int) string {
			c := &conn{Conn: &pipe{data: []byte(text), piece: piece}}
			got, err := io.ReadAll(c)
			if err != nil {
				t.Fatal(err)
			}
			return string(got)
		}
		if piece < 1 || piece > 1<<16 {
			return
		}
		whole, pieces := read(1<<20), read(piece)
		if len(text) < maxHead && whole != pieces {
			t.Fatalf("%q: read at once %q, in pieces %q", text, whole, pieces)
		}
		const fine = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 7\r\n\r\n"
		body := (text + "1234567")[:7]
		text = fine + body + fine + body
		if got := read(piece); got != text {
			t.Fatalf("%q became %q", text, got)
		}
	})
}
