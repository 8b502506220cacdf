package flat

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"

	"github.com/keelson-chain/keelson/ledger/fsys"
)

var magic = [4]byte{0xfa, 0xbf, 0xb5, 0xda}

const prefix = "blocks/blk"

func newFS(t testing.TB, fs fsys.FS) fsys.FS {
	t.Helper()
	if err := fs.MkdirAll("blocks"); err != nil {
		t.Fatal(err)
	}
	return fs
}

func random(r *rand.Rand, size int) []byte {
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

type record struct {
	pos     Pos
	payload []byte
}

// TestModel compares appending, reading, syncing, opening and removing with a
// list in memory, on the real disk and in memory.
func TestModel(t *testing.T) {
	for name, fs := range map[string]fsys.FS{"disk": fsys.Disk(t.TempDir()), "mem": fsys.Mem()} {
		t.Run(name, func(t *testing.T) {
			newFS(t, fs)
			r := rand.New(rand.NewPCG(1, 2))
			const maxFile = 4096
			f, err := Open(fs, prefix, magic, maxFile, End{})
			if err != nil {
				t.Fatal(err)
			}
			var records []record
			committed, end := 0, End{}
			gone := uint32(0) // files below are removed
			for range 3000 {
				switch r.IntN(40) {
				default:
					payload := random(r, r.IntN(300))
					if r.IntN(50) == 0 {
						payload = random(r, 3*maxFile)
					}
					p, err := f.Append(payload)
					if err != nil {
						t.Fatal(err)
					}
					records = append(records, record{p, payload})
				case 0:
					if err := f.Sync(); err != nil {
						t.Fatal(err)
					}
					committed, end = len(records), f.End()
				case 1: // open again: what was not named is gone
					if err := f.Close(); err != nil {
						t.Fatal(err)
					}
					if f, err = Open(fs, prefix, magic, maxFile, end); err != nil {
						t.Fatal(err)
					}
					records = records[:committed]
				case 2:
					if end.File > gone && r.IntN(3) == 0 {
						if err := f.Remove(gone); err != nil {
							t.Fatal(err)
						}
						gone++
					}
				case 3:
					for _, rec := range records {
						got, err := f.Read(rec.pos)
						if rec.pos.File < gone {
							if !errors.Is(err, ErrMissing) {
								t.Fatal(err)
							}
						} else if err != nil || !bytes.Equal(got, rec.payload) {
							t.Fatal(rec.pos, err)
						}
					}
				}
			}
			// The files hold the records in Bitcoin's framing and nothing else.
			if err := f.Sync(); err != nil {
				t.Fatal(err)
			}
			var kept []record
			for _, rec := range records {
				if rec.pos.File >= gone {
					kept = append(kept, rec)
				}
			}
			list, err := f.List()
			if err != nil {
				t.Fatal(err)
			}
			size := int64(0)
			for i, info := range list {
				if info.File != gone+uint32(i) || info.Size > maxFile && info.Size != 3*maxFile+HeaderSize {
					t.Error(info)
				}
				size += info.Size
			}
			if got := f.Size(); got != size {
				t.Errorf("%d bytes, want %d", got, size)
			}
			for _, rec := range kept {
				size -= HeaderSize + int64(len(rec.payload))
			}
			if size != 0 || len(list) < 10 {
				t.Errorf("%d files have %d bytes too many", len(list), size)
			}
			checkScan(t, fs, kept)
			if err := f.Remove(f.End().File); err == nil {
				t.Error("the last file can be removed")
			}
			if err := f.Remove(0); err != nil {
				t.Error("removed twice:", err)
			}
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func checkScan(t *testing.T, fs fsys.FS, want []record) {
	t.Helper()
	i := 0
	err := Scan(fs, prefix, magic, 1<<20, End{}, func(p Pos, payload []byte) error {
		if i == len(want) || p != want[i].pos || !bytes.Equal(payload, want[i].payload) {
			return fmt.Errorf("record %d is at %v", i, p)
		}
		i++
		return nil
	})
	if err != nil || i != len(want) {
		t.Fatalf("scan: %d of %d records, %v", i, len(want), err)
	}
}

// The frame is Bitcoin's: magic, length, payload.
func TestFrame(t *testing.T) {
	fs := newFS(t, fsys.Mem())
	f, err := Open(fs, prefix, magic, 1<<20, End{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := f.Append([]byte("block"))
	if err != nil {
		t.Fatal(err)
	}
	if want := (Pos{File: 0, Offset: 8, Size: 5, CRC: p.CRC}); p != want {
		t.Errorf("%v, want %v", p, want)
	}
	if end := f.End(); end != (End{0, 13}) {
		t.Error(end)
	}
	if got := read(t, fs, "blocks/blk00000.dat"); string(got) != "\xfa\xbf\xb5\xda\x05\x00\x00\x00block" {
		t.Errorf("%q", got)
	}
}

func read(t *testing.T, fs fsys.FS, name string) []byte {
	t.Helper()
	f, err := fs.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	size, _ := f.Size()
	b := make([]byte, size)
	if _, err := f.ReadAt(b, 0); err != nil && size > 0 {
		t.Fatal(err)
	}
	return b
}

func write(t testing.TB, fs fsys.FS, name string, data []byte) {
	t.Helper()
	f, err := fs.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt(data, 0); err != nil {
		t.Fatal(err)
	}
}

// Damage is found, and the line says in which file and where.
func TestDamage(t *testing.T) {
	const name = "blocks/blk00000.dat"
	for what, c := range map[string]struct {
		damage func(fs fsys.FS, data []byte)
		open   error // of Open
		read   error // of Read, if Open succeeds
		says   string
	}{
		"payload":                {func(fs fsys.FS, data []byte) { data[120] ^= 1; write(t, fs, name, data) }, nil, ErrCorrupt, name + ", the record at 116"},
		"other record's payload": {func(fs fsys.FS, data []byte) { data[10] ^= 1; write(t, fs, name, data) }, nil, nil, ""},
		"too short":              {func(fs fsys.FS, data []byte) { write(t, fs, name, data[:200]) }, ErrCorrupt, nil, name + " has 200 bytes, 216 were written"},
		"empty":                  {func(fs fsys.FS, data []byte) { write(t, fs, name, nil) }, ErrCorrupt, nil, name},
		"gone":                   {func(fs fsys.FS, data []byte) { fs.Remove(name) }, ErrCorrupt, nil, name + " is gone"},
		"longer":                 {func(fs fsys.FS, data []byte) { write(t, fs, name, append(data, 1, 2, 3)) }, nil, nil, ""},
	} {
		t.Run(what, func(t *testing.T) {
			fs := newFS(t, fsys.Mem())
			f, err := Open(fs, prefix, magic, 1<<20, End{})
			if err != nil {
				t.Fatal(err)
			}
			payload := bytes.Repeat([]byte{7}, 100)
			f.Append(payload)
			p, err := f.Append(payload)
			if err != nil {
				t.Fatal(err)
			}
			end := f.End()
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
			c.damage(fs, read(t, fs, name))
			f, err = Open(fs, prefix, magic, 1<<20, end)
			if !errors.Is(err, c.open) || err != nil && !strings.Contains(err.Error(), c.says) {
				t.Fatalf("open: %v", err)
			}
			if err != nil {
				return
			}
			got, err := f.Read(p)
			if !errors.Is(err, c.read) || err != nil && !strings.Contains(err.Error(), c.says) {
				t.Fatalf("read: %v", err)
			}
			if err == nil && !bytes.Equal(got, payload) {
				t.Error("another payload")
			}
		})
	}
	fs := newFS(t, fsys.Mem())
	f, err := Open(fs, prefix, magic, 1<<20, End{})
	if err != nil {
		t.Fatal(err)
	}
	f.Append([]byte("x"))
	for _, p := range []Pos{{Offset: 8, Size: 2}, {Offset: 100, Size: 1}, {Offset: 8, Size: 1<<32 - 1}, {Offset: 1<<32 - 1, Size: 1<<32 - 1}} {
		if _, err := f.Read(p); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%v: %v", p, err)
		}
	}
	if _, err := f.Read(Pos{File: 1}); !errors.Is(err, ErrMissing) {
		t.Error(err)
	}
}

// commits is what a database would hold: for each batch, the place where the
// files end and the records.
type commits []struct {
	ops     int // changes of the file system done when the batch is written
	end     End
	records []record
}

func writeRecords(fs *fsys.Crash) (all commits, err error) {
	r := rand.New(rand.NewPCG(5, 5))
	var done []record
	end := End{}
	all = append(all, struct {
		ops     int
		end     End
		records []record
	}{fs.Ops(), end, nil})
	for range 5 { // sessions
		f, err := Open(fs, prefix, magic, 2000, end)
		if err != nil {
			return nil, err
		}
		for range 12 {
			for range r.IntN(5) {
				payload := random(r, r.IntN(900))
				p, err := f.Append(payload)
				if err != nil {
					return nil, err
				}
				done = append(done, record{p, payload})
			}
			if err := f.Sync(); err != nil {
				return nil, err
			}
			end = f.End()
			all = append(all, struct {
				ops     int
				end     End
				records []record
			}{fs.Ops(), end, done[:len(done):len(done)]})
		}
		f.Append(random(r, 100)) // never named
		if err := f.Close(); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// TestCrash opens what a power failure behind every single change leaves, with
// the end that the last durable batch names: all its records are there, and
// more can be appended.
func TestCrash(t *testing.T) {
	fs := fsys.NewCrash()
	newFS(t, fs)
	all, err := writeRecords(fs)
	if err != nil {
		t.Fatal(err)
	}
	images := 0
	for n := all[0].ops; n <= fs.Ops(); n++ {
		last := all[0]
		for _, c := range all {
			if c.ops <= n {
				last = c
			}
		}
		for _, seed := range []uint64{0, 1, uint64(n) + 2, uint64(n) + 1<<32} {
			image := fs.Image(n, seed)
			f, err := Open(image, prefix, magic, 2000, last.end)
			if err != nil {
				t.Fatalf("after %d changes, seed %d: %v", n, seed, err)
			}
			for _, rec := range last.records {
				if got, err := f.Read(rec.pos); err != nil || !bytes.Equal(got, rec.payload) {
					t.Fatalf("after %d changes, seed %d: %v: %v", n, seed, rec.pos, err)
				}
			}
			p, err := f.Append([]byte("after the crash"))
			if err != nil {
				t.Fatal(err)
			}
			end := f.End()
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
			checkScan(t, image, append(last.records, record{p, []byte("after the crash")}))
			// And once more, at the worst moment.
			f, err = Open(image.Reboot(0), prefix, magic, 2000, end)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := f.Read(p); err != nil || string(got) != "after the crash" {
				t.Fatal(err)
			}
			images++
		}
	}
	t.Logf("%d changes, %d images", fs.Ops(), images)
	if images < 500 {
		t.Error("the scenario is too small to show anything")
	}
}

// After an error nothing more is written: a sync that failed must not be
// followed by one that succeeds.
func TestFaults(t *testing.T) {
	for _, c := range []struct {
		want error
		set  func(f *fsys.Faults, n int)
	}{
		{syscall.EIO, func(f *fsys.Faults, n int) { f.FailAfter(n, syscall.EIO) }},
		{fsys.ErrFull, func(f *fsys.Faults, n int) { f.Limit(int64(n) * 100) }},
		{fsys.ErrReadOnly, func(f *fsys.Faults, n int) { f.FailAfter(n, fsys.ErrReadOnly) }},
	} {
		for n := range 30 {
			faults := fsys.NewFaults(newFS(t, fsys.Mem()))
			f, err := Open(faults, prefix, magic, 1000, End{})
			if err != nil {
				t.Fatal(err)
			}
			c.set(faults, n)
			var kept []record
			for err == nil {
				var p Pos
				if p, err = f.Append(make([]byte, 300)); err == nil {
					if err = f.Sync(); err == nil {
						kept = append(kept, record{p, make([]byte, 300)})
					}
				}
			}
			if !errors.Is(err, c.want) {
				t.Fatal(err)
			}
			faults.FailAfter(0, nil)
			faults.Limit(-1)
			if _, aerr := f.Append(nil); aerr != err {
				t.Errorf("append after %v: %v", err, aerr)
			}
			if serr := f.Sync(); serr != err {
				t.Errorf("sync after %v: %v", err, serr)
			}
			for _, rec := range kept {
				if got, err := f.Read(rec.pos); err != nil || !bytes.Equal(got, rec.payload) {
					t.Fatal(err)
				}
			}
			if err := f.Close(); !errors.Is(err, c.want) {
				t.Error("close:", err)
			}
		}
	}
}

// TestScanFindsItsWay puts garbage of several kinds between records.
func TestScanFindsItsWay(t *testing.T) {
	frame := func(payload string) string {
		return string(magic[:]) + string(binary.LittleEndian.AppendUint32(nil, uint32(len(payload)))) + payload
	}
	long := strings.Repeat("x", scanWindow)
	for garbage, found := range map[string]bool{
		"":                                             true,
		strings.Repeat("\x00", 999):                    true,
		strings.Repeat("\x00", scanWindow*2-3):         true,
		string(magic[:]):                               true,
		string(magic[:]) + "\xff\xff\xff\xff":          true, // longer than any
		string(magic[:]) + "\x00\x00\x10\x00":          true, // longer than the limit
		string(magic[:3]):                              true,
		long[:scanWindow-2] + string(magic[:3]):        true, // across the window
		string(magic[:2]) + string(magic[:1]) + "\xbf": true,
		string(magic[:]) + "\x03\x00\x00\x00" + string(magic[:]): false, // a torn frame takes the next one's magic
		frame("") + frame(long) + "trailing":                     true,
	} {
		fs := newFS(t, fsys.Mem())
		write(t, fs, prefix+"00003.dat", []byte(garbage+frame("first")+garbage+frame("second")+garbage[:len(garbage)/2]))
		write(t, fs, prefix+"00004.dat", []byte(frame("third")))
		write(t, fs, prefix+"4.dat", []byte(frame("not ours")))
		write(t, fs, prefix+"00005.dat.bak", []byte(frame("not ours")))
		var got []string
		var second Pos
		collect := func(p Pos, payload []byte) error {
			if len(payload) > 0 && len(payload) < 10 {
				got = append(got, string(payload))
			}
			if string(payload) == "second" {
				second = p
			}
			return nil
		}
		if err := Scan(fs, prefix, magic, 1<<20-1, End{}, collect); err != nil {
			t.Fatal(err)
		}
		if (fmt.Sprint(got) == "[first second third]") != found {
			t.Errorf("%.20q: found %q", garbage, got)
		}
		if !found {
			continue
		}
		got = nil
		if err := Scan(fs, prefix, magic, 1<<20-1, End{second.File, second.Offset + second.Size}, collect); err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(got) != "[third]" {
			t.Errorf("%.20q: resumed, found %q", garbage, got)
		}
		stop := errors.New("enough")
		if err := Scan(fs, prefix, magic, 1<<20, End{}, func(Pos, []byte) error { return stop }); err != stop {
			t.Error(err)
		}
	}
}

// FuzzScan compares the scanner with one that looks at every byte.
func FuzzScan(f *testing.F) {
	f.Add([]byte("\xfa\xbf\xb5\xda\x02\x00\x00\x00ab\xfa\xbf\xb5\xda\x00\x00\x00\x00"))
	f.Add([]byte("\xfa\xbf\xb5\xda\xfa\xbf\xb5\xda\xff\x00\x00\x00\xfa\xbf\xb5\xda\x01\x00\x00\x00z"))
	f.Fuzz(func(t *testing.T, data []byte) {
		const limit = 200
		fs := fsys.Mem()
		write(t, fs, "f00000.dat", data)
		var want []Pos
		for at := 0; at+HeaderSize <= len(data); at++ {
			n := int64(binary.LittleEndian.Uint32(data[at+4:]))
			if [4]byte(data[at:]) == magic && n <= limit && int64(at)+HeaderSize+n <= int64(len(data)) {
				want = append(want, Pos{Offset: uint32(at + HeaderSize), Size: uint32(n)})
				at += HeaderSize + int(n) - 1
			}
		}
		i := 0
		err := Scan(fs, "f", magic, limit, End{}, func(p Pos, payload []byte) error {
			if i == len(want) || p.Offset != want[i].Offset || p.Size != want[i].Size ||
				!bytes.Equal(payload, data[p.Offset:p.Offset+p.Size]) {
				t.Fatalf("record %d: %v, want %v", i, p, want)
			}
			i++
			return nil
		})
		if err != nil || i != len(want) {
			t.Fatal(i, len(want), err)
		}
	})
}

func BenchmarkAppend(b *testing.B) {
	fs := newFS(b, fsys.Disk(b.TempDir()))
	f, err := Open(fs, prefix, magic, 128<<20, End{})
	if err != nil {
		b.Fatal(err)
	}
	payload := random(rand.New(rand.NewPCG(1, 1)), 1<<20)
	b.SetBytes(int64(len(payload)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := f.Append(payload); err != nil {
			b.Fatal(err)
		}
		if end := f.End(); end.File > 1 {
			f.Remove(end.File - 1)
		}
	}
	f.Close()
}

func BenchmarkRead(b *testing.B) {
	for _, size := range []int{300, 1 << 20} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			fs := newFS(b, fsys.Disk(b.TempDir()))
			f, err := Open(fs, prefix, magic, 128<<20, End{})
			if err != nil {
				b.Fatal(err)
			}
			defer f.Close()
			p, err := f.Append(random(rand.New(rand.NewPCG(1, 1)), size))
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := f.Read(p); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
