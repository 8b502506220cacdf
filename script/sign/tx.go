package sign

import (
	"errors"
	"fmt"

	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/script/sig"
	"github.com/keelson-chain/keelson/wire"
)

// What Sign says of an input besides the errors of scripts.
var (
	ErrNoCoin   = errors.New("Input not found or already spent")
	ErrNoAmount = errors.New("Missing amount")
)

// Tx is a transaction that is being signed. It is for one goroutine.
type Tx struct {
	tx     *wire.Tx
	spent  []wire.TxOut
	known  []*wire.TxOut
	all    bool // the coins of all inputs are known
	hashes *script.SigHashes
}

// NewTx begins with a copy of tx. spent has the outputs that its inputs spend,
// in their order, nil where one is not known. An amount that is not known is
// wire.MaxMoney, as in Bitcoin Core; only legacy inputs can do without. Where
// the output of any input is not known no taproot input can be signed.
func NewTx(tx *wire.Tx, spent []*wire.TxOut) *Tx {
	if len(spent) != len(tx.Inputs) {
		panic(fmt.Sprintf("sign: %d outputs spent by %d inputs", len(spent), len(tx.Inputs)))
	}
	t := &Tx{tx: tx.Clone(), known: spent}
	t.spent, t.all = coins(spent)
	t.hashes = script.NewSigHashes(t.tx, t.spent)
	return t
}

// coins returns the outputs spent, and whether all of them are known.
func coins(spent []*wire.TxOut) (outs []wire.TxOut, all bool) {
	outs, all = make([]wire.TxOut, len(spent)), true
	for i, out := range spent {
		if out == nil {
			all = false
			continue
		}
		outs[i] = *out
	}
	return outs, all
}

// Tx returns a copy of the transaction as it is now.
func (t *Tx) Tx() *wire.Tx { return t.tx.Clone() }

// Sign signs every input as far as keys go, keeping the signatures that it has.
// It returns what is still wrong with each, nil where nothing is: ErrNoCoin, or
// ErrNoAmount, or the script.ErrorCode of its verification.
func (t *Tx) Sign(keys *Keys, hashType HashType) []error {
	errs := make([]error, len(t.tx.Inputs))
	for i := range errs {
		errs[i] = t.signInput(i, keys, hashType)
	}
	return errs
}

func (t *Tx) signInput(i int, keys *Keys, hashType HashType) error {
	if t.known[i] == nil {
		return ErrNoCoin
	}
	d := t.Existing(i)
	if !hashType.single() || i < len(t.tx.Outputs) {
		t.Produce(i, keys, hashType, &d)
	}
	t.Set(i, &d)
	switch {
	case t.spent[i].Value == wire.MaxMoney && len(d.Witness) > 0:
		return ErrNoAmount
	case d.Complete:
		return nil
	}
	return t.verify(i)
}

// Set puts the scripts of d into an input.
func (t *Tx) Set(input int, d *Data) {
	in := &t.tx.Inputs[input]
	in.SigScript, in.Witness = d.SigScript, d.Witness
}

// verify runs the scripts of an input under the rules of relaying.
func (t *Tx) verify(input int) error {
	var checker sig.Checker = sig.Exact{Verifier: sig.DCRD()}
	if !t.all {
		checker = noSchnorr{checker}
	}
	err := script.Verify(t.hashes, input, script.StandardFlags, checker)
	if !t.all && errors.Is(err, script.ErrSchnorrSig) {
		return script.ErrSchnorrSigHashType // what Bitcoin Core says if it lacks what is to be hashed
	}
	return err
}

// noSchnorr takes no Schnorr signature for valid.
type noSchnorr struct{ sig.Checker }

func (c noSchnorr) Check(q *sig.Check) bool { return q.Kind != sig.Schnorr && c.Checker.Check(q) }
func (c noSchnorr) Defer(q *sig.Check) bool { return c.Check(q) }

// version is the kind of script that an ECDSA signature stands in.
type version uint8

const (
	legacy version = iota
	witnessV0
)

func (t *Tx) hash(input int, code []byte, hashType uint32, v version) [32]byte {
	if v == witnessV0 {
		return t.hashes.WitnessV0(code, input, hashType)
	}
	return t.hashes.Legacy(code, input, hashType)
}
