package address

import (
	"slices"
	"strings"
)

// locate says why s is not bech32, in Bitcoin Core's words, and at which
// characters. One or two wrong characters of the data are found by their
// effect on the checksum: the code tells apart any two patterns of two errors.
// The right characters are not revealed, since a guess would be taken for the
// truth (BIP 173, "Error locating").
func locate(s string) *Error {
	if len(s) > bech32Limit {
		e := &Error{Text: "Bech32 string too long"}
		for i := bech32Limit; i < len(s); i++ {
			e.Locations = append(e.Locations, i)
		}
		return e
	}
	if odd := oddCharacters(s); len(odd) > 0 {
		return &Error{Text: "Invalid character or mixed case", Locations: odd}
	}
	sep := strings.LastIndexByte(s, '1')
	if sep < 0 {
		return &Error{Text: "Missing separator"}
	}
	if sep == 0 || sep+bech32Checksum >= len(s) {
		return &Error{Text: "Invalid separator position", Locations: []int{sep}}
	}
	values, bad := bech32Values(s[sep+1:])
	if bad >= 0 {
		return &Error{Text: "Invalid Base 32 character", Locations: []int{sep + 1 + bad}}
	}
	residue := polymod(strings.ToLower(s[:sep]), values)

	// Which of the two checksums was meant nobody knows: the version, which
	// tells, may be wrong itself. Take the one with fewer errors.
	effects := errorEffects(len(values))
	e := &Error{Text: "Invalid checksum"}
	for _, meant := range []struct {
		enc  encoding
		text string
	}{{bech32, "Invalid Bech32 checksum"}, {bech32m, "Invalid Bech32m checksum"}} {
		found := effects.explain(residue ^ uint32(meant.enc))
		if len(found) == 0 || len(e.Locations) > 0 && len(found) >= len(e.Locations) {
			continue
		}
		for i := range found { // counted from the end
			found[i] = len(s) - 1 - found[i]
		}
		slices.Sort(found)
		e.Text, e.Locations = meant.text, found
	}
	return e
}

// effects are the effects on the checksum of every single error, with its
// place, counted from the end of the string.
type effects map[uint32]int

func errorEffects(length int) effects {
	m := make(effects, 31*length)
	for v := uint32(1); v < 32; v++ {
		c := v
		for place := range length {
			m[c] = place
			c = polymodStep(c, 0)
		}
	}
	return m
}

// explain returns the places of one or two errors with the given effect.
func (m effects) explain(effect uint32) []int {
	if p, ok := m[effect]; ok {
		return []int{p}
	}
	for e, p := range m {
		if q, ok := m[effect^e]; ok && q != p {
			return []int{p, q}
		}
	}
	return nil
}
