package scriptdiff

import (
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/btcsuite/btcd/txscript/v2"

	"github.com/keelson-chain/keelson/internal/oracle/corpus"
	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/wire"
)

// wrap says where a script stands.
type wrap int

const (
	bare wrap = iota
	inP2SH
	inP2WSH
	inP2SHP2WSH
	inTapscript
	wraps
)

// A draft is a spend being written: one input under test among others that
// are not looked at.
type draft struct {
	rng *rand.Rand
	corpus.Spend
	sigs  []placeholder
	privs map[string]*btcec.PrivateKey // by every encoding of the public key
}

func newDraft(rng *rand.Rand, flags script.Flags) *draft {
	d := &draft{rng: rng, privs: make(map[string]*btcec.PrivateKey)}
	d.Flags = flags
	d.Tx = &wire.Tx{Version: pick[uint32](rng, 1, 2, 2, 2), LockTime: d.lockTime()}
	for i := range 1 + rng.IntN(3) {
		in := wire.TxIn{Sequence: d.sequence()}
		in.PrevOut.Index = rng.Uint32N(4)
		binary.LittleEndian.PutUint64(in.PrevOut.TxID[:], rng.Uint64())
		in.PrevOut.TxID[31] = byte(i) // outpoints differ
		d.Tx.Inputs = append(d.Tx.Inputs, in)
		d.Spent = append(d.Spent, wire.TxOut{Value: d.amount(), PkScript: d.someScript()})
	}
	for range rng.IntN(4) {
		d.Tx.Outputs = append(d.Tx.Outputs, wire.TxOut{Value: d.amount(), PkScript: d.someScript()})
	}
	d.Input = rng.IntN(len(d.Tx.Inputs))
	return d
}

func (d *draft) in() *wire.TxIn { return &d.Tx.Inputs[d.Input] }

func (d *draft) amount() wire.Amount { return wire.Amount(d.rng.Int64N(int64(wire.MaxMoney))) }

func (d *draft) lockTime() uint32 {
	return pick(d.rng, 0, 1, 100, 499_999_999, 500_000_000, 500_000_001, d.rng.Uint32())
}

func (d *draft) sequence() uint32 {
	return pick(d.rng, 0, 1, 10, 0xffff, 1<<22, 1<<22|10, 1<<31, 1<<31|10, 0xfffffffe, 0xffffffff, d.rng.Uint32())
}

func (d *draft) someScript() []byte {
	b := randomBytes(d.rng, 32)
	switch d.rng.IntN(3) {
	case 0:
		return append([]byte{byte(script.Op1), 32}, b...) // taproot
	case 1:
		return append([]byte{byte(script.Op0), 20}, b[:20]...)
	}
	return []byte{byte(script.Op1)}
}

// key returns a new private key, known by all encodings of its public key.
func (d *draft) key() *btcec.PrivateKey {
	priv, _ := btcec.PrivKeyFromBytes(randomBytes(d.rng, 32))
	d.know(priv)
	return priv
}

func (d *draft) know(priv *btcec.PrivateKey) {
	for _, pub := range encodings(priv) {
		d.privs[string(pub)] = priv
	}
	d.privs[string(schnorr.SerializePubKey(priv.PubKey()))] = priv
}

// encodings returns the public key compressed, uncompressed and hybrid.
func encodings(priv *btcec.PrivateKey) [3][]byte {
	long := priv.PubKey().SerializeUncompressed()
	hybrid := append([]byte{6 | long[64]&1}, long[1:]...)
	return [3][]byte{priv.PubKey().SerializeCompressed(), long, hybrid}
}

// place makes the spend's input run code on stack, which stands bottom first,
// with the wrap around it.
func (d *draft) place(w wrap, code []byte, stack [][]byte) {
	in, spent := d.in(), &d.Spent[d.Input]
	in.SigScript, in.Witness = nil, nil
	switch w {
	case bare:
		spent.PkScript = code
		in.SigScript = d.pushes(stack)
	case inP2SH:
		spent.PkScript = payToScriptHash(code)
		in.SigScript = d.pushes(append(stack[:len(stack):len(stack)], code))
	case inP2WSH:
		spent.PkScript = payToWitnessScriptHash(code)
		in.Witness = append(stack[:len(stack):len(stack)], code)
	case inP2SHP2WSH:
		program := payToWitnessScriptHash(code)
		spent.PkScript = payToScriptHash(program)
		in.SigScript = push(nil, program)
		in.Witness = append(stack[:len(stack):len(stack)], code)
	case inTapscript:
		internal := d.key().PubKey()
		version := byte(txscript.BaseLeafVersion)
		if d.rng.IntN(30) == 0 {
			version = byte(d.rng.IntN(256)) &^ 1
		}
		control := append([]byte{version}, schnorr.SerializePubKey(internal)...)
		for range pick(d.rng, 0, 0, 1, 2) {
			control = append(control, randomBytes(d.rng, 32)...)
		}
		in.Witness = append(stack[:len(stack):len(stack)], code, control)
		if d.rng.IntN(10) == 0 {
			in.Witness = append(in.Witness, append([]byte{txscript.TaprootAnnexTag}, randomBytes(d.rng, d.rng.IntN(5))...))
		}
		commitTapscript(&d.Spend)
	}
}

// commitTapscript makes the output script and the parity in the control block
// agree with the script and the control block in the witness, if there is a
// control block with a valid key.
func commitTapscript(s *corpus.Spend) {
	witness := s.Tx.Inputs[s.Input].Witness
	n := len(witness)
	if n > 1 && len(witness[n-1]) > 0 && witness[n-1][0] == txscript.TaprootAnnexTag {
		n--
	}
	if n < 2 || len(witness[n-1]) < 33 || len(witness[n-1])%32 != 1 {
		return
	}
	control := append([]byte(nil), witness[n-1]...)
	internal, err := schnorr.ParsePubKey(control[1:33])
	if err != nil {
		return
	}
	node := txscript.NewTapLeaf(txscript.TapscriptLeafVersion(control[0]&0xfe), witness[n-2]).TapHash()
	for rest := control[33:]; len(rest) > 0; rest = rest[32:] {
		node = tapBranch(node, [32]byte(rest[:32]))
	}
	output := txscript.ComputeTaprootOutputKey(internal, node[:])
	control[0] = control[0]&0xfe | output.SerializeCompressed()[0]&1
	witness[n-1] = control
	s.Spent[s.Input].PkScript = append([]byte{byte(script.Op1), 32}, schnorr.SerializePubKey(output)...)
}

func payToScriptHash(code []byte) []byte {
	h := hash160(code)
	return append(append([]byte{byte(script.OpHash160), 20}, h...), byte(script.OpEqual))
}

func payToWitnessScriptHash(code []byte) []byte {
	h := sha256.Sum256(code)
	return append([]byte{byte(script.Op0), 32}, h[:]...)
}

// pushes returns a script that pushes the items.
func (d *draft) pushes(items [][]byte) []byte {
	var b []byte
	for _, item := range items {
		b = push(b, item)
	}
	return b
}

// push appends the shortest push of item.
func push(b, item []byte) []byte {
	switch n := len(item); {
	case n == 0:
		return append(b, byte(script.Op0))
	case n == 1 && item[0] >= 1 && item[0] <= 16:
		return append(b, byte(script.Op1)+item[0]-1)
	case n == 1 && item[0] == 0x81:
		return append(b, byte(script.Op1Negate))
	case n <= 75:
		b = append(b, byte(n))
	case n <= 0xff:
		b = append(b, byte(script.OpPushData1), byte(n))
	default:
		b = append(b, byte(script.OpPushData2), byte(n), byte(n>>8))
	}
	return append(b, item...)
}

// number returns n in the form of numbers on the stack.
func number(n int64) []byte {
	if n == 0 {
		return nil
	}
	var b []byte
	m := max(n, -n)
	for ; m > 0; m >>= 8 {
		b = append(b, byte(m))
	}
	if b[len(b)-1]&0x80 != 0 {
		b = append(b, 0)
	}
	if n < 0 {
		b[len(b)-1] |= 0x80
	}
	return b
}

func pick[T any](rng *rand.Rand, choices ...T) T { return choices[rng.IntN(len(choices))] }

func randomBytes(rng *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return b
}
