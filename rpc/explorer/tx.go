package explorer

import (
	"encoding/hex"
	"errors"
	"strings"

	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/mempool"
	"github.com/keelson-chain/keelson/rpc/esplora"
	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/wire"
)

// shownPuts is how many inputs and outputs of a transaction are shown on pages
// about something else.
const shownPuts = 10

// maxPuts is how many are shown on its own page. A block may hold one with many
// thousands.
const maxPuts = 500

// txView is a transaction as pages show it.
type txView struct {
	*esplora.Tx
	// Whole: on the transaction's own page, with scripts and witnesses.
	Whole     bool
	Outspends []esplora.Outspend // nil: not known
	// Mine is the script whose part in the transaction is pointed out, nil: none.
	Mine []byte
}

// Inputs are those that are shown.
func (t txView) Inputs() []esplora.Vin { return t.Vin[:min(len(t.Vin), t.most())] }

// Outputs are those that are shown.
func (t txView) Outputs() []outputView {
	list := make([]outputView, 0, min(len(t.Vout), t.most()))
	for i := range t.Vout[:cap(list)] {
		o := outputView{Vout: t.Vout[i], Index: i, Mine: t.IsMine(&t.Vout[i])}
		if i < len(t.Outspends) {
			o.Known, o.Outspend = true, t.Outspends[i]
		}
		list = append(list, o)
	}
	return list
}

func (t txView) most() int {
	if t.Whole {
		return maxPuts
	}
	return shownPuts
}

// MoreInputs and MoreOutputs are how many are not shown.
func (t txView) MoreInputs() int { return len(t.Vin) - len(t.Inputs()) }

// MoreOutputs: see MoreInputs.
func (t txView) MoreOutputs() int { return max(0, len(t.Vout)-t.most()) }

// IsMine reports whether an output has the script that is pointed out.
func (t txView) IsMine(o *esplora.Vout) bool {
	return t.Mine != nil && o != nil && string(o.PkScript) == string(t.Mine)
}

// Net is what the transaction adds to the script that is pointed out.
func (t txView) Net() (sum wire.Amount) {
	for i := range t.Vout {
		if t.IsMine(&t.Vout[i]) {
			sum += t.Vout[i].Value
		}
	}
	for i := range t.Vin {
		if t.IsMine(t.Vin[i].Prevout) {
			sum -= t.Vin[i].Prevout.Value
		}
	}
	return sum
}

// outputView is an output and what became of it.
type outputView struct {
	esplora.Vout
	Index int
	Mine  bool // it has the script that is pointed out
	// Known: Outspend says whether it is spent.
	Known    bool
	Outspend esplora.Outspend
}

// IsData reports whether it carries data and no money.
func (o outputView) IsData() bool { return o.Type == esplora.TypeOpReturn }

// Text is the data as text if it is that, and otherwise its first bytes in
// hexadecimal.
func (o outputView) Text() string {
	var data []byte
	for t := script.Tokenize(o.PkScript); t.Next(); {
		data = append(data, t.Data...)
	}
	if text := printed(string(data)); strings.Count(text, "·")*8 <= len(text) {
		return text
	}
	if len(data) > shownData {
		return hex.EncodeToString(data[:shownData]) + "…"
	}
	return hex.EncodeToString(data)
}

// shownData is how many bytes of data are shown that are not text.
const shownData = 24

type txData struct {
	View          txView
	Confirmations uint32
	Waiting       *mempool.Info // nil once it is confirmed
	Raw           string        // hexadecimal; empty if it is too long to be shown
	RawSize       int
	RBF           bool
	NoSpenders    bool // whether outputs are spent cannot be told
	Coinbase      string
}

// maxRaw is how many bytes of a transaction are shown in hexadecimal.
const maxRaw = 4000

func (r *request) tx(id string) (*page, error) {
	txid, err := hash("transaction id", id)
	if err != nil {
		return nil, err
	}
	tx, err := r.n.View.Tx(r.Context(), txid)
	if errors.Is(err, ledger.ErrNoTxIndex) {
		return nil, notFound("No transaction %v waits for a block. This node keeps no index of those in blocks: run it with --txindex to find them here.", txid)
	}
	if errors.Is(err, esplora.ErrNotFound) {
		return nil, notFound("No transaction %v is in the chain or waits for a block.", txid)
	}
	if err != nil {
		return nil, err
	}
	d := &txData{View: txView{Tx: &tx, Whole: true}}
	spends, err := r.n.View.Outspends(r.Context(), txid)
	switch {
	case err == nil:
		d.View.Outspends = spends
	case errors.Is(err, esplora.ErrNoAddressIndex):
		d.NoSpenders = true
	case !errors.Is(err, esplora.ErrNotFound): // it has left the pool meanwhile
		return nil, err
	}
	if tx.Status.Confirmed {
		tip := r.n.View.Tip().Height
		d.Confirmations = tip - min(tip, tx.Status.Block.Height) + 1
	} else if info, ok := r.n.Pool.Info(txid); ok {
		d.Waiting, d.RBF = &info, info.Replaceable
	}
	if raw, err := r.n.View.RawTx(r.Context(), txid); err == nil {
		if d.RawSize = len(raw); len(raw) <= maxRaw {
			d.Raw = hex.EncodeToString(raw)
		}
	}
	if tx.IsCoinbase() {
		d.Coinbase = printed(string(tx.Vin[0].ScriptSig))
	}
	return &page{Title: "Transaction " + short(txid), Name: "tx", Data: d}, nil
}
