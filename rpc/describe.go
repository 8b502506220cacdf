package rpc

import (
	"slices"
	"strings"
)

// Method describes a method to programs that show the methods to people.
type Method struct {
	Name, Category string   // the category hidden: help does not list it
	Usage          string   // the first line of its help: how it is called
	Summary        string   // the first sentence of its help
	Params         []string // names of its parameters
}

// Methods returns all methods, by category and name.
func Methods() []Method {
	var list []Method
	for _, m := range methods() {
		d := Method{Name: m.name, Category: m.category, Usage: m.oneLine(), Summary: firstSentence(m.help)}
		for i := range m.params {
			if m.params[i].hidden {
				break
			}
			d.Params = append(d.Params, m.params[i].name())
		}
		list = append(list, d)
	}
	slices.SortFunc(list, func(a, b Method) int {
		return strings.Compare(a.Category+" "+a.Name, b.Category+" "+b.Name)
	})
	return list
}

// firstSentence returns what stands before the first full stop, on one line.
func firstSentence(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if sentence, _, more := strings.Cut(text, ". "); more {
		return sentence
	}
	return strings.TrimSuffix(text, ".")
}
