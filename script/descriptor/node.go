package descriptor

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"

	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/script/address"
)

// node is a script expression.
type node interface {
	// appendText appends the canonical form.
	appendText(b []byte) []byte
	// script returns the script at a place.
	script(at *place) ([]byte, error)
}

// appendCall appends f(...), with what write appends between the parentheses.
func appendCall(b []byte, f string, write func([]byte) []byte) []byte {
	b = append(append(b, f...), '(')
	return append(write(b), ')')
}

// raw is raw(HEX) (BIP 385).
type raw []byte

func (r raw) script(*place) ([]byte, error) { return r, nil }

func (r raw) appendText(b []byte) []byte {
	return appendCall(b, "raw", func(b []byte) []byte { return hex.AppendEncode(b, r) })
}

// addr is addr(ADDRESS) (BIP 385).
type addr struct {
	text     string // canonical
	pkScript []byte
}

func newAddr(p *address.Prefixes, text string) (addr, error) {
	pkScript, err := address.Decode(p, text)
	if err != nil {
		return addr{}, err
	}
	if canonical, ok := address.Encode(p, pkScript); ok {
		text = canonical
	}
	return addr{text, pkScript}, nil
}

func (a addr) script(*place) ([]byte, error) { return a.pkScript, nil }

func (a addr) appendText(b []byte) []byte {
	return appendCall(b, "addr", func(b []byte) []byte { return append(b, a.text...) })
}

// pk is pk(KEY) (BIP 381); tapscript has it with an x-only key (BIP 386).
type pk struct {
	key   *key
	xOnly bool
}

func (n pk) script(at *place) ([]byte, error) {
	k, err := n.key.pubKey(at)
	if err != nil {
		return nil, err
	}
	if n.xOnly {
		k = k[1:33]
	}
	return payToPubKey(k), nil
}

func (n pk) appendText(b []byte) []byte { return appendCall(b, "pk", n.key.appendText) }

// pkh is pkh(KEY) (BIP 381).
type pkh struct{ key *key }

func (n pkh) script(at *place) ([]byte, error) {
	k, err := n.key.pubKey(at)
	return payToPubKeyHash(k), err
}

func (n pkh) appendText(b []byte) []byte { return appendCall(b, "pkh", n.key.appendText) }

// wpkh is wpkh(KEY) (BIP 382).
type wpkh struct{ key *key }

func (n wpkh) script(at *place) ([]byte, error) {
	k, err := n.key.pubKey(at)
	return payToWitnessPubKeyHash(k), err
}

func (n wpkh) appendText(b []byte) []byte { return appendCall(b, "wpkh", n.key.appendText) }

// combo is combo(KEY) (BIP 384), the one expression of many scripts.
type combo struct{ key *key }

// script is never called: combo stands at the top alone, where scripts is.
func (n combo) script(at *place) ([]byte, error) {
	k, err := n.key.pubKey(at)
	return payToPubKey(k), err
}

func (n combo) scripts(at *place) ([][]byte, error) {
	k, err := n.key.pubKey(at)
	if err != nil {
		return nil, err
	}
	list := [][]byte{payToPubKey(k), payToPubKeyHash(k)}
	if len(k) == 33 {
		witness := payToWitnessPubKeyHash(k)
		list = append(list, witness, payToScriptHash(witness))
	}
	return list, nil
}

func (n combo) appendText(b []byte) []byte { return appendCall(b, "combo", n.key.appendText) }

// sh is sh(SCRIPT) (BIP 381).
type sh struct{ inner node }

func (n sh) script(at *place) ([]byte, error) {
	s, err := n.inner.script(at)
	return payToScriptHash(s), err
}

func (n sh) appendText(b []byte) []byte { return appendCall(b, "sh", n.inner.appendText) }

// wsh is wsh(SCRIPT) (BIP 382).
type wsh struct{ inner node }

func (n wsh) script(at *place) ([]byte, error) {
	s, err := n.inner.script(at)
	hash := sha256.Sum256(s)
	return new(script.Builder).Op(script.Op0).Data(hash[:]).Script(), err
}

func (n wsh) appendText(b []byte) []byte { return appendCall(b, "wsh", n.inner.appendText) }

// multi is multi(k,KEY,...) or sortedmulti(k,KEY,...) (BIP 383), or with tapscript
// multi_a(k,KEY,...) or sortedmulti_a(k,KEY,...) (BIP 387).
type multi struct {
	threshold int
	keys      []*key
	sorted    bool
	tapscript bool
}

func (n multi) script(at *place) ([]byte, error) {
	keys := make([][]byte, len(n.keys))
	for i, k := range n.keys {
		var err error
		if keys[i], err = k.pubKey(at); err != nil {
			return nil, err
		}
		if n.tapscript {
			keys[i] = keys[i][1:33]
		}
	}
	if n.sorted {
		slices.SortFunc(keys, bytes.Compare)
	}
	var b script.Builder
	if !n.tapscript {
		b.Int(int64(n.threshold))
		for _, k := range keys {
			b.Data(k)
		}
		return b.Int(int64(len(keys))).Op(script.OpCheckMultisig).Script(), nil
	}
	for i, k := range keys {
		b.Data(k)
		if i == 0 {
			b.Op(script.OpCheckSig)
		} else {
			b.Op(script.OpCheckSigAdd)
		}
	}
	return b.Int(int64(n.threshold)).Op(script.OpNumEqual).Script(), nil
}

func (n multi) name() string {
	name := "multi"
	if n.sorted {
		name = "sortedmulti"
	}
	if n.tapscript {
		name += "_a"
	}
	return name
}

func (n multi) appendText(b []byte) []byte {
	return appendCall(b, n.name(), func(b []byte) []byte {
		b = strconv.AppendInt(b, int64(n.threshold), 10)
		for _, k := range n.keys {
			b = k.appendText(append(b, ','))
		}
		return b
	})
}

func payToPubKey(k []byte) []byte {
	return new(script.Builder).Data(k).Op(script.OpCheckSig).Script()
}

func payToPubKeyHash(k []byte) []byte {
	hash := script.Hash160(k)
	return new(script.Builder).Op(script.OpDup).Op(script.OpHash160).Data(hash[:]).
		Op(script.OpEqualVerify).Op(script.OpCheckSig).Script()
}

func payToWitnessPubKeyHash(k []byte) []byte {
	hash := script.Hash160(k)
	return new(script.Builder).Op(script.Op0).Data(hash[:]).Script()
}

func payToScriptHash(s []byte) []byte {
	hash := script.Hash160(s)
	return new(script.Builder).Op(script.OpHash160).Data(hash[:]).Op(script.OpEqual).Script()
}
