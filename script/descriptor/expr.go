package descriptor

import (
	"fmt"
	"strconv"
	"strings"
)

// cutExpr cuts the first expression off s: what stands before the first comma
// or closing bracket that is in no brackets of the expression.
func cutExpr(s string) (expr, rest string) {
	level := 0
	for i := range len(s) {
		switch c := s[i]; {
		case c == '(' || c == '{':
			level++
		case level > 0 && (c == ')' || c == '}'):
			level--
		case level == 0 && (c == ')' || c == '}' || c == ','):
			return s[:i], s[i:]
		}
	}
	return s, ""
}

// call returns what stands between the parentheses if s is a call of f.
func call(s, f string) (arg string, ok bool) {
	if len(s) < len(f)+2 || s[:len(f)] != f || s[len(f)] != '(' {
		return "", false
	}
	return strings.CutSuffix(s[len(f)+1:], ")")
}

// errRest is the error for what follows an expression and should not be there,
// for which Bitcoin Core has no words.
func errRest(rest string) error {
	return fmt.Errorf("Unexpected text after a script expression: '%s'", rest)
}

// parseUint32 reads a number like Bitcoin Core, which allows one plus sign.
func parseUint32(s string) (uint32, bool) {
	s = strings.TrimPrefix(s, "+")
	if s == "" || s[0] == '+' || s[0] == '-' {
		return 0, false
	}
	n, err := strconv.ParseUint(s, 10, 32)
	return uint32(n), err == nil
}

// isHex reports whether s is one or more bytes in hexadecimal.
func isHex(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case '0' <= c && c <= '9', 'a' <= c && c <= 'f', 'A' <= c && c <= 'F':
		default:
			return false
		}
	}
	return s != "" && len(s)%2 == 0
}
