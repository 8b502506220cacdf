package address

import (
	"bytes"
	"encoding/hex"
	"errors"
	"slices"
)

// ErrPrivateKey is returned for a string that is no private key of the network.
var ErrPrivateKey = errors.New("invalid private key encoding")

const keySize = 32

// EncodeWIF writes a private key in the wallet import format. compressed is
// whether its public key is used in the compressed form.
func EncodeWIF(p *Prefixes, key [keySize]byte, compressed bool) string {
	b := append([]byte{p.PrivateKey}, key[:]...)
	if compressed {
		b = append(b, 1)
	}
	return EncodeBase58Check(b)
}

// DecodeWIF reads a private key in the wallet import format. The error is
// [ErrPrivateKey]; it does not carry the string.
func DecodeWIF(p *Prefixes, s string) (key [keySize]byte, compressed bool, err error) {
	b, ok := DecodeBase58Check(s, 1+keySize+1)
	switch {
	case !ok || len(b) < 1+keySize || b[0] != p.PrivateKey:
		return key, false, ErrPrivateKey
	case len(b) == 1+keySize+1:
		if compressed = true; b[1+keySize] != 1 {
			return key, false, ErrPrivateKey
		}
	}
	k := b[1 : 1+keySize]
	order, _ := hex.DecodeString(curveOrder)
	if bytes.Compare(k, order) >= 0 || !slices.ContainsFunc(k, func(v byte) bool { return v != 0 }) {
		return key, false, ErrPrivateKey
	}
	return [keySize]byte(k), compressed, nil
}

// curveOrder is the order of secp256k1: private keys are from 1 to one less.
const curveOrder = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"
