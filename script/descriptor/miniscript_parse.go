package descriptor

import (
	"encoding/hex"
	"errors"
	"strconv"
	"strings"

	"github.com/keelson-chain/keelson/script"
)

// errNoMiniscript is the error for a text that is no miniscript at all.
var errNoMiniscript = errors.New("not a miniscript")

// maxNesting bounds how deep expressions stand in each other, and so the stack
// that handling them takes. No witness script comes near it.
const maxNesting = 10_000

// maxParts bounds the expressions in a thresh(), the work for which grows with
// the square of their number.
const maxParts = 10_000

const maxName = len("ripemd160") // of a function

// miniscriptParser reads one miniscript.
type miniscriptParser struct {
	*parser
	context   context // p2wsh or taproot
	tapscript bool
	budget    int // bytes that the script may still grow by
	depth     int
}

// miniscript reads a miniscript that stands where in says. The error is
// errNoMiniscript if it is none, or says what is wrong with a key or with the
// whole.
func (p *parser) miniscript(text string, in context) (node, error) {
	// Elsewhere it is read all the same, for a better error.
	inner := in
	if in != p2wsh {
		inner = taproot
	}
	mp := miniscriptParser{parser: p, context: inner, tapscript: inner == taproot}
	mp.budget = maxScript(mp.tapscript) - 1
	m, rest, err := mp.expression(text)
	switch {
	case err != nil:
		return nil, err
	case rest != "":
		return nil, errNoMiniscript
	case in != p2wsh && in != taproot:
		return nil, errors.New("Miniscript expressions can only be used in wsh or tr.")
	}
	if err := m.judge(); err != nil {
		return nil, err
	}
	return m, nil
}

// grow accounts for n bytes of script, and fails if it becomes too large.
func (p *miniscriptParser) grow(n int) error {
	if p.budget -= n; p.budget < 0 {
		return errNoMiniscript
	}
	return nil
}

// add makes a node, and accounts for it: for its parts a byte each was taken
// already, which is why a parent takes as many less one.
func (p *miniscriptParser) add(m miniscript) (*miniscript, error) {
	m.tapscript = p.tapscript
	return newMiniscript(m), p.grow(m.ownSize() + len(m.subs) - 1)
}

// expression reads an expression with its wrappers and returns what follows it.
func (p *miniscriptParser) expression(s string) (m *miniscript, rest string, err error) {
	if p.depth++; p.depth > maxNesting {
		return nil, "", errNoMiniscript
	}
	defer func() { p.depth-- }()
	letters := ""
	end := 0
	for end < len(s) && 'a' <= s[end] && s[end] <= 'z' {
		end++
	}
	if end > 0 && end < len(s) && s[end] == ':' {
		letters, s = s[:end], s[end+1:]
	}
	if p.depth += len(letters); p.depth > maxNesting || strings.Contains(letters, "vv") {
		return nil, "", errNoMiniscript
	}
	defer func() { p.depth -= len(letters) }()
	for i := range len(letters) {
		if strings.IndexByte("asctdvjnlu", letters[i]) < 0 {
			return nil, "", errNoMiniscript
		}
	}
	if m, rest, err = p.function(s); err != nil {
		return nil, "", err
	}
	for i := len(letters) - 1; i >= 0; i-- {
		if m, err = p.wrap(letters[i], m); err != nil {
			return nil, "", err
		}
	}
	return m, rest, nil
}

// wrap puts a wrapper around an expression.
func (p *miniscriptParser) wrap(letter byte, m *miniscript) (*miniscript, error) {
	var f fragment
	zero, one := miniscript{fragment: just0}, miniscript{fragment: just1}
	pair := func(f fragment, x, y *miniscript, constant miniscript) (*miniscript, error) {
		c, err := p.add(constant)
		if err != nil {
			return nil, err
		}
		if x == nil {
			x = c
		} else {
			y = c
		}
		return p.add(miniscript{fragment: f, subs: []*miniscript{x, y}})
	}
	switch letter {
	case 't':
		return pair(andV, m, nil, one)
	case 'l':
		return pair(orI, nil, m, zero)
	case 'u':
		return pair(orI, m, nil, zero)
	default:
		f = wrapA + fragment(strings.IndexByte(wrapperLetters, letter))
	}
	return p.add(miniscript{fragment: f, subs: []*miniscript{m}})
}

// function reads an expression without wrappers.
func (p *miniscriptParser) function(s string) (m *miniscript, rest string, err error) {
	switch {
	case strings.HasPrefix(s, "0"):
		m, err = p.add(miniscript{fragment: just0})
		return m, s[1:], err
	case strings.HasPrefix(s, "1"):
		m, err = p.add(miniscript{fragment: just1})
		return m, s[1:], err
	}
	name, _, found := strings.Cut(s[:min(len(s), maxName+1)], "(")
	if !found {
		return nil, "", errNoMiniscript
	}
	rest = s[len(name)+1:]
	switch name {
	case "pk":
		return p.keyFunction(pkK, true, rest)
	case "pkh":
		return p.keyFunction(pkH, true, rest)
	case "and_n":
		return p.operator(andOr, 2, rest)
	}
	for f, known := range fragmentNames {
		if known == "" || known != name {
			continue
		}
		switch f := fragment(f); f {
		case pkK, pkH:
			return p.keyFunction(f, false, rest)
		case older, after:
			return p.lock(f, rest)
		case sha256Of, hash256Of, ripemd160Of, hash160Of:
			return p.hash(f, rest)
		case multiKeys, multiAKeys:
			return p.multi(f, rest)
		case thresh:
			return p.thresh(rest)
		case andOr:
			return p.operator(f, 3, rest)
		default:
			return p.operator(f, 2, rest)
		}
	}
	return nil, "", errNoMiniscript
}

// argument cuts off what stands before a character, within the current
// parentheses, and must not be empty.
func argument(s string, end byte) (arg, rest string, err error) {
	for i := range len(s) {
		if s[i] == end && i > 0 {
			return s[:i], s[i+1:], nil
		}
		if s[i] == end || s[i] == ')' {
			break
		}
	}
	return "", "", errNoMiniscript
}

// keyFunction reads a function of one key.
func (p *miniscriptParser) keyFunction(f fragment, checked bool, s string) (*miniscript, string, error) {
	arg, rest, err := argument(s, ')')
	if err != nil {
		return nil, "", err
	}
	k, err := p.key(arg, p.context)
	if err != nil {
		return nil, "", err
	}
	m, err := p.add(miniscript{fragment: f, keys: []*key{k}})
	if err == nil && checked {
		m, err = p.wrap('c', m)
	}
	return m, rest, err
}

// number reads a number from 1 on.
func number(s string) (uint32, error) {
	if s == "" || s[0] == '+' {
		return 0, errNoMiniscript
	}
	n, err := strconv.ParseUint(s, 10, 31)
	if err != nil || n == 0 {
		return 0, errNoMiniscript
	}
	return uint32(n), nil
}

// lock reads older() or after().
func (p *miniscriptParser) lock(f fragment, s string) (*miniscript, string, error) {
	arg, rest, err := argument(s, ')')
	if err != nil {
		return nil, "", err
	}
	n, err := number(arg)
	if err != nil {
		return nil, "", err
	}
	m, err := p.add(miniscript{fragment: f, number: n})
	return m, rest, err
}

// hash reads a function of a hash.
func (p *miniscriptParser) hash(f fragment, s string) (*miniscript, string, error) {
	arg, rest, err := argument(s, ')')
	if err != nil {
		return nil, "", err
	}
	if !isHex(arg) || len(arg) != 2*hashes[f].size {
		return nil, "", errNoMiniscript
	}
	b, err := hex.DecodeString(arg)
	if err != nil {
		return nil, "", err
	}
	m, err := p.add(miniscript{fragment: f, hash: b})
	return m, rest, err
}

// multi reads multi() or multi_a().
func (p *miniscriptParser) multi(f fragment, s string) (*miniscript, string, error) {
	if p.tapscript != (f == multiAKeys) {
		return nil, "", errNoMiniscript
	}
	arg, rest, err := argument(s, ',')
	if err != nil {
		return nil, "", err
	}
	n, err := number(arg)
	if err != nil {
		return nil, "", err
	}
	m := miniscript{fragment: f, number: n}
	for more := true; more; {
		if arg, s, err = argument(rest, ','); err != nil {
			more = false
			if arg, s, err = argument(rest, ')'); err != nil {
				return nil, "", err
			}
		}
		rest = s
		k, err := p.key(arg, p.context)
		if err != nil {
			return nil, "", err
		}
		m.keys = append(m.keys, k)
	}
	limit := script.MaxPubKeysMultisig
	if p.tapscript {
		limit = maxMultiAKeys
	}
	if len(m.keys) > limit || int(n) > len(m.keys) {
		return nil, "", errNoMiniscript
	}
	node, err := p.add(m)
	return node, rest, err
}

// operator reads a function of n expressions. Those of and_n() are two of
// three.
func (p *miniscriptParser) operator(f fragment, n int, s string) (*miniscript, string, error) {
	m := miniscript{fragment: f}
	for i := range n {
		sub, rest, err := p.expression(s)
		if err != nil {
			return nil, "", err
		}
		end := byte(',')
		if i == n-1 {
			end = ')'
		}
		if rest == "" || rest[0] != end {
			return nil, "", errNoMiniscript
		}
		s = rest[1:]
		m.subs = append(m.subs, sub)
	}
	if f == andOr && n == 2 {
		zero, err := p.add(miniscript{fragment: just0})
		if err != nil {
			return nil, "", err
		}
		m.subs = append(m.subs, zero)
	}
	node, err := p.add(m)
	return node, s, err
}

// thresh reads the arguments of thresh().
func (p *miniscriptParser) thresh(s string) (*miniscript, string, error) {
	arg, s, err := argument(s, ',')
	if err != nil {
		return nil, "", err
	}
	n, err := number(arg)
	if err != nil {
		return nil, "", err
	}
	m := miniscript{fragment: thresh, number: n}
	for {
		sub, rest, err := p.expression(s)
		if err != nil {
			return nil, "", err
		}
		m.subs = append(m.subs, sub)
		if rest == "" || rest[0] != ',' && rest[0] != ')' || len(m.subs) > maxParts {
			return nil, "", errNoMiniscript
		}
		s = rest[1:]
		if rest[0] == ')' {
			break
		}
	}
	if int(n) > len(m.subs) {
		return nil, "", errNoMiniscript
	}
	node, err := p.add(m)
	return node, s, err
}
