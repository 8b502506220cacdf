package scripttest

import (
	"encoding/json"
	"errors"
	"maps"
	"math"
	"strings"
	"testing"

	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/wire"
)

// Renames counts the cases in which the release of Bitcoin Core that the data
// are from reports an error by another code than this engine does.
type Renames map[Rename]int

// Rename is such a pair of codes.
type Rename struct{ Theirs, Ours string }

// The renames of the releases. The engine's codes are those of release 28, but
// where a later one tells apart what was one code before, it does so too.
var (
	Core28 = Renames{{"UNKNOWN_ERROR", "SCRIPTNUM"}: 66}
	// OP_IF without an operand was given the code of other opcodes.
	Later = Renames{{"INVALID_STACK_OPERATION", "UNBALANCED_CONDITIONAL"}: 12}
)

// ScriptTests runs script_tests.json: each case has its exact error code, and
// keeps passing with fewer flags or failing with more.
func (r Runner) ScriptTests(t testing.TB, data []byte, want int, renames Renames) {
	t.Helper()
	r = r.filled()
	rng := random()
	renamed := make(Renames)
	cases := parsed(t, data)
	for i, row := range cases {
		c := parseScriptCase(t, row)
		hashes := c.spend()
		code := codeName(r.Verify(hashes, 0, c.flags, r.Sigs))
		if code != c.code {
			pair := Rename{c.code, code}
			if renamed[pair]++; renames[pair] == 0 {
				t.Errorf("case %d: %s, want %s: %s", i, code, c.code, join(row))
				continue
			}
		}
		for range 16 {
			extra := script.Flags(rng.Uint32()) & allFlags
			flags := filled(c.flags | extra)
			if c.code == "OK" {
				flags = trimmed(c.flags &^ extra)
			}
			if err := r.Verify(hashes, 0, flags, r.Sigs); (err == nil) != (c.code == "OK") {
				t.Errorf("case %d with flags %v: %v, want %s: %s", i, flags, err, c.code, join(row))
			}
		}
	}
	counted(t, len(cases), want)
	if !maps.Equal(renamed, renames) {
		t.Errorf("renamed codes: %v, want %v", renamed, renames)
	}
}

// codeName returns the vectors' name of what Verify returned.
func codeName(err error) string {
	var code script.ErrorCode
	switch {
	case err == nil:
		return "OK"
	case errors.As(err, &code):
		return code.Name()
	}
	return err.Error()
}

func join(row []json.RawMessage) string {
	var b strings.Builder
	for _, v := range row {
		b.Write(v)
		b.WriteByte(' ')
	}
	return b.String()
}

type scriptCase struct {
	witness             [][]byte
	amount              wire.Amount
	sigScript, pkScript []byte
	flags               script.Flags
	code                string
}

// parseScriptCase reads [[witness..., amount]?, scriptSig, scriptPubKey, flags,
// code, comment?].
func parseScriptCase(t testing.TB, row []json.RawMessage) scriptCase {
	t.Helper()
	var c scriptCase
	var output []byte // of the tapscript in the witness, if there is one
	if row[0][0] == '[' {
		parts := value[[]json.RawMessage](t, row[0])
		last := len(parts) - 1
		c.amount = wire.Amount(math.Round(value[float64](t, parts[last]) * float64(wire.Coin)))
		for _, part := range parts[:last] {
			text := value[string](t, part)
			switch leaf, isScript := strings.CutPrefix(text, "#SCRIPT#"); {
			case isScript:
				c.witness = append(c.witness, assemble(t, leaf))
			case text == "#CONTROLBLOCK#":
				var control []byte
				output, control = singleLeaf(c.witness[len(c.witness)-1])
				c.witness = append(c.witness, control)
			default:
				c.witness = append(c.witness, unhex(t, text))
			}
		}
		row = row[1:]
	}
	c.sigScript = assemble(t, value[string](t, row[0]))
	if text := value[string](t, row[1]); text == "0x51 0x20 #TAPROOTOUTPUT#" {
		c.pkScript = new(script.Builder).Int(1).Data(output).Script()
	} else {
		c.pkScript = assemble(t, text)
	}
	c.flags = filled(parseFlags(t, value[string](t, row[2])))
	c.code = value[string](t, row[3])
	return c
}

// spend returns the transaction that the vectors are for: its one input spends
// the one output of a transaction with two zeros for a coinbase script.
func (c *scriptCase) spend() *script.SigHashes {
	credit := &wire.Tx{
		Version: 1,
		Inputs:  []wire.TxIn{{PrevOut: wire.OutPoint{Index: math.MaxUint32}, SigScript: []byte{0, 0}, Sequence: wire.SequenceFinal}},
		Outputs: []wire.TxOut{{Value: c.amount, PkScript: c.pkScript}},
	}
	return script.NewSigHashes(&wire.Tx{
		Version: 1,
		Inputs:  []wire.TxIn{{PrevOut: wire.OutPoint{TxID: credit.TxID()}, SigScript: c.sigScript, Witness: c.witness, Sequence: wire.SequenceFinal}},
		Outputs: []wire.TxOut{{Value: c.amount}},
	}, credit.Outputs)
}
