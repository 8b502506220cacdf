package rpc

import (
	"strconv"

	"github.com/keelson-chain/keelson/rpc/jsonrpc"
	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/script/address"
	"github.com/keelson-chain/keelson/script/descriptor"
)

func descriptorMethods() []method {
	return []method{
		{
			name: "getdescriptorinfo", category: "util", run: getdescriptorinfo,
			help:   "What an output descriptor says.",
			params: []param{need("descriptor", tString, "The descriptor")},
			results: one(rObject("", "",
				rString("descriptor", "the canonical form, with its checksum and without private keys"),
				rString("checksum", "the checksum of the descriptor as it was given"),
				rBool("isrange", "whether it stands for one script at each index"),
				rBool("issolvable", "whether it says how to spend what it receives, but for the private keys"),
				rBool("hasprivatekeys", "whether a private key was given"))),
			examples: []string{`"wpkh([d34db33f/84h/0h/0h]0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798)"`},
		},
		{
			name: "deriveaddresses", category: "util", run: deriveaddresses,
			help: "The addresses of an output descriptor.",
			params: []param{
				need("descriptor", tString, "The descriptor, with its checksum"),
				{names: "range", typ: tNumber, anyType: true, typeText: "numeric or array",
					help: "Of a ranged descriptor: the last index, or [first,last]"},
			},
			results:  one(rArray("", "", rString("", "an address"))),
			examples: []string{`"wpkh([d34db33f/84h/0h/0h]xpub6DJ2dNUysrn5Vt36jH2KLBT2i1auw1tTSSomg8PhqNiUtx8QX2SvC9nrHu81fT41fvDUnhMjEzQgXnQjKEu3oaqMSzhSrHMxyyoEAmUHQbY/0/*)#cjjspncu" "[0,2]"`},
		},
	}
}

var errCannotDerive = jsonrpc.Errorf(jsonrpc.CodeInvalidAddress, "%v", descriptor.ErrPrivateKeys)

func getdescriptorinfo(c *call) (any, error) {
	text := c.text(0)
	if c.err != nil {
		return nil, c.err
	}
	d, err := descriptor.Parse(&c.s.cfg.Params.Address, text, false)
	if err != nil {
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidAddress, "%v", err)
	}
	var o jsonrpc.Object
	o.Add("descriptor", d.String())
	o.Add("checksum", d.Checksum())
	o.Add("isrange", d.IsRange())
	o.Add("issolvable", d.IsSolvable())
	o.Add("hasprivatekeys", d.HasPrivateKeys())
	return o, nil
}

func deriveaddresses(c *call) (any, error) {
	text := c.text(0)
	var first, last int64
	if c.has(1) {
		first, last = c.indices(1)
	}
	if c.err != nil {
		return nil, c.err
	}
	prefixes := &c.s.cfg.Params.Address
	d, err := descriptor.Parse(prefixes, text, true)
	switch {
	case err != nil:
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidAddress, "%v", err)
	case !d.IsRange() && c.params.Len() > 1:
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, "Range should not be specified for an un-ranged descriptor")
	case d.IsRange() && c.params.Len() == 1:
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, "Range must be specified for a ranged descriptor")
	}
	addresses := []string{}
	for i := first; i <= last; i++ {
		if c.ctx.Err() != nil {
			return nil, c.ctx.Err()
		}
		scripts, err := d.Scripts(uint32(i))
		if err != nil {
			return nil, errCannotDerive
		}
		for _, s := range scripts {
			if text, ok := address.Encode(prefixes, s); ok {
				addresses = append(addresses, text)
			} else if class, _ := script.Classify(s); len(scripts) == 1 || class != script.PubKey {
				return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidAddress, "Descriptor does not have a corresponding address")
			}
		}
	}
	return addresses, nil
}

// maxIndices is how many indices of a descriptor one call takes.
const maxIndices = 1_000_000

// indices reads the range of a descriptor: its last index, or the first and
// the last one.
func (c *call) indices(i int) (first, last int64) { return c.indicesOf(c.params.At(i)) }

// indicesOf is indices for any value.
func (c *call) indicesOf(v *jsonrpc.Value) (first, last int64) {
	refuse := func(text string) (int64, int64) {
		c.fail(jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, "%s", text))
		return 0, 0
	}
	integer := func(v *jsonrpc.Value) int64 {
		n, err := strconv.ParseInt(v.Text, 10, 64)
		if err != nil {
			c.fail(errIntegerRange)
		}
		return n
	}
	switch {
	case v.Kind == jsonrpc.Number:
		last = integer(v)
	case v.Kind == jsonrpc.Array && v.Len() == 2 && v.At(0).Kind == jsonrpc.Number && v.At(1).Kind == jsonrpc.Number:
		first, last = integer(v.At(0)), integer(v.At(1))
		if first > last {
			return refuse("Range specified as [begin,end] must not have begin after end")
		}
	default:
		return refuse("Range must be specified as end or as [begin,end]")
	}
	switch {
	case first < 0:
		return refuse("Range should be greater or equal than 0")
	case last < 0 || last > descriptor.MaxIndex:
		return refuse("End of range is too high")
	case last >= first+maxIndices:
		return refuse("Range is too large")
	}
	return first, last
}
