package script

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"hash"

	"github.com/keelson-chain/keelson/wire"
)

// Legacy returns the hash that a signature in a legacy script commits to: the
// double SHA-256 of the transaction with every signature script empty but that
// of the input, in whose place stands subscript without its OP_CODESEPARATORs,
// and with what hashType leaves out left out. subscript is the script from
// behind the last executed OP_CODESEPARATOR on, without the signatures.
//
// SigHashSingle at an input that has no output of its index gives the number 1,
// which anybody can make signatures for; it is a mistake of the first
// implementation that consensus keeps.
func (s *SigHashes) Legacy(subscript []byte, input int, hashType uint32) [32]byte {
	base := hashType & sigHashOutputs
	if base == SigHashSingle && input >= len(s.tx.Outputs) {
		return [32]byte{1}
	}
	all := base != SigHashSingle && base != SigHashNone && hashType&SigHashAnyOneCanPay == 0
	if all && len(s.tx.Inputs) > legacyStride {
		return s.legacyAll(subscript, input, hashType)
	}
	var stack [2 * smallMessage]byte
	return wire.DoubleSHA256(s.appendLegacy(stack[:0], subscript, input, hashType))
}

// appendLegacy appends what Legacy hashes.
func (s *SigHashes) appendLegacy(b, subscript []byte, input int, hashType uint32) []byte {
	base := hashType & sigHashOutputs
	single, none := base == SigHashSingle, base == SigHashNone
	b = binary.LittleEndian.AppendUint32(b, s.tx.Version)

	if hashType&SigHashAnyOneCanPay != 0 {
		b = append(b, 1)
		b = s.appendSigned(b, subscript, input)
	} else {
		b = wire.AppendCompactSize(b, uint64(len(s.tx.Inputs)))
		for i := range s.tx.Inputs {
			if i == input {
				b = s.appendSigned(b, subscript, input)
				continue
			}
			in := &s.tx.Inputs[i]
			sequence := in.Sequence
			if single || none {
				sequence = 0
			}
			b = appendBlank(b, &in.PrevOut, sequence)
		}
	}

	switch {
	case none:
		b = append(b, 0)
	case single:
		b = wire.AppendCompactSize(b, uint64(input)+1)
		for range input {
			b = append(b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0) // value -1, no script
		}
		b = s.tx.Outputs[input].Append(b)
	default:
		b = s.appendOutputs(b)
	}
	b = binary.LittleEndian.AppendUint32(b, s.tx.LockTime)
	return binary.LittleEndian.AppendUint32(b, hashType)
}

// appendSigned appends the input that is signed for.
func (s *SigHashes) appendSigned(b, subscript []byte, input int) []byte {
	in := &s.tx.Inputs[input]
	b = appendOutPoint(b, &in.PrevOut)
	b = appendSubscript(b, subscript)
	return binary.LittleEndian.AppendUint32(b, in.Sequence)
}

// blankSize is the length of an input without a script, in bytes.
const blankSize = wire.HashSize + 4 + 1 + 4

func appendBlank(b []byte, prevOut *wire.OutPoint, sequence uint32) []byte {
	b = append(appendOutPoint(b, prevOut), 0)
	return binary.LittleEndian.AppendUint32(b, sequence)
}

func (s *SigHashes) appendOutputs(b []byte) []byte {
	b = wire.AppendCompactSize(b, uint64(len(s.tx.Outputs)))
	for i := range s.tx.Outputs {
		b = s.tx.Outputs[i].Append(b)
	}
	return b
}

// appendSubscript appends script and its length without the OP_CODESEPARATORs.
// Of a script that ends in a malformed push, what stands behind the part of
// the push that could be read is left out though the length counts it; no such
// script can succeed, but which error it gives may depend on it.
func appendSubscript(b, script []byte) []byte {
	if bytes.IndexByte(script, byte(OpCodeSeparator)) < 0 && wellFormed(script) {
		return append(wire.AppendCompactSize(b, uint64(len(script))), script...)
	}
	separators := 0
	for t := Tokenize(script); t.Next(); {
		if t.Op == OpCodeSeparator {
			separators++
		}
	}
	b = wire.AppendCompactSize(b, uint64(len(script)-separators))
	from := 0
	t := Tokenize(script)
	for t.Next() {
		if t.Op == OpCodeSeparator {
			b = append(b, script[from:t.Offset()-1]...)
			from = t.Offset()
		}
	}
	return append(b, script[from:t.Offset()]...)
}

func wellFormed(script []byte) bool {
	t := Tokenize(script)
	for t.Next() {
	}
	return !t.Malformed()
}

// legacyStride is after how many inputs the state of the hash is kept.
const legacyStride = 32

// legacyParts is what the SigHashAll hashes of a transaction with many inputs
// share. Each such hash covers all inputs, so their work is quadratic; the
// kept states save the half of it that comes before the input.
type legacyParts struct {
	blanks  []byte      // every input without a script, one after the other
	outputs []byte      // their number and all outputs
	states  []hash.Hash // after version, number and the blanks of k*legacyStride inputs
}

func (s *SigHashes) legacyInit() {
	s.legacyOnce.Do(func() {
		p := &s.legacy
		p.blanks = make([]byte, 0, blankSize*len(s.tx.Inputs))
		for i := range s.tx.Inputs {
			p.blanks = appendBlank(p.blanks, &s.tx.Inputs[i].PrevOut, s.tx.Inputs[i].Sequence)
		}
		p.outputs = s.appendOutputs(nil)

		h := sha256.New()
		var head [4 + 9]byte
		b := binary.LittleEndian.AppendUint32(head[:0], s.tx.Version)
		h.Write(wire.AppendCompactSize(b, uint64(len(s.tx.Inputs))))
		for rest := p.blanks; ; rest = rest[legacyStride*blankSize:] {
			p.states = append(p.states, cloneHash(h))
			if len(rest) <= legacyStride*blankSize {
				break
			}
			h.Write(rest[:legacyStride*blankSize])
		}
	})
}

// legacyAll is Legacy for a hash type that covers every input and output.
func (s *SigHashes) legacyAll(subscript []byte, input int, hashType uint32) [32]byte {
	s.legacyInit()
	p := &s.legacy
	kept := input / legacyStride
	h := cloneHash(p.states[kept])
	h.Write(p.blanks[kept*legacyStride*blankSize : input*blankSize])
	buf := make([]byte, 0, smallMessage)
	h.Write(s.appendSigned(buf, subscript, input))
	h.Write(p.blanks[(input+1)*blankSize:])
	h.Write(p.outputs)
	tail := binary.LittleEndian.AppendUint32(buf[:0], s.tx.LockTime)
	h.Write(binary.LittleEndian.AppendUint32(tail, hashType))
	return sha256.Sum256(h.Sum(buf[:0]))
}

// cloneHash copies a hash of crypto/sha256, which can always be copied.
func cloneHash(h hash.Hash) hash.Hash {
	c, err := h.(hash.Cloner).Clone()
	if err != nil {
		panic(err)
	}
	return c
}
