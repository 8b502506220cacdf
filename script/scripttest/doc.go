// Package scripttest runs the public test vectors of the script engine: Bitcoin
// Core's script_tests, tx_valid, tx_invalid and sighash, and the taproot
// reference cases of its script_assets_test.
//
// The data are handed in, so that a module that carries a copy can be run too,
// together with how many cases there must be: data that went missing fail.
package scripttest

import (
	"encoding/hex"
	"encoding/json"
	"math/rand/v2"
	"testing"

	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/script/sig"
	"github.com/keelson-chain/keelson/wire"
)

// Runner runs vectors. The zero Runner runs script.Verify on exact answers.
type Runner struct {
	// Verify is what is tested; script.Verify if nil.
	Verify func(hashes *script.SigHashes, input int, flags script.Flags, sigs sig.Checker) error
	// Sigs is what Verify asks; sig.DCRD with a cache if nil.
	Sigs sig.Checker
	// CheckTx is the context-free check of a transaction that the vectors
	// marked BADTX fail and all others pass; one of this package if nil.
	CheckTx func(tx *wire.Tx) error
}

// filled returns r with the defaults in place.
func (r Runner) filled() Runner {
	if r.Verify == nil {
		r.Verify = script.Verify
	}
	if r.Sigs == nil {
		r.Sigs = sig.Exact{Verifier: sig.DCRD(), Cache: sig.NewCache(8<<20, [32]byte{})}
	}
	if r.CheckTx == nil {
		r.CheckTx = checkTx
	}
	return r
}

// parsed reads a vector file: an array of arrays, of which those with a single
// element are comments.
func parsed(t testing.TB, data []byte) [][]json.RawMessage {
	t.Helper()
	var rows, cases [][]json.RawMessage
	if err := json.Unmarshal(data, &rows); err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		if len(row) > 1 {
			cases = append(cases, row)
		}
	}
	return cases
}

func counted(t testing.TB, ran, want int) {
	t.Helper()
	if ran != want {
		t.Errorf("%d cases ran, want %d", ran, want)
	}
}

func value[T any](t testing.TB, raw json.RawMessage) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return v
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func decodeTx(t testing.TB, s string) *wire.Tx {
	t.Helper()
	tx, err := wire.DecodeTx(unhex(t, s))
	if err != nil {
		t.Fatal(err)
	}
	return tx
}

func assemble(t testing.TB, text string) []byte {
	t.Helper()
	b, err := script.Assemble(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func parseFlags(t testing.TB, s string) script.Flags {
	t.Helper()
	f, err := script.ParseFlags(s)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// allFlags is every flag there is.
const allFlags = script.VerifyDiscourageUpgradablePubKeyType<<1 - 1

// trimmed takes out the flags that need one that is not there.
func trimmed(f script.Flags) script.Flags {
	if f&script.VerifyP2SH == 0 {
		f &^= script.VerifyWitness
	}
	if f&script.VerifyWitness == 0 {
		f &^= script.VerifyCleanStack
	}
	return f
}

// filled puts in the flags that those there need.
func filled(f script.Flags) script.Flags {
	if f&script.VerifyCleanStack != 0 {
		f |= script.VerifyWitness
	}
	if f&script.VerifyWitness != 0 {
		f |= script.VerifyP2SH
	}
	return f
}

// random returns numbers that are the same in every run.
func random() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }
