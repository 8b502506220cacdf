package mempool

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/keelson-chain/keelson/wire"
)

// The journal keeps what came in since the last Save, so that a process that is
// killed loses nothing: each transaction is written when it enters the pool.
// Nothing waits for the disk; a machine that loses its power may lose the last
// seconds. It lies beside the file of Save and is ours alone:
//
//	head      8 bytes, "KPOOLJ01"
//	records   one after the other:
//	          1, time (8 bytes, little-endian), the transaction
//	          2, id (32 bytes), all that was added to its fee (8 bytes)
//	          3, id (32 bytes): it has left, but for being mined
//	          4, id (32 bytes): it is unbroadcast
//	          5, id (32 bytes): it is so no more, since a peer has it or it was mined
//
// What has left must not come back: in a pool that was full it would drive out
// others. Of the records of one transaction the last one counts; a 1 says nothing of
// whether it is unbroadcast, since loading writes it again. Reading the records twice does no harm. So Save puts the journal aside,
// starts a new one, and deletes what it put aside once everything is in its
// own file; whatever it is killed in the middle of, all is there.
const (
	journalSuffix = ".journal"
	asideSuffix   = ".journal.old"
	journalHead   = "KPOOLJ01"

	recordTx          = 1
	recordDelta       = 2
	recordGone        = 3
	recordUnbroadcast = 4
	recordBroadcast   = 5
)

// journalSlack is how far the journal may outgrow the pool before Save is due.
const journalSlack = 16 << 20 // bytes

// journal appends to its file. A nil one forgets everything.
type journal struct {
	file *os.File
	size int64
	buf  []byte
	err  error // the first one; nothing is written after it
}

// openJournal goes on with a journal, behind its last whole record, or starts
// one where there is none.
func openJournal(path string, whole int64) (*journal, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	if err := f.Truncate(whole); err != nil {
		f.Close()
		return nil, err
	}
	j := &journal{file: f, size: whole}
	if whole == 0 {
		j.write([]byte(journalHead))
	}
	return j, j.err
}

// write appends a record with one call of the system, so that a kill does not
// cut it.
func (j *journal) write(b []byte) {
	if j.err != nil {
		return
	}
	_, j.err = j.file.Write(b)
	j.size += int64(len(b))
}

func (j *journal) tx(e *entry) {
	if j == nil {
		return
	}
	j.buf = append(j.buf[:0], recordTx)
	j.buf = binary.LittleEndian.AppendUint64(j.buf, uint64(e.time))
	j.buf = append(j.buf, e.raw...)
	j.write(j.buf)
}

// delta notes all that was added to the fee of a transaction.
func (j *journal) delta(txid *wire.Hash, sum wire.Amount) {
	if j == nil {
		return
	}
	j.buf = append(j.buf[:0], recordDelta)
	j.buf = append(j.buf, txid[:]...)
	j.buf = binary.LittleEndian.AppendUint64(j.buf, uint64(sum))
	j.write(j.buf)
}

// note writes a record that has nothing but an id.
func (j *journal) note(kind byte, txid *wire.Hash) {
	if j == nil {
		return
	}
	j.buf = append(j.buf[:0], kind)
	j.buf = append(j.buf, txid[:]...)
	j.write(j.buf)
}

func (j *journal) close() {
	if j != nil {
		j.file.Close()
	}
}

// putAside makes room for a new journal. What was put aside before and is still
// there belongs to a Save that failed: then the journal goes on.
func (p *Pool) putAside() {
	if p.journal == nil {
		return
	}
	path := p.cfg.File + journalSuffix
	if _, err := os.Stat(p.cfg.File + asideSuffix); !errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err := os.Rename(path, p.cfg.File+asideSuffix); err != nil {
		p.log.Warn().Err(err).Msg("the pool's journal goes on as it is")
		return
	}
	old := p.journal
	next, err := openJournal(path, 0)
	if err != nil {
		p.log.Error().Err(err).Msg("no journal of the pool: transactions are safe only once they are saved")
	}
	p.journal = next
	old.close()
}

// SaveDue reports whether the journal has become so long that Save is worth
// its while.
func (p *Pool) SaveDue() (due bool) {
	p.mu.Lock()
	defer p.unlock()
	if p.journal == nil {
		return false
	}
	if p.journal.err != nil {
		p.log.Error().Err(p.journal.err).Msg("the pool's journal has ended: transactions are safe only once they are saved")
		p.journal.close()
		p.journal = nil
		return true
	}
	return p.journal.size > p.usage+journalSlack
}

// record is one of the journal. tx and time are those of a recordTx alone, sum is
// that of a recordDelta.
type record struct {
	kind byte
	txid wire.Hash
	tx   *wire.Tx
	time int64
	sum  wire.Amount
}

// departed returns the transactions whose last record says that they have left.
func departed(lists ...[]record) map[wire.Hash]bool {
	gone := map[wire.Hash]bool{}
	for _, list := range lists {
		for i := range list {
			switch r := &list[i]; r.kind {
			case recordGone:
				gone[r.txid] = true
			case recordTx:
				delete(gone, r.txid)
			}
		}
	}
	return gone
}

// readJournal reads the records of a journal, if there is one, and how long it
// is up to the end of the last whole one. What was cut off at its end is passed
// over.
func readJournal(path string) (records []record, whole int64, err error) {
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, nil
	}
	if err != nil || len(raw) < len(journalHead) {
		return nil, 0, err
	}
	if string(raw[:len(journalHead)]) != journalHead {
		return nil, 0, fmt.Errorf("%w: %s is no journal", ErrFile, path)
	}
	r := &fileReader{b: raw[len(journalHead):]}
	whole = int64(len(journalHead))
	for len(r.b) > 0 {
		before := len(r.b)
		rec := record{kind: r.take(1)[0]}
		switch rec.kind {
		case recordTx:
			rec.time = int64(r.uint64())
			if rec.tx = r.tx(); rec.tx != nil {
				rec.txid = rec.tx.TxID()
			}
		case recordDelta:
			rec.txid = wire.Hash(r.take(wire.HashSize))
			rec.sum = wire.Amount(r.uint64())
		case recordGone, recordUnbroadcast, recordBroadcast:
			rec.txid = wire.Hash(r.take(wire.HashSize))
		default:
			r.fail("%s has a record of kind %d", path, rec.kind)
		}
		if errors.Is(r.err, io.ErrUnexpectedEOF) || errors.Is(r.err, wire.ErrTruncated) {
			return records, whole, nil
		}
		if r.err != nil {
			return records, whole, r.err
		}
		whole += int64(before - len(r.b))
		records = append(records, rec)
	}
	return records, whole, nil
}
