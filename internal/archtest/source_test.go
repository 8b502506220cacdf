package archtest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// module is the path of the module whose source is tested.
const module = "github.com/keelson-chain/keelson"

// A pkg is one package as it stands in the source, files of every platform
// included.
type pkg struct {
	path  string // below the module's
	fset  *token.FileSet
	files []file
}

type file struct {
	name string // path below the root of the module
	test bool
	ast  *ast.File
}

// load parses every package of the module below root, which holds its go.mod.
// Modules nested in it, testdata and hidden folders are left out.
func load(root string) (map[string]*pkg, error) {
	pkgs := make(map[string]*pkg)
	fset := token.NewFileSet()
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		if d.IsDir() {
			if rel != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || isModule(name)) {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(rel, ".go") {
			return nil
		}
		parsed, err := parser.ParseFile(fset, name, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		dir := path.Dir(rel)
		if pkgs[dir] == nil {
			pkgs[dir] = &pkg{path: dir, fset: fset}
		}
		pkgs[dir].files = append(pkgs[dir].files, file{rel, strings.HasSuffix(rel, "_test.go"), parsed})
		return nil
	})
	return pkgs, err
}

func isModule(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err == nil
}

// imports returns the paths that f imports.
func (f file) imports() []string {
	var paths []string
	for _, spec := range f.ast.Imports {
		p, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			panic(fmt.Sprintf("%s: the parser let import %s pass", f.name, spec.Path.Value))
		}
		paths = append(paths, p)
	}
	return paths
}

// own returns the path below the module's, or false for an outside package.
func own(importPath string) (string, bool) {
	if importPath == module {
		return ".", true
	}
	return strings.CutPrefix(importPath, module+"/")
}

// standard reports whether the path is of the standard library, whose first
// element alone has no dot.
func standard(importPath string) bool {
	first, _, _ := strings.Cut(importPath, "/")
	return !strings.Contains(first, ".")
}

// covers reports whether one of patterns stands for the path.
func covers(patterns []string, importPath string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		if base, deep := strings.CutSuffix(pattern, "/..."); deep {
			return importPath == base || strings.HasPrefix(importPath, base+"/")
		}
		return importPath == pattern
	})
}
