package rpc

import (
	"fmt"
	"slices"
	"strings"
)

// The layout of help is that of Bitcoin Core, which tools parse: a line with
// the parameters, optional ones in ( ), then description, arguments, results
// and examples.

// helpAll lists the methods by category, each by its first line.
func helpAll(methods map[string]*method) string {
	list := make([]*method, 0, len(methods))
	for _, m := range methods {
		if m.category != "hidden" {
			list = append(list, m)
		}
	}
	slices.SortFunc(list, func(a, b *method) int {
		return strings.Compare(a.category+a.name, b.category+b.name)
	})
	var b strings.Builder
	category := ""
	for _, m := range list {
		if m.category != category {
			if category != "" {
				b.WriteString("\n")
			}
			category = m.category
			fmt.Fprintf(&b, "== %s ==\n", strings.ToUpper(category[:1])+category[1:])
		}
		b.WriteString(m.oneLine() + "\n")
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// oneLine shows how the method is called.
func (m *method) oneLine() string {
	line := m.name
	optional := false
	for i := range m.params {
		p := &m.params[i]
		if p.hidden {
			break
		}
		switch {
		case !p.required && !optional:
			line += " ("
		case p.required && optional:
			line += " )"
		}
		optional = !p.required
		line += " " + p.sample(true)
	}
	if optional {
		line += " )"
	}
	return line
}

// text returns the whole help.
func (m *method) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n%s\n", m.oneLine(), m.help)
	var t table
	for i := range m.params {
		p := &m.params[i]
		if p.hidden {
			break
		}
		t.row(fmt.Sprintf("%d. %s", i+1, p.name()), p.describe(true))
		p.rows(&t, 5, outside)
	}
	if len(t.lines) > 0 {
		b.WriteString("\nArguments:\n" + t.String())
	}
	for i := range m.results {
		r := &m.results[i]
		if r.when == "" {
			b.WriteString("\nResult:\n")
		} else {
			fmt.Fprintf(&b, "\nResult (%s):\n", r.when)
		}
		var t table
		r.rows(&t, outside, 0)
		b.WriteString(t.String())
	}
	if len(m.examples) > 0 {
		b.WriteString("\nExamples:\n")
		for _, args := range m.examples {
			fmt.Fprintf(&b, "> keelson cli %s %s\n", m.name, args)
		}
	}
	return b.String()
}

// place is where an element stands.
type place uint8

const (
	outside place = iota
	inObject
	inArray
)

// table aligns descriptions in a column.
type table struct {
	lines [][2]string
	width int
}

func (t *table) row(left, right string) {
	t.lines = append(t.lines, [2]string{left, right})
	t.width = max(t.width, len(left))
}

func (t *table) String() string {
	var b strings.Builder
	pad := t.width + 4
	for _, row := range t.lines {
		left, right := row[0], row[1]
		if right == "" {
			b.WriteString(left + "\n")
			continue
		}
		right = strings.ReplaceAll(right, "\n", "\n"+strings.Repeat(" ", pad))
		fmt.Fprintf(&b, "%-*s%s\n", pad, left, right)
	}
	return b.String()
}

// sample shows a value of the parameter's type.
func (p *param) sample(oneLine bool) string {
	if oneLine && p.oneLine != "" {
		return p.oneLine
	}
	switch p.typ {
	case tString, tHex:
		return `"` + p.name() + `"`
	case tObject, tMap:
		var members []string
		for i := range p.inner {
			members = append(members, p.inner[i].member(oneLine))
		}
		if p.typ == tMap {
			members = append(members, "...")
		}
		return "{" + strings.Join(members, ",") + "}"
	case tArray, tFixed:
		text := "["
		for i := range p.inner {
			text += p.inner[i].sample(oneLine) + ","
		}
		return text + "...]"
	}
	return p.name()
}

// member shows the parameter as a member of an object.
func (p *param) member(oneLine bool) string {
	colon := `": `
	if oneLine {
		colon = `":`
	}
	value := ""
	switch p.typ {
	case tString:
		value = `"str"`
	case tHex:
		value = `"hex"`
	case tBool:
		value = "bool"
	case tAmount:
		value = "amount"
	case tArray, tFixed:
		value = p.sample(oneLine)
	default:
		value = "n"
	}
	return `"` + p.name() + colon + value
}

// describe says what type the parameter has, whether it is needed and what it
// is for.
func (p *param) describe(named bool) string {
	text := p.typeText
	if text == "" {
		text = p.typ.String()
	}
	switch {
	case p.required:
		text += ", required"
	case p.def != "":
		text += ", optional, default=" + p.def
	case named:
		text += ", optional"
	}
	text = "(" + text + ")"
	if p.help != "" {
		text += " " + p.help
	}
	return text
}

// rows shows the inside of an array or object over several lines.
func (p *param) rows(t *table, indent int, where place) {
	space := strings.Repeat(" ", indent)
	key, right, comma := "", "", ""
	if where == inObject {
		key = `"` + p.name() + `": `
	}
	if where != outside {
		right, comma = p.describe(where == inObject), ","
	}
	switch p.typ {
	case tObject, tMap, tArray, tFixed:
		open, end, inside := "{", "}", inObject
		if p.typ == tArray || p.typ == tFixed {
			open, end, inside = "[", "]", inArray
		}
		t.row(space+key+open, right)
		for i := range p.inner {
			p.inner[i].rows(t, indent+2, inside)
		}
		if p.typ != tObject {
			t.row(space+"  ...", "")
		}
		t.row(space+end+comma, "")
	default:
		switch where {
		case inObject:
			t.row(space+p.member(false)+",", right)
		case inArray:
			t.row(space+p.sample(false)+",", right)
		}
	}
}

// rows shows the result over several lines.
func (r *result) rows(t *table, where place, indent int) {
	space := strings.Repeat(" ", indent)
	key, comma := "", ""
	if where == inObject {
		key = `"` + r.key + `" : `
	}
	if where != outside {
		comma = ","
	}
	text := "(" + r.typ.String()
	if r.optional {
		text += ", optional"
	}
	text += ")"
	if r.help != "" {
		text += " " + r.help
	}
	switch r.typ {
	case tMore:
		t.row(space+"..."+comma, r.help)
	case tObject, tMap, tArray, tFixed:
		open, end, inside := "{", "}", inObject
		if r.typ == tArray || r.typ == tFixed {
			open, end, inside = "[", "]", inArray
		}
		if len(r.inner) == 0 {
			t.row(space+key+open+end+comma, text)
			return
		}
		t.row(space+key+open, text)
		for i := range r.inner {
			r.inner[i].rows(t, inside, indent+2)
		}
		if r.typ == tMap || r.typ == tArray && r.inner[len(r.inner)-1].typ != tMore {
			t.row(space+"  ...", "")
		} else {
			last := &t.lines[len(t.lines)-1][0]
			*last = strings.TrimSuffix(*last, ",")
		}
		t.row(space+end+comma, "")
	default:
		t.row(space+key+r.typ.sample()+comma, text)
	}
}

// sample shows a result of a plain type.
func (t typ) sample() string {
	switch t {
	case tString:
		return `"str"`
	case tHex:
		return `"hex"`
	case tTime:
		return "xxx"
	case tBool:
		return "true|false"
	case tNull:
		return "null"
	}
	return "n"
}

// String names the type for people.
func (t typ) String() string {
	switch t {
	case tString, tHex:
		return "string"
	case tBool:
		return "boolean"
	case tObject, tMap:
		return "json object"
	case tArray, tFixed:
		return "json array"
	case tNull:
		return "json null"
	}
	return "numeric"
}
