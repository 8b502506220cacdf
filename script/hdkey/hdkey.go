package hdkey

import (
	"crypto/hmac"
	"crypto/sha512"
	"encoding/binary"
	"errors"
	"math"

	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/script/address"
	"github.com/keelson-chain/keelson/script/sig"
)

// Hardened is the first index of a hardened child, which only a private key
// can derive: child 5h has the index Hardened + 5.
const Hardened = 1 << 31

// The errors.
var (
	// ErrFormat is returned for a text that is no extended key of the network.
	ErrFormat = errors.New("invalid extended key encoding")
	// ErrHardened is returned where a public key is asked for a hardened child.
	ErrHardened = errors.New("a hardened child needs the private key")
	// ErrDepth is returned for a child of a key that is 255 steps below its
	// master: the text form could not say how deep it lies.
	ErrDepth = errors.New("keys go no deeper than 255 steps")
	// ErrNoKey is returned for a seed or an index that has no key. The odds are
	// 2^-127; the next index has one.
	ErrNoKey = errors.New("there is no key at this index")
)

// Origin says where in the tree of keys a key stands.
type Origin struct {
	Depth  byte    // steps from the master key
	Parent [4]byte // fingerprint of the parent, zeros for a master key
	Index  uint32  // which child of it
}

// valid reports whether there can be such a place: a master key is nobody's child.
func (o *Origin) valid() bool {
	return o.Depth > 0 || o.Parent == [4]byte{} && o.Index == 0
}

// Private is an extended private key. Make one with [NewMaster] or
// [ParsePrivate]; its Secret is from 1 to the order of the curve less 1.
type Private struct {
	Origin
	Chain  [32]byte // the chain code
	Secret [32]byte
}

// Public is an extended public key. Make one with [ParsePublic] or
// [Private.Public]; its Key is a point.
type Public struct {
	Origin
	Chain [32]byte                 // the chain code
	Key   [sig.CompressedSize]byte // compressed
}

// NewMaster returns the master key of a seed, which should have 16 to 64 bytes
// that nobody can guess.
func NewMaster(seed []byte) (Private, error) {
	left, right := split([]byte("Bitcoin seed"), seed)
	if _, ok := sig.PubKeyOf(&left); !ok {
		return Private{}, ErrNoKey
	}
	return Private{Chain: right, Secret: left}, nil
}

// Public returns the public key of k.
func (k *Private) Public() Public {
	key, _ := sig.PubKeyOf(&k.Secret)
	return Public{Origin: k.Origin, Chain: k.Chain, Key: key}
}

// Child returns the private child at an index; see [Hardened].
func (k *Private) Child(index uint32) (Private, error) {
	public := k.Public()
	origin, err := public.below(index)
	if err != nil {
		return Private{}, err
	}
	var data [1 + 32 + 4]byte
	if index >= Hardened {
		copy(data[1:], k.Secret[:])
	} else {
		copy(data[:], public.Key[:])
	}
	binary.BigEndian.PutUint32(data[33:], index)
	tweak, chain := split(k.Chain[:], data[:])
	secret, ok := sig.AddToSecret(&k.Secret, &tweak)
	if !ok {
		return Private{}, ErrNoKey
	}
	return Private{Origin: origin, Chain: chain, Secret: secret}, nil
}

// Child returns the public child at an index below [Hardened].
func (k *Public) Child(index uint32) (Public, error) {
	if index >= Hardened {
		return Public{}, ErrHardened
	}
	origin, err := k.below(index)
	if err != nil {
		return Public{}, err
	}
	var data [33 + 4]byte
	copy(data[:], k.Key[:])
	binary.BigEndian.PutUint32(data[33:], index)
	tweak, chain := split(k.Chain[:], data[:])
	key, ok := sig.AddToPubKey(&k.Key, &tweak)
	if !ok {
		return Public{}, ErrNoKey
	}
	return Public{Origin: origin, Chain: chain, Key: key}, nil
}

// Fingerprint returns the bytes by which children name their parent, the first
// four of the key's hash.
func (k *Public) Fingerprint() [4]byte {
	hash := script.Hash160(k.Key[:])
	return [4]byte(hash[:4])
}

// below is the origin of a child of k.
func (k *Public) below(index uint32) (Origin, error) {
	if k.Depth == math.MaxUint8 {
		return Origin{}, ErrDepth
	}
	return Origin{Depth: k.Depth + 1, Parent: k.Fingerprint(), Index: index}, nil
}

// split returns the halves of an HMAC-SHA-512.
func split(key, data []byte) (left, right [32]byte) {
	mac := hmac.New(sha512.New, key)
	mac.Write(data)
	sum := mac.Sum(nil)
	return [32]byte(sum[:32]), [32]byte(sum[32:])
}

// An extended key is written in base58check, as
//
//	offset  size  field
//	     0     4  version of the network, public or private
//	     4     1  depth
//	     5     4  fingerprint of the parent
//	     9     4  index, big-endian
//	    13    32  chain code
//	    45    33  compressed public key, or a zero byte and the secret
const encodedSize = 78

// ParsePublic reads an extended public key of the network with the prefixes p.
func ParsePublic(p *address.Prefixes, s string) (Public, error) {
	origin, chain, data, ok := parse(p.ExtPublic, s)
	key := Public{Origin: origin, Chain: chain, Key: data}
	if !ok || !origin.valid() || !sig.ValidPubKey(data[:]) {
		return Public{}, ErrFormat
	}
	return key, nil
}

// ParsePrivate reads an extended private key of the network with the prefixes
// p. Its error does not carry the string.
func ParsePrivate(p *address.Prefixes, s string) (Private, error) {
	origin, chain, data, ok := parse(p.ExtPrivate, s)
	if !ok || !origin.valid() || data[0] != 0 {
		return Private{}, ErrFormat
	}
	key := Private{Origin: origin, Chain: chain, Secret: [32]byte(data[1:])}
	if _, ok := sig.PubKeyOf(&key.Secret); !ok {
		return Private{}, ErrFormat
	}
	return key, nil
}

// Text writes the key for the network with the prefixes p: "xpub...".
func (k *Public) Text(p *address.Prefixes) string {
	return text(p.ExtPublic, &k.Origin, &k.Chain, &k.Key)
}

// Text writes the key for the network with the prefixes p: "xprv...".
func (k *Private) Text(p *address.Prefixes) string {
	var data [33]byte
	copy(data[1:], k.Secret[:])
	return text(p.ExtPrivate, &k.Origin, &k.Chain, &data)
}

func parse(version [4]byte, s string) (origin Origin, chain [32]byte, data [33]byte, ok bool) {
	b, ok := address.DecodeBase58Check(s, encodedSize)
	if !ok || len(b) != encodedSize || [4]byte(b) != version {
		return origin, chain, data, false
	}
	origin = Origin{Depth: b[4], Parent: [4]byte(b[5:]), Index: binary.BigEndian.Uint32(b[9:])}
	return origin, [32]byte(b[13:]), [33]byte(b[45:]), true
}

func text(version [4]byte, origin *Origin, chain *[32]byte, data *[33]byte) string {
	b := make([]byte, 0, encodedSize)
	b = append(b, version[:]...)
	b = append(b, origin.Depth)
	b = append(b, origin.Parent[:]...)
	b = binary.BigEndian.AppendUint32(b, origin.Index)
	b = append(b, chain[:]...)
	return address.EncodeBase58Check(append(b, data[:]...))
}
