package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestSource holds the module's source against the rules.
func TestSource(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	if !isModule(root) {
		t.Fatalf("%s has no go.mod", root)
	}
	pkgs, err := load(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, fault := range checkAll(pkgs, rules) {
		t.Error(strings.TrimPrefix(fault, root+string(filepath.Separator)))
	}
}

// TestRules holds the rules against themselves.
func TestRules(t *testing.T) {
	for name, r := range rules {
		for _, peer := range r.peers {
			switch p, known := rules[peer]; {
			case !known:
				t.Errorf("%s names peer %s, which has no rule", name, peer)
			case p.floor != r.floor:
				t.Errorf("%s of floor %d names peer %s of floor %d", name, r.floor, peer, p.floor)
			case r.pure && !p.pure:
				t.Errorf("pure %s names peer %s, which is not pure", name, peer)
			}
		}
		if covers(r.outside, "github.com/syndtr/goleveldb/leveldb") && name != "ledger/kv" {
			t.Errorf("%s may import goleveldb: ledger/kv is its one door", name)
		}
		if covers(r.outside, secp256k1) && name != "script/sig" {
			t.Errorf("%s may import secp256k1: script/sig is its one door", name)
		}
		if covers(r.outside, zerolog) && r.floor < 3 {
			t.Errorf("%s of floor %d may log: logs begin at floor 3", name, r.floor)
		}
		if r.floor < 3 && !r.pure && !r.testOnly {
			t.Errorf("%s of floor %d is not pure", name, r.floor)
		}
	}
	for start := range rules {
		if path := peerCycle(start, nil); path != nil {
			t.Errorf("peers import each other: %v", path)
		}
	}
}

// peerCycle returns the path on which name reaches itself through peers.
func peerCycle(name string, path []string) []string {
	if slices.Contains(path, name) {
		return append(path, name)
	}
	path = append(slices.Clone(path), name)
	for _, peer := range rules[name].peers {
		if cycle := peerCycle(peer, path); cycle != nil {
			return cycle
		}
	}
	return nil
}

// TestFaults gives the checks one package at a time with one fault, so that a
// check that stopped working is noticed.
func TestFaults(t *testing.T) {
	testRules := map[string]rule{
		"low":   {floor: 0, pure: true},
		"part":  {floor: 1, pure: true},
		"mid":   {floor: 1, pure: true, peers: []string{"part"}, state: []string{"allowed"}},
		"joins": {floor: 1, pure: true, joins: true},
		"high":  {floor: 3, outside: []string{"example.com/a/..."}},
		"tests": {floor: 0, testOnly: true},
	}
	cases := []struct {
		name, pkg, src string
		test           bool
		want           string // part of the one fault; none if empty
	}{
		{name: "import below", pkg: "mid", src: `import _ "MODULE/low"`},
		{name: "import above", pkg: "mid", src: `import _ "MODULE/high"`, want: "of floor 3 from floor 1"},
		{name: "import above in a test", pkg: "mid", src: `import _ "MODULE/high"`, test: true, want: "of floor 3 from floor 1"},
		{name: "import sibling", pkg: "part", src: `import _ "MODULE/mid"`, want: "siblings do not know each other"},
		{name: "import peer", pkg: "mid", src: `import _ "MODULE/part"`},
		{name: "import for tests", pkg: "mid", src: `import _ "MODULE/tests"`, want: "which is for tests"},
		{name: "import for tests in a test", pkg: "mid", src: `import _ "MODULE/tests"`, test: true},
		{name: "outside package", pkg: "mid", src: `import _ "example.com/a"`, want: "may import of outside packages []"},
		{name: "outside package allowed", pkg: "high", src: `import _ "example.com/a/b"`},
		{name: "outside package like one allowed", pkg: "high", src: `import _ "example.com/ab"`, want: "outside packages"},
		{name: "file", pkg: "low", src: `import _ "os"`, want: "imports os: package low is pure"},
		{name: "file in a test", pkg: "low", src: `import _ "os"`, test: true},
		{name: "file above", pkg: "high", src: `import _ "os"`},
		{name: "random numbers", pkg: "low", src: `import _ "crypto/rand"`, want: "imports crypto/rand"},
		{name: "log anywhere", pkg: "high", src: `import _ "log"`, want: "zerolog.Logger"},
		{name: "cgo anywhere", pkg: "high", src: `import "C"`, want: "CGO_ENABLED=0"},
		{name: "memory tricks anywhere", pkg: "high", src: `import "unsafe"; var p = unsafe.Pointer(nil)`, want: "record the exception first"},
		{name: "size of a type", pkg: "low", src: `import "unsafe"; const n = unsafe.Sizeof(1)`},
		{name: "clock", pkg: "low", src: `import "time"; var f = time.Now`, want: "take the time as an argument"},
		{name: "clock renamed", pkg: "low", src: `import clock "time"; var f = clock.Now`, want: "take the time as an argument"},
		{name: "duration", pkg: "low", src: `import "time"; const d = time.Second`},
		{name: "output", pkg: "low", src: `import "fmt"; func f() { fmt.Println() }`, want: "return the text"},
		{name: "built-in output", pkg: "low", src: `func f() { println() }`, want: "return the text"},
		{name: "goroutine", pkg: "low", src: `func f() { go f() }`, want: "starts no goroutines"},
		{name: "goroutine joined", pkg: "joins", src: `func f() { go f() }`},
		{name: "state", pkg: "low", src: `var v int; func f() { v = 1 }`, want: "writes the package's variable v"},
		{name: "state in a map", pkg: "low", src: `var v = map[int]int{}; func f() { v[1]++ }`, want: "writes the package's variable v"},
		{name: "state in a field", pkg: "low", src: `var v struct{ a [2]int }; func f() { v.a[1] = 1 }`, want: "writes the package's variable v"},
		{name: "state allowed", pkg: "mid", src: `var allowed int; func f() { allowed = 1 }`},
		{name: "state above", pkg: "high", src: `var v int; func f() { v = 1 }`},
		{name: "local of the same name", pkg: "low", src: `var v int; func f() { v := 0; v = 1; _ = v }`},
		{name: "lock", pkg: "low", src: `import "sync"; var mu sync.Mutex`, want: "variable mu of type sync.Mutex"},
		{name: "local lock", pkg: "low", src: `import "sync"; func f() { var mu sync.Mutex; mu.Lock() }`},
		{name: "init", pkg: "high", src: `func init() {}`, want: "func init"},
		{name: "method init", pkg: "high", src: `type t int; func (t) init() {}`},
		{name: "no floor", pkg: "new", src: ``, want: "package new has no floor"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p := source(t, c.pkg, c.src, c.test)
			only := make(map[string]rule)
			maps.Copy(only, testRules)
			var faults []string
			for _, fault := range checkAll(map[string]*pkg{c.pkg: p}, only) {
				if !strings.HasPrefix(fault, "rules name package") {
					faults = append(faults, fault)
				}
			}
			switch {
			case c.want == "" && len(faults) > 0:
				t.Errorf("faults: %q", faults)
			case c.want != "" && (len(faults) != 1 || !strings.Contains(faults[0], c.want)):
				t.Errorf("faults: %q, want one with %q", faults, c.want)
			}
		})
	}
}

// TestDocFaults does the same for package comments.
func TestDocFaults(t *testing.T) {
	for _, c := range []struct{ name, src, want string }{
		{"comment", "// Package a is.\npackage a", ""},
		{"none", "package a", "has no comment"},
		{"of another", "// Package b is.\npackage a", `not "Package a "`},
		{"command", "// Command a does.\npackage main", ""},
		{"nameless command", "// Package main does.\npackage main", `not "Command a "`},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := parse(t, "a", c.src, false)
			faults := p.checkDoc()
			if c.want == "" && len(faults) > 0 || c.want != "" && (len(faults) != 1 || !strings.Contains(faults[0], c.want)) {
				t.Errorf("faults: %q, want %q", faults, c.want)
			}
		})
	}
}

// TestStaleRule: a rule without its package is a fault.
func TestStaleRule(t *testing.T) {
	faults := checkAll(nil, map[string]rule{"gone": {}})
	if len(faults) != 1 || !strings.Contains(faults[0], "package gone, which does not exist") {
		t.Errorf("faults: %q", faults)
	}
}

// source returns package name with the declarations src and a comment.
func source(t *testing.T, name, src string, test bool) *pkg {
	t.Helper()
	src = strings.ReplaceAll(src, "MODULE", module)
	return parse(t, name, "// Package "+name+" is.\npackage "+name+"\n"+src, test)
}

func parse(t *testing.T, name, src string, test bool) *pkg {
	t.Helper()
	fset := token.NewFileSet()
	var parsed *ast.File
	parsed, err := parser.ParseFile(fset, name+".go", src, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	return &pkg{path: name, fset: fset, files: []file{{name + ".go", test, parsed}}}
}
