package rpc

import (
	"fmt"
	"strings"
	"testing"

	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/rpc/jsonrpc"
	"github.com/keelson-chain/keelson/wire"
)

func TestRawTransaction(t *testing.T) {
	for _, index := range []bool{false, true} {
		d := drawChain(t, func(_ *Config, c *ledger.Config) { c.TxIndex = index })
		n := d.testNode
		tx, block := d.txs[2], d.block.Hash()
		raw := fmt.Sprintf(`"%x"`, tx.Append(nil))

		for _, level := range []any{nil, 0, false} {
			if got := n.text("getrawtransaction", tx.TxID(), level, block); got != raw {
				t.Errorf("level %v: %s", level, got)
			}
		}
		v := n.call("getrawtransaction", tx.TxID(), true, block)
		if v.Key(0) != "in_active_chain" || v.At(0).Text != "true" || v.Get("blockhash").Text != block.String() || v.Get("confirmations").Text != "2" ||
			v.Get("time").Text != v.Get("blocktime").Text || v.Get("time").Text != fmt.Sprint(d.block.Header.Time) || !v.Get("fee").IsNull() {
			t.Errorf("%s", jsonrpc.Append(nil, v))
		}
		v = n.call("getrawtransaction", tx.TxID(), 2, block)
		if v.Get("fee").Text != "0.00001000" || v.Get("vin").At(1).Get("prevout").Get("value").Text != "12.50000000" {
			t.Errorf("%s", jsonrpc.Append(nil, v))
		}
		// A block off the active chain has no confirmations; one never connected no fee.
		v = n.call("getrawtransaction", d.stale.Txs[0].TxID(), 2, d.stale.Hash())
		if v.At(0).Text != "false" || v.Get("confirmations").Text != "0" || !v.Get("time").IsNull() || !v.Get("fee").IsNull() {
			t.Errorf("%s", jsonrpc.Append(nil, v))
		}
		n.fails(-5, "No such transaction found in the provided block. Use gettransaction for wallet transactions.", "getrawtransaction", tx.TxID(), 0, d.stale.Hash())
		n.fails(-5, "Block hash not found", "getrawtransaction", tx.TxID(), 0, unknownHash)

		if !index {
			n.fails(-5, "No such mempool transaction. Use -txindex or provide a block hash to enable blockchain transaction queries. Use gettransaction for wallet transactions.",
				"getrawtransaction", tx.TxID())
			continue
		}
		if got := n.text("getrawtransaction", tx.TxID()); got != raw {
			t.Errorf("by index: %s", got)
		}
		v = n.call("getrawtransaction", tx.TxID(), 1)
		if v.Key(0) != "txid" || v.Get("blockhash").Text != block.String() || v.Get("confirmations").Text != "2" {
			t.Errorf("%s", jsonrpc.Append(nil, v))
		}
		v = n.call("getrawtransaction", d.txs[0].TxID(), 2)
		if !v.Get("fee").IsNull() || v.Get("vin").At(0).Get("coinbase").IsNull() {
			t.Errorf("%s", jsonrpc.Append(nil, v))
		}
		n.fails(-5, "No such mempool or blockchain transaction. Use gettransaction for wallet transactions.", "getrawtransaction", unknownHash)
		n.fails(-5, "No such mempool or blockchain transaction. Use gettransaction for wallet transactions.", "getrawtransaction", d.stale.Txs[0].TxID())

		id := tx.TxID().String()
		n.fails(-3, "JSON value of type string is not of expected type number", "getrawtransaction", id, "Flase")
		n.fails(-3, "JSON value of type array is not of expected type number", "getrawtransaction", id, []any{})
		n.fails(-3, "JSON value of type object is not of expected type number", "getrawtransaction", id, jsonrpc.Object{})
		n.fails(-3, "Wrong type passed:\n{\n    \"Position 3 (blockhash)\": \"JSON value of type bool is not of expected type string\"\n}", "getrawtransaction", id, true, true)
		n.fails(-8, "parameter 3 must be of length 64 (not 6, for 'foobar')", "getrawtransaction", id, true, "foobar")
		n.fails(-8, "parameter 3 must be hexadecimal string (not 'ZZZ0000000000000000000000000000000000000000000000000000000000000')", "getrawtransaction", id, true,
			"ZZZ0000000000000000000000000000000000000000000000000000000000000")
		n.fails(-8, "parameter 1 must be of length 64 (not 3, for 'abc')", "getrawtransaction", "abc")
	}
}

func TestDecodeRawTransaction(t *testing.T) {
	d := drawChain(t, nil)
	n := d.testNode
	for i, tx := range d.txs {
		full := n.call("getblock", d.block.Hash(), 2)
		got := n.text("decoderawtransaction", jsonrpc.Hex(tx.Append(nil)))
		want, _, _ := strings.Cut(string(jsonrpc.Append(nil, *full.Get("tx").At(i))), `,"fee":`)
		want, _, _ = strings.Cut(want, `,"hex":"0200`)
		if !strings.HasPrefix(want, strings.TrimSuffix(got, "}")) {
			t.Errorf("transaction %d: %s\nwant %s", i, got, want)
		}
		plain := n.text("decoderawtransaction", jsonrpc.Hex(tx.AppendNoWitness(nil)), false)
		if strings.Contains(plain, "txinwitness") || !strings.Contains(plain, tx.TxID().String()) {
			t.Errorf("without witness: %s", plain)
		}
		if tx.HasWitness() {
			n.fails(-22, "TX decode failed", "decoderawtransaction", jsonrpc.Hex(tx.Append(nil)), false)
		}
	}
	// A transaction without inputs and with one output looks like the form with
	// witnesses, as which it makes no sense.
	tx := &wire.Tx{Version: 2, Outputs: []wire.TxOut{{Value: 1, PkScript: []byte{0x51}}}}
	if v := n.call("decoderawtransaction", jsonrpc.Hex(tx.AppendNoWitness(nil))); v.Get("vin").Len() != 0 || v.Get("vout").Len() != 1 {
		t.Errorf("%s", jsonrpc.Append(nil, v))
	}
	for _, text := range []string{"", "00", "x", "0200000000", fmt.Sprintf("%x00", d.txs[1].Append(nil))} {
		n.fails(-22, "TX decode failed", "decoderawtransaction", text)
	}
}

func TestValidateAddress(t *testing.T) {
	n := startTestNode(t, nil)
	for _, c := range []struct{ address, want string }{
		{regtestAddress, `{"isvalid":true,"address":"` + regtestAddress + `","scriptPubKey":"` + regtestScript + `","isscript":false,"iswitness":true,"witness_version":0,"witness_program":"` + regtestScript[4:] + `"}`},
		{strings.ToUpper(regtestAddress), `{"isvalid":true,"address":"` + regtestAddress + `","scriptPubKey":"` + regtestScript + `","isscript":false,"iswitness":true,"witness_version":0,"witness_program":"` + regtestScript[4:] + `"}`},
		{"mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn", `{"isvalid":true,"address":"mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn","scriptPubKey":"76a914243f1394f44554f4ce3fd68649c19adc483ce92488ac","isscript":false,"iswitness":false}`},
		{"2NF2b3KS8xXb9XHvbRMXdZh8s5g92rUZHtp", `{"isvalid":true,"address":"2NF2b3KS8xXb9XHvbRMXdZh8s5g92rUZHtp","scriptPubKey":"a914eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee87","isscript":true,"iswitness":false}`},
		{"bcrt1pfeesnyr2tx", `{"isvalid":true,"address":"bcrt1pfeesnyr2tx","scriptPubKey":"51024e73","isscript":true,"iswitness":true}`},
		{"bcrt1pamhqk96edn", `{"isvalid":true,"address":"bcrt1pamhqk96edn","scriptPubKey":"5102eeee","iswitness":true,"witness_version":1,"witness_program":"eeee"}`},
		{"bcrt1pamhwamhwamhwamhwamhwamhwamhwamhwamhwamhwamhwamhwamhqz6nvlh", `{"isvalid":true,"address":"bcrt1pamhwamhwamhwamhwamhwamhwamhwamhwamhwamhwamhwamhwamhqz6nvlh","scriptPubKey":"5120` + strings.Repeat("ee", 32) + `","isscript":true,"iswitness":true,"witness_version":1,"witness_program":"` + strings.Repeat("ee", 32) + `"}`},
		// Of Core's rpc_invalid_address_message test.
		{"bcrt1q0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vpzk5jj0", `"isvalid":false`},
		{"bcrt1sqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqv8xlqj", `"isvalid":false`},
		{"bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", `{"isvalid":false,"error_locations":[],"error":"Invalid or unsupported Segwit (Bech32) or Base58 encoding."}`},
		{"17VZNX1SN5NtKa8UQFxwQbFeFc3iqRYhem", `{"isvalid":false,"error_locations":[],"error":"Invalid or unsupported Base58-encoded address."}`},
		{"mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJJfn", `{"isvalid":false,"error_locations":[],"error":"Invalid checksum or length of Base58 address (P2PKH or P2SH)"}`},
		{"bcrt1q049edschfnwystcqnsvyfpj23mpsg3jcedq9xv", `{"isvalid":false,"error_locations":[9],"error":"Invalid Bech32 checksum"}`},
		{"asfah14i8fajz0123f", `{"isvalid":false,"error_locations":[],"error":"Invalid or unsupported Segwit (Bech32) or Base58 encoding."}`},
	} {
		got := n.text("validateaddress", c.address)
		if got != c.want && !(strings.HasPrefix(c.want, `"`) && strings.Contains(got, c.want)) {
			t.Errorf("%s:\n got %s\nwant %s", c.address, got, c.want)
		}
	}
	n.fails(-1, "validateaddress \"address\"\n\n", "validateaddress")
	n.fails(-3, "Wrong type passed:\n{\n    \"Position 1 (address)\": \"JSON value of type null is not of expected type string\"\n}", "validateaddress", nil)
}
