package mempool

import (
	"encoding/binary"
	"unsafe"

	"github.com/keelson-chain/keelson/wire"
)

// entry is a transaction of the pool. It keeps the bytes of the transaction
// and not the decoded form, which takes three times as much.
type entry struct {
	raw         []byte
	txid, wtxid wire.Hash
	fee         wire.Amount // what it pays
	modified    wire.Amount // with prioritisation
	time        int64       // of its arrival, in seconds since 1970
	height      uint32      // of the tip then
	weight      int32       // in weight units
	vsize       int32       // in virtual bytes, signature operations considered
	sigOps      int32       // cost
	flags       entryFlags
	number      uint32 // of its arrival, the low bits; see latest

	// family is what it has to do with other transactions of the pool, nil for
	// most: they have no relatives there.
	family *family
}

// entryFlags are what is to be known of an entry in one bit.
type entryFlags uint8

const (
	// flagSpendsCoinbase: a reorganisation may make what it spends immature.
	flagSpendsCoinbase entryFlags = 1 << iota
	// flagTimed: it has lock times that a reorganisation may bring back.
	flagTimed
	// flagSignals: it says that it may be replaced (BIP 125).
	flagSignals
	// flagUnbroadcast: it comes from our user, and no peer has it yet.
	flagUnbroadcast
	// flagGone: it has left the pool, but may still stand in a list.
	flagGone
	// flagPending: its place in Pool.ranking is not right.
	flagPending
	// flagTracked: it counts for fee estimates.
	flagTracked
)

// family links an entry with its relatives in the pool and sums them up.
type family struct {
	parents, children      []*entry // direct ones, each once
	ancestors, descendants totals   // all, with the entry itself
	ancestorOps            int      // what the signature operations of all ancestors cost

	walked   uint64 // the last walk that met the entry; see Pool.walk
	selected uint64 // the last selection that it went into
}

// totals sums up a set of entries.
type totals struct {
	count int
	size  int         // in virtual bytes
	fees  wire.Amount // modified
}

func (t *totals) add(e *entry) {
	t.count++
	t.size += int(e.vsize)
	t.fees += e.modified
}

func (t *totals) subtract(e *entry) {
	t.count--
	t.size -= int(e.vsize)
	t.fees -= e.modified
}

func (e *entry) own() totals { return totals{1, int(e.vsize), e.modified} }

// ancestors sums up the entry and all that it descends from.
func (e *entry) ancestors() totals {
	if e.family == nil {
		return e.own()
	}
	return e.family.ancestors
}

// descendants sums up the entry and all that descends from it.
func (e *entry) descendants() totals {
	if e.family == nil {
		return e.own()
	}
	return e.family.descendants
}

// ancestorOps is what the signature operations of the entry and its ancestors
// cost.
func (e *entry) ancestorOps() int {
	if e.family == nil {
		return int(e.sigOps)
	}
	return e.family.ancestorOps
}

func (e *entry) parents() []*entry {
	if e.family == nil {
		return nil
	}
	return e.family.parents
}

func (e *entry) children() []*entry {
	if e.family == nil {
		return nil
	}
	return e.family.children
}

func (e *entry) has(f entryFlags) bool { return e.flags&f != 0 }

// tx decodes the transaction.
func (e *entry) tx() *wire.Tx {
	tx, err := wire.DecodeTx(e.raw)
	if err != nil {
		panic("mempool: a transaction of the pool does not decode: " + err.Error())
	}
	return tx
}

func (e *entry) version() uint32 { return binary.LittleEndian.Uint32(e.raw) }

// outPointSize is the length of an encoded outpoint.
const outPointSize = wire.HashSize + 4

// outPointKey is the encoding of an outpoint, which is also its key in the
// table of what the pool spends.
func outPointKey(op *wire.OutPoint) (key [outPointSize]byte) {
	copy(key[:], op.TxID[:])
	binary.LittleEndian.PutUint32(key[wire.HashSize:], op.Index)
	return key
}

// prevOuts calls f with each outpoint that the transaction spends, and where it
// stands in raw. tx may have come with another witness.
func (e *entry) prevOuts(tx *wire.Tx, f func(op *wire.OutPoint, at uint32)) {
	at := 4
	if hasWitness(e) {
		at += 2
	}
	at += wire.CompactSizeLen(uint64(len(tx.Inputs)))
	for i := range tx.Inputs {
		f(&tx.Inputs[i].PrevOut, uint32(at))
		n := len(tx.Inputs[i].SigScript)
		at += outPointSize + wire.CompactSizeLen(uint64(n)) + n + 4
	}
}

// What an entry takes besides its bytes: itself, its places in the two lists of
// the ranking and in that of arrivals, and the slots of its two ids. A spent
// outpoint takes a slot too.
const (
	entryBytes  = int(unsafe.Sizeof(entry{})) + 3*8 + 2*slotBytes
	familyBytes = int(unsafe.Sizeof(family{}))
	linkBytes   = 8 // in a list of relatives
)

// memory is what the transaction takes in memory, in bytes, as it counts
// against Config.MaxBytes. inputs is how many it has.
func memory(raw []byte, inputs int) int64 {
	return int64((cap(raw)+15)&^15 + entryBytes + inputs*slotBytes)
}

// familyMemory is what the links to relatives take.
func (e *entry) familyMemory() int64 {
	if e.family == nil {
		return 0
	}
	return int64(familyBytes + linkBytes*(cap(e.family.parents)+cap(e.family.children)))
}

// rate is a fee for a size, compared without rounding.
type rate struct {
	fee  wire.Amount
	size int // in virtual bytes
}

// cmp compares fee rates: negative if r is the lower one.
func (r rate) cmp(o rate) int {
	// Within these bounds the products fit; beyond them stands only what
	// somebody prioritised out of all proportion.
	const feeBound, sizeBound = 1 << 40, 1 << 22
	if r.fee < feeBound && r.fee > -feeBound && o.fee < feeBound && o.fee > -feeBound && r.size < sizeBound && o.size < sizeBound {
		a, b := int64(r.fee)*int64(o.size), int64(o.fee)*int64(r.size)
		switch {
		case a < b:
			return -1
		case a > b:
			return 1
		}
		return 0
	}
	return cmpLarge(r, o)
}
