package mempool

import "slices"

// walk collects the entries given and all that next leads to from them, each
// once.
func (p *Pool) walk(from []*entry, next func(*entry) []*entry) []*entry {
	if len(from) == 0 {
		return nil
	}
	p.walks++
	var met []*entry
	visit := func(e *entry) {
		if e.family == nil {
			// Nothing leads to it but from.
			if !slices.Contains(met, e) {
				met = append(met, e)
			}
			return
		}
		if e.family.walked != p.walks {
			e.family.walked = p.walks
			met = append(met, e)
		}
	}
	for _, e := range from {
		visit(e)
	}
	for i := 0; i < len(met); i++ { //nolint:intrange // met grows meanwhile
		for _, e := range next(met[i]) {
			visit(e)
		}
	}
	return met
}

// ancestors collects entries and all that they descend from.
func (p *Pool) ancestors(from ...*entry) []*entry { return p.walk(from, (*entry).parents) }

// descendants collects entries and all that descends from them.
func (p *Pool) descendants(from ...*entry) []*entry { return p.walk(from, (*entry).children) }

// link makes child spend from parent. Neither's totals are touched.
func (p *Pool) link(parent, child *entry) {
	for _, e := range []*entry{parent, child} {
		if e.family == nil {
			e.family = &family{ancestors: e.own(), descendants: e.own(), ancestorOps: int(e.sigOps)}
			p.usage += e.familyMemory()
		}
	}
	p.resize(parent, func(f *family) { f.children = append(f.children, child) })
	p.resize(child, func(f *family) { f.parents = append(f.parents, parent) })
}

// unlink takes e out of its relatives' lists.
func (p *Pool) unlink(e *entry) {
	is := func(other *entry) bool { return other == e }
	for _, parent := range e.parents() {
		p.resize(parent, func(f *family) { f.children = slices.DeleteFunc(f.children, is) })
	}
	for _, child := range e.children() {
		p.resize(child, func(f *family) { f.parents = slices.DeleteFunc(f.parents, is) })
	}
}

// resize changes the family of e and keeps count of its memory.
func (p *Pool) resize(e *entry, change func(*family)) {
	p.usage -= e.familyMemory()
	change(e.family)
	if len(e.family.parents)+len(e.family.children) == 0 {
		e.family = nil // alone again
	}
	p.usage += e.familyMemory()
}

// join enters e, whose links are made, into the totals of its ancestors. It
// has no descendants yet.
func (p *Pool) join(e *entry) {
	if e.family == nil {
		return
	}
	for _, a := range p.ancestors(e)[1:] {
		a.family.descendants.add(e)
		e.family.ancestors.add(a)
		e.family.ancestorOps += int(a.sigOps)
		p.reranked(a)
	}
}

// part takes e out of the totals of its relatives, before it is unlinked. It
// has no parents or no children: with both, its children's ancestors could not
// be told from their totals.
func (p *Pool) part(e *entry) {
	if e.family == nil {
		return
	}
	if len(e.family.parents) > 0 && len(e.family.children) > 0 {
		panic("mempool: a transaction leaves between its parents and its children")
	}
	for _, a := range p.ancestors(e)[1:] {
		a.family.descendants.subtract(e)
		p.reranked(a)
	}
	for _, d := range p.descendants(e)[1:] {
		d.family.ancestors.subtract(e)
		d.family.ancestorOps -= int(e.sigOps)
		p.reranked(d)
	}
}

// recount sums up anew all that has to do with some entries: for when
// transactions come back under ones that spend from them.
func (p *Pool) recount(some []*entry) {
	for _, x := range p.walk(some, func(x *entry) []*entry {
		return slices.Concat(x.parents(), x.children())
	}) {
		if x.family == nil {
			continue
		}
		f := x.family
		f.ancestors, f.ancestorOps, f.descendants = totals{}, 0, totals{}
		for _, a := range p.ancestors(x) {
			f.ancestors.add(a)
			f.ancestorOps += int(a.sigOps)
		}
		for _, d := range p.descendants(x) {
			f.descendants.add(d)
		}
		p.reranked(x)
	}
}

// byDepth orders entries so that each stands behind its ancestors: by the
// number of those, then by id.
func byDepth(a, b *entry) int {
	if d := a.ancestors().count - b.ancestors().count; d != 0 {
		return d
	}
	return byID(a, b)
}
