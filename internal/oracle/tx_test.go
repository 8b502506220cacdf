package oracle

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/btcutil/v2"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/wire"
)

// TestCheckTx runs changed transactions of the vectors through both
// context-free checks.
func TestCheckTx(t *testing.T) {
	params := consensus.Regtest(consensus.RegtestOptions{})
	seeds := txSeeds(t)
	rng := rand.New(rand.NewPCG(5, 0))
	kinds := make(map[consensus.ErrorKind]int)
	valid := 0
	const executions = 100_000
	for range executions {
		seed, err := wire.DecodeTx(seeds[rng.IntN(len(seeds))])
		if err != nil {
			t.Fatal(err)
		}
		tx := seed.Clone()
		corruptTx(rng, tx)
		err = consensus.CheckTx(params, tx)
		// The encoding without inputs would be read as one with a witness.
		if len(tx.Inputs) == 0 {
			if err == nil {
				t.Fatal("a transaction without inputs passes")
			}
			continue
		}
		theirs, decodeErr := btcutil.NewTxFromReader(bytes.NewReader(tx.Append(nil)))
		if decodeErr != nil {
			t.Fatalf("%x: %v", tx.Append(nil), decodeErr)
		}
		if theirErr := blockchain.CheckTransactionSanity(theirs); (err == nil) != (theirErr == nil) {
			t.Fatalf("%x: ours %v, btcd %v", tx.Append(nil), err, theirErr)
		}
		if err == nil {
			valid++
			continue
		}
		rule, ok := err.(*consensus.RuleError)
		if !ok {
			t.Fatalf("%T is not a RuleError: %v", err, err)
		}
		kinds[rule.Kind]++
	}
	t.Logf("%d executions, %d valid, errors %v", executions, valid, kinds)
	if valid < executions/10 || len(kinds) < 7 {
		t.Errorf("%d valid and %d kinds of errors: too one-sided to say much", valid, len(kinds))
	}
}

// corruptTx breaks zero to two of the rules for transactions, or nearly.
func corruptTx(rng *rand.Rand, tx *wire.Tx) {
	if len(tx.Outputs) == 0 {
		tx.Outputs = append(tx.Outputs, wire.TxOut{})
	}
	for i := range tx.Outputs { // most transactions of sighash.json have absurd ones
		tx.Outputs[i].Value = wire.Amount(rng.Int64N(int64(wire.MaxMoney)/int64(len(tx.Outputs)) + 1))
	}
	for range rng.IntN(3) {
		out := rng.IntN(max(1, len(tx.Outputs)))
		switch rng.IntN(10) {
		case 0:
			tx.Inputs = nil
		case 1:
			tx.Outputs = nil
			return
		case 2:
			tx.Outputs[out].Value = -wire.Amount(rng.Int64N(3))
		case 3:
			tx.Outputs[out].Value = wire.MaxMoney + wire.Amount(rng.Int64N(3)) - 1
		case 4:
			tx.Outputs[out].Value = wire.Amount(rng.Int64())
		case 5:
			if len(tx.Inputs) > 0 {
				tx.Inputs = append(tx.Inputs, tx.Inputs[rng.IntN(len(tx.Inputs))])
			}
		case 6:
			if len(tx.Inputs) > 0 {
				tx.Inputs[rng.IntN(len(tx.Inputs))].PrevOut = wire.OutPoint{Index: 0xffffffff - uint32(rng.IntN(2))}
			}
		case 7: // a coinbase, with a script of about the shortest and longest length
			tx.Inputs = []wire.TxIn{{PrevOut: wire.OutPoint{Index: 0xffffffff}, SigScript: make([]byte, []int{0, 1, 2, 3, 99, 100, 101}[rng.IntN(7)])}}
		case 8: // about the largest size, 1,000,000 bytes without witness
			if rng.IntN(50) == 0 {
				tx.Outputs[out].PkScript = nil
				size := tx.StrippedSize() - 1 + 5 // with the length of the script in 5 bytes
				tx.Outputs[out].PkScript = make([]byte, 1_000_000-size+rng.IntN(3)-1)
			}
		case 9:
			if len(tx.Inputs) > 0 {
				tx.Inputs[0].Witness = [][]byte{make([]byte, rng.IntN(5))}
			}
		}
	}
}
