package explorer

import (
	"errors"
	"net/url"

	"github.com/keelson-chain/keelson/rpc/esplora"
	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/wire"
)

// shownCoins is how many unspent outputs of an address are listed.
const shownCoins = 50

type addressData struct {
	Address  string
	Kind     string // of its script
	PkScript esplora.Hex
	Asm      string
	Stats    esplora.Stats
	NoIndex  bool
	Coins    []esplora.Coin
	Count    int  // of all coins
	TooMany  bool // to be listed
	Waiting  []txView
	Txs      []txView
	First    bool   // Txs begins with the last one
	Newest   string // links; empty: there are none
	Older    string
}

func (r *request) address(text string) (*page, error) {
	if len(text) > maxQuery {
		return nil, badRequest("That is too long for an address.")
	}
	pkScript, err := r.n.View.ParseAddress(text)
	if err != nil {
		return nil, badRequest("%q is no address of network %s: %s", cut(text, 100), r.s.cfg.Params.Name, sentence(err.Error()))
	}
	var after *wire.Hash
	if last := r.URL.Query().Get("after"); last != "" {
		h, err := hash("transaction id", last)
		if err != nil {
			return nil, err
		}
		after = &h
	}
	h := esplora.HashScript(pkScript)
	class, _ := script.Classify(pkScript)
	d := &addressData{Address: text, Kind: class.String(), PkScript: pkScript, Asm: esplora.Asm(pkScript), First: after == nil}
	if !d.First {
		d.Newest = "/address/" + url.PathEscape(text)
	}
	p := &page{Title: "Address " + cut(text, 12), Name: "address", Data: d}
	ctx := r.Context()
	if d.Stats, err = r.n.View.ScriptStats(ctx, h); errors.Is(err, esplora.ErrNoAddressIndex) {
		d.NoIndex = true
		waiting, err := r.n.View.PoolTxs(ctx, h, listTxs)
		d.Waiting = views(waiting, pkScript)
		return p, err
	}
	if err != nil {
		return nil, err
	}
	txs, err := r.n.View.ChainTxs(ctx, h, after, listTxs)
	if err != nil {
		return nil, err
	}
	d.Txs = views(txs, pkScript)
	if len(txs) == listTxs {
		d.Older = link("/address/"+url.PathEscape(text), "after", txs[len(txs)-1].TxID.String())
	}
	if !d.First {
		return p, nil
	}
	waiting, err := r.n.View.PoolTxs(ctx, h, listTxs)
	if err != nil {
		return nil, err
	}
	d.Waiting = views(waiting, pkScript)
	switch d.Coins, err = r.n.View.Coins(ctx, h); {
	case errors.Is(err, esplora.ErrBadRequest):
		d.TooMany = true
	case err != nil:
		return nil, err
	}
	d.Count = len(d.Coins)
	d.Coins = d.Coins[:min(len(d.Coins), shownCoins)]
	return p, nil
}

func views(txs []esplora.Tx, mine []byte) []txView {
	list := make([]txView, len(txs))
	for i := range txs {
		list[i] = txView{Tx: &txs[i], Mine: mine}
	}
	return list
}
