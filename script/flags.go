package script

import (
	"fmt"
	"strings"
)

// Flags selects the rules that Verify applies. The values and names are those
// of Bitcoin Core's SCRIPT_VERIFY constants. A flag only ever forbids more,
// with the restriction that Verify sees to: VerifyCleanStack includes
// VerifyWitness and VerifyWitness includes VerifyP2SH.
type Flags uint32

// The flags. Those that consensus uses name their BIP; the others are policy.
const (
	VerifyP2SH                               Flags = 1 << iota // BIP 16
	VerifyStrictEnc                                            // defined hash types, 02 03 04 keys
	VerifyDERSig                                               // BIP 66
	VerifyLowS                                                 // S at most half the group order
	VerifyNullDummy                                            // BIP 147
	VerifySigPushOnly                                          // only pushes in the signature script
	VerifyMinimalData                                          // shortest pushes and numbers
	VerifyDiscourageUpgradableNops                             // OP_NOP1, OP_NOP4 to OP_NOP10 fail
	VerifyCleanStack                                           // exactly one element is left
	VerifyCheckLockTimeVerify                                  // BIP 65
	VerifyCheckSequenceVerify                                  // BIP 112
	VerifyWitness                                              // BIPs 141 and 143
	VerifyDiscourageUpgradableWitnessProgram                   // unknown witness versions fail
	VerifyMinimalIf                                            // OP_IF takes empty or 01, witness v0
	VerifyNullFail                                             // a failed check needs empty signatures
	VerifyWitnessPubKeyType                                    // compressed keys only, witness v0
	VerifyConstScriptCode                                      // no OP_CODESEPARATOR or FindAndDelete, legacy
	VerifyTaproot                                              // BIPs 341 and 342
	VerifyDiscourageUpgradableTaprootVersion                   // unknown leaf versions fail
	VerifyDiscourageOpSuccess                                  // OP_SUCCESSx fails
	VerifyDiscourageUpgradablePubKeyType                       // unknown key types in tapscript fail

	allFlags Flags = 1<<iota - 1
)

// MandatoryFlags are the rules that consensus has in force on every block
// after taproot's activation.
const MandatoryFlags = VerifyP2SH | VerifyDERSig | VerifyNullDummy |
	VerifyCheckLockTimeVerify | VerifyCheckSequenceVerify | VerifyWitness | VerifyTaproot

// StandardFlags are the rules that a transaction must pass to be relayed: the
// mandatory ones and policy. Not a consensus rule.
const StandardFlags = MandatoryFlags | VerifyStrictEnc | VerifyMinimalData |
	VerifyDiscourageUpgradableNops | VerifyCleanStack | VerifyMinimalIf | VerifyNullFail |
	VerifyLowS | VerifyDiscourageUpgradableWitnessProgram | VerifyWitnessPubKeyType |
	VerifyConstScriptCode | VerifyDiscourageUpgradableTaprootVersion |
	VerifyDiscourageOpSuccess | VerifyDiscourageUpgradablePubKeyType

// flagNames holds the name of the flag of each bit, from bit 0.
var flagNames = [...]string{
	"P2SH", "STRICTENC", "DERSIG", "LOW_S", "NULLDUMMY", "SIGPUSHONLY", "MINIMALDATA",
	"DISCOURAGE_UPGRADABLE_NOPS", "CLEANSTACK", "CHECKLOCKTIMEVERIFY", "CHECKSEQUENCEVERIFY",
	"WITNESS", "DISCOURAGE_UPGRADABLE_WITNESS_PROGRAM", "MINIMALIF", "NULLFAIL",
	"WITNESS_PUBKEYTYPE", "CONST_SCRIPTCODE", "TAPROOT", "DISCOURAGE_UPGRADABLE_TAPROOT_VERSION",
	"DISCOURAGE_OP_SUCCESS", "DISCOURAGE_UPGRADABLE_PUBKEYTYPE",
}

// ParseFlags reads a comma-separated list of flag names as they stand in
// Bitcoin Core's test vectors, "P2SH,WITNESS". "" and "NONE" are no flags.
func ParseFlags(s string) (Flags, error) {
	if s == "" || s == "NONE" {
		return 0, nil
	}
	var f Flags
next:
	for name := range strings.SplitSeq(s, ",") {
		for bit, n := range flagNames {
			if n == name {
				f |= 1 << bit
				continue next
			}
		}
		return 0, fmt.Errorf("unknown script flag %q", name)
	}
	return f, nil
}

// String returns the list that ParseFlags reads, "" for no flags.
func (f Flags) String() string {
	var names []string
	for bit, name := range flagNames {
		if f&(1<<bit) != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, ",")
}

// filled returns f with the flags that those in f include. Without them a rule
// could be met by adding another one, and adding a rule must only forbid.
func (f Flags) filled() Flags {
	if f&VerifyCleanStack != 0 {
		f |= VerifyWitness
	}
	if f&VerifyWitness != 0 {
		f |= VerifyP2SH
	}
	return f
}
