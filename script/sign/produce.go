package sign

import (
	"bytes"
	"crypto/sha256"
	"slices"

	"github.com/keelson-chain/keelson/script"
)

// Produce signs an input, whose coin must be known, as far as keys and d go: it
// adds the signatures and scripts to d, puts SigScript and Witness together
// again, unless d is complete already, and reports whether d is complete now.
// The transaction stays as it is; see Set. keys may be nil.
func (t *Tx) Produce(input int, keys *Keys, hashType HashType, d *Data) bool {
	return t.produce(producer{t: t, input: input, keys: keys, hashType: hashType, d: d})
}

// Estimate is Produce with signatures of the usual size by every key, none of
// which is valid, in the place of those that are missing: what comes out has the
// size that the input will have.
func (t *Tx) Estimate(input int, d *Data) bool {
	return t.produce(producer{t: t, input: input, d: d, dummy: true})
}

func (t *Tx) produce(p producer) bool {
	input, d := p.input, p.d
	if d.Complete {
		return true
	}
	pkScript := t.spent[input].PkScript
	elements, class, solved := p.step(pkScript, legacy)
	var redeem []byte
	if solved && class == script.ScriptHash {
		redeem = elements[0]
		d.RedeemScript = redeem
		elements, class, solved = p.step(redeem, legacy)
		solved = solved && class != script.ScriptHash && class != script.WitnessV1Taproot
	}

	// What an incomplete input has of a witness is given up, but for taproot.
	witness := [][]byte(nil)
	switch {
	case solved && class == script.WitnessV0KeyHash:
		witness, _, solved = p.step(keyHashScript(elements[0]), witnessV0)
		elements, d.Segwit = nil, true
	case solved && class == script.WitnessV0ScriptHash:
		d.WitnessScript = elements[0]
		witness, class, solved = p.step(d.WitnessScript, witnessV0)
		solved = solved && class != script.ScriptHash && class != script.WitnessV0ScriptHash && class != script.WitnessV0KeyHash
		witness = append(witness, d.WitnessScript)
		elements, d.Segwit = nil, true
	case class == script.WitnessV1Taproot && redeem == nil:
		if witness = d.Witness; solved {
			witness = elements
		}
		elements, d.Segwit = nil, true
	}
	if redeem != nil {
		elements = append(elements, redeem)
	}
	d.SigScript, d.Witness = pushAll(elements), witness
	d.Complete = solved && (p.dummy || t.spends(input, d))
	return d.Complete
}

// Spends reports whether an input script and a witness spend the coin of an
// input, which must be known, under the rules of relaying. Without schnorr no
// Schnorr signature is taken for valid.
func (t *Tx) Spends(input int, sigScript []byte, witness [][]byte, schnorr bool) bool {
	if !schnorr && t.all {
		t.all = false
		defer func() { t.all = true }()
	}
	return t.spends(input, &Data{SigScript: sigScript, Witness: witness})
}

// spends reports whether the scripts of d spend the coin of an input.
func (t *Tx) spends(input int, d *Data) bool {
	in := &t.tx.Inputs[input]
	before := *in
	t.Set(input, d)
	err := t.verify(input)
	*in = before
	return err == nil
}

type producer struct {
	t        *Tx
	input    int
	keys     *Keys
	hashType HashType
	d        *Data
	dummy    bool // see Estimate
}

// step returns the elements that satisfy a script, or for a script hash and a
// witness program what they are of: the redeem script, the witness script, the
// key hash. Where something is missing solved is false, and a multisig script
// has the signatures there are.
func (p *producer) step(code []byte, v version) (elements [][]byte, class script.Class, solved bool) {
	class, data := script.Classify(code)
	switch class {
	case script.PubKey:
		s, ok := p.sign(data[0], code, v)
		if !ok {
			return nil, class, false
		}
		return [][]byte{s}, class, true
	case script.PubKeyHash:
		key, ok := p.pubKey(KeyID(data[0]))
		if !ok {
			return nil, class, false
		}
		s, ok := p.sign(key, code, v)
		if !ok {
			return nil, class, false
		}
		return [][]byte{s, key}, class, true
	case script.ScriptHash:
		elements, solved = p.redeemScript(data[0])
		return elements, class, solved
	case script.Multisig:
		elements, solved = p.multisig(int(data[0][0]), data[1:len(data)-1], code, v)
		return elements, class, solved
	case script.WitnessV0KeyHash:
		return data, class, true
	case script.WitnessV0ScriptHash:
		elements, solved = p.witnessScript(data[0])
		return elements, class, solved
	case script.WitnessV1Taproot:
		elements, solved = p.taproot(data[0])
		return elements, class, solved
	}
	return nil, class, false
}

// multisig returns the elements of a multisig script: an empty one that
// OP_CHECKMULTISIG takes besides, and signatures by required of the keys, or
// empty ones in the place of those that are missing.
func (p *producer) multisig(required int, keys [][]byte, code []byte, v version) (elements [][]byte, solved bool) {
	elements = [][]byte{nil}
	for _, key := range keys {
		// Signatures that are not needed here may be of use to others.
		if s, ok := p.sign(key, code, v); ok && len(elements) <= required {
			elements = append(elements, s)
		}
	}
	solved = len(elements) == required+1
	for len(elements) < required+1 {
		elements = append(elements, nil)
	}
	return elements, solved
}

// sign returns the signature of a key, the one there is or a new one.
func (p *producer) sign(pubKey, code []byte, v version) ([]byte, bool) {
	id := script.Hash160(pubKey)
	if s, ok := p.d.Signatures[id]; ok {
		return s.Sig, true
	}
	if origin, ok := p.keys.origin(id); ok {
		p.d.addKnown(id, KnownKey{bytes.Clone(pubKey), origin})
	}
	s, ok := p.newSignature(id, code, v)
	if !ok {
		p.d.Missing.Signatures = append(p.d.Missing.Signatures, id)
		return nil, false
	}
	p.d.addSignature(id, Signature{bytes.Clone(pubKey), s})
	return s, true
}

// dummySig is as long as signatures mostly are, and in DER.
var dummySig = slices.Concat([]byte{0x30, 68, 0x02, 32, 1}, make([]byte, 31), []byte{0x02, 32, 1}, make([]byte, 31), []byte{all})

// newSignature makes the signature of a key, if it is there.
func (p *producer) newSignature(id KeyID, code []byte, v version) ([]byte, bool) {
	if p.dummy {
		return dummySig, true
	}
	key, ok := p.keys.privateKey(id)
	if !ok || v == witnessV0 && (!key.compressed || !p.t.spent[p.input].Value.Valid()) {
		return nil, false
	}
	hashType := p.hashType
	if hashType == Default {
		hashType = all
	}
	if hashType.single() && p.input >= len(p.t.tx.Outputs) {
		return nil, false // it would commit to no output at all
	}
	return append(key.SignECDSA(p.t.hash(p.input, code, uint32(hashType), v)), byte(hashType)), true
}

func (p *producer) pubKey(id KeyID) ([]byte, bool) {
	if s, ok := p.d.Signatures[id]; ok {
		return s.PubKey, true
	}
	if known, ok := p.d.Known[id]; ok {
		return known.PubKey, true
	}
	key, ok := p.keys.pubKey(id)
	if !ok {
		p.d.Missing.PubKeys = append(p.d.Missing.PubKeys, id)
	}
	return key, ok
}

// redeemScript returns the script with a Hash160, alone in a list.
func (p *producer) redeemScript(hash []byte) ([][]byte, bool) {
	if s, ok := p.keys.redeemScript(hash); ok {
		return [][]byte{s}, true
	}
	for _, s := range [][]byte{p.d.RedeemScript, p.d.WitnessScript} {
		if h := script.Hash160(s); bytes.Equal(h[:], hash) {
			return [][]byte{s}, true
		}
	}
	p.d.Missing.RedeemScript = hash
	return nil, false
}

// witnessScript returns the script with a SHA-256, alone in a list.
func (p *producer) witnessScript(hash []byte) ([][]byte, bool) {
	if s, ok := p.keys.witnessScript(hash); ok {
		return [][]byte{s}, true
	}
	for _, s := range [][]byte{p.d.RedeemScript, p.d.WitnessScript} {
		if h := sha256.Sum256(s); bytes.Equal(h[:], hash) {
			return [][]byte{s}, true
		}
	}
	p.d.Missing.WitnessScript = hash
	return nil, false
}

// keyHashScript is the script that a witness program of a key hash stands for.
func keyHashScript(hash []byte) []byte {
	return new(script.Builder).Op(script.OpDup).Op(script.OpHash160).Data(hash).
		Op(script.OpEqualVerify).Op(script.OpCheckSig).Script()
}
