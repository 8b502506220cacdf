package ledger

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"hash"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/ledger/kv"
	"github.com/keelson-chain/keelson/ledger/muhash"
	"github.com/keelson-chain/keelson/wire"
)

// StatsKind says which hash of the coins is asked for.
type StatsKind uint8

const (
	StatsNone    StatsKind = iota // no hash
	StatsSerial3                  // hash_serialized_3: one SHA-256d over all coins in order
	StatsMuHash                   // muhash: MuHash3072, independent of order
)

// Stats is what gettxoutsetinfo reports.
type Stats struct {
	Tip          wire.BlockRef
	TxOuts       uint64      // unspent outputs
	Transactions uint64      // transactions with at least one of them
	BogoSize     uint64      // Bitcoin Core's database-independent measure of size
	TotalAmount  wire.Amount // of all unspent outputs
	DiskSize     int64       // estimated bytes of the coins on disk
	Hash         wire.Hash   // of the kind that was asked for; zero for StatsNone
}

// CoinStats summarises the coins at the tip, over a Snapshot.
func (l *Ledger) CoinStats(ctx context.Context, kind StatsKind) (Stats, error) {
	s, err := l.Snapshot()
	if err != nil {
		return Stats{}, err
	}
	defer s.Close()
	return s.Stats(ctx, kind)
}

// Stats summarises the coins of the snapshot.
func (s *Snapshot) Stats(ctx context.Context, kind StatsKind) (Stats, error) {
	stats := Stats{Tip: s.Tip()}
	serial := NewCoinHash()
	var mu muhash.Hash
	var last wire.Hash
	var buf []byte
	err := s.Coins(ctx, func(op wire.OutPoint, c *consensus.Coin) error {
		if stats.TxOuts == 0 || op.TxID != last {
			stats.Transactions++
			last = op.TxID
		}
		stats.TxOuts++
		stats.TotalAmount += c.Out.Value
		stats.BogoSize += bogoSize(c)
		switch kind {
		case StatsSerial3:
			serial.Add(op, c)
		case StatsMuHash:
			buf = appendCoinForHash(buf[:0], &op, c)
			mu.Add(buf)
		}
		return nil
	})
	if err != nil {
		return Stats{}, err
	}
	switch kind {
	case StatsSerial3:
		stats.Hash = serial.Sum()
	case StatsMuHash:
		stats.Hash = mu.Sum()
	}
	stats.DiskSize, err = s.l.db.DiskSize(kv.Prefix([]byte{keyCoin}))
	return stats, err
}

// CoinHash computes the hash StatsSerial3 of coins that come in the order of
// Snapshot.Coins.
type CoinHash struct {
	all hash.Hash
	buf []byte
}

// NewCoinHash returns the hash of no coins.
func NewCoinHash() *CoinHash { return &CoinHash{all: sha256.New()} }

// Add adds a coin.
func (h *CoinHash) Add(op wire.OutPoint, c *consensus.Coin) {
	h.buf = appendCoinForHash(h.buf[:0], &op, c)
	h.all.Write(h.buf)
}

// Sum returns the hash of what was added.
func (h *CoinHash) Sum() wire.Hash { return sha256.Sum256(h.all.Sum(nil)) }

// bogoSize is what Bitcoin Core counts for a coin, whatever it takes on disk:
// outpoint 36 bytes, height 4, amount 8, length of the script 2, the script.
func bogoSize(c *consensus.Coin) uint64 { return 36 + 4 + 8 + 2 + uint64(len(c.Out.PkScript)) }

// appendCoinForHash appends the form in which coins enter the hashes of the coin
// set (Bitcoin Core's kernel/coinstats): the outpoint, height*2 plus 1 for a
// coinbase's (4 bytes), and the output as in a transaction.
func appendCoinForHash(dst []byte, op *wire.OutPoint, c *consensus.Coin) []byte {
	dst = append(dst, op.TxID[:]...)
	dst = binary.LittleEndian.AppendUint32(dst, op.Index)
	code := c.Height << 1
	if c.Coinbase {
		code |= 1
	}
	dst = binary.LittleEndian.AppendUint32(dst, code)
	return c.Out.Append(dst)
}
