package archtest

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"maps"
	"slices"
	"strings"
)

// checkAll returns what is wrong with the packages, in the order of their paths.
func checkAll(pkgs map[string]*pkg, rules map[string]rule) []string {
	var faults []string
	for _, name := range slices.Sorted(maps.Keys(pkgs)) {
		p := pkgs[name]
		r, known := rules[name]
		if !known {
			faults = append(faults, fmt.Sprintf("package %s has no floor: add it to rules, where it may import only from below", name))
			continue
		}
		faults = append(faults, p.checkDoc()...)
		for _, f := range p.files {
			faults = append(faults, checkImports(name, f, r, rules)...)
			faults = append(faults, p.checkInit(f)...)
			if !f.test {
				faults = append(faults, p.checkUses(f, r)...)
			}
		}
		if r.pure {
			faults = append(faults, p.checkState(r)...)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(rules)) {
		if pkgs[name] == nil {
			faults = append(faults, fmt.Sprintf("rules name package %s, which does not exist: delete the line", name))
		}
	}
	return faults
}

// checkImports holds the imports of a file against the floors.
func checkImports(name string, f file, r rule, rules map[string]rule) []string {
	var faults []string
	fault := func(format string, args ...any) {
		faults = append(faults, f.name+": "+fmt.Sprintf(format, args...))
	}
	for _, path := range f.imports() {
		if why, bad := nowhere[path]; bad && !f.test && !slices.Contains(r.std, path) {
			fault("imports %s: %s", path, why)
		}
		below, ours := own(path)
		switch {
		case ours:
			to, known := rules[below]
			switch {
			case !known: // reported once, as a package without a floor
			case below == name: // an external test
			case to.testOnly:
				if !f.test && !r.testOnly {
					fault("imports %s, which is for tests", below)
				}
				if !f.test && to.floor > r.floor {
					fault("imports %s of floor %d from floor %d", below, to.floor, r.floor)
				}
			case to.floor > r.floor:
				fault("imports %s of floor %d from floor %d: a package imports from floors below its own; "+
					"declare the interface that is needed here and let the floor above pass it in", below, to.floor, r.floor)
			case to.floor == r.floor && !slices.Contains(r.peers, below) && !(f.test && slices.Contains(r.testPeers, below)):
				fault("imports %s of its own floor %d: siblings do not know each other; "+
					"let the floor above join them, or name it in peers if it is a part of this package", below, r.floor)
			}
		case standard(path):
			if r.pure && !f.test && nowhere[path] == "" && !slices.Contains(pureStd, path) {
				fault("imports %s: package %s is pure (no files, sockets, clock, log or random numbers); "+
					"take what is needed as an argument", path, name)
			}
		case !covers(r.outside, path):
			fault("imports %s: package %s may import of outside packages %v; "+
				"call the package that owns this dependency instead", path, name, r.outside)
		}
	}
	return faults
}

// checkDoc requires one comment that says what the package is.
func (p *pkg) checkDoc() []string {
	var docs []string
	name := ""
	for _, f := range p.files {
		if f.test {
			continue
		}
		name = f.ast.Name.Name
		if f.ast.Doc != nil {
			docs = append(docs, f.name)
			want := "Package " + name + " "
			if name == "main" {
				want = "Command " + p.path[strings.LastIndex(p.path, "/")+1:] + " "
			}
			if text := f.ast.Doc.Text(); !strings.HasPrefix(text, want) {
				return []string{fmt.Sprintf("%s: the package comment begins %q, not %q", f.name, firstWords(text), want)}
			}
		}
	}
	switch {
	case name == "": // tests alone
		return nil
	case len(docs) == 0:
		return []string{fmt.Sprintf("package %s has no comment: say in a doc.go what it is and what it is not for", p.path)}
	case len(docs) > 1:
		return []string{fmt.Sprintf("package %s has a comment in each of %v: keep one", p.path, docs)}
	}
	return nil
}

func firstWords(text string) string {
	words := strings.Fields(text)
	return strings.Join(words[:min(3, len(words))], " ")
}

// checkInit allows no init function: what a package needs it says in the
// initializers of its variables, and what a program needs in main.
func (p *pkg) checkInit(f file) []string {
	var faults []string
	for _, d := range f.ast.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
			faults = append(faults, fmt.Sprintf("%s: func init: use the initializer of a variable, or call it from main", p.at(fn)))
		}
	}
	return faults
}

// checkUses looks for what is used nowhere, and for calls and statements that
// purity excludes.
func (p *pkg) checkUses(f file, r rule) []string {
	var faults []string
	imported := make(map[string]string) // local name to path
	for i, path := range f.imports() {
		local := path[strings.LastIndex(path, "/")+1:]
		if name := f.ast.Imports[i].Name; name != nil {
			local = name.Name
		}
		imported[local] = path
	}
	ast.Inspect(f.ast, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			if r.pure && !r.joins {
				faults = append(faults, fmt.Sprintf("%s: go statement: package %s starts no goroutines", p.at(n), p.path))
			}
		case *ast.SelectorExpr:
			x, ok := n.X.(*ast.Ident)
			if !ok || imported[x.Name] == "" {
				return true
			}
			use := imported[x.Name] + "." + n.Sel.Name
			if instead := nowhereCalls[use]; instead != "" {
				faults = append(faults, fmt.Sprintf("%s: %s: %s", p.at(n), use, instead))
			}
			if instead := pureCalls[use]; instead != "" && r.pure {
				faults = append(faults, fmt.Sprintf("%s: %s in pure package %s: %s", p.at(n), use, p.path, instead))
			}
		case *ast.CallExpr:
			if fn, ok := n.Fun.(*ast.Ident); ok && r.pure && (fn.Name == "print" || fn.Name == "println") {
				faults = append(faults, fmt.Sprintf("%s: %s in pure package %s: return the text", p.at(n), fn.Name, p.path))
			}
		}
		return true
	})
	return faults
}

// checkState looks for variables of the package that its functions write.
func (p *pkg) checkState(r rule) []string {
	var files []*ast.File
	for _, f := range p.files {
		if !f.test {
			files = append(files, f.ast)
		}
	}
	// Imports stay unresolved, and the errors of that are of no interest: the
	// package's own variables resolve without them.
	info := types.Info{Uses: make(map[*ast.Ident]types.Object)}
	conf := types.Config{Error: func(error) {}, FakeImportC: true}
	checked, _ := conf.Check(p.path, p.fset, files, &info)

	var faults []string
	written := func(target ast.Expr, at ast.Node) {
		if id := root(target); id != nil {
			v, ok := info.Uses[id].(*types.Var)
			if ok && checked != nil && v.Parent() == checked.Scope() && !slices.Contains(r.state, v.Name()) {
				faults = append(faults, fmt.Sprintf("%s: writes the package's variable %s: pure package %s has no state; "+
					"let the caller own it", p.at(at), v.Name(), p.path))
			}
		}
	}
	for _, f := range files {
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.AssignStmt:
				if n.Tok != token.DEFINE {
					for _, lhs := range n.Lhs {
						written(lhs, n)
					}
				}
			case *ast.IncDecStmt:
				written(n.X, n)
			case *ast.RangeStmt:
				if n.Tok == token.ASSIGN {
					written(n.Key, n)
					written(n.Value, n)
				}
			case *ast.GenDecl:
				if n.Tok == token.VAR {
					faults = append(faults, p.checkLocks(n, r, checked)...)
				}
			}
			return true
		})
	}
	return faults
}

// checkLocks looks for package variables of types that exist to be changed.
func (p *pkg) checkLocks(d *ast.GenDecl, r rule, checked *types.Package) []string {
	var faults []string
	for _, spec := range d.Specs {
		v := spec.(*ast.ValueSpec)
		sel, ok := v.Type.(*ast.SelectorExpr)
		if !ok {
			continue
		}
		x, ok := sel.X.(*ast.Ident)
		if !ok || x.Name != "sync" && x.Name != "atomic" {
			continue
		}
		for _, name := range v.Names {
			if checked == nil || checked.Scope().Lookup(name.Name) == nil || slices.Contains(r.state, name.Name) {
				continue
			}
			if obj := checked.Scope().Lookup(name.Name); obj.Pos() != name.Pos() {
				continue // a local variable of that name
			}
			faults = append(faults, fmt.Sprintf("%s: variable %s of type %s.%s: pure package %s has no state; "+
				"let the caller own it", p.at(name), name.Name, x.Name, sel.Sel.Name, p.path))
		}
	}
	return faults
}

// root returns the variable that an assignment to e changes, nil if that
// cannot be told from e alone.
func root(e ast.Expr) *ast.Ident {
	for {
		switch x := e.(type) {
		case *ast.Ident:
			return x
		case *ast.IndexExpr:
			e = x.X
		case *ast.SelectorExpr:
			e = x.X
		case *ast.ParenExpr:
			e = x.X
		case *ast.StarExpr:
			e = x.X
		default:
			return nil
		}
	}
}

func (p *pkg) at(n ast.Node) string {
	pos := p.fset.Position(n.Pos())
	return fmt.Sprintf("%s:%d", pos.Filename, pos.Line)
}
