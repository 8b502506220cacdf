package sign

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/script/address"
	"github.com/keelson-chain/keelson/script/sig"
)

// The key, the message and the signature of Bitcoin Core's
// rpc_signmessagewithprivkey test.
const (
	coreWIF       = "cUeKHd5orzT3mz8P9pxyREHfsWtVfgsfDjiZZBcjUBAaGk1BTj7N"
	coreMessage   = "This is just a test message"
	coreSignature = "INbVnW4e6PeRmsv2Qgu8NuopvrVjkcxob+sX8OcZG0SALhWybUjzMLPdAsXI46YZGb0KQTRii+wWIQzRpG/U+S0="
)

func coreKey(t testing.TB) *sig.PrivateKey {
	secret, compressed, err := address.DecodeWIF(&address.Prefixes{PrivateKey: 239}, coreWIF)
	k, ok := sig.NewPrivateKey(&secret)
	if err != nil || !ok || !compressed {
		t.Fatal(err)
	}
	return k
}

func TestMessage(t *testing.T) {
	k := coreKey(t)
	if got := Message(k, true, coreMessage); got != coreSignature {
		t.Errorf("%s, want %s", got, coreSignature)
	}
	for _, text := range []string{"", coreMessage, strings.Repeat("long ", 1000), "\x00ü\n"} {
		for _, compressed := range []bool{true, false} {
			s := Message(k, compressed, text)
			id, other := script.Hash160(k.PubKey(compressed)), script.Hash160(k.PubKey(!compressed))
			if ok, err := VerifyMessage(id, s, text); err != nil || !ok {
				t.Errorf("%q: %v, %v", text, ok, err)
			}
			if ok, err := VerifyMessage(other, s, text); err != nil || ok {
				t.Errorf("%q is signed for the other form of the key: %v", text, err)
			}
			if ok, err := VerifyMessage(id, s, text+"."); err != nil || ok {
				t.Errorf("%q is signed with a full stop: %v", text, err)
			}
		}
	}
}

func TestVerifyMessageEncodings(t *testing.T) {
	id := script.Hash160(coreKey(t).PubKey(true))
	for _, c := range []struct {
		name, signature string
		ok              bool
		err             error
	}{
		{"good", coreSignature, true, nil},
		{"empty", "", false, nil},
		{"short", coreSignature[:84], false, nil},
		{"long", base64.StdEncoding.EncodeToString(make([]byte, 66)), false, nil},
		{"all zeros", base64.StdEncoding.EncodeToString(make([]byte, 65)), false, nil},
		{"another letter", "J" + coreSignature[1:], false, nil},
		{"not base 64", "invalid_sig", false, ErrBase64},
		{"no padding", strings.TrimRight(coreSignature, "="), false, ErrBase64},
		{"too much padding", coreSignature + "=", false, ErrBase64},
		{"bits behind the end", strings.Replace(coreSignature, "S0=", "S1=", 1), false, ErrBase64},
		{"of the alphabet for addresses of pages", strings.Replace(coreSignature, "+", "-", 1), false, ErrBase64},
		{"a new line in it", coreSignature[:40] + "\n" + coreSignature[40:], false, ErrBase64},
		{"a new line behind it", coreSignature + "\r\n", false, ErrBase64},
		{"a space before it", " " + coreSignature, false, ErrBase64},
	} {
		if ok, err := VerifyMessage(id, c.signature, coreMessage); ok != c.ok || !errors.Is(err, c.err) {
			t.Errorf("%s: %v, %v, want %v, %v", c.name, ok, err, c.ok, c.err)
		}
	}
}

// FuzzVerifyMessage: any text is judged, and only the signature itself is good,
// or the one with the other S, for which anybody can turn it.
func FuzzVerifyMessage(f *testing.F) {
	f.Add(coreSignature, coreMessage)
	f.Add("invalid_sig", "")
	f.Fuzz(func(t *testing.T, signature, text string) {
		id := script.Hash160(coreKey(t).PubKey(true))
		ok, err := VerifyMessage(id, signature, text)
		if ok && text != coreMessage || ok && err != nil {
			t.Fatalf("%q %q: %v", signature, text, err)
		}
		if err != nil {
			return
		}
		raw, err := base64.StdEncoding.DecodeString(signature)
		if err != nil || base64.StdEncoding.EncodeToString(raw) != signature {
			t.Fatalf("%q was read and is not base 64", signature)
		}
	})
}
