package oracle

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"

	btcaddress "github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/txscript/v2"

	"github.com/keelson-chain/keelson/script/address"
)

// networks pairs the prefixes of Bitcoin's networks with btcd's parameters.
var networks = []struct {
	ours   address.Prefixes
	theirs *chaincfg.Params
}{
	{address.Prefixes{PubKeyHash: 0, ScriptHash: 5, PrivateKey: 0x80, HRP: "bc"}, &chaincfg.MainNetParams},
	{address.Prefixes{PubKeyHash: 0x6f, ScriptHash: 0xc4, PrivateKey: 0xef, HRP: "tb"}, &chaincfg.TestNet3Params},
	{address.Prefixes{PubKeyHash: 0x6f, ScriptHash: 0xc4, PrivateKey: 0xef, HRP: "bcrt"}, &chaincfg.RegressionNetParams},
}

// randomOutput returns an output script that has an address, of a kind that
// btcd has one for: witness versions from 2 on it does not know.
func randomOutput(rng *rand.Rand) []byte {
	h := make([]byte, 32)
	for i := range h {
		h[i] = byte(rng.Uint32())
	}
	if rng.IntN(10) == 0 { // base58 writes leading zeros as they are
		clear(h[:rng.IntN(8)])
	}
	switch rng.IntN(5) {
	case 0:
		return append(append([]byte{0x76, 0xa9, 20}, h[:20]...), 0x88, 0xac)
	case 1:
		return append(append([]byte{0xa9, 20}, h[:20]...), 0x87)
	case 2:
		return append([]byte{0, 20}, h[:20]...)
	case 3:
		return append([]byte{0, 32}, h...)
	}
	return append([]byte{0x51, 32}, h...)
}

// btcdDecode returns the output script of an address as btcd reads it, nil if
// it does not.
func btcdDecode(t *testing.T, s string, net *chaincfg.Params) (pkScript []byte) {
	t.Helper()
	a, err := btcaddress.DecodeAddress(s, net)
	if err != nil || !a.IsForNet(net) {
		return nil
	}
	if _, ok := a.(*btcaddress.AddressPubKey); ok {
		return nil // a public key in hex, which Bitcoin Core does not call an address
	}
	if pkScript, err = txscript.PayToAddrScript(a); err != nil {
		t.Fatalf("%s: %v", s, err)
	}
	return pkScript
}

func TestAddresses(t *testing.T) {
	const alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz0OIl"
	rng := rand.New(rand.NewPCG(6, 0))
	valid, invalid := 0, 0
	const rounds = 60_000
	for range rounds {
		net := networks[rng.IntN(len(networks))]
		pkScript := randomOutput(rng)
		s, ok := address.Encode(&net.ours, pkScript)
		if !ok {
			t.Fatalf("%x has no address", pkScript)
		}
		if got := btcdDecode(t, s, net.theirs); !bytes.Equal(got, pkScript) {
			t.Fatalf("%s: ours %x, btcd %x", s, pkScript, got)
		}
		if got, err := address.Decode(&net.ours, s); err != nil || !bytes.Equal(got, pkScript) {
			t.Fatalf("%s: %x, %v, want %x", s, got, err, pkScript)
		}
		// A change that a checksum finds, mostly, and one that it does not.
		b := []byte(s)
		switch rng.IntN(5) {
		case 0:
			b[rng.IntN(len(b))] = alphabet[rng.IntN(len(alphabet))]
		case 1:
			b = b[:rng.IntN(len(b))]
		case 2:
			b = append(b, alphabet[rng.IntN(len(alphabet))])
		case 3:
			b = []byte(strings.ToUpper(s))
		case 4: // an address of another network
			other := networks[rng.IntN(len(networks))]
			s, _ := address.Encode(&other.ours, pkScript)
			b = []byte(s)
		}
		ours, err := address.Decode(&net.ours, string(b))
		theirs := btcdDecode(t, string(b), net.theirs)
		if (err == nil) != (theirs != nil) || !bytes.Equal(ours, theirs) {
			t.Fatalf("%s on %s: ours %x, %v, btcd %x", b, net.theirs.Name, ours, err, theirs)
		}
		if err == nil {
			valid++
		} else {
			invalid++
		}
	}
	t.Logf("%d round trips; changed: %d valid, %d invalid", rounds, valid, invalid)
	if valid < rounds/10 || invalid < rounds/10 {
		t.Errorf("%d valid and %d invalid changed ones: too one-sided to say much", valid, invalid)
	}
}

func TestPrivateKeys(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 0))
	for range 20_000 {
		net := networks[rng.IntN(len(networks))]
		var key [32]byte
		for i := range key {
			key[i] = byte(rng.Uint32())
		}
		compressed := rng.IntN(2) == 0
		s := address.EncodeWIF(&net.ours, key, compressed)
		theirs, err := btcutil.DecodeWIF(s)
		if err != nil || !theirs.IsForNet(net.theirs) || theirs.CompressPubKey != compressed || !bytes.Equal(theirs.PrivKey.Serialize(), key[:]) {
			t.Fatalf("%x: btcd reads another key, %v", key, err)
		}
		b := []byte(s)
		b[rng.IntN(len(b))] = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"[rng.IntN(58)]
		ours, _, err := address.DecodeWIF(&net.ours, string(b))
		theirs, theirErr := btcutil.DecodeWIF(string(b))
		theirOK := theirErr == nil && theirs.IsForNet(net.theirs)
		if (err == nil) != theirOK || err == nil && !bytes.Equal(ours[:], theirs.PrivKey.Serialize()) {
			t.Fatalf("changed key: ours %v, btcd %v", err, theirErr)
		}
	}
}
