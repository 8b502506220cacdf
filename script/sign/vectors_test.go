package sign

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"

	"github.com/keelson-chain/keelson/internal/vectors"
	"github.com/keelson-chain/keelson/script/sig"
	"github.com/keelson-chain/keelson/wire"
)

// hexBytes is bytes that JSON holds in hexadecimal; nil for null.
type hexBytes []byte

func (h *hexBytes) UnmarshalText(text []byte) (err error) {
	*h, err = hex.DecodeString(string(text))
	return err
}

// TestBIP341 signs what the wallet vectors of BIP 341 spend by keys.
func TestBIP341(t *testing.T) {
	var v struct {
		KeyPathSpending []struct {
			Given struct {
				RawUnsignedTx hexBytes
				UtxosSpent    []struct {
					ScriptPubKey hexBytes
					AmountSats   wire.Amount
				}
			}
			InputSpending []struct {
				Given struct {
					TxinIndex       int
					InternalPrivkey hexBytes
					MerkleRoot      hexBytes
					HashType        HashType
				}
				Expected struct{ Witness []hexBytes }
			}
			Auxiliary struct{ FullySignedTx hexBytes }
		}
	}
	if err := json.Unmarshal(vectors.Read(t, "bitcoin-core-28.1/src/test/data/bip341_wallet_vectors.json"), &v); err != nil {
		t.Fatal(err)
	}
	ran := 0
	for _, c := range v.KeyPathSpending {
		unsigned, err := wire.DecodeTx(c.Given.RawUnsignedTx)
		if err != nil {
			t.Fatal(err)
		}
		var spent []*wire.TxOut
		for _, u := range c.Given.UtxosSpent {
			spent = append(spent, &wire.TxOut{Value: u.AmountSats, PkScript: u.ScriptPubKey})
		}
		s := NewTx(unsigned, spent)
		for _, in := range c.InputSpending {
			k, ok := sig.NewPrivateKey((*[32]byte)(in.Given.InternalPrivkey))
			if !ok {
				t.Fatalf("%x is no private key", in.Given.InternalPrivkey)
			}
			var keys Keys
			keys.Add(k, true)
			keys.AddTaproot(Taproot{InternalKey: k.XOnly(), Root: in.Given.MerkleRoot})
			var d Data
			if !s.Produce(in.Given.TxinIndex, &keys, in.Given.HashType, &d) {
				t.Errorf("input %d is not signed", in.Given.TxinIndex)
				continue
			}
			s.Set(in.Given.TxinIndex, &d)
			if len(d.Witness) != 1 || len(in.Expected.Witness) != 1 || !bytes.Equal(d.Witness[0], in.Expected.Witness[0]) {
				t.Errorf("input %d: witness %x, want %x", in.Given.TxinIndex, d.Witness, in.Expected.Witness)
			}
			ran++
		}
		// What is not taproot's is taken over.
		want, err := wire.DecodeTx(c.Auxiliary.FullySignedTx)
		if err != nil {
			t.Fatal(err)
		}
		got := s.Tx()
		for i := range got.Inputs {
			if len(got.Inputs[i].Witness) == 0 {
				got.Inputs[i].SigScript, got.Inputs[i].Witness = want.Inputs[i].SigScript, want.Inputs[i].Witness
			}
		}
		if !bytes.Equal(got.Append(nil), want.Append(nil)) {
			t.Errorf("signed: %x, want %x", got.Append(nil), want.Append(nil))
		}
	}
	if ran != 7 {
		t.Errorf("%d inputs signed, want 7", ran)
	}
}

// TestBitcoinTx signs what the tests of Bitcoin Core's bitcoin-tx sign: with
// "sign=ALL" before "outaddr=", so that the signatures cover no outputs.
func TestBitcoinTx(t *testing.T) {
	one := [32]byte{31: 1} // the private key of all of them
	k, _ := sig.NewPrivateKey(&one)
	outs := []wire.TxOut{{Value: 100_000, PkScript: unhex(t, "76a9145834479edbbe0539b31ffd3a8f8ebadc2165ed0188ac")}}
	for _, c := range []struct {
		file       string
		version    uint32
		txid       string
		pkScript   string
		compressed bool
	}{
		{"txcreatesignv1.hex", 1, "4d49a71ec9da436f71ec4ee231d04f292a29cd316f598bb7068feccabdc59485", "76a91491b24bf9f5288532960ac687abb035127b1d28a588ac", false},
		{"txcreatesignv2.hex", 2, "4d49a71ec9da436f71ec4ee231d04f292a29cd316f598bb7068feccabdc59485", "76a91491b24bf9f5288532960ac687abb035127b1d28a588ac", false},
		{"txcreatesignsegwit1.hex", 2, "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff", "0014751e76e8199196d454941c45d1b3a323f1433bd6", true},
	} {
		want := strings.TrimSpace(string(vectors.Read(t, "bitcoin-core-28.1/test/util/data/"+c.file)))
		txid, err := wire.ParseHash(c.txid)
		if err != nil {
			t.Fatal(err)
		}
		tx := &wire.Tx{
			Version: c.version,
			Inputs:  []wire.TxIn{{PrevOut: wire.OutPoint{TxID: txid}, Sequence: wire.SequenceFinal}},
		}
		var keys Keys
		keys.Add(k, c.compressed)
		s := NewTx(tx, []*wire.TxOut{{PkScript: unhex(t, c.pkScript)}})
		errs := s.Sign(&keys, all)
		signed := s.Tx()
		signed.Outputs = outs
		if got := hex.EncodeToString(signed.Append(nil)); errs[0] != nil || got != want {
			t.Errorf("%s: %v\n got %s\nwant %s", c.file, errs[0], got, want)
		}
	}
}
