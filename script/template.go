package script

import "bytes"

// Class is the standard template that an output script follows.
type Class uint8

// The classes. NonStandard is every script that follows no template.
const (
	NonStandard Class = iota
	PubKey
	PubKeyHash
	ScriptHash
	Multisig
	NullData
	Anchor
	WitnessV0KeyHash
	WitnessV0ScriptHash
	WitnessV1Taproot
	WitnessUnknown
)

// String returns the name that Bitcoin Core's RPC uses: "witness_v0_keyhash".
func (c Class) String() string {
	return [...]string{
		"nonstandard", "pubkey", "pubkeyhash", "scripthash", "multisig", "nulldata", "anchor",
		"witness_v0_keyhash", "witness_v0_scripthash", "witness_v1_taproot", "witness_unknown",
	}[c]
}

// Classify returns the class of an output script and the data that it holds,
// as slices of the script where they stand in it:
//
//	PubKey                                  the key
//	PubKeyHash, ScriptHash                  the 20-byte hash
//	Multisig                                one byte m, the keys, one byte n
//	WitnessV0KeyHash, WitnessV0ScriptHash   the program, 20 or 32 bytes
//	WitnessV1Taproot                        the output key, 32 bytes
//	WitnessUnknown                          one byte version, the program
//	NullData, Anchor, NonStandard           none
func Classify(pkScript []byte) (Class, [][]byte) {
	if isScriptHash(pkScript) {
		return ScriptHash, [][]byte{pkScript[2:22]}
	}
	if version, program, ok := WitnessProgram(pkScript); ok {
		return classifyProgram(version, program)
	}
	n := len(pkScript)
	switch {
	case n >= 1 && Opcode(pkScript[0]) == OpReturn && IsPushOnly(pkScript[1:]):
		return NullData, nil
	case (n == 35 || n == 67) && int(pkScript[0]) == n-2 && Opcode(pkScript[n-1]) == OpCheckSig && validKeySize(pkScript[1:n-1]):
		return PubKey, [][]byte{pkScript[1 : n-1]}
	case n == 25 && Opcode(pkScript[0]) == OpDup && Opcode(pkScript[1]) == OpHash160 && pkScript[2] == 20 &&
		Opcode(pkScript[23]) == OpEqualVerify && Opcode(pkScript[24]) == OpCheckSig:
		return PubKeyHash, [][]byte{pkScript[3:23]}
	}
	if data := matchMultisig(pkScript); data != nil {
		return Multisig, data
	}
	return NonStandard, nil
}

func classifyProgram(version int, program []byte) (Class, [][]byte) {
	switch {
	case version == 0 && len(program) == 20:
		return WitnessV0KeyHash, [][]byte{program}
	case version == 0 && len(program) == 32:
		return WitnessV0ScriptHash, [][]byte{program}
	case version == 0:
		return NonStandard, nil
	case version == 1 && len(program) == 32:
		return WitnessV1Taproot, [][]byte{program}
	case version == 1 && bytes.Equal(program, anchorProgram):
		return Anchor, nil
	}
	return WitnessUnknown, [][]byte{{byte(version)}, program}
}

// matchMultisig returns the data of a bare multisig script, m keys... n
// OP_CHECKMULTISIG with 1 <= m <= n <= 20, or nil.
func matchMultisig(script []byte) [][]byte {
	if len(script) == 0 || Opcode(script[len(script)-1]) != OpCheckMultisig {
		return nil
	}
	t := Tokenize(script)
	if !t.Next() {
		return nil
	}
	m, ok := keyCount(&t)
	if !ok {
		return nil
	}
	data := [][]byte{{byte(m)}}
	for t.Next() && validKeySize(t.Data) {
		data = append(data, t.Data)
	}
	n, ok := keyCount(&t)
	if !ok || n != len(data)-1 || m > n || t.Offset() != len(script)-1 {
		return nil
	}
	return append(data, []byte{byte(n)})
}

// keyCount reads the instruction that t stands at as a number from 1 to 20 in
// its shortest form.
func keyCount(t *Tokenizer) (int, bool) {
	if t.Op >= Op1 && t.Op <= Op16 {
		return int(t.Op-Op1) + 1, true
	}
	if t.Op > OpPushData4 || len(t.Data) == 0 || !minimalPush(t.Op, t.Data) {
		return 0, false
	}
	n, code := decodeNum(t.Data, maxNumLen, true)
	return int(n), code == errOK && n >= 1 && n <= MaxPubKeysMultisig
}
