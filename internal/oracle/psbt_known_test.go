package oracle

import (
	"bytes"
	"encoding/binary"
	"slices"

	"github.com/btcsuite/btcd/btcec/v2/ecdsa"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	btcpsbt "github.com/btcsuite/btcd/psbt/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	btcwire "github.com/btcsuite/btcd/wire/v2"

	"github.com/keelson-chain/keelson/wire"
)

// A psbtDifference is something in packets of which btcd is known to think otherwise
// than Bitcoin Core 28, which Keelson follows.
//
// What they differ about is explained only if both say the same of the packet once fix
// has put that right, or left it out: so nothing else can hide behind it.
type psbtDifference struct {
	why string
	fix func(p *psbtParts) bool // whether there was something to put right
}

// psbtParts is a packet taken apart.
type psbtParts struct {
	maps []psbtMap
	rest []byte
	tx   *wire.Tx // the transaction, nil if it cannot be read
}

// in and out say which maps are inputs and outputs.
func (p *psbtParts) in(i int) bool { return i > 0 && i <= len(p.tx.Inputs) }
func (p *psbtParts) out(i int) bool {
	return !p.in(i) && i > 0 && i <= len(p.tx.Inputs)+len(p.tx.Outputs)
}

// leaveOut takes out the fields of which it is so; i is the number of the map.
func leaveOut(so func(p *psbtParts, i int, f psbtField) bool) func(p *psbtParts) bool {
	return func(p *psbtParts) (changed bool) {
		for i, m := range p.maps {
			kept := slices.DeleteFunc(slices.Clone(m), func(f psbtField) bool { return so(p, i, f) })
			changed = changed || len(kept) < len(m)
			p.maps[i] = kept
		}
		return changed
	}
}

// typed makes a condition on inputs or outputs with one of some types.
func inTypes(types ...byte) func(p *psbtParts, i int, f psbtField) bool {
	return func(p *psbtParts, i int, f psbtField) bool { return p.in(i) && slices.Contains(types, f.key[0]) }
}

func outTypes(types ...byte) func(p *psbtParts, i int, f psbtField) bool {
	return func(p *psbtParts, i int, f psbtField) bool { return p.out(i) && slices.Contains(types, f.key[0]) }
}

// knownTypes are those of inputs and outputs that btcd reads.
var (
	btcdInputs  = []byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18}
	btcdOutputs = []byte{0, 1, 2, 5, 6, 7}
)

var knownPSBT = []psbtDifference{
	{"btcd reads the transaction only where it is the first field", func(p *psbtParts) bool {
		m := p.maps[0]
		at := slices.IndexFunc(m, func(f psbtField) bool { return len(f.key) == 1 && f.key[0] == 0 })
		if at < 1 {
			return false
		}
		p.maps[0] = slices.Concat(psbtMap{m[at]}, m[:at], m[at+1:])
		return true
	}},
	{"btcd does not look whether bytes go on behind the last map", func(p *psbtParts) bool {
		end := 1 + len(p.tx.Inputs) + len(p.tx.Outputs)
		if len(p.maps) < end || len(p.maps) == end && len(p.rest) == 0 {
			return false
		}
		p.maps, p.rest = p.maps[:end], nil
		return true
	}},
	{"btcd does not look whether bytes go on behind a transaction", func(p *psbtParts) (changed bool) {
		for i, m := range p.maps {
			for j, f := range m {
				if len(f.key) != 1 || f.key[0] != 0 || i != 0 && !p.in(i) {
					continue
				}
				r, tx := bytes.NewReader(f.value), new(btcwire.MsgTx)
				read := tx.DeserializeNoWitness
				if i > 0 {
					read = tx.Deserialize
				}
				if read(r) == nil && r.Len() > 0 {
					p.maps[i][j].value = f.value[:len(f.value)-r.Len()]
					changed = true
				}
			}
		}
		return changed
	}},
	{"to btcd another transaction of the packet is an unknown field", func(p *psbtParts) bool {
		first := true
		return leaveOut(func(p *psbtParts, i int, f psbtField) bool {
			if i > 0 || f.key[0] != 0 {
				return false
			}
			again := !first || len(f.key) > 1
			first = false
			return again
		})(p)
	}},
	{"to btcd the version of the packet is an unknown field, which it keeps", leaveOut(func(p *psbtParts, i int, f psbtField) bool {
		return i == 0 && f.key[0] == 0xfb
	})},
	{"btcd reads extended keys by its hdkeychain, and wants paths as long as they are deep", leaveOut(func(p *psbtParts, i int, f psbtField) bool {
		if i > 0 || f.key[0] != 1 {
			return false
		}
		_, err := btcpsbt.ReadXPub(bytes.Clone(f.key[1:]), f.value)
		return err != nil
	})},
	{"btcd lets an extended key stand twice", func(p *psbtParts) bool {
		seen := map[string]bool{}
		return leaveOut(func(p *psbtParts, i int, f psbtField) bool {
			if i > 0 || f.key[0] != 1 || len(f.key) != 79 {
				return false
			}
			id := string(f.key[14:])
			again := seen[id]
			seen[id] = true
			return again
		})(p)
	}},
	{"btcd lets a field that it does not know stand twice, unless with the same value in an input or output", func(p *psbtParts) bool {
		seen := map[int]map[string]bool{}
		return leaveOut(func(p *psbtParts, i int, f psbtField) bool {
			known := i == 0 && f.key[0] < 2 || p.in(i) && slices.Contains(btcdInputs, f.key[0]) || p.out(i) && slices.Contains(btcdOutputs, f.key[0])
			if known {
				return false
			}
			if seen[i] == nil {
				seen[i] = map[string]bool{}
			}
			again := seen[i][string(f.key)]
			seen[i][string(f.key)] = true
			return again
		})(p)
	}},
	{"btcd keeps one byte of a type that is longer", leaveOut(func(p *psbtParts, i int, f psbtField) bool { return f.key[0] >= 0xfd })},
	{"to btcd proprietary fields are unknown, so that it does not look for their identifier", leaveOut(func(p *psbtParts, i int, f psbtField) bool {
		if f.key[0] != 0xfc {
			return false
		}
		n, rest, err := wire.ReadCompactSize(f.key[1:])
		if err != nil || n > uint64(len(rest)) {
			return true
		}
		_, _, err = wire.ReadCompactSize(rest[n:])
		return err != nil
	})},
	{"to btcd preimages are unknown fields", leaveOut(inTypes(0x0a, 0x0b, 0x0c, 0x0d))},
	{"to btcd the fields of MuSig2 (BIP 373) are unknown", leaveOut(func(p *psbtParts, i int, f psbtField) bool {
		return inTypes(0x1a, 0x1b, 0x1c)(p, i, f) || outTypes(0x08)(p, i, f)
	})},
	{"btcd does not look whether a transaction has the output that is spent", leaveOut(func(p *psbtParts, i int, f psbtField) bool {
		if !inTypes(0)(p, i, f) {
			return false
		}
		tx, err := wire.DecodeTx(f.value)
		op := &p.tx.Inputs[i-1].PrevOut
		return err == nil && (tx.TxID() != op.TxID || int64(op.Index) >= int64(len(tx.Outputs)))
	})},
	{"btcd writes the witnesses of a transaction whose output is spent", func(p *psbtParts) (changed bool) {
		for i, m := range p.maps {
			for j, f := range m {
				if tx, err := wire.DecodeTx(f.value); inTypes(0)(p, i, f) && err == nil && tx.HasWitness() {
					p.maps[i][j].value = tx.AppendNoWitness(nil)
					changed = true
				}
			}
		}
		return changed
	}},
	{"btcd takes what is behind the ninth byte of a witness's coin for its script, and wants one", leaveOut(func(p *psbtParts, i int, f psbtField) bool {
		if !inTypes(1)(p, i, f) {
			return false
		}
		n := len(f.value)
		return n < 10 || int(f.value[8]) != n-9 || f.value[8] >= 0xfd
	})},
	{"btcd keeps a coin of -1 satoshi, which stands for none", leaveOut(func(p *psbtParts, i int, f psbtField) bool {
		return inTypes(1)(p, i, f) && len(f.value) >= 8 && binary.LittleEndian.Uint64(f.value) == 1<<64-1
	})},
	{"btcd wants partial signatures to be DER", leaveOut(func(p *psbtParts, i int, f psbtField) bool {
		_, err := ecdsa.ParseDERSignature(f.value)
		return inTypes(2)(p, i, f) && err != nil
	})},
	{"to btcd a hash type of 0 is none", leaveOut(func(p *psbtParts, i int, f psbtField) bool {
		return inTypes(3)(p, i, f) && bytes.Equal(f.value, make([]byte, 4))
	})},
	{"btcd keeps scripts and trees that are empty", leaveOut(func(p *psbtParts, i int, f psbtField) bool {
		return len(f.value) == 0 && (inTypes(4, 5)(p, i, f) || outTypes(0, 1, 6)(p, i, f))
	})},
	{"to btcd an input is final also with nothing", leaveOut(func(p *psbtParts, i int, f psbtField) bool {
		return inTypes(7)(p, i, f) && len(f.value) == 0 || inTypes(8)(p, i, f) && bytes.Equal(f.value, []byte{0})
	})},
	{"btcd looks into a final witness only when it extracts", leaveOut(func(p *psbtParts, i int, f psbtField) bool {
		return inTypes(8)(p, i, f) && !isWitness(f.value)
	})},
	{"btcd wants Schnorr signatures to be numbers in range", leaveOut(func(p *psbtParts, i int, f psbtField) bool {
		if !inTypes(0x13, 0x14)(p, i, f) || len(f.value) != 64 && len(f.value) != 65 {
			return false
		}
		_, err := schnorr.ParseSignature(f.value[:64])
		return err != nil
	})},
	{"btcd drops the hash type 0 of a script path's signature", leaveOut(func(p *psbtParts, i int, f psbtField) bool {
		return inTypes(0x14)(p, i, f) && len(f.value) == 65 && f.value[64] == 0
	})},
	{"btcd wants x-only keys to be points", leaveOut(func(p *psbtParts, i int, f psbtField) bool {
		var key []byte
		switch {
		case inTypes(0x14)(p, i, f) && len(f.key) == 65:
			key = f.key[1:33]
		case (inTypes(0x16)(p, i, f) || outTypes(0x07)(p, i, f)) && len(f.key) == 33:
			key = f.key[1:]
		case (inTypes(0x17)(p, i, f) || outTypes(0x05)(p, i, f)) && len(f.value) == 32:
			key = f.value
		default:
			return false
		}
		_, err := schnorr.ParsePubKey(key)
		return err != nil
	})},
	{"btcd wants control blocks with a key that is a point", leaveOut(func(p *psbtParts, i int, f psbtField) bool {
		_, err := txscript.ParseControlBlock(f.key[1:])
		return inTypes(0x15)(p, i, f) && err != nil && len(f.key) >= 34 && (len(f.key)-2)%32 == 0
	})},
	{"btcd keeps the hashes of leaves as they come, and not as a set", leaveOut(func(p *psbtParts, i int, f psbtField) bool {
		if !inTypes(0x16)(p, i, f) && !outTypes(0x07)(p, i, f) {
			return false
		}
		n, rest, err := wire.ReadCompactSize(f.value)
		if err != nil || n > uint64(len(rest)/32) {
			return false
		}
		var last []byte
		for ; n > 0; n-- {
			if last != nil && bytes.Compare(last, rest[:32]) >= 0 {
				return true
			}
			last, rest = rest[:32], rest[32:]
		}
		return false
	})},
	{"btcd takes a merkle root of any length", leaveOut(func(p *psbtParts, i int, f psbtField) bool {
		return inTypes(0x18)(p, i, f) && len(f.value) != 32
	})},
	{"btcd keeps a merkle root of zeros, which stands for none", leaveOut(func(p *psbtParts, i int, f psbtField) bool {
		return inTypes(0x18)(p, i, f) && bytes.Equal(f.value, make([]byte, 32))
	})},
	{"btcd does not look into an output's tree", leaveOut(func(p *psbtParts, i int, f psbtField) bool {
		return outTypes(6)(p, i, f) && len(f.value) > 0
	})},
}

func isWitness(b []byte) bool {
	n, b, err := wire.ReadCompactSize(b)
	for ; err == nil && n > 0; n-- {
		var size uint64
		if size, b, err = wire.ReadCompactSize(b); err != nil || size > uint64(len(b)) {
			return false
		}
		b = b[size:]
	}
	return err == nil && len(b) == 0
}

// apart takes a packet apart; nil if there is no transaction to be found.
func apart(b []byte) *psbtParts {
	p := new(psbtParts)
	if p.maps, p.rest = splitPSBT(b); len(p.maps) == 0 {
		return nil
	}
	for _, f := range p.maps[0] {
		if len(f.key) == 1 && f.key[0] == 0 && p.tx == nil {
			tx := new(btcwire.MsgTx)
			r := bytes.NewReader(f.value)
			if tx.DeserializeNoWitness(r) == nil {
				p.tx, _ = wire.DecodeTxNoWitness(f.value[:len(f.value)-r.Len()])
			}
		}
	}
	if p.tx == nil {
		return nil
	}
	return p
}

// explainPSBT returns why the two differ about a packet: one reason if it is enough,
// or all that apply, nil if they are not enough either.
func explainPSBT(b []byte) (why []string) {
	for _, k := range knownPSBT {
		if p := apart(b); p != nil && k.fix(p) && agreePSBT(p) {
			return []string{k.why}
		}
	}
	p := apart(b)
	if p == nil {
		return nil
	}
	for _, k := range knownPSBT {
		if k.fix(p) {
			why = append(why, "several: "+k.why)
		}
		if len(why) > 1 && agreePSBT(p) {
			return why
		}
	}
	return nil
}

func agreePSBT(p *psbtParts) bool {
	v := comparePSBT(joinPSBT(p.maps, p.rest))
	return v.agree()
}

// unfinished names the coins whose inputs btcd finalizes otherwise, or not at all.
var unfinished = map[string]string{
	"key":      "btcd takes every coin without a redeem script for a key hash",
	"multisig": "btcd takes every coin without a redeem script for a key hash",
}
