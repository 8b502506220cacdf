package policy

import (
	"bytes"
	"testing"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/script/sig"
	"github.com/keelson-chain/keelson/wire"
)

// FuzzRules puts any transaction that spends any scripts before every function:
// none panics or changes it, each refusal is an *Error, and what strict rules
// let pass looser ones do as well.
func FuzzRules(f *testing.F) {
	for _, pkScript := range [][]byte{program(0, 20), program(0, 32), program(1, 32), scriptHash(nil), anchor, keyHash(), multisig(2, 3), opReturn(40), nil} {
		c := standard()
		c.pay(pkScript)
		f.Add(c.tx.Append(nil), append([]byte{byte(len(pkScript))}, pkScript...), 83, int64(3_000))
	}
	c := standard()
	c.spend(program(1, 32), push(program(0, 20)), []byte{1}, []byte{0x51}, control)
	f.Add(c.tx.Append(nil), append([]byte{34}, program(1, 32)...), 0, int64(-1))
	f.Fuzz(func(t *testing.T, raw, scripts []byte, data int, rate int64) {
		tx, err := wire.DecodeTx(bytes.Clone(raw))
		if err != nil {
			t.Skip()
		}
		var spent []consensus.Coin
		for len(scripts) > 0 {
			n := min(int(scripts[0]), len(scripts)-1)
			spent = append(spent, consensus.Coin{Out: wire.TxOut{PkScript: scripts[1 : 1+n]}})
			scripts = scripts[1+n:]
		}
		strict := Rules{MaxDataCarrier: data, DustRelay: FeeRate(rate), BytesPerSigOp: 20}
		loose := strict
		loose.PermitBareMultisig = true
		loose.MaxDataCarrier = max(data, data+1)
		loose.DustRelay = min(strict.DustRelay, strict.DustRelay-1)

		standard := reason(t, strict.CheckTx(tx)) == ""
		if standard && reason(t, loose.CheckTx(tx)) != "" {
			t.Fatalf("%x passes %+v but not %+v", raw, strict, loose)
		}
		if standard && (tx.Weight() > 400_000 || tx.Version > 3) {
			t.Fatalf("%x is standard", raw)
		}
		reason(t, CheckSize(tx))
		if reason(t, strict.CheckInputs(tx, spent)) == "" && !tx.IsCoinbase() {
			for i, in := range tx.Inputs {
				if n := script.P2SHSigOps(in.SigScript, spent[i].Out.PkScript); n > 15 {
					t.Fatalf("%x: input %d has %d sigops", raw, i, n)
				}
			}
		}
		reason(t, strict.CheckWitness(tx, spent))
		for i := range tx.Outputs {
			if strict.IsDust(&tx.Outputs[i]) != (tx.Outputs[i].Value < strict.DustThreshold(&tx.Outputs[i])) {
				t.Fatalf("output %d", i)
			}
		}
		parents := []TRUCParent{{Version: uint32(data), Ancestors: 1, Descendants: 2, Children: []TRUCChild{{Ancestors: 2}}}}
		evict, err := CheckTRUC(tx, VSize(tx.Weight(), data, strict.BytesPerSigOp), parents)
		if reason(t, err) == "" && evict != nil {
			t.Fatal("evicts for a transaction that is let in")
		}
		SignalsRBF(tx)
		if got := tx.Append(nil); !bytes.Equal(got, raw) {
			t.Fatalf("%x became %x", raw, got)
		}
	})
}

// FuzzRedeemScript holds what is read from a signature script against what the
// script engine makes of it.
func FuzzRedeemScript(f *testing.F) {
	for _, s := range [][]byte{nil, {0}, {0x50}, {0x51}, {0x50, 0}, push(checks(3), keyHash()), push(make([]byte, 520)),
		push(make([]byte, 521)), sigScriptOf(1_000), sigScriptOf(1_001), {5, 1}, {0x4d, 2, 0, 1, 2}, sigScriptOf(10_001),
		bytes.Repeat(push(make([]byte, 520)), 20)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, sigScript []byte) {
		if !script.IsPushOnly(sigScript) {
			if _, ok := redeemScript(sigScript); ok {
				t.Fatalf("%x pushes only?", sigScript)
			}
			return
		}
		runs := func(pkScript []byte) bool {
			tx := &wire.Tx{Inputs: []wire.TxIn{{SigScript: sigScript}}, Outputs: []wire.TxOut{{}}}
			hashes := script.NewSigHashes(tx, []wire.TxOut{{PkScript: pkScript}})
			return script.Verify(hashes, 0, 0, sig.Exact{Verifier: sig.DCRD()}) == nil
		}
		redeem, ok := redeemScript(sigScript)
		// OP_DROP fails where there is nothing to drop.
		if got := runs([]byte{byte(script.OpDrop), byte(script.Op1)}); got != ok {
			t.Fatalf("%x: read %v, run %v", sigScript, ok, got)
		}
		// The hash that is compared needs room on the stack.
		room := runs([]byte{byte(script.Op0), byte(script.OpDrop), byte(script.OpDrop), byte(script.Op1)})
		if room && redeem != nil && !runs(scriptHash(redeem)) {
			t.Fatalf("%x: %x is not what is left on the stack", sigScript, redeem)
		}
	})
}
