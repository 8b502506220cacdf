package descriptor

import "errors"

// valid reports whether m is an expression of some type, and not too large.
func (m *miniscript) valid() bool {
	return m.typ != 0 && m.size <= maxScript(m.tapscript)
}

// judge returns an error unless m is sane (BIP 379, "Resource limits" and
// "Malleability"): whoever reads it may rely on it that it can be spent as it
// says and in no other way.
func (m *miniscript) judge() error {
	bad, keys := m.firstInsane()
	sane := bad == nil && m.typ.has(base|safe)
	if sane && m.stack.sat.some {
		return nil
	}
	if bad == nil {
		bad = m
	}
	text := string(bad.appendText(nil))
	if !bad.valid() {
		return errors.New(text + " is invalid")
	}
	if sane {
		return errors.New(text + " is not satisfiable")
	}
	reason := ""
	switch {
	case !bad.typ.has(nonMalleable):
		reason = ": malleable witnesses exist"
	case bad == m && !bad.typ.has(safe):
		reason = ": witnesses without signature exist"
	case !bad.typ.has(unmixed):
		reason = ": contains mixes of timelocks expressed in blocks and seconds"
	case keys == nil:
		reason = ": contains duplicate public keys"
	case !bad.withinLimits():
		reason = ": needs witnesses that may exceed resource limits"
	}
	return errors.New(text + " is not sane" + reason)
}

// firstInsane returns the first expression, from the inside out, that nobody
// should use, or nil. keys are all that occur in m, or in the insane
// expression; they are nil if one of them occurs twice.
func (m *miniscript) firstInsane() (bad *miniscript, keys map[string]bool) {
	keys = map[string]bool{}
	twice := false
	add := func(id string) {
		twice = twice || keys[id]
		keys[id] = true
	}
	for _, k := range m.keys {
		add(k.identity())
	}
	for _, sub := range m.subs {
		bad, more := sub.firstInsane()
		if bad != nil {
			return bad, more
		}
		if len(more) > len(keys) {
			keys, more = more, keys
		}
		for id := range more {
			add(id)
		}
	}
	if twice {
		keys = nil
	}
	if !m.withinLimits() || !m.typ.has(nonMalleable|unmixed) || twice {
		return m, keys
	}
	return nil, keys
}

// identity is what tells a key from others: the key at the first place, or the
// expression where that takes private keys, not all of which are known yet.
func (k *key) identity() string {
	if !k.isHardened() {
		if b, err := k.pubKey(&place{}); err == nil {
			return string(b)
		}
	}
	return string(k.appendText(nil))
}
