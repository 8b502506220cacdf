package compact

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/keelson-chain/keelson/p2p/message"
	"github.com/keelson-chain/keelson/wire"
)

// Why a compact block does not become a block, matched with errors.Is. In each case
// the whole block is to be fetched, and the sender of the compact one is not to
// blame: see the package comment.
var (
	// ErrCollision: two transactions of the block have the same short id, or so many
	// have similar ones that somebody has chosen them.
	ErrCollision = errors.New("short ids collide")
	// ErrMismatch: the transactions do not have the header's merkle root. A short id
	// matched a transaction that the block does not have, or what was filled in is
	// of another block.
	ErrMismatch = errors.New("transactions do not match the header")
	// ErrCount: Fill was given more or fewer transactions than are missing.
	ErrCount = errors.New("wrong number of transactions")
)

// maxProbes is how many places of the table one id may have to be looked for. The
// table is at most half full, so that random ids stay far below it; ids that
// somebody has chosen to make each look-up slow do not.
const maxProbes = 64

// Partial is a block whose transactions are being found. It is for one goroutine at
// a time.
type Partial struct {
	header wire.Header
	key    Key
	mask   uint64 // leaves the bits of a short id
	slots  []slot // one for each transaction
	open   int    // of them, how many are empty

	// A hash table with open addressing from short ids, plus one so that zero is
	// an empty place, to slots. Nearly every look-up ends at the first key.
	keys []uint64
	at   []uint32
}

// slot is a transaction of the block, or the lack of it.
type slot struct {
	raw []byte // with witness; nil: missing
	// tag is a part of the witness id that tells two with the same short id apart. Who
	// makes two with the same tag as well, which takes long, gains an ErrMismatch.
	tag uint64
	// ambiguous: two different transactions match the short id. Which one is meant
	// has to be asked.
	ambiguous bool
}

// NewPartial returns the block that c describes, with its prefilled transactions in
// place. The error is ErrCollision. c must come out of message.DecodeCompact or New.
func NewPartial(c *message.Compact) (*Partial, error) {
	p := &Partial{
		header: c.Header, key: NewKey(&c.Header, c.Nonce), mask: maskOf(cmp.Or(c.IDSize, message.MaxIDSize)),
		slots: make([]slot, c.TxCount()), open: len(c.ShortIDs),
	}
	for _, pre := range c.Prefilled {
		p.slots[pre.Index].raw = pre.Tx.Append(make([]byte, 0, pre.Tx.Size()))
	}
	size := 16
	for size < 2*len(c.ShortIDs) {
		size *= 2
	}
	p.keys, p.at = make([]uint64, size), make([]uint32, size)
	at := 0
	for _, id := range c.ShortIDs {
		for p.slots[at].raw != nil {
			at++
		}
		if !p.put(id, at) {
			return nil, fmt.Errorf("%w: %012x", ErrCollision, id)
		}
		at++
	}
	return p, nil
}

// put enters an id that must not be there.
func (p *Partial) put(id uint64, at int) bool {
	mask := len(p.keys) - 1
	for probe := range maxProbes {
		switch i := (int(id) + probe) & mask; p.keys[i] {
		case 0:
			p.keys[i], p.at[i] = id+1, uint32(at)
			return true
		case id + 1:
			return false
		}
	}
	return false
}

// find returns the slot of an id, or nil.
func (p *Partial) find(id uint64) *slot {
	mask := len(p.keys) - 1
	for i := int(id) & mask; ; i = (i + 1) & mask {
		switch p.keys[i] {
		case 0:
			return nil
		case id + 1:
			return &p.slots[p.at[i]]
		}
	}
}

// Header returns the header of the block.
func (p *Partial) Header() wire.Header { return p.header }

// Offer puts a transaction in its place if the block has it. raw is its encoding
// with witness, which the Partial keeps and nobody may change; wtxid is read only.
// Where two different transactions match, neither is taken.
func (p *Partial) Offer(wtxid *wire.Hash, raw []byte) {
	s := p.find(p.key.ShortID(wtxid) & p.mask)
	tag := binary.LittleEndian.Uint64(wtxid[wire.HashSize-8:])
	switch {
	case s == nil || s.ambiguous:
	case s.raw == nil:
		s.raw, s.tag = raw, tag
		p.open--
	case s.tag != tag:
		s.raw, s.ambiguous = nil, true
		p.open++
	}
}

// Len is how many transactions the block has.
func (p *Partial) Len() int { return len(p.slots) }

// Open is how many of them are missing.
func (p *Partial) Open() int { return p.open }

// Missing returns the places of the transactions that are missing, in order.
func (p *Partial) Missing() []uint32 {
	list := make([]uint32, 0, p.open)
	for i := range p.slots {
		if p.slots[i].raw == nil {
			list = append(list, uint32(i))
		}
	}
	return list
}

// Raw returns the transaction at a place with its witness, which nobody may change,
// or nil if it is missing or the block has no such place.
func (p *Partial) Raw(at uint32) []byte {
	if int64(at) >= int64(len(p.slots)) {
		return nil
	}
	return p.slots[at].raw
}

// Fits reports whether a transaction has the short id that stands at a place. What it
// looks at never changes, so that any goroutine may call it.
func (p *Partial) Fits(at uint32, wtxid *wire.Hash) bool {
	s := p.find(p.key.ShortID(wtxid) & p.mask)
	return s != nil && int64(at) < int64(len(p.slots)) && s == &p.slots[at]
}

// Fill puts the transactions in the places that Missing returned. With the wrong
// number of them it changes nothing and returns ErrCount.
func (p *Partial) Fill(txs []*wire.Tx) error {
	if len(txs) != p.open {
		return fmt.Errorf("%w: %d, not %d", ErrCount, len(txs), p.open)
	}
	for i := range p.slots {
		if s := &p.slots[i]; s.raw == nil {
			s.raw = txs[0].Append(make([]byte, 0, txs[0].Size()))
			txs = txs[1:]
		}
	}
	p.open = 0
	return nil
}

// Block returns the block once nothing is missing. The error is ErrCount before
// that and ErrMismatch if the transactions do not have the header's merkle root, or
// their witnesses not the one in the coinbase.
func (p *Partial) Block() (*wire.Block, error) {
	if p.open != 0 {
		return nil, fmt.Errorf("%w: %d are missing", ErrCount, p.open)
	}
	size := wire.HeaderSize + wire.CompactSizeLen(uint64(len(p.slots)))
	for i := range p.slots {
		size += len(p.slots[i].raw)
	}
	raw := p.header.Append(make([]byte, 0, size))
	raw = wire.AppendCompactSize(raw, uint64(len(p.slots)))
	for i := range p.slots {
		raw = append(raw, p.slots[i].raw...)
	}
	b, err := wire.DecodeBlock(raw)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMismatch, err)
	}
	if root, mutated := b.TxMerkleRoot(); root != p.header.MerkleRoot || mutated {
		return nil, fmt.Errorf("%w: merkle root %v instead of %v", ErrMismatch, root, p.header.MerkleRoot)
	}
	if !witnessFits(b) {
		return nil, fmt.Errorf("%w: another witness merkle root than in the coinbase", ErrMismatch)
	}
	return b, nil
}

// witnessFits reports whether the witnesses of b are those that its coinbase
// commits to, where it does in due form (BIP 141, "Commitment structure").
// Whether it has to is a rule of consensus, and not asked here.
func witnessFits(b *wire.Block) bool {
	want, ok := b.WitnessCommitment()
	if !ok || len(b.Txs[0].Inputs) == 0 {
		return true
	}
	nonce := b.Txs[0].Inputs[0].Witness
	if len(nonce) != 1 || len(nonce[0]) != wire.HashSize {
		return true
	}
	return wire.WitnessCommitmentHash(b.WitnessMerkleRoot(), [wire.HashSize]byte(nonce[0])) == want
}
