package psbt

import (
	"encoding/base64"
	"encoding/binary"

	"github.com/keelson-chain/keelson/script/sign"
	"github.com/keelson-chain/keelson/wire"
)

// magic is what every packet begins with.
const magic = "psbt\xff"

// The types of fields. A field is the length of its key, the key, which begins
// with the type, the length of its value, and the value; a zero byte ends each
// map: the global one, that of each input, that of each output.
//
//	global  00 transaction  01 extended key  fb version  fc proprietary
const (
	globalTx          = 0x00
	globalXPub        = 0x01
	globalVersion     = 0xfb
	proprietaryType   = 0xfc // in all maps
	inNonWitnessUTXO  = 0x00
	inWitnessUTXO     = 0x01
	inPartialSig      = 0x02
	inHashType        = 0x03
	inRedeemScript    = 0x04
	inWitnessScript   = 0x05
	inDerivation      = 0x06
	inFinalSigScript  = 0x07
	inFinalWitness    = 0x08
	inRIPEMD160       = 0x0a
	inSHA256          = 0x0b
	inHash160         = 0x0c
	inHash256         = 0x0d
	inTapKeySig       = 0x13
	inTapScriptSig    = 0x14
	inTapLeafScript   = 0x15
	inTapDerivation   = 0x16
	inTapInternalKey  = 0x17
	inTapMerkleRoot   = 0x18
	inMuSigKeys       = 0x1a
	inMuSigNonce      = 0x1b
	inMuSigSig        = 0x1c
	outRedeemScript   = 0x00
	outWitnessScript  = 0x01
	outDerivation     = 0x02
	outTapInternalKey = 0x05
	outTapTree        = 0x06
	outTapDerivation  = 0x07
	outMuSigKeys      = 0x08
)

// String returns the packet in base 64, as people hand it around.
func (p *Packet) String() string { return base64.StdEncoding.EncodeToString(p.Append(nil)) }

// Append appends the encoding. Of inputs that are final only the coin, what
// goes into the transaction, and what nobody here knows is written.
func (p *Packet) Append(dst []byte) []byte {
	dst = append(dst, magic...)
	dst = appendField(dst, p.Tx.AppendNoWitness(nil), globalTx)
	for i := range p.XPubs {
		x := &p.XPubs[i]
		dst = appendField(dst, appendOrigin(nil, x.Origin), globalXPub, x.Key[:]...)
	}
	dst = appendUnknown(dst, p.Proprietary, p.Unknown)
	for i := range p.Inputs {
		dst = p.Inputs[i].append(dst)
	}
	for i := range p.Outputs {
		dst = p.Outputs[i].append(dst)
	}
	return dst
}

func (in *Input) append(dst []byte) []byte {
	if in.NonWitnessUTXO != nil {
		dst = appendField(dst, in.NonWitnessUTXO.AppendNoWitness(nil), inNonWitnessUTXO)
	}
	if in.WitnessUTXO != nil {
		dst = appendField(dst, in.WitnessUTXO.Append(nil), inWitnessUTXO)
	}
	if !in.IsFinal() {
		dst = in.appendOpen(dst)
	}
	if len(in.FinalSigScript) > 0 {
		dst = appendField(dst, in.FinalSigScript, inFinalSigScript)
	}
	if len(in.FinalWitness) > 0 {
		value := wire.AppendCompactSize(nil, uint64(len(in.FinalWitness)))
		for _, element := range in.FinalWitness {
			value = appendBytes(value, element)
		}
		dst = appendField(dst, value, inFinalWitness)
	}
	return appendUnknown(dst, in.Proprietary, in.Unknown)
}

// appendOpen appends what only an input that is not final has.
func (in *Input) appendOpen(dst []byte) []byte {
	for _, s := range in.PartialSigs {
		dst = appendField(dst, s.Sig, inPartialSig, s.PubKey...)
	}
	if in.HashType != nil {
		dst = appendField(dst, binary.LittleEndian.AppendUint32(nil, *in.HashType), inHashType)
	}
	dst = appendPart(dst, in.RedeemScript, inRedeemScript)
	dst = appendPart(dst, in.WitnessScript, inWitnessScript)
	dst = appendDerivations(dst, in.Derivations, inDerivation)
	for _, images := range []struct {
		typ  byte
		list []Preimage
	}{{inRIPEMD160, in.RIPEMD160}, {inSHA256, in.SHA256}, {inHash160, in.Hash160}, {inHash256, in.Hash256}} {
		for _, image := range images.list {
			dst = appendField(dst, image.Preimage, images.typ, image.Hash...)
		}
	}
	dst = appendPart(dst, in.TapKeySig, inTapKeySig)
	for _, s := range in.TapScriptSigs {
		dst = appendField(dst, s.Sig, inTapScriptSig, append(s.Key[:], s.Leaf[:]...)...)
	}
	for _, s := range in.TapScripts {
		value := append(append(make([]byte, 0, len(s.Script)+1), s.Script...), s.Version)
		for _, control := range s.Controls {
			dst = appendField(dst, value, inTapLeafScript, control...)
		}
	}
	dst = appendTapDerivations(dst, in.TapDerivations, inTapDerivation)
	dst = appendHash(dst, &in.TapInternalKey, inTapInternalKey)
	return appendHash(dst, &in.TapMerkleRoot, inTapMerkleRoot)
}

func (out *Output) append(dst []byte) []byte {
	dst = appendPart(dst, out.RedeemScript, outRedeemScript)
	dst = appendPart(dst, out.WitnessScript, outWitnessScript)
	dst = appendDerivations(dst, out.Derivations, outDerivation)
	// Bitcoin Core writes these before the taproot fields here, and behind them
	// in inputs.
	for _, f := range out.Proprietary {
		dst = appendBytes(appendBytes(dst, f.Key), f.Value)
	}
	dst = appendHash(dst, &out.TapInternalKey, outTapInternalKey)
	if len(out.TapTree) > 0 {
		var value []byte
		for _, leaf := range out.TapTree {
			value = appendBytes(append(value, leaf.Depth, leaf.Version), leaf.Script)
		}
		dst = appendField(dst, value, outTapTree)
	}
	dst = appendTapDerivations(dst, out.TapDerivations, outTapDerivation)
	return appendUnknown(dst, nil, out.Unknown)
}

// appendBytes appends b behind its length.
func appendBytes(dst, b []byte) []byte {
	return append(wire.AppendCompactSize(dst, uint64(len(b))), b...)
}

// appendField appends a field whose key is the type and key.
func appendField(dst, value []byte, typ byte, key ...byte) []byte {
	dst = append(wire.AppendCompactSize(dst, uint64(1+len(key))), typ)
	return appendBytes(append(dst, key...), value)
}

// appendPart appends a field that is there if its value is not empty.
func appendPart(dst, value []byte, typ byte) []byte {
	if len(value) == 0 {
		return dst
	}
	return appendField(dst, value, typ)
}

// appendHash appends a field that is there if its value is not zero.
func appendHash(dst []byte, value *[32]byte, typ byte) []byte {
	if *value == [32]byte{} {
		return dst
	}
	return appendField(dst, value[:], typ)
}

func appendDerivations(dst []byte, list []Derivation, typ byte) []byte {
	for _, d := range list {
		dst = appendField(dst, appendOrigin(nil, d.Origin), typ, d.PubKey...)
	}
	return dst
}

func appendTapDerivations(dst []byte, list []TapDerivation, typ byte) []byte {
	for i := range list {
		d := &list[i]
		value := wire.AppendCompactSize(nil, uint64(len(d.Leaves)))
		for _, leaf := range d.Leaves {
			value = append(value, leaf[:]...)
		}
		dst = appendField(dst, appendOrigin(value, d.Origin), typ, d.Key[:]...)
	}
	return dst
}

func appendOrigin(dst []byte, o sign.Origin) []byte {
	dst = append(dst, o.Fingerprint[:]...)
	for _, step := range o.Path {
		dst = binary.LittleEndian.AppendUint32(dst, step)
	}
	return dst
}

// appendUnknown appends the last fields of a map and its end.
func appendUnknown(dst []byte, proprietary []Proprietary, unknown []Field) []byte {
	for _, f := range proprietary {
		dst = appendBytes(appendBytes(dst, f.Key), f.Value)
	}
	for _, f := range unknown {
		dst = appendBytes(appendBytes(dst, f.Key), f.Value)
	}
	return append(dst, 0)
}
