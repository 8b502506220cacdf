package jsonrpc

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"

	"github.com/keelson-chain/keelson/wire"
)

// Object is a JSON object under construction; its members keep their order.
type Object []Member

// Member is a name and a value that Append takes.
type Member struct {
	Key   string
	Value any
}

// Add appends a member.
func (o *Object) Add(key string, value any) { *o = append(*o, Member{key, value}) }

// Hex is bytes that are written as a string of hexadecimal digits.
type Hex []byte

// Append appends v as JSON on one line. It takes nil, booleans, integers,
// float64, strings, wire.Amount (in coins, with eight decimals), wire.Hash, Hex,
// Object, Value, []string, []wire.Hash, []Object and []any of those. Anything else is a mistake of
// the caller and panics.
func Append(dst []byte, v any) []byte { return (&encoder{}).append(dst, v, 0) }

// AppendIndent is Append over several lines, each level indented by that many
// spaces, in the layout of Bitcoin Core: an empty list takes two lines.
func AppendIndent(dst []byte, v any, spaces int) []byte {
	return (&encoder{spaces}).append(dst, v, 1)
}

type encoder struct {
	spaces int // 0: one line
}

func (e *encoder) append(dst []byte, v any, level int) []byte {
	switch v := v.(type) {
	case nil:
		return append(dst, "null"...)
	case bool:
		return strconv.AppendBool(dst, v)
	case int:
		return strconv.AppendInt(dst, int64(v), 10)
	case int32:
		return strconv.AppendInt(dst, int64(v), 10)
	case int64:
		return strconv.AppendInt(dst, v, 10)
	case uint32:
		return strconv.AppendUint(dst, uint64(v), 10)
	case uint64:
		return strconv.AppendUint(dst, v, 10)
	case float64:
		// Sixteen significant digits, as Core's streams write a double.
		return strconv.AppendFloat(dst, v, 'g', 16, 64)
	case string:
		return appendString(dst, v)
	case wire.Amount:
		return v.Append(dst)
	case wire.Hash:
		slices.Reverse(v[:]) // a copy: v came by value
		dst = append(dst, '"')
		dst = hex.AppendEncode(dst, v[:])
		return append(dst, '"')
	case Hex:
		dst = append(slices.Grow(dst, 2*len(v)+64), '"') // a block is megabytes
		dst = hex.AppendEncode(dst, v)
		return append(dst, '"')
	case Object:
		return e.list(dst, '{', '}', len(v), level, func(dst []byte, i int) []byte {
			return e.append(e.key(dst, v[i].Key), v[i].Value, level+1)
		})
	case Value:
		return e.value(dst, &v, level)
	case *Value:
		return e.value(dst, v, level)
	case []any:
		return appendSlice(e, dst, v, level)
	case []string:
		return appendSlice(e, dst, v, level)
	case []wire.Hash:
		return appendSlice(e, dst, v, level)
	case []Object:
		return appendSlice(e, dst, v, level)
	}
	panic(fmt.Sprintf("jsonrpc: cannot encode a %T", v))
}

func appendSlice[T any](e *encoder, dst []byte, list []T, level int) []byte {
	return e.list(dst, '[', ']', len(list), level, func(dst []byte, i int) []byte {
		return e.append(dst, list[i], level+1)
	})
}

func (e *encoder) value(dst []byte, v *Value, level int) []byte {
	switch v.Kind {
	case Null:
		return append(dst, "null"...)
	case Bool, Number:
		return append(dst, v.Text...)
	case String:
		return appendString(dst, v.Text)
	case Array:
		return appendSlice(e, dst, v.list, level)
	}
	return e.list(dst, '{', '}', v.Len(), level, func(dst []byte, i int) []byte {
		return e.value(e.key(dst, v.Key(i)), v.At(i), level+1)
	})
}

// list writes n elements between two brackets.
func (e *encoder) list(dst []byte, open, end byte, n, level int, element func([]byte, int) []byte) []byte {
	dst = append(dst, open)
	if e.spaces > 0 {
		dst = append(dst, '\n')
	}
	for i := range n {
		dst = e.indent(dst, level)
		dst = element(dst, i)
		if i < n-1 {
			dst = append(dst, ',')
		}
		if e.spaces > 0 {
			dst = append(dst, '\n')
		}
	}
	dst = e.indent(dst, level-1)
	return append(dst, end)
}

func (e *encoder) key(dst []byte, key string) []byte {
	dst = append(appendString(dst, key), ':')
	if e.spaces > 0 {
		dst = append(dst, ' ')
	}
	return dst
}

func (e *encoder) indent(dst []byte, level int) []byte {
	for range e.spaces * level {
		dst = append(dst, ' ')
	}
	return dst
}

// plain are the bytes that a string holds as they are.
var plain = func() (table [256]bool) {
	for c := range table {
		table[c] = c >= ' ' && c != '"' && c != '\\' && c != 0x7f
	}
	return table
}()

// appendString writes a string with the escapes that Core uses: those of JSON
// for quotes, backslashes and control characters, and \u007f. Everything else
// stays as it is.
func appendString(dst []byte, s string) []byte {
	const short = "\b\t\n\f\r\"\\"
	const letters = "btnfr\"\\"
	dst = append(dst, '"')
	start := 0
	for i := range len(s) {
		c := s[i]
		if plain[c] {
			continue
		}
		dst = append(dst, s[start:i]...)
		start = i + 1
		escaped := false
		for j := range len(short) {
			if c == short[j] {
				dst = append(dst, '\\', letters[j])
				escaped = true
			}
		}
		if !escaped {
			dst = append(dst, `\u00`...)
			dst = hex.AppendEncode(dst, []byte{c})
		}
	}
	dst = append(dst, s[start:]...)
	return append(dst, '"')
}
