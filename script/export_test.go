package script

import "github.com/keelson-chain/keelson/script/sig"

// VerifyInterpreted is Verify without short cuts.
func VerifyInterpreted(hashes *SigHashes, input int, flags Flags, sigs sig.Checker) error {
	return verify(hashes, input, flags, sigs, true).err()
}
