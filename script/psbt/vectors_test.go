package psbt

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/keelson-chain/keelson/internal/vectors"
	"github.com/keelson-chain/keelson/script/address"
	"github.com/keelson-chain/keelson/script/hdkey"
	"github.com/keelson-chain/keelson/script/sig"
	"github.com/keelson-chain/keelson/script/sign"
	"github.com/keelson-chain/keelson/wire"
)

var testnet = address.Prefixes{
	PubKeyHash: 111, ScriptHash: 196, PrivateKey: 239, HRP: "bcrt",
	ExtPublic: [4]byte{0x04, 0x35, 0x87, 0xcf}, ExtPrivate: [4]byte{0x04, 0x35, 0x83, 0x94},
}

// coreVectors are those of Bitcoin Core's functional test of PSBT.
type coreVectors struct {
	Invalid        []string
	InvalidWithMsg [][2]string `json:"invalid_with_msg"`
	Valid          []string
	Creator        []struct {
		Inputs []struct {
			TxID wire.Hash
			Vout uint32
		}
		Outputs []map[string]json.Number
		Result  string
	}
	Signer []struct {
		Privkeys     []string
		PSBT, Result string
	}
	Combiner []struct {
		Combine []string
		Result  string
	}
	Finalizer []struct{ Finalize, Result string }
	Extractor []struct{ Extract, Result string }
}

func readCore(t testing.TB) (v coreVectors) {
	t.Helper()
	if err := json.Unmarshal(vectors.Read(t, "bitcoin-core-28.1/test/functional/data/rpc_psbt.json"), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// counted fails unless as many vectors ran as there are to be.
func counted(t *testing.T, name string, got, want int) {
	t.Helper()
	if got != want {
		t.Errorf("%d vectors of %s, want %d", got, name, want)
	}
}

func parse(t testing.TB, text string) *Packet {
	t.Helper()
	p, err := Parse(text)
	if err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return p
}

// stable checks that what is written is read as the same again.
func stable(t *testing.T, p *Packet) {
	t.Helper()
	if text := p.String(); parse(t, text).String() != text {
		t.Errorf("read and written again: %s, then %s", text, parse(t, text))
	}
}

func refused(t *testing.T, text string) error {
	t.Helper()
	p, err := Parse(text)
	var format FormatError
	if !errors.Is(err, ErrBase64) && !errors.Is(err, ErrTrailing) && !errors.As(err, &format) {
		t.Errorf("%s is read as %v, error %v", text, p, err)
	}
	return err
}

func TestCoreFormat(t *testing.T) {
	v := readCore(t)
	for i, text := range v.Invalid {
		t.Run(fmt.Sprintf("invalid/%d", i), func(t *testing.T) { refused(t, text) })
	}
	for _, c := range v.InvalidWithMsg {
		if err := refused(t, c[0]); err == nil || err.Error() != c[1] {
			t.Errorf("error %v, want %s", err, c[1])
		}
	}
	for i, text := range v.Valid {
		t.Run(fmt.Sprintf("valid/%d", i), func(t *testing.T) { stable(t, parse(t, text)) })
	}
	counted(t, "invalid", len(v.Invalid), 41)
	counted(t, "invalid_with_msg", len(v.InvalidWithMsg), 2)
	counted(t, "valid", len(v.Valid), 20)
}

func TestCoreRoles(t *testing.T) {
	v := readCore(t)
	for _, c := range v.Creator {
		tx := &wire.Tx{Version: 2}
		for _, in := range c.Inputs {
			tx.Inputs = append(tx.Inputs, wire.TxIn{PrevOut: wire.OutPoint{TxID: in.TxID, Index: in.Vout}, Sequence: wire.SequenceFinal})
		}
		for _, outs := range c.Outputs {
			for to, amount := range outs {
				pkScript, err := address.Decode(&testnet, to)
				if err != nil {
					t.Fatal(err)
				}
				whole, decimals, _ := strings.Cut(amount.String(), ".")
				var satoshi int64
				if _, err := fmt.Sscan(whole+(decimals + "00000000")[:8], &satoshi); err != nil {
					t.Fatal(err)
				}
				tx.Outputs = append(tx.Outputs, wire.TxOut{Value: wire.Amount(satoshi), PkScript: pkScript})
			}
		}
		same(t, "creator", New(tx).String(), c.Result)
	}
	for _, c := range v.Signer {
		var keys sign.Keys
		for _, wif := range c.Privkeys {
			secret, compressed, err := address.DecodeWIF(&testnet, wif)
			if err != nil {
				t.Fatal(err)
			}
			key, _ := sig.NewPrivateKey(&secret)
			keys.Add(key, compressed)
		}
		p := parse(t, c.PSBT)
		signAll(p, &keys, false)
		same(t, "signer", p.String(), c.Result)
	}
	for _, c := range v.Combiner {
		p := parse(t, c.Combine[0])
		for _, text := range c.Combine[1:] {
			if !p.Merge(parse(t, text)) {
				t.Error("combiner: not of the same transaction")
			}
		}
		same(t, "combiner", p.String(), c.Result)
	}
	for _, c := range v.Finalizer {
		p := parse(t, c.Finalize)
		if !p.Finalize() {
			t.Error("finalizer: not complete")
		}
		same(t, "finalizer", p.String(), c.Result)
	}
	for _, c := range v.Extractor {
		tx, ok := parse(t, c.Extract).Extract()
		if !ok {
			t.Fatal("extractor: not complete")
		}
		same(t, "extractor", hex.EncodeToString(tx.Append(nil)), c.Result)
	}
	counted(t, "creator", len(v.Creator), 1)
	counted(t, "signer", len(v.Signer), 6)
	counted(t, "combiner", len(v.Combiner), 2)
	counted(t, "finalizer", len(v.Finalizer), 1)
	counted(t, "extractor", len(v.Extractor), 1)
}

func same(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s:\n got %s\nwant %s", what, got, want)
	}
}

// signAll signs all inputs with SIGHASH_ALL.
func signAll(p *Packet, keys *sign.Keys, finalize bool) {
	s := NewSession(p)
	for i := range p.Inputs {
		s.SignInput(i, keys, 1, finalize)
	}
}

// bipVector is a case of the BIPs.
type bipVector struct {
	Section, Case string
	Step          *string
	Base64, Hex   string
}

func readBIP(t testing.TB, number string) (list []bipVector) {
	t.Helper()
	if err := json.Unmarshal(vectors.Read(t, "bips-extracted/bip-"+number+".json"), &list); err != nil {
		t.Fatal(err)
	}
	return list
}

// TestBIPFormat reads and refuses what BIPs 174, 371 and 373 do.
func TestBIPFormat(t *testing.T) {
	for _, c := range []struct {
		number         string
		invalid, valid int
	}{{"0174", 20, 24}, {"0371", 11, 6}, {"0373", 10, 14}} {
		invalid, valid := 0, 0
		for i, v := range readBIP(t, c.number) {
			t.Run(fmt.Sprintf("%s/%d", c.number, i), func(t *testing.T) {
				if v.Section == "invalid" {
					refused(t, v.Base64)
					invalid++
					return
				}
				b, err := hex.DecodeString(v.Hex)
				if err != nil {
					t.Fatal(err)
				}
				p, err := Decode(b)
				if err != nil {
					t.Fatalf("%s: %v", v.Case, err)
				}
				stable(t, p)
				valid++
			})
		}
		counted(t, c.number+" invalid", invalid, c.invalid)
		counted(t, c.number+" valid", valid, c.valid)
	}
}

// TestVersion2 refuses what is of BIP 370, as Bitcoin Core 28 does.
func TestVersion2(t *testing.T) {
	ran := 0
	for _, v := range readBIP(t, "0370") {
		b, err := base64.StdEncoding.DecodeString(v.Base64)
		if err != nil {
			t.Fatal(err)
		}
		p, err := Decode(b)
		// A few of the invalid ones are version 0 with fields that version 0
		// has not, which are unknown to it.
		if err == nil && (v.Section != "invalid" || len(p.Tx.Inputs) == 0) {
			t.Errorf("%s: read", v.Case)
		}
		ran++
	}
	counted(t, "0370", ran, 48)
}

// TestBIP174Signer signs nothing where the scripts do not fit the coins.
func TestBIP174Signer(t *testing.T) {
	list := readBIP(t, "0174")
	master, err := hdkey.ParsePrivate(&testnet, "tprv8ZgxMBicQKsPd9TeAdPADNnSyH9SSUUbTVeFszDE23Ki6TBB5nCefAdHkK8Fm3qMQR6sHwA56zqRmKmxnHk37JkiFzvncDqoKmPWubu7hDF")
	if err != nil {
		t.Fatal(err)
	}
	var keys sign.Keys
	for i := range uint32(6) {
		child := master
		for _, step := range []uint32{hdkey.Hardened, hdkey.Hardened, hdkey.Hardened + i} {
			if child, err = child.Child(step); err != nil {
				t.Fatal(err)
			}
		}
		key, _ := sig.NewPrivateKey(&child.Secret)
		keys.Add(key, true)
	}
	// The input whose coin is not spent by the scripts given with it.
	ran := 0
	for i, input := range []int{0, 0, 1, 1} {
		v := list[30+i]
		p := parse(t, v.Base64)
		before := len(p.Inputs[input].PartialSigs)
		signAll(p, &keys, true)
		if in := &p.Inputs[input]; in.IsFinal() || len(in.PartialSigs) != before {
			t.Errorf("%s: signed", v.Case)
		}
		ran++
	}
	counted(t, "0174 signer", ran, 4)
}

// TestBIP174Workflow goes from the creator to the extractor with two signers.
func TestBIP174Workflow(t *testing.T) {
	list := readBIP(t, "0174")
	at := func(i int) *Packet { return parse(t, list[i].Base64) }
	created, updated, typed, first, second, combined, finalized := at(34), at(35), at(36), at(37), at(38), at(39), at(40)
	same(t, "created", New(updated.Tx).String(), created.String())
	for i := range updated.Inputs {
		one := uint32(1)
		updated.Inputs[i].HashType = &one
	}
	same(t, "with hash types", updated.String(), typed.String())
	v := readCore(t)
	for i, want := range []*Packet{first, second} {
		var keys sign.Keys
		for _, wif := range v.Signer[i].Privkeys {
			secret, compressed, err := address.DecodeWIF(&testnet, wif)
			if err != nil {
				t.Fatal(err)
			}
			key, _ := sig.NewPrivateKey(&secret)
			keys.Add(key, compressed)
		}
		p := typed.Clone()
		signAll(p, &keys, true)
		// The signatures of the BIP are valid, but not those with a small R that
		// Bitcoin Core makes now.
		for j := range p.Inputs {
			got, want := p.Inputs[j].PartialSigs, want.Inputs[j].PartialSigs
			if len(got) != 1 || len(want) != 1 || !bytes.Equal(got[0].PubKey, want[0].PubKey) {
				t.Fatalf("signed by %d keys, want %d", len(got), len(want))
			}
			got[0].Sig = want[0].Sig
		}
		same(t, "signed", p.String(), want.String())
	}
	if !first.Merge(second) {
		t.Error("not of the same transaction")
	}
	same(t, "combined", first.String(), combined.String())
	if !first.Finalize() {
		t.Error("not complete")
	}
	same(t, "finalized", first.String(), finalized.String())
	p := at(41)
	if !p.Merge(at(42)) {
		t.Error("not of the same transaction")
	}
	same(t, "combined unknown fields", p.String(), list[43].Base64)
	if p.Merge(first) {
		t.Error("merged two transactions")
	}
	if len(p.Unknown) == 0 || !bytes.Equal(p.Append(nil), at(43).Append(nil)) {
		t.Error("unknown fields are lost")
	}
}
