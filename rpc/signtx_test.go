package rpc

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/keelson-chain/keelson/consensus/chaingen"
	"github.com/keelson-chain/keelson/internal/vectors"
	"github.com/keelson-chain/keelson/rpc/jsonrpc"
	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/script/address"
	"github.com/keelson-chain/keelson/script/sig"
	"github.com/keelson-chain/keelson/wire"
)

const (
	someTxID = "1d1d4e24ed99057e84c3f80fd8fbec79ed9e1acee37da269356ecea000000000"
	// An address of each kind, none of them anybody's.
	keyAddress    = "mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn"
	scriptAddress = "2NF2b3KS8xXb9XHvbRMXdZh8s5g92rUZHtp"
	tapRegtest    = "bcrt1pamhwamhwamhwamhwamhwamhwamhwamhwamhwamhwamhwamhwamhqz6nvlh"
)

// obj is an object of names and values in turn.
func obj(list ...any) jsonrpc.Object {
	var o jsonrpc.Object
	for i := 0; i < len(list); i += 2 {
		o.Add(list[i].(string), list[i+1])
	}
	return o
}

// written is a JSON number as it is written.
func written(text string) jsonrpc.Value { return jsonrpc.Value{Kind: jsonrpc.Number, Text: text} }

func TestCreateRawTransaction(t *testing.T) {
	n := startTestNode(t, nil)
	one := []any{obj("txid", someTxID, "vout", 9)}
	// The parts of a transaction with one input.
	in := func(sequence string) string {
		txid, err := wire.ParseHash(someTxID)
		if err != nil {
			t.Fatal(err)
		}
		return "0200000001" + hex.EncodeToString(txid[:]) + "0900000000" + sequence
	}
	keyOut := func(amount string) string { return amount + "1976a914243f1394f44554f4ce3fd68649c19adc483ce92488ac" }
	for _, c := range []struct {
		name string
		args []any
		want string
	}{
		{"nothing", []any{[]any{}, []any{}}, "02000000000000000000"},
		{"nothing, as an object", []any{[]any{}, jsonrpc.Object{}}, "02000000000000000000"},
		{"an input", []any{one, []any{}}, in("fdffffff") + "0000000000"},
		{"not replaceable", []any{one, []any{}, 0, false}, in("ffffffff") + "0000000000"},
		{"not replaceable, with a lock time", []any{one, []any{}, 17, false}, in("feffffff") + "0011000000"},
		{"the largest lock time", []any{one, []any{}, 4294967295}, in("fdffffff") + "00ffffffff"},
		{"a sequence number", []any{[]any{obj("txid", someTxID, "vout", 9, "sequence", 1000)}, []any{}}, in("e8030000") + "0000000000"},
		{"a sequence number that is final", []any{[]any{obj("txid", someTxID, "vout", 9, "sequence", 4294967295)}, []any{}}, in("ffffffff") + "0000000000"},
		{"a sequence number that is none", []any{[]any{obj("txid", someTxID, "vout", 9, "sequence", "7")}, []any{}}, in("fdffffff") + "0000000000"},
		{"outputs in an array", []any{one, []any{obj(keyAddress, written("0.1")), obj("data", "99"), obj(scriptAddress, "2"), obj(regtestAddress, 0)}},
			in("fdffffff") + "04" + keyOut("8096980000000000") + "0000000000000000036a0199" + "00c2eb0b0000000017a914eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee87" +
				"000000000000000016" + regtestScript + "00000000"},
		{"outputs in an object", []any{one, obj(keyAddress, written("1e-8"), "data", 99)}, in("fdffffff") + "02" + keyOut("0100000000000000") + "0000000000000000036a019900000000"},
		{"a byte that has an opcode", []any{one, obj("data", "05")}, in("fdffffff") + "010000000000000000036a010500000000"},
		{"a taproot output", []any{one, obj(tapRegtest, written("21000000"))}, in("fdffffff") + "010040075af07507002251" + "20" + strings.Repeat("ee", 32) + "00000000"},
	} {
		if got := n.text("createrawtransaction", c.args...); got != `"`+c.want+`"` {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
	if got := n.call("decoderawtransaction", n.call("createrawtransaction", one, obj(keyAddress, 1)).Text).Get("vin").At(0); got.Get("txid").Text != someTxID || got.Get("vout").Text != "9" {
		t.Errorf("%s", jsonrpc.Append(nil, got))
	}
	// By name.
	v, err := n.CallParams(t.Context(), "createrawtransaction", obj("inputs", one, "outputs", []any{}, "replaceable", false))
	if err != nil || v.Text != in("ffffffff")+"0000000000" {
		t.Errorf("by name: %s, %v", v.Text, err)
	}
}

func TestCreateRawTransactionErrors(t *testing.T) {
	n := startTestNode(t, nil)
	none, empty := []any{}, jsonrpc.Object{}
	input := func(list ...any) []any { return []any{obj(list...)} }
	long := strings.Repeat("00", 32) + "00"
	for _, c := range []struct {
		code jsonrpc.Code
		text string
		args []any
	}{
		{-1, `createrawtransaction [{"txid":"hex","vout":n,"sequence":n},...] [{"address":amount,...},{"data":"hex"},...] ( locktime replaceable )` + "\n\nCreate", nil},
		{-1, "createrawtransaction [", []any{none}},
		{-1, "createrawtransaction [", []any{none, empty, 0, false, "foo"}},
		{-3, "Wrong type passed:\n{\n    \"Position 1 (inputs)\": \"JSON value of type string is not of expected type array\"\n}", []any{"foo", empty}},
		{-3, "JSON value of type string is not of expected type object", []any{[]any{"foo"}, empty}},
		{-3, "JSON value of type null is not of expected type string", []any{[]any{empty}, empty}},
		{-3, "JSON value of type number is not of expected type string", []any{input("txid", 1), empty}},
		{-8, "txid must be of length 64 (not 3, for 'foo')", []any{input("txid", "foo"), empty}},
		{-8, "txid must be of length 64 (not 66, for '" + long + "')", []any{input("txid", long), empty}},
		{-8, "txid must be hexadecimal string (not 'ZZZ7bb8b1697ea987f3b223ba7819250cae33efacb068d23dc24859824a77844')", []any{input("txid", "ZZZ7bb8b1697ea987f3b223ba7819250cae33efacb068d23dc24859824a77844"), empty}},
		{-8, "Invalid parameter, missing vout key", []any{input("txid", someTxID), empty}},
		{-8, "Invalid parameter, missing vout key", []any{input("txid", someTxID, "vout", "foo"), empty}},
		{-8, "Invalid parameter, vout cannot be negative", []any{input("txid", someTxID, "vout", -1), empty}},
		{-1, "JSON integer out of range", []any{input("txid", someTxID, "vout", 4294967296), empty}},
		{-1, "JSON integer out of range", []any{input("txid", someTxID, "vout", written("1.5")), empty}},
		{-8, "Invalid parameter, sequence number is out of range", []any{input("txid", someTxID, "vout", 0, "sequence", -1), empty}},
		{-8, "Invalid parameter, sequence number is out of range", []any{input("txid", someTxID, "vout", 0, "sequence", 4294967296), empty}},
		{-1, "JSON integer out of range", []any{input("txid", someTxID, "vout", 0, "sequence", written("1e3")), empty}},
		{-3, "JSON value of type string is not of expected type array", []any{none, "foo"}},
		{-8, "Invalid parameter, output argument must be non-null", []any{none, nil}},
		{-8, "Data must be hexadecimal string (not 'foo')", []any{none, obj("data", "foo")}},
		{-8, "Data must be hexadecimal string (not '')", []any{none, obj("data", "")}},
		{-8, "Data must be hexadecimal string (not '')", []any{none, obj("data", none)}},
		{-8, "Data must be hexadecimal string (not '1')", []any{none, obj("data", true)}},
		{-5, "Invalid Bitcoin address: foo", []any{none, obj("foo", 0)}},
		{-5, "Invalid Bitcoin address: 13tuJJDR2RgArmgfv6JScSdreahzgc4T6o", []any{none, obj("13tuJJDR2RgArmgfv6JScSdreahzgc4T6o", 0)}},
		{-3, "Invalid amount", []any{none, obj(keyAddress, "foo")}},
		{-3, "Invalid amount", []any{none, obj(keyAddress, written("0.000000001"))}},
		{-3, "Amount out of range", []any{none, obj(keyAddress, -1)}},
		{-3, "Amount out of range", []any{none, obj(keyAddress, 21000001)}},
		{-3, "Amount is not a number or string", []any{none, obj(keyAddress, true)}},
		{-8, "Invalid parameter, duplicated address: " + keyAddress, []any{none, obj(keyAddress, 1, keyAddress, 1)}},
		{-8, "Invalid parameter, duplicated address: " + tapRegtest, []any{none, []any{obj(tapRegtest, 1), obj(tapRegtest, 1)}}},
		{-8, "Invalid parameter, duplicated address: " + strings.ToUpper(tapRegtest), []any{none, []any{obj(tapRegtest, 1), obj(strings.ToUpper(tapRegtest), 1)}}},
		{-8, "Invalid parameter, duplicate key: data", []any{none, []any{obj("data", "aa"), obj("data", "bb")}}},
		{-8, "Invalid parameter, duplicate key: data", []any{none, obj("data", "aa", "data", "bb")}},
		{-8, "Invalid parameter, key-value pair must contain exactly one key", []any{none, []any{obj("a", 1, "b", 2)}}},
		{-8, "Invalid parameter, key-value pair must contain exactly one key", []any{none, []any{empty}}},
		{-8, "Invalid parameter, key-value pair not an object as expected", []any{none, []any{[]any{"key-value pair1"}, []any{"2"}}}},
		{-3, "Wrong type passed:\n{\n    \"Position 3 (locktime)\": \"JSON value of type string is not of expected type number\"\n}", []any{none, empty, "foo"}},
		{-8, "Invalid parameter, locktime out of range", []any{none, empty, -1}},
		{-8, "Invalid parameter, locktime out of range", []any{none, empty, 4294967296}},
		{-1, "JSON integer out of range", []any{none, empty, written("1e3")}},
		{-3, "Wrong type passed:\n{\n    \"Position 4 (replaceable)\": \"JSON value of type string is not of expected type bool\"\n}", []any{none, empty, 0, "foo"}},
		{-8, "Invalid parameter combination: Sequence number(s) contradict replaceable option", []any{input("txid", someTxID, "vout", 0, "sequence", 4294967294), empty, 0, true}},
	} {
		n.fails(c.code, c.text, "createrawtransaction", c.args...)
	}
	// Without inputs there is nothing to contradict.
	n.call("createrawtransaction", none, empty, 0, true)
}

// TestBitcoinTxVectors makes and signs what Bitcoin Core's bitcoin-tx makes and
// signs in its tests, as far as the methods can: version 2, no amounts for data.
func TestBitcoinTxVectors(t *testing.T) {
	n := startTestNode(t, nil)
	mainnet := &address.Prefixes{PubKeyHash: 0, ScriptHash: 5, PrivateKey: 128, HRP: "bc"}
	here := func(text string) string {
		pkScript, err := address.Decode(mainnet, text)
		if err != nil {
			t.Fatal(err)
		}
		text, _ = address.Encode(&n.params.Address, pkScript)
		return text
	}
	want := func(file string) string {
		return strings.TrimSpace(string(vectors.Read(t, "bitcoin-core-28.1/test/util/data/"+file)))
	}
	in := func(txid string, vout int, more ...any) jsonrpc.Object {
		return obj(append([]any{"txid", txid, "vout", vout}, more...)...)
	}
	first := in("5897de6bd6027a475eadd57019d4e6872c396d0716c4875a5f1a6fcfdf385c1f", 0)
	second := in("bf829c6bcf84579331337659d31f89dfd138f7f7785802d5501c92333145ca7c", 18)
	third := in("22a6f904655d53ae2ff70e701a0bbd90aa3975c0f40bfc6cc996a9049e31cdfc", 1)
	final := func(o jsonrpc.Object) jsonrpc.Object {
		return append(slices.Clip(o), jsonrpc.Member{Key: "sequence", Value: 4294967295})
	}
	paid := obj(here("13tuJJDR2RgArmgfv6JScSdreahzgc4T6o"), written("0.18"))
	for _, c := range []struct {
		file string
		args []any
	}{
		{"blanktxv2.hex", []any{[]any{}, []any{}}},
		{"txcreate1.hex", []any{[]any{first, second, third}, []any{paid, obj(here("1P8yWvZW8jVihP1bzHeqfE4aoXNX8AVa46"), 4)}, 0, false}},
		{"txcreatedata2.hex", []any{[]any{first}, []any{paid, obj("data", "54686973204f505f52455455524e207472616e73616374696f6e206f7574707574207761732063726561746564206279206d6f646966696564206372656174657261777472616e73616374696f6e2e")}, 0, false}},
		{"txcreatedata_seq0.hex", []any{[]any{in("5897de6bd6027a475eadd57019d4e6872c396d0716c4875a5f1a6fcfdf385c1f", 0, "sequence", 4294967293)}, []any{paid}, 0, false}},
		{"txreplacesingleinput.hex", []any{[]any{first}, []any{}, 0, true}},
		{"txreplace1.hex", []any{[]any{final(first), second, final(third)}, []any{}}},
		{"txreplaceomittedn.hex", []any{[]any{first, second, third}, []any{}, 0, true}},
		{"txreplacenoinputs.hex", []any{[]any{}, []any{}, 0, true}},
	} {
		if got := n.call("createrawtransaction", c.args...).Text; got != want(c.file) {
			t.Errorf("%s: %s, want %s", c.file, got, want(c.file))
		}
	}

	// The output scripts of its multisig cases are those of our addresses.
	keys := []string{
		"02a5613bd857b7048924264d1e70e08fb2a7e6527d32b7ab1bb993ac59964ff397",
		"021ac43c7ff740014c3b33737ede99c967e4764553d1b2b83db77c83b8715fa72d",
		"02df2089105c77f266fa11a9d33f05c735234075f2e8780824c6b709415f9fb485",
	}
	for file, kind := range map[string]string{"txcreatemultisig2.hex": "legacy", "txcreatemultisig3.hex": "bech32", "txcreatemultisig4.hex": "p2sh-segwit"} {
		v := n.call("createmultisig", 2, keys, kind)
		made := n.call("createrawtransaction", []any{}, []any{obj(v.Get("address").Text, 1)}).Text
		if w := want(file); made[2:] != w[2:] { // but for the version
			t.Errorf("%s: %s, want %s", file, made, w)
		}
	}

	// It signs before it adds the output.
	secret := [32]byte{31: 1}
	for _, c := range []struct {
		file, txid, pkScript string
		compressed           bool
	}{
		{"txcreatesignv2.hex", "4d49a71ec9da436f71ec4ee231d04f292a29cd316f598bb7068feccabdc59485", "76a91491b24bf9f5288532960ac687abb035127b1d28a588ac", false},
		{"txcreatesignsegwit1.hex", "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff", "0014751e76e8199196d454941c45d1b3a323f1433bd6", true},
	} {
		raw := n.call("createrawtransaction", []any{in(c.txid, 0)}, []any{}, 0, false).Text
		v := n.call("signrawtransactionwithkey", raw, []string{address.EncodeWIF(&n.params.Address, secret, c.compressed)},
			[]any{in(c.txid, 0, "scriptPubKey", c.pkScript, "amount", 0)}, "ALL")
		made, expected := n.tx(v.Get("hex").Text), n.tx(want(c.file))
		made.Outputs = expected.Outputs
		if got, w := fmt.Sprintf("%x", made.Append(nil)), fmt.Sprintf("%x", expected.Append(nil)); v.Get("complete").Text != "true" || got != w {
			t.Errorf("%s: %s, want %s", c.file, got, w)
		}
	}
}

// tx decodes a transaction into one that can be changed.
func (n *testNode) tx(text string) *wire.Tx {
	n.t.Helper()
	tx, err := decodeTx(text)
	if err != nil {
		n.t.Fatalf("%s: %v", text, err)
	}
	return tx.Clone()
}

// testKey is a private key with its text and its public key.
type testKey struct {
	*sig.PrivateKey
	wif, pub string
}

func (n *testNode) key(number byte) testKey {
	secret := [32]byte{0: 7, 31: number}
	k, ok := sig.NewPrivateKey(&secret)
	if !ok {
		n.t.Fatal(number)
	}
	return testKey{k, address.EncodeWIF(&n.params.Address, secret, true), hex.EncodeToString(k.PubKey(true))}
}

// funded is a node whose chain pays a coin each to some scripts.
type funded struct {
	*testNode
	tx *wire.Tx
}

const fundedAmount = 100_000_000

func fund(t *testing.T, pkScripts ...[]byte) funded {
	n := startTestNode(t, nil)
	c := chaingen.New(n.params)
	c.MineN(101)
	var outs []wire.TxOut
	for _, s := range pkScripts {
		outs = append(outs, wire.TxOut{Value: fundedAmount / 10, PkScript: s})
	}
	tx := c.Spend(c.Mature()[:1], outs...)
	c.Mine(tx)
	n.clock.SetMock(int64(c.Tip().Header.Time))
	for _, b := range c.Blocks() {
		if b.Hash() != n.params.GenesisHash {
			n.submit(b)
		}
	}
	return funded{n, tx}
}

// input is an output of the funding transaction as an input; more are further
// members.
func (f *funded) input(vout int, more ...any) jsonrpc.Object {
	return obj(append([]any{"txid", f.tx.TxID().String(), "vout", vout}, more...)...)
}

// prev is the output with its script.
func (f *funded) prev(vout int, more ...any) jsonrpc.Object {
	return f.input(vout, append([]any{"scriptPubKey", hex.EncodeToString(f.tx.Outputs[vout].PkScript)}, more...)...)
}

// spend is a transaction, not signed, that spends some of the outputs.
func (f *funded) spend(vouts ...int) string {
	var ins []any
	for _, v := range vouts {
		ins = append(ins, f.input(v))
	}
	return f.call("createrawtransaction", ins, obj(regtestAddress, written("0.05"))).Text
}

// mines reports an error unless a block takes the transaction.
func (f *funded) mines(what, raw string) {
	f.t.Helper()
	if v, err := f.Call(f.t.Context(), "generateblock", regtestAddress, []string{raw}, false); err != nil || v.Get("hex").IsNull() {
		f.t.Errorf("%s: %v", what, err)
	}
}

// TestSignRawTransaction signs for outputs of the chain that need no scripts:
// those whose keys are given, with each hash type, into a block.
func TestSignRawTransaction(t *testing.T) {
	n := startTestNode(t, nil)
	a, b := n.key(1), n.key(2)
	pubKey, keyHash := a.PubKey(true), script.Hash160(a.PubKey(true))
	x := a.XOnly()
	witness := new(script.Builder).Op(script.Op0).Data(keyHash[:]).Script()
	f := fund(t,
		new(script.Builder).Data(pubKey).Op(script.OpCheckSig).Script(),
		new(script.Builder).Op(script.OpDup).Op(script.OpHash160).Data(keyHash[:]).Op(script.OpEqualVerify).Op(script.OpCheckSig).Script(),
		witness,
		new(script.Builder).Op(script.Op1).Data(x[:]).Script(),
		new(script.Builder).Int(2).Data(pubKey).Data(b.PubKey(true)).Int(2).Op(script.OpCheckMultisig).Script(),
		payToScriptHash(witness),
		[]byte{0x51, 0x02, 0x4e, 0x73}, // anybody's
	)
	nested := f.prev(5, "redeemScript", hex.EncodeToString(witness), "amount", written("0.1"))
	all := f.spend(0, 1, 2, 3, 4, 5, 6)
	for _, hashType := range []any{nil, "DEFAULT", "ALL", "NONE", "ALL|ANYONECANPAY", "NONE|ANYONECANPAY"} {
		v := f.call("signrawtransactionwithkey", all, []string{a.wif, b.wif}, []any{nested}, hashType)
		if v.Get("complete").Text != "true" || v.Len() != 2 {
			t.Errorf("%v: %s", hashType, jsonrpc.Append(nil, v))
		}
		f.mines(fmt.Sprint(hashType), v.Get("hex").Text)
		want := map[any]byte{nil: 1, "DEFAULT": 1, "ALL": 1, "NONE": 2, "ALL|ANYONECANPAY": 0x81, "NONE|ANYONECANPAY": 0x82}[hashType]
		in := f.testNode.tx(v.Get("hex").Text).Inputs
		if s := in[2].Witness[0]; s[len(s)-1] != want {
			t.Errorf("%v: hash type %x", hashType, s[len(s)-1])
		}
		if s := in[3].Witness[0]; len(s) == 64 != (hashType == nil || hashType == "DEFAULT") {
			t.Errorf("%v: %d bytes for taproot", hashType, len(s))
		}
	}
	// One output is enough for the first input alone.
	for _, hashType := range []string{"SINGLE", "SINGLE|ANYONECANPAY"} {
		v := f.call("signrawtransactionwithkey", f.spend(2), []string{a.wif}, nil, hashType)
		if v.Get("complete").Text != "true" {
			t.Errorf("%s: %s", hashType, jsonrpc.Append(nil, v))
		}
		f.mines(hashType, v.Get("hex").Text)
		v = f.call("signrawtransactionwithkey", f.spend(2, 1), []string{a.wif}, nil, hashType)
		if got := v.Get("errors"); got.Len() != 1 || got.At(0).Get("error").Text != "Unable to sign input, invalid stack size (possibly missing key)" || got.At(0).Get("vout").Text != "1" {
			t.Errorf("%s: %s", hashType, jsonrpc.Append(nil, v))
		}
	}

	// Without keys there is an error for each but the one that needs none. Only
	// the multisig input changes: it has the room for the signatures.
	v := f.call("signrawtransactionwithkey", all, []string{})
	if v.Get("complete").Text != "false" || v.Get("hex").Text != strings.Replace(all, "0400000000fdffffff", "0400000003000000fdffffff", 1) {
		t.Errorf("%s", jsonrpc.Append(nil, v))
	}
	wrong := map[string]string{}
	for i := range v.Get("errors").Len() {
		e := v.Get("errors").At(i)
		wrong[e.Get("vout").Text] = e.Get("error").Text
	}
	const stack = "Unable to sign input, invalid stack size (possibly missing key)"
	if want := map[string]string{"0": stack, "1": stack, "2": "Witness program hash mismatch", "3": "Witness program was passed an empty witness",
		"4": "Script evaluated without error but finished with a false/empty top stack element", "5": stack}; fmt.Sprint(wrong) != fmt.Sprint(want) {
		t.Errorf("%v, want %v", wrong, want)
	}

	// With one of two keys the multisig is half signed; what is there is kept.
	half := f.call("signrawtransactionwithkey", f.spend(4), []string{a.wif}).Get("hex").Text
	v = f.call("signrawtransactionwithkey", f.spend(4), []string{a.wif})
	e := v.Get("errors").At(0)
	if e.Get("error").Text != "CHECK(MULTI)SIG failing with non-zero signature (possibly need more signatures)" || e.Get("scriptSig").Text == "" ||
		e.Get("witness").Len() != 0 || e.Get("txid").Text != f.tx.TxID().String() || e.Get("sequence").Text != "4294967293" {
		t.Errorf("%s", jsonrpc.Append(nil, v))
	}
	v = f.call("signrawtransactionwithkey", half, []string{b.wif})
	if v.Get("complete").Text != "true" {
		t.Errorf("%s", jsonrpc.Append(nil, v))
	}
	f.mines("the second signature", v.Get("hex").Text)

	// A coin that nobody knows.
	raw := f.call("createrawtransaction", []any{f.input(2), obj("txid", someTxID, "vout", 3)}, []any{}).Text
	v = f.call("signrawtransactionwithkey", raw, []string{a.wif})
	if got := v.Get("errors"); got.Len() != 1 || got.At(0).Get("error").Text != "Input not found or already spent" || got.At(0).Get("txid").Text != someTxID {
		t.Errorf("%s", jsonrpc.Append(nil, v))
	}
	if len(f.testNode.tx(v.Get("hex").Text).Inputs[0].Witness) != 2 {
		t.Error("the other input is not signed")
	}
	// A coin that is spent by now.
	spent := f.call("signrawtransactionwithkey", f.spend(2), []string{a.wif}).Get("hex").Text
	f.call("generateblock", regtestAddress, []string{spent})
	v = f.call("signrawtransactionwithkey", spent, []string{a.wif})
	if got := v.Get("errors"); got.Len() != 1 || got.At(0).Get("error").Text != "Input not found or already spent" || got.At(0).Get("witness").Len() != 2 {
		t.Errorf("%s", jsonrpc.Append(nil, v))
	}
}

// TestSignMultisig is the way of Bitcoin Core's rpc_createmultisig test: an
// address of some keys is paid, its owners sign one after the other, and what
// they made is put together.
func TestSignMultisig(t *testing.T) {
	maker := startTestNode(t, nil)
	for _, c := range []struct{ m, n int }{{2, 3}, {3, 3}, {10, 15}, {16, 20}} {
		var wifs, pubs []string
		for i := range c.n {
			k := maker.key(byte(i))
			wifs, pubs = append(wifs, k.wif), append(pubs, k.pub)
		}
		var made []jsonrpc.Value
		var scripts [][]byte
		for _, kind := range []string{"legacy", "p2sh-segwit", "bech32"} {
			if c.n > 15 && kind == "legacy" {
				maker.fails(-8, "redeemScript exceeds size limit: 684 > 520", "createmultisig", c.m, pubs, kind)
				continue
			}
			v := maker.call("createmultisig", c.m, pubs, kind)
			pkScript, err := address.Decode(&maker.params.Address, v.Get("address").Text)
			if err != nil {
				t.Fatal(err)
			}
			made, scripts = append(made, v), append(scripts, pkScript)
		}
		f := fund(t, scripts...)
		for i := range made {
			what := fmt.Sprintf("%d of %d, %s", c.m, c.n, made[i].Get("address").Text)
			redeem := made[i].Get("redeemScript").Text
			raw := f.spend(i)
			prev := func(more ...any) []any { return []any{f.prev(i, append([]any{"amount", written("0.1")}, more...)...)} }
			good := prev("redeemScript", redeem)
			first, last := wifs[:c.m-1], wifs[c.n-1:]

			f.fails(-8, "Missing redeemScript/witnessScript", "signrawtransactionwithkey", raw, first, prev())
			f.fails(-8, "redeemScript does not correspond to witnessScript", "signrawtransactionwithkey", raw, first, prev("witnessScript", redeem, "redeemScript", "6a"))
			f.fails(-8, "redeemScript/witnessScript does not match scriptPubKey", "signrawtransactionwithkey", raw, first, prev("redeemScript", "6a"))
			f.fails(-8, "redeemScript/witnessScript does not match scriptPubKey", "signrawtransactionwithkey", raw, first, prev("witnessScript", "6a"))
			parts := map[string]bool{}
			for _, p := range [][]any{good, prev("witnessScript", redeem), prev("redeemScript", redeem, "witnessScript", redeem)} {
				v := f.call("signrawtransactionwithkey", raw, first, p)
				if v.Get("complete").Text != "false" {
					t.Errorf("%s: complete with %d keys", what, len(first))
				}
				parts[v.Get("hex").Text] = true
			}
			if len(parts) != 1 {
				t.Errorf("%s: which name the script has makes a difference", what)
			}
			a := f.call("signrawtransactionwithkey", raw, first, good).Get("hex").Text
			b := f.call("signrawtransactionwithkey", raw, last, good).Get("hex").Text
			if got := f.call("combinerawtransaction", []string{a, a}).Text; got != a {
				t.Errorf("%s: with itself it is %s, want %s", what, got, a)
			}
			both := f.call("combinerawtransaction", []string{a, b}).Text
			f.mines(what, both)
			if got := f.call("combinerawtransaction", []string{b, a}).Text; got != both {
				t.Errorf("%s: the other way round it is %s, want %s", what, got, both)
			}
			if got := f.call("combinerawtransaction", []string{raw, both, a}).Text; got != both {
				t.Errorf("%s: with the whole it is %s, want %s", what, got, both)
			}
			if got := f.call("combinerawtransaction", []string{raw}).Text; f.call("signrawtransactionwithkey", got, last, good).Get("hex").Text != b {
				t.Errorf("%s: nothing combined is %s", what, got)
			}
			v := f.call("signrawtransactionwithkey", a, last, good)
			if v.Get("complete").Text != "true" || v.Get("hex").Text != both {
				t.Errorf("%s: one after the other: %s", what, jsonrpc.Append(nil, v))
			}
		}
	}
}

// TestSignWitnessScripts: P2PK and P2PKH behind a witness script hash behind a
// script hash.
func TestSignWitnessScripts(t *testing.T) {
	n := startTestNode(t, nil)
	k := n.key(1)
	hash := script.Hash160(k.PubKey(true))
	for _, code := range [][]byte{
		new(script.Builder).Data(k.PubKey(true)).Op(script.OpCheckSig).Script(),
		new(script.Builder).Op(script.OpDup).Op(script.OpHash160).Data(hash[:]).Op(script.OpEqualVerify).Op(script.OpCheckSig).Script(),
	} {
		redeem := payToWitnessScriptHash(code)
		f := fund(t, payToScriptHash(redeem))
		v := f.call("signrawtransactionwithkey", f.spend(0), []string{k.wif}, []any{
			f.prev(0, "amount", written("0.1"), "redeemScript", hex.EncodeToString(redeem), "witnessScript", hex.EncodeToString(code))})
		if v.Get("complete").Text != "true" {
			t.Errorf("%s", jsonrpc.Append(nil, v))
		}
		f.mines("behind two hashes", v.Get("hex").Text)
	}
}

// TestSignCombineTaproot: a signature for a taproot input gets through.
func TestSignCombineTaproot(t *testing.T) {
	n := startTestNode(t, nil)
	a, b := n.key(1), n.key(2)
	ax, bx := a.XOnly(), b.XOnly()
	f := fund(t, new(script.Builder).Op(script.Op1).Data(ax[:]).Script(), new(script.Builder).Op(script.Op1).Data(bx[:]).Script())
	raw := f.spend(0, 1)
	left := f.call("signrawtransactionwithkey", raw, []string{a.wif}).Get("hex").Text
	right := f.call("signrawtransactionwithkey", raw, []string{b.wif}).Get("hex").Text
	f.mines("taproot", f.call("combinerawtransaction", []string{left, right}).Text)
}

// TestSignUnconfirmed signs for outputs of the pool, and for one of the chain
// that the pool spends.
func TestSignUnconfirmed(t *testing.T) {
	n := startTestNode(t, nil)
	k := n.key(1)
	hash := script.Hash160(k.PubKey(true))
	pkScript := new(script.Builder).Op(script.Op0).Data(hash[:]).Script()
	to, _ := address.Encode(&n.params.Address, pkScript)
	f := fund(t, pkScript)
	signed := func(inputs []any, amount string) string {
		raw := f.call("createrawtransaction", inputs, obj(to, written(amount))).Text
		v := f.call("signrawtransactionwithkey", raw, []string{k.wif})
		if v.Get("complete").Text != "true" {
			t.Fatalf("%s", jsonrpc.Append(nil, v))
		}
		if got := f.call("combinerawtransaction", []string{raw, v.Get("hex").Text}).Text; got != v.Get("hex").Text {
			t.Errorf("combined: %s, want %s", got, v.Get("hex").Text)
		}
		return v.Get("hex").Text
	}
	parent := f.call("sendrawtransaction", signed([]any{f.input(0)}, "0.0999")).Text
	child := f.call("sendrawtransaction", signed([]any{obj("txid", parent, "vout", 0)}, "0.0998")).Text
	if got := f.text("getrawmempool"); !strings.Contains(got, parent) || !strings.Contains(got, child) {
		t.Errorf("the pool has %s", got)
	}
	// A replacement of both.
	other := f.call("sendrawtransaction", signed([]any{f.input(0)}, "0.09")).Text
	if got := f.text("getrawmempool"); got != `["`+other+`"]` {
		t.Errorf("the pool has %s, want %s", got, other)
	}
	// An output that the parent does not have, and one of nothing.
	for _, op := range []jsonrpc.Object{obj("txid", other, "vout", 1), obj("txid", parent, "vout", 0)} {
		raw := f.call("createrawtransaction", []any{op}, []any{}).Text
		v := f.call("signrawtransactionwithkey", raw, []string{k.wif})
		if got := v.Get("errors").At(0).Get("error").Text; got != "Input not found or already spent" {
			t.Errorf("%s", jsonrpc.Append(nil, v))
		}
	}
}

func TestSignRawTransactionErrors(t *testing.T) {
	n := startTestNode(t, nil)
	k := n.key(1)
	hash := script.Hash160(k.PubKey(true))
	witness := new(script.Builder).Op(script.Op0).Data(hash[:]).Script()
	keyScript := new(script.Builder).Op(script.OpDup).Op(script.OpHash160).Data(hash[:]).Op(script.OpEqualVerify).Op(script.OpCheckSig).Script()
	f := fund(t, witness)
	raw := f.spend(0)
	good, wifs := hex.EncodeToString(witness), []string{k.wif}
	nested := hex.EncodeToString(payToScriptHash(witness))
	given := func(list ...any) []any { return []any{obj(list...)} }
	empty := f.call("createrawtransaction", []any{}, []any{}).Text

	const decode = "TX decode failed. Make sure the tx has at least one input."
	for _, c := range []struct {
		code jsonrpc.Code
		text string
		args []any
	}{
		{-1, `signrawtransactionwithkey "hexstring" ["privatekey",...] ( [{"txid":"hex","vout":n,"scriptPubKey":"hex","redeemScript":"hex","witnessScript":"hex","amount":amount},...] "sighashtype" )` + "\n\n", nil},
		{-1, "signrawtransactionwithkey ", []any{raw}},
		{-1, "signrawtransactionwithkey ", []any{raw, wifs, []any{}, "ALL", 1}},
		{-3, "Wrong type passed:\n{\n    \"Position 1 (hexstring)\"", []any{1, wifs}},
		{-3, "Position 2 (privkeys)", []any{raw, k.wif}},
		{-3, "Position 3 (prevtxs)", []any{raw, wifs, obj("txid", someTxID)}},
		{-3, "Position 4 (sighashtype)", []any{raw, wifs, nil, 1}},
		{-22, decode, []any{raw + "00", wifs}},
		{-22, decode, []any{"", wifs}},
		{-22, decode, []any{"xx", wifs}},
		{-22, decode, []any{n.outputOnly(), wifs}},
		{-5, "Invalid private key", []any{raw, []string{"123"}}},
		{-5, "Invalid private key", []any{raw, []string{k.wif, "5HpHagT65TZzG1PH3CSu63k8DbpvD8s5ip4nEB3kEsreAnchuDf"}}},
		{-3, "JSON value of type number is not of expected type string", []any{raw, []any{7}}},
		{-8, "'all' is not a valid sighash parameter.", []any{raw, wifs, nil, "all"}},
		{-8, "'' is not a valid sighash parameter.", []any{raw, wifs, nil, ""}},
		{-8, "'ALL|NONE' is not a valid sighash parameter.", []any{raw, wifs, nil, "ALL|NONE"}},
		{-22, `expected object with {"txid'","vout","scriptPubKey"}`, []any{raw, wifs, []any{"foo"}}},
		{-3, "Missing scriptPubKey", []any{raw, wifs, given("txid", someTxID, "vout", 3, "amount", 1)}},
		{-3, "Missing txid", []any{raw, wifs, given("scriptPubKey", good, "vout", 3, "amount", 1)}},
		{-3, "Missing vout", []any{raw, wifs, given("txid", someTxID, "scriptPubKey", good, "amount", 1)}},
		{-3, "JSON value of type number for field txid is not of expected type string", []any{raw, wifs, given("txid", 3, "vout", 3, "scriptPubKey", good)}},
		{-3, "JSON value of type string for field vout is not of expected type number", []any{raw, wifs, given("txid", someTxID, "vout", "3", "scriptPubKey", good)}},
		{-8, "txid must be of length 64 (not 3, for 'foo')", []any{raw, wifs, given("txid", "foo", "vout", 3, "scriptPubKey", good)}},
		{-1, "JSON integer out of range", []any{raw, wifs, given("txid", someTxID, "vout", 4294967295, "scriptPubKey", good)}},
		{-22, "vout cannot be negative", []any{raw, wifs, given("txid", someTxID, "vout", -1, "scriptPubKey", good)}},
		{-8, "scriptPubKey must be hexadecimal string (not 'zz')", []any{raw, wifs, given("txid", someTxID, "vout", 3, "scriptPubKey", "zz")}},
		{-3, "Invalid amount", []any{raw, wifs, given("txid", someTxID, "vout", 3, "scriptPubKey", good, "amount", "x")}},
		{-3, "Amount out of range", []any{raw, wifs, given("txid", someTxID, "vout", 3, "scriptPubKey", good, "amount", -1)}},
		{-3, "Amount is not a number or string", []any{raw, wifs, given("txid", someTxID, "vout", 3, "scriptPubKey", good, "amount", nil)}},
		{-22, "Previous output scriptPubKey mismatch:\n0 " + good[4:] + "\nvs:\n1", []any{raw, wifs, []any{f.input(0, "scriptPubKey", "51")}}},
		{-22, "Previous output scriptPubKey mismatch:\n1\nvs:\n2", []any{raw, wifs, append(given("txid", someTxID, "vout", 3, "scriptPubKey", "51"), given("txid", someTxID, "vout", 3, "scriptPubKey", "52")...)}},
		{-8, "Missing redeemScript/witnessScript", []any{raw, wifs, given("txid", someTxID, "vout", 3, "scriptPubKey", nested)}},
		{-3, "JSON value of type number for field redeemScript is not of expected type string", []any{raw, wifs, given("txid", someTxID, "vout", 3, "scriptPubKey", nested, "redeemScript", 1)}},
		{-8, "redeemScript must be hexadecimal string (not 'zz')", []any{raw, wifs, given("txid", someTxID, "vout", 3, "scriptPubKey", nested, "redeemScript", "zz")}},
		{-8, "witnessScript must be hexadecimal string (not '')", []any{raw, wifs, given("txid", someTxID, "vout", 3, "scriptPubKey", nested, "witnessScript", "")}},
		{-3, "Missing amount for CTxOut(nValue=21000000.00000000, scriptPubKey=" + good[:30] + ")", []any{raw, wifs, []any{f.prev(0)}}},
	} {
		f.fails(c.code, c.text, "signrawtransactionwithkey", c.args...)
	}

	// A transaction that spends nothing spends all that it spends.
	f.fails(-22, decode, "signrawtransactionwithkey", empty+"00", wifs)

	// A legacy output can do without its amount, in the place of one of the chain.
	txid := obj("txid", someTxID, "vout", 3)
	legacy := f.call("createrawtransaction", []any{txid}, []any{}).Text
	v := f.call("signrawtransactionwithkey", legacy, wifs, given("txid", someTxID, "vout", 3, "scriptPubKey", hex.EncodeToString(keyScript)))
	if v.Get("complete").Text != "true" {
		t.Errorf("%s", jsonrpc.Append(nil, v))
	}
	// A wrong amount gives a signature that the chain does not take.
	v = f.call("signrawtransactionwithkey", raw, wifs, []any{f.prev(0, "amount", 1)})
	if v.Get("complete").Text != "true" {
		t.Errorf("%s", jsonrpc.Append(nil, v))
	}
	f.fails(-25, "testBlockValidity failed: mandatory-script-verify-flag-failed", "generateblock", regtestAddress, []string{v.Get("hex").Text}, false)
}

// outputOnly is a transaction without inputs and with an output, which reads as
// none in the form with witnesses.
func (n *testNode) outputOnly() string {
	return n.call("createrawtransaction", []any{}, obj(regtestAddress, 1)).Text
}

func TestCombineRawTransactionErrors(t *testing.T) {
	f := fund(t, []byte{byte(script.Op1)})
	raw := f.spend(0)
	f.fails(-1, `combinerawtransaction ["hexstring",...]`+"\n\n", "combinerawtransaction")
	f.fails(-3, "Position 1 (txs)", "combinerawtransaction", raw)
	f.fails(-3, "JSON value of type number is not of expected type string", "combinerawtransaction", []any{1})
	f.fails(-22, "TX decode failed for tx 1. Make sure the tx has at least one input.", "combinerawtransaction", []string{raw, raw + "00"})
	f.fails(-22, "Missing transactions", "combinerawtransaction", []string{})
	unknown := f.call("createrawtransaction", []any{obj("txid", someTxID, "vout", 3)}, []any{}).Text
	f.fails(-25, "Input not found or already spent", "combinerawtransaction", []string{unknown, unknown})
	// The copies may have more or fewer inputs than the first one, which counts.
	more := f.testNode.tx(raw)
	more.Inputs = append(more.Inputs, wire.TxIn{})
	if got := f.call("combinerawtransaction", []string{raw, hex.EncodeToString(more.Append(nil))}).Text; got != raw {
		t.Errorf("%s, want %s", got, raw)
	}
}

func TestCreateMultisig(t *testing.T) {
	n := startTestNode(t, nil)
	var pubs []string
	for i := range 21 {
		pubs = append(pubs, n.key(byte(i)).pub)
	}
	long := hex.EncodeToString(n.key(2).PubKey(false))
	hybrid := "06" + long[2:]
	if last := n.key(2).PubKey(true)[0]; last == 3 {
		hybrid = "07" + long[2:]
	}
	const warning = "Unable to make chosen address type, please ensure no uncompressed public keys are present."

	for _, c := range []struct {
		kind, desc string
	}{{"legacy", "sh(%s)"}, {"p2sh-segwit", "sh(wsh(%s))"}, {"bech32", "wsh(%s)"}} {
		v := n.call("createmultisig", 2, pubs[:3], c.kind)
		want := fmt.Sprintf(c.desc, "multi(2,"+strings.Join(pubs[:3], ",")+")")
		if got, _, _ := strings.Cut(v.Get("descriptor").Text, "#"); got != want {
			t.Errorf("%s: %s, want %s", c.kind, got, want)
		}
		if got := v.Get("redeemScript").Text; got != "5221"+strings.Join(pubs[:3], "21")+"53ae" {
			t.Errorf("%s: %s", c.kind, got)
		}
		if v.Len() != 3 {
			t.Errorf("%s: %s", c.kind, jsonrpc.Append(nil, v))
		}
	}
	// All numbers of keys, in scripts that a witness program can stand for.
	for i := 1; i <= 20; i++ {
		same := slices.Repeat(pubs[:1], i)
		count := fmt.Sprintf("%x", 0x50+i)
		if i > 16 {
			count = fmt.Sprintf("01%x", i)
		}
		if got := n.call("createmultisig", i, same, "bech32").Get("redeemScript").Text; got != count+strings.Repeat("21"+pubs[0], i)+count+"ae" {
			t.Errorf("%d keys: %s", i, got)
		}
	}
	// A key that is not compressed makes it a legacy address.
	legacy := n.call("createmultisig", 2, []string{pubs[0], long, pubs[1]})
	if !legacy.Get("warnings").IsNull() {
		t.Errorf("%s", jsonrpc.Append(nil, legacy))
	}
	for _, kind := range []string{"p2sh-segwit", "bech32"} {
		v := n.call("createmultisig", 2, []string{pubs[0], long, pubs[1]}, kind)
		if v.Get("address").Text != legacy.Get("address").Text || v.Get("descriptor").Text != legacy.Get("descriptor").Text ||
			v.Get("warnings").Len() != 1 || v.Get("warnings").At(0).Text != warning {
			t.Errorf("%s: %s", kind, jsonrpc.Append(nil, v))
		}
	}
	// No descriptor has a hybrid key.
	v := n.call("createmultisig", 1, []string{hybrid})
	if !strings.HasPrefix(v.Get("descriptor").Text, "addr("+v.Get("address").Text+")#") || v.Get("warnings").Len() != 1 {
		t.Errorf("%s", jsonrpc.Append(nil, v))
	}

	three := pubs[:3]
	for _, c := range []struct {
		code jsonrpc.Code
		text string
		args []any
	}{
		{-1, `createmultisig nrequired ["key",...] ( "address_type" )` + "\n\n", nil},
		{-3, "Position 1 (nrequired)", []any{"2", three}},
		{-3, "JSON value of type number is not of expected type string", []any{2, []any{1}}},
		{-1, "JSON integer out of range", []any{written("1.5"), three}},
		{-5, "createmultisig cannot create bech32m multisig addresses", []any{2, pubs, "bech32m"}},
		{-5, "Unknown address type 'foo'", []any{2, three, "foo"}},
		{-8, "Number of keys involved in the multisignature address creation > 20\nReduce the number", []any{16, pubs, "p2sh-segwit"}},
		{-8, "redeemScript exceeds size limit: 684 > 520", []any{16, pubs[:20], "legacy"}},
		{-8, "a multisignature address must require at least one key to redeem", []any{0, three}},
		{-8, "a multisignature address must require at least one key to redeem", []any{-1, three}},
		{-8, "not enough keys supplied (got 3 keys, but need at least 4 to redeem)", []any{4, three}},
		{-8, "not enough keys supplied (got 0 keys, but need at least 1 to redeem)", []any{1, []string{}}},
		{-5, `Pubkey "xx" must be a hex string`, []any{1, []string{"xx"}}},
		{-5, `Pubkey "" must be a hex string`, []any{1, []string{""}}},
		{-5, `Pubkey "01020304" must have a length of either 33 or 65 bytes`, []any{1, []string{"01020304"}}},
		{-5, `Pubkey "05` + pubs[0][2:] + `" must be cryptographically valid.`, []any{1, []string{"05" + pubs[0][2:]}}},
		{-5, `Pubkey "04` + long[2:128] + `00" must be cryptographically valid.`, []any{1, []string{"04" + long[2:128] + "00"}}},
	} {
		n.fails(c.code, c.text, "createmultisig", c.args...)
	}
}

// TestSignMessage is Bitcoin Core's rpc_signmessagewithprivkey test.
func TestSignMessage(t *testing.T) {
	n := startTestNode(t, nil)
	const (
		wif       = "cUeKHd5orzT3mz8P9pxyREHfsWtVfgsfDjiZZBcjUBAaGk1BTj7N"
		owner     = "mpLQjfK79b7CCV4VMJWEWAj5Mpx8Up5zxB"
		message   = "This is just a test message"
		signature = "INbVnW4e6PeRmsv2Qgu8NuopvrVjkcxob+sX8OcZG0SALhWybUjzMLPdAsXI46YZGb0KQTRii+wWIQzRpG/U+S0="
	)
	if got := n.call("signmessagewithprivkey", wif, message).Text; got != signature {
		t.Errorf("%s, want %s", got, signature)
	}
	for _, c := range []struct{ address, signature, message, want string }{
		{owner, signature, message, "true"},
		{owner, signature, message + "!", "false"},
		{keyAddress, signature, message, "false"},
		{owner, "J" + signature[1:], message, "false"},
		{owner, signature[:84], message, "false"},
		{owner, "", message, "false"},
	} {
		if got := n.text("verifymessage", c.address, c.signature, c.message); got != c.want {
			t.Errorf("%v: %s", c, got)
		}
	}
	for _, other := range []string{scriptAddress, regtestAddress, tapRegtest} {
		n.fails(-3, "Address does not refer to key", "verifymessage", other, signature, message)
	}
	for _, count := range []int{0, 1, 3, 4, 5} {
		n.fails(-1, "signmessagewithprivkey \"privkey\" \"message\"\n\nSign a message with the private key of an address", "signmessagewithprivkey", slices.Repeat([]any{"dummy"}, count)...)
	}
	for _, count := range []int{0, 1, 2, 4, 5} {
		n.fails(-1, "verifymessage \"address\" \"signature\" \"message\"\n\nVerify a signed message.", "verifymessage", slices.Repeat([]any{"dummy"}, count)...)
	}
	n.fails(-5, "Invalid private key", "signmessagewithprivkey", "invalid_key", message)
	n.fails(-5, "Invalid address", "verifymessage", "invalid_addr", signature, message)
	n.fails(-3, "Malformed base64 encoding", "verifymessage", owner, "invalid_sig", message)
	n.fails(-3, "Malformed base64 encoding", "verifymessage", owner, signature+"\n", message)
	n.fails(-3, "Position 2 (message)", "signmessagewithprivkey", wif, 1)
}
