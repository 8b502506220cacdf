package psbt

import (
	"fmt"

	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/script/sign"
	"github.com/keelson-chain/keelson/wire"
)

// Role is what the next person has to do (BIP 174, "Roles").
type Role uint8

// The roles, in the order in which they come.
const (
	Creator Role = iota
	Updater
	Signer
	Finalizer
	Extractor
)

// String returns the role's name, "creator".
func (r Role) String() string {
	return [...]string{"creator", "updater", "signer", "finalizer", "extractor"}[r]
}

// Analysis says how far a packet has come.
type Analysis struct {
	Inputs []InputAnalysis
	Next   Role
	Fault  string // why the packet is not valid, in Bitcoin Core's words, or ""

	// Fee is what the transaction pays, nil where not all coins are known.
	Fee *wire.Amount
	// Estimate is the transaction with signatures of the usual size in the place
	// of those that are missing, nil if that cannot be told, and Spent are the
	// outputs that it spends.
	Estimate *wire.Tx
	Spent    []*wire.TxOut
}

// InputAnalysis says how far an input has come.
type InputAnalysis struct {
	HasUTXO bool
	IsFinal bool
	Next    Role
	Missing sign.Missing
}

// Analyze says how far the packet has come. It does not change it.
func (p *Packet) Analyze() *Analysis {
	p = p.Clone()
	s := NewSession(p)
	a := &Analysis{Inputs: make([]InputAnalysis, len(p.Inputs)), Next: Extractor}
	invalid := func(format string, args ...any) *Analysis {
		return &Analysis{Next: Creator, Fault: "PSBT is not valid. " + fmt.Sprintf(format, args...)}
	}
	var in, out wire.Amount
	known := true
	for i := range p.Inputs {
		utxo := p.UTXO(i)
		if utxo == nil {
			known = false
		} else {
			if in += utxo.Value; !utxo.Value.Valid() || !in.Valid() {
				return invalid("Input %d has invalid value", i)
			}
			if script.IsUnspendable(utxo.PkScript) {
				return invalid("Input %d spends unspendable output", i)
			}
		}
		a.Inputs[i] = s.analyze(i)
		a.Next = min(a.Next, a.Inputs[i].Next)
	}
	if !known {
		return a
	}
	for i := range p.Tx.Outputs {
		value := p.Tx.Outputs[i].Value
		if out += value; !value.Valid() || !out.Valid() {
			return invalid("Output amount invalid")
		}
	}
	fee := in - out
	a.Fee = &fee
	for i := range p.Inputs {
		if !s.estimate(i) {
			return a
		}
		a.Spent = append(a.Spent, p.UTXO(i))
	}
	a.Estimate = p.extract()
	return a
}

func (s *Session) analyze(input int) InputAnalysis {
	a := InputAnalysis{HasUTXO: s.p.UTXO(input) != nil, Next: Extractor}
	if a.IsFinal = s.IsSigned(input); a.IsFinal {
		return a
	}
	complete, missing := s.SignInput(input, nil, sign.Default, true)
	switch {
	case complete:
		a.Next = Finalizer
		return a
	case len(missing.Signatures) > 0 && len(missing.PubKeys) == 0 && missing.RedeemScript == nil && missing.WitnessScript == nil:
		a.Next = Signer
	default:
		a.Next = Updater
	}
	a.Missing = missing
	return a
}
