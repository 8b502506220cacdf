package metrics

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestDocs: the names that the sources give and those of docs/OPERATION.md are
// the same.
func TestDocs(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	inCode, inDocs := map[string]bool{}, map[string]bool{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`"(keelson_[a-z0-9_]+)"`).FindAllSubmatch(text, -1) {
			inCode[string(m[1])] = true
		}
	}
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "OPERATION.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile("(?m)^\\| `(keelson_[a-z0-9_]+)[{`]").FindAllSubmatch(text, -1) {
		inDocs[string(m[1])] = true
	}
	if len(inCode) < 40 {
		t.Errorf("only %d metrics in the code", len(inCode))
	}
	var all []string
	for name := range inCode {
		all = append(all, name)
	}
	for name := range inDocs {
		all = append(all, name)
	}
	slices.Sort(all)
	for _, name := range slices.Compact(all) {
		if !inCode[name] {
			t.Errorf("docs/OPERATION.md has %s, which no source reports", name)
		}
		if !inDocs[name] {
			t.Errorf("docs/OPERATION.md does not have %s", name)
		}
	}
}
