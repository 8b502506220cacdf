package script

// CountLegacySigOps returns how many signature checks script asks for: one for
// each OP_CHECKSIG(VERIFY), and 20 for each OP_CHECKMULTISIG(VERIFY) or, if
// accurate and the opcode before it is a number from 1 to 16, that number. It
// counts up to the first malformed push. The result is not scaled by weight.
func CountLegacySigOps(script []byte, accurate bool) int {
	n := 0
	last := OpInvalid
	for t := Tokenize(script); t.Next(); last = t.Op {
		switch t.Op {
		case OpCheckSig, OpCheckSigVerify:
			n++
		case OpCheckMultisig, OpCheckMultisigVerify:
			if accurate && last >= Op1 && last <= Op16 {
				n += int(last-Op1) + 1
			} else {
				n += MaxPubKeysMultisig
			}
		}
	}
	return n
}

// P2SHSigOps returns the signature checks of the redeem script, counted
// accurately, that sigScript hands to a pay-to-script-hash pkScript (BIP 16).
// It is 0 for any other pkScript and for a sigScript that does not only push.
func P2SHSigOps(sigScript, pkScript []byte) int {
	if !isScriptHash(pkScript) {
		return 0
	}
	redeem, ok := lastPush(sigScript)
	if !ok {
		return 0
	}
	return CountLegacySigOps(redeem, true)
}

// WitnessSigOps returns the signature checks of a witness version 0 program,
// bare or within pay-to-script-hash (BIP 141, "Sigops"). Later versions have
// none. It is 0 without VerifyWitness.
func WitnessSigOps(sigScript, pkScript []byte, witness [][]byte, flags Flags) int {
	if flags&VerifyWitness == 0 {
		return 0
	}
	version, program, ok := WitnessProgram(pkScript)
	if !ok && isScriptHash(pkScript) {
		if redeem, push := lastPush(sigScript); push {
			version, program, ok = WitnessProgram(redeem)
		}
	}
	switch {
	case !ok || version != 0:
		return 0
	case len(program) == 20:
		return 1
	case len(program) == 32 && len(witness) > 0:
		return CountLegacySigOps(witness[len(witness)-1], true)
	}
	return 0
}

// lastPush returns the data of the last instruction of a script that only
// pushes; it is empty for a number, whose value is not data in the script.
func lastPush(script []byte) (data []byte, ok bool) {
	t := Tokenize(script)
	for t.Next() {
		if t.Op > Op16 {
			return nil, false
		}
		data = t.Data
	}
	return data, !t.Malformed()
}
