package fsys

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// content returns a text that takes several writes.
func content(letter string) string { return strings.Repeat(letter, 100_000) }

func replace(fsys FS, name, text string) error {
	return Replace(fsys, name, func(w io.Writer) error {
		for part := range slices.Chunk([]byte(text), 30_000) {
			if _, err := w.Write(part); err != nil {
				return err
			}
		}
		return nil
	})
}

// Stopped before any of its changes, with all, nothing or parts of what was not
// synced lost, there is the old file or the new one, and after the last the new one.
func TestReplaceCrash(t *testing.T) {
	c := NewCrash()
	if err := c.MkdirAll("d"); err != nil {
		t.Fatal(err)
	}
	oldText, newText := content("o"), content("n")
	if err := replace(c, "d/file", oldText); err != nil {
		t.Fatal(err)
	}
	first := c.Ops()
	if err := replace(c, "d/file", newText); err != nil {
		t.Fatal(err)
	}
	if c.Ops() < first+5 {
		t.Fatalf("%d changes", c.Ops()-first)
	}
	seen := map[string]int{}
	for n := first; n <= c.Ops(); n++ {
		for seed := range uint64(40) {
			after := c.Image(n, seed)
			got := read(t, after, "d/file")
			seen[got]++
			if got != oldText && got != newText || n == c.Ops() && got != newText {
				t.Fatalf("stopped after %d changes, seed %d: %d bytes, neither the old ones nor the new ones", n-first, seed, len(got))
			}
			// What was left over is in nobody's way.
			if err := replace(after, "d/file", "third"); err != nil || read(t, after, "d/file") != "third" {
				t.Fatalf("stopped after %d changes: the next one fails: %v", n-first, err)
			}
		}
	}
	if len(seen) != 2 {
		t.Errorf("not both of them were seen: %d", len(seen))
	}
}

// Whatever fails, the old file is there.
func TestReplaceFails(t *testing.T) {
	broken := errors.New("broken")
	steps := 0
	for n := 0; ; n++ {
		m := NewFaults(Mem())
		if err := replace(m, "file", "old"); err != nil {
			t.Fatal(err)
		}
		m.FailAfter(n, broken)
		err := replace(m, "file", content("n"))
		m.FailAfter(1000, nil)
		if err == nil {
			break
		}
		steps++
		if !errors.Is(err, broken) {
			t.Fatalf("change %d: %v", n, err)
		}
		if got := read(t, m, "file"); got != "old" && got != content("n") {
			t.Errorf("change %d: %d bytes", n, len(got))
		}
	}
	if steps < 5 {
		t.Errorf("only %d changes can fail", steps)
	}

	m := Mem()
	if err := replace(m, "file", "old"); err != nil {
		t.Fatal(err)
	}
	err := Replace(m, "file", func(w io.Writer) error {
		if _, err := io.WriteString(w, "half"); err != nil {
			return err
		}
		return broken
	})
	if !errors.Is(err, broken) || read(t, m, "file") != "old" {
		t.Errorf("a writer that fails: %v, %q", err, read(t, m, "file"))
	}
	if names, err := m.List("."); err != nil || len(names) != 1 {
		t.Errorf("%v are there, %v", names, err)
	}
}

func TestReplaceFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	for _, text := range []string{content("a"), "b", ""} {
		if err := ReplaceFileBytes(file, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(file); err != nil || string(got) != text {
			t.Errorf("%d bytes, %v", len(got), err)
		}
	}
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
	if err := ReplaceFileBytes(filepath.Join(file, "below"), nil); err == nil {
		t.Error("a file below a file")
	}
}
