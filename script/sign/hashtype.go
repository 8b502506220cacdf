package sign

import "github.com/keelson-chain/keelson/script"

// HashType says what signatures commit to: script.SigHashAll and its like.
// Default is SigHashAll outside of taproot.
type HashType byte

// Default is the hash type of who names none.
const Default HashType = script.SigHashDefault

const (
	all    = script.SigHashAll
	none   = script.SigHashNone
	single = script.SigHashSingle
	anyone = script.SigHashAnyOneCanPay
)

var hashTypes = [...]struct {
	name string
	t    HashType
}{
	{"DEFAULT", Default},
	{"ALL", all},
	{"ALL|ANYONECANPAY", all | anyone},
	{"NONE", none},
	{"NONE|ANYONECANPAY", none | anyone},
	{"SINGLE", single},
	{"SINGLE|ANYONECANPAY", single | anyone},
}

// ParseHashType reads Bitcoin Core's name of a hash type, "ALL|ANYONECANPAY".
func ParseHashType(name string) (HashType, bool) {
	for i := range hashTypes {
		if hashTypes[i].name == name {
			return hashTypes[i].t, true
		}
	}
	return 0, false
}

// String returns the name that ParseHashType reads, "" if t has none.
func (t HashType) String() string {
	for i := range hashTypes {
		if hashTypes[i].t == t {
			return hashTypes[i].name
		}
	}
	return ""
}

// single reports whether signatures commit to the output of the input's index
// alone.
func (t HashType) single() bool { return t&^anyone == single }
