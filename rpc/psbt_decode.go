package rpc

import (
	"encoding/hex"

	"github.com/keelson-chain/keelson/rpc/jsonrpc"
	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/script/address"
	"github.com/keelson-chain/keelson/script/psbt"
	"github.com/keelson-chain/keelson/script/sign"
	"github.com/keelson-chain/keelson/wire"
)

// The results of decodepsbt, from its parts up.

func innerScriptResults(key, help string) result {
	return maybe(rObject(key, help, rString("asm", "the script as text"), rHex("hex", "the script itself"), rString("type", "what kind of script it is")))
}

func proprietaryResults() result {
	return rArray("proprietary", "fields for those who use an identifier", rObject("", "",
		rHex("identifier", "the identifier"),
		rNumber("subtype", "a number of theirs"),
		rHex("key", "the key, with all that"),
		rHex("value", "the value")))
}

func unknownResults() result {
	return rMap("unknown", "fields that nobody here knows, by their keys", rHex("", "the value"))
}

func derivationResults(key, help string, more ...result) result {
	return maybe(rArray(key, help, rObject("", "", append([]result{
		rHex("pubkey", "the key"),
		rHex("master_fingerprint", "the fingerprint of the key that it derives from"),
		rString("path", "the steps from there")}, more...)...)))
}

func tapDerivationResults() result {
	return derivationResults("taproot_bip32_derivs", "where keys of a taproot output derive from",
		rArray("leaf_hashes", "the leaves that it stands in", rHex("", "the hash of a leaf")))
}

func preimageResults(key string) result {
	return maybe(rMap(key, "what hashes are of, by the hash", rHex("", "the preimage")))
}

func packetResults() []result {
	return []result{
		rObject("tx", "the transaction, unsigned", txResults(false)...),
		rArray("global_xpubs", "", rObject("", "",
			rString("xpub", "an extended public key from which keys derive"),
			rHex("master_fingerprint", "the fingerprint of the key that it derives from itself"),
			rString("path", "the steps from there"))),
		rNumber("psbt_version", "the version of the format"),
		proprietaryResults(),
		unknownResults(),
		rArray("inputs", "", rObject("", "",
			maybe(rObject("witness_utxo", "the output that it spends",
				rAmount("amount", "in coins"),
				rObject("scriptPubKey", "", scriptResults()...))),
			maybe(rObject("non_witness_utxo", "the transaction whose output it spends", txResults(false)...)),
			maybe(rMap("partial_signatures", "signatures, by their public keys", rHex("", "the signature"))),
			maybe(rString("sighash", "what signatures shall commit to")),
			innerScriptResults("redeem_script", "the script behind a script hash"),
			innerScriptResults("witness_script", "the script behind a witness script hash"),
			derivationResults("bip32_derivs", "where keys derive from"),
			maybe(rObject("final_scriptSig", "the input script of the transaction",
				rString("asm", "as text"),
				rHex("hex", "in hexadecimal"))),
			maybe(rArray("final_scriptwitness", "the witness of the transaction", rHex("", "an element of it"))),
			preimageResults("ripemd160_preimages"),
			preimageResults("sha256_preimages"),
			preimageResults("hash160_preimages"),
			preimageResults("hash256_preimages"),
			maybe(rHex("taproot_key_path_sig", "the signature of a taproot output's key")),
			maybe(rArray("taproot_script_path_sigs", "signatures of keys in leaves", rObject("", "",
				rHex("pubkey", "the key"),
				rHex("leaf_hash", "the hash of the leaf"),
				rHex("sig", "the signature")))),
			maybe(rArray("taproot_scripts", "leaves", rObject("", "",
				rHex("script", "the script of the leaf"),
				rNumber("leaf_ver", "its version"),
				rArray("control_blocks", "", rHex("", "a control block that reveals it"))))),
			tapDerivationResults(),
			maybe(rHex("taproot_internal_key", "the internal key of a taproot output")),
			maybe(rHex("taproot_merkle_root", "the root of its tree")),
			maybe(proprietaryResults()),
			maybe(unknownResults()))),
		rArray("outputs", "", rObject("", "",
			innerScriptResults("redeem_script", "the script behind a script hash"),
			innerScriptResults("witness_script", "the script behind a witness script hash"),
			derivationResults("bip32_derivs", "where keys derive from"),
			maybe(rHex("taproot_internal_key", "the internal key of a taproot output")),
			maybe(rArray("taproot_tree", "the leaves of its tree from left to right", rObject("", "",
				rNumber("depth", "how far it is from the root"),
				rNumber("leaf_ver", "its version"),
				rHex("script", "its script")))),
			tapDerivationResults(),
			maybe(proprietaryResults()),
			maybe(unknownResults()))),
		maybe(rAmount("fee", "what the transaction pays, if all outputs that it spends are known")),
	}
}

func decodepsbt(c *call) (any, error) {
	p := c.psbt(0)
	if c.err != nil {
		return nil, c.err
	}
	var o jsonrpc.Object
	o.Add("tx", c.s.txObject(p.Tx, txView{}))
	xpubs := []jsonrpc.Object{}
	for i := range p.XPubs {
		var x jsonrpc.Object
		x.Add("xpub", address.EncodeBase58Check(p.XPubs[i].Key[:]))
		addOrigin(&x, p.XPubs[i].Origin)
		xpubs = append(xpubs, x)
	}
	o.Add("global_xpubs", xpubs)
	o.Add("psbt_version", 0)
	o.Add("proprietary", proprietaryList(p.Proprietary))
	o.Add("unknown", unknownObject(p.Unknown))

	var in, out wire.Amount
	known := true // all amounts, and they are such
	inputs, outputs := make([]jsonrpc.Object, len(p.Inputs)), make([]jsonrpc.Object, len(p.Outputs))
	for i := range p.Inputs {
		inputs[i] = c.s.psbtInput(&p.Inputs[i])
		spent := p.UTXO(i)
		known = known && spent != nil && sum(&in, spent.Value)
	}
	for i := range p.Outputs {
		outputs[i] = psbtOutput(&p.Outputs[i])
		known = known && sum(&out, p.Tx.Outputs[i].Value)
	}
	o.Add("inputs", inputs)
	o.Add("outputs", outputs)
	if known {
		o.Add("fee", in-out)
	}
	return o, nil
}

// sum adds an amount, and reports whether it and the sum are amounts that can be.
func sum(to *wire.Amount, amount wire.Amount) bool {
	if !amount.Valid() {
		return false
	}
	*to += amount
	return to.Valid()
}

func (s *Server) psbtInput(in *psbt.Input) (o jsonrpc.Object) {
	if out := in.WitnessUTXO; out != nil {
		var u jsonrpc.Object
		u.Add("amount", out.Value)
		u.Add("scriptPubKey", s.scriptObject(out.PkScript))
		o.Add("witness_utxo", u)
	}
	if in.NonWitnessUTXO != nil {
		o.Add("non_witness_utxo", s.txObject(in.NonWitnessUTXO, txView{}))
	}
	if len(in.PartialSigs) > 0 {
		var sigs jsonrpc.Object
		for _, s := range in.PartialSigs {
			sigs.Add(hex.EncodeToString(s.PubKey), jsonrpc.Hex(s.Sig))
		}
		o.Add("partial_signatures", sigs)
	}
	if in.HashType != nil {
		name := ""
		if t := sign.HashType(*in.HashType); t != sign.Default { // which Bitcoin Core has no name for here
			name = t.String()
		}
		o.Add("sighash", name)
	}
	addInnerScript(&o, "redeem_script", in.RedeemScript)
	addInnerScript(&o, "witness_script", in.WitnessScript)
	addDerivations(&o, in.Derivations)
	if len(in.FinalSigScript) > 0 {
		var f jsonrpc.Object
		f.Add("asm", script.DisassembleSigScript(in.FinalSigScript))
		f.Add("hex", jsonrpc.Hex(in.FinalSigScript))
		o.Add("final_scriptSig", f)
	}
	if len(in.FinalWitness) > 0 {
		o.Add("final_scriptwitness", hexList(in.FinalWitness))
	}
	addPreimages(&o, "ripemd160_preimages", in.RIPEMD160)
	addPreimages(&o, "sha256_preimages", in.SHA256)
	addPreimages(&o, "hash160_preimages", in.Hash160)
	addPreimages(&o, "hash256_preimages", in.Hash256)
	addTaproot(&o, in)
	if len(in.Proprietary) > 0 {
		o.Add("proprietary", proprietaryList(in.Proprietary))
	}
	if len(in.Unknown) > 0 {
		o.Add("unknown", unknownObject(in.Unknown))
	}
	return o
}

// addTaproot adds what an input has of BIP 371.
func addTaproot(o *jsonrpc.Object, in *psbt.Input) {
	if len(in.TapKeySig) > 0 {
		o.Add("taproot_key_path_sig", jsonrpc.Hex(in.TapKeySig))
	}
	if len(in.TapScriptSigs) > 0 {
		sigs := make([]jsonrpc.Object, len(in.TapScriptSigs))
		for i := range sigs {
			s := &in.TapScriptSigs[i]
			sigs[i].Add("pubkey", jsonrpc.Hex(s.Key[:]))
			sigs[i].Add("leaf_hash", jsonrpc.Hex(s.Leaf[:]))
			sigs[i].Add("sig", jsonrpc.Hex(s.Sig))
		}
		o.Add("taproot_script_path_sigs", sigs)
	}
	if len(in.TapScripts) > 0 {
		scripts := make([]jsonrpc.Object, len(in.TapScripts))
		for i, s := range in.TapScripts {
			scripts[i].Add("script", jsonrpc.Hex(s.Script))
			scripts[i].Add("leaf_ver", int(s.Version))
			scripts[i].Add("control_blocks", hexList(s.Controls))
		}
		o.Add("taproot_scripts", scripts)
	}
	addTapDerivations(o, in.TapDerivations)
	addHash(o, "taproot_internal_key", in.TapInternalKey)
	addHash(o, "taproot_merkle_root", in.TapMerkleRoot)
}

func psbtOutput(out *psbt.Output) jsonrpc.Object {
	o := jsonrpc.Object{}
	addInnerScript(&o, "redeem_script", out.RedeemScript)
	addInnerScript(&o, "witness_script", out.WitnessScript)
	addDerivations(&o, out.Derivations)
	addHash(&o, "taproot_internal_key", out.TapInternalKey)
	if len(out.TapTree) > 0 {
		leaves := make([]jsonrpc.Object, len(out.TapTree))
		for i, leaf := range out.TapTree {
			leaves[i].Add("depth", int(leaf.Depth))
			leaves[i].Add("leaf_ver", int(leaf.Version))
			leaves[i].Add("script", jsonrpc.Hex(leaf.Script))
		}
		o.Add("taproot_tree", leaves)
	}
	addTapDerivations(&o, out.TapDerivations)
	if len(out.Proprietary) > 0 {
		o.Add("proprietary", proprietaryList(out.Proprietary))
	}
	if len(out.Unknown) > 0 {
		o.Add("unknown", unknownObject(out.Unknown))
	}
	return o
}

func hexList(list [][]byte) []any {
	texts := make([]any, len(list))
	for i, b := range list {
		texts[i] = jsonrpc.Hex(b)
	}
	return texts
}

func addHash(o *jsonrpc.Object, key string, hash [32]byte) {
	if hash != [32]byte{} {
		o.Add(key, jsonrpc.Hex(hash[:]))
	}
}

func addInnerScript(o *jsonrpc.Object, key string, code []byte) {
	if len(code) == 0 {
		return
	}
	class, _ := script.Classify(code)
	var s jsonrpc.Object
	s.Add("asm", script.Disassemble(code))
	s.Add("hex", jsonrpc.Hex(code))
	s.Add("type", class.String())
	o.Add(key, s)
}

func addOrigin(o *jsonrpc.Object, origin sign.Origin) {
	o.Add("master_fingerprint", jsonrpc.Hex(origin.Fingerprint[:]))
	o.Add("path", psbt.Path(origin.Path))
}

func addDerivations(o *jsonrpc.Object, list []psbt.Derivation) {
	if len(list) == 0 {
		return
	}
	keys := make([]jsonrpc.Object, len(list))
	for i := range list {
		keys[i].Add("pubkey", jsonrpc.Hex(list[i].PubKey))
		addOrigin(&keys[i], list[i].Origin)
	}
	o.Add("bip32_derivs", keys)
}

func addTapDerivations(o *jsonrpc.Object, list []psbt.TapDerivation) {
	if len(list) == 0 {
		return
	}
	keys := make([]jsonrpc.Object, len(list))
	for i := range list {
		d := &list[i]
		keys[i].Add("pubkey", jsonrpc.Hex(d.Key[:]))
		addOrigin(&keys[i], d.Origin)
		leaves := make([]any, len(d.Leaves))
		for j := range d.Leaves {
			leaves[j] = jsonrpc.Hex(d.Leaves[j][:])
		}
		keys[i].Add("leaf_hashes", leaves)
	}
	o.Add("taproot_bip32_derivs", keys)
}

func addPreimages(o *jsonrpc.Object, key string, list []psbt.Preimage) {
	if len(list) == 0 {
		return
	}
	var images jsonrpc.Object
	for _, image := range list {
		images.Add(hex.EncodeToString(image.Hash), jsonrpc.Hex(image.Preimage))
	}
	o.Add(key, images)
}

func proprietaryList(list []psbt.Proprietary) []jsonrpc.Object {
	fields := make([]jsonrpc.Object, len(list))
	for i := range list {
		fields[i].Add("identifier", jsonrpc.Hex(list[i].Identifier))
		fields[i].Add("subtype", list[i].SubType)
		fields[i].Add("key", jsonrpc.Hex(list[i].Key))
		fields[i].Add("value", jsonrpc.Hex(list[i].Value))
	}
	return fields
}

func unknownObject(list []psbt.Field) jsonrpc.Object {
	o := jsonrpc.Object{}
	for _, f := range list {
		o.Add(hex.EncodeToString(f.Key), jsonrpc.Hex(f.Value))
	}
	return o
}
