package descriptor

import (
	"errors"

	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/script/sig"
)

// rawtr is rawtr(KEY): the key is the output key itself.
type rawtr struct{ key *key }

func (n rawtr) script(at *place) ([]byte, error) {
	k, err := n.key.xOnlyKey(at)
	return payToTaproot(k), err
}

func (n rawtr) appendText(b []byte) []byte { return appendCall(b, "rawtr", n.key.appendText) }

// tr is tr(KEY) or tr(KEY,TREE) (BIP 386).
type tr struct {
	internal *key
	tree     *tree // nil for an output without scripts
}

// tree is a leaf or the branch of two trees.
type tree struct {
	leaf        node
	left, right *tree
}

// maxDepth is how deep a leaf lies at most (BIP 341: the longest control block).
const maxDepth = 128

const leafTapscript = 0xc0 // the leaf version of BIP 342

func (n tr) script(at *place) ([]byte, error) {
	internal, err := n.internal.xOnlyKey(at)
	if err != nil {
		return nil, err
	}
	var root []byte
	if n.tree != nil {
		hash, err := n.tree.hash(at)
		if err != nil {
			return nil, err
		}
		root = hash[:]
	}
	tweak := script.TapTweakHash(internal, root)
	output, _, ok := sig.TweakXOnly((*[32]byte)(internal), &tweak)
	if !ok { // the odds are 2^-128
		return nil, errors.New("there is no output key for this internal key")
	}
	return payToTaproot(output[:]), nil
}

// hash returns the root of the tree.
func (t *tree) hash(at *place) ([32]byte, error) {
	if t.leaf != nil {
		s, err := t.leaf.script(at)
		return script.TapLeafHash(leafTapscript, s), err
	}
	left, err := t.left.hash(at)
	if err != nil {
		return left, err
	}
	right, err := t.right.hash(at)
	return script.TapBranchHash(left, right), err
}

func (n tr) appendText(b []byte) []byte {
	return appendCall(b, "tr", func(b []byte) []byte {
		b = n.internal.appendText(b)
		if n.tree != nil {
			b = n.tree.appendText(append(b, ','))
		}
		return b
	})
}

func (t *tree) appendText(b []byte) []byte {
	if t.leaf != nil {
		return t.leaf.appendText(b)
	}
	b = t.left.appendText(append(b, '{'))
	b = t.right.appendText(append(b, ','))
	return append(b, '}')
}

func payToTaproot(output []byte) []byte {
	return new(script.Builder).Op(script.Op1).Data(output).Script()
}

// tree reads a tree that stands depth branches below the root, and returns
// what follows it.
func (p *parser) tree(s string, depth int) (*tree, string, error) {
	if s == "" || s[0] != '{' {
		expr, rest := cutExpr(s)
		leaf, more, err := p.script(expr, taproot)
		if err != nil {
			return nil, "", err
		}
		if more != "" {
			return nil, "", errRest(more)
		}
		return &tree{leaf: leaf}, rest, nil
	}
	if depth == maxDepth {
		return nil, "", errors.New("tr() supports at most 128 nesting levels")
	}
	left, rest, err := p.tree(s[1:], depth+1)
	if err != nil {
		return nil, "", err
	}
	if rest == "" || rest[0] != ',' {
		return nil, "", errors.New("tr(): expected ',' after script expression")
	}
	right, rest, err := p.tree(rest[1:], depth+1)
	if err != nil {
		return nil, "", err
	}
	if rest == "" || rest[0] != '}' {
		return nil, "", errors.New("tr(): expected '}' after script expression")
	}
	return &tree{left: left, right: right}, rest[1:], nil
}
