package script_test

import (
	"testing"

	"github.com/keelson-chain/keelson/internal/vectors"
	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/script/scripttest"
	"github.com/keelson-chain/keelson/script/sig"
)

const core = "bitcoin-core-28.1/src/test/data/"

// everyWay verifies with and without short cuts, which must agree exactly, and
// with deferred checks, which must give the same result if all of them hold.
func everyWay(t testing.TB) scripttest.Runner {
	cache := sig.NewCache(8<<20, [32]byte{})
	batch := sig.NewBatch(sig.DCRD(), cache)
	return scripttest.Runner{
		Sigs: sig.Exact{Verifier: sig.DCRD(), Cache: cache},
		Verify: func(h *script.SigHashes, input int, flags script.Flags, sigs sig.Checker) error {
			short, long := script.Verify(h, input, flags, sigs), script.VerifyInterpreted(h, input, flags, sigs)
			if short != long {
				t.Errorf("short cut gives %v, the interpreter %v", short, long)
			}
			deferred := script.Verify(h, input, flags, batch)
			if batch.Verify() && deferred != short {
				t.Errorf("deferred gives %v, exact %v", deferred, short)
			}
			return short
		},
	}
}

func TestScriptTests(t *testing.T) {
	everyWay(t).ScriptTests(t, vectors.Read(t, core+"script_tests.json"), 1207, scripttest.Core28)
}

func TestScriptTestsNewer(t *testing.T) {
	everyWay(t).ScriptTests(t, vectors.Read(t, "btcd/txscript/data/script_tests.json"), 1222, scripttest.Later)
}

func TestTxValid(t *testing.T) {
	everyWay(t).TxValid(t, vectors.Read(t, core+"tx_valid.json"), 120)
}

func TestTxValidNewer(t *testing.T) {
	everyWay(t).TxValid(t, vectors.Read(t, "btcd/txscript/data/tx_valid.json"), 121)
}

func TestTxInvalid(t *testing.T) {
	everyWay(t).TxInvalid(t, vectors.Read(t, core+"tx_invalid.json"), 93)
}

func TestSigHashLegacy(t *testing.T) {
	scripttest.SigHash(t, vectors.Read(t, core+"sighash.json"), 500)
}

func TestTaprootRef(t *testing.T) {
	everyWay(t).TaprootRef(t, vectors.Read(t, "btcd/txscript/data/taproot-ref.jsonl"), 2760)
}
