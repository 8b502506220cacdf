package policy

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/wire"
)

// A trial is a transaction that is put before every function that judges one
// alone. Its scripts are never run, so signatures may be anything.
type trial struct {
	rules Rules
	tx    *wire.Tx
	spent []consensus.Coin
	fee   wire.Amount
}

// standard returns a trial that passes: one key's coin goes to another key.
func standard() *trial {
	return &trial{
		rules: DefaultRules(),
		tx: &wire.Tx{
			Version: 2,
			Inputs: []wire.TxIn{{
				PrevOut:  wire.OutPoint{TxID: wire.Hash{1}},
				Witness:  [][]byte{make([]byte, 71), make([]byte, 33)},
				Sequence: wire.SequenceFinal,
			}},
			Outputs: []wire.TxOut{{Value: 10_000, PkScript: program(0, 20)}},
		},
		spent: []consensus.Coin{{Out: wire.TxOut{Value: 20_000, PkScript: program(0, 20)}}},
		fee:   10_000,
	}
}

func (c *trial) judge() error {
	if err := c.rules.CheckTx(c.tx); err != nil {
		return err
	}
	if err := CheckSize(c.tx); err != nil {
		return err
	}
	if err := c.rules.CheckInputs(c.tx, c.spent); err != nil {
		return err
	}
	if err := c.rules.CheckWitness(c.tx, c.spent); err != nil {
		return err
	}
	return c.rules.CheckDust(c.tx, c.fee, c.fee)
}

// pay makes pkScript that of the output.
func (c *trial) pay(pkScript []byte) { c.tx.Outputs[0].PkScript = pkScript }

// spend makes the input one of pkScript.
func (c *trial) spend(pkScript, sigScript []byte, witness ...[]byte) {
	c.spent[0].Out.PkScript = pkScript
	c.tx.Inputs[0].SigScript, c.tx.Inputs[0].Witness = sigScript, witness
}

// program returns the script of a witness program of n bytes.
func program(version, n int) []byte {
	return new(script.Builder).Int(int64(version)).Data(bytes.Repeat([]byte{7}, n)).Script()
}

// opReturn returns an OP_RETURN script of n bytes in all, which is at least 4.
func opReturn(n int) []byte {
	b := []byte{byte(script.OpReturn)}
	if n <= 77 {
		return script.AppendPush(b, make([]byte, n-2))
	}
	return script.AppendPush(b, make([]byte, n-3))
}

// multisig returns an m-of-n script.
func multisig(m, n int) []byte {
	b := new(script.Builder).Int(int64(m))
	for range n {
		b.Data(append([]byte{2}, make([]byte, 32)...))
	}
	return b.Int(int64(n)).Op(script.OpCheckMultisig).Script()
}

func keyHash() []byte {
	return new(script.Builder).Op(script.OpDup).Op(script.OpHash160).Data(make([]byte, 20)).
		Op(script.OpEqualVerify).Op(script.OpCheckSig).Script()
}

func pubKey(size int) []byte {
	key := make([]byte, size)
	key[0] = map[int]byte{33: 2, 65: 4}[size]
	return new(script.Builder).Data(key).Op(script.OpCheckSig).Script()
}

func scriptHash(redeem []byte) []byte {
	hash := script.Hash160(redeem)
	return new(script.Builder).Op(script.OpHash160).Data(hash[:]).Op(script.OpEqual).Script()
}

// sigScriptOf returns a signature script of n bytes of pushes.
func sigScriptOf(n int) []byte { return make([]byte, n) }

func push(elements ...[]byte) (b []byte) {
	for _, e := range elements {
		b = script.AppendPush(b, e)
	}
	return b
}

// checks returns a script with n signature checks.
func checks(n int) []byte { return bytes.Repeat([]byte{byte(script.OpCheckSig)}, n) }

func elements(n, size int) [][]byte { return slices.Repeat([][]byte{make([]byte, size)}, n) }

// anchor is a pay-to-anchor script.
var anchor = []byte{byte(script.Op1), 2, 0x4e, 0x73}

// control is the control block of a tapscript right below the key.
var control = append([]byte{0xc1}, make([]byte, 32)...)

// ofWeight pads the witness until the transaction weighs n.
func (c *trial) ofWeight(n int) {
	witness := c.tx.Inputs[0].Witness
	witness[0] = make([]byte, 100_000)
	witness[0] = make([]byte, 100_000+n-c.tx.Weight())
}

func TestRules(t *testing.T) {
	const (
		fine        = ""
		badInputs   = "bad-txns-nonstandard-inputs"
		badWitness  = "bad-witness-nonstandard"
		badScript   = "scriptpubkey"
		notPushOnly = "scriptsig-not-pushonly"
	)
	reached := make(map[string]bool)
	for _, c := range []struct {
		name  string
		munge func(*trial)
		want  string
	}{
		{"standard", func(*trial) {}, fine},

		{"version 0", func(c *trial) { c.tx.Version = 0 }, "version"},
		{"version 1", func(c *trial) { c.tx.Version = 1 }, fine},
		{"version 3", func(c *trial) { c.tx.Version = 3 }, fine},
		{"version 4", func(c *trial) { c.tx.Version = 4 }, "version"},
		{"version -1", func(c *trial) { c.tx.Version = 0xffffffff }, "version"},

		{"heaviest", func(c *trial) { c.ofWeight(400_000) }, fine},
		{"too heavy", func(c *trial) { c.ofWeight(400_001) }, "tx-size"},

		{"longest signature script", func(c *trial) { c.spend(keyHash(), sigScriptOf(1_650)) }, fine},
		{"signature script too long", func(c *trial) { c.spend(keyHash(), sigScriptOf(1_651)) }, "scriptsig-size"},
		{"signature script with OP_16", func(c *trial) { c.spend(keyHash(), []byte{0x60}) }, fine},
		{"signature script with OP_NOP", func(c *trial) { c.spend(keyHash(), []byte{0x61}) }, notPushOnly},
		{"signature script with OP_RESERVED", func(c *trial) { c.spend(keyHash(), []byte{0x50}) }, fine},
		{"signature script cut", func(c *trial) { c.spend(keyHash(), []byte{2, 0}) }, notPushOnly},

		{"to a key", func(c *trial) { c.pay(pubKey(33)) }, fine},
		{"to a long key", func(c *trial) { c.pay(pubKey(65)) }, fine},
		{"to a key hash", func(c *trial) { c.pay(keyHash()) }, fine},
		{"to a script hash", func(c *trial) { c.pay(scriptHash(nil)) }, fine},
		{"to P2WSH", func(c *trial) { c.pay(program(0, 32)) }, fine},
		{"to taproot", func(c *trial) { c.pay(program(1, 32)) }, fine},
		{"to the future", func(c *trial) { c.pay(program(16, 40)) }, fine},
		{"to version 1 of 20 bytes", func(c *trial) { c.pay(program(1, 20)) }, fine},
		{"to version 0 of 21 bytes", func(c *trial) { c.pay(program(0, 21)) }, badScript},
		{"to anyone", func(c *trial) { c.pay([]byte{0x51}) }, badScript},
		{"to an empty script", func(c *trial) { c.pay(nil) }, badScript},
		{"to a cut script", func(c *trial) { c.pay([]byte{5, 1}) }, badScript},

		{"multisig 1 of 1", func(c *trial) { c.pay(multisig(1, 1)) }, fine},
		{"multisig 3 of 3", func(c *trial) { c.pay(multisig(3, 3)) }, fine},
		{"multisig 1 of 4", func(c *trial) { c.pay(multisig(1, 4)) }, badScript},
		{"multisig 3 of 2", func(c *trial) { c.pay(multisig(3, 2)) }, badScript},
		{"multisig 0 of 1", func(c *trial) { c.pay(multisig(0, 1)) }, badScript},
		{"multisig not permitted", func(c *trial) {
			c.rules.PermitBareMultisig = false
			c.pay(multisig(1, 1))
		}, "bare-multisig"},
		{"multisig of 4 not permitted", func(c *trial) {
			c.rules.PermitBareMultisig = false
			c.pay(multisig(1, 4))
		}, badScript},
		{"multisig dust not permitted", func(c *trial) {
			c.rules.PermitBareMultisig = false
			c.pay(multisig(1, 1))
			c.tx.Outputs[0].Value = 0
		}, "bare-multisig"},

		{"most data", func(c *trial) { c.pay(opReturn(83)) }, fine},
		{"too much data", func(c *trial) { c.pay(opReturn(84)) }, badScript},
		{"data in several pushes", func(c *trial) { c.pay([]byte{0x6a, 1, 1, 1, 1, 0x51}) }, fine},
		{"OP_RETURN and more than pushes", func(c *trial) { c.pay([]byte{0x6a, 1, 1, 1, 1, 0x61}) }, badScript},
		{"data without value", func(c *trial) {
			c.pay(opReturn(40))
			c.tx.Outputs[0].Value = 0
		}, fine},
		{"more data by setting", func(c *trial) {
			c.rules.MaxDataCarrier = 84
			c.pay(opReturn(84))
		}, fine},
		{"no data by setting", func(c *trial) {
			c.rules.MaxDataCarrier = 0
			c.pay([]byte{0x6a})
		}, badScript},
		{"data beside value", func(c *trial) {
			c.tx.Outputs = append(c.tx.Outputs, wire.TxOut{PkScript: opReturn(40)})
		}, fine},
		{"data twice", func(c *trial) {
			c.tx.Outputs = append(c.tx.Outputs, slices.Repeat([]wire.TxOut{{PkScript: opReturn(40)}}, 2)...)
		}, "multi-op-return"},
		{"data twice before dust", func(c *trial) { // the whole is judged after the outputs
			c.tx.Outputs[0].Value = 0
			c.tx.Outputs = append(slices.Repeat([]wire.TxOut{{PkScript: opReturn(40)}}, 2), c.tx.Outputs[0], c.tx.Outputs[0])
		}, "dust"},
		{"dust without a fee", func(c *trial) { c.tx.Outputs[0].Value, c.fee = 0, 0 }, fine},
		{"two of dust without a fee", func(c *trial) {
			c.fee, c.tx.Outputs[0].Value = 0, 293
			c.tx.Outputs = append(c.tx.Outputs, c.tx.Outputs[0])
		}, "dust"},
		{"dust and data without a fee", func(c *trial) {
			c.fee, c.tx.Outputs[0].Value = 0, 0
			c.tx.Outputs = append(c.tx.Outputs, wire.TxOut{PkScript: opReturn(40)})
		}, fine},

		{"just no dust", func(c *trial) { c.tx.Outputs[0].Value = 294 }, fine},
		{"dust", func(c *trial) { c.tx.Outputs[0].Value = 293 }, "dust"},
		{"dust by setting", func(c *trial) {
			c.rules.DustRelay = 3_001
			c.tx.Outputs[0].Value = 294
		}, "dust"},
		{"nothing is dust by setting", func(c *trial) {
			c.rules.DustRelay = 0
			c.tx.Outputs[0].Value = 0
		}, fine},
		{"anchor just no dust", func(c *trial) {
			c.tx.Outputs = append(c.tx.Outputs, wire.TxOut{Value: 240, PkScript: anchor})
		}, fine},
		{"anchor of dust", func(c *trial) {
			c.tx.Outputs = append(c.tx.Outputs, wire.TxOut{Value: 239, PkScript: anchor})
		}, "dust"},

		{"65 bytes", func(c *trial) { c.pay(program(2, 3)) }, fine},
		{"64 bytes", func(c *trial) { c.pay(anchor) }, "tx-size-small"},

		{"spends a key", func(c *trial) { c.spend(pubKey(33), push(make([]byte, 71))) }, fine},
		{"spends multisig of 20", func(c *trial) { c.spend(multisig(1, 20), []byte{0, 0}) }, fine},
		{"spends no class", func(c *trial) { c.spend([]byte{0x51}, nil) }, badInputs},
		{"spends version 0 of 21 bytes", func(c *trial) { c.spend(program(0, 21), nil) }, badInputs},
		{"spends the future", func(c *trial) { c.spend(program(2, 32), nil) }, badInputs},
		{"spends version 1 of 31 bytes", func(c *trial) { c.spend(program(1, 31), nil) }, badInputs},
		{"spends an anchor", func(c *trial) { c.spend(anchor, nil) }, fine},
		{"spends what is not known", func(c *trial) { c.spent = nil }, badInputs},
		{"second spends no class", func(c *trial) {
			c.tx.Inputs = append(c.tx.Inputs, wire.TxIn{PrevOut: wire.OutPoint{TxID: wire.Hash{2}}})
			c.spent = append(c.spent, consensus.Coin{Out: wire.TxOut{PkScript: []byte{0x51}}})
		}, badInputs},

		{"redeem script of 15 checks", func(c *trial) { c.spend(scriptHash(nil), push(checks(15))) }, fine},
		{"redeem script of 16 checks", func(c *trial) { c.spend(scriptHash(nil), push(checks(16))) }, badInputs},
		{"redeem script multisig of 15", func(c *trial) { c.spend(scriptHash(nil), push(multisig(1, 15))) }, fine},
		{"redeem script multisig of 16", func(c *trial) {
			s := append([]byte{byte(script.Op16)}, byte(script.OpCheckMultisig))
			c.spend(scriptHash(nil), push(s))
		}, badInputs},
		{"16 checks that are not the redeem script", func(c *trial) { c.spend(scriptHash(nil), push(checks(16), checks(1))) }, fine},
		{"no redeem script", func(c *trial) { c.spend(scriptHash(nil), nil) }, badInputs},
		{"empty redeem script", func(c *trial) { c.spend(scriptHash(nil), []byte{0}) }, fine},
		{"number as redeem script", func(c *trial) { c.spend(scriptHash(nil), []byte{0x51}) }, fine},
		{"redeem script behind OP_RESERVED", func(c *trial) { c.spend(scriptHash(nil), []byte{0x50, 0}) }, badInputs},
		{"longest redeem script", func(c *trial) { c.spend(scriptHash(nil), push(make([]byte, 520))) }, fine},
		{"redeem script too long", func(c *trial) { c.spend(scriptHash(nil), push(make([]byte, 521))) }, badInputs},
		{"fullest stack", func(c *trial) { c.spend(scriptHash(nil), sigScriptOf(1_000)) }, fine},
		{"stack too full", func(c *trial) { c.spend(scriptHash(nil), sigScriptOf(1_001)) }, badInputs},

		{"witness for a key hash", func(c *trial) { c.spend(keyHash(), nil, []byte{1}) }, badWitness},
		{"empty element for a key hash", func(c *trial) { c.spend(keyHash(), nil, nil) }, badWitness},
		{"witness for an anchor", func(c *trial) { c.spend(anchor, nil, []byte{1}) }, badWitness},
		{"witness for a nested key", func(c *trial) { c.spend(scriptHash(nil), push(program(0, 20)), []byte{1}) }, fine},
		{"witness for a legacy redeem script", func(c *trial) { c.spend(scriptHash(nil), push(keyHash()), []byte{1}) }, badWitness},
		{"witness for a number", func(c *trial) { c.spend(scriptHash(nil), []byte{0x51}, []byte{1}) }, badWitness},
		{"witness of the second input", func(c *trial) {
			c.tx.Inputs = append(c.tx.Inputs, wire.TxIn{Witness: [][]byte{{1}}})
			c.spent = append(c.spent, consensus.Coin{Out: wire.TxOut{PkScript: keyHash()}})
		}, badWitness},

		{"longest witness script", func(c *trial) { c.spend(program(0, 32), nil, make([]byte, 3_600)) }, fine},
		{"witness script too long", func(c *trial) { c.spend(program(0, 32), nil, make([]byte, 3_601)) }, badWitness},
		{"nested witness script too long", func(c *trial) {
			c.spend(scriptHash(nil), push(program(0, 32)), make([]byte, 3_601))
		}, badWitness},
		{"most elements", func(c *trial) { c.spend(program(0, 32), nil, append(elements(100, 1), []byte{1})...) }, fine},
		{"too many elements", func(c *trial) { c.spend(program(0, 32), nil, append(elements(101, 1), []byte{1})...) }, badWitness},
		{"longest elements", func(c *trial) { c.spend(program(0, 32), nil, append(elements(2, 80), []byte{1})...) }, fine},
		{"element too long", func(c *trial) { c.spend(program(0, 32), nil, make([]byte, 81), []byte{1}) }, badWitness},

		{"taproot key", func(c *trial) { c.spend(program(1, 32), nil, make([]byte, 64)) }, fine},
		{"taproot long signature", func(c *trial) { c.spend(program(1, 32), nil, make([]byte, 1_000)) }, fine},
		{"taproot key that looks like an annex", func(c *trial) { c.spend(program(1, 32), nil, []byte{0x50}) }, fine},
		{"taproot key and annex", func(c *trial) { c.spend(program(1, 32), nil, make([]byte, 64), []byte{0x50}) }, badWitness},
		{"taproot script and annex", func(c *trial) { c.spend(program(1, 32), nil, []byte{0x51}, control, []byte{0x50}) }, badWitness},
		{"taproot without control block", func(c *trial) { c.spend(program(1, 32), nil, []byte{0x51}, nil) }, badWitness},
		{"tapscript", func(c *trial) { c.spend(program(1, 32), nil, []byte{0x51}, control) }, fine},
		{"long tapscript", func(c *trial) { c.spend(program(1, 32), nil, make([]byte, 10_000), control) }, fine},
		{"tapscript many elements", func(c *trial) {
			c.spend(program(1, 32), nil, append(elements(500, 1), []byte{0x51}, control)...)
		}, fine},
		{"tapscript longest elements", func(c *trial) {
			c.spend(program(1, 32), nil, append(elements(2, 520), []byte{0x51}, control)...)
		}, fine},
		{"tapscript element too long", func(c *trial) {
			c.spend(program(1, 32), nil, make([]byte, 521), []byte{0x51}, control)
		}, badWitness},
		{"tapscript element too long, even key", func(c *trial) {
			c.spend(program(1, 32), nil, make([]byte, 521), []byte{0x51}, append([]byte{0xc0}, control[1:]...))
		}, badWitness},
		{"element too long for another leaf version", func(c *trial) {
			c.spend(program(1, 32), nil, make([]byte, 521), []byte{0x51}, append([]byte{0xc2}, control[1:]...))
		}, fine},
		{"annex for a nested taproot program", func(c *trial) { // which has no rules
			c.spend(scriptHash(nil), push(program(1, 32)), []byte{1}, []byte{0x50})
		}, fine},
	} {
		trial := standard()
		c.munge(trial)
		got := reason(t, trial.judge())
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
		reached[got] = true
	}
	for _, want := range []string{
		"version", "tx-size", "scriptsig-size", "scriptsig-not-pushonly", "scriptpubkey", "bare-multisig", "dust",
		"multi-op-return", "tx-size-small", "bad-txns-nonstandard-inputs", "bad-witness-nonstandard",
	} {
		if !reached[want] {
			t.Errorf("no case is refused as %s", want)
		}
	}
}

// reason returns the reason of a refusal, "" for none. Any other error fails.
func reason(t testing.TB, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	var refusal *Error
	if !errors.As(err, &refusal) {
		t.Fatalf("%T is no refusal: %v", err, err)
	}
	return refusal.Reason
}

// TestOrder starts from a transaction with every fault and mends one after the
// other.
func TestOrder(t *testing.T) {
	c := standard()
	c.tx.Version = 0
	c.ofWeight(400_001)
	c.tx.Inputs[0].SigScript = bytes.Repeat([]byte{0x61}, 1_651)
	c.pay([]byte{0x51})
	c.spent = nil
	for _, step := range []struct {
		want string
		mend func()
	}{
		{"version", func() { c.tx.Version = 3 }},
		{"tx-size", func() { c.tx.Inputs[0].Witness = [][]byte{{1}} }},
		{"scriptsig-size", func() { c.tx.Inputs[0].SigScript = []byte{0x61} }},
		{"scriptsig-not-pushonly", func() { c.tx.Inputs[0].SigScript = nil }},
		{"scriptpubkey", func() { c.tx.Outputs = slices.Repeat([]wire.TxOut{{PkScript: anchor}}, 2) }},
		{"dust", func() { c.tx.Outputs = c.tx.Outputs[:1] }},
		{"tx-size-small", func() { c.pay(program(0, 20)) }},
		{"bad-txns-nonstandard-inputs", func() { c.spent = []consensus.Coin{{Out: wire.TxOut{PkScript: keyHash()}}} }},
		{"bad-witness-nonstandard", func() { c.tx.Inputs[0].Witness = nil }},
		{"dust", func() { c.tx.Outputs[0].Value = 294 }},
	} {
		if got := reason(t, c.judge()); got != step.want {
			t.Fatalf("%q, want %q", got, step.want)
		}
		step.mend()
	}
	if err := c.judge(); err != nil {
		t.Error(err)
	}
}

// TestCoinbase: what a coinbase spends and its witness are not for these two.
func TestCoinbase(t *testing.T) {
	tx := &wire.Tx{Inputs: []wire.TxIn{{PrevOut: wire.OutPoint{Index: 0xffffffff}, Witness: [][]byte{make([]byte, 32)}}}}
	r := DefaultRules()
	if err := errors.Join(r.CheckInputs(tx, nil), r.CheckWitness(tx, nil)); err != nil {
		t.Error(err)
	}
}

// TestMissingCoins hands in no coins for a witness.
func TestMissingCoins(t *testing.T) {
	c := standard()
	if got := reason(t, c.rules.CheckWitness(c.tx, nil)); got != "bad-witness-nonstandard" {
		t.Errorf("%q", got)
	}
}

func TestCheckSigOps(t *testing.T) {
	if err := CheckSigOps(16_000); err != nil {
		t.Error(err)
	}
	err := CheckSigOps(16_001)
	if err == nil || err.Error() != "bad-txns-too-many-sigops, 16001" {
		t.Error(err)
	}
}

func TestDustThreshold(t *testing.T) {
	for _, c := range []struct {
		name     string
		pkScript []byte
		rate     FeeRate
		want     wire.Amount
	}{
		{"P2PKH", keyHash(), 3_000, 546},
		{"P2SH", scriptHash(nil), 3_000, 540},
		{"P2WPKH", program(0, 20), 3_000, 294},
		{"P2WSH", program(0, 32), 3_000, 330},
		{"P2TR", program(1, 32), 3_000, 330},
		{"P2A", anchor, 3_000, 240},
		{"P2PK", pubKey(33), 3_000, 576},
		{"P2PK, long key", pubKey(65), 3_000, 672},
		{"bare multisig", multisig(1, 1), 3_000, 582},
		{"longest program", program(16, 40), 3_000, 354},
		{"shortest program", program(16, 2), 3_000, 240},
		{"no program", program(16, 41), 3_000, 600},
		{"script with a longer length", make([]byte, 253), 3_000, 3 * (8 + 3 + 253 + 148)},
		{"OP_RETURN", opReturn(40), 3_000, 0},
		{"longest script", make([]byte, 10_000), 3_000, 3 * (8 + 3 + 10_000 + 148)},
		{"script too long", make([]byte, 10_001), 3_000, 0},
		{"rounded up", keyHash(), 3_702, 674},
		{"at no rate", keyHash(), 0, 0},
		{"at the lowest rate", keyHash(), 1, 1},
	} {
		rules := Rules{DustRelay: c.rate}
		out := wire.TxOut{PkScript: c.pkScript}
		if got := rules.DustThreshold(&out); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, int64(got), int64(c.want))
		}
		out.Value = c.want
		if rules.IsDust(&out) {
			t.Errorf("%s: %d is dust", c.name, int64(out.Value))
		}
		out.Value--
		if !rules.IsDust(&out) {
			t.Errorf("%s: %d is no dust", c.name, int64(out.Value))
		}
	}
}

func TestVSize(t *testing.T) {
	for _, c := range []struct{ weight, sigOps, bytesPerSigOp, want int }{
		{0, 0, 20, 0}, {1, 0, 20, 1}, {4, 0, 20, 1}, {5, 0, 20, 2}, {400_000, 1, 20, 100_000},
		{400, 20, 20, 100}, {400, 21, 20, 105}, {401, 20, 20, 101}, {400, 100, 0, 100}, {400, 401, 1, 101},
	} {
		if got := VSize(c.weight, c.sigOps, c.bytesPerSigOp); got != c.want {
			t.Errorf("VSize(%d, %d, %d) = %d, want %d", c.weight, c.sigOps, c.bytesPerSigOp, got, c.want)
		}
	}
}

func TestSignalsRBF(t *testing.T) {
	for _, c := range []struct {
		sequences []uint32
		want      bool
	}{
		{nil, false},
		{[]uint32{0xffffffff}, false},
		{[]uint32{0xfffffffe}, false},
		{[]uint32{0xfffffffd}, true},
		{[]uint32{0}, true},
		{[]uint32{0xffffffff, 0xfffffffe}, false},
		{[]uint32{0xffffffff, 0xfffffffd}, true},
	} {
		tx := new(wire.Tx)
		for _, s := range c.sequences {
			tx.Inputs = append(tx.Inputs, wire.TxIn{Sequence: s})
		}
		if got := SignalsRBF(tx); got != c.want {
			t.Errorf("%x: %v", c.sequences, got)
		}
	}
}

// TestErrorText holds the text against the form in which RPC shows it.
func TestErrorText(t *testing.T) {
	for want, err := range map[string]error{
		"dust":                    &Error{Reason: "dust"},
		"TRUC-violation, too big": &Error{Reason: "TRUC-violation", Debug: "too big"},
	} {
		if err.Error() != want {
			t.Errorf("%q, want %q", err, want)
		}
	}
	if strings.Contains(refuse("dust").Error(), ",") {
		t.Error("a comma with nothing after it")
	}
}
