package mempool

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/keelson-chain/keelson/ledger/fsys"
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
	p.saving.Lock()
	defer p.saving.Unlock()
	if err := p.saveTo(p.cfg.File, p.putAside); err != nil {
		return err
	}
	if err := os.Remove(p.cfg.File + asideSuffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("mempool: save: %w", err)
	}
	return nil
}

// SaveTo writes all transactions to a file of any name, as Save does.
func (p *Pool) SaveTo(file string) error {
	p.saving.Lock()
	defer p.saving.Unlock()
	return p.saveTo(file, func() {})
}

// saveTo calls begin at the moment whose transactions it writes. p.saving is
// held.
func (p *Pool) saveTo(file string, begin func()) error {
	var c contents
	err := p.read(func() {
		begin()
		c = p.contents()
	})
	if err != nil {
		return err
	}
	// The name that it has until it is whole is Bitcoin Core's, too.
	err = fsys.ReplaceFile(file, func(out io.Writer) error {
		w := &maskedWriter{w: out}
		w.file(p.cfg.PlainFile, c)
		return w.err
	})
	if err != nil {
		return fmt.Errorf("mempool: save: %w", err)
	}
	return nil
}

// contents is what the file has in it.
type contents struct {
	txs         []savedTx                 // parents before their children
	deltas      map[wire.Hash]wire.Amount // of transactions that are not among txs
	unbroadcast []wire.Hash
}

// savedTx is a transaction with what the file has of it: raw where it is to be
// written, tx where it was read.
type savedTx struct {
	raw   []byte
	tx    *wire.Tx
	time  int64
	delta wire.Amount
}

// contents returns what is to be written. The pool is locked.
func (p *Pool) contents() contents {
	c := contents{deltas: maps.Clone(p.deltas)}
	for _, e := range p.byDepth() {
		c.txs = append(c.txs, savedTx{raw: e.raw, time: e.time, delta: c.deltas[e.txid]})
		delete(c.deltas, e.txid)
		if e.has(flagUnbroadcast) {
			c.unbroadcast = append(c.unbroadcast, e.txid)
		}
	}
	return c
}

// maskedWriter writes the file. Its first error sticks.
type maskedWriter struct {
	w   io.Writer
	key []byte // nil: nothing is masked
	at  int
	buf []byte
	err error
}

func (w *maskedWriter) file(plain bool, c contents) {
	if plain {
		w.uint64(fileVersionPlain)
	} else {
		w.uint64(fileVersionMasked)
		var key [fileKeySize]byte
		rand.Read(key[:])
		w.write(append([]byte{fileKeySize}, key[:]...))
		w.key = key[:]
	}
	w.uint64(uint64(len(c.txs)))
	for i := range c.txs {
		w.write(c.txs[i].raw)
		w.uint64(uint64(c.txs[i].time))
		w.uint64(uint64(c.txs[i].delta))
	}
	w.count(len(c.deltas))
	for txid, delta := range c.deltas {
		w.write(txid[:])
		w.uint64(uint64(delta))
	}
	w.count(len(c.unbroadcast))
	for i := range c.unbroadcast {
		w.write(c.unbroadcast[i][:])
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

// Load adds the transactions of Config.File and of the journal beside it, and
// what was said of their fees, and goes on with the journal. Transactions that
// are not valid any more, or expired, are left out. An error about what a file
// has in it wraps ErrFile: what was read up to there is kept, and the file is
// put aside under another name. ctx's error ends it and leaves the files as
// they are. Stats.Loaded is set in any case but the latter.
func (p *Pool) Load(ctx context.Context) error {
	if p.cfg.File == "" {
		return nil
	}
	l := loader{pool: p, ctx: ctx, oldest: p.cfg.Now().Add(-p.cfg.Expiry).Unix(), unsent: map[wire.Hash]bool{}}
	started := time.Now()
	err := l.run()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	p.mu.Lock()
	p.loaded, p.news = true, true
	p.unlock()
	if err != nil {
		return fmt.Errorf("mempool: load: %w", err)
	}
	p.log.Info().Int("transactions", l.added).Int("left_out", l.failed).Dur("took", time.Since(started)).Msg("transactions of the last run are back")
	return nil
}

func (l *loader) run() error {
	p, file := l.pool, l.pool.cfg.File
	aside, _, asideErr := readJournal(file + asideSuffix)
	records, whole, err := readJournal(file + journalSuffix)
	if err != nil {
		// A journal of something else is no reason to lose either.
		err = errors.Join(err, setAside(file+journalSuffix))
		whole = 0
	}
	err = errors.Join(asideErr, err)
	journal, journalErr := openJournal(file+journalSuffix, whole)
	err = errors.Join(err, journalErr)
	p.mu.Lock()
	p.journal = journal
	p.unlock()

	l.gone = departed(aside, records)
	raw, readErr := os.ReadFile(file)
	if readErr == nil {
		readErr = l.saved(raw)
		if errors.Is(readErr, ErrFile) {
			readErr = errors.Join(fmt.Errorf("%s: %w", file, readErr), setAside(file))
		}
	}
	if errors.Is(readErr, fs.ErrNotExist) {
		readErr = nil
	}
	for _, list := range [][]record{aside, records} {
		for i := range list {
			if l.ctx.Err() != nil {
				return l.ctx.Err()
			}
			if addErr := l.record(&list[i]); addErr != nil {
				return addErr
			}
		}
	}
	if addErr := l.flush(); addErr != nil {
		return addErr
	}
	if addErr := l.adopt(); addErr != nil {
		return addErr
	}
	// At the end, since a parent may have come with its child only now.
	for txid := range l.unsent {
		p.MarkUnbroadcast(txid)
	}
	return errors.Join(err, readErr)
}

// setAside gives a damaged file another name, for whoever wants to look at it.
func setAside(file string) error { return os.Rename(file, file+".damaged") }

func (l *loader) record(r *record) error {
	switch r.kind {
	case recordTx:
		return l.add(r.tx, r.time)
	case recordDelta:
		if err := l.flush(); err != nil {
			return err
		}
		return l.pool.setDelta(r.txid, r.sum)
	case recordUnbroadcast:
		l.unsent[r.txid] = true
	case recordBroadcast, recordGone:
		delete(l.unsent, r.txid)
	}
	return nil
}

// saved adds what the file of Save has.
func (l *loader) saved(raw []byte) error {
	r := &fileReader{b: raw}
	for count := r.head(); r.err == nil && count > 0; count-- {
		tx := r.tx()
		at, delta := int64(r.uint64()), wire.Amount(r.uint64())
		if r.err != nil {
			break
		}
		if delta != 0 {
			if err := l.pool.setDelta(tx.TxID(), delta); err != nil {
				return err
			}
		}
		if err := l.add(tx, at); err != nil {
			return err
		}
	}
	for n := r.count(wire.HashSize + 8); n > 0 && r.err == nil; n-- {
		txid := wire.Hash(r.take(wire.HashSize))
		if err := l.pool.setDelta(txid, wire.Amount(r.uint64())); err != nil {
			return err
		}
	}
	if err := l.flush(); err != nil {
		return err
	}
	for n := r.count(wire.HashSize); n > 0 && r.err == nil; n-- {
		if txid := wire.Hash(r.take(wire.HashSize)); r.err == nil {
			l.unsent[txid] = true
		}
	}
	return r.err
}

// MarkUnbroadcast makes a transaction of the pool count as unbroadcast, as if
// this node's own user had just sent it.
func (p *Pool) MarkUnbroadcast(txid wire.Hash) {
	p.mu.Lock()
	defer p.unlock()
	p.markUnbroadcast(&txid)
}

// markUnbroadcast is MarkUnbroadcast with the pool locked.
func (p *Pool) markUnbroadcast(txid *wire.Hash) {
	if e := p.lookup(txid); e != nil {
		p.unsent(e)
	}
}

// unsent has e count as unbroadcast.
func (p *Pool) unsent(e *entry) {
	if !e.has(flagUnbroadcast) {
		e.flags |= flagUnbroadcast
		p.unbroadcast++
		p.journal.note(recordUnbroadcast, &e.txid)
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

// tx reads a transaction.
func (r *fileReader) tx() *wire.Tx {
	tx, rest, err := wire.DecodeTxPrefix(r.b)
	if err != nil {
		r.fail("%w", err)
		return nil
	}
	r.b = rest
	return tx
}
