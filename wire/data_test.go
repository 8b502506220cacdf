package wire_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"

	"github.com/keelson-chain/keelson/internal/vectors"
)

// realBlocks returns the encodings of all blocks in the named vector file,
// whatever its form.
func realBlocks(t testing.TB, name string) (blocks [][]byte) {
	t.Helper()
	b := vectors.Read(t, name)
	switch {
	case strings.HasPrefix(name, "chains/"): // length, block
		for len(b) > 0 {
			n := binary.LittleEndian.Uint32(b)
			blocks = append(blocks, b[4:4+n])
			b = b[4+n:]
		}
	case strings.HasSuffix(name, ".bz2"): // magic, length, block
		for len(b) > 0 {
			n := binary.LittleEndian.Uint32(b[4:])
			blocks = append(blocks, b[8:8+n])
			b = b[8+n:]
		}
	case strings.HasSuffix(name, ".json"):
		var file struct{ Blocks []string }
		if err := json.Unmarshal(b, &file); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, text := range file.Blocks {
			blocks = append(blocks, unhex(t, text))
		}
	default:
		blocks = [][]byte{b}
	}
	return blocks
}

func unhex(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.TrimSpace(text))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

const (
	blockLegacy  = "bitcoin-core-28.1/src/bench/data/block413567.raw"
	blockSegwit  = "btcd/wire/testdata/block-0000000000000000001602407ac49862a7bca9d00f7f402db20b7be2f5de59d2.blk"
	blockSegwit2 = "btcd/wire/testdata/block-00000000000000000021868c2cefc52a480d173c849412fe81c4e5ab806f94ab.blk"
)

// manyInputs returns the file with the many-inputs transaction, which is as
// long as manyInputsSize; then the file goes on with what is no transaction.
func manyInputs(t testing.TB) []byte {
	return unhex(t, string(vectors.Read(t, "btcd/txscript/data/many_inputs_tx.hex")))
}

const manyInputsSize = 3682

// realTxs returns the encodings of transactions in the vectors that are not in
// blocks: the one of 1 MB, the one with many inputs, and those of the
// transaction tests, valid or not.
func realTxs(t testing.TB) (txs [][]byte) {
	t.Helper()
	txs = append(txs, vectors.Read(t, "btcd/wire/testdata/megatx.bin.bz2"))
	txs = append(txs, manyInputs(t)[:manyInputsSize])
	for _, name := range []string{"tx_valid.json", "tx_invalid.json"} {
		var rows [][]json.RawMessage
		if err := json.Unmarshal(vectors.Read(t, "bitcoin-core-28.1/src/test/data/"+name), &rows); err != nil {
			t.Fatal(name, err)
		}
		for _, row := range rows {
			if len(row) != 3 {
				continue // a comment
			}
			var text string
			if err := json.Unmarshal(row[1], &text); err != nil {
				t.Fatal(name, err)
			}
			txs = append(txs, unhex(t, text))
		}
	}
	for line := range bytes.Lines(vectors.Read(t, "btcd/txscript/data/taproot-ref.jsonl")) {
		var row struct{ Tx string }
		if err := json.Unmarshal(line, &row); err != nil {
			t.Fatal(err)
		}
		txs = append(txs, unhex(t, row.Tx))
	}
	return txs
}
