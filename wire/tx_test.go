package wire_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/keelson-chain/keelson/wire"
)

// dumbCount and dumbTx are the encoding a second time, written as the
// protocol's documentation describes it and without a thought for speed.
func dumbCount(n uint64) []byte {
	switch {
	case n > 0xffffffff:
		return append([]byte{0xff}, dumbInt(n, 8)...)
	case n > 0xffff:
		return append([]byte{0xfe}, dumbInt(n, 4)...)
	case n > 0xfc:
		return append([]byte{0xfd}, dumbInt(n, 2)...)
	}
	return dumbInt(n, 1)
}

func dumbInt(n uint64, size int) (b []byte) {
	for range size {
		b = append(b, byte(n))
		n >>= 8
	}
	return b
}

func dumbTx(tx *wire.Tx, witness bool) []byte {
	var parts [][]byte
	put := func(b ...[]byte) { parts = append(parts, b...) }
	put(dumbInt(uint64(tx.Version), 4))
	if witness {
		put([]byte{0, 1})
	}
	put(dumbCount(uint64(len(tx.Inputs))))
	for _, in := range tx.Inputs {
		put(in.PrevOut.TxID[:], dumbInt(uint64(in.PrevOut.Index), 4))
		put(dumbCount(uint64(len(in.SigScript))), in.SigScript, dumbInt(uint64(in.Sequence), 4))
	}
	put(dumbCount(uint64(len(tx.Outputs))))
	for _, out := range tx.Outputs {
		put(dumbInt(uint64(out.Value), 8), dumbCount(uint64(len(out.PkScript))), out.PkScript)
	}
	if witness {
		for _, in := range tx.Inputs {
			put(dumbCount(uint64(len(in.Witness))))
			for _, item := range in.Witness {
				put(dumbCount(uint64(len(item))), item)
			}
		}
	}
	put(dumbInt(uint64(tx.LockTime), 4))
	return bytes.Join(parts, nil)
}

func dumbHash(b []byte) wire.Hash {
	h := sha256.New()
	h.Write(b)
	first := h.Sum(nil)
	h.Reset()
	h.Write(first)
	return wire.Hash(h.Sum(nil))
}

// checkTx compares everything that tx says about its encoding with the dumb
// encoding, for tx itself and for a clone that has no buffer.
func checkTx(t *testing.T, tx *wire.Tx) {
	t.Helper()
	witness := false
	for _, in := range tx.Inputs {
		witness = witness || len(in.Witness) > 0
	}
	full, stripped := dumbTx(tx, witness), dumbTx(tx, false)
	weight := 3*len(stripped) + len(full)
	for name, x := range map[string]*wire.Tx{"itself": tx, "its clone": tx.Clone()} {
		if x.TxID() != dumbHash(stripped) || x.WTxID() != dumbHash(full) {
			t.Errorf("%s: txid %v, wtxid %v, want %v, %v", name, x.TxID(), x.WTxID(), dumbHash(stripped), dumbHash(full))
		}
		if !bytes.Equal(x.Append([]byte{1, 2})[2:], full) || !bytes.Equal(x.AppendNoWitness([]byte{1, 2})[2:], stripped) {
			t.Errorf("%s: encodes to %x and %x, want %x and %x", name, x.Append(nil), x.AppendNoWitness(nil), full, stripped)
		}
		if x.Size() != len(full) || x.StrippedSize() != len(stripped) || x.Weight() != weight || x.VSize() != (weight+3)/4 {
			t.Errorf("%s: size %d, stripped %d, weight %d, vsize %d; want %d, %d", name,
				x.Size(), x.StrippedSize(), x.Weight(), x.VSize(), len(full), len(stripped))
		}
		if x.HasWitness() != witness {
			t.Errorf("%s: has witness %v", name, x.HasWitness())
		}
	}
}

func TestRealTxs(t *testing.T) {
	txs := realTxs(t)
	if want := 2 + 120 + 93 + 2760; len(txs) != want {
		t.Errorf("%d transactions, want %d", len(txs), want)
	}
	witnesses := 0
	for i, raw := range txs {
		tx, err := wire.DecodeTx(bytes.Clone(raw))
		if err != nil {
			t.Fatalf("transaction %d, %x...: %v", i, raw[:min(len(raw), 64)], err)
		}
		if !bytes.Equal(tx.Append(nil), raw) {
			t.Errorf("transaction %d does not encode to what it was decoded from", i)
		}
		checkTx(t, tx)
		if tx.HasWitness() {
			witnesses++
		}
		stripped, err := wire.DecodeTxNoWitness(tx.AppendNoWitness(nil))
		if err != nil {
			t.Fatalf("transaction %d, stripped: %v", i, err)
		}
		if stripped.TxID() != tx.TxID() || stripped.HasWitness() {
			t.Errorf("transaction %d, stripped, has the id %v, want %v", i, stripped.TxID(), tx.TxID())
		}
	}
	if witnesses == 0 || witnesses == len(txs) {
		t.Errorf("%d of %d transactions have witnesses", witnesses, len(txs))
	}
}

func TestManyInputs(t *testing.T) {
	file := manyInputs(t)
	if _, err := wire.DecodeTx(file); !errors.Is(err, wire.ErrTrailing) {
		t.Errorf("with what follows it: %v, want %v", err, wire.ErrTrailing)
	}
	tx, err := wire.DecodeTx(file[:manyInputsSize])
	if err != nil {
		t.Fatal(err)
	}
	const txid = "7fee17357e8f24be3965a89bbf598d76e52d14d06343cb6a2b2d700ae33592c6"
	if len(tx.Inputs) != 89 || len(tx.Outputs) != 2 || tx.TxID().String() != txid {
		t.Errorf("%d inputs, %d outputs, id %v", len(tx.Inputs), len(tx.Outputs), tx.TxID())
	}
}

// TestMegaTx is the transaction that made up nearly the whole of Bitcoin's
// block 364292.
func TestMegaTx(t *testing.T) {
	raw := realTxs(t)[0]
	tx, err := wire.DecodeTx(raw)
	if err != nil {
		t.Fatal(err)
	}
	const txid = "bb41a757f405890fb0f5856228e23b715702d714d59bf2b1feb70d8b2b4e3e08"
	if len(raw) != 999657 || len(tx.Inputs) != 5569 || len(tx.Outputs) != 1 || tx.TxID().String() != txid {
		t.Errorf("%d bytes, %d inputs, %d outputs, id %v", len(raw), len(tx.Inputs), len(tx.Outputs), tx.TxID())
	}
}

// TestKnownTxs holds transactions whose ids are printed in public.
func TestKnownTxs(t *testing.T) {
	for _, c := range []struct{ name, raw, txid string }{
		{
			"Bitcoin's first coinbase",
			"01000000010000000000000000000000000000000000000000000000000000000000000000ffffffff4d04ffff001d0104455468652054696d65732030332f4a616e2f32303039204368616e63656c6c6f72206f6e206272696e6b206f66207365636f6e64206261696c6f757420666f722062616e6b73ffffffff0100f2052a01000000434104678afdb0fe5548271967f1a67130b7105cd6a828e03909a67962e0ea1f61deb649f6bc3f4cef38c4f35504e51ec112de5c384df7ba0b8d578a4c702b6bf11d5fac00000000",
			"4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b",
		},
		{
			"P2WPKH of BIP 143",
			"01000000000102fff7f7881a8099afa6940d42d1e7f6362bec38171ea3edf433541db4e4ad969f00000000494830450221008b9d1dc26ba6a9cb62127b02742fa9d754cd3bebf337f7a55d114c8e5cdd30be022040529b194ba3f9281a99f2b1c0a19c0489bc22ede944ccf4ecbab4cc618ef3ed01eeffffffef51e1b804cc89d182d279655c3aa89e815b1b309fe287d9b2b55d57b90ec68a0100000000ffffffff02202cb206000000001976a9148280b37df378db99f66f85c95a783a76ac7a6d5988ac9093510d000000001976a9143bde42dbee7e4dbe6a21b2d50ce2f0167faa815988ac000247304402203609e17b84f6a7d30c80bfa610b5b4542f32a8a0d5447a12fb1366d7f01cc44a0220573a954c4518331561406f90300e8f3358f51928d43c212a8caed02de67eebee0121025476c2e83188368da1ff3e292e7acafcdb3566bb0ad253f62fc70f07aeee635711000000",
			"e8151a2af31c368a35053ddd4bdb285a8595c769a3ad83e0fa02314a602d4609",
		},
	} {
		tx, err := wire.DecodeTx(unhex(t, c.raw))
		if err != nil {
			t.Fatal(c.name, err)
		}
		checkTx(t, tx)
		if tx.TxID().String() != c.txid {
			t.Errorf("%s: txid %v, want %s", c.name, tx.TxID(), c.txid)
		}
	}
}

// sampleTx is a transaction with two inputs, the second of which has a
// witness, and two outputs.
func sampleTx() *wire.Tx {
	return &wire.Tx{
		Version: 2,
		Inputs: []wire.TxIn{
			{PrevOut: wire.OutPoint{TxID: wire.Hash{1}, Index: 2}, SigScript: []byte{0xab, 0xcd}, Sequence: 7},
			{PrevOut: wire.OutPoint{TxID: wire.Hash{3}, Index: 4}, Witness: [][]byte{{0x11, 0x12}, {}, {0x13}}, Sequence: 8},
		},
		Outputs:  []wire.TxOut{{Value: 5, PkScript: []byte{0x51}}, {Value: 6, PkScript: []byte{}}},
		LockTime: 9,
	}
}

// TestDecodeTxErrors starts from one valid encoding and breaks one thing.
func TestDecodeTxErrors(t *testing.T) {
	valid := sampleTx().Append(nil)
	if _, err := wire.DecodeTx(valid); err != nil {
		t.Fatal(err)
	}
	for n := range valid {
		if tx, err := wire.DecodeTx(valid[:n]); !errors.Is(err, wire.ErrTruncated) || tx != nil {
			t.Fatalf("the first %d bytes: %v, %v", n, tx, err)
		}
	}
	const (
		flag      = 5
		inputs    = 6
		sigScript = 7 + 36
		outputs   = 7 + 36 + 3 + 4 + 36 + 1 + 4
		witness   = outputs + 1 + 10 + 9
	)
	if valid[flag] != 1 || valid[inputs] != 2 || valid[sigScript] != 2 || valid[outputs] != 2 || valid[witness] != 0 || valid[witness+1] != 3 {
		t.Fatal("the sample's layout is not what this test takes it for")
	}
	set := func(at int, v byte) []byte {
		b := bytes.Clone(valid)
		b[at] = v
		return b
	}
	put := func(at int, v ...byte) []byte { // in the place of one byte
		return append(append(bytes.Clone(valid[:at]), v...), valid[at+1:]...)
	}
	for _, c := range []struct {
		name string
		raw  []byte
		want error
	}{
		{"empty", nil, wire.ErrTruncated},
		{"a byte more", append(bytes.Clone(valid), 0), wire.ErrTrailing},
		{"flag 2 beside the witness", set(flag, 3), wire.ErrWitnessFlag},
		{"flag 0x81", set(flag, 0x81), wire.ErrWitnessFlag},
		{"flag 2 alone, rest as without witness", append(append(bytes.Clone(valid[:flag]), 2), append(bytes.Clone(valid[inputs:witness]), valid[len(valid)-4:]...)...), wire.ErrWitnessFlag},
		{"every witness empty", append(append(bytes.Clone(valid[:witness]), 0, 0), valid[len(valid)-4:]...), wire.ErrNoWitness},
		{"witness flag without inputs", unhex(t, "02000000"+"0001"+"00"+"00"+"00000000"), wire.ErrNoWitness},
		{"witness flag, no inputs, one output", unhex(t, "02000000"+"0001"+"00"+"01"+"0000000000000000"+"00"+"00000000"), wire.ErrNoWitness},
		{"input count in 3 bytes", put(inputs, 0xfd, 2, 0), wire.ErrNonCanonical},
		{"input count in 5 bytes", put(inputs, 0xfe, 2, 0, 0, 0), wire.ErrNonCanonical},
		{"input count in 9 bytes", put(inputs, 0xff, 2, 0, 0, 0, 0, 0, 0, 0), wire.ErrNonCanonical},
		{"first count in 3 bytes", put(4, 0xfd, 0, 0), wire.ErrNonCanonical},
		{"script length in 3 bytes", put(sigScript, 0xfd, 2, 0), wire.ErrNonCanonical},
		{"output count in 3 bytes", put(outputs, 0xfd, 2, 0), wire.ErrNonCanonical},
		{"witness count in 3 bytes", put(witness+1, 0xfd, 3, 0), wire.ErrNonCanonical},
		{"witness item length in 3 bytes", put(witness+2, 0xfd, 2, 0), wire.ErrNonCanonical},
		{"2^25 inputs", put(inputs, 0xfe, 0, 0, 0, 2), wire.ErrTruncated},
		{"2^25 + 1 inputs", put(inputs, 0xfe, 1, 0, 0, 2), wire.ErrTooLarge},
		{"2^64 - 1 inputs", put(inputs, 0xff, 255, 255, 255, 255, 255, 255, 255, 255), wire.ErrTooLarge},
		{"2^25 + 1 outputs", put(outputs, 0xfe, 1, 0, 0, 2), wire.ErrTooLarge},
		{"2^25 bytes of script", put(sigScript, 0xfe, 0, 0, 0, 2), wire.ErrTruncated},
		{"2^25 + 1 bytes of script", put(sigScript, 0xfe, 1, 0, 0, 2), wire.ErrTooLarge},
		{"2^63 bytes of script", put(sigScript, 0xff, 0, 0, 0, 0, 0, 0, 0, 0x80), wire.ErrTooLarge},
		{"2^25 witness items", put(witness+1, 0xfe, 0, 0, 0, 2), wire.ErrTruncated},
		{"2^25 + 1 bytes of a witness item", put(witness+2, 0xfe, 1, 0, 0, 2), wire.ErrTooLarge},
		{"one witness item less", set(witness+1, 2), wire.ErrTrailing},
		{"one output more", set(outputs, 3), nil}, // whatever comes first
	} {
		tx, err := wire.DecodeTx(c.raw)
		if err == nil || c.want != nil && !errors.Is(err, c.want) || tx != nil {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
		if err != nil && !strings.HasPrefix(err.Error(), "decode transaction: ") {
			t.Errorf("%s: %q does not say what was done", c.name, err)
		}
	}
}

// TestTxWithoutInputs: such a transaction is invalid, but where the format
// allows for one it decodes as in Bitcoin Core.
func TestTxWithoutInputs(t *testing.T) {
	neither := unhex(t, "02000000"+"00"+"00"+"07000000")
	outputOnly := unhex(t, "02000000"+"00"+"01"+"0500000000000000"+"0151"+"07000000")

	for name, decode := range map[string]func([]byte) (*wire.Tx, error){"DecodeTx": wire.DecodeTx, "DecodeTxNoWitness": wire.DecodeTxNoWitness} {
		tx, err := decode(neither)
		if err != nil || tx.LockTime != 7 || len(tx.Inputs)+len(tx.Outputs) != 0 {
			t.Errorf("%s of a transaction without inputs and outputs: %+v, %v", name, tx, err)
			continue
		}
		checkTx(t, tx)
		if !bytes.Equal(tx.Append(nil), neither) {
			t.Errorf("%s: encodes to %x", name, tx.Append(nil))
		}
	}
	// The zero inputs and the one output read as marker and flag, and then
	// the rest cannot be a transaction.
	if tx, err := wire.DecodeTx(outputOnly); err == nil {
		t.Errorf("a transaction without inputs but an output decoded as %+v", tx)
	}
	tx, err := wire.DecodeTxNoWitness(outputOnly)
	if err != nil || len(tx.Outputs) != 1 || tx.Outputs[0].Value != 5 || tx.LockTime != 7 {
		t.Fatalf("DecodeTxNoWitness: %+v, %v", tx, err)
	}
	checkTx(t, tx)
	if !bytes.Equal(tx.Append(nil), outputOnly) {
		t.Errorf("encodes to %x", tx.Append(nil))
	}
	// Without witnesses a marker and flag are no input and a count.
	if tx, err := wire.DecodeTxNoWitness(sampleTx().Append(nil)); err == nil {
		t.Errorf("a transaction with witnesses decoded without them as %+v", tx)
	}
}

// TestHugeTx crosses every boundary of CompactSize in the counts and lengths
// of one transaction.
func TestHugeTx(t *testing.T) {
	for _, n := range []int{0, 1, 0xfc, 0xfd, 0xfe, 0xffff, 0x10000} {
		many := sampleTx()
		many.Inputs = append(many.Inputs, make([]wire.TxIn, n)...)
		many.Outputs = append(many.Outputs, make([]wire.TxOut, n)...)
		many.Inputs[0].Witness = make([][]byte, n)
		long := sampleTx()
		long.Inputs[0].SigScript = make([]byte, n)
		long.Inputs[0].Witness = [][]byte{make([]byte, n)}
		long.Outputs[0].PkScript = make([]byte, n)
		for _, tx := range []*wire.Tx{many, long} {
			raw := tx.Append(nil)
			checkTx(t, tx)
			back, err := wire.DecodeTx(raw)
			if err != nil {
				t.Fatalf("%d: %v", n, err)
			}
			checkTx(t, back)
			if back.TxID() != tx.TxID() || back.WTxID() != tx.WTxID() {
				t.Errorf("%d: comes back as another transaction", n)
			}
		}
	}
}

// TestIDsFromManyGoroutines asks for ids that nobody computed yet from many
// sides at once; the race detector watches.
func TestIDsFromManyGoroutines(t *testing.T) {
	raw := sampleTx().Append(nil)
	want, wantW := dumbHash(dumbTx(sampleTx(), false)), dumbHash(raw)
	for range 200 {
		tx, err := wire.DecodeTx(raw)
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				if tx.TxID() != want || tx.WTxID() != wantW {
					t.Errorf("txid %v, wtxid %v", tx.TxID(), tx.WTxID())
				}
			})
		}
		wg.Wait()
	}
}

func TestIDsAreComputedOnce(t *testing.T) {
	tx, err := wire.DecodeTx(sampleTx().Append(nil))
	if err != nil {
		t.Fatal(err)
	}
	id := tx.TxID()
	tx.LockTime++ // against the rules, to see that nothing is computed again
	if tx.TxID() != id {
		t.Error("the id was computed twice")
	}
	if n := testing.AllocsPerRun(10, func() { tx.TxID(); tx.WTxID() }); n != 0 {
		t.Errorf("asking for ids allocates %v times", n)
	}
}

func TestIsCoinbase(t *testing.T) {
	null := wire.OutPoint{Index: 0xffffffff}
	for _, c := range []struct {
		name string
		ins  []wire.TxIn
		want bool
	}{
		{"one null input", []wire.TxIn{{PrevOut: null}}, true},
		{"none", nil, false},
		{"two null inputs", []wire.TxIn{{PrevOut: null}, {PrevOut: null}}, false},
		{"index 0", []wire.TxIn{{PrevOut: wire.OutPoint{}}}, false},
		{"a hash", []wire.TxIn{{PrevOut: wire.OutPoint{TxID: wire.Hash{31: 1}, Index: 0xffffffff}}}, false},
	} {
		if got := (&wire.Tx{Inputs: c.ins}).IsCoinbase(); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
	if got := (wire.OutPoint{TxID: wire.Hash{31: 0xab}, Index: 7}).String(); got != "ab"+strings.Repeat("00", 31)+":7" {
		t.Errorf("outpoint %s", got)
	}
}

func FuzzDecodeTx(f *testing.F) {
	f.Add(sampleTx().Append(nil))
	f.Add(sampleTx().AppendNoWitness(nil))
	f.Add([]byte("\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00"))
	f.Add([]byte("\x02\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00"))
	f.Add(binary.LittleEndian.AppendUint64([]byte("\x02\x00\x00\x00\xff"), 1<<63))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if tx, err := wire.DecodeTx(bytes.Clone(raw)); err == nil {
			if !bytes.Equal(tx.Append(nil), raw) {
				t.Fatalf("%x encodes to %x", raw, tx.Append(nil))
			}
			checkTx(t, tx)
		}
		if tx, err := wire.DecodeTxNoWitness(bytes.Clone(raw)); err == nil {
			if !bytes.Equal(tx.AppendNoWitness(nil), raw) || tx.HasWitness() {
				t.Fatalf("%x encodes to %x", raw, tx.AppendNoWitness(nil))
			}
			checkTx(t, tx)
		}
	})
}
