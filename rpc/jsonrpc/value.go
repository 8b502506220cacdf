package jsonrpc

import (
	"errors"
	"iter"
	"math"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Kind is the type of a JSON value.
type Kind uint8

// The types. The zero Value is Null.
const (
	Null Kind = iota
	Bool
	Number
	String
	Array
	Obj
)

// String gives the name that error messages call the type by.
func (k Kind) String() string {
	return [...]string{"null", "bool", "number", "string", "array", "object"}[k]
}

// Value is a parsed JSON value. Values share memory with the text that they
// were parsed from and are not changed after.
type Value struct {
	Kind Kind
	// Text is the content of a String, a Number as it was written, "true" or
	// "false" of a Bool.
	Text string
	list []Value // elements; of an object: key, value, key, value
}

// Limits of Parse: nesting as in Bitcoin Core, and the number of values. The
// second bounds the memory, with ValueBytes, whatever the text is.
const (
	MaxDepth  = 512
	MaxValues = 1 << 20

	// ValueBytes is the most memory that Parse takes for a value, in bytes,
	// besides the text. Much of it is free again once the text is parsed.
	ValueBytes = 160
)

// ErrSyntax is returned for any text that is not one JSON value within the
// limits.
var ErrSyntax = errors.New("not valid JSON")

// Parse reads exactly one JSON value with optional white space around it.
func Parse(text string) (Value, error) { return parse(text, MaxValues) }

// ParseLarge is Parse without a bound on the number of values, for texts from
// somewhere trusted.
func ParseLarge(text string) (Value, error) { return parse(text, math.MaxInt) }

func parse(text string, values int) (Value, error) {
	p := parser{text: text, left: values}
	p.space()
	v, ok := p.value(MaxDepth)
	p.space()
	if !ok || p.at != len(text) {
		return Value{}, ErrSyntax
	}
	return v, nil
}

// Check reads a text as Parse does, but keeps nothing of it. It returns the
// kind of the value, and how many values it is made of: of an array, how many the
// largest of its elements is made of. That is what Elements has in memory at a time.
func Check(text string) (kind Kind, values int, err error) {
	p := parser{text: text, left: MaxValues, dry: true}
	p.space()
	v, ok := p.value(MaxDepth)
	p.space()
	if !ok || p.at != len(text) {
		return Null, 0, ErrSyntax
	}
	if v.Kind == Array {
		return v.Kind, p.largest, nil
	}
	return v.Kind, MaxValues - p.left, nil
}

// Elements parses the elements of an array that Check has found to be one,
// each when its turn comes.
func Elements(text string) iter.Seq[Value] {
	return func(yield func(Value) bool) {
		p := parser{text: text, left: MaxValues}
		p.space()
		if !p.next('[') {
			return
		}
		p.space()
		for p.at < len(text) && text[p.at] != ']' {
			v, ok := p.value(MaxDepth - 1)
			if !ok || !yield(v) {
				return
			}
			p.space()
			p.next(',')
			p.space()
		}
	}
}

// Len returns the number of elements of an array or members of an object, and
// zero for anything else.
func (v Value) Len() int {
	if v.Kind == Obj {
		return len(v.list) / 2
	}
	return len(v.list)
}

// At returns element i of an array or the value of member i of an object. Past
// the end it is null.
func (v Value) At(i int) *Value {
	switch {
	case i >= v.Len():
		return &Value{}
	case v.Kind == Obj:
		return &v.list[2*i+1]
	}
	return &v.list[i]
}

// Key returns the name of member i of an object.
func (v Value) Key(i int) string { return v.list[2*i].Text }

// Get returns the first member of an object with the name, null if there is
// none.
func (v Value) Get(name string) *Value {
	if m, ok := v.Lookup(name); ok {
		return m
	}
	return &Value{}
}

// Lookup is Get that tells a null from nothing.
func (v Value) Lookup(name string) (*Value, bool) {
	if v.Kind == Obj {
		for i := 0; i < len(v.list); i += 2 {
			if v.list[i].Text == name {
				return &v.list[i+1], true
			}
		}
	}
	return nil, false
}

// IsNull reports whether v is null.
func (v Value) IsNull() bool { return v.Kind == Null }

// NewString returns a string value.
func NewString(text string) Value { return Value{Kind: String, Text: text} }

// NewArray returns an array of the values.
func NewArray(list ...Value) Value { return Value{Kind: Array, list: list} }

// SetMember sets a member of an object, in place of the one with the name if
// there is one.
func (v *Value) SetMember(name string, member Value) {
	v.Kind = Obj
	if m, ok := v.Lookup(name); ok {
		*m = member
		return
	}
	v.list = append(v.list, NewString(name), member)
}

type parser struct {
	text string
	at   int
	left int  // values that may still be made
	dry  bool // nothing is kept

	largest int     // of the outermost array's elements, in values
	open    []Value // what belongs to lists that are not at their end yet
	room    []Value // where lists at their end are put
}

// keep ends a list: everything in p.open from mark on.
func (p *parser) keep(mark int) []Value {
	n := len(p.open) - mark
	if n == 0 {
		return nil
	}
	if free := cap(p.room) - len(p.room); free < n {
		// Short texts come in great number, and hold some ten values.
		p.room = make([]Value, 0, max(n, min(16+2*cap(p.room), 1024)))
	}
	at := len(p.room)
	p.room = append(p.room, p.open[mark:]...)
	p.open = p.open[:mark]
	return p.room[at:len(p.room):len(p.room)]
}

func (p *parser) space() {
	for p.at < len(p.text) {
		switch p.text[p.at] {
		case ' ', '\t', '\n', '\r':
			p.at++
		default:
			return
		}
	}
}

// next consumes c if it is the next byte.
func (p *parser) next(c byte) bool {
	if p.at < len(p.text) && p.text[p.at] == c {
		p.at++
		return true
	}
	return false
}

func (p *parser) value(depth int) (v Value, ok bool) {
	p.left--
	if depth == 0 || p.left < 0 || p.at >= len(p.text) {
		return v, false
	}
	switch c := p.text[p.at]; c {
	case '{':
		v.Kind = Obj
		v.list, ok = p.members(depth)
		return v, ok
	case '[':
		v.Kind = Array
		v.list, ok = p.elements(depth)
		return v, ok
	case '"':
		v.Kind = String
		v.Text, ok = p.string()
		return v, ok
	case 't':
		return Value{Kind: Bool, Text: "true"}, p.word("true")
	case 'f':
		return Value{Kind: Bool, Text: "false"}, p.word("false")
	case 'n':
		return Value{}, p.word("null")
	}
	v.Kind = Number
	v.Text, ok = p.number()
	return v, ok
}

func (p *parser) word(w string) bool {
	if !strings.HasPrefix(p.text[p.at:], w) {
		return false
	}
	p.at += len(w)
	return true
}

func (p *parser) elements(depth int) (list []Value, ok bool) {
	p.at++
	p.space()
	if p.next(']') {
		return nil, true
	}
	mark := len(p.open)
	for {
		p.space()
		left := p.left
		v, ok := p.value(depth - 1)
		if !ok {
			return nil, false
		}
		if depth == MaxDepth {
			p.largest = max(p.largest, left-p.left)
		}
		if !p.dry {
			p.open = append(p.open, v)
		}
		p.space()
		if p.next(']') {
			return p.keep(mark), true
		}
		if !p.next(',') {
			return nil, false
		}
	}
}

func (p *parser) members(depth int) (list []Value, ok bool) {
	p.at++
	p.space()
	if p.next('}') {
		return nil, true
	}
	mark := len(p.open)
	for {
		p.space()
		if p.at >= len(p.text) || p.text[p.at] != '"' {
			return nil, false
		}
		key, ok := p.value(depth)
		if !ok {
			return nil, false
		}
		p.space()
		if !p.next(':') {
			return nil, false
		}
		p.space()
		if !p.dry {
			p.open = append(p.open, key)
		}
		v, ok := p.value(depth - 1)
		if !ok {
			return nil, false
		}
		if !p.dry {
			p.open = append(p.open, v)
		}
		p.space()
		if p.next('}') {
			return p.keep(mark), true
		}
		if !p.next(',') {
			return nil, false
		}
	}
}

// number reads the grammar of RFC 8259, section 6.
func (p *parser) number() (string, bool) {
	start := p.at
	p.next('-')
	switch {
	case p.next('0'):
	case p.digits() == 0:
		return "", false
	}
	if p.next('.') && p.digits() == 0 {
		return "", false
	}
	if p.next('e') || p.next('E') {
		if !p.next('+') {
			p.next('-')
		}
		if p.digits() == 0 {
			return "", false
		}
	}
	return p.text[start:p.at], true
}

func (p *parser) digits() (n int) {
	for p.at < len(p.text) && p.text[p.at] >= '0' && p.text[p.at] <= '9' {
		p.at++
		n++
	}
	return n
}

// string reads a string; one without escapes is a piece of the text.
func (p *parser) string() (string, bool) {
	p.at++
	start := p.at
	for p.at < len(p.text) {
		switch c := p.text[p.at]; {
		case c == '"':
			s := p.text[start:p.at]
			p.at++
			return s, utf8.ValidString(s)
		case c == '\\':
			return p.escaped(start)
		case c < ' ':
			return "", false
		}
		p.at++
	}
	return "", false
}

// escaped goes on with a string that began at start, from its first escape.
func (p *parser) escaped(start int) (string, bool) {
	s := append([]byte(nil), p.text[start:p.at]...)
	for p.at < len(p.text) {
		c := p.text[p.at]
		p.at++
		switch {
		case c == '"':
			return string(s), utf8.Valid(s)
		case c < ' ':
			return "", false
		case c != '\\':
			s = append(s, c)
			continue
		}
		if p.at >= len(p.text) {
			return "", false
		}
		c = p.text[p.at]
		p.at++
		if i := strings.IndexByte(`"\/bfnrt`, c); i >= 0 {
			s = append(s, "\"\\/\b\f\n\r\t"[i])
			continue
		}
		if c != 'u' {
			return "", false
		}
		r, ok := p.unit()
		if !ok {
			return "", false
		}
		if utf16.IsSurrogate(r) {
			low, ok := rune(0), p.next('\\') && p.next('u')
			if ok {
				low, ok = p.unit()
			}
			if r = utf16.DecodeRune(r, low); !ok || r == utf8.RuneError {
				return "", false
			}
		}
		s = utf8.AppendRune(s, r)
	}
	return "", false
}

// unit reads the four hexadecimal digits of a \u escape.
func (p *parser) unit() (rune, bool) {
	if len(p.text)-p.at < 4 {
		return 0, false
	}
	n, err := strconv.ParseUint(p.text[p.at:p.at+4], 16, 16)
	p.at += 4
	return rune(n), err == nil
}
