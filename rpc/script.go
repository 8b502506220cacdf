package rpc

import (
	"crypto/sha256"

	"github.com/keelson-chain/keelson/rpc/jsonrpc"
	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/script/address"
	"github.com/keelson-chain/keelson/script/descriptor"
)

func decodescript(c *call) (any, error) {
	var s []byte
	if c.text(0) != "" || c.err != nil {
		s = c.hex(0, "argument")
	}
	if c.err != nil {
		return nil, c.err
	}
	prefixes := &c.s.cfg.Params.Address
	var o jsonrpc.Object
	for _, m := range c.s.scriptObject(s) {
		if m.Key != "hex" {
			o = append(o, m)
		}
	}
	class, data := script.Classify(s)
	if !wrappable(class, s) {
		return o, nil
	}
	o.Add("p2sh", p2shAddress(prefixes, s))
	if program, ok := witnessProgram(class, data, s); ok {
		segwit := c.s.scriptObject(program)
		// Of a script behind a hash more is known here than its address says.
		if class == script.Multisig || class == script.NonStandard {
			replace(segwit, "desc", descriptor.InferWitness(prefixes, s))
		}
		segwit.Add("p2sh-segwit", p2shAddress(prefixes, program))
		o.Add("segwit", segwit)
	}
	return o, nil
}

func replace(o jsonrpc.Object, key string, value any) {
	for i := range o {
		if o[i].Key == key {
			o[i].Value = value
		}
	}
}

// wrappable reports whether it makes sense to put the script behind a hash.
func wrappable(class script.Class, s []byte) bool {
	switch class {
	case script.Multisig, script.NonStandard, script.PubKey, script.PubKeyHash,
		script.WitnessV0KeyHash, script.WitnessV0ScriptHash:
	default:
		return false
	}
	if !validOps(s) || script.IsUnspendable(s) {
		return false
	}
	for t := script.Tokenize(s); t.Next(); {
		if script.IsSuccess(t.Op) {
			return false
		}
	}
	return true
}

// witnessProgram returns the output script of segwit version 0 that stands for
// the script, if there can be one: keys must be compressed then.
func witnessProgram(class script.Class, data [][]byte, s []byte) ([]byte, bool) {
	var b script.Builder
	b.Op(script.Op0)
	switch class {
	case script.PubKey:
		if !compressed(data[0]) {
			return nil, false
		}
		hash := script.Hash160(data[0])
		return b.Data(hash[:]).Script(), true
	case script.PubKeyHash:
		return b.Data(data[0]).Script(), true
	case script.Multisig:
		for _, key := range data[1 : len(data)-1] {
			if !compressed(key) {
				return nil, false
			}
		}
	case script.NonStandard:
	default:
		return nil, false
	}
	hash := sha256.Sum256(s)
	return b.Data(hash[:]).Script(), true
}

func compressed(key []byte) bool { return len(key) == 33 }

// p2shAddress is the address of a script wrapped in P2SH.
func p2shAddress(p *address.Prefixes, s []byte) string {
	hash := script.Hash160(s)
	var b script.Builder
	text, _ := address.Encode(p, b.Op(script.OpHash160).Data(hash[:]).Op(script.OpEqual).Script())
	return text
}
