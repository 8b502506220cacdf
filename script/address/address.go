package address

import (
	"fmt"

	"github.com/keelson-chain/keelson/script"
)

// Error says why a string is not an address. Its text is Bitcoin Core's, which
// validateaddress shows.
type Error struct {
	Text      string
	Locations []int // characters that are wrong, as far as bech32 tells, from 0
}

func (e *Error) Error() string { return e.Text }

func errorf(format string, args ...any) *Error { return &Error{Text: fmt.Sprintf(format, args...)} }

const (
	hashSize = 20 // bytes of the hash in P2PKH and P2SH
	// base58Guess is how long a string may be, decoded, to be called base58 at
	// all in an error.
	base58Guess = 100
	maxProgram  = 40 // bytes of a witness program (BIP 141)
)

// Decode returns the output script that pays to the address s of the network
// with the prefixes p. The error is an [*Error].
func Decode(p *Prefixes, s string) (pkScript []byte, err error) {
	if hasPrefix(s, p.HRP) {
		return decodeSegwit(p, s)
	}
	if b, ok := DecodeBase58Check(s, 1+hashSize); ok {
		return decodeHash(p, b)
	}
	if _, ok := decodeBase58(s, base58Guess); ok {
		return nil, errorf("Invalid checksum or length of Base58 address (P2PKH or P2SH)")
	}
	return nil, errorf("Invalid or unsupported Segwit (Bech32) or Base58 encoding.")
}

// hasPrefix reports whether s begins with the lower-case hrp, in any case.
func hasPrefix(s, hrp string) bool {
	if len(s) < len(hrp) {
		return false
	}
	for i, c := range []byte(hrp) {
		d := s[i]
		if 'A' <= d && d <= 'Z' {
			d += 'a' - 'A'
		}
		if c != d {
			return false
		}
	}
	return true
}

// decodeHash reads the payload of a base58check address.
func decodeHash(p *Prefixes, b []byte) ([]byte, error) {
	known := len(b) > 0 && (b[0] == p.PubKeyHash || b[0] == p.ScriptHash)
	switch {
	case !known:
		return nil, errorf("Invalid or unsupported Base58-encoded address.")
	case len(b) != 1+hashSize:
		return nil, errorf("Invalid length for Base58 address (P2PKH or P2SH)")
	case b[0] == p.PubKeyHash:
		return payToPubKeyHash(b[1:]), nil
	}
	return payToScriptHash(b[1:]), nil
}

func payToPubKeyHash(hash []byte) []byte {
	s := append([]byte{byte(script.OpDup), byte(script.OpHash160), hashSize}, hash...)
	return append(s, byte(script.OpEqualVerify), byte(script.OpCheckSig))
}

func payToScriptHash(hash []byte) []byte {
	s := append([]byte{byte(script.OpHash160), hashSize}, hash...)
	return append(s, byte(script.OpEqual))
}

func payToWitness(version byte, program []byte) []byte {
	op := byte(script.Op0)
	if version > 0 {
		op = byte(script.Op1) + version - 1
	}
	return append([]byte{op, byte(len(program))}, program...)
}

func decodeSegwit(p *Prefixes, s string) ([]byte, error) {
	enc, hrp, values, ok := decodeBech32(s)
	if !ok {
		return nil, locate(s)
	}
	if len(values) == 0 {
		return nil, errorf("Empty Bech32 data section")
	}
	if hrp != p.HRP {
		return nil, errorf("Invalid or unsupported prefix for Segwit (Bech32) address (expected %s, got %s).", p.HRP, hrp)
	}
	version := values[0]
	if version == 0 && enc != bech32 {
		return nil, errorf("Version 0 witness address must use Bech32 checksum")
	}
	if version != 0 && enc != bech32m {
		return nil, errorf("Version 1+ witness address must use Bech32m checksum")
	}
	program, ok := toBytes(values[1:])
	if !ok {
		return nil, errorf("Invalid padding in Bech32 data section")
	}
	n, unit := len(program), "bytes"
	if n == 1 {
		unit = "byte"
	}
	switch {
	case version == 0 && n != 20 && n != 32:
		return nil, errorf("Invalid Bech32 v0 address program size (%d %s), per BIP141", n, unit)
	case version > 16:
		return nil, errorf("Invalid Bech32 address witness version")
	case n < 2 || n > maxProgram:
		return nil, errorf("Invalid Bech32 address program size (%d %s)", n, unit)
	}
	return payToWitness(version, program), nil
}

// Encode returns the address of an output script on the network with the
// prefixes p, and false if scripts of its kind have none: bare keys, bare
// multisig, and everything that follows no template.
func Encode(p *Prefixes, pkScript []byte) (string, bool) {
	switch class, data := script.Classify(pkScript); class {
	case script.PubKeyHash:
		return EncodeBase58Check(append([]byte{p.PubKeyHash}, data[0]...)), true
	case script.ScriptHash:
		return EncodeBase58Check(append([]byte{p.ScriptHash}, data[0]...)), true
	case script.WitnessV0KeyHash, script.WitnessV0ScriptHash, script.WitnessV1Taproot, script.WitnessUnknown, script.Anchor:
		version, program, _ := script.WitnessProgram(pkScript)
		enc := bech32m
		if version == 0 {
			enc = bech32
		}
		return encodeBech32(enc, p.HRP, append([]byte{byte(version)}, toValues(program)...)), true
	}
	return "", false
}
