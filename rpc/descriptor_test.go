package rpc

import (
	"fmt"
	"strings"
	"testing"

	"github.com/keelson-chain/keelson/internal/vectors"
	"github.com/keelson-chain/keelson/rpc/jsonrpc"
	"github.com/keelson-chain/keelson/script/descriptor"
)

// One extended key, private and public.
const (
	tprv = "tprv8ZgxMBicQKsPd7Uf69XL1XwhmjHopUGep8GuEiJDZmbQz6o58LninorQAfcKZWARbtRtfnLcJ5MQ2AtHcQJCCRUcMRvmDUjyEmNUWwx8UbK"
	tpub = "tpubD6NzVbkrYhZ4WaWSyoBvQwbpLkojyoTZPRsgXELWz3Popb3qkjcJyJUGLnL4qHHoQvao8ESaAstxYSnhyswJ76uZPStJRJCTKvosUCJZL5B"
)

// summed is a descriptor with its checksum.
func summed(t testing.TB, text string) string {
	t.Helper()
	sum, err := descriptor.Checksum(text)
	if err != nil {
		t.Fatal(err)
	}
	return text + "#" + sum
}

func TestGetDescriptorInfo(t *testing.T) {
	n := startTestNode(t, nil)
	const key = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
	for _, c := range []struct {
		desc, canonical               string // canonical: the same if empty
		ranged, unsolvable, isPrivate bool
	}{
		{desc: "pk(" + key + ")"},
		{desc: "pkh(" + strings.ToUpper(key) + ")", canonical: "pkh(" + key + ")"},
		{desc: "combo(" + key + ")"},
		{desc: "sh(wsh(pkh(" + key + ")))"},
		{desc: "wsh(multi(1," + key + "," + tpub + "/1/0/*))", ranged: true},
		{desc: "pkh([d34db33f/44'/0'/0']" + tpub + "/1/*)", ranged: true},
		{desc: "pkh([D34DB33F/44h/0'/0h]" + tpub + "/1/*h)", canonical: "pkh([d34db33f/44h/0h/0h]" + tpub + "/1/*h)", ranged: true},
		{desc: "wpkh(" + tprv + "/1/1/0)", canonical: "wpkh(" + tpub + "/1/1/0)", isPrivate: true},
		{desc: "tr(" + tprv + "/86h/1h/0h/0/*,{pk(" + tpub + "/*),multi_a(1," + key + ")})", canonical: "tr(" + tpub + "/86h/1h/0h/0/*,{pk(" + tpub + "/*),multi_a(1," + key + ")})", ranged: true, isPrivate: true},
		{desc: "rawtr(" + key[2:] + ")"},
		{desc: "wsh(and_v(v:pk(" + key + "),older(144)))"},
		{desc: "raw(51)", unsolvable: true},
		{desc: "addr(" + strings.ToUpper(regtestAddress) + ")", canonical: "addr(" + regtestAddress + ")", unsolvable: true},
	} {
		canonical := c.canonical
		if canonical == "" {
			canonical = c.desc
		}
		sum, err := descriptor.Checksum(c.desc)
		if err != nil {
			t.Fatal(err)
		}
		want := fmt.Sprintf(`{"descriptor":"%s","checksum":"%s","isrange":%v,"issolvable":%v,"hasprivatekeys":%v}`,
			summed(t, canonical), sum, c.ranged, !c.unsolvable, c.isPrivate)
		for _, text := range []string{c.desc, c.desc + "#" + sum} {
			if got := n.text("getdescriptorinfo", text); got != want {
				t.Errorf("%s:\n got %s\nwant %s", text, got, want)
			}
		}
	}
	v, err := n.CallParams(t.Context(), "getdescriptorinfo", jsonrpc.Object{{Key: "descriptor", Value: "raw(51)"}})
	if err != nil || v.Get("checksum").Text != "8lvh9jxk" {
		t.Errorf("named: %s, %v", jsonrpc.Append(nil, v), err)
	}
	n.fails(-1, "getdescriptorinfo \"descriptor\"\n\n", "getdescriptorinfo")
	n.fails(-3, "Wrong type passed:\n{\n    \"Position 1 (descriptor)\": \"JSON value of type number is not of expected type string\"\n}", "getdescriptorinfo", 1)
	n.fails(-5, "'' is not a valid descriptor function", "getdescriptorinfo", "")
	n.fails(-5, "pk(): Pubkey '02' is invalid", "getdescriptorinfo", "pk(02)")
	n.fails(-5, "Provided checksum 'aaaaaaaa' does not match computed checksum '8lvh9jxk'", "getdescriptorinfo", "raw(51)#aaaaaaaa")
	n.fails(-5, "pk(): key 'xpub661MyMwAqRbcFW31YEwpkMuc5THy2PSt5bDMsktWQcFF8syAmRUapSCGu8ED9W6oDMSgv6Zz8idoc4a6mr8BDzTJY47LJhkJ8UB7WEGuduB' is not valid",
		"getdescriptorinfo", "pk(xpub661MyMwAqRbcFW31YEwpkMuc5THy2PSt5bDMsktWQcFF8syAmRUapSCGu8ED9W6oDMSgv6Zz8idoc4a6mr8BDzTJY47LJhkJ8UB7WEGuduB)") // of another network
}

// TestDeriveAddresses has the cases of Bitcoin Core's rpc_deriveaddresses.py.
func TestDeriveAddresses(t *testing.T) {
	n := startTestNode(t, nil)
	const (
		first  = "bcrt1qjqmxmkpmxt80xz4y3746zgt0q3u3ferr34acd5"
		second = "bcrt1qhku5rq7jz8ulufe2y6fkcpnlvpsta7rq4442dy"
		third  = "bcrt1qpgptk2gvshyl0s9lqshsmx932l9ccsv265tvaq"
		last   = "bcrt1qtzs23vgzpreks5gtygwxf8tv5rldxvvsyfpdkg"
	)
	ranged := summed(t, "wpkh("+tprv+"/1/1/*)")
	if ranged[len(ranged)-8:] != "kft60nuy" {
		t.Errorf("checksum of %s", ranged)
	}
	for _, c := range []struct {
		want []string
		args []any
	}{
		{[]string{first}, []any{"wpkh(" + tprv + "/1/1/0)#t6wfjs64"}},
		{[]string{first}, []any{"wpkh(" + tpub + "/1/1/0)#s9ga3alw"}},
		{[]string{second, third}, []any{ranged, []any{1, 2}}},
		{[]string{first, second, third}, []any{ranged, 2}},
		{[]string{first}, []any{ranged, []any{0, 0}}},
		{[]string{first}, []any{ranged, nil}},
		{[]string{last}, []any{ranged, []any{2147483647, 2147483647}}},
		{[]string{"mtfUoUax9L4tzXARpw1oTGxWyoogp52KhJ", first, "2NDvEwGfpEqJWfybzpKPHF2XH3jwoQV3D7x"}, []any{summed(t, "combo("+tprv+"/1/1/0)")}},
		{[]string{regtestAddress}, []any{summed(t, "raw("+regtestScript+")")}},
		// Paths of rpc_scantxoutset.py.
		{[]string{"mkHV1C6JLheLoUSSZYk7x3FH5tnx9bu7yc", "mipUSRmJAj2KrjSvsPQtnP8ynUon7FhpCR"}, []any{summed(t, "pkh("+tprv+"/0'/0h/*h)"), 1}},
		{[]string{"n37dAGe6Mq1HGM9t4b6rFEEsDGq7Fcgfqg"}, []any{summed(t, "pkh("+tprv+"/0h/0'/1500')")}},
		{[]string{"mketCd6B9U9Uee1iCsppDJJBHfvi6U6ukC"}, []any{summed(t, "pkh("+tprv+"/0'/0'/*)"), []any{1500, 1500}}},
		{[]string{"mou6cB1kaP1nNJM1sryW6YRwnd4shTbXYQ"}, []any{summed(t, "pkh("+tprv+"/1/1/1500')")}},
	} {
		if got, want := n.text("deriveaddresses", c.args...), string(jsonrpc.Append(nil, c.want)); got != want {
			t.Errorf("%v: %s, want %s", c.args, got, want)
		}
	}

	n.fails(-5, "Missing checksum", "deriveaddresses", "a")
	n.fails(-5, "Missing checksum", "deriveaddresses", "wpkh("+tprv+"/1/1/0)")
	n.fails(-5, "Provided checksum 't6wfjs65' does not match computed checksum 't6wfjs64'", "deriveaddresses", "wpkh("+tprv+"/1/1/0)#t6wfjs65")
	n.fails(-5, "Cannot derive script without private keys", "deriveaddresses", summed(t, "wpkh("+tpub+"/1'/1/0)"))
	n.fails(-5, "Descriptor does not have a corresponding address", "deriveaddresses", summed(t, "multi(1,"+tpub+"/1/1/0,"+tpub+"/1/1/1)"))
	n.fails(-5, "Descriptor does not have a corresponding address", "deriveaddresses", summed(t, "pk("+tpub+")"))
	n.fails(-5, "Descriptor does not have a corresponding address", "deriveaddresses", summed(t, "raw(6a)"))
	n.fails(-8, "Range should not be specified for an un-ranged descriptor", "deriveaddresses", summed(t, "wpkh("+tprv+"/1/1/0)"), []any{0, 2})
	n.fails(-8, "Range should not be specified for an un-ranged descriptor", "deriveaddresses", summed(t, "wpkh("+tprv+"/1/1/0)"), nil)
	n.fails(-8, "Range must be specified for a ranged descriptor", "deriveaddresses", ranged)
	for _, c := range []struct {
		code jsonrpc.Code
		text string
		arg  any
	}{
		{-8, "End of range is too high", int64(10000000000)},
		{-8, "End of range is too high", -1},
		{-8, "End of range is too high", []any{0, int64(2147483648)}},
		{-8, "Range is too large", []any{1000000000, 2000000000}},
		{-8, "Range is too large", 1000000},
		{-8, "Range specified as [begin,end] must not have begin after end", []any{2, 0}},
		{-8, "Range should be greater or equal than 0", []any{-1, 0}},
		{-8, "Range should be greater or equal than 0", []any{-2, -1}},
		{-8, "Range must be specified as end or as [begin,end]", []any{1}},
		{-8, "Range must be specified as end or as [begin,end]", []any{1, "2"}},
		{-8, "Range must be specified as end or as [begin,end]", "2"},
		{-1, "JSON integer out of range", 1.5},
		{-1, "JSON integer out of range", []any{0, 0.5}},
	} {
		n.fails(c.code, c.text, "deriveaddresses", ranged, c.arg)
	}
	n.fails(-1, "deriveaddresses \"descriptor\" ( range )\n\n", "deriveaddresses")
	n.fails(-3, "Position 1 (descriptor)", "deriveaddresses", 1)
}

// TestGenerateDescriptors mines to every kind of descriptor.
func TestGenerateDescriptors(t *testing.T) {
	n := startTestNode(t, nil)
	const key = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
	for desc, want := range map[string]string{
		"pk(" + key + ")":   "21" + key + "ac",
		"pkh(" + key + ")":  "76a914751e76e8199196d454941c45d1b3a323f1433bd688ac",
		"wpkh(" + key + ")": "0014751e76e8199196d454941c45d1b3a323f1433bd6",
		// Of four scripts the one to the key's hash in a witness, of two that
		// to its hash.
		"combo(" + key + ")": "0014751e76e8199196d454941c45d1b3a323f1433bd6",
		"combo(0479be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8)": "76a91491b24bf9f5288532960ac687abb035127b1d28a588ac",
		"rawtr(" + key[2:] + ")":       "5120" + key[2:],
		"multi(1," + key + ")":         "5121" + key + "51ae",
		"wpkh(" + tprv + "/1/1/0)":     "001490366dd83b32cef30aa48faba1216f047914e463",
		"addr(" + regtestAddress + ")": regtestScript,
	} {
		hash := n.call("generatetodescriptor", 1, desc).At(0).Text
		other := n.call("generateblock", desc, []string{}).Get("hash").Text
		for _, hash := range []string{hash, other} {
			block := n.call("getblock", hash, 2)
			if got := block.Get("tx").At(0).Get("vout").At(0).Get("scriptPubKey").Get("hex").Text; got != want {
				t.Errorf("%s pays to %s, want %s", desc, got, want)
			}
		}
	}
	for desc, want := range map[string]struct {
		code jsonrpc.Code
		text string
	}{
		"pkh(" + tpub + "/0/*)":  {-8, "Ranged descriptor not accepted. Maybe pass through deriveaddresses first?"},
		"pkh(" + tpub + "/0'/0)": {-5, "Cannot derive script without private keys"},
	} {
		n.fails(want.code, want.text, "generatetodescriptor", 1, desc)
		n.fails(want.code, want.text, "generateblock", desc, []string{})
	}
	n.fails(-5, "pkh(): No key provided", "generatetodescriptor", 1, "pkh()")
	n.fails(-5, "Error: Invalid address or descriptor", "generateblock", "pkh()", []string{})
}

// TestSortedMulti: Bitcoin Core's cases of BIP 67, by address.
func TestSortedMulti(t *testing.T) {
	cases, err := jsonrpc.Parse(string(vectors.Read(t, "bitcoin-core-28.1/test/functional/data/rpc_bip67.json")))
	if err != nil || cases.Len() != 4 {
		t.Fatal(cases.Len(), err)
	}
	n := startTestNode(t, nil)
	for i := range cases.Len() {
		c := cases.At(i)
		text := "sh(sortedmulti(2"
		for j := range c.Get("keys").Len() {
			text += "," + c.Get("keys").At(j).Text
		}
		want := `["` + c.Get("address").Text + `"]`
		if got := n.text("deriveaddresses", summed(t, text+"))")); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}
