package rpc

import (
	"encoding/hex"
	"errors"

	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/wire"
)

// decodeTx reads a transaction in hexadecimal that may or may not be in the
// form with witnesses.
func decodeTx(text string) (*wire.Tx, error) { return decodeTxForms(text, true, true) }

// decodeTxForms reads a transaction in hexadecimal in one of the forms that are
// allowed. A transaction without inputs looks like the beginning of the form with
// witnesses; if both readings work, the one whose scripts make sense wins, then
// the one with witnesses.
func decodeTxForms(text string, withWitness, without bool) (*wire.Tx, error) {
	raw, err := hex.DecodeString(text)
	if err != nil {
		return nil, err
	}
	var extended, plain *wire.Tx
	if withWitness {
		if extended, err = wire.DecodeTx(raw); err != nil {
			extended = nil
		}
		if extended != nil && plausible(extended) {
			return extended, nil
		}
	}
	if without {
		if plain, err = wire.DecodeTxNoWitness(raw); err != nil {
			plain = nil
		}
		if plain != nil && plausible(plain) {
			return plain, nil
		}
	}
	switch {
	case extended != nil:
		return extended, nil
	case plain != nil:
		return plain, nil
	}
	return nil, errors.New("not a transaction")
}

// plausible reports whether the scripts of a transaction could be meant: every
// one is made of known opcodes and pushes of allowed length.
func plausible(tx *wire.Tx) bool {
	coinbase := tx.IsCoinbase()
	for i := range tx.Inputs {
		if !coinbase && !validOps(tx.Inputs[i].SigScript) {
			return false
		}
	}
	for i := range tx.Outputs {
		if !validOps(tx.Outputs[i].PkScript) {
			return false
		}
	}
	return true
}

// validOps reports whether a script outside of tapscript is made of opcodes
// that exist and pushes that are no longer than allowed.
func validOps(s []byte) bool {
	t := script.Tokenize(s)
	for t.Next() {
		if t.Op > script.OpNop10 || len(t.Data) > script.MaxElementSize {
			return false
		}
	}
	return !t.Malformed()
}
