package rpc

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/keelson-chain/keelson/rpc/jsonrpc"
	"github.com/keelson-chain/keelson/wire"
)

// positional puts named parameters in their places, as Bitcoin Core does: with
// nulls in the gaps but none at the end, and with the positional ones of a member
// "args", if it is an array, in front.
func (m *method) positional(named *jsonrpc.Value) (jsonrpc.Value, error) {
	given := map[string]*jsonrpc.Value{}
	var names []string
	for i := range named.Len() {
		name := named.Key(i)
		if given[name] != nil {
			return jsonrpc.Value{}, jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, "Parameter %s specified multiple times", name)
		}
		given[name] = named.At(i)
		names = append(names, name)
	}

	var list []jsonrpc.Value
	var first string // the first parameter that was named
	gap, gapBefore := 0, 0
	for i := range m.params {
		p := &m.params[i]
		var v *jsonrpc.Value
		for name := range strings.SplitSeq(p.names, "|") {
			if v = given[name]; v != nil {
				delete(given, name)
				break
			}
		}
		if v == nil {
			gap++
			if len(list) == 0 {
				gapBefore = gap
			}
			continue
		}
		for ; gap > 0; gap-- {
			list = append(list, jsonrpc.Value{})
		}
		if first == "" {
			first = p.names
		}
		list = append(list, *v)
	}

	if args := given["args"]; args != nil && args.Kind == jsonrpc.Array {
		delete(given, "args")
		if gapBefore < args.Len() && first != "" {
			return jsonrpc.Value{}, jsonrpc.Errorf(jsonrpc.CodeInvalidParameter,
				"Parameter %s specified twice both as positional and named argument", first)
		}
		var all []jsonrpc.Value
		for i := range args.Len() {
			all = append(all, *args.At(i))
		}
		if len(list) > len(all) {
			all = append(all, list[len(all):]...)
		}
		list = all
	}
	for _, name := range names {
		if given[name] != nil {
			return jsonrpc.Value{}, jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, "Unknown named parameter %s", name)
		}
	}
	return jsonrpc.NewArray(list...), nil
}

// check checks the number and the types of positional parameters. A wrong
// number is answered with the method's help.
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
	var wrong jsonrpc.Object
	for i := range m.params {
		p := &m.params[i]
		v := params.At(i)
		if p.anyType || !p.required && v.IsNull() {
			continue
		}
		if want := p.typ.kind(); v.Kind != want {
			wrong.Add(fmt.Sprintf("Position %d (%s)", i+1, p.names), mismatch(v, want).Message)
		}
	}
	if wrong != nil {
		return jsonrpc.Errorf(jsonrpc.CodeType, "Wrong type passed:\n%s", jsonrpc.AppendIndent(nil, wrong, 4))
	}
	return nil
}

// kind returns the JSON type of parameters of a type.
func (t typ) kind() jsonrpc.Kind {
	switch t {
	case tString, tHex:
		return jsonrpc.String
	case tBool:
		return jsonrpc.Bool
	case tObject, tMap:
		return jsonrpc.Obj
	case tArray, tFixed:
		return jsonrpc.Array
	case tNull:
		return jsonrpc.Null
	}
	return jsonrpc.Number
}

func mismatch(v *jsonrpc.Value, want jsonrpc.Kind) *jsonrpc.Error {
	return jsonrpc.Errorf(jsonrpc.CodeType, "JSON value of type %s is not of expected type %s", v.Kind, want)
}

// The methods below read argument i. The first one that cannot be read sets
// c.err; from then on they return zero values, so that a handler reads all of its
// arguments and then looks at c.err once, before it does anything.

func (c *call) fail(err error) {
	if c.err == nil {
		c.err = err
	}
}

// has reports whether the argument is there and not null.
func (c *call) has(i int) bool { return !c.params.At(i).IsNull() }

// of returns the argument if it has the type.
func (c *call) of(i int, want jsonrpc.Kind) (*jsonrpc.Value, bool) {
	v := c.params.At(i)
	if c.err == nil && v.Kind != want {
		c.fail(mismatch(v, want))
	}
	return v, c.err == nil
}

func (c *call) text(i int) string {
	if v, ok := c.of(i, jsonrpc.String); ok {
		return v.Text
	}
	return ""
}

func (c *call) bool(i int) bool {
	v, ok := c.of(i, jsonrpc.Bool)
	return ok && v.Text == "true"
}

func (c *call) boolOr(i int, def bool) bool {
	if c.has(i) {
		return c.bool(i)
	}
	return def
}

// int reads a whole number of the size in bits.
func (c *call) int(i, bits int) int64 {
	v, ok := c.of(i, jsonrpc.Number)
	if !ok {
		return 0
	}
	n, err := parseInt(v, bits)
	if err != nil {
		c.fail(err)
	}
	return n
}

// parseInt reads a whole number of the size in bits.
func parseInt(v *jsonrpc.Value, bits int) (int64, error) {
	n, err := strconv.ParseInt(v.Text, 10, bits)
	if err != nil {
		return 0, errIntegerRange
	}
	return n, nil
}

func (c *call) intOr(i, bits int, def int64) int64 {
	if c.has(i) {
		return c.int(i, bits)
	}
	return def
}

// uint32 reads a whole number that is not negative.
func (c *call) uint32(i int) uint32 {
	v, ok := c.of(i, jsonrpc.Number)
	if !ok {
		return 0
	}
	n, err := strconv.ParseUint(v.Text, 10, 32)
	if err != nil {
		c.fail(errIntegerRange)
	}
	return uint32(n)
}

var errIntegerRange = jsonrpc.Errorf(jsonrpc.CodeMisc, "JSON integer out of range")

// hash reads a block hash or transaction id; name is what errors call it.
func (c *call) hash(i int, name string) wire.Hash {
	text := c.text(i)
	if c.err != nil {
		return wire.Hash{}
	}
	hash, err := parseHash(text, name)
	if err != nil {
		c.fail(err)
	}
	return hash
}

func parseHash(text, name string) (wire.Hash, error) {
	if len(text) != 2*wire.HashSize {
		return wire.Hash{}, jsonrpc.Errorf(jsonrpc.CodeInvalidParameter,
			"%s must be of length %d (not %d, for '%s')", name, 2*wire.HashSize, len(text), text)
	}
	hash, err := wire.ParseHash(text)
	if err != nil {
		return wire.Hash{}, jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, "%s must be hexadecimal string (not '%s')", name, text)
	}
	return hash, nil
}

// hex reads bytes; name is what errors call them.
func (c *call) hex(i int, name string) []byte {
	text := c.text(i)
	if c.err != nil {
		return nil
	}
	b, err := hex.DecodeString(text)
	if err != nil || text == "" {
		c.fail(jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, "%s must be hexadecimal string (not '%s')", name, text))
	}
	return b
}

// texts reads an array of strings, null as an empty one.
func (c *call) texts(i int) []string {
	if !c.has(i) {
		return nil
	}
	v, ok := c.of(i, jsonrpc.Array)
	if !ok {
		return nil
	}
	var list []string
	for j := range v.Len() {
		element := v.At(j)
		if element.Kind != jsonrpc.String {
			c.fail(mismatch(element, jsonrpc.String))
			return nil
		}
		list = append(list, element.Text)
	}
	return list
}

// verbosity reads a level, for which true and false stand for 1 and 0.
func (c *call) verbosity(i int, def int) int {
	switch v := c.params.At(i); {
	case v.IsNull():
		return def
	case v.Kind == jsonrpc.Bool:
		if v.Text == "true" {
			return 1
		}
		return 0
	}
	return int(c.int(i, 32))
}

// Convertible reports whether a command line should read an argument of a
// method as JSON rather than as a string. The argument is given by its position
// or, if name is not empty, by its name. An unknown method or argument is a string.
func Convertible(methodName string, position int, name string) bool {
	m, ok := methods()[methodName]
	if !ok {
		return false
	}
	for i := range m.params {
		p := &m.params[i]
		if name == "" && i == position || name != "" && slices.Contains(strings.Split(p.names, "|"), name) {
			return p.anyType && p.typ != tString && p.typ != tHex || p.typ.kind() != jsonrpc.String
		}
	}
	return false
}
