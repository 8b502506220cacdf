package psbt

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/script/sign"
	"github.com/keelson-chain/keelson/wire"
)

// Packet is a partially signed transaction. All of its lists are in the order
// in which they are written, without duplicates; see put.
type Packet struct {
	Tx          *wire.Tx // its inputs have neither scripts nor witnesses
	XPubs       []XPub
	Proprietary []Proprietary
	Unknown     []Field
	Inputs      []Input  // one for each input of Tx
	Outputs     []Output // one for each output of Tx
}

// XPub is an extended public key of which keys in scripts are children.
type XPub struct {
	Key    [xpubSize]byte // as in base58check, with its version
	Origin sign.Origin
}

const xpubSize = 78

// Field is a field that nobody here knows, with the type as its key's first byte.
type Field struct{ Key, Value []byte }

// Proprietary is a field for those who use an identifier.
type Proprietary struct {
	Field
	Identifier []byte
	SubType    uint64
}

// Input is what is known of how to spend one coin. Nil and empty values are
// those that are not there.
type Input struct {
	NonWitnessUTXO *wire.Tx // the transaction whose output is spent
	WitnessUTXO    *wire.TxOut
	PartialSigs    []sign.Signature
	HashType       *uint32
	RedeemScript   []byte
	WitnessScript  []byte
	Derivations    []Derivation
	FinalSigScript []byte
	FinalWitness   [][]byte
	RIPEMD160      []Preimage
	SHA256         []Preimage
	Hash160        []Preimage
	Hash256        []Preimage

	TapKeySig      []byte
	TapScriptSigs  []TapScriptSig
	TapScripts     []TapScript
	TapDerivations []TapDerivation
	TapInternalKey [32]byte // zeros if not known
	TapMerkleRoot  [32]byte // the same

	Proprietary []Proprietary
	Unknown     []Field
}

// Output is what is known of how to spend what an output pays.
type Output struct {
	RedeemScript   []byte
	WitnessScript  []byte
	Derivations    []Derivation
	TapInternalKey [32]byte // zeros if not known
	TapTree        []TapLeaf
	TapDerivations []TapDerivation
	Proprietary    []Proprietary
	Unknown        []Field
}

// Derivation is a public key and where it comes from.
type Derivation = sign.KnownKey

// Preimage is what a hash is of.
type Preimage struct{ Hash, Preimage []byte }

// TapScriptSig is the signature of a key in a leaf.
type TapScriptSig struct {
	sign.LeafKey
	Sig []byte
}

// TapScript is a leaf with the control blocks that reveal it, the shortest first.
type TapScript = sign.TapScript

// TapDerivation says where a key of a taproot output comes from, and the
// hashes of the leaves that it stands in.
type TapDerivation struct {
	Key    [32]byte
	Leaves [][32]byte
	Origin sign.Origin
}

// TapLeaf is a leaf of an output's tree, whose leaves are listed from left to right.
type TapLeaf struct {
	Depth   byte
	Version byte
	Script  []byte
}

// New returns the packet of a transaction, of which only the transaction is
// known. What its inputs have of scripts and witnesses is left out.
func New(tx *wire.Tx) *Packet {
	tx = tx.Clone()
	for i := range tx.Inputs {
		tx.Inputs[i].SigScript, tx.Inputs[i].Witness = nil, nil
	}
	return &Packet{Tx: tx, Inputs: make([]Input, len(tx.Inputs)), Outputs: make([]Output, len(tx.Outputs))}
}

// Clone returns a copy that may be changed. It shares bytes with p that neither
// changes.
func (p *Packet) Clone() *Packet {
	c := *p
	c.Tx = p.Tx.Clone()
	c.Inputs, c.Outputs = slices.Clone(p.Inputs), slices.Clone(p.Outputs)
	return &c
}

// UTXO returns the output that an input spends, nil if it is not known.
func (p *Packet) UTXO(input int) *wire.TxOut {
	in, op := &p.Inputs[input], p.Tx.Inputs[input].PrevOut
	if in.NonWitnessUTXO == nil {
		return in.WitnessUTXO
	}
	if int64(op.Index) >= int64(len(in.NonWitnessUTXO.Outputs)) || in.NonWitnessUTXO.TxID() != op.TxID {
		return nil
	}
	return &in.NonWitnessUTXO.Outputs[op.Index]
}

// IsFinal reports whether the input has what goes into the transaction.
func (in *Input) IsFinal() bool { return len(in.FinalSigScript) > 0 || len(in.FinalWitness) > 0 }

// putAll puts all of others into list, each in its place, unless there is one like
// it. The list itself stays as it is for those who share it.
func putAll[T any](list, others []T, compare func(a, b T) int) []T {
	if len(others) == 0 {
		return list
	}
	// In one go: of two that are alike the one of list comes first and stays.
	all := slices.Concat(list, others)
	slices.SortStableFunc(all, compare)
	return slices.CompactFunc(all, func(a, b T) bool { return compare(a, b) == 0 })
}

// The orders of the lists are those of Bitcoin Core's maps.

func compareXPubs(a, b XPub) int {
	return cmp.Or(
		bytes.Compare(a.Origin.Fingerprint[:], b.Origin.Fingerprint[:]),
		cmp.Compare(len(a.Origin.Path), len(b.Origin.Path)),
		slices.Compare(a.Origin.Path, b.Origin.Path),
		bytes.Compare(a.Key[45:], b.Key[45:]),     // the key
		bytes.Compare(a.Key[13:45], b.Key[13:45]), // the chain code
	)
}

func compareFields(a, b Field) int                 { return bytes.Compare(a.Key, b.Key) }
func compareProprietary(a, b Proprietary) int      { return bytes.Compare(a.Key, b.Key) }
func compareDerivations(a, b Derivation) int       { return bytes.Compare(a.PubKey, b.PubKey) }
func comparePreimages(a, b Preimage) int           { return bytes.Compare(a.Hash, b.Hash) }
func compareTapDerivations(a, b TapDerivation) int { return bytes.Compare(a.Key[:], b.Key[:]) }
func compareHashes(a, b [32]byte) int              { return bytes.Compare(a[:], b[:]) }

func compareSigs(a, b sign.Signature) int {
	x, y := script.Hash160(a.PubKey), script.Hash160(b.PubKey)
	return bytes.Compare(x[:], y[:])
}

func compareTapScriptSigs(a, b TapScriptSig) int {
	return cmp.Or(bytes.Compare(a.Key[:], b.Key[:]), bytes.Compare(a.Leaf[:], b.Leaf[:]))
}
