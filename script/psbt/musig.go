package psbt

import "github.com/keelson-chain/keelson/script/sig"

// The fields of MuSig2 (BIP 373) have, behind the type, the aggregate key, and
// for one participant its key, and the hash of a leaf if the key stands in one:
//
//	1a, 08  aggregate key                          -> the participants' keys
//	1b      participant, aggregate key (, leaf)    -> public nonce, 66 bytes
//	1c      participant, aggregate key (, leaf)    -> partial signature, 32 bytes
//
// Keys are compressed.

const nonceSize = 66

// checkInputMuSig checks the form of a field of an input.
func checkInputMuSig(typ uint64, key, value []byte) error {
	if typ == inMuSigKeys {
		return checkMuSigKeys(key, value, "Input")
	}
	name, size := "pubnonce", nonceSize
	if typ == inMuSigSig {
		name, size = "partial sig", 32
	}
	if n := len(key) - 1 - 2*sig.CompressedSize; n != 0 && n != 32 {
		return FormatError("Input musig2 " + name + " key is not expected size of 67 or 99 bytes")
	}
	if !sig.ValidPubKey(key[1:1+sig.CompressedSize]) || !sig.ValidPubKey(key[1+sig.CompressedSize:1+2*sig.CompressedSize]) {
		return FormatError("musig2 aggregate or participant pubkey is invalid")
	}
	if len(value) != size {
		return FormatError("Input musig2 " + name + " value is not the expected size")
	}
	return nil
}

// checkMuSigKeys checks the form of a list of participants.
func checkMuSigKeys(key, value []byte, where string) error {
	if len(key) != 1+sig.CompressedSize {
		return FormatError(where + " musig2 participants pubkeys aggregate key is not 34 bytes")
	}
	if !sig.ValidPubKey(key[1:]) {
		return FormatError(where + " musig2 aggregate pubkey is invalid")
	}
	if len(value)%sig.CompressedSize != 0 {
		return FormatError(where + " musig2 participants pubkeys value size is not a multiple of 33")
	}
	for ; len(value) > 0; value = value[sig.CompressedSize:] {
		if !sig.ValidPubKey(value[:sig.CompressedSize]) {
			return FormatError(where + " musig2 participant pubkey is invalid")
		}
	}
	return nil
}
