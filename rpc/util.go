package rpc

import (
	"errors"

	"github.com/keelson-chain/keelson/rpc/jsonrpc"
	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/script/address"
)

func utilMethods() []method {
	return []method{
		{
			name: "validateaddress", category: "util", run: validateaddress,
			help:   "What an address says, or what is wrong with it.",
			params: []param{need("address", tString, "The address")},
			results: one(rObject("", "",
				rBool("isvalid", "whether it is an address of this network; if not, only error and error_locations follow"),
				maybe(rString("address", "the address")),
				maybe(rHex("scriptPubKey", "the output script it stands for")),
				maybe(rBool("isscript", "whether that hides a script")),
				maybe(rBool("iswitness", "whether that is a witness program")),
				maybe(rNumber("witness_version", "the program's version")),
				maybe(rHex("witness_program", "the program itself")),
				maybe(rArray("error_locations", "which letters seem wrong, if that can be told", rNumber("", "a position, from 0"))),
				maybe(rString("error", "what is wrong")))),
			examples: []string{`"bcrt1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqdku202"`},
		},
	}
}

func validateaddress(c *call) (any, error) {
	text := c.text(0)
	if c.err != nil {
		return nil, c.err
	}
	prefixes := &c.s.cfg.Params.Address
	var o jsonrpc.Object
	pkScript, err := address.Decode(prefixes, text)
	if err != nil {
		locations := []any{}
		var wrong *address.Error
		if errors.As(err, &wrong) {
			for _, at := range wrong.Locations {
				locations = append(locations, at)
			}
		}
		o.Add("isvalid", false)
		o.Add("error_locations", locations)
		o.Add("error", err.Error())
		return o, nil
	}
	canonical, ok := address.Encode(prefixes, pkScript)
	if !ok {
		canonical = text
	}
	o.Add("isvalid", true)
	o.Add("address", canonical)
	o.Add("scriptPubKey", jsonrpc.Hex(pkScript))
	version, program, isWitness := script.WitnessProgram(pkScript)
	switch class, _ := script.Classify(pkScript); class {
	case script.PubKeyHash, script.WitnessV0KeyHash:
		o.Add("isscript", false)
	case script.WitnessUnknown: // nobody can tell
	default:
		o.Add("isscript", true)
	}
	o.Add("iswitness", isWitness)
	if class, _ := script.Classify(pkScript); isWitness && class != script.Anchor {
		o.Add("witness_version", version)
		o.Add("witness_program", jsonrpc.Hex(program))
	}
	return o, nil
}
