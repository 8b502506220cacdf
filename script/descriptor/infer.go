package descriptor

import (
	"encoding/hex"
	"strconv"

	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/script/address"
	"github.com/keelson-chain/keelson/script/sig"
)

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
		if s, ok := multiText(data); ok {
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

// multiText is the descriptor of a bare multisig script, of which data is the
// number of signatures, the keys and their number.
func multiText(data [][]byte) (string, bool) {
	b := strconv.AppendUint([]byte("multi("), uint64(data[0][0]), 10)
	for _, k := range data[1 : len(data)-1] {
		if !plainKey(k) {
			return "", false
		}
		b = hex.AppendEncode(append(b, ','), k)
	}
	return string(append(b, ')')), true
}
