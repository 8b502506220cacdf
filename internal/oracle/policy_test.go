package oracle

import (
	"bytes"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/mempool"
	"github.com/btcsuite/btcd/txscript/v2"
	btcdwire "github.com/btcsuite/btcd/wire/v2"

	"github.com/keelson-chain/keelson/mempool/policy"
	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/wire"
)

// TestDust holds our threshold against btcd's GetDustThreshold, which is that
// of 3000 sat/kvB, and both verdicts at any rate: btcd names a third of it.
//
// They differ in what nobody can spend: by Bitcoin Core's rules that is never
// dust, by btcd's always, and btcd counts a script among it that ends within a
// push. At a rate of zero, where btcd rounds, only Bitcoin Core calls a negative
// value dust; consensus has refused it before.
func TestDust(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 0))
	rules := policy.DefaultRules()
	dust, unspendable := 0, 0
	const executions = 100_000
	for range executions {
		pkScript := randomOutputScript(rng)
		theirs := &btcdwire.TxOut{PkScript: pkScript}
		out := wire.TxOut{PkScript: pkScript}

		rules.DustRelay = 3_000
		threshold := rules.DustThreshold(&out)
		if script.IsUnspendable(pkScript) {
			unspendable++
			if threshold != 0 || !mempool.IsDust(theirs, 1_000) {
				t.Fatalf("%x: threshold %d, btcd %v", pkScript, int64(threshold), mempool.IsDust(theirs, 1_000))
			}
			continue
		}
		if want := mempool.GetDustThreshold(theirs); int64(threshold) != want {
			t.Fatalf("%x: threshold %d, btcd %d", pkScript, int64(threshold), want)
		}
		if txscript.IsUnspendable(pkScript) {
			continue // ends within a push
		}
		rate := rng.Int64N(10_000)
		rules.DustRelay = policy.FeeRate(3 * rate)
		out.Value = max(0, rules.DustThreshold(&out)+wire.Amount(rng.IntN(5)-2))
		theirs.Value = int64(out.Value)
		got := rules.IsDust(&out)
		if want := mempool.IsDust(theirs, btcutil.Amount(rate)); got != want {
			t.Fatalf("%d in %x at %d: dust %v, btcd %v", theirs.Value, pkScript, 3*rate, got, want)
		}
		if got {
			dust++
		}
	}
	if dust < executions/10 || unspendable < executions/100 {
		t.Errorf("%d dust and %d unspendable of %d: too one-sided to say much", dust, unspendable, executions)
	}
}

// randomOutputScript returns a script of some class, often with a byte changed,
// cut or added.
func randomOutputScript(rng *rand.Rand) []byte {
	fill := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
		return b
	}
	key := func() []byte {
		if rng.IntN(2) == 0 {
			return append([]byte{byte(2 + rng.IntN(2))}, fill(32)...)
		}
		return append([]byte{4}, fill(64)...)
	}
	b := new(script.Builder)
	switch rng.IntN(8) {
	case 0:
		b.Data(key()).Op(script.OpCheckSig)
	case 1:
		b.Op(script.OpDup).Op(script.OpHash160).Data(fill(20)).Op(script.OpEqualVerify).Op(script.OpCheckSig)
	case 2:
		b.Op(script.OpHash160).Data(fill(20)).Op(script.OpEqual)
	case 3:
		n := 1 + rng.IntN(5)
		b.Int(int64(1 + rng.IntN(n)))
		for range n {
			b.Data(key())
		}
		b.Int(int64(n)).Op(script.OpCheckMultisig)
	case 4:
		b.Op(script.OpReturn)
		if n := rng.IntN(90); n > 1 {
			b.Data(fill(n))
		}
	case 5:
		b.Int(0).Data(fill(20 + 12*rng.IntN(2)))
	case 6:
		b.Int(1).Data([]byte{0x4e, 0x73})
	case 7:
		b.Int(int64(rng.IntN(17))).Data(fill(2 + rng.IntN(40)))
	}
	s := b.Script()
	if rng.IntN(4) == 0 {
		switch rng.IntN(4) {
		case 0:
			s[rng.IntN(len(s))] = byte(rng.Uint32())
		case 1:
			s = s[:rng.IntN(len(s))]
		case 2:
			s = append(s, byte(rng.Uint32()))
		case 3:
			s = append(s, make([]byte, rng.IntN(11_000))...)
		}
	}
	return s
}

// TestStandardTx runs transactions through both checks of what is standard,
// and counts where they are known to differ.
func TestStandardTx(t *testing.T) {
	seeds := txSeeds(t)
	rng := rand.New(rand.NewPCG(7, 0))
	rules := policy.DefaultRules()
	reasons := make(map[string]int)
	known := make(map[string]int)
	const executions = 30_000
	for range executions {
		seed, err := wire.DecodeTx(seeds[rng.IntN(len(seeds))])
		if err != nil {
			t.Fatal(err)
		}
		if len(seed.Inputs) == 0 {
			continue
		}
		tx := seed.Clone()
		standardize(rng, tx)
		raw := tx.Append(nil)
		theirs, err := btcutil.NewTxFromReader(bytes.NewReader(raw))
		if err != nil {
			t.Fatalf("%x: %v", raw, err)
		}
		if got, want := policy.VSize(tx.Weight(), 0, rules.BytesPerSigOp), mempool.GetTxVirtualSize(theirs); int64(got) != want {
			t.Fatalf("%x: virtual size %d, btcd %d", raw, got, want)
		}
		ours := rules.CheckTx(tx)
		if ours == nil {
			ours = rules.CheckDust(tx, 1, 1) // of a transaction that pays, which has no dust at all
		}
		// At this height and time every lock time has passed: whether it has
		// is not for policy to say.
		theirErr := mempool.CheckTransactionStandard(theirs, math.MaxInt32, time.Unix(math.MaxUint32+1, 0), 1_000, 3)
		reason := ""
		if ours != nil {
			reason = ours.(*policy.Error).Reason
		}
		if (ours == nil) != (theirErr == nil) {
			why := knownDifference(tx)
			if why == "" {
				t.Fatalf("%x: ours %v, btcd %v", raw, ours, theirErr)
			}
			known[why]++
			continue
		}
		reasons[reason]++
	}
	t.Logf("%d executions, reasons %v, known differences %v", executions, reasons, known)
	for _, want := range []string{"", "version", "tx-size", "scriptsig-size", "scriptsig-not-pushonly", "scriptpubkey", "dust", "multi-op-return"} {
		if reasons[want] == 0 {
			t.Errorf("no execution with reason %q", want)
		}
	}
}

// standardize makes tx one that may be standard, and breaks up to two rules.
func standardize(rng *rand.Rand, tx *wire.Tx) {
	tx.Version = 1 + rng.Uint32N(3)
	for i := range tx.Inputs {
		in := &tx.Inputs[i]
		if !script.IsPushOnly(in.SigScript) {
			in.SigScript = nil
		}
	}
	tx.Outputs = make([]wire.TxOut, 1+rng.IntN(2))
	for i := range tx.Outputs {
		tx.Outputs[i] = wire.TxOut{Value: 100_000, PkScript: randomOutputScript(rng)}
	}
	for range rng.IntN(3) {
		in, out := &tx.Inputs[rng.IntN(len(tx.Inputs))], &tx.Outputs[rng.IntN(len(tx.Outputs))]
		switch rng.IntN(6) {
		case 0:
			tx.Version = rng.Uint32N(6) - 1
		case 1:
			out.Value = wire.Amount(rng.IntN(700))
		case 2:
			in.SigScript = make([]byte, 1_640+rng.IntN(20))
		case 3:
			in.SigScript = append(in.SigScript, byte(rng.Uint32()))
		case 4:
			in.Witness = [][]byte{make([]byte, 399_000+rng.IntN(1_000))}
		case 5:
			tx.Outputs = append(tx.Outputs, wire.TxOut{PkScript: []byte{byte(script.OpReturn)}})
		}
	}
}

// knownDifference names an output of tx that btcd's rules take for another
// class than Bitcoin Core's, if there is one.
func knownDifference(tx *wire.Tx) string {
	for i := range tx.Outputs {
		pkScript := tx.Outputs[i].PkScript
		ours, _ := script.Classify(pkScript)
		theirs := txscript.GetScriptClass(pkScript)
		switch {
		case ours == script.WitnessUnknown && theirs == txscript.NonStandardTy:
			return "btcd knows no class for later witness programs"
		case ours == script.NullData && theirs == txscript.NonStandardTy:
			return "btcd takes data in one push only"
		case ours == script.NonStandard && theirs == txscript.MultiSigTy && hasOddKey(pkScript):
			return "btcd takes anything for a key of a multisig"
		}
	}
	return ""
}

// hasOddKey reports whether a multisig script pushes something else than a key.
func hasOddKey(pkScript []byte) bool {
	for t := script.Tokenize(pkScript[1 : len(pkScript)-2]); t.Next(); {
		n := len(t.Data)
		compressed := n == 33 && (t.Data[0] == 2 || t.Data[0] == 3)
		long := n == 65 && (t.Data[0] == 4 || t.Data[0] == 6 || t.Data[0] == 7)
		if !compressed && !long {
			return true
		}
	}
	return false
}
