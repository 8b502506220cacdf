package control

import (
	"math"
	"strconv"
	"strings"

	"github.com/keelson-chain/keelson/rpc/jsonrpc"
)

// positional puts named parameters in their places, with nulls in the gaps.
func (m *method) positional(named *jsonrpc.Value) (jsonrpc.Value, error) {
	list := make([]jsonrpc.Value, 0, len(m.params))
	given := map[string]bool{}
	for i := range named.Len() {
		name := named.Key(i)
		if given[name] {
			return jsonrpc.Value{}, jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, "Parameter %s specified multiple times", name)
		}
		given[name] = true
		at := -1
		for j := range m.params {
			if m.params[j].name == name {
				at = j
			}
		}
		if at < 0 {
			return jsonrpc.Value{}, jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, "Unknown named parameter %s", name)
		}
		for len(list) <= at {
			list = append(list, jsonrpc.Value{})
		}
		list[at] = *named.At(i)
	}
	return jsonrpc.NewArray(list...), nil
}

// check checks the number and the types of positional parameters. A wrong number
// is answered with the method's help. Texts are taken for what they spell, since
// command lines send nothing else for methods that they do not know.
func (m *method) check(params *jsonrpc.Value) error {
	required := 0
	for i := range m.params {
		if m.params[i].required {
			required = i + 1
		}
	}
	if n := params.Len(); n < required || n > len(m.params) {
		return jsonrpc.Errorf(jsonrpc.CodeMisc, "%s", m.text())
	}
	for i := range params.Len() {
		p, v := &m.params[i], params.At(i)
		if !p.required && v.IsNull() || v.Kind == p.kind {
			continue
		}
		if v.Kind == jsonrpc.String {
			if spelt, err := jsonrpc.Parse(v.Text); err == nil && (spelt.Kind == p.kind || !p.required && spelt.IsNull()) {
				*v = spelt
				continue
			}
			return jsonrpc.Errorf(jsonrpc.CodeType, "%s must be a %s, not %q", p.name, p.kind, v.Text)
		}
		if p.kind == jsonrpc.String && v.Kind == jsonrpc.Number {
			v.Kind = jsonrpc.String // as it was written
			continue
		}
		return jsonrpc.Errorf(jsonrpc.CodeType, "%s must be a %s, not %s", p.name, p.kind, v.Kind)
	}
	return nil
}

// The methods below read argument i, whose type check has checked. The first one
// that cannot be read sets c.err; from then on they return zero values.

func (c *call) fail(format string, args ...any) {
	if c.err == nil {
		c.err = jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, format, args...)
	}
}

// has reports whether the argument is there and not null.
func (c *call) has(i int) bool { return !c.params.At(i).IsNull() }

func (c *call) name(i int) string { return c.method.params[i].name }

func (c *call) text(i int) string { return c.params.At(i).Text }

// int reads a whole number.
func (c *call) int(i int) int {
	n, err := strconv.ParseInt(c.params.At(i).Text, 10, 32)
	if err != nil {
		c.fail("%s must be a whole number from %d to %d, not %s", c.name(i), math.MinInt32, math.MaxInt32, c.params.At(i).Text)
	}
	return int(n)
}

func (c *call) intOr(i, def int) int {
	if c.has(i) {
		return c.int(i)
	}
	return def
}

// float reads a number.
func (c *call) float(i int) float64 {
	f, err := strconv.ParseFloat(c.params.At(i).Text, 64)
	if err != nil {
		c.fail("%s: the number %s is out of range", c.name(i), c.params.At(i).Text)
	}
	return f
}

// groups reads lists of nodes: [[0,1],[2]], or a text 0,1|2.
func (c *call) groups(i int) [][]int {
	var groups [][]int
	v := c.params.At(i)
	for j := range v.Len() {
		list := v.At(j)
		if list.Kind != jsonrpc.Array {
			c.fail("%s must be a list of lists of nodes, such as [[0],[1,2]]", c.name(i))
			return nil
		}
		group := make([]int, 0, list.Len())
		for k := range list.Len() {
			node, err := strconv.ParseInt(list.At(k).Text, 10, 32)
			if err != nil || list.At(k).Kind != jsonrpc.Number {
				c.fail("%s: %q is no number of a node", c.name(i), strings.TrimSpace(list.At(k).Text))
				return nil
			}
			group = append(group, int(node))
		}
		groups = append(groups, group)
	}
	return groups
}
