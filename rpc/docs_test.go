package rpc

import (
	"os"
	"strings"
	"testing"
)

// TestDocs: docs/RPC.md lists the methods that there are.
func TestDocs(t *testing.T) {
	text, err := os.ReadFile("../docs/RPC.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "## Methods\n")
	table, _, _ = strings.Cut(table, "\n## ")
	listed := map[string]bool{}
	for line := range strings.SplitSeq(table, "\n") {
		cells := strings.Split(line, "|")
		if len(cells) < 3 || strings.TrimSpace(cells[2]) == "methods" {
			continue
		}
		for name := range strings.FieldsSeq(cells[2]) {
			if name == "---" {
				continue
			}
			if listed[name] {
				t.Errorf("%s is listed twice", name)
			}
			listed[name] = true
			if methods()[name] == nil && !strings.HasPrefix(name, "-") {
				t.Errorf("%s is listed and does not exist", name)
			}
		}
	}
	for name := range methods() {
		if !listed[name] {
			t.Errorf("%s is not listed", name)
		}
	}
}
