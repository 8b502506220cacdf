package compact

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/dchest/siphash"

	"github.com/keelson-chain/keelson/wire"
)

// idMask leaves the 48 bits of a short id.
const idMask = 1<<48 - 1

// Key makes the short ids of one compact block.
type Key struct{ k0, k1 uint64 }

// NewKey returns the key that follows from a header and a nonce: the first 16 bytes
// of their SHA-256 (BIP 152, "Short transaction IDs").
func NewKey(h *wire.Header, nonce uint64) Key {
	b := binary.LittleEndian.AppendUint64(h.Append(make([]byte, 0, wire.HeaderSize+8)), nonce)
	sum := sha256.Sum256(b)
	return Key{binary.LittleEndian.Uint64(sum[:]), binary.LittleEndian.Uint64(sum[8:])}
}

// ShortID returns the short id of a transaction: the low 48 bits of the SipHash-2-4
// of its wtxid. Shorter ids are the low bits of that.
func (k Key) ShortID(wtxid *wire.Hash) uint64 { return siphash.Hash(k.k0, k.k1, wtxid[:]) & idMask }

// maskOf leaves the bits of a short id with a length in bytes.
func maskOf(size int) uint64 { return 1<<(8*size) - 1 }
