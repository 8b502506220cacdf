package psbt

import "github.com/keelson-chain/keelson/wire"

// Merge adds what another packet of the same transaction knows, and returns
// false if it is of another one. What both say stays as p says it.
func (p *Packet) Merge(o *Packet) bool {
	if p.Tx.TxID() != o.Tx.TxID() {
		return false
	}
	for i := range p.Inputs {
		p.Inputs[i].merge(&o.Inputs[i])
	}
	for i := range p.Outputs {
		p.Outputs[i].merge(&o.Outputs[i])
	}
	p.XPubs = putAll(p.XPubs, o.XPubs, compareXPubs)
	p.Proprietary = putAll(p.Proprietary, o.Proprietary, compareProprietary)
	p.Unknown = putAll(p.Unknown, o.Unknown, compareFields)
	return true
}

// merge adds what another input knows. As in Bitcoin Core 28 that is all but the
// hash type.
func (in *Input) merge(o *Input) {
	if in.NonWitnessUTXO == nil {
		in.NonWitnessUTXO = o.NonWitnessUTXO
	}
	if in.WitnessUTXO == nil {
		in.WitnessUTXO = o.WitnessUTXO
	}
	in.PartialSigs = putAll(in.PartialSigs, o.PartialSigs, compareSigs)
	in.RIPEMD160 = putAll(in.RIPEMD160, o.RIPEMD160, comparePreimages)
	in.SHA256 = putAll(in.SHA256, o.SHA256, comparePreimages)
	in.Hash160 = putAll(in.Hash160, o.Hash160, comparePreimages)
	in.Hash256 = putAll(in.Hash256, o.Hash256, comparePreimages)
	in.Derivations = putAll(in.Derivations, o.Derivations, compareDerivations)
	in.Proprietary = putAll(in.Proprietary, o.Proprietary, compareProprietary)
	in.Unknown = putAll(in.Unknown, o.Unknown, compareFields)
	in.TapScriptSigs = putAll(in.TapScriptSigs, o.TapScriptSigs, compareTapScriptSigs)
	in.TapScripts = putAll(in.TapScripts, o.TapScripts, TapScript.Compare)
	in.TapDerivations = putAll(in.TapDerivations, o.TapDerivations, compareTapDerivations)

	setIfEmpty(&in.RedeemScript, o.RedeemScript)
	setIfEmpty(&in.WitnessScript, o.WitnessScript)
	setIfEmpty(&in.FinalSigScript, o.FinalSigScript)
	if len(in.FinalWitness) == 0 {
		in.FinalWitness = o.FinalWitness
	}
	setIfEmpty(&in.TapKeySig, o.TapKeySig)
	setIfZero(&in.TapInternalKey, o.TapInternalKey)
	setIfZero(&in.TapMerkleRoot, o.TapMerkleRoot)
}

func (out *Output) merge(o *Output) {
	out.Derivations = putAll(out.Derivations, o.Derivations, compareDerivations)
	out.Proprietary = putAll(out.Proprietary, o.Proprietary, compareProprietary)
	out.Unknown = putAll(out.Unknown, o.Unknown, compareFields)
	out.TapDerivations = putAll(out.TapDerivations, o.TapDerivations, compareTapDerivations)
	setIfEmpty(&out.RedeemScript, o.RedeemScript)
	setIfEmpty(&out.WitnessScript, o.WitnessScript)
	setIfZero(&out.TapInternalKey, o.TapInternalKey)
	if len(out.TapTree) == 0 {
		out.TapTree = o.TapTree
	}
}

func setIfZero(to *[32]byte, from [32]byte) {
	if *to == [32]byte{} {
		*to = from
	}
}

// Join returns one packet with the inputs and outputs of all, which are of
// different transactions: their signatures are gone, for they are of no use in
// this one, as are extended keys and proprietary fields of the packets, as in
// Bitcoin Core. Its version is the highest of theirs, its lock time the lowest.
// The inputs are in the order that shuffle brings them into, and so are the
// outputs; it swaps elements like the one of package math/rand/v2. twice is an
// input that is there more than once, if there is one; then there is no packet.
func Join(packets []*Packet, shuffle func(n int, swap func(i, j int))) (joined *Packet, twice *wire.OutPoint) {
	tx := &wire.Tx{Version: 1, LockTime: 0xffffffff}
	p := &Packet{Tx: tx}
	type spend struct {
		op       wire.OutPoint
		sequence uint32
	}
	seen := map[spend]bool{}
	for _, o := range packets {
		tx.Version, tx.LockTime = max(tx.Version, o.Tx.Version), min(tx.LockTime, o.Tx.LockTime)
		for i := range o.Inputs {
			in := &o.Tx.Inputs[i]
			id := spend{in.PrevOut, in.Sequence}
			if seen[id] {
				return nil, &in.PrevOut
			}
			seen[id] = true
			open := o.Inputs[i]
			open.PartialSigs, open.FinalSigScript, open.FinalWitness = nil, nil, nil
			tx.Inputs, p.Inputs = append(tx.Inputs, *in), append(p.Inputs, open)
		}
		tx.Outputs, p.Outputs = append(tx.Outputs, o.Tx.Outputs...), append(p.Outputs, o.Outputs...)
		p.Unknown = putAll(p.Unknown, o.Unknown, compareFields)
	}
	shuffle(len(p.Inputs), func(i, j int) {
		tx.Inputs[i], tx.Inputs[j] = tx.Inputs[j], tx.Inputs[i]
		p.Inputs[i], p.Inputs[j] = p.Inputs[j], p.Inputs[i]
	})
	shuffle(len(p.Outputs), func(i, j int) {
		tx.Outputs[i], tx.Outputs[j] = tx.Outputs[j], tx.Outputs[i]
		p.Outputs[i], p.Outputs[j] = p.Outputs[j], p.Outputs[i]
	})
	return p, nil
}
