package descriptor

import "github.com/keelson-chain/keelson/script"

// What a miniscript needs at most when it runs, over all ways to satisfy it
// and, for the sake of the expressions around it, to dissatisfy it.

const (
	maxWitnessScript = 3600   // bytes in wsh(), by policy
	maxWitnessItems  = 100    // elements for it, by policy
	maxTapscript     = 329482 // bytes: what is left of a standard transaction around it, with the largest witness
)

// maxScript is the size of a script at most.
func maxScript(tapscript bool) int {
	if tapscript {
		return maxTapscript
	}
	return maxWitnessScript
}

// most is a maximum; some is false for that of nothing.
type most struct {
	n    int
	some bool
}

func some(n int) most { return most{n, true} }

// and is the most that two together need.
func (a most) and(b most) most {
	if !a.some || !b.some {
		return most{}
	}
	return some(a.n + b.n)
}

// or is the most that either needs.
func (a most) or(b most) most {
	switch {
	case !a.some:
		return b
	case !b.some:
		return a
	}
	return some(max(a.n, b.n))
}

// opCounts counts what the limit of opcodes in a script counts: the opcodes, run
// or not, and the keys of each OP_CHECKMULTISIG that runs.
type opCounts struct {
	opcodes   int
	sat, dsat most // keys
}

// opsOf counts for wsh() alone: tapscript has no such limit.
func (m *miniscript) opsOf() opCounts {
	if m.tapscript {
		return opCounts{}
	}
	var x, y, z opCounts
	opcodes := 0
	for i, sub := range m.subs {
		opcodes += sub.ops.opcodes
		switch i {
		case 0:
			x = sub.ops
		case 1:
			y = sub.ops
		case 2:
			z = sub.ops
		}
	}
	never, zero := most{}, some(0)
	switch m.fragment {
	case just0:
		return opCounts{0, never, zero}
	case just1:
		return opCounts{0, zero, never}
	case pkK:
		return opCounts{0, zero, zero}
	case pkH:
		return opCounts{3, zero, zero}
	case older, after:
		return opCounts{1, zero, never}
	case sha256Of, hash256Of, ripemd160Of, hash160Of:
		return opCounts{4, zero, never}
	case multiKeys:
		n := some(len(m.keys))
		return opCounts{1, n, n}
	case multiAKeys:
		return opCounts{len(m.keys) + 1, zero, zero}
	case thresh:
		sat, dsat := m.thresholdOps()
		return opCounts{opcodes + len(m.subs), sat, dsat}
	}
	opcodes += len(layouts[m.fragment]) - len(m.subs)
	switch m.fragment {
	case wrapD, wrapJ:
		return opCounts{opcodes, x.sat, zero}
	case wrapV:
		return opCounts{opcodes + m.ownSize(), x.sat, never}
	case andV:
		return opCounts{opcodes, x.sat.and(y.sat), never}
	case andB:
		return opCounts{opcodes, x.sat.and(y.sat), x.dsat.and(y.dsat)}
	case orB:
		return opCounts{opcodes, x.sat.and(y.dsat).or(y.sat.and(x.dsat)), x.dsat.and(y.dsat)}
	case orC:
		return opCounts{opcodes, x.sat.or(y.sat.and(x.dsat)), never}
	case orD:
		return opCounts{opcodes, x.sat.or(y.sat.and(x.dsat)), x.dsat.and(y.dsat)}
	case orI:
		return opCounts{opcodes, x.sat.or(y.sat), x.dsat.or(y.dsat)}
	case andOr:
		return opCounts{opcodes, y.sat.and(x.sat).or(x.dsat.and(z.sat)), x.dsat.and(z.dsat)}
	}
	return opCounts{opcodes, x.sat, x.dsat} // the other wrappers
}

// thresholdOps is for thresh(): among the ways to satisfy j of the first i
// subexpressions, for all j, those of i + 1 follow.
func (m *miniscript) thresholdOps() (sat, dsat most) {
	ways := []most{some(0)}
	for _, sub := range m.subs {
		next := make([]most, len(ways)+1)
		for j, way := range ways {
			next[j] = next[j].or(way.and(sub.ops.dsat))
			next[j+1] = next[j+1].or(way.and(sub.ops.sat))
		}
		ways = next
	}
	return ways[m.number], ways[0]
}

// trace is how the stack goes, over a set of ways to run a script: how much
// higher it can be at the start than at the end, and how much higher it can be
// anywhere. some is false for the empty set.
type trace struct {
	start, peak int
	some        bool
}

// then is running a before b.
func (a trace) then(b trace) trace {
	if !a.some || !b.some {
		return trace{}
	}
	return trace{a.start + b.start, max(b.peak, b.start+a.peak), true}
}

// or is running either.
func (a trace) or(b trace) trace {
	switch {
	case !a.some:
		return b
	case !b.some:
		return a
	}
	return trace{max(a.start, b.start), max(a.peak, b.peak), true}
}

// The traces of opcodes.
var (
	noop  = trace{0, 0, true}  // leaves as many elements as it finds
	push  = trace{-1, 0, true} // leaves one more, like OP_DUP and OP_SIZE
	pop   = trace{1, 1, true}  // leaves one less, like OP_IF and OP_ADD
	pop2  = trace{2, 2, true}  // OP_EQUALVERIFY
	never = trace{}
)

// stackSizes are the traces of satisfying and dissatisfying.
type stackSizes struct{ sat, dsat trace }

func (m *miniscript) stackOf() stackSizes {
	var x, y, z stackSizes
	for i, sub := range m.subs {
		switch i {
		case 0:
			x = sub.stack
		case 1:
			y = sub.stack
		case 2:
			z = sub.stack
		}
	}
	switch m.fragment {
	case just0:
		return stackSizes{never, push}
	case just1, older, after:
		return stackSizes{push, never}
	case pkK:
		return stackSizes{push, push}
	case pkH:
		t := push.then(noop).then(push).then(pop2)
		return stackSizes{t, t}
	case sha256Of, hash256Of, ripemd160Of, hash160Of:
		return stackSizes{push.then(push).then(pop2).then(noop).then(push).then(pop), never}
	case multiKeys:
		// From an extra element and k signatures to n keys and two numbers more,
		// to one element.
		n, k := len(m.keys), int(m.number)
		t := trace{k, k + n + 2, true}
		return stackSizes{t, t}
	case multiAKeys:
		n := len(m.keys)
		t := trace{n - 1, n, true}
		return stackSizes{t, t}
	case wrapC:
		return stackSizes{x.sat.then(pop), x.dsat.then(pop)}
	case wrapD, wrapJ: // OP_0NOTEQUAL changes nothing
		return stackSizes{push.then(pop).then(x.sat), push.then(pop)}
	case wrapV:
		return stackSizes{x.sat.then(pop), never}
	case andV:
		return stackSizes{x.sat.then(y.sat), never}
	case andB:
		return stackSizes{x.sat.then(y.sat).then(pop), x.dsat.then(y.dsat).then(pop)}
	case orB:
		return stackSizes{x.sat.then(y.dsat).or(x.dsat.then(y.sat)).then(pop), x.dsat.then(y.dsat).then(pop)}
	case orC:
		return stackSizes{x.sat.then(pop).or(x.dsat.then(pop).then(y.sat)), never}
	case orD: // OP_IFDUP pushes if it is satisfied
		return stackSizes{x.sat.then(push).then(pop).or(x.dsat.then(pop).then(y.sat)), x.dsat.then(pop).then(y.dsat)}
	case orI:
		return stackSizes{pop.then(x.sat.or(y.sat)), pop.then(x.dsat.or(y.dsat))}
	case andOr:
		return stackSizes{x.sat.then(pop).then(y.sat).or(x.dsat.then(pop).then(z.sat)), x.dsat.then(pop).then(z.dsat)}
	case thresh:
		return m.thresholdStack()
	}
	return x // the other wrappers
}

// thresholdStack is like thresholdOps.
func (m *miniscript) thresholdStack() stackSizes {
	ways := []trace{noop}
	for i, sub := range m.subs {
		add := pop
		if i == 0 {
			add = noop
		}
		next := make([]trace, len(ways)+1)
		for j, way := range ways {
			next[j] = next[j].or(way.then(sub.stack.dsat).then(add))
			next[j+1] = next[j+1].or(way.then(sub.stack.sat).then(add))
		}
		ways = next
	}
	end := push.then(pop)
	return stackSizes{ways[m.number].then(end), ways[0].then(end)}
}

// withinLimits reports whether every way to satisfy m that is found can run.
func (m *miniscript) withinLimits() bool {
	if !m.valid() {
		return false
	}
	sat := m.stack.sat
	left := 0 // elements at the end
	if m.typ&(base|keyed|wrapped) != 0 {
		left = 1
	}
	if m.tapscript {
		return !sat.some || sat.peak+left <= script.MaxStackSize
	}
	return (!m.ops.sat.some || m.ops.opcodes+m.ops.sat.n <= script.MaxOpsPerScript) && (!sat.some || sat.start+left <= maxWitnessItems)
}
