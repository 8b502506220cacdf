package psbt

import (
	"bytes"
	"encoding/base64"
	"errors"
	"testing"

	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/script/address"
	"github.com/keelson-chain/keelson/script/descriptor"
	"github.com/keelson-chain/keelson/script/sig"
	"github.com/keelson-chain/keelson/script/sign"
	"github.com/keelson-chain/keelson/wire"
)

// wif returns the private key with a number in the wallet import format.
func wif(number byte) string {
	return address.EncodeWIF(&testnet, [32]byte{0: 1, 31: number}, true)
}

// pub returns the public key with a number in hexadecimal.
func pub(number byte) string {
	key, _ := sig.PubKeyOf(&[32]byte{0: 1, 31: number})
	const digits = "0123456789abcdef"
	var b []byte
	for _, c := range key {
		b = append(b, digits[c>>4], digits[c&15])
	}
	return string(b)
}

// known returns what a descriptor says, and the script that it pays.
func known(t testing.TB, text string) (*sign.Keys, []byte) {
	t.Helper()
	d, err := descriptor.Parse(&testnet, text, false)
	if err != nil {
		t.Fatal(err)
	}
	e, err := d.Expand(0)
	if err != nil {
		t.Fatal(err)
	}
	keys := new(sign.Keys)
	for _, s := range e.Inner {
		keys.AddScript(s)
	}
	for _, k := range e.Keys {
		keys.AddKnown(sign.KnownKey{PubKey: k.PubKey, Origin: sign.Origin{Fingerprint: k.Fingerprint, Path: k.Path}})
		if k.Private != nil {
			keys.Add(k.Private, len(k.PubKey) == sig.CompressedSize)
		}
	}
	if e.Tree != nil {
		out := sign.Taproot{InternalKey: e.Tree.InternalKey, Root: e.Tree.Root}
		for _, leaf := range e.Tree.Leaves {
			out.Leaves = append(out.Leaves, sign.TapLeaf(leaf))
		}
		keys.AddTaproot(out)
	}
	return keys, e.Scripts[len(e.Scripts)-1]
}

// fund returns a packet that spends an output with a script, of which the
// transaction is known, and pays another one.
func fund(pkScript, to []byte) *Packet {
	prev := &wire.Tx{Version: 2, Inputs: make([]wire.TxIn, 1), Outputs: []wire.TxOut{{}, {Value: 100_000, PkScript: pkScript}}}
	p := New(&wire.Tx{
		Version: 2,
		Inputs:  []wire.TxIn{{PrevOut: wire.OutPoint{TxID: prev.TxID(), Index: 1}, Sequence: 0xfffffffd}},
		Outputs: []wire.TxOut{{Value: 90_000, PkScript: to}},
	})
	p.Inputs[0].NonWitnessUTXO = prev
	return p
}

// spends checks a transaction by the rules of relaying, with the script engine.
func spends(t *testing.T, tx *wire.Tx, spent []wire.TxOut) {
	t.Helper()
	for i := range tx.Inputs {
		if err := script.Verify(script.NewSigHashes(tx, spent), i, script.StandardFlags, sig.Exact{Verifier: sig.DCRD()}); err != nil {
			t.Errorf("input %d: %v", i, err)
		}
	}
}

// TestSpends goes through all roles for each kind of output: an updater who
// knows public keys, signers who know one private key each, a combiner, a
// finalizer. Each step is written and read again.
func TestSpends(t *testing.T) {
	for _, c := range []struct {
		name    string
		public  string
		signers []string
		next    []Role // of the updated packet, and behind each signer
	}{
		{"pk", "pk(" + pub(1) + ")", []string{"pk(" + wif(1) + ")"}, []Role{Signer, Finalizer}},
		{"pkh", "pkh(" + pub(1) + ")", []string{"pkh(" + wif(1) + ")"}, []Role{Signer, Finalizer}},
		{"wpkh", "wpkh(" + pub(1) + ")", []string{"wpkh(" + wif(1) + ")"}, []Role{Signer, Finalizer}},
		{"sh(wpkh)", "sh(wpkh(" + pub(1) + "))", []string{"wpkh(" + wif(1) + ")"}, []Role{Signer, Finalizer}},
		{"combo", "combo(" + pub(1) + ")", []string{"combo(" + wif(1) + ")"}, []Role{Signer, Finalizer}},
		{
			"sh(multi)", "sh(multi(2," + pub(1) + "," + pub(2) + "," + pub(3) + "))",
			[]string{"pk(" + wif(1) + ")", "pk(" + wif(3) + ")"}, []Role{Signer, Signer, Finalizer},
		},
		{
			"wsh(multi)", "wsh(multi(2," + pub(1) + "," + pub(2) + "," + pub(3) + "))",
			[]string{"pk(" + wif(3) + ")", "pk(" + wif(2) + ")"}, []Role{Signer, Signer, Finalizer},
		},
		{
			"sh(wsh(sortedmulti))", "sh(wsh(sortedmulti(2," + pub(1) + "," + pub(2) + ")))",
			[]string{"pk(" + wif(1) + ")", "pk(" + wif(2) + ")"}, []Role{Signer, Signer, Finalizer},
		},
		{"tr", "tr(" + pub(1) + ")", []string{"tr(" + wif(1) + ")"}, []Role{Updater, Finalizer}},
		{"tr by key", "tr(" + pub(1) + ",pk(" + pub(2) + "))", []string{"tr(" + wif(1) + ")"}, []Role{Updater, Finalizer}},
		{
			"tr by script", "tr(" + pub(1) + ",{pk(" + pub(2) + "),multi_a(2," + pub(3) + "," + pub(4) + "," + pub(5) + ")})",
			[]string{"pk(" + wif(5) + ")", "pk(" + wif(3) + ")"}, []Role{Updater, Updater, Finalizer},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			public, pkScript := known(t, c.public)
			p := fund(pkScript, pkScript)
			spent := []wire.TxOut{*p.UTXO(0)}
			if complete, _ := NewSession(p).SignInput(0, public, sign.Default, true); complete {
				t.Fatal("complete without private keys")
			}
			p.UpdateOutput(0, public)
			stable(t, p)
			next := []Role{p.Analyze().Next}
			var combined *Packet
			for _, signer := range c.signers {
				own := parse(t, p.String())
				keys, _ := known(t, signer)
				NewSession(own).SignInput(0, keys, sign.Default, false)
				own = parse(t, own.String())
				if combined == nil {
					combined = own
				} else if !combined.Merge(own) {
					t.Fatal("not of the same transaction")
				}
				a := combined.Analyze()
				if next = append(next, a.Next); a.Fee == nil || *a.Fee != 10_000 {
					t.Errorf("fee %v", a.Fee)
				}
			}
			for i, want := range c.next {
				if i >= len(next) || next[i] != want {
					t.Fatalf("next roles %v, want %v", next, c.next)
				}
			}
			combined = parse(t, combined.String())
			estimate := combined.Analyze().Estimate
			tx, ok := combined.Extract()
			if !ok {
				t.Fatalf("not complete: %s", combined)
			}
			spends(t, tx, spent)
			// R and S are at most 32 bytes, and mostly that long.
			if size := tx.VSize(); estimate == nil || estimate.VSize() < size || estimate.VSize() > size+4 {
				t.Errorf("estimated %v for %d vbytes", estimate, size)
			}
			if next := combined.Analyze().Next; next != Extractor {
				t.Errorf("next %v behind the finalizer", next)
			}
		})
	}
}

// TestUpdate looks at what an updater adds to inputs and outputs.
func TestUpdate(t *testing.T) {
	keys, pkScript := known(t, "wsh(pkh([01020304/5h/6]"+pub(1)+"))")
	p := fund(pkScript, pkScript)
	NewSession(p).SignInput(0, keys, sign.Default, false)
	p.UpdateOutput(0, keys)
	in, out := &p.Inputs[0], &p.Outputs[0]
	if in.WitnessScript == nil || !bytes.Equal(in.WitnessScript, out.WitnessScript) || in.WitnessUTXO == nil {
		t.Errorf("scripts %x and %x, coin %v", in.WitnessScript, out.WitnessScript, in.WitnessUTXO)
	}
	for _, list := range [][]Derivation{in.Derivations, out.Derivations} {
		if len(list) != 1 || list[0].Origin.Fingerprint != [4]byte{1, 2, 3, 4} || Path(list[0].Origin.Path) != "m/5h/6" {
			t.Errorf("derivations %+v", list)
		}
	}

	keys, pkScript = known(t, "tr([01020304/7]"+pub(1)+",{pk("+pub(2)+"),{pk("+pub(3)+"),pk("+pub(2)+")}})")
	p = fund(pkScript, pkScript)
	NewSession(p).SignInput(0, keys, sign.Default, false)
	p.UpdateOutput(0, keys)
	in, out = &p.Inputs[0], &p.Outputs[0]
	if in.TapInternalKey == [32]byte{} || in.TapMerkleRoot == [32]byte{} || out.TapInternalKey != in.TapInternalKey {
		t.Errorf("internal keys %x and %x, root %x", in.TapInternalKey, out.TapInternalKey, in.TapMerkleRoot)
	}
	var depths []byte
	for _, leaf := range out.TapTree {
		depths = append(depths, leaf.Depth)
	}
	if !bytes.Equal(depths, []byte{1, 2, 2}) {
		t.Errorf("depths %v", depths)
	}
	// Two of the leaves are the same script, at different places.
	if len(in.TapScripts) != 2 || len(in.TapDerivations) != 3 {
		t.Errorf("%d leaves, %d keys", len(in.TapScripts), len(in.TapDerivations))
	}
	stable(t, p)
}

// TestWitnessOnly signs nothing for a coin that is known without its
// transaction but by a witness.
func TestWitnessOnly(t *testing.T) {
	for desc, want := range map[string]bool{"pkh(" + wif(1) + ")": false, "wpkh(" + wif(1) + ")": true} {
		keys, pkScript := known(t, desc)
		p := fund(pkScript, pkScript)
		p.Inputs[0].WitnessUTXO, p.Inputs[0].NonWitnessUTXO = p.UTXO(0), nil
		if complete, _ := NewSession(p).SignInput(0, keys, sign.Default, true); complete != want {
			t.Errorf("%s: complete %v", desc, complete)
		}
	}
}

func TestAnalyze(t *testing.T) {
	keys, pkScript := known(t, "wsh(multi(1,"+pub(1)+","+pub(2)+"))")
	blank := fund(pkScript, pkScript)
	blank.Inputs[0].NonWitnessUTXO = nil
	if a := blank.Analyze(); a.Next != Updater || a.Inputs[0].HasUTXO || a.Fee != nil || a.Estimate != nil {
		t.Errorf("blank: %+v", a)
	}
	p := fund(pkScript, pkScript)
	if a := p.Analyze(); a.Next != Updater || !bytes.Equal(a.Inputs[0].Missing.WitnessScript, pkScript[2:]) {
		t.Errorf("without its script: %+v", a)
	}
	NewSession(p).SignInput(0, keys, sign.Default, true)
	if a := p.Analyze(); a.Next != Signer || len(a.Inputs[0].Missing.Signatures) != 2 {
		t.Errorf("without signatures: %+v", a)
	}
	_, pkScript = known(t, "pkh("+pub(1)+")")
	if a := fund(pkScript, pkScript).Analyze(); a.Next != Updater || len(a.Inputs[0].Missing.PubKeys) != 1 {
		t.Errorf("without its key: %+v", a)
	}
	for want, munge := range map[string]func(*Packet){
		"PSBT is not valid. Input 0 has invalid value": func(p *Packet) {
			p.Inputs[0].NonWitnessUTXO, p.Inputs[0].WitnessUTXO = nil, &wire.TxOut{Value: wire.MaxMoney + 1}
		},
		"PSBT is not valid. Input 0 spends unspendable output": func(p *Packet) {
			p.Inputs[0].NonWitnessUTXO, p.Inputs[0].WitnessUTXO = nil, &wire.TxOut{PkScript: []byte{byte(script.OpReturn)}}
		},
		"PSBT is not valid. Output amount invalid": func(p *Packet) { p.Tx.Outputs[0].Value = -1 },
	} {
		p := fund(pkScript, pkScript)
		munge(p)
		if a := p.Analyze(); a.Fault != want || a.Next != Creator {
			t.Errorf("%q: %+v", want, a)
		}
	}
}

func TestJoin(t *testing.T) {
	_, one := known(t, "wpkh("+pub(1)+")")
	_, two := known(t, "wpkh("+pub(2)+")")
	a, b := fund(one, one), fund(two, two)
	a.Tx.LockTime, b.Tx.LockTime, b.Tx.Version = 7, 5, 3
	a.Inputs[0].PartialSigs = []sign.Signature{{PubKey: one, Sig: two}}
	b.Inputs[0].FinalWitness = [][]byte{one}
	a.Unknown, b.Unknown = []Field{{Key: []byte{0xf0, 1}}}, []Field{{Key: []byte{0xf0, 0}}}
	reverse := func(n int, swap func(i, j int)) {
		for i := range n / 2 {
			swap(i, n-1-i)
		}
	}
	p, twice := Join([]*Packet{a, b}, reverse)
	if twice != nil || p.Tx.LockTime != 5 || p.Tx.Version != 3 || len(p.Unknown) != 2 || p.Unknown[0].Key[1] != 0 {
		t.Fatalf("joined %+v, twice %v", p, twice)
	}
	if p.Tx.Inputs[0].PrevOut != b.Tx.Inputs[0].PrevOut || p.Inputs[0].NonWitnessUTXO != b.Inputs[0].NonWitnessUTXO ||
		!bytes.Equal(p.Tx.Outputs[0].PkScript, two) || p.Inputs[0].IsFinal() || len(p.Inputs[1].PartialSigs) != 0 {
		t.Errorf("joined %s", p)
	}
	if _, twice := Join([]*Packet{a, a}, reverse); twice == nil || *twice != a.Tx.Inputs[0].PrevOut {
		t.Errorf("twice %v", twice)
	}
}

// TestFormatErrors spoils one thing of a packet at a time.
func TestFormatErrors(t *testing.T) {
	_, pkScript := known(t, "wpkh("+pub(1)+")")
	good := fund(pkScript, pkScript).Append(nil)
	tx := len(magic) + 3
	field := func(key, value string) []byte {
		return appendBytes(appendBytes(nil, []byte(key)), []byte(value))
	}
	// global returns the packet with fields in the global map.
	txLen := int(good[len(magic)+2])
	global := func(fields ...[]byte) []byte {
		return append(append(bytes.Clone(good[:tx+txLen]), bytes.Join(fields, nil)...), good[tx+txLen:]...)
	}
	output := func(fields ...[]byte) []byte {
		return append(append(bytes.Clone(good[:len(good)-1]), bytes.Join(fields, nil)...), 0)
	}
	for _, c := range []struct {
		b    []byte
		want error
	}{
		{good, nil},
		{good[:4], FormatError("Invalid PSBT magic bytes")},
		{append(bytes.Clone(good), 0), ErrTrailing},
		{good[:len(good)-1], FormatError("Outputs provided does not match the number of outputs in transaction.")},
		{good[:tx+txLen+1], FormatError("Inputs provided does not match the number of inputs in transaction.")},
		{good[:tx+txLen], FormatError("Separator is missing at the end of the global map")},
		{good[:tx+3], errEnd},
		{[]byte(magic + "\x00"), FormatError("No unsigned transaction was provided")},
		{global(field("\xfb", "\x00\x00\x00\x00")), nil},
		{global(field("\xfb", "\x02\x00\x00\x00")), FormatError("Unsupported version number")},
		{global(field("\xfb", "\x00")), errSize},
		{global(field("\xf0\x01", "x"), field("\xf0\x02", "")), nil},
		{global(field("\xf0\x01", "x"), field("\xf0\x01", "")), errUnknown},
		{global(field("\xfc\x01a\x00", "x"), field("\xfc\x01a\x01", "")), nil},
		{global(field("\xfc\x01a\x00", "x"), field("\xfc\x01a\x00", "")), errOwn},
		{global(field("\xfc\x05a\x00", "x")), errKeyEnd},
		{global(field("\xfd\x01\x00", "x")), FormatError("non-canonical ReadCompactSize()")},
		{output(field("\x06", "\x00\xc0\x01\x51")), nil},
		{output(field("\x06", "\x01\xc0\x01\x51\x01\xc0\x00")), nil},
		{output(field("\x06", "\x01\xc0\x01\x51")), FormatError("Output Taproot tree is malformed")},
		{output(field("\x06", "\x00\xc0\x01\x51\x00\xc0\x00")), FormatError("Output Taproot tree is malformed")},
		{output(field("\x06", "\x02\xc0\x01\x51\x01\xc0\x00")), FormatError("Output Taproot tree is malformed")},
		{output(field("\x06", "\x00\xc1\x01\x51")), FormatError("Output Taproot tree has a leaf with an invalid leaf version")},
		{output(field("\x06", "\x81\xc0\x01\x51")), FormatError("Output Taproot tree has as leaf greater than Taproot maximum depth")},
		{output(field("\x06", "\x00\xc0\x05\x51")), errKeyEnd},
	} {
		p, err := Decode(c.b)
		if !errors.Is(err, c.want) {
			t.Errorf("%x: error %v, want %v", c.b, err, c.want)
		}
		if err == nil {
			stable(t, p)
		}
	}
	for _, text := range []string{"", "=", base64.StdEncoding.EncodeToString(good)[1:], base64.StdEncoding.EncodeToString(good) + "\n"} {
		if _, err := Parse(text); text != "" && !errors.Is(err, ErrBase64) || err == nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// TestMaxFields refuses more fields than the limit before it has read them.
func TestMaxFields(t *testing.T) {
	b := append([]byte(magic), 1, 0, 10, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	for i := range MaxFields {
		b = append(b, 4, 0xf0, byte(i), byte(i>>8), byte(i>>16), 0)
	}
	if _, err := Decode(append(b, 0)); !errors.Is(err, errMany) {
		t.Errorf("error %v", err)
	}
}

func FuzzDecode(f *testing.F) {
	_, pkScript := known(f, "wpkh("+pub(1)+")")
	f.Add(fund(pkScript, pkScript).Append(nil))
	keys, pkScript := known(f, "tr("+pub(1)+",{pk("+pub(2)+"),multi_a(1,"+pub(3)+","+pub(4)+")})")
	p := fund(pkScript, pkScript)
	NewSession(p).SignInput(0, keys, sign.Default, false)
	p.UpdateOutput(0, keys)
	p.Inputs[0].SHA256 = []Preimage{{make([]byte, 32), []byte("x")}}
	p.XPubs = []XPub{{Key: [xpubSize]byte{45: 2, 46: 0x79}}}
	p.Proprietary = []Proprietary{{Field: Field{Key: []byte("\xfc\x01a\x00")}}}
	f.Add(p.Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := Decode(b)
		if err != nil {
			var format FormatError
			if !errors.Is(err, ErrTrailing) && !errors.As(err, &format) {
				t.Fatalf("error %v", err)
			}
			return
		}
		written := p.Append(nil)
		again, err := Decode(written)
		if err != nil || !bytes.Equal(again.Append(nil), written) {
			t.Fatalf("%x is read, and written as %x, which is read with error %v", b, written, err)
		}
		if p.Clone().Merge(again); !bytes.Equal(p.Append(nil), written) {
			t.Fatal("a clone's merge changed the packet")
		}
		p.Analyze()
		p.Finalize()
		stable(t, p)
	})
}

func BenchmarkDecode(b *testing.B) {
	v := readCore(b)
	raw, err := base64.StdEncoding.DecodeString(v.Finalizer[0].Finalize)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decode(raw); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppend(b *testing.B) {
	p, err := Parse(readCore(b).Finalizer[0].Finalize)
	if err != nil {
		b.Fatal(err)
	}
	var raw []byte
	b.ReportAllocs()
	for b.Loop() {
		raw = p.Append(raw[:0])
	}
	b.SetBytes(int64(len(raw)))
}
