package ledger

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/ledger/flat"
	"github.com/keelson-chain/keelson/wire"
)

// The key space of the database. Integers in keys are big-endian, so that keys
// sort by them; in values they are little-endian or uvarints.
//
//	key                            value
//	'v'                            identity: schemaVersion (4), genesis hash (32),
//	                               chain-spec hash (32), name of the network
//	's'                            the state, see appendState
//	'b' height (4) hash (32)       a block of the tree, see appendNode
//	'c' txid (32) index (1, 3, 5)  a coin, see appendCoin; the index as in appendOutPoint
//	'y'                            see keyAssumed
//	't' txid (32)                  where a transaction of the active chain lies: height (4),
//	                               offset (4) and size (4) in the body of that block
//
// Those of the address index, where script is the SHA-256 of an output script:
//
//	'i'                            how far it is, see indexRecord
//	'a' script (32)                totals, see appendTotals
//	'h' script (32) ^height (4)    a transaction that has to do with the script: its id (32);
//	    ^position (4)              height and position in the block as complements: newest first
//	'u' script (32) txid (32)      an unspent output with the script: empty; the index as in
//	    index (1, 3, 5)            appendOutPoint
//	'p' txid (32) index (1, 3, 5)  what spends an output: txid (32), number of the input (4),
//	                               height (4)
//
// Those of the indexes of blocks, see blockRows:
//
//	'f' height (4) hash (32)       a block's filter, see filterIndex
//	'm' height (4) hash (32)       statistics of the coins after a block, see statsIndex
//	'j', 'k'                       how far each is: an indexRecord, and what index.keep appends
//
// The active chain has no keys of its own: the state names its tip, and the
// blocks name their parents.
const (
	keyIdentity byte = 'v'
	keyState    byte = 's'
	keyBlock    byte = 'b'
	keyCoin     byte = 'c'
	keyTx       byte = 't'

	keyIndexState byte = 'i'
	keyTotals     byte = 'a'
	keyHistory    byte = 'h'
	keyScriptCoin byte = 'u'
	keySpender    byte = 'p'

	keyFilter      byte = 'f'
	keyFilterState byte = 'j'
	keyStats       byte = 'm'
	keyStatsState  byte = 'k'
)

// addressPrefixes are the keys of the rows of the address index.
var addressPrefixes = []byte{keyTotals, keyHistory, keyScriptCoin, keySpender}

// schemaVersion changes whenever an older program would misread the data.
const schemaVersion = 1

func appendIdentity(dst []byte, p *consensus.Params) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, schemaVersion)
	dst = append(dst, p.GenesisHash[:]...)
	dst = append(dst, p.SpecHash[:]...)
	return append(dst, p.Name...)
}

// checkIdentity compares what the folder was made for with p.
func checkIdentity(b []byte, p *consensus.Params) error {
	const fixed = 4 + 2*wire.HashSize
	if len(b) < 4 {
		return fmt.Errorf("%w: the identity is too short", ErrCorrupt)
	}
	if v := binary.LittleEndian.Uint32(b); v > schemaVersion {
		return fmt.Errorf("%w of this program: it has schema %d, this version knows %d; use the newer program", ErrNewerSchema, v, schemaVersion)
	}
	if len(b) < fixed {
		return fmt.Errorf("%w: the identity is too short", ErrCorrupt)
	}
	name := string(b[fixed:])
	if name != p.Name || !bytes.Equal(b[4:4+wire.HashSize], p.GenesisHash[:]) {
		return fmt.Errorf("%w: it holds %q with genesis block %v, not %q with %v",
			ErrOtherNetwork, name, wire.Hash(b[4:4+wire.HashSize]), p.Name, p.GenesisHash)
	}
	if !bytes.Equal(b[4+wire.HashSize:fixed], p.SpecHash[:]) {
		return fmt.Errorf("%w: it was made with another chain-spec for %q (hash %x, not %x)",
			ErrOtherNetwork, name, b[4+wire.HashSize:fixed], p.SpecHash)
	}
	return nil
}

// phase says what a run was in the middle of when it ended.
type phase uint8

const (
	phaseNone    phase = iota
	phaseWipe          // the coins are being deleted, to be built anew from the blocks
	phaseReindex       // the block files are being read to build everything anew
)

// indexState is how far an index is.
type indexState uint8

const (
	indexOff  indexState = iota // there is none
	indexDrop                   // it is being deleted
	indexGrow                   // it is being built: the blocks up to some height are in it
	indexOn                     // it is in step with the tip
)

// diskState is what the coins on disk are the coins of, and where the flat files
// end. It is written with every batch, so that each batch leaves the database
// and the files consistent:
//
//	32       hash of the tip that the coins belong to
//	1        phase
//	1, 4     indexState of the transaction index, and the height that it is built up to
//	4, 4     the last block file and its length
//	4, 4     the last undo file and its length
//	1        1 if blocks have ever been pruned
type diskState struct {
	tip         wire.Hash
	phase       phase
	index       indexState
	indexHeight uint32
	blocks      flat.End
	undo        flat.End
	pruned      bool
}

const diskStateSize = 32 + 1 + 1 + 4 + 8 + 8 + 1

func appendState(dst []byte, s *diskState) []byte {
	le := binary.LittleEndian
	dst = append(dst, s.tip[:]...)
	dst = append(dst, byte(s.phase), byte(s.index))
	dst = le.AppendUint32(dst, s.indexHeight)
	for _, e := range []flat.End{s.blocks, s.undo} {
		dst = le.AppendUint32(le.AppendUint32(dst, e.File), e.Offset)
	}
	if s.pruned {
		return append(dst, 1)
	}
	return append(dst, 0)
}

func readState(b []byte) (s diskState, err error) {
	if len(b) != diskStateSize || b[32] > byte(phaseReindex) || b[33] > byte(indexOn) || b[54] > 1 {
		return s, fmt.Errorf("%w: the state record is not well-formed", ErrCorrupt)
	}
	le := binary.LittleEndian
	copy(s.tip[:], b)
	s.phase, s.index = phase(b[32]), indexState(b[33])
	s.indexHeight = le.Uint32(b[34:])
	s.blocks = flat.End{File: le.Uint32(b[38:]), Offset: le.Uint32(b[42:])}
	s.undo = flat.End{File: le.Uint32(b[46:]), Offset: le.Uint32(b[50:])}
	s.pruned = b[54] == 1
	return s, nil
}

func appendNodeKey(dst []byte, n *node) []byte {
	dst = append(dst, keyBlock)
	dst = binary.BigEndian.AppendUint32(dst, n.height)
	return append(dst, n.hash[:]...)
}

// appendNode appends the record of a block:
//
//	80       the header
//	1        Status
//	uvarints seq, transactions, size, size without witnesses;
//	         if the body is stored: file, offset, checksum;
//	         if the undo record is stored: file, offset, size, checksum
func appendNode(dst []byte, n *node) []byte {
	dst = n.header.Append(dst)
	dst = append(dst, byte(n.status))
	fields := []uint64{n.seq, uint64(n.txs), uint64(n.size), uint64(n.stripped)}
	if n.status.Has(HaveBody) {
		fields = append(fields, uint64(n.body.File), uint64(n.body.Offset), uint64(n.body.CRC))
	}
	if n.status.Has(HaveUndo) {
		fields = append(fields, uint64(n.undo.File), uint64(n.undo.Offset), uint64(n.undo.Size), uint64(n.undo.CRC))
	}
	for _, f := range fields {
		dst = binary.AppendUvarint(dst, f)
	}
	return dst
}

// readNode reads a record. The node is not linked yet.
func readNode(key, b []byte) (height uint32, hash wire.Hash, n *node, err error) {
	bad := func(what string) error {
		return fmt.Errorf("%w: the record of block %x is not well-formed: %s", ErrCorrupt, key, what)
	}
	if len(key) != 1+4+wire.HashSize || len(b) <= wire.HeaderSize {
		return 0, hash, nil, bad("length")
	}
	height = binary.BigEndian.Uint32(key[1:])
	copy(hash[:], key[5:])
	n = &node{status: Status(b[wire.HeaderSize])}
	if n.header, err = wire.DecodeHeader(b[:wire.HeaderSize]); err != nil {
		return 0, hash, nil, bad(err.Error())
	}
	if n.header.Hash() != hash {
		return 0, hash, nil, bad("it does not hash to its key")
	}
	b = b[wire.HeaderSize+1:]
	fits := true
	next := func() uint64 {
		v, k := binary.Uvarint(b)
		if k <= 0 {
			fits, b = false, nil
			return 0
		}
		b = b[k:]
		return v
	}
	next32 := func() uint32 {
		v := next()
		fits = fits && v <= 0xffffffff
		return uint32(v)
	}
	n.seq, n.txs, n.size, n.stripped = next(), next32(), next32(), next32()
	if n.status.Has(HaveBody) {
		n.body = flat.Pos{File: next32(), Offset: next32(), CRC: next32(), Size: n.size}
	}
	if n.status.Has(HaveUndo) {
		n.undo = flat.Pos{File: next32(), Offset: next32(), Size: next32(), CRC: next32()}
	}
	if !fits || len(b) > 0 {
		return 0, hash, nil, bad("fields")
	}
	if n.status.Has(HaveBody) && n.txs == 0 {
		return 0, hash, nil, bad("a body without transactions")
	}
	return height, hash, n, nil
}

func coinKey(dst []byte, op *wire.OutPoint) []byte {
	return appendOutPoint(append(dst, keyCoin), op)
}

func txKey(dst []byte, txid *wire.Hash) []byte {
	return append(append(dst, keyTx), txid[:]...)
}
