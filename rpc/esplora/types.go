package esplora

import (
	"encoding/hex"
	"math"

	"github.com/keelson-chain/keelson/wire"
)

// The types of a View's answers. Their JSON is electrs's: names, order and which
// members are left out. Amounts are in satoshi, times in seconds since 1970.

// Block is what there is to say about a block without its transactions.
type Block struct {
	ID           wire.Hash  `json:"id"`
	Height       uint32     `json:"height"`
	Version      uint32     `json:"version"`
	Time         uint32     `json:"timestamp"`
	TxCount      uint32     `json:"tx_count"`
	Size         int        `json:"size"`   // bytes
	Weight       int        `json:"weight"` // weight units
	MerkleRoot   wire.Hash  `json:"merkle_root"`
	Previous     *wire.Hash `json:"previousblockhash"` // nil for the genesis block
	MedianTime   uint32     `json:"mediantime"`
	Nonce        uint32     `json:"nonce"`
	Bits         uint32     `json:"bits"`
	Difficulty   Float      `json:"difficulty"` // a multiple of Bitcoin's least
	Active       bool       `json:"-"`          // on the active chain
	Next         *wire.Hash `json:"-"`          // child on the active chain; nil if there is none
	StrippedSize int        `json:"-"`          // bytes without witnesses
}

// BlockStatus says where a block stands.
type BlockStatus struct {
	InBestChain bool       `json:"in_best_chain"`
	Height      *uint32    `json:"height,omitempty"`    // nil off the active chain
	NextBest    *wire.Hash `json:"next_best,omitempty"` // nil for the tip and off the active chain
}

// Tx is a transaction with what it spends.
type Tx struct {
	TxID     wire.Hash   `json:"txid"`
	Version  uint32      `json:"version"`
	LockTime uint32      `json:"locktime"`
	Vin      []Vin       `json:"vin"`
	Vout     []Vout      `json:"vout"`
	Size     int         `json:"size"`   // bytes
	Weight   int         `json:"weight"` // weight units
	Fee      wire.Amount `json:"fee"`    // 0 for a coinbase, and if a Prevout is not known
	Status   Status      `json:"status"`

	WTxID wire.Hash `json:"-"`
	Index uint32    `json:"-"` // place in its block
}

// VSize is the virtual size in bytes (BIP 141).
func (tx *Tx) VSize() int { return (tx.Weight + wire.WitnessScaleFactor - 1) / wire.WitnessScaleFactor }

// FeeRate is what it pays in satoshi per virtual byte.
func (tx *Tx) FeeRate() float64 { return feeRate(tx.Fee, tx.Weight) }

// feeRate is a fee over a weight, in satoshi per virtual byte that is not rounded
// up to a whole one, as electrs reckons it.
func feeRate(fee wire.Amount, weight int) float64 {
	return float64(fee) / (float64(weight) / wire.WitnessScaleFactor)
}

// IsCoinbase reports whether it is its block's coinbase.
func (tx *Tx) IsCoinbase() bool { return len(tx.Vin) == 1 && tx.Vin[0].IsCoinbase }

// OutputValue is the sum of its outputs.
func (tx *Tx) OutputValue() (sum wire.Amount) {
	for i := range tx.Vout {
		sum += tx.Vout[i].Value
	}
	return sum
}

// Vin is an input. The inner scripts are those that stand in the input because
// the output spent has only their hash: nil if there are none.
type Vin struct {
	TxID              wire.Hash `json:"txid"` // of the output spent
	Vout              uint32    `json:"vout"`
	Prevout           *Vout     `json:"prevout"` // nil for a coinbase, and if it is not known
	ScriptSig         Hex       `json:"scriptsig"`
	ScriptSigAsm      string    `json:"scriptsig_asm"`
	Witness           []Hex     `json:"witness,omitempty"`
	IsCoinbase        bool      `json:"is_coinbase"`
	Sequence          uint32    `json:"sequence"`
	InnerRedeemAsm    *string   `json:"inner_redeemscript_asm,omitempty"`
	InnerWitnessAsm   *string   `json:"inner_witnessscript_asm,omitempty"`
	InnerRedeemScript Hex       `json:"-"`
	InnerWitness      Hex       `json:"-"`
}

// Vout is an output.
type Vout struct {
	PkScript Hex         `json:"scriptpubkey"`
	Asm      string      `json:"scriptpubkey_asm"`
	Type     string      `json:"scriptpubkey_type"`              // one of the Type constants
	Address  string      `json:"scriptpubkey_address,omitempty"` // "" if it has none
	Value    wire.Amount `json:"value"`
}

// Status says which block has confirmed a transaction.
type Status struct {
	Confirmed bool
	Block     wire.BlockRef // zero if it waits
	Time      uint32        // of the block
}

// MarshalJSON leaves the block out where there is none.
func (s Status) MarshalJSON() ([]byte, error) {
	if !s.Confirmed {
		return []byte(`{"confirmed":false}`), nil
	}
	b := appendUint([]byte(`{"confirmed":true,"block_height":`), uint64(s.Block.Height))
	b = append(append(append(b, `,"block_hash":"`...), s.Block.Hash.String()...), `","block_time":`...)
	return append(appendUint(b, uint64(s.Time)), '}'), nil
}

// Outspend says what spends an output, if anything does.
type Outspend struct {
	Spent  bool
	TxID   wire.Hash
	Vin    uint32
	Status Status // of the spending transaction
}

// outspendJSON is the JSON of an output that is spent.
type outspendJSON struct {
	Spent  bool      `json:"spent"`
	TxID   wire.Hash `json:"txid"`
	Vin    uint32    `json:"vin"`
	Status Status    `json:"status"`
}

// MarshalJSON leaves everything else out where the output is not spent.
func (o Outspend) MarshalJSON() ([]byte, error) {
	if !o.Spent {
		return []byte(`{"spent":false}`), nil
	}
	return encode(outspendJSON(o))
}

// MerkleProof proves that a transaction is in a block.
type MerkleProof struct {
	Height uint32      `json:"block_height"`
	Merkle []wire.Hash `json:"merkle"` // the hashes it is paired with, from the bottom up
	Index  int         `json:"pos"`    // place in the block
}

// Totals sums up what happened to the outputs of a script.
type Totals struct {
	FundedCount uint64      `json:"funded_txo_count"`
	FundedSum   wire.Amount `json:"funded_txo_sum"`
	SpentCount  uint64      `json:"spent_txo_count"`
	SpentSum    wire.Amount `json:"spent_txo_sum"`
	TxCount     uint64      `json:"tx_count"`
}

// Balance is what is left.
func (t Totals) Balance() wire.Amount { return t.FundedSum - t.SpentSum }

// Stats are the Totals of a script in the chain and in the pool.
type Stats struct {
	Chain, Pool Totals
}

// Coin is an unspent output of a script.
type Coin struct {
	TxID   wire.Hash   `json:"txid"`
	Vout   uint32      `json:"vout"`
	Status Status      `json:"status"`
	Value  wire.Amount `json:"value"`
}

// PoolStats sum the pool up.
type PoolStats struct {
	Count     int         `json:"count"`
	VSize     int64       `json:"vsize"`
	Fees      wire.Amount `json:"total_fee"`
	Histogram []FeeBin    `json:"fee_histogram"`
}

// FeeBin is a bin of the pool's histogram: VSize virtual bytes of transactions
// that pay FeeRate or more, in satoshi per virtual byte, and less than the bin
// before. Its JSON is an array of the two.
type FeeBin struct {
	FeeRate float64
	VSize   int64
}

// MarshalJSON writes the two as an array.
func (f FeeBin) MarshalJSON() ([]byte, error) {
	b := appendFloat([]byte{'['}, f.FeeRate)
	return append(appendUint(append(b, ','), uint64(f.VSize)), ']'), nil
}

// PoolTx is a transaction of the pool in short.
type PoolTx struct {
	TxID  wire.Hash   `json:"txid"`
	Fee   wire.Amount `json:"fee"`
	VSize int         `json:"vsize"`
	Value wire.Amount `json:"value"` // of what it spends
}

// FeeRate is what it pays in satoshi per virtual byte.
func (t *PoolTx) FeeRate() float64 { return float64(t.Fee) / float64(t.VSize) }

// Hex is bytes whose text is hexadecimal.
type Hex []byte

// String returns the digits.
func (h Hex) String() string { return hex.EncodeToString(h) }

// MarshalText returns the digits.
func (h Hex) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, h), nil }

// Float is a number whose JSON is that of serde_json, which writes 1.0 for one.
type Float float64

// MarshalJSON writes the shortest digits that give the number back.
func (f Float) MarshalJSON() ([]byte, error) {
	if math.IsNaN(float64(f)) || math.IsInf(float64(f), 0) {
		return []byte("null"), nil
	}
	return appendFloat(nil, float64(f)), nil
}
