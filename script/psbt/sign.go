package psbt

import (
	"slices"

	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/script/sign"
	"github.com/keelson-chain/keelson/wire"
)

// Session signs the inputs of a packet, whose coins it takes from there: what
// is to be known of them must be in the packet before. It is for one goroutine.
type Session struct {
	p  *Packet
	tx *sign.Tx
}

// NewSession begins a session.
func NewSession(p *Packet) *Session {
	spent := make([]*wire.TxOut, len(p.Inputs))
	for i := range spent {
		spent[i] = p.UTXO(i)
	}
	return &Session{p, sign.NewTx(p.Tx, spent)}
}

// IsSigned reports whether an input is final, with what spends its coin.
func (s *Session) IsSigned(input int) bool { return s.spends(input, true) }

func (s *Session) spends(input int, schnorr bool) bool {
	in := &s.p.Inputs[input]
	return s.p.UTXO(input) != nil && s.tx.Spends(input, in.FinalSigScript, in.FinalWitness, schnorr)
}

// SignInput updates an input with what keys know, signs it as far as they go,
// and with finalize makes it final if it is complete then. It reports whether
// it is complete, and returns what is missing if it is not. Of a coin that is
// known without its transaction only witnesses may be signed.
func (s *Session) SignInput(input int, keys *sign.Keys, hashType sign.HashType, finalize bool) (bool, sign.Missing) {
	if s.spends(input, true) {
		return true, sign.Missing{}
	}
	return s.update(input, finalize, func(d *sign.Data) bool { return s.tx.Produce(input, keys, hashType, d) })
}

// estimate makes an input final with signatures of the usual size in the place
// of those that are missing.
func (s *Session) estimate(input int) bool {
	// As in Bitcoin Core: what a Schnorr signature is of is not known here.
	if s.spends(input, false) {
		return true
	}
	complete, _ := s.update(input, true, func(d *sign.Data) bool { return s.tx.Estimate(input, d) })
	return complete
}

func (s *Session) update(input int, finalize bool, produce func(*sign.Data) bool) (bool, sign.Missing) {
	out := s.p.UTXO(input)
	if out == nil {
		return false, sign.Missing{}
	}
	in := &s.p.Inputs[input]
	d := in.data()
	complete := produce(&d)
	if in.NonWitnessUTXO == nil && !d.Segwit {
		return false, sign.Missing{}
	}
	d.Complete = d.Complete && finalize
	in.take(&d)
	if d.Segwit {
		in.WitnessUTXO = out
	}
	return complete, d.Missing
}

// data is what the input says of how to spend its coin.
func (in *Input) data() sign.Data {
	if in.IsFinal() {
		return sign.Data{Complete: true, SigScript: in.FinalSigScript, Witness: in.FinalWitness}
	}
	d := sign.Data{
		RedeemScript: in.RedeemScript, WitnessScript: in.WitnessScript,
		KeyPath: in.TapKeySig, InternalKey: in.TapInternalKey, Root: in.TapMerkleRoot, Scripts: in.TapScripts,
		Signatures: map[sign.KeyID]sign.Signature{},
		Leaves:     map[sign.LeafKey][]byte{},
	}
	if len(d.KeyPath) == 0 {
		d.KeyPath = nil
	}
	for _, s := range in.PartialSigs {
		d.Signatures[script.Hash160(s.PubKey)] = s
	}
	for _, s := range in.TapScriptSigs {
		d.Leaves[s.LeafKey] = s.Sig
	}
	setKnown(&d, in.Derivations, in.TapDerivations)
	return d
}

func setKnown(d *sign.Data, derivations []Derivation, taproot []TapDerivation) {
	d.Known, d.TapKnown = map[sign.KeyID]sign.KnownKey{}, map[[32]byte]sign.TapOrigin{}
	for _, k := range derivations {
		d.Known[script.Hash160(k.PubKey)] = k
	}
	for i := range taproot {
		d.TapKnown[taproot[i].Key] = sign.TapOrigin{Leaves: taproot[i].Leaves, Origin: taproot[i].Origin}
	}
}

// take takes over what has become known.
func (in *Input) take(d *sign.Data) {
	if d.Complete {
		in.PartialSigs, in.Derivations, in.RedeemScript, in.WitnessScript = nil, nil, nil, nil
		if len(d.SigScript) > 0 {
			in.FinalSigScript = d.SigScript
		}
		if len(d.Witness) > 0 {
			in.FinalWitness = d.Witness
		}
		return
	}
	var sigs []sign.Signature
	for _, s := range d.Signatures {
		sigs = append(sigs, s)
	}
	in.PartialSigs = putAll(in.PartialSigs, sigs, compareSigs)
	setIfEmpty(&in.RedeemScript, d.RedeemScript)
	setIfEmpty(&in.WitnessScript, d.WitnessScript)
	in.Derivations, in.TapDerivations = takeKnown(in.Derivations, in.TapDerivations, d)
	if len(d.KeyPath) > 0 {
		in.TapKeySig = d.KeyPath
	}
	var leaves []TapScriptSig
	for key, s := range d.Leaves {
		leaves = append(leaves, TapScriptSig{key, s})
	}
	in.TapScriptSigs = putAll(in.TapScriptSigs, leaves, compareTapScriptSigs)
	if d.InternalKey != [32]byte{} {
		in.TapInternalKey = d.InternalKey
	}
	if d.Root != [32]byte{} {
		in.TapMerkleRoot = d.Root
	}
	in.TapScripts = putAll(in.TapScripts, d.Scripts, TapScript.Compare)
}

func setIfEmpty(to *[]byte, from []byte) {
	if len(*to) == 0 {
		*to = from
	}
}

// takeKnown adds the origins of d. As in Bitcoin Core a taproot key that is there
// stays as it is.
func takeKnown(derivations []Derivation, taproot []TapDerivation, d *sign.Data) ([]Derivation, []TapDerivation) {
	var known []Derivation
	for _, k := range d.Known {
		known = append(known, k)
	}
	var tap []TapDerivation
	for key, k := range d.TapKnown {
		tap = append(tap, TapDerivation{key, k.Leaves, k.Origin})
	}
	return putAll(derivations, known, compareDerivations), putAll(taproot, tap, compareTapDerivations)
}

// UpdateOutput adds to an output what keys know of how to spend what it pays.
func (p *Packet) UpdateOutput(output int, keys *sign.Keys) {
	out := &p.Outputs[output]
	d := sign.Data{RedeemScript: out.RedeemScript, WitnessScript: out.WitnessScript, InternalKey: out.TapInternalKey}
	setKnown(&d, out.Derivations, out.TapDerivations)
	// A spend of it that nobody will ever see, and without signatures.
	spend := sign.NewTx(&wire.Tx{Version: 2, Inputs: make([]wire.TxIn, 1)}, []*wire.TxOut{&p.Tx.Outputs[output]})
	spend.Produce(0, keys.WithoutPrivate(), sign.Default, &d)

	setIfEmpty(&out.RedeemScript, d.RedeemScript)
	setIfEmpty(&out.WitnessScript, d.WitnessScript)
	if d.InternalKey != [32]byte{} {
		out.TapInternalKey = d.InternalKey
	}
	if d.Output != nil && len(d.Output.Leaves) > 0 {
		out.TapTree = nil
		for i := range d.Output.Leaves {
			leaf := &d.Output.Leaves[i]
			out.TapTree = append(out.TapTree, TapLeaf{byte(len(leaf.Path)), leaf.Version, leaf.Script})
		}
	}
	out.Derivations, out.TapDerivations = takeKnown(out.Derivations, out.TapDerivations, &d)
}

// DropTransactions takes out the transactions whose outputs are spent where
// they are of no use: if all inputs are taproot's, whose signatures commit to the
// coins of all. Signatures of hash types with ANYONECANPAY do not, so nobody who
// asks for one may call it.
func (p *Packet) DropTransactions() {
	for i := range p.Inputs {
		out := p.Inputs[i].WitnessUTXO
		if out == nil {
			return
		}
		if version, _, ok := script.WitnessProgram(out.PkScript); !ok || version == 0 {
			return
		}
	}
	for i := range p.Inputs {
		p.Inputs[i].NonWitnessUTXO = nil
	}
}

// Finalize makes the inputs final that are complete, and reports whether all
// are.
func (p *Packet) Finalize() bool {
	s, complete := NewSession(p), true
	for i := range p.Inputs {
		ok, _ := s.SignInput(i, nil, sign.Default, true)
		complete = complete && ok
	}
	return complete
}

// Extract finalizes the packet and returns its transaction, or false if it is
// not complete.
func (p *Packet) Extract() (*wire.Tx, bool) {
	if !p.Finalize() {
		return nil, false
	}
	return p.extract(), true
}

func (p *Packet) extract() *wire.Tx {
	tx := p.Tx.Clone()
	for i := range p.Inputs {
		tx.Inputs[i].SigScript = slices.Clone(p.Inputs[i].FinalSigScript)
		tx.Inputs[i].Witness = slices.Clone(p.Inputs[i].FinalWitness)
	}
	return tx
}
