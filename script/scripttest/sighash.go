package scripttest

import (
	"testing"

	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/wire"
)

// SigHash runs sighash.json, [tx, script, input, hash type, hash], on
// SigHashes.Legacy.
func SigHash(t testing.TB, data []byte, want int) {
	t.Helper()
	cases := parsed(t, data)
	for i, row := range cases {
		hashes := script.NewSigHashes(decodeTx(t, value[string](t, row[0])), nil)
		subscript := unhex(t, value[string](t, row[1]))
		got := hashes.Legacy(subscript, value[int](t, row[2]), uint32(value[int32](t, row[3])))
		if want := value[string](t, row[4]); wire.Hash(got).String() != want {
			t.Errorf("case %d: %v, want %s", i, wire.Hash(got), want)
		}
	}
	counted(t, len(cases), want)
}
