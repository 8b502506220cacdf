package ledger_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/keelson-chain/keelson/ledger/flat"
	"github.com/keelson-chain/keelson/ledger/fsys"
	"github.com/keelson-chain/keelson/ledger/kv"
)

func posBytes(p flat.Pos) []byte {
	b := make([]byte, 16)
	for i, v := range []uint32{p.File, p.Offset, p.Size, p.CRC} {
		binary.LittleEndian.PutUint32(b[4*i:], v)
	}
	return b
}

func posOf(b []byte) (p flat.Pos) {
	for i, v := range []*uint32{&p.File, &p.Offset, &p.Size, &p.CRC} {
		*v = binary.LittleEndian.Uint32(b[4*i:])
	}
	return p
}

// TestFilesBeforeBatch shows the use that the files are made for: append, sync, then
// name the records and the end in one batch of a database beside them. After a
// power failure behind any change, the database names nothing that the files do
// not hold, and holds every batch that was written.
func TestFilesBeforeBatch(t *testing.T) {
	fs := fsys.NewCrash()
	if err := fs.MkdirAll("blocks"); err != nil {
		t.Fatal(err)
	}
	type open struct {
		db *kv.Store
		f  *flat.Files
	}
	// start opens both and returns how many records the database names.
	start := func(fs fsys.FS) (o open, n int, err error) {
		if o.db, err = kv.OpenOn(fsys.Sub(fs, "db"), kv.Options{Memory: kv.MinMemory}); err != nil {
			return o, 0, err
		}
		end := flat.End{}
		if b, err := o.db.Get([]byte("end")); err == nil {
			end = flat.End{File: binary.LittleEndian.Uint32(b), Offset: binary.LittleEndian.Uint32(b[4:])}
			n = int(binary.LittleEndian.Uint32(b[8:]))
		} else if err != kv.ErrNotFound {
			return o, 0, err
		}
		o.f, err = flat.Open(fs, "blocks/blk", [4]byte{1, 2, 3, 4}, 3000, end)
		return o, n, err
	}
	payload := func(i int) []byte {
		r := rand.New(rand.NewPCG(uint64(i), 8))
		b := make([]byte, r.IntN(700))
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		return b
	}
	key := func(i int) []byte { return fmt.Appendf(nil, "r%06d", i) }
	add := func(o open, n, more int) error {
		var b kv.Batch
		for i := n; i < n+more; i++ {
			p, err := o.f.Append(payload(i))
			if err != nil {
				return err
			}
			b.Put(key(i), posBytes(p))
		}
		if err := o.f.Sync(); err != nil {
			return err
		}
		end := o.f.End()
		state := binary.LittleEndian.AppendUint32(nil, end.File)
		state = binary.LittleEndian.AppendUint32(state, end.Offset)
		b.Put([]byte("end"), binary.LittleEndian.AppendUint32(state, uint32(n+more)))
		return o.db.Write(&b)
	}
	stop := func(o open) error {
		if err := o.f.Close(); err != nil {
			return err
		}
		return o.db.Close()
	}

	type commit struct{ ops, n int }
	var commits []commit
	r := rand.New(rand.NewPCG(1, 8))
	n := 0
	for range 5 {
		o, got, err := start(fs)
		if err != nil || got != n {
			t.Fatal(got, n, err)
		}
		for range 8 {
			more := 1 + r.IntN(4)
			if err := add(o, n, more); err != nil {
				t.Fatal(err)
			}
			n += more
			commits = append(commits, commit{fs.Ops(), n})
		}
		if err := stop(o); err != nil {
			t.Fatal(err)
		}
	}
	for at := 1; at <= fs.Ops(); at++ {
		promised, next := 0, 0
		for _, c := range commits {
			if c.ops <= at {
				promised = c.n
			} else {
				next = c.n
				break
			}
		}
		for _, seed := range []uint64{0, 1, uint64(at) + 2} {
			o, n, err := start(fs.Image(at, seed))
			if err != nil {
				t.Fatalf("after %d changes, seed %d: %v", at, seed, err)
			}
			if n != promised && n != next {
				t.Fatalf("after %d changes, seed %d: %d records, not %d or %d", at, seed, n, promised, next)
			}
			if err := add(o, n, 1); err != nil {
				t.Fatal(err)
			}
			for i := range n + 1 {
				b, err := o.db.Get(key(i))
				if err != nil {
					t.Fatal(err)
				}
				if got, err := o.f.Read(posOf(b)); err != nil || !bytes.Equal(got, payload(i)) {
					t.Fatalf("after %d changes, seed %d: record %d: %v", at, seed, i, err)
				}
			}
			if err := stop(o); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Logf("%d changes, %d batches", fs.Ops(), len(commits))
}
