package esplora

import (
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/keelson-chain/keelson/consensus/chaingen"
	"github.com/keelson-chain/keelson/wire"
)

// TestBroadcast: a transaction gets into the pool, and what is refused has the code
// and text of sendrawtransaction.
func TestBroadcast(t *testing.T) {
	n := startTestNode(t, 4, nil)
	text := func(tx *wire.Tx) string { return hex.EncodeToString(tx.Append(nil)) }
	tx := n.pay(0)
	for _, body := range []string{text(tx), text(tx), " " + strings.ToUpper(text(tx)) + "\r\n"} {
		w := n.do("POST", "/tx", body)
		if w.Code != http.StatusOK || w.Body.String() != tx.TxID().String() || w.Header().Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	}
	if info, ok := n.pool.Info(tx.TxID()); !ok || !info.Unbroadcast {
		t.Errorf("in the pool: %v, %+v", ok, info)
	}
	n.wantIDs("/mempool/recent", tx)

	rival := n.pay(0, n.chain.Out(chaingen.P2WPKH, 1, n.chain.Mature()[0].Coin.Out.Value-1001))
	broken := n.pay(1).Clone()
	broken.Inputs[0].Witness[0][5] ^= 1
	missing := n.pay(1).Clone()
	missing.Inputs[0].PrevOut.TxID[3] ^= 1
	value := n.chain.Mature()[1].Coin.Out.Value
	dear := n.pay(1, n.chain.Out(chaingen.P2WPKH, 1, value/2))
	mined := n.pay(2)
	n.mine(mined)
	for _, c := range []struct{ body, want string }{
		{"", `{"code":-22,"message":"TX decode failed. Make sure the tx has at least one input."}`},
		{"zz", `{"code":-22,"message":"TX decode failed. Make sure the tx has at least one input."}`},
		{`{"tx":"` + text(tx) + `"}`, `{"code":-22,"message":"TX decode failed. Make sure the tx has at least one input."}`},
		{text(tx)[2:], `{"code":-22,"message":"TX decode failed. Make sure the tx has at least one input."}`},
		{text(missing), `{"code":-25,"message":"bad-txns-inputs-missingorspent"}`},
		{text(mined), `{"code":-27,"message":"Transaction outputs already in utxo set"}`},
		{text(dear), `{"code":-25,"message":"Fee exceeds maximum configured by user (e.g. -maxtxfee, maxfeerate)"}`},
	} {
		w := n.do("POST", "/tx", c.body)
		if got := w.Body.String(); w.Code != http.StatusBadRequest || got != "sendrawtransaction RPC error: "+c.want {
			t.Errorf("%.40s: %d %s", c.body, w.Code, got)
		}
	}
	for what, c := range map[string]*wire.Tx{"insufficient fee": rival, "mandatory-script-verify-flag-failed": broken} {
		w := n.do("POST", "/tx", text(c))
		if got := w.Body.String(); w.Code != http.StatusBadRequest || !strings.HasPrefix(got, `sendrawtransaction RPC error: {"code":-26,"message":"`+what) {
			t.Errorf("%s: %d %s", what, w.Code, got)
		}
	}
	n.cfg.Broadcast = nil
	if w := n.do("POST", "/tx", text(n.pay(1))); w.Code != http.StatusBadRequest || w.Body.String() != "This server takes no transactions" {
		t.Errorf("without Broadcast: %d %s", w.Code, w.Body)
	}
}

// TestBodyBound: what is too long is not read, whether its length is announced or
// not.
func TestBodyBound(t *testing.T) {
	n := startTestNode(t, 1, nil)
	server := httptest.NewServer(n.handler)
	defer server.Close()
	for _, size := range []int{maxBody, maxBody + 1, 3 * maxBody} {
		for _, announced := range []bool{true, false} {
			var body counted
			body.left = size
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+"/api/tx", &body)
			if err != nil {
				t.Fatal(err)
			}
			if announced {
				r.ContentLength = int64(size)
			}
			answer, err := server.Client().Do(r)
			if err != nil {
				if size > maxBody { // the server has hung up before all was sent
					continue
				}
				t.Fatal(err)
			}
			answer.Body.Close()
			want := http.StatusBadRequest
			if size > maxBody {
				want = http.StatusRequestEntityTooLarge
			}
			if answer.StatusCode != want {
				t.Errorf("%d bytes, announced %v: %d, want %d", size, announced, answer.StatusCode, want)
			}
		}
	}
	if w := n.do("POST", "/tx", strings.Repeat("0", maxBody+1)); w.Code != http.StatusRequestEntityTooLarge || w.Body.String() != "Request body too large" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// counted is a body of so many zeros.
type counted struct{ left int }

func (c *counted) Read(b []byte) (int, error) {
	if c.left == 0 {
		return 0, io.EOF
	}
	size := min(len(b), c.left)
	for i := range b[:size] {
		b[i] = '0'
	}
	c.left -= size
	return size, nil
}
