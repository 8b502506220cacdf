package oracle

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/internal/oracle/corpus"
	"github.com/keelson-chain/keelson/script/scripttest"
	"github.com/keelson-chain/keelson/wire"
)

// TestVectors runs the copies of the public vectors that btcd's module carries,
// which a machine without the vectors' folder has too. They are newer than
// those of Bitcoin Core 28.1.
func TestVectors(t *testing.T) {
	dir, err := corpus.Dir()
	if err != nil {
		t.Fatal(err)
	}
	read := func(name string) []byte {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	params := consensus.Regtest(consensus.RegtestOptions{})
	r := scripttest.Runner{CheckTx: func(tx *wire.Tx) error { return consensus.CheckTx(params, tx) }}
	t.Run("script_tests", func(t *testing.T) { r.ScriptTests(t, read("script_tests.json"), 1222, scripttest.Later) })
	t.Run("tx_valid", func(t *testing.T) { r.TxValid(t, read("tx_valid.json"), 121) })
	t.Run("tx_invalid", func(t *testing.T) { r.TxInvalid(t, read("tx_invalid.json"), 93) })
	t.Run("sighash", func(t *testing.T) { scripttest.SigHash(t, read("sighash.json"), 500) })
	t.Run("taproot-ref", func(t *testing.T) {
		r.TaprootRef(t, scripttest.TaprootFiles(t, filepath.Join(dir, "taproot-ref")), 2760)
	})
}
