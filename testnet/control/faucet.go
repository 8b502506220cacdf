package control

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"

	"github.com/keelson-chain/keelson/rpc"
	"github.com/keelson-chain/keelson/rpc/jsonrpc"
	"github.com/keelson-chain/keelson/testnet"
	"github.com/keelson-chain/keelson/wire"
)

// What the faucet gives without being asked for an amount, and at most at a time.
// Who has the password may have more: testnet_fund.
const (
	faucetAmount = wire.Coin
	faucetMost   = 50 * wire.Coin
	maxForm      = 4 << 10 // bytes of a request to the faucet
)

// serveFaucet pays. A form is answered with the page of the transaction, JSON with
// its id.
func (s *Server) serveFaucet(w http.ResponseWriter, r *http.Request) {
	if !sameOrigin(r) {
		plain(w, http.StatusForbidden, "The faucet pays who asks from a page of its own, or from none.")
		return
	}
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	asForm := kind == "application/x-www-form-urlencoded"
	if !asForm && kind != "application/json" {
		plain(w, http.StatusUnsupportedMediaType, "The faucet takes a form, or JSON of the type application/json.")
		return
	}
	refuse := func(status int, text string) {
		if asForm {
			plain(w, status, text)
			return
		}
		answerJSON(w, status, jsonrpc.Object{{Key: "error", Value: text}})
	}
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxForm))
	if err != nil {
		refuse(http.StatusBadRequest, "The request is longer than the faucet reads.")
		return
	}
	address, amount, err := faucetRequest(asForm, string(text))
	if err != nil {
		refuse(http.StatusBadRequest, err.Error())
		return
	}
	select {
	case s.payments <- struct{}{}:
		defer func() { <-s.payments }()
	case <-r.Context().Done():
		return
	}
	txid, err := s.cfg.Network.Fund(r.Context(), address, amount)
	switch {
	case errors.Is(err, testnet.ErrArgument):
		refuse(http.StatusBadRequest, err.Error())
	case err != nil:
		refuse(http.StatusServiceUnavailable, err.Error())
	case asForm:
		http.Redirect(w, r, "/tx/"+txid.String(), http.StatusSeeOther)
	default:
		answerJSON(w, http.StatusOK, jsonrpc.Object{{Key: "txid", Value: txid}})
	}
}

func answerJSON(w http.ResponseWriter, status int, o jsonrpc.Object) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(jsonrpc.Append(nil, o), '\n'))
}

// faucetRequest reads what is asked for.
func faucetRequest(asForm bool, text string) (address string, amount wire.Amount, err error) {
	var asked jsonrpc.Value
	if asForm {
		form, err := url.ParseQuery(text)
		if err != nil {
			return "", 0, errors.New("The form is malformed.")
		}
		address = form.Get("address")
		if given := form.Get("amount"); given != "" {
			asked = jsonrpc.NewString(given)
		}
	} else {
		v, err := jsonrpc.Parse(text)
		if err != nil || v.Kind != jsonrpc.Obj {
			return "", 0, errors.New(`The faucet takes an object: {"address":"bcrt1...","amount":1}`)
		}
		if a := v.Get("address"); a.Kind == jsonrpc.String {
			address = a.Text
		}
		asked = *v.Get("amount")
	}
	if address == "" {
		return "", 0, errors.New("The faucet needs an address.")
	}
	if asked.IsNull() {
		return address, faucetAmount, nil
	}
	amount, err = rpc.ParseAmount(&asked)
	if err != nil || amount <= 0 || amount > faucetMost {
		return "", 0, errors.New("The faucet gives up to " + faucetMost.String() + " coins at a time, not " + asked.Text + ".")
	}
	return address, amount, nil
}

// sameOrigin reports whether a request comes from a page of ours or from no page
// at all: what another page has a browser send names that page.
func sameOrigin(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "same-origin", "none":
	default:
		return false
	}
	origin := r.Header.Get("Origin")
	return origin == "" || origin == "http://"+r.Host
}
