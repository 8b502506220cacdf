// Package vectors finds the public test vectors and chains that lie beside a
// checkout, in ../shared/vectors. They are never copied into the project.
//
// A checkout without that folder skips the tests that need it, but where CI is
// "true" they fail, so that a machine without vectors is not taken for a pass.
package vectors

import (
	"bytes"
	"compress/bzip2"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Path returns the path of the named file or folder of the vectors. name is
// slash-separated, as in "btcd/txscript/data/script_tests.json". The
// environment variable KEELSON_VECTORS names another place of the folder.
func Path(t testing.TB, name string) string {
	t.Helper()
	dir := os.Getenv("KEELSON_VECTORS")
	if dir == "" {
		dir = filepath.Join(root(t), "..", "shared", "vectors")
	}
	path := filepath.Join(dir, filepath.FromSlash(name))
	if _, err := os.Stat(path); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("vectors are missing: %v", err)
		}
		t.Skipf("vectors are missing: %v", err)
	}
	return path
}

// Read returns the contents of the named file, decompressed if its name ends
// in ".bz2".
func Read(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(Path(t, name))
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasSuffix(name, ".bz2") {
		if b, err = io.ReadAll(bzip2.NewReader(bytes.NewReader(b))); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	return b
}

// root returns the folder of the main module: the topmost go.mod at or above
// the working directory of the test, since test modules nest inside it.
func root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	found := ""
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			found = dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			break
		}
		dir = parent
	}
	if found == "" {
		t.Fatal("no go.mod above the test's working directory")
	}
	return found
}
