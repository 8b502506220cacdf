package descriptor

import (
	"bytes"
	"encoding/hex"
	"math/rand/v2"
	"testing"

	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/script/sig"
	"github.com/keelson-chain/keelson/wire"
)

// always answers every question about a signature in one way.
type always bool

func (a always) Check(*sig.Check) bool { return bool(a) }
func (a always) Defer(*sig.Check) bool { return bool(a) }

var (
	preimage = bytes.Repeat([]byte{7}, 32)
	// signature has the form of one.
	signature = []byte{0x30, 6, 2, 1, 1, 2, 1, 1, 1}
	empty     = []byte{}
	truth     = []byte{1}
)

// checkSpends spends an output of a sane miniscript by the script engine, in
// random ways of which BIP 379 says that they satisfy it. All must, and none
// without valid signatures.
func checkSpends(t *testing.T, r *rand.Rand, text string, m *miniscript, witnessScript []byte) {
	t.Helper()
	for range 3 {
		elements, ok := m.satisfy(r, true)
		if !ok {
			t.Fatalf("%s: no way to satisfy it", text)
		}
		if most := m.stack.sat.start + 1; len(elements) > most {
			t.Fatalf("%s: %d elements, and at most %d were expected", text, len(elements), most)
		}
		pkScript, err := wsh{raw(witnessScript)}.script(nil)
		if err != nil {
			t.Fatal(err)
		}
		tx := &wire.Tx{Version: 2, LockTime: 2000, Inputs: []wire.TxIn{{Sequence: 0xffff, Witness: append(elements, witnessScript)}}}
		hashes := script.NewSigHashes(tx, []wire.TxOut{{Value: wire.Coin, PkScript: pkScript}})
		if err := script.Verify(hashes, 0, script.StandardFlags, always(true)); err != nil {
			t.Fatalf("%s: %x: %v", text, tx.Inputs[0].Witness, err)
		}
		if err := script.Verify(hashes, 0, script.MandatoryFlags, always(false)); err == nil {
			t.Fatalf("%s: %x: satisfied without a signature", text, tx.Inputs[0].Witness)
		}
	}
}

// satisfy returns what satisfies m, or dissatisfies it, on the stack with the
// top last, and false if nothing does. Of many ways it takes any.
func (m *miniscript) satisfy(r *rand.Rand, yes bool) ([][]byte, bool) {
	// each is a way: the subexpressions from the bottom of the stack to its
	// top, satisfied if not negative (place 0 is 1), and what lies on top.
	type way struct {
		subs []int
		then [][]byte
	}
	var ways []way
	both := func(then ...[]byte) []way { return []way{{[]int{1}, then}} }
	if !yes {
		both = func(then ...[]byte) []way { return []way{{[]int{-1}, then}} }
	}
	switch m.fragment {
	case just0:
		return nil, !yes
	case just1, older, after:
		return nil, yes
	case pkK:
		return [][]byte{either(yes, signature, empty)}, true
	case pkH:
		return [][]byte{either(yes, signature, empty), m.keys[0].fixed}, true
	case sha256Of, hash256Of, ripemd160Of, hash160Of:
		return [][]byte{either(yes, preimage, make([]byte, 32))}, true
	case multiKeys:
		list := [][]byte{empty}
		for range m.number {
			list = append(list, either(yes, signature, empty))
		}
		return list, true
	case thresh:
		return m.satisfyThresh(r, yes)
	case wrapA, wrapS, wrapC, wrapN:
		ways = both()
	case wrapV:
		if yes {
			ways = both()
		}
	case wrapD, wrapJ:
		switch {
		case !yes:
			return [][]byte{empty}, true
		case m.fragment == wrapD:
			ways = both(truth)
		default:
			ways = both()
		}
	case andV:
		if yes {
			ways = []way{{subs: []int{2, 1}}}
		}
	case andB:
		ways = []way{{subs: []int{2, 1}}}
		if !yes {
			ways = []way{{subs: []int{-2, -1}}}
		}
	case orB:
		ways = []way{{subs: []int{-2, 1}}, {subs: []int{2, -1}}}
		if !yes {
			ways = []way{{subs: []int{-2, -1}}}
		}
	case orC, orD:
		ways = []way{{subs: []int{1}}, {subs: []int{2, -1}}}
		if !yes {
			ways = []way{{subs: []int{-2, -1}}}[:min(1, int(m.fragment-orC))]
		}
	case orI:
		ways = []way{{[]int{1}, [][]byte{truth}}, {[]int{2}, [][]byte{empty}}}
		if !yes {
			ways = []way{{[]int{-1}, [][]byte{truth}}, {[]int{-2}, [][]byte{empty}}}
		}
	case andOr:
		ways = []way{{subs: []int{2, 1}}, {subs: []int{3, -1}}}
		if !yes {
			ways = []way{{subs: []int{-3, -1}}}
		}
	}
next:
	for _, i := range r.Perm(len(ways)) {
		var list [][]byte
		for _, place := range ways[i].subs {
			part, ok := m.subs[max(place, -place)-1].satisfy(r, place > 0)
			if !ok {
				continue next
			}
			list = append(list, part...)
		}
		return append(list, ways[i].then...), true
	}
	return nil, false
}

// satisfyThresh satisfies as many subexpressions as it takes, or none.
func (m *miniscript) satisfyThresh(r *rand.Rand, yes bool) ([][]byte, bool) {
	n := len(m.subs)
	parts := make([][][]byte, n)
	left := int(m.number)
	if !yes {
		left = 0
	}
	order := r.Perm(n)
	for j, i := range order {
		// Those that cannot be dissatisfied have none of their kind here.
		part, ok := m.subs[i].satisfy(r, left > 0)
		if !ok && left > 0 && n-j > left {
			part, ok = m.subs[i].satisfy(r, false)
		} else if left > 0 {
			left--
		}
		if !ok {
			return nil, false
		}
		parts[i] = part
	}
	var list [][]byte
	for i := range n {
		list = append(list, parts[n-1-i]...)
	}
	return list, left == 0
}

func either(yes bool, a, b []byte) []byte {
	if yes {
		return a
	}
	return b
}

// TestSpendHTLC spends a contract as it is written in practice: with a
// preimage, or after a while.
func TestSpendHTLC(t *testing.T) {
	hash := script.Hash160(preimage)
	text := "wsh(andor(pk(" + key1 + "),hash160(" + hex.EncodeToString(hash[:]) + "),and_v(v:pk(" + key2 + "),older(144))))"
	d, err := Parse(mainnet, text, false)
	if err != nil {
		t.Fatal(err)
	}
	m := d.root.(wsh).inner.(*miniscript)
	checkSpends(t, rand.New(rand.NewPCG(1, 1)), text, m, witnessOf(t, text))
}
