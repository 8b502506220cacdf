package fsys

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
)

func write(t *testing.T, fsys FS, name, text string) File {
	t.Helper()
	f, err := fsys.OpenRW(name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte(text), 0); err != nil {
		t.Fatal(err)
	}
	return f
}

// read returns the content of a file, or "-" if there is none.
func read(t *testing.T, fsys FS, name string) string {
	t.Helper()
	f, err := fsys.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return "-"
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		t.Fatal(err)
	}
	b := make([]byte, size)
	if _, err := f.ReadAt(b, 0); err != nil && err != io.EOF {
		t.Fatal(err)
	}
	return string(b)
}

// TestSame runs the same calls on the disk and on every other FS, and compares
// all that can be seen with the disk's.
func TestSame(t *testing.T) {
	systems := map[string]func() FS{
		"mem":    Mem,
		"crash":  func() FS { return NewCrash() },
		"faults": func() FS { return NewFaults(Mem()) },
		"sub": func() FS {
			m := Mem()
			if err := m.MkdirAll("a/b"); err != nil {
				t.Fatal(err)
			}
			return Sub(m, "a/b")
		},
	}
	for name, open := range systems {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(20) {
				want := perform(Disk(t.TempDir()), seed)
				got := perform(open(), seed)
				for i := range want {
					if got[i] != want[i] {
						t.Fatalf("seed %d, call %d: %s, on the disk %s", seed, i, got[i], want[i])
					}
				}
			}
		})
	}
}

// perform makes random calls and says what came of each.
func perform(fsys FS, seed uint64) (said []string) {
	r := rand.New(rand.NewPCG(seed, 9))
	names := []string{"a", "b", "c", "d/a", "d/b", "d/e/f", "d"}
	pick := func() string { return names[r.IntN(len(names))] }
	open := map[string]File{}
	say := func(format string, a ...any) {
		for i, v := range a {
			if err, ok := v.(error); ok {
				a[i] = "error"
				if errors.Is(err, fs.ErrNotExist) {
					a[i] = "no such file"
				}
			}
		}
		said = append(said, fmt.Sprintf(format, a...))
	}
	for range 300 {
		name := pick()
		switch r.IntN(11) {
		case 0:
			if name != "d" { // what a folder says is up to the system
				f, err := fsys.Create(name)
				say("create %s: %v", name, err)
				if err == nil {
					open[name] = f
				}
			}
		case 1:
			if name != "d" {
				f, err := fsys.OpenRW(name)
				say("open %s: %v", name, err)
				if err == nil {
					open[name] = f
				}
			}
		case 2:
			to := pick()
			if filepath.Dir(name) == filepath.Dir(to) && name != "d" && to != "d" {
				say("rename %s %s: %v", name, to, fsys.Rename(name, to))
				delete(open, to)
				delete(open, name)
			}
		case 3:
			if name != "d" {
				say("remove %s: %v", name, fsys.Remove(name))
				delete(open, name)
			}
		case 4:
			if r.IntN(5) == 0 {
				dir := []string{"d", "d/e", "."}[r.IntN(3)]
				say("mkdir %s: %v", dir, fsys.MkdirAll(dir))
			}
		case 5:
			dir := []string{"d", "d/e", "."}[r.IntN(3)]
			say("sync %s: %v", dir, fsys.SyncDir(dir))
		case 6:
			dir := []string{"d", "d/e", "."}[r.IntN(3)]
			list, err := fsys.List(dir)
			say("list %s: %v %v", dir, list, err)
		case 7:
			size, err := fsys.Stat(name)
			say("stat %s: %d %v", name, size, err)
		default:
			f := open[name]
			if f == nil {
				continue
			}
			off := int64(r.IntN(50))
			switch r.IntN(4) {
			case 0:
				data := make([]byte, 1+r.IntN(30))
				for i := range data {
					data[i] = byte('a' + r.IntN(26))
				}
				n, err := f.WriteAt(data, off)
				say("write %s %d: %d %v", name, off, n, err)
			case 1:
				b := make([]byte, r.IntN(60))
				n, err := f.ReadAt(b, off)
				if len(b) > 0 {
					say("read %s %d: %q %v", name, off, b[:n], err)
				}
			case 2:
				say("truncate %s %d: %v", name, off, f.Truncate(off))
			case 3:
				size, err := f.Size()
				say("sync %s: %d %v %v", name, size, err, f.Sync())
			}
		}
	}
	for _, f := range open {
		f.Close()
	}
	return said
}

// What a crash loses and what not.
func TestCrashKeepsWhatWasSynced(t *testing.T) {
	c := NewCrash()
	a := write(t, c, "a", "one")
	if got := read(t, c.Reboot(0), "a"); got != "-" {
		t.Errorf("nothing is synced: %q", got)
	}
	if got := read(t, c.Reboot(1), "a"); got != "one" {
		t.Errorf("nothing is lost: %q", got)
	}
	a.Sync()
	if got := read(t, c.Reboot(0), "a"); got != "-" {
		t.Errorf("the name is not synced: %q", got)
	}
	c.SyncDir(".")
	if got := read(t, c.Reboot(0), "a"); got != "one" {
		t.Errorf("all is synced: %q", got)
	}
	a.WriteAt([]byte("two"), 3)
	a.Truncate(5)
	if got := read(t, c.Reboot(0), "a"); got != "one" {
		t.Errorf("the second write is not synced: %q", got)
	}
	a.Sync()
	if got := read(t, c.Reboot(0), "a"); got != "onetw" {
		t.Errorf("the second write is synced: %q", got)
	}
	c.Rename("a", "b")
	if got := read(t, c.Reboot(0), "a") + read(t, c.Reboot(0), "b"); got != "onetw-" {
		t.Errorf("the new name is not synced: %q", got)
	}
	c.SyncDir(".")
	if got := read(t, c.Reboot(0), "a") + read(t, c.Reboot(0), "b"); got != "-onetw" {
		t.Errorf("the new name is synced: %q", got)
	}
	c.Remove("b")
	if got := read(t, c.Reboot(0), "b"); got != "onetw" {
		t.Errorf("the removal is not synced: %q", got)
	}
	// An image of an earlier moment, and one of an image.
	if got := read(t, c.Image(3, 0).Reboot(0), "a"); got != "-" {
		t.Error(got)
	}
	if got := read(t, c.Image(5, 0).Reboot(0), "a"); got != "one" {
		t.Error(got)
	}
}

// Other seeds give what lies between: parts of writes, in every way.
func TestCrashTears(t *testing.T) {
	c := NewCrash()
	f := write(t, c, "a", "0123456789")
	c.SyncDir(".")
	f.Sync()
	f.WriteAt([]byte("abcdefghij"), 10)
	f.WriteAt([]byte("ABCDEFGHIJ"), 20)
	const whole = "0123456789abcdefghijABCDEFGHIJ"
	seen := map[string]bool{}
	for seed := range uint64(500) {
		got := read(t, c.Reboot(seed), "a")
		if again := read(t, c.Reboot(seed), "a"); again != got {
			t.Fatal("a seed has two outcomes")
		}
		if !strings.HasPrefix(got, whole[:10]) || len(got) > len(whole) {
			t.Fatalf("%q", got)
		}
		for i := range got {
			if got[i] != whole[i] && got[i] != 0 {
				t.Fatalf("%q holds what nobody wrote", got)
			}
		}
		switch {
		case got == whole:
			seen["all"] = true
		case got == whole[:len(got)]:
			seen["prefix"] = true
		case strings.HasSuffix(got, "\x00"):
			seen["zeros at the end"] = true
		default:
			seen["hole"] = true
		}
	}
	if len(seen) != 4 {
		t.Error(seen)
	}
}

func TestCrashStops(t *testing.T) {
	c := NewCrash()
	f := write(t, c, "a", "x")
	n := c.Ops()
	if n != 2 {
		t.Errorf("%d changes", n)
	}
	c.StopAt(n + 1)
	if err := f.Sync(); err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"write":    second(f.WriteAt([]byte("y"), 0)),
		"read":     second(f.ReadAt(make([]byte, 1), 0)),
		"sync":     f.Sync(),
		"truncate": f.Truncate(0),
		"size":     second(f.Size()),
		"open":     second(c.Open("a")),
		"create":   second(c.Create("b")),
		"rename":   c.Rename("a", "b"),
		"remove":   c.Remove("a"),
		"mkdir":    c.MkdirAll("d"),
		"syncdir":  c.SyncDir("."),
		"list":     second(c.List(".")),
		"stat":     second(c.Stat("a")),
		"lock":     second(c.Lock("l")),
	} {
		if !errors.Is(err, ErrCrashed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := read(t, c.Reboot(1), "a"); got != "x" {
		t.Errorf("%q", got)
	}
}

func second[T any](_ T, err error) error { return err }

func TestFaults(t *testing.T) {
	f := NewFaults(Mem())
	file := write(t, f, "a", "12345")
	f.Limit(7)
	if _, err := file.WriteAt([]byte("abcde"), 5); err != nil {
		t.Fatal(err)
	}
	n, err := file.WriteAt([]byte("fghij"), 10)
	if n != 2 || !errors.Is(err, ErrFull) {
		t.Errorf("%d, %v", n, err)
	}
	if _, err := f.Create("b"); !errors.Is(err, ErrFull) {
		t.Error(err)
	}
	if got := read(t, f, "a"); got != "12345abcdefg" {
		t.Errorf("%q", got)
	}
	f.Limit(-1)
	if _, err := file.WriteAt([]byte("fghij"), 10); err != nil {
		t.Error(err)
	}
	f.FailAfter(1, syscall.EIO)
	if err := file.Sync(); err != nil {
		t.Error(err)
	}
	if err := file.Sync(); !errors.Is(err, syscall.EIO) {
		t.Error(err)
	}
	f.FailAfter(0, nil)
	f.ReadOnly(true)
	for name, err := range map[string]error{
		"write":    second(file.WriteAt([]byte("y"), 0)),
		"truncate": file.Truncate(0),
		"open":     second(f.OpenRW("a")),
		"create":   second(f.Create("b")),
		"rename":   f.Rename("a", "b"),
		"remove":   f.Remove("a"),
		"mkdir":    f.MkdirAll("d"),
		"syncdir":  f.SyncDir("."),
		"lock":     second(f.Lock("l")),
	} {
		if !errors.Is(err, ErrReadOnly) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := f.MkdirAll("."); err != nil {
		t.Error("a folder that exists:", err)
	}
	if got := read(t, f, "a"); !strings.HasPrefix(got, "12345") {
		t.Errorf("%q", got)
	}
}

// A lock excludes another one until it is closed, also in the same process.
func TestLock(t *testing.T) {
	dir := t.TempDir()
	mem := Mem()
	for name, systems := range map[string][2]FS{
		"disk": {Disk(dir), Disk(dir)},
		"mem":  {mem, mem},
	} {
		lock, err := systems[0].Lock("LOCK")
		if err != nil {
			t.Fatal(err)
		}
		_, err = systems[1].Lock("LOCK")
		if !errors.Is(err, ErrLocked) {
			t.Fatalf("%s: %v", name, err)
		}
		if folder := filepath.Dir(systems[0].Path("LOCK")); !strings.Contains(err.Error(), folder) {
			t.Errorf("%s: %q does not name the folder %s", name, err, folder)
		}
		if err := lock.Close(); err != nil {
			t.Fatal(err)
		}
		if lock, err = systems[1].Lock("LOCK"); err != nil {
			t.Fatal(err)
		}
		lock.Close()
	}
}

// The errors of the operating system are recognised.
func TestDiskErrors(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the numbers are those of Unix")
	}
	for err, want := range map[error]error{
		syscall.ENOSPC: ErrFull, syscall.EDQUOT: ErrFull,
		syscall.EROFS: ErrReadOnly, syscall.EACCES: ErrReadOnly, syscall.EPERM: ErrReadOnly,
	} {
		path := &os.PathError{Op: "write", Path: "/x", Err: err}
		if got := classify(path); !errors.Is(got, want) || !errors.Is(got, err) || got.Error() != path.Error() {
			t.Errorf("%v: %v", err, got)
		}
	}
	if got := classify(syscall.EIO); got != syscall.EIO {
		t.Error(got)
	}
	if classify(nil) != nil {
		t.Error("an error out of nothing")
	}
	dir := t.TempDir()
	d := Disk(dir)
	if err := d.MkdirAll("a/b/c"); err != nil {
		t.Fatal(err)
	}
	if err := d.MkdirAll("a/b/c"); err != nil {
		t.Fatal(err)
	}
	write(t, d, "a/f", "x").Close()
	if err := d.MkdirAll("a/f"); err == nil {
		t.Error("a folder where a file is")
	}
	if err := d.MkdirAll("a/f/g"); err == nil {
		t.Error("a folder below a file")
	}
	if full := "/dev/full"; exists(full) {
		f, err := Disk("/dev").OpenRW("full")
		if err != nil {
			t.Skip(err)
		}
		defer f.Close()
		if _, err := f.WriteAt(bytes.Repeat([]byte("x"), 10), 0); !errors.Is(err, ErrFull) {
			t.Error(err)
		}
	}
	if names, err := d.List("a"); err != nil || !slices.Equal(names, []string{"b", "f"}) {
		t.Error(names, err)
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
