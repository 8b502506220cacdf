package rpc

import (
	"slices"
	"strings"
	"testing"
)

// TestMethods holds what is shown to people against the table and against the
// list that the method help gives.
func TestMethods(t *testing.T) {
	list := Methods()
	all := strings.Split(helpAll(methods()), "\n")
	for _, m := range list {
		hidden := m.Category == "hidden"
		if slices.Contains(all, m.Usage) == hidden {
			t.Errorf("%q: hidden %v, and help says otherwise", m.Usage, hidden)
		}
		if row := methods()[m.Name]; row == nil || row.category != m.Category {
			t.Errorf("%s of %s is not in the table", m.Name, m.Category)
		}
		if m.Summary == "" || strings.ContainsAny(m.Summary, "\n\t") {
			t.Errorf("%s: summary %q", m.Name, m.Summary)
		}
	}
	shown := len(methods())
	for _, m := range list {
		if m.Category == "hidden" {
			shown--
		}
	}
	for _, line := range all {
		if line != "" && !strings.HasPrefix(line, "== ") {
			shown--
		}
	}
	if shown != 0 || len(list) != len(methods()) {
		t.Errorf("%d methods of %d; help lists too few by %d", len(list), len(methods()), shown)
	}
	i := slices.IndexFunc(list, func(m Method) bool { return m.Name == "generatetoaddress" })
	if i < 0 || !slices.Equal(list[i].Params, []string{"nblocks", "address", "maxtries"}) {
		t.Errorf("generatetoaddress: row %d", i)
	}
}
