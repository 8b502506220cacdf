// Package descriptor reads and writes output descriptors, the text that says
// which scripts pay to whom (BIP 380 and those that follow it). It reads
// raw(HEX) and addr(ADDRESS) (BIP 385), and writes the descriptor that tells
// most of any output script.
//
// It is not for deriving keys: descriptors with extended keys are the
// wallet's business.
package descriptor

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/script/address"
	"github.com/keelson-chain/keelson/script/sig"
)

// Descriptor is a descriptor that stands for exactly one output script.
type Descriptor struct {
	text   string
	script []byte
}

// Script returns the output script.
func (d Descriptor) Script() []byte { return d.script }

// String returns the descriptor with its checksum.
func (d Descriptor) String() string { return withChecksum(d.text) }

// Parse reads a descriptor of the network with the prefixes p. The checksum,
// where there is one, must be right; requireChecksum demands one. Errors are
// in Bitcoin Core's words.
func Parse(p *address.Prefixes, desc string, requireChecksum bool) (Descriptor, error) {
	text, err := checkChecksum(desc, requireChecksum)
	if err != nil {
		return Descriptor{}, err
	}
	d := Descriptor{text: text}
	if arg, ok := call(text, "addr"); ok {
		if d.script, err = address.Decode(p, arg); err != nil {
			return Descriptor{}, errors.New("Address is not valid")
		}
		return d, nil
	}
	if arg, ok := call(text, "raw"); ok {
		if d.script, err = hex.DecodeString(arg); err != nil || arg == "" {
			return Descriptor{}, errors.New("Raw script is not hex")
		}
		return d, nil
	}
	for _, f := range [...]string{"pk", "pkh", "wpkh", "combo", "multi", "sortedmulti", "sh", "wsh", "tr", "rawtr"} {
		if _, ok := call(text, f); ok {
			return Descriptor{}, fmt.Errorf("%s() descriptors are not supported: use addr(ADDRESS) or raw(HEX)", f)
		}
	}
	return Descriptor{}, fmt.Errorf("'%s' is not a valid descriptor function", text)
}

// call returns what stands between the parentheses if s is a call of f.
func call(s, f string) (arg string, ok bool) {
	s, ok = strings.CutPrefix(s, f+"(")
	if !ok {
		return "", false
	}
	return strings.CutSuffix(s, ")")
}

// checkChecksum cuts the checksum off.
func checkChecksum(desc string, require bool) (text string, err error) {
	text, given, found := strings.Cut(desc, "#")
	switch {
	case strings.Contains(given, "#"):
		return "", errors.New("Multiple '#' symbols")
	case !found && require:
		return "", errors.New("Missing checksum")
	case found && len(given) != checksumSize:
		return "", fmt.Errorf("Expected %d character checksum, not %d characters", checksumSize, len(given))
	}
	sum, err := Checksum(text)
	if err != nil {
		return "", err
	}
	if found && given != sum {
		return "", fmt.Errorf("Provided checksum '%s' does not match computed checksum '%s'", given, sum)
	}
	return text, nil
}

func withChecksum(text string) string {
	sum, err := Checksum(text)
	if err != nil { // the callers' characters are all good
		panic("descriptor: " + err.Error() + ": " + text)
	}
	return text + "#" + sum
}

// Infer returns the descriptor, with its checksum, that tells most of an
// output script to somebody who knows no keys but those in it: pk() and
// multi() for bare keys, rawtr() for taproot, addr() for what has an address,
// raw() for the rest.
func Infer(p *address.Prefixes, pkScript []byte) string {
	class, data := script.Classify(pkScript)
	switch {
	case class == script.PubKey && plainKey(data[0]):
		return withChecksum("pk(" + hex.EncodeToString(data[0]) + ")")
	case class == script.Multisig:
		if s, ok := multi(data); ok {
			return withChecksum(s)
		}
	case class == script.WitnessV1Taproot && sig.ValidXOnly(data[0]):
		return withChecksum("rawtr(" + hex.EncodeToString(data[0]) + ")")
	}
	if a, ok := address.Encode(p, pkScript); ok {
		return withChecksum("addr(" + a + ")")
	}
	return withChecksum("raw(" + hex.EncodeToString(pkScript) + ")")
}

// plainKey reports whether a key, of the length that its first byte asks for,
// is in a form that descriptors can name: not hybrid.
func plainKey(key []byte) bool { return key[0] == 2 || key[0] == 3 || key[0] == 4 }

func multi(data [][]byte) (string, bool) {
	keys := data[1 : len(data)-1]
	var s strings.Builder
	fmt.Fprintf(&s, "multi(%d", data[0][0])
	for _, k := range keys {
		if !plainKey(k) {
			return "", false
		}
		s.WriteByte(',')
		s.WriteString(hex.EncodeToString(k))
	}
	s.WriteByte(')')
	return s.String(), true
}
