package descriptor

import (
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/script/address"
)

// context is where an expression stands, on which depends what may stand there.
type context uint8

const (
	top     context = iota
	p2sh            // in sh()
	p2wpkh          // in wpkh()
	p2wsh           // in wsh()
	taproot         // in tr() or rawtr()
)

// uncompressed reports whether uncompressed keys may stand there: not in a witness.
func (in context) uncompressed() bool { return in == top || in == p2sh }

// parser reads a descriptor and gathers its keys.
type parser struct {
	prefixes *address.Prefixes
	keys     []*key
	secrets  secrets
}

const (
	maxBareKeys   = 3   // of multi() without sh() or wsh()
	maxMultiAKeys = 999 // of multi_a(), all of which are on the stack
)

// script reads the script expression at the start of s and returns what
// follows it.
func (p *parser) script(s string, in context) (n node, rest string, err error) {
	expr, rest := cutExpr(s)
	n, err = p.function(expr, in)
	return n, rest, err
}

// function reads one script expression.
func (p *parser) function(expr string, in context) (node, error) {
	if arg, ok := call(expr, "pk"); ok {
		k, err := p.named("pk()", arg, in)
		return pk{k, in == taproot}, err
	}
	// In a script tree pkh() is miniscript.
	if arg, ok := call(expr, "pkh"); ok && in != taproot {
		k, err := p.named("pkh()", arg, in)
		return pkh{k}, err
	}
	if arg, ok := call(expr, "combo"); ok {
		if in != top {
			return nil, errors.New("Can only have combo() at top level")
		}
		k, err := p.named("combo()", arg, in)
		return combo{k}, err
	}
	for _, m := range [...]multi{{}, {sorted: true}, {tapscript: true}, {sorted: true, tapscript: true}} {
		if arg, ok := call(expr, m.name()); ok {
			return p.multi(m, arg, in)
		}
	}
	if arg, ok := call(expr, "wpkh"); ok {
		if in != top && in != p2sh {
			return nil, errors.New("Can only have wpkh() at top level or inside sh()")
		}
		k, err := p.named("wpkh()", arg, p2wpkh)
		return wpkh{k}, err
	}
	if arg, ok := call(expr, "sh"); ok {
		if in != top {
			return nil, errors.New("Can only have sh() at top level")
		}
		inner, err := p.inner(arg, p2sh)
		return sh{inner}, err
	}
	if arg, ok := call(expr, "wsh"); ok {
		if in != top && in != p2sh {
			return nil, errors.New("Can only have wsh() at top level or inside sh()")
		}
		inner, err := p.inner(arg, p2wsh)
		return wsh{inner}, err
	}
	if arg, ok := call(expr, "addr"); ok {
		if in != top {
			return nil, errors.New("Can only have addr() at top level")
		}
		a, err := newAddr(p.prefixes, arg)
		if err != nil {
			return nil, errors.New("Address is not valid")
		}
		return a, nil
	}
	if arg, ok := call(expr, "tr"); ok {
		if in != top {
			return nil, errors.New("Can only have tr at top level")
		}
		return p.tr(arg)
	}
	if arg, ok := call(expr, "rawtr"); ok {
		if in != top {
			return nil, errors.New("Can only have rawtr at top level")
		}
		return p.rawtr(arg)
	}
	if arg, ok := call(expr, "raw"); ok {
		if in != top {
			return nil, errors.New("Can only have raw() at top level")
		}
		if !isHex(arg) {
			return nil, errors.New("Raw script is not hex")
		}
		b, err := hex.DecodeString(arg)
		return raw(b), err
	}
	if m, err := p.miniscript(expr, in); !errors.Is(err, errNoMiniscript) {
		return m, err
	}
	switch in {
	case p2sh:
		return nil, errors.New("A function is needed within P2SH")
	case p2wsh:
		return nil, errors.New("A function is needed within P2WSH")
	}
	return nil, fmt.Errorf("'%s' is not a valid descriptor function", expr)
}

// named reads the key that is all of a function's argument; its errors name
// the function.
func (p *parser) named(function, arg string, in context) (*key, error) {
	k, err := p.key(arg, in)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", function, err)
	}
	return k, nil
}

// inner reads the script expression that is all of a function's argument.
func (p *parser) inner(arg string, in context) (node, error) {
	n, rest, err := p.script(arg, in)
	if err == nil && rest != "" {
		err = errRest(rest)
	}
	return n, err
}

// multi reads the arguments of one of the four functions of that kind.
func (p *parser) multi(m multi, arg string, in context) (node, error) {
	if m.tapscript && in != taproot {
		return nil, errors.New("Can only have multi_a/sortedmulti_a inside tr()")
	}
	if !m.tapscript && in == taproot {
		return nil, errors.New("Can only have multi/sortedmulti at top level, in sh(), or in wsh()")
	}
	text, rest := cutExpr(arg)
	threshold, ok := parseUint32(text)
	if !ok {
		return nil, fmt.Errorf("Multi threshold '%s' is not valid", text)
	}
	size := 3 // of the two numbers and the opcode
	for rest != "" {
		if rest[0] != ',' {
			return nil, fmt.Errorf("Multi: expected ',', got '%c'", rest[0])
		}
		text, rest = cutExpr(rest[1:])
		k, err := p.key(text, in)
		if err != nil {
			return nil, fmt.Errorf("Multi: %w", err)
		}
		size += k.size() + 1
		m.keys = append(m.keys, k)
	}
	n, most, name := len(m.keys), script.MaxPubKeysMultisig, "multisig"
	if m.tapscript {
		most, name = maxMultiAKeys, "multi_a"
	}
	switch {
	case n == 0 || n > most:
		return nil, fmt.Errorf("Cannot have %d keys in %s; must have between 1 and %d keys, inclusive", n, name, most)
	case threshold < 1:
		return nil, fmt.Errorf("Multisig threshold cannot be %d, must be at least 1", threshold)
	case threshold > uint32(n):
		return nil, fmt.Errorf("Multisig threshold cannot be larger than the number of keys; threshold is %d but only %d keys specified", threshold, n)
	case in == top && n > maxBareKeys:
		return nil, fmt.Errorf("Cannot have %d pubkeys in bare multisig; only at most %d pubkeys", n, maxBareKeys)
	case in == p2sh && size > script.MaxElementSize:
		return nil, fmt.Errorf("P2SH script is too large, %d bytes is larger than %d bytes", size, script.MaxElementSize)
	}
	m.threshold = int(threshold)
	return m, nil
}

// tr reads the arguments of tr().
func (p *parser) tr(arg string) (node, error) {
	text, rest := cutExpr(arg)
	internal, err := p.named("tr()", text, taproot)
	if err != nil || rest == "" {
		return tr{internal: internal}, err
	}
	if rest[0] != ',' {
		return nil, fmt.Errorf("tr: expected ',', got '%c'", rest[0])
	}
	tree, rest, err := p.tree(rest[1:], 0)
	if err != nil {
		return nil, err
	}
	if rest != "" {
		return nil, errors.New("tr(): expected ')' after script expression")
	}
	return tr{internal, tree}, nil
}

// rawtr reads the argument of rawtr().
func (p *parser) rawtr(arg string) (node, error) {
	text, rest := cutExpr(arg)
	if rest != "" {
		return nil, errors.New("rawtr(): only one key expected.")
	}
	k, err := p.key(text, taproot)
	return rawtr{k}, err
}
