package corpus

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/wire"
)

// Spend is one input of a transaction with what it needs to be verified.
type Spend struct {
	Name  string
	Tx    *wire.Tx // to be cloned before it is changed
	Spent []wire.TxOut
	Input int
	Flags script.Flags
}

// Spends returns the spends of all vectors, in an order that depends on the
// vectors alone.
func Spends() ([]Spend, error) {
	dir, err := Dir()
	if err != nil {
		return nil, err
	}
	var all []Spend
	for _, read := range []func(string) ([]Spend, error){scriptTests, txTests, taprootTests} {
		spends, err := read(dir)
		if err != nil {
			return nil, err
		}
		all = append(all, spends...)
	}
	return all, nil
}

// rows reads a JSON file whose top is an array of arrays, and leaves out the
// rows of one string, which are comments.
func rows(path string) ([][]json.RawMessage, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var all [][]json.RawMessage
	if err := json.Unmarshal(data, &all); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return slices.DeleteFunc(all, func(row []json.RawMessage) bool { return len(row) == 1 }), nil
}

// scriptTests reads script_tests.json. Rows with macros of taproot scripts
// are left out: taproot-ref has thousands of those.
func scriptTests(dir string) ([]Spend, error) {
	all, err := rows(filepath.Join(dir, "script_tests.json"))
	if err != nil {
		return nil, err
	}
	var spends []Spend
	for n, row := range all {
		if slices.ContainsFunc(row, func(raw json.RawMessage) bool { return bytes.Contains(raw, []byte("#SCRIPT#")) }) {
			continue
		}
		var witness []json.RawMessage
		if row[0][0] == '[' {
			if err := json.Unmarshal(row[0], &witness); err != nil {
				return nil, err
			}
			row = row[1:]
		}
		var text [3]string
		for i := range text {
			if err := json.Unmarshal(row[i], &text[i]); err != nil {
				return nil, fmt.Errorf("script_tests.json row %d: %w", n, err)
			}
		}
		sigScript, err := script.Assemble(text[0])
		if err != nil {
			return nil, fmt.Errorf("script_tests.json row %d: %w", n, err)
		}
		pkScript, err := script.Assemble(text[1])
		if err != nil {
			return nil, fmt.Errorf("script_tests.json row %d: %w", n, err)
		}
		flags, err := script.ParseFlags(text[2])
		if err != nil {
			return nil, fmt.Errorf("script_tests.json row %d: %w", n, err)
		}
		var amount wire.Amount
		var items [][]byte
		for i, raw := range witness {
			if i == len(witness)-1 {
				var coins float64
				if err := json.Unmarshal(raw, &coins); err != nil {
					return nil, err
				}
				amount = wire.Amount(coins*1e8 + 0.5)
				break
			}
			item, err := unhex(raw)
			if err != nil {
				return nil, err
			}
			items = append(items, item)
		}
		tx, spent := SpendingTx(sigScript, pkScript, items, amount)
		spends = append(spends, Spend{fmt.Sprintf("script_tests.json row %d", n), tx, spent, 0, flags})
	}
	return spends, nil
}

// SpendingTx returns the transaction of Bitcoin Core's script tests: its one
// input spends the one output, with the given script and amount, of a
// transaction whose input is a coinbase's.
func SpendingTx(sigScript, pkScript []byte, witness [][]byte, amount wire.Amount) (*wire.Tx, []wire.TxOut) {
	credit := &wire.Tx{
		Version: 1,
		Inputs: []wire.TxIn{{
			PrevOut:   wire.OutPoint{Index: 0xffffffff},
			SigScript: []byte{byte(script.Op0), byte(script.Op0)},
			Sequence:  wire.SequenceFinal,
		}},
		Outputs: []wire.TxOut{{Value: amount, PkScript: pkScript}},
	}
	return &wire.Tx{
		Version: 1,
		Inputs: []wire.TxIn{{
			PrevOut:   wire.OutPoint{TxID: credit.TxID()},
			SigScript: sigScript,
			Witness:   witness,
			Sequence:  wire.SequenceFinal,
		}},
		Outputs: []wire.TxOut{{Value: amount}},
	}, credit.Outputs
}

// txTests reads tx_valid.json and tx_invalid.json, one spend for each input.
func txTests(dir string) ([]Spend, error) {
	var spends []Spend
	for _, file := range []string{"tx_valid.json", "tx_invalid.json"} {
		all, err := rows(filepath.Join(dir, file))
		if err != nil {
			return nil, err
		}
		for n, row := range all {
			name := fmt.Sprintf("%s row %d", file, n)
			raw, err := unhex(row[1])
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			tx, err := wire.DecodeTx(raw)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			var flagText string
			if err := json.Unmarshal(row[2], &flagText); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			if strings.Contains(flagText, "BADTX") {
				continue
			}
			flags, err := script.ParseFlags(flagText)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			if file == "tx_valid.json" { // which names the flags to leave out
				flags = script.StandardFlags &^ flags
			}
			spent, err := prevouts(tx, row[0])
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			for i := range tx.Inputs {
				spends = append(spends, Spend{fmt.Sprintf("%s input %d", name, i), tx, spent, i, flags})
			}
		}
	}
	return spends, nil
}

// prevouts reads rows of outpoint, script and perhaps amount, and returns the
// outputs in the order of the transaction's inputs.
func prevouts(tx *wire.Tx, raw json.RawMessage) ([]wire.TxOut, error) {
	var rows [][]json.RawMessage
	if err := json.Unmarshal(raw, &rows); err != nil {
		return nil, err
	}
	outs := make(map[wire.OutPoint]wire.TxOut)
	for _, row := range rows {
		var txid wire.Hash
		var index int64
		var text string
		var amount int64
		for i, v := range []any{&txid, &index, &text, &amount} {
			if i < len(row) {
				if err := json.Unmarshal(row[i], v); err != nil {
					return nil, err
				}
			}
		}
		pkScript, err := script.Assemble(text)
		if err != nil {
			return nil, err
		}
		outs[wire.OutPoint{TxID: txid, Index: uint32(index)}] = wire.TxOut{Value: wire.Amount(amount), PkScript: pkScript}
	}
	spent := make([]wire.TxOut, len(tx.Inputs))
	for i := range tx.Inputs {
		out, ok := outs[tx.Inputs[i].PrevOut]
		if !ok {
			return nil, fmt.Errorf("no output for input %d", i)
		}
		spent[i] = out
	}
	return spent, nil
}

// taprootTests reads the folder taproot-ref, the success and the failure of
// each case.
func taprootTests(dir string) ([]Spend, error) {
	files, err := filepath.Glob(filepath.Join(dir, "taproot-ref", "*"))
	if err != nil {
		return nil, err
	}
	var spends []Spend
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		type inputData struct {
			ScriptSig string
			Witness   []string
		}
		var c struct {
			Tx               string
			Prevouts         []string
			Index            int
			Flags, Comment   string
			Success, Failure *inputData
		}
		if err := json.Unmarshal(bytes.TrimRight(data, ", \n"), &c); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		raw, err := hex.DecodeString(c.Tx)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		base, err := wire.DecodeTx(raw)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		spent := make([]wire.TxOut, len(c.Prevouts))
		for i, text := range c.Prevouts {
			out, err := hex.DecodeString(text)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", file, err)
			}
			if spent[i], err = decodeTxOut(out); err != nil {
				return nil, fmt.Errorf("%s: %w", file, err)
			}
		}
		flags, err := script.ParseFlags(c.Flags)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		for i, in := range []*inputData{c.Success, c.Failure} {
			if in == nil {
				continue
			}
			tx := base.Clone()
			if tx.Inputs[c.Index].SigScript, err = hex.DecodeString(in.ScriptSig); err != nil {
				return nil, fmt.Errorf("%s: %w", file, err)
			}
			tx.Inputs[c.Index].Witness = nil
			for _, text := range in.Witness {
				item, err := hex.DecodeString(text)
				if err != nil {
					return nil, fmt.Errorf("%s: %w", file, err)
				}
				tx.Inputs[c.Index].Witness = append(tx.Inputs[c.Index].Witness, item)
			}
			spends = append(spends, Spend{
				fmt.Sprintf("taproot-ref %s %s %s", c.Comment, filepath.Base(file), []string{"success", "failure"}[i]),
				tx, spent, c.Index, flags,
			})
		}
	}
	return spends, nil
}

// decodeTxOut reads an output: the value and the script with its length.
func decodeTxOut(b []byte) (wire.TxOut, error) {
	value, rest := b[:min(8, len(b))], b[min(8, len(b)):]
	n, pkScript, err := wire.ReadCompactSize(rest)
	if err != nil {
		return wire.TxOut{}, err
	}
	if len(value) < 8 || n != uint64(len(pkScript)) {
		return wire.TxOut{}, fmt.Errorf("output of %d bytes is malformed", len(b))
	}
	var v uint64
	for i, c := range value {
		v |= uint64(c) << (8 * i)
	}
	return wire.TxOut{Value: wire.Amount(v), PkScript: pkScript}, nil
}

func unhex(raw json.RawMessage) ([]byte, error) {
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return nil, err
	}
	return hex.DecodeString(text)
}
