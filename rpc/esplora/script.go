package esplora

import (
	"encoding/binary"
	"encoding/hex"
	"strconv"

	"github.com/keelson-chain/keelson/script"
)

// The kinds of output scripts, as electrs names them.
const (
	TypeEmpty    = "empty"
	TypeOpReturn = "op_return"
	TypeP2PK     = "p2pk"
	TypeP2PKH    = "p2pkh"
	TypeP2SH     = "p2sh"
	TypeP2WPKH   = "v0_p2wpkh"
	TypeP2WSH    = "v0_p2wsh"
	TypeP2TR     = "v1_p2tr"
	TypeUnknown  = "unknown" // bare multisig and later witness versions among others
)

// scriptType returns what kind of script an output has.
func scriptType(pkScript []byte) string {
	switch n := len(pkScript); {
	case n == 0:
		return TypeEmpty
	case script.Opcode(pkScript[0]) == script.OpReturn:
		return TypeOpReturn
	case (n == 35 || n == 67) && int(pkScript[0]) == n-2 && script.Opcode(pkScript[n-1]) == script.OpCheckSig:
		return TypeP2PK // whether the key is one is not asked
	}
	switch class, _ := script.Classify(pkScript); class {
	case script.PubKeyHash:
		return TypeP2PKH
	case script.ScriptHash:
		return TypeP2SH
	case script.WitnessV0KeyHash:
		return TypeP2WPKH
	case script.WitnessV0ScriptHash:
		return TypeP2WSH
	case script.WitnessV1Taproot:
		return TypeP2TR
	}
	return TypeUnknown
}

// Asm returns a script as text in the form of Esplora, which is rust-bitcoin's:
// every push is named by its opcode before its data.
func Asm(s []byte) string {
	text := make([]byte, 0, 2*len(s)+16*8)
	for i := 0; i < len(s); {
		op := script.Opcode(s[i])
		i++
		size := uint64(0)
		if op <= script.OpData75 {
			size = uint64(op)
		} else if op <= script.OpPushData4 {
			width := 1 << (op - script.OpPushData1)
			if len(s)-i < width {
				return string(append(text, "<unexpected end>"...))
			}
			var le [8]byte
			copy(le[:], s[i:i+width])
			size = binary.LittleEndian.Uint64(le[:])
			i += width
		}
		if len(text) > 0 {
			text = append(text, ' ')
		}
		text = appendOpcode(text, op)
		if size == 0 {
			continue
		}
		text = append(text, ' ')
		if size > uint64(len(s)-i) {
			return string(append(text, "<push past end>"...))
		}
		text = hex.AppendEncode(text, s[i:i+int(size)])
		i += int(size)
	}
	return string(text)
}

// appendOpcode appends the name that rust-bitcoin gives an opcode: that of
// Bitcoin, but for pushes, lock times, and what is no opcode, which fails as
// OP_RETURN does.
func appendOpcode(dst []byte, op script.Opcode) []byte {
	switch {
	case op == script.Op0:
		return append(dst, "OP_0"...)
	case op <= script.OpData75:
		return strconv.AppendInt(append(dst, "OP_PUSHBYTES_"...), int64(op), 10)
	case op == script.Op1Negate:
		return append(dst, "OP_PUSHNUM_NEG1"...)
	case op >= script.Op1 && op <= script.Op16:
		return strconv.AppendInt(append(dst, "OP_PUSHNUM_"...), int64(op-script.Op1)+1, 10)
	case op == script.OpCheckLockTimeVerify:
		return append(dst, "OP_CLTV"...)
	case op == script.OpCheckSequenceVerify:
		return append(dst, "OP_CSV"...)
	case op > script.OpCheckSigAdd && op < script.OpInvalid:
		return strconv.AppendInt(append(dst, "OP_RETURN_"...), int64(op), 10)
	}
	return append(dst, op.String()...)
}

// innerScripts returns the scripts of which the output spent has only a hash: the
// last push of a P2SH input, and the last element of the witness of a P2WSH one.
func innerScripts(pkScript, sigScript []byte, witness [][]byte) (redeem, inner []byte, hasRedeem, hasInner bool) {
	wsh := scriptType(pkScript) == TypeP2WSH
	if scriptType(pkScript) == TypeP2SH {
		if redeem, hasRedeem = lastPush(sigScript); hasRedeem {
			wsh = scriptType(redeem) == TypeP2WSH
		}
	}
	if wsh && len(witness) > 0 {
		inner, hasInner = witness[len(witness)-1], true
	}
	return redeem, inner, hasRedeem, hasInner
}

// lastPush returns the data that the last instruction of a script pushes.
func lastPush(s []byte) (data []byte, ok bool) {
	t := script.Tokenize(s)
	for t.Next() {
		data, ok = t.Data, t.Op <= script.OpPushData4
	}
	return data, ok && !t.Malformed()
}
