package script

import (
	"crypto/sha256"

	"github.com/keelson-chain/keelson/wire"
)

// Hash160 returns RIPEMD-160(SHA-256(b)), which names keys and scripts.
func Hash160(b []byte) [20]byte {
	h := sha256.Sum256(b)
	return ripemd160(h[:])
}

// The tags of BIP 341's hashes, hashed: each goes into its hash twice first.
var (
	tagTapSighash = sha256.Sum256([]byte("TapSighash"))
	tagTapLeaf    = sha256.Sum256([]byte("TapLeaf"))
	tagTapBranch  = sha256.Sum256([]byte("TapBranch"))
	tagTapTweak   = sha256.Sum256([]byte("TapTweak"))
)

// appendTag appends what a tagged hash (BIP 340, "Design") hashes before its message.
func appendTag(dst []byte, tag *[32]byte) []byte {
	return append(append(dst, tag[:]...), tag[:]...)
}

// TapLeafHash returns the hash of a leaf of a taproot tree (BIP 341).
func TapLeafHash(version byte, script []byte) [32]byte {
	if len(script) > 1024 {
		return tapLeafHashLong(version, script)
	}
	var stack [2*32 + 1 + 3 + 1024]byte
	b := append(appendTag(stack[:0], &tagTapLeaf), version)
	return sha256.Sum256(append(wire.AppendCompactSize(b, uint64(len(script))), script...))
}

// tapLeafHashLong hashes without a copy of the script, which can fill a block.
func tapLeafHashLong(version byte, script []byte) [32]byte {
	h := sha256.New()
	b := append(appendTag(make([]byte, 0, 128), &tagTapLeaf), version)
	h.Write(wire.AppendCompactSize(b, uint64(len(script))))
	h.Write(script)
	return [32]byte(h.Sum(nil))
}

// TapBranchHash returns the hash of the inner node over two nodes of a taproot
// tree, which does not depend on their order (BIP 341).
func TapBranchHash(a, b [32]byte) [32]byte {
	if lessHash(&b, &a) {
		a, b = b, a
	}
	var stack [4 * 32]byte
	return sha256.Sum256(append(append(appendTag(stack[:0], &tagTapBranch), a[:]...), b[:]...))
}

func lessHash(a, b *[32]byte) bool {
	for i := range a {
		if a[i] != b[i] {
			return a[i] < b[i]
		}
	}
	return false
}

// TapTweakHash returns the number that the internal key, an X coordinate of 32
// bytes, is tweaked with to give the output key. root is the root of the
// script tree; it is nil for an output without scripts (BIP 341, BIP 86).
func TapTweakHash(internalKey, root []byte) [32]byte {
	var stack [4 * 32]byte
	return sha256.Sum256(append(append(appendTag(stack[:0], &tagTapTweak), internalKey...), root...))
}
