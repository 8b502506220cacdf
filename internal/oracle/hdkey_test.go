package oracle

import (
	"math/rand/v2"
	"testing"

	"github.com/btcsuite/btcd/btcutil/v2/hdkeychain"
	"github.com/btcsuite/btcd/chaincfg/v2"

	"github.com/keelson-chain/keelson/script/address"
	"github.com/keelson-chain/keelson/script/hdkey"
)

// TestHDKeys derives the same keys from the same seeds, privately and publicly.
func TestHDKeys(t *testing.T) {
	mainnet := &address.Prefixes{ExtPublic: chaincfg.MainNetParams.HDPublicKeyID, ExtPrivate: chaincfg.MainNetParams.HDPrivateKeyID}
	const n = 300
	number := rand.Uint64()
	rng := rand.New(rand.NewPCG(number, 0))
	for range n {
		seed := make([]byte, 16+rng.IntN(49))
		for i := range seed {
			seed[i] = byte(rng.Uint32())
		}
		ours, err := hdkey.NewMaster(seed)
		if err != nil {
			t.Fatal(err)
		}
		theirs, err := hdkeychain.NewMaster(seed, &chaincfg.MainNetParams)
		if err != nil {
			t.Fatal(err)
		}
		for depth := range 6 {
			public, err := theirs.Neuter()
			if err != nil {
				t.Fatal(err)
			}
			key := ours.Public()
			if ours.Text(mainnet) != theirs.String() || key.Text(mainnet) != public.String() {
				t.Fatalf("seed %d: %x at depth %d: %s and %s, btcd has %s and %s", number, seed, depth, ours.Text(mainnet), key.Text(mainnet), theirs, public)
			}
			index := rng.Uint32()
			if child, err := key.Child(index); index < hdkey.Hardened {
				other, err2 := public.Derive(index)
				if err != nil || err2 != nil || child.Text(mainnet) != other.String() {
					t.Fatalf("seed %d: child %d of %s: %s, %v, btcd has %v, %v", number, index, public, child.Text(mainnet), err, other, err2)
				}
			}
			if ours, err = ours.Child(index); err != nil {
				t.Fatal(err)
			}
			if theirs, err = theirs.Derive(index); err != nil {
				t.Fatal(err)
			}
		}
	}
}
