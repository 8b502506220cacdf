package scriptdiff

import (
	"fmt"

	btcwire "github.com/btcsuite/btcd/wire/v2"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/txscript/v2"

	"github.com/keelson-chain/keelson/internal/oracle/corpus"
	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/script/sig"
)

// Verdict is what the two engines say of one spend.
type Verdict struct {
	Ours   error // nil, or a script.ErrorCode
	Theirs error // nil, or what btcd's engine says
	// Batch is not nil if the spend passes with its signatures verified
	// together and fails with them verified one by one.
	Batch error
}

// Diverges reports whether one engine takes the spend for valid and the other
// does not.
func (v Verdict) Diverges() bool { return (v.Ours == nil) != (v.Theirs == nil) || v.Batch != nil }

// Compare runs the spend through both engines.
func Compare(s *corpus.Spend) Verdict {
	hashes := script.NewSigHashes(s.Tx, s.Spent)
	exact := sig.Exact{Verifier: sig.DCRD()}
	v := Verdict{
		Ours:   script.Verify(hashes, s.Input, s.Flags, exact),
		Theirs: runBTCD(s),
	}
	batch := sig.NewBatch(sig.DCRD(), nil)
	err := script.Verify(hashes, s.Input, s.Flags, batch)
	if together := batch.Verify(); err == nil && together && v.Ours != nil {
		v.Batch = fmt.Errorf("valid in a batch, alone %w", v.Ours)
	}
	return v
}

// btcdFlags pairs the flags, which mean the same in both.
var btcdFlags = []struct {
	ours   script.Flags
	theirs txscript.ScriptFlags
}{
	{script.VerifyP2SH, txscript.ScriptBip16},
	{script.VerifyStrictEnc, txscript.ScriptVerifyStrictEncoding},
	{script.VerifyDERSig, txscript.ScriptVerifyDERSignatures},
	{script.VerifyLowS, txscript.ScriptVerifyLowS},
	{script.VerifyNullDummy, txscript.ScriptStrictMultiSig},
	{script.VerifySigPushOnly, txscript.ScriptVerifySigPushOnly},
	{script.VerifyMinimalData, txscript.ScriptVerifyMinimalData},
	{script.VerifyDiscourageUpgradableNops, txscript.ScriptDiscourageUpgradableNops},
	{script.VerifyCleanStack, txscript.ScriptVerifyCleanStack},
	{script.VerifyCheckLockTimeVerify, txscript.ScriptVerifyCheckLockTimeVerify},
	{script.VerifyCheckSequenceVerify, txscript.ScriptVerifyCheckSequenceVerify},
	{script.VerifyWitness, txscript.ScriptVerifyWitness},
	{script.VerifyDiscourageUpgradableWitnessProgram, txscript.ScriptVerifyDiscourageUpgradeableWitnessProgram},
	{script.VerifyMinimalIf, txscript.ScriptVerifyMinimalIf},
	{script.VerifyNullFail, txscript.ScriptVerifyNullFail},
	{script.VerifyWitnessPubKeyType, txscript.ScriptVerifyWitnessPubKeyType},
	{script.VerifyConstScriptCode, txscript.ScriptVerifyConstScriptCode},
	{script.VerifyTaproot, txscript.ScriptVerifyTaproot},
	{script.VerifyDiscourageUpgradableTaprootVersion, txscript.ScriptVerifyDiscourageUpgradeableTaprootVersion},
	{script.VerifyDiscourageOpSuccess, txscript.ScriptVerifyDiscourageOpSuccess},
	{script.VerifyDiscourageUpgradablePubKeyType, txscript.ScriptVerifyDiscourageUpgradeablePubkeyType},
}

func toBTCDFlags(f script.Flags) txscript.ScriptFlags {
	var flags txscript.ScriptFlags
	for _, pair := range btcdFlags {
		if f&pair.ours != 0 {
			flags |= pair.theirs
		}
	}
	return flags
}

// runBTCD returns what btcd's engine says. A panic of it is an error like any
// other, since a node would not get past it either.
func runBTCD(s *corpus.Spend) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("btcd panics: %v", p)
		}
	}()
	tx := toBTCD(s)
	outs := txscript.NewMultiPrevOutFetcher(nil)
	for i, in := range tx.TxIn {
		outs.AddPrevOut(in.PreviousOutPoint, &btcwire.TxOut{
			Value: int64(s.Spent[i].Value), PkScript: s.Spent[i].PkScript,
		})
	}
	spent := s.Spent[s.Input]
	vm, err := txscript.NewEngine(spent.PkScript, tx, s.Input, toBTCDFlags(s.Flags), nil,
		txscript.NewTxSigHashes(tx, outs), int64(spent.Value), outs)
	if err != nil {
		return err
	}
	return vm.Execute()
}

// toBTCD returns the transaction of s in btcd's types, sharing the scripts.
func toBTCD(s *corpus.Spend) *btcwire.MsgTx {
	tx := &btcwire.MsgTx{Version: int32(s.Tx.Version), LockTime: s.Tx.LockTime}
	for i := range s.Tx.Inputs {
		in := &s.Tx.Inputs[i]
		tx.TxIn = append(tx.TxIn, &btcwire.TxIn{
			PreviousOutPoint: btcwire.OutPoint{Hash: chainhash.Hash(in.PrevOut.TxID), Index: in.PrevOut.Index},
			SignatureScript:  in.SigScript,
			Witness:          in.Witness,
			Sequence:         in.Sequence,
		})
	}
	for _, out := range s.Tx.Outputs {
		tx.TxOut = append(tx.TxOut, &btcwire.TxOut{Value: int64(out.Value), PkScript: out.PkScript})
	}
	return tx
}
