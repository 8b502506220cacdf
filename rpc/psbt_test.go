package rpc

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/keelson-chain/keelson/internal/vectors"
	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/rpc/jsonrpc"
)

// TestPSBTVectors runs the vectors of Bitcoin Core's own test of these methods.
func TestPSBTVectors(t *testing.T) {
	n := startTestNode(t, nil)
	var v struct {
		Invalid        []string
		InvalidWithMsg [][2]string `json:"invalid_with_msg"`
		Valid          []string
		Creator        []struct {
			Inputs, Outputs json.RawMessage
			Result          string
		}
		Combiner []struct {
			Combine []string
			Result  string
		}
		Finalizer []struct{ Finalize, Result string }
		Extractor []struct{ Extract, Result string }
	}
	if err := json.Unmarshal(vectors.Read(t, "bitcoin-core-28.1/test/functional/data/rpc_psbt.json"), &v); err != nil {
		t.Fatal(err)
	}
	for _, text := range v.Invalid {
		n.fails(-22, "TX decode failed ", "decodepsbt", text)
	}
	for _, c := range v.InvalidWithMsg {
		n.fails(-22, "TX decode failed "+c[1]+": iostream error", "decodepsbt", c[0])
	}
	for _, text := range v.Valid {
		n.call("decodepsbt", text) // which is held against the table of results
		n.call("analyzepsbt", text)
	}
	parsed := func(raw json.RawMessage) jsonrpc.Value {
		value, err := jsonrpc.Parse(string(raw))
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
	for _, c := range v.Creator {
		created := n.call("createpsbt", parsed(c.Inputs), parsed(c.Outputs), 0, false).Text
		if created != c.Result {
			t.Errorf("created %s, want %s", created, c.Result)
		}
		raw := n.call("createrawtransaction", parsed(c.Inputs), parsed(c.Outputs), 0, false).Text
		if got := n.call("converttopsbt", raw).Text; got != c.Result {
			t.Errorf("converted %s, want %s", got, c.Result)
		}
	}
	for _, c := range v.Combiner {
		if got := n.call("combinepsbt", c.Combine).Text; got != c.Result {
			t.Errorf("combined %s, want %s", got, c.Result)
		}
	}
	for _, c := range v.Finalizer {
		if got, want := n.text("finalizepsbt", c.Finalize, false), `{"psbt":"`+c.Result+`","complete":true}`; got != want {
			t.Errorf("finalized %s, want %s", got, want)
		}
	}
	for _, c := range v.Extractor {
		if got, want := n.text("finalizepsbt", c.Extract), `{"hex":"`+c.Result+`","complete":true}`; got != want {
			t.Errorf("extracted %s, want %s", got, want)
		}
	}
	ran := [...]int{len(v.Invalid), len(v.InvalidWithMsg), len(v.Valid), len(v.Creator), len(v.Combiner), len(v.Finalizer), len(v.Extractor)}
	if want := [...]int{41, 2, 20, 1, 2, 1, 1}; ran != want {
		t.Errorf("ran %v, want %v", ran, want)
	}
	// What a packet says, in full.
	o := n.call("decodepsbt", v.Finalizer[0].Finalize)
	in := o.Get("inputs").At(1)
	if o.Get("fee").Text != "0.00010000" || in.Get("partial_signatures").Len() != 2 || in.Get("sighash").Text != "ALL" ||
		in.Get("bip32_derivs").At(0).Get("path").Text != "m/0h/0h/3h" || in.Get("witness_script").Get("type").Text != "multisig" {
		t.Errorf("decoded %s", jsonrpc.Append(nil, o))
	}
}

// TestProcessPSBT makes, updates, signs and finalizes spends of what blocks pay
// to descriptors, which the chain takes then.
func TestProcessPSBT(t *testing.T) {
	for _, index := range []bool{false, true} {
		n := startTestNode(t, func(_ *Config, c *ledger.Config) { c.TxIndex = index })
		a, b := n.key(1), n.key(2)
		cases := []struct {
			public  string
			signers []string
			legacy  bool // the transaction that is spent must be known
		}{
			{"pkh(" + a.pub + ")", []string{"pkh(" + a.wif + ")"}, true},
			{"wpkh(" + a.pub + ")", []string{"wpkh(" + a.wif + ")"}, false},
			{"sh(wpkh(" + a.pub + "))", []string{"sh(wpkh(" + a.wif + "))"}, false},
			{"sh(multi(2," + a.pub + "," + b.pub + "))", []string{"pk(" + b.wif + ")", "pk(" + a.wif + ")"}, true},
			{"wsh(multi(2," + a.pub + "," + b.pub + "))", []string{"pk(" + b.wif + ")", "pk(" + a.wif + ")"}, false},
			{"tr(" + tpub + "/0/*)", []string{"tr(" + tprv + "/0/*)"}, false},
			{"tr(" + a.pub + ",multi_a(2," + b.pub + "," + tpub + "/1))", []string{"pk(" + b.wif + ")", "pk(" + tprv + "/1)"}, false},
		}
		var addresses, txids []string
		for _, c := range cases {
			d := n.call("getdescriptorinfo", c.public).Get("descriptor").Text
			args := []any{d}
			if strings.Contains(d, "*") {
				args = append(args, 0)
			}
			addresses = append(addresses, n.call("deriveaddresses", args...).At(0).Text)
			hash := n.call("generatetoaddress", 1, addresses[len(addresses)-1]).At(0).Text
			txids = append(txids, n.call("getblock", hash).Get("tx").At(0).Text)
		}
		n.call("generatetoaddress", 100, regtestAddress)
		for i, c := range cases {
			if c.legacy && !index {
				continue
			}
			to, txid := addresses[i], txids[i]
			created := n.call("createpsbt", []any{obj("txid", txid, "vout", 0)}, []any{obj(to, written("49.999"))}).Text
			if next := n.call("analyzepsbt", created).Get("next").Text; next != "updater" {
				t.Errorf("%s: created, next %s", c.public, next)
			}
			updated := n.call("utxoupdatepsbt", created, []any{obj("desc", c.public, "range", 2)}).Text
			if strings.HasPrefix(c.public, "tr") { // what is missing there has no name
				in := n.call("decodepsbt", updated).Get("inputs").At(0)
				if in.Get("taproot_internal_key").IsNull() || in.Get("taproot_bip32_derivs").IsNull() {
					t.Errorf("%s: updated %s", c.public, jsonrpc.Append(nil, in))
				}
			} else if next := n.call("analyzepsbt", updated).Get("next").Text; next != "signer" {
				t.Errorf("%s: updated, next %s", c.public, next)
			}
			var signed []string
			for _, signer := range c.signers {
				signed = append(signed, n.call("descriptorprocesspsbt", updated, []string{signer}, nil, true, false).Get("psbt").Text)
			}
			combined := n.call("combinepsbt", signed).Text
			o := n.call("analyzepsbt", combined)
			// As in Bitcoin Core there is no estimate for a taproot input that is complete.
			if o.Get("next").Text != "finalizer" || o.Get("fee").Text != "0.00100000" || o.Get("estimated_vsize").IsNull() != strings.HasPrefix(c.public, "tr") {
				t.Errorf("%s: combined, %s", c.public, jsonrpc.Append(nil, &o))
			}
			final := n.call("finalizepsbt", combined)
			if final.Get("complete").Text != "true" {
				t.Fatalf("%s: %s", c.public, jsonrpc.Append(nil, &final))
			}
			id := n.call("sendrawtransaction", final.Get("hex").Text).Text
			n.call("generatetoaddress", 1, regtestAddress)
			if got := n.call("gettxout", id, 0).Get("confirmations").Text; got != "1" {
				t.Errorf("%s: %s confirmations", c.public, got)
			}
			if len(c.signers) == 1 { // who knows all is done at once
				whole := n.call("descriptorprocesspsbt", updated, c.signers)
				if whole.Get("complete").Text != "true" || whole.Get("hex").Text != final.Get("hex").Text {
					t.Errorf("%s: processed %s", c.public, jsonrpc.Append(nil, &whole))
				}
			}
		}
	}
}

// TestJoinPSBTs joins two spends, whose inputs stay with what is known of them.
func TestJoinPSBTs(t *testing.T) {
	n := startTestNode(t, nil)
	one := n.call("createpsbt", []any{obj("txid", someTxID, "vout", 1)}, []any{obj(regtestAddress, 1)}, 7).Text
	two := n.call("createpsbt", []any{obj("txid", someTxID, "vout", 2)}, []any{obj(keyAddress, 2)}, 5).Text
	joined := n.call("decodepsbt", n.call("joinpsbts", []string{one, two}).Text)
	tx := joined.Get("tx")
	if tx.Get("vin").Len() != 2 || tx.Get("vout").Len() != 2 || tx.Get("locktime").Text != "5" {
		t.Errorf("joined %s", jsonrpc.Append(nil, tx))
	}
	n.fails(-8, "At least two PSBTs are required to join PSBTs.", "joinpsbts", []string{one})
	n.fails(-8, "Input "+someTxID+":1 exists in multiple PSBTs", "joinpsbts", []string{one, one})
	n.fails(-8, "Parameter 'txs' cannot be empty", "combinepsbt", []string{})
	n.fails(-8, "PSBTs not compatible (different transactions)", "combinepsbt", []string{one, two})
}

func TestPSBTErrors(t *testing.T) {
	n := startTestNode(t, nil)
	blank := n.call("createpsbt", []any{obj("txid", someTxID, "vout", 1)}, []any{obj(regtestAddress, 1)}).Text
	key := n.key(1)
	for _, method := range []string{"decodepsbt", "analyzepsbt", "finalizepsbt", "utxoupdatepsbt"} {
		n.fails(-22, "TX decode failed invalid base64", method, "?")
		n.fails(-22, "TX decode failed Invalid PSBT magic bytes: iostream error", method, "AAAA")
		n.fails(-3, "JSON value of type number is not of expected type string", method, 1)
	}
	n.fails(-22, "TX decode failed", "converttopsbt", "00")
	n.fails(-22, "TX decode failed invalid base64", "combinepsbt", []string{blank, "?"})
	n.fails(-5, "", "utxoupdatepsbt", blank, []string{"wpkh(1)"})
	n.fails(-8, "Descriptor needs to be provided in scan object", "utxoupdatepsbt", blank, []any{jsonrpc.Object{}})
	n.fails(-8, "More than 100000 keys", "utxoupdatepsbt", blank, []any{obj("desc", "wpkh("+tpub+"/*)", "range", 100_000)})
	n.fails(-5, "Cannot derive script without private keys: 'wpkh("+tpub+"/1h)'", "utxoupdatepsbt", blank, []string{"wpkh(" + tpub + "/1h)"})
	n.fails(-8, "'SOME' is not a valid sighash parameter.", "descriptorprocesspsbt", blank, []string{}, "SOME")
	if got := n.text("descriptorprocesspsbt", blank, []string{"wpkh(" + key.wif + ")"}); got != `{"psbt":"`+blank+`","complete":false}` {
		t.Errorf("of an unknown coin: %s", got)
	}
	if got := n.text("finalizepsbt", blank); got != `{"psbt":"`+blank+`","complete":false}` {
		t.Errorf("finalized %s", got)
	}
	if got := n.text("analyzepsbt", blank); got != `{"inputs":[{"has_utxo":false,"is_final":false,"next":"updater"}],"next":"updater"}` {
		t.Errorf("analyzed %s", got)
	}
}
