package esplora

import (
	"bytes"
	"encoding/json"
	"strconv"
)

// encode returns v as JSON on one line, with nothing escaped for HTML.
func encode(v any) ([]byte, error) {
	var buf bytes.Buffer
	e := json.NewEncoder(&buf)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte{'\n'}), nil
}

func appendUint(dst []byte, n uint64) []byte { return strconv.AppendUint(dst, n, 10) }

// appendFloat writes a finite number as Rust's ryu does: the shortest digits
// that give it back, never without a decimal point or an exponent, and with an
// exponent if the point would stand more than four places before the digits
// or more than sixteen after their beginning.
func appendFloat(dst []byte, f float64) []byte {
	var room [32]byte
	text := strconv.AppendFloat(room[:0], f, 'e', -1, 64) // [-]d[.ddd]e±dd
	if text[0] == '-' {
		dst, text = append(dst, '-'), text[1:]
	}
	e := bytes.IndexByte(text, 'e')
	exp, _ := strconv.Atoi(string(text[e+1:]))
	digits := append([]byte{text[0]}, text[min(2, e):e]...)
	point := exp + 1 // digits before the decimal point
	switch n := len(digits); {
	case f == 0:
		return append(dst, "0.0"...)
	case point > 16 || point <= -5:
		dst = append(dst, digits[0])
		if n > 1 {
			dst = append(append(dst, '.'), digits[1:]...)
		}
		return strconv.AppendInt(append(dst, 'e'), int64(exp), 10)
	case point <= 0:
		dst = append(dst, "0."...)
		for range -point {
			dst = append(dst, '0')
		}
		return append(dst, digits...)
	case point >= n:
		dst = append(dst, digits...)
		for range point - n {
			dst = append(dst, '0')
		}
		return append(dst, ".0"...)
	default:
		return append(append(append(dst, digits[:point]...), '.'), digits[point:]...)
	}
}
