package psbt

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/keelson-chain/keelson/script/sig"
	"github.com/keelson-chain/keelson/script/sign"
	"github.com/keelson-chain/keelson/wire"
)

// MaxFields is the most maps and fields that a packet may have. It bounds the
// memory that reading takes, which is at most some hundred bytes for each beside
// the packet's own. A transaction that fits into a block needs fewer; Bitcoin
// Core has no such limit.
const MaxFields = 1 << 18

var (
	// ErrBase64 is returned for text that is not in base 64.
	ErrBase64 = errors.New("invalid base64")
	// ErrTrailing is returned for bytes that go on behind the packet.
	ErrTrailing = errors.New("extra data after PSBT")
)

// FormatError says in Bitcoin Core's words why bytes are not a packet.
type FormatError string

func (e FormatError) Error() string { return string(e) }

const (
	errEnd     FormatError = "DataStream::read(): end of data"
	errKeyEnd  FormatError = "SpanReader::read(): end of data"
	errSize    FormatError = "Size of value was not the stated size"
	errPubKey  FormatError = "Invalid pubkey"
	errPath    FormatError = "Invalid length for HD key path"
	errUnknown FormatError = "Duplicate Key, key for unknown value already provided"
	errOwn     FormatError = "Duplicate Key, proprietary key already found"
	errMany    FormatError = "too many fields"
)

// Parse reads a packet in base 64. The error is [ErrBase64] or one of Decode.
func Parse(text string) (*Packet, error) {
	b, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || strings.ContainsAny(text, "\r\n") { // which the decoder skips
		return nil, ErrBase64
	}
	return Decode(b)
}

// Decode reads a packet. It keeps b, which must not change afterwards. The
// error is [ErrTrailing] or a [FormatError].
func Decode(b []byte) (*Packet, error) {
	if len(b) < len(magic) || string(b[:len(magic)]) != magic {
		return nil, FormatError("Invalid PSBT magic bytes")
	}
	r := &reader{rest: b[len(magic):], left: MaxFields}
	p := new(Packet)
	if err := p.decodeGlobal(r); err != nil {
		return nil, err
	}
	for i := range p.Tx.Inputs {
		if len(r.rest) == 0 {
			return nil, FormatError("Inputs provided does not match the number of inputs in transaction.")
		}
		p.Inputs = append(p.Inputs, Input{})
		in := &p.Inputs[i]
		if err := r.fields(in.decode, "an input"); err != nil {
			return nil, err
		}
		in.sort()
		if prev := in.NonWitnessUTXO; prev != nil {
			op := &p.Tx.Inputs[i].PrevOut
			if prev.TxID() != op.TxID {
				return nil, FormatError("Non-witness UTXO does not match outpoint hash")
			}
			if int64(op.Index) >= int64(len(prev.Outputs)) {
				return nil, FormatError("Input specifies output index that does not exist")
			}
		}
	}
	for i := range p.Tx.Outputs {
		if len(r.rest) == 0 {
			return nil, FormatError("Outputs provided does not match the number of outputs in transaction.")
		}
		p.Outputs = append(p.Outputs, Output{})
		if err := r.fields(p.Outputs[i].decode, "an output"); err != nil {
			return nil, err
		}
		p.Outputs[i].sort()
	}
	if len(r.rest) > 0 {
		return nil, ErrTrailing
	}
	return p, nil
}

func (p *Packet) decodeGlobal(r *reader) error {
	version, xpubs := false, map[string]bool{}
	err := r.fields(func(r *reader, typ uint64, key []byte) error {
		switch typ {
		case globalTx:
			raw, err := r.single(key, "unsigned tx", "Global unsigned tx")
			if err != nil {
				return err
			}
			if p.Tx, err = decodeTx(raw, wire.DecodeTxNoWitness); err != nil {
				return err
			}
			for i := range p.Tx.Inputs {
				if len(p.Tx.Inputs[i].SigScript) > 0 {
					return FormatError("Unsigned tx does not have empty scriptSigs and scriptWitnesses.")
				}
			}
		case globalXPub:
			if len(key) != xpubSize+1 {
				return FormatError("Size of key was not the expected size for the type global xpub")
			}
			x := XPub{Key: [xpubSize]byte(key[1:])}
			if !sig.ValidPubKey(x.Key[45:]) {
				return errPubKey
			}
			if id := string(x.Key[13:]); xpubs[id] {
				return FormatError("Duplicate key, global xpub already provided")
			} else {
				xpubs[id] = true
			}
			var err error
			if x.Origin, err = r.origin(); err != nil {
				return err
			}
			p.XPubs = append(p.XPubs, x)
		case globalVersion:
			if version {
				return FormatError("Duplicate Key, version already provided")
			}
			version = true
			if len(key) != 1 {
				return FormatError("Global version key is more than one byte type")
			}
			value, err := r.sized(4)
			if err != nil {
				return err
			}
			if binary.LittleEndian.Uint32(value) > 0 {
				return FormatError("Unsupported version number")
			}
		default:
			return r.other(typ, key, &p.Proprietary, &p.Unknown)
		}
		return nil
	}, "the global")
	if err != nil {
		return err
	}
	if p.Tx == nil {
		return FormatError("No unsigned transaction was provided")
	}
	slices.SortFunc(p.XPubs, compareXPubs)
	slices.SortFunc(p.Proprietary, compareProprietary)
	slices.SortFunc(p.Unknown, compareFields)
	return nil
}

// decode reads one field of an input.
func (in *Input) decode(r *reader, typ uint64, key []byte) (err error) {
	var value []byte
	switch typ {
	case inNonWitnessUTXO:
		if value, err = r.single(key, "input non-witness utxo", "Non-witness utxo"); err == nil {
			in.NonWitnessUTXO, err = decodeTx(value, wire.DecodeTx)
		}
	case inWitnessUTXO:
		if value, err = r.single(key, "input witness utxo", "Witness utxo"); err == nil {
			in.WitnessUTXO, err = decodeTxOut(value)
		}
	case inPartialSig:
		if len(key) != sig.UncompressedSize+1 && len(key) != sig.CompressedSize+1 {
			return FormatError("Size of key was not the expected size for the type partial signature pubkey")
		}
		if !sig.ValidPubKey(key[1:]) {
			return errPubKey
		}
		if value, err = r.once(key, "input partial signature for pubkey"); err == nil {
			in.PartialSigs = append(in.PartialSigs, sign.Signature{PubKey: key[1:], Sig: value})
		}
	case inHashType:
		if err = r.alone(key, "input sighash type", "Sighash type"); err != nil {
			return err
		}
		if value, err = r.sized(4); err == nil {
			hashType := binary.LittleEndian.Uint32(value)
			in.HashType = &hashType
		}
	case inRedeemScript:
		in.RedeemScript, err = r.single(key, "input redeemScript", "Input redeemScript")
	case inWitnessScript:
		in.WitnessScript, err = r.single(key, "input witnessScript", "Input witnessScript")
	case inDerivation:
		in.Derivations, err = r.derivation(key, in.Derivations)
	case inFinalSigScript:
		in.FinalSigScript, err = r.single(key, "input final scriptSig", "Final scriptSig")
	case inFinalWitness:
		if value, err = r.single(key, "input final scriptWitness", "Final scriptWitness"); err == nil {
			in.FinalWitness, err = r.witness(value)
		}
	case inRIPEMD160:
		in.RIPEMD160, err = r.preimage(key, in.RIPEMD160, 20, "ripemd160")
	case inSHA256:
		in.SHA256, err = r.preimage(key, in.SHA256, 32, "sha256")
	case inHash160:
		in.Hash160, err = r.preimage(key, in.Hash160, 20, "hash160")
	case inHash256:
		in.Hash256, err = r.preimage(key, in.Hash256, 32, "hash256")
	case inMuSigKeys, inMuSigNonce, inMuSigSig:
		if err = r.other(typ, key, &in.Proprietary, &in.Unknown); err == nil {
			err = checkInputMuSig(typ, key, in.Unknown[len(in.Unknown)-1].Value)
		}
	default:
		return in.decodeTaproot(r, typ, key)
	}
	return err
}

// decodeTaproot reads a field of BIP 371, or one of those that are not known.
func (in *Input) decodeTaproot(r *reader, typ uint64, key []byte) (err error) {
	switch typ {
	case inTapKeySig:
		in.TapKeySig, err = r.single(key, "input Taproot key signature", "Input Taproot key signature")
		if err == nil {
			err = checkSchnorr(in.TapKeySig, "key")
		}
	case inTapScriptSig:
		if len(key) != 65 && !r.seen[string(key)] {
			return FormatError("Input Taproot script signature key is not 65 bytes")
		}
		value, err := r.once(key, "input Taproot script signature")
		if err != nil {
			return err
		}
		if err := checkSchnorr(value, "script"); err != nil {
			return err
		}
		id := sign.LeafKey{Key: [32]byte(key[1:33]), Leaf: [32]byte(key[33:])}
		in.TapScriptSigs = append(in.TapScriptSigs, TapScriptSig{id, value})
	case inTapLeafScript:
		switch {
		case r.seen[string(key)]:
		case len(key) < 34:
			return FormatError("Taproot leaf script key is not at least 34 bytes")
		case (len(key)-2)%32 != 0:
			return FormatError("Input Taproot leaf script key's control block size is not valid")
		}
		value, err := r.once(key, "input Taproot leaf script")
		if err != nil {
			return err
		}
		if len(value) == 0 {
			return FormatError("Input Taproot leaf script must be at least 1 byte")
		}
		last := len(value) - 1
		in.TapScripts = append(in.TapScripts, TapScript{Script: value[:last:last], Version: value[last], Controls: [][]byte{key[1:]}})
	case inTapDerivation:
		in.TapDerivations, err = r.tapDerivation(key, in.TapDerivations, "Input", "input")
	case inTapInternalKey:
		in.TapInternalKey, err = r.hash(key, "input Taproot internal key", "Input Taproot internal key")
	case inTapMerkleRoot:
		in.TapMerkleRoot, err = r.hash(key, "input Taproot merkle root", "Input Taproot merkle root")
	default:
		err = r.other(typ, key, &in.Proprietary, &in.Unknown)
	}
	return err
}

func checkSchnorr(signature []byte, path string) error {
	switch {
	case len(signature) < 64:
		return FormatError("Input Taproot " + path + " path signature is shorter than 64 bytes")
	case len(signature) > 65:
		return FormatError("Input Taproot " + path + " path signature is longer than 65 bytes")
	}
	return nil
}

// sort brings the lists of an input, which are as they came, into order.
func (in *Input) sort() {
	slices.SortFunc(in.PartialSigs, compareSigs)
	slices.SortFunc(in.Derivations, compareDerivations)
	for _, list := range [][]Preimage{in.RIPEMD160, in.SHA256, in.Hash160, in.Hash256} {
		slices.SortFunc(list, comparePreimages)
	}
	slices.SortFunc(in.TapScriptSigs, compareTapScriptSigs)
	slices.SortStableFunc(in.TapScripts, TapScript.Compare)
	var leaves []TapScript // each with all of its control blocks
	for _, s := range in.TapScripts {
		if n := len(leaves); n > 0 && leaves[n-1].Compare(s) == 0 {
			leaves[n-1].Controls = append(leaves[n-1].Controls, s.Controls...)
		} else {
			leaves = append(leaves, s)
		}
	}
	for i := range leaves {
		slices.SortFunc(leaves[i].Controls, sign.CompareControls)
	}
	in.TapScripts = leaves
	slices.SortFunc(in.TapDerivations, compareTapDerivations)
	slices.SortFunc(in.Proprietary, compareProprietary)
	slices.SortFunc(in.Unknown, compareFields)
}

// decode reads one field of an output.
func (out *Output) decode(r *reader, typ uint64, key []byte) (err error) {
	switch typ {
	case outRedeemScript:
		out.RedeemScript, err = r.single(key, "output redeemScript", "Output redeemScript")
	case outWitnessScript:
		out.WitnessScript, err = r.single(key, "output witnessScript", "Output witnessScript")
	case outDerivation:
		out.Derivations, err = r.derivation(key, out.Derivations)
	case outTapInternalKey:
		out.TapInternalKey, err = r.hash(key, "output Taproot internal key", "Output Taproot internal key")
	case outTapTree:
		var value []byte
		if value, err = r.single(key, "output Taproot tree", "Output Taproot tree"); err == nil {
			out.TapTree, err = r.tree(value)
		}
	case outTapDerivation:
		out.TapDerivations, err = r.tapDerivation(key, out.TapDerivations, "Output", "output")
	case outMuSigKeys:
		if err = r.other(typ, key, &out.Proprietary, &out.Unknown); err == nil {
			err = checkMuSigKeys(key, out.Unknown[len(out.Unknown)-1].Value, "Output")
		}
	default:
		err = r.other(typ, key, &out.Proprietary, &out.Unknown)
	}
	return err
}

func (out *Output) sort() {
	slices.SortFunc(out.Derivations, compareDerivations)
	slices.SortFunc(out.TapDerivations, compareTapDerivations)
	slices.SortFunc(out.Proprietary, compareProprietary)
	slices.SortFunc(out.Unknown, compareFields)
}

// reader reads fields.
type reader struct {
	rest []byte
	left int             // maps and fields that may still come
	seen map[string]bool // the keys of the map at hand
}

// fields reads a map: it calls decode for each field, with the key read and the
// value next. name is what errors call the map.
func (r *reader) fields(decode func(r *reader, typ uint64, key []byte) error, name string) error {
	r.seen = map[string]bool{}
	if err := r.count(); err != nil {
		return err
	}
	for len(r.rest) > 0 {
		key, err := r.bytes()
		if err != nil {
			return err
		}
		if len(key) == 0 {
			return nil
		}
		if err := r.count(); err != nil {
			return err
		}
		typ, _, err := compactSize(key, errKeyEnd)
		if err != nil {
			return err
		}
		if err := decode(r, typ, key); err != nil {
			return err
		}
	}
	return FormatError("Separator is missing at the end of " + name + " map")
}

func (r *reader) count() error {
	if r.left == 0 {
		return errMany
	}
	r.left--
	return nil
}

// compactSize reads a CompactSize; end is the error for none.
func compactSize(b []byte, end FormatError) (n uint64, rest []byte, err error) {
	n, rest, err = wire.ReadCompactSize(b)
	switch {
	case errors.Is(err, wire.ErrNonCanonical):
		err = FormatError("non-canonical ReadCompactSize()")
	case errors.Is(err, wire.ErrTooLarge):
		err = FormatError("ReadCompactSize(): size too large")
	case err != nil:
		err = end
	}
	return n, rest, err
}

// bytes reads bytes behind their length.
func (r *reader) bytes() ([]byte, error) {
	n, rest, err := compactSize(r.rest, errEnd)
	if err != nil {
		return nil, err
	}
	if n > uint64(len(rest)) {
		return nil, errEnd
	}
	r.rest = rest[n:]
	return rest[:n:n], nil
}

// alone checks that a key, which may be there once, is a type and no more. lower
// and upper are what errors call the field.
func (r *reader) alone(key []byte, lower, upper string) error {
	if r.seen[string(key)] {
		return FormatError("Duplicate Key, " + lower + " already provided")
	}
	r.seen[string(key)] = true
	if len(key) != 1 {
		return FormatError(upper + " key is more than one byte type")
	}
	return nil
}

// single reads the value of a field whose key is its type.
func (r *reader) single(key []byte, lower, upper string) ([]byte, error) {
	if err := r.alone(key, lower, upper); err != nil {
		return nil, err
	}
	return r.bytes()
}

// once reads the value of a field that may be there once for each key.
func (r *reader) once(key []byte, name string) ([]byte, error) {
	if r.seen[string(key)] {
		return nil, FormatError("Duplicate Key, " + name + " already provided")
	}
	r.seen[string(key)] = true
	return r.bytes()
}

// sized reads a value that must have a size.
func (r *reader) sized(size int) ([]byte, error) {
	value, err := r.bytes()
	if err == nil && len(value) != size {
		err = errSize
	}
	return value, err
}

// hash reads a value of 32 bytes of a field whose key is its type.
func (r *reader) hash(key []byte, lower, upper string) ([32]byte, error) {
	if err := r.alone(key, lower, upper); err != nil {
		return [32]byte{}, err
	}
	value, err := r.sized(32)
	if err != nil {
		return [32]byte{}, err
	}
	return [32]byte(value), nil
}

// other reads a field that is not of the format itself.
func (r *reader) other(typ uint64, key []byte, proprietary *[]Proprietary, unknown *[]Field) error {
	if r.seen[string(key)] {
		if typ == proprietaryType {
			return errOwn
		}
		return errUnknown
	}
	r.seen[string(key)] = true
	if typ != proprietaryType {
		value, err := r.bytes()
		if err != nil {
			return err
		}
		*unknown = append(*unknown, Field{key, value})
		return nil
	}
	_, rest, err := compactSize(key, errKeyEnd)
	if err != nil {
		return err
	}
	size, rest, err := compactSize(rest, errKeyEnd)
	if err != nil {
		return err
	}
	if size > uint64(len(rest)) {
		return errKeyEnd
	}
	subType, _, err := compactSize(rest[size:], errKeyEnd)
	if err != nil {
		return err
	}
	value, err := r.bytes()
	if err != nil {
		return err
	}
	*proprietary = append(*proprietary, Proprietary{Field{key, value}, rest[:size:size], subType})
	return nil
}

// origin reads an origin behind its length.
func (r *reader) origin() (sign.Origin, error) {
	value, err := r.bytes()
	if err != nil {
		return sign.Origin{}, err
	}
	return parseOrigin(value)
}

// parseOrigin reads a fingerprint and the steps of a path, four bytes each.
func parseOrigin(b []byte) (o sign.Origin, err error) {
	if len(b)%4 != 0 || len(b) == 0 {
		return o, errPath
	}
	o.Fingerprint = [4]byte(b)
	for b = b[4:]; len(b) > 0; b = b[4:] {
		o.Path = append(o.Path, binary.LittleEndian.Uint32(b))
	}
	return o, nil
}

func (r *reader) derivation(key []byte, list []Derivation) ([]Derivation, error) {
	if len(key) != sig.UncompressedSize+1 && len(key) != sig.CompressedSize+1 {
		return nil, FormatError("Size of key was not the expected size for the type BIP32 keypath")
	}
	if !sig.ValidPubKey(key[1:]) {
		return nil, errPubKey
	}
	value, err := r.once(key, "pubkey derivation path")
	if err != nil {
		return nil, err
	}
	o, err := parseOrigin(value)
	return append(list, Derivation{PubKey: key[1:], Origin: o}), err
}

func (r *reader) preimage(key []byte, list []Preimage, size int, name string) ([]Preimage, error) {
	if len(key) != size+1 {
		return nil, FormatError("Size of key was not the expected size for the type " + name + " preimage")
	}
	value, err := r.once(key, "input "+name+" preimage")
	return append(list, Preimage{key[1:], value}), err
}

// tapDerivation reads the hashes of leaves, behind their number, and an origin.
// As in Bitcoin Core the hashes may reach beyond the value that they stand in,
// which has an error of its own.
func (r *reader) tapDerivation(key []byte, list []TapDerivation, upper, lower string) ([]TapDerivation, error) {
	if r.seen[string(key)] {
		return nil, FormatError("Duplicate Key, " + lower + " Taproot BIP32 keypath already provided")
	}
	r.seen[string(key)] = true
	if len(key) != 33 {
		return nil, FormatError(upper + " Taproot BIP32 keypath key is not at 33 bytes")
	}
	size, value, err := compactSize(r.rest, errEnd)
	if err != nil {
		return nil, err
	}
	n, rest, err := compactSize(value, errEnd)
	if err != nil {
		return nil, err
	}
	if n > uint64(len(rest))/32 {
		return nil, errEnd
	}
	rest = rest[32*n:]
	used := uint64(len(value) - len(rest))
	if used > size {
		return nil, FormatError(upper + " Taproot BIP32 keypath has an invalid length")
	}
	if size > uint64(len(value)) {
		return nil, errEnd
	}
	d := TapDerivation{Key: [32]byte(key[1:])}
	if d.Origin, err = parseOrigin(value[used:size]); err != nil {
		return nil, err
	}
	hashes := value[used-32*n : used]
	for ; len(hashes) > 0; hashes = hashes[32:] {
		d.Leaves = append(d.Leaves, [32]byte(hashes))
	}
	slices.SortFunc(d.Leaves, compareHashes)
	d.Leaves = slices.Compact(d.Leaves)
	r.rest = value[size:]
	return append(list, d), nil
}

// witness reads the elements of a witness behind their number.
func (r *reader) witness(b []byte) ([][]byte, error) {
	n, rest, err := compactSize(b, errEnd)
	if err != nil {
		return nil, err
	}
	if n > uint64(len(rest)) {
		return nil, errSize // each element takes a byte at least
	}
	if n > uint64(r.left) {
		return nil, errMany
	}
	r.left -= int(n)
	inner := reader{rest: rest}
	var witness [][]byte
	for range n {
		element, err := inner.bytes()
		if errors.Is(err, errEnd) {
			return nil, errSize
		}
		if err != nil {
			return nil, err
		}
		witness = append(witness, element)
	}
	if len(inner.rest) > 0 {
		return nil, errSize
	}
	return witness, nil
}

const (
	maxTapDepth = 128 // BIP 341: the longest control block
	tapLeafMask = 0xfe
)

// tree reads the leaves of a tree, from left to right, each with its depth.
func (r *reader) tree(b []byte) ([]TapLeaf, error) {
	if len(b) == 0 {
		return nil, FormatError("Output Taproot tree must not be empty")
	}
	var leaves []TapLeaf
	// open has, for the depths from the root down to the last leaf, whether a
	// subtree stands there that waits for its sibling.
	var open []bool
	whole := true
	for len(b) > 0 {
		if len(b) < 2 {
			return nil, errKeyEnd
		}
		leaf := TapLeaf{Depth: b[0], Version: b[1]}
		n, rest, err := compactSize(b[2:], errKeyEnd)
		if err != nil {
			return nil, err
		}
		if n > uint64(len(rest)) {
			return nil, errKeyEnd
		}
		leaf.Script, b = rest[:n:n], rest[n:]
		if leaf.Depth > maxTapDepth {
			return nil, FormatError("Output Taproot tree has as leaf greater than Taproot maximum depth")
		}
		if leaf.Version&^tapLeafMask != 0 {
			return nil, FormatError("Output Taproot tree has a leaf with an invalid leaf version")
		}
		if err := r.count(); err != nil {
			return nil, err
		}
		leaves = append(leaves, leaf)
		open, whole = grow(open, int(leaf.Depth), whole)
	}
	if !whole || len(open) != 1 || !open[0] {
		return nil, FormatError("Output Taproot tree is malformed")
	}
	return leaves, nil
}

// grow adds a leaf at a depth to a tree; whole is whether it is one still.
func grow(open []bool, depth int, whole bool) ([]bool, bool) {
	if !whole || depth+1 < len(open) {
		return open, false
	}
	for depth < len(open) && open[depth] {
		// Two siblings become their parent.
		open = open[:depth]
		if depth--; depth < 0 {
			return open, false
		}
	}
	for len(open) <= depth {
		open = append(open, false)
	}
	open[depth] = true
	return open, true
}

// decodeTx reads a transaction that a value is.
func decodeTx(b []byte, decode func([]byte) (*wire.Tx, error)) (*wire.Tx, error) {
	tx, err := decode(b)
	switch {
	case err == nil:
		return tx, nil
	case errors.Is(err, wire.ErrNonCanonical):
		return nil, FormatError("non-canonical ReadCompactSize()")
	case errors.Is(err, wire.ErrTooLarge):
		return nil, FormatError("ReadCompactSize(): size too large")
	case errors.Is(err, wire.ErrWitnessFlag):
		return nil, FormatError("Unknown transaction optional data")
	case errors.Is(err, wire.ErrNoWitness):
		return nil, FormatError("Superfluous witness record")
	}
	return nil, errSize
}

// decodeTxOut reads an output that a value is; nil if it is the one that stands
// for none.
func decodeTxOut(b []byte) (*wire.TxOut, error) {
	if len(b) < 8 {
		return nil, errSize
	}
	out := &wire.TxOut{Value: wire.Amount(binary.LittleEndian.Uint64(b))}
	n, rest, err := compactSize(b[8:], errSize)
	if err != nil {
		return nil, err
	}
	if n != uint64(len(rest)) {
		return nil, errSize
	}
	out.PkScript = rest
	if out.Value == -1 {
		return nil, nil
	}
	return out, nil
}

// Path returns the text of a path, "m/84h/0".
func Path(path []uint32) string {
	var b strings.Builder
	b.WriteByte('m')
	for _, step := range path {
		fmt.Fprintf(&b, "/%d", step&^hardened)
		if step >= hardened {
			b.WriteByte('h')
		}
	}
	return b.String()
}

const hardened = 1 << 31
