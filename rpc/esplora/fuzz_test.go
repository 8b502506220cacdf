package esplora

import (
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzRequest: whatever is asked for, the answer is one of few kinds; a refusal is
// one short line.
func FuzzRequest(f *testing.F) {
	n := startTestNode(f, 2, nil)
	n.send(n.pay(0))
	b := n.chain.Tip()
	hash, txid := b.Hash().String(), b.Txs[0].TxID().String()
	script := HashScript(b.Txs[0].Outputs[0].PkScript)
	for _, path := range []string{
		"/blocks", "/blocks/tip/hash", "/blocks/7", "/block-height/3", "/block/" + hash, "/block/" + hash + "/txs/25", "/block/" + hash + "/txid/0",
		"/tx/" + txid, "/tx/" + txid + "/outspend/0", "/tx/" + txid + "/merkleblock-proof", "/address/" + n.addressOf(b.Txs[0].Outputs[0].PkScript) + "/txs",
		"/scripthash/" + hex.EncodeToString(script[:]) + "/txs/chain/" + txid, "/mempool/recent", "/fee-estimates", "//", "/%2e%2e/%00", "/block/%ff",
	} {
		f.Add("GET", path, "")
	}
	f.Add("POST", "/tx", "00")
	f.Add("OPTIONS", "/tx", "")
	f.Fuzz(func(t *testing.T, method, path, body string) {
		u, err := url.Parse("http://localhost/" + strings.TrimPrefix(path, "/"))
		if err != nil || len(body) > 2*maxBody {
			return
		}
		u.Path = strings.TrimPrefix(u.Path, "/")
		if strings.HasPrefix(path, "/") {
			u.Path = "/" + u.Path
		}
		r := httptest.NewRequest(http.MethodGet, "/", strings.NewReader(body)).WithContext(t.Context())
		r.Method, r.URL = method, u
		w := httptest.NewRecorder()
		n.Handler().ServeHTTP(w, r)
		text := w.Body.Bytes()
		switch w.Code {
		case http.StatusOK:
			if w.Header().Get("Content-Type") == kindJSON && method != http.MethodHead && !json.Valid(text) {
				t.Errorf("%s %q: no JSON: %s", method, u.Path, text)
			}
		case http.StatusNoContent:
		case http.StatusBadRequest, http.StatusNotFound:
			if len(text) > 1000 || strings.ContainsAny(string(text), "\n\r") || !utf8.Valid(text) || w.Header().Get("Content-Type") != kindText {
				t.Errorf("%s %q is refused with %q", method, u.Path, text)
			}
		default:
			t.Errorf("%s %q: status %d %s", method, u.Path, w.Code, text)
		}
	})
}
