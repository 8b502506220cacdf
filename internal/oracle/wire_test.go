package oracle

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	btcwire "github.com/btcsuite/btcd/wire/v2"

	"github.com/keelson-chain/keelson/internal/oracle/corpus"
	"github.com/keelson-chain/keelson/internal/vectors"
	"github.com/keelson-chain/keelson/wire"
)

// compareTx decodes b with both and reports whether it is a transaction.
func compareTx(t testing.TB, b []byte) bool {
	t.Helper()
	ours, err := wire.DecodeTx(b)
	var theirs btcwire.MsgTx
	r := bytes.NewReader(b)
	theirErr := theirs.Deserialize(r)
	if theirErr == nil && r.Len() > 0 {
		theirErr = errors.New("trailing bytes")
	}
	if (err == nil) != (theirErr == nil) {
		if err == nil && btcdRefuses(ours) {
			return true
		}
		t.Fatalf("decode %x: ours %v, btcd %v", b, err, theirErr)
	}
	if err != nil {
		return false
	}
	if wire.Hash(theirs.TxHash()) != ours.TxID() || wire.Hash(theirs.WitnessHash()) != ours.WTxID() {
		t.Fatalf("ids of %x: ours %v %v, btcd %v %v", b, ours.TxID(), ours.WTxID(), theirs.TxHash(), theirs.WitnessHash())
	}
	if ours.Size() != theirs.SerializeSize() || ours.StrippedSize() != theirs.SerializeSizeStripped() {
		t.Fatalf("sizes of %x: ours %d %d, btcd %d %d", b, ours.Size(), ours.StrippedSize(), theirs.SerializeSize(), theirs.SerializeSizeStripped())
	}
	if built := ours.Clone().Append(nil); !bytes.Equal(built, b) {
		t.Fatalf("%x is encoded as %x", b, built)
	}
	return true
}

// btcdRefuses reports whether tx is one that Bitcoin Core reads and btcd does
// not: after the version, marker 0 and flag 0 make a transaction without
// inputs and outputs (UnserializeTransaction in primitives/transaction.h),
// where btcd finds an unknown flag. CheckTx refuses it in every node.
func btcdRefuses(tx *wire.Tx) bool { return len(tx.Inputs) == 0 && len(tx.Outputs) == 0 }

// compareBlock decodes b with both and reports whether it is a block.
func compareBlock(t testing.TB, b []byte) bool {
	t.Helper()
	ours, err := wire.DecodeBlock(b)
	var theirs btcwire.MsgBlock
	r := bytes.NewReader(b)
	theirErr := theirs.Deserialize(r)
	if theirErr == nil && r.Len() > 0 {
		theirErr = errors.New("trailing bytes")
	}
	if (err == nil) != (theirErr == nil) {
		if err == nil && slices.ContainsFunc(ours.Txs, btcdRefuses) {
			return true
		}
		t.Fatalf("decode block of %d bytes: ours %v, btcd %v\n%x", len(b), err, theirErr, b)
	}
	if err != nil {
		return false
	}
	if wire.Hash(theirs.BlockHash()) != ours.Hash() || len(theirs.Transactions) != len(ours.Txs) {
		t.Fatalf("block: ours %v, %d transactions, btcd %v, %d", ours.Hash(), len(ours.Txs), theirs.BlockHash(), len(theirs.Transactions))
	}
	for i, tx := range ours.Txs {
		if wire.Hash(theirs.Transactions[i].TxHash()) != tx.TxID() {
			t.Fatalf("transaction %d: ours %v, btcd %v", i, tx.TxID(), theirs.Transactions[i].TxHash())
		}
	}
	if built := ours.Clone().Append(nil); !bytes.Equal(built, b) {
		t.Fatalf("block %v is encoded otherwise", ours.Hash())
	}
	return true
}

// txSeeds returns the encodings of the transactions of the vectors.
func txSeeds(t testing.TB) [][]byte {
	t.Helper()
	dir, err := corpus.Dir()
	if err != nil {
		t.Fatal(err)
	}
	var seeds [][]byte
	for _, file := range []struct {
		name string
		at   int // place of the transaction in a row
	}{{"sighash.json", 0}, {"tx_valid.json", 1}, {"tx_invalid.json", 1}} {
		data, err := os.ReadFile(filepath.Join(dir, file.name))
		if err != nil {
			t.Fatal(err)
		}
		var rows [][]any
		if err := json.Unmarshal(data, &rows); err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			if len(row) <= 1 {
				continue
			}
			text, _ := row[file.at].(string)
			raw, err := hex.DecodeString(text)
			if err != nil {
				continue // the row that names the columns
			}
			seeds = append(seeds, raw)
		}
	}
	return seeds
}

// mutate returns b with a few bytes flipped, cut, doubled or made a count.
func mutate(rng *rand.Rand, b []byte) []byte {
	b = bytes.Clone(b)
	for range 1 + rng.IntN(3) {
		if len(b) == 0 {
			return b
		}
		at := rng.IntN(len(b))
		switch rng.IntN(7) {
		case 0:
			b[at] ^= 1 << rng.IntN(8)
		case 1:
			b[at] = []byte{0, 1, 2, 0xfc, 0xfd, 0xfe, 0xff}[rng.IntN(7)]
		case 2:
			b = append(b[:at], b[min(len(b), at+1+rng.IntN(8)):]...)
		case 3:
			b = append(b[:at:at], append([]byte{byte(rng.Uint32())}, b[at:]...)...)
		case 4:
			end := min(len(b), at+rng.IntN(64))
			b = append(b[:end:end], b[at:]...)
		case 5:
			b = b[:at]
		case 6: // the places of marker, flag and counts
			b[min(len(b)-1, 4+rng.IntN(3))] = byte(rng.IntN(4))
		}
	}
	return b
}

// TestDecodeTx: the transactions of the vectors, as they are and mutated.
func TestDecodeTx(t *testing.T) {
	seeds := txSeeds(t)
	if len(seeds) != 500+121+93 {
		t.Fatalf("%d transactions in the vectors", len(seeds))
	}
	for _, seed := range seeds {
		if !compareTx(t, seed) {
			t.Fatalf("vector %x does not decode", seed)
		}
	}
	const seed = 1
	rng := rand.New(rand.NewPCG(seed, 0))
	executions, valid := 200_000, 0
	if testing.Short() {
		executions = 20_000
	}
	for range executions {
		if compareTx(t, mutate(rng, seeds[rng.IntN(len(seeds))])) {
			valid++
		}
	}
	if valid < executions/20 || valid > executions*19/20 {
		t.Errorf("%d of %d mutations decode: too one-sided to say much", valid, executions)
	}
	t.Logf("%d mutations from seed %d, %d decode", executions, seed, valid)
}

// TestDecodeBlock: real blocks, as they are and mutated.
func TestDecodeBlock(t *testing.T) {
	var seeds [][]byte
	for _, name := range []string{"bitcoin-core-28.1/src/bench/data/block413567.raw"} {
		seeds = append(seeds, vectors.Read(t, name))
	}
	small := firstBlocks(t, "chains/chain-mixed.dat", 3)
	seeds = append(seeds, small...)
	for _, seed := range seeds {
		if !compareBlock(t, seed) {
			t.Fatalf("block of %d bytes does not decode", len(seed))
		}
	}
	rng := rand.New(rand.NewPCG(2, 0))
	executions, valid := 50_000, 0
	if testing.Short() {
		executions = 5_000
	}
	for range executions {
		if compareBlock(t, mutate(rng, small[rng.IntN(len(small))])) {
			valid++
		}
	}
	if valid < executions/20 || valid > executions*19/20 {
		t.Errorf("%d of %d mutations decode: too one-sided to say much", valid, executions)
	}
	t.Logf("%d mutations, %d decode", executions, valid)
}

// firstBlocks returns the first n blocks of a chain file.
func firstBlocks(t testing.TB, name string, n int) [][]byte {
	t.Helper()
	data := vectors.Read(t, name)
	var blocks [][]byte
	for range n {
		size := uint32(data[0]) | uint32(data[1])<<8 | uint32(data[2])<<16 | uint32(data[3])<<24
		blocks = append(blocks, data[4:4+size])
		data = data[4+size:]
	}
	return blocks
}

func FuzzDecodeTx(f *testing.F) {
	for i, seed := range txSeeds(f) {
		if i%10 == 0 {
			f.Add(seed)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) { compareTx(t, b) })
}
