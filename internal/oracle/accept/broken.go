package accept

import (
	"slices"

	"github.com/keelson-chain/keelson/wire"
)

// Broken is a transaction that was valid until one thing in it was changed.
type Broken struct {
	How string
	Raw []byte
}

// breaks are the ways to break a transaction. One that leaves it as
// it is is valid in a pool that has not got it. A signature
// covers most of a transaction, so that what is wrong is often two things;
// which one is named is not compared.
var breaks = []struct {
	how   string
	apply func(tx *wire.Tx) bool // false: it does not apply
}{
	{"double spend", func(tx *wire.Tx) bool { // and a replacement that pays more, were it signed
		tx.Outputs[0].Value -= 5_000
		return tx.Outputs[0].Value > 1_000
	}},
	{"bad signature", func(tx *wire.Tx) bool { return flip(tx) }},
	{"missing input", func(tx *wire.Tx) bool { tx.Inputs[0].PrevOut.TxID[5] ^= 1; return true }},
	{"missing output of a transaction", func(tx *wire.Tx) bool { tx.Inputs[0].PrevOut.Index += 1 << 20; return true }},
	{"same again", func(*wire.Tx) bool { return true }},
	{"same with another witness", func(tx *wire.Tx) bool {
		if len(tx.Inputs[0].Witness) == 0 {
			return false
		}
		tx.Inputs[0].Witness = append(slices.Clone(tx.Inputs[0].Witness), []byte{1})
		return true
	}},
	{"no witness", func(tx *wire.Tx) bool {
		had := tx.HasWitness()
		for i := range tx.Inputs {
			tx.Inputs[i].Witness = nil
		}
		return had
	}},
	{"outputs above inputs", func(tx *wire.Tx) bool { tx.Outputs[0].Value += 100_000_000_000; return true }},
	{"value out of range", func(tx *wire.Tx) bool { tx.Outputs[0].Value = wire.MaxMoney + 1; return true }},
	{"input twice", func(tx *wire.Tx) bool { tx.Inputs = append(tx.Inputs, tx.Inputs[0]); return true }},
	{"no outputs", func(tx *wire.Tx) bool { tx.Outputs = nil; return true }},
	{"not final", func(tx *wire.Tx) bool { tx.LockTime, tx.Inputs[0].Sequence = 100_000, 0; return true }},
	{"relative lock", func(tx *wire.Tx) bool { tx.Version, tx.Inputs[0].Sequence = 2, 60_000; return true }},
	{"dust", func(tx *wire.Tx) bool { tx.Outputs[0].Value = 10; return true }},
	{"output script of no class", func(tx *wire.Tx) bool { tx.Outputs[0].PkScript = []byte{0x61}; return true }},
	{"version", func(tx *wire.Tx) bool { tx.Version = 9; return true }},
}

// flip changes a bit of the first signature or what stands in its place.
func flip(tx *wire.Tx) bool {
	in := &tx.Inputs[0]
	for i, item := range in.Witness {
		if len(item) >= 64 {
			in.Witness[i] = slices.Clone(item)
			in.Witness[i][40] ^= 1
			return true
		}
	}
	if len(in.SigScript) >= 64 {
		in.SigScript = slices.Clone(in.SigScript)
		in.SigScript[40] ^= 1
		return true
	}
	return false
}

// breakSome breaks about n of the transactions, each in one way.
func breakSome(valid [][]byte, n int) (list []Broken, err error) {
	step := max(len(valid)/n, 1)
	for i := 0; i < len(valid) && len(list) < n; i += step {
		decoded, err := wire.DecodeTx(valid[i])
		if err != nil {
			return nil, err
		}
		tx := decoded.Clone() // which may be changed
		how := breaks[len(list)%len(breaks)]
		if !how.apply(tx) {
			how = breaks[0]
			if !how.apply(tx) {
				continue
			}
		}
		list = append(list, Broken{how.how, tx.Append(nil)})
	}
	return list, nil
}
