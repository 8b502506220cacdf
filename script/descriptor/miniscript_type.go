package descriptor

import "github.com/keelson-chain/keelson/script"

// msType is the type of a miniscript expression: a basic type, and properties
// of which correctness, malleability and the mixing of time locks follow. It is
// 0 for what is no expression at all (BIP 379, "Type System").
type msType uint32

const (
	base           msType = 1 << iota // B: pushes whether it is satisfied
	verifies                          // V: fails unless it is
	keyed                             // K: pushes a key
	wrapped                           // W: B, of what lies one below the top
	zeroArg                           // z: consumes nothing
	oneArg                            // o: consumes one element
	nonzero                           // n: the top element is never zero if it is satisfied
	dissatisfied                      // d: can be dissatisfied without a signature
	unit                              // u: pushes 1, not just something that is true
	expression                        // e: has one way to be dissatisfied
	forced                            // f: cannot be dissatisfied without a signature
	safe                              // s: cannot be satisfied without one
	nonMalleable                      // m
	exposed                           // x: its last opcode has no form that verifies
	relativeTime                      // g: older() of a time
	relativeHeight                    // h
	absoluteTime                      // i: after() of a time
	absoluteHeight                    // j
	unmixed                           // k: no way to satisfy it needs locks of time and of height of one kind

	basic = base | verifies | keyed | wrapped
	locks = relativeTime | relativeHeight | absoluteTime | absoluteHeight
)

// has reports whether t has all properties of u.
func (t msType) has(u msType) bool { return t&u == u }

// when is t if the condition holds.
func (t msType) when(condition bool) msType {
	if condition {
		return t
	}
	return 0
}

// mixed reports whether two expressions that are both needed mix locks.
func mixed(x, y msType) bool {
	return x.has(relativeTime) && y.has(relativeHeight) || x.has(relativeHeight) && y.has(relativeTime) ||
		x.has(absoluteTime) && y.has(absoluteHeight) || x.has(absoluteHeight) && y.has(absoluteTime)
}

const (
	sequenceTime = 1 << 22     // the flag of a relative time (BIP 68)
	lockTimeTime = 500_000_000 // the least absolute time
)

// typeOf works the type of m out from those of its parts.
func (m *miniscript) typeOf() msType {
	t := m.rawType()
	if t&basic == 0 {
		return 0
	}
	return t
}

func (m *miniscript) rawType() msType {
	var x, y, z msType
	for i, into := range []*msType{&x, &y, &z} {
		if i < len(m.subs) {
			*into = m.subs[i].typ
		}
	}
	const signature = dissatisfied | unit | expression | nonMalleable | safe | unmixed
	switch m.fragment {
	case just0:
		return base | zeroArg | signature | exposed
	case just1:
		return base | zeroArg | unit | forced | nonMalleable | exposed | unmixed
	case pkK:
		return keyed | oneArg | nonzero | signature | exposed
	case pkH:
		return keyed | nonzero | signature | exposed
	case older:
		isTime := m.number&sequenceTime != 0
		return base | zeroArg | forced | nonMalleable | exposed | unmixed | relativeTime.when(isTime) | relativeHeight.when(!isTime)
	case after:
		isTime := m.number >= lockTimeTime
		return base | zeroArg | forced | nonMalleable | exposed | unmixed | absoluteTime.when(isTime) | absoluteHeight.when(!isTime)
	case sha256Of, hash256Of, ripemd160Of, hash160Of:
		return base | oneArg | nonzero | unit | dissatisfied | nonMalleable | unmixed
	case multiKeys:
		return base | nonzero | signature
	case multiAKeys:
		return base | signature
	case thresh:
		return m.threshType()
	case andV, andB, andOr:
		return m.andType(x, y, z)
	case orB, orC, orD, orI:
		return m.orType(x, y)
	}
	return m.wrapperType(x)
}

func (m *miniscript) wrapperType(x msType) msType {
	t := x & (locks | unmixed | nonMalleable)
	const fate = dissatisfied | forced | expression
	switch m.fragment {
	case wrapA:
		return t | wrapped.when(x.has(base)) | x&(unit|fate|safe) | exposed
	case wrapS:
		return t | wrapped.when(x.has(base|oneArg)) | x&(unit|fate|safe|exposed)
	case wrapC:
		return t | base.when(x.has(keyed)) | x&(oneArg|nonzero|fate) | unit | safe
	case wrapD:
		// The argument is 1 by consensus in tapscript, by policy alone in wsh().
		return t | base.when(x.has(verifies|zeroArg)) | oneArg.when(x.has(zeroArg)) | expression.when(x.has(forced)) |
			x&safe | unit.when(m.tapscript) | nonzero | dissatisfied | exposed
	case wrapV:
		return t | verifies.when(x.has(base)) | x&(zeroArg|oneArg|nonzero|safe) | forced | exposed
	case wrapJ:
		return t | base.when(x.has(base|nonzero)) | expression.when(x.has(forced)) |
			x&(oneArg|unit|safe) | nonzero | dissatisfied | exposed
	default: // wrapN
		return t | x&(base|zeroArg|oneArg|nonzero|fate|safe) | unit | exposed
	}
}

func (m *miniscript) andType(x, y, z msType) msType {
	either, both := x|y, x&y
	t := either&locks | unmixed.when(both.has(unmixed) && !mixed(x, y))
	oneOfTwo := (either & oneArg).when(either.has(zeroArg))
	first := x&nonzero | (y & nonzero).when(x.has(zeroArg))
	switch m.fragment {
	case andV:
		return t | (y & (keyed | verifies | base)).when(x.has(verifies)) | first | oneOfTwo |
			both&(dissatisfied|nonMalleable|zeroArg) | either&safe |
			forced.when(y.has(forced) || x.has(safe)) | y&(unit|exposed)
	case andB:
		return t | (x & base).when(y.has(wrapped)) | first | oneOfTwo |
			(both & expression).when(both.has(safe)) | both&(dissatisfied|zeroArg|nonMalleable) |
			forced.when(both.has(forced) || x.has(safe|forced) || y.has(safe|forced)) |
			either&safe | unit | exposed
	default: // andOr
		t = (either|z)&locks | unmixed.when((both&z).has(unmixed) && !mixed(x, y))
		ends := x.has(safe) || y.has(forced)
		return t | (y & z & (base | keyed | verifies)).when(x.has(base|dissatisfied|unit)) | both&z&zeroArg |
			((x | y&z) & oneArg).when((x | y&z).has(zeroArg)) | y&z&unit | (z & forced).when(ends) |
			z&dissatisfied | (z & expression).when(ends) |
			(both & z & nonMalleable).when(x.has(expression) && (either|z).has(safe)) | z&either&safe | exposed
	}
}

func (m *miniscript) orType(x, y msType) msType {
	either, both := x|y, x&y
	t := either&locks | both&unmixed
	switch m.fragment {
	case orB:
		return t | base.when(x.has(base|dissatisfied) && y.has(wrapped|dissatisfied)) |
			(either & oneArg).when(either.has(zeroArg)) |
			(both & nonMalleable).when(either.has(safe) && both.has(expression)) |
			both&(zeroArg|safe|expression) | dissatisfied | unit | exposed
	case orI:
		return t | both&(verifies|base|keyed|unit|forced|safe) | oneArg.when(both.has(zeroArg)) |
			(either & expression).when(either.has(forced)) | (both & nonMalleable).when(either.has(safe)) |
			either&dissatisfied | exposed
	}
	t |= (x & oneArg).when(y.has(zeroArg)) | (both & nonMalleable).when(x.has(expression) && either.has(safe)) |
		both&(zeroArg|safe) | exposed
	first := x.has(base | dissatisfied | unit)
	if m.fragment == orC {
		return t | (y & verifies).when(first) | forced
	}
	return t | (y & base).when(first) | y&(unit|forced|dissatisfied|expression)
}

func (m *miniscript) threshType() msType {
	allE, allM, args, signed := true, true, 0, 0
	t := unmixed
	for i, sub := range m.subs {
		s, want := sub.typ, wrapped|dissatisfied|unit
		if i == 0 {
			want = base | dissatisfied | unit
		}
		if !s.has(want) {
			return 0
		}
		allE, allM = allE && s.has(expression), allM && s.has(nonMalleable)
		if s.has(safe) {
			signed++
		}
		switch {
		case s.has(zeroArg):
		case s.has(oneArg):
			args++
		default:
			args += 2
		}
		// Where one subexpression is enough, none of two is needed with the other.
		t = (t|s)&locks | unmixed.when((t&s).has(unmixed) && (m.number <= 1 || !mixed(t, s)))
	}
	n, k := len(m.subs), int(m.number)
	return t | base | dissatisfied | unit | zeroArg.when(args == 0) | oneArg.when(args == 1) |
		expression.when(allE && signed == n) | nonMalleable.when(allE && allM && signed >= n-k) | safe.when(signed >= n-k+1)
}

// sizeOf is the size of the script.
func (m *miniscript) sizeOf() int {
	size := m.ownSize()
	for _, sub := range m.subs {
		size += sub.size
	}
	return size
}

// ownSize is what m adds to the sizes of its parts.
func (m *miniscript) ownSize() int {
	keySize := 1 + 33
	if m.tapscript {
		keySize = 1 + 32
	}
	switch m.fragment {
	case just0, just1:
		return 1
	case pkK:
		return keySize
	case pkH:
		return 3 + 21
	case older, after:
		return numberSize(m.number) + 1
	case sha256Of, hash256Of, ripemd160Of, hash160Of:
		return 4 + 2 + 1 + len(m.hash)
	case multiKeys:
		return numberSize(m.number) + keySize*len(m.keys) + numberSize(uint32(len(m.keys))) + 1
	case multiAKeys:
		return (keySize+1)*len(m.keys) + numberSize(m.number) + 1
	case thresh:
		return len(m.subs) - 1 + numberSize(m.number) + 1
	case wrapV:
		if m.subs[0].typ.has(exposed) {
			return 1
		}
		return 0
	}
	return len(layouts[m.fragment]) - len(m.subs)
}

// numberSize is the size of the instruction that pushes a number.
func numberSize(n uint32) int { return len(new(script.Builder).Int(int64(n)).Script()) }
