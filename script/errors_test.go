package script

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/keelson-chain/keelson/internal/vectors"
	"github.com/keelson-chain/keelson/script/sig"
	"github.com/keelson-chain/keelson/wire"
)

// answers is a Checker that knows the answer by the kind of question.
type answers struct{ ecdsa, schnorr, tweak bool }

func (a answers) Check(c *sig.Check) bool {
	return [...]bool{sig.ECDSA: a.ecdsa, sig.Schnorr: a.schnorr, sig.Tweak: a.tweak}[c.Kind]
}

func (a answers) Defer(c *sig.Check) bool { return a.Check(c) }

// trial is one input to be verified.
type trial struct {
	sigScript, pkScript []byte
	witness             [][]byte
	flags               Flags
	sigs                answers
	outputs             int    // of the transaction
	sequence, lockTime  uint32 // of the input and the transaction
}

// run verifies with and without short cuts.
func (c trial) run(t *testing.T) ErrorCode {
	t.Helper()
	tx := &wire.Tx{
		Version:  2,
		Inputs:   []wire.TxIn{{SigScript: c.sigScript, Witness: c.witness, Sequence: c.sequence}},
		Outputs:  make([]wire.TxOut, c.outputs),
		LockTime: c.lockTime,
	}
	hashes := NewSigHashes(tx, []wire.TxOut{{Value: 1, PkScript: c.pkScript}})
	short := verify(hashes, 0, c.flags, c.sigs, false)
	if long := verify(hashes, 0, c.flags, c.sigs, true); long != short {
		t.Errorf("short cut gives %v, the interpreter %v", short.Name(), long.Name())
	}
	return short
}

func asm(t *testing.T, text string) []byte {
	t.Helper()
	b, err := Assemble(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The parts of a valid spend of each kind, as far as one can tell without the curve.
var (
	testKey   = append([]byte{2}, bytes.Repeat([]byte{7}, 32)...)
	testSig   = append(mustHex("3006020101020101"), 1)
	taprootPk = append([]byte{0x51, 32}, bytes.Repeat([]byte{9}, 32)...)
	control   = append([]byte{0xc0}, bytes.Repeat([]byte{8}, 32)...)
)

func mustHex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return b
}

func keyHashSpend() trial {
	hash := Hash160(testKey)
	return trial{
		pkScript: append([]byte{0, 20}, hash[:]...),
		witness:  [][]byte{testSig, testKey},
		flags:    StandardFlags,
		sigs:     answers{ecdsa: true},
	}
}

func scriptHashSpend(script []byte, elements ...[]byte) trial {
	hash := sha256.Sum256(script)
	return trial{
		pkScript: append([]byte{0, 32}, hash[:]...),
		witness:  append(elements, script),
		flags:    StandardFlags,
		sigs:     answers{ecdsa: true},
	}
}

func keyPathSpend(signature []byte) trial {
	return trial{pkScript: taprootPk, witness: [][]byte{signature}, flags: StandardFlags, sigs: answers{schnorr: true}}
}

func tapscriptSpend(script []byte, elements ...[]byte) trial {
	return trial{
		pkScript: taprootPk,
		witness:  append(elements, script, control),
		flags:    StandardFlags,
		sigs:     answers{schnorr: true, tweak: true},
	}
}

func legacySpend(t *testing.T, sigScript, pkScript string) trial {
	return trial{sigScript: asm(t, sigScript), pkScript: asm(t, pkScript), flags: StandardFlags, sigs: answers{ecdsa: true}}
}

func lockSpend(t *testing.T, pkScript string, sequence, lockTime uint32) trial {
	c := legacySpend(t, "", pkScript)
	c.sequence, c.lockTime = sequence, lockTime
	return c
}

// with returns c after munge has broken one thing about it.
func (c trial) with(munge func(c *trial)) trial {
	c.witness = slices.Clone(c.witness)
	munge(&c)
	return c
}

type errorCase struct {
	name  string
	trial trial
	want  ErrorCode
}

func errorCases(t *testing.T) []errorCase {
	sig64, sig65 := make([]byte, 64), append(make([]byte, 64), 1)
	key32 := bytes.Repeat([]byte{7}, 32)
	checkSig := append(append([]byte{32}, key32...), byte(OpCheckSig))
	highS := append(append(append(mustHex("3026020101"+"0221"), 0), plus(groupOrder, -1)...), 1)
	big := make([]byte, 521)
	drop := func(n int) []byte { return bytes.Repeat([]byte{byte(OpDrop)}, n) }

	return []errorCase{
		{"P2WPKH", keyHashSpend(), errOK},
		{"no witness", keyHashSpend().with(func(c *trial) { c.witness = nil }), ErrWitnessProgramMismatch},
		{"one element", keyHashSpend().with(func(c *trial) { c.witness = c.witness[:1] }), ErrWitnessProgramMismatch},
		{"three elements", keyHashSpend().with(func(c *trial) { c.witness = append(c.witness, nil) }), ErrWitnessProgramMismatch},
		{"long signature", keyHashSpend().with(func(c *trial) { c.witness[0] = big }), ErrPushSize},
		{"long key", keyHashSpend().with(func(c *trial) { c.witness[1] = big }), ErrPushSize},
		{"another key", keyHashSpend().with(func(c *trial) { c.witness[1] = make([]byte, 33) }), ErrEqualVerify},
		{"not DER", keyHashSpend().with(func(c *trial) { c.witness[0] = []byte{1} }), ErrSigDER},
		{"not DER, before BIP 66", keyHashSpend().with(func(c *trial) { c.witness[0] = []byte{1}; c.flags = VerifyWitness }), errOK},
		{"high S", keyHashSpend().with(func(c *trial) { c.witness[0] = highS }), ErrSigHighS},
		{"hash type", keyHashSpend().with(func(c *trial) { c.witness[0] = append(testSig[:8:8], 4) }), ErrSigHashType},
		{"wrong signature", keyHashSpend().with(func(c *trial) { c.sigs.ecdsa = false }), ErrNullFail},
		{"wrong signature, consensus", keyHashSpend().with(func(c *trial) { c.sigs.ecdsa = false; c.flags = MandatoryFlags }), ErrEvalFalse},
		{"empty signature", keyHashSpend().with(func(c *trial) { c.witness[0] = nil }), ErrEvalFalse},
		{"signature script", keyHashSpend().with(func(c *trial) { c.sigScript = []byte{0} }), ErrWitnessMalleated},
		{"program is false", keyHashSpend().with(func(c *trial) { c.pkScript = append([]byte{0, 20}, make([]byte, 20)...) }), ErrEvalFalse},
		{"program is negative zero", keyHashSpend().with(func(c *trial) { c.pkScript = append([]byte{0, 20, 19: 0}, 0, 0x80) }), ErrEvalFalse},
		{"uncompressed key", uncompressedKeyHash(), ErrWitnessPubKeyType},

		{"P2WSH", scriptHashSpend(asm(t, "1")), errOK},
		{"P2WSH without witness", scriptHashSpend(asm(t, "1")).with(func(c *trial) { c.witness = nil }), ErrWitnessProgramWitnessEmpty},
		{"P2WSH, another script", scriptHashSpend(asm(t, "1")).with(func(c *trial) { c.witness[0] = []byte{0x52} }), ErrWitnessProgramMismatch},
		{"two elements left", scriptHashSpend(asm(t, "1"), []byte{1}), ErrCleanStack},
		{"long element", scriptHashSpend(asm(t, "DROP 1"), big), ErrPushSize},
		{"longest element", scriptHashSpend(asm(t, "DROP 1"), big[1:]), errOK},
		{"too many elements", scriptHashSpend(append([]byte{byte(OpNop)}, drop(100)...), make([][]byte, 1001)...), ErrStackSize},
		{"too many elements, soon dropped", scriptHashSpend(drop(100), make([][]byte, 1001)...), ErrCleanStack},
		{"check and verify", scriptHashSpend(asm(t, "0x21 0x"+hex.EncodeToString(testKey)+" CHECKSIGVERIFY 1"), nil), ErrCheckSigVerify},
		{"multisig and verify", scriptHashSpend(asm(t, "0 0 1 0x21 0x"+hex.EncodeToString(testKey)+" 1 CHECKMULTISIGVERIFY 1")), ErrCheckMultisigVerify},
		{"minimal if", scriptHashSpend(asm(t, "IF 1 ENDIF"), []byte{2}), ErrMinimalIf},
		{"minimal if, consensus", scriptHashSpend(asm(t, "IF 1 ENDIF"), []byte{2}).with(func(c *trial) { c.flags = MandatoryFlags }), errOK},
		{"tapscript opcode", scriptHashSpend(asm(t, "0 0 0 CHECKSIGADD")), ErrBadOpcode},
		{"program length", trial{pkScript: mustHex("0003010203"), flags: StandardFlags}, ErrWitnessProgramWrongLength},
		{"unknown version", trial{pkScript: mustHex("5203010203"), flags: StandardFlags}, ErrDiscourageUpgradableWitnessProgram},
		{"unknown version, consensus", trial{pkScript: mustHex("5203010203"), flags: MandatoryFlags}, errOK},
		{"anchor", trial{pkScript: mustHex("51024e73"), witness: [][]byte{{1}}, flags: StandardFlags}, errOK},
		{"anchor in P2SH", nested(mustHex("51024e73"), nil), ErrDiscourageUpgradableWitnessProgram},
		{"taproot in P2SH", nested(taprootPk, nil), ErrDiscourageUpgradableWitnessProgram},
		{"witness without program", trial{pkScript: []byte{0x51}, witness: [][]byte{{1}}, flags: StandardFlags}, ErrWitnessUnexpected},
		{"P2SH with more than the program", nested(keyHashSpend().pkScript, keyHashSpend().witness).with(func(c *trial) {
			c.sigScript = append([]byte{0x51}, c.sigScript...)
		}), ErrWitnessMalleatedP2SH},
		{"P2SH-P2WPKH", nested(keyHashSpend().pkScript, keyHashSpend().witness), errOK},

		{"key path", keyPathSpend(sig64), errOK},
		{"key path with hash type", keyPathSpend(sig65), errOK},
		{"before taproot", keyPathSpend(nil).with(func(c *trial) { c.flags &^= VerifyTaproot }), errOK},
		{"no witness", keyPathSpend(sig64).with(func(c *trial) { c.witness = nil }), ErrWitnessProgramWitnessEmpty},
		{"wrong signature", keyPathSpend(sig64).with(func(c *trial) { c.sigs.schnorr = false }), ErrSchnorrSig},
		{"empty signature", keyPathSpend(nil), ErrSchnorrSigSize},
		{"63 bytes", keyPathSpend(sig64[1:]), ErrSchnorrSigSize},
		{"66 bytes", keyPathSpend(append(sig65, 1)), ErrSchnorrSigSize},
		{"default written out", keyPathSpend(append(sig64[:64:64], 0)), ErrSchnorrSigHashType},
		{"unknown hash type", keyPathSpend(append(sig64[:64:64], 4)), ErrSchnorrSigHashType},
		{"default and anyone", keyPathSpend(append(sig64[:64:64], 0x80)), ErrSchnorrSigHashType},
		{"single without output", keyPathSpend(append(sig64[:64:64], 3)), ErrSchnorrSigHashType},
		{"single with output", keyPathSpend(append(sig64[:64:64], 3)).with(func(c *trial) { c.outputs = 1 }), errOK},
		{"annex", keyPathSpend(sig64).with(func(c *trial) { c.witness = append(c.witness, []byte{0x50}) }), errOK},
		{"annex alone", keyPathSpend([]byte{0x50}), ErrSchnorrSigSize},

		{"tapscript", tapscriptSpend(asm(t, "1")), errOK},
		{"control block is short", tapscriptSpend(asm(t, "1")).with(func(c *trial) { c.witness[1] = control[:32] }), ErrTaprootWrongControlSize},
		{"control block is uneven", tapscriptSpend(asm(t, "1")).with(func(c *trial) { c.witness[1] = append(control[:33:33], 0) }), ErrTaprootWrongControlSize},
		{"128 nodes", tapscriptSpend(asm(t, "1")).with(func(c *trial) { c.witness[1] = append(control[:33:33], make([]byte, 128*32)...) }), errOK},
		{"129 nodes", tapscriptSpend(asm(t, "1")).with(func(c *trial) { c.witness[1] = append(control[:33:33], make([]byte, 129*32)...) }), ErrTaprootWrongControlSize},
		{"no commitment", tapscriptSpend(asm(t, "1")).with(func(c *trial) { c.sigs.tweak = false }), ErrWitnessProgramMismatch},
		{"unknown leaf version", tapscriptSpend(asm(t, "0")).with(func(c *trial) { c.witness[1] = append([]byte{0xc2}, control[1:]...) }), ErrDiscourageUpgradableTaprootVersion},
		{"unknown leaf version, consensus", tapscriptSpend(asm(t, "0")).with(func(c *trial) {
			c.witness[1] = append([]byte{0xc2}, control[1:]...)
			c.flags = MandatoryFlags
		}), errOK},
		{"success opcode", tapscriptSpend(asm(t, "0 IF 0x50 ENDIF 0")), ErrDiscourageOpSuccess},
		{"success opcode, consensus", tapscriptSpend(asm(t, "0 IF 0x50 ENDIF 0 0x4c"), big).with(func(c *trial) { c.flags = MandatoryFlags }), errOK},
		{"success opcode after a malformed push", tapscriptSpend(mustHex("4c0250")).with(func(c *trial) { c.flags = MandatoryFlags }), ErrBadOpcode},
		{"malformed push", tapscriptSpend(mustHex("514c")), ErrBadOpcode},
		{"too many elements", tapscriptSpend(append(drop(1000), 0x51), make([][]byte, 1001)...), ErrStackSize},
		{"many elements", tapscriptSpend(append(drop(999), 0x75, 0x51), make([][]byte, 1000)...), errOK},
		{"long element", tapscriptSpend(asm(t, "DROP 1"), big), ErrPushSize},
		{"long script", tapscriptSpend(append(bytes.Repeat([]byte{byte(OpNop)}, 20_000), 0x51)), errOK},
		{"minimal if", tapscriptSpend(asm(t, "IF 1 ENDIF"), []byte{2}).with(func(c *trial) { c.flags = MandatoryFlags }), ErrTapscriptMinimalIf},
		{"multisig", tapscriptSpend(asm(t, "0 0 0 CHECKMULTISIG")), ErrTapscriptCheckMultisig},
		{"multisig on nothing", tapscriptSpend(asm(t, "CHECKMULTISIGVERIFY")), ErrTapscriptCheckMultisig},
		{"check", tapscriptSpend(checkSig, sig64), errOK},
		{"check, empty signature", tapscriptSpend(checkSig, nil), ErrEvalFalse},
		{"check, wrong signature", tapscriptSpend(checkSig, sig64).with(func(c *trial) { c.sigs.schnorr = false }), ErrSchnorrSig},
		{"check, short signature", tapscriptSpend(checkSig, sig64[1:]), ErrSchnorrSigSize},
		{"check, empty key", tapscriptSpend(asm(t, "0 CHECKSIG"), sig64), ErrTapscriptEmptyPubKey},
		{"check, empty key and signature", tapscriptSpend(asm(t, "0 CHECKSIG"), nil), ErrTapscriptEmptyPubKey},
		{"check, unknown key", tapscriptSpend(asm(t, "1 CHECKSIG"), []byte{1}), ErrDiscourageUpgradablePubKeyType},
		{"check, unknown key, consensus", tapscriptSpend(asm(t, "1 CHECKSIG"), []byte{1}).with(func(c *trial) { c.flags = MandatoryFlags }), errOK},
		{"add", tapscriptSpend(asm(t, "0x"+hex.EncodeToString(append([]byte{0x53, 32}, key32...))+" CHECKSIGADD 4 EQUAL"), sig64), errOK},
		{"add, empty signature", tapscriptSpend(asm(t, "0x"+hex.EncodeToString(append([]byte{0x53, 32}, key32...))+" CHECKSIGADD 3 EQUAL"), nil), errOK},
		{"add, two elements", tapscriptSpend(asm(t, "0 0 CHECKSIGADD")), ErrInvalidStackOperation},
		{"add, long number", tapscriptSpend(asm(t, "0x050102030405 1 CHECKSIGADD"), nil), ErrScriptNum},
		// 50 + the witness's size pay for one check each 50.
		{"budget", tapscriptSpend(repeatCheck(key32, 4), sig64), errOK},
		{"over budget", tapscriptSpend(asm(t, "1 "+strings.Repeat("1 1 CHECKSIGVERIFY ", 4))).with(func(c *trial) { c.flags = MandatoryFlags }), ErrTapscriptValidationWeight},

		{"malformed push behind what fails", tapscriptSpend(mustHex("6a4c")), ErrBadOpcode},

		{"relative lock time", lockSpend(t, "5 CHECKSEQUENCEVERIFY", 5, 0), errOK},
		{"too early", lockSpend(t, "5 CHECKSEQUENCEVERIFY", 4, 0), ErrUnsatisfiedLockTime},
		{"negative", lockSpend(t, "-5 CHECKSEQUENCEVERIFY", 5, 0), ErrNegativeLockTime},
		{"bits above the number", lockSpend(t, "65541 CHECKSEQUENCEVERIFY", 5, 0), errOK},
		{"a time, not a height", lockSpend(t, "5 CHECKSEQUENCEVERIFY", 1<<22|5, 0), ErrUnsatisfiedLockTime},
		{"switched off by the input", lockSpend(t, "5 CHECKSEQUENCEVERIFY", 1<<31|5, 0), ErrUnsatisfiedLockTime},
		{"switched off by the script", lockSpend(t, "0x05 0x0500008000 CHECKSEQUENCEVERIFY", 1<<31, 0), errOK},
		{"lock time", lockSpend(t, "5 CHECKLOCKTIMEVERIFY", 0, 5), errOK},
		{"too early", lockSpend(t, "5 CHECKLOCKTIMEVERIFY", 0, 4), ErrUnsatisfiedLockTime},
		{"last height", lockSpend(t, "499999999 CHECKLOCKTIMEVERIFY", 0, 499999999), errOK},
		{"a time, not a height", lockSpend(t, "499999999 CHECKLOCKTIMEVERIFY", 0, 500000000), ErrUnsatisfiedLockTime},
		{"final input", lockSpend(t, "5 CHECKLOCKTIMEVERIFY", wire.SequenceFinal, 5), ErrUnsatisfiedLockTime},
		{"five bytes", lockSpend(t, "4294967295 CHECKLOCKTIMEVERIFY", 0, 4294967295), errOK},
		{"six bytes", lockSpend(t, "0x06 0x000000000001 CHECKLOCKTIMEVERIFY", 0, 5), ErrScriptNum},
		{"no operand", legacySpend(t, "", "CHECKLOCKTIMEVERIFY"), ErrInvalidStackOperation},

		{"code separator", legacySpend(t, "", "CODESEPARATOR 1"), ErrOpCodeSeparator},
		{"code separator in no branch", legacySpend(t, "", "0 IF CODESEPARATOR ENDIF 1"), ErrOpCodeSeparator},
		{"code separator, consensus", legacySpend(t, "", "CODESEPARATOR 1").with(func(c *trial) { c.flags = MandatoryFlags }), errOK},
		{"signature in the script", legacySpend(t, "", "0 0x02 0x0202 CHECKSIG NOT"), ErrSigFindAndDelete},
		{"signature in the script, multisig", legacySpend(t, "", "0 0 1 0x02 0x0202 1 CHECKMULTISIG NOT"), ErrSigFindAndDelete},
	}
}

// repeatCheck returns a tapscript that checks the one signature n times.
func repeatCheck(key []byte, n int) []byte {
	var b Builder
	for range n - 1 {
		b.Op(OpDup).Data(key).Op(OpCheckSigVerify)
	}
	return b.Data(key).Op(OpCheckSig).Script()
}

func uncompressedKeyHash() trial {
	c := keyHashSpend()
	key := append([]byte{4}, make([]byte, 64)...)
	hash := Hash160(key)
	c.pkScript, c.witness = append([]byte{0, 20}, hash[:]...), [][]byte{testSig, key}
	return c
}

// nested returns a spend of a program within pay-to-script-hash.
func nested(program []byte, witness [][]byte) trial {
	hash := Hash160(program)
	return trial{
		sigScript: AppendPush(nil, program),
		pkScript:  new(Builder).Op(OpHash160).Data(hash[:]).Op(OpEqual).Script(),
		witness:   witness,
		flags:     StandardFlags,
		sigs:      answers{ecdsa: true, schnorr: true},
	}
}

func TestErrors(t *testing.T) {
	for _, c := range errorCases(t) {
		if got := c.trial.run(t); got != c.want {
			t.Errorf("%s (%v): %s, want %s", c.name, c.trial.flags, got.Name(), c.want.Name())
		}
	}
}

// TestEveryError sees to it that each code is wanted by a case, here or in
// the public vectors, which TestScriptTests runs.
func TestEveryError(t *testing.T) {
	wanted := map[string]bool{"OK": true}
	for _, c := range errorCases(t) {
		wanted[c.want.Name()] = true
	}
	var rows [][]any
	if err := json.Unmarshal(vectors.Read(t, "btcd/txscript/data/script_tests.json"), &rows); err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		for _, field := range row[min(3, len(row)):] {
			if name, ok := field.(string); ok {
				wanted[name] = true
			}
		}
	}
	names := make(map[string]bool)
	for code := range errorCount {
		if !wanted[code.Name()] {
			t.Errorf("no case wants %s", code.Name())
		}
		if names[code.Name()] || code.Name() == "" || code.Error() == "" {
			t.Errorf("code %d is called %q, %q", code, code.Name(), code.Error())
		}
		names[code.Name()] = true
	}
	if errorCount.Name() != "UNKNOWN_ERROR" || errorCount.Error() != "unknown error" {
		t.Errorf("what is no code is called %q, %q", errorCount.Name(), errorCount.Error())
	}
}
