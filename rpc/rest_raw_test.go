package rpc

import (
	"io"
	"testing"

	"github.com/keelson-chain/keelson/ledger"
)

// Clients that write their own requests need no Host, no carriage returns and no
// password for REST either, and keep their connection where they ask by version 1.1.
func TestRawREST(t *testing.T) {
	n := startTestNode(t, func(c *Config, _ *ledger.Config) { c.REST = true })
	want := n.text("getblockchaininfo") + "\n"
	for name, request := range map[string]string{
		"no Host":          "GET /rest/chaininfo.json HTTP/1.1\r\nAccept: */*\r\n\r\n",
		"bare line feeds":  "GET /rest/chaininfo.json HTTP/1.1\n\n",
		"version 1.0":      "GET /rest/chaininfo.json HTTP/1.0\n\n",
		"to be closed":     "GET /rest/chaininfo.json HTTP/1.1\nConnection: close\n\n",
		"a length of none": "GET /rest/chaininfo.json HTTP/1.1\nContent-Length: 0\n\n",
	} {
		t.Run(name, func(t *testing.T) {
			c := n.dial()
			if _, err := io.WriteString(c, request); err != nil {
				t.Fatal(err)
			}
			if status, _, got := c.response(); status[len("HTTP/1.x "):] != "200 OK" || got != want {
				t.Errorf("%s %q, want %q", status, got, want)
			}
		})
	}
	c := n.dial()
	for range 3 {
		if _, err := io.WriteString(c, "GET /rest/blockhashbyheight/0.hex HTTP/1.1\n\n"); err != nil {
			t.Fatal(err)
		}
		if _, _, got := c.response(); got != n.call("getblockhash", 0).Text+"\n" {
			t.Errorf("again: %q", got)
		}
	}
}
