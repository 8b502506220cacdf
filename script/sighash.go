package script

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"sync"

	"github.com/keelson-chain/keelson/wire"
)

// The hash types say what a signature commits to. In legacy and witness v0
// scripts the five lowest bits choose the outputs, and whatever is neither
// none nor single is all; SigHashAnyOneCanPay leaves the other inputs out.
const (
	SigHashDefault      = 0x00 // taproot: as all, with the hash type byte left out
	SigHashAll          = 0x01
	SigHashNone         = 0x02
	SigHashSingle       = 0x03
	SigHashAnyOneCanPay = 0x80

	sigHashOutputs = 0x1f
)

// SigHashes computes the hashes that the signatures of one transaction commit
// to. The parts that its inputs share are computed once, when first needed, so
// that the work of witness v0 and taproot is linear in the transaction's size
// (BIP 143, "Motivation"). Any number of goroutines may use one SigHashes.
type SigHashes struct {
	tx    *wire.Tx
	spent []wire.TxOut

	// Single SHA-256 over all outpoints, sequences and outputs.
	commonOnce                   sync.Once
	prevouts, sequences, outputs [32]byte

	// BIP 143 hashes them once more.
	v0Once                             sync.Once
	v0Prevouts, v0Sequences, v0Outputs [32]byte

	// BIP 341 adds all amounts and scripts spent.
	taprootOnce      sync.Once
	amounts, scripts [32]byte

	legacyOnce sync.Once
	legacy     legacyParts
}

// NewSigHashes returns the hashes of tx, which must not change any more, but for
// the input scripts and witnesses, which no signature commits to. spent holds the
// outputs that the inputs spend, one per input in their order. It may be nil for
// Legacy; Verify, WitnessV0 and Taproot need it.
func NewSigHashes(tx *wire.Tx, spent []wire.TxOut) *SigHashes {
	if spent != nil && len(spent) != len(tx.Inputs) {
		panic(fmt.Sprintf("script: %d outputs spent by %d inputs", len(spent), len(tx.Inputs)))
	}
	return &SigHashes{tx: tx, spent: spent}
}

// smallMessage is how many bytes are put together on the stack before they are hashed.
const smallMessage = 512

func (s *SigHashes) common() {
	s.commonOnce.Do(func() {
		var prevouts, sequences, outputs [smallMessage]byte
		p, q, o := prevouts[:0], sequences[:0], outputs[:0]
		for i := range s.tx.Inputs {
			in := &s.tx.Inputs[i]
			p = appendOutPoint(p, &in.PrevOut)
			q = binary.LittleEndian.AppendUint32(q, in.Sequence)
		}
		for i := range s.tx.Outputs {
			o = s.tx.Outputs[i].Append(o)
		}
		s.prevouts, s.sequences, s.outputs = sha256.Sum256(p), sha256.Sum256(q), sha256.Sum256(o)
	})
}

func (s *SigHashes) v0() {
	s.v0Once.Do(func() {
		s.common()
		s.v0Prevouts = sha256.Sum256(s.prevouts[:])
		s.v0Sequences = sha256.Sum256(s.sequences[:])
		s.v0Outputs = sha256.Sum256(s.outputs[:])
	})
}

func (s *SigHashes) taproot() {
	s.taprootOnce.Do(func() {
		s.common()
		var amounts, scripts [smallMessage]byte
		a, c := amounts[:0], scripts[:0]
		for i := range s.spent {
			out := &s.spent[i]
			a = binary.LittleEndian.AppendUint64(a, uint64(out.Value))
			c = append(wire.AppendCompactSize(c, uint64(len(out.PkScript))), out.PkScript...)
		}
		s.amounts, s.scripts = sha256.Sum256(a), sha256.Sum256(c)
	})
}

// WitnessV0 returns the hash that a signature in a witness v0 script commits
// to (BIP 143). scriptCode is the script from behind the last executed
// OP_CODESEPARATOR on; for a key hash program it is the P2PKH script of the hash.
func (s *SigHashes) WitnessV0(scriptCode []byte, input int, hashType uint32) [32]byte {
	s.v0()
	in := &s.tx.Inputs[input]
	base := hashType & sigHashOutputs
	single, none, anyone := base == SigHashSingle, base == SigHashNone, hashType&SigHashAnyOneCanPay != 0

	var stack [smallMessage]byte
	var zero [32]byte
	b := binary.LittleEndian.AppendUint32(stack[:0], s.tx.Version)
	if anyone {
		b = append(b, zero[:]...)
	} else {
		b = append(b, s.v0Prevouts[:]...)
	}
	if anyone || single || none {
		b = append(b, zero[:]...)
	} else {
		b = append(b, s.v0Sequences[:]...)
	}
	b = appendOutPoint(b, &in.PrevOut)
	b = append(wire.AppendCompactSize(b, uint64(len(scriptCode))), scriptCode...)
	b = binary.LittleEndian.AppendUint64(b, uint64(s.spent[input].Value))
	b = binary.LittleEndian.AppendUint32(b, in.Sequence)
	switch {
	case single && input < len(s.tx.Outputs):
		h := s.outputHash(input)
		h = sha256.Sum256(h[:])
		b = append(b, h[:]...)
	case single || none:
		b = append(b, zero[:]...)
	default:
		b = append(b, s.v0Outputs[:]...)
	}
	b = binary.LittleEndian.AppendUint32(b, s.tx.LockTime)
	b = binary.LittleEndian.AppendUint32(b, hashType)
	return wire.DoubleSHA256(b)
}

// outputHash returns the single SHA-256 of the output at index i.
func (s *SigHashes) outputHash(i int) [32]byte {
	var stack [smallMessage]byte
	return sha256.Sum256(s.tx.Outputs[i].Append(stack[:0]))
}

// TapLeaf is what a signature in tapscript commits to besides what one on the
// key path does (BIP 342, "Common signature message extension").
type TapLeaf struct {
	Hash          [32]byte // see TapLeafHash
	CodeSeparator uint32   // index among the opcodes of the last one executed, 0xffffffff if none
}

// Taproot returns the hash that a signature of a taproot input commits to
// (BIP 341, "Common signature message"). annex is nil or the annex with its
// prefix 0x50; leaf is nil on the key path. It is false for an unknown hash
// type, and for SigHashSingle at an input without an output of its index.
func (s *SigHashes) Taproot(input int, hashType byte, annex []byte, leaf *TapLeaf) ([32]byte, bool) {
	c := tapContext{leaf: leaf}
	if annex != nil {
		c.hasAnnex, c.annexHash = true, annexHash(annex)
	}
	return s.taprootHash(input, hashType, &c)
}

// tapContext is what an input's taproot signatures share.
type tapContext struct {
	leaf      *TapLeaf
	annexHash [32]byte
	hasAnnex  bool

	// The hash of the output with the input's index, which can be large and
	// which every SigHashSingle signature of a tapscript commits to.
	hasOutput  bool
	outputHash [32]byte
}

// annexHash returns the hash of the annex with its length before it.
func annexHash(annex []byte) [32]byte {
	h := sha256.New()
	var size [9]byte
	h.Write(wire.AppendCompactSize(size[:0], uint64(len(annex))))
	h.Write(annex)
	return [32]byte(h.Sum(nil))
}

func (s *SigHashes) taprootHash(input int, hashType byte, c *tapContext) (hash [32]byte, ok bool) {
	if hashType&^SigHashAnyOneCanPay > SigHashSingle || hashType == SigHashAnyOneCanPay {
		return hash, false
	}
	single, none := hashType&3 == SigHashSingle, hashType&3 == SigHashNone
	if single && input >= len(s.tx.Outputs) {
		return hash, false
	}
	s.taproot()

	var stack [smallMessage]byte
	b := appendTag(stack[:0], &tagTapSighash)
	b = append(b, 0, hashType) // 0 is the epoch
	b = binary.LittleEndian.AppendUint32(b, s.tx.Version)
	b = binary.LittleEndian.AppendUint32(b, s.tx.LockTime)
	if hashType&SigHashAnyOneCanPay == 0 {
		b = append(b, s.prevouts[:]...)
		b = append(b, s.amounts[:]...)
		b = append(b, s.scripts[:]...)
		b = append(b, s.sequences[:]...)
	}
	if !single && !none {
		b = append(b, s.outputs[:]...)
	}
	spendType := byte(0)
	if c.leaf != nil {
		spendType |= 2
	}
	if c.hasAnnex {
		spendType |= 1
	}
	b = append(b, spendType)
	if hashType&SigHashAnyOneCanPay != 0 {
		in := &s.tx.Inputs[input]
		b = appendOutPoint(b, &in.PrevOut)
		b = s.spent[input].Append(b)
		b = binary.LittleEndian.AppendUint32(b, in.Sequence)
	} else {
		b = binary.LittleEndian.AppendUint32(b, uint32(input))
	}
	if c.hasAnnex {
		b = append(b, c.annexHash[:]...)
	}
	if single {
		if !c.hasOutput {
			c.hasOutput, c.outputHash = true, s.outputHash(input)
		}
		b = append(b, c.outputHash[:]...)
	}
	if c.leaf != nil {
		b = append(b, c.leaf.Hash[:]...)
		b = append(b, 0) // the version of the key
		b = binary.LittleEndian.AppendUint32(b, c.leaf.CodeSeparator)
	}
	return sha256.Sum256(b), true
}

func appendOutPoint(dst []byte, o *wire.OutPoint) []byte {
	return binary.LittleEndian.AppendUint32(append(dst, o.TxID[:]...), o.Index)
}
