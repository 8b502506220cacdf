package miner

import (
	"sync"

	"github.com/keelson-chain/keelson/miner/template"
	"github.com/keelson-chain/keelson/script"
)

// offerAge is for how many seconds of the node's clock Template shows the same
// transactions on one tip, whatever happens in the source (Bitcoin Core's).
const offerAge = 5

// offer is the template that miners outside are shown.
type offer struct {
	mu      sync.Mutex
	shown   *template.Template
	made    int64           // when, in seconds since 1970
	changed <-chan struct{} // closed: the source has changed since then
}

// Template returns what to search for whoever does it elsewhere: a template
// whose coinbase, which they replace, pays nobody in particular. Its
// transactions stay the same for some seconds, unless the tip changes.
func (m *Miner) Template() (*template.Template, error) {
	o := &m.offer
	o.mu.Lock()
	defer o.mu.Unlock()
	now := m.cfg.Now().Unix()
	stale := o.shown == nil || o.shown.Selection.State.Tip != m.cfg.Chain.Tip().Tip
	if !stale && isClosed(o.changed) {
		stale = now-o.made > offerAge
	}
	if stale {
		changed := m.sourceChanged()
		t, err := m.build([]byte{byte(script.Op1)})
		if err != nil {
			return nil, err
		}
		o.shown, o.made, o.changed = t, now, changed
	}
	return o.shown.WithTime(now), nil
}

// Outdated reports whether the source has changed since the template was made
// that had the sequence number of a selection: there may be a better one.
func (m *Miner) Outdated(sequence uint64) bool {
	o := &m.offer
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.shown == nil || o.shown.Selection.Sequence != sequence || isClosed(o.changed)
}

// sourceChanged is the source's Changed, nil without a source.
func (m *Miner) sourceChanged() <-chan struct{} {
	if m.cfg.Source == nil {
		return nil
	}
	return m.cfg.Source.Changed()
}

// isClosed reports whether a channel that nothing is sent on is closed.
func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
