package explorer

import (
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
)

// wellFormed holds a page against what every page must be like: its tags match,
// ids are there once, and nothing in it is a script, a style or an address
// elsewhere. So text that breaks out of its place is found wherever it is.
func wellFormed(t testing.TB, path, body string) {
	t.Helper()
	if !strings.HasPrefix(body, "<!doctype html>") {
		t.Errorf("%s: no doctype", path)
	}
	d := xml.NewDecoder(strings.NewReader(body))
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	ids, landmarks := map[string]bool{}, map[string]int{}
	var open []string
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%s: %v\n%s", path, err, body)
		}
		switch token := token.(type) {
		case xml.StartElement:
			name := token.Name.Local
			landmarks[name]++
			if !slices.Contains(xml.HTMLAutoClose, name) && !slices.Contains([]string{"path", "rect", "circle"}, name) {
				open = append(open, name)
			}
			if slices.Contains([]string{"img", "iframe", "object", "embed", "style", "base"}, name) {
				t.Errorf("%s: a %s", path, name)
			}
			for _, a := range token.Attr {
				attr := a.Name.Local
				switch {
				case attr == "id" && ids[a.Value]:
					t.Errorf("%s: id %q stands twice", path, a.Value)
				case attr == "id":
					ids[a.Value] = true
				case strings.HasPrefix(attr, "on"), attr == "style":
					t.Errorf("%s: attribute %s of %s", path, attr, name)
				case (attr == "href" || attr == "src" || attr == "action") && (!strings.HasPrefix(a.Value, "/") && !strings.HasPrefix(a.Value, "#") || strings.HasPrefix(a.Value, "//")):
					t.Errorf("%s: %s leads to %q", path, name, a.Value)
				}
			}
		case xml.EndElement:
			if name := token.Name.Local; len(open) > 0 && open[len(open)-1] == name {
				open = open[:len(open)-1]
			}
		case xml.CharData:
			if len(open) > 0 && open[len(open)-1] == "script" && strings.TrimSpace(string(token)) != "" {
				t.Errorf("%s: a script in the page: %s", path, token)
			}
		}
	}
	if len(open) != 0 {
		t.Errorf("%s: not closed: %v", path, open)
	}
	for _, name := range []string{"main", "header", "footer", "nav", "h1", "title", "script"} {
		if landmarks[name] == 0 || landmarks[name] > 1 && (name == "main" || name == "h1" || name == "script") {
			t.Errorf("%s: %d %s", path, landmarks[name], name)
		}
	}
	for _, name := range []string{"main", "q", "search", "live"} {
		if !ids[name] {
			t.Errorf("%s: no element with the id %s", path, name)
		}
	}
}
