package scriptdiff

import (
	"bytes"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/ecdsa"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/btcsuite/btcd/chainhash/v2"

	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/script/sig"
)

// placeholder stands in a script for a signature that is made once it is
// known what it signs. It is well-formed, so that the engine gets as far as
// asking whether it is valid.
type placeholder struct {
	text     []byte // as it stands in the script, hash type included
	bare     []byte // without hash type
	key      *btcec.PrivateKey
	schnorr  bool
	hashType []byte // appended to the signature; empty for the default one
	hash     *[32]byte
}

// ecdsaSig returns a placeholder for a signature by key.
func (d *draft) ecdsaSig(key *btcec.PrivateKey) []byte {
	hashType := pick[byte](d.rng, 1, 1, 1, 2, 3, 0x81, 0x82, 0x83)
	der := []byte{0x30, 0x44, 2, 0x20}
	der = append(append(der, 0x11), randomBytes(d.rng, 31)...)
	der = append(der, 2, 0x20)
	der = append(append(der, 0x11), randomBytes(d.rng, 31)...)
	return d.placeholder(der, key, false, []byte{hashType})
}

// schnorrSig returns a placeholder for a BIP 340 signature by key.
func (d *draft) schnorrSig(key *btcec.PrivateKey) []byte {
	hashType := pick(d.rng, []byte{}, []byte{}, []byte{1}, []byte{2}, []byte{3}, []byte{0x81}, []byte{0x82}, []byte{0x83})
	return d.placeholder(randomBytes(d.rng, 64), key, true, hashType)
}

func (d *draft) placeholder(bare []byte, key *btcec.PrivateKey, schnorr bool, hashType []byte) []byte {
	p := placeholder{bare: bare, key: key, schnorr: schnorr, hashType: hashType}
	p.text = append(bytes.Clone(bare), hashType...)
	d.sigs = append(d.sigs, p)
	return p.text
}

// recorder is a Checker that takes a placeholder for a valid signature by its
// key, and remembers what it would have to sign.
type recorder struct{ d *draft }

func (r recorder) Check(c *sig.Check) bool {
	if c.Kind == sig.Tweak {
		return sig.DCRD().Verify(c)
	}
	for i := range r.d.sigs {
		p := &r.d.sigs[i]
		if bytes.Equal(p.bare, c.Sig) && p.key == r.d.privs[string(c.PubKey)] {
			hash := c.Hash
			p.hash = &hash
			return true
		}
	}
	return false
}

func (r recorder) Defer(c *sig.Check) bool { return r.Check(c) }

// sign puts signatures in the place of the placeholders.
func (d *draft) sign() {
	if len(d.sigs) == 0 {
		return
	}
	// The verdict does not matter: a script that fails asks for what it asks.
	_ = script.Verify(script.NewSigHashes(d.Tx, d.Spent), d.Input, d.Flags, recorder{d})
	in := d.in()
	for i := range d.sigs {
		p := &d.sigs[i]
		if p.hash == nil {
			continue
		}
		real := append(p.sign(), p.hashType...)
		for j := range in.Witness {
			if bytes.Equal(in.Witness[j], p.text) {
				in.Witness[j] = real
			}
		}
		in.SigScript = replacePush(in.SigScript, p.text, real)
		d.Spent[d.Input].PkScript = replacePush(d.Spent[d.Input].PkScript, p.text, real)
	}
}

func (p *placeholder) sign() []byte {
	if !p.schnorr {
		return ecdsa.Sign(p.key, p.hash[:]).Serialize()
	}
	s, err := schnorr.Sign(p.key, p.hash[:], schnorr.FastSign())
	if err != nil {
		panic(err) // the hash has 32 bytes, and the nonce is found
	}
	return s.Serialize()
}

// replacePush returns code with the pushes of old made pushes of data.
func replacePush(code, old, data []byte) []byte {
	if !bytes.Contains(code, old) {
		return code
	}
	var b []byte
	last := 0
	t := script.Tokenize(code)
	for t.Next() {
		if bytes.Equal(t.Data, old) {
			b = push(b, data)
		} else {
			b = append(b, code[last:t.Offset()]...)
		}
		last = t.Offset()
	}
	return append(b, code[last:]...)
}

func hash160(b []byte) []byte { return address.Hash160(b) }

func tapBranch(a, b [32]byte) chainhash.Hash {
	if bytes.Compare(a[:], b[:]) > 0 {
		a, b = b, a
	}
	return *chainhash.TaggedHash(chainhash.TagTapBranch, a[:], b[:])
}
