package mempool

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/keelson-chain/keelson/wire"
)

// The file in which a pool outlives its process has the format of Bitcoin
// Core's mempool.dat, so that either can read the other's:
//
//	version        8 bytes, little-endian: 1 or 2
//	key            version 2: a length (1 byte, 8) and 8 bytes, with which all
//	               that follows is masked by xor, by its place in the file
//	count          8 bytes
//	transactions   count times: the transaction, its time (8 bytes), what was
//	               added to its fee (8 bytes)
//	deltas         compact size, then as often: id (32 bytes), amount (8 bytes),
//	               of transactions that are not in the pool
//	unbroadcast    compact size, then as often: id (32 bytes)
const (
	fileVersionPlain  = 1
	fileVersionMasked = 2
	fileKeySize       = 8
)

// ErrFile is wrapped by every error about what a file has in it.
var ErrFile = errors.New("not a readable file of transactions")

// Save writes all transactions to Config.File, which is replaced as a whole
// once everything is safe on disk. Without a file it does nothing.
func (p *Pool) Save() error {
	if p.cfg.File == "" {
		return nil
	}
	return p.SaveTo(p.cfg.File)
}

// SaveTo is Save to a file of any name.
func (p *Pool) SaveTo(file string) (err error) {
	var saved []savedTx
	deltas := map[wire.Hash]wire.Amount{}
	var unbroadcast []wire.Hash
	err = p.read(func() {
		for txid, delta := range p.deltas {
			deltas[txid] = delta
		}
		for _, e := range p.byDepth() {
			saved = append(saved, savedTx{e.raw, e.time, deltas[e.txid]})
			delete(deltas, e.txid)
			if e.has(flagUnbroadcast) {
				unbroadcast = append(unbroadcast, e.txid)
			}
		}
	})
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("mempool: save: %w", err)
		}
	}()
	f, err := os.CreateTemp(filepath.Dir(file), filepath.Base(file)+".*.new")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // once renamed it is not there
	w := &maskedWriter{w: bufio.NewWriterSize(f, 1<<20)}
	w.file(saved, deltas, unbroadcast)
	err = w.err
	if err == nil {
		err = w.w.Flush()
	}
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err == nil {
		err = syncDir(filepath.Dir(file))
	}
	return err
}

// syncDir makes a rename in a folder safe.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	return nil
}

// savedTx is a transaction with what the file has of it.
type savedTx struct {
	raw   []byte
	time  int64
	delta wire.Amount
}

// maskedWriter writes the file. Its first error sticks.
type maskedWriter struct {
	w   *bufio.Writer
	key []byte // nil: nothing is masked
	at  int
	buf []byte
	err error
}

func (w *maskedWriter) file(txs []savedTx, deltas map[wire.Hash]wire.Amount, unbroadcast []wire.Hash) {
	w.uint64(fileVersionMasked)
	var key [fileKeySize]byte
	rand.Read(key[:])
	w.write(append([]byte{fileKeySize}, key[:]...))
	w.key = key[:]
	w.uint64(uint64(len(txs)))
	for i := range txs {
		w.write(txs[i].raw)
		w.uint64(uint64(txs[i].time))
		w.uint64(uint64(txs[i].delta))
	}
	w.count(len(deltas))
	for txid, delta := range deltas {
		w.write(txid[:])
		w.uint64(uint64(delta))
	}
	w.count(len(unbroadcast))
	for i := range unbroadcast {
		w.write(unbroadcast[i][:])
	}
}

func (w *maskedWriter) write(b []byte) {
	if w.err != nil {
		return
	}
	w.buf = append(w.buf[:0], b...)
	mask(w.buf, w.key, w.at)
	w.at += len(b)
	_, w.err = w.w.Write(w.buf)
}

func (w *maskedWriter) uint64(v uint64) { w.write(binary.LittleEndian.AppendUint64(nil, v)) }
func (w *maskedWriter) count(n int)     { w.write(wire.AppendCompactSize(nil, uint64(n))) }

// mask changes b, which stands at a place of the file, by xor with the key.
func mask(b, key []byte, at int) {
	if len(key) == 0 {
		return
	}
	for i := range b {
		b[i] ^= key[(at+i)%len(key)]
	}
}

// Load adds the transactions of Config.File, if there is one, and what was said
// of their fees. Those that are not valid any more, or expired, are left out.
// An error about the file, which wraps ErrFile, leaves what was read up to
// there; ctx's error ends it. Stats.Loaded is set in any case but the latter.
func (p *Pool) Load(ctx context.Context) error {
	if p.cfg.File == "" {
		return nil
	}
	started := time.Now()
	raw, err := os.ReadFile(p.cfg.File)
	var added, failed int
	if err == nil {
		added, failed, err = p.load(ctx, raw)
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	} else if err == nil {
		p.log.Info().Int("transactions", added).Int("left_out", failed).Dur("took", time.Since(started)).Msg("transactions of the last run are back")
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	p.mu.Lock()
	p.loaded = true
	p.unlock()
	if err != nil {
		return fmt.Errorf("mempool: load %s: %w", p.cfg.File, err)
	}
	return nil
}

// loadSize is how many transactions of a file are decoded at a time.
const loadSize = 4 * bulkSize

func (p *Pool) load(ctx context.Context, raw []byte) (added, failed int, err error) {
	r := &fileReader{b: raw}
	count := r.head()
	oldest := p.cfg.Now().Add(-p.cfg.Expiry).Unix()
	for r.err == nil && count > 0 {
		var list []offer
		for ; r.err == nil && count > 0 && len(list) < loadSize; count-- {
			tx, at, delta := r.tx()
			if r.err != nil {
				break
			}
			if delta != 0 {
				if err := p.Prioritise(tx.TxID(), delta); err != nil {
					return added, failed, err
				}
			}
			if at <= oldest {
				failed++
				continue
			}
			list = append(list, offer{tx: tx, time: at})
		}
		if err := p.addAll(ctx, list, AddOptions{}); err != nil {
			return added, failed, err
		}
		for i := range list {
			if list[i].err == nil {
				added++
			} else {
				failed++
			}
		}
	}
	for n := r.count(wire.HashSize + 8); n > 0 && r.err == nil; n-- {
		txid := wire.Hash(r.take(wire.HashSize))
		if err := p.Prioritise(txid, wire.Amount(r.uint64())); err != nil {
			return added, failed, err
		}
	}
	for n := r.count(wire.HashSize); n > 0 && r.err == nil; n-- {
		p.setUnbroadcast(wire.Hash(r.take(wire.HashSize)))
	}
	return added, failed, r.err
}

func (p *Pool) setUnbroadcast(txid wire.Hash) {
	p.mu.Lock()
	defer p.unlock()
	if e := p.lookup(&txid); e != nil && !e.has(flagUnbroadcast) {
		e.flags |= flagUnbroadcast
		p.unbroadcast++
	}
}

// fileReader reads the file. After its first error, which wraps ErrFile, all
// that it gives is zero.
type fileReader struct {
	b   []byte
	err error
}

var zeros [wire.HashSize]byte

func (r *fileReader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: %w", ErrFile, fmt.Errorf(format, args...))
	}
	r.b = nil
}

// head reads up to the number of transactions.
func (r *fileReader) head() (count uint64) {
	version := r.uint64()
	switch {
	case r.err != nil:
		return 0
	case version == fileVersionMasked:
		size := r.take(1)[0]
		if size != fileKeySize && r.err == nil {
			r.fail("a key of %d bytes", size)
			return 0
		}
		key := slices.Clone(r.take(fileKeySize))
		r.b = slices.Clone(r.b)
		mask(r.b, key, 8+1+fileKeySize)
	case version != fileVersionPlain:
		r.fail("version %d", version)
	}
	return r.uint64()
}

// take returns the next n bytes, at most HashSize.
func (r *fileReader) take(n int) []byte {
	if len(r.b) < n {
		r.fail("%w", io.ErrUnexpectedEOF)
		return zeros[:n]
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}

func (r *fileReader) uint64() uint64 { return binary.LittleEndian.Uint64(r.take(8)) }

// count reads how many elements of a size follow.
func (r *fileReader) count(size int) int {
	n, rest, err := wire.ReadCompactSize(r.b)
	if r.err == nil && (err != nil || n > uint64(len(rest)/size)) {
		r.fail("a list longer than the file")
	}
	if r.err != nil {
		return 0
	}
	r.b = rest
	return int(n)
}

// tx reads a transaction with its time and delta.
func (r *fileReader) tx() (tx *wire.Tx, at int64, delta wire.Amount) {
	tx, rest, err := wire.DecodeTxPrefix(r.b)
	if err != nil {
		r.fail("%w", err)
		return nil, 0, 0
	}
	r.b = rest
	return tx, int64(r.uint64()), wire.Amount(r.uint64())
}
