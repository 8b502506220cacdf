package message

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/keelson-chain/keelson/wire"
)

// HeadersRequest asks for the headers that follow the first hash of Locator which
// is on the answerer's active chain, up to Stop or MaxHeaders of them, as
// getheaders does in Bitcoin. With an empty Locator it asks for Stop alone.
type HeadersRequest struct {
	Locator []wire.Hash // at most MaxLocator, newest first
	Stop    wire.Hash   // zero: no bound
}

// Append appends the request to dst.
func (m *HeadersRequest) Append(dst []byte) []byte {
	return append(appendHashes(dst, m.Locator), m.Stop[:]...)
}

// DecodeHeadersRequest reads a HeadersRequest.
func DecodeHeadersRequest(b []byte) (*HeadersRequest, error) {
	r := reader{b: b}
	m := &HeadersRequest{Locator: r.hashes(MaxLocator), Stop: r.hash()}
	return m, r.end("request for headers")
}

// Headers answers a HeadersRequest: at most MaxHeaders, each the parent of the
// next one if the answerer is honest.
type Headers struct{ Headers []wire.Header }

// Append appends the answer to dst.
func (m *Headers) Append(dst []byte) []byte {
	dst = wire.AppendCompactSize(dst, uint64(len(m.Headers)))
	for i := range m.Headers {
		dst = m.Headers[i].Append(dst)
	}
	return dst
}

// DecodeHeaders reads Headers.
func DecodeHeaders(b []byte) (*Headers, error) {
	r := reader{b: b}
	m := new(Headers)
	if n := r.countOf(wire.HeaderSize, MaxHeaders); n > 0 {
		m.Headers = make([]wire.Header, n)
		for i := range m.Headers {
			m.Headers[i] = r.header()
		}
	}
	return m, r.end("headers")
}

// BlocksRequest asks for whole blocks, at most MaxBlocks.
type BlocksRequest struct{ Hashes []wire.Hash }

// Append appends the request to dst.
func (m *BlocksRequest) Append(dst []byte) []byte { return appendHashes(dst, m.Hashes) }

// DecodeBlocksRequest reads a BlocksRequest.
func DecodeBlocksRequest(b []byte) (*BlocksRequest, error) {
	r := reader{b: b}
	m := &BlocksRequest{r.hashes(MaxBlocks)}
	return m, r.end("request for blocks")
}

// CompactRequest asks for a block in its compact form.
type CompactRequest struct{ Block wire.Hash }

// Append appends the request to dst.
func (m *CompactRequest) Append(dst []byte) []byte { return append(dst, m.Block[:]...) }

// DecodeCompactRequest reads a CompactRequest.
func DecodeCompactRequest(b []byte) (*CompactRequest, error) {
	r := reader{b: b}
	m := &CompactRequest{r.hash()}
	return m, r.end("request for a compact block")
}

// TxnRequest asks for transactions of a block by their places, as getblocktxn does
// in BIP 152.
type TxnRequest struct {
	Block wire.Hash
	// Form is the Sum of the compact form that Indexes are missing in. Whoever is
	// filling in that same one may answer with what it has found so far; all others
	// have to have the block.
	Form    wire.Hash
	Indexes []uint32 // growing
	// First is the position in Indexes that the answer shall begin with, if what is
	// there has been found. It goes round from there, so that several peers can be
	// asked, each for another part first.
	First uint32
}

// Append appends the request to dst: the hashes, First, a count, and each index as what
// lies between it and the one before; numbers as CompactSize.
func (m *TxnRequest) Append(dst []byte) []byte {
	dst = wire.AppendCompactSize(append(append(dst, m.Block[:]...), m.Form[:]...), uint64(m.First))
	dst = wire.AppendCompactSize(dst, uint64(len(m.Indexes)))
	next := uint32(0)
	for _, at := range m.Indexes {
		dst = wire.AppendCompactSize(dst, uint64(at-next))
		next = at + 1
	}
	return dst
}

// DecodeTxnRequest reads a TxnRequest. Its indexes grow; whether the block has as
// many transactions is the caller's to check.
func DecodeTxnRequest(b []byte) (*TxnRequest, error) {
	r := reader{b: b}
	m := &TxnRequest{Block: r.hash(), Form: r.hash(), First: r.position()}
	if n := r.countOf(1, math.MaxInt); n > 0 {
		m.Indexes = make([]uint32, n)
		indexes := indexReader{&r, 0}
		for i := range m.Indexes {
			m.Indexes[i] = indexes.next()
		}
	}
	if m.First > 0 && int64(m.First) >= int64(len(m.Indexes)) {
		r.fail(fmt.Errorf("position %d of %d", m.First, len(m.Indexes)))
	}
	return m, r.end("request for transactions of a block")
}

// Txs is one frame of the answer to a TxnRequest: transactions that were asked for one
// after the other, from position At in its Indexes.
type Txs struct {
	At  uint32
	Txs []*wire.Tx
}

// Append appends the answer to dst.
func (m *Txs) Append(dst []byte) []byte {
	dst = wire.AppendCompactSize(wire.AppendCompactSize(dst, uint64(m.At)), uint64(len(m.Txs)))
	for _, tx := range m.Txs {
		dst = tx.Append(dst)
	}
	return dst
}

// AppendTxs appends Txs of transactions that are encoded already.
func AppendTxs(dst []byte, at uint32, raws [][]byte) []byte {
	dst = wire.AppendCompactSize(wire.AppendCompactSize(dst, uint64(at)), uint64(len(raws)))
	for _, raw := range raws {
		dst = append(dst, raw...)
	}
	return dst
}

// DecodeTxs reads Txs, which keep b.
func DecodeTxs(b []byte) (*Txs, error) {
	r := reader{b: b}
	m := &Txs{At: r.position()}
	if n := r.countOf(minTxSize, math.MaxInt); n > 0 {
		m.Txs = make([]*wire.Tx, n)
		for i := range m.Txs {
			if m.Txs[i] = r.tx(); r.err != nil {
				break
			}
		}
	}
	return m, r.end("transactions of a block")
}

// TxsRequest asks for transactions that wait for a block, at most MaxTxs. Those that
// were announced are asked for by witness id; the parents of an orphan by
// transaction id, since that is what an input names.
type TxsRequest struct {
	ByTxID bool
	IDs    []wire.Hash
}

// Append appends the request to dst.
func (m *TxsRequest) Append(dst []byte) []byte { return appendHashes(appendBool(dst, m.ByTxID), m.IDs) }

// DecodeTxsRequest reads a TxsRequest.
func DecodeTxsRequest(b []byte) (*TxsRequest, error) {
	r := reader{b: b}
	m := &TxsRequest{ByTxID: r.bool(), IDs: r.hashes(MaxTxs)}
	return m, r.end("request for transactions")
}

// PoolRequest asks what transactions wait for a block.
type PoolRequest struct {
	Rate wire.Amount // those that pay less are left out: satoshi for 1000 virtual bytes
}

// Append appends the request to dst.
func (m *PoolRequest) Append(dst []byte) []byte {
	return binary.LittleEndian.AppendUint64(dst, uint64(m.Rate))
}

// DecodePoolRequest reads a PoolRequest.
func DecodePoolRequest(b []byte) (*PoolRequest, error) {
	r := reader{b: b}
	m := &PoolRequest{r.rate()}
	return m, r.end("request for the pool")
}

// Pool answers a PoolRequest: witness ids, parents before their children, at most
// MaxPool.
type Pool struct{ WTxIDs []wire.Hash }

// Append appends the answer to dst.
func (m *Pool) Append(dst []byte) []byte { return appendHashes(dst, m.WTxIDs) }

// DecodePool reads a Pool.
func DecodePool(b []byte) (*Pool, error) {
	r := reader{b: b}
	m := &Pool{r.hashes(MaxPool)}
	return m, r.end("pool")
}

// Addresses answers the request for addresses: at most MaxAddresses.
type Addresses struct{ List []Address }

// Address says where a node may be reached.
type Address struct {
	Addr     string // a multi-address that ends with /p2p/ and the peer id
	Services uint64
	Time     int64 // when it was last seen, in seconds since 1970
}

// Append appends the answer to dst.
func (m *Addresses) Append(dst []byte) []byte {
	dst = wire.AppendCompactSize(dst, uint64(len(m.List)))
	for _, a := range m.List {
		dst = appendText(dst, a.Addr)
		dst = binary.LittleEndian.AppendUint64(dst, a.Services)
		dst = binary.LittleEndian.AppendUint64(dst, uint64(a.Time))
	}
	return dst
}

// DecodeAddresses reads Addresses. Whether each is a multi-address is the caller's
// to check.
func DecodeAddresses(b []byte) (*Addresses, error) {
	r := reader{b: b}
	m := new(Addresses)
	if n := r.countOf(1+8+8, MaxAddresses); n > 0 {
		m.List = make([]Address, n)
		for i := range m.List {
			m.List[i] = Address{r.addr(), r.uint64(), int64(r.uint64())}
		}
	}
	return m, r.end("addresses")
}
