package descriptor

import (
	"bytes"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"

	"github.com/keelson-chain/keelson/script"
)

// Output is one output script of a descriptor.
type Output struct {
	Script []byte
	// Descriptor stands for this script alone, and is what Bitcoin Core says of it
	// to whoever knows the keys: each as it stands in scripts, with where it comes
	// from in front.
	Descriptor string
}

// Outputs returns what Scripts returns, with a descriptor for each. The errors are
// those of Scripts.
func (d *Descriptor) Outputs(index uint32) ([]Output, error) {
	scripts, err := d.Scripts(index)
	if err != nil {
		return nil, err
	}
	list := make([]Output, len(scripts))
	for i, s := range scripts {
		list[i].Script = s
	}
	at := &place{index: index, secrets: d.secrets}
	switch root := d.root.(type) {
	case addr, raw:
		list[0].Descriptor = Infer(d.prefixes, scripts[0])
		return list, nil
	case combo:
		k, err := root.key.at(at, false)
		if err != nil {
			return nil, err
		}
		for i, form := range []string{"pk(K)", "pkh(K)", "wpkh(K)", "sh(wpkh(K))"}[:len(list)] {
			list[i].Descriptor = withChecksum(strings.Replace(form, "K", k, 1))
		}
		return list, nil
	}
	text, err := d.concrete(at)
	if err != nil {
		return nil, err
	}
	list[0].Descriptor = withChecksum(text)
	return list, nil
}

// concrete returns the canonical form with the keys that stand at a place.
func (d *Descriptor) concrete(at *place) (string, error) {
	text := string(d.root.appendText(nil))
	xOnly := strings.HasPrefix(text, "tr(") || strings.HasPrefix(text, "rawtr(")
	var out strings.Builder
	for _, k := range d.keys { // in the order of the text
		before, after, ok := strings.Cut(text, string(k.appendText(nil)))
		if !ok {
			break
		}
		concrete, err := k.at(at, xOnly)
		if err != nil {
			return "", err
		}
		out.WriteString(before)
		out.WriteString(concrete)
		text = after
	}
	return sortKeys(out.String() + text), nil
}

// at returns the key that stands in scripts at a place, after its origin.
func (k *key) at(at *place, xOnly bool) (string, error) {
	pub, err := k.pubKey(at)
	if err != nil {
		return "", err
	}
	from := origin{}
	switch {
	case k.origin != nil:
		from = origin{k.origin.fingerprint, slices.Clone(k.origin.path)}
	case k.fixed != nil:
		id := script.Hash160(k.fixed)
		from.fingerprint = [4]byte(id[:4])
	default:
		id := script.Hash160(k.extended.Key[:])
		from.fingerprint = [4]byte(id[:4])
	}
	if k.fixed == nil {
		from.path = append(from.path, k.path...)
		switch k.wildcard {
		case plain:
			from.path = append(from.path, at.index)
		case hardened:
			from.path = append(from.path, at.index|1<<31)
		}
	}
	b := hex.AppendEncode([]byte{'['}, from.fingerprint[:])
	for _, step := range from.path {
		b = strconv.AppendUint(append(b, '/'), uint64(step&^(1<<31)), 10)
		if step >= 1<<31 {
			b = append(b, 'h')
		}
	}
	b = append(b, ']')
	if xOnly {
		pub = pub[1:33]
	}
	return string(hex.AppendEncode(b, pub)), nil
}

// sortKeys turns sortedmulti and sortedmulti_a, whose order a script does not tell,
// into multi and multi_a with the keys in that order.
func sortKeys(text string) string {
	const name = "sortedmulti"
	var out strings.Builder
	for {
		before, after, ok := strings.Cut(text, name)
		out.WriteString(before)
		if !ok {
			return out.String()
		}
		open := strings.IndexByte(after, '(')
		end := strings.IndexByte(after, ')')
		parts := strings.Split(after[open+1:end], ",")
		slices.SortFunc(parts[1:], func(a, b string) int {
			_, a, _ = strings.Cut(a, "]")
			_, b, _ = strings.Cut(b, "]")
			return bytes.Compare([]byte(a), []byte(b))
		})
		out.WriteString("multi" + after[:open+1] + strings.Join(parts, ","))
		text = after[end:]
	}
}
