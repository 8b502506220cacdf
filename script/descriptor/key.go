package descriptor

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/keelson-chain/keelson/script/address"
	"github.com/keelson-chain/keelson/script/hdkey"
	"github.com/keelson-chain/keelson/script/sig"
)

// key is a key expression (BIP 380, "Key Expressions"): an optional origin, and
// a key or an extended key with a path.
type key struct {
	prefixes *address.Prefixes
	origin   *origin

	// fixed is a key as it stands in scripts, 33 or 65 bytes, or nil. xOnly is
	// whether it is written without its first byte.
	fixed []byte
	xOnly bool

	// Of an extended key: where the keys begin, the steps to them, and the last
	// step, if it is the index.
	extended hdkey.Public
	path     []uint32
	wildcard wildcard

	apostrophe bool // hardened steps are written 5', not 5h

	once    sync.Once
	branch  branch // the end of path
	failure error  // of finding it

	onceSecret    sync.Once
	branchSecret  hdkey.Private // the same by private keys, where the descriptor has them
	failureSecret error
}

// origin says where a key comes from: the fingerprint of a master key and the
// steps from there. It changes nothing of the scripts.
type origin struct {
	fingerprint [4]byte
	path        []uint32
}

// wildcard is the last step of a path that depends on the index.
type wildcard uint8

const (
	none     wildcard = iota
	plain             // /*
	hardened          // /*h
)

// branch is the extended key from which the keys at all indices derive.
type branch struct {
	public hdkey.Public
	// private is set for a hardened wildcard alone.
	private hdkey.Private
}

// secrets are the private keys of a descriptor by their public keys, as these
// stand in scripts.
type secrets map[string][32]byte

// place is where a descriptor is expanded.
type place struct {
	index   uint32
	secrets secrets
}

// pubKey returns the key at a place, compressed unless it was given otherwise.
func (k *key) pubKey(at *place) ([]byte, error) {
	if k.fixed != nil {
		return k.fixed, nil
	}
	k.once.Do(func() { k.branch, k.failure = k.findBranch(at.secrets) })
	if k.failure != nil {
		return nil, k.failure
	}
	switch k.wildcard {
	case plain:
		child, err := k.branch.public.Child(at.index)
		return child.Key[:], err
	case hardened:
		child, err := k.branch.private.Child(at.index | hdkey.Hardened)
		if err != nil {
			return nil, err
		}
		public := child.Public()
		return public.Key[:], nil
	}
	return k.branch.public.Key[:], nil
}

// xOnlyKey is the X coordinate of the key at a place.
func (k *key) xOnlyKey(at *place) ([]byte, error) {
	b, err := k.pubKey(at)
	if err != nil {
		return nil, err
	}
	return b[1:33], nil
}

// size is the length of the key in scripts other than tapscript.
func (k *key) size() int {
	if k.fixed != nil {
		return len(k.fixed)
	}
	return sig.CompressedSize
}

// isHardened reports whether it takes a private key to find the keys.
func (k *key) isHardened() bool {
	return k.wildcard == hardened || slices.ContainsFunc(k.path, func(step uint32) bool { return step >= hdkey.Hardened })
}

// findBranch goes down the path, publicly if that can be.
func (k *key) findBranch(known secrets) (b branch, err error) {
	if !k.isHardened() {
		b.public = k.extended
		for _, step := range k.path {
			if b.public, err = b.public.Child(step); err != nil {
				return branch{}, err
			}
		}
		return b, nil
	}
	secret, ok := known[string(k.extended.Key[:])]
	if !ok {
		return branch{}, ErrPrivateKeys
	}
	b.private = hdkey.Private{Origin: k.extended.Origin, Chain: k.extended.Chain, Secret: secret}
	for _, step := range k.path {
		if b.private, err = b.private.Child(step); err != nil {
			return branch{}, err
		}
	}
	b.public = b.private.Public()
	return b, nil
}

// appendText appends the canonical form of the expression.
func (k *key) appendText(b []byte) []byte {
	if k.origin != nil {
		b = append(b, '[')
		b = hex.AppendEncode(b, k.origin.fingerprint[:])
		b = append(k.appendPath(b, k.origin.path), ']')
	}
	switch {
	case k.xOnly:
		return hex.AppendEncode(b, k.fixed[1:])
	case k.fixed != nil:
		return hex.AppendEncode(b, k.fixed)
	}
	b = append(b, k.extended.Text(k.prefixes)...)
	b = k.appendPath(b, k.path)
	switch k.wildcard {
	case plain:
		b = append(b, "/*"...)
	case hardened:
		b = append(b, "/*"...)
		b = append(b, k.mark())
	}
	return b
}

// mark is what follows a hardened step.
func (k *key) mark() byte {
	if k.apostrophe {
		return '\''
	}
	return 'h'
}

func (k *key) appendPath(b []byte, path []uint32) []byte {
	for _, step := range path {
		b = append(b, '/')
		b = strconv.AppendUint(b, uint64(step&^hdkey.Hardened), 10)
		if step >= hdkey.Hardened {
			b = append(b, k.mark())
		}
	}
	return b
}

// key reads a key expression that stands where in says.
func (p *parser) key(s string, in context) (*key, error) {
	k := &key{prefixes: p.prefixes}
	before, after, found := strings.Cut(s, "]")
	if !found {
		after = before
	} else if strings.Contains(after, "]") {
		return nil, errors.New("Multiple ']' characters found for a single pubkey")
	} else if err := k.parseOrigin(before); err != nil {
		return nil, err
	}
	if err := p.parseKey(k, after, in); err != nil {
		return nil, err
	}
	p.keys = append(p.keys, k)
	return k, nil
}

// parseOrigin reads an origin up to its closing bracket.
func (k *key) parseOrigin(s string) error {
	if s == "" || s[0] != '[' {
		got := byte(']')
		if s != "" {
			got = s[0]
		}
		return fmt.Errorf("Key origin start '[ character expected but not found, got '%c' instead", got)
	}
	fingerprint, path, found := strings.Cut(s[1:], "/")
	if len(fingerprint) != 8 {
		return fmt.Errorf("Fingerprint is not 4 bytes (%d characters instead of 8 characters)", len(fingerprint))
	}
	if !isHex(fingerprint) {
		return fmt.Errorf("Fingerprint '%s' is not hex", fingerprint)
	}
	b, err := hex.DecodeString(fingerprint)
	if err != nil {
		return err
	}
	k.origin = &origin{fingerprint: [4]byte(b)}
	if found {
		k.origin.path, err = k.parsePath(path)
	}
	return err
}

// parseKey reads what stands behind the origin.
func (p *parser) parseKey(k *key, s string, in context) error {
	text, path, hasPath := strings.Cut(s, "/")
	if text == "" {
		return errors.New("No key provided")
	}
	if !hasPath {
		if isHex(text) {
			return k.parseHex(text, in)
		}
		if secret, compressed, err := address.DecodeWIF(p.prefixes, text); err == nil {
			return p.parseSecret(k, secret, compressed, in)
		}
	}
	private, errPrivate := hdkey.ParsePrivate(p.prefixes, text)
	var errPublic error
	if errPrivate == nil {
		k.extended = private.Public()
	} else if k.extended, errPublic = hdkey.ParsePublic(p.prefixes, text); errPublic != nil {
		return fmt.Errorf("key '%s' is not valid", text)
	}
	start := strings.LastIndexByte(path, '/')
	switch last := path[start+1:]; last {
	case "*":
		k.wildcard = plain
	case "*'", "*h":
		k.wildcard, k.apostrophe = hardened, last == "*'"
	}
	if k.wildcard != none {
		hasPath = start >= 0
		path = path[:max(0, start)]
	}
	if hasPath {
		var err error
		if k.path, err = k.parsePath(path); err != nil {
			return err
		}
	}
	if errPrivate == nil {
		p.secrets[string(k.extended.Key[:])] = private.Secret
	}
	return nil
}

// parseHex reads a public key in hexadecimal.
func (k *key) parseHex(s string, in context) error {
	b, _ := hex.DecodeString(s)
	switch {
	case len(b) == sig.UncompressedSize && (b[0] == 6 || b[0] == 7):
		return errors.New("Hybrid public keys are not allowed")
	case sig.ValidPubKey(b):
		if len(b) == sig.UncompressedSize && !in.uncompressed() {
			return errUncompressed
		}
		k.fixed = b
		return nil
	case in == taproot && sig.ValidXOnly(b):
		k.fixed, k.xOnly = append([]byte{2}, b...), true
		return nil
	}
	return fmt.Errorf("Pubkey '%s' is invalid", s)
}

var errUncompressed = errors.New("Uncompressed keys are not allowed")

// parseSecret takes a private key.
func (p *parser) parseSecret(k *key, secret [32]byte, isCompressed bool, in context) error {
	short, ok := sig.PubKeyOf(&secret)
	if !ok {
		return address.ErrPrivateKey
	}
	k.fixed, k.xOnly = short[:], in == taproot
	if !isCompressed {
		if !in.uncompressed() {
			return errUncompressed
		}
		long, _ := sig.Uncompressed(&short)
		k.fixed = long[:]
	}
	p.secrets[string(k.fixed)] = secret
	return nil
}

// parsePath reads the steps of a path, one or more.
func (k *key) parsePath(text string) ([]uint32, error) {
	var path []uint32
	for s := range strings.SplitSeq(text, "/") {
		mark := uint32(0)
		if n := len(s); n > 0 && (s[n-1] == '\'' || s[n-1] == 'h') {
			mark, k.apostrophe = hdkey.Hardened, s[n-1] == '\''
			s = s[:n-1]
		}
		step, ok := parseUint32(s)
		if !ok {
			return nil, fmt.Errorf("Key path value '%s' is not a valid uint32", s)
		}
		if step >= hdkey.Hardened {
			return nil, fmt.Errorf("Key path value %d is out of range", step)
		}
		path = append(path, step|mark)
	}
	return path, nil
}
