package script_test

import (
	"encoding/hex"
	"encoding/json"
	"path/filepath"
	"testing"

	"github.com/keelson-chain/keelson/internal/vectors"
	"github.com/keelson-chain/keelson/script"
)

func TestAssemble(t *testing.T) {
	for text, want := range map[string]string{
		"":                           "",
		" \t\n ":                     "",
		"DUP HASH160":                "76a9",
		"OP_DUP\tOP_HASH160":         "76a9",
		"0 1 16 -1":                  "0051604f",
		"17 -2 127 128 -255 256":     "0111" + "0182" + "017f" + "028000" + "02ff80" + "020001",
		"4294967295 -4294967295":     "05ffffffff00" + "05ffffffff80",
		"007":                        "57",
		"0x4c01ff 0xac":              "4c01ffac",
		"'' 'a' 'abc'":               "00" + "0161" + "03616263",
		"'\x01'":                     "0101",
		"RESERVED NOP10 CHECKSIGADD": "50b9ba",
		"CHECKLOCKTIMEVERIFY NOP4":   "b1b3",
	} {
		got, err := script.Assemble(text)
		if err != nil || hex.EncodeToString(got) != want {
			t.Errorf("%q: %x, %v, want %s", text, got, err, want)
		}
	}
	for _, bad := range []string{
		"4294967296", "-4294967296", "99999999999999999999", "-", "1x", "0x", "0x0", "0xzz", "dup", "'", "'a", "a'",
		"PUSHDATA1", "OP_PUSHDATA1", "OP_1", "OP_0", "1NEGATE", "OP_UNKNOWN", "UNKNOWN", "OP_OP_DUP", "INVALIDOPCODE", "'a b'",
	} {
		if got, err := script.Assemble(bad); err == nil {
			t.Errorf("%q: %x, want an error", bad, got)
		}
	}
}

// TestDecodeScript checks text and class of what decodescript must print.
func TestDecodeScript(t *testing.T) {
	var cases [][2]json.RawMessage
	if err := json.Unmarshal(vectors.Read(t, "bitcoin-core-28.1/test/functional/data/rpc_decodescript.json"), &cases); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		var text string
		var want struct{ Asm, Type string }
		if err := json.Unmarshal(c[0], &text); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(c[1], &want); err != nil {
			t.Fatal(err)
		}
		code := unhex(t, text)
		if got := script.Disassemble(code); got != want.Asm {
			t.Errorf("%s: %q, want %q", text, got, want.Asm)
		}
		if class, _ := script.Classify(code); class.String() != want.Type {
			t.Errorf("%s: %v, want %s", text, class, want.Type)
		}
	}
	if len(cases) != 10 {
		t.Errorf("%d cases ran, want 10", len(cases))
	}
}

// TestDecodedTransactions checks the text and class of the scripts in the
// decoded transactions that Bitcoin Core's own tools are tested with.
func TestDecodedTransactions(t *testing.T) {
	dir := vectors.Path(t, "bitcoin-core-28.1/test/util/data")
	names, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	type part struct{ Asm, Hex, Type string }
	ins, outs := 0, 0
	for _, name := range names {
		var tx struct {
			Vin  []struct{ ScriptSig *part }
			Vout []struct{ ScriptPubKey part }
		}
		if err := json.Unmarshal(vectors.Read(t, "bitcoin-core-28.1/test/util/data/"+filepath.Base(name)), &tx); err != nil {
			continue // the list of commands
		}
		for _, in := range tx.Vin {
			if in.ScriptSig == nil {
				continue
			}
			if got := script.DisassembleSigScript(unhex(t, in.ScriptSig.Hex)); got != in.ScriptSig.Asm {
				t.Errorf("%s: %q, want %q", filepath.Base(name), got, in.ScriptSig.Asm)
			}
			ins++
		}
		for _, out := range tx.Vout {
			code := unhex(t, out.ScriptPubKey.Hex)
			if got := script.Disassemble(code); got != out.ScriptPubKey.Asm {
				t.Errorf("%s: %q, want %q", filepath.Base(name), got, out.ScriptPubKey.Asm)
			}
			if class, _ := script.Classify(code); class.String() != out.ScriptPubKey.Type {
				t.Errorf("%s: %x is %v, want %s", filepath.Base(name), code, class, out.ScriptPubKey.Type)
			}
			outs++
		}
	}
	if ins != 71 || outs != 27 {
		t.Errorf("%d inputs and %d outputs ran, want 71 and 27", ins, outs)
	}
}

func TestClassify(t *testing.T) {
	key := "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
	long := "0479be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8"
	h20, h32 := "0102030405060708090a0b0c0d0e0f1011121314", key[2:]
	for _, c := range []struct {
		script string
		class  string
		data   []string
	}{
		{"", "nonstandard", nil},
		{"21" + key + "ac", "pubkey", []string{key}},
		{"41" + long + "ac", "pubkey", []string{long}},
		{"41" + "06" + long[2:] + "ac", "pubkey", []string{"06" + long[2:]}},
		{"41" + "02" + long[2:] + "ac", "nonstandard", nil},
		{"21" + "04" + key[2:] + "ac", "nonstandard", nil},
		{"4c21" + key + "ac", "nonstandard", nil},
		{"76a914" + h20 + "88ac", "pubkeyhash", []string{h20}},
		{"76a914" + h20 + "88ac61", "nonstandard", nil},
		{"a914" + h20 + "87", "scripthash", []string{h20}},
		{"a94c14" + h20 + "87", "nonstandard", nil},
		{"0014" + h20, "witness_v0_keyhash", []string{h20}},
		{"0020" + h32, "witness_v0_scripthash", []string{h32}},
		{"0002" + "0102", "nonstandard", nil},
		{"5120" + h32, "witness_v1_taproot", []string{h32}},
		{"51024e73", "anchor", nil},
		{"5102734e", "witness_unknown", []string{"01", "734e"}},
		{"52024e73", "witness_unknown", []string{"02", "4e73"}},
		{"6020" + h32, "witness_unknown", []string{"10", h32}},
		{"6120" + h32, "nonstandard", nil},
		{"514e73", "nonstandard", nil},
		{"6a", "nulldata", nil},
		{"6a0401020304", "nulldata", nil},
		{"6a50", "nulldata", nil},
		{"6a61", "nonstandard", nil},
		{"6a0201", "nonstandard", nil},
		{"51" + "21" + key + "51ae", "multisig", []string{"01", key, "01"}},
		{"52" + "21" + key + "41" + long + "52ae", "multisig", []string{"02", key, long, "02"}},
		{"52" + "21" + key + "51ae", "nonstandard", nil},
		{"51" + "21" + key + "52ae", "nonstandard", nil},
		{"00" + "21" + key + "51ae", "nonstandard", nil},
		{"5151ae", "nonstandard", nil},
		{"51" + "21" + key + "51ae61", "nonstandard", nil},
		{"51" + "21" + key + "51aeae", "nonstandard", nil},
		{"0101" + "21" + key + "51ae", "nonstandard", nil},
		{"51" + "20" + h32 + "51ae", "nonstandard", nil},
		{"51" + "21" + key[:64] + "ae", "witness_unknown", []string{"01", key[:64] + "ae"}},
		{"51" + "22" + key + "ae", "witness_unknown", []string{"01", key + "ae"}},
		{"51" + "4c22" + key + "ae", "nonstandard", nil},
		{"ae", "nonstandard", nil},
		{"51ae", "nonstandard", nil},
	} {
		class, data := script.Classify(unhex(t, c.script))
		if class.String() != c.class || len(data) != len(c.data) {
			t.Errorf("%s: %v %x, want %s %s", c.script, class, data, c.class, c.data)
			continue
		}
		for i := range data {
			if hex.EncodeToString(data[i]) != c.data[i] {
				t.Errorf("%s: datum %d is %x, want %s", c.script, i, data[i], c.data[i])
			}
		}
	}
	// The number of keys can be above 16, and is then a push.
	var many script.Builder
	many.Int(17)
	for range 20 {
		many.Data(unhex(t, key))
	}
	class, data := script.Classify(many.Int(20).Op(script.OpCheckMultisig).Script())
	if class != script.Multisig || len(data) != 22 || data[0][0] != 17 || data[21][0] != 20 {
		t.Errorf("17 of 20: %v with %d data", class, len(data))
	}
}

func TestSigOps(t *testing.T) {
	multi := "52 0x21 0x0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798 3 CHECKMULTISIG"
	for _, c := range []struct {
		text            string
		rough, accurate int
	}{
		{"", 0, 0},
		{"CHECKSIG CHECKSIGVERIFY", 2, 2},
		{"CHECKMULTISIG CHECKMULTISIGVERIFY", 40, 40},
		{"1 CHECKMULTISIG 16 CHECKMULTISIGVERIFY", 40, 17},
		{"0 CHECKMULTISIG", 20, 20},
		{"17 CHECKMULTISIG", 20, 20},
		{"-1 CHECKMULTISIG", 20, 20},
		{"3 NOP CHECKMULTISIG", 20, 20},
		{multi, 20, 3},
		{"CHECKSIGADD", 0, 0},
		{"0 IF CHECKSIG ENDIF", 1, 1},
		{"CHECKSIG 0x4c CHECKSIG", 1, 1}, // what stands behind a malformed push does not count
		{"0x02 0xacac", 0, 0},
		{"RETURN CHECKSIG", 1, 1},
	} {
		code, err := script.Assemble(c.text)
		if err != nil {
			t.Fatal(err)
		}
		rough, accurate := script.CountLegacySigOps(code, false), script.CountLegacySigOps(code, true)
		if rough != c.rough || accurate != c.accurate {
			t.Errorf("%s: %d and %d, want %d and %d", c.text, rough, accurate, c.rough, c.accurate)
		}
	}
}

func TestNestedSigOps(t *testing.T) {
	assemble := func(text string) []byte {
		b, err := script.Assemble(text)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	push := func(b []byte) []byte { return script.AppendPush(nil, b) }
	redeem := assemble("CHECKSIG 2 CHECKMULTISIG")
	p2sh := assemble("HASH160 0x14 0x0102030405060708090a0b0c0d0e0f1011121314 EQUAL")
	v0key := assemble("0 0x14 0x0102030405060708090a0b0c0d0e0f1011121314")
	v0script := assemble("0 0x20 0x0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20")
	taproot := assemble("1 0x20 0x0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20")
	witness := [][]byte{{1}, redeem}
	for _, c := range []struct {
		name                string
		sigScript, pkScript []byte
		witness             [][]byte
		p2sh, segwit        int
	}{
		{"P2SH", push(redeem), p2sh, nil, 3, 0},
		{"P2SH after other pushes", append(assemble("1 0 'a'"), push(redeem)...), p2sh, nil, 3, 0},
		{"P2SH, not only pushes", append(assemble("NOP"), push(redeem)...), p2sh, nil, 0, 0},
		{"P2SH, malformed", append(push(redeem), 0x4c), p2sh, nil, 0, 0},
		{"P2SH, a number last", append(push(redeem), 0x51), p2sh, nil, 0, 0},
		{"P2SH, nothing", nil, p2sh, nil, 0, 0},
		{"not P2SH", push(redeem), redeem, nil, 0, 0},
		{"P2WPKH", nil, v0key, witness, 0, 1},
		{"P2WPKH without witness", nil, v0key, nil, 0, 1},
		{"P2WSH", nil, v0script, witness, 0, 3},
		{"P2WSH without witness", nil, v0script, nil, 0, 0},
		{"P2SH-P2WPKH", push(v0key), p2sh, witness, 0, 1},
		{"P2SH-P2WSH", push(v0script), p2sh, witness, 0, 3},
		{"P2SH-P2WSH, not only pushes", append(assemble("NOP"), push(v0script)...), p2sh, witness, 0, 0},
		{"P2TR", nil, taproot, witness, 0, 0},
		{"P2SH-P2TR", push(taproot), p2sh, witness, 0, 0},
	} {
		if got := script.P2SHSigOps(c.sigScript, c.pkScript); got != c.p2sh {
			t.Errorf("%s: %d of P2SH, want %d", c.name, got, c.p2sh)
		}
		if got := script.WitnessSigOps(c.sigScript, c.pkScript, c.witness, script.VerifyP2SH|script.VerifyWitness); got != c.segwit {
			t.Errorf("%s: %d of the witness, want %d", c.name, got, c.segwit)
		}
		if got := script.WitnessSigOps(c.sigScript, c.pkScript, c.witness, script.VerifyP2SH); got != 0 {
			t.Errorf("%s: %d without segwit", c.name, got)
		}
	}
}

func TestUnspendable(t *testing.T) {
	for _, c := range []struct {
		script []byte
		want   bool
	}{
		{nil, false}, {[]byte{0x6a}, true}, {[]byte{0x51, 0x6a}, false},
		{make([]byte, 10_000), false}, {make([]byte, 10_001), true},
	} {
		if got := script.IsUnspendable(c.script); got != c.want {
			t.Errorf("%d bytes: %v", len(c.script), got)
		}
	}
}
