package control

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/keelson-chain/keelson/rpc/client"
	"github.com/keelson-chain/keelson/rpc/jsonrpc"
	"github.com/keelson-chain/keelson/testnet"
)

// served is a network of two nodes with its port.
type served struct {
	*testing.T
	network *testnet.Network
	url     string
	client  *client.Client
	stopped chan struct{}
}

func serve(t *testing.T) *served {
	n := testnet.Start(t, testnet.Nodes(2), testnet.Accounts(2))
	l, err := Listen(0)
	if err != nil {
		t.Fatal(err)
	}
	s := &served{T: t, network: n, url: "http://" + l.Addr().String(), stopped: make(chan struct{})}
	server, err := New(Config{Network: n, Listener: l, Stop: func() { close(s.stopped) }})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- server.Serve(ctx) }()
	user, password := n.Credentials()
	s.client = client.New(client.Config{Address: l.Addr().String(), User: user, Password: password})
	t.Cleanup(func() {
		s.client.Close()
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if _, err := Find(n.Dir()); !errors.Is(err, ErrNone) {
			t.Errorf("the file of the network that has ended: %v", err)
		}
	})
	return s
}

// send makes a request of its own, and returns status and body.
func (s *served) send(method, path, body string, header ...string) (int, string, http.Header) {
	s.Helper()
	req, err := http.NewRequestWithContext(s.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		if header[i] == "Host" {
			req.Host = header[i+1]
		}
		req.Header.Set(header[i], header[i+1])
	}
	transport := &http.Transport{DisableKeepAlives: true}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		s.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		s.Fatal(err)
	}
	return resp.StatusCode, string(text), resp.Header
}

// rpc sends a JSON-RPC body with the right password.
func (s *served) rpc(body string) (int, string) {
	s.Helper()
	user, password := s.network.Credentials()
	req, _ := http.NewRequest(http.MethodPost, s.url, nil)
	req.SetBasicAuth(user, password)
	status, text, _ := s.send(http.MethodPost, "/", body, "Authorization", req.Header.Get("Authorization"))
	return status, strings.TrimSpace(text)
}

func TestServer(t *testing.T) {
	s := serve(t)

	t.Run("place", func(t *testing.T) {
		p, err := Find(s.network.Dir())
		if err != nil || "http://"+p.Address != s.url || p.PID != os.Getpid() {
			t.Errorf("%+v, %v", p, err)
		}
		if info, err := os.Stat(s.network.Dir() + "/" + placeFile); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%v, %v", info, err)
		}
	})

	t.Run("password", func(t *testing.T) {
		for _, header := range []string{"", "Basic eDp5", "Bearer x", "Basic ???"} {
			status, text, h := s.send(http.MethodPost, "/", `{"method":"testnet_stop"}`, "Authorization", header)
			if status != http.StatusUnauthorized || text != "" || h.Get("WWW-Authenticate") == "" {
				t.Errorf("%q: %d, %q", header, status, text)
			}
		}
	})

	t.Run("host", func(t *testing.T) {
		for host, want := range map[string]int{
			"localhost": 200, "localhost:1": 200, "127.0.0.1:18400": 200, "[::1]:80": 200, "[::1]": 200,
			"evil.example": 421, "evil.example:18400": 421, "localhost.evil.example": 421, "127.0.0.1.evil.example": 421, "[x]": 421,
		} {
			if status, text, _ := s.send(http.MethodGet, "/testnet", "", "Host", host); status != want {
				t.Errorf("Host %s: %d, %s", host, status, text)
			}
		}
	})

	t.Run("requests", func(t *testing.T) {
		for _, c := range []struct {
			body   string
			status int
			want   string // a part of the answer
		}{
			{`{"method":"testnet_time","id":1}`, 200, `"error":null,"id":1}`},
			{`{"jsonrpc":"2.0","method":"testnet_time","id":1}`, 200, `{"jsonrpc":"2.0","result":{"time":`},
			{`{"jsonrpc":"2.0","method":"testnet_time"}`, 204, ``},
			{`{"method":"testnet_nosuch","id":1}`, 404, `"code":-32601,"message":"Method not found: testnet_help lists`},
			{`{"jsonrpc":"2.0","method":"testnet_nosuch","id":1}`, 200, `-32601`},
			{`{"method":"testnet_time","params":5,"id":1}`, 400, `"code":-32600,"message":"Params must be an array or object"`},
			{`{`, 500, `"code":-32700,"message":"Parse error"`},
			{``, 500, `-32700`},
			{`{"method":"testnet_mine","params":[1,2,3],"id":1}`, 500, `"code":-1,"message":"testnet_mine ( blocks node )`},
			{`{"method":"testnet_reorg","id":1}`, 500, `"code":-1,"message":"testnet_reorg depth ( length )`},
			{`{"method":"testnet_mine","params":["two"],"id":1}`, 500, `"code":-3,"message":"blocks must be a number, not \"two\""`},
			{`{"method":"testnet_mine","params":[true],"id":1}`, 500, `"code":-3,"message":"blocks must be a number, not bool"`},
			{`{"method":"testnet_mine","params":[1.5],"id":1}`, 500, `"code":-8,"message":"blocks must be a whole number`},
			{`{"method":"testnet_mine","params":[1e99],"id":1}`, 500, `"code":-8`},
			{`{"method":"testnet_mine","params":[-1],"id":1}`, 500, `"code":-8,"message":"-1 blocks:`},
			{`{"method":"testnet_mine","params":[1,9],"id":1}`, 500, `"code":-8,"message":"node 9: the nodes are 0 to 1"`},
			{`{"method":"testnet_mine","params":{"block":1},"id":1}`, 500, `"code":-8,"message":"Unknown named parameter block"`},
			{`{"method":"testnet_mine","params":{"blocks":1,"blocks":2},"id":1}`, 500, `specified multiple times`},
			{`{"method":"testnet_partition","params":[[0,1]],"id":1}`, 500, `list of lists`},
			{`{"method":"testnet_partition","params":[[["a"]]],"id":1}`, 500, `no number of a node`},
			{`{"method":"testnet_setlatency","params":[5,1],"id":1}`, 500, `a link has two nodes`},
			{`{"method":"testnet_setlatency","params":[5,-1,-1],"id":1}`, 500, `not negative`},
			{`{"method":"testnet_setlatency","params":[-5],"id":1}`, 500, `must be from 0`},
			{`{"method":"testnet_setlatency","params":[1e999],"id":1}`, 500, `out of range`},
			{`{"method":"testnet_settime","params":[-5],"id":1}`, 500, `time must be a number of seconds`},
			{`{"method":"testnet_settime","params":[5],"id":1}`, 500, `"code":-8,"message":"1970-01-01T00:00:05Z: the time must be from`},
			{`{"method":"testnet_revert","params":[7],"id":1}`, 500, `"code":-8`},
			{`{"method":"testnet_setmining","params":["fast"],"id":1}`, 500, `none of manual`},
			{`{"method":"testnet_setmining","params":["hashrate=5",["x"]],"id":1}`, 500, `list of numbers`},
			{`{"method":"testnet_fund","params":["x"],"id":1}`, 500, `"code":-8`},
			{`{"method":"testnet_fund","params":["` + s.network.Accounts[0].Address + `",1.123456789],"id":1}`, 500, `"code":-3,"message":"Invalid amount"`},
			{`{"method":"testnet_help","params":["nosuch"],"id":1}`, 500, `unknown method`},
			{`{"method":"testnet_help","params":["testnet_mine"],"id":1}`, 200, `testnet_mine ( blocks node )\n\nMine blocks now`},
			// Everything else is node 0's, to the byte.
			{`{"method":"getblockcount","id":1}`, 200, `"error":null,"id":1}`},
			{`{"method":"nosuch","id":1}`, 404, `"code":-32601,"message":"Method not found"`},
			{`{"jsonrpc":"2.0","method":"getblockcount"}`, 204, ``},
			{`5`, 500, `Top-level object parse error`},
			{`[]`, 200, `[]`},
			// Batches in any mix.
			{`[{"method":"testnet_time","id":1},{"method":"getblockcount","id":2},{"jsonrpc":"2.0","method":"testnet_time"},{"method":"nosuch","id":3},7]`,
				200, `"error":null,"id":1},{"result":`},
			{`[{"jsonrpc":"2.0","method":"testnet_time"},{"jsonrpc":"2.0","method":"getblockcount"}]`, 204, ``},
		} {
			status, text := s.rpc(c.body)
			if status != c.status || !strings.Contains(text, c.want) || c.want == "" && text != "" {
				t.Errorf("%s: %d, %s; want %d, %s", c.body, status, text, c.status, c.want)
			}
			if text != "" && !json.Valid([]byte(text)) {
				t.Errorf("%s: %s is not JSON", c.body, text)
			}
		}
		_, text := s.rpc(`[{"method":"testnet_time","id":1},{"method":"nosuch","id":3},7]`)
		v, err := jsonrpc.Parse(text)
		if err != nil || v.Len() != 3 || v.At(1).Get("error").Get("code").Text != "-32601" || v.At(2).Get("error").Get("code").Text != "-32600" {
			t.Errorf("%s", text)
		}
	})

	t.Run("numbers as texts", func(t *testing.T) {
		v, err := s.client.Call(t.Context(), "testnet_mine", "2", "1")
		if err != nil || v.Get("blocks").Len() != 2 || v.Get("node").Text != "1" {
			t.Errorf("%v, %v", v, err)
		}
		v, err = s.client.CallParams(t.Context(), "testnet_mine", jsonrpc.Object{{Key: "node", Value: 0}})
		if err != nil || v.Get("blocks").Len() != 1 {
			t.Errorf("by name: %v, %v", v, err)
		}
	})

	t.Run("help", func(t *testing.T) {
		all, err := s.client.Call(t.Context(), "testnet_help")
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range Methods() {
			if !strings.Contains(all.Text, m.Usage) {
				t.Errorf("the list does not have %s", m.Usage)
			}
			one, err := s.client.Call(t.Context(), "testnet_help", m.Name)
			if err != nil || !strings.HasPrefix(one.Text, m.Usage+"\n\n"+m.Summary) || !strings.Contains(one.Text, "\nResult:\n") || !strings.Contains(one.Text, "\nExamples:\n") {
				t.Errorf("%s: %v, %s", m.Name, err, one.Text)
			}
			for _, p := range m.Params {
				if !strings.Contains(one.Text, ". "+p+" ") {
					t.Errorf("%s does not explain %s", m.Name, p)
				}
			}
		}
	})

	t.Run("faucet", func(t *testing.T) { testFaucet(t, s) })

	t.Run("node down", func(t *testing.T) {
		if err := s.network.Kill(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
		var rpcErr *jsonrpc.Error
		if _, err := s.client.Call(t.Context(), "getblockcount"); !errors.As(err, &rpcErr) || rpcErr.Code != jsonrpc.CodeNotConnected {
			t.Errorf("node 0 is down: %v", err)
		}
		if v, err := s.client.Call(t.Context(), "testnet_mine"); err != nil || v.Get("node").Text != "1" {
			t.Errorf("mine on the first that runs: %v, %v", v, err)
		}
		if _, err := s.client.Call(t.Context(), "testnet_restart", 0); err != nil {
			t.Error(err)
		}
	})

	t.Run("stop", func(t *testing.T) {
		v, err := s.client.Call(t.Context(), "testnet_stop")
		if err != nil || v.Text != "Test network stopping" {
			t.Errorf("%v, %v", v, err)
		}
		<-s.stopped
	})
}

// testFaucet asks the faucet in all ways.
func testFaucet(t *testing.T, s *served) {
	const form, object = "application/x-www-form-urlencoded", "application/json"
	to := s.network.Accounts[1].Address
	for _, c := range []struct {
		name, kind, body string
		header           []string
		status           int
		want             string
	}{
		{"JSON", object, `{"address":"` + to + `","amount":2.5}`, nil, 200, `{"txid":"`},
		{"no amount", object, `{"address":"` + to + `"}`, nil, 200, `{"txid":"`},
		{"a text", object, `{"address":"` + to + `","amount":"0.1"}`, nil, 200, `{"txid":"`},
		{"with a charset", object + "; charset=utf-8", `{"address":"` + to + `"}`, nil, 200, `{"txid":"`},
		{"a page of ours", object, `{"address":"` + to + `"}`, []string{"Origin", s.url, "Sec-Fetch-Site", "same-origin"}, 200, `{"txid":"`},
		{"form", form, url.Values{"address": {to}, "amount": {"1"}}.Encode(), nil, 303, ``},
		{"another page", object, `{"address":"` + to + `"}`, []string{"Origin", "http://evil.example"}, 403, `page of its own`},
		{"no page's origin", object, `{"address":"` + to + `"}`, []string{"Origin", "null"}, 403, ``},
		{"another site", form, "address=" + to, []string{"Sec-Fetch-Site", "cross-site"}, 403, ``},
		{"same site", form, "address=" + to, []string{"Sec-Fetch-Site", "same-site"}, 403, ``},
		{"no type", "", `{"address":"` + to + `"}`, nil, 415, ``},
		{"plain text", "text/plain", `{"address":"` + to + `"}`, nil, 415, ``},
		{"not JSON", object, `{"address"`, nil, 400, `{"error":"The faucet takes an object`},
		{"a list", object, `[]`, nil, 400, `takes an object`},
		{"no address", object, `{}`, nil, 400, `needs an address`},
		{"no address in a form", form, `amount=1`, nil, 400, `needs an address`},
		{"malformed form", form, `address=%zz`, nil, 400, `malformed`},
		{"address of another network", object, `{"address":"bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"}`, nil, 400, `is not an address of regtest`},
		{"too much", object, `{"address":"` + to + `","amount":50.00000001}`, nil, 400, `up to 50.00000000 coins`},
		{"nothing", object, `{"address":"` + to + `","amount":0}`, nil, 400, `up to 50`},
		{"less than nothing", form, url.Values{"address": {to}, "amount": {"-1"}}.Encode(), nil, 400, `up to 50`},
		{"dust", object, `{"address":"` + to + `","amount":0.00000001}`, nil, 400, `at least`},
		{"no number", object, `{"address":"` + to + `","amount":"much"}`, nil, 400, `up to 50`},
		{"too long", object, `{"address":"` + strings.Repeat("a", maxForm) + `"}`, nil, 400, `longer`},
	} {
		status, text, h := s.send(http.MethodPost, "/faucet", c.body, append([]string{"Content-Type", c.kind}, c.header...)...)
		if status != c.status || !strings.Contains(text, c.want) {
			t.Errorf("%s: %d, %s; want %d, %s", c.name, status, text, c.status, c.want)
			continue
		}
		txid := ""
		switch status {
		case http.StatusOK:
			var reply struct{ TxID string }
			if err := json.Unmarshal([]byte(text), &reply); err != nil {
				t.Error(err)
			}
			txid = reply.TxID
		case http.StatusSeeOther:
			txid = strings.TrimPrefix(h.Get("Location"), "/tx/")
		default:
			continue
		}
		if err := s.network.Nodes[0].Call(t.Context(), nil, "getmempoolentry", txid); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// FuzzParams reads parameters of every method, without carrying anything out.
func FuzzParams(f *testing.F) {
	for _, text := range []string{`[]`, `["1",2]`, `{"blocks":1}`, `[[[0],[1]]]`, `[null,null,1]`, `{"a":1,"a":2}`, `["[[0],[1,2]]"]`, `[1e999]`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, m := range methods() {
			v, err := jsonrpc.Parse(text)
			if err != nil || v.Kind != jsonrpc.Array && v.Kind != jsonrpc.Obj {
				return
			}
			params := v
			if v.Kind == jsonrpc.Obj {
				var err error
				if params, err = m.positional(&v); err != nil {
					continue
				}
			}
			if m.check(&params) != nil {
				continue
			}
			c := &call{method: &m, params: params}
			for i := range m.params {
				if !c.has(i) {
					continue
				}
				if got := params.At(i).Kind; got != m.params[i].kind {
					t.Errorf("%s: %s is a %s", m.name, m.params[i].name, got)
				}
				switch m.params[i].kind {
				case jsonrpc.Number:
					c.int(i)
					c.float(i)
				case jsonrpc.Array:
					c.groups(i)
				}
			}
		}
	})
}
