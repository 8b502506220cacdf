package sign

import (
	"encoding/base64"
	"errors"
	"strings"

	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/script/sig"
	"github.com/keelson-chain/keelson/wire"
)

// messageMagic keeps signed messages apart from whatever else is signed.
const messageMagic = "Bitcoin Signed Message:\n"

// ErrBase64 is returned for the signature of a message that is not in base 64.
var ErrBase64 = errors.New("Malformed base64 encoding")

// MessageHash returns what the signature of a message commits to.
func MessageHash(text string) [32]byte {
	b := make([]byte, 0, len(messageMagic)+len(text)+10)
	for _, s := range [2]string{messageMagic, text} {
		b = append(wire.AppendCompactSize(b, uint64(len(s))), s...)
	}
	return wire.DoubleSHA256(b)
}

// Message returns the signature of a message in base 64. compressed is the form
// of the public key whose hash the message is signed for.
func Message(key *sig.PrivateKey, compressed bool, text string) string {
	compact := key.SignCompact(MessageHash(text), compressed)
	return base64.StdEncoding.EncodeToString(compact[:])
}

// VerifyMessage reports whether signature is that of a message by the key with
// a Hash160. The error is ErrBase64.
func VerifyMessage(id KeyID, signature, text string) (bool, error) {
	compact, err := base64.StdEncoding.Strict().DecodeString(signature)
	if err != nil || strings.ContainsAny(signature, "\r\n") { // which the decoder skips
		return false, ErrBase64
	}
	pubKey, ok := sig.RecoverCompact(compact, MessageHash(text))
	return ok && script.Hash160(pubKey) == id, nil
}
