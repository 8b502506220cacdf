package rpc

import (
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/keelson-chain/keelson/rpc/jsonrpc"
	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/script/address"
	"github.com/keelson-chain/keelson/script/descriptor"
	"github.com/keelson-chain/keelson/script/sig"
)

func multisigMethods() []method {
	return []method{{
		name: "createmultisig", category: "util", run: createmultisig,
		help: "Create an address from which n of m keys together spend.",
		params: []param{
			need("nrequired", tNumber, "How many of the keys must sign"),
			{names: "keys", typ: tArray, required: true, help: "The public keys in hexadecimal",
				inner: []param{{names: "key", typ: tHex, help: "A public key"}}},
			may("address_type", tString, `"legacy"`, `The kind of address: "legacy", "p2sh-segwit" or "bech32"`),
		},
		results: one(rObject("", "",
			rString("address", "the address"),
			rHex("redeemScript", "the script that asks for the signatures"),
			rString("descriptor", "a descriptor of the address"),
			maybe(rArray("warnings", "what is not as it was asked for", rString("", "a warning"))))),
		examples: []string{`2 "[\"03789ed0bb717d88f7d321a368d905e7430207ebbd82bd342cf11ae157a7ace5fd\",\"03dbc6764b8884a92e871274b87583e6d5c2a58819473e17e107ef3f6aa5a61626\"]"`},
	}}
}

// The kinds of address by the names that methods know them by.
const (
	legacyAddress = "legacy"
	nestedAddress = "p2sh-segwit"
	segwitAddress = "bech32"
	tapAddress    = "bech32m"
)

func createmultisig(c *call) (any, error) {
	required := c.int(0, 32)
	keys, err := publicKeys(c.texts(1))
	if c.err != nil {
		return nil, c.err
	}
	if err != nil {
		return nil, err
	}
	asked := legacyAddress
	if c.has(2) {
		asked = c.text(2)
	}
	switch asked {
	case legacyAddress, nestedAddress, segwitAddress:
	case tapAddress:
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidAddress, "createmultisig cannot create bech32m multisig addresses")
	default:
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidAddress, "Unknown address type '%s'", asked)
	}
	code, err := multisigScript(required, keys)
	if err != nil {
		return nil, err
	}
	kind, hybrid := asked, false
	for _, key := range keys {
		if !compressed(key) {
			kind = legacyAddress
		}
		hybrid = hybrid || key[0] == 6 || key[0] == 7
	}
	if kind == legacyAddress && len(code) > script.MaxElementSize {
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, "redeemScript exceeds size limit: %d > %d", len(code), script.MaxElementSize)
	}
	pkScript, desc := payToMultisig(kind, code, required, keys)
	prefixes := &c.s.cfg.Params.Address
	text, _ := address.Encode(prefixes, pkScript)
	if hybrid {
		// No descriptor has such keys; one of the address could be of any script.
		desc, kind = "addr("+text+")", nestedAddress
	}
	sum, err := descriptor.Checksum(desc)
	if err != nil {
		return nil, err
	}
	var o jsonrpc.Object
	o.Add("address", text)
	o.Add("redeemScript", jsonrpc.Hex(code))
	o.Add("descriptor", desc+"#"+sum)
	if kind != asked {
		o.Add("warnings", []string{"Unable to make chosen address type, please ensure no uncompressed public keys are present."})
	}
	return o, nil
}

func publicKeys(texts []string) ([][]byte, error) {
	var keys [][]byte
	for _, text := range texts {
		key, err := hex.DecodeString(text)
		wrong := ""
		switch {
		case err != nil || text == "":
			wrong = "must be a hex string"
		case len(key) != sig.CompressedSize && len(key) != sig.UncompressedSize:
			wrong = "must have a length of either 33 or 65 bytes"
		case !sig.ValidPubKey(key):
			wrong = "must be cryptographically valid."
		}
		if wrong != "" {
			return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidAddress, "Pubkey \"%s\" %s", text, wrong)
		}
		keys = append(keys, key)
	}
	return keys, nil
}

func multisigScript(required int64, keys [][]byte) ([]byte, error) {
	switch n := int64(len(keys)); {
	case required < 1:
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, "a multisignature address must require at least one key to redeem")
	case n < required:
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, "not enough keys supplied (got %d keys, but need at least %d to redeem)", n, required)
	case n > script.MaxPubKeysMultisig:
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParameter,
			"Number of keys involved in the multisignature address creation > %d\nReduce the number", script.MaxPubKeysMultisig)
	}
	b := new(script.Builder).Int(required)
	for _, key := range keys {
		b.Data(key)
	}
	return b.Int(int64(len(keys))).Op(script.OpCheckMultisig).Script(), nil
}

// payToMultisig returns the output script of a kind, and its descriptor without
// the checksum.
func payToMultisig(kind string, code []byte, required int64, keys [][]byte) (pkScript []byte, desc string) {
	var list strings.Builder
	for _, key := range keys {
		list.WriteString("," + hex.EncodeToString(key))
	}
	desc = fmt.Sprintf("multi(%d%s)", required, list.String())
	switch kind {
	case segwitAddress:
		return payToWitnessScriptHash(code), "wsh(" + desc + ")"
	case nestedAddress:
		return payToScriptHash(payToWitnessScriptHash(code)), "sh(wsh(" + desc + "))"
	}
	return payToScriptHash(code), "sh(" + desc + ")"
}
