package wire

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"sync/atomic"
)

// WitnessScaleFactor is how many weight units a byte outside the witness
// counts (BIP 141).
const WitnessScaleFactor = 4

// The shortest encodings of the parts, which bound what a count may ask for.
const (
	minTxSize   = 4 + 1 + 1 + 4
	minTxInSize = HashSize + 4 + 1 + 4
	minOutSize  = 8 + 1
)

// SequenceFinal is the sequence number that switches an input's relative lock
// time off and, on every input, the transaction's lock time.
const SequenceFinal uint32 = 0xffffffff

// OutPoint names an output by the transaction that made it and its position.
type OutPoint struct {
	TxID  Hash
	Index uint32
}

// String returns "txid:index".
func (o OutPoint) String() string { return fmt.Sprintf("%v:%d", o.TxID, o.Index) }

// IsNull reports whether o is the outpoint of a coinbase input: a zero hash
// and index 0xffffffff.
func (o OutPoint) IsNull() bool { return o.Index == 0xffffffff && o.TxID.IsZero() }

// TxIn spends an output. Witness is empty where the input has none.
type TxIn struct {
	PrevOut   OutPoint
	SigScript []byte
	Witness   [][]byte
	Sequence  uint32
}

// TxOut carries an amount to whoever satisfies a script.
type TxOut struct {
	Value    Amount
	PkScript []byte
}

// Tx is a transaction. It may be filled in freely until its first id is asked
// for, or until it is shared; a decoded Tx is shared from the start. From then
// on nobody changes it: Clone gives a copy that may be changed.
type Tx struct {
	Version  uint32
	Inputs   []TxIn
	Outputs  []TxOut
	LockTime uint32

	// The encoding that the Tx was decoded from, nil for one that was built;
	// witnessAt is where its witnesses begin, 0 if it has none.
	raw       []byte
	witnessAt int

	// Written once, by whoever takes ids from idsUnset to idsBusy.
	ids         atomic.Uint32
	txid, wtxid Hash
}

const (
	idsUnset = iota
	idsBusy
	idsSet
)

// DecodeTx reads one transaction in the format of BIP 144, with or without
// witnesses. The Tx keeps b, which must not change afterwards. As in Bitcoin
// Core, a transaction without inputs has no outputs in this format: what would
// be their number is the flag of BIP 144.
func DecodeTx(b []byte) (*Tx, error) {
	r := reader{b: b}
	tx := new(Tx)
	r.tx(tx, nil, true)
	if err := r.end(); err != nil {
		return nil, fmt.Errorf("decode transaction: %w", err)
	}
	return tx, nil
}

// DecodeTxPrefix reads the transaction that b begins with, in the format of
// DecodeTx, and returns what follows it.
func DecodeTxPrefix(b []byte) (tx *Tx, rest []byte, err error) {
	r := reader{b: b}
	tx = new(Tx)
	r.tx(tx, nil, true)
	if r.err != nil {
		return nil, nil, fmt.Errorf("decode transaction: %w", r.err)
	}
	return tx, b[r.off:], nil
}

// DecodeTxNoWitness reads one transaction in the format from before BIP 144,
// in which a transaction without inputs can have outputs.
func DecodeTxNoWitness(b []byte) (*Tx, error) {
	r := reader{b: b}
	tx := new(Tx)
	r.tx(tx, nil, false)
	if err := r.end(); err != nil {
		return nil, fmt.Errorf("decode transaction: %w", err)
	}
	return tx, nil
}

// slabs hands out the small slices of the transactions of a block from few
// allocations. A nil one, for a transaction alone, allocates what it needs.
type slabs struct {
	ins   []TxIn
	outs  []TxOut
	items [][]byte
}

// A slab has at most slabMax elements. Requests for an eighth of that or more
// are allocated alone, so that no more than an eighth of a slab is given up
// when the next request does not fit.
const slabMax = 1024

// take cuts n elements off the slab, or off a new one of the size that is
// likely to be of use.
func take[T any](slab *[]T, n, likely int) []T {
	if n > len(*slab) {
		if n >= slabMax/8 {
			return make([]T, n)
		}
		*slab = make([]T, max(n, min(likely, slabMax)))
	}
	s := (*slab)[:n:n]
	*slab = (*slab)[n:]
	return s
}

// In what follows, left is how many bytes of input there are. The shares of
// them that become inputs, outputs and witness items are guesses: one too low
// costs another slab, one too high memory.

func (s *slabs) takeIns(n, left int) []TxIn {
	switch {
	case n == 0:
		return nil
	case s == nil:
		return make([]TxIn, n)
	}
	return take(&s.ins, n, left/(2*minTxInSize))
}

func (s *slabs) takeOuts(n, left int) []TxOut {
	switch {
	case n == 0:
		return nil
	case s == nil:
		return make([]TxOut, n)
	}
	return take(&s.outs, n, left/(4*minOutSize))
}

// likelyItemSize is what a witness item takes at least in most transactions:
// a signature and a key of 107 bytes, or a signature of 65.
const likelyItemSize = 32

func (r *reader) tx(tx *Tx, s *slabs, allowWitness bool) {
	start := r.off
	tx.Version = r.uint32()
	nIn := r.countOf(minTxInSize)
	flag := byte(0)
	if nIn == 0 && allowWitness && r.err == nil {
		// Either a marker and flag, or (flag 0) a transaction without any
		// inputs and outputs.
		if flag = r.byte(); flag != 0 {
			nIn = r.countOf(minTxInSize)
		}
	}
	if r.err != nil {
		return
	}
	tx.Inputs = s.takeIns(nIn, r.left())
	for i := range tx.Inputs {
		in := &tx.Inputs[i]
		if p := r.bytes(HashSize + 4); p != nil {
			in.PrevOut.TxID = Hash(p)
			in.PrevOut.Index = binary.LittleEndian.Uint32(p[HashSize:])
		}
		in.SigScript = r.varBytes()
		in.Sequence = r.uint32()
	}
	if nIn > 0 || flag != 0 || !allowWitness {
		nOut := r.countOf(minOutSize)
		tx.Outputs = s.takeOuts(nOut, r.left())
		for i := range tx.Outputs {
			out := &tx.Outputs[i]
			out.Value = Amount(r.uint64())
			out.PkScript = r.varBytes()
		}
	}
	if flag&1 != 0 {
		tx.witnessAt = r.off - start
		r.witnesses(tx, s)
		flag ^= 1
	}
	if flag != 0 {
		r.fail(ErrWitnessFlag)
	}
	tx.LockTime = r.uint32()
	if r.err == nil {
		tx.raw = r.b[start:r.off:r.off]
	}
}

func (r *reader) witnesses(tx *Tx, s *slabs) {
	var own [][]byte
	empty := true
	for i := range tx.Inputs {
		n := r.countOf(1)
		if n == 0 {
			continue
		}
		empty = false
		var items [][]byte
		likely := r.left() / likelyItemSize
		if s != nil {
			items = take(&s.items, n, likely)
		} else {
			// The inputs to come are likely to be of the same kind.
			items = take(&own, n, min(likely, n*(len(tx.Inputs)-i)))
		}
		for j := range items {
			items[j] = r.varBytes()
		}
		tx.Inputs[i].Witness = items
		if r.err != nil {
			return
		}
	}
	if empty {
		r.fail(ErrNoWitness)
	}
}

// HasWitness reports whether any input has a witness.
func (tx *Tx) HasWitness() bool {
	for i := range tx.Inputs {
		if len(tx.Inputs[i].Witness) > 0 {
			return true
		}
	}
	return false
}

// IsCoinbase reports whether tx has the one input with a null outpoint that
// makes it a coinbase.
func (tx *Tx) IsCoinbase() bool {
	return len(tx.Inputs) == 1 && tx.Inputs[0].PrevOut.IsNull()
}

// Append appends the encoding to dst, with witnesses if there are any.
func (tx *Tx) Append(dst []byte) []byte {
	if tx.raw != nil {
		return append(dst, tx.raw...)
	}
	return tx.encode(dst, tx.HasWitness())
}

// AppendNoWitness appends the encoding without witnesses, whose double
// SHA-256 is the TxID.
func (tx *Tx) AppendNoWitness(dst []byte) []byte {
	if tx.raw == nil {
		return tx.encode(dst, false)
	}
	if tx.witnessAt == 0 {
		return append(dst, tx.raw...)
	}
	dst = append(dst, tx.raw[:4]...)
	dst = append(dst, tx.raw[6:tx.witnessAt]...)
	return append(dst, tx.raw[len(tx.raw)-4:]...)
}

func (tx *Tx) encode(dst []byte, witness bool) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, tx.Version)
	if witness {
		dst = append(dst, 0, 1)
	}
	dst = AppendCompactSize(dst, uint64(len(tx.Inputs)))
	for i := range tx.Inputs {
		in := &tx.Inputs[i]
		dst = append(dst, in.PrevOut.TxID[:]...)
		dst = binary.LittleEndian.AppendUint32(dst, in.PrevOut.Index)
		dst = appendVarBytes(dst, in.SigScript)
		dst = binary.LittleEndian.AppendUint32(dst, in.Sequence)
	}
	dst = AppendCompactSize(dst, uint64(len(tx.Outputs)))
	for i := range tx.Outputs {
		dst = tx.Outputs[i].Append(dst)
	}
	if witness {
		for i := range tx.Inputs {
			dst = AppendCompactSize(dst, uint64(len(tx.Inputs[i].Witness)))
			for _, item := range tx.Inputs[i].Witness {
				dst = appendVarBytes(dst, item)
			}
		}
	}
	return binary.LittleEndian.AppendUint32(dst, tx.LockTime)
}

// Append appends the value (8 bytes) and the script with its length to dst.
func (o *TxOut) Append(dst []byte) []byte {
	return appendVarBytes(binary.LittleEndian.AppendUint64(dst, uint64(o.Value)), o.PkScript)
}

// Size returns the length of the encoding with witnesses, in bytes.
func (tx *Tx) Size() int {
	if tx.raw != nil {
		return len(tx.raw)
	}
	size := tx.StrippedSize()
	if tx.HasWitness() {
		size += 2
		for i := range tx.Inputs {
			size += CompactSizeLen(uint64(len(tx.Inputs[i].Witness)))
			for _, item := range tx.Inputs[i].Witness {
				size += varBytesLen(item)
			}
		}
	}
	return size
}

// StrippedSize returns the length of the encoding without witnesses, in bytes.
func (tx *Tx) StrippedSize() int {
	if tx.raw != nil {
		if tx.witnessAt == 0 {
			return len(tx.raw)
		}
		return tx.witnessAt - 2 + 4
	}
	size := 4 + CompactSizeLen(uint64(len(tx.Inputs))) + CompactSizeLen(uint64(len(tx.Outputs))) + 4
	for i := range tx.Inputs {
		size += HashSize + 4 + varBytesLen(tx.Inputs[i].SigScript) + 4
	}
	for i := range tx.Outputs {
		size += 8 + varBytesLen(tx.Outputs[i].PkScript)
	}
	return size
}

// Weight returns three times the stripped size plus the size, in weight units
// (BIP 141, "Transaction size calculations").
func (tx *Tx) Weight() int {
	return tx.StrippedSize()*(WitnessScaleFactor-1) + tx.Size()
}

// VSize returns the weight divided by four and rounded up, in virtual bytes.
func (tx *Tx) VSize() int {
	return (tx.Weight() + WitnessScaleFactor - 1) / WitnessScaleFactor
}

// TxID returns the double SHA-256 of the encoding without witnesses. It is
// computed once; any number of goroutines may call it.
func (tx *Tx) TxID() Hash {
	txid, _ := tx.hashes()
	return txid
}

// WTxID returns the double SHA-256 of the encoding with witnesses (BIP 141),
// which equals the TxID where there are none. The coinbase's place in the
// witness merkle tree is a zero hash instead; see WitnessMerkleRoot.
func (tx *Tx) WTxID() Hash {
	_, wtxid := tx.hashes()
	return wtxid
}

func (tx *Tx) hashes() (txid, wtxid Hash) {
	if tx.ids.Load() == idsSet {
		return tx.txid, tx.wtxid
	}
	owner := tx.ids.CompareAndSwap(idsUnset, idsBusy)
	txid, wtxid = tx.computeHashes()
	if owner {
		tx.txid, tx.wtxid = txid, wtxid
		tx.ids.Store(idsSet)
	}
	return txid, wtxid
}

func (tx *Tx) computeHashes() (txid, wtxid Hash) {
	if tx.raw == nil {
		txid = DoubleSHA256(tx.AppendNoWitness(make([]byte, 0, tx.StrippedSize())))
		if !tx.HasWitness() {
			return txid, txid
		}
		return txid, DoubleSHA256(tx.Append(make([]byte, 0, tx.Size())))
	}
	wtxid = DoubleSHA256(tx.raw)
	if tx.witnessAt == 0 {
		return wtxid, wtxid
	}
	var stack [512]byte
	if tx.StrippedSize() <= len(stack) {
		return DoubleSHA256(tx.AppendNoWitness(stack[:0])), wtxid
	}
	// Three writes are cheaper than a copy on the heap.
	h := sha256.New()
	h.Write(tx.raw[:4])
	h.Write(tx.raw[6:tx.witnessAt])
	h.Write(tx.raw[len(tx.raw)-4:])
	return sha256.Sum256(h.Sum(stack[:0])), wtxid
}

// Clone returns a deep copy that shares nothing with tx and may be changed.
func (tx *Tx) Clone() *Tx {
	c := &Tx{Version: tx.Version, LockTime: tx.LockTime}
	c.Inputs = append(c.Inputs, tx.Inputs...)
	for i := range c.Inputs {
		in := &c.Inputs[i]
		in.SigScript = bytes.Clone(in.SigScript)
		items := in.Witness
		in.Witness = nil
		for _, item := range items {
			in.Witness = append(in.Witness, bytes.Clone(item))
		}
	}
	c.Outputs = append(c.Outputs, tx.Outputs...)
	for i := range c.Outputs {
		c.Outputs[i].PkScript = bytes.Clone(c.Outputs[i].PkScript)
	}
	return c
}
