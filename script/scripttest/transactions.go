package scripttest

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/wire"
)

// TxValid runs tx_valid.json: each transaction passes with every flag but
// those it names and with any fewer, and fails with any one of those it names.
func (r Runner) TxValid(t testing.TB, data []byte, want int) {
	t.Helper()
	r = r.filled()
	rng := random()
	cases := parsed(t, data)
	for i, row := range cases {
		c := parseTxCase(t, row)
		if err := r.CheckTx(c.tx); err != nil {
			t.Errorf("case %d: %v: %s", i, err, join(row))
		}
		excluded := parseFlags(t, c.flags)
		flags := allFlags &^ excluded
		if flags != filled(flags) {
			t.Errorf("case %d has flags that need others: %s", i, join(row))
		}
		pass := func(flags script.Flags) {
			if err := r.verifyAll(c, flags); err != nil {
				t.Errorf("case %d with flags %v: %v: %s", i, flags, err, join(row))
			}
		}
		pass(flags)
		for _, flag := range singleFlags() {
			pass(trimmed(flags &^ flag))
			pass(trimmed(flags &^ script.Flags(rng.Uint32())))
		}
		for _, flag := range singleFlags() {
			if fewer := trimmed(excluded &^ flag); fewer != excluded {
				if r.verifyAll(c, allFlags&^fewer) == nil {
					t.Errorf("case %d passes with flags %v: %s", i, allFlags&^fewer, join(row))
				}
			}
		}
	}
	counted(t, len(cases), want)
}

// TxInvalid runs tx_invalid.json: each transaction fails with the flags that
// it names and with any more, and passes with any one of them left out.
func (r Runner) TxInvalid(t testing.TB, data []byte, want int) {
	t.Helper()
	r = r.filled()
	rng := random()
	cases := parsed(t, data)
	for i, row := range cases {
		c := parseTxCase(t, row)
		if err := r.CheckTx(c.tx); (err != nil) != (c.flags == "BADTX") {
			t.Errorf("case %d: check gives %v: %s", i, err, join(row))
		}
		if c.flags == "BADTX" {
			continue
		}
		flags := parseFlags(t, c.flags)
		if flags != filled(flags) {
			t.Errorf("case %d has flags that need others: %s", i, join(row))
		}
		fail := func(flags script.Flags) {
			if r.verifyAll(c, flags) == nil {
				t.Errorf("case %d passes with flags %v: %s", i, flags, join(row))
			}
		}
		fail(flags)
		for _, flag := range singleFlags() {
			fail(filled(flags | flag))
			fail(filled(flags | script.Flags(rng.Uint32())&allFlags))
		}
		for _, flag := range singleFlags() {
			if fewer := trimmed(flags &^ flag); fewer != flags {
				if err := r.verifyAll(c, fewer); err != nil {
					t.Errorf("case %d with flags %v: %v: %s", i, fewer, err, join(row))
				}
			}
		}
	}
	counted(t, len(cases), want)
}

func singleFlags() []script.Flags {
	var flags []script.Flags
	for f := script.Flags(1); f <= allFlags; f <<= 1 {
		flags = append(flags, f)
	}
	return flags
}

// verifyAll verifies all inputs and returns the first error.
func (r Runner) verifyAll(c txCase, flags script.Flags) error {
	for i := range c.tx.Inputs {
		if err := r.Verify(c.hashes, i, flags, r.Sigs); err != nil {
			return err
		}
	}
	return nil
}

type txCase struct {
	tx     *wire.Tx
	hashes *script.SigHashes
	flags  string
}

// parseTxCase reads [[[txid, index, scriptPubKey, amount?]...], tx, flags].
func parseTxCase(t testing.TB, row []json.RawMessage) txCase {
	t.Helper()
	if len(row) != 3 {
		t.Fatalf("case of %d fields: %s", len(row), join(row))
	}
	coins := make(map[wire.OutPoint]wire.TxOut)
	for _, in := range value[[][]json.RawMessage](t, row[0]) {
		at := wire.OutPoint{
			TxID:  wire.MustHash(value[string](t, in[0])),
			Index: uint32(value[int64](t, in[1])),
		}
		out := wire.TxOut{PkScript: assemble(t, value[string](t, in[2]))}
		if len(in) > 3 {
			out.Value = wire.Amount(value[int64](t, in[3]))
		}
		coins[at] = out
	}
	c := txCase{tx: decodeTx(t, value[string](t, row[1])), flags: value[string](t, row[2])}
	spent := make([]wire.TxOut, len(c.tx.Inputs))
	for i := range c.tx.Inputs {
		out, found := coins[c.tx.Inputs[i].PrevOut]
		if !found {
			t.Fatalf("no coin for input %d: %s", i, join(row))
		}
		spent[i] = out
	}
	c.hashes = script.NewSigHashes(c.tx, spent)
	return c
}

// checkTx is Bitcoin's check of a transaction by itself, as far as it can fail
// for a transaction that could be decoded.
func checkTx(tx *wire.Tx) error {
	if len(tx.Inputs) == 0 || len(tx.Outputs) == 0 {
		return errors.New("no inputs or no outputs")
	}
	if tx.StrippedSize() > 1_000_000 {
		return errors.New("too large")
	}
	var sum wire.Amount
	for i := range tx.Outputs {
		v := tx.Outputs[i].Value
		if sum += v; !v.Valid() || !sum.Valid() {
			return errors.New("amount out of range")
		}
	}
	seen := make(map[wire.OutPoint]bool)
	for i := range tx.Inputs {
		in := &tx.Inputs[i]
		if seen[in.PrevOut] {
			return errors.New("two inputs spend one coin")
		}
		seen[in.PrevOut] = true
		if in.PrevOut.IsNull() && len(tx.Inputs) > 1 {
			return errors.New("null outpoint")
		}
	}
	if n := len(tx.Inputs[0].SigScript); tx.IsCoinbase() && (n < 2 || n > 100) {
		return errors.New("coinbase script size")
	}
	return nil
}
