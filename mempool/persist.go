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
func (p *Pool) saveTo(file string, begin func()) (err error) {
	var saved []savedTx
	deltas := map[wire.Hash]wire.Amount{}
	var unbroadcast []wire.Hash
	err = p.read(func() {
		begin()
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
	// The name is Bitcoin Core's, and there is never more than one left over.
	f, err := os.OpenFile(file+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	w := &maskedWriter{w: bufio.NewWriterSize(f, 1<<20)}
	w.file(p.cfg.PlainFile, saved, deltas, unbroadcast)
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
	} else {
		os.Remove(f.Name())
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

func (w *maskedWriter) file(plain bool, txs []savedTx, deltas map[wire.Hash]wire.Amount, unbroadcast []wire.Hash) {
	if plain {
		w.uint64(fileVersionPlain)
	} else {
		w.uint64(fileVersionMasked)
		var key [fileKeySize]byte
		rand.Read(key[:])
		w.write(append([]byte{fileKeySize}, key[:]...))
		w.key = key[:]
	}
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
	l := loader{pool: p, ctx: ctx, oldest: p.cfg.Now().Add(-p.cfg.Expiry).Unix()}
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

// loader is Load at work.
type loader struct {
	pool          *Pool
	ctx           context.Context
	oldest        int64 // what came before that is expired
	gone          map[wire.Hash]bool
	list          []offer // gathered
	orphans       []offer // whose parents were not there
	added, failed int
}

// loadSize is how many transactions of a file are gathered before they are added.
const loadSize = 4 * bulkSize

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
	}
	return nil
}

// add gathers a transaction that came at a time.
func (l *loader) add(tx *wire.Tx, at int64) error {
	if at <= l.oldest || l.gone[tx.TxID()] {
		l.failed++
		return nil
	}
	l.list = append(l.list, offer{tx: tx, time: at})
	if len(l.list) < loadSize {
		return nil
	}
	return l.flush()
}

// flush adds what was gathered.
func (l *loader) flush() error {
	if err := l.pool.addAll(l.ctx, l.list, AddOptions{}); err != nil {
		return err
	}
	for _, f := range l.list {
		switch {
		case f.err == nil:
			l.added++
		case IsMissingInputs(f.err):
			l.orphans = append(l.orphans, offer{tx: f.tx, time: f.time})
		case RejectReason(f.err) != reasonInPool:
			l.failed++
		}
	}
	l.list = nil
	return nil
}

// adopt adds what had no parents when its turn came: a parent that was mined
// when its child came, and is mined no more, stands behind it in the journal.
func (l *loader) adopt() error {
	for added := -1; added < l.added; {
		added = l.added
		l.list, l.orphans = l.orphans, nil
		if err := l.flush(); err != nil {
			return err
		}
	}
	l.failed += len(l.orphans)
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
		l.pool.MarkUnbroadcast(wire.Hash(r.take(wire.HashSize)))
	}
	return r.err
}

// MarkUnbroadcast makes a transaction of the pool count as unbroadcast, as if
// this node's own user had just sent it.
func (p *Pool) MarkUnbroadcast(txid wire.Hash) {
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
