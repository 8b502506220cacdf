package rpc

import (
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/keelson-chain/keelson/ledger"
)

func TestWhitelistAdd(t *testing.T) {
	for _, c := range []struct {
		texts []string
		want  string // the methods of user a
	}{
		{[]string{"a:getblockcount,help"}, "getblockcount help"},
		{[]string{"a: getblockcount, help ,"}, "getblockcount help"},
		{[]string{"a:"}, ""},
		{[]string{"a"}, ""},
		{[]string{"a:x,y,z", "a:y,z,w", "b:x"}, "y z"},
		{[]string{"a:x", "a:y"}, ""},
		{[]string{"a:x", "a"}, "x"},
		{[]string{"a", "a:x"}, ""},
	} {
		var w Whitelist
		for _, text := range c.texts {
			if err := w.Add(text); err != nil {
				t.Errorf("%s: %v", text, err)
			}
		}
		if got := strings.Join(slices.Sorted(maps.Keys(w["a"])), " "); got != c.want {
			t.Errorf("%q: %q, want %q", c.texts, got, c.want)
		}
	}
	for _, text := range []string{"", ":help"} {
		var w Whitelist
		if w.Add(text) == nil {
			t.Errorf("%q was taken", text)
		}
	}
}

// TestWhitelist asks as a user with a whitelist, one with an empty whitelist and
// one without any, under both defaults.
func TestWhitelist(t *testing.T) {
	const forbidden = "403 "
	for _, byDefault := range []bool{false, true} {
		n := startTestNode(t, func(c *Config, _ *ledger.Config) {
			c.WhitelistDefault = byDefault
			for _, text := range []string{"some:getblockcount,uptime", "none:"} {
				if err := c.Whitelist.Add(text); err != nil {
					t.Fatal(err)
				}
			}
			for _, user := range []string{"some", "none", "free"} {
				a, err := ParseAuth(testAuth(user, "5a1e", "pw"))
				if err != nil {
					t.Fatal(err)
				}
				c.Auth = append(c.Auth, a)
			}
		})
		free := `200 {"result":0,"error":null,"id":1}` + "\n"
		if byDefault {
			free = forbidden
		}
		const nonsense = `500 {"result":null,"error":{"code":-32700,"message":"Parse error"},"id":null}` + "\n"
		for _, c := range []struct{ user, body, want string }{
			{"some", `{"method":"getblockcount","id":1}`, `200 {"result":0,"error":null,"id":1}` + "\n"},
			{"some", `{"jsonrpc":"2.0","method":"getblockcount"}`, "204 "},
			{"some", `{"method":"getbestblockhash","id":1}`, forbidden},
			{"some", `{"jsonrpc":"2.0","method":"getbestblockhash","id":1}`, forbidden},
			{"some", `{"method":"nosuchmethod","id":1}`, forbidden},
			{"some", `{"id":1}`, `400 {"result":null,"error":{"code":-32600,"message":"Missing method"},"id":1}` + "\n"},
			{"some", `{`, nonsense},
			{"some", `[]`, "200 []\n"},
			{"some", `[{"method":"getblockcount","id":1},{"method":"uptime","params":[1,2],"id":1}]`, ""},
			{"some", `[{"method":"getblockcount","id":1},{"method":"help","id":1}]`, forbidden},
			{"some", `[{"method":"getblockcount","id":1},7]`, `400 {"result":null,"error":{"code":-32600,"message":"Invalid Request object"},"id":null}` + "\n"},
			{"some", `[{"method":7}]`, `500 {"result":null,"error":{"code":-32700,"message":"JSON value of type number is not of expected type string"},"id":null}` + "\n"},
			{"none", `{"method":"getblockcount","id":1}`, forbidden},
			{"none", `[{"method":"getblockcount","id":1}]`, forbidden},
			{"none", `{`, nonsense},
			{"free", `{"method":"getblockcount","id":1}`, free},
			{"free", `{`, nonsense},
		} {
			req, err := http.NewRequest(http.MethodPost, "http://"+n.address+"/", strings.NewReader(c.body))
			if err != nil {
				t.Fatal(err)
			}
			req.SetBasicAuth(c.user, "pw")
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if err != nil {
				t.Fatal(err)
			}
			got := resp.Status[:4] + string(body)
			if c.want == "" {
				if !strings.HasPrefix(got, "200 [") {
					t.Errorf("default %v, %s: %s\n got %s", byDefault, c.user, c.body, got)
				}
				continue
			}
			if got != c.want {
				t.Errorf("default %v, %s: %s\n got %s\nwant %s", byDefault, c.user, c.body, got, c.want)
			}
		}
	}
}

func TestSubversion(t *testing.T) {
	for _, c := range []struct {
		version  string
		comments []string
		want     string
	}{
		{"", nil, "/Satoshi:28.1.0/"},
		{"", []string{"a"}, "/Satoshi:28.1.0(a)/"},
		{"0.1.0", nil, "/Satoshi:28.1.0/Keelson:0.1.0/"},
		{"0.1.0", []string{"a", "b c"}, "/Satoshi:28.1.0/Keelson:0.1.0(a; b c)/"},
		{"0.1.0", []string{strings.Repeat("x", 224)}, "/Satoshi:28.1.0/Keelson:0.1.0(" + strings.Repeat("x", 224) + ")/"},
	} {
		if got, err := subversion(c.version, c.comments); err != nil || got != c.want {
			t.Errorf("%q %q: %q %v", c.version, c.comments, got, err)
		}
	}
	n := startTestNode(t, func(c *Config, _ *ledger.Config) { c.Comments = []string{"one"} })
	if got := n.call("getnetworkinfo").Get("subversion").Text; got != "/Satoshi:28.1.0/Keelson:0.0.1(one)/" {
		t.Error(got)
	}
	n = startTestNode(t, func(c *Config, _ *ledger.Config) { c.Deprecated = []string{"warnings"} })
	for _, method := range []string{"getnetworkinfo", "getblockchaininfo", "getmininginfo"} {
		v, err := n.Call(t.Context(), method)
		if got := v.Get("warnings"); err != nil || got.Kind.String() != "string" {
			t.Errorf("%s: %v %v", method, got, err)
		}
	}
	cfg := n.config
	cfg.Comments = []string{strings.Repeat("x", 225)}
	const want = "uacomment: Total length of network version string (257) exceeds maximum length (256). Reduce the number or size of uacomments."
	if _, err := New(cfg); err == nil || err.Error() != want {
		t.Errorf("%v", err)
	}
	for text, ok := range map[string]bool{"": true, "aZ09 .,;-_?@": true, "a/b": false, "(a)": false, "a:b": false, "é": false, "a\n": false, "a+b": false} {
		if err := CheckComment(text); (err == nil) != ok {
			t.Errorf("%q: %v", text, err)
		}
	}
}
