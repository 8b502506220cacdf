package oracle

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/ecdsa"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/btcsuite/btcd/txscript/v2"
	btcwire "github.com/btcsuite/btcd/wire/v2"

	"github.com/keelson-chain/keelson/internal/oracle/corpus"
	"github.com/keelson-chain/keelson/internal/oracle/scriptdiff"
	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/script/sig"
	"github.com/keelson-chain/keelson/script/sign"
	"github.com/keelson-chain/keelson/wire"
)

// signer is one key in both implementations.
type signer struct {
	ours   *sig.PrivateKey
	theirs *btcec.PrivateKey
}

func newSigner(rng *rand.Rand) signer {
	var secret [32]byte
	for i := range 4 {
		binary.BigEndian.PutUint64(secret[8*i:], rng.Uint64())
	}
	ours, ok := sig.NewPrivateKey(&secret)
	if !ok {
		panic("a random secret above the order")
	}
	theirs, _ := btcec.PrivKeyFromBytes(secret[:])
	return signer{ours, theirs}
}

// signCase is a spend of one kind, drawn at random.
type signCase struct {
	name     string
	tx       *wire.Tx
	spent    []*wire.TxOut
	input    int
	hashType byte
	keys     []signer
	code     []byte // what ECDSA signatures commit to; nil for taproot
	witness  bool   // they stand in a witness
	tweaked  bool   // the output key of taproot is tweaked
	provider sign.Keys
}

func drawSignCase(rng *rand.Rand) *signCase {
	c := &signCase{tx: &wire.Tx{Version: rng.Uint32N(3), LockTime: rng.Uint32N(100)}}
	n := 1 + rng.IntN(3)
	for range n {
		in := wire.TxIn{PrevOut: wire.OutPoint{Index: rng.Uint32N(9)}, Sequence: rng.Uint32()}
		binary.BigEndian.PutUint64(in.PrevOut.TxID[:], rng.Uint64())
		c.tx.Inputs = append(c.tx.Inputs, in)
		c.tx.Outputs = append(c.tx.Outputs, wire.TxOut{Value: wire.Amount(rng.IntN(1e9)), PkScript: []byte{byte(script.Op1)}})
		c.spent = append(c.spent, &wire.TxOut{Value: wire.Amount(rng.IntN(1e9)), PkScript: []byte{byte(script.Op1)}})
	}
	c.input = rng.IntN(n)
	c.hashType = []byte{1, 2, 3, 0x81, 0x82, 0x83}[rng.IntN(6)]
	build := func() *script.Builder { return new(script.Builder) }
	key := newSigner(rng)
	c.keys = []signer{key}
	long := rng.IntN(4) == 0
	pub := key.ours.PubKey(!long)
	hash := script.Hash160(pub)
	keyHash := build().Op(script.OpDup).Op(script.OpHash160).Data(hash[:]).Op(script.OpEqualVerify).Op(script.OpCheckSig).Script()
	var pkScript []byte
	switch rng.IntN(6) {
	case 0:
		c.name, c.code = "key", build().Data(pub).Op(script.OpCheckSig).Script()
		pkScript = c.code
	case 1:
		c.name, c.code, pkScript = "key hash", keyHash, keyHash
	case 2:
		long = false
		hash = script.Hash160(key.ours.PubKey(true))
		c.name, c.witness = "witness key hash", true
		c.code = build().Op(script.OpDup).Op(script.OpHash160).Data(hash[:]).Op(script.OpEqualVerify).Op(script.OpCheckSig).Script()
		pkScript = build().Op(script.Op0).Data(hash[:]).Script()
	case 3, 4:
		long = false
		required := 1 + rng.IntN(3)
		keys := required + rng.IntN(3)
		b := build().Int(int64(required))
		c.keys = nil
		for range keys {
			s := newSigner(rng)
			b.Data(s.ours.PubKey(true))
			if len(c.keys) < required {
				c.keys = append(c.keys, s)
			}
		}
		c.name, c.code = "multisig", b.Int(int64(keys)).Op(script.OpCheckMultisig).Script()
		pkScript = c.code
		c.provider.AddScript(c.code)
		switch rng.IntN(3) {
		case 0:
			c.name = "multisig in a witness"
			h := sha256.Sum256(c.code)
			pkScript, c.witness = build().Op(script.Op0).Data(h[:]).Script(), true
		case 1:
			c.name = "multisig behind a script hash"
			h := script.Hash160(c.code)
			pkScript = build().Op(script.OpHash160).Data(h[:]).Op(script.OpEqual).Script()
		}
	default:
		long = false
		x := key.ours.XOnly()
		c.name, c.tweaked = "taproot", rng.IntN(2) == 0
		if c.hashType == 1 && rng.IntN(2) == 0 {
			c.hashType = 0
		}
		if c.tweaked {
			x, _ = c.provider.AddTaproot(sign.Taproot{InternalKey: x})
		}
		pkScript = build().Op(script.Op1).Data(x[:]).Script()
	}
	for _, s := range c.keys {
		c.provider.Add(s.ours, !long)
	}
	c.spent[c.input].PkScript = pkScript
	return c
}

// TestSign signs random spends: both engines take them, and the signatures are
// btcd's, but for those whose R we make low and btcd does not.
func TestSign(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 0))
	ran := map[string]int{}
	same, ground := 0, 0
	for range 1500 {
		c := drawSignCase(rng)
		s := sign.NewTx(c.tx, c.spent)
		if errs := s.Sign(&c.provider, sign.HashType(c.hashType)); errs[c.input] != nil {
			t.Fatalf("%s, hash type %#x: %v", c.name, c.hashType, errs[c.input])
		}
		signed := s.Tx()
		spend := &corpus.Spend{Tx: signed, Input: c.input, Flags: script.StandardFlags}
		for _, out := range c.spent {
			spend.Spent = append(spend.Spent, *out)
		}
		if v := scriptdiff.Compare(spend); v.Ours != nil || v.Theirs != nil || v.Batch != nil {
			t.Fatalf("%s, hash type %#x: %+v\n%x", c.name, c.hashType, v, signed.Append(nil))
		}
		in := &signed.Inputs[c.input]
		everything := append(bytes.Clone(in.SigScript), bytes.Join(in.Witness, nil)...)
		for i, theirs := range btcdSignatures(t, c, signed) {
			has := bytes.Contains(everything, theirs)
			low := c.code == nil || theirs[3] <= 32 // the length of R
			if has != low {
				t.Fatalf("%s, hash type %#x, key %d: btcd signs %x\n%x", c.name, c.hashType, i, theirs, everything)
			}
			if low {
				same++
			} else {
				ground++
			}
		}
		ran[c.name]++
	}
	t.Logf("%v; %d signatures the same, %d with a lower R", ran, same, ground)
	if len(ran) != 7 || same < 500 || ground < 500 {
		t.Errorf("%v; %d signatures the same, %d with a lower R", ran, same, ground)
	}
}

// btcdSignatures returns the signatures that btcd makes with the keys of c, hash
// types included.
func btcdSignatures(t *testing.T, c *signCase, signed *wire.Tx) (list [][]byte) {
	var tx btcwire.MsgTx
	if err := tx.Deserialize(bytes.NewReader(signed.Append(nil))); err != nil {
		t.Fatal(err)
	}
	outs := txscript.NewMultiPrevOutFetcher(nil)
	for i, in := range tx.TxIn {
		outs.AddPrevOut(in.PreviousOutPoint, &btcwire.TxOut{Value: int64(c.spent[i].Value), PkScript: c.spent[i].PkScript})
	}
	hashes := txscript.NewTxSigHashes(&tx, outs)
	hashType := txscript.SigHashType(c.hashType)
	for _, k := range c.keys {
		var s []byte
		var err error
		switch {
		case c.code == nil:
			hash, hashErr := txscript.CalcTaprootSignatureHash(hashes, hashType, &tx, c.input, outs)
			if hashErr != nil {
				t.Fatal(hashErr)
			}
			key := k.theirs
			if c.tweaked {
				key = txscript.TweakTaprootPrivKey(*key, nil)
			}
			// What BIP 340 has for a signature without randomness.
			made, signErr := schnorr.Sign(key, hash, schnorr.CustomNonce([32]byte{}))
			if err = signErr; err == nil {
				if s = made.Serialize(); c.hashType != 0 {
					s = append(s, c.hashType)
				}
			}
		case c.witness:
			s, err = txscript.RawTxInWitnessSignature(&tx, hashes, c.input, int64(c.spent[c.input].Value), c.code, hashType, k.theirs)
		default:
			s, err = txscript.RawTxInSignature(&tx, c.input, c.code, hashType, k.theirs)
		}
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, s)
	}
	return list
}

// TestSignedMessages: btcd makes the same signatures of messages, and recovers
// the same keys from them and from changed ones.
func TestSignedMessages(t *testing.T) {
	rng := rand.New(rand.NewPCG(12, 0))
	recovered := 0
	for i := range 300 {
		k, compressed := newSigner(rng), rng.IntN(2) == 0
		text := string(make([]byte, i)) + "a message"
		hash := sign.MessageHash(text)
		theirs := ecdsa.SignCompact(k.theirs, hash[:], compressed)
		if got, want := sign.Message(k.ours, compressed, text), base64.StdEncoding.EncodeToString(theirs); got != want {
			t.Fatalf("%s, btcd %s", got, want)
		}
		if i%2 == 1 {
			theirs[1+rng.IntN(64)] ^= 1 << rng.IntN(8)
		}
		ours, ok := sig.RecoverCompact(theirs, hash)
		key, _, err := ecdsa.RecoverCompact(theirs, hash[:])
		if ok != (err == nil) {
			t.Fatalf("%x: ours %v, btcd %v", theirs, ok, err)
		}
		if ok {
			recovered++
			if !bytes.Equal(ours, key.SerializeCompressed()) && !bytes.Equal(ours, key.SerializeUncompressed()) {
				t.Fatalf("%x: ours %x, btcd %x", theirs, ours, key.SerializeCompressed())
			}
		}
	}
	if recovered < 200 || recovered == 300 {
		t.Errorf("%d keys recovered of 300", recovered)
	}
}
